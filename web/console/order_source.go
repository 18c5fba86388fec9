package console

import (
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

type sourcePage struct {
	order.View
	Candidates []fulfillment.Candidate
	Works      []fulfillment.FO
}

// orderSource shows what each location could do for an order, and why one was turned down.
func orderSource(v *visit) error {
	var p sourcePage
	if err := v.read(func(tx *db.Tx) (err error) {
		if p.View, err = v.Order.Get(tx, v.id()); err != nil {
			return err
		}
		if p.Candidates, err = v.Fulfillment.Explain(tx, p.ID); err != nil {
			return err
		}
		places, err := v.places(tx)
		if err != nil {
			return err
		}
		for i := range p.Candidates {
			p.Candidates[i].Name = places[p.Candidates[i].ID].Name
		}
		p.Works, err = v.Fulfillment.Of(tx, p.ID)
		return err
	}); err != nil {
		return err
	}
	return v.page("order_source", "Where order %s is sent from", p, p.Number)
}

// orderSourceDo has a person choose the location.
func orderSourceDo(v *visit) error {
	if err := v.read(func(tx *db.Tx) error { return sees(tx, access.Locations, v.form("location")) }); err != nil {
		return err
	}
	if _, err := v.Fulfillment.SourceAt(v.r.Context(), v.id(), v.form("location"), v.actor()); err != nil {
		return err
	}
	v.remember(flash{Text: v.T("The location has the work now")})
	v.see(orderPath(v.id()))
	return nil
}
