package shopify

import (
	"slices"
	"strings"
)

func (l *line) typeName() string { return "LineItem" }

func (l *line) field(name string, a args) any {
	if v := l.money(name); v != unheld {
		return v
	}
	switch name {
	case "id":
		return gid("LineItem", l.id)
	case "title":
		return l.title
	case "name":
		return l.fullName()
	case "variantTitle":
		return optional(l.variant)
	case "sku":
		return optional(l.sku)
	case "vendor":
		return optional(l.vendor)
	case "quantity":
		return l.quantity
	case "currentQuantity", "refundableQuantity":
		return l.current()
	case "unfulfilledQuantity", "fulfillableQuantity":
		return l.fulfillable()
	case "nonFulfillableQuantity":
		return l.quantity - l.fulfillable() - l.shipped
	case "fulfillmentStatus":
		return l.fulfillmentState("unfulfilled")
	case "variant":
		return ptr(l.v)
	case "product":
		return ptr(l.p)
	case "requiresShipping":
		return l.ships
	case "taxable":
		return l.taxable
	case "isGiftCard":
		return l.giftCard
	case "restockable", "canRestock", "merchantEditable":
		return l.v != nil
	case "taxLines":
		return first(l.o.taxLines(l.taxes), a)
	case "discountAllocations":
		return l.o.allocations(l.allocs)
	case "customAttributes":
		return attributes(l.attrs)
	case "duties":
		list := []object{}
		for _, d := range l.duties {
			list = append(list, record{"Duty", kv{
				"id": gid("Duty", d.id), "harmonizedSystemCode": optional(d.code), "countryCodeOfOrigin": optional(d.origin),
				"price": l.o.cur.set(d.amount), "taxLines": []object{},
			}})
		}
		return list
	case "weight":
		return weight(l.grams)
	}
	return unheld
}

func (l *line) fullName() string {
	if l.variant == "" || l.variant == "Default Title" {
		return l.title
	}
	return l.title + " - " + l.variant
}

func (l *line) fulfillmentState(none string) string {
	switch {
	case l.shipped == 0:
		return none
	case l.fulfillable() > 0:
		return "partial"
	}
	return "fulfilled"
}

// money answers the money bags of a line. The discounted unit prices are approximations, in Shopify's own words.
func (l *line) money(name string) any {
	n := max(1, l.quantity)
	approx := func(b bag) bag { return bag{muldiv(b.shop, 1, int64(n)), muldiv(b.pres, 1, int64(n))} }
	open := l.fulfillable()
	var b bag
	switch name {
	case "originalUnitPriceSet":
		b = l.unit
	case "originalTotalSet":
		b = l.gross()
	case "discountedTotalSet":
		b = l.gross().sub(l.lineDiscount())
	case "totalDiscountSet":
		b = l.lineDiscount()
	case "discountedUnitPriceSet":
		b = approx(l.gross().sub(l.lineDiscount()))
	case "discountedUnitPriceAfterAllDiscountsSet":
		b = approx(l.net())
	case "unfulfilledOriginalTotalSet":
		b = l.unit.times(open)
	case "unfulfilledDiscountedTotalSet":
		b = l.net().part(0, open, l.quantity)
	case "priceAfterAllDiscountsBeforeTaxesSet":
		b = l.keep(l.net())
		if l.o.included {
			b = b.sub(l.keep(l.tax()))
		}
	default:
		return unheld
	}
	return l.o.cur.set(b)
}

func (sl *shippingLine) typeName() string { return "ShippingLine" }

func (sl *shippingLine) field(name string, _ args) any {
	o := sl.o
	switch name {
	case "id":
		return gid("ShippingLine", sl.id)
	case "title":
		return sl.title
	case "code":
		return optional(sl.code)
	case "source":
		return optional(sl.source)
	case "custom", "isRemoved":
		return false
	case "originalPriceSet", "priceSet":
		return o.cur.set(sl.price)
	case "discountedPriceSet":
		return o.cur.set(sl.discounted())
	case "currentDiscountedPriceSet":
		return o.cur.set(sl.discounted().sub(sl.refunded))
	case "taxLines":
		return o.taxLines(sl.taxes)
	case "discountAllocations":
		return o.allocations(sl.allocs)
	case "phone":
		if o.shipTo == nil || o.s.cfg.ProtectedPII == 1 || o.s.cfg.ProtectedPII < 0 {
			return nil
		}
		return optional(o.shipTo.Phone)
	}
	return unheld
}

func (t *transaction) typeName() string { return "OrderTransaction" }

func (t *transaction) field(name string, _ args) any {
	o := t.o
	switch name {
	case "id":
		return gid("OrderTransaction", t.id)
	case "kind":
		return t.kind
	case "status":
		return t.status
	case "gateway":
		return t.gateway
	case "formattedGateway":
		return strings.ReplaceAll(t.gateway, "_", " ")
	case "manualPaymentGateway":
		return t.manual
	case "amountSet":
		return o.cur.set(t.amount)
	case "parentTransaction":
		return ptr(t.parent)
	case "createdAt", "processedAt":
		return t.at
	case "test":
		return t.test
	case "order":
		return orderNode{o, ""}
	case "manuallyCapturable":
		return t.kind == "AUTHORIZATION" && !o.capturable().zero()
	case "multiCapturable":
		return false
	case "maximumRefundableV2":
		if left := t.refundable(); left.pres > 0 {
			return moneyV2(left.pres, o.cur.pres)
		}
		return nil
	case "totalUnsettledSet":
		if t.kind == "AUTHORIZATION" {
			return o.cur.set(o.capturable())
		}
		return nil
	case "paymentId":
		return o.confirm + "." + pad(t.id)[15:]
	}
	return unheld
}

