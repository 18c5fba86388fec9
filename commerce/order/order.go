// Package order is the canonical order: the one door inward (Import), counted progress of every line, holds, change sets and the timeline.
// Start at Service.Import in import.go.
//
// It owns orders, order_lines, order_units, order_charges, order_holds, order_history and order_change_sets. What it needs of other
// contexts comes through Needs, always plural and in the caller's transaction. The order row is locked before anything else.
package order

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Needs is what other contexts do for orders. app fills it.
type Needs struct {
	DB *db.DB
	// Resolve finds the SKU behind each listing, at the same index.
	Resolve func(tx *db.Tx, wanted []Wanted) ([]Resolved, error)
	// Costs gives the unit cost of variants; one that is not known is left out.
	Costs func(tx *db.Tx, legalEntity string, variants []string, at time.Time) (map[string]money.Amount, error)
	// Rank lists, per route, the locations in the order in which sourcing would use them.
	Rank func(tx *db.Tx, routes []Route) ([][]string, error)
	// Reserve takes stock for order lines; every demanded unit is granted or short.
	Reserve func(tx *db.Tx, demands []stock.Demand) (stock.Outcome, error)
	// Release gives reservations back.
	Release func(tx *db.Tx, gone []Released) error
	// Change gives back and takes in one step, so that all levels are locked together in key order. Without it Release runs, then Reserve.
	Change func(tx *db.Tx, gone []Released, demands []stock.Demand) (stock.Outcome, error)
	// Short counts the units orders are still short of.
	Short func(tx *db.Tx, orders []string) (map[string]int64, error)
	// Pay records what channels say was paid and refunded, and answers each order's pay state.
	Pay func(tx *db.Tx, facts []Money) (map[string]PayState, error)
	// Paid lists by order the payments whose money has come.
	Paid func(tx *db.Tx, orders []string) (map[string][]channel.Payment, error)
	// Announce makes refunds known that a channel reported, once the order itself is written.
	Announce func(tx *db.Tx, orders []string) error
	// Void ends what is still to be paid of cancelled orders.
	Void func(tx *db.Tx, orders []string) error
	// Rules are the country's tax and rounding rules at a moment.
	Rules func(tx *db.Tx, country string, at time.Time) (Rules, error)
	// Numbers allocates order numbers; it runs before the transaction.
	Numbers func(ctx context.Context, prefix string, n int) ([]string, error)
	// Committed counts, per line, the units that are packed and not yet handed over.
	Committed func(tx *db.Tx, orders []string) (map[string]int64, error)
	// Withdraw takes units out of fulfillment; packed ones too, whose shipments are then stopped.
	Withdraw func(tx *db.Tx, order string, units []event.UnitsMove, reason string) error
	// Parcels hands what a channel says about parcels under way to dispatch.
	Parcels func(tx *db.Tx, facts []ParcelFact) error
	// Returns hands what a channel says about returns to returns.
	Returns func(tx *db.Tx, facts []channel.ReturnChange, account string) error
}

// Wanted asks for the SKU behind a listing.
type Wanted struct {
	Account string
	Ref     channel.ListingRef
	Title   string
}

// Resolved is the answer: Variant is empty while the listing is not mapped.
type Resolved struct {
	Listing string
	Variant string
	SKU     string
	Title   string
	Kit     bool
	Ships   bool
	Ignored bool
	Parts   []event.Part
}

// Route is where an order comes from and goes to.
type Route struct {
	LegalEntity string
	Account     string
	Country     string
	Province    string
	City        string
}

// Released gives back so much of a line's reservation; Quantity 0 means all of it, Variant "" every part.
type Released struct {
	LineID   string
	Variant  string
	Quantity int64
}

// Money is what a channel says about the money of one order.
type Money struct {
	OrderID  string
	Account  string
	Channel  string
	Currency string
	Total    int64 // what the buyer owes now: as placed less what was cancelled
	COD      bool
	Fresh    bool // the order is made in this transaction
	Ours     bool // false: recorded only, nobody acts on it
	Payments []channel.Payment
	Refunds  []channel.Refund
	Lines    map[string]string // the channel's line id → ours
	At       time.Time
}

// ParcelFact is what a channel says about parcels of one order: facts, never orders.
type ParcelFact struct {
	OrderID string
	Account string
	Parcels []channel.Parcel
	Units   []channel.Unit    // where the channel addresses units
	Lines   map[string]string // the channel's line id → ours
	At      time.Time
}

