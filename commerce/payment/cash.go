package payment

import (
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// Presumed and Confirmed are what the word of a collection rests on.
const (
	Presumed  = "cod_presumed"  // a delivery scan
	Confirmed = "cod_confirmed" // a statement, a till, a channel or a person
)

// CashDue is what a courier is to collect for each order: only what it collects, and only what is still due, at the country's cash step.
func (s *Service) CashDue(tx *db.Tx, orders []string) (map[string]money.Amount, error) {
	payments, err := db.All(tx, scan, `select `+columns+` from order_payments p where p.order_id in (select key from json_each($1)) and p.cod_state = 'due' and p.collector = 'courier'
		order by p.id`, db.Keys(orders))
	if err != nil || len(payments) == 0 {
		return map[string]money.Amount{}, err
	}
	heads, err := s.need.Orders(tx, orders, false)
	if err != nil {
		return nil, err
	}
	due := map[string]money.Amount{}
	for _, p := range payments {
		if due[p.OrderID], err = due[p.OrderID].Add(money.Of(p.CODDue, p.Currency)); err != nil {
			return nil, err
		}
	}
	for id, a := range due {
		if due[id], err = s.rounded(tx, heads[id].Country, a); err != nil {
			return nil, err
		}
	}
	return due, nil
}

// rounded brings an amount to the country's cash step.
func (s *Service) rounded(tx *db.Tx, country string, a money.Amount) (money.Amount, error) {
	step, mode, err := s.need.CashStep(tx, country, a.Currency)
	if err != nil || step <= 1 {
		return a, err
	}
	m, err := money.ParseMode(mode)
	if err != nil {
		return a, err
	}
	r, _, err := a.CashRound(step, m)
	return r, err
}

// Collected says that the cash of an order has been taken. With Confirmed it is captured. With Presumed it is captured only where the account chose presumption; else it is
// known as collected and waits for the confirmation. Safe to repeat.
func (s *Service) Collected(tx *db.Tx, order, basis string, at time.Time) error {
	if basis != Presumed && basis != Confirmed {
		return fault.New(fault.Invalid, "the basis of a collection is %s or %s, not %q", Presumed, Confirmed, basis)
	}
	return s.cash(tx, order, basis, at, func(o Order, p *Payment) error {
		if p.CODBasis == Confirmed && p.State == Captured || p.Collector == string(channel.ByChannel) && basis == Presumed || !p.cashStep("collect") {
			return nil
		}
		p.CODGot, p.CODBasis = p.CODDue, basis
		if basis == Presumed {
			if ok, err := s.presumed(tx, o.Account); err != nil || !ok {
				return err
			}
		}
		if p.step("capture") {
			p.Captured = max(p.Captured, p.CODDue)
		}
		return nil
	})
}

func (s *Service) presumed(tx *db.Tx, account string) (bool, error) {
	if s.need.Presumed == nil {
		return false, nil
	}
	return s.need.Presumed(tx, account)
}

// Uncollect says that a collection did not happen after all, and the cash is due again: the exact inverse of Collected.
func (s *Service) Uncollect(tx *db.Tx, order string, at time.Time) error {
	return s.cash(tx, order, "", at, func(_ Order, p *Payment) error {
		if p.Refunded > 0 || !p.cashStep("uncollect") {
			return nil
		}
		if p.State == Captured && p.step("uncapture") {
			p.Captured = 0
		}
		p.CODGot, p.CODBasis = 0, ""
		return nil
	})
}

// Uncollected says that the parcel came back: nothing was captured and nothing is to be refunded. What was presumed collected is reversed.
func (s *Service) Uncollected(tx *db.Tx, order string, at time.Time) error {
	return s.cash(tx, order, "", at, func(_ Order, p *Payment) error {
		if p.Refunded > 0 || !p.cashStep("void") {
			return nil
		}
		if p.State == Captured && p.step("reverse") || p.step("void") {
			p.Captured, p.CODGot, p.CODBasis = 0, 0, ""
		}
		return nil
	})
}

// DueAgain puts cash that was given up back to due, when a parcel goes out once more: the exact inverse of Uncollected for cash that was due.
func (s *Service) DueAgain(tx *db.Tx, order string, at time.Time) error {
	return s.cash(tx, order, "", at, func(_ Order, p *Payment) error {
		if p.cashStep("unvoid") {
			p.step("unvoid")
		}
		return nil
	})
}

// CashFact is what became of collected cash on its way to us: hand_in, take_out, remit, unremit, reconcile, unreconcile, short_pay, write_off.
type CashFact struct {
	Order string
	Event state.Event
	Got   int64 // what was remitted in minor units, for remit and short_pay
	At    time.Time
}

// Move takes collected cash along its life, as statements and people tell. What its life does not allow is fault.Conflict. Less than was due is short-paid and raised; a
// collection that a statement proves is confirmed by it.
func (s *Service) Move(tx *db.Tx, f CashFact) error {
	moved := false
	var short *Payment
	var done []exception.Key
	err := s.cash(tx, f.Order, Confirmed, f.At, func(_ Order, p *Payment) error {
		if p.CODState == "" || p.CODState == CashVoid {
			return nil
		}
		ev := f.Event
		if ev == "remit" && f.Got > 0 && f.Got < p.CODDue {
			ev = "short_pay"
		}
		if !p.cashStep(ev) {
			return fault.New(fault.Conflict, "cash on delivery that is %s cannot %s", p.CODState, string(ev)).WithCode("not_allowed")
		}
		moved = true
		if p.CODState == CashRemitted || p.CODState == CashReconciled || p.CODState == CashWrittenOff {
			done = append(done, exception.Key{Cause: exception.CashShort, SubjectKind: "payment", Subject: p.ID}, exception.Key{Cause: exception.CashShort, SubjectKind: "order", Subject: f.Order})
		}
		if f.Got > 0 {
			p.CODGot = f.Got
		}
		if (p.CODState == CashRemitted || p.CODState == CashReconciled) && p.CODBasis != Confirmed {
			p.CODBasis = Confirmed
			if p.step("capture") {
				p.Captured = max(p.Captured, p.CODDue)
			}
		}
		if p.CODState == CashShortPaid {
			short = p
		}
		return nil
	})
	if err != nil || short == nil {
		if err == nil && !moved {
			err = fault.New(fault.Conflict, "order %s has no cash on delivery", f.Order).WithCode("not_allowed")
		}
		if err != nil || len(done) == 0 {
			return err
		}
		return exception.Clear(tx, "system", "the cash has come, or was written off", done...)
	}
	return exception.Raise(tx, exception.Case{
		Cause: exception.CashShort, SubjectKind: "payment", Subject: short.ID, Order: f.Order, Account: short.Account,
		Detail: map[string]any{"due": money.Of(short.CODDue, short.Currency), "got": money.Of(short.CODGot, short.Currency), "collector": short.Collector},
	})
}

// cash changes the cash payments of an order under its lock, and tells the order its money state when something did.
func (s *Service) cash(tx *db.Tx, order, basis string, at time.Time, change func(o Order, p *Payment) error) error {
	heads, err := s.need.Orders(tx, []string{order}, true)
	if err != nil {
		return err
	}
	o := heads[order]
	payments, refunds, err := s.moneyOf(tx, []string{order})
	if err != nil {
		return err
	}
	l := &ledger{facts: &Facts{OrderID: order}, payments: payments[order], refunds: refunds[order]}
	for i := range l.payments {
		p := &l.payments[i]
		if p.CODState == "" {
			continue
		}
		was := *p
		if err := change(o, p); err != nil {
			return err
		}
		if *p != was {
			l.touch(i)
		}
	}
	if len(l.edited) == 0 {
		return nil
	}
	if err := s.write(tx, []*ledger{l}); err != nil {
		return err
	}
	return s.need.PayChanged(tx, order, StateOf(o.owed(), l.payments), basis, at)
}
