package shopify

import (
	"slices"
	"strings"
)

func (t *transaction) rest() kv {
	o := t.o
	out := kv{
		"id": t.id, "admin_graphql_api_id": gid("OrderTransaction", t.id), "order_id": o.id, "kind": strings.ToLower(t.kind), "status": strings.ToLower(t.status),
		"gateway": t.gateway, "amount": plain(t.amount.pres, o.cur.pres), "currency": o.cur.pres, "test": t.test, "parent_id": nil,
		"created_at": o.s.local(t.at), "processed_at": o.s.local(t.at), "message": nil, "authorization": nil, "error_code": nil, "source_name": o.source,
		"receipt": kv{}, "manual_payment_gateway": t.manual, "payment_id": o.confirm + "." + pad(t.id)[15:],
		"amount_rounding": nil, "location_id": nil, "user_id": nil, "device_id": nil, "payments_refund_attributes": nil,
	}
	if t.parent != nil {
		out["parent_id"] = t.parent.id
	}
	return out
}

// rest is the refund resource; money that went back as shipping, and what lines and money do not agree on, are order adjustments.
func (r *refund) rest() kv {
	o := r.o
	lines, txs, adjust := []kv{}, []kv{}, []kv{}
	for _, l := range r.lines {
		row := kv{
			"id": l.id, "line_item_id": l.line.id, "quantity": l.quantity, "restock_type": strings.ToLower(l.restock), "location_id": nil,
			"subtotal": plain(l.subtotal.shop, o.cur.shop), "subtotal_set": o.cur.rest(l.subtotal),
			"total_tax": plain(l.tax.shop, o.cur.shop), "total_tax_set": o.cur.rest(l.tax), "line_item": l.line.rest(),
		}
		if l.loc != nil {
			row["location_id"] = l.loc.id
		}
		lines = append(lines, row)
	}
	for _, t := range r.txs {
		txs = append(txs, t.rest())
	}
	for _, a := range r.adjust {
		// REST counts what went back to the buyer as negative.
		amount, tax := bag{}.sub(a.amount), bag{}.sub(a.tax)
		reason := a.reason
		if a.kind == "refund_discrepancy" {
			amount, reason = a.amount, "Refund discrepancy"
		}
		adjust = append(adjust, kv{
			"id": a.id, "order_id": o.id, "refund_id": r.id, "kind": a.kind, "reason": reason, "amount": plain(amount.shop, o.cur.shop),
			"amount_set": o.cur.rest(amount), "tax_amount": plain(tax.shop, o.cur.shop), "tax_amount_set": o.cur.rest(tax),
		})
	}
	out := kv{
		"id": r.id, "admin_graphql_api_id": gid("Refund", r.id), "order_id": o.id, "created_at": o.s.local(r.at), "processed_at": o.s.local(r.at),
		"note": optional(r.note), "user_id": nil, "restock": r.restock, "duties": []kv{}, "refund_line_items": lines, "transactions": txs,
		"order_adjustments": adjust, "total_duties_set": o.cur.rest(bag{}), "return": nil,
	}
	if r.ret != nil {
		out["return"] = kv{"id": r.ret.id, "admin_graphql_api_id": gid("Return", r.ret.id)}
	}
	return out
}

// rest is the fulfillment resource.
func (f *fulfillment) rest() kv {
	o := f.o
	lines := []kv{}
	for _, l := range f.lines {
		row := l.line.rest()
		row["quantity"] = l.quantity
		lines = append(lines, row)
	}
	numbers, urls := []string{}, []string{}
	out := kv{
		"id": f.id, "admin_graphql_api_id": gid("Fulfillment", f.id), "order_id": o.id, "name": f.name, "status": strings.ToLower(f.status),
		"created_at": o.s.local(f.created), "updated_at": o.s.local(f.updated), "service": "manual", "location_id": nil, "origin_address": nil,
		"receipt": kv{}, "shipment_status": nil, "tracking_company": nil, "tracking_number": nil, "tracking_url": nil, "line_items": lines,
	}
	for i, t := range f.tracking {
		if i == 0 {
			out["tracking_company"], out["tracking_number"], out["tracking_url"] = optional(t.company), optional(t.number), optional(t.url)
		}
		if t.number != "" {
			numbers = append(numbers, t.number)
		}
		if t.url != "" {
			urls = append(urls, t.url)
		}
	}
	out["tracking_numbers"], out["tracking_urls"] = numbers, urls
	if f.loc != nil {
		out["location_id"] = f.loc.id
	}
	if len(f.events) > 0 {
		out["shipment_status"] = strings.ToLower(f.events[len(f.events)-1].status)
	}
	return out
}

