package dispatch

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Packed is a packed parcel that needs a waybill.
type Packed struct {
	OrderID     string
	OrderNumber string
	Fulfillment string
	Account     string
	Location    string
	WeightG     int64
	DeliverBy   time.Time
	Goods       []Good
}

// Announce makes a shipment of each packed parcel of an order whose row is locked, and starts whatever gives it its waybill: a courier's job, the
// channel, or a person. It answers the ids at the same index. The cash that a courier is to collect is split over the order's parcels,
// see cash.go.
func (s *Service) Announce(tx *db.Tx, packs []Packed) ([]string, error) {
	if len(packs) == 0 {
		return nil, nil
	}
	o, err := s.orderOf(tx, packs[0].OrderID)
	if err != nil {
		return nil, err
	}
	due, err := s.need.CashDue(tx, []string{o.ID})
	if err != nil {
		return nil, err
	}
	wanted := make([]Wanted, len(packs))
	for i, p := range packs {
		if p.OrderID != o.ID {
			return nil, fault.New(fault.Internal, "parcels of two orders are announced together")
		}
		wanted[i] = Wanted{Account: p.Account, External: o.External, Location: p.Location, Country: o.Country, COD: !due[o.ID].IsZero(), Parcels: len(packs)}
	}
	choices, err := s.need.Choose(tx, wanted)
	if err != nil {
		return nil, err
	}
	all, err := s.announce(tx, o, packs, choices)
	ids := make([]string, len(all))
	for i, sh := range all {
		ids[i] = sh.ID
	}
	return ids, err
}

// announce makes the shipments, as chosen.
func (s *Service) announce(tx *db.Tx, o Order, packs []Packed, choices []Choice) ([]*Shipment, error) {
	others, err := ofOrders(tx, []string{o.ID})
	if err != nil {
		return nil, err
	}
	var all []*Shipment
	for i, p := range packs {
		all = append(all, intended(o, p, choices[i], len(others)+i+1))
	}
	if err := s.share(tx, o, all, others); err != nil {
		return nil, err
	}
	if err := insert(tx, all); err != nil {
		return nil, err
	}
	return all, s.start(tx, o, all)
}

func intended(o Order, p Packed, c Choice, n int) *Shipment {
	sh := &Shipment{
		ID: db.ID(), OrderID: o.ID, Fulfillment: p.Fulfillment, Account: p.Account, Location: p.Location, Service: c.Service, State: Intended,
		Cash: money.Of(0, o.Currency), WeightG: p.WeightG, DeliverBy: p.DeliverBy, Goods: p.Goods, Version: 1,
	}
	sh.Number = o.Number + "-" + strconv.Itoa(n)
	sh.Reference = sh.Number
	switch {
	case c.Theirs && len(sh.moves()) > 0: // a channel knows complete units only: the first parts of a split kit go by hand
		sh.Source, sh.Courier = FromChannel, FromChannel
	case c.Theirs || c.Courier == "" || c.Courier == ByHand:
		sh.Source, sh.Courier = ByHand, ByHand
	default:
		sh.Source, sh.Courier = FromCourier, c.Courier
	}
	return sh
}

// start sets in motion what gives new shipments their waybills.
func (s *Service) start(tx *db.Tx, o Order, all []*Shipment) error {
	var evs []outbox.Event
	var work []jobs.Job
	for _, sh := range all {
		switch sh.Source {
		case FromCourier:
			work = append(work, jobs.Job{Kind: BookJob, Key: sh.ID, Account: "courier:" + sh.Courier, Payload: bookPayload{sh.ID}})
		case FromChannel:
			fact, err := s.fact(tx, o, sh, tx.Now)
			if err != nil {
				return err
			}
			evs = append(evs, sh.event(event.ShipmentWanted, tx.Now, fact, false))
		}
	}
	if err := outbox.Append(tx, evs...); err != nil {
		return err
	}
	return jobs.Enqueue(tx, work...)
}

func (s *Service) orderOf(tx *db.Tx, id string) (Order, error) {
	heads, err := s.lock(tx, id)
	if err != nil {
		return Order{}, err
	}
	o, ok := heads[id]
	if !ok {
		return o, fault.New(fault.NotFound, "there is no order %s", id)
	}
	return o, nil
}

// fact is what other contexts are told of a shipment.
func (s *Service) fact(_ *db.Tx, o Order, sh *Shipment, at time.Time) (event.ShipmentFact, error) {
	f := event.ShipmentFact{
		ShipmentID: sh.ID, Number: sh.Number, OrderID: sh.OrderID, AccountID: sh.Account, OrderExternal: o.External, FulfillmentID: sh.Fulfillment, LocationID: sh.Location,
		Courier: cmp.Or(sh.Carrier, sh.Courier), Tracking: sh.Tracking, URL: sh.TrackingURL, State: sh.State, At: at, COD: sh.Cash.Minor, Currency: sh.Cash.Currency,
	}
	f.Packages = sh.packageIDs()
	for _, m := range sh.moves() {
		f.Lines = append(f.Lines, event.UnitsMove{LineID: m.LineID, External: o.Lines[m.LineID], Quantity: m.Quantity, Units: m.Units})
	}
	return f, nil
}

