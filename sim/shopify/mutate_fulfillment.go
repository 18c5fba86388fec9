package shopify

import (
	"fmt"
	"slices"
	"time"
)

// maxFulfilled is how many lines one fulfillment may name.
const maxFulfilled = 512

type pick struct {
	line *foLine
	n    int
}

func (s *Shop) fulfillmentOrder(id string) *fulfillmentOrder {
	n, ok := parseGID("FulfillmentOrder", id)
	if !ok {
		return nil
	}
	fo, _ := s.inOrders("FulfillmentOrder", n, "").(*fulfillmentOrder)
	return fo
}

func (s *Shop) fulfillment(id string) *fulfillment {
	n, ok := parseGID("Fulfillment", id)
	if !ok {
		return nil
	}
	f, _ := s.inOrders("Fulfillment", n, "").(*fulfillment)
	return f
}

func fulfillmentCreate(m *mutation, a args) object {
	in := a.object("fulfillment")
	var picks []pick
	var one *fulfillmentOrder
	for i, group := range in.objects("lineItemsByFulfillmentOrder") {
		fo := m.s.fulfillmentOrder(group.text("fulfillmentOrderId"))
		field := []string{"fulfillment", "lineItemsByFulfillmentOrder", fmt.Sprint(i)}
		switch {
		case fo == nil:
			return m.no("", "Fulfillment order does not exist.", field...)
		case one != nil && (fo.o != one.o || fo.loc != one.loc):
			return m.no("", "All fulfillment orders must belong to the same order and be assigned to the same location.", field...)
		case fo.status != "OPEN" && fo.status != "IN_PROGRESS":
			return m.no("", fmt.Sprintf("Fulfillment order %d has an unfulfillable status= %s.", fo.id, fo.status), field...)
		}
		one = fo
		more, problem := fo.pick(group.objects("fulfillmentOrderLineItems"))
		if problem != "" {
			return m.no("", problem, field...)
		}
		picks = append(picks, more...)
	}
	if len(picks) == 0 || len(picks) > maxFulfilled {
		return m.no("", "Fulfillment must include at least one and at most 512 line items.", "fulfillment", "lineItemsByFulfillmentOrder")
	}
	f := m.ship(one, picks, trackingArgs(in.object("trackingInfo")))
	return m.done(kv{"fulfillment": f})
}

// pick turns the lines asked for into quantities; none asked for means all that remains.
func (fo *fulfillmentOrder) pick(asked []args) ([]pick, string) {
	var picks []pick
	if len(asked) == 0 {
		for _, l := range fo.lines {
			if l.remaining > 0 {
				picks = append(picks, pick{l, l.remaining})
			}
		}
		return picks, ""
	}
	taken := map[*foLine]int{}
	for _, in := range asked {
		id, _ := parseGID("FulfillmentOrderLineItem", in.text("id"))
		l, _ := find(fo.lines, func(l *foLine) bool { return l.id == id }).(*foLine)
		n, _ := in.number("quantity")
		if l == nil {
			return nil, "Fulfillment order line item does not exist."
		}
		taken[l] += n
		if n <= 0 || taken[l] > l.remaining {
			return nil, "Invalid fulfillment order line item quantity requested."
		}
		picks = append(picks, pick{l, n})
	}
	return picks, ""
}

func trackingArgs(in args) []tracking {
	numbers, urls := in.texts("numbers"), in.texts("urls")
	if n := in.text("number"); n != "" {
		numbers = append([]string{n}, numbers...)
	}
	if u := in.text("url"); u != "" {
		urls = append([]string{u}, urls...)
	}
	var list []tracking
	for i := range max(len(numbers), len(urls), min(1, len(in.text("company")))) {
		t := tracking{company: in.text("company")}
		if i < len(numbers) {
			t.number = numbers[i]
		}
		if i < len(urls) {
			t.url = urls[i]
		}
		list = append(list, t)
	}
	return list
}

