package jobs_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/jobs"
)

// start runs a runner until the test, or stop, ends it.
func start(t *testing.T, r *jobs.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return stop
}

func TestRunner(t *testing.T) {
	t.Parallel()

	t.Run("eight runners do two thousand jobs once each", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			const runners, total = 8, 2000
			var all []jobs.Job
			for i := range total {
				all = append(all, jobs.Job{Kind: "k", Payload: i})
			}
			enqueue(t, d, all...)
			var done [total]atomic.Int32
			var left atomic.Int32
			left.Store(total)
			over := make(chan struct{})
			h := jobs.Handler{Kind: "k", Concurrency: 16, Do: func(_ context.Context, r *jobs.Run) (func(*db.Tx) error, error) {
				i, err := jobs.Decode[int](r)
				if n := done[i].Add(1); n > 1 {
					t.Errorf("job %d was done %d times", i, n)
				}
				if left.Add(-1) == 0 {
					close(over)
				}
				return nil, err
			}}
			var stops []func()
			for range runners {
				stops = append(stops, start(t, jobs.New(d, logger(t), h)))
			}
			<-over
			for _, stop := range stops {
				stop()
			}
			if rest := rows(t, d); len(rest) != 0 {
				t.Errorf("%d are left, the first is %+v", len(rest), rest[0])
			}
		})
	})

	t.Run("who lost the lease cannot complete, and the effect is looked at before it is repeated", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			begun, release := make(chan struct{}), make(chan struct{})
			enqueue(t, d, jobs.Job{Kind: "k", Key: "x"})
			slow := jobs.New(d, logger(t), jobs.Handler{Kind: "k", Effect: true, Concurrency: 1, Do: func(context.Context, *jobs.Run) (func(*db.Tx) error, error) {
				close(begun)
				<-release
				return func(tx *db.Tx) error { return jobs.Enqueue(tx, jobs.Job{Kind: "written by the stale one"}) }, nil
			}})
			stop := start(t, slow)
			<-begun
			if row := one(t, d); !row.Uncertain || row.State != jobs.Running {
				t.Fatalf("while the effect is tried: %+v", row)
			}
			c.Add(2 * time.Minute) // it does not beat any more
			var looked []bool
			second := jobs.New(d, logger(t), jobs.Handler{Kind: "k", Effect: true, Do: func(_ context.Context, r *jobs.Run) (func(*db.Tx) error, error) {
				looked = append(looked, r.Uncertain)
				if r.Attempt != 2 {
					t.Errorf("attempt %d", r.Attempt)
				}
				return nil, fault.Wait(time.Hour, "later") // so that the row stays
			}})
			drain(t, second)
			close(release)
			stop()
			if diff := cmp.Diff([]bool{true}, looked); diff != "" {
				t.Error(diff)
			}
			row := one(t, d)
			if row.Kind != "k" || row.State != jobs.Due || !row.Uncertain {
				t.Errorf("%+v", row)
			}
		})
	})

	t.Run("a look that finds nothing makes the next answer count", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			n := 0
			r := jobs.New(d, logger(t), jobs.Handler{Kind: "k", Effect: true, Do: func(_ context.Context, r *jobs.Run) (func(*db.Tx) error, error) {
				switch n++; n {
				case 1:
					return nil, fault.New(fault.Unavailable, "cut")
				case 2:
					return nil, fault.Wait(time.Second, "the look was throttled: it proves nothing about the first attempt")
				case 3:
					r.Uncertain = false // looked and found nothing
					return nil, fault.Wait(time.Second, "the act was throttled")
				}
				return nil, nil
			}})
			enqueue(t, d, jobs.Job{Kind: "k"})
			var uncertain []bool
			for range 3 {
				drain(t, r)
				uncertain = append(uncertain, one(t, d).Uncertain)
				c.Add(time.Hour)
			}
			if diff := cmp.Diff([]bool{true, true, false}, uncertain); diff != "" {
				t.Error(diff)
			}
		})
	})

	t.Run("a job whose workers die of it is buried", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			enqueue(t, d, jobs.Job{Kind: "k", MaxAttempts: 2})
			for range 2 {
				// As if killed: claimed, and never heard of again.
				begun, release := make(chan struct{}), make(chan struct{})
				stop := start(t, jobs.New(d, logger(t), jobs.Handler{Kind: "k", Concurrency: 1, Do: func(context.Context, *jobs.Run) (func(*db.Tx) error, error) {
					close(begun)
					<-release
					return nil, nil
				}}))
				<-begun
				c.Add(time.Hour)
				drain(t, jobs.New(d, logger(t), jobs.Handler{Kind: "other"})) // another process notices
				close(release)
				stop()
			}
			s := new(says)
			drain(t, jobs.New(d, logger(t), s.handler("k")))
			if row := one(t, d); row.State != jobs.Dead || len(s.seen) != 0 || len(open(t, d)) != 1 {
				t.Errorf("%+v, %d attempts more", row, len(s.seen))
			}
		})
	})

	t.Run("a lease that is kept is not taken over", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			begun, release := make(chan struct{}), make(chan struct{})
			stop := start(t, jobs.New(d, logger(t), jobs.Handler{Kind: "k", Lease: 30 * time.Millisecond, Do: func(ctx context.Context, _ *jobs.Run) (func(*db.Tx) error, error) {
				close(begun)
				select {
				case <-release:
				case <-ctx.Done():
					t.Error("cancelled")
				}
				return nil, nil
			}}))
			enqueue(t, d, jobs.Job{Kind: "k"})
			<-begun
			for range 5 {
				before := one(t, d).LeaseUntil
				c.Add(20 * time.Millisecond)
				for !one(t, d).LeaseUntil.After(before) { // until it has beaten
				}
			}
			close(release)
			stop()
			if left := rows(t, d); len(left) != 0 {
				t.Errorf("%+v", left)
			}
		})
	})

	t.Run("who is told that the lease is lost stops", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			begun, cancelled := make(chan struct{}), make(chan struct{})
			stop := start(t, jobs.New(d, logger(t), jobs.Handler{Kind: "k", Lease: 30 * time.Millisecond, Do: func(ctx context.Context, _ *jobs.Run) (func(*db.Tx) error, error) {
				close(begun)
				<-ctx.Done()
				close(cancelled)
				return nil, ctx.Err()
			}}))
			enqueue(t, d, jobs.Job{Kind: "k"})
			<-begun
			write(t, d, func(tx *db.Tx) error { // somebody else claims it
				_, err := tx.Exec(`update jobs set fence = fence + 1`)
				return err
			})
			<-cancelled
			stop()
			if row := one(t, d); row.State != jobs.Running || row.Attempts != 1 {
				t.Errorf("the stale one changed it: %+v", row)
			}
		})
	})

	t.Run("stopping waits for what is running, and gives back what does not end", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			begun := make(chan string, 2)
			release := make(chan struct{})
			r := jobs.New(d, logger(t), jobs.Handler{Kind: "k", Effect: true, Do: func(ctx context.Context, r *jobs.Run) (func(*db.Tx) error, error) {
				begun <- string(r.Payload)
				if string(r.Payload) == `"ends"` {
					<-release
					return nil, nil
				}
				<-ctx.Done()
				return nil, ctx.Err()
			}})
			r.Grace = 50 * time.Millisecond
			enqueue(t, d, jobs.Job{Kind: "k", Payload: "ends"}, jobs.Job{Kind: "k", Payload: "hangs"})
			stop := start(t, r)
			<-begun
			<-begun
			close(release)
			stop()
			row := one(t, d)
			if string(row.Payload) != `"hangs"` || row.State != jobs.Due || row.Attempts != 0 || !row.Uncertain {
				t.Errorf("%+v", row)
			}
		})
	})

	t.Run("an enqueued job is done without waiting for long", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			done := make(chan struct{})
			r := jobs.New(d, logger(t), jobs.Handler{Kind: "k", Do: func(context.Context, *jobs.Run) (func(*db.Tx) error, error) {
				close(done)
				return nil, nil
			}})
			start(t, r)
			write(t, d, func(tx *db.Tx) error {
				tx.AfterCommit(r.Nudge)
				return jobs.Enqueue(tx, jobs.Job{Kind: "k"})
			})
			<-done
		})
	})
}

