package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// at goes on at an instant that stands still.
func (h *town) at(now time.Time) *dbtest.Clock {
	h.t.Helper()
	h.leave()
	clock := dbtest.NewClock(now)
	cfg := config(h.url, h.data)
	cfg.DBOptions.Now = clock.Now
	a, err := app.Open(context.Background(), cfg)
	ok(h.t, err)
	h.a = a
	return clock
}

// deliver picks, packs, hands over and delivers everything of an order.
func (h *town) deliver(b bought) {
	h.t.Helper()
	h.send(b)
	for _, id := range h.all(`select id from dispatch_shipments where order_id = '` + b.id + `'`) {
		_, err := h.a.Dispatch.Report(context.Background(), id, "clerk", courier.Delivered, time.Time{}, "")
		ok(h.t, err)
	}
	h.work()
}

// send picks, packs and hands over everything there is, which is an order's.
func (h *town) send(b bought) {
	h.t.Helper()
	h.pack()
	h.work()
	for _, id := range h.all(`select id from dispatch_shipments where order_id = '` + b.id + `'`) {
		_, err := h.a.Dispatch.Waybill(context.Background(), id, 0, "clerk", courier.Waybill{Carrier: "TCS", Tracking: "TCS-" + b.external})
		ok(h.t, err)
		_, err = h.a.Dispatch.HandOver(context.Background(), id, "clerk", time.Time{})
		ok(h.t, err)
	}
	h.work()
}

// TestThirtyDaysAfterDelivery has the personal data of a delivered order go thirty days after its delivery, as Amazon's rule asks, and no earlier. The program has that rule for amazon in every country,
// and no adapter for Amazon: so the same days are set for the channel at hand, as the same kind of row. What is posted of the sale, which is what a tax document is made of, stays to the cent.
func TestThirtyDaysAfterDelivery(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		ctx := context.Background()
		amazon := func() (days string) {
			ok(t, h.a.DB.Read(ctx, func(tx *db.Tx) error {
				row, err := h.a.Policy.Value(tx, "PK", "", "personal_keep.amazon", tx.Now)
				days = row.Value
				return err
			}))
			return days
		}()
		if amazon != "30" {
			t.Fatalf("Amazon's rule is %s days", amazon)
		}
		h.openShopify()
		ok(t, h.a.Policy.Set(ctx, policy.Row{Country: "PK", Name: "personal_keep.shopify", Value: amazon, Unit: policy.Days, From: time.Unix(1, 0), Source: "as amazon", Confidence: "setting"}, "test"))
		done := h.buyAs("Canaryword", "+923001234547")
		h.deliver(done)
		going := h.buyAs("Otherword", "+923007654321")
		delivered := time.UnixMicro(ask[int64](h, `select max(delivered_at) from dispatch_shipments where order_id = $1`, done.id))
		posted := func() []string {
			return append(h.books(), h.all(`select kind || ' ' || body from core_documents order by id`)...)
		}
		before := posted()

		clock := h.at(delivered.AddDate(0, 0, 30).Add(-time.Minute))
		h.run("privacy.keep")
		h.readable(done, "a minute before thirty days are over")
		clock.Advance(time.Minute)
		h.run("privacy.keep")
		h.gone(done, "thirty days after delivery")
		h.readable(going, "of an order that is not delivered")
		if diff := cmp.Diff(before, posted()); diff != "" {
			t.Errorf("the books (-before +after):\n%s", diff)
		}
		_, body, err := h.shop.Webhook("orders/updated", done.external)
		ok(t, err)
		h.hook("orders/updated", body)
		h.work()
		h.gone(done, "after a late webhook")
	})
}

// other is something that two looks may differ in: where, what, and why.
type other struct{ where, what, why string }

// byLooking are what changes because somebody looked, with or without an erasure.
var byLooking = []other{
	{`/(v1|console)/audit([/?].*)?`, `.`, "a packing slip that is printed is written down, with who printed it; that no row changes is compared apart"},
	{`/v1/doctor`, `\.detail = chained up to 0, `, "so many rows of the audit log wait for the chain"},
	{`/readyz|/metrics`, `^\.queues\.audit\.|^openclaw_queue_(waiting|oldest_seconds)\{queue="audit"\}`, "the same"},
	{`/v1/doctor`, `\.detail = \d+ MiB free of `, "the disk has other users"},
	{`/metrics`, `^(# |go_|process_|openclaw_http_|openclaw_db_|openclaw_disk_)`, "requests and transactions of the looking itself, and what the process uses"},
	{`/console/channels/[0-9a-f-]+(/diff|/drift)?`, `^<bdi>0 / \d+$`, "calls to the partner: two of these pages ask it"},
}

