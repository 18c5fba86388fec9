package daraz

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzCall throws parameters at every endpoint past the signature: whatever a client sends, the gateway answers in its own shape.
func FuzzCall(f *testing.F) {
	for _, seed := range [][2]string{
		{"packReq", `{"pack_order_list":[{"order_id":1,"order_item_list":[2]}],"delivery_type":"dropship","shipping_allocate_type":"TFS"}`},
		{"readyToShipReq", `{"packages":[{"package_id":"FP1"}]}`},
		{"getDocumentReq", `{"doc_type":"PDF","packages":[{"package_id":"FP1"}]}`},
		{"payload", `<Request><Product><Skus><Sku><SellerSku>A</SellerSku><Quantity>1</Quantity></Sku></Skus></Product></Request>`},
		{"payload", `<Request><Product><Skus><Sku><SellerSku>A</SellerSku><Price>-.5</Price></Sku></Skus></Product></Request>`},
		{"order_ids", `[1,"2",3e5]`},
		{"order_ids", `[[[[`},
		{"update_after", "2026-01-01T00:00:00+05:00"},
		{"apiRequestBody", `{"itemId":1,"skus":["A"]}`},
		{"reverse_order_item_ids", `[null]`},
		{"offset", "-1"},
	} {
		f.Add(seed[0], seed[1])
	}
	m := New(Config{Now: func() time.Time { return time.UnixMilli(1773651600000) }})
	s := m.Shop("")
	s.AddProduct("A", "", 1000, 10)
	if _, err := s.PlaceOrder(OrderSpec{ID: "1", Items: []ItemSpec{{SKU: "A", Quantity: 2}}}); err != nil {
		f.Fatal(err)
	}
	token := s.Grant().Access
	f.Fuzz(func(t *testing.T, name, value string) {
		for path, ep := range m.endpoints {
			v := url.Values{
				"app_key": {m.cfg.AppKey}, "timestamp": {"1773651600000"}, "sign_method": {"sha256"}, "access_token": {token}, "order_id": {"1"},
				"created_after": {"2026-01-01T00:00:00Z"},
			}
			v.Set(name, value)
			v.Set("sign", Sign(m.cfg.AppSecret, path, v))
			method := strings.Fields(ep.methods)[0]
			w := httptest.NewRecorder()
			m.Handler().ServeHTTP(w, httptest.NewRequest(method, path+"?"+v.Encode(), nil))
			if body := w.Body.String(); w.Code != 200 || !strings.HasPrefix(body, `{"`) || !strings.Contains(body, `"request_id"`) {
				t.Fatalf("%s: %d %s", path, w.Code, body)
			}
			if strings.Contains(w.Body.String(), "E006") {
				t.Fatalf("%s: %s", path, w.Body)
			}
		}
	})
}

// FuzzSign: what a client may choose in keys and values never makes two different calls out of one order of the same parameters.
func FuzzSign(f *testing.F) {
	f.Add("helloworld", "/order/get", "order_id", "1234")
	f.Add("", "", "", "")
	f.Fuzz(func(t *testing.T, secret, path, k, v string) {
		a := url.Values{"app_key": {"1"}, k: {v}}
		b := url.Values{k: {v}, "app_key": {"1"}}
		if k == "app_key" {
			return
		}
		got := Sign(secret, path, a)
		if got != Sign(secret, path, b) || len(got) != 64 || strings.ToUpper(got) != got {
			t.Fatalf("%q", got)
		}
		a.Set("sign", got)
		if Sign(secret, path, a) != got {
			t.Fatal("the signature signs itself")
		}
	})
}
