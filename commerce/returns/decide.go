package returns

import (
	"context"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Approve says that the goods may come or, without goods, that the money may go. An exchange of which it is known what the buyer wants is placed with it, where its account
// says so. Unapprove is its inverse.
func (s *Service) Approve(ctx context.Context, id string, version int64, actor string) (RMA, error) {
	if err := s.ready(ctx, id); err != nil {
		return RMA{}, err
	}
	return s.change(ctx, id, version, actor, "approve", func(tx *db.Tx, w *work) error {
		if err := s.approve(tx, w); err != nil {
			return err
		}
		return s.exchangeBy(tx, w, OnApproval, actor)
	})
}

func (s *Service) approve(tx *db.Tx, w *work) error {
	r := &w.rma
	if err := r.decide("approve"); err != nil {
		return err
	}
	if r.Goods == "cancelled" {
		if err := r.goods("await"); err != nil {
			return err
		}
	}
	if err := s.owe(tx, w); err != nil {
		return err
	}
	if r.ApprovedAt.IsZero() {
		r.ApprovedAt = tx.Now
		w.contract = append(w.contract, event.ReturnApproved)
	}
	w.decided()
	w.happened("approved", "", w.units(all))
	return nil
}

// Unapprove takes an approval back, while nothing has been sent, paid, or told to a channel.
func (s *Service) Unapprove(ctx context.Context, id string, version int64, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "unapprove", func(tx *db.Tx, w *work) error {
		r := &w.rma
		if err := s.unexchange(tx, w, "the approval was taken back", actor); err != nil {
			return err
		}
		if r.External != "" || r.Detail.Shown != "" || (r.Goods != "awaited" && r.Goods != "none") || (r.Money != "due" && r.Money != "none") {
			return fault.New(fault.Conflict, "return %s has gone too far to be undecided again", r.Number).WithCode("not_allowed")
		}
		if err := r.decide("unapprove"); err != nil {
			return err
		}
		if err := w.forget(); err != nil {
			return err
		}
		w.waits("the approval was taken back")
		w.happened("unapproved", "", nil)
		return nil
	})
}

// Decline turns a request down, with the reason the buyer gets to hear. Reopen is its inverse.
func (s *Service) Decline(ctx context.Context, id string, version int64, reason, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "decline", func(tx *db.Tx, w *work) error { return w.decline(reason) })
}

func (w *work) decline(reason string) error {
	if err := w.rma.decide("decline"); err != nil {
		return err
	}
	if w.rma.Goods == "awaited" {
		if err := w.rma.goods("cancel"); err != nil {
			return err
		}
	}
	w.decided()
	w.happened("declined", reason, w.units(all))
	return nil
}

// Withdraw ends a return that nobody wants any more, while the goods have not arrived; an exchange is taken back with it. Reopen is its inverse.
func (s *Service) Withdraw(ctx context.Context, id string, version int64, reason, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "withdraw", func(tx *db.Tx, w *work) error { return s.withdraw(tx, w, reason, actor) })
}

func (s *Service) withdraw(tx *db.Tx, w *work, reason, actor string) error {
	r := &w.rma
	if err := s.unexchange(tx, w, reason, actor); err != nil {
		return err
	}
	if r.Money != "none" && r.Money != "due" {
		return fault.New(fault.Conflict, "the money of return %s is %s", r.Number, r.Money).WithCode("not_allowed")
	}
	if err := r.decide("withdraw"); err != nil {
		return err
	}
	if r.Goods == "on_the_way" {
		if err := s.keep(tx, w, w.units(all)); err != nil {
			return err
		}
	}
	if r.Goods != "none" {
		if err := r.goods("cancel"); err != nil {
			return err
		}
	}
	if err := w.forget(); err != nil {
		return err
	}
	w.decided()
	w.happened("withdrawn", reason, nil)
	return nil
}

// Reopen puts a declined or withdrawn return back to be decided: the inverse of Decline and of Withdraw.
func (s *Service) Reopen(ctx context.Context, id string, version int64, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "reopen", func(tx *db.Tx, w *work) error {
		r := &w.rma
		if r.Detail.Shown != "" {
			return fault.New(fault.Conflict, "the channel was told that return %s is off: ask for a new one", r.Number).WithCode("told")
		}
		before, err := ofOrders(tx, []string{r.OrderID})
		if err != nil {
			return err
		}
		free := left(w.order, before[r.OrderID], r.Kind)
		for _, l := range r.Lines {
			if l.Quantity > free[l.LineID] {
				return fault.New(fault.Conflict, "the units of return %s are in another return, or not with the buyer", r.Number).WithCode("not_enough")
			}
		}
		if err := r.decide("reopen"); err != nil {
			return err
		}
		if r.Goods == "cancelled" {
			if err := r.goods("await"); err != nil {
				return err
			}
		}
		w.waits("the return was opened again")
		w.happened("reopened", "", nil)
		return nil
	})
}
