package connect

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// abroad is a house whose one account is kept in a zone of its own.
type abroad struct {
	*house
	zone  *db.DB
	store *privacy.Store
	away  error // why the zone cannot be used; nil: it can
}

// pairs runs a test with zone and main database on each engine, and once on two.
func pairs(t *testing.T, f func(t *testing.T, h *abroad)) {
	t.Helper()
	for name, of := range map[string][2]func(testing.TB, ...dbtest.Config) *db.DB{
		"sqlite":                {dbtest.SQLite, dbtest.SQLite},
		"postgres":              {dbtest.Postgres, dbtest.Postgres},
		"sqlite, zone postgres": {dbtest.SQLite, dbtest.Postgres},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, goAbroad(t, of[0](t), of[1](t)))
		})
	}
}

func goAbroad(t *testing.T, d, zone *db.DB) *abroad {
	t.Helper()
	ctx := context.Background()
	keys := t.TempDir()
	for _, name := range []string{"main", "de"} {
		must(t, vault.CreateKeyFile(filepath.Join(keys, name)))
	}
	h := &abroad{house: build(t, d, filepath.Join(keys, "main")), zone: zone}
	v, err := vault.Open(ctx, d, vault.Options{KeyFile: filepath.Join(keys, "main")})
	must(t, err)
	log, err := audit.New(ctx, v)
	must(t, err)
	there, err := vault.Open(ctx, zone, vault.Options{KeyFile: filepath.Join(keys, "de")})
	must(t, err)
	h.store, err = privacy.Open(ctx, zone, there, log, privacy.Options{Zone: "de", Home: d})
	must(t, err)
	h.s.need.ZoneFor = func(context.Context, Account) (string, error) { return "de", nil }
	h.s.need.Zone = func(string) (*privacy.Store, error) { return h.store, h.away }
	h.s.need.Zones = func() []string { return []string{"de"} }
	h.goods()
	h.acc, err = h.s.Add(ctx, Adding{
		Name: "demo-shop", Channel: "demo", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: "le-1", Mode: channel.Live, Actor: "test",
		Secrets: map[string]string{demo.HookSecret: demo.Secret, demo.AppSecret: "test-app-secret"},
	})
	must(t, err)
	_, err = h.s.PullListings(ctx, h.acc.ID)
	must(t, err)
	return h
}

// there counts in the zone's store.
func (h *abroad) there(q string, args ...any) (n int64) {
	h.t.Helper()
	must(h.t, h.zone.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(q, args...).Scan(&n) }))
	return n
}

// due ends the leases of what was taken.
func (h *abroad) due() {
	h.t.Helper()
	must(h.t, h.zone.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(`update inbox set next_at = 0 where state = 'stored'`)
		return err
	}))
}

func (h *abroad) deliver(id string) error {
	d := h.shop.Deliveries(id)[0]
	return h.s.Receive(context.Background(), "demo-shop", d.Header, d.Body)
}

// nothingHere fails when the main database holds anything that belongs to the zone.
func (h *abroad) nothingHere() {
	h.t.Helper()
	for _, table := range []string{"inbox", "personal_records", "personal_keys", "channel_cursors where stream = 'orders'"} {
		if n := h.count(`select count(*) from ` + table); n != 0 {
			h.t.Errorf("%d rows of %s are in the main database", n, table)
		}
	}
}

// facts are what an import left behind in the main database, without times and ids.
func (h *abroad) facts() []string {
	h.t.Helper()
	var all []string
	for _, q := range []string{
		`select external || ' ' || state || ' ' || total from orders order by external`,
		`select external || ' ' || decision || ' ' || status from channel_orders order by external`,
		`select type from events order by type`,
		`select action from audit_log where action like 'order.%' order by action`,
		`select cause || ' ' || state from exceptions order by cause, state`,
		`select sku || ' ' || ordered from order_lines order by sku, ordered`,
	} {
		must(h.t, h.d.Read(context.Background(), func(tx *db.Tx) error {
			rows, err := db.All(tx, scanID, q)
			all = append(all, rows...)
			return err
		}))
	}
	return all
}

