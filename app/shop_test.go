package app_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// shopFront is the storefront of the house's account, over HTTP.
type shopFront struct {
	*house
	front         http.Handler
	token, number string
}

const phone = "03001234567"

// shopFront opens the storefront.
func (h *house) shopFront() *shopFront {
	h.Helper()
	_, err := h.Cart.SaveStorefront(h.Context(), cart.Storefront{
		Code: "pk-web", Account: h.acc.ID, Name: "PK", Country: "PK", Currency: "PKR", Language: "en", Languages: []string{"en"}, Active: true,
		Payments:   []cart.Method{{Provider: "cod", Method: channel.PayCOD, Title: "Cash on delivery"}},
		Deliveries: []cart.Delivery{{Code: "standard", Name: "Standard", Price: money.Of(0, "PKR"), Days: 3}},
	}, "test")
	h.ok(err)
	return &shopFront{house: h, front: h.Handler()}
}

// ask sends a request and answers the status and the body.
func (s *shopFront) ask(method, path string, in any) (int, map[string]any) {
	s.Helper()
	body, err := json.Marshal(in)
	s.ok(err)
	r := httptest.NewRequestWithContext(s.Context(), method, "/shop/v1/pk-web"+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
		r.Header.Set("If-Match", "*")
		r.Header.Set("Idempotency-Key", "key "+s.token)
	}
	w := httptest.NewRecorder()
	s.front.ServeHTTP(w, r)
	var out map[string]any
	s.ok(json.Unmarshal(w.Body.Bytes(), &out))
	return w.Code, out
}

func (s *shopFront) must(status int, method, path string, in any) map[string]any {
	s.Helper()
	got, out := s.ask(method, path, in)
	if got != status {
		s.Fatalf("%s %s answers %d: %v", method, path, got, out)
	}
	return out
}

// order places a cart of so many of a SKU, has it delivered and paid for at the door, and answers it.
func (s *shopFront) order(sku string, quantity int) order.View {
	s.Helper()
	s.token = ""
	s.token = s.must(201, "POST", "/cart", map[string]any{})["token"].(string)
	s.must(200, "POST", "/cart/lines", map[string]any{"sku": sku, "quantity": quantity})
	s.must(200, "PUT", "/cart/buyer", map[string]any{
		"buyer":   map[string]string{"name": "A Buyer", "phone": phone, "email": "buyer@example.com"},
		"ship_to": map[string]string{"name": "A Buyer", "line1": "House 1", "city": "Lahore", "province": "Punjab", "country": "PK", "phone": phone},
	})
	s.must(200, "PUT", "/cart/delivery", map[string]string{"code": "standard"})
	s.must(200, "PUT", "/cart/payment", map[string]string{"provider": "cod"})
	s.number = s.must(201, "POST", "/cart/place", map[string]any{})["order_number"].(string)
	s.token = ""
	s.drain()
	o := read(s.house, func(tx *db.Tx) (order.View, error) { return s.Order.Get(tx, s.number) })
	s.deliver(o.ID)
	s.ok(s.Payment.Confirm(s.Context(), o.ID, "clerk", s.DB.Now()))
	s.drain()
	return s.house.order(o.ID)
}

func (s *shopFront) track(number string) (int, map[string]any) {
	s.Helper()
	return s.ask("POST", "/orders/track", map[string]any{"number": number, "phone": phone})
}

