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

// CashDue is what a courier is to collect for each order: only what it collects, and only what is still due, at the country's cash step. What was
// collected with a parcel, or came back with one, is due no more.
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
		if due[p.OrderID], err = due[p.OrderID].Add(money.Of(p.outstanding(), p.Currency)); err != nil {
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

// Collected says that the cash of an order has been taken, or of one parcel with Parcel. With Confirmed it is captured. With Presumed it is captured only where the account
// chose presumption; else it is known as collected and waits for the confirmation. Safe to repeat.
func (s *Service) Collected(tx *db.Tx, c Parcel, basis string, at time.Time) error {
	if basis != Presumed && basis != Confirmed {
		return fault.New(fault.Invalid, "the basis of a collection is %s or %s, not %q", Presumed, Confirmed, basis)
	}
	return s.cashOf(tx, c, basis, at, func(o Order, t *tally, p *part) error {
		if p.Basis == Confirmed && p.Captured > 0 || t.payment.Collector == string(channel.ByChannel) && basis == Presumed || !p.step("collect") {
			return nil
		}
		p.Got, p.Basis = p.Amount, basis
		if basis == Presumed {
			if ok, err := s.presumed(tx, o.Account); err != nil || !ok {
				return err
			}
		}
		p.Captured = max(p.Captured, p.Amount)
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
func (s *Service) Uncollect(tx *db.Tx, c Parcel, at time.Time) error {
	return s.cashOf(tx, c, "", at, func(_ Order, t *tally, p *part) error {
		if t.back(p) || !p.step("uncollect") {
			return nil
		}
		p.Got, p.Captured, p.Basis = 0, 0, ""
		return nil
	})
}

// Uncollected says that the parcel came back: nothing was captured, nothing is to be refunded, and its part is not due any more. What was presumed collected is reversed.
func (s *Service) Uncollected(tx *db.Tx, c Parcel, at time.Time) error {
	return s.cashOf(tx, c, "", at, func(_ Order, t *tally, p *part) error {
		if t.back(p) || !p.step("void") {
			return nil
		}
		p.Got, p.Captured, p.Basis = 0, 0, ""
		return nil
	})
}

// DueAgain puts cash that was given up back to due, when a parcel goes out once more: the exact inverse of Uncollected for cash that was due.
func (s *Service) DueAgain(tx *db.Tx, c Parcel, at time.Time) error {
	return s.cashOf(tx, c, "", at, func(_ Order, _ *tally, p *part) error {
		p.step("unvoid")
		return nil
	})
}

// CashFact is what became of collected cash on its way to us: hand_in, take_out, remit, unremit, reconcile, unreconcile, short_pay, write_off.
type CashFact struct {
	Order    string
	Shipment string // of this parcel only, as a courier's statement tells by tracking number; "" = of all that the order has
	Cash     int64  // what the parcel's waybill says, in minor units; with Shipment
	Event    state.Event
	Got      int64 // what was remitted in minor units, for remit and short_pay
	At       time.Time
}

// Move takes collected cash along its life, as statements and people tell. What its life does not allow is fault.Conflict. Less than was due is short-paid and raised; a
// collection that a statement proves is confirmed by it. Cash of a parcel that a statement tells of before its scan was collected, too.
func (s *Service) Move(tx *db.Tx, f CashFact) error {
	moved, left := 0, f.Got
	var short *part
	var account, collector string
	err := s.cashOf(tx, Parcel{f.Order, f.Shipment, f.Cash}, Confirmed, f.At, func(_ Order, t *tally, p *part) error {
		if p.dead() {
			return nil
		}
		if f.Shipment != "" && p.State == CashIsDue && (f.Event == "remit" || f.Event == "short_pay") && p.step("collect") {
			p.Got, p.Captured, p.Basis = p.Amount, p.Amount, Confirmed
		}
		ev, got := f.Event, left
		if t.several() && got > p.Amount { // one amount for several parcels pays them in turn
			got = p.Amount
		}
		if ev == "remit" && f.Got > 0 && got < p.Amount {
			ev = "short_pay"
		}
		if !p.step(ev) {
			return fault.New(fault.Conflict, "cash on delivery that is %s cannot %s", p.State, string(ev)).WithCode("not_allowed")
		}
		moved++
		if f.Got > 0 {
			p.Got = got
			left -= got
		}
		if (p.State == CashRemitted || p.State == CashReconciled) && p.Basis != Confirmed {
			p.Basis, p.Captured = Confirmed, max(p.Captured, p.Amount)
		}
		if p.State == CashShortPaid && short == nil {
			short, account, collector = p, t.payment.Account, t.payment.Collector
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case moved == 0:
		return fault.New(fault.Conflict, "order %s has no cash on delivery", f.Order).WithCode("not_allowed")
	case short != nil:
		return exception.Raise(tx, exception.Case{
			Cause: exception.CashShort, SubjectKind: "payment", Subject: short.Payment, Order: f.Order, Account: account,
			Detail: map[string]any{"due": money.Of(short.Amount, short.Currency), "got": money.Of(short.Got, short.Currency), "collector": collector, "shipment_id": f.Shipment},
		})
	}
	return s.cashCame(tx, f.Order)
}

// cashCame closes the cases of missing cash of an order whose cash has all come or was written off.
func (s *Service) cashCame(tx *db.Tx, order string) error {
	payments, _, err := s.moneyOf(tx, []string{order})
	if err != nil {
		return err
	}
	done, all := []exception.Key{}, true
	for _, p := range payments[order] {
		switch p.CODState {
		case "", CashVoid, CashReversed:
		case CashRemitted, CashReconciled, CashWrittenOff:
			done = append(done, exception.Key{Cause: exception.CashShort, SubjectKind: "payment", Subject: p.ID})
		default:
			all = false
		}
	}
	if all && len(done) > 0 {
		done = append(done, exception.Key{Cause: exception.CashShort, SubjectKind: "order", Subject: order})
	}
	if len(done) == 0 {
		return nil
	}
	return exception.Clear(tx, "system", "the cash has come, or was written off", done...)
}
