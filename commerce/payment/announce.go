package payment

import (
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Announce makes refunds known that are out and not yet announced: RefundIssued once for each, the order's lines counted, what is flagged raised.
func (s *Service) Announce(tx *db.Tx, orders []string) error {
	if len(orders) == 0 {
		return nil
	}
	found, ids, err := unannounced(tx, orders)
	if err != nil || len(found) == 0 {
		return err
	}
	heads, err := s.need.Orders(tx, orders, false)
	if err != nil {
		return err
	}
	meta, err := s.need.Meta(tx, orders)
	if err != nil {
		return err
	}
	var events []outbox.Event
	var cases []exception.Case
	parts, touched := map[string][]event.RefundPart{}, []string{}
	for _, r := range found {
		o := heads[r.OrderID]
		if !o.Effective {
			continue
		}
		events = append(events, r.issued(o, meta[r.OrderID], tx.Now)...)
		if r.Flagged != "" {
			cases = append(cases, r.over(o))
		}
		if r.Method == Exchange { // counted as exchanged, not as refunded
			continue
		}
		if len(r.Lines) > 0 && parts[r.OrderID] == nil {
			touched = append(touched, r.OrderID)
		}
		parts[r.OrderID] = append(parts[r.OrderID], r.parts(o)...)
	}
	for _, id := range touched {
		if err := s.need.Refunded(tx, id, addUp(parts[id])); err != nil {
			return err
		}
	}
	if err := exception.Raise(tx, cases...); err != nil {
		return err
	}
	tx.Send(`update refunds set announced_at = $1 where id in (select key from json_each($2))`, db.Micros(tx.Now), db.Keys(ids))
	return outbox.Append(tx, events...)
}

// unannounced reads the refunds of orders that are out and that nobody has heard of.
func unannounced(tx *db.Tx, orders []string) ([]Refund, []string, error) {
	found, err := db.All(tx, scanRefund, `select `+refundColumns+` from refunds r where r.order_id in (select key from json_each($1)) and r.announced_at is null
		and r.state in ('issued', 'recorded') order by r.order_id, r.id`, db.Keys(orders))
	if err != nil {
		return nil, nil, err
	}
	ids := make([]string, len(found))
	for i, r := range found {
		ids[i] = r.ID
	}
	found, err = withLines(tx, found)
	return found, ids, err
}

// over is the case of a refund that a channel made beyond what was captured.
func (r *Refund) over(o Order) exception.Case {
	return exception.Case{
		Cause: exception.RefundOverCaptured, SubjectKind: "refund", Subject: r.ID, Order: r.OrderID, Account: o.Account,
		Detail: map[string]any{"number": o.Number, "amount": money.Of(r.Amount, r.Currency)},
	}
}

// addUp brings parts of several refunds to one for each line.
func addUp(parts []event.RefundPart) []event.RefundPart {
	var all []event.RefundPart
	for _, p := range parts {
		if i := slices.IndexFunc(all, func(x event.RefundPart) bool { return x.LineID == p.LineID }); i >= 0 {
			all[i].Quantity += p.Quantity
			all[i].Amount += p.Amount
			continue
		}
		all = append(all, p)
	}
	return all
}

// parts are the refund's lines as other contexts know them.
func (r *Refund) parts(o Order) []event.RefundPart {
	var all []event.RefundPart
	for _, l := range r.Lines {
		all = append(all, event.RefundPart{LineID: l.LineID, External: o.externalOf(l.LineID), Quantity: l.Quantity, Amount: l.Amount, Restock: l.Restock})
	}
	return all
}

func (o Order) externalOf(line string) string {
	for _, l := range o.Lines {
		if l.ID == line {
			return l.External
		}
	}
	return ""
}

// issued are the events of a refund that is out: the contract, and for one of ours that its intent is settled.
func (r *Refund) issued(o Order, m event.Meta, now time.Time) []outbox.Event {
	at := r.DoneAt
	if at.IsZero() {
		at = now
	}
	m.At(at, event.Zone(m.Zone))
	m.IdempotencyKey = event.Key(event.RefundIssued, o.Account, o.External, r.Reference)
	body := event.RefundIssuedV1{
		Meta: m, RefundID: r.ID, ExternalRefundID: r.External, ReturnID: r.ReturnID, Amount: money.Of(r.Amount, r.Currency), Method: r.Method,
		Origin: "seller", Reason: r.Reason, Lines: []event.ReturnedLine{},
	}
	if r.Origin == "channel" {
		body.Origin = "channel"
	}
	for _, l := range r.Lines {
		if l.Quantity > 0 {
			body.Lines = append(body.Lines, event.ReturnedLine{LineID: l.LineID, ExternalID: o.externalOf(l.LineID), Quantity: l.Quantity})
		}
	}
	all := []outbox.Event{r.event(o, event.RefundIssued, at, body)}
	all[0].Contract, all[0].Version = true, 1
	if r.Origin == "ours" {
		all = append(all, r.event(o, event.RefundSettled, at, r.fact(o)))
	}
	return all
}

func (r *Refund) event(o Order, typ string, at time.Time, body any) outbox.Event {
	return outbox.Event{Aggregate: "refund:" + r.ID, Partition: "order:" + r.OrderID, Type: typ, Account: o.Account, Order: r.OrderID, OccurredAt: at, Body: body}
}

// fact is what others need to know of the refund.
func (r *Refund) fact(o Order) event.RefundFact {
	return event.RefundFact{
		RefundID: r.ID, OrderID: r.OrderID, AccountID: o.Account, OrderExternal: o.External, PaymentID: r.PaymentID, Provider: r.Method, Reference: r.Reference, Amount: r.Amount,
		Shipping: r.Shipping, Currency: r.Currency, Reason: r.Reason, ReturnID: r.ReturnID, State: r.State, Lines: r.parts(o),
	}
}
