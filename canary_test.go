//go:build unix

package main

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
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// planted are texts that occur nowhere else, each as what it is called.
var planted = map[string]string{
	"name": "Zwprogname", "street": "Qvprogstreet", "mail": "kjprogmail", "phone": "3009176352", "card": "4929761234598760", "note": "Hvprognote", "token": "Bqprogtoken", "secret": "Xkprogsecret",
	"password": "Wjprogpassword", "query": "Pzprogquery", "cell": "Ducprogcell", "passphrase": "Tyhprogpassphrase", "engraving": "Mxprogengrave",
}

// yard is the program at work in a folder of its own, with a shop, a subscriber, and everything that it ever said.
type yard struct {
	*testing.T
	dir, db string
	env     []string
	words   map[string]string // what is looked for

	mu         sync.Mutex
	said       map[string]*bytes.Buffer // by whom
	urls       []string                 // asked of partners
	told       bytes.Buffer             // to the subscriber
	shop       *shopify.Shop
	base       string
	serve      *exec.Cmd
	form       string
	ordersText []byte
	who        *http.Client
}

func (y *yard) must(err error) {
	y.Helper()
	if err != nil {
		y.Fatal(err)
	}
}

// heard keeps what a process says.
type heard struct {
	y    *yard
	name string
}

func (h heard) Write(b []byte) (int, error) {
	h.y.mu.Lock()
	defer h.y.mu.Unlock()
	if h.y.said[h.name] == nil {
		h.y.said[h.name] = &bytes.Buffer{}
	}
	return h.y.said[h.name].Write(b)
}

func (y *yard) text(name string) string {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.said[name] == nil {
		return ""
	}
	return y.said[name].String()
}

// command is this very program, as TestMain makes it.
func (y *yard) command(env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(y.Context(), os.Args[0], args...)
	cmd.Args[0], cmd.Dir = "openclaw-commerce", y.dir
	cmd.Env = append(append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + y.dir, "TMPDIR=" + filepath.Join(y.dir, "tmp"), "GOTRACEBACK=all"}, y.env...), env...)
	return cmd
}

// do carries out a command line and answers what it printed.
func (y *yard) do(env []string, args ...string) string {
	y.Helper()
	cmd := y.command(env, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, heard{y, "output of " + strings.Join(args[:min(2, len(args))], " ")}), heard{y, "errors of commands"}
	if err := cmd.Run(); err != nil {
		y.Logf("%v: %v", args, err)
	}
	return out.String()
}

var servingAt = regexp.MustCompile(`serving on (http://\S+)`)

// begin starts serve, and waits until it serves.
func (y *yard) begin() {
	y.Helper()
	name := fmt.Sprint("log of serve ", len(y.said))
	y.serve = y.command(nil, "serve", "--addr", "127.0.0.1:0")
	y.serve.Stdout, y.serve.Stderr = heard{y, name}, heard{y, name}
	y.must(y.serve.Start())
	serve := y.serve
	y.Cleanup(func() { _ = serve.Process.Kill(); _ = serve.Wait() })
	y.until("serve serves", func() bool {
		m := servingAt.FindStringSubmatch(y.text(name))
		if m != nil {
			y.base = m[1]
		}
		return m != nil
	})
	if _, token, ok := strings.Cut(y.text(name), "/console/setup#"); ok {
		y.words["set-up token"], _, _ = strings.Cut(token, "\n")
	}
}

// crash ends serve with a signal that has the runtime print what every goroutine does.
func (y *yard) crash(with syscall.Signal) {
	y.Helper()
	y.must(y.serve.Process.Signal(with))
	_ = y.serve.Wait()
}

// until looks again and again.
func (y *yard) until(what string, is func() bool) {
	y.Helper()
	for limit := time.Now().Add(time.Minute); !is(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(limit) {
			y.Fatalf("%s: not within a minute; commands said %s; orders %.1500s", what, y.text("errors of commands"), y.ordersText)
		}
	}
}

