package returns

import (
	"fmt"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// Channel takes what a channel says about returns of its orders. Each return is here once, by the channel's id; its status moves ours forward, never back; what contradicts
// our books is raised for a person. Money follows by event. Call Stock before the transaction. Safe to repeat.
func (s *Service) Channel(tx *db.Tx, changes []channel.ReturnChange, account string) error {
	if len(changes) == 0 {
		return nil
	}
	var externals []string
	for _, c := range changes {
		externals = append(externals, c.Order)
	}
	slices.Sort(externals)
	known, err := s.need.Known(tx, account, slices.Compact(externals))
	if err != nil {
		return err
	}
	var ids []string
	for _, id := range known {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	orders, err := s.need.Orders(tx, ids, true)
	if err != nil {
		return err
	}
	before, err := ofOrders(tx, ids)
	if err != nil {
		return err
	}
	var works []*work
	for _, c := range changes {
		o, ok := orders[known[c.Order]]
		switch {
		case !ok:
			err := exception.Raise(tx, exception.Case{
				Cause: exception.OrderMissing, SubjectKind: "return", Subject: account + ":" + c.Return.External, Account: account,
				Detail: map[string]string{"external_order": c.Order, "return": c.Return.External},
			})
			if err != nil {
				return err
			}
			continue
		case !o.Effective:
			continue
		}
		w := s.workOf(tx, works, before[o.ID], o, c.Return)
		if err := s.follow(tx, w, c.Return); err != nil {
			return err
		}
		if !slices.Contains(works, w) {
			works = append(works, w)
		}
	}
	return s.commit(tx, works)
}

// workOf finds the return a change is about, or begins it.
func (s *Service) workOf(tx *db.Tx, works []*work, before []RMA, o Order, cr channel.Return) *work {
	for _, w := range works {
		if w.order.ID == o.ID && w.rma.External == cr.External {
			return w
		}
	}
	for _, r := range before {
		if r.External == cr.External || r.External == "" && r.Detail.Shown != "" && r.Detail.Shown == cr.Reference {
			r.External = cr.External
			return &work{order: o, rma: r, theirs: true}
		}
	}
	w := s.begin(tx, o, kindOf(cr.Kind), "channel", cr.Reason)
	w.rma.External, w.theirs = cr.External, true
	if !cr.At.IsZero() {
		w.rma.RequestedAt = cr.At
	}
	w.rma.DecideBy = cr.Decide
	return w
}

func kindOf(word string) Kind {
	switch k := Kind(word); k {
	case KindExchange, KindRefundOnly:
		return k
	}
	return KindReturn
}

// follow brings a return to where the channel sees it, as far as the books allow.
func (s *Service) follow(tx *db.Tx, w *work, cr channel.Return) error {
	free := left(w.order, nil, w.rma.Kind)
	w.takeLines(cr, free)
	r := &w.rma
	if len(r.Lines) == 0 {
		w.touched = false
		w.raised = []exception.Case{{
			Cause: exception.ContradictingStatus, SubjectKind: "return", Subject: w.order.Account + ":" + cr.External, Order: w.order.ID, Account: w.order.Account,
			Detail: map[string]any{"order": w.order.Number, "detail": "the channel's return names no line of the order"},
		}}
		return nil
	}
	if r.Detail.Status != cr.Raw || !r.DecideBy.Equal(cr.Decide) {
		r.Detail.Status, r.DecideBy, w.touched = cr.Raw, cr.Decide, true
	}
	if w.fresh && (cr.Status == channel.Requested || cr.Status == channel.Unknown) {
		w.waits("the buyer asks at the channel")
		return nil
	}
	switch cr.Status {
	case channel.Open:
		_, err := s.agreed(tx, w)
		return err
	case channel.Returning, channel.Returned, channel.Completed:
		return s.advance(tx, w, cr)
	case channel.Declined:
		return w.declinedThere(cr)
	case channel.Cancelled:
		return s.cancelledThere(tx, w)
	}
	return nil
}

// agreed makes sure that the return is approved here as it is there.
func (s *Service) agreed(tx *db.Tx, w *work) (bool, error) {
	switch w.rma.Decision {
	case "approved":
		return true, nil
	case "requested":
		return true, s.approve(tx, w)
	case "declined":
		w.disagrees("the channel approved a return that was declined here")
		return true, s.approve(tx, w)
	}
	if w.rma.Detail.Shown == "" { // else it is told that the return is off, and this is a reading of before
		w.disagrees("the channel goes on with a return that was withdrawn here")
	}
	return false, nil
}

// advance follows the goods. What the channel calls returned has still to be received by a person, where it comes to us at all.
func (s *Service) advance(tx *db.Tx, w *work, cr channel.Return) error {
	ok, err := s.agreed(tx, w)
	if err != nil || !ok {
		return err
	}
	r := &w.rma
	if r.Goods == "awaited" && w.canLeave() {
		if err := s.send(tx, w); err != nil {
			return err
		}
	} else if r.Goods == "awaited" && cr.Status != channel.Completed {
		w.disagrees("the channel says the goods are on their way back, and our books do not have them with the buyer")
	}
	if cr.Status == channel.Returning {
		return nil
	}
	if r.Goods == "on_the_way" {
		if w.allTheirs() {
			return w.theyReceived(tx)
		}
		if w.touched {
			w.waits("the channel says the goods came back: receive and inspect them")
		}
	}
	if cr.Status == channel.Completed && !r.Detail.Completed {
		r.Detail.Completed = true
		w.happened("completed", "", w.units(all))
	}
	return nil
}

// canLeave reports whether the order has the units with the buyer or under way.
func (w *work) canLeave() bool {
	for _, m := range w.ours(w.units(all)) {
		if l := w.order.line(m.LineID); l.Delivered+l.OnTheWay < m.Quantity {
			return false
		}
	}
	return true
}

// allTheirs reports whether the channel ships and takes back every line itself.
func (w *work) allTheirs() bool { return len(w.ours(w.units(all))) == 0 }

// theyReceived notes goods that came to the channel's own warehouse; what became of them is its business.
func (w *work) theyReceived(tx *db.Tx) error {
	for _, ev := range []state.Event{"receive", "inspect"} {
		if err := w.rma.goods(ev); err != nil {
			return err
		}
	}
	for i := range w.rma.Lines {
		l := &w.rma.Lines[i]
		l.Quarantine += l.Quantity - l.Received
		l.Received = l.Quantity
	}
	w.rma.ReceivedAt = tx.Now
	w.happened("received", "by the channel", w.units(all))
	return nil
}

func (w *work) declinedThere(cr channel.Return) error {
	r := &w.rma
	switch {
	case r.Decision == "declined" || r.Decision == "withdrawn" || r.Money == "refused":
		return nil
	case r.Decision == "requested":
		return w.decline(cr.Reason)
	case r.Money == "due" && (r.Goods == "received" || r.Goods == "inspected"):
		if err := r.money("refuse"); err != nil {
			return err
		}
		w.happened("refused", cr.Reason, nil)
		return nil
	}
	w.disagrees("the channel declined a return that is approved here")
	return nil
}

func (s *Service) cancelledThere(tx *db.Tx, w *work) error {
	r := &w.rma
	switch {
	case r.Decision == "withdrawn" || r.Decision == "declined":
		return nil
	case r.Goods == "received" || r.Goods == "inspected" || r.Money == "intended" || r.Money == "refunded" || r.replaced():
		w.disagrees("the channel cancelled a return that went on here")
		return nil
	}
	return s.withdraw(tx, w, "cancelled at the channel", "channel")
}

// takeLines puts the channel's lines into a return that is new, or corrects one of which nothing has been sent.
func (w *work) takeLines(cr channel.Return, free map[string]int64) {
	if !w.fresh && w.rma.Goods != "awaited" && w.rma.Goods != "none" {
		return
	}
	var want []Line
	var proposed int64
	for _, cl := range cr.Lines {
		ol := w.order.lineOf(cl)
		if ol == nil {
			w.disagrees(fmt.Sprintf("the return names line %q, which the order does not have", cl.Line))
			continue
		}
		proposed += cl.Refund.Minor
		i := slices.IndexFunc(want, func(l Line) bool { return l.LineID == ol.ID })
		if i < 0 {
			want = append(want, Line{LineID: ol.ID, Variant: ol.Variant, External: ol.External, Reason: cl.Reason})
			i = len(want) - 1
		}
		want[i].Quantity += max(1, cl.Quantity)
		want[i].Units = append(want[i].Units, cl.Units...)
	}
	for _, l := range want {
		w.putLine(l, free[l.LineID])
	}
	if len(want) > 0 && w.rma.Detail.Proposed != proposed {
		w.rma.Detail.Proposed, w.touched = proposed, true
	}
}

// putLine adds a line, or brings it to the channel's quantity.
func (w *work) putLine(l Line, free int64) {
	have := w.rma.line(l.LineID)
	switch {
	case have == nil:
		l.ID = db.ID()
		w.rma.Lines = append(w.rma.Lines, l)
	case have.Quantity == l.Quantity:
		return
	default:
		have.Quantity, have.Units = l.Quantity, l.Units
	}
	w.touched = true
	if l.Quantity > free {
		w.disagrees(fmt.Sprintf("the channel takes back %d units of line %s, of which %d are with the buyer", l.Quantity, l.External, free))
	}
}

// lineOf finds the order line a channel's return line is about: by the line's id, else by a unit's.
func (o Order) lineOf(cl channel.ReturnLine) *OrderLine {
	for i := range o.Lines {
		l := &o.Lines[i]
		if cl.Line != "" && l.External == cl.Line {
			return l
		}
	}
	for i := range o.Lines {
		l := &o.Lines[i]
		for _, u := range cl.Units {
			if slices.Contains(l.Units, u) {
				return l
			}
		}
	}
	return nil
}
