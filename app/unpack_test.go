package app_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestUnpackAfterCancel has a buyer cancel at the shop what is packed here already: the parcel waits, and is unpacked as its case suggests.
func TestUnpackAfterCancel(t *testing.T) {
	t.Parallel()
	for _, calledOff := range []bool{false, true} {
		t.Run(map[bool]string{false: "unpacked at once", true: "the parcel is called off first"}[calledOff], func(t *testing.T) {
			t.Parallel()
			engines(t, func(t *testing.T, h *town) {
				ctx := context.Background()
				h.openShopify()
				id := h.buy()
				h.read()
				h.pack()
				h.work()
				ok(t, h.shop.RefundLine(id, skus[0], 1, "CANCEL"))
				h.read()
				open := func() []string { return h.all(`select cause from exceptions where state = 'open' order by cause`) }
				if diff := cmp.Diff([]string{"change_after_pack"}, open()); diff != "" {
					t.Fatal(diff)
				}
				if calledOff {
					ship := ask[string](h, `select id from dispatch_shipments`)
					_, err := h.a.Dispatch.Cancel(ctx, ship, 0, "clerk", "the buyer cancelled")
					ok(t, err)
					h.work()
				}
				_, err := h.a.Fulfillment.Unpack(ctx, ask[string](h, `select id from fulfillment_orders`), 0, "clerk")
				ok(t, err)
				h.work()
				got := map[string]int64{
					"open":      ask[int64](h, `select units_open from orders`),
					"cancelled": ask[int64](h, `select units_cancelled from orders`),
					"holds":     ask[int64](h, `select count(*) from order_holds where released_at is null`),
					"reserved":  ask[int64](h, `select cast(sum(reserved) as bigint) from stock_levels`),
					"to pack":   ask[int64](h, `select cast(sum(l.quantity - l.packed) as bigint) from fulfillment_lines l join fulfillment_orders f on f.id = l.fulfillment_id where f.state <> 'held'`),
					"told":      ask[int64](h, `select count(*) from tells where act = 'cancel'`),
				}
				if diff := cmp.Diff(map[string]int64{"open": 1, "cancelled": 1, "holds": 0, "reserved": 1, "to pack": 1, "told": 0}, got); diff != "" || len(open()) != 0 {
					t.Fatal(diff, open())
				}
				_, err = h.a.Fulfillment.Pack(ctx, ask[string](h, `select id from fulfillment_orders`), 0, "clerk", nil)
				ok(t, err)
				h.ships()
				if n := ask[int64](h, `select units_shipped from orders`); n != 1 {
					t.Fatalf("%d units left", n)
				}
			})
		})
	}
}
