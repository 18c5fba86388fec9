package shopify

import "slices"

func (r *refund) typeName() string { return "Refund" }

func (r *refund) field(name string, a args) any {
	o := r.o
	switch name {
	case "id":
		return gid("Refund", r.id)
	case "legacyResourceId":
		return r.id
	case "order":
		return orderNode{o, ""}
	case "createdAt", "processedAt", "updatedAt":
		return r.at
	case "note":
		return optional(r.note)
	case "return":
		return ptr(r.ret)
	case "totalRefundedSet":
		return o.cur.set(r.money())
	case "refundLineItems":
		return connectAll("RefundLineItemConnection", r.objects(), a)
	case "refundShippingLines":
		list := []object{}
		for _, sh := range r.ship {
			list = append(list, record{"RefundShippingLine", kv{
				"id": gid("RefundShippingLine", sh.id), "shippingLine": sh.line, "subtotalAmountSet": o.cur.set(sh.amount), "taxAmountSet": o.cur.set(sh.tax),
			}})
		}
		return connectAll("RefundShippingLineConnection", list, a)
	case "orderAdjustments":
		list := []object{}
		for _, adj := range r.adjust {
			if adj.kind != "refund_discrepancy" {
				continue // GraphQL shows refunded shipping as refundShippingLines
			}
			list = append(list, record{"OrderAdjustment", kv{
				"id": gid("OrderAdjustment", adj.id), "reason": adj.reason, "amountSet": o.cur.set(adj.amount), "taxAmountSet": o.cur.set(adj.tax),
			}})
		}
		return connectAll("OrderAdjustmentConnection", list, a)
	case "transactions":
		return connectAll("OrderTransactionConnection", r.txs, a)
	case "duties":
		list := []object{}
		for _, d := range r.duties {
			list = append(list, record{"RefundDuty", d})
		}
		return list
	}
	return unheld
}

// money is what went back: the sum of successful refund transactions.
func (r *refund) money() bag {
	var sum bag
	for _, t := range r.txs {
		if t.status == "SUCCESS" {
			sum = sum.add(t.amount)
		}
	}
	return sum
}

func (r *refund) objects() []object {
	list := []object{}
	for _, l := range r.lines {
		list = append(list, l.object(gid("RefundLineItem", l.id)))
	}
	return list
}

func (l *refundLine) object(id any) object {
	o := l.line.o
	return record{"RefundLineItem", kv{
		"id": id, "lineItem": l.line, "quantity": l.quantity, "restockType": l.restock, "restocked": l.restock == "RETURN" || l.restock == "CANCEL",
		"location": ptr(l.loc), "subtotalSet": o.cur.set(l.subtotal), "totalTaxSet": o.cur.set(l.tax), "priceSet": o.cur.set(l.line.unit),
		"subtotal": plain(l.subtotal.shop, o.cur.shop), "totalTax": plain(l.tax.shop, o.cur.shop), "price": plain(l.line.unit.shop, o.cur.shop),
	}}
}

func (r *ret) typeName() string { return "Return" }

func (r *ret) field(name string, a args) any {
	switch name {
	case "id":
		return gid("Return", r.id)
	case "name":
		return r.name
	case "order":
		return orderNode{r.o, ""}
	case "status":
		return r.status
	case "createdAt":
		return r.created
	case "requestApprovedAt":
		return at(r.approved)
	case "closedAt":
		return at(r.closed)
	case "totalQuantity":
		n := 0
		for _, l := range r.lines {
			n += l.quantity
		}
		return n
	case "decline":
		if r.decline == "" {
			return nil
		}
		return record{"ReturnDecline", kv{"reason": r.decline, "note": optional(r.declNote)}}
	case "returnLineItems":
		return connectAll("ReturnLineItemTypeConnection", r.lines, a)
	case "refunds":
		return connectAll("RefundConnection", r.refunds, a)
	case "reverseFulfillmentOrders":
		return connectAll("ReverseFulfillmentOrderConnection", r.reverse, a)
	case "transactions":
		list := []*transaction{}
		for _, ref := range r.refunds {
			list = append(list, ref.txs...)
		}
		return connectAll("OrderTransactionConnection", list, a)
	}
	return unheld
}

