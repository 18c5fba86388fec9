package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/app"
	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/httpclient"
	"github.com/openclaw-pos/commerce/platform/tracing"
	"github.com/openclaw-pos/commerce/sim/daraz"
	"github.com/openclaw-pos/commerce/sim/shopify"
	"github.com/openclaw-pos/commerce/web/api"
)

// Globals are the flags every command has.
type Globals struct {
	Data         string            `help:"Folder for the database and the key file." default:"./openclaw-data" env:"OPENCLAW_DATA"`
	DB           string            `name:"db" help:"Database: postgres://… or sqlite:PATH. Default: commerce.db in the data folder." env:"OPENCLAW_DB"`
	KeyFile      string            `help:"Key-encryption key file, mode 0600. Default: vault.key in the data folder; made there on SQLite." env:"OPENCLAW_KEY_FILE"`
	KEK          []string          `name:"kek" help:"Key-encryption key instead of the file: file:PATH, transit:https://HOST/MOUNT/NAME or awskms:REGION/KEY. Two while one replaces the other: the new one first." env:"OPENCLAW_KEK"`
	Zones        map[string]string `name:"zone-db" help:"A residency zone in which this process is allowed, with its database: --zone-db de=postgres://…. Repeatable." placeholder:"NAME=URL" env:"OPENCLAW_ZONE_DB"`
	ZoneKeys     map[string]string `name:"zone-key" help:"Key-encryption key file of a zone. Default: vault-NAME.key in the data folder; made there on SQLite." placeholder:"NAME=PATH" env:"OPENCLAW_ZONE_KEY"`
	Here         string            `help:"Country in which this process runs, ISO 3166-1, for rules about personal data." env:"OPENCLAW_HERE"`
	AllowPrivate bool              `help:"Partners and subscribers may be at private addresses: simulators, a partner in the same network." env:"OPENCLAW_ALLOW_PRIVATE"`
	POSCore      string            `name:"pos" help:"The POS core that branches, stock and prices come from: embedded (our own tables), openclaw." default:"embedded" env:"OPENCLAW_POS"`
	POSURL       string            `name:"pos-url" help:"Where its API is; the address ends in /v1." env:"OPENCLAW_POS_URL"`
	POSPrices    string            `name:"pos-prices" help:"Its price list that ours follow; none = none." default:"retail" env:"OPENCLAW_POS_PRICES"`
	JSON         bool              `name:"json" help:"Print data as JSON."`
	Debug        bool              `help:"Log more." env:"OPENCLAW_DEBUG"`
}

// log writes to standard error, without secrets or personal data.
func (g *Globals) log() *slog.Logger {
	level := slog.LevelWarn
	if g.Debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level, ReplaceAttr: httpclient.ReplaceAttr}))
}

// open opens the house.
func (g *Globals) open(ctx context.Context, edit ...func(*app.Config)) (*app.App, error) {
	cfg := app.Config{DB: g.DB, Data: g.Data, KeyFile: g.KeyFile, Keys: g.KEK, AllowPrivate: g.AllowPrivate, Log: g.log(), POS: app.POS{Name: g.POSCore, URL: g.POSURL, PriceList: g.POSPrices}, Here: strings.ToUpper(g.Here)}
	for _, name := range slices.Sorted(maps.Keys(g.Zones)) {
		z := app.Zone{Name: name, DB: g.Zones[name], KeyFile: g.ZoneKeys[name]}
		if z.KeyFile == "" {
			z.Keys = g.KEK
		}
		cfg.Zones = append(cfg.Zones, z)
	}
	for _, e := range edit {
		e(&cfg)
	}
	return app.Open(ctx, cfg)
}

// demoCmd plays everything with no account and no other install.
type demoCmd struct {
	Once   bool   `help:"Play to the end without a person, check every invariant, print a summary; exit 0 only if all hold."`
	Orders int    `help:"How many orders." default:"500"`
	Addr   string `help:"Where to listen; default a free port of this machine."`
	Seed   uint64 `help:"Same seed, same orders." default:"11"`
}

// Run plays the demo.
func (c *demoCmd) Run(ctx context.Context, g *Globals, s streams) error {
	log := slog.New(slog.DiscardHandler)
	if g.Debug {
		log = g.log()
	}
	return demo.Run(ctx, demo.Options{
		Orders: c.Orders, Once: c.Once, JSON: g.JSON, DB: g.DB, Data: g.Data, Addr: c.Addr, Seed: c.Seed, Out: s.out, Log: log, Program: called(),
		Announce: func(dir string, at net.Listener) (string, func() error, error) {
			own := *g
			own.Data = dir
			return own.announce(at, "/v1")
		},
	})
}

