// Package gateway is the seam who takes the money: what every payment provider's adapter does, and the shapes it speaks. Start at Gateway.
//
// An adapter imports the kernel and this package, never a context and never the database. Errors are of package fault. Card numbers never come here: Source
// is the provider's own token for what the buyer typed into the provider's own form. Cash on delivery is a provider like any other (gateway/cod).
package gateway

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// Gateway is what every adapter must do. Safe for concurrent use.
//
// Each request carries a reference of ours, unique for this very act and stable over repeats: twice with one reference happens once. After a broken answer
// the outcome is unknown; Finder, or the same call with the same reference, says what happened. The same reference with another amount is fault.Conflict.
type Gateway interface {
	// Authorize asks for the money. A decline is an answer, not an error: Payment.State is Declined and Decline says why.
	Authorize(ctx context.Context, r Request) (Payment, error)
	// Capture takes what was authorized, whole or in part. More than is left is fault.Refused; after a void it is fault.Conflict.
	Capture(ctx context.Context, a Act) (Payment, error)
	// Refund gives captured money back, whole or in part. More than is left is fault.Refused; before a capture it is fault.Conflict, and Void is the way.
	Refund(ctx context.Context, a Act) (Refund, error)
	// Void lets go of what was authorized and not captured. Voiding twice is harmless; after a capture it is fault.Conflict.
	Void(ctx context.Context, a Act) (Payment, error)
}

// Request asks for money.
type Request struct {
	Reference string
	Amount    money.Amount // above zero
	Order     string       // the number that the buyer knows, for the statement
	Source    string       // the provider's token for card, wallet or account; "" = the provider asks the buyer
	Capture   bool         // take it at once
	Buyer     Buyer
	Return    string // where the provider sends the buyer back to
}

// Buyer is what providers want to know for their fraud checks: personal data.
type Buyer struct {
	Name    string
	Email   string
	Phone   string
	Country string
	City    string
}

// Act is something done to a payment. Amount of zero means all that is left.
type Act struct {
	Reference string
	Payment   string // Payment.External
	Amount    money.Amount
	Reason    string
}

// Payment is where one payment stands.
type Payment struct {
	External  string // the provider's id
	Reference string // Request.Reference
	State     State
	Amount    money.Amount // asked for
	Captured  money.Amount
	Refunded  money.Amount
	Method    string   // card, wallet, bank, cod: the provider's word
	Decline   *Decline // when Declined
	Redirect  string   // when Action: where to send the buyer
	At        time.Time
	Expires   time.Time // of an authorization or a redirect; zero = not said
	Raw       string    // the provider's word for the state
}

// Left is what was captured and not yet given back.
func (p Payment) Left() (money.Amount, error) { return p.Captured.Sub(p.Refunded) }

// State is where a payment stands, in our words.
type State string

const (
	Unknown    State = "unknown"    // a word we do not know: kept raw, moves nothing
	Pending    State = "pending"    // the provider has yet to decide; a webhook follows
	Action     State = "action"     // the buyer has to do something at Redirect
	Due        State = "due"        // to be collected in cash
	Authorized State = "authorized" // reserved at the buyer's bank
	Captured   State = "captured"   // ours, at least in part; the amounts say how much
	Refunded   State = "refunded"   // given back in full
	Voided     State = "voided"     // let go
	Declined   State = "declined"
	Expired    State = "expired" // nobody captured, or the buyer never came back
)

// Decline says why there is no money.
type Decline struct {
	Code  string // the provider's
	Text  string // for the buyer, in plain words
	Retry bool   // another try with the same source may work
}

// Refund is money given back.
type Refund struct {
	External  string
	Reference string
	Payment   string
	Amount    money.Amount
	Pending   bool // accepted, not yet done; a webhook follows
	At        time.Time
}

// Kind describes one provider. A plain value; gateway/all lists them.
type Kind struct {
	Name       string // also the value in order_payments
	Title      string
	Docs       string
	Countries  []string // ISO codes it works in; empty = any
	Currencies []string // ISO codes it takes; empty = any
	Settings   []partner.Setting
	Limits     partner.Limits
	// Cash says that the money is collected at the door: Authorize answers Due, collection is confirmed by courier, till or statement, and money goes back by another way.
	Cash bool
	// Statuses map the provider's words to ours.
	Statuses []StatusRow
	// Unverified lists what only our simulator could be asked, one sentence each.
	Unverified []string
	Open       func(partner.Config) (Gateway, error)
}

// StatusRow maps one of the provider's words to ours.
type StatusRow struct {
	Theirs string
	Ours   State
	Source string // where the fact stands
}

// Finder looks for a payment by our reference. fault.NotFound means it was surely never asked for.
type Finder interface {
	FindPayment(ctx context.Context, reference string) (Payment, error)
}

// Reader reads a payment again by the provider's id: an event is a hint, the provider is the truth.
type Reader interface {
	ReadPayment(ctx context.Context, external string) (Payment, error)
}

// Webhooker takes what the provider pushes. Both methods are pure.
type Webhooker interface {
	// Verify checks the signature on the raw bytes, and freshness where the provider signs a time, before anything is parsed. Forged or stale is fault.Unauthorized.
	Verify(d partner.Delivery) (partner.Receipt, error)
	// Hints reads a verified delivery. One that concerns nothing we act on gives none. A body that cannot be understood is fault.Invalid.
	Hints(d partner.Delivery) ([]Hint, error)
}

// Hint is a payment that something happened to.
type Hint struct {
	External  string
	Reference string   // ours, when the provider says it
	Payment   *Payment // as it stands now, when the delivery carries it all; else it is read again
}

// Can lists what a gateway can do beyond Gateway, derived by type assertion.
type Can struct {
	Find, Read, Webhook, RefreshToken bool
}

// CanOf derives what a gateway can do.
func CanOf(g Gateway) Can {
	var can Can
	_, can.Find = g.(Finder)
	_, can.Read = g.(Reader)
	_, can.Webhook = g.(Webhooker)
	_, can.RefreshToken = g.(partner.TokenRefresher)
	return can
}
