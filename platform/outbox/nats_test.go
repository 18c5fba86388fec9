package outbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// startNATS runs a server with JetStream in this process.
func startNATS(t *testing.T) *nats.Conn {
	t.Helper()
	s, err := server.NewServer(&server.Options{Port: -1, Host: "127.0.0.1", JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	must(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	nc, err := nats.Connect(s.ClientURL())
	must(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// told is what the stream holds: ids, and the sequence numbers per aggregate in their order.
func told(t *testing.T, nc *nats.Conn, want int) (ids []string, numbers map[string][]string) {
	t.Helper()
	js, err := jetstream.New(nc)
	must(t, err)
	c, err := js.OrderedConsumer(t.Context(), "COMMERCE", jetstream.OrderedConsumerConfig{})
	must(t, err)
	batch, err := c.Fetch(want+1, jetstream.FetchMaxWait(500*time.Millisecond))
	must(t, err)
	numbers = map[string][]string{}
	for m := range batch.Messages() {
		var e struct{ ID, Aggregate, Sequence string }
		must(t, json.Unmarshal(m.Data(), &e))
		if m.Subject() != "commerce.order.created.v1" || m.Headers().Get(nats.MsgIdHdr) != e.ID {
			t.Errorf("%s under %s, id %s", e.ID, m.Subject(), m.Headers().Get(nats.MsgIdHdr))
		}
		ids = append(ids, e.ID)
		numbers[e.Aggregate] = append(numbers[e.Aggregate], e.Sequence)
	}
	return ids, numbers
}

func TestPublisher(t *testing.T) {
	t.Parallel()

	t.Run("every contract event is in the stream once and in order, though publishers race and cursors are lost", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			nc := startNATS(t)
			const aggregates, turns = 5, 8
			want := map[string][]string{}
			for i := range aggregates * turns {
				aggregate := fmt.Sprintf("order:%d", i%aggregates)
				must(t, happen(t.Context(), d, aggregate, "OrderCreated", "order.ready"))
				want[aggregate] = append(want[aggregate], fmt.Sprintf("%010d", 2*(i/aggregates)+1))
			}
			place(t, d)
			var wg sync.WaitGroup
			for range 3 {
				p, err := outbox.NewPublisher(d, logger(t), nc, "https://shop.example")
				must(t, err)
				wg.Go(func() {
					if _, err := p.Drain(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			// As if killed between the acknowledgement and the commit.
			write(t, d, func(tx *db.Tx) error { return outbox.Rewind(tx, "nats", 20) })
			p, err := outbox.NewPublisher(d, logger(t), nc, "https://shop.example")
			must(t, err)
			n, err := p.Drain(t.Context())
			must(t, err)
			if n == 0 {
				t.Error("nothing was published again")
			}
			ids, numbers := told(t, nc, aggregates*turns)
			if len(ids) != aggregates*turns {
				t.Errorf("%d messages, want %d", len(ids), aggregates*turns)
			}
			if diff := cmp.Diff(want, numbers); diff != "" {
				t.Error(diff)
			}
		})
	})

	t.Run("while the stream is away nothing is lost", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			nc := startNATS(t)
			p, err := outbox.NewPublisher(d, logger(t), nc, "https://shop.example")
			must(t, err)
			_, err = p.Drain(t.Context())
			must(t, err)
			js, err := jetstream.New(nc)
			must(t, err)
			must(t, js.DeleteStream(t.Context(), "COMMERCE"))
			must(t, happen(t.Context(), d, "order:a", "OrderCreated"))
			place(t, d)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			bad := *p
			bad.Stream = "OTHER"
			_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"elsewhere"}})
			must(t, err)
			if _, err := bad.Drain(ctx); err == nil {
				t.Fatal("published to nobody")
			}
			n, err := p.Drain(t.Context())
			must(t, err)
			if ids, _ := told(t, nc, 1); n != 1 || len(ids) != 1 {
				t.Errorf("%d published, %d in the stream", n, len(ids))
			}
		})
	})
}
