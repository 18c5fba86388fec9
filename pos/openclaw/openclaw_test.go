package openclaw_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/pos"
	"github.com/openclaw-pos/commerce/pos/openclaw"
	"github.com/openclaw-pos/commerce/pos/postest"
)

func TestConformance(t *testing.T) {
	postest.Run(t, postest.Suite{
		Kind: openclaw.Kind, Settings: map[string]string{"base_url": "http://127.0.0.1:9/v1"}, Secrets: map[string][]string{"api_key": {key}}, Bench: newStand,
	})
}

func open(tb testing.TB, s *stand, more map[string]string) pos.Core {
	tb.Helper()
	settings := map[string]string{"base_url": s.url + "/v1/"}
	for k, v := range more {
		settings[k] = v
	}
	secret := func(string) []string { return []string{key} }
	if more["no key"] != "" {
		secret = func(string) []string { return nil }
	}
	c, err := openclaw.Kind.Open(partner.Config{Settings: settings, Secret: secret, HTTP: &http.Client{}})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestItems_that_cannot_be_taken_spoil_no_other(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, row := range []map[string]any{
		{"id": "1", "sku_code": "A", "quantity_on_hand": 1.5},
		{"id": "2", "sku_code": "B", "quantity_on_hand": "7.0", "is_active": "0"},
		{"id": "3", "quantity_on_hand": 1},
		{"sku_code": "C", "quantity_on_hand": 1},
		{"id": "5", "sku_code": "D", "quantity_on_hand": 1e300},
		{"id": "6", "sku_code": "E", "quantity_on_hand": nil},
	} {
		s.put("/v1/inventory-items", row)
	}
	page, err := open(t, s, nil).Items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []pos.Item{{ID: "6", SKU: "E", Active: true}, {ID: "2", SKU: "B", OnHand: 7}}
	if d := cmp.Diff(want, page.Rows); d != "" {
		t.Error(d)
	}
	if len(page.Problems) != 4 {
		t.Errorf("four rows cannot be taken: %+v", page.Problems)
	}
}

func TestPrices_are_read_without_the_noise_of_reals(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.put("/v1/prices", map[string]any{"id": "1", "sku_code": "A", "price_list": "r", "currency_code": "PKR", "base_price": 19.989999999999998})
	s.put("/v1/prices", map[string]any{"id": "2", "sku_code": "B", "price_list": "r", "currency_code": "RUPEE", "base_price": 1})
	s.put("/v1/prices", map[string]any{"id": "3", "sku_code": "C", "price_list": "r", "currency_code": "PKR", "base_price": -1})
	page, err := open(t, s, nil).Prices(t.Context())
	if err != nil || len(page.Rows) != 1 || page.Rows[0].Amount != money.Of(1999, "PKR") || len(page.Problems) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestTaxRules_are_fractions_or_percents_as_the_setting_says(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.put("/v1/tax-rules", map[string]any{"id": "1", "rule_code": "A", "tax_rate": 18, "tax_mode": "inclusive"})
	s.put("/v1/tax-rules", map[string]any{"id": "2", "rule_code": "B", "tax_rate": 0.05, "tax_mode": "both"})
	page, err := open(t, s, map[string]string{"tax_rate_unit": "percent"}).TaxRules(t.Context())
	if err != nil || len(page.Rows) != 1 || !page.Rows[0].Rate.Equal(money.RateOf(18, 2)) || len(page.Problems) != 1 {
		t.Errorf("percent: %+v, %v", page, err)
	}
	page, err = open(t, s, nil).TaxRules(t.Context())
	if err != nil || len(page.Rows) != 0 || len(page.Problems) != 2 {
		t.Errorf("as a fraction 18 is 1800 %%: %+v, %v", page, err)
	}
}

func movement(n string) pos.Movement {
	return pos.Movement{ID: pos.ID("movement", n), Code: "M-" + n, SKU: "A", Branch: "b", Type: pos.MoveSale, Delta: -1, Date: "2026-11-22"}
}

func TestPost_knows_its_own_document_behind_what_the_list_shows(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := open(t, s, nil)
	if err := c.PostMovement(t.Context(), movement("1")); err != nil {
		t.Fatal(err)
	}
	for n := range 400 {
		s.put("/v1/inventory-movements", map[string]any{"id": fmt.Sprint("till-", n), "movement_code": fmt.Sprint(n)})
	}
	if err := c.PostMovement(t.Context(), movement("1")); err != nil {
		t.Errorf("posted before, and 400 rows back: %v", err)
	}
	taken := movement("2")
	taken.Code = "M-1"
	if err := c.PostMovement(t.Context(), taken); !fault.Is(err, fault.OutcomeUnknown) || fault.CodeOf(err) != "not_shown" {
		t.Errorf("its number is taken by a row that is not shown: %v, and should wait for a person", err)
	}
}

func TestPost_without_the_right_key_is_unauthorized(t *testing.T) {
	t.Parallel()
	s := start(t)
	if err := open(t, s, map[string]string{"no key": "yes"}).PostMovement(t.Context(), movement("1")); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("%v", err)
	}
}

func TestPost_refused_for_good_says_so(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := open(t, s, nil)
	if err := c.PostMovement(t.Context(), movement("1")); err != nil {
		t.Fatal(err)
	}
	twin := movement("2")
	twin.Code = "M-1"
	if err := c.PostMovement(t.Context(), twin); !fault.Is(err, fault.Refused) {
		t.Errorf("its number is on another movement: %v", err)
	}
}

func TestPost_is_no_conflict_when_people_moved_its_status_on(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := open(t, s, nil)
	r := pos.Return{ID: pos.ID("return", "1"), Number: "R-1", Branch: "b", Currency: "PKR", Date: "2026-11-22", Status: "initiated", Total: money.Of(100, "PKR")}
	if err := c.PostReturn(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.tables["/v1/sales-returns"].rows[0]["return_status"] = "approved"
	s.mu.Unlock()
	if err := c.PostReturn(t.Context(), r); err != nil {
		t.Errorf("%v", err)
	}
}

func TestPostReturn_leaves_the_stock_to_the_movement(t *testing.T) {
	t.Parallel()
	s := start(t)
	r := pos.Return{
		ID: pos.ID("return", "1"), Number: "R-1", Branch: "b", Currency: "OMR", Date: "2026-11-22", Status: "approved", Total: money.Of(409940, "OMR"),
		Lines: []pos.SaleLine{{ID: pos.ID("line", "1"), SKU: "A", Quantity: 2, UnitPrice: money.Of(204970, "OMR"), Total: money.Of(409940, "OMR")}},
	}
	if err := open(t, s, nil).PostReturn(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	row := s.rows("/v1/sales-return-lines")[0]
	if row["restock_to_inventory"] != 0.0 || row["line_total"] != 409.94 || row["unit_price"] != 204.97 {
		t.Errorf("%v", row)
	}
}

func TestOpen_wants_an_address(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "pos", "ftp://pos/v1", "://"} {
		if _, err := openclaw.Kind.Open(partner.Config{Settings: map[string]string{"base_url": bad}}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

type canned string

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(c)))}, nil
}

func FuzzLists(f *testing.F) {
	for _, seed := range []string{
		`{"ok":true,"items":[{"id":"1","sku_code":"A","quantity_on_hand":1e2,"base_price":19.99,"currency_code":"PKR","tax_rate":0.18,"tax_mode":"inclusive","unit_type":"branch"}]}`,
		`{"ok":true,"items":[{"id":1,"quantity_on_hand":"1/3"},null,{"id":[]}]}`, `{"ok":true,"items":null}`, `{"ok":false,"error":"x"}`, `{"items":[{}]}`,
		`{"ok":true,"items":[{"id":"1","sku_code":"A","branch_id":"b","quantity_delta":1e999999999,"movement_type":"sale"}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c, err := openclaw.Kind.Open(partner.Config{Settings: map[string]string{"base_url": "http://pos/v1"}, HTTP: &http.Client{Transport: canned(body)}})
		if err != nil {
			t.Fatal(err)
		}
		_, units := c.OrgUnits(t.Context())
		_, items := c.Items(t.Context())
		_, prices := c.Prices(t.Context())
		_, rules := c.TaxRules(t.Context())
		_, moves := c.Movements(t.Context(), "x")
		for _, err := range []error{units, items, prices, rules, moves} {
			if err != nil && fault.KindOf(err) == fault.Internal {
				t.Errorf("nobody gave a kind to %v", err)
			}
		}
	})
}
