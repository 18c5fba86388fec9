package dispatch_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/courier/manual"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

var start = time.Date(2026, 11, 11, 6, 0, 0, 0, time.UTC)

var numbers atomic.Int64

// house is a company with a warehouse and two branches: real orders, stock, fulfillment and dispatch, wired as the app wires them. Money, returns and the
// catalog are of the simplest honest kind.
type house struct {
	*testing.T
	d        *db.DB
	clock    *dbtest.Clock
	order    *order.Service
	stock    *inventory.Service
	work     *fulfillment.Service
	dispatch *dispatch.Service
	relay    *outbox.Relay
	consume  *outbox.Consumers
	runner   *jobs.Runner
	wh, a, b string // locations, in rank

	mu      sync.Mutex
	kits    map[string][]event.Part // by SKU
	cash    map[string]int64        // order → due
	money   []dispatch.CashFact
	home    []dispatch.Homecoming
	choice  dispatch.Choice
	step    int64 // of the couriers' cash
	couries map[string]courier.Courier
	keys    map[string][]byte
}

// each runs a story in a house of its own, on both engines.
func each(t *testing.T, story func(h *house)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, ...dbtest.Config) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := dbtest.NewClock(start)
			story(setup(t, open(t, dbtest.Config{Now: clock.Now}), clock))
		})
	}
}

