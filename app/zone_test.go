package app_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/backup"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/web/api"
)

// zoned is a town of which what is personal is kept in a zone called pk.
type zoned struct {
	*town
	zone string // its database
}

// zones runs a test with main database and zone on each engine, and once on two.
func zones(t *testing.T, f func(t *testing.T, h *zoned)) {
	t.Helper()
	lite := func(t *testing.T) string { return dbtest.SQLiteURL(t, true) }
	server := func(t *testing.T) string { return dbtest.PostgresURL(t) }
	for name, of := range map[string][2]func(*testing.T) string{"sqlite": {lite, lite}, "postgres": {server, server}, "sqlite, zone postgres": {lite, server}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &zoned{town: &town{t: t, url: of[0](t), data: t.TempDir(), variants: map[string]string{}, gate: &gate{}}, zone: of[1](t)}
			h.start(app.Zone{Name: "pk", DB: h.zone})
			t.Cleanup(func() {
				if h.a != nil {
					ok(t, h.a.Close())
				}
			})
			h.build()
			h.rule("residency", "pk", policy.Text)
			h.openShopify()
			f(t, h)
		})
	}
}

// start opens the house, allowed in some zones.
func (h *zoned) start(in ...app.Zone) {
	h.t.Helper()
	cfg := config(h.url, h.data)
	cfg.Zones, cfg.Here = in, "PK"
	a, err := app.Open(context.Background(), cfg)
	ok(h.t, err)
	h.a = a
}

// again closes the house and opens it allowed in other zones.
func (h *zoned) again(in ...app.Zone) {
	h.t.Helper()
	h.leave()
	h.start(in...)
}

func (h *zoned) rule(name, value string, unit policy.Unit) {
	h.t.Helper()
	ok(h.t, h.a.Policy.Set(context.Background(), policy.Row{Country: "PK", Name: name, Value: value, Unit: unit, From: time.Unix(0, 0), Source: "test", Confidence: "setting"}, "test"))
}

// there counts in the zone.
func (h *zoned) there(query string, args ...any) (n int) {
	h.t.Helper()
	s, err := h.a.Zones.Zone("pk")
	ok(h.t, err)
	ok(h.t, s.Look(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) }))
	return n
}

// kept counts what can be read of an order in the zone.
func (h *zoned) kept(b bought) int {
	h.t.Helper()
	return h.there(`select (select count(*) from personal_records p join personal_keys k on k.id = p.key_id where p.external = $1 and p.erased_at is null)
		+ (select count(*) from inbox i join personal_keys k on k.id = i.key_id where i.external = $1)`, b.external)
}

// nothingHere fails when the main database keeps anything that belongs to the zone.
func (h *zoned) nothingHere(when string) {
	h.t.Helper()
	if n := ask[int](h.town, `select (select count(*) from inbox) + (select count(*) from personal_records) + (select count(*) from personal_keys)
		+ (select count(*) from channel_cursors where stream = 'orders')`); n != 0 {
		h.t.Errorf("%s: %d rows that belong to the zone are in the main database", when, n)
	}
}

