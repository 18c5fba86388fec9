package fulfillment

import (
	"context"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Box is what a person puts into one parcel.
type Box struct {
	Lines   []BoxLine `json:"lines,omitempty"` // none: everything that is picked and not packed
	WeightG int64     `json:"weight_g"`
}

// BoxLine is so many units of a fulfillment line.
type BoxLine struct {
	Line     string `json:"line_id"` // of the fulfillment order
	Quantity int64  `json:"quantity"`
}

// PackedAnswer is what packing made.
type PackedAnswer struct {
	FO
	Shipments []string `json:"shipment_ids"`
}

// Pack puts picked goods into parcels, each of which becomes a shipment at once. No boxes stand for one with everything picked. What is not
// picked, or not put into a box, stays to be packed later. Unpack is its inverse.
// Faults: Conflict when nothing is picked, when a box asks for more than is picked, or when the order is on hold.
func (s *Service) Pack(ctx context.Context, id string, version int64, actor string, boxes []Box) (PackedAnswer, error) {
	var ans PackedAnswer
	f, err := s.on(ctx, id, version, actor, func(w *work) (err error) {
		ans.Shipments, err = w.pack(boxes)
		return err
	})
	ans.FO = f
	return ans, err
}

func (w *work) pack(boxes []Box) ([]string, error) {
	if err := w.notStopped(); err != nil {
		return nil, err
	}
	if err := w.f.may("pack"); err != nil {
		return nil, err
	}
	if len(boxes) == 0 {
		boxes = []Box{{}}
	}
	lines, err := w.s.need.Lines(w.tx, []string{w.order.ID})
	if err != nil {
		return nil, err
	}
	var parcels []Parcel
	for i, b := range boxes {
		p, err := w.box(b, lines[w.order.ID])
		if err != nil {
			return nil, err
		}
		if len(p.Lines) == 0 {
			return nil, fault.New(fault.Conflict, "parcel %d would be empty: nothing is picked for it", i+1).WithCode("nothing_picked")
		}
		parcels = append(parcels, p)
	}
	if err := w.f.settle(w.tx.Now); err != nil {
		return nil, err
	}
	w.change(w.f)
	ids, err := w.s.need.Parcels(w.tx, parcels)
	if err != nil {
		return nil, err
	}
	w.evs = append(w.evs, w.f.event(event.FulfillmentPacked, w.tx.Now, Fact{Actor: w.actor, Shipments: ids, Lines: packedFacts(parcels)}))
	w.note("pack", map[string]any{"shipments": ids})
	return ids, nil
}

// box counts what goes into one parcel as packed.
func (w *work) box(b Box, lines []event.OpenLine) (Parcel, error) {
	p := Parcel{OrderID: w.order.ID, FulfillmentID: w.f.ID, Account: w.order.Account, LocationID: w.f.Location, Number: w.order.Number, WeightG: b.WeightG, DeliverBy: w.f.DeliverBy}
	want := b.Lines
	if len(want) == 0 {
		for _, l := range w.f.Lines {
			if n := l.Picked - l.Packed; n > 0 {
				want = append(want, BoxLine{l.ID, n})
			}
		}
	}
	for _, bl := range want {
		l := w.f.line(bl.Line)
		if l == nil {
			return p, fault.Field("lines.line_id", "%s has no such line", w.f.Number)
		}
		if bl.Quantity <= 0 || bl.Quantity > l.Picked-l.Packed {
			return p, fault.New(fault.Conflict, "%s: %d cannot be packed, %d are picked and not packed", l.SKU, bl.Quantity, l.Picked-l.Packed).WithCode("not_picked")
		}
		p.Lines = append(p.Lines, Packed{LineID: l.LineID, Variant: l.Variant, Quantity: bl.Quantity, Units: w.unitsFor(l, bl.Quantity)})
		l.Packed += bl.Quantity
	}
	p.whole(lines)
	return p, nil
}

// unitsFor names the channel's ids of the next units to be packed: ids are given in order, so the packed ones come first.
func (w *work) unitsFor(l *Line, n int64) []string {
	from := min(l.Packed/l.PerLine, int64(len(l.Units)))
	to := min((l.Packed+n)/l.PerLine, int64(len(l.Units)))
	return slices.Clone(l.Units[from:to])
}

// whole counts the complete units of order lines that the parcel makes by itself; each line's count stands on its first row.
func (p *Parcel) whole(lines []event.OpenLine) {
	for i := range lines {
		l := &lines[i]
		n, first := int64(-1), -1
		for _, part := range parts(l) {
			var have int64
			for j := range p.Lines {
				if p.Lines[j].LineID == l.LineID && p.Lines[j].Variant == part.Variant {
					have += p.Lines[j].Quantity
					if first < 0 || j < first {
						first = j
					}
				}
			}
			if have /= max(1, part.Quantity); n < 0 || have < n {
				n = have
			}
		}
		if first >= 0 {
			p.Lines[first].Whole = max(0, n)
		}
	}
}

func packedFacts(ps []Parcel) []FactLine {
	var all []FactLine
	for _, p := range ps {
		for _, l := range p.Lines {
			all = append(all, FactLine{l.LineID, l.Variant, l.Quantity})
		}
	}
	return all
}

// Unpack is the exact inverse of Pack for what has not been handed over: the parcels are opened, their shipments called off.
func (s *Service) Unpack(ctx context.Context, id string, version int64, actor string) (FO, error) {
	return s.on(ctx, id, version, actor, func(w *work) error {
		if err := w.f.may("unpack"); err != nil {
			return err
		}
		if err := w.unpack(nil, "unpacked"); err != nil {
			return err
		}
		for i := range w.f.Lines { // what was in parcels that had been called off before
			w.f.Lines[i].Packed = w.f.Lines[i].Shipped
		}
		w.note("unpack", nil)
		was := w.f.State
		if err := w.f.settle(w.tx.Now); err != nil || w.f.State != was {
			return err
		}
		w.evs = append(w.evs, w.f.event(event.FulfillmentChanged, w.tx.Now, Fact{From: was, Actor: w.actor, Lines: w.f.facts()}))
		return nil
	})
}

// unpack calls off the shipments that hold these goods (none = all) and takes what was in them out of the parcels.
func (w *work) unpack(goods []Packed, reason string) error {
	out, err := w.s.need.StopShipments(w.tx, w.f.ID, goods, reason)
	if err != nil {
		return err
	}
	w.change(w.f)
	return w.f.takeOut(out)
}

func (f *FO) takeOut(out []Packed) error {
	for _, p := range out {
		i := slices.IndexFunc(f.Lines, func(l Line) bool { return l.LineID == p.LineID && l.Variant == p.Variant })
		if i < 0 || f.Lines[i].Packed-f.Lines[i].Shipped < p.Quantity {
			return fault.New(fault.Internal, "%s: a parcel has more than was packed", f.Number)
		}
		f.Lines[i].Packed -= p.Quantity
		f.Lines[i].Units = unpackedLast(f.Lines[i].Units, p.Units)
	}
	return nil
}

// unpackedLast keeps the rule that the ids of packed units come first.
func unpackedLast(units, out []string) []string {
	var in, back []string
	for _, u := range units {
		if slices.Contains(out, u) {
			back = append(back, u)
		} else {
			in = append(in, u)
		}
	}
	return append(in, back...)
}

// HandOver counts parcels as handed over, in the transaction of dispatch that holds the order's lock, and says how many units of each order
// line are complete with them. Fault: Conflict when the fulfillment order is held or not packed.
func (s *Service) HandOver(tx *db.Tx, fulfillment string, goods []Packed) ([]event.UnitsMove, error) {
	return s.ship(tx, fulfillment, goods, 1)
}

// TakeBack is the exact inverse of HandOver.
func (s *Service) TakeBack(tx *db.Tx, fulfillment string, goods []Packed) ([]event.UnitsMove, error) {
	return s.ship(tx, fulfillment, goods, -1)
}

func (s *Service) ship(tx *db.Tx, fulfillment string, goods []Packed, sign int64) ([]event.UnitsMove, error) {
	w, err := s.open(tx, fulfillment, 0, "system")
	if err != nil {
		return nil, err
	}
	if sign > 0 {
		if err := w.f.may("hand_over"); err != nil {
			return nil, err
		}
	}
	lines, err := s.need.Lines(tx, []string{w.order.ID})
	if err != nil {
		return nil, err
	}
	all := lines[w.order.ID]
	before := make([]int64, len(all))
	for i := range all {
		before[i] = sets(&all[i], w.all, shippedOf)
	}
	units := map[string][]string{}
	for _, g := range goods {
		i := slices.IndexFunc(w.f.Lines, func(l Line) bool { return l.LineID == g.LineID && l.Variant == g.Variant })
		if i < 0 {
			return nil, fault.New(fault.Internal, "%s has no line for what is in the parcel", w.f.Number)
		}
		l := &w.f.Lines[i]
		l.Shipped += sign * g.Quantity
		if l.Shipped < 0 || l.Shipped > l.Packed {
			return nil, fault.New(fault.Conflict, "%s: %s is not packed", w.f.Number, l.SKU).WithCode("not_packed")
		}
		units[g.LineID] = append(units[g.LineID], g.Units...)
	}
	if err := w.f.settle(tx.Now); err != nil {
		return nil, err
	}
	var moves []event.UnitsMove
	for i := range all {
		if n := sign * (sets(&all[i], w.all, shippedOf) - before[i]); n > 0 {
			m := event.UnitsMove{LineID: all[i].LineID, External: all[i].External, Quantity: n, Units: distinct(units[all[i].LineID])}
			if int64(len(m.Units)) < n { // fewer names than units name nothing
				m.Units = nil
			}
			moves = append(moves, m)
		}
	}
	w.change(w.f)
	return moves, w.close()
}

// Waiting reads what of a fulfillment order is packed and not handed over.
func (s *Service) Waiting(tx *db.Tx, id string) ([]Packed, error) {
	fos, err := byID(tx, []string{id})
	if err != nil || len(fos) == 0 || !fos[0].live() {
		return nil, err
	}
	var all []Packed
	for _, l := range fos[0].Lines {
		if n := l.Packed - l.Shipped; n > 0 {
			all = append(all, Packed{LineID: l.LineID, Variant: l.Variant, Quantity: n})
		}
	}
	return all, nil
}
