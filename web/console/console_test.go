package console_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// each runs a test on a company in both engines.
func each(t *testing.T, f func(t *testing.T, s *demo.Stage)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return dbtest.SQLiteURL(tb, false) },
		"postgres": func(tb testing.TB) string { return dbtest.PostgresURL(tb) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := demo.OpenStage(context.Background(), t.TempDir(), open(t), 36)
			if err != nil {
				t.Fatal(err)
			}
			closes(t, s)
			f(t, s)
		})
	}
}

// company is one of its own on SQLite, with so many orders.
func company(t *testing.T, orders int) *demo.Stage {
	t.Helper()
	s, err := demo.OpenStage(context.Background(), t.TempDir(), dbtest.SQLiteURL(t, false), orders)
	if err != nil {
		t.Fatal(err)
	}
	closes(t, s)
	return s
}

func closes(t *testing.T, s *demo.Stage) {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// settle waits until nothing is on its way: whoever looks then is overtaken by nobody.
func settle(t *testing.T, s *demo.Stage) {
	t.Helper()
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// trouble gives people something to do.
func trouble(t *testing.T, s *demo.Stage) {
	t.Helper()
	if err := s.Trouble(t.Context()); err != nil {
		t.Fatal(err)
	}
	settle(t, s)
}

// person is somebody at a browser, without its scripts.
type person struct {
	*http.Client
	url  string
	form string // what every form of the session carries
}

type answer struct {
	status int
	body   string
	at     string // the path after redirects
	header http.Header
}

func visitor(s *demo.Stage) *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err)
	}
	return &person{&http.Client{Jar: jar}, s.URL, ""}
}

var formField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// enter signs somebody in.
func enter(t *testing.T, s *demo.Stage, email string) *person {
	t.Helper()
	p := visitor(s)
	a := p.post(t, "/console/signin", url.Values{"email": {email}, "password": {demo.StagePassword}})
	m := formField.FindStringSubmatch(a.body)
	if a.status != http.StatusOK || m == nil {
		t.Fatalf("sign-in: %d %s", a.status, a.body)
	}
	p.form = m[1]
	return p
}

// hire adds somebody with a role in the whole business.
func hire(t *testing.T, s *demo.Stage, role access.Role) *person {
	t.Helper()
	email := string(role) + "@example.com"
	_, _, err := s.App.Users.Add(t.Context(), s.Owner.Caller(), access.NewUser{Email: email, Name: string(role), Password: demo.StagePassword, Grants: []access.Grant{{Role: role}}})
	if err != nil {
		t.Fatal(err)
	}
	return enter(t, s, email)
}

func (p *person) do(t *testing.T, req *http.Request) answer {
	t.Helper()
	res, err := p.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, string(body), res.Request.URL.RequestURI(), res.Header}
}

func (p *person) get(t *testing.T, path string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p.do(t, req)
}

