package fulfillment

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestLife(t *testing.T) {
	t.Parallel()
	t.Run("the table is sound", func(t *testing.T) {
		for _, l := range Lives {
			if err := l.Check(); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("the database knows the same states", func(t *testing.T) {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			for _, s := range append(Life.States(), "elsewhere") {
				err := d.Write(t.Context(), func(tx *db.Tx) error {
					_, err := tx.Exec(`insert into fulfillment_orders (id, order_id, number, account_id, location_id, legal_entity_id, country, state, cod, decision, created_at, updated_at, version)
						values ($1, 'o', $1, 'a', 'l', 'e', 'PK', $2, false, '{}', 0, 0, 1)`, db.ID(), string(s))
					return err
				})
				if (err == nil) != (s != "elsewhere") {
					t.Errorf("%s: %v", s, err)
				}
			}
		})
	})
	t.Run("every way that counts can go has a way in the table", func(t *testing.T) {
		// Where the work stands follows from its counts; these are the steps between neighbours, both ways.
		for _, way := range []string{
			"new picking", "new picked", "accepted picking", "accepted picked", "picking picked", "picking accepted", "picked picking", "picked accepted", "picked packed", "packed picked",
			"packed handed_over", "handed_over packed", "picking packed", "picking handed_over", "picked handed_over",
			"new cancelled", "accepted cancelled", "picking cancelled", "picked cancelled", "packed cancelled", "held cancelled",
		} {
			from, to, _ := strings.Cut(way, " ")
			f := FO{State: from}
			if err := f.to(to, f.CreatedAt); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("nothing leads out of an end", func(t *testing.T) {
		var ends []state.State
		for _, s := range Life.States() {
			if Life.Final(s) {
				ends = append(ends, s)
			}
		}
		if diff := cmp.Diff([]state.State{Cancelled, Moved, Rejected}, ends); diff != "" {
			t.Error(diff)
		}
	})
}
