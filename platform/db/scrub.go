package db

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Scrub has what was deleted leave the disk, as far as that is done in passing: on SQLite deleted bytes are overwritten when they are deleted, and here the write-ahead log,
// which still holds them, is taken into the file and cut off. It waits for readers, a few seconds at most. On PostgreSQL it does nothing, see ScrubTables. Fault:
// Unavailable while somebody still reads; what is written meanwhile is not lost, and the next Scrub does it.
func (d *DB) Scrub(ctx context.Context) error {
	l, ok := d.engine.(*lite)
	if !ok {
		return nil
	}
	pool, err := sql.Open("sqlite", l.dsn(false))
	if err != nil {
		return classify(err)
	}
	defer func() { _ = pool.Close() }()
	var busy, pages, done int64
	if err := pool.QueryRowContext(ctx, "pragma wal_checkpoint(truncate)").Scan(&busy, &pages, &done); err != nil {
		return classify(err)
	}
	if busy != 0 {
		return fault.New(fault.Unavailable, "the write-ahead log is still being read")
	}
	return nil
}

// Scrubbed says what ScrubTables could do.
type Scrubbed struct {
	Checkpoint bool      // the tables' old pages are off the data files
	Left       int64     // deleted rows that are still there, since another session may see them: scrub again when it has ended
	OldestLog  time.Time // the age of the oldest write-ahead log that is kept, which may still hold what was deleted; zero = not told
}

// ScrubTables has deleted rows of small tables leave the disk. On PostgreSQL the tables are written anew (vacuum full: nobody reads or writes them meanwhile) and a
// checkpoint is asked for, which takes a superuser or a member of pg_checkpoint; the age of the oldest write-ahead log takes one of pg_monitor. A row that a session of this
// database may still see, by a snapshot from before it was deleted, is copied along and counted as left. On SQLite it is Scrub.
func (d *DB) ScrubTables(ctx context.Context, tables ...string) (out Scrubbed, err error) {
	s, ok := d.engine.(*server)
	if !ok {
		err := d.Scrub(ctx)
		return Scrubbed{Checkpoint: err == nil, OldestLog: d.Now()}, err
	}
	config := s.alone.Copy()
	config.RuntimeParams["lock_timeout"] = "10s" // while it waits for the table, everybody waits behind it
	// The server says how many it had to keep in the detail of what vacuum tells: a number, then words in its language.
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { out.Left += firstNumber(n.Detail) }
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return out, classify(err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	for _, t := range tables {
		if _, err := conn.Exec(ctx, "vacuum (full, verbose) "+quoted(s.schema)+"."+quoted(t)); err != nil {
			return out, about("vacuum full "+t, err)
		}
	}
	_, err = conn.Exec(ctx, "checkpoint")
	if pg := pgError(err); pg != nil && pg.Code == "42501" {
		return out, nil // not ours to ask for: the server makes one within its checkpoint_timeout
	}
	if err != nil {
		return out, about("checkpoint", err)
	}
	out.Checkpoint = true
	var oldest sql.NullInt64
	err = conn.QueryRow(ctx, "select (extract(epoch from min(modification)) * 1000000)::bigint from pg_ls_waldir()").Scan(&oldest)
	if pg := pgError(err); pg != nil && pg.Code == "42501" {
		return out, nil
	}
	if oldest.Valid {
		out.OldestLog = time.UnixMicro(oldest.Int64)
	}
	return out, about("age of the write-ahead log", err)
}

// firstNumber is the number a text begins with, after words; 0 without one.
func firstNumber(text string) (n int64) {
	i := strings.IndexFunc(text, func(r rune) bool { return r >= '0' && r <= '9' })
	if i < 0 {
		return 0
	}
	for _, r := range text[i:] {
		if r < '0' || r > '9' || n > 1<<50 {
			break
		}
		n = n*10 + int64(r-'0')
	}
	return n
}
