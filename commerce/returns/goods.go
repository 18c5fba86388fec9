package returns

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// SentBack says that the buyer has given the goods to a carrier: the order counts them as coming back. NotSent is its inverse.
func (s *Service) SentBack(ctx context.Context, id string, version int64, carrier, tracking, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "sent_back", func(tx *db.Tx, w *work) error {
		if w.rma.Decision != "approved" {
			return fault.New(fault.Conflict, "return %s is %s", w.rma.Number, w.rma.Decision).WithCode("not_allowed")
		}
		w.rma.Detail.Carrier, w.rma.Detail.Tracking = carrier, tracking
		return s.send(tx, w)
	})
}

// send moves the goods onto their way back.
func (s *Service) send(tx *db.Tx, w *work) error {
	if err := w.rma.goods("send"); err != nil {
		return err
	}
	if err := s.leave(tx, w); err != nil {
		return err
	}
	w.happened("sent_back", "", w.units(all))
	return nil
}

// NotSent is the inverse of SentBack.
func (s *Service) NotSent(ctx context.Context, id string, version int64, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "not_sent", func(tx *db.Tx, w *work) error {
		if err := w.rma.goods("unsend"); err != nil {
			return err
		}
		if err := s.keep(tx, w, w.units(all)); err != nil {
			return err
		}
		w.rma.Detail.Carrier, w.rma.Detail.Tracking = "", ""
		w.happened("not_sent", "", w.units(all))
		return nil
	})
}

// leave counts the units of the return as coming back: delivered ones, and those whose delivery nobody has reported. A parcel that turned back is counted by dispatch.
func (s *Service) leave(tx *db.Tx, w *work) error {
	if w.rma.Kind == KindOrigin {
		return nil
	}
	var delivered, under []event.UnitsMove
	for _, m := range w.ours(w.units(all)) {
		l := w.order.line(m.LineID)
		d := min(m.Quantity, l.Delivered)
		if d > 0 {
			delivered = append(delivered, event.UnitsMove{LineID: m.LineID, External: m.External, Quantity: d, Units: someOf(m.Units, d)})
		}
		if rest := m.Quantity - d; rest > 0 {
			w.turned(m.LineID, rest)
			under = append(under, event.UnitsMove{LineID: m.LineID, External: m.External, Quantity: rest, Units: someOf(m.Units, rest)})
		}
	}
	if len(delivered) > 0 {
		if err := s.need.Return(tx, w.order.ID, delivered); err != nil {
			return err
		}
	}
	if len(under) > 0 {
		return s.need.Turn(tx, w.order.ID, under)
	}
	return nil
}

func (w *work) turned(line string, n int64) {
	if w.rma.Detail.Turned == nil {
		w.rma.Detail.Turned = map[string]int64{}
	}
	if w.rma.Detail.Turned[line] += n; w.rma.Detail.Turned[line] == 0 {
		delete(w.rma.Detail.Turned, line)
	}
}

// keep counts units as staying with the buyer after all, or as still on their way to the buyer where that is what they were.
func (s *Service) keep(tx *db.Tx, w *work, moves []event.UnitsMove) error {
	if w.rma.Kind == KindOrigin {
		return nil
	}
	var stay, on []event.UnitsMove
	for _, m := range w.ours(moves) {
		t := min(m.Quantity, w.rma.Detail.Turned[m.LineID])
		if t > 0 && s.need.Unturn != nil {
			w.turned(m.LineID, -t)
			on = append(on, event.UnitsMove{LineID: m.LineID, External: m.External, Quantity: t, Units: someOf(m.Units, t)})
			m.Quantity -= t
			m.Units = someOf(m.Units, m.Quantity)
		}
		if m.Quantity > 0 {
			stay = append(stay, m)
		}
	}
	if len(stay) > 0 {
		if err := s.need.Keep(tx, w.order.ID, stay); err != nil {
			return err
		}
	}
	if len(on) > 0 {
		return s.need.Unturn(tx, w.order.ID, on)
	}
	return nil
}

// Receipt is what arrived at a location.
type Receipt struct {
	Location string    `json:"location_id"`
	Lines    []Units   `json:"lines"` // none = everything that has not come yet
	Actor    string    `json:"-"`
	At       time.Time `json:"at,omitzero"`
}

