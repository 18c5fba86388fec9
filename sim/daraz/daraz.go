// Package daraz is a stand-in for the Daraz Open Platform: a marketplace with shops, listings, buyers and couriers behind the signed gateway
// that Daraz inherited from Lazada, with its pushes and with its faults to switch on. Start at New, then Shop.
//
// It is written from the public documentation and from what others observed on live accounts, never from our own adapter. Where the
// documents of Daraz and Lazada differ or are silent, the behaviour is a setting of Config, and the doc comment says which side it follows.
package daraz

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/sim"
)

// Config says which marketplace to play and how it behaves. The zero value is Daraz Pakistan with one shop, both generations of optional
// endpoints, untidy values and no pushes.
type Config struct {
	Venture     string // pk, bd, lk, np or mm; pk when empty
	AppKey      string // sim-daraz-key when empty
	AppSecret   string // sim-daraz-secret when empty
	RedirectURI string // the registered callback; any is accepted when empty
	Sellers     []Seller
	Seed        uint64           // one seed, one run: ids, untidiness, tracking numbers
	Now         func() time.Time // time.Now when nil; a ClockSkew fault shifts it
	Log         *slog.Logger     // nothing is logged when nil
	Client      *http.Client     // sends pushes; a client of its own when nil
	RecordBytes int              // how many bytes of bodies the record keeps; 64 MiB when zero

	Tokens Tokens
	Orders Orders
	Limits Limits
	Push   Push

	Cancel         Paths         // which cancel endpoints exist; PathsBoth when empty
	NoReverse      bool          // no reverse order endpoints: Daraz does not list them, others found them live
	ReverseSummary bool          // the reverse list leaves its lines out, as one live account saw
	NoSellable     bool          // no sellable stock endpoints: not in Daraz's published write set
	CancelWindow   time.Duration // how long a seller has to decide on a buyer's cancel; 24 h when zero
}

// Seller is one shop under the app.
type Seller struct {
	ID         string // seller_id; 100071, 100072, … when empty
	UserID     string
	ShortCode  string   // PK1A2B3C-like
	Account    string   // the e-mail a person logs in with: not a key
	Warehouses []string // the first is the default; one called "dropshipping" when empty
}

// Tokens says how the app's credentials live.
type Tokens struct {
	Access         time.Duration // 30 days when zero
	Refresh        time.Duration // counted from the consent, not reset by a refresh; 180 days when zero
	NotRefreshable bool          // refresh_expires_in is 0 and every refresh is refused
	Grace          time.Duration // how long the access token before a refresh still works
	Shape          TokenShape
}

// TokenShape is how a token answer names the seller.
type TokenShape string

// Shapes of a token answer.
const (
	ShapeFlat    TokenShape = "flat"    // user_info{} and a top-level country, as local sellers were seen to get; the default
	ShapeCountry TokenShape = "country" // country_user_info[] as documented; country_user_info_list[] on refresh
)

// Orders says how orders are listed and written down.
type Orders struct {
	Dates         DateStyle
	LimitParam    string // "limit", "limt" (sic, Daraz's table) or "both", the default; the other one is ignored
	OffsetCeiling int    // the greatest offset accepted; 5000 when zero (Lazada)
	ItemsBatch    int    // order ids per /orders/items/get; 50 when zero (Lazada)
	Plain         bool   // every amount a tidy string, every flag a boolean, nothing "null"
	Masked        bool   // phones and streets masked, as for an app without the permission
}

// DateStyle is one of the encodings of a time that the documents show.
type DateStyle string

// Encodings of created_at, updated_at and their kin.
const (
	DatesMixed  DateStyle = "mixed"  // per order one of the three below; the default
	DatesISO    DateStyle = "iso"    // 2018-02-09T22:44:30+05:00
	DatesSpaced DateStyle = "spaced" // 2024-02-29 14:59:56 +0500
	DatesMillis DateStyle = "millis" // "1413786247000"
	DatesLocal  DateStyle = "local"  // 2018-01-04 00:23:04, the venture's own zone
)

// Limits is the gateway's rate limit, per shop and path.
type Limits struct {
	QPS int           // calls in one second; unlimited when zero
	Ban time.Duration // how long everything is refused once passed; 1 s when zero
}

// Paths says which generation of a group of endpoints exists.
type Paths string

// Generations of the cancel endpoints.
const (
	PathsBoth   Paths = "both"
	PathsNew    Paths = "new"    // /order/reverse/cancel/…
	PathsLegacy Paths = "legacy" // /order/cancel, /order/failure_reason/get
	PathsNone   Paths = "none"
)

// Market is the marketplace. Safe for concurrent use. Everything that has happened is in memory and gone with it.
type Market struct {
	cfg       Config
	venture   venture
	endpoints map[string]endpoint
	faults    *sim.Faults
	record    *sim.Record
	outbox    *sim.Outbox
	control   *sim.Control
	handler   http.Handler
	now       func() time.Time
	log       *slog.Logger

	mu       sync.Mutex
	rnd      *rand.Rand
	seq      int64
	shops    []*Shop // fixed after New
	codes    map[string]consent
	access   map[string]*grant
	old      map[string]oldToken
	refresh  map[string]*grant
	windows  map[string]*window
	links    map[string]link
	callback string
	pushing  bool
	rowFault rowFault
	asks     []*reverse // buyers' cancels nobody has decided
}