func (sh *Shipment) packageIDs() []string {
	var ids []string
	for _, p := range sh.Packages {
		ids = append(ids, p.External)
	}
	return ids
}

// Waybill gives a parcel the carrier and number that a person typed: where no interface gives them, or where its answer was lost. Typing the same again
// changes nothing; typing another for a parcel of theirs that has one corrects it, until it has arrived, and the channel hears of it. A number that is on another parcel of
// the carrier is fault.Conflict with code "number_taken".
func (s *Service) Waybill(ctx context.Context, id string, version int64, actor string, w courier.Waybill) (Shipment, error) {
	c, _, err := s.need.Courier(ctx, ByHand)
	if err != nil {
		return Shipment{}, err
	}
	var ref string
	err = s.need.DB.Read(ctx, func(tx *db.Tx) error {
		ref, err = db.One(tx, scanText, `select reference from dispatch_shipments where id = $1 or number = $1`, id)
		return err
	})
	if err != nil {
		return Shipment{}, err
	}
	booked, err := c.Book(ctx, ref, courier.Parcel{Waybill: &w})
	if err != nil {
		return Shipment{}, err
	}
	return s.on(ctx, id, version, func(tx *db.Tx, o Order, sh *Shipment) error {
		if !sh.IssuedAt.IsZero() && sh.Carrier == booked.Carrier && sh.Tracking == booked.Tracking {
			return nil
		}
		if sh.Source == ByHand && contains(correctable, sh.State) {
			return s.renumber(tx, o, sh, booked, actor)
		}
		if sh.Source != ByHand && sh.State != Unknown { // of an answer that was lost, a person finds out the number
			return fault.New(fault.Conflict, "shipment %s gets its waybill from %s", sh.Number, sh.Courier).WithCode("not_manual")
		}
		if err := s.notStopped(o); err != nil {
			return err
		}
		if err := taken(tx, sh.ID, booked.Carrier, booked.Tracking); err != nil {
			return err
		}
		if err := s.issue(tx, o, sh, booked); err != nil {
			return err
		}
		return s.need.Audit(tx, audit.Entry{Actor: actor, Action: "shipment.waybill", SubjectKind: "shipment", Subject: sh.ID, Detail: map[string]string{"carrier": booked.Carrier}})
	})
}

// correctable are the states in which a number that a person typed can be typed again.
var correctable = []string{Issued, HandedOver, InTransit, Out, Attempted}

// renumber corrects carrier and number of a parcel that has them already; where it stands stays.
func (s *Service) renumber(tx *db.Tx, o Order, sh *Shipment, b courier.Booking, actor string) error {
	if err := taken(tx, sh.ID, b.Carrier, b.Tracking); err != nil {
		return err
	}
	was := sh.Tracking
	sh.Carrier, sh.Tracking, sh.TrackingURL = b.Carrier, b.Tracking, b.URL
	if err := save(tx, sh); err != nil {
		return err
	}
	f, err := s.fact(tx, o, sh, tx.Now)
	if err != nil {
		return err
	}
	f.Source = event.Renumbered
	if err := outbox.Append(tx, sh.event(event.ShipmentChanged, tx.Now, f, false)); err != nil {
		return err
	}
	return s.need.Audit(tx, audit.Entry{
		Actor: actor, Action: "shipment.renumber", SubjectKind: "shipment", Subject: sh.ID, Detail: map[string]string{"carrier": sh.Carrier, "tracking": sh.Tracking, "was": was},
	})
}

// NumberFree reports whether a number is free for the parcel with this reference: fault.Conflict when another parcel of the carrier has it.
func (s *Service) NumberFree(tx *db.Tx, carrier, tracking, reference string) error {
	own, err := db.All(tx, scanText, `select id from dispatch_shipments where reference = $1`, reference)
	if err != nil {
		return err
	}
	return taken(tx, append(own, "")[0], carrier, tracking)
}

// ByNumber finds the parcel of a carrier's tracking number, in small letters or capitals. Fault: NotFound.
func (s *Service) ByNumber(tx *db.Tx, carrier, tracking string) (Shipment, error) {
	found, err := find(tx, `upper(s.carrier) = upper($1) and s.tracking in ($2, upper($2)) and s.tracking <> '' and s.state not in ('cancelled', 'refused')`, carrier, tracking)
	if err == nil && len(found) == 0 {
		err = noSuch(tracking)
	}
	if err != nil {
		return Shipment{}, err
	}
	return *found[len(found)-1], nil
}

func taken(tx *db.Tx, own, carrier, tracking string) error {
	other, err := db.All(tx, scanText, `select number from dispatch_shipments where upper(carrier) = upper($1) and tracking = $2 and id <> $3 and source <> 'channel'
		and state not in ('cancelled', 'refused') limit 1`, carrier, tracking, own)
	if err == nil && len(other) > 0 {
		err = fault.New(fault.Conflict, "%s %s is on shipment %s already", carrier, tracking, other[0]).WithCode("number_taken")
	}
	return err
}

