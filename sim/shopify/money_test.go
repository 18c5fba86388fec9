package shopify

import (
	"encoding/json"
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// The checks here add decimal text up by themselves, apart from the simulator's own arithmetic.

func dec(t interface{ Fatalf(string, ...any) }, v any) *big.Rat {
	if v == nil {
		return new(big.Rat)
	}
	r, ok := new(big.Rat).SetString(fmt.Sprint(v))
	if !ok {
		t.Fatalf("%v is no decimal", v)
	}
	return r
}

const moneyQuery = `fragment B on MoneyBag { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
query($id: ID!) { order(id: $id) { taxesIncluded currencyCode presentmentCurrencyCode totalPriceSet { ...B } originalTotalPriceSet { ...B } currentTotalPriceSet { ...B } subtotalPriceSet { ...B }
	totalTaxSet { ...B } totalDiscountsSet { ...B } totalShippingPriceSet { ...B } totalTipReceivedSet { ...B } originalTotalDutiesSet { ...B } totalOutstandingSet { ...B } totalReceivedSet { ...B }
	taxLines { priceSet { ...B } } discountApplications(first: 10) { nodes { index } }
	lineItems(first: 50) { nodes { quantity currentQuantity originalUnitPriceSet { ...B } discountAllocations { allocatedAmountSet { ...B } } taxLines { priceSet { ...B } } } }
	shippingLines(first: 5) { nodes { originalPriceSet { ...B } discountedPriceSet { ...B } taxLines { priceSet { ...B } } discountAllocations { allocatedAmountSet { ...B } } } } } }`

// addsUp checks the line arithmetic of an order in one currency: what lines, shipping, tips and duties come to is the total.
func addsUp(t interface{ Fatalf(string, ...any) }, o any, side string) {
	money := func(v any, field string) *big.Rat { return dec(t, get(v, field+"."+side+".amount")) }
	sum := func(list any, field string) *big.Rat {
		total := new(big.Rat)
		items, _ := list.([]any)
		for _, v := range items {
			total.Add(total, money(v, field))
		}
		return total
	}
	total, tax, discount := new(big.Rat), new(big.Rat), new(big.Rat)
	subtotal := new(big.Rat)
	for _, l := range get(o, "lineItems.nodes").([]any) {
		net := new(big.Rat).Mul(money(l, "originalUnitPriceSet"), dec(t, get(l, "quantity")))
		off := sum(get(l, "discountAllocations"), "allocatedAmountSet")
		net.Sub(net, off)
		if net.Sign() < 0 {
			t.Fatalf("%s: a line is discounted below nothing: %v", side, l)
		}
		discount.Add(discount, off)
		tax.Add(tax, sum(get(l, "taxLines"), "priceSet"))
		subtotal.Add(subtotal, net)
	}
	total.Set(subtotal)
	for _, sl := range get(o, "shippingLines.nodes").([]any) {
		off := sum(get(sl, "discountAllocations"), "allocatedAmountSet")
		if got := new(big.Rat).Sub(money(sl, "originalPriceSet"), off); got.Cmp(money(sl, "discountedPriceSet")) != 0 {
			t.Fatalf("%s: shipping less discount is %s", side, got)
		}
		total.Add(total, money(sl, "discountedPriceSet"))
		tax.Add(tax, sum(get(sl, "taxLines"), "priceSet"))
		discount.Add(discount, off)
	}
	total.Add(total, money(o, "totalTipReceivedSet"))
	total.Add(total, money(o, "originalTotalDutiesSet"))
	if get(o, "taxesIncluded") != true {
		total.Add(total, tax)
	}
	for field, want := range map[string]*big.Rat{
		"totalPriceSet": total, "originalTotalPriceSet": total, "currentTotalPriceSet": total, "totalTaxSet": tax, "totalDiscountsSet": discount, "subtotalPriceSet": subtotal,
	} {
		if got := money(o, field); got.Cmp(want) != 0 {
			t.Fatalf("%s: %s is %s, the parts come to %s", side, field, got.FloatString(3), want.FloatString(3))
		}
	}
	if got := sum(get(o, "taxLines"), "priceSet"); got.Cmp(tax) != 0 {
		t.Fatalf("%s: tax lines %s, taxes %s", side, got, tax)
	}
}

func TestGeneratedOrdersAddUp(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"Pakistan, taxes included": func(*Config) {},
		"Germany, taxes included, no tax on shipping": func(c *Config) {
			c.Country, c.Currency, c.TaxRate, c.TaxName, c.ShippingTaxed, c.Rates = "DE", "EUR", "0.19", "MwSt", false, map[string]string{"JPY": "162.37", "KWD": "0.33341"}
		},
		"Emirates, taxes on top": func(c *Config) {
			c.Country, c.Currency, c.TaxRate, c.TaxName, c.TaxesExcluded, c.Rates = "AE", "AED", "0.05", "VAT", true, map[string]string{"USD": "0.27229", "OMR": "0.10483"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, change, func(c *Config) { c.BucketSize, c.InventoryPolicy = 1e9, "CONTINUE" })
			foreign, odd := 0, 0
			for _, spec := range b.Generate(42, 200) {
				p := b.must(b.PlaceOrder(spec)).(Placed)
				o := get(b.ask(moneyQuery, map[string]any{"id": p.GID}), "order")
				addsUp(t, o, "shopMoney")
				addsUp(t, o, "presentmentMoney")
				if get(o, "currencyCode") != get(o, "presentmentCurrencyCode") {
					foreign++
				}
				if len(spec.Discount) > 0 || spec.Tip != "" {
					odd++
				}
			}
			if foreign == 0 || odd < 20 {
				t.Errorf("%d in another currency, %d with discounts or tips: the mix is too plain", foreign, odd)
			}
		})
	}
}

