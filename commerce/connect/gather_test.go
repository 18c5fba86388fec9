package connect

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestGather(t *testing.T) {
	t.Parallel()
	// run has n callers join at once, each round taking a second; it answers what each was told and what came in each round.
	run := func(t *testing.T, n int, do func(all []int) error) (errs []error, rounds [][]int, took time.Duration) {
		var mu sync.Mutex
		g := &gather[int]{most: 4, lanes: 1, do: func(_ context.Context, all []int) error {
			time.Sleep(time.Second)
			mu.Lock()
			rounds = append(rounds, slices.Clone(all))
			mu.Unlock()
			return do(all)
		}}
		errs = make([]error, n)
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { errs[i] = g.join(t.Context(), i) })
			synctest.Wait() // in order
		}
		wg.Wait()
		return errs, rounds, time.Since(begin)
	}
	t.Run("who comes while a round is under way goes in the next", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			errs, rounds, took := run(t, 6, func([]int) error { return nil })
			if errors.Join(errs...) != nil || took != 3*time.Second {
				t.Errorf("%v after %s", errs, took)
			}
			if d := cmp.Diff([][]int{{0}, {1, 2, 3, 4}, {5}}, rounds); d != "" {
				t.Error(d)
			}
		})
	})
	t.Run("what one has wrong is not the others' fault", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			bad := fault.New(fault.Invalid, "three is refused")
			errs, rounds, _ := run(t, 5, func(all []int) error {
				if slices.Contains(all, 3) {
					return bad
				}
				return nil
			})
			if !errors.Is(errs[3], bad) || errors.Join(errs[0], errs[1], errs[2], errs[4]) != nil {
				t.Errorf("%v", errs)
			}
			if d := cmp.Diff([][]int{{0}, {1, 2, 3, 4}, {1}, {2}, {3}, {4}}, rounds); d != "" {
				t.Error(d)
			}
		})
	})
	t.Run("while the database is away nobody tries alone", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			errs, rounds, _ := run(t, 5, func([]int) error { return fault.New(fault.Unavailable, "away") })
			for _, err := range errs {
				if !fault.Is(err, fault.Unavailable) {
					t.Error(err)
				}
			}
			if len(rounds) != 2 {
				t.Errorf("%v", rounds)
			}
		})
	})
	t.Run("nothing is done for those who have gone", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var rounds [][]int
			g := &gather[int]{most: 4, lanes: 1, do: func(_ context.Context, all []int) error {
				time.Sleep(time.Second)
				rounds = append(rounds, slices.Clone(all))
				return nil
			}}
			go func() { _ = g.join(t.Context(), 1) }()
			synctest.Wait()
			gone, leave := context.WithCancel(t.Context())
			go func() { _ = g.join(gone, 2) }()
			synctest.Wait()
			leave()
			if err := g.join(t.Context(), 3); err != nil {
				t.Error(err)
			}
			if d := cmp.Diff([][]int{{1}, {3}}, rounds); d != "" {
				t.Error(d)
			}
		})
	})
}

// A flood of webhooks, each delivered twice at the same time, is stored once each, and every one that was acknowledged is an order.
func TestFlood(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d, channel.Live)
		const n = 150
		var all []channel.Delivery
		for range n {
			all = append(all, h.shop.Deliveries(h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1}))[0])
		}
		var wg sync.WaitGroup
		errs := make(chan error, 2*n)
		for range 2 {
			for _, x := range all {
				wg.Go(func() { errs <- h.s.Receive(t.Context(), h.acc.Name, x.Header, x.Body) })
			}
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			must(t, err)
		}
		if kept := h.count(`select count(*) from inbox`); kept != n {
			t.Errorf("%d are stored, not %d", kept, n)
		}
		if keys := h.count(`select count(*) from personal_keys`); keys != n {
			t.Errorf("%d keys for %d messages", keys, n)
		}
		if heard := h.count(`select count(*) from account_health where last_webhook_at is not null`); heard != 1 {
			t.Error("it is not noted that the partner called")
		}
		_, err := h.s.ImportAll(t.Context())
		must(t, err)
		if orders := h.count(`select count(*) from orders`); orders != n {
			t.Errorf("%d orders", orders)
		}
	})
}
