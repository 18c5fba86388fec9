package connect

import (
	"context"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// A partner that refused our credentials is asked again after a minute, then less and less often. One that was well for so long begins anew.
const (
	firstProbe = time.Minute
	lastProbe  = 30 * time.Minute
	wellFor    = 2 * time.Hour
)

// probeAfter is how long to wait after so many tries in a row.
func probeAfter(tries int64) time.Duration { return min(firstProbe<<min(max(tries, 0), 6), lastProbe) }

// refused makes an account whose credentials the partner refuses wait, with a case: what it sends is still taken, what it is to be told waits. It is asked again by itself.
// The caller holds the account's row, changed in this transaction.
func (s *Service) refused(tx *db.Tx, acc Account, cause error) error {
	var tries int64
	var restored time.Time
	err := tx.QueryRow(`select probes, restored_at from account_health where account_id = $1`, acc.ID).Scan(&tries, db.Time(&restored))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if tx.Now.Sub(restored) > wellFor {
		tries = 0
	}
	if _, err := tx.Exec(`update account_health set probe_at = $2, probes = $3 where account_id = $1`, acc.ID, db.Micros(tx.Now.Add(probeAfter(tries))), tries); err != nil {
		return err
	}
	tx.AfterCommit(s.forget) // nothing more goes out from here; other processes follow when they look at the account next
	if err := outbox.Append(tx, accessChanged(acc, event.AccessRefused, time.Time{}, fault.Message(cause))); err != nil {
		return err
	}
	return exception.Raise(tx, exception.Case{
		Cause: exception.AccountUnauthorized, SubjectKind: "account", Subject: acc.ID, Account: acc.ID,
		Detail: map[string]string{"account": acc.Name, "reason": fault.Message(cause)},
	})
}

func accessChanged(acc Account, state string, ends time.Time, why string) outbox.Event {
	return outbox.Event{
		Aggregate: "account:" + acc.ID, Type: event.AccountAccess, Account: acc.ID,
		Body: event.AccessChanged{AccountID: acc.ID, Account: acc.Name, Channel: acc.Channel, State: state, EndsAt: ends, Why: why},
	}
}

// probeSoon has the partner asked about our credentials with the next look.
func probeSoon(tx *db.Tx, account string) error {
	_, err := tx.Exec(`update account_health set probe_at = $2 where account_id = $1`, account, db.Micros(tx.Now))
	return err
}

// restored lets a refused account go on where it stopped, and closes its case. It changes nothing for one that works.
func (s *Service) restored(tx *db.Tx, account, by, why string) error {
	// An account's health is locked before the account, by everybody.
	if _, err := tx.Exec(`update account_health set probe_at = null, restored_at = $2 where account_id = $1`, account, db.Micros(tx.Now)); err != nil {
		return err
	}
	acc, err := db.One(tx, scanAccount, `select `+accountColumns+` from channel_accounts a where a.id = $1`+tx.Lock(), account)
	if err != nil {
		return err
	}
	if err := exception.Clear(tx, by, why, exception.Key{Cause: exception.AccountUnauthorized, SubjectKind: "account", Subject: acc.ID}); err != nil || acc.State != Unauthorized {
		return err
	}
	if _, err := tx.Exec(`update channel_accounts set state = 'active', state_cause = null, updated_at = $2, version = version + 1 where id = $1`, acc.ID, db.Micros(tx.Now)); err != nil {
		return err
	}
	tx.AfterCommit(s.forget)
	return outbox.Append(tx, accessChanged(acc, event.AccessRestored, time.Time{}, why))
}

// MendDue asks the partners of accounts that were refused, or about whose access something was said, whether our credentials work: a token that can be renewed is renewed on the
// way, new credentials are used. An account that works goes on where it stopped, and its case closes. It answers how many do. Of several processes one asks.
func (s *Service) MendDue(ctx context.Context) (int, error) {
	due, err := s.probing(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, id := range due {
		well, err := s.mend(ctx, id)
		if err != nil {
			return n, err
		}
		if well {
			n++
		}
	}
	return n, nil
}

// probing takes the accounts that are to be asked now; each is asked again later, should this process end meanwhile.
func (s *Service) probing(ctx context.Context) (due []string, err error) {
	ask := func(tx *db.Tx, lock string) (all []string, err error) {
		return db.All(tx, scanID, `select h.account_id from account_health h where (h.probe_at <= $1 or h.probe_at is null) and exists (select 1 from channel_accounts a
			where a.id = h.account_id and (a.state = 'unauthorized' or (a.state = 'active' and h.probe_at is not null))) order by h.account_id limit 32`+lock, db.Micros(tx.Now))
	}
	if err := s.need.DB.Read(ctx, func(tx *db.Tx) (err error) { due, err = ask(tx, ""); return err }); err != nil || len(due) == 0 {
		return nil, err
	}
	err = s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		if due, err = ask(tx, tx.Lock()); err != nil {
			return err
		}
		for _, id := range due {
			tries, err := db.One(tx, scanCount, `select probes from account_health where account_id = $1`, id)
			if err != nil {
				return err
			}
			_, err = tx.Exec(`update account_health set probes = probes + 1, probe_at = $2 where account_id = $1`, id, db.Micros(tx.Now.Add(probeAfter(tries+1))))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return due, err
}

// mend asks one partner.
func (s *Service) mend(ctx context.Context, id string) (well bool, err error) {
	o, err := s.open(ctx, id)
	if err != nil {
		return false, nil //nolint:nilerr // it cannot be opened: whoever works with it says so, with the account's name
	}
	shop, can, cause := probe(ctx, o)
	switch {
	case !can || ctx.Err() != nil:
		return false, ctx.Err()
	case fault.Is(cause, fault.Unauthorized):
		s.unwell(ctx, o.acc, cause)
		return false, nil
	case cause != nil: // the partner cannot be asked now: that says nothing about our credentials
		return false, s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
			_, err := tx.Exec(`update account_health set probes = probes - 1, probe_at = $2 where account_id = $1`, id, db.Micros(tx.Now.Add(firstProbe)))
			return err
		})
	}
	return true, s.need.DB.Write(db.Background(context.WithoutCancel(ctx)), func(tx *db.Tx) error {
		if err := s.identified(tx, id, shop); err != nil {
			return err
		}
		if err := s.restored(tx, id, "system", "the partner takes our credentials again"); err != nil || o.acc.State != Unauthorized {
			return err
		}
		return s.need.Audit.Write(tx, audit.Entry{Actor: "system:connect", Action: "account.active", SubjectKind: "account", Subject: id})
	})
}

// probe makes the cheapest call that shows whether our credentials work; can is false for a channel that has none.
func probe(ctx context.Context, o *opened) (shop channel.Shop, can bool, err error) {
	if who, ok := o.ch.(channel.Identifier); ok {
		shop, err = who.Identify(ctx)
		return shop, true, err
	}
	if _, ok := o.ch.(channel.TokenRefresher); !ok {
		return shop, false, nil
	}
	release, err := o.tokens.mine(ctx)
	if err != nil {
		return shop, true, err
	}
	defer release()
	o.tokens.read(o.tokens.s.need.DB.Now())
	return shop, true, o.tokens.renew(ctx, o.tokens.set.Access)
}

// identified keeps what a partner says about us and its API.
func (s *Service) identified(tx *db.Tx, account string, shop channel.Shop) error {
	if shop.Version != "" {
		if _, err := tx.Exec(`update account_health set api_version = $2, api_version_ends = $3 where account_id = $1`, account, shop.Version, db.Micros(shop.VersionEnds)); err != nil {
			return err
		}
	}
	if len(shop.Scopes) > 0 {
		if _, err := tx.Exec(`update account_health set token_scopes = $2 where account_id = $1`, account, strings.Join(shop.Scopes, ",")); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`update account_health set last_call_ok_at = $2 where account_id = $1`, account, db.Micros(tx.Now))
	return err
}

// CredentialsChanged lets the accounts of a vault owner try new credentials at once: one of its own, or one of an app that several share. Call it in the transaction that stores
// or activates them.
func (s *Service) CredentialsChanged(tx *db.Tx, owner string) error {
	if id, ok := strings.CutPrefix(owner, "account:"); ok {
		_, err := tx.Exec(`update account_health set probe_at = $2 where account_id = $1 and account_id in (select id from channel_accounts where state = 'unauthorized')`, id, db.Micros(tx.Now))
		return err
	}
	app, ok := strings.CutPrefix(owner, "app:")
	if !ok {
		return nil
	}
	kind, name, _ := strings.Cut(app, "/")
	_, err := tx.Exec(`update account_health set probe_at = $3 where account_id in (select id from channel_accounts where state = 'unauthorized' and channel = $1 and app = $2)`, kind, name, db.Micros(tx.Now))
	return err
}
