package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/db"
)

// The states of a generation of a credential.
const (
	Pending  state.State = "pending"  // stored, not yet valid: to be tried, then activated
	Active   state.State = "active"   // the one in use
	Retiring state.State = "retiring" // replaced, still valid until it retires
	Revoked  state.State = "revoked"  // no longer valid; its value is destroyed
)

// Life is the life of one generation of a credential.
var Life = state.Life{
	Name:  "credential",
	Start: Pending,
	Moves: map[state.State]map[state.Event]state.State{
		Pending:  {"activate": Active, "revoke": Revoked},
		Active:   {"rotate": Retiring, "revoke": Revoked},
		Retiring: {"revoke": Revoked},
		Revoked:  {},
	},
}

// keepRevoked is how many generations below the newest are remembered, without their value.
const keepRevoked = 10

// PutOptions say how a credential is stored; the zero value replaces the old one at once.
type PutOptions struct {
	ExpiresAt time.Time     // when the partner lets it expire, for List; zero = unknown or never
	Overlap   time.Duration // how long the one it replaces stays valid beside it
	Pending   bool          // store it without putting it in use: Activate does that
}

// Credential describes one generation of a credential, never its value.
type Credential struct {
	Owner      string      `json:"owner"`
	Name       string      `json:"name"`
	Generation int64       `json:"generation"`
	State      state.State `json:"state"`
	CreatedAt  time.Time   `json:"created_at"`
	ExpiresAt  time.Time   `json:"expires_at,omitzero"`
	RetireAt   time.Time   `json:"retire_at,omitzero"`    // a retiring one is valid until then
	LastUsedAt time.Time   `json:"last_used_at,omitzero"` // to a few minutes
}

// Put stores a secret as the next generation of an owner's credential, in use at once unless it is pending, and returns its number. The
// one it replaces retires or is destroyed, see PutOptions; at most two are valid at a time. Owner is our id of an account, an
// application or a subscription; name is the setting's. Faults: Invalid when something is missing; Conflict when somebody else stored
// one at the same moment.
func (v *Vault) Put(tx *db.Tx, owner, name string, secret Secret, opt PutOptions) (int64, error) {
	if err := check(owner, name, secret); err != nil {
		return 0, err
	}
	newest, _, err := newest(tx, owner, name)
	if err != nil {
		return 0, err
	}
	if !opt.Pending {
		if err := retire(tx, owner, name, opt.Overlap); err != nil {
			return 0, err
		}
	}
	state := Active
	if opt.Pending {
		state = Pending
	}
	return newest + 1, v.insert(tx, owner, name, newest+1, state, secret, opt.ExpiresAt)
}

// Rotate is Put where the old one stays valid beside the new one for a while, as partners do when a webhook secret is replaced.
func (v *Vault) Rotate(tx *db.Tx, owner, name string, secret Secret, overlap time.Duration) (int64, error) {
	return v.Put(tx, owner, name, secret, PutOptions{Overlap: overlap})
}

// Activate puts a pending generation in use; the one before it retires after the overlap. Faults: NotFound; Conflict when it is not
// pending.
func (v *Vault) Activate(tx *db.Tx, owner, name string, generation int64, overlap time.Duration) error {
	tx.Locking(db.LockOther, "credential:"+owner+":"+name)
	c, err := db.One(tx, scan, `select `+columns+` from credentials where owner = $1 and name = $2 and generation = $3`+tx.Lock(),
		owner, name, generation)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "there is no generation %d of %s", generation, name)
	}
	if err != nil {
		return err
	}
	if _, err := Life.Next(c.State, "activate"); err != nil {
		return err
	}
	if err := retire(tx, owner, name, overlap); err != nil {
		return err
	}
	v.changed(tx, owner, name)
	if err := v.inUse(tx, owner); err != nil {
		return err
	}
	_, err = tx.Exec(`update credentials set state = 'active' where owner = $1 and name = $2 and generation = $3`, owner, name, generation)
	return err
}

// Swap replaces a credential that is still of the expected generation, and returns the new one's number: of two processes that
// refreshed the same tokens, one succeeds. What it replaces is dropped in the same commit. Generation 0 expects that there is none in
// use. Faults: Conflict when another one is in use meanwhile: read again.
func (v *Vault) Swap(tx *db.Tx, owner, name string, generation int64, secret Secret, expiresAt time.Time) (int64, error) {
	if err := check(owner, name, secret); err != nil {
		return 0, err
	}
	newest, inUse, err := newest(tx, owner, name)
	if err != nil {
		return 0, err
	}
	if inUse != generation {
		return 0, fault.New(fault.Conflict, "somebody else replaced %s first: generation %d is in use", name, inUse).WithCode("generation")
	}
	if err := retire(tx, owner, name, 0); err != nil {
		return 0, err
	}
	return newest + 1, v.insert(tx, owner, name, newest+1, Active, secret, expiresAt)
}

// Revoke ends a generation of a credential, all of them when generation is 0, and destroys the values. Other processes follow within
// a few seconds. Safe to repeat.
func (v *Vault) Revoke(tx *db.Tx, owner, name string, generation int64) error {
	v.changed(tx, owner, name)
	_, err := tx.Exec(`update credentials set state = 'revoked', sealed = $4, retire_at = null
		where owner = $1 and name = $2 and (generation = $3 or $3 = 0) and state <> 'revoked'`, owner, name, generation, []byte{})
	return err
}

// RevokeAll ends everything an owner has, when an account is closed. Safe to repeat.
func (v *Vault) RevokeAll(tx *db.Tx, owner string) error {
	tx.AfterCommit(func() { v.cache.dropOwner(owner) })
	_, err := tx.Exec(`update credentials set state = 'revoked', sealed = $2, retire_at = null where owner = $1 and state <> 'revoked'`,
		owner, []byte{})
	return err
}

