package channel

import (
	"time"

	"github.com/openclaw-pos/commerce/kernel/money"
)

// Status is where a unit, an order, a payment or a parcel stands, as the channel tells it, in our words.
type Status string

const (
	Unknown      Status = "unknown" // a word we do not know: kept raw, moves nothing
	Unpaid       Status = "unpaid"  // waits for the buyer's money
	Held         Status = "held"    // the channel holds it
	Open         Status = "open"    // to fulfil
	Packed       Status = "packed"  // packed, waybill given
	Ready        Status = "ready"   // ready to be handed over
	Shipped      Status = "shipped" // with the carrier
	Delivered    Status = "delivered"
	Completed    Status = "completed" // delivered and past the channel's own window
	Cancelled    Status = "cancelled"
	Failed       Status = "failed"        // delivery failed, still out
	Returning    Status = "returning"     // on its way back
	Returned     Status = "returned"      // came back
	Lost         Status = "lost"          // lost or damaged on the way
	Due          Status = "due"           // payment: to be collected
	Authorized   Status = "authorized"    // payment
	Paid         Status = "paid"          // payment: captured in full
	PartPaid     Status = "part_paid"     // payment
	Refunded     Status = "refunded"      // payment
	PartRefunded Status = "part_refunded" // payment
	Voided       Status = "voided"        // payment
	Requested    Status = "requested"     // a return or a cancellation that waits for a decision
	Declined     Status = "declined"      // a return or a cancellation that was refused
)

// TaxMode says whether the channel's prices contain the tax.
type TaxMode string

const (
	TaxInclusive TaxMode = "inclusive"
	TaxExclusive TaxMode = "exclusive"
	TaxNone      TaxMode = "none"
)

// Party is who does or pays something.
type Party string

const (
	Seller    Party = "seller"
	ByChannel Party = "channel"
	Mixed     Party = "mixed"
	Courier   Party = "courier"
	Branch    Party = "branch"
	ByBuyer   Party = "buyer"
)

// Completeness says how much of the money the channel has told. Parity is judged only when Complete.
type Completeness string

const (
	MoneyComplete Completeness = "complete"
	MoneyPartial  Completeness = "partial"
	MoneyAbsent   Completeness = "absent"
)

// Order is the canonical order: what a channel says about one sale, in our words. All amounts are in Currency, what the buyer pays in (presentment),
// unless the field says otherwise; what the channel computed is kept as given, never recomputed.
//
// When Money is complete: the sum of Lines' and Charges' Total equals Total, to one minor unit a line.
type Order struct {
	External string    // the partner's id, unique within the account
	Number   string    // what buyer and clerk call it: "#1001"
	Version  time.Time // the partner's update time; zero when it has none

	PlacedAt    time.Time // the partner's business moment
	CancelledAt time.Time
	ClosedAt    time.Time
	ShipBy      time.Time // the channel's deadlines; zero when it gives none
	DeliverBy   time.Time

	Status   Status            // the whole order: Unpaid, Held, Open, Cancelled, Completed or Unknown; progress is counted on lines
	Statuses map[string]string // the partner's own words by axis: {"financial":"PENDING","fulfillment":"UNFULFILLED"}
	Origin   string            // where at the partner it was placed: web, pos, draft, subscription…, in the partner's word
	Test     bool

	Country  string // ISO 3166-1 of the place of supply as the channel gives it: ship-to, else the shop's
	Currency string // ISO 4217, presentment
	TaxMode  TaxMode
	Money    Completeness

	Lines    []Line
	Charges  []Charge
	Total    money.Amount // what the buyer pays for everything as placed, before refunds and cancellations
	Current  money.Amount // what remains to be paid or kept after edits, cancellations and refunds, when the channel says; else zero value
	Shop     money.Amount // Total in the shop's own currency; zero value when the same
	Payments []Payment
	Refunds  []Refund
	Parcels  []Parcel
	Returns  []Return

	CancelRequest *CancelRequest // a buyer or the channel asks; nobody has decided yet

	Buyer  Person
	ShipTo Address
	BillTo Address
	Note   string // the buyer's remark: personal data
	Tags   []string
	Extra  map[string]string // facts of this channel that a person may want to see; no personal data

	// Silent lists what this reading cannot tell, so that what another reading told stays: SilentHeld. It is about the reading, not the order,
	// and no part of ContentHash.
	Silent []string
}

// SilentHeld in Order.Silent says that the reading does not know whether the channel holds the order.
const SilentHeld = "held"

// Line is one position. Quantity counts what was ordered, including what was cancelled since.
type Line struct {
	External string // the partner's line id; for unit-row channels a key made of what makes rows alike, stable over reads
	Listing  ListingRef
	Title    string
	Quantity int64
	Progress Progress // as the channel sees it; when it has Units, derived from them
	Units    []Unit   // where the channel addresses units: exactly Quantity of them, else none

	UnitPrice money.Amount // before discounts, in the order's tax mode
	Discounts []Discount   // for the whole line
	Taxes     []Tax        // for the whole line
	Total     money.Amount // what the buyer pays for the line: price × quantity − discounts (+ tax when exclusive)

	FulfilledBy Party // Seller or ByChannel
	Ships       bool  // false: nothing to ship (digital, tip, gift card)
	GiftCard    bool
	Location    string // the partner's location it is to ship from; "" when open

	Properties []Property // what the buyer asked of this line, such as a name to engrave: personal data
}

// Property is one wish about a line, in the words of the shop's form.
type Property struct {
	Name  string
	Value string
}

