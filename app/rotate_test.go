package app_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// sealedRows are kept from before the rotation.
const sealedRows = 10_000

// TestRotationUnderLoad replaces the key-encryption key while orders come in by webhook, kills the process with SIGKILL amid re-wrapping ten thousand rows, and has the next one
// finish: no acknowledged order is lost, everything sealed can be read, and whoever has the old key and every byte of the database opens nothing.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		h.openShopify()
		h.seal(t, sealedRows)
		old, err := os.ReadFile(h.keyFile())
		ok(t, err)
		wrapped := h.underOld()
		plain, _, err := h.a.Access.Create(t.Context(), access.System("test"), "rotates", []access.Scope{access.Admin}, time.Time{})
		ok(t, err)
		r := &rotating{town: h, key: plain.Reveal()}
		load := h.pour(t, 160)
		h.secondKey(t, old)

		p := h.start(app.Roles...)
		load.at(p.url)
		load.waitFor(t, 20)
		go func() { _, _ = r.post(p.url) }() // it works for some seconds, and is cut off
		seen := r.wait(t, p.url, func(v vault.Rotation) bool {
			return v.Step == "reseal" && v.Seen >= sealedRows/10 || v.Step == "settle"
		})
		load.at("")
		p.kill()
		t.Logf("killed at %s, %d of %d rows looked at, %d orders acknowledged", seen.Step, seen.Seen, seen.Total, load.count())

		h.open()
		if n := ask[int](h, `select count(*) from vault_rotations where finished_at is null`); n != 1 {
			t.Fatal("the rotation had ended before it was killed")
		}
		h.expire()
		h.write(func(tx *db.Tx) error { // as time would
			_, err := tx.Exec(`update schedules set lease_until = 1, next_at = 0 where lease_until is not null`)
			return err
		})
		p = h.start(app.Roles...)
		load.at(p.url)
		load.waitFor(t, 160)
		done := r.wait(t, p.url, func(v vault.Rotation) bool { return !v.FinishedAt.IsZero() })
		if done.ID != seen.ID || done.Wrapped < sealedRows {
			t.Errorf("another rotation ended, or one that wrapped too few: %+v, killed was %+v", done, seen)
		}
		load.done(t)
		p.kill()
		h.open()
		h.expire()
		h.work()
		h.allThere(t, load)
		h.oldOpensNothing(t, old, wrapped)
	})
}

func (h *town) keyFile() string { return filepath.Join(h.data, "vault.key") }

// seal keeps so many records of buyers.
func (h *town) seal(t *testing.T, n int) {
	t.Helper()
	for i := 0; i < n; i += 500 {
		var all []privacy.SealedRecord
		for j := i; j < min(n, i+500); j++ {
			s, err := h.a.Privacy.SealRecord(privacy.Record{Account: h.account, External: fmt.Sprint("before-", j), Person: privacy.Person{Name: fmt.Sprint("Buyer ", j), Email: fmt.Sprintf("b%d@example.com", j)}})
			ok(t, err)
			all = append(all, s)
		}
		h.write(func(tx *db.Tx) error { return h.a.Privacy.SaveRecords(tx, all...) })
	}
}

// underOld are keys as the old key-encryption key has them, or as the keys under it have them.
func (h *town) underOld() (all [][]byte) {
	h.t.Helper()
	ok(h.t, h.a.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = db.All(tx, func(row db.Scanner) (b []byte, err error) { return b, row.Scan(&b) }, `select wrapped from vault_keys where state <> 'revoked' union all select wrapped from (select wrapped from personal_keys order by id limit 200) p`)
		return err
	}))
	return all
}

// secondKey puts a new key before the old one, as people do for PostgreSQL; on SQLite the program does it.
func (h *town) secondKey(t *testing.T, old []byte) {
	t.Helper()
	if strings.HasPrefix(h.url, "sqlite:") {
		return
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh)
	ok(t, os.WriteFile(h.keyFile(), append([]byte(base64.StdEncoding.EncodeToString(fresh)+"\n"), old...), 0o600))
}

// rotating asks the API about a rotation.
type rotating struct {
	*town
	key string
}

func (r *rotating) ask(method, url string, into any) error {
	req, err := http.NewRequest(method, url, strings.NewReader(map[string]string{"POST": "{}"}[method]))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s answers %d: %s", method, url, res.StatusCode, body)
	}
	return errors.Join(err, json.Unmarshal(body, into))
}

func (r *rotating) post(base string) (v vault.Rotation, err error) {
	err = r.ask("POST", base+"/v1/vault/rotate", &v)
	return v, err
}

