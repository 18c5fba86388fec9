package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	idMark     = "@@@@@@@@@@@@@" // stands for the first 13 characters of an id that is new in each copy: the time it is made of
	textMark   = "~~~~"          // stands for the copy's number
	idTime     = 13
	cloneChunk = 4000        // orders a transaction
	microsFrom = int64(1e15) // numbers between are times in µs
	microsTo   = int64(4e15)
)

// cloner writes the rows of templates again, with the database's own means: one insert … select a table and chunk.
type cloner struct {
	pool   *sql.DB
	conn   *sql.Conn
	isLite bool
	after  map[string]table
	tables []*clonedTable
	done   []int // templates that are delivered
	open   []int
	rows   int
	begin  int64 // µs when the templates began
	head   int64 // position of the last event so far
	events int64 // positions that a copy takes
}

// clonedTable is a table with the expressions that make a copy of a row.
type clonedTable struct {
	name  string
	cols  []string
	exprs []string
}

func openCloner(ctx context.Context, url string) (*cloner, error) {
	c := &cloner{}
	_, c.isLite = sqlitePath(url)
	var err error
	if c.pool, err = openBare(url); err != nil {
		return nil, err
	}
	if c.conn, err = c.pool.Conn(ctx); err != nil {
		return nil, errors.Join(err, c.pool.Close())
	}
	c.after, err = snapshot(ctx, url)
	return c, err
}

func (c *cloner) close() { _ = errors.Join(c.conn.Close(), c.pool.Close()) }

func (c *cloner) exec(ctx context.Context, text string, args ...any) error {
	_, err := c.conn.ExecContext(ctx, text, args...)
	if err != nil {
		return fmt.Errorf("%.120s: %w", text, err)
	}
	return nil
}

// shared are tables whose rows belong to no single order, though an order may have made them.
var shared = map[string]bool{"channel_products": true, "products": true, "variants": true, "stock_levels": true, "jobs": true, "schedules": true}

// family is everything that belongs to one template.
type family struct {
	n     int
	texts map[string]string // what is unique about it → the same with textMark
	rows  map[string][]string
}

// read finds which rows belong to which template, and keeps them with marks in tables of this connection.
func (c *cloner) read(ctx context.Context, before map[string]table) error {
	old := known(before)
	for name := range shared {
		maps.Copy(old, known(map[string]table{name: c.after[name]}))
	}
	owner := map[string]int{} // id → template
	orders := c.after["orders"]
	col := column(orders, "id")
	var all []*family
	for _, key := range slices.Sorted(maps.Keys(orders.rows)) {
		row := orders.rows[key]
		f := &family{n: len(all), texts: map[string]string{}, rows: map[string][]string{}}
		owner[row[col].(string)] = f.n
		if row[column(orders, "state")] == "delivered" || row[column(orders, "state")] == "closed" {
			c.done = append(c.done, f.n)
		} else {
			c.open = append(c.open, f.n)
		}
		if at := row[column(orders, "created_at")].(int64); c.begin == 0 || at < c.begin {
			c.begin = at
		}
		all = append(all, f)
	}
	if len(c.done) == 0 || len(c.open) == 0 {
		return errors.New("no order was lived through")
	}
	c.join(before, old, owner, all)
	for _, row := range c.after["event_head"].rows {
		c.head = row[column(c.after["event_head"], "position")].(int64)
	}
	for _, f := range all {
		c.events = max(c.events, int64(len(f.rows["events"])))
	}
	for _, name := range slices.Sorted(maps.Keys(c.after)) {
		if err := c.keep(ctx, name, old, all); err != nil {
			return err
		}
	}
	return nil
}

func column(t table, name string) int { return slices.Index(t.cols, name) }

// join gives every new row to the template whose ids it carries, until nothing more is found.
func (c *cloner) join(before map[string]table, old map[string]bool, owner map[string]int, all []*family) {
	for again := true; again; {
		again = false
		for name, t := range c.after {
			if steady[name] || shared[name] {
				continue
			}
			for key, row := range t.rows {
				if before[name].rows[key] != nil {
					continue
				}
				of, ids := -1, []string{}
				for _, v := range row {
					s, ok := v.(string)
					if !ok || len(s) > 200 {
						continue
					}
					for _, id := range uuidForm.FindAllString(s, -1) {
						if old[id] {
							continue
						}
						if f, there := owner[id]; there {
							of = f
						} else {
							ids = append(ids, id)
						}
					}
				}
				if of < 0 {
					continue
				}
				if !slices.Contains(all[of].rows[name], key) {
					all[of].rows[name] = append(all[of].rows[name], key)
					again = true
				}
				for _, id := range ids {
					owner[id] = of
				}
			}
		}
	}
	for _, f := range all {
		c.unique(f)
	}
}

