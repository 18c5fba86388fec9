// Package exception is the inbox of cases that need a person: every wing raises them, nothing that cannot be applied is dropped. Start
// at Raise, then Causes, which says what each case means and what to do about it.
//
// One row is open per (cause, subject): a repeat counts and refreshes it, so raising is safe to repeat. Cases carry ids and codes,
// never personal data.
package exception

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Key says which case: the cause and what it is about.
type Key struct {
	Cause       string // a name in Causes
	SubjectKind string // "order", "sku", "job", …
	Subject     string // the subject's id; for things without one, a stable text
}

// Case is something a person must look at.
type Case struct {
	Cause                    string // a name in Causes
	SubjectKind, Subject     string // what it is about; together with Cause it is unique while open
	Order, Account, Location string // our ids, where there are any
	Deadline                 time.Time
	Detail                   any // facts for the person, rendered as JSON; nil is none
}

// Key is the case's key.
func (c Case) Key() Key { return Key{c.Cause, c.SubjectKind, c.Subject} }

// Row is a case as stored.
type Row struct {
	ID, Cause, SubjectKind, Subject     string
	Order, Account, Location            string
	State                               string // open or resolved
	Since, Deadline                     time.Time
	Detail                              json.RawMessage
	Times                               int64 // how often it was raised while open
	Assignee                            string
	SnoozedUntil, ResolvedAt, UpdatedAt time.Time
	ResolvedBy, Resolution              string
	Version                             int64 // changes with every write; pass it back to Resolve, Snooze and Assign
}

// The states of a case.
const (
	Open     = "open"
	Resolved = "resolved"
)

// Raise opens cases, or counts and refreshes those that are open already: detail, order, account and location become the newest, since
// and assignee stay, the earlier deadline wins. A case without a deadline gets its cause's. Faults: Invalid for an unknown cause or an
// empty subject.
func Raise(tx *db.Tx, cases ...Case) error {
	type raised struct {
		Case
		times int64
	}
	byKey := make(map[Key]raised, len(cases))
	for _, c := range cases {
		cause, err := c.check()
		if err != nil {
			return err
		}
		if c.Deadline.IsZero() && cause.Deadline > 0 {
			c.Deadline = tx.Now.Add(cause.Deadline)
		}
		r := byKey[c.Key()]
		if !r.Deadline.IsZero() && r.Deadline.Before(c.Deadline) {
			c.Deadline = r.Deadline
		}
		byKey[c.Key()] = raised{c, r.times + 1}
	}
	batch := db.NewBatch(3)
	for _, k := range slices.SortedFunc(maps.Keys(byKey), compareKeys) {
		c := byKey[k]
		detail, err := marshal(c.Detail)
		if err != nil {
			return err
		}
		batch.Add(c.Cause, c.SubjectKind, c.Subject, db.ID(), null(c.Order), null(c.Account), null(c.Location),
			db.Micros(c.Deadline), detail, c.times)
	}
	tx.Send(`insert into exceptions (id, cause, subject_kind, subject_id, order_id, account_id, location_id, state, since, deadline,
		detail, times, updated_at, version)
		select r.i, r.c, r.k, r.s, r.o, r.a, r.l, 'open', $1, r.d, r.j, r.t, $1, 1
		from rows(c text, k text, s text, i text, o text, a text, l text, d bigint, j text, t bigint) where true
		on conflict (cause, subject_kind, subject_id) where state = 'open' do update set
			times = exceptions.times + excluded.times,
			detail = excluded.detail,
			order_id = coalesce(excluded.order_id, exceptions.order_id),
			account_id = coalesce(excluded.account_id, exceptions.account_id),
			location_id = coalesce(excluded.location_id, exceptions.location_id),
			deadline = case when exceptions.deadline is null or excluded.deadline < exceptions.deadline
				then excluded.deadline else exceptions.deadline end,
			updated_at = excluded.updated_at,
			version = exceptions.version + 1`, batch, tx.Now.UnixMicro())
	return nil
}

