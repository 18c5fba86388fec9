package connect

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// runZones imports what is stored in zones besides the main one, each by itself, until the context ends.
func (s *Service) runZones(ctx context.Context) {
	var zones sync.WaitGroup
	defer zones.Wait()
	running := map[string]bool{}
	for {
		for _, zone := range s.need.Zones() {
			if !running[zone] {
				running[zone] = true
				zones.Go(func() { s.importZone(ctx, zone) })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// importZone imports what is stored in one zone. While its store does not answer it asks once a second; the zone's condition says so, the log need not.
func (s *Service) importZone(ctx context.Context, zone string) {
	for {
		n, pause := 0, 200*time.Millisecond
		p, err := s.at(zone)
		if err == nil {
			n, err = s.importAll(ctx, p)
		}
		if err != nil && ctx.Err() == nil {
			pause = time.Second
			if !fault.Temporary(err) {
				s.need.Log.Error("import", "zone", zone, "err", err)
			}
		}
		if n > 0 && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wakeOf(place{zone: zone, far: true}):
		case <-time.After(pause):
		}
	}
}

// landFar brings in a batch that lies in a zone of its own. First the personal records there, under ids that follow from what is in them; then the orders, what the channel
// said of each, and the cases of what is stuck, in one commit of the main database; then the marks in the zone. Whatever is cut off between them comes again when the lease
// ends, and finds done what was done.
func (s *Service) landFar(ctx context.Context, p place, all []*arriving) error {
	waits, err := s.recordFar(ctx, p, all)
	if err != nil {
		return err
	}
	if err := s.between("recorded"); err != nil {
		return err
	}
	out, err := s.landMain(ctx, all, waits)
	if err != nil {
		return err
	}
	if err := s.between("landed"); err != nil {
		return err
	}
	return p.Keep(ctx, func(tx *db.Tx) error {
		if err := mark(tx, out.marks); err != nil {
			return err // another worker has them: it does the same
		}
		if len(out.over) > 0 {
			if err := end(tx, out.over); err != nil {
				return err
			}
		}
		return p.Destroy(tx, out.keys)
	})
}

// between is where tests cut an import off.
func (s *Service) between(step string) error {
	if s.step == nil {
		return nil
	}
	return s.step(step)
}

// stuckFar is a row of a far inbox that waits for a person, as it was before an import that may end its waiting.
type stuckFar struct {
	waiting
	account, external string
	n                 int64
	version           time.Time
}

// recordFar stores the personal records of a batch in its zone, those of erased orders excepted, and answers what waits there for a person of the same orders.
func (s *Service) recordFar(ctx context.Context, p place, all []*arriving) ([]stuckFar, error) {
	var waits []stuckFar
	err := p.Keep(ctx, func(tx *db.Tx) error {
		b, externals := db.NewBatch(2), map[string][]string{}
		seen := map[[2]string]bool{}
		for _, a := range all {
			if k := [2]string{a.row.account, a.row.external}; a.row.external != "" && !seen[k] {
				seen[k] = true
				b.Add(k[0], k[1])
				externals[k[0]] = append(externals[k[0]], k[1])
			}
		}
		gone := map[[2]string]bool{}
		for _, account := range slices.Sorted(keysOf(externals)) {
			erased, err := p.ErasedOrders(tx, account, externals[account])
			if err != nil {
				return err
			}
			for x := range erased {
				gone[[2]string{account, x}] = true
			}
		}
		var records []privacy.SealedRecord
		for _, a := range all {
			a.gone = gone[[2]string{a.row.account, a.row.external}]
			if a.record != nil && a.bad == nil && !a.gone {
				records = append(records, *a.record)
			}
		}
		if err := p.SaveRecords(tx, records...); err != nil {
			return err
		}
		var err error
		waits, err = db.All(tx, func(row db.Scanner) (w stuckFar, err error) {
			err = row.Scan(&w.id, db.Text(&w.cause), &w.account, &w.external, &w.n, db.Time(&w.version))
			return w, err
		}, `select i.id, i.cause, i.account_id, i.external, i.n, i.version_at from inbox i, rows(a text, x text) where i.account_id = r.a and i.external = r.x and i.state in ('stuck', 'dead')`, b)
		return err
	})
	return waits, err
}

// outcome is what a far import leaves to be done in the zone.
type outcome struct {
	marks *db.Batch
	keys  []string // of what was stored of erased orders
	over  []string // rows that waited for a person and say nothing any more
}

// landMain is the part of a far import that is in the main database.
func (s *Service) landMain(ctx context.Context, all []*arriving, waits []stuckFar) (out outcome, err error) {
	err = s.need.DB.Write(db.Large(ctx), func(tx *db.Tx) error {
		out = outcome{}
		good, err := s.current(tx, all)
		if err != nil {
			return err
		}
		if out.keys, err = s.forgetErased(tx, all); err != nil {
			return err
		}
		landings, err := s.bring(tx, good)
		if err != nil {
			return err
		}
		early := earlyOf(tx, good, landings)
		if err := tx.Flush(); err != nil {
			return err
		}
		if err := s.applyEarly(tx, *early); err != nil {
			return err
		}
		if err := s.readContradicted(tx, good, landings); err != nil {
			return err
		}
		b, cases := marks(all, good, landings)
		out.marks = b
		over := overtaken(good, landings, waits)
		for _, w := range over {
			out.over = append(out.over, w.id)
		}
		if err := clearCases(tx, "a later reading of the order has come in", append(over, repeated(good, landings)...)); err != nil {
			return err
		}
		return raise(tx, cases)
	})
	return out, err
}

// clearCases closes the cases of rows.
func clearCases(tx *db.Tx, why string, rows []waiting) error {
	var keys []exception.Key
	for _, w := range rows {
		keys = append(keys, w.keys()...)
	}
	if len(keys) == 0 {
		return nil
	}
	return exception.Clear(tx, "system", why, keys...)
}

// overtaken is superseded, where what waits is not in the same database.
func overtaken(good []*arriving, landings []channel.Landing, waits []stuckFar) (over []waiting) {
	for _, w := range waits {
		for i, a := range good {
			switch landings[i].Decision {
			case channel.Imported, channel.Updated, channel.Unchanged:
			default:
				continue
			}
			version := a.arrival.Change.Version
			if a.row.account == w.account && a.row.external == w.external && w.n < a.row.n &&
				(w.version.IsZero() || version.IsZero() || !w.version.After(version) || strings.HasPrefix(w.cause, "future_version")) {
				over = append(over, w.waiting)
				break
			}
		}
	}
	return over
}

// stuckCauses are those with which an order may be stuck, see order.Import.
var stuckCauses = []string{exception.Undecodable, exception.FutureVersion, exception.CurrencyChanged}

// repeated are rows that come a second time and are in now: the first time may have left a case.
func repeated(good []*arriving, landings []channel.Landing) (all []waiting) {
	for i, a := range good {
		if a.row.attempts < 2 || landings[i].Decision == channel.Stuck {
			continue
		}
		for _, cause := range stuckCauses {
			all = append(all, waiting{a.row.id, cause + ": "})
		}
	}
	return all
}
