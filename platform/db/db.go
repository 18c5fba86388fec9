// Package db is the one way to the database: one SQL text for SQLite and PostgreSQL, writes that wait share a commit, rows go in
// batches. Start at DB.Write and Tx.
//
// SQL is PostgreSQL-flavoured and runs unmodified on both engines; times are µs UTC (Micros, Time), money is minor units, ids are
// UUIDv7 text (ID); empty bytes may be scanned as nil. Batches of rows go through rows(…), see Batch. An error inside a transaction is final for it on both engines:
// nothing more runs and nothing is kept; Tx.Try is the exception.
package db

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db/migrate"
)

// Engine is the kind of database behind a DB.
type Engine uint8

const (
	SQLite     Engine = iota // one file, one process that writes
	PostgreSQL               // a server shared by many processes
)

// String is the engine's name in small letters, as it appears in logs and test names.
func (e Engine) String() string {
	if e == PostgreSQL {
		return "postgres"
	}
	return "sqlite"
}

// Options tune a DB; the zero value is right for production.
type Options struct {
	Readers        int              // SQLite: reading connections; default 3, more than 4 starve the writer
	Pool           int              // PostgreSQL: writing connections; default 16, and half as many for reading
	Now            func() time.Time // taken as it is, without correction; nil means the process clock corrected to the database's
	Log            *slog.Logger     // default slog.Default()
	NoSync         bool             // tests only: a commit does not wait for the disk
	CheckLockOrder bool             // tests only: Tx.Locking panics when the order of locks is broken
	MaxPages       int64            // tests only: SQLite's max_page_count, to fill the "disk"
	ClockWrong     time.Duration    // tests only: the process clock is ahead by so much
	Trusting       bool             // tests only: a transaction inside a transaction is found by its context alone, as in the program
	Fails          func(Step) error // tests only: asked before each step, on PostgreSQL before AtCommit alone; an error is what becomes of it
}

// Step is what SQLite is about to do.
type Step string

const (
	AtBegin     Step = "begin"     // a transaction that writes, or one that reads
	AtStatement Step = "statement" // one of a transaction that writes
	AtCommit    Step = "commit"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	opt    Options
	log    *slog.Logger
	engine engine
	set    *migrate.Set
	clock  clock
	counts counts

	mu   sync.Mutex
	open map[uint64]*Tx // by goroutine: what it has open
	done atomic.Bool
}

// engine is what differs between SQLite and PostgreSQL.
type engine interface {
	kind() Engine
	write(ctx context.Context, d *DB, fn func(*Tx) error) error
	read(ctx context.Context, d *DB, fn func(*Tx) error) error
	migrate(ctx context.Context, set *migrate.Set, log func(string)) error
	version(ctx context.Context) (current, oldest int64, err error)
	clock(ctx context.Context) (time.Time, error) // the database's own clock
	waiting() int
	close() error
}

// Stats are counts since Open, for metrics.
type Stats struct {
	Waiting int   // writes that wait for their turn, now
	Writes  int64 // committed calls of Write
	Commits int64 // commits; on SQLite fewer than Writes, since a group shares one
	Repeats int64 // functions that had to run again
}

// counts is what an engine counts.
type counts struct{ writes, commits, repeats atomic.Int64 }

// Stats returns the counts.
func (d *DB) Stats() Stats {
	return Stats{d.engine.waiting(), d.counts.writes.Load(), d.counts.commits.Load(), d.counts.repeats.Load()}
}

// Open opens a database and checks that it answers. The url is "sqlite:PATH" or a bare path, made with mode 0600 when missing
// ("sqlite:PATH?sync=off" and "sqlite:PATH?pages=N", a disk of so many pages, are for tests), or
// "postgres://…", where ?schema=name says in which schema our tables live (default commerce, made when missing).
// It does not migrate. Faults: Invalid for a url that cannot be understood, Unavailable when the database does not answer.
func Open(ctx context.Context, url string, opt Options) (*DB, error) {
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	set, err := migrate.Load(migrate.Files())
	if err != nil {
		return nil, err
	}
	d := &DB{opt: opt, log: opt.Log, set: set, open: map[uint64]*Tx{}}
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		d.engine, err = openPostgres(ctx, url, opt, &d.counts)
	} else {
		path, ours := strings.CutPrefix(url, "sqlite:")
		if ours {
			path = opt.forTests(path)
		}
		d.engine, err = openSQLite(ctx, path, opt, &d.counts)
	}
	if err != nil {
		return nil, err
	}
	if err := d.clock.start(ctx, d); err != nil {
		_ = d.engine.close()
		return nil, err
	}
	return d, nil
}

// forTests takes off what only tests put behind a path.
func (o *Options) forTests(path string) string {
	if whole, off := strings.CutSuffix(path, "?sync=off"); off {
		o.NoSync = true
		return whole
	}
	if whole, pages, few := strings.Cut(path, "?pages="); few {
		if n, err := strconv.ParseInt(pages, 10, 64); err == nil {
			o.MaxPages = n
			return whole
		}
	}
	return path
}

