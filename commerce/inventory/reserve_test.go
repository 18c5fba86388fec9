package inventory_test

import (
	"testing"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

func TestReserve(t *testing.T) {
	t.Parallel()
	t.Run("takes what is there and makes the rest short, with one case", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 3)
			got := s.reserve(s.line("1", "shirt", 5, 1))
			same(t, stock.Outcome{
				Grants:    []stock.Grant{{HolderID: "1", Variant: "shirt", Location: s.w, Quantity: 3}},
				Shortages: []stock.Shortage{{HolderID: "1", Variant: "shirt", Quantity: 2, Missing: 2}},
			}, got)
			s.reserve(s.line("1", "shirt", 5, 1))
			cases := s.cases(exception.Shortage)
			if len(cases) != 1 || cases[0].Order != "order-1" || cases[0].Times != 1 {
				t.Errorf("want one case raised once, got %+v", cases)
			}
			same(t, map[string]int64{"1": 2}, s.short("1"))
			s.proof()
		})
	})
	t.Run("sums two lines of one SKU before it looks", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 3)
			s.reserve(s.line("1", "shirt", 2, 1), s.line("2", "shirt", 2, 1))
			same(t, "3/3", s.at("shirt", s.w))
			same(t, map[string]int64{"2": 1}, s.short("1", "2"))
			s.proof()
		})
	})
	t.Run("adds up demands of one line for one SKU", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 9)
			s.reserve(s.line("1", "shirt", 2, 1), s.line("1", "shirt", 3, 1))
			same(t, "9/5", s.at("shirt", s.w))
		})
	})
	t.Run("spills over to the next preferred location", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 2)
			s.put("shirt", s.a, 1)
			s.put("shirt", s.b, 5)
			got := s.reserve(s.line("1", "shirt", 6, 1))
			same(t, []stock.Grant{
				{HolderID: "1", Variant: "shirt", Location: s.w, Quantity: 2},
				{HolderID: "1", Variant: "shirt", Location: s.a, Quantity: 1},
				{HolderID: "1", Variant: "shirt", Location: s.b, Quantity: 3},
			}, got.Grants)
			s.proof()
		})
	})
	t.Run("keeps an order together where one location has all of it", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 9)
			s.put("shirt", s.a, 9)
			s.put("shoe", s.a, 9)
			shirt, shoe := s.line("1", "shirt", 2, 1), s.line("2", "shoe", 1, 1)
			shoe.OrderID = shirt.OrderID
			s.reserve(shirt, shoe)
			same(t, "9/2", s.at("shirt", s.a))
			same(t, "9/0", s.at("shirt", s.w))
		})
	})
	t.Run("serves the higher rank first", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 1)
			s.reserve(s.line("1", "shirt", 1, 1), s.line("2", "shirt", 1, 7))
			same(t, map[string]int64{"1": 1}, s.short("1", "2"))
		})
	})
	t.Run("asked again for the same total changes nothing", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 9)
			first := s.reserve(s.line("1", "shirt", 2, 1))
			same(t, first, s.reserve(s.line("1", "shirt", 2, 1)))
			same(t, "9/2", s.at("shirt", s.w))
			s.reserve(s.line("1", "shirt", 3, 1))
			same(t, "9/3", s.at("shirt", s.w))
			s.proof()
		})
	})
	t.Run("closes the shortage and its case when the rest comes", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 1)
			s.reserve(s.line("1", "shirt", 2, 1))
			s.put("shirt", s.w, 1)
			s.reserve(s.line("1", "shirt", 2, 1))
			same(t, map[string]int64{}, s.short("1"))
			same(t, 0, len(s.cases(exception.Shortage)))
			s.proof()
		})
	})
	t.Run("leaves the safety stock to what is already sold", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 5)
			s.write(func(tx *db.Tx) error {
				return s.s.SetSafety(tx, []inventory.Safety{{Variant: "shirt", Location: s.w, Quantity: 4}})
			})
			got := s.reserve(s.cart("c", "shirt", 2))
			same(t, []stock.Shortage{{HolderID: "c", Variant: "shirt", Quantity: 2, Missing: 1}}, got.Shortages)
			s.reserve(s.line("1", "shirt", 5, 1))
			same(t, "5/5", s.at("shirt", s.w))
		})
	})
	t.Run("keeps nothing for a cart that cannot have all", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 5)
			s.put("shoe", s.w, 1)
			got := s.reserve(s.cart("c", "shirt", 2), s.cart("c", "shoe", 2))
			same(t, stock.Outcome{Shortages: []stock.Shortage{
				{HolderID: "c", Variant: "shirt", Quantity: 2}, {HolderID: "c", Variant: "shoe", Quantity: 2, Missing: 1},
			}}, got)
			same(t, "5/0", s.at("shirt", s.w))
			same(t, "1/0", s.at("shoe", s.w))
			same(t, 0, len(s.cases(exception.Shortage)))
			s.proof()
		})
	})
	t.Run("takes over a cart's hold where it lies, and gives back what the order did not want", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.a, 3)
			s.put("shoe", s.w, 2)
			s.reserve(s.cart("c", "shirt", 3), s.cart("c", "shoe", 2))
			s.put("shirt", s.w, 9) // better, but the buyer was promised those of the branch
			line := s.line("1", "shirt", 2, 1)
			line.Convert = "c"
			got := s.reserve(line)
			same(t, []stock.Grant{{HolderID: "1", Variant: "shirt", Location: s.a, Quantity: 2}}, got.Grants)
			same(t, "3/2", s.at("shirt", s.a))
			same(t, "2/0", s.at("shoe", s.w))
			s.reserve(line)
			same(t, "3/2", s.at("shirt", s.a))
			s.proof()
		})
	})
	t.Run("two lines share a cart's hold", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 3)
			s.reserve(s.cart("c", "shirt", 3))
			one, two := s.line("1", "shirt", 1, 1), s.line("2", "shirt", 2, 1)
			one.Convert, two.Convert = "c", "c"
			same(t, 0, len(s.reserve(one, two).Shortages))
			same(t, "3/3", s.at("shirt", s.w))
			s.proof()
		})
	})
	t.Run("has nothing to take without a preferred location", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 3)
			line := s.line("1", "shirt", 1, 1)
			line.Prefer = nil
			same(t, 1, len(s.reserve(line).Shortages))
			s.proof()
		})
	})
	t.Run("refuses a demand that makes no sense", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			_, err := s.s.Reserve(nil, []stock.Demand{s.line("1", "shirt", -1, 1)})
			refused(t, fault.Invalid, err)
			_, err = s.s.Reserve(nil, []stock.Demand{s.line("", "shirt", 1, 1)})
			refused(t, fault.Invalid, err)
		})
	})
}

