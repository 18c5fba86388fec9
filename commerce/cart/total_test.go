package cart

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db/migrate"
)

func rate(t interface{ Fatal(...any) }, text string) money.Rate {
	r, err := money.ParseRate(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTotal(t *testing.T) {
	t.Parallel()
	over := money.Of(10000, "AED")
	ship := &Delivery{Code: "std", Name: "Standard", Price: money.Of(1500, "AED"), FreeOver: &over}
	fils25 := func(a money.Amount) (money.Amount, money.Amount, error) { return a.CashRound(25, money.HalfUp) }
	for _, c := range []struct {
		name  string
		rules Rules
		lines []Line
		ship  *Delivery
		cash  bool
		want  string // goods, tax, delivery, rounding, total
	}{
		{
			"prices contain the tax",
			Rules{TaxMode: channel.TaxInclusive, Rate: rate(t, "0.05")},
			[]Line{{Quantity: 2, Price: money.Of(1050, "AED")}},
			nil, false,
			"21.00 1.00 - 0.00 21.00",
		},
		{
			"the tax comes on top, also on delivery",
			Rules{TaxMode: channel.TaxExclusive, Rate: rate(t, "0.05")},
			[]Line{{Quantity: 2, Price: money.Of(1050, "AED")}},
			ship, false,
			"22.05 1.80 15.75 0.00 37.80",
		},
		{"no tax at all", Rules{TaxMode: channel.TaxNone, Rate: rate(t, "0.05")}, []Line{{Quantity: 1, Price: money.Of(999, "AED")}}, ship, false, "9.99 0.00 15.00 0.00 24.99"},
		{"delivery is free from a sum on", Rules{TaxMode: channel.TaxInclusive, Rate: rate(t, "0.05")}, []Line{{Quantity: 1, Price: over}}, ship, false, "100.00 4.76 0.00 0.00 100.00"},
		{
			"cash at the door is rounded to coins, and the tax stays as it was",
			Rules{TaxMode: channel.TaxInclusive, Rate: rate(t, "0.05"), CashRound: fils25},
			[]Line{{Quantity: 1, Price: money.Of(1063, "AED")}},
			nil, true, "10.63 0.51 - 0.12 10.75",
		},
		{
			"a card is not rounded",
			Rules{TaxMode: channel.TaxInclusive, Rate: rate(t, "0.05"), CashRound: fils25},
			[]Line{{Quantity: 1, Price: money.Of(1063, "AED")}},
			nil, false,
			"10.63 0.51 - 0.00 10.63",
		},
		{
			"tax rounded line by line",
			Rules{TaxMode: channel.TaxExclusive, Rate: rate(t, "0.05")},
			[]Line{{Variant: "a", Quantity: 1, Price: money.Of(9, "AED")}, {Variant: "b", Quantity: 1, Price: money.Of(9, "AED")}},
			nil, false, "0.18 0.00 - 0.00 0.18",
		},
		{
			"tax rounded once for the bill",
			Rules{TaxMode: channel.TaxExclusive, Rate: rate(t, "0.05"), Bill: true},
			[]Line{{Variant: "a", Quantity: 1, Price: money.Of(9, "AED")}, {Variant: "b", Quantity: 1, Price: money.Of(9, "AED")}},
			nil, false, "0.19 0.01 - 0.00 0.19",
		},
		{"an empty cart", Rules{TaxMode: channel.TaxInclusive, Rate: rate(t, "0.05"), Bill: true}, []Line{}, nil, true, "0.00 0.00 - 0.00 0.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rates := map[string]money.Rate{}
			for _, l := range c.lines {
				rates[l.Variant] = c.rules.Rate
			}
			got, err := total(c.lines, rates, c.ship, "en", c.rules, c.cash, "AED")
			if err != nil {
				t.Fatal(err)
			}
			delivery := "-"
			if got.Delivery != nil {
				delivery = got.Delivery.Total.Decimal()
			}
			text := strings.Join([]string{got.Goods.Decimal(), got.Tax.Decimal(), delivery, got.Rounding.Decimal(), got.Total.Decimal()}, " ")
			if diff := cmp.Diff(c.want, text); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("an amount that cannot be is refused", func(t *testing.T) {
		t.Parallel()
		_, err := total([]Line{{Quantity: MaxQuantity, Price: money.Of(1<<60, "AED")}}, nil, nil, "en", Rules{TaxMode: channel.TaxInclusive}, false, "AED")
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%v", err)
		}
		_, err = total([]Line{{Quantity: 900, Price: money.Of(1<<33, "AED")}}, nil, nil, "en", Rules{TaxMode: channel.TaxInclusive}, false, "AED")
		if fault.FieldOf(err) != "total" {
			t.Errorf("%v", err)
		}
	})
}

// The document of any cart must be one that import takes without a difference: lines, delivery and rounding add up to the total to the minor unit.
func TestTotal_parts_add_up_whatever_the_rules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rules := Rules{
			TaxMode: rapid.SampledFrom([]channel.TaxMode{channel.TaxInclusive, channel.TaxExclusive, channel.TaxNone}).Draw(t, "mode"),
			Rate:    rate(t, rapid.SampledFrom([]string{"0", "0.05", "0.18", "0.19", "0.0725"}).Draw(t, "rate")), Bill: rapid.Bool().Draw(t, "bill"),
			CashRound: func(a money.Amount) (money.Amount, money.Amount, error) { return a.CashRound(100, money.HalfUp) },
		}
		var lines []Line
		rates := map[string]money.Rate{}
		for i := range rapid.IntRange(0, 6).Draw(t, "lines") {
			v := string(rune('a' + i))
			lines = append(lines, Line{Variant: v, Quantity: rapid.Int64Range(1, MaxQuantity).Draw(t, "quantity"), Price: money.Of(rapid.Int64Range(1, 9_999_999).Draw(t, "price"), "PKR")})
			rates[v] = rate(t, rapid.SampledFrom([]string{"0", "0.05", rules.Rate.String()}).Draw(t, "class"))
		}
		var ship *Delivery
		if rapid.Bool().Draw(t, "delivery") {
			ship = &Delivery{Code: "x", Price: money.Of(rapid.Int64Range(0, 99_999).Draw(t, "ship"), "PKR")}
		}
		got, err := total(lines, rates, ship, "", rules, rapid.Bool().Draw(t, "cash"), "PKR")
		if err != nil {
			t.Fatal(err)
		}
		sum, tax := got.Rounding.Minor, int64(0)
		for _, l := range got.Lines {
			want := l.Price.Minor * l.Quantity
			if rules.TaxMode == channel.TaxExclusive {
				want += l.Tax.Minor
			}
			if l.Total.Minor != want {
				t.Fatalf("line %+v", l)
			}
			sum, tax = sum+l.Total.Minor, tax+l.Tax.Minor
		}
		if d := got.Delivery; d != nil {
			sum, tax = sum+d.Total.Minor, tax+d.Tax.Minor
		}
		if sum != got.Total.Minor || tax != got.Tax.Minor {
			t.Fatalf("parts %d tax %d: %+v", sum, tax, got)
		}
	})
}

func TestLife(t *testing.T) {
	t.Parallel()
	for _, l := range Lives {
		if err := l.Check(); err != nil {
			t.Error(err)
		}
	}
	sql, err := fs.ReadFile(migrate.Files(), "00004_orders.sql")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`constraint carts_state check \(state in \(([^)]*)\)`).FindSubmatch(sql)
	if found == nil {
		t.Fatal("the table has no check of its states")
	}
	var states []string
	for word := range strings.SplitSeq(string(found[1]), ", ") {
		states = append(states, strings.Trim(word, "'"))
	}
	slices.Sort(states)
	var want []string
	for _, s := range Life.States() {
		want = append(want, string(s))
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("the life has -, the table has +\n%s", diff)
	}
}