func (c Case) check() (Cause, error) {
	cause, ok := causes[c.Cause]
	if !ok {
		return Cause{}, fault.New(fault.Invalid, "there is no exception cause %q", c.Cause)
	}
	if c.SubjectKind == "" || c.Subject == "" {
		return Cause{}, fault.New(fault.Invalid, "an exception %s without a subject", c.Cause)
	}
	return cause, nil
}

// Clear resolves cases whose cause is gone. Cases that are not open are none: safe to repeat.
func Clear(tx *db.Tx, by, resolution string, keys ...Key) error {
	batch := db.NewBatch(3)
	for _, k := range slices.Compact(slices.SortedFunc(slices.Values(keys), compareKeys)) {
		batch.Add(k.Cause, k.SubjectKind, k.Subject)
	}
	tx.Send(`update exceptions set state = 'resolved', resolved_at = $1, resolved_by = $2, resolution = $3, updated_at = $1,
			version = exceptions.version + 1
		from rows(c text, k text, s text)
		where exceptions.cause = r.c and exceptions.subject_kind = r.k and exceptions.subject_id = r.s and exceptions.state = 'open'`,
		batch, tx.Now.UnixMicro(), by, resolution)
	return nil
}

// Resolve closes a case a person has dealt with. Version 0 stands for any. Faults: NotFound; Conflict when it is resolved already or was
// changed since that version.
func Resolve(tx *db.Tx, id, by, resolution string, version int64) error {
	return change(tx, id, version, `state = 'resolved', resolved_at = $3, resolved_by = $4, resolution = $5`, by, resolution)
}

// Snooze hides an open case from the list until then; a zero time wakes it. Version and faults as for Resolve.
func Snooze(tx *db.Tx, id string, until time.Time, version int64) error {
	return change(tx, id, version, `snoozed_until = $4`, db.Micros(until))
}

// Assign gives an open case to somebody; "" gives it back to everybody. Version and faults as for Resolve.
func Assign(tx *db.Tx, id, assignee string, version int64) error {
	return change(tx, id, version, `assignee = $4`, null(assignee))
}

func change(tx *db.Tx, id string, version int64, set string, args ...any) error {
	n, err := tx.Exec(`update exceptions set `+set+`, updated_at = $3, version = version + 1
		where id = $1 and state = 'open' and (version = $2 or $2 = 0)`, append([]any{id, version, tx.Now.UnixMicro()}, args...)...)
	if err != nil || n == 1 {
		return err
	}
	row, err := Get(tx, id)
	switch {
	case err != nil:
		return err
	case row.State == Resolved:
		return fault.New(fault.Conflict, "the exception is resolved already").WithCode("resolved")
	}
	return fault.New(fault.Conflict, "somebody else changed the exception first: it has version %d", row.Version).WithCode("version")
}

const columns = `id, cause, subject_kind, subject_id, order_id, account_id, location_id, state, since, deadline, detail, times, assignee,
	snoozed_until, resolved_at, resolved_by, resolution, updated_at, version`

func scan(s db.Scanner) (r Row, err error) {
	var detail string
	err = s.Scan(&r.ID, &r.Cause, &r.SubjectKind, &r.Subject, db.Text(&r.Order), db.Text(&r.Account), db.Text(&r.Location), &r.State,
		db.Time(&r.Since), db.Time(&r.Deadline), &detail, &r.Times, db.Text(&r.Assignee), db.Time(&r.SnoozedUntil),
		db.Time(&r.ResolvedAt), db.Text(&r.ResolvedBy), db.Text(&r.Resolution), db.Time(&r.UpdatedAt), &r.Version)
	r.Detail = json.RawMessage(detail)
	return r, err
}

// Get reads one case. Fault: NotFound.
func Get(tx *db.Tx, id string) (Row, error) {
	row, err := db.One(tx, scan, `select `+columns+` from exceptions where id = $1`, id)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "there is no exception %s", id)
	}
	return row, err
}

