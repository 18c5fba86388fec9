package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// tooOld is how long what has arrived may wait before this process says that it is not ready for more.
const tooOld = 15 * time.Minute

// Ready says whether this process can do its work, and how much waits.
type Ready struct {
	Ready    bool    `json:"ready"`
	Database string  `json:"database"`
	Reason   string  `json:"reason,omitempty"`
	Backlog  Backlog `json:"backlog"`
}

// Backlog is what waits.
type Backlog struct {
	Inbox      int64     `json:"messages_to_import"`
	Oldest     time.Time `json:"oldest_message_at,omitzero"`
	Unplaced   int64     `json:"events_to_place"`
	Jobs       int64     `json:"jobs_due"`
	Dead       int64     `json:"jobs_dead"`
	Tells      int64     `json:"channel_to_tell"`
	Deliveries int64     `json:"webhooks_to_send"`
	Exceptions int64     `json:"exceptions_open"`
}

func (s *Server) healthRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if _, err := w.Write([]byte("ok\n")); err != nil {
			s.Log.Debug("answer not written", "err", err)
		}
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ready := s.ready(r.Context())
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !ready.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		if err := json.NewEncoder(w).Encode(ready); err != nil {
			s.Log.Debug("answer not written", "err", err)
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}))
}

func (s *Server) ready(ctx context.Context) Ready {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	r := Ready{Ready: true, Database: s.DB.Engine().String()}
	b, now, err := s.backlog(ctx)
	r.Backlog = b
	switch {
	case err != nil:
		r.Ready, r.Reason = false, "the database does not answer"
		s.Log.Warn("not ready", "err", err)
	case s.DB.Skewed():
		r.Ready, r.Reason = false, "this machine's clock is more than two seconds off the database's"
	case !b.Oldest.IsZero() && now.Sub(b.Oldest) > tooOld:
		r.Ready, r.Reason = false, "what has arrived waits too long to be imported"
	}
	return r
}

// backlog counts what waits; every count has an index made for it.
func (s *Server) backlog(ctx context.Context) (b Backlog, now time.Time, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		now = tx.Now
		err := tx.QueryRow(`select (select count(*) from inbox where state = 'stored'), (select min(received_at) from inbox where state = 'stored'),
			(select count(*) from events where position is null), (select count(*) from tells where state = 'intended'), (select count(*) from deliveries where state = 'due')`).
			Scan(&b.Inbox, db.Time(&b.Oldest), &b.Unplaced, &b.Tells, &b.Deliveries)
		if err != nil {
			return err
		}
		counts, err := jobs.Counts(tx)
		if err != nil {
			return err
		}
		for _, c := range counts {
			switch c.State {
			case jobs.Due:
				b.Jobs += c.N
			case jobs.Dead, jobs.Unknown:
				b.Dead += c.N
			}
		}
		open, err := exception.Counts(tx)
		for _, c := range open {
			b.Exceptions += c.Open
		}
		return err
	})
	return b, now, err
}

// measure sets up metrics.
func (s *Server) measure() {
	s.metrics = prometheus.NewRegistry()
	s.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "openclaw_http_request_seconds", Help: "How long requests took, by route and status.", Buckets: []float64{.005, .02, .1, .5, 2, 10},
	}, []string{"method", "route", "status"})
	s.metrics.MustRegister(s.requests, gauges{s})
}

// gauges reads what waits whenever somebody asks.
type gauges struct{ s *Server }

var (
	waitingDesc   = prometheus.NewDesc("openclaw_waiting", "What waits, by kind.", []string{"what"}, nil)
	oldestDesc    = prometheus.NewDesc("openclaw_oldest_message_seconds", "How long the oldest message has waited to be imported.", nil, nil)
	exceptionDesc = prometheus.NewDesc("openclaw_exceptions_open", "Open cases, by cause.", []string{"cause"}, nil)
	behindDesc    = prometheus.NewDesc("openclaw_consumer_behind", "Positions a consumer of events is behind.", []string{"consumer"}, nil)
	parkedDesc    = prometheus.NewDesc("openclaw_consumer_parked", "Events a consumer could not take.", []string{"consumer"}, nil)
	writesDesc    = prometheus.NewDesc("openclaw_db_total", "Work of the database since the start.", []string{"what"}, nil)
)

// Describe implements prometheus.Collector.
func (g gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{waitingDesc, oldestDesc, exceptionDesc, behindDesc, parkedDesc, writesDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (g gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	set := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	st := g.s.DB.Stats()
	for what, n := range map[string]int64{"writes": st.Writes, "commits": st.Commits, "repeats": st.Repeats} {
		ch <- prometheus.MustNewConstMetric(writesDesc, prometheus.CounterValue, float64(n), what)
	}
	b, now, err := g.s.backlog(ctx)
	if err != nil {
		g.s.Log.Warn("metrics", "err", err)
		return
	}
	for what, n := range map[string]int64{"inbox": b.Inbox, "events": b.Unplaced, "jobs": b.Jobs, "jobs_dead": b.Dead, "tells": b.Tells, "deliveries": b.Deliveries, "writers": int64(st.Waiting)} {
		set(waitingDesc, float64(n), what)
	}
	if !b.Oldest.IsZero() {
		set(oldestDesc, now.Sub(b.Oldest).Seconds())
	} else {
		set(oldestDesc, 0)
	}
	err = g.s.DB.Read(ctx, func(tx *db.Tx) error {
		open, err := exception.Counts(tx)
		if err != nil {
			return err
		}
		for _, c := range open {
			set(exceptionDesc, float64(c.Open), c.Cause)
		}
		all, err := outbox.Progresses(tx, g.s.Consumers)
		for _, p := range all {
			set(behindDesc, float64(p.Behind), p.Consumer)
			set(parkedDesc, float64(p.Parked), p.Consumer)
		}
		return err
	})
	if err != nil {
		g.s.Log.Warn("metrics", "err", err)
	}
}
