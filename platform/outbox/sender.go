package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

const (
	sendTimeout = 15 * time.Second // of one request
	sendLease   = time.Minute      // after which a delivery whose sender is gone is tried again
	sendBegin   = sendLease / 2    // after which a leased delivery is given back instead of begun
	sendBatch   = 512              // deliveries of one subscription that are leased at the same time, unless it fails
)

// sendAfter are the waits before the second and later attempts, as Standard Webhooks recommends them: three days in all.
var sendAfter = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Sender delivers webhooks by Standard Webhooks: webhook-id is the event's id, the same on every attempt, webhook-signature carries one
// signature per valid secret, the body is the event as CloudEvents JSON. Deliveries promise no order; they carry aggregate and sequence.
// Any number of processes may send.
type Sender struct {
	PerSubscription int // requests to one subscription at the same time in this process; default 8

	d       *db.DB
	log     *slog.Logger
	source  string
	secrets func(ctx context.Context, subscription string) ([]string, error)
	clients map[bool]*http.Client // by AllowPrivate
	wake    chan struct{}

	mu      sync.Mutex
	flying  map[string]int           // leased and not recorded, by subscription
	lanes   map[string]chan struct{} // of requests, by subscription
	done    []answered               // not yet recorded
	writing bool                     // somebody records what is done
}

// NewSender makes a sender. Source is our own address, the CloudEvents source; secrets gives the valid signing secrets of a subscription,
// the newest first.
func NewSender(d *db.DB, log *slog.Logger, source string, secrets func(ctx context.Context, subscription string) ([]string, error)) *Sender {
	return &Sender{
		PerSubscription: 8, d: d, log: log, source: source, secrets: secrets, wake: make(chan struct{}, 1),
		flying: map[string]int{}, lanes: map[string]chan struct{}{},
		clients: map[bool]*http.Client{false: webhookClient(false, sendTimeout), true: webhookClient(true, sendTimeout)},
	}
}

// Nudge has the sender look at once. It never blocks.
func (s *Sender) Nudge() { nudge(s.wake) }

// Run sends what is due until ctx ends; then it waits for the answers of what is under way and returns nil.
func (s *Sender) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	p := newPace()
	for ctx.Err() == nil {
		all, err := s.claim(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.Warn("webhook deliveries could not be claimed", "error", err)
		}
		for _, m := range all {
			wg.Go(func() { s.send(ctx, context.WithoutCancel(ctx), m) })
		}
		p.wait(ctx, s.wake, len(all) > 0)
	}
	wg.Wait()
	for _, c := range s.clients {
		c.CloseIdleConnections()
	}
	return nil
}

// Drain sends what is due now and says how many requests it made.
func (s *Sender) Drain(ctx context.Context) (int, error) {
	total := 0
	for {
		all, err := s.claim(ctx)
		if err != nil || len(all) == 0 {
			return total, err
		}
		var wg sync.WaitGroup
		for _, m := range all {
			wg.Go(func() { s.send(ctx, ctx, m) })
		}
		wg.Wait()
		total += len(all)
	}
}

// message is a claimed delivery.
type message struct {
	Subscription
	delivery, event string
	attempt         int64 // also the fence: a later claim has a larger one
	stored          Stored
	lane            chan struct{} // of its subscription in this process
	lease           *leased
}

// leased is what was taken of one subscription at once.
type leased struct {
	begin time.Time   // the last moment to begin a request, by the process's monotonic clock
	ill   atomic.Bool // a request of it has failed: the rest goes back
}

// room is how many deliveries more a subscription may have on their way here. One that fails is not given more than it is asked at once.
func (s *Sender) room(sub Subscription) int {
	most := max(sendBatch, s.PerSubscription)
	if !sub.FailingSince.IsZero() {
		most = s.PerSubscription
	}
	if flying := s.flying[sub.ID]; flying <= most/2 {
		return most - flying
	}
	return 0
}

