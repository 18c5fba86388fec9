package console_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// send uploads a file in a form.
func (p *person) send(t *testing.T, path, file string, fields map[string]string) answer {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if _, ok := fields["csrf"]; !ok {
		fields["csrf"] = p.form
	}
	for k, v := range fields {
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("file", "table.csv")
	if err == nil {
		_, err = part.Write([]byte(file))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+path, &body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	return p.do(t, req)
}

var checkedField = regexp.MustCompile(`name="checked" value="([^"]+)"`)

func TestImports(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		const file = "sku,title\nNEW-1,A new one\n,no sku\n"
		if a := p.send(t, "/console/imports/products", file, map[string]string{"act": "import"}); a.status != http.StatusUnprocessableEntity {
			t.Errorf("imported without a check: %d", a.status)
		}
		a := p.send(t, "/console/imports/products", file, map[string]string{"act": "check"})
		m := checkedField.FindStringSubmatch(a.body)
		if a.status != http.StatusOK || m == nil || !strings.Contains(a.body, `<bdi>3</bdi>`) || !strings.Contains(a.body, "nothing is kept") {
			t.Fatalf("a check: %d %s", a.status, a.body)
		}
		known := func() bool {
			found := map[string]string{}
			read(t, s, func(tx *db.Tx) (err error) { found, err = s.App.Catalog.Variants(tx, []string{"NEW-1"}); return err })
			return found["NEW-1"] != ""
		}
		if known() {
			t.Error("a check kept something")
		}
		if a := p.send(t, "/console/imports/products", file+"NEW-2,Another\n", map[string]string{"act": "import", "checked": m[1]}); a.status != http.StatusUnprocessableEntity || known() {
			t.Errorf("another file than was checked is imported: %d", a.status)
		}
		if a := p.send(t, "/console/imports/products", file, map[string]string{"act": "import", "checked": m[1]}); a.status != http.StatusOK || !known() {
			t.Errorf("an import: %d %s", a.status, a.body)
		}
		if a := p.send(t, "/console/imports/stock", "nonsense", map[string]string{"act": "check"}); a.status != http.StatusOK || !strings.Contains(a.body, "the heading lacks") {
			t.Errorf("no table: %d", a.status)
		}
		if a := p.send(t, "/console/imports/products", file, map[string]string{"act": "check", "csrf": "guess"}); a.status != http.StatusForbidden {
			t.Errorf("a form of somebody else: %d", a.status)
		}
		if a := hire(t, s, access.Support).send(t, "/console/imports/products", file, map[string]string{"act": "check"}); a.status != http.StatusForbidden {
			t.Errorf("support imports: %d", a.status)
		}
	})
}

func TestJobs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		ids := []string{db.ID(), db.ID()}
		write(t, s, func(tx *db.Tx) error {
			for _, id := range ids {
				if err := jobs.Enqueue(tx, jobs.Job{ID: id, Kind: "test.nobody", Payload: map[string]int{"n": 1}, RunAt: tx.Now.AddDate(1, 0, 0)}); err != nil {
					return err
				}
			}
			return nil
		})
		p := enter(t, s, demo.StageEmail)
		if list := p.get(t, "/console/jobs?state=due&kind=test.nobody"); !strings.Contains(list.body, ids[0]) || !strings.Contains(list.body, ids[1]) {
			t.Errorf("jobs that wait: %d", list.status)
		}
		at := "/console/jobs/" + ids[0]
		if a := p.post(t, at+"/replay", url.Values{"payload": {"{"}}); a.status != http.StatusUnprocessableEntity {
			t.Errorf("a payload that is no JSON: %d", a.status)
		}
		p.post(t, at+"/replay", url.Values{"payload": {`{"n": 2}`}})
		read(t, s, func(tx *db.Tx) error {
			row, err := jobs.Get(tx, ids[0])
			if err == nil && (string(row.Payload) != `{"n":2}` || row.RunAt.After(tx.Now)) {
				t.Errorf("mended and tried again: %s at %s", row.Payload, row.RunAt)
			}
			return err
		})
		if a := p.post(t, "/console/jobs/"+ids[1]+"/discard", nil); a.status != http.StatusUnprocessableEntity {
			t.Errorf("given up without a reason: %d", a.status)
		}
		p.post(t, "/console/jobs/"+ids[1]+"/discard", url.Values{"reason": {"a duplicate"}})
		if a := p.get(t, "/console/jobs/"+ids[1]); a.status != http.StatusNotFound {
			t.Errorf("what was given up is there: %d", a.status)
		}
		read(t, s, func(tx *db.Tx) error {
			rows, err := s.App.Audit.List(tx, audit.Filter{Action: "job.discard", Subject: ids[1]}, 0, 10)
			if err == nil && (len(rows) != 1 || !strings.Contains(string(rows[0].Detail), "a duplicate")) {
				t.Errorf("the reason is not written down: %v", rows)
			}
			return err
		})
		if a := p.get(t, "/console/parked"); a.status != http.StatusOK {
			t.Errorf("events set aside: %d", a.status)
		}
	})
}

