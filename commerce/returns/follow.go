package returns

import (
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Consumers are what returns take from others: refunds that went out, were refused, or were made by a channel that concluded a return.
func (s *Service) Consumers() []outbox.Consumer {
	return []outbox.Consumer{{
		Name: "returns.money", Types: []string{event.RefundIssued, event.RefundSettled, event.ReturnChanged},
		Handle: s.follows,
	}, {
		Name: "returns.exchange", Types: []string{event.OrderChanged, event.ShipmentHandedOver}, Handle: s.followsPlaced,
	}}
}

// followsPlaced follows the orders that were placed for exchanges: once one is handed over, what paid for it has gone; one that was cancelled takes its exchange back.
func (s *Service) followsPlaced(tx *db.Tx, batch []outbox.Stored) error {
	gone, left := map[string]bool{}, map[string]bool{}
	for _, e := range batch {
		if e.Type == event.ShipmentHandedOver {
			f, err := outbox.Decode[event.ShipmentFact](e)
			if err != nil {
				return err
			}
			left[e.Order] = left[e.Order] || channel.PlacedHere(f.OrderExternal)
			continue
		}
		f, err := outbox.Decode[event.OrderFact](e)
		if err != nil {
			return err
		}
		gone[e.Order] = gone[e.Order] || f.Whole && channel.PlacedHere(f.External)
	}
	var placed []string
	for _, e := range batch {
		if (gone[e.Order] || left[e.Order]) && !slices.Contains(placed, e.Order) {
			placed = append(placed, e.Order)
		}
	}
	if len(placed) == 0 {
		return nil
	}
	found, err := byExchange(tx, placed)
	if err != nil || len(found) == 0 {
		return err
	}
	ids := slices.Clone(placed)
	for _, r := range found {
		ids = append(ids, r.OrderID)
	}
	slices.Sort(ids)
	orders, err := s.need.Orders(tx, slices.Compact(ids), true)
	if err != nil {
		return err
	}
	if found, err = byExchange(tx, placed); err != nil { // as they are under the lock
		return err
	}
	for _, r := range found {
		if err := s.followPlaced(tx, &work{rma: r, order: orders[r.OrderID]}, left[r.Exchange]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) followPlaced(tx *db.Tx, w *work, left bool) error {
	if left {
		if w.rma.Detail.Credit == "" {
			return nil
		}
		return s.need.Settled(tx, w.rma.Detail.Credit)
	}
	const why = "the order that replaces it was cancelled"
	switch err := s.unexchange(tx, w, why, "system"); {
	case fault.Is(err, fault.Conflict):
		w.waits(why + ": " + fault.Message(err))
	case err != nil:
		return err
	default:
		w.waits(why + ": say what the buyer gets instead, or withdraw it")
	}
	return s.commit(tx, []*work{w})
}

// follows takes a batch: the orders it is about are locked first, in key order.
func (s *Service) follows(tx *db.Tx, batch []outbox.Stored) error {
	var ids []string
	for _, e := range batch {
		if e.Order != "" {
			ids = append(ids, e.Order)
		}
	}
	slices.Sort(ids)
	orders, err := s.need.Orders(tx, slices.Compact(ids), true)
	if err != nil {
		return err
	}
	for _, e := range batch {
		o, ok := orders[e.Order]
		if !ok {
			continue
		}
		if err := s.followOne(tx, o, e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) followOne(tx *db.Tx, o Order, e outbox.Stored) error {
	switch e.Type {
	case event.RefundIssued:
		f, err := outbox.Decode[event.RefundIssuedV1](e)
		if err != nil {
			return err
		}
		return s.paid(tx, o, f)
	case event.RefundSettled:
		f, err := outbox.Decode[event.RefundFact](e)
		if err != nil || f.ReturnID == "" || f.State != "refused" {
			return err
		}
		return s.unpaid(tx, o, f)
	}
	f, err := outbox.Decode[event.ReturnFact](e)
	if err != nil || f.What != "completed" || !f.FromChannel {
		return err
	}
	return s.completed(tx, o, f)
}

// exchangeMethod is how payments call a refund that pays for a replacement.
const exchangeMethod = "exchange"

// paid counts a refund that is out: one of ours for a return, or one a channel made of the units of a return.
func (s *Service) paid(tx *db.Tx, o Order, f event.RefundIssuedV1) error {
	if f.Method == exchangeMethod { // no money: it paid for what replaces the goods
		return nil
	}
	before, err := ofOrders(tx, []string{o.ID})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(before[o.ID], func(r RMA) bool { return f.ReturnID != "" && r.ID == f.ReturnID })
	if i < 0 && f.ReturnID == "" {
		i = slices.IndexFunc(before[o.ID], func(r RMA) bool { return r.covers(f.Lines) })
	}
	if i < 0 {
		return nil
	}
	w := &work{order: o, rma: before[o.ID][i], theirs: f.Origin == "channel"}
	r := &w.rma
	r.Refunded += f.Amount.Minor
	if !slices.Contains(r.Detail.Refunds, f.RefundID) {
		r.Detail.Refunds = append(r.Detail.Refunds, f.RefundID)
	}
	if r.Money != "refunded" {
		if err := r.money("pay"); err != nil {
			return err
		}
	}
	w.decided()
	w.happened("paid", f.Amount.String(), nil)
	return s.commit(tx, []*work{w})
}

// covers reports whether a refund the channel reports can be the one of this return: money is open, and its lines are lines of the return.
func (r *RMA) covers(lines []event.ReturnedLine) bool {
	if r.Decision != "approved" || (r.Money != "due" && r.Money != "intended") || len(lines) == 0 {
		return false
	}
	for _, l := range lines {
		have := r.line(l.LineID)
		if have == nil || l.Quantity > have.Quantity {
			return false
		}
	}
	return true
}

// unpaid makes the money due again when a refund was refused.
func (s *Service) unpaid(tx *db.Tx, o Order, f event.RefundFact) error {
	r, err := one(tx, f.ReturnID)
	if err != nil {
		return err
	}
	w := &work{order: o, rma: r}
	if r.Money != "intended" {
		return nil
	}
	if err := w.rma.money("fail"); err != nil {
		return err
	}
	w.waits("the refund was refused")
	w.happened("refund_refused", f.Reason, nil)
	return s.commit(tx, []*work{w})
}

// completed draws the money's conclusion from a channel's: our refund is out, or the channel made one that it lists nowhere else.
func (s *Service) completed(tx *db.Tx, o Order, f event.ReturnFact) error {
	r, err := one(tx, f.ReturnID)
	if err != nil {
		return err
	}
	switch {
	case r.Money == "intended" && (r.Detail.By != "return" || len(r.Detail.Refunds) == 0):
		return nil // it goes another way, and says so itself
	case r.Money == "intended":
		return s.need.Settled(tx, r.Detail.Refunds[len(r.Detail.Refunds)-1])
	case r.Money == "refunded" || r.Money == "refused" || r.Money == "waived" || r.Kind == KindExchange || o.ListsRefunds:
		return nil
	}
	amount := r.Detail.Proposed
	if amount == 0 {
		amount = r.RefundDue
	}
	if amount == 0 {
		return nil
	}
	w := &work{order: o, rma: r}
	return s.need.Reported(tx, RefundAsk{Order: o.ID, Return: r.ID, Reference: "return:" + r.External, Lines: w.worth(), Back: true, Amount: amount, Reason: r.Reason, Actor: "channel", At: tx.Now})
}
