package connect

import (
	"context"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// TestPlacedHere has an order that we placed in a live account ourselves beside one that the channel knows.
func TestPlacedHere(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 2})
		h.work()
		theirs, told := len(h.orders()), h.count(`select count(*) from tells`)

		a := sale(d, 1)
		a.Account = h.acc.brief()
		a.Change.External, a.Order.External = channel.HereID("exchange:1"), channel.HereID("exchange:1")
		must(t, h.ord.Stock(ctx, "PK", h.acc.Channel, 1))
		must(t, d.Write(ctx, func(tx *db.Tx) error { _, err := h.ord.Import(tx, []channel.Arrival{a}); return err }))
		h.work()
		if n := len(h.orders()); n != theirs+1 {
			t.Fatalf("%d orders are here, one more than %d should be", n, theirs)
		}
		if shown := h.shop.Shown("TEA-1"); shown != 7 {
			t.Errorf("the shop shows %d; 10 less 3 reserved are there", shown)
		}
		for _, o := range h.orders() {
			if channel.PlacedHere(o.External) {
				_, err := h.ord.Cancel(ctx, order.Cancelling{Order: o.ID, Reason: "no", Initiator: "seller", Actor: "clerk", Source: "api"})
				must(t, err)
				if err := h.s.Want(ctx, h.acc.ID, o.External, "look"); !fault.Is(err, fault.Conflict) {
					t.Errorf("it can be read from the channel again: %v", err)
				}
			}
		}
		h.work()
		if n := h.count(`select count(*) from tells`); n != told {
			t.Errorf("the channel was told %d things of an order it does not know", n-told)
		}
		diff, err := h.s.Diff(ctx, h.acc.ID)
		must(t, err)
		if !diff.Clean() || diff.Compared != 1 {
			t.Errorf("%+v", diff)
		}
		if n := h.count(`select count(*) from event_parked`); n > 0 {
			t.Errorf("%d events are parked", n)
		}
	})
}