func TestSchedules(t *testing.T) {
	t.Parallel()

	t.Run("each turn is taken once among many, missed turns are made up for once", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			turns := make(chan time.Time, 100)
			var stops []func()
			for range 4 {
				r := jobs.New(d, logger(t))
				r.Schedules = []jobs.Schedule{{Name: "hourly", Every: time.Hour, Do: func(context.Context) error {
					turns <- c.Now()
					return nil
				}}}
				stops = append(stops, start(t, r))
			}
			first := <-turns
			// The outcome of the first turn is written before the clock moves on.
			for next := (time.Time{}); !next.After(first); {
				next = schedule(t, d).Next
			}
			c.Add(5*time.Hour + time.Minute)
			second := <-turns
			for next := second; !next.After(second); {
				next = schedule(t, d).Next
			}
			for _, stop := range stops {
				stop()
			}
			if len(turns) != 0 {
				t.Errorf("%d turns more", len(turns))
			}
			if s := schedule(t, d); !s.Next.Equal(first.Add(6*time.Hour)) || !s.Last.Equal(second) || s.LastError != "" {
				t.Errorf("%+v, first was at %s", s, first)
			}
		})
	})

	t.Run("a failed turn is tried again in a minute", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			turns := make(chan int, 10)
			n := 0
			r := jobs.New(d, logger(t))
			r.Schedules = []jobs.Schedule{{Name: "daily", Every: 24 * time.Hour, Do: func(context.Context) error {
				n++
				turns <- n
				switch n {
				case 1:
					return fmt.Errorf("no")
				case 2:
					panic("no")
				}
				return nil
			}}}
			stop := start(t, r)
			for range 3 {
				<-turns
				at := c.Now()
				for next := at; !next.After(at); {
					next = schedule(t, d).Next
				}
				c.Add(2 * time.Minute)
			}
			stop()
			if s := schedule(t, d); s.LastError != "" || s.Next.Sub(c.Now()) < 23*time.Hour {
				t.Errorf("%+v", s)
			}
		})
	})
}

func schedule(t *testing.T, d *db.DB) (s jobs.ScheduleRow) {
	t.Helper()
	if err := d.Read(t.Context(), func(tx *db.Tx) error {
		all, err := jobs.ListSchedules(tx)
		if len(all) == 1 {
			s = all[0]
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return s
}
