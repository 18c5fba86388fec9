// Package app wires the house: the only place that knows everybody. Start at Open, which reads top to bottom.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/all"
	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/company"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/courier/demo"
	till "github.com/openclaw-pos/commerce/gateway/demo"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/httpclient"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
	"github.com/openclaw-pos/commerce/web/api"
	"github.com/openclaw-pos/commerce/web/console"
	"github.com/openclaw-pos/commerce/web/shop"
)

// Config says where things are; every field has a default that works on one machine.
type Config struct {
	DB           string         // database URL or SQLite path; default DATA/commerce.db
	Data         string         // folder for the database and the key file; default ./openclaw-data
	KeyFile      string         // key-encryption key; default DATA/vault.key, made on SQLite
	Keys         []string       // key-encryption keys instead of the file, the wanted one first; see vault.Options
	MakeKey      bool           // make a key file also where it must be configured: demo and tests only
	PublicURL    string         // where partners and buyers reach us
	Source       string         // CloudEvents source; default PublicURL or openclaw-commerce
	AllowPrivate bool           // accounts and subscribers may be at private addresses (simulators, a partner in the same network)
	Courier      string         // who carries parcels unless an account or a location says otherwise; default manual
	Depot        *demo.Depot    // the demo courier's depot; nil where there is none
	Till         *till.Provider // the demo payment provider; nil takes the one of its own
	Base         string         // base path of the API; default /v1
	Version      string         // of the program
	ShopLimits   shop.Limits    // of the own shop
	Proxies      api.Proxies    // before this server, believed about who calls
	POS          POS            // the POS core
	Zones        []Zone         // residency zones besides the main one in which this process is allowed
	Here         string         // in which country this process runs, for rules about personal data; "" = not said
	Fence        time.Duration  // of the vault, see vault.Options; tests set it
	NATS         string         // NATS server to publish contract events to
	Tracer       trace.Tracer   // follows what comes in; nil: nobody does
	Log          *slog.Logger
	DBOptions    db.Options
	SignIn       access.UserOptions // how people sign in
}

// App is the house, open.
type App struct {
	Config Config
	Log    *slog.Logger

	DB      *db.DB
	Vault   *vault.Vault
	Audit   *audit.Log
	Privacy *privacy.Store
	Zones   *privacy.Zones // Privacy, and the stores of other residency zones
	zones   map[string]*zone
	Access  *access.Keys
	Users   *access.Users

	Policy      *policy.Service
	Catalog     *catalog.Service
	Inventory   *inventory.Service
	Order       *order.Service
	Payment     *payment.Service
	Fulfillment *fulfillment.Service
	Dispatch    *dispatch.Service
	Returns     *returns.Service
	Connect     *connect.Service
	Cart        *cart.Service
	Company     *company.Service
	HTTP        *httpclient.Pool

	couriers struct {
		sync.Mutex
		open map[string]openCourier
	}

	erased struct { // what is on the list of erasures
		sync.Mutex
		ids  map[string]bool
		last int64
	}

	Relay     *outbox.Relay
	Linker    *audit.Linker
	Consumers *outbox.Consumers
	consumers []outbox.Consumer
	Sender    *outbox.Sender
	Jobs      *jobs.Runner
	API       *api.Server
	Console   *console.Console
}

