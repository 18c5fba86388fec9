package connect

import (
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestPressed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d, channel.Live)
		h.work()
		h.s.full = 2
		pressed := func() bool {
			h.s.pressure = pressure{} // what was known a second ago is forgotten
			return h.s.Pressed(t.Context())
		}
		if pressed() {
			t.Fatal("nothing has come")
		}
		for range 3 {
			all := h.shop.Deliveries(h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1}))
			must(t, h.s.Receive(t.Context(), "demo-shop", all[0].Header, all[0].Body))
		}
		if !pressed() {
			t.Fatal("three messages wait, two are as many as may")
		}
		for n := 1; n > 0; {
			var err error
			n, err = h.s.ImportOnce(t.Context())
			must(t, err)
		}
		if pressed() {
			t.Fatal("everything is imported")
		}
		if n := len(h.orders()); n != 3 {
			t.Fatalf("%d orders", n)
		}
	})
}