// Receive records goods that came: a fact, whatever was decided. They wait in quarantine for inspection. Several partial receipts are one after the other.
// Faults: Conflict when more came than the return says.
func (s *Service) Receive(ctx context.Context, id string, version int64, got Receipt) (RMA, error) {
	r, err := s.change(ctx, id, version, got.Actor, "receive", func(tx *db.Tx, w *work) error { return s.receive(tx, w, got) })
	if err != nil || !r.awaitsExchange() || len(r.Detail.Wanted) == 0 {
		return r, err
	}
	// The goods are here whatever becomes of what replaces them, and stock is locked once in a transaction; PlaceDue goes on where this does not.
	return s.placeDue(ctx, r)
}

func (s *Service) receive(tx *db.Tx, w *work, got Receipt) error {
	r := &w.rma
	r.Location = cmp.Or(got.Location, r.Location)
	if r.Location == "" {
		return fault.Field("location_id", "say where it came")
	}
	if !r.counted() {
		if err := s.leave(tx, w); err != nil {
			return err
		}
	}
	if err := r.goods("receive"); err != nil {
		return err
	}
	if len(got.Lines) == 0 {
		for _, l := range r.Lines {
			got.Lines = append(got.Lines, Units{LineID: l.LineID, Quantity: l.Quantity - l.Received})
		}
	}
	came := map[string]int64{}
	for _, u := range got.Lines {
		l := r.line(u.LineID)
		switch {
		case l == nil:
			return fault.Field("lines", "return %s has no line %s", r.Number, u.LineID)
		case u.Quantity < 0 || u.Quantity > l.Quantity-l.Received:
			return fault.New(fault.Conflict, "%d units of line %s are more than the %d still to come", u.Quantity, l.External, l.Quantity-l.Received).WithCode("not_enough")
		}
		l.Received += u.Quantity
		l.Waiting += u.Quantity
		came[l.LineID] += u.Quantity
	}
	moves := w.units(func(l *Line) int64 { return came[l.LineID] })
	if len(moves) == 0 {
		return fault.New(fault.Conflict, "nothing of return %s is still to come", r.Number).WithCode("nothing")
	}
	if back := w.ours(moves); len(back) > 0 && r.Kind != KindOrigin {
		if err := s.need.Back(tx, w.order.ID, back); err != nil {
			return err
		}
	}
	if r.ReceivedAt = got.At; r.ReceivedAt.IsZero() {
		r.ReceivedAt = tx.Now
	}
	if err := s.need.Move(tx, w.movements(tx, moves, "in", got.Actor, change{stock.Quarantine, 1})); err != nil {
		return err
	}
	if r.Decision == "approved" {
		w.decided()
	}
	w.waits("goods came: inspect them")
	what := "part_received"
	if w.complete() {
		what = "received"
	}
	w.happened(what, "", moves)
	return nil
}

// Unreceive takes a receipt back that was a mistake, for units that still wait for inspection; no lines means all of these. The exact inverse of Receive.
func (s *Service) Unreceive(ctx context.Context, id string, version int64, lines []Units, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "unreceive", func(tx *db.Tx, w *work) error {
		r := &w.rma
		if r.Goods != "received" || s.need.Unback == nil {
			return fault.New(fault.Conflict, "the goods of return %s are %s", r.Number, r.Goods).WithCode("not_allowed")
		}
		if len(lines) == 0 {
			for _, l := range r.Lines {
				lines = append(lines, Units{LineID: l.LineID, Quantity: l.Waiting})
			}
		}
		gone, left := map[string]int64{}, int64(0)
		for _, u := range lines {
			l := r.line(u.LineID)
			if l == nil || u.Quantity < 0 || u.Quantity > l.Waiting {
				return fault.New(fault.Conflict, "%d units of line %s do not wait for inspection", u.Quantity, u.LineID).WithCode("not_enough")
			}
			l.Received -= u.Quantity
			l.Waiting -= u.Quantity
			gone[l.LineID] += u.Quantity
		}
		for _, l := range r.Lines {
			left += l.Received
		}
		moves := w.units(func(l *Line) int64 { return gone[l.LineID] })
		if len(moves) == 0 {
			return fault.New(fault.Conflict, "nothing of return %s waits for inspection", r.Number).WithCode("nothing")
		}
		if back := w.ours(moves); len(back) > 0 && r.Kind != KindOrigin {
			if err := s.need.Unback(tx, w.order.ID, back); err != nil {
				return err
			}
		}
		if left == 0 {
			if err := r.goods("unreceive"); err != nil {
				return err
			}
			r.ReceivedAt = time.Time{}
		}
		if w.waiting() == 0 {
			w.decided()
		}
		w.happened("unreceived", "", moves)
		return s.need.Move(tx, w.movements(tx, moves, "out", actor, change{stock.Quarantine, -1}))
	})
}

