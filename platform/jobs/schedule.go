package jobs

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

const scheduleLease = time.Minute

// Schedule is work that comes back. Of all processes one does it at a time, and a turn that was missed is made up for once.
type Schedule struct {
	Name  string
	Every time.Duration
	// Do does the work or, better where it is long, enqueues it. After an error it is tried again in a minute, or at its next turn if that
	// is sooner. The context ends when the lease is lost or the runner stops.
	Do func(ctx context.Context) error
}

// runSchedules looks every second for schedules whose turn it is, until ctx ends, and waits for those that run.
func (r *Runner) runSchedules(ctx, base context.Context) {
	if len(r.Schedules) == 0 {
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	running := map[string]bool{}
	var mu sync.Mutex
	known := false
	for ctx.Err() == nil {
		err := r.ensureSchedules(ctx, &known)
		for _, s := range r.Schedules {
			mu.Lock()
			busy := running[s.Name]
			mu.Unlock()
			if err != nil || busy || ctx.Err() != nil {
				continue
			}
			var turn *turn
			if turn, err = r.claimSchedule(ctx, s); err != nil || turn == nil {
				continue
			}
			mu.Lock()
			running[s.Name] = true
			mu.Unlock()
			wg.Go(func() {
				r.doSchedule(base, s, turn)
				mu.Lock()
				delete(running, s.Name)
				mu.Unlock()
			})
		}
		if err != nil && ctx.Err() == nil {
			r.log.Warn("schedules could not be claimed", "error", err)
		}
		pause(ctx, time.Second)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// ensureSchedules makes the rows, once; a changed interval counts from now.
func (r *Runner) ensureSchedules(ctx context.Context, known *bool) error {
	if *known {
		return nil
	}
	err := r.d.Write(ctx, func(tx *db.Tx) error {
		batch := db.NewBatch(1)
		for _, s := range r.Schedules {
			batch.Add(s.Name, s.Every.Microseconds())
		}
		_, err := tx.Exec(`insert into schedules (name, every_us, next_at, fence) select r.n, r.e, $1, 0 from rows(n text, e bigint) where true
			on conflict (name) do update set every_us = excluded.every_us,
				next_at = case when schedules.next_at > excluded.next_at + excluded.every_us then excluded.next_at + excluded.every_us
					else schedules.next_at end
			where schedules.every_us <> excluded.every_us`, batch, tx.Now.UnixMicro())
		return err
	})
	*known = err == nil
	return err
}

// turn is a schedule's claimed turn.
type turn struct {
	fence, due int64
}

func (r *Runner) claimSchedule(ctx context.Context, s Schedule) (*turn, error) {
	if r.d.Skewed() {
		return nil, nil
	}
	now := r.d.Now().UnixMicro()
	var due bool
	err := r.d.Read(ctx, func(tx *db.Tx) error {
		_, err := db.One(tx, number, `select 1 from schedules where name = $1 and next_at <= $2 and (lease_until is null or lease_until < $2)`,
			s.Name, now)
		due = err == nil
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	if err != nil || !due {
		return nil, err
	}
	var got *turn
	err = r.d.Write(ctx, func(tx *db.Tx) error {
		turns, err := db.All(tx, func(row db.Scanner) (t turn, err error) {
			err = row.Scan(&t.fence, &t.due)
			return t, err
		}, `update schedules set lease_by = $1, lease_until = $2, fence = fence + 1 where name = $3 and next_at <= $4
				and (lease_until is null or lease_until < $4) returning fence, next_at`,
			r.name, tx.Now.Add(scheduleLease).UnixMicro(), s.Name, tx.Now.UnixMicro())
		got = nil
		if len(turns) == 1 {
			got = &turns[0]
		}
		return err
	})
	return got, err
}

// doSchedule takes one turn, keeping its lease meanwhile.
func (r *Runner) doSchedule(base context.Context, s Schedule, t *turn) {
	ctx, cancel := context.WithCancelCause(base)
	var beats sync.WaitGroup
	beats.Go(func() {
		for ctx.Err() == nil {
			pause(ctx, scheduleLease/3)
			if ctx.Err() == nil && !r.keepSchedule(ctx, s.Name, t.fence) {
				cancel(errLeaseLost)
			}
		}
	})
	err := attemptSchedule(ctx, s)
	cancel(nil)
	beats.Wait()
	if err != nil {
		r.log.Warn("a scheduled task failed", "schedule", s.Name, "error", err)
	}
	if err := r.endSchedule(context.WithoutCancel(base), s, t, err); err != nil {
		r.log.Warn("the outcome of a scheduled task could not be recorded", "schedule", s.Name, "error", err)
	}
}

func attemptSchedule(ctx context.Context, s Schedule) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.Wrap(fault.Internal, fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "the task panicked")
		}
	}()
	return s.Do(ctx)
}

// keepSchedule reports false when somebody else has taken the turn.
func (r *Runner) keepSchedule(ctx context.Context, name string, fence int64) bool {
	var n int64
	err := r.d.Write(ctx, func(tx *db.Tx) (err error) {
		n, err = tx.Exec(`update schedules set lease_until = $3 where name = $1 and fence = $2`, name, fence, tx.Now.Add(scheduleLease).UnixMicro())
		return err
	})
	return err != nil || n == 1
}

// endSchedule says when the next turn is: on the grid of its interval, so that turns do not drift.
func (r *Runner) endSchedule(ctx context.Context, s Schedule, t *turn, failed error) error {
	return r.d.Write(ctx, func(tx *db.Tx) error {
		now, every := tx.Now.UnixMicro(), max(s.Every.Microseconds(), 1)
		next := t.due + every
		if next <= now {
			next += (now - next + every) / every * every
		}
		var text any
		if failed != nil {
			text = clip(failed)
			next = min(next, now+time.Minute.Microseconds())
		}
		_, err := tx.Exec(`update schedules set next_at = $3, last_at = $4, last_error = $5, lease_by = null, lease_until = null
			where name = $1 and fence = $2`, s.Name, t.fence, next, now, text)
		return err
	})
}

// ScheduleRow is a schedule as stored.
type ScheduleRow struct {
	Name       string
	Every      time.Duration
	Next, Last time.Time
	LastError  string
	LeaseBy    string
}

// ListSchedules returns all schedules by name.
func ListSchedules(tx *db.Tx) ([]ScheduleRow, error) {
	return db.All(tx, func(s db.Scanner) (r ScheduleRow, err error) {
		var every int64
		err = s.Scan(&r.Name, &every, db.Time(&r.Next), db.Time(&r.Last), db.Text(&r.LastError), db.Text(&r.LeaseBy))
		r.Every = time.Duration(every) * time.Microsecond
		return r, err
	}, `select name, every_us, next_at, last_at, last_error, lease_by from schedules order by name`)
}
