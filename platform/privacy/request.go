package privacy

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Asking is what a channel asks about a buyer's data.
type Asking string

// What can be asked.
const (
	AskExport    Asking = "export"     // to be told what is kept
	AskErase     Asking = "erase"      // to have it erased
	AskEraseShop Asking = "erase_shop" // to have all erased that a shop ever gave
)

// Request is a wish that a channel passed on. It names orders, nobody.
type Request struct {
	ID      string    `json:"id"`
	Account string    `json:"account_id"`
	Kind    Asking    `json:"kind" enum:"export,erase,erase_shop"`
	Subject string    `json:"subject" doc:"The channel's id of the customer, or of the shop"`
	Orders  []string  `json:"orders" doc:"The channel's ids"`
	State   string    `json:"state" enum:"open,done"`
	AskedAt time.Time `json:"asked_at"`
	DueAt   time.Time `json:"due_at"`
	DoneAt  time.Time `json:"done_at,omitzero"`
	Erased  int64     `json:"erased" doc:"Orders of which all that is personal was erased"`
	Waiting int64     `json:"waiting" doc:"Orders that are not finished yet: they are erased when they are"`
}

const requestColumns = `id, account_id, kind, subject, orders, state, asked_at, due_at, done_at, erased, waiting`

func scanRequest(row db.Scanner) (r Request, err error) {
	err = row.Scan(&r.ID, &r.Account, db.Text(&r.Kind), &r.Subject, db.JSON(&r.Orders), &r.State, db.Time(&r.AskedAt), db.Time(&r.DueAt), db.Time(&r.DoneAt), &r.Erased, &r.Waiting)
	return r, err
}

// Ask keeps what a channel asks, and answers its id; the same wish told again while it is open is one.
func (s *Store) Ask(tx *db.Tx, r Request) (id string, err error) {
	orders := append([]string{}, slices.Compact(slices.Sorted(slices.Values(r.Orders)))...)
	tx.Locking(db.LockOther, "privacy:"+r.Account)
	open, err := db.All(tx, scanRequest, `select `+requestColumns+` from privacy_requests where account_id = $1 and kind = $2 and subject = $3 and state = 'open' order by id`+tx.Lock(),
		r.Account, string(r.Kind), r.Subject)
	if err != nil {
		return "", err
	}
	for _, o := range open {
		if slices.Equal(o.Orders, orders) {
			return o.ID, nil
		}
	}
	id = db.ID()
	list, err := json.Marshal(orders)
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(`insert into privacy_requests (id, account_id, kind, subject, orders, state, asked_at, due_at, next_at, erased, waiting) values ($1, $2, $3, $4, $5, 'open', $6, $7, $6, 0, 0)`,
		id, r.Account, string(r.Kind), r.Subject, string(list), tx.Now.UnixMicro(), r.DueAt.UnixMicro())
	return id, err
}

// RequestOf reads one. Fault: NotFound.
func (s *Store) RequestOf(tx *db.Tx, id string) (Request, error) {
	return db.One(tx, scanRequest, `select `+requestColumns+` from privacy_requests where id = $1`, id)
}

// Requests lists what channels asked, newest first, before an id.
func (s *Store) Requests(tx *db.Tx, before string, limit int) ([]Request, error) {
	return db.All(tx, scanRequest, `select `+requestColumns+` from privacy_requests where $1 = '' or id < $1 order by id desc limit $2`, before, limit)
}

// DueRequests lists the erasures of accounts that can be worked on now, oldest first. Exports wait for a person.
func (s *Store) DueRequests(tx *db.Tx, accounts []string, limit int) ([]Request, error) {
	return db.All(tx, scanRequest, `select `+requestColumns+` from privacy_requests where state = 'open' and kind <> 'export' and next_at <= $1
		and account_id in (select key from json_each($2)) order by next_at, id limit $3`+tx.Lock(), tx.Now.UnixMicro(), db.Keys(accounts), limit)
}

// GoOn notes what came of a request so far: so many orders more were erased, so many wait. It is worked on again after the pause.
func (s *Store) GoOn(tx *db.Tx, id string, more, waiting int64, pause time.Duration) error {
	_, err := tx.Exec(`update privacy_requests set erased = erased + $2, waiting = $3, next_at = $4 where id = $1 and state = 'open'`, id, more, waiting, tx.Now.Add(pause).UnixMicro())
	return err
}

