package openclaw

import (
	"context"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/pos"
)

// row is one row of a list. The columns are of SQLite: numbers may come as text, booleans as 0 and 1.
type row map[string]any

func (r row) text(name string) string {
	switch v := r[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func (r row) active() bool {
	switch v := r["is_active"].(type) {
	case bool:
		return v
	case nil:
		return true // the column's default
	case json.Number:
		return v != "0"
	case string:
		return v != "0" && v != "false"
	}
	return false
}

// whole reads a quantity. The core's are real numbers; we count pieces.
func (r row) whole(name string) (int64, bool) {
	text := r.text(name)
	if text == "" {
		return 0, r[name] == nil
	}
	n, ok := rational(text)
	if !ok || !n.IsInt() || !n.Num().IsInt64() {
		return 0, false
	}
	return n.Num().Int64(), true
}

// rational is exact: what the core writes as 12.0 is 12, and nothing is rounded. Exponents past any quantity are refused, since they would be expanded.
func rational(text string) (*big.Rat, bool) {
	if _, exponent, ok := strings.Cut(strings.ToLower(text), "e"); ok {
		if n, err := strconv.Atoi(exponent); err != nil || n > 30 || n < -30 {
			return nil, false
		}
	}
	if len(text) > 64 || strings.ContainsAny(text, "/xXpP_") {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// list reads a page, taking each row or saying why not.
func list[T any](ctx context.Context, c *core, path string, take func(row) (T, string, string)) (pos.Page[T], error) {
	rows, complete, err := c.rows(ctx, path)
	if err != nil {
		return pos.Page[T]{}, err
	}
	page := pos.Page[T]{Complete: complete}
	for _, r := range rows {
		one, field, reason := take(r)
		if field == "" && r.text("id") == "" {
			field, reason = "id", "is missing"
		}
		if field != "" {
			page.Problems = append(page.Problems, pos.Problem{ID: r.text("id"), Field: field, Reason: reason})
			continue
		}
		page.Rows = append(page.Rows, one)
	}
	return page, nil
}

var unitTypes = []pos.UnitType{pos.Global, pos.Country, pos.Regional, pos.Warehouse, pos.Branch, pos.Till}

// OrgUnits implements pos.Core.
func (c *core) OrgUnits(ctx context.Context) (pos.Page[pos.OrgUnit], error) {
	return list(ctx, c, "/org-units", func(r row) (pos.OrgUnit, string, string) {
		u := pos.OrgUnit{
			ID: r.text("id"), Type: pos.UnitType(r.text("unit_type")), Code: r.text("code"), Name: r.text("name"), Parent: r.text("parent_id"),
			Country: r.text("country_code"), Currency: r.text("currency_code"), Active: r.active(),
		}
		if !slices.Contains(unitTypes, u.Type) {
			return u, "unit_type", "is none of those we know"
		}
		return u, "", ""
	})
}

// Items implements pos.Core.
func (c *core) Items(ctx context.Context) (pos.Page[pos.Item], error) {
	return list(ctx, c, "/inventory-items", func(r row) (pos.Item, string, string) {
		it := pos.Item{ID: r.text("id"), SKU: r.text("sku_code"), Name: r.text("item_name"), UOM: r.text("uom"), Branch: r.text("branch_id"), Active: r.active()}
		var ok bool
		if it.SKU == "" {
			return it, "sku_code", "is missing"
		}
		if it.OnHand, ok = r.whole("quantity_on_hand"); !ok {
			return it, "quantity_on_hand", "is not a whole number"
		}
		if it.Reorder, ok = r.whole("reorder_level"); !ok {
			it.Reorder = 0 // advice only
		}
		return it, "", ""
	})
}

// Prices implements pos.Core.
func (c *core) Prices(ctx context.Context) (pos.Page[pos.Price], error) {
	return list(ctx, c, "/prices", func(r row) (pos.Price, string, string) {
		p := pos.Price{
			ID: r.text("id"), SKU: r.text("sku_code"), List: r.text("price_list"), Country: r.text("country_code"), From: r.text("valid_from"), To: r.text("valid_to"),
			Active: r.active(),
		}
		if p.SKU == "" {
			return p, "sku_code", "is missing"
		}
		var err error
		// A real column may hold 19.989999999999998 for 19.99.
		if p.Amount, err = money.ParseRound(r.text("base_price"), r.text("currency_code"), money.HalfUp); err != nil || p.Amount.Sign() < 0 {
			return p, "base_price", "is no price"
		}
		return p, "", ""
	})
}

// TaxRules implements pos.Core.
func (c *core) TaxRules(ctx context.Context) (pos.Page[pos.TaxRule], error) {
	unit := ""
	if c.Setting(settingRate) == "percent" {
		unit = "%"
	}
	return list(ctx, c, "/tax-rules", func(r row) (pos.TaxRule, string, string) {
		t := pos.TaxRule{ID: r.text("id"), Code: r.text("rule_code"), Country: r.text("country_code"), Name: r.text("tax_name"), Mode: r.text("tax_mode"), Active: r.active()}
		var err error
		if t.Rate, err = money.ParseRate(r.text("tax_rate") + unit); err != nil || t.Rate.Sign() < 0 || t.Rate.Cmp(money.RateOf(1, 0)) > 0 {
			return t, "tax_rate", "is no rate between 0 and 100 %"
		}
		if t.Mode != "inclusive" && t.Mode != "exclusive" {
			return t, "tax_mode", "is neither inclusive nor exclusive"
		}
		return t, "", ""
	})
}

// overlap is how many rows before the mark are read again: two workers of the core may write in another order than their clocks say.
const overlap = 50

// Movements implements pos.Core. The mark is the id of the newest movement seen.
func (c *core) Movements(ctx context.Context, since pos.Mark) (pos.Feed, error) {
	rows, _, err := c.rows(ctx, "/inventory-movements")
	if err != nil {
		return pos.Feed{}, err
	}
	feed := pos.Feed{Mark: since}
	last := len(rows)
	if since != "" {
		at := slices.IndexFunc(rows, func(r row) bool { return r.text("id") == string(since) })
		feed.Gap = at < 0
		if at >= 0 {
			last = min(len(rows), at+1+overlap)
		}
	}
	if len(rows) > 0 && rows[0].text("id") != "" {
		feed.Mark = pos.Mark(rows[0].text("id"))
	}
	for i := last - 1; i >= 0; i-- {
		m, field, reason := movement(rows[i])
		if field != "" {
			feed.Problems = append(feed.Problems, pos.Problem{ID: m.ID, Field: field, Reason: reason})
			continue
		}
		feed.Rows = append(feed.Rows, m)
	}
	return feed, nil
}

func movement(r row) (m pos.Movement, field, reason string) {
	m = pos.Movement{
		ID: r.text("id"), Code: r.text("movement_code"), SKU: r.text("sku_code"), Branch: r.text("branch_id"), Type: pos.MovementType(r.text("movement_type")),
		Date: r.text("business_date"), RefType: r.text("reference_type"), RefID: r.text("reference_id"),
	}
	var ok bool
	switch m.Delta, ok = r.whole("quantity_delta"); {
	case m.ID == "":
		return m, "id", "is missing"
	case m.SKU == "" || m.Branch == "":
		return m, "sku_code", "or branch_id is missing"
	case !ok:
		return m, "quantity_delta", "is not a whole number"
	}
	return m, "", ""
}
