package app_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/sim/daraz"
	"github.com/openclaw-pos/commerce/sim/shopify"
	"github.com/openclaw-pos/commerce/web/shop"
)

// The environment that makes this test binary another process: where its data are, and what it does.
const (
	killURL   = "APP_TEST_URL"
	killData  = "APP_TEST_DATA"
	killRoles = "APP_TEST_ROLES"
)

// skus are what the town sells, ten of each.
var skus = []string{"TEA-1", "RICE-5", "MUG-2"}

// town is one company with one warehouse on a database of its own, which processes share with this test one after the other, and the partners' simulators, which outlive them all.
type town struct {
	t         *testing.T
	url, data string

	a         *app.App // nil while another process has the database
	entity    string
	warehouse string
	variants  map[string]string

	gate    *gate
	shop    *shopify.Shop
	market  *daraz.Market
	account string
}

// engines runs a test on a database of each engine.
func engines(t *testing.T, f func(t *testing.T, h *town)) {
	t.Helper()
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return dbtest.SQLiteURL(t, true) },
		"postgres": func() string { return dbtest.PostgresURL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &town{t: t, url: url(), data: t.TempDir(), variants: map[string]string{}, gate: &gate{}}
			h.open()
			t.Cleanup(func() {
				if h.a != nil {
					ok(t, h.a.Close())
				}
			})
			h.build()
			f(t, h)
		})
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func config(url, data string) app.Config {
	return app.Config{
		DB: url, Data: data, KeyFile: filepath.Join(data, "vault.key"), MakeKey: true, AllowPrivate: true, Log: slog.New(slog.DiscardHandler), Fence: 20 * time.Second,
		ShopLimits: shop.Limits{PerSecond: 1e6, Burst: 1e6, ProofsPerHour: 1e6, ProofBurst: 1e6},
	}
}

// open takes the database into this process.
func (h *town) open() {
	h.t.Helper()
	a, err := app.Open(context.Background(), config(h.url, h.data))
	ok(h.t, err)
	h.a = a
}

// leave gives the database away.
func (h *town) leave() {
	h.t.Helper()
	ok(h.t, h.a.Close())
	h.a = nil
}

func (h *town) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	ok(h.t, h.a.DB.Write(context.Background(), fn))
}

// ask gives the only answer of a query.
func ask[T any](h *town, query string, args ...any) T {
	h.t.Helper()
	var v T
	ok(h.t, h.a.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		v, err = db.One(tx, func(row db.Scanner) (x T, err error) { return x, row.Scan(&x) }, query, args...)
		return err
	}))
	return v
}

// all are the answers of a query, as text.
func (h *town) all(query string, args ...any) []string {
	h.t.Helper()
	var rows []string
	ok(h.t, h.a.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		rows, err = db.All(tx, func(row db.Scanner) (x string, err error) { return x, row.Scan(db.Text(&x)) }, query, args...)
		return err
	}))
	return rows
}

func (h *town) build() {
	h.t.Helper()
	e, err := h.a.Policy.SaveEntity(context.Background(), policy.LegalEntity{Code: "PK", Name: "Town (Pvt) Ltd", Country: "PK", Currency: "PKR"}, "test")
	ok(h.t, err)
	h.entity = e.ID
	h.write(func(tx *db.Tx) error {
		ids, err := h.a.Inventory.SaveLocations(tx, []inventory.Location{{
			Code: "WH", Name: "Warehouse", Kind: "warehouse", LegalEntity: h.entity, Country: "PK", Province: "Punjab", City: "Lahore", Zone: "Asia/Karachi", Fulfils: true, Active: true, Weight: 100,
		}})
		if err != nil {
			return err
		}
		h.warehouse = ids[0]
		var products []catalog.NewProduct
		for _, sku := range skus {
			products = append(products, catalog.NewProduct{SKU: sku, Title: sku, WeightG: 300})
		}
		if err := h.a.Catalog.SaveProducts(tx, products); err != nil {
			return err
		}
		if h.variants, err = h.a.Catalog.Variants(tx, skus); err != nil {
			return err
		}
		prices := map[string]int64{}
		for _, id := range h.variants {
			prices[id] = 50000
		}
		return h.a.Catalog.SavePrices(tx, catalog.NewList{Name: "Standard", Country: "PK", Currency: "PKR", Prices: prices})
	})
	h.stock(10, "opening")
}

// stock adds so many of every SKU.
func (h *town) stock(n int64, ref string) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		var ms []stock.Movement
		for _, sku := range skus {
			ms = append(ms, stock.Movement{
				Variant: h.variants[sku], Location: h.warehouse, Condition: stock.Sellable, Delta: n, Kind: stock.MoveReceipt, RefKind: "test", RefID: ref, Actor: "test", At: tx.Now,
			})
		}
		return h.a.Inventory.Move(tx, ms)
	})
}

// openShopify opens a shop behind the gate, with our account for it.
func (h *town) openShopify() { h.openShopifyBy("client_credentials") }

