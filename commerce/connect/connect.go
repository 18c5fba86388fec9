// Package connect keeps the accounts at channels and everything that passes between us and them: what arrives (webhooks, polls, reads), what is told, stock and
// prices pushed. Start at Service.Receive in hook.go for the way in, importer.go for how it becomes orders, tell.go for the way out.
//
// It owns sales_channels, channel_accounts, account_health, account_locations, channel_cursors, inbox, channel_orders, reads, early_returns, tells, channel_stock and channel_prices.
// Locks, cursors, health and token refresh live here, so that an adapter has none of its own.
package connect

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// Needs is what connect gets from others. app fills it.
type Needs struct {
	DB  *db.DB
	Log *slog.Logger
	// Idle is the least that a loop with nothing to do waits before it looks again; 0 is as soon as suits whoever waits for an order.
	Idle  time.Duration
	Kinds []channel.Kind
	// Secrets gives and takes credentials, sealed elsewhere.
	Secrets Secrets
	// Privacy seals raw payloads and personal records.
	Privacy *privacy.Store
	// Zone opens the store of a residency zone besides the main one; nil while there is none. Faults: Forbidden with code privacy.Elsewhere, Unavailable.
	Zone func(name string) (*privacy.Store, error)
	// Zones names those whose inbox this process takes and whose stores answer just now; nil: none.
	Zones func() []string
	// ZoneFor says in which zone a new account is kept; nil: the main one.
	ZoneFor func(ctx context.Context, acc Account) (string, error)
	// Local reports whether what a channel knows of buyers lies in tables of our own, which only the main zone has; nil: of none.
	Local func(channel string) bool
	// Audit keeps who did what to an account.
	Audit *audit.Log
	// HTTP makes the client of an account, with its limits.
	HTTP func(acc Account, limits channel.Limits) *http.Client
	// Import is the one door inward.
	Import func(tx *db.Tx, arrivals []channel.Arrival) ([]channel.Landing, error)
	// Held gives what we hold of an order in the shape of a reading, to compare with one; nil leaves the comparison out.
	Held func(tx *db.Tx, order string) (channel.Order, error)
	// Prepare makes sure that n order numbers are ready; it runs before the transaction.
	Prepare func(ctx context.Context, country, channel string, n int) error
	// Adopt moves orders to an account's new mode, page by page.
	Adopt func(tx *db.Tx, acc channel.Account, after string, limit int) (last string, done bool, err error)
	// SaveListings keeps what a channel offers and maps it to SKUs.
	SaveListings func(tx *db.Tx, account string, listings []channel.Listing) error
	// Unmapped counts an account's listings that wait for their SKU; nil leaves that out of a comparison.
	Unmapped func(tx *db.Tx, account string) (int, error)
	// Returns takes what a channel says about returns; nil while nobody keeps them.
	Returns func(tx *db.Tx, changes []channel.ReturnChange, account string) error
	// Packed, Shipped and RefundDone let the contexts that wait for an answer of a channel know it.
	Packed     func(tx *db.Tx, out Outcome) error
	Shipped    func(tx *db.Tx, out Outcome) error
	RefundDone func(tx *db.Tx, out Outcome) error
	// ReturnTold lets returns know whether the channel took what it was told of one; nil = nobody waits for it.
	ReturnTold func(tx *db.Tx, out Outcome) error
	// Stock says what accounts are to show.
	Stock StockNeeds
	// AddressMissing names what a parcel to this address lacks in its country.
	AddressMissing func(ctx context.Context, country string, a channel.Address) ([]string, error)
	// PublicURL is where partners reach us, for webhook subscriptions; "" when they cannot.
	PublicURL string
	// Tracer follows what comes in through the queues; nil: nobody does.
	Tracer trace.Tracer
	// VariantsIn lists what is sold in each of some orders, for traces.
	VariantsIn func(tx *db.Tx, orders []string) (map[string][]string, error)
	// HashKey keys the content hashes, so that they give nothing away.
	HashKey []byte
}

// Secrets is the vault as connect sees it. Owner is "account:<id>" or "app:<channel>/<app>".
type Secrets interface {
	Values(owner, name string) []string // newest first; what another process stored a moment ago may be missing
	// Newest is the value in use, what another process stored a moment ago included; "" when there is none.
	Newest(ctx context.Context, owner, name string) (string, error)
	Put(tx *db.Tx, owner, name string, secret []byte, expires time.Time) error
}

// Service is the context's front. Safe for concurrent use.
type Service struct {
	need  Needs
	kinds map[string]channel.Kind

	mu     sync.Mutex
	opened map[string]*opened     // by account id
	can    map[string]channel.Can // by channel: what its adapter can do
	wake   chan struct{}          // something was stored
	nudge  map[string]chan struct{}

	intake   gather[delivered]
	full     int // messages from which on the inbox is full
	pressure pressure
	step     func(name string) error // tests: what happens between the commits of a far import
}

// New makes the service.
func New(need Needs) *Service {
	s := &Service{need: need, kinds: map[string]channel.Kind{}, opened: map[string]*opened{}, can: map[string]channel.Can{}, wake: make(chan struct{}, 1), nudge: map[string]chan struct{}{}, full: fullInbox}
	if s.need.Log == nil {
		s.need.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	for _, k := range need.Kinds {
		s.kinds[k.Name] = k
	}
	s.intake = gather[delivered]{most: batchSize, lanes: 1, do: s.keepAll}
	if need.DB != nil && need.DB.Engine() != db.SQLite {
		s.intake.lanes = 2 // while one waits for the disk
	}
	return s
}

// Kinds lists the channel types this binary knows.
func (s *Service) Kinds() []channel.Kind { return s.need.Kinds }

// signal wakes a loop that waits, without ever blocking.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func orNull(v string) any {
	if v == "" {
		return nil
	}
	return v
}

// idle is when a loop that found nothing to do looks again.
func (s *Service) idle(d time.Duration) <-chan time.Time { return time.After(max(d, s.need.Idle)) }
