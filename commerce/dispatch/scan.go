package dispatch

import (
	"cmp"
	"context"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// ScanFact is one thing that somebody says about a parcel on its way. It is a fact, never an order.
type ScanFact struct {
	Shipment string // id; or
	Tracking string // the carrier's number
	courier.Scan
	Source string // courier, channel, person
	Zone   string // assumed for a time that came without one
	Actor  string // for person
}

// Who says so.
const (
	ByCourier = "courier"
	BySeller  = "person"
	ByPartner = "channel"
)

// Scan records what is said about parcels, once per fact, and brings shipments, orders and money in line: what happened last counts, however late or
// often it is told. Facts that the life does not allow are kept and shown to a person. Orders are locked in key order. It answers how many facts were new.
func (s *Service) Scan(tx *db.Tx, facts []ScanFact) (int, error) {
	orders, n, err := s.record(tx, facts)
	if err != nil || n == 0 {
		return 0, err
	}
	var acts []audit.Entry
	for _, f := range facts {
		if f.Source == BySeller && f.Actor != "" {
			acts = append(acts, audit.Entry{
				Actor: f.Actor, Action: "shipment.scan", SubjectKind: "shipment", Subject: cmp.Or(f.Shipment, f.Tracking),
				Detail: map[string]string{"status": string(f.Status)},
			})
		}
	}
	if err := s.need.Audit(tx, acts...); err != nil {
		return 0, err
	}
	return n, s.apply(tx, orders)
}

// record writes facts that are new, and answers the orders they concern, locked.
func (s *Service) record(tx *db.Tx, facts []ScanFact) ([]string, int, error) {
	byRef, orders, err := s.meant(tx, facts)
	if err != nil || len(orders) == 0 {
		return nil, 0, err
	}
	if _, err := s.lock(tx, orders...); err != nil {
		return nil, 0, err
	}
	rows := db.NewBatch(2)
	seen := map[[2]string]bool{}
	for _, f := range facts {
		sh := byRef[cmp.Or(f.Shipment, f.Tracking)]
		if sh == nil {
			continue
		}
		k := [2]string{sh.ID, f.Key(sh.Tracking)}
		if seen[k] {
			continue
		}
		seen[k] = true
		at := f.At
		if at.IsZero() {
			at = tx.Now
		}
		var zone any
		if f.Assumed {
			zone = f.Zone
		}
		rows.Add(k[0], k[1], db.ID(), db.Micros(at), f.RawAt, zone, string(f.Status), string(f.Leg), string(f.Reason), f.Corrects, f.Raw, f.Location, f.Source)
	}
	n, err := tx.Exec(`insert into shipment_events (id, shipment_id, scan_key, at, at_raw, zone_assumed, recorded_at, status, leg, reason, corrects, raw, place, source, applied)
		select i, s, k, a, ar, z, cast($1 as bigint), st, lg, rs, co, rw, pl, so, false
		from rows(s text, k text, i text, a bigint, ar text, z text, st text, lg text, rs text, co boolean, rw text, pl text, so text) where true on conflict do nothing`, rows, db.Micros(tx.Now))
	return orders, int(n), err
}

// meant finds the shipments that facts are about; a number on several parcels means none of them.
func (s *Service) meant(tx *db.Tx, facts []ScanFact) (map[string]*Shipment, []string, error) {
	var refs []string
	for _, f := range facts {
		if ref := cmp.Or(f.Shipment, f.Tracking); ref != "" {
			refs = append(refs, ref)
		}
	}
	keys := db.Keys(distinct(refs))
	// A union, since no engine takes two indexes for an "or" of lists.
	found, err := find(tx, `s.id in (select key from json_each($1) union select x.id from dispatch_shipments x
		where x.tracking in (select key from json_each($1)) and x.tracking <> '' and x.state <> 'cancelled')`, keys)
	if err != nil {
		return nil, nil, err
	}
	byRef := map[string]*Shipment{}
	var orders []string
	for _, sh := range found {
		byRef[sh.ID] = sh
		if other := byRef[sh.Tracking]; other != nil && other.ID != sh.ID {
			byRef[sh.Tracking] = nil
		} else if sh.Tracking != "" {
			byRef[sh.Tracking] = sh
		}
		orders = append(orders, sh.OrderID)
	}
	return byRef, distinct(orders), nil
}

// Report records what a person knows of a parcel that no courier's interface tells of. Fault: Invalid for a status that does not exist.
func (s *Service) Report(ctx context.Context, ref, actor string, status courier.Status, at time.Time, note string) (Shipment, error) {
	if courier.MeaningOf(status).Status != status || status == courier.Unknown {
		return Shipment{}, fault.Field("status", "%q is no status of a parcel", status)
	}
	return s.on(ctx, ref, 0, func(tx *db.Tx, _ Order, sh *Shipment) error {
		if at.IsZero() || at.After(tx.Now) {
			at = tx.Now
		}
		_, err := s.Scan(tx, []ScanFact{{Shipment: sh.ID, Source: BySeller, Actor: actor, Scan: courier.Scan{Status: status, Raw: string(status), Text: note, At: at}}})
		if err != nil {
			return err
		}
		now, err := byID(tx, sh.ID)
		if err != nil {
			return err
		}
		*sh = *now
		return nil
	})
}

// Consumers are what dispatch takes from the events.
func (s *Service) Consumers() []outbox.Consumer { return []outbox.Consumer{s.Applier()} }

// Applier is the consumer that looks anew at parcels whose facts were recorded in somebody else's transaction.
func (s *Service) Applier() outbox.Consumer {
	return outbox.Consumer{
		Name: "dispatch.apply", Types: []string{event.ShipmentScanned},
		Handle: func(tx *db.Tx, batch []outbox.Stored) error {
			var orders []string
			for _, e := range batch {
				f, err := outbox.Decode[event.ShipmentFact](e)
				if err != nil {
					return err
				}
				if f.State == "" { // recorded, not applied
					orders = append(orders, e.Order)
				}
			}
			if len(orders) == 0 {
				return nil
			}
			orders = distinct(orders)
			if _, err := s.lock(tx, orders...); err != nil {
				return err
			}
			return s.apply(tx, orders)
		},
	}
}
