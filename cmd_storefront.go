package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/web/api"
)

type storefrontCmd struct {
	List storefrontListCmd `cmd:"" help:"List web shops."`
	Show storefrontShowCmd `cmd:"" help:"Show a web shop."`
	Add  storefrontAddCmd  `cmd:"" help:"Open a web shop; it sells at /shop/v1/CODE."`
	Set  storefrontSetCmd  `cmd:"" help:"Change a web shop; what is not said stays."`
}

// StorefrontFlags are what a storefront is made of.
type StorefrontFlags struct {
	Name      string            `help:"What buyers call it; default its code."`
	Country   string            `help:"ISO 3166-1, such as PK; default the account's."`
	Currency  string            `help:"ISO 4217; default the account's."`
	Language  string            `help:"That it speaks unless a buyer asks for another; default en."`
	Languages []string          `help:"All that it speaks: --languages en,ur."`
	PriceList string            `help:"A name for people; prices are found by country, currency and account."`
	Pay       []string          `help:"A way to pay: a payment provider, or PROVIDER=TITLE. May be repeated; default cod." sep:"none" placeholder:"PROVIDER"`
	Delivery  map[string]string `help:"A way to be sent the goods and its price: --delivery standard=250. May be repeated." placeholder:"CODE=PRICE"`
	Title     map[string]string `help:"What buyers read of a delivery: --title 'standard=Standard delivery'." placeholder:"CODE=TEXT"`
	FreeOver  map[string]string `help:"A delivery is free from this sum on: --free-over standard=5000." placeholder:"CODE=SUM"`
	Days      map[string]int64  `help:"A delivery promises so many days: --days standard=3." placeholder:"CODE=N"`
}

// body is what the flags say; currency is that of the storefront.
func (f StorefrontFlags) body(currency string) (map[string]any, error) {
	b := given(map[string]any{"name": f.Name, "country": strings.ToUpper(f.Country), "currency": strings.ToUpper(f.Currency), "language": f.Language, "price_list": f.PriceList})
	if len(f.Languages) > 0 {
		b["languages"] = f.Languages
	}
	var pay []any
	for _, p := range f.Pay {
		provider, title, _ := strings.Cut(p, "=")
		pay = append(pay, given(map[string]any{"provider": provider, "title": title}))
	}
	if len(pay) > 0 {
		b["payment_methods"] = pay
	}
	for flag, codes := range map[string][]string{"title": keys(f.Title), "free-over": keys(f.FreeOver), "days": keys(f.Days)} {
		for _, code := range codes {
			if _, ok := f.Delivery[code]; !ok {
				return nil, fault.Field(flag, "speaks of the delivery %q: say --delivery %s=PRICE too", code, code)
			}
		}
	}
	sum := func(text string) map[string]string { return map[string]string{"amount": text, "currency": currency} }
	var ways []any
	for _, code := range keys(f.Delivery) {
		way := given(map[string]any{"code": code, "name": f.Title[code], "price": sum(f.Delivery[code])})
		if over := f.FreeOver[code]; over != "" {
			way["free_over"] = sum(over)
		}
		if n := f.Days[code]; n != 0 {
			way["days"] = n
		}
		ways = append(ways, way)
	}
	if len(ways) > 0 {
		b["deliveries"] = ways
	}
	return b, nil
}

// keep has a delivery that only gets another price keep its title, its free sum and its days.
func (f *StorefrontFlags) keep(x cart.Storefront) {
	for _, d := range x.Deliveries {
		if _, said := f.Delivery[d.Code]; !said {
			continue
		}
		if f.Title[d.Code] == "" {
			f.Title = with(f.Title, d.Code, d.Name)
		}
		if f.FreeOver[d.Code] == "" && d.FreeOver != nil && d.FreeOver.Currency == d.Price.Currency {
			f.FreeOver = with(f.FreeOver, d.Code, d.FreeOver.Decimal())
		}
		if f.Days[d.Code] == 0 {
			f.Days = with(f.Days, d.Code, d.Days)
		}
	}
}

func with[V any](m map[string]V, key string, v V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = v
	return m
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

type storefrontListCmd struct{}

// Run lists storefronts.
func (c *storefrontListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/storefronts", nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[cart.Storefront]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, x := range p.Items {
				rows = append(rows, []string{x.Code, x.Country, x.Currency, strings.Join(x.Languages, ","), strings.Join(payments(x), ","), strings.Join(deliveries(x), ", "), yes(x.Active), x.Name})
			}
			return table(w, "CODE COUNTRY CURRENCY LANGUAGES PAY DELIVERY OPEN NAME", rows)
		})
	})
}

func payments(x cart.Storefront) (all []string) {
	for _, m := range x.Payments {
		all = append(all, m.Provider)
	}
	return all
}

func deliveries(x cart.Storefront) (all []string) {
	for _, d := range x.Deliveries {
		all = append(all, d.Code+" "+d.Price.String())
	}
	return all
}

type storefrontShowCmd struct {
	Storefront string `arg:"" help:"Code or id."`
}

