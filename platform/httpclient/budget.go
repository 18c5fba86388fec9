package httpclient

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// budget is what one account may ask of its partner: so often, so much at once, nothing while the partner wants a pause, and one request at a time for a while after that.
type budget struct {
	mu          sync.Mutex
	limiter     *rate.Limiter
	slots       *semaphore.Weighted
	concurrency int
	pausedUntil time.Time
	queue       *semaphore.Weighted // of requests while the partner is short of patience
	queueUntil  time.Time
	recent      recent
}

// queueFor is how long after a pause requests go one by one. All that waited would go at once else, one of them be taken and the others refused again, always the same
// ones when chance wants it.
const queueFor = 2 * time.Second

// set changes the limits; requests under way keep theirs.
func (b *budget) set(perSecond float64, burst, concurrency int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := rate.Inf
	if perSecond > 0 {
		limit = rate.Limit(perSecond)
	}
	if b.limiter == nil {
		b.limiter = rate.NewLimiter(limit, burst)
	} else if b.limiter.Limit() != limit || b.limiter.Burst() != burst {
		b.limiter.SetLimit(limit)
		b.limiter.SetBurst(burst)
	}
	if b.concurrency != concurrency {
		b.concurrency, b.slots = concurrency, semaphore.NewWeighted(int64(concurrency))
	}
}

// pause keeps the account quiet, and reports whether that is news.
func (b *budget) pause(wait time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	news := !b.pausedUntil.After(now)
	b.queueUntil = now.Add(wait + queueFor)
	if until := now.Add(wait); until.After(b.pausedUntil) {
		b.pausedUntil = until
	}
	return news
}

// paused is how long the account is still to be quiet.
func (b *budget) paused() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(time.Until(b.pausedUntil), 0)
}

// line waits for the request's turn when the partner lately asked to wait, at most limit, and returns what to call when the request is over, its repeats included: who
// was refused tries again before others do. It is nil when there is no line to stand in.
// Faults: Throttled when it would take longer.
func (b *budget) line(ctx context.Context, limit time.Duration) (leave func(), err error) {
	b.mu.Lock()
	if b.queue == nil {
		b.queue = semaphore.NewWeighted(1)
	}
	queue, free := b.queue, !b.queueUntil.After(time.Now())
	b.mu.Unlock()
	if free {
		return nil, nil
	}
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := queue.Acquire(waiting, 1); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, tooLong(max(b.paused(), time.Second))
	}
	return func() { queue.Release(1) }, nil
}

// take waits until a request may go, at most limit for pause and rate together, and returns what to call when it is over.
// Faults: Throttled with the wait when it would take longer.
func (b *budget) take(ctx context.Context, limit time.Duration) (release func(), err error) {
	if wait := b.paused(); wait > limit {
		return nil, tooLong(wait)
	}
	b.mu.Lock()
	slots := b.slots
	b.mu.Unlock()
	if err := slots.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	if err := b.wait(ctx, limit); err != nil {
		slots.Release(1)
		return nil, err
	}
	return func() { slots.Release(1) }, nil
}

// wait sits out the pause, also one that begins meanwhile, and the rate.
func (b *budget) wait(ctx context.Context, limit time.Duration) error {
	last := time.Now().Add(limit)
	b.mu.Lock()
	limiter := b.limiter
	b.mu.Unlock()
	turn := limiter.Reserve()
	for delay := max(b.paused(), turn.Delay()); delay > 0; delay = max(b.paused(), turn.Delay()) {
		if ends, limited := ctx.Deadline(); delay > time.Until(last) || limited && delay > time.Until(ends) {
			turn.Cancel()
			return tooLong(delay)
		}
		if err := sleep(ctx, delay); err != nil {
			turn.Cancel()
			return err
		}
	}
	return nil
}

func tooLong(wait time.Duration) error {
	return fault.Wait(wait, "the account's budget at the partner is used up").WithCode(NotSent)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
