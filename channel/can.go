package channel

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

func unauthorized(err error) bool { return fault.Is(err, fault.Unauthorized) }

// Webhooker takes what the partner pushes. Both methods are pure: no I/O, no clock but Delivery.At.
type Webhooker interface {
	// Verify checks the signature on the raw bytes, and freshness where the partner signs a time, before anything is parsed.
	// A forged, stale or malformed one is fault.Unauthorized.
	Verify(d Delivery) (Receipt, error)
	// Hints reads a verified delivery. One that concerns nothing we act on gives none. A body that cannot be understood is fault.Invalid.
	Hints(d Delivery) ([]Hint, error)
}

// Delivery is one webhook request as it arrived. Header keeps only what the partner documents.
type Delivery struct {
	Header http.Header
	Body   []byte
	At     time.Time // when it arrived, our clock
}

// Receipt is what a verified delivery says about itself.
type Receipt struct {
	ID    string // the partner's delivery id, stable over its retries; "" when it has none (the hash of the body serves)
	Event string // the partner's event id, shared by several deliveries of one action; "" when it has none
	Topic string // the partner's word
	Shop  string // the partner's shop id, to find the account behind an app-wide callback; "" when the address names the account
}

// Hint is what a delivery says happened.
type Hint struct {
	Subject  Subject
	External string    // id of the order, listing, …: by Subject
	Version  time.Time // the partner's time of the thing; zero when not said
	Raw      *Raw      // the whole order, when the delivery carries it; else it is read again
	Stock    *Shown    // AboutStock: what is shown now, when the delivery says it
	Orders   []string  // AboutPrivacy: the orders it names
	Wish     Wish      // AboutPrivacy: what is asked
	Note     string
}

// Wish is what a partner asks about personal data.
type Wish string

// What can be asked.
const (
	WishExport    Wish = "export"     // to be told what is kept of a buyer
	WishErase     Wish = "erase"      // to have a buyer's data erased
	WishEraseShop Wish = "erase_shop" // to have all data of a shop erased
)

// Shown is a number that a channel shows at one of its locations.
type Shown struct {
	Location string
	Quantity int64 // in the meaning of Kind.Stock
}

// Subject is what a hint is about.
type Subject string

const (
	AboutOrder   Subject = "order"
	AboutReturn  Subject = "return" // External is the order's id
	AboutListing Subject = "listing"
	AboutStock   Subject = "stock"   // External is the listing's id, the stock item's, or the SKU
	AboutAccess  Subject = "access"  // token expiring, app removed
	AboutPrivacy Subject = "privacy" // a data request or an erasure asked by the partner
)

// Listing is one sellable variant as the channel shows it.
type Listing struct {
	Ref      ListingRef
	Title    string
	Variant  string
	Active   bool
	Price    money.Amount // what the channel shows; zero value when not said
	Quantity *int64       // what the channel shows over all locations; nil when not said
	Updated  time.Time
	Cursor   Cursor
}

// Lister reads what is offered on the channel, so that listings can be mapped to SKUs.
type Lister interface {
	Listings(ctx context.Context, since Cursor) iter.Seq2[Listing, error]
}

// StockLevel is a number to show for one listing at one of the partner's locations.
type StockLevel struct {
	Listing  ListingRef
	Location string // the partner's location id; "" when it has none
	Quantity int64  // in the meaning of Kind.Stock
	Was      *int64 // what the channel showed when we last knew; for compare-and-swap, nil = overwrite
	Key      string // idempotency key, stable over repeats of this very push
}

// PriceLevel is a price to show for one listing.
type PriceLevel struct {
	Listing ListingRef
	Price   money.Amount
	Compare money.Amount // struck-through price; zero value = none
	From    time.Time    // a sale window, where the partner has one
	Until   time.Time
	Key     string
}

// Verdict is the partner's answer for one item of a bulk call, at the same index. Err nil = taken. A stale compare-and-swap is fault.Conflict.
type Verdict struct {
	Err error
	Now *int64 // what the channel shows now, when it says
}

// StockSetter shows stock. One verdict per level; the error is for the call as a whole, and then levels without a verdict were not attempted.
type StockSetter interface {
	SetStock(ctx context.Context, levels []StockLevel) ([]Verdict, error)
}

// StockReading is what the channel shows for one listing at one location.
type StockReading struct {
	Listing  ListingRef
	Location string
	Quantity int64 // in the meaning of Kind.Stock
	Held     int64 // of a total: the partner's own open units inside it
}

// StockReader reads what the channel shows, for the drift report. Listings it does not know are left out.
type StockReader interface {
	Stock(ctx context.Context, listings []ListingRef) ([]StockReading, error)
}

// PriceSetter shows prices.
type PriceSetter interface {
	SetPrices(ctx context.Context, prices []PriceLevel) ([]Verdict, error)
}

// Acknowledger tells the channel that the order has arrived. Safe to repeat.
type Acknowledger interface {
	Acknowledge(ctx context.Context, external, ourNumber string) error
}