// post sends a form; headers are pairs.
func (p *person) post(t *testing.T, path string, v url.Values, headers ...string) answer {
	t.Helper()
	if v == nil {
		v = url.Values{}
	}
	if p.form != "" && !v.Has("csrf") {
		v.Set("csrf", p.form)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+path, strings.NewReader(v.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return p.do(t, req)
}

// some are things that exist, for addresses.
type some struct{ order, work, account, exception string }

func find(t *testing.T, s *demo.Stage) (x some) {
	t.Helper()
	read(t, s, func(tx *db.Tx) error {
		orders, err := s.App.Order.List(tx, order.Filter{State: order.Open}, "", 1)
		if err != nil {
			return err
		}
		works, err := s.App.Fulfillment.List(tx, fulfillment.Filter{States: []string{fulfillment.Fresh}}, "", 1)
		if err != nil {
			return err
		}
		accounts, err := s.App.Connect.Accounts(tx)
		if err != nil {
			return err
		}
		cases, _, err := exception.List(tx, exception.Filter{}, "", 1)
		if len(cases) > 0 {
			x.exception = cases[0].ID
		}
		x.order, x.work, x.account = orders.Items[0].ID, works.Items[0].ID, accounts[0].ID
		return err
	})
	return x
}

func read(t *testing.T, s *demo.Stage, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := s.App.DB.Read(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func (x some) pages() []string {
	return []string{
		"/console/", "/console/orders", "/console/orders?tab=review", "/console/orders?pay=due&channel=shopify&sku=OC-001", "/console/orders/" + x.order, "/console/orders/" + x.order + "/cancel",
		"/console/orders/" + x.order + "/source", "/console/orders/" + x.order + "/raw", "/console/orders/" + x.order + "/events", "/console/exceptions", "/console/exceptions?cause=stock_drift&overdue=1&sleeping=1&mine=1", "/console/exceptions/" + x.exception,
		"/console/work", "/console/work?step=pack", "/console/work?step=handover", "/console/work?step=held", "/console/work/" + x.work, "/console/picklist?at=PK-LHE-WH", "/console/handover",
		"/console/stock", "/console/stock?sku=OC-1&at=PK-LHE-WH", "/console/stock/OC-001", "/console/listings", "/console/listings?state=mapped", "/console/channels", "/console/channels/" + x.account,
		"/console/channels/" + x.account + "/diff", "/console/channels/" + x.account + "/drift", "/console/new-account/shopify", "/console/new-account/daraz", "/console/find?q=OC-001", "/console/find?q=nothing+has+this",
	}
}

var (
	inline  = regexp.MustCompile(`<[^>]+\s(style|on[a-z]+)\s*=|<style|<script(?:\s[^>]*)?>[^<]`)
	outside = regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//([^"]*)"(?: rel="noreferrer" target="_blank")?`)
)

// looksRight holds what every page keeps to: small, nothing inline, nothing from outside, in the language that was chosen.
func looksRight(t *testing.T, p *person, lang, path string) {
	t.Helper()
	a := p.get(t, path)
	if a.status != http.StatusOK {
		t.Errorf("%s: %d %s", path, a.status, a.body)
	}
	if len(a.body) > 60_000 {
		t.Errorf("%s has %d bytes", path, len(a.body))
	}
	if m := inline.FindString(a.body); m != "" {
		t.Errorf("%s has inline %s", path, m)
	}
	for _, m := range outside.FindAllStringSubmatch(a.body, -1) {
		if strings.HasSuffix(m[0], "_blank\"") {
			continue // a parcel that is on its way is followed at its courier's: a page of its own, which is not told where from
		}
		t.Errorf("%s loads or leads outside: %s", path, m[1])
	}
	if !strings.Contains(a.body, `lang="`+lang+`"`) || strings.Contains(a.body, "%!") {
		t.Errorf("%s is not in %s, or misses a value", path, lang)
	}
	if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("%s: policy %q", path, csp)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		if err := s.Trouble(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := enter(t, s, demo.StageEmail)
		for _, lang := range []string{"en", "ur", "ar"} {
			p.post(t, "/console/prefs", url.Values{"lang": {lang}})
			for _, path := range find(t, s).pages() {
				looksRight(t, p, lang, path)
			}
		}
		if a := p.get(t, "/console/nowhere"); a.status != http.StatusNotFound {
			t.Errorf("an address that is none: %d", a.status)
		}
		if a := p.get(t, "/console/orders/none"); a.status != http.StatusNotFound {
			t.Errorf("an order that is none: %d", a.status)
		}
	})
}

func TestDoor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		x := find(t, s)
		stranger := visitor(s)
		for _, path := range x.pages() {
			if a := stranger.get(t, path); !strings.HasPrefix(a.at, "/console/signin?to=") {
				t.Errorf("%s is open to anybody: %d at %s", path, a.status, a.at)
			}
		}
		if a := stranger.post(t, "/console/signin", url.Values{"email": {demo.StageEmail}, "password": {"wrong password"}}); a.status != http.StatusUnauthorized || !strings.Contains(a.body, "not right") {
			t.Errorf("a wrong password: %d", a.status)
		}
		p := enter(t, s, demo.StageEmail)
		hold := "/console/orders/" + x.order + "/hold"
		for name, a := range map[string]answer{
			"a form without what its session gave out": p.post(t, hold, url.Values{"reason": {"x"}, "csrf": {"guess"}}),
			"a form of another site":                   p.post(t, hold, url.Values{"reason": {"x"}}, "Sec-Fetch-Site", "cross-site"),
			"a form of another origin":                 p.post(t, hold, url.Values{"reason": {"x"}}, "Origin", "https://elsewhere.example"),
		} {
			if a.status != http.StatusForbidden {
				t.Errorf("%s: %d", name, a.status)
			}
		}
		if a := p.get(t, "/console/signin?to=https://elsewhere.example/console/"); a.at != "/console/" {
			t.Errorf("led to %s", a.at)
		}
		p.post(t, "/console/signout", nil)
		if a := p.get(t, "/console/"); !strings.HasPrefix(a.at, "/console/signin") {
			t.Errorf("after signing out: %s", a.at)
		}
	})
}

