package app_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/sim/daraz"
)

// TestNumberCorrected has a person mistype a parcel's number and correct it before and after the shop was told.
func TestNumberCorrected(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		ctx := context.Background()
		h.openShopify()
		id := h.buy()
		h.read()
		h.pack()
		h.work()
		parcel := ask[string](h, `select id from dispatch_shipments`)
		typed := func(carrier, number string) {
			_, err := h.a.Dispatch.Waybill(ctx, parcel, 0, "clerk", courier.Waybill{Carrier: carrier, Tracking: number})
			ok(t, err)
		}
		shown := func() []string {
			v, _ := h.shop.OrderView(id)
			if len(v.Parcels) != 1 {
				t.Fatalf("the shop has %d parcels", len(v.Parcels))
			}
			return append([]string{v.Parcels[0].Company}, v.Parcels[0].Numbers...)
		}
		typed("TCS", "WRONG-1")
		typed("TCS", "WRONG-2") // nobody was told yet
		h.ships()
		if diff := cmp.Diff([]string{"TCS", "WRONG-2"}, shown()); diff != "" {
			t.Fatal(diff)
		}
		typed("Leopards", "RIGHT-3")
		typed("Leopards", "RIGHT-3") // typed twice is told once
		h.work()
		h.work()
		if diff := cmp.Diff([]string{"Leopards", "RIGHT-3"}, shown()); diff != "" {
			t.Error(diff)
		}
		if n, m := h.shop.Record.Count("fulfillmentCreate"), h.shop.Record.Count("fulfillmentTrackingInfoUpdate"); n != 1 || m != 1 {
			t.Errorf("%d parcels were told and %d corrected", n, m)
		}
		h.delivers(ask[string](h, `select id from orders`))
		h.read()
		if v, _ := h.shop.OrderView(id); v.Parcels[0].Shown != "DELIVERED" {
			t.Errorf("the parcel with the right number is %s there", v.Parcels[0].Shown)
		}
		h.calm("delivered")
	})
}

// packedAtDaraz has two units of an order packed together at Daraz.
func (h *town) packedAtDaraz() (id string, view func() (states, packages []string)) {
	h.t.Helper()
	h.openDaraz()
	shop := h.market.Shop("")
	spec := shop.Generate(3, 1)[0]
	spec.Items, spec.Payment, spec.Paid, spec.VoucherSeller, spec.VoucherPlatform = []daraz.ItemSpec{{SKU: "TEA-1"}, {SKU: "RICE-5"}}, "", false, 0, 0
	id, err := shop.PlaceOrder(spec)
	ok(h.t, err)
	h.read()
	h.pack()
	h.work()
	h.work()
	return id, func() (states, packages []string) {
		v, _ := shop.OrderView(id)
		for _, u := range v.Units {
			states = append(states, u.Status)
			if u.Package != "" && !slices.Contains(packages, u.Package) {
				packages = append(packages, u.Package)
			}
		}
		return states, packages
	}
}

// TestRepacked opens a parcel that Daraz knows as packed: Daraz hears of it, so that what is packed again travels in a package of its own.
func TestRepacked(t *testing.T) {
	t.Parallel()
	t.Run("opened by hand", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			ctx := context.Background()
			_, view := h.packedAtDaraz()
			states, first := view()
			if diff := cmp.Diff([]string{"packed", "packed"}, states); diff != "" || len(first) != 1 {
				t.Fatal(diff, first)
			}
			_, err := h.a.Dispatch.Cancel(ctx, ask[string](h, `select id from dispatch_shipments`), 0, "clerk", "the wrong box")
			ok(t, err)
			_, err = h.a.Fulfillment.Unpack(ctx, ask[string](h, `select id from fulfillment_orders`), 0, "clerk")
			ok(t, err)
			h.work()
			h.work()
			if states, packages := view(); !slices.Equal(states, []string{"repacked", "repacked"}) || len(packages) != 0 {
				t.Fatalf("opened here, and at Daraz %v in %v", states, packages)
			}
			h.read()
			h.calm("opened")
			_, err = h.a.Fulfillment.Pack(ctx, ask[string](h, `select id from fulfillment_orders`), 0, "clerk", nil)
			ok(t, err)
			h.work()
			h.ships()
			h.read()
			states, second := view()
			if !slices.Equal(states, []string{"ready_to_ship", "ready_to_ship"}) || len(second) != 1 || second[0] == first[0] {
				t.Errorf("packed again, and at Daraz %v in %v after %v", states, second, first)
			}
			h.calm("left")
		})
	})
	t.Run("opened before Daraz heard of it", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			ctx := context.Background()
			h.openDaraz()
			shop := h.market.Shop("")
			spec := shop.Generate(3, 1)[0]
			spec.Items, spec.Payment, spec.Paid, spec.VoucherSeller, spec.VoucherPlatform = []daraz.ItemSpec{{SKU: "TEA-1"}}, "", false, 0, 0
			id, err := shop.PlaceOrder(spec)
			ok(t, err)
			h.read()
			h.pack()
			ok(t, outbox.Drain(ctx, h.a.Relay, h.a.Consumers))
			intents := func() int64 { return ask[int64](h, `select count(*) from tells where act in ('pack', 'unpack')`) }
			if n := intents(); n != 1 {
				t.Fatalf("%d intents to pack", n)
			}
			_, err = h.a.Dispatch.Cancel(ctx, ask[string](h, `select id from dispatch_shipments`), 0, "clerk", "the wrong box")
			ok(t, err)
			ok(t, outbox.Drain(ctx, h.a.Relay, h.a.Consumers))
			h.work()
			if n := intents(); n != 0 || shop.Effects(id) != (daraz.Effects{}) {
				t.Errorf("%d intents are left, and Daraz was told %+v", n, shop.Effects(id))
			}
			h.calm("opened")
		})
	})
	t.Run("opened for one of two units that is cancelled", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			ctx := context.Background()
			_, view := h.packedAtDaraz()
			id := ask[string](h, `select id from orders`)
			line := ask[string](h, `select id from order_lines where sku = 'TEA-1'`)
			_, err := h.a.Order.Cancel(ctx, order.Cancelling{Order: id, Lines: []order.CutLine{{LineID: line, Quantity: 1}}, Reason: "out_of_stock", Initiator: "seller", Actor: "clerk", Source: "api"})
			ok(t, err)
			h.work()
			h.work()
			if states, _ := view(); !slices.Equal(states, []string{"canceled", "repacked"}) {
				t.Fatalf("one was cancelled, and at Daraz they are %v", states)
			}
			h.read()
			if diff := cmp.Diff([]string(nil), h.trouble()); diff != "" {
				t.Error(diff)
			}
		})
	})
}
