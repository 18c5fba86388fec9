package pos_test

import (
	"fmt"
	"testing"

	"github.com/openclaw-pos/commerce/pos"
)

func ExampleID() {
	id := pos.ID("movement", "shipment-17", "line-2")
	fmt.Println(id)
	fmt.Println(pos.Ours(id), pos.Ours("till-00042"))
	// Output:
	// occ-9b163bcfe86454ab1db8240bd351ffdc
	// true false
}

func TestID_tells_parts_apart(t *testing.T) {
	t.Parallel()
	seen := map[string][]string{}
	for _, parts := range [][]string{{"sale", "1", "2"}, {"sale", "12"}, {"sale", "1", "", "2"}, {"sal", "e1", "2"}, {"sale", "1", "2", ""}, {"line", "1", "2"}} {
		id := pos.ID(parts[0], parts[1:]...)
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q have one id", parts, other)
		}
		seen[id] = parts
	}
}
