// Package channel is the seam where we sell: what every shop or marketplace adapter does, and the canonical shapes it speaks. Start at Channel, then Order in order.go.
//
// An adapter imports the kernel, this package and its helpers, never a context and never the database. It has no rate limits, retries, locks, cursors or token
// store of its own: Config gives it an HTTP client and a token source that have them. Errors are of package fault.
package channel

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// Channel is what every adapter must do: bring orders in. Safe for concurrent use; errors are of package fault.
type Channel interface {
	// Orders yields orders changed since the cursor, each with the cursor to resume after it. Yielding one twice is allowed, missing one is not.
	// The empty cursor means "from the beginning that the partner offers". A resume cursor is never an offset. An error ends the sequence;
	// what was yielded before it stays good.
	Orders(ctx context.Context, since Cursor) iter.Seq2[Change, error]
	// Order reads one order again: an event is a hint, the channel is the truth. fault.NotFound when the partner does not know it.
	Order(ctx context.Context, external string) (Change, error)
	// Decode turns a stored raw into the canonical order. Pure, no I/O: import, replay and the benchmarks all go through it. A raw that cannot be
	// understood is fault.Invalid naming the field; an unknown status is Unknown, never an error.
	Decode(raw Raw) (Order, error)
}

// Cursor is where to resume a listing: opaque to everybody but the adapter that made it, printable, at most 1 KB.
type Cursor string

// Change is one reading of one order.
type Change struct {
	External string    // the partner's order id, unique within the account
	Version  time.Time // the partner's update time; zero when it has none
	ReadAt   time.Time // when our read began, by Config.Now; between equal versions the later read wins
	Cursor   Cursor    // resume after this one; empty when not from a listing
	Raw      Raw
	Hold     string // the id of the soft hold that this order converts; own-site checkout only
}

// Raw is the set of documents read for one order, exactly as the partner sent them (Daraz: the order and its items). It is what is stored, sealed, and replayed.
type Raw struct {
	Shape string `json:"shape"` // which documents these are, in the adapter's words: "rest", "graphql", "order+items"
	Docs  []Doc  `json:"docs"`
}

// Doc is one document of a Raw.
type Doc struct {
	Name string `json:"name"`
	Body []byte `json:"body"`
}

// Doc returns the body of the document with this name, nil when there is none.
func (r Raw) Doc(name string) []byte {
	for _, d := range r.Docs {
		if d.Name == name {
			return d.Body
		}
	}
	return nil
}

// Config is everything an adapter gets when it is opened for one account.
type Config struct {
	Account  string                     // our account id, for logs and metrics
	Country  string                     // ISO 3166-1 alpha-2 of the account
	Settings map[string]string          // values of Kind.Settings that are not secret, defaults filled in
	Secret   func(name string) []string // valid values of a secret setting, newest first: two during a rotation, none when unset
	Tokens   Tokens                     // nil for kinds without tokens
	HTTP     *http.Client               // limits, retries, Retry-After, redaction, recording and metrics live in it
	Now      func() time.Time
	Log      *slog.Logger
}

// Setting returns a setting's value, or "".
func (c Config) Setting(name string) string { return c.Settings[name] }

// FirstSecret is the newest valid value of a secret, or "".
func (c Config) FirstSecret(name string) string {
	if c.Secret == nil {
		return ""
	}
	if all := c.Secret(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// Setting declares one value an account needs. The list drives form, validation, command line and documentation.
type Setting struct {
	Name     string
	Title    string // what a person calls it
	Help     string // one sentence: where to find it at the partner, what it does
	Default  string
	Required bool
	Secret   bool     // goes to the vault, never shown again
	Options  []string // the only values allowed, when not empty
	Check    func(value string) error
	// Unverified names what this setting stands in for when the fact behind its default was inferred rather than documented.
	Unverified string
}

// Kind describes one channel type. A plain value; channel/all lists them.
type Kind struct {
	Name      string // shopify, daraz: also the value in sales_channels
	Title     string
	Docs      string   // the partner's public documentation
	Countries []string // ISO codes it sells in; empty = any
	Settings  []Setting
	Statuses  []StatusRow
	Fields    []Field // where each value of the canonical order comes from
	Limits    Limits
	Stock     StockMeaning
	Parcels   ParcelSource // where the label of a shipment comes from
	// Scopes are the rights that our credentials need at the partner, where it has such a thing and says which it granted.
	Scopes []Scope
	// Unverified lists what only our simulator could be asked, one sentence each, for docs/channels.md.
	Unverified []string
	// Unused names calls of the partner that are not made although its pages list them, each with the reason.
	Unused []string
	Open   func(Config) (Channel, error)
}

// Scope is a right at the partner; one of those named is enough.
type Scope struct {
	AnyOf []string `json:"any_of"`
	For   string   `json:"for"` // what cannot be done without it, for a person
}

// Missing lists the rights that are not among those granted. None are where the partner did not say what it granted.
func (k Kind) Missing(granted []string) []Scope {
	var all []Scope
	for _, s := range k.Scopes {
		if len(granted) > 0 && !slices.ContainsFunc(s.AnyOf, func(one string) bool { return slices.Contains(granted, one) }) {
			all = append(all, s)
		}
	}
	return all
}

// StatusRow maps one of the partner's status words to ours.
type StatusRow struct {
	Axis   string // order, unit, payment, fulfillment, parcel, return: what the word describes
	Theirs string
	Ours   Status
	Source string // where the fact stands
}

// StockMeaning says what the partner's stock number means.
type StockMeaning uint8

const (
	StockNone      StockMeaning = iota // the channel has no stock number of ours
	StockAvailable                     // what can still be sold
	StockTotal                         // available plus the partner's own open units: push promise + what it already holds back
)

// ParcelSource says who makes waybill and label. A shipment's label has one source.
type ParcelSource uint8

const (
	ParcelOurs   ParcelSource = iota // our courier; the channel is told the tracking number
	ParcelTheirs                     // the channel assigns courier, tracking number and label at pack
)

// Limits are the partner's published ceilings; the shared client keeps them.
type Limits struct {
	PerSecond   float64 // sustained requests a second for one account; 0 = no limit known
	Burst       int
	Concurrency int // parallel requests of one account; 0 = 4
	StockBatch  int // numbers that the partner takes in one call of SetStock; 0 = 50
	// Throttled reads the partner's own throttle shape out of a response, also out of a 200 body. It reports how long to wait.
	Throttled func(status int, header http.Header, body []byte) (wait time.Duration, throttled bool)
}

// Tokens gives the account's access token. Single flight and durable storage are the owner's.
type Tokens interface {
	// Access is the current access token; fault.Unauthorized when there is none to be had.
	Access(ctx context.Context) (string, error)
	// Refresh replaces a token that the partner refused and returns the new one; when the current one already differs from stale, that.
	Refresh(ctx context.Context, stale string) (string, error)
}

// WithToken runs a call with the access token; when the partner refuses it as fault.Unauthorized, it refreshes once and runs the call once more.
func WithToken(ctx context.Context, tokens Tokens, call func(ctx context.Context, token string) error) error {
	token, err := tokens.Access(ctx)
	if err != nil {
		return err
	}
	if err = call(ctx, token); !unauthorized(err) {
		return err
	}
	if token, err = tokens.Refresh(ctx, token); err != nil {
		return err
	}
	return call(ctx, token)
}
