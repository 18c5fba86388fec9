package cart_test

import (
	"context"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/web/shop/shoptest"
)

// each runs a story in a shop of its own, on both engines.
func each(t *testing.T, story func(t *testing.T, h *shoptest.House)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { story(t, shoptest.New(t, d)) })
}

func wish(h *shoptest.House, token, key string) cart.Wish {
	return cart.Wish{Edit: cart.Edit{Store: h.Store, Token: token}, Key: key}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	t.Run("a cart paid in cash becomes one order with its number at once, and its hold becomes the order's reservation", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, h *shoptest.House) {
			token, v := h.Filled("cod", map[string]int64{shoptest.Shirt: 2, shoptest.Tea: 1})
			if want := money.Of(345100, "PKR"); v.Totals.Total != want { // 3000.00 + 250.50 + 200.00 = 3450.50, to the rupee
				t.Errorf("total %s, want %s", v.Totals.Total, want)
			}
			a, err := h.Cart.Place(context.Background(), wish(h, token, "k1"))
			if err != nil {
				t.Fatal(err)
			}
			if a.State != cart.Placed || a.Number == "" || a.Payment != "due" {
				t.Errorf("answer %+v", a)
			}
			h.Read(func(tx *db.Tx) error {
				o, err := h.Orders.Get(tx, a.Number)
				if err != nil {
					return err
				}
				if o.Totals.Total != v.Totals.Total || o.Totals.Difference != nil || len(o.Held) != 0 || !o.COD || !o.AddressOK {
					t.Errorf("order %+v %+v held %+v", o.Head, o.Totals, o.Held)
				}
				return nil
			})
			if got := h.Levels(shoptest.Shirt); got != "40/2" {
				t.Errorf("stock %s", got)
			}
			again, err := h.Cart.Place(context.Background(), wish(h, token, "k1"))
			if err != nil || again.Number != a.Number || h.Count() != 1 {
				t.Errorf("again: %+v, %v, %d orders", again, err, h.Count())
			}
		})
	})
}
