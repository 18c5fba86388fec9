package dbtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	own := dbtest.Config{DDL: "create table own (id key not null primary key);"}
	for range 2 {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			err := d.Write(context.Background(), func(tx *db.Tx) error {
				_, err := tx.Exec("insert into own (id) values ('a')")
				return err
			})
			if err != nil {
				t.Error(err)
			}
			current, latest, err := d.Version(context.Background())
			if err != nil || current != latest {
				t.Errorf("schema %d of %d, %v", current, latest, err)
			}
		}, own)
	}
}

func TestClockStandsStillUntilItIsTold(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := dbtest.NewClock(start)
	d := dbtest.SQLite(t, dbtest.Config{Now: clock.Now})
	if !d.Now().Equal(start) {
		t.Error("it moves")
	}
	clock.Advance(time.Hour)
	if !d.Now().Equal(start.Add(time.Hour)) {
		t.Error("it does not advance")
	}
}
