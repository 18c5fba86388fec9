package api

import (
	"context"
	"net/http"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/gateway/all"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// StorefrontBody is what a storefront is made of; when it is changed, what is missing stays as it is.
type StorefrontBody struct {
	Account    string               `json:"account,omitempty" maxLength:"100" doc:"Id or name of the account of channel ownsite that its orders come in through; needed for a new one"`
	Name       string               `json:"name,omitempty" maxLength:"200" doc:"What buyers call it; default its code"`
	Country    string               `json:"country,omitempty" pattern:"^[A-Z]{2}$" doc:"Default: the account's"`
	Currency   string               `json:"currency,omitempty" pattern:"^[A-Z]{3}$" doc:"Default: the account's"`
	Language   string               `json:"language,omitempty" pattern:"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$" doc:"That it speaks unless a buyer asks for another; default en"`
	Languages  []string             `json:"languages,omitempty" maxItems:"50" doc:"All that it speaks"`
	PriceList  string               `json:"price_list,omitempty" maxLength:"100" doc:"A name for people: prices are found by country, currency and account"`
	Payments   []StorefrontPayment  `json:"payment_methods,omitempty" maxItems:"20" doc:"Ways to pay; default cash on delivery"`
	Deliveries []StorefrontDelivery `json:"deliveries,omitempty" maxItems:"50" doc:"Ways to be sent the goods; a new storefront needs one"`
	Active     *bool                `json:"active,omitempty" doc:"Open to buyers; default true"`
}

// StorefrontPayment is a way to pay.
type StorefrontPayment struct {
	Provider string            `json:"provider" minLength:"1" maxLength:"40" doc:"A payment provider: cod, …"`
	Method   string            `json:"method,omitempty" enum:"card,wallet,bank,gift_card,cod,other" doc:"Default: cod for cash, else card"`
	Title    string            `json:"title,omitempty" maxLength:"100" doc:"What buyers read; default the provider's"`
	Titles   map[string]string `json:"titles,omitempty" doc:"By language"`
}

// StorefrontDelivery is a way to be sent the goods.
type StorefrontDelivery struct {
	Code     string            `json:"code" minLength:"1" maxLength:"40"`
	Name     string            `json:"name,omitempty" maxLength:"100" doc:"What buyers read; default its code"`
	Names    map[string]string `json:"names,omitempty" doc:"By language"`
	Price    MoneyIn           `json:"price" doc:"With or without tax, as prices of the country are"`
	FreeOver *MoneyIn          `json:"free_over,omitempty"`
	Days     int64             `json:"days,omitempty" minimum:"0" maximum:"365" doc:"Promised days until it is there; 0 promises none"`
}

type storefrontAdd struct {
	Write
	Body struct {
		Code string `json:"code" minLength:"1" maxLength:"32" pattern:"^[a-z0-9][a-z0-9-]*$" doc:"As in its address, /shop/v1/CODE"`
		StorefrontBody
	}
}

type storefrontChange struct {
	Action
	Body StorefrontBody
}

func (s *Server) storefrontRoutes() {
	if s.Cart == nil || s.Connect == nil {
		return
	}
	const tag = "storefronts"
	show := func(tx *db.Tx, ref string) (cart.Storefront, error) { return s.Cart.StorefrontBy(tx, ref) }
	read(s, route{path: "/storefronts", id: "list-storefronts", title: "Web shops of our own", tag: tag, text: "Also those that are switched off."}, func(tx *db.Tx, _ *struct{}) (Page[cart.Storefront], error) {
		found, err := s.Cart.Storefronts(tx)
		if err == nil {
			found, err = access.Seen(tx, access.Storefronts, found, func(f cart.Storefront) string { return f.ID })
		}
		return Page[cart.Storefront]{Items: orEmpty(found)}, err
	})
	read(s, route{path: "/storefronts/{id}", id: "get-storefront", title: "Read a storefront", tag: tag, text: "By id or code."}, func(tx *db.Tx, in *One) (cart.Storefront, error) { return show(tx, in.ID) })
	write(s, route{path: "/storefronts", id: "add-storefront", title: "Open a web shop", tag: tag, scope: access.Admin, status: http.StatusCreated, text: "It sells at /shop/v1/CODE as soon as it has products with a price in its country and currency."},
		func(ctx context.Context, c *call, in *storefrontAdd) error {
			one := cart.Storefront{Code: in.Body.Code, Active: true, Language: "en", Name: in.Body.Code, Payments: []cart.Method{{Provider: "cod", Method: channel.PayCOD, Title: "Cash on delivery"}}}
			if in.Body.Account == "" {
				return fault.Field("account", "is missing: say which account of channel ownsite its orders come in through")
			}
			return s.saveStorefront(ctx, c, one, in.Body.StorefrontBody)
		}, show)
	write(s, route{method: http.MethodPut, path: "/storefronts/{id}", id: "change-storefront", title: "Change a storefront", tag: tag, scope: access.Admin, text: "What is missing stays as it is."},
		func(ctx context.Context, c *call, in *storefrontChange) error {
			var one cart.Storefront
			err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
				if one, err = show(tx, in.ID); err == nil {
					err = sameVersion(c.version, one.Version)
				}
				return err
			})
			if err != nil {
				return err
			}
			return s.saveStorefront(ctx, c, one, in.Body)
		}, show)
}