// openShopifyBy gets its tokens by another grant.
func (h *town) openShopifyBy(grant string) {
	h.t.Helper()
	ctx := context.Background()
	var err error
	h.shop, err = shopify.New(shopify.Config{
		Domain: "town.myshopify.com", ClientID: "client", ClientSecret: "secret", Currency: "PKR", Country: "PK", Locations: []shopify.LocationSpec{{Name: "WH"}}, PlainHTTP: true,
		BucketSize: 20000, RestoreRate: 20000,
	})
	ok(h.t, err)
	h.t.Cleanup(h.shop.Close)
	for _, sku := range skus {
		_, err := h.shop.AddProduct(shopify.ProductSpec{SKU: sku, Title: sku, Price: "500.00", Stock: map[string]int{"WH": 10}})
		ok(h.t, err)
	}
	settings := map[string]string{
		"shop": "town.myshopify.com", "base_url": h.gate.listen(h.t, h.shop.Handler()), "client_id": "client", "poll_seconds": "1", "acknowledge_tag": "ours {number}", "grant": grant,
	}
	secrets := map[string]string{"client_secret": "secret"}
	if grant == "refresh_token" {
		secrets["authorization_code"] = h.shop.IssueCode()
	}
	acc, err := h.a.Connect.Add(ctx, connect.Adding{
		Name: "town-shop", Channel: "shopify", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: h.entity, Mode: channel.Live, Actor: "test",
		Settings: settings, Secrets: secrets,
	})
	ok(h.t, err)
	h.account = acc.ID
	theirs, err := h.a.Connect.Check(ctx, acc.ID)
	ok(h.t, err)
	ok(h.t, h.a.Connect.MapLocation(ctx, acc.ID, h.warehouse, theirs.Locations[0].External))
	_, err = h.a.Connect.PullListings(ctx, acc.ID)
	ok(h.t, err)
}

// openDaraz opens a Daraz shop behind the gate, with our account for it.
func (h *town) openDaraz() {
	h.t.Helper()
	h.market = daraz.New(daraz.Config{Venture: "pk", AppKey: "app", AppSecret: "app-secret", Sellers: []daraz.Seller{{ID: "100071"}}, Push: daraz.Push{Off: true}})
	h.t.Cleanup(h.market.Close)
	for _, sku := range skus {
		h.market.Shop("").AddProduct(sku, sku+"_PK-1", 50000, 10)
	}
	acc, err := h.a.Connect.Add(context.Background(), connect.Adding{
		Name: "town-daraz", Channel: "daraz", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: h.entity, App: "app", Mode: channel.Live, Actor: "test",
		Settings: map[string]string{"venture": "pk", "app_key": "app", "base_url": h.gate.listen(h.t, h.market.Handler()) + "/rest", "poll_seconds": "1"},
		Secrets:  map[string]string{"app_secret": "app-secret", "code": h.market.Shop("").Authorize()},
	})
	ok(h.t, err)
	h.account = acc.ID
	_, err = h.a.Connect.PullListings(context.Background(), acc.ID)
	ok(h.t, err)
}

// buy has a buyer of the Shopify shop order one of each SKU.
func (h *town) buy() string {
	h.t.Helper()
	spec := h.shop.Generate(5, 1)[0]
	spec.Lines = nil
	for _, sku := range skus[:2] {
		spec.Lines = append(spec.Lines, shopify.LineSpec{SKU: sku, Quantity: 1})
	}
	spec.COD, spec.Test, spec.POS, spec.Payments, spec.Discount, spec.Tip, spec.Currency, spec.Oversell = false, false, false, nil, nil, "", "", true
	placed, err := h.shop.PlaceOrder(spec)
	ok(h.t, err)
	return placed.ID
}

// read polls and imports what the account's channel has.
func (h *town) read() {
	h.t.Helper()
	_, err := h.a.Connect.Poll(context.Background(), h.account)
	ok(h.t, err)
	h.work()
}

// work does everything that is due: reads, imports, events, tells, stock.
func (h *town) work() {
	h.t.Helper()
	ctx := context.Background()
	for n := 1; n > 0; {
		n = 0
		for _, do := range []func(context.Context) (int, error){
			h.a.Connect.ReadOnce, h.a.Connect.ImportOnce, h.a.Connect.TellOnce,
			func(ctx context.Context) (int, error) { return h.a.Connect.MarkChanged(ctx, 500) },
			func(ctx context.Context) (int, error) { return h.a.Connect.PushOnce(ctx, h.account) },
		} {
			m, err := do(ctx)
			ok(h.t, err)
			n += m
		}
		ok(h.t, outbox.Drain(ctx, h.a.Relay, h.a.Consumers))
	}
}

