package api_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/web/api"
	"github.com/openclaw-pos/commerce/web/shop"
)

// TestProxies tells who called from what trusted proxies say, and from nothing else.
func TestProxies(t *testing.T) {
	t.Parallel()
	proxies, err := api.ParseProxies([]string{"10.0.0.0/8", " 192.0.2.1 ", "", "fd00::/8", "2001:db8:1::1"})
	if err != nil {
		t.Fatal(err)
	}
	const same = "" // the connection's own address counts
	for name, x := range map[string]struct {
		from string
		said []string
		want string
	}{
		"no proxy":                                {"203.0.113.7:99", nil, same},
		"whoever is no proxy is not believed":     {"203.0.113.7:99", []string{"198.51.100.1"}, same},
		"nor on this machine, unless it is named": {"127.0.0.1:99", []string{"198.51.100.1"}, same},
		"a proxy":                      {"10.1.2.3:99", []string{"198.51.100.1"}, "198.51.100.1:0"},
		"a proxy named by its address": {"192.0.2.1:99", []string{"198.51.100.1"}, "198.51.100.1:0"},
		"its neighbour":                {"192.0.2.2:99", []string{"198.51.100.1"}, same},
		"what the caller said first counts nothing":  {"10.1.2.3:99", []string{"127.0.0.1, 198.51.100.9, 203.0.113.7"}, "203.0.113.7:0"},
		"nor in a line of its own":                   {"10.1.2.3:99", []string{"198.51.100.9", "203.0.113.7"}, "203.0.113.7:0"},
		"nor when it names a proxy of ours":          {"10.1.2.3:99", []string{"10.9.9.9, 203.0.113.7"}, "203.0.113.7:0"},
		"two proxies":                                {"10.1.2.3:99", []string{"203.0.113.7,10.4.4.4"}, "203.0.113.7:0"},
		"two proxies in two lines":                   {"10.1.2.3:99", []string{"198.51.100.9, 203.0.113.7", "192.0.2.1"}, "203.0.113.7:0"},
		"a caller beside the proxies":                {"10.1.2.3:99", []string{"10.7.7.7"}, "10.7.7.7:0"},
		"a proxy that says nothing":                  {"10.1.2.3:99", nil, same},
		"a proxy that says an empty word":            {"10.1.2.3:99", []string{""}, same},
		"a proxy that says what is no address":       {"10.1.2.3:99", []string{"203.0.113.7, unknown"}, same},
		"behind a proxy that says no address":        {"10.1.2.3:99", []string{"203.0.113.7, _hidden, 10.4.4.4"}, "10.4.4.4:0"},
		"a comma at the end":                         {"10.1.2.3:99", []string{"203.0.113.7,"}, same},
		"an entry with a port":                       {"10.1.2.3:99", []string{"203.0.113.7:5123"}, "203.0.113.7:0"},
		"an entry of version 6":                      {"10.1.2.3:99", []string{"2001:db8:2::7"}, "[2001:db8:2::7]:0"},
		"one with a port":                            {"10.1.2.3:99", []string{"[2001:db8:2::7]:5123"}, "[2001:db8:2::7]:0"},
		"one with a zone":                            {"10.1.2.3:99", []string{"fe80::7%eth0"}, "[fe80::7]:0"},
		"one of version 4 in version 6":              {"10.1.2.3:99", []string{"::ffff:203.0.113.7"}, "203.0.113.7:0"},
		"a proxy of version 6":                       {"[fd00::1]:99", []string{"203.0.113.7"}, "203.0.113.7:0"},
		"a proxy of version 6 named by its address":  {"[2001:db8:1::1]:99", []string{"203.0.113.7"}, "203.0.113.7:0"},
		"a proxy of version 4 in version 6":          {"[::ffff:10.1.2.3]:99", []string{"203.0.113.7"}, "203.0.113.7:0"},
		"a connection that is no network connection": {"@", []string{"203.0.113.7"}, same},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = x.from
			for _, s := range x.said {
				r.Header.Add("X-Forwarded-For", s)
			}
			r.Header.Set("X-Real-IP", "198.51.100.200") // never counts
			r.Header.Set("Forwarded", "for=198.51.100.201")
			got := "nobody was asked"
			proxies.Behind(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(httptest.NewRecorder(), r)
			want := x.want
			if want == same {
				want = x.from
			}
			if got != want || r.RemoteAddr != x.from {
				t.Errorf("called by %q, want %q", got, want)
			}
			got = ""
			api.Proxies(nil).Behind(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(httptest.NewRecorder(), r)
			if got != x.from {
				t.Errorf("with no proxy named, called by %q", got)
			}
		})
	}
}