func TestRelease(t *testing.T) {
	t.Parallel()
	line := func(id string, n int64) inventory.Release {
		return inventory.Release{Holder: stock.ByLine, HolderID: id, Quantity: n}
	}
	t.Run("shrinks the shortage first", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 3)
			s.reserve(s.line("1", "shirt", 5, 1))
			s.release(line("1", 1))
			same(t, map[string]int64{"1": 1}, s.short("1"))
			same(t, "3/3", s.at("shirt", s.w))
			s.release(line("1", 2))
			same(t, map[string]int64{}, s.short("1"))
			same(t, "3/2", s.at("shirt", s.w))
			s.proof()
		})
	})
	t.Run("of everything is safe to repeat", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 3)
			s.put("shoe", s.a, 3)
			s.reserve(s.line("1", "shirt", 5, 1), s.line("1", "shoe", 1, 1))
			s.release(line("1", 0))
			s.release(line("1", 0))
			same(t, "3/0", s.at("shirt", s.w))
			same(t, "3/0", s.at("shoe", s.a))
			same(t, 0, len(s.cases(exception.Shortage)))
			s.proof()
		})
	})
	t.Run("empties the smallest reservation first", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 3)
			s.put("shirt", s.a, 1)
			s.reserve(s.line("1", "shirt", 4, 1))
			s.release(line("1", 1))
			same(t, "3/3", s.at("shirt", s.w))
			same(t, "1/0", s.at("shirt", s.a))
		})
	})
	t.Run("gives back and takes in one step, whatever the order of keys", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("a", s.w, 1)
			s.put("z", s.w, 1)
			s.reserve(s.line("1", "z", 1, 1))
			s.write(func(tx *db.Tx) error {
				_, err := s.s.Change(tx, []inventory.Release{line("1", 0)}, []stock.Demand{s.line("2", "a", 1, 1), s.line("3", "z", 1, 1)})
				return err
			})
			same(t, map[string]int64{}, s.short("1", "2", "3"))
			s.proof()
		})
	})
}