// List shows the credentials of an owner, of everybody when owner is "", with states and ages and never a value, by owner, name and
// newest generation. A limit outside 1…1000 is 100. After continues behind the last one seen.
func List(tx *db.Tx, owner string, after Credential, limit int) ([]Credential, error) {
	if limit < 1 || limit > 1000 {
		limit = 100
	}
	return db.All(tx, scan, `select `+columns+` from credentials where (owner = $1 or $1 = '') and (owner, name, -generation) > ($2, $3, $4)
		order by owner, name, generation desc limit $5`, owner, after.Owner, after.Name, -after.Generation, limit)
}

// Sweep destroys what has retired. Safe to repeat; Run does it.
func Sweep(tx *db.Tx) error {
	_, err := tx.Exec(`update credentials set state = 'revoked', sealed = $2 where state = 'retiring' and retire_at <= $1`,
		tx.Now.UnixMicro(), []byte{})
	return err
}

const columns = `owner, name, generation, state, created_at, expires_at, retire_at, last_used_at`

func scan(s db.Scanner) (c Credential, err error) {
	err = s.Scan(&c.Owner, &c.Name, &c.Generation, db.Text(&c.State), db.Time(&c.CreatedAt), db.Time(&c.ExpiresAt), db.Time(&c.RetireAt),
		db.Time(&c.LastUsedAt))
	return c, err
}

func check(owner, name string, secret Secret) error {
	switch {
	case owner == "" || name == "":
		return fault.New(fault.Invalid, "a credential without owner or name")
	case secret.IsZero():
		return fault.Field(name, "is empty")
	}
	return nil
}

// newest locks an owner's generations of a credential and returns the newest, and the one in use; 0 for none.
func newest(tx *db.Tx, owner, name string) (last, inUse int64, err error) {
	tx.Locking(db.LockOther, "credential:"+owner+":"+name)
	all, err := db.All(tx, scan, `select `+columns+` from credentials where owner = $1 and name = $2 order by generation`+tx.Lock(), owner, name)
	for _, c := range all {
		last = max(last, c.Generation)
		if c.State == Active {
			inUse = c.Generation
		}
	}
	return last, inUse, err
}

// retire ends what is in use: after the overlap, or at once. What was retiring already ends now, so that two are valid at most.
func retire(tx *db.Tx, owner, name string, overlap time.Duration) error {
	if overlap <= 0 {
		_, err := tx.Exec(`update credentials set state = 'revoked', sealed = $3, retire_at = null
			where owner = $1 and name = $2 and state in ('active', 'retiring')`, owner, name, []byte{})
		return err
	}
	tx.Send(`update credentials set state = 'revoked', sealed = $3, retire_at = null where owner = $1 and name = $2 and state = 'retiring'`,
		owner, name, []byte{})
	_, err := tx.Exec(`update credentials set state = 'retiring', retire_at = $3 where owner = $1 and name = $2 and state = 'active'`,
		owner, name, tx.Now.Add(overlap).UnixMicro())
	return err
}

func (v *Vault) insert(tx *db.Tx, owner, name string, generation int64, st state.State, secret Secret, expiresAt time.Time) error {
	keyID, box, err := v.sealer.Seal([]byte(secret.Reveal()), bound(owner, name, generation))
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the credential cannot be sealed")
	}
	v.changed(tx, owner, name)
	tx.Send(`delete from credentials where owner = $1 and name = $2 and state = 'revoked' and generation <= $3`,
		owner, name, generation-keepRevoked)
	n, err := tx.Exec(`insert into credentials (id, owner, name, generation, state, key_id, sealed, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (owner, name, generation) do nothing`,
		db.ID(), owner, name, generation, string(st), keyID, box, tx.Now.UnixMicro(), db.Micros(expiresAt))
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "somebody else replaced %s first", name).WithCode("generation")
	}
	if err != nil || st != Active {
		return err
	}
	return v.inUse(tx, owner)
}

// inUse tells whoever wants to know that an owner has a new credential in use.
func (v *Vault) inUse(tx *db.Tx, owner string) error {
	if v.opt.Changed == nil {
		return nil
	}
	return v.opt.Changed(tx, owner)
}

func bound(owner, name string, generation int64) string {
	return fmt.Sprintf("credentials\x00%s\x00%s\x00%d", owner, name, generation)
}

// changed has the cached values read again once the transaction has committed.
func (v *Vault) changed(tx *db.Tx, owner, name string) {
	tx.AfterCommit(func() { v.cache.drop(cacheKey{owner, name}) })
}

// sealedValue is a valid generation with its sealed value.
type sealedValue struct {
	generation int64
	state      state.State
	keyID      string
	box        []byte
	expiresAt  time.Time
	retireAt   time.Time
}

// valid reads the generations that are in use now, the active one first.
func (v *Vault) valid(ctx context.Context, owner, name string) (rows []sealedValue, err error) {
	err = v.db.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = db.All(tx, func(s db.Scanner) (r sealedValue, err error) {
			err = s.Scan(&r.generation, db.Text(&r.state), &r.keyID, &r.box, db.Time(&r.expiresAt), db.Time(&r.retireAt))
			return r, err
		}, `select generation, state, key_id, sealed, expires_at, retire_at from credentials where owner = $1 and name = $2
			and (state = 'active' or (state = 'retiring' and retire_at > $3)) order by state, generation desc`, owner, name, tx.Now.UnixMicro())
		return err
	})
	return rows, err
}
