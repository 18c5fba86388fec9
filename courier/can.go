package courier

import (
	"context"
	"iter"
	"time"

	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// Finder looks for a booking by our reference, after an answer was lost. fault.NotFound means it surely was not made.
type Finder interface {
	FindBooking(ctx context.Context, reference string) (Booking, error)
}

// Quoter asks what carrying would cost. Nothing is booked.
type Quoter interface {
	Quote(ctx context.Context, p Parcel) ([]Quote, error)
}

// Quote is one offer.
type Quote struct {
	Service string
	Title   string
	Total   money.Amount
	Charges []Charge // parts of Total, when said
	Earlier time.Time
	Later   time.Time // the delivery window; zero when not said
}

// Charge is one part of what the courier takes.
type Charge struct {
	Kind   ChargeKind
	Title  string // the courier's word
	Amount money.Amount
}

// ChargeKind is what a charge is for.
type ChargeKind string

const (
	Delivery    ChargeKind = "delivery"
	Fuel        ChargeKind = "fuel"
	Handling    ChargeKind = "cash_handling"
	Insurance   ChargeKind = "insurance"
	ReturnFee   ChargeKind = "return"
	Tax         ChargeKind = "tax"         // on the courier's service
	Withholding ChargeKind = "withholding" // kept back for the state
	Adjustment  ChargeKind = "adjustment"
	OtherCharge ChargeKind = "other"
)

// Labeller fetches the document for parcels that are booked. Links expire: what comes back is the document itself, to be kept.
type Labeller interface {
	Labels(ctx context.Context, tracking []string, format Format) (Label, error)
}

// Pickuper asks a rider to come. Twice with one reference is one visit.
type Pickuper interface {
	RequestPickup(ctx context.Context, reference string, v Visit) (VisitBooking, error)
}

// Visit is when and where a rider should come, and what for.
type Visit struct {
	From     Address
	Earliest time.Time
	Latest   time.Time
	Tracking []string
	Pieces   int
	Grams    int64
	Note     string
}

// VisitBooking is what the courier promised.
type VisitBooking struct {
	External string
	Earliest time.Time
	Latest   time.Time
}

// Manifester makes the sheet that goes along with the parcels at hand-over (load sheet, receiving sheet, manifest). Some couriers take only what is on one.
type Manifester interface {
	Manifest(ctx context.Context, reference string, tracking []string) (Sheet, error)
}

// Sheet is a hand-over sheet. What the courier would not put on it is in Refused.
type Sheet struct {
	External string
	Document *Label
	Refused  []Refusal
}

// Refusal is one parcel the courier would not take.
type Refusal struct {
	Tracking string
	Err      error
}

// Canceller calls a parcel off before it is handed over. Twice is harmless; after the hand-over it is fault.Conflict, and Adviser is the way.
type Canceller interface {
	Cancel(ctx context.Context, tracking string) error
}

// Adviser answers the courier's question about a parcel it could not deliver, or intercepts one on its way. Repeating the same advice is harmless.
type Adviser interface {
	Advise(ctx context.Context, a Advice) error
}

// Advice is what to do with a parcel.
type Advice struct {
	Tracking  string
	Reference string // ours, for this advice
	Action    Action
	To        *Address  // for ChangeAddress
	At        time.Time // for Reattempt: not before; zero = as soon as possible
	Note      string
}

// Action is one way on.
type Action string

const (
	Reattempt     Action = "reattempt"
	ReturnIt      Action = "return"
	ChangeAddress Action = "change_address"
	HoldIt        Action = "hold"
)

// CaseReader reads the parcels for which the courier waits for advice.
type CaseReader interface {
	Cases(ctx context.Context, since partner.Cursor) iter.Seq2[Case, error]
}

// Case is one parcel that could not be delivered.
type Case struct {
	Tracking string
	Raw      string
	Reason   Reason
	At       time.Time
	Answer   time.Time // the courier decides by itself after this; zero = not said
	Actions  []Action  // what it would do
	Cursor   partner.Cursor
}

// Webhooker takes what the courier pushes. Both methods are pure.
type Webhooker interface {
	// Verify checks the signature on the raw bytes, and freshness where the courier signs a time, before anything is parsed. Forged or stale is fault.Unauthorized.
	Verify(d partner.Delivery) (partner.Receipt, error)
	// Hints reads a verified delivery. Scans of an unsigned one are a reason to Track, not facts.
	Hints(d partner.Delivery) ([]Trace, error)
}

// Remitter reads the courier's statements of the cash it has collected and of what it charges.
type Remitter interface {
	Remittances(ctx context.Context, since partner.Cursor) iter.Seq2[Remittance, error]
}

// Remittance is one statement: the lines add up to Paid.
type Remittance struct {
	External string // the courier's statement or payment number
	PaidAt   time.Time
	Paid     money.Amount // what reached, or will reach, the bank; negative when the courier is owed
	Method   string
	Lines    []RemittanceLine
	Cursor   partner.Cursor
}

// RemittanceLine is one amount of a statement: cash collected is positive, what the courier keeps is negative.
type RemittanceLine struct {
	Tracking  string // "" for what concerns no parcel
	Reference string
	Cash      bool // collected on delivery; else Kind says what it is
	Kind      ChargeKind
	Title     string // the courier's word
	Amount    money.Amount
	Part      string // where one parcel is paid in several parts: "upfront", "reserve"
}

// CityReader reads the places that a courier serves, with its own codes, so that addresses can be mapped before anything is booked.
type CityReader interface {
	Cities(ctx context.Context) iter.Seq2[City, error]
}

// City is one place in the courier's words.
type City struct {
	Code     string
	Name     string
	Country  string
	Pickup   bool
	Delivery bool
}

// Can lists what a courier can do beyond Courier, derived by type assertion.
type Can struct {
	Find, Quote, Label, Pickup, Manifest, Cancel, Advise, ReadCases, Webhook, Remit, ReadCities, RefreshToken bool
}

// CanOf derives what a courier can do.
func CanOf(c Courier) Can {
	var can Can
	_, can.Find = c.(Finder)
	_, can.Quote = c.(Quoter)
	_, can.Label = c.(Labeller)
	_, can.Pickup = c.(Pickuper)
	_, can.Manifest = c.(Manifester)
	_, can.Cancel = c.(Canceller)
	_, can.Advise = c.(Adviser)
	_, can.ReadCases = c.(CaseReader)
	_, can.Webhook = c.(Webhooker)
	_, can.Remit = c.(Remitter)
	_, can.ReadCities = c.(CityReader)
	_, can.RefreshToken = c.(partner.TokenRefresher)
	return can
}
