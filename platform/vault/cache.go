package vault

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// freshFor is how long a value is used before the database is asked again: a revocation elsewhere takes no longer to be noticed.
const freshFor = 3 * time.Second

// staleFor is how long a value is used while the database does not answer.
const staleFor = time.Minute

type cacheKey struct{ owner, name string }

// Value is one valid generation of a credential.
type Value struct {
	Generation int64
	Secret     Secret
	ExpiresAt  time.Time // when the partner lets it expire; zero = unknown or never

	retireAt time.Time
}

type cached struct {
	values []Value
	plain  []string
	readAt time.Time // by the process's monotonic clock
	until  time.Time // when the first of them retires, by the database's clock; zero = none does
}

type cache struct {
	mu      sync.RWMutex
	entries map[cacheKey]*cached
	epoch   uint64                 // counts drops: what was read before one is not kept
	used    map[cacheKey]time.Time // not yet written to last_used_at
	flight  singleflight.Group
}

func (c *cache) init() {
	c.entries, c.used = map[cacheKey]*cached{}, map[cacheKey]time.Time{}
}

func (c *cache) drop(k cacheKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	delete(c.entries, k)
}

func (c *cache) dropOwner(owner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for k := range c.entries {
		if k.owner == owner {
			delete(c.entries, k)
		}
	}
}

func (c *cache) get(k cacheKey) *cached {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.entries[k]
}

// Values returns the valid values of a credential, the one in use first, then one that is still valid beside it; none when there is
// none. Values are kept in memory: a change made here counts at once, one made by another process within three seconds.
func (v *Vault) Values(ctx context.Context, owner, name string) ([]string, error) {
	e, err := v.read(ctx, owner, name)
	if err != nil {
		return nil, err
	}
	return slices.Clone(e.plain), nil
}

// Current returns the value in use with its generation, for Swap. Fault: NotFound when there is none.
func (v *Vault) Current(ctx context.Context, owner, name string) (Value, error) {
	e, err := v.read(ctx, owner, name)
	if err != nil {
		return Value{}, err
	}
	if len(e.values) == 0 || !e.values[0].retireAt.IsZero() {
		return Value{}, fault.New(fault.NotFound, "there is no %s", name)
	}
	return e.values[0], nil
}

// Reload is Current past the cache: what another process stored a moment ago is seen.
func (v *Vault) Reload(ctx context.Context, owner, name string) (Value, error) {
	v.cache.drop(cacheKey{owner, name})
	return v.Current(ctx, owner, name)
}

// Trial returns the value of a pending generation, to be tried before it is activated. Fault: NotFound when it is not pending.
func (v *Vault) Trial(ctx context.Context, owner, name string, generation int64) (Value, error) {
	var r sealedValue
	err := v.db.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = db.One(tx, func(s db.Scanner) (r sealedValue, err error) {
			err = s.Scan(&r.keyID, &r.box, db.Time(&r.expiresAt))
			return r, err
		}, `select key_id, sealed, expires_at from credentials where owner = $1 and name = $2 and generation = $3 and state = 'pending'`,
			owner, name, generation)
		return err
	})
	if err != nil {
		return Value{}, err
	}
	plain, err := v.sealer.Open(r.keyID, r.box, bound(owner, name, generation))
	return Value{Generation: generation, Secret: Hide(string(plain)), ExpiresAt: r.expiresAt}, err
}

// Source returns the secrets of one owner as a seam's configuration wants them: valid values by name, newest first. While the
// database does not answer, what was read last is given for a minute.
func (v *Vault) Source(owner string) func(name string) []string {
	return func(name string) []string {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		values, err := v.Values(ctx, owner, name)
		if err == nil {
			return values
		}
		if e := v.cache.get(cacheKey{owner, name}); e != nil && time.Since(e.readAt) < staleFor {
			return slices.Clone(e.plain)
		}
		v.log.Error("a credential cannot be read", "owner", owner, "name", name, "error", err)
		return nil
	}
}

