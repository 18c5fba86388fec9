package shopify

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/sim"
)

func TestEndpoint(t *testing.T) {
	t.Parallel()
	t.Run("aliases, fragments, variables and skipped fields are resolved as asked", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		got := b.ask(`query Q($id: ID!, $no: Boolean!, $n: Int = 1) {
			a: order(id: $id) { ...F name @skip(if: $no) lines: lineItems(first: $n) { edges { cursor node { sku } } pageInfo { hasNextPage } } }
			node(id: $id) { __typename ... on Order { ...F displayFinancialStatus } ... on Product { title } }
			nobody: order(id: "gid://shopify/Order/1") { id }
		} fragment F on Order { number totalPriceSet { presentmentMoney { amount currencyCode } } ...G } fragment G on Order { id legacyResourceId }`,
			map[string]any{"id": p.GID, "no": true})
		if text(got, "a.legacyResourceId") != p.ID || get(got, "a.name") != nil || text(got, "a.lines.edges.0.node.sku") != "TEE-RED" {
			t.Error(got)
		}
		if text(got, "node.__typename") != "Order" || text(got, "node.displayFinancialStatus") != "PAID" || got["nobody"] != nil || get(got, "a.lines.pageInfo.hasNextPage") != true {
			t.Error(got)
		}
	})
	t.Run("a field that is not in the schema of the version is refused before anything runs", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		status, _, body := b.post("2026-07", `{ orders(first: 1) { nodes { id trackingNumberz } } }`, nil)
		if status != 200 || body["data"] != nil || text(body, "errors.0.message") != "Field 'trackingNumberz' doesn't exist on type 'Order'" ||
			text(body, "errors.0.extensions.code") != "undefinedField" {
			t.Error(status, body)
		}
		// attribution came with 2026-07
		if _, _, body := b.post("2026-04", `{ orders(first: 1) { nodes { attribution { __typename } } } }`, nil); body["errors"] == nil {
			t.Error("2026-04 knows a field of 2026-07")
		}
		if _, _, body := b.post("2026-07", `{ orders(first: 1) { nodes { attribution { __typename } } } }`, nil); body["errors"] != nil {
			t.Error(body)
		}
	})
	t.Run("a malformed request is told apart from a malformed query", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		req, _ := http.NewRequest(http.MethodPost, b.srv.URL+"/admin/api/2026-07/graphql.json", strings.NewReader("{nonsense"))
		req.Header.Set("X-Shopify-Access-Token", "permanent")
		resp, err := b.srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 400 {
			t.Error(resp.StatusCode)
		}
		if status, _, body := b.post("2026-07", "{ shop { name", nil); status != 200 || body["errors"] == nil {
			t.Error(status, body)
		}
		if _, _, body := b.post("2026-07", `query($id: ID!) { order(id: $id) { id } }`, nil); text(body, "errors.0.extensions.code") != "INVALID_VARIABLE" {
			t.Error(body)
		}
	})
	t.Run("an expired version falls forward and says so, an unknown one is not found", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for asked, want := range map[string]string{"2026-07": "2026-07", "2024-01": "2026-04", "unstable": "2026-10"} {
			status, h, _ := b.post(asked, shopName, nil)
			if status != 200 || h.Get("X-Shopify-API-Version") != want {
				t.Errorf("%s: %d answered by %s", asked, status, h.Get("X-Shopify-API-Version"))
			}
		}
		for _, asked := range []string{"2031-01", "banana"} {
			if status, _, _ := b.post(asked, shopName, nil); status != 404 {
				t.Errorf("%s: %d", asked, status)
			}
		}
	})
	t.Run("a missing scope denies the field and names what it needs", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *Config) { c.Scopes = []string{"read_products"} })
		_, _, body := b.post("2026-07", `{ shop { name } order(id: "gid://shopify/Order/1") { id } }`, nil)
		if text(body, "errors.0.extensions.code") != "ACCESS_DENIED" || !strings.Contains(text(body, "errors.0.message"), "`read_orders`") || get(body, "data.shop") == nil {
			t.Error(body)
		}
	})
	t.Run("orders older than sixty days take read_all_orders", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *Config) { c.Scopes = []string{"read_orders"} })
		p := b.order()
		b.clock.advance(61 * 24 * time.Hour)
		got := b.ask(`query($id: ID!) { order(id: $id) { id } orders(first: 5) { nodes { id } } }`, map[string]any{"id": p.GID})
		if got["order"] != nil || len(get(got, "orders.nodes").([]any)) != 0 {
			t.Error(got)
		}
	})
	t.Run("without approval for protected data the buyer is missing and the order is not", func(t *testing.T) {
		t.Parallel()
		query := `query($id: ID!) { order(id: $id) { id email phone customer { id firstName } shippingAddress { name address1 city countryCodeV2 } } }`
		for level, want := range map[int]map[string]any{
			-1: {"email": nil, "phone": nil, "customer": nil, "shippingAddress": nil},
			1: {
				"email": nil, "phone": nil, "customer": map[string]any{"firstName": nil},
				"shippingAddress": map[string]any{"name": nil, "address1": nil, "city": "Karachi", "countryCodeV2": "PK"},
			},
		} {
			b := setup(t, func(c *Config) { c.ProtectedPII = level })
			p := b.order()
			o := get(b.ask(query, map[string]any{"id": p.GID}), "order").(map[string]any)
			delete(o, "id")
			if c, ok := o["customer"].(map[string]any); ok {
				delete(c, "id")
			}
			if diff := cmp.Diff(want, o); diff != "" {
				t.Errorf("level %d: %s", level, diff)
			}
			if _, body, _ := b.Webhook("orders/create", p.ID); strings.Contains(string(body), "Ayesha") || strings.Contains(string(body), "@example.com") {
				t.Errorf("level %d: the webhook names the buyer", level)
			}
		}
	})
}

