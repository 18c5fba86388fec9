package connect

import (
	"context"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// wish is an order to be read again.
type wish struct {
	account, external, reason string
	wanted                    int64
	attempts                  int64
}

const (
	readLease   = time.Minute // how long one reading may take
	readsAtOnce = 4           // orders that are taken and read together, so that each reading begins with its lease
)

// Want asks for an order to be read from its channel again, durably.
func (s *Service) Want(ctx context.Context, account, external, why string) error {
	if channel.PlacedHere(external) {
		return fault.New(fault.Conflict, "the order was placed here: no channel can be asked for it").WithCode("placed_here")
	}
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		return s.wantReads(tx, account, map[string]string{external: why}, 0)
	})
}

// RunReads reads wished-for orders until the context ends. One order is read by one reader at a time, whatever asked for it.
func (s *Service) RunReads(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := s.ReadOnce(ctx)
		if err != nil && ctx.Err() == nil {
			s.need.Log.Error("read again", "err", err)
		}
		if n > 0 && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.idle(200 * time.Millisecond):
		}
	}
	return nil
}

// ReadOnce takes wishes and carries them out beside each other. It answers how many it took.
func (s *Service) ReadOnce(ctx context.Context) (int, error) {
	var wishes []wish
	here, zones := "", s.reachable()
	args := []any{readsAtOnce}
	if s.need.Zones != nil { // what is kept elsewhere is read where that is
		here = ` and a.residency in (select key from json_each($3))`
		args = append(args, db.Keys(zones))
	}
	err := s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		due, err := db.All(tx, func(row db.Scanner) (wish, error) {
			var w wish
			return w, row.Scan(&w.account, &w.external, &w.reason, &w.wanted, &w.attempts)
		}, `select r.account_id, r.external, r.reason, r.wanted_at, r.attempts from reads r join channel_accounts a on a.id = r.account_id
			where a.state = 'active'`+here+` and ((r.state = 'due' and r.next_at <= $1) or (r.state = 'running' and r.lease_until < $1)) order by r.next_at limit $2`, append([]any{db.Micros(tx.Now)}, args...)...)
		if err != nil || len(due) == 0 {
			wishes = nil
			return err
		}
		b := db.NewBatch(2)
		for _, w := range due {
			b.Add(w.account, w.external, w.attempts)
		}
		got, err := db.All(tx, func(row db.Scanner) ([2]string, error) {
			var k [2]string
			return k, row.Scan(&k[0], &k[1])
		}, `update reads set state = 'running', lease_until = $1, attempts = reads.attempts + 1 from rows(a text, x text, n bigint)
			where reads.account_id = r.a and reads.external = r.x and reads.attempts = r.n and reads.state <> 'dead' returning account_id, external`, b, db.Micros(tx.Now.Add(readLease)))
		if err != nil {
			return err
		}
		wishes = wishes[:0]
		for _, w := range due {
			if slices.Contains(got, [2]string{w.account, w.external}) {
				w.attempts++
				wishes = append(wishes, w)
			}
		}
		return nil
	})
	if err != nil || len(wishes) == 0 {
		return 0, err
	}
	parallel(readsAtOnce, wishes, func(w wish) {
		if err := s.readWish(ctx, w); err != nil && ctx.Err() == nil {
			s.need.Log.Warn("read again", "account", w.account, "order", w.external, "err", err)
		}
	})
	return len(wishes), nil
}

// readWish reads one order and stores it; the wish is fulfilled unless a newer one came meanwhile.
func (s *Service) readWish(ctx context.Context, w wish) error {
	o, err := s.open(ctx, w.account)
	if err != nil {
		return err
	}
	p, err := s.at(o.acc.Residency)
	if err != nil {
		return err // the wish comes back when its lease ends
	}
	callCtx, cancel := context.WithTimeout(ctx, readLease-10*time.Second)
	defer cancel()
	c, err := o.ch.Order(callCtx, w.external)
	if err != nil {
		return s.readFailed(ctx, o, w, err)
	}
	row, err := p.seal(o.acc.ID, "read", w.reason, c)
	if err != nil {
		return err
	}
	held, err := s.held(ctx, p, o.acc.ID, []*stored{row})
	if err != nil {
		return err
	}
	store := func(tx *db.Tx) error {
		fresh, err := p.unknown(tx, o.acc.ID, []*stored{row}, held)
		if err != nil {
			return err
		}
		s.wakes(tx, p)
		return p.store(tx, fresh)
	}
	if p.far {
		if err := p.Keep(ctx, store); err != nil {
			return err
		}
	}
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		if !p.far {
			if err := store(tx); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(`delete from reads where account_id = $1 and external = $2 and wanted_at = $3`, w.account, w.external, w.wanted); err != nil {
			return err
		}
		if _, err := tx.Exec(`update reads set state = 'due', attempts = 0 where account_id = $1 and external = $2 and attempts = $3`, w.account, w.external, w.attempts); err != nil {
			return err
		}
		return exception.Clear(tx, "system", "the order has been read", exception.Key{Cause: exception.OrderMissing, SubjectKind: "channel_order", Subject: w.account + ":" + w.external})
	})
}

