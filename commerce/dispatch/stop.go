package dispatch

import (
	"context"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Stop calls off the shipments of a fulfillment order that contain any of these order lines (none = all of them) before they are handed over, and
// answers what was in them. A waybill that was issued is voided at the courier by a job. Fault: Conflict with code "handed_over" when only parcels
// that have left could be meant. Safe to repeat.
func (s *Service) Stop(tx *db.Tx, fulfillment string, lines []string, reason string) ([]Good, error) {
	all, err := find(tx, `s.fulfillment_id = $1 and s.state <> 'cancelled'`, fulfillment)
	if err != nil {
		return nil, err
	}
	var out []Good
	var stopped []*Shipment
	left := false
	for _, sh := range all {
		if len(lines) > 0 && !slices.ContainsFunc(sh.Goods, func(g Good) bool { return slices.Contains(lines, g.LineID) }) {
			continue
		}
		if sh.gone() {
			left = true
			continue
		}
		stopped = append(stopped, sh)
		out = append(out, sh.Goods...)
	}
	if len(stopped) == 0 {
		if left {
			return nil, fault.New(fault.Conflict, "the parcel has been handed over: ask the courier to turn it back").WithCode("handed_over")
		}
		return nil, nil
	}
	return out, s.cancel(tx, reason, stopped...)
}

// cancel calls shipments off and has their waybills voided.
func (s *Service) cancel(tx *db.Tx, reason string, all ...*Shipment) error {
	var work []jobs.Job
	var evs []outbox.Event
	for _, sh := range all {
		issued := sh.State == Issued
		if err := sh.to(Cancelled, tx.Now); err != nil {
			return err
		}
		sh.Cause, sh.Cash.Minor = reason, 0
		if issued && sh.Source == FromCourier && sh.Tracking != "" {
			work = append(work, voidJob(sh))
		}
		evs = append(evs, sh.event(event.ShipmentClosed, tx.Now, event.ShipmentFact{ShipmentID: sh.ID, Number: sh.Number, OrderID: sh.OrderID, AccountID: sh.Account,
			FulfillmentID: sh.Fulfillment, LocationID: sh.Location, State: sh.State, At: tx.Now}, false))
		if err := s.clear(tx, sh); err != nil {
			return err
		}
	}
	if err := save(tx, all...); err != nil {
		return err
	}
	if err := outbox.Append(tx, evs...); err != nil {
		return err
	}
	return jobs.Enqueue(tx, work...)
}

// Cancel calls one shipment off before hand-over; the parcel stays packed, to get another waybill (Rebook) or to be unpacked. Fault: Conflict after hand-over.
func (s *Service) Cancel(ctx context.Context, ref string, version int64, actor, reason string) (Shipment, error) {
	return s.on(ctx, ref, version, func(tx *db.Tx, _ Order, sh *Shipment) error {
		if sh.State == Cancelled {
			return nil
		}
		if sh.gone() {
			return fault.New(fault.Conflict, "%s has been handed over: ask the courier to turn it back", sh.Number).WithCode("handed_over")
		}
		if err := s.cancel(tx, reason, sh); err != nil {
			return err
		}
		return s.need.Audit(tx, audit.Entry{Actor: actor, Action: "shipment.cancel", SubjectKind: "shipment", Subject: sh.ID, Detail: map[string]string{"reason": reason}})
	})
}
