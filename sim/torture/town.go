package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/sim"
	"github.com/openclaw-pos/commerce/sim/daraz"
	"github.com/openclaw-pos/commerce/sim/shopify"
	"github.com/openclaw-pos/commerce/sim/torture/check"
)

// town is everybody outside: the partners' simulators and our own shop's buyers.
type town struct {
	run    *run
	shops  []*shopifyShop
	daraz  *darazShop
	site   *siteShop
	skus   []string
	prices map[string]int64 // minor units
}

const stockEach = 40

func openTown(r *run) (*town, error) {
	t := &town{run: r, prices: map[string]int64{}}
	for i := range 12 {
		sku := fmt.Sprintf("T-%02d", i+1)
		t.skus = append(t.skus, sku)
		t.prices[sku] = int64(10+r.rnd.IntN(90)) * 5000
	}
	for i, name := range []string{"shop-a", "shop-b"} {
		s, err := openShopify(t, name, r.opt.Seed+uint64(i)*1000)
		if err != nil {
			return t, err
		}
		t.shops = append(t.shops, s)
	}
	var err error
	t.daraz, err = openDaraz(t, r.opt.Seed+5000)
	for _, f := range t.faults() {
		if err := f.Set(sim.Fault{Kind: sim.ClockSkew, Count: -1, Delay: time.Duration(r.rnd.IntN(480)-240) * time.Second}); err != nil {
			return t, err
		}
		r.struck(sim.ClockSkew)
	}
	t.site = &siteShop{town: t, rnd: rand.New(rand.NewPCG(r.opt.Seed, 0x517e)), client: &http.Client{Timeout: 10 * time.Second}}
	return t, err
}

func (t *town) close() {
	for _, s := range t.shops {
		s.shop.Close()
		_ = s.server.Close()
	}
	if t.daraz != nil {
		t.daraz.market.Close()
		_ = t.daraz.server.Close()
	}
}

// faults are those of every simulator.
func (t *town) faults() []*sim.Faults {
	var all []*sim.Faults
	for _, s := range t.shops {
		all = append(all, s.shop.Faults)
	}
	if t.daraz != nil {
		all = append(all, t.daraz.market.Faults())
	}
	return all
}

func (t *town) injected() map[string]int {
	sum := map[string]int{}
	for _, f := range t.faults() {
		for kind, n := range f.Injected() {
			sum[kind] += n
		}
	}
	return sum
}

// save writes down what was said between the partners and us.
func (t *town) save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	records := map[string]*sim.Record{}
	for _, s := range t.shops {
		records[s.name] = s.shop.Record
	}
	if t.daraz != nil {
		records[t.daraz.name] = t.daraz.market.Record()
	}
	var errs []error
	for name, rec := range records {
		text, err := json.MarshalIndent(rec.Entries(sim.Filter{}), "", " ")
		errs = append(errs, err, os.WriteFile(filepath.Join(dir, name+".json"), text, 0o600))
	}
	text, err := json.MarshalIndent(t.world(), "", " ")
	return errors.Join(append(errs, err, os.WriteFile(filepath.Join(dir, "world.json"), text, 0o600))...)
}

// idle waits until no partner has a webhook left to send.
func (t *town) idle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, s := range t.shops {
		if err := s.shop.Idle(ctx); err != nil {
			return fmt.Errorf("%s still sends webhooks: %w", s.name, err)
		}
	}
	if err := t.daraz.market.Outbox().Idle(ctx); err != nil {
		return fmt.Errorf("%s still sends pushes: %w", t.daraz.name, err)
	}
	return nil
}

// world is what everybody knows now.
func (t *town) world() check.World {
	var w check.World
	for _, s := range t.shops {
		w.Accounts = append(w.Accounts, s.account())
	}
	w.Accounts = append(w.Accounts, t.daraz.account(), t.site.account())
	w.Private = append(slices.Clone(t.site.private), "torture-secret-", t.run.house.key)
	return w
}

// listen serves a partner on a free port of this machine.
func listen(h http.Handler) (*http.Server, string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }() // it ends with Close
	return s, "http://" + l.Addr().String(), nil
}

// acks notes which webhooks we have answered with success; what we promise begins there.
type acks struct {
	next http.RoundTripper
	of   func(h http.Header, body []byte) (check.Ack, bool)

	mu  sync.Mutex
	all []check.Ack
}

