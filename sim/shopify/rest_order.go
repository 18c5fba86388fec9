package shopify

import (
	"encoding/json"
	"strings"
	"time"
)

// REST-shaped payloads, as webhooks carry them. Times carry the shop's own offset; amounts have all digits of their currency.

// local is a time in the shop's zone.
func (s *Shop) local(t time.Time) string { return t.In(s.zone).Format(time.RFC3339) }

func (s *Shop) localAt(t *time.Time) any {
	if t == nil {
		return nil
	}
	return s.local(*t)
}

// rest is the order resource.
func (o *order) rest() kv {
	s, cur := o.s, o.cur
	body := kv{
		"id": o.id, "admin_graphql_api_id": gid("Order", o.id), "app_id": nil, "name": o.name, "number": o.number - 1000, "order_number": o.number,
		"confirmation_number": o.confirm, "confirmed": true, "test": o.test, "token": strings.ToLower(o.confirm), "cart_token": nil, "checkout_token": nil,
		"created_at": s.local(o.created), "processed_at": s.local(o.processed), "updated_at": s.local(o.updated),
		"cancelled_at": s.localAt(o.cancelled), "closed_at": s.localAt(o.closed), "cancel_reason": optional(strings.ToLower(o.reason)),
		"currency": cur.shop, "presentment_currency": cur.pres, "taxes_included": o.included, "tax_exempt": false, "estimated_taxes": false,
		"duties_included": false, "source_name": o.source, "source_identifier": optional(o.sourceID), "source_url": nil, "customer_locale": o.locale,
		"note": optional(o.note), "po_number": optional(o.poNumber), "tags": strings.Join(o.tags, ", "), "note_attributes": restAttrs(o.attrs),
		"financial_status": strings.ToLower(o.financialStatus()), "fulfillment_status": o.restFulfillment(),
		"payment_gateway_names": o.gateways(), "location_id": nil, "user_id": nil, "merchant_of_record_app_id": nil, "device_id": nil,
		"total_outstanding": plain(o.outstanding().pres, cur.pres), "total_weight": o.count(func(l *line) int { return l.quantity * int(l.grams) }),
		"buyer_accepts_marketing": false, "browser_ip": nil, "landing_site": nil, "referring_site": nil, "company": nil, "payment_terms": nil,
		"order_status_url": "https://" + s.cfg.Domain + "/orders/" + strings.ToLower(o.confirm) + "/authenticate?key=" + strings.ToLower(o.confirm),
	}
	if o.retail != nil {
		body["location_id"] = o.retail.id
	}
	o.restMoney(body)
	o.restPeople(body)
	o.restParts(body)
	return body
}

func (o *order) restFulfillment() any {
	switch o.fulfillmentStatus("") {
	case "FULFILLED":
		return "fulfilled"
	case "PARTIALLY_FULFILLED":
		return "partial"
	}
	return nil
}

func (o *order) restMoney(body kv) {
	for name, b := range map[string]bag{
		"subtotal_price": o.subtotal(), "total_price": o.total(), "total_tax": o.tax(), "total_discounts": o.discountTotal(),
		"total_line_items_price": o.sum((*line).gross), "current_subtotal_price": o.currentSubtotal(), "current_total_price": o.currentTotal(),
		"current_total_tax": o.currentTax(), "current_total_discounts": o.currentDiscounts(),
	} {
		body[name] = plain(b.shop, o.cur.shop)
		body[name+"_set"] = o.cur.rest(b)
	}
	body["total_shipping_price_set"] = o.cur.rest(o.shippingTotal())
	body["current_shipping_price_set"] = o.cur.rest(o.shippingTotal().sub(o.shippingRefunded()))
	body["total_tip_received"] = plain(o.tip.shop, o.cur.shop)
	body["total_cash_rounding_payment_adjustment_set"] = o.cur.rest(bag{})
	body["total_cash_rounding_refund_adjustment_set"] = o.cur.rest(bag{})
	body["original_total_duties_set"], body["current_total_duties_set"] = nil, nil
	body["original_total_additional_fees_set"], body["current_total_additional_fees_set"] = nil, nil
	if !o.duties().zero() {
		body["original_total_duties_set"], body["current_total_duties_set"] = o.cur.rest(o.duties()), o.cur.rest(o.currentDuties())
	}
}

