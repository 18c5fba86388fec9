package shopify

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// orderNode is the Order type as one API version shows it.
type orderNode struct {
	*order
	version string
}

func (o orderNode) typeName() string { return "Order" }

func (o orderNode) field(name string, a args) any {
	if v := o.money(name); v != unheld {
		return v
	}
	if v := o.person(name); v != unheld {
		return v
	}
	if v := o.parts(name, a); v != unheld {
		return v
	}
	switch name {
	case "id":
		return gid("Order", o.id)
	case "legacyResourceId":
		return o.id
	case "name":
		return o.name
	case "number":
		return o.number
	case "confirmationNumber":
		return o.confirm
	case "createdAt":
		return o.created
	case "processedAt":
		return o.processed
	case "updatedAt":
		return o.updated
	case "cancelledAt":
		return at(o.cancelled)
	case "closedAt":
		return at(o.closed)
	case "closed":
		return o.closed != nil
	case "confirmed":
		return true
	case "cancelReason":
		return optional(o.reason)
	case "cancellation":
		if o.cancelled == nil {
			return nil
		}
		return record{"OrderCancellation", kv{"staffNote": optional(o.staffNote)}}
	case "currencyCode":
		return o.cur.shop
	case "presentmentCurrencyCode":
		return o.cur.pres
	case "taxesIncluded":
		return o.included
	case "taxExempt", "estimatedTaxes", "dutiesIncluded", "productNetwork", "hasTimelineComment", "customerAcceptsMarketing":
		return false
	case "test":
		return o.test
	case "edited":
		return o.edited
	case "note":
		return optional(o.note)
	case "poNumber":
		return optional(o.poNumber)
	case "tags":
		return o.tags
	case "customAttributes":
		return attributes(o.attrs)
	case "sourceName":
		return o.source
	case "sourceIdentifier":
		return optional(o.sourceID)
	case "customerLocale":
		return o.locale
	}
	return o.state(name)
}

func (o orderNode) state(name string) any {
	shipped, open, _, _ := o.units()
	switch name {
	case "displayFinancialStatus":
		return o.financialStatus()
	case "displayFulfillmentStatus":
		return o.fulfillmentStatus(o.version)
	case "returnStatus":
		return o.returnStatus()
	case "fullyPaid":
		return o.received().pres >= o.currentTotal().pres
	case "unpaid":
		return o.received().zero()
	case "capturable":
		return !o.capturable().zero()
	case "canMarkAsPaid":
		return o.cancelled == nil && o.outstanding().pres > 0
	case "refundable":
		return slices.ContainsFunc(o.txs, func(t *transaction) bool { return t.refundable().pres > 0 })
	case "fulfillable":
		return open > 0
	case "restockable":
		return shipped > 0
	case "requiresShipping":
		return slices.ContainsFunc(o.lines, func(l *line) bool { return l.ships })
	case "merchantEditable":
		return o.cancelled == nil
	case "canNotifyCustomer":
		return o.email != ""
	case "billingAddressMatchesShippingAddress":
		return o.billTo == nil || o.shipTo != nil && *o.billTo == *o.shipTo
	case "merchantBusinessEntity":
		return record{"BusinessEntity", kv{
			"id": gid("BusinessEntity", 30_000_000_001), "displayName": o.s.cfg.Name, "companyName": optional(o.s.cfg.Name), "primary": true, "archived": false,
			"address": record{"BusinessEntityAddress", kv{"countryCode": o.s.cfg.Country}},
		}}
	case "riskLevel":
		return "LOW"
	case "risk":
		return record{"OrderRiskSummary", kv{"recommendation": "ACCEPT", "assessments": []object{}}}
	case "paymentCollectionDetails":
		return record{"OrderPaymentCollectionDetails", kv{"additionalPaymentCollectionUrl": nil, "vaultedPaymentMethods": nil}}
	case "paymentGatewayNames":
		return o.gateways()
	case "statusPageUrl":
		return "https://" + o.s.cfg.Domain + "/orders/" + strings.ToLower(o.confirm)
	case "subtotalLineItemsQuantity":
		return o.count(func(l *line) int { return l.quantity })
	case "currentSubtotalLineItemsQuantity":
		return o.count((*line).current)
	case "totalWeight", "currentTotalWeight":
		return int64(o.count(func(l *line) int { return l.quantity * int(l.grams) }))
	case "discountCode":
		if codes := o.codes(); len(codes) > 0 {
			return codes[0]
		}
		return nil
	case "discountCodes":
		return o.codes()
	case "fulfillmentsCount":
		return record{"Count", kv{"count": len(o.parcels), "precision": "EXACT"}}
	case "transactionsCount":
		return record{"Count", kv{"count": len(o.txs), "precision": "EXACT"}}
	}
	return unheld
}

