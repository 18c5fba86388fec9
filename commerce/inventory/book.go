package inventory

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// book is the part of the stock that a transaction works on: read under lock, changed in memory, saved set-based.
type book struct {
	tx       *db.Tx
	levels   map[spot]*level
	holdings map[want]map[string]*holding // by location
	lacks    map[want]*lack
	causes   map[spot]stock.MovementKind // what last took stock from a level
	told     []told
}

// told is a change of a shortage that orders learn by event.
type told struct {
	want
	event    string
	location string
	quantity int64
	cause    string
}

// level is one row of stock_levels.
type level struct {
	spot
	onHand, reserved, safety int64
	wasOnHand, wasReserved   int64
	touched                  bool // to be told to the channels though no number changed
}

// free is what may still be reserved; goods that are already sold may use the safety stock.
func (l *level) free(sold bool) int64 {
	free := l.onHand - l.reserved
	if !sold {
		free -= l.safety
	}
	return max(0, free)
}

// holding is one row of reservations. A row is kept when it falls to zero: its order and rank are needed when units come back.
type holding struct {
	id string
	want
	order, location  string
	quantity         int64
	rank             int64
	expires, created time.Time
	changed          bool
}

// lack is one open row of shortages.
type lack struct {
	id string
	want
	order         string
	quantity, was int64
	rank          int64
	cause         string
	since         time.Time
}

// scope names what a book must contain.
type scope struct {
	spots   map[spot]bool // true: also when nothing is free there
	holders map[holder]bool
}

func newScope() scope { return scope{map[spot]bool{}, map[holder]bool{}} }

// read opens a book: the reservations and shortages of the holders, and the levels named and those where the holders have something,
// locked in key order. Levels are locked before reservations, these before shortages.
func read(tx *db.Tx, sc scope) (*book, error) {
	b := &book{tx: tx, levels: map[spot]*level{}, holdings: map[want]map[string]*holding{}, lacks: map[want]*lack{}, causes: map[spot]stock.MovementKind{}}
	b.queueHoldings(sc.holders)
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	for s := range b.heldSpots() {
		sc.spots[s] = true
	}
	if err := b.queueLevels(sc.spots); err != nil {
		return nil, err
	}
	locked := tx.Lock() != ""
	if locked { // others may have changed them until the levels were ours
		clear(b.holdings)
		b.queueHoldings(sc.holders)
	}
	b.queueLacks(sc.holders)
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	if !locked {
		return b, nil
	}
	return b, b.readLate(sc.holders)
}

// readLate takes what a refill gave to one of the holders between the two readings. Its level comes out of the order of locks: should two
// transactions wait for each other, PostgreSQL ends one and db repeats it.
func (b *book) readLate(holders map[holder]bool) error {
	late := map[spot]bool{}
	for s := range b.heldSpots() {
		if b.levels[s] == nil {
			late[s] = true
		}
	}
	if len(late) == 0 {
		return nil
	}
	b.sendLevels(slices.SortedFunc(maps.Keys(late), compareSpots), late)
	clear(b.holdings)
	b.queueHoldings(holders)
	return b.tx.Flush()
}

// heldSpots are the levels at which the holdings in the book lie.
func (b *book) heldSpots() map[spot]bool {
	spots := map[spot]bool{}
	for w, at := range b.holdings {
		for location, h := range at {
			if h.quantity > 0 {
				spots[sellable(w.variant, location)] = true
			}
		}
	}
	return spots
}

const levelRows = 512 // in one statement: the largest that SQLite keeps prepared

func (b *book) queueLevels(spots map[spot]bool) error {
	keys := slices.SortedFunc(maps.Keys(spots), compareSpots)
	for _, s := range keys {
		b.tx.Locking(db.LockStock, s.lockKey())
	}
	b.sendLevels(keys, spots)
	return nil
}

func (b *book) sendLevels(keys []spot, spots map[spot]bool) {
	for part := range slices.Chunk(keys, levelRows) {
		batch := db.NewBatch(0)
		for _, s := range part {
			batch.Add(s.variant, s.location, s.condition, spots[s])
		}
		b.tx.SendQuery(`select l.variant_id, l.location_id, l.condition, l.on_hand, l.reserved, l.safety
			from rows(v text, l text, c text, must boolean)
			join stock_levels l on l.variant_id = r.v and l.location_id = r.l and l.condition = r.c
			where l.on_hand > l.reserved or r.must
			order by l.variant_id, l.location_id, l.condition`+b.tx.Lock(), b.scanLevel, batch)
	}
}

