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
)

// Move records facts: changes of on hand that have happened. Each happens once per reference, variant, location, condition and kind, so that
// a repeat changes nothing; movements of one call that share all of these are added up. A fact is never refused: what it takes from the
// reserved goes from the lowest rank first and becomes that holder's shortage, with one case; on hand below zero is a case of the location.
// Consume takes the units out of their holders' reservations in the same step, wherever these lie when not here.
// Fault: Invalid for a movement that names no variant, reference or known location, or a delta of zero that is not a count's.
func (s *Service) Move(tx *db.Tx, ms []stock.Movement) error {
	all, err := merge(ms)
	if err != nil || len(all) == 0 {
		return err
	}
	fresh, err := s.record(tx, all)
	if err != nil || len(fresh) == 0 {
		return err
	}
	sc := newScope()
	for _, m := range fresh {
		sc.spots[m.spot()] = true
		for _, u := range m.Consume {
			sc.holders[holder{u.Holder, u.HolderID}] = true
		}
	}
	b, err := read(tx, sc)
	if err != nil {
		return err
	}
	for _, m := range fresh {
		b.apply(m)
	}
	if err := b.lose(); err != nil {
		return err
	}
	if err := b.negative(); err != nil {
		return err
	}
	return b.save()
}

// Inverse is the movement that takes one back, under a reference of its own.
func Inverse(m stock.Movement, refID string, at time.Time) stock.Movement {
	m.Delta, m.RefID, m.At = -m.Delta, refID, at
	return m
}

// moved is a movement as the book sees it.
type moved struct {
	stock.Movement
	id string
}

func (m moved) spot() spot { return spot{m.Variant, m.Location, m.Condition} }

// once is what makes a movement happen once.
type once struct {
	refKind, refID string
	spot
	kind stock.MovementKind
}

func (m moved) once() once { return once{m.RefKind, m.RefID, m.spot(), m.Kind} }

// merge checks movements and adds up those that are one, in key order.
func merge(ms []stock.Movement) ([]moved, error) {
	sums := map[once]*moved{}
	for i, m := range ms {
		m.Condition = cmp.Or(m.Condition, stock.Sellable)
		if err := check(m, fieldOf("movements", i)); err != nil {
			return nil, err
		}
		next := moved{Movement: m, id: db.ID()}
		have := sums[next.once()]
		if have == nil {
			sums[next.once()] = &next
			continue
		}
		have.Delta += m.Delta
		have.Consume = append(slices.Clone(have.Consume), m.Consume...)
		if have.UnitCost == nil || m.UnitCost == nil || *have.UnitCost != *m.UnitCost || have.Currency != m.Currency {
			have.UnitCost, have.Currency = nil, "" // two costs in one movement are no cost
		}
	}
	all := make([]moved, 0, len(sums))
	for _, m := range sums {
		if m.Delta != 0 || m.Kind == stock.MoveCount {
			all = append(all, *m)
		}
	}
	slices.SortFunc(all, func(a, b moved) int {
		return cmp.Or(compareSpots(a.spot(), b.spot()), cmp.Compare(a.RefKind, b.RefKind), cmp.Compare(a.RefID, b.RefID), cmp.Compare(a.Kind, b.Kind))
	})
	return all, nil
}

func check(m stock.Movement, at string) error {
	switch {
	case m.Variant == "" || m.Location == "":
		return fault.Field(at, "a movement names its variant and location")
	case m.RefKind == "" || m.RefID == "" || m.Kind == "":
		return fault.Field(at, "a movement names its kind and what it is about")
	case m.Condition != stock.Sellable && m.Condition != stock.Quarantine && m.Condition != stock.Damaged:
		return fault.Field(at+".condition", "%q is not sellable, quarantine or damaged", m.Condition)
	case m.Delta == 0 && m.Kind != stock.MoveCount:
		return fault.Field(at+".delta", "must not be zero")
	case m.Delta > mostUnits || m.Delta < -mostUnits:
		return fault.Field(at+".delta", "is more than any location can hold")
	}
	return nil
}

