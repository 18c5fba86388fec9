package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"time"
)

// wide is how many rows one prepared statement writes; what is left over goes one by one.
const wide = 8

// bareSQLite writes over one connection, in groups.
type bareSQLite struct {
	w     *writing
	pool  *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	next  atomic.Int64
	rnd   *rand.Rand
	inbox []string // payloads stored and not yet marked
	set   rowset   // how a stored payload looks
}

// newBareSQLite makes the database, with stock and with stored payloads that a run will mark.
func newBareSQLite(ctx context.Context, dir string, w *writing, stored *rowset, indexes bool) (*bareSQLite, error) {
	path := filepath.Join(dir, fmt.Sprintf("limit-%d.db", time.Now().UnixNano()))
	pool, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(8000)&_pragma=cache_size(-32768)&_pragma=temp_store(memory)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	b := &bareSQLite{w: w, pool: pool, stmts: map[string]*sql.Stmt{}, rnd: rand.New(rand.NewPCG(3, 4))}
	set, err := bareSchema()
	if err == nil {
		err = set.UpSQLite(ctx, pool, func(string) {})
	}
	if err != nil {
		return nil, err
	}
	if !indexes {
		names, err := texts(ctx, pool, `select name from sqlite_schema where type = 'index' and sql is not null`)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if _, err := pool.ExecContext(ctx, `drop index "`+n+`"`); err != nil {
				return nil, err
			}
		}
	}
	if b.conn, err = pool.Conn(ctx); err != nil {
		return nil, err
	}
	if stored != nil {
		b.set = *stored
	}
	return b, b.fill(ctx)
}

// fill puts stock there.
func (b *bareSQLite) fill(ctx context.Context) error {
	return b.in(ctx, func() error {
		for i := range skuCount {
			if err := b.exec(ctx, `insert into stock_levels (`+stockColumns+`) values `+placeholders(1, 8), stockRow(i)...); err != nil {
				return err
			}
		}
		return nil
	})
}

// restock stores n payloads, to be marked later. It is not measured.
func (b *bareSQLite) restock(ctx context.Context, n int) error {
	for len(b.inbox) < n {
		err := b.in(ctx, func() error {
			f := newFiller(max(4*group, b.w.ids), &b.next)
			for i := range 4 * group {
				row := b.set.cells[i%len(b.set.cells)]
				args := make([]any, len(row))
				for j, c := range row {
					if args[j] = f.value(c); b.set.cols[j] == "id" {
						args[j] = f.ids[i]
						b.inbox = append(b.inbox, f.ids[i])
					}
				}
				if err := b.exec(ctx, insertInto(b.set.table, b.set.cols)+placeholders(1, len(args)), args...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func insertInto(table string, cols []string) string {
	s := "insert into " + table + " ("
	for i, c := range cols {
		if i > 0 {
			s += ","
		}
		s += `"` + c + `"`
	}
	return s + ") values "
}

func (b *bareSQLite) workers() int { return 1 }

func (b *bareSQLite) group(ctx context.Context, _, n int) error {
	if b.w.marks > len(b.inbox) {
		return fmt.Errorf("only %d stored payloads are left", len(b.inbox))
	}
	return b.in(ctx, func() error {
		f := newFiller(b.w.ids, &b.next)
		for _, s := range b.w.inserts {
			if err := b.insert(ctx, s, s.cells[:b.w.part(len(s.cells), n)], f); err != nil {
				return err
			}
		}
		if len(b.w.stock) > 0 {
			for _, i := range b.w.levels(b.rnd, b.w.part(len(b.w.stock), n)) {
				if err := b.exec(ctx, `update stock_levels set reserved = reserved + 1, dirty = true, updated_at = $1 where variant_id = $2 and location_id = $3 and condition = 'sellable' and on_hand - reserved >= 1`,
					time.Now().UnixMicro(), levelKey(i), "01990000-0000-7000-8000-00000000000a"); err != nil {
					return err
				}
			}
		}
		for range b.w.marks {
			id := b.inbox[0]
			b.inbox = b.inbox[1:]
			if err := b.exec(ctx, `update inbox set state = 'done', done_at = $1, order_id = $2, attempts = 1 where id = $2`, time.Now().UnixMicro(), id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *bareSQLite) insert(ctx context.Context, s rowset, left [][]cell, f *filler) error {
	args := make([]any, 0, wide*len(s.cols))
	into := insertInto(s.table, s.cols)
	many, one := into+placeholders(wide, len(s.cols)), into+placeholders(1, len(s.cols))
	for len(left) > 0 {
		n, text := wide, many
		if len(left) < wide {
			n, text = 1, one
		}
		args = args[:0]
		for _, row := range left[:n] {
			for _, c := range row {
				args = append(args, f.value(c))
			}
		}
		if err := b.exec(ctx, text, args...); err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}

// in runs f in one transaction.
func (b *bareSQLite) in(ctx context.Context, f func() error) error {
	if err := b.exec(ctx, "begin immediate"); err != nil {
		return err
	}
	if err := f(); err != nil {
		_ = b.exec(context.WithoutCancel(ctx), "rollback")
		return err
	}
	return b.exec(ctx, "commit")
}

// exec runs a prepared statement. The context cannot be cancelled: that would cost a goroutine a statement.
func (b *bareSQLite) exec(ctx context.Context, text string, args ...any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	s := b.stmts[text]
	if s == nil {
		var err error
		if s, err = b.conn.PrepareContext(ctx, text); err != nil {
			return err
		}
		b.stmts[text] = s
	}
	_, err := s.ExecContext(ctx, args...)
	return err
}

func (b *bareSQLite) close() error {
	for _, s := range b.stmts {
		_ = s.Close()
	}
	_ = b.conn.Close()
	return b.pool.Close()
}