// ask is one request to the program; a form is sent as one, anything else as JSON.
func (y *yard) ask(method, path string, body any, headers ...string) (int, []byte) {
	y.Helper()
	var sent io.Reader
	media := "application/json"
	switch b := body.(type) {
	case nil:
	case url.Values:
		if y.form != "" {
			b.Set("csrf", y.form)
		}
		sent, media = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	case []byte:
		sent = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		y.must(err)
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, y.base+path, sent)
	y.must(err)
	req.Header.Set("Content-Type", media)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := y.who.Do(req)
	y.must(err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	y.must(err)
	if tag := res.Header.Get("ETag"); tag != "" {
		text = append(text, "\nETag: "+tag...)
	}
	return res.StatusCode, text
}

// TestCanaryProgram plants texts in the real program through its command line, environment, files, webhooks, polls, API, console and checkout, with debug logging, lets things go
// wrong, crashes it, backs it up and restores it; then it looks for them in everything it wrote anywhere.
func TestCanaryProgram(t *testing.T) {
	t.Parallel()
	for engine, open := range map[string]func(testing.TB) string{
		"sqlite":   func(testing.TB) string { return "" },
		"postgres": func(tb testing.TB) string { return dbtest.PostgresURL(tb) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			y := &yard{T: t, dir: t.TempDir(), db: open(t), words: map[string]string{}, said: map[string]*bytes.Buffer{}}
			for k, v := range planted {
				y.words[k] = v
			}
			y.open()
			y.begin()
			y.signIn()
			y.sell()
			y.wrong()
			y.crash(syscall.SIGQUIT)
			y.begin()
			y.settle()
			pages := y.pages()
			y.keep()
			y.crash(syscall.SIGABRT)
			y.look(pages)
		})
	}
}

