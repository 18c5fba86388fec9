package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

const (
	batchSize   = 64    // events in one transaction
	spanSize    = 5_000 // positions one transaction looks through for them
	lazyLag     = 1_000 // positions without anything of interest after which a cursor is moved all the same
	atOnce      = 4     // transactions of one consumer at the same time
	roundSize   = 16    // batches of some shards before the others have their turn
	maxPatience = 5     // failures that may pass by themselves before an event is parked
)

// Consumer takes events of some types, each exactly once: what Handle writes with tx and the consumer's cursor commit together.
type Consumer struct {
	Name      string   // stored with its cursors: a new name starts anew
	Types     []string // none: every type
	Contracts bool     // only integration contracts
	FromNow   bool     // seen for the first time, it starts with the next event instead of the first ever
	Prompt    bool     // what it writes is little, and somebody outside waits for it: it does not yield as background work does

	// Handle takes up to 64 events in order: those of one aggregate in sequence, those of one partition as they happened. It
	// runs in a transaction: it calls nobody outside and may run again. On an error the batch is cut down to the event at fault, which is
	// parked together with the later ones of its aggregate, and tried again with backoff; all others go on. Returning Unavailable is for
	// what passes by itself: the shard is tried again a few times before the event is parked.
	Handle func(tx *db.Tx, batch []Stored) error
}

// Consumers runs consumers. Any number of processes may run the same ones.
type Consumers struct {
	d    *db.DB
	log  *slog.Logger
	list []*worker
	wake chan struct{}

	mu   sync.Mutex
	made bool // the cursors
}

// NewConsumers makes a runner. Names must differ.
func NewConsumers(d *db.DB, log *slog.Logger, consumers ...Consumer) *Consumers {
	cs := &Consumers{d: d, log: log, wake: make(chan struct{}, 1)}
	for _, c := range consumers {
		cs.list = append(cs.list, &worker{Consumer: c, d: d, log: log.With("consumer", c.Name), wake: make(chan struct{}, 1)})
	}
	return cs
}

// Nudge has the consumers look at once. It never blocks.
func (cs *Consumers) Nudge() { nudge(cs.wake) }

