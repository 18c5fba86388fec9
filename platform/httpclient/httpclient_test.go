package httpclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/httpclient"
)

// partner is a stand-in that answers from a script, in memory; the last answer is repeated.
type partner struct {
	mu      sync.Mutex
	answers []any // int status, error, or func(*http.Request) (*http.Response, error)
	calls   []time.Time
	bodies  []string
	running int
	most    int // that ran at once
}

func (p *partner) enter() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running++
	p.most = max(p.most, p.running)
}

func (p *partner) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
}

func (p *partner) RoundTrip(req *http.Request) (*http.Response, error) {
	p.enter()
	defer p.leave()
	body := ""
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		_ = req.Body.Close()
		body = string(b)
	}
	p.mu.Lock()
	p.calls, p.bodies = append(p.calls, time.Now()), append(p.bodies, body)
	var next any = 200
	if len(p.answers) > 0 {
		next = p.answers[min(len(p.calls), len(p.answers))-1]
	}
	p.mu.Unlock()
	switch next := next.(type) {
	case int:
		return answer(req, next, "", nil), nil
	case error:
		return nil, next
	}
	return next.(func(*http.Request) (*http.Response, error))(req)
}

func (p *partner) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls)
}

func answer(req *http.Request, status int, body string, header http.Header) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: header, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

