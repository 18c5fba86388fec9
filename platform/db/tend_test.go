package db_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestTend(t *testing.T) {
	t.Parallel()
	t.Run("a table that grew is counted anew, once", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		d := dbtest.Postgres(t, things)
		rows := db.NewBatch(0)
		for i := range 1000 {
			rows.Add(fmt.Sprint(i), int64(i))
		}
		if err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`insert into things (id, n) select r.i, r.n from rows(i text, n bigint) as r`, rows)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for { // the server notes what changed a moment after the commit
			n, err := db.TendOnce(ctx, d)
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if err := d.Read(ctx, func(tx *db.Tx) error {
			known, err := db.One(tx, func(s db.Scanner) (n int64, err error) { return n, s.Scan(&n) }, `select cast(reltuples as bigint) from pg_class where oid = cast('things' as regclass)`)
			if err == nil && known != 1000 {
				t.Errorf("the server believes in %d rows", known)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if n, err := db.TendOnce(ctx, d); n != 0 || err != nil {
			t.Errorf("again: %d tables, %v", n, err)
		}
	})
	t.Run("it ends with its context, on both engines", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := d.Tend(ctx); err != nil {
				t.Fatal(err)
			}
		})
	})
}
