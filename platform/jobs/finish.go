package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// ErrStale is how a completion fails when the job has gone to another worker: nothing of it is kept.
var ErrStale = fault.New(fault.Conflict, "the job has gone to another worker").WithCode("stale")

// finish records how an attempt ended.
func (r *Runner) finish(ctx context.Context, h *Handler, run *Run, done func(*db.Tx) error, err error) error {
	if err == nil {
		err = r.persist(ctx, run, func(tx *db.Tx) error { return complete(tx, run, done) })
		if err == nil || errors.Is(err, ErrStale) {
			return err
		}
		// The effect happened and its outcome could not be written: the next attempt has to look.
		run.Uncertain = run.Uncertain || h.Effect
		err = fmt.Errorf("write the outcome: %w", err)
		if k := fault.KindOf(err); h.Effect && proves(k) {
			err = fault.Wrap(fault.Internal, err, "the outcome could not be written")
		}
	}
	if errors.Is(err, errLeaseLost) {
		return ErrStale
	}
	f := r.judge(h, run, err)
	if f.pause > 0 {
		r.budgets.pause(run.Account, r.d.Now().Add(f.pause))
	}
	r.log.Log(ctx, f.level, "a job failed", "job", run.ID, "kind", run.Kind, "account", run.Account, "attempt", run.Attempt,
		"state", f.state, "error", err)
	return r.persist(ctx, run, func(tx *db.Tx) error { return r.fail(tx, run, f, err) })
}

const persistFor = 30 * time.Second

// persist writes an outcome, again and again while the database is away and the lease may last; the fence refuses it if it has not.
func (r *Runner) persist(ctx context.Context, run *Run, fn func(*db.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, max(run.lease, persistFor))
	defer cancel()
	wait := 100 * time.Millisecond
	for {
		err := r.d.Write(ctx, fn)
		if !fault.Is(err, fault.Unavailable) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
			wait = min(2*wait, 5*time.Second)
		}
	}
}

// complete writes the outcome and takes the job out, or makes it due once more. The job's row is locked last, after what done locks, as
// everybody who enqueues does.
func complete(tx *db.Tx, run *Run, done func(*db.Tx) error) error {
	if done != nil {
		if err := done(tx); err != nil {
			return err
		}
	}
	n, err := tx.Exec(`delete from jobs where id = $1 and fence = $2 and state = 'running' and not again`, run.ID, run.Fence)
	if err != nil || n == 1 {
		return err
	}
	n, err = tx.Exec(`update jobs set state = 'due', again = false, uncertain = false, attempts = 0, lease_by = null, lease_until = null,
		last_error = null, last_kind = null where id = $1 and fence = $2 and state = 'running' and again`, run.ID, run.Fence)
	if err == nil && n == 0 {
		err = ErrStale
	}
	return err
}

// failure is what follows from an attempt that failed.
type failure struct {
	state     string
	wait      time.Duration
	counts    bool // as an attempt
	uncertain bool
	pause     time.Duration // of the account's other jobs
	level     slog.Level
}

// proves reports whether an answer of this kind proves that nothing happened outside.
func proves(k fault.Kind) bool {
	switch k {
	case fault.Throttled, fault.Unauthorized, fault.Refused, fault.Invalid:
		return true
	}
	return false
}

// judge decides by the kind of the fault.
func (r *Runner) judge(h *Handler, run *Run, err error) failure {
	kind := fault.KindOf(err)
	f := failure{state: "due", counts: true, uncertain: h.Effect, level: slog.LevelWarn}
	if proves(kind) {
		// An earlier attempt may still have happened; this one has not.
		f.uncertain = run.Uncertain
	}
	if errors.Is(err, errStopping) {
		f.counts = false
		return f
	}
	f.wait = max(backoff(run.Attempt), fault.After(err))
	switch kind {
	case fault.Throttled:
		f.counts = false
		f.wait = jitter(max(fault.After(err), time.Second))
		f.pause = f.wait
		return f
	case fault.Unauthorized:
		f.wait = max(f.wait, jitter(5*time.Minute))
		f.pause = time.Minute
	case fault.Full:
		f.wait = max(f.wait, jitter(time.Minute))
	case fault.Invalid, fault.Refused, fault.Forbidden:
		f.state = "dead"
	case fault.OutcomeUnknown:
		if h.Effect {
			f.state = "unknown"
		}
	}
	if f.state == "due" && run.Attempt >= run.MaxAttempts {
		f.state = "dead"
	}
	if f.state != "due" {
		f.level = slog.LevelError
	}
	return f
}

// backoff is 2 s doubled up to an hour, with jitter.
func backoff(attempt int) time.Duration {
	return jitter(min(2*time.Second<<min(max(attempt-1, 0), 12), time.Hour))
}

// jitter adds up to a fifth, never less than asked for.
func jitter(d time.Duration) time.Duration { return d + rand.N(d/5+1) }

func (r *Runner) fail(tx *db.Tx, run *Run, f failure, cause error) error {
	attempts := run.Attempt
	if !f.counts {
		attempts--
	}
	var finished any
	if f.state != "due" {
		finished = tx.Now.UnixMicro()
	}
	again := false
	promise := tx.SendQuery(`update jobs set state = $3, run_at = $4, attempts = $5, uncertain = $6, last_error = $7, last_kind = $8,
			finished_at = $9, lease_by = null, lease_until = null
		where id = $1 and fence = $2 and state = 'running' returning again`, func(s db.Scanner) error { return s.Scan(&again) },
		run.ID, run.Fence, f.state, tx.Now.Add(f.wait).UnixMicro(), attempts, f.uncertain, clip(cause), fault.KindOf(cause).String(), finished)
	if err := tx.Flush(); err != nil {
		return err
	}
	if n, _ := promise.Affected(); n == 0 {
		return ErrStale
	}
	switch f.state {
	case "unknown":
		return r.Raise(tx, run, exception.OutcomeUnknown, cause)
	case "dead":
		if err := r.Raise(tx, run, exception.DeadJob, cause); err != nil || !again {
			return err
		}
		return reborn(tx, run.ID)
	}
	return nil
}

// reborn makes a dead job's work due once more, because it was asked for while it ran.
func reborn(tx *db.Tx, id string) error {
	row, err := Get(tx, id)
	if err != nil {
		return err
	}
	return Enqueue(tx, Job{Kind: row.Kind, Key: row.Key, Account: row.Account, Payload: row.Payload, Priority: row.Priority, MaxAttempts: row.MaxAttempts})
}

// raise is the default of Runner.Raise.
func raise(tx *db.Tx, run *Run, cause string, err error) error {
	return exception.Raise(tx, exception.Case{
		Cause: cause, SubjectKind: "job", Subject: run.ID, Account: run.Account,
		Detail: map[string]any{"kind": run.Kind, "key": run.Key, "attempts": run.Attempt, "error": clip(err), "fault": fault.KindOf(err).String()},
	})
}

// clip keeps an error short enough to be stored and clean enough for PostgreSQL.
func clip(err error) string {
	s := strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "�"), "\x00", "�")
	if len(s) > 1000 {
		s = strings.ToValidUTF8(s[:1000], "") + "…"
	}
	return s
}
