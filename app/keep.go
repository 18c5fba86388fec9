package app

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/backup"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
)

const (
	keepPage  = 200            // orders that share a transaction
	waitAgain = 24 * time.Hour // when an order that is not finished is looked at again
)

// keep destroys what was kept long enough: the rule personal_keep.CHANNEL of an order's country, else personal_keep, in days after an order was delivered, cancelled or
// closed, or after the last thing that happened to it. Without a rule it is kept.
func (a *App) keep(ctx context.Context) error {
	var after privacy.Subject
	for {
		var page []privacy.Kept
		err := a.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
			var err error
			if page, err = a.Privacy.Living(tx, "", after, keepPage); err != nil || len(page) == 0 {
				return err
			}
			due, err := a.due(tx, page)
			if err != nil || len(due) == 0 {
				return err
			}
			records, err := a.erase(tx, privacy.Retention, due)
			if err != nil {
				return err
			}
			return a.expired(tx, due, records)
		})
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].Subject
	}
}

// orphaned is how old a record in a zone must be, of an order that the main database has never heard of, to be one that nobody will ever ask for.
const orphaned = 24 * time.Hour

// keepIn is keep in a zone of its own; it also deletes the records of imports that were cut off for good.
func (a *App) keepIn(ctx context.Context, s *privacy.Store) error {
	return a.keepZone(ctx, s, orphaned)
}

func (a *App) keepZone(ctx context.Context, s *privacy.Store, age time.Duration) error {
	var after privacy.Subject
	for {
		var page []privacy.Kept
		if err := s.Look(ctx, func(tx *db.Tx) (err error) {
			page, err = s.Living(tx, "", after, keepPage)
			return err
		}); err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].Subject
		var due, lost []privacy.Subject
		old := a.DB.Now().Add(-age)
		if err := a.DB.Read(ctx, func(tx *db.Tx) (err error) {
			if lost, err = a.unheard(tx, page, old); err != nil {
				return err
			}
			due, err = a.due(tx, slices.DeleteFunc(slices.Clone(page), func(k privacy.Kept) bool { return slices.Contains(lost, k.Subject) }))
			return err
		}); err != nil {
			return err
		}
		if len(lost) > 0 {
			if err := s.Keep(ctx, func(tx *db.Tx) error { _, err := s.Drop(tx, lost, old); return err }); err != nil {
				return err
			}
		}
		if err := a.expire(ctx, due); err != nil {
			return err
		}
	}
}

// unheard picks the orders of a page that neither we nor the channel's view know of, of which nothing is newer than a time.
func (a *App) unheard(tx *db.Tx, page []privacy.Kept, old time.Time) (lost []privacy.Subject, err error) {
	byAccount := map[string][]string{}
	for _, k := range page {
		if k.Since.Before(old) {
			byAccount[k.Account] = append(byAccount[k.Account], k.External)
		}
	}
	for _, account := range slices.Sorted(maps.Keys(byAccount)) {
		ours, err := a.Order.ByExternal(tx, account, byAccount[account])
		if err != nil {
			return nil, err
		}
		seen, err := a.Connect.Seen(tx, account, byAccount[account])
		if err != nil {
			return nil, err
		}
		for _, x := range byAccount[account] {
			if ours[x] == "" && !seen[x] {
				lost = append(lost, privacy.Subject{Account: account, External: x})
			}
		}
	}
	return lost, nil
}

// expire erases orders of a zone of its own that were kept long enough.
func (a *App) expire(ctx context.Context, due []privacy.Subject) error {
	if len(due) == 0 {
		return nil
	}
	records, err := a.eraseFar(ctx, privacy.Retention, due)
	if err != nil {
		return err
	}
	return a.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		if _, err := a.erase(tx, privacy.Retention, due); err != nil {
			return err
		}
		return a.expired(tx, due, records)
	})
}

// expired writes down that orders were kept long enough.
func (a *App) expired(tx *db.Tx, due []privacy.Subject, records int) error {
	return a.Audit.Write(tx, audit.Entry{
		Actor: "system:privacy.keep", Action: "personal.expire", SubjectKind: "orders", Subject: due[0].Account + " " + due[0].External,
		Detail: map[string]any{"orders": len(due), "records": records},
	})
}

