package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// person is somebody who signed in with these roles.
func person(grants ...access.Grant) access.Caller {
	return access.User{ID: "u-1", Name: "Somebody", Grants: grants}.Caller()
}

// as asks the server as somebody, in this process.
func (h house) as(who access.Caller, method, path, body string, headers ...string) answer {
	r := httptest.NewRequest(method, path, strings.NewReader(body)).WithContext(access.With(context.Background(), who))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.Handler().ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.Bytes()}
}

// denied reports whether an answer says that the permission is missing, and not something else.
func (a answer) denied() bool {
	var p struct{ Code string }
	return a.status == 403 && json.Unmarshal(a.body, &p) == nil && (p.Code == "permission" || p.Code == "area")
}

// table reads who may do what out of docs/permissions.md: roles by "METHOD /path", and the rows.
func table(t *testing.T) (may map[string][]string, rows map[string]string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(text), "## Operations\n\n")
	if !ok {
		t.Fatal("docs/permissions.md has no table of operations")
	}
	may, rows = map[string][]string{}, map[string]string{}
	for _, line := range strings.Split(part, "\n")[2:] {
		cells := strings.Split(line, "|")
		if len(cells) < 4+len(access.Jobs) {
			continue
		}
		name := strings.Trim(strings.TrimSpace(cells[1]), "`")
		name, _, _ = strings.Cut(name, "`")
		may[name], rows[name] = []string{}, strings.TrimSpace(cells[3])
		for i, j := range access.Jobs {
			if strings.TrimSpace(cells[4+i]) == "x" {
				may[name] = append(may[name], string(j.Role))
			}
		}
	}
	return may, rows
}

// TestPermissions visits every route with every role, and compares with the table in docs/permissions.md.
func TestPermissions(t *testing.T) {
	t.Parallel()
	t.Run("every operation names its permission, which is in the scope of keys that it says", func(t *testing.T) {
		t.Parallel()
		used := map[access.Permission]bool{}
		for _, o := range openWhole(t, dbtest.SQLiteURL(t, false)).Operations() {
			right, ok := access.RightOf(o.Need)
			if !ok || right.Scope != o.Scope {
				t.Errorf("%s needs %q, of scope %q, and says %q: give it a line in permits.go", o.ID, o.Need, right.Scope, o.Scope)
			}
			if o.Rows == "" {
				t.Errorf("%s says of no rows that it is about them", o.ID)
			}
			used[o.Need] = true
		}
		for _, r := range access.Rights {
			if !used[r.Name] {
				t.Errorf("%s is needed by nothing", r.Name)
			}
		}
	})
	t.Run("every role is let through where the table says so, and nowhere else", func(t *testing.T) {
		t.Parallel()
		visit(t, func(role access.Role) access.Grant { return access.Grant{Role: role} }, func(string) bool { return true })
	})
	t.Run("who has a part of the business does nothing that is about the whole", func(t *testing.T) {
		t.Parallel()
		visit(t, func(role access.Role) access.Grant {
			return access.Grant{Role: role, Area: access.Area{Countries: []string{"PK"}}}
		}, func(rows string) bool { return rows != string(access.Whole) })
	})
	t.Run("who has no role does nothing", func(t *testing.T) {
		t.Parallel()
		h := openWhole(t, dbtest.SQLiteURL(t, false))
		for _, o := range operations(t, h.house) {
			if a := h.as(person(), o.method, o.path, sent(o)); a.status != 403 {
				t.Errorf("%s %s answers %d", o.method, o.path, a.status)
			}
		}
	})
}

// sent is a right body of an operation.
func sent(o operation) string {
	if o.body == nil {
		return ""
	}
	b, _ := json.Marshal(o.body)
	return string(b)
}

