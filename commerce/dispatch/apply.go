package dispatch

import (
	"cmp"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// said is a stored fact.
type said struct {
	id, ship, source string
	applied          bool
	courier.Scan
}

func scansOf(tx *db.Tx, ships []string) (map[string][]said, error) {
	all := map[string][]said{}
	rows, err := db.All(tx, func(row db.Scanner) (e said, err error) {
		err = row.Scan(&e.id, &e.ship, &e.source, &e.applied, &e.Status, &e.Leg, &e.Reason, &e.Corrects, &e.Raw, &e.Location, &e.RawAt, db.Time(&e.At))
		return e, err
	}, `select id, shipment_id, source, applied, status, leg, reason, corrects, raw, place, at_raw, at from shipment_events
		where shipment_id in (select key from json_each($1)) order by at, id`, db.Keys(ships))
	for _, e := range rows {
		all[e.ship] = append(all[e.ship], e)
	}
	return all, err
}

// apply brings the shipments of locked orders to where their scans say they are.
func (s *Service) apply(tx *db.Tx, orders []string) error {
	heads, err := s.need.Orders(tx, orders, false)
	if err != nil {
		return err
	}
	all, err := ofOrders(tx, orders)
	if err != nil {
		return err
	}
	ids := make([]string, len(all))
	for i, sh := range all {
		ids[i] = sh.ID
	}
	scans, err := scansOf(tx, ids)
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b *Shipment) int { return cmp.Compare(a.OrderID, b.OrderID) })
	a := &applying{s: s, tx: tx, all: all, heads: heads, cash: map[string]bool{}}
	for _, sh := range all {
		if len(scans[sh.ID]) == 0 {
			continue
		}
		if err := a.one(heads[sh.OrderID], sh, scans[sh.ID]); err != nil {
			return err
		}
	}
	return a.close()
}

// applying collects what scans lead to.
type applying struct {
	s       *Service
	tx      *db.Tx
	all     []*Shipment
	dirty   []*Shipment
	applied []string
	evs     []outbox.Event
	raise   []exception.Case
	clear   []exception.Key
	heads   map[string]Order
	cash    map[string]bool // orders whose cash has moved
	facts   []CashFact
	home    []Homecoming
}

// stands is the state that a parcel's scans stand for; "" when they say nothing.
func stands(st courier.Standing) string {
	switch st.Status {
	case courier.PickedUp, courier.InTransit, courier.OnHold, courier.ReadyForPickup:
		return InTransit
	case courier.OutForDelivery:
		return Out
	case courier.Attempted, courier.AwaitingInstruction, courier.PartlyDelivered: // which pieces the buyer has, a person must say
		return Attempted
	case courier.Delivered:
		return Delivered
	case courier.ReturnInitiated, courier.ReturnInTransit:
		return Returning
	case courier.Returned:
		return Returned
	case courier.Lost, courier.Destroyed:
		return Lost
	case courier.Cancelled:
		return Cancelled
	}
	return ""
}

func (a *applying) one(o Order, sh *Shipment, scans []said) error {
	facts := make([]courier.Scan, len(scans))
	for i, e := range scans {
		facts[i] = e.Scan
	}
	st := courier.Fold(sh.Tracking, facts)
	last := scans[len(scans)-1]
	to := stands(st)
	sh.LastScan = last.At
	if to == "" || to == sh.State {
		a.see(sh, scans, to != "" || st.Status == courier.Booked || st.Status == courier.Unknown)
		return nil
	}
	if !sh.gone() || a.cannot(sh, to) {
		a.disagree(sh, st)
		return nil
	}
	at := st.At
	if at.IsZero() {
		at = a.tx.Now
	}
	if err := a.walk(o, sh, to, at, st); err != nil {
		if fault.Is(err, fault.Conflict) {
			a.disagree(sh, st)
			return nil
		}
		return err
	}
	a.see(sh, scans, true)
	source := last.source
	for _, e := range scans {
		if e.Status == st.Status && e.At.Equal(st.At) {
			source = e.source
		}
	}
	return a.tell(o, sh, at, source, st)
}

func (a *applying) cannot(sh *Shipment, to string) bool {
	probe := *sh
	return to == Cancelled || probe.to(to, a.tx.Now) != nil
}

// see marks facts as taken into account.
func (a *applying) see(sh *Shipment, scans []said, taken bool) {
	for _, e := range scans {
		if taken && !e.applied && sh.gone() && e.Status != courier.Unknown {
			a.applied = append(a.applied, e.id)
		}
	}
	if !slices.Contains(a.dirty, sh) {
		a.dirty = append(a.dirty, sh)
	}
}

// disagree shows a person what cannot follow from where the parcel is; the facts stay recorded and not applied.
func (a *applying) disagree(sh *Shipment, st courier.Standing) {
	a.raise = append(a.raise, exception.Case{
		Cause: exception.ContradictingStatus, SubjectKind: "shipment", Subject: sh.ID, Order: sh.OrderID, Account: sh.Account, Location: sh.Location,
		Detail: map[string]any{"shipment": sh.Number, "state": sh.State, "reported": st.Status, "at": st.At},
	})
	if !slices.Contains(a.dirty, sh) {
		a.dirty = append(a.dirty, sh)
	}
}

