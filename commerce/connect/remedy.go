package connect

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// Look has the partner asked what became of an intent whose outcome is unknown: what is found there counts, what is not found is done. fault.NotFound when its outcome is
// not unknown; fault.Refused where the channel cannot be asked, so that only a person can look (Retry says what they saw).
func (s *Service) Look(ctx context.Context, id, actor string) error {
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		t, err := db.One(tx, scanTell, `select `+tellColumns+` from tells t where t.id = $1 and t.state = 'unknown'`+tx.Lock(), id)
		if err != nil {
			return err
		}
		acc, err := s.Account(tx, t.Account)
		if err != nil {
			return err
		}
		if !s.Can(acc.Channel).Find {
			return fault.New(fault.Refused, "%s cannot be asked: look there yourself, then say whether it happened", acc.Name).WithCode("cannot_ask")
		}
		entry := audit.Entry{Actor: actor, Action: "tell.look", SubjectKind: "tell", Subject: id, Detail: map[string]any{"act": t.Act, "order": t.Order}}
		if err := s.need.Audit.Write(tx, entry); err != nil {
			return err
		}
		_, err = tx.Exec(`update tells set state = 'intended', uncertain = true, attempts = 0, next_at = $2, cause = null where id = $1`, id, db.Micros(tx.Now))
		return err
	})
	return err
}

// Authorize takes new credentials of an account and lets it work again where the old ones had been refused; its case closes. The partner refusing them too opens it again.
// Faults: Invalid for a secret its channel does not know, NotFound.
func (s *Service) Authorize(ctx context.Context, ref string, secrets map[string]string, actor string) error {
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		acc, err := s.Account(tx, ref)
		if err != nil {
			return err
		}
		names := slices.Sorted(maps.Keys(secrets)) // credentials are locked in key order
		for _, name := range names {
			i := slices.IndexFunc(s.kinds[acc.Channel].Settings, func(st channel.Setting) bool { return st.Secret && st.Name == name })
			switch {
			case i < 0:
				return fault.Field("secrets."+name, "%s has no such secret", s.kinds[acc.Channel].Title)
			case secrets[name] == "":
				return fault.Field("secrets."+name, "is empty")
			}
			if err := s.need.Secrets.Put(tx, acc.owner(), name, []byte(secrets[name]), time.Time{}); err != nil {
				return err
			}
		}
		if len(names) == 0 {
			return fault.Field("secrets", "say at least one")
		}
		if err := s.restored(tx, acc.ID, actor, "new credentials were entered"); err != nil {
			return err
		}
		if err := probeSoon(tx, acc.ID); err != nil {
			return err
		}
		// The version says that the account is to be opened anew, also where it worked.
		if _, err := tx.Exec(`update channel_accounts set updated_at = $2, version = version + 1 where id = $1`, acc.ID, db.Micros(tx.Now)); err != nil {
			return err
		}
		return s.need.Audit.Write(tx, audit.Entry{Actor: actor, Action: "account.authorize", SubjectKind: "account", Subject: acc.ID, Detail: map[string]any{"secrets": names}})
	})
	s.forget()
	return err
}

// TryAgain lets an account work again that the partner had refused, because a person says so; refused again, it stops again. It changes nothing for any other.
func (s *Service) TryAgain(tx *db.Tx, account, actor string) error {
	acc, err := s.Account(tx, account)
	if err != nil || acc.State != Unauthorized {
		return err
	}
	if err := s.restored(tx, account, actor, "a person says that it is to be tried again"); err != nil {
		return err
	}
	return s.need.Audit.Write(tx, audit.Entry{Actor: actor, Action: "account.active", SubjectKind: "account", Subject: account})
}

// PushStock makes every number of a live account due again, also those the channel had refused, and closes the cases about them. fault.Conflict for an account that is not
// live: its channel is told nothing.
func (s *Service) PushStock(ctx context.Context, ref, actor string) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		acc, err := s.Account(tx, ref)
		if err != nil {
			return err
		}
		if acc.Mode != channel.Live {
			return fault.New(fault.Conflict, "%s is in mode %s: its channel is told nothing", acc.Name, acc.Mode).WithCode("not_live")
		}
		if err := s.dirtyAll(tx, acc.ID); err != nil {
			return err
		}
		gone := []exception.Key{{Cause: exception.StockDrift, SubjectKind: "account", Subject: acc.ID}}
		for after := ""; ; {
			found, next, err := exception.List(tx, exception.Filter{State: exception.Open, Cause: exception.PushRefused, Account: acc.ID, Snoozed: true}, after, 500)
			if err != nil {
				return err
			}
			for _, c := range found {
				if c.SubjectKind == "listing" {
					gone = append(gone, exception.Key{Cause: c.Cause, SubjectKind: c.SubjectKind, Subject: c.Subject})
				}
			}
			if after = next; next == "" {
				break
			}
		}
		if err := exception.Clear(tx, actor, "the stock is sent again", gone...); err != nil {
			return err
		}
		return s.need.Audit.Write(tx, audit.Entry{Actor: actor, Action: "stock.push", SubjectKind: "account", Subject: acc.ID})
	})
}
