package db_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// TestScrub looks for deleted bytes on the disk: among many rows, whose pages were split, merged and freed.
func TestScrub(t *testing.T) {
	t.Parallel()
	ddl := dbtest.Config{DDL: "create table own (id key not null primary key, box bytea not null);"}
	look := func(t *testing.T, d *db.DB, read func() []byte) {
		const rows = 3000
		boxes := make([][]byte, rows)
		ids := make([]string, rows)
		batch := db.NewBatch(1)
		for i := range boxes {
			boxes[i] = make([]byte, 40+i%90)
			_, _ = rand.Read(boxes[i])
			ids[i] = db.ID() + string(rune('a'+i%26))
			batch.Add(ids[i], boxes[i])
		}
		write := func(fn func(tx *db.Tx) error) {
			t.Helper()
			if err := d.Write(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
		}
		write(func(tx *db.Tx) error {
			_, err := tx.Exec(`insert into own (id, box) select i, b from rows(i text, b bytea) where true`, batch)
			return err
		})
		var gone []string
		for i := range ids {
			if i%3 == 0 || i > 1000 && i < 1600 {
				gone = append(gone, ids[i])
				continue
			}
			if i%7 == 0 { // overwritten in place
				write(func(tx *db.Tx) error {
					_, err := tx.Exec(`update own set box = $2 where id = $1`, ids[i], []byte{})
					return err
				})
			}
		}
		for len(gone) > 0 {
			n := min(len(gone), 150)
			write(func(tx *db.Tx) error {
				_, err := tx.Exec(`delete from own where id in (select key from json_each($1))`, db.Keys(gone[:n]))
				return err
			})
			gone = gone[n:]
		}
		if done, err := d.ScrubTables(t.Context(), "own"); err != nil || !done.Checkpoint || done.OldestLog.IsZero() {
			t.Fatalf("%+v, %v", done, err)
		}
		disk := read()
		for i, box := range boxes {
			dead := i%3 == 0 || i > 1000 && i < 1600 || i%7 == 0
			if bytes.Contains(disk, box) == dead {
				t.Errorf("row %d: on the disk %v", i, !dead)
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		url := dbtest.SQLiteURL(t, false, ddl)
		d, err := db.Open(t.Context(), url, db.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		look(t, d, func() []byte {
			var all []byte
			path := strings.TrimSuffix(strings.TrimPrefix(url, "sqlite:"), "?sync=off")
			for _, end := range []string{"", "-wal"} {
				b, err := os.ReadFile(path + end)
				if err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
				all = append(all, b...)
			}
			return all
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		d := dbtest.Postgres(t, ddl)
		look(t, d, func() (all []byte) {
			if err := d.Read(t.Context(), func(tx *db.Tx) error {
				return tx.QueryRow(`select pg_read_binary_file(pg_relation_filepath('own'))`).Scan(&all)
			}); err != nil {
				t.Fatal(err)
			}
			return all
		})
	})
}
