package dispatch

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/platform/db"
)

// How often parcels are asked after: soon after something happened, seldom when nothing does.
const (
	trackSoon  = 2 * time.Hour
	trackSlow  = 12 * time.Hour
	trackRetry = 15 * time.Minute
	trackLease = 10 * time.Minute
	trackPause = 5 * time.Second
	trackMost  = 50 // numbers in one call, unless the courier says otherwise
)

// Track asks couriers after parcels that are due, up to so many, and applies what they say. It answers how many it asked after. Any number of processes may
// run it: a parcel is put off before it is asked for, so that a call that is lost is made again later.
func (s *Service) Track(ctx context.Context, limit int) (int, error) {
	due, err := s.dueForTrack(ctx, limit)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	byCourier := map[string][]*Shipment{}
	for _, sh := range due {
		byCourier[sh.Courier] = append(byCourier[sh.Courier], sh)
	}
	n := 0
	for name, all := range byCourier {
		c, kind, err := s.need.Courier(ctx, name)
		if err != nil {
			s.need.Log.Error("track", "courier", name, "err", err)
			continue
		}
		for batch := range slices.Chunk(all, cmp.Or(kind.TrackMax, trackMost)) {
			if err := s.ask(ctx, c, kind, batch); err != nil {
				if ctx.Err() != nil {
					return n, ctx.Err()
				}
				s.need.Log.Warn("track", "courier", name, "err", err)
				if err := s.putOff(ctx, batch, max(fault.After(err), trackRetry)); err != nil {
					return n, err
				}
				continue
			}
			n += len(batch)
		}
	}
	return n, nil
}

// dueForTrack takes parcels whose turn it is, and puts them off for as long as a call may take.
func (s *Service) dueForTrack(ctx context.Context, limit int) ([]*Shipment, error) {
	var due []*Shipment
	err := s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) (err error) {
		ids, err := db.All(tx, scanText, `update dispatch_shipments set next_track_at = $2 where id in
			(select id from dispatch_shipments where next_track_at <= $1 order by next_track_at limit $3) and next_track_at <= $1 returning id`,
			db.Micros(tx.Now), db.Micros(tx.Now.Add(trackLease)), limit)
		if err != nil || len(ids) == 0 {
			due = nil
			return err
		}
		due, err = find(tx, `s.id in (select key from json_each($1)) and s.tracking <> ''`, db.Keys(ids))
		return err
	})
	return due, err
}

// ask reads the traces of one batch and applies each order's in a transaction of its own.
func (s *Service) ask(ctx context.Context, c courier.Courier, kind courier.Kind, batch []*Shipment) error {
	numbers := make([]string, len(batch))
	for i, sh := range batch {
		numbers[i] = sh.Tracking
	}
	traces, err := c.Track(ctx, numbers)
	if err != nil {
		return err
	}
	for i, t := range traces {
		if i >= len(batch) {
			break
		}
		if err := s.heard(ctx, batch[i], t, kind.Zone); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) heard(ctx context.Context, sh *Shipment, t courier.Trace, zone string) error {
	return s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		n, err := s.Scan(tx, factsOf(sh.ID, t, zone))
		if err != nil {
			return err
		}
		next := trackSlow
		if n > 0 {
			next = trackSoon
		}
		_, err = tx.Exec(`update dispatch_shipments set next_track_at = $2 where id = $1 and next_track_at is not null`, sh.ID, db.Micros(tx.Now.Add(next)))
		return err
	})
}

func factsOf(shipment string, t courier.Trace, zone string) []ScanFact {
	var all []ScanFact
	for _, sc := range t.Scans {
		all = append(all, ScanFact{Shipment: shipment, Tracking: t.Tracking, Scan: sc, Source: ByCourier, Zone: zone})
	}
	return all
}

func (s *Service) putOff(ctx context.Context, batch []*Shipment, by time.Duration) error {
	ids := make([]string, len(batch))
	for i, sh := range batch {
		ids[i] = sh.ID
	}
	return s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		_, err := tx.Exec(`update dispatch_shipments set next_track_at = $2 where id in (select key from json_each($1)) and next_track_at is not null`, db.Keys(ids), db.Micros(tx.Now.Add(by)))
		return err
	})
}

// RunTracking asks after parcels until the context ends.
func (s *Service) RunTracking(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := s.Track(ctx, 200)
		if err != nil && ctx.Err() == nil {
			s.need.Log.Error("track", "err", err)
		}
		if n == 200 && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(trackPause):
		}
	}
	return nil
}

// Hook takes what a courier pushes. A signed delivery is facts; an unsigned one is a reason to ask the courier soon, and nothing more. Fault: Unauthorized for
// a forged or stale one, NotFound for a courier that pushes nothing.
func (s *Service) Hook(ctx context.Context, name string, d partner.Delivery) error {
	c, kind, err := s.need.Courier(ctx, name)
	if err != nil {
		return err
	}
	hook, ok := c.(courier.Webhooker)
	if !ok {
		return fault.New(fault.NotFound, "%s pushes nothing", kind.Title)
	}
	receipt, err := hook.Verify(d)
	if err != nil {
		return err
	}
	traces, err := hook.Hints(d)
	if err != nil {
		return err
	}
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		numbers := make([]string, len(traces))
		for i, t := range traces {
			numbers[i] = t.Tracking
		}
		if !receipt.Signed {
			_, err := tx.Exec(`update dispatch_shipments set next_track_at = $2 where courier = $1 and tracking in (select key from json_each($3)) and next_track_at is not null`,
				name, db.Micros(tx.Now), db.Keys(distinct(numbers)))
			return err
		}
		own, err := find(tx, `s.courier = $1 and s.tracking in (select key from json_each($2))`, name, db.Keys(distinct(numbers)))
		if err != nil {
			return err
		}
		var facts []ScanFact
		for _, t := range traces {
			for _, sh := range own { // a courier speaks of its own parcels only
				if sh.Tracking == t.Tracking {
					facts = append(facts, factsOf(sh.ID, t, kind.Zone)...)
				}
			}
		}
		_, err = s.Scan(tx, facts)
		return err
	})
}
