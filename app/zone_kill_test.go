package app_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/sim/shopify"
	"github.com/openclaw-pos/commerce/sim/torture/check"
	"github.com/openclaw-pos/commerce/web/api"
)

const (
	killZone = "APP_TEST_ZONE" // the zone's database
	killPlan = "APP_TEST_PLAN" // file that says what the other process does
)

// plan is one life of the process that is killed: it does what was not answered before, then one act, in which it stops before one of the commits, of whichever database.
type plan struct {
	Before []act
	Act    act
	Commit int // the how manieth commit of the act never comes
}

// act is something that somebody asks for, and asks for again until it is answered.
type act struct {
	Kind     string // hook, poll, address, erase
	External string // the order
	Key      string // of the delivery, or of the request
	Body     []byte
}

// TestKilledInZone is the other process. Without the environment there is nothing to do.
func TestKilledInZone(t *testing.T) {
	file := os.Getenv(killPlan)
	if file == "" {
		return
	}
	text, err := os.ReadFile(file)
	ok(t, err)
	var p plan
	ok(t, json.Unmarshal(text, &p))
	var armed atomic.Bool
	var commits atomic.Int64
	cfg := zoneConfig(os.Getenv(killURL), os.Getenv(killData), os.Getenv(killZone))
	cfg.DBOptions.Fails = func(s db.Step) error {
		if s == db.AtCommit && armed.Load() && commits.Add(1) == int64(p.Commit) {
			fmt.Println("stopped")
			select {} // until it is killed
		}
		return nil
	}
	a, err := app.Open(t.Context(), cfg)
	ok(t, err)
	d := &deed{t: t, town: &town{t: t, a: a}}
	d.expire()
	d.land()
	for _, b := range p.Before {
		d.do(b)
	}
	armed.Store(true)
	d.do(p.Act)
	armed.Store(false)
	fmt.Printf("done %d\n", commits.Load())
	ok(t, a.Close())
}

func zoneConfig(url, data, zone string) app.Config {
	cfg := config(url, data)
	cfg.Zones, cfg.Here = []app.Zone{{Name: "pk", DB: zone}}, "PK"
	return cfg
}

// deed is the process that is killed, at work.
type deed struct {
	t *testing.T
	*town
}

// expire ends the leases of the one that was killed before, here and in the zone.
func (d *deed) expire() {
	d.town.expire()
	d.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`update idempotency_keys set lease_until = 1 where state = 'running'`)
		return err
	})
	s, err := d.a.Zones.Zone("pk")
	ok(d.t, err)
	ok(d.t, s.Keep(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(`update inbox set next_at = 0 where state = 'stored'`)
		return err
	}))
}

// land imports what is stored.
func (d *deed) land() {
	for n := 1; n > 0; {
		var err error
		n, err = d.a.Connect.ImportOnce(context.Background())
		ok(d.t, err)
	}
}

// do does an act to its end, and says when it was answered.
func (d *deed) do(x act) {
	switch x.Kind {
	case "hook":
		d.hook(x)
	case "poll":
		_, err := d.a.Connect.Poll(context.Background(), ask[string](d.town, `select id from channel_accounts`))
		ok(d.t, err)
	case "address":
		var set struct{ ID string }
		changes := "/orders/" + d.order(x) + "/changes"
		d.ask(changes, x.Key, x.Body, &set)
		d.ask(changes+"/"+set.ID+"/confirm", "confirm "+x.Key, []byte(`{}`), nil)
	case "erase":
		d.ask("/personal/erase", x.Key, []byte(`{"order":"`+d.order(x)+`","reason":"letter 7"}`), nil)
	}
	fmt.Println("answered " + x.Key)
	d.land()
}

func (d *deed) order(x act) string {
	return ask[string](d.town, `select id from orders where external = $1`, x.External)
}

