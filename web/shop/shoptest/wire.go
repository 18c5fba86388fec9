package shoptest

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/gateway/all"
	"github.com/openclaw-pos/commerce/gateway/demo"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// source is the checkout as channel/ownsite reads it.
type source struct{ h *House }

func (s source) Placed(ctx context.Context, account string, since channel.Cursor) iter.Seq2[channel.Change, error] {
	return s.h.Cart.Placed(ctx, account, since)
}

func (s source) One(ctx context.Context, account, external string) (channel.Change, error) {
	return s.h.Cart.One(ctx, account, external)
}

var numbers atomic.Int64

func (h *House) orderNeeds() order.Needs {
	return order.Needs{
		DB: h.D, Costs: h.Catalog.Costs, Reserve: h.Stock.Reserve, Short: h.Stock.ShortOf,
		Resolve: func(tx *db.Tx, wanted []order.Wanted) ([]order.Resolved, error) {
			q := make([]catalog.ListingQuery, len(wanted))
			for i, w := range wanted {
				q[i] = catalog.ListingQuery(w)
			}
			found, err := h.Catalog.Resolve(tx, q)
			out := make([]order.Resolved, len(found))
			for i, r := range found {
				out[i] = order.Resolved{Listing: r.Listing, Variant: r.Variant, SKU: r.SKU, Title: r.Title, Kit: r.Kit, Ships: r.Ships, Ignored: r.Ignored, Parts: r.Parts}
			}
			return out, err
		},
		Rank: func(tx *db.Tx, rs []order.Route) ([][]string, error) {
			out := make([][]string, len(rs))
			for i := range out {
				out[i] = []string{h.Warehouse, h.Branch}
			}
			return out, nil
		},
		Release: func(tx *db.Tx, gone []order.Released) error {
			var rs []inventory.Release
			for _, g := range gone {
				rs = append(rs, inventory.Release{Holder: stock.ByLine, HolderID: g.LineID, Variant: g.Variant, Quantity: g.Quantity})
			}
			return h.Stock.Release(tx, rs)
		},
		Pay:      pay,
		Paid:     func(*db.Tx, []string) (map[string][]channel.Payment, error) { return nil, nil },
		Announce: func(*db.Tx, []string) error { return nil },
		Void:     func(*db.Tx, []string) error { return nil },
		Rules: func(*db.Tx, string, time.Time) (order.Rules, error) {
			return order.Rules{Zone: "Asia/Karachi", UnpaidExpiry: 48 * time.Hour}, nil
		},
		Numbers: func(_ context.Context, prefix string, n int) ([]string, error) {
			var out []string
			for range n {
				out = append(out, fmt.Sprintf("%s-%06d", prefix, numbers.Add(1)))
			}
			return out, nil
		},
		Committed: func(*db.Tx, []string) (map[string]int64, error) { return map[string]int64{}, nil },
		Withdraw:  func(*db.Tx, string, []event.UnitsMove, string) error { return nil },
		Parcels:   func(*db.Tx, []order.ParcelFact) error { return nil },
		Returns:   func(*db.Tx, []channel.ReturnChange, string) error { return nil },
	}
}

// pay is the least that payments do: it says what the one payment of an own order says.
func pay(_ *db.Tx, facts []order.Money) (map[string]order.PayState, error) {
	out := map[string]order.PayState{}
	for _, f := range facts {
		out[f.OrderID] = order.Unpaid
		for _, p := range f.Payments {
			switch p.Status {
			case channel.Paid:
				out[f.OrderID] = order.Paid
			case channel.Due:
				out[f.OrderID] = order.Due
			case channel.Authorized:
				out[f.OrderID] = order.Authorized
			}
		}
	}
	return out, nil
}

func (h *House) cartNeeds(log *audit.Log, key []byte) cart.Needs {
	return cart.Needs{
		DB: h.D, Log: slog.New(slog.NewTextHandler(h.T.Output(), nil)), Privacy: h.Privacy, HashKey: key, Audit: log.Write, Range: h.assortment, Items: h.items, Variants: h.Catalog.Variants, Prices: h.prices,
		Promise: h.promise,
		Rank: func(*db.Tx, cart.Storefront, channel.Address) ([]string, error) {
			return []string{h.Warehouse, h.Branch}, nil
		},
		Reserve: h.Stock.Reserve,
		Release: func(tx *db.Tx, carts []string) error {
			var rs []inventory.Release
			for _, id := range carts {
				rs = append(rs, inventory.Release{Holder: stock.ByCart, HolderID: id})
			}
			return h.Stock.Release(tx, rs)
		},
		Rules: h.rules, Rates: h.rates, Missing: h.Policy.CheckAddress, Gateway: h.gateway,
		Import: func(ctx context.Context, account string, c channel.Change) (channel.Landing, error) {
			return h.Import(ctx, account, c)
		},
		Instead: func(*db.Tx, string, string) (string, string, error) { return "", "", nil },
	}
}

