package daraz

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func stockUp(s *Shop, n int) {
	for i := range n {
		s.AddProduct(fmt.Sprintf("SKU-%03d", i), "", int64(19900+i*3107), 5000)
		if i%7 == 0 {
			s.Central(fmt.Sprintf("SKU-%03d", i), 500)
		}
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	for _, venture := range []string{"pk", "bd", "lk", "np", "mm"} {
		t.Run("what is generated adds up on the wire in "+venture, func(t *testing.T) {
			t.Parallel()
			w := setup(t, func(c *Config) { c.Venture = venture })
			stockUp(w.s, 30)
			cash, central, repeated := 0, 0, 0
			specs := w.s.Generate(11, 120)
			for _, spec := range specs {
				id, err := w.s.PlaceOrder(spec)
				if err != nil {
					t.Fatal(err)
				}
				order := at(w.want("0", w.get("/order/get", args{"order_id": id})), "data")
				rows := list(at(w.want("0", w.get("/order/items/get", args{"order_id": id})), "data"))
				if text(at(order, "items_count")) != fmt.Sprint(len(rows)) {
					t.Errorf("items_count %v, %d rows", at(order, "items_count"), len(rows))
				}
				if at(order, "payment_method") == "COD" {
					cash++
				}
				seen := map[string]bool{}
				for _, r := range rows {
					if at(r, "shipping_type") == "Own Warehouse" {
						central++
					}
					if sku := text(at(r, "sku")); seen[sku] {
						repeated++
					} else {
						seen[sku] = true
					}
				}
				invariants(t, order, rows)
			}
			if cash < 85 || cash > 115 || central == 0 || repeated == 0 {
				t.Errorf("%d cash on delivery of 120, %d from Daraz's warehouse, %d repeated units", cash, central, repeated)
			}
		})
	}
	t.Run("one seed makes one set of orders", func(t *testing.T) {
		t.Parallel()
		one, two := setup(t), setup(t)
		stockUp(one.s, 10)
		stockUp(two.s, 10)
		if a, b := fmt.Sprint(one.s.Generate(5, 20)), fmt.Sprint(two.s.Generate(5, 20)); a != b {
			t.Error("they differ")
		}
		if len(setup(t).s.Generate(1, 5)) != 0 {
			t.Error("orders without listings")
		}
	})
}

// invariants are the fixture invariants of channel-daraz §1.5, read off the wire with all its untidiness.
func invariants(t *testing.T, order any, rows []any) {
	t.Helper()
	money := func(v any) int64 {
		t.Helper()
		n, ok := minor(strings.ReplaceAll(text(v), ",", ""))
		if !ok {
			t.Fatalf("%v is no amount", v)
		}
		return n
	}
	sum := func(field string) int64 {
		var n int64
		for _, r := range rows {
			n += money(at(r, field))
		}
		return n
	}
	for field, want := range map[string]int64{
		"item_price": money(at(order, "price")), "voucher_amount": money(at(order, "voucher")),
		"voucher_seller": money(at(order, "voucher_seller")), "voucher_platform": money(at(order, "voucher_platform")),
		"paid_price":      money(at(order, "price")) - money(at(order, "voucher")),
		"shipping_amount": money(at(order, "shipping_fee")), "shipping_fee_original": money(at(order, "shipping_fee_original")),
	} {
		if got := sum(field); got != want {
			t.Errorf("sum of %s is %d, the order says %d", field, got, want)
		}
	}
	for _, r := range rows {
		if money(at(r, "paid_price")) != money(at(r, "item_price"))-money(at(r, "voucher_amount")) || money(at(r, "paid_price")) < 0 {
			t.Errorf("row %v", r)
		}
	}
	if discounts := money(at(order, "shipping_fee_discount_seller")) + money(at(order, "shipping_fee_discount_platform")); money(at(order, "shipping_fee")) != money(at(order, "shipping_fee_original"))-discounts {
		t.Errorf("shipping %v", order)
	}
}

func TestMarket(t *testing.T) {
	t.Parallel()
	t.Run("buyers, a seller and couriers at the same time", func(t *testing.T) {
		t.Parallel()
		e := &ear{}
		w := listen(t, e)
		stockUp(w.s, 5)
		var all sync.WaitGroup
		for g := range 4 {
			all.Go(func() {
				for _, spec := range w.s.Generate(uint64(g), 15) {
					id, err := w.s.PlaceOrder(spec)
					if err != nil {
						t.Error(err)
						return
					}
					v, _ := w.s.OrderView(id)
					w.post("/order/fulfill/pack", packReq(id, v.ids()...))
					v, _ = w.s.OrderView(id)
					for _, u := range v.Units {
						w.post("/order/package/rts", packageReq("readyToShipReq", u.Package))
					}
					w.get("/orders/get", args{"update_after": "2026-01-01T00:00:00Z"})
				}
			})
		}
		all.Go(func() {
			for range 30 {
				w.s.Advance(20)
			}
		})
		all.Wait()
		for w.s.Advance(0) > 0 {
		}
		w.idle()
		for _, o := range w.s.Orders() {
			for _, u := range o.Units {
				switch u.Status {
				case delivered, backSuccess, unpaid:
				default:
					t.Errorf("unit %s stays %s", u.ID, u.Status)
				}
			}
		}
	})
	t.Run("three hundred buyers race for forty units", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.s.AddProduct("A", "", 100, 40)
		var all sync.WaitGroup
		var mu sync.Mutex
		sold := 0
		for range 300 {
			all.Go(func() {
				_, err := w.s.PlaceOrder(OrderSpec{Items: []ItemSpec{{SKU: "A"}}})
				switch {
				case err == nil:
					mu.Lock()
					sold++
					mu.Unlock()
				case !errors.Is(err, ErrSoldOut):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if st := w.s.Stock("A"); sold != 40 || st.Sellable != 0 || st.Occupied != 40 {
			t.Errorf("sold %d, stock %+v", sold, st)
		}
	})
}
