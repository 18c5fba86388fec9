package shopify

import (
	"cmp"
	"slices"
)

func (fo *fulfillmentOrder) typeName() string { return "FulfillmentOrder" }

func (fo *fulfillmentOrder) open() bool {
	return fo.status == "OPEN" || fo.status == "IN_PROGRESS" || fo.status == "SCHEDULED" || fo.status == "ON_HOLD"
}

func (fo *fulfillmentOrder) remaining() int {
	n := 0
	for _, l := range fo.lines {
		n += l.remaining
	}
	return n
}

func (fo *fulfillmentOrder) field(name string, a args) any {
	o := fo.o
	switch name {
	case "id":
		return gid("FulfillmentOrder", fo.id)
	case "order":
		return orderNode{o, ""}
	case "orderId":
		return gid("Order", o.id)
	case "orderName":
		return o.name
	case "orderProcessedAt":
		return o.processed
	case "status":
		return fo.status
	case "requestStatus":
		return fo.request
	case "createdAt":
		return fo.created
	case "updatedAt":
		return fo.updated
	case "fulfillAt":
		return fo.created
	case "assignedLocation":
		return fo.assigned()
	case "lineItems":
		return connectAll("FulfillmentOrderLineItemConnection", fo.lines, a)
	case "fulfillmentHolds":
		list := []object{}
		for _, h := range fo.holds {
			list = append(list, record{"FulfillmentHold", kv{
				"id": gid("FulfillmentHold", h.id), "reason": h.reason, "reasonNotes": optional(h.notes), "handle": optional(h.handle),
				"displayReason": cmp.Or(h.notes, h.reason), "heldByRequestingApp": true,
			}})
		}
		return list
	case "fulfillments":
		list := slices.DeleteFunc(slices.Clone(o.parcels), func(f *fulfillment) bool {
			return !slices.ContainsFunc(f.lines, func(l *parcelLine) bool { return l.fo == fo })
		})
		return connectAll("FulfillmentConnection", list, a)
	case "supportedActions":
		return fo.actions()
	case "destination":
		return fo.destination()
	case "deliveryMethod":
		return record{"DeliveryMethod", kv{"id": gid("DeliveryMethod", fo.id), "methodType": fo.method}}
	case "locationsForMove":
		return connectAll("FulfillmentOrderLocationForMoveConnection", fo.moves(), a)
	}
	return unheld
}

func (fo *fulfillmentOrder) assigned() object {
	addr := fo.loc.addr
	return record{"FulfillmentOrderAssignedLocation", kv{
		"location": fo.loc, "name": fo.loc.name, "address1": optional(addr.Address1), "address2": optional(addr.Address2), "city": optional(addr.City),
		"province": optional(addr.Province), "zip": optional(addr.Zip), "phone": optional(addr.Phone), "countryCode": cmp.Or(addr.Country, fo.o.s.cfg.Country),
	}}
}

func (fo *fulfillmentOrder) destination() any {
	addr, level := fo.o.shipTo, fo.o.s.cfg.ProtectedPII
	if addr == nil || level < 0 {
		return nil
	}
	values := kv{
		"id": gid("FulfillmentOrderDestination", fo.id), "city": optional(addr.City), "province": optional(addr.Province), "zip": optional(addr.Zip),
		"countryCode": optional(addr.Country),
	}
	if level != 1 {
		values["firstName"], values["lastName"], values["company"] = optional(addr.FirstName), optional(addr.LastName), optional(addr.Company)
		values["address1"], values["address2"] = optional(addr.Address1), optional(addr.Address2)
		values["phone"], values["email"] = optional(addr.Phone), optional(fo.o.email)
	}
	return record{"FulfillmentOrderDestination", values}
}

func (fo *fulfillmentOrder) actions() []object {
	var names []string
	switch fo.status {
	case "OPEN":
		names = []string{"CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD", "SPLIT"}
	case "IN_PROGRESS":
		names = []string{"CREATE_FULFILLMENT", "MARK_AS_OPEN", "MOVE", "HOLD", "SPLIT"}
	case "ON_HOLD":
		names = []string{"RELEASE_HOLD", "HOLD", "MOVE"}
	}
	list := []object{}
	for _, n := range names {
		list = append(list, record{"FulfillmentOrderSupportedAction", kv{"action": n, "externalUrl": nil}})
	}
	return list
}

func (fo *fulfillmentOrder) moves() []object {
	list := []object{}
	for _, loc := range fo.o.s.locations {
		stocked := !slices.ContainsFunc(fo.lines, func(l *foLine) bool { return l.line.v != nil && l.line.v.tracked && l.line.v.levels[loc.id] == nil })
		movable := loc != fo.loc && loc.active && stocked && fo.open()
		list = append(list, record{"FulfillmentOrderLocationForMove", kv{"location": loc, "movable": movable, "message": nil}})
	}
	return list
}

