package shop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/web/shop"
	"github.com/openclaw-pos/commerce/web/shop/shoptest"
)

// visitor is a browser in front of the shop.
type visitor struct {
	*testing.T
	h     *shoptest.House
	mux   *http.ServeMux
	token string
	etag  string
	addr  string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

// visit runs a story in a shop of its own, on both engines.
func visit(t *testing.T, story func(v *visitor), edit ...func(n *shop.Needs)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		story(open(t, shoptest.New(t, d), edit...))
	})
}

func open(t *testing.T, h *shoptest.House, edit ...func(n *shop.Needs)) *visitor {
	t.Helper()
	n := shop.Needs{DB: h.D, Cart: h.Cart, Orders: h.Orders, Limits: shop.Limits{PerSecond: 1e6, Burst: 1e6}}
	for _, e := range edit {
		e(&n)
	}
	mux := http.NewServeMux()
	shop.New(n).Register(mux)
	return &visitor{T: t, h: h, mux: mux, addr: "192.0.2.1:4000"}
}

// ask sends a request with the cart's token and version; body is JSON text, or a value.
func (v *visitor) ask(method, path string, body any, headers ...string) answer {
	v.Helper()
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	case []byte:
		text = b
	default:
		var err error
		if text, err = json.Marshal(b); err != nil {
			v.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, "/shop/v1"+path, bytes.NewReader(text))
	r.RemoteAddr = v.addr
	if v.token != "" {
		r.Header.Set("Authorization", "Bearer "+v.token)
	}
	if v.etag != "" {
		r.Header.Set("If-Match", v.etag)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	w := httptest.NewRecorder()
	v.mux.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), text: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil {
		v.Fatalf("%s %s: %d is no JSON: %q", method, path, w.Code, w.Body)
	}
	if tag := w.Header().Get("ETag"); tag != "" {
		v.etag = tag
	}
	kind := "application/json"
	if a.status >= 400 {
		kind = "application/problem+json"
	}
	if a.header.Get("Content-Type") != kind {
		v.Errorf("%s %s: %d is %s", method, path, a.status, a.header.Get("Content-Type"))
	}
	return a
}

// must is ask, with the status it has to have.
func (v *visitor) must(status int, method, path string, body any, headers ...string) answer {
	v.Helper()
	a := v.ask(method, path, body, headers...)
	if a.status != status {
		v.Fatalf("%s %s: %d, want %d: %s", method, path, a.status, status, a.text)
	}
	return a
}