func TestZone(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, h *abroad) {
		ctx := context.Background()
		hooked := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		must(t, h.deliver(hooked))
		must(t, h.deliver(hooked))
		polled := h.shop.Place(demo.Item{SKU: "MUG", Quantity: 2})
		h.work()
		if got := h.orders(); len(got) != 2 {
			t.Fatalf("%d orders", len(got))
		}
		h.nothingHere()
		if n := h.there(`select count(*) from inbox where state <> 'done'`); n != 0 {
			t.Errorf("%d messages wait", n)
		}
		for _, table := range []string{"orders", "channel_orders", "exceptions", "audit_log", "events", "channel_accounts"} {
			if n := h.there(`select count(*) from ` + table); n != 0 {
				t.Errorf("the zone has %d rows of %s", n, table)
			}
		}
		for _, o := range h.orders() {
			rec, err := h.store.Read(ctx, o.Buyer, privacy.Reading{Actor: "clerk", Purpose: "call the buyer"})
			must(t, err)
			if rec.Person.Name == "" || rec.External != hooked && rec.External != polled {
				t.Errorf("the record of %s is %v", o.External, rec)
			}
		}
		if n := h.count(`select count(*) from audit_log where action = 'personal.read' and detail like '%"zone":"de"%'`); n != 2 {
			t.Errorf("%d readings are written down", n)
		}
		c := Condition{}
		must(t, h.d.Read(ctx, func(tx *db.Tx) (err error) { c, err = h.s.Condition(tx, h.acc.ID); return err }))
		if c.Waiting != 0 || c.ZoneNote != "" {
			t.Errorf("%d wait, %s", c.Waiting, c.ZoneNote)
		}
	})
}

// Whatever an import is cut off after, what comes of it is what comes of one that was not.
func TestZoneCutOff(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, h *abroad) {
		ctx := context.Background()
		cut := errors.New("the process was killed")
		for _, step := range []string{"recorded", "landed"} {
			id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
			must(t, h.deliver(id))
			h.s.step = func(at string) error {
				if at == step {
					return fault.Wrap(fault.Unavailable, cut, "killed")
				}
				return nil
			}
			for range 2 { // the same happens again
				h.due()
				if _, err := h.s.ImportOnce(ctx); !errors.Is(err, cut) {
					t.Fatalf("cut off when %s, it says %v", step, err)
				}
			}
			before := h.facts()
			h.s.step = nil
			h.due()
			h.importAll()
			if step == "landed" { // all that belongs in the main database was there
				if d := cmp.Diff(before, h.facts()); d != "" {
					t.Errorf("importing again changed (-before +after):\n%s", d)
				}
			}
			if n := h.count(`select count(*) from orders where external = $1`, id); n != 1 {
				t.Errorf("cut off when %s: %d orders", step, n)
			}
			if n := h.there(`select count(*) from personal_records where external = $1`, id); n != 1 {
				t.Errorf("cut off when %s: %d records", step, n)
			}
			if n := h.there(`select count(*) from personal_keys k where not exists (select 1 from personal_records p where p.key_id = k.id) and not exists (select 1 from inbox i where i.key_id = k.id)`); n != 0 {
				t.Errorf("cut off when %s: %d keys open nothing", step, n)
			}
			if n := h.there(`select count(*) from inbox where state <> 'done'`); n != 0 {
				t.Errorf("cut off when %s: %d messages wait", step, n)
			}
		}
		if n := h.count(`select count(*) from reservations where quantity <> 1`) + h.count(`select count(*) from shortages`); n != 0 {
			t.Errorf("%d reservations are not of one piece", n)
		}
	})
}

