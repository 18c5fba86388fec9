package shopify

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Amounts are whole minor units. This is the simulator's own arithmetic, on purpose not kernel/money: a mistake there must not repeat here.

// exponents are the ISO 4217 exponents that differ from 2, of the currencies Shopify sells in.
var exponents = map[string]int{
	"BHD": 3, "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "IQD": 3, "ISK": 0, "JOD": 3, "JPY": 0, "KMF": 0, "KRW": 0, "KWD": 3, "LYD": 3,
	"OMR": 3, "PYG": 0, "RWF": 0, "TND": 3, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}

func exponent(currency string) int {
	if e, ok := exponents[currency]; ok {
		return e
	}
	return 2
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// parseAmount reads decimal text; digits past the currency's exponent must be zero.
func parseAmount(text, currency string) (int64, error) {
	r, ok := new(big.Rat).SetString(strings.TrimSpace(text))
	if !ok || strings.ContainsAny(text, "eE/") {
		return 0, fmt.Errorf("%q is no amount", text)
	}
	r.Mul(r, new(big.Rat).SetInt64(pow10(exponent(currency))))
	if !r.IsInt() || !r.Num().IsInt64() {
		return 0, fmt.Errorf("%q is no amount of %s", text, currency)
	}
	return r.Num().Int64(), nil
}

// plain writes an amount with all digits of its currency, as REST payloads do: 1499.00.
func plain(minor int64, currency string) string {
	e := exponent(currency)
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	digits := strconv.FormatInt(minor, 10)
	if e == 0 {
		return sign + digits
	}
	if len(digits) <= e {
		digits = strings.Repeat("0", e+1-len(digits)) + digits
	}
	return sign + digits[:len(digits)-e] + "." + digits[len(digits)-e:]
}

// short writes an amount as GraphQL does, without trailing zeros but with at least one decimal: 1499.0, 12.5, 409.94.
func short(minor int64, currency string) string {
	s := plain(minor, currency)
	whole, frac, _ := strings.Cut(s, ".")
	frac = strings.TrimRight(frac, "0")
	if frac == "" {
		frac = "0"
	}
	return whole + "." + frac
}

// muldiv is a·num/den rounded half away from zero.
func muldiv(a, num, den int64) int64 {
	if den == 0 {
		return 0
	}
	p := new(big.Int).Mul(big.NewInt(a), big.NewInt(num))
	d := big.NewInt(den)
	if d.Sign() < 0 {
		p.Neg(p)
		d.Neg(d)
	}
	half := new(big.Int).Rsh(d, 1)
	if p.Sign() < 0 {
		p.Sub(p, half)
	} else {
		p.Add(p, half)
	}
	return p.Quo(p, d).Int64()
}

// spread divides total over weights so that the parts add up; the largest remainders take the odd units.
func spread(total int64, weights []int64) []int64 {
	parts := make([]int64, len(weights))
	sum := int64(0)
	for _, w := range weights {
		sum += w
	}
	if sum <= 0 || total == 0 {
		return parts
	}
	left := total
	remainder := make([]*big.Int, len(weights))
	for i, w := range weights {
		q, r := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(total), big.NewInt(w)), big.NewInt(sum), new(big.Int))
		parts[i], remainder[i] = q.Int64(), r
		left -= parts[i]
	}
	for ; left > 0; left-- {
		best := 0
		for i := range remainder {
			if remainder[i].Cmp(remainder[best]) > 0 {
				best = i
			}
		}
		parts[best]++
		remainder[best] = big.NewInt(-1)
	}
	return parts
}

// bag is one amount in the shop's currency and in the buyer's.
type bag struct{ shop, pres int64 }

func (b bag) add(o bag) bag { return bag{b.shop + o.shop, b.pres + o.pres} }
func (b bag) sub(o bag) bag { return bag{b.shop - o.shop, b.pres - o.pres} }
func (b bag) zero() bool    { return b.shop == 0 && b.pres == 0 }

// times is a unit amount for n units.
func (b bag) times(n int) bag { return bag{b.shop * int64(n), b.pres * int64(n)} }

// part is the share of the units (from, to] of a line of n units. Shares are cut from running totals, so they add up to the whole.
func (b bag) part(from, to, n int) bag {
	if n == 0 {
		return bag{}
	}
	cut := func(total int64) int64 {
		return muldiv(total, int64(to), int64(n)) - muldiv(total, int64(from), int64(n))
	}
	return bag{cut(b.shop), cut(b.pres)}
}

// currencies are the shop's and the buyer's currency of one order.
type currencies struct{ shop, pres string }

// set is a MoneyBag.
func (c currencies) set(b bag) object {
	return record{"MoneyBag", kv{"shopMoney": moneyV2(b.shop, c.shop), "presentmentMoney": moneyV2(b.pres, c.pres)}}
}

// rest is a money set of a REST payload.
func (c currencies) rest(b bag) kv {
	return kv{
		"shop_money":        kv{"amount": plain(b.shop, c.shop), "currency_code": c.shop},
		"presentment_money": kv{"amount": plain(b.pres, c.pres), "currency_code": c.pres},
	}
}

func moneyV2(minor int64, currency string) object {
	return record{"MoneyV2", kv{"amount": short(minor, currency), "currencyCode": currency}}
}

// rate is a tax rate in millionths, so that 17 % is 170000.
type rate int64

func parseRate(text string) (rate, error) {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, fmt.Errorf("%q is no rate", text)
	}
	r.Mul(r, big.NewRat(1_000_000, 1))
	if !r.IsInt() || r.Sign() < 0 || r.Num().Int64() > 1_000_000 {
		return 0, fmt.Errorf("%q is no rate between 0 and 1 with six decimals", text)
	}
	return rate(r.Num().Int64()), nil
}

// number is the rate as JSON number text, 0.17.
func (r rate) number() string {
	s := fmt.Sprintf("%d.%06d", r/1_000_000, r%1_000_000)
	s = strings.TrimRight(s, "0")
	return strings.TrimSuffix(s, ".")
}

// convert changes a shop amount into the buyer's currency at a rate given as decimal text, rounding half away from zero.
func convert(minor int64, fx *big.Rat, from, to string) int64 {
	if fx == nil || from == to {
		return minor
	}
	r := new(big.Rat).SetInt64(minor)
	r.Mul(r, fx)
	r.Mul(r, big.NewRat(pow10(exponent(to)), pow10(exponent(from))))
	num, den := new(big.Int).Set(r.Num()), r.Denom()
	half := new(big.Int).Rsh(den, 1)
	if num.Sign() < 0 {
		num.Sub(num, half)
	} else {
		num.Add(num, half)
	}
	return num.Quo(num, den).Int64()
}

// unconvert is convert the other way, for money that comes back in the buyer's currency.
func unconvert(minor int64, fx *big.Rat, shop, pres string) int64 {
	if fx == nil || shop == pres {
		return minor
	}
	return convert(minor, new(big.Rat).Inv(fx), pres, shop)
}
