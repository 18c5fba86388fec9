package connect

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestIntake(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		t.Run("one webhook a hundred times at once beside a poll makes one order", func(t *testing.T) {
			id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 2})
			all := h.shop.Deliveries(id)
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					d := all[0]
					if err := h.s.Receive(ctx, "demo-shop", d.Header, d.Body); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Go(func() {
				if _, err := h.s.Poll(ctx, h.acc.ID); err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			h.work()
			got := h.orders()
			if len(got) != 1 || got[0].Units.Open != 2 {
				t.Fatalf("%d orders", len(got))
			}
			if shown := h.shop.Shown("TEA-1"); shown != 8 {
				t.Fatalf("the shop shows %d, 10 less 2 are there", shown)
			}
		})
		t.Run("one flipped byte makes none", func(t *testing.T) {
			id := h.shop.Place(demo.Item{SKU: "MUG", Quantity: 1})
			d := h.shop.Deliveries(id)[0]
			forged := append([]byte(nil), d.Body...)
			forged[len(forged)/2] ^= 1
			if err := h.s.Receive(ctx, "demo-shop", d.Header, forged); !fault.Is(err, fault.Unauthorized) {
				t.Fatalf("got %v", err)
			}
		})
		t.Run("an account nobody knows is not found", func(t *testing.T) {
			if err := h.s.Receive(ctx, "nobody", nil, nil); !fault.Is(err, fault.NotFound) {
				t.Fatalf("got %v", err)
			}
		})
		t.Run("a cancellation at the channel gives the stock back", func(t *testing.T) {
			h.work()
			before := h.shop.Shown("RICE-5")
			id := h.shop.Place(demo.Item{SKU: "RICE-5", Quantity: 3})
			h.work()
			h.shop.Cancel(id, "changed my mind")
			h.work()
			for _, o := range h.orders() {
				if o.External == id && o.State != order.Cancelled {
					t.Fatalf("state %s", o.State)
				}
			}
			if got := h.shop.Shown("RICE-5"); got != before {
				t.Fatalf("the shop shows %d, showed %d before", got, before)
			}
		})
		t.Run("stock, reservations and shortages are what they say", func(t *testing.T) {
			must(t, d.Read(ctx, func(tx *db.Tx) error {
				wrong, err := h.inv.Verify(tx)
				for _, w := range wrong {
					t.Error(w)
				}
				return err
			}))
		})
		t.Run("what we cancel the channel is told once", func(t *testing.T) {
			id := h.shop.Place(demo.Item{SKU: "MUG", Quantity: 1})
			h.work()
			for _, o := range h.orders() {
				if o.External == id {
					_, err := h.ord.Cancel(ctx, order.Cancelling{Order: o.ID, Reason: "out_of_stock", Initiator: "seller", Actor: "clerk", Source: "api"})
					must(t, err)
				}
			}
			h.work()
			if got := h.shop.Read(id).Status; got != channel.Cancelled {
				t.Fatalf("the channel holds it as %s", got)
			}
		})
	})
}

func TestSubscribeDue(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Shadow)
		asked := func() int {
			n, err := h.s.SubscribeDue(ctx)
			must(t, err)
			return n
		}
		if n := asked(); n != 0 || len(h.shop.Subscriptions()) != 0 {
			t.Errorf("nobody can reach us, and %d partners were asked", n)
		}
		h.s.need.PublicURL = "https://commerce.example.com/"
		if n := asked() + asked(); n != 1 {
			t.Errorf("asked %d times within the hour", n)
		}
		if diff := cmp.Diff([]string{"https://commerce.example.com/hooks/demo-shop"}, h.shop.Subscriptions()); diff != "" {
			t.Error(diff)
		}
		must(t, d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`update account_health set subscribed_at = $1`, db.Micros(tx.Now.Add(-2*subscribedFor)))
			return err
		}))
		if n := asked(); n != 1 || len(h.shop.Subscriptions()) != 1 {
			t.Errorf("after an hour %d were asked", n)
		}
	})
}

func TestModes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Shadow)
		h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 2})
		h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		h.work()
		if shown := h.shop.Shown("TEA-1"); shown != 997 {
			t.Fatalf("a shadow account pushed stock: the shop shows %d", shown)
		}
		before, err := h.s.Diff(ctx, h.acc.ID)
		must(t, err)
		h.shop.Offer("NOT-OURS", money.Of(100, "PKR"), 1)
		_, err = h.s.PullListings(ctx, h.acc.ID)
		must(t, err)
		diff, err := h.s.Diff(ctx, h.acc.ID)
		must(t, err)
		if diff.Orders() != 0 || len(diff.Stock) != 3 || diff.Compared != 2 || diff.Unmapped != before.Unmapped+1 {
			t.Fatalf("%+v", diff)
		}
		if _, err := h.s.SetMode(ctx, Switching{Account: "demo-shop", Mode: channel.Live, OpenOrders: channel.OpenOurs, Actor: "clerk"}); !fault.Is(err, fault.Conflict) {
			t.Fatalf("live although the shop shows other stock: %v", err)
		}
		for range 2 { // going live twice does nothing twice
			_, err := h.s.SetMode(ctx, Switching{Account: "demo-shop", Mode: channel.Live, OpenOrders: channel.OpenOurs, Accept: true, Actor: "clerk"})
			must(t, err)
			h.work()
		}
		if diff, err := h.s.Diff(ctx, h.acc.ID); err != nil || !diff.Clean() {
			t.Errorf("live, the diff shows %+v, %v", diff, err)
		}
		if shown := h.shop.Shown("TEA-1"); shown != 7 {
			t.Fatalf("live, the shop shows %d; 10 less 3 reserved are there", shown)
		}
		must(t, d.Read(ctx, func(tx *db.Tx) error {
			wrong, err := h.inv.Verify(tx)
			if len(wrong) > 0 {
				t.Errorf("%v", wrong)
			}
			return err
		}))
	})
}
