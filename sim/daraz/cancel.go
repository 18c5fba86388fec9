package daraz

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// cancelReasons are what a seller can say. The first two make the platform set the SKU's stock to zero (channel-daraz §1.8).
var cancelReasons = []struct {
	id   int
	name string
	zero bool
}{
	{15, "Out of Stock", true},
	{21, "Wrong Price or Pricing Error", true},
	{10, "Sourcing Delay(cannot meet deadline)", false},
}

// cancellable are the statuses in which a unit can still be cancelled.
var cancellable = []string{unpaid, pending, repacked, packed, readyToShip}

// cancel cancels units and returns how many. A package is cancelled whole: cancelling one of its units takes the others along.
func (m *Market) cancel(units []*unit, initiator, reason, detail string) int {
	var all []*unit
	for _, u := range units {
		more := []*unit{u}
		if u.parcel != nil {
			more = u.parcel.units
		}
		for _, u := range more {
			if !slices.Contains(all, u) {
				all = append(all, u)
			}
		}
	}
	n := 0
	for _, u := range all {
		if !slices.Contains(cancellable, u.status) {
			continue
		}
		u.initiator, u.reason, u.detail = initiator, reason, detail
		if p := u.parcel; p != nil && !p.dropped {
			p.dropped = true
			m.pushPackage(p, "canceled")
		}
		m.must(u, evCancel)
		n++
	}
	return n
}

// zeroStock is what the platform does to a SKU whose seller says that it has none.
func (u *unit) zeroStock() {
	if u.central {
		u.product.central = 0
		return
	}
	l := u.product.level(u.warehouse)
	l.real = l.withheld + l.occupied + l.locked
}

func (c *call) cancelUnits() ([]*unit, error) {
	o, err := c.order()
	if err != nil {
		return nil, err
	}
	ids, ok := idList(c.get("order_item_id_list"))
	if !ok || len(ids) == 0 {
		return nil, missing("order_item_id_list")
	}
	var units []*unit
	for _, id := range ids {
		u := c.shop.units[id]
		if u == nil || u.order != o {
			return nil, refuse(isp, "20", "E020: %q Invalid Order Item ID", id)
		}
		units = append(units, u)
	}
	return units, nil
}

// cannotCancel says why not, "" when it is possible.
func cannotCancel(units []*unit) string {
	for _, u := range units {
		if u.central {
			return "The order is fulfilled by Daraz and cannot be cancelled by the seller"
		}
		if !slices.Contains(cancellable, u.status) || u.status == unpaid {
			return "The order item is " + u.status + " and cannot be cancelled"
		}
	}
	return ""
}

func (c *call) cancelValidate() (answer, error) {
	units, err := c.cancelUnits()
	if err != nil {
		return answer{}, err
	}
	if why := cannotCancel(units); why != "" {
		return data(map[string]any{"tip_type": "error", "tip_content": why, "reason_options": []any{}}), nil
	}
	options := []any{}
	for _, r := range cancelReasons {
		options = append(options, map[string]any{"reason_id": strconv.Itoa(r.id), "reason_name": r.name})
	}
	return data(map[string]any{
		"tip_type": "warn", "tip_content": "Cancelling orders affects your seller rating.", "reason_options": options,
	}), nil
}

func (c *call) cancelCreate() (answer, error) {
	units, err := c.cancelUnits()
	if err != nil {
		return answer{}, err
	}
	if why := cannotCancel(units); why != "" {
		return data(map[string]any{"tip_type": "error", "tip_content": why}), nil
	}
	if !c.m.sellerCancels(units, c.get("reason_id"), "") {
		return data(map[string]any{"tip_type": "error", "tip_content": "The reason is not valid"}), nil
	}
	return data(map[string]any{"tip_type": "success", "tip_content": "Cancelled"}), nil
}

func (m *Market) sellerCancels(units []*unit, reason, detail string) bool {
	for _, r := range cancelReasons {
		if strconv.Itoa(r.id) != reason {
			continue
		}
		units[0].order.effects.Cancelled += m.cancel(units, "cancellation-seller", r.name, detail)
		if r.zero {
			for _, u := range units {
				u.zeroStock()
			}
		}
		return true
	}
	return false
}

func (c *call) cancelLegacy() (answer, error) {
	u := c.shop.units[c.get("order_item_id")]
	if u == nil {
		return answer{}, refuse(isp, "20", "E020: %q Invalid Order Item ID", c.get("order_item_id"))
	}
	c.ref = u.order.id
	if why := cannotCancel([]*unit{u}); why != "" {
		return answer{}, refuse(isp, "73", "E073: %s", why)
	}
	if !c.m.sellerCancels([]*unit{u}, c.get("reason_id"), c.get("reason_detail")) {
		return answer{}, refuse(isp, "22", "E022: %q Invalid Reason", c.get("reason_id"))
	}
	return c.wrote(), nil
}

