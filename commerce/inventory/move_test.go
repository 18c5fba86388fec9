package inventory_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// handOver is units of a line leaving a place.
func handOver(line, variant, location string, n int64, ref string) stock.Movement {
	return stock.Movement{
		Variant: variant, Location: location, Delta: -n, Kind: stock.MoveSale, RefKind: "shipment", RefID: ref,
		Consume: []stock.Use{{Holder: stock.ByLine, HolderID: line, Quantity: n}},
	}
}

func TestMove(t *testing.T) {
	t.Parallel()
	t.Run("happens once per reference", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 9)
			sale := stock.Movement{Variant: "shirt", Location: s.w, Delta: -2, Kind: stock.MoveTillSale, RefKind: "pos", RefID: "sale-1"}
			s.move(sale)
			s.move(sale)
			same(t, "7/0", s.at("shirt", s.w))
			s.proof()
		})
	})
	t.Run("adds up what has one reference in one call", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 9)
			s.reserve(s.line("1", "shirt", 2, 1), s.line("2", "shirt", 3, 1))
			s.write(func(tx *db.Tx) error {
				return s.s.Move(tx, []stock.Movement{handOver("1", "shirt", s.w, 2, "p"), handOver("2", "shirt", s.w, 3, "p")})
			})
			same(t, "4/0", s.at("shirt", s.w))
			s.proof()
		})
	})
	t.Run("at hand-over takes reservation and goods together, and its inverse brings both back", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 5)
			s.reserve(s.line("1", "shirt", 2, 1))
			out := handOver("1", "shirt", s.w, 2, "parcel")
			s.move(out)
			same(t, "3/0", s.at("shirt", s.w))
			s.move(inventory.Inverse(out, "parcel:undone", s.clock.Now()))
			same(t, "5/2", s.at("shirt", s.w))
			grants := read(s, func(tx *db.Tx) ([]stock.Grant, error) { return s.s.Grants(tx, []string{"order-1"}) })
			same(t, []stock.Grant{{HolderID: "1", Variant: "shirt", Location: s.w, Quantity: 2}}, grants)
			s.proof()
		})
	})
	t.Run("from another place than reserved ends the reservation where it was", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 2)
			s.put("shirt", s.a, 1)
			s.reserve(s.line("1", "shirt", 2, 1))
			s.move(handOver("1", "shirt", s.a, 1, "parcel"))
			same(t, []string{"2/1", "0/0"}, []string{s.at("shirt", s.w), s.at("shirt", s.a)})
			s.proof()
		})
	})
	t.Run("below what is reserved makes the lowest rank short, once, and says so", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 4)
			s.reserve(s.line("low", "shirt", 2, 1), s.line("high", "shirt", 2, 9))
			s.move(stock.Movement{Variant: "shirt", Location: s.w, Delta: -3, Kind: stock.MoveTillSale})
			same(t, "1/1", s.at("shirt", s.w))
			same(t, map[string]int64{"low": 2, "high": 1}, s.short("low", "high"))
			same(t, 2, len(s.cases(exception.Shortage)))
			told := read(s, func(tx *db.Tx) ([]outbox.Stored, error) { return outbox.OfOrder(tx, "order-low") })
			if len(told) != 1 || told[0].Type != event.StockShort || told[0].Partition != "order:order-low" {
				t.Fatalf("want one event for the order, got %+v", told)
			}
			var fact event.StockFact
			if err := json.Unmarshal(told[0].Body, &fact); err != nil {
				t.Fatal(err)
			}
			fact.ShortageID = ""
			same(t, event.StockFact{OrderID: "order-low", Holder: "line", HolderID: "low", Variant: "shirt", LocationID: s.w, Quantity: 2, Remaining: 2, Cause: "till_sale"}, fact)
			s.proof()
		})
	})
	t.Run("takes soft holds without making a case", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 2)
			s.reserve(s.cart("c", "shirt", 2))
			s.move(stock.Movement{Variant: "shirt", Location: s.w, Delta: -1, Kind: stock.MoveDamage})
			same(t, "1/1", s.at("shirt", s.w))
			same(t, 0, len(s.cases(exception.Shortage)))
			s.proof()
		})
	})
	t.Run("below zero is a case of the location until it is counted", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.move(stock.Movement{Variant: "shirt", Location: s.a, Delta: -2, Kind: stock.MoveTillSale})
			cases := s.cases(exception.NegativeStock)
			if len(cases) != 1 || cases[0].Location != s.a {
				t.Fatalf("want one case of the branch, got %+v", cases)
			}
			s.put("shirt", s.a, 2)
			same(t, 0, len(s.cases(exception.NegativeStock)))
			s.proof()
		})
	})
	t.Run("books on the location's own day", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.move(stock.Movement{Variant: "shirt", Location: s.a, Delta: 1, Kind: stock.MoveReceipt, At: time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)})
			got := read(s, func(tx *db.Tx) ([]inventory.Moved, error) { return s.s.Movements(tx, "shirt", "", "", 10) })
			if len(got) != 1 || got[0].BusinessDate != "2026-03-02" {
				t.Errorf("want 2 March in Karachi, got %+v", got)
			}
		})
	})
	t.Run("refuses what names nothing", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			for _, m := range []stock.Movement{
				{Location: s.w, Delta: 1, Kind: stock.MoveReceipt, RefKind: "t", RefID: "1"},
				{Variant: "shirt", Location: s.w, Delta: 1, Kind: stock.MoveReceipt},
				{Variant: "shirt", Location: s.w, Kind: stock.MoveReceipt, RefKind: "t", RefID: "1"},
				{Variant: "shirt", Location: "nowhere", Delta: 1, Kind: stock.MoveReceipt, RefKind: "t", RefID: "1"},
				{Variant: "shirt", Location: s.w, Condition: "eaten", Delta: 1, Kind: stock.MoveReceipt, RefKind: "t", RefID: "1"},
			} {
				err := s.d.Write(t.Context(), func(tx *db.Tx) error { return s.s.Move(tx, []stock.Movement{m}) })
				refused(t, fault.Invalid, err)
			}
		})
	})
}