// Run feeds the consumers until ctx ends and all have stopped; then it returns nil. It waits for a database that is away, and fails only when their cursors cannot be made.
func (cs *Consumers) Run(ctx context.Context) error {
	for p := newPace(); ; p.wait(ctx, nil, false) {
		err := cs.ensure(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil { // told to stop before it began
			return nil
		}
		if !fault.Temporary(err) {
			return err
		}
		cs.log.Warn("consumers wait for the database", "error", err)
	}
	var wg sync.WaitGroup
	for _, w := range cs.list {
		wg.Go(func() { w.run(ctx) })
	}
	wg.Go(func() { cs.scout(ctx) })
	wg.Wait()
	return nil
}

// Drain places and consumes until nothing is left but what is parked, for tests and for commands that play something to its end.
func Drain(ctx context.Context, r *Relay, cs *Consumers) error {
	if err := cs.ensure(ctx); err != nil {
		return err
	}
	for {
		did, err := r.Place(ctx)
		if err != nil {
			return err
		}
		for _, w := range cs.list {
			n, err := w.round(ctx)
			if err != nil {
				return err
			}
			did += int64(n)
		}
		if did == 0 {
			return nil
		}
	}
}

// ensure makes the cursors of consumers that are new.
func (cs *Consumers) ensure(ctx context.Context) error {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.made {
		return nil
	}
	err := cs.d.Write(ctx, func(tx *db.Tx) error {
		head, err := Head(tx)
		if err != nil {
			return err
		}
		batch := db.NewBatch(0)
		for _, w := range cs.list {
			start := int64(0)
			if w.FromNow {
				start = head
			}
			for shard := range Shards {
				batch.Add(w.Name, shard, start)
			}
		}
		_, err = tx.Exec(`insert into event_cursors (consumer, shard, position, updated_at) select r.c, r.s, r.p, $1
			from rows(c text, s bigint, p bigint) where true on conflict do nothing`, batch, tx.Now.UnixMicro())
		return err
	})
	cs.made = err == nil
	return err
}

// worker is one consumer at work.
type worker struct {
	Consumer
	d    *db.DB
	log  *slog.Logger
	wake chan struct{}

	seen    [Shards]scanned
	strikes [Shards]strikes
}

type strikes struct {
	event string
	n     int
}

// scanned remembers, for a cursor that stands at cursor, up to where nothing of interest follows.
type scanned struct{ cursor, upTo int64 }

// unasked is how long a consumer rests that nobody woke: what it does then is to move its cursor over events that are not for it.
const unasked = 5 * time.Second

// run works when woken, goes on while there is something, and tries again soon after a failure.
func (w *worker) run(ctx context.Context) {
	p := newPace()
	for ctx.Err() == nil {
		n, err := w.round(ctx)
		if err != nil && ctx.Err() == nil {
			w.log.Warn("events could not be taken, they are tried again", "error", err)
			n = 0
		}
		if n == 0 && err == nil {
			p.rest(ctx, w.wake, unasked)
			continue
		}
		p.wait(ctx, w.wake, n > 0)
	}
}

// round works on every shard that has something, and on parked events that are due. It says how many events were taken or parked.
func (w *worker) round(ctx context.Context) (int, error) {
	shards, waiting, parked, err := w.look(ctx)
	if err != nil {
		return 0, err
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total int
		errs  []error
		slots = make(chan struct{}, atOnce)
	)
	start := func(f func() (int, error)) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			n, err := f()
			mu.Lock()
			defer mu.Unlock()
			total += n
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	for _, some := range together(shards, waiting) {
		start(func() (int, error) { return w.shards(ctx, some) })
	}
	for _, p := range parked {
		start(func() (int, error) { return w.retry(ctx, p) })
	}
	wg.Wait()
	return total, errors.Join(errs...)
}

// together splits shards into those that share a transaction: as few as hold what waits, at most atOnce. A transaction costs the same for one event as for many.
func together(shards []int64, waiting int) [][]int64 {
	n := min(max(1, (waiting+batchSize-1)/batchSize), atOnce, len(shards))
	groups := make([][]int64, n)
	for i, shard := range shards {
		groups[i%n] = append(groups[i%n], shard)
	}
	return groups
}

// look finds, without writing, the shards that have something to take, about how many events that is, and the parked aggregates that are due.
func (w *worker) look(ctx context.Context) (shards []int64, waiting int, parked []parkedKey, err error) {
	var head int64
	work := map[int64]bool{}
	err = w.d.Read(ctx, func(tx *db.Tx) error {
		if head, err = Head(tx); err != nil {
			return err
		}
		from := head
		tx.SendQuery(`select shard, position from event_cursors where consumer = $1`, func(s db.Scanner) error {
			var shard, cursor int64
			if err := s.Scan(&shard, &cursor); err != nil {
				return err
			}
			if w.seen[shard].cursor != cursor {
				w.seen[shard] = scanned{cursor, cursor}
			}
			from = min(from, w.seen[shard].upTo)
			if head-cursor > lazyLag {
				work[shard] = true
			}
			return nil
		}, w.Name)
		if parked, err = due(tx, w.Name); err != nil {
			return err
		}
		waiting, err = w.interest(tx, from, head, work)
		return err
	})
	if err != nil {
		return nil, 0, nil, err
	}
	for i := range w.seen {
		if work[int64(i)] {
			shards = append(shards, int64(i))
		} else {
			w.seen[i].upTo = max(w.seen[i].upTo, head)
		}
	}
	return shards, waiting, parked, nil
}

// interest marks the shards that have an event of interest that was not looked at before, and says how many events there are at most.
func (w *worker) interest(tx *db.Tx, from, head int64, work map[int64]bool) (waiting int, err error) {
	if from >= head {
		return 0, nil
	}
	if len(work) == Shards {
		return int(head - from), nil
	}
	where, args := w.where("e.position > $1 and e.position <= $2", from, head)
	_, err = db.All(tx, func(s db.Scanner) (none struct{}, err error) {
		var shard, last int64
		var n int
		if err = s.Scan(&shard, &last, &n); err == nil && last > w.seen[shard].upTo {
			work[shard] = true
			waiting += n
		}
		return none, err
	}, `select e.shard, max(e.position), count(*) from events e where `+where+` group by e.shard`, args...)
	return waiting, err
}

// where narrows a condition to the events of interest.
func (w *worker) where(where string, args ...any) (string, []any) {
	if w.Contracts {
		where += " and e.contract"
	}
	return ofTypes(where, args, w.Types)
}

// shards takes batch after batch of some shards together. After a failure each goes alone.
func (w *worker) shards(ctx context.Context, shards []int64) (total int, err error) {
	if len(shards) == 1 {
		return w.shard(ctx, shards[0])
	}
	for range roundSize {
		taken, more, err := w.take(ctx, shards, batchSize)
		total += taken
		switch {
		case err == nil && more:
			continue
		case err == nil || ctx.Err() != nil:
			return total, nil
		case !errors.As(err, new(*handlerError)):
			return total, err
		}
		var errs []error
		for _, shard := range shards {
			n, err := w.shard(ctx, shard)
			total += n
			errs = append(errs, err)
		}
		return total, errors.Join(errs...)
	}
	return total + 1, nil
}

// shard takes batch after batch of one shard. After a failure it halves the batch until the event at fault stands alone, and parks it.
func (w *worker) shard(ctx context.Context, shard int64) (total int, err error) {
	bad := 0 // the event at fault is among so many; 0 when none is known
	for range roundSize {
		limit := batchSize
		if bad > 0 {
			limit = max(1, bad/2)
		}
		taken, more, err := w.take(ctx, []int64{shard}, limit)
		total += taken
		failed := new(handlerError)
		switch {
		case err == nil && !more:
			return total, nil
		case err == nil:
			bad = max(0, bad-taken)
			continue
		case ctx.Err() != nil:
			return total, nil
		case !errors.As(err, &failed):
			return total, err
		case failed.events > 1:
			bad = failed.events
			continue
		}
		if fault.Temporary(failed.err) && w.strike(shard, failed.first.ID) < maxPatience {
			return total, err
		}
		w.log.Warn("an event could not be taken and is parked", "event", failed.first.ID, "type", failed.first.Type, "error", failed.err)
		if err := w.park(ctx, shard, failed); err != nil {
			return total, err
		}
		total++
		bad = 0
	}
	return total + 1, nil
}

// strike counts the failures of an event in a row.
func (w *worker) strike(shard int64, id string) int {
	s := &w.strikes[shard]
	if s.event != id {
		*s = strikes{event: id}
	}
	s.n++
	return s.n
}

// handlerError is a failure of Handle, as opposed to one of reading events or moving the cursor.
type handlerError struct {
	err    error
	first  Stored
	events int
}

func (e *handlerError) Error() string { return e.err.Error() }
func (e *handlerError) Unwrap() error { return e.err }

// handle calls Handle, whose panic is an error like any other: it must not end the process again and again.
func (w *worker) handle(tx *db.Tx, batch []Stored) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("a consumer panicked", "panic", p, "stack", string(debug.Stack()))
			err = &handlerError{fault.New(fault.Internal, "panic: %v", p), batch[0], len(batch)}
		}
	}()
	if err := w.Handle(tx, batch); err != nil {
		return &handlerError{err, batch[0], len(batch)}
	}
	// What Handle left queued is its own: a failure of it belongs to the batch.
	if err := tx.Flush(); err != nil {
		return &handlerError{err, batch[0], len(batch)}
	}
	return nil
}

