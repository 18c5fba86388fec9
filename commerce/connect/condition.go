package connect

import (
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Condition says how an account fares.
type Condition struct {
	LastWebhook, LastPoll, LastPollOK, LastCallOK time.Time
	LastError, LastErrorKind                      string
	LastErrorAt                                   time.Time
	TokenExpires, RefreshExpires                  time.Time
	Refreshed                                     time.Time       // when the tokens were last got
	RefreshError                                  string          // why they could not be renewed the last time; "" when they could
	RefreshErrorAt                                time.Time       //
	RefreshFailures                               int64           // in a row
	AccessEnds                                    time.Time       // unless a person does something; zero while access renews itself
	AccessEndsWhy                                 string          // see EndsFailing and the others
	Scopes                                        []string        // that the partner granted; none when it does not say
	Missing                                       []channel.Scope // rights we would need and have not
	AskedAgain                                    time.Time       // when a partner that refused us is asked again
	APIVersion                                    string
	APIVersionEnds                                time.Time
	Subscribed                                    time.Time
	SubscriptionNote                              string
	Reconciled                                    time.Time
	ReconcileNote                                 string
	Waiting                                       int64            // messages stored and not yet imported
	Stuck                                         int64            // messages that wait for a person
	OldestWaiting                                 time.Time        // when the one was received that has waited longest to be imported; zero when none waits
	Tells                                         map[string]int64 // what the channel is still to be told, by state
	ZoneNote                                      string           // why the account's residency zone cannot be asked; "" when it can
}

// What waits of an account is found by the indexes of what is not done: that of the account holds all there ever was, and is kept out of it where SQLite would take it.
const (
	inboxStored  = ` from inbox where '' || account_id = $1 and state = 'stored'`
	inboxStuck   = ` from inbox where account_id = $1 and state in ('stuck', 'dead')`
	tellsStopped = ` and state in ('refused', 'unknown', 'withheld')` // beside the one that is meant: so is their index written
)

// conditionText counts what waits of an account, by name.
var conditionText = func() string {
	const few = ` limit 10000) as few`
	text := `select 'oldest', coalesce(min(received_at), 0) from (select received_at` + inboxStored + ` order by next_at, n` + few
	all := [][2]string{{"inbox:stored", inboxStored}, {"inbox:stuck", inboxStuck}}
	for _, state := range []string{"intended", "running"} {
		all = append(all, [2]string{state, ` from tells where '' || account_id = $1 and state = '` + state + `'`})
	}
	for _, state := range []string{"refused", "unknown", "withheld"} {
		all = append(all, [2]string{state, ` from tells where account_id = $1 and state = '` + state + `'` + tellsStopped})
	}
	for _, w := range all {
		text += ` union all select '` + w[0] + `', count(*) from (select 1` + w[1] + few
	}
	return text
}()

// Condition reads how an account fares, and counts what waits for it, up to 10,000 of each; what is done is not counted.
func (s *Service) Condition(tx *db.Tx, account string) (Condition, error) {
	c, err := db.One(tx, scanCondition, `select last_webhook_at, last_poll_at, last_poll_ok_at, last_call_ok_at, last_error, last_error_kind, last_error_at, token_expires_at,
		refresh_expires_at, api_version, api_version_ends, subscribed_at, subscription_note, reconciled_at, reconcile_note, refreshed_at, refresh_error, refresh_error_at,
		refresh_failures, token_final, token_scopes, probe_at from account_health where account_id = $1`, account)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return c, err
	}
	if len(c.Scopes) > 0 {
		acc, err := s.Account(tx, account)
		if err != nil {
			return c, err
		}
		c.Missing = s.kinds[acc.Channel].Missing(c.Scopes)
	}
	c.Tells = map[string]int64{}
	waits, err := db.All(tx, func(row db.Scanner) (w struct {
		name string
		n    int64
	}, err error,
	) {
		err = row.Scan(&w.name, &w.n)
		return w, err
	}, conditionText, account)
	for _, w := range waits {
		if w.n == 0 {
			continue
		}
		switch w.name {
		case "oldest":
			c.OldestWaiting = time.UnixMicro(w.n).UTC()
		case "inbox:stored":
			c.Waiting = w.n
		case "inbox:stuck":
			c.Stuck = w.n
		default:
			c.Tells[w.name] = w.n
		}
	}
	if err != nil || s.need.Zone == nil {
		return c, err
	}
	return c, s.waitingFar(tx, account, &c)
}

func scanCondition(row db.Scanner) (c Condition, err error) {
	var a tokenHealth
	var scopes string
	err = row.Scan(db.Time(&c.LastWebhook), db.Time(&c.LastPoll), db.Time(&c.LastPollOK), db.Time(&c.LastCallOK), db.Text(&c.LastError), db.Text(&c.LastErrorKind), db.Time(&c.LastErrorAt),
		db.Time(&a.expires), db.Time(&a.refreshExpires), db.Text(&c.APIVersion), db.Time(&c.APIVersionEnds), db.Time(&c.Subscribed), db.Text(&c.SubscriptionNote), db.Time(&c.Reconciled),
		db.Text(&c.ReconcileNote), db.Time(&c.Refreshed), db.Text(&c.RefreshError), db.Time(&c.RefreshErrorAt), &a.failures, &a.final, db.Text(&scopes), db.Time(&c.AskedAgain))
	c.TokenExpires, c.RefreshExpires, c.RefreshFailures = a.expires, a.refreshExpires, a.failures
	c.AccessEnds, c.AccessEndsWhy = a.ends()
	if scopes != "" {
		c.Scopes = strings.Split(scopes, ",")
	}
	return c, err
}
