// Package demo is a shop and a marketplace in memory, for tests of everything that sells: stateful, deterministic, with faults to switch on. Start at New.
//
// New makes a shop that counts units and leaves parcels to us, as Shopify does; NewMarket one that addresses each unit, assigns carrier and label itself and shows
// stock as a total, as Daraz does. Between the two every capability of the seam is there. The test acts as buyer and as partner through Shop, the adapter
// is opened through Kind, and Told says what reached the partner. There is no network: the wire simulators are in sim.
package demo

import (
	"fmt"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// Faults that can be switched on; the words are those of the wire simulators.
const (
	Throttle     = "throttle"      // refused for asking too often, two seconds to wait
	ServerError  = "server_error"  // fails before any work is done
	LostAnswer   = "lost_answer"   // the work is done, the answer is lost
	CutBody      = "cut_body"      // the same, seen from the caller
	ExpiredToken = "expired_token" // refused as if the access token had expired
	Refuse       = "refuse"        // understood, and refused
)

// Shop is the partner. Safe for concurrent use. Times come from a clock of its own that moves one second per event, unless SetClock says otherwise.
type Shop struct {
	mu                sync.Mutex
	market            bool
	clock             func() time.Time
	ticks             int64
	seq               int64
	next              int64
	currency, country string
	items             []*item
	orders            map[string]*entry
	ids               []string
	faults            map[string]int
	acts              map[string]channel.Found
	token             int64
	hooks             []string
	returns           int64
}

type item struct {
	listing channel.Listing
	number  int64 // available, or of a market the total with its open units
}

type entry struct {
	order channel.Order
	seq   int64 // of the latest change
	told  Told
}

// Told is what has reached the partner about one order. A call that it recognised as a repeat left nothing.
type Told struct {
	Acknowledged  []string // our numbers
	Packed        int64    // units
	Shipped       int64    // units
	Delivered     int64    // units
	Cancelled     int64    // units
	Refunded      money.Amount
	Shipments     []channel.ShipNotice
	Completions   []channel.Completion
	Cancellations []channel.Cancellation
	Refunds       []channel.RefundRequest
	Returns       []channel.ReturnDecision
	Decisions     []bool // on cancel requests: agreed or not
}

var epoch = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// New is a shop in Pakistan with three things for sale, in rupees: TEA-1, RICE-5 and MUG, a thousand of each.
func New() *Shop {
	s := &Shop{
		orders: map[string]*entry{}, faults: map[string]int{}, acts: map[string]channel.Found{}, currency: "PKR", country: "PK", next: 1000,
	}
	for i, sku := range []string{"TEA-1", "RICE-5", "MUG"} {
		s.Offer(sku, money.Of(int64(100000+i*25050), s.currency), 1000)
	}
	return s
}

// NewMarket is New as a marketplace: units, packages and labels of its own, stock as a total.
func NewMarket() *Shop {
	s := New()
	s.market = true
	return s
}

// Settle makes the shop sell in another country and currency from now on; what was offered before keeps its price.
func (s *Shop) Settle(country, currency string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.country, s.currency = country, currency
}

// SetClock replaces the shop's own clock.
func (s *Shop) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = now
}

// now is the time of one event; the caller holds the lock.
func (s *Shop) now() time.Time {
	if s.clock != nil {
		return s.clock().UTC()
	}
	s.ticks++
	return epoch.Add(time.Duration(s.ticks) * time.Second)
}

// Fault makes the next times (-1: all) calls of a capability go wrong. call is one of order, orders, listings, returns, stock, set-stock, set-prices, acknowledge, pack,
// ship, complete, cancel, decide-cancel, refund, decide-return, buyer, find, identify, subscribe; "" is any. Zero times ends it.
func (s *Shop) Fault(name, call string, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[name+"/"+call] = times
}

func (s *Shop) strikes(name, call string) bool {
	for _, key := range []string{name + "/", name + "/" + call} {
		if s.faults[key] != 0 {
			s.faults[key]--
			return true
		}
	}
	return false
}

