package daraz

import (
	"encoding/json"
	"fmt"
)

// num writes digits as a JSON number.
func num(id string) json.Number { return json.Number(digits(id)) }

// scanTitles are what the carrier's journey says at an event.
var scanTitles = map[string]string{
	evShip: "Package has been picked up", evDeliver: "Package has been delivered", evFail: "Delivery attempt failed",
	evReship: "Package is out for delivery again", evBack: "Package is on its way back to seller", evArrived: "Package has been returned to seller",
	evVanished: "Package could not be returned", evLose: "Package is lost", evDamage: "Package is damaged",
}

// happen is move with what follows from it: money booked, a buyer's open cancel overtaken by the courier, the reason of a failed delivery.
func (m *Market) happen(u *unit, event string) {
	if err := m.move(u, event); err != nil {
		m.log.Error("simulator", "error", err)
		return
	}
	switch event {
	case evShip:
		if u.ask != nil {
			m.decideCancel(u.ask, false, "system")
		}
	case evFail:
		u.initiator, u.reason = "cancellation-failed Delivery", "Delivery attempt failed"
	case evReship:
		u.initiator, u.reason = "", ""
	case evDeliver:
		m.bookDelivered(u)
	case evReturn:
		m.bookReturned(u)
	}
}

// Pay pays a prepaid order: its unpaid units become pending.
func (s *Shop) Pay(order string) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	o := s.byID[order]
	if o == nil {
		return fmt.Errorf("daraz: no order %s", order)
	}
	for _, u := range o.units {
		if u.status == unpaid {
			s.m.must(u, evPay)
		}
	}
	return nil
}

// Ship is the courier's first scan of the packages these units are in; they must be ready to ship. What Daraz fulfils itself is packed and
// shipped from pending on. A parcel moves as one.
func (s *Shop) Ship(units ...string) error { return s.courier(evShip, units) }

// Deliver hands the packages of these units over; for cash on delivery the platform's courier has the money now.
func (s *Shop) Deliver(units ...string) error { return s.courier(evDeliver, units) }

// Fail is a delivery attempt without success.
func (s *Shop) Fail(units ...string) error { return s.courier(evFail, units) }

// Retry takes failed packages out for delivery again.
func (s *Shop) Retry(units ...string) error { return s.courier(evReship, units) }

// ShipBack sends the packages of these units back to the seller.
func (s *Shop) ShipBack(units ...string) error { return s.courier(evBack, units) }

// ArriveBack is the seller receiving what was shipped back; with ok false it never arrives.
func (s *Shop) ArriveBack(ok bool, units ...string) error {
	if ok {
		return s.courier(evArrived, units)
	}
	return s.courier(evVanished, units)
}

// Lose loses the packages of these units on the way.
func (s *Shop) Lose(units ...string) error { return s.courier(evLose, units) }

func (s *Shop) courier(event string, units []string) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.settleDue(s.m.now())
	list, err := s.find(units)
	if err != nil {
		return err
	}
	done := map[*parcel]bool{}
	for _, u := range list {
		if event == evShip && u.central && (u.status == pending || u.status == repacked) {
			s.m.packCentral(u.order)
		}
		p := u.parcel
		if p == nil {
			return fmt.Errorf("daraz: unit %s is %s and in no package", u.id, u.status)
		}
		if done[p] {
			continue
		}
		done[p] = true
		if err := s.m.scanParcel(p, event); err != nil {
			return err
		}
	}
	return nil
}

// scanParcel moves a whole package along one event, or nothing of it.
func (m *Market) scanParcel(p *parcel, event string) error {
	for _, u := range p.units {
		if _, ok := life[event][u.status]; !ok {
			return fmt.Errorf("daraz: unit %s is %s: cannot %s", u.id, u.status, event)
		}
	}
	for _, u := range p.units {
		m.happen(u, event)
	}
	m.scan(p, p.units[0].status, scanTitles[event])
	return nil
}

// packCentral is Daraz's own warehouse at work: it packs what it holds of an order and makes it ready.
func (m *Market) packCentral(o *order) {
	var units []*unit
	for _, u := range o.units {
		if u.central && u.status == pending {
			units = append(units, u)
		}
	}
	if len(units) > 0 {
		m.ready(m.makeParcel(o, units))
	}
}

// Advance is a day of the couriers: each package goes one step on its way, from ready to ship to shipped to delivered; failPercent of the
// deliveries fail, and those go back to the seller step by step. Daraz's own warehouse ships what it fulfils. It returns how many packages
// moved; 0 means that the couriers wait for the seller.
func (s *Shop) Advance(failPercent int) int {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.settleDue(s.m.now())
	moved := 0
	for _, o := range s.orders {
		s.m.packCentral(o)
		for _, p := range o.parcels() {
			event := ""
			switch p.units[0].status {
			case readyToShip:
				event = evShip
			case shipped:
				event = evDeliver
				if s.m.rnd.IntN(100) < failPercent {
					event = evFail
				}
			case failed:
				event = evBack
			case shippedBack:
				event = evArrived
			}
			if event == "" || p.units[0].ownFleet {
				continue
			}
			if err := s.m.scanParcel(p, event); err == nil {
				moved++
			}
		}
	}
	return moved
}