func TestAnyOrderAddsUp(t *testing.T) {
	t.Parallel()
	shops := map[bool]*bench{}
	for _, excluded := range []bool{false, true} {
		shops[excluded] = setup(t, func(c *Config) {
			c.TaxesExcluded, c.BucketSize, c.MaxCost, c.InventoryPolicy = excluded, 1e12, 1e6, "CONTINUE"
			c.Rates["KWD"] = "0.001093"
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		b := shops[rapid.Bool().Draw(t, "taxes on top")]
		spec := OrderSpec{Buyer: &Person{Email: "a@example.com"}, Shipping: &Address{Country: "PK"}, Currency: rapid.SampledFrom([]string{"PKR", "AED", "JPY", "OMR", "KWD"}).Draw(t, "currency")}
		amount := rapid.Custom(func(t *rapid.T) string { return plain(rapid.Int64Range(0, 5_000_00).Draw(t, "amount"), "PKR") })
		percent := rapid.Custom(func(t *rapid.T) string { return rate(rapid.Int64Range(1, 1_000_000).Draw(t, "ppm")).number() })
		for range rapid.IntRange(1, 5).Draw(t, "lines") {
			l := LineSpec{SKU: rapid.SampledFrom([]string{"TEE-RED", "MUG-BLUE", "SCARF-GOLD", ""}).Draw(t, "sku"), Quantity: rapid.IntRange(1, 9).Draw(t, "quantity"), Price: amount.Draw(t, "price")}
			l.GiftCard, l.NoTax = rapid.IntRange(0, 9).Draw(t, "gift") == 0, rapid.IntRange(0, 9).Draw(t, "free") == 0
			if rapid.Bool().Draw(t, "two rates") {
				l.Rates = []TaxSpec{{"GST", percent.Draw(t, "rate")}, {"Further tax", "0.03"}}
			}
			if rapid.IntRange(0, 4).Draw(t, "duty") == 0 {
				l.Duty = amount.Draw(t, "duty amount")
			}
			spec.Lines = append(spec.Lines, l)
		}
		for range rapid.IntRange(0, 3).Draw(t, "discounts") {
			d := DiscountSpec{Code: "C", Shipping: rapid.IntRange(0, 3).Draw(t, "on shipping") == 0}
			if rapid.Bool().Draw(t, "percent") {
				d.Percent = percent.Draw(t, "percent off")
			} else {
				d.Amount = amount.Draw(t, "amount off")
			}
			if !d.Shipping && rapid.Bool().Draw(t, "line level") {
				d.Lines = []int{0}
			}
			spec.Discount = append(spec.Discount, d)
		}
		spec.ShippingPrice, spec.Tip = amount.Draw(t, "shipping"), amount.Draw(t, "tip")
		p, err := b.PlaceOrder(spec)
		if err != nil {
			t.Fatal(err)
		}
		o := get(b.ask(moneyQuery, map[string]any{"id": p.GID}), "order")
		addsUp(t, o, "shopMoney")
		addsUp(t, o, "presentmentMoney")
		b.sameAsREST(t, p, o)
	})
}

// sameAsREST holds the webhook's body against the GraphQL answer.
func (b *bench) sameAsREST(t *rapid.T, p Placed, o any) {
	_, raw, err := b.Webhook("orders/create", p.ID)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	for rest, gql := range map[string]string{
		"total_price_set": "totalPriceSet", "total_tax_set": "totalTaxSet", "total_discounts_set": "totalDiscountsSet", "current_total_price_set": "currentTotalPriceSet",
		"subtotal_price_set": "subtotalPriceSet", "total_shipping_price_set": "totalShippingPriceSet",
	} {
		for _, side := range [][2]string{{"shop_money", "shopMoney"}, {"presentment_money", "presentmentMoney"}} {
			a, z := dec(t, get(body, rest+"."+side[0]+".amount")), dec(t, get(o, gql+"."+side[1]+".amount"))
			if a.Cmp(z) != 0 || text(body, rest+"."+side[0]+".currency_code") != text(o, gql+"."+side[1]+".currencyCode") {
				t.Fatalf("%s %s: webhook %s, query %s", rest, side[0], a.FloatString(3), z.FloatString(3))
			}
		}
	}
	if text(body, "admin_graphql_api_id") != p.GID || len(get(body, "line_items").([]any)) != len(get(o, "lineItems.nodes").([]any)) {
		t.Fatalf("the webhook tells of another order")
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor                 int64
		currency, rest, asGQL string
	}{
		{149900, "PKR", "1499.00", "1499.0"},
		{1, "PKR", "0.01", "0.01"},
		{-4194, "EUR", "-41.94", "-41.94"},
		{796, "JPY", "796", "796.0"},
		{409940, "OMR", "409.940", "409.94"},
		{5, "KWD", "0.005", "0.005"},
		{0, "OMR", "0.000", "0.0"},
	} {
		if got := plain(c.minor, c.currency); got != c.rest {
			t.Errorf("REST writes %s, want %s", got, c.rest)
		}
		if got := short(c.minor, c.currency); got != c.asGQL {
			t.Errorf("GraphQL writes %s, want %s", got, c.asGQL)
		}
		if back, err := parseAmount(c.rest, c.currency); err != nil || back != c.minor {
			t.Errorf("%s reads as %d, %v", c.rest, back, err)
		}
	}
	for _, bad := range []string{"", "1e3", "1/2", "0.001", "abc", "99999999999999999999"} {
		if _, err := parseAmount(bad, "PKR"); err == nil {
			t.Errorf("%q is taken for an amount", bad)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(0, 1e9).Draw(t, "total")
		weights := rapid.SliceOfN(rapid.Int64Range(0, 1e6), 1, 8).Draw(t, "weights")
		sum, all := int64(0), int64(0)
		for i, part := range spread(total, weights) {
			sum += part
			all += weights[i]
		}
		if all > 0 && sum != total {
			t.Fatalf("parts of %d come to %d", total, sum)
		}
		n := rapid.IntRange(1, 20).Draw(t, "units")
		a, z := rapid.IntRange(0, n).Draw(t, "a"), rapid.IntRange(0, n).Draw(t, "z")
		a, z = min(a, z), max(a, z)
		b := bag{total, total / 3}
		if got := b.part(0, a, n).add(b.part(a, z, n)).add(b.part(z, n, n)); got != b {
			t.Fatalf("shares of %v come to %v", b, got)
		}
	})
}
