// Package all lists every payment provider there is. Adding one is a line in Kinds.
package all

import (
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/gateway/cod"
	"github.com/openclaw-pos/commerce/gateway/demo"
)

// Kinds are all providers by name, for forms, checks and documentation. The demo provider among them is one of its own; With gives another.
var Kinds = []gateway.Kind{
	cod.Kind,
	demo.Kind(demo.New(time.Now)),
}

// Find is the provider of a name.
func Find(name string) (gateway.Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k gateway.Kind) bool { return k.Name == name })
	if i < 0 {
		return gateway.Kind{}, false
	}
	return Kinds[i], true
}

// With are the kinds with a demo provider of the caller's.
func With(p *demo.Provider) []gateway.Kind {
	kinds := slices.Clone(Kinds)
	for i := range kinds {
		if kinds[i].Name == "demo" {
			kinds[i] = demo.Kind(p)
		}
	}
	return kinds
}
