package outbox

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// The states of a subscription. A paused one keeps collecting deliveries and sends them when resumed.
const (
	Active  = "active"
	Paused  = "paused"
	Revoked = "revoked"
)

// Subscription has contract events sent to an address as signed webhooks.
type Subscription struct {
	ID           string
	Name         string
	URL          string   // https; plain http only together with AllowPrivate
	Types        []string // of package event; none: all contracts
	State        string
	AllowPrivate bool // the address may be private or loopback: for systems of our own
	CreatedAt    time.Time
	FailingSince time.Time // zero: the last delivery was taken
	LastSuccess  time.Time
	LastError    string
	Version      int64
}

// NewSecret makes a signing secret as Standard Webhooks writes it, of 32 random bytes. Keep it in the vault.
func NewSecret() string {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(key[:])
}

// Subscribe makes a subscription to what is recorded from now on; id, state, times and version are filled in. Fault: Invalid.
func Subscribe(tx *db.Tx, s Subscription) (Subscription, error) {
	if err := s.check(); err != nil {
		return s, err
	}
	if s.ID == "" {
		s.ID = db.ID()
	}
	s.State, s.CreatedAt, s.Version = Active, tx.Now, 1
	_, err := tx.Exec(`insert into subscriptions (id, name, url, types, state, allow_private, created_at, version)
		values ($1, $2, $3, $4, 'active', $5, $6, 1)`, s.ID, s.Name, s.URL, typesText(s.Types), s.AllowPrivate, tx.Now.UnixMicro())
	return s, err
}

func (s Subscription) check() error {
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return fault.Field("url", "must be an absolute address, like https://example.com/hooks")
	case u.Scheme != "https" && (u.Scheme != "http" || !s.AllowPrivate):
		return fault.Field("url", "must begin with https://")
	case u.User != nil:
		return fault.Field("url", "must not carry a user or password: deliveries are signed")
	case u.Fragment != "":
		return fault.Field("url", "must not have a fragment")
	case s.Name == "":
		return fault.Field("name", "is missing")
	}
	for _, t := range s.Types {
		if !slices.Contains(event.Contracts, t) {
			return fault.Field("types", "there is no contract %q", t)
		}
	}
	return nil
}

// Resubscribe changes name, address, types and AllowPrivate of a subscription. Version 0 stands for any. Faults: Invalid, NotFound,
// Conflict when it was changed since that version or is revoked.
func Resubscribe(tx *db.Tx, s Subscription) error {
	if err := s.check(); err != nil {
		return err
	}
	return alter(tx, s.ID, s.Version, `name = $3, url = $4, types = $5, allow_private = $6`, s.Name, s.URL, typesText(s.Types), s.AllowPrivate)
}

// Pause stops sending; deliveries collect. Version and faults as for Resubscribe.
func Pause(tx *db.Tx, id string, version int64) error {
	return alter(tx, id, version, `state = 'paused'`)
}

// Resume sends again, what has collected first. Version and faults as for Resubscribe.
func Resume(tx *db.Tx, id string, version int64) error {
	if err := alter(tx, id, version, `state = 'active', failing_since = null, last_error = null`); err != nil {
		return err
	}
	return settled(tx, id, "the subscription was resumed")
}

// Revoke ends a subscription for good; what was not delivered is given up. Version and faults as for Resubscribe.
func Revoke(tx *db.Tx, id string, version int64) error {
	if err := alter(tx, id, version, `state = 'revoked'`); err != nil {
		return err
	}
	if _, err := tx.Exec(`update deliveries set state = 'dead', last_error = 'the subscription was revoked'
		where subscription_id = $1 and state = 'due'`, id); err != nil {
		return err
	}
	return settled(tx, id, "the subscription was revoked")
}

func alter(tx *db.Tx, id string, version int64, set string, args ...any) error {
	n, err := tx.Exec(`update subscriptions set `+set+`, version = version + 1
		where id = $1 and state <> 'revoked' and (version = $2 or $2 = 0)`, append([]any{id, version}, args...)...)
	if err != nil || n == 1 {
		return err
	}
	s, err := GetSubscription(tx, id)
	switch {
	case err != nil:
		return err
	case s.State == Revoked:
		return fault.New(fault.Conflict, "the subscription is revoked").WithCode("revoked")
	}
	return fault.New(fault.Conflict, "somebody else changed the subscription first: it has version %d", s.Version).WithCode("version")
}

func failingCase(subscription string) exception.Key {
	return exception.Key{Cause: exception.SubscriberFailing, SubjectKind: "subscription", Subject: subscription}
}

func settled(tx *db.Tx, subscription, why string) error {
	return exception.Clear(tx, "system", why, failingCase(subscription))
}

func typesText(types []string) string {
	if len(types) == 0 {
		return "[]"
	}
	text, _ := json.Marshal(types) // strings always marshal
	return string(text)
}

const subscriptionColumns = `s.id, s.name, s.url, s.types, s.state, s.allow_private, s.created_at, s.failing_since, s.last_success_at,
	s.last_error, s.version`

func scanSubscription(row db.Scanner) (s Subscription, err error) {
	err = row.Scan(&s.ID, &s.Name, &s.URL, db.JSON(&s.Types), &s.State, &s.AllowPrivate, db.Time(&s.CreatedAt), db.Time(&s.FailingSince),
		db.Time(&s.LastSuccess), db.Text(&s.LastError), &s.Version)
	return s, err
}

