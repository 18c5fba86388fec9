package shopify

import (
	"slices"
	"strings"
	"time"
)

func (s *Shop) order(id string) *order {
	n, ok := parseGID("Order", id)
	if !ok {
		return nil
	}
	return s.orderByID[n]
}

// orderCancel answers with a job; the order is cancelled when the job runs.
func orderCancel(m *mutation, a args) object {
	o := m.s.order(a.text("orderId"))
	switch {
	case o == nil:
		return m.no("NOT_FOUND", "Order does not exist", "orderId")
	case o.cancelled != nil:
		return m.no("INVALID", "Order has already been canceled", "orderId")
	}
	if shipped, _, _, _ := o.units(); shipped > 0 {
		return m.no("INVALID", "Cannot cancel an order that has fulfillments", "orderId") // that it must be unfulfilled is documented, the code is inferred
	}
	back := a.flag("refund") || a.object("refundMethod").flag("originalPaymentMethodsRefund")
	reason, restock, note := a.text("reason"), a.flag("restock"), a.text("staffNote")
	j := &job{s: m.s, id: "gid://shopify/Job/" + m.s.uuid(), due: m.s.now().Add(m.s.cfg.JobDelay)}
	j.run = func(e *event) {
		if o.cancelled == nil {
			o.cancel(e, reason, restock, back, note)
		}
	}
	m.s.jobs[j.id] = j
	values := kv{"job": record{"Job", kv{"id": j.id, "done": false, "query": nil}}}
	if m.s.cfg.JobDelay <= 0 {
		j.done = true
		j.run(m.e)
	} else {
		m.s.later(m.s.cfg.JobDelay)
	}
	return m.done(values)
}

// cancel takes every open unit out of the order, gives money back if asked to, and voids what was never paid.
func (o *order) cancel(e *event, reason string, restock, refundMoney bool, note string) {
	when := e.at
	r := &refund{o: o, id: o.s.id("Refund"), at: e.at, restock: restock}
	kind := "NO_RESTOCK"
	if restock {
		kind = "CANCEL"
	}
	for _, l := range o.lines {
		n := l.current()
		if n <= 0 {
			continue
		}
		rl := &refundLine{id: o.s.id("RefundLineItem"), line: l, quantity: n, restock: kind, subtotal: l.share(l.net(), n), tax: l.share(l.tax(), n)}
		rl.loc = l.release(e, n, restock)
		l.refunded += n
		r.lines = append(r.lines, rl)
	}
	for _, fo := range o.fos {
		if fo.open() {
			fo.status, fo.progress, fo.updated = "CLOSED", false, e.at
		}
	}
	if refundMoney {
		for _, t := range slices.Clone(o.txs) {
			if left := t.refundable(); left.pres > 0 {
				r.txs = append(r.txs, o.pay("REFUND", "SUCCESS", t.gateway, left, t, e.at))
			}
		}
		o.refundShipping(r, o.shippingTotal().sub(o.shippingRefunded()).pres)
	}
	if o.received().zero() {
		o.voided = true
		for _, t := range slices.Clone(o.txs) {
			if t.kind == "AUTHORIZATION" && t.status == "SUCCESS" {
				o.pay("VOID", "SUCCESS", t.gateway, t.amount, t, e.at)
			}
		}
	}
	o.refunds = append(o.refunds, r)
	o.cancelled, o.reason, o.staffNote = &when, reason, note
	e.emit("ORDERS_CANCELLED", gid("Order", o.id), o.rest)
	if len(r.lines)+len(r.txs) > 0 {
		e.emit("REFUNDS_CREATE", gid("Refund", r.id), r.rest)
	}
	o.touch(e)
}

// release takes n open units of a line out of its fulfillment orders; restocked ones become available again, others leave the shelf.
// It answers the location of the first of them.
func (l *line) release(e *event, n int, restock bool) *location {
	var from *location
	for _, fo := range l.o.fos {
		for _, fl := range fo.lines {
			if fl.line != l || n == 0 || !fo.open() {
				continue
			}
			take := min(n, fl.remaining)
			if take == 0 {
				continue
			}
			fl.remaining -= take
			fl.total -= take
			n -= take
			if st := l.stockAt(fo.loc); st != nil {
				back := 0
				if restock {
					back = take
				}
				st.change(e, back, -take)
			}
			if from == nil {
				from = fo.loc
			}
			if fo.remaining() == 0 {
				fo.status, fo.progress = "CLOSED", false
			}
			fo.updated = e.at
		}
	}
	return from
}

