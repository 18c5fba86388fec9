package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/gateway/all"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/httpclient"
)

// newCart wires the own shop's checkout.
func (a *App) newCart(key []byte) *cart.Service {
	return cart.New(cart.Needs{
		DB: a.DB, Log: a.Log, Privacy: a.Privacy, HashKey: key, Audit: a.Audit.Write, Variants: a.Catalog.Variants, Missing: a.Policy.CheckAddress,
		Range: func(tx *db.Tx, after string, limit int) ([]cart.Item, error) {
			vs, err := a.Catalog.List(tx, after, limit)
			return items(vs), err
		},
		Items: func(tx *db.Tx, ids []string) (map[string]cart.Item, error) {
			vs, err := a.Catalog.ByID(tx, ids)
			out := make(map[string]cart.Item, len(vs))
			for id, v := range vs {
				if v.Active {
					out[id] = item(v)
				}
			}
			return out, err
		},
		Prices: func(tx *db.Tx, s cart.Storefront, ids []string) (map[string]cart.Price, error) {
			found, err := a.Catalog.Price(tx, catalog.PriceQuery{Country: s.Country, Currency: s.Currency, Channel: "ownsite", Account: s.Account, Variants: ids, At: tx.Now})
			out := make(map[string]cart.Price, len(found))
			for v, p := range found {
				out[v] = cart.Price{Amount: p.Amount, Compare: p.Compare}
			}
			return out, err
		},
		Promise: a.promiseSite,
		Rank: func(tx *db.Tx, s cart.Storefront, to channel.Address) ([]string, error) {
			acc, err := a.Connect.Account(tx, s.Account)
			if err != nil {
				return nil, err
			}
			ranked, err := a.Inventory.Ranked(tx, []inventory.Route{{LegalEntity: acc.LegalEntity, Account: acc.ID, Country: to.Country, Province: to.Province, City: to.City}})
			var ids []string
			for _, ps := range ranked {
				for _, p := range ps {
					ids = append(ids, p.LocationID)
				}
			}
			return ids, err
		},
		Reserve: a.Inventory.Reserve,
		Release: func(tx *db.Tx, carts []string) error {
			gone := make([]inventory.Release, len(carts))
			for i, id := range carts {
				gone[i] = inventory.Release{Holder: stock.ByCart, HolderID: id}
			}
			return a.Inventory.Release(tx, gone)
		},
		Rules:   a.siteRules,
		Rates:   a.rates,
		Gateway: a.gateway, Import: func(ctx context.Context, account string, c channel.Change) (channel.Landing, error) {
			return a.Connect.Direct(ctx, account, c)
		},
		Instead: a.instead,
	})
}

func item(v catalog.Variant) cart.Item {
	return cart.Item{Variant: v.ID, SKU: v.SKU, Title: v.Title, TaxClass: v.TaxClass, Ships: v.Ships, Parts: v.Parts}
}

func items(vs []catalog.Variant) []cart.Item {
	out := make([]cart.Item, len(vs))
	for i, v := range vs {
		out[i] = item(v)
	}
	return out
}

// promiseSite is what a storefront may promise of each variant, over all places that fulfil for its company.
func (a *App) promiseSite(tx *db.Tx, s cart.Storefront, ids []string) (map[string]int64, error) {
	acc, err := a.Connect.Account(tx, s.Account)
	if err != nil {
		return nil, err
	}
	got, err := a.Inventory.Available(tx, inventory.AvailQuery{Account: acc.ID, LegalEntity: acc.LegalEntity, Variants: ids})
	out := make(map[string]int64, len(got))
	for v, e := range got {
		out[v] = e.Promise
	}
	return out, err
}

func (a *App) siteRules(tx *db.Tx, country string, at time.Time) (cart.Rules, error) {
	r, err := a.Policy.Rules(tx, country, "", at)
	if err != nil {
		return cart.Rules{}, err
	}
	out := cart.Rules{TaxMode: r.TaxMode, TaxName: r.TaxName, Rate: r.Rate, RoundMode: r.RoundMode, Bill: r.RoundLevel == "bill"}
	if r.CashStep > 1 && slices.Contains(r.CashApplies, "cod") {
		out.CashRound = func(total money.Amount) (money.Amount, money.Amount, error) {
			return total.CashRound(r.CashStep, r.CashMode)
		}
	}
	return out, nil
}

// gateway opens a payment provider for a storefront.
func (a *App) gateway(_ context.Context, s cart.Storefront, provider string) (gateway.Gateway, gateway.Kind, error) {
	return a.openGateway(provider, s.Account)
}

func (a *App) openGateway(provider, account string) (gateway.Gateway, gateway.Kind, error) {
	kinds := all.Kinds
	if a.Config.Till != nil {
		kinds = all.With(a.Config.Till)
	}
	i := slices.IndexFunc(kinds, func(k gateway.Kind) bool { return k.Name == provider })
	if i < 0 {
		return nil, gateway.Kind{}, fault.New(fault.NotFound, "there is no payment provider %q", provider)
	}
	k := kinds[i]
	gw, err := k.Open(partner.Config{
		Account: account, Settings: defaults(k.Settings), Secret: a.Vault.Source("gateway:" + provider), Now: a.DB.Now, Log: a.Log.With("gateway", provider),
		HTTP: a.HTTP.Client(httpclient.Options{
			Account: "gateway:" + provider, Channel: provider, PerSecond: k.Limits.PerSecond, Burst: k.Limits.Burst, Concurrency: k.Limits.Concurrency,
			Throttled: k.Limits.Throttled, AllowPrivate: a.Config.AllowPrivate,
		}),
	})
	if err != nil {
		err = fmt.Errorf("payment provider %s: %w", provider, err)
	}
	return gw, k, err
}

// rates are the tax rates of classes other than the standard one, where a country has them.
func (a *App) rates(tx *db.Tx, country string, classes []string, at time.Time) (map[string]money.Rate, error) {
	out := map[string]money.Rate{}
	for _, class := range classes {
		row, err := a.Policy.Value(tx, country, "", "tax_rate."+class, at)
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