func TestRoles(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		x := find(t, s)
		for role, may := range map[access.Role]map[string]bool{
			access.Picker:  {"/console/work/" + x.work: true, "/console/handover": true, "/console/channels": false, "/console/listings": false, "/console/orders/" + x.order + "/cancel": false, "/console/new-account/shopify": false},
			access.Auditor: {"/console/channels/" + x.account: true, "/console/stock": true, "/console/orders/" + x.order + "/raw": false, "/console/new-account/shopify": false},
			access.Finance: {"/console/orders/" + x.order: true, "/console/work": false, "/console/stock": false},
		} {
			p := hire(t, s, role)
			home := p.get(t, "/console/").body
			for path, want := range may {
				if a := p.get(t, path); (a.status == http.StatusOK) != want || !want && a.status != http.StatusForbidden {
					t.Errorf("%s at %s: %d", role, path, a.status)
				}
				if !want && strings.Contains(home, `href="`+path+`"`) {
					t.Errorf("%s is shown %s", role, path)
				}
			}
		}
		picker := enter(t, s, string(access.Picker)+"@example.com")
		for _, path := range []string{"/console/orders/" + x.order + "/cancel", "/console/work/" + x.work + "/do/reject", "/console/channels/" + x.account + "/pause", "/console/stock/OC-001/count"} {
			if a := picker.post(t, path, url.Values{"reason": {"x"}}); a.status != http.StatusForbidden {
				t.Errorf("a picker posts to %s: %d", path, a.status)
			}
		}
		if page := picker.get(t, "/console/orders/"+x.order).body; strings.Contains(page, "/cancel") || strings.Contains(page, "/hold") {
			t.Error("a picker is shown what a picker may not do")
		}
	})
}