// open sets the house up from the command line, with its secrets in files and in the environment.
func (y *yard) open() {
	y.Helper()
	y.must(os.MkdirAll(filepath.Join(y.dir, "tmp"), 0o700))
	y.must(os.MkdirAll(filepath.Join(y.dir, "data"), 0o700))
	y.env = []string{"OPENCLAW_DATA=" + filepath.Join(y.dir, "data"), "OPENCLAW_DEBUG=1", "OPENCLAW_ALLOW_PRIVATE=1"}
	if y.db != "" {
		y.env = append(y.env, "OPENCLAW_DB="+y.db)
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		y.must(os.WriteFile(filepath.Join(y.dir, "data", "vault.key"), []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600))
	}
	jar, err := cookiejar.New(nil)
	y.must(err)
	y.who = &http.Client{Jar: jar}
	y.shop, err = shopify.New(shopify.Config{
		Domain: "yard.myshopify.com", ClientID: "client", ClientSecret: planted["secret"], Currency: "PKR", Country: "PK", Locations: []shopify.LocationSpec{{Name: "WH"}}, PlainHTTP: true, BucketSize: 20000, RestoreRate: 20000,
	})
	y.must(err)
	y.Cleanup(y.shop.Close)
	_, err = y.shop.AddProduct(shopify.ProductSpec{SKU: "TEA-1", Title: "Tea", Price: "500.00", Stock: map[string]int{"WH": 10}})
	y.must(err)
	partner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		y.mu.Lock()
		y.urls = append(y.urls, r.URL.String())
		y.mu.Unlock()
		y.shop.Handler().ServeHTTP(w, r)
	}))
	y.Cleanup(partner.Close)
	hears := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		y.mu.Lock()
		defer y.mu.Unlock()
		fmt.Fprintf(&y.told, "%s %v\n", r.URL, r.Header)
		_, _ = io.Copy(&y.told, r.Body)
	}))
	y.Cleanup(hears.Close)

	y.must(os.WriteFile(filepath.Join(y.dir, "secret.txt"), []byte(planted["secret"]), 0o600))
	table := func(name, text string) string {
		path := filepath.Join(y.dir, name)
		y.must(os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	shop := []string{"channel", "add", "shopify", "--country", "PK", "--set", "shop=yard.myshopify.com", "--set", "base_url=" + partner.URL, "--set", "client_id=client", "--set", "poll_seconds=1", "--entity", "PK", "--entity-name", "Retail", "--currency", "PKR"}
	y.do(nil, append(shop, "--name", "yard", "--secret-file", "client_secret=secret.txt")...)
	y.do([]string{"OPENCLAW_SECRET_CLIENT_SECRET=" + planted["secret"]}, append(shop, "--name", "yard")...)                                                                                                                                                                             // there is one
	y.do([]string{"OPENCLAW_SECRET_CLIENT_SECRET=" + planted["token"]}, "channel", "add", "shopify", "--name", "wrong", "--set", "shop=x.myshopify.com", "--set", "base_url=http://127.0.0.1:1", "--set", "client_id=client", "--country", "PK", "--entity", "PK", "--currency", "PKR") // nobody answers
	y.do(nil, "stock", "location", "WH", "--name", "Warehouse", "--kind", "warehouse", "--country", "PK", "--city", "Lahore", "--zone", "Asia/Karachi")
	y.do(nil, "import", "products", table("products.csv", "sku,title\nTEA-1,Tea\n"))
	y.do(nil, "import", "stock", table("stock.csv", "sku,location,quantity\nTEA-1,WH,50\n"))
	y.do(nil, "import", "prices", table("good.csv", "list,country,currency,sku,price\nStandard,PK,PKR,TEA-1,500.00\n"))
	y.do(nil, "import", "prices", table("prices.csv", "sku,price\n"+planted["cell"]+" "+planted["card"]+",=1+1\n\"broken"))
	y.do(nil, "storefront", "add", "yard-web", "--country", "PK", "--entity", "PK", "--languages", "en", "--delivery", "standard=250", "--title", "standard=Standard", "--days", "standard=3", "--pay", "cod")
	y.do(nil, "subscription", "add", "books", hears.URL, "--private")
	y.words["API key"] = strings.TrimSpace(y.do(nil, "key", "add", "robot", "--scopes", "read,write,admin"))
	y.do(nil, "channel", "mode", "yard", "live", "--accept")
	y.do(nil, "order", "show", planted["query"])
	y.do(nil, "privacy", "erase", "--email", planted["mail"]+"@nowhere.example", "--reason", "wish")
}

// signIn sets up the owner at the console, and signs in, once with what is wrong.
func (y *yard) signIn() {
	y.Helper()
	y.ask("POST", "/console/setup", url.Values{"token": {planted["token"]}, "email": {"amina@example.com"}, "name": {"Amina"}, "password": {planted["password"]}})
	y.ask("POST", "/console/setup", url.Values{"token": {y.words["set-up token"]}, "email": {"amina@example.com"}, "name": {"Amina"}, "password": {planted["password"]}})
	y.ask("POST", "/console/signin?to="+planted["query"], url.Values{"email": {"amina@example.com"}, "password": {planted["password"] + "x"}})
	status, page := y.ask("POST", "/console/signin", url.Values{"email": {"amina@example.com"}, "password": {planted["password"]}})
	m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindSubmatch(page)
	if m == nil {
		y.Fatalf("not signed in: %d %s", status, page)
	}
	y.form = string(m[1])
	at, err := url.Parse(y.base)
	y.must(err)
	for _, c := range y.who.Jar.Cookies(&url.URL{Scheme: "http", Host: at.Host, Path: "/console/"}) {
		if len(c.Value) > 30 {
			y.words["cookie "+c.Name] = c.Value
		}
	}
}

func (y *yard) buyer() (*shopify.Person, *shopify.Address) {
	phone := "+92" + planted["phone"]
	return &shopify.Person{FirstName: planted["name"], LastName: "Khan", Email: planted["mail"] + "@example.com", Phone: phone},
		&shopify.Address{FirstName: planted["name"], LastName: "Khan", Address1: "7 " + planted["street"], City: "Lahore", Province: "Punjab", Zip: "54000", Country: "PK", Phone: phone}
}

// hook sends what the shop signed with its secret, or somebody with another one.
func (y *yard) hook(topic string, body []byte, secret string) int {
	y.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	status, _ := y.ask("POST", "/hooks/yard?token="+planted["query"], body, "X-Shopify-Topic", topic, "X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(mac.Sum(nil)),
		"X-Shopify-Shop-Domain", "yard.myshopify.com", "X-Shopify-Webhook-Id", db.ID())
	return status
}

// sell has a buyer order at the shop, read by poll and by webhook, and at our own site.
func (y *yard) sell() {
	y.Helper()
	who, home := y.buyer()
	for range 2 {
		placed, err := y.shop.PlaceOrder(shopify.OrderSpec{Lines: []shopify.LineSpec{{SKU: "TEA-1", Quantity: 1}}, Oversell: true, Note: planted["note"] + " " + planted["card"], Buyer: who, Shipping: home})
		y.must(err)
		external := placed.ID[strings.LastIndexByte(placed.ID, '/')+1:]
		_, body, err := y.shop.Webhook("orders/create", external)
		y.must(err)
		if !bytes.Contains(body, []byte(planted["street"])) {
			y.Fatal("nothing is planted")
		}
		if status := y.hook("orders/create", body, planted["secret"]); status != http.StatusOK {
			y.Errorf("the webhook is answered with %d", status)
		}
		y.hook("orders/create", body, planted["token"])
		y.hook("orders/create", body[:len(body)/2], planted["secret"])
		y.hook("orders/"+planted["token"], body, planted["secret"])
	}
	var cart struct {
		Token string `json:"token"`
	}
	_, text := y.ask("POST", "/shop/v1/yard-web/cart", map[string]string{"language": "en"})
	tag := tagOf(text)
	y.must(json.Unmarshal(bytes.SplitN(text, []byte("\nETag"), 2)[0], &cart))
	y.words["token of the cart"] = cart.Token
	person := map[string]string{"name": planted["name"] + " Khan", "phone": "+92 " + planted["phone"], "email": planted["mail"] + "@example.com"}
	for _, step := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/cart/lines", map[string]any{"sku": "TEA-1", "quantity": 2}},
		{"PUT", "/cart/buyer", map[string]any{"buyer": map[string]any{"name": []string{planted["name"]}, "phone": planted["phone"]}}}, // not as it should be
		{"PUT", "/cart/buyer", map[string]any{"buyer": person, "ship_to": map[string]string{"name": planted["name"], "line1": "7 " + planted["street"], "city": "Lahore", "province": "Punjab", "country": "PK", "phone": "+92" + planted["phone"]}}},
		{"PUT", "/cart/delivery", map[string]string{"code": "standard"}},
		{"PUT", "/cart/payment", map[string]string{"provider": planted["card"]}},
		{"PUT", "/cart/payment", map[string]string{"provider": "cod"}},
		{"POST", "/cart/place", map[string]any{"note": planted["note"]}},
		{"POST", "/cart/place", map[string]any{}},
	} {
		status, text := y.ask(step.method, "/shop/v1/yard-web"+step.path, step.body, "Authorization", "Bearer "+cart.Token, "If-Match", tag, "Idempotency-Key", "key-"+step.path)
		if t := tagOf(text); t != "" {
			tag = t
		}
		if step.path == "/cart/place" && len(step.body.(map[string]any)) == 0 && status >= 300 {
			y.Errorf("the checkout is answered with %d %s", status, text)
		}
	}
	y.ask("GET", "/shop/v1/yard-web/track?number=x&phone="+planted["phone"], nil)
	y.ask("GET", "/shop/v1/yard-web/cart", nil, "Authorization", "Bearer "+planted["token"])
}