// at walks into an answer: "cart.totals.total.amount".
func (a answer) at(path string) any {
	var v any = a.body
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

const buyer = `{"buyer":{"name":"Amina Raza","email":"Amina@Example.com","phone":"0300 1234567"},
	"ship_to":{"line1":"12 Mall Road","city":"Lahore","province":"Punjab","postcode":"54000"},"note":"please ring"}`

// fill opens a cart and fills it until it can be placed.
func (v *visitor) fill(payment, sku string, quantity int) {
	v.Helper()
	v.token, v.etag = "", ""
	v.token, _ = v.must(201, "POST", "/pk/cart", nil).at("token").(string)
	v.must(200, "POST", "/pk/cart/lines", map[string]any{"sku": sku, "quantity": quantity})
	v.must(200, "PUT", "/pk/cart/buyer", buyer)
	v.must(200, "PUT", "/pk/cart/delivery", `{"code":"standard"}`)
	v.must(200, "PUT", "/pk/cart/payment", map[string]string{"provider": payment})
}

func TestShop(t *testing.T) {
	t.Parallel()
	t.Run("a buyer looks, fills a cart, pays in cash at the door, and follows the order", func(t *testing.T) {
		t.Parallel()
		visit(t, func(v *visitor) {
			v.must(200, "GET", "/pk", nil)
			if n := len(v.must(200, "GET", "/pk/products", nil).body["items"].([]any)); n != 4 {
				v.Errorf("%d products", n)
			}
			v.fill("cod", shoptest.Shirt, 2)
			total := v.must(200, "GET", "/pk/cart", nil).at("totals.total")
			a := v.must(201, "POST", "/pk/cart/place", map[string]any{"total": total}, "Idempotency-Key", "k1")
			number, _ := a.body["order_number"].(string)
			if number == "" || a.body["payment"] != "due" {
				v.Fatalf("placed: %s", a.text)
			}
			got := v.must(200, "POST", "/pk/orders/track", map[string]string{"number": number, "phone": "+92 300 1234567"})
			if got.body["state"] != "open" || got.body["payment"] != "due" {
				v.Errorf("tracked: %s", got.text)
			}
			gone := v.must(200, "POST", "/pk/orders/cancel", map[string]string{"number": number, "phone": "03001234567", "reason": "changed_mind"})
			if gone.body["state"] != "cancelled" || v.h.Levels(shoptest.Shirt) != "40/0" {
				v.Errorf("cancelled: %s, stock %s", gone.text, v.h.Levels(shoptest.Shirt))
			}
		})
	})
}

// refusal is what a bad request is answered with.
type refusal struct {
	name, method, path, body string
	headers                  []string
	status                   int
	field, code              string
}

func TestShop_refuses_bad_input_naming_field_and_reason(t *testing.T) {
	t.Parallel()
	big := `{"sku":"` + strings.Repeat("a", 70_000) + `"}`
	deep := `{"buyer":` + strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40) + `}`
	var all []refusal
	add := func(name, method, path, body string, status int, field, code string, headers ...string) {
		all = append(all, refusal{name, method, path, body, headers, status, field, code})
	}
	add("no storefront", "GET", "/xx", "", 404, "", "no_storefront")
	add("no address", "GET", "/pk/nothing/here", "", 404, "", "")
	add("no such method", "DELETE", "/pk/cart", "", 405, "", "method")
	add("NUL in the address", "GET", "/pk/products/a%00b", "", 422, "", "bad_address")
	add("NUL in the query", "GET", "/pk/products?after=%00", "", 422, "after", "")
	add("limit", "GET", "/pk/products?limit=9999999999999999999", "", 422, "limit", "")
	add("negative limit", "GET", "/pk/products?limit=-1", "", 422, "limit", "")
	add("unknown product", "GET", "/pk/products/nothing", "", 404, "", "unknown_sku")
	add("a product without a price", "GET", "/pk/products/NOPRICE", "", 404, "", "unknown_sku")
	add("no token", "GET", "/pk/cart", "", 401, "", "no_cart", "Authorization", "")
	add("wrong token", "GET", "/pk/cart", "", 401, "", "no_cart", "Authorization", "Bearer nobody")
	add("wrong currency", "POST", "/pk/cart", `{"currency":"EUR"}`, 422, "currency", "")
	lines := "/pk/cart/lines"
	add("no JSON", "POST", lines, `{"sku":`, 400, "", "bad_json")
	add("empty", "POST", lines, ``, 400, "", "bad_json")
	add("an array", "POST", lines, `[]`, 400, "", "bad_json")
	add("something behind", "POST", lines, `{} {}`, 400, "", "bad_json")
	add("no UTF-8", "POST", lines, "{\"sku\":\"\xff\"}", 400, "", "bad_json")
	add("too large", "POST", lines, big, 413, "", "too_large")
	add("too deep", "PUT", "/pk/cart/buyer", deep, 422, "", "too_deep")
	add("NUL", "POST", lines, `{"sku":"a\u0000b","quantity":1}`, 422, "", "nul")
	add("unknown field", "POST", lines, `{"sku":"CAP","quantity":1,"price":1}`, 422, "price", "unknown_field")
	add("a field twice", "POST", lines, `{"sku":"CAP","quantity":1,"quantity":5}`, 422, "quantity", "twice")
	add("a text for a number", "POST", lines, `{"sku":"CAP","quantity":"1"}`, 422, "quantity", "")
	add("a fraction", "POST", lines, `{"sku":"CAP","quantity":1.5}`, 422, "quantity", "")
	add("a huge number", "POST", lines, `{"sku":"CAP","quantity":1e400}`, 422, "quantity", "")
	add("a large number", "POST", lines, `{"sku":"CAP","quantity":9223372036854775807}`, 422, "quantity", "")
	add("a negative quantity", "POST", lines, `{"sku":"CAP","quantity":-1}`, 422, "quantity", "")
	add("no quantity", "PUT", lines+"/CAP", `{}`, 422, "quantity", "")
	add("setting a negative quantity", "PUT", lines+"/CAP", `{"quantity":-3}`, 422, "quantity", "")
	add("no SKU", "POST", lines, `{"quantity":1}`, 422, "sku", "")
	add("unknown SKU", "POST", lines, `{"sku":"nothing","quantity":1}`, 404, "", "unknown_sku")
	add("not sold here", "POST", lines, `{"sku":"NOPRICE","quantity":1}`, 404, "", "unknown_sku")
	add("not JSON by its type", "POST", lines, `sku=CAP`, 415, "", "media_type", "Content-Type", "application/x-www-form-urlencoded")
	add("no version", "POST", lines, `{"sku":"CAP","quantity":1}`, 428, "If-Match", "if_match", "If-Match", "")
	add("an old version", "POST", lines, `{"sku":"CAP","quantity":1}`, 412, "", "stale", "If-Match", `"99"`)
	add("no version at all", "POST", lines, `{"sku":"CAP","quantity":1}`, 422, "If-Match", "", "If-Match", "latest")
	add("no name", "PUT", "/pk/cart/buyer", `{"buyer":{"phone":"03001234567"}}`, 422, "buyer.name", "")
	add("no phone", "PUT", "/pk/cart/buyer", `{"buyer":{"name":"A"}}`, 422, "buyer.phone", "")
	add("no e-mail", "PUT", "/pk/cart/buyer", `{"buyer":{"name":"A","phone":"03001234567","email":"nobody"}}`, 422, "buyer.email", "")
	add("no street", "PUT", "/pk/cart/buyer", `{"buyer":{"name":"A","phone":"03001234567"},"ship_to":{"city":"Lahore"}}`, 422, "ship_to.line1", "")
	add("another country", "PUT", "/pk/cart/buyer", `{"buyer":{"name":"A","phone":"03001234567"},"ship_to":{"line1":"x","city":"Berlin","country":"DE"}}`, 422, "ship_to.country", "")
	add("a long name", "PUT", "/pk/cart/buyer", `{"buyer":{"name":"`+strings.Repeat("x", 121)+`","phone":"03001234567"}}`, 422, "buyer.name", "")
	add("control characters", "PUT", "/pk/cart/buyer", `{"buyer":{"name":"A\u0007","phone":"03001234567"}}`, 422, "buyer.name", "")
	add("unknown delivery", "PUT", "/pk/cart/delivery", `{"code":"drone"}`, 422, "code", "")
	add("unknown payment", "PUT", "/pk/cart/payment", `{"provider":"gold"}`, 422, "provider", "")
	add("no key", "POST", "/pk/cart/place", `{}`, 422, "Idempotency-Key", "")
	add("nothing in it", "POST", "/pk/cart/place", `{}`, 422, "lines", "", "Idempotency-Key", "k")
	add("a total that is no money", "POST", "/pk/cart/place", `{"total":{"amount":"1.5","currency":"XXQ"}}`, 422, "currency", "", "Idempotency-Key", "k")
	add("a card number", "POST", "/pk/cart/place", `{"source":"4111 1111 1111 1111"}`, 422, "source", "", "Idempotency-Key", "k")
	add("a dangerous way back", "POST", "/pk/cart/place", `{"return_url":"javascript:alert(1)"}`, 422, "return_url", "", "Idempotency-Key", "k")
	add("no number", "POST", "/pk/orders/track", `{"phone":"1"}`, 422, "number", "")
	add("no phone to track", "POST", "/pk/orders/track", `{"number":"1"}`, 422, "phone", "")
	add("unknown order", "POST", "/pk/orders/track", `{"number":"PK-WS-000000","phone":"03001234567"}`, 404, "", "no_order")
	add("unknown reason", "POST", "/pk/orders/cancel", `{"number":"1","phone":"1","reason":"my name is Amina"}`, 422, "reason", "")
	add("cancel of an unknown order", "POST", "/pk/orders/cancel", `{"number":"PK-WS-0","phone":"03001234567"}`, 404, "", "no_order")
	add("return of an unknown order", "POST", "/pk/orders/return", `{"number":"PK-WS-0","phone":"03001234567"}`, 404, "", "no_order")
	add("a forged webhook", "POST", "/pk/payments/demo/hook", `{"id":"dp_1"}`, 401, "", "")
	add("a webhook of cash", "POST", "/pk/payments/cod/hook", `{}`, 404, "", "")
	add("a webhook of nobody", "POST", "/pk/payments/gold/hook", `{}`, 404, "", "")
	h := shoptest.New(t, dbtest.SQLite(t))
	v := open(t, h)
	v.token, _ = v.must(201, "POST", "/pk/cart", nil).at("token").(string)
	pg := open(t, shoptest.New(t, dbtest.Postgres(t)))
	pg.token, _ = pg.must(201, "POST", "/pk/cart", nil).at("token").(string)
	for _, r := range all {
		for engine, v := range map[string]*visitor{"sqlite": v, "postgres": pg} {
			a := v.ask(r.method, r.path, r.body, r.headers...)
			field, _ := a.body["field"].(string)
			code, _ := a.body["code"].(string)
			detail, _ := a.body["detail"].(string)
			if a.status != r.status || field != r.field || code != r.code || detail == "" {
				t.Errorf("%s, %s: %d %q %q, want %d %q %q: %s", r.name, engine, a.status, field, code, r.status, r.field, r.code, a.text)
			}
			if strings.Contains(a.text, "Amina") {
				t.Errorf("%s: what was typed comes back: %s", r.name, a.text)
			}
		}
	}
}

