// Package shopify is a stateful stand-in for one Shopify shop: its token endpoint, its Admin GraphQL API in several versions, its webhooks, and
// the buyers, who are played through Go calls or the pages under /_sim/. Start at New, then PlaceOrder.
//
// It is written from Shopify's documentation and from Shopify's own schema (schema/NOTICE), shares no type with the adapter, and checks what
// Shopify checks: tokens, scopes, query cost, every query against the schema, compare-and-swap on stock, idempotency keys, over-refunds. What
// the documentation leaves open and was decided here is marked "inferred" where it is decided.
package shopify

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/sim"
)

// LocationSpec is one place the shop ships from.
type LocationSpec struct {
	Name    string  `json:"name"`
	Address Address `json:"address"`
}

// Config describes the shop. Only Domain, ClientID and ClientSecret have no sensible default.
type Config struct {
	Domain       string // karachi-kicks.myshopify.com
	Name         string
	ClientID     string
	ClientSecret string

	Currency        string            // of the shop; PKR when empty
	Rates           map[string]string // presentment currencies: units per unit of the shop's, as decimal text
	TaxesExcluded   bool              // prices do not hold tax; the zero value is a shop whose prices do
	TaxName         string            // GST when empty
	TaxRate         string            // "0.18" when empty; "0" for none
	ShippingTaxed   bool
	Country         string // PK when empty
	TimeZone        string // Asia/Karachi when empty
	Locations       []LocationSpec
	InventoryPolicy string // of new variants: DENY (the default) refuses orders without stock, CONTINUE sells on

	CODGateway   string // name of the manual gateway; "Cash on Delivery (COD)" when empty
	ProtectedPII int    // -1: no customer data at all, 1: without name, address, phone and email; 0 and 2: all

	Versions    []string // supported API versions; Versions() when empty
	Scopes      []string // granted to the app; nil means all that are simulated
	BucketSize  float64  // 2000 when zero
	RestoreRate float64  // 100 points a second when zero
	MaxCost     float64  // of one query; 1000 when zero

	Grants          []string      // accepted by the token endpoint; all when nil
	PermanentTokens []string      // access tokens that never expire (custom apps)
	TokenLife       time.Duration // of expiring tokens; one hour when zero
	ClientTokenLife time.Duration // of client-credentials tokens; a day when zero
	RefreshLife     time.Duration // of refresh tokens; 90 days when zero

	WebhookVersion string          // of payloads; the newest when empty
	WebhookRetries []time.Duration // waits before attempts 2 to 9; 8 retries over 4 hours when nil
	WebhookScale   float64         // every wait is multiplied by it; 1 when zero
	WebhookWorkers int             // 4 when zero
	WebhookTimeout time.Duration   // 5 s when zero
	ComplianceURI  string          // where customers/data_request, customers/redact and shop/redact go
	PlainHTTP      bool            // accept http:// addresses other than the own machine's
	Client         *http.Client    // sends webhooks

	JobDelay  time.Duration // how long an order cancellation takes; 0 is at once
	SearchLag time.Duration // how long a change stays invisible to list queries

	Now         func() time.Time // the shop's clock; time.Now when nil
	Seed        uint64
	Log         *slog.Logger
	RecordBytes int // bound of the record's bodies, see sim.NewRecord
}

// Shop is one simulated shop. All methods are safe for concurrent use.
type Shop struct {
	Faults *sim.Faults
	Record *sim.Record

	cfg     Config
	now     func() time.Time
	zone    *time.Location
	outbox  *sim.Outbox
	control *sim.Control
	handler http.Handler
	log     *slog.Logger
	scopes  map[string]bool
	rates   map[string]*big.Rat

	mu        sync.Mutex
	rnd       *rand.Rand
	last      map[string]int64 // last id given, by type
	bucket    bucket
	tokens    tokens
	secrets   []secret
	installed bool
	created   time.Time

	locations []*location
	products  []*product
	variants  map[int64]*variant
	items     map[int64]*variant
	bySKU     map[string][]*variant
	customers []*customer
	orders    []*order
	orderByID map[int64]*order
	jobs      map[string]*job
	edits     map[int64]*edit
	subs      []*subscription
	keys      map[string]*attempt
	numbers   int
}

