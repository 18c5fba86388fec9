package inventory

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// waiting is an open shortage for which something may be free.
type waiting struct {
	lack
	prefer []string
}

// Refill gives free stock to open shortages, the highest rank first, the oldest among equals, where the order's own sourcing rank allows it,
// and answers how many units it gave. Orders learn by the event stock.refilled. It looks at up to limit shortages; call again while it gives.
func (s *Service) Refill(tx *db.Tx, limit int) (int64, error) {
	all, err := s.waiting(tx, limit)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	sc := newScope()
	for _, x := range all {
		sc.holders[x.holder] = true
		for _, location := range x.prefer {
			key := sellable(x.variant, location)
			sc.spots[key] = sc.spots[key] || false // only if it is still free
		}
	}
	b, err := read(tx, sc)
	if err != nil {
		return 0, err
	}
	var given int64
	for _, x := range all {
		given += b.refill(x)
	}
	return given, b.save()
}

// waiting finds open shortages that something free can serve where their orders may be sent from, page by page: those that nothing can
// serve do not stand in the way of the others.
func (s *Service) waiting(tx *db.Tx, limit int) ([]waiting, error) {
	limit = page(limit)
	var out []waiting
	after := waiting{lack: lack{rank: 1<<63 - 1}}
	for len(out) < limit {
		found, err := shortAndFree(tx, after, limit)
		if err != nil || len(found) == 0 {
			return out, err
		}
		after = found[len(found)-1]
		if found, err = s.servable(tx, found); err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out[:limit], nil
}

// shortAndFree reads open shortages of variants of which something is free somewhere, in the order in which they are served.
func shortAndFree(tx *db.Tx, after waiting, limit int) ([]waiting, error) {
	return db.All(tx, func(row db.Scanner) (x waiting, err error) {
		err = row.Scan(&x.id, db.Text(&x.kind), &x.holder.id, db.Text(&x.order), &x.variant, &x.rank, db.Time(&x.since))
		return x, err
	}, `select s.id, s.holder_kind, s.holder_id, s.order_id, s.variant_id, s.rank, s.since from shortages s
		where s.closed_at is null and s.order_id is not null and (s.rank < $1 or s.rank = $1 and (s.since, s.id) > ($2, $3))
		and exists (select 1 from stock_levels l where l.variant_id = s.variant_id and l.condition = 'sellable' and l.on_hand > l.reserved)
		order by s.rank desc, s.since, s.id limit $4`, after.rank, max(0, after.since.UnixMicro()), after.id, limit)
}

// servable keeps the shortages whose orders may be sent from where something is free, and says from where.
func (s *Service) servable(tx *db.Tx, all []waiting) ([]waiting, error) {
	orders, variants := map[string]bool{}, map[string]bool{}
	for _, x := range all {
		orders[x.order], variants[x.variant] = true, true
	}
	prefer, err := s.preferOf(tx, slices.Sorted(maps.Keys(orders)))
	if err != nil {
		return nil, err
	}
	free := map[spot]bool{}
	tx.SendQuery(`select variant_id, location_id from stock_levels where variant_id in (select key from json_each($1))
		and condition = 'sellable' and on_hand > reserved`, func(row db.Scanner) error {
		x := spot{condition: stock.Sellable}
		err := row.Scan(&x.variant, &x.location)
		free[x] = true
		return err
	}, db.Keys(slices.Sorted(maps.Keys(variants))))
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	var out []waiting
	for _, x := range all {
		for _, location := range prefer[x.order] {
			if free[sellable(x.variant, location)] {
				x.prefer = append(x.prefer, location)
			}
		}
		if len(x.prefer) > 0 {
			out = append(out, x)
		}
	}
	return out, nil
}

// preferOf ranks the locations of each order.
func (s *Service) preferOf(tx *db.Tx, orders []string) (map[string][]string, error) {
	routes, err := s.need.Routes(tx, orders)
	if err != nil {
		return nil, err
	}
	known := slices.Sorted(maps.Keys(routes))
	list := make([]Route, len(known))
	for i, order := range known {
		list[i] = routes[order]
	}
	ranked, err := s.Ranked(tx, list)
	if err != nil {
		return nil, err
	}
	prefer := make(map[string][]string, len(known))
	for i, order := range known {
		prefer[order] = idsOf(ranked[i])
	}
	return prefer, nil
}

func idsOf(places []Place) []string {
	ids := make([]string, len(places))
	for i, p := range places {
		ids[i] = p.LocationID
	}
	return ids
}

// refill gives one holder what is free for it. The shortage is looked at again: under the lock it may be another one, or none.
func (b *book) refill(x waiting) (given int64) {
	for _, location := range x.prefer {
		now, l := b.lacks[x.want], b.levels[sellable(x.variant, location)]
		if now == nil || now.quantity == 0 {
			return given
		}
		if l == nil {
			continue
		}
		n := min(now.quantity, l.free(true))
		if n == 0 {
			continue
		}
		b.hold(x.want, location, n, &holding{order: now.order, rank: now.rank})
		now.quantity -= n
		given += n
		b.told = append(b.told, told{want: x.want, event: event.StockRefilled, location: location, quantity: n})
	}
	return given
}

// Expire gives back soft holds whose time is over, up to limit of them, and answers how many. For a scheduled job; safe to repeat.
func (s *Service) Expire(ctx context.Context, limit int) (int, error) {
	var expired int
	err := s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) (err error) {
		expired, err = s.expire(tx, limit)
		return err
	})
	return expired, err
}

func (s *Service) expire(tx *db.Tx, limit int) (int, error) {
	found, err := db.All(tx, func(row db.Scanner) (h holder, err error) { return h, row.Scan(db.Text(&h.kind), &h.id) },
		`select holder_kind, holder_id from reservations where quantity > 0 and expires_at is not null and expires_at <= $1
		order by expires_at limit $2`, tx.Now.UnixMicro(), page(limit))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	sc := newScope()
	for _, h := range found {
		sc.holders[h] = true
	}
	b, err := read(tx, sc)
	if err != nil {
		return 0, err
	}
	n := b.dropExpired(tx.Now)
	return n, b.save()
}

// dropExpired gives back what has expired; a hold that was prolonged or converted meanwhile stays.
func (b *book) dropExpired(now time.Time) (n int) {
	for w, at := range b.holdings {
		for location, h := range at {
			if w.kind == stock.ByCart && h.quantity > 0 && !h.expires.IsZero() && !h.expires.After(now) {
				b.hold(w, location, -h.quantity, h)
				n++
			}
		}
	}
	return n
}