func tagOf(text []byte) string {
	_, tag, _ := strings.Cut(string(text), "\nETag: ")
	return tag
}

// wrong asks for what cannot be, everywhere, and leaves requests hanging.
func (y *yard) wrong() {
	y.Helper()
	key := "Bearer " + y.words["API key"]
	for _, x := range []struct {
		method, path string
		body         any
		as           string
	}{
		{"GET", "/v1/orders?after=" + planted["query"], nil, "Bearer occ_" + planted["token"]},
		{"GET", "/v1/orders?after=" + planted["query"], nil, key},
		{"POST", "/v1/accounts", map[string]any{"name": "other", "channel": "shopify", "country": "PK", "currency": "PKR", "zone": "Asia/Karachi", "legal_entity": "PK", "settings": map[string]string{"shop": "other.myshopify.com", "base_url": "http://127.0.0.1:1", "client_id": "id"}, "secrets": map[string]string{"client_secret": planted["secret"]}, "mode": "shadow", "skip_check": true}, key},
		{"POST", "/v1/accounts", map[string]any{"name": "third", "secrets": planted["secret"]}, key},
		{"POST", "/v1/accounts/other/check", map[string]any{}, key},
		{"POST", "/v1/imports/prices", []byte("sku,price\n" + planted["cell"] + "," + planted["card"] + "\n\""), key},
		{"POST", "/v1/personal/export", map[string]any{"phone": planted["phone"], "country": "PK", "purpose": "call"}, key},
		{"POST", "/v1/personal/export", map[string]any{"email": []string{planted["mail"]}}, key},
		{"POST", "/v1/users", map[string]any{"email": "x@example.com", "password": planted["password"], "grants": planted["name"]}, key},
		{"POST", "/hooks/courier/tcs", []byte(`{"name":"` + planted["name"] + `"`), ""},
		{"POST", "/hooks/gateway/demo?secret=" + planted["query"], []byte(`{"card":"` + planted["card"] + `"`), ""},
		{"POST", "/hooks/nobody?token=" + planted["query"], []byte(planted["street"]), ""},
		{"GET", "/nothing/" + planted["query"], nil, ""},
	} {
		headers := []string{"Authorization", x.as, "Idempotency-Key", db.ID()}
		if b, ok := x.body.([]byte); ok && strings.Contains(x.path, "imports") {
			headers = append(headers, "Content-Type", "text/csv")
			_ = b
		}
		y.ask(x.method, x.path, x.body, headers...)
	}
	for _, p := range []struct {
		path string
		form url.Values
	}{
		{"/console/orders/buyer", url.Values{"buyer": {"+92" + planted["phone"]}, "country": {"PK"}}},
		{"/console/orders/buyer", url.Values{"buyer": {planted["mail"] + "@example.com"}}},
		{"/console/new-account/shopify", url.Values{"name": {"fourth"}, "country": {"PK"}, "currency": {"PKR"}, "entity": {"none"}, "set-client_id": {"id"}, "set-client_secret": {planted["secret"]}, "set-shop": {"fourth.myshopify.com"}, "set-base_url": {"http://127.0.0.1:1"}}},
		{"/console/imports/prices", url.Values{"text": {planted["cell"] + "," + planted["card"]}, "table": {planted["cell"]}}},
		{"/console/people", url.Values{"email": {"not an address"}, "name": {"B"}, "role": {"picker"}, "password": {planted["password"]}}},
		{"/console/accept", url.Values{"token": {planted["token"]}, "password": {planted["password"]}}},
	} {
		y.ask("POST", p.path, p.form)
	}
	// Requests that are still being read when the program is made to crash.
	for _, path := range []string{"/hooks/yard", "/v1/orders", "/console/signin"} {
		r, w := io.Pipe()
		y.Cleanup(func() { _ = w.Close() })
		req, err := http.NewRequest(http.MethodPost, y.base+path+"?token="+planted["query"], r)
		y.must(err)
		req.Header.Set("Authorization", key)
		go func() {
			if res, err := http.DefaultClient.Do(req); err == nil {
				_ = res.Body.Close()
			}
		}()
		_, err = w.Write([]byte(planted["name"] + planted["street"] + planted["card"] + strings.Repeat(" ", 1000)))
		y.must(err)
	}
}