func TestShopExchange(t *testing.T) {
	t.Parallel()
	t.Run("a buyer says what they want instead, and tracks what is sent for it by the same phone", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			s := h.shopFront()
			o := s.order("SHIRT-M", 1)
			s.must(201, "POST", "/orders/return", map[string]any{
				"number": o.Number, "phone": phone, "kind": "exchange", "reason": "does_not_fit", "wanted": []any{map[string]any{"sku": "SHIRT-L", "quantity": 1}},
			})
			r := read(h, func(tx *db.Tx) ([]returns.RMA, error) { return h.Returns.Of(tx, o.ID) })[0]
			same(h, []returns.Replacement{{Variant: h.variants["SHIRT-L"], Quantity: 1}}, r.Detail.Wanted)
			same(h, []any{returns.KindExchange, "buyer", "requested"}, []any{r.Kind, r.RequestedBy, r.Decision})
			r = must[returns.RMA](h)(h.Returns.Approve(h.Context(), r.ID, 0, "clerk"))
			h.drain()
			x := h.order(r.Exchange)
			same(h, x.Number, s.exchanged(o.Number))
			h.ship(x.ID)
			got := s.must(200, "POST", "/orders/track", map[string]any{"number": x.Number, "phone": "+92 300 1234567"})
			same(h, []any{x.Number, o.Number, "shipped", 1}, []any{got["order_number"], got["replaces"], got["state"], len(got["parcels"].([]any))})
			same(h, "SHIRT-L", got["lines"].([]any)[0].(map[string]any)["sku"])

			for _, bad := range []map[string]any{{"number": x.Number, "phone": "03007654321"}, {"number": x.ID, "phone": phone}} {
				if status, out := s.ask("POST", "/orders/track", bad); status != 404 || out["code"] != "no_order" {
					h.Errorf("%v: %d %v", bad, status, out)
				}
			}
			h.sound()
		})
	})
	t.Run("what replaces a replacement is tracked too, and given back like any order", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			s := h.shopFront()
			number := s.order("SHIRT-M", 1).Number
			for _, sku := range []string{"SHIRT-L", "SOCKS"} {
				s.must(201, "POST", "/orders/return", map[string]any{
					"number": number, "phone": phone, "kind": "exchange", "reason": "other", "wanted": []any{map[string]any{"sku": sku, "quantity": 1}},
				})
				r := one[string](h, `select id from returns_rma where decision = 'requested'`)
				must[returns.RMA](h)(h.Returns.Approve(h.Context(), r, 0, "clerk"))
				h.drain()
				number = s.exchanged(number)
				h.deliver(one[string](h, `select id from orders where number = $1`, number))
			}
			_, got := s.track(number)
			same(h, []any{"delivered", "SOCKS"}, []any{got["state"], got["lines"].([]any)[0].(map[string]any)["sku"]})
			h.sound()
		})
	})
	t.Run("what is wanted instead is checked before anything is opened", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			s := h.shopFront()
			o := s.order("SHIRT-M", 1)
			line := func(sku string, n int) map[string]any { return map[string]any{"sku": sku, "quantity": n} }
			for _, bad := range []struct {
				kind, field, code string
				wanted            []any
			}{
				{"return", "wanted", "", []any{line("SHIRT-L", 1)}},
				{"", "wanted", "", []any{line("SHIRT-L", 1)}},
				{"exchange", "wanted[0].sku", "unknown_sku", []any{line("NONE", 1)}},
				{"exchange", "wanted[1].quantity", "", []any{line("SHIRT-L", 1), line("SOCKS", 0)}},
				{"exchange", "wanted[1].quantity", "", []any{line("SHIRT-L", 1), line("SOCKS", 1000)}},
				{"exchange", "wanted[1].sku", "", []any{line("SHIRT-L", 1), line("SHIRT-L", 1)}},
				{"exchange", "size", "unknown_field", []any{map[string]any{"sku": "SHIRT-L", "quantity": 1, "size": "L"}}},
			} {
				in := map[string]any{"number": o.Number, "phone": phone, "reason": "damaged", "wanted": bad.wanted}
				if bad.kind != "" {
					in["kind"] = bad.kind
				}
				status, out := s.ask("POST", "/orders/return", in)
				if status != 422 || out["field"] != bad.field || bad.code != "" && out["code"] != bad.code {
					h.Errorf("%+v: %d %v", bad, status, out)
				}
			}
			same(h, int64(0), one[int64](h, `select count(*) from returns_rma`))
			if status, out := s.ask("POST", "/orders/cancel", map[string]any{"number": o.Number, "phone": phone, "wanted": []any{}}); status != 422 || out["field"] != "wanted" {
				h.Errorf("a cancellation that wants something: %d %v", status, out)
			}
			_, err := h.Returns.Request(h.Context(), returns.Ask{Order: o.ID, Wanted: []returns.Replacement{{Variant: h.variants["SOCKS"], Quantity: 1}}})
			refused(h, fault.Invalid, err)
		})
	})
}

// exchanged is the number of what is sent instead, as the buyer of the order reads it.
func (s *shopFront) exchanged(number string) string {
	s.Helper()
	_, got := s.track(number)
	for _, m := range got["timeline"].([]any) {
		if m := m.(map[string]any); m["what"] == "exchanged" {
			return m["order_number"].(string)
		}
	}
	s.Fatalf("the buyer is not told: %v", got["timeline"])
	return ""
}

func TestShopPrices(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		s := h.shopFront()
		listed := func(sku string, price int64) {
			h.write(func(tx *db.Tx) error {
				_, err := h.Catalog.SaveListings(tx, h.acc.ID, []channel.Listing{{Ref: channel.ListingRef{External: h.variants[sku], SKU: sku}, Title: sku, Active: true}})
				h.ok(err)
				return h.Catalog.SavePrices(tx, catalog.NewList{Name: "PK", Country: "PK", Currency: "PKR", Prices: map[string]int64{h.variants[sku]: price}})
			})
			h.ok(h.Connect.WorkOutPrices(h.Context(), h.acc.ID))
			h.ok(h.Connect.PushPrices(h.Context(), h.acc.ID))
		}
		for _, price := range []int64{100000, 10000} { // far past what another channel would be told without a person
			listed("SHIRT-M", price)
			got := s.must(200, "GET", "/products/SHIRT-M", nil)["price"].(map[string]any)["amount"]
			same(h, money.Of(price, "PKR").Decimal(), got.(string))
			same(h, []int64{0, 0}, []int64{one[int64](h, `select count(*) from channel_prices`), one[int64](h, `select count(*) from exceptions where cause = 'price_held'`)})
		}
	})
}

func TestFrontDoor(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		for _, ask := range []struct {
			method, path string
			status       int
			to           string
		}{{"GET", "/", 302, "/console/"}, {"HEAD", "/", 302, "/console/"}, {"POST", "/", 404, ""}, {"GET", "/nothing", 404, ""}} {
			w := httptest.NewRecorder()
			h.Handler().ServeHTTP(w, httptest.NewRequestWithContext(h.Context(), ask.method, ask.path, nil))
			same(h, []any{ask.status, ask.to}, []any{w.Code, w.Header().Get("Location")})
		}
	})
}