// status asks the API and answers the status and the problem's words.
func (h *zoned) status(method, path, body string) (int, string) {
	h.t.Helper()
	r := httptest.NewRequest(method, "/v1"+path, strings.NewReader(body)).WithContext(access.With(context.Background(), access.CLI("test")))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", db.ID())
	r.Header.Set("If-Match", "*")
	w := httptest.NewRecorder()
	h.a.API.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestZoneKeeps(t *testing.T) {
	t.Parallel()
	zones(t, func(t *testing.T, h *zoned) {
		b := h.buyAs("Zainab", "+923001112233")
		other := h.buyAs("Bilal", "+923004445566")
		h.nothingHere("after two orders")
		var who api.Personal
		if code := h.post("/orders/"+b.id+"/personal", map[string]any{"purpose": "call the buyer"}, &who); code != http.StatusOK || !strings.Contains(who.Buyer.Name, "Zainab") {
			t.Errorf("reveal is answered %d, %s", code, who.Buyer.Name)
		}
		if n := ask[int](h.town, `select count(*) from audit_log where action = 'personal.read' and purpose = 'call the buyer'`); n != 1 {
			t.Errorf("%d readings are written down", n)
		}
		var all api.BuyerExport
		if code := h.post("/personal/export", map[string]any{"phone": b.phone, "purpose": "asked by letter"}, &all); code != http.StatusOK || len(all.Orders) != 1 || len(all.Orders[0].Records) == 0 {
			t.Errorf("the export is answered %d with %d orders", code, len(all.Orders))
		}
		t.Run("an address that a person changes is kept in the zone", func(t *testing.T) {
			if code, text := h.status("POST", "/orders/"+b.id+"/changes", `{"address":{"line_1":"House 9, Zainab Road"}}`); code >= 300 {
				t.Errorf("it is answered %d: %s", code, text)
			}
			h.nothingHere("after a change of address")
		})
		t.Run("buyers are found while the key of the lookup is replaced", func(t *testing.T) {
			if code, text := h.status("POST", "/personal/rotate-lookup", ``); code >= 300 {
				t.Fatalf("it is answered %d: %s", code, text)
			}
			h.run("zone.pk.lookup")
			if n := h.there(`select count(*) from personal_records where hash_key <> (select id from vault_keys where zone = 'pk' and purpose = 'find' and state = 'active')`); n != 0 {
				t.Errorf("%d records are hashed with the old key", n)
			}
			if code := h.post("/personal/export", map[string]any{"email": b.email, "purpose": "asked by letter"}, &all); code != http.StatusOK {
				t.Errorf("the export is answered %d", code)
			}
		})
		t.Run("what is erased is erased in the zone, and does not come back", func(t *testing.T) {
			h.read() // what the channel says of our own acts
			books := h.books()
			var e api.BuyerErased
			if code := h.post("/personal/erase", map[string]any{"phone": b.phone, "reason": "letter 7"}, &e); code != http.StatusOK || e.Orders != 1 || e.Records == 0 {
				t.Fatalf("it is answered %d: %+v", code, e)
			}
			if n := h.kept(b); n != 0 {
				t.Errorf("%d things of the order can be read", n)
			}
			if n := h.kept(other); n == 0 {
				t.Error("another buyer's data went, too")
			}
			ok(t, h.a.Connect.Want(context.Background(), h.account, b.external, "person"))
			h.read()
			if n := h.kept(b); n != 0 {
				t.Errorf("read again, %d things of the order can be read", n)
			}
			if d := cmp.Diff(books, h.books()); d != "" {
				t.Errorf("the books changed (-before +after):\n%s", d)
			}
			if n := ask[int](h.town, `select count(*) from erasures where subject = $1`, b.external); n != 1 {
				t.Errorf("the main database knows of %d erasures", n)
			}
		})
		t.Run("the main database has a record of nothing personal", func(t *testing.T) { h.nothingHere("at the end") })
	})
}

// A process that is not allowed in the zone does everything else.
func TestZoneElsewhere(t *testing.T) {
	t.Parallel()
	zones(t, func(t *testing.T, h *zoned) {
		b := h.buyAs("Zainab", "+923001112233")
		h.again()
		if code, text := h.status("GET", "/orders/"+b.id, ""); code != http.StatusOK {
			t.Errorf("the order is answered %d: %s", code, text)
		}
		for path, body := range map[string]string{
			"/orders/" + b.id + "/personal": `{"purpose":"call the buyer"}`,
			"/orders/" + b.id + "/erase":    `{"reason":"letter 7"}`,
		} {
			if code, text := h.status("POST", path, body); code != http.StatusForbidden || !strings.Contains(text, "kept in zone pk; this process is not allowed there") {
				t.Errorf("%s is answered %d: %s", path, code, text)
			}
		}
		if code, text := h.status("POST", "/personal/export", `{"phone":"`+b.phone+`","purpose":"asked by letter"}`); code != http.StatusNotFound || !strings.Contains(text, "not asked: zone pk") {
			t.Errorf("the export is answered %d: %s", code, text)
		}
		var all api.BuyerExport
		if code := h.post("/personal/export", map[string]any{"order": b.id, "purpose": "asked by letter"}, &all); code != http.StatusOK || len(all.NotAsked) != 1 || all.NotAsked[0] != "pk" {
			t.Errorf("the export of an order is answered %d: not asked %v", code, all.NotAsked)
		}
		if code := h.hooked(); code != http.StatusServiceUnavailable {
			t.Errorf("a webhook is answered %d", code)
		}
		for _, name := range []string{"privacy.keep", "privacy.requests", "privacy.again", "connect.reconcile", "connect.sweep", "privacy.scrub"} {
			h.run(name)
		}
		var d api.Diagnosis
		if code, text := h.status("GET", "/doctor", ""); code != http.StatusOK || !strings.Contains(text, "zone pk") {
			t.Errorf("the doctor says %d: %s %v", code, text, d)
		}
		if _, err := h.a.Connect.Add(context.Background(), connect.Adding{Name: "second", Channel: "shopify", Country: "PK", LegalEntity: h.entity, SkipCheck: true, Settings: map[string]string{"shop": "x.myshopify.com", "client_id": "c"}, Secrets: map[string]string{"client_secret": "s"}}); fault.CodeOf(err) != privacy.Elsewhere {
			t.Errorf("a new account of the country is answered %v", err)
		}
		h.nothingHere("without the zone")
		h.again(app.Zone{Name: "pk", DB: h.zone})
		h.read()
		if n := ask[int](h.town, `select count(*) from orders`); n != 1 {
			t.Errorf("%d orders", n)
		}
	})
}

// hooked delivers a new order by webhook and answers the status.
func (h *zoned) hooked() int {
	h.t.Helper()
	body := `{"id":1,"admin_graphql_api_id":"gid://shopify/Order/1"}`
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte(body))
	r := httptest.NewRequest(http.MethodPost, "/hooks/town-shop", strings.NewReader(body))
	for k, v := range map[string]string{"Topic": "orders/create", "Hmac-Sha256": base64.StdEncoding.EncodeToString(mac.Sum(nil)), "Shop-Domain": "town.myshopify.com", "Webhook-Id": db.ID()} {
		r.Header.Set("X-Shopify-"+k, v)
	}
	w := httptest.NewRecorder()
	h.a.Handler().ServeHTTP(w, r)
	return w.Code
}

