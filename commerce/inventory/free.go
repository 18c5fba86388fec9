package inventory

import "github.com/openclaw-pos/commerce/platform/db"

// At is a variant at a location.
type At struct{ Variant, Location string }

// Free counts, per variant and location, the units that an order already sold could still take: safety stock may be used. Where there are none is left out.
func (s *Service) Free(tx *db.Tx, variants []string) (map[At]int64, error) {
	all := map[At]int64{}
	if len(variants) == 0 {
		return all, nil
	}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var k At
		var n int64
		err := row.Scan(&k.Variant, &k.Location, &n)
		all[k] = n
		return struct{}{}, err
	}, `select variant_id, location_id, on_hand - reserved from stock_levels
		where variant_id in (select key from json_each($1)) and condition = 'sellable' and on_hand > reserved`, db.Keys(variants))
	return all, err
}

// Stocked says at which of these places the stock of a variant has once been taken, whatever is there now.
func (s *Service) Stocked(tx *db.Tx, at []At) (map[At]bool, error) {
	all, batch := map[At]bool{}, db.NewBatch(2)
	for _, x := range at {
		if _, twice := all[x]; !twice {
			all[x] = false
			batch.Add(x.Variant, x.Location)
		}
	}
	if len(at) == 0 {
		return all, nil
	}
	tx.SendQuery(`select r.v, r.l from rows(v text, l text)
		where exists (select 1 from stock_movements m where m.variant_id = r.v and m.location_id = r.l and m.condition = 'sellable')`, func(row db.Scanner) error {
		var k At
		err := row.Scan(&k.Variant, &k.Location)
		all[k] = true
		return err
	}, batch)
	return all, tx.Flush()
}
