package order

import (
	"time"

	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Sale is what buyers ordered at a channel in a currency: as they placed it, before what was cancelled or came back.
type Sale struct {
	Channel string
	Orders  int64
	Total   money.Amount
}

// Sales sums what was placed from one moment until before another, by channel and currency. The orders are those that List gives for the same bounds of placing.
func (s *Service) Sales(tx *db.Tx, from, until time.Time) ([]Sale, error) {
	seen, args := tx.Within("orders", "o", []any{db.Micros(from), db.Micros(until)})
	return db.All(tx, func(row db.Scanner) (x Sale, err error) {
		return x, row.Scan(&x.Channel, &x.Total.Currency, &x.Orders, &x.Total.Minor)
	}, `select o.channel, o.currency, count(*), cast(sum(o.total) as bigint) from orders o where o.placed_at >= $1 and o.placed_at < $2`+seen+` group by o.channel, o.currency order by 1, 2`, args...)
}
