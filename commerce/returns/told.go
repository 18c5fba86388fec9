package returns

import (
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// Opened hears what the channel calls a return that it was told of. Safe to repeat.
func (s *Service) Opened(tx *db.Tx, id, external string) error {
	w, err := s.open(tx, id, 0)
	if err != nil {
		return err
	}
	if w.rma.External != "" && w.rma.Detail.Untold == "" {
		return nil // a reading was first
	}
	w.rma.External = external
	if w.rma.Detail.Untold != "" {
		w.rma.Detail.Untold = ""
		w.cleared = append(w.cleared, exception.Key{Cause: exception.PushRefused, SubjectKind: "return", Subject: w.rma.ID})
	}
	w.happened("shown", external, nil)
	return s.commit(tx, []*work{w})
}

// Told hears whether the channel took what it was told of a return. A refusal becomes the return's case and shows in its timeline; it closes once the channel has taken it, or
// a person says that it was done there by hand. A lost answer is the teller's case. Safe to repeat.
func (s *Service) Told(tx *db.Tx, id string, cause error) error {
	if fault.Is(cause, fault.OutcomeUnknown) {
		return nil
	}
	w, err := s.open(tx, id, 0)
	if err != nil {
		return err
	}
	why := ""
	if cause != nil {
		why = fault.Message(cause)
	}
	if w.rma.Detail.Untold == why {
		return nil
	}
	w.rma.Detail.Untold = why
	key := exception.Key{Cause: exception.PushRefused, SubjectKind: "return", Subject: w.rma.ID}
	if cause == nil {
		w.cleared = append(w.cleared, key)
		w.happened("told", "", nil)
		return s.commit(tx, []*work{w})
	}
	w.raised = append(w.raised, exception.Case{
		Cause: key.Cause, SubjectKind: key.SubjectKind, Subject: key.Subject, Order: w.rma.OrderID, Account: w.rma.Account, Location: w.rma.Location,
		Detail: map[string]any{"number": w.rma.Number, "order": w.order.Number, "decision": w.rma.Decision, "reason": why, "code": fault.CodeOf(cause)},
	})
	w.happened("untold", why, nil)
	return s.commit(tx, []*work{w})
}
