package daraz

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// skuMax is how many SKUs one write takes.
const skuMax = 50

// skuUpdate is one <Sku> of a payload. A field left out leaves its value alone.
type skuUpdate struct {
	ItemID    string  `xml:"ItemId"`
	SkuID     string  `xml:"SkuId"`
	SellerSKU string  `xml:"SellerSku"`
	Price     *string `xml:"Price"`
	SalePrice *string `xml:"SalePrice"`
	SaleFrom  *string `xml:"SaleStartDate"`
	SaleTo    *string `xml:"SaleEndDate"`
	Quantity  *string `xml:"Quantity"`
	Sellable  *string `xml:"SellableQuantity"`
	Multi     []struct {
		Code     string  `xml:"WarehouseCode"`
		Quantity *string `xml:"Quantity"`
		Sellable *string `xml:"SellableQuantity"`
	} `xml:"MultiWarehouseInventories>MultiWarehouseInventory"`
}

// verdict is why one SKU of a write was refused.
type verdict struct{ code, message string }

// skuPayload reads the XML of a stock or price write and finds its SKUs; the listing of a SKU that does not exist is nil.
func (c *call) skuPayload() ([]skuUpdate, error) {
	payload := c.get("payload")
	if payload == "" {
		return nil, missing("payload")
	}
	var req struct {
		XMLName xml.Name    `xml:"Request"`
		Skus    []skuUpdate `xml:"Product>Skus>Sku"`
	}
	if err := xml.Unmarshal([]byte(payload), &req); err != nil {
		return nil, refuse(isp, "5", "E005: Invalid Request Format")
	}
	switch {
	case len(req.Skus) == 0:
		return nil, refuse(isp, "30", "E030: Empty Request")
	case len(req.Skus) > skuMax:
		return nil, refuse(isp, "4171", "The updated SKU quantity exceeds the maximum number 50, please do not update more than 50 SKUs at once")
	}
	c.ref = req.Skus[0].SellerSKU
	return req.Skus, nil
}

// listing finds the SKU of an update: SellerSku is case-sensitive, and the ids must fit where they are given.
func (c *call) listing(up skuUpdate) (*product, *verdict) {
	p := c.shop.bySKU[up.SellerSKU]
	if up.SellerSKU == "" && up.SkuID != "" {
		for _, q := range c.shop.products {
			if q.skuID == up.SkuID {
				p = q
			}
		}
	}
	if p == nil || (up.ItemID != "" && up.ItemID != p.itemID) || (up.SkuID != "" && up.SkuID != p.skuID) {
		return nil, &verdict{"501", "SKU_NOT_EXIST"}
	}
	return p, nil
}

// each applies a write to each SKU alone: one that is refused does not stop the others. Refusals come in the documented way, the generic 501
// with a row per SKU in detail, or a lone SKU's own code.
func (c *call) each(apply func(*product, skuUpdate) *verdict) (answer, error) {
	ups, err := c.skuPayload()
	if err != nil {
		return answer{}, err
	}
	var rows []any
	var last *verdict
	for _, up := range ups {
		p, bad := c.listing(up)
		if bad == nil {
			bad = apply(p, up)
		}
		if bad != nil {
			last = bad
			rows = append(rows, map[string]any{
				"seller_sku": up.SellerSKU, "sku_id": up.SkuID, "item_id": up.ItemID, "code": bad.code, "message": bad.message,
			})
			continue
		}
		p.updated = c.m.second()
	}
	switch {
	case len(rows) == 0:
		return c.wrote(), nil
	case len(ups) == 1 && last.code != "501":
		return answer{}, &refusal{code: last.code, kind: isp, message: last.message, detail: rows}
	}
	return answer{}, &refusal{code: "501", kind: isp, message: "E501: Update product failed", detail: rows}
}

