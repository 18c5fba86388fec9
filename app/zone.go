package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
	"github.com/openclaw-pos/commerce/web/api"
)

// Zone is a residency zone besides the main one, with a store of its own. A process that names it is allowed in it.
type Zone struct {
	Name    string   // small letters and digits, such as de
	DB      string   // database URL or SQLite path
	KeyFile string   // its key-encryption key; default DATA/vault-NAME.key, made on SQLite
	Keys    []string // key-encryption keys instead of the file, as Config.Keys
}

const (
	ruleResidency = "residency"         // in which zone what is personal of a country's accounts is kept
	ruleTransfer  = "personal_transfer" // whether something personal may leave its store: an expression that answers why not
)

// zone is one that this process is allowed in.
type zone struct {
	Zone
	mu    sync.Mutex
	store *privacy.Store // nil until it was opened
	cause error          // why it does not answer; nil while it does
	since time.Time      // when it stopped answering
	inbox api.Queue      // what waited there when it was asked
}

// answers notes whether the store answers. The caller has the lock.
func (z *zone) answers(err error, now time.Time) {
	if err == nil || z.cause == nil {
		z.since = now
	}
	z.cause = err
}

var zoneName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

// openZones opens the stores of the zones that are configured. One that does not answer is opened later: the rest of the house goes on without it.
func (a *App) openZones(ctx context.Context) error {
	a.zones = map[string]*zone{}
	for _, cfg := range a.Config.Zones {
		if !zoneName.MatchString(cfg.Name) || cfg.Name == vault.MainZone || a.zones[cfg.Name] != nil {
			return fault.Field("zone", "%q is no name for a zone: small letters and digits, each once, not %s", cfg.Name, vault.MainZone)
		}
		if cfg.KeyFile == "" {
			cfg.KeyFile = filepath.Join(a.Config.Data, "vault-"+cfg.Name+".key")
		}
		z := &zone{Zone: cfg}
		a.zones[cfg.Name] = z
		err := a.openZone(ctx, z)
		if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
			return fault.Wrap(fault.KindOf(err), err, "zone "+cfg.Name+": "+fault.Message(err))
		}
	}
	a.Zones = &privacy.Zones{Main: a.Privacy, Far: a.zoneStore, Of: a.zoneOf, Names: a.zoneNames, Allow: a.mayLeave}
	return nil
}

// zoneOpen is how long opening a zone's store, or asking whether it answers, may take.
const zoneOpen = 10 * time.Second

// openZone opens one store, once.
func (a *App) openZone(ctx context.Context, z *zone) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.store != nil {
		return nil
	}
	store, err := a.zoneStoreAt(ctx, z.Zone)
	if err != nil {
		if z.cause == nil {
			a.Log.Error("the store of a residency zone does not answer", "zone", z.Name, "err", err)
		}
		z.answers(err, a.DB.Now())
		return err
	}
	z.store = store
	z.answers(nil, a.DB.Now())
	return nil
}

func (a *App) zoneStoreAt(ctx context.Context, z Zone) (*privacy.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, zoneOpen)
	defer cancel()
	opt := a.Config.DBOptions
	opt.Log = a.Log
	d, err := db.Open(ctx, z.DB, opt)
	if err != nil {
		return nil, err
	}
	store, err := a.zoneStoreOn(ctx, d, z)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return store, nil
}

func (a *App) zoneStoreOn(ctx context.Context, d *db.DB, z Zone) (*privacy.Store, error) {
	if err := d.Migrate(ctx, func(line string) { a.Log.Info("migrate", "zone", z.Name, "step", line) }); err != nil {
		return nil, err
	}
	if err := privacy.Claim(ctx, d, z.Name); err != nil {
		return nil, err
	}
	if a.Config.MakeKey {
		if err := makeKey(z.KeyFile); err != nil {
			return nil, err
		}
	}
	v, err := vault.Open(ctx, d, vault.Options{KeyFile: z.KeyFile, Keys: z.Keys, Create: d.Engine() == db.SQLite, Log: a.Log, Fence: a.Config.Fence})
	if err != nil {
		return nil, err
	}
	store, err := privacy.Open(ctx, d, v, a.Audit, privacy.Options{Zone: z.Name, Home: a.DB})
	if err != nil {
		return nil, err
	}
	v.Also(store.Rewrapper())
	return store, nil
}

// zoneStore is the store of a zone that this process is allowed in. Faults: Forbidden with code privacy.Elsewhere, Unavailable.
func (a *App) zoneStore(name string) (*privacy.Store, error) {
	z := a.zones[name]
	if z == nil {
		return nil, privacy.NotHere(name)
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.cause != nil {
		return nil, fault.Wrap(fault.Unavailable, z.cause, "the store of zone "+name+" does not answer")
	}
	return z.store, nil
}

// zonesUp names the zones whose stores answer.
func (a *App) zonesUp() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(a.zones)) {
		if _, err := a.zoneStore(name); err == nil {
			all = append(all, name)
		}
	}
	return all
}

