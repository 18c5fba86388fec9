package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// house is the whole house with one company, one warehouse and one account, where nothing runs by itself: drain plays what the background would do.
type house struct {
	*testing.T
	*app.App
	entity, warehouse string
	acc               connect.Account
	variants          map[string]string
	sold              int
}

// each runs a story in a house of its own, on both engines.
func each(t *testing.T, story func(h *house), edit ...func(*app.Config)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return dbtest.SQLiteURL(tb, false) },
		"postgres": func(tb testing.TB) string { return dbtest.PostgresURL(tb) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := app.Config{DB: url(t), Data: t.TempDir(), MakeKey: true, AllowPrivate: true, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), DBOptions: db.Options{CheckLockOrder: true}}
			for _, e := range edit {
				e(&cfg)
			}
			a, err := app.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = a.Close() })
			h := &house{T: t, App: a, variants: map[string]string{}}
			h.build()
			story(h)
		})
	}
}

// build makes the company. SHIRT-M costs 1000, SHIRT-L 1000, COAT 2500, SOCKS 300 rupees; there are ten of each but of the coat.
func (h *house) build() {
	h.Helper()
	e, err := h.Policy.SaveEntity(h.Context(), policy.LegalEntity{Code: "PK", Name: "Retail", Country: "PK", Currency: "PKR"}, "test")
	h.ok(err)
	h.entity = e.ID
	prices := map[string]int64{"SHIRT-M": 100000, "SHIRT-L": 100000, "COAT": 250000, "SOCKS": 30000}
	h.write(func(tx *db.Tx) error {
		ids, err := h.Inventory.SaveLocations(tx, []inventory.Location{{
			Code: "WH", Name: "Warehouse", Kind: inventory.Warehouse, LegalEntity: e.ID, Country: "PK", City: "Lahore", Zone: "Asia/Karachi", Fulfils: true, Active: true, Weight: 100,
		}})
		if err != nil {
			return err
		}
		h.warehouse = ids[0]
		var products []catalog.NewProduct
		for sku := range prices {
			products = append(products, catalog.NewProduct{SKU: sku, Title: sku})
		}
		return h.Catalog.SaveProducts(tx, products)
	})
	h.write(func(tx *db.Tx) error {
		var err error
		if h.variants, err = h.Catalog.Variants(tx, []string{"SHIRT-M", "SHIRT-L", "COAT", "SOCKS"}); err != nil {
			return err
		}
		list := catalog.NewList{Name: "PK", Country: "PK", Currency: "PKR", Prices: map[string]int64{}}
		var ms []stock.Movement
		for sku, v := range h.variants {
			list.Prices[v] = prices[sku]
			if sku != "COAT" {
				ms = append(ms, stock.Movement{Variant: v, Location: h.warehouse, Delta: 10, Kind: stock.MoveOpening, RefKind: "test", RefID: "opening", Actor: "test"})
			}
		}
		if err := h.Inventory.Move(tx, ms); err != nil {
			return err
		}
		return h.Catalog.SavePrices(tx, list)
	})
	h.open("pk-web", map[string]string{})
}

// open adds an account, which is sold through from now on.
func (h *house) open(name string, settings map[string]string) {
	h.Helper()
	settings["storefront"], settings["currency"] = name, "PKR"
	var err error
	h.acc, err = h.Connect.Add(h.Context(), connect.Adding{
		Name: name, Channel: "ownsite", Country: "PK", Currency: "PKR", LegalEntity: h.entity, Zone: "Asia/Karachi", Mode: channel.Live, Actor: "test", SkipCheck: true, Settings: settings,
	})
	h.ok(err)
}

func (h *house) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.Helper()
	h.ok(h.DB.Write(context.Background(), fn))
}

func must[T any](h *house) func(v T, err error) T {
	return func(v T, err error) T {
		h.Helper()
		h.ok(err)
		return v
	}
}

// read asks in a transaction of its own.
func read[T any](h *house, fn func(tx *db.Tx) (T, error)) (out T) {
	h.Helper()
	h.ok(h.DB.Read(context.Background(), func(tx *db.Tx) (err error) { out, err = fn(tx); return err }))
	return out
}

// one is the only answer of a query.
func one[T any](h *house, query string, args ...any) T {
	h.Helper()
	return read(h, func(tx *db.Tx) (T, error) {
		return db.One(tx, func(row db.Scanner) (v T, err error) { return v, row.Scan(&v) }, query, args...)
	})
}

func same(h *house, want, got any) {
	h.Helper()
	if d := cmp.Diff(want, got); d != "" {
		h.Errorf("(-want +got):\n%s", d)
	}
}

// drain plays every event to its consumers.
func (h *house) drain() {
	h.Helper()
	h.ok(outbox.Drain(context.Background(), h.Relay, h.Consumers))
	if n := one[int64](h, `select count(*) from event_parked`); n > 0 {
		h.Errorf("%d events are parked: %s", n, one[string](h, `select max(cause) from event_parked`))
	}
}