func item(v catalog.Variant) cart.Item {
	return cart.Item{Variant: v.ID, SKU: v.SKU, Title: v.Title, TaxClass: v.TaxClass, Ships: v.Ships, Parts: v.Parts}
}

func (h *House) items(tx *db.Tx, ids []string) (map[string]cart.Item, error) {
	found, err := h.Catalog.ByID(tx, ids)
	out := map[string]cart.Item{}
	for id, v := range found {
		if v.Active {
			out[id] = item(v)
		}
	}
	return out, err
}

func (h *House) assortment(tx *db.Tx, after string, limit int) ([]cart.Item, error) {
	ids, err := db.All(tx, func(row db.Scanner) (id string, err error) { return id, row.Scan(&id) },
		`select id from variants where active and sku > $1 order by sku limit $2`, after, limit)
	if err != nil {
		return nil, err
	}
	found, err := h.items(tx, ids)
	var out []cart.Item
	for _, id := range ids {
		out = append(out, found[id])
	}
	return out, err
}

func (h *House) prices(tx *db.Tx, s cart.Storefront, variants []string) (map[string]cart.Price, error) {
	found, err := h.Catalog.Price(tx, catalog.PriceQuery{Country: s.Country, Currency: s.Currency, Channel: "ownsite", Account: s.Account, Variants: variants, At: tx.Now})
	out := map[string]cart.Price{}
	for v, p := range found {
		out[v] = cart.Price{Amount: p.Amount, Compare: p.Compare}
	}
	return out, err
}

func (h *House) promise(tx *db.Tx, s cart.Storefront, variants []string) (map[string]int64, error) {
	found, err := h.Stock.Available(tx, inventory.AvailQuery{Account: s.Account, Country: s.Country, Variants: variants})
	out := map[string]int64{}
	for v, e := range found {
		out[v] = e.Promise
	}
	return out, err
}

func (h *House) rules(tx *db.Tx, country string, at time.Time) (cart.Rules, error) {
	r, err := h.Policy.Rules(tx, country, "", at)
	return cart.Rules{
		TaxMode: r.TaxMode, TaxName: r.TaxName, Rate: r.Rate, RoundMode: r.RoundMode, Bill: r.RoundLevel == "bill",
		CashRound: func(total money.Amount) (money.Amount, money.Amount, error) { return r.CashRound(total, "cod") },
	}, err
}

