package api

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
)

// Queue is what waits for one kind of work. How long the oldest waits says more than how many wait.
type Queue struct {
	Waiting int64     `json:"waiting"`
	Oldest  time.Time `json:"oldest_at,omitzero"` // since when the oldest could have been done; none: nothing waits, or nothing is due yet
}

// age is how long the oldest has waited.
func (q Queue) age(now time.Time) time.Duration {
	if q.Oldest.IsZero() {
		return 0
	}
	return max(0, now.Sub(q.Oldest))
}

// The queues there are: messages to import, orders to read again, events to place, audit rows to chain, jobs, what channels are told, stock and prices to push, webhooks
// to send; dead are jobs that wait for a person.
const (
	queueInbox, queueReads, queueEvents, queueAudit, queueJobs = "inbox", "reads", "events", "audit", "jobs"
	queueTells, queueStock, queuePrices, queueDeliveries       = "tells", "stock", "prices", "deliveries"
	queueDead                                                  = "dead"
	queueZone                                                  = "inbox:" // and the name of a residency zone in which this process is allowed: what waits there to be imported
)

// queues reads them all in one statement; each part has an index made for it.
func (s *Server) queues(ctx context.Context) (all map[string]Queue, now time.Time, err error) {
	all = map[string]Queue{}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		now = tx.Now
		_, err := db.All(tx, func(row db.Scanner) (q Queue, err error) {
			var name string
			err = row.Scan(&name, &q.Waiting, db.Time(&q.Oldest))
			all[name] = q
			return q, err
		}, `select 'inbox', count(*), (select min(received_at) from inbox where state = 'stored' and next_at <= $1) from inbox where state = 'stored'
			union all select 'reads', count(*), min(next_at) filter (where next_at <= $1) from reads where state = 'due'
			union all select 'events', count(*), min(recorded_at) from events where position is null
			union all select 'audit', count(*), min(at) from audit_log where position is null
			union all select 'jobs', count(*), min(run_at) filter (where run_at <= $1) from jobs where state = 'due'
			union all select 'dead', count(*), min(finished_at) from jobs where state in ('dead', 'unknown')
			union all select 'tells', count(*), min(next_at) filter (where next_at <= $1) from tells where state = 'intended'
			union all select 'stock', count(*), min(dirty_at) from channel_stock where dirty
			union all select 'prices', count(*), min(next_at) filter (where next_at <= $1) from channel_prices where state = 'due'
			union all select 'deliveries', count(*), min(next_at) filter (where next_at <= $1) from deliveries where state = 'due'`, tx.Now.UnixMicro())
		return err
	})
	for _, z := range s.zoneHealth() {
		if !z.Down {
			all[queueZone+z.Name] = z.Inbox
		}
	}
	return all, now, err
}

// The words for how the work goes.
const (
	fine  = "ok"
	slow  = "slow"
	stuck = "stuck"
)

// waits is how long the oldest of a queue may wait before work is called slow, and how long it may stay the same before it is called stuck.
const waits = time.Minute

// pulse tells slow from stuck: where work is slow the oldest is another one at every look, where it is stuck it stays. Only queues that nothing but our own work can
// hold up count: what a paused account or a subscriber that is down has to wait for says nothing about this process.
type pulse struct {
	mu    sync.Mutex
	heads map[string]head
}

type head struct{ oldest, since, seen time.Time }

func (h head) stuck() bool { return h.seen.Sub(h.since) >= waits }

var ownWork = []string{queueInbox, queueEvents, queueAudit, queueJobs}

// look takes note of what waits longest, and judges.
func (p *pulse) look(all map[string]Queue, now time.Time) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heads == nil {
		p.heads = map[string]head{}
	}
	word := fine
	for name := range p.heads {
		if _, there := all[name]; !there {
			delete(p.heads, name) // of a zone that does not answer
		}
	}
	for name, q := range all {
		if !slices.Contains(ownWork, name) && !strings.HasPrefix(name, queueZone) {
			continue
		}
		h := p.heads[name]
		if q.age(now) < waits {
			delete(p.heads, name)
			continue
		}
		if !h.oldest.Equal(q.Oldest) {
			h = head{oldest: q.Oldest, since: now}
		}
		h.seen = now
		p.heads[name] = h
		switch {
		case h.stuck():
			word = stuck
		case word == fine:
			word = slow
		}
	}
	return word
}

// stuck names the queues that nobody takes from.
func (p *pulse) stuck() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for name, h := range p.heads {
		if h.stuck() {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}
