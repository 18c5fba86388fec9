package inventory_test

import (
	"fmt"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// TestManyLevels asks for more levels than a page has by default.
func TestManyLevels(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		var variants []string
		s.write(func(tx *db.Tx) error {
			var ms []stock.Movement
			for i := range 60 {
				variants = append(variants, fmt.Sprintf("v-%02d", i))
				for n, at := range []string{s.w, s.a, s.b} {
					ms = append(ms, stock.Movement{Variant: variants[i], Location: at, Delta: int64(n + 1), Kind: stock.MoveReceipt, RefKind: "test", RefID: fmt.Sprint(i, " ", n)})
				}
			}
			return s.s.Move(tx, ms)
		})
		s.move(stock.Movement{Variant: "v-59", Location: s.a, Condition: stock.Damaged, Delta: 4, Kind: stock.MoveReceipt})
		s.move(stock.Movement{Variant: "v-58", Location: s.b, Delta: -5, Kind: stock.MoveTillSale})
		s.reserve(s.line("1", "v-57", 2, 1))
		sums := read(s, func(tx *db.Tx) (map[string]inventory.Sum, error) { return s.s.Sums(tx, append(variants, "none"), "") })
		same(t, 60, len(sums))
		same(t, inventory.Sum{OnHand: 6, Free: 6}, sums["v-00"])
		same(t, inventory.Sum{OnHand: 6, Reserved: 2, Free: 4}, sums["v-57"])
		same(t, inventory.Sum{OnHand: 1, Free: 3, Doubt: true}, sums["v-58"])
		same(t, inventory.Sum{OnHand: 6, Free: 6, Other: 4}, sums["v-59"])
		here := read(s, func(tx *db.Tx) (map[string]inventory.Sum, error) { return s.s.Sums(tx, variants[58:], s.a) })
		same(t, map[string]inventory.Sum{"v-58": {OnHand: 2, Free: 2}, "v-59": {OnHand: 2, Free: 2, Other: 4}}, here)
		same(t, 0, len(read(s, func(tx *db.Tx) (map[string]inventory.Sum, error) { return s.s.Sums(tx, nil, "") })))
		// Who wants 500 asks for one more, to know whether there are more.
		levels := read(s, func(tx *db.Tx) ([]inventory.Level, error) {
			return s.s.Levels(tx, inventory.LevelFilter{}, inventory.LevelKey{}, 501)
		})
		same(t, 181, len(levels))
	})
}