// hook delivers the order as the shop signs it.
func (d *deed) hook(x act) {
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write(x.Body)
	r := httptest.NewRequest(http.MethodPost, "/hooks/town-shop", bytes.NewReader(x.Body))
	for k, v := range map[string]string{"Topic": "orders/create", "Hmac-Sha256": base64.StdEncoding.EncodeToString(mac.Sum(nil)), "Shop-Domain": "town.myshopify.com", "Webhook-Id": x.Key} {
		r.Header.Set("X-Shopify-"+k, v)
	}
	w := httptest.NewRecorder()
	if d.a.Handler().ServeHTTP(w, r); w.Code != http.StatusOK {
		d.t.Fatalf("the webhook is answered %d: %s", w.Code, w.Body)
	}
}

// ask asks the API under a key of its own.
func (d *deed) ask(path, key string, body []byte, into any) {
	r := httptest.NewRequest(http.MethodPost, "/v1"+path, bytes.NewReader(body)).WithContext(access.With(context.Background(), access.CLI("test")))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	r.Header.Set("If-Match", "*")
	w := httptest.NewRecorder()
	if d.a.API.Handler().ServeHTTP(w, r); w.Code >= 300 {
		d.t.Fatalf("%s is answered %d: %s", path, w.Code, w.Body)
	}
	if into != nil {
		ok(d.t, json.Unmarshal(w.Body.Bytes(), into))
	}
}

// live has another process live a plan, kills it where it stops, and answers what was answered, and how many commits there were when it came to the end.
func (h *zoned) live(p plan) (answered map[string]bool, commits int) {
	h.t.Helper()
	text, err := json.Marshal(p)
	ok(h.t, err)
	file := filepath.Join(h.data, "plan.json")
	ok(h.t, os.WriteFile(file, text, 0o600))
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledInZone$", "-test.v")
	cmd.Env = append(os.Environ(), killURL+"="+h.url, killData+"="+h.data, killZone+"="+h.zone, killPlan+"="+file)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ok(h.t, err)
	ok(h.t, cmd.Start())
	defer func() { _ = cmd.Wait() }()
	late := time.AfterFunc(5*patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	answered = map[string]bool{}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
		word, what, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "answered":
			answered[what] = true
		case "done":
			_, err := fmt.Sscan(what, &commits)
			ok(h.t, err)
		case "stopped":
			ok(h.t, cmd.Process.Kill()) // SIGKILL: nothing is tidied up
			return answered, 0
		}
	}
	if commits == 0 {
		h.t.Fatalf("the other process ended by itself:\n%s", strings.Join(said, "\n"))
	}
	return answered, commits
}

// orderOf has somebody buy at the shop, which we have not heard of yet.
func (h *zoned) orderOf(word string) bought {
	h.t.Helper()
	b := bought{word: word, email: strings.ToLower(word) + "@example.com", phone: "+923001112233"}
	placed, err := h.shop.PlaceOrder(shopify.OrderSpec{
		Lines: []shopify.LineSpec{{SKU: "TEA-1", Quantity: 1}}, Oversell: true, Buyer: &shopify.Person{FirstName: word, LastName: "Khan", Email: b.email, Phone: b.phone},
		Shipping: &shopify.Address{FirstName: word, LastName: "Khan", Address1: "House 7, " + word + " Road", City: "Lahore", Province: "Punjab", Zip: "54000", Country: "PK", Phone: b.phone},
	})
	ok(h.t, err)
	b.external = placed.ID[strings.LastIndexByte(placed.ID, '/')+1:]
	return b
}