func (v *Vault) read(ctx context.Context, owner, name string) (*cached, error) {
	k := cacheKey{owner, name}
	e := v.cache.get(k)
	if e == nil || time.Since(e.readAt) >= freshFor || !e.until.IsZero() && !v.db.Now().Before(e.until) {
		var err error
		if e, err = v.fill(ctx, k); err != nil {
			return nil, err
		}
	}
	v.note(k)
	return e, nil
}

// fill reads a credential; those who want the same one wait for one answer.
func (v *Vault) fill(ctx context.Context, k cacheKey) (*cached, error) {
	v.cache.mu.RLock()
	epoch := v.cache.epoch
	v.cache.mu.RUnlock()
	// Who asks after a drop does not share the answer of somebody who asked before it.
	done := v.cache.flight.DoChan(fmt.Sprintf("%d\x00%s\x00%s", epoch, k.owner, k.name), func() (any, error) {
		// The others who wait must not fail because the first one gave up.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return v.load(ctx, k, epoch)
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*cached), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (v *Vault) load(ctx context.Context, k cacheKey, epoch uint64) (*cached, error) {
	readAt := time.Now()
	rows, err := v.valid(ctx, k.owner, k.name)
	if err != nil {
		return nil, err
	}
	e := &cached{readAt: readAt}
	for _, r := range rows {
		plain, err := v.sealer.Open(r.keyID, r.box, bound(k.owner, k.name, r.generation))
		if err != nil {
			return nil, err
		}
		e.values = append(e.values, Value{r.generation, Hide(string(plain)), r.expiresAt, r.retireAt})
		e.plain = append(e.plain, string(plain))
		if !r.retireAt.IsZero() {
			e.until = r.retireAt
		}
	}
	v.cache.mu.Lock()
	defer v.cache.mu.Unlock()
	if v.cache.epoch == epoch {
		v.cache.entries[k] = e
	}
	return e, nil
}

// note remembers that a credential was used.
func (v *Vault) note(k cacheKey) {
	now := v.db.Now()
	v.uses.note(k, now)
	v.cache.mu.RLock()
	recent := now.Sub(v.cache.used[k]) < time.Minute
	v.cache.mu.RUnlock()
	if recent {
		return
	}
	v.cache.mu.Lock()
	defer v.cache.mu.Unlock()
	v.cache.used[k] = now
}

// Run does what is due every minute until ctx ends: takes up keys made elsewhere, destroys what has retired, writes down what was used.
// It returns nil when ctx ends.
func (v *Vault) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := v.Tend(ctx); err != nil && ctx.Err() == nil {
			v.log.Warn("the vault was not tended", "error", err)
		}
	}
}

// Tend is one round of Run.
func (v *Vault) Tend(ctx context.Context) error {
	if err := v.Refresh(ctx); err != nil {
		return err
	}
	v.cache.mu.Lock()
	used := maps.Clone(v.cache.used)
	v.cache.mu.Unlock()
	batch := db.NewBatch(2)
	for _, k := range slices.SortedFunc(maps.Keys(used), compareKeys) {
		batch.Add(k.owner, k.name, used[k].UnixMicro())
	}
	var told []Use
	if v.opt.Used != nil {
		told = v.uses.due(v.db.Now())
	}
	err := v.db.Write(db.Background(ctx), func(tx *db.Tx) error {
		if len(told) > 0 {
			if err := v.opt.Used(tx, told); err != nil {
				return err
			}
		}
		tx.Send(`update credentials set last_used_at = r.u from rows(o text, n text, u bigint)
			where credentials.owner = r.o and credentials.name = r.n and credentials.state = 'active'
			and (credentials.last_used_at is null or credentials.last_used_at < r.u)`, batch)
		return Sweep(tx)
	})
	if err != nil {
		v.uses.back(told)
		return err
	}
	v.cache.mu.Lock()
	defer v.cache.mu.Unlock()
	for k, at := range used {
		if v.cache.used[k].Equal(at) && v.db.Now().Sub(at) > time.Minute {
			delete(v.cache.used, k)
		}
	}
	return nil
}

func compareKeys(a, b cacheKey) int {
	return cmp.Or(cmp.Compare(a.owner, b.owner), cmp.Compare(a.name, b.name))
}
