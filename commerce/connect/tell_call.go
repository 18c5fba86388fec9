package connect

import (
	"context"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/httpclient"
)

// look asks whether an earlier attempt got through. Acts that the partner takes twice without harm are simply done again.
func (s *Service) look(ctx context.Context, o *opened, t tell, h channel.Handling) (Outcome, bool, error) {
	out := Outcome{Act: t.Act, Subject: t.Subject}
	if slices.Contains(harmless, t.Act) {
		return out, false, nil
	}
	f, ok := o.ch.(channel.Finder)
	if !ok {
		return out, false, cannotAsk(o)
	}
	found, err := f.Find(ctx, string(t.Act), h)
	switch {
	case err == nil:
	case fault.Is(err, fault.NotFound):
		return out, false, nil
	case fault.Is(err, fault.Invalid): // it cannot be searched for this
		return out, false, cannotAsk(o)
	case fault.Temporary(err), fault.Is(err, fault.Unauthorized):
		return out, false, err
	default: // it is the search that failed: nothing is known of the act
		return out, false, fault.Wrap(fault.OutcomeUnknown, err, "an answer was lost, and asking what became of it failed: "+fault.Message(err))
	}
	out.Ship.External = found.External
	out.Pack.Packages = found.Packages
	if found.Refund != nil {
		out.Refund = *found.Refund
	}
	return out, true, nil
}

// harmless are the acts that the seam promises to take twice as once, or of which the second says the same again.
var harmless = []Act{TellArrived, TellComplete, TellDecide, TellRefund, TellReturn, TellOpen, TellUnpack, TellRetrack}

func cannotAsk(o *opened) error {
	return fault.New(fault.OutcomeUnknown, "an answer was lost and %s cannot be asked what became of it", o.kind.Title).WithCode(codeCannotAsk)
}

const codeCannotAsk = "cannot_ask"

// do makes the call.
func (s *Service) do(ctx context.Context, o *opened, t tell, h channel.Handling) (Outcome, error) {
	out, p := Outcome{Act: t.Act, Subject: t.Subject}, t.Payload
	var err error
	switch t.Act {
	case TellArrived:
		err = o.ch.(channel.Acknowledger).Acknowledge(ctx, t.External, p.Number)
	case TellPack:
		if out.Pack, err = o.ch.(channel.Packer).Pack(ctx, h); err == nil {
			if wait := packedLater(out.Pack); wait != nil { // the partner's own word: nothing was packed, and soon may be
				return Outcome{Act: t.Act, Subject: t.Subject}, wait
			}
		}
	case TellShip:
		out.Ship, err = o.ch.(channel.Shipper).Ship(ctx, channel.ShipNotice{Handling: h, Carrier: p.Carrier, Tracking: p.Tracking, URL: p.URL, Packages: p.Packages, Notify: true, At: p.At})
	case TellUnpack:
		err = o.ch.(channel.Unpacker).Unpack(ctx, h, p.Packages)
	case TellRetrack:
		err = o.ch.(channel.Retracker).Retrack(ctx, channel.Retracking{Handling: h, Parcel: t.Parcel, Was: p.Was, Carrier: p.Carrier, Tracking: p.Tracking, URL: p.URL, Notify: true})
	case TellComplete:
		c := channel.Completion{Handling: h, Parcel: t.Parcel, CashPaid: p.CashPaid}
		if c.Parcel == "" {
			c.Parcel = p.Tracking
		}
		if p.Verdict == "returned" {
			c.FailedAt = p.At
		} else {
			c.DeliveredAt = p.At
		}
		err = o.ch.(channel.Completer).Complete(ctx, c)
	case TellCancel:
		err = o.ch.(channel.Canceller).Cancel(ctx, channel.Cancellation{Handling: h, Whole: p.Whole, Reason: reasonOf(p.Reason), Note: p.Reason, Restock: false, Refund: true, Notify: true})
	case TellDecide:
		err = o.ch.(channel.CancelDecider).DecideCancel(ctx, t.External, *p.Request, p.Agree, p.Reason)
	case TellRefund:
		out.Refund, err = o.ch.(channel.Refunder).Refund(ctx, refundRequest(h, p.Refund))
	case TellOpen:
		out.Return, err = o.ch.(channel.ReturnOpener).OpenReturn(ctx, h)
	case TellReturn:
		err = o.ch.(channel.ReturnDecider).DecideReturn(ctx, channel.ReturnDecision{Order: t.External, Verdict: p.Verdict, Reason: p.Reason, Reference: t.Reference, Return: returnOf(p.Return)})
	}
	return out, httpclient.Outcome(err, true)
}

