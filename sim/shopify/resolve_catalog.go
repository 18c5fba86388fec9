package shopify

import (
	"fmt"
	"slices"
	"strings"
)

func (p *product) typeName() string { return "Product" }

func (p *product) field(name string, a args) any {
	switch name {
	case "id":
		return gid("Product", p.id)
	case "legacyResourceId":
		return p.id
	case "title":
		return p.title
	case "vendor":
		return p.vendor
	case "handle":
		return p.handle
	case "productType":
		return p.kind
	case "status":
		return p.status
	case "tags":
		return p.tags
	case "createdAt":
		return p.created
	case "updatedAt":
		return p.updated
	case "publishedAt":
		return p.created
	case "description", "descriptionHtml", "bodyHtml", "descriptionPlainSummary":
		return ""
	case "seo":
		return record{"SEO", kv{"title": nil, "description": nil}}
	case "isGiftCard":
		return p.giftCard
	case "hasOnlyDefaultVariant":
		return len(p.variants) == 1
	case "hasOutOfStockVariants":
		return slices.ContainsFunc(p.variants, func(v *variant) bool { return v.stock() <= 0 })
	case "totalInventory":
		n := 0
		for _, v := range p.variants {
			n += v.stock()
		}
		return n
	case "totalVariants":
		return len(p.variants)
	case "variantsCount":
		return record{"Count", kv{"count": len(p.variants), "precision": "EXACT"}}
	case "tracksInventory":
		return slices.ContainsFunc(p.variants, func(v *variant) bool { return v.tracked })
	case "variants":
		return connectAll("ProductVariantConnection", p.variants, a)
	case "hasVariantsThatRequiresComponents", "requiresSellingPlan", "publishedOnCurrentPublication":
		return false
	case "defaultCursor":
		return encodeCursor(pad(p.id), pad(p.id))
	case "priceRangeV2":
		low, high := p.variants[0].price, p.variants[0].price
		for _, v := range p.variants {
			low, high = min(low, v.price), max(high, v.price)
		}
		return record{"ProductPriceRangeV2", kv{"minVariantPrice": moneyV2(low, p.s.cfg.Currency), "maxVariantPrice": moneyV2(high, p.s.cfg.Currency)}}
	}
	return unheld
}

func (v *variant) typeName() string { return "ProductVariant" }

func (v *variant) field(name string, _ args) any {
	s := v.p.s
	switch name {
	case "id":
		return gid("ProductVariant", v.id)
	case "legacyResourceId":
		return v.id
	case "title":
		return v.title
	case "displayName":
		return v.p.title + " - " + v.title
	case "sku":
		return optional(v.sku)
	case "barcode":
		return optional(v.barcode)
	case "price":
		return plain(v.price, s.cfg.Currency)
	case "compareAtPrice":
		if v.compareAt == nil {
			return nil
		}
		return plain(*v.compareAt, s.cfg.Currency)
	case "inventoryPolicy":
		return v.policy
	case "inventoryQuantity", "sellableOnlineQuantity":
		return v.stock()
	case "inventoryItem":
		return item{v}
	case "product":
		return v.p
	case "position":
		return 1 + slices.Index(v.p.variants, v)
	case "availableForSale":
		return v.stock() > 0 || v.policy == "CONTINUE" || !v.tracked
	case "taxable":
		return v.taxable
	case "createdAt":
		return v.created
	case "updatedAt":
		return v.updated
	case "requiresComponents", "showUnitPrice", "publishedOnCurrentPublication":
		return false
	case "defaultCursor":
		return encodeCursor(pad(v.id), pad(v.id))
	case "selectedOptions":
		return []object{record{"SelectedOption", kv{"name": "Title", "value": v.title, "optionValue": record{"ProductOptionValue", kv{
			"id": gid("ProductOptionValue", v.id), "name": v.title, "hasVariants": true,
		}}}}}
	}
	return unheld
}

func (v *variant) stock() int {
	n := 0
	for _, l := range v.levels {
		n += l.available
	}
	return n
}

// item is the InventoryItem of a variant.
type item struct{ v *variant }

func (i item) typeName() string { return "InventoryItem" }

