package channeltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

func (e *env) callCases() []conform.Case {
	return []conform.Case{
		applies("a_failure_inside_200_is_a_failure", e.failedInside, e.noFile("failure inside a 200", func(r *recording) bool {
			kind, _ := r.wants()
			return kind != "" && kind != "throttled" && len(r.Exchanges) > 0 && r.Exchanges[len(r.Exchanges)-1].Status == http.StatusOK
		})),
		applies("the_partners_own_throttle_shape_is_throttled_with_the_wait", e.ownThrottle, e.noFile("throttle", ownThrottle)),
		applies("an_expired_token_is_refreshed_once", e.expired, unless(e.can.RefreshToken, "no TokenRefresher"), e.noGood(), e.noFile("refused token", refusedToken)),
	}
}

func (e *env) faultCases() []conform.Case {
	return []conform.Case{
		applies("too_many_requests_is_throttled_with_the_wait", e.tooMany, e.noGood()),
		applies("a_broken_answer_is_unavailable", e.broken, e.noGood()),
		applies("a_cancelled_context_returns_at_once", e.cancelled, e.noGood()),
	}
}

func (e *env) noFile(what string, ok func(*recording) bool) string {
	for _, r := range e.files {
		if ok(r) {
			return ""
		}
	}
	return "no " + what + " is recorded"
}

// good are the recordings that play a call which succeeds.
func (e *env) good() []*recording {
	var all []*recording
	for _, r := range e.files {
		if kind, _ := r.wants(); kind == "" && len(r.Exchanges) > 0 {
			all = append(all, r)
		}
	}
	return all
}

func (e *env) noGood() string { return unless(len(e.good()) > 0, "no call is recorded") }

func ownThrottle(r *recording) bool { kind, _ := r.wants(); return kind == "throttled" }

func refusedToken(r *recording) bool {
	kind, _ := r.wants()
	return kind == "unauthorized" && r.do() != "refresh-token" && len(r.Exchanges) > 0 && r.Keys["token"] != "fine"
}

// failedInside is played with its expectation by plays/NAME; here the shared part: nothing of it is Internal, and a code is kept.
func (e *env) failedInside(tb testing.TB) {
	for _, r := range e.files {
		kind, _ := r.wants()
		if kind == "" || kind == "throttled" || len(r.Exchanges) == 0 || r.Exchanges[len(r.Exchanges)-1].Status != http.StatusOK {
			continue
		}
		_, err := e.play(r, e.mustOpen(tb, r))
		r.ends(tb, err)
		if fault.CodeOf(err) == "" && !fault.Is(err, fault.NotFound) {
			tb.Errorf("%s: the partner's own code is lost: %v", r.Name, err)
		}
	}
}

func (e *env) ownThrottle(tb testing.TB) {
	for _, r := range e.files {
		if !ownThrottle(r) {
			continue
		}
		_, err := e.play(r, e.mustOpen(tb, r))
		if !fault.Is(err, fault.Throttled) || fault.After(err) <= 0 {
			tb.Errorf("%s: is %v waiting %s, and should be Throttled with the wait", r.Name, err, fault.After(err))
		}
		read := e.Kind.Limits.Throttled
		if read == nil {
			tb.Errorf("%s: Kind.Limits.Throttled is nil: the shared client cannot see this shape", r.Name)
			continue
		}
		x := r.Exchanges[len(r.Exchanges)-1]
		if wait, yes := read(x.Status, answer(nil, x).Header, x.Reply); !yes || wait <= 0 {
			tb.Errorf("%s: Limits.Throttled says %v, %v of it", r.Name, wait, yes)
		}
	}
	if e.Kind.Limits.Throttled == nil {
		return
	}
	for _, r := range e.good() {
		for _, x := range r.Exchanges {
			if _, yes := e.Kind.Limits.Throttled(x.Status, answer(nil, x).Header, x.Reply); yes {
				tb.Errorf("%s: Limits.Throttled takes a good answer for a throttle", r.Name)
			}
		}
	}
}

func (e *env) expired(tb testing.TB) {
	for _, bad := range e.files {
		if !refusedToken(bad) {
			continue
		}
		refusal := bad.Exchanges[len(bad.Exchanges)-1]
		for _, r := range e.good() {
			if r.do() == "refresh-token" {
				continue
			}
			a := e.mustOpen(tb, r)
			asked := 0
			a.replay.spoil = func(int, exchange) (*http.Response, error) {
				if asked++; asked == 1 {
					a.replay.forget()
					return answer(nil, refusal), nil
				}
				return nil, nil
			}
			if _, err := e.play(r, a); err != nil || a.tokens.count() != 1 {
				tb.Errorf("%s: refused once like %s: %d refreshes, then %v; and should be one, then success", r.Name, bad.Name, a.tokens.count(), err)
			}
			a = e.mustOpen(tb, r)
			a.replay.spoil = func(int, exchange) (*http.Response, error) { return answer(nil, refusal), nil }
			if _, err := e.play(r, a); !fault.Is(err, fault.Unauthorized) || a.tokens.count() != 1 {
				tb.Errorf("%s: refused for ever like %s: %d refreshes, then %v; and should be one, then Unauthorized", r.Name, bad.Name, a.tokens.count(), err)
			}
		}
	}
}

// forget lets the exchange that was just spoilt be answered as recorded when it is asked for again.
func (p *replay) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.used {
		p.used[i] = 0
	}
}