// ship makes the parcel: units leave the fulfillment order and the shelf.
func (m *mutation) ship(fo *fulfillmentOrder, picks []pick, tracks []tracking) *fulfillment {
	o, e := fo.o, m.e
	before := o.fulfillmentStatus("")
	f := &fulfillment{
		o: o, id: m.s.id("Fulfillment"), name: fmt.Sprintf("%s-F%d", o.name, len(o.parcels)+1), loc: fo.loc, status: "SUCCESS", shown: "FULFILLED",
		created: e.at, updated: e.at, tracking: tracks,
	}
	for _, p := range picks {
		p.line.remaining -= p.n
		p.line.line.shipped += p.n
		if st := p.line.line.stockAt(fo.loc); st != nil {
			st.change(e, 0, -p.n)
		}
		f.lines = append(f.lines, &parcelLine{f: f, id: m.s.id("FulfillmentLineItem"), line: p.line.line, fo: p.line.fo, quantity: p.n})
		p.line.fo.progressed(e)
	}
	o.parcels = append(o.parcels, f)
	e.emit("FULFILLMENTS_CREATE", gid("Fulfillment", f.id), f.rest)
	o.touch(e)
	if after := o.fulfillmentStatus(""); after != before {
		switch after {
		case "FULFILLED":
			e.emit("ORDERS_FULFILLED", gid("Order", o.id), o.rest)
		case "PARTIALLY_FULFILLED":
			e.emit("ORDERS_PARTIALLY_FULFILLED", gid("Order", o.id), o.rest)
		}
	}
	return f
}

// progressed moves a fulfillment order on after units left it.
func (fo *fulfillmentOrder) progressed(e *event) {
	fo.updated = e.at
	if fo.remaining() == 0 {
		fo.status, fo.progress = "CLOSED", false
	} else if fo.status == "OPEN" {
		fo.status, fo.progress = "IN_PROGRESS", true
	}
}

func fulfillmentTrackingInfoUpdate(m *mutation, a args) object {
	f := m.s.fulfillment(a.text("fulfillmentId"))
	if f == nil {
		return m.no("", "Fulfillment does not exist.", "fulfillmentId")
	}
	if f.status != "SUCCESS" {
		return m.no("", "Fulfillment is cancelled.", "fulfillmentId")
	}
	f.tracking = trackingArgs(a.object("trackingInfoInput"))
	f.updated = m.e.at
	m.e.emit("FULFILLMENTS_UPDATE", gid("Fulfillment", f.id), f.rest)
	f.o.touch(m.e)
	return m.done(kv{"fulfillment": f})
}

func fulfillmentCancel(m *mutation, a args) object {
	f := m.s.fulfillment(a.text("id"))
	switch {
	case f == nil:
		return m.no("", "Fulfillment not found.", "id")
	case f.status != "SUCCESS":
		return m.no("", "Fulfillment is already cancelled.", "id")
	case slices.ContainsFunc(f.lines, func(l *parcelLine) bool { return l.returned > 0 }):
		return m.no("", "Fulfillment has returns and can't be cancelled.", "id")
	}
	o := f.o
	f.status, f.shown, f.updated = "CANCELLED", "CANCELED", m.e.at
	again := o.newFulfillmentOrder(m.e, f.loc)
	for _, l := range f.lines {
		l.line.shipped -= l.quantity
		if st := l.line.stockAt(f.loc); st != nil {
			st.change(m.e, 0, l.quantity)
		}
		again.add(l.line, l.quantity)
	}
	m.e.emit("FULFILLMENTS_UPDATE", gid("Fulfillment", f.id), f.rest)
	o.touch(m.e)
	return m.done(kv{"fulfillment": f})
}

// newFulfillmentOrder is an open, empty one at a location.
func (o *order) newFulfillmentOrder(e *event, loc *location) *fulfillmentOrder {
	fo := &fulfillmentOrder{o: o, id: o.s.id("FulfillmentOrder"), loc: loc, status: "OPEN", request: "UNSUBMITTED", created: e.at, updated: e.at, method: "SHIPPING"}
	if o.retail != nil {
		fo.method = "RETAIL"
	}
	o.fos = append(o.fos, fo)
	return fo
}

func (fo *fulfillmentOrder) add(l *line, n int) {
	fo.lines = append(fo.lines, &foLine{fo: fo, id: fo.o.s.id("FulfillmentOrderLineItem"), line: l, total: n, remaining: n})
}

