// Package httpclient makes the HTTP clients with which we call partners: limits, retries, waits, redaction, recording and metrics live
// here, once, so that an adapter has none of its own. Start at Pool.Client.
//
// A client keeps its account's budget (rate, parallel requests, and the pause a partner asked for) together with all other clients of
// that account in the process. It repeats reads that failed for a reason that passes; writes when the partner asked to wait instead of
// doing them, else only when the request says that it is safe. It answers as the partner did, a refusal included: only what has no answer is an error, of package fault.
package httpclient

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options describe the client of one account at one partner.
type Options struct {
	Account     string // our account id: names the budget, and the account in logs and metrics
	Channel     string // what kind of partner it is: shopify, a courier's name, webhook; for logs and metrics
	PerSecond   float64
	Burst       int // default 1 when there is a rate
	Concurrency int // parallel requests; default 4
	// Throttled reads the partner's own throttle shape out of an answer, also of status 200, and says how long to wait.
	// Status 429 is one in any case.
	Throttled func(status int, header http.Header, body []byte) (wait time.Duration, throttled bool)
	// Repeatable says that a request may be sent twice although its method is neither GET nor HEAD. See also the function Repeatable.
	Repeatable func(*http.Request) bool

	Timeout time.Duration // of one attempt, the answer's body included; default 30 s
	Retries int           // further attempts of what may be repeated; default 3, negative none
	MaxWait time.Duration // the longest wait for the budget or a pause within a call; a longer one is fault.Throttled at once; default 20 s
	MaxBody int64         // the largest answer; default 64 MB

	// AllowPrivate permits addresses on this machine and in private networks, and unencrypted HTTP: for simulators only.
	AllowPrivate bool
	Transport    http.RoundTripper // instead of the network; for tests
}

// PoolOptions are common to all clients of a process.
type PoolOptions struct {
	Log     *slog.Logger
	Metrics *Metrics         // nil: none are kept
	Record  func(Exchange)   // sees every exchange, redacted; nil: nothing is recorded
	Now     func() time.Time // to read dates in Retry-After; default time.Now
}

// Pool makes clients that share connections and budgets. It is safe for concurrent use.
type Pool struct {
	PoolOptions
	guarded, open *http.Transport

	mu      sync.Mutex
	budgets map[string]*budget
}

// NewPool makes a pool. Close it to let go of idle connections.
func NewPool(o PoolOptions) *Pool {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Pool{PoolOptions: o, guarded: network(false), open: network(true), budgets: map[string]*budget{}}
}

// Close lets go of idle connections.
func (p *Pool) Close() {
	p.guarded.CloseIdleConnections()
	p.open.CloseIdleConnections()
}

// network is how we reach partners: directly, never through a proxy of the environment, since that would dial in our place.
func network(private bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if !private {
		dialer.ControlContext = Guard
	}
	return &http.Transport{
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
}

// Client makes the client of an account. Clients of the same account share its budget; the newest one's limits count.
func (p *Pool) Client(o Options) *http.Client {
	o.fill()
	t := &transport{Options: o, pool: p, budget: p.budget(o), base: o.Transport}
	if t.base == nil {
		t.base = p.guarded
		if o.AllowPrivate {
			t.base = p.open
		}
	}
	return &http.Client{Transport: t, CheckRedirect: sameHost}
}

// New makes a client with a budget of its own. See Pool.Client for several that share one.
func New(o Options) *http.Client { return NewPool(PoolOptions{}).Client(o) }

func (o *Options) fill() {
	if o.Concurrency <= 0 {
		o.Concurrency = 4
	}
	if o.Burst <= 0 {
		o.Burst = 1
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Retries == 0 {
		o.Retries = 3
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 20 * time.Second
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 64 << 20
	}
}

func (p *Pool) budget(o Options) *budget {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.budgets[o.Account]
	if b == nil {
		b = &budget{}
		p.budgets[o.Account] = b
	}
	b.set(o.PerSecond, o.Burst, o.Concurrency)
	return b
}

type repeatableKey struct{}

// Repeatable marks a context whose requests change nothing, or nothing more when they arrive twice: they are repeated like reads.
func Repeatable(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatableKey{}, true)
}
