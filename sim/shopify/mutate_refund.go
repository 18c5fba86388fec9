package shopify

import (
	"fmt"
	"slices"
)

// refundCreate gives money back, takes lines off the order, or both. More money than was received is refused unless allowed.
func refundCreate(m *mutation, a args) object {
	in := a.object("input")
	o := m.s.order(in.text("orderId"))
	if o == nil {
		return m.no("", "Order does not exist", "orderId")
	}
	if c := in.text("currency"); c != o.cur.pres && (c != "" || o.cur.pres != o.cur.shop) {
		return m.no("", "Currency must be the presentment currency of the order", "currency")
	}
	sg := suggestion{o: o}
	var bad *problem
	for i, row := range in.objects("refundLineItems") {
		if bad = m.refundRow(&sg, row, i); bad != nil {
			return m.refuse(payloadType(m.name), *bad)
		}
	}
	if bad = shippingRow(&sg, in.object("shipping")); bad != nil {
		return m.refuse(payloadType(m.name), *bad)
	}
	payments, bad := o.refundPayments(in)
	if bad != nil {
		return m.refuse(payloadType(m.name), *bad)
	}
	if len(sg.lines) == 0 && len(payments) == 0 && sg.shipping.zero() {
		return m.no("", "Refund must have at least one line item, transaction or shipping amount", "refundLineItems")
	}
	r := o.refund(m.e, sg, payments, in.text("note"), in.text("discrepancyReason"))
	return m.done(kv{"refund": r, "order": orderNode{o, ""}})
}

// refundRow judges one line: no more than is left, cancelled units must be open and returned ones shipped.
func (m *mutation) refundRow(sg *suggestion, row args, i int) *problem {
	path := []string{"refundLineItems", fmt.Sprint(i), "quantity"}
	id, _ := parseGID("LineItem", row.text("lineItemId"))
	l, _ := find(sg.o.lines, func(l *line) bool { return l.id == id }).(*line)
	n, _ := row.number("quantity")
	if l == nil || slices.ContainsFunc(sg.lines, func(rl *refundLine) bool { return rl.line == l }) {
		p := userError("", "Line item does not exist on the order or is named twice", path[:2]...)
		return &p
	}
	if n <= 0 || n > l.current() {
		p := userError("", "Quantity cannot refund more items than were purchased", path...)
		return &p
	}
	restock, loc := row.text("restockType"), m.s.locationArg(row)
	switch restock {
	case "":
		restock = "NO_RESTOCK"
	case "CANCEL":
		if n > l.fulfillable() {
			p := userError("", "Quantity cannot cancel more items than are unfulfilled", path...)
			return &p
		}
	case "RETURN":
		if n > l.current()-l.fulfillable() {
			p := userError("", "Quantity cannot return more items than were fulfilled", path...)
			return &p
		}
		if loc == nil && l.v != nil && l.v.tracked {
			p := userError("", "Location is required to restock returned items", "refundLineItems", fmt.Sprint(i), "locationId")
			return &p
		}
	}
	sg.value(l, n, restock, loc)
	return nil
}

func shippingRow(sg *suggestion, in args) *problem {
	left := sg.o.shippingTotal().sub(sg.o.shippingRefunded()).pres
	if in.flag("fullRefund") {
		sg.ship(left)
		return nil
	}
	text := in.text("amount")
	if text == "" {
		return nil
	}
	amount, err := parseAmount(text, sg.o.cur.pres)
	if err != nil || amount < 0 || amount > left {
		p := userError("", "Refund shipping amount is greater than the shipping left to refund", "shipping", "amount")
		return &p
	}
	sg.ship(amount)
	return nil
}

type repayment struct {
	parent *transaction
	amount bag
}

// refundPayments judges the transactions of a refund.
func (o *order) refundPayments(in args) ([]repayment, *problem) {
	var list []repayment
	taken := map[*transaction]int64{}
	for i, row := range in.objects("transactions") {
		fail := func(message, field string) ([]repayment, *problem) {
			p := userError("", message, "transactions", fmt.Sprint(i), field)
			return nil, &p
		}
		if row.text("kind") != "REFUND" {
			return fail("Kind must be REFUND", "kind")
		}
		amount, err := parseAmount(row.text("amount"), o.cur.pres)
		if err != nil || amount <= 0 {
			return fail("Amount is not valid", "amount")
		}
		id, _ := parseGID("OrderTransaction", row.text("parentId"))
		parent, _ := find(o.txs, func(t *transaction) bool { return t.id == id }).(*transaction)
		if parent == nil {
			return fail("Parent transaction is required for this gateway", "parentId")
		}
		taken[parent] += amount
		left := parent.refundable()
		if taken[parent] > left.pres && !in.flag("allowOverRefunding") {
			return fail(fmt.Sprintf("Refund amount %s is greater than net payment received %s", plain(taken[parent], o.cur.pres), plain(left.pres, o.cur.pres)), "amount")
		}
		shop := unconvert(amount, o.fx, o.cur.shop, o.cur.pres)
		if amount == left.pres {
			shop = left.shop // the last refund takes the remainder in both currencies
		}
		list = append(list, repayment{parent, bag{shop, amount}})
	}
	return list, nil
}

