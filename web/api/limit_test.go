package api_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/web/api"
)

// counting is a body that counts what is read of it. It goes on far beyond every bound; that it ends at all keeps a program without one from eating the machine.
type counting struct{ read int64 }

func (c *counting) Read(p []byte) (int, error) {
	if c.read > 256<<20 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = 'a'
	}
	c.read += int64(len(p))
	return len(p), nil
}

// TestBounds holds what one key and one address may ask, how much of a body is read, and what browsers are told with every answer.
func TestBounds(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	clock := dbtest.NewClock(now)
	a, err := app.Open(t.Context(), app.Config{
		DB: dbtest.SQLiteURL(t, false), Data: t.TempDir(), MakeKey: true, Log: slog.New(slog.DiscardHandler), DBOptions: db.Options{NoSync: true, Now: clock.Now},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	a.API.Limits = api.Limits{PerSecond: 1, Burst: 5, TriesPerHour: 3600, TryBurst: 4}
	handler := a.Handler()
	key := func() string {
		plain, _, err := a.Access.Create(t.Context(), access.System("test"), "k", []access.Scope{access.Admin}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return plain.Reveal()
	}
	ask := func(method, path, from, key string, body io.Reader) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, body)
		r.RemoteAddr = from
		if key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "k")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	want := func(what string, w *httptest.ResponseRecorder, status int) {
		t.Helper()
		if w.Code != status {
			t.Errorf("%s: %d, want %d: %s", what, w.Code, status, w.Body)
		}
		if status == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: nobody says how long to wait", what)
		}
	}
	const here, there = "192.0.2.1:999", "192.0.2.2:999"
	mine, other := key(), key()
	for range 5 {
		want("a key within its limit", ask("GET", "/v1/keys", here, mine, nil), http.StatusOK)
	}
	want("a key that asks too often", ask("GET", "/v1/keys", here, mine, nil), http.StatusTooManyRequests)
	want("the same from elsewhere", ask("GET", "/v1/keys", there, mine, nil), http.StatusTooManyRequests)
	want("another key", ask("GET", "/v1/keys", here, other, nil), http.StatusOK)

	for range 4 {
		want("a wrong key", ask("GET", "/v1/keys", here, "oc_wrong_key", nil), http.StatusUnauthorized)
	}
	want("wrong keys without end", ask("GET", "/v1/keys", here, "oc_wrong_key", nil), http.StatusTooManyRequests)
	want("elsewhere a wrong key", ask("GET", "/v1/keys", there, "oc_wrong_key", nil), http.StatusUnauthorized)
	want("a right key beside somebody who tries", ask("GET", "/v1/keys", here, other, nil), http.StatusOK)
	clock.Advance(time.Minute)
	want("a minute later", ask("GET", "/v1/keys", here, mine, nil), http.StatusOK)

	endless := &counting{}
	want("a body without end", ask("PUT", "/v1/policy", here, mine, endless), http.StatusRequestEntityTooLarge)
	if endless.read > 4<<20 {
		t.Errorf("%d bytes were read of a body that may have one million", endless.read)
	}

	for _, path := range []string{"/v1/keys", "/healthz", "/metrics", "/console/signin", "/shop/v1/none/products", "/nowhere", "/hooks/courier/none"} {
		h := ask("GET", path, there, "", nil).Header()
		if p := h.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || !strings.Contains(p, "frame-ancestors 'none'") || strings.Contains(p, "unsafe") {
			t.Errorf("%s may load %q", path, p)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" || h.Get("X-Frame-Options") != "DENY" || h.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
	r := httptest.NewRequest("GET", "/healthz", nil)
	r.Header.Set("X-Forwarded-Proto", "https")
	w := httptest.NewRecorder()
	if handler.ServeHTTP(w, r); w.Header().Get("Strict-Transport-Security") == "" {
		t.Error("over TLS nobody is told to stay there")
	}
}
