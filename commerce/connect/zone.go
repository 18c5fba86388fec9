package connect

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// place is where the inbox, the cursors of what lies in it, and the personal records of accounts are: the main database, or the store of a residency zone. What is done in
// a far one commits by itself, so it is done in an order that may be repeated: the zone, then the main database, then the mark in the zone.
type place struct {
	zone string
	*privacy.Store
	key []byte // of content hashes
	far bool
}

// home is the main database.
func (s *Service) home() place {
	return place{zone: vault.MainZone, Store: s.need.Privacy, key: s.need.HashKey}
}

// at is the place of a zone. Faults: Forbidden with code privacy.Elsewhere when this process is not allowed in it, Unavailable while its store does not answer.
func (s *Service) at(zone string) (place, error) {
	if zone == vault.MainZone || zone == "" {
		return s.home(), nil
	}
	if s.need.Zone == nil {
		return place{}, privacy.NotHere(zone)
	}
	store, err := s.need.Zone(zone)
	if err != nil {
		return place{}, err
	}
	key, err := store.ContentKey()
	return place{zone: zone, Store: store, key: key, far: true}, err
}

// of is the place of an account, by id.
func (s *Service) of(ctx context.Context, account string) (place, error) {
	if s.need.Zone == nil {
		return s.home(), nil
	}
	acc, err := s.load(ctx, account)
	if err != nil {
		return place{}, err
	}
	return s.at(acc.Residency)
}

// far lists the places besides the main database that answer just now.
func (s *Service) far() []place {
	if s.need.Zones == nil {
		return nil
	}
	var all []place
	for _, zone := range s.need.Zones() {
		if p, err := s.at(zone); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// reachable names the zones whose places answer just now.
func (s *Service) reachable() []string {
	all := []string{vault.MainZone}
	for _, p := range s.far() {
		all = append(all, p.zone)
	}
	return all
}

// took says for a partner that what it sent was not stored: it sends it again, here or to a process that is allowed in the zone.
func took(p place, err error) (place, error) {
	if fault.CodeOf(err) == privacy.Elsewhere {
		err = fault.Wrap(fault.Unavailable, err, fault.Message(err))
	}
	return p, err
}

// digest is the keyed hash of a payload: it recognises it and gives nothing away.
func (p place) digest(parts ...[]byte) string {
	h := hmac.New(sha256.New, p.key)
	for _, b := range parts {
		h.Write(b)
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// wakes wakes whoever imports what is stored in a place, once it is committed.
func (s *Service) wakes(tx *db.Tx, p place) {
	tx.AfterCommit(func() { signal(s.wakeOf(p)) })
}

func (s *Service) wakeOf(p place) chan struct{} {
	if !p.far {
		return s.wake
	}
	return s.nudgeOf("zone:" + p.zone)
}

// Move has an account kept in another zone from now on, as long as nothing of it is kept: an account made before its country's rule was. Faults: Conflict when something is
// kept of it already, else as for at.
func (s *Service) Move(ctx context.Context, ref, zone, actor string) error {
	if zone == "" {
		zone = vault.MainZone
	}
	to, err := s.at(zone)
	if err != nil {
		return err
	}
	acc, err := s.load(ctx, ref)
	if err != nil || acc.Residency == to.zone {
		return err
	}
	from, err := s.at(acc.Residency)
	if err != nil {
		return err
	}
	if err := s.movable(acc, to.zone); err != nil {
		return err
	}
	rows := fault.New(fault.Conflict, "account %s has rows in zone %s: they would stay there, so its zone cannot change; add another account", acc.Name, acc.Residency).WithCode("zone_in_use")
	if from.far {
		if err := from.Look(ctx, func(tx *db.Tx) error { return empty(tx, acc.ID, rows) }); err != nil {
			return err
		}
	}
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		now, err := db.One(tx, scanAccount, `select `+accountColumns+` from channel_accounts a where a.id = $1`+tx.Lock(), acc.ID)
		if err != nil {
			return err
		}
		if now.Version != acc.Version {
			return fault.New(fault.Conflict, "somebody else changed the account first").WithCode("version")
		}
		if err := empty(tx, acc.ID, rows); err != nil {
			return err
		}
		if _, err := db.One(tx, scanID, `select account_id from channel_orders where account_id = $1 limit 1`, acc.ID); !fault.Is(err, fault.NotFound) {
			if err == nil {
				err = rows
			}
			return err
		}
		if _, err := tx.Exec(`update channel_accounts set residency = $2, updated_at = $3, version = version + 1 where id = $1`, acc.ID, to.zone, db.Micros(tx.Now)); err != nil {
			return err
		}
		if to.far {
			if err := db.Require(tx, knowZones); err != nil {
				return err
			}
		}
		return s.need.Audit.Write(tx, audit.Entry{Actor: actor, Action: "account.move", SubjectKind: "account", Subject: acc.ID, Detail: map[string]string{"from": acc.Residency, "to": to.zone}})
	})
	s.forget()
	return err
}

// knowZones is the migration that every binary knows that knows zones: an older one would keep what an account of a zone receives in the main database.
const knowZones = 18

// KeepOut keeps binaries out that know no zones, where an account is kept in one. Adding the account has done it; a database that was restored or copied since has forgotten
// it, so it is done at every start.
func (s *Service) KeepOut(ctx context.Context) error {
	var zones bool
	if err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`select exists (select 1 from channel_accounts where residency <> $1)`, vault.MainZone).Scan(&zones)
	}); err != nil || !zones {
		return err
	}
	return s.need.DB.Write(ctx, func(tx *db.Tx) error { return db.Require(tx, knowZones) })
}

