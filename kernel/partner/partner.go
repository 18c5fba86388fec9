// Package partner has the words that every seam uses for an account at somebody outside: what it needs to be opened, and what it may not do. Start at Config.
//
// It does nothing itself: limits and retries live in the client that Config carries, storage and single flight of tokens in what fills Tokens.
package partner

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Config is everything an adapter gets when it is opened for one account.
type Config struct {
	Account  string                     // our account id, for logs and metrics
	Country  string                     // ISO 3166-1 alpha-2 of the account
	Settings map[string]string          // values of the kind's settings that are not secret, defaults filled in
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
	if all := c.Secrets(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// Secrets are the valid values of a secret, newest first.
func (c Config) Secrets(name string) []string {
	if c.Secret == nil {
		return nil
	}
	return c.Secret(name)
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

// Limits are the partner's published ceilings; the shared client keeps them.
type Limits struct {
	PerSecond   float64 // sustained requests a second for one account; 0 = no limit known
	Burst       int
	Concurrency int // parallel requests of one account; 0 = 4
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
	if err = call(ctx, token); !fault.Is(err, fault.Unauthorized) {
		return err
	}
	if token, err = tokens.Refresh(ctx, token); err != nil {
		return err
	}
	return call(ctx, token)
}

// TokenSet is what a partner issues. Its String is masked.
type TokenSet struct {
	Access           string
	Refresh          string
	ExpiresAt        time.Time // zero = never
	RefreshExpiresAt time.Time // zero = never or not refreshable
}

// String gives nothing away.
func (t TokenSet) String() string { return "TokenSet(…)" }

// GoString gives nothing away.
func (t TokenSet) GoString() string { return t.String() }

// TokenRefresher obtains and renews tokens. Given the zero TokenSet it makes the first from the account's secrets. fault.Unauthorized only on evidence about
// the credential itself; everything else is retryable.
type TokenRefresher interface {
	RefreshToken(ctx context.Context, current TokenSet) (TokenSet, error)
}

// Delivery is one webhook request as it arrived. Header keeps only what the partner documents.
type Delivery struct {
	Header http.Header
	Body   []byte
	At     time.Time // when it arrived, our clock
}

// Receipt is what a verified delivery says about itself.
type Receipt struct {
	ID     string // the partner's delivery id, stable over its retries; "" when it has none (the hash of the body serves)
	Topic  string // the partner's word
	Signed bool   // false: it came by an address that nobody else knows, so it is a hint to read again and no fact
}

// Cursor is where to resume a listing: opaque to everybody but the adapter that made it, printable, at most 1 KB.
type Cursor string
