package dispatch

import (
	"slices"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// carries reports whether the parcel's cash is still to be collected.
func (sh *Shipment) carries() bool {
	return !sh.void() && sh.State != Refused && !sh.done()
}

// share puts cash on new parcels of an order: what is due and on no other parcel yet is split by what each parcel contains and what is left to send after them, so that
// charges and what was paid otherwise spread alike, and whoever is last takes the rest. Where the channel makes the waybill, it puts the cash on it.
func (s *Service) share(tx *db.Tx, o Order, fresh, others []*Shipment) error {
	left, err := s.uncarried(tx, o, others)
	if err != nil || left <= 0 {
		return err
	}
	fresh = slices.DeleteFunc(slices.Clone(fresh), func(sh *Shipment) bool { return sh.Source == FromChannel })
	if len(fresh) == 0 {
		return nil
	}
	weights := make([]int64, 0, len(fresh)+1)
	for _, sh := range fresh {
		w, err := o.worth(sh)
		if err != nil {
			return err
		}
		weights = append(weights, w)
	}
	rest, err := o.unsent(append(slices.Clone(others), fresh...))
	if err != nil {
		return err
	}
	parts, err := s.split(tx, o, left, append(weights, rest))
	if err != nil {
		return err
	}
	for i, sh := range fresh {
		sh.Cash.Minor = parts[i]
	}
	return nil
}

// uncarried is what is due and on no waybill yet; below zero when waybills say more than is due.
func (s *Service) uncarried(tx *db.Tx, o Order, all []*Shipment) (int64, error) {
	due, err := s.need.CashDue(tx, []string{o.ID})
	if err != nil {
		return 0, err
	}
	left := due[o.ID]
	if !left.IsZero() && left.Currency != o.Currency {
		return 0, fault.New(fault.Internal, "cash is due in %s for an order in %s", left.Currency, o.Currency)
	}
	for _, sh := range all {
		if sh.carries() {
			left.Minor -= sh.Cash.Minor
		}
	}
	return left.Minor, nil
}

// split divides cash by weights in whole steps of the country's cash; what is less than a step goes with the last part that gets some.
func (s *Service) split(tx *db.Tx, o Order, cash int64, weights []int64) ([]int64, error) {
	step, err := s.need.CashStep(tx, o.Country, o.Currency)
	if err != nil {
		return nil, err
	}
	step = max(1, step)
	if last := len(weights) - 1; last > 0 && !slices.ContainsFunc(weights, func(w int64) bool { return w > 0 }) { // worth nothing: the first one takes it
		weights[0] = 1
	}
	got, err := money.Of(cash/step, o.Currency).Split(weights)
	if err != nil {
		return nil, err
	}
	parts, to := make([]int64, len(got)), 0
	for i, a := range got {
		if parts[i] = a.Minor * step; weights[i] > 0 {
			to = i
		}
	}
	parts[to] += cash % step
	return parts, nil
}

// worth is what the goods in a parcel come to.
func (o Order) worth(sh *Shipment) (sum int64, err error) {
	for _, m := range sh.moves() {
		w, err := o.Goods[m.LineID].of(m.Quantity, o.Currency)
		if err != nil {
			return 0, err
		}
		sum += w
	}
	return sum, nil
}

func (w Worth) of(units int64, currency string) (int64, error) {
	a, err := money.Of(w.Total, currency).Share(units, max(1, w.Ordered), money.HalfUp)
	return a.Minor, err
}

// unsent is what the goods come to that are still to be sent and in no parcel that is on its way out.
func (o Order) unsent(all []*Shipment) (sum int64, err error) {
	packed := map[string]int64{}
	for _, sh := range all {
		if sh.carries() && !sh.gone() {
			for _, m := range sh.moves() {
				packed[m.LineID] += m.Quantity
			}
		}
	}
	for id, w := range o.Goods {
		more, err := w.of(max(0, w.Open-packed[id]), o.Currency)
		if err != nil {
			return 0, err
		}
		sum += more
	}
	return sum, nil
}

// CashChanged has the waybills that are not made yet follow what is due of orders whose rows are locked: after units were cancelled, or the amount was changed. What no
// parcel can collect, or is on waybills beyond what is due, becomes a case. Safe to repeat.
func (s *Service) CashChanged(tx *db.Tx, orders []string) error {
	heads, err := s.need.Orders(tx, orders, false)
	if err != nil {
		return err
	}
	all, err := ofOrders(tx, orders)
	if err != nil {
		return err
	}
	for _, id := range distinct(orders) {
		mine := slices.DeleteFunc(slices.Clone(all), func(sh *Shipment) bool { return sh.OrderID != id })
		if len(mine) == 0 {
			continue
		}
		if err := s.follow(tx, heads[id], mine); err != nil {
			return err
		}
	}
	return nil
}

// follow brings the parcels of one order in line with what is due.
func (s *Service) follow(tx *db.Tx, o Order, all []*Shipment) error {
	left, err := s.uncarried(tx, o, all)
	if err != nil {
		return err
	}
	rest, err := o.unsent(all)
	if err != nil {
		return err
	}
	var changed []*Shipment
	for _, sh := range slices.Backward(all) {
		if sh.State != Intended || sh.Source == FromChannel || left == 0 || left > 0 && rest > 0 { // more goes with the parcels to come
			continue
		}
		d := max(left, -sh.Cash.Minor)
		if d != 0 {
			sh.Cash.Minor += d
			left -= d
			changed = append(changed, sh)
		}
	}
	if err := save(tx, changed...); err != nil {
		return err
	}
	return s.astray(tx, o, all, left, rest)
}

// astray shows a person the cash that no parcel can collect any more, or that waybills say beyond what is due.
func (s *Service) astray(tx *db.Tx, o Order, all []*Shipment, left, rest int64) error {
	key := exception.Key{Cause: exception.CashShort, SubjectKind: "order", Subject: o.ID}
	waits := slices.ContainsFunc(all, func(sh *Shipment) bool { return sh.Source == FromChannel && sh.carries() })
	if left == 0 || left > 0 && (rest > 0 || waits) {
		return exception.Clear(tx, "dispatch", "the parcels collect what is due", key)
	}
	detail := map[string]any{"uncarried": money.Of(left, o.Currency)}
	if left < 0 {
		detail = map[string]any{"too_much": money.Of(-left, o.Currency)}
	}
	return exception.Raise(tx, exception.Case{Cause: key.Cause, SubjectKind: key.SubjectKind, Subject: o.ID, Order: o.ID, Account: o.Account, Detail: detail})
}

// settleCash tells payments what became of each parcel's cash, and looks whether the rest can still be collected.
func (a *applying) settleCash() error {
	if len(a.facts) == 0 {
		return nil
	}
	if err := a.s.need.Cash(a.tx, a.facts); err != nil {
		return err
	}
	for id := range a.cash {
		mine := slices.DeleteFunc(slices.Clone(a.all), func(sh *Shipment) bool { return sh.OrderID != id })
		left, err := a.s.uncarried(a.tx, a.heads[id], mine)
		if err != nil {
			return err
		}
		rest, err := a.heads[id].unsent(mine)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(mine, (*Shipment).carries) {
			continue
		}
		if err := a.s.astray(a.tx, a.heads[id], mine, left, rest); err != nil {
			return err
		}
	}
	return nil
}