// Handling names units of an order on which something is done. Lines for channels that count, Units where they are addressed.
type Handling struct {
	Order     string // the partner's order id
	Reference string // ours, unique for this very act, stable over repeats
	Lines     []Quantity
	Units     []string
	Location  string // the partner's location it ships from; "" when it has none
	Tracking  string // of the parcel, when it has one: what a partner that keeps no reference of ours can be searched by
}

// Packer tells the channel that units are packed and gets waybill and label from it (ParcelTheirs). Units refused come back in Refused; the error is for the call as a whole.
type Packer interface {
	Pack(ctx context.Context, h Handling) (PackResult, error)
}

// PackResult is what the channel assigned.
type PackResult struct {
	Packages []Package
	Refused  []UnitRefusal
}

// Package is one parcel the channel assigned.
type Package struct {
	External string
	Carrier  string
	Tracking string
	Units    []string
	Label    *Label // nil when it is not to be had yet
}

// Label is the document to stick on the parcel.
type Label struct {
	Format string // pdf, html, zpl, png
	Body   []byte
}

// UnitRefusal is one unit the partner would not take.
type UnitRefusal struct {
	Unit string
	Err  error
}

// Unpacker tells the channel that packed units have been taken out of their packages again, before they were handed over: the packages and their waybills are void, and
// the units can be packed anew. Without package ids the packages are those that the units are in. Safe to repeat.
type Unpacker interface {
	Unpack(ctx context.Context, h Handling, packages []string) error
}

// Shipper tells the channel that units have been handed over, with tracking for ParcelOurs, with the package ids for ParcelTheirs.
// When it ships from elsewhere than the channel thinks, the adapter moves the partner's own fulfillment order first.
type Shipper interface {
	Ship(ctx context.Context, s ShipNotice) (ShipResult, error)
}

// ShipNotice is a hand-over to tell.
type ShipNotice struct {
	Handling
	Carrier  string
	Tracking string
	URL      string
	Packages []string // Package.External
	Notify   bool     // the channel may tell the buyer
	At       time.Time
}

// ShipResult is the partner's own id of the consignment, or of several.
type ShipResult struct {
	External string
}

// Retracker corrects carrier and tracking number of a parcel that the channel was told of. Safe to repeat.
type Retracker interface {
	Retrack(ctx context.Context, r Retracking) error
}

// Retracking is a parcel whose number was wrong, or that another carrier took after all.
type Retracking struct {
	Handling
	Parcel   string // ShipResult.External; "" when it is not known: then the number that it had tells
	Was      string // the number that it had
	Carrier  string
	Tracking string
	URL      string
	Notify   bool
}

// Completer tells the channel what it does not see itself: delivered, cash on delivery paid.
type Completer interface {
	Complete(ctx context.Context, c Completion) error
}

// Completion is a delivery or a payment to tell.
type Completion struct {
	Handling
	Parcel      string // ShipResult.External
	DeliveredAt time.Time
	FailedAt    time.Time // delivery failed for good
	CashPaid    bool      // the cash due on delivery has been collected
}

// Canceller cancels a whole order or units of it at the channel. Irreversible there.
type Canceller interface {
	Cancel(ctx context.Context, c Cancellation) error
}

// Cancellation is what to cancel and why.
type Cancellation struct {
	Handling
	Whole   bool
	Reason  CancelReason
	Note    string
	Restock bool
	Refund  bool // give back what was paid through the channel
	Notify  bool
}

// CancelReason is why, in our words; adapters map it to the partner's.
type CancelReason string

const (
	CancelBuyer   CancelReason = "buyer"
	CancelStock   CancelReason = "out_of_stock"
	CancelFraud   CancelReason = "fraud"
	CancelUnpaid  CancelReason = "unpaid"
	CancelAddress CancelReason = "address"
	CancelPricing CancelReason = "pricing"
	CancelOther   CancelReason = "other"
)

// CancelDecider answers a buyer's wish to cancel.
type CancelDecider interface {
	DecideCancel(ctx context.Context, order string, r CancelRequest, agree bool, reason string) error
}

// RefundRequest is money to give back through the channel.
type RefundRequest struct {
	Handling
	Amount   money.Amount
	Lines    []RefundLine
	Shipping money.Amount // part of Amount that is shipping; zero value = none
	Payment  string       // Payment.External to give it back through; "" = the partner chooses
	Reason   string
	Notify   bool
}

// Refunder gives money back. Twice with one Reference gives it back once.
type Refunder interface {
	Refund(ctx context.Context, r RefundRequest) (Refund, error)
}

// ReturnChange is one reading of the returns of an order.
type ReturnChange struct {
	Order  string // the partner's order id
	Return Return
	Cursor Cursor
}

// ReturnReader reads returns the channel keeps apart from the order.
type ReturnReader interface {
	Returns(ctx context.Context, since Cursor) iter.Seq2[ReturnChange, error]
}

// ReturnVerdict is our decision on a return.
type ReturnVerdict string

