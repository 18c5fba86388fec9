package order

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// DecideCancel answers a buyer's or channel's wish to cancel. Agreeing cancels what was asked for, as far as it has not been handed over; declining lets the order go on.
// The channel is told the answer by event, and cancels at its side itself. fault.Conflict when nobody asks (any more), or when somebody changed the order first.
func (s *Service) DecideCancel(ctx context.Context, id string, version int64, agree bool, reason, actor string) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error { return s.DecideCancelTx(tx, id, version, agree, reason, actor) })
}

// DecideCancelTx is DecideCancel in the caller's transaction.
func (s *Service) DecideCancelTx(tx *db.Tx, id string, version int64, agree bool, reason, actor string) error {
	h, lines, err := s.atVersion(tx, id, version)
	if err != nil {
		return err
	}
	open, err := holdsOf(tx, []string{h.ID})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(open[h.ID], func(o hold) bool { return o.Type == HoldCancel })
	if i < 0 || !h.Effective() {
		return fault.New(fault.Conflict, "nobody asks to cancel order %s", h.Number).WithCode("no_request")
	}
	asked := open[h.ID][i]
	if asked.Request == nil {
		asked.Request = &channel.CancelRequest{Reason: asked.Detail}
	}
	if agree {
		err = s.agree(tx, &h, lines, open[h.ID], asked, reason, actor)
	} else {
		err = s.releaseLocked(tx, &h, lines, HoldCancel, actor, "declined")
	}
	if err != nil {
		return err
	}
	answer := event.CancelAnswer{
		OrderID: h.ID, AccountID: h.Account, External: h.External, Request: asked.Request.External, Agree: agree, Reason: reason, Reference: asked.ID,
	}
	return s.emit(tx, h.out(event.CancelDecided, false, tx.Now, answer))
}

// agree ends the request and cancels what it asks for.
func (s *Service) agree(tx *db.Tx, h *Head, lines []Line, open []hold, asked hold, reason, actor string) error {
	c := newHoldChange()
	c.settle(tx, h, open, nil, []HoldType{HoldCancel}, actor)
	if err := c.write(tx, actor); err != nil {
		return err
	}
	tx.Send(`update order_holds set outcome = 'agreed' where id = $1`, asked.ID)
	tx.Send(`update orders set holds = $2 where id = $1`, h.ID, h.Holds)
	err := s.Note(tx, []Fact{{OrderID: h.ID, Kind: "cancel_agreed", Source: "person", Actor: actor, Detail: json.RawMessage(text(map[string]string{"reason": reason, "asked": asked.Detail}))}})
	if err != nil {
		return err
	}
	if reason == "" {
		reason = asked.Detail
	}
	cut := cutOf(lines, asked.Request)
	if len(cut) == 0 && len(asked.Request.Lines)+len(asked.Request.Units) > 0 {
		return fault.New(fault.Conflict, "what is asked to be cancelled of order %s has been handed over or cancelled already", h.Number).WithCode("handed_over")
	}
	_, err = s.CancelTx(tx, Cancelling{
		Order: h.ID, Lines: cut, Reason: reason, Initiator: initiatorWord(string(asked.Request.By)), Actor: actor, Source: "person", answers: true,
	})
	return err
}

// cutOf is what a request asks for in our lines; none means all that is open.
func cutOf(lines []Line, r *channel.CancelRequest) []CutLine {
	var all []CutLine
	for i := range lines {
		l := &lines[i]
		cut := CutLine{LineID: l.ID}
		for _, q := range r.Lines {
			if q.Line == l.External {
				cut.Quantity += q.Quantity
			}
		}
		for _, u := range l.Units {
			if slices.Contains(r.Units, u.External) && u.Bucket == InOpen {
				cut.Units = append(cut.Units, u.External)
			}
		}
		if len(r.Units) > 0 {
			cut.Quantity = int64(len(cut.Units))
		}
		if cut.Quantity = min(cut.Quantity, l.Open); cut.Quantity > 0 {
			all = append(all, cut)
		}
	}
	return all
}
