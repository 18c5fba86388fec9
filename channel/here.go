package channel

import "strings"

// here marks the ids of what we made ourselves where usually a channel names it.
const here = "ours:"

// HereID is the external id of an order that we placed in an account ourselves, such as the one that replaces goods that come back, and the listing of a line that names
// one of our variants directly. No partner makes such an id.
func HereID(reference string) string { return here + reference }

// PlacedHere reports whether an external id was made by HereID: the channel does not know the order, so it is asked and told nothing about it.
func PlacedHere(external string) bool { return strings.HasPrefix(external, here) }

// Here is what HereID was made of; "" for an id of a partner.
func Here(external string) string {
	reference, ok := strings.CutPrefix(external, here)
	if !ok {
		return ""
	}
	return reference
}
