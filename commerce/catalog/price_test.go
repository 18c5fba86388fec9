package catalog_test

import (
	"context"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

func TestPrice(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		s.products(catalog.NewProduct{SKU: "A", Title: "A"}, catalog.NewProduct{SKU: "B", Title: "B"})
		a, b := s.id("A"), s.id("B")
		s.write(func(tx *db.Tx) error {
			err := s.s.SaveLists(tx, []catalog.List{
				{Name: "general", Country: "PK", Currency: "PKR", Priority: 5, Active: true},
				{Name: "better", Country: "PK", Currency: "PKR", Priority: 1, Active: true},
				{Name: "daraz", Country: "PK", Currency: "PKR", Channel: "daraz", Priority: 9, Active: true},
				{Name: "shop 7", Country: "PK", Currency: "PKR", Channel: "daraz", Account: "acc7", Priority: 9, Active: true},
				{Name: "off", Country: "PK", Currency: "PKR", Account: "acc7"},
				{Name: "AE", Country: "AE", Currency: "AED", Active: true},
			})
			if err != nil {
				return err
			}
			old := now.Add(-48 * time.Hour)
			return s.s.AddPrices(tx, []catalog.NewPrice{
				{List: "general", Variant: a, Amount: 100, From: old},
				{List: "general", Variant: a, Amount: 90, Compare: 100, From: now.Add(-time.Hour), To: now.Add(time.Hour)},
				{List: "better", Variant: b, Amount: 50, From: old},
				{List: "general", Variant: b, Amount: 60, From: old},
				{List: "daraz", Variant: a, Amount: 110, From: old},
				{List: "shop 7", Variant: a, Amount: 120, From: now.Add(time.Hour)},
				{List: "off", Variant: a, Amount: 1, From: old},
				{List: "AE", Variant: a, Amount: 7, From: old},
			})
		})
		price := func(channel, account string, at time.Time) (minor [2]int64) {
			got := read(s, func(tx *db.Tx) (map[string]catalog.Price, error) {
				return s.s.Price(tx, catalog.PriceQuery{Country: "PK", Currency: "PKR", Channel: channel, Account: account, Variants: []string{a, b, "none"}, At: at})
			})
			return [2]int64{got[a].Amount.Minor, got[b].Amount.Minor}
		}
		same(t, [2]int64{90, 50}, price("shopify", "acc1", now))
		same(t, [2]int64{100, 50}, price("shopify", "acc1", now.Add(time.Hour)))
		same(t, [2]int64{100, 50}, price("shopify", "acc1", now.Add(-2*time.Hour)))
		same(t, [2]int64{110, 50}, price("daraz", "acc7", now))
		same(t, [2]int64{120, 50}, price("daraz", "acc7", now.Add(2*time.Hour)))
		same(t, [2]int64{0, 0}, price("daraz", "acc7", now.Add(-72*time.Hour)))
		for kind, fn := range map[fault.Kind]func(tx *db.Tx) error{
			fault.Conflict: func(tx *db.Tx) error {
				return s.s.SaveLists(tx, []catalog.List{{Name: "general", Country: "PK", Currency: "USD"}})
			},
			fault.Invalid: func(tx *db.Tx) error {
				return s.s.AddPrices(tx, []catalog.NewPrice{{List: "none", Variant: a, Amount: 1}})
			},
		} {
			refused(t, kind, s.d.Write(context.Background(), fn))
		}
	})
}

func TestCosts(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		s.products(catalog.NewProduct{SKU: "A", Title: "A"}, catalog.NewProduct{SKU: "B", Title: "B"})
		a, b := s.id("A"), s.id("B")
		s.write(func(tx *db.Tx) error {
			return s.s.SaveCosts(tx, []catalog.Cost{
				{Variant: a, LegalEntity: "le", Amount: money.Of(10, "PKR"), From: now.Add(-time.Hour)},
				{Variant: a, LegalEntity: "le", Amount: money.Of(12, "PKR")},
				{Variant: a, LegalEntity: "other", Amount: money.Of(99, "PKR")},
			})
		})
		cost := func(at time.Time) map[string]money.Amount {
			return read(s, func(tx *db.Tx) (map[string]money.Amount, error) { return s.s.Costs(tx, "le", []string{a, b}, at) })
		}
		same(t, map[string]money.Amount{a: money.Of(12, "PKR")}, cost(now))
		same(t, map[string]money.Amount{a: money.Of(10, "PKR")}, cost(now.Add(-time.Minute)))
		same(t, map[string]money.Amount{}, cost(now.Add(-2*time.Hour)))
	})
}

func TestSaveProducts(t *testing.T) {
	t.Parallel()
	save := func(s *shop, all ...catalog.NewProduct) error {
		return s.d.Write(context.Background(), func(tx *db.Tx) error { return s.s.SaveProducts(tx, all) })
	}
	each(t, func(s *shop) {
		kit := catalog.NewProduct{SKU: "KIT", Title: "Kit", Parts: []event.Part{{SKU: "A", Quantity: 2}}}
		s.products(catalog.NewProduct{SKU: "B", Code: "P", Product: "Both", Title: "B", GTIN: "4006381333931"}, catalog.NewProduct{SKU: "A", Code: "P", Title: "A"}, kit)
		id := s.id("A")
		s.products(catalog.NewProduct{SKU: "A", Title: "A again"})
		same(t, id, s.id("A"))
		got := read(s, func(tx *db.Tx) ([]catalog.Variant, error) { return s.s.List(tx, "A", 10) })
		same(t, []string{"B", "KIT"}, []string{got[0].SKU, got[1].SKU})
		v := read(s, func(tx *db.Tx) (catalog.Variant, error) { return s.s.BySKU(tx, "KIT") })
		same(t, []event.Part{{Variant: id, SKU: "A", Title: "A again", Quantity: 2, Weight: 2}}, v.Parts)
		for _, bad := range [][]catalog.NewProduct{
			{{SKU: "", Title: "X"}},
			{{SKU: "X"}},
			{{SKU: "X", Title: "X"}, {SKU: "X", Title: "X"}},
			{{SKU: "X", Title: "X", GTIN: "123"}},
			{{SKU: "X", Title: "X", Parts: []event.Part{{SKU: "none", Quantity: 1}}}},
			{{SKU: "X", Title: "X", Parts: []event.Part{{SKU: "A"}}}},
			{{SKU: "X", Title: "X", Parts: []event.Part{{SKU: "KIT", Quantity: 1}}}},
			{{SKU: "A", Title: "A", Parts: []event.Part{{SKU: "B", Quantity: 1}}}},
		} {
			refused(t, fault.Invalid, save(s, bad...))
		}
		kit.Parts = nil
		s.products(kit)
		v = read(s, func(tx *db.Tx) (catalog.Variant, error) { return s.s.BySKU(tx, "KIT") })
		same(t, []any{false, 0}, []any{v.Kit, len(v.Parts)})
	})
}
