package daraz

import "github.com/openclaw-pos/commerce/channel"

// fields say which member of the order document and of its unit rows makes which value of the canonical order. A line is all rows that are alike.
var fields = append(channel.Fields(shape, table), channel.Field{
	Shape: shape, Ours: "lines[].discounts[seller].amount", Theirs: "items[].voucher_seller_lpi", As: "items[].voucher_platform_lpi",
})

const table = `
external order.order_id
number order.order_number
version order.updated_at items[*].updated_at
placed_at order.created_at items[*].created_at
ship_by items[*].sla_time_stamp items[*].promised_shipping_time order.promised_shipping_times
deliver_by items[*].schedule_delivery_end_timeslot
status items[*].status
statuses.unit items[*].status order.statuses
country order.address_shipping.country
currency items[*].currency
tax_mode .
money order.price items[*].item_price order.shipping_fee items[*].shipping_amount
total order.price order.voucher order.voucher_seller order.voucher_platform order.shipping_fee order.cash_payment_fee items[*].shipping_amount
note order.buyer_note order.remarks order.gift_message
extra.warehouse_code order.warehouse_code
extra.delivery_info order.delivery_info
extra.voucher_code order.voucher_code
extra.branch_number order.branch_number
extra.gift_option order.gift_option
extra.stage_pay_status items[*].stage_pay_status
extra.own_fleet items[*].delivery_option_sof
extra.order_type items[*].order_type
extra.order_flag items[*].order_flag
extra.repeated_rows items[*].order_item_id
extra.check_items_count order.items_count
extra.check_price order.price items[*].item_price
extra.check_voucher order.voucher items[*].voucher_amount
extra.voucher_lpi items[*].voucher_seller_lpi items[*].voucher_platform_lpi
extra.cancel_pending items[*].is_cancel_pending
buyer.external items[*].buyer_id
buyer.name order.customer_first_name order.customer_last_name
buyer.phone order.address_billing.phone order.address_shipping.phone
buyer.tax_id order.tax_code
ship_to.name order.address_shipping.first_name order.address_shipping.last_name
ship_to.phone order.address_shipping.phone
ship_to.phone2 order.address_shipping.phone2
ship_to.line1 order.address_shipping.address1
ship_to.line2 order.address_shipping.address2
ship_to.district order.address_shipping.address5 order.address_shipping.addressDistrict order.address_shipping.addressDsitrict
ship_to.city order.address_shipping.address4 order.address_shipping.city
ship_to.province order.address_shipping.address3
ship_to.postcode order.address_shipping.post_code
ship_to.country order.address_shipping.country
ship_to.masked order.address_shipping.first_name order.address_shipping.phone order.address_shipping.address1
bill_to.name order.address_billing.first_name order.address_billing.last_name
bill_to.phone order.address_billing.phone
bill_to.phone2 order.address_billing.phone2
bill_to.line1 order.address_billing.address1
bill_to.line2 order.address_billing.address2
bill_to.district order.address_billing.address5 order.address_billing.addressDistrict order.address_billing.addressDsitrict
bill_to.city order.address_billing.address4 order.address_billing.city
bill_to.province order.address_billing.address3
bill_to.postcode order.address_billing.post_code
bill_to.country order.address_billing.country
bill_to.masked order.address_billing.first_name order.address_billing.phone order.address_billing.address1
lines[].external items[].sku items[].shop_sku items[].item_price items[].paid_price
lines[].listing.external items[].sku_id
lines[].listing.parent items[].product_id
lines[].listing.sku items[].sku
lines[].listing.alt items[].shop_sku
lines[].title items[].name items[].variation
lines[].quantity items[].order_item_id
lines[].units[].external = items[].order_item_id
lines[].units[].status items[].status
lines[].units[].raw items[].status
lines[].units[].package items[].package_id
lines[].units[].tracking items[].tracking_code
lines[].units[].reason items[].cancel_return_initiator items[].reason
lines[].progress.cancelled items[].status
lines[].progress.shipped items[].status
lines[].progress.delivered items[].status
lines[].progress.failed items[].status
lines[].progress.returning items[].status
lines[].progress.returned items[].status
lines[].progress.lost items[].status
lines[].unit_price items[].item_price
lines[].discounts[seller].code items[].voucher_code_seller items[].voucher_code
lines[].discounts[channel].code items[].voucher_code_platform items[].voucher_code
lines[].discounts[].title .
lines[].discounts[seller].amount items[].voucher_seller
lines[].discounts[channel].amount items[].voucher_platform items[].voucher_platform_lpi
lines[].discounts[].amount items[].voucher_amount
lines[].discounts[].funder order.voucher_seller order.voucher_platform
lines[].taxes[].title .
lines[].taxes[].amount items[].tax_amount
lines[].taxes[].remitter .
lines[].total items[].paid_price items[].item_price items[].voucher_amount
lines[].fulfilled_by items[].shipping_type items[].is_fbl
lines[].ships items[].is_digital items[].shipping_provider_type
lines[].location items[].warehouse_code
charges[].kind .
charges[].external .
charges[].title .
charges[shipping].amount order.shipping_fee_original order.shipping_fee items[*].shipping_amount
charges[shipping].total order.shipping_fee items[*].shipping_amount
charges[].discounts[].title .
charges[].discounts[seller].amount order.shipping_fee_discount_seller
charges[].discounts[channel].amount order.shipping_fee_discount_platform
charges[].discounts[].funder .
charges[fee].amount order.cash_payment_fee
charges[fee].total order.cash_payment_fee
payments[].gateway order.payment_method
payments[].method order.payment_method
payments[].status order.payment_method items[*].status
payments[].amount order.price order.voucher order.shipping_fee
payments[].at items[*].payment_time
payments[].collector order.payment_method
parcels[].external = items[].package_id
parcels[].status items[].status
parcels[].raw items[].status
parcels[].carrier items[].shipment_provider
parcels[].tracking items[].tracking_code
parcels[].location items[].warehouse_code
parcels[].lines[].line items[].sku
parcels[].lines[].quantity items[].package_id
parcels[].units[] items[].order_item_id
cancel_request.external items[*].reverse_order_id
cancel_request.reason items[*].reason
cancel_request.decide items[*].cancel_trigger_time
cancel_request.default .
cancel_request.units[] items[*].need_cancel_confirm items[*].is_cancel_pending
cancel_request.lines[].line items[*].need_cancel_confirm
cancel_request.lines[].quantity items[*].need_cancel_confirm
cancel_request.by order.need_cancel_confirm order.is_cancel_pending
- items[].order_id
`
