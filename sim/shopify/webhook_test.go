package shopify

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/sim"
)

// hook is a subscriber: it remembers what came and answers as told.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	got    []delivered
	status func(n int) int
}

type delivered struct {
	topic, id, event, signature, version string
	raw                                  []byte
	body                                 map[string]any
}

func (b *bench) hook(status func(n int) int, topics ...string) *hook {
	b.t.Helper()
	h := &hook{status: status}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		d := delivered{
			topic: r.Header.Get("X-Shopify-Topic"), id: r.Header.Get("X-Shopify-Webhook-Id"), event: r.Header.Get("X-Shopify-Event-Id"),
			signature: r.Header.Get("X-Shopify-Hmac-Sha256"), version: r.Header.Get("X-Shopify-API-Version"), raw: raw,
		}
		_ = json.Unmarshal(raw, &d.body)
		h.mu.Lock()
		h.got = append(h.got, d)
		n := len(h.got)
		h.mu.Unlock()
		if r.Header.Get("X-Shopify-Shop-Domain") != b.Domain() || r.Header.Get("X-Shopify-Triggered-At") == "" {
			b.t.Errorf("headers %v", r.Header)
		}
		if h.status != nil {
			w.WriteHeader(h.status(n))
		}
	}))
	b.t.Cleanup(h.Close)
	for _, topic := range topics {
		b.subscribe(topic, map[string]any{"uri": h.URL})
	}
	return h
}

func (b *bench) subscribe(topic string, in map[string]any) string {
	b.t.Helper()
	got := b.ask(`mutation($t: WebhookSubscriptionTopic!, $w: WebhookSubscriptionInput!) { webhookSubscriptionCreate(topic: $t, webhookSubscription: $w) {
		webhookSubscription { id uri } userErrors { field message } } }`, map[string]any{"t": topic, "w": in})
	if c := code(got, "webhookSubscriptionCreate"); c != "" {
		return "refused: " + c
	}
	return text(got, "webhookSubscriptionCreate.webhookSubscription.id")
}

