package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/sim/daraz"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// delivers reports every parcel of an order delivered, by the courier's word.
func (h *town) delivers(order string) {
	h.t.Helper()
	for _, id := range h.all(`select id from dispatch_shipments where order_id = $1`, order) {
		_, err := h.a.Dispatch.Report(context.Background(), id, "clerk", courier.Delivered, time.Time{}, "")
		ok(h.t, err)
	}
	h.work()
}

// swap agrees with the buyer on the exchange of one unit of the order's line for another SKU.
func (h *town) swap(order, sku, forSKU string) returns.RMA {
	h.t.Helper()
	line := ask[string](h, `select id from order_lines where order_id = $1 and sku = $2`, order, sku)
	r, err := h.a.Returns.Request(context.Background(), returns.Ask{
		Order: order, Kind: returns.KindExchange, Lines: []returns.Units{{LineID: line, Quantity: 1}}, Reason: "wrong colour", Approve: true, Actor: "clerk",
		Wanted: []returns.Replacement{{Variant: h.variants[forSKU], Quantity: 1}},
	})
	ok(h.t, err)
	h.work()
	return r
}

func (h *town) stored(id string) (r returns.RMA) {
	h.t.Helper()
	ok(h.t, h.a.DB.Read(context.Background(), func(tx *db.Tx) (err error) { r, err = h.a.Returns.Get(tx, id); return err }))
	return r
}

// takesBack receives and inspects what comes back.
func (h *town) takesBack(id string, how returns.Disposition) returns.RMA {
	h.t.Helper()
	ctx := context.Background()
	r, err := h.a.Returns.Receive(ctx, id, 0, returns.Receipt{Location: h.warehouse, Actor: "clerk"})
	ok(h.t, err)
	_, err = h.a.Returns.Inspect(ctx, id, 0, []returns.Verdict{{LineID: r.Lines[0].LineID, Quantity: 1, Disposition: how}}, "clerk")
	ok(h.t, err)
	h.work()
	return h.stored(id)
}

// trouble are the open cases, with what they are about.
func (h *town) trouble() []string {
	h.t.Helper()
	return h.all(`select cause || ' ' || subject_kind || ' ' || coalesce(cast(detail as text), '') from exceptions where state = 'open' order by cause`)
}

// calm fails where a case is open, an event parked, or something was told of an order that we placed ourselves.
func (h *town) calm(when string) {
	h.t.Helper()
	if diff := cmp.Diff([]string(nil), h.trouble()); diff != "" {
		h.t.Errorf("%s cases are open: %s", when, diff)
	}
	for what, query := range map[string]string{
		"events parked":                  `select count(*) from event_parked`,
		"tells of orders of our own":     `select count(*) from tells where external like 'ours:%'`,
		"tells not carried out":          `select count(*) from tells where state <> 'told'`,
		"refunds told":                   `select count(*) from tells where act in ('refund', 'cancel')`,
		"orders of our own read again":   `select count(*) from reads where external like 'ours:%'`,
		"units that are counted nowhere": `select count(*) from order_lines where ordered <> cancelled + open + shipped`,
	} {
		if n := ask[int64](h, query); n != 0 {
			h.t.Errorf("%s: %d %s", when, n, what)
		}
	}
}

