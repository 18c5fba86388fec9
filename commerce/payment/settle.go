package payment

import (
	"context"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Settle writes the outcome of an intended refund: no cause means that it is out, under the partner's id; fault.OutcomeUnknown that it may be; any other that it was refused,
// and no longer counts. Safe to repeat; a refund that is out stays out.
func (s *Service) Settle(tx *db.Tx, refund, external string, cause error) error {
	r, o, err := s.refundLocked(tx, refund)
	if err != nil {
		return err
	}
	if r.State == "issued" || r.State == "recorded" {
		if cause == nil && r.External == "" && external != "" {
			_, err = tx.Exec(`update refunds set external = $2, version = version + 1 where id = $1`, r.ID, external)
		}
		return err
	}
	if cause != nil {
		return s.unsettled(tx, o, r, cause)
	}
	key := exception.Key{Cause: exception.OutcomeUnknown, SubjectKind: "refund", Subject: r.ID}
	refused := key
	refused.Cause = exception.RefundRefused
	if err := exception.Clear(tx, "system", "the refund is out", key, refused); err != nil {
		return err
	}
	if _, err := tx.Exec(`update refunds set state = 'issued', external = $2, flagged = null, done_at = $3, version = version + 1 where id = $1`, r.ID, orNull(external), db.Micros(tx.Now)); err != nil {
		return err
	}
	return s.Rebalance(tx, r.OrderID, "captured")
}

// refundLocked reads a refund under its order's lock.
func (s *Service) refundLocked(tx *db.Tx, refund string) (Refund, Order, error) {
	read := func() (Refund, error) {
		return db.One(tx, scanRefund, `select `+refundColumns+` from refunds r where r.id = $1`, refund)
	}
	r, err := read()
	if fault.Is(err, fault.NotFound) {
		return r, Order{}, fault.New(fault.NotFound, "there is no refund %s", refund)
	}
	if err != nil {
		return r, Order{}, err
	}
	heads, err := s.need.Orders(tx, []string{r.OrderID}, true)
	if err != nil {
		return r, Order{}, err
	}
	if r, err = read(); err != nil {
		return r, Order{}, err
	}
	lines, err := refundLines(tx, []string{r.ID})
	r.Lines = lines[r.ID]
	return r, heads[r.OrderID], err
}

// unsettled notes a refusal or a lost answer. A channel's own case is raised where it is told; of other ways it is raised here.
func (s *Service) unsettled(tx *db.Tx, o Order, r Refund, cause error) error {
	why := exception.RefundRefused
	was := r.State
	if r.State = "refused"; fault.Is(cause, fault.OutcomeUnknown) {
		r.State, why = "unknown", exception.OutcomeUnknown
	}
	if r.State == was || was == "refused" {
		return nil
	}
	if _, err := tx.Exec(`update refunds set state = $2, flagged = $3, version = version + 1 where id = $1`, r.ID, r.State, fault.Message(cause)); err != nil {
		return err
	}
	if r.Method != "channel" && r.Method != "return" {
		err := exception.Raise(tx, exception.Case{
			Cause: why, SubjectKind: "refund", Subject: r.ID, Order: r.OrderID, Account: o.Account,
			Detail: map[string]any{"number": o.Number, "amount": money.Of(r.Amount, r.Currency), "method": r.Method, "reason": fault.Message(cause), "code": fault.CodeOf(cause)},
		})
		if err != nil {
			return err
		}
	}
	f := r.fact(o)
	f.Reason = fault.Message(cause)
	return outbox.Append(tx, r.event(o, event.RefundSettled, tx.Now, f))
}

// Rebalance puts refunds that are out on payments, announces them, and tells the order its money state.
func (s *Service) Rebalance(tx *db.Tx, order, basis string) error {
	payments, refunds, err := s.moneyOf(tx, []string{order})
	if err != nil {
		return err
	}
	l := &ledger{facts: &Facts{OrderID: order}, payments: payments[order], refunds: refunds[order]}
	l.spread()
	if err := s.write(tx, []*ledger{l}); err != nil {
		return err
	}
	heads, err := s.need.Orders(tx, []string{order}, false)
	if err != nil {
		return err
	}
	if err := s.Announce(tx, []string{order}); err != nil {
		return err
	}
	return s.need.PayChanged(tx, order, StateOf(heads[order].owed(), l.payments), basis, tx.Now)
}

// owed is what the buyer owes now: the order as placed less what was cancelled.
func (o Order) owed() int64 {
	if o.Cancelled {
		return 0
	}
	owed := o.Total
	for _, l := range o.Lines {
		if part, err := money.Of(l.Total, o.Currency).Share(l.Cancelled, max(1, l.Ordered), money.HalfUp); err == nil {
			owed -= part.Minor
		}
	}
	return owed
}

// PaidOut says that a person has given the money of a payout-list refund back, under the bank's or wallet's reference.
func (s *Service) PaidOut(ctx context.Context, refund, actor, reference string) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		r, o, err := s.refundLocked(tx, refund)
		if err != nil {
			return err
		}
		if r.Method != Payout || r.State == "refused" {
			return fault.New(fault.Conflict, "refund %s is not on the payout list", refund).WithCode("not_allowed")
		}
		if err := s.secondPayout(tx, o, actor, r); err != nil {
			return err
		}
		if err := s.audit(tx, actor, "refund.paid_out", r.ID, map[string]string{"reference": reference}); err != nil {
			return err
		}
		return s.Settle(tx, refund, reference, nil)
	})
}