func (l *foLine) typeName() string { return "FulfillmentOrderLineItem" }

func (l *foLine) field(name string, _ args) any {
	switch name {
	case "id":
		return gid("FulfillmentOrderLineItem", l.id)
	case "lineItem":
		return l.line
	case "totalQuantity":
		return l.total
	case "remainingQuantity":
		return l.remaining
	case "requiresShipping":
		return l.line.ships
	case "sku":
		return optional(l.line.sku)
	case "productTitle":
		return l.line.title
	case "variantTitle":
		return optional(l.line.variant)
	case "vendor":
		return optional(l.line.vendor)
	case "variant":
		return ptr(l.line.v)
	case "inventoryItemId":
		if l.line.v == nil {
			return nil
		}
		return gid("InventoryItem", l.line.v.itemID)
	case "originalUnitPriceSet":
		return l.line.o.cur.set(l.line.unit)
	case "weight":
		return weight(l.line.grams)
	}
	return unheld
}

func (f *fulfillment) typeName() string { return "Fulfillment" }

func (f *fulfillment) field(name string, a args) any {
	switch name {
	case "id":
		return gid("Fulfillment", f.id)
	case "legacyResourceId":
		return f.id
	case "name":
		return f.name
	case "order":
		return orderNode{f.o, ""}
	case "location":
		return ptr(f.loc)
	case "status":
		return f.status
	case "displayStatus":
		return f.shown
	case "createdAt":
		return f.created
	case "updatedAt":
		return f.updated
	case "deliveredAt":
		return at(f.delivered)
	case "inTransitAt":
		return at(f.transit)
	case "totalQuantity":
		return f.quantity()
	case "requiresShipping":
		return slices.ContainsFunc(f.lines, func(l *parcelLine) bool { return l.line.ships })
	case "trackingInfo":
		list := []object{}
		for _, t := range f.tracking {
			list = append(list, record{"FulfillmentTrackingInfo", kv{"company": optional(t.company), "number": optional(t.number), "url": optional(t.url)}})
		}
		return first(list, a)
	case "fulfillmentLineItems":
		return connectAll("FulfillmentLineItemConnection", f.lines, a)
	case "fulfillmentOrders":
		return connectAll("FulfillmentOrderConnection", f.orders(), a)
	case "events":
		return connectAll("FulfillmentEventConnection", f.events, a)
	}
	return unheld
}

func (f *fulfillment) quantity() int {
	n := 0
	for _, l := range f.lines {
		n += l.quantity
	}
	return n
}

func (f *fulfillment) orders() []*fulfillmentOrder {
	var list []*fulfillmentOrder
	for _, l := range f.lines {
		if !slices.Contains(list, l.fo) {
			list = append(list, l.fo)
		}
	}
	return list
}

func (l *parcelLine) typeName() string { return "FulfillmentLineItem" }

func (l *parcelLine) field(name string, _ args) any {
	switch name {
	case "id":
		return gid("FulfillmentLineItem", l.id)
	case "lineItem":
		return l.line
	case "quantity":
		return l.quantity
	case "originalTotalSet":
		return l.line.o.cur.set(l.line.unit.times(l.quantity))
	case "discountedTotalSet":
		return l.line.o.cur.set(l.line.net().part(0, l.quantity, l.line.quantity))
	}
	return unheld
}

func (ev *parcelEvent) typeName() string { return "FulfillmentEvent" }

func (ev *parcelEvent) field(name string, _ args) any {
	switch name {
	case "id":
		return gid("FulfillmentEvent", ev.id)
	case "status":
		return ev.status
	case "message":
		return optional(ev.message)
	case "city":
		return optional(ev.city)
	case "country":
		return optional(ev.country)
	case "happenedAt":
		return ev.happened
	case "createdAt":
		return ev.created
	}
	return unheld
}

func (s *Shop) searchFulfillmentOrders(a args) []ranked {
	query := parseSearch(a.text("query"))
	list := []ranked{}
	for _, o := range s.orders {
		for _, fo := range o.fos {
			if !fo.open() && !a.flag("includeClosed") {
				continue
			}
			ok := matches(query, func(t term) (bool, bool) {
				switch t.field {
				case "status":
					return compareText(fo.status, t), true
				case "assigned_location_id":
					return compareID(fo.loc.id, t), true
				case "id":
					return compareID(fo.id, t), true
				case "updated_at":
					return compareTime(fo.updated, t), true
				}
				return false, false
			})
			if !ok {
				continue
			}
			value := pad(fo.id)
			if a.text("sortKey") == "UPDATED_AT" {
				value = stamp(fo.updated)
			}
			list = append(list, ranked{fo, pad(fo.id), value})
		}
	}
	return list
}
