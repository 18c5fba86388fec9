package dispatch

import "github.com/openclaw-pos/commerce/platform/db"

// Told notes that the channel has been told that a parcel left, or may have been. Safe to repeat.
func (s *Service) Told(tx *db.Tx, shipment string) error {
	_, err := tx.Exec(`update dispatch_shipments set told_at = $2 where id = $1 and told_at is null`, shipment, db.Micros(tx.Now))
	return err
}

// Untold counts, per order line, the units of an account that have been handed over and that its channel has not been told of.
func (s *Service) Untold(tx *db.Tx, account string) (map[string]int64, error) {
	all := map[string]int64{}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var line string
		var n int64
		err := row.Scan(&line, &n)
		all[line] = n
		return struct{}{}, err
	}, `select l.order_line_id, cast(sum(l.line_quantity) as bigint) from dispatch_shipments s join dispatch_lines l on l.shipment_id = s.id
		where s.account_id = $1 and s.handed_over_at is not null and s.told_at is null and l.line_quantity > 0 group by l.order_line_id`, account)
	return all, err
}
