package money_test

import (
	"math"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, currency string
		minor          int64
	}{
		{"1234.5", "PKR", 123450},
		{"-0.62", "PKR", -62},
		{"7", "PKR", 700},
		{"0", "OMR", 0},
		{"-0.00", "PKR", 0},
		{"409.940", "OMR", 409940},
		{"007.50", "PKR", 750},
		{"1500.00", "JPY", 1500},
		{"1.2300000000000000000000000000000000000000", "PKR", 123},
		{"0.0000000000000000000000000000000000000000", "JPY", 0},
		{"00000000000000000000000000000000000000001", "JPY", 1},
		{"92233720368547758.07", "PKR", math.MaxInt64},
		{"-92233720368547758.07", "PKR", -math.MaxInt64},
		{"0.0001", "CLF", 1},
	} {
		want(t, money.Of(c.minor, c.currency))(money.Parse(c.text, c.currency))
		want(t, money.Of(c.minor, c.currency))(money.ParseLoose(c.text, c.currency))
		want(t, money.Of(c.minor, c.currency))(money.ParseRound(c.text, c.currency, money.Up))
	}
	for _, text := range []string{
		"", " ", "-", "+", ".", "-.", "1.", ".5", "+5", " 5", "5 ", "1e3", "1e0", "1,234", "1.2.3", "--5", "5-", "0x10", "1_000", "NaN", "nan",
		"Inf", "-Infinity", "null", "٥", "1.005", "0.001", "5\x00", "PKR 5", "92233720368547758.08", "-92233720368547758.08",
		"99999999999999999", "99999999999999999.9", "99999999999999999999", "18446744073709551616", "184467440737095516.16", strings.Repeat("9", 10_000),
	} {
		wantInvalid(t)(money.Parse(text, "PKR"))
	}
	for _, currency := range []string{"", "pkr", "XAU", "ZZZ", "PKR "} {
		wantInvalid(t)(money.Parse("5", currency))
		wantInvalid(t)(money.ParseLoose("5", currency))
		wantInvalid(t)(money.ParseRound("5", currency, money.HalfUp))
	}
	t.Run("a_fault_shows_only_the_start_of_a_long_text", func(t *testing.T) {
		t.Parallel()
		_, err := money.Parse(strings.Repeat("x\n", 1<<20), "PKR")
		if message := fault.Message(err); len(message) > 200 || strings.Contains(message, "\n") {
			t.Errorf("the message has %d bytes: %.300s", len(message), message)
		}
	})
}

func TestParseLoose(t *testing.T) {
	t.Parallel()
	for text, minor := range map[string]int64{
		"3962.41 EUR":     396241,
		"EUR 3962.41":     396241,
		"eur3,962.41":     396241,
		"1,234,567.8":     123456780,
		"12,34,567.80":    123456780,
		"-1,234":          -123400,
		"EUR -0.62":       -62,
		"\t 5.00 \n":      500,
		"\u00a05\u00a0":   500,
		"3 962.41":        0,
		"1e3":             100000,
		"1E+3":            100000,
		"1.5e-1":          15,
		"-12.5e1":         -12500,
		"12345e-2":        12345,
		"0e1000":          0,
		"0.000e-900":      0,
		"1000000e-6":      100,
		"+5":              500,
		".5":              50,
		"5.":              500,
		"999,999.99":      99999999,
		"5.000000":        500,
		"1,234.50000 EUR": 123450,
	} {
		if minor == 0 && !strings.HasPrefix(text, "0") {
			wantInvalid(t)(money.ParseLoose(text, "EUR"))
			continue
		}
		want(t, money.Of(minor, "EUR"))(money.ParseLoose(text, "EUR"))
	}
	for _, text := range []string{
		"", "EUR", "EUR ", "USD 5", "5 USD", "EUR 5 EUR", "1,5", "1,23", "0,125", "1,2345", "12,34.5", "1,234,56", "1,23,456,789", ",123",
		"1234,567", "1,,234", "1.234,56", "1.234.567", "1,234,", "1e", "e5", "1e+", "1e1.5", "1e99999999999999999999", "0e9999", "1e-3", "1e18",
		"1e-1000", "(5.00)", "5%", "€5", "NaN", "Infinity", "12,34,56", "--1", "+-1", "- 1", "1,2e3",
	} {
		wantInvalid(t)(money.ParseLoose(text, "EUR"))
	}
}

func TestParseRound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		mode  money.Mode
		minor int64
	}{
		{"409.94000000000005", money.HalfUp, 40994},
		{"0.005", money.HalfUp, 1},
		{"0.005", money.HalfEven, 0},
		{"0.015", money.HalfEven, 2},
		{"0.0050000000000000000001", money.HalfDown, 1},
		{"-0.005", money.HalfUp, -1},
		{"-0.001", money.Floor, -1},
		{"-0.001", money.Ceiling, 0},
		{"1e-1000", money.Up, 1},
		{"1e-1000", money.HalfUp, 0},
		{"5e-3", money.HalfUp, 1},
		{"9e-4", money.HalfUp, 0},
		{"9223372036854775807e-2", money.HalfUp, math.MaxInt64},
	} {
		want(t, money.Of(c.minor, "PKR"))(money.ParseRound(c.text, "PKR", c.mode))
	}
	for _, text := range []string{"", "1,234", "5 PKR", "+5", ".5", "92233720368547758.071e3", "92233720368547758.079", "1e400"} {
		wantInvalid(t)(money.ParseRound(text, "PKR", money.HalfUp))
	}
	want(t, money.Of(math.MaxInt64, "PKR"))(money.ParseRound("92233720368547758.079", "PKR", money.Down))
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1234.5", "-0.62", "", "1e3", "9223372036854775807", "0.00000000000000000000", "٥", "-", "92233720368547758.08"} {
		f.Add(s, "PKR")
		f.Add(s, "JPY")
	}
	f.Fuzz(func(t *testing.T, text, currency string) {
		a, err := money.Parse(text, currency)
		if err != nil {
			wantInvalid(t)(a, err)
			return
		}
		want(t, a)(money.Parse(a.Decimal(), currency))
		want(t, a)(money.ParseLoose(text, currency))
		want(t, a)(money.ParseRound(text, currency, money.Up))
		compareExactly(t, text, a)
	})
}

func FuzzParseLoose(f *testing.F) {
	for _, s := range []string{"3962.41 EUR", "EUR -5", "12,34,567.8", "1e3", "1e-1000", "-1.5E+2", ",", "1,5", " 5 ", ".5", "0e1000", "EUREUR5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := money.ParseLoose(text, "EUR")
		if err != nil {
			wantInvalid(t)(a, err)
			return
		}
		want(t, a)(money.Parse(a.Decimal(), "EUR"))
		want(t, a)(money.ParseLoose(a.String(), "EUR"))
	})
}
