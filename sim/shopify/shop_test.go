package shopify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
)

// clock is a clock that only moves when told to.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type bench struct {
	*Shop
	t     *testing.T
	clock *clock
	srv   *httptest.Server
	token string
}

// setup opens a shop with two locations and three products, and a client with a token that never expires.
func setup(t *testing.T, change ...func(*Config)) *bench {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)}
	cfg := Config{
		Domain: "karachi-kicks.myshopify.com", ClientID: "client", ClientSecret: "hush", Now: c.now, Seed: 7, ShippingTaxed: true,
		Rates: map[string]string{"AED": "0.0132", "JPY": "0.531", "OMR": "0.00138"}, PermanentTokens: []string{"permanent"}, WebhookScale: 1e-9,
		Locations: []LocationSpec{
			{Name: "Karachi", Address: Address{Address1: "Plot 12, SITE", City: "Karachi", Country: "PK", Zip: "75700"}},
			{Name: "Lahore", Address: Address{Address1: "5 Mall Road", City: "Lahore", Country: "PK", Zip: "54000"}},
		},
	}
	for _, ch := range change {
		ch(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Shop: s, t: t, clock: c, srv: httptest.NewServer(s.Handler()), token: "permanent"}
	t.Cleanup(func() { b.srv.Close(); s.Close() })
	for i, sku := range []string{"TEE-RED", "MUG-BLUE", "SCARF-GOLD"} {
		b.must(s.AddProduct(ProductSpec{SKU: sku, Title: "Product " + sku, Barcode: fmt.Sprint(4006381333930 + i), Price: []string{"1499.00", "799.50", "333.33"}[i], Stock: map[string]int{"Karachi": 40, "Lahore": 10}}))
	}
	return b
}

func (b *bench) must(v any, err error) any {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func (b *bench) order(change ...func(*OrderSpec)) Placed {
	b.t.Helper()
	spec := OrderSpec{
		Lines:    []LineSpec{{SKU: "TEE-RED", Quantity: 2}, {SKU: "MUG-BLUE", Quantity: 1}},
		Buyer:    &Person{FirstName: "Ayesha", LastName: "Khan", Email: "ayesha@example.com", Phone: "+923001234567"},
		Shipping: &Address{FirstName: "Ayesha", LastName: "Khan", Address1: "House 9", City: "Karachi", Province: "Sindh", ProvinceCode: "SD", Zip: "75500", Country: "PK", Phone: "+923001234567"},
		Discount: []DiscountSpec{{Code: "EID10", Percent: "0.1"}}, ShippingPrice: "250",
	}
	for _, ch := range change {
		ch(&spec)
	}
	return b.must(b.PlaceOrder(spec)).(Placed)
}

// post sends one GraphQL request and answers status, headers and the whole body.
func (b *bench) post(version, query string, vars map[string]any) (int, http.Header, map[string]any) {
	b.t.Helper()
	raw, _ := json.Marshal(map[string]any{"query": query, "variables": vars})
	req, _ := http.NewRequest(http.MethodPost, b.srv.URL+"/admin/api/"+version+"/graphql.json", bytes.NewReader(raw))
	req.Header.Set("X-Shopify-Access-Token", b.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.srv.Client().Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var body map[string]any
	if err := dec.Decode(&body); err != nil {
		b.t.Fatalf("%d %s", resp.StatusCode, text)
	}
	if data, ok := body["data"].(map[string]any); ok && body["errors"] == nil {
		b.conforms(resp.Header.Get("X-Shopify-API-Version"), query, data)
	}
	return resp.StatusCode, resp.Header, body
}

// conforms holds every answer any test gets against the schema of its version.
func (b *bench) conforms(version, query string, data map[string]any) {
	b.t.Helper()
	schema, err := Schema(version)
	if err != nil {
		b.t.Fatal(err)
	}
	doc, errs := gqlparser.LoadQueryWithRules(schema, query, nil)
	if errs != nil {
		b.t.Fatal(errs)
	}
	c := &checker{t: b.t, schema: schema, seen: map[string]int{}}
	c.selection(doc.Operations[0].SelectionSet, data, "data")
}

// ask runs a query or mutation that must not fail at the top level, and answers its data.
func (b *bench) ask(query string, vars map[string]any) map[string]any {
	b.t.Helper()
	_, _, body := b.post("2026-07", query, vars)
	if body["errors"] != nil {
		text, _ := json.Marshal(body["errors"])
		b.t.Fatalf("errors: %s", text)
	}
	return body["data"].(map[string]any)
}

// get follows a dotted path through objects and lists.
func get(v any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i := 0
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func text(v any, path string) string { return fmt.Sprint(get(v, path)) }

// code is the first user error's code, or its message when it has none; "" when there is none.
func code(data map[string]any, mutation string) string {
	for _, field := range []string{"userErrors", "orderCancelUserErrors"} {
		if e, ok := get(data, mutation+"."+field+".0").(map[string]any); ok {
			if c, ok := e["code"].(string); ok {
				return c
			}
			return e["message"].(string)
		}
	}
	return ""
}
