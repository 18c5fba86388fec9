// Package courier is the seam who carries: what every courier adapter does, and the shapes it speaks. Start at Courier; scan.go has the canonical statuses,
// can.go the optional capabilities.
//
// An adapter imports the kernel and this package, never a context and never the database. Errors are of package fault. Never is the HTTP status alone
// taken for success: bulk calls return a result per item.
package courier

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// Courier is what every adapter must do. Safe for concurrent use.
type Courier interface {
	// Book announces a parcel and returns its waybill. reference is ours, unique for this parcel and stable over repeats: booking it again is the same parcel where
	// the courier has a key for it or the adapter a Finder. After a broken answer the outcome is unknown: look it up with Finder, never repeat blindly.
	// A city that the courier does not serve is fault.Invalid on to.city; cash that it cannot collect to the last minor unit is fault.Refused, never rounded.
	Book(ctx context.Context, reference string, p Parcel) (Booking, error)
	// Track reads what is known of parcels by tracking number, one Trace for each at the same index. The error is for the call as a whole.
	Track(ctx context.Context, tracking []string) ([]Trace, error)
}

// Parcel is what to carry. Weights are grams, lengths millimetres; addresses are personal data.
type Parcel struct {
	Number   string // the order number that buyer and clerk know, printed on the label
	From, To Address
	Return   *Address // where it goes when it comes back; From when nil
	Service  string   // the courier's service code; "" = the account's default
	Pieces   int      // 0 = 1
	Grams    int64
	Length   int64
	Width    int64
	Height   int64
	Contents []Content
	Value    money.Amount // declared, for insurance and customs; zero value = not declared
	Cash     money.Amount // to collect from the receiver; zero value = nothing
	ShipAt   time.Time    // when it will be ready; zero = now
	Note     string       // to the rider
	Fragile  bool
	Reverse  bool // fetched from the buyer: From is the buyer's address, To is ours
	// Waybill is a number that is already on the parcel: typed by a person, or taken from a pool that the courier issued. nil = the courier gives one.
	Waybill *Waybill
}

// Waybill names a parcel at a carrier.
type Waybill struct {
	Carrier  string
	Tracking string
	URL      string // where the receiver can follow it
}

// Address is one end of the way. City is what our address says; CityCode the courier's own code for it, where it has one and the mapping is known.
type Address struct {
	Code     string // the courier's own id of a registered pickup point, when From is one
	Name     string
	Company  string
	Phone    string
	Phone2   string
	Email    string
	Line1    string
	Line2    string
	District string
	City     string
	CityCode string
	Province string
	Postcode string
	Country  string // ISO 3166-1 alpha-2
	Landmark string
}

// Content is one position of what is inside.
type Content struct {
	SKU      string
	Title    string
	Quantity int64
	Grams    int64        // of one
	Price    money.Amount // of one
	HSCode   string
	Origin   string // ISO 3166-1 alpha-2
}

// Booking is what the courier gave.
type Booking struct {
	Waybill
	External  string // the courier's own id, where it is not the tracking number
	Reference string
	Service   string
	Label     *Label       // nil when it is fetched by Labeller, or when there is none
	Cost      money.Amount // as the courier says at booking; zero value when it does not
	At        time.Time
}

// Label is a document to stick on a parcel or to hand to a rider.
type Label struct {
	Format   Format
	Body     []byte
	Tracking []string // the parcels it covers
}

// Format of a document.
type Format string

const (
	PDF  Format = "pdf"
	PNG  Format = "png"
	ZPL  Format = "zpl"
	HTML Format = "html"
)

// Trace is what is known of one parcel. Err is for this number alone: fault.NotFound when the courier does not know it.
type Trace struct {
	Tracking string
	Scans    []Scan // in any order, possibly with duplicates; see Fold
	Err      error
}

// Kind describes one courier. A plain value; courier/all lists them.
type Kind struct {
	Name      string // tcs, leopards: also the value in dispatch_shipments
	Title     string
	Docs      string   // its public documentation
	Countries []string // ISO codes it collects in; empty = any
	Zone      string   // IANA zone of times that come without one
	Settings  []partner.Setting
	Statuses  []StatusRow
	Limits    partner.Limits
	Cash      []CashRule
	TrackMax  int // numbers in one Track call; 0 = any
	// Unverified lists what only our simulator could be asked, one sentence each.
	Unverified []string
	Open       func(partner.Config) (Courier, error)
}

// StatusRow maps one of the courier's words or codes to ours. Words are matched whole, never in part: "Undelivered" holds "delivered".
type StatusRow struct {
	Theirs string
	Ours   Status
	Leg    Leg // "" = the leg the parcel is on
	Reason Reason
	Source string // where the fact stands
}

// CashRule says which cash a courier collects.
type CashRule struct {
	Currency string       // "" = any
	Step     int64        // in minor units: 100 for whole rupees; 0 and 1 = to the last
	Max      money.Amount // for one parcel; zero value = no limit known
}

// CheckCash refuses cash that the courier cannot collect exactly: another currency, a broken step, too much. Rounding would lose or invent money that the
// order does not have; who wants round amounts rounds the order. Nothing to collect passes.
func (k Kind) CheckCash(cash money.Amount) error {
	if cash.IsZero() {
		return nil
	}
	for _, r := range k.Cash {
		switch over, _ := cash.Cmp(r.Max); {
		case r.Currency != "" && r.Currency != cash.Currency:
			continue
		case cash.Sign() < 0:
			return fault.Field("cash", "%s is negative", cash)
		case r.Step > 1 && cash.Minor%r.Step != 0:
			return fault.New(fault.Refused, "%s collects in steps of %s, and %s is none", k.Title, money.Of(r.Step, cash.Currency), cash).WithCode("cash_step")
		case !r.Max.IsNone() && over > 0:
			return fault.New(fault.Refused, "%s collects up to %s, and %s is more", k.Title, r.Max, cash).WithCode("cash_max")
		}
		return nil
	}
	return fault.New(fault.Refused, "%s does not collect %s", k.Title, cash.Currency).WithCode("cash_currency")
}