// Close waits for the writes that were accepted, refuses further ones, and closes every connection.
func (d *DB) Close() error {
	if d.done.Swap(true) {
		return nil
	}
	d.clock.stop()
	return d.engine.close()
}

// Engine says which database this is. Only DDL, backup and operations have a reason to ask.
func (d *DB) Engine() Engine { return d.engine.kind() }

// Write runs fn in one transaction that commits when fn returns nil. On SQLite it shares the commit with others that wait; on
// PostgreSQL it runs at READ COMMITTED and is repeated a few times after a deadlock or a serialization failure.
//
// fn may run again: it only sets values it would set again, leaves signals to Tx.AfterCommit, calls nobody outside, and opens no
// other transaction (refused with Internal). Cancelling ctx counts while queued and between statements; once the commit has begun
// its answer is awaited. A nil error means committed, durably; an error means that nothing was kept, except Unavailable with code
// "commit_unknown", when the connection to PostgreSQL was lost during the commit.
func (d *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	if also, _ := ctx.Value(alongKey{}).(func(tx *Tx) error); also != nil {
		first := fn
		fn = func(tx *Tx) error {
			if err := first(tx); err != nil {
				return err
			}
			return also(tx)
		}
	}
	return d.engine.write(ctx, d, fn)
}

type alongKey struct{}

// Along marks a context whose writes also run fn, last and in the same transaction: what must be kept exactly when the effect is, without the effect
// knowing of it. Like the function given to Write, it may run again. A nil fn marks a transaction that stands beside the effect.
func Along(ctx context.Context, fn func(tx *Tx) error) context.Context {
	return context.WithValue(ctx, alongKey{}, fn)
}

// Read runs fn on one unchanging view of the database. Statements that write are refused. Like Write it opens no other transaction.
// A read may take seconds, not minutes: on SQLite it is ended after readLimit, since the write-ahead log grows meanwhile.
func (d *DB) Read(ctx context.Context, fn func(tx *Tx) error) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	return d.engine.read(ctx, d, fn)
}

// ready refuses what may not start: a cancelled caller, a closed DB, a transaction inside a transaction.
func (d *DB) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.done.Load() {
		return errClosed()
	}
	outer, _ := ctx.Value(txKey{d}).(*Tx)
	if d.watching() && (outer == nil || outer.over.Load()) {
		d.mu.Lock()
		outer = d.open[goroutine()]
		d.mu.Unlock()
	}
	if outer != nil {
		return fault.New(fault.Internal, "a transaction inside a transaction: use the one that is open%s", outer.place)
	}
	return nil
}

func errClosed() error { return fault.New(fault.Unavailable, "the database is closed") }

type backgroundKey struct{}

// Background marks a context whose writes yield to people and to intake: on SQLite they wait while others wait, but no longer than
// a tenth of a second; on PostgreSQL they use at most half of the connections.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

func isBackground(ctx context.Context) bool { return ctx.Value(backgroundKey{}) != nil }

type largeKey struct{}

// Large marks a context whose writes change hundreds of pages. On SQLite they begin a transaction of their own, which others may join behind them: in another's they would
// be in a savepoint, which keeps a copy of every page that they change. On PostgreSQL it means nothing.
func Large(ctx context.Context) context.Context { return context.WithValue(ctx, largeKey{}, true) }

func isLarge(ctx context.Context) bool { return ctx.Value(largeKey{}) != nil }

// Migrate brings the schema up to this binary's. It is safe when several processes start at once, and does nothing when there is
// nothing to do. Fault: Conflict when the database was migrated by a newer binary that this one may not run beside.
func (d *DB) Migrate(ctx context.Context, log func(string)) error {
	if log == nil {
		log = func(string) {}
	}
	if err := d.engine.migrate(ctx, d.set, log); err != nil {
		return err
	}
	current, oldest, err := d.engine.version(ctx)
	if err != nil {
		return err
	}
	if current > d.set.Latest && oldest > d.set.Latest {
		return fault.New(fault.Conflict, "the database has schema %d, which needs a binary that knows schema %d; this one knows %d",
			current, oldest, d.set.Latest)
	}
	return nil
}

// Version is the number of the newest migration the database has seen, and of the newest this binary knows. 0 means none.
func (d *DB) Version(ctx context.Context) (current, latest int64, err error) {
	current, _, err = d.engine.version(ctx)
	return current, d.set.Latest, err
}

// statementError adds what ran to an error, for the log.
func statementError(text string, err error) error {
	if len(text) > 160 {
		text = text[:160] + "…"
	}
	return fmt.Errorf("%s: %w", strings.Join(strings.Fields(text), " "), err)
}
