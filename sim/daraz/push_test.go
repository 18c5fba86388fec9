package daraz

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/sim"
)

// ear is a callback that keeps what it hears and answers as told.
type ear struct {
	mu     sync.Mutex
	bodies []string
	auth   []string
	answer func(n int) int
	delay  <-chan struct{}
}

func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	e.bodies = append(e.bodies, string(body))
	e.auth = append(e.auth, r.Header.Get("Authorization"))
	n, answer, delay := len(e.bodies), e.answer, e.delay
	e.mu.Unlock()
	if delay != nil && n == 1 {
		select {
		case <-delay:
		case <-r.Context().Done():
		}
	}
	status := http.StatusOK
	if answer != nil {
		status = answer(n)
	}
	w.WriteHeader(status)
}

func (e *ear) heard(t *testing.T) []map[string]any {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []map[string]any
	for _, b := range e.bodies {
		var m map[string]any
		if err := json.Unmarshal([]byte(b), &m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// listen sets a marketplace up that pushes to an ear.
func listen(t *testing.T, e *ear, change ...func(*Config)) *world {
	t.Helper()
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	return setup(t, append([]func(*Config){func(c *Config) {
		c.Push.URL, c.Push.Scale = srv.URL+"/hooks/app/daraz", 1e-7
	}}, change...)...)
}

func (w *world) idle() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	if err := w.m.Outbox().Idle(ctx); err != nil {
		w.t.Fatal(err)
	}
}

func TestPush(t *testing.T) {
	t.Parallel()
	t.Run("one signed message per line", func(t *testing.T) {
		t.Parallel()
		e := &ear{}
		w := listen(t, e)
		o := w.order(3)
		w.idle()
		lines := map[string]bool{}
		for i, msg := range e.heard(t) {
			if e.auth[i] != SignPush(w.m.cfg.AppKey, w.m.cfg.AppSecret, []byte(e.bodies[i])) {
				t.Error("signature")
			}
			if at(msg, "message_type") != float64(0) || at(msg, "data", "trade_order_id") != o.ID || at(msg, "data", "order_status") != "pending" || at(msg, "site") != "daraz_pk" {
				t.Errorf("message %v", msg)
			}
			lines[text(at(msg, "data", "trade_order_line_id"))] = true
		}
		if len(lines) != 3 {
			t.Errorf("lines %v", lines)
		}
	})
	t.Run("packages and returns speak in their own types", func(t *testing.T) {
		t.Parallel()
		e := &ear{}
		w := listen(t, e, func(c *Config) { c.Push.Types = []int{TypePackage, TypeReverse} })
		o := w.order(1)
		w.delivered(o)
		if _, err := w.s.RequestReturn("", false, o.ids()...); err != nil {
			t.Fatal(err)
		}
		w.idle()
		seen := map[string]bool{}
		for _, msg := range e.heard(t) {
			seen[text(at(msg, "message_type"))+" "+text(at(msg, "data", "status"))+text(at(msg, "data", "reverse_status"))+" "+text(at(msg, "site"))] = true
		}
		for _, want := range []string{"14 packed<nil> daraz-pk", "14 ready_to_ship<nil> daraz-pk", "14 shipped<nil> daraz-pk", "14 delivered<nil> daraz-pk", "10 <nil>RTM_INIT DARAZ_PK"} {
			if !seen[want] {
				t.Errorf("no %q in %v", want, seen)
			}
		}
	})
	t.Run("is sent again until it is taken, the same bytes each time", func(t *testing.T) {
		t.Parallel()
		e := &ear{answer: func(n int) int {
			if n < 4 {
				return http.StatusAccepted // only 200 counts
			}
			return http.StatusOK
		}}
		w := listen(t, e)
		w.order(1)
		w.idle()
		if n := len(e.heard(t)); n != 4 || e.bodies[0] != e.bodies[3] {
			t.Errorf("%d attempts", n)
		}
	})
	t.Run("is dropped after twelve retries", func(t *testing.T) {
		t.Parallel()
		e := &ear{answer: func(int) int { return http.StatusInternalServerError }}
		w := listen(t, e)
		w.order(1)
		w.idle()
		if n := len(e.heard(t)); n != 13 {
			t.Errorf("%d attempts", n)
		}
	})
	t.Run("an answer over the budget does not count", func(t *testing.T) {
		t.Parallel()
		never := make(chan struct{})
		defer close(never)
		e := &ear{delay: never}
		w := listen(t, e, func(c *Config) { c.Push.Budget = 20 * time.Millisecond })
		w.order(1)
		w.idle()
		if n := len(e.heard(t)); n < 2 {
			t.Errorf("%d attempts", n)
		}
	})
	t.Run("nothing is sent for a shop whose token has ended", func(t *testing.T) {
		t.Parallel()
		e := &ear{}
		w := listen(t, e)
		w.s.Revoke()
		w.order(1)
		w.s.Grant()
		w.m.Pushing(false)
		w.order(1)
		w.idle()
		if n := len(e.heard(t)); n != 0 {
			t.Errorf("%d messages", n)
		}
	})
	t.Run("a token's end is announced once, two days ahead", func(t *testing.T) {
		t.Parallel()
		e := &ear{}
		w := listen(t, e)
		w.clock.add(28*24*time.Hour + time.Minute)
		for range 2 {
			w.want("0", w.get("/orders/get", args{"created_after": "2026-01-01T00:00:00Z"}))
		}
		w.idle()
		if got := e.heard(t); len(got) != 1 || at(got[0], "message_type") != float64(8) {
			t.Errorf("heard %v", got)
		}
	})
	t.Run("messages are kept for whoever has no callback", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		o := w.order(2)
		w.packed(o)
		kept := w.s.Messages(o.ID)
		if len(kept) != 5 || kept[0].Header.Get("Authorization") != SignPush(w.m.cfg.AppKey, w.m.cfg.AppSecret, kept[0].Body) {
			t.Errorf("kept %d", len(kept))
		}
	})
	t.Run("duplicates and losses on command", func(t *testing.T) {
		t.Parallel()
		e := &ear{}
		w := listen(t, e)
		for _, f := range []sim.Fault{{Kind: sim.Duplicate, Match: "push/0", Count: 1}, {Kind: sim.Drop, Match: "push/14", Count: -1}} {
			if err := w.m.Faults().Set(f); err != nil {
				t.Fatal(err)
			}
		}
		w.packed(w.order(1))
		w.idle()
		kinds := ""
		for _, msg := range e.heard(t) {
			kinds += text(at(msg, "message_type"))
		}
		if kinds != "000" || w.m.Faults().Injected()[sim.Drop] != 1 {
			t.Errorf("types heard %q, injected %v", kinds, w.m.Faults().Injected())
		}
	})
}

func TestControl(t *testing.T) {
	t.Parallel()
	w := setup(t)
	page := func(method, path, body string) reply {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, raw)
		}
		var r reply
		if json.Unmarshal(raw, &r) != nil {
			r = reply{"text": string(raw)}
		}
		return r
	}
	page("POST", "/_sim/products", `{"sku":"A","price":1000,"quantity":50,"name":"Kurta"}`)
	id := text(at(page("POST", "/_sim/orders", `{"items":[{"sku":"A","quantity":2}],"buyer":{"name":"X"}}`), "orders", 0))
	o := w.view(id)
	w.ready(o)
	page("POST", "/_sim/units", `{"do":"ship","units":["`+o.Units[0].ID+`"]}`)
	page("POST", "/_sim/advance", `{"fail_percent":0}`)
	back := text(at(page("POST", "/_sim/units", `{"do":"return","units":["`+o.Units[0].ID+`"]}`), "reverse_order_id"))
	page("POST", "/_sim/reverse/"+back+"/withdraw", "")
	if v := page("GET", "/_sim/orders/"+id, ""); at(v, "units", 0, "status") != "delivered" || at(v, "units", 0, "reverse_status") != "REQUEST_CANCEL" {
		t.Errorf("order %v", v)
	}
	page("POST", "/_sim/generate", `{"seed":1,"n":3}`)
	if got := text(page("GET", "/_sim/orders", "")["text"]); strings.Count(got, `"currency"`) != 4 {
		t.Errorf("orders %s", got)
	}
	w.token = text(page("POST", "/_sim/grant", "")["access_token"])
	w.want("0", w.get("/order/get", args{"order_id": id}))
	page("POST", "/_sim/tokens/expire", "")
	w.want("IllegalAccessToken", w.get("/order/get", args{"order_id": id}))
	page("POST", "/_sim/callback", `{"url":"http://127.0.0.1:1/x","pushing":false}`)
	page("POST", "/_sim/rows", `{"code":"1003","rows":1}`)
	if r := page("GET", "/_sim/", ""); r["callback"] != "http://127.0.0.1:1/x" || r["pushing"] != false {
		t.Errorf("about %v", r)
	}
	if got := text(page("GET", "/_sim/record?kind=/order/fulfill/pack", "")["text"]); !strings.Contains(got, id) {
		t.Errorf("record %s", got)
	}
}