// pack picks and packs everything there is.
func (h *town) pack() {
	h.t.Helper()
	ctx := context.Background()
	for _, id := range h.all(`select id from fulfillment_orders where state = 'new' order by id`) {
		fo, err := h.a.Fulfillment.Accept(ctx, id, 0, "clerk")
		ok(h.t, err)
		for _, l := range fo.Lines {
			_, err := h.a.Fulfillment.Pick(ctx, id, 0, "clerk", fulfillment.Scan{ID: l.ID, Code: l.SKU, Quantity: l.Quantity})
			ok(h.t, err)
		}
		_, err = h.a.Fulfillment.Pack(ctx, id, 0, "clerk", nil)
		ok(h.t, err)
	}
}

// expire ends the leases of a killed process, as time would.
func (h *town) expire() {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		for _, q := range []string{
			`update inbox set next_at = 0 where state = 'stored'`,
			`update tells set lease_until = 1, next_at = 0 where state = 'running'`,
			`update tells set next_at = 0 where state = 'intended'`,
			`update reads set lease_until = 1, next_at = 0 where state in ('running', 'due')`,
			`update channel_stock set running_until = 1 where running_until is not null`,
			`update channel_stock set next_at = 0`,
			`update deliveries set next_at = 0 where state = 'due'`,
		} {
			if _, err := tx.Exec(q); err != nil {
				return fmt.Errorf("%s: %w", q, err)
			}
		}
		return nil
	})
}

// process is another process at work on the town's database.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	url string // where it listens
}

// TestKilledProcess is the other process: it does the work of the given roles until it is killed. Without the environment there is nothing to do.
func TestKilledProcess(t *testing.T) {
	url := os.Getenv(killURL)
	if url == "" {
		return
	}
	ctx := context.Background()
	a, err := app.Open(ctx, config(url, os.Getenv(killData)))
	ok(t, err)
	server := httptest.NewServer(a.Handler())
	var roles []app.Role
	for r := range strings.SplitSeq(os.Getenv(killRoles), ",") {
		roles = append(roles, app.Role(r))
	}
	fmt.Printf("ready %s\n", server.URL)
	ok(t, a.Run(ctx, roles...))
}

// start hands the database to another process, and waits until that is at work.
func (h *town) start(roles ...app.Role) *process {
	h.t.Helper()
	if h.a != nil {
		h.leave()
	}
	var names []string
	for _, r := range roles {
		names = append(names, string(r))
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcess$", "-test.v")
	cmd.Env = append(os.Environ(), killURL+"="+h.url, killData+"="+h.data, killRoles+"="+strings.Join(names, ","))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ok(h.t, err)
	ok(h.t, cmd.Start())
	p := &process{t: h.t, cmd: cmd}
	h.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for p.url == "" && lines.Scan() {
		p.url, _ = strings.CutPrefix(lines.Text(), "ready ")
		if !strings.HasPrefix(lines.Text(), "ready ") {
			p.url = ""
		}
	}
	if p.url == "" {
		h.t.Fatal("the other process did not start")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return p
}

// kill ends it with SIGKILL: nothing is tidied up.
func (p *process) kill() {
	p.t.Helper()
	ok(p.t, p.cmd.Process.Kill())
	_ = p.cmd.Wait()
}

// patience is how long anything may take on a busy machine.
const patience = 60 * time.Second

// gate stands before partners. It stops one request, before or after the partner has done what it asks, until whoever asked is gone; and it counts how many
// of a kind were under way at once.
type gate struct {
	mu     sync.Mutex
	what   string
	after  bool
	hit    chan struct{}
	watch  string
	flying int
	most   int
}

func (g *gate) listen(t *testing.T, next http.Handler) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.pass(w, r, next) }))
	t.Cleanup(s.Close)
	return s.URL
}

// arm makes the gate stop the next request whose path or body has this word in it.
func (g *gate) arm(what string, after bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.what, g.after, g.hit, g.watch = what, after, make(chan struct{}), what
}

// wait waits until a request was stopped.
func (g *gate) wait(t *testing.T) {
	t.Helper()
	g.mu.Lock()
	hit := g.hit
	g.mu.Unlock()
	select {
	case <-hit:
	case <-time.After(patience):
		t.Fatal("the request that was to be stopped never came")
	}
}

func (g *gate) pass(w http.ResponseWriter, r *http.Request, next http.Handler) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	has := func(word string) bool { return word != "" && strings.Contains(r.URL.Path+string(body), word) }
	g.mu.Lock()
	stop, after := has(g.what), g.after
	if stop {
		g.what = ""
	}
	counted := has(g.watch)
	if counted {
		g.flying++
		g.most = max(g.most, g.flying)
	}
	hit := g.hit
	g.mu.Unlock()
	defer func() {
		if counted {
			g.mu.Lock()
			g.flying--
			g.mu.Unlock()
		}
	}()
	if !stop {
		next.ServeHTTP(w, r)
		return
	}
	if after {
		next.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
	}
	close(hit)
	<-r.Context().Done() // whoever asked has gone
}

func sorted(all []string) []string {
	slices.Sort(all)
	return all
}