func (b *book) scanLevel(row db.Scanner) error {
	l := &level{}
	err := row.Scan(&l.variant, &l.location, db.Text(&l.condition), &l.onHand, &l.reserved, &l.safety)
	l.wasOnHand, l.wasReserved = l.onHand, l.reserved
	b.levels[l.spot] = l
	return err
}

const holdingColumns = `v.id, v.holder_kind, v.holder_id, v.order_id, v.variant_id, v.location_id, v.quantity, v.rank, v.expires_at, v.created_at`

func (b *book) queueHoldings(holders map[holder]bool) {
	b.tx.SendQuery(`select `+holdingColumns+` from rows(k text, h text)
		join reservations v on v.holder_kind = r.k and v.holder_id = r.h`, b.scanHolding, holderBatch(holders))
}

// readHoldingsAt adds everything reserved at these levels to the book.
func (b *book) readHoldingsAt(spots []spot) error {
	batch := db.NewBatch(0)
	for _, s := range spots {
		batch.Add(s.variant, s.location)
	}
	b.tx.SendQuery(`select `+holdingColumns+` from rows(v text, l text)
		join reservations v on v.variant_id = r.v and v.location_id = r.l where v.quantity > 0`, b.scanHolding, batch)
	return b.tx.Flush()
}

// scanHolding adds a row, unless the book has it already and may have changed it.
func (b *book) scanHolding(row db.Scanner) error {
	h := &holding{}
	err := row.Scan(&h.id, db.Text(&h.kind), &h.holder.id, db.Text(&h.order), &h.variant, &h.location, &h.quantity, &h.rank,
		db.Time(&h.expires), db.Time(&h.created))
	if b.holdings[h.want][h.location] == nil {
		b.add(h)
	}
	return err
}

func (b *book) add(h *holding) {
	if b.holdings[h.want] == nil {
		b.holdings[h.want] = map[string]*holding{}
	}
	b.holdings[h.want][h.location] = h
}

// queueLacks reads the open shortages of holders, locked, unless the book has them.
func (b *book) queueLacks(holders map[holder]bool) {
	b.tx.SendQuery(`select s.id, s.holder_kind, s.holder_id, s.order_id, s.variant_id, s.quantity, s.rank, s.cause, s.since
		from rows(k text, h text) join shortages s on s.holder_kind = r.k and s.holder_id = r.h
		where s.closed_at is null order by s.id`+b.tx.Lock(), b.scanLack, holderBatch(holders))
}

func (b *book) scanLack(row db.Scanner) error {
	l := &lack{}
	err := row.Scan(&l.id, db.Text(&l.kind), &l.holder.id, db.Text(&l.order), &l.variant, &l.quantity, &l.rank, &l.cause, db.Time(&l.since))
	l.was = l.quantity
	if b.lacks[l.want] == nil {
		b.lacks[l.want] = l
	}
	return err
}

func holderBatch(holders map[holder]bool) *db.Batch {
	batch := db.NewBatch(0)
	for _, h := range slices.SortedFunc(maps.Keys(holders), compareHolders) {
		batch.Add(h.kind, h.id)
	}
	return batch
}

// held is what a holder has reserved of a variant, over all locations.
func (b *book) held(w want) (n int64) {
	for _, h := range b.holdings[w] {
		n += h.quantity
	}
	return n
}

// holdingsOf lists a holder's reservations of a variant, the smallest first, so that giving back leaves as few places as possible.
func (b *book) holdingsOf(w want) []*holding {
	return slices.SortedFunc(maps.Values(b.holdings[w]), func(x, y *holding) int {
		return cmp.Or(cmp.Compare(x.quantity, y.quantity), cmp.Compare(x.location, y.location))
	})
}

// hold adds n units (fewer when negative) to a holder's reservation at a location, and to the level. who gives order, rank and expiry when
// the reservation is new.
func (b *book) hold(w want, location string, n int64, who *holding) *holding {
	h := b.holdings[w][location]
	if h == nil {
		h = &holding{id: db.ID(), want: w, location: location, order: who.order, rank: who.rank, expires: who.expires, created: b.tx.Now}
		b.add(h)
	}
	h.quantity += n
	h.changed = true
	b.levels[sellable(w.variant, location)].reserved += n
	return h
}

