package outbox_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

func TestProgresses(t *testing.T) {
	t.Parallel()
	progress := func(t *testing.T, d *db.DB, known ...outbox.Consumer) map[string][2]int64 {
		t.Helper()
		got := map[string][2]int64{}
		read(t, d, func(tx *db.Tx) error {
			all, err := outbox.Progresses(tx, known)
			for _, p := range all {
				got[p.Consumer] = [2]int64{p.Behind, p.Parked}
			}
			return err
		})
		return got
	}

	t.Run("only events of interest count, and what is parked apart", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			known := []outbox.Consumer{
				{Name: "types", Types: []string{"wanted", "bad"}, Handle: record("types")},
				{Name: "contracts", Contracts: true, Handle: record("contracts")},
				{Name: "all", Handle: record("all")},
			}
			if diff := cmp.Diff(map[string][2]int64{}, progress(t, d, known...)); diff != "" {
				t.Errorf("before the first run: %s", diff)
			}
			drain(t, d, known...)
			for range 3 {
				must(t, happen(t.Context(), d, "order:a", "OrderCreated", "wanted", "wanted"))
				must(t, happen(t.Context(), d, "order:b", "other"))
			}
			if got := progress(t, d, known...)["all"]; got != [2]int64{} {
				t.Errorf("what has no place yet counts: %v", got)
			}
			place(t, d)
			want := map[string][2]int64{"types": {6, 0}, "contracts": {3, 0}, "all": {12, 0}}
			if diff := cmp.Diff(want, progress(t, d, known...)); diff != "" {
				t.Error(diff)
			}
			if got := progress(t, d)["types"]; got != [2]int64{12, 0} {
				t.Errorf("of a consumer of another program, of which nothing is known, everything counts: %v", got)
			}
			must(t, happen(t.Context(), d, "order:c", "bad"))
			known[0].Handle = func(tx *db.Tx, batch []outbox.Stored) error {
				for _, e := range batch {
					if e.Type == "bad" {
						return errors.New("not this one")
					}
				}
				return record("types")(tx, batch)
			}
			drain(t, d, known...)
			want = map[string][2]int64{"types": {0, 1}, "contracts": {0, 0}, "all": {0, 0}}
			if diff := cmp.Diff(want, progress(t, d, known...)); diff != "" {
				t.Error(diff)
			}
		})
	})

	t.Run("of a long past it reads the newest part, and estimates the rest", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, d *db.DB, _ *clock) {
			known := []outbox.Consumer{{Name: "types", Types: []string{"wanted"}, Handle: record("types")}}
			drain(t, d, known...)
			must(t, happen(t.Context(), d, "order:a", "wanted"))
			place(t, d)
			write(t, d, func(tx *db.Tx) error {
				_, err := tx.Exec(`update event_head set position = 1000000 where name = 'events'`)
				return err
			})
			if got := progress(t, d, known...)["types"][0]; got != 990_000 {
				t.Errorf("%d behind", got)
			}
			write(t, d, func(tx *db.Tx) error {
				_, err := tx.Exec(`update event_cursors set position = 999000`)
				return err
			})
			if got := progress(t, d, known...)["types"][0]; got != 0 {
				t.Errorf("%d behind", got)
			}
		})
	})
}
