package httpclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// transport is the way of every request of one client.
type transport struct {
	Options
	pool   *Pool
	budget *budget
	base   http.RoundTripper
}

// A pause is believed between these: shorter, and all tries would be over before the partner is ready.
const (
	minPause = 100 * time.Millisecond
	maxPause = time.Hour
)

// RoundTrip sends a request within the account's budget and repeats it where that is safe: reads, what is marked, and what the partner did not begin with. The answer's body has been read to its end.
// Faults: Throttled when budget or pause would take too long; Refused for an address that is not allowed; Unavailable for no answer,
// with code NotSent when the partner surely saw nothing of the request.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	body, err := t.body(req)
	if err != nil {
		return nil, err
	}
	if err := t.checkScheme(req.URL); err != nil {
		return nil, err
	}
	harmless := t.repeatable(req)
	var leave func()
	defer func() {
		if leave != nil {
			leave()
		}
	}()
	for n := 1; ; n++ {
		if leave == nil {
			leave, err = t.budget.line(ctx, t.MaxWait)
		}
		var release func()
		if err == nil {
			release, err = t.budget.take(ctx, t.MaxWait)
		}
		if err != nil {
			t.pool.Metrics.refused(t)
			return nil, notSent(err)
		}
		a := t.attempt(req, body, n)
		release()
		wait, v := t.judge(ctx, a)
		if v == final || v == mayHelp && !harmless || !body.again || n > t.Retries || wait > t.MaxWait {
			return a.response, a.err
		}
		t.pool.Metrics.repeated(t)
		if err := sleep(ctx, wait+backoff(n)); err != nil {
			return nil, unavailable(err, a.sent && v != untouched)
		}
	}
}

// verdict is what is to be made of an attempt.
type verdict int

const (
	final     verdict = iota // another attempt would not help
	mayHelp                  // another attempt may help, of what may arrive twice
	untouched                // the partner did nothing and asks to wait: another attempt may help, of anything
)

// judge decides whether another attempt may help, and after which wait. A throttled answer pauses the whole account; who got it goes first when the pause is over, a
// write as well, since whoever comes instead would use up what the partner takes, and a write that others always overtake never arrives.
func (t *transport) judge(ctx context.Context, a attempt) (wait time.Duration, v verdict) {
	if a.err != nil {
		if ctx.Err() == nil && fault.Is(a.err, fault.Unavailable) && fault.CodeOf(a.err) != TooLarge {
			return 0, mayHelp
		}
		return 0, final
	}
	status, header := a.response.StatusCode, a.response.Header
	if wait, throttled := t.throttled(status, header, a.body); throttled {
		if wait <= 0 { // not said
			wait = time.Second
		}
		wait = min(max(wait, minPause), maxPause)
		t.pool.Metrics.throttled(t)
		if t.budget.pause(wait) {
			t.pool.Log.WarnContext(ctx, "the partner asks to wait", "channel", t.Channel, "account", t.Account, "status", status, "wait", wait)
		}
		if wait > t.MaxWait {
			return 0, final
		}
		return 0, untouched // the budget sits the pause out
	}
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return retryAfter(header, t.pool.Now()), mayHelp
	}
	if status >= 520 && status <= 530 { // Cloudflare's: https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
		return 0, mayHelp
	}
	return 0, final
}

func (t *transport) throttled(status int, header http.Header, body []byte) (time.Duration, bool) {
	if t.Throttled != nil {
		if wait, yes := t.Throttled(status, header, body); yes {
			return max(wait, retryAfter(header, t.pool.Now())), true
		}
	}
	return retryAfter(header, t.pool.Now()), status == http.StatusTooManyRequests
}

// retryAfter reads the header as seconds, with a fraction as some partners send, or as a date (RFC 9110 §10.2.3); 0 when there is none.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, maxPause.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), maxPause)
	}
	return 0
}

// backoff is the wait before attempt n+1: 200 ms doubled each time, at most 5 s, somewhere in its upper half so that many who failed
// together do not return together.
func backoff(n int) time.Duration {
	d := min(200*time.Millisecond<<min(n-1, 10), 5*time.Second)
	return d/2 + rand.N(d/2)
}