func write(t *testing.T, s *demo.Stage, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := s.App.DB.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

var (
	signing = regexp.MustCompile(`whsec_[^<"]+`) // a plus is written as an entity in it
	apiKey  = regexp.MustCompile(`<code class="code secret" dir="ltr">([^<]+)</code>`)
)

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		a := p.post(t, "/console/subscriptions", url.Values{"name": {"warehouse"}, "url": {"https://hooks.example.com/in"}, "type": {"OrderCreated"}})
		first := signing.FindString(a.body)
		if a.status != http.StatusOK || first == "" {
			t.Fatalf("added: %d %s", a.status, a.body)
		}
		var sub outbox.Subscription
		var err error
		get := func() outbox.Subscription {
			read(t, s, func(tx *db.Tx) error {
				if sub.ID != "" {
					sub, err = outbox.GetSubscription(tx, sub.ID)
					return err
				}
				all, err := outbox.Subscriptions(tx)
				sub = all[0]
				return err
			})
			return sub
		}
		at := "/console/subscriptions/" + get().ID
		if a := p.get(t, at); a.status != http.StatusOK || signing.MatchString(a.body) {
			t.Errorf("the secret is shown again: %d", a.status)
		}
		p.post(t, at+"/pause", nil)
		if got := get(); got.State != outbox.Paused {
			t.Errorf("paused: %s", got.State)
		}
		p.post(t, at+"/resume", nil)
		a = p.post(t, at+"/rotate", nil)
		if second := signing.FindString(a.body); second == "" || second == first {
			t.Errorf("another secret: %q", second)
		}
		if known, err := s.App.Vault.Values(t.Context(), "subscription:"+sub.ID, "secret"); err != nil || len(known) != 2 {
			t.Errorf("%d secrets sign, %v", len(known), err)
		}
		if err := s.Sell(1); err != nil {
			t.Fatal(err)
		}
		settle(t, s)
		var all []outbox.Delivery
		read(t, s, func(tx *db.Tx) (err error) { all, err = outbox.Deliveries(tx, sub.ID, "", "", 10); return err })
		if len(all) == 0 {
			t.Fatal("nothing is on its way")
		}
		if a := p.get(t, at); !strings.Contains(a.body, all[0].Event) {
			t.Error("deliveries are not listed")
		}
		if a := p.post(t, at+"/resend", url.Values{"delivery": {all[0].ID}}); !strings.Contains(a.body, "Sent again: 1") {
			t.Errorf("sent again: %d", a.status)
		}
		p.post(t, at+"/change", url.Values{"name": {"other"}, "url": {"https://hooks.example.com/other"}})
		p.post(t, at+"/revoke", nil)
		if got := get(); got.State != outbox.Revoked || got.Name != "other" {
			t.Errorf("ended: %+v", got)
		}
	})
}

