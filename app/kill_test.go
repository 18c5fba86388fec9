package app_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// count records that so many of a SKU are there, as somebody who counted says.
func (h *town) count(sku string, was, n int64) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		return h.a.Inventory.Move(tx, []stock.Movement{{
			Variant: h.variants[sku], Location: h.warehouse, Condition: stock.Sellable, Delta: n - was, Kind: stock.MoveCount, RefKind: "test", RefID: db.ID(), Actor: "test", At: tx.Now,
		}})
	})
}

func TestKilledPush(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		h.openShopify()
		h.work() // the shop shows ten of each
		shown := func() map[string]int {
			all := map[string]int{}
			for _, sku := range skus {
				all[sku] = h.shop.Stock(sku, "WH")
			}
			return all
		}
		lives := []struct {
			name  string
			after bool // killed after the shop took the numbers, before that was written down; else before it took them
			tea   int64
			shows int
		}{
			{"killed before the shop heard of the number", false, 7, 10},
			{"killed after the shop took it", true, 4, 4},
			{"killed when the shop had refused it, unless the drift report came first", true, 10, -1},
		}
		was := int64(10)
		for i, l := range lives {
			h.count("TEA-1", was, l.tea)
			h.count("RICE-5", 10-int64(i), 9-int64(i))
			was = l.tea
			h.gate.arm("inventorySetQuantities", l.after)
			p := h.start(app.Work)
			h.gate.wait(t)
			p.kill()
			if n := h.shop.Stock("TEA-1", "WH"); l.shows >= 0 && n != l.shows {
				t.Errorf("%s: the shop shows %d", l.name, n)
			}
			h.open()
			h.expire()
		}
		h.count("TEA-1", was, 3)
		h.leave()
		h.open()
		h.work()
		h.expire() // a number that was stale comes again after a pause
		h.work()
		if diff := cmp.Diff(map[string]int{"TEA-1": 3, "RICE-5": 7, "MUG-2": 10}, shown()); diff != "" {
			t.Errorf("the shop shows something else in the end (-want +got):\n%s", diff)
		}
		if h.gate.most != 1 {
			t.Errorf("%d pushes were under way at once", h.gate.most)
		}
		if left := h.all(`select listing_id from channel_stock where dirty or running_until is not null`); len(left) != 0 {
			t.Errorf("still to push: %v", left)
		}
	})
}

// told is what became of the intents of one act.
func (h *town) told(act string) []string {
	return h.all(`select state from tells where act = $1 order by id`, act)
}

func TestKilledWhileTelling(t *testing.T) {
	t.Parallel()
	t.Run("shopify", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			h.openShopify()
			id := h.buy()
			h.read()
			h.pack()
			ctx := context.Background()
			ship := ask[string](h, `select id from dispatch_shipments`)
			_, err := h.a.Dispatch.Waybill(ctx, ship, 0, "clerk", courier.Waybill{Carrier: "TCS", Tracking: "TCS-1001"})
			ok(t, err)
			_, err = h.a.Dispatch.HandOver(ctx, ship, "clerk", time.Time{})
			ok(t, err)
			for _, after := range []bool{false, true} { // first before the shop has done it, then after
				h.gate.arm("fulfillmentCreate", after)
				p := h.start(app.Work, app.Relays)
				h.gate.wait(t)
				p.kill()
				h.open()
				h.expire()
			}
			h.work()
			v, _ := h.shop.OrderView(id)
			if len(v.Parcels) != 1 {
				t.Errorf("the shop has %d parcels", len(v.Parcels))
			}
			if diff := cmp.Diff([]string{"told"}, h.told("ship")); diff != "" {
				t.Error(diff)
			}
			if n := h.shop.Record.Count("fulfillmentCreate"); n != 1 {
				t.Errorf("the shop was told %d times", n)
			}
			if causes := h.all(`select cause from exceptions where state = 'open'`); len(causes) != 0 {
				t.Errorf("a person is asked: %v", causes)
			}
		})
	})
	t.Run("daraz", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			h.openDaraz()
			shop := h.market.Shop("")
			spec := shop.Generate(3, 1)[0]
			spec.Items = spec.Items[:1]
			spec.Items[0].SKU, spec.Items[0].Quantity, spec.Items[0].Central, spec.Items[0].OwnFleet, spec.Oversell = "TEA-1", 2, false, false, true
			spec.Payment, spec.Paid = "", false
			id, err := shop.PlaceOrder(spec)
			ok(t, err)
			h.read()
			h.pack()
			for _, after := range []bool{false, true} {
				h.gate.arm("/order/fulfill/pack", after)
				p := h.start(app.Work, app.Relays)
				h.gate.wait(t)
				p.kill()
				h.open()
				h.expire()
			}
			h.work()
			if e := shop.Effects(id); e.Packed != 2 {
				t.Errorf("%d units were packed", e.Packed)
			}
			if diff := cmp.Diff([]string{"told"}, h.told("pack")); diff != "" {
				t.Fatal(diff)
			}
			_, err = h.a.Dispatch.HandOver(context.Background(), ask[string](h, `select id from dispatch_shipments`), "clerk", time.Time{})
			ok(t, err)
			h.gate.arm("/order/package/rts", true)
			p := h.start(app.Work, app.Relays)
			h.gate.wait(t)
			p.kill()
			h.open()
			h.expire()
			h.work()
			if e := shop.Effects(id); e.Ready != 2 {
				t.Errorf("%d units were made ready", e.Ready)
			}
			if diff := cmp.Diff([]string{"told"}, h.told("ship")); diff != "" {
				t.Error(diff)
			}
		})
	})
}
