package jobs

import (
	"encoding/json"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// The states of a job. One that is done is no more.
const (
	Due     = "due"
	Running = "running"
	Dead    = "dead"    // gave up: a person may edit and replay it
	Unknown = "unknown" // an effect may have happened: a person says whether
)

// Row is a job as stored.
type Row struct {
	ID, Kind, Key, Account string
	Payload                json.RawMessage
	State                  string
	Again, Uncertain       bool
	Priority               int
	RunAt                  time.Time
	Attempts, MaxAttempts  int
	LeaseBy                string
	LeaseUntil             time.Time
	LastError, LastKind    string
	CreatedAt, FinishedAt  time.Time
}

const columns = `id, kind, unique_key, account_id, payload, state, again, uncertain, priority, run_at, attempts, max_attempts, lease_by,
	lease_until, last_error, last_kind, created_at, finished_at`

func scan(s db.Scanner) (r Row, err error) {
	var payload string
	err = s.Scan(&r.ID, &r.Kind, db.Text(&r.Key), db.Text(&r.Account), &payload, &r.State, &r.Again, &r.Uncertain, &r.Priority,
		db.Time(&r.RunAt), &r.Attempts, &r.MaxAttempts, db.Text(&r.LeaseBy), db.Time(&r.LeaseUntil), db.Text(&r.LastError),
		db.Text(&r.LastKind), db.Time(&r.CreatedAt), db.Time(&r.FinishedAt))
	r.Payload = json.RawMessage(payload)
	return r, err
}

// Get reads a job. Fault: NotFound, also when it is done.
func Get(tx *db.Tx, id string) (Row, error) { return get(tx, id, "") }

func get(tx *db.Tx, id, lock string) (Row, error) {
	row, err := db.One(tx, scan, `select `+columns+` from jobs where id = $1`+lock, id)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "there is no job %s", id)
	}
	return row, err
}

// Filter narrows a list; zero fields do not.
type Filter struct{ State, Kind, Account string }

// List returns jobs by id, that is, oldest first, after the last id seen. A limit outside 1…1000 is 100.
func List(tx *db.Tx, f Filter, after string, limit int) ([]Row, error) {
	if limit < 1 || limit > 1000 {
		limit = 100
	}
	seen, args := tx.Within("jobs", "jobs", []any{after, f.State, f.Kind, f.Account, limit})
	return db.All(tx, scan, `select `+columns+` from jobs where id > $1 and (state = $2 or $2 = '') and (kind = $3 or $3 = '')
		and (account_id = $4 or $4 = '')`+seen+` order by id limit $5`, args...)
}

// Count is how many jobs of a kind are in a state.
type Count struct {
	Kind, State string
	N           int64
	Oldest      time.Time // when the first of them was to run
}

// Counts returns the jobs by kind and state.
func Counts(tx *db.Tx) ([]Count, error) {
	return db.All(tx, func(s db.Scanner) (c Count, err error) {
		err = s.Scan(&c.Kind, &c.State, &c.N, db.Time(&c.Oldest))
		return c, err
	}, `select kind, state, count(*), min(run_at) from jobs group by kind, state order by kind, state`)
}

// Replay has a job tried now, with fresh attempts and, unless nil, another payload: a dead one, one that waits, or one whose outcome is
// unknown, which will look before it acts. If the same work is due already, it is merged with it. Faults: NotFound; Conflict while it runs;
// Invalid for a payload that is no JSON.
func Replay(tx *db.Tx, id string, payload json.RawMessage) error {
	if payload != nil && !json.Valid(payload) {
		return fault.Field("payload", "must be JSON")
	}
	return restart(tx, id, payload, func(row Row) bool { return row.Uncertain })
}

// Settle says whether an effect whose outcome is unknown has happened: if so the job is done (or due once more, when it was asked for
// meanwhile), if not it is tried now. Faults: NotFound; Conflict when the outcome is not unknown.
func Settle(tx *db.Tx, id string, happened bool) error {
	row, err := get(tx, id, tx.Lock())
	if err != nil {
		return err
	}
	if !row.Uncertain || row.State == Running {
		return fault.New(fault.Conflict, "the outcome of job %s is not in question", id)
	}
	if happened && !row.Again {
		return remove(tx, row, "it happened")
	}
	return restart(tx, id, nil, func(Row) bool { return false })
}

// Discard gives a job up: it is not done and no longer there. Faults: NotFound; Conflict while it runs.
func Discard(tx *db.Tx, id string) error {
	row, err := get(tx, id, tx.Lock())
	if err != nil {
		return err
	}
	if row.State == Running {
		return fault.New(fault.Conflict, "job %s is running", id)
	}
	return remove(tx, row, "the job was given up")
}

func remove(tx *db.Tx, row Row, why string) error {
	if _, err := tx.Exec(`delete from jobs where id = $1`, row.ID); err != nil {
		return err
	}
	return settled(tx, row.ID, why)
}

func restart(tx *db.Tx, id string, payload json.RawMessage, uncertain func(Row) bool) error {
	row, err := get(tx, id, tx.Lock())
	if err != nil {
		return err
	}
	if row.State == Running {
		return fault.New(fault.Conflict, "job %s is running", id)
	}
	if payload != nil {
		row.Payload = payload
	}
	if row.State == Dead && row.Key != "" {
		other, err := db.All(tx, scan, `select `+columns+` from jobs where kind = $1 and unique_key = $2 and state in ('due', 'running', 'unknown')`+tx.Lock(),
			row.Kind, row.Key)
		if err != nil {
			return err
		}
		if len(other) > 0 {
			if err := remove(tx, row, "the same work is due already"); err != nil {
				return err
			}
			return Enqueue(tx, Job{Kind: row.Kind, Key: row.Key, Account: row.Account, Payload: row.Payload, Priority: row.Priority})
		}
	}
	if _, err := tx.Exec(`update jobs set state = 'due', again = false, uncertain = $2, attempts = 0, run_at = $3, payload = $4,
		finished_at = null where id = $1`, id, uncertain(row), tx.Now.UnixMicro(), string(row.Payload)); err != nil {
		return err
	}
	return settled(tx, id, "the job is tried again")
}

func settled(tx *db.Tx, id, why string) error {
	return exception.Clear(tx, "system", why,
		exception.Key{Cause: exception.DeadJob, SubjectKind: "job", Subject: id},
		exception.Key{Cause: exception.OutcomeUnknown, SubjectKind: "job", Subject: id})
}

// Doubt takes every job that is not done for one that may have been begun, as after a crash in the middle of it: what it does to others is looked for before it is done. For a
// database made of a backup, after which it was at work.
func Doubt(tx *db.Tx) error {
	_, err := tx.Exec(`update jobs set uncertain = true where state in ('due', 'running')`)
	return err
}
