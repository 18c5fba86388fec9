package privacy

import (
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// Rewrapper has the keys of personal records and raw payloads wrapped with the zone's key in use, while the vault's keys are replaced. The boxes
// stay as they are: only what opens them is wrapped again.
func (s *Store) Rewrapper() vault.Rewrapper {
	return vault.Rewrapper{
		Name: "personal keys in " + s.zone,
		Count: func(tx *db.Tx) (n int64, err error) {
			err = tx.QueryRow(`select count(*) from personal_keys where zone = $1`, s.zone).Scan(&n)
			return n, err
		},
		Batch: s.rewrap,
	}
}

func (s *Store) rewrap(tx *db.Tx, after string, limit int) (next string, seen, done int64, err error) {
	active, err := s.wrap.Active()
	if err != nil {
		return "", 0, 0, err
	}
	type row struct {
		id string
		wrapped
	}
	rows, err := db.All(tx, func(c db.Scanner) (r row, err error) {
		err = c.Scan(&r.id, &r.zoneKey, &r.bytes)
		return r, err
	}, `select id, zone_key, wrapped from personal_keys where zone = $1 and id > $2 order by id limit $3`, s.zone, after, limit)
	if err != nil {
		return "", 0, 0, err
	}
	batch := db.NewBatch(1)
	for _, r := range rows {
		if seen++; r.zoneKey == active {
			continue
		}
		own, err := s.wrap.Open(r.zoneKey, r.bytes, keyBound(r.id))
		if err != nil {
			return "", 0, 0, err
		}
		key, box, err := s.wrap.Seal(own, keyBound(r.id))
		if err != nil {
			return "", 0, 0, err
		}
		batch.Add(r.id, r.zoneKey, key, box)
	}
	if len(rows) == limit {
		next = rows[len(rows)-1].id
	}
	// A key that was destroyed meanwhile is not there to be updated: what was erased stays erased.
	done, err = tx.Exec(`update personal_keys set zone_key = r.k, wrapped = r.w from rows(i text, o text, k text, w bytea)
		where personal_keys.id = r.i and personal_keys.zone_key = r.o`, batch)
	return next, seen, done, err
}
