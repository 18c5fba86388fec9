package order

import (
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Adopt moves a page of an account's orders to its new mode: what becomes effective by the rule is reserved and made known, once. Call it until done.
// The account's row must be locked first, so that no import decides by the old mode meanwhile.
func (s *Service) Adopt(tx *db.Tx, acc channel.Account, after string, limit int) (last string, done bool, err error) {
	ids, err := db.All(tx, scanText, `select id from orders where account_id = $1 and id > $2 and mode <> $3 order by id limit $4`,
		acc.ID, after, string(acc.Mode), limit)
	if err != nil || len(ids) == 0 {
		return after, true, err
	}
	heads, err := s.Heads(tx, ids, true)
	if err != nil {
		return after, false, err
	}
	lines, err := linesOf(tx, ids)
	if err != nil {
		return after, false, err
	}
	holds, err := holdsOf(tx, ids)
	if err != nil {
		return after, false, err
	}
	var taken []string
	var demands []stock.Demand
	for _, id := range ids {
		h := heads[id]
		was := h.Effective()
		h.Mode = acc.Mode
		h.Ours = h.Ours && ruleOf(acc, &h, lines[id])
		if h.Effective() && !was {
			taken = append(taken, id)
			ranked, err := s.need.Rank(tx, []Route{h.route()})
			if err != nil {
				return after, false, err
			}
			for i := range lines[id] {
				demands = append(demands, lineDemands(&h, &lines[id][i], ranked[0], "")...)
			}
		}
		if err := s.saveHead(tx, &h, lines[id]); err != nil {
			return after, false, err
		}
		heads[id] = h
	}
	if len(demands) > 0 {
		if _, err := s.need.Reserve(tx, demands); err != nil {
			return after, false, err
		}
	}
	if err := s.announce(tx, taken, heads, lines, holds); err != nil {
		return after, false, err
	}
	return ids[len(ids)-1], len(ids) < limit, nil
}

// ruleOf is the cut-over rule for an order we already keep.
func ruleOf(acc channel.Account, h *Head, lines []Line) bool {
	if acc.CutOver.IsZero() || !h.PlacedAt.Before(acc.CutOver) {
		return true
	}
	if h.Units.Open == 0 {
		return false
	}
	switch acc.OpenOrders {
	case channel.OpenTheirs:
		return false
	case channel.OpenUnshipped:
		for i := range lines {
			for _, u := range lines[i].Units {
				if u.Status == channel.Packed || u.Status == channel.Ready {
					return false
				}
			}
		}
		return h.Units.Shipped == 0
	}
	return true
}

// announce makes adopted orders known as import would have: created, paid, held or ready.
func (s *Service) announce(tx *db.Tx, ids []string, heads map[string]Head, lines map[string][]Line, holds map[string][]hold) error {
	if len(ids) == 0 {
		return nil
	}
	short, err := s.need.Short(tx, ids)
	if err != nil {
		return err
	}
	c, counts := newHoldChange(), db.NewBatch(1)
	var evs []outbox.Event
	for _, id := range ids {
		h := heads[id]
		w := work{head: h, lines: lines[id], a: noArrival}
		open := c.settle(tx, &h, holds[id], w.wants(short[id]), fromChannel, "adoption")
		counts.Add(id, h.Holds)
		held := blocking(open)
		fact := factOf(&h, lines[id], held)
		evs = append(evs, h.out(event.OrderImported, false, h.PlacedAt, fact), s.created(&h, lines[id], open))
		if h.PayState.settled() {
			evs = append(evs, h.paid(map[bool]string{true: "cod_confirmed", false: "captured"}[h.COD], nil, tx.Now))
		}
		if len(held) == 0 && h.Units.Open > 0 {
			evs = append(evs, h.out(event.OrderReady, false, tx.Now, fact))
		}
	}
	tx.Send(`update orders set holds = r.h from rows(id text, h bigint) where orders.id = r.id`, counts)
	if err := c.write(tx, "adoption"); err != nil {
		return err
	}
	return s.emit(tx, evs...)
}
