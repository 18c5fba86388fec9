package demo

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/returns"
	courier "github.com/openclaw-pos/commerce/courier/demo"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// TestWalk takes an order of two lines from the webhook to the end: one line is cancelled, the other delivered, returned and refunded.
func TestWalk(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return dbtest.SQLiteURL(tb, false) },
		"postgres": func(tb testing.TB) string { return dbtest.PostgresURL(tb) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			walk(t, url(t))
		})
	}
}

// one is the only answer of a query.
func one[T any](t *testing.T, a *app.App, query string, args ...any) T {
	t.Helper()
	var v T
	ok(t, a.DB.Read(context.Background(), func(tx *db.Tx) error {
		var err error
		v, err = db.One(tx, func(row db.Scanner) (x T, err error) { return x, row.Scan(&x) }, query, args...)
		return err
	}))
	return v
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func walk(t *testing.T, url string) {
	ctx, stop := context.WithCancel(context.Background())
	depot := courier.New(time.Now)
	depot.WaitForHandOver()
	depot.Pace(10 * time.Millisecond)
	a, err := app.Open(ctx, app.Config{DB: url, Data: t.TempDir(), MakeKey: true, AllowPrivate: true, Log: slog.New(slog.DiscardHandler), Courier: "demo", Depot: depot})
	ok(t, err)
	p := &play{opt: Options{JSON: true, Orders: 1}, app: a, start: time.Now(), heard: map[string]int{}, say: func(string, ...any) {}}
	at, err := bind("")
	ok(t, err)
	server := p.serve(at)
	p.world, err = build(ctx, a, 3)
	ok(t, err)
	shop := &shopifyStall{label: "walk-shop", country: "PK", currency: "PKR", entity: "PK", zone: "Asia/Karachi", rate: "0.18", places: []string{"PK-LHE-WH"}, div: 1, seed: 3, scale: 1e-3, poll: "1"}
	ok(t, shop.open(ctx, a, p.world, p.url))
	p.stalls = []stall{shop}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, app.Roles...) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		shop.close()
		_ = server.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	wait := func(what string, ask func() bool) {
		t.Helper()
		for deadline := time.Now().Add(40 * time.Second); !ask(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				told := one[string](t, a, `select coalesce(string_agg(act || ' ' || state || ' ' || coalesce(cause, ''), '; '), '') from tells`)
				refunds := one[string](t, a, `select coalesce(string_agg(method || ' ' || state || ' ' || coalesce(flagged, ''), '; '), '') from refunds`)
				t.Fatalf("waited until %s; told: %s; refunds: %s", what, told, refunds)
			}
		}
	}

	// bought
	spec := shop.shop.Generate(5, 1)[0]
	spec.Lines = []shopify.LineSpec{{SKU: "OC-001", Quantity: 1}, {SKU: "OC-002", Quantity: 2}}
	spec.COD, spec.Test, spec.POS, spec.Payments, spec.Discount, spec.Tip, spec.Currency = false, false, false, nil, nil, "", ""
	placed, err := shop.shop.PlaceOrder(spec)
	ok(t, err)
	wait("the order is here", func() bool { return one[int64](t, a, `select count(*) from orders`) == 1 })
	id := one[string](t, a, `select id from orders`)

	// one line cancelled by us, the channel told
	var view order.View
	get := func() order.View {
		ok(t, a.DB.Read(ctx, func(tx *db.Tx) (err error) { view, err = a.Order.Get(tx, id); return err }))
		return view
	}
	_, err = a.Order.Cancel(ctx, order.Cancelling{Order: id, Lines: []order.CutLine{{LineID: get().Lines[0].ID, Quantity: 1}}, Reason: string(channel.CancelStock), Initiator: "seller", Actor: "clerk", Source: "api"})
	ok(t, err)
	wait("the channel knows of the cancelled line", func() bool {
		v, _ := shop.shop.OrderView(placed.ID)
		return v.Lines[0].Current == 0
	})

	// the other one picked, packed, handed over, delivered
	ok(t, p.staff(ctx))
	if v := get(); v.Lines[1].Delivered != 2 || v.Lines[0].Cancelled != 1 {
		t.Fatalf("lines stand at %+v and %+v", v.Lines[0].Progress, v.Lines[1].Progress)
	}
	if v, _ := shop.shop.OrderView(placed.ID); v.Lines[1].Shipped != 2 || len(v.Parcels) != 1 || len(v.Tags) == 0 {
		t.Fatalf("the shop front shows %+v", v)
	}

	// returned, received, inspected, refunded
	r, err := a.Returns.Request(ctx, returns.Ask{Order: id, By: "buyer", Reason: "does_not_fit", Lines: []returns.Units{{LineID: view.Lines[1].ID, Quantity: 2}}, Actor: "clerk"})
	ok(t, err)
	r, err = a.Returns.Approve(ctx, r.ID, r.Version, "clerk")
	ok(t, err)
	r, err = a.Returns.Receive(ctx, r.ID, 0, returns.Receipt{Location: p.world.locations["PK-LHE-WH"], Actor: "clerk"})
	ok(t, err)
	r, err = a.Returns.Inspect(ctx, r.ID, 0, []returns.Verdict{{LineID: view.Lines[1].ID, Quantity: 2, Disposition: "sellable"}}, "clerk")
	ok(t, err)
	_, err = a.Returns.Refund(ctx, r.ID, 0, returns.Paying{Reason: "returned", Actor: "clerk"})
	ok(t, err)
	wait("the refund is issued", func() bool {
		return one[int64](t, a, `select count(*) from events where type = 'RefundIssued' and body like '%"return_id":"`+r.ID+`"%'`) == 1
	})
	wait("everything is told", func() bool {
		left, err := p.settled(ctx)
		ok(t, err)
		return left == ""
	})

	checkWalk(t, a, p, id)
	if v, _ := shop.shop.OrderView(placed.ID); len(v.Refunds) < 2 {
		t.Errorf("the shop front knows of %d refunds; the cancelled line and the returned one were paid", len(v.Refunds))
	}
}