// A zone whose store does not answer keeps nobody else from working, and is used as soon as it does.
func TestZoneDown(t *testing.T) {
	t.Parallel()
	h := &zoned{town: &town{t: t, url: dbtest.SQLiteURL(t, true), data: t.TempDir(), variants: map[string]string{}, gate: &gate{}}}
	h.start(app.Zone{Name: "pk", DB: "postgres://nobody@127.0.0.1:1/none"})
	defer func() { ok(t, h.a.Close()) }()
	h.build()
	h.openShopify() // there is no rule yet: it is kept in the main zone
	h.buyAs("Zainab", "+923001112233")
	states, err := h.a.API.ZoneStates(context.Background())
	ok(t, err)
	if len(states) != 1 || states[0].State != "down" || states[0].Note == "" {
		t.Errorf("the zones are %+v", states)
	}
	if _, err := h.a.Zones.Zone("pk"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("its store is answered %v", err)
	}
	h.rule("residency", "pk", policy.Text)
	if err := h.a.Connect.Move(context.Background(), "town-shop", "pk", "test"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("moving an account there is answered %v", err)
	}
	if _, text := h.status("GET", "/doctor", ""); !strings.Contains(text, "zone pk") {
		t.Errorf("the doctor says %s", text)
	}
	code, text := h.machine("/readyz")
	var ready api.Ready
	ok(t, json.Unmarshal([]byte(text), &ready))
	if code != http.StatusOK || !ready.Ready || len(ready.Down) != 1 || ready.Down[0].Name != "pk" || ready.Down[0].Since.IsZero() || !strings.Contains(ready.Reason, "the store of zone pk has not answered since") {
		t.Errorf("ready is answered %d: %s", code, text)
	}
	if _, text := h.machine("/metrics"); !strings.Contains(text, `openclaw_zone_down{zone="pk"} 1`) || strings.Contains(text, "inbox:pk") {
		t.Errorf("the metrics are:\n%s", text)
	}
}

