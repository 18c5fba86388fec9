package main

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the engine, bare

	"github.com/openclaw-pos/commerce/platform/db/migrate"
)

// The limit of a figure is what a program without any of our logic reaches with the same rows, the same durability and the same engine. The rows are not made up: they
// are those that our path wrote for one group of orders, read back column by column, and written again and again with new ids. The tables are those of the migrations
// with their primary keys and unique constraints; secondary indexes and foreign keys are the price of our own questions, so the limit does not pay it.
//
// The way of writing is the fastest that was measured on either engine: groups of 64 orders a transaction, prepared statements of eight rows and of one on SQLite
// (WAL, synchronous=FULL), arrays unnested in one pipelined batch on PostgreSQL (synchronous_commit=on), over four connections.
//
// What bare programs reached when they were first measured is the yardstick: ten rows of 7.4 KB an order, in groups of 64. A limit below 80 % of it, for its own
// number of rows, was not measured on an idle machine, and the run is void.
const (
	yardSQLite   = 7146.0 // orders of ten rows a second
	yardPostgres = 6600.0 // the same, 64 × 4 connections
	yardRows     = 10.0
	yardLeast    = 0.8
	group        = 64 // orders a transaction
)

// rowset are rows of one table.
type rowset struct {
	table string
	cols  []string
	cells [][]cell
}

// cell is a value to write: itself, or text around an id that is new each time, or text that counts up.
type cell struct {
	value     any
	pre, post string
	id        int // index into the new ids; -1 = none
	serial    bool
}

// writing is what one group of orders comes to.
type writing struct {
	orders  int
	ids     int
	inserts []rowset
	stock   []int64 // quantities taken, one for each line
	marks   int     // stored payloads marked as done
	hot     bool    // all stock is taken from one level
}

// rows is how many rows an order writes.
func (w *writing) rows() float64 {
	n := len(w.stock) + w.marks
	for _, s := range w.inserts {
		n += len(s.cells)
	}
	return float64(n) / float64(w.orders)
}

// least is what the limit must reach for its number of rows, else the run is void.
func (w *writing) least(engine string) float64 {
	yard := yardSQLite
	if engine == postgres {
		yard = yardPostgres
	}
	return yardLeast * yard * yardRows / w.rows()
}

// table is a table's content at one moment.
type table struct {
	cols []string
	rows map[string][]any // by primary key
}

var uuidForm = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)

