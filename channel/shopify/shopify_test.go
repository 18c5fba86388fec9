package shopify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/channeltest"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/sim"
	simshop "github.com/openclaw-pos/commerce/sim/shopify"
)

const (
	testShop     = "karachi-kicks.myshopify.com"
	testClient   = "canary-client-id"
	testSecret   = "canary-client-secret-new"
	testOld      = "canary-client-secret-old"
	testPassword = "canary-permanent-token"
	testCode     = "canary-authorization-code"
)

func TestConformance(t *testing.T) {
	channeltest.Run(t, channeltest.Suite{
		Kind:     Kind,
		Country:  "PK",
		Settings: map[string]string{"base_url": "{url}", "shop": testShop, "client_id": testClient, "acknowledge_tag": "openclaw:{number}"},
		Secrets:  map[string][]string{"client_secret": {testSecret, testOld}, "access_token": {testPassword}, "authorization_code": {testCode}},
		Sign:     sign,
		SignedBy: "client_secret",
		Bench:    newBench,
	})
}

// sign is base64 of HMAC-SHA256 over the raw body. https://shopify.dev/docs/apps/build/webhooks/subscribe/https
func sign(d channel.Delivery, secret string) channel.Delivery {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(d.Body)
	d.Header.Set("X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return d
}

// bench is a simulated shop with two products.
type bench struct {
	shop   *simshop.Shop
	url    string
	offers []channeltest.Offer
}

func newBench(tb testing.TB) channeltest.Bench {
	tb.Helper()
	shop, err := simshop.New(simshop.Config{Domain: testShop, ClientID: testClient, ClientSecret: testSecret, BucketSize: 100_000, RestoreRate: 1e9})
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(shop.Handler())
	tb.Cleanup(func() {
		server.Close()
		shop.Close()
	})
	b := &bench{shop: shop, url: server.URL}
	for _, p := range []simshop.ProductSpec{{SKU: "SHOE-42", Title: "Shoe", Price: "4500.00", Quantity: 500}, {SKU: "SOCK-M", Title: "Sock", Price: "350.50", Quantity: 500}} {
		if _, err := shop.AddProduct(p); err != nil {
			tb.Fatal(err)
		}
	}
	b.findOffers(tb)
	return b
}

// findOffers reads the shop's listings and its only location as an adapter would.
func (b *bench) findOffers(tb testing.TB) {
	tb.Helper()
	a := b.adapter(tb)
	shop, err := a.Identify(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	for l, err := range a.Listings(tb.Context(), "") {
		if err != nil {
			tb.Fatal(err)
		}
		b.offers = append(b.offers, channeltest.Offer{Listing: l.Ref, Location: shop.Locations[0].External})
	}
	slices.SortFunc(b.offers, func(x, y channeltest.Offer) int { return slices.Compare([]byte(x.Listing.SKU), []byte(y.Listing.SKU)) })
}

// adapter is an account with a token that never expires.
func (b *bench) adapter(tb testing.TB) *adapter {
	tb.Helper()
	token := b.shop.IssueToken(0)
	ch, err := Kind.Open(channel.Config{
		Account: "bench", Country: "PK", HTTP: httpClient(tb), Now: time.Now,
		Settings: map[string]string{"base_url": b.url, "shop": testShop, "client_id": testClient, "acknowledge_tag": "openclaw:{number}"},
		Secret: func(name string) []string {
			return map[string][]string{"client_secret": {testSecret}, "access_token": {token}}[name]
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return ch.(*adapter)
}

// Account implements channeltest.Bench.
func (b *bench) Account() channeltest.Account {
	return channeltest.Account{Settings: map[string]string{"base_url": b.url}}
}

// Offers implements channeltest.Bench.
func (b *bench) Offers() []channeltest.Offer { return b.offers }

// Place implements channeltest.Bench.
func (b *bench) Place(tb testing.TB, sales ...channeltest.Sale) string {
	tb.Helper()
	spec := simshop.OrderSpec{
		Buyer:    &simshop.Person{FirstName: "Amina", LastName: "Qureshi", Email: "amina.qureshi@example.com", Phone: "+923001234567"},
		Shipping: &simshop.Address{FirstName: "Amina", LastName: "Qureshi", Address1: "House 7, Street 12", City: "Lahore", Country: "PK", Zip: "54000", Phone: "+923001234567"},
	}
	for _, s := range sales {
		spec.Lines = append(spec.Lines, simshop.LineSpec{SKU: s.Offer.Listing.SKU, Quantity: int(s.Quantity)})
	}
	p, err := b.shop.PlaceOrder(spec)
	if err != nil {
		tb.Fatal(err)
	}
	return p.ID
}

// Shown implements channeltest.Bench.
func (b *bench) Shown(_ testing.TB, l channel.ListingRef) int64 {
	return int64(b.shop.Available(l.SKU))
}

// Told implements channeltest.Bench.
func (b *bench) Told(tb testing.TB, order string) channeltest.Told {
	tb.Helper()
	v, ok := b.shop.OrderView(order)
	if !ok {
		tb.Fatalf("the shop has no order %s", order)
	}
	told := channeltest.Told{Acknowledged: int64(len(v.Tags)), Refunded: money.Zero(v.Currency)}
	for _, p := range v.Parcels {
		for _, n := range p.Units {
			if p.Status == "SUCCESS" {
				told.Shipped += int64(n)
			}
			if p.Shown == "DELIVERED" {
				told.Delivered += int64(n)
			}
		}
	}
	for _, l := range v.Lines {
		if v.Cancelled {
			told.Cancelled += int64(l.Quantity)
		}
	}
	for _, r := range v.Refunds {
		amount, err := money.Parse(r.Amount, v.Currency)
		if err != nil {
			tb.Fatal(err)
		}
		if told.Refunded, err = told.Refunded.Add(amount); err != nil {
			tb.Fatal(err)
		}
		told.Refunds++
	}
	return told
}

// Deliveries implements channeltest.Bench.
func (b *bench) Deliveries(tb testing.TB, order string) []channel.Delivery {
	tb.Helper()
	var all []channel.Delivery
	for _, topic := range []string{"orders/create", "orders/updated", "orders/paid"} {
		header, body, err := b.shop.Webhook(topic, order)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, channel.Delivery{Header: header, Body: body, At: time.Now()})
	}
	return all
}

// behind are the operations that a capability's decisive call makes.
var behind = map[string]string{
	"order": "Order", "orders": "OrderIndex", "ship": "fulfillmentCreate", "cancel": "orderCancel", "refund": "refundCreate", "set-stock": "inventorySetQuantities",
	"set-prices": "productVariantsBulkUpdate", "acknowledge": "tagsAdd",
}

// Fault implements channeltest.Bench.
func (b *bench) Fault(tb testing.TB, fault, call string, times int) {
	tb.Helper()
	if times == 0 {
		b.shop.Faults.Clear()
		return
	}
	kind := map[string]string{
		channeltest.Throttle: sim.Throttle, channeltest.ServerError: sim.ServerError, channeltest.HTML: sim.HTML, channeltest.CutBody: sim.CutBody,
		channeltest.LostAnswer: sim.LostAnswer, channeltest.ExpiredToken: sim.ExpiredToken,
	}[fault]
	match, ok := behind[call]
	if kind == "" || call != "" && !ok {
		tb.Fatalf("the bench cannot make %q of %q", fault, call)
	}
	if match == "" {
		match = "graphql.json" // not the token endpoint
	}
	if err := b.shop.Faults.Set(sim.Fault{Kind: kind, Match: match, Count: times}); err != nil {
		tb.Fatal(err)
	}
}

// httpClient is a plain client whose connections end with the test.
func httpClient(tb testing.TB) *http.Client {
	tb.Helper()
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tb.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}
