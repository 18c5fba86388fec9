// Package cart is the checkout of our own web shop: storefronts, carts, and how a cart becomes exactly one order. Start at Service.Place in place.go.
//
// It owns storefronts, carts and cart_lines. A placed cart keeps its order as a sealed channel.OwnOrder; channel/ownsite reads it through Service.Placed and
// Service.One, so that an order whose checkout was killed still comes in by the poll. Buyer and address are stored sealed only, the cart's token hashed only.
package cart

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// Needs is what the checkout gets from others. app fills it; every field but Log must be set.
type Needs struct {
	DB  *db.DB
	Log *slog.Logger
	// Privacy seals buyers and orders.
	Privacy *privacy.Store
	// HashKey keys the proof of a buyer, so that it gives nothing away: privacy.Store.ContentKey.
	HashKey []byte
	// Audit writes down what people did to storefronts.
	Audit func(tx *db.Tx, entries ...audit.Entry) error
	// Range lists what is sold, active variants by SKU, resuming after one.
	Range func(tx *db.Tx, afterSKU string, limit int) ([]Item, error)
	// Items reads variants by id; unknown and inactive ones are left out.
	Items func(tx *db.Tx, variants []string) (map[string]Item, error)
	// Variants finds variants by SKU; unknown ones are left out.
	Variants func(tx *db.Tx, skus []string) (map[string]string, error)
	// Prices gives what variants cost in a storefront; those that are not sold there are left out.
	Prices func(tx *db.Tx, s Storefront, variants []string) (map[string]Price, error)
	// Promise says how many of each variant, kits included, the storefront may promise.
	Promise func(tx *db.Tx, s Storefront, variants []string) (map[string]int64, error)
	// Rank lists the locations that may send an order of the storefront to an address, best first.
	Rank func(tx *db.Tx, s Storefront, to channel.Address) ([]string, error)
	// Reserve takes stock. An outcome without shortages means that everything is held.
	Reserve func(tx *db.Tx, demands []stock.Demand) (stock.Outcome, error)
	// Release gives back all that these carts hold.
	Release func(tx *db.Tx, carts []string) error
	// Rules are the country's tax and rounding rules at a moment.
	Rules func(tx *db.Tx, country string, at time.Time) (Rules, error)
	// Rates are the tax rates of tax classes; one that is left out has the standard rate.
	Rates func(tx *db.Tx, country string, classes []string, at time.Time) (map[string]money.Rate, error)
	// Missing names the fields of an address that a parcel needs and that are not there.
	Missing func(ctx context.Context, country string, a channel.Address) ([]string, error)
	// Gateway opens a payment provider for a storefront. Fault: NotFound for one nobody knows.
	Gateway func(ctx context.Context, s Storefront, provider string) (gateway.Gateway, gateway.Kind, error)
	// Import brings a placed order in at once and waits for what became of it.
	Import func(ctx context.Context, account string, c channel.Change) (channel.Landing, error)
	// Instead finds an order of an account by our number, where it replaces what came back of another: our id, and the channel's id of the order that the buyer placed,
	// which is a cart's. Both are "" for any other order, and for none.
	Instead func(tx *db.Tx, account, number string) (order, placed string, err error)
}

// Item is a variant as the checkout needs it.
type Item struct {
	Variant  string
	SKU      string
	Title    string
	TaxClass string // "" or standard: the country's standard rate
	Ships    bool
	Parts    []event.Part // of a kit
}

// parts are what has to be held for one of it.
func (i Item) parts() []event.Part {
	if len(i.Parts) > 0 {
		return i.Parts
	}
	return []event.Part{{Variant: i.Variant, Quantity: 1}}
}

// Price is what one costs, and what is struck through beside it (no money when nothing is).
type Price struct {
	Amount  money.Amount
	Compare money.Amount
}

// Rules are the rules of a country that checkout keeps.
type Rules struct {
	TaxMode   channel.TaxMode
	TaxName   string
	Rate      money.Rate // the standard rate
	RoundMode money.Mode
	Bill      bool // tax is rounded once for the whole bill, not line by line
	// CashRound rounds what is paid in cash at the door to what coins can pay, and gives the difference; nil rounds nothing.
	CashRound func(total money.Amount) (rounded, difference money.Amount, err error)
}

// Service is the context's front. Safe for concurrent use.
type Service struct{ need Needs }

// New makes the service.
func New(need Needs) *Service {
	if need.Log == nil {
		need.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return &Service{need: need}
}

// The states of a cart.
const (
	Open    = "open"
	Placing = "placing" // stock is held, the payment is being asked for
	Placed  = "placed"
	Expired = "expired"
)

// Life is the life of a cart. Refused is a payment that came to nothing: the buyer may try again.
var Life = state.Life{Name: "cart", Start: Open, Moves: map[state.State]map[state.Event]state.State{
	Open:    {"place": Placing, "expire": Expired},
	Placing: {"accept": Placed, "refuse": Open},
	Placed:  {},
	Expired: {},
}}

// Lives are the life cycles of this context.
var Lives = []state.Life{Life}

// What a checkout may take, so that nobody fills our tables or overflows a sum.
const (
	MaxLines    = 100
	MaxQuantity = 999
)

// How long things last.
const (
	holdFor   = 15 * time.Minute // the reservation
	placeFor  = 13 * time.Minute // a checkout ends before its reservation does, so that the order converts it
	openFor   = 30 * 24 * time.Hour
	giveUp    = 30 * time.Second // between the end of a checkout and its undoing, so that clocks may differ
	pollAgain = 20 * time.Second // a payment that waits is asked about so often
	landAgain = time.Minute      // a placed cart without an order is imported again after this
)

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