// openBare opens a database with nothing of ours between; on PostgreSQL in the schema that the program uses.
func openBare(url string) (*sql.DB, error) {
	if path, ok := sqlitePath(url); ok {
		return sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(30000)&_pragma=synchronous(OFF)&_pragma=cache_size(-1048576)&_pragma=temp_store(memory)&_txlock=immediate")
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["search_path"] = "commerce"
	config.RuntimeParams["synchronous_commit"] = "off"
	config.RuntimeParams["maintenance_work_mem"] = "512MB"
	return stdlib.OpenDB(*config), nil
}

// snapshot reads every table of a database of the program.
func snapshot(ctx context.Context, url string) (map[string]table, error) {
	conn, err := openBare(url)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_, isLite := sqlitePath(url)
	names, err := tableNames(ctx, conn, isLite)
	if err != nil {
		return nil, err
	}
	all := map[string]table{}
	for _, name := range names {
		if all[name], err = readTable(ctx, conn, name, isLite); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func tableNames(ctx context.Context, conn *sql.DB, isLite bool) ([]string, error) {
	q := `select table_name from information_schema.tables where table_schema = current_schema() and table_type = 'BASE TABLE' and table_name not like 'goose%' and table_name <> 'schema_version'`
	if isLite {
		q = `select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name not like 'goose%' and name <> 'schema_version'`
	}
	return texts(ctx, conn, q)
}

func texts(ctx context.Context, conn *sql.DB, query string, args ...any) (all []string, err error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

func readTable(ctx context.Context, conn *sql.DB, name string, isLite bool) (table, error) {
	q := `select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) where i.indisprimary and i.indrelid = to_regclass($1)`
	if isLite {
		q = `select name from pragma_table_info($1) where pk > 0 order by pk`
	}
	keys, err := texts(ctx, conn, q, name)
	if err != nil {
		return table{}, err
	}
	rows, err := conn.QueryContext(ctx, `select * from "`+name+`"`)
	if err != nil {
		return table{}, err
	}
	defer rows.Close()
	t := table{rows: map[string][]any{}}
	if t.cols, err = rows.Columns(); err != nil {
		return t, err
	}
	for rows.Next() {
		row := make([]any, len(t.cols))
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return t, err
		}
		key := ""
		for i, c := range t.cols {
			if slices.Contains(keys, c) {
				key += fmt.Sprintf("%v\x00", row[i])
			}
		}
		t.rows[key] = row
	}
	return t, rows.Err()
}

// serials are texts that must differ from row to row and hold no id.
var serials = map[string]bool{"orders.number": true, "orders.external": true, "channel_orders.external": true, "inbox.delivery_id": true}

// steady are tables whose rows change once in many groups, or whose change is the price of our own bookkeeping; the limit leaves them out.
var steady = map[string]bool{"number_blocks": true, "account_health": true, "schedules": true, "event_head": true, "event_cursors": true, "channel_accounts": true}

// difference is what was written between two moments, by so many orders.
func difference(before, after map[string]table, orders int) (*writing, error) {
	w := &writing{orders: orders}
	old := known(before)
	ids := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		was, is := before[name], after[name]
		set := rowset{table: name}
		for i, c := range is.cols {
			if c != "n" || !hasIdentity(name) {
				set.cols = append(set.cols, is.cols[i])
			}
		}
		for _, key := range slices.Sorted(maps.Keys(is.rows)) {
			row, then := is.rows[key], was.rows[key]
			switch {
			case then == nil:
				set.cells = append(set.cells, template(name, is.cols, row, old, ids))
			case fmt.Sprint(row) == fmt.Sprint(then), steady[name]:
			case name == "stock_levels":
				w.stock = append(w.stock, 1)
			case name == "inbox":
				w.marks++
			default:
				return nil, fmt.Errorf("a group of orders now also changes %s: the limit must learn it", name)
			}
		}
		if len(set.cells) > 0 && !steady[name] {
			w.inserts = append(w.inserts, set)
		}
	}
	w.ids = len(ids)
	if len(w.inserts) == 0 {
		return nil, fmt.Errorf("nothing was written between the two moments")
	}
	return w, nil
}

// part is the share of n orders in something that all orders of a group have so many of.
func (w *writing) part(of, n int) int { return of * n / w.orders }

// hasIdentity tells tables whose column n the database numbers.
func hasIdentity(table string) bool {
	return table == "events" || table == "audit_log" || table == "inbox"
}

// known are the ids that were there before: accounts, variants, locations.
func known(before map[string]table) map[string]bool {
	all := map[string]bool{}
	for _, t := range before {
		for _, row := range t.rows {
			for _, v := range row {
				if s, ok := v.(string); ok && len(s) <= 80 {
					for _, id := range uuidForm.FindAllString(s, -1) {
						all[id] = true
					}
				}
			}
		}
	}
	return all
}

func template(name string, cols []string, row []any, old map[string]bool, ids map[string]int) []cell {
	var cells []cell
	for i, v := range row {
		if cols[i] == "n" && hasIdentity(name) {
			continue
		}
		c := cell{value: v, id: -1}
		if s, ok := v.(string); ok {
			at := uuidForm.FindStringIndex(s)
			switch {
			case serials[name+"."+cols[i]]:
				c.serial = true
			case at != nil && len(s) <= 80 && !old[s[at[0]:at[1]]]:
				id := s[at[0]:at[1]]
				if _, there := ids[id]; !there {
					ids[id] = len(ids)
				}
				c.pre, c.post, c.id = s[:at[0]], s[at[1]:], ids[id]
			}
		}
		cells = append(cells, c)
	}
	return cells
}

// filler makes values of templates.
type filler struct {
	ids  []string
	next *atomic.Int64
}

func newFiller(n int, next *atomic.Int64) *filler {
	f := &filler{ids: make([]string, n), next: next}
	for i := range f.ids {
		f.ids[i] = uuid.Must(uuid.NewV7()).String()
	}
	return f
}

func (f *filler) value(c cell) any {
	switch {
	case c.serial:
		return fmt.Sprintf("L-%014d", f.next.Add(1))
	case c.id >= 0 && c.pre == "" && c.post == "":
		return f.ids[c.id]
	case c.id >= 0:
		return c.pre + f.ids[c.id] + c.post
	}
	return c.value
}

// bare is a program that only writes.
type bare interface {
	// group writes n orders of a group, at most all of them, in one transaction. Each worker is one connection.
	group(ctx context.Context, worker, n int) error
	workers() int
	close() error
}

// limit runs a bare program, slice by slice.
type limit struct {
	w       *writing
	program bare
	orders  atomic.Int64
	spent   time.Duration
	cpu     time.Duration
}

// slice writes for so long.
func (l *limit) slice(ctx context.Context, d time.Duration) error {
	var wg sync.WaitGroup
	errs := make([]error, l.program.workers())
	start, cpu := time.Now(), cpuTime()
	for i := range errs {
		wg.Go(func() {
			for errs[i] == nil && time.Since(start) < d {
				if errs[i] = l.program.group(ctx, i, l.w.orders); errs[i] == nil {
					l.orders.Add(int64(l.w.orders))
				}
			}
		})
	}
	wg.Wait()
	l.spent += time.Since(start)
	l.cpu += cpuTime() - cpu
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("the limit: %w", err)
		}
	}
	return nil
}

func (l *limit) perSecond() float64 { return float64(l.orders.Load()) / l.spent.Seconds() }

// levels are the keys of stock that a group takes from: one of fifty in a third of the cases, summed up, in key order.
func (w *writing) levels(rnd *rand.Rand, lines int) []int {
	if w.hot {
		return []int{0}
	}
	seen := map[int]bool{}
	for range lines {
		seen[anySKU(rnd, skuCount)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// levelKey is a variant's id of the limit's own stock.
func levelKey(i int) string { return fmt.Sprintf("01990000-0000-7000-8000-%012d", i) }

// bareSchema is the schema of the migrations for an engine, without what is stripped.
func bareSchema() (*migrate.Set, error) { return migrate.Load(migrate.Files()) }

// stockRow are the values of one level of stock.
func stockRow(i int) []any {
	return []any{levelKey(i), "01990000-0000-7000-8000-00000000000a", "sellable", int64(1 << 40), int64(0), int64(0), false, time.Now().UnixMicro()}
}

const stockColumns = "variant_id, location_id, condition, on_hand, reserved, safety, dirty, updated_at"

// placeholders are n groups of m parameters.
func placeholders(n, m int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for j := range m {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "$%d", i*m+j+1)
		}
		b.WriteByte(')')
	}
	return b.String()
}