// setLack makes a holder short of exactly n units of a variant.
func (b *book) setLack(w want, n int64, order string, rank int64, cause string) *lack {
	l := b.lacks[w]
	if l == nil {
		if n <= 0 {
			return nil
		}
		l = &lack{id: db.ID(), want: w, order: order, rank: rank, cause: cause, since: b.tx.Now}
		b.lacks[w] = l
	}
	l.quantity, l.rank = max(0, n), rank
	return l
}

// shrinkLack takes up to n units off a holder's shortage and returns what is left of n.
func (b *book) shrinkLack(w want, n int64) int64 {
	l := b.lacks[w]
	if l == nil {
		return n
	}
	off := min(n, l.quantity)
	l.quantity -= off
	return n - off
}

// save writes what changed: levels, reservations, shortages with their cases, events.
func (b *book) save() error {
	if err := b.saveLevels(); err != nil {
		return err
	}
	b.saveHoldings()
	if err := b.saveLacks(); err != nil {
		return err
	}
	return b.tell()
}

// tell appends the events; a shortage's own row is the lock of its sequence.
func (b *book) tell() error {
	events := make([]outbox.Event, 0, len(b.told))
	for _, t := range b.told {
		l := b.lacks[t.want]
		if l == nil || l.order == "" {
			continue
		}
		events = append(events, outbox.Event{
			Aggregate: "shortage:" + l.id, Partition: "order:" + l.order, Type: t.event, Order: l.order,
			Body: event.StockFact{
				ShortageID: l.id, OrderID: l.order, Holder: string(l.kind), HolderID: l.holder.id, Variant: l.variant, LocationID: t.location,
				Quantity: t.quantity, Remaining: l.quantity, Cause: t.cause,
			},
		})
	}
	return outbox.Append(b.tx, events...)
}

// saveLevels writes differences, refused where they would reserve more than there is: the levels are locked, so that cannot happen.
func (b *book) saveLevels() error {
	batch, gone := db.NewBatch(3), db.NewBatch(1)
	for _, s := range slices.SortedFunc(maps.Keys(b.levels), compareSpots) {
		l := b.levels[s]
		if l.touched || l.onHand != l.wasOnHand || l.reserved != l.wasReserved {
			batch.Add(s.variant, s.location, s.condition, l.onHand-l.wasOnHand, l.reserved-l.wasReserved)
		}
		if s.condition == stock.Sellable && l.onHand-l.reserved <= l.safety && l.wasOnHand-l.wasReserved > l.safety {
			gone.Add(db.ID(), s.variant)
		}
	}
	b.tx.Send(`insert into stock_sold_out (id, variant_id, at) select r.i, r.v, $1 from rows(i text, v text)`, gone, b.tx.Now.UnixMicro())
	p := b.tx.Send(`update stock_levels set on_hand = stock_levels.on_hand + r.h, reserved = stock_levels.reserved + r.q, dirty = true, updated_at = $1
		from rows(v text, l text, c text, h bigint, q bigint)
		where stock_levels.variant_id = r.v and stock_levels.location_id = r.l and stock_levels.condition = r.c
		and (stock_levels.reserved + r.q = 0 or stock_levels.reserved + r.q <= stock_levels.on_hand + r.h)`, batch, b.tx.Now.UnixMicro())
	if err := b.tx.Flush(); err != nil {
		return err
	}
	if n, err := p.Affected(); err != nil || n != int64(batch.Len()) {
		return cmp.Or(err, error(fault.New(fault.Internal, "%d of %d stock levels could be written", n, batch.Len())))
	}
	return nil
}

func (b *book) saveHoldings() {
	batch := db.NewBatch(4)
	for _, w := range slices.SortedFunc(maps.Keys(b.holdings), compareWants) {
		for _, location := range slices.Sorted(maps.Keys(b.holdings[w])) {
			if h := b.holdings[w][location]; h.changed {
				batch.Add(w.kind, w.id, w.variant, location, h.id, null(h.order), h.quantity, h.rank, db.Micros(h.expires), db.Micros(h.created))
			}
		}
	}
	b.tx.Send(`insert into reservations (id, holder_kind, holder_id, order_id, variant_id, location_id, quantity, rank, expires_at, created_at, updated_at)
		select r.i, r.k, r.h, r.o, r.v, r.l, r.q, r.n, r.e, r.c, $1
		from rows(k text, h text, v text, l text, i text, o text, q bigint, n bigint, e bigint, c bigint) where true
		on conflict (holder_kind, holder_id, variant_id, location_id) do update set quantity = excluded.quantity, rank = excluded.rank,
			expires_at = excluded.expires_at, updated_at = excluded.updated_at`, batch, b.tx.Now.UnixMicro())
}

