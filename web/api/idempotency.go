package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

const (
	keyLease  = 6 * time.Second // a key whose process has not been heard of for so long is taken over
	keyRenew  = 2 * time.Second //
	keyWait   = 2 * time.Second // how long a duplicate waits for the first one
	keyLook   = 50 * time.Millisecond
	keyKept   = 7 * 24 * time.Hour // a repeat is recognised for so long
	keySweeps = time.Hour
)

// keeper keeps idempotency keys. The row of a key is made before the effect, with a lease, and is done in the transaction of the effect itself: either both are
// kept or neither. A process that dies leaves a row whose lease ends; the next one with the same key takes it over.
type keeper struct {
	db    *db.DB
	log   *slog.Logger
	owner string // this process, this start
}

func newKeeper(d *db.DB, log *slog.Logger) *keeper { return &keeper{db: d, log: log, owner: db.ID()} }

// claim is a key in use by one request.
type claim struct {
	caller, key string
	route, hash string
	status      int
	resource    string // what the effect was about, set before its transaction ends: the answer is rendered from it
	finished    bool
	kept        string // resource as it was kept with the effect
}

// answered is what a finished key says.
type answered struct {
	status   int
	resource string
}

var (
	errOtherBody = &Problem{
		Type: "urn:openclaw-commerce:idempotency_mismatch", Title: "The key was used for another request", Status: http.StatusUnprocessableEntity,
		Detail: "this Idempotency-Key came with another address or body before: use a new key for a new request", Field: "Idempotency-Key", Code: "idempotency_mismatch",
	}
	errBusy = &fault.Error{Kind: fault.Conflict, Message: "the same request is still running: ask again", Code: "running", After: time.Second}
	errLost = fault.New(fault.Conflict, "another request with the same key has taken over").WithCode("taken_over")
)

// take claims the key, or answers what it was already answered, or waits a moment for who has it.
func (k *keeper) take(ctx context.Context, c *claim) (*answered, error) {
	limit := time.NewTimer(keyWait)
	defer limit.Stop()
	look := time.NewTicker(keyLook)
	defer look.Stop()
	for {
		done, mine, err := k.try(ctx, c)
		if err != nil || mine || done != nil {
			return done, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-limit.C:
			return nil, errBusy
		case <-look.C:
		}
	}
}

func (k *keeper) try(ctx context.Context, c *claim) (done *answered, mine bool, err error) {
	err = k.db.Write(ctx, func(tx *db.Tx) error {
		done, mine = nil, false
		n, err := tx.Exec(`insert into idempotency_keys (caller, idem_key, route, body_hash, state, owner, lease_until, created_at) values ($1, $2, $3, $4, 'running', $5, $6, $7)
			on conflict do nothing`, c.caller, c.key, c.route, c.hash, k.owner, db.Micros(tx.Now.Add(keyLease)), db.Micros(tx.Now))
		if err != nil || n == 1 {
			mine = err == nil
			return err
		}
		var was struct {
			route, hash, state, owner string
			answered
			lease time.Time
		}
		row := tx.QueryRow(`select route, body_hash, state, owner, status, resource, lease_until from idempotency_keys where caller = $1 and idem_key = $2`+tx.Lock(), c.caller, c.key)
		if err := row.Scan(&was.route, &was.hash, &was.state, &was.owner, db.Int(&was.status), db.Text(&was.resource), db.Time(&was.lease)); err != nil {
			return err
		}
		switch {
		case was.route != c.route || was.hash != c.hash:
			return errOtherBody
		case was.state == "done":
			done = &was.answered
			return nil
		case was.lease.After(tx.Now) && (was.owner == k.owner || k.db.Engine() != db.SQLite):
			return nil // on SQLite one process writes: another owner has ended
		}
		_, err = tx.Exec(`update idempotency_keys set owner = $3, lease_until = $4 where caller = $1 and idem_key = $2`, c.caller, c.key, k.owner, db.Micros(tx.Now.Add(keyLease)))
		mine = err == nil
		return err
	})
	return done, mine, err
}

// finish is done with the key, in the transaction of the effect. Fault: Conflict when another process has taken the key over meanwhile.
func (k *keeper) finish(tx *db.Tx, c *claim) error {
	n, err := tx.Exec(`update idempotency_keys set state = 'done', status = $4, resource = $5, finished_at = $6 where caller = $1 and idem_key = $2 and owner = $3 and state = 'running'`,
		c.caller, c.key, k.owner, c.status, c.resource, db.Micros(tx.Now))
	if err != nil || n == 1 {
		kept := c.resource
		tx.AfterCommit(func() { c.finished, c.kept = true, kept })
		return err
	}
	if c.finished { // the effect has a second transaction of its own
		return nil
	}
	return errLost
}

// rename keeps what the effect has made, where that is known only after it. Without it a repeat is answered with what the effect was about.
func (k *keeper) rename(ctx context.Context, c *claim) error {
	if c.kept == c.resource {
		return nil
	}
	return k.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		_, err := tx.Exec(`update idempotency_keys set resource = $3 where caller = $1 and idem_key = $2 and state = 'done'`, c.caller, c.key, c.resource)
		return err
	})
}

// drop gives a key back whose request has failed: nothing happened, so it may be tried again.
func (k *keeper) drop(ctx context.Context, c *claim) {
	if c.finished {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := k.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`delete from idempotency_keys where caller = $1 and idem_key = $2 and owner = $3 and state = 'running'`, c.caller, c.key, k.owner)
		return err
	})
	if err != nil {
		k.log.Warn("an idempotency key is kept until its lease ends", "err", err)
	}
}

// hold renews the lease until stop is called, which waits for it.
func (k *keeper) hold(ctx context.Context, c *claim) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(keyRenew)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := k.db.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(`update idempotency_keys set lease_until = $4 where caller = $1 and idem_key = $2 and owner = $3 and state = 'running'`,
					c.caller, c.key, k.owner, db.Micros(tx.Now.Add(keyLease)))
				return err
			})
			if err != nil && ctx.Err() == nil {
				k.log.Warn("the lease of an idempotency key was not renewed", "err", err)
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// run forgets old keys until ctx ends.
func (k *keeper) run(ctx context.Context) error {
	tick := time.NewTicker(keySweeps)
	defer tick.Stop()
	for {
		err := k.db.Write(db.Background(ctx), func(tx *db.Tx) error {
			_, err := tx.Exec(`delete from idempotency_keys where created_at < $1 and (state = 'done' or lease_until < $2)`, db.Micros(tx.Now.Add(-keyKept)), db.Micros(tx.Now))
			return err
		})
		if err != nil && ctx.Err() == nil {
			k.log.Warn("old idempotency keys stay", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
