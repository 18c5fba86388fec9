package vault

import (
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// KeyStatus describes a key, never its content.
type KeyStatus struct {
	ID        string    `json:"id"`
	Zone      string    `json:"zone"`
	Purpose   Purpose   `json:"purpose"`
	State     string    `json:"state"`
	WrappedBy string    `json:"wrapped_by" doc:"Fingerprint of the key-encryption key"`
	CreatedAt time.Time `json:"created_at"`
}

// Status says what the vault holds, and never a value.
type Status struct {
	Key      string      `json:"key" doc:"Fingerprint of the key-encryption key in use"`
	Keys     []KeyStatus `json:"keys"`
	Rotation *Rotation   `json:"rotation,omitempty" doc:"Under way, or the last one"`
}

// Status reads what the vault holds.
func (v *Vault) Status(tx *db.Tx) (st Status, err error) {
	st.Key = v.Fingerprint()
	st.Keys, err = db.All(tx, func(s db.Scanner) (k KeyStatus, err error) {
		err = s.Scan(&k.ID, &k.Zone, &k.Purpose, &k.State, &k.WrappedBy, db.Time(&k.CreatedAt))
		return k, err
	}, `select id, zone, purpose, state, fingerprint, created_at from vault_keys order by zone, purpose, created_at, id`)
	if err != nil {
		return st, err
	}
	r, err := Running(tx)
	if fault.Is(err, fault.NotFound) {
		return st, nil
	}
	st.Rotation = &r
	return st, err
}

// usesEvery is how often the use of one credential is told by one process.
const usesEvery = time.Hour

// Use is how often a credential was used by this process.
type Use struct {
	Owner, Name string
	Times       int64
	From, Until time.Time
}

// uses counts the uses of credentials that have not been told yet.
type uses struct {
	mu   sync.Mutex
	open map[cacheKey]*Use
	told map[cacheKey]time.Time
}

func (u *uses) note(k cacheKey, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open == nil {
		u.open, u.told = map[cacheKey]*Use{}, map[cacheKey]time.Time{}
	}
	one := u.open[k]
	if one == nil {
		one = &Use{Owner: k.owner, Name: k.name, From: now}
		u.open[k] = one
	}
	one.Times++
	one.Until = now
}

// due takes out what is to be told: the first use at once, later ones together.
func (u *uses) due(now time.Time) (all []Use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for k, one := range u.open {
		if now.Sub(u.told[k]) >= usesEvery {
			all, u.told[k] = append(all, *one), now
			delete(u.open, k)
		}
	}
	return all
}

// back puts in again what could not be told.
func (u *uses) back(all []Use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, one := range all {
		k := cacheKey{one.Owner, one.Name}
		delete(u.told, k)
		if now := u.open[k]; now != nil {
			now.Times, now.From = now.Times+one.Times, one.From
		} else {
			u.open[k] = &one
		}
	}
}
