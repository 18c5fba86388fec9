// Package jobs does work later, again and elsewhere: due rows on the same database, enqueued in the transaction that makes them necessary,
// claimed by lease and fencing number, tried again with backoff, and shown to a person when they give up. Start at Enqueue, then Handler.
//
// What reaches outside (Handler.Effect) is never repeated blindly: that it may have happened is durable before it is tried.
package jobs

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// The priorities: what is due and more urgent goes first, however long the rest has waited.
const (
	Urgent = -1
	Normal = 0
	Idle   = 1
)

// Job is work to be done.
type Job struct {
	ID          string    // default: a new one
	Kind        string    // which Handler does it
	Key         string    // of jobs with the same Kind and Key one is due at a time; "" for as many as there are
	Account     string    // whose budget it uses; "" for none
	Payload     any       // marshalled to JSON: ids, no personal data, no secrets
	RunAt       time.Time // not before; default now
	Priority    int       // Urgent, Normal or Idle
	MaxAttempts int       // default: the handler's
}

// Enqueue makes jobs due in this transaction. Same (Kind, Key) means the same work: a job that is due already is merged (the earlier RunAt,
// the more urgent, the newest payload; one that waits after a failure goes on waiting), one that is running or whose outcome is unknown
// becomes due once more after it. Fault: Invalid for a job without kind or with another priority.
func Enqueue(tx *db.Tx, jobs ...Job) error {
	merged := make(map[[2]string]Job, len(jobs))
	var free []Job
	for _, j := range jobs {
		if j.Kind == "" || j.Priority < Urgent || j.Priority > Idle {
			return fault.New(fault.Invalid, "a job needs a kind and a priority from %d to %d, got %q and %d", Urgent, Idle, j.Kind, j.Priority)
		}
		if j.RunAt.IsZero() {
			j.RunAt = tx.Now
		}
		if j.Key == "" {
			free = append(free, j)
			continue
		}
		k := [2]string{j.Kind, j.Key}
		if before, ok := merged[k]; ok {
			j.ID = before.ID
			j.Priority = min(j.Priority, before.Priority)
			if before.RunAt.Before(j.RunAt) {
				j.RunAt = before.RunAt
			}
		}
		merged[k] = j
	}
	keyed := slices.SortedFunc(maps.Values(merged), func(a, b Job) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
	})
	if err := send(tx, insertJobs, free); err != nil {
		return err
	}
	return send(tx, insertJobs+` where true
		on conflict (kind, unique_key) where state in ('due', 'running', 'unknown') do update set
			payload = excluded.payload,
			priority = case when excluded.priority < jobs.priority then excluded.priority else jobs.priority end,
			run_at = case when jobs.state = 'due' and jobs.attempts > 0 then jobs.run_at
				when (jobs.state = 'due' or jobs.again) and jobs.run_at < excluded.run_at then jobs.run_at
				else excluded.run_at end,
			again = jobs.again or jobs.state <> 'due'`, keyed)
}

const insertJobs = `insert into jobs (id, kind, unique_key, account_id, payload, state, again, uncertain, priority, run_at, attempts,
	max_attempts, fence, created_at)
	select r.i, r.k, r.u, r.a, r.p, 'due', false, false, r.y, r.t, 0, r.m, 0, $1
	from rows(i text, k text, u text, a text, p text, y bigint, t bigint, m bigint)`

func send(tx *db.Tx, text string, jobs []Job) error {
	batch := db.NewBatch(1)
	for _, j := range jobs {
		payload, err := marshal(j.Payload)
		if err != nil {
			return err
		}
		batch.Add(cmp.Or(j.ID, db.ID()), j.Kind, null(j.Key), null(j.Account), payload, j.Priority, j.RunAt.UnixMicro(), j.MaxAttempts)
	}
	if batch.Len() > 0 {
		tx.Send(text, batch, tx.Now.UnixMicro())
	}
	return nil
}

func marshal(payload any) (string, error) {
	if payload == nil {
		return "{}", nil
	}
	text, err := json.Marshal(payload)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "the payload of a job cannot be written as JSON")
	}
	return string(text), nil
}

// null stores "" as null.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}
