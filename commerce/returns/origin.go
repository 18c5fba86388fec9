package returns

import (
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
)

// OriginFact is what became of a parcel that did not reach the buyer.
type OriginFact struct {
	Order, Shipment, Number, Location string
	Carrier, Tracking                 string
	Lines                             []event.UnitsMove
	State                             string // returning, returned, lost, or delivered after all
	At                                time.Time
}

// Origin takes what dispatch knows of a parcel that turned back or was lost: a return to origin, or a claim. The order's row is locked; its units are counted by dispatch, the
// goods are received and inspected here like any return's. What was captured becomes due; cash that was not collected owes nothing. Safe to repeat.
func (s *Service) Origin(tx *db.Tx, f OriginFact) error {
	orders, err := s.need.Orders(tx, []string{f.Order}, true)
	if err != nil {
		return err
	}
	o, ok := orders[f.Order]
	if !ok {
		return notFound(f.Order)
	}
	before, err := ofOrders(tx, []string{f.Order})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(before[f.Order], func(r RMA) bool { return r.Shipment == f.Shipment && r.RequestedBy == "courier" })
	if i < 0 {
		if f.State == "delivered" {
			return nil
		}
		return s.originNew(tx, o, f)
	}
	w := &work{order: o, rma: before[f.Order][i]}
	if err := s.originNext(tx, w, f); err != nil {
		return err
	}
	return s.commit(tx, []*work{w})
}

func (s *Service) originNew(tx *db.Tx, o Order, f OriginFact) error {
	kind := KindOrigin
	if f.State == "lost" {
		kind = KindClaim
	}
	w := s.begin(tx, o, kind, "courier", "parcel "+f.Number)
	w.rma.Shipment, w.rma.Location, w.rma.RequestedAt = f.Shipment, f.Location, f.At
	w.rma.Detail.Carrier, w.rma.Detail.Tracking = f.Carrier, f.Tracking
	if f.At.IsZero() {
		w.rma.RequestedAt = tx.Now
	}
	for _, m := range f.Lines {
		if err := w.add(Units{LineID: m.LineID, Quantity: m.Quantity, Units: m.Units}); err != nil {
			return err
		}
	}
	if err := s.approve(tx, w); err != nil {
		return err
	}
	w.cleared = nil // nothing was open
	if kind == KindOrigin {
		if err := s.send(tx, w); err != nil {
			return err
		}
	}
	if f.State == "returned" {
		w.waits("the parcel came back: receive it")
	}
	return s.commit(tx, []*work{w})
}

// originNext moves a known one on; what its life does not allow is no news.
func (s *Service) originNext(tx *db.Tx, w *work, f OriginFact) error {
	r := &w.rma
	switch {
	case f.State == "returned" && (r.Goods == "on_the_way" || r.Goods == "lost"):
		if r.Goods == "lost" {
			if err := r.goods("find"); err != nil {
				return err
			}
			w.happened("found", "", nil)
		}
		w.waits("the parcel came back: receive it")
	case f.State == "lost" && r.Goods == "on_the_way":
		if err := r.goods("lose"); err != nil {
			return err
		}
		w.happened("lost", "", w.units(all))
		return s.owe(tx, w)
	case f.State == "delivered" && (r.Goods == "on_the_way" || r.Kind == KindClaim) && (r.Money == "none" || r.Money == "due" || r.Money == "waived" && w.order.PaysItself):
		if r.Money == "waived" {
			if err := r.money("owe"); err != nil {
				return err
			}
		}
		return s.withdraw(tx, w, "delivered after all", "courier")
	}
	return nil
}