// mostUnits bounds one movement, so that no sum can overflow.
const mostUnits = 1_000_000_000_000

// record writes the movements down and returns those that are new. It makes the levels that do not exist yet.
func (s *Service) record(tx *db.Tx, all []moved) ([]moved, error) {
	places, err := s.places(tx, all)
	if err != nil {
		return nil, err
	}
	rows := db.NewBatch(0)
	byID := map[string]moved{}
	spots := make([]spot, len(all))
	for i, m := range all {
		spots[i] = m.spot()
		at := m.At
		if at.IsZero() {
			at = tx.Now
		}
		byID[m.id] = m
		rows.Add(m.id, m.Variant, m.Location, m.Condition, m.Delta, m.Kind, m.RefKind, m.RefID, m.UnitCost, null(m.Currency), null(m.Serial),
			null(m.Batch), null(m.ExpiresOn), places[m.Location].businessDate(at), at.UnixMicro(), m.Actor, null(m.Note))
	}
	makeLevels(tx, spots)
	var fresh []moved
	tx.SendQuery(`insert into stock_movements (id, variant_id, location_id, condition, delta, kind, reference_kind, reference_id, unit_cost, currency,
			serial, batch, expires_on, business_date, at, actor, note)
		select r.i, r.v, r.l, r.c, r.d, r.k, r.rk, r.ri, r.u, r.y, r.s, r.b, r.e, r.bd, r.w, r.a, r.n
		from rows(i text, v text, l text, c text, d bigint, k text, rk text, ri text, u bigint, y text, s text, b text, e text, bd text, w bigint,
			a text, n text)
		where true on conflict (reference_kind, reference_id, variant_id, location_id, condition, kind) do nothing
		returning id`, func(row db.Scanner) error {
		var id string
		err := row.Scan(&id)
		fresh = append(fresh, byID[id])
		return err
	}, rows)
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	slices.SortFunc(fresh, func(a, b moved) int { return cmp.Or(compareSpots(a.spot(), b.spot()), cmp.Compare(a.id, b.id)) })
	return fresh, nil
}

// makeLevels queues the making of levels that do not exist yet.
func makeLevels(tx *db.Tx, spots []spot) {
	spots = slices.Clone(spots)
	slices.SortFunc(spots, compareSpots)
	batch := db.NewBatch(3)
	for _, x := range slices.Compact(spots) {
		batch.Add(x.variant, x.location, x.condition)
	}
	tx.Send(`insert into stock_levels (variant_id, location_id, condition, on_hand, reserved, safety, dirty, updated_at)
		select r.v, r.l, r.c, 0, 0, 0, true, $1 from rows(v text, l text, c text) where true on conflict do nothing`, batch, tx.Now.UnixMicro())
}

// places reads the locations of movements.
func (s *Service) places(tx *db.Tx, all []moved) (map[string]Location, error) {
	var ids []string
	for _, m := range all {
		ids = append(ids, m.Location)
	}
	found, err := s.Locations(tx, ids...)
	if err != nil {
		return nil, err
	}
	places := make(map[string]Location, len(found))
	for _, l := range found {
		places[l.ID] = l
	}
	for _, id := range ids {
		if _, ok := places[id]; !ok {
			return nil, fault.New(fault.Invalid, "there is no location %q", id)
		}
	}
	return places, nil
}

// apply changes on hand and the reservations that the movement uses up or brings back.
func (b *book) apply(m moved) {
	l := b.levels[m.spot()]
	l.onHand += m.Delta
	if m.Delta < 0 {
		b.causes[m.spot()] = m.Kind
	}
	for _, u := range m.Consume {
		w := of(u.Holder, u.HolderID, m.Variant)
		switch {
		case m.Condition != stock.Sellable:
		case m.Delta < 0:
			left := b.drop(w, m.Location, u.Quantity)
			left = b.shrinkLack(w, left)
			b.drop(w, "", left)
		default:
			b.giveBack(w, l, u.Quantity)
		}
	}
}