func TestPeople(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		a := p.post(t, "/console/people", url.Values{"email": {"sana@example.com"}, "name": {"Sana"}, "role": {"picker"}, "country": {"PK"}})
		m := apiKey.FindStringSubmatch(a.body)
		if a.status != http.StatusOK || m == nil || !strings.HasPrefix(m[1], s.URL+"/console/accept#") {
			t.Fatalf("an invitation: %d %v", a.status, m)
		}
		_, token, _ := strings.Cut(m[1], "#")
		if a := visitor(s).post(t, "/console/accept", url.Values{"token": {token}, "password": {demo.StagePassword}}); a.status != http.StatusOK {
			t.Fatalf("accepted: %d", a.status)
		}
		sana := enter(t, s, "sana@example.com")
		var u access.User
		read(t, s, func(tx *db.Tx) (err error) { u, err = access.UserByID(tx, "sana@example.com"); return err })
		at := "/console/people/" + u.ID
		if a := p.get(t, at); !strings.Contains(a.body, "Picker") || strings.Contains(a.body, token) {
			t.Error("a person is not shown with roles, or the invitation is shown again")
		}
		p.post(t, at+"/grant", url.Values{"role": {"auditor"}})
		if a := sana.get(t, "/console/audit"); a.status != http.StatusOK || !strings.Contains(a.body, "user.change") {
			t.Errorf("a role given counts at once: %d", a.status)
		}
		p.post(t, at+"/ungrant", url.Values{"n": {"1"}})
		if a := sana.get(t, "/console/audit"); a.status != http.StatusForbidden {
			t.Errorf("a role taken away counts at once: %d", a.status)
		}
		var sessions []access.Session
		read(t, s, func(tx *db.Tx) (err error) { sessions, err = access.Sessions(tx, u.ID, "", 10); return err })
		p.post(t, at+"/sessions/end", url.Values{"session": {sessions[0].ID}})
		if a := sana.get(t, "/console/"); !strings.HasPrefix(a.at, "/console/signin") {
			t.Errorf("signed out there: at %s", a.at)
		}
		p.post(t, at+"/disable", nil)
		read(t, s, func(tx *db.Tx) (err error) { u, err = access.UserByID(tx, u.ID); return err })
		if u.State != access.Disabled {
			t.Errorf("shut out: %s", u.State)
		}
		read(t, s, func(tx *db.Tx) (err error) { u, err = access.UserByID(tx, demo.StageEmail); return err })
		p.post(t, "/console/people/"+u.ID+"/ungrant", url.Values{"n": {"0"}})
		read(t, s, func(tx *db.Tx) (err error) { u, err = access.UserByID(tx, demo.StageEmail); return err })
		if len(u.Grants) != 1 {
			t.Error("the last owner is taken away")
		}
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		made := func(a answer) string {
			t.Helper()
			m := apiKey.FindStringSubmatch(a.body)
			if a.status != http.StatusOK || m == nil {
				t.Fatalf("no key: %d %s", a.status, a.body)
			}
			return m[1]
		}
		first := made(p.post(t, "/console/keys", url.Values{"name": {"erp"}, "scope": {"read"}}))
		if who, err := s.App.Access.Verify(t.Context(), first); err != nil || !who.May(access.Read) || who.May(access.Write) {
			t.Errorf("the key: %v %v", who, err)
		}
		var key access.Key
		read(t, s, func(tx *db.Tx) error {
			all, err := access.List(tx, "", 10)
			key = all[len(all)-1]
			return err
		})
		if a := p.get(t, "/console/keys"); strings.Contains(a.body, first) || !strings.Contains(a.body, key.Prefix) {
			t.Error("the key is shown again, or not at all")
		}
		second := made(p.post(t, "/console/keys/"+key.ID+"/rotate", nil))
		for _, k := range []string{first, second} {
			if _, err := s.App.Access.Verify(t.Context(), k); err != nil {
				t.Errorf("both work for a while: %v", err)
			}
		}
		p.post(t, "/console/keys/"+key.ID+"/revoke", nil)
		if _, err := s.App.Access.Verify(t.Context(), first); err == nil {
			t.Error("an ended key works")
		}
		if a := p.post(t, "/console/keys", url.Values{"name": {"none"}}); a.status != http.StatusUnprocessableEntity {
			t.Errorf("a key without scopes: %d", a.status)
		}
	})
}

