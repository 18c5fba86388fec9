package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

const (
	dedupeWindow = time.Hour       // of a stream we make
	publishLimit = 5 * time.Second // for one acknowledgement
	staleAfter   = 30 * time.Second
)

// Publisher tells contract events to NATS JetStream as CloudEvents JSON: subject prefix.order.created.v1, Msg-Id the event's id, those of one
// partition in order. The cursor moves after the stream's acknowledgement, so that nothing is lost; what is published again after a crash
// is dropped by the stream within its duplicate window. Any number of processes may publish.
type Publisher struct {
	Stream   string // default COMMERCE; made when missing
	Prefix   string // of subjects; default commerce
	Replicas int    // of a stream that is made; default 1

	js     jetstream.JetStream
	source string
	w      *worker
	cs     *Consumers
}

// NewPublisher makes a publisher on a connection that stays the caller's. Source is our own address, the CloudEvents source.
func NewPublisher(d *db.DB, log *slog.Logger, nc *nats.Conn, source string) (*Publisher, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "JetStream cannot be used")
	}
	cs := NewConsumers(d, log, Consumer{Name: "nats", Contracts: true})
	return &Publisher{Stream: "COMMERCE", Prefix: "commerce", Replicas: 1, js: js, source: source, w: cs.list[0], cs: cs}, nil
}

// Nudge has the publisher look at once. It never blocks.
func (p *Publisher) Nudge() { p.cs.Nudge() }

// Run publishes until ctx ends; then it returns nil.
func (p *Publisher) Run(ctx context.Context) error {
	pace := newPace()
	ready := false
	for ctx.Err() == nil {
		var n int
		err := p.prepare(ctx, &ready)
		if err == nil {
			n, err = p.round(ctx)
		}
		if err != nil && ctx.Err() == nil {
			p.w.log.Warn("events could not be published, they are tried again", "error", err)
			n = 0
		}
		pace.wait(ctx, p.w.wake, n > 0)
	}
	return nil
}

// Drain publishes all that is placed, and says how much that was.
func (p *Publisher) Drain(ctx context.Context) (int, error) {
	ready, total := false, 0
	if err := p.prepare(ctx, &ready); err != nil {
		return 0, err
	}
	for {
		n, err := p.round(ctx)
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
}

// prepare makes the cursors and, when there is none, the stream. An existing stream is left as its owner made it.
func (p *Publisher) prepare(ctx context.Context, ready *bool) error {
	if *ready {
		return nil
	}
	if err := p.cs.ensure(ctx); err != nil {
		return err
	}
	_, err := p.js.Stream(ctx, p.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = p.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: p.Stream, Subjects: []string{p.Prefix + ".>"}, Storage: jetstream.FileStorage, Replicas: p.Replicas, Duplicates: dedupeWindow,
		})
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was quicker
			err = nil
		}
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the stream "+p.Stream+" cannot be used")
	}
	*ready = true
	return nil
}

// publishBatch is how many events of all shards are read at once.
const publishBatch = 4 * batchSize

// round publishes what is new, shards side by side, moves their cursors together, and says how many events that was.
func (p *Publisher) round(ctx context.Context) (int, error) {
	shards, _, _, err := p.w.look(ctx)
	if err != nil || len(shards) == 0 {
		return 0, err
	}
	var (
		at    reached
		batch []Stored
		to    int64
	)
	read := time.Now()
	if err := p.w.d.Read(ctx, func(tx *db.Tx) (err error) {
		if at, err = p.w.lock(tx, shards...); err != nil {
			return err
		}
		batch, to, _, err = p.w.next(tx, at, publishBatch)
		return err
	}); err != nil {
		return 0, err
	}
	all := map[int64][]Stored{}
	for _, e := range batch {
		shard := shardOf(e.Partition)
		all[shard] = append(all[shard], e)
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total int
		errs  []error
		moved = db.NewBatch(1)
	)
	for _, shard := range shards {
		wg.Go(func() {
			n, err := p.inOrder(ctx, all[shard], read)
			next := max(at[shard], to)
			if err != nil {
				next = at[shard]
				if n > 0 {
					next = all[shard][n-1].Position
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
			errs = append(errs, err)
			if next != at[shard] {
				moved.Add(shard, at[shard], next)
			}
		})
	}
	wg.Wait()
	if moved.Len() == 0 {
		return total, errors.Join(errs...)
	}
	err = p.w.d.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		_, err := tx.Exec(`update event_cursors set position = r.n, updated_at = $2 from rows(s bigint, p bigint, n bigint)
			where event_cursors.consumer = $1 and event_cursors.shard = r.s and event_cursors.position = r.p`, moved, p.w.Name, tx.Now.UnixMicro())
		return err
	})
	return total, errors.Join(append(errs, err)...)
}

// inOrder publishes events of a shard, each after the one before was acknowledged, and says how many they were. Two who publish the same ones keep their order: the next one
// is only sent once the one before is in the stream, whoever sent it.
func (p *Publisher) inOrder(ctx context.Context, all []Stored, read time.Time) (int, error) {
	for i, e := range all {
		if time.Since(read) > staleAfter { // who slept longer than the stream remembers would bring back what is long past
			return i, fault.New(fault.Unavailable, "publishing took too long")
		}
		if err := p.publish(ctx, e); err != nil {
			return i, err
		}
	}
	return len(all), nil
}

func (p *Publisher) publish(ctx context.Context, e Stored) error {
	body, err := CloudEvent(e, p.source)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, publishLimit)
	defer cancel()
	msg := nats.NewMsg(p.Prefix + "." + Name(e.Type, e.Version))
	msg.Header.Set("Content-Type", "application/cloudevents+json")
	msg.Data = body
	if _, err = p.js.PublishMsg(ctx, msg, jetstream.WithMsgID(e.ID)); err != nil {
		return fault.Wrap(fault.Unavailable, err, "event "+e.ID+" was not acknowledged by the stream")
	}
	return nil
}