func setup(t *testing.T, d *db.DB, clock *dbtest.Clock) *house {
	t.Helper()
	h := &house{T: t, d: d, clock: clock, kits: map[string][]event.Part{}, cash: map[string]int64{}, couries: map[string]courier.Courier{}, keys: map[string][]byte{}}
	h.stock = inventory.New(inventory.Needs{
		DB: d, Parts: func(*db.Tx, []string) (map[string][]event.Part, error) { return map[string][]event.Part{}, nil },
		Variants: func(*db.Tx, []string) (map[string]string, error) { return map[string]string{}, nil },
		Routes: func(_ *db.Tx, ids []string) (map[string]inventory.Route, error) {
			out := map[string]inventory.Route{}
			for _, id := range ids {
				out[id] = inventory.Route{LegalEntity: "le", Country: "PK"}
			}
			return out, nil
		},
		Unheard: func(*db.Tx, string) (time.Duration, time.Duration, error) {
			return inventory.DefaultHalf, inventory.DefaultNone, nil
		},
		Audit: func(*db.Tx, ...audit.Entry) error { return nil },
	})
	h.order = h.orders()
	h.work = h.fulfillment()
	h.dispatch = h.dispatching()
	h.relay = outbox.NewRelay(d, slog.New(slog.DiscardHandler))
	h.consume = outbox.NewConsumers(d, slog.New(slog.DiscardHandler), h.work.Sourcer(), h.dispatch.Applier(), outbox.Consumer{
		Name: "order.stock", Types: []string{event.StockShort, event.StockRefilled}, Handle: func(tx *db.Tx, batch []outbox.Stored) error {
			var ids []string
			for _, e := range batch {
				ids = append(ids, e.Order)
			}
			return h.order.Review(tx, ids, "stock")
		},
	})
	h.runner = jobs.New(d, slog.New(slog.DiscardHandler), h.dispatch.Handlers()...)
	kind := manual.Kind(ledger{h})
	hand, err := kind.Open(partner.Config{Account: "manual", Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	h.couries[dispatch.ByHand] = hand
	h.write(func(tx *db.Tx) error {
		ids, err := h.stock.SaveLocations(tx, []inventory.Location{
			{Code: "PK-WH", Name: "Warehouse", Kind: inventory.Warehouse, LegalEntity: "le", Country: "PK", City: "Lahore", Zone: "Asia/Karachi", Priority: 1, Fulfils: true, Active: true},
			{Code: "PK-A", Name: "Liberty", Kind: inventory.Branch, LegalEntity: "le", Country: "PK", City: "Lahore", Zone: "Asia/Karachi", Priority: 2, Fulfils: true, Active: true},
			{Code: "PK-B", Name: "Clifton", Kind: inventory.Branch, LegalEntity: "le", Country: "PK", City: "Karachi", Zone: "Asia/Karachi", Priority: 3, Fulfils: true, Active: true},
		})
		if err == nil {
			h.wh, h.a, h.b = ids[0], ids[1], ids[2]
		}
		return err
	})
	if err := h.order.Stock(context.Background(), "PK", "demo", 2000); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.d.Write(context.Background(), fn); err != nil {
		h.Fatal(err)
	}
}

func read[T any](h *house, fn func(tx *db.Tx) (T, error)) (out T) {
	h.Helper()
	err := h.d.Read(context.Background(), func(tx *db.Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	return out
}

// settle has every event consumed and every job done.
func (h *house) settle() {
	h.Helper()
	if err := outbox.Drain(context.Background(), h.relay, h.consume); err != nil {
		h.Fatal(err)
	}
}

// put receives goods.
func (h *house) put(sku, location string, n int64) {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		return h.stock.Move(tx, []stock.Movement{{Variant: "var-" + sku, Location: location, Delta: n, Kind: stock.MoveReceipt, RefKind: "test", RefID: db.ID()}})
	})
}

// item is a line of a test order.
type item struct {
	sku string
	n   int64
}

// sold imports an order of the demo channel.
func (h *house) sold(external string, items []item, edit ...func(*channel.Arrival)) order.View {
	h.Helper()
	v := h.landed(external, items, edit...)
	h.settle()
	return h.get(v.ID)
}

// landed imports an order and leaves its events for later.
func (h *house) landed(external string, items []item, edit ...func(*channel.Arrival)) order.View {
	h.Helper()
	return h.imports(arrival(external, items, edit...))
}

func arrival(external string, items []item, edit ...func(*channel.Arrival)) channel.Arrival {
	pkr := func(minor int64) money.Amount { return money.Of(minor, "PKR") }
	o := channel.Order{
		External: external, Number: "#" + external, Version: start, PlacedAt: start, Status: channel.Open, Country: "PK", Currency: "PKR", TaxMode: channel.TaxNone, Money: channel.MoneyComplete,
		Payments: []channel.Payment{{External: "p1", Method: channel.PayCard, Status: channel.Paid, At: start}},
		ShipTo:   channel.Address{Country: "PK", City: "Lahore", Province: "Punjab", Postcode: "54000"},
	}
	for i, it := range items {
		o.Lines = append(o.Lines, channel.Line{
			External: fmt.Sprintf("l%d", i+1), Listing: channel.ListingRef{External: "x" + it.sku, SKU: it.sku}, Title: it.sku, Quantity: it.n,
			UnitPrice: pkr(1000), Total: pkr(1000 * it.n), FulfilledBy: channel.Seller, Ships: true,
		})
		o.Total, _ = o.Total.Add(pkr(1000 * it.n))
	}
	o.Payments[0].Amount = o.Total
	a := channel.Arrival{
		Inbox: "inbox-" + external, Source: "webhook", Order: o, Hash: "h1", Buyer: "buyer-" + external, AddressOK: true,
		Account: channel.Account{ID: "acc-1", Channel: "demo", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: "le", Mode: channel.Live, Settings: map[string]string{}},
		Change:  channel.Change{External: external, Version: start, ReadAt: start.Add(time.Second)},
	}
	for _, e := range edit {
		e(&a)
	}
	return a
}

// switchOff takes a location out of sourcing.
func (h *house) switchOff(id string) {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		found, err := h.stock.Locations(tx, id)
		if err != nil {
			return err
		}
		found[0].Fulfils = false
		_, err = h.stock.SaveLocations(tx, found)
		return err
	})
}

func (h *house) imports(a channel.Arrival) order.View {
	h.Helper()
	var out []channel.Landing
	h.write(func(tx *db.Tx) (err error) {
		out, err = h.order.Import(tx, []channel.Arrival{a})
		return err
	})
	if out[0].OrderID == "" {
		h.Fatalf("landed as %+v", out[0])
	}
	return h.get(out[0].OrderID)
}

func onDelivery(a *channel.Arrival) {
	a.Order.Payments[0].Method, a.Order.Payments[0].Status, a.Order.Payments[0].Collector = channel.PayCOD, channel.Due, channel.Courier
}

func (h *house) get(id string) order.View {
	h.Helper()
	return read(h, func(tx *db.Tx) (order.View, error) { return h.order.Get(tx, id) })
}

// fos lists an order's fulfillment orders, oldest first.
func (h *house) fos(orderID string) []fulfillment.FO {
	h.Helper()
	return read(h, func(tx *db.Tx) ([]fulfillment.FO, error) { return h.work.Of(tx, orderID) })
}

func (h *house) shipments(orderID string) []dispatch.Shipment {
	h.Helper()
	return read(h, func(tx *db.Tx) ([]dispatch.Shipment, error) { return h.dispatch.Of(tx, orderID) })
}

