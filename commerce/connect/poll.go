package connect

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// pollBatch is how many readings are stored, with the cursor, in one commit.
const pollBatch = 100

// Poll reads what changed at one account since its cursor and stores it, batch by batch, the cursor moved by compare-and-set in the same commit.
// It answers how many new readings were stored. Another poller that gets ahead ends it without harm.
func (s *Service) Poll(ctx context.Context, account string) (int, error) {
	o, err := s.open(ctx, account)
	if err != nil {
		return 0, err
	}
	if o.acc.State != Active {
		return 0, nil
	}
	p, err := s.at(o.acc.Residency)
	if err != nil {
		return 0, err
	}
	cur, err := cursorOf(ctx, p, o.acc.ID, "orders")
	if err != nil {
		return 0, err
	}
	total, batch := 0, []channel.Change{}
	for c, err := range o.ch.Orders(ctx, channel.Cursor(cur.value)) {
		if err != nil {
			n, kept := s.keepPolled(ctx, p, o, &cur, batch)
			s.polled(ctx, o.acc, err)
			if kept != nil {
				return total + n, kept
			}
			return total + n, err
		}
		if batch = append(batch, c); len(batch) < pollBatch {
			continue
		}
		n, err := s.keepPolled(ctx, p, o, &cur, batch)
		total += n
		if err != nil {
			return total, err
		}
		batch = batch[:0]
	}
	n, err := s.keepPolled(ctx, p, o, &cur, batch)
	if err == nil {
		s.polled(ctx, o.acc, nil)
	}
	return total + n, err
}

// cursor is where a stream of an account stands.
type cursor struct {
	account, stream, value string
	version                int64
	moved                  time.Time
}

// cursorOf reads a cursor; it lies where what it stands behind is kept.
func cursorOf(ctx context.Context, p place, account, stream string) (cursor, error) {
	c := cursor{account: account, stream: stream}
	err := p.Look(ctx, func(tx *db.Tx) error {
		rows, err := db.All(tx, func(row db.Scanner) (cursor, error) {
			got := cursor{account: account, stream: stream}
			return got, row.Scan(&got.value, &got.version, db.Time(&got.moved))
		}, `select cursor, version, updated_at from channel_cursors where account_id = $1 and stream = $2`, account, stream)
		if len(rows) > 0 {
			c = rows[0]
		}
		return err
	})
	return c, err
}

// move sets the cursor, by compare-and-set. fault.Conflict when somebody else moved it first.
func (c *cursor) move(tx *db.Tx, to string) error {
	n, err := tx.Exec(`insert into channel_cursors (account_id, stream, cursor, updated_at, version) values ($1, $2, $3, $4, 1)
		on conflict (account_id, stream) do update set cursor = excluded.cursor, updated_at = excluded.updated_at, version = channel_cursors.version + 1
		where channel_cursors.version = $5`, c.account, c.stream, to, db.Micros(tx.Now), c.version)
	if err != nil {
		return err
	}
	if n != 1 {
		return fault.New(fault.Conflict, "another poller moved the cursor").WithCode("cursor_moved")
	}
	return nil
}

// setCursor sets a cursor wherever it stands, and answers its version.
func setCursor(tx *db.Tx, account, stream, to string) (version int64, err error) {
	return db.One(tx, scanCount, `insert into channel_cursors (account_id, stream, cursor, updated_at, version) values ($1, $2, $3, $4, 1)
		on conflict (account_id, stream) do update set cursor = excluded.cursor, updated_at = excluded.updated_at, version = channel_cursors.version + 1 returning version`, account, stream, to, db.Micros(tx.Now))
}

// keepPolled stores a batch of readings that say something new, and moves the cursor behind them.
func (s *Service) keepPolled(ctx context.Context, p place, o *opened, cur *cursor, batch []channel.Change) (kept int, err error) {
	if len(batch) == 0 {
		return 0, nil
	}
	ctx, end := s.span(ctx, "store poll", append(o.traced(), attribute.Int("batch", len(batch)))...)
	defer func() { end(err) }()
	rows := make([]*stored, 0, len(batch))
	for _, c := range batch {
		row, err := p.seal(o.acc.ID, "poll", "orders", c)
		if err != nil {
			return 0, err
		}
		rows = append(rows, row)
	}
	to := string(batch[len(batch)-1].Cursor)
	if to != "" && to != cur.value && db.Sabotaged("cursor_with_data") {
		if err := p.Keep(ctx, func(tx *db.Tx) error { return cur.move(tx, to) }); err != nil {
			return 0, err
		}
		cur.value, cur.version = to, cur.version+1
		db.Dawdle("cursor_with_data")
	}
	held, err := s.held(ctx, p, o.acc.ID, rows)
	if err != nil {
		return 0, err
	}
	err = p.Keep(ctx, func(tx *db.Tx) error {
		fresh, err := p.unknown(tx, o.acc.ID, rows, held)
		if err != nil {
			return err
		}
		kept = len(fresh)
		if err := p.store(tx, fresh); err != nil {
			return err
		}
		if !p.far { // a zone keeps messages, not traces
			keepTraceOf(tx, fresh, carried(ctx))
		}
		s.wakes(tx, p)
		if to == "" || to == cur.value {
			return nil
		}
		return cur.move(tx, to)
	})
	if err == nil && to != "" && to != cur.value {
		cur.value = to
		cur.version++
	}
	return kept, err
}

