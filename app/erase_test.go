package app_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/backup"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/sim/shopify"
	"github.com/openclaw-pos/commerce/web/api"
)

// bought is an order of a buyer who can be told from all others.
type bought struct{ external, id, phone, email, word string }

// buyAs has somebody of that name order.
func (h *town) buyAs(word, phone string) bought {
	h.t.Helper()
	b := bought{phone: phone, email: strings.ToLower(word) + "@example.com", word: word}
	placed, err := h.shop.PlaceOrder(shopify.OrderSpec{
		Lines: []shopify.LineSpec{{SKU: "TEA-1", Quantity: 1}}, Oversell: true, Note: "for " + word,
		Buyer:    &shopify.Person{FirstName: word, LastName: "Khan", Email: b.email, Phone: phone},
		Shipping: &shopify.Address{FirstName: word, LastName: "Khan", Address1: "House 7, " + word + " Road", City: "Lahore", Province: "Punjab", Zip: "54000", Country: "PK", Phone: phone},
	})
	ok(h.t, err)
	b.external = placed.ID[strings.LastIndexByte(placed.ID, '/')+1:]
	h.read()
	b.id = ask[string](h, `select id from orders where external = $1`, b.external)
	return b
}

// keyed is somebody who opens backups, and the lock that only they open.
func keyed(t *testing.T) (*age.X25519Identity, backup.Lock) {
	t.Helper()
	own, err := age.GenerateX25519Identity()
	ok(t, err)
	lock, err := backup.LockTo([]string{own.Recipient().String()})
	ok(t, err)
	return own, lock
}

// late delivers the shop's word that an order changed, and fails when nothing personal is in it.
func (h *town) late(b bought) {
	h.t.Helper()
	_, body, err := h.shop.Webhook("orders/updated", b.external)
	ok(h.t, err)
	if !bytes.Contains(body, []byte(b.word)) {
		h.t.Fatal("the webhook brings nothing back")
	}
	h.hook("orders/updated", body)
}

// post asks the API as a person at the command line.
func (h *town) post(path string, body map[string]any, into any) int {
	h.t.Helper()
	text, err := json.Marshal(body)
	ok(h.t, err)
	r := httptest.NewRequest(http.MethodPost, "/v1"+path, bytes.NewReader(text)).WithContext(access.With(context.Background(), access.CLI("test")))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", db.ID())
	w := httptest.NewRecorder()
	h.a.API.Handler().ServeHTTP(w, r)
	if into != nil && w.Code < 300 {
		ok(h.t, json.Unmarshal(w.Body.Bytes(), into))
	}
	return w.Code
}

// run does one of the acts that time alone causes.
func (h *town) run(name string) {
	h.t.Helper()
	for _, s := range h.a.Jobs.Schedules {
		if s.Name == name {
			ok(h.t, s.Do(context.Background()))
			return
		}
	}
	h.t.Fatalf("no schedule is called %s", name)
}

// hook delivers what the shop signed.
func (h *town) hook(topic string, body []byte) {
	h.t.Helper()
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write(body)
	r := httptest.NewRequest(http.MethodPost, "/hooks/town-shop", bytes.NewReader(body))
	for k, v := range map[string]string{"Topic": topic, "Hmac-Sha256": base64.StdEncoding.EncodeToString(mac.Sum(nil)), "Shop-Domain": "town.myshopify.com", "Webhook-Id": db.ID()} {
		r.Header.Set("X-Shopify-"+k, v)
	}
	w := httptest.NewRecorder()
	h.a.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		h.t.Fatalf("the webhook %s is answered with %d: %s", topic, w.Code, w.Body)
	}
}

// keysOf are the keys with which something of an order can be read.
func (h *town) keysOf(b bought) []string {
	h.t.Helper()
	return h.all(`select k.id from personal_keys k join personal_records p on p.key_id = k.id where p.external = $1
		union select k.id from personal_keys k join inbox i on i.key_id = k.id where i.external = $1 order by 1`, b.external)
}

// wrapped are keys as they lie on the disk.
func (h *town) wrapped(ids []string) (all [][]byte) {
	h.t.Helper()
	ok(h.t, h.a.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = db.All(tx, func(row db.Scanner) (b []byte, err error) { return b, row.Scan(&b) }, `select wrapped from personal_keys where id in (select key from json_each($1))`, db.Keys(ids))
		return err
	}))
	return all
}

