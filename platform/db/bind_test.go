package db_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestBatchParameters(t *testing.T) {
	t.Parallel()
	t.Run("stand before and behind the rows, in any order", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			for _, n := range []int{1, 8, 9, 70} {
				batch, want := db.NewBatch(1), map[string]int64{}
				for i := range n {
					batch.Add(fmt.Sprint("k", n, "-", i), int64(i))
					want[fmt.Sprint("k", n, "-", i)] = int64(i) + 1000
				}
				got := map[string]int64{}
				err := d.Write(context.Background(), func(tx *db.Tx) error {
					if _, err := tx.Exec("insert into things (id, n) select r.k, 0 from rows(k text, q bigint) where $1 = 'go'", batch, "go"); err != nil {
						return err
					}
					if _, err := tx.Exec(`update things set n = r.q + cast($3 as bigint), t = $1 from rows(k text, q bigint)
						where things.id = r.k and $2 = 'go' and $1 = 'note'`, batch, "note", "go", 1000); err != nil {
						return err
					}
					tx.SendQuery(`select things.id, things.n from rows(k text, q bigint) join things on things.id = r.k
						where things.t = $2 and things.n < $1`, func(row db.Scanner) error {
						var id string
						var n int64
						err := row.Scan(&id, &n)
						got[id] = n
						return err
					}, batch, 1_000_000, "note")
					return tx.Flush()
				})
				if err != nil {
					t.Fatal(err)
				}
				same(t, want, got)
			}
		}, things)
	})
}
