package fulfillment

import (
	"context"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// Reason is why a location does not do the work.
type Reason string

const (
	NotFound Reason = "not_found" // the goods are not on the shelf: a short count
	Damaged  Reason = "damaged"   // they are, and cannot be sold
	Closed   Reason = "closed"
	TooBusy  Reason = "too_busy"
)

var why = map[Reason]string{
	NotFound: "the goods are not there", Damaged: "the goods are damaged", Closed: "the location is closed", TooBusy: "the location is too busy",
}

// Reasons explains each reason, for a form.
func Reasons() map[Reason]string {
	all := map[Reason]string{}
	for r, text := range why {
		all[r] = text
	}
	return all
}

// Reject says that the location does not do the work. Not found and damaged correct its stock, as facts; closed and too busy do not. The units are then
// sourced from elsewhere, or become a shortage. Lines, for not found and damaged, says which goods; none means all that are not packed.
// Fault: Conflict when something is packed.
func (s *Service) Reject(ctx context.Context, id string, version int64, actor string, reason Reason, lines []BoxLine) (FO, error) {
	return s.on(ctx, id, version, actor, func(w *work) error {
		text, known := why[reason]
		if !known {
			return fault.Field("reason", "%q is none of not_found, damaged, closed, too_busy", reason)
		}
		if err := w.f.may("reject"); err != nil {
			return err
		}
		if err := w.nothingPacked(); err != nil {
			return err
		}
		if err := w.correct(reason, lines); err != nil {
			return err
		}
		w.note("reject", map[string]string{"reason": string(reason)})
		w.f.HeldReason = text
		w.change(w.f)
		w.rejected(string(reason), w.f.facts())
		err := exception.Raise(w.tx, exception.Case{
			Cause: exception.FulfillmentRejected, SubjectKind: "fulfillment", Subject: w.f.ID, Order: w.order.ID,
			Account: w.order.Account, Location: w.f.Location, Detail: map[string]string{"number": w.f.Number, "reason": text},
		})
		if err != nil {
			return err
		}
		return w.f.to(Rejected, w.tx.Now)
	})
}

// correct records what the reason says about the stock.
func (w *work) correct(reason Reason, lines []BoxLine) error {
	if reason != NotFound && reason != Damaged {
		return nil
	}
	if len(lines) == 0 {
		for _, l := range w.f.Lines {
			if l.Quantity > 0 {
				lines = append(lines, BoxLine{l.ID, l.Quantity})
			}
		}
	}
	var ms, missed []stock.Movement
	for _, b := range lines {
		l := w.f.line(b.Line)
		if l == nil || b.Quantity <= 0 || b.Quantity > l.Quantity {
			return fault.Field("lines", "name lines of %s and no more units than they have", w.f.Number)
		}
		if reason == Damaged {
			ms = append(ms, w.movement(l, stock.Damaged, b.Quantity, stock.MoveDamage, w.f.ID), w.movement(l, stock.Sellable, -b.Quantity, stock.MoveDamage, w.f.ID))
			continue
		}
		missed = append(missed, w.movement(l, stock.Sellable, -b.Quantity, stock.MoveShort, w.f.ID))
	}
	if len(missed) > 0 {
		return w.miss(missed...)
	}
	return w.s.need.Adjust(w.tx, ms)
}

// miss says of units at this location that nobody finds them on the shelf, beside what is in somebody's hands there.
func (w *work) miss(ms ...stock.Movement) error {
	all, variants := make([]Missed, len(ms)), make([]string, len(ms))
	for i, m := range ms {
		all[i].Movement, variants[i] = m, m.Variant
	}
	w.tx.SendQuery(`select l.variant_id, cast(coalesce(sum(l.picked - l.shipped), 0) as bigint) from fulfillment_orders f join fulfillment_lines l on l.fulfillment_id = f.id
		where f.location_id = $1 and f.state in ('new', 'accepted', 'held', 'picking', 'picked', 'packed') and l.variant_id in (select key from json_each($2)) group by l.variant_id`, func(row db.Scanner) error {
		var variant string
		var n int64
		err := row.Scan(&variant, &n)
		for i := range all {
			if all[i].Variant == variant {
				all[i].InHand = n
			}
		}
		return err
	}, w.f.Location, db.Keys(variants))
	if err := w.tx.Flush(); err != nil {
		return err
	}
	return w.s.need.Miss(w.tx, all)
}

func (w *work) movement(l *Line, c stock.Condition, n int64, kind stock.MovementKind, ref string) stock.Movement {
	return stock.Movement{Variant: l.Variant, Location: w.f.Location, Condition: c, Delta: n, Kind: kind, RefKind: "fulfillment", RefID: ref, Actor: w.actor, At: w.tx.Now}
}

// Short says that so many units of a line are not on the shelf: a short count of the location, as a fact. What a count or a sale took from the books before is not taken
// from them again. The rest goes on; the missing units are sourced
// from elsewhere, or become a shortage. Found is the inverse. Fault: Conflict when more are missing than are not picked.
func (s *Service) Short(ctx context.Context, id string, version int64, actor, line string, n int64) (FO, error) {
	return s.on(ctx, id, version, actor, func(w *work) error {
		if err := w.f.may("short"); err != nil {
			return err
		}
		l := w.f.line(line)
		if l == nil {
			return fault.Field("line_id", "%s has no such line", w.f.Number)
		}
		if n <= 0 || n > l.Quantity-l.Picked {
			return fault.New(fault.Conflict, "%s: %d units cannot be missing, %d are not picked yet", l.SKU, n, l.Quantity-l.Picked).WithCode("too_many")
		}
		if err := w.miss(w.movement(l, stock.Sellable, -n, stock.MoveShort, db.ID())); err != nil {
			return err
		}
		l.Quantity -= n
		l.Short += n
		if most := (l.Quantity + l.PerLine - 1) / l.PerLine; int64(len(l.Units)) > most {
			l.Units = l.Units[:most]
		}
		w.change(w.f)
		w.note("short", map[string]any{"line": line, "units": n})
		w.rejected("short", []FactLine{{l.LineID, l.Variant, n}})
		return w.f.settle(w.tx.Now)
	})
}

// Found takes a short count back: the goods were there after all. The location counts them again and may be given the units anew.
func (s *Service) Found(ctx context.Context, id string, version int64, actor, line string, n int64) (FO, error) {
	return s.on(ctx, id, version, actor, func(w *work) error {
		l := w.f.line(line)
		if l == nil {
			return fault.Field("line_id", "%s has no such line", w.f.Number)
		}
		if n <= 0 || n > l.Short {
			return fault.New(fault.Conflict, "%s: %d units were missing", l.SKU, l.Short).WithCode("too_many")
		}
		if err := w.s.need.Adjust(w.tx, []stock.Movement{w.movement(l, stock.Sellable, n, stock.MoveShort, db.ID())}); err != nil {
			return err
		}
		l.Short -= n
		w.change(w.f)
		w.note("found", map[string]any{"line": line, "units": n})
		w.rejected("found", []FactLine{{l.LineID, l.Variant, n}})
		return nil
	})
}
