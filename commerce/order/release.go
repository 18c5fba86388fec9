package order

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

func (s *Service) emit(tx *db.Tx, evs ...outbox.Event) error { return outbox.Append(tx, evs...) }

// HoldBy puts an order on hold for a person's reason. fault.Conflict when the version is not the current one.
func (s *Service) HoldBy(ctx context.Context, id string, version int64, actor, reason string) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		h, lines, err := s.atVersion(tx, id, version)
		if err != nil {
			return err
		}
		open, err := holdsOf(tx, []string{h.ID})
		if err != nil {
			return err
		}
		c, was := newHoldChange(), blocking(open[h.ID])
		now := c.settle(tx, &h, open[h.ID], map[HoldType]wantHold{HoldPerson: {detail: reason, by: actor}}, []HoldType{HoldPerson}, actor)
		if err := c.write(tx, actor); err != nil {
			return err
		}
		if err := s.saveHead(tx, &h, lines); err != nil {
			return err
		}
		if err := s.Note(tx, []Fact{{OrderID: h.ID, Kind: "held", Source: "person", Actor: actor, Detail: json.RawMessage(text(map[string]string{"reason": reason}))}}); err != nil {
			return err
		}
		if len(was) == 0 && h.Effective() {
			return s.emit(tx, h.out(event.OrderHeld, false, tx.Now, factOf(&h, lines, blocking(now))))
		}
		return nil
	})
}

// Release lets a hold go: by a person, or because its cause is gone. Releasing money_mismatch accepts the difference as shown; releasing cancel_request is the answer no,
// which the channel is told as by DecideCancel. What is ready then is sourced.
func (s *Service) Release(ctx context.Context, id string, version int64, typ HoldType, actor string) error {
	if typ == HoldUnmapped || typ == HoldShortage {
		return fault.New(fault.Conflict, "a hold of type %s goes when its cause is mended", typ).WithCode("not_by_hand")
	}
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		h, lines, err := s.atVersion(tx, id, version)
		if err != nil {
			return err
		}
		if typ == HoldCancel && h.Effective() {
			open, err := holdsOf(tx, []string{h.ID})
			if w := (work{open: open[h.ID]}); err != nil || w.isOpen(HoldCancel) == nil {
				return err
			}
			return s.DecideCancelTx(tx, id, version, false, "", actor)
		}
		return s.releaseLocked(tx, &h, lines, typ, actor, "accepted")
	})
}

// releaseLocked releases one type of hold on a locked order, and says when the order became ready.
func (s *Service) releaseLocked(tx *db.Tx, h *Head, lines []Line, typ HoldType, actor, outcome string) error {
	open, err := holdsOf(tx, []string{h.ID})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(open[h.ID], func(o hold) bool { return o.Type == typ })
	if i < 0 {
		return nil
	}
	c := newHoldChange()
	now := c.settle(tx, h, open[h.ID], nil, []HoldType{typ}, actor)
	if err := c.write(tx, actor); err != nil {
		return err
	}
	if _, err := tx.Exec(`update order_holds set outcome = $2 where id = $1`, open[h.ID][i].ID, outcome); err != nil {
		return err
	}
	if err := s.saveHead(tx, h, lines); err != nil {
		return err
	}
	source := "person"
	if actor == "payments" || actor == "system" {
		source = "system"
	}
	if err := s.Note(tx, []Fact{{OrderID: h.ID, Kind: "released", Source: source, Actor: actor, Detail: json.RawMessage(text(map[string]string{"hold": string(typ), "outcome": outcome}))}}); err != nil {
		return err
	}
	if held := blocking(now); len(held) > 0 && h.Effective() { // others still hold it; what this one stopped goes on
		return s.emit(tx, h.out(event.OrderChanged, false, tx.Now, factOf(h, lines, held)))
	}
	return s.ready(tx, h, lines, now)
}

// ready emits OrderReady when nothing blocks an effective order with open units.
func (s *Service) ready(tx *db.Tx, h *Head, lines []Line, open []hold) error {
	held := blocking(open)
	if len(held) > 0 || h.Units.Open == 0 || !h.Effective() {
		return nil
	}
	return s.emit(tx, h.out(event.OrderReady, false, tx.Now, factOf(h, lines, nil)))
}

// atVersion reads a locked order and insists on the version the person saw; 0 accepts any.
func (s *Service) atVersion(tx *db.Tx, id string, version int64) (Head, []Line, error) {
	h, lines, err := s.locked(tx, id)
	if err == nil && version != 0 && h.Version != version {
		err = fault.New(fault.Conflict, "order %s has changed since you looked: it is at version %d now", h.Number, h.Version).WithCode("version")
	}
	return h, lines, err
}

