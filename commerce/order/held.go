package order

import (
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/db"
)

// HeldBack counts, per variant, the units of an account's orders that are sold there and that the channel believes to be still with us: what a channel that shows a
// total already holds back. Those are the open ones, and those of untold (units by order line that were handed over without the channel having heard of it) which the
// channel has not seen leave by itself. Orders that were placed here are none of those.
func (s *Service) HeldBack(tx *db.Tx, account string, variants []string, untold map[string]int64) (map[string]int64, error) {
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
	if err != nil || len(untold) == 0 {
		return all, err
	}
	b := db.NewBatch(0)
	for line, n := range untold {
		b.Add(line, n)
	}
	_, err = db.All(tx, func(row db.Scanner) (struct{}, error) {
		var v string
		var n, left int64
		err := row.Scan(&v, &n, &left)
		all[v] += min(n, max(0, left))
		return struct{}{}, err
	}, `select l.variant_id, r.n, l.shipped - l.seen_shipped from order_lines l join orders o on o.id = l.order_id, rows(i text, n bigint)
		where l.id = r.i and l.variant_id in (select key from json_each($1)) and l.fulfilled_by = 'seller' and substr(o.external, 1, $3) <> $2`,
		b, db.Keys(variants), channel.HereID(""), len(channel.HereID("")))
	return all, err
}

// VariantsOf lists what order lines were sold as, each variant once.
func (s *Service) VariantsOf(tx *db.Tx, lines []string) ([]string, error) {
	return db.All(tx, scanText, `select distinct variant_id from order_lines where id in (select key from json_each($1)) and variant_id is not null order by variant_id`, db.Keys(lines))
}

// VariantsIn lists what is sold in each of some orders.
func (s *Service) VariantsIn(tx *db.Tx, orders []string) (map[string][]string, error) {
	of := map[string][]string{}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var order, variant string
		err := row.Scan(&order, &variant)
		of[order] = append(of[order], variant)
		return struct{}{}, err
	}, `select distinct order_id, variant_id from order_lines where order_id in (select key from json_each($1)) and variant_id is not null order by order_id, variant_id`, db.Keys(orders))
	return of, err
}
