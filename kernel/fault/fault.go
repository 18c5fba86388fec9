// Package fault says what kind of thing went wrong, once, where the cause is known. Start at Kind.
//
// Everyone else passes an error on; one place maps kinds to HTTP statuses (web/api), one to retry decisions (platform/jobs).
package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind classifies a failure by what the caller can do about it.
type Kind uint8

const (
	Internal       Kind = iota // our own bug or an error nobody classified
	Invalid                    // the input is wrong: it names field and reason; the same input fails again
	NotFound                   // no such thing, or not visible to the caller
	Conflict                   // the thing is not in a state that allows this, or somebody else changed it first
	Unauthorized               // credentials missing, expired or refused
	Forbidden                  // known caller, not allowed
	Throttled                  // asked too often: After says how long to wait
	Unavailable                // the other side is down, slow, or answered nonsense; repeating a read is safe
	Refused                    // the other side understood and said no: the same request is refused again
	OutcomeUnknown             // an outside effect may or may not have happened: never repeat it blindly
	Full                       // disk or quota is full
)

var kindNames = [...]string{
	"internal", "invalid", "not_found", "conflict", "unauthorized", "forbidden",
	"throttled", "unavailable", "refused", "outcome_unknown", "full",
}

// String is the kind's name as it appears in logs, metrics and problem+json types.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", k)
}

// Kinds lists every kind in order, for documentation and tables that must be complete.
func Kinds() []Kind {
	all := make([]Kind, len(kindNames))
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// Error is a failure with its kind. Message is for the person who asked; Err, the cause, is for the log.
// Neither carries secrets or personal data.
type Error struct {
	Kind    Kind
	Message string
	Field   string        // the input at fault, as a path like lines[2].quantity; "" when none
	Code    string        // the partner's own code, or a stable machine-readable reason
	After   time.Duration // for Throttled and Unavailable: do not ask again sooner; 0 when unknown
	Err     error
}

// Error is the message followed by its cause, for logs.
func (e *Error) Error() string {
	s := e.Message
	if s == "" {
		s = e.Kind.String()
	}
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error of a kind with a message for the person who asked. To keep a cause for the log, use Wrap.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Wrap gives a cause a kind and a message for the person who asked; the cause stays for the log. A nil cause gives a nil error.
func Wrap(k Kind, cause error, message string) error {
	if cause == nil {
		return nil
	}
	return &Error{Kind: k, Message: message, Err: cause}
}

// Field is an Invalid error about one input.
func Field(path, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Field: path, Message: fmt.Sprintf(format, args...)}
}

// Wait is a Throttled error with the time to wait before asking again.
func Wait(after time.Duration, format string, args ...any) *Error {
	return &Error{Kind: Throttled, After: after, Message: fmt.Sprintf(format, args...)}
}

// WithCode returns the error with the partner's own code.
func (e *Error) WithCode(code string) *Error { e.Code = code; return e }

// KindOf finds the kind of an error: that of the outermost *Error in its chain; a context's end is Unavailable; anything else is Internal.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	}
	return Internal
}

// Is reports whether the error is of this kind. A nil error is of none.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// After is how long the failure asks to wait; 0 when it does not say.
func After(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.After
	}
	return 0
}

// CodeOf is the partner's own code of the failure, or "".
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// FieldOf is the input at fault, or "".
func FieldOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

// Message is what may be shown to the person who asked: the *Error's message with its field, or a sentence that gives nothing away.
func Message(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Message != "" {
		if e.Field != "" {
			return e.Field + ": " + e.Message
		}
		return e.Message
	}
	return "something went wrong on our side; the log has the cause"
}

// Temporary reports whether the same request may succeed later without anybody changing anything.
func Temporary(err error) bool {
	switch KindOf(err) {
	case Throttled, Unavailable, Full:
		return err != nil
	}
	return false
}