func visit(t *testing.T, grant func(access.Role) access.Grant, reaches func(rows string) bool) {
	h := openWhole(t, dbtest.SQLiteURL(t, false))
	h.furnish(t)
	may, rows := table(t)
	byID := map[string]string{}
	for _, o := range h.Operations() {
		byID[o.ID] = o.Method + " " + o.Path
	}
	for _, o := range operations(t, h.house) {
		name := byID[o.id]
		if may[name] == nil {
			t.Errorf("%s is not in docs/permissions.md", name)
			continue
		}
		got, want := []string{}, []string{}
		for _, j := range access.Jobs {
			headers := []string{"If-Match", "*", "Idempotency-Key", db.ID()}
			if o.media != "" {
				headers = append(headers, "Content-Type", o.media)
			}
			if !h.as(person(grant(j.Role)), o.method, o.path, sent(o), headers...).denied() {
				got = append(got, string(j.Role))
			}
			if slices.Contains(may[name], string(j.Role)) && reaches(rows[name]) {
				want = append(want, string(j.Role))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-table +visited):\n%s", name, diff)
		}
	}
}

// towns are a house with a company and a location in Lahore and one in Dubai, which sell the same goods.
type towns struct {
	whole
	lahore, dubai string            // ids of the locations
	order         map[string]string // number of an order by town
	secrets       []string          // every name of something of Dubai
	samples       []string          // one name of every kind
}

// sell imports an order of one mug for a location's account.
func (w whole) sell(t *testing.T, account, external string) string {
	t.Helper()
	acc := w.do(t, "GET", "/v1/accounts/"+account, "").want(t, 200).json(t)
	country, currency, zone := acc["country"].(string), acc["currency"].(string), acc["zone"].(string)
	at := w.db.Now().Add(-time.Hour)
	amount := money.Of(50000, currency)
	if err := w.app.Order.Stock(t.Context(), country, "ownsite", 10); err != nil {
		t.Fatal(err)
	}
	var landed []channel.Landing
	w.write(t, func(tx *db.Tx) error {
		var err error
		landed, err = w.app.Order.Import(tx, []channel.Arrival{{
			Inbox: "inbox-" + external, Source: "direct", Hash: "h", AddressOK: true, Change: channel.Change{External: external, Version: at, ReadAt: at},
			Account: channel.Account{ID: acc["id"].(string), Name: account, Channel: "ownsite", Country: country, Currency: currency, Zone: zone, LegalEntity: acc["legal_entity_id"].(string), Mode: channel.Live},
			Order: channel.Order{
				External: external, Number: external, Version: at, PlacedAt: at, Status: channel.Open, Country: country, Currency: currency, TaxMode: channel.TaxInclusive, Money: channel.MoneyComplete,
				Lines: []channel.Line{{External: "l1", Listing: channel.ListingRef{External: "x-MUG", SKU: "MUG"}, Title: "MUG", Quantity: 1, UnitPrice: amount, Total: amount, FulfilledBy: channel.Seller, Ships: true}}, Total: amount,
				Payments: []channel.Payment{{External: "p1", Method: channel.PayCard, Status: channel.Paid, Amount: amount, At: at}}, ShipTo: channel.Address{Country: country, City: "City", Province: "Province"},
			},
		}})
		return err
	})
	if landed[0].Decision != channel.Imported {
		t.Fatalf("the order is %s: %s", landed[0].Decision, landed[0].Why)
	}
	w.settle(t)
	return landed[0].Number
}

