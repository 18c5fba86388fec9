package returns

import (
	"context"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// work is a return while it is being changed, under its order's lock.
type work struct {
	rma     RMA
	order   Order
	fresh   bool
	touched bool
	theirs  bool // the channel did it: it need not be told

	facts    []fact
	raised   []exception.Case
	cleared  []exception.Key
	contract []string // contract events to emit
}

// fact is one thing that happened, for the timeline and for whoever follows.
type fact struct {
	what, reason string
	lines        []event.UnitsMove
	refunds      map[string]int64 // of "refunded": what goes back for each line
}

func (w *work) happened(what, reason string, lines []event.UnitsMove) {
	w.touched = true
	w.facts = append(w.facts, fact{what: what, reason: reason, lines: lines})
}

// shares splits an amount over the lines it is given back for, by what is due for each.
func (w *work) shares(amount int64, lines []event.UnitsMove) (map[string]int64, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	weights := make([]int64, len(lines))
	for i, l := range lines {
		weights[i] = w.rma.line(l.LineID).Refund
	}
	parts, err := money.Of(amount, w.rma.Currency).Split(weights)
	if err != nil {
		return nil, err
	}
	all := map[string]int64{}
	for i, l := range lines {
		all[l.LineID] += parts[i].Minor
	}
	return all, nil
}

// waits raises the one case a return can be: somebody has to decide or to do something.
func (w *work) waits(why string) {
	w.raised = append(w.raised, exception.Case{
		Cause: exception.ReturnWaiting, SubjectKind: "return", Subject: w.rma.ID, Order: w.rma.OrderID, Account: w.rma.Account, Location: w.rma.Location, Deadline: w.rma.DecideBy,
		Detail: map[string]any{"number": w.rma.Number, "order": w.order.Number, "kind": w.rma.Kind, "why": why, "decide_by": timeOrNil(w.rma.DecideBy)},
	})
}

// decided closes that case.
func (w *work) decided() {
	w.cleared = append(w.cleared, exception.Key{Cause: exception.ReturnWaiting, SubjectKind: "return", Subject: w.rma.ID})
}

// disagrees raises what the channel says and our books do not allow.
func (w *work) disagrees(why string) {
	w.raised = append(w.raised, exception.Case{
		Cause: exception.ContradictingStatus, SubjectKind: "return", Subject: w.rma.ID, Order: w.rma.OrderID, Account: w.rma.Account,
		Detail: map[string]any{"number": w.rma.Number, "order": w.order.Number, "detail": why},
	})
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// units are the lines of the return as moves on the order; n says how many of each.
func (w *work) units(n func(l *Line) int64) []event.UnitsMove {
	var all []event.UnitsMove
	for i := range w.rma.Lines {
		l := &w.rma.Lines[i]
		if q := n(l); q > 0 {
			all = append(all, event.UnitsMove{LineID: l.LineID, External: l.External, Quantity: q, Units: someOf(l.Units, q)})
		}
	}
	return all
}

// someOf names units only when all of them are meant: which of several moved is otherwise the order's choice.
func someOf(units []string, q int64) []string {
	if int64(len(units)) == q {
		return units
	}
	return nil
}

func all(l *Line) int64 { return l.Quantity }

// ours keeps the moves of lines that the seller ships and gets back.
func (w *work) ours(moves []event.UnitsMove) []event.UnitsMove {
	return slices.DeleteFunc(slices.Clone(moves), func(m event.UnitsMove) bool {
		l := w.order.line(m.LineID)
		return l == nil || !l.Ours
	})
}

// open reads a return with its order, whose row is locked first.
func (s *Service) open(tx *db.Tx, id string, version int64) (*work, error) {
	r, err := one(tx, id)
	if err != nil {
		return nil, err
	}
	orders, err := s.need.Orders(tx, []string{r.OrderID}, true)
	if err != nil {
		return nil, err
	}
	if r, err = one(tx, r.ID); err != nil {
		return nil, err
	}
	if version != 0 && version != r.Version {
		return nil, fault.New(fault.Conflict, "return %s has changed since you looked: it is at version %d now", r.Number, r.Version).WithCode("version")
	}
	o, ok := orders[r.OrderID]
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no order %s", r.OrderID)
	}
	return &work{rma: r, order: o}, nil
}

// change is one act of a person on a return.
func (s *Service) change(ctx context.Context, id string, version int64, actor, action string, act func(tx *db.Tx, w *work) error) (RMA, error) {
	var r RMA
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		w, err := s.open(tx, id, version)
		if err != nil {
			return err
		}
		if err := act(tx, w); err != nil {
			return err
		}
		r = w.rma
		if !w.touched && len(w.raised) == 0 {
			return nil
		}
		if err := s.commit(tx, []*work{w}); err != nil {
			return err
		}
		if r = w.rma; !w.touched {
			return nil
		}
		return s.audit(tx, actor, action, &w.rma)
	})
	return r, err
}

