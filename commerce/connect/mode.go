package connect

import (
	"context"
	"fmt"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// Switching is a change of an account's mode.
type Switching struct {
	Account    string
	Mode       channel.Mode
	CutOver    time.Time          // zero keeps what is set; on leaving shadow it defaults to now
	OpenOrders channel.OpenOrders // "" keeps what is set
	Accept     bool               // a person accepts the differences that the diff shows
	Actor      string
}

// SetMode changes how much of an account is ours. Going live is refused (fault.Conflict, differs) while the diff shows differences nobody has accepted.
// Orders follow page by page; doing it again goes on where it stopped.
func (s *Service) SetMode(ctx context.Context, in Switching) (Diff, error) {
	switch in.Mode {
	case channel.Shadow, channel.Intake, channel.Live:
	default:
		return Diff{}, fault.Field("mode", "must be shadow, intake or live")
	}
	acc, err := s.load(ctx, in.Account)
	if err != nil {
		return Diff{}, err
	}
	var diff Diff
	if in.Mode == channel.Live {
		if diff, err = s.Diff(ctx, acc.ID); err != nil {
			return diff, err
		}
		if !diff.Clean() && !in.Accept {
			return diff, fault.New(fault.Conflict, "%s: what the channel has and what we have differ in %d places, orders and stock together; look at the diff, mend what is wrong, then accept the rest", acc.Name, diff.Count()).WithCode("differs")
		}
	}
	acc, turn, err := s.switchMode(ctx, acc.ID, in)
	if err != nil {
		return diff, err
	}
	s.forget()
	return diff, s.follow(ctx, acc, turn)
}

// switchMode writes the new mode, and answers which turn of the account's that is; imports that run meanwhile wait for it or are waited for.
func (s *Service) switchMode(ctx context.Context, id string, in Switching) (Account, int64, error) {
	var acc Account
	var turn int64
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		var err error
		acc, err = db.One(tx, scanAccount, `select `+accountColumns+` from channel_accounts a where a.id = $1`+tx.Lock(), id)
		if err != nil {
			return err
		}
		was := acc.Mode
		acc.Mode = in.Mode
		if !in.CutOver.IsZero() {
			acc.CutOver = in.CutOver
		} else if in.Mode == channel.Shadow && was != channel.Shadow {
			acc.CutOver = time.Time{} // the next cut-over is another moment
		} else if was == channel.Shadow && in.Mode != channel.Shadow && acc.CutOver.IsZero() {
			acc.CutOver = tx.Now
		}
		if in.OpenOrders != "" {
			acc.OpenOrders = in.OpenOrders
		}
		_, err = tx.Exec(`update channel_accounts set mode = $2, cutover_at = $3, open_orders = $4, updated_at = $5, version = version + 1 where id = $1`,
			id, string(acc.Mode), db.Micros(acc.CutOver), string(acc.OpenOrders), db.Micros(tx.Now))
		if err != nil {
			return err
		}
		acc.Version++
		if turn, err = adopting(tx, id); err != nil {
			return err
		}
		return s.need.Audit.Write(tx, audit.Entry{
			Actor: in.Actor, Action: "account.mode", SubjectKind: "account", Subject: id,
			Detail: map[string]any{"from": was, "to": acc.Mode, "cutover": acc.CutOver, "open_orders": acc.OpenOrders, "accepted_differences": in.Accept},
		})
	})
	return acc, turn, err
}

// follow moves the account's orders to its mode as it is now. Of two switches that overlap the later one wins: each page goes to the mode of its moment, and only
// who follows the later one, from the first page to the last, ends it.
func (s *Service) follow(ctx context.Context, acc Account, turn int64) error {
	after, done := "", false
	for !done {
		err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
			now, err := db.One(tx, scanAccount, `select `+accountColumns+` from channel_accounts a where a.id = $1`+tx.Share(), acc.ID)
			if err != nil {
				return err
			}
			after, done, err = s.need.Adopt(tx, now.brief(), after, 100)
			return err
		})
		if err != nil {
			return fmt.Errorf("orders of %s follow its mode: %w", acc.Name, err)
		}
	}
	for done = false; !done; {
		err := s.need.DB.Write(ctx, func(tx *db.Tx) (err error) { done, err = s.followed(tx, acc.ID, turn); return err })
		if err != nil {
			return fmt.Errorf("what was withheld for %s follows its mode: %w", acc.Name, err)
		}
	}
	return nil
}