// shownAs is the display status after a carrier event.
var shownAs = map[string]string{
	"LABEL_PRINTED": "LABEL_PRINTED", "LABEL_PURCHASED": "LABEL_PURCHASED", "CONFIRMED": "CONFIRMED", "CARRIER_PICKED_UP": "CARRIER_PICKED_UP",
	"IN_TRANSIT": "IN_TRANSIT", "OUT_FOR_DELIVERY": "OUT_FOR_DELIVERY", "ATTEMPTED_DELIVERY": "ATTEMPTED_DELIVERY", "DELAYED": "DELAYED",
	"DELIVERED": "DELIVERED", "FAILURE": "FAILURE", "READY_FOR_PICKUP": "READY_FOR_PICKUP",
}

func fulfillmentEventCreate(m *mutation, a args) object {
	in := a.object("fulfillmentEvent")
	f := m.s.fulfillment(in.text("fulfillmentId"))
	if f == nil {
		return m.no("", "Fulfillment does not exist.", "fulfillmentEvent", "fulfillmentId")
	}
	if f.status != "SUCCESS" {
		return m.no("", "Fulfillment is cancelled.", "fulfillmentEvent", "fulfillmentId")
	}
	ev := &parcelEvent{
		id: m.s.id("FulfillmentEvent"), status: in.text("status"), message: in.text("message"), city: in.text("city"), country: in.text("country"),
		happened: m.e.at, created: m.e.at,
	}
	if t, err := time.Parse(time.RFC3339, in.text("happenedAt")); err == nil {
		ev.happened = t
	}
	f.happen(m.e, ev)
	return m.done(kv{"fulfillmentEvent": ev})
}

func (f *fulfillment) happen(e *event, ev *parcelEvent) {
	f.events = append(f.events, ev)
	f.shown, f.updated = shownAs[ev.status], e.at
	when := ev.happened
	switch ev.status {
	case "DELIVERED":
		f.delivered = &when
	case "IN_TRANSIT", "CARRIER_PICKED_UP":
		if f.transit == nil {
			f.transit = &when
		}
	}
	e.emit("FULFILLMENT_EVENTS_CREATE", gid("FulfillmentEvent", ev.id), func() kv { return f.restEvent(ev) })
	e.emit("FULFILLMENTS_UPDATE", gid("Fulfillment", f.id), f.rest)
	f.o.touch(e)
}

func fulfillmentOrderMove(m *mutation, a args) object {
	fo := m.s.fulfillmentOrder(a.text("id"))
	locID, _ := parseGID("Location", a.text("newLocationId"))
	to := m.s.location(locID)
	switch {
	case fo == nil:
		return m.no("", "Fulfillment order does not exist.", "id")
	case to == nil || !to.active:
		return m.no("", "The location does not exist or is not active.", "newLocationId")
	case !fo.open():
		return m.no("", "Only open fulfillment orders can be moved.", "id")
	case to == fo.loc:
		return m.no("", "Fulfillment order is already assigned to this location.", "newLocationId")
	}
	picks, problem := fo.pick(a.objects("fulfillmentOrderLineItems"))
	if problem != "" {
		return m.no("", problem, "fulfillmentOrderLineItems")
	}
	for _, p := range picks {
		if p.line.line.v != nil && p.line.line.v.tracked && p.line.line.stockAt(to) == nil {
			return m.no("", "Some of the items are not stocked at the new location.", "newLocationId")
		}
	}
	moved := fo.move(m.e, to, picks)
	m.e.emit("FULFILLMENT_ORDERS_MOVED", gid("FulfillmentOrder", moved.id), func() kv {
		return kv{"original_fulfillment_order": fo.restRef(), "moved_fulfillment_order": moved.restRef()}
	})
	fo.o.touch(m.e)
	values := kv{"movedFulfillmentOrder": moved, "originalFulfillmentOrder": fo, "remainingFulfillmentOrder": nil}
	if moved != fo && fo.remaining() > 0 {
		values["remainingFulfillmentOrder"] = fo
	}
	return m.done(values)
}

// move takes the units to another location: the whole fulfillment order if it holds nothing else, a new one otherwise.
func (fo *fulfillmentOrder) move(e *event, to *location, picks []pick) *fulfillmentOrder {
	n := 0
	for _, p := range picks {
		n += p.n
		if st := p.line.line.stockAt(fo.loc); st != nil {
			st.change(e, p.n, -p.n)
		}
		if st := p.line.line.stockAt(to); st != nil {
			st.change(e, -p.n, p.n)
		}
	}
	untouched := !slices.ContainsFunc(fo.lines, func(l *foLine) bool { return l.remaining < l.total })
	if n == fo.remaining() && untouched {
		fo.loc, fo.updated = to, e.at
		return fo
	}
	moved := fo.o.newFulfillmentOrder(e, to)
	for _, p := range picks {
		p.line.remaining -= p.n
		p.line.total -= p.n
		moved.add(p.line.line, p.n)
	}
	fo.updated = e.at
	if fo.remaining() == 0 {
		fo.status, fo.progress = "CLOSED", false
	}
	return moved
}

