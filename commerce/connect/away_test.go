package connect

import (
	"context"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// TestRulesAway imports while the rules of addresses cannot be read: the order waits by itself and is held for nobody.
func TestRulesAway(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d, channel.Live)
		away := true
		h.s.need.AddressMissing = func(context.Context, string, channel.Address) ([]string, error) {
			if away {
				return nil, fault.New(fault.Unavailable, "the database is away")
			}
			return nil, nil
		}
		h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		_, err := h.s.Poll(t.Context(), h.acc.ID)
		must(t, err)
		n, err := h.s.ImportAll(t.Context())
		must(t, err)
		if left := h.count(`select count(*) from inbox where state = 'stored'`); n != 1 || left != 1 || len(h.orders()) != 0 || len(h.causes()) != 0 {
			t.Fatalf("%d rows taken, %d left, %d orders, cases %v", n, left, len(h.orders()), h.causes())
		}
		away = false
		must(t, d.Write(t.Context(), func(tx *db.Tx) error { // its lease has ended
			_, err := tx.Exec(`update inbox set next_at = 0`)
			return err
		}))
		_, err = h.s.ImportAll(t.Context())
		must(t, err)
		if held := h.count(`select count(*) from orders where holds > 0`); len(h.orders()) != 1 || held != 0 {
			t.Fatalf("%d orders, %d held", len(h.orders()), held)
		}
	})
}
