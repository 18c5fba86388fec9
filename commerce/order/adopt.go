package order

import (
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Adopt moves a page of an account's orders to its new mode: what becomes effective by the rule is reserved and made known, once. An order that was effective stays so:
// what was begun here is finished here, also when the account goes back to shadow. Call it until done.
// The account's row must be locked first, so that no import decides by the old mode meanwhile.
func (s *Service) Adopt(tx *db.Tx, acc channel.Account, after string, limit int) (last string, done bool, err error) {
	where := `mode <> $3`
	if acc.Mode == channel.Shadow {
		where = `mode <> $3 and not ours`
	}
	ids, err := db.All(tx, scanText, `select id from orders where account_id = $1 and id > $2 and `+where+` order by id limit $4`, acc.ID, after, string(acc.Mode), limit)
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
	var all, taken []*Head
	var routes []Route
	for _, id := range ids {
		h := heads[id]
		was := h.Effective()
		h.Mode = acc.Mode
		if !was {
			h.Ours = ruleOf(acc, &h, lines[id])
		}
		if all = append(all, &h); h.Effective() && !was {
			taken = append(taken, &h)
			routes = append(routes, h.route())
		}
	}
	if err := saveHeads(tx, all, lines); err != nil {
		return after, false, err
	}
	if err := s.reserveAdopted(tx, taken, routes, lines); err != nil {
		return after, false, err
	}
	if err := s.announce(tx, taken, lines); err != nil {
		return after, false, err
	}
	return ids[len(ids)-1], len(ids) < limit, nil
}

func (s *Service) reserveAdopted(tx *db.Tx, taken []*Head, routes []Route, lines map[string][]Line) error {
	if len(taken) == 0 {
		return nil
	}
	ranked, err := s.need.Rank(tx, routes)
	if err != nil {
		return err
	}
	var demands []stock.Demand
	for i, h := range taken {
		for n := range lines[h.ID] {
			demands = append(demands, lineDemands(h, &lines[h.ID][n], ranked[i], "")...)
		}
	}
	return s.restock(tx, nil, demands)
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

// announce makes adopted orders known as import would have: created, paid, held or ready. The holds they had to compare with now hold.
func (s *Service) announce(tx *db.Tx, taken []*Head, lines map[string][]Line) error {
	if len(taken) == 0 {
		return nil
	}
	var ids []string
	for _, h := range taken {
		ids = append(ids, h.ID)
	}
	holds, err := holdsOf(tx, ids)
	if err != nil {
		return err
	}
	short, err := s.need.Short(tx, ids)
	if err != nil {
		return err
	}
	paid, err := s.need.Paid(tx, ids)
	if err != nil {
		return err
	}
	c, counts := newHoldChange(), db.NewBatch(1)
	var evs []outbox.Event
	for _, h := range taken {
		want := map[HoldType]wantHold{}
		for _, o := range holds[h.ID] {
			w := wantHold{detail: o.Detail, by: o.By, deadline: o.until(), fallback: o.Default, request: o.Request}
			if o.Type == HoldUnpaid && !w.deadline.IsZero() { // the time to pay runs from now: nobody watched it before
				w.deadline = tx.Now.Add(max(time.Hour, w.deadline.Sub(h.PlacedAt)))
			}
			want[o.Type] = w
			c.raiseFor(h, o.Type, w)
		}
		if h.Units.Open == 0 {
			clear(want)
		}
		wantsOf(h, lines[h.ID], short[h.ID], want)
		open := c.settle(tx, h, holds[h.ID], want, fromChannel, "adoption")
		counts.Add(h.ID, h.Holds)
		evs = append(evs, adopted(tx, h, lines[h.ID], open, paid[h.ID])...)
	}
	tx.Send(`update orders set holds = r.h from rows(id text, h bigint) where orders.id = r.id`, counts)
	if err := c.write(tx, "adoption"); err != nil {
		return err
	}
	return s.emit(tx, evs...)
}

// adopted are the events of one order that has become ours to act on.
func adopted(tx *db.Tx, h *Head, lines []Line, open []hold, paid []channel.Payment) []outbox.Event {
	held := blocking(open)
	fact := factOf(h, lines, held)
	evs := []outbox.Event{h.out(event.OrderImported, false, h.PlacedAt, fact), createdEvent(h, lines, open)}
	if h.PayState.settled() {
		evs = append(evs, h.paid(map[bool]string{true: "cod_confirmed", false: "captured"}[h.COD], paid, tx.Now))
	}
	var gone []event.CancelledUnits
	for i := range lines {
		if l := &lines[i]; l.Cancelled > 0 {
			gone = append(gone, event.CancelledUnits{LineID: l.ID, External: l.External, Quantity: l.Cancelled, Units: l.unitsIn(InCancelled)})
		}
	}
	if len(gone) > 0 {
		evs = append(evs, h.cancelledEvent(lines, gone, "channel", "cancelled at the channel", tx.Now))
	}
	if len(held) == 0 && h.Units.Open > 0 {
		evs = append(evs, h.out(event.OrderReady, false, tx.Now, fact))
	}
	return evs
}
