package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// wild is an operation with a body, of which every field is known.
type wild struct {
	name, method, path string
	headers            []string
	full               map[string]any // every field as it should be
	fields             []field
	lenient            map[string]bool // fields that may be below zero
	bodiless           bool            // it may come without a body
}

// field is a place in a body.
type field struct {
	path []string // names; "0" is the first of a list
	typ  string
}

// TestWildInput sends to everything that takes a body what nobody should, about things that are there: each is refused with a reason, and nothing is half-done.
func TestWildInput(t *testing.T) {
	t.Parallel()
	for engine, url := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return dbtest.SQLiteURL(tb, false) },
		"postgres": func(tb testing.TB) string { return dbtest.PostgresURL(tb) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := openWhole(t, url(t))
			w.furnish(t)
			all := append(w.wildOperations(t), w.wildShop(t)...)
			if len(all) < 70 {
				t.Errorf("only %d operations with a body", len(all))
			}
			w.settle(t)
			before := w.rows(t)
			for _, o := range all {
				t.Run(o.name, func(t *testing.T) { w.wild(t, o) })
			}
			w.hooks(t)
			w.settle(t)
			after := w.rows(t)
			for table, n := range after {
				if n != before[table] {
					t.Errorf("%s has %d rows, and had %d: something was done", table, n, before[table])
				}
			}
		})
	}
}