func says(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return answer(req, status, body, h), nil
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func client(p *partner, o httpclient.Options) *http.Client {
	o.Transport, o.Account, o.Channel = p, "account", "demo"
	return httpclient.NewPool(httpclient.PoolOptions{Log: quiet()}).Client(o)
}

func get(ctx context.Context, c *http.Client) (int, string, error) {
	return call(ctx, c, http.MethodGet, "")
}

func call(ctx context.Context, c *http.Client, method, body string) (int, string, error) {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://partner.example/orders?access_token=canary-token", r)
	if err != nil {
		return 0, "", err
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return res.StatusCode, string(got), err
}

func TestRepeat(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	cut := func(req *http.Request) (*http.Response, error) {
		res := answer(req, 200, "", nil)
		res.Body = io.NopCloser(io.MultiReader(strings.NewReader("half an ans"), failing{}))
		return res, nil
	}
	for _, tt := range []struct {
		name    string
		method  string
		mark    bool
		answers []any
		status  int
		kind    fault.Kind
		calls   int
	}{
		{name: "a_read_that_failed_on_the_way_is_repeated", answers: []any{refused, 500, cut, 200}, status: 200, calls: 4},
		{name: "a_read_gives_up_with_the_last_answer", answers: []any{503}, status: 503, calls: 4},
		{name: "a_read_gives_up_with_the_last_error", answers: []any{refused}, kind: fault.Unavailable, calls: 4},
		{name: "a_refusal_is_not_repeated", answers: []any{404}, status: 404, calls: 1},
		{name: "an_unknown_method_is_not_repeated", answers: []any{501}, status: 501, calls: 1},
		{name: "a_write_is_never_repeated", method: "POST", answers: []any{500, 200}, status: 500, calls: 1},
		{name: "a_write_without_an_answer_is_never_repeated", method: "PUT", answers: []any{cut, 200}, kind: fault.Unavailable, calls: 1},
		{name: "a_write_that_the_partner_put_off_is_repeated", method: "POST", answers: []any{429, 429, 200}, status: 200, calls: 3},
		{name: "a_write_that_is_put_off_again_and_again_gives_up", method: "POST", answers: []any{429}, status: 429, calls: 4},
		{name: "a_write_that_was_put_off_and_then_lost_is_not_repeated", method: "POST", answers: []any{429, cut, 200}, kind: fault.Unavailable, calls: 2},
		{name: "a_write_that_was_put_off_and_then_failed_is_not_repeated", method: "POST", answers: []any{429, 500, 200}, status: 500, calls: 2},
		{name: "a_write_that_is_marked_repeatable_is_repeated", method: "POST", mark: true, answers: []any{refused, 500, 429, 200}, status: 200, calls: 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &partner{answers: tt.answers}
				ctx := t.Context()
				if tt.mark {
					ctx = httpclient.Repeatable(ctx)
				}
				body, method := "", http.MethodGet
				if tt.method != "" {
					body, method = "the body", tt.method
				}
				status, _, err := call(ctx, client(p, httpclient.Options{}), method, body)
				if status != tt.status || (err == nil) != (tt.status > 0) || err != nil && fault.KindOf(err) != tt.kind {
					t.Errorf("status %d, %v", status, err)
				}
				if p.count() != tt.calls {
					t.Errorf("%d calls, want %d", p.count(), tt.calls)
				}
				for _, b := range p.bodies {
					if b != body {
						t.Errorf("a repeated body is %q", b)
					}
				}
			})
		})
	}
	t.Run("the_account_may_say_what_is_repeatable", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := &partner{answers: []any{500, 200}}
			c := client(p, httpclient.Options{Repeatable: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/orders") }})
			if status, _, err := call(t.Context(), c, http.MethodPost, "x"); status != 200 || err != nil {
				t.Errorf("status %d, %v", status, err)
			}
		})
	})
	t.Run("a_body_that_cannot_be_read_again_is_sent_once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := &partner{answers: []any{500, 200}}
			req, _ := http.NewRequestWithContext(httpclient.Repeatable(t.Context()), http.MethodPost, "https://partner.example/", io.MultiReader(strings.NewReader("stream")))
			res, err := client(p, httpclient.Options{}).Do(req)
			if err != nil || res.StatusCode != 500 || p.count() != 1 || p.bodies[0] != "stream" {
				t.Errorf("%v, %v, %d calls", res, err, p.count())
			}
		})
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestWait(t *testing.T) {
	t.Parallel()
	t.Run("Retry_After_is_kept", func(t *testing.T) {
		t.Parallel()
		for value, want := range map[string]time.Duration{
			"7": 7 * time.Second, "2.5": 2500 * time.Millisecond, "0.4": 400 * time.Millisecond, "0.001": 100 * time.Millisecond, "": time.Second, "nonsense": time.Second, "-5": time.Second, "NaN": time.Second,
			time.Date(2000, 1, 1, 0, 0, 9, 0, time.UTC).Format(http.TimeFormat): 9 * time.Second, // synctest begins at 2000-01-01
		} {
			synctest.Test(t, func(t *testing.T) {
				p := &partner{answers: []any{says(429, "", "Retry-After", value), 200}}
				begin := time.Now()
				status, _, err := get(t.Context(), client(p, httpclient.Options{}))
				took := time.Since(begin)
				if status != 200 || err != nil || took < want || took > want+300*time.Millisecond {
					t.Errorf("%q: status %d, %v, after %s, want %s", value, status, err, took, want)
				}
			})
		}
	})
	t.Run("a_throttle_in_a_200_is_seen_and_pauses_the_whole_account", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := &partner{answers: []any{says(200, `{"code":"THROTTLED"}`), says(200, `{"data":1}`)}}
			o := httpclient.Options{Throttled: func(_ int, _ http.Header, body []byte) (time.Duration, bool) {
				return 5 * time.Second, bytes.Contains(body, []byte("THROTTLED"))
			}}
			pool := httpclient.NewPool(httpclient.PoolOptions{Log: quiet()})
			o.Account, o.Transport = "account", p
			first, second := pool.Client(o), pool.Client(o)
			begin := time.Now()
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, body, err := get(t.Context(), first); body != `{"data":1}` || err != nil {
					t.Errorf("%q, %v", body, err)
				}
			})
			synctest.Wait()
			if _, body, err := call(t.Context(), second, http.MethodPost, "write"); body != `{"data":1}` || err != nil {
				t.Errorf("%q, %v", body, err)
			}
			wg.Wait()
			if took := time.Since(begin); took < 5*time.Second || p.count() != 3 {
				t.Errorf("%d calls after %s", p.count(), took)
			}
		})
	})
	t.Run("a_pause_that_is_too_long_is_a_fault_with_the_wait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := &partner{answers: []any{says(429, "", "Retry-After", "600"), 200}}
			c := client(p, httpclient.Options{})
			if status, _, err := get(t.Context(), c); status != 429 || err != nil {
				t.Errorf("status %d, %v", status, err)
			}
			time.Sleep(time.Minute)
			begin := time.Now()
			_, _, err := get(t.Context(), c)
			if !fault.Is(err, fault.Throttled) || fault.After(err) != 9*time.Minute || httpclient.Sent(err) || time.Since(begin) > 0 {
				t.Errorf("%v, after %s", err, fault.After(err))
			}
			time.Sleep(9 * time.Minute)
			if status, _, err := get(t.Context(), c); status != 200 || err != nil {
				t.Errorf("status %d, %v", status, err)
			}
		})
	})
	t.Run("a_pause_beyond_the_callers_deadline_is_not_waited_for", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := &partner{answers: []any{says(429, "", "Retry-After", "10")}}
			c := client(p, httpclient.Options{Retries: -1})
			_, _, _ = get(t.Context(), c)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			begin := time.Now()
			if _, _, err := get(ctx, c); !fault.Is(err, fault.Throttled) || time.Since(begin) > 0 {
				t.Errorf("%v after %s", err, time.Since(begin))
			}
		})
	})
	t.Run("a_cancelled_caller_returns_at_once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := &partner{answers: []any{says(429, "", "Retry-After", "10")}}
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				time.Sleep(time.Second)
				cancel()
			}()
			begin := time.Now()
			_, _, err := get(ctx, client(p, httpclient.Options{}))
			if !errors.Is(err, context.Canceled) || time.Since(begin) != time.Second {
				t.Errorf("%v after %s", err, time.Since(begin))
			}
		})
	})
}

