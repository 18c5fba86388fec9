package app_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/sim/daraz"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// move switches the account's mode.
func (h *town) move(in connect.Switching) connect.Diff {
	h.t.Helper()
	in.Account, in.Actor, in.Accept = h.account, "clerk", true // the stock that is shown differs until it is live
	d, err := h.a.Connect.SetMode(context.Background(), in)
	ok(h.t, err)
	h.work()
	return d
}

// standing is what must not happen twice: units reserved, work to do, parcels handed over, and what was told or would have been.
func (h *town) standing() map[string]int64 {
	h.t.Helper()
	return map[string]int64{
		"reserved": ask[int64](h, `select cast(coalesce(sum(reserved), 0) as bigint) from stock_levels`),
		"work":     ask[int64](h, `select count(*) from fulfillment_orders where state <> 'cancelled'`),
		"ours":     ask[int64](h, `select count(*) from orders where ours and mode <> 'shadow'`),
		"created":  ask[int64](h, `select count(*) from events where type = 'OrderCreated'`),
		"told":     ask[int64](h, `select count(*) from tells where state = 'told' and act <> 'acknowledge'`),
	}
}

func (h *town) stands(when string, want map[string]int64) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.standing()); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

// ships packs and hands over everything there is to do.
func (h *town) ships() {
	h.t.Helper()
	h.pack()
	h.work() // the intents to tell
	h.work() // what the channel answers
	for i, id := range h.all(`select id from dispatch_shipments where state not in ('cancelled', 'handed_over') order by id`) {
		if ask[string](h, `select coalesce(tracking, '') from dispatch_shipments where id = $1`, id) == "" {
			_, err := h.a.Dispatch.Waybill(context.Background(), id, 0, "clerk", courier.Waybill{Carrier: "TCS", Tracking: fmt.Sprint("TCS-", i)})
			ok(h.t, err)
		}
		_, err := h.a.Dispatch.HandOver(context.Background(), id, "clerk", time.Time{})
		ok(h.t, err)
	}
	h.work()
}

// agrees fails unless channel diff is clean.
func (h *town) agrees(when string) {
	h.t.Helper()
	d, err := h.a.Connect.Diff(context.Background(), h.account)
	ok(h.t, err)
	if !d.Clean() {
		h.t.Errorf("%s the diff shows %+v", when, d)
	}
}

// TestCutOver moves a shop with open orders on both sides from another system to this one: shadow, intake, live. Nothing is reserved, shipped or told twice.
func TestCutOver(t *testing.T) {
	t.Parallel()
	for _, rule := range []channel.OpenOrders{channel.OpenUnshipped, channel.OpenTheirs} {
		taken := int64(0) // orders of before the cut-over that become ours
		if rule == channel.OpenUnshipped {
			taken = 2
		}
		t.Run("shopify/"+string(rule), func(t *testing.T) {
			t.Parallel()
			engines(t, func(t *testing.T, h *town) { h.cutOverShopify(rule, taken) })
		})
		t.Run("daraz/"+string(rule), func(t *testing.T) {
			t.Parallel()
			engines(t, func(t *testing.T, h *town) { h.cutOverDaraz(rule, taken) })
		})
	}
}

func (h *town) cutOverShopify(rule channel.OpenOrders, taken int64) {
	t := h.t
	h.openShopify()
	h.move(connect.Switching{Mode: channel.Shadow})
	place := func(age time.Duration) string {
		spec := h.shop.Generate(5, 1)[0]
		spec.Lines = []shopify.LineSpec{{SKU: "TEA-1", Quantity: 1}}
		spec.COD, spec.Test, spec.POS, spec.Payments, spec.Discount, spec.Tip, spec.Currency, spec.At = false, false, false, nil, nil, "", "", time.Now().Add(-age)
		p, err := h.shop.PlaceOrder(spec)
		ok(t, err)
		return p.ID
	}
	sent, cancelled := place(2*time.Hour), place(2*time.Hour)
	open := []string{place(2 * time.Hour), place(2 * time.Hour)}
	ok(t, h.shop.Ship(sent, "TCS", "OLD-1"))
	ok(t, h.shop.Cancel(cancelled))
	writes := func() int {
		n := 0
		for _, kind := range []string{"fulfillmentCreate", "inventorySetQuantities", "orderCancel", "tagsAdd"} {
			n += h.shop.Record.Count(kind)
		}
		return n
	}
	before := writes()
	h.read()
	h.stands("in shadow", map[string]int64{"reserved": 0, "work": 0, "ours": 0, "created": 0, "told": 0})

	h.move(connect.Switching{Mode: channel.Intake, OpenOrders: rule, CutOver: time.Now().Add(-time.Hour)})
	h.read()
	h.stands("in intake", map[string]int64{"reserved": taken, "work": taken, "ours": taken, "created": taken, "told": 0})
	late := place(0) // bought after the cut-over: ours whatever the rule says
	h.read()
	h.stands("in intake, one more", map[string]int64{"reserved": taken + 1, "work": taken + 1, "ours": taken + 1, "created": taken + 1, "told": 0})
	if n := writes(); n != before {
		t.Errorf("the shop was told %d things before it was live", n-before)
	}

	if d := h.move(connect.Switching{Mode: channel.Live}); d.Orders() != 0 {
		t.Errorf("going live the diff shows %+v", d)
	}
	h.read()
	h.stands("live", map[string]int64{"reserved": taken + 1, "work": taken + 1, "ours": taken + 1, "created": taken + 1, "told": 0})
	h.ships()
	h.read()
	h.stands("shipped", map[string]int64{"reserved": 0, "work": taken + 1, "ours": taken + 1, "created": taken + 1, "told": taken + 1})
	if n := h.shop.Record.Count("fulfillmentCreate"); int64(n) != taken+1 {
		t.Errorf("the shop was told of %d parcels, not %d", n, taken+1)
	}
	want := map[string]int{sent: 1, cancelled: 0, late: 1}
	for _, id := range open {
		want[id] = int(taken / 2)
	}
	for id, n := range want {
		if v, _ := h.shop.OrderView(id); len(v.Parcels) != n || id == sent && !slices.Equal(v.Parcels[0].Numbers, []string{"OLD-1"}) {
			t.Errorf("order %s has %d parcels there, not %d", id, len(v.Parcels), n)
		}
	}
	h.agrees("at the end")
}

