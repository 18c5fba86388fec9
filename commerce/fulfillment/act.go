package fulfillment

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// work is what an act works on: the order, locked, and all of its fulfillment orders.
type work struct {
	s     *Service
	tx    *db.Tx
	order Order
	all   []*FO
	f     *FO // the one it is about
	actor string
	dirty []*FO
	made  []*FO
	evs   []outbox.Event
	audit []audit.Entry
}

// on runs a person's act on a fulfillment order, by id or number. Version 0 accepts any. Faults: NotFound; Conflict when the version is not
// the current one or the state does not allow the act.
func (s *Service) on(ctx context.Context, ref string, version int64, actor string, fn func(w *work) error) (FO, error) {
	var out FO
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		w, err := s.open(tx, ref, version, actor)
		if err != nil {
			return err
		}
		if err := fn(w); err != nil {
			return err
		}
		if err := w.close(); err != nil {
			return err
		}
		out = *w.f
		return nil
	})
	if err == nil {
		out.Allowed = out.allowed()
	}
	return out, err
}

func (s *Service) open(tx *db.Tx, ref string, version int64, actor string) (*work, error) {
	found, err := db.All(tx, func(row db.Scanner) (v [2]string, err error) {
		err = row.Scan(&v[0], &v[1])
		return v, err
	}, `select id, order_id from fulfillment_orders where id = $1 or number = $1`, ref)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, noSuch(ref)
	}
	order := found[0][1]
	w, err := s.openOrder(tx, order, actor)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(w.all, func(f *FO) bool { return f.ID == found[0][0] })
	w.f = w.all[i]
	if version != 0 && w.f.Version != version {
		return nil, fault.New(fault.Conflict, "fulfillment order %s has changed since you looked: it is at version %d now", w.f.Number, w.f.Version).WithCode("version")
	}
	return w, nil
}

// openOrder locks an order and reads what belongs to it.
func (s *Service) openOrder(tx *db.Tx, order, actor string) (*work, error) {
	heads, err := s.lock(tx, order)
	if err != nil {
		return nil, err
	}
	h, ok := heads[order]
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no order %s", order)
	}
	all, err := ofOrders(tx, []string{order})
	return &work{s: s, tx: tx, order: h, all: all[order], actor: actor}, err
}

// change notes that a fulfillment order is to be written.
func (w *work) change(f *FO) {
	f.by = w.actor
	if !slices.Contains(w.dirty, f) && !slices.Contains(w.made, f) {
		w.dirty = append(w.dirty, f)
	}
}

// make adds a fulfillment order of the same order, at a location.
func (w *work) make(at string, entity string, d Decision) *FO {
	f := &FO{
		ID: db.ID(), OrderID: w.order.ID, Number: w.order.Number + "-F" + strconv.Itoa(len(w.all)+1), Account: w.order.Account, Location: at, LegalEntity: entity,
		Country: w.order.Country, State: Fresh, ShipBy: w.order.ShipBy, DeliverBy: w.order.DeliverBy, COD: w.order.COD, Decision: d, Version: 1,
		CreatedAt: w.tx.Now, UpdatedAt: w.tx.Now,
	}
	w.all = append(w.all, f)
	w.made = append(w.made, f)
	return f
}

func (w *work) note(action string, detail any) {
	if w.actor != "" && w.actor != "system" {
		w.audit = append(w.audit, w.f.act(action, w.actor, detail))
	}
}

// close writes what changed.
func (w *work) close() error {
	if len(w.dirty) > 0 {
		if err := save(w.tx, w.dirty...); err != nil {
			return err
		}
	}
	if err := insert(w.tx, w.made); err != nil {
		return err
	}
	for _, f := range w.made {
		e := f.event(event.FulfillmentCreated, w.tx.Now, Fact{Actor: w.actor, Lines: f.facts()})
		e.Fresh = true
		w.evs = append(w.evs, e)
	}
	if err := outbox.Append(w.tx, w.evs...); err != nil {
		return err
	}
	if len(w.audit) == 0 {
		return nil
	}
	return w.s.need.Audit(w.tx, w.audit...)
}

func (f *FO) facts() []FactLine {
	var all []FactLine
	for _, l := range f.Lines {
		if l.Quantity > 0 {
			all = append(all, FactLine{l.LineID, l.Variant, l.Quantity})
		}
	}
	return all
}

// Accept says that the location will do it.
func (s *Service) Accept(ctx context.Context, id string, version int64, actor string) (FO, error) {
	return s.on(ctx, id, version, actor, func(w *work) error {
		if err := w.f.may("accept"); err != nil {
			return err
		}
		w.f.State = Accepted
		w.change(w.f)
		w.note("accept", nil)
		return nil
	})
}

// Hold stops the work for a person's reason. Unhold is its inverse.
func (s *Service) Hold(ctx context.Context, id string, version int64, actor, reason string) (FO, error) {
	return s.on(ctx, id, version, actor, func(w *work) error {
		if err := w.f.may("hold"); err != nil {
			return err
		}
		w.f.HeldFrom, w.f.HeldReason, w.f.State = w.f.State, reason, Held
		w.change(w.f)
		w.note("hold", map[string]string{"reason": reason})
		return nil
	})
}

// Unhold goes on where Hold stopped. fault.Conflict when the order itself is on hold.
func (s *Service) Unhold(ctx context.Context, id string, version int64, actor string) (FO, error) {
	return s.on(ctx, id, version, actor, func(w *work) error {
		if len(w.order.Stops) > 0 {
			return fault.New(fault.Conflict, "order %s is on hold itself: %s", w.order.Number, w.order.Stops[0]).WithCode("held")
		}
		if err := w.f.unhold(w.tx.Now); err != nil {
			return err
		}
		w.change(w.f)
		w.note("unhold", nil)
		return nil
	})
}

func (f *FO) unhold(now time.Time) error {
	if f.State != Held {
		return f.may("unhold")
	}
	to := f.HeldFrom
	if to == "" {
		to = f.due()
	}
	f.HeldFrom, f.HeldReason = "", ""
	return f.to(to, now)
}
