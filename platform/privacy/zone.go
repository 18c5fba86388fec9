package privacy

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// Elsewhere is the code of the fault that says that something is kept in a zone in which this process is not allowed.
const Elsewhere = "zone_elsewhere"

// NotHere is the fault for what is kept in a zone that this process has no store of: Forbidden, with code Elsewhere.
func NotHere(zone string) error {
	return fault.New(fault.Forbidden, "kept in zone %s; this process is not allowed there", zone).WithCode(Elsewhere)
}

// Claim says whose store a database is, once and for good; the first call decides. Fault: Conflict when it is another zone's: two zones in one database would be none.
func Claim(ctx context.Context, d *db.DB, zone string) error {
	scan := func(row db.Scanner) (z string, err error) { err = row.Scan(&z); return z, err }
	var held []string
	read := func(tx *db.Tx) (err error) {
		held, err = db.All(tx, scan, `select zone from residency where id = 1`)
		return err
	}
	if err := d.Read(ctx, read); err != nil {
		return err
	}
	if len(held) == 0 {
		err := d.Write(ctx, func(tx *db.Tx) error {
			if _, err := tx.Exec(`insert into residency (id, zone) values (1, $1) on conflict (id) do nothing`, zone); err != nil {
				return err
			}
			return read(tx)
		})
		if err != nil {
			return err
		}
	}
	if len(held) == 0 || held[0] != zone {
		return fault.New(fault.Conflict, "this database is the store of zone %s, not of zone %s", strings.Join(held, ""), zone)
	}
	return nil
}

// Zones finds the store in which something personal is kept. It is safe for concurrent use. The zero value has no store.
type Zones struct {
	// Main is the store of the main zone, beside everything else.
	Main *Store
	// Far opens the store of another zone; nil while there is none. Faults: NotHere when this process is not allowed in it, Unavailable while it does not answer.
	Far func(zone string) (*Store, error)
	// Of says in which zone an account is kept; nil: everything is in the main zone.
	Of func(ctx context.Context, account string) (zone string, err error)
	// Names lists the zones there are besides the main one, whether this process is allowed in them or not; nil: none.
	Names func(ctx context.Context) ([]string, error)
	// Allow is asked before something personal leaves its store; nil allows everything. Fault: Forbidden, with the reason for the person who asked.
	Allow func(ctx context.Context, t Transfer) error
}

// Transfer is something personal that somebody wants to have out of its store.
type Transfer struct {
	Account string // whose order it is of
	Zone    string // where it is kept
	Record  string
	Reading
}

// Alone are zones of which there is one.
func Alone(s *Store) *Zones { return &Zones{Main: s} }

// Zone is the store of a zone by name. Faults as for Far.
func (z *Zones) Zone(name string) (*Store, error) {
	switch {
	case name == vault.MainZone || name == "":
		return z.Main, nil
	case z.Far == nil:
		return nil, NotHere(name)
	}
	return z.Far(name)
}

// Store is the store that keeps what is personal of an account's orders. Faults as for Far.
func (z *Zones) Store(ctx context.Context, account string) (*Store, error) {
	name, err := z.ZoneOf(ctx, account)
	if err != nil {
		return nil, err
	}
	return z.Zone(name)
}

// ZoneOf says in which zone an account is kept.
func (z *Zones) ZoneOf(ctx context.Context, account string) (string, error) {
	if z.Of == nil {
		return vault.MainZone, nil
	}
	return z.Of(ctx, account)
}

// Read opens a record of an account's order for a purpose, like Store.Read, if it may leave its zone. Besides its faults: Forbidden when this process is not allowed in the
// zone, or a rule keeps it there; Unavailable while the zone's store does not answer.
func (z *Zones) Read(ctx context.Context, account, id string, why Reading) (Record, error) {
	zone, err := z.ZoneOf(ctx, account)
	if err != nil {
		return Record{}, err
	}
	s, err := z.Zone(zone)
	if err != nil {
		return Record{}, err
	}
	if z.Allow != nil {
		if err := z.Allow(ctx, Transfer{Account: account, Zone: zone, Record: id, Reading: why}); err != nil {
			return Record{}, err
		}
	}
	return s.Read(ctx, id, why)
}

// Save seals a record of an order and stores it in its account's zone, by itself: nothing refers to it yet. Faults as for Store.
func (z *Zones) Save(ctx context.Context, r Record) (SealedRecord, error) {
	s, err := z.Store(ctx, r.Account)
	if err != nil {
		return SealedRecord{}, err
	}
	sealed, err := s.SealRecord(r)
	if err != nil {
		return sealed, err
	}
	return sealed, s.Keep(ctx, func(tx *db.Tx) error { return s.SaveRecords(tx, sealed) })
}

// Found is who was found in the zones that were asked.
type Found struct {
	Matches  []Match
	NotAsked []string // zones that could not be asked: this process is not allowed there, or their store does not answer
}