// wait asks until the rotation is as it should be.
func (r *rotating) wait(t *testing.T, base string, is func(vault.Rotation) bool) vault.Rotation {
	t.Helper()
	for limit := time.Now().Add(2 * patience); ; {
		var s vault.Status
		ok(t, r.ask("GET", base+"/v1/vault", &s))
		if s.Rotation != nil && is(*s.Rotation) {
			return *s.Rotation
		}
		if time.Now().After(limit) {
			t.Fatalf("the rotation does not get on: %+v", s.Rotation)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// pouring are senders of webhooks: each sends an order until it is acknowledged.
type pouring struct {
	mu        sync.Mutex
	base      string
	turned    *sync.Cond
	acked     map[string]bool
	externals []string
	all       sync.WaitGroup
}

// pour places orders at the shop and has four senders deliver them, as soon and as long as there is somebody to take them.
func (h *town) pour(t *testing.T, n int) *pouring {
	t.Helper()
	l := &pouring{acked: map[string]bool{}}
	l.turned = sync.NewCond(&l.mu)
	type delivery struct {
		external string
		body     []byte
	}
	waiting := make(chan delivery, n)
	for i := range n {
		placed, err := h.shop.PlaceOrder(shopify.OrderSpec{
			Lines: []shopify.LineSpec{{SKU: "TEA-1", Quantity: 1}}, Oversell: true, Buyer: &shopify.Person{FirstName: "Buyer", LastName: fmt.Sprint(i), Email: fmt.Sprintf("new%d@example.com", i)},
			Shipping: &shopify.Address{FirstName: "Buyer", LastName: fmt.Sprint(i), Address1: "House 7", City: "Lahore", Province: "Punjab", Zip: "54000", Country: "PK"},
		})
		ok(t, err)
		external := placed.ID[strings.LastIndexByte(placed.ID, '/')+1:]
		_, body, err := h.shop.Webhook("orders/create", external)
		ok(t, err)
		l.externals = append(l.externals, external)
		waiting <- delivery{external, body}
	}
	close(waiting)
	for range 4 {
		l.all.Go(func() {
			for d := range waiting {
				for base := l.where(""); base != "" && !l.deliver(base, d.external, d.body); base = l.where(base) {
				}
			}
		})
	}
	t.Cleanup(func() { l.at("ended") })
	return l
}

// at says where the process is that takes deliveries; "" is none.
func (l *pouring) at(base string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.base = base
	l.turned.Broadcast()
}

// where waits for a process; after a failure, for another one.
func (l *pouring) where(failed string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.base == "" || l.base == failed {
		l.turned.Wait()
	}
	if l.base == "ended" {
		return ""
	}
	return l.base
}

func (l *pouring) deliver(base, external string, body []byte) bool {
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write(body)
	req, err := http.NewRequest(http.MethodPost, base+"/hooks/town-shop", bytes.NewReader(body))
	if err != nil {
		return false
	}
	for k, v := range map[string]string{"Topic": "orders/create", "Hmac-Sha256": base64.StdEncoding.EncodeToString(mac.Sum(nil)), "Shop-Domain": "town.myshopify.com", "Webhook-Id": db.ID()} {
		req.Header.Set("X-Shopify-"+k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[external] = true
	l.turned.Broadcast()
	return true
}

func (l *pouring) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// waitFor waits until so many were acknowledged.
func (l *pouring) waitFor(t *testing.T, n int) {
	t.Helper()
	late := time.AfterFunc(2*patience, func() { l.at("ended") })
	defer late.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.acked) < n && l.base != "ended" {
		l.turned.Wait()
	}
	if len(l.acked) < n {
		t.Fatalf("%d of %d webhooks are acknowledged", len(l.acked), n)
	}
}

// done waits for the senders.
func (l *pouring) done(t *testing.T) {
	t.Helper()
	l.at("ended")
	l.all.Wait()
}

// allThere looks for every order that was acknowledged, and opens everything that was ever sealed.
func (h *town) allThere(t *testing.T, l *pouring) {
	t.Helper()
	there := map[string]bool{}
	for _, x := range h.all(`select external from orders`) {
		there[x] = true
	}
	for x := range l.acked {
		if !there[x] {
			t.Errorf("the order %s was acknowledged and is lost", x)
		}
	}
	ids := h.all(`select id from personal_records where erased_at is null order by id`)
	if len(ids) < sealedRows+len(l.acked) {
		t.Errorf("%d records, want %d and %d of orders", len(ids), sealedRows, len(l.acked))
	}
	for len(ids) > 0 {
		n := min(len(ids), 1000)
		all, err := h.a.Privacy.ReadAll(t.Context(), ids[:n], privacy.Reading{Actor: "test", Purpose: "look whether it can be read"})
		ok(t, err)
		if len(all) != n {
			t.Errorf("%d of %d records can be read", len(all), n)
		}
		ids = ids[n:]
	}
	if n := ask[int](h, `select count(*) from personal_keys k left join vault_keys v on v.id = k.zone_key and v.state = 'active' where v.id is null`); n != 0 {
		t.Errorf("%d rows are under a key that is not in use", n)
	}
}

// oldOpensNothing tries the old key on the database, and looks for what it opened in every byte of the disk.
func (h *town) oldOpensNothing(t *testing.T, old []byte, wrapped [][]byte) {
	t.Helper()
	h.run("privacy.scrub")
	left := func() (n int) {
		disk := h.disk()
		for _, k := range wrapped {
			if bytes.Contains(disk, k) {
				n++
			}
		}
		return n
	}
	// The server's autovacuum may look at it at this moment: what it may still see goes with the next scrubbing.
	for limit := time.Now().Add(patience); left() > 0 && time.Now().Before(limit); {
		_, err := h.a.DB.ScrubTables(t.Context(), "personal_keys", "vault_keys")
		ok(t, err)
	}
	if n := left(); n > 0 {
		t.Errorf("%d of %d keys that the old one opens are on the disk", n, len(wrapped))
	}
	if n := ask[int](h, `select count(*) from vault_keys where state <> 'revoked' and fingerprint = (select from_key from vault_rotations)`); n != 0 {
		t.Errorf("%d keys are under the old one", n)
	}
	h.leave()
	elsewhere := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(elsewhere, "vault.key"), old, 0o600))
	cfg := config(h.url, elsewhere)
	cfg.MakeKey, cfg.Log = false, slog.New(slog.DiscardHandler)
	if a, err := app.Open(t.Context(), cfg); err == nil {
		t.Error("the old key opens the house")
		ok(t, a.Close())
	}
	h.open()
}
