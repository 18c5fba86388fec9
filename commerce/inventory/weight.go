package inventory

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// Heard notes a sign of life of locations. It never goes back.
func (s *Service) Heard(tx *db.Tx, at time.Time, locations ...string) error {
	batch := db.NewBatch(1)
	for _, id := range distinct(locations) {
		batch.Add(id, at.UnixMicro())
	}
	_, err := tx.Exec(`update locations set heard_at = r.w from rows(i text, w bigint)
		where locations.id = r.i and (locations.heard_at is null or locations.heard_at < r.w)`, batch)
	return err
}

// weigher answers what a location's stock weighs now, in percent: all of it while the location is heard of, or need not be.
func (s *Service) weigher(tx *db.Tx) func(Location) (int64, error) {
	type limits struct{ half, none time.Duration }
	known := map[string]limits{}
	return func(l Location) (int64, error) {
		if l.HeardAt.IsZero() {
			return 100, nil
		}
		at, ok := known[l.Country]
		if !ok {
			half, none, err := s.need.Unheard(tx, l.Country)
			if err != nil {
				return 0, err
			}
			at = limits{half, none}
			known[l.Country] = at
		}
		switch quiet := tx.Now.Sub(l.HeardAt); {
		case quiet >= at.none:
			return 0, nil
		case quiet >= at.half:
			return 50, nil
		}
		return 100, nil
	}
}

// Weigh compares what each location's stock weighs now with what it last weighed: where that changed, its stock is told to the channels again,
// and a location that counts for nothing is a case until it is heard of. It answers how many changed. For a job every minute.
func (s *Service) Weigh(ctx context.Context) (changed int, err error) {
	err = s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) (err error) {
		changed, err = s.weigh(tx)
		return err
	})
	return changed, err
}

func (s *Service) weigh(tx *db.Tx) (int, error) {
	all, err := db.All(tx, scanLocation, `select `+locationColumns+` from locations where heard_at is not null and active order by id`)
	if err != nil {
		return 0, err
	}
	batch := db.NewBatch(1)
	locations := map[string]bool{}
	var silent []exception.Case
	var heard []exception.Key
	weigh := s.weigher(tx)
	for _, l := range all {
		weight, err := weigh(l)
		if err != nil {
			return 0, err
		}
		if weight == l.Weight {
			continue
		}
		batch.Add(l.ID, weight)
		locations[l.ID] = true
		c := exception.Case{
			Cause: exception.StaleLocation, SubjectKind: "location", Subject: l.ID, Location: l.ID,
			Detail: map[string]any{"code": l.Code, "heard_at": l.HeardAt},
		}
		if weight == 0 {
			silent = append(silent, c)
		} else if l.Weight == 0 {
			heard = append(heard, c.Key())
		}
	}
	if len(locations) == 0 {
		return 0, nil
	}
	tx.Send(`update locations set weight = r.w from rows(i text, w bigint) where locations.id = r.i`, batch)
	if err := touch(tx, `location_id in (select key from json_each($1))`, db.Keys(slices.Sorted(maps.Keys(locations)))); err != nil {
		return 0, err
	}
	if err := exception.Raise(tx, silent...); err != nil {
		return 0, err
	}
	return len(locations), exception.Clear(tx, "inventory", "the location was heard of again", heard...)
}

// touch has levels told to the channels again, locked in key order first.
func touch(tx *db.Tx, where string, args ...any) error {
	if lock := tx.Lock(); lock != "" {
		tx.SendQuery(`select variant_id from stock_levels where not dirty and `+where+` order by variant_id, location_id, condition`+lock,
			func(db.Scanner) error { return nil }, args...)
	}
	tx.Send(`update stock_levels set dirty = true where not dirty and `+where, args...)
	return tx.Flush()
}
