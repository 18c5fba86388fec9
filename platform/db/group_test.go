package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// part is a write that counts how often it ran.
type part struct {
	ctx  context.Context
	fn   func(tx *db.Tx) error
	runs int
	err  error
}

// together has the parts run in one group, in order, behind the write that held them up, and returns when all have been answered.
// SQLite only.
func together(t *testing.T, d *db.DB, parts ...*part) {
	t.Helper()
	db.Patient(d)
	release := block(t, d)
	var wg sync.WaitGroup
	for i, p := range parts {
		wg.Go(func() {
			ctx := p.ctx
			if ctx == nil {
				ctx = context.Background()
			}
			p.err = d.Write(ctx, func(tx *db.Tx) error {
				p.runs++
				return p.fn(tx)
			})
		})
		awaitQueue(d, i+1)
	}
	release()
	wg.Wait()
}

func TestGroup(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("shares one commit", func(t *testing.T) {
		t.Parallel()
		d := dbtest.SQLite(t, things)
		before := d.Stats()
		a, b, c := &part{fn: put("a", 1)}, &part{fn: put("b", 1)}, &part{fn: put("c", 1)}
		together(t, d, a, b, c)
		after := d.Stats()
		same(t, []error{nil, nil, nil}, []error{a.err, b.err, c.err}, equateErrors)
		same(t, []int64{4, 1, 0}, []int64{after.Writes - before.Writes, after.Commits - before.Commits, after.Repeats})
		same(t, []string{"a", "b", "c"}, ids(t, d))
	})
	t.Run("a large write begins a transaction, and others join it", func(t *testing.T) {
		t.Parallel()
		d := dbtest.SQLite(t, things)
		before := d.Stats()
		a, b, c, e := &part{fn: put("a", 1)}, &part{fn: put("b", 1), ctx: db.Large(ctx)}, &part{fn: put("c", 1)}, &part{fn: put("e", 1), ctx: db.Large(db.Background(ctx))}
		together(t, d, a, b, c, e)
		after := d.Stats()
		same(t, []error{nil, nil, nil, nil}, []error{a.err, b.err, c.err, e.err}, equateErrors)
		same(t, []int64{5, 3, 0}, []int64{after.Writes - before.Writes, after.Commits - before.Commits, after.Repeats})
	})
	t.Run("takes 64 members and no more", func(t *testing.T) {
		t.Parallel()
		d := dbtest.SQLite(t, things)
		before := d.Stats()
		var parts []*part
		for range 100 {
			parts = append(parts, &part{fn: func(*db.Tx) error { return nil }})
		}
		together(t, d, parts...)
		after := d.Stats()
		same(t, int64(101), after.Writes-before.Writes)
		same(t, int64(2), after.Commits-before.Commits)
	})
	t.Run("people go before background, in the order they came", func(t *testing.T) {
		t.Parallel()
		d := dbtest.SQLite(t, things)
		var order []string
		note := func(name string) func(*db.Tx) error {
			return func(*db.Tx) error { order = append(order, name); return nil }
		}
		together(t, d, &part{ctx: db.Background(ctx), fn: note("b1")}, &part{fn: note("p1")},
			&part{ctx: db.Background(ctx), fn: note("b2")}, &part{fn: note("p2")})
		same(t, []string{"p1", "p2", "b1", "b2"}, order)
	})
	for _, c := range []struct {
		name  string
		fault func(tx *db.Tx) error
		ok    func(err error) bool
	}{
		{"an error of its own", func(*db.Tx) error { return errBoom }, isBoom},
		{"a constraint", put("a", 1), db.IsUnique},
		{"a hidden constraint", func(tx *db.Tx) error { _ = put("a", 1)(tx); return nil }, db.IsUnique},
		{"a statement that is wrong", func(tx *db.Tx) error { _, err := tx.Exec("nonsense"); return err }, func(err error) bool { return fault.Is(err, fault.Internal) }},
		{"forgotten rows and an error", func(tx *db.Tx) error {
			rows, err := tx.Query("insert into things (id) values ('y'), ('z') returning id")
			if err == nil {
				rows.Next()
			}
			return errors.Join(errBoom, err)
		}, isBoom},
	} {
		t.Run("a member that fails by "+c.name+" takes nobody along", func(t *testing.T) {
			t.Parallel()
			d := dbtest.SQLite(t, things)
			bad := &part{fn: func(tx *db.Tx) error { return errors.Join(put("x", 1)(tx), c.fault(tx)) }}
			a, b := &part{fn: put("a", 1)}, &part{fn: put("b", 1)}
			together(t, d, a, bad, b)
			same(t, []error{nil, nil}, []error{a.err, b.err}, equateErrors)
			same(t, []int{1, 1, 1}, []int{a.runs, bad.runs, b.runs})
			if !c.ok(bad.err) {
				t.Errorf("got %v", bad.err)
			}
			same(t, []string{"a", "b"}, ids(t, d))
		})
	}
	t.Run("a member that panics or ends takes nobody along", func(t *testing.T) {
		t.Parallel()
		d := dbtest.SQLite(t, things)
		a, b := &part{fn: put("a", 1)}, &part{fn: put("b", 1)}
		ends := &part{fn: func(tx *db.Tx) error { _ = put("x", 1)(tx); runtime.Goexit(); return nil }}
		together(t, d, a, ends, b)
		same(t, []error{nil, nil}, []error{a.err, b.err}, equateErrors)
		same(t, []string{"a", "b"}, ids(t, d))
	})
	t.Run("a member whose caller goes between statements takes nobody along", func(t *testing.T) {
		t.Parallel()
		d := dbtest.SQLite(t, things)
		gone, cancel := context.WithCancel(ctx)
		bad := &part{ctx: gone, fn: func(tx *db.Tx) error {
			_ = put("x", 1)(tx)
			cancel()
			return put("y", 1)(tx)
		}}
		a, b := &part{fn: put("a", 1)}, &part{fn: put("b", 1)}
		together(t, d, a, bad, b)
		same(t, []error{nil, context.Canceled, nil}, []error{a.err, bad.err, b.err}, equateErrors)
		same(t, []string{"a", "b"}, ids(t, d))
	})
	t.Run("a caller who goes during a statement waits for its end", func(t *testing.T) {
		t.Parallel()
		d := dbtest.SQLite(t, things)
		gone, cancel := context.WithCancel(ctx)
		long := &part{ctx: gone, fn: func(tx *db.Tx) error {
			time.AfterFunc(5*time.Millisecond, cancel)
			_, err := tx.Exec(`insert into things (id, n) with recursive c(n) as (select 1 union all select n + 1 from c where n < 100000)
				select 'x', count(*) from c`)
			return err
		}}
		a, b := &part{fn: put("a", 1)}, &part{fn: put("b", 1)}
		together(t, d, a, long, b)
		same(t, []error{nil, nil}, []error{a.err, b.err}, equateErrors)
		want := []string{"a", "b"}
		if long.err == nil {
			want = append(want, "x") // written, since nothing asked after the last statement
		}
		same(t, want, ids(t, d))
		same(t, int64(0), d.Stats().Repeats)
	})
	t.Run("a commit that fails is repeated one by one", func(t *testing.T) {
		t.Parallel()
		d := dbtest.SQLite(t, family)
		a, orphan, b := &part{fn: put("a", 1)}, &part{fn: child("c", "none")}, &part{fn: put("b", 1)}
		together(t, d, a, orphan, b)
		same(t, []error{nil, nil}, []error{a.err, b.err}, equateErrors)
		kind(t, fault.Internal, orphan.err)
		same(t, []int{2, 2, 2}, []int{a.runs, orphan.runs, b.runs})
		same(t, []string{"a", "b"}, ids(t, d))
	})
	t.Run("a close answers everybody", func(t *testing.T) {
		t.Parallel()
		d, err := db.Open(ctx, dbtest.SQLiteURL(t, false, things), db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if err := d.Write(ctx, put(fmt.Sprint(i), 1)); err != nil && fault.KindOf(err) != fault.Unavailable {
					t.Error(err)
				}
			})
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
}

var errBoom = errors.New("boom")

func isBoom(err error) bool { return errors.Is(err, errBoom) }

// TestFullDisk follows the table of what SQLite does with a group when the disk is full.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	oneRow := func(tx *db.Tx) error {
		_, err := tx.Exec("insert into things (id, x) values ('big', $1)", make([]byte, 1<<20))
		return err
	}
	rows := func(tx *db.Tx) error {
		b := db.NewBatch(1)
		for i := range 8 {
			b.Add(fmt.Sprint("big", i), make([]byte, 1<<18))
		}
		_, err := tx.Exec("insert into things (id, x) select i, x from rows(i text, x bytea) where true", b)
		return err
	}
	hidden := func(tx *db.Tx) error { _ = oneRow(tx); _ = put("z", 1)(tx); return nil }
	tried := func(tx *db.Tx) error { _ = tx.Try(func() error { return oneRow(tx) }); return put("z", 1)(tx) }
	for _, c := range []struct {
		name string
		fn   func(tx *db.Tx) error
		runs int
	}{
		{"in a one-row statement ends the transaction, and all are repeated one by one", oneRow, 2},
		{"in a statement of several rows fails its member alone", rows, 1},
		{"that a member hides is no commit", hidden, 2},
		{"that a member tries is no commit", tried, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := small(t)
			told := 0
			a := &part{fn: func(tx *db.Tx) error {
				tx.AfterCommit(func() { told++ })
				return put("a", 1)(tx)
			}}
			full, b := &part{fn: c.fn}, &part{fn: put("b", 1)}
			together(t, d, a, full, b)
			same(t, []error{nil, nil}, []error{a.err, b.err}, equateErrors)
			kind(t, fault.Full, full.err)
			same(t, []int{c.runs, c.runs, 1, 1}, []int{a.runs, full.runs, b.runs, told})
			same(t, []string{"a", "b"}, ids(t, d))
			if err := d.Write(context.Background(), put("c", 1)); err != nil {
				t.Errorf("a small write afterwards: %v", err)
			}
		})
	}
	t.Run("fails a member that is alone once", func(t *testing.T) {
		t.Parallel()
		d := small(t)
		runs := 0
		kind(t, fault.Full, d.Write(context.Background(), func(tx *db.Tx) error {
			runs++
			return oneRow(tx)
		}))
		same(t, 1, runs)
		same(t, []string(nil), ids(t, d))
	})
}

// small opens a database that has room for a few pages more.
func small(t *testing.T) *db.DB {
	t.Helper()
	url := dbtest.SQLiteURL(t, false, things)
	path := strings.TrimSuffix(strings.TrimPrefix(url, "sqlite:"), "?sync=off")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(context.Background(), url, db.Options{MaxPages: info.Size()/4096 + 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestFileIsReadableByItsOwnerOnly(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/deep/a?b #c.db"
	d, err := db.Open(context.Background(), path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Write(context.Background(), func(tx *db.Tx) error { _, err := tx.Exec("create table t (a text)"); return err }); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + "-wal"} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		same(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func TestWriterIsDurable(t *testing.T) {
	t.Parallel()
	want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
	d, err := db.Open(context.Background(), t.TempDir()+"/x.db", db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	got := map[string]string{}
	err = d.Write(context.Background(), func(tx *db.Tx) error {
		for name := range want {
			var value sql.NullString
			if err := tx.QueryRow("select " + name + " from pragma_" + name).Scan(&value); err != nil {
				return err
			}
			got[name] = value.String
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, want, got)
}
