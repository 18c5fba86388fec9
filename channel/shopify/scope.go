package shopify

import "github.com/openclaw-pos/commerce/channel"

// scopes are what the calls of this adapter need; a write scope includes the read scope of its name.
// https://shopify.dev/docs/api/usage/access-scopes
var scopes = []channel.Scope{
	{AnyOf: []string{"read_orders", "write_orders"}, For: "reading orders"},
	{AnyOf: []string{"write_orders"}, For: "cancelling, refunding, and marking orders as paid"},
	{AnyOf: []string{"read_products", "write_products"}, For: "reading listings"},
	{AnyOf: []string{"write_products"}, For: "setting prices"},
	{AnyOf: []string{"read_inventory", "write_inventory"}, For: "comparing stock"},
	{AnyOf: []string{"write_inventory"}, For: "setting stock"},
	{AnyOf: []string{"read_locations"}, For: "knowing the shop's locations"},
	{AnyOf: []string{
		"write_merchant_managed_fulfillment_orders", "write_assigned_fulfillment_orders", "write_third_party_fulfillment_orders",
	}, For: "telling the shop what was sent"},
	{AnyOf: []string{"read_returns", "write_returns"}, For: "reading returns"},
	{AnyOf: []string{"write_returns"}, For: "deciding about returns"},
}
