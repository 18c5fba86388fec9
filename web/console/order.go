package console

import (
	"encoding/json"
	"slices"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

type orderPage struct {
	order.View
	AccountName string
	Facts       []fact
	Payments    []payment.Payment
	Refunds     []payment.Refund
	Works       []fulfillment.FO
	Shipments   []dispatch.Shipment
	Cases       []caseRow
	Places      map[string]inventory.Location
	Reserved    map[string][]stock.Grant // by line
	Open        []order.HoldView
	Returns     []returns.RMA
	CanCancel   bool
	CanReturn   bool
	Ours        string // as we hold it, for the comparison
	Newer       string // the order that came in after it, and the one before
	Older       string
	Person      *revealed // who bought it, when that was asked for
	Wishes      bool      // the buyer asked for something of their own
	Taxes       []taxed
}

// fact is a line of the timeline.
type fact struct {
	order.Fact
	Text string // what a note says
}

// orderShow shows one order, by any of its names.
func orderShow(v *visit) error {
	p, err := v.theOrder()
	if err != nil {
		return err
	}
	return v.page("order", "Order %s", p, p.Number)
}

// theOrder is the order that the page is about, with what stands around it.
func (v *visit) theOrder() (p orderPage, err error) {
	err = v.read(func(tx *db.Tx) (err error) {
		if p.View, err = v.Order.Get(tx, v.id()); err != nil {
			return err
		}
		return v.fillOrder(tx, &p)
	})
	return p, err
}

// fillOrder reads what stands around an order.
func (v *visit) fillOrder(tx *db.Tx, p *orderPage) error {
	a, err := v.Connect.Account(tx, p.Account)
	if err != nil {
		return err
	}
	p.AccountName = a.Name
	for _, h := range p.Held {
		if h.Released.IsZero() {
			p.Open = append(p.Open, h)
		}
	}
	p.CanCancel = p.Units.Open > 0
	p.Wishes, p.Taxes = p.Extra[personalised] != "", taxesOf(p.View)
	if p.Older, p.Newer, err = v.Order.Neighbours(tx, p.Head); err != nil {
		return err
	}
	p.CanReturn = p.Effective() && p.Units.Ordered > p.Units.Cancelled+p.Units.Open
	if p.Returns, err = v.Returns.Of(tx, p.ID); err != nil {
		return err
	}
	facts, err := v.Order.Timeline(tx, p.ID)
	if err != nil {
		return err
	}
	slices.Reverse(facts)
	for _, f := range facts {
		p.Facts = append(p.Facts, fact{f, noteOf(f)})
	}
	if p.Payments, p.Refunds, err = v.Payment.Of(tx, p.ID); err != nil {
		return err
	}
	if p.Works, err = v.Fulfillment.Of(tx, p.ID); err != nil {
		return err
	}
	if p.Shipments, err = v.Dispatch.Of(tx, p.ID); err != nil {
		return err
	}
	if p.Reserved, err = v.reserved(tx, p.ID); err != nil {
		return err
	}
	if p.Places, err = v.places(tx); err != nil {
		return err
	}
	rows, _, err := exception.List(tx, exception.Filter{Order: p.ID, Snoozed: true}, "", 50)
	if err != nil {
		return err
	}
	p.Cases, err = v.caseRows(tx, rows)
	return err
}

// taxed is one kind of tax with who pays it to the state.
type taxed struct {
	Title, Rate string
	Remitter    string
	Amount      money.Amount
}

// taxesOf sums the taxes of the lines by kind and by who remits them.
func taxesOf(o order.View) (all []taxed) {
	for _, l := range o.Lines {
		for _, t := range l.Taxes {
			i := slices.IndexFunc(all, func(x taxed) bool {
				return x.Title == t.Title && x.Rate == percent(t.Rate) && x.Remitter == string(t.Remitter) && x.Amount.Currency == t.Amount.Currency
			})
			if i < 0 {
				all = append(all, taxed{t.Title, percent(t.Rate), string(t.Remitter), t.Amount})
				continue
			}
			all[i].Amount.Minor += t.Amount.Minor
		}
	}
	return all
}

// percent writes a tax rate as people say it: 18%. What is none stays as it is.
func percent(rate string) string {
	r, err := money.ParseRate(rate)
	if err != nil {
		return rate
	}
	return r.Percent()
}

// reserved lists what the lines of an order hold in stock, by line.
func (v *visit) reserved(tx *db.Tx, id string) (map[string][]stock.Grant, error) {
	grants, err := v.Inventory.Grants(tx, []string{id})
	by := map[string][]stock.Grant{}
	for _, g := range grants {
		by[g.HolderID] = append(by[g.HolderID], g)
	}
	return by, err
}

// places are all locations by id.
func (v *visit) places(tx *db.Tx) (map[string]inventory.Location, error) {
	all, err := v.Inventory.Locations(tx)
	by := map[string]inventory.Location{}
	for _, l := range all {
		by[l.ID] = l
	}
	return by, err
}

// noteOf is the text of a note, "" for other facts.
func noteOf(f order.Fact) string {
	if f.Kind != "note" {
		return ""
	}
	var d struct{ Text string }
	if json.Unmarshal(f.Detail, &d) != nil {
		return ""
	}
	return d.Text
}