func (t *transport) repeatable(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	return req.Context().Value(repeatableKey{}) != nil || t.Repeatable != nil && t.Repeatable(req)
}

// checkScheme refuses what would carry credentials in clear.
func (t *transport) checkScheme(u *url.URL) error {
	if u.Scheme == "https" || u.Scheme == "http" && (t.AllowPrivate || t.Transport != nil) {
		return nil
	}
	return fault.New(fault.Refused, "the partner's address must begin with https://").WithCode(NotSent)
}

// content is a request's body, for one attempt or several.
type content struct {
	get   func() (io.ReadCloser, error)
	again bool
}

// body takes over the request's body, which a RoundTripper must close whatever happens.
func (t *transport) body(req *http.Request) (content, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return content{func() (io.ReadCloser, error) { return http.NoBody, nil }, true}, nil
	}
	if req.GetBody == nil {
		return content{func() (io.ReadCloser, error) { return req.Body, nil }, false}, nil
	}
	if err := req.Body.Close(); err != nil {
		return content{}, notSent(err)
	}
	return content{req.GetBody, true}, nil
}

// attempt is one request on the wire and what came of it: an answer with its whole body, or an error.
type attempt struct {
	response *http.Response
	body     []byte
	err      error
	sent     bool // the partner may have seen it
}

func (t *transport) attempt(req *http.Request, body content, n int) (a attempt) {
	begin := time.Now()
	var sent atomic.Bool
	ctx, cancel := context.WithTimeout(req.Context(), t.Timeout)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	out := req.Clone(ctx)
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", "openclaw-commerce")
	}
	if out.Body, a.err = body.get(); a.err != nil {
		return attempt{err: notSent(a.err)}
	}
	a.response, a.err = t.base.RoundTrip(out)
	if a.err == nil {
		sent.Store(true)
		a.body, a.err = t.readAll(a.response)
	}
	a.sent = sent.Load()
	if a.err != nil {
		a.response = nil
		a.err = t.lost(req.Context(), a.err, a.sent)
	}
	t.tell(req, body, a, n, time.Since(begin))
	return a
}

// readAll reads the answer to its end, so that the deadline covers it and a throttle in it is seen.
func (t *transport) readAll(res *http.Response) ([]byte, error) {
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, t.MaxBody+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > t.MaxBody {
		return nil, fault.New(fault.Unavailable, "the partner's answer is larger than %d MB", t.MaxBody>>20).WithCode(TooLarge)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	if res.Request == nil || res.Request.Method != http.MethodHead {
		res.ContentLength = int64(len(body))
	}
	return body, nil
}

// lost is the fault of a request without an answer.
func (t *transport) lost(caller context.Context, err error, sent bool) error {
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return known
	case caller.Err() != nil:
		return unavailable(caller.Err(), sent)
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("no answer within %s: %w", t.Timeout, err)
	}
	return unavailable(err, sent)
}

// tell writes down one attempt: log, metrics, recording.
func (t *transport) tell(req *http.Request, body content, a attempt, n int, took time.Duration) {
	status := 0
	if a.response != nil {
		status = a.response.StatusCode
	}
	t.pool.Metrics.answered(t, status, took)
	t.budget.note(t.pool.Now(), status)
	ctx := req.Context()
	if t.pool.Log.Enabled(ctx, slog.LevelDebug) {
		t.pool.Log.DebugContext(ctx, "called a partner", "channel", t.Channel, "account", t.Account, "method", req.Method,
			"url", RedactURL(req.URL), "attempt", n, "status", status, "took", took, "error", a.err)
	}
	if t.pool.Record != nil {
		t.pool.Record(t.exchange(req, body, a, took))
	}
}

// sameHost follows redirects of reads within one host; a write's redirect is an answer, and to another host nothing goes: credentials
// would go along.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host:
		return fault.New(fault.Refused, "the partner redirects to another host, %s", req.URL.Hostname()).WithCode("redirect")
	case first.Method != http.MethodGet && first.Method != http.MethodHead:
		return http.ErrUseLastResponse
	case len(via) >= 5:
		return fault.New(fault.Refused, "the partner redirects in circles").WithCode("redirect")
	}
	return nil
}
