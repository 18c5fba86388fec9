package connect

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// house is connect with the real order, payment, catalog and inventory behind it, and the demo channel in front.
type house struct {
	t    testing.TB
	d    *db.DB
	s    *Service
	ord  *order.Service
	inv  *inventory.Service
	cat  *catalog.Service
	shop *demo.Shop
	acc  Account

	relay     *outbox.Relay
	consumers *outbox.Consumers
	location  string
}

var numbers atomic.Int64

type testSecrets struct{ v *vault.Vault }

func (s testSecrets) Values(owner, name string) []string {
	all, err := s.v.Values(context.Background(), owner, name)
	if err != nil {
		return nil
	}
	return all
}

func (s testSecrets) Newest(ctx context.Context, owner, name string) (string, error) {
	v, err := s.v.Reload(ctx, owner, name)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return v.Secret.Reveal(), err
}

func (s testSecrets) Put(tx *db.Tx, owner, name string, secret []byte, expires time.Time) error {
	_, err := s.v.Put(tx, owner, name, vault.Hide(string(secret)), vault.PutOptions{ExpiresAt: expires})
	return err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func setup(t testing.TB, d *db.DB, mode channel.Mode) *house {
	t.Helper()
	ctx := context.Background()
	key := filepath.Join(t.TempDir(), "vault.key")
	must(t, vault.CreateKeyFile(key))
	h := build(t, d, key)
	h.goods()
	var err error
	h.acc, err = h.s.Add(ctx, Adding{
		Name: "demo-shop", Channel: "demo", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: "le-1", Mode: mode, Actor: "test",
		Secrets: map[string]string{demo.HookSecret: demo.Secret, demo.AppSecret: "test-app-secret"},
	})
	must(t, err)
	_, err = h.s.PullListings(ctx, h.acc.ID)
	must(t, err)
	return h
}

// build puts the contexts of a house together on a database that may have been lived in, with a new shop in front.
func build(t testing.TB, d *db.DB, key string) *house {
	t.Helper()
	shop := demo.New()
	shop.SetClock(d.Now)
	return buildFor(t, d, key, shop)
}

// buildFor is build in front of this shop.
func buildFor(t testing.TB, d *db.DB, key string, shop *demo.Shop) *house {
	t.Helper()
	ctx := context.Background()
	v, err := vault.Open(ctx, d, vault.Options{KeyFile: key})
	must(t, err)
	log, err := audit.New(ctx, v)
	must(t, err)
	priv, err := privacy.Open(ctx, d, v, log, privacy.Options{})
	must(t, err)
	h := &house{t: t, d: d, shop: shop}
	h.cat = catalog.New(catalog.Needs{DB: d, Audit: log.Write})
	h.inv = inventory.New(inventory.Needs{
		DB: d, Audit: log.Write, Parts: h.cat.Parts, Variants: h.cat.Variants,
		Routes:  func(*db.Tx, []string) (map[string]inventory.Route, error) { return map[string]inventory.Route{}, nil },
		Unheard: func(*db.Tx, string) (time.Duration, time.Duration, error) { return time.Hour, 2 * time.Hour, nil },
	})
	pay := payment.New(payment.Needs{
		DB: d, Audit: log, Orders: func(*db.Tx, []string, bool) (map[string]payment.Order, error) { return nil, nil },
		Meta: func(tx *db.Tx, ids []string) (map[string]event.Meta, error) { return h.ord.Meta(tx, ids) },
	})
	h.ord = order.New(h.orderNeeds(pay))
	contentKey, err := priv.ContentKey()
	must(t, err)
	h.s = New(Needs{
		DB: d, Kinds: []channel.Kind{demo.Kind(h.shop)}, Secrets: testSecrets{v}, Privacy: priv, Audit: log, HTTP: func(Account, channel.Limits) *http.Client { return http.DefaultClient },
		Import: h.ord.Import, Held: h.ord.Held, Prepare: h.ord.Stock, Adopt: h.ord.Adopt, HashKey: contentKey,
		Unmapped: h.cat.CountUnmapped,
		SaveListings: func(tx *db.Tx, account string, ls []channel.Listing) error {
			_, err := h.cat.SaveListings(tx, account, ls)
			return err
		},
		AddressMissing: func(context.Context, string, channel.Address) ([]string, error) { return nil, nil },
		Packed:         func(*db.Tx, Outcome) error { return nil }, Shipped: func(*db.Tx, Outcome) error { return nil }, RefundDone: func(*db.Tx, Outcome) error { return nil },
		Stock: h.stockNeeds(),
	})
	h.relay = outbox.NewRelay(d, slog.Default())
	h.consumers = outbox.NewConsumers(d, slog.Default(), h.s.Teller())
	return h
}

func (h *house) orderNeeds(pay *payment.Service) order.Needs {
	return order.Needs{
		DB: h.d, Costs: h.cat.Costs, Reserve: h.inv.Reserve, Short: h.inv.ShortOf,
		Resolve: func(tx *db.Tx, wanted []order.Wanted) ([]order.Resolved, error) {
			q := make([]catalog.ListingQuery, len(wanted))
			for i, w := range wanted {
				q[i] = catalog.ListingQuery(w)
			}
			found, err := h.cat.Resolve(tx, q)
			all := make([]order.Resolved, len(found))
			for i, r := range found {
				all[i] = order.Resolved{Listing: r.Listing, Variant: r.Variant, SKU: r.SKU, Title: r.Title, Kit: r.Kit, Ships: r.Ships, Ignored: r.Ignored, Parts: r.Parts}
			}
			return all, err
		},
		Rank: func(_ *db.Tx, rs []order.Route) ([][]string, error) {
			all := make([][]string, len(rs))
			for i := range all {
				all[i] = []string{h.location}
			}
			return all, nil
		},
		Release: func(tx *db.Tx, gone []order.Released) error { return h.inv.Release(tx, releases(gone)) },
		Change: func(tx *db.Tx, gone []order.Released, ds []stock.Demand) (stock.Outcome, error) {
			return h.inv.Change(tx, releases(gone), ds)
		},
		Pay: func(tx *db.Tx, facts []order.Money) (map[string]order.PayState, error) {
			var all []payment.Facts
			for _, f := range facts {
				all = append(all, payment.Facts(f))
			}
			states, err := pay.Record(tx, all)
			out := map[string]order.PayState{}
			for id, s := range states {
				out[id] = order.PayState(s)
			}
			return out, err
		},
		Paid: pay.Paid, Announce: func(*db.Tx, []string) error { return nil }, Void: pay.Void,
		Rules: func(*db.Tx, string, time.Time) (order.Rules, error) { return order.Rules{Zone: "Asia/Karachi"}, nil },
		Numbers: func(_ context.Context, prefix string, n int) ([]string, error) {
			var all []string
			for range n {
				all = append(all, fmt.Sprintf("%s-%d-%06d", prefix, os.Getpid(), numbers.Add(1)))
			}
			return all, nil
		},
		Committed: func(*db.Tx, []string) (map[string]int64, error) { return map[string]int64{}, nil },
		Withdraw:  func(*db.Tx, string, []event.UnitsMove, string) error { return nil },
		Parcels:   func(*db.Tx, []order.ParcelFact) error { return nil }, Returns: func(*db.Tx, []channel.ReturnChange, string) error { return nil },
	}
}

func releases(gone []order.Released) (all []inventory.Release) {
	for _, g := range gone {
		all = append(all, inventory.Release{Holder: stock.ByLine, HolderID: g.LineID, Variant: g.Variant, Quantity: g.Quantity})
	}
	return all
}

func (h *house) stockNeeds() StockNeeds {
	offers := func(found []catalog.Listing, err error) ([]Offer, error) {
		var all []Offer
		for _, l := range found {
			all = append(all, Offer{ID: l.ID, Account: l.Account, Variant: l.Variant, SKU: l.SKU, Ref: l.Ref})
		}
		return all, err
	}
	return StockNeeds{
		Changed: h.inv.TakeChanged,
		Listings: func(tx *db.Tx, account string, vs []string) ([]Offer, error) {
			return offers(h.cat.Listings(tx, account, vs))
		},
		OffersOf: func(tx *db.Tx, account, after string, limit int) ([]Offer, error) {
			return offers(h.cat.Mapped(tx, account, after, limit))
		},
		Named: func(tx *db.Tx, account string, names []string) ([]Offer, error) {
			return offers(h.cat.Named(tx, account, names))
		},
		Promise: func(tx *db.Tx, acc channel.Account, vs []string, groups map[string][]string) (map[string]map[string]int64, error) {
			all := map[string]map[string]int64{}
			for theirs, ours := range groups {
				got, err := h.inv.Available(tx, inventory.AvailQuery{Account: acc.ID, Variants: vs, Locations: ours})
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
		},
		HeldBack: func(tx *db.Tx, account string, vs []string) (map[string]int64, error) {
			return h.ord.HeldBack(tx, account, vs, nil)
		},
		VariantsOf: func(tx *db.Tx, lines []string) ([]string, error) { return h.ord.VariantsOf(tx, lines) },
		Prices:     func(*db.Tx, channel.Account, []string) (map[string]channel.PriceLevel, error) { return nil, nil },
	}
}

// goods are ten each of what the demo shop sells, in one warehouse.
func (h *house) goods() {
	h.t.Helper()
	must(h.t, h.d.Write(context.Background(), func(tx *db.Tx) error {
		ids, err := h.inv.SaveLocations(tx, []inventory.Location{{Code: "WH", Name: "Warehouse", Kind: "warehouse", LegalEntity: "le-1", Country: "PK", Zone: "Asia/Karachi", Fulfils: true, Active: true, Weight: 100}})
		if err != nil {
			return err
		}
		h.location = ids[0]
		skus := []string{"TEA-1", "RICE-5", "MUG"}
		var ps []catalog.NewProduct
		for _, sku := range skus {
			ps = append(ps, catalog.NewProduct{SKU: sku, Title: sku})
		}
		if err := h.cat.SaveProducts(tx, ps); err != nil {
			return err
		}
		vs, err := h.cat.Variants(tx, skus)
		if err != nil {
			return err
		}
		var ms []stock.Movement
		for _, sku := range skus {
			ms = append(ms, stock.Movement{Variant: vs[sku], Location: h.location, Condition: stock.Sellable, Delta: 10, Kind: stock.MoveOpening, RefKind: "test", RefID: "opening", Actor: "test", At: tx.Now})
		}
		return h.inv.Move(tx, ms)
	}))
}

// work does everything that is due: polls, imports, events, tells.
func (h *house) work() {
	h.t.Helper()
	ctx := context.Background()
	for range 3 {
		_, err := h.s.Poll(ctx, h.acc.ID)
		must(h.t, err)
		for n := 1; n > 0; {
			n, err = h.s.ImportOnce(ctx)
			must(h.t, err)
		}
		must(h.t, outbox.Drain(ctx, h.relay, h.consumers))
		for n := 1; n > 0; {
			n, err = h.s.TellOnce(ctx)
			must(h.t, err)
		}
		for n := 1; n > 0; {
			n, err = h.s.ReadOnce(ctx)
			must(h.t, err)
		}
		for n := 1; n > 0; {
			n, err = h.s.MarkChanged(ctx, 100)
			must(h.t, err)
		}
		for n := 1; n > 0; {
			n, err = h.s.PushOnce(ctx, h.acc.ID)
			must(h.t, err)
		}
	}
}

func (h *house) orders() []order.Head {
	h.t.Helper()
	var page order.Page
	must(h.t, h.d.Read(context.Background(), func(tx *db.Tx) (err error) {
		page, err = h.ord.List(tx, order.Filter{Account: h.acc.ID}, "", 500)
		return err
	}))
	return page.Items
}
