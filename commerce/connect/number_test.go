package connect

import (
	"context"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// TestNumbersTaken imports a batch whose order numbers others took after they were made ready: more are made ready, and no order waits for a person.
func TestNumbersTaken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d, channel.Live)
		asked := 0
		prepare := h.s.need.Prepare
		h.s.need.Prepare = func(ctx context.Context, country, kind string, n int) error {
			if asked++; asked <= 2 {
				return nil
			}
			return prepare(ctx, country, kind, n)
		}
		for range 3 {
			h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		}
		_, err := h.s.Poll(t.Context(), h.acc.ID)
		must(t, err)
		n, err := h.s.ImportAll(t.Context())
		must(t, err)
		if n != 3 || len(h.orders()) != 3 || asked != 3 {
			t.Fatalf("%d rows taken, %d orders, numbers were asked for %d times", n, len(h.orders()), asked)
		}
		if causes := h.causes(); len(causes) != 0 {
			t.Errorf("cases: %v", causes)
		}
	})
}

// TestNoNumbers imports while no numbers can be had: what came waits by itself, for nobody.
func TestNoNumbers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d, channel.Live)
		prepare := h.s.need.Prepare
		h.s.need.Prepare = func(context.Context, string, string, int) error { return nil }
		h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		_, err := h.s.Poll(t.Context(), h.acc.ID)
		must(t, err)
		if _, err := h.s.ImportAll(t.Context()); err == nil || len(h.orders()) != 0 {
			t.Fatalf("%v, %d orders", err, len(h.orders()))
		}
		if n, causes := h.count(`select count(*) from inbox where state = 'stored'`), h.causes(); n != 1 || len(causes) != 0 {
			t.Fatalf("%d wait, cases: %v", n, causes)
		}
		h.s.need.Prepare = prepare
		must(t, d.Write(t.Context(), func(tx *db.Tx) error { // its lease has ended
			_, err := tx.Exec(`update inbox set next_at = 0`)
			return err
		}))
		n, err := h.s.ImportAll(t.Context())
		must(t, err)
		if n != 1 || len(h.orders()) != 1 {
			t.Fatalf("%d rows taken, %d orders", n, len(h.orders()))
		}
	})
}
