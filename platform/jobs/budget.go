package jobs

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Budget is what one account's jobs may use.
type Budget struct {
	Concurrency int           // jobs at the same time in all processes, about: two that claim in the same instant may pass it by a few; 0 is no limit
	Every       time.Duration // one job per so long in this process; 0 is no limit
	Burst       int           // so many at once before Every counts; default 1
}

// budgets remembers, in this process, which accounts wait.
type budgets struct {
	mu     sync.Mutex
	limits map[string]*rate.Limiter
	until  map[string]time.Time
}

// pause keeps an account's jobs from being claimed until then.
func (b *budgets) pause(account string, until time.Time) {
	if account == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until == nil {
		b.until = map[string]time.Time{}
	}
	if until.After(b.until[account]) {
		b.until[account] = until
	}
}

// shut lists the accounts that may not start anything now.
func (b *budgets) shut(now time.Time, over map[string]int) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var shut []string
	for account, until := range b.until {
		if now.Before(until) {
			shut = append(shut, account)
		} else {
			delete(b.until, account)
		}
	}
	for account, n := range over {
		if _, twice := b.until[account]; n >= 0 && !twice {
			shut = append(shut, account)
		}
	}
	return shut
}

// allow takes one job out of the account's rate; an account that has none left waits until it has.
func (b *budgets) allow(now time.Time, account string, budget Budget) bool {
	if budget.Every <= 0 {
		return true
	}
	b.mu.Lock()
	if b.limits == nil {
		b.limits = map[string]*rate.Limiter{}
	}
	want, burst := rate.Every(budget.Every), max(budget.Burst, 1)
	l := b.limits[account]
	if l == nil {
		l = rate.NewLimiter(want, burst)
		b.limits[account] = l
	} else if l.Limit() != want || l.Burst() != burst {
		l.SetLimitAt(now, want)
		l.SetBurstAt(now, burst)
	}
	b.mu.Unlock()
	if l.AllowN(now, 1) {
		return true
	}
	b.pause(account, now.Add(budget.Every))
	return false
}
