package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// TestUnseen has a picker of Lahore, and whoever owns nothing else, look at everything there is, before Dubai has an order and after it has sold, sent, taken back, run short and got cases: nothing that
// they are answered is another, whatever is asked. What is named by its id is answered as if there were no such thing.
func TestUnseen(t *testing.T) {
	t.Parallel()
	for engine, open := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return dbtest.SQLiteURL(tb, false) },
		"postgres": func(tb testing.TB) string { return dbtest.PostgresURL(tb) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := towns{whole: openWhole(t, open(t)), order: map[string]string{}}
			w.twoTowns(t)
			all := []*picker{w.hire(t, access.Picker), w.hire(t, access.Owner)}
			var before []map[string]string
			live := all[0].live(t)
			for _, p := range all {
				p.ask(t, "GET", "/console/work?at=LHE", nil) // the place that is worked at is remembered
				before = append(before, p.walk(t))
			}
			w.dubaiTrades(t)
			w.secrets = w.names(t)
			w.samples = append(w.samples, w.first(t, "/v1/exceptions?cause=stale_status&order="+w.do(t, "GET", "/v1/orders/"+w.order["dubai"], "").json(t)["id"].(string))["id"].(string))
			w.samples = slices.DeleteFunc(w.samples, func(s string) bool { return s == "SHARED-1" }) // Lahore has one, too
			was := w.state(t)
			for i, p := range all {
				after := p.walk(t)
				for _, path := range slices.Sorted(maps.Keys(before[i])) {
					if before[i][path] != after[path] {
						t.Errorf("what Dubai does is seen by %s of Lahore at %s:\n%s", p.role, path, apart(before[i][path], after[path]))
					}
				}
				p.guesses(t, after)
			}
			live.quiet(t)
			if after := w.state(t); after != was {
				t.Errorf("Dubai was touched:\n%s", apart(was, after))
			}
		})
	}
}

// apart shows where two answers part.
func apart(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	cut := func(s string) string { return s[max(0, min(i-60, len(s))):min(len(s), i+160)] }
	return fmt.Sprintf("before …%q…\nafter  …%q…", cut(a), cut(b))
}

// twoTowns makes both towns, and an order of Lahore.
func (w *towns) twoTowns(t *testing.T) {
	t.Helper()
	w.furnish(t)
	post := func(method, path, body string, status int) map[string]any {
		return w.do(t, method, path, body, "Idempotency-Key", db.ID()).want(t, status).json(t)
	}
	post("POST", "/v1/legal-entities", `{"code":"AE","name":"Retail AE","country":"AE","currency":"AED"}`, 201)
	w.dubai = post("PUT", "/v1/locations/DXB", `{"name":"Dubai","kind":"warehouse","country":"AE","zone":"Asia/Dubai","fulfils":true}`, 200)["id"].(string)
	w.lahore = post("PUT", "/v1/locations/LHE", `{"name":"Lahore","kind":"warehouse","country":"PK","zone":"Asia/Karachi","fulfils":true}`, 200)["id"].(string)
	w.do(t, "POST", "/v1/imports/stock", "sku,location,quantity\nMUG,DXB,3\n", "Content-Type", "text/csv").want(t, 200)
	post("POST", "/v1/accounts", `{"name":"web-ae","channel":"ownsite","country":"AE","currency":"AED","zone":"Asia/Dubai","settings":{"storefront":"ae"},"mode":"live","skip_check":true}`, 201)
	post("POST", "/v1/subscriptions", `{"name":"books","url":"https://127.0.0.1:1/hook","allow_private":true}`, 201)
	w.settle(t)
	w.order["lahore"] = w.sell(t, "web", "SHARED-1")
	lahore := w.do(t, "GET", "/v1/orders/"+w.order["lahore"], "").json(t)["id"].(string)
	w.raiseOf(t, exception.StaleStatus, lahore)
}

