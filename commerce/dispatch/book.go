package dispatch

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/jobs"
)

// The jobs of this context.
const (
	BookJob = "dispatch.book"
	VoidJob = "dispatch.void"
)

const firstTrack = 30 * time.Minute

type bookPayload struct {
	Shipment string `json:"shipment_id"`
}

func voidJob(sh *Shipment) jobs.Job {
	return jobs.Job{Kind: VoidJob, Key: sh.ID, Account: "courier:" + sh.Courier, Payload: bookPayload{sh.ID}}
}

// Handlers are the jobs that reach couriers: booking, which is never repeated blindly, and voiding, which is harmless twice.
func (s *Service) Handlers() []jobs.Handler {
	return []jobs.Handler{
		{Kind: BookJob, Effect: true, MaxAttempts: 12, Lease: 2 * time.Minute, Do: s.book},
		{Kind: VoidJob, MaxAttempts: 12, Lease: 2 * time.Minute, Do: s.voidAt},
	}
}

// book gives a shipment its waybill: the shipment's own reference goes along, so that a lost answer can be looked up.
func (s *Service) book(ctx context.Context, r *jobs.Run) (func(tx *db.Tx) error, error) {
	p, err := jobs.Decode[bookPayload](r)
	if err != nil {
		return nil, err
	}
	sh, err := s.read(ctx, p.Shipment)
	if err != nil {
		return nil, err
	}
	if sh.State != Intended && sh.State != Unknown && (sh.State != Cancelled || !r.Uncertain) {
		return nil, nil
	}
	c, kind, err := s.need.Courier(ctx, sh.Courier)
	if err != nil {
		return s.unbooked(ctx, sh, r, err)
	}
	if r.Uncertain {
		b, found, err := look(ctx, c, kind, sh.Reference)
		if err != nil {
			return s.unbooked(ctx, sh, r, err)
		}
		if found {
			return s.booked(ctx, c, sh, b)
		}
		r.Uncertain = false // the courier surely has no such parcel
	}
	if sh.State == Cancelled {
		return nil, nil
	}
	parcel, err := s.need.Parcel(ctx, ParcelAsk{Shipment: sh, Purpose: "label", Actor: "system:dispatch"})
	if err != nil {
		return s.unbooked(ctx, sh, r, err)
	}
	parcel.Service, parcel.Cash = sh.Service, sh.Cash
	if parcel.Grams == 0 {
		parcel.Grams = sh.WeightG
	}
	if err := kind.CheckCash(sh.Cash); err != nil {
		return s.unbooked(ctx, sh, r, err)
	}
	b, err := c.Book(ctx, sh.Reference, parcel)
	if err != nil {
		return s.unbooked(ctx, sh, r, err)
	}
	return s.booked(ctx, c, sh, b)
}

// look asks whether an earlier attempt got through.
func look(ctx context.Context, c courier.Courier, kind courier.Kind, reference string) (courier.Booking, bool, error) {
	f, ok := c.(courier.Finder)
	if !ok {
		return courier.Booking{}, false, fault.New(fault.OutcomeUnknown, "an answer was lost and %s cannot be asked what became of the booking", kind.Title)
	}
	b, err := f.FindBooking(ctx, reference)
	if fault.Is(err, fault.NotFound) {
		return b, false, nil
	}
	return b, err == nil, err
}

// booked fetches the label where it comes apart, and writes both down with the end of the job.
func (s *Service) booked(ctx context.Context, c courier.Courier, sh Shipment, b courier.Booking) (func(tx *db.Tx) error, error) {
	label := b.Label
	if l, ok := c.(courier.Labeller); ok && label == nil {
		got, err := l.Labels(ctx, []string{b.Tracking}, courier.PDF)
		if err != nil {
			s.need.Log.Warn("label", "shipment", sh.Number, "err", err) // it can be fetched again; the waybill is what counts
		} else {
			label = &got
		}
	}
	return func(tx *db.Tx) error {
		o, now, err := s.open(tx, sh.ID)
		if err != nil {
			return err
		}
		if now.State == Cancelled { // called off while the courier was asked
			now.Carrier, now.Tracking, now.External = b.Carrier, b.Tracking, b.External
			if err := save(tx, now); err != nil {
				return err
			}
			return jobs.Enqueue(tx, voidJob(now))
		}
		if now.State == Issued || now.gone() {
			return nil
		}
		if label != nil {
			if err := s.keepLabels(tx, now, []Document{{string(label.Format), label.Body}}); err != nil {
				return err
			}
		}
		if err := taken(tx, now.ID, b.Carrier, b.Tracking); err != nil {
			return s.refuse(tx, now, err)
		}
		if now.Cash == sh.Cash {
			return s.issue(tx, o, now, b)
		}
		now.Cash = sh.Cash // what is due has changed while the courier was asked: the waybill says what it says
		if err := s.issue(tx, o, now, b); err != nil {
			return err
		}
		return s.CashChanged(tx, []string{o.ID})
	}, nil
}

