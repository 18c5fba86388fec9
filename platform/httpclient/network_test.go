package httpclient_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/httpclient"
)

// server is a real partner on this machine.
func server(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T, o httpclient.Options) *http.Client {
		pool := httpclient.NewPool(httpclient.PoolOptions{Log: quiet()})
		t.Cleanup(pool.Close)
		return pool.Client(o)
	}
	t.Run("private_addresses_are_refused_unless_allowed", func(t *testing.T) {
		t.Parallel()
		var seen atomic.Int32
		s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
		s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		t.Cleanup(s.Close)
		_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
		for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.0.0.1", "169.254.169.254", "[fd00::1]"} {
			res, err := open(t, httpclient.Options{}).Get("https://" + host + ":" + port)
			if err == nil {
				res.Body.Close()
			}
			if !fault.Is(err, fault.Refused) || fault.CodeOf(err) != httpclient.Private || httpclient.Sent(err) {
				t.Errorf("%s: %v", host, err)
			}
		}
		if seen.Load() > 0 {
			t.Error("a request came through")
		}
		url := server(t, func(http.ResponseWriter, *http.Request) {})
		res, err := open(t, httpclient.Options{AllowPrivate: true}).Get(url)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	})
	t.Run("plain_HTTP_is_refused_unless_allowed", func(t *testing.T) {
		t.Parallel()
		for _, u := range []string{"http://partner.example/", "ftp://partner.example/", "file:///etc/passwd"} {
			res, err := open(t, httpclient.Options{}).Get(u)
			if err == nil {
				res.Body.Close()
			}
			if !fault.Is(err, fault.Refused) {
				t.Errorf("%s: %v", u, err)
			}
		}
	})
	t.Run("a_redirect_stays_within_the_host", func(t *testing.T) {
		t.Parallel()
		var stolen atomic.Int32
		thief := server(t, func(http.ResponseWriter, *http.Request) { stolen.Add(1) })
		partner := server(t, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/away":
				http.Redirect(w, r, thief, http.StatusFound)
			case "/here":
				http.Redirect(w, r, "/there", http.StatusMovedPermanently)
			case "/circle":
				http.Redirect(w, r, "/circle", http.StatusFound)
			default:
				fmt.Fprint(w, r.Method)
			}
		})
		c := open(t, httpclient.Options{AllowPrivate: true})
		for path, want := range map[string]fault.Kind{"/away": fault.Refused, "/circle": fault.Refused} {
			res, err := c.Get(partner + path)
			if err == nil {
				res.Body.Close()
			}
			if !fault.Is(err, want) {
				t.Errorf("%s: %v", path, err)
			}
		}
		res, err := c.Get(partner + "/here")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(body) != "GET" {
			t.Errorf("followed to %q", body)
		}
		res, err = c.Post(partner+"/here", "text/plain", strings.NewReader("write"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusMovedPermanently {
			t.Errorf("a write was redirected: %s", res.Status)
		}
		if stolen.Load() > 0 {
			t.Error("a request went to another host")
		}
	})
	t.Run("a_request_that_found_nobody_was_not_sent_and_one_without_an_answer_may_have_been", func(t *testing.T) {
		t.Parallel()
		gone := httptest.NewServer(http.NotFoundHandler())
		gone.Close()
		c := open(t, httpclient.Options{AllowPrivate: true, Retries: -1})
		_, err := c.Post(gone.URL, "text/plain", strings.NewReader("write")) //nolint:bodyclose // there is no answer
		if !fault.Is(err, fault.Unavailable) || httpclient.Sent(err) || fault.Is(httpclient.Outcome(err, true), fault.OutcomeUnknown) {
			t.Errorf("nobody: %v", err)
		}
		var dial *net.OpError
		if !errors.As(err, &dial) || dial.Op != "dial" {
			t.Errorf("the cause is lost: %v", err)
		}
		silent := server(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
		})
		_, err = c.Post(silent, "text/plain", strings.NewReader("write")) //nolint:bodyclose // there is no answer
		if !fault.Is(err, fault.Unavailable) || !httpclient.Sent(err) || !fault.Is(httpclient.Outcome(err, true), fault.OutcomeUnknown) {
			t.Errorf("no answer: %v", err)
		}
	})
}