// buy brings in an order of one line, paid for by card or in cash.
func (h *house) buy(sku string, quantity, price int64, cash bool) order.View {
	h.Helper()
	h.sold++
	h.ok(h.Order.Stock(h.Context(), "PK", "ownsite", 10))
	total := money.Of(price*quantity, "PKR")
	now := h.DB.Now()
	p := channel.Payment{External: "p1", Method: channel.PayCard, Gateway: "demo", Status: channel.Paid, Amount: total, At: now}
	if cash {
		p = channel.Payment{External: "p1", Method: channel.PayCOD, Status: channel.Due, Amount: total, Collector: channel.Courier}
	}
	o := channel.Order{
		External: fmt.Sprint("cart-", h.sold), PlacedAt: now, Version: now, Status: channel.Open, Country: "PK", Currency: "PKR", TaxMode: channel.TaxInclusive, Money: channel.MoneyComplete, Total: total,
		Payments: []channel.Payment{p}, ShipTo: channel.Address{Country: "PK", Province: "Punjab", City: "Lahore", Postcode: "54000"},
		Lines: []channel.Line{{
			External: "1", Listing: channel.ListingRef{External: sku, SKU: sku}, Title: sku, Quantity: quantity, UnitPrice: money.Of(price, "PKR"), Total: total, FulfilledBy: channel.Seller, Ships: true,
		}},
	}
	h.write(func(tx *db.Tx) error {
		acc := channel.Account{ID: h.acc.ID, Name: h.acc.Name, Channel: "ownsite", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: h.entity, Mode: channel.Live, Settings: h.acc.Settings}
		_, err := h.Order.Import(tx, []channel.Arrival{{Source: "direct", Account: acc, Change: channel.Change{External: o.External, Version: now, ReadAt: now}, Order: o, Hash: o.External, AddressOK: true}})
		return err
	})
	h.drain()
	return h.order(one[string](h, `select id from orders where external = $1`, o.External))
}

func (h *house) order(id string) order.View {
	h.Helper()
	return read(h, func(tx *db.Tx) (order.View, error) { return h.Order.Get(tx, id) })
}

// pack picks and packs everything of an order that is sourced, and gives each parcel its number.
func (h *house) pack(id string) {
	h.Helper()
	ctx := h.Context()
	for _, fo := range read(h, func(tx *db.Tx) ([]fulfillment.FO, error) { return h.Fulfillment.Of(tx, id) }) {
		fo = must[fulfillment.FO](h)(h.Fulfillment.Accept(ctx, fo.ID, 0, "clerk"))
		for _, l := range fo.Lines {
			must[fulfillment.FO](h)(h.Fulfillment.Pick(ctx, fo.ID, 0, "clerk", fulfillment.Scan{ID: l.ID, Code: l.SKU, Quantity: l.Quantity}))
		}
		_, err := h.Fulfillment.Pack(ctx, fo.ID, 0, "clerk", nil)
		h.ok(err)
	}
	for _, sh := range h.parcels(id) {
		_, err := h.Dispatch.Waybill(ctx, sh, 0, "clerk", courier.Waybill{Carrier: "tcs", Tracking: "T" + sh})
		h.ok(err)
	}
}

func (h *house) parcels(order string) []string {
	h.Helper()
	return read(h, func(tx *db.Tx) ([]string, error) {
		return db.All(tx, func(row db.Scanner) (v string, err error) { return v, row.Scan(&v) }, `select id from dispatch_shipments where order_id = $1`, order)
	})
}

// ship packs and hands over everything of an order that is sourced.
func (h *house) ship(id string) {
	h.Helper()
	h.pack(id)
	for _, sh := range h.parcels(id) {
		_, err := h.Dispatch.HandOver(h.Context(), sh, "clerk", h.DB.Now())
		h.ok(err)
	}
	h.drain()
}

// deliver has every parcel of an order delivered.
func (h *house) deliver(id string) {
	h.Helper()
	h.ship(id)
	for _, sh := range h.parcels(id) {
		_, err := h.Dispatch.Report(h.Context(), sh, "clerk", courier.Delivered, time.Time{}, "")
		h.ok(err)
	}
	h.drain()
}

// sound checks what always holds.
func (h *house) sound() {
	h.Helper()
	h.drain()
	for _, problem := range read(h, h.Inventory.Verify) {
		h.Error(problem)
	}
	for what, query := range map[string]string{
		"refunds of ours stay below what was captured": `select count(*) from (select r.order_id from refunds r where r.origin = 'ours' and r.state <> 'refused' group by r.order_id
			having sum(r.amount) > (select coalesce(sum(p.captured), 0) from order_payments p where p.order_id = r.order_id)) x`,
		"complete orders balance": `select count(*) from orders o where o.money = 'complete' and (o.difference <> 0 or o.total <> (select coalesce(sum(l.total), 0) from order_lines l where l.order_id = o.id)
			+ (select coalesce(sum(c.total), 0) from order_charges c where c.order_id = o.id))`,
		"lines add up":         `select count(*) from order_lines where ordered <> cancelled + open + shipped`,
		"nobody is told of it": `select count(*) from tells where external like 'ours:%'`,
	} {
		if n := one[int64](h, query); n > 0 {
			h.Errorf("%s: %d times not", what, n)
		}
	}
}
