package fulfillment

import (
	"context"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Move gives the work to another location: its reservations go there in the same step, and a new fulfillment order is made; picked goods go back to the
// shelf. Moving it back is the exact inverse. Faults: Conflict when something is packed, or the other location has not enough; Invalid for a location that is
// switched off or of another company.
func (s *Service) Move(ctx context.Context, id string, version int64, actor, to string) (FO, error) {
	var made FO
	_, err := s.on(ctx, id, version, actor, func(w *work) error {
		if err := w.f.may("move"); err != nil {
			return err
		}
		if err := w.notStopped(); err != nil {
			return err
		}
		if err := w.nothingPacked(); err != nil {
			return err
		}
		place, err := w.target(to)
		if err != nil {
			return err
		}
		var reqs []Shift
		for _, l := range w.f.Lines {
			if l.Quantity > 0 {
				reqs = append(reqs, Shift{LineID: l.LineID, Variant: l.Variant, From: w.f.Location, To: to, Quantity: l.Quantity})
			}
		}
		if err := s.need.Shift(w.tx, reqs); err != nil {
			return err
		}
		f := w.make(to, place.LegalEntity, Decision{Why: "moved by " + w.actor, From: w.f.Number, Actor: w.actor})
		for _, l := range w.f.Lines {
			if l.Quantity > 0 {
				f.Lines = append(f.Lines, l.fresh(f.ID, l.Quantity, l.Units))
			}
		}
		w.note("move", map[string]string{"to": to, "new": f.ID})
		if err := w.f.to(Moved, w.tx.Now); err != nil {
			return err
		}
		w.change(w.f)
		made = *f
		return nil
	})
	if err != nil {
		return FO{}, err
	}
	made.Allowed = made.allowed()
	return made, nil
}

// fresh is a line of another fulfillment order with nothing done yet.
func (l Line) fresh(fo string, n int64, units []string) Line {
	l.ID, l.FO, l.Quantity, l.Picked, l.Short, l.Packed, l.Shipped, l.Units = newID(), fo, n, 0, 0, 0, 0, slices.Clone(units)
	return l
}

func (w *work) nothingPacked() error {
	for _, l := range w.f.Lines {
		if l.Packed > 0 {
			return fault.New(fault.Conflict, "%s is packed: unpack it first", w.f.Number).WithCode("packed")
		}
	}
	return nil
}

// target is a location that may fulfil the order.
func (w *work) target(to string) (Place, error) {
	if to == w.f.Location {
		return Place{}, fault.Field("location_id", "it is there already")
	}
	ranked, err := w.s.need.Rank(w.tx, []Route{{w.order.LegalEntity, w.order.Account, w.order.Country, w.order.Province, w.order.City}})
	if err != nil {
		return Place{}, err
	}
	for _, p := range ranked[0] {
		if p.ID == to {
			return p, nil
		}
	}
	return Place{}, fault.Field("location_id", "the location is switched off, does not fulfil orders, or belongs to another company")
}

// Split gives part of the work a fulfillment order of its own, at the same location; what of it is picked stays picked. Merge is the exact inverse.
// Faults: Conflict when it asks for more than is there and not packed, or for everything.
func (s *Service) Split(ctx context.Context, id string, version int64, actor string, lines []BoxLine) (FO, error) {
	var made *FO
	_, err := s.on(ctx, id, version, actor, func(w *work) error {
		if err := w.f.may("split"); err != nil {
			return err
		}
		if err := w.notStopped(); err != nil {
			return err
		}
		f := w.make(w.f.Location, w.f.LegalEntity, Decision{Why: "split off by " + w.actor, From: w.f.Number, Actor: w.actor})
		f.State = w.f.State
		for _, b := range lines {
			l := w.f.line(b.Line)
			if l == nil {
				return fault.Field("lines.line_id", "%s has no such line", w.f.Number)
			}
			if b.Quantity <= 0 || b.Quantity > l.Quantity-l.Packed || b.Quantity%l.PerLine != 0 {
				return fault.New(fault.Conflict, "%s: %d cannot be split off, %d are not packed", l.SKU, b.Quantity, l.Quantity-l.Packed).WithCode("too_many")
			}
			l.Quantity -= b.Quantity
			kept := min(int64(len(l.Units)), l.Quantity/l.PerLine)
			part := l.fresh(f.ID, b.Quantity, l.Units[kept:])
			part.Picked = max(0, l.Picked-l.Quantity)
			l.Picked -= part.Picked
			l.Units = l.Units[:kept]
			f.Lines = append(f.Lines, part)
		}
		if len(f.Lines) == 0 || w.f.due() == Cancelled {
			return fault.New(fault.Conflict, "a split takes some of the lines, not none and not all").WithCode("nothing_left")
		}
		f.State = f.due()
		w.note("split", map[string]string{"new": f.ID})
		w.change(w.f)
		made = f
		return w.f.settle(w.tx.Now)
	})
	if err != nil {
		return FO{}, err
	}
	made.Allowed = made.allowed()
	return *made, nil
}

// Merge joins another fulfillment order of the same order and location into this one. Split is the exact inverse. Fault: Conflict when they do not fit or
// something of the other is packed.
func (s *Service) Merge(ctx context.Context, id string, version int64, actor, other string) (FO, error) {
	return s.on(ctx, id, version, actor, func(w *work) error {
		i := slices.IndexFunc(w.all, func(f *FO) bool { return f.ID == other || f.Number == other })
		if i < 0 || w.all[i].ID == w.f.ID || w.all[i].Location != w.f.Location {
			return fault.New(fault.Conflict, "only a fulfillment order of the same order at the same location can be joined").WithCode("not_alike")
		}
		from := w.all[i]
		for _, f := range []*FO{w.f, from} {
			if err := f.may("merge"); err != nil {
				return err
			}
		}
		for j := range from.Lines {
			l := &from.Lines[j]
			if l.Packed > 0 {
				return fault.New(fault.Conflict, "%s is packed: unpack it first", from.Number).WithCode("packed")
			}
			w.join(l)
			l.Quantity, l.Picked, l.Units = 0, 0, nil
		}
		from.HeldReason = "joined into " + w.f.Number
		w.change(from)
		w.change(w.f)
		w.note("merge", map[string]string{"other": from.ID})
		if err := from.settle(w.tx.Now); err != nil {
			return err
		}
		return w.f.settle(w.tx.Now)
	})
}

// join adds a line of another fulfillment order.
func (w *work) join(l *Line) {
	if l.Quantity == 0 {
		return
	}
	i := slices.IndexFunc(w.f.Lines, func(have Line) bool { return have.LineID == l.LineID && have.Variant == l.Variant })
	if i < 0 {
		part := l.fresh(w.f.ID, l.Quantity, l.Units)
		part.Picked = l.Picked
		addLine(w.tx, w.f, part)
		return
	}
	have := &w.f.Lines[i]
	have.Quantity += l.Quantity
	have.Picked += l.Picked
	have.Units = append(have.Units, l.Units...)
}

// rejected is the event that a location does not do the work, or part of it.
func (w *work) rejected(reason string, lines []FactLine) {
	w.evs = append(w.evs, w.f.event(event.FulfillmentRejected, w.tx.Now, Fact{Reason: reason, Actor: w.actor, Lines: lines}))
}