func (s *Service) audit(tx *db.Tx, actor, action string, r *RMA) error {
	return s.need.Audit.Write(tx, audit.Entry{
		Actor: actor, Action: "return." + action, SubjectKind: "return", Subject: r.ID,
		Detail: map[string]any{"number": r.Number, "order": r.OrderID, "decision": r.Decision, "goods": r.Goods, "money": r.Money},
	})
}

// commit writes changed returns and tells what happened to them.
func (s *Service) commit(tx *db.Tx, works []*work) error {
	works = slices.DeleteFunc(slices.Clone(works), func(w *work) bool { return !w.touched && len(w.raised) == 0 })
	var changed []*work
	var cases []exception.Case
	var gone []exception.Key
	var orders []string
	for _, w := range works {
		if w.touched {
			w.finish(tx)
			changed = append(changed, w)
			orders = append(orders, w.order.ID)
		}
		cases, gone = append(cases, w.raised...), append(gone, w.cleared...)
	}
	if err := write(tx, changed); err != nil {
		return err
	}
	if err := exception.Clear(tx, "system", "the return went on", gone...); err != nil {
		return err
	}
	if err := exception.Raise(tx, cases...); err != nil {
		return err
	}
	if len(changed) == 0 {
		return tx.Flush()
	}
	slices.Sort(orders)
	meta, err := s.need.Meta(tx, slices.Compact(orders))
	if err != nil {
		return err
	}
	var events []outbox.Event
	for _, w := range changed {
		events = append(events, w.events(tx, meta[w.order.ID])...)
	}
	return outbox.Append(tx, events...)
}

// finish notes when nothing is left to do, or that something is again.
func (w *work) finish(tx *db.Tx) {
	r := &w.rma
	goods := r.Goods == "none" || r.Goods == "inspected" || r.Goods == "cancelled" || r.Goods == "lost"
	money := r.Money == "none" || r.Money == "refunded" || r.Money == "refused" || r.Money == "waived"
	switch done := goods && money && r.Decision != "requested" && (!r.awaitsExchange() || r.Goods == "cancelled"); {
	case done && r.ClosedAt.IsZero():
		r.ClosedAt = tx.Now
	case !done:
		r.ClosedAt = time.Time{}
	}
}

// events are what one change makes known.
func (w *work) events(tx *db.Tx, m event.Meta) []outbox.Event {
	r := &w.rma
	out := func(typ string, contract bool, at time.Time, body any) outbox.Event {
		return outbox.Event{
			Aggregate: "return:" + r.ID, Partition: "order:" + r.OrderID, Type: typ, Version: 1, Contract: contract, Account: r.Account, Order: r.OrderID,
			OccurredAt: at, Body: body,
		}
	}
	var evs []outbox.Event
	for _, typ := range w.contract {
		at := r.RequestedAt
		if typ == event.ReturnApproved {
			at = r.ApprovedAt
		}
		evs = append(evs, out(typ, true, at, w.contractBody(typ, at, m)))
	}
	for _, f := range w.facts {
		evs = append(evs, out(event.ReturnChanged, false, tx.Now, event.ReturnFact{
			ReturnID: r.ID, Number: r.Number, OrderID: r.OrderID, AccountID: r.Account, OrderExternal: w.order.External, External: r.External, Kind: string(r.Kind),
			What: f.what, Reason: f.reason, Lines: f.lines, Refunds: f.refunds, Currency: r.Currency, FromChannel: w.theirs,
			Shown: r.Detail.Shown,
		}))
	}
	return evs
}

// contractBody is ReturnRequested or ReturnApproved, keyed by what happened.
func (w *work) contractBody(typ string, at time.Time, m event.Meta) any {
	r := &w.rma
	zone, err := time.LoadLocation(m.Zone)
	if err != nil {
		zone = time.UTC
	}
	m.At(at, zone)
	name := r.External
	if name == "" {
		name = r.Number
	}
	m.IdempotencyKey = event.Key(typ, r.Account, w.order.External, name)
	lines := []event.ReturnedLine{}
	for _, l := range r.Lines {
		sku := ""
		if ol := w.order.line(l.LineID); ol != nil {
			sku = ol.SKU
		}
		lines = append(lines, event.ReturnedLine{LineID: l.LineID, ExternalID: l.External, SKU: sku, Quantity: l.Quantity, Reason: l.Reason})
	}
	if typ == event.ReturnApproved {
		return event.ReturnApprovedV1{
			Meta: m, ReturnID: r.ID, ReturnNumber: r.Number, ExternalReturnID: r.External, Kind: string(r.Kind), Lines: lines,
			RefundDue: money.Of(r.RefundDue, r.Currency),
		}
	}
	return event.ReturnRequestedV1{Meta: m, ReturnID: r.ID, ReturnNumber: r.Number, ExternalReturnID: r.External, Kind: string(r.Kind), RequestedBy: r.RequestedBy, Lines: lines}
}
