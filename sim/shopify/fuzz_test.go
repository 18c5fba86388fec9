package shopify

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

func FuzzSearch(f *testing.F) {
	for _, seed := range []string{
		"", "updated_at:>='2026-11-22T07:00:00Z' AND updated_at:<='2026-11-23'", `(status:open OR -tag:"two words") NOT sku:A*`, "name:'#1001", "a:b:c", "OR OR", "id:>=99999999999999999999",
	} {
		f.Add(seed)
	}
	o := &order{s: &Shop{}, name: "#1001", cur: currencies{"PKR", "PKR"}}
	f.Fuzz(func(t *testing.T, query string) {
		all := parseSearch(query)
		for _, terms := range all {
			if len(terms) == 0 {
				t.Errorf("%q holds an empty alternative", query)
			}
		}
		matches(all, func(t term) (bool, bool) { return o.holds(t, "2026-07") })
	})
}

func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"query":"{ shop { name } }"}`, `{"query":"{ orders(first: 3, after: \"e30=\") { nodes { ...F } } } fragment F on Order { id ...F }"}`,
		`{"query":"query($n:Int){ orders(first:$n, query:\"id:1\") { nodes { lineItems(last:2) { edges { node { taxLines(first:-1) { rate } } } } } } }","variables":{"n":1e99}}`,
		`{"query":"mutation { refundCreate(input:{orderId:\"gid://shopify/Order/x\",transactions:[{orderId:\"a\",kind:REFUND,gateway:\"g\",amount:\"-1e9\"}]}) @idempotent(key:\"k\") { userErrors { message } } }"}`,
		`{"query":"mutation($i:InventorySetQuantitiesInput!){inventorySetQuantities(input:$i)@idempotent(key:\"a\"){userErrors{code}}}","variables":{"i":{"name":"available","reason":"other","quantities":[{"inventoryItemId":1,"locationId":2,"quantity":3}]}}}`,
		`{"query":"mutation { fulfillmentCreate(fulfillment:{lineItemsByFulfillmentOrder:[]}) { fulfillment { id } userErrors { field } } }"}`,
	} {
		f.Add([]byte(seed))
	}
	s, err := New(Config{Domain: "d", ClientID: "c", ClientSecret: "s", PermanentTokens: []string{"t"}, BucketSize: 1e12, RecordBytes: 1 << 16})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := s.AddProduct(ProductSpec{SKU: "A", Price: "10", Quantity: 100}); err != nil {
		f.Fatal(err)
	}
	if _, err := s.PlaceOrder(OrderSpec{Lines: []LineSpec{{SKU: "A", Quantity: 3}}, Shipping: &Address{Country: "PK"}}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range []string{"/admin/api/2026-07/graphql.json", "/admin/oauth/access_token", "/_sim/orders"} {
			r := httptest.NewRequest("POST", path, strings.NewReader(string(body)))
			r.Header.Set("X-Shopify-Access-Token", "t")
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	})
}
