package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// connections is how many the limit writes over: more gave nothing when it was measured.
const connections = 4

// createDatabase makes an empty database on a server and returns its url.
func createDatabase(ctx context.Context, server, name string) (string, error) {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", err
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

// barePostgres writes over four connections, each group as one pipelined batch.
type barePostgres struct {
	w     *writing
	conns []*pgx.Conn
	rnds  []*rand.Rand
	texts []string // of the inserts, in their order
	types map[string]string
	next  atomic.Int64

	mu    sync.Mutex
	inbox []string
	set   rowset
}

// newBarePostgres makes the tables in an empty database, with stock.
func newBarePostgres(ctx context.Context, address string, w *writing, stored *rowset, indexes bool) (*barePostgres, error) {
	b := &barePostgres{w: w}
	if stored != nil {
		b.set = *stored
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	config.RuntimeParams["synchronous_commit"] = "on"
	config.StatementCacheCapacity = 1024
	pool := stdlib.OpenDB(*config)
	set, err := bareSchema()
	if err == nil {
		err = set.UpPostgreSQL(ctx, pool, func(string) {})
	}
	if err = errors.Join(err, pool.Close()); err != nil {
		return nil, err
	}
	for i := range connections {
		c, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return nil, errors.Join(err, b.close())
		}
		b.conns = append(b.conns, c)
		b.rnds = append(b.rnds, rand.New(rand.NewPCG(5, uint64(i))))
	}
	if err := b.strip(ctx, indexes); err != nil {
		return nil, errors.Join(err, b.close())
	}
	if b.types, err = columnTypes(ctx, b.conns[0]); err != nil {
		return nil, errors.Join(err, b.close())
	}
	for _, s := range w.inserts {
		b.texts = append(b.texts, b.unnest(s))
	}
	return b, b.fill(ctx)
}

// strip drops foreign keys, and secondary indexes unless they are to stay.
func (b *barePostgres) strip(ctx context.Context, indexes bool) error {
	rows, err := b.conns[0].Query(ctx, `
		select format('alter table %I drop constraint %I', conrelid::regclass, conname) from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace
		union all
		select format('drop index %I', c.relname) from pg_index i join pg_class c on c.oid = i.indexrelid where c.relnamespace = 'public'::regnamespace
			and not $1 and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))`, indexes)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	_, err = b.conns[0].Exec(ctx, strings.Join(all, ";"))
	return err
}

// columnTypes are the types of all columns, by table and name.
func columnTypes(ctx context.Context, c *pgx.Conn) (map[string]string, error) {
	rows, err := c.Query(ctx, `select table_name || '.' || column_name, data_type from information_schema.columns where table_schema = current_schema()`)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	var name, typ string
	_, err = pgx.ForEachRow(rows, []any{&name, &typ}, func() error {
		all[name] = typ
		return nil
	})
	return all, err
}

// unnest is the insert of any number of rows, a column a parameter.
func (b *barePostgres) unnest(s rowset) string {
	var cols, params []string
	for i, c := range s.cols {
		cols = append(cols, `"`+c+`"`)
		params = append(params, fmt.Sprintf("$%d::%s[]", i+1, b.types[s.table+"."+c]))
	}
	return "insert into " + s.table + " (" + strings.Join(cols, ",") + ") select * from unnest(" + strings.Join(params, ",") + ")"
}

// arrays turns rows into one array a column.
func (b *barePostgres) arrays(s rowset, cells [][]cell, f *filler) []any {
	args := make([]any, len(s.cols))
	for i, c := range s.cols {
		logical := b.types[s.table+"."+c] == "boolean"
		column := make([]any, len(cells))
		for j, row := range cells {
			v := f.value(row[i])
			if n, ok := v.(int64); ok && logical {
				v = n != 0
			}
			column[j] = v
		}
		args[i] = column
	}
	return args
}

func (b *barePostgres) fill(ctx context.Context) error {
	_, err := b.conns[0].CopyFrom(ctx, pgx.Identifier{"stock_levels"}, strings.Split(stockColumns, ", "), pgx.CopyFromSlice(skuCount, func(i int) ([]any, error) { return stockRow(i), nil }))
	return err
}

// restock stores n payloads, to be marked later. It is not measured.
func (b *barePostgres) restock(ctx context.Context, n int) error {
	for len(b.inbox) < n {
		f := newFiller(4*group, &b.next)
		cells := make([][]cell, 4*group)
		at := 0
		for i, c := range b.set.cols {
			if c == "id" {
				at = i
			}
		}
		for i := range cells {
			row := append([]cell{}, b.set.cells[i%len(b.set.cells)]...)
			for j := range row {
				row[j].id = -1
			}
			row[at] = cell{value: f.ids[i], id: -1}
			cells[i] = row
		}
		if _, err := b.conns[0].Exec(ctx, b.unnest(b.set), b.arrays(b.set, cells, f)...); err != nil {
			return err
		}
		b.inbox = append(b.inbox, f.ids...)
	}
	return nil
}

func (b *barePostgres) workers() int { return connections }

func (b *barePostgres) group(ctx context.Context, worker, n int) error {
	f := newFiller(b.w.ids, &b.next)
	batch := &pgx.Batch{}
	batch.Queue("begin")
	for i, s := range b.w.inserts {
		batch.Queue(b.texts[i], b.arrays(s, s.cells[:b.w.part(len(s.cells), n)], f)...)
	}
	now := time.Now().UnixMicro()
	if b.w.marks > 0 {
		ids, err := b.take(b.w.marks)
		if err != nil {
			return err
		}
		batch.Queue(`update inbox set state = 'done', done_at = $1, order_id = r.i, attempts = 1 from unnest($2::text[]) as r(i) where inbox.id = r.i`, now, ids)
	}
	if len(b.w.stock) > 0 { // last, and in key order: hot rows are locked briefly
		var keys []string
		for _, i := range b.w.levels(b.rnds[worker], b.w.part(len(b.w.stock), n)) {
			keys = append(keys, levelKey(i))
		}
		batch.Queue(`select 1 from stock_levels where variant_id = any($1::text[]) order by variant_id for update`, keys)
		batch.Queue(`update stock_levels set reserved = reserved + 1, dirty = true, updated_at = $1 from unnest($2::text[]) as r(v)
			where variant_id = r.v and location_id = $3 and condition = 'sellable' and on_hand - reserved >= 1`, now, keys, "01990000-0000-7000-8000-00000000000a")
	}
	batch.Queue("commit")
	return b.conns[worker].SendBatch(ctx, batch).Close()
}

func (b *barePostgres) take(n int) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > len(b.inbox) {
		return nil, fmt.Errorf("only %d stored payloads are left", len(b.inbox))
	}
	ids := b.inbox[:n]
	b.inbox = b.inbox[n:]
	return ids, nil
}

func (b *barePostgres) close() error {
	var errs []error
	for _, c := range b.conns {
		errs = append(errs, c.Close(context.Background()))
	}
	return errors.Join(errs...)
}
