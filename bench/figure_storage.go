package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// measureStorage is what an order takes on the disk, all tables and indexes of thirty days divided by the orders; the limit is what the values themselves take.
func measureStorage(ctx context.Context, s settings, r *Result) error {
	h, address, done, err := dataset(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	orders, err := h.count(ctx, `select count(*) from orders`)
	if err != nil {
		return err
	}
	conn, err := openBare(address)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, isLite := sqlitePath(address)
	if isLite {
		if _, err := conn.ExecContext(ctx, `pragma wal_checkpoint(truncate)`); err != nil {
			return err
		}
	}
	size, err := sizeOf(ctx, address)
	if err != nil {
		return err
	}
	tables, err := tableNames(ctx, conn, isLite)
	if err != nil {
		return err
	}
	per := map[string]float64{}
	for _, t := range tables {
		none, err := conn.QueryContext(ctx, `select * from `+t+` where 1 = 0`)
		if err != nil {
			return err
		}
		cols, err := none.ColumnTypes()
		if err != nil {
			return err
		}
		_ = none.Close()
		var parts []string
		for _, c := range cols {
			value := fmt.Sprintf(`cast("%s" as text)`, c.Name())
			if c.DatabaseTypeName() == "BYTEA" { // which as text is two letters a byte
				value = fmt.Sprintf(`"%s"`, c.Name())
			}
			parts = append(parts, "coalesce(octet_length("+value+"), 0)")
		}
		// Of a large table a sample of it is measured: its rows are copies of a few hundred that were lived through.
		var n, sampled, rows float64
		if err := conn.QueryRowContext(ctx, `select coalesce(sum(n), 0), count(*), (select count(*) from `+t+`) from (select `+strings.Join(parts, "+")+` as n from `+t+` limit 200000) s`).Scan(&n, &sampled, &rows); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		if n > 0 {
			n *= rows / sampled
		}
		per[t] = n
		r.Limit += n / float64(orders)
	}
	for _, t := range slices.SortedFunc(maps.Keys(per), func(a, b string) int { return int(per[b] - per[a]) })[:8] {
		r.Detail["values_"+t] = per[t] / float64(orders)
	}
	r.Detail["orders"] = float64(orders)
	r.Ours = float64(size) / float64(orders)
	r.Ratio = r.Limit / r.Ours
	r.Met = true
	return nil
}
