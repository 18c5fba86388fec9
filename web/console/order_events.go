package console

import (
	"slices"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

type eventsPage struct {
	order.View
	Events []told
	Subs   map[string]string // names of subscriptions, by id
}

// told is an event with who was told of it.
type told struct {
	outbox.Stored
	Sent []outbox.Delivery
}

// orderEvents shows every event of an order, the newest first, and what became of telling others.
func orderEvents(v *visit) error {
	p := eventsPage{Subs: map[string]string{}}
	if err := v.read(func(tx *db.Tx) (err error) {
		if p.View, err = v.Order.Get(tx, v.id()); err != nil {
			return err
		}
		events, err := outbox.OfOrder(tx, p.ID)
		if err != nil {
			return err
		}
		slices.Reverse(events)
		for _, e := range events[:min(len(events), 200)] {
			p.Events = append(p.Events, told{Stored: e})
		}
		if !v.allowed(v.who, "subscriptions") {
			return nil
		}
		return p.deliveries(tx)
	}); err != nil {
		return err
	}
	return v.page("order_events", "Order %s: events and deliveries", p, p.Number)
}

func (p *eventsPage) deliveries(tx *db.Tx) error {
	var ids []string
	for _, e := range p.Events {
		ids = append(ids, e.ID)
	}
	sent, err := outbox.DeliveriesOf(tx, ids)
	if err != nil {
		return err
	}
	for i := range p.Events {
		p.Events[i].Sent = sent[p.Events[i].ID]
	}
	subs, err := outbox.Subscriptions(tx)
	for _, s := range subs {
		p.Subs[s.ID] = s.Name
	}
	return err
}