// giveBack restores a holder's reservation; what is no longer free is short.
func (b *book) giveBack(w want, l *level, n int64) {
	fits := min(n, l.free(true))
	like := b.like(w)
	if fits > 0 {
		b.hold(w, l.location, fits, like)
	}
	if rest := n - fits; rest > 0 {
		b.shortBy(w, like, rest, l.location, "reserve")
	}
}

// like is any reservation of the holder, past or present: it knows order and rank.
func (b *book) like(w want) *holding {
	for _, h := range b.holdingsOf(w) {
		return h
	}
	for _, other := range slices.SortedFunc(maps.Keys(b.holdings), compareWants) {
		if other.holder == w.holder {
			for _, h := range b.holdingsOf(other) {
				return h
			}
		}
	}
	return &holding{}
}

// shortBy adds units to a holder's shortage; a cart's hold just shrinks.
func (b *book) shortBy(w want, like *holding, n int64, location, cause string) {
	if w.kind != stock.ByLine {
		return
	}
	have := int64(0)
	if l := b.lacks[w]; l != nil {
		have = l.quantity
	}
	l := b.setLack(w, have+n, like.order, like.rank, cause)
	l.cause = cause
	b.told = append(b.told, told{want: w, event: event.StockShort, location: location, quantity: n, cause: cause})
}

// lose turns reservations that exceed what is on hand into shortages, the lowest rank first, among equals the newest.
func (b *book) lose() error {
	over := map[spot]int64{}
	for s, l := range b.levels {
		if n := l.reserved - max(0, l.onHand); n > 0 {
			over[s] = n
		}
	}
	if len(over) == 0 {
		return nil
	}
	spots := slices.SortedFunc(maps.Keys(over), compareSpots)
	if err := b.readHoldingsAt(spots); err != nil {
		return err
	}
	victims := map[spot][]*holding{}
	holders := map[holder]bool{}
	for _, s := range spots {
		victims[s] = b.victims(s, over[s])
		for _, h := range victims[s] {
			holders[h.holder] = true
		}
	}
	b.queueLacks(holders)
	if err := b.tx.Flush(); err != nil {
		return err
	}
	for _, s := range spots {
		for _, h := range victims[s] {
			n := min(over[s], h.quantity)
			over[s] -= n
			b.hold(h.want, h.location, -n, h)
			b.shortBy(h.want, h, n, h.location, string(b.causes[s]))
		}
	}
	return nil
}

// victims are the holders at a level who lose n units together.
func (b *book) victims(s spot, n int64) []*holding {
	var all []*holding
	for w, at := range b.holdings {
		if h := at[s.location]; w.variant == s.variant && h != nil && h.quantity > 0 {
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(x, y *holding) int {
		return cmp.Or(cmp.Compare(x.rank, y.rank), y.created.Compare(x.created), -cmp.Compare(x.id, y.id))
	})
	for i, h := range all {
		if n -= h.quantity; n <= 0 {
			return all[:i+1]
		}
	}
	return all
}

// negative raises or closes the case of a location that has less than nothing.
func (b *book) negative() error {
	var raise []exception.Case
	var gone []exception.Key
	for _, s := range slices.SortedFunc(maps.Keys(b.levels), compareSpots) {
		l := b.levels[s]
		subject := s.variant + "@" + s.location + "/" + string(s.condition)
		switch {
		case l.onHand < 0 && l.onHand != l.wasOnHand:
			raise = append(raise, exception.Case{
				Cause: exception.NegativeStock, SubjectKind: levelKind, Subject: subject, Location: s.location,
				Detail: map[string]any{"variant_id": s.variant, "location_id": s.location, "condition": s.condition, "on_hand": l.onHand},
			})
		case l.onHand >= 0 && l.wasOnHand < 0:
			gone = append(gone, exception.Key{Cause: exception.NegativeStock, SubjectKind: levelKind, Subject: subject})
		}
	}
	if len(raise)+len(gone) == 0 {
		return nil
	}
	if err := exception.Raise(b.tx, raise...); err != nil {
		return err
	}
	return exception.Clear(b.tx, "inventory", "the books are at zero or above again", gone...)
}

const levelKind = "stock_level"
