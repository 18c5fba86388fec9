package exception_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// TestRanked looks at what is overdue first, then at what is due soon, and among these at what costs most while it waits.
func TestRanked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, c *clock) {
		now := c.Now()
		for i, x := range []struct {
			cause string
			due   time.Duration
		}{
			{exception.StaleStatus, time.Hour},
			{exception.AccountUnauthorized, 3 * time.Hour},
			{exception.Shortage, -time.Minute},
			{exception.StockDrift, -2 * time.Hour},
			{exception.MoneyMismatch, -time.Hour},
			{exception.AccountUnauthorized, 40 * time.Hour},
			{exception.CancelRequest, 20 * time.Hour},
		} {
			raise(t, d, exception.Case{Cause: x.cause, SubjectKind: "test", Subject: fmt.Sprint(i), Deadline: now.Add(x.due)})
		}
		raise(t, d, exception.Case{Cause: exception.StaleStatus, SubjectKind: "test", Subject: "7"})
		want := []string{"4", "2", "3", "1", "0", "6", "5", "7"}
		for _, limit := range []int{3, 1, 50} {
			var got []string
			after := ""
			for range 20 {
				var rows []exception.Row
				if err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
					rows, after, err = exception.Ranked(tx, exception.Filter{}, after, limit)
					return err
				}); err != nil {
					t.Fatal(err)
				}
				for _, r := range rows {
					got = append(got, r.Subject)
				}
				if after == "" {
					break
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d a page: %s", limit, diff)
			}
		}
		err := d.Read(t.Context(), func(tx *db.Tx) error { _, _, err := exception.Ranked(tx, exception.Filter{}, "x", 5); return err })
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("a cursor that is none: %v", err)
		}
	})
}

// TestWeights holds that somebody said of every cause what waits for it.
func TestWeights(t *testing.T) {
	t.Parallel()
	for _, c := range exception.Causes {
		if w := exception.WeightOf(c.Name); w < exception.Record || w > exception.Account {
			t.Errorf("%s weighs %d", c.Name, w)
		}
	}
}

// TestWaitsNow counts the rows that a list gives for the same filter.
func TestWaitsNow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, c *clock) {
		for i := range 6 {
			raise(t, d, exception.Case{Cause: exception.Shortage, SubjectKind: "test", Subject: fmt.Sprint(i), Deadline: c.Now().Add(time.Duration(i) * time.Hour)})
			if i == 2 {
				c.Add(30 * time.Hour)
			}
		}
		c.Add(4 * time.Hour)
		write(t, d, func(tx *db.Tx) error {
			all, _, err := exception.List(tx, exception.Filter{}, "", 10)
			if err != nil {
				return err
			}
			for _, r := range all[:2] {
				if err := exception.Snooze(tx, r.ID, tx.Now.Add(time.Hour), 0); err != nil {
					return err
				}
			}
			return nil
		})
		if err := d.Read(t.Context(), func(tx *db.Tx) error {
			counts, err := exception.WaitsNow(tx)
			if err != nil || len(counts) != 1 {
				t.Fatalf("%v %v", counts, err)
			}
			rows := func(f exception.Filter) int64 {
				f.Cause = exception.Shortage
				listed, _, err := exception.List(tx, f, "", 100)
				ranked, _, err2 := exception.Ranked(tx, f, "", 100)
				if err != nil || err2 != nil || len(listed) != len(ranked) {
					t.Fatal(err, err2, len(listed), len(ranked))
				}
				return int64(len(listed))
			}
			x := counts[0]
			want := []int64{rows(exception.Filter{}), rows(exception.Filter{Overdue: true}), rows(exception.Filter{Old: true}), rows(exception.Filter{Snoozed: true}) - rows(exception.Filter{})}
			if diff := cmp.Diff(want, []int64{x.Now, x.Overdue, x.Old, x.Asleep}); diff != "" || x.Old != 1 || x.Asleep != 2 {
				t.Errorf("%+v: %s", x, diff)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestReopen takes back that a case was closed, by whoever closed it and as long as none like it has come.
func TestReopen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB, _ *clock) {
		one := exception.Case{Cause: exception.Shortage, SubjectKind: "test", Subject: "s"}
		raise(t, d, one)
		var id string
		write(t, d, func(tx *db.Tx) error {
			all, _, err := exception.List(tx, exception.Filter{}, "", 1)
			id = all[0].ID
			return err
		})
		closeIt := func(tx *db.Tx) error { return exception.Resolve(tx, id, "user:a", "done", 0) }
		try := func(by string) error {
			return d.Write(t.Context(), func(tx *db.Tx) error { return exception.Reopen(tx, id, by) })
		}
		if err := try("user:a"); !fault.Is(err, fault.Conflict) {
			t.Errorf("of an open one: %v", err)
		}
		write(t, d, closeIt)
		if err := try("user:b"); !fault.Is(err, fault.Conflict) {
			t.Errorf("by somebody else: %v", err)
		}
		if err := try("user:a"); err != nil {
			t.Error(err)
		}
		write(t, d, closeIt)
		raise(t, d, one)
		if err := try("user:a"); !fault.Is(err, fault.Conflict) {
			t.Errorf("when it came up again: %v", err)
		}
	})
}
