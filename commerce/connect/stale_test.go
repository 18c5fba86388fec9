package connect

import (
	"context"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestPassedOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d, channel.Live)
		h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		h.work()
		var newest stored
		// again is how many readings of the same content would be stored.
		again := func(change string) (n int) {
			must(t, d.Write(context.Background(), func(tx *db.Tx) error {
				if err := tx.QueryRow(`select external, content_hash from inbox order by n desc limit 1`).Scan(&newest.external, &newest.hash); err != nil {
					return err
				}
				if change != "" {
					if _, err := tx.Exec(change); err != nil {
						return err
					}
				}
				fresh, err := h.s.home().unknown(tx, h.acc.ID, []*stored{&newest}, nil)
				n = len(fresh)
				return err
			}))
			return n
		}
		t.Run("the same content again stores nothing", func(t *testing.T) {
			if n := again(""); n != 0 {
				t.Errorf("%d stored", n)
			}
		})
		t.Run("a reading that was passed over at the time of what is held counts when the channel says it again", func(t *testing.T) {
			if n := again(`update inbox set cause = 'stale'`); n != 1 {
				t.Errorf("%d stored", n)
			}
		})
		t.Run("one that is older than what is held does not", func(t *testing.T) {
			if n := again(`update channel_orders set version_at = version_at + 1`); n != 0 {
				t.Errorf("%d stored", n)
			}
		})
	})
}
