package cart_test

import (
	"context"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/shop/shoptest"
)

// abroad opens a storefront in another country; tea costs this much there, and so does delivery.
func (h *house) abroad(country, currency string, tea, delivery int64) cart.Storefront {
	h.Helper()
	ctx := context.Background()
	acc, err := h.Connect.Add(ctx, connect.Adding{
		Name: "web-" + country, Channel: "ownsite", Country: country, Currency: currency, LegalEntity: "le-1", Mode: channel.Live, Actor: "test", Settings: map[string]string{"storefront": "x" + country},
	})
	h.Must(err)
	h.Write(func(tx *db.Tx) error {
		return h.Catalog.SavePrices(tx, catalog.NewList{Name: "Standard " + country, Country: country, Currency: currency, Prices: map[string]int64{h.Variants[shoptest.Tea]: tea}})
	})
	st, err := h.Cart.SaveStorefront(ctx, cart.Storefront{
		Code: strings.ToLower(country), Account: acc.ID, Name: country, Country: country, Currency: currency, Language: "en", Active: true,
		Payments:   []cart.Method{{Provider: "cod", Method: channel.PayCOD, Title: "Cash"}, {Provider: "demo", Method: channel.PayCard, Title: "Card"}},
		Deliveries: []cart.Delivery{{Code: "std", Name: "Standard", Price: money.Of(delivery, currency)}},
	}, "test")
	h.Must(err)
	return st
}

func TestStorefront(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, country, currency, payment, phone, postcode string
		tea, delivery                                     int64
		total, tax                                        string
	}{
		// 3 × 10.63 + 9.99 = 41.88, to the quarter 42.00; 5 % inside 31.89 and 9.99
		{"dirhams in cash are rounded to the quarter", "AE", "AED", "cod", "050 123 4567", "", 1063, 999, "AED 42.00", "AED 2.00"},
		// 3 × 3.33 + 4.90 = 14.89; 19 % inside 9.99 is 1.595…, inside 4.90 0.782…
		{"euros by card are not", "DE", "EUR", "demo", "030 1234567", "10115", 333, 490, "EUR 14.89", "EUR 2.38"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(h *house) {
				ctx := context.Background()
				st := h.abroad(c.country, c.currency, c.tea, c.delivery)
				token, _, err := h.Cart.Create(ctx, st, "fr")
				h.Must(err)
				e := cart.Edit{Store: st, Token: token}
				_, err = h.Cart.Add(ctx, e, shoptest.Tea, 3)
				h.Must(err)
				_, err = h.Cart.SetBuyer(ctx, e, cart.Buyer{
					Person: channel.OwnPerson{Name: "Sam", Phone: c.phone}, ShipTo: channel.OwnAddress{Line1: "1 High Street", City: "Somewhere", Postcode: c.postcode},
				})
				h.Must(err)
				_, err = h.Cart.SetDelivery(ctx, e, "std")
				h.Must(err)
				v, err := h.Cart.SetPayment(ctx, e, c.payment)
				h.Must(err)
				h.same([]string{c.total, c.tax, "en"}, []string{v.Totals.Total.String(), v.Totals.Tax.String(), v.Language})
				a, err := h.Cart.Place(ctx, cart.Wish{Edit: e, Key: "k"})
				h.Must(err)
				h.Read(func(tx *db.Tx) error {
					o, err := h.Orders.Get(tx, a.Number)
					if err != nil {
						return err
					}
					h.same([]any{c.total, c.tax, 0}, []any{o.Totals.Total.String(), o.Totals.Tax.String(), len(o.Held)})
					return nil
				})
				_, err = h.Cart.Get(ctx, h.Store, token) // a token of one shop opens nothing in another
				h.same("unauthorized no_cart", code(err))
			})
		})
	}
	t.Run("a storefront is checked, versioned, and its code is its own", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			ctx := context.Background()
			for field, edit := range map[string]func(s *cart.Storefront){
				"code":                        func(s *cart.Storefront) { s.Code = "PK shop" },
				"account_id":                  func(s *cart.Storefront) { s.Account = "" },
				"country":                     func(s *cart.Storefront) { s.Country = "Pakistan" },
				"currency":                    func(s *cart.Storefront) { s.Currency = "RUPEES" },
				"language":                    func(s *cart.Storefront) { s.Language = "" },
				"payment_methods":             func(s *cart.Storefront) { s.Payments = nil },
				"payment_methods[1].provider": func(s *cart.Storefront) { s.Payments[1] = s.Payments[0] },
				"deliveries":                  func(s *cart.Storefront) { s.Deliveries = nil },
				"deliveries[1].code":          func(s *cart.Storefront) { s.Deliveries[1].Code = "standard" },
				"deliveries[0].price":         func(s *cart.Storefront) { s.Deliveries[0].Price = money.Of(-1, "PKR") },
				"deliveries[0].free_over":     func(s *cart.Storefront) { e := money.Of(1, "EUR"); s.Deliveries[0].FreeOver = &e },
			} {
				one, err := h.Cart.Storefront(ctx, "pk")
				h.Must(err)
				edit(&one)
				_, err = h.Cart.SaveStorefront(ctx, one, "test")
				h.same([]any{fault.Invalid, field}, []any{fault.KindOf(err), fault.FieldOf(err)})
			}
			one, err := h.Cart.Storefront(ctx, "pk")
			h.Must(err)
			one.Active = false
			_, err = h.Cart.SaveStorefront(ctx, one, "test")
			h.Must(err)
			_, err = h.Cart.SaveStorefront(ctx, one, "test")
			h.same("conflict stale", code(err))
			_, err = h.Cart.Storefront(ctx, "pk")
			h.same("not_found no_storefront", code(err))
			one.ID = ""
			_, err = h.Cart.SaveStorefront(ctx, one, "test")
			h.same("conflict code_taken", code(err))
		})
	})
}