// refund writes a judged refund down: lines leave the order, stock comes back where asked, money goes back, and what money and lines do not
// agree on becomes an adjustment.
func (o *order) refund(e *event, sg suggestion, payments []repayment, note, reason string) *refund {
	r := &refund{o: o, id: o.s.id("Refund"), at: e.at, note: note}
	suggested := sg.amount()
	for _, rl := range sg.lines {
		rl.id = o.s.id("RefundLineItem")
		o.restockLine(e, rl)
		rl.line.refunded += rl.quantity
		r.lines = append(r.lines, rl)
		r.restock = r.restock || rl.restock != "NO_RESTOCK"
	}
	o.refundShipping(r, sg.shipping.pres)
	if len(payments) == 1 && payments[0].amount.pres == suggested.pres {
		payments[0].amount = suggested // exactly what the lines come to: then also in the shop's currency
	}
	var paid bag
	for _, p := range payments {
		t := o.pay("REFUND", "SUCCESS", p.parent.gateway, p.amount, p.parent, e.at)
		r.txs = append(r.txs, t)
		paid = paid.add(p.amount)
		e.emit("ORDER_TRANSACTIONS_CREATE", gid("OrderTransaction", t.id), t.rest)
	}
	if diff := suggested.sub(paid); len(payments) > 0 && diff.pres != 0 {
		kind := map[string]string{"": "REFUND_DISCREPANCY", "OTHER": "REFUND_DISCREPANCY"}[reason]
		if kind == "" {
			kind = reason
		}
		r.adjust = append(r.adjust, &adjustment{id: o.s.id("OrderAdjustment"), reason: kind, amount: diff, kind: "refund_discrepancy"})
	}
	o.refunds = append(o.refunds, r)
	e.emit("REFUNDS_CREATE", gid("Refund", r.id), r.rest)
	o.touch(e)
	return r
}

// restockLine moves the units of a refund line: cancelled ones come off their fulfillment orders, returned ones come back to a shelf, the
// others are gone, shipped ones first.
func (o *order) restockLine(e *event, rl *refundLine) {
	l := rl.line
	switch rl.restock {
	case "CANCEL":
		if from := l.release(e, rl.quantity, true); rl.loc == nil {
			rl.loc = from
		}
	case "RETURN", "LEGACY_RESTOCK":
		if st := l.stockAt(rl.loc); st != nil {
			st.change(e, rl.quantity, 0)
		}
	default:
		keptByBuyer := l.current() - l.fulfillable()
		if open := rl.quantity - keptByBuyer; open > 0 {
			l.release(e, open, false)
		}
	}
}

// refundShipping takes shipping, in the buyer's currency, off the shipping lines in turn.
func (o *order) refundShipping(r *refund, pres int64) {
	for _, sl := range o.shipping {
		left := sl.discounted().sub(sl.refunded)
		if pres <= 0 || left.pres <= 0 {
			continue
		}
		take := min(pres, left.pres)
		taxLeft := taxSum(sl.taxes).sub(sl.taxBack)
		sh := &refundShipping{
			id: o.s.id("RefundShippingLine"), line: sl, amount: bag{muldiv(left.shop, take, left.pres), take},
			tax: bag{muldiv(taxLeft.shop, take, left.pres), muldiv(taxLeft.pres, take, left.pres)},
		}
		sl.refunded, sl.taxBack = sl.refunded.add(sh.amount), sl.taxBack.add(sh.tax)
		r.ship = append(r.ship, sh)
		// REST shows refunded shipping, and its tax, only as an order adjustment.
		r.adjust = append(r.adjust, &adjustment{id: o.s.id("OrderAdjustment"), reason: "Shipping refund", kind: "shipping_refund", amount: sh.amount, tax: sh.tax})
		pres -= take
	}
}