// uniqueTexts are columns whose text is an order's own and no id.
var uniqueTexts = map[string][]string{
	"orders": {"number", "external", "external_number"}, "inbox": {"delivery_id", "content_hash"}, "personal_records": {"phone_hash", "email_hash", "content_hash"},
	"fulfillment_orders": {"number"}, "dispatch_shipments": {"number", "tracking", "reference"},
}

// unique collects the texts of a template that must differ in each copy. Of a hash the end is replaced, of a number something is added.
func (c *cloner) unique(f *family) {
	for name, cols := range uniqueTexts {
		t := c.after[name]
		for _, key := range f.rows[name] {
			for _, col := range cols {
				s, ok := t.rows[key][column(t, col)].(string)
				switch {
				case !ok || s == "" || uuidForm.MatchString(s):
				case strings.HasSuffix(col, "hash"):
					f.texts[s] = s[:len(s)-8] + textMark
				default:
					f.texts[s] = s + "." + textMark
				}
			}
		}
	}
}

// marked is a value of a template with marks where a copy differs.
func (f *family) marked(v any, old map[string]bool) (any, bool, bool) {
	s, ok := v.(string)
	if !ok {
		return v, false, false
	}
	if m, there := f.texts[s]; there {
		return m, false, true
	}
	changed := false
	s = uuidForm.ReplaceAllStringFunc(s, func(id string) string {
		if old[id] {
			return id
		}
		changed = true
		return idMark + id[idTime:]
	})
	return s, changed, false
}

