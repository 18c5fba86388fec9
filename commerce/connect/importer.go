package connect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// batchSize is how many changes share a transaction.
const batchSize = 64

// arriving is one stored row, decoded, on its way through import.
type arriving struct {
	row     inboxRow
	arrival channel.Arrival
	record  *privacy.SealedRecord
	landed  channel.Landing
	bad     error // it cannot be decoded
	gone    bool  // its zone knows that the order was erased
}

// Importers is how many RunImport suit the database: where writers do not wait for one another, one lands its batch while another waits for the disk.
func (s *Service) Importers() int {
	if s.need.DB.Engine() == db.SQLite {
		return 1
	}
	return 2
}

// RunImport turns stored raws into orders until the context ends. Any number may run beside each other. Zones do not wait for each other.
func (s *Service) RunImport(ctx context.Context) error {
	var zones sync.WaitGroup
	defer zones.Wait()
	if s.need.Zones != nil {
		zones.Go(func() { s.runZones(ctx) })
	}
	for {
		n, err := s.importAll(ctx, s.home())
		if err != nil && ctx.Err() == nil {
			s.need.Log.Error("import", "err", err)
		}
		if n > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-s.idle(200 * time.Millisecond):
		}
	}
}

// ImportOnce imports one batch of every zone that can be reached and answers how many rows it took.
func (s *Service) ImportOnce(ctx context.Context) (int, error) {
	n, err := s.importFrom(ctx, s.home())
	for _, p := range s.far() {
		more, bad := s.importFrom(ctx, p)
		n, err = n+more, errors.Join(err, bad)
	}
	return n, err
}

// importFrom imports one batch of what is stored in a place.
func (s *Service) importFrom(ctx context.Context, p place) (int, error) {
	rows, err := s.takeBatch(ctx, p)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	all, err := s.ready(ctx, p, rows)
	if err != nil {
		return len(rows), err
	}
	return len(rows), s.landAll(ctx, p, all)
}

// ImportAll imports until nothing is waiting and answers how many rows it took. While one batch lands, the next is taken and decoded: the one works in the database, the
// other in this process. What two batches know of one order is sorted out when they land, as it is between two workers. It ends at the first batch that cannot be
// landed; its rows come back when their lease ends.
func (s *Service) ImportAll(ctx context.Context) (int, error) { return s.importAll(ctx, s.home()) }

func (s *Service) importAll(ctx context.Context, p place) (int, error) {
	type batch struct {
		rows int
		all  []*arriving
		err  error
	}
	inner, cancel := context.WithCancel(ctx)
	decoded := make(chan batch)
	go func() {
		defer close(decoded)
		for {
			var b batch
			rows, err := s.takeBatch(inner, p)
			if b.rows, b.err = len(rows), err; err == nil && b.rows > 0 {
				b.all, b.err = s.ready(inner, p, rows)
			}
			if b.rows == 0 && b.err == nil {
				return
			}
			select {
			case decoded <- b:
			case <-inner.Done():
				return
			}
			if b.err != nil {
				return
			}
		}
	}()
	defer func() {
		cancel()
		for range decoded { // until the other has ended
		}
	}()
	n := 0
	for b := range decoded {
		n += b.rows
		if b.err == nil {
			b.err = s.landAll(ctx, p, b.all)
		}
		if b.err != nil {
			return n, b.err
		}
	}
	return n, ctx.Err()
}

func (s *Service) takeBatch(ctx context.Context, p place) (rows []inboxRow, err error) {
	err = p.Keep(ctx, func(tx *db.Tx) error {
		rows, err = take(tx, batchSize)
		return err
	})
	return rows, err
}

// ready does what needs no transaction: rows are opened and decoded, order numbers stocked.
func (s *Service) ready(ctx context.Context, p place, rows []inboxRow) ([]*arriving, error) {
	all, err := s.decode(ctx, p, rows)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all, s.prepare(ctx, all)
}

