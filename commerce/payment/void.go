package payment

import (
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Void ends what is still to be paid of cancelled orders: due and authorized payments. A provider of ours is asked to let go of what it holds. What was captured goes
// back as a refund. The orders' rows are locked. Unvoid is its inverse.
func (s *Service) Void(tx *db.Tx, orders []string) error {
	return s.each(tx, orders, func(p *Payment) ([]jobs.Job, error) {
		held := p.State == Authorized || p.State == Unknown
		if p.CODTaken > 0 && p.CODState == CashIsDue {
			p.giveUp()
			return nil, nil
		}
		if (p.State != Due && !held) || !p.step("void") {
			return nil, nil
		}
		p.cashStep("void")
		if !held || !p.electronic() {
			return nil, nil
		}
		return []jobs.Job{{Kind: VoidJob, Key: p.ID, Account: "gateway:" + p.Provider, Payload: paymentJob{p.ID}}}, nil
	})
}

// Unvoid makes payments due again that were given up while nothing was held for them: cash, and what the buyer had yet to pay. An authorization that was let go is gone.
func (s *Service) Unvoid(tx *db.Tx, orders []string) error {
	return s.each(tx, orders, func(p *Payment) ([]jobs.Job, error) {
		if p.State == Voided && p.Authorized == 0 && p.Captured == 0 && (p.CODState == "" || p.CODDue > p.CODGone) && p.step("unvoid") {
			p.cashStep("unvoid")
		}
		return nil, nil
	})
}

// Capture takes what providers of ours hold for orders, whose rows are locked, up to what the buyer owes now. It is asked for once; a repeat changes nothing.
func (s *Service) Capture(tx *db.Tx, orders []string) error {
	return s.each(tx, orders, func(p *Payment) ([]jobs.Job, error) {
		if p.State != Authorized || !p.electronic() {
			return nil, nil
		}
		return []jobs.Job{{Kind: CaptureJob, Key: p.ID, Account: "gateway:" + p.Provider, Payload: paymentJob{p.ID}}}, nil
	})
}

// each changes payments of orders, set-based, and enqueues what follows.
func (s *Service) each(tx *db.Tx, orders []string, change func(p *Payment) ([]jobs.Job, error)) error {
	payments, _, err := s.moneyOf(tx, orders)
	if err != nil {
		return err
	}
	edits := db.NewBatch(1)
	var all []jobs.Job
	for _, ps := range payments {
		for i := range ps {
			p := &ps[i]
			was := *p
			more, err := change(p)
			if err != nil {
				return err
			}
			all = append(all, more...)
			if *p != was {
				p.Version++
				edits.Add(row(p, db.Micros(tx.Now))...)
			}
		}
	}
	if _, err := tx.Exec(updatePayments, edits); err != nil || len(all) == 0 {
		return err
	}
	return jobs.Enqueue(tx, all...)
}

// Consumers are what payments take from others: units that were cancelled here, whose money is given up or goes back, and parcels that left, for which held money is taken.
func (s *Service) Consumers() []outbox.Consumer {
	return []outbox.Consumer{
		{Name: "payment.cancelled", Types: []string{event.OrderChanged, event.OrderCancelled}, Handle: s.cancelledUnits},
		{Name: "payment.capture", Types: []string{event.ShipmentHandedOver}, Handle: func(tx *db.Tx, batch []outbox.Stored) error {
			if _, err := s.need.Orders(tx, ordersOf(batch), true); err != nil {
				return err
			}
			return s.Capture(tx, ordersOf(batch))
		}},
	}
}

func ordersOf(batch []outbox.Stored) []string {
	var ids []string
	for _, e := range batch {
		if e.Order != "" {
			ids = append(ids, e.Order)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// cancelledUnits follows cancellations made here: for money that providers of ours hold, and for cash that is yet to be collected. A channel gives its own money back.
func (s *Service) cancelledUnits(tx *db.Tx, batch []outbox.Stored) error {
	heads, err := s.need.Orders(tx, ordersOf(batch), true)
	if err != nil {
		return err
	}
	payments, refunds, err := s.moneyOf(tx, ordersOf(batch))
	if err != nil {
		return err
	}
	for _, e := range batch {
		o, ok := heads[e.Order]
		if !ok {
			continue
		}
		if e.Type == event.OrderChanged {
			f, err := outbox.Decode[event.OrderFact](e)
			if err != nil {
				return err
			}
			if len(f.Cancelled) > 0 && !f.FromChannel {
				if err := s.giveBack(tx, o, payments[o.ID], refunds[o.ID], f); err != nil {
					return err
				}
				if payments, refunds, err = s.moneyOf(tx, ordersOf(batch)); err != nil {
					return err
				}
			}
		}
		if o.Cancelled { // what was given up with it shows in the order's money state
			if err := s.need.PayChanged(tx, o.ID, StateOf(o.owed(), payments[o.ID]), "captured", tx.Now); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveBack takes what cancelled units cost first off what is still to be collected, then gives the rest back of what was captured by providers of ours.
func (s *Service) giveBack(tx *db.Tx, o Order, payments []Payment, refunds []Refund, f event.OrderFact) error {
	a := Ask{Order: o.ID, Reason: f.Reason, Actor: "system", Reference: "cancel:" + f.Reference}
	if slices.ContainsFunc(refunds, func(r Refund) bool { return r.Reference == a.Reference }) {
		return nil
	}
	for _, c := range f.Cancelled {
		a.Lines = append(a.Lines, RefundLine{LineID: c.LineID, Quantity: c.Quantity, Restock: "cancel"})
	}
	_, worth, err := price(o, refunds, a)
	switch {
	case fault.Is(err, fault.Conflict): // the units' money went back already, by hand
		return nil
	case err != nil:
		return err
	}
	if f.Whole {
		a.Shipping = max(0, o.charges()-shippingBack(refunds))
		worth += a.Shipping
	}
	rest, err := s.lowerDue(tx, o, payments, worth)
	if err != nil {
		return err
	}
	captured, out := totals(payments, refunds)
	if f.Whole { // value that came from another order goes back there, with the exchange
		for _, p := range payments {
			if p.credit() {
				captured -= p.Captured
			}
		}
	}
	rest = min(rest, captured-out)
	if rest <= 0 || !slices.ContainsFunc(payments, func(p Payment) bool { return p.ours() && p.Captured > 0 }) {
		return nil
	}
	a.Amount, a.Shipping = rest, min(a.Shipping, rest)
	_, err = s.RefundTx(tx, a)
	if fault.CodeOf(err) == "several_payments" {
		a.Method = Payout
		_, err = s.RefundTx(tx, a)
	}
	return err
}

// charges are what the buyer paid besides goods.
func (o Order) charges() int64 {
	cost := o.Total
	for _, l := range o.Lines {
		cost -= l.Total
	}
	return cost
}

func shippingBack(refunds []Refund) int64 {
	var sum int64
	for _, r := range refunds {
		if r.State != "refused" {
			sum += r.Shipping
		}
	}
	return sum
}

// lowerDue takes an amount off the cash that is still due and not the channel's to collect; what is left of it is answered.
func (s *Service) lowerDue(tx *db.Tx, o Order, payments []Payment, amount int64) (int64, error) {
	l := &ledger{facts: &Facts{OrderID: o.ID}, payments: payments}
	for i := range l.payments {
		p := &l.payments[i]
		switch {
		case amount <= 0:
		case p.CODState == CashIsDue && p.Collector != string(channel.ByChannel):
			d := min(amount, p.outstanding())
			p.CODDue -= d
			amount -= d
			p.endCash()
			l.touch(i)
		case p.State == Authorized:
			amount -= min(amount, p.Authorized) // less will be captured
		}
	}
	if len(l.edited) == 0 {
		return amount, nil
	}
	if err := s.write(tx, []*ledger{l}); err != nil {
		return 0, err
	}
	if err := s.need.PayChanged(tx, o.ID, StateOf(o.owed(), l.payments), "captured", tx.Now); err != nil {
		return 0, err
	}
	return amount, s.dueChanged(tx, o.ID)
}
