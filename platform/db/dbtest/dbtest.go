// Package dbtest gives every test a migrated database of its own, on both engines. Start at Each.
//
// A database is a copy of a template that is migrated once, so a test pays milliseconds. PostgreSQL is the server named by
// TEST_POSTGRES_URL, or one that the first test starts and later ones share; `go run ./platform/db/dbtest/cluster stop` ends it.
package dbtest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest/internal/cluster"
)

// Config changes what a test gets.
type Config struct {
	DDL     string           // tables the test needs beside the migrated ones, in the words of a migration
	Now     func() time.Time // the database's clock; see Clock
	Sync    bool             // commits wait for the disk, as in production
	Options db.Options       // the rest
}

// Each runs f as the subtests "sqlite" and "postgres", in parallel, each with a database of its own. Commits do not wait for the
// disk, and the order of locks is checked.
func Each(t *testing.T, f func(t *testing.T, d *db.DB), config ...Config) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, SQLite(t, config...))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, Postgres(t, config...))
	})
}

// EachB is Each for benchmarks, without the check of locks.
func EachB(b *testing.B, f func(b *testing.B, d *db.DB), config ...Config) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) { f(b, SQLite(b, config...)) })
	b.Run("postgres", func(b *testing.B) { f(b, Postgres(b, config...)) })
}

// SQLite opens a migrated database in the test's folder.
func SQLite(t testing.TB, config ...Config) *db.DB {
	t.Helper()
	c := only(t, config)
	return open(t, sqliteURL(t, c, c.Sync), c)
}

// Postgres opens a migrated database of its own on the shared server; it is dropped when the test ends.
func Postgres(t testing.TB, config ...Config) *db.DB {
	t.Helper()
	c := only(t, config)
	return open(t, PostgresURL(t, config...), c)
}

// SQLiteURL makes a migrated database for a test that opens it elsewhere. With sync, commits wait for the disk.
func SQLiteURL(t testing.TB, sync bool, config ...Config) string {
	t.Helper()
	return sqliteURL(t, only(t, config), sync)
}

// PostgresURL makes a migrated database for a test that opens it elsewhere; it is dropped when the test ends.
func PostgresURL(t testing.TB, config ...Config) string {
	t.Helper()
	ctx := context.Background()
	url, err := postgresCopy(ctx, t)
	if err != nil {
		t.Fatal(err)
	}
	if ddl := only(t, config).DDL; ddl != "" {
		if err := postgresScript(ctx, url, ddl); err != nil {
			t.Fatal(err)
		}
	}
	return url
}

func only(t testing.TB, config []Config) Config {
	t.Helper()
	switch len(config) {
	case 0:
		return Config{}
	case 1:
		return config[0]
	}
	t.Fatal("more than one dbtest.Config")
	return Config{}
}

func open(t testing.TB, url string, c Config) *db.DB {
	t.Helper()
	opt := c.Options
	_, bench := t.(*testing.B)
	opt.NoSync, opt.CheckLockOrder = !c.Sync, !bench
	if c.Now != nil {
		opt.Now = c.Now
	}
	if opt.Pool == 0 {
		opt.Pool = 8
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	d, err := db.Open(context.Background(), url, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// template is the migrated SQLite file, made once per process.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "dbtest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := migrated(context.Background(), path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// migrated opens, migrates and closes a database; closing leaves SQLite with one whole file.
func migrated(ctx context.Context, url string) error {
	d, err := db.Open(ctx, url, db.Options{NoSync: true, Pool: 2})
	if err != nil {
		return err
	}
	if err := d.Migrate(ctx, nil); err != nil {
		_ = d.Close()
		return err
	}
	return d.Close()
}

func sqliteURL(t testing.TB, c Config, sync bool) string {
	t.Helper()
	file, err := template()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if c.DDL != "" {
		if err := sqliteScript(path, c.DDL); err != nil {
			t.Fatal(err)
		}
	}
	if !sync {
		return "sqlite:" + path + "?sync=off"
	}
	return "sqlite:" + path
}

// Clock is a clock that stands still until it is told. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock that shows this time.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now is what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// Set sets the clock.
func (c *Clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// Durable starts a PostgreSQL server of the caller's own, for measuring: its commits wait for the disk, as in production. The folder must not exist yet; stop ends the
// server and removes it.
func Durable(ctx context.Context, folder string) (url string, stop func() error, err error) {
	return cluster.Durable(ctx, folder)
}

// DurableSettings are the server settings of Durable that bear on speed.
const DurableSettings = cluster.DurableSettings
