package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestError(t *testing.T) {
	t.Parallel()
	cause := errors.New("dial 10.0.0.7: refused")
	t.Run("the outermost kind counts, through any wrapping", func(t *testing.T) {
		t.Parallel()
		err := fmt.Errorf("book: %w", Wrap(Unavailable, New(Invalid, "inner"), "the courier does not answer"))
		if KindOf(err) != Unavailable || !Is(err, Unavailable) || Is(nil, Internal) {
			t.Fatalf("kind %s", KindOf(err))
		}
	})
	t.Run("the person sees the message and the field, never the cause", func(t *testing.T) {
		t.Parallel()
		if m := Message(Wrap(Unavailable, cause, "the shop does not answer")); strings.Contains(m, "10.0.0.7") || m != "the shop does not answer" {
			t.Fatal(m)
		}
		if m := Message(Field("lines[2].quantity", "must be at least %d", 1)); m != "lines[2].quantity: must be at least 1" {
			t.Fatal(m)
		}
		if m := Message(cause); strings.Contains(m, "10.0.0.7") {
			t.Fatal(m)
		}
	})
	t.Run("the log sees the cause", func(t *testing.T) {
		t.Parallel()
		if err := Wrap(Internal, cause, "failed"); !errors.Is(err, cause) || !strings.Contains(err.Error(), "10.0.0.7") {
			t.Fatal(err)
		}
		if Wrap(Internal, nil, "nothing") != nil {
			t.Fatal("no cause became an error")
		}
	})
	t.Run("what asks to wait says how long, and may be tried again", func(t *testing.T) {
		t.Parallel()
		err := fmt.Errorf("poll: %w", Wait(3*time.Second, "slow down"))
		if After(err) != 3*time.Second || !Temporary(err) || Temporary(New(Refused, "no")) || Temporary(nil) {
			t.Fatal(err)
		}
	})
	t.Run("a context that ended is no bug of ours", func(t *testing.T) {
		t.Parallel()
		if KindOf(context.Canceled) != Unavailable || KindOf(errors.New("?")) != Internal {
			t.Fatal("kinds of foreign errors")
		}
	})
	t.Run("every kind has a name of its own", func(t *testing.T) {
		t.Parallel()
		seen := map[string]bool{}
		for _, k := range Kinds() {
			if seen[k.String()] || strings.HasPrefix(k.String(), "kind(") {
				t.Errorf("kind %d is called %q", k, k)
			}
			seen[k.String()] = true
		}
	})
}