// state is all that Lahore could have changed of Dubai.
func (w *towns) state(t *testing.T) (all string) {
	t.Helper()
	for _, path := range []string{"/v1/orders?country=AE", "/v1/fulfillment-orders?location=DXB", "/v1/shipments?location=DXB", "/v1/returns?location=DXB", "/v1/exceptions?limit=500", "/v1/refunds", "/v1/stock?location=DXB", "/v1/accounts/web-ae"} {
		all += string(w.do(t, "GET", path, "").want(t, 200).body)
	}
	return all
}

func (w *towns) raiseOf(t *testing.T, cause, order string) {
	t.Helper()
	w.write(t, func(tx *db.Tx) error {
		return exception.Raise(tx, exception.Case{Cause: cause, SubjectKind: "order", Subject: order, Order: order})
	})
}

// dubaiTrades has Dubai do everything that leaves rows: among it an order under the very number that Lahore's has at its channel.
func (w *towns) dubaiTrades(t *testing.T) {
	t.Helper()
	w.order["shared"] = w.sell(t, "web-ae", "SHARED-1")
	w.order["dubai"] = w.sell(t, "web-ae", "DXB-OPEN")
	w.history(t)
	for _, n := range []string{"DXB-3", "DXB-SHORT", "DXB-SHORTER"} { // there are three mugs
		w.sell(t, "web-ae", n)
	}
	open := w.do(t, "GET", "/v1/orders/"+w.order["dubai"], "").json(t)["id"].(string)
	w.raiseOf(t, exception.StaleStatus, open)
	w.do(t, "POST", "/v1/orders/"+w.order["dubai"]+"/hold", `{"reason":"call"}`, "If-Match", "*").want(t, 200)
	w.do(t, "POST", "/v1/accounts/web-ae/pause", `{"reason":"the shop is closed"}`, "If-Match", "*").want(t, 200)
	w.settle(t)
}

// picker is somebody of Lahore, at a browser and at the API.
type picker struct {
	role   access.Role
	towns  *towns
	caller access.Caller
	client *http.Client
	form   string
}

// hire adds somebody with a role in Lahore, who signs in.
func (w *towns) hire(t *testing.T, role access.Role) *picker {
	t.Helper()
	email, password := string(role)+"@example.com", "correct horse battery"
	grant := access.Grant{Role: role, Area: access.Area{Locations: []string{w.lahore}}}
	_, _, err := w.app.Users.Add(t.Context(), access.CLI("test"), access.NewUser{Email: email, Name: "Somebody", Password: password, Grants: []access.Grant{grant}})
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &picker{role: role, towns: w, client: &http.Client{Jar: jar}, caller: person(grant)}
	_, page := p.ask(t, "POST", "/console/signin", url.Values{"email": {email}, "password": {password}})
	m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("%s is not let in: %s", role, page)
	}
	p.form = m[1]
	return p
}

