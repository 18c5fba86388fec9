// Package all lists every courier there is. Adding one is a line in Kinds.
package all

import (
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/courier/demo"
	"github.com/openclaw-pos/commerce/courier/manual"
)

// Kinds are all couriers by name, for forms, checks and documentation. Those that need something of ours are opened as With gives them.
var Kinds = []courier.Kind{
	demo.Kind(demo.New(time.Now)),
	manual.Kind(nil),
}

// Find is the courier of a name.
func Find(name string) (courier.Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k courier.Kind) bool { return k.Name == name })
	if i < 0 {
		return courier.Kind{}, false
	}
	return Kinds[i], true
}

// With are the kinds with the manual courier over our shipments and the demo courier at a depot of the caller's.
func With(ledger manual.Ledger, depot *demo.Depot) []courier.Kind {
	kinds := slices.Clone(Kinds)
	for i := range kinds {
		switch kinds[i].Name {
		case "manual":
			kinds[i] = manual.Kind(ledger)
		case "demo":
			kinds[i] = demo.Kind(depot)
		}
	}
	return kinds
}
