package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/commerce/company"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// till is a stand-in for openclaw-pos: lists show the newest rows only, numbers are real numbers.
type till struct {
	mu    sync.Mutex
	down  bool
	lists map[string][]map[string]any // oldest first
	asked func(path string)
}

var tillShows = map[string]int{"/v1/org-units": 200, "/v1/inventory-items": 200, "/v1/prices": 200, "/v1/inventory-movements": 300}

func (s *till) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked != nil {
		s.asked(r.URL.Path)
	}
	if s.down {
		http.Error(w, "error code: 1101", http.StatusInternalServerError)
		return
	}
	items := slices.Clone(s.lists[r.URL.Path])
	slices.Reverse(items)
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "items": append([]map[string]any{}, items[:min(len(items), tillShows[r.URL.Path])]...)})
}

func (s *till) put(list string, row map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists["/v1/"+list] = append(s.lists["/v1/"+list], row)
}

func (s *till) unit(id, kind, code, parent, country string) {
	s.put("org-units", map[string]any{"id": id, "unit_type": kind, "code": code, "name": "Unit " + code, "parent_id": parent, "country_code": country, "is_active": 1})
}

func (s *till) item(sku, branch string, onHand float64) {
	s.put("inventory-items", map[string]any{"id": sku + "@" + branch, "sku_code": sku, "item_name": "Item " + sku, "uom": "pcs", "branch_id": branch, "quantity_on_hand": onHand, "is_active": 1})
}

