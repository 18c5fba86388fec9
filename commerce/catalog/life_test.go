package catalog_test

import (
	"context"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/platform/db"
)

func TestLife(t *testing.T) {
	t.Parallel()
	if err := catalog.Life.Check(); err != nil {
		t.Error(err)
	}
	each(t, func(s *shop) {
		s.products(catalog.NewProduct{SKU: "A", Title: "A"})
		insert := func(state string) error {
			variant := any(nil)
			if state == catalog.IsMapped {
				variant = s.id("A")
			}
			return s.d.Write(context.Background(), func(tx *db.Tx) error {
				_, err := tx.Exec(`insert into channel_products (id, account_id, external, parent, stock_ref, alt, sku, barcode, title, variant_id, state, active, seen_at, version)
					values ($1, 'sh', $1, '', '', '', '', '', '', $2, $3, true, 1, 1)`, "l-"+state, variant, state)
				return err
			})
		}
		for _, state := range catalog.Life.States() {
			if err := insert(string(state)); err != nil {
				t.Errorf("the database refuses %s: %v", state, err)
			}
		}
		if name, ok := db.IsCheck(insert("lost")); !ok || name != "channel_products_state" {
			t.Errorf("the database takes a state the life does not know (%s)", name)
		}
	})
}