// complete reports whether everything came.
func (w *work) complete() bool {
	for _, l := range w.rma.Lines {
		if l.Received < l.Quantity {
			return false
		}
	}
	return true
}

// change is a direction of stock in a condition.
type change struct {
	condition stock.Condition
	sign      int64
}

// movements turns units of lines into stock facts; a kit comes back as its parts. The version of the return makes each act happen once.
func (w *work) movements(tx *db.Tx, moves []event.UnitsMove, act, actor string, changes ...change) []stock.Movement {
	var all []stock.Movement
	for _, m := range w.ours(moves) {
		ol := w.order.line(m.LineID)
		if ol.Variant == "" {
			continue
		}
		parts := ol.Parts
		if len(parts) == 0 {
			parts = []event.Part{{Variant: ol.Variant, SKU: ol.SKU, Quantity: 1}}
		}
		for _, p := range parts {
			for _, c := range changes {
				mv := stock.Movement{
					Variant: p.Variant, Location: w.rma.Location, Condition: c.condition, Delta: c.sign * m.Quantity * p.Quantity, Kind: stock.MoveReturn,
					RefKind: "return", RefID: fmt.Sprintf("%s:%s:%d", w.rma.ID, act, w.rma.Version+1), Actor: actor, At: tx.Now, Note: w.rma.Number,
				}
				if len(ol.Parts) == 0 && ol.CostCurrency != "" {
					cost := ol.Cost
					mv.UnitCost, mv.Currency = &cost, ol.CostCurrency
				}
				all = append(all, mv)
			}
		}
	}
	return all
}

// Disposition is what becomes of goods that came back.
type Disposition string

const (
	ToSell       Disposition = "sellable"
	ToQuarantine Disposition = "quarantine"
	ToDamaged    Disposition = "damaged"
	ToReject     Disposition = "rejected" // not taken back: it goes to the buyer again, and no money for it
)

// Verdict is the outcome of inspecting units of a line.
type Verdict struct {
	LineID      string      `json:"line_id"`
	Quantity    int64       `json:"quantity"`
	Disposition Disposition `json:"disposition"`
}

// Inspect decides what becomes of goods that wait for it; stock follows. Uninspect is its inverse.
func (s *Service) Inspect(ctx context.Context, id string, version int64, verdicts []Verdict, actor string) (RMA, error) {
	if slices.ContainsFunc(verdicts, func(v Verdict) bool { return v.Disposition == ToReject }) {
		r, err := s.change(ctx, id, version, actor, "inspect", func(tx *db.Tx, w *work) error { return s.reject(tx, w, verdicts, actor) })
		if err != nil {
			return r, err
		}
		version = r.Version
	}
	return s.change(ctx, id, version, actor, "inspect", func(tx *db.Tx, w *work) error { return s.inspect(tx, w, verdicts, actor, 1) })
}

// Uninspect puts inspected units back to wait, with their stock: the exact inverse of Inspect.
func (s *Service) Uninspect(ctx context.Context, id string, version int64, verdicts []Verdict, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "uninspect", func(tx *db.Tx, w *work) error { return s.inspect(tx, w, verdicts, actor, -1) })
}

func (s *Service) inspect(tx *db.Tx, w *work, verdicts []Verdict, actor string, sign int64) error {
	r := &w.rma
	if sign < 0 && r.Goods == "inspected" {
		if err := r.goods("uninspect"); err != nil {
			return err
		}
	}
	if r.Goods != "received" {
		return fault.New(fault.Conflict, "the goods of return %s are %s", r.Number, r.Goods).WithCode("not_allowed")
	}
	if r.Money == "intended" || r.Money == "refunded" {
		if err := w.unrejected(verdicts); err != nil {
			return err
		}
	}
	var moved []stock.Movement
	var facts []event.UnitsMove
	for _, v := range verdicts {
		m, err := w.judge(v, sign)
		if err != nil {
			return err
		}
		facts = append(facts, m)
		if to, ok := conditionOf[v.Disposition]; ok && to != stock.Quarantine {
			moved = append(moved, w.movements(tx, []event.UnitsMove{m}, "inspect", actor, change{stock.Quarantine, -sign}, change{to, sign})...)
		} else if !ok {
			moved = append(moved, w.movements(tx, []event.UnitsMove{m}, "inspect", actor, change{stock.Quarantine, -sign})...)
		}
	}
	if len(facts) == 0 {
		return fault.Field("lines", "say what becomes of the goods")
	}
	what := "inspected"
	if sign < 0 {
		what = "uninspected"
	}
	if waiting := w.waiting(); sign > 0 && waiting == 0 && w.complete() {
		if err := r.goods("inspect"); err != nil {
			return err
		}
		w.decided()
		if r.awaitsExchange() {
			w.waits("say what the buyer gets instead, or withdraw the exchange")
		}
	} else if waiting > 0 {
		w.waits("goods came: inspect them")
	}
	if err := s.owe(tx, w); err != nil {
		return err
	}
	w.happened(what, "", facts)
	return s.need.Move(tx, moved)
}