// eachTown runs a test in both engines, with an open order in each town, and one of Dubai that was sent, came back and is paid out.
func eachTown(t *testing.T, f func(t *testing.T, w towns)) {
	t.Helper()
	for engine, url := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return dbtest.SQLiteURL(tb, false) },
		"postgres": func(tb testing.TB) string { return dbtest.PostgresURL(tb) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := towns{whole: openWhole(t, url(t)), order: map[string]string{}}
			w.furnish(t)
			post := func(method, path, body string, status int) map[string]any {
				return w.do(t, method, path, body, "Idempotency-Key", db.ID(), "If-Match", "*").want(t, status).json(t)
			}
			post("POST", "/v1/legal-entities", `{"code":"AE","name":"Retail AE","country":"AE","currency":"AED"}`, 201)
			w.dubai = post("PUT", "/v1/locations/DXB", `{"name":"Dubai","kind":"warehouse","country":"AE","zone":"Asia/Dubai","fulfils":true}`, 200)["id"].(string)
			w.lahore = post("PUT", "/v1/locations/LHE", `{"name":"Lahore","kind":"warehouse","country":"PK","zone":"Asia/Karachi","fulfils":true}`, 200)["id"].(string)
			w.do(t, "POST", "/v1/imports/stock", "sku,location,quantity\nMUG,DXB,20\n", "Content-Type", "text/csv").want(t, 200)
			post("POST", "/v1/accounts", `{"name":"web-ae","channel":"ownsite","country":"AE","currency":"AED","zone":"Asia/Dubai","settings":{"storefront":"ae"},"mode":"live","skip_check":true}`, 201)
			w.settle(t)
			w.order["lahore"] = w.sell(t, "web", "SHARED-1")
			w.order["dubai"] = w.sell(t, "web-ae", "DXB-OPEN")
			w.history(t)
			w.secrets = w.names(t)
			f(t, w)
		})
	}
}

// history sends a second order of Dubai, which comes back, and raises a case about the first.
func (w *towns) history(t *testing.T) {
	t.Helper()
	sent := w.sell(t, "web-ae", "DXB-SENT")
	fo := "/v1/fulfillment-orders/" + w.first(t, "/v1/fulfillment-orders?order="+sent)["number"].(string)
	w.act(t, fo, "pick", `{"code":"MUG","quantity":1}`, 200)
	packed := w.act(t, fo, "pack", `{}`, 202)
	shipment := "/v1/shipments/" + packed["shipment_ids"].([]any)[0].(string)
	w.act(t, shipment, "waybill", `{"carrier":"Aramex","tracking_number":"DXBTRACK1"}`, 200)
	w.do(t, "POST", shipment+"/hand-over", `{}`).want(t, 200)
	w.settle(t)
	w.do(t, "POST", shipment+"/scan", `{"status":"delivered","at":"`+w.db.Now().Format(time.RFC3339)+`"}`).want(t, 200)
	w.settle(t)
	r := w.do(t, "POST", "/v1/returns", fmt.Sprintf(`{"order":%q,"reason":"too small","approve":true}`, sent)).want(t, 201).json(t)
	w.settle(t)
	back := "/v1/returns/" + r["number"].(string)
	w.act(t, back, "receive", `{"location":"DXB"}`, 200)
	line := w.do(t, "GET", "/v1/orders/"+sent, "").json(t)["lines"].([]any)[0].(map[string]any)["id"].(string)
	w.act(t, back, "inspect", fmt.Sprintf(`{"verdicts":[{"line_id":%q,"quantity":1,"disposition":"sellable"}]}`, line), 200)
	w.act(t, back, "refund", `{"method":"payout"}`, 202)
	open := w.do(t, "GET", "/v1/orders/"+w.order["dubai"], "").json(t)["id"].(string)
	w.write(t, func(tx *db.Tx) error {
		return exception.Raise(tx, exception.Case{Cause: exception.MoneyMismatch, SubjectKind: "order", Subject: open, Order: open})
	})
}

