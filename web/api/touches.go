package api

import (
	"context"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// touch is a row that a request names elsewhere than in its path, or a part of the business it makes something in.
type touch struct {
	rows access.Rows
	ref  string // "" names nothing
	area access.Area
	make bool // something is made in the area
}

// toucher is a request that names rows in its parameters or body.
type toucher interface {
	touches(s *Server, ctx context.Context) ([]touch, error)
}

// touching refuses a request that names rows out of its caller's reach, in the words for rows that do not exist.
func (s *Server) touching(ctx context.Context, in any) error {
	t, ok := in.(toucher)
	reach := access.ReachOf(ctx)
	if !ok || reach.Everything() {
		return nil
	}
	all, err := t.touches(s, ctx)
	if err != nil {
		return err
	}
	for _, x := range all {
		switch {
		case x.make && !reach.Contains(x.area):
			return fault.New(fault.Forbidden, "that part of the business is not yours").WithCode("area")
		case x.make || x.ref == "":
		default:
			if err := s.within(ctx, x.rows, x.ref); err != nil {
				return err
			}
		}
	}
	return nil
}

func rowsAt(rows access.Rows, refs ...string) []touch {
	all := make([]touch, len(refs))
	for i, ref := range refs {
		all[i] = touch{rows: rows, ref: ref}
	}
	return all
}

// The parameters of lists.

func (in workList) touches(*Server, context.Context) ([]touch, error) {
	return append(rowsAt(access.Locations, in.Location), touch{rows: access.Orders, ref: in.Order}), nil
}

func (in pickListQuery) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Locations, in.Location), nil
}

func (in reservationList) touches(*Server, context.Context) ([]touch, error) {
	return append(rowsAt(access.Locations, in.Location), touch{rows: access.Orders, ref: in.Order}), nil
}

func (in levelList) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Locations, in.Location), nil
}

func (in movementList) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Locations, in.Location), nil
}

func (in explainQuery) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Accounts, in.Account), nil
}

func (in driftList) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Accounts, in.Account), nil
}

func (in returnList) touches(*Server, context.Context) ([]touch, error) {
	return append(rowsAt(access.Locations, in.Location), touch{rows: access.Orders, ref: in.Order}), nil
}

func (in shipmentList) touches(*Server, context.Context) ([]touch, error) {
	return append(rowsAt(access.Locations, in.Location), touch{rows: access.Orders, ref: in.Order}), nil
}

func (in listingList) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Accounts, in.Account), nil
}

// The bodies of writes.

func (in workMove) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Locations, in.Body.To), nil
}

func (in workMerge) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Fulfillments, in.Body.Other), nil
}

func (in orderSource) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Locations, in.Body.Location), nil
}

func (in orderRefund) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Returns, in.Body.Return), nil
}

func (in returnRequest) touches(*Server, context.Context) ([]touch, error) {
	return append(rowsAt(access.Locations, in.Body.Location), touch{rows: access.Orders, ref: in.Body.Order}), nil
}

func (in returnReceive) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Locations, in.Body.Location), nil
}

func (in stockSet) touches(*Server, context.Context) ([]touch, error) {
	var all []touch
	for _, it := range in.Body.Items {
		all = append(all, touch{rows: access.Locations, ref: it.Location})
	}
	return all, nil
}

func (in stockAdjust) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Locations, in.Body.Location), nil
}

func (in stockTransfer) touches(*Server, context.Context) ([]touch, error) {
	switch in.Body.Step { // who sends answers for where it leaves, who receives for where it comes
	case "send":
		return rowsAt(access.Locations, in.Body.From), nil
	case "receive":
		return rowsAt(access.Locations, in.Body.To), nil
	}
	return rowsAt(access.Locations, in.Body.From, in.Body.To), nil
}

func (in stockPolicy) touches(*Server, context.Context) ([]touch, error) {
	var all []touch
	for _, it := range in.Body.Safety {
		all = append(all, touch{rows: access.Locations, ref: it.Location})
	}
	for _, it := range in.Body.Buffers {
		all = append(all, touch{rows: access.Accounts, ref: it.Account})
	}
	return all, nil
}

func (in accountPlace) touches(*Server, context.Context) ([]touch, error) {
	return rowsAt(access.Locations, in.Location), nil
}

func (in accountAdd) touches(s *Server, ctx context.Context) ([]touch, error) {
	return s.madeIn(ctx, in.Body.LegalEntity, in.Body.Country)
}

func (in locationSave) touches(s *Server, ctx context.Context) ([]touch, error) {
	all, err := s.madeIn(ctx, in.Body.LegalEntity, in.Body.Country)
	if err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		_, err := s.Inventory.LocationByCode(tx, in.Code)
		return err
	})
	switch {
	case err == nil: // it is changed, not made: what it is now must be within reach too
		return append(all, touch{rows: access.Locations, ref: in.Code}), nil
	case fault.Is(err, fault.NotFound):
		return all, nil
	}
	return nil, err
}

func (in storefrontAdd) touches(*Server, context.Context) ([]touch, error) {
	return in.Body.StorefrontBody.touch(), nil
}

func (in storefrontChange) touches(*Server, context.Context) ([]touch, error) {
	return in.Body.touch(), nil
}

func (b StorefrontBody) touch() []touch {
	return rowsAt(access.Accounts, b.Account)
}

// madeIn is the part of the business that belongs to a company in a country.
func (s *Server) madeIn(ctx context.Context, entity, country string) ([]touch, error) {
	id, err := s.entity(ctx, entity, country)
	return []touch{{make: true, area: access.Area{LegalEntities: []string{id}, Countries: []string{country}}}}, err
}
