package view

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestViews(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		write := func(want fault.Kind, fn func(tx *db.Tx) error) {
			t.Helper()
			if err := d.Write(t.Context(), fn); err != nil && (want == 0 || fault.KindOf(err) != want) || err == nil && want != 0 {
				t.Fatalf("want %v, got %v", want, err)
			}
		}
		var late, cash View
		write(0, func(tx *db.Tx) (err error) {
			if late, err = Save(tx, View{User: "u1", Page: "orders", Name: " Late ", Query: "due=late"}); err != nil {
				return err
			}
			if cash, err = Save(tx, View{User: "u1", Page: "orders", Name: "Cash", Query: "cod=1"}); err != nil {
				return err
			}
			_, err = Save(tx, View{User: "u2", Page: "orders", Name: "Late", Query: "due=soon"})
			return err
		})
		write(0, func(tx *db.Tx) error { return Prefer(tx, "u1", late.ID, true) })
		write(0, func(tx *db.Tx) error { return Prefer(tx, "u1", cash.ID, true) })
		write(0, func(tx *db.Tx) error { return Rename(tx, "u1", late.ID, "Too late") })
		write(0, func(tx *db.Tx) error {
			_, err := Save(tx, View{User: "u1", Page: "orders", Name: "Cash", Query: "cod=1&state=open"})
			return err
		})
		write(fault.Conflict, func(tx *db.Tx) error { return Rename(tx, "u1", late.ID, "Cash") })
		write(fault.Invalid, func(tx *db.Tx) error { return Rename(tx, "u1", late.ID, " ") })
		write(fault.NotFound, func(tx *db.Tx) error { return Rename(tx, "u2", late.ID, "Mine") })
		write(fault.NotFound, func(tx *db.Tx) error { _, err := Delete(tx, "u2", late.ID); return err })
		of := func(user string) (got []View) {
			if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { got, err = Of(tx, user, "orders"); return err }); err != nil {
				t.Fatal(err)
			}
			for i := range got {
				got[i].ID, got[i].Version = "", 0
			}
			return got
		}
		want := []View{{User: "u1", Page: "orders", Name: "Cash", Query: "cod=1&state=open", Preferred: true}, {User: "u1", Page: "orders", Name: "Too late", Query: "due=late"}}
		if diff := cmp.Diff(want, of("u1")); diff != "" {
			t.Error(diff)
		}
		write(0, func(tx *db.Tx) error { _, err := Delete(tx, "u1", late.ID); return err })
		if got := of("u1"); len(got) != 1 {
			t.Errorf("after one was deleted: %v", got)
		}
		if got := of("u2"); len(got) != 1 || got[0].Query != "due=soon" {
			t.Errorf("somebody else's: %v", got)
		}
	})
}