// take commits one batch of some shards with their cursors, and says whether there is more. Events of aggregates that have something parked are parked behind it.
func (w *worker) take(ctx context.Context, shards []int64, limit int) (taken int, more bool, err error) {
	if !w.Prompt {
		ctx = db.Background(ctx)
	}
	err = w.d.Write(ctx, func(tx *db.Tx) error {
		taken, more = 0, false
		at, err := w.lock(tx, shards...)
		if err != nil {
			return err
		}
		batch, next, head, err := w.next(tx, at, limit)
		if err != nil || next == at.lowest() {
			return err
		}
		free, err := w.behind(tx, batch)
		if err != nil {
			return err
		}
		if len(free) > 0 {
			if err := w.handle(tx, free); err != nil {
				var failed *handlerError
				if errors.As(err, &failed) {
					failed.events = min(len(batch), limit)
					if len(free) == 1 {
						failed.events = 1
					}
				}
				return err
			}
		}
		taken, more = len(batch), next < head
		return w.move(tx, at, next)
	})
	if err != nil {
		return 0, false, err
	}
	return taken, more, nil
}

// reached says up to where each of some shards was taken.
type reached map[int64]int64

// lowest is up to where all of them were.
func (at reached) lowest() int64 {
	least := int64(math.MaxInt64)
	for _, position := range at {
		least = min(least, position)
	}
	return least
}

