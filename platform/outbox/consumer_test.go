package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

func TestConsumer(t *testing.T) {
	t.Parallel()

	t.Run("every event takes effect once, in order, though consumers race, fail and are stopped", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			const aggregates, turns = 12, 25
			var writers, runners sync.WaitGroup
			for a := range aggregates {
				writers.Go(func() {
					for range turns {
						if err := happen(t.Context(), d, fmt.Sprintf("order:%d", a), "x", "y"); err != nil {
							t.Error(err)
						}
					}
				})
			}
			flaky := func(tx *db.Tx, batch []outbox.Stored) error {
				if err := record("c")(tx, batch); err != nil {
					return err
				}
				if rand.N(10) == 0 { // what was written above must not stay
					if err := tx.Flush(); err != nil {
						return err
					}
					return fault.New(fault.Unavailable, "by chance")
				}
				return nil
			}
			ctx, stop := context.WithCancel(t.Context())
			for range 3 {
				runners.Go(func() {
					for ctx.Err() == nil { // killed again and again
						life, kill := context.WithTimeout(ctx, rand.N(60*time.Millisecond)+5*time.Millisecond)
						r := outbox.NewRelay(d, logger(t))
						cs := outbox.NewConsumers(d, logger(t), outbox.Consumer{Name: "c", Handle: flaky})
						var wg sync.WaitGroup
						wg.Go(func() { _ = r.Run(life) })
						wg.Go(func() { _ = cs.Run(life) })
						wg.Wait()
						kill()
					}
				})
			}
			writers.Wait()
			stop()
			runners.Wait()
			drain(t, d, outbox.Consumer{Name: "c", Handle: record("c")})
			want := map[string][]int64{}
			for a := range aggregates {
				want[fmt.Sprintf("order:%d", a)] = upTo(2 * turns)
			}
			if diff := cmp.Diff(want, effects(t, d, "c")); diff != "" {
				t.Error(diff)
			}
		})
	})

	t.Run("what cannot be taken holds up its own aggregate only, and comes later in order", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, c *clock) {
			for i := range 70 {
				must(t, happen(t.Context(), d, fmt.Sprintf("order:%d", i%7), "x"))
			}
			broken := true
			consumer := outbox.Consumer{Name: "c", Handle: func(tx *db.Tx, batch []outbox.Stored) error {
				for _, e := range batch {
					if broken && e.Aggregate == "order:3" && e.Seq >= 4 {
						return errors.New("cannot")
					}
				}
				return record("c")(tx, batch)
			}}
			drain(t, d, consumer)
			want := map[string][]int64{}
			for i := range 7 {
				want[fmt.Sprintf("order:%d", i)] = upTo(10)
			}
			want["order:3"] = upTo(3)
			if diff := cmp.Diff(want, effects(t, d, "c")); diff != "" {
				t.Fatal(diff)
			}
			parked := parkedOf(t, d, "c")
			if len(parked) != 7 || parked[0].Attempts != 1 || parked[0].Next.IsZero() || !parked[6].Next.IsZero() {
				t.Fatalf("parked: %+v", parked)
			}

			// It fails again, a person hears of it, and new events of the aggregate wait behind.
			for range 3 {
				c.Add(time.Hour)
				drain(t, d, consumer)
			}
			must(t, happen(t.Context(), d, "order:3", "x"))
			must(t, happen(t.Context(), d, "order:4", "x"))
			drain(t, d, consumer)
			if diff := cmp.Diff([]string{exception.EventParked}, open(t, d)); diff != "" {
				t.Error(diff)
			}
			want["order:4"] = upTo(11)
			if diff := cmp.Diff(want, effects(t, d, "c")); diff != "" {
				t.Fatal(diff)
			}

			// Healed, they come in order and the case is closed.
			broken = false
			write(t, d, func(tx *db.Tx) error { return outbox.Replay(tx, "c", parked[2].Event) })
			drain(t, d, consumer)
			want["order:3"] = upTo(11)
			if diff := cmp.Diff(want, effects(t, d, "c")); diff != "" {
				t.Fatal(diff)
			}
			if left := open(t, d); len(left) != 0 {
				t.Error(left)
			}
		})
	})

	t.Run("a panic parks like an error", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			must(t, happen(t.Context(), d, "order:a", "x"))
			must(t, happen(t.Context(), d, "order:b", "x"))
			drain(t, d, outbox.Consumer{Name: "c", Handle: func(tx *db.Tx, batch []outbox.Stored) error {
				if batch[0].Aggregate == "order:a" {
					panic("no")
				}
				return record("c")(tx, batch)
			}})
			if diff := cmp.Diff(map[string][]int64{"order:b": {1}}, effects(t, d, "c")); diff != "" {
				t.Error(diff)
			}
			if parked := parkedOf(t, d, "c"); len(parked) != 1 {
				t.Error(parked)
			}
		})
	})

	t.Run("only the types asked for, and cursors move over the others", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			for i := range 1200 {
				if i%100 == 0 {
					must(t, happen(t.Context(), d, "order:a", "OrderCreated", "wanted"))
				}
				must(t, happen(t.Context(), d, "order:b", "other"))
			}
			consumers := []outbox.Consumer{
				{Name: "types", Types: []string{"wanted"}, Handle: record("types")},
				{Name: "contracts", Contracts: true, Handle: record("contracts")},
			}
			drain(t, d, consumers...)
			if n := len(effects(t, d, "types")["order:a"]) + len(effects(t, d, "contracts")["order:a"]); n != 24 {
				t.Errorf("%d taken", n)
			}
			read(t, d, func(tx *db.Tx) error {
				head, err := outbox.Head(tx)
				if err != nil {
					return err
				}
				all, err := outbox.Progresses(tx, consumers)
				for _, p := range all {
					if p.Position < head-1100 || p.Behind != 0 {
						t.Errorf("%s is behind: %+v", p.Consumer, p)
					}
				}
				return err
			})
		})
	})

	t.Run("a new consumer may start with the next event", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			must(t, happen(t.Context(), d, "order:a", "x"))
			place(t, d)
			c := outbox.Consumer{Name: "c", FromNow: true, Handle: record("c")}
			drain(t, d, c)
			must(t, happen(t.Context(), d, "order:a", "x"))
			drain(t, d, c)
			if diff := cmp.Diff(map[string][]int64{"order:a": {2}}, effects(t, d, "c")); diff != "" {
				t.Error(diff)
			}
		})
	})

	t.Run("a taken event can be replayed, a whole consumer rewound, a parked event left out", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			must(t, happen(t.Context(), d, "order:a", "x", "y", "z"))
			c := outbox.Consumer{Name: "c", Handle: record("c")}
			drain(t, d, c)
			var second string
			read(t, d, func(tx *db.Tx) error {
				events, err := outbox.OfAggregate(tx, "order:a")
				second = events[1].ID
				return err
			})
			write(t, d, func(tx *db.Tx) error { return outbox.Replay(tx, "c", second) })
			drain(t, d, c)
			write(t, d, func(tx *db.Tx) error { return outbox.Rewind(tx, "c", 1) })
			drain(t, d, c)
			if diff := cmp.Diff(map[string][]int64{"order:a": {1, 2, 3, 2, 2, 3}}, effects(t, d, "c")); diff != "" {
				t.Error(diff)
			}
			bad := outbox.Consumer{Name: "bad", Handle: func(tx *db.Tx, batch []outbox.Stored) error {
				if batch[0].Seq == 1 {
					return errors.New("never")
				}
				return record("bad")(tx, batch)
			}}
			drain(t, d, bad)
			write(t, d, func(tx *db.Tx) error { return outbox.Skip(tx, "bad", parkedOf(t, nil, "", tx)[0].Event) })
			drain(t, d, bad)
			if diff := cmp.Diff(map[string][]int64{"order:a": {2, 3}}, effects(t, d, "bad")); diff != "" {
				t.Error(diff)
			}
			err := d.Write(t.Context(), func(tx *db.Tx) error { return outbox.Replay(tx, "nobody", second) })
			if !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		})
	})
}

func parkedOf(t *testing.T, d *db.DB, consumer string, within ...*db.Tx) (all []outbox.ParkedEvent) {
	t.Helper()
	list := func(tx *db.Tx) (err error) {
		all, err = outbox.Parked(tx, consumer, 0, 0)
		return err
	}
	if len(within) > 0 {
		must(t, list(within[0]))
		return all
	}
	read(t, d, list)
	return all
}

// open lists the causes of the open exceptions.
func open(t *testing.T, d *db.DB) (causes []string) {
	t.Helper()
	read(t, d, func(tx *db.Tx) error {
		rows, _, err := exception.List(tx, exception.Filter{}, "", 0)
		for _, r := range rows {
			causes = append(causes, r.Cause)
		}
		return err
	})
	return causes
}