// Subscriptions lists all that are not revoked, oldest first.
func Subscriptions(tx *db.Tx) ([]Subscription, error) {
	return db.All(tx, scanSubscription, `select `+subscriptionColumns+` from subscriptions s where s.state <> 'revoked' order by s.id`)
}

// GetSubscription reads one, also a revoked one. Fault: NotFound.
func GetSubscription(tx *db.Tx, id string) (Subscription, error) {
	s, err := db.One(tx, scanSubscription, `select `+subscriptionColumns+` from subscriptions s where s.id = $1`, id)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "there is no subscription %s", id)
	}
	return s, err
}

// FanOut is the consumer that makes a delivery of every contract event for every subscription that wants it.
func FanOut() Consumer {
	return Consumer{Name: "webhooks", Contracts: true, Prompt: true, Handle: fanOut}
}

func fanOut(tx *db.Tx, batch []Stored) error {
	subscriptions, err := Subscriptions(tx)
	if err != nil || len(subscriptions) == 0 {
		return err
	}
	rows := db.NewBatch(0)
	for _, e := range batch {
		for _, s := range subscriptions {
			if !e.RecordedAt.Before(s.CreatedAt) && (len(s.Types) == 0 || slices.Contains(s.Types, e.Type)) {
				rows.Add(db.ID(), s.ID, e.ID)
			}
		}
	}
	tx.Send(`insert into deliveries (id, subscription_id, event_id, state, attempts, next_at, created_at)
		select r.i, r.s, r.e, 'due', 0, $1, $1 from rows(i text, s text, e text) where true on conflict do nothing`, rows, tx.Now.UnixMicro())
	return nil
}

// The states of a delivery.
const (
	DeliveryDue  = "due"
	Delivered    = "delivered"
	DeliveryDead = "dead" // given up; it can be resent
)

// Delivery is one event on its way to one subscription.
type Delivery struct {
	ID, Subscription, Event  string
	State                    string
	Attempts                 int64
	Next                     time.Time // when it is tried, or would be
	LastStatus               int       // HTTP; 0: no answer
	LastError                string
	CreatedAt, DeliveredTime time.Time
}

// Deliveries lists a subscription's deliveries by event, oldest first, after the last event id seen; state "" is all.
func Deliveries(tx *db.Tx, subscription, state, after string, limit int) ([]Delivery, error) {
	if limit < 1 || limit > 1000 {
		limit = 100
	}
	return db.All(tx, scanDelivery, `select id, subscription_id, event_id, state, attempts, next_at, last_status, last_error, created_at, delivered_at from deliveries
		where subscription_id = $1 and event_id > $2 and (state = $3 or $3 = '') order by event_id limit $4`, subscription, after, state, limit)
}

func scanDelivery(s db.Scanner) (d Delivery, err error) {
	err = s.Scan(&d.ID, &d.Subscription, &d.Event, &d.State, &d.Attempts, db.Time(&d.Next), db.Int(&d.LastStatus), db.Text(&d.LastError),
		db.Time(&d.CreatedAt), db.Time(&d.DeliveredTime))
	return d, err
}

// DeliveriesOf lists what became of telling subscriptions of events, by event. It asks subscription by subscription, of which there are few.
func DeliveriesOf(tx *db.Tx, events []string) (map[string][]Delivery, error) {
	all, err := db.All(tx, scanDelivery, `select d.id, d.subscription_id, d.event_id, d.state, d.attempts, d.next_at, d.last_status, d.last_error, d.created_at, d.delivered_at
		from subscriptions s cross join deliveries d where d.subscription_id = s.id and d.event_id in (select key from json_each($1)) order by s.name, d.id`, db.Keys(events))
	by := map[string][]Delivery{}
	for _, d := range all {
		by[d.Event] = append(by[d.Event], d)
	}
	return by, err
}

// Resend sends a delivery again, whatever became of it, with fresh attempts. The receiver sees the same webhook-id. Faults: NotFound;
// Conflict when its subscription is revoked.
func Resend(tx *db.Tx, delivery string) error {
	subscription, err := db.One(tx, func(s db.Scanner) (id string, err error) {
		err = s.Scan(&id)
		return id, err
	}, `select subscription_id from deliveries where id = $1`, delivery)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "there is no delivery %s", delivery)
	}
	if err != nil {
		return err
	}
	if err := notRevoked(tx, subscription); err != nil {
		return err
	}
	_, err = tx.Exec(`update deliveries set state = 'due', attempts = 0, next_at = $2, delivered_at = null where id = $1`, delivery, tx.Now.UnixMicro())
	return err
}

// ResendAll sends again everything of a subscription that was given up since a time, and says how much that is. Faults as for Resend.
func ResendAll(tx *db.Tx, subscription string, since time.Time) (int64, error) {
	if err := notRevoked(tx, subscription); err != nil {
		return 0, err
	}
	n, err := tx.Exec(`update deliveries set state = 'due', attempts = 0, next_at = $2
		where subscription_id = $1 and state = 'dead' and created_at >= $3`, subscription, tx.Now.UnixMicro(), max(since.UnixMicro(), 0))
	if err != nil {
		return 0, err
	}
	return n, settled(tx, subscription, "what was given up is sent again")
}

func notRevoked(tx *db.Tx, subscription string) error {
	s, err := GetSubscription(tx, subscription)
	if err == nil && s.State == Revoked {
		err = fault.New(fault.Conflict, "the subscription is revoked").WithCode("revoked")
	}
	return err
}
