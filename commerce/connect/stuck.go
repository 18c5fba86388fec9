package connect

import (
	"context"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// waiting is a row of the inbox that a person has to look at.
type waiting struct{ id, cause string }

func scanWaiting(row db.Scanner) (waiting, error) {
	var w waiting
	return w, row.Scan(&w.id, db.Text(&w.cause))
}

// keys are the cases a waiting row may have.
func (w waiting) keys() []exception.Key {
	keys := []exception.Key{{Cause: exception.Undecodable, SubjectKind: "inbox", Subject: w.id}}
	if cause, _, ok := strings.Cut(w.cause, ": "); ok && cause != exception.Undecodable {
		if _, known := exception.CauseOf(cause); known {
			keys = append(keys, exception.Key{Cause: cause, SubjectKind: "inbox", Subject: w.id})
		}
	}
	return keys
}

// superseded asks what was stuck of orders of which a later reading has come in: it says nothing any more. The answer is there after the next flush.
func (s *Service) superseded(tx *db.Tx, good []*arriving, landings []channel.Landing) *[]waiting {
	b, rows := db.NewBatch(0), &[]waiting{}
	for i, a := range good {
		switch landings[i].Decision {
		case channel.Imported, channel.Updated, channel.Unchanged:
			b.Add(a.row.account, a.row.external, a.row.n, db.Micros(a.arrival.Change.Version))
		}
	}
	tx.SendQuery(`select i.id, i.cause from inbox i, rows(a text, x text, n bigint, v bigint) where i.account_id = r.a and i.external = r.x and i.n < r.n
		and i.state in ('stuck', 'dead') and (i.version_at is null or r.v is null or i.version_at <= r.v or i.cause like 'future_version%')`, func(row db.Scanner) error {
		w, err := scanWaiting(row)
		*rows = append(*rows, w)
		return err
	}, b)
	return rows
}

// close ends the waiting of rows, with their cases.
func (s *Service) close(tx *db.Tx, rows []waiting, by, why string) error {
	var ids []string
	var keys []exception.Key
	for _, w := range rows {
		ids = append(ids, w.id)
		keys = append(keys, w.keys()...)
	}
	if err := end(tx, ids); err != nil {
		return err
	}
	return exception.Clear(tx, by, why, keys...)
}

// Remedy is what a person does about a message that is stuck.
type Remedy string

const (
	Again      Remedy = "again"       // read it again with today's adapter and today's mapping
	AsReceived Remedy = "as_received" // apply it with the time it was received instead of the channel's
	Leave      Remedy = "leave"       // leave it out
)

// Unstick does what a person decided about a stuck message, by its inbox id. fault.NotFound when it does not wait (any more).
func (s *Service) Unstick(ctx context.Context, inbox string, how Remedy, actor string) error {
	for _, p := range s.far() {
		there, err := s.unstickFar(ctx, p, inbox, how, actor)
		if there || err != nil {
			return err
		}
	}
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		w, err := stuckRow(tx, inbox)
		if err != nil {
			return err
		}
		entry := audit.Entry{Actor: actor, Action: "inbox." + string(how), SubjectKind: "inbox", Subject: inbox, Detail: map[string]any{"cause": w.cause}}
		if err := s.need.Audit.Write(tx, entry); err != nil {
			return err
		}
		if how == Leave {
			return s.close(tx, []waiting{w}, actor, "left out")
		}
		if err := readAgain(tx, inbox, how, 0); err != nil {
			return err
		}
		return exception.Clear(tx, actor, "read again", w.keys()...)
	})
	if err == nil {
		signal(s.wake)
	}
	return err
}

func stuckRow(tx *db.Tx, inbox string) (waiting, error) {
	return db.One(tx, scanWaiting, `select id, cause from inbox i where i.id = $1 and i.state in ('stuck', 'dead')`+tx.Lock(), inbox)
}

// readAgain puts a stuck row back, as if it had been tried so often.
func readAgain(tx *db.Tx, inbox string, how Remedy, tried int) error {
	set := `state = 'stored', attempts = $3, next_at = $2, done_at = null, cause = null`
	switch how {
	case Again:
	case AsReceived:
		set += `, version_at = received_at`
	default:
		return fault.Field("remedy", "must be %s, %s or %s", Again, AsReceived, Leave)
	}
	_, err := tx.Exec(`update inbox set `+set+` where id = $1`, inbox, db.Micros(tx.Now), tried)
	return err
}

