package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// ddl is what consumers under test write: rows that a second taking would double.
const ddl = `
create table heads (name key primary key, n bigint not null);
create table effects (n identity, consumer key not null, event_id key not null, aggregate key not null, seq bigint not null);
`

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// each runs a test on both engines with a clock of its own.
func each(t *testing.T, f func(t *testing.T, d *db.DB, c *clock)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		c := newClock()
		f(t, dbtest.SQLite(t, dbtest.Config{Now: c.Now, DDL: ddl}), c)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := newClock()
		f(t, dbtest.Postgres(t, dbtest.Config{Now: c.Now, DDL: ddl}), c)
	})
}

func logger(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func write(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Read(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// happen appends events of an aggregate, in a transaction that holds its lock.
func happen(ctx context.Context, d *db.DB, aggregate string, types ...string) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`insert into heads (name, n) values ($1, 1) on conflict (name) do update set n = heads.n + 1`, aggregate); err != nil {
			return err
		}
		var events []outbox.Event
		for _, typ := range types {
			events = append(events, outbox.Event{Aggregate: aggregate, Type: typ, Contract: typ == "OrderCreated", Body: map[string]string{"of": aggregate}})
		}
		return outbox.Append(tx, events...)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func place(t *testing.T, d *db.DB) {
	t.Helper()
	r := outbox.NewRelay(d, logger(t))
	for {
		n, err := r.Place(t.Context())
		must(t, err)
		if n == 0 {
			return
		}
	}
}

func drain(t *testing.T, d *db.DB, consumers ...outbox.Consumer) {
	t.Helper()
	must(t, outbox.Drain(t.Context(), outbox.NewRelay(d, logger(t)), outbox.NewConsumers(d, logger(t), consumers...)))
}

// record writes one effect per event, in order.
func record(consumer string) func(tx *db.Tx, batch []outbox.Stored) error {
	return func(tx *db.Tx, batch []outbox.Stored) error {
		for _, e := range batch {
			tx.Send(`insert into effects (consumer, event_id, aggregate, seq) values ($1, $2, $3, $4)`, consumer, e.ID, e.Aggregate, e.Seq)
		}
		return nil
	}
}

// effects lists the numbers taken, per aggregate, in the order of taking.
func effects(t *testing.T, d *db.DB, consumer string) map[string][]int64 {
	t.Helper()
	out := map[string][]int64{}
	read(t, d, func(tx *db.Tx) error {
		_, err := db.All(tx, func(s db.Scanner) (none struct{}, err error) {
			var aggregate string
			var seq int64
			err = s.Scan(&aggregate, &seq)
			out[aggregate] = append(out[aggregate], seq)
			return none, err
		}, `select aggregate, seq from effects where consumer = $1 order by n`, consumer)
		return err
	})
	return out
}

func upTo(n int64) []int64 {
	var out []int64
	for i := int64(1); i <= n; i++ {
		out = append(out, i)
	}
	return out
}

func TestAppend(t *testing.T) {
	t.Parallel()

	t.Run("numbers have no gaps with sixteen who append at once", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			const writers, turns = 16, 12
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					for i := range turns {
						aggregate := fmt.Sprintf("order:%d", (w+i)%3)
						if err := happen(t.Context(), d, aggregate, "order.changed", "order.ready"); err != nil {
							t.Error(err)
						}
						// What is rolled back leaves no hole.
						_ = d.Write(t.Context(), func(tx *db.Tx) error {
							_ = outbox.Append(tx, outbox.Event{Aggregate: fmt.Sprintf("lost:%d.%d", w, i), Type: "x", Fresh: true})
							return errors.New("no")
						})
					}
				})
			}
			wg.Wait()
			total := 0
			for i := range 3 {
				read(t, d, func(tx *db.Tx) error {
					events, err := outbox.OfAggregate(tx, fmt.Sprintf("order:%d", i))
					for k, e := range events {
						if e.Seq != int64(k+1) {
							t.Fatalf("event %d of order:%d has number %d", k, i, e.Seq)
						}
					}
					total += len(events)
					return err
				})
			}
			if total != 2*writers*turns {
				t.Errorf("%d events, want %d", total, 2*writers*turns)
			}
		})
	})

	t.Run("several events of several aggregates keep their order", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			must(t, happen(t.Context(), d, "order:a", "one"))
			write(t, d, func(tx *db.Tx) error {
				var events []outbox.Event
				for i := range 30 {
					events = append(events, outbox.Event{Aggregate: []string{"order:a", "order:b"}[i%2], Type: fmt.Sprint(i), Order: "o", Fresh: i%2 == 1})
				}
				return outbox.Append(tx, events...)
			})
			place(t, d)
			read(t, d, func(tx *db.Tx) error {
				events, err := outbox.OfOrder(tx, "o")
				for i, e := range events {
					if want := int64(i/2 + 2 - i%2); e.Seq != want || e.Type != fmt.Sprint(i) || e.Position != int64(i+2) {
						t.Errorf("event %d: %s has number %d at %d, want %d", i, e.Type, e.Seq, e.Position, want)
					}
				}
				return err
			})
		})
	})

	t.Run("who claims a used aggregate to be fresh is refused", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			must(t, happen(t.Context(), d, "order:a", "one"))
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				return outbox.Append(tx, outbox.Event{Aggregate: "order:a", Type: "two", Fresh: true})
			})
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("got %v, want a conflict", err)
			}
		})
	})
}