func (f *fulfillment) restEvent(ev *parcelEvent) kv {
	s := f.o.s
	return kv{
		"id": ev.id, "admin_graphql_api_id": gid("FulfillmentEvent", ev.id), "fulfillment_id": f.id, "order_id": f.o.id, "shop_id": int64(68_120_000_017),
		"status": strings.ToLower(ev.status), "message": optional(ev.message), "happened_at": s.local(ev.happened), "created_at": s.local(ev.created),
		"updated_at": s.local(ev.created), "city": optional(ev.city), "country": optional(ev.country), "province": nil, "zip": nil, "address1": nil,
		"latitude": nil, "longitude": nil, "estimated_delivery_at": nil,
	}
}

func (fo *fulfillmentOrder) restRef() kv {
	return kv{"id": gid("FulfillmentOrder", fo.id), "status": strings.ToLower(fo.status), "order_id": gid("Order", fo.o.id), "assigned_location_id": gid("Location", fo.loc.id)}
}

// rest is the return resource; its webhooks have no REST ancestor and mix both spellings, ids are global.
func (r *ret) rest() kv {
	o := r.o
	lines := []kv{}
	for _, l := range r.lines {
		lines = append(lines, kv{
			"id": l.id, "admin_graphql_api_id": gid("ReturnLineItem", l.id), "quantity": l.quantity, "return_reason": strings.ToLower(l.reason),
			"return_reason_note": l.note, "customer_note": optional(l.customer),
			"fulfillment_line_item": kv{
				"id": l.parcel.id, "admin_graphql_api_id": gid("FulfillmentLineItem", l.parcel.id),
				"line_item": kv{"id": l.parcel.line.id, "admin_graphql_api_id": gid("LineItem", l.parcel.line.id)},
			},
		})
	}
	out := kv{
		"id": r.id, "admin_graphql_api_id": gid("Return", r.id), "name": r.name, "status": strings.ToLower(r.status), "total_return_line_items": len(lines),
		"order": kv{"id": o.id, "admin_graphql_api_id": gid("Order", o.id)}, "return_line_items": lines, "created_at": o.s.local(r.created),
		"closed_at": o.s.localAt(r.closed), "decline": nil,
	}
	if r.decline != "" {
		out["decline"] = kv{"reason": strings.ToLower(r.decline), "note": optional(r.declNote)}
	}
	return out
}

func (l *level) rest() kv {
	return kv{
		"inventory_item_id": l.v.itemID, "location_id": l.loc.id, "available": l.available, "updated_at": l.v.p.s.local(l.updated),
		"admin_graphql_api_id": l.gid(),
	}
}

// rest is the product resource with its variants.
func (p *product) rest() kv {
	s := p.s
	variants := []kv{}
	for _, v := range p.variants {
		row := kv{
			"id": v.id, "admin_graphql_api_id": gid("ProductVariant", v.id), "product_id": p.id, "title": v.title, "sku": optional(v.sku), "barcode": optional(v.barcode),
			"price": plain(v.price, s.cfg.Currency), "compare_at_price": nil, "inventory_policy": strings.ToLower(v.policy), "inventory_item_id": v.itemID,
			"inventory_quantity": v.stock(), "old_inventory_quantity": v.stock(), "position": 1 + slices.Index(p.variants, v), "taxable": v.taxable,
			"created_at": s.local(v.created), "updated_at": s.local(v.updated), "option1": v.title, "option2": nil, "option3": nil, "image_id": nil,
		}
		if v.compareAt != nil {
			row["compare_at_price"] = plain(*v.compareAt, s.cfg.Currency)
		}
		variants = append(variants, row)
	}
	return kv{
		"id": p.id, "admin_graphql_api_id": gid("Product", p.id), "title": p.title, "vendor": p.vendor, "handle": p.handle, "product_type": p.kind,
		"status": strings.ToLower(p.status), "tags": strings.Join(p.tags, ", "), "created_at": s.local(p.created), "updated_at": s.local(p.updated),
		"published_at": s.local(p.created), "body_html": "", "template_suffix": nil, "published_scope": "web", "variants": variants,
		"options": []kv{}, "images": []kv{}, "image": nil,
	}
}

func (s *Shop) restShop() kv {
	return kv{
		"id": int64(68_120_000_017), "name": s.cfg.Name, "domain": s.cfg.Domain, "myshopify_domain": s.cfg.Domain, "currency": s.cfg.Currency,
		"country_code": s.cfg.Country, "country": s.cfg.Country, "iana_timezone": s.cfg.TimeZone, "taxes_included": !s.cfg.TaxesExcluded,
		"created_at": s.local(s.created), "updated_at": s.local(s.created), "email": "owner@" + s.cfg.Domain, "plan_name": "partner_test",
	}
}