// names are all the names that things of Dubai have: ids, numbers, tracking numbers.
func (w *towns) names(t *testing.T) []string {
	t.Helper()
	queries := []string{
		`select id from locations where country = 'AE'`, `select id from channel_accounts where country = 'AE'`, `select name from channel_accounts where country = 'AE'`, `select id from legal_entities where country = 'AE'`,
		`select id from orders where country = 'AE'`, `select number from orders where country = 'AE'`, `select external from orders where country = 'AE'`,
		`select l.id from order_lines l join orders o on o.id = l.order_id where o.country = 'AE'`,
	}
	for _, table := range []string{"fulfillment_orders", "dispatch_shipments", "returns_rma"} {
		for _, column := range []string{"id", "number"} {
			queries = append(queries, `select x.`+column+` from `+table+` x join orders o on o.id = x.order_id where o.country = 'AE'`)
		}
	}
	for _, table := range []string{"refunds", "reservations", "exceptions", "events", "tells"} {
		queries = append(queries, `select x.id from `+table+` x join orders o on o.id = x.order_id where o.country = 'AE'`)
	}
	queries = append(queries, `select m.id from stock_movements m join locations l on l.id = m.location_id where l.country = 'AE'`, `select id from channel_products where account_id in (select id from channel_accounts where country = 'AE')`)
	var all []string
	if err := w.db.Read(t.Context(), func(tx *db.Tx) error {
		for _, q := range queries {
			found, err := db.All(tx, func(s db.Scanner) (v string, err error) { err = s.Scan(&v); return v, err }, q)
			if err != nil {
				return err
			}
			all = append(all, found...)
			if len(found) > 0 {
				w.samples = append(w.samples, found[0])
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(all) < 30 {
		t.Fatalf("Dubai has %d names only", len(all))
	}
	w.samples = append(w.samples, "DXBTRACK1")
	return append(all, "DXBTRACK1")
}

// outsiders are those who have nothing to do with Dubai.
func (w *towns) outsiders(t *testing.T) map[string]access.Caller {
	t.Helper()
	lahore := access.Area{Locations: []string{w.lahore}}
	pk := access.Area{Countries: []string{"PK"}}
	plain, _, err := w.app.Access.Make(t.Context(), access.System("test"), access.NewKey{Name: "Lahore's till", Scopes: []access.Scope{access.Admin, access.Hooks}, Area: lahore})
	if err != nil {
		t.Fatal(err)
	}
	key, err := w.app.Access.Verify(t.Context(), plain.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]access.Caller{
		"picker of Lahore":                                  person(access.Grant{Role: access.Picker, Area: lahore}),
		"branch manager of Lahore":                          person(access.Grant{Role: access.BranchManager, Area: lahore}),
		"owner of Lahore":                                   person(access.Grant{Role: access.Owner, Area: lahore}),
		"owner of Pakistan":                                 person(access.Grant{Role: access.Owner, Area: pk}),
		"support of Pakistan":                               person(access.Grant{Role: access.Support, Area: pk}, access.Grant{Role: access.Picker, Area: lahore}),
		"key with all of Lahore":                            key,
		"auditor of a company, finance of nothing in Dubai": person(access.Grant{Role: access.Auditor, Area: access.Area{LegalEntities: []string{"none"}}}),
	}
}

// TestReach: who has Lahore neither lists, nor searches, guesses by id, exports or infers through counts an order of Dubai.
func TestReach(t *testing.T) {
	t.Parallel()
	eachTown(t, func(t *testing.T, w towns) {
		for name, who := range w.outsiders(t) {
			w.lists(t, name, who)
			w.guesses(t, name, who)
			w.searches(t, name, who)
		}
		w.own(t)
		w.counts(t)
		if o := w.do(t, "GET", "/v1/orders/"+w.order["dubai"], "").want(t, 200).json(t); o["state"] != "open" || o["units_open"] == float64(0) {
			t.Errorf("Dubai's order was touched: %v", o)
		}
	})
}

// says finds a name of Dubai in an answer.
func (w *towns) says(a answer) string {
	for _, s := range w.secrets {
		if strings.Contains(string(a.body), s) {
			return s
		}
	}
	return ""
}

// lists asks for everything that needs no name.
func (w *towns) lists(t *testing.T, name string, who access.Caller) {
	t.Helper()
	for _, o := range operations(t, w.house) {
		if o.method != "GET" || o.missing {
			continue
		}
		for _, more := range []string{"", "limit=500", "internal=true&limit=500", "state=any&limit=500", "state=", "sku=MUG"} {
			path := o.path
			if more != "" {
				path += map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + more
			}
			if a := w.as(who, "GET", path, ""); w.says(a) != "" {
				t.Errorf("%s: %s shows %s: %s", name, path, w.says(a), a.body)
			}
		}
	}
	for _, path := range []string{"/v1/stock/MUG/explain", "/v1/stock/MUG/movements", "/v1/stock?sku=MUG", "/v1/reservations?sku=MUG", "/v1/shortages?sku=MUG"} {
		a := w.as(who, "GET", path, "")
		if w.says(a) != "" || strings.Contains(string(a.body), "DXB") {
			t.Errorf("%s: %s shows Dubai: %s", name, path, a.body)
		}
	}
}

// guesses names things of Dubai in every path: the answer is the one for a name that was never given.
func (w *towns) guesses(t *testing.T, name string, who access.Caller) {
	t.Helper()
	bodies := map[string]operation{}
	for _, o := range operations(t, w.house) {
		bodies[o.id] = o
	}
	for _, o := range w.Operations() {
		if !strings.Contains(o.Path, "{id}") && !strings.Contains(o.Path, "{delivery}") {
			continue
		}
		ask := func(ref string) answer {
			path := "/v1" + strings.NewReplacer("{id}", ref, "{delivery}", ref, "{change}", "none", "{location}", "LHE").Replace(o.Path)
			return w.as(who, o.Method, path, sent(bodies[o.ID]), "If-Match", "*", "Idempotency-Key", db.ID())
		}
		want := ask("none")
		some := w.samples
		if want.denied() {
			some = some[:1] // it is no matter of names
		}
		for _, s := range some {
			got := ask(s)
			if got.status < 400 || got.status != want.status || strings.ReplaceAll(string(got.body), s, "none") != strings.ReplaceAll(string(want.body), s, "none") {
				t.Errorf("%s: %s of Dubai's %s answers %d %s, and of nothing %d %s", name, o.ID, s, got.status, got.body, want.status, want.body)
			}
		}
	}
}

// searches names things of Dubai in parameters and bodies.
func (w *towns) searches(t *testing.T, name string, who access.Caller) {
	t.Helper()
	number := w.order["dubai"]
	tries := []struct{ method, path, body, it string }{
		{"GET", "/v1/orders?number=%s", "", number},
		{"GET", "/v1/orders?account=%s", "", "web-ae"},
		{"GET", "/v1/orders?country=%s", "", "AE"},
		{"GET", "/v1/fulfillment-orders?order=%s", "", number},
		{"GET", "/v1/fulfillment-orders?location=%s", "", "DXB"},
		{"GET", "/v1/pick-list?location=%s", "", "DXB"},
		{"GET", "/v1/shipments?order=%s", "", number},
		{"GET", "/v1/shipments?tracking=%s", "", "DXBTRACK1"},
		{"GET", "/v1/shipments?location=%s", "", "DXB"},
		{"GET", "/v1/returns?order=%s", "", number},
		{"GET", "/v1/returns?location=%s", "", "DXB"},
		{"GET", "/v1/exceptions?location=%s", "", w.dubai},
		{"GET", "/v1/stock?location=%s", "", "DXB"},
		{"GET", "/v1/stock/MUG/movements?location=%s", "", "DXB"},
		{"GET", "/v1/stock/MUG/explain?account=%s", "", "web-ae"},
		{"GET", "/v1/reservations?order=%s", "", number},
		{"GET", "/v1/reservations?location=%s", "", "DXB"},
		{"GET", "/v1/shortages?order=%s", "", number},
		{"GET", "/v1/listings?account=%s", "", "web-ae"},
		{"GET", "/v1/stock-drift?account=%s", "", "web-ae"},
		{"GET", "/v1/events?account=%s", "", "web-ae"},
		{"POST", "/v1/returns", `{"order":"%s","reason":"x"}`, number},
		{"POST", "/v1/returns", `{"order":"` + w.order["lahore"] + `","location":"%s","reason":"x"}`, "DXB"},
		{"POST", "/v1/stock/adjust", `{"sku":"MUG","location":"%s","delta":1,"note":"x"}`, "DXB"},
		{"POST", "/v1/stock/set", `{"items":[{"sku":"MUG","location":"%s","quantity":1}]}`, "DXB"},
		{"POST", "/v1/stock/transfers", `{"number":"T-1","from":"%s","to":"LHE","items":[{"sku":"MUG","quantity":1}]}`, "DXB"},
		{"POST", "/v1/stock/transfers", `{"number":"T-2","from":"LHE","to":"%s","items":[{"sku":"MUG","quantity":1}]}`, "DXB"},
		{"PUT", "/v1/stock/policy", `{"safety":[{"sku":"MUG","location":"%s","quantity":1}]}`, "DXB"},
		{"PUT", "/v1/stock/policy", `{"buffers":[{"sku":"MUG","account":"%s","quantity":1}]}`, "web-ae"},
	}
	for _, x := range tries {
		ask := func(it string) answer {
			fill := func(text string) string {
				if strings.Contains(text, "%s") {
					return fmt.Sprintf(text, it)
				}
				return text
			}
			return w.as(who, x.method, fill(x.path), fill(x.body), "Idempotency-Key", db.ID())
		}
		nothing := "ZZ"
		got, want := ask(x.it), ask(nothing)
		if x.method != "GET" && got.status < 400 || got.status != want.status || strings.ReplaceAll(string(got.body), x.it, nothing) != string(want.body) {
			t.Errorf("%s: %s %s %s with %s answers %d %s, and with nothing %d %s", name, x.method, x.path, x.body, x.it, got.status, got.body, want.status, want.body)
		}
	}
}

// own: the picker of Lahore works on what is Lahore's.
func (w *towns) own(t *testing.T) {
	t.Helper()
	picker := person(access.Grant{Role: access.Picker, Area: access.Area{Locations: []string{w.lahore}}})
	items := func(path string) []any {
		all, _ := w.as(picker, "GET", path, "").want(t, 200).json(t)["items"].([]any)
		return all
	}
	orders, work := items("/v1/orders"), items("/v1/fulfillment-orders")
	if len(orders) != 1 || orders[0].(map[string]any)["number"] != w.order["lahore"] || len(work) != 1 || len(items("/v1/locations")) != 1 {
		t.Fatalf("the picker sees %v and is to do %v", orders, work)
	}
	w.as(picker, "GET", "/v1/orders/"+w.order["lahore"], "").want(t, 200)
	w.as(picker, "GET", "/v1/orders/SHARED-1", "").want(t, 200)
	number := work[0].(map[string]any)["number"].(string)
	w.as(picker, "POST", "/v1/fulfillment-orders/"+number+"/accept", "", "If-Match", "*").want(t, 200)
	w.as(picker, "POST", "/v1/fulfillment-orders/"+number+"/pick", `{"code":"MUG"}`, "If-Match", "*").want(t, 200)
	w.as(picker, "POST", "/v1/orders/"+w.order["lahore"]+"/cancel", `{"reason":"x"}`, "If-Match", "*").want(t, 403)
	if m := items("/v1/stock?sku=MUG"); len(m) != 1 {
		t.Errorf("the picker sees the stock of %d places", len(m))
	}
	w.as(picker, "GET", "/v1/stock/MUG/explain", "").want(t, 200)
}

// counts: a count says how much there is within reach, and does not change with what is not.
func (w *towns) counts(t *testing.T) {
	t.Helper()
	picker := person(access.Grant{Role: access.Picker, Area: access.Area{Locations: []string{w.lahore}}})
	before := w.as(picker, "GET", "/v1/exceptions/counts", "").want(t, 200)
	if strings.Contains(string(before.body), "money_mismatch") {
		t.Errorf("Dubai's case is counted: %s", before.body)
	}
	lahore := w.do(t, "GET", "/v1/orders/"+w.order["lahore"], "").json(t)["id"].(string)
	w.write(t, func(tx *db.Tx) error {
		return exception.Raise(tx, exception.Case{Cause: exception.MoneyMismatch, SubjectKind: "order", Subject: lahore, Order: lahore})
	})
	after := w.as(picker, "GET", "/v1/exceptions/counts", "").want(t, 200)
	if !strings.Contains(string(after.body), `"open":1`) || strings.Contains(string(after.body), `"open":2`) {
		t.Errorf("one case of Lahore is counted as %s", after.body)
	}
	if n := strings.Count(string(w.do(t, "GET", "/v1/exceptions/counts", "").body), `"open":2`); n == 0 {
		t.Error("who has the whole business counts both")
	}
}
