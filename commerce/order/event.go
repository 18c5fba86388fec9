package order

import (
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// meta is what every contract event of the order begins with; the moment is filled by the caller.
func (h *Head) meta() event.Meta {
	return event.Meta{
		SchemaVersion: 1, Channel: h.Channel, AccountID: h.Account, OrderID: h.ID, OrderNumber: h.Number, ExternalOrderID: h.External,
		ExternalNumber: h.ExternalNumber, LegalEntityID: h.LegalEntity, Country: h.Country, Currency: h.Currency, TaxMode: string(h.TaxMode), Zone: h.Zone,
		BusinessDate: h.BusinessDate,
	}
}

// metaAt is meta with its moment and key.
func (h *Head) metaAt(at time.Time, key string) event.Meta {
	m := h.meta()
	m.At(at, event.Zone(h.Zone))
	m.IdempotencyKey = key
	return m
}

// Meta gives what contract events about these orders begin with; the caller fills the moment (Meta.At) and the key.
func (s *Service) Meta(tx *db.Tx, orders []string) (map[string]event.Meta, error) {
	heads, err := byID(tx, orders, false)
	if err != nil {
		return nil, err
	}
	all := make(map[string]event.Meta, len(heads))
	for i := range heads {
		all[heads[i].ID] = heads[i].meta()
	}
	return all, nil
}

// out makes an outbox event of the order.
func (h *Head) out(typ string, contract bool, at time.Time, body any) outbox.Event {
	return outbox.Event{Aggregate: "order:" + h.ID, Type: typ, Version: 1, Contract: contract, Account: h.Account, Order: h.ID, OccurredAt: at, Body: body}
}

// fact is what sourcing and the channel need to know of the order.
func factOf(h *Head, lines []Line, held []string) event.OrderFact {
	f := event.OrderFact{
		OrderID: h.ID, Number: h.Number, AccountID: h.Account, Channel: h.Channel, External: h.External, LegalEntityID: h.LegalEntity,
		Country: h.ShipCountry, Province: h.ShipProvince, City: h.ShipCity, Mode: string(h.Mode), COD: h.COD, Holds: held,
		ShipBy: timeOrNil(h.ShipBy), DeliverBy: timeOrNil(h.DeliverBy),
	}
	for i := range lines {
		l := &lines[i]
		if !l.Ours() || l.Open == 0 {
			continue
		}
		f.Lines = append(f.Lines, event.OpenLine{
			LineID: l.ID, External: l.External, Open: l.Open, Variant: l.Variant, SKU: l.SKU, Title: l.Title, Parts: l.Parts, Units: l.unitsIn(InOpen),
		})
	}
	return f
}

func (l *Line) unitsIn(b Bucket) []string {
	var ids []string
	for _, u := range l.Units {
		if u.Bucket == b {
			ids = append(ids, u.External)
		}
	}
	return ids
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// eventsOf lists what one arrival makes known. Shadow orders and orders that are not ours make nothing known.
func (s *Service) eventsOf(tx *db.Tx, w *work) []outbox.Event {
	h := &w.head
	if !h.Effective() {
		return nil
	}
	held := blocking(w.open)
	fact := factOf(h, w.lines, held)
	var evs []outbox.Event
	if w.fresh {
		evs = append(evs, h.out(event.OrderImported, false, h.PlacedAt, fact), createdEvent(h, w.lines, w.open))
		evs = append(evs, w.bornCancelled(tx)...)
	}
	if w.paidFirst {
		evs = append(evs, h.paid(paidBasis(w), w.a.Order.Payments, tx.Now))
	}
	if len(w.cancelled) > 0 {
		evs = append(evs, w.cancelEvents(tx, fact)...)
	}
	switch {
	case w.becameReady(held):
		evs = append(evs, h.out(event.OrderReady, false, tx.Now, fact))
	case len(held) > 0 && !w.fresh && len(w.heldBefore) == 0:
		evs = append(evs, h.out(event.OrderHeld, false, tx.Now, fact))
	case !w.fresh && len(w.cancelled) == 0 && w.concerns(held):
		evs = append(evs, h.out(event.OrderChanged, false, tx.Now, fact))
	}
	if w.fresh {
		for i := range evs {
			evs[i].Fresh = true
		}
	}
	return evs
}

// becameReady reports whether the order can be sourced now and something about that is new.
func (w *work) becameReady(held []string) bool {
	if len(held) > 0 || w.head.Units.Open == 0 {
		return false
	}
	return w.fresh || len(w.heldBefore) > 0 || w.head.Units.Open > w.before.Units.Open
}

// concerns reports whether something changed that those who fulfil the order must know: its holds, where it goes, until when.
func (w *work) concerns(held []string) bool {
	b, h := &w.before, &w.head
	return h.Units.Open > 0 && (!slices.Equal(held, w.heldBefore) || b.Buyer != h.Buyer || !b.ShipBy.Equal(h.ShipBy) || !b.DeliverBy.Equal(h.DeliverBy) || h.Units.Open > b.Units.Open)
}

// createdEvent is the contract event of a new order.
func createdEvent(h *Head, lines []Line, open []hold) outbox.Event {
	body := event.OrderCreatedV1{
		Meta: h.metaAt(h.PlacedAt, event.Key(event.OrderCreated, h.Account, h.External)), PlacedAt: h.PlacedAt.UTC(), Money: string(h.Money),
		Lines: EventLines(h, lines), Charges: h.Amount(h.Sums.Charges), Discount: h.Amount(h.Sums.Discount), DiscountChannel: h.Amount(h.Sums.DiscountChannel),
		Tax: h.Amount(h.Sums.Tax), TaxChannel: h.Amount(h.Sums.TaxChannel), Rounding: h.Amount(h.Sums.Rounding), Total: h.Amount(h.Sums.Total),
		Owed: h.Amount(h.Sums.Owed), CashOnDelivery: h.COD, Holds: []event.Hold{}, ShipBy: timeOrNil(h.ShipBy), DeliverBy: timeOrNil(h.DeliverBy),
		ShipToCountry: h.ShipCountry, ShipToProvince: h.ShipProvince, ShipToCity: h.ShipCity,
	}
	for _, o := range open {
		body.Holds = append(body.Holds, event.Hold{Type: string(o.Type), Detail: Holds[o.Type].Title})
	}
	return h.out(event.OrderCreated, true, h.PlacedAt, body)
}

// EventLines renders lines for a contract event.
func EventLines(h *Head, lines []Line) []event.Line {
	all := make([]event.Line, 0, len(lines))
	for i := range lines {
		l := &lines[i]
		sku := l.SKU
		if l.Variant == "" {
			sku = ""
		}
		all = append(all, event.Line{
			LineID: l.ID, ExternalID: l.External, SKU: sku, Title: l.Title, Quantity: l.Ordered, UnitPrice: h.Amount(l.UnitPrice), Discount: h.Amount(l.Discount),
			Tax: h.Amount(l.Tax), TaxByChannel: h.Amount(l.TaxChannel), Total: h.Amount(l.Total), FulfilledBy: string(l.FulfilledBy),
		})
	}
	return all
}

// paid is the contract event of an order whose money has come, or for cash on delivery is confirmed or presumed.
func (h *Head) paid(basis string, payments []channel.Payment, now time.Time) outbox.Event {
	at, method, ids := now, "other", []string{}
	var amount int64
	for _, p := range payments {
		if p.Status != channel.Paid {
			continue
		}
		amount += p.Amount.Minor
		method = string(p.Method)
		ids = append(ids, p.External)
		if !p.At.IsZero() {
			at = p.At
		}
	}
	if amount == 0 {
		amount = h.Sums.Total
	}
	body := event.OrderPaidV1{
		Meta: h.metaAt(at, event.Key(event.OrderPaid, h.Account, h.External)), Amount: h.Amount(amount), Method: method, Basis: basis, Payments: ids,
	}
	return h.out(event.OrderPaid, true, at, body)
}

func paidBasis(w *work) string {
	if w.head.COD {
		return "cod_confirmed"
	}
	return "captured"
}

// bornCancelled tells of units that were cancelled before we first saw the order.
func (w *work) bornCancelled(tx *db.Tx) []outbox.Event {
	var gone []event.CancelledUnits
	for i := range w.lines {
		if l := &w.lines[i]; l.Cancelled > 0 {
			gone = append(gone, event.CancelledUnits{LineID: l.ID, External: l.External, Quantity: l.Cancelled, Units: l.unitsIn(InCancelled)})
		}
	}
	if len(gone) == 0 {
		return nil
	}
	at := w.a.Order.CancelledAt
	if at.IsZero() {
		at = tx.Now
	}
	return []outbox.Event{w.head.cancelledEvent(w.lines, gone, "channel", reasonOf(w), at)}
}

// cancelEvents tells contexts and subscribers what a change took away.
func (w *work) cancelEvents(tx *db.Tx, fact event.OrderFact) []outbox.Event {
	fact.Cancelled, fact.Initiator, fact.Reason, fact.Reference = w.cancelled, w.initiator, reasonOf(w), w.head.ID+":"+w.a.Hash
	fact.FromChannel, fact.Whole = true, w.head.State == Cancelled
	return []outbox.Event{
		w.head.out(event.OrderChanged, false, tx.Now, fact),
		w.head.cancelledEvent(w.lines, w.cancelled, w.initiator, fact.Reason, tx.Now),
	}
}

func reasonOf(w *work) string {
	if r := w.a.Order.Extra["cancel_reason"]; r != "" {
		return r
	}
	return "cancelled at the channel"
}

// cancelledEvent is the contract event of cancelled units: the key comes from how many of each line are cancelled by now.
func (h *Head) cancelledEvent(lines []Line, gone []event.CancelledUnits, initiator, reason string, at time.Time) outbox.Event {
	body := event.OrderCancelledV1{Scope: "lines", Initiator: initiatorWord(initiator), Reason: reason}
	if h.Units.Ordered == h.Units.Cancelled {
		body.Scope = "whole"
	}
	facts := []string{h.Account, h.External}
	var amount int64
	for _, g := range gone {
		i := slices.IndexFunc(lines, func(l Line) bool { return l.ID == g.LineID })
		if i < 0 {
			continue
		}
		l := &lines[i]
		body.Lines = append(body.Lines, event.CancelledLine{LineID: l.ID, ExternalID: l.External, SKU: l.SKU, Quantity: g.Quantity})
		amount += l.share(l.Cancelled) - l.share(l.Cancelled-g.Quantity)
		facts = append(facts, l.External, itoa(l.Cancelled))
	}
	body.Amount = h.Amount(amount)
	body.Meta = h.metaAt(at, event.Key(event.OrderCancelled, facts...))
	return h.out(event.OrderCancelled, true, at, body)
}

// share is what the first n units of the line cost the buyer: parts that sum exactly to the line's total.
func (l *Line) share(n int64) int64 {
	if l.Ordered == 0 {
		return 0
	}
	part, err := money.Of(l.Total, l.Currency).Share(n, l.Ordered, money.HalfUp)
	if err != nil {
		return 0
	}
	return part.Minor
}

func initiatorWord(by string) string {
	switch by {
	case "buyer", "seller", "channel", "system":
		return by
	}
	return "channel"
}
