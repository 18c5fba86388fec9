package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/sim"
	"github.com/openclaw-pos/commerce/sim/daraz"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// stall is one shop at a channel: a simulator listening on a port, and our account for it.
type stall interface {
	name() string
	// open listens, adds the account, and brings listings in.
	open(ctx context.Context, a *app.App, w *world, hooks string) error
	// sell places n more orders; it answers how many the shop front took.
	sell(n int) (int, error)
	// sent is how many orders the shop has taken so far, and which.
	sent() []string
	// key is the column by which orders are known in sent.
	key() string
	// trouble switches faults on; calm switches them off.
	trouble()
	calm()
	// quiet waits until nothing more is on its way to us; pending is how many messages are.
	quiet(ctx context.Context) error
	pending() int
	// shipped counts the units that the channel has been told are handed over.
	shipped() int
	// travel lets the channel's own carriers move what was handed over.
	travel()
	// regret lets buyers of orders placed since it was last asked change their minds while nothing is packed.
	regret(w *wishes) error
	// repent lets the buyer of an order that is packed cancel it.
	repent(order string, w *wishes) error
	// giveBack lets some of those who have their goods ask to return them; sendBack gives the goods of an agreed return to a carrier.
	giveBack(w *wishes) error
	sendBack(ret string) error
	// openUnits counts, per order, what the channel sees as still to be sent; nil where we are the channel.
	openUnits() map[string]int
	// home is the code of the place where its returns go.
	home() string
	faults() map[string]int
	url() string
	account() string
	close()
}

// listen serves a handler on a free port of this machine.
func listen(h http.Handler) (*http.Server, string, error) {
	l, err := bind("")
	if err != nil {
		return nil, "", err
	}
	return serveAt(l, h), "http://" + l.Addr().String(), nil
}

// bind takes an address, by default a free port of this machine.
func bind(addr string) (net.Listener, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

func serveAt(l net.Listener, h http.Handler) *http.Server {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			panic(err)
		}
	}()
	return s
}

// shopifyStall is a Shopify shop.
type shopifyStall struct {
	label, country, currency, entity, zone, rate string
	places                                       []string // our locations, each one of the shop's
	div                                          int64    // PKR per unit of the shop's currency
	seed                                         uint64
	taxesOut                                     bool
	scale                                        float64
	poll                                         string // seconds

	shop   *shopify.Shop
	server *http.Server
	addr   string
	acc    string
	specs  []shopify.OrderSpec
	placed []string

	regrets regrets
	givers  givers
}

func (s *shopifyStall) name() string    { return s.label }
func (s *shopifyStall) url() string     { return s.addr }
func (s *shopifyStall) home() string    { return s.places[0] }
func (s *shopifyStall) account() string { return s.acc }
func (s *shopifyStall) sent() []string  { return s.placed }
func (s *shopifyStall) key() string     { return "external" }