// Rules is the part of country policy that orders use.
type Rules struct {
	Zone          string
	TaxMode       channel.TaxMode
	ClosingMinute int64 // of the local day: what happens before it belongs to the business day before
	UnpaidExpiry  time.Duration
}

// State is the order's merchant state, derived from its lines.
type State string

const (
	Open        State = "open"
	PartShipped State = "part_shipped"
	Shipped     State = "shipped"
	Delivered   State = "delivered"
	Closed      State = "closed" // nothing is left to do: everything cancelled, delivered, returned or lost
	Cancelled   State = "cancelled"
)

// PayState is the order's money state, told by payments.
type PayState string

const (
	Unpaid       PayState = "unpaid"
	Due          PayState = "due"
	Authorized   PayState = "authorized"
	PartPaid     PayState = "part_paid"
	Paid         PayState = "paid"
	PartRefunded PayState = "part_refunded"
	Refunded     PayState = "refunded"
	Voided       PayState = "voided"
)

// settled reports whether the money has once been there in full.
func (p PayState) settled() bool { return p == Paid || p == PartRefunded || p == Refunded }

// Service is the context's front. Safe for concurrent use.
type Service struct {
	need    Needs
	numbers numbers
}

// New makes the service; every field of Needs must be set.
func New(need Needs) *Service { return &Service{need: need} }

// Head is an order without its lines.
type Head struct {
	ID             string               `json:"id"`
	Number         string               `json:"number"`
	Account        string               `json:"account_id"`
	Channel        string               `json:"channel"`
	External       string               `json:"external_id"`
	ExternalNumber string               `json:"external_number"`
	LegalEntity    string               `json:"legal_entity_id"`
	Country        string               `json:"country"`
	Currency       string               `json:"currency"`
	TaxMode        channel.TaxMode      `json:"tax_mode"`
	Money          channel.Completeness `json:"money"`
	State          State                `json:"state"`
	PayState       PayState             `json:"pay_state"`
	Mode           channel.Mode         `json:"mode"`
	Ours           bool                 `json:"ours"`
	Origin         string               `json:"origin"`
	PlacedAt       time.Time            `json:"placed_at"`
	BusinessDate   string               `json:"business_date"`
	ShipBy         time.Time            `json:"ship_by,omitzero"`
	DeliverBy      time.Time            `json:"deliver_by,omitzero"`
	CancelledAt    time.Time            `json:"cancelled_at,omitzero"`
	ClosedAt       time.Time            `json:"closed_at,omitzero"`
	PaidAt         time.Time            `json:"paid_at,omitzero"` // when all of the money was there for the first time
	VersionAt      time.Time            `json:"-"`
	ReadAt         time.Time            `json:"-"`
	Hash           string               `json:"-"`
	Raw            string               `json:"-"`
	Buyer          string               `json:"-"` // id of the sealed personal record
	SeenBuyer      string               `json:"-"` // the one the channel gave last: a person's correction stands until the channel says something else
	Zone           string               `json:"zone"`
	ShipCountry    string               `json:"ship_country"`
	ShipProvince   string               `json:"ship_province"`
	ShipCity       string               `json:"ship_city"`
	ShipPostcode   string               `json:"ship_postcode"`
	AddressOK      bool                 `json:"address_ok"`
	Sums           Sums                 `json:"-"`
	ShopTotal      money.Amount         `json:"-"`
	ShopRate       string               `json:"-"`
	COD            bool                 `json:"cash_on_delivery"`
	Statuses       map[string]string    `json:"channel_statuses"`
	Tags           []string             `json:"tags"`
	Extra          map[string]string    `json:"extra"`
	Units          Counts               `json:"units"`
	Holds          int64                `json:"open_holds"`
	CreatedAt      time.Time            `json:"created_at"`
	UpdatedAt      time.Time            `json:"updated_at"`
	Version        int64                `json:"version"`
}

// Effective reports whether the order is fulfilled here: reserved, emitted, sourced.
func (h Head) Effective() bool { return h.Ours && h.Mode != channel.Shadow }

// Amount puts minor units into the order's currency.
func (h Head) Amount(minor int64) money.Amount { return money.Of(minor, h.Currency) }