// RoundTrip implements http.RoundTripper.
func (a *acks) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	res, err := a.next.RoundTrip(r)
	if err != nil || res.StatusCode/100 != 2 {
		return res, err
	}
	if ack, ok := a.of(r.Header, body); ok {
		a.mu.Lock()
		a.all = append(a.all, ack)
		a.mu.Unlock()
	}
	return res, nil
}

func (a *acks) list() []check.Ack {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.all)
}

// acked counts the webhooks that we have answered with success.
func (t *town) acked() (n int) {
	for _, s := range t.shops {
		n += len(s.heard.list())
	}
	return n + len(t.daraz.heard.list())
}

func sender(of func(h http.Header, body []byte) (check.Ack, bool)) (*acks, *http.Client) {
	a := &acks{next: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 10 * time.Second}, of: of}
	return a, &http.Client{Transport: a}
}

// shopifyShop is a Shopify shop and what was bought there.
type shopifyShop struct {
	name, id, addr string
	mode           string
	wanted         bool // live
	shop           *shopify.Shop
	server         *http.Server
	heard          *acks
	rnd            *rand.Rand
	seed           uint64
	skus           []string
	placed         []string
}

// whole are the topics whose body is the order itself: each is kept under its delivery id.
var whole = []string{"orders/create", "orders/updated", "orders/paid", "orders/cancelled", "orders/fulfilled", "orders/partially_fulfilled"}

func openShopify(t *town, name string, seed uint64) (*shopifyShop, error) {
	s := &shopifyShop{name: name, seed: seed, skus: t.skus, rnd: rand.New(rand.NewPCG(seed, 0x5109))}
	var client *http.Client
	s.heard, client = sender(func(h http.Header, body []byte) (check.Ack, bool) {
		topic := h.Get("X-Shopify-Topic")
		var order struct {
			ID json.Number `json:"id"`
		}
		if !slices.Contains(whole, topic) || json.Unmarshal(body, &order) != nil {
			return check.Ack{}, false
		}
		return check.Ack{Delivery: h.Get("X-Shopify-Webhook-Id"), Topic: topic, External: order.ID.String()}, true
	})
	var err error
	s.shop, err = shopify.New(shopify.Config{
		Domain: name + ".myshopify.com", Name: name, ClientID: "torture", ClientSecret: "torture-secret-" + name, Currency: "PKR", Country: "PK", TimeZone: "Asia/Karachi", TaxRate: "0.18",
		Locations: []shopify.LocationSpec{{Name: "WH"}}, WebhookScale: 1e-3, Seed: seed, PlainHTTP: true, BucketSize: 20000, RestoreRate: 20000, Client: client,
	})
	if err != nil {
		return nil, err
	}
	for _, sku := range t.skus {
		if _, err := s.shop.AddProduct(shopify.ProductSpec{SKU: sku, Title: "Thing " + sku, Price: fmt.Sprintf("%d.00", t.prices[sku]/100), Stock: map[string]int{"WH": stockEach}, Grams: 300}); err != nil {
			return nil, err
		}
	}
	s.server, s.addr, err = listen(s.shop.Handler())
	return s, err
}

// subscribe has the shop send its webhooks to us, as the app's installation does.
func (s *shopifyShop) subscribe(to string) error {
	token := s.shop.IssueToken(time.Hour)
	for _, topic := range []string{"ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_PAID", "ORDERS_CANCELLED", "ORDERS_EDITED", "ORDERS_FULFILLED", "ORDERS_PARTIALLY_FULFILLED", "REFUNDS_CREATE", "RETURNS_REQUEST", "INVENTORY_LEVELS_UPDATE"} {
		body, err := json.Marshal(map[string]any{
			"query":     `mutation($t: WebhookSubscriptionTopic!, $w: WebhookSubscriptionInput!) { webhookSubscriptionCreate(topic: $t, webhookSubscription: $w) { userErrors { message } } }`,
			"variables": map[string]any{"t": topic, "w": map[string]any{"uri": to, "format": "JSON"}},
		})
		if err != nil {
			return err
		}
		req, err := http.NewRequest(http.MethodPost, s.addr+"/admin/api/2026-10/graphql.json", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Shopify-Access-Token", token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK || strings.Contains(string(text), `"message"`) && !strings.Contains(string(text), "already been taken") { // the program was faster
			return fmt.Errorf("subscribe to %s: %d %s %v", topic, res.StatusCode, text, err)
		}
	}
	return nil
}

