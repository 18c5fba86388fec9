package app

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/courier/all"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/httpclient"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// courier opens a courier by name.
func (a *App) courier(_ context.Context, name string) (courier.Courier, courier.Kind, error) {
	a.couriers.Lock()
	defer a.couriers.Unlock()
	if o, ok := a.couriers.open[name]; ok {
		return o.courier, o.kind, nil
	}
	for _, k := range all.With(ledger{a}, a.Config.Depot) {
		if k.Name != name || k.Open == nil {
			continue
		}
		secrets := a.Vault.Source("courier:" + name)
		c, err := k.Open(partner.Config{
			Account: name, Settings: defaults(k.Settings), Secret: secrets, Now: a.DB.Now, Log: a.Log.With("courier", name),
			HTTP: a.HTTP.Client(httpclient.Options{
				Account: "courier:" + name, Channel: name, PerSecond: k.Limits.PerSecond, Burst: k.Limits.Burst, Concurrency: k.Limits.Concurrency,
				Throttled: k.Limits.Throttled, AllowPrivate: a.Config.AllowPrivate,
			}),
		})
		if err != nil {
			return nil, k, err
		}
		if a.couriers.open == nil {
			a.couriers.open = map[string]openCourier{}
		}
		a.couriers.open[name] = openCourier{c, k}
		return c, k, nil
	}
	return nil, courier.Kind{}, fault.New(fault.NotFound, "there is no courier %q", name)
}

// openCourier is a courier that has been opened.
type openCourier struct {
	courier courier.Courier
	kind    courier.Kind
}

func defaults(settings []partner.Setting) map[string]string {
	all := map[string]string{}
	for _, s := range settings {
		if s.Default != "" && !s.Secret {
			all[s.Name] = s.Default
		}
	}
	return all
}

// ledger keeps numbers that people typed: one parcel a number at a carrier.
type ledger struct{ a *App }

// Claim implements manual.Ledger.
func (l ledger) Claim(ctx context.Context, _, carrier, tracking, reference string) error {
	return l.a.DB.Read(ctx, func(tx *db.Tx) error { return l.a.Dispatch.NumberFree(tx, carrier, tracking, reference) })
}

// parcelFor fills in what booking needs: who it goes to, from the personal record, and what is in it. The reading is audited.
func (a *App) parcelFor(ctx context.Context, ask dispatch.ParcelAsk) (courier.Parcel, error) {
	sh := ask.Shipment
	p := courier.Parcel{Pieces: 1, Grams: sh.WeightG, Cash: sh.Cash, Service: sh.Service, ShipAt: a.DB.Now().Add(time.Hour)}
	buyer, account := "", ""
	err := a.DB.Read(ctx, func(tx *db.Tx) error {
		heads, err := a.Order.Heads(tx, []string{sh.OrderID}, false)
		if err != nil {
			return err
		}
		h := heads[sh.OrderID]
		p.Number, buyer, account, p.Value = h.Number, h.Buyer, h.Account, money.Of(h.Sums.Total, h.Currency)
		from, err := a.Inventory.Locations(tx, sh.Location)
		if err != nil || len(from) == 0 {
			return err
		}
		l := from[0]
		p.From = courier.Address{Code: l.Code, Name: l.Name, Company: l.Name, Line1: l.Name, City: l.City, Province: l.Province, Country: l.Country}
		p.Contents = p.Contents[:0]
		for _, g := range sh.Goods {
			p.Contents = append(p.Contents, courier.Content{SKU: g.SKU, Title: g.SKU, Quantity: g.Quantity})
		}
		return nil
	})
	if err != nil {
		return p, err
	}
	rec, err := a.Zones.Read(ctx, account, buyer, privacy.Reading{Actor: ask.Actor, Purpose: ask.Purpose, To: "courier:" + sh.Courier})
	if err != nil {
		return p, err
	}
	to := rec.ShipTo
	p.To = courier.Address{
		Name: first(to.Name, rec.Person.Name), Company: to.Company, Phone: first(to.Phone, rec.Person.Phone), Phone2: to.Phone2, Email: rec.Person.Email, Line1: to.Line1, Line2: to.Line2,
		District: to.District, City: to.City, Province: to.Province, Postcode: to.Postcode, Country: to.Country,
	}
	return p, nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
