package demo

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/policy"
	courier "github.com/openclaw-pos/commerce/courier/demo"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// item is one product of the demo's range.
type item struct {
	sku, title, gtin string
	price            int64 // minor units of PKR
	weight           int64
	variant          string
}

// world is the company: legal entities, places and the range, with the ids they got.
type world struct {
	entities  map[string]string // country → legal entity
	locations map[string]string // code → id
	range_    []item
}

// place is one branch or warehouse of the demo.
type place struct{ code, name, kind, country, province, city, zone string }

var places = []place{
	{"PK-LHE-WH", "Lahore warehouse", "warehouse", "PK", "Punjab", "Lahore", "Asia/Karachi"},
	{"PK-LHE-01", "Liberty Market branch", "branch", "PK", "Punjab", "Lahore", "Asia/Karachi"},
	{"PK-KHI-01", "Tariq Road branch", "branch", "PK", "Sindh", "Karachi", "Asia/Karachi"},
	{"AE-DXB-WH", "Jebel Ali warehouse", "warehouse", "AE", "Dubai", "Dubai", "Asia/Dubai"},
	{"AE-DXB-01", "Deira branch", "branch", "AE", "Dubai", "Dubai", "Asia/Dubai"},
	{"DE-BER-01", "Berlin branch", "branch", "DE", "Berlin", "Berlin", "Europe/Berlin"},
}

var garments = []string{"Kurta", "Shalwar Kameez", "Lawn Suit", "Dupatta", "Waistcoat", "Khussa", "Peshawari Chappal", "Shawl", "Sherwani", "Cap", "T-Shirt", "Jeans", "Hoodie", "Scarf", "Clutch", "Bangles", "Sneakers", "Abaya", "Polo", "Trousers"}

var colours = []string{"Ivory", "Indigo", "Maroon", "Teal", "Mustard", "Black", "Rose", "Olive", "Sand", "Navy"}

// stockEach is how many units of a SKU each place starts with: enough that most orders are served, few enough that some fall short.
const stockEach = 60