// sell places an order; false where the shop was sold out.
func (s *shopifyShop) sell() (bool, error) {
	s.seed++
	spec := s.shop.Generate(s.seed, 1)[0]
	spec.Test, spec.POS = false, false
	p, err := s.shop.PlaceOrder(spec)
	if errors.Is(err, shopify.ErrSoldOut) {
		return false, nil
	}
	if err == nil {
		s.placed = append(s.placed, p.ID)
	}
	return err == nil, err
}

func (s *shopifyShop) account() check.Account {
	a := check.Account{ID: s.id, Name: s.name, Channel: "shopify", Acked: s.heard.list(), Shown: map[string]int64{}}
	for _, sku := range s.skus {
		a.Shown[sku] = int64(s.shop.Stock(sku, "WH"))
	}
	for _, id := range s.placed {
		v, _ := s.shop.OrderView(id)
		o := check.Order{External: id, Status: v.Financial, Total: minor(v.Total)}
		for _, l := range v.Lines {
			o.Open += int64(l.Open)
			o.Shipped += int64(l.Shipped)
		}
		a.Orders = append(a.Orders, o)
	}
	return a
}

// minor is an amount with two decimals in minor units.
func minor(amount string) int64 {
	var whole, part int64
	_, _ = fmt.Sscanf(amount, "%d.%02d", &whole, &part)
	return whole*100 + part
}

// darazShop is a shop at Daraz and what was bought there.
type darazShop struct {
	name, id, addr string
	market         *daraz.Market
	shop           *daraz.Shop
	server         *http.Server
	heard          *acks
	rnd            *rand.Rand
	seed           uint64
	placed         []string
}

func openDaraz(t *town, seed uint64) (*darazShop, error) {
	s := &darazShop{name: "daraz-pk", seed: seed, rnd: rand.New(rand.NewPCG(seed, 0xda2a))}
	var client *http.Client
	s.heard, client = sender(func(_ http.Header, body []byte) (check.Ack, bool) {
		var said struct {
			Type int `json:"message_type"`
			Data struct {
				Order json.Number `json:"trade_order_id"`
			} `json:"data"`
		}
		if json.Unmarshal(body, &said) != nil || said.Data.Order == "" {
			return check.Ack{}, false
		}
		return check.Ack{Topic: daraz.Topic(said.Type), External: said.Data.Order.String()}, true
	})
	s.market = daraz.New(daraz.Config{
		Venture: "pk", AppKey: "torture", AppSecret: "torture-secret-daraz", Seed: seed, Client: client,
		Sellers: []daraz.Seller{{ID: "100071"}}, Push: daraz.Push{Scale: 1e-3, Budget: 5 * time.Second},
	})
	s.shop = s.market.Shop("")
	for _, sku := range t.skus {
		s.shop.AddProduct(sku, sku+"_PK-1", t.prices[sku], stockEach)
	}
	var err error
	s.server, s.addr, err = listen(s.market.Handler())
	return s, err
}

func (s *darazShop) sell() (bool, error) {
	s.seed++
	id, err := s.shop.PlaceOrder(s.shop.Generate(s.seed, 1)[0])
	if errors.Is(err, daraz.ErrSoldOut) {
		return false, nil
	}
	if err == nil {
		s.placed = append(s.placed, id)
	}
	return err == nil, err
}

// unsent are the statuses of units that the seller has not handed over.
var unsent = []string{"unpaid", "pending", "repacked", "packed"}

func (s *darazShop) account() check.Account {
	a := check.Account{ID: s.id, Name: s.name, Channel: "daraz", Acked: s.heard.list(), Shown: map[string]int64{}}
	for _, k := range s.shop.Stocks() {
		a.Shown[k.SKU] = int64(k.Real)
	}
	for _, id := range s.placed {
		v, _ := s.shop.OrderView(id)
		o := check.Order{External: id, Shipped: int64(s.shop.Effects(id).Ready), Total: v.Due}
		var states []string
		for _, u := range v.Units {
			states = append(states, u.Status)
			if slices.Contains(unsent, u.Status) {
				o.Open++
			}
		}
		slices.Sort(states)
		o.Status = strings.Join(slices.Compact(states), ",")
		a.Orders = append(a.Orders, o)
	}
	return a
}
