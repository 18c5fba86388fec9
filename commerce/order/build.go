package order

import (
	"fmt"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// chargeRow is one row of order_charges.
type chargeRow struct {
	kind  channel.ChargeKind
	title string
	money chargeMoney
	taxes []channel.Tax
}

// build makes a new order of an arrival, in memory.
func (s *Service) build(tx *db.Tx, w *work) error {
	o, acc := &w.a.Order, &w.a.Account
	rules, err := s.need.Rules(tx, acc.Country, o.PlacedAt)
	if err != nil {
		return err
	}
	w.rules = rules
	number, err := s.number(acc.Country, acc.Channel)
	if err != nil {
		return err
	}
	zone := acc.Zone
	if zone == "" {
		zone = rules.Zone
	}
	w.head = Head{
		ID: db.ID(), Number: number, Account: acc.ID, Channel: acc.Channel, External: o.External, ExternalNumber: o.Number, LegalEntity: acc.LegalEntity,
		Country: acc.Country, Currency: o.Currency, TaxMode: o.TaxMode, Mode: acc.Mode, Origin: o.Origin, PlacedAt: o.PlacedAt, Zone: zone,
		CreatedAt: tx.Now, Version: 1, PayState: Unpaid,
	}
	if w.head.PlacedAt.IsZero() {
		w.head.PlacedAt = w.a.Change.ReadAt
	}
	w.head.BusinessDate = BusinessDate(w.head.PlacedAt, zone, rules.ClosingMinute)
	w.head.Ours = isOurs(acc, o, w.head.PlacedAt)
	w.copyFacts(tx)
	for i := range o.Lines {
		if err := w.addLine(tx, i); err != nil {
			return err
		}
	}
	w.count()
	return nil
}

// isOurs is the rule for orders around the cut-over.
func isOurs(acc *channel.Account, o *channel.Order, placed time.Time) bool {
	if acc.CutOver.IsZero() || !placed.Before(acc.CutOver) {
		return true
	}
	if o.Status == channel.Cancelled || o.Status == channel.Completed {
		return false
	}
	open, moved := false, false
	for i := range o.Lines {
		p := o.Lines[i].Progress
		open = open || p.Sum() < o.Lines[i].Quantity
		moved = moved || p.Sum() > p.Cancelled
		for _, u := range o.Lines[i].Units {
			moved = moved || u.Status == channel.Packed || u.Status == channel.Ready
		}
	}
	switch acc.OpenOrders {
	case channel.OpenTheirs:
		return false
	case channel.OpenUnshipped:
		return open && !moved
	}
	return open
}

// copyFacts takes what each reading says anew.
func (w *work) copyFacts(tx *db.Tx) {
	o, h := &w.a.Order, &w.head
	h.ReadAt, h.Hash, h.Raw = w.a.Change.ReadAt, w.a.Hash, w.a.Inbox
	if !w.a.Change.Version.IsZero() {
		h.VersionAt = w.a.Change.Version
	}
	h.ShipBy, h.DeliverBy, h.Statuses, h.Tags, h.Extra = o.ShipBy, o.DeliverBy, o.Statuses, o.Tags, o.Extra
	if o.Number != "" {
		h.ExternalNumber = o.Number
	}
	if o.Origin != "" {
		h.Origin = o.Origin
	}
	h.COD = isCOD(o) || h.COD && len(o.Payments) == 0
	h.UpdatedAt = tx.Now
	if w.a.Buyer != h.SeenBuyer && w.a.Buyer != "" || h.Buyer == "" {
		h.Buyer, h.SeenBuyer, h.AddressOK = w.a.Buyer, w.a.Buyer, w.a.AddressOK
		h.ShipCountry, h.ShipProvince, h.ShipCity, h.ShipPostcode = o.ShipTo.Country, o.ShipTo.Province, o.ShipTo.City, prefix(o.ShipTo.Postcode)
	}
	if h.ShipCountry == "" {
		h.ShipCountry = h.Country
	}
	w.copyMoney()
}

// copyMoney takes the amounts of a reading, unless it knows less of them than we do.
func (w *work) copyMoney() {
	o, h := &w.a.Order, &w.head
	if w.knowsLess = told[o.Money] < told[h.Money]; w.knowsLess {
		return
	}
	h.Money, h.Sums = o.Money, w.money.sums
	if o.TaxMode != "" {
		h.TaxMode = o.TaxMode
	}
	h.ShopTotal, h.ShopRate = o.Shop, rateOf(o.Shop, o.Total)
	w.charges = nil
	for i, c := range o.Charges {
		w.charges = append(w.charges, chargeRow{c.Kind, c.Title, w.money.charges[i], c.Taxes})
	}
	if d := w.money.sums.Rounding; d != 0 {
		w.charges = append(w.charges, chargeRow{channel.ChargeRounding, "rounding", chargeMoney{amount: d, total: d}, nil})
	}
}

// told orders how much of the money a reading knows.
var told = map[channel.Completeness]int{channel.MoneyAbsent: 1, channel.MoneyPartial: 2, channel.MoneyComplete: 3}

// prefix keeps the part of a postcode that routing and tax need.
func prefix(postcode string) string {
	r := []rune(postcode)
	if len(r) > 5 {
		r = r[:5]
	}
	return string(r)
}

func isCOD(o *channel.Order) bool {
	for _, p := range o.Payments {
		if p.Method == channel.PayCOD {
			return true
		}
	}
	return false
}

// rateOf is shop per presentment unit, as text with eight decimals; "" when both are the same.
func rateOf(shop, total money.Amount) string {
	if shop.Currency == "" || shop.Currency == total.Currency {
		return ""
	}
	r, err := money.RateBetween(total, shop)
	if err != nil {
		return ""
	}
	return r.String()
}

// addLine makes our line of the channel's i-th.
func (w *work) addLine(tx *db.Tx, i int) error {
	cl, m := &w.a.Order.Lines[i], w.money.lines[i]
	if w.lineBy(cl.External) != nil {
		return fault.Field(fmt.Sprintf("lines[%d].id", i), "%q stands twice in the order", cl.External)
	}
	l := Line{
		ID: db.ID(), OrderID: w.head.ID, N: int64(len(w.lines) + 1), External: cl.External, SKU: cl.Listing.SKU, Title: cl.Title, FulfilledBy: cl.FulfilledBy,
		Ships: cl.Ships, Currency: w.head.Currency, Location: cl.Location,
	}
	if l.FulfilledBy == "" {
		l.FulfilledBy = channel.Seller
	}
	l.takeMoney(cl, m)
	l.start(cl)
	w.lines = append(w.lines, l)
	n := len(w.lines) - 1
	w.newLines = append(w.newLines, n)
	if cl.Listing != (channel.ListingRef{}) && !cl.GiftCard {
		w.listings = append(w.listings, n)
	}
	return nil
}

func (l *Line) takeMoney(cl *channel.Line, m lineMoney) {
	l.UnitPrice, l.Goods, l.Discount, l.DiscountChannel = cl.UnitPrice.Minor, m.goods, m.discount, m.discountChannel
	l.Tax, l.TaxChannel, l.Total, l.Discounts, l.Taxes = m.tax, m.taxChannel, m.total, cl.Discounts, cl.Taxes
}

// start counts a line where the channel sees it. What needs no shipping is delivered at once.
func (l *Line) start(cl *channel.Line) {
	p := cl.Progress
	l.Seen = seenOf(p)
	l.Progress = Progress{
		Ordered: cl.Quantity, Cancelled: p.Cancelled, OnTheWay: p.Shipped + p.Failed, Delivered: p.Delivered,
		Returning: p.Returning, Returned: p.Returned, Lost: p.Lost,
	}
	l.Open = cl.Quantity - p.Sum()
	l.Shipped = l.OnTheWay + l.Delivered + l.Returning + l.Returned + l.Lost
	l.Units = nil
	for _, u := range cl.Units {
		l.Units = append(l.Units, unitOf(u, bucketOf(u.Status)))
	}
	l.giveUnshipped()
}

func unitOf(u channel.Unit, b Bucket) Unit {
	return Unit{External: u.External, Bucket: b, Status: u.Status, Raw: u.Raw, Package: u.Package, Tracking: u.Tracking}
}

// giveUnshipped counts what needs no shipping (digital goods, a listing that is none of our goods) as delivered.
func (l *Line) giveUnshipped() {
	if l.Ships || l.Open == 0 {
		return
	}
	l.Delivered, l.Shipped, l.Open = l.Delivered+l.Open, l.Shipped+l.Open, 0
	for i := range l.Units {
		if l.Units[i].Bucket == InOpen {
			l.Units[i].Bucket = InDelivered
		}
	}
}

// bucketOf is where a unit with the channel's status is counted.
func bucketOf(s channel.Status) Bucket {
	switch s {
	case channel.Cancelled:
		return InCancelled
	case channel.Shipped, channel.Failed:
		return InOnTheWay
	case channel.Delivered, channel.Completed:
		return InDelivered
	case channel.Returning:
		return InReturning
	case channel.Returned:
		return InReturned
	case channel.Lost:
		return InLost
	}
	return InOpen
}

func (w *work) lineBy(external string) *Line {
	for i := range w.lines {
		if w.lines[i].External == external {
			return &w.lines[i]
		}
	}
	return nil
}

// count derives the head's units and state from the lines.
func (w *work) count() { w.head.derive(w.lines) }

// derive computes units and state of an order from its lines.
func (h *Head) derive(lines []Line) {
	var u Counts
	var onTheWay int64
	for i := range lines {
		p := &lines[i].Progress
		u.Ordered += p.Ordered
		u.Cancelled += p.Cancelled
		u.Open += p.Open
		u.Shipped += p.Shipped
		u.Delivered += p.Delivered
		u.Back += p.Returning + p.Returned + p.Lost
		onTheWay += p.OnTheWay + p.Returning
	}
	h.Units = u
	switch {
	case u.Ordered == 0:
		h.State = Open
	case u.Open > 0 && u.Shipped == 0:
		h.State = Open
	case u.Open > 0:
		h.State = PartShipped
	case u.Shipped == 0:
		h.State = Cancelled
	case onTheWay > 0:
		h.State = Shipped
	case u.Delivered > 0:
		h.State = Delivered
	default:
		h.State = Closed
	}
	if h.State == Cancelled && h.CancelledAt.IsZero() {
		h.CancelledAt = h.UpdatedAt
	}
	if done := h.State == Cancelled || h.State == Delivered || h.State == Closed; done && h.ClosedAt.IsZero() {
		h.ClosedAt = h.UpdatedAt
	} else if !done {
		h.ClosedAt, h.CancelledAt = time.Time{}, time.Time{}
	}
}

// BusinessDate is the posting unit's day of a moment: its zone, and a day that ends at the closing minute (180 means that sales until 03:00 belong to the day before).
func BusinessDate(at time.Time, zone string, closingMinute int64) string {
	return at.In(event.Zone(zone)).Add(-time.Duration(closingMinute) * time.Minute).Format("2006-01-02")
}