func (c *call) priceQuantity() (answer, error) {
	return c.each(func(p *product, up skuUpdate) *verdict {
		prices, bad := p.newPrices(up, c.m.venture.zone)
		if bad != nil {
			return bad
		}
		totals := map[string]*string{}
		if up.Quantity != nil {
			totals[""] = up.Quantity
		}
		for _, w := range up.Multi {
			totals[w.Code] = w.Quantity
		}
		if bad := p.setTotals(totals); bad != nil {
			return bad
		}
		p.price, p.sale, p.saleFrom, p.saleTo = prices.price, prices.sale, prices.from, prices.to
		return nil
	})
}

type pricing struct {
	price, sale int64
	from, to    time.Time
}

// newPrices judges the price part of an update.
func (p *product) newPrices(up skuUpdate, zone *time.Location) (pricing, *verdict) {
	next := pricing{p.price, p.sale, p.saleFrom, p.saleTo}
	var ok bool
	if up.Price != nil {
		if next.price, ok = minor(*up.Price); !ok {
			return next, &verdict{"4104", "BIZ_CHECK_PRICE_PRECISION_INVALID"}
		}
		if next.price <= 0 {
			return next, &verdict{"4118", "BIZ_CHECK_PRICE_IS_ZERO"}
		}
	}
	if up.SalePrice != nil && strings.TrimSpace(*up.SalePrice) != "" {
		if next.sale, ok = minor(*up.SalePrice); !ok {
			return next, &verdict{"4121", "BIZ_CHECK_SPECIAL_PRICE_PRECISION_INVALID"}
		}
	}
	for text, into := range map[*string]*time.Time{up.SaleFrom: &next.from, up.SaleTo: &next.to} {
		if text == nil || strings.TrimSpace(*text) == "" {
			continue
		}
		day, err := time.ParseInLocation("2006-01-02", strings.TrimSpace(*text), zone)
		if err != nil {
			return next, &verdict{"4117", "BIZ_CHECK_SPECIAL_PRICE_FROM_DATE_AFTER_TO_DATE"}
		}
		*into = day
	}
	switch {
	case next.sale != 0 && next.to.Before(next.from):
		return next, &verdict{"4117", "BIZ_CHECK_SPECIAL_PRICE_FROM_DATE_AFTER_TO_DATE"}
	case next.sale < 0 || next.sale >= next.price:
		return next, &verdict{"4119", "BIZ_CHECK_SPECIAL_PRICE_RATE_OUT_OF_RANGE"}
	}
	return next, nil
}

// minor reads a decimal price with at most two places.
func minor(text string) (int64, bool) {
	whole, cents, _ := strings.Cut(strings.TrimSpace(text), ".")
	cents = strings.TrimRight(cents, "0")
	if len(cents) > 2 || len(whole) > 15 {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+(cents + "00")[:2], 10, 64)
	return n, err == nil
}

// setTotals sets total stock per warehouse, "" being the default one, all or nothing: a total must cover what is promised already, and may
// not fall during a campaign.
func (p *product) setTotals(totals map[string]*string) *verdict {
	next := map[string]int{}
	for code, text := range totals {
		if code != "" && !slices.Contains(p.shop.seller.Warehouses, code) {
			return &verdict{"501", "WAREHOUSE_NOT_EXIST"}
		}
		n, bad := quantity(text)
		if bad != nil {
			return bad
		}
		l := p.level(code)
		switch {
		case n < 0:
			return &verdict{"501", "Negative quantity is not allowed"}
		case n < l.withheld+l.occupied+l.locked:
			return &verdict{"501", fmt.Sprintf("Quantity %d is less than withheld %d plus occupied %d plus campaign locked %d", n, l.withheld, l.occupied, l.locked)}
		case p.campaign && n < l.real:
			return campaignVerdict
		}
		next[code] = n
	}
	for code, n := range next {
		p.level(code).real = n
	}
	return nil
}

var campaignVerdict = &verdict{"4170", "During the Mega campaign, there are restrictions for stock adjustments in effect. Sellers can increase stocks, but may not decrease stocks."}

