package fulfillment

import (
	"cmp"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Committed counts, per order line, the units that are packed and not handed over. Of a kit, a unit counts as soon as one part is packed, or has left
// without the others: such a unit is not taken away without a person.
func (s *Service) Committed(tx *db.Tx, orders []string) (map[string]int64, error) {
	known, err := ofOrders(tx, orders)
	if err != nil {
		return nil, err
	}
	all := map[string]int64{}
	for _, fos := range known {
		for line, n := range waiting(fos) {
			all[line] = n
		}
	}
	return all, nil
}

// tally counts one part of an order line.
type tally struct{ packed, shipped, per int64 }

// waiting counts packed and not handed over units of order lines.
func waiting(fos []*FO) map[string]int64 {
	lines := map[string]map[string]*tally{}
	for _, f := range fos {
		for _, l := range f.Lines {
			if lines[l.LineID] == nil {
				lines[l.LineID] = map[string]*tally{}
			}
			t := lines[l.LineID][l.Variant]
			if t == nil {
				t = &tally{per: l.PerLine}
				lines[l.LineID][l.Variant] = t
			}
			t.packed += l.Packed
			t.shipped += l.Shipped
		}
	}
	all := map[string]int64{}
	for line, parts := range lines {
		gone := int64(-1)
		for _, t := range parts {
			if n := t.shipped / t.per; gone < 0 || n < gone {
				gone = n
			}
		}
		for _, t := range parts {
			if n := (t.packed+t.per-1)/t.per - gone; n > all[line] {
				all[line] = n
			}
		}
	}
	return all
}

// Withdraw brings fulfillment down to what is open of an order's lines, after these units were taken out of the order and its row is written and
// locked: first what is not picked, then what is, then what is packed, whose shipments are called off and whose other goods are to be packed again.
// Where the channel names units, those units go. A fulfillment order with nothing left is cancelled. Repeating it changes nothing.
// Fault: Conflict with code "handed_over" when a part of a kit has left.
func (s *Service) Withdraw(tx *db.Tx, order string, gone []event.UnitsMove, reason string) error {
	w, err := s.openOrder(tx, order, "system")
	if err != nil {
		return err
	}
	if len(w.all) == 0 {
		return nil
	}
	lines, err := s.need.Lines(tx, []string{order})
	if err != nil {
		return err
	}
	for _, g := range gone {
		i := slices.IndexFunc(lines[order], func(l event.OpenLine) bool { return l.LineID == g.LineID })
		if i < 0 {
			continue
		}
		if err := w.shrink(&lines[order][i], g.Units, reason); err != nil {
			return err
		}
	}
	return w.settle(reason)
}

// settle brings what was reduced into the state that is due, says why where nothing is left, and writes it.
func (w *work) settle(reason string) error {
	for _, f := range w.dirty {
		if f.due() == Cancelled {
			f.HeldReason = reason
		}
		if err := f.settle(w.tx.Now); err != nil {
			return err
		}
	}
	return w.close()
}

// shrink reduces every part of a line to what is open.
func (w *work) shrink(l *event.OpenLine, named []string, reason string) error {
	for _, p := range parts(l) {
		per := max(1, p.Quantity)
		// Parts of a kit that left before its others stand for no unit of the line yet.
		loose := sumOf(w.all, l.LineID, p.Variant, shippedOf) - per*sets(l, w.all, shippedOf)
		over := sumOf(w.all, l.LineID, p.Variant, openOf) - (per*l.Open - loose)
		if over <= 0 {
			continue
		}
		if loose > per*l.Open {
			return fault.New(fault.Conflict, "%s has been handed over in part: ask the courier to turn it back", l.SKU).WithCode("handed_over")
		}
		if err := w.reduce(l.LineID, p.Variant, over, named, reason); err != nil {
			return err
		}
	}
	return nil
}

// reduce takes units of one part away: those the channel names first, then the ones with the least work in them.
func (w *work) reduce(line, variant string, n int64, named []string, reason string) error {
	for _, l := range w.holding(line, variant) {
		for _, u := range named {
			if n > 0 && slices.Contains(l.Units, u) {
				take := min(n, l.PerLine)
				if err := w.cut(l, take, []string{u}, reason); err != nil {
					return err
				}
				n -= take
			}
		}
	}
	for _, stage := range []func(l *Line) int64{unpicked, unpacked, unshipped} {
		for _, l := range w.holding(line, variant) {
			if take := min(n, stage(l)); take > 0 {
				if err := w.cut(l, take, nil, reason); err != nil {
					return err
				}
				n -= take
			}
		}
	}
	if n > 0 {
		return fault.New(fault.Conflict, "%d units have been handed over: ask the courier to turn the parcel back", n).WithCode("handed_over")
	}
	return nil
}

func unpicked(l *Line) int64  { return l.Quantity - l.Picked }
func unpacked(l *Line) int64  { return l.Quantity - l.Packed }
func unshipped(l *Line) int64 { return l.Quantity - l.Shipped }

// holding are the live lines of a part, the newest first, those on which least is done first.
func (w *work) holding(line, variant string) []*Line {
	var all []*Line
	for _, f := range slices.Backward(w.all) {
		if !f.live() {
			continue
		}
		for i := range f.Lines {
			if l := &f.Lines[i]; l.LineID == line && l.Variant == variant {
				all = append(all, l)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *Line) int { return cmp.Compare(a.Picked+a.Packed, b.Picked+b.Packed) })
	return all
}

// cut takes n units out of a line, opening its parcels when they are in one.
func (w *work) cut(l *Line, n int64, units []string, reason string) error {
	f := w.of(l)
	w.change(f)
	packed := l.Quantity-l.Packed < n
	for _, u := range units {
		packed = packed || slices.Index(l.Units, u) < int(l.Packed/l.PerLine)
	}
	if packed {
		was := w.f
		w.f = f
		err := w.unpack([]Packed{{LineID: l.LineID, Variant: l.Variant, Quantity: max(1, n-(l.Quantity-l.Packed)), Units: units}}, reason)
		w.f = was
		if err != nil {
			return err
		}
		if l.Quantity-l.Packed < n {
			return fault.New(fault.Conflict, "%s has been handed over", l.SKU).WithCode("handed_over")
		}
	}
	l.Quantity -= n
	l.Picked = min(l.Picked, l.Quantity)
	l.dropUnits(units)
	return nil
}

// dropUnits forgets these ids, then the last ones, until there are no more than units.
func (l *Line) dropUnits(gone []string) {
	l.Units = slices.DeleteFunc(l.Units, func(u string) bool { return slices.Contains(gone, u) })
	if most := l.Quantity / l.PerLine; int64(len(l.Units)) > most {
		l.Units = l.Units[:most]
	}
}

func (w *work) of(l *Line) *FO {
	i := slices.IndexFunc(w.all, func(f *FO) bool { return f.ID == l.FO })
	return w.all[i]
}
