package money_test

import (
	"encoding/json"
	"testing"

	"github.com/openclaw-pos/commerce/kernel/money"
)

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := money.Parse("129950.50", "PKR"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecimal(b *testing.B) {
	b.ReportAllocs()
	a := money.Of(12995050, "PKR")
	for b.Loop() {
		_ = a.Decimal()
	}
}

func BenchmarkMul(b *testing.B) {
	b.ReportAllocs()
	a, r := money.Of(12995050, "PKR"), money.RateOf(18, 2)
	for b.Loop() {
		if _, err := a.Mul(r, money.HalfUp); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	b.ReportAllocs()
	a, weights := money.Of(12995050, "PKR"), []int64{129900, 45000, 89900, 12500}
	for b.Loop() {
		if _, err := a.Split(weights); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnmarshalJSON(b *testing.B) {
	b.ReportAllocs()
	data := []byte(`{"amount":"129950.50","currency":"PKR"}`)
	for b.Loop() {
		var a money.Amount
		if err := json.Unmarshal(data, &a); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFormat(b *testing.B) {
	b.ReportAllocs()
	a := money.Of(12995050, "PKR")
	for b.Loop() {
		_ = a.Format("en-PK")
	}
}

// TestHotPathAllocations keeps reading free of garbage, and writing to the one text it returns.
func TestHotPathAllocations(t *testing.T) {
	a := money.Of(12995050, "PKR")
	for name, c := range map[string]struct {
		most int
		run  func()
	}{
		"parse":   {0, func() { _, _ = money.Parse("129950.50", "PKR") }},
		"decimal": {1, func() { _ = a.Decimal() }},
		"product": {0, func() { _, _ = a.Mul(money.RateOf(18, 2), money.HalfUp) }},
	} {
		if n := int(testing.AllocsPerRun(100, c.run)); n > c.most {
			t.Errorf("%s allocates %d times, at most %d is fine", name, n, c.most)
		}
	}
}