// move changes stock as a till does: a movement, and the item's quantity with it.
func (s *till) move(id, sku, branch string, delta float64) {
	s.put("inventory-movements", map[string]any{
		"id": id, "movement_code": "M-" + id, "sku_code": sku, "branch_id": branch, "movement_type": "sale", "quantity_delta": delta, "business_date": "2026-11-22",
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range s.lists["/v1/inventory-items"] {
		if it["sku_code"] == sku && it["branch_id"] == branch {
			it["quantity_on_hand"] = it["quantity_on_hand"].(float64) + delta
		}
	}
}

// withTill runs a story in a house behind whose shops stands a POS core with a country, a branch and a warehouse.
func withTill(t *testing.T, story func(h *house, s *till)) {
	t.Helper()
	tills := map[string]*till{}
	var mu sync.Mutex
	each(t, func(h *house) {
		mu.Lock()
		s := tills[h.Config.Data]
		mu.Unlock()
		story(h, s)
	}, func(c *app.Config) {
		s := &till{lists: map[string][]map[string]any{}}
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		s.unit("u-pk", "country", "PK-HO", "", "PK")
		s.unit("u-khi", "branch", "KHI-1", "u-pk", "")
		s.unit("u-wh", "warehouse", "WH", "u-pk", "PK") // a code that is known here already
		s.unit("u-t1", "till", "T1", "u-khi", "")
		s.item("SHIRT-M", "u-khi", 4)
		s.item("TEA-1", "u-khi", 7)
		c.POS = app.POS{Name: "openclaw", URL: server.URL + "/v1"}
		mu.Lock()
		tills[c.Data] = s
		mu.Unlock()
	})
}

func (h *house) sync(o company.Options) company.Report {
	h.Helper()
	return must[company.Report](h)(h.Company.Sync(h.Context(), o))
}

func (h *house) at(code string) inventory.Location {
	h.Helper()
	return read(h, func(tx *db.Tx) (inventory.Location, error) { return h.Inventory.LocationByCode(tx, code) })
}

// there is what is on hand of a SKU at a place.
func (h *house) there(sku, code string) int64 {
	h.Helper()
	return one[int64](h, `select coalesce(sum(s.on_hand), 0) from stock_levels s join variants v on v.id = s.variant_id join locations l on l.id = s.location_id
		where v.sku = $1 and l.code = $2 and s.condition = 'sellable'`, sku, code)
}

func TestCore(t *testing.T) {
	t.Parallel()
	t.Run("the built-in one shows our own branches and warehouses", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			r := h.sync(company.Options{})
			same(h, company.Report{Core: "embedded", Units: 2}, r)
			st := read(h, h.Company.Show)
			same(h, []string{"PK", "WH"}, []string{st.Units[0].Code, st.Units[1].Code})
			same(h, h.warehouse, st.Units[1].Location)
		})
	})
	t.Run("branches and warehouses become locations, items stock, and a repeat changes nothing", func(t *testing.T) {
		t.Parallel()
		withTill(t, func(h *house, s *till) {
			s.put("prices", map[string]any{"id": "p1", "sku_code": "TEA-1", "price_list": "retail", "country_code": "PK", "currency_code": "PKR", "base_price": 19.989999999999998, "is_active": 1})
			s.put("prices", map[string]any{"id": "p2", "sku_code": "TEA-1", "price_list": "wholesale", "country_code": "PK", "currency_code": "PKR", "base_price": 5, "is_active": 1})
			r := h.sync(company.Options{})
			same(h, company.Report{Core: "openclaw", Units: 4, Places: 2, Products: 1, Opened: 2, Prices: 1}, r)
			l := h.at("KHI-1")
			same(h, []any{"branch", h.entity, "PK", "Asia/Karachi", true, true}, []any{l.Kind, l.LegalEntity, l.Country, l.Zone, l.Active, l.Fulfils})
			same(h, []any{h.warehouse, "Lahore", "Unit WH"}, []any{h.at("WH").ID, h.at("WH").City, h.at("WH").Name})
			same(h, []int64{4, 7, 10}, []int64{h.there("SHIRT-M", "KHI-1"), h.there("TEA-1", "KHI-1"), h.there("SHIRT-M", "WH")})
			same(h, int64(1999), one[int64](h, `select p.amount from prices p join variants v on v.id = p.variant_id where v.sku = 'TEA-1'`))
			moves := one[int64](h, `select count(*) from stock_movements`)
			same(h, company.Report{Core: "openclaw", Units: 4, Prices: 1}, h.sync(company.Options{}))
			same(h, []int64{moves, 1}, []int64{one[int64](h, `select count(*) from stock_movements`), one[int64](h, `select count(*) from prices p join variants v on v.id = p.variant_id where v.sku = 'TEA-1'`)})
			h.sound()
		})
	})
	t.Run("a sale at the till is a fact, and takes stock from the order that came last", func(t *testing.T) {
		t.Parallel()
		withTill(t, func(h *house, s *till) {
			s.item("COAT", "u-khi", 2)
			s.move("m1", "COAT", "u-khi", -1) // before the first reading: it is in the item
			h.sync(company.Options{})
			o := h.buy("COAT", 1, 250000, false)
			same(h, []int64{1, 1}, []int64{h.there("COAT", "KHI-1"), h.reserved("COAT")})
			s.move("m2", "COAT", "u-khi", -1)
			same(h, 1, h.sync(company.Options{}).Movements)
			same(h, 0, h.sync(company.Options{}).Movements)
			h.drain()
			same(h, []int64{0, 0, 1}, []int64{h.there("COAT", "KHI-1"), h.reserved("COAT"), one[int64](h, `select count(*) from shortages where order_id = $1 and closed_at is null`, o.ID)})
			h.sound()
		})
	})
	t.Run("what moves while it is read is taken once", func(t *testing.T) {
		t.Parallel()
		withTill(t, func(h *house, s *till) {
			n := 0
			s.asked = func(path string) {
				if path == "/v1/inventory-items" {
					if n++; n == 1 { // just before this answer
						s.lists["/v1/inventory-movements"] = append(s.lists["/v1/inventory-movements"], map[string]any{
							"id": "m1", "movement_code": "M1", "sku_code": "TEA-1", "branch_id": "u-khi", "movement_type": "sale", "quantity_delta": -2.0, "business_date": "2026-11-22",
						})
						s.lists["/v1/inventory-items"][1]["quantity_on_hand"] = 5.0
					}
				}
			}
			same(h, 1, h.sync(company.Options{}).Opened)
			h.sync(company.Options{})
			h.sync(company.Options{})
			same(h, []int64{5, 4}, []int64{h.there("TEA-1", "KHI-1"), h.there("SHIRT-M", "KHI-1")})
			h.sound()
		})
	})
	t.Run("a unit that disappears is closed, and open again when it is back", func(t *testing.T) {
		t.Parallel()
		withTill(t, func(h *house, s *till) {
			h.sync(company.Options{})
			all := s.lists["/v1/org-units"]
			s.mu.Lock()
			s.lists["/v1/org-units"] = slices.Concat(all[:1], all[2:])
			s.mu.Unlock()
			same(h, 1, h.sync(company.Options{}).Closed)
			same(h, false, h.at("KHI-1").Active)
			same(h, int64(4), h.there("SHIRT-M", "KHI-1"))

			s.mu.Lock()
			s.lists["/v1/org-units"] = nil
			s.mu.Unlock()
			_, err := h.Company.Sync(t.Context(), company.Options{})
			refused(h, fault.Unavailable, err)
			same(h, true, h.at("WH").Active)

			s.mu.Lock()
			s.lists["/v1/org-units"] = all
			s.mu.Unlock()
			h.sync(company.Options{})
			same(h, true, h.at("KHI-1").Active)
		})
	})
	t.Run("what a list that is cut does not show is not gone", func(t *testing.T) {
		t.Parallel()
		withTill(t, func(h *house, s *till) {
			h.sync(company.Options{})
			for i := range 220 {
				s.unit(fmt.Sprint("u-x", i), "till", fmt.Sprint("X", i), "u-pk", "")
			}
			same(h, 0, h.sync(company.Options{}).Closed)
			same(h, true, h.at("KHI-1").Active)
		})
	})
	t.Run("a lost link is noted, and the next reading goes on", func(t *testing.T) {
		t.Parallel()
		withTill(t, func(h *house, s *till) {
			h.sync(company.Options{})
			s.mu.Lock()
			s.down = true
			s.mu.Unlock()
			_, err := h.Company.Sync(t.Context(), company.Options{})
			refused(h, fault.Unavailable, err)
			same(h, []any{false, true}, []any{read(h, h.Company.Show).Readings[0].FailedAt.IsZero(), h.at("KHI-1").Active})
			s.mu.Lock()
			s.down = false
			s.mu.Unlock()
			s.move("m1", "TEA-1", "u-khi", -3)
			same(h, 1, h.sync(company.Options{}).Movements)
			same(h, []any{int64(4), true}, []any{h.there("TEA-1", "KHI-1"), read(h, h.Company.Show).Readings[0].FailedAt.IsZero()})
		})
	})
	t.Run("movements that are lost make the stock stale until it is counted", func(t *testing.T) {
		t.Parallel()
		withTill(t, func(h *house, s *till) {
			s.move("m0", "TEA-1", "u-khi", -1)
			h.sync(company.Options{})
			for i := range 320 {
				s.move(fmt.Sprintf("n%03d", i), "TEA-1", "u-khi", -1)
			}
			same(h, true, h.sync(company.Options{}).Stale)
			same(h, int64(1), one[int64](h, `select count(*) from exceptions where cause = 'stale_location' and resolved_at is null`))
			s.mu.Lock()
			for _, it := range s.lists["/v1/inventory-items"] {
				it["quantity_on_hand"] = 12.0
			}
			s.mu.Unlock()
			r := h.sync(company.Options{Recount: true, Actor: "clerk"})
			same(h, []any{false, 2}, []any{r.Stale, r.Counted})
			same(h, []int64{12, 0}, []int64{h.there("TEA-1", "KHI-1"), one[int64](h, `select count(*) from exceptions where cause = 'stale_location' and resolved_at is null`)})
			h.sound()
		})
	})
	t.Run("two readings at once are one", func(t *testing.T) {
		t.Parallel()
		withTill(t, func(h *house, s *till) {
			s.move("m0", "TEA-1", "u-khi", -1)
			h.sync(company.Options{})
			s.move("m1", "TEA-1", "u-khi", -2)
			var g sync.WaitGroup
			for range 4 {
				g.Go(func() {
					if _, err := h.Company.Sync(h.Context(), company.Options{}); err != nil && !fault.Is(err, fault.Conflict) {
						h.Error(err)
					}
				})
			}
			g.Wait()
			same(h, int64(4), h.there("TEA-1", "KHI-1"))
			h.sound()
		})
	})
	t.Run("a country without a company is a problem, not a location", func(t *testing.T) {
		t.Parallel()
		withTill(t, func(h *house, s *till) {
			s.unit("u-ae", "branch", "DXB-1", "", "AE")
			r := h.sync(company.Options{})
			same(h, []any{1, 2}, []any{r.Problems, r.Places})
			for _, u := range read(h, h.Company.Show).Units {
				if u.Code == "DXB-1" && (u.Problem == "" || u.Location != "") {
					h.Errorf("it is %+v", u)
				}
			}
		})
	})
}