func (i item) field(name string, a args) any {
	v := i.v
	switch name {
	case "id":
		return gid("InventoryItem", v.itemID)
	case "legacyResourceId":
		return v.itemID
	case "sku":
		return optional(v.sku)
	case "tracked":
		return v.tracked
	case "trackedEditable":
		return record{"EditableProperty", kv{"locked": false, "reason": nil}}
	case "requiresShipping":
		return v.shipped
	case "duplicateSkuCount":
		if v.sku == "" {
			return 0
		}
		return max(0, len(v.p.s.bySKU[v.sku])-1)
	case "variant":
		return v
	case "variants":
		return connectAll("ProductVariantConnection", []*variant{v}, a)
	case "createdAt":
		return v.created
	case "updatedAt":
		return v.updated
	case "locationsCount":
		return record{"Count", kv{"count": len(v.levels), "precision": "EXACT"}}
	case "measurement":
		return record{"InventoryItemMeasurement", kv{"id": gid("InventoryItemMeasurement", v.itemID), "weight": weight(v.grams)}}
	case "inventoryLevel":
		id, _ := parseGID("Location", a.text("locationId"))
		return ptr(v.levels[id])
	case "inventoryLevels":
		return connectAll("InventoryLevelConnection", v.sortedLevels(), a)
	}
	return unheld
}

func weight(grams int64) object {
	return record{"Weight", kv{"value": int(grams), "unit": "GRAMS"}}
}

func (v *variant) sortedLevels() []*level {
	list := []*level{}
	for _, loc := range v.p.s.locations {
		if l := v.levels[loc.id]; l != nil {
			list = append(list, l)
		}
	}
	return list
}

func (l *level) typeName() string { return "InventoryLevel" }

func (l *level) gid() string {
	return fmt.Sprintf("gid://shopify/InventoryLevel/%d?inventory_item_id=%d", l.id, l.v.itemID)
}

func (l *level) field(name string, a args) any {
	switch name {
	case "id":
		return l.gid()
	case "item":
		return item{l.v}
	case "location":
		return l.loc
	case "isActive":
		return true
	case "canDeactivate":
		return false
	case "createdAt":
		return l.v.created
	case "updatedAt":
		return l.updated
	case "quantities":
		list := []object{}
		for _, name := range a.texts("names") {
			n, ok := l.quantity(name)
			if !ok {
				return &gqlError{Message: fmt.Sprintf("The quantity name '%s' is not valid.", name), Extensions: kv{"code": "BAD_REQUEST"}}
			}
			list = append(list, record{"InventoryQuantity", kv{
				"id":   fmt.Sprintf("gid://shopify/InventoryQuantity/%d?inventory_item_id=%d&name=%s", l.id, l.v.itemID, name),
				"name": name, "quantity": n, "updatedAt": l.updated,
			}})
		}
		return list
	}
	return unheld
}

// quantity is one of Shopify's named quantities.
func (l *level) quantity(name string) (int, bool) {
	switch name {
	case "available":
		return l.available, true
	case "committed":
		return l.committed, true
	case "on_hand":
		return l.onHand(), true
	case "incoming", "reserved", "damaged", "quality_control", "safety_stock":
		return 0, true
	}
	return 0, false
}

func (s *Shop) level(id string) any {
	for _, v := range s.items {
		for _, l := range v.levels {
			if l.gid() == id {
				return l
			}
		}
	}
	return nil
}

func (l *location) typeName() string { return "Location" }

