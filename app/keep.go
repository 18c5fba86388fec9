package app

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/privacy"
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
			return a.Audit.Write(tx, audit.Entry{
				Actor: "system:privacy.keep", Action: "personal.expire", SubjectKind: "orders", Subject: due[0].Account + " " + due[0].External,
				Detail: map[string]any{"orders": len(due), "records": records},
			})
		})
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].Subject
	}
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

// carryOut works on what channels ask about personal data: orders that are finished are erased, the others when they are.
func (a *App) carryOut(ctx context.Context) error {
	for {
		n := 0
		err := a.DB.Write(db.Background(ctx), func(tx *db.Tx) error {
			all, err := a.Privacy.DueRequests(tx, 1)
			if n = len(all); err != nil || n == 0 {
				return err
			}
			if all[0].Kind == privacy.AskEraseShop {
				return a.eraseShop(tx, all[0])
			}
			return a.eraseAsked(tx, all[0])
		})
		if err != nil || n == 0 {
			return err
		}
		if err := a.forgotten(ctx); err != nil {
			a.Log.Warn("what was erased is not off the disk yet", "err", err)
		}
	}
}

// eraseAsked erases the orders of a request that are finished.
func (a *App) eraseAsked(tx *db.Tx, r privacy.Request) error {
	found, err := a.Order.ByExternal(tx, r.Account, r.Orders)
	if err != nil {
		return err
	}
	var ids []string
	for _, id := range found {
		ids = append(ids, id)
	}
	heads, err := a.Order.Heads(tx, ids, false)
	if err != nil {
		return err
	}
	var now, later []privacy.Subject
	for _, s := range r.Subjects() {
		if h, ours := heads[found[s.External]]; ours && h.Ours && !finished(h) {
			later = append(later, s)
		} else {
			now = append(now, s)
		}
	}
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

// rehash hashes anew what buyers are found by, while its key is being replaced.
func (a *App) rehash(ctx context.Context) error {
	for {
		if n, err := a.Privacy.Rehash(ctx); err != nil || n == 0 {
			return err
		}
	}
}