func TestBudget(t *testing.T) {
	t.Parallel()
	t.Run("the_rate_of_an_account_is_shared_by_its_clients", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := &partner{}
			pool := httpclient.NewPool(httpclient.PoolOptions{Log: quiet()})
			o := httpclient.Options{Account: "account", PerSecond: 2, Burst: 2, Transport: p, Concurrency: 50}
			begin := time.Now()
			var wg sync.WaitGroup
			for range 2 {
				c := pool.Client(o)
				for range 5 {
					wg.Go(func() {
						if _, _, err := get(t.Context(), c); err != nil {
							t.Error(err)
						}
					})
				}
			}
			wg.Wait()
			if took := time.Since(begin); took != 4*time.Second { // 2 at once, 8 more at 2 a second
				t.Errorf("10 calls took %s", took)
			}
			other := o
			other.Account = "other"
			begin = time.Now()
			if _, _, err := get(t.Context(), pool.Client(other)); err != nil || time.Since(begin) > 0 {
				t.Errorf("another account waited %s (%v)", time.Since(begin), err)
			}
		})
	})
	t.Run("no_more_requests_run_at_once_than_allowed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := &partner{answers: []any{func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return answer(req, 200, "", nil), nil
			}}}
			c := client(p, httpclient.Options{Concurrency: 3})
			var wg sync.WaitGroup
			for range 12 {
				wg.Go(func() { _, _, _ = get(t.Context(), c) })
			}
			wg.Wait()
			if p.most != 3 {
				t.Errorf("%d ran at once", p.most)
			}
		})
	})
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run("a_partner_that_takes_one_"+method+"_a_second_is_used_up_and_nobody_who_waits_is_passed_over", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				bucket := rate.NewLimiter(1, 1)
				p := &partner{answers: []any{func(req *http.Request) (*http.Response, error) {
					time.Sleep(10 * time.Millisecond)
					if !bucket.Allow() {
						return says(429, "", "Retry-After", "1")(req)
					}
					return answer(req, 200, "", nil), nil
				}}}
				c := client(p, httpclient.Options{})
				var worst atomic.Int64
				var wg sync.WaitGroup
				begin := time.Now()
				for range 4 {
					wg.Go(func() {
						for range 15 {
							asked := time.Now()
							status, _, err := call(t.Context(), c, method, "")
							if err != nil || status != 200 {
								t.Errorf("%d, %v", status, err)
							}
							for took := int64(time.Since(asked)); took > worst.Load(); {
								worst.CompareAndSwap(worst.Load(), took)
							}
						}
					})
				}
				wg.Wait()
				if took := time.Since(begin); took > 75*time.Second {
					t.Errorf("60 calls took %s", took)
				}
				if longest := time.Duration(worst.Load()); longest > 7*time.Second {
					t.Errorf("one waited %s, while four took turns", longest)
				}
			})
		})
	}
	t.Run("a_queue_that_is_too_long_is_a_fault_with_the_wait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := &partner{}
			c := client(p, httpclient.Options{PerSecond: 0.1, MaxWait: 15 * time.Second})
			for range 2 {
				if _, _, err := get(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			var mu sync.Mutex
			var late error
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					if _, _, err := get(t.Context(), c); err != nil {
						mu.Lock()
						defer mu.Unlock()
						late = err
					}
				})
			}
			wg.Wait()
			if !fault.Is(late, fault.Throttled) || fault.After(late) < 15*time.Second || p.count() > 4 {
				t.Errorf("%v, after %s, %d calls", late, fault.After(late), p.count())
			}
		})
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	t.Run("an_attempt_has_a_deadline_that_covers_the_body", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			slow := func(req *http.Request) (*http.Response, error) {
				res := answer(req, 200, "", nil)
				res.Body = io.NopCloser(stuck{req.Context()})
				return res, nil
			}
			p := &partner{answers: []any{slow, 200}}
			begin := time.Now()
			status, _, err := get(t.Context(), client(p, httpclient.Options{Timeout: 3 * time.Second}))
			if status != 200 || err != nil || time.Since(begin) < 3*time.Second {
				t.Errorf("status %d, %v after %s", status, err, time.Since(begin))
			}
			p = &partner{answers: []any{slow}}
			_, _, err = call(t.Context(), client(p, httpclient.Options{Timeout: 3 * time.Second}), http.MethodPost, "write")
			if !fault.Is(err, fault.Unavailable) || !httpclient.Sent(err) || p.count() != 1 {
				t.Errorf("%v", err)
			}
		})
	})
	t.Run("an_answer_that_is_too_large_is_refused_once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := &partner{answers: []any{says(200, strings.Repeat("x", 101))}}
			_, _, err := get(t.Context(), client(p, httpclient.Options{MaxBody: 100}))
			if fault.CodeOf(err) != httpclient.TooLarge || p.count() != 1 {
				t.Errorf("%v, %d calls", err, p.count())
			}
			p = &partner{answers: []any{says(200, strings.Repeat("x", 100))}}
			if _, body, err := get(t.Context(), client(p, httpclient.Options{MaxBody: 100})); len(body) != 100 || err != nil {
				t.Errorf("%d bytes, %v", len(body), err)
			}
		})
	})
}