func (h *house) shipment(id string) dispatch.Shipment {
	h.Helper()
	return read(h, func(tx *db.Tx) (dispatch.Shipment, error) { return h.dispatch.Get(tx, id) })
}

// pickAll picks everything of a fulfillment order.
func (h *house) pickAll(id string) {
	h.Helper()
	f := read(h, func(tx *db.Tx) (fulfillment.FO, error) { return h.work.Get(tx, id) })
	for _, l := range f.Lines {
		if n := l.Quantity - l.Picked; n > 0 {
			if _, err := h.work.Pick(context.Background(), id, 0, "amna", fulfillment.Scan{ID: db.ID(), Code: l.SKU, Quantity: n}); err != nil {
				h.Fatal(err)
			}
		}
	}
}

// packAll picks and packs everything of an order's live fulfillment orders, and answers the shipments.
func (h *house) packAll(orderID string) []string {
	h.Helper()
	var all []string
	for _, f := range h.fos(orderID) {
		if f.State != "new" && f.State != "accepted" && f.State != "picking" && f.State != "picked" {
			continue
		}
		h.pickAll(f.ID)
		p, err := h.work.Pack(context.Background(), f.ID, 0, "amna", nil)
		if err != nil {
			h.Fatal(err)
		}
		all = append(all, p.Shipments...)
	}
	return all
}

// waybill types a number for each shipment.
func (h *house) waybill(ids ...string) {
	h.Helper()
	for _, id := range ids {
		if _, err := h.dispatch.Waybill(context.Background(), id, 0, "amna", courier.Waybill{Carrier: "TCS", Tracking: "T" + db.ID()}); err != nil {
			h.Fatal(err)
		}
	}
}

func (h *house) handOver(ids ...string) {
	h.Helper()
	for _, id := range ids {
		if _, err := h.dispatch.HandOver(context.Background(), id, "amna", time.Time{}); err != nil {
			h.Fatal(err)
		}
	}
}

// scan has the courier say something.
func (h *house) scan(facts ...dispatch.ScanFact) {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		_, err := h.dispatch.Scan(tx, facts)
		return err
	})
}

// said is a scan some minutes after the start.
func said(shipment string, s courier.Status, minute int) dispatch.ScanFact {
	return dispatch.ScanFact{Shipment: shipment, Source: dispatch.ByCourier, Scan: courier.Scan{Status: s, Raw: string(s), At: start.Add(time.Duration(minute) * time.Minute)}}
}

// at is "on hand/reserved" of sellable stock.
func (h *house) at(sku, location string) string {
	h.Helper()
	levels := read(h, func(tx *db.Tx) ([]inventory.Level, error) {
		return h.stock.Levels(tx, inventory.LevelFilter{Variants: []string{"var-" + sku}, Location: location}, inventory.LevelKey{}, 10)
	})
	for _, l := range levels {
		if l.Condition == stock.Sellable {
			return fmt.Sprintf("%d/%d", l.OnHand, l.Reserved)
		}
	}
	return "0/0"
}

// proof fails the test when an invariant of the stock does not hold.
func (h *house) proof() {
	h.Helper()
	for _, wrong := range read(h, h.stock.Verify) {
		h.Error(wrong)
	}
}

// types lists the types of an order's events that are of interest.
func (h *house) types(orderID string, of ...string) []string {
	h.Helper()
	all := read(h, func(tx *db.Tx) ([]outbox.Stored, error) { return outbox.OfOrder(tx, orderID) })
	var out []string
	for _, e := range all {
		for _, typ := range of {
			if e.Type == typ {
				out = append(out, typ)
			}
		}
	}
	return out
}

func (h *house) causes(orderID string) []string {
	h.Helper()
	return read(h, func(tx *db.Tx) ([]string, error) {
		rows, _, err := exception.List(tx, exception.Filter{Order: orderID}, "", 50)
		var all []string
		for _, r := range rows {
			all = append(all, r.Cause)
		}
		slices.Sort(all)
		return all, err
	})
}

func same(t testing.TB, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func refused(t testing.TB, want fault.Kind, err error) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("want %s, got %v", want, err)
	}
}

// ledger keeps typed numbers, as the app does.
type ledger struct{ *house }

// Claim implements manual.Ledger.
func (l ledger) Claim(ctx context.Context, _, carrier, tracking, reference string) error {
	return l.d.Read(ctx, func(tx *db.Tx) error { return l.dispatch.NumberFree(tx, carrier, tracking, reference) })
}
