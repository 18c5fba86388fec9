package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
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

	t.Run("every fault leads where its kind says", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			err      error
			effect   bool
			state    string // afterwards; "" is gone
			attempts int
			least    time.Duration
			looks    bool // the next attempt has to look first
		}{
			{nil, true, "", 0, 0, false},
			{errors.New("unclassified"), false, jobs.Due, 1, 2 * time.Second, false},
			{errors.New("unclassified"), true, jobs.Due, 1, 2 * time.Second, true},
			{fault.New(fault.Unavailable, "down"), true, jobs.Due, 1, 2 * time.Second, true},
			{&fault.Error{Kind: fault.Unavailable, After: time.Hour}, false, jobs.Due, 1, time.Hour, false},
			{fault.Wait(10*time.Minute, "slow down"), true, jobs.Due, 0, 10 * time.Minute, false},
			{fault.New(fault.Unauthorized, "token"), true, jobs.Due, 1, 5 * time.Minute, false},
			{fault.New(fault.Full, "disk"), false, jobs.Due, 1, time.Minute, false},
			{fault.New(fault.Conflict, "changed"), false, jobs.Due, 1, 2 * time.Second, false},
			{fault.New(fault.NotFound, "not yet"), false, jobs.Due, 1, 2 * time.Second, false},
			{fault.New(fault.Refused, "no"), true, jobs.Dead, 1, 0, false},
			{fault.New(fault.Invalid, "wrong"), true, jobs.Dead, 1, 0, false},
			{fault.New(fault.Forbidden, "not you"), true, jobs.Dead, 1, 0, true},
			{fault.New(fault.OutcomeUnknown, "lost"), true, jobs.Unknown, 1, 0, true},
			{fault.New(fault.OutcomeUnknown, "lost"), false, jobs.Due, 1, 2 * time.Second, false},
		} {
			t.Run(fmt.Sprintf("%v, effect %t", c.err, c.effect), func(t *testing.T) {
				t.Parallel()
				clock := newClock()
				d := dbtest.SQLite(t, dbtest.Config{Now: clock.Now})
				s := new(says)
				if c.err != nil {
					s.errs = []error{c.err}
				}
				h := s.handler("k")
				h.Effect = c.effect
				enqueue(t, d, jobs.Job{Kind: "k"})
				drain(t, jobs.New(d, logger(t), h))
				if c.state == "" {
					if left := rows(t, d); len(left) != 0 {
						t.Errorf("left: %+v", left)
					}
					return
				}
				row := one(t, d)
				wait := row.RunAt.Sub(clock.Now())
				if row.State != c.state || row.Attempts != c.attempts || row.Uncertain != c.looks || wait < c.least || c.state == jobs.Due && wait > 2*c.least {
					t.Errorf("after %s: %+v", wait, row)
				}
				if raised := len(open(t, d)); (raised == 1) != (c.state != jobs.Due) {
					t.Errorf("%d exceptions", raised)
				}
			})
		}
	})

	t.Run("who gives up can be corrected and tried again", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			s := &says{errs: []error{errors.New("one"), errors.New("two"), errors.New("three")}}
			r := jobs.New(d, logger(t), s.handler("k"))
			enqueue(t, d, jobs.Job{Kind: "k", Key: "x", Payload: "wrong", MaxAttempts: 3})
			for range 3 {
				drain(t, r)
				c.Add(time.Hour)
			}
			row := one(t, d)
			if row.State != jobs.Dead || row.LastError != "three" {
				t.Fatalf("%+v", row)
			}
			if diff := cmp.Diff([]string{exception.DeadJob}, open(t, d)); diff != "" {
				t.Error(diff)
			}
			write(t, d, func(tx *db.Tx) error { return jobs.Replay(tx, row.ID, []byte(`"right"`)) })
			drain(t, r)
			if diff := cmp.Diff([]string{`"wrong"`, `"wrong"`, `"wrong"`, `"right"`}, s.seen); diff != "" {
				t.Error(diff)
			}
			if len(open(t, d))+len(rows(t, d)) != 0 {
				t.Error("something is left")
			}
		})
	})

	t.Run("a dead job whose work is due already is merged with it", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			s := &says{errs: []error{fault.New(fault.Refused, "no")}}
			r := jobs.New(d, logger(t), s.handler("k"))
			enqueue(t, d, jobs.Job{Kind: "k", Key: "x"})
			drain(t, r)
			dead := one(t, d).ID
			enqueue(t, d, jobs.Job{Kind: "k", Key: "x"})
			write(t, d, func(tx *db.Tx) error { return jobs.Replay(tx, dead, nil) })
			if row := one(t, d); row.ID == dead || row.State != jobs.Due {
				t.Errorf("%+v", row)
			}
			if left := open(t, d); left != nil {
				t.Error(left)
			}
		})
	})

	t.Run("what was asked for while a job died is due once more", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			n := 0
			r := jobs.New(d, logger(t), jobs.Handler{Kind: "k", Do: func(context.Context, *jobs.Run) (func(*db.Tx) error, error) {
				if n++; n == 1 {
					enqueue(t, d, jobs.Job{Kind: "k", Key: "x", Payload: "new"})
					return nil, fault.New(fault.Refused, "no")
				}
				return nil, nil
			}})
			enqueue(t, d, jobs.Job{Kind: "k", Key: "x", Payload: "old"})
			drain(t, r)
			if row := one(t, d); n != 2 || row.State != jobs.Dead {
				t.Errorf("%d attempts, %+v", n, row)
			}
		})
	})

	t.Run("the outcome and the end of the job commit together", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			n := 0
			r := jobs.New(d, logger(t), jobs.Handler{Kind: "k", Effect: true, Do: func(_ context.Context, r *jobs.Run) (func(*db.Tx) error, error) {
				if n++; r.Uncertain != (n == 2) {
					t.Errorf("attempt %d: uncertain is %t", n, r.Uncertain)
				}
				return func(tx *db.Tx) error {
					if err := jobs.Enqueue(tx, jobs.Job{Kind: "next"}); err != nil || n == 2 {
						return err
					}
					return fault.New(fault.Invalid, "cannot be written")
				}, nil
			}})
			enqueue(t, d, jobs.Job{Kind: "k"})
			drain(t, r)
			if row := one(t, d); row.Kind != "k" || !row.Uncertain || row.State != jobs.Due {
				t.Fatalf("%+v", row)
			}
			c.Add(time.Hour)
			drain(t, r)
			if row := one(t, d); row.Kind != "next" || n != 2 {
				t.Errorf("%d attempts, %+v", n, row)
			}
		})
	})

	t.Run("a throttled account pauses its own jobs only", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			done := map[string]int{}
			var mu sync.Mutex
			r := jobs.New(d, logger(t), jobs.Handler{Kind: "k", Concurrency: 1, Do: func(_ context.Context, r *jobs.Run) (func(*db.Tx) error, error) {
				mu.Lock()
				defer mu.Unlock()
				if done[r.Account]++; r.Account == "slow" && done["slow"] == 1 {
					return nil, fault.Wait(time.Minute, "slow down")
				}
				return nil, nil
			}})
			for range 5 {
				enqueue(t, d, jobs.Job{Kind: "k", Account: "slow"}, jobs.Job{Kind: "k", Account: "fast"}, jobs.Job{Kind: "k"})
			}
			drain(t, r)
			if diff := cmp.Diff(map[string]int{"slow": 1, "fast": 5, "": 5}, done); diff != "" {
				t.Fatal(diff)
			}
			c.Add(2 * time.Minute)
			drain(t, r)
			if done["slow"] != 6 {
				t.Error(done)
			}
		})
	})

	t.Run("an account keeps to its budget", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			var mu sync.Mutex
			flying, most, done := map[string]int{}, map[string]int{}, map[string]int{}
			r := jobs.New(d, logger(t), jobs.Handler{Kind: "k", Concurrency: 20, Do: func(_ context.Context, r *jobs.Run) (func(*db.Tx) error, error) {
				mu.Lock()
				flying[r.Account]++
				most[r.Account] = max(most[r.Account], flying[r.Account])
				mu.Unlock()
				runtime.Gosched()
				mu.Lock()
				flying[r.Account]--
				done[r.Account]++
				mu.Unlock()
				return nil, nil
			}})
			r.Budget = func(account string) jobs.Budget {
				return map[string]jobs.Budget{"two": {Concurrency: 2}, "rate": {Every: time.Minute, Burst: 3}}[account]
			}
			for range 10 {
				enqueue(t, d, jobs.Job{Kind: "k", Account: "two"}, jobs.Job{Kind: "k", Account: "rate"}, jobs.Job{Kind: "k", Account: "free"})
			}
			drain(t, r)
			if done["two"] != 10 || done["free"] != 10 || done["rate"] != 3 || most["two"] > 2 {
				t.Fatalf("done %v, at most %v", done, most)
			}
			c.Add(2 * time.Minute)
			drain(t, r)
			if done["rate"] != 5 {
				t.Error(done)
			}
		})
	})

	t.Run("the urgent go first, however long the rest has waited", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			s := new(says)
			h := s.handler("k")
			h.Concurrency = 1
			enqueue(t, d, jobs.Job{Kind: "k", Payload: 3, Priority: jobs.Idle, RunAt: c.Now().Add(-time.Hour)},
				jobs.Job{Kind: "k", Payload: 2, RunAt: c.Now().Add(-time.Minute)}, jobs.Job{Kind: "k", Payload: 1, Priority: jobs.Urgent},
				jobs.Job{Kind: "k", Payload: 0, Priority: jobs.Urgent, RunAt: c.Now().Add(time.Minute)})
			drain(t, jobs.New(d, logger(t), h))
			if diff := cmp.Diff([]string{"1", "2", "3"}, s.seen); diff != "" {
				t.Error(diff)
			}
		})
	})

	t.Run("a panic is a failure like any other", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			enqueue(t, d, jobs.Job{Kind: "k"})
			drain(t, jobs.New(d, logger(t), jobs.Handler{Kind: "k", Do: func(context.Context, *jobs.Run) (func(*db.Tx) error, error) { panic("no") }}))
			if row := one(t, d); row.State != jobs.Due || row.LastKind != "internal" {
				t.Errorf("%+v", row)
			}
		})
	})

	t.Run("a job without kind or with an unknown priority is refused", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			for _, j := range []jobs.Job{{}, {Kind: "k", Priority: 9}} {
				if err := d.Write(t.Context(), func(tx *db.Tx) error { return jobs.Enqueue(tx, j) }); !fault.Is(err, fault.Invalid) {
					t.Errorf("%+v: %v", j, err)
				}
			}
		})
	})
}
