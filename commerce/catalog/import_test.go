package catalog_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/sheet"
)

func (s *shop) load(what, text string, dry bool) sheet.Report {
	s.Helper()
	r, err := s.s.Import(context.Background(), what, strings.NewReader(text), "cli:me", dry)
	if err != nil {
		s.Fatal(err)
	}
	return r
}

func TestImport(t *testing.T) {
	t.Parallel()
	t.Run("of products says row and reason, dry and for good, and the same again changes nothing", func(t *testing.T) {
		t.Parallel()
		const file = "\ufeffSKU;Name;EAN;Weight (g);Parts;Ships\nKIT;Bundle;;;S-1*2@3|S-2;\nS-1;Shirt;4006381333931;200;;yes\nS-2;Shoe;;;;\nS-1;Twice;;;;\n;Nameless;;;;\nS-3;;;;;\n" +
			"S-4;Bad code;12;;;\nS-5;Heavy;;much;;\nS-6;Odd;;;;perhaps\nK-2;Kit of kit;;;KIT;\nK-3;Unknown part;;;S-9;\n"
		want := sheet.Report{What: "products", Dry: true, Rows: 11, Added: 3, Refused: 8, Problems: []sheet.Problem{
			{Row: 5, Column: "sku", Reason: "the same stands in line 3 already"},
			{Row: 6, Column: "sku", Reason: "is missing"},
			{Row: 7, Column: "title", Reason: "is missing"},
			{Row: 8, Column: "gtin", Reason: `"12" is no bar code of 8 to 14 digits`},
			{Row: 9, Column: "weight_g", Reason: `"much" is not a whole number`},
			{Row: 10, Column: "ships", Reason: `"perhaps" is neither yes nor no`},
			{Row: 11, Column: "parts", Reason: `"KIT" is a kit itself`},
			{Row: 12, Column: "parts", Reason: `there is no SKU "S-9"`},
		}}
		each(t, func(s *shop) {
			same(t, want, s.load("products", file, true))
			same(t, 0, len(read(s, func(tx *db.Tx) ([]catalog.Variant, error) { return s.s.List(tx, "", 10) })))
			saved := want
			saved.Dry = false
			same(t, saved, s.load("products", file, false))
			again := saved
			again.Added, again.Same = 0, 3
			same(t, again, s.load("products", file, false))
			same(t, []string{"catalog.import"}, s.acts)
			v := read(s, func(tx *db.Tx) (catalog.Variant, error) { return s.s.BySKU(tx, "KIT") })
			same(t, []int64{2, 3, 1, 1}, []int64{sorted(v.Parts)[0].Quantity, sorted(v.Parts)[0].Weight, sorted(v.Parts)[1].Quantity, sorted(v.Parts)[1].Weight})
		})
	})
	t.Run("leaves what a file does not speak of", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.products(catalog.NewProduct{SKU: "S-1", Title: "Shirt", GTIN: "4006381333931", WeightG: 200, Brand: "Ours"})
			same(t, 1, s.load("products", "sku,weight_g\nS-1,250\n", false).Changed)
			v := read(s, func(tx *db.Tx) (catalog.Variant, error) { return s.s.BySKU(tx, "S-1") })
			same(t, []any{"Shirt", "4006381333931", int64(250)}, []any{v.Title, v.GTIN, v.WeightG})
		})
	})
	t.Run("of more rows than one transaction takes", func(t *testing.T) {
		t.Parallel()
		var file strings.Builder
		file.WriteString("sku,title,parts\nKIT,All,P-0|P-1199\n")
		for i := range 1200 {
			fmt.Fprintf(&file, "P-%d,Product %d,\n", i, i)
		}
		each(t, func(s *shop) {
			same(t, 1201, s.load("products", file.String(), true).Added)
			same(t, 1201, s.load("products", file.String(), false).Added)
			same(t, 1201, s.load("products", file.String(), false).Same)
		})
	})
	t.Run("of prices makes their lists", func(t *testing.T) {
		t.Parallel()
		const file = "sku,price,compare,currency,country,channel,from,to,list\nA,\"1,299.50\",1500,PKR,PK,,,,\nA,1200,,PKR,PK,daraz,2026-01-01,2026-12-31,\nB,5,,PKR,PK,,,,\nA,12.345,,PKR,PK,,2026-02-01,,\n" +
			"A,10,,,,,,,Nowhere\nA,10,5,PKR,PK,,2026-02-02,,\nA,10,,AED,PK,,2026-02-05,,PK PKR\nA,-1,,PKR,PK,,2026-02-03,,\nA,1,,PKR,PK,,soon,,\nA,\"1,250\",,PKR,PK,,2026-02-04,,\nA,1299.50,,PKR,PK,,,,\n"
		problems := []sheet.Problem{
			{Row: 4, Column: "sku", Reason: `there is no SKU "B"`},
			{Row: 5, Column: "price", Reason: `"12.345" may mean thousands or a fraction: write it without separator for thousands`},
			{Row: 6, Column: "country", Reason: `the new price list "Nowhere" needs a country of two letters`},
			{Row: 7, Column: "compare", Reason: "a struck-through price must not be below the price"},
			{Row: 8, Column: "currency", Reason: `the price list "PK PKR" is for "PKR"`},
			{Row: 9, Column: "price", Reason: "must not be negative"},
			{Row: 10, Column: "from", Reason: `"soon" is neither a date like 2026-03-01 nor an instant with its zone`},
			{Row: 11, Column: "price", Reason: `"1,250" may mean thousands or a fraction: write it without separator for thousands`},
			{Row: 12, Column: "sku", Reason: "the same stands in line 2 already"},
		}
		each(t, func(s *shop) {
			s.products(catalog.NewProduct{SKU: "A", Title: "A"})
			want := sheet.Report{What: "prices", Dry: true, Rows: 11, Added: 2, Refused: 9, Problems: problems}
			same(t, want, s.load("prices", file, true))
			want.Dry = false
			same(t, want, s.load("prices", file, false))
			want.Added, want.Same = 0, 2
			same(t, want, s.load("prices", file, false))
			id := s.id("A")
			got := read(s, func(tx *db.Tx) (map[string]catalog.Price, error) {
				return s.s.Price(tx, catalog.PriceQuery{Country: "PK", Currency: "PKR", Channel: "shopify", Variants: []string{id}, At: now})
			})
			same(t, []money.Amount{money.Of(129950, "PKR"), money.Of(150000, "PKR")}, []money.Amount{got[id].Amount, got[id].Compare})
			same(t, 1, s.load("prices", "sku,price,list\nA,1100,PK PKR\n", false).Changed)
		})
	})
	t.Run("of costs knows the companies", func(t *testing.T) {
		t.Parallel()
		const file = "sku,company,cost,currency\nA,PK1,700,PKR\nA,XX,1,PKR\nA,PK1,1,RUPEE\n"
		each(t, func(s *shop) {
			s.products(catalog.NewProduct{SKU: "A", Title: "A"})
			r := s.load("costs", file, false)
			same(t, sheet.Report{What: "costs", Rows: 3, Added: 1, Refused: 2, Problems: []sheet.Problem{
				{Row: 3, Column: "legal_entity", Reason: `there is no legal entity "XX"`}, {Row: 4, Column: "sku", Reason: "the same stands in line 2 already"},
			}}, r)
			same(t, 1, s.load("costs", file, false).Same)
			same(t, 1, s.load("costs", "sku,company,cost,currency\nA,PK1,750,PKR\n", false).Changed)
		})
	})
	t.Run("refuses another kind of file", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			_, err := s.s.Import(context.Background(), "people", strings.NewReader("sku\n"), "cli:me", true)
			refused(t, fault.Invalid, err)
			_, err = s.s.Import(context.Background(), "prices", strings.NewReader("sku\nA\n"), "cli:me", true)
			refused(t, fault.Invalid, err)
		})
	})
}
