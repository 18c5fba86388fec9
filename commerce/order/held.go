package order

import (
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/db"
)

// HeldBack counts, per variant, the units of an account's orders that are sold there and not yet handed over: what a channel that shows a total already holds back.
// Orders that were placed here are none of those.
func (s *Service) HeldBack(tx *db.Tx, account string, variants []string) (map[string]int64, error) {
	all := map[string]int64{}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var v string
		var n int64
		err := row.Scan(&v, &n)
		all[v] = n
		return struct{}{}, err
	}, `select l.variant_id, cast(sum(l.open) as bigint) from order_lines l join orders o on o.id = l.order_id
		where l.variant_id in (select key from json_each($1)) and l.open > 0 and l.fulfilled_by = 'seller' and o.account_id = $2
		and substr(o.external, 1, $4) <> $3 group by l.variant_id`, db.Keys(variants), account, channel.HereID(""), len(channel.HereID("")))
	return all, err
}
