package money_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

func TestRate(t *testing.T) {
	t.Parallel()
	t.Run("one_rate_has_many_spellings", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"0.18", "18%", "18 %", "0.180", "18.00%", "1.8e-1", " 0.18 ", "1800e-2%", "18\u00a0%", "000.18"} {
			got, err := money.ParseRate(text)
			if err != nil {
				t.Fatal(err)
			}
			if got != money.RateOf(18, 2) || !got.Equal(money.RateOf(180, 3)) || got.String() != "0.18" || got.Percent() != "18%" {
				t.Errorf("%q is read as %s, %s", text, got, got.Percent())
			}
		}
	})
	t.Run("text_and_percent", func(t *testing.T) {
		t.Parallel()
		for text, expected := range map[string][2]string{
			"17.5%":                         {"0.175", "17.5%"},
			"9.975%":                        {"0.09975", "9.975%"},
			"0":                             {"0", "0%"},
			"-0%":                           {"0", "0%"},
			"-2%":                           {"-0.02", "-2%"},
			"1":                             {"1", "100%"},
			"278.35":                        {"278.35", "27835%"},
			"0.00359712230215827338":        {"0.0035971223021582734", "0.35971223021582734%"},
			"0.333333333333333333333333333": {"0.3333333333333333333", "33.33333333333333333%"},
			"9999999999999999999":           {"9999999999999999999", "999999999999999999900%"},
			"1e-50":                         {"0", "0%"},
		} {
			got, err := money.ParseRate(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected, [2]string{got.String(), got.Percent()}); diff != "" {
				t.Errorf("%s: %s", text, diff)
			}
		}
	})
	t.Run("what_is_no_rate_is_refused", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"", "%", "NaN", "Inf", "0,18", "18%%", "1.", ".5", "+5", "1e99", "10000000000000000000", "0x1p-2", "1e-9999999", "18pc"} {
			if got, err := money.ParseRate(text); !fault.Is(err, fault.Invalid) || !got.IsZero() {
				t.Errorf("%q is read as %s, %v", text, got, err)
			}
		}
	})
	t.Run("it_is_text_in_JSON_and_reads_numbers_too", func(t *testing.T) {
		t.Parallel()
		type policy struct {
			Rate money.Rate `json:"rate"`
		}
		expected := policy{money.RateOf(175, 3)}
		out, err := json.Marshal(expected)
		if err != nil || string(out) != `{"rate":"0.175"}` {
			t.Fatalf("%s, %v", out, err)
		}
		for _, in := range []string{string(out), `{"rate":0.175}`, `{"rate":"17.5%"}`, `{"rate":1.75e-1}`} {
			var got policy
			if err := json.Unmarshal([]byte(in), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected, got); diff != "" {
				t.Errorf("%s: %s", in, diff)
			}
		}
		for _, in := range []string{`{"rate":true}`, `{"rate":{}}`, `{"rate":"much"}`} {
			got := expected
			if err := json.Unmarshal([]byte(in), &got); !fault.Is(err, fault.Invalid) || got != expected {
				t.Errorf("%s: %v, %v", in, got, err)
			}
		}
	})
	t.Run("rates_add_and_compare", func(t *testing.T) {
		t.Parallel()
		both, err := money.RateOf(5, 2).Add(money.RateOf(9975, 5))
		if err != nil || both.Percent() != "14.975%" || both.Cmp(money.RateOf(15, 2)) != -1 || both.Sign() != 1 {
			t.Errorf("GST and QST are %s, %v", both.Percent(), err)
		}
		most, err := money.ParseRate("9999999999999999999")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := most.Add(money.RateOf(1, 0)); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}

func TestTax(t *testing.T) {
	t.Parallel()
	gst, vat := money.RateOf(18, 2), money.RateOf(5, 2)
	want(t, money.Of(18000, "PKR"))(money.Of(118000, "PKR").TaxInside(gst, money.HalfUp))
	want(t, money.Of(15254, "PKR"))(money.Of(100000, "PKR").TaxInside(gst, money.HalfUp))
	want(t, money.Of(-15254, "PKR"))(money.Of(-100000, "PKR").TaxInside(gst, money.HalfUp))
	want(t, money.Of(19521, "OMR"))(money.Of(409940, "OMR").TaxInside(vat, money.HalfUp))
	want(t, money.Of(18000, "PKR"))(money.Of(100000, "PKR").TaxOn(gst, money.HalfUp))
	want(t, money.Zero("PKR"))(money.Of(100000, "PKR").TaxInside(money.Rate{}, money.HalfUp))
	want(t, none)(none.TaxInside(gst, money.HalfUp))
	wantInvalid(t)(money.Of(1, "PKR").TaxOn(money.RateOf(-1, 2), money.HalfUp))
	wantInvalid(t)(money.Of(1, "PKR").TaxInside(money.RateOf(-1, 2), money.HalfUp))
	huge, err := money.ParseRate("9999999999999999999")
	if err != nil {
		t.Fatal(err)
	}
	want(t, money.Of(5, "PKR"))(money.Of(5, "PKR").TaxInside(huge, money.HalfUp))
}

func TestConvert(t *testing.T) {
	t.Parallel()
	want(t, money.Of(2783500, "PKR"))(money.Convert(money.Of(10000, "USD"), "PKR", money.RateOf(27835, 2), money.HalfUp))
	want(t, money.Of(3845, "OMR"))(money.Convert(money.Of(1000, "USD"), "OMR", money.RateOf(3845, 4), money.HalfUp))
	want(t, money.Of(156, "JPY"))(money.Convert(money.Of(100, "USD"), "JPY", money.RateOf(1555, 1), money.HalfUp))
	want(t, money.Of(2601, "USD"))(money.Convert(money.Of(10000, "OMR"), "USD", money.RateOf(26008, 4), money.HalfUp))
	want(t, money.Of(-2601, "USD"))(money.Convert(money.Of(-10000, "OMR"), "USD", money.RateOf(26008, 4), money.HalfUp))
	want(t, money.Of(92234, "CLF"))(money.Convert(money.Of(1, "JPY"), "CLF", money.RateOf(math.MaxInt64, 18), money.HalfUp))
	want(t, money.Of(4_612, "JPY"))(money.Convert(money.Of(5_000_000, "CLF"), "JPY", money.RateOf(math.MaxInt64, 18), money.HalfUp))
	want(t, none)(money.Convert(none, "USD", money.RateOf(1, 0), money.HalfUp))
	wantInvalid(t)(money.Convert(money.Of(1, "PKR"), "ZZZ", money.RateOf(1, 0), money.HalfUp))
	wantInvalid(t)(money.Convert(money.Of(1, "ZZZ"), "PKR", money.RateOf(1, 0), money.HalfUp))
	wantInvalid(t)(money.Convert(money.Of(1, "PKR"), "USD", money.Rate{}, money.HalfUp))
	wantInvalid(t)(money.Convert(money.Of(1, "PKR"), "USD", money.RateOf(-1, 0), money.HalfUp))
}

func FuzzParseRate(f *testing.F) {
	for _, s := range []string{"18%", "0.18", "1e-5", "-2 %", "9999999999999999999", "1e30", "%", "0.00000000000000000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := money.ParseRate(text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		for _, s := range []string{r.String(), r.Percent()} {
			if back, err := money.ParseRate(s); err != nil || back != r {
				t.Fatalf("%q is written as %q and read back as %s, %v", text, s, back, err)
			}
		}
	})
}