// machine asks as a machine of the house does.
func (h *zoned) machine(path string) (int, string) {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	h.a.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// What waits in a zone is watched like what waits here.
func TestZoneWatched(t *testing.T) {
	t.Parallel()
	zones(t, func(t *testing.T, h *zoned) {
		b := h.orderOf("Zainab")
		_, body, err := h.shop.Webhook("orders/create", b.external)
		ok(t, err)
		h.hook("orders/create", body)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- h.a.Run(ctx, app.Web) }() // nobody imports
		defer func() { cancel(); ok(t, <-ended) }()
		var ready api.Ready
		for limit := time.Now().Add(patience); ; {
			code, text := h.machine("/readyz")
			ready = api.Ready{}
			ok(t, json.Unmarshal([]byte(text), &ready))
			if q := ready.Queues["inbox:pk"]; code == http.StatusOK && q.Waiting == 1 && !q.Oldest.IsZero() {
				break
			}
			if time.Now().After(limit) {
				t.Fatalf("ready is answered %d: %s", code, text)
			}
			<-time.After(10 * time.Millisecond)
		}
		if len(ready.Down) > 0 {
			t.Errorf("it says %+v", ready)
		}
		if _, text := h.machine("/metrics"); !strings.Contains(text, `openclaw_zone_down{zone="pk"} 0`) || !strings.Contains(text, `openclaw_queue_waiting{queue="inbox:pk"} 1`) {
			t.Errorf("the metrics are:\n%s", text)
		}
	})
}

// A destroyed key that another session of the zone's database might still see is tried again within minutes, and said until then.
func TestZoneScrub(t *testing.T) {
	t.Parallel()
	zones(t, func(t *testing.T, h *zoned) {
		ctx := context.Background()
		b := h.buyAs("Zainab", "+923001112233")
		s, err := h.a.Zones.Zone("pk")
		ok(t, err)
		scrub := func() (out privacy.Scrub) {
			t.Helper()
			ok(t, s.Look(ctx, func(tx *db.Tx) (err error) { out, err = s.Scrub(tx); return err }))
			return out
		}
		looks := func() {}
		if s.DB().Engine() == db.PostgreSQL {
			tx, err := outside(t, h.zone).BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
			ok(t, err)
			_, err = tx.Exec(`select zone from residency`) // what it sees from now on, it may see until it ends
			ok(t, err)
			looks = func() { ok(t, tx.Rollback()) }
		}
		if code := h.post("/personal/erase", map[string]any{"order": b.id, "reason": "letter 7"}, nil); code != http.StatusOK {
			t.Fatalf("erasing is answered %d", code)
		}
		h.run("zone.pk.scrub")
		if s.DB().Engine() == db.PostgreSQL {
			if scrub().Left == 0 {
				t.Fatal("nothing is left, though it can be seen")
			}
			if _, text := h.status("GET", "/doctor", ""); !strings.Contains(text, "destroyed keys are still on its disk") {
				t.Errorf("the doctor says %s", text)
			}
		}
		looks()
		for limit := time.Now().Add(patience); scrub().Left > 0; { // the server's autovacuum may look, too
			ok(t, s.Keep(ctx, func(tx *db.Tx) error { // five minutes pass
				_, err := tx.Exec(`update privacy_progress set updated_at = updated_at - 301000000 where name = 'scrub.left'`)
				return err
			}))
			h.run("zone.pk.scrub.left")
			if time.Now().After(limit) {
				t.Fatalf("it stays at %+v", scrub())
			}
		}
		if scrub().At.IsZero() {
			t.Error("it never came to its end")
		}
		if _, text := h.status("GET", "/doctor", ""); strings.Contains(text, "destroyed keys are still on its disk") {
			t.Errorf("the doctor says %s", text)
		}
	})
}

