package company

import (
	"encoding/json"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/pos"
)

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// units reads the org units as they were last seen, by code.
func (s *Service) units(tx *db.Tx) ([]Unit, error) {
	return db.All(tx, func(row db.Scanner) (u Unit, err error) {
		err = row.Scan(&u.ID, &u.Type, &u.Code, &u.Name, db.Text(&u.Parent), db.Text(&u.Country), db.Text(&u.Currency), &u.Active, db.Text(&u.Location), db.Text(&u.Problem),
			db.Time(&u.SeenAt), db.Time(&u.GoneAt))
		return u, err
	}, `select id, unit_type, code, name, parent, country, currency, active, location_id, problem, seen_at, gone_at from org_units where core = $1 order by code, id`, s.need.Name)
}

// saveUnits writes units, set-based.
func (s *Service) saveUnits(tx *db.Tx, all []Unit) error {
	b := db.NewBatch(2)
	for _, u := range all {
		b.Add(s.need.Name, u.ID, string(u.Type), u.Code, u.Name, orNull(u.Parent), orNull(u.Country), orNull(u.Currency), u.Active, orNull(u.Location), orNull(u.Problem),
			db.Micros(u.SeenAt), db.Micros(u.GoneAt))
	}
	_, err := tx.Exec(`insert into org_units (core, id, unit_type, code, name, parent, country, currency, active, location_id, problem, seen_at, gone_at)
		select r.r, r.i, r.t, r.c, r.n, r.p, r.y, r.m, r.a, r.l, r.b, r.s, r.g
		from rows(r text, i text, t text, c text, n text, p text, y text, m text, a boolean, l text, b text, s bigint, g bigint) where true
		on conflict (core, id) do update set unit_type = excluded.unit_type, code = excluded.code, name = excluded.name, parent = excluded.parent, country = excluded.country,
			currency = excluded.currency, active = excluded.active, location_id = excluded.location_id, problem = excluded.problem, seen_at = excluded.seen_at,
			gone_at = excluded.gone_at`, b)
	return err
}

// readings reads how far each list was read.
func (s *Service) readings(tx *db.Tx) (map[string]Reading, error) {
	all := map[string]Reading{}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var r Reading
		var mark string
		err := row.Scan(&r.List, db.Text(&mark), db.JSON(&r.seen), &r.Complete, &r.Shown, db.JSON(&r.Problems), db.Time(&r.ReadAt), db.Time(&r.StaleAt), db.Time(&r.FailedAt),
			db.Text(&r.Cause), &r.version)
		r.mark = pos.Mark(mark)
		all[r.List] = r
		return struct{}{}, err
	}, `select list, mark, seen, complete, shown, problems, read_at, stale_at, failed_at, cause, version from core_reads where core = $1`, s.need.Name)
	return all, err
}

// read is how far one list was read; a list that never was has version 0.
func (s *Service) read(tx *db.Tx, list string) (Reading, error) {
	all, err := s.readings(tx)
	r := all[list]
	r.List = list
	return r, err
}

const mostProblems = 50 // kept of one reading

// note writes a reading that follows the one of its version. Fault: Conflict when another process wrote first.
func (s *Service) note(tx *db.Tx, r Reading) error {
	if len(r.Problems) > mostProblems {
		r.Problems = r.Problems[:mostProblems]
	}
	if r.Problems == nil {
		r.Problems = []pos.Problem{}
	}
	if r.seen == nil {
		r.seen = []string{}
	}
	problems, err := json.Marshal(r.Problems)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the problems cannot be written")
	}
	seen, err := json.Marshal(r.seen)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the ids cannot be written")
	}
	n, err := tx.Exec(`insert into core_reads (core, list, mark, seen, complete, shown, problems, read_at, stale_at, failed_at, cause, version)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 + 1)
		on conflict (core, list) do update set mark = excluded.mark, seen = excluded.seen, complete = excluded.complete, shown = excluded.shown, problems = excluded.problems,
			read_at = excluded.read_at, stale_at = excluded.stale_at, failed_at = excluded.failed_at, cause = excluded.cause, version = excluded.version
			where core_reads.version = $12`,
		s.need.Name, r.List, orNull(string(r.mark)), string(seen), r.Complete, r.Shown, string(problems), db.Micros(r.ReadAt), db.Micros(r.StaleAt), db.Micros(r.FailedAt),
		orNull(r.Cause), r.version)
	if err == nil && n != 1 {
		err = raced()
	}
	return err
}

// done is the reading that follows a list read without fault.
func (r Reading) done(now time.Time, complete bool, shown int, problems []pos.Problem) Reading {
	r.Complete, r.Shown, r.Problems, r.ReadAt, r.FailedAt, r.Cause = complete, int64(shown), problems, now, time.Time{}, ""
	return r
}