// walk moves the units of the order along with the parcel.
func (a *applying) walk(o Order, sh *Shipment, to string, at time.Time, st courier.Standing) error {
	n, moves := a.s.need, sh.moves()
	from := sh.State
	var steps []func(*db.Tx, string, []Moved) error
	if from == Delivered && to != Delivered {
		steps = append(steps, n.Unarrive)
		defer func() {
			if sh.State != Delivered {
				a.became(sh, CashDue, at)
			}
		}()
	}
	switch {
	case to == Delivered && from == Returning:
		steps = append(steps, n.Keep)
	case to == Delivered:
		steps = append(steps, n.Arrive)
	case to == Returning:
		steps = append(steps, n.Turn)
	case to == Returned && from == Returning:
		steps = append(steps, n.Back)
	case to == Returned:
		steps = append(steps, n.Turn, n.Back)
	case to == Lost:
		steps = append(steps, n.Lose)
	}
	if len(moves) > 0 {
		err := a.tx.Try(func() error {
			for _, step := range steps {
				if err := step(a.tx, o.ID, moves); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := sh.to(to, a.tx.Now); err != nil {
		return err
	}
	sh.DeliveredAt = time.Time{}
	if to == Delivered {
		sh.DeliveredAt = at
	}
	if sh.done() {
		sh.NextTrack = time.Time{}
	}
	if to == Returning || to == Returned || to == Lost || to == Delivered && from == Returning {
		a.home = append(a.home, Homecoming{
			ShipmentID: sh.ID, OrderID: o.ID, Account: sh.Account, LocationID: sh.Location, State: to, Number: sh.Number,
			Carrier: sh.Carrier, Tracking: sh.Tracking, Reason: string(st.Reason), At: at, Lines: moves,
		})
	}
	return nil
}

// became notes what became of a parcel's cash.
func (a *applying) became(sh *Shipment, what string, at time.Time) {
	if sh.Cash.Minor > 0 {
		a.cash[sh.OrderID] = true
		a.facts = append(a.facts, CashFact{OrderID: sh.OrderID, ShipmentID: sh.ID, Cash: sh.Cash.Minor, What: what, At: at})
	}
}

// done reports whether nothing more is expected of the carrier.
func (sh *Shipment) done() bool {
	return sh.State == Delivered || sh.State == Returned || sh.State == Lost || sh.State == Cancelled
}

// tell makes known what has changed.
func (a *applying) tell(o Order, sh *Shipment, at time.Time, source string, st courier.Standing) error {
	fact, err := a.s.fact(a.tx, o, sh, at)
	if err != nil {
		return err
	}
	fact.Status, fact.Source = string(st.Status), source
	key := exception.Key{Cause: exception.DeliveryFailed, SubjectKind: "shipment", Subject: sh.ID}
	switch sh.State {
	case Attempted, Returning:
		a.raise = append(a.raise, exception.Case{
			Cause: key.Cause, SubjectKind: key.SubjectKind, Subject: key.Subject, Order: sh.OrderID, Account: sh.Account, Location: sh.Location,
			Detail: map[string]any{"shipment": sh.Number, "status": st.Status, "reason": st.Reason, "attempts": st.Attempts},
		})
	case Delivered, Returned:
		a.clear = append(a.clear, key)
	}
	a.clear = append(a.clear, exception.Key{Cause: exception.ContradictingStatus, SubjectKind: "shipment", Subject: sh.ID})
	if !sh.done() {
		a.evs = append(a.evs, sh.event(event.ShipmentScanned, at, fact, false))
		return nil
	}
	a.evs = append(a.evs, sh.event(event.ShipmentClosed, at, fact, false))
	what := CashVoid
	if sh.State == Delivered {
		what = CashCollected
	}
	a.became(sh, what, at)
	if sh.State != Delivered || sh.Announced {
		return nil
	}
	sh.Announced = true
	meta, lines, err := a.s.contract(a.tx, o, sh, event.ShipmentDelivered, at)
	body := event.ShipmentDeliveredV1{
		Meta: meta, ShipmentID: sh.ID, ShipmentNumber: sh.Number, ExternalID: sh.External, Courier: cmp.Or(sh.Carrier, sh.Courier), Tracking: sh.Tracking,
		DeliveredAt: at.UTC(), Source: source, Lines: lines,
	}
	a.evs = append(a.evs, sh.event(event.ShipmentDelivered, at, body, true))
	return err
}

// close writes what has changed.
func (a *applying) close() error {
	if len(a.dirty) > 0 {
		if err := save(a.tx, a.dirty...); err != nil {
			return err
		}
	}
	if _, err := a.tx.Exec(`update shipment_events set applied = true where id in (select key from json_each($1))`, db.Keys(a.applied)); err != nil {
		return err
	}
	if err := outbox.Append(a.tx, a.evs...); err != nil {
		return err
	}
	if err := exception.Raise(a.tx, a.raise...); err != nil {
		return err
	}
	if err := exception.Clear(a.tx, "dispatch", "the parcel has moved on", a.clear...); err != nil {
		return err
	}
	if err := a.settleCash(); err != nil {
		return err
	}
	if len(a.home) == 0 {
		return nil
	}
	return a.s.need.Returning(a.tx, a.home)
}