// Sums are the order's amounts in minor units of its currency. Total is what the buyer pays, Owed what the seller is due.
type Sums struct {
	Goods           int64 // price × quantity, before discounts
	Discount        int64
	DiscountChannel int64 // part of Discount that the channel pays
	Tax             int64
	TaxChannel      int64 // part of Tax that the channel remits
	Charges         int64 // shipping, tips, duties, fees: what the buyer pays for them
	Rounding        int64 // the explicit rounding line
	Total           int64
	Owed            int64
	Difference      int64 // what does not add up, when it holds the order
}

// Counts are units over all lines.
type Counts struct {
	Ordered   int64 `json:"ordered"`
	Cancelled int64 `json:"cancelled"`
	Open      int64 `json:"open"`
	Shipped   int64 `json:"shipped"`
	Delivered int64 `json:"delivered"`
	Back      int64 `json:"back"` // returning, returned or lost
}

// Line is one order line with its counted progress: ordered = cancelled + open + shipped, shipped = on the way + delivered + returning + returned + lost.
type Line struct {
	ID              string             `json:"id"`
	OrderID         string             `json:"order_id"`
	N               int64              `json:"n"`
	External        string             `json:"external_id"`
	Listing         string             `json:"listing_id,omitempty"`
	Variant         string             `json:"variant_id,omitempty"`
	SKU             string             `json:"sku"`
	Title           string             `json:"title"`
	FulfilledBy     channel.Party      `json:"fulfilled_by"`
	Ships           bool               `json:"ships"`
	Kit             bool               `json:"kit"`
	Currency        string             `json:"currency"`
	UnitPrice       int64              `json:"unit_price"`
	Goods           int64              `json:"goods"`
	Discount        int64              `json:"discount"`
	DiscountChannel int64              `json:"discount_by_channel"`
	Tax             int64              `json:"tax"`
	TaxChannel      int64              `json:"tax_by_channel"`
	Total           int64              `json:"total"`
	Discounts       []channel.Discount `json:"discounts,omitempty"`
	Taxes           []channel.Tax      `json:"taxes,omitempty"`
	UnitCost        money.Amount       `json:"-"`
	Parts           []event.Part       `json:"parts,omitempty"`
	Progress
	Location string `json:"location_hint,omitempty"`
	Units    []Unit `json:"channel_units,omitempty"`
	Seen     Seen   `json:"-"`
}

// Seen is how far the channel had counted a line at its last reading, so that a status that goes backwards is told from one that we are ahead of.
type Seen struct {
	Cancelled int64
	Shipped   int64 // handed over, whatever became of it
	Past      int64 // delivered, coming back, returned or lost
}

func seenOf(p channel.Progress) Seen {
	past := p.Delivered + p.Returning + p.Returned + p.Lost
	return Seen{p.Cancelled, p.Shipped + p.Failed + past, past}
}

// Progress counts a line's units.
type Progress struct {
	Ordered   int64 `json:"ordered"`
	Cancelled int64 `json:"cancelled"`
	Open      int64 `json:"open"`
	Shipped   int64 `json:"shipped"`
	OnTheWay  int64 `json:"on_the_way"`
	Delivered int64 `json:"delivered"`
	Returning int64 `json:"returning"`
	Returned  int64 `json:"returned"`
	Lost      int64 `json:"lost"`
	Refunded  int64 `json:"refunded"`
	Exchanged int64 `json:"exchanged"`
}

// Unit is one piece that the channel addresses; it stands in exactly one bucket.
type Unit struct {
	External string         `json:"external_id"`
	Bucket   Bucket         `json:"bucket"`
	Status   channel.Status `json:"status"`
	Raw      string         `json:"raw"`
	Package  string         `json:"package,omitempty"`
	Tracking string         `json:"tracking,omitempty"`
}

// Bucket is where a unit is counted.
type Bucket string

const (
	InOpen      Bucket = "open"
	InCancelled Bucket = "cancelled"
	InOnTheWay  Bucket = "on_the_way"
	InDelivered Bucket = "delivered"
	InReturning Bucket = "returning"
	InReturned  Bucket = "returned"
	InLost      Bucket = "lost"
)

// Ours reports whether the seller fulfils the line: only such lines reserve, are sourced and shipped.
func (l Line) Ours() bool { return l.FulfilledBy == channel.Seller && l.Ships }

// Moved names units of a line that go from one count to another.
type Moved struct {
	LineID   string
	Quantity int64
	Units    []string // the channel's ids, where it addresses units
}