func quantity(text *string) (int, *verdict) {
	if text == nil {
		return 0, &verdict{"5", "E005: Invalid Request Format"}
	}
	n, err := strconv.Atoi(strings.TrimSpace(*text))
	if err != nil {
		return 0, &verdict{"5", "E005: Invalid Request Format"}
	}
	return n, nil
}

func (c *call) sellableUpdate() (answer, error) {
	return c.sellable(func(l *level, n int) int { return n })
}

func (c *call) sellableAdjust() (answer, error) {
	return c.sellable(func(l *level, n int) int { return l.sellable() + n })
}

// sellable sets what buyers can order; the total follows.
func (c *call) sellable(target func(l *level, n int) int) (answer, error) {
	return c.each(func(p *product, up skuUpdate) *verdict {
		wants := map[string]*string{}
		if up.Sellable != nil {
			wants[""] = up.Sellable
		}
		for _, w := range up.Multi {
			wants[w.Code] = or(w.Sellable, w.Quantity)
		}
		if len(wants) == 0 {
			return &verdict{"5", "E005: Invalid Request Format"}
		}
		totals := map[string]*string{}
		for code, text := range wants {
			n, bad := quantity(text)
			if bad != nil {
				return bad
			}
			l := p.level(code)
			to := target(l, n)
			if to < 0 {
				return &verdict{"501", "Negative sellable is not allowed"}
			}
			total := strconv.Itoa(to + l.withheld + l.occupied + l.locked)
			totals[code] = &total
		}
		return p.setTotals(totals)
	})
}

// productUpdate takes a listing's attributes; of those, this marketplace knows the name and the prices and stock of its SKUs.
func (c *call) productUpdate() (answer, error) {
	payload := c.get("payload")
	if payload == "" {
		return answer{}, missing("payload")
	}
	var req struct {
		XMLName xml.Name    `xml:"Request"`
		ItemID  string      `xml:"Product>ItemId"`
		Name    string      `xml:"Product>Attributes>name"`
		Skus    []skuUpdate `xml:"Product>Skus>Sku"`
	}
	if xml.Unmarshal([]byte(payload), &req) != nil {
		return answer{}, refuse(isp, "5", "E005: Invalid Request Format")
	}
	c.ref = req.ItemID
	found := false
	for _, p := range c.shop.products {
		if p.itemID == req.ItemID || slices.ContainsFunc(req.Skus, func(up skuUpdate) bool { return up.SellerSKU == p.sku }) {
			found = true
			p.name = or(req.Name, p.name)
			p.updated = c.m.second()
		}
	}
	if !found {
		return answer{}, refuse(isp, "501", "E501: Update product failed")
	}
	if len(req.Skus) == 0 {
		return c.wrote(), nil
	}
	return c.priceQuantity()
}

// productDeactivate is one-way: there is no activate. It reads {"itemId":…,"skus":["…"]} or the XML of the same.
func (c *call) productDeactivate() (answer, error) {
	body := c.get("apiRequestBody")
	if body == "" {
		return answer{}, missing("apiRequestBody")
	}
	var req struct {
		XMLName xml.Name        `xml:"Request" json:"-"`
		Item    json.RawMessage `json:"itemId" xml:"-"`
		ItemXML string          `json:"-" xml:"Product>ItemId"`
		Skus    []string        `json:"skus" xml:"Product>Skus>SellerSku"`
	}
	if !decode(body, &req) && xml.Unmarshal([]byte(body), &req) != nil {
		return answer{}, refuse(isp, "5", "E005: Invalid Request Format")
	}
	item := or(req.ItemXML, scalar(req.Item))
	c.ref = item
	found := false
	for _, p := range c.shop.products {
		if p.itemID == item && (len(req.Skus) == 0 || slices.Contains(req.Skus, p.sku)) {
			p.active, p.updated, found = false, c.m.second(), true
		}
	}
	if !found {
		return answer{}, refuse(isp, "501", "E501: Update product failed")
	}
	return c.wrote(), nil
}