func (l *retLine) typeName() string { return "ReturnLineItem" }

func (l *retLine) field(name string, _ args) any {
	switch name {
	case "id":
		return gid("ReturnLineItem", l.id)
	case "fulfillmentLineItem":
		return l.parcel
	case "quantity":
		return l.quantity
	case "processedQuantity":
		return l.processed
	case "processableQuantity", "unprocessedQuantity":
		return l.quantity - l.processed
	case "refundedQuantity":
		return l.refunded
	case "refundableQuantity":
		return l.quantity - l.refunded
	case "returnReason":
		return l.reason
	case "returnReasonNote":
		return l.note
	case "customerNote":
		return optional(l.customer)
	case "withCodeDiscountedTotalPriceSet":
		return l.parcel.line.o.cur.set(l.parcel.line.net().part(0, l.quantity, l.parcel.line.quantity))
	}
	return unheld
}

func (ro *reverseOrder) typeName() string { return "ReverseFulfillmentOrder" }

func (ro *reverseOrder) field(name string, a args) any {
	switch name {
	case "id":
		return gid("ReverseFulfillmentOrder", ro.id)
	case "status":
		return ro.status
	case "order":
		return orderNode{ro.r.o, ""}
	case "lineItems":
		return connectAll("ReverseFulfillmentOrderLineItemConnection", ro.lines, a)
	}
	return unheld
}

func (l *reverseLine) typeName() string { return "ReverseFulfillmentOrderLineItem" }

func (l *reverseLine) field(name string, _ args) any {
	switch name {
	case "id":
		return gid("ReverseFulfillmentOrderLineItem", l.id)
	case "totalQuantity":
		return l.line.quantity
	case "fulfillmentLineItem":
		return l.line.parcel
	case "dispositions":
		list := []object{}
		for _, d := range l.dispositions {
			list = append(list, record{"ReverseFulfillmentOrderDisposition", kv{
				"id": gid("ReverseFulfillmentOrderDisposition", d.id), "type": d.kind, "quantity": d.quantity, "location": ptr(d.loc), "createdAt": d.at,
			}})
		}
		return list
	}
	return unheld
}

// suggestion is what a refund of some lines and shipping comes to.
type suggestion struct {
	lines    []*refundLine
	subtotal bag
	tax      bag
	discount bag
	shipping bag // before taxes where prices exclude them
	shipTax  bag
	duties   bag
	o        *order
}

// amount is what the buyer gets back, before it is limited to what was paid.
func (sg suggestion) amount() bag {
	b := sg.subtotal.add(sg.shipping).add(sg.duties)
	if !sg.o.included {
		b = b.add(sg.tax).add(sg.shipTax)
	}
	return b
}

// value adds one line to a suggestion.
func (sg *suggestion) value(l *line, n int, restock string, loc *location) {
	rl := &refundLine{line: l, quantity: n, restock: restock, loc: loc, subtotal: l.share(l.net(), n), tax: l.share(l.tax(), n)}
	sg.lines = append(sg.lines, rl)
	sg.subtotal, sg.tax, sg.discount = sg.subtotal.add(rl.subtotal), sg.tax.add(rl.tax), sg.discount.add(l.share(l.discount(), n))
}

// ship adds shipping: an amount in the buyer's currency, spread over the lines that have money left, tax in proportion.
func (sg *suggestion) ship(pres int64) {
	left := sg.o.shippingTotal().sub(sg.o.shippingRefunded())
	if left.pres <= 0 || pres <= 0 {
		return
	}
	pres = min(pres, left.pres)
	sg.shipping = bag{muldiv(left.shop, pres, left.pres), pres}
	taxLeft := sg.o.shippingTax()
	for _, sl := range sg.o.shipping {
		taxLeft = taxLeft.sub(sl.taxBack)
	}
	sg.shipTax = bag{muldiv(taxLeft.shop, pres, left.pres), muldiv(taxLeft.pres, pres, left.pres)}
}

