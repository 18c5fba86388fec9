// Package vault keeps secrets: the key hierarchy and the credentials of accounts, sealed in the database and masked wherever they are
// printed. Start at Open, then Put and Values.
//
// A key-encryption key (a file, HashiCorp Vault Transit or AWS KMS) wraps the keys in vault_keys (Tink keysets, unwrapped once at start); those seal credentials, wrap
// the keys of personal data (platform/privacy), sign audit rows (platform/audit) and hash API keys (platform/access). Everything sealed
// is bound to the place it belongs to: a row's content opens nowhere else.
package vault

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// MainZone is the residency zone of everything that is not kept elsewhere.
const MainZone = "main"

// Options say where the key-encryption key is.
type Options struct {
	KeyFile string // 32 bytes as base64 or hexadecimal text, readable by its owner only
	// Keys name the key-encryption keys instead, the wanted one first, the one it replaces after it: file:PATH,
	// transit:https://HOST/MOUNT/NAME, awskms:REGION/KEY. What a service wants to see comes from Env.
	Keys []string
	// Env answers VAULT_TOKEN, AWS_ACCESS_KEY_ID and what else the services' own tools read; default os.Getenv.
	Env func(name string) string
	// Fence is how long a process may seal without having looked at the keys; a key that was replaced is destroyed after it.
	// Default a minute on SQLite, where one process writes, and ten minutes on PostgreSQL.
	Fence time.Duration
	// Used is told, in a transaction, which credentials were used; at most once an hour for each.
	Used func(tx *db.Tx, uses []Use) error
	// Changed is told, in the transaction, who has a new credential in use; nil: nobody wants to know.
	Changed func(tx *db.Tx, owner string) error
	Create  bool // make the file when it is missing; on SQLite only, and only while the database holds nothing sealed
	Log     *slog.Logger
}

// Vault is an open vault. It is safe for concurrent use.
type Vault struct {
	db     *db.DB
	log    *slog.Logger
	opt    Options
	sealer *Cipher     // of credentials
	also   []Rewrapper // what else is wrapped with our keys
	uses   uses

	mu       sync.RWMutex
	masters  masters
	master   masterKey // the one in use
	looked   time.Time // when the keys were last read
	looking  singleflight.Group
	byID     map[string]*key
	activeOf map[slot]*key
	missed   time.Time // when an unknown key was last looked for

	cache cache
}

type slot struct {
	zone    string
	purpose Purpose
}

// Open reads the key file, checks that it is the one this database was set up with, and unwraps the keys. Faults: Invalid for a key
// file that is missing, readable by others, malformed, or not this database's.
func Open(ctx context.Context, d *db.DB, o Options) (*Vault, error) {
	v := &Vault{db: d, log: o.Log, opt: o, byID: map[string]*key{}, activeOf: map[slot]*key{}}
	if v.opt.Env == nil {
		v.opt.Env = os.Getenv
	}
	if o = v.opt; o.Fence == 0 {
		v.opt.Fence = defaultFence(d.Engine())
	}
	v.cache.init()
	if v.log == nil {
		v.log = slog.Default()
	}
	stored, err := v.stored(ctx)
	if err != nil {
		return nil, err
	}
	if v.masters, err = obtain(o, d.Engine(), len(stored) == 0); err != nil {
		return nil, err
	}
	v.master = v.masters[0]
	if len(stored) == 0 && len(v.masters) > 1 {
		v.masters = v.masters[:1]
	}
	if err := v.take(stored); err != nil {
		return nil, err
	}
	v.sealer, err = v.Cipher(ctx, MainZone, Credentials)
	return v, err
}

// Fingerprint says which key-encryption key is in use; it gives nothing away about it.
func (v *Vault) Fingerprint() string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.master.fingerprint
}

// masterOf finds a key-encryption key; one that is not known may have been put into the configuration since.
func (v *Vault) masterOf(fingerprint string) (masterKey, error) {
	v.mu.RLock()
	k, ok := v.masters.of(fingerprint)
	first := v.masters[0]
	v.mu.RUnlock()
	if ok {
		return k, nil
	}
	again, err := obtain(Options{KeyFile: v.opt.KeyFile, Keys: v.opt.Keys, Env: v.opt.Env}, v.db.Engine(), false)
	if err != nil {
		return k, err
	}
	if k, ok = again.of(fingerprint); !ok {
		if first.path == "" {
			return k, fault.New(fault.Invalid, "the key-encryption key %s is not the one this database was set up with: the database wants %s", first.fingerprint, fingerprint)
		}
		return k, fault.New(fault.Invalid, "the key file %s is not the one this database was set up with: its fingerprint is %s, the database wants %s", first.path, first.fingerprint, fingerprint)
	}
	v.mu.Lock()
	v.masters = again
	v.mu.Unlock()
	return k, nil
}

