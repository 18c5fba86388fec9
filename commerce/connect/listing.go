package connect

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// PullListings reads what an account offers and has it mapped to SKUs. It answers how many listings it read.
func (s *Service) PullListings(ctx context.Context, account string) (int, error) {
	acc, err := s.load(ctx, account)
	if err != nil {
		return 0, err
	}
	o, err := s.open(ctx, acc.ID)
	if err != nil {
		return 0, err
	}
	l, ok := o.ch.(channel.Lister)
	if !ok {
		return 0, nil
	}
	cur, err := cursorOf(ctx, s.home(), acc.ID, "listings")
	if err != nil {
		return 0, err
	}
	total, batch := 0, []channel.Listing{}
	keep := func() error {
		if len(batch) == 0 {
			return nil
		}
		to := string(batch[len(batch)-1].Cursor)
		err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
			if err := s.need.SaveListings(tx, acc.ID, batch); err != nil {
				return err
			}
			if to == "" || to == cur.value {
				return nil
			}
			return cur.move(tx, to)
		})
		if err == nil && to != "" && to != cur.value {
			cur.value, cur.version = to, cur.version+1
		}
		total += len(batch)
		batch = nil
		return err
	}
	for x, err := range l.Listings(ctx, channel.Cursor(cur.value)) {
		if err != nil {
			if kept := keep(); kept != nil {
				return total, kept
			}
			s.unwell(ctx, acc, err)
			return total, err
		}
		if batch = append(batch, x); len(batch) >= 200 {
			if err := keep(); err != nil {
				return total, err
			}
		}
	}
	return total, keep()
}

// MapLocation says which of the partner's locations one of ours is. Several of ours may be one of theirs. A live account is told all its numbers anew.
func (s *Service) MapLocation(ctx context.Context, account, location, external string) error {
	if external == "" {
		return fault.Field("external", "name the partner's location")
	}
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		acc, err := s.Account(tx, account)
		if err != nil {
			return err
		}
		if _, err = tx.Exec(`insert into account_locations (account_id, location_id, external) values ($1, $2, $3) on conflict (account_id, location_id) do update set external = excluded.external`,
			acc.ID, location, external); err != nil {
			return err
		}
		// What was to be shown at a place that is none of theirs any more is not shown there: their own word for it is gone.
		if _, err = tx.Exec(`delete from channel_stock where account_id = $1 and not exists (select 1 from account_locations l
			where l.account_id = channel_stock.account_id and l.external = channel_stock.location)`, acc.ID); err != nil || acc.Mode != channel.Live {
			return err
		}
		return s.dirtyAll(tx, acc.ID)
	})
}

// Places lists, for an account, which of the partner's locations each of ours is.
func (s *Service) Places(tx *db.Tx, account string) (map[string]string, error) {
	all := map[string]string{}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var ours, theirs string
		err := row.Scan(&ours, &theirs)
		all[ours] = theirs
		return struct{}{}, err
	}, `select location_id, external from account_locations where account_id = $1`, account)
	return all, err
}

// subscribedFor is how long an account's webhooks are believed to come before the partner is asked again whether it still sends them.
const subscribedFor = time.Hour

// SubscribeDue asks the partners of accounts that were not asked lately whether their webhooks come to us, and mends what is missing; it says how many it asked. Where we
// cannot be reached from outside nobody is asked: then there are polls alone.
func (s *Service) SubscribeDue(ctx context.Context) (int, error) {
	if s.need.PublicURL == "" {
		return 0, nil
	}
	var due []Account
	err := s.need.DB.Read(ctx, func(tx *db.Tx) (err error) {
		due, err = db.All(tx, scanAccount, `select `+accountColumns+` from channel_accounts a join account_health h on h.account_id = a.id
			where a.state = 'active' and (h.subscribed_at is null or h.subscribed_at < $1) order by a.id`, db.Micros(tx.Now.Add(-subscribedFor)))
		return err
	})
	n := 0
	for _, acc := range due {
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		if !s.Can(acc.Channel).Subscribe {
			continue
		}
		if _, err := s.Subscribe(ctx, acc.ID, strings.TrimSuffix(s.need.PublicURL, "/")+"/hooks/"+url.PathEscape(acc.Name)); err != nil {
			s.need.Log.Warn("webhooks could not be subscribed to", "account", acc.Name, "error", err)
		}
		n++
	}
	return n, err
}

// Subscribe makes sure that the partner delivers its webhooks to the address, and reports what it had to mend.
func (s *Service) Subscribe(ctx context.Context, account, address string) ([]string, error) {
	acc, ch, err := s.Open(ctx, account)
	if err != nil {
		return nil, err
	}
	sub, ok := ch.(channel.Subscriber)
	if !ok {
		return nil, nil
	}
	mended, err := sub.Subscribe(ctx, address)
	note := "all there"
	switch {
	case err != nil:
		s.unwell(ctx, acc, err)
		note = fault.Message(err)
	case len(mended) > 0:
		note = "mended: " + strings.Join(mended, ", ")
	}
	kept := s.need.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		_, err := tx.Exec(`update account_health set subscribed_at = $2, subscription_note = $3 where account_id = $1`, acc.ID, db.Micros(tx.Now), note)
		return err
	})
	return mended, errors.Join(err, kept)
}
