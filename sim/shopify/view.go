package shopify

import (
	"fmt"
	"time"
)

// OrderView is an order as the shop front shows it to its buyer and the admin to its staff.
type OrderView struct {
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Financial    string       `json:"financial"`   // PENDING, PAID, …
	Fulfillment  string       `json:"fulfillment"` // UNFULFILLED, FULFILLED, …
	Return       string       `json:"return"`
	Cancelled    bool         `json:"cancelled"`
	CancelReason string       `json:"cancel_reason,omitempty"`
	Edited       bool         `json:"edited,omitempty"`
	Test         bool         `json:"test,omitempty"`
	Tags         []string     `json:"tags"`
	Currency     string       `json:"currency"`    // the buyer's
	Total        string       `json:"total"`       // at placement
	Current      string       `json:"current"`     // after refunds and edits
	Received     string       `json:"received"`    // from the buyer
	Refunded     string       `json:"refunded"`    // to the buyer
	Outstanding  string       `json:"outstanding"` // still to pay, negative when owed to the buyer
	ShipTo       *Address     `json:"ship_to,omitempty"`
	Lines        []LineView   `json:"lines"`
	Parcels      []ParcelView `json:"parcels"`
	Open         []OpenView   `json:"open"` // fulfillment orders with units to send
	Refunds      []RefundView `json:"refunds"`
	Returns      []ReturnView `json:"returns"`
	Created      time.Time    `json:"created"`
	Updated      time.Time    `json:"updated"`
}

// LineView is one line: Quantity ever ordered, Current still wanted, Open still to send, Shipped in living parcels.
type LineView struct {
	SKU      string `json:"sku"`
	Title    string `json:"title"`
	Quantity int    `json:"quantity"`
	Current  int    `json:"current"`
	Open     int    `json:"open"`
	Shipped  int    `json:"shipped"`
	Price    string `json:"price"`
}

// ParcelView is one fulfillment.
type ParcelView struct {
	ID       string         `json:"id"`
	Status   string         `json:"status"` // SUCCESS or CANCELLED
	Shown    string         `json:"shown"`  // display status
	Location string         `json:"location"`
	Company  string         `json:"company,omitempty"`
	Numbers  []string       `json:"numbers"`
	Units    map[string]int `json:"units"` // by SKU
}

// OpenView is one open fulfillment order.
type OpenView struct {
	ID       string         `json:"id"`
	Status   string         `json:"status"`
	Location string         `json:"location"`
	Units    map[string]int `json:"units"`
}

// RefundView is one refund.
type RefundView struct {
	ID     string         `json:"id"`
	Amount string         `json:"amount"` // in the buyer's currency
	Units  map[string]int `json:"units"`
}

// ReturnView is one return.
type ReturnView struct {
	ID     string         `json:"id"`
	Status string         `json:"status"`
	Units  map[string]int `json:"units"`
}

// OrderView shows an order; false when there is none by that id, gid or name.
func (s *Shop) OrderView(ref string) (OrderView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	o := s.lookup(ref)
	if o == nil {
		return OrderView{}, false
	}
	return o.view(), true
}

// Orders shows every order, oldest first.
func (s *Shop) Orders() []OrderView {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	list := make([]OrderView, 0, len(s.orders))
	for _, o := range s.orders {
		list = append(list, o.view())
	}
	return list
}

func (o *order) view() OrderView {
	text := func(b bag) string { return plain(b.pres, o.cur.pres) }
	v := OrderView{
		ID: fmt.Sprint(o.id), Name: o.name, Financial: o.financialStatus(), Fulfillment: o.fulfillmentStatus(""), Return: o.returnStatus(),
		Cancelled: o.cancelled != nil, CancelReason: o.reason, Edited: o.edited, Test: o.test, Tags: o.tags, Currency: o.cur.pres,
		Total: text(o.total()), Current: text(o.currentTotal()), Received: text(o.received()), Refunded: text(o.refundedTotal()),
		Outstanding: text(o.outstanding()), Created: o.created, Updated: o.updated,
		Lines: []LineView{}, Parcels: []ParcelView{}, Open: []OpenView{}, Refunds: []RefundView{}, Returns: []ReturnView{},
	}
	if o.shipTo != nil {
		to := *o.shipTo
		v.ShipTo = &to
	}
	for _, l := range o.lines {
		v.Lines = append(v.Lines, LineView{l.sku, l.title, l.quantity, l.current(), l.fulfillable(), l.shipped, text(l.unit)})
	}
	for _, f := range o.parcels {
		v.Parcels = append(v.Parcels, f.view())
	}
	for _, fo := range o.fos {
		if fo.open() && fo.remaining() > 0 {
			units := map[string]int{}
			for _, l := range fo.lines {
				units[l.line.sku] += l.remaining
			}
			v.Open = append(v.Open, OpenView{gid("FulfillmentOrder", fo.id), fo.status, fo.loc.name, units})
		}
	}
	for _, r := range o.refunds {
		units := map[string]int{}
		for _, l := range r.lines {
			units[l.line.sku] += l.quantity
		}
		v.Refunds = append(v.Refunds, RefundView{gid("Refund", r.id), text(r.money()), units})
	}
	for _, r := range o.returns {
		units := map[string]int{}
		for _, l := range r.lines {
			units[l.parcel.line.sku] += l.quantity
		}
		v.Returns = append(v.Returns, ReturnView{gid("Return", r.id), r.status, units})
	}
	return v
}

func (f *fulfillment) view() ParcelView {
	v := ParcelView{ID: gid("Fulfillment", f.id), Status: f.status, Shown: f.shown, Numbers: []string{}, Units: map[string]int{}}
	if f.loc != nil {
		v.Location = f.loc.name
	}
	for _, t := range f.tracking {
		v.Company = t.company
		if t.number != "" {
			v.Numbers = append(v.Numbers, t.number)
		}
	}
	for _, l := range f.lines {
		v.Units[l.line.sku] += l.quantity
	}
	return v
}
