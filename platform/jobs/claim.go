package jobs

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

const claimLimit = 64

// candidate is a due job before it is claimed.
type candidate struct {
	id, kind, account     string
	uncertain             bool
	attempts, maxAttempts int
}

// claimIfDue looks without writing first; more says that there may be further jobs for the slots that are still free.
func (r *Runner) claimIfDue(ctx context.Context) (runs []*Run, more bool, err error) {
	if r.d.Skewed() {
		return nil, false, nil
	}
	slots := r.slots()
	if len(slots) == 0 {
		return nil, false, nil
	}
	now := r.d.Now().UnixMicro()
	due := false
	err = r.d.Read(ctx, func(tx *db.Tx) error {
		_, err := db.One(tx, number, `select 1 where exists (select 1 from jobs where state = 'due' and priority = -1 and run_at <= $1)
			or exists (select 1 from jobs where state = 'due' and priority = 0 and run_at <= $1)
			or exists (select 1 from jobs where state = 'due' and priority = 1 and run_at <= $1)
			or exists (select 1 from jobs where state = 'running' and lease_until < $1)`, now)
		due = err == nil
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	if err != nil || !due {
		return nil, false, err
	}
	return r.claim(ctx, slots)
}

// slots says how many more of each kind may run; kinds without room are left out.
func (r *Runner) slots() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	slots := map[string]int{}
	if len(r.active) >= r.Workers {
		return slots
	}
	for kind, h := range r.handlers {
		if n := h.Concurrency - r.kinds[kind]; n > 0 {
			slots[kind] = n
		}
	}
	return slots
}

// room is how many more jobs may run at all.
func (r *Runner) room() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return min(claimLimit, r.Workers-len(r.active))
}

