package demo

import (
	"fmt"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// Basket is what a buyer orders. Only Items is needed: the buyer is then Ayesha Siddiqui in Lahore, who has paid by card.
type Basket struct {
	Items     []Item
	Shipping  money.Amount
	TaxMode   channel.TaxMode // inclusive when empty
	TaxRate   string          // "0.18"; "" = no tax lines
	Method    channel.PaymentMethod
	Unpaid    bool          // the buyer has yet to pay; cash on delivery is due anyway
	Collector channel.Party // of cash on delivery; the courier when empty
	Buyer     channel.Person
	ShipTo    channel.Address
	Note      string
	Test      bool
}

// Item is so many of a SKU.
type Item struct {
	SKU       string // one that was never offered makes an unmapped line
	Quantity  int64
	Price     money.Amount // of one; zero = what the shop asks
	Discount  money.Amount // of all
	Funder    channel.Party
	ByChannel bool // fulfilled by the channel
}

// Place lets a buyer order, and returns the order's id. Stock is not looked at: a shop that oversells is what tests want.
func (s *Shop) Place(items ...Item) string { return s.PlaceBasket(Basket{Items: items}) }

// PlaceBasket is Place with everything said. An amount in a currency other than the shop's panics: it is a mistake in the test.
func (s *Shop) PlaceBasket(b Basket) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	id := fmt.Sprint(s.next)
	at := s.now()
	b = b.filled(s.country)
	o := channel.Order{
		External: id, Number: "#" + id, PlacedAt: at, Status: channel.Open, Statuses: map[string]string{"order": string(channel.Open)},
		Origin: "web", Test: b.Test, Country: b.ShipTo.Country, Currency: s.currency, TaxMode: b.TaxMode, Money: channel.MoneyComplete, Buyer: b.Buyer, ShipTo: b.ShipTo,
		BillTo: b.ShipTo, Note: b.Note,
	}
	totals := []money.Amount{}
	for i, it := range b.Items {
		line := s.line(b, it, fmt.Sprintf("%s-%d", id, i+1))
		o.Lines = append(o.Lines, line)
		totals = append(totals, line.Total)
		if known := s.find(line.Listing); known != nil && !s.market && !it.ByChannel {
			known.number -= it.Quantity
		}
	}
	if !b.Shipping.IsNone() {
		o.Charges = []channel.Charge{{Kind: channel.ChargeShipping, Title: "Delivery", Amount: b.Shipping, Total: b.Shipping}}
		totals = append(totals, b.Shipping)
	}
	o.Total = must(money.Sum(s.currency, totals...))
	o.Payments = []channel.Payment{s.payment(b, o)}
	if b.Unpaid && b.Method != channel.PayCOD {
		setStatus(&o, channel.Unpaid)
	}
	e := &entry{order: o, told: Told{Refunded: money.Zero(s.currency)}}
	s.orders[id] = e
	s.ids = append(s.ids, id)
	s.touch(e)
	return id
}

func (b Basket) filled(country string) Basket {
	if b.TaxMode == "" {
		b.TaxMode = channel.TaxInclusive
	}
	if b.Method == "" {
		b.Method = channel.PayCard
	}
	if b.Collector == "" {
		b.Collector = channel.Courier
	}
	if b.Buyer == (channel.Person{}) {
		b.Buyer = channel.Person{External: "C-1", Name: "Ayesha Siddiqui", Email: "ayesha@example.com", Phone: "+923001234567"}
	}
	if b.ShipTo.IsZero() {
		b.ShipTo = channel.Address{Name: b.Buyer.Name, Phone: b.Buyer.Phone, Line1: "House 12, Street 4", District: "Gulberg", City: "Lahore", Province: "Punjab", Postcode: "54000", Country: country}
	}
	return b
}

func (s *Shop) line(b Basket, it Item, id string) channel.Line {
	l := channel.Line{
		External: id, Listing: channel.ListingRef{External: "V-" + it.SKU, SKU: it.SKU}, Title: it.SKU, Quantity: it.Quantity, UnitPrice: it.Price,
		FulfilledBy: channel.Seller, Ships: true,
	}
	if known := s.find(channel.ListingRef{SKU: it.SKU}); known != nil {
		l.Listing, l.Title = known.listing.Ref, known.listing.Title
		if it.Price.IsNone() {
			l.UnitPrice = known.listing.Price
		}
	}
	if l.UnitPrice.IsNone() {
		l.UnitPrice = money.Of(100000, s.currency)
	}
	if it.ByChannel {
		l.FulfilledBy = channel.ByChannel
	}
	l.Total = must(l.UnitPrice.Times(it.Quantity))
	if !it.Discount.IsNone() {
		d := channel.Discount{Title: "Voucher", Amount: it.Discount, Funder: it.Funder}
		if d.Funder == "" {
			d.Funder = channel.Seller
		}
		l.Discounts = []channel.Discount{d}
		l.Total = must(l.Total.Sub(it.Discount))
	}
	s.tax(b, &l)
	if s.market {
		for n := range it.Quantity {
			l.Units = append(l.Units, channel.Unit{External: fmt.Sprintf("%s.%d", id, n+1), Status: channel.Open, Raw: "open"})
		}
	}
	return l
}

func (s *Shop) tax(b Basket, l *channel.Line) {
	if b.TaxRate == "" || b.TaxMode == channel.TaxNone {
		return
	}
	rate, err := money.ParseRate(b.TaxRate)
	tax := must(l.Total.TaxInside(must(rate, err), money.HalfUp))
	if b.TaxMode == channel.TaxExclusive {
		tax = must(l.Total.TaxOn(rate, money.HalfUp))
		l.Total = must(l.Total.Add(tax))
	}
	l.Taxes = []channel.Tax{{Title: "Tax", Rate: b.TaxRate, Amount: tax, Remitter: channel.Seller}}
}

