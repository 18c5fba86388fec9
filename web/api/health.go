package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/openclaw-pos/commerce/platform/access"
)

// tooOld is how long what waits may wait before somebody should look.
const tooOld = 15 * time.Minute

// Ready says whether this process can take what it is sent, and how the work goes. Much to do is no reason to be sent less: what is acknowledged is stored, and the
// rest waits for it.
type Ready struct {
	Ready    bool             `json:"ready"`
	Database string           `json:"database"`
	Work     string           `json:"work,omitempty"` // "ok", "slow": something waits for more than a minute, "stuck": nobody takes what waits longest
	Reason   string           `json:"reason,omitempty"`
	Queues   map[string]Queue `json:"queues,omitempty"` // as Work: for this machine and for keys that see everything, see inside
	Down     []DownZone       `json:"zones_down,omitempty"`
}

// DownZone is a residency zone whose store does not answer: what is personal there waits, the rest of the house works.
type DownZone struct {
	Name  string    `json:"name"`
	Since time.Time `json:"since"`
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
		if s.inside(r) != nil {
			ready = Ready{Ready: ready.Ready, Database: ready.Database}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !ready.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		if err := json.NewEncoder(w).Encode(ready); err != nil {
			s.Log.Debug("answer not written", "err", err)
		}
	})
	metrics := promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if err := s.inside(r); err != nil {
			WriteProblem(w, r, s.Log, err)
			return
		}
		metrics.ServeHTTP(w, r)
	})
}

// inside lets in who may know how much there is to do in the whole business: counts tell a branch of the others. That is whoever asks on this machine itself, not through a
// proxy, or comes with a key that may read orders everywhere. Faults: Unauthorized, Forbidden.
func (s *Server) inside(r *http.Request) error {
	passed := slices.ContainsFunc([]string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"}, func(h string) bool { return r.Header.Get(h) != "" })
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err == nil && from.Addr().Unmap().IsLoopback() && !passed {
		return nil
	}
	who, err := s.callerBy(r.Context(), r.Header.Get, Peer(r))
	if err != nil {
		return err
	}
	_, _, err = access.Permit(access.With(r.Context(), who), "orders.read", access.Whole)
	return err
}

func (s *Server) ready(ctx context.Context) Ready {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	r := Ready{Ready: true, Database: s.DB.Engine().String()}
	all, now, err := s.queues(ctx)
	r.Queues, r.Work = all, s.pulse.look(all, now)
	for _, z := range s.zoneHealth() {
		if z.Down {
			r.Down = append(r.Down, DownZone{z.Name, z.Since})
		}
	}
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
	case len(r.Down) > 0:
		r.Reason = fmt.Sprintf("the store of zone %s has not answered since %s", r.Down[0].Name, r.Down[0].Since.UTC().Format(time.RFC3339))
	}
	return r
}