// build makes the company in an empty database.
func build(ctx context.Context, a *app.App, seed uint64) (*world, error) {
	if err := a.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := a.Vault.Put(tx, "courier:demo", "hook_secret", vault.Hide(courier.Secret), vault.PutOptions{})
		return err
	}); err != nil {
		return nil, err
	}
	w := &world{entities: map[string]string{}, locations: map[string]string{}}
	rnd := rand.New(rand.NewPCG(seed, 17))
	for _, e := range []policy.LegalEntity{
		{Code: "PK", Name: "Openclaw Retail (Pvt) Ltd", Country: "PK", Currency: "PKR", Registrations: []policy.Registration{{Country: "PK", Kind: "ntn", Number: "0000000-0"}, {Country: "PK", Kind: "strn", Number: "00-00-0000-000-00"}}},
		{Code: "AE", Name: "Openclaw Trading LLC", Country: "AE", Currency: "AED", Registrations: []policy.Registration{{Country: "AE", Kind: "trn", Number: "100000000000000"}}},
		{Code: "DE", Name: "Openclaw Handels GmbH", Country: "DE", Currency: "EUR", Registrations: []policy.Registration{{Country: "DE", Kind: "ust_id", Number: "DE000000000"}}},
	} {
		saved, err := a.Policy.SaveEntity(ctx, e, "demo")
		if err != nil {
			return nil, fmt.Errorf("legal entity %s: %w", e.Code, err)
		}
		w.entities[e.Country] = saved.ID
	}
	err := a.DB.Write(ctx, func(tx *db.Tx) error {
		var all []inventory.Location
		for i, p := range places {
			all = append(all, inventory.Location{
				Code: p.code, Name: p.name, Kind: p.kind, LegalEntity: w.entities[p.country], Country: p.country, Province: p.province, City: p.city,
				Zone: p.zone, Priority: int64(i + 1), Fulfils: true, Active: true, Weight: 100,
			})
		}
		ids, err := a.Inventory.SaveLocations(tx, all)
		for i, id := range ids {
			w.locations[places[i].code] = id
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("locations: %w", err)
	}
	for i := range 200 {
		g, c := garments[i%len(garments)], colours[i/len(garments)]
		w.range_ = append(w.range_, item{
			sku: fmt.Sprintf("OC-%03d", i+1), title: g + ", " + c, gtin: gtin13(8960000000000 + int64(i)*10), price: (50 + int64(rnd.IntN(250))) * 5000, weight: 200 + int64(rnd.IntN(900)),
		})
	}
	if err := w.fill(ctx, a); err != nil {
		return nil, err
	}
	return w, nil
}

// fill puts the range into the catalog and stock into the places.
func (w *world) fill(ctx context.Context, a *app.App) error {
	var products []catalog.NewProduct
	for _, it := range w.range_ {
		products = append(products, catalog.NewProduct{SKU: it.sku, Title: it.title, GTIN: it.gtin, WeightG: it.weight})
	}
	err := a.DB.Write(ctx, func(tx *db.Tx) error { return a.Catalog.SaveProducts(tx, products) })
	if err != nil {
		return fmt.Errorf("products: %w", err)
	}
	var skus []string
	for _, it := range w.range_ {
		skus = append(skus, it.sku)
	}
	return a.DB.Write(ctx, func(tx *db.Tx) error {
		ids, err := a.Catalog.Variants(tx, skus)
		if err != nil {
			return err
		}
		var moves []stock.Movement
		for i := range w.range_ {
			it := &w.range_[i]
			it.variant = ids[it.sku]
			for _, p := range places {
				moves = append(moves, stock.Movement{
					Variant: it.variant, Location: w.locations[p.code], Condition: stock.Sellable, Delta: stockEach, Kind: stock.MoveOpening,
					RefKind: "demo", RefID: "opening", Actor: "demo", At: tx.Now,
				})
			}
		}
		if err := a.Inventory.Move(tx, moves); err != nil {
			return err
		}
		if err := a.Inventory.SetShelves(tx, w.shelves()); err != nil {
			return err
		}
		return w.prices(tx, a)
	})
}

// shelves says where goods lie in the warehouse: not in the order of their SKUs, as in every warehouse.
func (w *world) shelves() []inventory.Shelf {
	all := make([]inventory.Shelf, len(w.range_))
	for i, it := range w.range_ {
		at := i * 37 % len(w.range_)
		all[i] = inventory.Shelf{Location: w.locations["PK-LHE-WH"], Variant: it.variant, Name: fmt.Sprintf("%c-%02d-%d", 'A'+rune(at/48), at/4%12+1, at%4+1)}
	}
	return all
}

// prices makes a price list for each country from the rupee price, at a fixed rate of the demo.
func (w *world) prices(tx *db.Tx, a *app.App) error {
	for _, l := range []struct {
		country, currency string
		num, den          int64
	}{{"PK", "PKR", 1, 1}, {"AE", "AED", 1, 75}, {"DE", "EUR", 1, 300}} {
		prices := map[string]int64{}
		for _, it := range w.range_ {
			prices[it.variant] = max(100, it.price*l.num/l.den/50*50)
		}
		if err := a.Catalog.SavePrices(tx, catalog.NewList{Name: "Standard " + l.country, Country: l.country, Currency: l.currency, Prices: prices}); err != nil {
			return fmt.Errorf("prices of %s: %w", l.country, err)
		}
	}
	return nil
}

// gtin13 appends the check digit (GS1 General Specifications, 7.9).
func gtin13(n int64) string {
	s := fmt.Sprintf("%012d", n/10)
	sum := 0
	for i, r := range s {
		d := int(r - '0')
		if i%2 == 1 {
			d *= 3
		}
		sum += d
	}
	return fmt.Sprintf("%s%d", s, (10-sum%10)%10)
}