// landAll lands decoded rows; what fails as a batch is tried one by one, so that one bad order never holds up the others.
func (s *Service) landAll(ctx context.Context, p place, all []*arriving) (err error) {
	if len(all) == 0 {
		return nil
	}
	if s.need.Tracer != nil {
		begun := s.need.DB.Now()
		defer func() { s.traceLanding(ctx, begun, all, err) }()
	}
	for range 5 {
		if err = s.land(ctx, p, all); fault.CodeOf(err) != channel.NoNumbers {
			break
		}
		if err := s.prepare(ctx, all); err != nil { // others took those that were made ready for these
			return err
		}
	}
	if err == nil || len(all) == 1 {
		return s.giveUp(ctx, p, all, err)
	}
	for _, a := range all {
		if err := s.giveUp(ctx, p, []*arriving{a}, s.land(ctx, p, []*arriving{a})); err != nil {
			return err
		}
	}
	return nil
}

// decode opens, decodes and seals the personal record of each row, outside any transaction.
func (s *Service) decode(ctx context.Context, p place, rows []inboxRow) ([]*arriving, error) {
	ids := make([]string, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.keyID)
	}
	var keys privacy.Keys
	err := p.Look(ctx, func(tx *db.Tx) error {
		var err error
		keys, err = p.Keys(tx, ids)
		return err
	})
	if err != nil {
		return nil, err
	}
	all := make([]*arriving, 0, len(rows))
	for _, r := range rows {
		a := &arriving{row: r}
		o, err := s.open(ctx, r.account)
		if err == nil {
			a.bad, err = s.decodeOne(ctx, p, o, keys, a)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil { // nothing is wrong with the order: its row comes back when its lease ends, the others go on
			s.need.Log.Warn("import", "account", r.account, "kind", fault.KindOf(err).String(), "err", err)
			continue
		}
		all = append(all, a)
	}
	return all, nil
}

// decodeOne says what is wrong with what was stored, if anything, or (later) that it cannot be told now, as while the database or the keeper of the keys is away.
func (s *Service) decodeOne(ctx context.Context, p place, o *opened, keys privacy.Keys, a *arriving) (bad, later error) {
	plain, err := keys.OpenRaw(a.row.keyID, a.row.box, "inbox:"+a.row.id)
	if err != nil {
		return passing(err)
	}
	raw, err := channel.Unpack(plain)
	if err != nil {
		return err, nil
	}
	order, err := o.ch.Decode(raw)
	if err != nil {
		return err, nil
	}
	if hidesNUL(raw) {
		channel.Clean(&order)
	}
	a.arrival = channel.Arrival{
		Inbox: a.row.id, Source: a.row.source, Account: o.acc.brief(), Replay: a.row.topic == replayed, Hash: channel.ContentHash(p.key, order),
		Change: channel.Change{External: a.row.external, Version: a.row.version, ReadAt: a.row.read, Hold: a.row.hold},
	}
	if a.arrival.Change.Version.IsZero() {
		a.arrival.Change.Version = order.Version
	}
	if a.arrival.AddressOK, err = s.addressOK(ctx, o, &order); err != nil {
		return nil, err
	}
	rec := privacy.Record{
		Account: o.acc.ID, External: order.External, Person: privacy.Person(order.Buyer), ShipTo: privacy.Address(order.ShipTo),
		BillTo: privacy.Address(order.BillTo), Note: order.Note,
	}
	for _, l := range order.Lines {
		for _, p := range l.Properties {
			rec.Lines = append(rec.Lines, privacy.LineNote{Line: l.External, Name: p.Name, Value: p.Value})
		}
	}
	if !rec.IsZero() {
		sealed, err := p.SealRecord(rec)
		if err != nil {
			return passing(err)
		}
		a.record, a.arrival.Buyer = &sealed, sealed.ID
	}
	channel.Strip(&order)
	a.arrival.Order = order
	return nil, nil
}

// passing tells what is wrong for good from what passes by itself.
func passing(err error) (bad, later error) {
	if fault.Temporary(err) {
		return nil, err
	}
	return err, nil
}

// hidesNUL reports whether a document may hold a NUL character, which no database keeps, plainly or written as JSON does.
func hidesNUL(raw channel.Raw) bool {
	for _, d := range raw.Docs {
		if bytes.IndexByte(d.Body, 0) >= 0 || bytes.Contains(d.Body, []byte("u0000")) || !utf8.Valid(d.Body) {
			return true
		}
	}
	return false
}

