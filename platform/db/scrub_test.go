package db_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

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
		done, err := d.ScrubTables(t.Context(), "own")
		// The server's own autovacuum may look at this very moment: then again.
		for limit := time.Now().Add(time.Minute); done.Left > 0 && err == nil && time.Now().Before(limit); {
			done, err = d.ScrubTables(t.Context(), "own")
		}
		if err != nil || !done.Checkpoint || done.Left > 0 || done.OldestLog.IsZero() {
			t.Fatalf("%+v, %v", done, err)
		}
		disk := read()
		for i, box := range boxes {
			dead := i%3 == 0 || i > 1000 && i < 1600 || i%7 == 0
			if bytes.Contains(disk, box) == dead {
				t.Errorf("row %d: on the disk %v, destroyed %v", i, dead, dead)
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

// TestScrubWhileSeen has another session hold an old view of the database: what was deleted since is left for it, that is told, and it goes when the session has ended.
func TestScrubWhileSeen(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t, dbtest.Config{DDL: "create table own (id key not null primary key, box bytea not null);"})
	box := make([]byte, 60)
	_, _ = rand.Read(box)
	write := func(query string, args ...any) {
		t.Helper()
		if err := d.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(query, args...); return err }); err != nil {
			t.Fatal(err)
		}
	}
	write(`insert into own (id, box) values ('a', $1)`, box)
	looking, looked, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- d.Read(t.Context(), func(tx *db.Tx) error {
			var n int
			err := tx.QueryRow(`select 1`).Scan(&n) // a view is taken with the first question, whatever it is
			close(looking)
			<-looked
			return err
		})
	}()
	<-looking
	write(`delete from own where id = 'a'`)
	on := func() (all []byte) {
		if err := d.Read(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRow(`select pg_read_binary_file(pg_relation_filepath('own'))`).Scan(&all)
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	out, err := d.ScrubTables(t.Context(), "own")
	if err != nil || out.Left == 0 || !bytes.Contains(on(), box) {
		t.Errorf("while another session may see it: %+v, %v", out, err)
	}
	close(looked)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	// The server's own autovacuum may look at this very moment, too: then again.
	for limit := time.Now().Add(time.Minute); out.Left > 0 && err == nil && time.Now().Before(limit); {
		out, err = d.ScrubTables(t.Context(), "own")
	}
	if err != nil || out.Left != 0 || bytes.Contains(on(), box) {
		t.Errorf("after it: %+v, %v", out, err)
	}
}
