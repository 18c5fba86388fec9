package catalog

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/event"
)

func TestPartsOf(t *testing.T) {
	t.Parallel()
	part := func(sku string, quantity, weight int64) event.Part {
		return event.Part{SKU: sku, Quantity: quantity, Weight: weight}
	}
	for text, want := range map[string][]event.Part{
		"":              nil,
		"A":             {part("A", 1, 1)},
		"A*2 | B":       {part("A", 2, 2), part("B", 1, 1)},
		"A*2@60|B@40":   {part("A", 2, 60), part("B", 1, 40)},
		"T-SHIRT*RED*3": {part("T-SHIRT*RED", 3, 3)},
		"me@home":       {part("me@home", 1, 1)},
	} {
		got, err := partsOf(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
	for _, text := range []string{"|", "A|", "*2", "@3"} {
		if got, err := partsOf(text); err == nil {
			t.Errorf("%q gives %v", text, got)
		}
	}
}

func FuzzPartsOf(f *testing.F) {
	for _, seed := range []string{"", "A", "A*2@60|B@40", "T*RED*3", "|", "*2", "@3", "a*-1", "a*99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := partsOf(text)
		if err != nil {
			return
		}
		for _, p := range parts {
			if p.SKU == "" || strings.Contains(p.SKU, "|") {
				t.Errorf("%q gives the part %q", text, p.SKU)
			}
		}
	})
}