func (s *shopifyStall) open(ctx context.Context, a *app.App, w *world, hooks string) error {
	var locations []shopify.LocationSpec
	for _, code := range s.places {
		locations = append(locations, shopify.LocationSpec{Name: code})
	}
	domain := s.label + ".myshopify.com"
	var err error
	s.shop, err = shopify.New(shopify.Config{
		Domain: domain, Name: s.label, ClientID: "demo-client", ClientSecret: "demo-secret-" + s.label, Currency: s.currency, Country: s.country, TimeZone: s.zone, TaxRate: s.rate,
		TaxesExcluded: s.taxesOut, Locations: locations, WebhookScale: s.scale, WebhookWorkers: 4, Seed: s.seed, PlainHTTP: true, BucketSize: 20000, RestoreRate: 20000,
	})
	if err != nil {
		return err
	}
	if s.server, s.addr, err = listen(s.shop.Handler()); err != nil {
		return err
	}
	for _, it := range w.range_ {
		stocked := map[string]int{}
		for _, code := range s.places {
			stocked[code] = stockEach
		}
		price := money.Of(max(100, it.price/s.div/50*50), s.currency)
		if _, err := s.shop.AddProduct(shopify.ProductSpec{SKU: it.sku, Barcode: it.gtin, Title: it.title, Price: price.Decimal(), Stock: stocked, Grams: it.weight}); err != nil {
			return fmt.Errorf("product %s: %w", it.sku, err)
		}
	}
	acc, err := a.Connect.Add(ctx, connect.Adding{
		Name: s.label, Channel: "shopify", Country: s.country, Currency: s.currency, Zone: s.zone, LegalEntity: w.entities[s.entity], Mode: channel.Live, Actor: "demo",
		Settings: map[string]string{"shop": domain, "base_url": s.addr, "client_id": "demo-client", "poll_seconds": s.poll, "acknowledge_tag": "openclaw {number}"},
		Secrets:  map[string]string{"client_secret": "demo-secret-" + s.label},
	})
	if err != nil {
		return err
	}
	s.acc = acc.ID
	if err := s.mapPlaces(ctx, a, w); err != nil {
		return err
	}
	if _, err := a.Connect.PullListings(ctx, acc.ID); err != nil {
		return err
	}
	_, err = a.Connect.Subscribe(ctx, acc.ID, hooks+"/hooks/"+s.label)
	return err
}

