package jobs_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/jobs"
)

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)} }

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
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		c := newClock()
		f(t, dbtest.SQLite(t, dbtest.Config{Now: c.Now}), c)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := newClock()
		f(t, dbtest.Postgres(t, dbtest.Config{Now: c.Now}), c)
	})
}

func logger(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func write(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func enqueue(t *testing.T, d *db.DB, list ...jobs.Job) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error { return jobs.Enqueue(tx, list...) })
}

func rows(t *testing.T, d *db.DB) []jobs.Row {
	t.Helper()
	var all []jobs.Row
	if err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
		all, err = jobs.List(tx, jobs.Filter{}, "", 0)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func one(t *testing.T, d *db.DB) jobs.Row {
	t.Helper()
	all := rows(t, d)
	if len(all) != 1 {
		t.Fatalf("want one job, have %d: %+v", len(all), all)
	}
	return all[0]
}

func drain(t *testing.T, r *jobs.Runner) int {
	t.Helper()
	n, err := r.Drain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func open(t *testing.T, d *db.DB) []string {
	t.Helper()
	var causes []string
	if err := d.Read(t.Context(), func(tx *db.Tx) error {
		list, _, err := exception.List(tx, exception.Filter{}, "", 0)
		for _, e := range list {
			causes = append(causes, e.Cause)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return causes
}

// says is a handler that answers with the errors given, one per attempt, and then with success; it notes whether it was to look first.
type says struct {
	mu     sync.Mutex
	errs   []error
	looked []bool
	seen   []string
}

func (s *says) handler(kind string) jobs.Handler {
	return jobs.Handler{Kind: kind, Do: func(_ context.Context, r *jobs.Run) (func(*db.Tx) error, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.looked = append(s.looked, r.Uncertain)
		s.seen = append(s.seen, string(r.Payload))
		if len(s.errs) == 0 {
			return nil, nil
		}
		err := s.errs[0]
		s.errs = s.errs[1:]
		return nil, err
	}}
}

func TestJobs(t *testing.T) {
	t.Parallel()

	t.Run("a job is done once and is gone", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			s := new(says)
			r := jobs.New(d, logger(t), s.handler("k"))
			enqueue(t, d, jobs.Job{Kind: "k", Payload: map[string]int{"a": 1}}, jobs.Job{Kind: "k", Payload: 2}, jobs.Job{Kind: "other"})
			drain(t, r)
			if len(s.seen) != 2 || len(rows(t, d)) != 1 {
				t.Fatalf("seen %v, left %v", s.seen, rows(t, d))
			}
		})
	})

	t.Run("the same work while due is merged", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			at := c.Now()
			enqueue(t, d, jobs.Job{Kind: "k", Key: "x", Payload: 1, RunAt: at.Add(time.Hour)},
				jobs.Job{Kind: "k", Key: "x", Payload: 2, RunAt: at.Add(2 * time.Hour)})
			enqueue(t, d, jobs.Job{Kind: "k", Key: "x", Payload: 3, RunAt: at.Add(time.Minute), Priority: jobs.Urgent})
			enqueue(t, d, jobs.Job{Kind: "k", Key: "x", Payload: 4, RunAt: at.Add(3 * time.Hour), Priority: jobs.Idle})
			row := one(t, d)
			if row.Again || row.Priority != jobs.Urgent || !row.RunAt.Equal(at.Add(time.Minute)) || string(row.Payload) != "4" {
				t.Fatalf("%+v", row)
			}
		})
	})

	t.Run("the same work while running is due once more", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			var payloads []string
			r := jobs.New(d, logger(t), jobs.Handler{Kind: "k", Do: func(_ context.Context, run *jobs.Run) (func(*db.Tx) error, error) {
				payloads = append(payloads, string(run.Payload))
				if len(payloads) == 1 {
					enqueue(t, d, jobs.Job{Kind: "k", Key: "x", Payload: "second"}, jobs.Job{Kind: "k", Key: "x", Payload: "third"})
				}
				return nil, nil
			}})
			enqueue(t, d, jobs.Job{Kind: "k", Key: "x", Payload: "first"})
			drain(t, r)
			if diff := cmp.Diff([]string{`"first"`, `"third"`}, payloads); diff != "" {
				t.Error(diff)
			}
			if left := rows(t, d); len(left) != 0 {
				t.Errorf("left: %+v", left)
			}
		})
	})

	t.Run("an unknown outcome waits for a person", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			s := &says{errs: []error{fault.New(fault.OutcomeUnknown, "lost")}}
			h := s.handler("k")
			h.Effect = true
			r := jobs.New(d, logger(t), h)
			enqueue(t, d, jobs.Job{Kind: "k", Key: "x"})
			drain(t, r)
			c.Add(24 * time.Hour)
			enqueue(t, d, jobs.Job{Kind: "k", Key: "x"})
			if n := drain(t, r); n != 0 {
				t.Fatalf("%d attempts at what may have happened", n)
			}
			row := one(t, d)
			if row.State != jobs.Unknown || !row.Again {
				t.Fatalf("%+v", row)
			}
			if diff := cmp.Diff([]string{exception.OutcomeUnknown}, open(t, d)); diff != "" {
				t.Error(diff)
			}
			write(t, d, func(tx *db.Tx) error { return jobs.Settle(tx, row.ID, true) })
			drain(t, r)
			if diff := cmp.Diff([]bool{false, false}, s.looked); diff != "" {
				t.Error(diff)
			}
			if len(open(t, d))+len(rows(t, d)) != 0 {
				t.Error("something is left")
			}
		})
	})
}