// byErasing is what an erasure changes, of the orders that are erased. Everything else stays as it was, to the letter.
var byErasing = []other{
	{`/console/orders/[0-9a-f-]+/raw`, `.`, "what the channel sent of the order cannot be read any more, and the page says so"},
}

// byReading are what those change who bring the buyer back in vain: a webhook, and polls.
var byReading = []other{
	{`/v1/accounts/[0-9a-f-]+(/health)?`, `last_webhook_at = `, "a webhook came"},
	{`/console/channels(/[0-9a-f-]+(/diff|/drift)?)?`, `^(<td data-label="Last event">–?|<dd>–?|<time .*just now|</time>)$`, "the same"},
}

// looker is somebody who looks at everything there is: the whole API, every page and table of the console, and the metrics.
type looker struct {
	h      *town
	stays  string // id of an order that nothing happens to
	base   string
	client *http.Client
	paths  []string
}

// look signs an owner in.
func (h *town) look() *looker {
	h.t.Helper()
	_, _, err := h.a.Users.Add(context.Background(), access.CLI("test"), access.NewUser{Email: "owner@example.org", Name: "Owner", Password: "correct horse battery", Grants: []access.Grant{{Role: access.Owner}}})
	ok(h.t, err)
	server := httptest.NewServer(h.a.Handler())
	h.t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	ok(h.t, err)
	l := &looker{h: h, base: server.URL, client: &http.Client{Jar: jar}}
	res, err := l.client.PostForm(l.base+"/console/signin", url.Values{"email": {"owner@example.org"}, "password": {"correct horse battery"}})
	ok(h.t, err)
	ok(h.t, res.Body.Close())
	if res.Request.URL.Path != "/console/" {
		h.t.Fatalf("the owner is not let in, but led to %s", res.Request.URL)
	}
	return l
}

// things are the ids of what a path names.
func (l *looker) things() map[string][]string {
	h := l.h
	ids := func(table string) []string { return h.all(`select id from ` + table + ` order by id`) }
	orders, parcels, work, back, cases := ids("orders"), ids("dispatch_shipments"), ids("fulfillment_orders"), ids("returns_rma"), ids("exceptions")
	return map[string][]string{
		"/v1/accounts/": {h.account}, "/v1/orders/": orders, "/v1/fulfillment-orders/": work, "/v1/shipments/": parcels, "/v1/returns/": back, "/v1/refunds/": ids("refunds"), "/v1/exceptions/": cases,
		"/v1/events/": ids("events"), "/v1/jobs/": ids("jobs"), "/v1/listings/": ids("channel_products"), "/v1/tells/": ids("tells"), "/v1/stock/": skus, "/v1/storefronts/": nil, "/v1/subscriptions/": nil, "/v1/users/": ids("users"),
		"/console/orders/": orders, "/console/work/": work, "/console/parcels/": parcels, "/console/returns/": back, "/console/exceptions/": cases, "/console/stock/": skus, "/console/channels/": {h.account},
		"/console/jobs/": ids("jobs"), "/console/subscriptions/": nil, "/console/people/": ids("users"), "/console/new-account/": {"shopify"},
	}
}

var named = regexp.MustCompile(`\{[^}$]+\}`)

