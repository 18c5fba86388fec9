package privacy

import (
	"context"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

const (
	lookup      = "lookup:"
	lookupAt    = "lookup_at:"
	lookupBatch = 200
	// lookupFence is how long another process may still hash with the key that was replaced.
	lookupFence = 3 * time.Minute
)

// Rehash says how far replacing the key of the lookup has come.
type Rehash struct {
	Running   bool      `json:"running"`
	StartedAt time.Time `json:"started_at,omitzero"`
	Done      int64     `json:"done"` // records hashed anew
	Left      int64     `json:"left"` // records that are still found by the old key only
}

// StartRehash replaces the key by whose hashes buyers are found. Until Rehash has gone through all records both keys find them. Fault: Conflict while it is being replaced
// already.
func (s *Store) StartRehash(ctx context.Context, actor, request string) error {
	if err := s.vault.Turn(ctx, s.zone, vault.Find); err != nil {
		return err
	}
	begin := func(tx *db.Tx) error { return s.mark(tx, lookup+s.zone, itoa(tx.Now.UnixMicro()), 0) }
	if s.far() {
		if err := s.Keep(ctx, begin); err != nil {
			return err
		}
	}
	return s.home.Write(ctx, func(tx *db.Tx) error {
		if !s.far() {
			if err := begin(tx); err != nil {
				return err
			}
		}
		return s.log.Write(tx, audit.Entry{Actor: actor, Action: "personal.rotate_lookup", SubjectKind: "zone", Subject: s.zone, RequestID: request})
	})
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// mark keeps how far long work has come.
func (s *Store) mark(tx *db.Tx, name, mark string, count int64) error {
	_, err := tx.Exec(`insert into privacy_progress (name, mark, count, updated_at) values ($1, $2, $3, $4)
		on conflict (name) do update set mark = excluded.mark, count = excluded.count, updated_at = excluded.updated_at`, name, mark, count, tx.Now.UnixMicro())
	return err
}

type progress struct {
	mark  string
	count int64
}

func progressOf(tx *db.Tx, name string) (p progress, err error) {
	all, err := db.All(tx, func(row db.Scanner) (p progress, err error) { err = row.Scan(&p.mark, &p.count); return p, err },
		`select mark, count from privacy_progress where name = $1`, name)
	if len(all) > 0 {
		p = all[0]
	}
	return p, err
}

// Progress says how far replacing the key of the lookup has come.
func (s *Store) Progress(tx *db.Tx) (r Rehash, err error) {
	p, err := progressOf(tx, lookup+s.zone)
	if err != nil || p.mark == "" {
		return r, err
	}
	if at, err := strconv.ParseInt(p.mark, 10, 64); err == nil {
		r.Running, r.StartedAt = true, time.UnixMicro(at).UTC()
	}
	r.Done = p.count
	key, _, err := s.hash.Keyed(nil)
	if err != nil {
		return r, err
	}
	err = tx.QueryRow(`select count(*) from personal_records where zone = $1 and erased_at is null and (hash_key is null or hash_key <> $2)
		and (phone_hash is not null or email_hash is not null)`, s.zone, key).Scan(&r.Left)
	return r, err
}

// oldHash is a record that is found by a key that was replaced.
type oldHash struct {
	boxRow
	phone, email string
}

// Rehash hashes some records anew, if the key is being replaced, and answers how many; it destroys the old key when none is left and every process has had time to notice.
// What it did is kept, so it goes on after a kill where it was. Any number may run beside each other.
func (s *Store) Rehash(ctx context.Context) (int, error) {
	var rows []oldHash
	var keys Keys
	var key string
	var since time.Time
	var after progress // the id up to which this pass has come
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		p, err := progressOf(tx, lookup+s.zone)
		at, bad := strconv.ParseInt(p.mark, 10, 64)
		if err != nil || bad != nil {
			return err
		}
		since = time.UnixMicro(at)
		if key, _, err = s.hash.Keyed(nil); err != nil {
			return err
		}
		if after, err = progressOf(tx, lookupAt+s.zone); err != nil {
			return err
		}
		if rows, err = db.All(tx, func(row db.Scanner) (r oldHash, err error) {
			err = row.Scan(&r.id, &r.keyID, &r.box, db.Text(&r.phone), db.Text(&r.email))
			return r, err
		}, `select id, key_id, sealed, phone_hash, email_hash from personal_records where zone = $1 and erased_at is null and (hash_key is null or hash_key <> $2)
			and (phone_hash is not null or email_hash is not null) and id > $3 order by id limit $4`, s.zone, key, after.mark, lookupBatch); err != nil {
			return err
		}
		ids := make([]string, len(rows))
		for i, r := range rows {
			ids[i] = r.keyID
		}
		keys, err = s.Keys(tx, ids)
		return err
	})
	if err != nil || since.IsZero() {
		return 0, err
	}
	switch {
	case len(rows) == 0 && after.mark != "": // a pass is over; what came meanwhile under the old key may lie before
		return 0, s.db.Write(db.Background(ctx), func(tx *db.Tx) error { return s.mark(tx, lookupAt+s.zone, "", 0) })
	case len(rows) == 0:
		return 0, s.endRehash(ctx, since, key)
	}
	batch := db.NewBatch(1)
	for _, r := range rows {
		phone, email, err := s.hashesOf(r, keys, key)
		if err != nil {
			return 0, err
		}
		batch.Add(r.id, null(phone), null(email))
	}
	err = s.db.Write(db.Background(ctx), func(tx *db.Tx) error {
		n, err := tx.Exec(`update personal_records set phone_hash = r.p, email_hash = r.m, hash_key = $1 from rows(i text, p text, m text)
			where personal_records.id = r.i and personal_records.erased_at is null`, batch, key)
		if err != nil {
			return err
		}
		tx.Send(`update privacy_progress set count = count + $2, updated_at = $3 where name = $1`, lookup+s.zone, n, tx.Now.UnixMicro())
		return s.mark(tx, lookupAt+s.zone, rows[len(rows)-1].id, 0)
	})
	return len(rows), err
}

// hashesOf opens a record and hashes what it is found by. One that cannot be opened any more is found by nothing.
func (s *Store) hashesOf(r oldHash, keys Keys, want string) (phone, email string, err error) {
	rec, err := r.open(keys)
	if fault.CodeOf(err) == Erased {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	key, hashes, err := s.hash.Keyed(rec.found())
	if err == nil && key != want {
		err = fault.New(fault.Conflict, "the key of the lookup was replaced meanwhile")
	}
	return hashes[byPhone], hashes[byEmail], err
}

// endRehash destroys the old key once no process hashes with it any more.
func (s *Store) endRehash(ctx context.Context, since time.Time, key string) error {
	if s.db.Now().Sub(since) < lookupFence {
		return nil
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		var left int64
		if err := tx.QueryRow(`select count(*) from personal_records where zone = $1 and erased_at is null and (hash_key is null or hash_key <> $2)
			and (phone_hash is not null or email_hash is not null)`, s.zone, key).Scan(&left); err != nil || left > 0 {
			return err
		}
		s.vault.Drop(tx, s.zone, vault.Find)
		_, err := tx.Exec(`update privacy_progress set mark = 'done', updated_at = $2 where name = $1`, lookup+s.zone, tx.Now.UnixMicro())
		return err
	})
}
