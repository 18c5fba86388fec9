package daraz_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/channeltest"
	"github.com/openclaw-pos/commerce/sim"
	simdaraz "github.com/openclaw-pos/commerce/sim/daraz"
)

// bench is the simulated marketplace behind the conformance suite.
type bench struct {
	market *simdaraz.Market
	shop   *simdaraz.Shop
	url    string
	now    func() time.Time

	mu     sync.Mutex
	pushed map[string][]channel.Delivery
}

func newBench(tb testing.TB) channeltest.Bench {
	tb.Helper()
	return startBench(tb, simdaraz.Config{})
}

func startBench(tb testing.TB, cfg simdaraz.Config) *bench {
	tb.Helper()
	b := &bench{pushed: map[string][]channel.Delivery{}, now: time.Now}
	if cfg.Now != nil {
		b.now = cfg.Now
	}
	callback := httptest.NewServer(http.HandlerFunc(b.receive))
	cfg.AppKey, cfg.AppSecret, cfg.Seed = appKey, appSecret, 7
	cfg.Push.URL = callback.URL
	cfg.Push.Budget = 10 * time.Second
	b.market = simdaraz.New(cfg)
	server := httptest.NewServer(b.market.Handler())
	tb.Cleanup(func() {
		b.market.Close()
		server.Close()
		callback.Close()
	})
	b.url, b.shop = server.URL, b.market.Shop("")
	b.shop.AddProduct("KURTA-BLU-M", "", 174900, 1000)
	b.shop.AddProduct("SALT & PEPPER", "", 114900, 1000)
	return b
}

func (b *bench) receive(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	d := channel.Delivery{Header: http.Header{"Authorization": r.Header["Authorization"]}, Body: body, At: time.Now()}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.shop.Orders() {
		if bytes.Contains(body, []byte(`"`+o.ID+`"`)) {
			b.pushed[o.ID] = append(b.pushed[o.ID], d)
		}
	}
}

// Account implements channeltest.Bench.
func (b *bench) Account() channeltest.Account {
	g := b.shop.Grant()
	return channeltest.Account{
		Settings: map[string]string{"venture": "pk", "app_key": appKey, "base_url": b.url + "/rest"},
		Secrets:  map[string][]string{"app_secret": {appSecret}, "code": {b.shop.Authorize()}},
		Tokens:   channel.TokenSet{Access: g.Access, Refresh: g.Refresh, ExpiresAt: g.AccessExpires, RefreshExpiresAt: g.RefreshExpires, Shop: b.shop.Seller().ID},
	}
}

// Offers implements channeltest.Bench.
func (b *bench) Offers() []channeltest.Offer {
	return []channeltest.Offer{{Listing: channel.ListingRef{SKU: "KURTA-BLU-M"}}, {Listing: channel.ListingRef{SKU: "SALT & PEPPER"}}}
}

var buyer = simdaraz.Buyer{Name: "Ayesha Siddiqui", Phone: "923001234567", Street: "House 12, Block 5", Area: "Clifton", City: "Karachi", Province: "Sindh", PostCode: "75600"}

// Place implements channeltest.Bench.
func (b *bench) Place(tb testing.TB, sales ...channeltest.Sale) string {
	tb.Helper()
	spec := simdaraz.OrderSpec{Buyer: buyer, Shipping: 14900, ShippingPlatformDiscount: 5000, VoucherPlatform: 20000, VoucherSeller: 3000, VoucherCode: "EID"}
	for _, s := range sales {
		spec.Items = append(spec.Items, simdaraz.ItemSpec{SKU: s.Offer.Listing.SKU, Quantity: int(s.Quantity)})
	}
	id, err := b.shop.PlaceOrder(spec)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// Shown implements channeltest.Bench.
func (b *bench) Shown(_ testing.TB, l channel.ListingRef) int64 {
	return int64(b.shop.Stock(l.SKU).Sellable)
}

// Told implements channeltest.Bench: the effects show on the units.
func (b *bench) Told(tb testing.TB, order string) channeltest.Told {
	tb.Helper()
	v, ok := b.shop.OrderView(order)
	if !ok {
		tb.Fatalf("no order %s", order)
	}
	var t channeltest.Told
	for _, u := range v.Units {
		switch u.Status {
		case "packed":
			t.Packed++
		case "ready_to_ship", "shipped":
			t.Packed++
			t.Shipped++
		case "delivered":
			t.Delivered++
		case "canceled":
			t.Cancelled++
		}
	}
	return t
}

// Deliveries implements channeltest.Bench.
func (b *bench) Deliveries(tb testing.TB, order string) []channel.Delivery {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	if err := b.market.Outbox().Idle(ctx); err != nil {
		tb.Fatalf("pushes still on their way: %v", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pushed[order]
}

// callPaths are where the capabilities do their work.
var callPaths = map[string]string{
	"": "", "pack": "/order/fulfill/pack", "ship": "/order/package/rts", "cancel": "/order/reverse/cancel/create", "set-stock": "/product/price_quantity/update",
}

var faultKinds = map[string]string{
	channeltest.Throttle: sim.Throttle, channeltest.ServerError: sim.ServerError, channeltest.HTML: sim.HTML, channeltest.CutBody: sim.CutBody,
	channeltest.LostAnswer: sim.LostAnswer, channeltest.ExpiredToken: sim.ExpiredToken,
}

// Fault implements channeltest.Bench.
func (b *bench) Fault(tb testing.TB, fault, call string, times int) {
	tb.Helper()
	kind, ok := faultKinds[fault]
	path, known := callPaths[call]
	if !ok || !known {
		tb.Fatalf("no fault %q at %q", fault, call)
	}
	if times == 0 {
		b.market.Faults().Clear(kind)
		return
	}
	if err := b.market.Faults().Set(sim.Fault{Kind: kind, Match: path, Count: times}); err != nil {
		tb.Fatal(err)
	}
}
