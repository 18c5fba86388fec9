package inventory_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// BenchmarkReserve reserves for 64 orders of three lines in one transaction, over 2,000 SKUs at three locations.
func BenchmarkReserve(b *testing.B) {
	dbtest.EachB(b, func(b *testing.B, d *db.DB) {
		s := inventory.New(inventory.Needs{DB: d})
		var prefer []string
		err := d.Write(context.Background(), func(tx *db.Tx) (err error) {
			var all []inventory.Location
			for i := range 3 {
				all = append(all, inventory.Location{Code: fmt.Sprint("L", i), Kind: inventory.Warehouse, LegalEntity: "le", Country: "PK", Fulfils: true, Active: true})
			}
			prefer, err = s.SaveLocations(tx, all)
			return err
		})
		for sku := 0; err == nil && sku < 2000; sku += 250 {
			var ms []stock.Movement
			for i := range 250 {
				for _, l := range prefer {
					ms = append(ms, stock.Movement{Variant: fmt.Sprint("sku", sku+i), Location: l, Delta: 1_000_000, Kind: stock.MoveOpening, RefKind: "bench", RefID: "1"})
				}
			}
			err = d.Write(context.Background(), func(tx *db.Tx) error { return s.Move(tx, ms) })
		}
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for b.Loop() {
			var ds []stock.Demand
			for range 64 {
				n++
				for l := range 3 {
					ds = append(ds, stock.Demand{
						Holder: stock.ByLine, HolderID: fmt.Sprint("line", n, l), OrderID: fmt.Sprint("order", n), Variant: fmt.Sprint("sku", (n*7+l*641)%2000),
						Quantity: 1, Rank: int64(n), Prefer: prefer, Sold: true, Partial: true,
					})
				}
			}
			err := d.Write(context.Background(), func(tx *db.Tx) error { _, err := s.Reserve(tx, ds); return err })
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(64*b.N)/b.Elapsed().Seconds(), "orders/s")
	})
}
