package api

import (
	"context"
	"net/http"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// AddressIn is what is to be different of an address; what is missing stays as it is.
type AddressIn struct {
	Name     *string `json:"name,omitempty" maxLength:"200"`
	Company  *string `json:"company,omitempty" maxLength:"200"`
	Phone    *string `json:"phone,omitempty" maxLength:"60"`
	Phone2   *string `json:"phone_2,omitempty" maxLength:"60"`
	Line1    *string `json:"line_1,omitempty" maxLength:"300"`
	Line2    *string `json:"line_2,omitempty" maxLength:"300"`
	District *string `json:"district,omitempty" maxLength:"100"`
	City     *string `json:"city,omitempty" maxLength:"100"`
	Province *string `json:"province,omitempty" maxLength:"100"`
	Postcode *string `json:"postcode,omitempty" maxLength:"20"`
}

// over lays what was said over an address.
func (in AddressIn) over(a privacy.Address) privacy.Address {
	for _, f := range []struct {
		said *string
		at   *string
	}{
		{in.Name, &a.Name},
		{in.Company, &a.Company},
		{in.Phone, &a.Phone},
		{in.Phone2, &a.Phone2},
		{in.Line1, &a.Line1},
		{in.Line2, &a.Line2},
		{in.District, &a.District},
		{in.City, &a.City},
		{in.Province, &a.Province},
		{in.Postcode, &a.Postcode},
	} {
		if f.said != nil {
			*f.at = *f.said
		}
	}
	a.Masked = false
	return a
}

type orderChange struct {
	Action
	Body struct {
		Cancel  *cancelBody `json:"cancel,omitempty" doc:"One of cancel, address and note"`
		Address *AddressIn  `json:"address,omitempty" doc:"Kept sealed; until something is packed"`
		Note    string      `json:"note,omitempty" maxLength:"2000" doc:"No personal data: the timeline is read by everybody"`
	}
}

type changeAction struct {
	Write
	ID     string `path:"id" maxLength:"200"`
	Change string `path:"change" maxLength:"100"`
}

func (in changeAction) resource() string { return in.Change }

// changeRoutes are change sets: a change is proposed and previewed on the version that was seen, then confirmed on that very version, or discarded.
func (s *Server) changeRoutes(tag string) {
	read(s, route{path: "/orders/{id}/changes", id: "list-order-changes", title: "Changes proposed of an order", tag: tag, text: "Oldest first."}, func(tx *db.Tx, in *One) (Page[order.ChangeSet], error) {
		v, err := s.Order.Get(tx, in.ID)
		if err != nil {
			return Page[order.ChangeSet]{}, err
		}
		all, err := s.Order.ChangeSets(tx, v.ID)
		return Page[order.ChangeSet]{Items: orEmpty(all)}, err
	})
	write(s, route{
		path: "/orders/{id}/changes", id: "propose-order-change", title: "Propose a change of an order", tag: tag, status: http.StatusCreated, outside: true,
		text: "Changes nothing yet: the answer has a preview. Confirm it, or discard it.",
	}, s.propose, s.showChange)
	// A draft is bound to the order's version that was previewed, so confirming it takes no If-Match: on another version it is refused.
	write(s, route{path: "/orders/{id}/changes/{change}/confirm", id: "confirm-order-change", title: "Carry a proposed change out", tag: tag, text: "On the version of the order that was previewed; 409 when it has changed since, so no If-Match."},
		func(ctx context.Context, c *call, in *changeAction) error {
			if err := s.changeOf(ctx, in); err != nil {
				return err
			}
			_, err := s.Order.Confirm(ctx, in.Change, c.actor)
			return err
		}, s.showChange)
	write(s, route{path: "/orders/{id}/changes/{change}/discard", id: "discard-order-change", title: "Give a proposed change up", tag: tag}, func(ctx context.Context, _ *call, in *changeAction) error {
		if err := s.changeOf(ctx, in); err != nil {
			return err
		}
		return s.Order.Discard(ctx, in.Change)
	}, s.showChange)
}

func (s *Server) showChange(tx *db.Tx, id string) (order.ChangeSet, error) {
	return s.Order.ChangeSet(tx, id)
}

// changeOf refuses a change of another order.
func (s *Server) changeOf(ctx context.Context, in *changeAction) error {
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		v, err := s.Order.Get(tx, in.ID)
		if err != nil {
			return err
		}
		set, err := s.Order.ChangeSet(tx, in.Change)
		if err == nil && set.Order != v.ID {
			err = fault.New(fault.NotFound, "order %s has no such change", v.Number)
		}
		return err
	})
}

func (s *Server) propose(ctx context.Context, c *call, in *orderChange) error {
	var head order.View
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		head, err = s.Order.Get(tx, in.ID)
		return err
	})
	if err != nil {
		return err
	}
	change := order.Change{Order: head.ID, Version: c.version, Note: in.Body.Note, Source: "api", Actor: c.actor}
	if in.Body.Cancel != nil {
		cut := in.Body.Cancel.of(head.ID, 0, c.actor)
		change.Cancel = &cut
	}
	if in.Body.Address != nil {
		if change.Address, err = s.readdress(ctx, c, head, *in.Body.Address); err != nil {
			return err
		}
	}
	set, err := s.Order.Propose(ctx, change)
	if err == nil {
		c.about(set.ID)
	}
	return err
}

// readdress seals an order's personal record with another address, and says of it what tax and routing need.
func (s *Server) readdress(ctx context.Context, c *call, head order.View, in AddressIn) (*order.Readdressing, error) {
	if s.Privacy == nil || s.Policy == nil {
		return nil, fault.New(fault.Refused, "this program keeps no addresses")
	}
	rec := privacy.Record{Account: head.Account, External: head.External, ShipTo: privacy.Address{Country: head.ShipCountry, Province: head.ShipProvince, City: head.ShipCity}}
	if head.Buyer != "" {
		var err error
		if rec, err = s.zones().Read(ctx, head.Account, head.Buyer, privacy.Reading{Actor: c.actor, Purpose: "change the address", RequestID: c.request}); err != nil {
			return nil, err
		}
	}
	rec.ShipTo = in.over(rec.ShipTo)
	if rec.ShipTo.Country == "" {
		rec.ShipTo.Country = head.ShipCountry
	}
	missing, err := s.Policy.CheckAddress(ctx, rec.ShipTo.Country, channel.Address(rec.ShipTo))
	if err != nil {
		return nil, err
	}
	sealed, err := s.zones().Save(ctx, rec)
	if err != nil {
		return nil, err
	}
	to := rec.ShipTo
	return &order.Readdressing{Record: sealed.ID, Country: to.Country, Province: to.Province, City: to.City, Postcode: to.Postcode, Complete: len(missing) == 0}, nil
}
