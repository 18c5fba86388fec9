// Package audit records who did what to what, and why: acts of people, privileged acts, and every reading of personal data. Start at
// Log.Write, then Linker and Verify.
//
// An entry is written in the transaction of the act itself, so that neither exists without the other, and carries a MAC under a key
// of the vault: a row that was changed or made by hand in the database shows it. Behind the writers a Linker binds each row to all
// before it (a hash chain), so that a row that was taken away shows as well; where the chain ends is told as an event from time to time,
// so that a chain that was written anew does not agree with what others hold. Entries carry ids and codes, never personal data or secrets.
package audit

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// Entry is one act.
type Entry struct {
	Actor       string // who: "key:…", "cli:…", "system:…", see access.Caller
	Action      string // what, in dotted words: "order.cancel", "personal.read"
	SubjectKind string // of what kind the thing is: "order", "account", …
	Subject     string // its id
	Purpose     string // why personal data was read; "" elsewhere
	Detail      any    // facts for whoever looks into it, rendered as JSON; nil is none
	RequestID   string // the request that led to it; "" when there was none
}

// Row is an entry as stored.
type Row struct {
	N                    int64 // in the order of writing
	ID                   string
	At                   time.Time
	Actor, Action        string
	SubjectKind, Subject string
	Purpose              string
	Detail               json.RawMessage
	RequestID            string
	Genuine              bool  // the MAC is right: nobody changed the row since
	Position             int64 // in the chain; 0 until it is linked, less than a second later
	mac                  []byte
}

// Log is the audit log. It is safe for concurrent use.
type Log struct{ signer *vault.Signer }

// New makes a log that signs with the vault's key. Call it at start, outside a transaction.
func New(ctx context.Context, v *vault.Vault) (*Log, error) {
	signer, err := v.Signer(ctx)
	return &Log{signer}, err
}

// Write adds entries; they are kept if the transaction commits. Fault: Invalid for an entry without actor, action or subject, and for a
// detail that is no JSON.
func (l *Log) Write(tx *db.Tx, entries ...Entry) error {
	batch := db.NewBatch(1)
	acting, _ := tx.Context().Value(actKey{}).(*act)
	for _, e := range entries {
		if acting != nil && e.RequestID == "" {
			e.RequestID = acting.entry().RequestID
		}
		if e.Actor == "" || e.Action == "" || e.SubjectKind == "" || e.Subject == "" {
			return fault.New(fault.Invalid, "an audit entry without actor, action or subject: %s %s", e.Action, e.SubjectKind)
		}
		row := Row{
			ID: db.ID(), At: tx.Now, Actor: e.Actor, Action: e.Action, SubjectKind: e.SubjectKind, Subject: e.Subject,
			Purpose: e.Purpose, Detail: json.RawMessage("{}"), RequestID: e.RequestID,
		}
		var err error
		if e.Detail != nil {
			if row.Detail, err = json.Marshal(e.Detail); err != nil {
				return fault.Wrap(fault.Invalid, err, "the detail of an audit entry cannot be written")
			}
		}
		if row.mac, err = l.signer.Sign(row.message()); err != nil {
			return err
		}
		batch.Add(row.ID, row.Actor, row.Action, row.SubjectKind, row.Subject, null(row.Purpose), string(row.Detail), null(row.RequestID), row.mac)
	}
	if acting != nil && len(entries) > 0 {
		acting.wrote(tx)
	}
	tx.Send(`insert into audit_log (id, at, actor, action, subject_kind, subject_id, purpose, detail, request_id, mac)
		select r.i, $1, r.w, r.a, r.k, r.s, r.p, r.d, r.q, r.m
		from rows(i text, w text, a text, k text, s text, p text, d text, q text, m bytea) where true`, batch, tx.Now.UnixMicro())
	return nil
}

// message is what the MAC is made of: every field with its length before it, so that none can be shifted into the next.
func (r *Row) message() []byte {
	out := make([]byte, 0, 256+len(r.Detail))
	out = append(out, "audit/1"...)
	out = binary.BigEndian.AppendUint64(out, uint64(r.At.UnixMicro()))
	for _, field := range []string{r.ID, r.Actor, r.Action, r.SubjectKind, r.Subject, r.Purpose, string(r.Detail), r.RequestID} {
		out = binary.BigEndian.AppendUint64(out, uint64(len(field)))
		out = append(out, field...)
	}
	return out
}

const columns = `n, id, at, actor, action, subject_kind, subject_id, purpose, detail, request_id, position, mac`

func (l *Log) scan(s db.Scanner) (r Row, err error) {
	var detail string
	err = s.Scan(&r.N, &r.ID, db.Time(&r.At), &r.Actor, &r.Action, &r.SubjectKind, &r.Subject, db.Text(&r.Purpose), &detail,
		db.Text(&r.RequestID), db.Int(&r.Position), &r.mac)
	r.Detail = json.RawMessage(detail)
	r.Genuine = err == nil && l.signer.Verify(r.mac, r.message())
	return r, err
}

// Filter narrows a list; zero fields do not.
type Filter struct {
	Actor                string
	Action               string
	SubjectKind, Subject string
	RequestID            string
	Since, Until         time.Time // Until is exclusive
}

// List returns entries, newest first, before a position; 0 starts at the newest. A limit outside 1…1000 is 100.
func (l *Log) List(tx *db.Tx, f Filter, before int64, limit int) ([]Row, error) {
	if limit < 1 || limit > 1000 {
		limit = 100
	}
	where, args := "true", []any(nil)
	add := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" and "+condition, len(args))
	}
	if before > 0 {
		add("n < $%d", before)
	}
	for _, c := range []struct{ column, value string }{
		{"actor", f.Actor}, {"action", f.Action}, {"subject_kind", f.SubjectKind}, {"subject_id", f.Subject}, {"request_id", f.RequestID},
	} {
		if c.value != "" {
			add(c.column+" = $%d", c.value)
		}
	}
	if !f.Since.IsZero() {
		add("at >= $%d", db.Micros(f.Since))
	}
	if !f.Until.IsZero() {
		add("at < $%d", db.Micros(f.Until))
	}
	return db.All(tx, l.scan, fmt.Sprintf(`select %s from audit_log where %s order by n desc limit %d`, columns, where, limit), args...)
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}