// mapPlaces says which of the shop's locations each of ours is, by name.
func (s *shopifyStall) mapPlaces(ctx context.Context, a *app.App, w *world) error {
	shop, err := a.Connect.Check(ctx, s.acc)
	if err != nil {
		return err
	}
	for _, l := range shop.Locations {
		if ours := w.locations[l.Name]; ours != "" {
			if err := a.Connect.MapLocation(ctx, s.acc, ours, l.External); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *shopifyStall) sell(n int) (int, error) {
	for len(s.specs) < n {
		s.seed++
		s.specs = append(s.specs, s.shop.Generate(s.seed, n)...)
	}
	took := 0
	for _, spec := range s.specs[:n] {
		p, err := s.shop.PlaceOrder(spec)
		if errors.Is(err, shopify.ErrSoldOut) {
			continue
		}
		if err != nil {
			return took, err
		}
		took++
		if !spec.Test && !spec.POS {
			s.placed = append(s.placed, p.ID)
		}
	}
	s.specs = s.specs[n:]
	return took, nil
}

func (s *shopifyStall) trouble() {
	for _, f := range []sim.Fault{
		{Kind: sim.Duplicate, Match: "orders/", Count: -1, Every: 3},
		{Kind: sim.Reorder, Match: "orders/", Count: -1, Every: 5},
		{Kind: sim.Drop, Match: "orders/", Count: -1, Every: 11},
		{Kind: sim.Throttle, Count: 12},
		{Kind: sim.ExpiredToken, Count: 1},
		{Kind: sim.ServerError, Count: 3, Every: 4, Code: 502},
	} {
		if err := s.shop.Faults.Set(f); err != nil {
			panic(err)
		}
	}
}

func (s *shopifyStall) calm()                           { s.shop.Faults.Clear() }
func (s *shopifyStall) quiet(ctx context.Context) error { return s.shop.Idle(ctx) }
func (s *shopifyStall) pending() int                    { return s.shop.Pending() }
func (s *shopifyStall) faults() map[string]int          { return s.shop.Faults.Injected() }
func (s *shopifyStall) travel()                         {}

func (s *shopifyStall) shipped() int {
	n := 0
	for _, id := range s.placed {
		v, ok := s.shop.OrderView(id)
		if !ok {
			continue
		}
		for _, l := range v.Lines {
			n += l.Shipped
		}
	}
	return n
}

func (s *shopifyStall) close() {
	s.shop.Close()
	_ = s.server.Close()
}

// darazStall is a Daraz shop.
type darazStall struct {
	label  string
	seed   uint64
	poll   string // seconds
	market *daraz.Market
	shop   *daraz.Shop
	server *http.Server
	addr   string
	acc    string
	specs  []daraz.OrderSpec
	placed []string

	regrets regrets
	givers  givers
}

func (s *darazStall) name() string    { return s.label }
func (s *darazStall) url() string     { return s.addr }
func (s *darazStall) home() string    { return "PK-LHE-WH" }
func (s *darazStall) account() string { return s.acc }
func (s *darazStall) sent() []string  { return s.placed }
func (s *darazStall) key() string     { return "external" }

func (s *darazStall) open(ctx context.Context, a *app.App, w *world, hooks string) error {
	s.market = daraz.New(daraz.Config{Venture: "pk", AppKey: "demo-app", AppSecret: "demo-app-secret", Seed: s.seed, Sellers: []daraz.Seller{{ID: "100071"}}, Push: daraz.Push{Scale: 1e-3}})
	s.shop = s.market.Shop("")
	var err error
	if s.server, s.addr, err = listen(s.market.Handler()); err != nil {
		return err
	}
	for _, it := range w.range_ {
		s.shop.AddProduct(it.sku, it.sku+"_PK-1", it.price, stockEach)
		s.shop.Name(it.sku, it.title)
	}
	acc, err := a.Connect.Add(ctx, connect.Adding{
		Name: s.label, Channel: "daraz", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: w.entities["PK"], App: "demo-app", Mode: channel.Live, Actor: "demo",
		Settings: map[string]string{"venture": "pk", "app_key": "demo-app", "base_url": s.addr + "/rest", "poll_seconds": s.poll},
		Secrets:  map[string]string{"app_secret": "demo-app-secret", "code": s.shop.Authorize()},
	})
	if err != nil {
		return err
	}
	s.acc = acc.ID
	if _, err := a.Connect.PullListings(ctx, acc.ID); err != nil {
		return err
	}
	s.market.SetCallback(hooks + "/hooks/app/daraz/demo-app")
	return nil
}

func (s *darazStall) sell(n int) (int, error) {
	for len(s.specs) < n {
		s.seed++
		s.specs = append(s.specs, s.shop.Generate(s.seed, n)...)
	}
	took := 0
	for _, spec := range s.specs[:n] {
		id, err := s.shop.PlaceOrder(spec)
		if errors.Is(err, daraz.ErrSoldOut) {
			continue
		}
		if err != nil {
			return took, err
		}
		took++
		s.placed = append(s.placed, id)
	}
	s.specs = s.specs[n:]
	return took, nil
}

func (s *darazStall) trouble() {
	for _, f := range []sim.Fault{
		{Kind: sim.Duplicate, Match: "push/", Count: -1, Every: 3},
		{Kind: sim.Drop, Match: "push/", Count: -1, Every: 7},
		{Kind: sim.Throttle, Match: "/orders/get", Count: 2},
		{Kind: sim.LostAnswer, Match: "/order/fulfill/pack", Count: 2, Every: 3},
		{Kind: sim.ExpiredToken, Count: 1},
	} {
		if err := s.market.Faults().Set(f); err != nil {
			panic(err)
		}
	}
}

func (s *darazStall) calm()                           { s.market.Faults().Clear() }
func (s *darazStall) quiet(ctx context.Context) error { return s.market.Outbox().Idle(ctx) }
func (s *darazStall) pending() int                    { return s.market.Outbox().Pending() }
func (s *darazStall) faults() map[string]int          { return s.market.Faults().Injected() }
func (s *darazStall) travel()                         { s.shop.Advance(4) }

func (s *darazStall) shipped() int {
	n := 0
	for _, id := range s.placed {
		n += s.shop.Effects(id).Ready
	}
	return n
}

func (s *darazStall) close() {
	s.market.Close()
	_ = s.server.Close()
}
