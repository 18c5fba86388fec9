package fulfillment

import (
	"cmp"
	"context"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Scan is one scan at the shelf or at the bench.
type Scan struct {
	ID       string `json:"scan_id"`  // the device's own id of the scan: told again, it changes nothing
	Code     string `json:"code"`     // SKU or GTIN
	Quantity int64  `json:"quantity"` // 0 = 1
}

// Pick counts scanned goods as picked. fault.Invalid for an item that is not in it, fault.Conflict for one too many.
func (s *Service) Pick(ctx context.Context, id string, version int64, actor string, scan Scan) (FO, error) {
	return s.on(ctx, id, version, actor, func(w *work) error { return w.pick(scan) })
}

// PutBack is the exact inverse of Pick: goods go back to the shelf. fault.Conflict when fewer are picked and not packed.
func (s *Service) PutBack(ctx context.Context, id string, version int64, actor string, scan Scan) (FO, error) {
	return s.on(ctx, id, version, actor, func(w *work) error { return w.putBack(scan) })
}

func (w *work) pick(sc Scan) error {
	if err := w.notStopped(); err != nil {
		return err
	}
	fresh, err := w.fresh(sc, 1)
	if err != nil || !fresh {
		return err
	}
	if err := w.f.may("pick"); err != nil {
		return err
	}
	lines, err := w.scanned(sc)
	if err != nil {
		return err
	}
	left := max(1, sc.Quantity)
	for _, l := range lines {
		n := min(left, l.Quantity-l.Picked)
		l.Picked += n
		left -= n
	}
	if left > 0 {
		return fault.New(fault.Conflict, "%s has been picked completely: %d too many", lines[0].SKU, left).WithCode("too_many")
	}
	w.change(w.f)
	return w.f.settle(w.tx.Now)
}

func (w *work) putBack(sc Scan) error {
	fresh, err := w.fresh(sc, -1)
	if err != nil || !fresh {
		return err
	}
	if err := w.f.may("put_back"); err != nil {
		return err
	}
	lines, err := w.scanned(sc)
	if err != nil {
		return err
	}
	left := max(1, sc.Quantity)
	for _, l := range slices.Backward(lines) {
		n := min(left, l.Picked-l.Packed)
		l.Picked -= n
		left -= n
	}
	if left > 0 {
		return fault.New(fault.Conflict, "%d more of %s than were picked and not packed", left, lines[0].SKU).WithCode("too_many")
	}
	w.change(w.f)
	return w.f.settle(w.tx.Now)
}

// notStopped refuses to go on with an order that somebody asks to cancel or put on hold.
func (w *work) notStopped() error {
	if len(w.order.Stops) > 0 {
		return fault.New(fault.Conflict, "order %s is on hold: %s", w.order.Number, w.order.Stops[0]).WithCode("held")
	}
	return nil
}

// fresh writes a scan down: who scanned what; false when its id is known.
func (w *work) fresh(sc Scan, sign int64) (bool, error) {
	if sc.Quantity < 0 {
		return false, fault.Field("quantity", "is negative")
	}
	n, err := w.tx.Exec(`insert into fulfillment_scans (fulfillment_id, scan_id, code, quantity, actor, at) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
		w.f.ID, cmp.Or(sc.ID, db.ID()), sc.Code, sign*max(1, sc.Quantity), w.actor, db.Micros(w.tx.Now))
	return n == 1, err
}

// scanned finds the lines a code stands for.
func (w *work) scanned(sc Scan) ([]*Line, error) {
	var lines []*Line
	for i := range w.f.Lines {
		if w.f.Lines[i].SKU == sc.Code {
			lines = append(lines, &w.f.Lines[i])
		}
	}
	if len(lines) > 0 {
		return lines, nil
	}
	found, err := w.s.need.Variants(w.tx, []string{sc.Code})
	if err != nil {
		return nil, err
	}
	v, known := found[sc.Code]
	if !known {
		return nil, fault.Field("code", "%q is no SKU or barcode of ours", sc.Code).WithCode("unknown_item")
	}
	for i := range w.f.Lines {
		if w.f.Lines[i].Variant == v {
			lines = append(lines, &w.f.Lines[i])
		}
	}
	if len(lines) == 0 {
		return nil, fault.Field("code", "%q is the wrong item: it is not in %s", sc.Code, w.f.Number).WithCode("wrong_item")
	}
	return lines, nil
}
