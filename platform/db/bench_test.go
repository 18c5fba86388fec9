package db_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// shop is the ten-row order of the measurements: raw payload, order, three lines, three stock updates, payment, two events, audit.
var shop = dbtest.Config{Sync: true, DDL: `
create table b_raw (id key primary key, body bytea not null);
create table b_orders (id key primary key, number text not null, total bigint not null, at bigint not null);
create table b_lines (id key primary key, order_id key not null, sku bigint not null, quantity bigint not null, amount bigint not null);
create table b_stock (sku bigint primary key, on_hand bigint not null, reserved bigint not null, constraint b_stock_reserved check (reserved <= on_hand));
create table b_payments (id key primary key, order_id key not null, ref text not null, amount bigint not null);
create table b_events (seq identity, aggregate key not null, n bigint not null, body text not null, constraint b_events_n unique (aggregate, n));
create table b_audit (seq identity, what text not null, at bigint not null);
insert into b_stock (sku, on_hand, reserved) with recursive c(n) as (select cast(1 as bigint) union all select n + 1 from c where n < 10000) select n, 1000000000, 0 from c;`}

var (
	raw   = []byte(strings.Repeat("x", 3000))
	event = strings.Repeat("e", 800)
)

// writeOrders writes n orders as one import would: a batch per table.
func writeOrders(tx *db.Tx, from, n int) {
	raws, orders, lines, stock, payments := db.NewBatch(1), db.NewBatch(1), db.NewBatch(1), db.NewBatch(1), db.NewBatch(1)
	events, audit := db.NewBatch(2), db.NewBatch(0)
	taken := map[int]int{}
	at := tx.Now.UnixMicro()
	for i := from; i < from+n; i++ {
		id := fmt.Sprintf("%012d", i)
		raws.Add(id, raw)
		orders.Add(id, "#"+id, 4500, at)
		for l := range 3 {
			sku := (i*7919+l*104729)%10000 + 1
			taken[sku]++
			lines.Add(fmt.Sprintf("%s-%d", id, l), id, sku, 1, 1500)
		}
		payments.Add(id, id, "ref", 4500)
		events.Add(id, 1, event).Add(id, 2, event)
		audit.Add("import "+id, at)
	}
	for sku, q := range taken {
		stock.Add(sku, q)
	}
	tx.Send("insert into b_raw (id, body) select i, b from rows(i text, b bytea) where true", raws)
	tx.Send("insert into b_orders (id, number, total, at) select i, n, t, a from rows(i text, n text, t bigint, a bigint) where true", orders)
	tx.Send("insert into b_lines (id, order_id, sku, quantity, amount) select i, o, s, q, a from rows(i text, o text, s bigint, q bigint, a bigint) where true", lines)
	tx.Send("insert into b_payments (id, order_id, ref, amount) select i, o, f, m from rows(i text, o text, f text, m bigint) where true on conflict do nothing", payments)
	tx.Send("insert into b_events (aggregate, n, body) select a, n, b from rows(a text, n bigint, b text) where true", events)
	tx.Send("insert into b_audit (what, at) select w, a from rows(w text, a bigint) where true", audit)
	tx.Send("update b_stock set reserved = b_stock.reserved + r.q from rows(s bigint, q bigint) where b_stock.sku = r.s and b_stock.on_hand - b_stock.reserved >= r.q", stock)
}

// BenchmarkRows is the batch import: orders a transaction, one caller.
func BenchmarkRows(b *testing.B) {
	for _, n := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dbtest.EachB(b, func(b *testing.B, d *db.DB) {
				next := 0
				b.ResetTimer()
				for b.Loop() {
					if err := d.Write(context.Background(), func(tx *db.Tx) error { writeOrders(tx, next, n); return nil }); err != nil {
						b.Fatal(err)
					}
					next += n
				}
				b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "orders/s")
			}, shop)
		})
	}
}

// BenchmarkGroup64 is everybody else: 64 callers that write one order each, again and again.
func BenchmarkGroup64(b *testing.B) {
	dbtest.EachB(b, func(b *testing.B, d *db.DB) {
		var next atomic.Int64
		var wg sync.WaitGroup
		b.ResetTimer()
		for range 64 {
			wg.Go(func() {
				for {
					i := int(next.Add(1))
					if i > b.N {
						return
					}
					if err := d.Write(context.Background(), func(tx *db.Tx) error { writeOrders(tx, i, 1); return nil }); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		s := d.Stats()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
		b.ReportMetric(float64(s.Writes)/float64(max(s.Commits, 1)), "writes/commit")
	}, shop)
}

// BenchmarkRead is one row by its key in a view of its own.
func BenchmarkRead(b *testing.B) {
	dbtest.EachB(b, func(b *testing.B, d *db.DB) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		for b.Loop() {
			err := d.Read(ctx, func(tx *db.Tx) error {
				_, err := db.One(tx, scanID, "select cast(on_hand as text) from b_stock where sku = $1", 7)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}, shop)
}