// A program from before there were zones would keep in the main database what their accounts receive: it does not open one that has such an account.
func TestZoneKeepsOldProgramsOut(t *testing.T) {
	t.Parallel()
	const zones = 18 // the migration since which there are zones
	h := &zoned{town: &town{t: t, url: dbtest.SQLiteURL(t, true), data: t.TempDir(), variants: map[string]string{}, gate: &gate{}}, zone: dbtest.SQLiteURL(t, true)}
	h.start(app.Zone{Name: "pk", DB: h.zone})
	defer func() { ok(t, h.a.Close()) }()
	h.build()
	oldest := func() int { t.Helper(); return ask[int](h.town, `select oldest from schema_version`) }
	before := oldest()
	if before >= zones {
		t.Fatalf("schema %d is asked for anyway", before)
	}
	h.openShopify()
	if n := oldest(); n != before {
		t.Errorf("without an account in a zone, schema %d is asked for", n)
	}
	ok(t, h.a.Connect.Move(context.Background(), "town-shop", "pk", "test"))
	if n := oldest(); n != zones {
		t.Errorf("with one, schema %d", n)
	}
	forget := func() { // as a restored database has it
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`update schema_version set oldest = $1`, before)
			return err
		})
	}
	forget()
	h.again(app.Zone{Name: "pk", DB: h.zone})
	if n := oldest(); n != zones {
		t.Errorf("after a start, schema %d", n)
	}
	forget()
	_, err := h.a.Connect.Add(context.Background(), connect.Adding{
		Name: "second", Channel: "shopify", Country: "PK", LegalEntity: h.entity, Residency: "pk", SkipCheck: true, Actor: "test",
		Settings: map[string]string{"shop": "x.myshopify.com", "client_id": "c"}, Secrets: map[string]string{"client_secret": "s"},
	})
	ok(t, err)
	if n := oldest(); n != zones {
		t.Errorf("with another one, schema %d", n)
	}
}

