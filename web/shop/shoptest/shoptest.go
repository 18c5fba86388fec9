// Package shoptest is a web shop with everything real behind it, for the tests of checkout and of its HTTP interface. Start at New.
package shoptest

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/ownsite"
	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/gateway/demo"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// House is the shop: one storefront in Pakistan, one warehouse and one branch, cash on delivery and the demo provider.
type House struct {
	T        testing.TB
	D        *db.DB
	Cart     *cart.Service
	Orders   *order.Service
	Stock    *inventory.Service
	Catalog  *catalog.Service
	Connect  *connect.Service
	Policy   *policy.Service
	Privacy  *privacy.Store
	Provider *demo.Provider
	Store    cart.Storefront
	Account  connect.Account

	Warehouse, Branch string
	Variants          map[string]string // by SKU
	// Import is what checkout calls; a test may put something else here.
	Import func(ctx context.Context, account string, c channel.Change) (channel.Landing, error)
}

// The range: SKU, price in PKR minor units, stock in the warehouse.
const (
	Shirt = "SHIRT"   // PKR 1,500.00, 25 in the warehouse, 15 in the branch
	Cap   = "CAP"     // PKR 499.00, 3 in the warehouse
	Tea   = "TEA"     // PKR 250.50, 100 in the warehouse
	Set   = "SET"     // PKR 1,900.00: a shirt and two caps
	Free  = "NOPRICE" // in the catalog, without a price
)

// New opens the shop on a database.
func New(t testing.TB, d *db.DB) *House {
	t.Helper()
	h := &House{T: t, D: d, Provider: demo.New(d.Now), Variants: map[string]string{}}
	h.contexts()
	h.goods()
	h.shops()
	return h
}

// Must fails the test on an error.
func (h *House) Must(err error) {
	h.T.Helper()
	if err != nil {
		h.T.Fatal(err)
	}
}

// Write runs fn in a transaction.
func (h *House) Write(fn func(tx *db.Tx) error) {
	h.T.Helper()
	h.Must(h.D.Write(context.Background(), fn))
}

// Read runs fn in a reading transaction.
func (h *House) Read(fn func(tx *db.Tx) error) {
	h.T.Helper()
	h.Must(h.D.Read(context.Background(), fn))
}

type secrets struct{}

func (secrets) Values(string, string) []string                         { return nil }
func (secrets) Newest(context.Context, string, string) (string, error) { return "", nil }
func (secrets) Put(*db.Tx, string, string, []byte, time.Time) error    { return nil }

// contexts opens everything but stock and shops.
func (h *House) contexts() {
	ctx := context.Background()
	path := filepath.Join(h.T.TempDir(), "vault.key")
	h.Must(vault.CreateKeyFile(path))
	v, err := vault.Open(ctx, h.D, vault.Options{KeyFile: path, Log: slog.New(slog.DiscardHandler)})
	h.Must(err)
	log, err := audit.New(ctx, v)
	h.Must(err)
	h.Privacy, err = privacy.Open(ctx, h.D, v, log, privacy.Options{})
	h.Must(err)
	key, err := h.Privacy.ContentKey()
	h.Must(err)
	h.Policy = policy.New(policy.Needs{DB: h.D, Audit: log.Write})
	h.Must(h.Policy.Seed(ctx))
	h.Catalog = catalog.New(catalog.Needs{DB: h.D, Audit: log.Write})
	h.Stock = inventory.New(inventory.Needs{
		DB: h.D, Audit: log.Write, Parts: h.Catalog.Parts, Variants: h.Catalog.Variants,
		Routes:  func(*db.Tx, []string) (map[string]inventory.Route, error) { return map[string]inventory.Route{}, nil },
		Unheard: func(*db.Tx, string) (time.Duration, time.Duration, error) { return time.Hour, 2 * time.Hour, nil },
	})
	h.Orders = order.New(h.orderNeeds())
	h.Connect = connect.New(connect.Needs{
		DB: h.D, Log: slog.New(slog.DiscardHandler), Kinds: []channel.Kind{ownsite.Kind(source{h})}, Secrets: secrets{}, Privacy: h.Privacy, Audit: log,
		HTTP: func(connect.Account, channel.Limits) *http.Client { return http.DefaultClient }, Import: h.Orders.Import, Prepare: h.Orders.Stock, Adopt: h.Orders.Adopt,
		SaveListings:   func(*db.Tx, string, []channel.Listing) error { return nil },
		AddressMissing: h.Policy.CheckAddress, HashKey: key,
	})
	h.Import = h.Connect.Direct
	h.Cart = cart.New(h.cartNeeds(log, key))
}