func (o *order) restPeople(body kv) {
	level := o.s.cfg.ProtectedPII
	for _, name := range []string{"email", "contact_email", "phone", "customer", "shipping_address", "billing_address"} {
		body[name] = nil
	}
	if level < 0 {
		return
	}
	full := level != 1
	if full {
		body["email"], body["contact_email"], body["phone"] = optional(o.email), optional(o.email), optional(o.phone)
	}
	body["shipping_address"], body["billing_address"] = restAddress(o.shipTo, full), restAddress(o.billTo, full)
	if c := o.customer; c != nil {
		cust := kv{
			"id": c.id, "admin_graphql_api_id": gid("Customer", c.id), "created_at": o.s.local(c.created), "updated_at": o.s.local(c.updated),
			"state": "disabled", "verified_email": true, "tax_exempt": false, "tags": "", "currency": o.cur.shop, "note": nil,
			"email": nil, "phone": nil, "first_name": nil, "last_name": nil, "default_address": restAddress(c.defaultAddr, full),
		}
		if full && !c.redacted {
			cust["email"], cust["phone"] = optional(c.person.Email), optional(c.person.Phone)
			cust["first_name"], cust["last_name"] = optional(c.person.FirstName), optional(c.person.LastName)
		}
		body["customer"] = cust
	}
}

func restAddress(addr *Address, full bool) any {
	if addr == nil {
		return nil
	}
	out := kv{
		"city": optional(addr.City), "province": optional(addr.Province), "province_code": optional(addr.ProvinceCode), "zip": optional(addr.Zip),
		"country": optional(countryNames[addr.Country]), "country_code": optional(addr.Country), "latitude": nil, "longitude": nil,
		"first_name": nil, "last_name": nil, "name": nil, "company": nil, "address1": nil, "address2": nil, "phone": nil,
	}
	if full {
		out["first_name"], out["last_name"], out["name"] = optional(addr.FirstName), optional(addr.LastName), optional(addr.name())
		out["company"], out["phone"] = optional(addr.Company), optional(addr.Phone)
		out["address1"], out["address2"] = optional(addr.Address1), optional(addr.Address2)
	}
	return out
}

func restAttrs(attrs [][2]string) []kv {
	list := []kv{}
	for _, a := range attrs {
		list = append(list, kv{"name": a[0], "value": a[1]})
	}
	return list
}

func (o *order) restParts(body kv) {
	lines, ships, parcels, refunds, codes, apps := []kv{}, []kv{}, []kv{}, []kv{}, []kv{}, []kv{}
	for _, l := range o.lines {
		lines = append(lines, l.rest())
	}
	for _, sl := range o.shipping {
		ships = append(ships, sl.rest())
	}
	for _, f := range o.parcels {
		parcels = append(parcels, f.rest())
	}
	for _, r := range o.refunds {
		refunds = append(refunds, r.rest())
	}
	for _, d := range o.discounts {
		apps = append(apps, d.rest(o))
		if d.kind == "code" {
			kind := "fixed_amount"
			if d.percent > 0 {
				kind = "percentage"
			}
			if d.target == "SHIPPING_LINE" {
				kind = "shipping"
			}
			codes = append(codes, kv{"code": d.title, "amount": plain(d.total.shop, o.cur.shop), "type": kind})
		}
	}
	body["line_items"], body["shipping_lines"], body["fulfillments"], body["refunds"] = lines, ships, parcels, refunds
	body["discount_codes"], body["discount_applications"] = codes, apps
	body["tax_lines"] = o.restTaxes(o.taxesByRate(func(_ *line, b bag) bag { return b }))
	returns := []kv{}
	for _, r := range o.returns {
		returns = append(returns, kv{"id": r.id, "admin_graphql_api_id": gid("Return", r.id), "status": strings.ToLower(r.status)})
	}
	body["returns"] = returns
}