// A database is one zone's store, once and for good.
func TestZoneClaim(t *testing.T) {
	t.Parallel()
	zones(t, func(t *testing.T, h *zoned) {
		h.leave()
		mixed := config(h.zone, h.data)
		if _, err := app.Open(context.Background(), mixed); !fault.Is(err, fault.Conflict) {
			t.Errorf("the zone's store as the main database: %v", err)
		}
		for name, in := range map[string]app.Zone{
			"another zone's store":       {Name: "ae", DB: h.zone},
			"the main one's":             {Name: "pk", DB: h.url, KeyFile: filepath.Join(h.data, "vault.key")},
			"a name with a slash":        {Name: "a/b", DB: h.zone},
			"the name of the main zone":  {Name: "main", DB: h.zone},
			"a key that is another zone": {Name: "pk", DB: h.zone, KeyFile: filepath.Join(h.data, "vault.key")},
		} {
			cfg := config(h.url, h.data)
			cfg.Zones = []app.Zone{in}
			a, err := app.Open(context.Background(), cfg)
			if err == nil {
				ok(t, a.Close())
			}
			if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		h.start(app.Zone{Name: "pk", DB: h.zone})
	})
}

// A rule keeps what is personal from leaving its zone; who asks is told why, and it is written down.
func TestZoneTransfer(t *testing.T) {
	t.Parallel()
	zones(t, func(t *testing.T, h *zoned) {
		b := h.buyAs("Zainab", "+923001112233")
		h.rule("personal_transfer", `to == "export" ? "buyers of Pakistan are not exported" : to == "person" && here != "PK" ? "read in Pakistan only" : to == "courier" && partner != "manual" ? "no courier of this name" : ""`, policy.Expr)
		if code, text := h.status("POST", "/personal/export", `{"order":"`+b.id+`","purpose":"asked by letter"}`); code != http.StatusForbidden || !strings.Contains(text, "buyers of Pakistan are not exported") {
			t.Errorf("the export is answered %d: %s", code, text)
		}
		if n := ask[int](h.town, `select count(*) from audit_log where action = 'personal.refuse' and detail like '%buyers of Pakistan%'`); n != 1 {
			t.Errorf("%d refusals are written down", n)
		}
		if code, text := h.status("POST", "/orders/"+b.id+"/personal", `{"purpose":"call the buyer"}`); code != http.StatusOK {
			t.Errorf("at home it is answered %d: %s", code, text)
		}
		reading := privacy.Reading{Actor: "clerk", Purpose: "label", To: "courier:leopards"}
		if _, err := h.a.Zones.Read(context.Background(), h.account, ask[string](h.town, `select buyer_id from orders`), reading); fault.CodeOf(err) != "transfer_refused" {
			t.Errorf("a courier is answered %v", err)
		}
		h.rule("personal_transfer", `nobody > 1 ? "x" : ""`, policy.Expr)
		if code, text := h.status("POST", "/orders/"+b.id+"/personal", `{"purpose":"call the buyer"}`); code != http.StatusForbidden || !strings.Contains(text, "mend it first") {
			t.Errorf("by a rule that cannot be asked it is answered %d: %s", code, text)
		}
	})
}

// A record whose order never came is deleted after a while; what came, waits or is young stays.
func TestZoneOrphans(t *testing.T) {
	t.Parallel()
	zones(t, func(t *testing.T, h *zoned) {
		b := h.buyAs("Zainab", "+923001112233")
		s, err := h.a.Zones.Zone("pk")
		ok(t, err)
		save := func(external string, age time.Duration) {
			sealed, err := s.SealRecord(privacy.Record{Account: h.account, External: external, Person: privacy.Person{Name: "Nobody " + external}})
			ok(t, err)
			ok(t, s.Keep(context.Background(), func(tx *db.Tx) error { return s.SaveRecords(tx, sealed) }))
			ok(t, s.Keep(context.Background(), func(tx *db.Tx) error {
				_, err := tx.Exec(`update personal_records set created_at = $2 where external = $1`, external, tx.Now.Add(-age).UnixMicro())
				return err
			}))
		}
		save("lost", 25*time.Hour)
		save("young", 23*time.Hour)
		save(b.external, 25*time.Hour)
		h.run("zone.pk.keep")
		if n := h.there(`select count(*) from personal_records where external = 'lost'`); n != 0 {
			t.Error("a record that nobody will ask for is still there")
		}
		if n := h.there(`select count(*) from personal_keys k where not exists (select 1 from personal_records p where p.key_id = k.id) and not exists (select 1 from inbox i where i.key_id = k.id)`); n != 0 {
			t.Errorf("%d keys open nothing", n)
		}
		if n := h.there(`select count(*) from personal_records where external = 'young'`); n != 1 {
			t.Error("a young record is gone: its import may be under way")
		}
		if n := h.kept(b); n == 0 {
			t.Error("the records of an order are gone")
		}
	})
}

// What time alone causes is done in the zone, too: retention, the channel's wishes, and new keys.
func TestZoneWork(t *testing.T) {
	t.Parallel()
	zones(t, func(t *testing.T, h *zoned) {
		b := h.buyAs("Zainab", "+923001112233")
		other := h.buyAs("Bilal", "+923004445566")
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`update orders set state = 'cancelled', cancelled_at = $1`, tx.Now.UnixMicro())
			return err
		})
		h.hook("customers/redact", []byte(`{"shop_domain":"town.myshopify.com","customer":{"id":7},"orders_to_redact":[`+b.external+`]}`))
		h.run("privacy.requests")
		if n := h.kept(b); n == 0 {
			t.Error("the main zone carried out the wish")
		}
		h.run("zone.pk.requests")
		if n := h.kept(b); n != 0 {
			t.Errorf("%d things of an order that its buyer wished away can be read", n)
		}
		if n := ask[int](h.town, `select count(*) from privacy_requests where state = 'open'`); n != 0 {
			t.Errorf("%d wishes are open", n)
		}
		s, err := h.a.Zones.Zone("pk")
		ok(t, err)
		t.Run("new keys", func(t *testing.T) {
			if s.DB().Engine() != db.SQLite {
				return // the next key of a file that several machines share is made by a person
			}
			was := s.Vault().Fingerprint()
			if code, text := h.status("POST", "/vault/rotate", `{"zone":"pk"}`); code >= 300 {
				t.Fatalf("it is answered %d: %s", code, text)
			}
			h.run("zone.pk.rotate")
			if s.Vault().Fingerprint() == was {
				t.Error("the zone's key is the one it was")
			}
			if n := h.kept(other); n == 0 {
				t.Error("what was kept is gone")
			}
			if code, text := h.status("POST", "/orders/"+other.id+"/personal", `{"purpose":"call the buyer"}`); code != http.StatusOK {
				t.Errorf("with the new key it is answered %d: %s", code, text)
			}
		})
		h.rule("personal_keep", "0", policy.Days)
		h.rule("personal_keep.shopify", "0", policy.Days)
		h.run("zone.pk.keep")
		if n := h.kept(other); n != 0 {
			t.Errorf("%d things that were kept long enough can be read", n)
		}
		for _, what := range []string{"again", "scrub", "scrub.left", "sweep", "settle", "reconcile", "drift"} {
			h.run("zone.pk." + what)
		}
		h.nothingHere("at the end")
	})
}

