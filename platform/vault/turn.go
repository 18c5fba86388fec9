package vault

import (
	"context"
	"encoding/hex"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Turn makes a new key of a purpose in a zone, in use at once here and within a minute in other processes. The one before it retires: what it made is still known until
// Drop. Fault: Conflict while one is retiring already.
func (v *Vault) Turn(ctx context.Context, zone string, p Purpose) error {
	v.mu.RLock()
	master := v.master
	v.mu.RUnlock()
	k, err := newKey(zone, p, master)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "a key cannot be made")
	}
	err = v.db.Write(ctx, func(tx *db.Tx) error {
		old, err := db.All(tx, func(row db.Scanner) (id string, err error) { return id, row.Scan(&id) },
			`select id from vault_keys where zone = $1 and purpose = $2 and state = 'retiring'`, zone, string(p))
		if err != nil {
			return err
		}
		if len(old) > 0 {
			return fault.New(fault.Conflict, "a key for %s is being replaced already", p)
		}
		tx.Send(`update vault_keys set state = 'retiring' where zone = $1 and purpose = $2 and state = 'active'`, zone, string(p))
		_, err = tx.Exec(`insert into vault_keys (id, zone, purpose, wrapped, fingerprint, state, created_at) values ($1, $2, $3, $4, $5, 'active', $6)`,
			k.id, zone, string(p), k.wrapped, k.fingerprint, tx.Now.UnixMicro())
		return err
	})
	if db.IsUnique(err) {
		return fault.New(fault.Conflict, "a key for %s is being replaced already", p)
	}
	if err != nil {
		return err
	}
	return v.Refresh(ctx)
}

// Drop destroys the retiring keys of a purpose in a zone.
func (v *Vault) Drop(tx *db.Tx, zone string, p Purpose) {
	tx.Send(`update vault_keys set state = 'revoked', wrapped = $3 where zone = $1 and purpose = $2 and state = 'retiring'`, zone, string(p), []byte{})
}

// Keyed makes hashes of several inputs under one and the same key, and says which that is. Inputs and hashes are by domain.
func (h *Hasher) Keyed(inputs map[string]string) (keyID string, hashes map[string]string, err error) {
	k := h.v.active(h.zone, h.purpose)
	if k == nil {
		return "", nil, fault.New(fault.Internal, "the vault has no key for %s in zone %s", h.purpose, h.zone)
	}
	hashes = map[string]string{}
	for domain, input := range inputs {
		sum, err := k.prf.ComputePrimaryPRF(domained(domain, []byte(input)), 32)
		if err != nil {
			return "", nil, err
		}
		hashes[domain] = hex.EncodeToString(sum)
	}
	return k.id, hashes, nil
}
