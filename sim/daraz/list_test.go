package daraz

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestOrderList(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		params args
		code   string
	}{
		"without a lower bound":      {args{}, "18"},
		"with an upper bound only":   {args{"update_before": "2026-01-01T00:00:00Z"}, "18"},
		"a date without its offset":  {args{"created_after": "2026-01-01T00:00:00"}, "17"},
		"a plus sent as a space":     {args{"created_after": "2026-01-01T00:00:00 05:00"}, "17"},
		"a date with a plain offset": {args{"created_after": "2026-01-01T00:00:00+0500"}, "0"},
		"an unknown status":          {args{"created_after": "2026-01-01T00:00:00Z", "status": "nice"}, "36"},
		"a page of zero":             {args{"created_after": "2026-01-01T00:00:00Z", "limit": "0"}, "19"},
		"a page above a hundred":     {args{"created_after": "2026-01-01T00:00:00Z", "limit": "101"}, "19"},
		"an offset past the ceiling": {args{"created_after": "2026-01-01T00:00:00Z", "offset": "5001"}, "14"},
		"an unknown order":           {args{"created_after": "2026-01-01T00:00:00Z", "sort_by": "price"}, "75"},
		"an unknown direction":       {args{"created_after": "2026-01-01T00:00:00Z", "sort_direction": "UP"}, "74"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.want(tc.code, w.get("/orders/get", tc.params))
		})
	}
	t.Run("reading on past the ceiling from the last update time misses none", func(t *testing.T) {
		t.Parallel()
		w := setup(t, plain, func(c *Config) { c.Orders.OffsetCeiling = 20 })
		w.s.AddProduct("A", "", 1000, 1000)
		want := map[string]bool{}
		for range 95 {
			want[w.order(1).ID] = true
			w.clock.add(time.Second)
		}
		after, offset, pages := "2026-03-16T09:00:00Z", 0, 0
		for {
			params := args{"update_after": after, "sort_by": "updated_at", "sort_direction": "ASC", "limit": "10", "offset": fmt.Sprint(offset)}
			orders := list(at(w.want("0", w.get("/orders/get", params)), "data", "orders"))
			for _, o := range orders {
				delete(want, text(at(o, "order_id")))
			}
			if len(orders) < 10 {
				break
			}
			if offset += 10; offset > 20 {
				after, offset = text(at(orders[9], "updated_at")), 0
			}
			if pages++; pages > 30 {
				t.Fatal("no end")
			}
		}
		if len(want) != 0 {
			t.Errorf("missed %d orders", len(want))
		}
	})
	t.Run("status, bounds and totals", func(t *testing.T) {
		t.Parallel()
		w := setup(t, plain)
		first := w.order(2)
		w.clock.add(time.Minute)
		second := w.order(1)
		if err := w.s.BuyerCancel("", first.Units[0].ID); err != nil {
			t.Fatal(err)
		}
		r := w.want("0", w.get("/orders/get", args{"update_after": "2026-03-16T09:00:30Z", "status": "canceled"}))
		if text(at(r, "data", "orders", 0, "order_id")) != first.ID || text(at(r, "data", "countTotal")) != "1" {
			t.Errorf("cancelled: %v", r)
		}
		if got := fmt.Sprint(at(r, "data", "orders", 0, "statuses")); got != "[canceled pending]" {
			t.Errorf("statuses %s", got)
		}
		r = w.want("0", w.get("/orders/get", args{"created_after": "2026-03-16T09:00:00Z", "created_before": "2026-03-16T09:00:59Z"}))
		if text(at(r, "data", "count")) != "1" || text(at(r, "data", "orders", 0, "order_id")) != first.ID {
			t.Errorf("created in the first minute: %v", r)
		}
		r = w.want("0", w.get("/orders/get", args{"created_after": "2026-03-16T09:00:00Z", "limit": "1"}))
		if text(at(r, "data", "countTotal")) != "2" || text(at(r, "data", "orders", 0, "order_id")) != second.ID {
			t.Errorf("newest first by default: %v", r)
		}
	})
	t.Run("the other spelling of limit is ignored", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(c *Config) { c.Orders.LimitParam = "limt" })
		w.order(1)
		w.order(1)
		for param, n := range map[string]int{"limit": 2, "limt": 1} {
			r := w.want("0", w.get("/orders/get", args{"created_after": "2026-01-01T00:00:00Z", param: "1"}))
			if got := len(list(at(r, "data", "orders"))); got != n {
				t.Errorf("%s=1 gives %d orders, want %d", param, got, n)
			}
		}
	})
}