func TestAudit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		x, p := find(t, s), enter(t, s, demo.StageEmail)
		p.post(t, "/console/orders/"+x.order+"/hold", url.Values{"reason": {"wait"}})
		a := p.get(t, "/console/audit?subject="+x.order)
		if a.status != http.StatusOK || !strings.Contains(a.body, "order.hold") || !strings.Contains(a.body, "Amina") {
			t.Errorf("what was done to an order: %d %s", a.status, a.body)
		}
		if a := p.get(t, "/console/audit?subject="+x.order+"&action=nothing"); strings.Contains(a.body, "order.hold") {
			t.Error("a filter does not filter")
		}
		if a := p.get(t, "/console/audit?from=yesterday"); a.status != http.StatusUnprocessableEntity {
			t.Errorf("a day that is none: %d", a.status)
		}
		if a := p.get(t, "/console/audit/verify"); a.status != http.StatusOK || !strings.Contains(a.body, "Nothing was changed") {
			t.Errorf("proven: %d", a.status)
		}
	})
}

// TestDeskRoles holds that what a role may not do at these desks is neither shown nor reachable, and that who reaches a part of the business does not see what is of all of it.
func TestDeskRoles(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		desks := []string{"/console/returns", "/console/imports", "/console/jobs", "/console/subscriptions", "/console/people", "/console/keys", "/console/audit"}
		may := map[access.Role][]bool{
			access.Picker:     {true, false, false, false, false, false, false},
			access.Finance:    {true, false, false, false, false, false, false},
			access.Integrator: {true, true, true, true, false, true, false},
			access.Auditor:    {true, false, true, true, true, false, true},
		}
		forms := []string{"", "/console/imports/products", "/console/jobs/none/discard", "/console/subscriptions", "/console/people", "/console/keys", ""}
		for role, want := range may {
			p := hire(t, s, role)
			home := p.get(t, "/console/orders").body
			for i, path := range desks {
				if a := p.get(t, path); (a.status == http.StatusOK) != want[i] || !want[i] && a.status != http.StatusForbidden {
					t.Errorf("%s at %s: %d", role, path, a.status)
				}
				if strings.Contains(home, `href="`+path+`"`) != want[i] {
					t.Errorf("%s is shown %s: %v", role, path, !want[i])
				}
				if forms[i] == "" || want[i] && role == access.Integrator {
					continue
				}
				if a := p.post(t, forms[i], url.Values{"name": {"x"}}); a.status != http.StatusForbidden {
					t.Errorf("%s posts to %s: %d", role, forms[i], a.status)
				}
			}
		}
		_, _, err := s.App.Users.Add(t.Context(), s.Owner.Caller(), access.NewUser{Email: "uae@example.com", Password: demo.StagePassword, Grants: []access.Grant{{Role: access.Integrator, Area: access.Area{Countries: []string{"AE"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		part := enter(t, s, "uae@example.com")
		home := part.get(t, "/console/orders").body
		for _, path := range []string{"/console/subscriptions", "/console/keys", "/console/imports"} {
			if a := part.get(t, path); a.status != http.StatusForbidden || strings.Contains(home, `href="`+path+`"`) {
				t.Errorf("%s is about the whole business: %d", path, a.status)
			}
		}
	})
}

// TestChannelSays asks an account's page for its settings by the names that its form uses, and a comparison without a difference for that sentence.
func TestChannelSays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		var account string
		read(t, s, func(tx *db.Tx) error {
			a, err := s.App.Connect.Account(tx, "pk-shop")
			account = a.ID
			return err
		})
		at := "/console/channels/" + account
		if a := p.get(t, at); !strings.Contains(a.body, "<dt><bdi>Shop address</bdi></dt>") || !strings.Contains(a.body, "<dt><bdi>How tokens are got</bdi></dt>") || strings.Contains(a.body, "<bdi>grant</bdi>") {
			t.Errorf("settings are not called by their titles: %d\n%s", a.status, a.body)
		}
		a := p.get(t, at+"/drift")
		if rows, none := strings.Contains(a.body, `data-label="We told"`), strings.Contains(a.body, "The channel shows what we told it."); a.status != http.StatusOK || rows == none {
			t.Errorf("compared stock: %d, rows %v, says that there is no difference %v", a.status, rows, none)
		}
	})
}

// TestStockEverywhere adds up what all locations have of every item on the page, the last one too.
func TestStockEverywhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		body := p.get(t, "/console/stock?at=all").body
		row := regexp.MustCompile(`(?s)<tr data-row>.*?href="/console/stock/(OC-\d+)".*?data-label="On hand">(?:<bdi>)?(\d+)`)
		found := row.FindAllStringSubmatch(body, -1)
		if len(found) != 50 {
			t.Fatalf("%d items: %s", len(found), body)
		}
		for _, f := range [][]string{found[0], found[49]} {
			var there int64
			read(t, s, func(tx *db.Tx) error {
				return tx.QueryRow(`select cast(sum(l.on_hand) as bigint) from stock_levels l join variants v on v.id = l.variant_id where v.sku = $1 and l.condition = 'sellable'`, f[1]).Scan(&there)
			})
			if f[2] != strconv.FormatInt(there, 10) || there == 0 {
				t.Errorf("%s: the page says %s, there are %d", f[1], f[2], there)
			}
		}
	})
}

