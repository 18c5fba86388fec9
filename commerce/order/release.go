package order

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
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

// Release lets a hold go: by a person, or because its cause is gone. Releasing money_mismatch accepts the difference as shown. What is ready then is sourced.
func (s *Service) Release(ctx context.Context, id string, version int64, typ HoldType, actor string) error {
	if typ == HoldUnmapped || typ == HoldShortage {
		return fault.New(fault.Conflict, "a hold of type %s goes when its cause is mended", typ).WithCode("not_by_hand")
	}
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		h, lines, err := s.atVersion(tx, id, version)
		if err != nil {
			return err
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
	if err := s.Note(tx, []Fact{{OrderID: h.ID, Kind: "released", Source: "person", Actor: actor, Detail: json.RawMessage(text(map[string]string{"hold": string(typ), "outcome": outcome}))}}); err != nil {
		return err
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
	ids, err := db.All(tx, scanText, `select distinct order_id from order_lines where listing_id = $1 and variant_id is null order by order_id`, listing)
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
	edits := db.NewBatch(1)
	var demands []stock.Demand
	for _, id := range sorted(ids) {
		h := heads[id]
		ranked, err := s.need.Rank(tx, []Route{h.route()})
		if err != nil {
			return err
		}
		for i := range lines[id] {
			l := &lines[id][i]
			if l.Listing != listing || l.Variant != "" {
				continue
			}
			l.take(sku)
			edits.Add(lineRow(l)...)
			if h.Effective() {
				demands = append(demands, lineDemands(&h, l, ranked[0], "")...)
			}
		}
	}
	if _, err := tx.Exec(updateLines, edits); err != nil {
		return err
	}
	if len(demands) > 0 {
		if _, err := s.need.Reserve(tx, demands); err != nil {
			return err
		}
	}
	return s.Review(tx, ids, "mapping")
}

// Review settles the holds that depend on mapping and stock anew, and says what became ready. The orders must not be held by a later lock.
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
	type result struct {
		h    Head
		open []hold
		was  []string
	}
	var done []result
	for _, id := range sorted(ids) {
		h, ok := heads[id]
		if !ok || !h.Effective() {
			continue
		}
		w := work{head: h, lines: lines[id], a: noArrival}
		w.head.AddressOK, w.head.Money = true, "complete"
		want := map[HoldType]wantHold{}
		for typ, v := range w.wants(short[id]) {
			if typ == HoldUnmapped || typ == HoldShortage {
				want[typ] = v
			}
		}
		was := blocking(holds[id])
		open := c.settle(tx, &h, holds[id], want, []HoldType{HoldUnmapped, HoldShortage}, by)
		done = append(done, result{h, open, was})
	}
	if err := c.write(tx, by); err != nil {
		return err
	}
	for i := range done {
		r := &done[i]
		if err := s.saveHead(tx, &r.h, lines[r.h.ID]); err != nil {
			return err
		}
		if len(r.was) > 0 {
			if err := s.ready(tx, &r.h, lines[r.h.ID], r.open); err != nil {
				return err
			}
		} else if held := blocking(r.open); len(held) > 0 {
			if err := s.emit(tx, r.h.out(event.OrderHeld, false, tx.Now, factOf(&r.h, lines[r.h.ID], held))); err != nil {
				return err
			}
		}
	}
	return nil
}

func sorted(ids []string) []string {
	all := slices.Clone(ids)
	slices.Sort(all)
	return slices.Compact(all)
}

// noArrival stands in where holds are judged without a new reading.
var noArrival = &channel.Arrival{Order: channel.Order{Money: channel.MoneyComplete}}