// due picks the orders whose personal data was kept long enough.
func (a *App) due(tx *db.Tx, page []privacy.Kept) (due []privacy.Subject, err error) {
	heads, delivered, err := a.headsOf(tx, page)
	if err != nil {
		return nil, err
	}
	accounts, err := a.Connect.Accounts(tx)
	if err != nil {
		return nil, err
	}
	places := map[string][2]string{}
	for _, acc := range accounts {
		places[acc.ID] = [2]string{acc.Country, acc.Channel}
	}
	for _, k := range page {
		since, place := k.Since, places[k.Account]
		if h, ours := heads[k.Subject]; ours {
			since, place = settledAt(h, delivered[h.ID]), [2]string{h.Country, h.Channel}
		}
		for _, name := range []string{"personal_keep." + place[1], "personal_keep"} {
			rule, err := a.Policy.Value(tx, place[0], "", name, tx.Now)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			days, err := strconv.Atoi(rule.Value)
			if err != nil {
				return nil, fault.Wrap(fault.Internal, err, "the rule "+name+" cannot be read")
			}
			if !tx.Now.Before(since.AddDate(0, 0, days)) {
				due = append(due, k.Subject)
			}
			break
		}
	}
	return due, nil
}

// headsOf reads the orders of a page that are ours, and when their last parcels were delivered.
func (a *App) headsOf(tx *db.Tx, page []privacy.Kept) (map[privacy.Subject]order.Head, map[string]time.Time, error) {
	byAccount := map[string][]string{}
	for _, k := range page {
		byAccount[k.Account] = append(byAccount[k.Account], k.External)
	}
	var ids []string
	for account, externals := range byAccount {
		found, err := a.Order.ByExternal(tx, account, externals)
		if err != nil {
			return nil, nil, err
		}
		for _, id := range found {
			ids = append(ids, id)
		}
	}
	heads, err := a.Order.Heads(tx, ids, false)
	if err != nil {
		return nil, nil, err
	}
	all := map[privacy.Subject]order.Head{}
	for _, h := range heads {
		all[privacy.Subject{Account: h.Account, External: h.External}] = h
	}
	delivered, err := a.Dispatch.Delivered(tx, ids)
	return all, delivered, err
}

// finished reports whether nothing more is to be done for an order.
func finished(h order.Head) bool {
	return h.State == order.Delivered || h.State == order.Closed || h.State == order.Cancelled
}

// settledAt is when an order was finished, or when the last thing happened to it.
func settledAt(h order.Head, delivered time.Time) time.Time {
	if !finished(h) {
		return h.UpdatedAt
	}
	at := delivered
	for _, t := range []time.Time{h.CancelledAt, h.ClosedAt} {
		if t.After(at) {
			at = t
		}
	}
	if at.IsZero() {
		return h.UpdatedAt
	}
	return at
}

// KeyFiles is the list in the data folder of the files of keys that backups made there, so that they go when their time is over.
const KeyFiles = "keyfiles.list"

// keyFilesEvery is how often files of keys that are past their time are looked for.
const keyFilesEvery = time.Hour

// PruneKeys deletes the files of keys that backups of this data folder left anywhere and that are past their time, names them, and writes it down.
func (a *App) PruneKeys(ctx context.Context) ([]string, error) {
	gone, err := backup.PruneListed(filepath.Join(a.Config.Data, KeyFiles), a.DB.Now())
	if len(gone) == 0 {
		return nil, err
	}
	a.Log.Info("files of keys are past their time and were deleted", "files", gone)
	return gone, errors.Join(err, a.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		return a.Audit.Write(tx, audit.Entry{Actor: "system:backup", Action: "backup.prune", SubjectKind: "backup", Subject: filepath.Base(gone[0]), Detail: map[string]any{"files": len(gone)}})
	}))
}

