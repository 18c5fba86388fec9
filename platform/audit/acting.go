package audit

import (
	"context"
	"sync"

	"github.com/openclaw-pos/commerce/platform/db"
)

// act is what somebody does in one request.
type act struct {
	log   *Log
	entry func() Entry

	mu   sync.Mutex
	in   *db.Tx // the transaction that has an entry of this act
	done bool   // one was committed
}

type actKey struct{}

// Acting marks a context in which somebody acts: whatever commits first in it has an audit entry, this one unless the act writes its own,
// and every entry carries the request. Entry is asked for when it is written. It replaces what the context had been given to do along with
// its writes (db.Along): pass that as also.
func (l *Log) Acting(ctx context.Context, entry func() Entry, also func(tx *db.Tx) error) context.Context {
	a := &act{log: l, entry: entry}
	return db.Along(context.WithValue(ctx, actKey{}, a), func(tx *db.Tx) error {
		if err := a.fill(tx); err != nil || also == nil {
			return err
		}
		return also(tx)
	})
}

// fill writes the entry unless the act has one.
func (a *act) fill(tx *db.Tx) error {
	a.mu.Lock()
	has := a.done || a.in == tx
	a.mu.Unlock()
	if has {
		return nil
	}
	return a.log.Write(tx, a.entry())
}

// wrote notes that a transaction has an entry; one that is rolled back has none, and its repeat is another transaction.
func (a *act) wrote(tx *db.Tx) {
	a.mu.Lock()
	a.in = tx
	a.mu.Unlock()
	tx.AfterCommit(func() {
		a.mu.Lock()
		a.done = true
		a.mu.Unlock()
	})
}

// Told says that the act of a context is in the log already, in an entry that another context wrote.
func Told(ctx context.Context) {
	if a, _ := ctx.Value(actKey{}).(*act); a != nil {
		a.mu.Lock()
		a.done = true
		a.mu.Unlock()
	}
}
