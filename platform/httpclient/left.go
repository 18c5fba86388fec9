package httpclient

import "time"

// Left is what an account may still ask of its partner through this process by now.
type Left struct {
	Requests int // that may go at once; 0: the next one waits
	Burst    int // as many as this may gather
	Every    time.Duration
	Paused   time.Duration // how long the partner wants to hear nothing; 0: no pause
}

// Left says what is left of an account's budget; false when this process has not called its partner yet, or when nothing limits it.
func (p *Pool) Left(account string) (Left, bool) {
	p.mu.Lock()
	b := p.budgets[account]
	p.mu.Unlock()
	if b == nil {
		return Left{}, false
	}
	left := Left{Paused: b.paused().Round(time.Second)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limiter == nil || b.limiter.Burst() == 0 || b.limiter.Limit() <= 0 || float64(b.limiter.Limit()) > 1e6 {
		return left, left.Paused > 0
	}
	left.Requests, left.Burst = max(0, int(b.limiter.Tokens())), b.limiter.Burst()
	left.Every = time.Duration(float64(time.Second) / float64(b.limiter.Limit()))
	return left, true
}
