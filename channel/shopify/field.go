package shopify

import (
	"strings"

	"github.com/openclaw-pos/commerce/channel"
)

// fields say which member of either shape makes which value of the canonical order.
var fields = func() []channel.Field {
	graph := channel.Fields(shapeGraphQL, graphFields)
	const order = "order.order."
	// Discounts of shipping are read like those of lines; no recorded one has a title.
	const title = ".nodes[].discountAllocations[].discountApplication.title"
	graph = append(graph, channel.Field{Shape: shapeGraphQL, Ours: "charges[].discounts[].title", Theirs: order + "shippingLines" + title, As: order + "lineItems" + title})
	graph = append(graph, channel.As(graph, order+"lineItems.", "lines[].order.lineItems.")...)
	graph = append(graph, channel.As(graph, order+"transactions[]", "transactions.order.transactions[]")...)
	rest := channel.Fields(shapeREST, restFields)
	const applied = "order.discount_applications[*].title"
	rest = append(rest, channel.Field{Shape: shapeREST, Ours: "charges[].discounts[].title", Theirs: applied, As: applied})
	return currencies(append(rest, graph...))
}()

// currencies adds what stands beside every amount: it must be the order's.
func currencies(all []channel.Field) []channel.Field {
	beside := strings.NewReplacer(".presentmentMoney.amount", ".presentmentMoney.currencyCode", ".presentment_money.amount", ".presentment_money.currency_code",
		".shopMoney.amount", ".shopMoney.currencyCode", ".shop_money.amount", ".shop_money.currency_code")
	for _, f := range all {
		if code := beside.Replace(f.Theirs); code != f.Theirs {
			all = append(all, channel.Field{Shape: f.Shape, Theirs: code, As: f.As})
		}
	}
	return all
}

