package db_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestTransactionInsideATransactionIsRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	type open func(d *db.DB, ctx context.Context, fn func(*db.Tx) error) error
	var write, read open = (*db.DB).Write, (*db.DB).Read
	for _, c := range []struct {
		name         string
		outer, inner open
	}{
		{"a write in a write", write, write},
		{"a read in a write", write, read},
		{"a write in a read", read, write},
		{"a read in a read", read, read},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				nothing := func(*db.Tx) error { return nil }
				var marked context.Context
				err := c.outer(d, ctx, func(tx *db.Tx) error {
					marked = tx.Context()
					kind(t, fault.Internal, c.inner(d, ctx, nothing))
					elsewhere := make(chan error)
					go func() { elsewhere <- c.inner(d, tx.Context(), nothing) }()
					kind(t, fault.Internal, <-elsewhere)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := c.inner(d, context.WithoutCancel(marked), nothing); err != nil {
					t.Errorf("after the end: %v", err)
				}
			}, things)
		})
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("runs in order, and tells after the flush", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			err := d.Write(ctx, func(tx *db.Tx) error {
				first := tx.Send("insert into things (id, n) values ('a', 1), ('b', 2)")
				second := tx.Send("update things set n = n + 10")
				var got []string
				third := tx.SendQuery("select id from things where n > $1 order by id", func(row db.Scanner) error {
					id, err := scanID(row)
					got = append(got, id)
					return err
				}, 10)
				if _, err := first.Affected(); err == nil {
					t.Error("an answer before the flush")
				}
				fourth := tx.Send(insertThings, db.NewBatch(1))
				if err := tx.Flush(); err != nil {
					return err
				}
				for i, p := range []*db.Promise{first, second, third, fourth} {
					n, err := p.Affected()
					same(t, []any{[]int64{2, 2, 2, 0}[i], nil}, []any{n, err})
				}
				same(t, []string{"a", "b"}, got)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}, things)
	})
	t.Run("is flushed by the commit and by every statement", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			err := d.Write(ctx, func(tx *db.Tx) error {
				tx.Send("insert into things (id) values ('a')")
				rows, err := tx.Query("select id from things")
				if err != nil {
					return err
				}
				n := 0
				for rows.Next() {
					n++
				}
				same(t, 1, n)
				tx.Send("insert into things (id) values ('b')")
				return rows.Close()
			})
			if err != nil {
				t.Fatal(err)
			}
			same(t, []string{"a", "b"}, ids(t, d))
		}, things)
	})
	t.Run("stops at the first failure and keeps nothing", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			var first, second, third *db.Promise
			err := d.Write(ctx, func(tx *db.Tx) error {
				first = tx.Send("insert into things (id) values ('a')")
				second = tx.Send("insert into things (id) values ('a')")
				third = tx.Send("insert into things (id) values ('c')")
				_ = tx.Flush()
				if _, err := tx.Exec("insert into things (id) values ('d')"); !db.IsUnique(err) {
					t.Errorf("a statement after a failure: %v", err)
				}
				return nil
			})
			if !db.IsUnique(err) {
				t.Errorf("got %v", err)
			}
			kind(t, fault.Conflict, err)
			_, e1 := first.Affected()
			_, e2 := second.Affected()
			_, e3 := third.Affected()
			same(t, []bool{true, true, true}, []bool{e1 == nil, db.IsUnique(e2), db.IsUnique(e3)})
			same(t, []string(nil), ids(t, d))
		}, things)
	})
	t.Run("fails at the commit when a statement of the last flight fails", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			err := d.Write(ctx, func(tx *db.Tx) error {
				tx.Send("insert into things (id) values ('a')")
				tx.Send("insert into things (id) values ('a')")
				tx.AfterCommit(func() { t.Error("there was no commit") })
				return nil
			})
			if !db.IsUnique(err) {
				t.Errorf("got %v", err)
			}
			same(t, []string(nil), ids(t, d))
		}, things)
	})
	t.Run("an error of the row function ends the transaction", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			boom := errors.New("boom")
			err := d.Write(ctx, func(tx *db.Tx) error {
				tx.Send("insert into things (id) values ('a')")
				tx.SendQuery("select id from things", func(db.Scanner) error { return boom })
				return nil
			})
			if !errors.Is(err, boom) {
				t.Errorf("got %v", err)
			}
			same(t, []string(nil), ids(t, d))
		}, things)
	})
}