func (v *Vault) stored(ctx context.Context) (keys []*key, err error) {
	err = v.db.Read(ctx, func(tx *db.Tx) error {
		keys, err = db.All(tx, scanKey, `select `+keyColumns+` from vault_keys where state <> 'revoked' order by created_at, id`)
		return err
	})
	return keys, err
}

// Refresh takes up keys that another process made or retired.
func (v *Vault) Refresh(ctx context.Context) error {
	stored, err := v.stored(ctx)
	if err != nil {
		return err
	}
	return v.take(stored)
}

// take makes the stored keys the ones in use, unwrapping those that are new.
func (v *Vault) take(stored []*key) error {
	v.mu.RLock()
	known := v.byID
	v.mu.RUnlock()
	looked := time.Now()
	byID, activeOf := make(map[string]*key, len(stored)), map[slot]*key{}
	var newest masterKey
	for _, k := range stored {
		master, err := v.masterOf(k.fingerprint)
		if old := known[k.id]; old != nil {
			k.aead, k.mac, k.prf = old.aead, old.mac, old.prf
		} else if err != nil {
			return err
		} else if err := k.unwrap(master); err != nil {
			return fault.Wrap(fault.Internal, err, "a key of the vault cannot be unwrapped: it was changed, or wrapped with another key file")
		}
		if err == nil {
			newest = master
		}
		byID[k.id] = k
		if k.state == "active" {
			activeOf[slot{k.zone, k.purpose}] = k
		}
	}
	v.mu.Lock()
	v.byID, v.activeOf, v.looked = byID, activeOf, looked
	if newest.fingerprint != "" {
		v.master = newest
	}
	v.mu.Unlock()
	return nil
}

// current returns the active key to seal with. A process that has not looked at the keys for a while looks first, so that what a replaced
// key sealed is known to be all there is of it once the fence has passed.
func (v *Vault) current(zone string, p Purpose) (*key, error) {
	v.mu.RLock()
	k, old := v.activeOf[slot{zone, p}], time.Since(v.looked) > v.opt.Fence/2
	v.mu.RUnlock()
	if old {
		// The caller may be inside a transaction, so another goroutine looks.
		_, err, _ := v.looking.Do("", func() (any, error) {
			done := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				defer cancel()
				done <- v.Refresh(ctx)
			}()
			return nil, <-done
		})
		if err != nil {
			return nil, err
		}
		k = v.active(zone, p)
	}
	if k == nil {
		return nil, fault.New(fault.Internal, "the vault has no key for %s in zone %s", p, zone)
	}
	return k, nil
}

// ensure makes the first key of a purpose in a zone. Of several processes that try, one wins.
func (v *Vault) ensure(ctx context.Context, zone string, p Purpose) error {
	if v.active(zone, p) != nil {
		return nil
	}
	v.mu.RLock()
	master := v.master
	v.mu.RUnlock()
	k, err := newKey(zone, p, master)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "a key cannot be made")
	}
	err = v.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`insert into vault_keys (id, zone, purpose, wrapped, fingerprint, state, created_at)
			values ($1, $2, $3, $4, $5, 'active', $6) on conflict (zone, purpose) where state = 'active' do nothing`,
			k.id, zone, string(p), k.wrapped, k.fingerprint, tx.Now.UnixMicro())
		return err
	})
	if err != nil {
		return err
	}
	return v.Refresh(ctx)
}

func (v *Vault) active(zone string, p Purpose) *key {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.activeOf[slot{zone, p}]
}

// all returns the keys of a purpose in a zone that may have been used, newest first.
func (v *Vault) all(zone string, p Purpose) []*key {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var out []*key
	for _, k := range v.byID {
		if k.zone == zone && k.purpose == p {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b *key) int { return b.createdAt.Compare(a.createdAt) })
	return out
}

// key finds a key by id. One that is not known may have been made by another process since: it is looked for, at most once a second.
func (v *Vault) key(id string) (*key, error) {
	v.mu.Lock()
	k, now := v.byID[id], time.Now()
	look := k == nil && now.Sub(v.missed) > time.Second
	if look {
		v.missed = now
	}
	v.mu.Unlock()
	if look {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := v.Refresh(ctx); err != nil {
			return nil, err
		}
		v.mu.RLock()
		k = v.byID[id]
		v.mu.RUnlock()
	}
	if k == nil {
		return nil, fault.New(fault.Internal, "the vault has no key %s", id)
	}
	return k, nil
}
