package payment

import (
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Exchange is the method of a refund, and the provider of a payment, by which no money moves: what goods that come back were worth leaves their order and pays for what
// replaces them. The refund is intended until the replacement is handed over, so that the same value never goes back twice.
const Exchange = "exchange"

// credit reports whether the payment is value that came from another order.
func (p *Payment) credit() bool { return p.Method == string(channel.PayExchange) }

// Uncredit takes such value back: the refund of the order whose goods come back no longer counts, and the order that replaces them is no longer paid by it. The exact inverse
// of both. Fault: Conflict when the replacement has been handed over, or when part of the value was paid out meanwhile.
func (s *Service) Uncredit(tx *db.Tx, refund, placed string) error {
	r, o, err := s.refundLocked(tx, refund)
	if err != nil {
		return err
	}
	if r.Method != Exchange || r.State != "intended" {
		return fault.New(fault.Conflict, "what order %s was credited with is %s: the replacement has been handed over", o.Number, r.State).WithCode("handed_over")
	}
	heads, err := s.need.Orders(tx, []string{placed}, true)
	if err != nil {
		return err
	}
	payments, refunds, err := s.moneyOf(tx, []string{placed})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(refunds[placed], func(r Refund) bool { return r.State != "refused" }) {
		return fault.New(fault.Conflict, "part of what order %s was paid with has gone back to the buyer already", heads[placed].Number).WithCode("paid_out")
	}
	l := &ledger{facts: &Facts{OrderID: placed}, payments: payments[placed]}
	for i := range l.payments {
		if p := &l.payments[i]; p.credit() && p.step("reverse") {
			p.Captured = 0
			l.touch(i)
		}
	}
	if err := s.write(tx, []*ledger{l}); err != nil {
		return err
	}
	if _, err := tx.Exec(`update refunds set state = 'refused', flagged = 'the exchange was taken back', version = version + 1 where id = $1`, r.ID); err != nil {
		return err
	}
	if err := s.need.PayChanged(tx, placed, StateOf(heads[placed].owed(), l.payments), "captured", tx.Now); err != nil {
		return err
	}
	r.State = "refused"
	return outbox.Append(tx, r.event(o, event.RefundSettled, tx.Now, r.fact(o)))
}