// Mapped gives lines that waited for a mapping their SKU, reserves, and releases the orders. Takes the listing's id; orders come in key order.
func (s *Service) Mapped(tx *db.Tx, listing string, sku Resolved) error {
	if sku.Variant == "" && !sku.Ignored {
		return nil // it was taken back: what waits goes on waiting
	}
	ids, err := db.All(tx, scanText, `select distinct order_id from order_lines where listing_id = $1 and variant_id is null and ships order by order_id`, listing)
	if err != nil || len(ids) == 0 {
		return err
	}
	heads, err := s.Heads(tx, ids, true)
	if err != nil {
		return err
	}
	lines, err := linesOf(tx, ids)
	if err != nil {
		return err
	}
	demands, err := s.giveSKU(tx, heads, lines, listing, sku)
	if err != nil {
		return err
	}
	if err := s.restock(tx, nil, demands); err != nil {
		return err
	}
	return s.Review(tx, ids, "mapping")
}

// giveSKU puts the SKU, with its cost, on the lines that waited for it, and answers what they need. One that ships nothing is counted as delivered.
func (s *Service) giveSKU(tx *db.Tx, heads map[string]Head, lines map[string][]Line, listing string, sku Resolved) ([]stock.Demand, error) {
	ids := slices.Sorted(maps.Keys(heads))
	routes := make([]Route, len(ids))
	costs := map[string]money.Amount{}
	for i, id := range ids {
		h := heads[id]
		routes[i] = h.route()
		if _, asked := costs[h.LegalEntity]; asked || sku.Variant == "" {
			continue
		}
		found, err := s.need.Costs(tx, h.LegalEntity, []string{sku.Variant}, tx.Now)
		if err != nil {
			return nil, err
		}
		costs[h.LegalEntity] = found[sku.Variant]
	}
	ranked, err := s.need.Rank(tx, routes)
	if err != nil {
		return nil, err
	}
	var demands []stock.Demand
	var all []Line
	before := map[string][]Unit{}
	for i, id := range ids {
		h := heads[id]
		for n := range lines[id] {
			l := &lines[id][n]
			if l.Listing != listing || l.Variant != "" || !l.Ships {
				continue
			}
			before[l.ID] = slices.Clone(l.Units)
			l.take(sku)
			l.UnitCost = costs[h.LegalEntity]
			all = append(all, *l)
			if h.Effective() {
				demands = append(demands, lineDemands(&h, l, ranked[i], "")...)
			}
		}
	}
	return demands, saveLines(tx, all, before)
}

// Review settles the holds that depend on mapping and stock anew, and says what became ready. The orders must not be held by a later lock.
// An order of which nothing changed is not written.
func (s *Service) Review(tx *db.Tx, ids []string, by string) error {
	heads, err := s.Heads(tx, ids, true)
	if err != nil {
		return err
	}
	lines, err := linesOf(tx, ids)
	if err != nil {
		return err
	}
	holds, err := holdsOf(tx, ids)
	if err != nil {
		return err
	}
	short, err := s.need.Short(tx, ids)
	if err != nil {
		return err
	}
	c := newHoldChange()
	var changed []*Head
	open := map[string][]hold{}
	for _, id := range slices.Sorted(maps.Keys(heads)) {
		h := heads[id]
		want := map[HoldType]wantHold{}
		if h.Units.Open > 0 && h.Ours {
			wantsOf(&h, lines[id], short[id], want)
		}
		was, n := h, c.size()
		open[id] = c.settle(tx, &h, holds[id], want, []HoldType{HoldUnmapped, HoldShortage}, by)
		if h.derive(lines[id]); c.size() > n || h.Holds != was.Holds || h.Units != was.Units || h.State != was.State {
			changed = append(changed, &h)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if err := c.write(tx, by); err != nil {
		return err
	}
	if err := saveHeads(tx, changed, lines); err != nil {
		return err
	}
	for _, h := range changed {
		if err := s.reviewed(tx, h, lines[h.ID], blocking(holds[h.ID]), open[h.ID]); err != nil {
			return err
		}
	}
	return nil
}

// reviewed says what a review changed: ready, held, or held by something else.
func (s *Service) reviewed(tx *db.Tx, h *Head, lines []Line, was []string, open []hold) error {
	held := blocking(open)
	switch {
	case !h.Effective() || slices.Equal(was, held) && len(held) > 0:
		return nil
	case len(was) == 0 && len(held) > 0:
		return s.emit(tx, h.out(event.OrderHeld, false, tx.Now, factOf(h, lines, held)))
	case len(was) > 0 && len(held) == 0:
		return s.ready(tx, h, lines, open)
	}
	return s.emit(tx, h.out(event.OrderChanged, false, tx.Now, factOf(h, lines, held)))
}

func sorted(ids []string) []string {
	all := slices.Clone(ids)
	slices.Sort(all)
	return slices.Compact(all)
}
