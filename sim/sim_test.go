package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/sim"
)

type tripper func(*http.Request) (*http.Response, error)

func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func answer(status int) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("ok"))}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	take := func(f *sim.Faults, kind, subject string, n int) int {
		hits := 0
		for range n {
			if _, ok := f.Take(kind, subject); ok {
				hits++
			}
		}
		return hits
	}
	t.Run("a fault strikes as often as it was set for and no more", func(t *testing.T) {
		t.Parallel()
		var f sim.Faults
		if err := f.Set(sim.Fault{Kind: sim.Throttle, Count: 3}); err != nil {
			t.Fatal(err)
		}
		if got := take(&f, sim.Throttle, "/x", 10); got != 3 {
			t.Errorf("struck %d times, want 3", got)
		}
		if diff := cmp.Diff(map[string]int{sim.Throttle: 3}, f.Injected()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("every third match until cleared", func(t *testing.T) {
		t.Parallel()
		var f sim.Faults
		_ = f.Set(sim.Fault{Kind: sim.Drop, Match: "orders/", Count: -1, Every: 3})
		if got := take(&f, sim.Drop, "orders/create", 9); got != 3 {
			t.Errorf("struck %d times, want 3", got)
		}
		if got := take(&f, sim.Drop, "products/update", 9); got != 0 {
			t.Errorf("struck another topic %d times", got)
		}
		f.Clear(sim.Drop)
		if got := take(&f, sim.Drop, "orders/create", 9); got != 0 {
			t.Errorf("struck %d times after being cleared", got)
		}
	})
	t.Run("an unknown kind is refused and a nil set has no faults", func(t *testing.T) {
		t.Parallel()
		var f sim.Faults
		if f.Set(sim.Fault{Kind: "gremlins"}) == nil {
			t.Error("accepted an unknown kind")
		}
		var none *sim.Faults
		if _, ok := none.Take(sim.Drop, ""); ok {
			t.Error("nil set struck")
		}
	})
	t.Run("clock skew lasts while it is set", func(t *testing.T) {
		t.Parallel()
		var f sim.Faults
		at := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
		now := sim.Clock(func() time.Time { return at }, &f)
		_ = f.Set(sim.Fault{Kind: sim.ClockSkew, Delay: -time.Hour, Count: -1})
		if got := now(); !got.Equal(at.Add(-time.Hour)) {
			t.Errorf("skewed clock says %v", got)
		}
		f.Clear()
		if got := now(); !got.Equal(at) {
			t.Errorf("clock says %v", got)
		}
	})
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const body = `{"data":{"shop":{"name":"Lahore Cotton House"}}}`
	setup := func(t *testing.T, fault sim.Fault) (get func() (int, string, error), worked *atomic.Int32) {
		t.Helper()
		var f sim.Faults
		if err := f.Set(fault); err != nil {
			t.Fatal(err)
		}
		worked = new(atomic.Int32)
		srv := httptest.NewUnstartedServer(sim.Answers(&f, nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			worked.Add(1)
			_, _ = io.WriteString(w, body)
		})))
		srv.Start()
		t.Cleanup(srv.Close)
		return func() (int, string, error) {
			resp, err := srv.Client().Post(srv.URL+"/api", "application/json", strings.NewReader("{}"))
			if err != nil {
				return 0, "", err
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			return resp.StatusCode, string(b), err
		}, worked
	}
	t.Run("a server error happens before the work", func(t *testing.T) {
		t.Parallel()
		get, worked := setup(t, sim.Fault{Kind: sim.ServerError, Code: 503})
		if status, _, err := get(); status != 503 || err != nil || worked.Load() != 0 {
			t.Errorf("status %d, err %v, worked %d", status, err, worked.Load())
		}
		if status, b, err := get(); status != 200 || b != body || err != nil {
			t.Errorf("the next call: %d %q %v", status, b, err)
		}
	})
	t.Run("a page of HTML says 200", func(t *testing.T) {
		t.Parallel()
		get, worked := setup(t, sim.Fault{Kind: sim.HTML})
		if status, b, _ := get(); status != 200 || !strings.Contains(b, "<html>") || worked.Load() != 0 {
			t.Errorf("status %d, body %q, worked %d", status, b, worked.Load())
		}
	})
	t.Run("a cut body has done the work", func(t *testing.T) {
		t.Parallel()
		get, worked := setup(t, sim.Fault{Kind: sim.CutBody})
		status, b, err := get()
		if status != 200 || err == nil || len(b) != len(body)/2 || worked.Load() != 1 {
			t.Errorf("status %d, body %q, err %v, worked %d", status, b, err, worked.Load())
		}
	})
	t.Run("a lost answer has done the work", func(t *testing.T) {
		t.Parallel()
		get, worked := setup(t, sim.Fault{Kind: sim.LostAnswer})
		if _, _, err := get(); err == nil || worked.Load() != 1 {
			t.Errorf("err %v, worked %d", err, worked.Load())
		}
	})
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	type seen struct {
		mu  sync.Mutex
		ids []string
		at  []time.Time
	}
	setup := func(t *testing.T, cfg sim.OutboxConfig, reply func(n int) (*http.Response, error)) (*sim.Outbox, *seen) {
		t.Helper()
		got := &seen{}
		cfg.Client = &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
			got.mu.Lock()
			defer got.mu.Unlock()
			got.ids = append(got.ids, r.Header.Get("Delivery-Id"))
			got.at = append(got.at, time.Now())
			return reply(len(got.ids))
		})}
		o := sim.NewOutbox(cfg)
		t.Cleanup(o.Close)
		return o, got
	}
	send := func(o *sim.Outbox, ids ...string) {
		for _, id := range ids {
			o.Send(sim.Delivery{Topic: "orders/create", URL: "http://hook.test/", Header: http.Header{"Delivery-Id": {id}}, Body: []byte("{}")})
		}
	}
	good := func(int) (*http.Response, error) { return answer(200), nil }

	t.Run("a failing address is retried on the scaled schedule under the same id and then given up", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			failed := 0
			cfg := sim.OutboxConfig{
				Retries: []time.Duration{time.Hour, 2 * time.Hour}, Scale: 0.001,
				Failed: func(_ sim.Delivery, attempts int) { failed = attempts },
			}
			o, got := setup(t, cfg, func(n int) (*http.Response, error) {
				if n == 1 {
					return nil, errors.New("connection refused")
				}
				return answer(500), nil
			})
			send(o, "a")
			if err := o.Idle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"a", "a", "a"}, got.ids); diff != "" {
				t.Error(diff)
			}
			first, second := got.at[1].Sub(got.at[0]), got.at[2].Sub(got.at[1])
			if first < 3600*time.Millisecond || first > 4*time.Second || second < 7200*time.Millisecond || second > 8*time.Second {
				t.Errorf("waited %v and %v", first, second)
			}
			if failed != 3 {
				t.Errorf("gave up after %d attempts, want 3", failed)
			}
		})
	})
	t.Run("duplicate, reorder, drop and delay do what they say", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var f sim.Faults
			rec := sim.NewRecord(0)
			o, got := setup(t, sim.OutboxConfig{Workers: 1, Faults: &f, Record: rec}, good)
			_ = f.Set(sim.Fault{Kind: sim.Reorder})
			send(o, "late", "early")
			synctest.Wait()
			_ = f.Set(sim.Fault{Kind: sim.Duplicate})
			send(o, "twice")
			synctest.Wait()
			_ = f.Set(sim.Fault{Kind: sim.Drop})
			send(o, "never")
			_ = f.Set(sim.Fault{Kind: sim.Delay, Delay: time.Minute})
			send(o, "slow", "quick")
			if err := o.Idle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"early", "late", "twice", "twice", "quick", "slow"}, got.ids); diff != "" {
				t.Error(diff)
			}
			if n := rec.Count("orders/create"); n != 7 {
				t.Errorf("recorded %d entries, want 6 attempts and 1 drop", n)
			}
		})
	})
	t.Run("a delivery held back for reordering goes out by itself when nothing follows", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var f sim.Faults
			o, got := setup(t, sim.OutboxConfig{Faults: &f}, good)
			_ = f.Set(sim.Fault{Kind: sim.Reorder})
			send(o, "only")
			if err := o.Idle(t.Context()); err != nil || len(got.ids) != 1 {
				t.Errorf("err %v, sent %v", err, got.ids)
			}
		})
	})
	t.Run("idle ends with its context and close lets everybody go", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			o, _ := setup(t, sim.OutboxConfig{Retries: []time.Duration{time.Hour}}, func(int) (*http.Response, error) { return answer(500), nil })
			send(o, "a")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := o.Idle(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("idle said %v", err)
			}
			o.Close()
			if err := o.Idle(t.Context()); err != nil || o.Pending() != 0 {
				t.Errorf("after close: %v, %d pending", err, o.Pending())
			}
		})
	})
}

