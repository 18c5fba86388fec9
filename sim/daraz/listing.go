package daraz

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// listingMax is the greatest page of /products/get.
const listingMax = 50

// productsGet lists the shop's products, SKUs grouped under their item. Its offset is deprecated and capped; whoever has more scrolls by time.
func (c *call) productsGet() (answer, error) {
	var from, until [2]time.Time // created, updated
	for name, into := range map[string]*time.Time{
		"create_after": &from[0], "create_before": &until[0], "update_after": &from[1], "update_before": &until[1],
	} {
		if err := c.date(name, into); err != nil {
			return answer{}, err
		}
	}
	offset, limit := 0, 20
	for name, p := range map[string]struct {
		into     *int
		min, max int
		no       error
	}{
		"offset": {&offset, 0, 10000, refuse(isp, "14", "E014: Invalid Offset")},
		"limit":  {&limit, 1, listingMax, refuse(isp, "19", "E019: Invalid Limit")},
	} {
		if text := c.get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < p.min || n > p.max {
				return answer{}, p.no
			}
			*p.into = n
		}
	}
	only, ok := idList(or(c.get("sku_seller_list"), "[]"))
	if !ok || len(only) > 100 {
		return answer{}, refuse(isp, "70", "E070: You have an error in sku_seller_list")
	}
	in := func(t, after, before time.Time) bool {
		return (after.IsZero() || !t.Before(after.Truncate(time.Second))) && (before.IsZero() || !t.After(before))
	}
	var found []*product
	for _, p := range c.shop.products {
		if !in(p.created, from[0], until[0]) || !in(p.updated, from[1], until[1]) || (len(only) > 0 && !slices.Contains(only, p.sku)) {
			continue
		}
		if c.listed(p) {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b *product) int { return a.updated.Compare(b.updated) })
	total := len(found)
	docs := []any{}
	for _, p := range found[min(offset, total):min(offset+limit, total)] {
		docs = append(docs, p.doc(c.get("options") == "1"))
	}
	return data(map[string]any{"total_products": total, "products": docs}), nil
}

// listed says whether a product falls under the call's filter.
func (c *call) listed(p *product) bool {
	switch c.get("filter") {
	case "", "all":
		return true
	case "live":
		return p.active
	case "inactive":
		return !p.active
	case "sold-out":
		return p.active && p.stock().Sellable <= 0
	}
	return false
}

func (c *call) productItemGet() (answer, error) {
	for _, p := range c.shop.products {
		if p.itemID == c.get("item_id") {
			return data(p.doc(true)), nil
		}
	}
	return answer{}, refuse(isp, "208", "E208: The product does not exist")
}

// doc is a product as the gateway writes it: times are ms strings, images a string that holds a JSON array (channel-daraz §1.10).
func (p *product) doc(stock bool) map[string]any {
	m := p.shop.m
	q := m.quill(p.itemID)
	st, status := p.stock(), "active"
	if !p.active {
		status = "inactive"
	}
	images := `["https://static.example.com/` + p.itemID + `.jpg"]`
	sku := map[string]any{
		"SellerSku": p.sku, "ShopSku": p.shopSKU, "SkuId": num(p.skuID), "Status": status,
		"quantity": q.number("quantity", st.Real), "Available": q.number("available", st.Sellable),
		"price": q.amount("price", p.price), "special_price": q.amount("special", p.sale),
		"Url": "https://www.example.com/products/i" + p.itemID + ".html", "package_weight": "0.5",
		"Images": []string{},
	}
	if p.sale != 0 {
		sku["special_from_time"] = p.saleFrom.In(m.venture.zone).Format("2006-01-02 15:04")
		sku["special_to_time"] = p.saleTo.In(m.venture.zone).Format("2006-01-02 15:04")
	}
	if stock {
		rows := []any{}
		for _, code := range p.shop.seller.Warehouses {
			l := p.level(code)
			rows = append(rows, map[string]any{
				"warehouseCode": code, "quantity": l.real, "totalQuantity": l.real, "withholdQuantity": l.withheld,
				"occupyQuantity": l.occupied, "sellableQuantity": l.sellable(),
			})
		}
		sku["multiWarehouseInventories"] = rows
		sku["fblWarehouseInventories"] = []any{}
		if p.central > 0 {
			sku["fblWarehouseInventories"] = []any{map[string]any{"warehouseCode": "dz-" + m.cfg.Venture + "-01", "quantity": p.central}}
		}
		sku["channelInventories"] = []any{}
	}
	return map[string]any{
		"item_id": json.Number(p.itemID), "primary_category": "10000336", "status": status, "images": images,
		"attributes":   map[string]any{"name": p.name, "description": p.name, "brand": "No Brand"},
		"created_time": strconv.FormatInt(p.created.UnixMilli(), 10), "updated_time": strconv.FormatInt(p.updated.UnixMilli(), 10),
		"skus": []any{sku},
	}
}