func orderMarkAsPaid(m *mutation, a args) object {
	o := m.s.order(a.object("input").text("id"))
	if o == nil {
		return m.no("", "Order does not exist", "id")
	}
	if o.cancelled != nil || o.outstanding().pres <= 0 {
		return m.no("", "Order cannot be marked as paid.", "id")
	}
	o.markPaid(m.e)
	return m.done(kv{"order": orderNode{o, ""}})
}

// markPaid takes what is outstanding, on the pending payment if there is one.
func (o *order) markPaid(e *event) {
	var pending *transaction
	for _, t := range o.txs {
		if t.status == "PENDING" {
			pending = t
		}
	}
	gateway := "manual"
	if pending != nil {
		gateway = pending.gateway
	}
	t := o.pay("SALE", "SUCCESS", gateway, o.outstanding(), pending, e.at)
	t.manual = true
	e.emit("ORDER_TRANSACTIONS_CREATE", gid("OrderTransaction", t.id), t.rest)
	e.emit("ORDERS_PAID", gid("Order", o.id), o.rest)
	o.touch(e)
}

func (o *order) pay(kind, status, gateway string, amount bag, parent *transaction, now time.Time) *transaction {
	t := &transaction{o: o, id: o.s.id("OrderTransaction"), kind: kind, status: status, gateway: gateway, amount: amount, parent: parent, at: now, test: o.test}
	if parent != nil {
		t.manual = parent.manual
	}
	o.txs = append(o.txs, t)
	return t
}

func orderClose(m *mutation, a args) object {
	o := m.s.order(a.object("input").text("id"))
	if o == nil {
		return m.no("", "Order does not exist", "id")
	}
	o.touch(m.e)
	when := m.e.at
	o.closed = &when
	return m.done(kv{"order": orderNode{o, ""}})
}

func orderUpdate(m *mutation, a args) object {
	in := a.object("input")
	o := m.s.order(in.text("id"))
	if o == nil {
		return m.no("", "Order does not exist", "id")
	}
	if in.given("note") {
		o.note = in.text("note")
	}
	if in.given("email") {
		o.email = in.text("email")
	}
	if in.given("phone") {
		o.phone = in.text("phone")
	}
	if in.given("poNumber") {
		o.poNumber = in.text("poNumber")
	}
	if in.given("tags") {
		o.tags = mergeTags(nil, in.texts("tags"))
	}
	if in.given("customAttributes") {
		o.attrs = nil
		for _, at := range in.objects("customAttributes") {
			o.attrs = append(o.attrs, [2]string{at.text("key"), at.text("value")})
		}
	}
	if to := in.object("shippingAddress"); to != nil && o.shipTo != nil {
		addr := *o.shipTo
		for field, into := range map[string]*string{
			"firstName": &addr.FirstName, "lastName": &addr.LastName, "company": &addr.Company, "address1": &addr.Address1, "address2": &addr.Address2,
			"city": &addr.City, "province": &addr.Province, "provinceCode": &addr.ProvinceCode, "zip": &addr.Zip, "phone": &addr.Phone, "countryCode": &addr.Country,
		} {
			if to.given(field) {
				*into = to.text(field)
			}
		}
		o.shipTo = &addr
	}
	o.touch(m.e)
	return m.done(kv{"order": orderNode{o, ""}})
}

// mergeTags keeps tags sorted and once, whatever their case.
func mergeTags(have, more []string) []string {
	for _, tag := range more {
		tag = strings.TrimSpace(tag)
		if tag != "" && !slices.ContainsFunc(have, func(t string) bool { return strings.EqualFold(t, tag) }) {
			have = append(have, tag)
		}
	}
	slices.Sort(have)
	if have == nil {
		have = []string{}
	}
	return have
}

func tagsAdd(m *mutation, a args) object {
	return m.retag(a, func(have []string) []string { return mergeTags(have, a.texts("tags")) })
}

func tagsRemove(m *mutation, a args) object {
	return m.retag(a, func(have []string) []string {
		return slices.DeleteFunc(have, func(t string) bool {
			return slices.ContainsFunc(a.texts("tags"), func(gone string) bool { return strings.EqualFold(gone, t) })
		})
	})
}

func (m *mutation) retag(a args, change func([]string) []string) object {
	id := a.text("id")
	if o := m.s.order(id); o != nil {
		o.tags = change(slices.Clone(o.tags))
		o.touch(m.e)
		return m.done(kv{"node": orderNode{o, ""}})
	}
	if n, ok := parseGID("Product", id); ok {
		if p, _ := find(m.s.products, func(p *product) bool { return p.id == n }).(*product); p != nil {
			p.tags = change(slices.Clone(p.tags))
			p.updated = m.e.at
			m.e.emit("PRODUCTS_UPDATE", gid("Product", p.id), p.rest)
			return m.done(kv{"node": p})
		}
	}
	return m.no("", "Record not found.", "id")
}
