package shop_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
