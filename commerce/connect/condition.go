package connect

import (
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Condition says how an account fares.
type Condition struct {
	LastWebhook, LastPoll, LastPollOK, LastCallOK time.Time
	LastError, LastErrorKind                      string
	LastErrorAt                                   time.Time
	TokenExpires, RefreshExpires                  time.Time
	APIVersion                                    string
	APIVersionEnds                                time.Time
	Subscribed                                    time.Time
	SubscriptionNote                              string
	Reconciled                                    time.Time
	ReconcileNote                                 string
	Waiting                                       int64            // messages stored and not yet imported
	Stuck                                         int64            // messages that wait for a person
	Tells                                         map[string]int64 // what the channel is still to be told, by state
	ZoneNote                                      string           // why the account's residency zone cannot be asked; "" when it can
}

// Condition reads how an account fares, and counts what waits for it; what is done is not counted.
func (s *Service) Condition(tx *db.Tx, account string) (Condition, error) {
	c, err := db.One(tx, scanCondition, `select last_webhook_at, last_poll_at, last_poll_ok_at, last_call_ok_at, last_error, last_error_kind, last_error_at, token_expires_at,
		refresh_expires_at, api_version, api_version_ends, subscribed_at, subscription_note, reconciled_at, reconcile_note from account_health where account_id = $1`, account)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return c, err
	}
	c.Tells = map[string]int64{}
	waits, err := db.All(tx, func(row db.Scanner) (w struct {
		name string
		n    int64
	}, err error,
	) {
		err = row.Scan(&w.name, &w.n)
		return w, err
	}, `select 'inbox:' || state, count(*) from inbox where account_id = $1 and state <> 'done' group by state
		union all select state, count(*) from tells where account_id = $1 and state <> 'told' group by state`, account)
	for _, w := range waits {
		switch w.name {
		case "inbox:stored":
			c.Waiting = w.n
		case "inbox:stuck", "inbox:dead":
			c.Stuck += w.n
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
	err = row.Scan(db.Time(&c.LastWebhook), db.Time(&c.LastPoll), db.Time(&c.LastPollOK), db.Time(&c.LastCallOK), db.Text(&c.LastError), db.Text(&c.LastErrorKind), db.Time(&c.LastErrorAt),
		db.Time(&c.TokenExpires), db.Time(&c.RefreshExpires), db.Text(&c.APIVersion), db.Time(&c.APIVersionEnds), db.Time(&c.Subscribed), db.Text(&c.SubscriptionNote), db.Time(&c.Reconciled),
		db.Text(&c.ReconcileNote))
	return c, err
}