// called is how this program is started again.
func called() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ."
	}
	return os.Args[0]
}

// serveCmd runs the house.
type serveCmd struct {
	Addr       string   `help:"Where to listen." default:"127.0.0.1:8080" env:"OPENCLAW_ADDR"`
	Base       string   `help:"Base path of the API." default:"/v1" env:"OPENCLAW_BASE"`
	PublicURL  string   `help:"Where partners reach us, for webhook subscriptions." env:"OPENCLAW_PUBLIC_URL"`
	ConsoleURL string   `name:"console-url" help:"Where people open the console, https://…: passkeys are made for its host name and work there alone. Default: the public URL." env:"OPENCLAW_CONSOLE_URL"`
	Proxies    []string `name:"trusted-proxies" help:"Networks or addresses of the proxies before this server: who calls is read from their X-Forwarded-For, and from nobody else's." placeholder:"CIDR,…" env:"OPENCLAW_TRUSTED_PROXIES"`
	Roles      []string `help:"What this process does: web, intake, work, relay." default:"web,intake,work,relay" env:"OPENCLAW_ROLES"`
	NATS       string   `name:"nats" help:"NATS server to publish contract events to." env:"OPENCLAW_NATS"`
	Courier    string   `help:"Who carries parcels unless an account says otherwise." default:"manual"`

	Grace time.Duration `help:"How long requests under way may take to finish once the process is told to stop; then they are cut short." default:"15s" env:"OPENCLAW_GRACE"`

	ClockWrong time.Duration `hidden:"" help:"Tests: take the clock to be ahead by so much." env:"OPENCLAW_CLOCK_WRONG"`
}

// Run serves until the process is told to stop, then finishes what it has begun.
func (c *serveCmd) Run(ctx context.Context, g *Globals, s streams) error {
	var roles []app.Role
	for _, r := range c.Roles {
		role := app.Role(strings.TrimSpace(r))
		if !slices.Contains(app.Roles, role) {
			return fault.Field("roles", "%q is none of web, intake, work, relay", r)
		}
		roles = append(roles, role)
	}
	proxies, err := api.ParseProxies(c.Proxies)
	if err != nil {
		return err
	}
	var at net.Listener
	if slices.Contains(roles, app.Web) {
		if at, err = net.Listen("tcp", c.Addr); err != nil {
			return fmt.Errorf("listen on %s: %w", c.Addr, err)
		}
		defer func() { _ = at.Close() }()
	}
	key, unsay, err := g.announce(at, c.Base)
	if err != nil {
		return err
	}
	tracer, endTraces, err := tracing.Open(ctx, version(), g.log())
	if err != nil {
		return errors.Join(err, unsay())
	}
	defer func() { // what is left is sent, or given up
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = endTraces(ending)
	}()
	a, err := g.open(ctx, func(cfg *app.Config) {
		cfg.PublicURL, cfg.NATS, cfg.Courier, cfg.Base, cfg.Version = c.PublicURL, c.NATS, c.Courier, c.Base, version()
		cfg.Proxies = proxies
		cfg.Tracer = tracer
		cfg.SignIn.Address = cmp.Or(c.ConsoleURL, c.PublicURL)
		cfg.DBOptions.ClockWrong = c.ClockWrong
	})
	if err != nil {
		return errors.Join(err, unsay())
	}
	app.Breathe()
	a.API.Local = key
	failed := make(chan error, 1)
	var server *http.Server
	if at != nil {
		server = &http.Server{Handler: a.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
		go func() {
			if err := server.Serve(at); err != nil && !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("listen on %s: %w", c.Addr, err)
			}
		}()
		fmt.Fprintf(s.err, "serving on http://%s\n%s", at.Addr(), a.Welcome(ctx, "http://"+at.Addr().String()))
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- a.Run(work, roles...) }()
	select {
	case <-ctx.Done():
	case err = <-failed:
	case err = <-done:
		done <- nil
	}
	if server != nil {
		err = errors.Join(err, endServer(server, c.Grace, s.err))
	}
	stop()
	ended := <-done
	if ctx.Err() != nil && errors.Is(ended, context.Canceled) { // told to stop while a part was still starting
		ended = nil
	}
	return errors.Join(err, ended, a.Close(), unsay())
}

