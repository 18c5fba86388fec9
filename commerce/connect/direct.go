package connect

import (
	"context"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Direct brings one change of an account in at once and waits for what became of it: the checkout of our own web shop hands its order over this way. The raw is stored
// durably first, as if it had been polled: if this process dies meanwhile, the import goes on from the inbox. Safe to repeat.
func (s *Service) Direct(ctx context.Context, account string, c channel.Change) (channel.Landing, error) {
	p, err := s.of(ctx, account)
	if err != nil {
		return channel.Landing{}, err
	}
	row, err := p.seal(account, "direct", "checkout", c)
	if err != nil {
		return channel.Landing{}, err
	}
	err = p.Keep(ctx, func(tx *db.Tx) error {
		if err := p.store(tx, []*stored{row}); err != nil {
			return err
		}
		// Taken at once, so that no other worker takes it.
		_, err := tx.Exec(`update inbox set next_at = $2, attempts = 1 where id = $1`, row.id, db.Micros(tx.Now.Add(importLease)))
		return err
	})
	if err != nil {
		return channel.Landing{}, err
	}
	all, err := s.decode(ctx, p, []inboxRow{{
		id: row.id, account: row.account, source: row.source, topic: row.topic, external: row.external, hash: row.hash, hold: row.hold, keyID: row.sealed.KeyID,
		version: row.version, read: row.read, box: row.sealed.Box, attempts: 1,
	}})
	if err != nil {
		return channel.Landing{}, err
	}
	if len(all) == 0 {
		return channel.Landing{}, fault.New(fault.Unavailable, "the account cannot be opened just now; the order is kept and comes in by itself")
	}
	if err := s.prepare(ctx, all); err != nil {
		return channel.Landing{}, err
	}
	if err := s.land(ctx, p, all); err != nil {
		return channel.Landing{}, err // the row comes back by itself when its lease ends
	}
	if bad := all[0].bad; bad != nil {
		return channel.Landing{}, fault.Wrap(fault.KindOf(bad), bad, "the order could not be read")
	}
	return all[0].landed, nil
}