// New opens a shop. It fails on a configuration that contradicts itself.
func New(cfg Config) (*Shop, error) {
	if cfg.Domain == "" || cfg.ClientID == "" || cfg.ClientSecret == "" {
		return nil, fmt.Errorf("a shop needs a domain, a client id and a client secret")
	}
	defaults(&cfg)
	zone, err := time.LoadLocation(cfg.TimeZone)
	if err != nil {
		return nil, err
	}
	s := &Shop{
		Faults: &sim.Faults{}, Record: sim.NewRecord(cfg.RecordBytes), cfg: cfg, zone: zone, log: cfg.Log, installed: true,
		rnd: rand.New(rand.NewPCG(cfg.Seed, 0x5409)), last: map[string]int64{}, bucket: bucket{size: cfg.BucketSize, rate: cfg.RestoreRate},
		variants: map[int64]*variant{}, items: map[int64]*variant{}, bySKU: map[string][]*variant{}, orderByID: map[int64]*order{},
		jobs: map[string]*job{}, edits: map[int64]*edit{}, keys: map[string]*attempt{}, rates: map[string]*big.Rat{}, scopes: map[string]bool{},
		secrets: []secret{{value: cfg.ClientSecret}}, numbers: 1000,
	}
	s.now = sim.Clock(cfg.Now, s.Faults)
	s.created = s.now()
	if err := s.configure(); err != nil {
		return nil, err
	}
	s.outbox = s.newOutbox()
	s.control = s.newControl()
	s.handler = s.routes()
	return s, nil
}