// stuck is a body that does not come.
type stuck struct{ ctx context.Context }

func (s stuck) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	plain := fault.Wrap(fault.Unavailable, io.ErrUnexpectedEOF, "cut")
	for _, tt := range []struct {
		name string
		err  error
		sent bool
		want fault.Kind
	}{
		{"no_error", nil, true, 0},
		{"no_answer", plain, true, fault.OutcomeUnknown},
		{"not_sent", plain, false, fault.Unavailable},
		{"the_client_knows_better", &fault.Error{Kind: fault.Unavailable, Code: httpclient.NotSent}, true, fault.Unavailable},
		{"unclassified", io.ErrUnexpectedEOF, true, fault.OutcomeUnknown},
		{"cancelled", context.Canceled, true, fault.OutcomeUnknown},
		{"refused", fault.New(fault.Refused, "no"), true, fault.Refused},
		{"throttled", fault.Wait(time.Second, "wait"), true, fault.Throttled},
		{"unauthorized", fault.New(fault.Unauthorized, "no"), true, fault.Unauthorized},
	} {
		got := httpclient.Outcome(tt.err, tt.sent)
		if (got == nil) != (tt.err == nil) || got != nil && fault.KindOf(got) != tt.want || got != nil && !errors.Is(got, tt.err) {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestNothingLeaks greps everything logged, recorded, counted and said in errors for what must not be there.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var said bytes.Buffer
	hear := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&said, format+"\n", args...)
	}
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Set-Cookie", "session=canary-cookie")
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		switch r.URL.Path {
		case "/429":
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(429)
		case "/cut":
			w.Header().Set("Content-Length", "10000")
		}
		_, _ = w.Write(body)
		fmt.Fprintf(w, " %s %v", r.URL, r.Header)
	}
	base := server(t, echo)
	log := slog.New(slog.NewJSONHandler(writer(func(p []byte) { hear("%s", p) }), &slog.HandlerOptions{Level: slog.LevelDebug}))
	registry := prometheus.NewRegistry()
	pool := httpclient.NewPool(httpclient.PoolOptions{
		Log: log, Metrics: httpclient.NewMetrics(registry), Record: func(x httpclient.Exchange) { hear("%+v", x) },
	})
	t.Cleanup(pool.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	json := `{"access_token":"canary-access","customer":{"name":"Canary Khan","id":42424242},"shipping_address":{"address1":"Canary House 12","city":"Canary Town"},
		"email":"canary@example.com","note":"canary note","phone":"+92 300 1234547","sku":"SHIRT-1","inner":"{\"client_secret\":\"canary-inner\"}",
		"text":"write to canary@example.com with Bearer canary-bearer-1 or shpat_c4n4ry00c4n4ry00c4n4ry00"}`
	form := "grant_type=refresh&refresh_token=canary-refresh&code=canary-code&customer_email=canary%40example.com&page=2"
	for _, path := range []string{base + "/ok", base + "/429", base + "/cut", gone.URL + "/gone"} {
		for contentType, body := range map[string]string{
			"application/json": json, "application/x-www-form-urlencoded": form, "text/html": "<p>Canary Khan</p>", "": json, "application/graphql": "canary",
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
				strings.Replace(path, "http://", "http://user:canary-password@", 1)+"?page=2&access_token=canary-query&sign=CANARYSIGN0123456789ABCDEF&email=canary%40example.com&code=canary-code#canary-fragment",
				strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", contentType)
			req.Header.Set("Authorization", "Bearer canary-header")
			req.Header.Set("X-Shopify-Access-Token", "canary-shopify")
			req.Header.Set("X-Shopify-Hmac-Sha256", "canary-hmac")
			req.Header.Set("Cookie", "canary-cookie")
			// An account of its own each: none waits for another's pause.
			c := pool.Client(httpclient.Options{Account: "a1 " + path + contentType, Channel: "demo", AllowPrivate: true, Retries: -1})
			res, err := c.Do(req)
			if err == nil {
				_ = res.Body.Close()
				continue
			}
			err = httpclient.Clean(err)
			hear("%v %+v %s", err, err, fault.Message(err))
			log.Error("failed", "error", err)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		hear("%s", f)
	}
	mu.Lock()
	defer mu.Unlock()
	text := said.String()
	for _, canary := range []string{"canary", "Canary", "CANARY", "c4n4ry", "1234547", "42424242"} {
		if i := strings.Index(text, canary); i >= 0 {
			t.Errorf("%q was said: …%s…", canary, text[max(0, i-200):min(len(text), i+100)])
		}
	}
	for _, fine := range []string{"SHIRT-1", "page=2", "grant_type=refresh", "demo", "a1"} {
		if !strings.Contains(text, fine) {
			t.Errorf("%q is missing: too much was taken away", fine)
		}
	}
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

func TestMetrics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		p := &partner{answers: []any{429, 500, 200}}
		pool := httpclient.NewPool(httpclient.PoolOptions{Log: quiet(), Metrics: httpclient.NewMetrics(registry)})
		c := pool.Client(httpclient.Options{Account: "a1", Channel: "demo", Transport: p})
		if status, _, err := get(t.Context(), c); status != 200 || err != nil {
			t.Fatal(status, err)
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				name := f.GetName()
				for _, l := range m.GetLabel() {
					name += " " + l.GetValue()
				}
				got[name] += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
		want := map[string]float64{
			"openclaw_partner_requests_total a1 demo 429": 1, "openclaw_partner_requests_total a1 demo 500": 1, "openclaw_partner_requests_total a1 demo 200": 1,
			"openclaw_partner_request_seconds a1 demo": 3, "openclaw_partner_throttles_total a1 demo": 1, "openclaw_partner_repeats_total a1 demo": 2,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("metrics (-want +got):\n%s", diff)
		}
	})
}

func TestClean(t *testing.T) {
	t.Parallel()
	inner := fault.New(fault.Unavailable, "no answer")
	if got := httpclient.Clean(&url.Error{Op: "Get", URL: "https://x/?token=canary", Err: inner}); got != error(inner) {
		t.Errorf("%v", got)
	}
	if got := httpclient.Clean(io.EOF); got != io.EOF {
		t.Errorf("%v", got)
	}
}