// saveLacks writes shortages; each open one has one case, which closes with it.
func (b *book) saveLacks() error {
	fresh, changed := db.NewBatch(3), db.NewBatch(1)
	var raise []*lack
	var done []exception.Key
	for _, w := range slices.SortedFunc(maps.Keys(b.lacks), compareWants) {
		l := b.lacks[w]
		switch {
		case l.quantity == l.was:
			continue
		case l.was == 0:
			fresh.Add(w.kind, w.id, w.variant, l.id, null(l.order), l.quantity, l.rank, l.cause)
		case l.quantity == 0:
			changed.Add(l.id, l.quantity, l.rank, b.tx.Now.UnixMicro())
			done = append(done, exception.Key{Cause: exception.Shortage, SubjectKind: shortageKind, Subject: l.id})
			continue
		default:
			changed.Add(l.id, l.quantity, l.rank, nil)
		}
		if l.quantity > l.was {
			raise = append(raise, l)
		}
	}
	b.tx.Send(`update shortages set quantity = r.q, rank = r.n, closed_at = r.d from rows(i text, q bigint, n bigint, d bigint)
		where shortages.id = r.i`, changed)
	if err := b.insertLacks(fresh); err != nil {
		return err
	}
	if err := raiseAll(b.tx, raise); err != nil {
		return err
	}
	return exception.Clear(b.tx, "inventory", "the units are reserved or no longer wanted", done...)
}

// insertLacks opens shortages. Two facts at different locations may open the one of a holder at the same instant: then the later adds to it.
func (b *book) insertLacks(fresh *db.Batch) error {
	if fresh.Len() == 0 {
		return nil
	}
	b.tx.SendQuery(`insert into shortages (id, holder_kind, holder_id, order_id, variant_id, quantity, rank, since, cause)
		select r.i, r.k, r.h, r.o, r.v, r.q, r.n, $1, r.c
		from rows(k text, h text, v text, i text, o text, q bigint, n bigint, c text) where true
		on conflict (holder_kind, holder_id, variant_id) where closed_at is null do update set quantity = shortages.quantity + excluded.quantity
		returning id, holder_kind, holder_id, variant_id, quantity`, func(row db.Scanner) error {
		var w want
		var id string
		var quantity int64
		err := row.Scan(&id, db.Text(&w.kind), &w.holder.id, &w.variant, &quantity)
		if l := b.lacks[w]; l != nil {
			l.id, l.quantity = id, quantity
		}
		return err
	}, fresh, b.tx.Now.UnixMicro())
	return b.tx.Flush()
}

func raiseAll(tx *db.Tx, lacks []*lack) error {
	cases := make([]exception.Case, len(lacks))
	for i, l := range lacks {
		cases[i] = l.asCase()
	}
	return exception.Raise(tx, cases...)
}

const shortageKind = "shortage"

func (l *lack) asCase() exception.Case {
	return exception.Case{
		Cause: exception.Shortage, SubjectKind: shortageKind, Subject: l.id, Order: l.order,
		Detail: map[string]any{"variant_id": l.variant, "quantity": l.quantity, "holder": l.kind, "holder_id": l.holder.id, "cause": l.cause},
	}
}

func compareSpots(a, b spot) int {
	return cmp.Or(cmp.Compare(a.variant, b.variant), cmp.Compare(a.location, b.location), cmp.Compare(a.condition, b.condition))
}

func compareHolders(a, b holder) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.id, b.id))
}

func compareWants(a, b want) int {
	return cmp.Or(compareHolders(a.holder, b.holder), cmp.Compare(a.variant, b.variant))
}

// null stores "" as null.
func null[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return s
}

// of is the want of a holder.
func of(kind stock.HolderKind, id, variant string) want { return want{holder{kind, id}, variant} }
