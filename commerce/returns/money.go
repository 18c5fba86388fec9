package returns

import (
	"context"
	"fmt"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/db"
)

// taken is how many units of a line count for the money: all that are to come until it is known what came, less what was not taken back.
func (r *RMA) taken(l *Line) int64 {
	if r.Goods == "inspected" {
		return l.Received - l.Rejected
	}
	return l.Quantity - l.Rejected
}

// owe works out what is due by now, while no money is under way. An exchange owes nothing until what replaces it is known.
func (s *Service) owe(tx *db.Tx, w *work) error {
	r := &w.rma
	if r.Kind == KindExchange || (r.Money != "none" && r.Money != "due") {
		return nil
	}
	units := w.worth()
	lines, total, err := s.need.Due(tx, r.OrderID, units, r.Detail.Shipping)
	if err != nil {
		return err
	}
	for i, u := range units {
		r.line(u.LineID).Refund = lines[i]
	}
	switch {
	case total > 0 && r.Money == "none":
		err = r.money("owe")
	case total == 0 && r.Money == "due":
		err = r.money("forget")
	}
	r.RefundDue, w.touched = r.Refunded+total, true
	if err != nil || r.Money != "due" || !w.order.PaysItself || r.External != "" || r.Kind != KindOrigin && r.Kind != KindClaim {
		return err
	}
	w.happened("waived", "the channel gives the buyer the money back by itself", nil)
	r.RefundDue = r.Refunded
	return r.money("waive")
}

// worth lists the units whose money is due, one entry per line.
func (w *work) worth() []Units {
	var all []Units
	for i := range w.rma.Lines {
		l := &w.rma.Lines[i]
		l.Refund = 0
		if q := w.rma.taken(l); q > 0 {
			all = append(all, Units{LineID: l.LineID, Quantity: q, Units: someOf(l.Units, q)})
		}
	}
	return all
}

// forget ends a debt that nobody has begun to pay.
func (w *work) forget() error {
	if w.rma.Money != "due" {
		return nil
	}
	w.rma.RefundDue = w.rma.Refunded
	for i := range w.rma.Lines {
		w.rma.Lines[i].Refund = 0
	}
	return w.rma.money("forget")
}

// Paying is how the money of a return goes back.
type Paying struct {
	Amount   int64  `json:"amount_minor"`   // 0 = what is due
	Shipping *int64 `json:"shipping_minor"` // nil = as the return says
	Method   string `json:"method"`         // "" = the way it came; payout = bank, wallet or store credit
	Reason   string `json:"reason"`
	Actor    string `json:"-"`
}

// Refund has the money of an approved return given back, before or after the goods came. A return of a channel is paid by the channel, which is told of the decision.
// Faults: Conflict when nothing is due or more is asked for than may go back.
func (s *Service) Refund(ctx context.Context, id string, version int64, p Paying) (RMA, error) {
	return s.change(ctx, id, version, p.Actor, "refund", func(tx *db.Tx, w *work) error { return s.refund(tx, w, p) })
}

func (s *Service) refund(tx *db.Tx, w *work, p Paying) error {
	r := &w.rma
	if r.Decision != "approved" {
		return fault.New(fault.Conflict, "return %s is %s", r.Number, r.Decision).WithCode("not_allowed")
	}
	if p.Shipping != nil {
		r.Detail.Shipping = *p.Shipping
	}
	if err := s.owe(tx, w); err != nil {
		return err
	}
	if r.Money == "none" {
		return fault.New(fault.Conflict, "nothing is due for return %s: nothing of it was paid, or all of it went back", r.Number).WithCode("nothing_due")
	}
	ask := RefundAsk{
		Order: r.OrderID, Return: r.ID, Reference: fmt.Sprintf("return:%s:%d", r.ID, len(r.Detail.Refunds)+1), Lines: w.worth(), Back: r.Goods == "received" || r.Goods == "inspected",
		Amount: p.Amount, Shipping: r.Detail.Shipping, Method: p.Method, Reason: p.Reason, Actor: p.Actor, At: tx.Now,
	}
	if ask.Reason == "" {
		ask.Reason = r.Reason
	}
	if (r.External != "" || r.Detail.Shown != "") && ask.Method == "" {
		ask.Method = "return"
	}
	if r.Kind == KindExchange {
		ask.Amount, ask.Lines, ask.Shipping = r.RefundDue-r.Refunded, nil, 0
	}
	if err := r.money("intend"); err != nil {
		return err
	}
	done, err := s.need.Refund(tx, ask)
	if err != nil {
		return err
	}
	r.RefundDue = r.Refunded + done.Amount
	r.Detail.Refunds, r.Detail.By = append(r.Detail.Refunds, done.ID), ask.Method
	w.decided()
	lines, amount := w.units(r.taken), money.Of(done.Amount, r.Currency)
	if ask.Method != "return" {
		w.happened("refund_wanted", amount.String(), lines)
		return nil
	}
	shares, err := w.shares(done.Amount, lines)
	w.happened("refunded", amount.String(), lines) // what the channel is told: pay it
	w.facts[len(w.facts)-1].refunds = shares
	return err
}

// Refuse keeps the money: goods that came are not what was sold. Owe is its inverse.
func (s *Service) Refuse(ctx context.Context, id string, version int64, reason, actor string) (RMA, error) {
	return s.settleBy(ctx, id, version, "refuse", "refused", reason, actor)
}

// Waive says that the buyer does without the money, or got something else for it. Owe is its inverse.
func (s *Service) Waive(ctx context.Context, id string, version int64, reason, actor string) (RMA, error) {
	return s.settleBy(ctx, id, version, "waive", "waived", reason, actor)
}

func (s *Service) settleBy(ctx context.Context, id string, version int64, ev state.Event, what, reason, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, string(ev), func(_ *db.Tx, w *work) error {
		if err := w.rma.money(ev); err != nil {
			return err
		}
		w.decided()
		w.happened(what, reason, nil)
		return nil
	})
}

// Owe takes a refusal or a waiver back, or finds that more is due than went back. Fault: Conflict when nothing is due.
func (s *Service) Owe(ctx context.Context, id string, version int64, reason, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "owe", func(tx *db.Tx, w *work) error {
		if err := w.rma.money("owe"); err != nil {
			return err
		}
		if err := s.owe(tx, w); err != nil {
			return err
		}
		if w.rma.Money != "due" {
			return fault.New(fault.Conflict, "nothing is due for return %s", w.rma.Number).WithCode("nothing_due")
		}
		w.happened("owed", reason, nil)
		return nil
	})
}
