package app

import (
	"context"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/ownsite"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/httpclient"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// connect makes the context that talks to channels.
func (a *App) connect(key []byte) error {
	a.Connect = connect.New(connect.Needs{
		DB: a.DB, Log: a.Log, Kinds: a.kinds(), Secrets: secrets{a.Vault}, Privacy: a.Privacy, Audit: a.Audit, HTTP: a.client, Tracer: a.Config.Tracer, VariantsIn: a.Order.VariantsIn,
		Zone: a.zoneStore, Zones: a.zonesUp, ZoneFor: a.zoneFor, Local: func(channel string) bool { return channel == "ownsite" },
		Import: a.Order.Import, Held: a.Order.Held, Prepare: a.prepare, Adopt: a.Order.Adopt,
		Unmapped: a.Catalog.CountUnmapped,
		SaveListings: func(tx *db.Tx, account string, listings []channel.Listing) error {
			_, err := a.Catalog.SaveListings(tx, account, listings)
			return err
		},
		Returns: func(tx *db.Tx, changes []channel.ReturnChange, account string) error {
			return a.Returns.Channel(tx, changes, account)
		},
		Packed: func(tx *db.Tx, out connect.Outcome) error {
			return a.Dispatch.Packed(tx, out.Subject, out.Pack, out.Err)
		},
		Shipped: func(tx *db.Tx, out connect.Outcome) error {
			if out.Err != nil && !fault.Is(out.Err, fault.OutcomeUnknown) {
				return nil // it still counts the units as ours to send
			}
			return a.Dispatch.Told(tx, out.Subject)
		},
		RefundDone: func(tx *db.Tx, out connect.Outcome) error {
			return a.Payment.Settle(tx, out.Subject, out.Refund.External, out.Err)
		},
		ReturnTold: func(tx *db.Tx, out connect.Outcome) error {
			if out.Return != "" {
				return a.Returns.Opened(tx, out.Subject, out.Return)
			}
			return a.Returns.Told(tx, out.Subject, out.Err)
		},
		Stock:          a.stockNeeds(),
		AddressMissing: a.Policy.CheckAddress, PublicURL: a.Config.PublicURL, HashKey: key,
	})
	return nil
}

// client is an account's HTTP client, with the limits its channel publishes.
func (a *App) client(acc connect.Account, l channel.Limits) *http.Client {
	return a.HTTP.Client(httpclient.Options{
		Account: acc.ID, Channel: acc.Channel, PerSecond: l.PerSecond, Burst: l.Burst, Concurrency: l.Concurrency, Throttled: l.Throttled, AllowPrivate: a.Config.AllowPrivate,
		Repeatable: func(r *http.Request) bool { return channel.IsRepeatable(r.Context()) },
	})
}

// ownSite is the checkout as a channel reads it.
func (a *App) ownSite() ownsite.Source { return a.Cart }

// secrets is the vault as connect sees it.
type secrets struct{ v *vault.Vault }

// Values implements connect.Secrets.
func (s secrets) Values(owner, name string) []string {
	return s.v.Source(owner)(name)
}

// Newest implements connect.Secrets.
func (s secrets) Newest(ctx context.Context, owner, name string) (string, error) {
	v, err := s.v.Reload(ctx, owner, name)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return v.Secret.Reveal(), err
}

// Put implements connect.Secrets.
func (s secrets) Put(tx *db.Tx, owner, name string, secret []byte, expires time.Time) error {
	_, err := s.v.Put(tx, owner, name, vault.Hide(string(secret)), vault.PutOptions{ExpiresAt: expires})
	return err
}

// prepare makes numbers ready that an import may need: of orders, and of the returns that come with them.
func (a *App) prepare(ctx context.Context, country, channel string, n int) error {
	if err := a.Order.Stock(ctx, country, channel, n); err != nil {
		return err
	}
	return a.Returns.Stock(ctx, country, n)
}
