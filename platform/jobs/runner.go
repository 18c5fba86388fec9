package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Run is one attempt at a job.
type Run struct {
	ID, Kind, Key, Account string
	Payload                json.RawMessage
	Attempt                int // 1 for the first
	MaxAttempts            int
	Created                time.Time

	// Uncertain: an earlier attempt at an effect may have happened. Do looks before it acts (by idempotency key or reference), and may set
	// it to false once it knows that nothing has happened.
	Uncertain bool
	// Fence grows with every claim of the job; a completion with an old one changes nothing.
	Fence int64

	lease  time.Duration
	cancel context.CancelCauseFunc
}

// Decode reads a run's payload into a T. Fault: Invalid, which is not tried again.
func Decode[T any](r *Run) (T, error) {
	var payload T
	if err := json.Unmarshal(r.Payload, &payload); err != nil {
		return payload, fault.Wrap(fault.Invalid, err, "the payload of this "+r.Kind+" job cannot be read")
	}
	return payload, nil
}

// Handler does one kind of job.
type Handler struct {
	Kind string

	// Do does the work outside any transaction. The returned function, if any, writes its outcome in the transaction that completes the
	// job: both happen or neither. The error's fault kind decides what happens next: Invalid, Refused and Forbidden give up at once,
	// Throttled waits as told and does not count, OutcomeUnknown of an effect waits for a person, the rest is tried again with backoff.
	// The context ends when the lease is lost or the runner has stopped for longer than its grace.
	Do func(ctx context.Context, r *Run) (done func(tx *db.Tx) error, err error)

	Effect      bool          // it reaches outside: that it may have happened is durable before Do is called
	Concurrency int           // at the same time in this process; default 4
	Lease       time.Duration // without a heartbeat for so long, others take over; default 1 min
	MaxAttempts int           // default 20, about ten hours
}

// Runner claims jobs and does them. Any number of processes may run the same kinds.
type Runner struct {
	// Set before Run.
	Schedules []Schedule
	Workers   int                         // jobs at the same time in this process; default 32
	Grace     time.Duration               // how long a stopping runner waits for jobs; default 20 s
	Budget    func(account string) Budget // what an account may use; nil is no limit
	// Raise tells a person that a job is dead (exception.DeadJob) or its outcome unknown (exception.OutcomeUnknown), in the transaction
	// that says so. The default raises the exception about the job.
	Raise func(tx *db.Tx, r *Run, cause string, err error) error

	d        *db.DB
	log      *slog.Logger
	name     string
	handlers map[string]*Handler
	wake     chan struct{}
	budgets  budgets

	mu     sync.Mutex
	active map[string]*Run // by id
	kinds  map[string]int  // active by kind
}

// New makes a runner of these kinds.
func New(d *db.DB, log *slog.Logger, handlers ...Handler) *Runner {
	host, _ := os.Hostname() // only a name for people
	r := &Runner{
		Workers: 32, Grace: 20 * time.Second,
		d: d, log: log, name: fmt.Sprintf("%s/%d/%s", host, os.Getpid(), db.ID()[24:]),
		handlers: map[string]*Handler{}, wake: make(chan struct{}, 1),
		active: map[string]*Run{}, kinds: map[string]int{},
	}
	r.Raise = raise
	for _, h := range handlers {
		if h.Concurrency == 0 {
			h.Concurrency = 4
		}
		if h.Lease == 0 {
			h.Lease = time.Minute
		}
		if h.MaxAttempts == 0 {
			h.MaxAttempts = 20
		}
		r.handlers[h.Kind] = &h
	}
	return r
}

// Nudge has the runner look at once, for tx.AfterCommit. It never blocks.
func (r *Runner) Nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

const (
	paceBusy = 5 * time.Millisecond
	paceIdle = 250 * time.Millisecond
)

var (
	errStopping  = errors.New("the runner is stopping")
	errLeaseLost = errors.New("the lease was lost")
)

// Run does jobs and schedules until ctx ends; then it claims nothing more, waits Grace for what is running, cancels the rest, waits for
// that too and returns nil. What it could not finish is due again.
func (r *Runner) Run(ctx context.Context) error {
	base, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var jobs, helpers sync.WaitGroup
	beat, endBeat := context.WithCancel(base)
	helpers.Go(func() { r.heartbeats(beat) })
	jobs.Go(func() { r.runSchedules(ctx, base) })

	wait := paceBusy
	for ctx.Err() == nil {
		runs, more, err := r.claimIfDue(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("jobs could not be claimed", "error", err)
		}
		for _, run := range runs {
			jobs.Go(func() { r.do(base, run) })
		}
		switch {
		case more && err == nil:
			continue
		case len(runs) > 0:
			wait = paceBusy
		}
		if r.sleep(ctx, wait) {
			wait = paceBusy
		} else {
			wait = min(2*wait, paceIdle)
		}
	}

	late := time.AfterFunc(r.Grace, func() { stop(errStopping) })
	jobs.Wait()
	late.Stop()
	endBeat()
	helpers.Wait()
	return nil
}

// sleep reports whether it was nudged awake.
func (r *Runner) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-r.wake:
		return true
	}
	return false
}

// Drain does what is due now, and what becomes due by that, one batch after the other, and says how many attempts it made: for tests and
// for commands that play something to its end. Jobs that wait for their time stay.
func (r *Runner) Drain(ctx context.Context) (int, error) {
	total := 0
	for {
		runs, _, err := r.claimIfDue(ctx)
		if err != nil || len(runs) == 0 {
			return total, err
		}
		var wg sync.WaitGroup
		for _, run := range runs {
			wg.Go(func() { r.do(ctx, run) })
		}
		wg.Wait()
		total += len(runs)
	}
}

// do makes one attempt and records how it ended.
func (r *Runner) do(base context.Context, run *Run) {
	defer r.release(run)
	h := r.handlers[run.Kind]
	ctx, cancel := context.WithCancelCause(base)
	defer cancel(nil)
	r.mu.Lock()
	run.cancel = cancel
	r.mu.Unlock()

	done, err := attempt(ctx, h, run)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	// The outcome is recorded even while stopping.
	if err := r.finish(context.WithoutCancel(base), h, run, done, err); err != nil {
		r.log.Warn("the outcome of a job could not be recorded", "job", run.ID, "kind", run.Kind, "fence", run.Fence, "error", err)
	}
}

// attempt calls Do; a panic is an error like any other.
func attempt(ctx context.Context, h *Handler, run *Run) (done func(*db.Tx) error, err error) {
	defer func() {
		if p := recover(); p != nil {
			done, err = nil, fault.Wrap(fault.Internal, fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "the job panicked")
		}
	}()
	return h.Do(ctx, run)
}

// hold and release count what is active.
func (r *Runner) hold(run *Run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active[run.ID] = run
	r.kinds[run.Kind]++
}

func (r *Runner) release(run *Run) {
	r.mu.Lock()
	if r.active[run.ID] == run {
		delete(r.active, run.ID)
	}
	r.kinds[run.Kind]--
	r.mu.Unlock()
	r.Nudge()
}
