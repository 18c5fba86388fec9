// Package all lists every POS core there is. Adding one is a line in Kinds.
package all

import (
	"slices"

	"github.com/openclaw-pos/commerce/pos"
	"github.com/openclaw-pos/commerce/pos/embedded"
	"github.com/openclaw-pos/commerce/pos/openclaw"
)

// Kinds are all cores by name, for forms, checks and documentation. The embedded one among them can be opened only as With gives it.
var Kinds = []pos.Kind{
	embedded.Kind(nil),
	openclaw.Kind,
}

// Find is the core of a name.
func Find(name string) (pos.Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k pos.Kind) bool { return k.Name == name })
	if i < 0 {
		return pos.Kind{}, false
	}
	return Kinds[i], true
}

// With are the kinds with the embedded core over a store of ours.
func With(store pos.Store) []pos.Kind {
	kinds := slices.Clone(Kinds)
	for i := range kinds {
		if kinds[i].Name == "embedded" {
			kinds[i] = embedded.Kind(store)
		}
	}
	return kinds
}
