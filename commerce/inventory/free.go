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