// ListingRef is how a channel names what it sells; at least one field is set.
type ListingRef struct {
	External string // the partner's id of the sellable variant
	Parent   string // the partner's id of the product
	SKU      string // the seller's own SKU as the channel knows it; may be empty, may be wrong
	Barcode  string
	Stock    string // the partner's id of the stock item, where that differs (Shopify inventory item)
	Alt      string // a second key the partner joins by (Daraz ShopSku)
}

// Progress counts units of a line by where the channel sees them. What is not counted here is open.
type Progress struct {
	Cancelled int64
	Shipped   int64 // handed over and not yet counted below
	Delivered int64
	Failed    int64
	Returning int64
	Returned  int64
	Lost      int64
}

// Sum is the number of units that are no longer open.
func (p Progress) Sum() int64 {
	return p.Cancelled + p.Shipped + p.Delivered + p.Failed + p.Returning + p.Returned + p.Lost
}

// Unit is one piece that the channel addresses by an id of its own.
type Unit struct {
	External string
	Status   Status
	Raw      string // the partner's word
	Package  string // the partner's package id, when packed
	Tracking string
	Reason   string // the partner's reason word of a cancellation or return
}

// Discount is one reduction and who pays for it.
type Discount struct {
	Code   string
	Title  string
	Amount money.Amount // positive
	Funder Party        // Seller or ByChannel
}

// Tax is one tax line and who remits it.
type Tax struct {
	Title    string
	Rate     string // decimal, 0.18; "" when the channel does not say
	Amount   money.Amount
	Remitter Party // Seller or ByChannel
}

// ChargeKind is what a charge is for.
type ChargeKind string

const (
	ChargeShipping ChargeKind = "shipping"
	ChargeTip      ChargeKind = "tip"
	ChargeDuty     ChargeKind = "duty"
	ChargeFee      ChargeKind = "fee"      // additional fees, cash-on-delivery fee, gift wrap
	ChargeRounding ChargeKind = "rounding" // the channel's own cash rounding
)

// Charge is what the buyer pays besides goods.
type Charge struct {
	Kind      ChargeKind
	External  string
	Title     string
	Amount    money.Amount // before discounts
	Discounts []Discount
	Taxes     []Tax
	Total     money.Amount
}

// PaymentMethod is how the buyer pays.
type PaymentMethod string

const (
	PayCard     PaymentMethod = "card"
	PayWallet   PaymentMethod = "wallet"
	PayBank     PaymentMethod = "bank"
	PayGiftCard PaymentMethod = "gift_card"
	PayCOD      PaymentMethod = "cod"
	PayExchange PaymentMethod = "exchange" // with what goods that come back were worth; only in orders that we place ourselves
	PayOther    PaymentMethod = "other"
)

// Payment is one payment of the order as the channel reports it; Status is Due, Authorized, Paid, Voided, Failed or Unknown.
type Payment struct {
	External  string
	Method    PaymentMethod
	Gateway   string // the partner's word
	Status    Status
	Amount    money.Amount
	At        time.Time
	Collector Party // cash on delivery: Courier, ByChannel or Branch
}

// Refund is money the channel says was given back.
type Refund struct {
	External string
	Amount   money.Amount // positive
	At       time.Time
	Reason   string
	Lines    []RefundLine
	Payment  string // Payment.External it went back through; "" when not said
}

// RefundLine is the part of a refund that belongs to a line.
type RefundLine struct {
	Line     string // Line.External
	Quantity int64
	Amount   money.Amount
	Restock  Restock
}

// Restock says what the channel did with the units of a refund.
type Restock string

const (
	RestockNone   Restock = "none"   // money only
	RestockCancel Restock = "cancel" // never shipped, no longer wanted
	RestockReturn Restock = "return" // came back
)

// Parcel is one consignment the channel knows of.
type Parcel struct {
	External string // fulfilment or package id
	Status   Status
	Raw      string
	Carrier  string
	Tracking string
	URL      string
	Location string
	At       time.Time
	Lines    []Quantity
	Units    []string
}

// Quantity is so many units of a line.
type Quantity struct {
	Line     string // Line.External
	Quantity int64
}

// Return is a return the channel knows of; Status is Requested, Open (approved), Returning, Returned, Declined, Cancelled or Completed.
type Return struct {
	External  string
	Reference string // ours, of a return that a ReturnOpener opened
	Status    Status
	Raw       string
	Kind      string // return, refund_only, exchange
	Reason    string
	At        time.Time
	Decide    time.Time // the channel decides by itself after this
	Lines     []ReturnLine
}

// ReturnLine is the part of a return that belongs to a line.
type ReturnLine struct {
	External string
	Line     string
	Units    []string
	Quantity int64
	Reason   string
	Refund   money.Amount // as the channel proposes; zero value when not said
	Tracking string
}

// CancelRequest is a wish to cancel that waits for a decision.
type CancelRequest struct {
	External string
	By       Party
	Reason   string
	Decide   time.Time // the partner decides after this
	Default  Status    // what it decides then: Cancelled or Declined
	Lines    []Quantity
	Units    []string
}

// Person is who bought. Personal data: it never leaves the store in clear.
type Person struct {
	External string
	Name     string
	Email    string
	Phone    string // as the channel gives it
	Company  string
	TaxID    string
}

// Address is where something goes. Everything but Country, Province, City and Postcode is personal data. Masked says the channel hid part of it.
type Address struct {
	Name     string
	Company  string
	Phone    string
	Phone2   string
	Line1    string
	Line2    string
	District string // area, third level
	City     string
	Province string
	Postcode string
	Country  string // ISO 3166-1 alpha-2
	Masked   bool
}

// IsZero reports whether nothing at all is known.
func (a Address) IsZero() bool { return a == Address{} }
