package console

import (
	"testing"

	"github.com/openclaw-pos/commerce/commerce/connect"
)

func TestPercent(t *testing.T) {
	t.Parallel()
	for rate, want := range map[string]string{"0.18": "18%", "0.175": "17.5%", "0": "0%", "reduced": "reduced", "": ""} {
		if got := percent(rate); got != want {
			t.Errorf("%q is shown as %q, not %q", rate, got, want)
		}
	}
}

// TestRawElements asks how many lines a page of raw values shows, also of an order without any, beside much that nothing reads.
func TestRawElements(t *testing.T) {
	t.Parallel()
	var much []connect.Unread
	for range 1000 {
		much = append(much, connect.Unread{Pattern: "order.more[].of.it"})
	}
	none, lines := []connect.Value{{Field: "number", Ours: "1"}}, []connect.Value{{Field: "lines[0].sku"}, {Field: "lines[9].sku"}}
	for _, c := range []struct {
		all    []connect.Value
		unread []connect.Unread
		want   int
	}{{none, nil, 1}, {none, much, 1}, {lines, nil, 10}} {
		if n := rawElements(c.all, c.unread); n != c.want {
			t.Errorf("%d elements of %v beside %d values that nothing reads, not %d", n, c.all, len(c.unread), c.want)
		}
	}
}