// runKeyFiles is PruneKeys again and again. Each process looks after its own data folder.
func (a *App) runKeyFiles(ctx context.Context) error {
	tick := time.NewTicker(keyFilesEvery)
	defer tick.Stop()
	for {
		if _, err := a.PruneKeys(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("a file of keys that is past its time cannot be deleted: delete it", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// carryOut works on what channels ask about personal data: orders that are finished are erased, the others when they are.
func (a *App) carryOut(ctx context.Context) error {
	for {
		n := 0
		err := a.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
			in, err := a.accountsIn(tx, vault.MainZone)
			if err != nil {
				return err
			}
			all, err := a.Privacy.DueRequests(tx, in, 1)
			if n = len(all); err != nil || n == 0 {
				return err
			}
			if all[0].Kind == privacy.AskEraseShop {
				return a.eraseShop(tx, all[0])
			}
			now, later, err := a.finishedOf(tx, all[0])
			if err != nil {
				return err
			}
			return a.eraseAsked(tx, all[0], now, later)
		})
		if err != nil || n == 0 {
			return err
		}
		if err := a.forgotten(ctx); err != nil {
			a.Log.Warn("what was erased is not off the disk yet", "err", err)
		}
	}
}

// accountsIn lists the accounts that are kept in a zone.
func (a *App) accountsIn(tx *db.Tx, zone string) (ids []string, err error) {
	all, err := a.Connect.Accounts(tx)
	for _, acc := range all {
		if acc.Residency == zone {
			ids = append(ids, acc.ID)
		}
	}
	return ids, err
}

// carryOutIn is carryOut for the accounts of a zone of its own: there first, then in the main database.
func (a *App) carryOutIn(ctx context.Context, s *privacy.Store) error {
	for {
		var all []privacy.Request
		var now, later []privacy.Subject
		err := a.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
			in, err := a.accountsIn(tx, s.Zone())
			if err != nil {
				return err
			}
			if all, err = a.Privacy.DueRequests(tx, in, 1); err != nil || len(all) == 0 || all[0].Kind == privacy.AskEraseShop {
				return err
			}
			now, later, err = a.finishedOf(tx, all[0])
			return err
		})
		if err != nil || len(all) == 0 {
			return err
		}
		if all[0].Kind == privacy.AskEraseShop {
			err = a.eraseShopIn(ctx, s, all[0])
		} else if _, err = a.eraseFar(ctx, privacy.ByChannel, now); err == nil {
			err = a.DB.Write(db.Background(ctx), func(tx *db.Tx) error { return a.eraseAsked(tx, all[0], now, later) })
		}
		if err != nil {
			return err
		}
		if err := a.forgotten(ctx); err != nil {
			a.Log.Warn("what was erased is not off the disk yet", "err", err)
		}
	}
}

// finishedOf parts the orders of a request into those that can be erased and those that are not finished.
func (a *App) finishedOf(tx *db.Tx, r privacy.Request) (now, later []privacy.Subject, err error) {
	found, err := a.Order.ByExternal(tx, r.Account, r.Orders)
	if err != nil {
		return nil, nil, err
	}
	var ids []string
	for _, id := range found {
		ids = append(ids, id)
	}
	heads, err := a.Order.Heads(tx, ids, false)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range r.Subjects() {
		if h, ours := heads[found[s.External]]; ours && h.Ours && !finished(h) {
			later = append(later, s)
		} else {
			now = append(now, s)
		}
	}
	return now, later, nil
}

// eraseAsked erases the orders of a request that are finished.
func (a *App) eraseAsked(tx *db.Tx, r privacy.Request, now, later []privacy.Subject) error {
	before, err := a.Privacy.ErasedOrders(tx, r.Account, externalsOf(now))
	if err != nil {
		return err
	}
	if err := a.eraseFor(tx, r, privacy.ByChannel, now); err != nil {
		return err
	}
	if more := int64(len(now) - len(before)); len(later) == 0 {
		return errors.Join(a.Privacy.Done(tx, r.ID, more), exception.Clear(tx, "system", "erased", wishKey(r)))
	} else if err := a.Privacy.GoOn(tx, r.ID, more, int64(len(later)), waitAgain); err != nil {
		return err
	}
	return exception.Raise(tx, exception.Case{
		Cause: exception.PrivacyRequest, SubjectKind: "privacy", Subject: r.ID, Account: r.Account, Deadline: r.DueAt,
		Detail: map[string]string{"request": string(r.Kind), "subject": r.Subject, "waiting": strconv.Itoa(len(later))},
	})
}

