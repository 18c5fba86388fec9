package ownsite

import (
	"strings"

	"github.com/openclaw-pos/commerce/channel"
)

// fields say which member of the checkout's document makes which value of the canonical order.
var fields = channel.Fields(channel.OwnShape, strings.ReplaceAll(`
external ORDER.id
number ORDER.number
version ORDER.updated_at
placed_at ORDER.placed_at
cancelled_at ORDER.cancelled_at
deliver_by ORDER.deliver_by
status ORDER.status
statuses.order ORDER.status
origin .
test ORDER.test
country ORDER.country
currency ORDER.currency
tax_mode ORDER.tax_mode
money .
total ORDER.total.amount
note ORDER.note
extra.storefront ORDER.storefront
extra.language ORDER.language
buyer.external ORDER.buyer.id
buyer.name ORDER.buyer.name
buyer.email ORDER.buyer.email
buyer.phone ORDER.buyer.phone
buyer.company ORDER.buyer.company
buyer.tax_id ORDER.buyer.tax_id
ship_to.name ORDER.ship_to.name
ship_to.company ORDER.ship_to.company
ship_to.phone ORDER.ship_to.phone
ship_to.phone2 ORDER.ship_to.phone2
ship_to.line1 ORDER.ship_to.line1
ship_to.line2 ORDER.ship_to.line2
ship_to.district ORDER.ship_to.district
ship_to.city ORDER.ship_to.city
ship_to.province ORDER.ship_to.province
ship_to.postcode ORDER.ship_to.postcode
ship_to.country ORDER.ship_to.country
bill_to.name ORDER.bill_to.name ORDER.ship_to.name
bill_to.company ORDER.bill_to.company ORDER.ship_to.company
bill_to.phone ORDER.bill_to.phone ORDER.ship_to.phone
bill_to.phone2 ORDER.bill_to.phone2 ORDER.ship_to.phone2
bill_to.line1 ORDER.bill_to.line1 ORDER.ship_to.line1
bill_to.line2 ORDER.bill_to.line2 ORDER.ship_to.line2
bill_to.district ORDER.bill_to.district ORDER.ship_to.district
bill_to.city ORDER.bill_to.city ORDER.ship_to.city
bill_to.province ORDER.bill_to.province ORDER.ship_to.province
bill_to.postcode ORDER.bill_to.postcode ORDER.ship_to.postcode
bill_to.country ORDER.bill_to.country ORDER.ship_to.country
lines[].external ORDER.lines[].id
lines[].listing.external ORDER.lines[].variant
lines[].listing.sku ORDER.lines[].sku
lines[].title ORDER.lines[].title
lines[].quantity ORDER.lines[].quantity
lines[].progress.cancelled ORDER.lines[].cancelled
lines[].unit_price ORDER.lines[].price.amount
lines[].discounts[].code ORDER.lines[].discounts[].code
lines[].discounts[].title ORDER.lines[].discounts[].title
lines[].discounts[].amount ORDER.lines[].discounts[].amount.amount
lines[].discounts[].funder .
lines[].taxes[].title ORDER.lines[].taxes[].title
lines[].taxes[].rate ORDER.lines[].taxes[].rate
lines[].taxes[].amount ORDER.lines[].taxes[].amount.amount
lines[].taxes[].remitter .
lines[].total ORDER.lines[].total.amount
lines[].fulfilled_by .
lines[].ships ORDER.lines[].digital
charges[].kind ORDER.charges[].kind
charges[].external ORDER.charges[].id
charges[].title ORDER.charges[].title
charges[shipping].amount ORDER.charges[].amount.amount
charges[shipping].total ORDER.charges[].total.amount
charges[fee].amount ORDER.charges[].amount.amount
charges[fee].total ORDER.charges[].total.amount
charges[].discounts[].code ORDER.charges[].discounts[].code
charges[].discounts[].title ORDER.charges[].discounts[].title
charges[].discounts[].amount ORDER.charges[].discounts[].amount.amount
charges[].discounts[].funder .
charges[].taxes[].title ORDER.charges[].taxes[].title
charges[].taxes[].rate ORDER.charges[].taxes[].rate
charges[].taxes[].amount ORDER.charges[].taxes[].amount.amount
charges[].taxes[].remitter .
charges[rounding].amount ORDER.rounding.amount
charges[rounding].total ORDER.rounding.amount
payments[].external ORDER.payments[].id
payments[].method ORDER.payments[].method
payments[].gateway ORDER.payments[].provider
payments[].status ORDER.payments[].status
payments[].amount ORDER.payments[].amount.amount
payments[].at ORDER.payments[].at
payments[].collector ORDER.payments[].collector ORDER.payments[].method
- ORDER.schema ORDER.hold ORDER.total.currency ORDER.rounding.currency ORDER.lines[].price.currency ORDER.lines[].total.currency ORDER.lines[].discounts[].amount.currency ORDER.lines[].taxes[].amount.currency
- ORDER.charges[].amount.currency ORDER.charges[].total.currency ORDER.charges[].discounts[].amount.currency ORDER.charges[].taxes[].amount.currency ORDER.payments[].amount.currency
`, "ORDER", "order"))
