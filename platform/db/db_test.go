package db_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// things has a column of every type.
var things = dbtest.Config{DDL: `
create table things (
	id key not null primary key,
	n bigint,
	b boolean,
	x bytea,
	t text constraint things_short check (length(t) < 10)
);
create table marks (id identity, note text not null unique);`}

func put(id string, n int64) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Exec("insert into things (id, n) values ($1, $2)", id, n)
		return err
	}
}

func scanID(row db.Scanner) (id string, err error) { return id, row.Scan(&id) }

func ids(t *testing.T, d *db.DB) []string {
	t.Helper()
	var out []string
	err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		out, err = db.All(tx, scanID, "select id from things order by id")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// equateErrors compares errors by errors.Is.
var equateErrors = cmpopts.EquateErrors()

func same(t *testing.T, want, got any, opts ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func kind(t *testing.T, want fault.Kind, err error) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("want %s, got %v (%v)", want, fault.KindOf(err), err)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("is kept when the function returns nil", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			if err := d.Write(ctx, put("a", 1)); err != nil {
				t.Fatal(err)
			}
			same(t, []string{"a"}, ids(t, d))
		}, things)
	})
	t.Run("is undone when the function returns an error", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			boom := errors.New("boom")
			err := d.Write(ctx, func(tx *db.Tx) error { return errors.Join(put("a", 1)(tx), boom) })
			if !errors.Is(err, boom) {
				t.Errorf("got %v", err)
			}
			same(t, []string(nil), ids(t, d))
		}, things)
	})
	t.Run("reads back what it wrote", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			err := d.Write(ctx, func(tx *db.Tx) error {
				if err := put("a", 7)(tx); err != nil {
					return err
				}
				var n int64
				if err := tx.QueryRow("select n from things where id = $1"+tx.Lock(), "a").Scan(&n); err != nil {
					return err
				}
				same(t, int64(7), n)
				if err := tx.QueryRow("select n from things where id = $1", "b").Scan(&n); !errors.Is(err, sql.ErrNoRows) {
					t.Errorf("want no rows, got %v", err)
				}
				_, err := db.One(tx, scanID, "select id from things where id = $1", "b")
				kind(t, fault.NotFound, err)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}, things)
	})
	t.Run("inside a read is refused", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			kind(t, fault.Internal, d.Read(ctx, put("a", 1)))
			same(t, []string(nil), ids(t, d))
		}, things)
	})
}
