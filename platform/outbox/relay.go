package outbox

import (
	"context"
	"log/slog"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// relayLimit is how many events one transaction places at most: several times what a group of orders writes, with which it takes turns on SQLite.
const relayLimit = 4000

// Relay gives committed events their positions. Any number of relays, in any number of processes, is safe.
type Relay struct {
	OnPlaced func() // called after events were placed: Consumers.Nudge; set before Run

	d    *db.DB
	log  *slog.Logger
	wake chan struct{}
}

// NewRelay makes a relay.
func NewRelay(d *db.DB, log *slog.Logger) *Relay {
	return &Relay{d: d, log: log, wake: make(chan struct{}, 1)}
}

// Run places events as they are committed, until ctx ends; then it returns nil. It looks every 5 ms while there is work, every 250 ms
// when there has been none.
func (r *Relay) Run(ctx context.Context) error {
	p := newPace()
	for ctx.Err() == nil {
		n, err := r.Place(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("events could not be placed", "error", err)
		}
		if n < relayLimit {
			p.wait(ctx, r.wake, n > 0)
		}
	}
	return nil
}

// Nudge has the relay look at once, for tx.AfterCommit. It never blocks.
func (r *Relay) Nudge() { nudge(r.wake) }

// Place places what waits, up to four thousand events, and says how many they were.
func (r *Relay) Place(ctx context.Context) (int64, error) {
	var waiting bool
	err := r.d.Read(ctx, func(tx *db.Tx) error {
		_, err := db.One(tx, number, `select n from events where position is null limit 1`)
		waiting = err == nil
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	if err != nil || !waiting {
		return 0, err
	}
	var placed int64
	err = r.d.Write(ctx, func(tx *db.Tx) error {
		// The head is locked before the select, so that events which others placed meanwhile are seen as placed.
		tx.Locking(db.LockHead, "events")
		head, err := db.One(tx, number, `select position from event_head where name = 'events'`+tx.Lock())
		if err != nil {
			return err
		}
		if placed, err = tx.Exec(`update events set position = $1 + w.k
			from (select n, row_number() over (order by n) as k from events where position is null order by n limit $2) as w
			where events.n = w.n`, head, relayLimit); err != nil || placed == 0 {
			return err
		}
		_, err = tx.Exec(`update event_head set position = $1 where name = 'events'`, head+placed)
		return err
	})
	if err != nil {
		return 0, err
	}
	if placed > 0 && r.OnPlaced != nil {
		r.OnPlaced()
	}
	return placed, nil
}

// pace says how long to wait before looking again: the longer nothing came, the longer.
type pace struct{ next time.Duration }

const (
	paceBusy = 5 * time.Millisecond
	paceIdle = 250 * time.Millisecond
)

func newPace() *pace { return &pace{next: paceBusy} }

// wait returns when it is time to look again, when nudged, or when ctx ends.
func (p *pace) wait(ctx context.Context, wake <-chan struct{}, busy bool) {
	if busy {
		p.next = paceBusy
	}
	if p.rest(ctx, wake, p.next) {
		p.next = paceBusy
		return
	}
	p.next = min(2*p.next, paceIdle)
}

// rest waits so long, and says whether it was nudged out of it.
func (p *pace) rest(ctx context.Context, wake <-chan struct{}, long time.Duration) bool {
	t := time.NewTimer(long)
	defer t.Stop()
	select {
	case <-wake:
		return true
	case <-ctx.Done():
	case <-t.C:
	}
	return false
}

func nudge(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