func TestRelay(t *testing.T) {
	t.Parallel()

	t.Run("racing relays place each event once, in order, and no smaller position appears later", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			const aggregates, turns = 8, 20
			ctx, stop := context.WithCancel(t.Context())
			var relays, writers sync.WaitGroup
			for range 4 {
				relays.Go(func() { _ = outbox.NewRelay(d, logger(t)).Run(ctx) })
			}
			for a := range aggregates {
				writers.Go(func() {
					for range turns {
						if err := happen(ctx, d, fmt.Sprintf("order:%d", a), "x"); err != nil {
							t.Error(err)
						}
					}
				})
			}
			seen, after := map[string]int64{}, int64(0)
			var written atomic.Bool
			go func() { writers.Wait(); written.Store(true) }()
			for over := false; !over; {
				over = written.Load() && after == aggregates*turns
				read(t, d, func(tx *db.Tx) error {
					events, next, err := outbox.Feed(tx, after, 7, outbox.FeedFilter{Internal: true})
					for _, e := range events {
						if e.Position <= after || e.Seq != seen[e.Aggregate]+1 {
							t.Fatalf("after %d came position %d; %s went from %d to %d", after, e.Position, e.Aggregate, seen[e.Aggregate], e.Seq)
						}
						after, seen[e.Aggregate] = e.Position, e.Seq
					}
					if next < after {
						t.Fatalf("next is %d after %d", next, after)
					}
					return err
				})
			}
			stop()
			relays.Wait()
		})
	})
}

func TestFeed(t *testing.T) {
	t.Parallel()

	t.Run("contracts only, by type and account, and where to go on", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			write(t, d, func(tx *db.Tx) error {
				return outbox.Append(tx,
					outbox.Event{Aggregate: "order:a", Type: "OrderCreated", Contract: true, Account: "one"},
					outbox.Event{Aggregate: "order:a", Type: "order.ready"},
					outbox.Event{Aggregate: "order:a", Type: "OrderPaid", Contract: true, Account: "two"},
					outbox.Event{Aggregate: "order:a", Type: "order.ready"})
			})
			feed := func(after int64, limit int, f outbox.FeedFilter) (types []string, next int64) {
				read(t, d, func(tx *db.Tx) error {
					events, n, err := outbox.Feed(tx, after, limit, f)
					for _, e := range events {
						types = append(types, e.Type)
					}
					next = n
					return err
				})
				return types, next
			}
			if types, next := feed(0, 10, outbox.FeedFilter{}); types != nil || next != 0 {
				t.Errorf("before it was placed the feed gave %v to %d", types, next)
			}
			place(t, d)
			for _, c := range []struct {
				after int64
				limit int
				f     outbox.FeedFilter
				want  []string
				next  int64
			}{
				{0, 10, outbox.FeedFilter{}, []string{"OrderCreated", "OrderPaid"}, 4},
				{0, 1, outbox.FeedFilter{}, []string{"OrderCreated"}, 1},
				{1, 10, outbox.FeedFilter{}, []string{"OrderPaid"}, 4},
				{3, 10, outbox.FeedFilter{}, nil, 4},
				{9, 10, outbox.FeedFilter{}, nil, 9},
				{0, 10, outbox.FeedFilter{Account: "two"}, []string{"OrderPaid"}, 4},
				{0, 10, outbox.FeedFilter{Types: []string{"OrderCreated", "Other"}}, []string{"OrderCreated"}, 4},
				{1, 2, outbox.FeedFilter{Internal: true}, []string{"order.ready", "OrderPaid"}, 3},
			} {
				types, next := feed(c.after, c.limit, c.f)
				if diff := cmp.Diff(c.want, types); diff != "" || next != c.next {
					t.Errorf("%+v: next %d, %s", c, next, diff)
				}
			}
		})
	})
}