// New is a marketplace with its shops, empty of listings and orders.
func New(cfg Config) *Market {
	cfg = cfg.filled()
	m := &Market{
		cfg: cfg, venture: ventures[cfg.Venture], log: cfg.Log,
		faults: &sim.Faults{}, record: sim.NewRecord(cfg.RecordBytes),
		rnd:   rand.New(rand.NewPCG(cfg.Seed, 0xda4a2)),
		codes: map[string]consent{}, access: map[string]*grant{}, old: map[string]oldToken{}, refresh: map[string]*grant{},
		windows: map[string]*window{}, links: map[string]link{},
		callback: cfg.Push.URL, pushing: !cfg.Push.Off,
	}
	m.now = sim.Clock(cfg.Now, m.faults)
	for i, s := range cfg.Sellers {
		m.shops = append(m.shops, newShop(m, i, s))
	}
	m.endpoints = endpoints(cfg)
	m.outbox = newOutbox(m)
	m.control = newControl(m)
	m.handler = m.routes()
	return m
}

// Handler serves the gateway (with or without the /rest prefix of the real hosts), the consent page, label downloads, and /_sim/.
func (m *Market) Handler() http.Handler { return m.handler }

// Close stops the pushes.
func (m *Market) Close() { m.outbox.Close() }

// Faults are the faults of this marketplace: the kinds of package sim, matched against the API path or the push topic (push/0, push/14).
func (m *Market) Faults() *sim.Faults { return m.faults }

// Record is everything it was told and everything it sent.
func (m *Market) Record() *sim.Record { return m.record }

// Told is what callers told this marketplace on one API path ("/order/fulfill/pack"), oldest first; "" is everything.
func (m *Market) Told(path string) []sim.Entry {
	return m.record.Entries(sim.Filter{Dir: sim.In, Kind: path})
}

// Shop is the shop of a seller id, the first one for "", nil when there is none.
func (m *Market) Shop(seller string) *Shop {
	for _, s := range m.shops {
		if seller == "" || s.seller.ID == seller {
			return s
		}
	}
	return nil
}

// Shops are all shops in the order of Config.Sellers.
func (m *Market) Shops() []*Shop { return m.shops }

// Currency is the venture's currency code.
func (m *Market) Currency() string { return m.venture.currency }

// Zone is the venture's time zone.
func (m *Market) Zone() *time.Location { return m.venture.zone }

func (m *Market) routes() http.Handler {
	api := sim.Answers(m.faults, func(r *http.Request) string { return apiPath(r) }, http.HandlerFunc(m.serveAPI))
	mux := http.NewServeMux()
	mux.Handle("/_sim/", m.control)
	mux.HandleFunc("GET /oauth/authorize", m.serveAuthorize)
	mux.HandleFunc("GET /labels/{token}", m.serveLabel)
	mux.Handle("/", api)
	return mux
}

// id makes a fresh 18-digit number, above 2^53 so that a client which reads ids as floats loses digits.
func (m *Market) id(family int64) string {
	m.seq++
	return strconv.FormatInt(family*100_000_000_000_000_000+m.seq*1_000_000+m.rnd.Int64N(1_000_000), 10)
}

func (c Config) filled() Config {
	c.Venture = strings.ToLower(c.Venture)
	if _, ok := ventures[c.Venture]; !ok {
		c.Venture = "pk"
	}
	c.AppKey = or(c.AppKey, "sim-daraz-key")
	c.AppSecret = or(c.AppSecret, "sim-daraz-secret")
	if len(c.Sellers) == 0 {
		c.Sellers = []Seller{{}}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Tokens.Access = or(c.Tokens.Access, 30*24*time.Hour)
	c.Tokens.Refresh = or(c.Tokens.Refresh, 180*24*time.Hour)
	c.Tokens.Shape = or(c.Tokens.Shape, ShapeFlat)
	c.Orders.Dates = or(c.Orders.Dates, DatesMixed)
	c.Orders.LimitParam = or(c.Orders.LimitParam, "both")
	c.Orders.OffsetCeiling = or(c.Orders.OffsetCeiling, 5000)
	c.Orders.ItemsBatch = or(c.Orders.ItemsBatch, 50)
	c.Limits.Ban = or(c.Limits.Ban, time.Second)
	c.Cancel = or(c.Cancel, PathsBoth)
	c.CancelWindow = or(c.CancelWindow, 24*time.Hour)
	c.Push = c.Push.filled()
	return c
}

// venture is one country's marketplace. Offsets and currencies as channel-daraz §1.1; none of these countries changes its clocks.
type venture struct {
	currency, country, site string
	carrier                 string // prefix of tracking numbers, as DEXNP025640432 was seen live in Nepal
	zone                    *time.Location
}

var ventures = map[string]venture{
	"pk": {"PKR", "Pakistan", "daraz_pk", "DEXPK", time.FixedZone("PKT", 5*3600)},
	"bd": {"BDT", "Bangladesh", "daraz_bd", "DEXBD", time.FixedZone("BST", 6*3600)},
	"lk": {"LKR", "Sri Lanka", "daraz_lk", "DEXLK", time.FixedZone("SLST", 5*3600+1800)},
	"np": {"NPR", "Nepal", "daraz_np", "DEXNP", time.FixedZone("NPT", 5*3600+2700)},
	"mm": {"MMK", "Myanmar", "daraz_mm", "DEXMM", time.FixedZone("MMT", 6*3600+1800)},
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
