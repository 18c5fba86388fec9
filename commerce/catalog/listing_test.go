package catalog_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

func ask(account string, ref channel.ListingRef) catalog.ListingQuery {
	return catalog.ListingQuery{Account: account, Ref: ref, Title: "Lawn shirt blue"}
}

func (s *shop) queue() []catalog.Listing {
	s.Helper()
	return read(s, func(tx *db.Tx) ([]catalog.Listing, error) { return s.s.Unmapped(tx, "", "", 100) })
}

func TestResolve(t *testing.T) {
	t.Parallel()
	t.Run("maps by SKU, exactly, and answers at the same index", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.products(catalog.NewProduct{SKU: "S-1", Title: "Shirt", WeightG: 200}, catalog.NewProduct{SKU: "GIFT", Title: "Voucher", Digital: true})
			q := []catalog.ListingQuery{
				ask("sh", channel.ListingRef{External: "11", SKU: "S-1"}), ask("sh", channel.ListingRef{External: "12", SKU: "s-1"}),
				ask("sh", channel.ListingRef{External: "13", SKU: "GIFT"}), ask("sh", channel.ListingRef{External: "11", SKU: "S-1"}), ask("sh", channel.ListingRef{}),
			}
			first := s.resolve(q...)
			same(t, []string{s.id("S-1"), "", s.id("GIFT"), s.id("S-1"), ""}, []string{first[0].Variant, first[1].Variant, first[2].Variant, first[3].Variant, first[4].Variant})
			same(t, catalog.Resolved{Listing: first[0].Listing, Variant: s.id("S-1"), SKU: "S-1", Title: "Shirt", Ships: true, WeightG: 200, TaxClass: "standard"}, first[0])
			same(t, false, first[2].Ships)
			same(t, catalog.Resolved{}, first[4])
			same(t, first, s.resolve(q...))
			waits := s.queue()
			if len(waits) != 1 || waits[0].Ref.External != "12" || waits[0].Title != "Lawn shirt blue" {
				t.Errorf("want one in the queue, got %+v", waits)
			}
		})
	})
	t.Run("maps by a bar code that names one variant, however it is written", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.products(catalog.NewProduct{SKU: "A", Title: "A", GTIN: "0036000291452"}, catalog.NewProduct{SKU: "B", Title: "B", GTIN: "4006381333931"}, catalog.NewProduct{SKU: "C", Title: "C", GTIN: "04006381333931"})
			got := s.resolve(ask("sh", channel.ListingRef{External: "1", Barcode: "036000291452"}), ask("sh", channel.ListingRef{External: "2", Barcode: "4006381333931"}), ask("sh", channel.ListingRef{External: "3", Barcode: "n/a"}))
			same(t, []string{s.id("A"), "", ""}, []string{got[0].Variant, got[1].Variant, got[2].Variant})
		})
	})
	t.Run("gives a kit its parts", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.products(catalog.NewProduct{SKU: "A", Title: "A"}, catalog.NewProduct{SKU: "B", Title: "B"},
				catalog.NewProduct{SKU: "KIT", Title: "Both", Parts: []event.Part{{SKU: "A", Quantity: 2, Weight: 3}, {SKU: "B", Quantity: 1}}})
			got := s.resolve(ask("sh", channel.ListingRef{External: "1", SKU: "KIT"}))[0]
			same(t, true, got.Kit)
			same(t, []event.Part{{Variant: s.id("A"), SKU: "A", Title: "A", Quantity: 2, Weight: 3}, {Variant: s.id("B"), SKU: "B", Title: "B", Quantity: 1, Weight: 1}}, sorted(got.Parts))
		})
	})
	t.Run("finds a pulled listing by the partner's second key", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.products(catalog.NewProduct{SKU: "S-1", Title: "Shirt"})
			s.pull("dz", channel.Listing{Ref: channel.ListingRef{External: "900", Alt: "90_PK-1", SKU: "S-1"}, Active: true})
			got := s.resolve(ask("dz", channel.ListingRef{Alt: "90_PK-1", SKU: "other"}))[0]
			same(t, s.id("S-1"), got.Variant)
			same(t, 0, len(s.queue()))
		})
	})
	t.Run("by many orders at once makes one listing", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					err := s.d.Write(context.Background(), func(tx *db.Tx) error {
						_, err := s.s.Resolve(tx, []catalog.ListingQuery{ask("sh", channel.ListingRef{External: fmt.Sprint(i % 2)}), ask("sh", channel.ListingRef{External: fmt.Sprint(1 - i%2)})})
						return err
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			same(t, 2, len(s.queue()))
		})
	})
}

