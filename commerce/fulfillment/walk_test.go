package fulfillment

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWalk(t *testing.T) {
	t.Parallel()
	all := []PickLine{{SKU: "z"}, {SKU: "c", Shelf: "B-01"}, {SKU: "b", Shelf: "A-10"}, {SKU: "a"}, {SKU: "e", Shelf: "a-9"}, {SKU: "d", Shelf: "A-010"}, {SKU: "f", Shelf: "A-2-7"}, {SKU: "g", Shelf: "A-2"}}
	slices.SortFunc(all, walked)
	var got []string
	for _, l := range all {
		got = append(got, l.Shelf+" "+l.SKU)
	}
	if diff := cmp.Diff([]string{"A-2 g", "A-2-7 f", "a-9 e", "A-10 b", "A-010 d", "B-01 c", " a", " z"}, got); diff != "" {
		t.Errorf("shelves are walked past as they stand: %s", diff)
	}
}