// https://shopify.dev/docs/api/admin-rest/latest/resources/order
const restFields = `
external order.id order.admin_graphql_api_id
number order.name
version order.updated_at
placed_at order.processed_at order.created_at
cancelled_at order.cancelled_at
closed_at order.closed_at
status order.fulfillment_status order.financial_status order.cancelled_at order.closed_at
statuses.financial order.financial_status
statuses.fulfillment order.fulfillment_status
origin order.source_name
test order.test
country order.shipping_address.country_code order.billing_address.country_code
currency order.presentment_currency order.currency
tax_mode order.taxes_included
money order.total_price_set.presentment_money.amount order.total_price
total order.total_price_set.presentment_money.amount order.total_price
current order.current_total_price_set.presentment_money.amount
shop order.total_price_set.shop_money.amount
note order.note
tags[] order.tags
extra.confirmation_number order.confirmation_number
extra.po_number order.po_number
extra.source_identifier order.source_identifier
extra.cancel_reason order.cancel_reason
extra.company_id order.company.id
extra.personalised_lines order.line_items[].properties
extra.tax_exempt order.tax_exempt
extra.estimated_taxes order.estimated_taxes
extra.duties_included order.duties_included
buyer.external order.customer.id
buyer.name order.customer.first_name order.customer.last_name order.shipping_address.name order.billing_address.name
buyer.email order.email order.contact_email
buyer.phone order.phone order.shipping_address.phone order.billing_address.phone
buyer.company order.billing_address.company
ship_to.name order.shipping_address.name order.shipping_address.first_name order.shipping_address.last_name
ship_to.company order.shipping_address.company
ship_to.phone order.shipping_address.phone
ship_to.line1 order.shipping_address.address1
ship_to.line2 order.shipping_address.address2
ship_to.city order.shipping_address.city
ship_to.province order.shipping_address.province
ship_to.postcode order.shipping_address.zip
ship_to.country order.shipping_address.country_code
ship_to.masked order.shipping_address.name order.shipping_address.address1 order.shipping_address.phone
bill_to.name order.billing_address.name order.billing_address.first_name order.billing_address.last_name
bill_to.company order.billing_address.company
bill_to.phone order.billing_address.phone
bill_to.line1 order.billing_address.address1
bill_to.line2 order.billing_address.address2
bill_to.city order.billing_address.city
bill_to.province order.billing_address.province
bill_to.postcode order.billing_address.zip
bill_to.country order.billing_address.country_code
bill_to.masked order.billing_address.name order.billing_address.address1 order.billing_address.phone
lines[].external = order.line_items[].id
lines[].listing.external order.line_items[].variant_id
lines[].listing.parent order.line_items[].product_id
lines[].listing.sku order.line_items[].sku
lines[].listing.alt order.line_items[].name order.line_items[].title
lines[].title order.line_items[].name order.line_items[].title
lines[].quantity order.line_items[].quantity
lines[].unit_price order.line_items[].price_set.presentment_money.amount order.line_items[].price
lines[].total order.line_items[].price_set.presentment_money.amount order.line_items[].price order.line_items[].quantity order.line_items[].discount_allocations[].amount_set.presentment_money.amount order.line_items[].discount_allocations[].amount order.line_items[].tax_lines[].price_set.presentment_money.amount order.line_items[].tax_lines[].price
lines[].discounts[].code order.discount_applications[*].code
lines[].discounts[].title order.discount_applications[*].title
lines[].discounts[].amount order.line_items[].discount_allocations[].amount_set.presentment_money.amount order.line_items[].discount_allocations[].amount
lines[].discounts[].funder .
lines[].taxes[].title order.line_items[].tax_lines[].title
lines[].taxes[].rate order.line_items[].tax_lines[].rate
lines[].taxes[].amount order.line_items[].tax_lines[].price_set.presentment_money.amount order.line_items[].tax_lines[].price
lines[].taxes[].remitter order.line_items[].tax_lines[].channel_liable
lines[].fulfilled_by .
lines[].ships order.line_items[].requires_shipping
lines[].gift_card order.line_items[].gift_card
lines[].properties[].name order.line_items[].properties
lines[].properties[].value order.line_items[].properties
lines[].external ~ order.fulfillments[].line_items[].id
lines[].external ~ order.refunds[].refund_line_items[].line_item_id
lines[].progress.cancelled order.line_items[].current_quantity order.line_items[].fulfillable_quantity order.cancelled_at order.refunds[].refund_line_items[].quantity order.refunds[].refund_line_items[].restock_type
lines[].progress.returned order.refunds[].refund_line_items[].quantity order.refunds[].refund_line_items[].restock_type
lines[].progress.shipped order.fulfillments[].line_items[].quantity order.fulfillments[*].status
lines[].progress.delivered order.fulfillments[].line_items[].quantity order.fulfillments[*].shipment_status
lines[].progress.failed order.fulfillments[].line_items[].quantity order.fulfillments[*].shipment_status
charges[shipping].kind .
charges[shipping].external = order.shipping_lines[].id
charges[shipping].title order.shipping_lines[].title
charges[shipping].amount order.shipping_lines[].price_set.presentment_money.amount order.shipping_lines[].price
charges[shipping].total order.shipping_lines[].price_set.presentment_money.amount order.shipping_lines[].price order.shipping_lines[].discount_allocations[].amount_set.presentment_money.amount order.shipping_lines[].tax_lines[].price_set.presentment_money.amount
charges[].discounts[].code order.discount_applications[*].code
charges[].discounts[].amount order.shipping_lines[].discount_allocations[].amount_set.presentment_money.amount
charges[].discounts[].funder .
charges[].taxes[].title order.shipping_lines[].tax_lines[].title
charges[].taxes[].rate order.shipping_lines[].tax_lines[].rate
charges[].taxes[].amount order.shipping_lines[].tax_lines[].price_set.presentment_money.amount
charges[].taxes[].remitter order.shipping_lines[].tax_lines[].channel_liable
charges[tip].kind .
charges[tip].external order.line_items[*].id
charges[tip].title .
charges[tip].amount order.total_tip_received
charges[tip].total order.total_tip_received
charges[duty].kind .
charges[duty].title .
charges[duty].amount order.original_total_duties_set.presentment_money.amount
charges[duty].total order.original_total_duties_set.presentment_money.amount
charges[fee].kind .
charges[fee].title .
charges[fee].amount order.original_total_additional_fees_set.presentment_money.amount
charges[fee].total order.original_total_additional_fees_set.presentment_money.amount
charges[rounding].kind .
charges[rounding].title .
charges[rounding].amount order.total_cash_rounding_payment_adjustment_set.presentment_money.amount
charges[rounding].total order.total_cash_rounding_payment_adjustment_set.presentment_money.amount
payments[].external order.payment_gateway_names[]
payments[].gateway order.payment_gateway_names[]
payments[].method order.payment_gateway_names[]
payments[].status order.financial_status
payments[].amount order.current_total_price_set.presentment_money.amount order.total_outstanding order.refunds[*].transactions[].amount
payments[].collector order.payment_gateway_names[]
refunds[].external = order.refunds[].id
refunds[].amount order.refunds[].transactions[].amount order.refunds[].transactions[].kind order.refunds[].transactions[].status
refunds[].at order.refunds[].processed_at order.refunds[].created_at
refunds[].reason order.refunds[].note
refunds[].payment order.refunds[].transactions[].gateway
refunds[].lines[].line = order.refunds[].refund_line_items[].line_item_id
refunds[].lines[].quantity order.refunds[].refund_line_items[].quantity
refunds[].lines[].amount order.refunds[].refund_line_items[].subtotal_set.presentment_money.amount order.refunds[].refund_line_items[].total_tax_set.presentment_money.amount
refunds[].lines[].restock order.refunds[].refund_line_items[].restock_type
parcels[].external = order.fulfillments[].id
parcels[].status order.fulfillments[].status order.fulfillments[].shipment_status
parcels[].raw order.fulfillments[].status order.fulfillments[].shipment_status
parcels[].carrier order.fulfillments[].tracking_company
parcels[].tracking order.fulfillments[].tracking_numbers[] order.fulfillments[].tracking_number
parcels[].url order.fulfillments[].tracking_url order.fulfillments[].tracking_urls[]
parcels[].location order.fulfillments[].location_id
parcels[].at order.fulfillments[].created_at
parcels[].lines[].line = order.fulfillments[].line_items[].id
parcels[].lines[].quantity order.fulfillments[].line_items[].quantity
- order.line_items[].discount_allocations[].discount_application_index order.shipping_lines[].discount_allocations[].discount_application_index
- order.shipping_lines[].is_removed order.refunds[].transactions[].currency
`