// secondPayout is second for money that a person gives out; saying so again gives out nothing.
func (s *Service) secondPayout(tx *db.Tx, o Order, actor string, r Refund) error {
	if r.State == "issued" {
		return nil
	}
	_, refunds, err := s.moneyOf(tx, []string{r.OrderID})
	if err != nil {
		return err
	}
	return s.second(tx, "payout", o, actor, r, refunds[r.OrderID])
}

// Drop takes a refund off the payout list that has not been paid out: the exact inverse of asking for it.
func (s *Service) Drop(ctx context.Context, refund, reason, actor string) error {
	return s.ended(ctx, refund, "taken back: "+reason, actor, func(r Refund) bool { return r.Method == Payout && r.State == "intended" })
}

// Refused is a person's word that a partner did not and will not give the money back: it no longer counts. Resolve takes that back.
func (s *Service) Refused(ctx context.Context, refund, reason, actor string) error {
	return s.ended(ctx, refund, reason, actor, func(r Refund) bool {
		return r.Method != Payout && r.Method != Exchange && (r.State == "intended" || r.State == "unknown")
	})
}

func (s *Service) ended(ctx context.Context, refund, reason, actor string, may func(r Refund) bool) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		r, o, err := s.refundLocked(tx, refund)
		if err != nil {
			return err
		}
		if !may(r) {
			return fault.New(fault.Conflict, "refund %s is %s", refund, r.State).WithCode("not_allowed")
		}
		if err := s.audit(tx, actor, "refund.end", r.ID, map[string]string{"reason": reason}); err != nil {
			return err
		}
		if _, err := tx.Exec(`update refunds set state = 'refused', flagged = $2, version = version + 1 where id = $1`, r.ID, reason); err != nil {
			return err
		}
		r.State, r.Reason = "refused", reason
		return outbox.Append(tx, r.event(o, event.RefundSettled, tx.Now, r.fact(o)))
	})
}

// Resolve is a person's word on a refund whose outcome was unknown, or that was refused: it happened after all, under the partner's id, or it is to be tried again.
func (s *Service) Resolve(ctx context.Context, refund string, happened bool, external, actor string) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		r, o, err := s.refundLocked(tx, refund)
		if err != nil {
			return err
		}
		if r.Method == Exchange || r.State != "unknown" && r.State != "refused" {
			return fault.New(fault.Conflict, "refund %s is %s", refund, r.State).WithCode("not_allowed")
		}
		if err := s.audit(tx, actor, "refund.resolve", r.ID, map[string]any{"happened": happened, "external": external}); err != nil {
			return err
		}
		if !happened {
			return s.again(tx, o, r, actor)
		}
		if r.Method == Payout { // saying so is paying out
			if err := s.secondPayout(tx, o, actor, r); err != nil {
				return err
			}
		}
		return s.Settle(tx, refund, external, nil)
	})
}