// addressOK judges whether a parcel could be sent. Where the channel makes the label, its own masked address is enough. An error is of what passes by itself.
func (s *Service) addressOK(ctx context.Context, o *opened, order *channel.Order) (bool, error) {
	if o.kind.Parcels == channel.ParcelTheirs {
		return true, nil
	}
	country := order.ShipTo.Country
	if country == "" {
		country = o.acc.Country
	}
	missing, err := s.need.AddressMissing(ctx, country, order.ShipTo)
	if err != nil && (fault.Temporary(err) || ctx.Err() != nil) {
		return false, err
	}
	return err == nil && len(missing) == 0, nil
}

// prepare makes order numbers ready.
func (s *Service) prepare(ctx context.Context, all []*arriving) error {
	type kind struct{ country, channel string }
	n := map[kind]int{}
	for _, a := range all {
		if a.bad == nil {
			n[kind{a.arrival.Account.Country, a.arrival.Account.Channel}]++
		}
	}
	for k, count := range n {
		if err := s.need.Prepare(ctx, k.country, k.channel, 4*count); err != nil {
			return err
		}
	}
	return nil
}

// bring has the order context import what arrived, and notes what the channel said of each. What came of it stands with each, too.
func (s *Service) bring(tx *db.Tx, good []*arriving) ([]channel.Landing, error) {
	arrivals := make([]channel.Arrival, 0, len(good))
	for _, a := range good {
		arrivals = append(arrivals, a.arrival)
	}
	landings, err := s.need.Import(tx, arrivals)
	if err != nil {
		return nil, err
	}
	for i, a := range good {
		a.landed = landings[i]
	}
	return landings, s.seen(tx, good, landings)
}

// land brings a batch in: accounts as they are now, personal records, the orders, what the channel said of each, and the inbox rows marked, in one transaction.
func (s *Service) land(ctx context.Context, p place, all []*arriving) error {
	if p.far {
		return s.landFar(ctx, p, all)
	}
	return s.need.DB.Write(db.Large(ctx), func(tx *db.Tx) error {
		good, err := s.current(tx, all)
		if err != nil {
			return err
		}
		keys, err := s.forgetErased(tx, all)
		if err != nil {
			return err
		}
		if err := s.need.Privacy.Destroy(tx, keys); err != nil {
			return err
		}
		var records []privacy.SealedRecord
		for _, a := range good {
			if a.record != nil {
				records = append(records, *a.record)
			}
		}
		if err := s.need.Privacy.SaveRecords(tx, records...); err != nil {
			return err
		}
		landings, err := s.bring(tx, good)
		if err != nil {
			return err
		}
		stale, waiting := s.superseded(tx, good, landings), earlyOf(tx, good, landings)
		b, cases := marks(all, good, landings)
		if err := mark(tx, b); err != nil {
			return err
		}
		if err := raise(tx, cases); err != nil {
			return err
		}
		if err := s.applyEarly(tx, *waiting); err != nil {
			return err
		}
		if err := s.readContradicted(tx, good, landings); err != nil {
			return err
		}
		if len(*stale) == 0 {
			return nil
		}
		return s.close(tx, *stale, "system", "a later reading of the order has come in")
	})
}

// doubted is after how long an order is read again that was read for nothing.
const doubted = time.Minute

// readContradicted has orders read again of which something came in that is of the same time as what we hold and says something else: the reading decides. Where that
// reading itself seems to be older than what we hold, our clock may have gone back in between: it is read once more, when the clock may have been mended.
func (s *Service) readContradicted(tx *db.Tx, good []*arriving, landings []channel.Landing) error {
	wanted, once := map[string]map[string]string{}, map[string]map[string]string{}
	want := func(in map[string]map[string]string, account, external string) {
		if in[account] == nil {
			in[account] = map[string]string{}
		}
		in[account][external] = "contradicts"
	}
	for i, a := range good {
		switch {
		case landings[i].Decision == channel.Contradicts:
			want(wanted, a.row.account, a.row.external)
		case landings[i].Doubt:
			want(once, a.row.account, a.row.external)
		}
	}
	for _, account := range slices.Sorted(keysOf(once)) {
		if err := s.wantReads(tx, account, once[account], doubted); err != nil {
			return err
		}
	}
	for _, account := range slices.Sorted(keysOf(wanted)) {
		if err := s.wantReads(tx, account, wanted[account], 0); err != nil {
			return err
		}
	}
	return nil
}

