package payment

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Confirm is a person's word that the cash of an order was taken. Unconfirm is its inverse.
func (s *Service) Confirm(ctx context.Context, order, actor string, at time.Time) error {
	return s.person(ctx, order, actor, "payment.confirm", nil, func(tx *db.Tx) error {
		if at.IsZero() {
			at = tx.Now
		}
		return s.Collected(tx, Parcel{Order: order}, Confirmed, at)
	})
}

// Unconfirm takes a confirmation back: the cash is due again.
func (s *Service) Unconfirm(ctx context.Context, order, reason, actor string) error {
	return s.person(ctx, order, actor, "payment.unconfirm", map[string]string{"reason": reason}, func(tx *db.Tx) error { return s.Uncollect(tx, Parcel{Order: order}, tx.Now) })
}

// Settlement is a person's act on collected cash, see CashFact: hand in, remit, reconcile, claim short, write off, and the way back of each.
func (s *Service) Settlement(ctx context.Context, f CashFact, actor string) error {
	return s.person(ctx, f.Order, actor, "payment."+string(f.Event), map[string]int64{"got": f.Got}, func(tx *db.Tx) error {
		if f.At.IsZero() {
			f.At = tx.Now
		}
		return s.Move(tx, f)
	})
}

// Lower says that part of the cash will not be collected: one of several parcels came back, or the buyer was granted a reduction. A negative amount takes that back, up to
// what the order came to. Fault: Conflict when less is due.
func (s *Service) Lower(ctx context.Context, order string, amount int64, reason, actor string) error {
	return s.person(ctx, order, actor, "payment.lower", map[string]any{"amount_minor": amount, "reason": reason}, func(tx *db.Tx) error {
		done := false
		err := s.cash(tx, order, "captured", tx.Now, func(_ Order, t *tally) error {
			p := t.payment
			if p.CODState != CashIsDue || done {
				return nil
			}
			if done = true; amount > p.outstanding() || p.CODDue-amount > p.Amount || p.Collector == string(channel.ByChannel) {
				return fault.New(fault.Conflict, "%s are due of %s", money.Of(p.outstanding(), p.Currency), money.Of(p.Amount, p.Currency)).WithCode("not_enough")
			}
			p.CODDue -= amount
			if p.settled() > 0 {
				p.endCash()
			}
			return nil
		})
		if err == nil && !done {
			err = fault.New(fault.Conflict, "no cash is due for order %s", order).WithCode("not_allowed")
		}
		if err != nil {
			return err
		}
		return s.dueChanged(tx, order)
	})
}

// person does one audited act.
func (s *Service) person(ctx context.Context, order, actor, action string, detail any, act func(tx *db.Tx) error) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		if err := act(tx); err != nil {
			return err
		}
		return s.need.Audit.Write(tx, audit.Entry{Actor: actor, Action: action, SubjectKind: "order", Subject: order, Detail: detail})
	})
}
