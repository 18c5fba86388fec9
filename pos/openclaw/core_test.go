package openclaw_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/pos"
	"github.com/openclaw-pos/commerce/pos/postest"
)

const key = "canary-write-key"

// table is one resource of the stand-in: what POST wants, what is unique, how many rows GET shows. From the repository's src/index.ts.
type table struct {
	needs  []string
	unique []string
	shows  int
	rows   []map[string]any // oldest first
}

// stand is openclaw-pos as its public source describes it, in memory. Numbers become float64, as they do in its REAL columns.
type stand struct {
	mu     sync.Mutex
	url    string
	tables map[string]*table
	fault  string
	skip   int
	times  int
}

func newStand(tb testing.TB) postest.Bench { return start(tb) }

func start(tb testing.TB) *stand {
	tb.Helper()
	s := &stand{tables: map[string]*table{
		"/v1/org-units":              {needs: []string{"id", "unit_type", "code", "name"}, unique: []string{"code"}, shows: 200},
		"/v1/inventory-items":        {needs: []string{"id", "sku_code", "item_name", "uom"}, shows: 200},
		"/v1/prices":                 {needs: []string{"id", "sku_code", "currency_code", "price_list"}, shows: 200},
		"/v1/tax-rules":              {needs: []string{"id", "rule_code", "country_code", "tax_name", "tax_rate", "tax_mode"}, unique: []string{"rule_code"}, shows: 200},
		"/v1/inventory-movements":    {needs: []string{"id", "movement_code", "sku_code", "branch_id", "movement_type", "quantity_delta", "business_date"}, unique: []string{"movement_code"}, shows: 300},
		"/v1/sales-receipts":         {needs: []string{"id", "receipt_no", "branch_id", "currency_code", "business_date"}, unique: []string{"receipt_no"}, shows: 200},
		"/v1/sales-receipt-lines":    {needs: []string{"id", "sales_receipt_id", "sku_code", "quantity", "unit_price", "line_total"}, shows: 500},
		"/v1/sales-receipt-payments": {needs: []string{"id", "sales_receipt_id", "payment_method_id", "amount"}, shows: 500},
		"/v1/sales-returns":          {needs: []string{"id", "return_no", "branch_id", "currency_code", "business_date"}, unique: []string{"return_no"}, shows: 200},
		"/v1/sales-return-lines":     {needs: []string{"id", "sales_return_id", "sku_code", "quantity", "unit_price", "line_total"}, shows: 500},
		"/v1/sales-refunds":          {needs: []string{"id", "sales_return_id", "payment_method_id", "amount"}, shows: 500},
	}}
	server := httptest.NewServer(s)
	tb.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *stand) Account() postest.Account {
	return postest.Account{Settings: map[string]string{"base_url": s.url + "/v1"}}
}

func (s *stand) Fault(_ testing.TB, fault string, skip, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.skip, s.times = fault, skip, times
}

// strikes says which fault hits this call.
func (s *stand) strikes() string {
	if s.times == 0 {
		return ""
	}
	if s.skip > 0 {
		s.skip--
		return ""
	}
	s.times--
	return s.fault
}