func fulfillmentOrderHold(m *mutation, a args) object {
	fo, in := m.s.fulfillmentOrder(a.text("id")), a.object("fulfillmentHold")
	switch {
	case fo == nil || !fo.open():
		return m.no("FULFILLMENT_ORDER_NOT_FOUND", "Fulfillment order not found.", "id")
	case len(fo.holds) >= 10:
		return m.no("FULFILLMENT_ORDER_HOLD_LIMIT_REACHED", "The maximum number of fulfillment holds has been reached.", "id")
	case slices.ContainsFunc(fo.holds, func(h *hold) bool { return h.handle == in.text("handle") }):
		return m.no("DUPLICATE_FULFILLMENT_HOLD_HANDLE", "The handle provided is already in use.", "fulfillmentHold", "handle")
	}
	picks, problem := fo.pick(in.objects("fulfillmentOrderLineItems"))
	if problem != "" {
		return m.no("INVALID_LINE_ITEM_QUANTITY", problem, "fulfillmentHold", "fulfillmentOrderLineItems")
	}
	var rest any
	if n := total(picks); n < fo.remaining() {
		// The held units stay, the others go on in a fulfillment order of their own.
		rest = fo.keepOnly(m.e, picks)
	}
	h := &hold{id: m.s.id("FulfillmentHold"), reason: in.text("reason"), notes: in.text("reasonNotes"), handle: in.text("handle"), created: m.e.at}
	fo.holds = append(fo.holds, h)
	fo.status, fo.progress, fo.updated = "ON_HOLD", false, m.e.at
	m.e.emit("FULFILLMENT_ORDERS_PLACED_ON_HOLD", gid("FulfillmentOrder", fo.id), func() kv {
		return kv{"fulfillment_order": fo.restRef(), "fulfillment_hold": kv{"id": gid("FulfillmentHold", h.id), "reason": h.reason, "reason_notes": optional(h.notes)}}
	})
	fo.o.touch(m.e)
	return m.done(kv{"fulfillmentOrder": fo, "remainingFulfillmentOrder": rest, "fulfillmentHold": record{"FulfillmentHold", kv{
		"id": gid("FulfillmentHold", h.id), "reason": h.reason, "reasonNotes": optional(h.notes), "handle": optional(h.handle), "displayReason": h.reason, "heldByRequestingApp": true,
	}}})
}

func total(picks []pick) int {
	n := 0
	for _, p := range picks {
		n += p.n
	}
	return n
}

func (fo *fulfillmentOrder) keepOnly(e *event, picks []pick) *fulfillmentOrder {
	other := fo.o.newFulfillmentOrder(e, fo.loc)
	for _, l := range fo.lines {
		keep := 0
		for _, p := range picks {
			if p.line == l {
				keep += p.n
			}
		}
		if away := l.remaining - keep; away > 0 {
			l.remaining -= away
			l.total -= away
			other.add(l.line, away)
		}
	}
	return other
}

func fulfillmentOrderReleaseHold(m *mutation, a args) object {
	fo := m.s.fulfillmentOrder(a.text("id"))
	if fo == nil {
		return m.no("FULFILLMENT_ORDER_NOT_FOUND", "Fulfillment order not found.", "id")
	}
	if fo.status != "ON_HOLD" {
		return m.no("", "The fulfillment order is not on hold.", "id")
	}
	ids := a.texts("holdIds")
	fo.holds = slices.DeleteFunc(fo.holds, func(h *hold) bool { return len(ids) == 0 || slices.Contains(ids, gid("FulfillmentHold", h.id)) })
	if len(fo.holds) == 0 {
		fo.status = "OPEN"
	}
	fo.updated = m.e.at
	m.e.emit("FULFILLMENT_ORDERS_HOLD_RELEASED", gid("FulfillmentOrder", fo.id), func() kv { return kv{"fulfillment_order": fo.restRef()} })
	fo.o.touch(m.e)
	return m.done(kv{"fulfillmentOrder": fo})
}
