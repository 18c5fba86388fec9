package console

import (
	"cmp"
	"slices"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// asked are the kinds of returns a person can open.
var asked = []returns.Kind{returns.KindReturn, returns.KindExchange, returns.KindRefundOnly, returns.KindClaim}

type returnNewPage struct {
	order.View
	Kinds []returns.Kind
	Most  map[string]int64 // units of each line that are with the buyer
}

// returnNew is the form of a return that a buyer asks us for.
func returnNew(v *visit) error {
	p := returnNewPage{Kinds: asked, Most: map[string]int64{}}
	err := v.read(func(tx *db.Tx) (err error) {
		p.View, err = v.Order.Get(tx, v.id())
		for _, l := range p.Lines {
			p.Most[l.ID] = l.Ordered - l.Cancelled
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.page("return_new", "A return of order %s", p, p.Number)
}

// returnNewDo opens a return.
func returnNewDo(v *visit) error {
	ask := returns.Ask{Kind: returns.Kind(v.form("kind")), By: cmp.Or(v.form("by"), "buyer"), Approve: v.form("approve") != "", Version: v.version(), Actor: v.actor()}
	if !slices.Contains(asked, ask.Kind) {
		return fault.Field("kind", "there is no return of this kind")
	}
	var err error
	if ask.Reason, err = v.reason(); err != nil {
		return err
	}
	if ask.Lines, err = v.returnUnits("line-"); err != nil {
		return err
	}
	err = v.read(func(tx *db.Tx) error {
		o, err := v.Order.Get(tx, v.id())
		if err != nil {
			return err
		}
		ask.Order = o.ID
		if text := v.form("shipping"); text != "" {
			a, err := money.ParseLoose(text, o.Currency)
			if err != nil {
				return fault.Field("shipping", "is an amount such as %s", o.Amount(o.Sums.Charges).Decimal())
			}
			ask.Shipping = a.Minor
		}
		if ask.Kind == returns.KindExchange {
			ask.Wanted, err = v.replacements(tx)
		}
		return err
	})
	if err != nil {
		return err
	}
	r, err := v.Returns.Request(v.r.Context(), ask)
	if err != nil {
		return err
	}
	v.remember(flash{Text: v.T("The return is open: %s", r.Number)})
	v.see(returnPath(r.ID))
	return nil
}
