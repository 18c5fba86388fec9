package browser_test

import (
	"net/url"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// TestDesk holds the pages of the orders desk to WCAG 2.2 AA as far as a machine can tell, in both directions, light and dark, and to the width of their window.
func TestDesk(t *testing.T) {
	t.Parallel()
	s := stage(t, 24)
	var sku string
	var counts []inventory.Counted
	ask := url.Values{"do": {"hold"}}
	read(t, s, func(tx *db.Tx) error {
		page, err := s.App.Order.List(tx, order.Filter{State: order.Open}, "", 4)
		if err != nil {
			return err
		}
		for _, o := range page.Items {
			ask.Add("id", o.ID)
		}
		all, err := s.App.Inventory.Reservations(tx, inventory.ReservedFilter{}, "", 1)
		if err != nil {
			return err
		}
		known, err := s.App.Catalog.ByID(tx, []string{all[0].Variant})
		for _, k := range known {
			sku = k.SKU
		}
		counts = []inventory.Counted{{Variant: all[0].Variant, Location: all[0].Location, Condition: stock.Sellable, Quantity: 0, RefID: "flood"}}
		return err
	})
	if err := s.App.Inventory.Set(t.Context(), "test", counts); err != nil {
		t.Fatal(err)
	}
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	pages := []string{"/console/orders?state=open&currency=PKR&least=1", "/console/orders/bulk?" + ask.Encode(), "/console/shortages", "/console/shortages?rule=value&sku=" + url.QueryEscape(sku), "/console/"}
	for _, look := range []struct {
		lang, theme   string
		width, height int64
	}{{"en", "light", 1280, 800}, {"ur", "dark", 390, 844}} {
		t.Run(look.lang+" "+look.theme, func(t *testing.T) {
			t.Parallel()
			p := open(t, s, "en", look.width, look.height)
			p.Speak(look.lang, look.theme)
			for _, path := range pages {
				p.Go(path)
				accessible(t, p, path)
			}
		})
	}
}
