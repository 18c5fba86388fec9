package connect

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// A full inbox: from so many messages on, what can wait waits, so that those who were promised an answer get it first. At a thousand orders a second it is five
// seconds of work, at the hundred of a small machine less than a minute.
const fullInbox = 5_000

// pressure remembers for a moment whether the inbox is full.
type pressure struct {
	at   time.Time
	full bool
}

// Pressed reports whether more has arrived than is imported soon. Then webhooks are still stored and acknowledged, orders read again, imported and told; polls, listings
// and prices wait. It asks the database once a second at most.
func (s *Service) Pressed(ctx context.Context) bool {
	s.mu.Lock()
	p := s.pressure
	s.mu.Unlock()
	if s.need.DB.Now().Sub(p.at).Abs() < time.Second {
		return p.full
	}
	var err error
	for _, in := range append([]place{s.home()}, s.far()...) {
		err = in.Look(ctx, func(tx *db.Tx) error {
			_, err := db.One(tx, scanID, `select id from inbox where state = 'stored' and next_at <= $1 order by next_at, n limit 1 offset $2`, db.Micros(tx.Now), s.full)
			return err
		})
		if in.far && err != nil { // one that does not answer presses nobody
			err = fault.New(fault.NotFound, "nothing")
		}
		if !fault.Is(err, fault.NotFound) {
			break
		}
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return p.full
	}
	now := pressure{at: s.need.DB.Now(), full: err == nil}
	if now.full != p.full {
		s.need.Log.Info("what can wait waits while much arrives", "full", now.full, "messages", s.full)
	}
	s.mu.Lock()
	s.pressure = now
	s.mu.Unlock()
	return now.full
}
