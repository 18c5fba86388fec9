package dispatch

import (
	"cmp"
	"context"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Stop calls off as many shipments of a fulfillment order as it takes to free these goods (none = all of them) before they are handed over, and answers
// what was in them. Parcels that hold the channel's units named go first, then those on which least has been done. A waybill that was issued is voided at
// the courier by a job. Fault: Conflict with code "handed_over" when the goods have left. Safe to repeat.
func (s *Service) Stop(tx *db.Tx, fulfillment string, goods []Good, reason string) ([]Good, error) {
	all, err := find(tx, `s.fulfillment_id = $1 and s.state <> 'cancelled'`, fulfillment)
	if err != nil {
		return nil, err
	}
	gone := len(all)
	all = slices.DeleteFunc(all, (*Shipment).gone)
	gone -= len(all)
	stopped := all
	if len(goods) > 0 {
		stopped = nil
		for _, g := range goods {
			stopped = append(stopped, holding(all, stopped, g)...)
		}
	}
	if len(stopped) == 0 {
		if gone > 0 {
			return nil, fault.New(fault.Conflict, "the parcel has been handed over: ask the courier to turn it back").WithCode("handed_over")
		}
		return nil, nil
	}
	var out []Good
	for _, sh := range stopped {
		out = append(out, sh.Goods...)
	}
	return out, s.cancel(tx, reason, stopped...)
}

// holding picks the shipments to open for so many units of a line, beside those that are opened anyway.
func holding(all, opened []*Shipment, want Good) []*Shipment {
	left := want.Quantity
	for _, sh := range opened {
		left -= sh.quantity(want)
	}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b *Shipment) int {
		return cmp.Or(cmp.Compare(b.named(want), a.named(want)), cmp.Compare(progress(a), progress(b)), cmp.Compare(b.ID, a.ID))
	})
	var more []*Shipment
	for _, sh := range sorted {
		n := sh.quantity(want)
		if n == 0 || slices.Contains(opened, sh) || left <= 0 && (sh.named(want) == 0 || len(want.Units) == 0) {
			continue
		}
		left -= n
		more = append(more, sh)
	}
	return more
}

func (sh *Shipment) quantity(want Good) (n int64) {
	for _, g := range sh.Goods {
		if g.LineID == want.LineID && g.Variant == want.Variant {
			n += g.Quantity
		}
	}
	return n
}

// named counts the channel's units asked for that are in the parcel.
func (sh *Shipment) named(want Good) (n int) {
	for _, g := range sh.Goods {
		for _, u := range g.Units {
			if g.LineID == want.LineID && g.Variant == want.Variant && contains(want.Units, u) {
				n++
			}
		}
	}
	return n
}

func progress(sh *Shipment) int {
	return slices.Index([]string{Refused, Intended, Unknown, Issued}, sh.State)
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
		evs = append(evs, sh.event(event.ShipmentClosed, tx.Now, event.ShipmentFact{
			ShipmentID: sh.ID, Number: sh.Number, OrderID: sh.OrderID, AccountID: sh.Account,
			FulfillmentID: sh.Fulfillment, LocationID: sh.Location, State: sh.State, At: tx.Now, Packages: sh.packageIDs(),
		}, false))
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