// routes are all readings of the API, of its own description, and all pages of the console, of its table of routes: what is new is looked at too.
func (l *looker) routes() (all []string) {
	t := l.h.t
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name, In string
				Required bool
			}
		}
	}
	ok(t, json.Unmarshal(l.h.a.API.OpenAPI(), &doc))
	values := map[string]string{"location": "WH", "account": "town-shop"}
	for path, item := range doc.Paths {
		op, reads := item["get"]
		if !reads {
			continue
		}
		path = "/v1" + path
		for _, p := range op.Parameters {
			if p.In == "query" && p.Required {
				path += "?" + p.Name + "=" + values[p.Name]
			}
		}
		all = append(all, path)
		for _, p := range op.Parameters { // filters that show more than the list does without
			for _, more := range []string{"limit=500", "state=any", "internal=true"} {
				if name, _, _ := strings.Cut(more, "="); p.Name == name && p.In == "query" {
					all = append(all, path+map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]+more)
				}
			}
		}
	}
	text, err := os.ReadFile("../web/console/routes.go")
	ok(t, err)
	for _, m := range regexp.MustCompile(`\{"[a-z.]+", get, "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		if path := "/console" + strings.Replace(m[1], "{$}", "", 1); path != "/console/live" && !strings.HasPrefix(path, "/console/set") && path != "/console/signin" && path != "/console/accept" {
			all = append(all, path)
		}
	}
	if len(all) < 130 {
		t.Fatalf("there are %d readings only", len(all))
	}
	return append(all, "/metrics", "/healthz", "/readyz", "/console/orders?tab=delivered", "/console/orders?tab=open", "/console/find?q=TEA-1", "/console/find?q=1", "/console/exceptions?state=any")
}

// addresses are the routes, with the ids of what there is.
func (l *looker) addresses() (all []string) {
	l.h.t.Helper()
	things := l.things()
	for _, route := range l.routes() {
		if !named.MatchString(route) {
			all = append(all, route)
			continue
		}
		before, _, _ := strings.Cut(route, "{")
		ids, known := things[before]
		if !known {
			l.h.t.Errorf("%s names something that this test does not know: add it to things", route)
		}
		for _, id := range ids {
			all = append(all, named.ReplaceAllString(route, id))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// walk reads everything.
func (l *looker) walk() map[string]string {
	l.h.t.Helper()
	if l.paths == nil {
		l.paths = l.addresses()
	}
	said := map[string]string{}
	for _, path := range l.paths {
		said[path] = l.get(path)
	}
	return said
}

// noise is what two answers to one question differ in: what is drawn for each answer, and how long something took.
var noise = regexp.MustCompile(`"request(_id)?":"[^"]*"|name="csrf" value="[^"]*"|name="reference" value="[^"]*"|name="key" value="[^"]*"`)

func (l *looker) get(path string) string {
	t := l.h.t
	t.Helper()
	var status int
	var body []byte
	if strings.HasPrefix(path, "/v1/") {
		r := httptest.NewRequest(http.MethodGet, path, nil).WithContext(access.With(context.Background(), access.CLI("test")))
		w := httptest.NewRecorder()
		l.h.a.API.Handler().ServeHTTP(w, r)
		status, body = w.Code, w.Body.Bytes()
	} else {
		res, err := l.client.Get(l.base + path)
		ok(t, err)
		body, err = io.ReadAll(res.Body)
		ok(t, err)
		ok(t, res.Body.Close())
		status = res.StatusCode
	}
	if status >= 500 {
		t.Errorf("%s is answered with %d: %s", path, status, body)
	}
	if bytes.HasPrefix(body, []byte("%PDF-")) { // compressed, who it goes to within
		body = []byte("a page to print")
	}
	return fmt.Sprintf("%d\n%s", status, noise.ReplaceAll(body, []byte(`"noise":""`)))
}

// facts takes an answer apart: the values of JSON, each with its place, or the lines and elements of anything else.
func facts(answer string) (all []string) {
	status, body, _ := strings.Cut(answer, "\n")
	all = append(all, status)
	var v any
	if json.Unmarshal([]byte(body), &v) != nil {
		for line := range strings.SplitSeq(strings.ReplaceAll(body, "<", "\n<"), "\n") {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
		return all
	}
	var into func(at string, v any)
	into = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				into(at+"."+k, v[k])
			}
		case []any:
			for i, x := range v {
				into(fmt.Sprintf("%s[%d]", at, i), x)
			}
		default:
			all = append(all, fmt.Sprintf("%s = %v", at, v))
		}
	}
	into("", v)
	return all
}

// same fails for everything that two walks differ in and that is not allowed to, and answers what was used of what is.
func (l *looker) same(before, after map[string]string, when string, allowed ...other) (used []other) {
	l.h.t.Helper()
	for _, path := range l.paths {
		if before[path] == after[path] {
			continue
		}
		here := slices.DeleteFunc(slices.Concat(byLooking, allowed), func(o other) bool {
			return !regexp.MustCompile("^("+o.where+")$").MatchString(path) || slices.Contains(byErasing, o) && strings.Contains(path, l.stays)
		})
		count := map[string]int{}
		for _, f := range facts(before[path]) {
			count[f]++
		}
		for _, f := range facts(after[path]) {
			count[f]--
		}
		for _, f := range slices.Sorted(maps.Keys(count)) {
			if count[f] == 0 {
				continue
			}
			i := slices.IndexFunc(here, func(o other) bool { return regexp.MustCompile(o.what).MatchString(f) })
			if i < 0 {
				l.h.t.Errorf("%s, %s says another thing (%+d): %.300s", when, path, -count[f], f)
			} else {
				used = append(used, here[i])
			}
		}
	}
	return used
}

// call asks the API as a person at the command line, of whatever version.
func (h *town) call(method, path string, body any, status int) map[string]any {
	h.t.Helper()
	text, err := json.Marshal(body)
	ok(h.t, err)
	r := httptest.NewRequest(method, "/v1"+path, bytes.NewReader(text)).WithContext(access.With(context.Background(), access.CLI("test")))
	for k, v := range map[string]string{"Content-Type": "application/json", "Idempotency-Key": db.ID(), "If-Match": "*"} {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.a.API.Handler().ServeHTTP(w, r)
	if w.Code != status {
		h.t.Fatalf("%s %s is answered with %d: %s", method, path, w.Code, w.Body)
	}
	var out map[string]any
	ok(h.t, json.Unmarshal(w.Body.Bytes(), &out))
	return out
}

// TestErasedEverywhere erases a buyer of several orders in a company at work: open, sent, delivered, come back and paid back. Every list, report, table, page and metric says the same before and
// after, but for what mayDiffer names; and again after a webhook, a poll, a reading by hand and a replay of the same orders brought the buyer back in vain.
func TestErasedEverywhere(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		ctx := context.Background()
		h.openShopify()
		// The clock stands still at a noon to come, so that nothing is said of the same thing because time went by.
		h.at(time.Now().UTC().Truncate(24 * time.Hour).Add(31 * time.Hour))
		mine := make([]bought, 3)
		mine[0] = h.buyAs("Canaryword", "+923001234547")
		h.deliver(mine[0])
		back := h.call("POST", "/returns", map[string]any{"order": mine[0].id, "reason": "too small", "approve": true}, 201)["number"].(string)
		h.work()
		h.call("POST", "/returns/"+back+"/receive", map[string]any{"location": "WH"}, 200)
		line := h.all(`select id from order_lines where order_id = '` + mine[0].id + `'`)[0]
		h.call("POST", "/returns/"+back+"/inspect", map[string]any{"verdicts": []any{map[string]any{"line_id": line, "quantity": 1, "disposition": "sellable"}}}, 200)
		h.call("POST", "/returns/"+back+"/refund", map[string]any{"method": "payout"}, 202)
		h.work()
		mine[1] = h.buyAs("Canaryword", "+923001234547")
		h.send(mine[1])
		mine[2] = h.buyAs("Canaryword", "+923001234547")
		stays := h.buyAs("Otherword", "+923007654321")
		h.work()
		h.run("privacy.keep")
		for range 2 { // what we told the shop comes back with the next reading: all of it is here
			h.rereads(append(mine, stays)...)
		}

		l := h.look()
		l.stays = stays.id
		l.walk() // what is made at the first look is there
		before, acts := l.walk(), h.acts()
		l.same(before, l.walk(), "before anything happened")
		h.call("POST", "/personal/erase", map[string]any{"email": mine[0].email, "reason": "wish 12"}, 200)
		h.work()
		after := l.walk()
		used := l.same(before, after, "erased", byErasing...)
		for _, b := range mine {
			h.gone(b, "at once")
		}
		h.readable(stays, "at once")

		for _, b := range mine {
			h.late(b)
		}
		h.work()
		h.rereads(append(mine, stays)...)
		for _, b := range mine {
			if _, err := h.a.Connect.Replay(ctx, b.id, true, "clerk"); fault.CodeOf(err) != privacy.Erased {
				t.Errorf("replay: %v", err)
			}
			h.work()
			h.gone(b, "after a webhook, a poll, a reading and a replay")
		}
		again := l.walk()
		used = append(used, l.same(after, again, "read again", byReading...)...)
		for _, o := range byErasing {
			if !slices.Contains(used, o) {
				t.Errorf("%s need not differ in %s", o.where, o.what)
			}
		}
		if diff := cmp.Diff(acts, h.acts()[:len(acts)]); diff != "" {
			t.Errorf("rows of the audit log (-before +after):\n%s", diff)
		}
		for path, text := range again {
			if strings.Contains(text, "Canaryword") || strings.Contains(text, "3001234547") {
				t.Errorf("%s shows who was erased", path)
			}
		}
	})
}

// rereads polls from the beginning, and reads orders by name.
func (h *town) rereads(all ...bought) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error { _, err := tx.Exec(`delete from channel_cursors`); return err })
	h.read()
	for _, b := range all {
		ok(h.t, h.a.Connect.Want(context.Background(), h.account, b.external, "test"))
		h.work()
	}
}

// acts are the rows of the audit log.
func (h *town) acts() []string {
	return h.all(`select n || ' ' || at || ' ' || actor || ' ' || action || ' ' || subject_kind || ' ' || subject_id || ' ' || detail from audit_log order by n`)
}
