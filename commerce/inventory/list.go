package inventory

import (
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Grants lists what the lines of orders have reserved, by line, variant and location.
func (s *Service) Grants(tx *db.Tx, orders []string) ([]stock.Grant, error) {
	return db.All(tx, func(row db.Scanner) (g stock.Grant, err error) {
		err = row.Scan(&g.HolderID, &g.Variant, &g.Location, &g.Quantity)
		return g, err
	}, `select holder_id, variant_id, location_id, quantity from reservations
		where order_id in (select key from json_each($1)) and quantity > 0 order by holder_id, variant_id, location_id`, db.Keys(distinct(orders)))
}

// ShortOf counts the units orders are short of; those that are not are left out.
func (s *Service) ShortOf(tx *db.Tx, orders []string) (map[string]int64, error) {
	out := map[string]int64{}
	tx.SendQuery(`select order_id, cast(sum(quantity) as bigint) from shortages
		where order_id in (select key from json_each($1)) and closed_at is null group by order_id`, func(row db.Scanner) error {
		var order string
		var n int64
		err := row.Scan(&order, &n)
		out[order] = n
		return err
	}, db.Keys(distinct(orders)))
	return out, tx.Flush()
}
