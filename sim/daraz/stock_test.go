package daraz

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func skuXML(fields ...string) args {
	var b strings.Builder
	for _, f := range fields {
		b.WriteString("<Sku>" + f + "</Sku>")
	}
	return args{"payload": `<?xml version="1.0" encoding="UTF-8"?><Request><Product><Skus>` + b.String() + `</Skus></Product></Request>`}
}

func TestStock(t *testing.T) {
	t.Parallel()
	const path = "/product/price_quantity/update"
	t.Run("a total covers what is promised and the rest can be sold", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.s.AddProduct("A", "", 1000, 10)
		w.order(2, func(o *OrderSpec) { o.Payment = "IPP" }) // withheld
		o := w.order(3)                                      // occupied
		check := func(real, withheld, occupied, sellable int) {
			t.Helper()
			if st := w.s.Stock("A"); st.Real != real || st.Withheld != withheld || st.Occupied != occupied || st.Sellable != sellable {
				t.Errorf("stock %+v", st)
			}
		}
		check(10, 2, 3, 5)
		r := w.want("0", w.post(path, skuXML(`<SellerSku>A</SellerSku><Quantity>7</Quantity>`)))
		if _, ok := r["data"]; ok {
			t.Errorf("a write has no data: %v", r)
		}
		check(7, 2, 3, 2)
		w.want("501", w.post(path, skuXML(`<SellerSku>A</SellerSku><Quantity>4</Quantity>`)))
		check(7, 2, 3, 2)
		w.ready(o)
		check(4, 2, 0, 2)
		w.want("0", w.post("/product/stock/sellable/update", skuXML(`<SellerSku>A</SellerSku><SellableQuantity>9</SellableQuantity>`)))
		check(11, 2, 0, 9)
		w.want("0", w.post("/product/stock/sellable/adjust", skuXML(`<SellerSku>A</SellerSku><SellableQuantity>-4</SellableQuantity>`)))
		check(7, 2, 0, 5)
		w.want("501", w.post("/product/stock/sellable/adjust", skuXML(`<SellerSku>A</SellerSku><SellableQuantity>-6</SellableQuantity>`)))
		check(7, 2, 0, 5)
	})
	t.Run("each SKU has its own verdict", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.s.AddProduct("A", "", 1000, 10)
		w.s.AddProduct("B", "", 1000, 10)
		r := w.want("501", w.post(path, skuXML(
			`<SellerSku>A</SellerSku><Quantity>3</Quantity>`,
			`<SellerSku>B</SellerSku><Quantity>-1</Quantity>`,
			`<SellerSku>a</SellerSku><Quantity>5</Quantity>`)))
		rows := list(r["detail"])
		if len(rows) != 2 || at(rows[0], "seller_sku") != "B" || at(rows[1], "seller_sku") != "a" {
			t.Errorf("detail %v", rows)
		}
		if w.s.Stock("A").Real != 3 || w.s.Stock("B").Real != 10 {
			t.Error("the good one is applied, the bad one is not")
		}
	})
	t.Run("a campaign lets stock rise and not fall", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.s.AddProduct("A", "", 1000, 10)
		w.s.Campaign("A", true, 2)
		w.want("4170", w.post(path, skuXML(`<SellerSku>A</SellerSku><Quantity>9</Quantity>`)))
		w.want("0", w.post(path, skuXML(`<SellerSku>A</SellerSku><Quantity>12</Quantity>`)))
		if st := w.s.Stock("A"); st.Sellable != 10 || st.Locked != 2 {
			t.Errorf("stock %+v", st)
		}
		w.s.Campaign("A", false, 0)
		w.want("0", w.post(path, skuXML(`<SellerSku>A</SellerSku><Quantity>9</Quantity>`)))
	})
	t.Run("bad payloads and prices", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.s.AddProduct("A", "", 1000, 10)
		for _, tc := range []struct{ fields, code string }{
			{"<Price>0</Price>", "4118"},
			{"<Price>1.005</Price>", "4104"},
			{"<Price>99.50</Price>", "0"},
			{"<Price>1099.000", "5"},
			{"<Quantity>x</Quantity>", "5"},
			{"<SalePrice>2000.00</SalePrice><SaleStartDate>2026-01-01</SaleStartDate><SaleEndDate>2026-02-01</SaleEndDate>", "4119"},
			{"<SalePrice>50.001</SalePrice>", "4121"},
			{"<SalePrice>50.00</SalePrice><SaleStartDate>2026-03-01</SaleStartDate><SaleEndDate>2026-02-01</SaleEndDate>", "4117"},
			{"<SalePrice>50.00</SalePrice><SaleStartDate>2026-01-01</SaleStartDate><SaleEndDate>2026-02-01</SaleEndDate>", "0"},
			{"<MultiWarehouseInventories><MultiWarehouseInventory><WarehouseCode>no</WarehouseCode><Quantity>1</Quantity></MultiWarehouseInventory></MultiWarehouseInventories>", "501"},
			{"<MultiWarehouseInventories><MultiWarehouseInventory><WarehouseCode>dropshipping</WarehouseCode><Quantity>8</Quantity></MultiWarehouseInventory></MultiWarehouseInventories>", "0"},
		} {
			w.want(tc.code, w.post(path, skuXML("<SellerSku>A</SellerSku>"+tc.fields)))
		}
		if st := w.s.Stock("A"); st.Price != 9950 || st.Real != 8 {
			t.Errorf("stock %+v", st)
		}
		w.want("30", w.post(path, skuXML()))
		w.want("MissingParameter", w.post(path, nil))
		var many []string
		for i := range 51 {
			many = append(many, fmt.Sprintf("<SellerSku>S%d</SellerSku><Quantity>1</Quantity>", i))
		}
		w.want("4171", w.post(path, skuXML(many...)))
	})
	t.Run("whatever happens the buckets count the units", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.s.AddProduct("A", "", 1000, 400)
		rnd := rand.New(rand.NewPCG(3, 3))
		var ids []string
		for range 60 {
			ids = append(ids, w.order(1+rnd.IntN(3), func(o *OrderSpec) {
				if rnd.IntN(3) == 0 {
					o.Payment = "MIXEDCARD"
				}
			}).ID)
		}
		for range 600 {
			o := w.view(ids[rnd.IntN(len(ids))])
			u := o.Units[rnd.IntN(len(o.Units))]
			switch rnd.IntN(8) {
			case 0:
				_ = w.s.Pay(o.ID)
			case 1:
				w.post("/order/fulfill/pack", packReq(o.ID, u.ID))
			case 2:
				w.post("/order/package/rts", packageReq("readyToShipReq", u.Package))
			case 3:
				w.post("/order/package/repack", packageReq("rePackReq", u.Package))
			case 4:
				_ = w.s.BuyerCancel("", u.ID)
			case 5:
				w.post("/order/cancel", args{"order_item_id": u.ID, "reason_id": "10"})
			case 6:
				w.s.Advance(10)
			case 7:
				_, _ = w.s.RequestReturn("", false, u.ID)
			}
			withheld, occupied := 0, 0
			for _, o := range w.s.Orders() {
				for _, u := range o.Units {
					switch held(u.Status) {
					case "withheld":
						withheld++
					case "occupied":
						occupied++
					}
				}
			}
			if st := w.s.Stock("A"); st.Withheld != withheld || st.Occupied != occupied || st.Sellable != st.Real-withheld-occupied {
				t.Fatalf("stock %+v, counted %d and %d", st, withheld, occupied)
			}
		}
	})
}