func (h *House) rates(tx *db.Tx, country string, classes []string, at time.Time) (map[string]money.Rate, error) {
	out := map[string]money.Rate{}
	for _, class := range classes {
		row, err := h.Policy.Value(tx, country, "", "tax_rate."+class, at)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if out[class], err = money.ParseRate(row.Value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (h *House) gateway(_ context.Context, s cart.Storefront, provider string) (gateway.Gateway, gateway.Kind, error) {
	for _, k := range all.With(h.Provider) {
		if k.Name == provider {
			gw, err := k.Open(partner.Config{
				Account: s.Account, Country: s.Country, Now: h.D.Now, Settings: map[string]string{"confirm_url": "https://pay.example/confirm"},
				Secret: func(string) []string { return []string{demo.Secret} },
			})
			return gw, k, err
		}
	}
	return nil, gateway.Kind{}, fault.New(fault.NotFound, "nobody knows the provider %q", provider)
}

// goods puts the range into the catalog and stock into the places.
func (h *House) goods() {
	h.Write(func(tx *db.Tx) error {
		ids, err := h.Stock.SaveLocations(tx, []inventory.Location{
			{Code: "PK-WH", Name: "Warehouse", Kind: inventory.Warehouse, LegalEntity: "le-1", Country: "PK", City: "Lahore", Zone: "Asia/Karachi", Priority: 1, Fulfils: true, Active: true},
			{Code: "PK-BR", Name: "Branch", Kind: inventory.Branch, LegalEntity: "le-1", Country: "PK", City: "Lahore", Zone: "Asia/Karachi", Priority: 2, Fulfils: true, Active: true},
		})
		if err != nil {
			return err
		}
		h.Warehouse, h.Branch = ids[0], ids[1]
		return h.Catalog.SaveProducts(tx, []catalog.NewProduct{
			{SKU: Shirt, Title: "Shirt"},
			{SKU: Cap, Title: "Cap"},
			{SKU: Tea, Title: "Tea"},
			{SKU: Free, Title: "Sample"},
			{SKU: Set, Title: "Set", Parts: []event.Part{{SKU: Shirt, Quantity: 1, Weight: 2}, {SKU: Cap, Quantity: 2, Weight: 1}}},
		})
	})
	h.Write(func(tx *db.Tx) error {
		var err error
		if h.Variants, err = h.Catalog.Variants(tx, []string{Shirt, Cap, Tea, Set, Free}); err != nil {
			return err
		}
		prices := map[string]int64{h.Variants[Shirt]: 150000, h.Variants[Cap]: 49900, h.Variants[Tea]: 25050, h.Variants[Set]: 190000}
		if err := h.Catalog.SavePrices(tx, catalog.NewList{Name: "Standard PK", Country: "PK", Currency: "PKR", Prices: prices}); err != nil {
			return err
		}
		var ms []stock.Movement
		put := func(sku, location string, n int64) {
			ms = append(ms, stock.Movement{
				Variant: h.Variants[sku], Location: location, Condition: stock.Sellable, Delta: n, Kind: stock.MoveOpening, RefKind: "test", RefID: sku + location, Actor: "test", At: tx.Now,
			})
		}
		put(Shirt, h.Warehouse, 25)
		put(Shirt, h.Branch, 15)
		put(Cap, h.Warehouse, 3)
		put(Tea, h.Warehouse, 100)
		return h.Stock.Move(tx, ms)
	})
}

// shops adds the account and the storefront.
func (h *House) shops() {
	var err error
	h.Account, err = h.Connect.Add(context.Background(), connect.Adding{
		Name: "pk-web", Channel: "ownsite", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: "le-1", Mode: channel.Live, Actor: "test",
		Settings: map[string]string{"storefront": "pk"},
	})
	h.Must(err)
	over := money.Of(500000, "PKR")
	h.Store, err = h.Cart.SaveStorefront(context.Background(), cart.Storefront{
		Code: "pk", Account: h.Account.ID, Name: "Pakistan", Country: "PK", Currency: "PKR", Language: "en", Languages: []string{"en", "ur"}, Active: true,
		Payments: []cart.Method{{Provider: "cod", Method: channel.PayCOD, Title: "Cash on delivery"}, {Provider: "demo", Method: channel.PayCard, Title: "Card"}},
		Deliveries: []cart.Delivery{
			{Code: "standard", Name: "Standard", Names: map[string]string{"ur": "عام"}, Price: money.Of(20000, "PKR"), FreeOver: &over, Days: 4},
			{Code: "express", Name: "Express", Price: money.Of(50000, "PKR"), Days: 1},
		},
	}, "test")
	h.Must(err)
}

// Buyer is somebody in Lahore.
func Buyer() cart.Buyer {
	return cart.Buyer{
		Person: channel.OwnPerson{Name: "Amina Raza", Email: "amina@example.com", Phone: "0300 1234567"},
		ShipTo: channel.OwnAddress{Line1: "12 Mall Road", City: "Lahore", Province: "Punjab", Postcode: "54000"},
		Note:   "please ring twice",
	}
}

// Filled is a cart that can be placed: so many of each SKU, standard delivery.
func (h *House) Filled(payment string, want map[string]int64) (token string, v cart.View) {
	h.T.Helper()
	ctx := context.Background()
	token, _, err := h.Cart.Create(ctx, h.Store, "en")
	h.Must(err)
	e := cart.Edit{Store: h.Store, Token: token}
	for sku, n := range want {
		_, err = h.Cart.Add(ctx, e, sku, n)
		h.Must(err)
	}
	_, err = h.Cart.SetBuyer(ctx, e, Buyer())
	h.Must(err)
	_, err = h.Cart.SetDelivery(ctx, e, "standard")
	h.Must(err)
	v, err = h.Cart.SetPayment(ctx, e, payment)
	h.Must(err)
	return token, v
}

// Levels is "on hand/reserved" of a SKU at both places.
func (h *House) Levels(sku string) string {
	h.T.Helper()
	var out string
	h.Read(func(tx *db.Tx) error {
		var err error
		out, err = db.One(tx, func(row db.Scanner) (string, error) {
			var hand, reserved int64
			err := row.Scan(&hand, &reserved)
			return fmt.Sprintf("%d/%d", hand, reserved), err
		}, `select cast(sum(on_hand) as bigint), cast(sum(reserved) as bigint) from stock_levels where variant_id = $1 and condition = 'sellable'`, h.Variants[sku])
		return err
	})
	return out
}

// Count is how many orders there are.
func (h *House) Count() int {
	h.T.Helper()
	var n int
	h.Read(func(tx *db.Tx) error {
		p, err := h.Orders.List(tx, order.Filter{}, "", 500)
		n = len(p.Items)
		return err
	})
	return n
}