func (b *bench) wait() {
	b.t.Helper()
	if err := b.Idle(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func (h *hook) topics() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	counts := map[string]int{}
	for _, d := range h.got {
		counts[d.topic]++
	}
	return counts
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	t.Run("one purchase is told under one event id, each delivery signed over its raw body", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		h := b.hook(nil, "ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_PAID", "INVENTORY_LEVELS_UPDATE", "ORDER_TRANSACTIONS_CREATE")
		p := b.order()
		b.wait()
		want := map[string]int{"orders/create": 1, "orders/updated": 1, "orders/paid": 1, "inventory_levels/update": 2, "order_transactions/create": 1}
		if diff := cmp.Diff(want, h.topics()); diff != "" {
			t.Error(diff)
		}
		ids := map[string]bool{}
		for _, d := range h.got {
			if d.event != h.got[0].event || ids[d.id] || d.signature != Sign("hush", d.raw) || d.version != "2026-10" {
				t.Errorf("%+v", d)
			}
			ids[d.id] = true
			if d.topic == "orders/create" {
				if text(d.body, "name") != p.Name || text(d.body, "email") != "ayesha@example.com" || text(d.body, "created_at") != "2026-11-22T12:00:00+05:00" {
					t.Error(string(d.raw))
				}
			}
		}
	})
	t.Run("a subscriber that fails is retried eight times under the same id and then loses the subscription", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		h := b.hook(func(int) int { return 503 }, "ORDERS_CREATE")
		keep := b.hook(nil, "ORDERS_PAID")
		b.order()
		b.wait()
		if len(h.got) != 9 || len(keep.got) != 1 {
			t.Fatalf("%d attempts, want 1 and 8 retries", len(h.got))
		}
		for _, d := range h.got {
			if d.id != h.got[0].id || d.signature != h.got[0].signature {
				t.Error("a retry came under another id")
			}
		}
		got := b.ask(`{ webhookSubscriptions(first: 10) { nodes { topic } } webhookSubscriptionsCount { count } }`, nil)
		if text(got, "webhookSubscriptionsCount.count") != "1" || text(got, "webhookSubscriptions.nodes.0.topic") != "ORDERS_PAID" {
			t.Error(got)
		}
	})
	t.Run("one failure is forgiven", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		h := b.hook(func(n int) int { return map[bool]int{true: 500, false: 204}[n == 1] }, "ORDERS_CREATE")
		b.order()
		b.wait()
		if len(h.got) != 2 || len(b.subs) != 1 {
			t.Errorf("%d attempts, %d subscriptions", len(h.got), len(b.subs))
		}
	})
	t.Run("a duplicate on command comes under the same id", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		h := b.hook(nil, "ORDERS_CREATE")
		_ = b.Faults.Set(sim.Fault{Kind: sim.Duplicate, Match: "orders/create", Code: 4})
		b.order()
		b.wait()
		if len(h.got) != 5 || h.got[0].id != h.got[4].id {
			t.Errorf("%d deliveries", len(h.got))
		}
	})
	t.Run("what was sent last is what the shop shows", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		h := b.hook(nil, "ORDERS_UPDATED", "ORDERS_CANCELLED", "ORDERS_EDITED", "REFUNDS_CREATE", "FULFILLMENTS_CREATE", "FULFILLMENTS_UPDATE", "RETURNS_REQUEST", "RETURNS_APPROVE", "PRODUCTS_UPDATE")
		p := b.order()
		b.must(nil, b.EditQuantity(p.ID, "TEE-RED", 1))
		b.must(nil, b.Ship(p.ID, "TCS", "T1"))
		b.must(nil, b.Deliver(p.ID))
		b.must(b.RequestReturn(p.ID, "MUG-BLUE", 1, "DEFECTIVE"))
		b.must(nil, b.RefundLine(p.ID, "MUG-BLUE", 1, "RETURN"))
		b.must(nil, b.Cancel(b.order().ID))
		b.wait()
		want := map[string]int{
			"orders/updated": 8, "orders/edited": 1, "fulfillments/create": 1, "fulfillments/update": 1, "returns/request": 1, "refunds/create": 2, "orders/cancelled": 1,
		}
		if diff := cmp.Diff(want, h.topics()); diff != "" {
			t.Error(diff)
		}
		for _, d := range h.got {
			switch d.topic {
			case "refunds/create", "fulfillments/create":
				if get(d.body, "order_id") == nil || !strings.HasPrefix(text(d.body, "admin_graphql_api_id"), "gid://shopify/") {
					t.Error(string(d.raw))
				}
			case "orders/cancelled":
				if text(d.body, "cancel_reason") != "customer" || get(d.body, "cancelled_at") == nil || text(d.body, "financial_status") != "refunded" || text(d.body, "current_total_price") != "0.00" {
					t.Error(string(d.raw))
				}
			}
		}
	})
	t.Run("named fields and filters are honoured", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		h := b.hook(nil)
		b.subscribe("ORDERS_CREATE", map[string]any{"uri": h.URL, "includeFields": []any{"id", "name"}, "filter": "test:false"})
		b.order(func(o *OrderSpec) { o.Test = true })
		b.order()
		b.wait()
		if len(h.got) != 1 || len(h.got[0].body) != 3 || text(h.got[0].body, "name") != "#1002" {
			t.Errorf("%d deliveries, %v", len(h.got), h.got)
		}
	})
	t.Run("during a rotation some deliveries carry the old secret, afterwards none", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		h := b.hook(nil, "ORDERS_CREATE")
		b.RotateSecret("hush-2")
		for range 20 {
			b.order(func(o *OrderSpec) { o.Lines = []LineSpec{{SKU: "TEE-RED", Quantity: 1}} })
		}
		b.wait()
		old := 0
		for _, d := range h.got {
			if d.signature == Sign("hush", d.raw) {
				old++
			} else if d.signature != Sign("hush-2", d.raw) {
				t.Error("signed by neither secret")
			}
		}
		if old == 0 || old == 20 {
			t.Errorf("%d of 20 signed by the old secret", old)
		}
		b.clock.advance(2 * 3600e9)
		b.order()
		b.wait()
		if last := h.got[len(h.got)-1]; last.signature != Sign("hush-2", last.raw) {
			t.Error("the old secret signs after its hour")
		}
	})
	t.Run("addresses are checked and the same one is not taken twice", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for uri, want := range map[string]string{
			"": "blank", "ftp://x.example.com": "protocol", "http://shop.example.com/hook": "protocol", "pubsub://project:topic": "HTTP address", "https://a.example.com/h": "",
		} {
			if got := b.subscribe("ORDERS_CREATE", map[string]any{"uri": uri}); strings.HasPrefix(got, "refused") != (want != "") || !strings.Contains(got, want) {
				t.Errorf("%q: %s", uri, got)
			}
		}
		if got := b.subscribe("ORDERS_CREATE", map[string]any{"uri": "https://a.example.com/h"}); !strings.Contains(got, "already been taken") {
			t.Error(got)
		}
		id := b.subscribe("ORDERS_PAID", map[string]any{"callbackUrl": "https://a.example.com/h"})
		b.ask(`mutation($id: ID!) { webhookSubscriptionUpdate(id: $id, webhookSubscription: {uri: "https://b.example.com/h"}) { userErrors { message } } }`, map[string]any{"id": id})
		got := b.ask(`mutation($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { message } } }`, map[string]any{"id": id})
		if text(got, "webhookSubscriptionDelete.deletedWebhookSubscriptionId") != id || len(b.subs) != 1 {
			t.Error(got)
		}
	})
	t.Run("removal of the app and the privacy webhooks", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		h := b.hook(nil, "APP_UNINSTALLED")
		p := b.order()
		b.must(nil, b.Compliance("customers/data_request", p.ID))
		b.must(nil, b.Compliance("customers/redact", p.ID))
		b.must(nil, b.Compliance("shop/redact", ""))
		b.Uninstall()
		b.wait()
		want := map[string]int{"app/uninstalled": 1, "customers/data_request": 1, "customers/redact": 1, "shop/redact": 1}
		if diff := cmp.Diff(want, h.topics()); diff != "" || len(b.subs) != 0 {
			t.Error(diff)
		}
		for _, d := range h.got {
			if d.topic == "customers/redact" && (text(d.body, "shop_domain") != b.Domain() || get(d.body, "orders_to_redact.0") == nil) {
				t.Error(string(d.raw))
			}
		}
	})
}

func TestSubscriptionsCanBeLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := b.hook(nil, "ORDERS_CREATE", "ORDERS_PAID")
	if diff := cmp.Diff(map[string][]string{"orders/create": {h.URL}, "orders/paid": {h.URL}}, b.Subscriptions()); diff != "" {
		t.Error(diff)
	}
	b.DropSubscriptions("orders/create")
	b.order()
	b.wait()
	if diff := cmp.Diff(map[string]int{"orders/paid": 1}, h.topics()); diff != "" {
		t.Error(diff)
	}
}

func TestTopicsAreSpelledAsOnTheWire(t *testing.T) {
	t.Parallel()
	for topic, want := range map[string]string{
		"ORDERS_CREATE": "orders/create", "ORDERS_PARTIALLY_FULFILLED": "orders/partially_fulfilled", "INVENTORY_LEVELS_UPDATE": "inventory_levels/update",
		"ORDER_TRANSACTIONS_CREATE": "order_transactions/create", "FULFILLMENT_ORDERS_PLACED_ON_HOLD": "fulfillment_orders/placed_on_hold",
		"FULFILLMENT_EVENTS_CREATE": "fulfillment_events/create", "FULFILLMENTS_CREATE": "fulfillments/create", "APP_UNINSTALLED": "app/uninstalled",
		"RETURNS_REQUEST": "returns/request", "SHOP_UPDATE": "shop/update",
	} {
		if got := wireTopic(topic); got != want {
			t.Errorf("%s: %s, want %s", topic, got, want)
		}
	}
}
