// Package vault keeps secrets: the key hierarchy and the credentials of accounts, sealed in the database and masked wherever they are
// printed. Start at Open, then Put and Values.
//
// A key-encryption key from a file wraps the keys in vault_keys (Tink keysets, unwrapped once at start); those seal credentials, wrap
// the keys of personal data (platform/privacy), sign audit rows (platform/audit) and hash API keys (platform/access). Everything sealed
// is bound to the place it belongs to: a row's content opens nowhere else.
package vault

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// MainZone is the residency zone of everything that is not kept elsewhere.
const MainZone = "main"

// Options say where the key-encryption key is.
type Options struct {
	KeyFile string // 32 bytes as base64 or hexadecimal text, readable by its owner only
	Create  bool   // make the file when it is missing; on SQLite only, and only while the database holds nothing sealed
	Log     *slog.Logger
}

// Vault is an open vault. It is safe for concurrent use.
type Vault struct {
	db     *db.DB
	log    *slog.Logger
	master masterKey
	sealer *Cipher // of credentials

	mu       sync.RWMutex
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
	v := &Vault{db: d, log: o.Log, byID: map[string]*key{}, activeOf: map[slot]*key{}}
	v.cache.init()
	if v.log == nil {
		v.log = slog.Default()
	}
	stored, err := v.stored(ctx)
	if err != nil {
		return nil, err
	}
	material, err := obtain(o, d.Engine(), len(stored) == 0)
	if err != nil {
		return nil, err
	}
	if v.master, err = newMasterKey(material); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the key-encryption key cannot be used")
	}
	for _, k := range stored {
		if k.fingerprint != v.master.fingerprint {
			return nil, fault.New(fault.Invalid, "the key file %s is not the one this database was set up with: its fingerprint is %s, the database wants %s",
				o.KeyFile, v.master.fingerprint, k.fingerprint)
		}
	}
	if err := v.take(stored); err != nil {
		return nil, err
	}
	v.sealer, err = v.Cipher(ctx, MainZone, Credentials)
	return v, err
}

// obtain reads the key file, or makes it where that is allowed.
func obtain(o Options, engine db.Engine, empty bool) ([]byte, error) {
	if o.KeyFile == "" {
		return nil, fault.New(fault.Invalid, "no key file is configured")
	}
	material, err := readKeyFile(o.KeyFile)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil && fault.KindOf(err) == fault.Internal {
			err = fault.Wrap(fault.Invalid, err, "the key file cannot be read")
		}
		return material, err
	}
	switch {
	case !empty:
		return nil, fault.New(fault.Invalid, "the key file %s is missing, and the database holds what was sealed with it: restore the file from its backup", o.KeyFile)
	case engine != db.SQLite:
		return nil, fault.New(fault.Invalid, "the key file %s is missing: on PostgreSQL it is configured, never made, since every process needs the same; "+
			"make one with: (umask 077 && openssl rand -base64 32 > %s), and back it up apart from the database", o.KeyFile, o.KeyFile)
	case !o.Create:
		return nil, fault.New(fault.Invalid, "the key file %s is missing", o.KeyFile)
	}
	// Another process that starts now may be faster; then its file is ours.
	if err := CreateKeyFile(o.KeyFile); err != nil && !fault.Is(err, fault.Conflict) {
		return nil, err
	}
	return readKeyFile(o.KeyFile)
}

// Fingerprint says which key-encryption key is in use; it gives nothing away about it.
func (v *Vault) Fingerprint() string { return v.master.fingerprint }

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
	byID, activeOf := make(map[string]*key, len(stored)), map[slot]*key{}
	for _, k := range stored {
		if old := known[k.id]; old != nil {
			k.aead, k.mac, k.prf = old.aead, old.mac, old.prf
		} else if err := k.unwrap(v.master); err != nil {
			return fault.Wrap(fault.Internal, err, "a key of the vault cannot be unwrapped: it was changed, or wrapped with another key file")
		}
		byID[k.id] = k
		if k.state == "active" {
			activeOf[slot{k.zone, k.purpose}] = k
		}
	}
	v.mu.Lock()
	v.byID, v.activeOf = byID, activeOf
	v.mu.Unlock()
	return nil
}

// ensure makes the first key of a purpose in a zone. Of several processes that try, one wins.
func (v *Vault) ensure(ctx context.Context, zone string, p Purpose) error {
	if v.active(zone, p) != nil {
		return nil
	}
	k, err := newKey(zone, p, v.master)
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
