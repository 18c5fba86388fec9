package dispatch

import (
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Packed takes what the sales channel answered when it was asked to pack: packages, numbers, labels, refused units; or the reason why not. It runs in the
// transaction of the answer and is safe to repeat. What is refused becomes a person's case, and the parcel stays packed without a waybill.
func (s *Service) Packed(tx *db.Tx, shipment string, res channel.PackResult, cause error) error {
	o, sh, err := s.open(tx, shipment)
	if err != nil {
		return err
	}
	if sh.State == Issued || sh.gone() {
		return s.lateLabel(tx, sh, res)
	}
	if sh.State == Cancelled || sh.State == Unknown && cause == nil && len(res.Packages)+len(res.Refused) == 0 { // a person says that it happened, and types the number
		return nil
	}
	if cause == nil && len(res.Packages) == 0 && len(res.Refused) > 0 {
		cause = res.Refused[0].Err
	}
	switch {
	case fault.Is(cause, fault.OutcomeUnknown):
		if sh.State == Unknown {
			return nil
		}
		if err := sh.to(Unknown, tx.Now); err != nil {
			return err
		}
		sh.Cause = fault.Message(cause)
		if err := save(tx, sh); err != nil {
			return err
		}
		return sh.changed(tx, "channel")
	case cause != nil:
		return s.refuse(tx, sh, cause)
	case len(res.Packages) == 0:
		return s.refuse(tx, sh, fault.New(fault.Refused, "the channel gave no package"))
	}
	for _, p := range res.Packages {
		sh.Packages = append(sh.Packages, Package{External: p.External, Carrier: p.Carrier, Tracking: p.Tracking, Units: p.Units})
	}
	first := res.Packages[0]
	if err := s.channelLabels(tx, sh, res); err != nil {
		return err
	}
	b := courier.Booking{Waybill: courier.Waybill{Carrier: first.Carrier, Tracking: first.Tracking}, External: first.External}
	if err := s.issue(tx, o, sh, b); err != nil {
		return err
	}
	if len(res.Refused) == 0 {
		return nil
	}
	var units []string
	for _, r := range res.Refused {
		units = append(units, r.Unit)
	}
	return exception.Raise(tx, exception.Case{
		Cause: exception.PushRefused, SubjectKind: "shipment", Subject: sh.ID, Order: sh.OrderID, Account: sh.Account, Location: sh.Location,
		Detail: map[string]any{"shipment": sh.Number, "refused_units": units, "reason": fault.Message(res.Refused[0].Err)},
	})
}

// lateLabel keeps a label that came after the number.
func (s *Service) lateLabel(tx *db.Tx, sh *Shipment, res channel.PackResult) error {
	if sh.labelKey != "" {
		return nil
	}
	return s.channelLabels(tx, sh, res)
}

// ChannelFact is what a channel says about the parcels of one order.
type ChannelFact struct {
	OrderID string
	Account string
	Parcels []channel.Parcel
	Units   []channel.Unit
	Lines   map[string]string // the channel's line id → ours
	At      time.Time         // when it was read
}

// FromChannel records what a channel says about parcels under way, matched by package, number or units. It runs in the transaction of an import, which
// holds the orders' locks, and leaves the consequences to Applier. What matches no parcel of ours is left to the order, which keeps it.
func (s *Service) FromChannel(tx *db.Tx, facts []ChannelFact) error {
	var ids []string
	for _, f := range facts {
		ids = append(ids, f.OrderID)
	}
	all, err := ofOrders(tx, distinct(ids))
	if err != nil || len(all) == 0 {
		return err
	}
	var scans []ScanFact
	for _, f := range facts {
		for _, sh := range all {
			if sh.OrderID == f.OrderID && !sh.void() {
				scans = append(scans, sh.heard(f)...)
			}
		}
	}
	if len(scans) == 0 {
		return nil
	}
	orders, n, err := s.record(tx, scans)
	if err != nil || n == 0 {
		return err
	}
	var evs []outbox.Event
	told := map[string]bool{}
	for _, sh := range all {
		if slices.Contains(orders, sh.OrderID) && !told[sh.OrderID] {
			told[sh.OrderID] = true
			evs = append(evs, sh.event(event.ShipmentScanned, tx.Now, event.ShipmentFact{ShipmentID: sh.ID, OrderID: sh.OrderID}, false))
		}
	}
	return outbox.Append(tx, evs...)
}

// heard picks what a channel's word means for one parcel.
func (sh *Shipment) heard(f ChannelFact) []ScanFact {
	var all []ScanFact
	for _, p := range f.Parcels {
		if sh.is(p) {
			all = append(all, sh.heardStatus(p.Status, p.Raw, p.At, f.At)...)
		}
	}
	if len(all) > 0 {
		return all
	}
	mine := map[string]bool{}
	for _, g := range sh.Goods {
		for _, u := range g.Units {
			mine[u] = true
		}
	}
	for _, p := range sh.Packages {
		for _, u := range p.Units {
			mine[u] = true
		}
	}
	// The units of a parcel travel together: the channel's word counts when all of them say the same.
	var status channel.Status
	var raw string
	for _, u := range f.Units {
		if !mine[u.External] {
			continue
		}
		if status != "" && u.Status != status {
			return nil
		}
		status, raw = u.Status, u.Raw
	}
	return sh.heardStatus(status, raw, time.Time{}, f.At)
}

func (sh *Shipment) is(p channel.Parcel) bool {
	if p.External != "" && (p.External == sh.External || slices.ContainsFunc(sh.Packages, func(k Package) bool { return k.External == p.External })) {
		return true
	}
	return p.Tracking != "" && (p.Tracking == sh.Tracking || slices.ContainsFunc(sh.Packages, func(k Package) bool { return k.Tracking == p.Tracking }))
}

var channelWords = map[channel.Status]courier.Status{
	channel.Shipped: courier.InTransit, channel.Delivered: courier.Delivered, channel.Completed: courier.Delivered, channel.Failed: courier.Attempted,
	channel.Returning: courier.ReturnInitiated, channel.Returned: courier.Returned, channel.Lost: courier.Lost,
}

// heardStatus is a scan in the channel's name. Where the channel gives no time, its status is one fact, first heard when it was read.
func (sh *Shipment) heardStatus(st channel.Status, raw string, at, readAt time.Time) []ScanFact {
	word, moves := channelWords[st]
	if !moves {
		return nil
	}
	f := ScanFact{Shipment: sh.ID, Source: ByPartner, Scan: courier.Scan{Status: word, Raw: raw, At: at}}
	if raw == "" {
		f.Raw = string(st)
	}
	if at.IsZero() {
		f.At, f.RawAt = readAt, "read" // the key must not change with the time of reading
	}
	return []ScanFact{f}
}