// books are everything a report is made of.
func (h *town) books() []string {
	h.t.Helper()
	var all []string
	for _, q := range []string{
		`select number || ' ' || state || ' ' || pay_state || ' ' || total || ' ' || owed || ' ' || tax || ' ' || discount || ' ' || ship_country || ' ' || ship_city from orders order by id`,
		`select sku || ' ' || ordered || ' ' || total || ' ' || tax from order_lines order by id`,
		`select method || ' ' || state || ' ' || amount || ' ' || captured || ' ' || refunded from order_payments order by id`,
		`select variant_id || ' ' || on_hand || ' ' || reserved from stock_levels order by variant_id`,
		`select body from events order by n`,
	} {
		all = append(all, h.all(q)...)
	}
	return all
}

// gone fails when anything of an order can be read.
func (h *town) gone(b bought, when string) {
	h.t.Helper()
	if keys := h.keysOf(b); len(keys) > 0 {
		h.t.Errorf("%s: %d keys open something of the order", when, len(keys))
	}
	if n := ask[int](h, `select count(*) from personal_records where external = $1 and (erased_at is null or phone_hash is not null or email_hash is not null)`, b.external); n > 0 {
		h.t.Errorf("%s: %d personal records are there", when, n)
	}
	if code := h.post("/orders/"+b.id+"/personal", map[string]any{"purpose": "look again"}, nil); code != http.StatusNotFound {
		h.t.Errorf("%s: reading is answered with %d", when, code)
	}
}

func (h *town) readable(b bought, when string) {
	h.t.Helper()
	var p api.Personal
	if code := h.post("/orders/"+b.id+"/personal", map[string]any{"purpose": "look again"}, &p); code != http.StatusOK || !strings.Contains(p.ShipTo.Line1, b.word) {
		h.t.Errorf("%s: reading is answered with %d, %+v", when, code, p.ShipTo.Line1)
	}
}

// TestErasedForGood follows a buyer who wishes to be forgotten through every way back there is.
func TestErasedForGood(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		ctx := context.Background()
		h.openShopify()
		canary, other := h.buyAs("Canaryword", "+923001234547"), h.buyAs("Otherword", "+923007654321")
		before, keys := h.books(), h.keysOf(canary)
		if len(keys) < 2 {
			t.Fatalf("%d keys open something of the order", len(keys))
		}
		wrapped, stays := h.wrapped(keys), h.wrapped(h.keysOf(other))
		own, lock := keyed(t)
		dir := t.TempDir()
		taken, err := backup.Take(ctx, backup.Taking{From: h.url, Out: filepath.Join(dir, "b"), Lock: lock, Trust: true})
		ok(t, err)

		var all api.BuyerExport
		if code := h.post("/personal/export", map[string]any{"phone": "0300 1234547", "country": "PK", "purpose": "wish 12"}, &all); code != http.StatusOK || len(all.Orders) != 1 ||
			all.Orders[0].OrderID != canary.id || len(all.Orders[0].Records) == 0 || all.Orders[0].Records[0].Buyer.Email != canary.email {
			t.Fatalf("exported %d %+v", code, all)
		}
		var done api.BuyerErased
		if code := h.post("/personal/erase", map[string]any{"email": canary.email, "reason": "wish 12"}, &done); code != http.StatusOK || done.Orders != 1 || done.Records == 0 {
			t.Fatalf("erased %d %+v", code, done)
		}
		h.gone(canary, "at once")
		h.readable(other, "at once")
		for _, who := range []map[string]any{{"email": canary.email}, {"phone": canary.phone}} {
			who["purpose"] = "look again"
			if code := h.post("/personal/export", who, nil); code != http.StatusNotFound {
				t.Errorf("found again: %d", code)
			}
		}
		if diff := cmp.Diff(before, h.books()); diff != "" {
			t.Errorf("the books (-before +after):\n%s", diff)
		}
		h.run("privacy.scrub")
		h.offDisk(wrapped, stays)

		h.late(canary)
		h.work()
		h.gone(canary, "after a late webhook")
		h.write(func(tx *db.Tx) error { _, err := tx.Exec(`delete from channel_cursors`); return err })
		h.read()
		ok(t, h.a.Connect.Want(ctx, h.account, canary.external, "test"))
		h.work()
		h.gone(canary, "after it was read again")
		if _, err := h.a.Connect.Replay(ctx, canary.id, true, "clerk"); fault.CodeOf(err) != privacy.Erased {
			t.Errorf("replay: %v", err)
		}
		h.gone(canary, "after a replay")
		h.run("privacy.again")
		h.run("privacy.scrub")
		h.offDisk(wrapped, stays)
		if diff := cmp.Diff(before, h.books()); diff != "" {
			t.Errorf("the books after all that (-before +after):\n%s", diff)
		}

		h.restore(taken, own, dir)
		h.gone(canary, "after a restore of the backup from before")
		h.readable(other, "after a restore")
		if diff := cmp.Diff(before, h.books()); diff != "" {
			t.Errorf("the books as restored (-before +after):\n%s", diff)
		}
		ok(t, h.a.Connect.Want(ctx, h.account, canary.external, "test"))
		h.work()
		h.gone(canary, "after the restored database read it again")
	})
}

