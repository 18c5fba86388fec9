package shopify

import (
	"fmt"
	"slices"
	"strings"
)

// change moves stock of one item at one location and tells inventory_levels/update when the sellable number moved.
func (l *level) change(e *event, available, committed int) {
	l.available += available
	l.committed += committed
	l.updated = e.at
	if available != 0 {
		e.emit("INVENTORY_LEVELS_UPDATE", l.gid(), l.rest)
	}
}

// stockAt is the level of a line's item, nil for what is not tracked or not stocked there.
func (l *line) stockAt(loc *location) *level {
	if l.v == nil || !l.v.tracked || loc == nil {
		return nil
	}
	return l.v.levels[loc.id]
}

// reasons are the accepted reasons of an inventory change. https://shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps
var reasons = []string{
	"correction", "cycle_count_available", "damaged", "movement_created", "movement_updated", "movement_received", "movement_canceled", "other",
	"promotion", "quality_control", "received", "reservation_created", "reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage",
}

// maxQuantity is the largest number a level may hold.
const maxQuantity = 1_000_000_000

type stockRow struct {
	level *level
	delta int
	named string
}

// checkRow judges what both inventory mutations have in common.
func (m *mutation) checkRow(row args, i int, list string, seen map[*level]bool) (*level, *problem) {
	path := func(field string) []string { return []string{"input", list, fmt.Sprint(i), field} }
	id, _ := parseGID("InventoryItem", row.text("inventoryItemId"))
	v := m.s.items[id]
	if v == nil {
		p := userError("INVALID_INVENTORY_ITEM", "The specified inventory item could not be found.", path("inventoryItemId")...)
		return nil, &p
	}
	locID, _ := parseGID("Location", row.text("locationId"))
	if m.s.location(locID) == nil {
		p := userError("INVALID_LOCATION", "The specified location could not be found.", path("locationId")...)
		return nil, &p
	}
	l := v.levels[locID]
	if l == nil {
		p := userError("ITEM_NOT_STOCKED_AT_LOCATION", "The specified inventory item is not stocked at the location.", path("locationId")...)
		return nil, &p
	}
	if !v.tracked {
		p := userError("NON_MUTABLE_INVENTORY_ITEM", "The specified inventory item is not allowed to be adjusted via API.", path("inventoryItemId")...)
		return nil, &p
	}
	if seen[l] && list == "quantities" {
		p := userError("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", "The combination of inventoryItemId and locationId must be unique.", path("locationId")...)
		return nil, &p
	}
	seen[l] = true
	return l, nil
}

// stale holds changeFromQuantity against what is there. From 2026-04 on the field must be sent; null opts out. The code of a missing field is
// inferred.
func stale(l *level, name string, row args, i int, list, missing string) *problem {
	path := []string{"input", list, fmt.Sprint(i), "changeFromQuantity"}
	if !row.given("changeFromQuantity") {
		p := userError(missing, "The changeFromQuantity field is required; send null to change the quantity without comparing.", path...)
		return &p
	}
	have, _ := l.quantity(name)
	if want, ok := row.number("changeFromQuantity"); ok && want != have {
		p := userError("CHANGE_FROM_QUANTITY_STALE", "The changeFromQuantity argument no longer matches the persisted quantity.", path...)
		return &p
	}
	return nil
}

func inventorySetQuantities(m *mutation, a args) object {
	in := a.object("input")
	name := in.text("name")
	if name != "available" && name != "on_hand" {
		return m.no("INVALID_NAME", "The quantity name must be either 'available' or 'on_hand'.", "input", "name")
	}
	if p := checkReason(in); p != nil {
		return m.refuse(payloadType(m.name), *p)
	}
	var rows []stockRow
	seen := map[*level]bool{}
	for i, row := range in.objects("quantities") {
		l, p := m.checkRow(row, i, "quantities", seen)
		want, _ := row.number("quantity")
		switch {
		case p != nil:
		case want < 0:
			bad := userError("INVALID_QUANTITY_NEGATIVE", "The quantity can't be negative.", "input", "quantities", fmt.Sprint(i), "quantity")
			p = &bad
		case want > maxQuantity:
			bad := userError("INVALID_QUANTITY_TOO_HIGH", "The quantity can't be higher than 1,000,000,000.", "input", "quantities", fmt.Sprint(i), "quantity")
			p = &bad
		default:
			p = stale(l, name, row, i, "quantities", "COMPARE_QUANTITY_REQUIRED")
		}
		if p != nil {
			return m.refuse(payloadType(m.name), *p)
		}
		have, _ := l.quantity(name)
		rows = append(rows, stockRow{l, want - have, name})
	}
	return m.applyStock(in, rows)
}

func inventoryAdjustQuantities(m *mutation, a args) object {
	in := a.object("input")
	name := in.text("name")
	if name != "available" {
		return m.no("INVALID_QUANTITY_NAME", "The specified quantity name is invalid.", "input", "name")
	}
	if p := checkReason(in); p != nil {
		return m.refuse(payloadType(m.name), *p)
	}
	var rows []stockRow
	seen := map[*level]bool{}
	for i, row := range in.objects("changes") {
		l, p := m.checkRow(row, i, "changes", seen)
		if p == nil {
			p = stale(l, name, row, i, "changes", "ADJUST_QUANTITIES_FAILED")
		}
		if p != nil {
			return m.refuse(payloadType(m.name), *p)
		}
		delta, _ := row.number("delta")
		rows = append(rows, stockRow{l, delta, name})
	}
	return m.applyStock(in, rows)
}

