package access

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// freshFor is how long a verified key is trusted before the database is asked again.
const freshFor = 1500 * time.Millisecond

// maxOverlap is how long a rotated key may stay in use beside the one that replaces it.
const maxOverlap = 30 * 24 * time.Hour

// maxCached bounds what made-up keys can make us remember.
const maxCached = 10_000

// Key describes an API key, never the key itself.
type Key struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Prefix     string    `json:"prefix"` // the part of the key by which people recognise it
	Scopes     []Scope   `json:"scopes"`
	Area       Area      `json:"area,omitzero" doc:"The part of the business it is limited to; missing: all of it"`
	Replaces   string    `json:"replaces,omitempty" doc:"The key it was rotated from"`
	User       string    `json:"user_id,omitempty" doc:"Whose key it is: who made it, or replaced it last. Missing for one that was made at the command line"`
	CreatedAt  time.Time `json:"created_at"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"`
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"` // to a minute
}

// Keys are the API keys. It is safe for concurrent use.
type Keys struct {
	db   *db.DB
	hash *vault.Hasher
	log  *audit.Log

	mu     sync.Mutex
	cache  map[string]cached // by prefix
	epoch  uint64            // counts revocations: what was read before one is not kept
	used   map[string]time.Time
	flight singleflight.Group
}

type cached struct {
	key    Key
	hash   []byte // nil: there is no key with this prefix
	readAt time.Time
}

// Open opens the keys of a database; the first call ever makes the key of their hashes. Call it at start, outside a transaction.
func Open(ctx context.Context, d *db.DB, v *vault.Vault, log *audit.Log) (*Keys, error) {
	hash, err := v.Hasher(ctx, vault.MainZone, vault.Access)
	return &Keys{db: d, hash: hash, log: log, cache: map[string]cached{}, used: map[string]time.Time{}}, err
}

// NewKey is a key to be made.
type NewKey struct {
	Name    string
	Scopes  []Scope
	Area    Area
	Expires time.Time // zero = never

	user string // who sees it
}

// Create makes a key for the whole business, see Make.
func (k *Keys) Create(ctx context.Context, by Caller, name string, scopes []Scope, expires time.Time) (vault.Secret, Key, error) {
	return k.Make(ctx, by, NewKey{Name: name, Scopes: scopes, Expires: expires})
}

// Make makes a key and returns it once; nobody can show it again. Nobody gives a key more rights than they have. The act is audited.
// Faults: Invalid without a name, without scopes, with an unknown scope, or an expiry that has passed; Forbidden.
func (k *Keys) Make(ctx context.Context, by Caller, n NewKey) (vault.Secret, Key, error) {
	n.Name = strings.TrimSpace(n.Name)
	if n.Name == "" {
		return vault.Secret{}, Key{}, fault.Field("name", "is missing: it tells people what the key is for")
	}
	scopes, err := ParseScopes(formatScopes(n.Scopes))
	if err != nil {
		return vault.Secret{}, Key{}, err
	}
	if n.Scopes = scopes; !by.holds(scopes, n.Area) {
		return vault.Secret{}, Key{}, fault.New(fault.Forbidden, "a key cannot have more rights than you have").WithCode("more_than_own")
	}
	var plain string
	var key Key
	err = k.db.Write(ctx, func(tx *db.Tx) (err error) {
		if !n.Expires.IsZero() && !n.Expires.After(tx.Now) {
			return fault.Field("expires", "has passed already")
		}
		n.user = by.Person()
		if plain, key, err = k.insert(tx, n, ""); err != nil {
			return err
		}
		return k.log.Write(tx, audit.Entry{
			Actor: by.Actor(), Action: "key.create", SubjectKind: "api_key", Subject: key.ID,
			Detail: map[string]any{"name": key.Name, "prefix": key.Prefix, "scopes": scopes, "area": key.Area},
		})
	})
	if err != nil {
		return vault.Secret{}, Key{}, err
	}
	return vault.Hide(plain), key, nil
}

// holds reports whether a caller has every right of these scopes in an area.
func (c Caller) holds(scopes []Scope, in Area) bool {
	for _, r := range Rights {
		if slices.ContainsFunc(scopes, func(s Scope) bool { return s.includes(r.Name) }) && !c.Can(r.Name, in) {
			return false
		}
	}
	return true
}

