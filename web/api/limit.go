package api

import (
	"cmp"
	"crypto/sha256"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound what a caller may do over HTTP. They count in this process: behind several, each counts its own. The zero value is the default.
type Limits struct {
	PerSecond    float64 // requests of one key, sustained; default 1000
	Burst        int     // default 10000
	TriesPerHour int     // keys that are not right, of one address; default 600
	TryBurst     int     // default 60
}

func (l Limits) withDefaults() Limits {
	return Limits{cmp.Or(l.PerSecond, 1000), cmp.Or(l.Burst, 10_000), cmp.Or(l.TriesPerHour, 600), cmp.Or(l.TryBurst, 60)}
}

// Limiter keeps a bucket for each key, in bounded memory. Safe for concurrent use.
type Limiter struct {
	rate  rate.Limit
	burst int

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// manyBuckets is when those that are full again are dropped, so that memory stays bounded.
const manyBuckets = 20_000

// NewLimiter makes a limiter whose buckets fill at a rate up to a burst.
func NewLimiter(perSecond float64, burst int) *Limiter {
	return &Limiter{rate: rate.Limit(perSecond), burst: burst, buckets: map[string]*rate.Limiter{}}
}

// Take takes one from the key's bucket, and answers how long to wait when it is empty; then nothing is taken.
func (l *Limiter) Take(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	if b == nil {
		if len(l.buckets) >= manyBuckets {
			l.sweep(now)
		}
		b = rate.NewLimiter(l.rate, l.burst)
		l.buckets[key] = b
	}
	r := b.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// Wait is how long the key's bucket stays empty; it takes nothing.
func (l *Limiter) Wait(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	if b == nil || b.TokensAt(now) >= 1 {
		return 0
	}
	return time.Duration((1 - b.TokensAt(now)) / float64(l.rate) * float64(time.Second))
}

// sweep drops buckets that are full: a new one is the same. When all are in use the oldest knowledge goes.
func (l *Limiter) sweep(now time.Time) {
	for key, b := range l.buckets {
		if b.TokensAt(now) >= float64(l.burst) {
			delete(l.buckets, key)
		}
	}
	if len(l.buckets) >= manyBuckets {
		clear(l.buckets)
	}
}

// Peer is the address of the connection, which is the caller's behind trusted proxies too (Proxies.Behind); an IPv6 one by its /64, since that is what one caller has.
func Peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String()
	}
	return host
}

// gate is what requests with a key go through: a key that was right once is not slowed by what others at its address try.
type gate struct {
	calls, tries *Limiter

	mu     sync.Mutex
	proven map[[sha256.Size]byte]bool
}

func newGate(l Limits) *gate {
	l = l.withDefaults()
	return &gate{calls: NewLimiter(l.PerSecond, l.Burst), tries: NewLimiter(float64(l.TriesPerHour)/3600, l.TryBurst), proven: map[[sha256.Size]byte]bool{}}
}

func (g *gate) knows(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.proven[sha256.Sum256([]byte(key))]
}

// learn remembers whether a key was right.
func (g *gate) learn(key string, right bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sum := sha256.Sum256([]byte(key))
	if !right {
		delete(g.proven, sum)
		return
	}
	if len(g.proven) >= manyBuckets {
		clear(g.proven)
	}
	g.proven[sum] = true
}