func (o *order) count(of func(l *line) int) int {
	n := 0
	for _, l := range o.lines {
		n += of(l)
	}
	return n
}

func (o *order) gateways() []string {
	names := []string{}
	for _, t := range o.txs {
		if !slices.Contains(names, t.gateway) {
			names = append(names, t.gateway)
		}
	}
	return names
}

func (o *order) codes() []string {
	codes := []string{}
	for _, d := range o.discounts {
		if d.kind == "code" {
			codes = append(codes, d.title)
		}
	}
	return codes
}

// money answers the fields that are money bags.
func (o orderNode) money(name string) any {
	var b bag
	switch name {
	case "subtotalPriceSet":
		b = o.subtotal()
	case "currentSubtotalPriceSet":
		b = o.currentSubtotal()
	case "totalPriceSet":
		b = o.total()
	case "originalTotalPriceSet":
		b = o.placed
	case "currentTotalPriceSet":
		b = o.currentTotal()
	case "totalTaxSet":
		b = o.tax()
	case "currentTotalTaxSet":
		b = o.currentTax()
	case "totalDiscountsSet":
		b = o.discountTotal()
	case "currentTotalDiscountsSet":
		b = o.currentDiscounts()
	case "cartDiscountAmountSet", "currentCartDiscountAmountSet":
		b = o.sum(func(l *line) bag { return l.discount().sub(l.lineDiscount()) })
	case "totalShippingPriceSet":
		b = o.shippingTotal()
	case "currentShippingPriceSet":
		b = o.shippingTotal().sub(o.shippingRefunded())
	case "totalTipReceivedSet":
		b = o.tip
	case "originalTotalDutiesSet", "currentTotalDutiesSet":
		if o.duties().zero() {
			return nil
		}
		b = o.duties()
		if name == "currentTotalDutiesSet" {
			b = o.currentDuties()
		}
	case "totalReceivedSet":
		b = o.received()
	case "totalRefundedSet":
		b = o.refundedTotal()
	case "totalRefundedShippingSet":
		b = o.shippingRefunded()
	case "netPaymentSet":
		b = o.netPayment()
	case "totalOutstandingSet":
		b = o.outstanding()
	case "totalCapturableSet":
		b = o.capturable()
	case "refundDiscrepancySet":
		b = o.discrepancy()
	case "totalCashRoundingAdjustment":
		return record{"CashRoundingAdjustment", kv{"paymentSet": o.cur.set(bag{}), "refundSet": o.cur.set(bag{})}}
	default:
		return unheld
	}
	return o.cur.set(b)
}

func (o *order) discrepancy() bag {
	var sum bag
	for _, r := range o.refunds {
		for _, adj := range r.adjust {
			if adj.kind == "refund_discrepancy" {
				sum = sum.add(adj.amount)
			}
		}
	}
	return sum
}

// person answers the fields that are the buyer's, as far as the app may see them.
func (o orderNode) person(name string) any {
	level := o.s.cfg.ProtectedPII
	switch name {
	case "email", "phone":
		if level == 1 || level < 0 {
			return nil
		}
		return optional(map[string]string{"email": o.email, "phone": o.phone}[name])
	case "customer":
		if level < 0 || o.customer == nil {
			return nil
		}
		return o.customer
	case "shippingAddress", "displayAddress":
		return o.s.address(o.shipTo, o.id)
	case "billingAddress":
		return o.s.address(o.billTo, o.id+1)
	}
	return unheld
}

