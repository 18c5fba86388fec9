package inventory_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/sheet"
)

func (s *shop) count(c inventory.Counted) (n int) {
	s.Helper()
	s.write(func(tx *db.Tx) (err error) {
		n, err = s.s.Count(tx, []inventory.Counted{c})
		return err
	})
	return n
}

func TestCount(t *testing.T) {
	t.Parallel()
	t.Run("sets on hand, once, also when it was right", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 5)
			right := inventory.Counted{Variant: "shirt", Location: s.w, Quantity: 5, RefID: "monday"}
			same(t, 1, s.count(right))
			s.move(stock.Movement{Variant: "shirt", Location: s.w, Delta: -1, Kind: stock.MoveTillSale})
			same(t, 0, s.count(right))
			same(t, "4/0", s.at("shirt", s.w))
			same(t, 1, s.count(inventory.Counted{Variant: "shirt", Location: s.w, Quantity: 9, RefID: "tuesday"}))
			same(t, "9/0", s.at("shirt", s.w))
			s.proof()
		})
	})
	t.Run("that arrives late keeps what moved since", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 5)
			counted := s.clock.Now().Add(time.Minute)
			s.clock.Advance(time.Hour)
			s.move(stock.Movement{Variant: "shirt", Location: s.w, Delta: -2, Kind: stock.MoveTillSale})
			s.count(inventory.Counted{Variant: "shirt", Location: s.w, Quantity: 4, RefID: "late", At: counted})
			same(t, "2/0", s.at("shirt", s.w))
			s.proof()
		})
	})
	t.Run("below what is reserved makes orders short", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.put("shirt", s.w, 5)
			s.reserve(s.line("1", "shirt", 4, 1))
			s.count(inventory.Counted{Variant: "shirt", Location: s.w, Quantity: 1, RefID: "monday"})
			same(t, "1/1", s.at("shirt", s.w))
			same(t, map[string]int64{"1": 3}, s.short("1"))
			s.proof()
		})
	})
	t.Run("of a place nobody knew makes it", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.count(inventory.Counted{Variant: "shirt", Location: s.b, Quantity: 3, RefID: "monday"})
			same(t, "3/0", s.at("shirt", s.b))
			s.proof()
		})
	})
}

func TestTransfer(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		s.put("shirt", s.w, 5)
		go3 := inventory.Transfer{ID: "T1", From: s.w, To: s.a, Lines: []inventory.TransferLine{{Variant: "shirt", Quantity: 3}}}
		s.write(func(tx *db.Tx) error { return s.s.SendTransfer(tx, go3) })
		inTransit := func() map[string]int64 {
			return read(s, func(tx *db.Tx) (map[string]int64, error) { return s.s.InTransit(tx, "T1") })
		}
		same(t, map[string]int64{"shirt": 3}, inTransit())
		got2 := go3
		got2.Lines = []inventory.TransferLine{{Variant: "shirt", Quantity: 2}}
		s.write(func(tx *db.Tx) error { return s.s.ReceiveTransfer(tx, got2) })
		same(t, []string{"2/0", "2/0"}, []string{s.at("shirt", s.w), s.at("shirt", s.a)})
		same(t, map[string]int64{"shirt": 1}, inTransit())
		s.proof()
	})
}

func TestRecondition(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		s.put("shirt", s.w, 5)
		s.reserve(s.line("1", "shirt", 5, 1))
		broken := inventory.Reconditioned{Reference: "r1", Variant: "shirt", Location: s.w, From: stock.Sellable, To: stock.Damaged, Quantity: 2}
		s.write(func(tx *db.Tx) error { return s.s.Recondition(tx, []inventory.Reconditioned{broken}) })
		same(t, "3/3", s.at("shirt", s.w))
		same(t, map[string]int64{"1": 2}, s.short("1"))
		good := broken
		good.Reference, good.From, good.To = "r2", broken.To, broken.From
		s.write(func(tx *db.Tx) error { return s.s.Recondition(tx, []inventory.Reconditioned{good}) })
		same(t, int64(2), s.refill())
		same(t, "5/5", s.at("shirt", s.w))
		s.proof()
	})
}