// keep writes the template rows of one table into a table of this connection, and works out how they are copied.
func (c *cloner) keep(ctx context.Context, name string, old map[string]bool, all []*family) error {
	t := c.after[name]
	out := &clonedTable{name: name}
	var at []int
	for i, col := range t.cols {
		if col != "n" || !hasIdentity(name) {
			out.cols, at = append(out.cols, `"`+col+`"`), append(at, i)
		}
	}
	var rows [][]any
	ids, texts, times := make([]bool, len(at)), make([]bool, len(at)), make([]bool, len(at))
	for _, f := range all {
		rank := int64(0)
		slices.SortFunc(f.rows[name], func(a, b string) int { return strings.Compare(position(t, a), position(t, b)) })
		for _, key := range f.rows[name] {
			row := []any{int64(f.n)}
			for j, i := range at {
				v, id, text := f.marked(t.rows[key][i], old)
				ids[j], texts[j] = ids[j] || id, texts[j] || text
				if n, ok := v.(int64); ok && n > microsFrom && n < microsTo {
					times[j] = true
				}
				if name == "events" && t.cols[i] == "position" {
					v, rank = rank, rank+1
				}
				row = append(row, v)
			}
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	for j, i := range at {
		e := "t." + out.cols[j]
		switch {
		case name == "events" && t.cols[i] == "position":
			e = fmt.Sprintf("%s + c.k * %d + %d", e, c.events, c.head+1)
		case name == "audit_log" && (t.cols[i] == "position" || t.cols[i] == "link"): // the chain is linked when all are there
			e = "null"
		case times[j]:
			e += " + c.shift"
		}
		if ids[j] {
			e = "replace(" + e + ", '" + idMark + "', c.pre)"
		}
		if texts[j] {
			e = "replace(" + e + ", '" + textMark + "', c.num)"
		}
		out.exprs = append(out.exprs, e)
	}
	c.tables = append(c.tables, out)
	c.rows += len(rows)
	return c.write(ctx, out, rows)
}

// position orders the rows of events by their position; of other tables by key.
func position(t table, key string) string {
	if i := column(t, "position"); i >= 0 {
		if n, ok := t.rows[key][i].(int64); ok {
			return fmt.Sprintf("%020d", n)
		}
	}
	return key
}

func (c *cloner) write(ctx context.Context, t *clonedTable, rows [][]any) error {
	tpl := "tpl_" + t.name
	if err := c.exec(ctx, "create temp table "+tpl+" as select cast(0 as bigint) as tpl, "+strings.Join(t.cols, ", ")+" from "+t.name+" where 1 = 0"); err != nil {
		return err
	}
	cols := append([]string{"tpl"}, t.cols...)
	for _, row := range rows {
		if err := c.exec(ctx, "insert into "+tpl+" ("+strings.Join(cols, ", ")+") values "+placeholders(1, len(cols)), row...); err != nil {
			return err
		}
	}
	return c.exec(ctx, "create index "+tpl+"_tpl on "+tpl+" (tpl)")
}

// clone writes so many orders.
func (c *cloner) clone(ctx context.Context, orders int, say func(string, ...any)) error {
	if err := c.exec(ctx, `create temp table clones (k bigint, tpl bigint, shift bigint, pre text, num text)`); err != nil {
		return err
	}
	if !c.isLite { // the order of foreign keys is that of names here
		if err := c.exec(ctx, `set session_replication_role = replica`); err != nil {
			return err
		}
	}
	indexes, err := c.dropIndexes(ctx)
	if err != nil {
		return err
	}
	said := time.Now()
	for from := 0; from < orders; from += cloneChunk {
		if err := c.chunk(ctx, from, min(from+cloneChunk, orders), orders); err != nil {
			return err
		}
		if time.Since(said) > 10*time.Second {
			said = time.Now()
			say("%d orders", from+cloneChunk)
		}
	}
	say("%d orders written, indexes next", orders)
	for _, text := range indexes {
		if err := c.exec(ctx, text); err != nil {
			return err
		}
	}
	if err := c.even(ctx, orders); err != nil {
		return err
	}
	say("done")
	return nil
}

// chunk writes the copies from … to in one transaction.
func (c *cloner) chunk(ctx context.Context, from, to, of int) error {
	if err := c.exec(ctx, "begin"); err != nil {
		return err
	}
	if err := c.exec(ctx, "delete from clones"); err != nil {
		return err
	}
	span := int64(seedDays * 24 * time.Hour / time.Microsecond)
	var values []string
	for k := from; k < to; k++ {
		tpl := c.done[k%len(c.done)]
		if k >= of-of/20 {
			tpl = c.open[k%len(c.open)]
		}
		at := c.begin - span + span*int64(k)/int64(of)
		ms := at / 1000
		values = append(values, fmt.Sprintf("(%d,%d,%d,'%08x-%04x','%08x')", k, tpl, at-c.begin, ms>>16, ms&0xffff, k))
		if len(values) == 500 || k == to-1 {
			if err := c.exec(ctx, "insert into clones (k, tpl, shift, pre, num) values "+strings.Join(values, ",")); err != nil {
				return err
			}
			values = values[:0]
		}
	}
	for _, t := range c.tables {
		join := " from clones c cross join tpl_"
		on := " where t.tpl = c.tpl"
		if !c.isLite {
			join, on = " from clones c join tpl_", " on t.tpl = c.tpl order by c.k"
		}
		into := "insert into " + t.name + " (" + strings.Join(t.cols, ", ") + ") select "
		if err := c.exec(ctx, into+strings.Join(t.exprs, ", ")+join+t.name+" t"+on); err != nil {
			return err
		}
	}
	return c.exec(ctx, "commit")
}

// dropIndexes drops what is built faster afterwards, and answers how.
func (c *cloner) dropIndexes(ctx context.Context) (make []string, err error) {
	q := `select n.relname || '|' || pg_get_indexdef(i.indexrelid) from pg_index i join pg_class n on n.oid = i.indexrelid where n.relnamespace = 'commerce'::regnamespace
		and not i.indisunique`
	if c.isLite {
		q = `select name || '|' || sql from sqlite_schema where type = 'index' and sql is not null and sql not like 'create unique%'`
	}
	all, err := texts(ctx, c.pool, q)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		name, text, _ := strings.Cut(s, "|")
		if !slices.ContainsFunc(c.tables, func(t *clonedTable) bool {
			return strings.Contains(text, " "+t.name+" ") || strings.Contains(text, "."+t.name+" ")
		}) {
			continue
		}
		make = append(make, text)
		if err := c.exec(ctx, "drop index "+name); err != nil {
			return nil, err
		}
	}
	return make, nil
}

// even makes sums and heads agree with what was copied.
func (c *cloner) even(ctx context.Context, orders int) error {
	last := c.head + 1 + int64(orders)*c.events
	for _, text := range []string{
		`update stock_levels set reserved = coalesce((select sum(r.quantity) from reservations r where r.variant_id = stock_levels.variant_id and r.location_id = stock_levels.location_id and r.quantity > 0), 0)
			where condition = 'sellable'`,
		`update stock_levels set on_hand = coalesce((select sum(m.delta) from stock_movements m where m.variant_id = stock_levels.variant_id and m.location_id = stock_levels.location_id
			and m.condition = stock_levels.condition), 0), dirty = false`,
		fmt.Sprintf(`update event_head set position = %d`, last),
		fmt.Sprintf(`update event_cursors set position = %d`, last),
	} {
		if err := c.exec(ctx, text); err != nil {
			return err
		}
	}
	if c.isLite {
		return nil
	}
	return c.exec(ctx, "vacuum analyze")
}