func TestCost(t *testing.T) {
	t.Parallel()
	const page = `{ orders(first: 50) { nodes { id lineItems(first: 5) { nodes { id } } } } }`
	t.Run("every answer carries requested and actual cost and the bucket", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, _, body := b.post("2026-07", page, nil)
		asked, _ := get(body, "extensions.cost.requestedQueryCost").(interface{ Float64() (float64, error) }).Float64()
		spent, _ := get(body, "extensions.cost.actualQueryCost").(interface{ Float64() (float64, error) }).Float64()
		if asked <= spent || spent < 0 || text(body, "extensions.cost.throttleStatus.maximumAvailable") != "2000" || text(body, "extensions.cost.throttleStatus.restoreRate") != "100" {
			t.Error(body)
		}
	})
	t.Run("a page of 250 of cost 2 costs 24, as observed", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, _, body := b.post("2026-07", `{ product(id: "gid://shopify/Product/1") { variants(first: 250) { nodes { inventoryItem { id tracked } } } } }`, nil)
		if text(body, "extensions.cost.requestedQueryCost") != "25" {
			t.Error(body)
		}
	})
	t.Run("an empty bucket throttles until it has filled far enough", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *Config) { c.BucketSize, c.RestoreRate = 60, 10 })
		for range 5 {
			b.order()
		}
		throttled := false
		for range 40 {
			_, _, body := b.post("2026-07", page, nil)
			if text(body, "errors.0.extensions.code") != "THROTTLED" {
				continue
			}
			throttled = true
			if body["data"] != nil || text(body, "errors.0.message") != "Throttled" || get(body, "extensions.cost.actualQueryCost") != nil {
				t.Fatal(body)
			}
			break
		}
		if !throttled {
			t.Fatal("never throttled")
		}
		b.clock.advance(6 * time.Second)
		if _, _, body := b.post("2026-07", page, nil); body["errors"] != nil {
			t.Error("still throttled after the bucket has filled", body)
		}
	})
	t.Run("a query beyond the limit of one query is refused", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, _, body := b.post("2026-07", `{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { variant { product { variants(first: 50) { nodes { inventoryItem { id } } } } } } } } } }`, nil)
		if text(body, "errors.0.extensions.code") != "MAX_COST_EXCEEDED" {
			t.Error(body)
		}
	})
	t.Run("a throttle on command comes in Shopify's shape, by operation, and with 429 if wanted", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_ = b.Faults.Set(sim.Fault{Kind: sim.Throttle, Match: "orders", Count: 2, Code: 429})
		if status, _, _ := b.post("2026-07", shopName, nil); status != 200 {
			t.Error("another operation was throttled")
		}
		for _, want := range []int{429, 429, 200} {
			if status, _, _ := b.post("2026-07", page, nil); status != want {
				t.Errorf("status %d, want %d", status, want)
			}
		}
	})
	t.Run("more than 250 in a page is refused", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		if _, _, body := b.post("2026-07", `{ orders(first: 251) { nodes { id } } }`, nil); body["errors"] == nil {
			t.Error(body)
		}
	})
}

func TestFaultsOfTheEndpoint(t *testing.T) {
	t.Parallel()
	t.Run("an answer lost after the work has done the work once, and the record shows it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.order()
		_ = b.Faults.Set(sim.Fault{Kind: sim.LostAnswer, Match: "tagsAdd"})
		req, _ := http.NewRequest(http.MethodPost, b.srv.URL+"/admin/api/2026-07/graphql.json",
			strings.NewReader(`{"query":"mutation { tagsAdd(id: \"`+p.GID+`\", tags: [\"packed\"]) { userErrors { message } } }"}`))
		req.Header.Set("X-Shopify-Access-Token", "permanent")
		if resp, err := b.srv.Client().Do(req); err == nil {
			resp.Body.Close()
			t.Fatal("an answer arrived")
		}
		v, _ := b.OrderView(p.ID)
		if diff := cmp.Diff([]string{"packed"}, v.Tags); diff != "" {
			t.Error(diff)
		}
		if told := b.Told("tagsAdd"); len(told) != 1 || told[0].Note != "ok" {
			t.Error(told)
		}
	})
	t.Run("a skewed clock shows in the times of what happens meanwhile", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_ = b.Faults.Set(sim.Fault{Kind: sim.ClockSkew, Delay: time.Hour, Count: -1})
		v, _ := b.OrderView(b.order().ID)
		if want := b.clock.now().Add(time.Hour); !v.Created.Equal(want) {
			t.Errorf("created %v, want %v", v.Created, want)
		}
	})
}