func TestAdjust(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		a := inventory.Adjustment{Reference: "a1", Variant: "shirt", Location: s.w, Delta: 4, Actor: "key:1"}
		refused(t, fault.Invalid, s.s.Adjust(context.Background(), a))
		a.Note = "found behind the shelf"
		for range 2 {
			if err := s.s.Adjust(context.Background(), a); err != nil {
				t.Fatal(err)
			}
		}
		same(t, "4/0", s.at("shirt", s.w))
		same(t, []string{"stock.adjust", "stock.adjust"}, s.acts)
	})
}

func TestImport(t *testing.T) {
	t.Parallel()
	const file = "SKU;Location;Quantity;Safety;Unit cost;Currency\nS-1;PK-WH;12;2;1.250,50;PKR\nS-2;PK-A;3;;;\nS-1;PK-WH;4;;;\nS-9;PK-WH;1;;;\nS-2;XX;1;;;\nS-2;PK-B;many;;;\nS-2;PK-B;-1;;;\n"
	problems := []sheet.Problem{
		{Row: 4, Column: "sku", Reason: "the same place stands in line 2 already"},
		{Row: 5, Column: "sku", Reason: `there is no SKU "S-9"`},
		{Row: 6, Column: "location", Reason: `there is no location "XX"`},
		{Row: 7, Column: "quantity", Reason: `"many" is not a whole number`},
		{Row: 8, Column: "quantity", Reason: "must be zero or more units that a location can hold"},
	}
	run := func(s *shop, text string, dry bool) sheet.Report {
		s.Helper()
		s.skus = map[string]string{"S-1": "shirt", "S-2": "shoe"}
		report, err := s.s.Import(context.Background(), strings.NewReader(text), "cli:me", dry)
		if err != nil {
			s.Fatal(err)
		}
		return report
	}
	t.Run("dry says row and reason and keeps nothing", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			same(t, sheet.Report{What: "stock", Dry: true, Rows: 7, Added: 2, Refused: 5, Problems: problems}, run(s, file, true))
			levels := read(s, func(tx *db.Tx) ([]inventory.Level, error) {
				return s.s.Levels(tx, inventory.LevelFilter{}, inventory.LevelKey{}, 10)
			})
			same(t, 0, len(levels))
		})
	})
	t.Run("opens the stock, and the same file again changes nothing", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			same(t, sheet.Report{What: "stock", Rows: 7, Added: 2, Refused: 5, Problems: problems}, run(s, file, false))
			s.move(stock.Movement{Variant: "shirt", Location: s.w, Delta: -2, Kind: stock.MoveTillSale})
			run(s, file, false)
			same(t, "10/0", s.at("shirt", s.w))
			moves := read(s, func(tx *db.Tx) ([]inventory.Moved, error) { return s.s.Movements(tx, "shirt", "", "", 10) })
			if len(moves) != 2 || moves[1].Kind != stock.MoveOpening || moves[1].UnitCost.String() != "PKR 1250.50" && moves[1].UnitCost.Minor != 125050 {
				t.Errorf("got %+v", moves)
			}
			levels := read(s, func(tx *db.Tx) ([]inventory.Level, error) {
				return s.s.Levels(tx, inventory.LevelFilter{Variants: []string{"shirt"}}, inventory.LevelKey{}, 10)
			})
			if len(levels) != 1 || levels[0].Safety != 2 || levels[0].Free != 8 {
				t.Errorf("got %+v", levels)
			}
			same(t, 1, run(s, "sku,location,quantity\nS-1,PK-WH,6\n", false).Changed)
			same(t, "6/0", s.at("shirt", s.w))
			s.proof()
		})
	})
	t.Run("refuses what is no table", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			_, err := s.s.Import(context.Background(), strings.NewReader("price\n5\n"), "cli:me", false)
			refused(t, fault.Invalid, err)
		})
	})
}