// TestExchangeOverTheWire exchanges goods of an order that came over the wire: the channel hears of the goods, and of nothing that did not happen there.
func TestExchangeOverTheWire(t *testing.T) {
	t.Parallel()
	t.Run("shopify", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			id, order := h.sold()
			r := h.swap(order, "TEA-1", "MUG-2")
			h.calm("agreed")
			h.shows("agreed", map[string]int{"TEA-1": 9, "RICE-5": 9, "MUG-2": 9})
			h.ships()
			h.delivers(r.Exchange)
			h.read()
			h.calm("replaced")
			h.shows("replaced", map[string]int{"TEA-1": 9, "RICE-5": 9, "MUG-2": 9})

			r = h.takesBack(r.ID, returns.ToSell)
			h.read()
			h.calm("taken back")
			h.shows("taken back", map[string]int{"TEA-1": 10, "RICE-5": 9, "MUG-2": 9})
			if r.ClosedAt.IsZero() || r.Money != "waived" || r.Refunded != 0 {
				t.Errorf("the return ended %+v", r)
			}
			v, _ := h.shop.OrderView(id)
			if diff := cmp.Diff([]shopify.ReturnView{{ID: v.Returns[0].ID, Status: "CLOSED", Units: map[string]int{"TEA-1": 1}}}, v.Returns); diff != "" {
				t.Errorf("the shop's returns (-want +got):\n%s", diff)
			}
			if len(v.Parcels) != 1 || v.Refunded != "0.00" || len(v.Lines) != 2 {
				t.Errorf("the shop shows %+v", v)
			}
			for kind, n := range map[string]int{"fulfillmentCreate": 1, "refundCreate": 0, "orderCancel": 0, "returnCreate": 1, "returnProcess": 1} {
				if got := h.shop.Record.Count(kind); got != n {
					t.Errorf("%s was called %d times, not %d", kind, got, n)
				}
			}
			h.agrees("at the end")
			if rec := h.reconcile(); len(rec.Missed)+len(rec.Changed) != 0 {
				t.Errorf("the comparison says %+v", rec)
			}
		})
	})
	t.Run("shopify, withdrawn before the goods came", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			id, order := h.sold()
			r := h.swap(order, "TEA-1", "MUG-2")
			_, err := h.a.Returns.Withdraw(context.Background(), r.ID, 0, "keeps it", "clerk")
			ok(t, err)
			h.read()
			h.calm("withdrawn")
			h.shows("withdrawn", map[string]int{"TEA-1": 9, "RICE-5": 9, "MUG-2": 10})
			v, _ := h.shop.OrderView(id)
			if len(v.Returns) != 1 || v.Returns[0].Status != "CANCELED" {
				t.Errorf("the shop's returns are %+v", v.Returns)
			}
			if n := ask[int64](h, `select count(*) from returns_rma`); n != 1 {
				t.Errorf("there are %d returns", n)
			}
			_, err = h.a.Returns.Reopen(context.Background(), r.ID, 0, "clerk")
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("opened again: %v", err)
			}
		})
	})
	t.Run("shopify, for something cheaper", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			id, order := h.sold()
			ctx := context.Background()
			r, err := h.a.Returns.Request(ctx, returns.Ask{
				Order: order, Kind: returns.KindExchange, Reason: "too many", Approve: true, Actor: "clerk", Wanted: []returns.Replacement{{Variant: h.variants["MUG-2"], Quantity: 1}},
			})
			ok(t, err)
			h.work()
			r, err = h.a.Returns.Refund(ctx, r.ID, 0, returns.Paying{Actor: "clerk"})
			ok(t, err)
			h.work() // the intent to tell
			h.work() // what the shop does of it
			h.read()
			r = h.stored(r.ID)
			v, _ := h.shop.OrderView(id)
			if got := money.Of(r.Refunded, "PKR").Decimal(); r.Money != "refunded" || r.Refunded <= 0 || v.Refunded != got || h.shop.Record.Count("refundCreate") != 1 {
				t.Errorf("of %s due %s are back, and the shop says %s", money.Of(r.RefundDue, "PKR"), got, v.Refunded)
			}
			if n := ask[int64](h, `select count(*) from tells where act = 'refund'`); n != 0 {
				t.Errorf("the money went back a second way")
			}
			if diff := cmp.Diff([]string(nil), h.trouble()); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("shopify, made there by its own staff", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			id, order := h.sold()
			external := ask[string](h, `select external from order_lines where order_id = $1 and sku = 'TEA-1'`, order)
			h.write(func(tx *db.Tx) error {
				return h.a.Returns.Channel(tx, []channel.ReturnChange{{
					Order:  id,
					Return: channel.Return{External: "77", Kind: "exchange", Status: channel.Open, Lines: []channel.ReturnLine{{Line: external, Quantity: 1}}},
				}}, h.account)
			})
			h.work()
			_, err := h.a.Returns.Exchange(context.Background(), ask[string](h, `select id from returns_rma`), 0, []returns.Replacement{{Variant: h.variants["MUG-2"], Quantity: 1}}, 0, "clerk")
			if fault.CodeOf(err) != "replaced_there" {
				t.Errorf("a second replacement: %v", err)
			}
		})
	})
	t.Run("daraz", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			h.openDaraz()
			shop := h.market.Shop("")
			spec := shop.Generate(3, 1)[0]
			spec.Items, spec.Payment, spec.Paid, spec.VoucherSeller, spec.VoucherPlatform = []daraz.ItemSpec{{SKU: "TEA-1"}, {SKU: "RICE-5"}}, "CARD", true, 0, 0
			id, err := shop.PlaceOrder(spec)
			ok(t, err)
			h.read()
			h.ships()
			v, _ := shop.OrderView(id)
			var units []string
			for _, u := range v.Units {
				units = append(units, u.ID)
			}
			ok(t, shop.Ship(units...))
			ok(t, shop.Deliver(units...))
			h.read()
			order := ask[string](h, `select id from orders where external = $1`, id)
			h.calm("delivered")
			before := shop.Effects(id)

			r := h.swap(order, "TEA-1", "MUG-2")
			h.calm("agreed")
			h.sells("agreed", map[string]int{"TEA-1": 9, "RICE-5": 9, "MUG-2": 9})
			h.ships()
			h.delivers(r.Exchange)
			h.read()
			h.calm("replaced")
			h.sells("replaced", map[string]int{"TEA-1": 9, "RICE-5": 9, "MUG-2": 9})

			r = h.takesBack(r.ID, returns.ToSell)
			h.read()
			h.calm("taken back")
			h.sells("taken back", map[string]int{"TEA-1": 10, "RICE-5": 9, "MUG-2": 9})
			if r.ClosedAt.IsZero() || r.Money != "waived" || r.Refunded != 0 {
				t.Errorf("the return ended %+v", r)
			}
			if diff := cmp.Diff(before, shop.Effects(id)); diff != "" {
				t.Errorf("Daraz, which knows no exchange, was told of it: %s", diff)
			}
			for _, e := range h.market.Told("") {
				if strings.Contains(e.Kind, "reverse") && e.Dir == "in" && !strings.Contains(e.Kind, "get") && !strings.Contains(e.Kind, "list") {
					t.Errorf("Daraz was told %s", e.Kind)
				}
			}
			h.agrees("at the end")
		})
	})
}

// sold has an order of the Shopify shop shipped and delivered, one of TEA-1 and one of RICE-5; it answers the shop's id and ours.
func (h *town) sold() (external, order string) {
	h.t.Helper()
	h.openShopify()
	external = h.buy()
	h.read()
	h.ships()
	order = ask[string](h, `select id from orders where external = $1`, external)
	h.delivers(order)
	h.read()
	h.calm("delivered")
	return external, order
}

// shows fails unless the Shopify shop shows these numbers as available.
func (h *town) shows(when string, want map[string]int) {
	h.t.Helper()
	got := map[string]int{}
	for sku := range want {
		got[sku] = h.shop.Available(sku)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("%s the shop shows (-want +got):\n%s", when, diff)
	}
}

// sells fails unless buyers can order these numbers at Daraz.
func (h *town) sells(when string, want map[string]int) {
	h.t.Helper()
	got := map[string]int{}
	for sku := range want {
		got[sku] = h.market.Shop("").Stock(sku).Sellable
	}
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("%s Daraz sells (-want +got):\n%s", when, diff)
	}
}
