// Package outbox is how contexts tell each other and the world what happened: events appended in the writer's own transaction, placed in
// one order by relays, taken by consumers exactly once, and sent out as a pull feed, signed webhooks and to NATS JetStream.
// Start at Append, then Consumer.
//
// Events of one aggregate are numbered without gaps. A Relay gives every committed event a position; a position promises that no smaller
// one appears later. Consumers (16 cursors by hash of the partition) move their cursor in the transaction of their effect.
package outbox

import (
	"encoding/json"
	"hash/fnv"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Shards is the number of cursors each consumer keeps.
const Shards = 16

// Event is something that happened, about to be told.
type Event struct {
	ID         string    // default: a new one
	Aggregate  string    // "order:<id>": whose sequence it belongs to
	Partition  string    // what consumers shard by, the same for all events of an aggregate; default Aggregate, parcels and returns use "order:<id>"
	Type       string    // "OrderCreated", "order.ready"
	Version    int       // of the body's schema; default 1
	Contract   bool      // one of the integration contracts: it leaves the house
	Account    string    // our channel account id, if any
	Order      string    // our order id, if any
	OccurredAt time.Time // default tx.Now
	Body       any       // marshalled to JSON; no personal data
	Fresh      bool      // the aggregate was made in this transaction and has no events yet: its sequence starts at 1 without a read
}

// Stored is an event as recorded.
type Stored struct {
	ID, Aggregate string
	Seq           int64 // 1, 2, 3 … within the aggregate
	Partition     string
	Type          string
	Version       int
	Contract      bool
	Account       string
	Order         string
	OccurredAt    time.Time
	RecordedAt    time.Time
	Body          json.RawMessage
	Position      int64 // in the order of all events; 0 until a relay has placed it
}

// Decode reads the body into a T. Fault: Invalid.
func Decode[T any](e Stored) (T, error) {
	var body T
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return body, fault.Wrap(fault.Invalid, err, "the body of event "+e.ID+" ("+e.Type+") cannot be read")
	}
	return body, nil
}

// Append records events in the order given, numbered per aggregate. The caller holds each aggregate's lock, so that nobody else numbers
// them now; if somebody does, the commit fails with Conflict. The events are told after the commit, or never if it fails.
// Faults: Invalid for an event without aggregate or type.
func Append(tx *db.Tx, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	last, err := lastSeq(tx, events)
	if err != nil {
		return err
	}
	batch := db.NewBatch(0)
	for _, e := range events {
		if e.Aggregate == "" || e.Type == "" {
			return fault.New(fault.Invalid, "an event needs an aggregate and a type, got %q and %q", e.Aggregate, e.Type)
		}
		body, err := json.Marshal(e.Body)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "the body of an event "+e.Type+" cannot be written as JSON")
		}
		if e.ID == "" {
			e.ID = db.ID()
		}
		if e.Partition == "" {
			e.Partition = e.Aggregate
		}
		if e.OccurredAt.IsZero() {
			e.OccurredAt = tx.Now
		}
		last[e.Aggregate]++
		batch.Add(e.ID, e.Aggregate, last[e.Aggregate], e.Partition, shardOf(e.Partition), e.Type, max(e.Version, 1), e.Contract,
			null(e.Account), null(e.Order), e.OccurredAt.UnixMicro(), string(body))
	}
	tx.Send(`insert into events (id, aggregate, seq, partition_key, shard, type, schema_version, contract, account_id, order_id, occurred_at,
		recorded_at, body)
		select r.i, r.g, r.q, r.p, r.h, r.t, r.v, r.c, r.a, r.o, r.w, $1, r.b
		from rows(i text, g text, q bigint, p text, h bigint, t text, v bigint, c boolean, a text, o text, w bigint, b text)`,
		batch, tx.Now.UnixMicro())
	return nil
}

// lastSeq reads the last number of each aggregate that is not fresh.
func lastSeq(tx *db.Tx, events []Event) (map[string]int64, error) {
	last := make(map[string]int64, len(events))
	batch := db.NewBatch(0)
	for _, e := range events {
		if _, known := last[e.Aggregate]; known {
			continue
		}
		last[e.Aggregate] = 0
		if !e.Fresh {
			batch.Add(e.Aggregate)
		}
	}
	if batch.Len() == 0 {
		return last, nil
	}
	tx.SendQuery(`select r.g, coalesce((select max(e.seq) from events e where e.aggregate = r.g), 0) from rows(g text)`,
		func(s db.Scanner) error {
			var aggregate string
			var seq int64
			err := s.Scan(&aggregate, &seq)
			last[aggregate] = seq
			return err
		}, batch)
	return last, tx.Flush()
}

// shardOf is the cursor that events of a partition belong to. It is stored: changing it would reorder what is not yet consumed.
func shardOf(partition string) int64 {
	h := fnv.New32a()
	h.Write([]byte(partition))
	return int64(h.Sum32() % Shards)
}

const columns = `e.id, e.aggregate, e.seq, e.partition_key, e.type, e.schema_version, e.contract, e.account_id, e.order_id, e.occurred_at,
	e.recorded_at, e.body, e.position`

func scan(s db.Scanner) (e Stored, err error) {
	var body string
	err = s.Scan(&e.ID, &e.Aggregate, &e.Seq, &e.Partition, &e.Type, &e.Version, &e.Contract, db.Text(&e.Account), db.Text(&e.Order),
		db.Time(&e.OccurredAt), db.Time(&e.RecordedAt), &body, db.Int(&e.Position))
	e.Body = json.RawMessage(body)
	return e, err
}

// Find reads one event. Fault: NotFound.
func Find(tx *db.Tx, id string) (Stored, error) {
	e, err := db.One(tx, scan, `select `+columns+` from events e where e.id = $1`, id)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "there is no event %s", id)
	}
	return e, err
}

// OfOrder lists everything recorded about an order, in the order it was recorded, placed or not.
func OfOrder(tx *db.Tx, order string) ([]Stored, error) {
	return db.All(tx, scan, `select `+columns+` from events e where e.order_id = $1 order by e.n`, order)
}

// OfAggregate lists an aggregate's events by number.
func OfAggregate(tx *db.Tx, aggregate string) ([]Stored, error) {
	return db.All(tx, scan, `select `+columns+` from events e where e.aggregate = $1 order by e.seq`, aggregate)
}

// OfType lists an aggregate's events of one type by number, after a number, a thousand at most.
func OfType(tx *db.Tx, aggregate, typ string, after int64) ([]Stored, error) {
	return db.All(tx, scan, `select `+columns+` from events e where e.aggregate = $1 and e.type = $2 and e.seq > $3 order by e.seq limit 1000`, aggregate, typ, after)
}

// Head is the position of the newest placed event; 0 when there is none.
func Head(tx *db.Tx) (int64, error) {
	return db.One(tx, number, `select position from event_head where name = 'events'`)
}

func number(s db.Scanner) (n int64, err error) {
	err = s.Scan(&n)
	return n, err
}

// null stores "" as null.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}