func TestTry(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("undoes a part that fails and goes on", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			boom := errors.New("boom")
			var told []string
			err := d.Write(ctx, func(tx *db.Tx) error {
				tx.Send("insert into things (id) values ('a')")
				twice := tx.Try(func() error {
					tx.AfterCommit(func() { told = append(told, "undone") })
					tx.Send("insert into things (id) values ('b')")
					_, err := tx.Exec("insert into things (id) values ('a')")
					return err
				})
				own := tx.Try(func() error { return errors.Join(put("c", 1)(tx), boom) })
				hidden := tx.Try(func() error {
					tx.Send("insert into things (id) values ('a')")
					return nil
				})
				good := tx.Try(func() error {
					tx.AfterCommit(func() { told = append(told, "kept") })
					inner := tx.Try(func() error { return errors.Join(put("d", 1)(tx), boom) })
					return errors.Join(put("e", 1)(tx), boomless(inner, boom))
				})
				same(t, []bool{true, true, true, true}, []bool{db.IsUnique(twice), errors.Is(own, boom), db.IsUnique(hidden), good == nil})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			same(t, []string{"a", "e"}, ids(t, d))
			same(t, []string{"kept"}, told)
		}, things)
	})
	t.Run("does not heal a cancelled caller", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			ctx, cancel := context.WithCancel(ctx)
			err := d.Write(ctx, func(tx *db.Tx) error {
				_ = tx.Try(func() error {
					cancel()
					return put("a", 1)(tx)
				})
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}, things)
	})
}

// boomless is nil when err is the expected one.
func boomless(err, boom error) error {
	if errors.Is(err, boom) {
		return nil
	}
	return fmt.Errorf("want boom, got %w", err)
}

func TestAfterCommit(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("runs in order once the rows are there, and may write", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			var seen []string
			err := d.Write(ctx, func(tx *db.Tx) error {
				tx.AfterCommit(func() { seen = ids(t, d) })
				tx.AfterCommit(func() {
					if err := d.Write(ctx, put("b", 1)); err != nil {
						t.Error(err)
					}
				})
				return put("a", 1)(tx)
			})
			if err != nil {
				t.Fatal(err)
			}
			same(t, []string{"a"}, seen)
			same(t, []string{"a", "b"}, ids(t, d))
		}, things)
	})
	t.Run("does not run when the transaction fails", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			_ = d.Write(ctx, func(tx *db.Tx) error {
				tx.AfterCommit(func() { t.Error("there was no commit") })
				return errors.New("boom")
			})
		}, things)
	})
	t.Run("does not run when the commit fails", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			err := d.Write(ctx, func(tx *db.Tx) error {
				tx.AfterCommit(func() { t.Error("there was no commit") })
				return child("c", "none")(tx)
			})
			kind(t, fault.Internal, err)
		}, family)
	})
}

// family has a foreign key that is checked at the commit.
var family = dbtest.Config{DDL: things.DDL + `
create table children (id key not null primary key, parent key not null references things (id) deferrable initially deferred);`}

func child(id, parent string) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Exec("insert into children (id, parent) values ($1, $2)", id, parent)
		return err
	}
}

func TestPanicInAWrite(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("reaches its caller, keeps nothing, and stops nobody", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			func() {
				defer func() { same(t, any("boom"), recover()) }()
				_ = d.Write(ctx, func(tx *db.Tx) error {
					_ = put("a", 1)(tx)
					panic("boom")
				})
			}()
			if err := d.Write(ctx, put("b", 1)); err != nil {
				t.Fatal(err)
			}
			same(t, []string{"b"}, ids(t, d))
		}, things)
	})
	t.Run("so does a goroutine that ends", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			var wg sync.WaitGroup
			wg.Go(func() {
				t := &testing.T{} // FailNow ends the goroutine, as a failed test would
				_ = d.Write(ctx, func(tx *db.Tx) error {
					_ = put("a", 1)(tx)
					t.FailNow()
					return nil
				})
			})
			wg.Wait()
			if err := d.Write(ctx, put("b", 1)); err != nil {
				t.Fatal(err)
			}
			same(t, []string{"b"}, ids(t, d))
		}, things)
	})
}

