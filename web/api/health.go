package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// tooOld is how long what waits may wait before somebody should look.
const tooOld = 15 * time.Minute

// Ready says whether this process can take what it is sent, and how the work goes. Much to do is no reason to be sent less: what is acknowledged is stored, and the
// rest waits for it.
type Ready struct {
	Ready    bool             `json:"ready"`
	Database string           `json:"database"`
	Work     string           `json:"work"` // "ok", "slow": something waits for more than a minute, "stuck": nobody takes what waits longest
	Reason   string           `json:"reason,omitempty"`
	Queues   map[string]Queue `json:"queues"`
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
	all, now, err := s.queues(ctx)
	r.Queues, r.Work = all, s.pulse.look(all, now)
	disk, known := s.DB.Disk()
	switch {
	case err != nil:
		r.Ready, r.Work, r.Reason = false, "stuck", "the database does not answer"
		s.Log.Warn("not ready", "err", err)
	case s.DB.Skewed():
		r.Ready, r.Reason = false, "this machine's clock is more than two seconds off the database's"
	case known && disk.Low():
		r.Reason = fmt.Sprintf("the disk is nearly full: %d MiB are left", disk.Free>>20)
	case r.Work == stuck:
		r.Reason = "nobody takes what waits longest: " + strings.Join(s.pulse.stuck(), ", ")
	}
	return r
}
