package daraz

import (
	"encoding/json"
	"net/url"
	"time"
)

// orderDoc is the order as /orders/get and /order/get write it (channel-daraz §1.5). It has no lines, no quantities and no status.
func (o *order) doc() map[string]any {
	m := o.shop.m
	q := m.quill(o.id)
	price := o.total(func(u *unit) int64 { return u.price })
	seller := o.total(func(u *unit) int64 { return u.seller })
	platform := o.total(func(u *unit) int64 { return u.platform })
	ship := money3{
		original: o.total(func(u *unit) int64 { return u.shipping.original }),
		seller:   o.total(func(u *unit) int64 { return u.shipping.seller }),
		platform: o.total(func(u *unit) int64 { return u.shipping.platform }),
	}
	return map[string]any{
		"order_id": q.id("order_id", o.id), "order_number": q.id("order_number", o.number),
		"created_at": q.time(o.created), "updated_at": q.time(o.updated),
		"payment_method": o.payment, "statuses": o.statuses(), "items_count": q.number("items_count", len(o.units)),
		"price": q.amount("price", price), "cash_payment_fee": q.amount("cash", o.cashFee),
		"voucher": q.amount("voucher", seller+platform), "voucher_seller": q.amount("vs", seller), "voucher_platform": q.amount("vp", platform),
		"voucher_code":                 q.text("voucher_code", o.code),
		"shipping_fee":                 q.amount("ship", ship.net()),
		"shipping_fee_original":        q.amount("ship0", ship.original),
		"shipping_fee_discount_seller": q.amount("shipS", ship.seller), "shipping_fee_discount_platform": q.amount("shipP", ship.platform),
		"customer_first_name": o.hide(o.buyer.Name), "customer_last_name": "",
		"address_shipping": o.address(q, "ship"), "address_billing": o.address(q, "bill"),
		"warehouse_code": o.units[0].warehouse, "branch_number": q.text("branch", ""), "tax_code": q.text("tax", o.buyer.TaxCode),
		"national_registration_number": q.text("nrn", ""), "remarks": q.text("remarks", ""), "buyer_note": q.text("note", o.note),
		"gift_option": q.flag("gift", false), "gift_message": q.text("giftm", ""), "delivery_info": q.text("dinfo", ""),
		"promised_shipping_times": q.time(o.created.Add(shipWithin)), "extra_attributes": q.text("extra", ""),
		"need_cancel_confirm": q.flag("ncc", o.asked()), "is_cancel_pending": q.flag("icp", o.asked()),
	}
}

// shipWithin is the seller's time to hand over; the platform prints its end in each row.
const shipWithin = 48 * time.Hour

func (o *order) asked() bool {
	for _, u := range o.units {
		if u.ask != nil {
			return true
		}
	}
	return false
}

func (o *order) hide(s string) string {
	if o.shop.m.cfg.Orders.Masked && s != "" {
		return mask(s)
	}
	return s
}

// address writes the buyer's address; the misspelt district key is the platform's own.
func (o *order) address(q quill, which string) map[string]any {
	b := o.buyer
	return map[string]any{
		"first_name": o.hide(b.Name), "last_name": "", "phone": o.hide(b.Phone), "phone2": q.text(which+"p2", o.hide(b.Phone2)),
		"address1": o.hide(b.Street), "address2": "", "address3": b.Province, "address4": b.City, "address5": q.text(which+"a5", b.Area),
		"addressDsitrict": q.text(which+"ad", b.Area), "city": b.City, "post_code": q.text(which+"pc", b.PostCode),
		"country": o.shop.m.venture.country,
	}
}

