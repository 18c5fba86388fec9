package app_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/gateway/demo"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// TestGatewayHook pushes to the address that a payment provider has for all storefronts.
func TestGatewayHook(t *testing.T) {
	t.Parallel()
	till := demo.New(time.Now)
	each(t, func(h *house) {
		h.write(func(tx *db.Tx) error {
			_, err := h.Vault.Put(tx, "gateway:demo", "hook_secret", vault.Hide(demo.Secret), vault.PutOptions{})
			return err
		})
		srv := httptest.NewServer(h.Handler())
		defer srv.Close()
		post := func(path string, d partner.Delivery) int {
			h.Helper()
			req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, srv.URL+path, bytes.NewReader(d.Body))
			if err != nil {
				h.Fatal(err)
			}
			for k, v := range d.Header {
				req.Header[k] = v
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				h.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			if res.StatusCode >= 400 && res.Header.Get("Content-Type") != "application/problem+json" {
				h.Errorf("%s answers %s", path, res.Header.Get("Content-Type"))
			}
			return res.StatusCode
		}
		for _, c := range []struct {
			name, path string
			body       []byte
			want       int
		}{
			{"nobody signed it", "/hooks/gateway/demo", []byte(`{"id":"p1"}`), http.StatusUnauthorized},
			{"it is not even JSON, and nobody signed it", "/hooks/gateway/demo", []byte("\x00{"), http.StatusUnauthorized},
			{"it is empty", "/hooks/gateway/demo", nil, http.StatusUnauthorized},
			{"a provider nobody knows", "/hooks/gateway/barter", []byte(`{}`), http.StatusNotFound},
			{"a provider that pushes nothing", "/hooks/gateway/cod", []byte(`{}`), http.StatusNotFound},
			{"it is too large", "/hooks/gateway/demo", bytes.Repeat([]byte(" "), 10<<20), http.StatusRequestEntityTooLarge},
		} {
			if got := post(c.path, partner.Delivery{Body: c.body}); got != c.want {
				h.Errorf("%s: %d, want %d", c.name, got, c.want)
			}
		}
		paid, err := h.Payment.Authorize(h.Context(), "demo", gateway.Request{Reference: "elsewhere", Amount: money.Of(1000, "PKR")})
		h.ok(err)
		for _, d := range till.Deliveries(paid.External) {
			for range 2 {
				if got := post("/hooks/gateway/demo", d); got != http.StatusOK {
					h.Errorf("a signed delivery is answered with %d", got)
				}
			}
			d.Body = bytes.Replace(d.Body, []byte("1"), []byte("2"), 1)
			if got := post("/hooks/gateway/demo", d); got != http.StatusUnauthorized {
				h.Errorf("one flipped byte is answered with %d", got)
			}
		}
	}, func(c *app.Config) { c.Till = till })
}