// unknown leaves out readings whose very content is stored already as the newest of its order: a poll overlaps, unchanged content stores nothing.
// One that was passed over as stale at the time of what is held is no such content: being read again proves that it is what the channel says now.
// In a far place what is held is given, since it lies in the main database.
func (p place) unknown(tx *db.Tx, account string, rows []*stored, held map[string]time.Time) ([]*stored, error) {
	b := db.NewBatch(0)
	for _, r := range rows {
		b.Add(r.external, r.hash)
	}
	if p.far {
		have, err := farKnown(tx, account, b, held)
		return without(rows, have), err
	}
	known, err := db.All(tx, scanID, `select distinct i.content_hash from rows(x text, h text) cross join inbox i where i.account_id = $1 and i.external = r.x and i.content_hash = r.h
		and not exists (select 1 from inbox j where j.account_id = i.account_id and j.external = i.external and j.n > i.n and j.content_hash <> i.content_hash)
		and not (i.state = 'done' and coalesce(i.cause, '') = $2
			and exists (select 1 from channel_orders c where c.account_id = i.account_id and c.external = i.external and c.version_at <= i.version_at))`, b, account, passedOver)
	if err != nil {
		return nil, err
	}
	have := make(map[string]bool, len(known))
	for _, h := range known {
		have[h] = true
	}
	return without(rows, have), nil
}

// farKnown is unknown's question where the channel's view of the orders is not in the same database.
func farKnown(tx *db.Tx, account string, b *db.Batch, held map[string]time.Time) (map[string]bool, error) {
	have := map[string]bool{}
	tx.SendQuery(`select i.content_hash, i.external, i.version_at, i.state = 'done' and coalesce(i.cause, '') = $2 from rows(x text, h text) cross join inbox i
		where i.account_id = $1 and i.external = r.x and i.content_hash = r.h
		and not exists (select 1 from inbox j where j.account_id = i.account_id and j.external = i.external and j.n > i.n and j.content_hash <> i.content_hash)`, func(row db.Scanner) error {
		var hash, external string
		var version time.Time
		var passed bool
		if err := row.Scan(&hash, &external, db.Time(&version), &passed); err != nil {
			return err
		}
		if at, there := held[external]; !passed || !there || at.IsZero() || version.IsZero() || at.After(version) {
			have[hash] = true
		}
		return nil
	}, b, account, passedOver)
	return have, tx.Flush()
}

// held is what we hold of the orders that rows in a far place are about: of which time. In the main database that is asked beside it.
func (s *Service) held(ctx context.Context, p place, account string, rows []*stored) (map[string]time.Time, error) {
	if !p.far {
		return nil, nil
	}
	externals := make([]string, 0, len(rows))
	for _, r := range rows {
		externals = append(externals, r.external)
	}
	held := map[string]time.Time{}
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		tx.SendQuery(`select external, version_at from channel_orders where account_id = $1 and external in (select key from json_each($2))`, func(row db.Scanner) error {
			var external string
			var at time.Time
			err := row.Scan(&external, db.Time(&at))
			held[external] = at
			return err
		}, account, db.Keys(slices.Compact(slices.Sorted(slices.Values(externals)))))
		return tx.Flush()
	})
	return held, err
}

// without leaves out rows whose content is there, and all but one of the same content.
func without(rows []*stored, have map[string]bool) []*stored {
	fresh := make([]*stored, 0, len(rows))
	for _, r := range rows {
		if !have[r.hash] {
			have[r.hash] = true
			fresh = append(fresh, r)
		}
	}
	return fresh
}

// polled notes how a poll went.
func (s *Service) polled(ctx context.Context, acc Account, cause error) {
	if cause != nil {
		s.unwell(ctx, acc, cause)
	}
	err := s.need.DB.Write(db.Background(context.WithoutCancel(ctx)), func(tx *db.Tx) error {
		q := `update account_health set last_poll_at = $2, last_poll_ok_at = $2, last_call_ok_at = $2 where account_id = $1`
		if cause != nil {
			q = `update account_health set last_poll_at = $2 where account_id = $1`
		}
		_, err := tx.Exec(q, acc.ID, db.Micros(tx.Now))
		return err
	})
	if err != nil && ctx.Err() == nil {
		s.need.Log.Error("account health not written", "account", acc.Name, "err", err)
	}
}