func TestRecord(t *testing.T) {
	t.Parallel()
	t.Run("past the bound the oldest bodies go and the counts stay", func(t *testing.T) {
		t.Parallel()
		r := sim.NewRecord(100)
		for range 5 {
			r.Add(sim.Entry{Kind: "k", Dir: sim.In, Request: bytes.Repeat([]byte("x"), 40)})
		}
		entries := r.Entries(sim.Filter{Kind: "k"})
		bodies := 0
		for _, e := range entries {
			if e.Request != nil {
				bodies++
			}
		}
		if len(entries) != 5 || bodies != 2 || entries[4].Request == nil || r.Count("k") != 5 {
			t.Errorf("%d entries, %d with bodies, count %d", len(entries), bodies, r.Count("k"))
		}
	})
	t.Run("bodies show as JSON when they are JSON and come back the same", func(t *testing.T) {
		t.Parallel()
		want := sim.Entry{Seq: 1, Kind: "k", Request: sim.Body(`{"a":1}`), Response: sim.Body("<html>")}
		text, err := json.Marshal(want)
		if err != nil || !strings.Contains(string(text), `"request":{"a":1}`) {
			t.Fatalf("%s %v", text, err)
		}
		var got sim.Entry
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestControl(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) (*sim.Control, *sim.Record, *sim.Faults, func(method, path, body string) (int, string)) {
		t.Helper()
		rec, faults := sim.NewRecord(0), &sim.Faults{}
		c := sim.NewControl(rec, faults)
		return c, rec, faults, func(method, path, body string) (int, string) {
			w := httptest.NewRecorder()
			c.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
			return w.Code, w.Body.String()
		}
	}
	t.Run("faults are set singly or as a list, listed and cleared", func(t *testing.T) {
		t.Parallel()
		_, _, faults, call := setup(t)
		if status, b := call("POST", "/_sim/faults", `[{"kind":"drop"},{"kind":"delay","delay":1000000}]`); status != 200 {
			t.Fatal(status, b)
		}
		if status, b := call("POST", "/_sim/faults", `{"kind":"html"}`); status != 200 || len(faults.List()) != 3 {
			t.Fatal(status, b)
		}
		if status, _ := call("POST", "/_sim/faults", `{"kind":"gremlins"}`); status != 400 {
			t.Errorf("unknown kind answered %d", status)
		}
		call("DELETE", "/_sim/faults?kind=drop", "")
		if n := len(faults.List()); n != 2 {
			t.Errorf("%d faults left, want 2", n)
		}
	})
	t.Run("the record is filtered by kind and pages of a simulator speak JSON", func(t *testing.T) {
		t.Parallel()
		c, rec, _, call := setup(t)
		rec.Add(sim.Entry{Kind: "a", Ref: "1"})
		rec.Add(sim.Entry{Kind: "b", Ref: "1"})
		if _, b := call("GET", "/_sim/record?kind=b", ""); strings.Count(b, `"seq"`) != 1 {
			t.Error(b)
		}
		sim.Page(c, "POST /_sim/double", func(_ *http.Request, in struct{ N int }) (any, error) {
			if in.N < 0 {
				return nil, errors.New("negative")
			}
			return in.N * 2, nil
		})
		if status, b := call("POST", "/_sim/double", `{"N":21}`); status != 200 || strings.TrimSpace(b) != "42" {
			t.Error(status, b)
		}
		if status, _ := call("POST", "/_sim/double", `{"N":-1}`); status != 400 {
			t.Error(status)
		}
	})
}