func sorted(parts []event.Part) []event.Part {
	if len(parts) == 2 && parts[0].SKU > parts[1].SKU {
		parts[0], parts[1] = parts[1], parts[0]
	}
	return parts
}

func (s *shop) pull(account string, all ...channel.Listing) (r catalog.SaveResult) {
	s.Helper()
	s.write(func(tx *db.Tx) (err error) {
		r, err = s.s.SaveListings(tx, account, all)
		return err
	})
	return r
}

func TestSaveListings(t *testing.T) {
	t.Parallel()
	t.Run("maps what waited, and says so once", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			waiting := s.resolve(ask("sh", channel.ListingRef{External: "11"}))[0].Listing
			s.products(catalog.NewProduct{SKU: "S-1", Title: "Shirt"})
			nine := int64(9)
			offer := channel.Listing{Ref: channel.ListingRef{External: "11", Parent: "1", Stock: "77", SKU: "S-1"}, Title: "Shirt", Variant: "blue", Active: true, Price: money.Of(129900, "PKR"), Quantity: &nine}
			same(t, catalog.SaveResult{Seen: 1, Mapped: 1, New: []string{waiting}}, s.pull("sh", offer, offer, channel.Listing{}))
			same(t, catalog.SaveResult{Seen: 1, Mapped: 1}, s.pull("sh", offer))
			same(t, []string{s.id("S-1")}, s.told(waiting))
			price := money.Of(129900, "PKR")
			got := read(s, func(tx *db.Tx) (catalog.Listing, error) { return s.s.Listing(tx, waiting) })
			got.Version = 0
			same(t, catalog.Listing{
				ID: waiting, Account: "sh", Ref: offer.Ref, Title: "Shirt / blue", Variant: s.id("S-1"), SKU: "S-1", State: catalog.IsMapped, MappedBy: "sku", Active: true,
				Price: &price, Quantity: &nine,
			}, got)
		})
	})
	t.Run("leaves what a person decided", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.products(catalog.NewProduct{SKU: "S-1", Title: "Shirt"}, catalog.NewProduct{SKU: "S-2", Title: "Shirt two"})
			s.pull("sh", channel.Listing{Ref: channel.ListingRef{External: "1", SKU: "S-1"}, Active: true}, channel.Listing{Ref: channel.ListingRef{External: "2", SKU: "S-1"}, Active: true})
			all := read(s, func(tx *db.Tx) ([]catalog.Listing, error) { return s.s.All(tx, "sh", "", "", 10) })
			if err := s.s.Map(context.Background(), all[0].ID, "S-2", "key:1"); err != nil {
				t.Fatal(err)
			}
			if err := s.s.Ignore(context.Background(), all[1].ID, "key:1"); err != nil {
				t.Fatal(err)
			}
			s.pull("sh", channel.Listing{Ref: channel.ListingRef{External: "1", SKU: "S-1"}, Active: true}, channel.Listing{Ref: channel.ListingRef{External: "2", SKU: "S-1"}, Active: true})
			got := s.resolve(ask("sh", channel.ListingRef{External: "1"}), ask("sh", channel.ListingRef{External: "2"}))
			same(t, []any{"S-2", "", true}, []any{got[0].SKU, got[1].SKU, got[1].Ignored})
		})
	})
	t.Run("takes over a listing that an order named by a lesser key", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			waiting := s.resolve(ask("dz", channel.ListingRef{Alt: "90_PK-1"}))[0].Listing
			s.products(catalog.NewProduct{SKU: "S-1", Title: "Shirt"})
			r := s.pull("dz", channel.Listing{Ref: channel.ListingRef{External: "900", Alt: "90_PK-1", SKU: "S-1"}, Active: true})
			same(t, []string{waiting}, r.New)
			all := read(s, func(tx *db.Tx) ([]catalog.Listing, error) { return s.s.All(tx, "dz", "", "", 10) })
			if len(all) != 1 || all[0].Ref.External != "900" {
				t.Errorf("got %+v", all)
			}
		})
	})
}