// A message that was stored in the zone while the rest of its delivery was lost is stored once when the partner sends it again.
func TestZoneWebhookCutOff(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, h *abroad) {
		id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		lost := h.s.need.DB
		closed := dbtest.SQLite(t)
		must(t, closed.Close())
		h.s.need.DB = closed
		if err := h.deliver(id); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("it says %v", err)
		}
		h.s.need.DB = lost
		must(t, h.deliver(id))
		if n := h.there(`select count(*) from inbox`); n != 1 {
			t.Fatalf("it is there %d times", n)
		}
		h.importAll()
		if got := h.orders(); len(got) != 1 {
			t.Fatalf("%d orders", len(got))
		}
	})
}

func TestZoneStuck(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, h *abroad) {
		ctx := context.Background()
		p, err := h.s.at("de")
		must(t, err)
		keep := func(c channel.Change) string {
			row, err := p.seal(h.acc.ID, "poll", "orders", c)
			must(t, err)
			must(t, h.zone.Write(ctx, func(tx *db.Tx) error { return p.store(tx, []*stored{row}) }))
			return row.id
		}
		for i, how := range []Remedy{Again, Leave} {
			id := keep(garbage(fmt.Sprint("bad-", i), h.d.Now()))
			h.importAll()
			if got := h.causes(); len(got) != 1 {
				t.Fatalf("the cases are %v", got)
			}
			must(t, h.s.Unstick(ctx, id, how, "clerk"))
			if got := h.causes(); len(got) != 0 {
				t.Errorf("%s: the case stays open: %v", how, got)
			}
			if how == Again { // it still cannot be read
				h.importAll()
				if got := h.causes(); len(got) != 1 {
					t.Fatalf("read again, the cases are %v", got)
				}
				must(t, h.s.Unstick(ctx, id, Leave, "clerk"))
			}
		}
		t.Run("a reading that comes later ends the waiting of an earlier one", func(t *testing.T) {
			id := h.shop.Place(demo.Item{SKU: "MUG", Quantity: 1})
			keep(garbage(id, h.d.Now()))
			h.importAll()
			if got := h.causes(); len(got) != 1 {
				t.Fatalf("the cases are %v", got)
			}
			_, err := h.s.Poll(ctx, h.acc.ID)
			must(t, err)
			h.importAll()
			if got := h.causes(); len(got) != 0 {
				t.Errorf("the cases are %v", got)
			}
			if n := h.there(`select count(*) from inbox where state <> 'done'`); n != 0 {
				t.Errorf("%d messages wait", n)
			}
		})
		t.Run("a case that a person closed ends the waiting", func(t *testing.T) {
			id := keep(garbage("bad-closed", h.d.Now()))
			h.importAll()
			must(t, h.d.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(`update exceptions set state = 'resolved' where subject_id = $1`, id)
				return err
			}))
			must(t, h.zone.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(`update inbox set done_at = 1 where id = $1`, id)
				return err
			}))
			must(t, h.s.Settle(ctx))
			if n := h.there(`select count(*) from inbox where state <> 'done'`); n != 0 {
				t.Errorf("%d messages wait", n)
			}
		})
		t.Run("what is older than is kept goes, with its keys", func(t *testing.T) {
			for n := 1; n > 0; {
				n, err = h.s.SweepZone(ctx, "de", -1, 500)
				must(t, err)
			}
			if n := h.there(`select count(*) from inbox`); n != 0 {
				t.Errorf("%d are left", n)
			}
		})
	})
}

