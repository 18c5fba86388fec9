package money_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// Generators are made anew for each draw: rapid's are not safe to share between parallel tests.

func currency(t *rapid.T, label string) string {
	return rapid.SampledFrom(money.Currencies()).Draw(t, label)
}

func mode(t *rapid.T) money.Mode { return rapid.SampledFrom(money.Modes()).Draw(t, "mode") }

func minors() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64Range(-1_000_000, 1_000_000), rapid.Int64Range(-math.MaxInt64, math.MaxInt64))
}

func rate(t *rapid.T) money.Rate {
	return money.RateOf(minors().Draw(t, "digits"), rapid.IntRange(0, 18).Draw(t, "scale"))
}

// exactly is an amount in major units.
func exactly(a money.Amount) *big.Rat {
	digits, _ := money.Exponent(a.Currency)
	return new(big.Rat).SetFrac(big.NewInt(a.Minor), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
}

func compareExactly(t *testing.T, text string, a money.Amount) {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	if !ok || r.Cmp(exactly(a)) != 0 {
		t.Fatalf("%q is read as %s", text, a)
	}
}

// round is the reference for Mode: slow and by the book.
func round(x *big.Rat, m money.Mode) *big.Int {
	floor := new(big.Int).Div(x.Num(), x.Denom()) // Euclidean, so towards minus infinity for a positive denominator
	if x.IsInt() {
		return floor
	}
	ceiling := new(big.Int).Add(floor, big.NewInt(1))
	inner, outer := floor, ceiling
	if x.Sign() < 0 {
		inner, outer = ceiling, floor
	}
	half := new(big.Rat).Sub(x, new(big.Rat).SetInt(floor)).Cmp(big.NewRat(1, 2))
	nearest := floor
	if half > 0 {
		nearest = ceiling
	}
	switch {
	case m == money.Down, half == 0 && m == money.HalfDown:
		return inner
	case m == money.Up, half == 0 && m == money.HalfUp:
		return outer
	case m == money.Floor:
		return floor
	case m == money.Ceiling:
		return ceiling
	case half == 0 && floor.Bit(0) == 1:
		return ceiling
	}
	return nearest
}

// check compares a result with the exact number of minor units before rounding.
func check(t *rapid.T, x *big.Rat, m money.Mode, currency string) func(money.Amount, error) {
	return func(got money.Amount, err error) {
		t.Helper()
		expected := round(x, m)
		if !expected.IsInt64() || expected.Int64() == math.MinInt64 {
			if !fault.Is(err, fault.Invalid) || !got.IsNone() {
				t.Fatalf("%s does not fit, but is %v, %v", expected, got, err)
			}
			return
		}
		if err != nil || got != money.Of(expected.Int64(), currency) {
			t.Fatalf("got %v, %v; want %s minor units of %s", got, err, expected, currency)
		}
	}
}

func rat(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

func ratOf(r money.Rate) *big.Rat {
	x, _ := new(big.Rat).SetString(r.String())
	return x
}

func TestProperties(t *testing.T) {
	t.Parallel()
	for name, property := range map[string]func(*rapid.T){
		"what_is_written_is_read_back_in_every_currency": func(t *rapid.T) {
			a := money.Of(minors().Draw(t, "minor"), currency(t, "currency"))
			for _, read := range []func(string, string) (money.Amount, error){money.Parse, money.ParseLoose} {
				if got, err := read(a.Decimal(), a.Currency); err != nil || got != a {
					t.Fatalf("%v is read back as %v, %v", a, got, err)
				}
			}
			if r, ok := new(big.Rat).SetString(a.Decimal()); !ok || r.Cmp(exactly(a)) != 0 {
				t.Fatalf("%+v is written as %s", a, a.Decimal())
			}
		},
		"parts_add_up_and_are_at_most_one_off_their_share": func(t *rapid.T) {
			a := money.Of(minors().Draw(t, "minor"), "PKR")
			weights := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 10), rapid.Int64Range(0, math.MaxInt64/10)), 1, 20).Draw(t, "weights")
			parts, err := a.Split(weights)
			if err != nil {
				t.Fatal(err)
			}
			if sum, err := money.Sum("PKR", parts...); err != nil || sum != a || len(parts) != len(weights) {
				t.Fatalf("%v sums to %v, %v", parts, sum, err)
			}
			total := new(big.Int)
			for _, w := range weights {
				total.Add(total, big.NewInt(w))
			}
			for i, p := range parts {
				if total.Sign() == 0 {
					continue
				}
				share := new(big.Rat).Mul(rat(a.Minor), new(big.Rat).SetFrac(big.NewInt(weights[i]), total))
				if off := share.Sub(share, rat(p.Minor)); off.Abs(off).Cmp(rat(1)) >= 0 {
					t.Fatalf("part %d of %v is %v", i, a, p)
				}
			}
		},
		"what_is_added_can_be_taken_away": func(t *rapid.T) {
			a, b := money.Of(minors().Draw(t, "a"), "OMR"), money.Of(minors().Draw(t, "b"), "OMR")
			check(t, new(big.Rat).Add(rat(a.Minor), rat(b.Minor)), money.Down, "OMR")(a.Add(b))
			check(t, new(big.Rat).Sub(rat(a.Minor), rat(b.Minor)), money.Down, "OMR")(a.Sub(b))
			check(t, new(big.Rat).Add(rat(a.Minor), rat(b.Minor)), money.Down, "OMR")(money.Sum("OMR", a, b))
			if sum, err := a.Add(b); err == nil {
				if back, err := sum.Sub(b); err != nil || back != a {
					t.Fatalf("(%v + %v) - %v is %v, %v", a, b, b, back, err)
				}
			}
		},
		"a_sum_overflows_only_when_its_result_does": func(t *rapid.T) {
			xs := rapid.SliceOf(minors()).Draw(t, "minors")
			amounts, exact := make([]money.Amount, len(xs)), new(big.Rat)
			for i, x := range xs {
				amounts[i] = money.Of(x, "PKR")
				exact.Add(exact, rat(x))
			}
			check(t, exact, money.Down, "PKR")(money.Sum("PKR", amounts...))
		},
		"products_are_exact_before_they_are_rounded": func(t *rapid.T) {
			a, m := money.Of(minors().Draw(t, "minor"), currency(t, "currency")), mode(t)
			r := rate(t)
			check(t, new(big.Rat).Mul(rat(a.Minor), ratOf(r)), m, a.Currency)(a.Mul(r, m))
			n, d := minors().Draw(t, "n"), rapid.Int64Range(1, math.MaxInt64).Draw(t, "d")
			check(t, new(big.Rat).Mul(rat(a.Minor), rat(n)), m, a.Currency)(a.Times(n))
			check(t, new(big.Rat).Mul(rat(a.Minor), big.NewRat(n, d)), m, a.Currency)(a.Share(n, d, m))
		},
		"tax_inside_a_gross_amount_is_exact_before_it_is_rounded": func(t *rapid.T) {
			a, m, r := money.Of(minors().Draw(t, "minor"), "PKR"), mode(t), rate(t)
			if r.Sign() < 0 {
				if _, err := a.TaxInside(r, m); !fault.Is(err, fault.Invalid) {
					t.Fatal(err)
				}
				return
			}
			x := ratOf(r)
			x.Quo(x, new(big.Rat).Add(x, rat(1)))
			check(t, x.Mul(x, rat(a.Minor)), m, "PKR")(a.TaxInside(r, m))
		},
		"a_conversion_is_exact_before_it_is_rounded": func(t *rapid.T) {
			a := money.Of(minors().Draw(t, "minor"), currency(t, "from"))
			to, m, r := currency(t, "to"), mode(t), rate(t)
			if r.Sign() <= 0 {
				return
			}
			x := new(big.Rat).Mul(exactly(a), ratOf(r))
			check(t, x.Quo(x, exactly(money.Of(1, to))), m, to)(money.Convert(a, to, r, m))
		},
		"cash_rounding_twice_is_cash_rounding_once": func(t *rapid.T) {
			a, m := money.Of(minors().Draw(t, "minor"), "PKR"), mode(t)
			step := rapid.OneOf(rapid.SampledFrom([]int64{1, 5, 25, 100}), rapid.Int64Range(1, math.MaxInt64)).Draw(t, "step")
			rounded, difference, err := a.CashRound(step, m)
			if err != nil {
				if !fault.Is(err, fault.Invalid) {
					t.Fatal(err)
				}
				return
			}
			if back, err := rounded.Sub(difference); err != nil || back != a || rounded.Minor%step != 0 || difference.Abs().Minor >= step {
				t.Fatalf("%v becomes %v, %v", a, rounded, difference)
			}
			again, nothing, err := rounded.CashRound(step, m)
			if err != nil || again != rounded || !nothing.IsZero() {
				t.Fatalf("%v becomes %v, %v, %v", rounded, again, nothing, err)
			}
		},
		"decimal_text_is_rounded_by_the_book": func(t *rapid.T) {
			text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?([eE][-+]?[0-9]{1,2})?`).Draw(t, "text")
			c, m := currency(t, "currency"), mode(t)
			x, _ := new(big.Rat).SetString(text)
			check(t, x.Quo(x, exactly(money.Of(1, c))), m, c)(money.ParseRound(text, c, m))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, property)
		})
	}
}
