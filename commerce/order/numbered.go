package order

import "github.com/openclaw-pos/commerce/platform/db"

// Numbered reads the orders that bear one of these numbers of ours, newest first, as far as they are within reach.
func (s *Service) Numbered(tx *db.Tx, numbers []string, limit int) ([]Head, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	seen, args := tx.Within("orders", "o", []any{db.Keys(numbers), limit})
	return db.All(tx, scanHead, `select `+headColumns+` from orders o where o.number in (select key from json_each($1))`+seen+` order by o.created_at desc, o.id desc limit $2`, args...)
}