// settle waits until everything that was sold is here, and the subscriber was told.
func (y *yard) settle() {
	y.Helper()
	y.until("orders are here", func() bool {
		_, text := y.ask("GET", "/v1/orders", nil, "Authorization", "Bearer "+y.words["API key"])
		y.ordersText = text
		return bytes.Count(text, []byte(`"number"`)) >= 3
	})
	y.until("the subscriber is told", func() bool {
		y.mu.Lock()
		defer y.mu.Unlock()
		return y.told.Len() > 0
	})
}

// pages are all pages of the console, to the owner, and what machines read.
func (y *yard) pages() map[string][]byte {
	y.Helper()
	all := map[string][]byte{}
	source, err := os.ReadFile(filepath.Join("web", "console", "routes.go"))
	y.must(err)
	ids := regexp.MustCompile(`/console/[a-z]+/[0-9a-f-]{36}`)
	var next []string
	for _, m := range regexp.MustCompile(`\{"[a-z.]+", get, "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		path := "/console" + strings.NewReplacer("{$}", "", "{sku}", "TEA-1", "{kind}", "shopify").Replace(m[1])
		if !strings.Contains(path, "{") && path != "/console/live" {
			next = append(next, path)
		}
	}
	next = append(next, "/console/orders?q=1", "/console/imports?what=prices", "/shop/v1/yard-web", "/metrics", "/readyz", "/openapi.json")
	for i := 0; i < len(next) && i < 200; i++ {
		status, text := y.ask("GET", next[i], nil)
		all["page "+next[i]] = text
		if status >= 500 {
			y.Errorf("%s is answered with %d", next[i], status)
		}
		for _, p := range ids.FindAllString(string(text), -1) {
			if !slices.Contains(next, p) {
				next = append(next, p)
				if strings.HasPrefix(p, "/console/orders/") {
					next = append(next, p+"/raw", p+"/cancel", p+"/source", p+"/return")
				}
			}
		}
	}
	for _, path := range []string{"/orders", "/events?internal=true&limit=500", "/exceptions", "/audit?limit=500", "/accounts", "/vault", "/vault/credentials", "/doctor", "/jobs", "/tells", "/subscriptions", "/keys", "/users", "/sessions", "/personal", "/shipments", "/fulfillment-orders", "/reservations"} {
		_, all["answer of "+path] = y.ask("GET", "/v1"+path, nil, "Authorization", "Bearer "+y.words["API key"])
	}
	if len(all) < 50 {
		y.Errorf("only %d pages", len(all))
	}
	return all
}

// keep has the command line write what it can write, backs up, and restores elsewhere.
func (y *yard) keep() {
	y.Helper()
	for _, args := range [][]string{
		{"order", "list", "--json"}, {"exception", "list"}, {"audit", "list", "--json"}, {"audit", "export", "--out", "audit.jsonl"}, {"doctor"}, {"doctor", "--security"}, {"channel", "show", "yard", "--json"}, {"vault", "status"}, {"key", "list"}, {"user", "list"},
	} {
		y.do(nil, args...)
	}
	phrase := []string{"OPENCLAW_BACKUP_PASSPHRASE=" + planted["passphrase"]}
	if out := y.do(phrase, "backup", "--out", "shop.backup"); !strings.Contains(out, "everything holds") {
		y.Errorf("the backup says %q", out)
	}
	y.do([]string{"OPENCLAW_BACKUP_PASSPHRASE=" + planted["password"]}, "restore", "--from", "shop.backup", "--keys", "shop.backup.keys")
	other := filepath.Join(y.dir, "other")
	y.must(os.MkdirAll(other, 0o700))
	key, err := os.ReadFile(filepath.Join(y.dir, "data", "vault.key"))
	y.must(err)
	y.must(os.WriteFile(filepath.Join(other, "vault.key"), key, 0o600))
	at := append([]string{"OPENCLAW_DATA=" + other}, phrase...)
	if y.db != "" {
		at = append(at, "OPENCLAW_DB="+db.WithSchema(y.db, "restored"))
	}
	if out := y.do(at, "restore", "--from", "shop.backup", "--keys", "shop.backup.keys"); !strings.Contains(out, "restored ") {
		y.Errorf("the restore says %q", out)
	}
}

// look searches everything that was written anywhere.
func (y *yard) look(places map[string][]byte) {
	y.Helper()
	y.mu.Lock()
	for name, b := range y.said {
		places[name] = b.Bytes()
	}
	places["addresses asked of partners"], places["what the subscriber was told"] = []byte(strings.Join(y.urls, "\n")), y.told.Bytes()
	y.mu.Unlock()
	y.must(filepath.WalkDir(y.dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && (!e.Type().IsRegular() || filepath.Dir(path) == y.dir && (e.Name() == "secret.txt" || strings.HasSuffix(e.Name(), ".csv"))) {
			return nil // gone meanwhile; or where we planted it
		}
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		places["file "+strings.TrimPrefix(path, y.dir)] = b
		return err
	}))
	if y.db != "" {
		for _, schema := range []string{y.db, db.WithSchema(y.db, "restored")} {
			y.dump(schema, places)
		}
	}
	dumps := 0
	for name, b := range places {
		if strings.HasPrefix(name, "log of serve") && bytes.Contains(b, []byte("goroutine ")) {
			dumps++
		}
	}
	if dumps != 2 {
		y.Errorf("%d crashes left a trace", dumps)
	}
	joined := bytes.Join(slices.Collect(func(yield func([]byte) bool) {
		for _, b := range places {
			if !yield(b) {
				return
			}
		}
	}), nil)
	if !bytes.Contains(joined, []byte("TEA-1")) || !bytes.Contains(joined, []byte("level=DEBUG")) {
		y.Error("the search finds nothing at all, or nothing was logged")
	}
	for what, word := range y.words {
		if len(word) < 8 {
			y.Errorf("%s was never planted: %q", what, word)
			continue
		}
		for name, b := range places {
			if belongs(what, name) {
				continue
			}
			for _, form := range forms(word) {
				if i := bytes.Index(b, form); i >= 0 {
					y.Errorf("the %s is in clear in the %s: …%q…", what, name, b[max(0, i-80):min(len(b), i+60)])
					break
				}
			}
		}
	}
}

// belongs says where a text may stand: where it was given out.
func belongs(what, where string) bool {
	switch what {
	case "API key":
		return where == "output of key add"
	case "query":
		return where == "errors of commands" // who asked for it is told that there is none
	case "set-up token":
		return strings.HasPrefix(where, "log of serve")
	}
	return false
}

// forms are a word as it is, as PostgreSQL and JSON write bytes, and as an address does.
func forms(word string) [][]byte {
	all := [][]byte{[]byte(word), fmt.Appendf(nil, "%x", word)}
	for pad := range 3 {
		b := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", pad) + word))
		if b = b[4 : len(b)-4]; len(b) >= 8 {
			all = append(all, []byte(b))
		}
	}
	return all
}

// dump is every row of every table.
func (y *yard) dump(address string, places map[string][]byte) {
	y.Helper()
	d, err := db.Open(context.Background(), address, db.Options{Pool: 2})
	y.must(err)
	defer func() { y.must(d.Close()) }()
	text := func(row db.Scanner) (s string, err error) { return s, row.Scan(&s) }
	y.must(d.Read(context.Background(), func(tx *db.Tx) error {
		names, err := db.All(tx, text, `select table_name::text from information_schema.tables where table_schema = current_schema()`)
		for _, name := range names {
			rows, err := db.All(tx, text, `select t::text from `+name+` t`)
			if err != nil {
				return err
			}
			places["table "+name+" of "+address[strings.LastIndexByte(address, '=')+1:]] = []byte(strings.Join(rows, "\n"))
		}
		if len(names) < 30 {
			return fmt.Errorf("only %d tables", len(names))
		}
		return err
	}))
}