func TestChannelPlaces(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		var account string
		places := map[string]string{}
		var karachi string
		look := func() {
			read(t, s, func(tx *db.Tx) error {
				a, err := s.App.Connect.Account(tx, "pk-shop")
				if err != nil {
					return err
				}
				account = a.ID
				l, err := s.App.Inventory.LocationByCode(tx, "PK-KHI-01")
				if err != nil {
					return err
				}
				karachi = l.ID
				places, err = s.App.Connect.Places(tx, a.ID)
				return err
			})
		}
		look()
		theirs := ""
		for _, external := range places {
			theirs = external
		}
		at := "/console/channels/" + account
		if a := p.get(t, at+"?places=1"); a.status != http.StatusOK || !strings.Contains(a.body, `name="place-`+karachi+`"`) {
			t.Fatalf("the form of locations: %d", a.status)
		}
		p.post(t, at+"/map", url.Values{"place-" + karachi: {theirs}})
		if look(); places[karachi] != theirs {
			t.Errorf("Karachi is %q there", places[karachi])
		}
		if a := p.post(t, at+"/window", url.Values{"from": {"2020-01-01T00:00"}, "until": {"2099-01-01T00:00"}}); !strings.Contains(a.body, "Orders that are read again from the channel: 24") {
			t.Errorf("a window: %d %s", a.status, a.body)
		}
		if a := p.post(t, at+"/window", url.Values{"from": {"2099-01-01T00:00"}, "until": {"2020-01-01T00:00"}}); a.status != http.StatusUnprocessableEntity {
			t.Errorf("a window the wrong way round: %d", a.status)
		}
		picker := hire(t, s, access.Picker)
		for _, act := range []string{"/map", "/window"} {
			if a := picker.post(t, at+act, nil); a.status != http.StatusForbidden {
				t.Errorf("a picker posts %s: %d", act, a.status)
			}
		}
	})
}