// checkWalk holds the events against their schemas, the timeline against the events, and every invariant.
func checkWalk(t *testing.T, a *app.App, p *play, id string) {
	t.Helper()
	var events []outbox.Stored
	var timeline []order.Fact
	ok(t, a.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		if events, err = outbox.OfOrder(tx, id); err != nil {
			return err
		}
		timeline, err = a.Order.Timeline(tx, id)
		return err
	}))
	seen := map[string]int{}
	keys := map[string]bool{}
	for _, e := range events {
		if !e.Contract {
			continue
		}
		seen[e.Type]++
		valid(t, e)
		var m event.Meta
		ok(t, json.Unmarshal(e.Body, &m))
		if keys[m.IdempotencyKey] || m.Country == "" || m.Currency == "" || m.TaxMode == "" || m.ExternalOrderID == "" || m.OccurredLocal == "" || m.SchemaVersion == 0 {
			t.Errorf("%s: %+v", e.Type, m)
		}
		keys[m.IdempotencyKey] = true
	}
	refunds := seen[event.RefundIssued]
	delete(seen, event.RefundIssued)
	want := map[string]int{}
	for _, typ := range event.Contracts {
		if typ != event.RefundIssued {
			want[typ] = 1
		}
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("contract events (-want +got):\n%s", diff)
	}
	if refunds != 2 { // the cancelled line's money, and the returned one's
		t.Errorf("%d refunds were announced", refunds)
	}
	kinds := map[string]bool{}
	for _, f := range timeline {
		kinds[f.Kind] = true
	}
	for _, k := range append(slices.Clone(event.Contracts), "imported", "cancelled", event.FulfillmentCreated, event.FulfillmentPacked, event.ShipmentHandedOver, event.ReturnChanged) {
		if !kinds[k] {
			t.Errorf("the timeline lacks %s; it has %v", k, slices.Sorted(maps.Keys(kinds)))
		}
	}
	broken, err := check(context.Background(), a, p.stalls[:0])
	ok(t, err)
	for _, b := range broken {
		t.Error(b)
	}
}

// valid holds a contract event against its published schema.
func valid(t *testing.T, e outbox.Stored) {
	t.Helper()
	file := "../../docs/events/" + outbox.Name(e.Type, e.Version) + ".json"
	text, err := os.ReadFile(file)
	ok(t, err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	ok(t, err)
	c := jsonschema.NewCompiler()
	ok(t, c.AddResource(file, doc))
	schema, err := c.Compile(file)
	ok(t, err)
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(string(e.Body)))
	ok(t, err)
	if err := schema.Validate(body); err != nil {
		t.Errorf("%s: %v", e.Type, err)
	}
}
