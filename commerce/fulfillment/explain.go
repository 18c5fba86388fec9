package fulfillment

import (
	"context"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Explain says what each location could do for what an order has still to send, best rank first, and why one was turned down. It changes nothing.
func (s *Service) Explain(tx *db.Tx, order string) ([]Candidate, error) {
	src, err := s.lookAt(tx, order, false)
	if err != nil {
		return nil, err
	}
	need, skus := src.need()
	var all []Candidate
	for i, p := range src.places {
		c := Candidate{Place: p, Rank: i + 1, Has: map[string]int64{}}
		enough := true
		for v, n := range need {
			has := src.free[Spot{v, p.ID}]
			for k, q := range src.grants {
				if k.variant == v && k.location == p.ID {
					has += q
				}
			}
			c.Has[skus[v]] = has
			enough = enough && has >= n
		}
		for _, f := range src.known {
			c.Chosen = c.Chosen || f.live() && f.Location == p.ID
		}
		c.Why = src.reason(p, c.Chosen, enough)
		all = append(all, c)
	}
	return all, nil
}

// need is what the order has still to send, by variant, and the SKUs.
func (src *sourcing) need() (need map[string]int64, skus map[string]string) {
	need, skus = map[string]int64{}, map[string]string{}
	for i := range src.lines {
		l := &src.lines[i]
		for _, p := range parts(l) {
			need[p.Variant] += src.owed(l.LineID, p.Variant)
			skus[p.Variant] = p.SKU
		}
	}
	return need, skus
}

// lookAt reads all that sourcing knows of one order.
func (s *Service) lookAt(tx *db.Tx, order string, lock bool) (*sourcing, error) {
	heads, err := s.need.Orders(tx, []string{order}, lock)
	if err != nil {
		return nil, err
	}
	if _, ok := heads[order]; !ok {
		return nil, fault.New(fault.NotFound, "there is no order %s", order)
	}
	known, err := ofOrders(tx, []string{order})
	if err != nil {
		return nil, err
	}
	all, err := s.sourcings(tx, []string{order}, heads, known)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// SourceAt has a person choose the location for what no location works on yet, also one that turned it down before. What is not free there stays where it
// is, or short. Move is the way for what a location works on already. Faults: Invalid for a location that may not fulfil the order; Conflict when the order is
// held, or the location has nothing of it.
func (s *Service) SourceAt(ctx context.Context, order, location, actor string) ([]FO, error) {
	var made []FO
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		src, err := s.lookAt(tx, order, true)
		if err != nil {
			return err
		}
		if src.order.Held {
			return fault.New(fault.Conflict, "order %s is on hold", src.order.Number).WithCode("held")
		}
		if err := src.only(location); err != nil {
			return err
		}
		if err := s.place(tx, []*sourcing{src}); err != nil {
			return err
		}
		before := len(src.known)
		if err := s.create(tx, []*sourcing{src}); err != nil {
			return err
		}
		known, err := ofOrders(tx, []string{order})
		if err != nil {
			return err
		}
		made = nil
		for _, f := range known[order][before:] {
			made = append(made, *f)
		}
		if len(made) == 0 {
			return fault.New(fault.Conflict, "the location has nothing of it that is free").WithCode("short")
		}
		return s.need.Audit(tx, audit.Entry{Actor: actor, Action: "fulfillment.source", SubjectKind: "order", Subject: order, Detail: map[string]string{"location": location}})
	})
	return made, err
}

// only makes one location the choice.
func (src *sourcing) only(location string) error {
	for _, p := range src.places {
		if p.ID == location {
			src.places, src.down = []Place{p}, map[key]string{}
			src.fixed = true
			return nil
		}
	}
	return fault.Field("location_id", "the location is switched off, does not fulfil orders, or belongs to another company")
}

// line finds a line of the order.
func (src *sourcing) line(id string) *event.OpenLine {
	for i := range src.lines {
		if src.lines[i].LineID == id {
			return &src.lines[i]
		}
	}
	return nil
}