func TestMap(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("tells who waited, and is taken back by unmap", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.products(catalog.NewProduct{SKU: "S-1", Title: "Shirt"})
			l := s.resolve(ask("sh", channel.ListingRef{External: "11"}))[0].Listing
			for range 2 {
				if err := s.s.Map(ctx, l, "S-1", "key:1"); err != nil {
					t.Fatal(err)
				}
			}
			same(t, []string{s.id("S-1")}, s.told(l))
			if err := s.s.Unmap(ctx, l, "key:1"); err != nil {
				t.Fatal(err)
			}
			same(t, 1, len(s.queue()))
			if err := s.s.Ignore(ctx, l, "key:1"); err != nil {
				t.Fatal(err)
			}
			same(t, []string{s.id("S-1"), ""}, s.told(l))
			same(t, []string{"listing.map", "listing.unmap", "listing.ignore"}, s.acts)
			r := read(s, func(tx *db.Tx) (catalog.Resolved, error) { return s.s.ResolvedOf(tx, l) })
			same(t, catalog.Resolved{Listing: l, Ignored: true}, r)
			refused(t, fault.Invalid, s.s.Map(ctx, l, "S-9", "key:1"))
			refused(t, fault.NotFound, s.s.Map(ctx, "nothing", "S-1", "key:1"))
		})
	})
	t.Run("happens by itself when the SKU or the bar code becomes known", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			got := s.resolve(ask("sh", channel.ListingRef{External: "11", SKU: "S-1"}), ask("sh", channel.ListingRef{External: "12", Barcode: "036000291452"}))
			s.products(catalog.NewProduct{SKU: "S-1", Title: "Shirt"}, catalog.NewProduct{SKU: "S-2", Title: "Other", GTIN: "0036000291452"})
			same(t, 0, len(s.queue()))
			same(t, []string{s.id("S-1")}, s.told(got[0].Listing))
			same(t, []string{s.id("S-2")}, s.told(got[1].Listing))
		})
	})
}

func TestListings(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		s.products(catalog.NewProduct{SKU: "A", Title: "A"}, catalog.NewProduct{SKU: "B", Title: "B"}, catalog.NewProduct{SKU: "KIT", Title: "Kit", Parts: []event.Part{{SKU: "A", Quantity: 1}}})
		for _, account := range []string{"sh", "dz"} {
			for _, sku := range []string{"A", "B", "KIT"} {
				s.pull(account, channel.Listing{Ref: channel.ListingRef{External: sku, SKU: sku}, Active: sku != "B"})
			}
		}
		list := func(account string, skus ...string) (out []string) {
			var ids []string
			for _, sku := range skus {
				ids = append(ids, s.id(sku))
			}
			for _, l := range read(s, func(tx *db.Tx) ([]catalog.Listing, error) { return s.s.Listings(tx, account, ids) }) {
				out = append(out, l.Account+" "+l.SKU)
			}
			return out
		}
		same(t, []string{"dz A", "dz KIT", "sh A", "sh KIT"}, list("", "A", "B"))
		same(t, []string{"sh A", "sh KIT"}, list("sh", "A"))
		parts := []string{s.id("A"), s.id("B")}
		same(t, []string{s.id("KIT")}, read(s, func(tx *db.Tx) ([]string, error) { return s.s.KitsWith(tx, parts) }))
		first := read(s, func(tx *db.Tx) ([]catalog.Listing, error) { return s.s.Mapped(tx, "sh", "", 1) })
		rest := read(s, func(tx *db.Tx) ([]catalog.Listing, error) { return s.s.Mapped(tx, "sh", first[0].ID, 10) })
		same(t, []string{"A", "KIT"}, []string{first[0].SKU, rest[0].SKU})
	})
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		s.products(
			catalog.NewProduct{SKU: "LWN-BLU-M", Title: "Ladies suit"}, catalog.NewProduct{SKU: "X1", Title: "Lawn Shirt, blue (medium)"}, catalog.NewProduct{SKU: "X2", Title: "Lawn trousers"},
			catalog.NewProduct{SKU: "X3", Title: "Teapot"}, catalog.NewProduct{SKU: "X4", Title: "Kettle", GTIN: "4006381333931"}, catalog.NewProduct{SKU: "X5", Title: "Kettle", GTIN: "04006381333931"},
		)
		l := s.resolve(catalog.ListingQuery{Account: "sh", Ref: channel.ListingRef{External: "1", SKU: "lwn blu m", Barcode: "4006381333931"}, Title: "Blue LAWN shirt Médium"})[0].Listing
		var got []string
		for _, x := range read(s, func(tx *db.Tx) ([]catalog.Suggestion, error) { return s.s.Suggestions(tx, l, 10) }) {
			got = append(got, fmt.Sprint(x.SKU, " ", x.Why, " ", x.Score))
		}
		same(t, []string{"LWN-BLU-M sku 100", "X4 gtin 95", "X5 gtin 95", "X1 title 90", "X2 title 29"}[:4], got)
	})
}
