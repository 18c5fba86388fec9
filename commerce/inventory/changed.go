package inventory

import (
	"maps"
	"slices"

	"github.com/openclaw-pos/commerce/platform/db"
)

// TakeChanged returns variants whose stock changed since they were last taken, up to limit, and forgets that they did: the caller's
// transaction must also remember to tell the channels. What sold out somewhere comes first, in that order, whatever else waits. A kit changes with its parts.
// The rows are taken in key order.
func (s *Service) TakeChanged(tx *db.Tx, limit int) ([]string, error) {
	first, err := takeSoldOut(tx, limit)
	if err != nil {
		return nil, err
	}
	if len(first) < limit {
		more, err := db.All(tx, func(row db.Scanner) (v string, err error) { return v, row.Scan(&v) }, `select variant_id from stock_levels where dirty group by variant_id order by variant_id limit $1`, limit)
		if err != nil {
			return nil, err
		}
		for _, v := range more[:min(len(more), limit-len(first))] {
			first[v] = true
		}
	}
	taken, err := db.All(tx, func(row db.Scanner) (x spot, err error) {
		err = row.Scan(&x.variant, &x.location, db.Text(&x.condition))
		return x, err
	}, `select variant_id, location_id, condition from stock_levels where dirty and variant_id in (select key from json_each($1))
		order by variant_id, location_id, condition`+tx.Lock(), db.Keys(slices.Sorted(maps.Keys(first))))
	if err != nil {
		return nil, err
	}
	batch := db.NewBatch(3)
	variants := map[string]bool{}
	for _, x := range taken {
		tx.Locking(db.LockStock, x.lockKey())
		batch.Add(x.variant, x.location, x.condition)
		variants[x.variant] = true
	}
	tx.Send(`update stock_levels set dirty = false from rows(v text, l text, c text)
		where stock_levels.variant_id = r.v and stock_levels.location_id = r.l and stock_levels.condition = r.c`, batch)
	return slices.Sorted(maps.Keys(variants)), tx.Flush()
}

// markDirty has the stock of variants told again; "" stands for all of them.
func (s *Service) markDirty(tx *db.Tx, variants map[string]bool) error {
	if variants[""] {
		return touch(tx, "true")
	}
	return touch(tx, `variant_id in (select key from json_each($1))`, db.Keys(slices.Sorted(maps.Keys(variants))))
}

// takeSoldOut takes what was noted as sold out; what another process is just taking is left to it.
func takeSoldOut(tx *db.Tx, limit int) (map[string]bool, error) {
	lock := tx.Lock()
	if lock != "" {
		lock += " skip locked"
	}
	variants, batch := map[string]bool{}, db.NewBatch(1)
	_, err := db.All(tx, func(row db.Scanner) (x struct{}, err error) {
		var id, variant string
		err = row.Scan(&id, &variant)
		batch.Add(id)
		variants[variant] = true
		return x, err
	}, `select id, variant_id from stock_sold_out order by id limit $1`+lock, limit)
	if err != nil {
		return nil, err
	}
	tx.Send(`delete from stock_sold_out where id in (select i from rows(i text))`, batch)
	return variants, nil
}
