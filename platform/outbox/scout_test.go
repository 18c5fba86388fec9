package outbox

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestScout(t *testing.T) {
	t.Parallel()
	t.Run("only those are woken whom an event concerns", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			ctx := t.Context()
			cs := NewConsumers(d, slog.New(slog.DiscardHandler), Consumer{Name: "stock", Types: []string{"StockMoved"}}, Consumer{Name: "contracts", Contracts: true}, Consumer{Name: "all"})
			woken := func(upTo int64) (names []string, head int64) {
				head, err := cs.spy(ctx, upTo)
				if err != nil {
					t.Fatal(err)
				}
				for _, w := range cs.list {
					select {
					case <-w.wake:
						names = append(names, w.Name)
					default:
					}
				}
				return names, head
			}
			if got, _ := woken(-1); len(got) != 3 {
				t.Errorf("at the start %v", got)
			}
			if got, _ := woken(0); got != nil {
				t.Errorf("for nothing %v", got)
			}
			err := d.Write(ctx, func(tx *db.Tx) error {
				return Append(tx, Event{Aggregate: "stock:a", Type: "StockMoved", Body: struct{}{}})
			})
			if err != nil {
				t.Fatal(err)
			}
			if n, err := NewRelay(d, slog.New(slog.DiscardHandler)).Place(ctx); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			got, head := woken(0)
			if diff := cmp.Diff([]string{"stock", "all"}, got); diff != "" {
				t.Error(diff)
			}
			if got, _ := woken(head); got != nil {
				t.Errorf("again %v", got)
			}
			err = d.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(`insert into event_parked (consumer, event_id, aggregate, shard, position, cause, since, attempts, next_at) values ('contracts', 'e', 'stock:a', 0, $1, 'x', $2, 1, $2)`, head, tx.Now.UnixMicro())
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := woken(head); !cmp.Equal([]string{"contracts"}, got) {
				t.Errorf("for what is parked and due %v", got)
			}
		})
	})
}
