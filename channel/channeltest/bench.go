package channeltest

import (
	"net/http"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// Bench is a stand-in for the partner that can be made to act: usually its wire simulator, started for one case. It ends with tb.Cleanup.
type Bench interface {
	// Account is how to open an account at the stand-in.
	Account() Account
	// Offers are at least two things for sale, with stock for a hundred orders each.
	Offers() []Offer
	// Place lets a buyer order and pay, and returns the partner's order id.
	Place(tb testing.TB, sales ...Sale) string
	// Shown is how many a buyer could order now.
	Shown(tb testing.TB, listing channel.ListingRef) int64
	// Told is what has reached the partner about an order, effects counted, not calls.
	Told(tb testing.TB, order string) Told
	// Deliveries are the webhooks that the partner sends about an order, signed; none when it sends none.
	Deliveries(tb testing.TB, order string) []channel.Delivery
	// Fault makes the next times (-1: all) calls behind a capability (see Calls) go wrong; "" is any call but those for tokens. Zero times ends it.
	Fault(tb testing.TB, fault, call string, times int)
}

// Account is how an account at a stand-in is opened. Settings and Secrets go over the suite's.
type Account struct {
	Kind     *channel.Kind // nil = the suite's
	Settings map[string]string
	Secrets  map[string][]string
	Tokens   channel.TokenSet // the first tokens; zero = made by TokenRefresher from the secrets
	HTTP     *http.Client     // nil = a plain one
	Now      func() time.Time // nil = time.Now
}

// Offer is something for sale at the stand-in.
type Offer struct {
	Listing  channel.ListingRef
	Location string // where its stock is kept, in the partner's words; "" when there are no locations
}

// Sale is so many of an offer.
type Sale struct {
	Offer    Offer
	Quantity int64
}

// Told is what a partner has been told, by effect: a call that is recognised as a repeat counts nothing.
type Told struct {
	Acknowledged int64
	Packed       int64 // units
	Shipped      int64 // units
	Delivered    int64 // units
	Cancelled    int64 // units
	Refunds      int64 // how many refunds there are
	Refunded     money.Amount
}

// Faults that a Bench is asked for. They are the partner's, at the place where it would make them.
const (
	Throttle     = "throttle"      // refused in the partner's own shape for asking too often
	ServerError  = "server_error"  // answered 5xx before any work is done
	HTML         = "html"          // answered by a web page
	CutBody      = "cut_body"      // the work is done, half of the answer arrives
	LostAnswer   = "lost_answer"   // the work is done, no answer arrives
	ExpiredToken = "expired_token" // refused as if the access token had expired
)

// live is an account opened at a bench.
type live struct {
	Bench
	channel.Channel
	tokens *tokens
	kind   channel.Kind
	packed map[string][]string // package ids by the reference they were packed for
}

func (e *env) live(tb testing.TB) *live {
	tb.Helper()
	b := e.Bench(tb)
	a := b.Account()
	kind := e.Kind
	if a.Kind != nil {
		kind = *a.Kind
	}
	now := a.Now
	if now == nil {
		now = time.Now
	}
	client := a.HTTP
	if client == nil {
		tr := http.DefaultTransport.(*http.Transport).Clone()
		tb.Cleanup(tr.CloseIdleConnections)
		client = &http.Client{Transport: tr}
	}
	l := &live{Bench: b, kind: kind, tokens: &tokens{set: a.Tokens}}
	ch, err := kind.Open(channel.Config{
		Account: "conformance", Country: e.Country, Settings: e.settings("", a.Settings), Secret: secrets(e.Secrets, a.Secrets),
		Tokens: l.tokens, HTTP: client, Now: now, Log: e.log(),
	})
	if err != nil {
		tb.Fatalf("open at the bench: %v", err)
	}
	l.Channel = ch
	l.tokens.refresher, _ = ch.(channel.TokenRefresher)
	return l
}