// A process that is killed before any of the commits of what it does with a zone leaves nothing that the next one does not bring to its end: nothing is lost, nothing is
// there twice, and nothing that belongs to the zone is anywhere else.
func TestZoneKilled(t *testing.T) {
	t.Parallel()
	zones(t, func(t *testing.T, h *zoned) {
		h.stock(200, "more")
		h.leave()
		var all, gone []bought
		recorded := 0 // before which commit a record is in the zone whose order is not here yet
		for _, c := range []struct {
			kind  string
			least int // commits that it has at least: the zone's, the main database's, and the zone's again
		}{{"hook", 6}, {"poll", 5}, {"address", 4}, {"erase", 3}} {
			var waits []act // what was not answered
			for n, ended := 1, false; !ended; n++ {
				b := h.orderOf(fmt.Sprintf("%s%d", c.kind, n))
				x := act{Kind: c.kind, External: b.external, Key: db.ID()}
				switch c.kind {
				case "hook":
					_, body, err := h.shop.Webhook("orders/create", b.external)
					ok(t, err)
					x.Body = body
				case "address", "erase":
					waits = append([]act{{Kind: "poll"}}, waits...)
					x.Body = []byte(`{"address":{"line_1":"Moved to ` + b.word + ` Lane"}}`)
				}
				if all = append(all, b); c.kind == "erase" {
					gone = append(gone, b)
				}
				answered, commits := h.live(plan{Before: waits, Act: x, Commit: n})
				waits = slices.DeleteFunc(append(waits, x), func(w act) bool { return w.Kind == "poll" || answered[w.Key] })
				if recorded == 0 && h.unheardOf(b) {
					recorded = n
				}
				if ended = commits > 0; ended && (commits < c.least || len(waits) > 0) {
					t.Errorf("%s has %d commits, so too few were tried, or was not answered: %d", c.kind, commits, len(waits))
				}
				if n > 30 {
					t.Fatalf("%s never comes to its end", c.kind)
				}
			}
			h.arrived(all, "after the last "+c.kind) // before anything else reads them again
		}
		sure := slices.Clone(all)
		for n := max(1, recorded-2); ; n++ { // one commit may be more or less: numbers of orders are stocked now and then
			b := h.orderOf(fmt.Sprintf("lost%d", n))
			all = append(all, b)
			lost, answered := h.lost(b, n)
			if lost {
				break
			}
			if answered {
				sure = append(sure, b)
			}
			if n > recorded+3 {
				t.Fatal("there is never a record without an order")
			}
		}
		h.start(app.Zone{Name: "pk", DB: h.zone})
		rest := &deed{t, h.town}
		rest.expire()
		rest.land()
		h.arrived(sure, "before the channel is asked again")
		for _, name := range []string{"zone.pk.keep", "zone.pk.again", "zone.pk.settle"} {
			h.run(name)
		}
		if n := h.there(`select count(*) from personal_records where external = $1`, all[len(all)-1].external); n != 0 {
			t.Error("a record that nobody will ask for is still there")
		}
		h.run("zone.pk.reconcile") // what was lost for good is read from the channel again
		h.read()
		h.whole(all, gone)
	})
}

// unheardOf reports whether the zone has a record of an order that is not here.
func (h *zoned) unheardOf(b bought) bool {
	h.t.Helper()
	var records, orders int
	ok(h.t, outside(h.t, h.zone).QueryRow(`select count(*) from personal_records where external = $1`, b.external).Scan(&records))
	ok(h.t, outside(h.t, h.url).QueryRow(`select count(*) from orders where external = $1`, b.external).Scan(&orders))
	return records > 0 && orders == 0
}

// arrived fails unless each order is here once, with a record in the zone, and no message waits, as their drivers see both databases.
func (h *zoned) arrived(all []bought, when string) {
	h.t.Helper()
	main, zone := outside(h.t, h.url), outside(h.t, h.zone)
	count := func(d *sql.DB, query string, args ...any) (n int) {
		h.t.Helper()
		ok(h.t, d.QueryRow(query, args...).Scan(&n))
		return n
	}
	for _, b := range all {
		orders, records := count(main, `select count(*) from orders where external = $1`, b.external), count(zone, `select count(*) from personal_records where external = $1`, b.external)
		if orders != 1 || records == 0 {
			h.t.Errorf("%s, %s is %d orders with %d records", when, b.word, orders, records)
		}
	}
	if n := count(zone, `select count(*) from inbox where state <> 'done'`); n != 0 {
		h.t.Errorf("%s, %d messages wait", when, n)
	}
}

// lost has a process killed between an order's record and the order; a day passes, and its message is gone, too. It reports whether it was between them, and whether the
// message was answered.
func (h *zoned) lost(b bought, commit int) (lost, answered bool) {
	h.t.Helper()
	_, body, err := h.shop.Webhook("orders/create", b.external)
	ok(h.t, err)
	x := act{Kind: "hook", External: b.external, Key: db.ID(), Body: body}
	said, _ := h.live(plan{Act: x, Commit: commit})
	if !h.unheardOf(b) {
		return false, said[x.Key]
	}
	zone := outside(h.t, h.zone)
	for _, q := range []string{
		`delete from personal_keys where id in (select key_id from inbox where external = $1)`, `delete from inbox where external = $1`,
		`update personal_records set created_at = created_at - 90000000000 where external = $1`,
	} {
		_, err := zone.Exec(q, b.external)
		ok(h.t, err)
	}
	return true, said[x.Key]
}

