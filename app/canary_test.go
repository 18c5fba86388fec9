package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/httpclient"
	"github.com/openclaw-pos/commerce/platform/sheet"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// canaries are texts that occur nowhere else, each planted as what it is called.
var canaries = map[string]string{
	"name": "Zwxcanaryname", "street": "Qvcanarystreet", "mail": "kjcanarymail", "phone": "3009871265", "card": "4929123487651230", "note": "Hvcanarynote",
	"token": "Bqcanarytoken", "secret": "Xkcanarysecret", "password": "Wjcanarypassword", "query": "Pzcanaryquery", "cell": "Ducanarycell",
}

// journal keeps what is logged.
type journal struct {
	sync.Mutex
	bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.Lock()
	defer j.Unlock()
	return j.Buffer.Write(b)
}

func (j *journal) text() []byte {
	j.Lock()
	defer j.Unlock()
	return bytes.Clone(j.Bytes())
}

// sent is what was answered, over HTTP as a stranger or as a caller.
func (h *town) sent(method, target, body string, who *access.Caller, header ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	ctx := context.Background()
	if who != nil {
		ctx = access.With(ctx, *who)
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body)).WithContext(ctx)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.a.Handler().ServeHTTP(w, r)
	return w
}

// TestCanary plants texts through the ways in, works with debug logging through what goes right and what goes wrong, and then looks for them wherever
// they do not belong: logs, answers, events, metrics and every byte of the database.
func TestCanary(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, h *town) {
		h.leave()
		logged := &journal{}
		cfg := config(h.url, h.data)
		cfg.Log = slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: httpclient.ReplaceAttr}))
		a, err := app.Open(context.Background(), cfg)
		ok(t, err)
		h.a = a
		h.openShopify()
		places := map[string][]byte{}

		// A shop's order, read by polling, then brought by webhooks: signed, forged, cut, and with a secret in the query.
		phone := "+92" + canaries["phone"]
		home := &shopify.Address{FirstName: canaries["name"], LastName: "Khan", Address1: "7 " + canaries["street"], City: "Lahore", Province: "Punjab", Zip: "54000", Country: "PK", Phone: phone}
		placed, err := h.shop.PlaceOrder(shopify.OrderSpec{
			Lines: []shopify.LineSpec{{SKU: "TEA-1", Quantity: 1}}, Oversell: true, Note: canaries["note"] + " " + canaries["card"],
			Buyer: &shopify.Person{FirstName: canaries["name"], LastName: "Khan", Email: canaries["mail"] + "@example.com", Phone: phone}, Shipping: home,
		})
		ok(t, err)
		external := placed.ID[strings.LastIndexByte(placed.ID, '/')+1:]
		h.read()
		_, body, err := h.shop.Webhook("orders/updated", external)
		ok(t, err)
		if !bytes.Contains(body, []byte(canaries["street"])) {
			t.Fatal("nothing is planted")
		}
		h.hook("orders/updated", body)
		h.hook("orders/updated", body[:len(body)/2])
		h.sent("POST", "/hooks/town-shop?token="+canaries["query"], string(body), nil, "X-Shopify-Topic", "orders/updated", "X-Shopify-Hmac-Sha256", canaries["token"])
		h.sent("POST", "/hooks/nobody?token="+canaries["query"], string(body), nil)
		h.work()

		// The API, as a stranger with a token, and as somebody who may: an account whose partner does not answer, a refused import, a lookup.
		places["answer to a stranger"] = h.sent("GET", "/v1/orders?"+url.Values{"after": {canaries["query"]}}.Encode(), "", nil, "Authorization", "Bearer occ_"+canaries["token"]).Body.Bytes()
		clerk := access.CLI("clerk")
		js, key := "application/json", func() string { return db.ID() }
		places["new account"] = h.sent("POST", "/v1/accounts", fmt.Sprintf(`{"name":"other","channel":"shopify","country":"PK","currency":"PKR","zone":"Asia/Karachi","legal_entity":"PK","settings":{"shop":"other.myshopify.com","api_base":"http://127.0.0.1:1","client_id":"id"},"secrets":{"client_secret":%q},"mode":"shadow","skip_check":true}`, canaries["secret"]),
			&clerk, "Content-Type", js, "Idempotency-Key", key()).Body.Bytes()
		places["check of an account"] = h.sent("POST", "/v1/accounts/other/check", `{}`, &clerk, "Content-Type", js, "Idempotency-Key", key()).Body.Bytes()
		h.sent("POST", "/v1/imports/prices", "sku,price\n"+canaries["cell"]+",=cmd\n\"", &clerk, "Content-Type", "text/csv", "Idempotency-Key", key())
		imports := a.API.Import
		a.API.Import = func(_ context.Context, _ string, r io.Reader, _ string, _ bool) (sheet.Report, error) {
			_, err := io.ReadAll(r)
			panic(fmt.Sprint("broken on purpose ", err))
		}
		places["answer to what panics"] = h.sent("POST", "/v1/imports/prices?dry_run=true", "sku,price\n"+canaries["cell"]+","+canaries["card"], &clerk, "Content-Type", "text/csv", "Idempotency-Key", key()).Body.Bytes()
		a.API.Import = imports
		h.post("/personal/export", map[string]any{"phone": phone, "country": "PK", "purpose": "call"}, nil)
		id := ask[string](h, `select id from orders where external = $1`, external)
		h.post("/orders/"+id+"/personal", map[string]any{"purpose": "call"}, nil)

		// Signing in, at the console and at the shop's checkout.
		for _, path := range []string{"/console/signin", "/console/setup", "/console/accept", "/shop/none/checkout"} {
			form := url.Values{"email": {"amina@example.com"}, "password": {canaries["password"]}, "token": {canaries["token"]}, "name": {canaries["name"]}, "phone": {phone}, "line1": {canaries["street"]}}.Encode()
			places["answer of "+path] = h.sent("POST", path+"?next="+canaries["query"], form, nil, "Content-Type", "application/x-www-form-urlencoded").Body.Bytes()
		}
		ok(t, a.Vault.Tend(context.Background()))
		for {
			n, err := a.Linker.Link(context.Background())
			ok(t, err)
			if n == 0 {
				break
			}
		}

		for _, path := range []string{"/v1/orders", "/v1/orders/" + id, "/v1/orders/" + id + "/timeline", "/v1/events?internal=true&limit=500", "/v1/exceptions", "/v1/audit?limit=500", "/v1/accounts", "/v1/vault", "/v1/vault/credentials", "/v1/doctor", "/metrics", "/v1/jobs", "/v1/tells"} {
			w := h.sent(http.MethodGet, path, "", &clerk)
			if w.Code != http.StatusOK {
				t.Errorf("%s is answered with %d", path, w.Code)
			}
			places[path] = w.Body.Bytes()
		}
		places["log"] = logged.text()
		if !bytes.Contains(places["log"], []byte("broken on purpose")) {
			t.Error("nothing panicked, or its trace is not in the log")
		}
		for name, content := range h.everything() {
			places[name] = content
		}
		if !bytes.Contains(bytes.Join(values(places), nil), []byte(external)) || len(places["log"]) == 0 {
			t.Fatal("the search finds nothing at all")
		}
		for where, content := range places {
			for what, word := range canaries {
				if strings.HasPrefix(where, "answer of") && (what == "token" || what == "name" || what == "phone" || what == "street") {
					continue // a form shows whoever sent it what they wrote, but for the password
				}
				i := bytes.Index(content, []byte(word))
				if i < 0 {
					i = bytes.Index(content, fmt.Appendf(nil, "%x", word)) // as PostgreSQL writes bytes
				}
				if i >= 0 {
					t.Errorf("the %s is in clear in %s: …%q…", what, where, content[max(0, i-80):min(len(content), i+60)])
				}
			}
		}
	})
}

func values(m map[string][]byte) (all [][]byte) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// everything is every byte that the database holds: its files on SQLite, every row of every table on PostgreSQL.
func (h *town) everything() map[string][]byte {
	h.t.Helper()
	all := map[string][]byte{}
	if h.a.DB.Engine() == db.SQLite {
		path := strings.TrimPrefix(h.url, "sqlite:")
		for _, end := range []string{"", "-wal"} {
			b, err := os.ReadFile(path + end)
			if !errors.Is(err, os.ErrNotExist) {
				ok(h.t, err)
			}
			all["the file of the database"+end] = b
		}
		return all
	}
	for _, name := range h.all(`select table_name::text from information_schema.tables where table_schema = current_schema()`) {
		all["table "+name] = []byte(strings.Join(h.all(`select t::text from `+name+` t`), "\n"))
	}
	return all
}