// followed ends a turn: what was withheld is let go, part by part, and with the last part the turn is over. A turn that is not the newest any more is over without.
func (s *Service) followed(tx *db.Tx, account string, turn int64) (done bool, err error) {
	now, err := db.One(tx, scanAccount, `select `+accountColumns+` from channel_accounts a where a.id = $1`+tx.Share(), account)
	if err != nil {
		return false, err
	}
	ours, err := db.All(tx, scanCount, `select version from channel_cursors where account_id = $1 and stream = 'adopt' and version = $2 and cursor = 'pending'`+tx.Lock(), account, turn)
	if err != nil || len(ours) == 0 {
		return true, err
	}
	if now.Mode == channel.Live {
		if more, err := letGo(tx, account); err != nil || more {
			return false, err
		}
		if err := s.dirtyAll(tx, account); err != nil {
			return false, err
		}
	}
	if _, err := tx.Exec(`update channel_cursors set cursor = 'done', updated_at = $2 where account_id = $1 and stream = 'adopt'`, account, db.Micros(tx.Now)); err != nil || now.Mode == channel.Shadow {
		return true, err
	}
	// Returns of orders that were not ours yet were passed over: now that these are, they are read again.
	_, err = tx.Exec(`update channel_cursors set cursor = '', updated_at = $2, version = version + 1 where account_id = $1 and stream = 'returns'`, account, db.Micros(tx.Now))
	return true, err
}

// adopting notes that the orders of an account have yet to follow its mode, so that a killed process is made up for, and answers the turn.
func adopting(tx *db.Tx, account string) (int64, error) {
	return setCursor(tx, account, "adopt", "pending")
}

func scanCount(row db.Scanner) (n int64, err error) { return n, row.Scan(&n) }

// lettingGo is how much of what was withheld is let go in one commit.
const lettingGo = 500

// letGo has told some of what was withheld while the account was not live, and says whether there may be more. A channel that can be asked is asked first: what happened there meanwhile is not done again.
// Money given back, and part of an order cancelled, by hand meanwhile cannot be told from ours: of those a person says whether they happened.
func letGo(tx *db.Tx, account string) (more bool, err error) {
	type held struct {
		tell
		asks bool
	}
	all, err := db.All(tx, func(row db.Scanner) (h held, err error) {
		h.tell, err = scanTell(row)
		h.asks = h.Act == TellRefund || h.Act == TellCancel && !h.Payload.Whole
		return h, err
	}, `select `+tellColumns+` from tells t where t.account_id = $1 and t.state = 'withheld'`+tellsStopped+` order by t.id limit $2`+tx.Lock(), account, lettingGo)
	if err != nil || len(all) == 0 {
		return false, err
	}
	const why = "it was not told while the account was not live, and may have been done there by hand"
	b := db.NewBatch(1)
	var cases []exception.Case
	for _, h := range all {
		if !h.asks {
			b.Add(h.ID, "intended", nil)
			continue
		}
		b.Add(h.ID, "unknown", why)
		cases = append(cases, exception.Case{
			Cause: exception.OutcomeUnknown, SubjectKind: "tell", Subject: h.ID, Order: h.Order, Account: account, Detail: map[string]string{"act": string(h.Act), "reason": why},
		})
	}
	_, err = tx.Exec(`update tells set state = r.s, uncertain = true, attempts = 0, next_at = $1, cause = r.c from rows(i text, s text, c text) where tells.id = r.i and tells.state = 'withheld'`, b, db.Micros(tx.Now))
	if err != nil {
		return false, err
	}
	return len(all) == lettingGo, exception.Raise(tx, cases...)
}

// ResumeModes lets orders follow their account's mode where a process ended before all had. The next start calls it; it is safe to repeat.
// While the database is away it tries again.
func (s *Service) ResumeModes(ctx context.Context) error {
	for {
		err := s.resumeModes(ctx)
		if !fault.Temporary(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s *Service) resumeModes(ctx context.Context) error {
	type turn struct {
		account string
		n       int64
	}
	var pending []turn
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		pending, err = db.All(tx, func(row db.Scanner) (p turn, err error) { return p, row.Scan(&p.account, &p.n) },
			`select account_id, version from channel_cursors where stream = 'adopt' and cursor = 'pending' order by account_id`)
		return err
	})
	for _, p := range pending {
		var acc Account
		if err == nil {
			acc, err = s.load(ctx, p.account)
		}
		if err == nil {
			err = s.follow(ctx, acc, p.n)
		}
	}
	return err
}
