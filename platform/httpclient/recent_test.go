package httpclient

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRate_counts_what_went_wrong_in_the_last_quarter_of_an_hour(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	p := NewPool(PoolOptions{Now: func() time.Time { return now }})
	p.Client(Options{Account: "shop"})
	if _, known := p.Rate("shop"); known {
		t.Error("an account that was not called has a rate")
	}
	for _, status := range []int{200, 404, 422, 429, 500, 0, 401, 200} {
		p.budgets["shop"].note(now, status)
	}
	now = now.Add(14 * time.Minute)
	p.budgets["shop"].note(now, 503)
	r, known := p.Rate("shop")
	if diff := cmp.Diff(Rate{Calls: 9, Failed: 4, Over: 15 * time.Minute}, r); diff != "" || !known || r.Percent() != 45 {
		t.Error(diff, known, r.Percent())
	}
	now = now.Add(2 * time.Minute)
	if r, _ := p.Rate("shop"); r.Calls != 1 || r.Failed != 1 {
		t.Errorf("what is long ago is counted still: %+v", r)
	}
	now = now.Add(time.Hour)
	if r, known := p.Rate("shop"); known {
		t.Errorf("after an hour of silence: %+v", r)
	}
}