// movable refuses accounts whose data this program cannot keep in a zone of its own.
func (s *Service) movable(acc Account, zone string) error {
	if zone != vault.MainZone && s.need.Local != nil && s.need.Local(acc.Channel) {
		return fault.New(fault.Refused, "carts of a web shop of our own are kept in the main zone: it cannot be in zone %s", zone).WithCode("zone_unsupported")
	}
	return nil
}

// empty refuses with the fault given when a database keeps anything of an account.
func empty(tx *db.Tx, account string, kept error) error {
	var some bool
	err := tx.QueryRow(`select exists (select 1 from inbox where account_id = $1) or exists (select 1 from personal_records where account_id = $1)
		or exists (select 1 from channel_cursors where account_id = $1 and stream = 'orders')`, account).Scan(&some)
	if err == nil && some {
		err = kept
	}
	return err
}

// settleAfter is how long a message may be stuck in a far place without a case: the case is written first, or just after it.
const settleAfter = 10 * time.Minute

// Settle ends the waiting of messages in far places whose case a person has closed: the two lie in different databases. Run it now and then.
func (s *Service) Settle(ctx context.Context) error {
	for _, p := range s.far() {
		var ids []string
		err := p.Look(ctx, func(tx *db.Tx) (err error) {
			ids, err = db.All(tx, scanID, `select id from inbox where state in ('stuck', 'dead') and coalesce(done_at, received_at) < $1 order by account_id, n limit 1000`, db.Micros(tx.Now.Add(-settleAfter)))
			return err
		})
		if err != nil || len(ids) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		open := map[string]bool{}
		err = s.need.DB.Read(ctx, func(tx *db.Tx) error {
			all, err := db.All(tx, scanID, `select subject_id from exceptions where subject_kind = 'inbox' and state = 'open' and subject_id in (select key from json_each($1))`, db.Keys(ids))
			for _, id := range all {
				open[id] = true
			}
			return err
		})
		if err != nil {
			return err
		}
		var over []string
		for _, id := range ids {
			if !open[id] {
				over = append(over, id)
			}
		}
		if err := p.Keep(ctx, func(tx *db.Tx) error { return end(tx, over) }); err != nil {
			return err
		}
	}
	return nil
}

// end marks rows that wait for a person as done.
func end(tx *db.Tx, ids []string) error {
	_, err := tx.Exec(`update inbox set state = 'done', done_at = $2 where id in (select key from json_each($1)) and state in ('stuck', 'dead')`, db.Keys(ids), db.Micros(tx.Now))
	return err
}

// waitingFar adds what waits in an account's far zone to its condition, or why that cannot be asked.
func (s *Service) waitingFar(tx *db.Tx, account string, c *Condition) error {
	acc, err := s.Account(tx, account)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	p, err := s.at(acc.Residency)
	if err == nil && p.far {
		var waits, stuck int64
		if err = p.Look(tx.Context(), func(tx *db.Tx) error {
			return tx.QueryRow(`select (select count(*)`+inboxStored+`), (select count(*)`+inboxStuck+`)`, account).Scan(&waits, &stuck)
		}); err == nil {
			c.Waiting, c.Stuck = c.Waiting+waits, c.Stuck+stuck
		}
	}
	if err != nil {
		c.ZoneNote = fault.Message(err)
	}
	return nil
}

// Seen says which orders of an account the channel's view of it knows.
func (s *Service) Seen(tx *db.Tx, account string, externals []string) (map[string]bool, error) {
	all := map[string]bool{}
	tx.SendQuery(`select external from channel_orders where account_id = $1 and external in (select key from json_each($2))`, func(row db.Scanner) error {
		var x string
		err := row.Scan(&x)
		all[x] = true
		return err
	}, account, db.Keys(externals))
	return all, tx.Flush()
}
