package fulfillment

import (
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Kept is what of an order line stays reserved at a location.
type Kept struct {
	LineID, Variant, Location string
	Quantity                  int64
}

// PickedOf counts, per line, variant and location, the units of an order that are picked and have not left: those stay with it.
func (s *Service) PickedOf(tx *db.Tx, order string) (picked map[Kept]int64, err error) {
	known, err := ofOrders(tx, []string{order})
	if err != nil {
		return nil, err
	}
	picked = map[Kept]int64{}
	for _, f := range known[order] {
		for _, l := range f.Lines {
			if n := l.Picked - l.Shipped; f.live() && n > 0 {
				picked[Kept{LineID: l.LineID, Variant: l.Variant, Location: f.Location}] += n
			}
		}
	}
	return picked, nil
}

// LetGo brings what locations work on down to what stays reserved there, when a person gives the stock of an order to another one. Only what nobody has picked yet goes; a
// fulfillment order with nothing left is cancelled. The caller has locked the order, and gives the reservation back in the same transaction.
// Fault: Conflict when more is picked than stays.
func (s *Service) LetGo(tx *db.Tx, order, actor, reason string, kept []Kept) error {
	w, err := s.openOrder(tx, order, actor)
	if err != nil {
		return err
	}
	for _, k := range kept {
		if err := w.letGo(k, reason); err != nil {
			return err
		}
	}
	return w.settle(reason)
}

func (w *work) letGo(k Kept, reason string) error {
	over := -k.Quantity
	var at []*Line
	for _, l := range w.holding(k.LineID, k.Variant) {
		if f := w.of(l); f.Location == k.Location {
			over += openOf(f, l)
			at = append(at, l)
		}
	}
	for _, l := range at {
		if n := min(over, unpicked(l)); n > 0 {
			if err := w.cut(l, n, nil, reason); err != nil {
				return err
			}
			over -= n
		}
	}
	if over > 0 {
		return fault.New(fault.Conflict, "%d units of order %s are picked already", over, w.order.Number).WithCode("picked")
	}
	return nil
}