// forgetErased takes what is personal from arrivals of orders that were erased, and answers the keys of what was stored of them since, to be destroyed: nothing comes back,
// not even in what cannot be decoded.
func (s *Service) forgetErased(tx *db.Tx, all []*arriving) (keys []string, err error) {
	externals := map[string][]string{}
	for _, a := range all {
		if a.row.external != "" {
			externals[a.row.account] = append(externals[a.row.account], a.row.external)
		}
	}
	for _, account := range slices.Sorted(keysOf(externals)) {
		gone, err := s.need.Privacy.ErasedOrders(tx, account, externals[account])
		if err != nil {
			return nil, err
		}
		for _, a := range all {
			if a.row.account != account || !gone[a.row.external] && !a.gone {
				continue
			}
			a.record, a.arrival.Buyer = nil, ""
			keys = append(keys, a.row.keyID)
			if a.bad != nil {
				a.bad = fault.New(fault.NotFound, "the order was erased").WithCode(privacy.Erased)
			}
		}
	}
	return keys, nil
}

// current takes mode and rules of each account as they are in this transaction, so that a change of mode and an import exclude each other.
func (s *Service) current(tx *db.Tx, all []*arriving) ([]*arriving, error) {
	ids := map[string]bool{}
	var list []string
	good := make([]*arriving, 0, len(all))
	for _, a := range all {
		if a.bad != nil {
			continue
		}
		good = append(good, a)
		if id := a.arrival.Account.ID; !ids[id] {
			ids[id] = true
			list = append(list, id)
		}
	}
	accounts, err := db.All(tx, scanAccount, `select `+accountColumns+` from channel_accounts a where a.id in (select key from json_each($1)) order by a.id`+tx.Share(), db.Keys(list))
	if err != nil {
		return nil, err
	}
	byID := map[string]channel.Account{}
	for _, a := range accounts {
		byID[a.ID] = a.brief()
	}
	for _, a := range good {
		a.arrival.Account = byID[a.arrival.Account.ID]
	}
	return good, nil
}

// seen keeps the channel's view of each order.
func (s *Service) seen(tx *db.Tx, good []*arriving, landings []channel.Landing) error {
	b := db.NewBatch(2)
	for i, a := range good {
		l, o := landings[i], &a.arrival.Order
		decision := "imported"
		switch l.Decision {
		case channel.Imported, channel.Updated:
			if a.arrival.Account.Mode == channel.Shadow {
				decision = "shadow"
			}
		case channel.Skipped:
			decision = "skipped"
		default:
			continue
		}
		statuses, err := json.Marshal(o.Statuses)
		if err != nil {
			return err
		}
		b.Add(a.row.account, a.row.external, orNull(l.OrderID), o.Number, db.Micros(a.arrival.Change.Version), db.Micros(a.row.read), a.arrival.Hash, string(statuses), string(o.Status),
			o.Total.Minor, o.Currency, a.row.id, db.Micros(o.PlacedAt), decision)
	}
	tx.Send(`insert into channel_orders (account_id, external, order_id, number, version_at, read_at, content_hash, statuses, status, total, currency, inbox_id, placed_at, seen_at, decision, erased)
		select a, x, o, n, v, rd, h, ss, st, t, c, i, p, cast($1 as bigint), d, false
		from rows(a text, x text, o text, n text, v bigint, rd bigint, h text, ss text, st text, t bigint, c text, i text, p bigint, d text) where true
		on conflict (account_id, external) do update set order_id = excluded.order_id, number = excluded.number, version_at = excluded.version_at, read_at = excluded.read_at,
			content_hash = excluded.content_hash, statuses = excluded.statuses, status = excluded.status, total = excluded.total, inbox_id = excluded.inbox_id,
			seen_at = excluded.seen_at, decision = excluded.decision`, b, db.Micros(tx.Now))
	return nil
}

