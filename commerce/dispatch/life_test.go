package dispatch_test

import (
	"testing"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestLife(t *testing.T) {
	t.Parallel()
	for _, l := range dispatch.Lives {
		if err := l.Check(); err != nil {
			t.Error(err)
		}
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, s := range append(dispatch.Life.States(), "elsewhere") {
			err := d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(`insert into dispatch_shipments (id, number, order_id, fulfillment_id, account_id, location_id, source, courier, carrier, service, reference, state, tracking,
						tracking_url, external, cod_amount, currency, weight_g, packages, created_at, attempts, handovers, announced, updated_at, version)
					values ($1, $1, 'o', 'f', 'a', 'l', 'manual', 'manual', '', '', $1, $2, '', '', '', 0, 'PKR', 0, '[]', 0, 0, 0, false, 0, 1)`, db.ID(), string(s))
				return err
			})
			if (err == nil) != (s != "elsewhere") {
				t.Errorf("%s: %v", s, err)
			}
		}
	})
}
