package dispatch

import (
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
)

// Forget throws away the labels of orders and answers the keys they were sealed under, which are the caller's to destroy. That there was a label stays known, so that
// none is fetched again. Safe to repeat.
func (s *Service) Forget(tx *db.Tx, orders []string) (keys []string, err error) {
	if len(orders) == 0 {
		return nil, nil
	}
	if keys, err = db.All(tx, func(row db.Scanner) (key string, err error) { return key, row.Scan(&key) },
		`select label_key from dispatch_shipments where order_id in (select key from json_each($1)) and label_key is not null`, db.Keys(orders)); err != nil || len(keys) == 0 {
		return nil, err
	}
	_, err = tx.Exec(`update dispatch_shipments set label = null where order_id in (select key from json_each($1)) and label is not null`, db.Keys(orders))
	return keys, err
}

// Delivered says when the last parcel of each order was delivered; an order none of whose parcels was is left out.
func (s *Service) Delivered(tx *db.Tx, orders []string) (map[string]time.Time, error) {
	all := map[string]time.Time{}
	_, err := db.All(tx, func(row db.Scanner) (id string, err error) {
		var at time.Time
		err = row.Scan(&id, db.Time(&at))
		all[id] = at
		return id, err
	}, `select order_id, max(delivered_at) from dispatch_shipments where order_id in (select key from json_each($1)) and delivered_at is not null group by order_id`, db.Keys(orders))
	return all, err
}
