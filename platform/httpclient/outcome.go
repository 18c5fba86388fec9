package httpclient

import (
	"context"
	"errors"
	"net/url"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Codes of the faults that the client itself makes.
const (
	NotSent  = "not_sent"  // the partner surely saw nothing of the request
	NoAnswer = "no_answer" // the partner may have seen the request and done what it asks
	TooLarge = "too_large" // the answer was larger than allowed
	Private  = "private_address"
)

func notSent(err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return known
	}
	return unavailable(err, false)
}

func unavailable(err error, sent bool) error {
	f := &fault.Error{Kind: fault.Unavailable, Code: NotSent, Message: "the partner cannot be reached", Err: err}
	switch {
	case errors.Is(err, context.Canceled):
		f.Message = "the call was given up"
	case sent:
		f.Message = "the partner did not answer"
	}
	if sent {
		f.Code = NoAnswer
	}
	return f
}

// Sent reports whether a request that failed may have reached the partner.
func Sent(err error) bool {
	switch fault.CodeOf(err) {
	case NotSent, Private:
		return false
	}
	return err != nil
}

// Outcome is what the failure of an outside effect means: when the request was sent and there is no verdict of the partner, it is
// OutcomeUnknown, and nobody may repeat the effect blindly. Sent is whether the request may have left, where the caller knows; what the
// client knows better counts. A verdict of the partner, and a nil error, stay as they are.
func Outcome(err error, sent bool) error {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.Internal:
		if err != nil && sent && Sent(err) {
			return &fault.Error{Kind: fault.OutcomeUnknown, After: fault.After(err), Err: err, Message: "the answer was lost: it is not known whether it was done"}
		}
	}
	return err
}

// Clean takes from an error of http.Client the address, in whose query secrets may stand.
func Clean(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
