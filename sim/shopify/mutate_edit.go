package shopify

import (
	"fmt"
	"slices"
)

// edit is an order edit session: changes are staged and take effect at commit.
type edit struct {
	id     int64
	o      *order
	staged map[*line]int // wanted current quantity
	back   map[*line]bool
	added  []stagedLine
}

type stagedLine struct {
	id int64
	v  *variant
	n  int
}

func orderEditBegin(m *mutation, a args) object {
	o := m.s.order(a.text("id"))
	if o == nil {
		return m.no("", "The order does not exist.", "id")
	}
	if o.cancelled != nil {
		return m.no("", "The order cannot be edited.", "id")
	}
	ed := &edit{id: m.s.id("CalculatedOrder"), o: o, staged: map[*line]int{}, back: map[*line]bool{}}
	m.s.edits[ed.id] = ed
	return m.done(kv{"calculatedOrder": ed.object(), "orderEditSession": ed.session()})
}

func (ed *edit) session() object {
	return record{"OrderEditSession", kv{"id": gid("OrderEditSession", ed.id)}}
}

// session finds an edit by the id of its calculated order or of its session.
func (s *Shop) session(id string) *edit {
	for _, typ := range []string{"CalculatedOrder", "OrderEditSession"} {
		if n, ok := parseGID(typ, id); ok {
			return s.edits[n]
		}
	}
	return nil
}

func orderEditSetQuantity(m *mutation, a args) object {
	ed := m.s.session(a.text("id"))
	if ed == nil {
		return m.no("", "The calculated order does not exist.", "id")
	}
	n, _ := a.number("quantity")
	id, ok := parseGID("CalculatedLineItem", a.text("lineItemId"))
	if !ok {
		id, _ = parseGID("LineItem", a.text("lineItemId"))
	}
	if i := slices.IndexFunc(ed.added, func(st stagedLine) bool { return st.id == id }); i >= 0 && n >= 0 {
		ed.added[i].n = n
		return m.done(kv{"calculatedOrder": ed.object(), "calculatedLineItem": nil, "orderEditSession": ed.session()})
	}
	l, _ := find(ed.o.lines, func(l *line) bool { return l.id == id }).(*line)
	switch {
	case l == nil:
		return m.no("", "The line item does not exist.", "lineItemId")
	case n < l.shippedNow():
		return m.no("", "The quantity cannot be lower than what has been fulfilled.", "quantity")
	}
	ed.staged[l], ed.back[l] = n, a.flag("restock")
	return m.done(kv{"calculatedOrder": ed.object(), "calculatedLineItem": ed.line(l), "orderEditSession": ed.session()})
}

// shippedNow is how many of the current units have left already.
func (l *line) shippedNow() int { return l.current() - l.fulfillable() }

func orderEditAddVariant(m *mutation, a args) object {
	ed := m.s.session(a.text("id"))
	if ed == nil {
		return m.no("", "The calculated order does not exist.", "id")
	}
	id, _ := parseGID("ProductVariant", a.text("variantId"))
	v := m.s.variants[id]
	n, _ := a.number("quantity")
	if v == nil || n <= 0 {
		return m.no("", "The variant does not exist or the quantity is not positive.", "variantId")
	}
	st := stagedLine{id: m.s.id("LineItem"), v: v, n: n}
	ed.added = append(ed.added, st)
	return m.done(kv{"calculatedOrder": ed.object(), "calculatedLineItem": ed.addedLine(st), "orderEditSession": ed.session()})
}

func orderEditCommit(m *mutation, a args) object {
	ed := m.s.session(a.text("id"))
	if ed == nil {
		return m.no("", "The calculated order does not exist.", "id")
	}
	delete(m.s.edits, ed.id)
	if ed.o.cancelled != nil {
		return m.no("", "The order cannot be edited.", "id")
	}
	ed.commit(m.e)
	return m.done(kv{"order": orderNode{ed.o, ""}, "successMessages": []string{"Order updated"}})
}

func (ed *edit) commit(e *event) {
	o := ed.o
	diff := func(l *line, delta int) kv { return kv{"id": l.id, "delta": delta} }
	additions, removals := []kv{}, []kv{}
	for _, l := range o.lines {
		want, ok := ed.staged[l]
		if !ok || want == l.current() {
			continue
		}
		delta := want - l.current()
		if delta < 0 {
			delta = max(delta, -l.fulfillable()) // somebody may have shipped meanwhile
			l.release(e, -delta, ed.back[l])
			l.removed -= delta
			removals = append(removals, diff(l, -delta))
			continue
		}
		l.grow(e, delta)
		additions = append(additions, diff(l, delta))
	}
	for _, st := range ed.added {
		if st.n > 0 {
			l := o.addVariant(e, st)
			additions = append(additions, diff(l, st.n))
		}
	}
	o.edited = true
	e.emit("ORDERS_EDITED", gid("Order", o.id), func() kv {
		return kv{"order_edit": kv{
			"id": ed.id, "app_id": nil, "created_at": o.s.local(e.at), "notify_customer": false, "order_id": o.id, "staff_note": "", "user_id": nil,
			"line_items": kv{"additions": additions, "removals": removals}, "discounts": kv{"line_item": kv{"additions": []kv{}, "removals": []kv{}}},
		}}
	})
	o.touch(e)
}