// packedLater is why nothing was packed, where that passes by itself.
func packedLater(r channel.PackResult) error {
	i := slices.IndexFunc(r.Refused, func(u channel.UnitRefusal) bool { return fault.Temporary(u.Err) })
	if i < 0 || len(r.Packages) > 0 {
		return nil
	}
	return r.Refused[i].Err
}

func refundRequest(h channel.Handling, f *event.RefundFact) channel.RefundRequest {
	r := channel.RefundRequest{Handling: h, Amount: money.Of(f.Amount, f.Currency), Shipping: money.Of(f.Shipping, f.Currency), Payment: f.Payment, Reason: f.Reason, Notify: true}
	for _, l := range f.Lines {
		r.Lines = append(r.Lines, channel.RefundLine{Line: l.External, Quantity: l.Quantity, Amount: money.Of(l.Amount, f.Currency), Restock: channel.Restock(l.Restock)})
	}
	return r
}

func returnOf(f *event.ReturnFact) channel.Return {
	r := channel.Return{External: f.External, Kind: f.Kind, Reason: f.Reason}
	for _, l := range f.Lines {
		rl := channel.ReturnLine{Line: l.External, Quantity: l.Quantity, Units: l.Units}
		if f.Currency != "" {
			rl.Refund = money.Of(f.Refunds[l.LineID], f.Currency)
		}
		r.Lines = append(r.Lines, rl)
	}
	return r
}

// reasonOf finds the partner-neutral word for a reason that a person gave.
func reasonOf(why string) channel.CancelReason {
	switch r := channel.CancelReason(why); r {
	case channel.CancelBuyer, channel.CancelStock, channel.CancelFraud, channel.CancelUnpaid, channel.CancelAddress, channel.CancelPricing:
		return r
	}
	if why == "not paid in time" {
		return channel.CancelUnpaid
	}
	return channel.CancelOther
}

// handling names the units at the partner, with the partner's own location.
func (s *Service) handling(ctx context.Context, t *tell) (channel.Handling, error) {
	h := channel.Handling{Order: t.External, Reference: t.Reference, Tracking: t.Payload.Tracking}
	lines := t.Payload.Lines
	if t.Payload.Refund != nil {
		for _, l := range t.Payload.Refund.Lines {
			lines = append(lines, event.UnitsMove{LineID: l.LineID, External: l.External, Quantity: l.Quantity, Units: l.Units})
		}
	}
	for _, l := range lines {
		h.Lines = append(h.Lines, channel.Quantity{Line: l.External, Quantity: l.Quantity})
		h.Units = append(h.Units, l.Units...)
	}
	if t.Act == TellReturn && t.Payload.Return.External == "" {
		return h, s.need.DB.Read(ctx, func(tx *db.Tx) error { return openedAs(tx, t) })
	}
	if t.Payload.Location == "" && t.Act != TellComplete && t.Act != TellRetrack {
		return h, nil
	}
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		places, err := s.Places(tx, t.Account)
		h.Location = places[t.Payload.Location]
		if err != nil || t.Act != TellComplete && t.Act != TellRetrack {
			return err
		}
		t.Parcel, err = parcelOf(tx, *t)
		return err
	})
	return h, err
}

// openedAs fills in what the channel calls the return that it was told to open; fault.Refused when it never did.
func openedAs(tx *db.Tx, t *tell) error {
	var answer struct {
		Return string `json:"return"`
	}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) { return struct{}{}, row.Scan(db.JSON(&answer)) },
		`select answer from tells where order_id = $1 and act = 'open_return' and subject_id = $2 and answer is not null`, t.Order, t.Subject)
	if err == nil && answer.Return == "" {
		err = fault.New(fault.Refused, "the channel was not told of the return").WithCode("not_opened")
	}
	t.Payload.Return.External = answer.Return
	return err
}

// parcelOf is what the channel called the parcel of this completion when it was told that it had left; "" when it gave it no name.
func parcelOf(tx *db.Tx, t tell) (string, error) {
	var answer struct {
		External string `json:"external"`
	}
	reference := t.Reference
	if t.Act == TellRetrack {
		reference = t.Payload.Number
	}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) { return struct{}{}, row.Scan(db.JSON(&answer)) },
		`select answer from tells where account_id = $1 and act = 'ship' and reference = $2 and answer is not null`, t.Account, reference)
	return answer.External, err
}
