// Package returns keeps what comes back and what is owed for it: requests of buyers, channels and couriers, with two axes, goods and money, that advance in
// either order. Start at Service.Request in request.go for the way in, goods.go for what the warehouse does, money.go for what the buyer gets.
//
// It owns returns_rma and return_lines. Every change of a return happens under the lock of its order's row, so that orders, payments and stock follow in the same
// transaction. Kinds: return, exchange, refund_only, return_to_origin (a parcel that was never delivered) and claim (one that was lost or damaged on the way).
package returns

import (
	"context"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Needs is what returns get from others. app fills it.
type Needs struct {
	DB    *db.DB
	Audit *audit.Log
	// Orders reads orders by our id, their rows locked in key order when asked. One that does not exist is left out.
	Orders func(tx *db.Tx, ids []string, lock bool) (map[string]Order, error)
	// Known finds our ids of an account's orders by the channel's ids; one that is not here is left out.
	Known func(tx *db.Tx, account string, externals []string) (map[string]string, error)
	// Meta is what contract events of these orders begin with.
	Meta func(tx *db.Tx, orders []string) (map[string]event.Meta, error)
	// Return counts delivered units as coming back, Keep is its inverse; Turn counts units on the way as coming back, Unturn is its inverse; Back counts coming ones as
	// returned, Unback is its inverse. Without an inverse the act that needs it is refused.
	Return, Keep, Turn, Unturn, Back, Unback func(tx *db.Tx, order string, moves []event.UnitsMove) error
	// Exchanged counts units given in exchange on the order's lines; nil while nobody counts them.
	Exchanged func(tx *db.Tx, order string, moves []event.UnitsMove) error
	// Move records stock facts.
	Move func(tx *db.Tx, ms []stock.Movement) error
	// Due says what so many units of lines would give back by now, capped by what they cost, by what was captured and by what went back already.
	Due func(tx *db.Tx, order string, units []Units, shipping int64) (lines []int64, total int64, err error)
	// Refund records the intent to give money back and has it carried out. It is safe to repeat with the same Reference.
	Refund func(tx *db.Tx, a RefundAsk) (Refund, error)
	// Settled says that an intended refund is out, as the channel's own conclusion of a return shows.
	Settled func(tx *db.Tx, refund string) error
	// Reported records a refund that a channel made by concluding a return and lists nowhere else. Safe to repeat with the same Reference.
	Reported func(tx *db.Tx, a RefundAsk) error
	// Numbers allocates return numbers; it runs outside any transaction.
	Numbers func(ctx context.Context, prefix string, n int) ([]string, error)
	// PlaceExchange places the orders that replace what comes back, each answered at the same index; nil where exchanges are only recorded.
	PlaceExchange func(tx *db.Tx, asks []ExchangeAsk) ([]Placed, error)
	// CancelExchange takes such orders and their money back; fault.Conflict when one has been handed over, or was partly paid out.
	CancelExchange func(tx *db.Tx, gone []ExchangeCancel) error
	// Ready makes order numbers that PlaceExchange may need; it runs outside any transaction. nil where none are needed.
	Ready func(ctx context.Context, country, channel string, n int) error
}

// Order is what returns need to know of an order.
type Order struct {
	ID, Number, Account, Channel, External, Country, Currency string
	COD                                                       bool
	Effective                                                 bool // ours to act on: not shadow, not history
	// ListsRefunds says that the channel lists its refunds with the order; otherwise concluding a return is all it tells of the money.
	ListsRefunds bool
	// PaysItself says that the channel holds the money and gives it back by itself when a parcel does not reach its buyer: nobody here can.
	PaysItself bool
	// ShowsReturns says that the channel can be told of a return that began here.
	ShowsReturns bool
	Shipping     int64 // what the buyer paid for shipping
	// ExchangeOn is when an exchange is placed by itself: OnApproval (also ""), or OnReceipt.
	ExchangeOn string
	Version    int64
	Lines      []OrderLine
}

// OrderLine is one line of it with its counts.
type OrderLine struct {
	ID, External, Variant, SKU, Title       string
	Parts                                   []event.Part // a kit's
	Units                                   []string     // the channel's ids of its units
	Ours                                    bool         // the seller ships it and gets it back
	Ordered, Cancelled, OnTheWay, Delivered int64
	Returning, Returned, Lost               int64
	Refunded, Exchanged                     int64
	Total, Cost                             int64 // Cost is of one unit in minor units of CostCurrency; "" = not known
	CostCurrency                            string
}

func (o Order) line(id string) *OrderLine {
	i := slices.IndexFunc(o.Lines, func(l OrderLine) bool { return l.ID == id })
	if i < 0 {
		return nil
	}
	return &o.Lines[i]
}

// Units is so many units of an order line.
type Units struct {
	LineID   string   `json:"line_id"`
	Quantity int64    `json:"quantity"`
	Units    []string `json:"units,omitempty"` // the channel's ids, where it addresses units
	Reason   string   `json:"reason,omitempty"`
}

// RefundAsk is money to give back for a return.
type RefundAsk struct {
	Order, Return, Reference string
	Lines                    []Units
	Back                     bool  // the units came back
	Amount                   int64 // minor units; 0 = what lines and shipping come to
	Shipping                 int64
	Method                   string // "" the way it came; payout; return = the channel pays when it is told of our decision on the return
	Reason, Actor            string
	At                       time.Time
}

// Refund is the intent that was recorded.
type Refund struct {
	ID     string
	State  string // intended, issued …
	Amount int64
}

// Service is the context's front. Safe for concurrent use.
type Service struct {
	need    Needs
	numbers numbers
}

// New makes the service.
func New(need Needs) *Service { return &Service{need: need} }

// Kind is why something comes back, or why money goes.
type Kind string

const (
	KindReturn     Kind = "return"
	KindExchange   Kind = "exchange"
	KindRefundOnly Kind = "refund_only"
	KindOrigin     Kind = "return_to_origin"
	KindClaim      Kind = "claim"
)

// goods reports whether something is to come back.
func (k Kind) goods() bool { return k == KindReturn || k == KindExchange || k == KindOrigin }

// DecisionLife is how a return is decided.
var DecisionLife = state.Life{Name: "return", Start: "requested", Moves: map[state.State]map[state.Event]state.State{
	"requested": {"approve": "approved", "decline": "declined", "withdraw": "withdrawn"},
	"approved":  {"withdraw": "withdrawn", "unapprove": "requested"},
	"declined":  {"reopen": "requested", "approve": "approved"},
	"withdrawn": {"reopen": "requested"},
}}

// GoodsLife is the way of the goods. What arrives is a fact: it is received whatever was decided.
var GoodsLife = state.Life{Name: "return's parcel", Start: "awaited", Moves: map[state.State]map[state.Event]state.State{
	"none":       {},
	"awaited":    {"send": "on_the_way", "receive": "received", "cancel": "cancelled", "skip": "none"},
	"on_the_way": {"receive": "received", "lose": "lost", "unsend": "awaited", "cancel": "cancelled"},
	"received":   {"receive": "received", "inspect": "inspected", "unreceive": "on_the_way"},
	"inspected":  {"receive": "received", "uninspect": "received"},
	"lost":       {"receive": "received", "find": "on_the_way"},
	"cancelled":  {"receive": "received", "await": "awaited"},
}}

// MoneyLife is the way of the money.
var MoneyLife = state.Life{Name: "refund of a return", Start: "none", Moves: map[state.State]map[state.Event]state.State{
	"none":     {"owe": "due", "pay": "refunded"},
	"due":      {"intend": "intended", "pay": "refunded", "refuse": "refused", "waive": "waived", "forget": "none"},
	"intended": {"pay": "refunded", "fail": "due"},
	"refunded": {"owe": "due"},
	"refused":  {"owe": "due", "pay": "refunded"},
	"waived":   {"owe": "due", "pay": "refunded"},
}}

// Lives are the life cycles of this context.
var Lives = []state.Life{DecisionLife, GoodsLife, MoneyLife}

// RMA is a return.
type RMA struct {
	ID          string    `json:"id"`
	Number      string    `json:"number"`
	OrderID     string    `json:"order_id"`
	Account     string    `json:"account_id"`
	External    string    `json:"external_id,omitempty"`
	Shipment    string    `json:"shipment_id,omitempty"`
	Location    string    `json:"location_id,omitempty"`
	Kind        Kind      `json:"kind"`
	Goods       string    `json:"goods_state"`
	Money       string    `json:"money_state"`
	Decision    string    `json:"decision"`
	Reason      string    `json:"reason"`
	RequestedBy string    `json:"requested_by"` // buyer, seller, channel, courier
	RequestedAt time.Time `json:"requested_at"`
	DecideBy    time.Time `json:"decide_by,omitzero"`
	ApprovedAt  time.Time `json:"approved_at,omitzero"`
	ReceivedAt  time.Time `json:"received_at,omitzero"`
	ClosedAt    time.Time `json:"closed_at,omitzero"`
	RefundDue   int64     `json:"refund_due_minor"`
	Refunded    int64     `json:"refunded_minor"`
	Currency    string    `json:"currency"`
	Exchange    string    `json:"exchange_order_id,omitempty"`
	Detail      Detail    `json:"detail"`
	UpdatedAt   time.Time `json:"updated_at"`
	Version     int64     `json:"version"`
	Lines       []Line    `json:"lines,omitempty"`
}

// Detail is what a return says beside its states; no personal data.
type Detail struct {
	Status     string   `json:"channel_status,omitempty"` // the channel's own word
	Carrier    string   `json:"carrier,omitempty"`
	Tracking   string   `json:"tracking,omitempty"`
	Note       string   `json:"note,omitempty"`
	Shipping   int64    `json:"shipping_minor,omitempty"`   // part of what is due
	Refunds    []string `json:"refunds,omitempty"`          // ids of refunds, newest last
	By         string   `json:"refund_method,omitempty"`    // how the newest one that we asked for goes back, where it was chosen
	Difference int64    `json:"difference_minor,omitempty"` // of an exchange: above zero the buyer pays
	Proposed   int64    `json:"proposed_minor,omitempty"`   // what the channel proposes to give back
	Completed  bool     `json:"completed,omitempty"`        // the channel has concluded it
	Untold     string   `json:"untold,omitempty"`           // why the channel refused what it was told of it
	Shown      string   `json:"shown,omitempty"`            // our reference, where the channel was told of a return that began here
	// Wanted is what the buyer asked to get instead; Given counts, per order line, the units that others were given for, and Credit is the refund by which these pay for them.
	Wanted []Replacement    `json:"wanted,omitempty"`
	Given  map[string]int64 `json:"given,omitempty"`
	Credit string           `json:"credit_refund_id,omitempty"`
	// Turned counts, per order line, units that came back although nobody had reported their delivery.
	Turned map[string]int64 `json:"turned,omitempty"`
}

// Line is the part of a return that belongs to an order line. received = waiting + sellable + quarantine + damaged + rejected.
type Line struct {
	ID         string   `json:"id"`
	LineID     string   `json:"line_id"`
	Variant    string   `json:"variant_id,omitempty"`
	External   string   `json:"external_id"` // of the order line
	Units      []string `json:"units,omitempty"`
	Quantity   int64    `json:"quantity"`
	Received   int64    `json:"received"`
	Waiting    int64    `json:"waiting"` // received and not inspected
	Sellable   int64    `json:"sellable"`
	Quarantine int64    `json:"quarantine"`
	Damaged    int64    `json:"damaged"`
	Rejected   int64    `json:"rejected"` // came, and is not taken back: no money for it
	Reason     string   `json:"reason"`
	Refund     int64    `json:"refund_minor"` // what is due for it
}

// counted reports whether the order counts these units as coming back already.
func (r *RMA) counted() bool {
	return r.Goods == "on_the_way" || r.Goods == "received" || r.Goods == "inspected" || r.Goods == "lost"
}

// decide, goods and money move one axis; fault.Conflict when the life refuses.
func (r *RMA) decide(ev state.Event) error { return step(DecisionLife, &r.Decision, ev) }
func (r *RMA) goods(ev state.Event) error  { return step(GoodsLife, &r.Goods, ev) }
func (r *RMA) money(ev state.Event) error  { return step(MoneyLife, &r.Money, ev) }

func step(l state.Life, at *string, ev state.Event) error {
	to, err := l.Next(state.State(*at), ev)
	if err == nil {
		*at = string(to)
	}
	return err
}

// Actions are what can be done with a return as it stands, for consoles.
func (r *RMA) Actions() []string {
	var all []string
	add := func(name string, can bool) {
		if can {
			all = append(all, name)
		}
	}
	may := func(l state.Life, at string, ev state.Event) bool {
		_, err := l.Next(state.State(at), ev)
		return err == nil
	}
	add("approve", may(DecisionLife, r.Decision, "approve"))
	add("decline", may(DecisionLife, r.Decision, "decline"))
	add("withdraw", may(DecisionLife, r.Decision, "withdraw") && r.Goods != "received" && r.Goods != "inspected")
	add("sent_back", r.Decision == "approved" && may(GoodsLife, r.Goods, "send"))
	add("receive", may(GoodsLife, r.Goods, "receive"))
	add("inspect", r.Goods == "received")
	add("exchange", r.awaitsExchange())
	add("unexchange", r.replaced() && (r.Money == "due" || r.Money == "waived"))
	add("refund", r.Decision == "approved" && r.Money == "due")
	add("refuse", r.Money == "due")
	add("close", r.Decision == "approved" && r.Kind.goods() && r.Goods != "inspected")
	return all
}

func (r *RMA) line(id string) *Line {
	i := slices.IndexFunc(r.Lines, func(l Line) bool { return l.LineID == id })
	if i < 0 {
		return nil
	}
	return &r.Lines[i]
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func notFound(ref string) error { return fault.New(fault.NotFound, "there is no return %q", ref) }
