package connect

import (
	"context"
	"fmt"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
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
			return diff, fault.New(fault.Conflict, "%s: what the channel has and what we have differ in %d places; look at the diff, then accept it or mend it", acc.Name, diff.Count()).WithCode("differs")
		}
	}
	if acc, err = s.switchMode(ctx, acc.ID, in); err != nil {
		return diff, err
	}
	s.forget()
	return diff, s.follow(ctx, acc)
}

// switchMode writes the new mode; imports that run meanwhile wait for it or are waited for.
func (s *Service) switchMode(ctx context.Context, id string, in Switching) (Account, error) {
	var acc Account
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
		if err := adopting(tx, id, "pending"); err != nil {
			return err
		}
		return s.need.Audit.Write(tx, audit.Entry{
			Actor: in.Actor, Action: "account.mode", SubjectKind: "account", Subject: id,
			Detail: map[string]any{"from": was, "to": acc.Mode, "cutover": acc.CutOver, "open_orders": acc.OpenOrders, "accepted_differences": in.Accept},
		})
	})
	return acc, err
}

// follow moves the account's orders to its mode.
func (s *Service) follow(ctx context.Context, acc Account) error {
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
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		if err := adopting(tx, acc.ID, "done"); err != nil || acc.Mode != channel.Live {
			return err
		}
		return s.dirtyAll(tx, acc.ID)
	})
}

// adopting notes whether the orders of an account have all followed its mode, so that a killed process is made up for.
func adopting(tx *db.Tx, account, state string) error {
	_, err := tx.Exec(`insert into channel_cursors (account_id, stream, cursor, updated_at, version) values ($1, 'adopt', $2, $3, 1)
		on conflict (account_id, stream) do update set cursor = excluded.cursor, updated_at = excluded.updated_at, version = channel_cursors.version + 1`, account, state, db.Micros(tx.Now))
	return err
}

// ResumeModes lets orders follow their account's mode where a process ended before all had. The next start calls it; it is safe to repeat.
func (s *Service) ResumeModes(ctx context.Context) error {
	var pending []Account
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		pending, err = db.All(tx, scanAccount, `select `+accountColumns+` from channel_accounts a join channel_cursors c on c.account_id = a.id
			where c.stream = 'adopt' and c.cursor = 'pending' order by a.id`)
		return err
	})
	for _, acc := range pending {
		if err == nil {
			err = s.follow(ctx, acc)
		}
	}
	return err
}
