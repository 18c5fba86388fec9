package httpclient

import "time"

// span is how far back calls are counted, minute by minute.
const span = 15

// recent counts the calls of the last minutes and those of them that went wrong.
type recent [span]struct {
	minute        int64
	calls, failed int
}

// Rate is how a partner has answered an account lately, as far as this process knows.
type Rate struct {
	Calls  int
	Failed int // no answer, 5xx or 401 and 403: a refused order or SKU is no failure of the partner's
	Over   time.Duration
}

// Percent is how many of a hundred calls went wrong, rounded up.
func (r Rate) Percent() int {
	if r.Calls == 0 {
		return 0
	}
	return (r.Failed*100 + r.Calls - 1) / r.Calls
}

func (b *budget) note(now time.Time, status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	minute := now.Unix() / 60
	at := &b.recent[minute%span]
	if at.minute != minute {
		at.minute, at.calls, at.failed = minute, 0, 0
	}
	at.calls++
	if status == 0 || status == 401 || status == 403 || status >= 500 {
		at.failed++
	}
}

// Rate says how an account's partner has answered in the last quarter of an hour; false when this process has not called it in that time.
func (p *Pool) Rate(account string) (Rate, bool) {
	p.mu.Lock()
	b := p.budgets[account]
	p.mu.Unlock()
	if b == nil {
		return Rate{}, false
	}
	r := Rate{Over: span * time.Minute}
	from := p.Now().Unix()/60 - span
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, at := range b.recent {
		if at.minute > from {
			r.Calls += at.calls
			r.Failed += at.failed
		}
	}
	return r, r.Calls > 0
}