// readFailed puts the wish back with patience, or gives it to a person when the channel does not know the order.
func (s *Service) readFailed(ctx context.Context, o *opened, w wish, cause error) error {
	s.unwell(ctx, o.acc, cause)
	return s.need.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		if w.attempts >= 20 && !fault.Temporary(cause) && !fault.Is(cause, fault.Unauthorized) || fault.Is(cause, fault.NotFound) || fault.Is(cause, fault.Invalid) {
			if _, err := tx.Exec(`update reads set state = 'dead', cause = $3 where account_id = $1 and external = $2`, w.account, w.external, fault.Message(cause)); err != nil {
				return err
			}
			return exception.Raise(tx, exception.Case{
				Cause: exception.OrderMissing, SubjectKind: "channel_order", Subject: w.account + ":" + w.external, Account: w.account,
				Detail: map[string]string{"external": w.external, "reason": fault.Message(cause)},
			})
		}
		wait := max(fault.After(cause), backoff(w.attempts))
		_, err := tx.Exec(`update reads set state = 'due', next_at = $3, cause = $4 where account_id = $1 and external = $2`,
			w.account, w.external, db.Micros(tx.Now.Add(wait)), fault.Message(cause))
		return err
	})
}

// backoff doubles from one second to five minutes.
func backoff(attempts int64) time.Duration {
	return min(5*time.Minute, time.Second<<min(attempts, 9))
}

// parallel runs f over all items, n at a time, and waits.
func parallel[T any](n int, items []T, f func(T)) {
	slots := make(chan struct{}, n)
	for _, it := range items {
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			f(it)
		}()
	}
	for range n {
		slots <- struct{}{}
	}
}

// PollReturns reads the returns a channel keeps apart from its orders, and has their orders' contexts take them.
func (s *Service) PollReturns(ctx context.Context, account string) (int, error) {
	o, err := s.open(ctx, account)
	if err != nil {
		return 0, err
	}
	r, ok := o.ch.(channel.ReturnReader)
	if !ok || o.acc.State != Active || s.need.Returns == nil {
		return 0, nil
	}
	cur, err := cursorOf(ctx, s.home(), o.acc.ID, "returns")
	if err != nil {
		return 0, err
	}
	total, batch := 0, []channel.ReturnChange{}
	for c, err := range r.Returns(ctx, channel.Cursor(cur.value)) {
		if err != nil { // what was yielded before it stays good
			n, kept := s.keepReturns(ctx, o, &cur, batch)
			s.unwell(ctx, o.acc, err)
			if kept != nil {
				err = kept
			}
			return total + n, err
		}
		if batch = append(batch, c); len(batch) < pollBatch {
			continue
		}
		n, err := s.keepReturns(ctx, o, &cur, batch)
		total += n
		if err != nil {
			return total, err
		}
		batch = nil
	}
	n, err := s.keepReturns(ctx, o, &cur, batch)
	return total + n, err
}

// keepReturns hands a batch of returns on, those of orders that have not come yet excepted, which wait for them, and moves the cursor behind them, in one commit.
func (s *Service) keepReturns(ctx context.Context, o *opened, cur *cursor, batch []channel.ReturnChange) (int, error) {
	if len(batch) == 0 {
		return 0, nil
	}
	// Nobody may have imported anything of this country yet: the numbers of returns are made ready here too.
	if err := s.need.Prepare(ctx, o.acc.Country, o.acc.Channel, len(batch)); err != nil {
		return 0, err
	}
	to := string(batch[len(batch)-1].Cursor)
	moves := to != "" && to != cur.value
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		known, ahead, err := arrived(tx, o.acc.ID, batch)
		if err == nil && len(ahead) > 0 && tx.Lock() != "" { // an order that lands just now would not see what is kept for it: it is waited for, as by a change of mode
			if _, err = db.All(tx, scanID, `select a.id from channel_accounts a where a.id = $1`+tx.Lock(), o.acc.ID); err == nil {
				known, ahead, err = arrived(tx, o.acc.ID, batch)
			}
		}
		if err != nil {
			return err
		}
		if err := s.need.Returns(tx, known, o.acc.ID); err != nil {
			return err
		}
		if err := s.keepEarly(tx, o.acc.ID, ahead); err != nil || !moves {
			return err
		}
		return cur.move(tx, to)
	})
	if err != nil {
		return 0, err
	}
	if moves {
		cur.value = to
		cur.version++
	}
	return len(batch), nil
}
