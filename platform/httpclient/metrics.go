package httpclient

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count calls to partners, by channel and account. A nil *Metrics counts nothing.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	throttle *prometheus.CounterVec
	repeats  *prometheus.CounterVec
	waits    *prometheus.CounterVec
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	labels := []string{"channel", "account"}
	counter := func(name, help string, more ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append(labels, more...))
	}
	m := &Metrics{
		requests: counter("openclaw_partner_requests_total", "Requests to partners by status; 0 is no answer.", "status"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "openclaw_partner_request_seconds", Help: "How long partners take to answer.",
			Buckets: []float64{0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30},
		}, labels),
		throttle: counter("openclaw_partner_throttles_total", "How often partners asked to wait."),
		repeats:  counter("openclaw_partner_repeats_total", "Reads that were repeated."),
		waits:    counter("openclaw_partner_over_budget_total", "Calls not made because the budget would have taken too long."),
	}
	r.MustRegister(m.requests, m.seconds, m.throttle, m.repeats, m.waits)
	return m
}

func (m *Metrics) answered(t *transport, status int, took time.Duration) {
	if m != nil {
		m.requests.WithLabelValues(t.Channel, t.Account, strconv.Itoa(status)).Inc()
		m.seconds.WithLabelValues(t.Channel, t.Account).Observe(took.Seconds())
	}
}

func (m *Metrics) throttled(t *transport) {
	if m != nil {
		m.throttle.WithLabelValues(t.Channel, t.Account).Inc()
	}
}

func (m *Metrics) repeated(t *transport) {
	if m != nil {
		m.repeats.WithLabelValues(t.Channel, t.Account).Inc()
	}
}

func (m *Metrics) refused(t *transport) {
	if m != nil {
		m.waits.WithLabelValues(t.Channel, t.Account).Inc()
	}
}
