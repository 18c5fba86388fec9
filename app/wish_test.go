package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// TestLineWishes has a buyer ask for something on one line, by webhook and by poll: it is in the buyer's record and nowhere else.
func TestLineWishes(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		ctx := context.Background()
		h.openShopify()
		spec := h.shop.Generate(5, 1)[0]
		spec.Lines = []shopify.LineSpec{{SKU: "MUG-2", Quantity: 1, Attrs: map[string]string{"Engraving": "for Zainab", "_app": "7", "Card": ""}}, {SKU: "TEA-1", Quantity: 1}}
		spec.COD, spec.Test, spec.POS, spec.Payments, spec.Discount, spec.Tip, spec.Currency = false, false, false, nil, nil, "", ""
		placed, err := h.shop.PlaceOrder(spec)
		ok(t, err)
		header, body, err := h.shop.Webhook("orders/create", placed.ID)
		ok(t, err)
		r := httptest.NewRequest(http.MethodPost, "/hooks/"+h.account, strings.NewReader(string(body)))
		r.Header = header
		w := httptest.NewRecorder()
		h.a.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("the webhook is answered %d %s", w.Code, w.Body)
		}
		h.work()
		h.has("told by the webhook")
		h.read()
		h.has("read again")

		mark := ask[string](h, `select cast(extra as text) from orders`)
		if !strings.Contains(mark, `"personalised_lines":"1"`) && !strings.Contains(mark, `"personalised_lines": "1"`) {
			t.Errorf("nobody sees that something was asked: %s", mark)
		}
		for _, where := range []string{
			`select cast(count(*) as bigint) from orders where cast(extra as text) like '%Zainab%'`, `select count(*) from events where cast(body as text) like '%Zainab%'`,
			`select count(*) from order_history where cast(detail as text) like '%Zainab%'`, `select count(*) from order_lines where title like '%Zainab%'`,
		} {
			if n := ask[int64](h, where); n != 0 {
				t.Errorf("it is in clear: %s", where)
			}
		}
		records := h.all(`select id from personal_records`)
		h.write(func(tx *db.Tx) error { return h.a.Privacy.Erase(tx, records) })
		if _, err := h.a.Privacy.Read(ctx, ask[string](h, `select buyer_id from orders`), privacy.Reading{Actor: "clerk", Purpose: "engrave it"}); err == nil {
			t.Error("it outlives its erasure")
		}
	})
}

// has fails unless the buyer's record says what is to be engraved on which line.
func (h *town) has(when string) {
	h.t.Helper()
	rec, err := h.a.Privacy.Read(context.Background(), ask[string](h, `select buyer_id from orders`), privacy.Reading{Actor: "clerk", Purpose: "engrave it"})
	ok(h.t, err)
	line := ask[string](h, `select external from order_lines where sku = 'MUG-2'`)
	want := []privacy.LineNote{{Line: line, Name: "Engraving", Value: "for Zainab"}, {Line: line, Name: "_app", Value: "7"}}
	if diff := cmp.Diff(want, rec.Lines); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}