// issue records the waybill and makes it known, once.
func (s *Service) issue(tx *db.Tx, o Order, sh *Shipment, b courier.Booking) error {
	if err := sh.to(Issued, tx.Now); err != nil {
		return err
	}
	sh.Carrier, sh.Tracking, sh.TrackingURL, sh.External = cmp.Or(b.Carrier, sh.Courier), b.Tracking, b.URL, b.External
	sh.Service, sh.IssuedAt, sh.Cause = cmp.Or(b.Service, sh.Service), tx.Now, ""
	if err := save(tx, sh); err != nil {
		return err
	}
	if err := s.clear(tx, sh); err != nil {
		return err
	}
	body, err := s.created(tx, o, sh)
	if err != nil {
		return err
	}
	return outbox.Append(tx, sh.event(event.ShipmentCreated, tx.Now, body, true))
}

// clear closes the cases of a shipment that did not get its waybill.
func (s *Service) clear(tx *db.Tx, sh *Shipment) error {
	var keys []exception.Key
	for _, cause := range []string{exception.PushRefused, exception.CourierRefused, exception.OutcomeUnknown} {
		keys = append(keys, exception.Key{Cause: cause, SubjectKind: "shipment", Subject: sh.ID})
	}
	return exception.Clear(tx, "dispatch", "it has its waybill, or is called off", keys...)
}

// created is the contract event of a waybill.
func (s *Service) created(tx *db.Tx, o Order, sh *Shipment) (event.ShipmentCreatedV1, error) {
	places, err := s.need.Places(tx, []string{sh.Location})
	if err != nil {
		return event.ShipmentCreatedV1{}, err
	}
	meta, lines, err := s.contract(tx, o, sh, event.ShipmentCreated, tx.Now)
	body := event.ShipmentCreatedV1{
		Meta: meta, ShipmentID: sh.ID, ShipmentNumber: sh.Number, ExternalID: sh.External, LocationID: sh.Location, Location: places[sh.Location].Code,
		Courier: cmp.Or(sh.Carrier, sh.Courier), Tracking: sh.Tracking, TrackingURL: sh.TrackingURL, Lines: lines,
	}
	if !sh.Cash.IsZero() {
		body.CashToCollect = &sh.Cash
	}
	return body, err
}

// contract gives what the contract events of a shipment share.
func (s *Service) contract(tx *db.Tx, o Order, sh *Shipment, typ string, at time.Time) (event.Meta, []event.ShippedLine, error) {
	metas, err := s.need.Meta(tx, []string{sh.OrderID})
	if err != nil {
		return event.Meta{}, nil, err
	}
	m := metas[sh.OrderID]
	zone, err := time.LoadLocation(m.Zone)
	if err != nil {
		zone = time.UTC
	}
	m.At(at, zone)
	m.IdempotencyKey = event.Key(typ, sh.Account, o.External, sh.Number)
	lines := []event.ShippedLine{}
	for _, mv := range sh.moves() {
		lines = append(lines, event.ShippedLine{LineID: mv.LineID, ExternalID: o.Lines[mv.LineID], SKU: o.SKUs[mv.LineID], Quantity: mv.Quantity})
	}
	return m, lines, nil
}

func (s *Service) notStopped(o Order) error {
	if len(o.Stops) > 0 {
		return fault.New(fault.Conflict, "order %s is on hold: %s", o.Number, o.Stops[0]).WithCode("held")
	}
	return nil
}

// on runs an act on a shipment, by id, number or tracking number, with its order locked. Version 0 accepts any.
func (s *Service) on(ctx context.Context, ref string, version int64, fn func(tx *db.Tx, o Order, sh *Shipment) error) (Shipment, error) {
	var out Shipment
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		o, sh, err := s.open(tx, ref)
		if err != nil {
			return err
		}
		if version != 0 && sh.Version != version {
			return fault.New(fault.Conflict, "shipment %s has changed since you looked: it is at version %d now", sh.Number, sh.Version).WithCode("version")
		}
		err = fn(tx, o, sh)
		out = *sh
		return err
	})
	return out, err
}

// open finds a shipment by id, number or tracking number, locks its order, and reads it again. A tracking number out of reach is on no parcel.
func (s *Service) open(tx *db.Tx, ref string) (Order, *Shipment, error) {
	seen, args := tx.Within("shipments", "s", []any{ref})
	found, err := db.All(tx, func(row db.Scanner) (v [2]string, err error) {
		err = row.Scan(&v[0], &v[1])
		return v, err
	}, `select id, order_id from dispatch_shipments where id = $1 or number = $1
		union select s.id, s.order_id from dispatch_shipments s where s.tracking = $1 and s.tracking <> '' and s.state <> 'cancelled'`+seen, args...)
	switch {
	case err != nil:
		return Order{}, nil, err
	case len(found) == 0:
		return Order{}, nil, noSuch(ref)
	case len(found) > 1:
		return Order{}, nil, fault.New(fault.Conflict, "%q is on more than one parcel: use our own number", ref).WithCode("ambiguous")
	}
	o, err := s.orderOf(tx, found[0][1])
	if err != nil {
		return o, nil, err
	}
	sh, err := byID(tx, found[0][0])
	return o, sh, err
}