// oldSystem is the software that the shop ran before: it speaks to Daraz with a token of its own.
func (h *town) oldSystem(path string, params map[string]string) {
	h.t.Helper()
	q := url.Values{"app_key": {"app"}, "sign_method": {"sha256"}, "timestamp": {fmt.Sprint(time.Now().UnixMilli())}, "access_token": {h.market.Shop("").Grant().Access}}
	for k, v := range params {
		q.Set(k, v)
	}
	q.Set("sign", daraz.Sign("app-secret", path, q))
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/rest"+path, strings.NewReader(q.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	h.market.Handler().ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	ok(h.t, err)
	if !strings.Contains(string(text), `"code":"0"`) {
		h.t.Fatalf("%s answers %s", path, text)
	}
}

func (h *town) cutOverDaraz(rule channel.OpenOrders, taken int64) {
	t := h.t
	h.openDaraz()
	h.move(connect.Switching{Mode: channel.Shadow})
	shop := h.market.Shop("")
	place := func(age time.Duration) daraz.OrderView {
		spec := shop.Generate(3, 1)[0]
		spec.Items = []daraz.ItemSpec{{SKU: "TEA-1", Quantity: 1}}
		spec.Payment, spec.Paid, spec.Placed = "", false, time.Now().Add(-age)
		id, err := shop.PlaceOrder(spec)
		ok(t, err)
		v, _ := shop.OrderView(id)
		return v
	}
	sent, cancelled := place(2*time.Hour), place(2*time.Hour)
	open := []daraz.OrderView{place(2 * time.Hour), place(2 * time.Hour)}
	h.oldSystem("/order/fulfill/pack", map[string]string{"packReq": fmt.Sprintf(
		`{"pack_order_list":[{"order_id":%s,"order_item_list":[%s]}],"delivery_type":"dropship","shipping_allocate_type":"TFS"}`, sent.ID, sent.Units[0].ID)})
	packed, _ := shop.OrderView(sent.ID)
	h.oldSystem("/order/package/rts", map[string]string{"readyToShipReq": fmt.Sprintf(`{"packages":[{"package_id":%q}]}`, packed.Units[0].Package)})
	ok(t, shop.Ship(sent.Units[0].ID))
	ok(t, shop.BuyerCancel("", cancelled.Units[0].ID))
	h.read()
	h.stands("in shadow", map[string]int64{"reserved": 0, "work": 0, "ours": 0, "created": 0, "told": 0})

	h.move(connect.Switching{Mode: channel.Intake, OpenOrders: rule, CutOver: time.Now().Add(-time.Hour)})
	h.read()
	late := place(0)
	h.read()
	h.stands("in intake", map[string]int64{"reserved": taken + 1, "work": taken + 1, "ours": taken + 1, "created": taken + 1, "told": 0})
	for _, o := range append(slices.Clone(open), cancelled, late) {
		if e := shop.Effects(o.ID); e != (daraz.Effects{}) {
			t.Errorf("before it was live the shop was told %+v", e)
		}
	}

	if d := h.move(connect.Switching{Mode: channel.Live}); d.Orders() != 0 {
		t.Errorf("going live the diff shows %+v", d)
	}
	h.read()
	h.ships()
	h.read()
	h.stands("shipped", map[string]int64{"reserved": 0, "work": taken + 1, "ours": taken + 1, "created": taken + 1, "told": 2 * (taken + 1)}) // packed, and ready to ship
	want := map[string]daraz.Effects{sent.ID: {Packed: 1, Ready: 1}, cancelled.ID: {}, late.ID: {Packed: 1, Ready: 1}}
	for _, o := range open {
		want[o.ID] = daraz.Effects{Packed: int(taken / 2), Ready: int(taken / 2)}
	}
	got := map[string]daraz.Effects{}
	for id := range want {
		got[id] = shop.Effects(id)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the shop was told (-want +got):\n%s", diff)
	}
	h.agrees("at the end")
}