func (r *Runner) claim(ctx context.Context, slots map[string]int) (runs []*Run, more bool, err error) {
	room := r.room()
	err = r.d.Write(db.Background(ctx), func(tx *db.Tx) error {
		runs, more = nil, false
		if err := r.reap(tx); err != nil {
			return err
		}
		busy, err := r.busy(tx)
		if err != nil {
			return err
		}
		all, err := candidates(tx, slots, r.budgets.shut(tx.Now, busy), 2*room)
		if err != nil {
			return err
		}
		chosen, err := r.choose(tx, all, slots, busy, room)
		if err != nil {
			return err
		}
		more = len(all) >= 2*room && len(chosen) < room
		runs, err = r.lease(tx, chosen)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	for _, run := range runs {
		r.hold(run)
	}
	return runs, more, nil
}

// reap gives back what lost workers held. The fence grows, so that they cannot complete it any more.
func (r *Runner) reap(tx *db.Tx) error {
	_, err := tx.Exec(`update jobs set state = 'due', run_at = $1, fence = fence + 1, lease_by = null, lease_until = null,
			last_error = 'the worker was lost', last_kind = 'unavailable'
		where state = 'running' and lease_until < $1`, tx.Now.UnixMicro())
	return err
}

// busy counts the running jobs of each account in all processes, if budgets are asked for.
func (r *Runner) busy(tx *db.Tx) (map[string]int, error) {
	busy := map[string]int{}
	if r.Budget == nil {
		return busy, nil
	}
	_, err := db.All(tx, func(s db.Scanner) (none struct{}, err error) {
		var account string
		var n int
		err = s.Scan(&account, &n)
		if b := r.Budget(account); b.Concurrency > 0 {
			busy[account] = n - b.Concurrency
		}
		return none, err
	}, `select account_id, count(*) from jobs where state = 'running' and account_id is not null group by account_id`)
	return busy, err
}

// candidates reads due jobs, the most urgent first, of kinds with room and accounts that are not shut.
func candidates(tx *db.Tx, slots map[string]int, shut []string, limit int) ([]candidate, error) {
	kinds := make([]string, 0, len(slots))
	for kind := range slots {
		kinds = append(kinds, kind)
	}
	lock := tx.Lock()
	if lock != "" {
		lock += " skip locked"
	}
	var all []candidate
	for priority := Urgent; priority <= Idle; priority++ {
		tx.SendQuery(`select id, kind, account_id, uncertain, attempts, max_attempts from jobs
			where state = 'due' and priority = $1 and run_at <= $2 and kind in (select key from json_each($3))
				and (account_id is null or account_id not in (select key from json_each($4)))
			order by run_at limit $5`+lock, func(s db.Scanner) error {
			var c candidate
			err := s.Scan(&c.id, &c.kind, db.Text(&c.account), &c.uncertain, &c.attempts, &c.maxAttempts)
			all = append(all, c)
			return err
		}, priority, tx.Now.UnixMicro(), db.Keys(kinds), db.Keys(shut), limit)
	}
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	return all[:min(limit, len(all))], nil
}

// choose keeps to the limits of kinds and accounts. A job that has used up its attempts, because its workers died of it, is buried.
func (r *Runner) choose(tx *db.Tx, all []candidate, slots map[string]int, over map[string]int, room int) ([]candidate, error) {
	left := make(map[string]int, len(slots))
	for kind, n := range slots {
		left[kind] = n
	}
	var chosen []candidate
	for _, c := range all {
		h := r.handlers[c.kind]
		if c.attempts >= limitOf(c.maxAttempts, h) {
			if err := r.bury(tx, c); err != nil {
				return nil, err
			}
			continue
		}
		if len(chosen) == room || left[c.kind] == 0 || !r.admit(tx.Now, c.account, over) {
			continue
		}
		left[c.kind]--
		chosen = append(chosen, c)
	}
	return chosen, nil
}

// admit takes one job out of the account's budget.
func (r *Runner) admit(now time.Time, account string, over map[string]int) bool {
	if account == "" || r.Budget == nil {
		return true
	}
	b := r.Budget(account)
	if b.Concurrency > 0 {
		if _, known := over[account]; !known {
			over[account] = -b.Concurrency
		}
		if over[account] >= 0 {
			return false
		}
	}
	if !r.budgets.allow(now, account, b) {
		return false
	}
	if b.Concurrency > 0 {
		over[account]++
	}
	return true
}

func limitOf(own int, h *Handler) int {
	if own > 0 {
		return own
	}
	return h.MaxAttempts
}

func (r *Runner) bury(tx *db.Tx, c candidate) error {
	if _, err := tx.Exec(`update jobs set state = 'dead', finished_at = $2 where id = $1`, c.id, tx.Now.UnixMicro()); err != nil {
		return err
	}
	run := &Run{ID: c.id, Kind: c.kind, Account: c.account, Attempt: c.attempts, Uncertain: c.uncertain}
	return r.Raise(tx, run, exception.DeadJob, fault.New(fault.Unavailable, "its workers were lost %d times", c.attempts))
}

// lease marks the chosen as running. That an effect may have happened is written here, before anybody tries it.
func (r *Runner) lease(tx *db.Tx, chosen []candidate) ([]*Run, error) {
	batch := db.NewBatch(1)
	uncertain := make(map[string]bool, len(chosen))
	for _, c := range chosen {
		h := r.handlers[c.kind]
		uncertain[c.id] = c.uncertain
		batch.Add(c.id, tx.Now.Add(h.Lease).UnixMicro(), h.Effect)
	}
	var runs []*Run
	tx.SendQuery(`update jobs set state = 'running', lease_by = $1, lease_until = r.l, fence = jobs.fence + 1, attempts = jobs.attempts + 1,
			uncertain = jobs.uncertain or r.e
		from rows(i text, l bigint, e boolean) where jobs.id = r.i and jobs.state = 'due'
		returning id, kind, unique_key, account_id, payload, attempts, max_attempts, created_at, fence`, func(s db.Scanner) error {
		run := new(Run)
		var payload string
		err := s.Scan(&run.ID, &run.Kind, db.Text(&run.Key), db.Text(&run.Account), &payload, &run.Attempt, &run.MaxAttempts,
			db.Time(&run.Created), &run.Fence)
		if err != nil {
			return err
		}
		h := r.handlers[run.Kind]
		run.Payload = []byte(payload)
		run.Uncertain = uncertain[run.ID]
		run.MaxAttempts = limitOf(run.MaxAttempts, h)
		run.lease = h.Lease
		runs = append(runs, run)
		return nil
	}, batch, r.name)
	return runs, tx.Flush()
}

func number(s db.Scanner) (n int64, err error) {
	err = s.Scan(&n)
	return n, err
}

// heartbeats keeps the leases of what is active until ctx ends, and cancels what was lost.
func (r *Runner) heartbeats(ctx context.Context) {
	every := 20 * time.Second
	for _, h := range r.handlers {
		every = min(every, h.Lease/3)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := r.beat(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("leases could not be kept", "error", err)
		}
	}
}

// beat renews every lease in one statement.
func (r *Runner) beat(ctx context.Context) error {
	r.mu.Lock()
	held := make(map[string]*Run, len(r.active))
	for id, run := range r.active {
		held[id] = run
	}
	r.mu.Unlock()
	if len(held) == 0 {
		return nil
	}
	var kept map[string]bool
	err := r.d.Write(ctx, func(tx *db.Tx) error {
		kept = map[string]bool{}
		batch := db.NewBatch(1)
		for id, run := range held {
			batch.Add(id, run.Fence, tx.Now.Add(run.lease).UnixMicro())
		}
		tx.SendQuery(`update jobs set lease_until = r.l from rows(i text, f bigint, l bigint)
			where jobs.id = r.i and jobs.fence = r.f and jobs.state = 'running' returning id`, func(s db.Scanner) error {
			var id string
			err := s.Scan(&id)
			kept[id] = true
			return err
		}, batch)
		return tx.Flush()
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, run := range held {
		if !kept[id] && r.active[id] == run && run.cancel != nil {
			run.cancel(errLeaseLost)
		}
	}
	return nil
}