// Open opens the database, brings its schema up to date, and wires every context.
func Open(ctx context.Context, cfg Config) (*App, error) {
	a := &App{Config: cfg, Log: cfg.Log}
	if a.Log == nil {
		a.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if err := a.paths(); err != nil {
		return nil, err
	}
	if err := a.platform(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if err := a.contexts(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if err := errors.Join(a.restored(ctx), a.Connect.KeepOut(ctx)); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.machinery()
	a.API = a.newAPI()
	a.API.Company, a.API.Forget, a.API.Forgotten, a.API.Second = a.Company, a.erase, a.forgotten, a.secondOfAll
	a.API.Zones, a.API.ZoneStates, a.API.ZoneHealth, a.API.ForgetFar = a.Zones, a.zoneStates, a.zoneHealth, a.eraseFar
	var err error
	if a.Console, err = a.newConsole(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// paths fills in the defaults and makes the data folder.
func (a *App) paths() error {
	c := &a.Config
	if c.Data == "" {
		c.Data = "openclaw-data"
	}
	if c.DB == "" {
		c.DB = "sqlite:" + filepath.Join(c.Data, "commerce.db")
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.Data, "vault.key")
	}
	if c.Courier == "" {
		c.Courier = "manual"
	}
	if c.Source == "" {
		if c.Source = c.PublicURL; c.Source == "" {
			c.Source = "openclaw-commerce"
		}
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if !c.MakeKey {
		return nil
	}
	return makeKey(c.KeyFile)
}

// makeKey makes a key file where there is none.
func makeKey(path string) error {
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return vault.CreateKeyFile(path)
	}
	return nil
}

// platform opens what every context stands on.
func (a *App) platform(ctx context.Context) error {
	opt := a.Config.DBOptions
	opt.Log = a.Log
	var err error
	if a.DB, err = db.Open(ctx, a.Config.DB, opt); err != nil {
		return err
	}
	if err = a.DB.Migrate(ctx, func(line string) { a.Log.Info("migrate", "step", line) }); err != nil {
		return err
	}
	if err = privacy.Claim(ctx, a.DB, vault.MainZone); err != nil {
		return err
	}
	if a.Vault, err = vault.Open(ctx, a.DB, vault.Options{KeyFile: a.Config.KeyFile, Keys: a.Config.Keys, Create: !strings.HasPrefix(a.Config.DB, "postgres"), Log: a.Log, Fence: a.Config.Fence, Used: a.usedSecrets, Changed: a.newSecrets}); err != nil {
		return err
	}
	if a.Audit, err = audit.New(ctx, a.Vault); err != nil {
		return err
	}
	if a.Privacy, err = privacy.Open(ctx, a.DB, a.Vault, a.Audit, privacy.Options{}); err != nil {
		return err
	}
	a.Vault.Also(a.Privacy.Rewrapper())
	if err = a.openZones(ctx); err != nil {
		return err
	}
	if a.Access, err = access.Open(ctx, a.DB, a.Vault, a.Audit); err != nil {
		return err
	}
	a.Users, err = access.OpenUsers(ctx, a.DB, a.Vault, a.Audit, a.Config.SignIn)
	return err
}

// newSecrets lets the accounts whose credentials those are try them.
func (a *App) newSecrets(tx *db.Tx, owner string) error {
	if a.Connect == nil { // not open yet
		return nil
	}
	return a.Connect.CredentialsChanged(tx, owner)
}

// usedSecrets writes down which credentials were used, an hour's uses of one in one entry.
func (a *App) usedSecrets(tx *db.Tx, uses []vault.Use) error {
	all := make([]audit.Entry, len(uses))
	for i, u := range uses {
		all[i] = audit.Entry{
			Actor: access.System("vault").Actor(), Action: "credential.use", SubjectKind: "credential", Subject: u.Owner + "/" + u.Name,
			Detail: map[string]any{"times": u.Times, "from": u.From, "until": u.Until},
		}
	}
	return a.Audit.Write(tx, all...)
}

// kinds are the channel types this process knows.
func (a *App) kinds() []channel.Kind { return all.With(a.ownSite()) }

// Close closes everything. Safe to call twice.
func (a *App) Close() error {
	if a.DB == nil {
		return nil
	}
	return errors.Join(a.closeZones(), a.DB.Close())
}

// machinery sets up what runs beside requests: relay, consumers, sender, jobs.
func (a *App) machinery() {
	a.Relay = outbox.NewRelay(a.DB, a.Log)
	a.Linker = audit.NewLinker(a.DB, a.Audit, a.Log)
	consumers := []outbox.Consumer{outbox.FanOut(), a.Connect.Teller()}
	consumers = append(consumers, a.Fulfillment.Sourcer(), a.Dispatch.Applier())
	consumers = append(consumers, a.Returns.Consumers()...)
	consumers = append(consumers, a.Payment.Consumers()...)
	consumers = append(consumers, a.orderConsumers()...)
	a.consumers = consumers
	a.Consumers = outbox.NewConsumers(a.DB, a.Log, consumers...)
	a.Sender = outbox.NewSender(a.DB, a.Log, a.Config.Source, func(ctx context.Context, subscription string) ([]string, error) {
		return a.Vault.Values(ctx, "subscription:"+subscription, "secret")
	})
	a.Relay.OnPlaced = func() { a.Consumers.Nudge(); a.Sender.Nudge() }
	var handlers []jobs.Handler
	handlers = append(handlers, a.Dispatch.Handlers()...)
	handlers = append(handlers, a.Payment.Handlers()...)
	a.Jobs = jobs.New(a.DB, a.Log, handlers...)
	a.Jobs.Schedules = a.schedules()
}

// every is a scheduled act.
func every(name string, d time.Duration, do func(ctx context.Context) error) jobs.Schedule {
	return jobs.Schedule{Name: name, Every: d, Do: do}
}

// schedules are the acts that time alone causes.
func (a *App) schedules() []jobs.Schedule {
	all := []jobs.Schedule{
		every("order.unpaid", time.Minute, func(ctx context.Context) error { _, err := a.Order.ExpireUnpaid(ctx, 200); return err }),
		every("returns.exchange", time.Minute, func(ctx context.Context) error { _, err := a.Returns.PlaceDue(ctx, 100); return err }),
		every("inventory.expire", 30*time.Second, func(ctx context.Context) error { _, err := a.Inventory.Expire(ctx, 500); return err }),
		every("inventory.weigh", time.Minute, func(ctx context.Context) error { _, err := a.Inventory.Weigh(ctx); return err }),
		every("cart.recover", 30*time.Second, func(ctx context.Context) error { _, err := a.Cart.Recover(ctx, 200); return err }),
		every("inventory.refill", 15*time.Second, a.refill),
		every("connect.tokens", time.Minute, func(ctx context.Context) error { _, err := a.Connect.RefreshDue(ctx); return err }),
		every("connect.warn", time.Minute, func(ctx context.Context) error { _, err := a.Connect.WarnDue(ctx); return err }),
		every("connect.mend", 15*time.Second, func(ctx context.Context) error { _, err := a.Connect.MendDue(ctx); return err }),
		every("connect.modes", time.Minute, a.Connect.ResumeModes),
		every("connect.subscribe", time.Minute, func(ctx context.Context) error { _, err := a.Connect.SubscribeDue(ctx); return err }),
		every("privacy.again", time.Minute, a.eraseAgain),
		every("privacy.requests", time.Minute, a.carryOut),
		every("privacy.lookup", time.Minute, a.rehash),
		every("privacy.keep", 24*time.Hour, a.keep),
		every("privacy.scrub", time.Hour, a.scrub),
		every("vault.rotate", 10*time.Second, func(ctx context.Context) error { _, err := a.Vault.Advance(ctx, time.Minute); return err }),
		every("access.sweep", time.Hour, a.Users.Sweep),
		every("connect.sweep", time.Hour, a.sweep),
		every("connect.reconcile", 24*time.Hour, a.eachAccount(vault.MainZone, a.reconcile)),
		every("connect.drift", 24*time.Hour, a.eachAccount(vault.MainZone, a.drift)),
		every("connect.listings", 6*time.Hour, a.eachAccount("", func(ctx context.Context, id string) error { _, err := a.Connect.PullListings(ctx, id); return err })),
	}
	for _, name := range slices.Sorted(maps.Keys(a.zones)) {
		all = append(all, a.zoneSchedules(name)...)
	}
	if a.Config.POS.Name != embedded {
		all = append(all, every("company.sync", syncEvery, a.readCompany))
	}
	return all
}

// sweep forgets raw payloads that are older than what is kept, batch by batch.
func (a *App) sweep(ctx context.Context) error {
	for {
		if n, err := a.Connect.Sweep(ctx, connect.KeepRaw, 500); err != nil || n == 0 {
			return err
		}
	}
}

func (a *App) reconcile(ctx context.Context, id string) error {
	_, err := a.Connect.Reconcile(ctx, id)
	return err
}

func (a *App) drift(ctx context.Context, id string) error {
	_, err := a.Connect.DriftOf(ctx, id, true)
	return err
}

// eachAccount runs an act for every active account of a residency zone, "" of all; one that fails does not stop the others.
func (a *App) eachAccount(zone string, do func(ctx context.Context, id string) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		var accounts []connect.Account
		err := a.DB.Read(ctx, func(tx *db.Tx) error {
			var err error
			accounts, err = a.Connect.Accounts(tx)
			return err
		})
		for _, acc := range accounts {
			if acc.State == connect.Active && (zone == "" || acc.Residency == zone) {
				err = errors.Join(err, do(ctx, acc.ID))
			}
		}
		return err
	}
}

// refill serves open shortages with stock that came.
func (a *App) refill(ctx context.Context) error {
	return a.DB.Write(db.Background(ctx), func(tx *db.Tx) error { _, err := a.Inventory.Refill(tx, 200); return err })
}