// offDisk looks for keys in the bytes of the database: those destroyed are nowhere, those that stay are there, so the search works.
func (h *town) offDisk(gone, stays [][]byte) {
	h.t.Helper()
	disk := h.disk()
	left := func() bool {
		return slices.ContainsFunc(gone, func(k []byte) bool { return bytes.Contains(disk, k) })
	}
	// A server at work elsewhere in the database, such as its own autovacuum, keeps what it may still see: then it goes with the next scrubbing.
	for limit := time.Now().Add(patience); left() && time.Now().Before(limit); disk = h.disk() {
		_, err := h.a.DB.ScrubTables(context.Background(), "personal_keys", "vault_keys")
		ok(h.t, err)
	}
	if left() {
		h.t.Error("a destroyed key is still on the disk")
	}
	for _, k := range stays {
		if !bytes.Contains(disk, k) {
			h.t.Error("a key that is in use is not found on the disk: the search finds nothing")
		}
	}
	if bytes.Contains(disk, []byte("Canaryword")) {
		h.t.Error("something personal is on the disk in clear")
	}
}

// disk is what lies on the disk of the keys: the whole database on SQLite, their table on PostgreSQL.
func (h *town) disk() (disk []byte) {
	h.t.Helper()
	if h.a.DB.Engine() == db.SQLite {
		path := strings.TrimPrefix(h.url, "sqlite:")
		for _, end := range []string{"", "-wal"} {
			b, err := os.ReadFile(path + end)
			if !errors.Is(err, os.ErrNotExist) {
				ok(h.t, err)
			}
			disk = append(disk, b...)
		}
	} else {
		ok(h.t, h.a.DB.Read(context.Background(), func(tx *db.Tx) error {
			return tx.QueryRow(`select pg_read_binary_file(pg_relation_filepath('personal_keys')) || pg_read_binary_file(pg_relation_filepath('vault_keys'))`).Scan(&disk)
		}))
	}
	return disk
}

// restore goes on with a database made of a backup, beside the list of what was erased since.
func (h *town) restore(taken backup.Report, who age.Identity, dir string) {
	h.t.Helper()
	h.leave()
	to := db.WithSchema(h.url, "restored")
	if to == h.url {
		to = "sqlite:" + filepath.Join(dir, "restored.db")
	}
	_, err := backup.Restore(context.Background(), backup.Restoring{
		To: to, From: taken.File, Keys: taken.KeyFile, Who: backup.Identities{who}, Erased: []string{filepath.Join(h.data, app.ErasedList)},
	})
	ok(h.t, err)
	h.url = to
	h.open()
}

