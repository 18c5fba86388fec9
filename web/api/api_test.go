package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
	"github.com/openclaw-pos/commerce/web/api"
)

// house is a server over a real database, with one SKU and one location.
type house struct {
	*api.Server
	db  *db.DB
	url string
	key string // with every scope
}

// each runs a test against a server on both engines.
func each(t *testing.T, f func(t *testing.T, h house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, open(t, d)) })
}

func open(t *testing.T, d *db.DB) house {
	t.Helper()
	h := house{Server: server(t, d), db: d}
	plain, _, err := h.Keys.Create(t.Context(), access.System("test"), "all", []access.Scope{access.Admin, access.Hooks}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	h.key = plain.Reveal()
	srv := httptest.NewServer(h.Handler())
	t.Cleanup(srv.Close)
	h.url = srv.URL
	h.write(t, func(tx *db.Tx) error {
		if err := h.Catalog.SaveProducts(tx, []catalog.NewProduct{{SKU: "MUG", Title: "Mug"}}); err != nil {
			return err
		}
		_, err := h.Inventory.SaveLocations(tx, []inventory.Location{{Code: "LHE", Name: "Lahore", Kind: inventory.Warehouse, Country: "PK", Zone: "Asia/Karachi", Fulfils: true, Active: true, Weight: 100, LegalEntity: "pk"}})
		return err
	})
	return h
}

// server wires what these tests need.
func server(t testing.TB, d *db.DB) *api.Server {
	t.Helper()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "key")
	if err := vault.CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	v, err := vault.Open(ctx, d, vault.Options{KeyFile: path, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	acts, err := audit.New(ctx, v)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.Open(ctx, d, v, acts)
	if err != nil {
		t.Fatal(err)
	}
	users, err := access.OpenUsers(ctx, d, v, acts, access.UserOptions{Cost: access.Cost{Memory: 64, Passes: 1, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	people, err := privacy.Open(ctx, d, v, acts, privacy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &api.Server{
		DB: d, Log: log, Keys: keys, Users: users, Vault: v, Audit: acts, Source: "https://shop.example", Version: "test",
		Limits: api.Limits{TriesPerHour: 1e6, TryBurst: 1e6}, // one address asks wrongly a thousand times
	}
	s.Catalog = catalog.New(catalog.Needs{DB: d, Audit: acts.Write})
	s.Inventory = inventory.New(inventory.Needs{
		DB: d, Audit: acts.Write, Parts: s.Catalog.Parts, Variants: s.Catalog.Variants,
		Routes:  func(*db.Tx, []string) (map[string]inventory.Route, error) { return nil, nil },
		Unheard: func(*db.Tx, string) (time.Duration, time.Duration, error) { return 15 * time.Minute, time.Hour, nil },
	})
	s.Policy = policy.New(policy.Needs{DB: d, Audit: acts.Write})
	s.Order = order.New(order.Needs{DB: d})
	s.Payment = payment.New(payment.Needs{DB: d, Audit: acts})
	s.Fulfillment = fulfillment.New(fulfillment.Needs{DB: d})
	s.Dispatch = dispatch.New(dispatch.Needs{DB: d, Log: log})
	s.Returns = returns.New(returns.Needs{DB: d, Audit: acts})
	s.Connect = connect.New(connect.Needs{DB: d, Log: log, Audit: acts, Privacy: people})
	s.Cart = cart.New(cart.Needs{DB: d, Audit: acts.Write})
	s.Import = s.Catalog.Import
	return s
}

func (h house) write(t testing.TB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := h.db.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return m
}

// do asks the server; headers are pairs.
func (h house) do(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, b}
}

func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("status is %d, want %d: %s", a.status, status, a.body)
	}
	if a.status >= 400 {
		if got := a.header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("content type of an error is %q", got)
		}
		if bytes.Contains(a.body, []byte("sql")) || bytes.Contains(a.body, []byte("panic")) || bytes.Contains(a.body, []byte(".go")) {
			t.Errorf("the error gives the inside away: %s", a.body)
		}
	}
	return a
}

func (h house) raise(t testing.TB, subject string) string {
	t.Helper()
	h.write(t, func(tx *db.Tx) error {
		return exception.Raise(tx, exception.Case{Cause: exception.UnmappedSKU, SubjectKind: "listing", Subject: subject})
	})
	items := h.do(t, "GET", "/v1/exceptions?limit=500", "").want(t, 200).json(t)["items"].([]any)
	for _, it := range items {
		if m := it.(map[string]any); m["subject"] == subject {
			return m["id"].(string)
		}
	}
	t.Fatal("the case is not in the list")
	return ""
}

func TestExceptions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		id := h.raise(t, "l1")
		got := h.do(t, "GET", "/v1/exceptions/"+id, "").want(t, 200)
		if tag := got.header.Get("ETag"); tag != `"1"` {
			t.Errorf("ETag is %s", tag)
		}
		path := "/v1/exceptions/" + id + "/resolve"
		body := `{"resolution":"mapped by hand"}`
		h.do(t, "POST", path, body).want(t, 428)
		h.do(t, "POST", path, body, "If-Match", `"7"`).want(t, 412)
		h.do(t, "POST", path, body, "If-Match", `x`).want(t, 422)
		h.do(t, "POST", path, `{}`, "If-Match", `"1"`).want(t, 422)
		h.do(t, "POST", path, `{"resolution":"a","more":1}`, "If-Match", `"1"`).want(t, 422)
		done := h.do(t, "POST", path, body, "If-Match", `"1"`).want(t, 200).json(t)
		if done["state"] != "resolved" || done["resolution"] != "mapped by hand" {
			t.Errorf("got %v", done)
		}
		h.do(t, "POST", path, body, "If-Match", "*").want(t, 409)
	})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h house) {
		h.write(t, func(tx *db.Tx) error {
			return outbox.Append(tx,
				outbox.Event{Aggregate: "order:1", Type: event.OrderPaid, Contract: true, Order: "1", Body: event.OrderPaidV1{Method: "card"}},
				outbox.Event{Aggregate: "order:1", Type: event.OrderReady, Order: "1", Body: event.OrderFact{OrderID: "1"}})
		})
		if _, err := outbox.NewRelay(h.db, slog.New(slog.DiscardHandler)).Place(t.Context()); err != nil {
			t.Fatal(err)
		}
		feed := h.do(t, "GET", "/v1/events", "").want(t, 200).json(t)
		items := feed["items"].([]any)
		if len(items) != 1 || items[0].(map[string]any)["cloud_event"].(map[string]any)["specversion"] != "1.0" {
			t.Errorf("the feed has %v", items)
		}
		if n := len(h.do(t, "GET", "/v1/events?internal=true", "").want(t, 200).json(t)["items"].([]any)); n != 2 {
			t.Errorf("with the internal ones: %d events", n)
		}
		h.do(t, "GET", "/v1/events/"+items[0].(map[string]any)["id"].(string), "").want(t, 200)
		h.do(t, "GET", "/v1/events?after=-1", "").want(t, 422)
		h.do(t, "GET", "/v1/events/none", "").want(t, 404)
	})
}
