package api

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

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
	waitingDesc   = prometheus.NewDesc("openclaw_queue_waiting", "What waits, by queue.", []string{"queue"}, nil)
	oldestDesc    = prometheus.NewDesc("openclaw_queue_oldest_seconds", "How long the oldest that could be done has waited, by queue.", []string{"queue"}, nil)
	stuckDesc     = prometheus.NewDesc("openclaw_queue_stuck", "1 where nobody takes what waits longest.", []string{"queue"}, nil)
	skewedDesc    = prometheus.NewDesc("openclaw_clock_skewed", "1 when this machine's clock is more than two seconds off the database's.", nil, nil)
	pressedDesc   = prometheus.NewDesc("openclaw_intake_pressed", "1 while so much arrives that polls and prices wait.", nil, nil)
	freeDesc      = prometheus.NewDesc("openclaw_disk_free_bytes", "Room left on the disk of the database file; absent on PostgreSQL.", nil, nil)
	lowDesc       = prometheus.NewDesc("openclaw_disk_low", "1 when the disk of the database file is nearly full; absent on PostgreSQL.", nil, nil)
	accountDesc   = prometheus.NewDesc("openclaw_account_down", "1 for an account that is paused or whose token is refused.", []string{"account", "channel", "state"}, nil)
	zoneDesc      = prometheus.NewDesc("openclaw_zone_down", "1 for a residency zone whose store does not answer, of those in which this process is allowed.", []string{"zone"}, nil)
	writersDesc   = prometheus.NewDesc("openclaw_db_writers_waiting", "Writes that wait for their turn.", nil, nil)
	overdueDesc   = prometheus.NewDesc("openclaw_exceptions_overdue", "Open cases past their deadline, by cause.", []string{"cause"}, nil)
	exceptionDesc = prometheus.NewDesc("openclaw_exceptions_open", "Open cases, by cause.", []string{"cause"}, nil)
	behindDesc    = prometheus.NewDesc("openclaw_consumer_behind", "Positions a consumer of events is behind.", []string{"consumer"}, nil)
	parkedDesc    = prometheus.NewDesc("openclaw_consumer_parked", "Events a consumer could not take.", []string{"consumer"}, nil)
	writesDesc    = prometheus.NewDesc("openclaw_db_total", "Work of the database since the start.", []string{"what"}, nil)
)

// Describe implements prometheus.Collector.
func (g gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		waitingDesc, oldestDesc, stuckDesc, skewedDesc, pressedDesc, freeDesc, lowDesc, accountDesc, zoneDesc, writersDesc, overdueDesc, exceptionDesc, behindDesc, parkedDesc, writesDesc,
	} {
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
	set(writersDesc, float64(st.Waiting))
	set(skewedDesc, truth(g.s.DB.Skewed()))
	if disk, known := g.s.DB.Disk(); known {
		set(freeDesc, float64(disk.Free))
		set(lowDesc, truth(disk.Low()))
	}
	for _, z := range g.s.zoneHealth() {
		set(zoneDesc, truth(z.Down), z.Name)
	}
	all, now, err := g.s.queues(ctx)
	if err != nil {
		g.s.Log.Warn("metrics", "err", err)
		return
	}
	g.s.pulse.look(all, now)
	held := g.s.pulse.stuck()
	for name, q := range all {
		set(waitingDesc, float64(q.Waiting), name)
		set(oldestDesc, q.age(now).Seconds(), name)
		set(stuckDesc, truth(slices.Contains(held, name)), name)
	}
	if g.s.Connect != nil {
		set(pressedDesc, truth(g.s.Connect.Pressed(ctx)))
	}
	err = g.s.DB.Read(ctx, func(tx *db.Tx) error {
		open, err := exception.Counts(tx)
		if err != nil {
			return err
		}
		for _, c := range open {
			set(exceptionDesc, float64(c.Open), c.Cause)
			set(overdueDesc, float64(c.Overdue), c.Cause)
		}
		if g.s.Connect != nil {
			accounts, err := g.s.Connect.Accounts(tx)
			if err != nil {
				return err
			}
			for _, a := range accounts {
				set(accountDesc, truth(a.State != connect.Active && a.State != connect.ClosedDown), a.Name, a.Channel, string(a.State))
			}
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

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
