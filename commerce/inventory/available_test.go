package inventory_test

import (
	"context"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

func (s *shop) explain(variant string, q inventory.AvailQuery) inventory.Explained {
	s.Helper()
	return read(s, func(tx *db.Tx) (inventory.Explained, error) { return s.s.Explain(tx, variant, q) })
}

func TestAvailable(t *testing.T) {
	t.Parallel()
	t.Run("explains every term of a promise", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 12)
			s.put("shirt", s.a, 5)
			s.write(func(tx *db.Tx) error {
				if err := s.s.SetSafety(tx, []inventory.Safety{{Variant: "shirt", Location: s.w, Quantity: 2}}); err != nil {
					return err
				}
				return s.s.SetBuffers(tx, []inventory.Buffer{{Account: "daraz", Variant: "shirt", Quantity: 3}, {Account: "daraz", Quantity: 1}})
			})
			s.reserve(s.line("1", "shirt", 3, 1))
			s.write(func(tx *db.Tx) error { return s.s.Heard(tx, s.clock.Now(), s.a) })
			s.clock.Advance(20 * time.Minute)
			same(t, `PK-A: 5 on hand − 0 reserved − 0 safety = 5, not heard of for 20m0s, counts 50 % = 2
PK-WH: 12 on hand − 3 reserved − 2 safety = 7
9 available − 3 held back for the channel = 6 promised
`, s.explain("shirt", inventory.AvailQuery{Account: "daraz", Country: "PK"}).String())
			same(t, int64(9), s.explain("shirt", inventory.AvailQuery{}).Promise)
			same(t, int64(0), s.explain("shirt", inventory.AvailQuery{Country: "DE"}).Promise)
			same(t, int64(7), s.explain("shirt", inventory.AvailQuery{Locations: []string{s.w}}).Promise)
			same(t, int64(0), s.explain("nothing", inventory.AvailQuery{Account: "daraz"}).Promise)
			s.clock.Advance(time.Hour)
			same(t, int64(7), s.explain("shirt", inventory.AvailQuery{}).Promise)
		})
	})
	t.Run("makes as many kits as the scarcest part allows", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 7)
			s.put("socks", s.w, 9)
			s.kits["outfit"] = []event.Part{{Variant: "shirt", SKU: "S-1", Quantity: 1}, {Variant: "socks", SKU: "S-2", Quantity: 2}}
			s.write(func(tx *db.Tx) error { return s.s.SetBuffers(tx, []inventory.Buffer{{Account: "daraz", Quantity: 1}}) })
			e := s.explain("outfit", inventory.AvailQuery{Account: "daraz"})
			same(t, []int64{4, 3}, []int64{e.Available, e.Promise})
			same(t, int64(7), e.Kit[0].Kits)
		})
	})
}

func TestWeigh(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		s.put("shirt", s.a, 5)
		s.write(func(tx *db.Tx) error { return s.s.Heard(tx, s.clock.Now(), s.a) })
		weigh := func() (changed int, told []string) {
			s.Helper()
			s.changed()
			changed, err := s.s.Weigh(context.Background())
			if err != nil {
				s.Fatal(err)
			}
			return changed, s.changed()
		}
		check := func(want int, wantTold ...string) {
			s.Helper()
			changed, told := weigh()
			same(s, want, changed)
			same(s, len(wantTold), len(told))
		}
		check(0)
		s.clock.Advance(20 * time.Minute)
		check(1, "shirt")
		check(0)
		s.clock.Advance(time.Hour)
		check(1, "shirt")
		same(t, 1, len(s.cases(exception.StaleLocation)))
		s.write(func(tx *db.Tx) error { return s.s.Heard(tx, s.clock.Now(), s.a) })
		check(1, "shirt")
		same(t, 0, len(s.cases(exception.StaleLocation)))
	})
}

// changed takes what must be told.
func (s *shop) changed() (variants []string) {
	s.Helper()
	s.write(func(tx *db.Tx) (err error) {
		variants, err = s.s.TakeChanged(tx, 2)
		return err
	})
	return variants
}

func TestTakeChanged(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		for _, v := range []string{"c", "a", "b"} {
			s.put(v, s.w, 1)
			s.put(v, s.a, 1)
		}
		same(t, []string{"a", "b"}, s.changed())
		same(t, []string{"c"}, s.changed())
		same(t, 0, len(s.changed()))
		s.reserve(s.line("1", "b", 1, 1))
		same(t, []string{"b"}, s.changed())
		s.reserve(s.line("1", "b", 1, 1))
		same(t, 0, len(s.changed()))
		s.Run("what sold out overtakes", func(t *testing.T) {
			for _, v := range []string{"a", "b", "c"} {
				s.put(v, s.w, 5)
			}
			s.reserve(s.line("2", "c", 6, 1))
			same(t, []string{"a", "c"}, s.changed())
			same(t, []string{"b"}, s.changed())
			same(t, 0, len(s.changed()))
		})
	})
}

func TestRanked(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		s.write(func(tx *db.Tx) error {
			_, err := s.s.SaveLocations(tx, []inventory.Location{
				{Code: "DE-1", Kind: inventory.Warehouse, LegalEntity: "gmbh", Country: "DE", Zone: "Europe/Berlin", Priority: 1, Fulfils: true, Active: true},
				{Code: "AE-1", Kind: inventory.Warehouse, LegalEntity: "le", Country: "AE", Zone: "Asia/Dubai", Priority: 0, Fulfils: true, Active: true},
				{Code: "PK-C", Kind: inventory.Branch, LegalEntity: "le", Country: "PK", City: "karachi", Zone: "Asia/Karachi", Priority: 2, Fulfils: true, Active: true},
				{Code: "PK-OFF", Kind: inventory.Branch, LegalEntity: "le", Country: "PK", Zone: "Asia/Karachi", Fulfils: true},
				{Code: "PK-SHOP", Kind: inventory.Branch, LegalEntity: "le", Country: "PK", Zone: "Asia/Karachi", Active: true},
				{Code: "PK-FBD", Kind: inventory.AtChannel, LegalEntity: "le", Country: "PK", Zone: "Asia/Karachi", Fulfils: true, Active: true, Account: "daraz"},
			})
			return err
		})
		places := read(s, func(tx *db.Tx) ([][]inventory.Place, error) {
			return s.s.Ranked(tx, []inventory.Route{
				{LegalEntity: "le", Country: "PK", City: "Lahore"}, {LegalEntity: "le", Country: "PK", City: "Karachi "}, {LegalEntity: "gmbh", Country: "AT"}, {LegalEntity: "none"},
			})
		})
		var codes [][]string
		for _, list := range places {
			var row []string
			for _, p := range list {
				row = append(row, p.Code)
			}
			codes = append(codes, row)
		}
		same(t, [][]string{{"PK-WH", "PK-A", "PK-C", "PK-B", "AE-1"}, {"PK-WH", "PK-C", "PK-A", "PK-B", "AE-1"}, {"DE-1"}, nil}, codes)
	})
}