func TestZoneReplay(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, h *abroad) {
		ctx := context.Background()
		id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		must(t, h.deliver(id))
		h.importAll()
		o := h.orders()[0]
		d, err := h.s.Replay(ctx, o.ID, true, "clerk")
		must(t, err)
		if len(d.Readings) != 1 || len(d.Differences) != 0 || !d.Applied {
			t.Errorf("the replay is %+v", d)
		}
		h.importAll()
		must(t, h.zone.Write(ctx, func(tx *db.Tx) error {
			if err := h.s.EraseRaw(tx, h.acc.ID, []string{id}); err != nil {
				return err
			}
			_, err := h.store.EraseOrders(tx, privacy.Wish, []privacy.Subject{{Account: h.acc.ID, External: id}}, nil)
			return err
		}))
		if _, err := h.s.Replay(ctx, o.ID, true, "clerk"); fault.CodeOf(err) != privacy.Erased {
			t.Errorf("of an erased order the replay says %v", err)
		}
		t.Run("what was erased does not come back", func(t *testing.T) {
			h.shop.Edit(id, func(o *channel.Order) { o.Note = "once more" })
			_, err := h.s.Poll(ctx, h.acc.ID)
			must(t, err)
			must(t, h.s.Want(ctx, h.acc.ID, id, "person"))
			_, err = h.s.ReadOnce(ctx)
			must(t, err)
			h.importAll()
			if n := h.there(`select count(*) from personal_keys`); n != 0 {
				t.Errorf("%d keys are there again", n)
			}
			if n := h.there(`select count(*) from personal_records where erased_at is null`); n != 0 {
				t.Errorf("%d records are there again", n)
			}
		})
	})
}

func TestZoneAway(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, h *abroad) {
		ctx := context.Background()
		id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		must(t, h.deliver(id))
		h.importAll()
		must(t, h.s.Want(ctx, h.acc.ID, id, "person"))
		for name, away := range map[string]error{"not allowed": privacy.NotHere("de"), "down": fault.New(fault.Unavailable, "the store of zone de does not answer")} {
			h.away, h.s.need.Zones = away, func() []string { return nil }
			late := h.shop.Place(demo.Item{SKU: "MUG", Quantity: 1})
			if err := h.deliver(late); !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s: a webhook is answered %v", name, err)
			}
			if _, err := h.s.Poll(ctx, h.acc.ID); fault.KindOf(err) != fault.KindOf(away) {
				t.Errorf("%s: a poll says %v", name, err)
			}
			if n, err := h.s.ReadOnce(ctx); n != 0 || err != nil {
				t.Errorf("%s: %d wishes were taken, %v", name, n, err)
			}
			if n, err := h.s.ImportOnce(ctx); n != 0 || err != nil {
				t.Errorf("%s: %d rows were taken, %v", name, n, err)
			}
			c := Condition{}
			must(t, h.d.Read(ctx, func(tx *db.Tx) (err error) { c, err = h.s.Condition(tx, h.acc.ID); return err }))
			if c.ZoneNote == "" {
				t.Errorf("%s: the condition does not say so", name)
			}
			if got := h.orders(); len(got) != 1 {
				t.Errorf("%s: %d orders are listed", name, len(got))
			}
			h.away, h.s.need.Zones = nil, func() []string { return []string{"de"} }
		}
		h.work()
		if got := h.orders(); len(got) != 3 {
			t.Errorf("there again, %d orders are here", len(got))
		}
	})
}

func TestZoneMove(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, h *abroad) {
		ctx := context.Background()
		must(t, h.s.Move(ctx, "demo-shop", "", "clerk"))
		if acc, err := h.s.load(ctx, "demo-shop"); err != nil || acc.Residency != vault.MainZone {
			t.Fatalf("it is in %s, %v", acc.Residency, err)
		}
		must(t, h.s.Move(ctx, "demo-shop", "de", "clerk"))
		h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		h.work()
		if err := h.s.Move(ctx, "demo-shop", "", "clerk"); fault.CodeOf(err) != "zone_in_use" {
			t.Errorf("with an order it says %v", err)
		}
		if n := h.count(`select count(*) from audit_log where action = 'account.move'`); n != 2 {
			t.Errorf("%d moves are written down", n)
		}
		h.s.need.Local = func(string) bool { return true }
		if _, err := h.s.Add(ctx, Adding{Name: "own", Channel: "demo", Country: "PK", SkipCheck: true, Secrets: map[string]string{demo.HookSecret: demo.Secret}}); fault.CodeOf(err) != "zone_unsupported" {
			t.Errorf("an account of tables of our own: %v", err)
		}
	})
}