func (e *env) tooMany(tb testing.TB) {
	for _, r := range e.good() {
		for _, wait := range []time.Duration{0, 7 * time.Second} {
			x := exchange{Status: http.StatusTooManyRequests, Answer: http.Header{}, Reply: []byte(`{"errors":"Too many requests"}`)}
			if wait > 0 {
				x.Answer.Set("Retry-After", "7")
			}
			a := e.mustOpen(tb, r)
			a.replay.spoil = func(int, exchange) (*http.Response, error) { return answer(nil, x), nil }
			_, err := e.play(r, a)
			if !fault.Is(err, fault.Throttled) || fault.After(err) < wait {
				tb.Errorf("%s: 429 with Retry-After %s is %v waiting %s", r.Name, wait, err, fault.After(err))
			}
		}
	}
}

// wound is one way for an answer to be broken.
type wound struct {
	name string
	json bool // only to be noticed where the answer is JSON
	make func(x exchange) (*http.Response, error)
}

const page = "<!DOCTYPE html><html><head><title>Something went wrong</title></head><body><h1>We'll be right back</h1></body></html>"

func wounds() []wound {
	status := func(code int) wound {
		return wound{fmt.Sprint(code), false, func(exchange) (*http.Response, error) {
			return answer(nil, exchange{Status: code, Answer: http.Header{"Content-Type": {"text/plain"}}, Reply: []byte("no")}), nil
		}}
	}
	html := http.Header{"Content-Type": {"text/html"}}
	return []wound{
		status(500), status(502), status(503), status(504),
		{"a web page", true, func(exchange) (*http.Response, error) {
			return answer(nil, exchange{Status: 200, Answer: html, Reply: []byte(page)}), nil
		}},
		{"a web page for 503", false, func(exchange) (*http.Response, error) {
			return answer(nil, exchange{Status: 503, Answer: html, Reply: []byte(page)}), nil
		}},
		{"a web page said to be JSON", true, func(exchange) (*http.Response, error) {
			return answer(nil, exchange{Status: 200, Reply: []byte(page)}), nil
		}},
		{"an empty body", true, func(x exchange) (*http.Response, error) { x.Reply = nil; return answer(nil, x), nil }},
		{"a body cut in the middle", false, func(x exchange) (*http.Response, error) {
			resp := answer(nil, x)
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(string(x.Reply[:len(x.Reply)/2])), broken{}))
			return resp, nil
		}},
		{"half a body", true, func(x exchange) (*http.Response, error) {
			x.Reply = x.Reply[:len(x.Reply)/2]
			return answer(nil, x), nil
		}},
		{"a lost connection", false, func(exchange) (*http.Response, error) { return nil, errors.New("connection reset by peer") }},
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// broken wounds each answer of each good recording. Of a call that writes only the first is wounded: what follows may be an extra that the adapter can do without.
func (e *env) broken(tb testing.TB) {
	for _, r := range e.good() {
		write := calls[r.do()].write
		for i, x := range r.Exchanges {
			if write && i > 0 || len(x.Reply) < 2 {
				continue // an answer without a body has nothing to lose
			}
			for _, w := range wounds() {
				if w.json && !json.Valid(x.Reply) {
					continue // half of a document is a document
				}
				a := e.mustOpen(tb, r)
				struck := false
				a.replay.spoil = func(index int, x exchange) (*http.Response, error) {
					if index != i {
						return nil, nil
					}
					struck = true
					return w.make(x)
				}
				_, err := e.play(r, a)
				if !struck {
					continue
				}
				// After a broken answer to a write an adapter may read again, and then know that it was done.
				knows := write && err == nil && a.replay.count() > i+1
				if ok := knows || fault.Is(err, fault.Unavailable) || write && fault.Is(err, fault.OutcomeUnknown); !ok {
					tb.Errorf("%s: %s in place of answer %d is %v (%s), and should be Unavailable", r.Name, w.name, i+1, err, fault.KindOf(err))
				}
			}
		}
	}
}

// deaf answers nothing: the first request cancels the caller's context, and only that may end the wait.
type deaf struct {
	cancel  context.CancelFunc
	release chan struct{}
	asked   atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (d *deaf) RoundTrip(req *http.Request) (*http.Response, error) {
	d.asked.Add(1)
	d.cancel()
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case <-d.release:
		return nil, io.EOF
	}
}

func (e *env) cancelled(tb testing.TB) {
	for _, r := range e.good() {
		ctx, cancel := context.WithCancel(context.Background())
		partner := &deaf{cancel: cancel, release: make(chan struct{})}
		a, err := e.openWith(r, partner, &tokens{set: channel.TokenSet{Access: canary + "1"}})
		if err != nil {
			tb.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := calls[r.do()].do(ctx, a.Channel, r)
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil || !fault.Is(e.hear(err), fault.Unavailable) && !fault.Is(err, fault.OutcomeUnknown) {
				tb.Errorf("%s: cancelled while waiting it says %v", r.Name, err)
			}
		case <-time.After(patience):
			tb.Errorf("%s: did not return when its context was cancelled", r.Name)
		}
		if n := partner.asked.Load(); n > 1 {
			tb.Errorf("%s: asked %d times after it was cancelled", r.Name, n-1)
		}
		close(partner.release)
		e.cancelledBefore(tb, r)
	}
}

func (e *env) cancelledBefore(tb testing.TB, r *recording) {
	tb.Helper()
	a := e.mustOpen(tb, r)
	a.replay.spoil = func(int, exchange) (*http.Response, error) { return nil, context.Canceled }
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := calls[r.do()].do(ctx, a.Channel, r); err == nil {
		tb.Errorf("%s: called with a cancelled context it says it is done", r.Name)
	}
}
