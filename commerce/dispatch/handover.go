package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// HandOver is the point of no return: by the scan of a parcel's id, number or tracking number, the carrier has it. Order, stock, reservation and
// fulfillment follow in one transaction, with the order locked first, so that a cancellation and a hand-over never both win. Scanning twice changes nothing.
// Faults: NotFound; Conflict when the order or its lines are cancelled or on hold, or the parcel has no waybill. Unhand is its inverse.
func (s *Service) HandOver(ctx context.Context, ref, actor string, at time.Time) (Shipment, error) {
	return s.on(ctx, ref, 0, func(tx *db.Tx, o Order, sh *Shipment) error {
		if sh.gone() {
			return nil
		}
		if err := s.notStopped(o); err != nil {
			return err
		}
		if err := sh.may("hand_over"); err != nil {
			return err
		}
		if at.IsZero() || at.After(tx.Now) {
			at = tx.Now
		}
		return s.handOver(tx, o, sh, actor, at)
	})
}

func (s *Service) handOver(tx *db.Tx, o Order, sh *Shipment, actor string, at time.Time) error {
	moves, err := s.need.Goods(tx, sh.Fulfillment, sh.Goods)
	if err != nil {
		return err
	}
	sh.setWhole(moves)
	if err := s.need.Ship(tx, o.ID, moves); err != nil {
		return err
	}
	sh.Handovers++
	if err := s.need.Stock(tx, sh.movements(-1, actor, at)); err != nil {
		return err
	}
	if err := sh.to(HandedOver, tx.Now); err != nil {
		return err
	}
	sh.HandedOver = at
	if sh.Source == FromCourier {
		sh.NextTrack = tx.Now.Add(firstTrack)
	}
	if err := save(tx, sh); err != nil {
		return err
	}
	if err := saveGoods(tx, sh); err != nil {
		return err
	}
	fact, err := s.fact(tx, o, sh, at)
	if err != nil {
		return err
	}
	if err := outbox.Append(tx, sh.event(event.ShipmentHandedOver, at, fact, false)); err != nil {
		return err
	}
	if err := s.need.Audit(tx, audit.Entry{Actor: actor, Action: "shipment.hand_over", SubjectKind: "shipment", Subject: sh.ID}); err != nil {
		return err
	}
	return s.again(tx, sh)
}

// again has what the courier said before our scan looked at anew, in a transaction of its own: money is locked before stock.
func (s *Service) again(tx *db.Tx, sh *Shipment) error {
	early, err := db.All(tx, scanText, `select id from shipment_events where shipment_id = $1 limit 1`, sh.ID)
	if err != nil || len(early) == 0 {
		return err
	}
	return outbox.Append(tx, sh.event(event.ShipmentScanned, tx.Now, event.ShipmentFact{ShipmentID: sh.ID, OrderID: sh.OrderID}, false))
}

// setWhole notes which complete units of order lines went with the parcel.
func (sh *Shipment) setWhole(moves []Moved) {
	first := map[string]bool{}
	for i := range sh.Goods {
		g := &sh.Goods[i]
		g.Whole = 0
		if first[g.LineID] {
			continue
		}
		first[g.LineID] = true
		for _, m := range moves {
			if m.LineID == g.LineID {
				g.Whole = m.Quantity
			}
		}
	}
}

// movements are the goods leaving (-1) or coming back (+1), with the reservations they were for. The reference is the shipment; a parcel handed over
// again after it was taken back is told apart by a count.
func (sh *Shipment) movements(sign int64, actor string, at time.Time) []stock.Movement {
	ref := sh.ID
	if sh.Handovers > 1 {
		ref = fmt.Sprintf("%s#%d", sh.ID, sh.Handovers)
	}
	if sign > 0 {
		ref += "/back"
	}
	var ms []stock.Movement
	for _, g := range sh.Goods {
		ms = append(ms, stock.Movement{
			Variant: g.Variant, Location: sh.Location, Condition: stock.Sellable, Delta: sign * g.Quantity, Kind: stock.MoveSale, RefKind: "shipment", RefID: ref, Actor: actor, At: at,
			Consume: []stock.Use{{Holder: stock.ByLine, HolderID: g.LineID, Quantity: g.Quantity}},
		})
	}
	return ms
}

// Unhand takes a hand-over back, exactly, as long as the carrier has not scanned the parcel. Fault: Conflict when it has.
func (s *Service) Unhand(ctx context.Context, ref string, version int64, actor string) (Shipment, error) {
	return s.on(ctx, ref, version, func(tx *db.Tx, o Order, sh *Shipment) error {
		if err := sh.may("take_back"); err != nil {
			return err
		}
		scans, err := scansOf(tx, []string{sh.ID})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(scans[sh.ID], func(e said) bool { return courier.MeaningOf(e.Status).Carried }) {
			return fault.New(fault.Conflict, "the carrier has scanned %s already", sh.Number).WithCode("carried")
		}
		if _, err := s.need.Ungoods(tx, sh.Fulfillment, sh.Goods); err != nil {
			return err
		}
		if err := s.need.Unship(tx, o.ID, sh.moves()); err != nil {
			return err
		}
		if err := s.need.Stock(tx, sh.movements(1, actor, tx.Now)); err != nil {
			return err
		}
		if err := sh.to(Issued, tx.Now); err != nil {
			return err
		}
		sh.HandedOver, sh.NextTrack = time.Time{}, time.Time{}
		if err := save(tx, sh); err != nil {
			return err
		}
		if err := sh.changed(tx, "person"); err != nil {
			return err
		}
		return s.need.Audit(tx, audit.Entry{Actor: actor, Action: "shipment.unhand", SubjectKind: "shipment", Subject: sh.ID})
	})
}