// Filter narrows a list; zero fields do not.
type Filter struct {
	State                    string // default Open; "any" for both
	Cause                    string
	SubjectKind, Subject     string
	Order, Account, Location string
	Assignee                 string
	Snoozed                  bool // also those that sleep
	Overdue                  bool // only those past their deadline
	Old                      bool // only those that have been open for more than a day
}

// List returns cases, oldest first, and the cursor to continue after them: "" at the end. A limit outside 1…500 is 100.
// Fault: Invalid for a cursor that is none.
func List(tx *db.Tx, f Filter, after string, limit int) ([]Row, string, error) {
	if limit < 1 || limit > 500 {
		limit = 100
	}
	since, id, err := parseCursor(after)
	if err != nil {
		return nil, "", err
	}
	where, args := f.where(tx.Now)
	seen, args := tx.Within("exceptions", "exceptions", args)
	args = append(args, since, id, limit+1)
	n := len(args)
	rows, err := db.All(tx, scan, fmt.Sprintf(`select %s from exceptions where %s and (since, id) > ($%d, $%d)
		order by since, id limit $%d`, columns, where+seen, n-2, n-1, n), args...)
	if err != nil || len(rows) <= limit {
		return rows, "", err
	}
	rows = rows[:limit]
	last := rows[limit-1]
	return rows, strconv.FormatInt(last.Since.UnixMicro(), 10) + "." + last.ID, nil
}

func (f Filter) where(now time.Time) (string, []any) {
	var parts []string
	var args []any
	add := func(text string, arg any) {
		args = append(args, arg)
		parts = append(parts, strings.ReplaceAll(text, "$", "$"+strconv.Itoa(len(args))))
	}
	if f.State != "any" {
		add("state = $", cmp.Or(f.State, Open))
	}
	for _, f := range [...]struct{ column, want string }{
		{"cause", f.Cause},
		{"subject_kind", f.SubjectKind},
		{"subject_id", f.Subject},
		{"order_id", f.Order},
		{"account_id", f.Account},
		{"location_id", f.Location},
		{"assignee", f.Assignee},
	} {
		if f.want != "" {
			add(f.column+" = $", f.want)
		}
	}
	if !f.Snoozed {
		add("(snoozed_until is null or snoozed_until <= $)", now.UnixMicro())
	}
	if f.Overdue {
		add("deadline <= $", now.UnixMicro())
	}
	if f.Old {
		add("since <= $", now.Add(-OldAfter).UnixMicro())
	}
	if len(parts) == 0 {
		return "true", nil
	}
	return strings.Join(parts, " and "), args
}

func parseCursor(after string) (since int64, id string, err error) {
	if after == "" {
		return -1 << 62, "", nil
	}
	at, id, ok := strings.Cut(after, ".")
	if since, err = strconv.ParseInt(at, 10, 64); err != nil || !ok {
		return 0, "", fault.Field("after", "this is not a cursor of this list")
	}
	return since, id, nil
}

// Count is how many cases of a cause are open.
type Count struct {
	Cause   string
	Open    int64
	Overdue int64
	Oldest  time.Time
}

// Counts returns the open cases by cause, most first; causes without any are left out.
func Counts(tx *db.Tx) ([]Count, error) {
	seen, args := tx.Within("exceptions", "exceptions", []any{tx.Now.UnixMicro()})
	return db.All(tx, func(s db.Scanner) (c Count, err error) {
		err = s.Scan(&c.Cause, &c.Open, &c.Overdue, db.Time(&c.Oldest))
		return c, err
	}, `select cause, count(*), count(*) filter (where deadline <= $1), min(since) from exceptions where state = 'open'`+seen+`
		group by cause order by 2 desc, 1`, args...)
}

func marshal(detail any) (string, error) {
	if detail == nil {
		return "{}", nil
	}
	text, err := json.Marshal(detail)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "the detail of an exception cannot be written as JSON")
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

// compareKeys is the order in which rows are locked.
func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.SubjectKind, b.SubjectKind), cmp.Compare(a.Subject, b.Subject))
}