// saveStorefront lays what was said over what there is, and keeps it.
func (s *Server) saveStorefront(ctx context.Context, c *call, one cart.Storefront, b StorefrontBody) error {
	if b.Account != "" {
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			a, err := s.Connect.Account(tx, b.Account)
			switch {
			case fault.Is(err, fault.NotFound):
				return fault.Field("account", "there is no account %q", b.Account)
			case err != nil:
				return err
			case a.Channel != "ownsite":
				return fault.Field("account", "%s is an account of %s: a storefront needs one of ownsite", a.Name, a.Channel)
			}
			one.Account, one.Country, one.Currency = a.ID, or(one.Country, a.Country), or(one.Currency, a.Currency)
			return nil
		})
		if err != nil {
			return err
		}
	}
	one.Name, one.Country, one.Currency, one.Language, one.PriceList = or(b.Name, one.Name), or(b.Country, one.Country), or(b.Currency, one.Currency), or(b.Language, one.Language), or(b.PriceList, one.PriceList)
	if b.Languages != nil {
		one.Languages = b.Languages
	}
	if b.Active != nil {
		one.Active = *b.Active
	}
	var err error
	if b.Payments != nil {
		if one.Payments, err = methodsOf(b.Payments, one); err != nil {
			return err
		}
	}
	if b.Deliveries != nil {
		if one.Deliveries, err = deliveriesOf(b.Deliveries, one.Currency); err != nil {
			return err
		}
	}
	saved, err := s.Cart.SaveStorefront(ctx, one, c.actor)
	if err == nil {
		c.about(saved.ID)
	}
	if fault.CodeOf(err) == "stale" {
		return fault.New(fault.Conflict, "somebody changed it meanwhile: read it again").WithCode("version")
	}
	return err
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func methodsOf(all []StorefrontPayment, one cart.Storefront) ([]cart.Method, error) {
	var out []cart.Method
	for i, p := range all {
		m, err := methodOf(p, one, field("payment_methods", i, "provider"))
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func methodOf(p StorefrontPayment, one cart.Storefront, at string) (cart.Method, error) {
	k, ok := all.Find(p.Provider)
	switch {
	case !ok:
		return cart.Method{}, fault.Field(at, "there is no payment provider %q", p.Provider)
	case !within(k.Countries, one.Country):
		return cart.Method{}, fault.Field(at, "%s does not work in %s", k.Title, one.Country)
	case !within(k.Currencies, one.Currency):
		return cart.Method{}, fault.Field(at, "%s takes no %s", k.Title, one.Currency)
	}
	usual := string(channel.PayCard)
	if k.Cash {
		usual = string(channel.PayCOD)
	}
	return cart.Method{Provider: p.Provider, Method: channel.PaymentMethod(or(p.Method, usual)), Title: or(p.Title, k.Title), Titles: p.Titles}, nil
}

// within reports whether a list has the word; an empty list has all.
func within(list []string, word string) bool {
	for _, x := range list {
		if x == word {
			return true
		}
	}
	return len(list) == 0
}

func deliveriesOf(all []StorefrontDelivery, currency string) ([]cart.Delivery, error) {
	var out []cart.Delivery
	for i, d := range all {
		price, err := d.Price.minor(field("deliveries", i, "price"), currency)
		if err != nil {
			return nil, err
		}
		one := cart.Delivery{Code: d.Code, Name: or(d.Name, d.Code), Names: d.Names, Price: money.Of(price, currency), Days: d.Days}
		if d.FreeOver != nil {
			over, err := d.FreeOver.minor(field("deliveries", i, "free_over"), currency)
			if err != nil {
				return nil, err
			}
			free := money.Of(over, currency)
			one.FreeOver = &free
		}
		out = append(out, one)
	}
	return out, nil
}
