package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
)

const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

// Result is one line of the table. Ours and Limit are in Unit; Ratio is how much of the limit we reach, above 1 never better than it where less is better.
type Result struct {
	Figure string  `json:"figure"`
	Engine string  `json:"engine"`
	Ours   float64 `json:"ours"`
	Limit  float64 `json:"limit"`
	Ratio  float64 `json:"ratio"`
	Unit   string  `json:"unit"`

	Target string             `json:"target,omitempty"` // what is to be reached, in words
	Met    bool               `json:"met"`
	Void   string             `json:"void,omitempty"`   // why the run proves nothing
	Detail map[string]float64 `json:"detail,omitempty"` // what else was measured
}

// String is the line for people.
func (r Result) String() string {
	s := fmt.Sprintf("%-10s %-8s ours %.4g  limit %.4g  ratio %.2f  %s (to reach: %s)", r.Figure, r.Engine, r.Ours, r.Limit, r.Ratio, r.Unit, r.Target)
	if r.Void != "" {
		s += "\n           void: " + r.Void
	}
	return s
}

// figure is one thing that is measured.
type figure struct {
	name    string
	work    string // what is done
	unit    string
	target  string
	engines []string
	run     func(ctx context.Context, s settings, r *Result) error
}

// figures are all there are, in the order of the table.
func figures() []figure {
	both := []string{sqlite, postgres}
	return []figure{
		{"import", "stored raw payloads (3 KB, 3 lines, 5,000 SKUs, 50 of them hot) to committed order, reservation, events", "orders/s", "ratio ≥ 0.6", both, measureImport},
		{"intake", "signed webhooks posted over HTTP by another process to committed order, reservation, events", "orders/s", "ratio ≥ 0.5; acknowledgement p99 < 100 ms at half load, < 500 ms at saturation", both, measureIntake},
		{"scale-out", "1, 2, 4 processes import from one PostgreSQL; ours is four, the limit is one", "orders/s", "no figure falls, no order handled twice", []string{postgres}, measureScale},
		{"reserve", "64 buyers on 1 hot SKU, and on 10,000 SKUs; the worse ratio counts", "reservations/s", "ratio ≥ 0.5, no deadlock", both, measureReserve},
		{"relay", "events to 3 subscribers, the feed and NATS while orders are imported", "events/s to all three", "keeps up, lag p99 < 1 s", both, measureRelay},
		{"push", "every number of 100,000 SKUs changes at once, on eight accounts, and five a second sell out; the account that comes off worst counts", "numbers/s to all partners", "each account at its partner's rate limit; sell-outs under 5 s p99; the last value arrives", both, measurePush},
		{"lists", "orders list, filters, search by number, id or phone hash, order page, exceptions, event feed and the other lists of the API", "ms p99 of the slowest", "under 50 at 1M orders, at most 2 × from 10k to 1M", both, measureLists},
		{"start", "the binary on a database of orders, until it says that it is ready", "ms", "under 2 s; under 150 MB idle, 600 MB loaded", both, measureStart},
		{"storage", "all tables and indexes after thirty days, divided by the orders; the limit is the values alone", "bytes an order", "stated", both, measureStorage},
	}
}

func find(name string) (figure, bool) {
	for _, f := range figures() {
		if f.name == name {
			return f, true
		}
	}
	return figure{}, false
}

func names() string {
	var all []string
	for _, f := range figures() {
		all = append(all, f.name)
	}
	return strings.Join(all, ", ")
}

// measure runs a figure on one engine.
func (f figure) measure(ctx context.Context, s settings) (Result, error) {
	if err := s.complete(); err != nil {
		return Result{}, err
	}
	r := Result{Figure: f.name, Engine: s.engine, Unit: f.unit, Target: f.target, Detail: map[string]float64{}}
	if err := f.run(ctx, s, &r); err != nil {
		return r, fmt.Errorf("%s on %s: %w", f.name, s.engine, err)
	}
	if math.IsNaN(r.Ratio) || math.IsInf(r.Ratio, 0) {
		return r, errors.New("nothing was measured")
	}
	r.Ours, r.Limit, r.Ratio = round(r.Ours), round(r.Limit), round(r.Ratio)
	for k, v := range r.Detail {
		r.Detail[k] = round(v)
	}
	return r, nil
}

// round keeps three digits: differences below prove nothing.
func round(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	p := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
	if p <= 1 {
		return math.Round(v)
	}
	return math.Round(v*p) / p
}

// atLeast says whether the ratio reaches a target.
func (r *Result) atLeast(least float64) {
	if r.Limit > 0 {
		r.Ratio = r.Ours / r.Limit
	}
	r.Met = r.Void == "" && r.Ratio >= least
}