// unstickFar is Unstick in a zone of its own: there first, then audit and case. Cut off between the two, the import that follows closes the case.
func (s *Service) unstickFar(ctx context.Context, p place, inbox string, how Remedy, actor string) (there bool, err error) {
	var w waiting
	err = p.Keep(ctx, func(tx *db.Tx) (err error) {
		if w, err = stuckRow(tx, inbox); err != nil {
			return err
		}
		s.wakes(tx, p)
		if how == Leave {
			return end(tx, []string{inbox})
		}
		return readAgain(tx, inbox, how, 1)
	})
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	return true, s.need.DB.Write(ctx, func(tx *db.Tx) error {
		entry := audit.Entry{Actor: actor, Action: "inbox." + string(how), SubjectKind: "inbox", Subject: inbox, Detail: map[string]any{"cause": w.cause, "zone": p.zone}}
		if err := s.need.Audit.Write(tx, entry); err != nil {
			return err
		}
		if how == Leave {
			return exception.Clear(tx, actor, "left out", w.keys()...)
		}
		return exception.Clear(tx, actor, "read again", w.keys()...)
	})
}

// Resolved is told that a person has closed the case of a stuck message: it waits no longer. One in a far zone is told by Settle.
func (s *Service) Resolved(tx *db.Tx, inbox, actor string) error {
	w, err := db.All(tx, scanWaiting, `select id, cause from inbox where id = $1 and state in ('stuck', 'dead')`, inbox)
	if err != nil || len(w) == 0 {
		return err
	}
	return s.close(tx, w, actor, "resolved")
}

// KeepRaw is how long raw payloads are kept.
const KeepRaw = 90 * 24 * time.Hour

// Sweep forgets raw payloads that are older than keep, with their keys, up to limit of them; it answers how many. What still waits for a person loses its content
// and its case. Run it daily until it answers 0.
func (s *Service) Sweep(ctx context.Context, keep time.Duration, limit int) (int, error) {
	return s.sweep(ctx, s.home(), keep, limit)
}

// SweepZone is Sweep in another zone.
func (s *Service) SweepZone(ctx context.Context, zone string, keep time.Duration, limit int) (int, error) {
	p, err := s.at(zone)
	if err != nil {
		return 0, err
	}
	return s.sweep(ctx, p, keep, limit)
}

func (s *Service) sweep(ctx context.Context, p place, keep time.Duration, limit int) (int, error) {
	n := 0
	var stuck []waiting
	const why = "its content is older than what is kept"
	err := p.Keep(db.Background(ctx), func(tx *db.Tx) error {
		forgetTraces(tx)
		type old struct {
			waiting
			key, state string
		}
		rows, err := db.All(tx, func(row db.Scanner) (old, error) {
			var o old
			return o, row.Scan(&o.id, db.Text(&o.cause), db.Text(&o.key), &o.state)
		}, `select id, cause, key_id, state from inbox where received_at < $1 and state <> 'stored' order by received_at limit $2`, db.Micros(tx.Now.Add(-keep)), limit)
		if n = len(rows); err != nil || n == 0 {
			return err
		}
		var ids, keys []string
		stuck = nil
		for _, o := range rows {
			ids = append(ids, o.id)
			keys = append(keys, o.key)
			if o.state != "done" {
				stuck = append(stuck, o.waiting)
			}
		}
		if len(stuck) > 0 && !p.far {
			if err := s.close(tx, stuck, "system", why); err != nil {
				return err
			}
		}
		if err := p.Destroy(tx, keys); err != nil {
			return err
		}
		_, err = tx.Exec(`delete from inbox where id in (select key from json_each($1))`, db.Keys(ids))
		return err
	})
	if err != nil || !p.far || len(stuck) == 0 {
		return n, err
	}
	return n, s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error { return clearCases(tx, why, stuck) })
}

// Erase destroys the keys of everything stored of orders, and marks them: what comes of them later loses its personal fields, and replay answers "erased". What lies in a far
// zone is EraseRaw's.
func (s *Service) Erase(tx *db.Tx, account string, externals []string) error {
	if _, err := tx.Exec(`update channel_orders set erased = true where account_id = $1 and external in (select key from json_each($2))`, account, db.Keys(externals)); err != nil {
		return err
	}
	return s.EraseRaw(tx, account, externals)
}

// EraseRaw destroys the keys of everything stored of orders in the database of the transaction.
func (s *Service) EraseRaw(tx *db.Tx, account string, externals []string) error {
	keys, err := db.All(tx, scanID, `select key_id from inbox where account_id = $1 and external in (select key from json_each($2)) and key_id is not null`, account, db.Keys(externals))
	if err != nil {
		return err
	}
	return s.need.Privacy.Destroy(tx, keys)
}

// Readable lists the channel's ids of orders, "" among them for what named none, of which something stored in the database of the transaction
// can be opened.
func (s *Service) Readable(tx *db.Tx, account string, limit int) ([]string, error) {
	return db.All(tx, scanID, `select distinct i.external from inbox i join personal_keys k on k.id = i.key_id where i.account_id = $1 order by i.external limit $2`, account, limit)
}