// FindPhone is Store.FindPhone in every zone.
func (z *Zones) FindPhone(ctx context.Context, phone, country string, limit int) (Found, error) {
	return z.find(ctx, limit, func(s *Store, tx *db.Tx) ([]Match, error) { return s.FindPhone(tx, phone, country, limit) })
}

// FindEmail is Store.FindEmail in every zone.
func (z *Zones) FindEmail(ctx context.Context, email string, limit int) (Found, error) {
	return z.find(ctx, limit, func(s *Store, tx *db.Tx) ([]Match, error) { return s.FindEmail(tx, email, limit) })
}

func (z *Zones) find(ctx context.Context, limit int, in func(s *Store, tx *db.Tx) ([]Match, error)) (Found, error) {
	var out Found
	err := z.Main.Look(ctx, func(tx *db.Tx) (err error) {
		out.Matches, err = in(z.Main, tx)
		return err
	})
	if err != nil || z.Names == nil {
		return out, err
	}
	names, err := z.Names(ctx)
	if err != nil {
		return out, err
	}
	for _, name := range names {
		var there []Match
		s, err := z.Zone(name)
		if err == nil {
			err = s.Look(ctx, func(tx *db.Tx) (err error) {
				there, err = in(s, tx)
				return err
			})
		}
		switch {
		case err == nil:
			out.Matches = append(out.Matches, there...)
		case fault.Temporary(err) || fault.CodeOf(err) == Elsewhere:
			out.NotAsked = append(out.NotAsked, name)
		default:
			return out, err
		}
	}
	slices.SortStableFunc(out.Matches, func(a, b Match) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return out, nil
}

// Each runs fn for the store of every zone that can be reached just now, the main one first; one that fails does not stop the others.
func (z *Zones) Each(ctx context.Context, fn func(s *Store) error) error {
	err := fn(z.Main)
	if z.Names == nil {
		return err
	}
	names, bad := z.Names(ctx)
	err = errors.Join(err, bad)
	for _, name := range names {
		s, bad := z.Zone(name)
		if fault.Temporary(bad) || fault.CodeOf(bad) == Elsewhere {
			continue // who is allowed there does it, or it is done when the store answers again
		}
		if bad == nil {
			bad = fn(s)
		}
		if bad != nil {
			err = errors.Join(err, fault.Wrap(fault.KindOf(bad), bad, "zone "+name+": "+fault.Message(bad)))
		}
	}
	return err
}

// ReadAll is Read of records of several accounts' orders, by id; those that were erased are left out, and so are zones that cannot be asked: they are named.
func (z *Zones) ReadAll(ctx context.Context, byAccount map[string][]string, why Reading) (all map[string]Record, notAsked []string, err error) {
	all = map[string]Record{}
	for _, account := range slices.Sorted(maps.Keys(byAccount)) {
		zone, err := z.ZoneOf(ctx, account)
		if err != nil {
			return nil, nil, err
		}
		s, err := z.Zone(zone)
		if err == nil && z.Allow != nil {
			for _, id := range byAccount[account] {
				if err := z.Allow(ctx, Transfer{Account: account, Zone: zone, Record: id, Reading: why}); err != nil {
					return nil, nil, err
				}
			}
		}
		var some map[string]Record
		if err == nil {
			some, err = s.ReadAll(ctx, byAccount[account], why)
		}
		switch {
		case err == nil:
			maps.Copy(all, some)
		case zone == vault.MainZone || !fault.Temporary(err) && fault.CodeOf(err) != Elsewhere:
			return nil, nil, err
		case !slices.Contains(notAsked, zone):
			notAsked = append(notAsked, zone)
		}
	}
	return all, notAsked, nil
}

// Drop deletes what is kept of orders that the main database has never heard of: an import was cut off after its record was stored, for good. What is still waiting, or was
// imported since a time, is left alone; erased records stay, they are marks. It answers how many records went.
func (s *Store) Drop(tx *db.Tx, orders []Subject, since time.Time) (int, error) {
	which := db.NewBatch(2)
	for _, o := range orders {
		which.Add(o.Account, o.External)
	}
	type row struct{ id, key string }
	rows, err := db.All(tx, func(c db.Scanner) (r row, err error) { err = c.Scan(&r.id, &r.key); return r, err }, `select p.id, p.key_id from personal_records p, rows(a text, x text)
		where p.account_id = r.a and p.external = r.x and p.erased_at is null and p.created_at < $1
		and not exists (select 1 from inbox i where i.account_id = r.a and i.external = r.x and (i.state = 'stored' or i.done_at >= $1)) order by p.id`, which, since.UnixMicro())
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	var ids, keys []string
	for _, r := range rows {
		ids, keys = append(ids, r.id), append(keys, r.key)
	}
	if err := s.Destroy(tx, keys); err != nil {
		return 0, err
	}
	_, err = tx.Exec(`delete from personal_records where id in (select key from json_each($1))`, db.Keys(ids))
	return len(ids), err
}