func (l *location) field(name string, a args) any {
	switch name {
	case "id":
		return gid("Location", l.id)
	case "legacyResourceId":
		return l.id
	case "name":
		return l.name
	case "isActive":
		return l.active
	case "fulfillsOnlineOrders", "shipsInventory":
		return l.fulfills
	case "isPrimary":
		return l == l.s.locations[0]
	case "hasActiveInventory":
		return true
	case "hasUnfulfilledOrders":
		return slices.ContainsFunc(l.s.orders, func(o *order) bool {
			return slices.ContainsFunc(o.fos, func(fo *fulfillmentOrder) bool { return fo.loc == l && fo.open() })
		})
	case "activatable", "deactivatable", "deletable", "isFulfillmentService", "addressVerified":
		return false
	case "createdAt", "updatedAt":
		return l.created
	case "address":
		return record{"LocationAddress", kv{
			"address1": optional(l.addr.Address1), "address2": optional(l.addr.Address2), "city": optional(l.addr.City), "country": optional(l.addr.Country),
			"countryCode": optional(l.addr.Country), "province": optional(l.addr.Province), "provinceCode": optional(l.addr.ProvinceCode),
			"zip": optional(l.addr.Zip), "phone": optional(l.addr.Phone), "formatted": []string{l.addr.Address1, l.addr.City, l.addr.Country},
		}}
	case "inventoryLevel":
		id, _ := parseGID("InventoryItem", a.text("inventoryItemId"))
		if v := l.s.items[id]; v != nil {
			return ptr(v.levels[l.id])
		}
		return nil
	case "inventoryLevels":
		list := []*level{}
		for _, p := range l.s.products {
			for _, v := range p.variants {
				if lv := v.levels[l.id]; lv != nil {
					list = append(list, lv)
				}
			}
		}
		return connectAll("InventoryLevelConnection", list, a)
	}
	return unheld
}

func (s *Shop) searchProducts(a args) []ranked {
	query := parseSearch(a.text("query"))
	list := []ranked{}
	for _, p := range s.products {
		ok := matches(query, func(t term) (bool, bool) {
			switch t.field {
			case "id":
				return compareID(p.id, t), true
			case "updated_at":
				return compareTime(p.updated, t), true
			case "created_at":
				return compareTime(p.created, t), true
			case "status":
				return compareText(p.status, t), true
			case "title":
				return compareText(p.title, t), true
			case "vendor":
				return compareText(p.vendor, t), true
			case "tag":
				return slices.ContainsFunc(p.tags, func(tag string) bool { return compareText(tag, t) }), true
			case "sku":
				return slices.ContainsFunc(p.variants, func(v *variant) bool { return compareText(v.sku, t) }), true
			case "barcode":
				return slices.ContainsFunc(p.variants, func(v *variant) bool { return compareText(v.barcode, t) }), true
			}
			return false, false
		})
		if !ok {
			continue
		}
		value := pad(p.id)
		switch a.text("sortKey") {
		case "UPDATED_AT":
			value = stamp(p.updated)
		case "CREATED_AT":
			value = stamp(p.created)
		case "TITLE":
			value = strings.ToLower(p.title)
		}
		list = append(list, ranked{p, pad(p.id), value})
	}
	return list
}

func (s *Shop) variantMatches(v *variant, t term) (bool, bool) {
	switch t.field {
	case "id":
		return compareID(v.id, t), true
	case "product_id":
		return compareID(v.p.id, t), true
	case "updated_at":
		return compareTime(v.updated, t), true
	case "sku":
		return compareText(v.sku, t), true
	case "barcode":
		return compareText(v.barcode, t), true
	case "product_status":
		return compareText(v.p.status, t), true
	case "title":
		return compareText(v.title, t), true
	case "inventory_quantity":
		return compareID(int64(v.stock()), t), true
	}
	return false, false
}

func (s *Shop) searchVariants(a args) []ranked {
	query := parseSearch(a.text("query"))
	list := []ranked{}
	for _, p := range s.products {
		for _, v := range p.variants {
			if !matches(query, func(t term) (bool, bool) { return s.variantMatches(v, t) }) {
				continue
			}
			value := pad(v.id)
			switch a.text("sortKey") {
			case "SKU":
				value = v.sku
			case "TITLE", "NAME", "FULL_TITLE":
				value = strings.ToLower(v.p.title + " " + v.title)
			}
			list = append(list, ranked{v, pad(v.id), value})
		}
	}
	return list
}

func (s *Shop) searchItems(a args) []ranked {
	query := parseSearch(a.text("query"))
	list := []ranked{}
	for _, p := range s.products {
		for _, v := range p.variants {
			ok := matches(query, func(t term) (bool, bool) {
				if t.field == "id" {
					return compareID(v.itemID, t), true
				}
				if t.field == "sku" || t.field == "updated_at" {
					return s.variantMatches(v, t)
				}
				return false, false
			})
			if ok {
				list = append(list, ranked{item{v}, pad(v.itemID), pad(v.itemID)})
			}
		}
	}
	return list
}