// zoneOf says in which zone an account is kept; what belongs to no account of ours is in the main one.
func (a *App) zoneOf(ctx context.Context, account string) (string, error) {
	name := vault.MainZone
	err := a.DB.Read(ctx, func(tx *db.Tx) error {
		acc, err := a.Connect.Account(tx, account)
		if err == nil {
			name = acc.Residency
		}
		if fault.Is(err, fault.NotFound) {
			err = nil
		}
		return err
	})
	return name, err
}

// zoneNames lists the zones that are configured here or used by an account.
func (a *App) zoneNames(ctx context.Context) ([]string, error) {
	all := slices.Collect(maps.Keys(a.zones))
	err := a.DB.Read(ctx, func(tx *db.Tx) error {
		accounts, err := a.Connect.Accounts(tx)
		for _, acc := range accounts {
			if acc.Residency != vault.MainZone {
				all = append(all, acc.Residency)
			}
		}
		return err
	})
	slices.Sort(all)
	return slices.Compact(all), err
}

// zoneFor says where a new account is kept: the rule of its country, else of its company's.
func (a *App) zoneFor(ctx context.Context, acc connect.Account) (string, error) {
	name := vault.MainZone
	err := a.DB.Read(ctx, func(tx *db.Tx) error {
		countries := []string{acc.Country}
		if acc.LegalEntity != "" {
			of, err := a.Policy.Entity(tx, acc.LegalEntity)
			if err != nil {
				return err
			}
			for _, e := range of {
				countries = append(countries, e.Country)
			}
		}
		for _, c := range countries {
			row, err := a.Policy.Value(tx, c, "", ruleResidency, tx.Now)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			name = row.Value
			return err
		}
		return nil
	})
	return name, err
}

// mayLeave asks the rule personal_transfer of an account's country whether something personal may leave its store. A refusal is in the audit log.
func (a *App) mayLeave(ctx context.Context, t privacy.Transfer) error {
	var acc connect.Account
	why := ""
	err := a.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if acc, err = a.Connect.Account(tx, t.Account); err != nil {
			return err
		}
		to, partner, _ := strings.Cut(t.To, ":")
		if to == "" {
			to = "person"
		}
		answer, err := a.Policy.Decide(tx, acc.Country, "", ruleTransfer, tx.Now, policy.Facts{
			"zone": t.Zone, "country": acc.Country, "channel": acc.Channel, "to": to, "partner": partner, "purpose": t.Purpose, "here": a.Config.Here, "reader": readerOf(ctx),
		})
		if err != nil {
			return err
		}
		why, err = answer.Text()
		return err
	})
	switch {
	case fault.Is(err, fault.NotFound):
		return nil // nobody made such a rule
	case fault.Is(err, fault.Invalid):
		a.Log.Error("a rule about personal data cannot be asked", "rule", ruleTransfer, "country", acc.Country, "err", err)
		why = "the rule " + ruleTransfer + " of " + acc.Country + " cannot be asked: mend it first"
	case err != nil || why == "":
		return err
	}
	err = a.DB.Write(db.Along(ctx, nil), func(tx *db.Tx) error {
		return a.Audit.Write(tx, audit.Entry{
			Actor: t.Actor, Action: "personal.refuse", SubjectKind: "personal_record", Subject: t.Record, Purpose: t.Purpose, RequestID: t.RequestID,
			Detail: map[string]string{"account": t.Account, "zone": t.Zone, "to": t.To, "why": why},
		})
	})
	if err != nil {
		return err
	}
	return fault.New(fault.Forbidden, "%s", why).WithCode("transfer_refused")
}

// readerOf is to which countries the caller is limited, separated by blanks; "" is none, or everywhere.
func readerOf(ctx context.Context) string {
	who, ok := access.From(ctx)
	if !ok {
		return ""
	}
	areas := []access.Area{}
	if len(who.Grants) == 0 {
		areas = append(areas, who.Area)
	}
	for _, g := range who.Grants {
		areas = append(areas, g.Area)
	}
	var all []string
	for _, area := range areas {
		if len(area.Countries) == 0 {
			return ""
		}
		all = append(all, area.Countries...)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

// watchEvery is how often a zone's store is asked whether it answers.
const watchEvery = 5 * time.Second

// runZones looks after the zones' stores until the context ends: opens those that did not answer at first, and notices when one stops.
func (a *App) runZones(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, z := range a.zones {
		g.Go(func() error { return a.runZone(ctx, z) })
	}
	return g.Wait()
}

func (a *App) runZone(ctx context.Context, z *zone) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		tended := false
		for {
			if a.askZone(ctx, z) && !tended {
				tended = true
				g.Go(func() error { return z.store.Vault().Run(ctx) })
				g.Go(func() error { return z.store.DB().Tend(ctx) })
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(watchEvery):
			}
		}
	})
	return g.Wait()
}