// passedOver is the cause of a reading that was held to be older than what is known, or of which nobody knows. If the channel says the same again later, it was not.
const passedOver = "stale"

// marks says what becomes of inbox rows, and the cases of those that are stuck: they wait with their cause.
func marks(all, good []*arriving, landings []channel.Landing) (b *db.Batch, cases []exception.Case) {
	b = db.NewBatch(1)
	stuck := func(a *arriving, cause, why string) {
		b.Add(a.row.id, a.row.attempts, "stuck", cause+": "+why, nil)
		cases = append(cases, exception.Case{
			Cause: cause, SubjectKind: "inbox", Subject: a.row.id, Account: a.row.account, Order: a.arrival.Order.External,
			Detail: map[string]string{"external": a.row.external, "reason": why, "account": a.arrival.Account.Name},
		})
	}
	for i, a := range good {
		l := landings[i]
		if l.Decision == channel.Stuck {
			stuck(a, l.Cause, l.Why)
			cases[len(cases)-1].Order = l.OrderID
			continue
		}
		var why any
		if l.Decision == channel.Stale || l.Decision == channel.Contradicts {
			why = passedOver
		}
		b.Add(a.row.id, a.row.attempts, "done", why, orNull(l.OrderID))
	}
	for _, a := range all {
		if fault.CodeOf(a.bad) == privacy.Erased {
			b.Add(a.row.id, a.row.attempts, "done", privacy.Erased, nil)
			continue
		}
		if a.bad != nil {
			stuck(a, exception.Undecodable, fault.Message(a.bad))
			cases[len(cases)-1].Order = ""
		}
	}
	return b, cases
}

// mark closes inbox rows. Fault: Conflict when another worker took one of them meanwhile.
func mark(tx *db.Tx, b *db.Batch) error {
	n, err := tx.Exec(`update inbox set state = r.s, cause = r.c, order_id = r.o, done_at = $1 from rows(i text, a bigint, s text, c text, o text)
		where inbox.id = r.i and inbox.attempts = r.a and inbox.state = 'stored'`, b, db.Micros(tx.Now))
	if err != nil {
		return err
	}
	if n != int64(b.Len()) {
		return fault.New(fault.Conflict, "another worker took rows of this batch").WithCode("lease_lost")
	}
	return nil
}

func raise(tx *db.Tx, cases []exception.Case) error {
	if len(cases) == 0 {
		return nil
	}
	return exception.Raise(tx, cases...)
}

// giveUp decides what becomes of a batch that did not land: it comes back by itself when its lease ends; after many tries it waits for a person.
func (s *Service) giveUp(ctx context.Context, p place, all []*arriving, cause error) error {
	if cause == nil || fault.Temporary(cause) || fault.Is(cause, fault.Conflict) || ctx.Err() != nil {
		return cause
	}
	b := db.NewBatch(1)
	var cases []exception.Case
	for _, a := range all {
		if a.row.attempts < maxImports {
			continue
		}
		b.Add(a.row.id, a.row.attempts, fault.Message(cause))
		cases = append(cases, exception.Case{
			Cause: exception.Undecodable, SubjectKind: "inbox", Subject: a.row.id, Account: a.row.account,
			Detail: map[string]string{"external": a.row.external, "reason": fault.Message(cause)},
		})
	}
	if b.Len() == 0 {
		s.need.Log.Error("order not imported, tried again later", "err", cause)
		return nil
	}
	dead := func(tx *db.Tx) error {
		_, err := tx.Exec(`update inbox set state = 'dead', cause = r.c, done_at = $1 from rows(i text, a bigint, c text) where inbox.id = r.i and inbox.attempts = r.a`, b, db.Micros(tx.Now))
		return err
	}
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		if !p.far {
			if err := dead(tx); err != nil {
				return err
			}
		}
		return exception.Raise(tx, cases...)
	})
	if err != nil || !p.far {
		return err
	}
	return p.Keep(ctx, dead)
}

// maxImports is how often a row is tried before a person is asked.
const maxImports = 5