func (c *customer) typeName() string { return "Customer" }

func (c *customer) field(name string, a args) any {
	hidden := c.redacted || c.s.cfg.ProtectedPII == 1 || c.s.cfg.ProtectedPII < 0
	switch name {
	case "id":
		return gid("Customer", c.id)
	case "legacyResourceId":
		return c.id
	case "firstName", "lastName", "email", "phone":
		if hidden {
			return nil
		}
		return optional(map[string]string{"firstName": c.person.FirstName, "lastName": c.person.LastName, "email": c.person.Email, "phone": c.person.Phone}[name])
	case "displayName":
		if hidden {
			return ""
		}
		return strings.TrimSpace(c.person.FirstName + " " + c.person.LastName)
	case "defaultAddress":
		return c.s.address(c.defaultAddr, c.id)
	case "createdAt":
		return c.created
	case "updatedAt":
		return c.updated
	case "numberOfOrders":
		return int64(c.orders)
	case "locale":
		return "en"
	case "state":
		return "DISABLED"
	case "tags":
		return []string{}
	case "taxExempt", "dataSaleOptOut", "canDelete", "hasTimelineComment":
		return false
	case "verifiedEmail", "validEmailAddress":
		return true
	case "lifetimeDuration":
		return "less than a minute"
	case "amountSpent":
		total := int64(0)
		for _, o := range c.s.orders {
			if o.customer == c {
				total += o.netPayment().shop
			}
		}
		return moneyV2(total, c.s.cfg.Currency)
	case "orders":
		list := []ranked{}
		for _, o := range c.s.orders {
			if o.customer == c {
				list = append(list, ranked{orderNode{o, ""}, pad(o.id), pad(o.id)})
			}
		}
		return seek("OrderConnection", list, a)
	}
	return unheld
}

// visible says whether the app may see an order: older than 60 days takes read_all_orders.
func (s *Shop) visible(o *order) bool {
	return s.scopes["read_all_orders"] || s.now().Sub(o.created) <= 60*24*60*60*1e9
}

func (s *Shop) searchOrders(version string, a args) []ranked {
	query := parseSearch(a.text("query"))
	key := a.text("sortKey")
	list := []ranked{}
	for _, o := range s.orders {
		if !s.visible(o) || s.cfg.SearchLag > 0 && s.now().Sub(o.updated) < s.cfg.SearchLag {
			continue
		}
		if matches(query, func(t term) (bool, bool) { return o.holds(t, version) }) {
			list = append(list, ranked{orderNode{o, version}, pad(o.id), o.sortValue(key)})
		}
	}
	return list
}

func (o *order) sortValue(key string) string {
	switch key {
	case "UPDATED_AT":
		return stamp(o.updated)
	case "CREATED_AT":
		return stamp(o.created)
	case "PROCESSED_AT", "":
		return stamp(o.processed)
	case "ORDER_NUMBER":
		return pad(int64(o.number))
	case "TOTAL_PRICE", "CURRENT_TOTAL_PRICE":
		return pad(o.total().shop)
	}
	return pad(o.id)
}

// holds answers one search condition on an order.
func (o *order) holds(t term, version string) (yes, known bool) {
	switch t.field {
	case "updated_at":
		return compareTime(o.updated, t), true
	case "created_at":
		return compareTime(o.created, t), true
	case "processed_at":
		return compareTime(o.processed, t), true
	case "id":
		return compareID(o.id, t), true
	case "name":
		return compareText(o.name, t) || compareText(strings.TrimPrefix(o.name, "#"), t), true
	case "status":
		return o.hasStatus(strings.ToLower(t.value)), true
	case "financial_status":
		return compareText(o.financialStatus(), t), true
	case "fulfillment_status":
		status := map[string]string{"PARTIALLY_FULFILLED": "partial", "FULFILLED": "shipped"}[o.fulfillmentStatus(version)]
		return compareText(o.fulfillmentStatus(version), t) || status != "" && compareText(status, t), true
	case "return_status":
		return compareText(o.returnStatus(), t), true
	case "test":
		return o.test == (t.value == "true"), true
	case "tag":
		return slices.ContainsFunc(o.tags, func(tag string) bool { return compareText(tag, t) }), true
	case "tag_not":
		return !slices.ContainsFunc(o.tags, func(tag string) bool { return compareText(tag, t) }), true
	case "sku":
		return slices.ContainsFunc(o.lines, func(l *line) bool { return compareText(l.sku, t) }), true
	case "source_name":
		return compareText(o.source, t), true
	case "gateway":
		return slices.ContainsFunc(o.gateways(), func(g string) bool { return compareText(g, t) }), true
	case "email":
		return compareText(o.email, t), true
	case "customer_id":
		return o.customer != nil && compareID(o.customer.id, t), true
	case "location_id":
		return o.retail != nil && compareID(o.retail.id, t), true
	case "fulfillment_location_id":
		return slices.ContainsFunc(o.fos, func(fo *fulfillmentOrder) bool { return compareID(fo.loc.id, t) }), true
	}
	return false, false
}

func (o *order) hasStatus(status string) bool {
	switch status {
	case "open":
		return o.closed == nil && o.cancelled == nil
	case "closed":
		return o.closed != nil
	case "cancelled":
		return o.cancelled != nil
	case "not_closed":
		return o.closed == nil
	}
	return true
}