// ask asks as a browser does, through the proxy that a house has in front.
func (p *picker) ask(t *testing.T, method, path string, form url.Values) (status int, body string) {
	t.Helper()
	var sent io.Reader
	if form != nil {
		sent = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, p.towns.url+path, sent)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", "192.0.2.7")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// moments are what two looks at the same thing differ in: times, how long ago, and a secret of one's own that is new each time.
var moments = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ](?:[\d:.]|%3A)+(Z|[+-]\d\d:\d\d)?|[^<>]*\b(ago|just now|left|late)\b[^<>]*|orders-[\d-]+\.csv|"request(_id)?":"[^"]*"|name="reference" value="[^"]*"|\(D:\d{14}[^)]*\)|(?s:<svg class="qr".*?</svg>)|<bdi class="code" dir="ltr">[A-Z2-7]{4}(?: [A-Z2-7]{4})+</bdi>`)

func still(status int, body string) string {
	if strings.HasPrefix(body, "%PDF-") { // compressed, with the time of printing in it: whether there is one is compared
		body = "a page to print"
	}
	return fmt.Sprintf("%d %s", status, moments.ReplaceAllString(body, "·"))
}

// page is a route of the console as its table tells it.
type page struct{ method, path string }

// pages reads the console's table of routes, so that a route that is new is walked too.
func pages(t *testing.T) (all []page) {
	t.Helper()
	text, err := os.ReadFile("../console/routes.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\{"[a-z.]+", (get|post), "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		all = append(all, page{strings.ToUpper(m[1]), "/console" + strings.Replace(m[2], "{$}", "", 1)})
	}
	if len(all) < 80 {
		t.Fatalf("the console has %d routes only", len(all))
	}
	return all
}

// walk is all that the picker can ask without changing anything, with the answers.
func (p *picker) walk(t *testing.T) map[string]string {
	t.Helper()
	said := map[string]string{}
	for _, path := range append(p.apiPaths(t), p.consolePaths(t)...) {
		if strings.HasPrefix(path, "/v1/") {
			a := p.towns.as(p.caller, "GET", path, "")
			said[path] = still(a.status, string(a.body))
			continue
		}
		status, body := p.ask(t, "GET", path, nil)
		said[path] = still(status, body)
	}
	for _, q := range []string{"SHARED-1", "DXB-OPEN", "MUG", "1", "2", "0002", "DXBTRACK1", "web-ae", "Dubai"} {
		for _, path := range []string{"/console/returns/scan", "/console/handover/scan"} {
			status, body := p.ask(t, "POST", path, url.Values{"code": {q}, "csrf": {p.form}})
			said["POST "+path+" "+q] = still(status, body)
		}
	}
	return said
}

// apiPaths are every reading of the API: lists with every filter that could tell, and what is named by names of Lahore.
func (p *picker) apiPaths(t *testing.T) (all []string) {
	t.Helper()
	w := p.towns
	for _, o := range operations(t, w.house) {
		if o.method != "GET" || o.missing {
			continue
		}
		all = append(all, o.path)
		for _, more := range []string{"limit=1", "limit=500", "internal=true", "state=any", "state=open", "sku=MUG", "account=web-ae", "country=AE", "location=DXB", "order=DXB-OPEN", "number=SHARED-1", "number=DXB-OPEN", "tracking=DXBTRACK1", "cause=stale_status"} {
			all = append(all, o.path+map[bool]string{true: "&", false: "?"}[strings.Contains(o.path, "?")]+more)
		}
	}
	fo := w.first(t, "/v1/fulfillment-orders?order="+w.order["lahore"])["number"].(string)
	for _, o := range w.Operations() {
		if o.Method != "GET" || !strings.Contains(o.Path, "{") {
			continue
		}
		for _, ref := range []string{"SHARED-1", w.order["lahore"], fo, "LHE", "MUG", "DXB-OPEN", "DXBTRACK1", "DXB", "web-ae", "AE"} {
			all = append(all, "/v1"+regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(o.Path, url.PathEscape(ref)))
		}
	}
	return append(all, "/v1/stock/MUG/explain?account=web", "/v1/stock/MUG/movements?limit=1")
}

// consolePaths are every page, with what can be asked of it.
func (p *picker) consolePaths(t *testing.T) (all []string) {
	t.Helper()
	w := p.towns
	o := w.do(t, "GET", "/v1/orders/"+w.order["lahore"], "").json(t)["id"].(string)
	fo := w.first(t, "/v1/fulfillment-orders?order="+w.order["lahore"])["id"].(string)
	some := w.first(t, "/v1/exceptions?cause=stale_status")["id"].(string)
	for _, r := range pages(t) {
		if r.method != "GET" || r.path == "/console/live" || strings.HasPrefix(r.path, "/console/s") && strings.Contains(r.path, "setup") {
			continue
		}
		if !strings.Contains(r.path, "{") {
			all = append(all, r.path)
			for _, more := range []string{
				"q=SHARED-1", "q=DXB-OPEN", "q=DXBTRACK1", "q=2", "q=MUG", "q=Dubai", "q=web-ae", "tab=review", "tab=open", "tab=delivered", "account=web-ae", "country=AE", "channel=ownsite", "number=SHARED-1", "number=DXB-OPEN",
				"sku=MUG", "at=DXB", "at=LHE", "step=pack", "step=handover", "step=held", "cause=stale_status", "cause=stock_short", "overdue=1&sleeping=1", "state=open", "state=any", "after=0",
			} {
				all = append(all, r.path+"?"+more)
			}
			continue
		}
		for _, ref := range []string{o, fo, some, "MUG", "shopify", "none"} {
			all = append(all, regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(r.path, ref))
		}
	}
	return append(all, "/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs/", "/schemas/order_created.v1.json", "/shop/v1/ae", "/shop/v1/pk")
}

// guesses names what is Dubai's in every address of the console, and in forms: the answer is the one for what was never there.
func (p *picker) guesses(t *testing.T, said map[string]string) {
	t.Helper()
	ask := func(r page, ref string) string {
		path := regexp.MustCompile(`\{(id|sku)\}`).ReplaceAllString(r.path, url.PathEscape(ref))
		path = strings.NewReplacer("{act}", "accept", "{kind}", "shopify", "{what}", "products").Replace(path)
		var form url.Values
		if r.method == "POST" {
			form = url.Values{"csrf": {p.form}, "code": {ref}, "id": {ref}, "order": {ref}, "location": {ref}, "account": {ref}, "what": {"accept"}, "cause": {"stale_status"}, "quantity": {"1"}, "reason": {"x"}, "reference": {"r"}, "text": {"x"}, "purpose": {"x"}, "hours": {"1"}, "line": {ref}, "item": {ref}}
		}
		status, body := p.ask(t, r.method, path, form)
		return strings.ReplaceAll(still(status, body), ref, "none")
	}
	for _, r := range pages(t) {
		if strings.Contains(r.path, "/sign") || strings.Contains(r.path, "/prefs") || r.path == "/console/live" || r.method == "GET" && !strings.Contains(r.path, "{") {
			continue
		}
		want := ask(r, "none")
		for _, s := range p.towns.samples {
			if got := ask(r, s); got != want {
				t.Errorf("%s of Lahore: %s %s with Dubai's %s is answered otherwise than with nothing :\n%s", p.role, r.method, r.path, s, apart(want, got))
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(said)) {
		for _, s := range p.towns.secrets {
			if len(s) > 8 && strings.Contains(said[path], s) && !strings.Contains(path, s) {
				t.Errorf("%s tells %s: %.300s", path, s, said[path])
			}
		}
	}
}

// live is the stream that tells an open page when something has changed.
type live struct {
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

// live opens it, and reads what it says at first.
func (p *picker) live(t *testing.T) *live {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", p.towns.url+"/console/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	l := &live{bufio.NewScanner(res.Body), cancel}
	if !l.lines.Scan() || l.lines.Text() != "event: changed" {
		t.Fatalf("the stream begins with %q: %v", l.lines.Text(), l.lines.Err())
	}
	return l
}

// quiet reads on until the stream has looked at all that has happened, and it said nothing.
func (l *live) quiet(t *testing.T) {
	t.Helper()
	late := time.AfterFunc(time.Minute, l.cancel)
	defer late.Stop()
	asked := time.Now()
	for beats := 0; beats < 2; {
		began := time.Now()
		if !l.lines.Scan() {
			t.Fatalf("the stream ended: %v", l.lines.Err())
		}
		switch l.lines.Text() {
		case "event: changed":
			t.Fatal("an open page of Lahore is told that something changed in Dubai")
		case ": still here":
			if began.After(asked) && time.Since(began) > time.Second { // one that was waited for, not one that had lain in the pipe
				beats++
			}
		}
	}
}