// address is a MailingAddress; without level 2 the name, street and phone are missing, without level 1 all of it is.
func (s *Shop) address(addr *Address, id int64) any {
	if addr == nil || s.cfg.ProtectedPII < 0 {
		return nil
	}
	values := kv{
		"id": gid("MailingAddress", id), "city": optional(addr.City), "province": optional(addr.Province), "provinceCode": optional(addr.ProvinceCode),
		"zip": optional(addr.Zip), "country": optional(countryNames[addr.Country]), "countryCodeV2": optional(addr.Country), "countryCode": optional(addr.Country),
		"coordinatesValidated": false, "formatted": []string{addr.City, addr.Country},
	}
	if s.cfg.ProtectedPII != 1 {
		values["firstName"], values["lastName"] = optional(addr.FirstName), optional(addr.LastName)
		values["name"], values["company"] = optional(addr.name()), optional(addr.Company)
		values["address1"], values["address2"], values["phone"] = optional(addr.Address1), optional(addr.Address2), optional(addr.Phone)
		values["formatted"] = []string{addr.Address1, addr.City, addr.Country}
	}
	return record{"MailingAddress", values}
}

// parts answers the lists and connections of an order.
func (o orderNode) parts(name string, a args) any {
	switch name {
	case "lineItems":
		return connectAll("LineItemConnection", o.lines, a)
	case "nonFulfillableLineItems":
		list := slices.DeleteFunc(slices.Clone(o.lines), func(l *line) bool { return l.ships })
		return connectAll("LineItemConnection", list, a)
	case "shippingLines":
		return connectAll("ShippingLineConnection", o.shipping, a)
	case "shippingLine":
		if len(o.shipping) == 0 {
			return nil
		}
		return o.shipping[0]
	case "discountApplications":
		return connectAll("DiscountApplicationConnection", o.applications(), a)
	case "taxLines":
		return o.taxLines(o.taxesByRate(func(_ *line, b bag) bag { return b }))
	case "currentTaxLines":
		return o.taxLines(o.taxesByRate((*line).keep))
	case "transactions":
		return first(o.txs, a)
	case "fulfillments":
		return first(o.parcels, a)
	case "refunds":
		return first(o.refunds, a)
	case "fulfillmentOrders":
		return connectAll("FulfillmentOrderConnection", o.fos, a)
	case "returns":
		return connectAll("ReturnConnection", o.returns, a)
	case "suggestedRefund":
		return o.suggest(a)
	case "retailLocation", "physicalLocation":
		return ptr(o.retail)
	case "app":
		return nil
	}
	return unheld
}

func first[T any](list []T, a args) []T {
	if n, ok := a.number("first"); ok && n < len(list) {
		return list[:max(0, n)]
	}
	return append([]T{}, list...)
}

func attributes(attrs [][2]string) []object {
	list := []object{}
	for _, kvp := range attrs {
		list = append(list, record{"Attribute", kv{"key": kvp[0], "value": kvp[1]}})
	}
	return list
}

func (o *order) taxLines(list []taxLine) []object {
	out := []object{}
	for _, t := range list {
		out = append(out, o.taxLine(t))
	}
	return out
}

func (o *order) taxLine(t taxLine) object {
	return record{"TaxLine", kv{
		"title": t.title, "rate": json.Number(t.rate.number()), "ratePercentage": json.Number((t.rate * 100).number()), "priceSet": o.cur.set(t.amount),
		"price": plain(t.amount.shop, o.cur.shop), "channelLiable": t.channel, "source": "shopify",
	}}
}

func (o *order) applications() []object {
	list := []object{}
	for _, d := range o.discounts {
		list = append(list, d.object(o))
	}
	return list
}

func (d *discount) object(o *order) object {
	values := kv{
		"index": d.index, "allocationMethod": d.method, "targetSelection": d.selection, "targetType": d.target,
		"value": moneyV2(d.amount.pres, o.cur.pres),
	}
	if d.percent > 0 {
		values["value"] = record{"PricingPercentageValue", kv{"percentage": json.Number((d.percent * 100).number())}}
	}
	switch d.kind {
	case "code":
		values["code"] = d.title
		return record{"DiscountCodeApplication", values}
	case "automatic":
		values["title"] = d.title
		return record{"AutomaticDiscountApplication", values}
	}
	values["title"], values["description"] = d.title, nil
	return record{"ManualDiscountApplication", values}
}

func (o *order) allocations(list []allocation) []object {
	out := []object{}
	for _, al := range list {
		out = append(out, record{"DiscountAllocation", kv{
			"allocatedAmountSet": o.cur.set(al.amount), "allocatedAmount": moneyV2(al.amount.pres, o.cur.pres), "discountApplication": al.d.object(o),
		}})
	}
	return out
}

// stamp is a time as text that sorts.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
