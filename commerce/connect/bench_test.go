package connect

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// BenchmarkImport64 is the way of an order from the stored raw to the commit: 64 a batch, three lines each, of 5,000 SKUs of which fifty take a third of the sales.
// One importer, the real catalog, inventory and payments behind it, commits that wait for the disk.
func BenchmarkImport64(b *testing.B) {
	dbtest.EachB(b, func(b *testing.B, d *db.DB) {
		ctx := context.Background()
		h := setup(b, d, channel.Live)
		h.assortment(5000)
		rnd := rand.New(rand.NewPCG(1, 2))
		left := 0
		b.ReportAllocs()
		for b.Loop() {
			if left == 0 {
				b.StopTimer()
				left = h.storeSales(rnd, 20)
				b.StartTimer()
			}
			n, err := h.s.ImportOnce(ctx)
			if err != nil || n != batchSize {
				b.Fatalf("%d rows, %v", n, err)
			}
			left--
		}
		b.ReportMetric(float64(b.N*batchSize)/b.Elapsed().Seconds(), "orders/s")
		if n := h.count(`select count(*) from inbox where state in ('stuck', 'dead')`); n != 0 {
			b.Fatalf("%d stuck", n)
		}
	}, dbtest.Config{Sync: true})
}

// assortment makes n SKUs with plenty of stock, offered on the shop.
func (h *house) assortment(n int) {
	h.t.Helper()
	ctx := context.Background()
	for from := 0; from < n; from += 500 {
		must(h.t, h.d.Write(ctx, func(tx *db.Tx) error {
			var skus []string
			var ps []catalog.NewProduct
			for i := from; i < from+500; i++ {
				sku := fmt.Sprintf("SKU-%05d", i)
				skus = append(skus, sku)
				ps = append(ps, catalog.NewProduct{SKU: sku, Title: sku})
			}
			if err := h.cat.SaveProducts(tx, ps); err != nil {
				return err
			}
			vs, err := h.cat.Variants(tx, skus)
			if err != nil {
				return err
			}
			var ms []stock.Movement
			for _, sku := range skus {
				ms = append(ms, stock.Movement{Variant: vs[sku], Location: h.location, Condition: stock.Sellable, Delta: 1_000_000, Kind: stock.MoveOpening, RefKind: "test", RefID: "opening", Actor: "test", At: tx.Now})
			}
			return h.inv.Move(tx, ms)
		}))
	}
	for i := range n {
		h.shop.Offer(fmt.Sprintf("SKU-%05d", i), money.Of(int64(10000+i), "PKR"), 10)
	}
	_, err := h.s.PullListings(ctx, h.acc.ID)
	must(h.t, err)
}

// storeSales stores raws of so many batches of new orders and answers how many batches there are.
func (h *house) storeSales(rnd *rand.Rand, batches int) int {
	h.t.Helper()
	ctx := context.Background()
	o, err := h.s.open(ctx, h.acc.ID)
	must(h.t, err)
	for range batches {
		var rows []*stored
		for range batchSize {
			id := h.shop.PlaceBasket(demo.Basket{Items: []demo.Item{{SKU: hot(rnd), Quantity: 1}, {SKU: hot(rnd), Quantity: 2}, {SKU: hot(rnd), Quantity: 1}}, TaxRate: "0.18"})
			c, err := o.ch.Order(ctx, id)
			must(h.t, err)
			row, err := h.s.home().seal(h.acc.ID, "poll", "orders", c)
			must(h.t, err)
			rows = append(rows, row)
		}
		must(h.t, h.d.Write(ctx, func(tx *db.Tx) error { return h.s.home().store(tx, rows) }))
	}
	return batches
}

// hot is a SKU: one of fifty in a third of the cases.
func hot(rnd *rand.Rand) string {
	if rnd.IntN(3) == 0 {
		return fmt.Sprintf("SKU-%05d", rnd.IntN(50))
	}
	return fmt.Sprintf("SKU-%05d", rnd.IntN(5000))
}
