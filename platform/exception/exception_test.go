package exception_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// each runs a test on both engines with a clock of its own.
func each(t *testing.T, f func(t *testing.T, d *db.DB, c *clock)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, ...dbtest.Config) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &clock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
			f(t, open(t, dbtest.Config{Now: c.Now}), c)
		})
	}
}

func write(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func raise(t *testing.T, d *db.DB, cases ...exception.Case) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error { return exception.Raise(tx, cases...) })
}

func list(t *testing.T, d *db.DB, f exception.Filter) (rows []exception.Row) {
	t.Helper()
	if err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
		rows, _, err = exception.List(tx, f, "", 0)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

func short(order string) exception.Case {
	return exception.Case{Cause: exception.Shortage, SubjectKind: "order", Subject: order, Order: order, Account: "acc"}
}

func TestRaise(t *testing.T) {
	t.Parallel()

	t.Run("a repeat counts and refreshes", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			since := c.Now()
			one := short("o1")
			one.Detail = map[string]int{"missing": 1}
			raise(t, d, one, one)
			c.Add(time.Hour)
			again := exception.Case{Cause: one.Cause, SubjectKind: one.SubjectKind, Subject: one.Subject, Location: "loc", Detail: map[string]int{"missing": 2}}
			raise(t, d, again, short("o2"))
			rows := list(t, d, exception.Filter{})
			if len(rows) != 2 {
				t.Fatalf("%+v", rows)
			}
			got := rows[0]
			want := exception.Row{
				ID: got.ID, Cause: "shortage", SubjectKind: "order", Subject: "o1", Order: "o1", Account: "acc", Location: "loc", State: exception.Open,
				Since: since, Deadline: since.Add(24 * time.Hour), Detail: json.RawMessage(`{"missing":2}`), Times: 3, UpdatedAt: c.Now(), Version: 2,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	})

	t.Run("a hundred at once make one row", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					for range 5 {
						if err := d.Write(t.Context(), func(tx *db.Tx) error { return exception.Raise(tx, short("b"), short("a")) }); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			rows := list(t, d, exception.Filter{})
			if len(rows) != 2 || rows[0].Times != 100 || rows[1].Times != 100 {
				t.Errorf("%+v", rows)
			}
		})
	})

	t.Run("after it is resolved it opens anew", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			raise(t, d, short("o1"))
			for range 2 {
				write(t, d, func(tx *db.Tx) error {
					return exception.Clear(tx, "system", "stock came", short("o1").Key(), short("o2").Key(), short("o1").Key())
				})
			}
			if rows := list(t, d, exception.Filter{}); len(rows) != 0 {
				t.Fatalf("%+v", rows)
			}
			raise(t, d, short("o1"))
			rows := list(t, d, exception.Filter{State: "any"})
			if len(rows) != 2 || rows[0].Times != 1 || rows[1].Times != 1 {
				t.Errorf("%+v", rows)
			}
		})
	})

	t.Run("an unknown cause or an empty subject is refused", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			for _, c := range []exception.Case{{Cause: "x", SubjectKind: "order", Subject: "1"}, {Cause: exception.Shortage, SubjectKind: "order"}} {
				if err := d.Write(t.Context(), func(tx *db.Tx) error { return exception.Raise(tx, c) }); !fault.Is(err, fault.Invalid) {
					t.Errorf("%+v: %v", c, err)
				}
			}
		})
	})
}

