package shopify

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (b *bench) names(query string) []string {
	b.t.Helper()
	got := b.ask(`query($q: String) { orders(first: 50, query: $q, sortKey: ORDER_NUMBER) { nodes { name } } }`, map[string]any{"q": query})
	list := []string{}
	for _, n := range get(got, "orders.nodes").([]any) {
		list = append(list, text(n, "name"))
	}
	return list
}

func TestOrderSearch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.order()
	b.clock.advance(time.Hour)
	cod := b.order(func(o *OrderSpec) { o.COD = true; o.Tags = []string{"fragile"} })
	b.clock.advance(time.Hour)
	b.order(func(o *OrderSpec) { o.Test = true; o.Buyer = &Person{Email: "bilal@example.com"} })
	b.must(nil, b.Ship(cod.ID, "TCS", "1")) // updated at nine
	b.must(nil, b.Cancel("#1003"))
	for query, want := range map[string][]string{
		"": {"#1001", "#1002", "#1003"}, "created_at:>='2026-11-22T08:00:00Z'": {"#1002", "#1003"}, "created_at:>2026-11-22T08:00:00Z": {"#1003"},
		"updated_at:>='2026-11-22T08:30:00Z' AND updated_at:<='2026-11-22T09:00:00Z'": {"#1002", "#1003"}, "created_at:2026-11-22": {"#1001", "#1002", "#1003"},
		"name:#1002": {"#1002"}, "name:1001": {"#1001"}, "id:" + cod.ID: {"#1002"}, "test:true": {"#1003"}, "-test:true": {"#1001", "#1002"}, "tag:fragile": {"#1002"},
		"tag_not:fragile": {"#1001", "#1003"}, "status:cancelled": {"#1003"}, "status:open": {"#1001", "#1002"}, "financial_status:pending": {"#1002"},
		"fulfillment_status:shipped OR name:#1001": {"#1001", "#1002"}, "NOT sku:TEE-RED": {}, "sku:TEE*": {"#1001", "#1002", "#1003"},
		`email:"bilal@example.com"`: {"#1003"}, "gateway:bogus": {"#1003"}, "no_such_filter:1": {"#1001", "#1002", "#1003"}, "source_name:pos": {},
	} {
		if diff := cmp.Diff(want, b.names(query)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func TestSearchLag(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.SearchLag = 5 * time.Second })
	p := b.order()
	if got := b.names(""); len(got) != 0 {
		t.Error("found at once", got)
	}
	if get(b.ask(`query($id: ID!) { order(id: $id) { id } }`, map[string]any{"id": p.GID}), "order") == nil {
		t.Error("not readable by id")
	}
	b.clock.advance(5 * time.Second)
	if got := b.names(""); len(got) != 1 {
		t.Error("still not found")
	}
}

// TestPollMissesNothing pages by cursor through what was updated while orders keep changing: what changes moves to the end of the order by
// update time, so one pass sees every order at or after its last change.
func TestPollMissesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.InventoryPolicy, c.BucketSize = "CONTINUE", 1e9 })
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		b.order()
		if rnd.IntN(3) > 0 {
			b.clock.advance(time.Second) // a third of them share their second with the next
		}
	}
	last := map[string]string{}
	seen := map[string]string{}
	var after any
	for range 100 {
		got := b.ask(`query($after: String) { orders(first: 7, after: $after, sortKey: UPDATED_AT, query: "updated_at:>='2026-11-22T00:00:00Z'") { nodes { name note } pageInfo { hasNextPage endCursor } } }`,
			map[string]any{"after": after})
		for _, n := range get(got, "orders.nodes").([]any) {
			seen[text(n, "name")] = text(n, "note")
		}
		if get(got, "orders.pageInfo.hasNextPage") != true {
			break
		}
		after = get(got, "orders.pageInfo.endCursor")
		if len(last) < 25 {
			b.clock.advance(time.Second)
			name := fmt.Sprintf("#%d", 1001+rnd.IntN(60))
			last[name] = fmt.Sprintf("change %d", len(last))
			o := b.lookup(name)
			b.ask(`mutation($id: ID!, $n: String) { orderUpdate(input: {id: $id, note: $n}) { userErrors { message } } }`, map[string]any{"id": gid("Order", o.id), "n": last[name]})
		}
	}
	if len(seen) != 60 {
		t.Errorf("%d of 60 orders seen", len(seen))
	}
	for name, note := range last {
		if seen[name] != note {
			t.Errorf("%s was last seen with %q, want %q", name, seen[name], note)
		}
	}
	if _, _, body := b.post("2026-07", `{ orders(first: 2, after: "nonsense") { nodes { id } } }`, nil); body["errors"] == nil {
		t.Error("a made-up cursor was accepted")
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if diff := cmp.Diff(b.Generate(5, 50), b.Generate(5, 50)); diff != "" {
		t.Error("one seed, two mixes", diff)
	}
	cod, urdu, lines := 0, 0, map[int]int{}
	for _, o := range b.Generate(9, 500) {
		if o.COD {
			cod++
		}
		if strings.ContainsFunc(o.Shipping.FirstName+o.Shipping.Address1, func(r rune) bool { return r >= 0x600 && r < 0x700 }) {
			urdu++
		}
		lines[min(5, len(o.Lines))]++
		if o.Shipping.Country != "PK" || !strings.HasPrefix(o.Buyer.Phone, "+923") {
			t.Errorf("%+v", o.Shipping)
		}
	}
	if cod < 250 || cod > 400 || urdu < 50 || len(lines) < 3 {
		t.Errorf("%d of 500 cash on delivery, %d in Urdu, lines %v", cod, urdu, lines)
	}
}

func TestControlPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	call := func(method, path, body string) (int, string) {
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/_sim/products", `{"sku":"CAP","price":"450.00","quantity":5}`, "gid://shopify/ProductVariant/"},
		{"POST", "/_sim/orders", `{"lines":[{"sku":"CAP","quantity":2}],"cod":true,"shipping":{"country":"PK","city":"Quetta"}}`, `"#1001"`},
		{"GET", "/_sim/stock?sku=CAP", "", `"available":3`},
		{"POST", "/_sim/ship", `{"order":"#1001","company":"TCS","number":"9"}`, `"FULFILLED"`},
		{"POST", "/_sim/deliver", `{"order":"#1001"}`, `"DELIVERED"`},
		{"POST", "/_sim/pay", `{"order":"#1001"}`, `"PAID"`},
		{"POST", "/_sim/return", `{"order":"#1001","sku":"CAP","quantity":1}`, `"REQUESTED"`},
		{"GET", "/_sim/orders/1001", "", `"RETURN_REQUESTED"`},
		{"POST", "/_sim/generate?seed=3&n=4", "", `"#1003"`},
		{"GET", "/_sim/pending", "", "0"},
		{"POST", "/_sim/faults", `{"kind":"throttle","count":2}`, `"throttle"`},
	} {
		if status, got := call(c.method, c.path, c.body); status != 200 || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, got)
		}
	}
	for _, c := range [][3]string{{"GET", "/_sim/orders/77", "404"}, {"POST", "/_sim/cancel", "400"}, {"GET", "/admin/api/2026-07/orders.json", "404"}} {
		if status, got := call(c[0], c[1], `{"order":"77"}`); fmt.Sprint(status) != c[2] {
			t.Errorf("%s: %d %s", c[1], status, got)
		}
	}
}
