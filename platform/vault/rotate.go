package vault

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Rewrapper has what another package wrapped with our keys wrapped with the ones in use, a batch of rows at a time in the order of their ids.
type Rewrapper struct {
	Name  string
	Count func(tx *db.Tx) (int64, error)
	// Batch looks at the rows after an id and wraps again those that another key wraps; next is "" at the end.
	Batch func(tx *db.Tx, after string, limit int) (next string, seen, wrapped int64, err error)
}

// Also adds something to what a rotation wraps again. Call it at start.
func (v *Vault) Also(r Rewrapper) { v.also = append(v.also, r) }

// Rotation is one change of the key-encryption key and of all keys under it.
type Rotation struct {
	ID         string    `json:"id"`
	From       string    `json:"from" doc:"Fingerprint of the key that is replaced"`
	To         string    `json:"to" doc:"Fingerprint of the one that replaces it"`
	Step       string    `json:"step" enum:"wrap,renew,reseal,settle,done" doc:"wrap: the keys under it; renew: new keys under it; reseal: what the old ones sealed; settle: wait until no process seals with an old one, look again, destroy them"`
	Seen       int64     `json:"seen" doc:"Rows looked at in this step"`
	Total      int64     `json:"total" doc:"Rows there were when it began"`
	Wrapped    int64     `json:"wrapped" doc:"Rows wrapped again"`
	FenceAt    time.Time `json:"fence_at,omitzero" doc:"When every process has looked at the keys"`
	StartedAt  time.Time `json:"started_at"`
	StartedBy  string    `json:"started_by"`
	UpdatedAt  time.Time `json:"updated_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	cursor     string
}

const rotationColumns = `id, from_key, to_key, step, cursor_at, seen, wrapped, total, fence_at, started_at, started_by, updated_at, finished_at`

func scanRotation(s db.Scanner) (r Rotation, err error) {
	err = s.Scan(&r.ID, &r.From, &r.To, &r.Step, &r.cursor, &r.Seen, &r.Wrapped, &r.Total, db.Time(&r.FenceAt), db.Time(&r.StartedAt), &r.StartedBy, db.Time(&r.UpdatedAt), db.Time(&r.FinishedAt))
	return r, err
}

// Running answers the rotation under way, or the last one. Fault: NotFound when there never was one.
func Running(tx *db.Tx) (Rotation, error) {
	return db.One(tx, scanRotation, `select `+rotationColumns+` from vault_rotations order by finished_at is null desc, started_at desc, id desc limit 1`)
}

const resealLimit = 200

func defaultFence(e db.Engine) time.Duration {
	if e == db.SQLite {
		return time.Minute
	}
	return 10 * time.Minute
}

// RotateKeys begins to replace the key-encryption key and every key under it, in the caller's name, and answers the rotation; one under way
// is answered as it is. The new key is the first that the configuration names; on SQLite with a key file one is made. Advance does the work.
// Fault: Refused when the configuration names no other key than the one in use.
func (v *Vault) RotateKeys(ctx context.Context, by string, note func(tx *db.Tx, r Rotation) error) (r Rotation, err error) {
	if err := v.Refresh(ctx); err != nil {
		return r, err
	}
	err = v.db.Read(ctx, func(tx *db.Tx) error {
		r, err = Running(tx)
		return err
	})
	if err == nil && r.FinishedAt.IsZero() {
		return r, nil
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return r, err
	}
	from, to, err := v.next()
	if err != nil {
		return r, err
	}
	err = v.db.Write(ctx, func(tx *db.Tx) error {
		r = Rotation{ID: db.ID(), From: from.fingerprint, To: to.fingerprint, Step: "wrap", StartedAt: tx.Now, UpdatedAt: tx.Now, StartedBy: by}
		for _, a := range v.also {
			n, err := a.Count(tx)
			if err != nil {
				return err
			}
			r.Total += n
		}
		n, err := db.One(tx, number, `select count(*) from credentials where state <> 'revoked'`)
		if err != nil {
			return err
		}
		r.Total += n
		made, err := tx.Exec(`insert into vault_rotations (id, lane, from_key, to_key, step, cursor_at, seen, wrapped, total, started_at, started_by, updated_at)
			values ($1, $2, $3, $4, 'wrap', '', 0, 0, $5, $6, $7, $6) on conflict (lane) where finished_at is null do nothing`,
			r.ID, MainZone, r.From, r.To, r.Total, tx.Now.UnixMicro(), by)
		if err != nil {
			return err
		}
		if made == 0 {
			r, err = Running(tx)
			return err
		}
		return note(tx, r)
	})
	return r, err
}

// next finds, or makes, the key that replaces the one in use.
func (v *Vault) next() (from, to masterKey, err error) {
	for range 2 {
		again, err := obtain(Options{KeyFile: v.opt.KeyFile, Keys: v.opt.Keys, Env: v.opt.Env}, v.db.Engine(), false)
		if err != nil {
			return from, to, err
		}
		v.mu.Lock()
		v.masters, from, to = again, v.master, again[0]
		v.mu.Unlock()
		switch {
		case to.fingerprint != from.fingerprint:
			if _, there := again.of(from.fingerprint); !there {
				return from, to, fault.New(fault.Refused, "the key in use is not configured any more: keep it behind the new one until the rotation is done")
			}
			return from, to, nil
		case to.path == "":
			return from, to, fault.New(fault.Refused, "name the new key before the one in use first: --kek NEW --kek %s", "OLD")
		case v.db.Engine() != db.SQLite:
			return from, to, fault.New(fault.Refused, "on PostgreSQL every process needs the new key first: put a second key before the one in %s on every machine, keep the old line, and back the file up; openssl rand -base64 32 makes one", to.path)
		}
		if err := extend(to.path, masters{to}); err != nil {
			return from, to, err
		}
	}
	return from, to, fault.New(fault.Internal, "the new key is not in the key file")
}

// Advance works on the rotation under way for at most so long, and answers how far it has come; it does nothing when there is none. It goes on
// where a process that was killed stopped, and several processes may work at once.
func (v *Vault) Advance(ctx context.Context, most time.Duration) (r Rotation, err error) {
	for began := time.Now(); ; {
		err = v.db.Read(ctx, func(tx *db.Tx) error {
			r, err = Running(tx)
			return err
		})
		if fault.Is(err, fault.NotFound) || err == nil && !r.FinishedAt.IsZero() {
			return r, nil
		}
		if err != nil {
			return r, err
		}
		waiting, err := v.step(ctx, r)
		if err != nil || waiting || ctx.Err() != nil || time.Since(began) > most {
			return r, err
		}
	}
}

// step does the next bounded part of the work.
func (v *Vault) step(ctx context.Context, r Rotation) (waiting bool, err error) {
	switch r.Step {
	case "wrap":
		if err := v.rewrapKeys(ctx, r); err != nil {
			return false, err
		}
	case "renew":
		if err := v.renew(ctx, r); err != nil {
			return false, err
		}
	case "reseal":
		return false, v.reseal(ctx, r, "settle")
	case "settle":
		if v.db.Now().Before(r.FenceAt) {
			return true, nil
		}
		return false, v.reseal(ctx, r, "done")
	}
	return false, v.Refresh(ctx)
}

// rewrapKeys wraps every key with the new key-encryption key; from its commit on the old one opens nothing.
func (v *Vault) rewrapKeys(ctx context.Context, r Rotation) error {
	from, err := v.masterOf(r.From)
	if err != nil {
		return err
	}
	to, err := v.masterOf(r.To)
	if err != nil {
		return err
	}
	stored, err := v.stored(ctx)
	if err != nil {
		return err
	}
	batch := db.NewBatch(1)
	for _, k := range stored {
		if k.fingerprint != r.From {
			continue
		}
		wrapped, err := k.rewrap(from, to)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "a key of the vault cannot be wrapped again")
		}
		batch.Add(k.id, wrapped)
	}
	return v.db.Write(ctx, func(tx *db.Tx) error {
		tx.Send(`update vault_keys set wrapped = r.w, fingerprint = $1 from rows(i text, w bytea) where vault_keys.id = r.i and vault_keys.fingerprint = $2`, batch, r.To, r.From)
		left, err := db.One(tx, number, `select count(*) from vault_keys where fingerprint = $1 and state <> 'revoked'`, r.From)
		if err != nil || left > 0 { // one was made meanwhile: the step comes again
			return err
		}
		tx.Send(`update vault_keys set fingerprint = $1 where fingerprint = $2`, r.To, r.From)
		return moveOn(tx, r, "renew")
	})
}

// renew puts new keys in the place of those that seal.
func (v *Vault) renew(ctx context.Context, r Rotation) error {
	to, err := v.masterOf(r.To)
	if err != nil {
		return err
	}
	stored, err := v.stored(ctx)
	if err != nil {
		return err
	}
	retire, fresh := db.NewBatch(1), db.NewBatch(1)
	for _, k := range stored {
		if k.state != "active" || k.purpose != Credentials && k.purpose != Personal || k.createdAt.After(r.StartedAt) {
			continue
		}
		made, err := newKey(k.zone, k.purpose, to)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "a key cannot be made")
		}
		retire.Add(k.id)
		fresh.Add(made.id, made.zone, string(made.purpose), made.wrapped, made.fingerprint)
	}
	return v.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`update vault_keys set state = 'retiring' from rows(i text) where vault_keys.id = r.i and vault_keys.state = 'active'`, retire)
		if err != nil || int(n) != retire.Len() { // somebody else was faster: the step comes again
			return err
		}
		tx.Send(`insert into vault_keys (id, zone, purpose, wrapped, fingerprint, state, created_at)
			select r.i, r.z, r.p, r.w, r.f, 'active', $1 from rows(i text, z text, p text, w bytea, f text) where true`, fresh, tx.Now.UnixMicro())
		if _, err := tx.Exec(`update vault_rotations set fence_at = $2 where id = $1`, r.ID, tx.Now.Add(v.opt.Fence).UnixMicro()); err != nil {
			return err
		}
		return moveOn(tx, r, "reseal")
	})
}

// reseal wraps one batch again with the new keys; at the end of all rows it goes on to the step given.
func (v *Vault) reseal(ctx context.Context, r Rotation, then string) error {
	return v.db.Write(db.Background(ctx), func(tx *db.Tx) error {
		tx.Locking(db.LockOther, "vault:"+r.ID)
		now, err := db.One(tx, scanRotation, `select `+rotationColumns+` from vault_rotations where id = $1`+tx.Lock(), r.ID)
		if err != nil || now.Step != r.Step || now.cursor != r.cursor { // somebody else does it
			return err
		}
		part, after := partOf(r.cursor)
		all := append([]Rewrapper{{Name: "credentials", Batch: v.resealCredentials}}, v.also...)
		if part >= len(all) {
			if then == "done" {
				return v.finish(tx, r)
			}
			return moveOn(tx, r, then)
		}
		next, seen, wrapped, err := all[part].Batch(tx, after, resealLimit)
		if err != nil {
			return err
		}
		if next == "" {
			part++
		}
		_, err = tx.Exec(`update vault_rotations set cursor_at = $2, seen = seen + $3, wrapped = wrapped + $4, updated_at = $5 where id = $1`,
			r.ID, cursorOf(part, next), seen, wrapped, tx.Now.UnixMicro())
		return err
	})
}

// resealCredentials seals credentials with the key in use.
func (v *Vault) resealCredentials(tx *db.Tx, after string, limit int) (next string, seen, wrapped int64, err error) {
	active, err := v.sealer.Active()
	if err != nil {
		return "", 0, 0, err
	}
	type row struct {
		id, owner, name, key string
		generation           int64
		box                  []byte
	}
	rows, err := db.All(tx, func(s db.Scanner) (r row, err error) {
		err = s.Scan(&r.id, &r.owner, &r.name, &r.generation, &r.key, &r.box)
		return r, err
	}, `select id, owner, name, generation, key_id, sealed from credentials where id > $1 and state <> 'revoked' order by id limit $2`, after, limit)
	if err != nil {
		return "", 0, 0, err
	}
	batch := db.NewBatch(1)
	for _, r := range rows {
		if seen++; r.key == active {
			continue
		}
		where := bound(r.owner, r.name, r.generation)
		plain, err := v.sealer.Open(r.key, r.box, where)
		if err != nil {
			return "", 0, 0, err
		}
		key, box, err := v.sealer.Seal(plain, where)
		if err != nil {
			return "", 0, 0, err
		}
		batch.Add(r.id, r.key, key, box)
	}
	if len(rows) == limit {
		next = rows[len(rows)-1].id
	}
	wrapped, err = tx.Exec(`update credentials set key_id = r.k, sealed = r.s from rows(i text, w text, k text, s bytea)
		where credentials.id = r.i and credentials.key_id = r.w and credentials.state <> 'revoked'`, batch)
	return next, seen, wrapped, err
}

// finish destroys the replaced keys: nothing is under them any more.
func (v *Vault) finish(tx *db.Tx, r Rotation) error {
	if _, err := tx.Exec(`update vault_keys set state = 'revoked', wrapped = $1 where state = 'retiring' and purpose in ($2, $3)`, []byte{}, string(Credentials), string(Personal)); err != nil {
		return err
	}
	if _, err := tx.Exec(`update vault_rotations set step = 'done', finished_at = $2, updated_at = $2 where id = $1`, r.ID, tx.Now.UnixMicro()); err != nil {
		return err
	}
	tx.AfterCommit(func() { v.forget(r) })
	return nil
}

// forget takes the replaced key out of the key file, where this program put the new one in.
func (v *Vault) forget(r Rotation) {
	to, err := v.masterOf(r.To)
	if err != nil || to.path == "" || v.db.Engine() != db.SQLite {
		return
	}
	if err := shorten(to.path, to); err != nil {
		v.log.Warn("the replaced key is still in the key file", "error", err)
		return
	}
	v.mu.Lock()
	v.masters = masters{to}
	v.mu.Unlock()
}

// moveOn takes a rotation to its next step, from the beginning.
func moveOn(tx *db.Tx, r Rotation, step string) error {
	_, err := tx.Exec(`update vault_rotations set step = $2, cursor_at = '', seen = 0, updated_at = $3 where id = $1 and step = $4`, r.ID, step, tx.Now.UnixMicro(), r.Step)
	return err
}

func cursorOf(part int, id string) string { return string(rune('0'+part)) + id }

func partOf(cursor string) (part int, id string) {
	if cursor == "" {
		return 0, ""
	}
	return int(cursor[0] - '0'), cursor[1:]
}

func number(s db.Scanner) (n int64, err error) {
	err = s.Scan(&n)
	return n, err
}
