package app

import (
	"context"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/httpclient"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// contexts makes every context; what one needs of another goes through a function here and nowhere else.
func (a *App) contexts(ctx context.Context) error {
	a.Policy = policy.New(policy.Needs{DB: a.DB, Audit: a.Audit.Write})
	if err := a.Policy.Seed(ctx); err != nil {
		return err
	}
	a.Catalog = catalog.New(catalog.Needs{DB: a.DB, Audit: a.Audit.Write, Entities: a.Policy.EntityIDs})
	a.Inventory = inventory.New(inventory.Needs{
		DB: a.DB, Audit: a.Audit.Write, Parts: a.Catalog.Parts, Variants: a.Catalog.Variants, Routes: a.routes,
		Unheard: func(tx *db.Tx, country string) (half, none time.Duration, err error) {
			r, err := a.Policy.Rules(tx, country, "", tx.Now)
			return r.UnheardHalf, r.UnheardNone, err
		},
	})
	a.Payment = payment.New(a.paymentNeeds())
	a.Order = order.New(a.orderNeeds())
	if err := a.fulfilment(ctx); err != nil {
		return err
	}
	key, err := a.Privacy.ContentKey()
	if err != nil {
		return err
	}
	a.HTTP = httpclient.NewPool(httpclient.PoolOptions{Log: a.Log})
	a.Cart = a.newCart(key)
	if a.Company, err = a.newCompany(); err != nil {
		return err
	}
	return a.connect(key)
}

// orderNeeds is what orders get from their neighbours.
func (a *App) orderNeeds() order.Needs {
	return order.Needs{
		DB: a.DB, Resolve: a.resolve, Costs: a.Catalog.Costs, Rank: a.rank, Reserve: a.Inventory.Reserve, Release: a.release, Change: a.restock, Short: a.Inventory.ShortOf,
		Paid: func(tx *db.Tx, orders []string) (map[string][]channel.Payment, error) {
			return a.Payment.Paid(tx, orders)
		},
		Pay: a.pay, Announce: a.Payment.Announce, Void: a.Payment.Void, Rules: a.rules, Numbers: a.Policy.Numbers,
		Committed: func(tx *db.Tx, orders []string) (map[string]int64, error) { return a.Fulfillment.Committed(tx, orders) },
		Withdraw: func(tx *db.Tx, id string, units []event.UnitsMove, why string) error {
			return a.Fulfillment.Withdraw(tx, id, units, why)
		},
		Parcels: a.parcels,
		Returns: func(tx *db.Tx, changes []channel.ReturnChange, account string) error {
			return a.Returns.Channel(tx, changes, account)
		},
	}
}

func (a *App) resolve(tx *db.Tx, wanted []order.Wanted) ([]order.Resolved, error) {
	q := make([]catalog.ListingQuery, len(wanted))
	var here []string
	for i, w := range wanted {
		q[i] = catalog.ListingQuery{Account: w.Account, Ref: w.Ref, Title: w.Title}
		if channel.PlacedHere(w.Ref.External) { // a line of an order that we place ourselves names one of our variants, not a listing
			q[i].Ref = channel.ListingRef{}
			here = append(here, channel.Here(w.Ref.External))
		}
	}
	found, err := a.Catalog.Resolve(tx, q)
	if err != nil {
		return nil, err
	}
	all := make([]order.Resolved, len(found))
	for i, r := range found {
		all[i] = resolved(r)
	}
	variants, err := a.Catalog.ByID(tx, here)
	for i, w := range wanted {
		if v, ok := variants[channel.Here(w.Ref.External)]; ok {
			all[i] = order.Resolved{Variant: v.ID, SKU: v.SKU, Title: v.Title, Kit: v.Kit, Ships: v.Ships, Parts: v.Parts}
		}
	}
	return all, err
}

func resolved(r catalog.Resolved) order.Resolved {
	return order.Resolved{Listing: r.Listing, Variant: r.Variant, SKU: r.SKU, Title: r.Title, Kit: r.Kit, Ships: r.Ships, Ignored: r.Ignored, Parts: r.Parts}
}

func (a *App) rank(tx *db.Tx, routes []order.Route) ([][]string, error) {
	q := make([]inventory.Route, len(routes))
	for i, r := range routes {
		q[i] = inventory.Route(r)
	}
	places, err := a.Inventory.Ranked(tx, q)
	if err != nil {
		return nil, err
	}
	all := make([][]string, len(places))
	for i, ps := range places {
		for _, p := range ps {
			all[i] = append(all[i], p.LocationID)
		}
	}
	return all, nil
}

func (a *App) routes(tx *db.Tx, orders []string) (map[string]inventory.Route, error) {
	heads, err := a.Order.Heads(tx, orders, false)
	if err != nil {
		return nil, err
	}
	all := make(map[string]inventory.Route, len(heads))
	for id, h := range heads {
		all[id] = inventory.Route{LegalEntity: h.LegalEntity, Account: h.Account, Country: h.ShipCountry, Province: h.ShipProvince, City: h.ShipCity}
	}
	return all, nil
}

func (a *App) release(tx *db.Tx, gone []order.Released) error {
	return a.Inventory.Release(tx, releases(gone))
}

func (a *App) restock(tx *db.Tx, gone []order.Released, demands []stock.Demand) (stock.Outcome, error) {
	return a.Inventory.Change(tx, releases(gone), demands)
}

func releases(gone []order.Released) []inventory.Release {
	all := make([]inventory.Release, len(gone))
	for i, g := range gone {
		all[i] = inventory.Release{Holder: stock.ByLine, HolderID: g.LineID, Variant: g.Variant, Quantity: g.Quantity}
	}
	return all
}

func (a *App) rules(tx *db.Tx, country string, at time.Time) (order.Rules, error) {
	r, err := a.Policy.Rules(tx, country, "", at)
	if err != nil {
		return order.Rules{}, err
	}
	return order.Rules{Zone: r.Zone, TaxMode: r.TaxMode, ClosingMinute: r.ClosingMinute, UnpaidExpiry: r.UnpaidExpiry}, nil
}

func (a *App) pay(tx *db.Tx, facts []order.Money) (map[string]order.PayState, error) {
	all := make([]payment.Facts, len(facts))
	for i, f := range facts {
		all[i] = payment.Facts(f)
	}
	states, err := a.Payment.Record(tx, all)
	if err != nil {
		return nil, err
	}
	out := make(map[string]order.PayState, len(states))
	for id, s := range states {
		out[id] = order.PayState(s)
	}
	return out, nil
}

// paymentNeeds is what payments get from their neighbours.
func (a *App) paymentNeeds() payment.Needs {
	return payment.Needs{
		DB: a.DB, Audit: a.Audit, Orders: a.paidOrders,
		Meta:     func(tx *db.Tx, ids []string) (map[string]event.Meta, error) { return a.Order.Meta(tx, ids) },
		Refunded: func(tx *db.Tx, id string, parts []event.RefundPart) error { return a.Order.Refunded(tx, id, parts) },
		PayChanged: func(tx *db.Tx, id, state, basis string, at time.Time) error {
			return a.Order.PayChanged(tx, id, order.PayState(state), basis, at)
		},
		CashStep: func(tx *db.Tx, country, _ string) (int64, string, error) {
			r, err := a.Policy.Rules(tx, country, "", tx.Now)
			return r.CashStep, r.CashMode.String(), err
		},
		Presumed: func(tx *db.Tx, account string) (bool, error) {
			acc, err := a.Connect.Account(tx, account)
			return acc.Settings["cod_presumed"] == "yes", err
		},
		DueChanged: func(tx *db.Tx, ids []string) error { return a.Dispatch.CashChanged(tx, ids) },
		Second:     a.second,
		CanRefund:  func(channel string) bool { return a.Connect.Can(channel).Refund },
		Gateway: func(name string) (gateway.Gateway, error) {
			gw, _, err := a.openGateway(name, "")
			return gw, err
		},
	}
}

func (a *App) paidOrders(tx *db.Tx, ids []string, lock bool) (map[string]payment.Order, error) {
	heads, err := a.Order.Heads(tx, ids, lock)
	if err != nil {
		return nil, err
	}
	lines, err := a.Order.Lines(tx, ids)
	if err != nil {
		return nil, err
	}
	all := make(map[string]payment.Order, len(heads))
	for id, h := range heads {
		o := payment.Order{
			ID: id, Number: h.Number, Account: h.Account, Channel: h.Channel, External: h.External, Country: h.Country, Currency: h.Currency, Total: h.Sums.Total,
			Effective: h.Effective(), Cancelled: h.State == order.Cancelled, Version: h.Version,
		}
		for _, l := range lines[id] {
			o.Lines = append(o.Lines, payment.OrderLine{ID: l.ID, External: l.External, Ordered: l.Ordered, Cancelled: l.Cancelled, Total: l.Total})
		}
		all[id] = o
	}
	return all, nil
}

// orderConsumers are the events that orders follow: a listing was mapped, stock came.
func (a *App) orderConsumers() []outbox.Consumer {
	return []outbox.Consumer{
		{Name: "order.mapped", Types: []string{"listing.mapped"}, Handle: func(tx *db.Tx, batch []outbox.Stored) error {
			for _, e := range batch {
				b, err := outbox.Decode[catalog.Mapped](e)
				if err != nil {
					return err
				}
				r, err := a.Catalog.ResolvedOf(tx, b.Listing)
				if err != nil {
					return err
				}
				if err := a.Order.Mapped(tx, b.Listing, resolved(r)); err != nil {
					return err
				}
			}
			return nil
		}},
		{Name: "order.refilled", Types: []string{event.StockRefilled, event.StockShort}, Handle: func(tx *db.Tx, batch []outbox.Stored) error {
			seen, ids := map[string]bool{}, []string{}
			for _, e := range batch {
				if e.Order != "" && !seen[e.Order] {
					seen[e.Order] = true
					ids = append(ids, e.Order)
				}
			}
			return a.Order.Review(tx, ids, "stock")
		}},
		{Name: "order.unpacked", Types: []string{event.FulfillmentChanged, event.ShipmentClosed}, Handle: func(tx *db.Tx, batch []outbox.Stored) error {
			var ids []string
			for _, e := range batch {
				if e.Order != "" {
					ids = append(ids, e.Order)
				}
			}
			slices.Sort(ids)
			return a.Order.Unpacked(tx, slices.Compact(ids))
		}},
	}
}

// stockNeeds is what telling stock and prices gets from catalog, inventory and orders.
func (a *App) stockNeeds() connect.StockNeeds {
	return connect.StockNeeds{
		Changed: a.Inventory.TakeChanged,
		Listings: func(tx *db.Tx, account string, variants []string) ([]connect.Offer, error) {
			found, err := a.Catalog.Listings(tx, account, variants)
			return offers(found), err
		},
		OffersOf: func(tx *db.Tx, account, after string, limit int) ([]connect.Offer, error) {
			found, err := a.Catalog.Mapped(tx, account, after, limit)
			return offers(found), err
		},
		Named: func(tx *db.Tx, account string, names []string) ([]connect.Offer, error) {
			found, err := a.Catalog.Named(tx, account, names)
			return offers(found), err
		},
		Promise: a.promise,
		HeldBack: func(tx *db.Tx, account string, variants []string) (map[string]int64, error) {
			untold, err := a.Dispatch.Untold(tx, account)
			if err != nil {
				return nil, err
			}
			return a.Order.HeldBack(tx, account, variants, untold)
		},
		VariantsOf: func(tx *db.Tx, lines []string) ([]string, error) { return a.Order.VariantsOf(tx, lines) },
		Prices: func(tx *db.Tx, acc channel.Account, variants []string) (map[string]channel.PriceLevel, error) {
			found, err := a.Catalog.Price(tx, catalog.PriceQuery{Country: acc.Country, Currency: acc.Currency, Channel: acc.Channel, Account: acc.ID, Variants: variants, At: tx.Now})
			all := make(map[string]channel.PriceLevel, len(found))
			for v, p := range found {
				all[v] = channel.PriceLevel{Price: p.Amount, Compare: p.Compare}
			}
			return all, err
		},
	}
}

func offers(found []catalog.Listing) []connect.Offer {
	all := make([]connect.Offer, len(found))
	for i, l := range found {
		all[i] = connect.Offer{ID: l.ID, Account: l.Account, Variant: l.Variant, SKU: l.SKU, Ref: l.Ref}
	}
	return all
}

// promise asks inventory once for each of the partner's locations.
func (a *App) promise(tx *db.Tx, acc channel.Account, variants []string, groups map[string][]string) (map[string]map[string]int64, error) {
	all := map[string]map[string]int64{}
	for theirs, ours := range groups {
		got, err := a.Inventory.Available(tx, inventory.AvailQuery{Account: acc.ID, LegalEntity: acc.LegalEntity, Country: acc.Country, Variants: variants, Locations: ours})
		if err != nil {
			return nil, err
		}
		for v, e := range got {
			if all[v] == nil {
				all[v] = map[string]int64{}
			}
			all[v][theirs] = e.Promise
		}
	}
	return all, nil
}