func (s *Shop) payment(b Basket, o channel.Order) channel.Payment {
	p := channel.Payment{External: "PAY-" + o.External, Method: b.Method, Gateway: "demo", Status: channel.Paid, Amount: o.Total, At: o.PlacedAt}
	switch {
	case b.Method == channel.PayCOD:
		p.Status, p.Collector, p.At = channel.Due, b.Collector, time.Time{}
	case b.Unpaid:
		p.Status = channel.Due
	}
	return p
}

// Pay lets the buyer pay what is due. Paying twice changes nothing.
func (s *Shop) Pay(id string) {
	s.change(id, func(o *channel.Order) {
		for i := range o.Payments {
			if o.Payments[i].Status == channel.Due {
				o.Payments[i].Status = channel.Paid
			}
		}
		if o.Status == channel.Unpaid {
			setStatus(o, channel.Open)
		}
	})
}

// Edit changes an order as the partner may: everything but its id and version.
func (s *Shop) Edit(id string, edit func(o *channel.Order)) {
	s.change(id, func(o *channel.Order) {
		edit(o)
		o.External = id
	})
}

// Cancel cancels, as buyer or partner, what is not yet handed over.
func (s *Shop) Cancel(id, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.must(id)
	for i := range e.order.Lines {
		l := &e.order.Lines[i]
		s.cancelUnits(l, l.Quantity-l.Progress.Sum(), nil, reason)
	}
	if e.order.CancelledAt = s.now(); moved(e.order) == ordered(e.order) {
		setStatus(&e.order, channel.Cancelled)
	}
	e.order.CancelRequest = nil
	s.touch(e)
}

// RequestCancel lets the buyer ask; the partner declines by itself in a day.
func (s *Shop) RequestCancel(id, reason string) {
	s.change(id, func(o *channel.Order) {
		o.CancelRequest = &channel.CancelRequest{External: "CR-" + id, By: channel.ByBuyer, Reason: reason, Decide: o.PlacedAt.AddDate(0, 0, 1), Default: channel.Declined}
		for _, l := range o.Lines {
			if open := l.Quantity - l.Progress.Sum(); open > 0 {
				o.CancelRequest.Lines = append(o.CancelRequest.Lines, channel.Quantity{Line: l.External, Quantity: open})
			}
		}
	})
}

// RequestReturn lets the buyer ask to send units back, and returns the return's id.
func (s *Shop) RequestReturn(id, reason string, lines ...channel.Quantity) string {
	var external string
	s.change(id, func(o *channel.Order) {
		s.returns++
		external = fmt.Sprint("R-", s.returns)
		r := channel.Return{External: external, Status: channel.Requested, Raw: "requested", Kind: "return", Reason: reason, At: s.now()}
		for i, q := range lines {
			r.Lines = append(r.Lines, channel.ReturnLine{External: fmt.Sprintf("%s-%d", external, i+1), Line: q.Line, Quantity: q.Quantity, Reason: reason})
		}
		o.Returns = append(o.Returns, r)
	})
	return external
}

// Deliver lets the carrier deliver everything that is on its way.
func (s *Shop) Deliver(id string) {
	s.change(id, func(o *channel.Order) {
		for i := range o.Lines {
			p := &o.Lines[i].Progress
			p.Delivered, p.Shipped = p.Delivered+p.Shipped, 0
			for n := range o.Lines[i].Units {
				if u := &o.Lines[i].Units[n]; u.Status == channel.Shipped {
					u.Status, u.Raw = channel.Delivered, "delivered"
				}
			}
		}
		for i := range o.Parcels {
			o.Parcels[i].Status, o.Parcels[i].Raw = channel.Delivered, "delivered"
		}
	})
}

// Say puts a word into the partner's mouth that it never used before.
func (s *Shop) Say(id string, word channel.Status) {
	s.change(id, func(o *channel.Order) { setStatus(o, word) })
}

func (s *Shop) change(id string, do func(o *channel.Order)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.must(id)
	do(&e.order)
	s.touch(e)
}

// must panics for an order that was never placed: that is a mistake in the test.
func (s *Shop) must(id string) *entry {
	if e := s.orders[id]; e != nil {
		return e
	}
	panic("demo: no order " + id)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func setStatus(o *channel.Order, to channel.Status) {
	o.Status = to
	o.Statuses = map[string]string{"order": string(to)}
}

func moved(o channel.Order) (n int64) {
	for _, l := range o.Lines {
		n += l.Progress.Sum()
	}
	return n
}

func ordered(o channel.Order) (n int64) {
	for _, l := range o.Lines {
		n += l.Quantity
	}
	return n
}

// cancelUnits takes open units back into stock: those named, else the first n.
func (s *Shop) cancelUnits(l *channel.Line, n int64, units []string, reason string) {
	if n <= 0 {
		return
	}
	if known := s.find(l.Listing); known != nil && !s.market {
		known.number += n
	}
	l.Progress.Cancelled += n
	for i := range l.Units {
		u := &l.Units[i]
		if n > 0 && (u.Status == channel.Open || u.Status == channel.Packed) && (units == nil || slices.Contains(units, u.External)) {
			u.Status, u.Raw, u.Reason = channel.Cancelled, "cancelled", reason
			n--
		}
	}
}