// Offer puts something up for sale, or changes its price and stock. Stock is what can be sold; of a market, the total.
func (s *Shop) Offer(sku string, price money.Amount, stock int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.find(channel.ListingRef{SKU: sku})
	if it == nil {
		n := len(s.items) + 1
		it = &item{listing: channel.Listing{Ref: channel.ListingRef{External: fmt.Sprint("V", n), Parent: fmt.Sprint("P", n), SKU: sku}, Title: "Demo " + sku, Active: true}}
		s.items = append(s.items, it)
	}
	it.listing.Price, it.listing.Updated, it.number = price, s.now(), stock
}

// find looks a listing up by whichever key is given; keys that contradict each other find nothing.
func (s *Shop) find(ref channel.ListingRef) *item {
	for _, it := range s.items {
		r := it.listing.Ref
		if (ref.External != "" || ref.SKU != "") && (ref.External == "" || ref.External == r.External) && (ref.SKU == "" || ref.SKU == r.SKU) {
			return it
		}
	}
	return nil
}

// held are units of orders that are not yet handed over.
func (s *Shop) held(ref channel.ListingRef) (n int64) {
	for _, e := range s.orders {
		for _, l := range e.order.Lines {
			if l.Listing.External == ref.External {
				n += l.Quantity - l.Progress.Sum()
			}
		}
	}
	return n
}

// Shown is how many of a SKU a buyer could order now.
func (s *Shop) Shown(sku string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.find(channel.ListingRef{SKU: sku})
	switch {
	case it == nil:
		return 0
	case s.market:
		return max(0, it.number-s.held(it.listing.Ref))
	}
	return max(0, it.number)
}

// Price is what a SKU costs now.
func (s *Shop) Price(sku string) money.Amount {
	s.mu.Lock()
	defer s.mu.Unlock()
	if it := s.find(channel.ListingRef{SKU: sku}); it != nil {
		return it.listing.Price
	}
	return money.Amount{}
}

// Told is what has reached the partner about an order.
func (s *Shop) Told(id string) Told {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.orders[id]; e != nil {
		return e.told
	}
	return Told{}
}

// Read is an order as the partner holds it now.
func (s *Shop) Read(id string) channel.Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.orders[id]; e != nil {
		return copied(e.order)
	}
	return channel.Order{}
}

// touch gives an order a new version and moves it to the end of the listing; the caller holds the lock.
func (s *Shop) touch(e *entry) {
	s.seq++
	e.seq, e.order.Version = s.seq, s.now()
}

var errUnknown = fault.New(fault.NotFound, "the demo shop knows no such order").WithCode("unknown_order")

// HookSecret and AppSecret are settings that the kind declares; what a test gives for them is what counts.
const (
	HookSecret = "hook_secret"
	AppSecret  = "app_secret"
)

// Kind is the shop as a channel type: "demo", or "demomarket" for a market. It needs no settings; a webhook is believed when it is signed with HookSecret.
func Kind(s *Shop) channel.Kind {
	k := channel.Kind{
		Name: "demo", Title: "Demo shop",
		Settings: []channel.Setting{
			{Name: HookSecret, Title: "Webhook secret", Help: "What the demo shop signs its webhooks with.", Secret: true},
			{Name: AppSecret, Title: "App secret", Help: "What the demo shop gives access tokens for.", Secret: true},
		},
		Statuses: statuses,
		Fields:   fields,
		Stock:    channel.StockAvailable,
		Parcels:  channel.ParcelOurs,
		Open:     func(c channel.Config) (channel.Channel, error) { return &plain{opened(s, c)}, nil },
	}
	if s.market {
		k.Name, k.Title, k.Stock, k.Parcels = "demomarket", "Demo marketplace", channel.StockTotal, channel.ParcelTheirs
		k.Open = func(c channel.Config) (channel.Channel, error) { return &market{opened(s, c)}, nil }
	}
	return k
}

func opened(s *Shop, c channel.Config) base {
	if c.Now == nil {
		c.Now = time.Now
	}
	return base{s, c}
}

// statuses are ours: the demo shop speaks our language, and what it says otherwise is unknown.
var statuses = words("order", channel.Unpaid, channel.Held, channel.Open, channel.Cancelled, channel.Completed)

func words(axis string, all ...channel.Status) []channel.StatusRow {
	var rows []channel.StatusRow
	for _, w := range all {
		rows = append(rows, channel.StatusRow{Axis: axis, Theirs: string(w), Ours: w, Source: "package channel/demo"})
	}
	return rows
}