// wrote is the answer to a write: live gateways were seen to leave data out altogether.
func (c *call) wrote() answer {
	if c.m.cfg.Orders.Plain {
		return data(map[string]any{})
	}
	return answer{}
}

func (c *call) failureReasons() (answer, error) {
	list := []any{}
	for _, r := range cancelReasons {
		list = append(list, map[string]any{"reason_id": strconv.Itoa(r.id), "type": "canceled", "name": r.name})
	}
	return data(list), nil
}

// cancelDecide is the seller's yes or no to a buyer's cancel.
func (c *call) cancelDecide() (answer, error) {
	r := c.shop.reverse(c.get("reverse_order_id"))
	agree, err := strconv.ParseBool(c.get("agree_cancel"))
	switch {
	case r == nil || r.kind != kindCancel:
		return answer{}, refuse(isp, "105", "Reverse order not found")
	case err != nil:
		return answer{}, missing("agree_cancel")
	case r.lines[0].status != revInitiate:
		return answer{}, refuse(isp, "108", "Reverse order status does not allow this operation")
	case !agree && c.get("reason_code") == "":
		return answer{}, missing("reason_code")
	}
	c.ref = r.order.id
	c.m.decideCancel(r, agree, "seller")
	return c.wrote(), nil
}

// decideCancel ends a buyer's request: units cancelled, or the request refused.
func (m *Market) decideCancel(r *reverse, agree bool, who string) {
	var units []*unit
	for _, l := range r.lines {
		l.unit.ask = nil
		l.unit.back = r
		units = append(units, l.unit)
	}
	if agree {
		m.reverseMove(r, revCancelled, who)
		n := m.cancel(units, "cancellation-customer", r.lines[0].reason, "")
		if who == "seller" {
			r.order.effects.Cancelled += n
		}
		return
	}
	m.reverseMove(r, revReject, who)
}

// settleDue does what time does by itself: a buyer's cancel that nobody has decided takes effect at its trigger time.
func (m *Market) settleDue(now time.Time) {
	m.asks = slices.DeleteFunc(m.asks, func(r *reverse) bool {
		if r.lines[0].status == revInitiate && !now.Before(r.order.askUntil) {
			m.decideCancel(r, true, "system")
		}
		return r.lines[0].status != revInitiate
	})
}

// BuyerCancel cancels units at once, as the platform does for what is unpaid or not yet packed; anything further needs AskCancel.
func (s *Shop) BuyerCancel(reason string, units ...string) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	list, err := s.find(units)
	if err != nil {
		return err
	}
	for _, u := range list {
		if u.status != unpaid && u.status != pending && u.status != repacked {
			return fmt.Errorf("daraz: unit %s is %s: the seller must agree", u.id, u.status)
		}
	}
	s.m.cancel(list, "cancellation-customer", or(reason, "Change of mind"), "")
	return nil
}

// AskCancel is a buyer's cancel that the seller has to decide, until Config.CancelWindow has passed; it returns the reverse order's id.
func (s *Shop) AskCancel(reason string, units ...string) (string, error) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	list, err := s.find(units)
	if err != nil {
		return "", err
	}
	for _, u := range list {
		switch {
		case u.order != list[0].order:
			return "", errors.New("daraz: units of several orders")
		case u.ask != nil:
			return "", fmt.Errorf("daraz: unit %s is asked for already", u.id)
		case !slices.Contains(cancellable, u.status):
			return "", fmt.Errorf("daraz: unit %s is %s", u.id, u.status)
		}
	}
	r := s.newReverse(kindCancel, or(reason, "Change of mind"), list)
	r.order.askUntil = s.m.second().Add(s.m.cfg.CancelWindow)
	for _, u := range list {
		u.ask = r
		s.m.touch(u)
	}
	s.m.asks = append(s.m.asks, r)
	return r.id, nil
}

// find looks units up by id.
func (s *Shop) find(ids []string) ([]*unit, error) {
	var list []*unit
	for _, id := range ids {
		u := s.units[id]
		if u == nil {
			return nil, fmt.Errorf("daraz: no unit %s in shop %s", id, s.seller.ID)
		}
		list = append(list, u)
	}
	if len(list) == 0 {
		return nil, errors.New("daraz: no units named")
	}
	return list, nil
}
