package dispatch

import "github.com/openclaw-pos/commerce/platform/db"

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