// Done ends a request, after so many orders more. Safe to repeat.
func (s *Store) Done(tx *db.Tx, id string, more int64) error {
	_, err := tx.Exec(`update privacy_requests set erased = erased + $2, waiting = 0, state = 'done', done_at = $3 where id = $1 and state = 'open'`, id, more, tx.Now.UnixMicro())
	return err
}

// Subjects are the orders a request is about.
func (r Request) Subjects() []Subject {
	all := make([]Subject, 0, len(r.Orders))
	for _, o := range r.Orders {
		if o = strings.TrimSpace(o); o != "" {
			all = append(all, Subject{r.Account, o})
		}
	}
	return all
}

// Kept is an order of which personal records are kept.
type Kept struct {
	Subject
	Since time.Time // of the newest record
}

// Living pages through the orders of which something personal is kept, in the order of their accounts and ids; an empty account in only is every one.
func (s *Store) Living(tx *db.Tx, only string, after Subject, limit int) ([]Kept, error) {
	if limit < 1 {
		return nil, fault.New(fault.Internal, "a page of nothing")
	}
	return db.All(tx, func(row db.Scanner) (k Kept, err error) {
		err = row.Scan(&k.Account, &k.External, db.Time(&k.Since))
		return k, err
	}, `select account_id, external, max(created_at) from personal_records where erased_at is null and ($1 = '' or account_id = $1)
		and (account_id > $2 or (account_id = $2 and external > $3)) group by account_id, external order by account_id, external limit $4`, only, after.Account, after.External, limit)
}

// ScrubDue reports whether something was destroyed since the last time the disk was scrubbed of it, or that was longer ago than every.
func (s *Store) ScrubDue(tx *db.Tx, every time.Duration) (bool, error) {
	p, err := progressOf(tx, "scrub")
	if err != nil {
		return false, err
	}
	var last int64
	if at, err := time.Parse(time.RFC3339Nano, p.mark); err == nil {
		last = at.UnixMicro()
	}
	var fresh bool
	err = tx.QueryRow(`select exists (select 1 from erasures where at >= $1) or exists (select 1 from personal_records where erased_at >= $1)`, last).Scan(&fresh)
	return fresh || tx.Now.Add(-every).UnixMicro() > last, err
}

// Scrub says how it stands with taking destroyed keys off the disk.
type Scrub struct {
	At        time.Time `json:"at,omitzero" doc:"When that was last done of all that had been destroyed by then"`
	TriedAt   time.Time `json:"tried_at,omitzero" doc:"When it was last tried"`
	Left      int64     `json:"left" doc:"Destroyed keys that had to be left there then, since another session of the database could still see them; it is tried again soon"`
	OldestLog time.Time `json:"oldest_log,omitzero" doc:"The age of the oldest write-ahead log kept then, which may hold what was destroyed since; none: the database does not tell us"`
}

// Scrubbed notes what came of scrubbing the disk, as of a time: so many rows had to be left, and the oldest log is so old. Only what left none counts as done.
func (s *Store) Scrubbed(tx *db.Tx, at time.Time, left int64, oldest time.Time) error {
	log := ""
	if !oldest.IsZero() {
		log = oldest.UTC().Format(time.RFC3339Nano)
	}
	if err := s.mark(tx, "scrub.left", log, left); err != nil || left > 0 {
		return err
	}
	return s.mark(tx, "scrub", at.UTC().Format(time.RFC3339Nano), 0)
}

// Scrub is what was noted last; zero when never.
func (s *Store) Scrub(tx *db.Tx) (out Scrub, err error) {
	_, err = db.All(tx, func(row db.Scanner) (_ struct{}, err error) {
		var name, mark string
		var count int64
		var tried time.Time
		err = row.Scan(&name, &mark, &count, db.Time(&tried))
		at, _ := time.Parse(time.RFC3339Nano, mark) // "" is never
		if name == "scrub" {
			out.At = at
		} else {
			out.Left, out.OldestLog, out.TriedAt = count, at, tried
		}
		return struct{}{}, err
	}, `select name, mark, count, updated_at from privacy_progress where name in ('scrub', 'scrub.left')`)
	return out, err
}