func wishKey(r privacy.Request) exception.Key {
	return exception.Key{Cause: exception.PrivacyRequest, SubjectKind: "privacy", Subject: r.ID}
}

func externalsOf(all []privacy.Subject) []string {
	var out []string
	for _, s := range all {
		out = append(out, s.External)
	}
	return out
}

// eraseFor erases orders for a request, and says so in the audit log.
func (a *App) eraseFor(tx *db.Tx, r privacy.Request, cause string, orders []privacy.Subject) error {
	records, err := a.erase(tx, cause, orders)
	if err != nil || len(orders) == 0 {
		return err
	}
	return a.Audit.Write(tx, audit.Entry{
		Actor: "system:privacy.requests", Action: "personal.erase", SubjectKind: "privacy_request", Subject: r.ID,
		Detail: map[string]any{"kind": r.Kind, "account": r.Account, "orders": len(orders), "records": records},
	})
}

// eraseShop erases a page of everything that a shop ever gave; it is done when there is nothing left.
func (a *App) eraseShop(tx *db.Tx, r privacy.Request) error {
	page, err := a.Privacy.Living(tx, r.Account, privacy.Subject{}, keepPage)
	if err != nil {
		return err
	}
	var orders []privacy.Subject
	for _, k := range page {
		orders = append(orders, k.Subject)
	}
	raw, err := a.Connect.Readable(tx, r.Account, keepPage)
	if err != nil {
		return err
	}
	for _, x := range raw {
		if s := (privacy.Subject{Account: r.Account, External: x}); x != "" && !slices.Contains(orders, s) {
			orders = append(orders, s)
		}
	}
	if err := a.eraseFor(tx, r, privacy.ByShop, orders); err != nil {
		return err
	}
	if len(orders) > 0 || len(raw) > 0 {
		if err := a.Connect.Erase(tx, r.Account, []string{""}); err != nil { // what named no order
			return err
		}
		return a.Privacy.GoOn(tx, r.ID, int64(len(orders)), 0, 0)
	}
	return errors.Join(a.Privacy.Done(tx, r.ID, 0), exception.Clear(tx, "system", "erased", wishKey(r)))
}

// eraseShopIn is eraseShop in a zone of its own.
func (a *App) eraseShopIn(ctx context.Context, s *privacy.Store, r privacy.Request) error {
	var orders []privacy.Subject
	var raw []string
	err := s.Keep(ctx, func(tx *db.Tx) error {
		orders = nil
		page, err := s.Living(tx, r.Account, privacy.Subject{}, keepPage)
		if err != nil {
			return err
		}
		for _, k := range page {
			orders = append(orders, k.Subject)
		}
		if raw, err = a.Connect.Readable(tx, r.Account, keepPage); err != nil {
			return err
		}
		for _, x := range raw {
			if o := (privacy.Subject{Account: r.Account, External: x}); x != "" && !slices.Contains(orders, o) {
				orders = append(orders, o)
			}
		}
		return a.Connect.EraseRaw(tx, r.Account, []string{""})
	})
	if err != nil {
		return err
	}
	if _, err := a.eraseFar(ctx, privacy.ByShop, orders); err != nil {
		return err
	}
	return a.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
		if err := a.eraseFor(tx, r, privacy.ByShop, orders); err != nil {
			return err
		}
		if len(orders) > 0 || len(raw) > 0 {
			return a.Privacy.GoOn(tx, r.ID, int64(len(orders)), 0, 0)
		}
		return errors.Join(a.Privacy.Done(tx, r.ID, 0), exception.Clear(tx, "system", "erased", wishKey(r)))
	})
}

// rehash hashes anew what buyers are found by, while its key is being replaced.
func (a *App) rehash(ctx context.Context) error { return rehash(ctx, a.Privacy) }

func rehash(ctx context.Context, s *privacy.Store) error {
	for {
		if n, err := s.Rehash(ctx); err != nil || n == 0 {
			return err
		}
	}
}