func (s *stand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.strikes()
	switch f {
	case postest.Throttle:
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case postest.ServerError:
		http.Error(w, "error code: 1101", http.StatusInternalServerError)
		return
	case postest.HTML:
		_, _ = w.Write([]byte("<!DOCTYPE html><h1>Just a moment</h1>"))
		return
	}
	status, body := s.work(r)
	if f == postest.LostAnswer {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if f == postest.CutBody {
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body)
}

func say(status int, v map[string]any) (int, []byte) {
	body, _ := json.MarshalIndent(v, "", "  ")
	return status, body
}

func (s *stand) work(r *http.Request) (int, []byte) {
	t := s.tables[r.URL.Path]
	if t == nil {
		return say(404, map[string]any{"ok": false, "error": "Not found"})
	}
	if r.Method == http.MethodGet {
		items := slices.Clone(t.rows)
		slices.Reverse(items)
		return say(200, map[string]any{"ok": true, "items": append([]map[string]any{}, items[:min(len(items), t.shows)]...)})
	}
	if r.Header.Get("x-api-key") != key {
		return say(401, map[string]any{"ok": false, "error": "Unauthorized"})
	}
	var row map[string]any
	if json.NewDecoder(r.Body).Decode(&row) != nil {
		row = nil
	}
	return s.insert(r.URL.Path, t, row)
}

func (s *stand) insert(path string, t *table, row map[string]any) (int, []byte) {
	for _, name := range t.needs {
		if v, ok := row[name]; !ok || v == "" || v == nil {
			return say(400, map[string]any{"ok": false, "error": fmt.Sprint("Required fields: ", t.needs)})
		}
	}
	for _, name := range append([]string{"id"}, t.unique...) {
		for _, old := range t.rows {
			if old[name] == row[name] {
				detail := "Error: D1_ERROR: UNIQUE constraint failed: t." + name + ": SQLITE_CONSTRAINT"
				return say(400, map[string]any{"ok": false, "error": "Insert failed", "detail": detail})
			}
		}
	}
	if path == "/v1/sales-return-lines" && row["restock_to_inventory"] != 0.0 {
		s.adjust(row["sku_code"], "khi-1", row["quantity"].(float64))
	}
	if path == "/v1/inventory-movements" {
		s.adjust(row["sku_code"], row["branch_id"], row["quantity_delta"].(float64))
	}
	t.rows = append(t.rows, row)
	return say(201, map[string]any{"ok": true, "id": row["id"]})
}

func (s *stand) adjust(sku, branch any, by float64) {
	for _, it := range s.tables["/v1/inventory-items"].rows {
		if it["sku_code"] == sku && it["branch_id"] == branch {
			it["quantity_on_hand"] = it["quantity_on_hand"].(float64) + by
		}
	}
}

// put adds a row behind the back of the API.
func (s *stand) put(path string, row map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables[path].rows = append(s.tables[path].rows, row)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func major(a money.Amount) float64 {
	f, _ := strconv.ParseFloat(a.Decimal(), 64)
	return f
}

func none(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (s *stand) Seed(_ testing.TB, seeds postest.Seeds) {
	for _, u := range seeds.Units {
		s.put("/v1/org-units", map[string]any{
			"id": u.ID, "unit_type": string(u.Type), "code": u.Code, "name": u.Name, "parent_id": none(u.Parent), "country_code": none(u.Country), "currency_code": none(u.Currency),
			"is_active": flag(u.Active),
		})
	}
	for _, i := range seeds.Items {
		s.put("/v1/inventory-items", map[string]any{
			"id": i.ID, "sku_code": i.SKU, "item_name": i.Name, "uom": i.UOM, "branch_id": none(i.Branch), "quantity_on_hand": float64(i.OnHand), "reorder_level": float64(i.Reorder),
			"is_active": flag(i.Active),
		})
	}
	for _, p := range seeds.Prices {
		s.put("/v1/prices", map[string]any{
			"id": p.ID, "sku_code": p.SKU, "price_list": p.List, "country_code": none(p.Country), "currency_code": p.Amount.Currency, "base_price": major(p.Amount),
			"valid_from": none(p.From), "valid_to": none(p.To), "is_active": flag(p.Active),
		})
	}
	for _, r := range seeds.Rules {
		rate, _ := strconv.ParseFloat(r.Rate.String(), 64)
		s.put("/v1/tax-rules", map[string]any{
			"id": r.ID, "rule_code": r.Code, "country_code": r.Country, "tax_name": r.Name, "tax_rate": rate, "tax_mode": r.Mode, "is_active": flag(r.Active),
		})
	}
}

func (s *stand) Move(_ testing.TB, m pos.Movement) {
	s.put("/v1/inventory-movements", map[string]any{
		"id": m.ID, "movement_code": m.Code, "sku_code": m.SKU, "branch_id": m.Branch, "movement_type": string(m.Type), "quantity_delta": float64(m.Delta),
		"business_date": m.Date, "reference_type": none(m.RefType), "reference_id": none(m.RefID), "unit_cost": nil,
	})
}

func (s *stand) Posted(testing.TB) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for path, kind := range map[string]string{
		"/v1/sales-receipts": "sale", "/v1/sales-receipt-lines": "line", "/v1/sales-receipt-payments": "payment", "/v1/inventory-movements": "movement",
		"/v1/sales-returns": "return", "/v1/sales-refunds": "refund",
	} {
		out[kind] = len(s.tables[path].rows)
	}
	return out
}

// rows is a copy of what a table holds.
func (s *stand) rows(path string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []map[string]any
	for _, r := range s.tables[path].rows {
		out = append(out, maps.Clone(r))
	}
	return out
}
