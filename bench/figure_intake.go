package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openclaw-pos/commerce/app"
)

// posted is what a load generator saw.
type posted struct {
	Sent    int64   `json:"sent"`
	Seconds float64 `json:"seconds"`
	P50     float64 `json:"p50_ms"`
	P99     float64 `json:"p99_ms"`
}

// runPost is the load generator: a process of its own that posts signed webhooks to an address over so many connections, at a rate or as fast as they are taken.
func runPost(ctx context.Context, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("bench post", flag.ContinueOnError)
	url := fs.String("url", "", "where to")
	from := fs.Int64("from", 1, "number of the first order")
	clients := fs.Int("clients", 128, "connections")
	rate := fs.Float64("rate", 0, "posts a second; 0 as fast as they are taken")
	d := fs.Duration("for", 5*time.Second, "how long")
	if err := fs.Parse(args); err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *clients, MaxConnsPerHost: *clients}, Timeout: time.Minute}
	var next atomic.Int64
	next.Store(*from)
	var wg sync.WaitGroup
	took := make([][]time.Duration, *clients)
	errs := make([]error, *clients)
	start := time.Now()
	for i := range *clients {
		rnd := rand.New(rand.NewPCG(uint64(*from), uint64(i)))
		wg.Go(func() {
			for k := int64(0); errs[i] == nil && time.Since(start) < *d && ctx.Err() == nil; k++ {
				if *rate > 0 { // each connection has its share of the beat
					due := start.Add(time.Duration((float64(k) + float64(i)/float64(*clients)) * float64(*clients) / *rate * float64(time.Second)))
					if errs[i] = pause(ctx, time.Until(due)); errs[i] != nil {
						return
					}
				}
				n := next.Add(1)
				body := payload(rnd, n, skuCount, time.Now())
				began := time.Now()
				if errs[i] = post(ctx, client, *url, body, signed(body, n)); errs[i] == nil {
					took[i] = append(took[i], time.Since(began))
				}
			}
		})
	}
	wg.Wait()
	var all []time.Duration
	for _, t := range took {
		all = append(all, t...)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(posted{int64(len(all)), time.Since(start).Seconds(), millis(quantile(all, 0.5)), millis(quantile(all, 0.99))})
}

func post(ctx context.Context, client *http.Client, url string, body []byte, header http.Header) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = header
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%d %.200s", res.StatusCode, text)
	}
	return err
}

// load starts a load generator and waits for what it saw.
func load(ctx context.Context, url string, from int64, rate float64, d time.Duration) (posted, error) {
	me, err := os.Executable()
	if err != nil {
		return posted{}, err
	}
	cmd := exec.CommandContext(ctx, me, "post", "-url", url, "-from", fmt.Sprint(from), "-rate", fmt.Sprint(rate), "-for", d.String())
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return posted{}, fmt.Errorf("load generator: %w", err)
	}
	var p posted
	return p, json.Unmarshal(text, &p)
}

// serve listens on a free port.
func serve(h http.Handler) (*http.Server, string, error) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(at) }()
	return s, "http://" + at.Addr().String(), nil
}

// measureIntake has webhooks posted from another process, as fast as they are taken, while the importer works; ours is how many become orders a second. Then at half that.
func measureIntake(ctx context.Context, s settings, r *Result) error {
	c, err := capture(ctx)
	if err != nil {
		return err
	}
	p, h, leave, err := newBusiness(ctx, s.engine, skuCount)
	if err != nil {
		return err
	}
	defer leave()
	web, address, err := serve(h.app.Handler())
	if err != nil {
		return err
	}
	defer web.Close()
	work, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- h.app.Run(work, app.Web, app.Intake) }()
	defer func() { stop(); <-done }()
	full, ours, err := h.flood(ctx, s, address+"/hooks/bench-shop", 10_000_000, 0)
	if err != nil {
		return err
	}
	if err := h.drained(ctx); err != nil {
		return err
	}
	half, _, err := h.flood(ctx, s, address+"/hooks/bench-shop", 20_000_000, ours/2)
	if err != nil {
		return err
	}
	if err := h.drained(ctx); err != nil {
		return err
	}
	r.Ours = ours
	r.Detail["acknowledged_per_second"], r.Detail["ack_p99_ms"] = float64(full.Sent)/full.Seconds, full.P99
	r.Detail["half_load_ack_p99_ms"] = half.P99
	seen, err := bareIntake(ctx, s, p, c)
	if err != nil {
		return err
	}
	r.Limit = float64(seen.Sent) / seen.Seconds
	r.judge(c.both, s.engine)
	r.atLeast(0.5)
	r.Met = r.Met && full.P99 < 500 && half.P99 < 100
	return nil
}

// flood posts for so long and answers what the generator saw and how many orders a second were there at its end.
func (h *house) flood(ctx context.Context, s settings, url string, from int64, rate float64) (posted, float64, error) {
	before, err := h.count(ctx, `select count(*) from orders`)
	if err != nil {
		return posted{}, 0, err
	}
	var seen posted
	if err = s.profiled(func() (err error) { seen, err = load(ctx, url, from, rate, s.duration); return err }); err != nil {
		return seen, 0, err
	}
	after, err := h.count(ctx, `select count(*) from orders`)
	return seen, float64(after-before) / seen.Seconds, err
}

// drained waits until nothing waits to be imported.
func (h *house) drained(ctx context.Context) error {
	for start := time.Now(); time.Since(start) < 2*time.Minute; {
		n, err := h.count(ctx, `select count(*) from inbox where state = 'stored'`)
		if err != nil || n == 0 {
			return err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("what was acknowledged is not imported after two minutes")
}

// bareIntake is a server that checks the signature, writes all rows of the order together with whoever waits, and acknowledges.
func bareIntake(ctx context.Context, s settings, p *place, c captured) (posted, error) {
	program, err := newBare(ctx, p, c.both, nil, false)
	if err != nil {
		return posted{}, err
	}
	defer program.close()
	queue := make(chan chan error, 4*group)
	work, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for i := range program.workers() {
		wg.Go(func() { bareWriter(work, program, i, queue) })
	}
	defer wg.Wait()
	defer stop()
	web, address, err := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte(shopSecret))
		mac.Write(body)
		if err != nil || r.Header.Get("X-Shopify-Hmac-Sha256") != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer := make(chan error, 1)
		queue <- answer
		if err := <-answer; err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusOK)
	}))
	if err != nil {
		return posted{}, err
	}
	defer web.Close()
	return load(ctx, address, 30_000_000, 0, min(s.duration, 5*time.Second))
}

// bareWriter commits whatever waits, at most a group.
func bareWriter(ctx context.Context, program bare, worker int, queue chan chan error) {
	for {
		var waiting []chan error
		select {
		case <-ctx.Done():
			return
		case a := <-queue:
			waiting = append(waiting, a)
		}
		for more := true; more && len(waiting) < group; {
			select {
			case a := <-queue:
				waiting = append(waiting, a)
			default:
				more = false
			}
		}
		err := program.group(ctx, worker, len(waiting))
		for _, a := range waiting {
			a <- err
		}
	}
}
