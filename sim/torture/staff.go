package torture

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

// staff are the people who work through the API: they pick, pack and hand over, count stock, change prices and cancel orders. While the program is down they get no
// answer, and while somebody else is faster they are refused; both are part of the day, and what a request did is seen later.
type staff struct {
	run    *run
	rnd    *rand.Rand
	closed bool // the branch
}

// resource is as much of a resource as staff looks at.
type resource struct {
	ID       string   `json:"id"`
	State    string   `json:"state"`
	Source   string   `json:"source"`
	Tracking string   `json:"tracking_number"`
	Allowed  []string `json:"allowed"`
	Lines    []struct {
		ID       string `json:"id"`
		Line     string `json:"line_id"` // of the order
		SKU      string `json:"sku"`
		Quantity int64  `json:"quantity"`
		Picked   int64  `json:"picked"`
		Waiting  int64  `json:"waiting"`
	} `json:"lines"`
}

// list reads a page of a list; none where there is no answer.
func (s *staff) list(ctx context.Context, path string) []resource {
	a, err := s.run.house.call(ctx, http.MethodGet, path, "", nil)
	var page struct {
		Items []resource `json:"items"`
	}
	if err != nil || !a.ok() || a.into(&page) != nil {
		return nil
	}
	return page.Items
}

// act does one thing about a resource in the version it has now, and counts what was done.
func (s *staff) act(ctx context.Context, what, at, action string, body any) bool {
	now, err := s.run.house.call(ctx, http.MethodGet, at, "", nil)
	if err != nil || !now.ok() {
		return false
	}
	return s.said(what, func() (answer, error) { return s.hurried(ctx, at+"/"+action, now.etag, body) })
}

// hurried posts something; now and then whoever asked does not wait for the answer and hangs up in the middle of it.
func (s *staff) hurried(ctx context.Context, path, etag string, body any) (answer, error) {
	if s.rnd.IntN(4) > 0 {
		return s.run.house.call(ctx, http.MethodPost, path, etag, body)
	}
	short, cancel := context.WithTimeout(ctx, time.Duration(2+s.rnd.IntN(120))*time.Millisecond)
	defer cancel()
	a, err := s.run.house.call(short, http.MethodPost, path, etag, body)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		s.run.struck("hung up in the middle")
	}
	return a, err
}

// said counts what an answer says: done, refused, or failed inside.
func (s *staff) said(what string, ask func() (answer, error)) bool {
	a, err := ask()
	switch {
	case err != nil:
		s.run.did(what + ", unanswered")
		return false
	case a.status == http.StatusInternalServerError:
		s.run.did(what + ", answered 500")
		s.run.say("%s: %s", what, a.body)
	case a.ok():
		s.run.did(what)
	default:
		s.run.did(what + ", refused")
	}
	return a.ok()
}

// work goes on until the context ends.
func (s *staff) work(ctx context.Context) error {
	for ctx.Err() == nil {
		s.pickAndPack(ctx)
		s.handOver(ctx)
		s.odd(ctx)
		_ = wait(ctx, time.Duration(50+s.rnd.IntN(150))*time.Millisecond)
	}
	return nil
}

// impatient asks for small things all the time and hangs up before most of them are answered: what was begun must be undone whole, whoever shares the commit.
func (s *staff) impatient(ctx context.Context) error {
	for ctx.Err() == nil {
		short, cancel := context.WithTimeout(ctx, time.Duration(1+s.rnd.IntN(80))*time.Millisecond)
		_, err := s.run.house.call(short, http.MethodPost, "/stock/adjust", "", map[string]any{
			"sku": s.sku(), "location": pick(s.rnd, "WH", branch), "delta": pick(s.rnd, -1, 1), "note": "counted in passing",
		})
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			s.run.struck("hung up in the middle")
		}
		_ = wait(ctx, time.Duration(20+s.rnd.IntN(80))*time.Millisecond)
	}
	return nil
}

// pickAndPack takes some of the fulfillment orders that wait.
func (s *staff) pickAndPack(ctx context.Context) {
	for _, fo := range some(s.rnd, s.list(ctx, "/fulfillment-orders?limit=50&state=new,accepted,picking,picked"), 4) {
		at := "/fulfillment-orders/" + fo.ID
		if fo.State == "new" && !s.act(ctx, "accept", at, "accept", nil) {
			continue
		}
		for _, l := range fo.Lines {
			if n := l.Quantity - l.Picked; n > 0 {
				s.act(ctx, "pick", at, "pick", map[string]any{"scan_id": l.ID, "code": l.SKU, "quantity": n})
			}
		}
		s.act(ctx, "pack", at, "pack", map[string]any{})
	}
}

// handOver gives parcels to the carrier; those that carry no number yet get one first.
func (s *staff) handOver(ctx context.Context) {
	for _, sh := range some(s.rnd, s.list(ctx, "/shipments?limit=50&state=intended,issued"), 4) {
		at := "/shipments/" + sh.ID
		if sh.Source == "manual" && sh.Tracking == "" && !s.act(ctx, "waybill", at, "waybill", map[string]any{"carrier": "TCS", "tracking_number": "T" + sh.ID}) {
			continue
		}
		if sh.State == "issued" || sh.Source == "manual" {
			s.act(ctx, "hand over", at, "hand-over", map[string]any{})
		}
	}
}

// some are up to n of them.
func some[T any](rnd *rand.Rand, of []T, n int) []T {
	return shuffled(rnd, of)[:min(n, len(of))]
}
