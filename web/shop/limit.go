package shop

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound what one caller may do. They count in this process: behind several, each counts its own.
type Limits struct {
	PerSecond     float64 // requests of one address, sustained; default 10
	Burst         int     // default 60
	ProofsPerHour int     // tries of number and phone: of one address, and of one order number; default 30
	ProofBurst    int     // default 10
}

func (l Limits) withDefaults() Limits {
	if l.PerSecond == 0 {
		l.PerSecond = 10
	}
	if l.Burst == 0 {
		l.Burst = 60
	}
	if l.ProofsPerHour == 0 {
		l.ProofsPerHour = 30
	}
	if l.ProofBurst == 0 {
		l.ProofBurst = 10
	}
	return l
}

// limiter keeps a bucket for each key.
type limiter struct {
	rate  rate.Limit
	burst int

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// manyBuckets is when those that are full again are dropped, so that memory stays bounded.
const manyBuckets = 20_000

func newLimiter(perSecond float64, burst int) *limiter {
	return &limiter{rate: rate.Limit(perSecond), burst: burst, buckets: map[string]*rate.Limiter{}}
}

// take takes one from the key's bucket, and answers how long to wait when it is empty; then nothing is taken.
func (l *limiter) take(key string, now time.Time) time.Duration {
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

// sweep drops buckets that are full: a new one is the same. When all are in use the oldest knowledge goes.
func (l *limiter) sweep(now time.Time) {
	for key, b := range l.buckets {
		if b.TokensAt(now) >= float64(l.burst) {
			delete(l.buckets, key)
		}
	}
	if len(l.buckets) >= manyBuckets {
		clear(l.buckets)
	}
}