// suggest is order.suggestedRefund.
func (o *order) suggest(a args) any {
	sg := suggestion{o: o}
	if a.flag("suggestFullRefund") {
		for _, l := range o.lines {
			if l.current() > 0 {
				sg.value(l, l.current(), "NO_RESTOCK", nil)
			}
		}
		sg.ship(o.shippingTotal().pres)
		sg.duties = o.currentDuties()
	}
	for _, in := range a.objects("refundLineItems") {
		id, _ := parseGID("LineItem", in.text("lineItemId"))
		n, _ := in.number("quantity")
		l, _ := find(o.lines, func(l *line) bool { return l.id == id }).(*line)
		if l == nil || n <= 0 || n > l.current() {
			return &gqlError{Message: "Quantity cannot refund more items than were purchased", Extensions: kv{"code": "BAD_REQUEST"}}
		}
		restock := in.text("restockType")
		if restock == "" {
			restock = "NO_RESTOCK"
		}
		sg.value(l, n, restock, o.s.locationArg(in))
	}
	if a.flag("refundShipping") {
		sg.ship(o.shippingTotal().pres)
	}
	if text := a.text("shippingAmount"); text != "" {
		if amount, err := parseAmount(text, o.cur.pres); err == nil {
			sg.ship(amount)
		}
	}
	return sg.object()
}

func (s *Shop) locationArg(a args) *location {
	id, _ := parseGID("Location", a.text("locationId"))
	return s.location(id)
}

func (sg suggestion) object() object {
	o := sg.o
	most := o.netPayment()
	amount := sg.amount()
	if amount.pres > most.pres {
		amount = most
	}
	lines := []object{}
	for _, l := range sg.lines {
		lines = append(lines, l.object(nil))
	}
	left := o.shippingTotal().sub(o.shippingRefunded())
	return record{"SuggestedRefund", kv{
		"amountSet": o.cur.set(amount), "subtotalSet": o.cur.set(sg.subtotal), "totalTaxSet": o.cur.set(sg.tax.add(sg.shipTax)),
		"discountedSubtotalSet": o.cur.set(sg.subtotal), "maximumRefundableSet": o.cur.set(most), "totalCartDiscountAmountSet": o.cur.set(sg.discount),
		"totalTaxes": plain(sg.tax.add(sg.shipTax).shop, o.cur.shop), "totalDutiesSet": o.cur.set(sg.duties), "refundLineItems": lines, "refundDuties": []object{}, "suggestedRefundMethods": []object{},
		"suggestedTransactions": o.suggestTransactions(amount),
		"shipping": record{"ShippingRefund", kv{
			"amountSet": o.cur.set(sg.shipping), "taxSet": o.cur.set(sg.shipTax), "maximumRefundableSet": o.cur.set(left),
			"amount": plain(sg.shipping.shop, o.cur.shop), "tax": plain(sg.shipTax.shop, o.cur.shop), "maximumRefundable": plain(left.shop, o.cur.shop),
		}},
	}}
}

// suggestTransactions spreads an amount over the payments, newest first.
func (o *order) suggestTransactions(amount bag) []object {
	list := []object{}
	for _, t := range slices.Backward(o.txs) {
		left := t.refundable()
		if left.pres <= 0 || amount.pres <= 0 {
			continue
		}
		take := left
		if amount.pres < left.pres {
			take = bag{min(left.shop, amount.shop), amount.pres}
		}
		amount = amount.sub(take)
		list = append(list, record{"SuggestedOrderTransaction", kv{
			"amountSet": o.cur.set(take), "gateway": t.gateway, "formattedGateway": t.gateway, "kind": "SUGGESTED_REFUND", "parentTransaction": t,
			"maximumRefundableSet": o.cur.set(left),
		}})
	}
	return list
}