func (k *Keys) insert(tx *db.Tx, n NewKey, replaces string) (string, Key, error) {
	plain, prefix := newToken()
	hash, err := k.hash.Sum("api-key", []byte(plain))
	if err != nil {
		return "", Key{}, err
	}
	key := Key{ID: db.ID(), Name: n.Name, Prefix: prefix, Scopes: n.Scopes, Area: n.Area, Replaces: replaces, CreatedAt: tx.Now, ExpiresAt: n.Expires.UTC().Truncate(time.Microsecond)}
	var area any
	if !n.Area.Whole() {
		text, err := json.Marshal(n.Area)
		if err != nil {
			return "", Key{}, err
		}
		area = string(text)
	}
	_, err = tx.Exec(`insert into api_keys (id, name, prefix, hash, scopes, area, replaces, created_at, expires_at, user_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		key.ID, key.Name, prefix, hash, formatScopes(key.Scopes), area, null(replaces), tx.Now.UnixMicro(), db.Micros(n.Expires), null(n.user))
	key.User = n.user
	k.forget(tx, prefix)
	return plain, key, err
}

// Rotate makes a key with the rights and the name of another, which stays valid for the overlap, at most thirty days, so that both can be
// in use while programs change over. A lasting expiry is moved on by as long as the old key was to last. The act is audited. Faults:
// NotFound; Conflict when the key has ended or was rotated already; Forbidden; Invalid for an overlap out of bounds.
func (k *Keys) Rotate(ctx context.Context, by Caller, idOrPrefix string, overlap time.Duration) (vault.Secret, Key, error) {
	if overlap < 0 || overlap > maxOverlap {
		return vault.Secret{}, Key{}, fault.Field("overlap", "must be between nothing and thirty days")
	}
	var plain string
	var key Key
	err := k.db.Write(ctx, func(tx *db.Tx) error {
		old, err := k.lock(tx, idOrPrefix)
		if err != nil {
			return err
		}
		if !old.RevokedAt.IsZero() || !old.ExpiresAt.IsZero() && !tx.Now.Before(old.ExpiresAt) {
			return fault.New(fault.Conflict, "this key has ended: make a new one")
		}
		if !by.holds(old.Scopes, old.Area) {
			return fault.New(fault.Forbidden, "this key has more rights than you have").WithCode("more_than_own")
		}
		newer, err := db.All(tx, scanText, `select id from api_keys where replaces = $1 and revoked_at is null`, old.ID)
		if err != nil || len(newer) > 0 {
			return cmp.Or(err, error(fault.New(fault.Conflict, "this key was rotated already: it ends when its time is over")))
		}
		// Whoever replaces a key sees it, so that from now on it is theirs.
		n := NewKey{Name: old.Name, Scopes: old.Scopes, Area: old.Area, user: by.Person()}
		if !old.ExpiresAt.IsZero() {
			n.Expires = tx.Now.Add(old.ExpiresAt.Sub(old.CreatedAt))
		}
		if plain, key, err = k.insert(tx, n, old.ID); err != nil {
			return err
		}
		ends := tx.Now.Add(overlap)
		if old.ExpiresAt.IsZero() || ends.Before(old.ExpiresAt) {
			if _, err := tx.Exec(`update api_keys set expires_at = $2 where id = $1`, old.ID, ends.UnixMicro()); err != nil {
				return err
			}
		}
		k.forget(tx, old.Prefix)
		return k.log.Write(tx, audit.Entry{
			Actor: by.Actor(), Action: "key.rotate", SubjectKind: "api_key", Subject: key.ID,
			Detail: map[string]any{"name": key.Name, "prefix": key.Prefix, "replaces": old.ID, "overlap_s": int64(overlap / time.Second)},
		})
	})
	if err != nil {
		return vault.Secret{}, Key{}, err
	}
	return vault.Hide(plain), key, nil
}

func (k *Keys) lock(tx *db.Tx, idOrPrefix string) (Key, error) {
	key, err := db.One(tx, func(s db.Scanner) (Key, error) { return scan(s) },
		`select `+columns+` from api_keys where id = $1 or prefix = $1`+tx.Lock(), idOrPrefix)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "there is no such API key")
	}
	return key, err
}

// Verify says who holds a key. It asks the database once in a while only. Fault: Unauthorized for a key that is malformed, unknown,
// expired or revoked, without saying which of the last three.
func (k *Keys) Verify(ctx context.Context, plain string) (Caller, error) {
	prefix, err := parseToken(plain)
	if err != nil {
		return Caller{}, err
	}
	c, err := k.find(ctx, prefix)
	if err != nil {
		return Caller{}, err
	}
	sum, err := k.hash.Sum("api-key", []byte(plain))
	if err != nil {
		return Caller{}, err
	}
	now := k.db.Now()
	if subtle.ConstantTimeCompare(sum, c.hash) != 1 || !c.key.RevokedAt.IsZero() || !c.key.ExpiresAt.IsZero() && !now.Before(c.key.ExpiresAt) {
		return Caller{}, fault.New(fault.Unauthorized, "this API key is not valid").WithCode("invalid_key")
	}
	k.mu.Lock()
	k.used[c.key.ID] = now
	k.mu.Unlock()
	return Caller{Kind: ByKey, ID: c.key.ID, Name: c.key.Name, Scopes: c.key.Scopes, Area: c.key.Area, User: c.key.User}, nil
}

// find reads a key by prefix, from memory while that is fresh; those who want the same one wait for one answer.
func (k *Keys) find(ctx context.Context, prefix string) (cached, error) {
	k.mu.Lock()
	c, known := k.cache[prefix]
	epoch := k.epoch
	k.mu.Unlock()
	if known && time.Since(c.readAt) < freshFor {
		return c, nil
	}
	// Who asks after a revocation does not share the answer of somebody who asked before it.
	answer := k.flight.DoChan(fmt.Sprintf("%s %d", prefix, epoch), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return k.load(ctx, prefix, epoch)
	})
	select {
	case r := <-answer:
		if r.Err != nil {
			return cached{}, r.Err
		}
		return r.Val.(cached), nil
	case <-ctx.Done():
		return cached{}, ctx.Err()
	}
}

func (k *Keys) load(ctx context.Context, prefix string, epoch uint64) (cached, error) {
	c := cached{readAt: time.Now()}
	err := k.db.Read(ctx, func(tx *db.Tx) error {
		rows, err := db.All(tx, func(s db.Scanner) (r cached, err error) {
			r.key, err = scan(s, &r.hash)
			return r, err
		}, `select `+columns+`, hash from api_keys where prefix = $1`, prefix)
		if len(rows) == 1 {
			c.key, c.hash = rows[0].key, rows[0].hash
		}
		return err
	})
	if err != nil {
		return cached{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.epoch == epoch {
		if len(k.cache) >= maxCached {
			clear(k.cache)
		}
		k.cache[prefix] = c
	}
	return c, nil
}

// forget has a key read again once the transaction has committed.
func (k *Keys) forget(tx *db.Tx, prefix string) {
	tx.AfterCommit(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.epoch++
		delete(k.cache, prefix)
	})
}

// Revoke ends a key, named by id or prefix. The act is audited. Safe to repeat. Fault: NotFound.
func (k *Keys) Revoke(ctx context.Context, by Caller, idOrPrefix string) (Key, error) {
	var key Key
	err := k.db.Write(ctx, func(tx *db.Tx) (err error) {
		key, err = k.lock(tx, idOrPrefix)
		if err != nil || !key.RevokedAt.IsZero() {
			return err
		}
		key.RevokedAt = tx.Now
		if _, err := tx.Exec(`update api_keys set revoked_at = $2 where id = $1`, key.ID, tx.Now.UnixMicro()); err != nil {
			return err
		}
		k.forget(tx, key.Prefix)
		return k.log.Write(tx, audit.Entry{
			Actor: by.Actor(), Action: "key.revoke", SubjectKind: "api_key", Subject: key.ID,
			Detail: map[string]string{"name": key.Name, "prefix": key.Prefix},
		})
	})
	return key, err
}

// List returns keys by id, that is, oldest first, after the last id seen; the revoked ones too. A limit outside 1…1000 is 100.
func List(tx *db.Tx, after string, limit int) ([]Key, error) {
	if limit < 1 || limit > 1000 {
		limit = 100
	}
	return db.All(tx, func(s db.Scanner) (Key, error) { return scan(s) },
		`select `+columns+` from api_keys where id > $1 order by id limit $2`, after, limit)
}

const columns = `id, name, prefix, scopes, area, replaces, created_at, expires_at, revoked_at, last_used_at, user_id`

func scan(s db.Scanner, more ...any) (key Key, err error) {
	var scopes string
	err = s.Scan(append([]any{
		&key.ID, &key.Name, &key.Prefix, &scopes, db.JSON(&key.Area), db.Text(&key.Replaces), db.Time(&key.CreatedAt), db.Time(&key.ExpiresAt), db.Time(&key.RevokedAt),
		db.Time(&key.LastUsedAt), db.Text(&key.User),
	}, more...)...)
	for word := range strings.FieldsSeq(scopes) {
		key.Scopes = append(key.Scopes, Scope(word))
	}
	return key, err
}

// Flush writes down when keys were used.
func (k *Keys) Flush(ctx context.Context) error {
	k.mu.Lock()
	used := k.used
	k.used = map[string]time.Time{}
	k.mu.Unlock()
	batch := db.NewBatch(1)
	for _, id := range slices.Sorted(maps.Keys(used)) {
		batch.Add(id, used[id].UnixMicro())
	}
	return k.db.Write(db.Background(ctx), func(tx *db.Tx) error {
		tx.Send(`update api_keys set last_used_at = r.u from rows(i text, u bigint)
			where api_keys.id = r.i and (api_keys.last_used_at is null or api_keys.last_used_at < r.u)`, batch)
		return nil
	})
}

// Run flushes every minute until ctx ends, and once more then. It returns nil when ctx ends.
func (k *Keys) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := k.Flush(ctx); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "the use of API keys was not written down", "error", err)
			}
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err := k.Flush(last); err != nil {
				slog.WarnContext(ctx, "the use of API keys was not written down", "error", err)
			}
			return nil
		}
	}
}