func TestBranch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		trouble(t, s)
		x := find(t, s)
		var here, there inventory.Location
		var fo fulfillment.FO
		var parcel dispatch.Shipment
		var number string
		read(t, s, func(tx *db.Tx) (err error) {
			if fo, err = s.App.Fulfillment.Get(tx, x.work); err != nil {
				return err
			}
			places, err := s.App.Inventory.Locations(tx, fo.Location)
			if err != nil {
				return err
			}
			there = places[0]
			if here, err = s.App.Inventory.LocationByCode(tx, "PK-KHI-01"); err != nil {
				return err
			}
			parcels, err := s.App.Dispatch.List(tx, dispatch.Filter{Location: there.ID, States: []string{dispatch.Issued}}, "", 1)
			if err != nil {
				return err
			}
			parcel = parcels.Items[0]
			o, err := s.App.Order.Get(tx, x.order)
			number = o.Number
			return err
		})
		_, _, err := s.App.Users.Add(t.Context(), s.Owner.Caller(), access.NewUser{
			Email: "karachi@example.com", Name: "Karachi", Password: demo.StagePassword, Grants: []access.Grant{{Role: access.BranchManager, Area: access.Area{Locations: []string{here.ID}}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		p := enter(t, s, "karachi@example.com")
		for _, path := range []string{"/console/work/" + x.work, "/console/orders/" + x.order, "/console/orders/" + x.order + "/source", "/console/picklist?at=" + there.Code, "/console/parcels/" + parcel.ID + "/label"} {
			if a := p.get(t, path); a.status != http.StatusNotFound {
				t.Errorf("%s is seen from another branch: %d", path, a.status)
			}
		}
		for _, path := range []string{"/console/", "/console/orders", "/console/work", "/console/handover", "/console/exceptions", "/console/stock/OC-001"} {
			a := p.get(t, path)
			if a.status != http.StatusOK || strings.Contains(a.body, number) || strings.Contains(a.body, there.Name) {
				t.Errorf("%s speaks of another branch: %d", path, a.status)
			}
		}
		if a := p.get(t, "/console/find?q="+url.QueryEscape(number)); a.status != http.StatusOK || strings.Contains(a.body, x.order) {
			t.Errorf("found from another branch: %d at %s", a.status, a.at)
		}
		if a := p.post(t, "/console/handover/scan", url.Values{"code": {parcel.Tracking}}, "X-Scan", "1"); !strings.Contains(a.body, "said bad") {
			t.Errorf("handed over from another branch: %s", a.body)
		}
		if a := p.post(t, "/console/stock/OC-001/count", url.Values{"location": {there.Code}, "quantity": {"1"}, "reference": {"r"}}); !strings.Contains(a.body, "Nothing is found here") {
			t.Errorf("counted from another branch: %d %s", a.status, a.at)
		}
	})
}

func TestWork(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		id := find(t, s).work
		get := func() (f fulfillment.FO) {
			read(t, s, func(tx *db.Tx) (err error) { f, err = s.App.Fulfillment.Get(tx, id); return err })
			return f
		}
		for i, l := range get().Lines {
			for n := range l.Quantity {
				scan := url.Values{"code": {l.SKU}, "scan": {fmt.Sprintf("scan-%d-%d", i, n)}}
				for range 2 { // the device sends it again because it did not hear the answer
					if a := p.post(t, "/console/work/"+id+"/scan", scan, "X-Scan", "1"); a.status != http.StatusOK || strings.Contains(a.body, "said bad") {
						t.Fatalf("scan: %d %s", a.status, a.body)
					}
				}
			}
		}
		f := get()
		if f.State != fulfillment.Picked {
			t.Fatalf("every item was scanned, each twice: %s %+v", f.State, f.Lines)
		}
		if a := p.post(t, "/console/work/"+id+"/scan", url.Values{"code": {f.Lines[0].SKU}, "scan": {"one too many"}}, "X-Scan", "1"); !strings.Contains(a.body, "said bad") {
			t.Errorf("one too many: %s", a.body)
		}
		p.post(t, "/console/work/"+id+"/do/pack", nil)
		settle(t, s)
		var tracking string
		read(t, s, func(tx *db.Tx) error {
			all, err := s.App.Dispatch.Of(tx, f.OrderID)
			tracking = all[0].Tracking
			return err
		})
		for i := range 2 {
			a := p.post(t, "/console/handover/scan", url.Values{"code": {tracking}}, "X-Scan", "1")
			if a.status != http.StatusOK || strings.Contains(a.body, "said bad") || strings.Contains(a.body, "already") != (i == 1) {
				t.Fatalf("hand-over %d: %d %s", i, a.status, a.body)
			}
		}
		if f = get(); f.State != fulfillment.HandedOver {
			t.Errorf("after hand-over: %s", f.State)
		}
		if a := p.post(t, "/console/handover/scan", url.Values{"code": {"NO-SUCH-PARCEL"}}, "X-Scan", "1"); !strings.Contains(a.body, "said bad") {
			t.Errorf("a parcel that is none: %s", a.body)
		}
	})
}

func TestCases(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		if err := s.Trouble(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := enter(t, s, demo.StageEmail)
		var stale []exception.Row
		read(t, s, func(tx *db.Tx) (err error) {
			stale, _, err = exception.List(tx, exception.Filter{Cause: exception.StaleStatus}, "", 10)
			return err
		})
		at := "/console/exceptions/" + stale[0].ID
		if a := p.post(t, at+"/do", url.Values{"what": {"agree"}}); strings.Contains(a.body, "cancelled; the channel is told") {
			t.Error("an action that the case does not offer was done")
		}
		a := p.post(t, at+"/snooze", url.Values{"hours": {"4"}})
		if !strings.Contains(a.body, "sleeps for 4 h") || !strings.Contains(a.body, at+"/snooze") {
			t.Errorf("no word and no undo: %s", a.body)
		}
		if list := p.get(t, "/console/exceptions?cause="+exception.StaleStatus).body; strings.Contains(list, stale[0].ID) {
			t.Error("it is shown although it sleeps")
		}
		p.post(t, at+"/snooze", url.Values{"hours": {"0"}})
		ids := url.Values{"what": {"accept"}, "cause": {exception.StaleStatus}}
		for _, c := range stale {
			ids.Add("id", c.ID)
		}
		if a := p.post(t, "/console/exceptions/bulk", ids); !strings.Contains(a.body, fmt.Sprintf("Done: %d of %d", len(stale), len(stale))) {
			t.Errorf("in bulk: %s", a.body)
		}
		read(t, s, func(tx *db.Tx) error {
			left, _, err := exception.List(tx, exception.Filter{Cause: exception.StaleStatus, Snoozed: true}, "", 10)
			if len(left) > 0 {
				t.Errorf("%d are still open", len(left))
			}
			return err
		})
	})
}