// rows counts what every table has, apart from those that say who asked.
func (w whole) rows(t *testing.T) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	err := w.db.Read(t.Context(), func(tx *db.Tx) error {
		q := `select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`
		if w.db.Engine() == db.PostgreSQL {
			q = `select table_name::text from information_schema.tables where table_schema = current_schema()`
		}
		names, err := db.All(tx, func(row db.Scanner) (v string, err error) { return v, row.Scan(&v) }, q)
		for _, name := range names {
			if strings.HasPrefix(name, "audit") || name == "idempotency_keys" || name == "personal_reads" {
				continue
			}
			if all[name], err = db.One(tx, func(row db.Scanner) (n int64, err error) { return n, row.Scan(&n) }, `select count(*) from `+name); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// wildOperations are the operations of the description, about an order, a fulfillment order and an account that are there.
func (w whole) wildOperations(t *testing.T) []wild {
	t.Helper()
	number := w.place(t, "W-1")
	there := map[string]string{
		"orders": number, "accounts": "web", "fulfillment-orders": w.first(t, "/v1/fulfillment-orders?order="+number)["number"].(string), "locations": "LHE", "stock": "MUG",
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			RequestBody *struct {
				Content map[string]struct{ Schema map[string]any }
			} `json:"requestBody"`
		}
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal(w.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	var all []wild
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for method, op := range doc.Paths[path] {
			if op.RequestBody == nil || op.RequestBody.Content["application/json"].Schema == nil {
				continue
			}
			parts := strings.Split(path, "/")
			for i, p := range parts {
				if strings.HasPrefix(p, "{") {
					parts[i] = "none"
					if known := there[parts[1]]; i == 2 && known != "" {
						parts[i] = known
					}
				}
			}
			o := wild{name: op.OperationID, method: strings.ToUpper(method), path: "/v1" + strings.Join(parts, "/"), headers: []string{"If-Match", "*"}, lenient: map[string]bool{"delta": true}}
			o.full, _ = o.fill(op.RequestBody.Content["application/json"].Schema, doc.Components.Schemas, "", nil).(map[string]any)
			all = append(all, o)
		}
	}
	return all
}

// fill makes a value that a schema takes, with every field, and notes each place in it.
func (o *wild) fill(schema map[string]any, named map[string]map[string]any, name string, at []string) any {
	if ref, ok := schema["$ref"].(string); ok {
		return o.fill(named[ref[strings.LastIndex(ref, "/")+1:]], named, name, at)
	}
	typ, _ := schema["type"].(string)
	if several, ok := schema["type"].([]any); ok {
		typ, _ = several[0].(string)
	}
	if name != "$schema" && len(at) > 0 && typ != "" {
		o.fields = append(o.fields, field{slices.Clone(at), typ})
	}
	switch typ {
	case "object":
		out := map[string]any{}
		properties, _ := schema["properties"].(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(properties)) {
			if k != "$schema" {
				out[k] = o.fill(properties[k].(map[string]any), named, k, append(at, k))
			}
		}
		if name == "registrations" {
			out["from"], out["to"] = "2026-01-01", "2026-12-31"
		}
		return out
	case "array":
		items, _ := schema["items"].(map[string]any)
		return []any{o.fill(items, named, name, append(at, "0"))}
	}
	return right(schema, named, name)
}

// with is the full body with another value at a place.
func (o wild) with(at []string, v any) string {
	b, _ := json.Marshal(o.full)
	var body any
	_ = json.Unmarshal(b, &body)
	into := body
	for i, name := range at {
		last := i == len(at)-1
		switch x := into.(type) {
		case map[string]any:
			if last {
				x[name] = v
			}
			into = x[name]
		case []any:
			if last {
				x[0] = v
			}
			into = x[0]
		}
	}
	b, _ = json.Marshal(body)
	return string(b)
}

// wild sends everything to one operation.
func (w whole) wild(t *testing.T, o wild) {
	nul, nest := strings.Repeat("\x00", 3), any(1)
	for range 200 {
		nest = []any{nest}
	}
	big := strings.Repeat("x", 10<<20)
	for _, body := range []string{``, `{`, `null`, `[]`, `"text"`, `{"a":1}}`, `{"a":1,}`, "\xff", `{"a":1e999}`, strings.Repeat(`[`, 200), strings.Repeat(`{"a":`, 200) + `1` + strings.Repeat(`}`, 200)} {
		if body == "" && o.bodiless {
			continue
		}
		w.refused(t, o, body)
	}
	if a := w.refused(t, o, `{"a":"`+big+`"}`); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("10 MB are answered with %d", a.status)
	}
	for _, f := range o.fields {
		var wrong []any
		switch f.typ {
		case "string":
			wrong = []any{nul, nest, 7, true, map[string]any{"a": 1}, strings.Repeat("x", 100_000)}
		case "integer", "number":
			wrong = []any{"7", nest, 1.5, json.Number(strings.Repeat("9", 30)), json.Number("-" + strings.Repeat("9", 30)), json.Number("9223372036854775807"), json.Number("1e400")}
			if !o.lenient[f.path[len(f.path)-1]] {
				wrong = append(wrong, -1)
			}
		case "boolean":
			wrong = []any{"yes", 1, nest}
		case "array":
			wrong = []any{"text", 1, map[string]any{}, []any{nest}}
		case "object":
			wrong = []any{"text", 1, []any{}, nest, map[string]any{"\x00": 1}}
		}
		for _, v := range wrong {
			w.refused(t, o, o.with(f.path, v))
		}
	}
}

// refused sends a body that must not be taken: 4xx, a problem with a detail.
func (w whole) refused(t *testing.T, o wild, body string) answer {
	t.Helper()
	a := w.do(t, o.method, o.path, body, append([]string{"Content-Type", "application/json", "Idempotency-Key", db.ID()}, o.headers...)...)
	var p struct{ Detail, Title string }
	_ = json.Unmarshal(a.body, &p)
	if a.status < 400 || a.status >= 500 || p.Detail == "" || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s with %.120q is answered with %d %s: %.300s", o.method, o.path, body, a.status, a.header.Get("Content-Type"), a.body)
	}
	return a
}

// wildShop opens a storefront and lists what its front takes.
func (w whole) wildShop(t *testing.T) []wild {
	t.Helper()
	w.do(t, "POST", "/v1/storefronts", `{"code":"pk","account":"web","name":"PK","country":"PK","currency":"PKR","language":"en","payment_methods":[{"provider":"cod","method":"cod","title":"Cash"}],"deliveries":[{"code":"std","name":"Standard","price":{"amount":"100.00","currency":"PKR"},"days":2}]}`, "Idempotency-Key", db.ID()).want(t, 201)
	made := w.do(t, "POST", "/shop/v1/pk/cart", `{}`).want(t, 201).json(t)
	headers := []string{"Authorization", fmt.Sprint("Bearer ", made["token"]), "If-Match", "*"}
	address := map[string]any{"name": "A", "line1": "House 1", "city": "Lahore", "province": "Punjab", "country": "PK", "phone": "+92 300 1234567"}
	all := []wild{
		{name: "shop-cart", bodiless: true, method: "POST", path: "/shop/v1/pk/cart", full: map[string]any{"language": "en", "currency": "PKR"}},
		{name: "shop-line", method: "POST", path: "/shop/v1/pk/cart/lines", full: map[string]any{"sku": "MUG", "quantity": 1}},
		{name: "shop-set-line", method: "PUT", path: "/shop/v1/pk/cart/lines/MUG", full: map[string]any{"quantity": 1}},
		{name: "shop-buyer", method: "PUT", path: "/shop/v1/pk/cart/buyer", full: map[string]any{"buyer": map[string]any{"name": "A", "phone": "+92 300 1234567", "email": "a@example.com"}, "ship_to": address}},
		{name: "shop-delivery", method: "PUT", path: "/shop/v1/pk/cart/delivery", full: map[string]any{"code": "std"}},
		{name: "shop-payment", method: "PUT", path: "/shop/v1/pk/cart/payment", full: map[string]any{"provider": "cod"}},
		{name: "shop-place", method: "POST", path: "/shop/v1/pk/cart/place", full: map[string]any{"source": "s", "return_url": "https://example.com/back"}},
		{name: "shop-track", method: "POST", path: "/shop/v1/pk/orders/track", full: map[string]any{"number": "PK-1", "phone": "03001234567"}},
		{name: "shop-cancel", method: "POST", path: "/shop/v1/pk/orders/cancel", full: map[string]any{"number": "PK-1", "phone": "03001234567", "reason": "changed_mind"}},
		{name: "shop-return", method: "POST", path: "/shop/v1/pk/orders/return", full: map[string]any{"number": "PK-1", "phone": "03001234567", "reason": "damaged"}},
	}
	for i := range all {
		all[i].headers = headers
		all[i].note(all[i].full, nil)
	}
	return all
}

// note notes each place in a body that is there.
func (o *wild) note(v any, at []string) {
	typ := map[bool]string{true: "integer", false: "string"}[fmt.Sprintf("%T", v) == "int"]
	if m, ok := v.(map[string]any); ok {
		typ = "object"
		for _, k := range slices.Sorted(maps.Keys(m)) {
			o.note(m[k], append(at, k))
		}
	}
	if len(at) > 0 {
		o.fields = append(o.fields, field{slices.Clone(at), typ})
	}
}

// hooks sends to every address that partners push to what none of them would: unsigned, forged, broken, huge.
func (w whole) hooks(t *testing.T) {
	forged := []string{
		"X-Shopify-Hmac-Sha256", "bm8=", "X-Shopify-Topic", "orders/create", "Authorization", "forged", "X-Signature", "00", "Webhook-Signature", "v1,bm8=", "Webhook-Id", "x", "Webhook-Timestamp", "yesterday",
	}
	for _, path := range []string{
		"/hooks/web", "/hooks/nobody", "/hooks/%00", "/hooks/app/daraz/1", "/hooks/app/nobody", "/hooks/app/", "/hooks/courier/demo", "/hooks/courier/manual", "/hooks/courier/nobody",
		"/hooks/gateway/demo", "/hooks/gateway/cod", "/hooks/gateway/nobody", "/shop/v1/pk/payments/demo/hook", "/shop/v1/pk/payments/nobody/hook", "/shop/v1/nobody/payments/demo/hook",
	} {
		for _, body := range []string{
			``, `{`, `null`, `[]`, `{"id":"x"}`, "\xff\xfe\x00", `{"id":"a\u0000b"}`, strings.Repeat(`{"a":`, 10_000) + `1` + strings.Repeat(`}`, 10_000), `{"id":` + strings.Repeat("9", 400) + `}`, `{"seller_id":-1,"data":{}}`,
		} {
			for _, headers := range [][]string{nil, forged} {
				w.refused(t, wild{method: "POST", path: path, headers: headers}, body)
			}
		}
		if a := w.refused(t, wild{method: "POST", path: path}, strings.Repeat("x", 10<<20)); a.status != http.StatusRequestEntityTooLarge && !strings.HasPrefix(path, "/shop/v1/nobody/") {
			t.Errorf("10 MB at %s are answered with %d", path, a.status)
		}
	}
}