func (d *discount) rest(o *order) kv {
	out := kv{
		"target_type": strings.ToLower(d.target), "type": map[string]string{"code": "discount_code", "automatic": "automatic", "manual": "manual"}[d.kind],
		"value": plain(d.amount.pres, o.cur.pres), "value_type": "fixed_amount", "allocation_method": strings.ToLower(d.method), "target_selection": strings.ToLower(d.selection),
	}
	if d.percent > 0 {
		out["value"], out["value_type"] = plainRate(d.percent), "percentage"
	}
	if d.kind == "code" {
		out["code"] = d.title
	} else {
		out["title"] = d.title
	}
	return out
}

// plainRate writes a percentage as REST does: 10.0.
func plainRate(r rate) string {
	s := (r * 100).number()
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func (o *order) restTaxes(list []taxLine) []kv {
	out := []kv{}
	for _, t := range list {
		out = append(out, kv{
			"title": t.title, "rate": json.Number(t.rate.number()), "price": plain(t.amount.shop, o.cur.shop), "price_set": o.cur.rest(t.amount),
			"channel_liable": t.channel,
		})
	}
	return out
}

func (o *order) restAllocations(list []allocation) []kv {
	out := []kv{}
	for _, a := range list {
		out = append(out, kv{"amount": plain(a.amount.shop, o.cur.shop), "amount_set": o.cur.rest(a.amount), "discount_application_index": a.d.index})
	}
	return out
}

func (l *line) rest() kv {
	o := l.o
	out := kv{
		"id": l.id, "admin_graphql_api_id": gid("LineItem", l.id), "title": l.title, "name": l.fullName(), "variant_title": optional(l.variant),
		"sku": optional(l.sku), "vendor": optional(l.vendor), "quantity": l.quantity, "current_quantity": l.current(), "fulfillable_quantity": l.fulfillable(),
		"fulfillment_service": "manual", "fulfillment_status": nil, "price": plain(l.unit.shop, o.cur.shop), "price_set": o.cur.rest(l.unit),
		"total_discount": plain(l.lineDiscount().shop, o.cur.shop), "total_discount_set": o.cur.rest(l.lineDiscount()),
		"discount_allocations": o.restAllocations(l.allocs), "tax_lines": o.restTaxes(l.taxes), "taxable": l.taxable, "requires_shipping": l.ships,
		"gift_card": l.giftCard, "grams": l.grams, "properties": restAttrs(l.attrs), "product_exists": l.p != nil, "product_id": nil, "variant_id": nil,
		"variant_inventory_management": nil, "attributed_staffs": []kv{}, "sales_line_item_group_id": nil,
	}
	if l.v != nil {
		out["variant_id"] = l.v.id
		if l.v.tracked {
			out["variant_inventory_management"] = "shopify"
		}
	}
	if l.p != nil {
		out["product_id"] = l.p.id
	}
	if state := l.fulfillmentState(""); state != "" {
		out["fulfillment_status"] = state
	}
	duties := []kv{}
	for _, d := range l.duties {
		duties = append(duties, kv{
			"id": d.id, "harmonized_system_code": optional(d.code), "country_code_of_origin": optional(d.origin), "tax_lines": []kv{},
			"shop_money":        kv{"amount": plain(d.amount.shop, o.cur.shop), "currency_code": o.cur.shop},
			"presentment_money": kv{"amount": plain(d.amount.pres, o.cur.pres), "currency_code": o.cur.pres},
		})
	}
	out["duties"] = duties
	return out
}

func (sl *shippingLine) rest() kv {
	o := sl.o
	return kv{
		"id": sl.id, "title": sl.title, "code": optional(sl.code), "source": optional(sl.source), "carrier_identifier": nil, "phone": nil, "is_removed": false,
		"price": plain(sl.price.shop, o.cur.shop), "price_set": o.cur.rest(sl.price), "discounted_price": plain(sl.discounted().shop, o.cur.shop),
		"discounted_price_set": o.cur.rest(sl.discounted()), "current_discounted_price_set": o.cur.rest(sl.discounted().sub(sl.refunded)),
		"tax_lines": o.restTaxes(sl.taxes), "discount_allocations": o.restAllocations(sl.allocs), "requested_fulfillment_service_id": nil,
	}
}