const (
	ReturnApprove ReturnVerdict = "approve"
	ReturnDecline ReturnVerdict = "decline"
	ReturnReceive ReturnVerdict = "receive" // the goods came
	ReturnRefund  ReturnVerdict = "refund"  // the money may go
	ReturnRefuse  ReturnVerdict = "refuse"  // the goods came, the money stays
	ReturnCancel  ReturnVerdict = "cancel"  // nobody wants it any more; only of a return that a ReturnOpener opened
)

// ReturnDecision is what to tell the channel about a return.
type ReturnDecision struct {
	Order     string
	Return    Return
	Verdict   ReturnVerdict
	Reason    string // the partner's reason id, or text
	Comment   string
	Reference string
}

// ReturnDecider tells the channel what we decided on a return. Safe to repeat.
type ReturnDecider interface {
	DecideReturn(ctx context.Context, d ReturnDecision) error
}

// ReturnOpener tells the channel of a return that was agreed here and that no refund will tell it of: of goods for which we send others. It answers the channel's id of
// the return. Safe to repeat: twice with one Reference is one return. A return read later says that Reference again.
type ReturnOpener interface {
	OpenReturn(ctx context.Context, h Handling) (string, error)
}

// BuyerReader fetches personal data of an order on purpose, where the listing hides it.
type BuyerReader interface {
	BuyerOf(ctx context.Context, external string, purpose string) (Person, Address, error)
}

// TokenSet is what a partner issues. Its String is masked.
type TokenSet struct {
	Access           string
	Refresh          string
	ExpiresAt        time.Time // zero = never
	RefreshExpiresAt time.Time // zero = never or not refreshable
	Scopes           []string
	Shop             string // the partner's shop id the tokens belong to
	Final            bool   `json:",omitempty"` // nothing renews it: before it ends a person has to authorise us again
}

// String gives nothing away.
func (t TokenSet) String() string { return "TokenSet(…)" }

// GoString gives nothing away.
func (t TokenSet) GoString() string { return t.String() }

// TokenRefresher obtains and renews tokens. Given the zero TokenSet it makes the first from the account's secrets (client credentials, an authorization code).
// fault.Unauthorized only on evidence about the credential itself; everything else is retryable.
type TokenRefresher interface {
	RefreshToken(ctx context.Context, current TokenSet) (TokenSet, error)
}

// Found is what a search by our reference turned up.
type Found struct {
	Kind     string // ship, pack, cancel, refund: what act it was
	External string
	Packages []Package // of pack: every one that holds a unit asked for, with its label where that is to be had
	Refund   *Refund
}

// Finder looks for the effect of an act by our reference, after an answer was lost. fault.NotFound means it surely did not happen.
type Finder interface {
	Find(ctx context.Context, act string, h Handling) (Found, error)
}

// Shop is who the credentials belong to.
type Shop struct {
	ID          string // the partner's own shop id: one account each
	Name        string
	Country     string
	Currency    string
	Zone        string // IANA
	Locations   []Location
	Scopes      []string
	Version     string    // API version in use
	VersionEnds time.Time // zero = not known
}

// Location is a place the partner knows as ours.
type Location struct {
	External string
	Name     string
	Country  string
	City     string
	Active   bool
}

// Identifier says whose shop this is; `channel add` and `channel check` use it.
type Identifier interface {
	Identify(ctx context.Context) (Shop, error)
}

// Subscriber keeps the webhook subscriptions at the partner.
type Subscriber interface {
	// Subscribe makes sure that everything we need is delivered to the address, and reports what it had to mend. Safe to repeat.
	Subscribe(ctx context.Context, address string) (mended []string, err error)
}

// Can lists what a channel can do beyond Channel, derived by type assertion.
type Can struct {
	Webhook, List, SetStock, ReadStock, SetPrice, Acknowledge, Pack, Unpack, Ship, Retrack, Complete, Cancel, DecideCancel, Refund,
	ReadReturns, DecideReturn, OpenReturn, ReadBuyer, RefreshToken, Find, Identify, Subscribe bool
}

// CanOf derives what a channel can do.
func CanOf(c Channel) Can {
	var can Can
	_, can.Webhook = c.(Webhooker)
	_, can.List = c.(Lister)
	_, can.SetStock = c.(StockSetter)
	_, can.ReadStock = c.(StockReader)
	_, can.SetPrice = c.(PriceSetter)
	_, can.Acknowledge = c.(Acknowledger)
	_, can.Pack = c.(Packer)
	_, can.Unpack = c.(Unpacker)
	_, can.Ship = c.(Shipper)
	_, can.Retrack = c.(Retracker)
	_, can.Complete = c.(Completer)
	_, can.Cancel = c.(Canceller)
	_, can.DecideCancel = c.(CancelDecider)
	_, can.Refund = c.(Refunder)
	_, can.ReadReturns = c.(ReturnReader)
	_, can.DecideReturn = c.(ReturnDecider)
	_, can.OpenReturn = c.(ReturnOpener)
	_, can.ReadBuyer = c.(BuyerReader)
	_, can.RefreshToken = c.(TokenRefresher)
	_, can.Find = c.(Finder)
	_, can.Identify = c.(Identifier)
	_, can.Subscribe = c.(Subscriber)
	return can
}