func checkReason(in args) *problem {
	if !slices.Contains(reasons, in.text("reason")) {
		p := userError("INVALID_REASON", "The specified reason is invalid.", "input", "reason")
		return &p
	}
	if ref := in.text("referenceDocumentUri"); ref != "" && !strings.Contains(ref, "://") {
		p := userError("INVALID_REFERENCE_DOCUMENT", "The specified reference document is invalid.", "input", "referenceDocumentUri")
		return &p
	}
	return nil
}

func (m *mutation) applyStock(in args, rows []stockRow) object {
	changes := []object{}
	for _, r := range rows {
		if r.delta == 0 {
			continue
		}
		r.level.change(m.e, r.delta, 0)
		for _, name := range []string{"available", "on_hand"} {
			after, _ := r.level.quantity(name)
			changes = append(changes, record{"InventoryChange", kv{
				"name": name, "delta": r.delta, "quantityAfterChange": after, "item": item{r.level.v}, "location": r.level.loc,
			}})
		}
	}
	var group any
	if len(changes) > 0 {
		group = record{"InventoryAdjustmentGroup", kv{
			"id": gid("InventoryAdjustmentGroup", m.s.id("InventoryAdjustmentGroup")), "createdAt": m.e.at, "reason": in.text("reason"),
			"referenceDocumentUri": optional(in.text("referenceDocumentUri")), "changes": changes,
		}}
	}
	return m.done(kv{"inventoryAdjustmentGroup": group})
}

func productVariantsBulkUpdate(m *mutation, a args) object {
	id, _ := parseGID("Product", a.text("productId"))
	p, _ := find(m.s.products, func(p *product) bool { return p.id == id }).(*product)
	if p == nil {
		return m.no("PRODUCT_DOES_NOT_EXIST", "Product does not exist", "productId")
	}
	var problems []problem
	var apply []func()
	changed := []*variant{}
	for i, in := range a.objects("variants") {
		v, set, bad := m.variantChange(p, in, i)
		if bad != nil {
			problems = append(problems, *bad)
			continue
		}
		changed = append(changed, v)
		apply = append(apply, set)
	}
	if len(problems) > 0 && !a.flag("allowPartialUpdates") {
		return m.refuse(payloadType(m.name), problems...)
	}
	for _, set := range apply {
		set()
	}
	if len(apply) > 0 {
		p.updated = m.e.at
		m.e.emit("PRODUCTS_UPDATE", gid("Product", p.id), p.rest)
	}
	payload := m.refuse(payloadType(m.name), problems...)
	payload.values["product"], payload.values["productVariants"] = p, changed
	return payload
}

// variantChange checks one row of a bulk update and returns what would apply it.
func (m *mutation) variantChange(p *product, in args, i int) (*variant, func(), *problem) {
	path := func(field string) []string { return []string{"variants", fmt.Sprint(i), field} }
	fail := func(code, message, field string) (*variant, func(), *problem) {
		bad := userError(code, message, path(field)...)
		return nil, nil, &bad
	}
	if !in.given("id") {
		return fail("PRODUCT_VARIANT_ID_MISSING", "Product variant is missing ID attribute", "id")
	}
	id, _ := parseGID("ProductVariant", in.text("id"))
	v := m.s.variants[id]
	if v == nil || v.p != p {
		return fail("PRODUCT_VARIANT_DOES_NOT_EXIST", "Product variant does not exist", "id")
	}
	if len(in.any("inventoryQuantities")) > 0 {
		return fail("NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE", "Inventory quantities can only be provided during create", "inventoryQuantities")
	}
	price, compareAt := v.price, v.compareAt
	for _, name := range []string{"price", "compareAtPrice"} {
		if in[name] == nil {
			if in.given(name) && name == "compareAtPrice" {
				compareAt = nil
			}
			continue
		}
		amount, err := parseAmount(in.text(name), m.s.cfg.Currency)
		if err != nil {
			return fail("INVALID_INPUT", "Price is not a number", name)
		}
		if amount < 0 {
			return fail("NEGATIVE_PRICE_VALUE", "Price must be greater than or equal to 0", name)
		}
		if name == "price" {
			price = amount
		} else {
			compareAt = &amount
		}
	}
	return v, func() {
		v.price, v.compareAt, v.updated = price, compareAt, m.e.at
		if in.given("barcode") {
			v.barcode = in.text("barcode")
		}
		if policy := in.text("inventoryPolicy"); policy != "" {
			v.policy = policy
		}
		if sku, ok := in.object("inventoryItem")["sku"].(string); ok {
			m.s.rename(v, sku)
		}
	}, nil
}

func (s *Shop) rename(v *variant, sku string) {
	s.bySKU[v.sku] = slices.DeleteFunc(s.bySKU[v.sku], func(x *variant) bool { return x == v })
	v.sku = sku
	s.bySKU[sku] = append(s.bySKU[sku], v)
}
