package iop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

func setup(t *testing.T, handler http.HandlerFunc) *iop.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &iop.Client{
		Base: server.URL + "/rest", AppKey: "123456", Secret: func() string { return "helloworld" },
		HTTP: server.Client(), Now: func() time.Time { return time.UnixMilli(1517820392000) },
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	t.Run("a_get_carries_everything_in_the_query", func(t *testing.T) {
		t.Parallel()
		c := setup(t, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			want := map[string]string{
				"access_token": "test", "app_key": "123456", "order_id": "1234", "sign_method": "sha256", "timestamp": "1517820392000",
				"sign": "4190D32361CFB9581350222F345CB77F3B19F0E31D162316848A2C1FFD5FAB4A",
			}
			got := map[string]string{}
			for k := range q {
				got[k] = q.Get(k)
			}
			if diff := cmp.Diff(want, got); diff != "" || r.URL.Path != "/rest/order/get" || r.Method != http.MethodGet {
				t.Errorf("%s %s\n%s", r.Method, r.URL.Path, diff)
			}
			fmt.Fprint(w, `{"code":"0","data":{"ok":1}}`)
		})
		a, err := c.Do(t.Context(), iop.Call{Method: "GET", Path: "/order/get", Params: map[string]string{"order_id": "1234", "empty": ""}, Token: "test"})
		if err != nil || string(a.Payload()) != `{"ok":1}` {
			t.Errorf("%s %v", a.Payload(), err)
		}
	})
	t.Run("a_post_signs_query_and_form_together", func(t *testing.T) {
		t.Parallel()
		xml := `<Request><SellerSku>a&amp;b+c</SellerSku></Request>`
		c := setup(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			if r.URL.Query().Has("payload") || r.ParseForm() != nil || r.PostForm.Get("payload") != xml {
				t.Errorf("query %s, body %s", r.URL.RawQuery, body)
			}
			params := map[string]string{"payload": xml}
			for k := range r.URL.Query() {
				params[k] = r.URL.Query().Get(k)
			}
			if iop.Sign("helloworld", "/product/price_quantity/update", params, "") != params["sign"] {
				t.Error("the signature does not cover what was sent")
			}
			fmt.Fprint(w, `{"code":"0","request_id":"r"}`)
		})
		a, err := c.Do(t.Context(), iop.Call{Method: "POST", Path: "/product/price_quantity/update", Params: map[string]string{"payload": xml}, Token: "t"})
		if err != nil || a.Payload() != nil {
			t.Errorf("%s %v", a.Payload(), err)
		}
	})
}

func TestClient_failures(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name         string
		handler      http.HandlerFunc
		read, effect fault.Kind
	}{
		{"server_error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, fault.Unavailable, fault.OutcomeUnknown},
		{"html_with_200", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, fault.Unavailable, fault.OutcomeUnknown},
		{"cut_body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"code":"0"`)
			panic(http.ErrAbortHandler)
		}, fault.Unavailable, fault.OutcomeUnknown},
		{"no_answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.Unavailable, fault.OutcomeUnknown},
		{"refused_in_a_200", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"code":"Nope","type":"ISV","message":"no"}`)
		}, fault.Refused, fault.Refused},
		{"refused_in_a_400", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"code":"MissingParameter","type":"ISV"}`)
		}, fault.Invalid, fault.Invalid},
		{"too_often_by_status", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(429)
		}, fault.Throttled, fault.Throttled},
		{"forbidden_by_status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, fault.Forbidden, fault.Forbidden},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := setup(t, tc.handler)
			for effect, want := range map[bool]fault.Kind{false: tc.read, true: tc.effect} {
				_, err := c.Do(t.Context(), iop.Call{Method: "POST", Path: "/x", Params: map[string]string{"a": "b"}, Token: "secret-token", Effect: effect})
				if !fault.Is(err, want) {
					t.Errorf("effect %v: %v is %v, want %v", effect, err, fault.KindOf(err), want)
				}
				if strings.Contains(err.Error(), "secret-token") || strings.Contains(err.Error(), "sign=") {
					t.Errorf("the error gives secrets away: %v", err)
				}
			}
		})
	}
	t.Run("a_connection_that_never_was_leaves_nothing_open", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		c := setup(t, nil)
		c.Base = "http://" + l.Addr().String()
		_, err = c.Do(t.Context(), iop.Call{Method: "POST", Path: "/x", Effect: true})
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
	})
	t.Run("an_effect_by_get_is_never_sent_twice_by_the_transport", func(t *testing.T) {
		t.Parallel()
		var sent atomic.Int64
		c := setup(t, func(w http.ResponseWriter, r *http.Request) {
			if body, _ := io.ReadAll(r.Body); len(body) > 0 || len(r.TransferEncoding) > 0 {
				t.Errorf("a GET with a body: %q %v", body, r.TransferEncoding)
			}
			if r.URL.Path == "/rest/warm" {
				fmt.Fprint(w, `{"code":"0"}`)
				return
			}
			sent.Add(1)
			panic(http.ErrAbortHandler)
		})
		for range 3 {
			// A connection that has answered before is the one net/http would repeat on.
			if _, err := c.Do(t.Context(), iop.Call{Method: "GET", Path: "/warm"}); err != nil {
				t.Fatal(err)
			}
			before := sent.Load()
			_, err := c.Do(t.Context(), iop.Call{Method: "GET", Path: "/cancel", Effect: true})
			if !fault.Is(err, fault.OutcomeUnknown) || sent.Load() != before+1 {
				t.Errorf("sent %d times, then %v", sent.Load()-before, err)
			}
		}
	})
	t.Run("a_cancelled_context_sends_nothing", func(t *testing.T) {
		t.Parallel()
		c := setup(t, func(http.ResponseWriter, *http.Request) { t.Error("sent") })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.Do(ctx, iop.Call{Method: "POST", Path: "/x", Effect: true})
		if !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