func TestRowsStayOpen(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		if err := d.Write(ctx, func(tx *db.Tx) error { return errors.Join(put("a", 1)(tx), put("b", 1)(tx)) }); err != nil {
			t.Fatal(err)
		}
		kind(t, fault.Internal, d.Write(ctx, func(tx *db.Tx) error {
			rows, err := tx.Query("select id from things")
			if err != nil {
				return err
			}
			rows.Next()
			return put("c", 1)(tx) // refused alike on both engines
		}))
		if err := d.Write(ctx, func(tx *db.Tx) error {
			rows, err := tx.Query("insert into things (id) values ('d'), ('e') returning id")
			if err != nil {
				return err
			}
			rows.Next()
			return nil // forgotten rows are closed before the commit
		}); err != nil {
			t.Fatal(err)
		}
		same(t, []string{"a", "b", "d", "e"}, ids(t, d))
	}, things)
}

func TestTransactionIsOverWhenItsFunctionHasReturned(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var leaked *db.Tx
		if err := d.Write(context.Background(), func(tx *db.Tx) error { leaked = tx; return nil }); err != nil {
			t.Fatal(err)
		}
		kind(t, fault.Internal, put("a", 1)(leaked))
		same(t, []string(nil), ids(t, d))
	}, things)
}

func TestErrorsAreRecognised(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		try := func(text string, args ...any) error {
			return d.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(text, args...)
				return err
			})
		}
		for range 2 {
			_ = try("insert into marks (note) values ('x')")
		}
		if err := try("insert into marks (note) values ('x')"); !db.IsUnique(err) {
			t.Errorf("a unique column: %v", err)
		}
		name, ok := db.IsCheck(try("insert into things (id, t) values ('a', 'much too long')"))
		same(t, []any{"things_short", true}, []any{name, ok})
		_, ok = db.IsCheck(try("insert into things (id) values (null)"))
		same(t, false, ok)
		kind(t, fault.Internal, try("insert into things (id) values (null)"))
		kind(t, fault.Internal, try("no sql"))
		same(t, false, db.IsUnique(nil) || db.IsUnique(errors.New("x")))
	}, things)
}

func TestIdentityGivesGrowingNumbers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var got []int64
		err := d.Write(context.Background(), func(tx *db.Tx) error {
			for _, note := range []string{"a", "b"} {
				var n int64
				if err := tx.QueryRow("insert into marks (note) values ($1) returning id", note).Scan(&n); err != nil {
					return err
				}
				got = append(got, n)
			}
			return nil
		})
		if err != nil || len(got) != 2 || got[0] >= got[1] {
			t.Errorf("got %v, %v", got, err)
		}
	}, things)
}

func TestScansTakeNull(t *testing.T) {
	t.Parallel()
	type word string
	at := time.Date(2026, 2, 3, 4, 5, 6, 789_000, time.UTC)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Write(context.Background(), func(tx *db.Tx) error {
			tx.Send("insert into things (id, n, t) values ('a', $1, $2), ('b', $3, null)", db.Micros(at), `{"a":1}`, db.Micros(time.Time{}))
			type line struct {
				At   time.Time
				N    int64
				T    word
				JSON map[string]int
			}
			check := func(got []line, err error) error {
				same(t, []line{{at, at.UnixMicro(), `{"a":1}`, map[string]int{"a": 1}}, {}}, got)
				return err
			}
			scan := func(row db.Scanner) (l line, err error) {
				return l, row.Scan(db.Time(&l.At), db.Int(&l.N), db.Text(&l.T), db.JSON(&l.JSON))
			}
			const text = "select n, n, t, t from things order by id"
			if err := check(db.All(tx, scan, text)); err != nil {
				return err
			}
			rows, err := tx.Query(text)
			if err != nil {
				return err
			}
			var got []line
			for rows.Next() {
				l, err := scan(rows)
				if err != nil {
					return err
				}
				got = append(got, l)
			}
			return check(got, rows.Err())
		})
		if err != nil {
			t.Fatal(err)
		}
	}, things)
}

func TestOneClockReadingPerTransaction(t *testing.T) {
	t.Parallel()
	clock := dbtest.NewClock(time.Date(2026, 1, 1, 0, 0, 0, 1234, time.UTC))
	c := things
	c.Now = clock.Now
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Write(context.Background(), func(tx *db.Tx) error {
			same(t, time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC), tx.Now)
			return nil
		})
		if err != nil || d.Skewed() {
			t.Errorf("skewed %v, %v", d.Skewed(), err)
		}
	}, c)
}

