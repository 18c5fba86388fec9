package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// daraz is the stall at Daraz.
func (p *play) daraz() (*darazStall, error) {
	for _, s := range p.stalls {
		if d, ok := s.(*darazStall); ok {
			return d, nil
		}
	}
	return nil, errors.New("no stall is at Daraz")
}

// Short has a picker find the last free unit of a SKU missing: no other place can serve the order. Daraz runs a campaign with that SKU meanwhile, in which stock may rise
// and not fall, and refuses the lower number that it is told. Both cases arise by themselves; it answers the SKU once they are open.
func (s *Stage) Short(ctx context.Context) (sku string, err error) {
	stall, err := s.play.daraz()
	if err != nil {
		return "", err
	}
	err = s.play.until(ctx, "a unit is missing from a shelf", func(ctx context.Context) (string, error) {
		works, err := s.works(ctx)
		if err != nil {
			return "", err
		}
		for _, w := range works {
			l := w.Lines[0]
			if w.Country != "PK" {
				continue
			}
			stall.shop.Campaign(l.SKU, true, 0)
			if err = s.sellOut(ctx, l.Variant); err == nil {
				_, err = s.App.Fulfillment.Short(ctx, w.ID, 0, "demo staff", l.ID, 1)
			}
			if err == nil {
				sku = l.SKU
				return "", nil
			}
			stall.shop.Campaign(l.SKU, false, 0)
			if !fault.Is(err, fault.Conflict) {
				return "", err
			}
		}
		return fmt.Sprintf("%d orders wait for a picker", len(works)), nil
	})
	if err != nil {
		return "", err
	}
	err = s.play.until(ctx, "the order is short", s.opened(exception.Filter{Cause: exception.Shortage}))
	if err != nil {
		return "", err
	}
	return sku, s.play.until(ctx, "Daraz has refused a number", s.opened(exception.Filter{Cause: exception.PushRefused, Account: stall.acc}))
}

// sellOut counts a variant at the places in Pakistan: what no order has reserved is not there.
func (s *Stage) sellOut(ctx context.Context, variant string) error {
	return s.App.DB.Write(ctx, func(tx *db.Tx) error {
		levels, err := s.App.Inventory.Levels(tx, inventory.LevelFilter{Variants: []string{variant}}, inventory.LevelKey{}, 100)
		if err != nil {
			return err
		}
		var all []inventory.Counted
		for _, p := range places {
			for _, l := range levels {
				if p.country == "PK" && l.Location == s.play.world.locations[p.code] && l.Condition == stock.Sellable && l.Free > 0 {
					all = append(all, inventory.Counted{Variant: variant, Location: l.Location, Condition: l.Condition, Quantity: l.Reserved, RefID: db.ID(), Actor: "demo staff"})
				}
			}
		}
		_, err = s.App.Inventory.Count(tx, all)
		return err
	})
}

// CampaignOver ends the campaign with a SKU at Daraz: the number it refused is taken when it is sent again.
func (s *Stage) CampaignOver(sku string) error {
	stall, err := s.play.daraz()
	if err == nil {
		stall.shop.Campaign(sku, false, 0)
	}
	return err
}

// Revoke has the seller take back at Daraz what our tokens may do. It answers the account, and a code by which the seller consents anew, valid once and for half an hour,
// when the account is known to be refused.
func (s *Stage) Revoke(ctx context.Context) (account, code string, err error) {
	stall, err := s.play.daraz()
	if err != nil {
		return "", "", err
	}
	stall.shop.Revoke()
	err = s.play.until(ctx, "Daraz has refused our credentials", s.opened(exception.Filter{Cause: exception.AccountUnauthorized, Account: stall.acc}))
	return stall.acc, stall.shop.Authorize(), err
}

// opened asks whether such a case is open.
func (s *Stage) opened(f exception.Filter) func(ctx context.Context) (string, error) {
	f.State, f.Snoozed = exception.Open, true
	return func(ctx context.Context) (left string, err error) {
		err = s.App.DB.Read(ctx, func(tx *db.Tx) error {
			found, _, err := exception.List(tx, f, "", 1)
			if left = ""; len(found) == 0 {
				left = "no case " + f.Cause
			}
			return err
		})
		return left, err
	}
}

// consent is a new code by which the seller at Daraz consents.
func (s *Stage) consent() (string, error) {
	stall, err := s.play.daraz()
	if err != nil {
		return "", err
	}
	return stall.shop.Authorize(), nil
}

// mended says whether an account works.
func (s *Stage) mended(ctx context.Context, account string) (ok bool, err error) {
	err = s.App.DB.Read(ctx, func(tx *db.Tx) error {
		a, err := s.App.Connect.Account(tx, account)
		ok = a.State == connect.Active
		return err
	})
	return ok, err
}

// Regret has a buyer at Daraz ask to cancel an order that nobody has packed. It answers once the case is open.
func (s *Stage) Regret(ctx context.Context) error {
	stall, err := s.play.daraz()
	if err != nil {
		return err
	}
	var asked wishes
	for _, o := range stall.sent() {
		if len(stall.units(o, "pending")) == 0 {
			continue
		}
		if err := stall.repent(o, &asked); err != nil {
			return err
		}
		return s.play.until(ctx, "somebody asks to cancel", s.opened(exception.Filter{Cause: exception.CancelRequest, Account: stall.acc}))
	}
	return errors.New("nothing of Daraz waits to be packed")
}