// lock takes the cursors' rows first, in their order, so that no two take the same events.
func (w *worker) lock(tx *db.Tx, shards ...int64) (reached, error) {
	b := db.NewBatch(0)
	for _, shard := range shards {
		b.Add(shard)
	}
	at := reached{}
	_, err := db.All(tx, func(s db.Scanner) (none struct{}, err error) {
		var shard, position int64
		err = s.Scan(&shard, &position)
		at[shard] = position
		return none, err
	}, `select shard, position from event_cursors where consumer = $1 and shard in (select s from rows(s bigint)) order by shard`+tx.Lock(), b, w.Name)
	if err == nil && len(at) != len(shards) {
		err = fault.New(fault.Internal, "consumer %s has cursors of %d of the shards %v", w.Name, len(at), shards)
	}
	return at, err
}

// move moves the cursors that are not there yet.
func (w *worker) move(tx *db.Tx, at reached, position int64) error {
	b := db.NewBatch(1)
	for shard, before := range at {
		if before < position {
			b.Add(shard)
		}
	}
	_, err := tx.Exec(`update event_cursors set position = $2, updated_at = $3 from rows(s bigint) where event_cursors.consumer = $1 and event_cursors.shard = r.s`,
		b, w.Name, position, tx.Now.UnixMicro())
	return err
}

// next reads up to limit events of interest after the cursors, by position, where the cursors stand after them, and the end of all events.
func (w *worker) next(tx *db.Tx, at reached, limit int) (batch []Stored, to, head int64, err error) {
	low := at.lowest()
	head, err = Head(tx)
	if err != nil || head <= low {
		return nil, low, head, err
	}
	to = min(head, low+spanSize)
	b := db.NewBatch(0)
	for shard, position := range at {
		b.Add(shard, position)
	}
	where, args := w.where("e.shard = r.s and e.position > r.p and e.position > $1 and e.position <= $2", low, to, limit) // the lowest bounds what is read, whatever the plan
	batch, err = db.All(tx, scan, `select `+columns+` from rows(s bigint, p bigint) as r cross join events e where `+where+` order by e.position limit $3`, append([]any{b}, args...)...)
	if err == nil && len(batch) == limit {
		to = batch[limit-1].Position
	}
	return batch, to, head, err
}

// clip keeps an error short enough to be stored and clean enough for PostgreSQL.
func clip(err error) string {
	return cleanText(fmt.Sprintf("%s: %s", fault.KindOf(err), err))
}

// backoff is how long a parked event waits after so many attempts: 5 s doubled up to an hour, a little different for each event so
// that they do not come back together.
func backoff(attempts int64, id string) time.Duration {
	d := min(5*time.Second<<min(attempts-1, 12), time.Hour)
	return d + d/8*time.Duration(shardOf(id))/Shards
}
