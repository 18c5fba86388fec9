package connect

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// slow is a partner that takes one call in every pace. As behind the shared client, a call waits while the partner wants none, and one that comes too early all the same is
// refused with the time to wait.
type slow struct {
	*shelf
	pace time.Duration

	mu     sync.Mutex
	next   time.Time // when it takes a call again
	paused time.Time
	zero   map[string]time.Time // when a SKU was first shown as sold out
	calls  int                  // taken
}

func (s *slow) SetStock(ctx context.Context, levels []channel.StockLevel) ([]channel.Verdict, error) {
	s.mu.Lock()
	wait := time.Until(s.paused)
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(max(wait, 0)):
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.next) {
		s.paused = now.Add(s.pace)
		return nil, fault.Wait(s.pace, "slowly, please")
	}
	s.next = now.Add(s.pace)
	s.calls++
	for _, l := range levels {
		if _, known := s.zero[l.Listing.SKU]; l.Quantity == 0 && !known {
			s.zero[l.Listing.SKU] = now
		}
	}
	return make([]channel.Verdict, len(levels)), nil
}

// TestSlowPartner sells out while a partner that takes few calls always has others to take: what sells out is never overtaken for ever.
func TestSlowPartner(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := look(t, d)
		p := &slow{shelf: h.p, pace: 200 * time.Millisecond, zero: map[string]time.Time{}}
		h.s.mu.Lock()
		h.s.opened[h.acc.ID].ch = p
		h.s.opened[h.acc.ID].kind.Limits.StockBatch = 1
		h.s.mu.Unlock()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.s.RunStock(ctx) }()
		defer func() { cancel(); must(t, <-done) }()
		busy := func() { // every listing has another number to tell, always
			must(t, d.Write(ctx, func(tx *db.Tx) error {
				if _, err := tx.Exec(`update channel_stock set shown = null`); err != nil {
					return err
				}
				return h.s.dirtyAll(tx, h.acc.ID)
			}))
		}
		taken := func() int {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.calls
		}
		for begun := time.Now(); taken() < 5; time.Sleep(10 * time.Millisecond) {
			if busy(); time.Since(begun) > time.Minute {
				t.Fatalf("%d calls were taken in a minute", taken())
			}
		}
		before := taken()
		h.stockUp("TEA-1", -10)
		for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			busy()
			p.mu.Lock()
			_, told := p.zero["TEA-1"]
			p.mu.Unlock()
			if told {
				break
			}
			if n := taken() - before; n > 8 || time.Since(begun) > time.Minute {
				t.Fatalf("%d calls were taken since it sold out, none of them with it", n)
			}
		}
	})
}
