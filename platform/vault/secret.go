package vault

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Mask is what is shown instead of a secret.
const Mask = "•••••"

// Secret is a value that cannot be printed, logged or marshalled by accident: whatever is tried shows Mask. Reveal gives it away.
// The zero value holds nothing. It sits behind a pointer, since fmt prints unexported fields without asking them.
type Secret struct{ value *string }

// Hide makes a Secret.
func Hide(value string) Secret { return Secret{&value} }

// Reveal is the value itself; "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is nothing to hide.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal compares in a time that says nothing about where two secrets of one length differ.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String is Mask.
func (s Secret) String() string { return Mask }

// GoString is Mask.
func (s Secret) GoString() string { return Mask }

// Format writes Mask for every verb; without it fmt shows the content when the verb does not fit.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mask) }

// LogValue is Mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Mask) }

// MarshalJSON writes Mask.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// MarshalText writes Mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Mask), nil }