// TestWishesOfChannels has Shopify's compulsory webhooks do what they ask.
func TestWishesOfChannels(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		h.openShopify()
		a, b, c := h.buyAs("Canaryword", "+923001234547"), h.buyAs("Otherword", "+923007654321"), h.buyAs("Thirdword", "+923007654329")
		wish := func(topic, list string, o bought) {
			t.Helper()
			h.hook(topic, fmt.Appendf(nil, `{"shop_id":68120000017,"shop_domain":"town.myshopify.com","customer":{"id":77,"email":%q},"%s":[%s]}`, o.email, list, o.external))
		}
		open := func() []string {
			return h.all(`select kind || ' ' || state || ' ' || erased || ' ' || waiting from privacy_requests order by asked_at, id`)
		}
		cases := func() []string {
			return h.all(`select state from exceptions where cause = 'privacy_request' order by id`)
		}

		wish("customers/data_request", "orders_requested", a)
		wish("customers/data_request", "orders_requested", a)
		if diff := cmp.Diff([]string{"export open 0 0"}, open()); diff != "" {
			t.Fatal(diff)
		}
		var all api.BuyerExport
		request := ask[string](h, `select id from privacy_requests`)
		if code := h.post("/personal/export", map[string]any{"request": request, "purpose": "the shop asks"}, &all); code != http.StatusOK || len(all.Orders) != 1 || all.Orders[0].Records[0].Buyer.Email != a.email {
			t.Fatalf("exported %d %+v", code, all)
		}
		if diff := cmp.Diff([]string{"resolved"}, cases()); diff != "" {
			t.Error(diff)
		}

		wish("customers/redact", "orders_to_redact", a) // not finished: the parcel is still to be sent
		h.run("privacy.requests")
		if diff := cmp.Diff([]string{"export done 0 0", "erase open 0 1"}, open()); diff != "" {
			t.Error(diff)
		}
		h.readable(a, "while it is to be sent")
		if diff := cmp.Diff([]string{"resolved", "open"}, cases()); diff != "" {
			t.Error(diff)
		}
		ok(t, h.shop.Cancel(a.external))
		h.read()
		h.write(func(tx *db.Tx) error { _, err := tx.Exec(`update privacy_requests set next_at = 0`); return err })
		h.run("privacy.requests")
		h.gone(a, "after customers/redact")
		h.readable(b, "after customers/redact of another")
		if diff := cmp.Diff([]string{"export done 0 0", "erase done 1 0"}, open()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"resolved", "resolved"}, cases()); diff != "" {
			t.Error(diff)
		}

		h.hook("shop/redact", []byte(`{"shop_id":68120000017,"shop_domain":"town.myshopify.com"}`))
		h.run("privacy.requests")
		for _, o := range []bought{b, c} {
			h.gone(o, "after shop/redact")
		}
		if n := ask[int](h, `select count(*) from inbox i join personal_keys k on k.id = i.key_id`); n != 0 {
			t.Errorf("%d payloads of the shop can be read", n)
		}
		if n := ask[int](h, `select count(*) from privacy_requests where state = 'open'`); n != 0 {
			t.Errorf("%d wishes are open", n)
		}
	})
}

// TestKeptLongEnough has personal data go when its country's and its channel's time is over.
func TestKeptLongEnough(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		ctx := context.Background()
		h.openShopify()
		done, going := h.buyAs("Canaryword", "+923001234547"), h.buyAs("Otherword", "+923007654321")
		ok(t, h.shop.Cancel(done.external))
		h.read()
		before := h.books()
		since := func(days int) {
			at := h.a.DB.Now().AddDate(0, 0, -days).UnixMicro()
			h.write(func(tx *db.Tx) error {
				_, err := tx.Exec(`update orders set cancelled_at = $1, closed_at = null where id = $2`, at, done.id)
				return err
			})
		}
		rule := func(name, days string) {
			ok(t, h.a.Policy.Set(ctx, policy.Row{Country: "PK", Name: name, Value: days, Unit: policy.Days, From: time.Unix(1, 0), Source: "test", Confidence: "setting"}, "test"))
		}
		since(364)
		h.run("privacy.keep")
		h.readable(done, "before the year is over")
		rule("personal_keep.amazon", "30")
		h.run("privacy.keep")
		h.readable(done, "under another channel's rule")
		rule("personal_keep.shopify", "363")
		h.run("privacy.keep")
		h.gone(done, "after the channel's time")
		h.readable(going, "of an order that is not finished")
		if diff := cmp.Diff(before, h.books()); diff != "" {
			t.Errorf("the books (-before +after):\n%s", diff)
		}
		if n := ask[int](h, `select count(*) from audit_log where action = 'personal.expire'`); n != 1 {
			t.Errorf("%d rows in the audit log", n)
		}
		ok(t, h.a.Connect.Want(ctx, h.account, done.external, "test"))
		h.work()
		h.gone(done, "after it was read again")
	})
}