// A zone's store is backed up and restored by itself; what was erased since stays away.
func TestZoneBackup(t *testing.T) {
	t.Parallel()
	zones(t, func(t *testing.T, h *zoned) {
		ctx := context.Background()
		b := h.buyAs("Zainab", "+923001112233")
		other := h.buyAs("Bilal", "+923004445566")
		who, lock := keyed(t)
		dir := t.TempDir()
		taken, err := backup.Take(ctx, backup.Taking{From: h.zone, Out: filepath.Join(dir, "zone.backup"), Lock: lock, Trust: true})
		ok(t, err)
		if code := h.post("/personal/erase", map[string]any{"order": b.id, "reason": "letter 7"}, nil); code != http.StatusOK {
			t.Fatalf("erasing is answered %d", code)
		}
		h.leave()
		to := db.WithSchema(h.zone, "restored")
		if to == h.zone {
			to = "sqlite:" + filepath.Join(dir, "restored.db")
		}
		_, err = backup.Restore(ctx, backup.Restoring{To: to, From: taken.File, Keys: taken.KeyFile, Who: backup.Identities{who}, Erased: []string{filepath.Join(h.data, app.ErasedList)}})
		ok(t, err)
		h.start(app.Zone{Name: "pk", DB: to})
		if n := h.kept(b); n != 0 {
			t.Errorf("%d things that were erased are back", n)
		}
		if code, text := h.status("POST", "/orders/"+other.id+"/personal", `{"purpose":"call the buyer"}`); code != http.StatusOK || !strings.Contains(text, "Bilal") {
			t.Errorf("what was kept is answered %d: %s", code, text)
		}
		h.read() // the cursor is where the backup has it: what is read twice is known
		if n := ask[int](h.town, `select count(*) from orders`); n != 2 {
			t.Errorf("%d orders", n)
		}
		if n := h.kept(b); n != 0 {
			t.Errorf("read again, %d things that were erased are back", n)
		}
	})
}