// every is how often an account's orders are polled.
func (a Account) every() time.Duration {
	if n, err := strconv.Atoi(a.Settings["poll_seconds"]); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	return time.Minute
}

// RunPoll polls every active account in its rhythm until the context ends; accounts do not wait for each other.
func (s *Service) RunPoll(ctx context.Context) error {
	if err := s.ResumeModes(ctx); err != nil && ctx.Err() == nil {
		s.need.Log.Error("orders follow their account's mode", "err", err)
	}
	running := map[string]chan struct{}{}
	defer func() {
		for _, done := range running {
			<-done
		}
	}()
	for {
		var accounts []Account
		err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
			var err error
			accounts, err = s.Accounts(tx)
			return err
		})
		if err != nil && ctx.Err() == nil {
			s.need.Log.Error("poll", "err", err)
		}
		for _, acc := range accounts {
			if running[acc.ID] == nil && acc.State != ClosedDown {
				done := make(chan struct{})
				running[acc.ID] = done
				go func() {
					defer close(done)
					s.attend(ctx, acc.ID)
				}()
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(fresh):
		}
	}
}

// attend does what one account needs in its rhythm: polls, reads again, pulls listings when asked.
func (s *Service) attend(ctx context.Context, id string) {
	soon := s.nudgeOf(id)
	for ctx.Err() == nil {
		wait := time.Minute
		if o, err := s.open(ctx, id); err == nil {
			wait = o.acc.every()
			if o.acc.State == Active && !s.Pressed(ctx) {
				s.round(ctx, o)
			}
		}
		next := time.NewTimer(wait)
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				next.Stop()
				return
			case <-next.C:
				waiting = false
			case <-soon:
				waiting = false
			}
		}
		next.Stop()
	}
}

// round is one poll of everything that changes at an account.
func (s *Service) round(ctx context.Context, o *opened) {
	// What is kept in a zone is read where that zone is, when its store answers: the rest goes on.
	if _, err := s.at(o.acc.Residency); err != nil {
		s.need.Log.Debug("poll waits for its zone", "account", o.acc.Name, "zone", o.acc.Residency)
	} else if _, err := s.Poll(ctx, o.acc.ID); err != nil && ctx.Err() == nil && !fault.Is(err, fault.Conflict) {
		s.need.Log.Warn("poll", "account", o.acc.Name, "kind", fault.KindOf(err).String(), "err", err)
	}
	if err := s.pullWanted(ctx, o.acc.ID); err != nil && ctx.Err() == nil && !fault.Is(err, fault.Conflict) {
		s.need.Log.Warn("pull listings", "account", o.acc.Name, "kind", fault.KindOf(err).String(), "err", err)
	}
	if _, err := s.PollReturns(ctx, o.acc.ID); err != nil && ctx.Err() == nil && !fault.Is(err, fault.Conflict) {
		s.need.Log.Warn("poll returns", "account", o.acc.Name, "kind", fault.KindOf(err).String(), "err", err)
	}
}

func (s *Service) nudgeOf(id string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nudge[id] == nil {
		s.nudge[id] = make(chan struct{}, 1)
	}
	return s.nudge[id]
}

// soon has an account's next round start at once, if this process polls it.
func (s *Service) soon(account string) { signal(s.nudgeOf(account)) }

// listingsWanted is the stream that says whether a partner spoke of listings: whichever process took its message, one that polls pulls them. It is "due", "pulling" or "done".
const listingsWanted = "listings.wanted"

// pullLost is after how long a pull that has not ended is begun anew: its process is gone.
const pullLost = 15 * time.Minute

// wantListings has listings pulled soon. Partners speak of them with each sale: where that is wanted already, nothing is written, and no message waits for another.
func wantListings(tx *db.Tx, account string) error {
	due, err := db.All(tx, scanID, `select stream from channel_cursors where account_id = $1 and stream = $2 and cursor = 'due'`, account, listingsWanted)
	if err != nil || len(due) > 0 {
		return err
	}
	_, err = setCursor(tx, account, listingsWanted, "due")
	return err
}

// pullWanted pulls listings that are wanted; what is wanted meanwhile stays so. Fault: Conflict when another process is about it.
func (s *Service) pullWanted(ctx context.Context, account string) error {
	wish, err := cursorOf(ctx, s.home(), account, listingsWanted)
	if err != nil || wish.value != "due" && (wish.value != "pulling" || s.need.DB.Now().Sub(wish.moved) < pullLost) {
		return err
	}
	if err := s.need.DB.Write(ctx, func(tx *db.Tx) error { return wish.move(tx, "pulling") }); err != nil {
		return err
	}
	wish.version++
	_, err = s.PullListings(ctx, account)
	to := "done"
	if err != nil {
		to = "due"
	}
	moved := s.need.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error { return wish.move(tx, to) })
	return cmp.Or(err, moved)
}