func TestShop_more(t *testing.T) {
	t.Parallel()
	t.Run("stock is exact up to ten and no further", func(t *testing.T) {
		t.Parallel()
		visit(t, func(v *visitor) {
			for sku, want := range map[string][2]any{shoptest.Cap: {3.0, false}, shoptest.Tea: {10.0, true}, shoptest.Set: {1.0, false}} {
				a := v.must(200, "GET", "/pk/products/"+sku, nil)
				if a.at("stock.available") != want[0] || a.at("stock.more") != want[1] {
					v.Errorf("%s: %s", sku, a.text)
				}
			}
		})
	})
	t.Run("products come page by page, each once", func(t *testing.T) {
		t.Parallel()
		visit(t, func(v *visitor) {
			seen, after := []string{}, ""
			for range 10 {
				a := v.must(200, "GET", "/pk/products?limit=2&after="+after, nil)
				for _, p := range a.body["items"].([]any) {
					seen = append(seen, p.(map[string]any)["sku"].(string))
				}
				if after, _ = a.body["next"].(string); after == "" {
					break
				}
			}
			if got := strings.Join(seen, " "); got != "CAP SET SHIRT TEA" {
				v.Errorf("saw %s", got)
			}
		})
	})
	t.Run("the shop speaks the buyer's language where it can", func(t *testing.T) {
		t.Parallel()
		visit(t, func(v *visitor) {
			title := func(a answer) string {
				s, _ := a.body["deliveries"].([]any)[0].(map[string]any)["title"].(string)
				return s
			}
			for want, headers := range map[string][]string{"عام": {"Accept-Language", "ur-PK,en;q=0.5"}, "Standard": {"Accept-Language", "fr"}} {
				if got := title(v.must(200, "GET", "/pk", nil, headers...)); got != want {
					v.Errorf("%q, want %q", got, want)
				}
			}
			if got := v.must(201, "POST", "/pk/cart", `{"language":"ur"}`).at("cart.language"); got != "ur" {
				v.Errorf("language %v", got)
			}
		})
	})
	t.Run("a line is added, set, and taken out, each seen at its version", func(t *testing.T) {
		t.Parallel()
		visit(t, func(v *visitor) {
			v.token, _ = v.must(201, "POST", "/pk/cart", nil).at("token").(string)
			v.must(200, "POST", "/pk/cart/lines", `{"sku":"TEA","quantity":2}`)
			v.must(200, "POST", "/pk/cart/lines", `{"sku":"TEA","quantity":3}`)
			a := v.must(200, "PUT", "/pk/cart/lines/CAP", `{"quantity":2}`)
			if got := a.at("totals.total.amount"); got != "2250.50" { // 5 × 250.50 + 2 × 499.00
				v.Errorf("total %v: %s", got, a.text)
			}
			a = v.must(200, "DELETE", "/pk/cart/lines/TEA", nil)
			if n := len(a.at("totals.lines").([]any)); n != 1 {
				v.Errorf("%d lines", n)
			}
			v.must(422, "POST", "/pk/cart/lines", `{"sku":"CAP","quantity":998}`)
			v.must(200, "PUT", "/pk/cart/lines/CAP", `{"quantity":0}`)
		})
	})
	t.Run("a cart shows its buyer masked, and another shop does not know it", func(t *testing.T) {
		t.Parallel()
		visit(t, func(v *visitor) {
			v.fill("cod", shoptest.Tea, 1)
			a := v.must(200, "GET", "/pk/cart", nil)
			for _, secret := range []string{"Raza", "1234567", "Mall Road", "example"} {
				if strings.Contains(a.text, secret) {
					v.Errorf("%q in %s", secret, a.text)
				}
			}
			if a.at("buyer.city") != "Lahore" {
				v.Errorf("%s", a.text)
			}
		})
	})
	t.Run("a refused checkout names the lines that are short", func(t *testing.T) {
		t.Parallel()
		visit(t, func(v *visitor) {
			v.fill("cod", shoptest.Cap, 5)
			a := v.must(409, "POST", "/pk/cart/place", nil, "Idempotency-Key", "k1")
			short, _ := a.body["short"].([]any)
			if a.body["code"] != "short" || len(short) != 1 || short[0].(map[string]any)["sku"] != shoptest.Cap || short[0].(map[string]any)["left"] != 3.0 {
				v.Errorf("%s", a.text)
			}
		})
	})
	t.Run("a payment that the buyer has to confirm answers 202 with where to go", func(t *testing.T) {
		t.Parallel()
		visit(t, func(v *visitor) {
			h := v.h
			h.Write(func(tx *db.Tx) error {
				_, err := tx.Exec(`update prices set amount = 30033 where variant_id = $1`, h.Variants[shoptest.Tea])
				return err
			})
			v.fill("demo", shoptest.Tea, 1)
			a := v.must(202, "POST", "/pk/cart/place", `{"return_url":"https://shop.example/back"}`, "Idempotency-Key", "k1")
			if a.body["redirect"] != "https://pay.example/confirm?payment=dp_000001" {
				v.Errorf("%s", a.text)
			}
			h.Provider.Approve("dp_000001")
			d := h.Provider.Deliveries("dp_000001")[0]
			v.must(200, "POST", "/pk/payments/demo/hook", d.Body, "X-Demo-Id", d.Header.Get("X-Demo-Id"), "X-Demo-Time", d.Header.Get("X-Demo-Time"),
				"X-Demo-Signature", d.Header.Get("X-Demo-Signature"))
			a = v.must(201, "POST", "/pk/cart/place", `{"return_url":"https://shop.example/back"}`, "Idempotency-Key", "k1")
			if a.body["payment"] != "paid" || a.body["order_number"] == nil {
				v.Errorf("%s", a.text)
			}
		})
	})
	t.Run("a wrong phone is answered like an unknown number", func(t *testing.T) {
		t.Parallel()
		visit(t, func(v *visitor) {
			v.fill("cod", shoptest.Tea, 1)
			number := v.must(201, "POST", "/pk/cart/place", nil, "Idempotency-Key", "k1").body["order_number"]
			wrong := v.must(404, "POST", "/pk/orders/track", map[string]any{"number": number, "phone": "03009999999"})
			unknown := v.must(404, "POST", "/pk/orders/track", map[string]any{"number": "PK-WS-999999", "phone": "03001234567"})
			if wrong.text != unknown.text {
				v.Errorf("%s\n%s", wrong.text, unknown.text)
			}
		})
	})
	t.Run("part of an order is cancelled by its line, and cancelling all twice is one cancellation", func(t *testing.T) {
		t.Parallel()
		visit(t, func(v *visitor) {
			v.fill("cod", shoptest.Tea, 3)
			number := v.must(201, "POST", "/pk/cart/place", nil, "Idempotency-Key", "k1").body["order_number"]
			who := func(more map[string]any) map[string]any {
				more["number"], more["phone"] = number, "03001234567"
				return more
			}
			v.must(422, "POST", "/pk/orders/cancel", who(map[string]any{"lines": []any{map[string]any{"line": 7, "quantity": 1}}}))
			v.must(422, "POST", "/pk/orders/cancel", who(map[string]any{"lines": []any{map[string]any{"line": 1, "quantity": 4}}}))
			a := v.must(200, "POST", "/pk/orders/cancel", who(map[string]any{"lines": []any{map[string]any{"line": 1, "quantity": 1}}}))
			if a.body["lines"].([]any)[0].(map[string]any)["cancelled"] != 1.0 {
				v.Errorf("%s", a.text)
			}
			for range 2 {
				a = v.must(200, "POST", "/pk/orders/cancel", who(map[string]any{"reason": "too_late"}))
			}
			if a.body["state"] != "cancelled" || v.h.Levels(shoptest.Tea) != "100/0" {
				v.Errorf("%s", a.text)
			}
			var said []string
			for _, m := range a.body["timeline"].([]any) {
				said = append(said, m.(map[string]any)["what"].(string))
			}
			if got := strings.Join(said, " "); got != "ordered cancelled cancelled" {
				v.Errorf("timeline %s", got)
			}
		})
	})
	t.Run("a return is asked for with the same proof", func(t *testing.T) {
		t.Parallel()
		var asked []shop.ReturnAsk
		var mu sync.Mutex
		visit(t, func(v *visitor) {
			v.fill("cod", shoptest.Tea, 2)
			number := v.must(201, "POST", "/pk/cart/place", nil, "Idempotency-Key", "k1").body["order_number"]
			body := map[string]any{"number": number, "phone": "03001234567", "reason": "damaged", "lines": []any{map[string]any{"line": 1, "quantity": 1}}}
			if a := v.must(201, "POST", "/pk/orders/return", body); a.body["return_number"] != "PK-RMA-1" {
				v.Errorf("%s", a.text)
			}
			for range 3 { // a buyer taps three times
				if a := v.must(201, "POST", "/pk/orders/return", body, "Idempotency-Key", "r1"); a.body["return_number"] != "PK-RMA-1" {
					v.Errorf("%s", a.text)
				}
			}
			body["reason"] = "other"
			if a := v.must(422, "POST", "/pk/orders/return", body, "Idempotency-Key", "r1"); a.body["code"] != "idempotency_mismatch" {
				v.Errorf("%s", a.text)
			}
			body["kind"], body["reason"] = "claim", "damaged"
			v.must(422, "POST", "/pk/orders/return", body)
			mu.Lock()
			defer mu.Unlock()
			times := map[string]int{} // by order: both engines ask here
			for _, one := range asked {
				if times[one.Order]++; times[one.Order] > 2 {
					v.Error("more returns were opened than one without a key and one with")
				}
			}
			last := asked[len(asked)-1]
			if last.Kind != "return" || last.Reason != "damaged" || len(last.Lines) != 1 || last.Lines[0].Quantity != 1 {
				v.Errorf("%+v", last)
			}
		}, func(n *shop.Needs) {
			n.Return = func(_ context.Context, ask shop.ReturnAsk) (shop.ReturnAnswer, error) {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, ask)
				return shop.ReturnAnswer{Number: "PK-RMA-1", State: "requested"}, nil
			}
		})
	})
	t.Run("a panic is an answer like any other", func(t *testing.T) {
		t.Parallel()
		visit(t, func(v *visitor) {
			v.fill("cod", shoptest.Tea, 1)
			number := v.must(201, "POST", "/pk/cart/place", nil, "Idempotency-Key", "k1").body["order_number"]
			v.must(500, "POST", "/pk/orders/track", map[string]any{"number": number, "phone": "03001234567"})
		}, func(n *shop.Needs) { n.Parcels = func(*db.Tx, string) ([]shop.Parcel, error) { panic("oh") } })
	})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	setup := func(t *testing.T, l shop.Limits) (*visitor, *dbtest.Clock) {
		clock := dbtest.NewClock(start)
		return open(t, shoptest.New(t, dbtest.SQLite(t, dbtest.Config{Now: clock.Now})), func(n *shop.Needs) { n.Limits = l }), clock
	}
	t.Run("an address that asks too often waits, others do not", func(t *testing.T) {
		t.Parallel()
		v, clock := setup(t, shop.Limits{PerSecond: 1, Burst: 3})
		for range 3 {
			v.must(200, "GET", "/pk", nil)
		}
		a := v.must(429, "GET", "/pk", nil)
		if a.header.Get("Retry-After") != "1" || a.body["code"] != "rate_limited" {
			t.Errorf("%s, after %q", a.text, a.header.Get("Retry-After"))
		}
		v.addr = "192.0.2.2:4000"
		v.must(200, "GET", "/pk", nil)
		v.addr = "192.0.2.1:5000"
		clock.Advance(time.Second)
		v.must(200, "GET", "/pk", nil)
		v.addr = "[2001:db8::1]:1"
		for range 3 {
			v.must(200, "GET", "/pk", nil)
		}
		v.addr = "[2001:db8::2]:1" // the same /64
		v.must(429, "GET", "/pk", nil)
	})
	t.Run("an order's number cannot be guessed at from many addresses, nor many numbers from one", func(t *testing.T) {
		t.Parallel()
		v, clock := setup(t, shop.Limits{PerSecond: 1e6, Burst: 1e6, ProofsPerHour: 6, ProofBurst: 3})
		v.fill("cod", shoptest.Tea, 1)
		number := v.must(201, "POST", "/pk/cart/place", nil, "Idempotency-Key", "k1").body["order_number"]
		try := func(status int, addr string, number any, phone string) {
			t.Helper()
			v.addr = addr + ":1"
			v.must(status, "POST", "/pk/orders/track", map[string]any{"number": number, "phone": phone})
		}
		for i := range 3 {
			try(404, fmt.Sprint("192.0.2.", 10+i), number, "03009999999")
		}
		try(429, "192.0.2.99", number, "03001234567")
		for i := range 3 {
			try(404, "192.0.2.50", fmt.Sprint("PK-WS-9", i), "03001234567")
		}
		try(429, "192.0.2.50", "PK-WS-99", "03001234567")
		clock.Advance(10 * time.Minute)
		try(200, "192.0.2.99", number, "03001234567")
	})
}