var conditionOf = map[Disposition]stock.Condition{ToSell: stock.Sellable, ToQuarantine: stock.Quarantine, ToDamaged: stock.Damaged}

// judge moves units of one line between waiting and what becomes of them.
func (w *work) judge(v Verdict, sign int64) (event.UnitsMove, error) {
	l := w.rma.line(v.LineID)
	if l == nil {
		return event.UnitsMove{}, fault.Field("lines", "return %s has no line %s", w.rma.Number, v.LineID)
	}
	at := map[Disposition]*int64{ToSell: &l.Sellable, ToQuarantine: &l.Quarantine, ToDamaged: &l.Damaged, ToReject: &l.Rejected}[v.Disposition]
	if at == nil {
		return event.UnitsMove{}, fault.Field("disposition", "%q is not sellable, quarantine, damaged or rejected", string(v.Disposition))
	}
	from := l.Waiting
	if sign < 0 {
		from = *at
	}
	if v.Quantity <= 0 || v.Quantity > from {
		return event.UnitsMove{}, fault.New(fault.Conflict, "%d units of line %s: only %d are there", v.Quantity, l.External, from).WithCode("not_enough")
	}
	l.Waiting -= sign * v.Quantity
	*at += sign * v.Quantity
	return event.UnitsMove{LineID: l.LineID, External: l.External, Quantity: v.Quantity}, nil
}

// unrejected refuses to reject goods whose money is gone: that would have to come back first.
func (w *work) unrejected(verdicts []Verdict) error {
	for _, v := range verdicts {
		if v.Disposition == ToReject {
			return fault.New(fault.Conflict, "the money of return %s is %s: its goods cannot be rejected any more", w.rma.Number, w.rma.Money).WithCode("refunded")
		}
	}
	return nil
}

// reject takes back what an exchange gave for goods that are about to be rejected, in a transaction before the inspection's own: each locks stock once. What the inspection
// would refuse is refused here.
func (s *Service) reject(tx *db.Tx, w *work, verdicts []Verdict, actor string) error {
	if !w.rma.replaced() {
		return nil
	}
	try := &work{rma: w.rma}
	try.rma.Lines = slices.Clone(w.rma.Lines)
	if w.rma.Goods != "received" {
		return fault.New(fault.Conflict, "the goods of return %s are %s", w.rma.Number, w.rma.Goods).WithCode("not_allowed")
	}
	for _, v := range verdicts {
		if _, err := try.judge(v, 1); err != nil {
			return err
		}
	}
	return s.unexchange(tx, w, "what came was not taken back", actor)
}

func (w *work) waiting() int64 {
	var n int64
	for _, l := range w.rma.Lines {
		n += l.Waiting
	}
	return n
}

// Close says that what has not come will not come: these units stay with the buyer, and no money is owed for them. Receiving them later opens the return again.
func (s *Service) Close(ctx context.Context, id string, version int64, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "close", func(tx *db.Tx, w *work) error {
		r := &w.rma
		if r.Goods != "received" {
			return s.withdraw(tx, w, "nothing came", actor)
		}
		if w.waiting() > 0 {
			return fault.New(fault.Conflict, "goods of return %s wait to be inspected", r.Number).WithCode("not_allowed")
		}
		missing := w.units(func(l *Line) int64 { return l.Quantity - l.Received })
		if len(missing) > 0 {
			if err := s.unexchange(tx, w, "not all of it came", actor); err != nil {
				return err
			}
		}
		if err := s.keep(tx, w, missing); err != nil {
			return err
		}
		if err := r.goods("inspect"); err != nil {
			return err
		}
		if err := s.owe(tx, w); err != nil {
			return err
		}
		w.decided()
		w.happened("received", "", w.units(func(l *Line) int64 { return l.Received }))
		w.happened("closed", "", missing)
		return nil
	})
}