func TestParseProxies(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0.0.0.0/0", "::/0", "10.0.0.0/33", "proxy.example.com", "10.0.0.", "fe80::1%eth0", "::ffff:10.0.0.0/104", "10.0.0.1:80"} {
		if got, err := api.ParseProxies([]string{"10.0.0.1", text}); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Message(err), text) && text != "::/0" {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	got, err := api.ParseProxies([]string{"10.1.2.3/8", "::ffff:192.0.2.1", "2001:DB8::5/32"})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, p := range got {
		texts = append(texts, p.String())
	}
	if diff := cmp.Diff([]string{"10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"}, texts); diff != "" {
		t.Error(diff)
	}
}

// TestBehindProxy has many callers behind one proxy: each has limits of their own, whatever they say of themselves, and who they were is written down.
func TestBehindProxy(t *testing.T) {
	t.Parallel()
	proxies, err := api.ParseProxies([]string{"10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), app.Config{
		DB: dbtest.SQLiteURL(t, false), Data: t.TempDir(), MakeKey: true, Log: slog.New(slog.DiscardHandler), Proxies: proxies, ShopLimits: shop.Limits{PerSecond: 0.001, Burst: 4},
		DBOptions: db.Options{NoSync: true, Now: dbtest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)).Now},
		SignIn:    access.UserOptions{Cost: access.Cost{Memory: 64, Passes: 1, Threads: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	token, err := a.Users.FirstRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	owner, err := a.Users.SetUp(t.Context(), access.NewOwner{Token: token.Reveal(), Email: "amina@example.com", Name: "Amina", Password: "a long word for a test"})
	if err != nil {
		t.Fatal(err)
	}
	a.API.Limits = api.Limits{TriesPerHour: 1, TryBurst: 4}
	handler := a.Handler()
	ask := func(method, path, from, said string, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.RemoteAddr = from
		r.Header.Set("X-Forwarded-For", said)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "Bearer oc_wrong_key")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	wrong := url.Values{"email": {"amina@example.com"}, "password": {"a long word that is wrong"}}
	for what, x := range map[string]struct {
		slowed func(from, said string) bool
		free   int
	}{
		"keys": {func(from, said string) bool {
			return ask("GET", "/v1/keys", from, said, nil).Code == http.StatusTooManyRequests
		}, 4},
		"shop": {func(from, said string) bool {
			return ask("GET", "/shop/v1/none/products", from, said, nil).Code == http.StatusTooManyRequests
		}, 4},
		"console": {func(from, said string) bool {
			return strings.Contains(ask("POST", "/console/signin", from, said, wrong).Body.String(), "too many tries")
		}, 5},
	} {
		t.Run(what, func(t *testing.T) {
			const one, two, outside = "203.0.113.1", "203.0.113.2", "198.51.100.5:999"
			forged := func(i int) string { return fmt.Sprintf("198.51.100.%d", 100+i) }
			for i := range x.free {
				if x.slowed("10.0.0.1:999", forged(i)+", "+one) {
					t.Fatalf("slowed after %d", i)
				}
			}
			if !x.slowed("10.0.0.1:999", forged(20)+", "+one) {
				t.Error("who names others before themselves is not slowed")
			}
			if !x.slowed("10.0.0.2:999", one) || !x.slowed("10.0.0.2:999", one+", 10.0.0.1") {
				t.Error("another proxy makes another caller")
			}
			if x.slowed("10.0.0.1:999", two) {
				t.Error("slowed by what others behind the same proxy do")
			}
			for i := range x.free {
				if x.slowed(outside, forged(i)) {
					t.Fatalf("outside, slowed after %d", i)
				}
			}
			if !x.slowed(outside, forged(20)) {
				t.Error("somebody who is no proxy is believed")
			}
		})
	}
	right := url.Values{"email": {"amina@example.com"}, "password": {"a long word for a test"}}
	if w := ask("POST", "/console/signin", "10.0.0.1:999", "198.51.100.7, 203.0.113.77", right); w.Code != http.StatusSeeOther {
		t.Fatalf("signing in: %d %s", w.Code, w.Body)
	}
	if err := a.DB.Read(t.Context(), func(tx *db.Tx) error {
		all, err := access.Sessions(tx, owner.ID, "", 10)
		if err != nil {
			return err
		}
		if len(all) != 1 || all[0].Address != "203.0.113.77" {
			t.Errorf("signed in from %+v", all)
		}
		rows, err := a.Audit.List(tx, audit.Filter{SubjectKind: "user", Subject: owner.ID}, 0, 100)
		seen := map[string]bool{}
		for _, row := range rows {
			var is struct{ Address string }
			if err := json.Unmarshal(row.Detail, &is); err != nil {
				return err
			}
			if is.Address != "" {
				seen[row.Action+" "+is.Address] = true
			}
		}
		want := map[string]bool{"sign_in.refused 203.0.113.1": true, "sign_in.refused 203.0.113.2": true, "sign_in.refused 198.51.100.5": true, "sign_in 203.0.113.77": true}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("written down (-want +got):\n%s", diff)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