// endServer takes no more requests and lets those under way finish. One that takes longer than the grace is cut short, which is said and is no failure: what it has
// not committed has not happened, and whoever sent it asks again under the same key.
func endServer(server *http.Server, grace time.Duration, said io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := server.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	fmt.Fprintf(said, "a request took longer than %s to finish and was cut short\n", grace)
	return server.Close()
}

// migrateCmds are about the database as a whole.
type migrateCmds struct {
	Up   migrateCmd `cmd:"" default:"1" help:"Bring the database's schema up to date."`
	Copy copyCmd    `cmd:"" help:"Move everything into another, empty database: what has outgrown SQLite to PostgreSQL. Stop every serve first. Begun again it goes on where it stopped."`
}

// migrateCmd brings the schema up to date.
type migrateCmd struct{}

// Run migrates and says from where to where.
func (c *migrateCmd) Run(ctx context.Context, g *Globals, s streams) error {
	unlock, err := g.alone(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }()
	a, err := g.open(ctx)
	if err != nil {
		return err
	}
	current, latest, err := a.DB.Version(ctx)
	if err == nil {
		fmt.Fprintf(s.out, "the database is at version %d of %d\n", current, latest)
	}
	return errors.Join(err, a.Close())
}

// versionCmd says what was built.
type versionCmd struct{}

// Run prints the version.
func (c *versionCmd) Run(s streams) error {
	_, err := fmt.Fprintln(s.out, version())
	return err
}

// simCmd runs a simulated partner.
type simCmd struct {
	Shopify simShopify `cmd:"" help:"A Shopify shop."`
	Daraz   simDaraz   `cmd:"" help:"A Daraz marketplace."`
	Torture simTorture `cmd:"" help:"Run this program against partners that misbehave, kill it again and again, and look whether anything was lost."`
}

type simShopify struct {
	Addr     string `help:"Where to listen." default:"127.0.0.1:8091"`
	Shop     string `help:"The shop's address." default:"demo-shop.myshopify.com"`
	Products int    `help:"How many products it sells." default:"20"`
	Orders   int    `help:"How many orders it holds from the start." default:"10"`
}

// Run serves the shop until the process is told to stop.
func (c *simShopify) Run(ctx context.Context, s streams) error {
	shop, err := shopify.New(shopify.Config{Domain: c.Shop, ClientID: "sim-client", ClientSecret: "sim-secret"})
	if err != nil {
		return err
	}
	defer shop.Close()
	for i := range c.Products {
		if _, err := shop.AddProduct(shopify.ProductSpec{SKU: fmt.Sprintf("OC-%03d", i+1), Title: fmt.Sprintf("Product %d", i+1), Price: fmt.Sprintf("%d.00", 500+i*50), Quantity: 100}); err != nil {
			return err
		}
	}
	for _, spec := range shop.Generate(1, c.Orders) {
		if _, err := shop.PlaceOrder(spec); err != nil && !errors.Is(err, shopify.ErrSoldOut) {
			return err
		}
	}
	fmt.Fprintf(s.err, "%s listens on http://%s, client id sim-client, client secret sim-secret; faults and record at /_sim/\n", c.Shop, c.Addr)
	return serveSim(ctx, c.Addr, shop.Handler())
}

type simDaraz struct {
	Addr     string `help:"Where to listen." default:"127.0.0.1:8092"`
	Venture  string `help:"Which country." default:"pk" enum:"pk,bd,lk,np,mm"`
	Products int    `help:"How many products the shop sells." default:"20"`
	Orders   int    `help:"How many orders it holds from the start." default:"10"`
}

// Run serves the marketplace until the process is told to stop.
func (c *simDaraz) Run(ctx context.Context, s streams) error {
	m := daraz.New(daraz.Config{Venture: c.Venture})
	defer m.Close()
	shop := m.Shop("")
	for i := range c.Products {
		shop.AddProduct(fmt.Sprintf("OC-%03d", i+1), fmt.Sprintf("OC-%03d_%s-1", i+1, strings.ToUpper(c.Venture)), int64(50000+i*5000), 100)
	}
	for _, spec := range shop.Generate(1, c.Orders) {
		if _, err := shop.PlaceOrder(spec); err != nil && !errors.Is(err, daraz.ErrSoldOut) {
			return err
		}
	}
	fmt.Fprintf(s.err, "Daraz %s listens on http://%s/rest, app key sim-daraz-key, app secret sim-daraz-secret, code %s; faults and record at /_sim/\n", c.Venture, c.Addr, shop.Authorize())
	return serveSim(ctx, c.Addr, m.Handler())
}

func serveSim(ctx context.Context, addr string, h http.Handler) error {
	server := &http.Server{Addr: addr, Handler: h, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}