func TestReadSeesOneUnchangingView(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		count := func(tx *db.Tx) (n int) {
			if err := tx.QueryRow("select count(*) from things").Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		begun, written := make(chan struct{}), make(chan error)
		go func() {
			<-begun
			written <- d.Write(ctx, put("a", 1)) // a reader does not block it
		}()
		err := d.Read(ctx, func(tx *db.Tx) error {
			before := count(tx)
			close(begun)
			if err := <-written; err != nil {
				return err
			}
			same(t, []int{0, 0}, []int{before, count(tx)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, []string{"a"}, ids(t, d))
	}, things)
}

func TestCancelledCaller(t *testing.T) {
	t.Parallel()
	t.Run("before the start runs nothing", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			kind(t, fault.Unavailable, d.Write(ctx, func(*db.Tx) error { t.Error("ran"); return nil }))
		}, things)
	})
	t.Run("while queued runs nothing", func(t *testing.T) {
		t.Parallel()
		c := things
		c.Options.Pool = 1
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			release := block(t, d)
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error)
			go func() { done <- d.Write(ctx, func(*db.Tx) error { t.Error("ran"); return nil }) }()
			awaitQueue(d, 1)
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			release()
		}, c)
	})
	t.Run("while running keeps nothing", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			ctx, cancel := context.WithCancel(context.Background())
			err := d.Write(ctx, func(tx *db.Tx) error {
				_ = put("a", 1)(tx)
				cancel()
				return put("b", 1)(tx)
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			same(t, []string(nil), ids(t, d))
			if err := d.Write(context.Background(), put("c", 1)); err != nil {
				t.Error(err)
			}
		}, things)
	})
	t.Run("ends a long read", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			ctx, cancel := context.WithCancel(context.Background())
			long := `with recursive c(n) as (select cast(1 as bigint) union all select n + 1 from c where n < 1000000000) select cast(count(*) as text) from c`
			err := d.Read(ctx, func(tx *db.Tx) error {
				time.AfterFunc(20*time.Millisecond, cancel)
				_, err := db.All(tx, scanID, long)
				return err
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			same(t, []string(nil), ids(t, d))
		}, things)
	})
}

// block holds the only connection that writes until release, which awaits the end of the write that holds it.
func block(t *testing.T, d *db.DB) (release func()) {
	t.Helper()
	holds, let, done := make(chan struct{}), make(chan struct{}), make(chan error)
	first := sync.OnceFunc(func() { close(holds) })
	go func() {
		done <- d.Write(context.Background(), func(*db.Tx) error {
			first()
			<-let
			return nil
		})
	}()
	<-holds
	return func() {
		close(let)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// awaitQueue waits until n writes wait.
func awaitQueue(d *db.DB, n int) {
	for d.Stats().Waiting < n {
		runtime.Gosched()
	}
}

func TestClosedDatabaseRefuses(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, url := range []string{dbtest.SQLiteURL(t, false, things), dbtest.PostgresURL(t, things)} {
		d, err := db.Open(ctx, url, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.Close(), d.Close()); err != nil {
			t.Error(err)
		}
		kind(t, fault.Unavailable, d.Write(ctx, put("a", 1)))
		kind(t, fault.Unavailable, d.Read(ctx, put("a", 1)))
	}
}

func TestLockOrder(t *testing.T) {
	t.Parallel()
	type step struct {
		class db.LockClass
		key   string
	}
	for _, c := range []struct {
		name  string
		steps []step
		ok    bool
	}{
		{"order, payment, stock in key order, heads", []step{{db.LockOrder, "a"}, {db.LockOrder, "b"}, {db.LockPayment, "a"}, {db.LockStock, "1"}, {db.LockStock, "2"}, {db.LockHead, "x"}}, true},
		{"a lock that is held may be taken again", []step{{db.LockOrder, "a"}, {db.LockStock, "1"}, {db.LockOrder, "a"}}, true},
		{"an order after stock is refused", []step{{db.LockStock, "1"}, {db.LockOrder, "a"}}, false},
		{"stock against key order is refused", []step{{db.LockStock, "2"}, {db.LockStock, "1"}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := dbtest.SQLite(t)
			defer func() {
				if broken := recover(); (broken == nil) != c.ok {
					t.Errorf("got %v", broken)
				}
			}()
			_ = d.Write(context.Background(), func(tx *db.Tx) error {
				for _, s := range c.steps {
					tx.Locking(s.class, s.key)
				}
				return nil
			})
		})
	}
}
