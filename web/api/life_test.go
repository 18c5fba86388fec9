package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/web/shop"
)

// whole is the real house behind its API.
type whole struct {
	house
	app *app.App
}

func openWhole(t *testing.T, url string) whole {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{
		DB: url, Data: t.TempDir(), MakeKey: true, AllowPrivate: true, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		DBOptions: db.Options{NoSync: true, CheckLockOrder: true, Pool: 8}, ShopLimits: shop.Limits{PerSecond: 1e6, Burst: 1e6, ProofsPerHour: 1e6, ProofBurst: 1e6},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(a.Handler())
	t.Cleanup(func() {
		srv.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	plain, _, err := a.Access.Create(t.Context(), access.System("test"), "all", []access.Scope{access.Admin}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return whole{house{Server: a.API, db: a.DB, url: srv.URL, key: plain.Reveal()}, a}
}

// settle places and consumes what has happened.
func (w whole) settle(t *testing.T) {
	t.Helper()
	if err := outbox.Drain(context.Background(), w.app.Relay, w.app.Consumers); err != nil {
		t.Fatal(err)
	}
}

// act is an action on a resource as it is now; it answers the resource.
func (w whole) act(t *testing.T, resource, action, body string, status int) map[string]any {
	t.Helper()
	tag := w.do(t, "GET", resource, "").want(t, 200).header.Get("ETag")
	key := db.ID()
	a := w.do(t, "POST", resource+"/"+action, body, "If-Match", tag, "Idempotency-Key", key, "X-Request-Id", key).want(t, status)
	if a.status >= 300 {
		t.FailNow()
	}
	acts := w.acts(t, key)
	if len(acts) == 0 {
		t.Errorf("%s %s is not in the audit log", resource, action)
	}
	again := w.do(t, "POST", resource+"/"+action, body, "If-Match", tag, "Idempotency-Key", key, "X-Request-Id", key).want(t, status)
	if n := len(w.acts(t, key)); n != len(acts) {
		t.Errorf("%s %s repeated is %d times in the audit log, was %d times", resource, action, n, len(acts))
	}
	if string(again.body) != string(a.body) {
		t.Errorf("%s %s answered again with another answer:\n%s\n%s", resource, action, a.body, again.body)
	}
	w.do(t, "POST", resource+"/"+action, body, "If-Match", `"999999"`).want(t, 412)
	w.settle(t)
	return a.json(t)
}

// acts is what a request led to, as the audit log has it.
func (w whole) acts(t *testing.T, request string) []any {
	t.Helper()
	items, _ := w.do(t, "GET", "/v1/audit?request_id="+request, "").want(t, 200).json(t)["items"].([]any)
	return items
}

// first is the first item of a list.
func (w whole) first(t *testing.T, path string) map[string]any {
	t.Helper()
	items, _ := w.do(t, "GET", path, "").want(t, 200).json(t)["items"].([]any)
	if len(items) == 0 {
		t.Fatalf("%s is empty", path)
	}
	return items[0].(map[string]any)
}

// place imports one order of two mugs and a cup from an account of the own site.
func (w whole) place(t *testing.T, external string) string {
	t.Helper()
	return w.placePaid(t, external, channel.Payment{External: "p1", Method: channel.PayCard, Status: channel.Paid})
}

// placePaid is place with another way to pay.
func (w whole) placePaid(t *testing.T, external string, pay channel.Payment) string {
	t.Helper()
	acc := w.do(t, "GET", "/v1/accounts/web", "").want(t, 200).json(t)
	at := w.db.Now().Add(-time.Hour)
	pkr := func(minor int64) money.Amount { return money.Of(minor, "PKR") }
	line := func(id, sku string, n, each int64) channel.Line {
		return channel.Line{External: id, Listing: channel.ListingRef{External: "x-" + sku, SKU: sku}, Title: sku, Quantity: n, UnitPrice: pkr(each), Total: pkr(n * each), FulfilledBy: channel.Seller, Ships: true}
	}
	if err := w.app.Order.Stock(t.Context(), "PK", "ownsite", 10); err != nil {
		t.Fatal(err)
	}
	pay.Amount, pay.At = pkr(130000), at
	var landed []channel.Landing
	w.write(t, func(tx *db.Tx) error {
		var err error
		landed, err = w.app.Order.Import(tx, []channel.Arrival{{
			Inbox: "inbox-" + external, Source: "direct", Hash: "h", AddressOK: true, Change: channel.Change{External: external, Version: at, ReadAt: at},
			Account: channel.Account{ID: acc["id"].(string), Name: "web", Channel: "ownsite", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: acc["legal_entity_id"].(string), Mode: channel.Live},
			Order: channel.Order{
				External: external, Number: external, Version: at, PlacedAt: at, Status: channel.Open, Country: "PK", Currency: "PKR", TaxMode: channel.TaxInclusive, Money: channel.MoneyComplete,
				Lines: []channel.Line{line("l1", "MUG", 2, 50000), line("l2", "CUP", 1, 30000)}, Total: pkr(130000),
				Payments: []channel.Payment{pay}, ShipTo: channel.Address{Country: "PK", City: "Lahore", Province: "Punjab"},
			},
		}})
		return err
	})
	if landed[0].Decision != channel.Imported {
		t.Fatalf("the order is %s: %s", landed[0].Decision, landed[0].Why)
	}
	w.settle(t)
	return landed[0].Number
}

// furnish makes a company, a branch, two SKUs with stock, and an account, all over HTTP.
func (w whole) furnish(t *testing.T) {
	t.Helper()
	post := func(method, path, body string, status int) {
		if w.do(t, method, path, body, "Idempotency-Key", db.ID()).want(t, status).status != status {
			t.FailNow()
		}
	}
	post("POST", "/v1/legal-entities", `{"code":"PK","name":"Retail","country":"PK","currency":"PKR"}`, 201)
	post("PUT", "/v1/locations/LHE", `{"name":"Lahore","kind":"warehouse","country":"PK","zone":"Asia/Karachi","fulfils":true}`, 200)
	csv := func(what, body string) {
		r := w.do(t, "POST", "/v1/imports/"+what, body, "Content-Type", "text/csv").want(t, 200).json(t)
		if r["refused"] != float64(0) {
			t.Fatalf("import %s: %v", what, r)
		}
	}
	csv("products", "sku,title\nMUG,Mug\nCUP,Cup\n")
	csv("stock", "sku,location,quantity\nMUG,LHE,10\nCUP,LHE,10\n")
	post("POST", "/v1/accounts", `{"name":"web","channel":"ownsite","country":"PK","currency":"PKR","zone":"Asia/Karachi","settings":{"storefront":"pk"},"mode":"live","skip_check":true}`, 201)
	w.settle(t)
}

// TestLife takes an order through everything people do with it, over HTTP: held, released, partly cancelled, moved through the warehouse, handed over, delivered, returned and
// refunded. Every action is repeated with its key, and refused in another version.
func TestLife(t *testing.T) {
	t.Parallel()
	for engine, url := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return dbtest.SQLiteURL(tb, false) },
		"postgres": func(tb testing.TB) string { return dbtest.PostgresURL(tb) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := openWhole(t, url(t))
			w.furnish(t)
			life(t, w)
		})
	}
}

func life(t *testing.T, w whole) {
	number := w.place(t, "A-1")
	order := "/v1/orders/" + number
	held := w.act(t, order, "hold", `{"reason":"call the buyer"}`, 200)
	if held["open_holds"] != float64(1) {
		t.Errorf("the order has %v holds", held["open_holds"])
	}
	w.act(t, order, "release", `{"hold":"person"}`, 200)
	o := w.do(t, "GET", order, "").json(t)
	cup := o["lines"].([]any)[1].(map[string]any)["id"].(string)
	cut := fmt.Sprintf(`{"lines":[{"line_id":%q,"quantity":1}],"reason":"out of fashion"}`, cup)
	if p := w.do(t, "POST", order+"/cancel-preview", cut).want(t, 200).json(t); p["whole"] != false {
		t.Errorf("the preview is %v", p)
	}
	w.act(t, order, "cancel", cut, 200)

	fo := "/v1/fulfillment-orders/" + w.first(t, "/v1/fulfillment-orders?order="+number)["number"].(string)
	w.act(t, fo, "accept", "", 200)
	w.act(t, fo, "pick", `{"code":"MUG","quantity":2}`, 200)
	packed := w.act(t, fo, "pack", `{}`, 202)
	shipment := "/v1/shipments/" + packed["shipment_ids"].([]any)[0].(string)
	w.act(t, shipment, "waybill", `{"carrier":"TCS","tracking_number":"779012345"}`, 200)
	handed := w.do(t, "POST", "/v1/shipments/779012345/hand-over", `{}`, "Idempotency-Key", db.ID()).want(t, 200).json(t)
	if handed["state"] != "handed_over" {
		t.Errorf("the parcel is %v", handed["state"])
	}
	w.settle(t)
	w.do(t, "POST", order+"/cancel", `{"reason":"too late"}`, "If-Match", "*").want(t, 409)
	at := w.db.Now().Format(time.RFC3339)
	w.do(t, "POST", shipment+"/scan", `{"status":"delivered","at":"`+at+`"}`).want(t, 200)
	w.do(t, "POST", shipment+"/scan", `{"status":"delivered","at":"2099-01-01T00:00:00Z"}`).want(t, 422)
	w.settle(t)
	if o := w.do(t, "GET", order, "").json(t); o["state"] != "delivered" {
		t.Errorf("the order is %v", o["state"])
	}

	key := db.ID()
	ask := fmt.Sprintf(`{"order":%q,"reason":"too small","approve":true}`, number)
	r := w.do(t, "POST", "/v1/returns", ask, "Idempotency-Key", key).want(t, 201)
	if again := w.do(t, "POST", "/v1/returns", ask, "Idempotency-Key", key).want(t, 201); string(again.body) != string(r.body) {
		t.Errorf("the return is answered with another answer: %s", again.body)
	}
	w.settle(t)
	back := "/v1/returns/" + r.json(t)["number"].(string)
	w.act(t, back, "receive", `{"location":"LHE"}`, 200)
	mug := o["lines"].([]any)[0].(map[string]any)["id"].(string)
	w.act(t, back, "inspect", fmt.Sprintf(`{"verdicts":[{"line_id":%q,"quantity":2,"disposition":"sellable"}]}`, mug), 200)
	if paid := w.act(t, back, "refund", `{"method":"payout"}`, 202); paid["money_state"] != "intended" && paid["money_state"] != "refunded" {
		t.Errorf("the money is %v", paid["money_state"])
	}
	level := map[string]any{}
	for _, l := range w.do(t, "GET", "/v1/stock?sku=MUG", "").want(t, 200).json(t)["items"].([]any) {
		if m := l.(map[string]any); m["condition"] == "sellable" {
			level = m
		}
	}
	if level["on_hand"] != float64(10) || level["reserved"] != float64(0) {
		t.Errorf("the stock is %v", level)
	}
	seen(t, w, number)
}

// seen looks at what the lists say of it all.
func seen(t *testing.T, w whole, number string) {
	t.Helper()
	facts := w.do(t, "GET", "/v1/orders/"+number+"/timeline", "").want(t, 200).json(t)["items"].([]any)
	who := map[string]bool{}
	for _, f := range facts {
		who[fmt.Sprint(f.(map[string]any)["kind"])] = true
	}
	for _, kind := range []string{"cancelled", "OrderCreated", "ShipmentDelivered"} {
		if !who[kind] {
			t.Errorf("the timeline says nothing of %s: %v", kind, who)
		}
	}
	types := map[string]int{}
	for _, e := range w.do(t, "GET", "/v1/events?limit=500", "").want(t, 200).json(t)["items"].([]any) {
		types[e.(map[string]any)["type"].(string)]++
	}
	for _, typ := range []string{"OrderCreated", "OrderPaid", "OrderCancelled", "ShipmentCreated", "ShipmentDelivered", "ReturnRequested", "ReturnApproved"} {
		if types[typ] != 1 {
			t.Errorf("%s was told %d times", typ, types[typ])
		}
	}
	d := w.do(t, "GET", "/v1/doctor", "").want(t, 200).json(t)
	if d["healthy"] != true {
		t.Errorf("not in order: %v", d)
	}
	w.first(t, "/v1/orders?sku=MUG")
	w.first(t, "/v1/shipments?state=delivered")
	w.first(t, "/v1/returns")
}
