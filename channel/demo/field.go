package demo

import (
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
)

// fields: the demo shop speaks our own shape, so that every value stands where our type says, which needs no other proof.
var fields = func() []channel.Field {
	var all []channel.Field
	for ours, theirs := range channel.Paths() {
		theirs = "order." + strings.TrimSuffix(theirs, ".*")
		all = append(all, channel.Field{Shape: "demo", Ours: ours, Theirs: theirs, As: theirs})
	}
	slices.SortFunc(all, func(a, b channel.Field) int { return strings.Compare(a.Ours, b.Ours) })
	return all
}()