func TestChange(t *testing.T) {
	t.Parallel()

	t.Run("a person resolves what they have seen, once", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			raise(t, d, short("o1"))
			row := list(t, d, exception.Filter{})[0]
			write(t, d, func(tx *db.Tx) error { return exception.Assign(tx, row.ID, "aisha", row.Version) })
			resolve := func(id string, version int64) error {
				return d.Write(t.Context(), func(tx *db.Tx) error { return exception.Resolve(tx, id, "aisha", "counted again", version) })
			}
			if err := resolve(row.ID, row.Version); fault.CodeOf(err) != "version" {
				t.Errorf("resolved an older version: %v", err)
			}
			if err := resolve(row.ID, row.Version+1); err != nil {
				t.Error(err)
			}
			if err := resolve(row.ID, 0); fault.CodeOf(err) != "resolved" {
				t.Errorf("resolved twice: %v", err)
			}
			if err := resolve("nothing", 0); !fault.Is(err, fault.NotFound) {
				t.Errorf("resolved nothing: %v", err)
			}
			got := list(t, d, exception.Filter{State: exception.Resolved, Assignee: "aisha"})
			if len(got) != 1 || got[0].ResolvedBy != "aisha" || got[0].Resolution != "counted again" || got[0].ResolvedAt.IsZero() {
				t.Errorf("%+v", got)
			}
		})
	})

	t.Run("what sleeps is hidden until it wakes", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			raise(t, d, short("o1"))
			row := list(t, d, exception.Filter{})[0]
			write(t, d, func(tx *db.Tx) error { return exception.Snooze(tx, row.ID, c.Now().Add(time.Hour), 0) })
			if n, all := len(list(t, d, exception.Filter{})), len(list(t, d, exception.Filter{Snoozed: true})); n != 0 || all != 1 {
				t.Errorf("%d shown, %d in all", n, all)
			}
			c.Add(2 * time.Hour)
			if n := len(list(t, d, exception.Filter{})); n != 1 {
				t.Errorf("%d shown", n)
			}
		})
	})
}

func TestList(t *testing.T) {
	t.Parallel()

	t.Run("pages meet without gap or overlap, and filters narrow", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			for i := range 25 {
				s := short(fmt.Sprintf("o%02d", i))
				if i%5 == 0 {
					s.Cause, s.Account = exception.MoneyMismatch, "other"
					c.Add(time.Minute)
				}
				raise(t, d, s)
			}
			var seen []string
			for after, first := "", true; first || after != ""; first = false {
				if err := d.Read(t.Context(), func(tx *db.Tx) error {
					rows, next, err := exception.List(tx, exception.Filter{}, after, 7)
					for _, r := range rows {
						seen = append(seen, r.Subject)
					}
					after = next
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			if len(seen) != 25 {
				t.Errorf("seen %v", seen)
			}
			for f, want := range map[exception.Filter]int{
				{Cause: exception.MoneyMismatch}: 5, {Account: "acc"}: 20, {Order: "o03"}: 1, {Location: "x"}: 0, {Overdue: true}: 0,
				{SubjectKind: "order", Subject: "o04"}: 1, {State: exception.Resolved}: 0,
			} {
				if got := len(list(t, d, f)); got != want {
					t.Errorf("%+v: %d, want %d", f, got, want)
				}
			}
			c.Add(5 * time.Hour)
			if err := d.Read(t.Context(), func(tx *db.Tx) error {
				counts, err := exception.Counts(tx)
				if len(counts) != 2 || counts[0].Cause != exception.Shortage || counts[0].Open != 20 || counts[1].Overdue != 5 {
					t.Errorf("%+v", counts)
				}
				_, _, bad := exception.List(tx, exception.Filter{}, "x", 0)
				if !fault.Is(bad, fault.Invalid) {
					t.Errorf("a cursor that is none: %v", bad)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestCauses(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range exception.Causes {
		t.Run(c.Name, func(t *testing.T) {
			if seen[c.Name] || c.Name == "" {
				t.Error("the name is missing or used twice")
			}
			seen[c.Name] = true
			if c.Title == "" || len(c.Actions) == 0 || !strings.HasSuffix(c.Explain, ".") || !strings.HasSuffix(c.Resolves, ".") {
				t.Errorf("something is missing: %+v", c)
			}
			actions := map[string]bool{}
			for _, a := range c.Actions {
				if a.Name == "" || a.Title == "" || actions[a.Name] {
					t.Errorf("action %+v", a)
				}
				actions[a.Name] = true
			}
			if got, ok := exception.CauseOf(c.Name); !ok || got.Title != c.Title {
				t.Error("not found by name")
			}
		})
	}
}

func FuzzCursor(f *testing.F) {
	d := dbtest.SQLite(f)
	for _, seed := range []string{"", "1.a", ".", "x.y", "-1.", "99999999999999999999.a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, after string) {
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			_, _, err := exception.List(tx, exception.Filter{}, after, 1)
			return err
		})
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", after, err)
		}
	})
}
