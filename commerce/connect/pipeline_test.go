package connect

import (
	"context"
	"errors"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// ImportAll decodes a batch while the one before it lands.
func TestImportAll(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Run("readings of one order in several batches leave its newest state", func(t *testing.T) {
			h := setup(t, d, channel.Live)
			ctx := t.Context()
			o, err := h.s.open(ctx, h.acc.ID)
			must(t, err)
			var ids []string
			for range 2*batchSize + 10 {
				ids = append(ids, h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1}))
			}
			keep := func() {
				for _, id := range ids {
					c, err := o.ch.Order(ctx, id)
					must(t, err)
					h.keep(c)
				}
			}
			keep()
			for i, id := range ids {
				if i%2 == 0 {
					h.shop.Cancel(id, "changed their mind")
				}
			}
			keep()
			n, err := h.s.ImportAll(ctx)
			must(t, err)
			if want := 2 * len(ids); n != want {
				t.Errorf("%d rows were taken, not %d", n, want)
			}
			if left := h.count(`select count(*) from inbox where state <> 'done'`); left != 0 {
				t.Errorf("%d rows are left", left)
			}
			if n := h.count(`select count(*) from orders`); n != int64(len(ids)) {
				t.Errorf("%d orders, not %d", n, len(ids))
			}
			if n := h.count(`select count(*) from orders where state = 'cancelled'`); n != int64(len(ids)/2) {
				t.Errorf("%d are cancelled, not %d", n, len(ids)/2)
			}
		})
	})
}

// A batch that cannot be landed ends the run, and what was decoded behind it is not lost.
func TestImportAllFails(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d, channel.Live)
		ctx := t.Context()
		o, err := h.s.open(ctx, h.acc.ID)
		must(t, err)
		for range 3 * batchSize {
			c, err := o.ch.Order(ctx, h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1}))
			must(t, err)
			h.keep(c)
		}
		lost := fault.New(fault.Unavailable, "the link is gone")
		landing := h.s.need.Import
		h.s.need.Import = func(*db.Tx, []channel.Arrival) ([]channel.Landing, error) { return nil, lost }
		if _, err := h.s.ImportAll(ctx); !errors.Is(err, lost) {
			t.Fatalf("it says %v", err)
		}
		h.s.need.Import = landing
		must(t, d.Write(context.Background(), func(tx *db.Tx) error { // the leases end
			_, err := tx.Exec(`update inbox set next_at = 0 where state = 'stored'`)
			return err
		}))
		_, err = h.s.ImportAll(ctx)
		must(t, err)
		if n := h.count(`select count(*) from orders`); n != 3*batchSize {
			t.Errorf("%d orders, not %d", n, 3*batchSize)
		}
	})
}
