// Package all lists every channel type there is. Adding one is a line in Kinds.
package all

import (
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/daraz"
	"github.com/openclaw-pos/commerce/channel/ownsite"
	"github.com/openclaw-pos/commerce/channel/shopify"
)

// Kinds are all channel types by name, for forms, checks and documentation. The own web shop among them can be opened only as With gives it.
// channel/demo is not among them: it lives in tests.
var Kinds = []channel.Kind{
	daraz.Kind,
	ownsite.Kind(nil),
	shopify.Kind,
}

// Find is the channel type of a name.
func Find(name string) (channel.Kind, bool) { return find(Kinds, name) }

// With are the kinds with the own web shop reading from a checkout.
func With(own ownsite.Source) []channel.Kind {
	kinds := slices.Clone(Kinds)
	for i := range kinds {
		if kinds[i].Name == "ownsite" {
			kinds[i] = ownsite.Kind(own)
		}
	}
	return kinds
}

func find(kinds []channel.Kind, name string) (channel.Kind, bool) {
	i := slices.IndexFunc(kinds, func(k channel.Kind) bool { return k.Name == name })
	if i < 0 {
		return channel.Kind{}, false
	}
	return kinds[i], true
}