// https://shopify.dev/docs/api/admin-graphql/latest/objects/Order
const graphFields = `
external order.order.legacyResourceId
number order.order.name
version order.order.updatedAt
placed_at order.order.processedAt order.order.createdAt
cancelled_at order.order.cancelledAt
closed_at order.order.closedAt
status order.order.displayFulfillmentStatus order.order.displayFinancialStatus order.order.cancelledAt order.order.closedAt
statuses.financial order.order.displayFinancialStatus
statuses.fulfillment order.order.displayFulfillmentStatus
statuses.return order.order.returnStatus
origin order.order.sourceName
test order.order.test
country order.order.shippingAddress.countryCodeV2 order.order.billingAddress.countryCodeV2
currency order.order.presentmentCurrencyCode order.order.currencyCode
tax_mode order.order.taxesIncluded
money order.order.totalPriceSet.presentmentMoney.amount
total order.order.totalPriceSet.presentmentMoney.amount
current order.order.currentTotalPriceSet.presentmentMoney.amount
shop order.order.totalPriceSet.shopMoney.amount
note order.order.note
tags[] order.order.tags[*]
extra.confirmation_number order.order.confirmationNumber
extra.po_number order.order.poNumber
extra.source_identifier order.order.sourceIdentifier
extra.cancel_reason order.order.cancelReason
extra.company_id order.order.purchasingEntity.company.id
extra.tax_exempt order.order.taxExempt
extra.estimated_taxes order.order.estimatedTaxes
extra.duties_included order.order.dutiesIncluded
buyer.external order.order.customer.legacyResourceId
buyer.name order.order.customer.firstName order.order.customer.lastName order.order.shippingAddress.name order.order.billingAddress.name
buyer.email order.order.email
buyer.phone order.order.phone order.order.shippingAddress.phone order.order.billingAddress.phone
buyer.company order.order.billingAddress.company
ship_to.name order.order.shippingAddress.name order.order.shippingAddress.firstName order.order.shippingAddress.lastName
ship_to.company order.order.shippingAddress.company
ship_to.phone order.order.shippingAddress.phone
ship_to.line1 order.order.shippingAddress.address1
ship_to.line2 order.order.shippingAddress.address2
ship_to.city order.order.shippingAddress.city
ship_to.province order.order.shippingAddress.province
ship_to.postcode order.order.shippingAddress.zip
ship_to.country order.order.shippingAddress.countryCodeV2
ship_to.masked order.order.shippingAddress.name order.order.shippingAddress.address1 order.order.shippingAddress.phone
bill_to.name order.order.billingAddress.name order.order.billingAddress.firstName order.order.billingAddress.lastName
bill_to.company order.order.billingAddress.company
bill_to.phone order.order.billingAddress.phone
bill_to.line1 order.order.billingAddress.address1
bill_to.line2 order.order.billingAddress.address2
bill_to.city order.order.billingAddress.city
bill_to.province order.order.billingAddress.province
bill_to.postcode order.order.billingAddress.zip
bill_to.country order.order.billingAddress.countryCodeV2
bill_to.masked order.order.billingAddress.name order.order.billingAddress.address1 order.order.billingAddress.phone
lines[].fulfilled_by .
lines[].discounts[].funder .
lines[].external ~ fulfillment[].fulfillment.fulfillmentLineItems.nodes[].lineItem.id
lines[].external ~ refund[].refund.refundLineItems.nodes[].lineItem.id
lines[].progress.cancelled order.order.cancelledAt refund[].refund.refundLineItems.nodes[].quantity refund[].refund.refundLineItems.nodes[].restockType
lines[].progress.returned refund[].refund.refundLineItems.nodes[].quantity refund[].refund.refundLineItems.nodes[].restockType
lines[].progress.shipped fulfillment[].fulfillment.fulfillmentLineItems.nodes[].quantity fulfillment[*].fulfillment.status
lines[].progress.delivered fulfillment[].fulfillment.fulfillmentLineItems.nodes[].quantity fulfillment[*].fulfillment.displayStatus
lines[].progress.failed fulfillment[].fulfillment.fulfillmentLineItems.nodes[].quantity fulfillment[*].fulfillment.displayStatus
charges[shipping].kind .
charges[shipping].external = order.order.shippingLines.nodes[].id
charges[shipping].title order.order.shippingLines.nodes[].title
charges[shipping].amount order.order.shippingLines.nodes[].originalPriceSet.presentmentMoney.amount
charges[shipping].total order.order.shippingLines.nodes[].originalPriceSet.presentmentMoney.amount order.order.shippingLines.nodes[].discountAllocations[].allocatedAmountSet.presentmentMoney.amount order.order.shippingLines.nodes[].taxLines[].priceSet.presentmentMoney.amount
charges[].discounts[].code order.order.shippingLines.nodes[].discountAllocations[].discountApplication.code
charges[].discounts[].amount order.order.shippingLines.nodes[].discountAllocations[].allocatedAmountSet.presentmentMoney.amount
charges[].discounts[].funder .
charges[].taxes[].title order.order.shippingLines.nodes[].taxLines[].title
charges[].taxes[].rate order.order.shippingLines.nodes[].taxLines[].rate
charges[].taxes[].amount order.order.shippingLines.nodes[].taxLines[].priceSet.presentmentMoney.amount
charges[].taxes[].remitter order.order.shippingLines.nodes[].taxLines[].channelLiable
charges[tip].kind .
charges[tip].external order.order.lineItems.nodes[*].id
charges[tip].title .
charges[tip].amount order.order.totalTipReceivedSet.presentmentMoney.amount
charges[tip].total order.order.totalTipReceivedSet.presentmentMoney.amount
charges[duty].kind .
charges[duty].title .
charges[duty].amount order.order.originalTotalDutiesSet.presentmentMoney.amount
charges[duty].total order.order.originalTotalDutiesSet.presentmentMoney.amount
charges[fee].kind .
charges[fee].title .
charges[fee].amount order.order.originalTotalAdditionalFeesSet.presentmentMoney.amount
charges[fee].total order.order.originalTotalAdditionalFeesSet.presentmentMoney.amount
charges[rounding].kind .
charges[rounding].title .
charges[rounding].amount order.order.totalCashRoundingAdjustment.paymentSet.presentmentMoney.amount
charges[rounding].total order.order.totalCashRoundingAdjustment.paymentSet.presentmentMoney.amount
payments[].external order.order.paymentGatewayNames[]
payments[].gateway order.order.paymentGatewayNames[]
payments[].method order.order.paymentGatewayNames[]
payments[].collector order.order.paymentGatewayNames[]
payments[].status order.order.displayFinancialStatus
payments[].amount order.order.totalReceivedSet.presentmentMoney.amount
refunds[].external = refund[].refund.legacyResourceId
refunds[].amount refund[].refund.transactions.nodes[].amountSet.presentmentMoney.amount refund[].refund.transactions.nodes[].kind refund[].refund.transactions.nodes[].status
refunds[].at refund[].refund.processedAt
refunds[].reason refund[].refund.note
refunds[].payment refund[].refund.transactions.nodes[].gateway
refunds[].lines[].line = refund[].refund.refundLineItems.nodes[].lineItem.id
refunds[].lines[].quantity refund[].refund.refundLineItems.nodes[].quantity
refunds[].lines[].amount refund[].refund.refundLineItems.nodes[].subtotalSet.presentmentMoney.amount refund[].refund.refundLineItems.nodes[].totalTaxSet.presentmentMoney.amount
refunds[].lines[].restock refund[].refund.refundLineItems.nodes[].restockType
parcels[].external = fulfillment[].fulfillment.legacyResourceId
parcels[].status fulfillment[].fulfillment.status fulfillment[].fulfillment.displayStatus
parcels[].raw fulfillment[].fulfillment.status fulfillment[].fulfillment.displayStatus
parcels[].carrier fulfillment[].fulfillment.trackingInfo[].company
parcels[].tracking fulfillment[].fulfillment.trackingInfo[].number
parcels[].url fulfillment[].fulfillment.trackingInfo[].url
parcels[].location fulfillment[].fulfillment.location.legacyResourceId
parcels[].at fulfillment[].fulfillment.createdAt
parcels[].lines[].line = fulfillment[].fulfillment.fulfillmentLineItems.nodes[].lineItem.id
parcels[].lines[].quantity fulfillment[].fulfillment.fulfillmentLineItems.nodes[].quantity
returns[].external = return[].return.id
returns[].reference return[].return.returnLineItems.nodes[].returnReasonNote
returns[].status return[].return.status
returns[].raw return[].return.status
returns[].kind return[].return.exchangeLineItems.nodes
returns[].reason return[].return.returnLineItems.nodes[].returnReason
returns[].at return[].return.createdAt
returns[].lines[].external = return[].return.returnLineItems.nodes[].id
returns[].lines[].line return[].return.returnLineItems.nodes[].fulfillmentLineItem.lineItem.id
returns[].lines[].quantity return[].return.returnLineItems.nodes[].quantity
returns[].lines[].reason return[].return.returnLineItems.nodes[].returnReason
returns[].lines[].refund return[].return.returnLineItems.nodes[].withCodeDiscountedTotalPriceSet.presentmentMoney.amount
lines[].external = order.order.lineItems.nodes[].id
lines[].listing.external order.order.lineItems.nodes[].variant.legacyResourceId
lines[].listing.parent order.order.lineItems.nodes[].product.legacyResourceId
lines[].listing.sku order.order.lineItems.nodes[].sku
lines[].listing.alt order.order.lineItems.nodes[].name
lines[].title order.order.lineItems.nodes[].name
lines[].quantity order.order.lineItems.nodes[].quantity
lines[].unit_price order.order.lineItems.nodes[].originalUnitPriceSet.presentmentMoney.amount
lines[].total order.order.lineItems.nodes[].originalUnitPriceSet.presentmentMoney.amount order.order.lineItems.nodes[].quantity order.order.lineItems.nodes[].discountAllocations[].allocatedAmountSet.presentmentMoney.amount order.order.lineItems.nodes[].taxLines[].priceSet.presentmentMoney.amount
lines[].discounts[].code order.order.lineItems.nodes[].discountAllocations[].discountApplication.code
lines[].discounts[].title order.order.lineItems.nodes[].discountAllocations[].discountApplication.title
lines[].discounts[].amount order.order.lineItems.nodes[].discountAllocations[].allocatedAmountSet.presentmentMoney.amount
lines[].taxes[].title order.order.lineItems.nodes[].taxLines[].title
lines[].taxes[].rate order.order.lineItems.nodes[].taxLines[].rate
lines[].taxes[].amount order.order.lineItems.nodes[].taxLines[].priceSet.presentmentMoney.amount
lines[].taxes[].remitter order.order.lineItems.nodes[].taxLines[].channelLiable
lines[].ships order.order.lineItems.nodes[].requiresShipping
lines[].gift_card order.order.lineItems.nodes[].isGiftCard
lines[].properties[].name order.order.lineItems.nodes[].customAttributes
lines[].properties[].value order.order.lineItems.nodes[].customAttributes
extra.personalised_lines order.order.lineItems.nodes[].customAttributes
lines[].progress.cancelled order.order.lineItems.nodes[].currentQuantity order.order.lineItems.nodes[].unfulfilledQuantity
payments[].gateway ~ order.order.transactions[].gateway
payments[].external order.order.transactions[].gateway
payments[].gateway order.order.transactions[].gateway
payments[].status order.order.transactions[].status order.order.transactions[].kind
payments[].amount order.order.transactions[].amountSet.presentmentMoney.amount
statuses.transaction order.order.transactions[].status
- order.order.shippingLines.nodes[].isRemoved order.order.transactions[].parentTransaction.id
`
