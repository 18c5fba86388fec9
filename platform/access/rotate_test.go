package access_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
)

func TestRotate(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		area := access.Area{Locations: []string{"lhe"}}
		first, old, err := w.Make(t.Context(), amina, access.NewKey{Name: "till 4", Scopes: []access.Scope{access.Write}, Area: area, Expires: start.Add(90 * 24 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(24 * time.Hour)
		second, key, err := w.Rotate(t.Context(), amina, old.Prefix, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(access.Key{ID: key.ID, Prefix: key.Prefix, Name: "till 4", Scopes: old.Scopes, Area: area, Replaces: old.ID, CreatedAt: start.Add(24 * time.Hour), ExpiresAt: start.Add(91 * 24 * time.Hour)}, key); diff != "" {
			t.Errorf("key (-want +got):\n%s", diff)
		}
		if _, _, err := w.Rotate(t.Context(), amina, old.ID, time.Hour); !fault.Is(err, fault.Conflict) {
			t.Errorf("rotated twice: %v", err)
		}
		if _, _, err := w.Rotate(t.Context(), amina, key.ID, 31*24*time.Hour); !fault.Is(err, fault.Invalid) {
			t.Errorf("rotated for too long: %v", err)
		}
		for _, s := range []string{first.Reveal(), second.Reveal()} {
			if c, err := w.Verify(t.Context(), s); err != nil || !c.Has("orders.cancel") || c.Can("orders.cancel", access.Area{}) || !c.Can("orders.cancel", area) {
				t.Errorf("during the overlap: %+v, %v", c, err)
			}
		}
		w.clock.Advance(time.Hour)
		if _, err := w.Verify(t.Context(), first.Reveal()); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("after the overlap: %v", err)
		}
		if _, err := w.Verify(t.Context(), second.Reveal()); err != nil {
			t.Error(err)
		}
		if _, _, err := w.Rotate(t.Context(), amina, old.ID, 0); !fault.Is(err, fault.Conflict) {
			t.Errorf("an ended one: %v", err)
		}
		small := access.User{ID: "u", Grants: []access.Grant{{Role: access.Integrator, Area: area}}}.Caller()
		if _, _, err := w.Rotate(t.Context(), small, key.ID, 0); fault.CodeOf(err) != "more_than_own" {
			t.Errorf("by who has less: %v", err)
		}
	})
}

// TestWhoseKey has a key belong to the person who made it, or replaced it last: whoever has seen it.
func TestWhoseKey(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		person := func(id string) access.Caller {
			return access.Caller{Kind: access.ByUser, ID: id, Name: id, Grants: []access.Grant{{Role: access.Owner}}}
		}
		holder := func(plain string) access.Caller {
			t.Helper()
			c, err := w.Verify(t.Context(), plain)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		first, key, err := w.Make(t.Context(), person("zara"), access.NewKey{Name: "till", Scopes: []access.Scope{access.Admin}})
		if err != nil || key.User != "zara" || holder(first.Reveal()).Person() != "zara" {
			t.Fatalf("%+v is %q's: %v", key, holder(first.Reveal()).Person(), err)
		}
		second, _, err := w.Make(t.Context(), holder(first.Reveal()), access.NewKey{Name: "made with it", Scopes: []access.Scope{access.Read}})
		if err != nil || holder(second.Reveal()).Person() != "zara" {
			t.Errorf("a key made with hers is %q's: %v", holder(second.Reveal()).Person(), err)
		}
		third, key, err := w.Rotate(t.Context(), person("omar"), key.ID, time.Hour)
		if err != nil || key.User != "omar" || holder(third.Reveal()).Person() != "omar" || holder(first.Reveal()).Person() != "zara" {
			t.Errorf("replaced by omar it is %q's, the old one %q's: %v", holder(third.Reveal()).Person(), holder(first.Reveal()).Person(), err)
		}
		fourth, _, err := w.Make(t.Context(), access.CLI("root"), access.NewKey{Name: "nobody's", Scopes: []access.Scope{access.Read}})
		if err != nil || holder(fourth.Reveal()).Person() != "" {
			t.Errorf("a key of the command line is %q's: %v", holder(fourth.Reveal()).Person(), err)
		}
	})
}
