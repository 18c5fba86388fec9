package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// listeners are systems that take webhooks: they note when each event came, which its id tells from when it is.
type listeners struct {
	server *http.Server
	url    string
	n      atomic.Int64
	mu     sync.Mutex
	lags   []time.Duration
}

func newListeners() (*listeners, error) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &listeners{url: "http://" + at.Addr().String()}
	l.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		l.n.Add(1)
		if id, err := uuid.Parse(r.Header.Get("webhook-id")); err == nil && id.Version() == 7 {
			sec, nsec := id.Time().UnixTime()
			lag := time.Since(time.Unix(sec, nsec))
			l.mu.Lock()
			l.lags = append(l.lags, lag)
			l.mu.Unlock()
		}
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { _ = l.server.Serve(at) }()
	return l, nil
}

func (l *listeners) take() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.lags
	l.lags = nil
	return all
}

// measureRelay has orders imported while the relay, its consumers, three subscribers and NATS follow; ours is how many events a second reach all three subscribers.
// The limit posts the same number of requests with nothing of ours behind them. It takes at least fifteen seconds: what is under way when the import ends, a fraction of a
// second's worth, has not fallen behind, and in five seconds it would be most of what is allowed to.
func measureRelay(ctx context.Context, s settings, r *Result) error {
	s.duration = max(s.duration, 15*time.Second)
	p, err := newPlace(ctx, s.engine)
	if err != nil {
		return err
	}
	defer p.close()
	ns, err := server.NewServer(&server.Options{Port: -1, Host: "127.0.0.1", JetStream: true, StoreDir: p.dir, NoLog: true, NoSigs: true})
	if err != nil {
		return err
	}
	ns.Start()
	defer func() { ns.Shutdown(); ns.WaitForShutdown() }()
	if !ns.ReadyForConnections(10 * time.Second) {
		return errors.New("NATS does not start")
	}
	url, err := p.fresh(ctx)
	if err != nil {
		return err
	}
	h, err := newHouse(ctx, url, p.data(), skuCount, func(c *app.Config) { c.NATS = ns.ClientURL() })
	if err != nil {
		return err
	}
	defer h.app.Close()
	l, err := newListeners()
	if err != nil {
		return err
	}
	defer l.server.Close()
	for i := range 3 {
		if err := h.subscribe(ctx, fmt.Sprintf("%s/%d", l.url, i)); err != nil {
			return err
		}
	}
	if err := h.store(ctx, int(1000*s.duration.Seconds())); err != nil {
		return err
	}
	if err := h.follow(ctx, s, l, r); err != nil {
		return err
	}
	posts, err := barePosts(ctx, l, min(s.duration, 3*time.Second))
	if err != nil {
		return err
	}
	r.Limit = posts / 3
	r.Ratio = r.Ours / r.Limit
	r.Met = r.Detail["keeps_up"] >= 0.95 && r.Detail["lag_p99_ms"] < 1000
	return nil
}

func (h *house) subscribe(ctx context.Context, url string) error {
	return h.app.DB.Write(ctx, func(tx *db.Tx) error {
		sub, err := outbox.Subscribe(tx, outbox.Subscription{Name: url, URL: url, AllowPrivate: true})
		if err != nil {
			return err
		}
		_, err = h.app.Vault.Put(tx, "subscription:"+sub.ID, "secret", vault.Hide(outbox.NewSecret()), vault.PutOptions{})
		return err
	})
}

// follow imports for so long with the relay at work, then waits until everything has arrived.
func (h *house) follow(ctx context.Context, s settings, l *listeners, r *Result) error {
	work, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- h.app.Run(work, app.Relays) }()
	defer func() { stop(); <-done }()
	var orders atomic.Int64
	start := time.Now()
	importing, end := context.WithTimeout(ctx, s.duration)
	defer end()
	err := s.profiled(func() error { return h.importAll(importing, 1, &orders) })
	if err != nil && importing.Err() == nil {
		return err
	}
	took := time.Since(start)
	during := l.n.Load()
	r.Detail["imported_per_second"] = float64(orders.Load()) / took.Seconds()
	r.Detail["lag_p99_ms"] = millis(quantile(l.take(), 0.99))
	for wait := time.Now(); ; {
		contracts, err := h.count(ctx, `select count(*) from events where contract`)
		if err != nil {
			return err
		}
		if l.n.Load() >= 3*contracts {
			r.Detail["keeps_up"] = float64(during) / float64(3*contracts)
			break
		}
		if time.Since(wait) > 60*time.Second {
			return fmt.Errorf("after a minute only %d of %d deliveries have arrived", l.n.Load(), 3*contracts)
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	r.Ours = float64(l.n.Load()) / 3 / time.Since(start).Seconds()
	r.Detail["lag_to_the_end_p99_ms"] = millis(quantile(l.take(), 0.99))
	return nil
}

// barePosts is how many signed bodies of 1.5 KB a second can be posted to the same listeners.
func barePosts(ctx context.Context, l *listeners, d time.Duration) (float64, error) {
	body := make([]byte, 1500)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	var n atomic.Int64
	errs := make([]error, 32)
	start := time.Now()
	for i := range errs {
		wg.Go(func() {
			for errs[i] == nil && time.Since(start) < d {
				if errs[i] = post(ctx, client, l.url, body, signed(body, n.Load())); errs[i] == nil {
					n.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return float64(n.Load()) / time.Since(start).Seconds(), errors.Join(errs...)
}