// grow adds units to a line at its own price; discounts stay what they were, tax follows the money.
func (l *line) grow(e *event, n int) {
	l.quantity += n
	l.retax()
	loc := l.o.source0(l, n)
	l.o.assign(e, loc, l, n)
}

// retax computes a line's taxes again from its net amount.
func (l *line) retax() {
	net := l.net()
	rates := make([]taxLine, len(l.taxes))
	copy(rates, l.taxes)
	l.taxes = taxOn(net, rates, l.o.included)
}

func (o *order) addVariant(e *event, st stagedLine) *line {
	l := o.newLine(st.v, st.n)
	l.id = st.id
	o.lines = append(o.lines, l)
	if l.ships {
		o.assign(e, o.source0(l, st.n), l, st.n)
	}
	return l
}

// source0 is where units added later are taken from: a location that has them, else the first.
func (o *order) source0(l *line, n int) *location {
	for _, loc := range o.s.locations {
		if st := l.stockAt(loc); st != nil && st.available >= n {
			return loc
		}
	}
	if len(o.fos) > 0 {
		return o.fos[0].loc
	}
	return o.s.locations[0]
}

// assign puts units into an open fulfillment order of the location and commits their stock.
func (o *order) assign(e *event, loc *location, l *line, n int) {
	var fo *fulfillmentOrder
	for _, f := range o.fos {
		if f.loc == loc && (f.status == "OPEN" || f.status == "IN_PROGRESS") {
			fo = f
		}
	}
	if fo == nil {
		fo = o.newFulfillmentOrder(e, loc)
	}
	if i := slices.IndexFunc(fo.lines, func(fl *foLine) bool { return fl.line == l }); i >= 0 {
		fo.lines[i].total += n
		fo.lines[i].remaining += n
	} else {
		fo.add(l, n)
	}
	fo.updated = e.at
	if st := l.stockAt(loc); st != nil {
		st.change(e, -n, n)
	}
}

// object is the CalculatedOrder: the order as it would be.
func (ed *edit) object() object {
	o := ed.o
	lines, added := []object{}, []object{}
	count := 0
	for _, l := range o.lines {
		lines = append(lines, ed.line(l))
		count += ed.wanted(l)
	}
	for _, st := range ed.added {
		added = append(added, ed.addedLine(st))
		lines = append(lines, ed.addedLine(st))
		count += st.n
	}
	total := ed.total()
	return record{"CalculatedOrder", kv{
		"id": gid("CalculatedOrder", ed.id), "originalOrder": orderNode{o, ""}, "committed": false, "notificationPreviewTitle": fmt.Sprintf("Order %s updated", o.name),
		"lineItems": listOf("CalculatedLineItemConnection", lines), "addedLineItems": listOf("CalculatedLineItemConnection", added),
		"shippingLines": []object{}, "subtotalLineItemsQuantity": count, "subtotalPriceSet": o.cur.set(total), "taxLines": []object{},
		"totalPriceSet": o.cur.set(total), "totalOutstandingSet": o.cur.set(total.sub(o.netPayment())),
	}}
}

func (ed *edit) wanted(l *line) int {
	if n, ok := ed.staged[l]; ok {
		return n
	}
	return l.current()
}

// total is what the order would come to, lines taken in proportion.
func (ed *edit) total() bag {
	o := ed.o
	t := o.currentTotal()
	worth := func(l *line, from, to int) bag {
		b := l.net().part(from, to, l.quantity)
		if !o.included {
			b = b.add(l.tax().part(from, to, l.quantity))
		}
		return b
	}
	for l, want := range ed.staged {
		have := l.current()
		if want < have {
			t = t.sub(worth(l, l.quantity-have, l.quantity-want))
		} else {
			t = t.add(l.unit.times(want - have))
		}
	}
	for _, st := range ed.added {
		l := o.newLine(st.v, st.n)
		t = t.add(l.net())
		if !o.included {
			t = t.add(l.tax())
		}
	}
	return t
}

func (ed *edit) line(l *line) object {
	n := ed.wanted(l)
	return record{"CalculatedLineItem", ed.calculated(l, fmt.Sprintf("gid://shopify/CalculatedLineItem/%d", l.id), n, n-l.shippedNow(), l.fulfillable())}
}

func (ed *edit) addedLine(st stagedLine) object {
	l := ed.o.newLine(st.v, st.n)
	return record{"CalculatedLineItem", ed.calculated(l, gid("CalculatedLineItem", st.id), st.n, st.n, 0)}
}

func (ed *edit) calculated(l *line, id string, n, editable, before int) kv {
	cur := ed.o.cur
	return kv{
		"id": id, "quantity": n, "editableQuantity": editable, "editableQuantityBeforeChanges": before, "title": l.title, "sku": optional(l.sku),
		"variant": ptr(l.v), "variantTitle": optional(l.variant), "originalUnitPriceSet": cur.set(l.unit), "discountedUnitPriceSet": cur.set(l.unit),
		"editableSubtotalSet": cur.set(l.unit.times(editable)), "uneditableSubtotalSet": cur.set(l.unit.times(n - editable)),
		"hasStagedLineItemDiscount": false, "restockable": l.v != nil, "restocking": ed.back[l], "customAttributes": attributes(l.attrs),
	}
}