// claim takes due deliveries of active subscriptions, as many as may fly, and leases them by moving their next attempt.
func (s *Sender) claim(ctx context.Context) ([]message, error) {
	now := s.d.Now()
	var ready []Subscription
	if err := s.d.Read(ctx, func(tx *db.Tx) (err error) {
		ready, err = db.All(tx, scanSubscription, `select `+subscriptionColumns+` from subscriptions s where s.state = 'active' and exists
			(select 1 from deliveries d where d.subscription_id = s.id and d.state = 'due' and d.next_at <= $1) order by s.id`, now.UnixMicro())
		return err
	}); err != nil {
		return nil, err
	}
	free := map[string]int{}
	s.mu.Lock()
	for _, sub := range ready {
		if n := s.room(sub); n > 0 {
			free[sub.ID] = n
		}
	}
	s.mu.Unlock()
	if len(free) == 0 {
		return nil, nil
	}
	var all []message
	err := s.d.Write(ctx, func(tx *db.Tx) (err error) {
		all, err = lease(tx, ready, free)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.outfit(all)
	return all, nil
}

// outfit gives claimed messages their lanes.
func (s *Sender) outfit(all []message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	leases := map[string]*leased{}
	for i := range all {
		m := &all[i]
		s.flying[m.ID]++
		if s.lanes[m.ID] == nil {
			s.lanes[m.ID] = make(chan struct{}, max(1, s.PerSubscription))
		}
		if leases[m.ID] == nil {
			leases[m.ID] = &leased{begin: time.Now().Add(sendBegin)}
		}
		m.lane, m.lease = s.lanes[m.ID], leases[m.ID]
	}
}

func lease(tx *db.Tx, ready []Subscription, free map[string]int) ([]message, error) {
	lock := tx.Lock()
	if lock != "" {
		lock += " skip locked"
	}
	found := map[string]*message{} // by delivery
	for _, sub := range ready {
		if free[sub.ID] == 0 {
			continue
		}
		tx.SendQuery(`select id, event_id, attempts from deliveries where subscription_id = $1 and state = 'due' and next_at <= $2
			order by next_at limit $3`+lock, func(row db.Scanner) error {
			m := &message{Subscription: sub}
			err := row.Scan(&m.delivery, &m.event, &m.attempt)
			m.attempt++
			found[m.delivery] = m
			return err
		}, sub.ID, tx.Now.UnixMicro(), free[sub.ID])
	}
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	batch := db.NewBatch(1)
	var ids []string
	for _, m := range found {
		batch.Add(m.delivery)
		ids = append(ids, m.event)
	}
	tx.Send(`update deliveries set attempts = deliveries.attempts + 1, next_at = $1 from rows(i text) where deliveries.id = r.i`,
		batch, tx.Now.Add(sendLease).UnixMicro())
	events := map[string]Stored{}
	if _, err := db.All(tx, func(row db.Scanner) (e Stored, err error) {
		e, err = scan(row)
		events[e.ID] = e
		return e, err
	}, `select `+columns+` from events e where e.id in (select key from json_each($1))`, db.Keys(ids)); err != nil {
		return nil, err
	}
	all := make([]message, 0, len(found))
	for _, m := range found {
		m.stored = events[m.event]
		all = append(all, *m)
	}
	return all, nil
}

// outcome is what became of one request.
type outcome struct {
	status int
	after  time.Duration // the receiver asked to wait
	err    error         // nil: taken
	back   bool          // it was not made
}

type answered struct {
	message
	outcome
}

// send makes one attempt when it has its turn, and has recorded what became of it. Ctx ends the waiting, call the request.
func (s *Sender) send(ctx, call context.Context, m message) {
	out := s.attempt(ctx, call, m)
	s.mu.Lock()
	if call.Err() != nil { // its lease runs out
		s.flying[m.ID]--
	} else {
		s.done = append(s.done, answered{m, out})
	}
	if s.writing {
		s.mu.Unlock()
		return
	}
	s.writing = true
	for len(s.done) > 0 {
		all := s.done
		s.done = nil
		s.mu.Unlock()
		s.settle(call, all)
		s.mu.Lock()
	}
	s.writing = false
	s.mu.Unlock()
}

// attempt waits for a lane. What comes too late for its lease, or behind one that failed, is given back.
func (s *Sender) attempt(ctx, call context.Context, m message) outcome {
	select {
	case m.lane <- struct{}{}:
		defer func() { <-m.lane }()
	case <-ctx.Done():
		return outcome{back: true}
	}
	if ctx.Err() != nil || m.lease.ill.Load() || time.Now().After(m.lease.begin) {
		return outcome{back: true}
	}
	out := s.request(call, m)
	if out.err != nil {
		m.lease.ill.Store(true)
	}
	return out
}

// settle records outcomes in one transaction, or one by one when that fails.
func (s *Sender) settle(ctx context.Context, all []answered) {
	err := s.d.Write(ctx, func(tx *db.Tx) error { return record(tx, all) })
	for i := 0; err != nil && len(all) > 1 && i < len(all); i++ {
		if alone := s.d.Write(ctx, func(tx *db.Tx) error { return record(tx, all[i:i+1]) }); alone != nil {
			s.log.Warn("the outcome of a webhook could not be recorded, it will be sent again", "delivery", all[i].delivery, "error", alone)
		}
	}
	if err != nil && len(all) == 1 {
		s.log.Warn("the outcome of a webhook could not be recorded, it will be sent again", "delivery", all[0].delivery, "error", err)
	}
	s.mu.Lock()
	for _, a := range all {
		s.flying[a.ID]--
	}
	s.mu.Unlock()
	s.Nudge()
}

func (s *Sender) request(ctx context.Context, m message) outcome {
	body, err := CloudEvent(m.stored, s.source)
	if err != nil {
		return outcome{err: err}
	}
	secrets, err := s.secrets(ctx, m.ID)
	if err != nil {
		return outcome{err: fmt.Errorf("signing secret: %w", err)}
	}
	header, err := sign(m.event, s.d.Now(), body, secrets)
	if err != nil {
		return outcome{err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(body))
	if err != nil {
		return outcome{err: fault.Wrap(fault.Invalid, err, "the address of the subscription cannot be used")}
	}
	req.Header = header
	res, err := s.clients[m.AllowPrivate].Do(req)
	if err != nil {
		return outcome{err: plain(err)}
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	out := outcome{status: res.StatusCode}
	if res.StatusCode/100 != 2 {
		out.err = fault.New(fault.Unavailable, "it answered %d", res.StatusCode)
		out.after = retryAfter(res.Header.Get("Retry-After"), s.d.Now())
	}
	return out
}

// plain takes the address out of a client's error: it may carry a token in its query, or tell where a name leads inside.
func plain(err error) error {
	var refused *fault.Error
	if errors.As(err, &refused) {
		return refused
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fault.Wrap(fault.Unavailable, err, "it could not be reached")
}

// sign makes the headers of a delivery, with a signature by each secret, so that a receiver may change over at leisure
// (https://www.standardwebhooks.com).
func sign(id string, at time.Time, body []byte, secrets []string) (http.Header, error) {
	if len(secrets) == 0 {
		return nil, fault.New(fault.Internal, "the subscription has no signing secret")
	}
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		w, err := webhooks.NewWebhook(secret)
		if err != nil {
			return nil, fault.New(fault.Internal, "signing secret %d of the subscription is not base64", i+1)
		}
		if signatures[i], err = w.Sign(id, at, body); err != nil {
			return nil, fault.New(fault.Internal, "the delivery could not be signed")
		}
	}
	h := http.Header{}
	h.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	h.Set("User-Agent", "openclaw-commerce")
	h.Set(webhooks.HeaderWebhookID, id)
	h.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(webhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return h, nil
}

// retryAfter reads the header in both its forms (RFC 9110 §10.2.3), a day at most; 0 is none.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	wait := time.Duration(0)
	if n, err := strconv.ParseInt(value, 10, 32); err == nil {
		wait = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), 24*time.Hour)
}

// record writes what became of attempts, except of deliveries that were claimed again meanwhile.
func record(tx *db.Tx, all []answered) error {
	taken, back := db.NewBatch(1), db.NewBatch(1)
	well := map[string]bool{}
	for _, a := range all {
		switch {
		case a.back:
			back.Add(a.delivery, a.attempt)
		case a.err == nil:
			taken.Add(a.delivery, a.attempt, int64(a.status))
			well[a.ID] = true
		default:
			if err := recordFailed(tx, a.message, a.outcome); err != nil {
				return err
			}
		}
	}
	if taken.Len() > 0 {
		tx.Send(`update deliveries set state = 'delivered', delivered_at = $1, last_status = r.s, last_error = null
			from rows(i text, a bigint, s bigint) where deliveries.id = r.i and deliveries.attempts = r.a`, taken, tx.Now.UnixMicro())
	}
	if back.Len() > 0 { // no request was made under this number: it may be given again
		tx.Send(`update deliveries set attempts = deliveries.attempts - 1, next_at = $1
			from rows(i text, a bigint) where deliveries.id = r.i and deliveries.attempts = r.a and deliveries.state = 'due'`, back, tx.Now.UnixMicro())
	}
	for _, id := range slices.Sorted(maps.Keys(well)) {
		if err := recordWell(tx, id); err != nil {
			return err
		}
	}
	return nil
}

func recordFailed(tx *db.Tx, m message, out outcome) error {
	state, next := DeliveryDue, tx.Now
	gone := out.status == http.StatusGone
	switch {
	case gone: // it waits for the subscription to be resumed
	case m.attempt > int64(len(sendAfter)):
		state = DeliveryDead
	default:
		wait := sendAfter[m.attempt-1]
		next = tx.Now.Add(max(wait+rand.N(wait/5+1), out.after))
	}
	text := clip(out.err)
	n, err := tx.Exec(`update deliveries set state = $3, next_at = $4, last_status = $5, last_error = $6
		where id = $1 and attempts = $2 and state = 'due'`, m.delivery, m.attempt, state, next.UnixMicro(), status(out), text)
	if err != nil || n == 0 {
		return err
	}
	if _, err := tx.Exec(`update subscriptions set failing_since = coalesce(failing_since, $2), last_error = $3,
			state = case when $4 and state = 'active' then 'paused' else state end, version = version + case when $4 then 1 else 0 end
		where id = $1`, m.ID, tx.Now.UnixMicro(), text, gone); err != nil {
		return err
	}
	if !gone && state != DeliveryDead {
		return nil
	}
	key := failingCase(m.ID)
	return exception.Raise(tx, exception.Case{
		Cause: key.Cause, SubjectKind: key.SubjectKind, Subject: key.Subject,
		Detail: map[string]any{"name": m.Name, "event": m.event, "attempts": m.attempt, "status": out.status, "error": text, "paused": gone},
	})
}

// recordWell notes that a subscription took something. Once a minute is often enough to say that all is well.
func recordWell(tx *db.Tx, id string) error {
	n, err := tx.Exec(`update subscriptions set last_success_at = $2, failing_since = null, last_error = null
		where id = $1 and (failing_since is not null or last_success_at is null or last_success_at < $3)`,
		id, tx.Now.UnixMicro(), tx.Now.Add(-time.Minute).UnixMicro())
	if err != nil || n == 0 {
		return err
	}
	return settled(tx, id, "the subscriber takes its events again")
}

func status(out outcome) any {
	if out.status == 0 {
		return nil
	}
	return out.status
}