// doc is the row of one unit as the item endpoints write it.
func (u *unit) doc() map[string]any {
	o, p, m := u.order, u.product, u.order.shop.m
	q := m.quill(u.id)
	d := map[string]any{
		"order_item_id": q.id("id", u.id), "order_id": q.id("oid", o.id), "purchase_order_id": "", "purchase_order_number": "",
		"buyer_id": q.id("buyer", o.buyer.ID), "shop_id": o.shop.seller.ShortCode,
		"sku": p.sku, "shop_sku": p.shopSKU, "sku_id": q.id("sku", p.skuID), "product_id": q.id("pid", p.itemID),
		"name": p.name, "variation": q.text("variation", ""),
		"product_main_image": "https://static.example.com/" + url.PathEscape(p.sku) + ".jpg",
		"product_detail_url": "https://www.example.com/products/i" + p.itemID + ".html",
		"item_price":         q.amount("price", u.price), "paid_price": q.amount("paid", u.paid()), "currency": m.venture.currency,
		"voucher_amount": q.amount("v", u.seller+u.platform), "voucher_seller": q.amount("vs", u.seller),
		"voucher_platform": q.amount("vp", u.platform), "voucher_seller_lpi": q.amount("vsl", 0), "voucher_platform_lpi": q.amount("vpl", 0),
		"voucher_code": q.text("vc", o.code), "voucher_code_seller": q.text("vcs", codeIf(o.code, u.seller)),
		"voucher_code_platform": q.text("vcp", codeIf(o.code, u.platform)), "wallet_credits": q.amount("wallet", 0),
		"tax_amount": q.amount("tax", 0), "shipping_amount": q.amount("ship", u.shipping.net()),
		"shipping_fee_original":        q.amount("ship0", u.shipping.original),
		"shipping_fee_discount_seller": q.amount("shipS", u.shipping.seller), "shipping_fee_discount_platform": q.amount("shipP", u.shipping.platform),
		"shipping_service_cost": q.amount("ssc", 0),
		"created_at":            q.time(o.created), "updated_at": q.time(u.updated),
		"sla_time_stamp": q.time(o.created.Add(shipWithin)), "promised_shipping_time": q.time(o.created.Add(shipWithin)), "fulfillment_sla": "",
		"order_type": "Normal", "order_flag": "NORMAL", "is_digital": q.flag("dig", false), "is_reroute": "0",
		"stage_pay_status": q.text("stage", ""), "purchase_order": "", "extra_attributes": q.text("extra", ""), "digital_delivery_info": "",
		"invoice_number": q.text("inv", u.invoice),
	}
	u.state(q, d)
	return d
}

// state writes what changes during a unit's life.
func (u *unit) state(q quill, d map[string]any) {
	d["status"] = u.status
	d["reason"], d["reason_detail"] = q.text("reason", u.reason), q.text("detail", u.detail)
	d["return_status"] = q.text("rstatus", u.returning)
	d["cancel_return_initiator"] = u.initiator
	if u.initiator == "" && !q.plain && q.pick("cri", 2) == 0 {
		d["cancel_return_initiator"] = "null-null" // seen live in Nepal on rows that are neither cancelled nor returned
	}
	d["need_cancel_confirm"] = q.flag("ncc", u.ask != nil)
	if u.ask != nil {
		d["cancel_trigger_time"] = q.time(u.order.askUntil)
	}
	d["package_id"], d["tracking_code"], d["tracking_code_pre"], d["shipment_provider"] = "", "", "", ""
	if u.parcel != nil {
		d["package_id"], d["tracking_code"], d["shipment_provider"] = u.parcel.id, u.parcel.tracking, u.parcel.provider
	}
	d["shipping_provider_type"], d["shipping_type"], d["warehouse_code"] = "STANDARD", "Dropshipping", u.warehouse
	d["is_fbl"], d["delivery_option_sof"] = q.number("fbl", 0), q.number("sof", 0)
	if u.central {
		d["shipping_type"], d["is_fbl"] = "Own Warehouse", q.number("fbl", 1)
	}
	if u.ownFleet {
		d["shipping_provider_type"], d["delivery_option_sof"] = "SELLER_OWN_FLEET", q.number("sof", 1)
	}
}

func codeIf(code string, amount int64) string {
	if amount == 0 {
		return ""
	}
	return code
}

// rows are the units of an order as documents.
func (o *order) rows() []any {
	all := make([]any, 0, len(o.units))
	for _, u := range o.units {
		all = append(all, u.doc())
	}
	return all
}

// decode reads a parameter that is a JSON string, numbers kept as text.
func decode(text string, into any) bool { return json.Unmarshal([]byte(text), into) == nil }
