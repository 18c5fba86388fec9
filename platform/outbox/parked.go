package outbox

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// raiseAfter is how many attempts a parked event gets before a person hears of it.
const raiseAfter = 3

const waitsBehind = "waits for an earlier event of the same aggregate"

// parkedKey is an aggregate with parked events.
type parkedKey struct {
	aggregate string
	shard     int64
}

// due lists the aggregates whose first parked event is to be tried again.
func due(tx *db.Tx, consumer string) ([]parkedKey, error) {
	all, err := db.All(tx, func(s db.Scanner) (k parkedKey, err error) {
		err = s.Scan(&k.aggregate, &k.shard)
		return k, err
	}, `select aggregate, shard from event_parked where consumer = $1 and next_at <= $2 order by next_at limit 64`, consumer, tx.Now.UnixMicro())
	once := map[parkedKey]bool{}
	distinct := all[:0]
	for _, k := range all {
		if !once[k] {
			once[k] = true
			distinct = append(distinct, k)
		}
	}
	return distinct, err
}

// behind parks those events of the batch whose aggregate has something parked already, and returns the others.
func (w *worker) behind(tx *db.Tx, batch []Stored) ([]Stored, error) {
	keys := make([]string, 0, len(batch))
	for _, e := range batch {
		keys = append(keys, e.Aggregate)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	blocked := map[string]bool{}
	_, err := db.All(tx, func(s db.Scanner) (aggregate string, err error) {
		err = s.Scan(&aggregate)
		blocked[aggregate] = true
		return aggregate, err
	}, `select aggregate from event_parked where consumer = $1 and aggregate in (select key from json_each($2))`, w.Name, db.Keys(keys))
	if err != nil || len(blocked) == 0 {
		return batch, err
	}
	var free []Stored
	for _, e := range batch {
		if !blocked[e.Aggregate] {
			free = append(free, e)
		} else if err := w.store(tx, e, waitsBehind, 0, time.Time{}); err != nil {
			return nil, err
		}
	}
	return free, nil
}

func (w *worker) store(tx *db.Tx, e Stored, cause string, attempts int64, next time.Time) error {
	_, err := tx.Exec(`insert into event_parked (consumer, event_id, aggregate, shard, position, cause, since, attempts, next_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
		w.Name, e.ID, e.Aggregate, shardOf(e.Partition), e.Position, cause, tx.Now.UnixMicro(), attempts, db.Micros(next))
	return err
}

// park sets the event at fault aside and moves the cursor past it, unless somebody else has moved it meanwhile.
func (w *worker) park(ctx context.Context, shard int64, failed *handlerError) error {
	return w.d.Write(ctx, func(tx *db.Tx) error {
		at, err := w.lock(tx, shard)
		if err != nil {
			return err
		}
		// The batch may have held events that wait behind others: up to the one at fault there is nothing else.
		if failed.first.Position <= at[shard] {
			return nil
		}
		batch, _, _, err := w.next(tx, at, batchSize)
		if err != nil {
			return err
		}
		for _, e := range batch {
			if e.ID == failed.first.ID {
				if err := w.store(tx, e, clip(failed.err), 1, tx.Now.Add(backoff(1, e.ID))); err != nil {
					return err
				}
				return w.move(tx, at, e.Position)
			}
			free, err := w.behind(tx, []Stored{e})
			if err != nil || len(free) > 0 {
				return err
			}
		}
		return nil
	})
}

// retry tries the parked events of one aggregate again, in order. It stops at the first that fails again.
func (w *worker) retry(ctx context.Context, k parkedKey) (total int, err error) {
	limit := batchSize
	for {
		taken, err := w.retake(ctx, k, limit)
		failed := new(handlerError)
		switch {
		case err == nil:
			total += taken
			if taken < limit {
				return total, nil
			}
			continue
		case ctx.Err() != nil:
			return total, nil
		case !errors.As(err, &failed):
			return total, err
		case failed.events > 1:
			limit = max(1, failed.events/2)
			continue
		}
		return total, w.postpone(ctx, k, failed)
	}
}

// retake commits up to limit parked events of an aggregate and frees them.
func (w *worker) retake(ctx context.Context, k parkedKey, limit int) (taken int, err error) {
	err = w.d.Write(db.Background(ctx), func(tx *db.Tx) error {
		taken = 0
		if _, err := w.lock(tx, k.shard); err != nil {
			return err
		}
		batch, err := db.All(tx, scan, `select `+columns+` from event_parked p join events e on e.id = p.event_id
			where p.consumer = $1 and p.aggregate = $2 order by p.position limit $3`, w.Name, k.aggregate, limit)
		if err != nil || len(batch) == 0 {
			return err
		}
		if err := w.handle(tx, batch); err != nil {
			return err
		}
		taken = len(batch)
		return w.free(tx, k.aggregate, batch)
	})
	return taken, err
}

// free takes events out of the parking place and has the next of the aggregate tried at once; with the last one the case is closed.
func (w *worker) free(tx *db.Tx, aggregate string, batch []Stored) error {
	ids := make([]string, len(batch))
	for i, e := range batch {
		ids[i] = e.ID
	}
	if _, err := tx.Exec(`delete from event_parked where consumer = $1 and event_id in (select key from json_each($2))`,
		w.Name, db.Keys(ids)); err != nil {
		return err
	}
	return wakeNext(tx, w.Name, aggregate)
}

func wakeNext(tx *db.Tx, consumer, aggregate string) error {
	n, err := tx.Exec(`update event_parked set next_at = $3 where consumer = $1 and aggregate = $2 and position =
		(select min(position) from event_parked where consumer = $1 and aggregate = $2)`, consumer, aggregate, tx.Now.UnixMicro())
	if err != nil || n > 0 {
		return err
	}
	return exception.Clear(tx, "system", "the parked events were taken", parkedCase(consumer, aggregate))
}

func parkedCase(consumer, aggregate string) exception.Key {
	return exception.Key{Cause: exception.EventParked, SubjectKind: "consumer", Subject: consumer + " " + aggregate}
}

// postpone has a parked event that failed again wait longer, and tells a person when it has failed often.
func (w *worker) postpone(ctx context.Context, k parkedKey, failed *handlerError) error {
	e := failed.first
	return w.d.Write(ctx, func(tx *db.Tx) error {
		if _, err := w.lock(tx, k.shard); err != nil {
			return err
		}
		attempts, err := db.One(tx, number, `update event_parked set attempts = attempts + 1, cause = $3 where consumer = $1 and event_id = $2
			returning attempts`, w.Name, e.ID, clip(failed.err))
		if fault.Is(err, fault.NotFound) {
			return nil // taken or left out by somebody else
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`update event_parked set next_at = $3 where consumer = $1 and event_id = $2`,
			w.Name, e.ID, tx.Now.Add(backoff(attempts, e.ID)).UnixMicro()); err != nil || attempts < raiseAfter {
			return err
		}
		key := parkedCase(w.Name, k.aggregate)
		return exception.Raise(tx, exception.Case{
			Cause: key.Cause, SubjectKind: key.SubjectKind, Subject: key.Subject, Order: e.Order, Account: e.Account,
			Detail: map[string]any{"consumer": w.Name, "event": e.ID, "type": e.Type, "attempts": attempts, "error": clip(failed.err)},
		})
	})
}

// ParkedEvent is an event that a consumer could not take, or one that waits behind such.
type ParkedEvent struct {
	Consumer, Event, Aggregate, Type string
	Position                         int64
	Cause                            string
	Since                            time.Time
	Attempts                         int64
	Next                             time.Time // zero: it waits for an earlier one
}

// Parked lists parked events in their order, of one consumer or, with "", of all, after the position of the last one seen.
func Parked(tx *db.Tx, consumer string, after int64, limit int) ([]ParkedEvent, error) {
	if limit < 1 || limit > 1000 {
		limit = 100
	}
	return db.All(tx, func(s db.Scanner) (p ParkedEvent, err error) {
		err = s.Scan(&p.Consumer, &p.Event, &p.Aggregate, &p.Type, &p.Position, &p.Cause, db.Time(&p.Since), &p.Attempts, db.Time(&p.Next))
		return p, err
	}, `select p.consumer, p.event_id, p.aggregate, e.type, p.position, p.cause, p.since, p.attempts, p.next_at
		from event_parked p join events e on e.id = p.event_id
		where (p.consumer = $1 or $1 = '') and p.position > $2 order by p.position, p.consumer limit $3`, consumer, after, limit)
}

// Replay gives an event to a consumer again: a parked one is tried now (those before it in its aggregate first), one that was taken is
// taken once more, before anything newer of its aggregate. Faults: NotFound; Conflict when the consumer has not come to it yet.
func Replay(tx *db.Tx, consumer, event string) error {
	e, err := Find(tx, event)
	if err != nil {
		return err
	}
	shard := shardOf(e.Partition)
	cursor, err := db.One(tx, number, `select position from event_cursors where consumer = $1 and shard = $2`+tx.Lock(), consumer, shard)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "there is no consumer %s", consumer)
	}
	if err != nil {
		return err
	}
	if e.Position == 0 || e.Position > cursor {
		return fault.New(fault.Conflict, "consumer %s has not come to event %s yet", consumer, event)
	}
	if _, err := tx.Exec(`insert into event_parked (consumer, event_id, aggregate, shard, position, cause, since, attempts, next_at)
		values ($1, $2, $3, $4, $5, 'replayed by a person', $6, 0, $6) on conflict do nothing`,
		consumer, e.ID, e.Aggregate, shard, e.Position, tx.Now.UnixMicro()); err != nil {
		return err
	}
	return wakeNext(tx, consumer, e.Aggregate)
}

// Skip leaves a parked event out: the consumer never takes it, and what waits behind it is tried. Fault: NotFound.
func Skip(tx *db.Tx, consumer, event string) error {
	e, err := Find(tx, event)
	if err != nil {
		return err
	}
	if _, err := db.One(tx, number, `select position from event_cursors where consumer = $1 and shard = $2`+tx.Lock(),
		consumer, shardOf(e.Partition)); err != nil {
		return err
	}
	n, err := tx.Exec(`delete from event_parked where consumer = $1 and event_id = $2`, consumer, event)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.NotFound, "consumer %s has not parked event %s", consumer, event)
	}
	return wakeNext(tx, consumer, e.Aggregate)
}

// Rewind has a consumer take everything after a position again, parked events included. Its effects happen again: it is for read models
// that were emptied, not for anything that reaches outside. Faults: NotFound; Invalid for a position beyond the newest.
func Rewind(tx *db.Tx, consumer string, position int64) error {
	head, err := Head(tx)
	if err != nil {
		return err
	}
	if position < 0 || position > head {
		return fault.Field("position", "must lie between 0 and %d", head)
	}
	shards, err := db.All(tx, number, `select shard from event_cursors where consumer = $1 order by shard`+tx.Lock(), consumer)
	if err != nil {
		return err
	}
	if len(shards) == 0 {
		return fault.New(fault.NotFound, "there is no consumer %s", consumer)
	}
	if _, err := tx.Exec(`update event_cursors set position = $2, updated_at = $3 where consumer = $1 and position > $2`,
		consumer, position, tx.Now.UnixMicro()); err != nil {
		return err
	}
	_, err = tx.Exec(`delete from event_parked where consumer = $1 and position > $2`, consumer, position)
	return err
}

// cleanText makes text storable on both engines and keeps it short.
func cleanText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "�")
	if len(s) > 1000 {
		s = strings.ToValidUTF8(s[:1000], "") + "…"
	}
	return s
}