// askZone asks whether a store answers, and opens one that never did.
func (a *App) askZone(ctx context.Context, z *zone) bool {
	if err := a.openZone(ctx, z); err != nil {
		return false
	}
	asked, cancel := context.WithTimeout(ctx, zoneOpen)
	defer cancel()
	var inbox api.Queue
	err := z.store.DB().Read(asked, func(tx *db.Tx) error {
		return tx.QueryRow(`select count(*), (select min(received_at) from inbox where state = 'stored' and next_at <= $1) from inbox where state = 'stored'`, tx.Now.UnixMicro()).
			Scan(&inbox.Waiting, db.Time(&inbox.Oldest))
	})
	if err != nil && ctx.Err() != nil {
		return false
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if (err == nil) != (z.cause == nil) {
		a.Log.Warn("the store of a residency zone", "zone", z.Name, "answers", err == nil, "err", err)
	}
	z.answers(err, a.DB.Now())
	z.inbox = inbox
	return err == nil
}

// zoneHealth is what was last seen of the stores in which this process is allowed.
func (a *App) zoneHealth() []api.ZoneHealth {
	var all []api.ZoneHealth
	for _, name := range slices.Sorted(maps.Keys(a.zones)) {
		z := a.zones[name]
		z.mu.Lock()
		h := api.ZoneHealth{Name: name, Down: z.cause != nil, Inbox: z.inbox}
		if h.Down {
			h.Since = z.since
		}
		z.mu.Unlock()
		all = append(all, h)
	}
	return all
}

// zoneStates say how the zones fare, as this process sees them.
func (a *App) zoneStates(ctx context.Context) ([]api.ZoneState, error) {
	names, err := a.zoneNames(ctx)
	if err != nil {
		return nil, err
	}
	accounts := map[string]int{}
	if err := a.DB.Read(ctx, func(tx *db.Tx) error {
		all, err := a.Connect.Accounts(tx)
		for _, acc := range all {
			accounts[acc.Residency]++
		}
		return err
	}); err != nil {
		return nil, err
	}
	all := make([]api.ZoneState, 0, len(names))
	for _, name := range names {
		s := api.ZoneState{Name: name, State: "ok", Accounts: accounts[name]}
		store, err := a.zoneStore(name)
		if err == nil {
			s.Engine, s.Key = store.DB().Engine().String(), store.Vault().Fingerprint()
			err = store.Look(ctx, func(tx *db.Tx) error {
				scrub, err := store.Scrub(tx)
				if err != nil {
					return err
				}
				if scrub.Left > 0 {
					s.Note = fmt.Sprintf("%d destroyed keys are still on its disk, since another session of its database may still see them: end what has been open since before %s", scrub.Left, scrub.TriedAt.Format(time.RFC3339))
				}
				return tx.QueryRow(`select count(*) from inbox where state = 'stored'`).Scan(&s.Waiting)
			})
		}
		switch {
		case fault.CodeOf(err) == privacy.Elsewhere:
			s.State, s.Note = "elsewhere", fault.Message(err)
		case err != nil:
			s.State, s.Note = "down", fault.Message(err)
		}
		all = append(all, s)
	}
	return all, nil
}

// closeZones closes the stores.
func (a *App) closeZones() error {
	var all error
	for _, z := range a.zones {
		z.mu.Lock()
		if z.store != nil {
			all = errors.Join(all, z.store.DB().Close())
		}
		z.mu.Unlock()
	}
	return all
}

// zoneSchedules are what time alone causes in a zone. They have names of their own, so that a process that is not allowed in it never takes their turn.
func (a *App) zoneSchedules(name string) []jobs.Schedule {
	in := func(what string, d time.Duration, do func(ctx context.Context, s *privacy.Store) error) jobs.Schedule {
		return every("zone."+name+"."+what, d, a.inZone(name, do))
	}
	return []jobs.Schedule{
		in("again", time.Minute, a.eraseAgainIn),
		in("requests", time.Minute, a.carryOutIn),
		in("lookup", time.Minute, rehash),
		in("keep", 24*time.Hour, a.keepIn),
		in("scrub", time.Hour, a.scrubIn),
		in("scrub.left", time.Minute, a.scrubLeftIn),
		in("rotate", 10*time.Second, func(ctx context.Context, s *privacy.Store) error {
			_, err := s.Vault().Advance(ctx, time.Minute)
			return err
		}),
		in("sweep", time.Hour, func(ctx context.Context, s *privacy.Store) error {
			for {
				if n, err := a.Connect.SweepZone(ctx, s.Zone(), connect.KeepRaw, 500); err != nil || n == 0 {
					return err
				}
			}
		}),
		in("settle", time.Minute, func(ctx context.Context, _ *privacy.Store) error { return a.Connect.Settle(ctx) }),
		in("reconcile", 24*time.Hour, func(ctx context.Context, s *privacy.Store) error { return a.eachAccount(s.Zone(), a.reconcile)(ctx) }),
		in("drift", 24*time.Hour, func(ctx context.Context, s *privacy.Store) error { return a.eachAccount(s.Zone(), a.drift)(ctx) }),
	}
}

// inZone runs an act on a zone's store; while it does not answer there is nothing to do.
func (a *App) inZone(name string, do func(ctx context.Context, s *privacy.Store) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		s, err := a.zoneStore(name)
		if err != nil {
			return nil // its condition says so
		}
		if err := do(ctx, s); err != nil {
			return fmt.Errorf("zone %s: %w", name, err)
		}
		return nil
	}
}