func TestOrderRead(t *testing.T) {
	t.Parallel()
	t.Run("items come in batches up to the cap", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(c *Config) { c.Orders.ItemsBatch = 2 })
		a, b, c := w.order(3).ID, w.order(1).ID, w.order(1).ID
		r := w.want("0", w.get("/orders/items/get", args{"order_ids": "[" + a + "," + b + "]"}))
		if n := len(list(at(r, "data", 0, "order_items"))); n != 3 || text(at(r, "data", 0, "order_id")) != a {
			t.Errorf("first order: %d rows", n)
		}
		w.want("38", w.get("/orders/items/get", args{"order_ids": "[" + strings.Join([]string{a, b, c}, ",") + "]"}))
		w.want("56", w.get("/orders/items/get", args{"order_ids": a}))
		w.want("37", w.get("/orders/items/get", args{"order_ids": "[1]"}))
	})
	t.Run("one basket over two shops has one id and two orders", func(t *testing.T) {
		t.Parallel()
		w := setup(t, plain, func(c *Config) { c.Sellers = []Seller{{ID: "1"}, {ID: "2"}} })
		one := w.order(1)
		other := w.m.Shop("2")
		other.AddProduct("B", "", 700, 5)
		if _, err := other.PlaceOrder(OrderSpec{ID: one.ID, Items: []ItemSpec{{SKU: "B"}}}); err != nil {
			t.Fatal(err)
		}
		second, err := other.PlaceOrder(OrderSpec{Items: []ItemSpec{{SKU: "B"}}})
		if err != nil {
			t.Fatal(err)
		}
		w.want("16", w.get("/order/get", args{"order_id": second}))
		if r := w.want("0", w.get("/order/get", args{"order_id": one.ID})); text(at(r, "data", "price")) != "1250.00" {
			t.Errorf("first shop: %v", r)
		}
		w.token = other.Grant().Access
		if r := w.want("0", w.get("/order/get", args{"order_id": one.ID})); text(at(r, "data", "price")) != "7.00" {
			t.Errorf("second shop: %v", r)
		}
	})
	t.Run("three encodings of a time appear", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		shapes := map[string]*regexp.Regexp{
			"iso": regexp.MustCompile(`^2026-03-16T14:00:00\+05:00$`), "spaced": regexp.MustCompile(`^2026-03-16 14:00:00 \+0500$`), "ms": regexp.MustCompile(`^1773651600000$`),
		}
		seen := map[string]int{}
		for range 30 {
			r := w.want("0", w.get("/order/get", args{"order_id": w.order(1).ID}))
			for name, re := range shapes {
				if re.MatchString(text(at(r, "data", "created_at"))) {
					seen[name]++
				}
			}
		}
		if len(seen) != 3 {
			t.Errorf("saw %v", seen)
		}
	})
	t.Run("an order reads the same twice and its ids pass no float", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		o := w.order(2)
		a, _ := json.Marshal(w.get("/order/items/get", args{"order_id": o.ID})["data"])
		b, _ := json.Marshal(w.get("/order/items/get", args{"order_id": o.ID})["data"])
		if string(a) != string(b) {
			t.Errorf("%s\n%s", a, b)
		}
		if !strings.Contains(string(a), o.Units[1].ID) || len(o.ID) < 17 {
			t.Errorf("ids: %s", a)
		}
	})
	t.Run("what an app may not see is masked", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(c *Config) { c.Orders.Masked = true })
		r := w.want("0", w.get("/order/get", args{"order_id": w.order(1).ID}))
		if got := text(at(r, "data", "address_shipping", "phone")); got != "9****67" {
			t.Errorf("phone %s", got)
		}
	})
	t.Run("the shop front sells no more than it has", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.s.AddProduct("A", "", 100, 2)
		w.order(2)
		if _, err := w.s.PlaceOrder(OrderSpec{Items: []ItemSpec{{SKU: "A"}}}); !errors.Is(err, ErrSoldOut) {
			t.Errorf("error %v", err)
		}
		w.order(1, func(o *OrderSpec) { o.Oversell = true })
	})
}

func TestListing(t *testing.T) {
	t.Parallel()
	w := setup(t, plain)
	w.s.AddProduct("A", "shop-A", 125000, 10)
	w.s.AddProduct("B", "", 5000, 0)
	w.order(3)
	r := w.want("0", w.get("/products/get", args{"filter": "live", "limit": "50", "options": "1", "sku_seller_list": `["A"]`}))
	sku := at(r, "data", "products", 0, "skus", 0)
	if text(at(r, "data", "total_products")) != "1" || text(at(sku, "quantity")) != "10" || text(at(sku, "Available")) != "7" || at(sku, "ShopSku") != "shop-A" {
		t.Errorf("listing: %v", r)
	}
	var images []string
	if err := json.Unmarshal([]byte(text(at(r, "data", "products", 0, "images"))), &images); err != nil || len(images) != 1 {
		t.Errorf("images hold an array in a string: %v", err)
	}
	item := text(at(r, "data", "products", 0, "item_id"))
	w.want("0", w.get("/product/item/get", args{"item_id": item}))
	w.want("19", w.get("/products/get", args{"limit": "51"}))
	if r := w.want("0", w.get("/products/get", args{"filter": "sold-out"})); text(at(r, "data", "products", 0, "skus", 0, "SellerSku")) != "B" {
		t.Errorf("sold out: %v", r)
	}
	w.want("0", w.post("/product/deactivate", args{"apiRequestBody": `{"itemId":` + item + `,"skus":["A"]}`}))
	if r := w.want("0", w.get("/products/get", args{"filter": "inactive"})); text(at(r, "data", "products", 0, "skus", 0, "SellerSku")) != "A" {
		t.Errorf("inactive: %v", r)
	}
}
