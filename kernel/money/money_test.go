package money_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// want compares a result that should be there.
func want(t *testing.T, expected money.Amount) func(money.Amount, error) {
	return func(got money.Amount, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(expected, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

// wantInvalid checks a refusal: an Invalid fault, and no amount beside it.
func wantInvalid(t *testing.T) func(money.Amount, error) {
	return func(got money.Amount, err error) {
		t.Helper()
		if !fault.Is(err, fault.Invalid) || !got.IsNone() {
			t.Fatalf("got %v, %v; want an invalid fault", got, err)
		}
	}
}

var none money.Amount

func TestExponent(t *testing.T) {
	t.Parallel()
	for currency, digits := range map[string]int{
		"PKR": 2, "AED": 2, "QAR": 2, "SAR": 2, "MYR": 2, "EUR": 2, "USD": 2,
		"OMR": 3, "KWD": 3, "BHD": 3, "JOD": 3, "TND": 3, "IQD": 3, "LYD": 3,
		"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "CLF": 4, "UYW": 4, "XCG": 2, "BGN": 2, "ZWG": 2,
	} {
		if got, ok := money.Exponent(currency); !ok || got != digits {
			t.Errorf("%s has %d digits (%v), want %d", currency, got, ok, digits)
		}
	}
	for _, currency := range []string{"", "PK", "pkr", "PKRS", "XAU", "XXX", "XTS", "P1R", "ÄÄ", "ZZZ", "[[["} {
		if _, ok := money.Exponent(currency); ok || money.Valid(currency) {
			t.Errorf("%q passes for a currency", currency)
		}
	}
	for _, currency := range money.Currencies() {
		if !money.Valid(currency) {
			t.Errorf("%s is listed but not valid", currency)
		}
	}
}

func TestAmount(t *testing.T) {
	t.Parallel()
	t.Run("no_money_adds_as_nothing", func(t *testing.T) {
		t.Parallel()
		pkr := money.Of(250, "PKR")
		want(t, pkr)(pkr.Add(none))
		want(t, pkr)(none.Add(pkr))
		want(t, pkr)(pkr.Sub(none))
		want(t, money.Of(-250, "PKR"))(none.Sub(pkr))
		want(t, none)(none.Add(none))
		want(t, none)(none.Times(5))
		want(t, none)(none.Mul(money.RateOf(18, 2), money.HalfUp))
		want(t, pkr)(money.Sum("PKR", none, pkr, none))
		if c, err := none.Cmp(pkr); c != -1 || err != nil {
			t.Errorf("no money compares %d, %v", c, err)
		}
	})
	t.Run("currencies_do_not_mix", func(t *testing.T) {
		t.Parallel()
		pkr, usd := money.Of(250, "PKR"), money.Of(0, "USD")
		wantInvalid(t)(pkr.Add(usd))
		wantInvalid(t)(pkr.Sub(usd))
		wantInvalid(t)(money.Sum("PKR", pkr, usd))
		wantInvalid(t)(money.Sum("USD", none, pkr))
		wantInvalid(t)(money.Sum(""))
		wantInvalid(t)(money.Sum("ZZZ"))
		if _, err := pkr.Cmp(usd); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
	t.Run("units_of_no_currency_are_refused", func(t *testing.T) {
		t.Parallel()
		bare := money.Amount{Minor: 5}
		wantInvalid(t)(bare.Add(none))
		wantInvalid(t)(bare.Add(bare))
		wantInvalid(t)(bare.Add(money.Of(5, "PKR")))
		wantInvalid(t)(bare.Times(2))
		if _, err := bare.Split([]int64{1}); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
		if err := bare.Check(); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
	t.Run("what_does_not_fit_is_refused", func(t *testing.T) {
		t.Parallel()
		most, least, one := money.Of(math.MaxInt64, "PKR"), money.Of(-math.MaxInt64, "PKR"), money.Of(1, "PKR")
		wantInvalid(t)(most.Add(one))
		wantInvalid(t)(least.Sub(one)) // would be the smallest int64, which has no opposite
		wantInvalid(t)(least.Add(least))
		wantInvalid(t)(one.Sub(money.Of(math.MinInt64, "PKR")))
		wantInvalid(t)(most.Times(2))
		wantInvalid(t)(most.Times(3)) // past 64 bits
		wantInvalid(t)(most.Times(math.MinInt64))
		wantInvalid(t)(most.Mul(money.RateOf(101, 2), money.Down))
		wantInvalid(t)(money.Sum("PKR", most, one))
		wantInvalid(t)(most.Share(3, 2, money.Down))
		wantInvalid(t)(one.Share(1, 0, money.Down))
		wantInvalid(t)(money.Convert(most, "OMR", money.RateOf(1, 0), money.Down))
		want(t, least)(most.Times(-1))
		want(t, one)(money.Sum("PKR", most, one, least))
		want(t, most)(least.Share(-1, 1, money.Down))
		for _, a := range []money.Amount{money.Of(math.MinInt64, "PKR").Neg(), money.Of(math.MinInt64, "PKR").Abs()} {
			if a.Sign() != 1 {
				t.Errorf("the opposite of the smallest int64 is %v", a)
			}
		}
		if err := money.Of(math.MinInt64, "PKR").Check(); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
	t.Run("a_share_is_rounded_once", func(t *testing.T) {
		t.Parallel()
		want(t, money.Of(667, "PKR"))(money.Of(1000, "PKR").Share(2, 3, money.HalfUp))
		want(t, money.Of(666, "PKR"))(money.Of(1000, "PKR").Share(2, 3, money.Down))
		want(t, money.Of(-667, "PKR"))(money.Of(-1000, "PKR").Share(-2, -3, money.HalfUp))
		want(t, money.Of(-667, "PKR"))(money.Of(1000, "PKR").Share(2, -3, money.HalfUp))
	})
	t.Run("signs_are_told_apart", func(t *testing.T) {
		t.Parallel()
		a := money.Of(-5, "OMR")
		if a.Sign() != -1 || a.Neg().Sign() != 1 || a.Abs() != a.Neg() || money.Zero("OMR").Sign() != 0 {
			t.Error("signs are wrong")
		}
		if !money.Zero("OMR").IsZero() || money.Zero("OMR").IsNone() || !none.IsNone() || a.IsZero() {
			t.Error("zeros are wrong")
		}
	})
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount          money.Amount
		decimal, string string
	}{
		{money.Of(409940, "OMR"), "409.940", "OMR 409.940"},
		{money.Of(-62, "PKR"), "-0.62", "PKR -0.62"},
		{money.Of(5, "OMR"), "0.005", "OMR 0.005"},
		{money.Of(1200, "JPY"), "1200", "JPY 1200"},
		{money.Of(12345, "CLF"), "1.2345", "CLF 1.2345"},
		{money.Of(0, "PKR"), "0.00", "PKR 0.00"},
		{money.Of(math.MaxInt64, "PKR"), "92233720368547758.07", "PKR 92233720368547758.07"},
		{money.Of(math.MinInt64, "CLF"), "-922337203685477.5808", "CLF -922337203685477.5808"},
		{none, "0", "none"},
		{money.Of(5, "ZZZ"), "5", "ZZZ 5"},
	} {
		if got := c.amount.Decimal(); got != c.decimal {
			t.Errorf("got %q, want %q", got, c.decimal)
		}
		if got := c.amount.String(); got != c.string {
			t.Errorf("got %q, want %q", got, c.string)
		}
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		minor   int64
		weights []int64
		parts   []int64
	}{
		"ties_go_to_the_earlier_part":        {100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		"two_left_over_go_to_the_first_two":  {101, []int64{1, 1, 1}, []int64{34, 34, 33}},
		"the_largest_remainder_comes_first":  {10, []int64{1, 2, 6}, []int64{1, 2, 7}},
		"a_refund_splits_like_its_sale":      {-100, []int64{1, 1, 1}, []int64{-34, -33, -33}},
		"a_weight_of_zero_gets_nothing":      {5, []int64{0, 1, 0, 1}, []int64{0, 3, 0, 2}},
		"all_zero_weights_are_equal":         {5, []int64{0, 0}, []int64{3, 2}},
		"nothing_splits_into_nothings":       {0, []int64{3, 4}, []int64{0, 0}},
		"more_parts_than_units":              {2, []int64{1, 1, 1}, []int64{1, 1, 0}},
		"one_part_is_the_whole":              {math.MaxInt64, []int64{7}, []int64{math.MaxInt64}},
		"the_largest_amount_by_huge_weights": {math.MaxInt64, []int64{math.MaxInt64, math.MaxInt64}, []int64{1 << 62, 1<<62 - 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := money.Of(c.minor, "PKR").Split(c.weights)
			if err != nil {
				t.Fatal(err)
			}
			expected := make([]money.Amount, len(c.parts))
			for i, p := range c.parts {
				expected[i] = money.Of(p, "PKR")
			}
			if diff := cmp.Diff(expected, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("impossible_weights_are_refused", func(t *testing.T) {
		t.Parallel()
		for _, weights := range [][]int64{nil, {}, {1, -1}, {math.MaxInt64, math.MaxInt64, math.MaxInt64}} {
			if got, err := money.Of(5, "PKR").Split(weights); !fault.Is(err, fault.Invalid) || got != nil {
				t.Errorf("%v gives %v, %v", weights, got, err)
			}
		}
	})
}

func TestCashRound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		currency                     string
		minor, step, rounded, change int64
		mode                         money.Mode
	}{
		{"MYR", 1003, 5, 1005, 2, money.HalfUp},
		{"MYR", 1002, 5, 1000, -2, money.HalfUp},
		{"PKR", 129950, 100, 130000, 50, money.HalfUp},
		{"PKR", 129950, 100, 129900, -50, money.HalfDown},
		{"PKR", 130050, 100, 130000, -50, money.HalfEven},
		{"PKR", 129999, 100, 129900, -99, money.Down},
		{"AED", -1012, 25, -1000, 12, money.HalfUp},
		{"AED", -1013, 25, -1025, -12, money.HalfUp},
		{"OMR", 409942, 5, 409940, -2, money.HalfUp},
		{"EUR", 1234, 1, 1234, 0, money.HalfUp},
	} {
		rounded, difference, err := money.Of(c.minor, c.currency).CashRound(c.step, c.mode)
		want(t, money.Of(c.rounded, c.currency))(rounded, err)
		want(t, money.Of(c.change, c.currency))(difference, err)
	}
	for _, step := range []int64{0, -5} {
		if _, _, err := money.Of(1, "PKR").CashRound(step, money.HalfUp); !fault.Is(err, fault.Invalid) {
			t.Errorf("a step of %d gives %v", step, err)
		}
	}
	if _, _, err := money.Of(math.MaxInt64, "PKR").CashRound(100, money.Up); !fault.Is(err, fault.Invalid) {
		t.Errorf("rounding up the largest amount gives %v", err)
	}
}

func TestMode(t *testing.T) {
	t.Parallel()
	t.Run("each_goes_its_way_at_every_kind_of_rest", func(t *testing.T) {
		t.Parallel()
		tenths := []int64{-25, -16, -15, -14, 14, 15, 16, 25}
		for mode, expected := range map[money.Mode][]int64{
			money.HalfUp:   {-3, -2, -2, -1, 1, 2, 2, 3},
			money.HalfEven: {-2, -2, -2, -1, 1, 2, 2, 2},
			money.HalfDown: {-2, -2, -1, -1, 1, 1, 2, 2},
			money.Down:     {-2, -1, -1, -1, 1, 1, 1, 2},
			money.Up:       {-3, -2, -2, -2, 2, 2, 2, 3},
			money.Floor:    {-3, -2, -2, -2, 1, 1, 1, 2},
			money.Ceiling:  {-2, -1, -1, -1, 2, 2, 2, 3},
		} {
			for i, n := range tenths {
				want(t, money.Of(expected[i], "JPY"))(money.Of(n, "JPY").Mul(money.RateOf(1, 1), mode))
				text := money.Of(n, "JPY").Decimal()
				want(t, money.Of(expected[i], "JPY"))(money.ParseRound(text[:len(text)-1]+"."+text[len(text)-1:], "JPY", mode))
			}
		}
	})
	t.Run("names_are_read_back", func(t *testing.T) {
		t.Parallel()
		for _, m := range money.Modes() {
			text, err := m.MarshalText()
			if err != nil {
				t.Fatal(err)
			}
			var back money.Mode
			if err := back.UnmarshalText(text); err != nil || back != m || string(text) != m.String() {
				t.Errorf("%s is read back as %s, %v", m, back, err)
			}
		}
		if _, err := money.ParseMode("nearest"); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
	t.Run("one_that_does_not_exist_is_refused", func(t *testing.T) {
		t.Parallel()
		a, r, bad := money.Of(5, "PKR"), money.RateOf(18, 2), money.Mode(7)
		wantInvalid(t)(a.Mul(r, bad))
		wantInvalid(t)(a.TaxInside(r, bad))
		wantInvalid(t)(money.Convert(a, "OMR", r, bad))
		wantInvalid(t)(money.ParseRound("1.005", "PKR", bad))
		if _, err := bad.MarshalText(); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}
