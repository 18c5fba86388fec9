package db

import "fmt"

// LockClass is a kind of row that transactions lock. Classes are locked in this order, and within a class in key order, so that
// two transactions never wait for each other.
type LockClass uint8

const (
	LockOrder   LockClass = iota // orders
	LockPayment                  // payments
	LockOther                    // any other aggregate: fulfillment orders, shipments, returns, …
	LockStock                    // stock of a (SKU, location), keys in order
	LockHead                     // heads of event streams and of chains, last
)

var lockNames = [...]string{"order", "payment", "other", "stock", "head"}

// String is the class's name, as it appears in the message about a broken order.
func (c LockClass) String() string { return lockNames[c] }

type lock struct {
	class LockClass
	key   string
}

// lockOrder remembers what a transaction has locked, and where.
type lockOrder struct {
	held  map[lock]bool
	last  lock
	place string
}

// Locking says that the transaction is about to lock this row. Under test it panics when a lock that comes later in the order is
// already held, naming both places; otherwise it does nothing. A row that is held may be locked again.
func (tx *Tx) Locking(class LockClass, key string) {
	if !tx.db.opt.CheckLockOrder || tx.readOnly {
		return
	}
	next, l := lock{class, key}, &tx.locks
	if l.held[next] {
		return
	}
	here := caller()
	if l.held == nil {
		l.held = map[lock]bool{}
	} else if next.class < l.last.class || next.class == l.last.class && next.key < l.last.key {
		panic(fmt.Sprintf("lock order broken: %s %q is locked at %s after %s %q at %s",
			next.class, next.key, here, l.last.class, l.last.key, l.place))
	}
	l.held[next], l.last, l.place = true, next, here
}