// whole checks from outside that every order is there once and what is kept of it is in its zone, the erased ones excepted.
func (h *zoned) whole(all, gone []bought) {
	h.t.Helper()
	erased := map[string]bool{}
	for _, b := range gone {
		erased[b.external] = true
	}
	for _, b := range all {
		ids := h.all(`select id from orders where external = $1`, b.external)
		if len(ids) != 1 {
			h.t.Errorf("%s: %d orders", b.word, len(ids))
			continue
		}
		var p api.Personal
		code := h.post("/orders/"+ids[0]+"/personal", map[string]any{"purpose": "look again"}, &p)
		switch {
		case erased[b.external]:
			if n := h.kept(b); n != 0 || code != http.StatusNotFound {
				h.t.Errorf("%s was erased: %d things can be read, it is answered %d", b.word, n, code)
			}
		case code != http.StatusOK || !strings.HasPrefix(p.Buyer.Name, b.word):
			h.t.Errorf("%s: reveal is answered %d, %s", b.word, code, p.Buyer.Name)
		case strings.HasPrefix(b.word, "address") != strings.HasPrefix(p.ShipTo.Line1, "Moved to "+b.word):
			h.t.Errorf("%s lives at %s", b.word, p.ShipTo.Line1)
		}
	}
	if n := ask[int](h.town, `select count(*) from orders`); n != len(all) {
		h.t.Errorf("%d orders of %d", n, len(all))
	}
	h.nothingHere("at the end")
	if n := h.there(`select count(*) from inbox where state <> 'done'`); n != 0 {
		h.t.Errorf("%d messages wait", n)
	}
	if n := h.there(`select count(*) from personal_keys k where not exists (select 1 from personal_records p where p.key_id = k.id) and not exists (select 1 from inbox i where i.key_id = k.id)`); n != 0 {
		h.t.Errorf("%d keys open nothing", n)
	}
	h.sound()
}

// sound asks the rules that hold in every committed moment, of both databases, and proves the audit log.
func (h *zoned) sound() {
	h.t.Helper()
	ctx := context.Background()
	for name, address := range map[string]string{"main": h.url, "zone": h.zone} {
		found, err := check.Always(ctx, outside(h.t, address))
		ok(h.t, err)
		for _, what := range found {
			h.t.Errorf("%s: %s", name, what)
		}
	}
	ok(h.t, h.a.DB.Read(ctx, func(tx *db.Tx) error {
		wrong, err := h.a.Inventory.Verify(tx)
		if len(wrong) > 0 {
			h.t.Errorf("%v", wrong)
		}
		return err
	}))
	for n := 1; n > 0; {
		var err error
		n, err = h.a.Linker.Link(ctx)
		ok(h.t, err)
	}
	if r, err := h.a.Audit.Verify(ctx, h.a.DB); err != nil || r.Broken != nil || r.Linked == 0 {
		h.t.Errorf("the audit log: %+v, %v", r, err)
	}
}

// outside is a database as its driver sees it.
func outside(t *testing.T, address string) *sql.DB {
	t.Helper()
	driver, source := "sqlite", "file:"+strings.TrimPrefix(strings.TrimSuffix(address, "?sync=off"), "sqlite:")+"?_pragma=busy_timeout(20000)"
	if strings.HasPrefix(address, "postgres") {
		u, err := url.Parse(address)
		ok(t, err)
		q := u.Query()
		schema := q.Get("schema")
		if schema == "" {
			schema = "commerce"
		}
		q.Del("schema")
		q.Set("search_path", schema)
		u.RawQuery = q.Encode()
		driver, source = "pgx", u.String()
	}
	d, err := sql.Open(driver, source)
	ok(t, err)
	t.Cleanup(func() { ok(t, d.Close()) })
	return d
}
