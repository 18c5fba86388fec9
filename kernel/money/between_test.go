package money

import "testing"

func TestRateBetween(t *testing.T) {
	t.Parallel()
	t.Run("the rate turns one amount into the other", func(t *testing.T) {
		t.Parallel()
		usd, pkr := Of(1234, "USD"), Of(343514, "PKR")
		r, err := RateBetween(usd, pkr)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Convert(usd, "PKR", r, HalfUp)
		if err != nil || got != pkr {
			t.Fatalf("rate %s gives %v, %v", r, got, err)
		}
	})
	t.Run("there is no rate from nothing", func(t *testing.T) {
		t.Parallel()
		if _, err := RateBetween(Of(0, "USD"), Of(1, "PKR")); err == nil {
			t.Fatal("a rate from zero was computed")
		}
	})
}
