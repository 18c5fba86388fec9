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