// Run shows a storefront.
func (c *storefrontShowCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, at("storefronts", c.Storefront), nil)
		if err != nil {
			return err
		}
		var account string
		var x cart.Storefront
		if err := r.into(&x); err != nil {
			return err
		}
		if a, err := cl.get(ctx, at("accounts", x.Account), nil); err == nil {
			var acc api.Account
			if err := a.into(&acc); err != nil {
				return err
			}
			account = acc.Name + ", " + string(acc.Mode)
		}
		return cl.show(r, func(w io.Writer) error {
			rows := [][]string{
				{"storefront", x.Code + " (" + x.ID + "), version " + itoa(x.Version)},
				{"name", x.Name},
				{"address", "/shop/v1/" + x.Code},
				{"sells in", x.Country + ", " + x.Currency},
				{"speaks", strings.Join(x.Languages, ", ") + "; " + x.Language + " unless asked"},
				{"price list", dash(x.PriceList)},
				{"account", account},
				{"open", yes(x.Active)},
			}
			for _, m := range x.Payments {
				rows = append(rows, []string{"pay", fmt.Sprintf("%s (%s, %s)", m.Title, m.Provider, m.Method)})
			}
			for _, d := range x.Deliveries {
				text := fmt.Sprintf("%s (%s) %s", d.Name, d.Code, d.Price)
				if d.FreeOver != nil {
					text += ", free from " + d.FreeOver.String()
				}
				if d.Days > 0 {
					text += fmt.Sprintf(", %d days", d.Days)
				}
				rows = append(rows, []string{"delivery", text})
			}
			return table(w, "WHAT VALUE", rows)
		})
	})
}

type storefrontAddCmd struct {
	Code string `arg:"" help:"As in its address: small letters, digits, dashes."`
	StorefrontFlags
	Account    string `help:"The account of channel ownsite that its orders come in through; default one named like the code, which is made if there is none."`
	Entity     string `help:"For a new account, the company that sells, by code; may be missing where a country has one."`
	EntityName string `help:"Register the company of --entity under this name first, where it is not known yet."`
	Mode       string `help:"Of a new account." enum:"shadow,intake,live" default:"live"`
}

// Run opens a storefront, with an account where there is none yet.
func (c *storefrontAddCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if len(c.Delivery) == 0 {
		return fault.Field("delivery", "say how goods are sent and what that costs: --delivery standard=250")
	}
	if _, err := c.body(""); err != nil {
		return err
	}
	return g.with(ctx, s, func(cl *client) error {
		acc, err := c.account(ctx, cl)
		if err != nil {
			return err
		}
		currency := strings.ToUpper(c.Currency)
		if currency == "" {
			currency = acc.Currency
		}
		body, err := c.body(currency)
		if err != nil {
			return err
		}
		body["code"], body["account"] = c.Code, acc.Name
		r, err := cl.act(ctx, http.MethodPost, "/storefronts", "", body)
		if err != nil {
			return err
		}
		return cl.said(r, "%s sells at /shop/v1/%s; next: import products and prices in %s, and stock", c.Code, c.Code, currency)
	})
}

// account finds the account that orders come in through, or makes it.
func (c *storefrontAddCmd) account(ctx context.Context, cl *client) (acc api.Account, err error) {
	name := c.Account
	if name == "" {
		name = c.Code
	}
	r, err := cl.get(ctx, at("accounts", name), nil)
	if err == nil {
		return acc, r.into(&acc)
	}
	if !fault.Is(err, fault.NotFound) || c.Account != "" {
		return acc, err
	}
	country := strings.ToUpper(c.Country)
	if country == "" {
		return acc, fault.Field("country", "is missing: say --country, such as PK")
	}
	if c.EntityName != "" {
		if err := cl.register(ctx, c.Entity, c.EntityName, country, strings.ToUpper(c.Currency)); err != nil {
			return acc, err
		}
	}
	r, err = cl.act(ctx, http.MethodPost, "/accounts", "", given(map[string]any{
		"name": name, "channel": "ownsite", "country": country, "currency": strings.ToUpper(c.Currency), "legal_entity": c.Entity, "mode": c.Mode,
		"settings": given(map[string]any{"storefront": c.Code, "title": c.Name}),
	}))
	if err != nil {
		return acc, err
	}
	return acc, r.into(&acc)
}

type storefrontSetCmd struct {
	Storefront string `arg:"" help:"Code or id."`
	StorefrontFlags
	Account string `help:"Another account of channel ownsite."`
	Open    bool   `help:"Open to buyers." xor:"open"`
	Closed  bool   `help:"Closed to buyers; orders that were placed go on." xor:"open"`
}

// Run changes a storefront in the version that it has now.
func (c *storefrontSetCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		now, err := cl.get(ctx, at("storefronts", c.Storefront), nil)
		if err != nil {
			return err
		}
		var x cart.Storefront
		if err := now.into(&x); err != nil {
			return err
		}
		currency := strings.ToUpper(c.Currency)
		if currency == "" {
			currency = x.Currency
		}
		c.keep(x)
		body, err := c.body(currency)
		if err != nil {
			return err
		}
		if c.Account != "" {
			body["account"] = c.Account
		}
		if c.Open || c.Closed {
			body["active"] = c.Open
		}
		r, err := cl.act(ctx, http.MethodPut, at("storefronts", c.Storefront), now.etag, body)
		if err != nil {
			return err
		}
		return cl.said(r, "%s is changed", x.Code)
	})
}
