package console

import (
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// atOnce is how many units of a line are inspected on one page; the others come after them.
const atOnce = 20

// dispositions are what can become of goods that came back.
var dispositions = []string{"sellable", "quarantine", "damaged", "rejected"}

// returnLine is a line of a return with what a person and a scanner know it by.
type returnLine struct {
	returns.Line
	SKU, Title string
	Codes      string // what a scanner reads: SKU and bar code
	Missing    int64  // still to come
	Judge      []int  // units to be inspected now
}

type returnPage struct {
	returns.RMA
	Order        order.Head
	AccountName  string
	ExchangeName string // number of the order that replaces it
	Place        inventory.Location
	Places       []inventory.Location
	At           string // code of where the person works
	Rows         []returnLine
	Steps        []returnStep
	Refunds      []payment.Refund
	Allowed      []string
	Missing      int64
	Waiting      int64
	Dispositions []string
	Wanted       []returnWanted
	OnlyPayout   bool // nobody gives the money back the way it came
}

// returnStep is a line of a return's timeline.
type returnStep struct {
	returns.Step
	When time.Time
}

// returnWanted is what the buyer asked to get instead.
type returnWanted struct {
	SKU, Title string
	Quantity   int64
}

// Can reports whether the state of the return allows an act.
func (p returnPage) Can(act string) bool { return slices.Contains(p.Allowed, act) }

// Amount is minor units as money of the return.
func (p returnPage) Amount(minor int64) money.Amount { return money.Of(minor, p.Currency) }

// Left is what is due and has not gone back: the most that a refund may be.
func (p returnPage) Left() money.Amount { return p.Amount(p.RefundDue - p.Refunded) }

// Channels reports whether the channel gives the money back, and is told of our decision.
func (p returnPage) Channels() bool { return p.External != "" }

// returnShow shows one return with what is to be done about it now.
func returnShow(v *visit) error {
	p, err := v.returnPage()
	if err != nil {
		return err
	}
	return v.page("return_show", "Return %s", p, p.Number)
}

func (v *visit) returnPage() (p returnPage, err error) {
	err = v.read(func(tx *db.Tx) error {
		p = returnPage{Dispositions: dispositions}
		if p.RMA, err = v.Returns.Get(tx, v.id()); err != nil {
			return err
		}
		p.Allowed = p.Actions()
		for _, fill := range []func(tx *db.Tx, p *returnPage) error{v.returnLines, v.returnAround, v.returnSteps} {
			if err := fill(tx, &p); err != nil {
				return err
			}
		}
		return nil
	})
	return p, err
}

// returnLines names the lines and says what of each is still to come or to be inspected.
func (v *visit) returnLines(tx *db.Tx, p *returnPage) error {
	lines, err := v.Order.Lines(tx, []string{p.OrderID})
	if err != nil {
		return err
	}
	var goods []string
	for _, l := range p.Lines {
		goods = append(goods, lineOf(lines[p.OrderID], l.LineID).Variant)
	}
	for _, w := range p.Detail.Wanted {
		goods = append(goods, w.Variant)
	}
	known, err := v.Catalog.ByID(tx, goods)
	if err != nil {
		return err
	}
	for _, l := range p.Lines {
		of := lineOf(lines[p.OrderID], l.LineID)
		row := returnLine{Line: l, SKU: of.SKU, Title: of.Title, Codes: of.SKU, Missing: l.Quantity - l.Received}
		if gtin := known[of.Variant].GTIN; gtin != "" {
			row.Codes += " " + gtin
		}
		for i := range min(l.Waiting, atOnce) {
			row.Judge = append(row.Judge, int(i)+1)
		}
		p.Missing, p.Waiting = p.Missing+row.Missing, p.Waiting+l.Waiting
		p.Rows = append(p.Rows, row)
	}
	for _, w := range p.Detail.Wanted {
		p.Wanted = append(p.Wanted, returnWanted{known[w.Variant].SKU, known[w.Variant].Title, w.Quantity})
	}
	return nil
}

// returnAround reads the order, the account, the places and the money of a return.
func (v *visit) returnAround(tx *db.Tx, p *returnPage) error {
	ids := []string{p.OrderID}
	if p.Exchange != "" {
		ids = append(ids, p.Exchange)
	}
	heads, err := v.Order.Heads(tx, ids, false)
	if err != nil {
		return err
	}
	p.Order, p.ExchangeName = heads[p.OrderID], heads[p.Exchange].Number
	a, err := v.Connect.Account(tx, p.Account)
	if err != nil {
		return err
	}
	p.AccountName = a.Name
	at, err := v.place(tx)
	if err != nil {
		return err
	}
	p.At, p.Places = at.Code, v.shippers(tx)
	if p.Location != "" {
		found, err := v.Inventory.Locations(tx, p.Location)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			p.Place = found[0]
		}
		if p.At == "" {
			p.At = p.Place.Code
		}
	}
	payments, refunds, err := v.Payment.Of(tx, p.OrderID)
	p.OnlyPayout = !v.Connect.Can(p.Order.Channel).Refund && !slices.ContainsFunc(payments, func(x payment.Payment) bool { return x.Provider != "channel" })
	for _, r := range refunds {
		if slices.Contains(p.Detail.Refunds, r.ID) {
			p.Refunds = append(p.Refunds, r)
		}
	}
	return err
}

// returnSteps reads the timeline, newest first.
func (v *visit) returnSteps(tx *db.Tx, p *returnPage) error {
	steps, err := v.Returns.Timeline(tx, p.ID)
	slices.Reverse(steps)
	for _, s := range steps {
		at, perr := time.Parse(time.RFC3339, s.At)
		if perr != nil {
			return perr
		}
		p.Steps = append(p.Steps, returnStep{s, at})
	}
	return err
}

// Three is for rows of a form that people fill as far as they need.
func (s sheet) Three() []int { return []int{1, 2, 3} }