func defaults(cfg *Config) {
	cfg.Name = cmp.Or(cfg.Name, strings.TrimSuffix(cfg.Domain, ".myshopify.com"))
	cfg.Currency = cmp.Or(cfg.Currency, "PKR")
	cfg.Country = cmp.Or(cfg.Country, "PK")
	cfg.TimeZone = cmp.Or(cfg.TimeZone, "Asia/Karachi")
	cfg.TaxName = cmp.Or(cfg.TaxName, "GST")
	cfg.TaxRate = cmp.Or(cfg.TaxRate, "0.18")
	cfg.InventoryPolicy = cmp.Or(cfg.InventoryPolicy, "DENY")
	cfg.CODGateway = cmp.Or(cfg.CODGateway, "Cash on Delivery (COD)")
	cfg.BucketSize = cmp.Or(cfg.BucketSize, 2000)
	cfg.RestoreRate = cmp.Or(cfg.RestoreRate, 100)
	cfg.MaxCost = cmp.Or(cfg.MaxCost, maxCost)
	cfg.TokenLife = cmp.Or(cfg.TokenLife, time.Hour)
	cfg.ClientTokenLife = cmp.Or(cfg.ClientTokenLife, 24*time.Hour)
	cfg.RefreshLife = cmp.Or(cfg.RefreshLife, 90*24*time.Hour)
	cfg.WebhookTimeout = cmp.Or(cfg.WebhookTimeout, 5*time.Second)
	if len(cfg.Versions) == 0 {
		cfg.Versions = Versions()
	}
	slices.Sort(cfg.Versions)
	cfg.WebhookVersion = cmp.Or(cfg.WebhookVersion, cfg.Versions[len(cfg.Versions)-1])
	if cfg.WebhookRetries == nil {
		// Eight retries over four hours; how they are spaced is inferred.
		m := time.Minute
		cfg.WebhookRetries = []time.Duration{m, 2 * m, 5 * m, 12 * m, 25 * m, 45 * m, 60 * m, 90 * m}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if len(cfg.Locations) == 0 {
		cfg.Locations = []LocationSpec{{Name: "Main warehouse", Address: Address{Address1: "Plot 12, SITE", City: "Karachi", Country: cfg.Country, Zip: "75700"}}}
	}
}

func (s *Shop) configure() error {
	if _, err := parseRate(s.cfg.TaxRate); err != nil {
		return err
	}
	for _, v := range s.cfg.Versions {
		if _, err := Schema(v); err != nil {
			return err
		}
	}
	for currency, text := range s.cfg.Rates {
		r, ok := new(big.Rat).SetString(text)
		if !ok || r.Sign() <= 0 {
			return fmt.Errorf("rate of %s: %q is no rate", currency, text)
		}
		s.rates[currency] = r
	}
	scopes := s.cfg.Scopes
	if scopes == nil {
		scopes = AllScopes()
	}
	for _, sc := range scopes {
		s.scopes[sc] = true
	}
	for _, l := range s.cfg.Locations {
		s.addLocation(l)
	}
	s.tokens = newTokens(s)
	return nil
}

func (s *Shop) addLocation(l LocationSpec) *location {
	loc := &location{s: s, id: s.id("Location"), name: l.Name, addr: l.Address, active: true, fulfills: true, created: s.second()}
	s.locations = append(s.locations, loc)
	return loc
}

// Handler serves Shopify's paths and the simulator's own under /_sim/.
func (s *Shop) Handler() http.Handler { return s.handler }

// Close stops the webhooks: what is on its way is waited for, the rest is forgotten.
func (s *Shop) Close() { s.outbox.Close() }

// Idle waits until every webhook has been delivered or given up, or ctx ends.
func (s *Shop) Idle(ctx context.Context) error { return s.outbox.Idle(ctx) }

// Pending is how many webhooks are queued, waiting for a retry or on their way.
func (s *Shop) Pending() int { return s.outbox.Pending() }

// Domain is the shop's address at Shopify, the id of the shop for everybody else.
func (s *Shop) Domain() string { return s.cfg.Domain }

// firstIDs are where ids start: far apart by type, and with line items past what a float64 holds exactly.
var firstIDs = map[string]int64{
	"Order": 6_120_000_000_000, "LineItem": 9_407_199_254_740_993, "Product": 8_230_000_000_000, "ProductVariant": 45_300_000_000_000,
	"InventoryItem": 47_410_000_000_000, "Location": 81_200_000_000, "Customer": 7_440_000_000_000, "Fulfillment": 5_510_000_000_000,
	"FulfillmentOrder": 7_010_000_000_000, "FulfillmentOrderLineItem": 15_220_000_000_000, "Refund": 990_000_000_000,
	"OrderTransaction": 7_800_000_000_000, "Return": 12_300_000_000, "WebhookSubscription": 1_440_000_000_000,
}

func (s *Shop) id(typ string) int64 {
	if s.last[typ] == 0 {
		s.last[typ] = firstIDs[typ]
		if s.last[typ] == 0 {
			s.last[typ] = 600_000_000_000
		}
	}
	// Shopify's ids grow but are not dense.
	s.last[typ] += 1 + s.rnd.Int64N(97)
	return s.last[typ]
}

// second is now as Shopify keeps it: whole seconds.
func (s *Shop) second() time.Time { return s.now().UTC().Truncate(time.Second) }

func (s *Shop) location(id int64) *location {
	for _, l := range s.locations {
		if l.id == id {
			return l
		}
	}
	return nil
}

// event is one thing that happened, told under one event id however many topics and subscriptions it touches.
type event struct {
	s    *Shop
	id   string
	at   time.Time
	told []told
}

type told struct {
	topic, ref string
	body       func() kv
}

func (e *event) emit(topic, ref string, body func() kv) {
	if !slices.ContainsFunc(e.told, func(t told) bool { return t.topic == topic && t.ref == ref }) {
		e.told = append(e.told, told{topic, ref, body})
	}
}

// do runs one change under the shop's lock and then tells subscribers. An error must mean that nothing was changed.
func (s *Shop) do(change func(e *event) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	e := s.newEvent()
	if err := change(e); err != nil {
		return err
	}
	s.tell(e)
	return nil
}

func (s *Shop) newEvent() *event {
	return &event{s: s, id: s.uuid(), at: s.second()}
}

// tick runs the jobs that are due.
func (s *Shop) tick() {
	for _, j := range s.jobs {
		if !j.done && !s.now().Before(j.due) {
			j.done = true
			e := s.newEvent()
			j.run(e)
			s.tell(e)
		}
	}
}

func (s *Shop) uuid() string {
	a, b := s.rnd.Uint64(), s.rnd.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, 0x8000|b>>48&0x3fff, b&0xffffffffffff)
}

// touch marks an order as changed at the moment of the event and tells orders/updated.
func (o *order) touch(e *event) {
	if e.at.After(o.updated) {
		o.updated = e.at
	}
	o.settle(e)
	e.emit("ORDERS_UPDATED", gid("Order", o.id), o.rest)
}

// settle closes an order that has nothing left to do, as Shopify's auto-archive does, and opens it again when something comes up.
func (o *order) settle(e *event) {
	_, open, _, _ := o.units()
	done := open == 0 && (o.cancelled != nil || o.outstanding().pres == 0)
	switch {
	case done && o.closed == nil:
		at := e.at
		o.closed = &at
	case !done && o.closed != nil:
		o.closed = nil
	}
}
