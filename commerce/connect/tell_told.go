package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// settle writes what became of an intent, and lets those who wait for it know in the same transaction.
func (s *Service) settle(ctx context.Context, o *opened, t tell, out Outcome, cause error) error {
	if fault.Is(cause, fault.Unauthorized) {
		s.unwell(ctx, o.acc, cause)
	}
	return s.need.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		if cause == nil {
			return s.told(tx, t, out)
		}
		return s.untold(tx, o, t, out, cause)
	})
}

// fenced lets only who holds the lease write an outcome.
func fenced() string {
	if db.Sabotaged("lease_fencing") {
		return ` and fence >= $2`
	}
	return ` and fence = $2`
}

func (s *Service) told(tx *db.Tx, t tell, out Outcome) error {
	answer, err := json.Marshal(map[string]any{"external": out.Ship.External, "packages": len(out.Pack.Packages), "refund": out.Refund.External, "return": out.Return})
	if err != nil {
		return fmt.Errorf("answer of %s: %w", t.Act, err)
	}
	n, err := tx.Exec(`update tells set state = 'told', uncertain = false, told_at = $3, answer = $4, cause = null, lease_until = null where id = $1`+fenced(), t.ID, t.Fence, db.Micros(tx.Now), string(answer))
	if err != nil || n == 0 {
		return err
	}
	key := exception.Key{SubjectKind: "tell", Subject: t.ID}
	refused, unknown := key, key
	refused.Cause, unknown.Cause = exception.PushRefused, exception.OutcomeUnknown
	if err := exception.Clear(tx, "system", "the channel has been told", refused, unknown); err != nil {
		return err
	}
	return s.passOn(tx, t, out)
}

// untold decides between later, refused and unknown.
func (s *Service) untold(tx *db.Tx, o *opened, t tell, out Outcome, cause error) error {
	state, uncertain, next := "intended", true, tx.Now.Add(max(fault.After(cause), backoff(t.Attempts)))
	what, attempts := "", t.Attempts
	switch kind := fault.KindOf(cause); kind {
	case fault.Throttled, fault.Unauthorized: // nothing was tried
		uncertain, attempts = t.Uncertain, t.Attempts-1
	case fault.Refused, fault.Invalid, fault.NotFound, fault.Forbidden, fault.Conflict:
		uncertain = t.Uncertain
		if kind != fault.Conflict || t.Attempts >= 5 {
			state, what = "refused", exception.PushRefused
		}
	case fault.OutcomeUnknown:
		_, finds := o.ch.(channel.Finder)
		finds = finds || slices.Contains(harmless, t.Act) // asked for again it happens once
		if !finds || t.Attempts >= 20 || fault.CodeOf(cause) == codeCannotAsk {
			state, what = "unknown", exception.OutcomeUnknown
		}
	default: // do says OutcomeUnknown of what may have been sent, but for packing what the partner makes of each unit
		uncertain = t.Uncertain || t.Act == TellPack
		if t.Attempts >= 20 && !fault.Temporary(cause) {
			state, what = "refused", exception.PushRefused
		}
	}
	n, err := tx.Exec(`update tells set state = $3, uncertain = $4, next_at = $5, cause = $6, cause_kind = $7, attempts = $8, lease_until = null where id = $1`+fenced(),
		t.ID, t.Fence, state, uncertain, db.Micros(next), fault.Message(cause), fault.KindOf(cause).String(), attempts)
	if err != nil || n == 0 || what == "" {
		return err
	}
	err = exception.Raise(tx, exception.Case{
		Cause: what, SubjectKind: "tell", Subject: t.ID, Order: t.Order, Account: t.Account,
		Detail: map[string]string{"act": string(t.Act), "reason": fault.Message(cause), "code": fault.CodeOf(cause)},
	})
	if err != nil {
		return err
	}
	out.Act, out.Subject, out.Err = t.Act, t.Subject, cause
	return s.passOn(tx, t, out)
}

// passOn lets the context that waits for a label, a hand-over, a refund or a return know.
func (s *Service) passOn(tx *db.Tx, t tell, out Outcome) error {
	switch t.Act {
	case TellPack:
		return s.need.Packed(tx, out)
	case TellShip:
		if err := s.need.Shipped(tx, out); err != nil {
			return err
		}
		return s.reshow(tx, t)
	case TellRefund:
		return s.need.RefundDone(tx, out)
	case TellReturn, TellOpen:
		if s.need.ReturnTold != nil {
			return s.need.ReturnTold(tx, out)
		}
	}
	return nil
}
