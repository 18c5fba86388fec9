package connect

import (
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	add := func(name string) error {
		return checkAdding(channel.Kind{Name: "demo", Title: "Demo"}, &Adding{Name: "shop", Country: "PK", Settings: map[string]string{name: "1"}})
	}
	t.Run("every account takes what orders, payments and dispatch read of it", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{"courier", "courier_service", "unpaid_hours", "cod_presumed", "acknowledge", "poll_seconds", "price_limit_percent"} {
			if err := add(name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("a setting that nobody reads is refused by name", func(t *testing.T) {
		t.Parallel()
		if err := add("split"); !fault.Is(err, fault.Invalid) || fault.FieldOf(err) != "settings.split" {
			t.Fatalf("got %v", err)
		}
	})
}
