package policy

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// What is remembered of rules is what would be worked out anew, at every instant and in every place.
func TestRemembered(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		for i, day := range []int{1, 5, 9} {
			for j, place := range [][2]string{{"PK", ""}, {"PK", "PK-PB"}, {"AE", "AE-DU"}} {
				_, err := tx.Exec(`insert into policy_rows (id, country, subdivision, name, value, unit, effective_from, effective_to, source, confidence, seeded)
					values ($1, $2, $3, 'tax_name', $4, 'text', $5, $6, 'test', 'assumed', false)`,
					fmt.Sprintf("t%d%d", i, j), place[0], place[1], fmt.Sprintf("tax %d %d", i, j), db.Micros(days(day+j)), db.Micros(days(day+j+3)))
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func() (b *book) {
		err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
			b, err = readRows(tx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	used := read()
	for _, country := range []string{"PK", "AE", "XX"} {
		for _, part := range []string{"", "PB", "DU", "elsewhere"} {
			for half := range 30 {
				for _, off := range []time.Duration{-time.Microsecond, 0, time.Microsecond} {
					at := days(0).Add(time.Duration(half) * 12 * time.Hour).Add(off)
					have, err1 := used.rules(country, part, at)
					want, err2 := (&book{byName: used.byName}).rules(country, part, at)
					if err1 != nil || err2 != nil {
						t.Fatal(err1, err2)
					}
					if d := cmp.Diff(want, have); d != "" {
						t.Fatalf("%s %s at %s: %s", country, part, at, d)
					}
				}
			}
		}
	}
}

func days(n int) time.Time { return time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n) }