// again makes a refused or lost refund an intent once more, within what may still go back.
func (s *Service) again(tx *db.Tx, o Order, r Refund, actor string) error {
	payments, refunds, err := s.moneyOf(tx, []string{r.OrderID})
	if err != nil {
		return err
	}
	captured, out := totals(payments[r.OrderID], refunds[r.OrderID])
	if r.State == "unknown" {
		out -= r.Amount
	}
	if r.Amount > captured-out {
		return fault.New(fault.Conflict, "%s cannot go back any more: only %s is left", money.Of(r.Amount, r.Currency), money.Of(captured-out, r.Currency)).WithCode("over_captured")
	}
	if err := s.second(tx, "refund", o, actor, r, refunds[r.OrderID]); err != nil {
		return err
	}
	try := int64(0)
	if r.State == "refused" {
		try = r.Version
	}
	r.State = "intended"
	if _, err := tx.Exec(`update refunds set state = 'intended', flagged = null, version = version + 1 where id = $1`, r.ID); err != nil {
		return err
	}
	if r.electronic(payments[r.OrderID]) {
		if err := jobs.Enqueue(tx, refundJobOf(r, try)); err != nil {
			return err
		}
	}
	return s.want(tx, o, r, payments[r.OrderID])
}

// Reported records a refund that a partner made and lists nowhere: kept as reported, flagged when it is more than was captured, its amount spread over the lines as these
// are worth. Once for each Reference.
func (s *Service) Reported(tx *db.Tx, a Ask, at time.Time) error {
	heads, err := s.need.Orders(tx, []string{a.Order}, true)
	if err != nil {
		return err
	}
	payments, refunds, err := s.moneyOf(tx, []string{a.Order})
	if err != nil {
		return err
	}
	o := heads[a.Order]
	l := &ledger{facts: &Facts{OrderID: o.ID, Account: o.Account, Currency: o.Currency, Lines: map[string]string{}, At: at}, payments: payments[o.ID], refunds: refunds[o.ID]}
	back := channel.Refund{External: a.Reference, Amount: money.Of(a.Amount, o.Currency), At: at, Reason: a.Reason}
	lines, err := o.share(a.Lines, a.Amount-a.Shipping)
	if err != nil {
		return err
	}
	for _, x := range lines {
		l.facts.Lines[x.LineID] = x.LineID
		back.Lines = append(back.Lines, channel.RefundLine{Line: x.LineID, Quantity: x.Quantity, Amount: money.Of(x.Amount, o.Currency), Restock: channel.Restock(x.Restock)})
	}
	l.takeBack(back)
	for i := range l.newBack {
		l.newBack[i].ReturnID, l.newBack[i].Shipping = a.Return, a.Shipping
	}
	if len(l.newBack)+len(l.matched) == 0 {
		return nil
	}
	l.spread()
	if err := s.write(tx, []*ledger{l}); err != nil {
		return err
	}
	if err := s.Announce(tx, []string{o.ID}); err != nil {
		return err
	}
	return s.need.PayChanged(tx, o.ID, StateOf(o.owed(), l.payments), "captured", at)
}

// share spreads an amount over lines as their units cost; lines the order does not have are left out.
func (o Order) share(lines []RefundLine, amount int64) ([]RefundLine, error) {
	var known []RefundLine
	for _, l := range lines {
		i := slices.IndexFunc(o.Lines, func(x OrderLine) bool { return x.ID == l.LineID })
		if i < 0 {
			continue
		}
		worth, err := money.Of(o.Lines[i].Total, o.Currency).Share(l.Quantity, max(1, o.Lines[i].Ordered), money.HalfUp)
		if err != nil {
			return nil, err
		}
		l.Amount = worth.Minor
		known = append(known, l)
	}
	if len(known) == 0 {
		return nil, nil
	}
	return known, spreadOver(known, amount, o.Currency)
}

func (s *Service) audit(tx *db.Tx, actor, action, refund string, detail any) error {
	return s.need.Audit.Write(tx, audit.Entry{Actor: actor, Action: action, SubjectKind: "refund", Subject: refund, Detail: detail})
}