// unbooked decides what a failure means: a refusal is a person's case, an unknown outcome waits, everything else is tried again by the job.
func (s *Service) unbooked(ctx context.Context, sh Shipment, r *jobs.Run, cause error) (func(tx *db.Tx) error, error) {
	switch kind := fault.KindOf(cause); kind {
	case fault.Refused, fault.Invalid, fault.Forbidden, fault.NotFound, fault.Conflict:
		return func(tx *db.Tx) error {
			_, now, err := s.open(tx, sh.ID)
			if err != nil || (now.State != Intended && now.State != Unknown) {
				return err
			}
			return s.refuse(tx, now, cause)
		}, nil
	case fault.OutcomeUnknown:
		err := s.need.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
			_, now, err := s.open(tx, sh.ID)
			if err != nil || now.State != Intended {
				return err
			}
			if err := now.to(Unknown, tx.Now); err != nil {
				return err
			}
			now.Cause = fault.Message(cause)
			now.Attempts++
			if err := save(tx, now); err != nil {
				return err
			}
			return now.changed(tx, "courier")
		})
		if err != nil {
			return nil, err
		}
	}
	return nil, cause
}

// refuse ends an attempt to get a waybill: the parcel stays packed, and a person decides.
func (s *Service) refuse(tx *db.Tx, sh *Shipment, cause error) error {
	if err := sh.to(Refused, tx.Now); err != nil {
		return err
	}
	sh.Cause, sh.Cash.Minor = fault.Message(cause), 0
	sh.Attempts++
	if err := save(tx, sh); err != nil {
		return err
	}
	if err := sh.changed(tx, "courier"); err != nil {
		return err
	}
	why := exception.CourierRefused
	if sh.Source == FromChannel {
		why = exception.PushRefused
	}
	return exception.Raise(tx, exception.Case{
		Cause: why, SubjectKind: "shipment", Subject: sh.ID, Order: sh.OrderID, Account: sh.Account, Location: sh.Location,
		Detail: map[string]string{"shipment": sh.Number, "carrier": sh.Courier, "reason": fault.Message(cause), "code": fault.CodeOf(cause)},
	})
}

// voidAt calls a waybill off at the courier.
func (s *Service) voidAt(ctx context.Context, r *jobs.Run) (func(tx *db.Tx) error, error) {
	p, err := jobs.Decode[bookPayload](r)
	if err != nil {
		return nil, err
	}
	sh, err := s.read(ctx, p.Shipment)
	if err != nil || sh.State != Cancelled || sh.Tracking == "" {
		return nil, err
	}
	c, _, err := s.need.Courier(ctx, sh.Courier)
	if err != nil {
		return nil, err
	}
	if can, ok := c.(courier.Canceller); ok {
		if err := can.Cancel(ctx, sh.Tracking); err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	return nil, nil
}

// Rebook gives a packed parcel whose shipment was refused or called off another one: from the same source, or with this courier ("" = as before).
func (s *Service) Rebook(ctx context.Context, ref string, version int64, actor, with string) (Shipment, error) {
	var out Shipment
	_, err := s.on(ctx, ref, version, func(tx *db.Tx, o Order, sh *Shipment) error {
		if err := s.notStopped(o); err != nil {
			return err
		}
		switch sh.State {
		case Refused:
			if err := s.cancel(tx, "another waybill is asked for", sh); err != nil {
				return err
			}
		case Cancelled:
		default:
			return fault.New(fault.Conflict, "shipment %s is %s: call it off first", sh.Number, sh.State).WithCode("not_allowed")
		}
		packed, err := s.need.Waiting(tx, sh.Fulfillment)
		if err != nil {
			return err
		}
		if err := s.stillPacked(tx, sh, packed); err != nil {
			return err
		}
		c := Choice{Theirs: sh.Source == FromChannel, Courier: sh.Courier, Service: sh.Service}
		if with != "" && with != sh.Courier {
			c = Choice{Courier: with}
		}
		parcel := Packed{OrderID: o.ID, Fulfillment: sh.Fulfillment, Account: sh.Account, Location: sh.Location, WeightG: sh.WeightG, DeliverBy: sh.DeliverBy, Goods: sh.Goods}
		made, err := s.announce(tx, o, []Packed{parcel}, []Choice{c})
		if err != nil {
			return err
		}
		out = *made[0]
		return s.need.Audit(tx, audit.Entry{Actor: actor, Action: "shipment.rebook", SubjectKind: "shipment", Subject: sh.ID, Detail: map[string]string{"new": out.ID}})
	})
	return out, err
}

// stillPacked refuses to send goods again that were unpacked, or are in another shipment.
func (s *Service) stillPacked(tx *db.Tx, sh *Shipment, packed []Good) error {
	have := map[[2]string]int64{}
	for _, g := range packed {
		have[[2]string{g.LineID, g.Variant}] += g.Quantity
	}
	others, err := find(tx, `s.fulfillment_id = $1`, sh.Fulfillment)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.State == Cancelled || other.gone() {
			continue
		}
		for _, g := range other.Goods {
			have[[2]string{g.LineID, g.Variant}] -= g.Quantity
		}
	}
	for _, g := range sh.Goods {
		if have[[2]string{g.LineID, g.Variant}] < g.Quantity {
			return fault.New(fault.Conflict, "what was in shipment %s is not packed any more, or is in another one", sh.Number).WithCode("not_packed")
		}
	}
	return nil
}

func (s *Service) read(ctx context.Context, id string) (Shipment, error) {
	var sh Shipment
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		found, err := byID(tx, id)
		if err == nil {
			sh = *found
		}
		return err
	})
	return sh, err
}
