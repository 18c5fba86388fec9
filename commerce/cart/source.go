package cart

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// settled is how old a change must be before the cursor passes it: whoever wrote an earlier time has committed by then.
const settled = 2 * time.Minute

// page is how many placed carts are read at once.
const page = 64

// Placed yields the account's orders placed or changed since the cursor, oldest change first. None is missed: what is younger than two minutes is yielded again by
// the next call. It implements channel/ownsite's Source.
func (s *Service) Placed(ctx context.Context, account string, since channel.Cursor) iter.Seq2[channel.Change, error] {
	return func(yield func(channel.Change, error) bool) {
		at, id, ok := cutCursor(since)
		if !ok {
			yield(channel.Change{}, fault.Field("cursor", "is none of the web shop's"))
			return
		}
		safe := since
		for {
			all, now, err := s.placed(ctx, account, at, id)
			if err != nil {
				yield(channel.Change{}, err)
				return
			}
			for _, p := range all {
				at, id = p.cart.changedAt.UnixMicro(), p.cart.id
				if now.Sub(p.cart.changedAt) > settled {
					safe = channel.Cursor(itoa(at) + "_" + id)
				}
				if p.err != nil {
					yield(channel.Change{}, p.err)
					return
				}
				p.change.Cursor = safe
				if !yield(p.change, nil) {
					return
				}
			}
			if len(all) < page {
				return
			}
		}
	}
}

func cutCursor(c channel.Cursor) (at int64, id string, ok bool) {
	if c == "" {
		return 0, "", true
	}
	n, id, ok := strings.Cut(string(c), "_")
	if !ok {
		return 0, "", false
	}
	at, ok = number(n)
	return at, id, ok
}

// placedCart is a placed cart, opened.
type placedCart struct {
	cart   basket
	change channel.Change
	err    error
}

func (s *Service) placed(ctx context.Context, account string, at int64, id string) ([]placedCart, time.Time, error) {
	var all []basket
	var keys privacy.Keys
	var now time.Time
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		now = tx.Now
		var err error
		all, err = db.All(tx, scan, `select `+columns+` from carts c where c.storefront_id in (select id from storefronts where account_id = $1)
			and c.changed_at is not null and (c.changed_at, c.id) > (cast($2 as bigint), $3) order by c.changed_at, c.id limit $4`, account, at, id, page)
		if err != nil {
			return err
		}
		keys, err = s.need.Privacy.Keys(tx, documentKeys(all))
		return err
	})
	out := make([]placedCart, 0, len(all))
	for _, c := range all {
		ch, err := c.change(keys, now)
		if fault.CodeOf(err) == privacy.Erased {
			continue
		}
		out = append(out, placedCart{c, ch, err})
	}
	return out, now, err
}

func documentKeys(all []basket) []string {
	var ids []string
	for _, c := range all {
		if c.documentKey != "" {
			ids = append(ids, c.documentKey)
		}
	}
	return ids
}

func (c *basket) change(keys privacy.Keys, readAt time.Time) (channel.Change, error) {
	doc, err := c.opened(keys)
	if err != nil {
		return channel.Change{}, err
	}
	return doc.Change(readAt)
}

// One is an order by its external id. Fault: NotFound when the account has none. It implements channel/ownsite's Source.
func (s *Service) One(ctx context.Context, account, external string) (channel.Change, error) {
	var c basket
	var keys privacy.Keys
	var now time.Time
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		now = tx.Now
		var err error
		c, err = db.One(tx, scan, `select `+columns+` from carts c where c.id = $1 and c.storefront_id in (select id from storefronts where account_id = $2)
			and c.changed_at is not null`, external, account)
		if err != nil {
			return err
		}
		keys, err = s.need.Privacy.Keys(tx, []string{c.documentKey})
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return channel.Change{}, fault.New(fault.NotFound, "the web shop has no order %s", external)
	}
	if err != nil {
		return channel.Change{}, err
	}
	return c.change(keys, now)
}
