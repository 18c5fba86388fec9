package connect

import (
	"context"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Why access ends unless a person does something.
const (
	EndsFailing      = "refresh_failing" // the partner does not renew the token, time after time
	EndsNotRenewable = "not_renewable"   // nothing renews this token
	EndsRefresh      = "refresh_ends"    // what renews the token ends
)

// failsOften is how many refreshes in a row have to fail before that is more than a bad minute of the partner.
const failsOften = 3

// warnDays is how long before its end a person hears of it, unless the account's setting token_warn_days says otherwise.
const warnDays = 7

// tokenHealth is what is known of an account's tokens.
type tokenHealth struct {
	expires, refreshExpires time.Time
	final                   bool
	failures                int64
	lastError               string
	warnedFor               time.Time
}

func scanTokenHealth(row db.Scanner) (a tokenHealth, err error) {
	return a, row.Scan(db.Time(&a.expires), db.Time(&a.refreshExpires), &a.final, &a.failures, db.Text(&a.lastError), db.Time(&a.warnedFor))
}

const tokenColumns = `token_expires_at, refresh_expires_at, token_final, refresh_failures, refresh_error, access_ends_at`

// ends says when access is lost unless a person does something, and why; zero while it renews itself.
func (a tokenHealth) ends() (time.Time, string) {
	switch {
	case a.failures >= failsOften && !a.expires.IsZero():
		return a.expires, EndsFailing
	case a.final && !a.expires.IsZero():
		return a.expires, EndsNotRenewable
	case !a.refreshExpires.IsZero():
		return a.refreshExpires, EndsRefresh
	}
	return time.Time{}, ""
}

// soon reports whether a person has to hear of an end now.
func (a tokenHealth) soon(acc Account, now time.Time) (ends time.Time, why string, yes bool) {
	ends, why = a.ends()
	days := warnDays
	if n, err := strconv.Atoi(acc.Settings["token_warn_days"]); err == nil && n >= 0 {
		days = n
	}
	yes = !ends.IsZero() && acc.State != Unauthorized && (why == EndsFailing || ends.Sub(now) <= time.Duration(days)*24*time.Hour)
	return ends, why, yes
}

// WarnDue raises an alarm, as an event and a case with its deadline, about every account whose access ends soon and is not renewed by itself; renewed after all, the case
// closes. It answers how many alarms it raised; one end is one alarm. Safe beside other processes.
func (s *Service) WarnDue(ctx context.Context) (int, error) {
	var all []Account
	var now time.Time
	due := map[string]bool{}
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		now = tx.Now
		all, err = db.All(tx, scanAccount, `select `+accountColumns+` from channel_accounts a where a.state <> 'closed' order by a.id`)
		for _, acc := range all {
			if err != nil {
				return err
			}
			var rows []tokenHealth
			rows, err = db.All(tx, scanTokenHealth, `select `+tokenColumns+` from account_health where account_id = $1`, acc.ID)
			for _, a := range rows {
				ends, _, yes := a.soon(acc, now)
				due[acc.ID] = yes && !a.warnedFor.Equal(ends) || !yes && !a.warnedFor.IsZero()
			}
		}
		return err
	})
	n := 0
	for _, acc := range all {
		if err == nil && due[acc.ID] {
			var raised bool
			if raised, err = s.warn(ctx, acc.ID); raised {
				n++
			}
		}
	}
	return n, err
}

func (s *Service) warn(ctx context.Context, id string) (raised bool, err error) {
	err = s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		raised = false
		a, err := db.One(tx, scanTokenHealth, `select `+tokenColumns+` from account_health where account_id = $1`+tx.Lock(), id)
		if err != nil {
			return err
		}
		acc, err := db.One(tx, scanAccount, `select `+accountColumns+` from channel_accounts a where a.id = $1`+tx.Lock(), id)
		if err != nil {
			return err
		}
		key := exception.Key{Cause: exception.AccessEnding, SubjectKind: "account", Subject: id}
		ends, why, yes := a.soon(acc, tx.Now)
		if !yes {
			if _, err := tx.Exec(`update account_health set access_ends_at = null, warned_at = null where account_id = $1`, id); err != nil {
				return err
			}
			return exception.Clear(tx, "system", "access goes on, or has ended", key)
		}
		if a.warnedFor.Equal(ends) {
			return nil
		}
		raised = true
		if _, err := tx.Exec(`update account_health set access_ends_at = $2, warned_at = $3 where account_id = $1`, id, db.Micros(ends), db.Micros(tx.Now)); err != nil {
			return err
		}
		if err := outbox.Append(tx, accessChanged(acc, event.AccessEnding, ends, why)); err != nil {
			return err
		}
		detail := map[string]string{"account": acc.Name, "ends_at": ends.UTC().Format(time.RFC3339), "why": why}
		if why == EndsFailing {
			detail["last_error"] = a.lastError
		}
		return exception.Raise(tx, exception.Case{Cause: key.Cause, SubjectKind: key.SubjectKind, Subject: id, Account: id, Deadline: ends, Detail: detail})
	})
	return raised, err
}
