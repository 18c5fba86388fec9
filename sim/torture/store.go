package torture

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/openclaw-pos/commerce/sim/torture/check"
)

// store is the database as the driver sees it: from outside, through connections of its own.
type store struct {
	engine, url string
	db          *sql.DB
	admin       *sql.DB // PostgreSQL: where the database was made
	name        string
	server      *server // PostgreSQL: the run's own, nil where a shared one was named
}

// own is the address that asks for a PostgreSQL of the run's own.
const own = "postgres"

func openStore(ctx context.Context, opt Options, dir string) (*store, error) {
	if !strings.HasPrefix(opt.DB, "postgres") {
		path := filepath.Join(dir, "commerce.db")
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(20000)")
		return &store{engine: "sqlite", url: "sqlite:" + path, db: db}, err
	}
	s := &store{engine: "postgres", name: fmt.Sprintf("torture_%d_%d_%d", opt.Seed, os.Getpid(), time.Now().UnixMilli())}
	address := opt.DB
	if address == own {
		var err error
		if s.server, err = openServer(ctx, filepath.Join(dir, "postgres")); err != nil {
			return nil, fmt.Errorf("a PostgreSQL of its own: %w", err)
		}
		address = s.server.address()
	}
	err := s.make(ctx, address)
	if err != nil && s.server != nil {
		err = errors.Join(err, s.server.close(false))
	}
	return s, err
}

// make makes a database on a server.
func (s *store) make(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("the database's address is not a URL")
	}
	if s.admin, err = sql.Open("pgx", address); err != nil {
		return err
	}
	s.admin.SetMaxIdleConns(0) // the server may restart
	if _, err := s.admin.ExecContext(ctx, `create database `+s.name); err != nil {
		return errors.Join(fmt.Errorf("make a database: %w", err), s.admin.Close())
	}
	if _, err := s.admin.ExecContext(ctx, `alter database `+s.name+` set synchronous_commit = on`); err != nil {
		return errors.Join(err, s.admin.Close())
	}
	u.Path = "/" + s.name
	s.url = u.String()
	s.db, err = sql.Open("pgx", s.url)
	return err
}

// find makes the program's tables known by their bare names, whatever schema it has put them into.
func (s *store) find(ctx context.Context) error {
	if s.engine != "postgres" {
		return nil
	}
	var schema string
	if err := s.db.QueryRowContext(ctx, `select schemaname from pg_tables where tablename = 'inbox'`).Scan(&schema); err != nil {
		return fmt.Errorf("find the tables: %w", err)
	}
	u, err := url.Parse(s.url)
	if err != nil {
		return err
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	db, err := sql.Open("pgx", u.String())
	if err != nil {
		return err
	}
	err = s.db.Close()
	s.db = db
	return err
}

// sabotage takes a protection out that stands in the database itself; the program must be built to do without, see OPENCLAW_SABOTAGE.
func (s *store) sabotage(ctx context.Context) error {
	if os.Getenv("OPENCLAW_SABOTAGE") != "unique_key" {
		return nil
	}
	_, err := s.db.ExecContext(ctx, `drop index inbox_delivery`)
	return err
}

// close leaves the database where it is when it is to be kept.
func (s *store) close(keep bool) error {
	errs := []error{s.db.Close()}
	if s.admin != nil {
		if !keep {
			_, err := s.admin.ExecContext(context.Background(), `drop database if exists `+s.name+` with (force)`)
			errs = append(errs, err)
		}
		errs = append(errs, s.admin.Close())
	}
	if s.server != nil {
		errs = append(errs, s.server.close(keep))
	}
	return errors.Join(errs...)
}

// durable asserts that the database is set to keep what it has committed.
func (s *store) durable(ctx context.Context, noSync bool) (map[string]string, error) {
	said := map[string]string{}
	ask := func(name, query string, allowed ...string) error {
		var v string
		if err := s.db.QueryRowContext(ctx, query).Scan(&v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		said[name] = v
		for _, a := range allowed {
			if v == a {
				return nil
			}
		}
		return fmt.Errorf("%s is %s: what is committed would not be kept", name, v)
	}
	if s.engine == "sqlite" {
		return said, ask("journal_mode", `pragma journal_mode`, "wal") // how each writer syncs is its own affair: counted with strace, see Makefile
	}
	err := errors.Join(ask("synchronous_commit", `show synchronous_commit`, "on", "remote_apply", "remote_write", "local"), ask("full_page_writes", `show full_page_writes`, "on", "off"))
	if sync := ask("fsync", `show fsync`, "on"); !noSync {
		err = errors.Join(err, sync)
	}
	return said, err
}

// pass lets time go by for everything that waits: leases of processes that are gone end, what backs off is due. Only while no process runs.
func (s *store) pass(ctx context.Context) error {
	for _, q := range []string{
		`update inbox set next_at = 0 where state = 'stored'`,
		`update tells set lease_until = 1, next_at = 0 where state = 'running'`,
		`update tells set next_at = 0 where state = 'intended'`,
		`update reads set lease_until = 1, next_at = 0 where state in ('running', 'due')`,
		`update channel_stock set running_until = 1 where running_until is not null`,
		`update channel_stock set next_at = 0`,
		`update channel_prices set next_at = 0 where state = 'due'`,
		`update jobs set lease_until = 1 where state = 'running'`,
		`update jobs set run_at = 0 where state = 'due'`,
		`update schedules set lease_until = 1 where lease_until is not null`,
		`update schedules set next_at = 0 where every_us < 3600000000 or name = 'connect.drift'`, // a shop's number that moved by itself is found within a day
		`update account_health set refresh_lease = 1 where refresh_lease is not null`,
		`update idempotency_keys set lease_until = 1 where state = 'running'`,
		`update event_parked set next_at = 0 where next_at is not null`,
		`update deliveries set next_at = 0 where state = 'due'`,
		`update carts set updated_at = updated_at - 600000000 where state = 'placing' or state = 'placed' and order_id is null`,
	} {
		if _, err := s.db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("let time pass: %s: %w", q, err)
		}
	}
	return nil
}

// expire ends every lease, as time does for a process that stands still.
func (s *store) expire(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for _, q := range []string{
		`set lock_timeout = '200ms'`,
		`update tells set lease_until = 1 where state = 'running'`,
		`update reads set lease_until = 1 where state = 'running'`,
		`update inbox set next_at = 0 where state = 'stored'`,
		`update channel_stock set running_until = 1 where running_until is not null`,
		`update jobs set lease_until = 1 where state = 'running'`,
		`update schedules set lease_until = 1 where lease_until is not null`,
	} {
		if _, err := conn.ExecContext(ctx, q); err != nil && !strings.Contains(err.Error(), "55P03") { // what stands still may hold the row itself
			return fmt.Errorf("let leases end: %w", err)
		}
	}
	return nil
}

// standing is the rule that watch sees to: who has lost the lease cannot write what another one has written.
const standing = "an outcome once written stands"

// watch has the database itself note when the outcome of something told to a partner is written a second time.
func (s *store) watch(ctx context.Context) error {
	queries := []string{`create table torture_again (id text not null, first text not null, then_ text not null)`}
	again := `after update on tells for each row when (old.state = 'told' and (new.state <> 'told' or new.told_at <> old.told_at))`
	note := `insert into torture_again (id, first, then_) values (old.id, old.act || ' ' || old.state, new.state);`
	if s.engine == "sqlite" {
		queries = append(queries, `create trigger torture_again `+again+` begin `+note+` end`)
	} else {
		queries = append(queries, `create function torture_again() returns trigger language plpgsql as $$ begin `+note+` return null; end $$`,
			`create trigger torture_again `+again+` execute function torture_again()`)
	}
	for _, q := range queries {
		if _, err := s.db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("watch outcomes: %w", err)
		}
	}
	return nil
}

// again lists the outcomes that were written twice.
func (s *store) again(ctx context.Context) ([]check.Finding, error) {
	twice, err := s.texts(ctx, `select id || ': ' || first || ', then ' || then_ from torture_again`)
	var found []check.Finding
	for _, what := range twice {
		found = append(found, check.Finding{Rule: standing, What: what})
	}
	return found, err
}

// telling names what is being told to partners just now.
func (s *store) telling(ctx context.Context) ([]string, error) {
	return s.texts(ctx, `select id from tells where state = 'running'`)
}

// pages is how large the SQLite file is.
func (s *store) pages(ctx context.Context) (n int64, err error) {
	return n, s.db.QueryRowContext(ctx, `pragma page_count`).Scan(&n)
}

// cut ends some of the program's connections, as a network or a database that restarts does.
func (s *store) cut(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and random() < 0.7`)
	return err
}

// left says what is still on its way, "" when nothing is.
func (s *store) left(ctx context.Context) (string, error) {
	for _, q := range []struct{ what, query string }{
		{"stored documents", `select count(*) from inbox where state = 'stored'`},
		{"orders to read", `select count(*) from reads where state <> 'dead'`},
		{"events without position", `select count(*) from events where position is null`},
		{"things to tell", `select count(*) from tells where state in ('intended', 'running')`},
		{"stock to push", `select count(*) from channel_stock s join channel_accounts a on a.id = s.account_id where a.mode = 'live' and (s.dirty or s.running_until > 1)`},
		{"prices to push", `select count(*) from channel_prices p join channel_accounts a on a.id = p.account_id where a.mode = 'live' and a.channel <> 'ownsite' and p.state = 'due'`},
		{"stock that changed", `select count(*) from stock_levels where dirty`},
		{"jobs", `select count(*) from jobs where state in ('due', 'running')`},
		{"placed carts without an order", `select count(*) from carts where state = 'placing' or state = 'placed' and order_id is null`},
		{"parked events", `select count(*) from event_parked where next_at is not null`},
	} {
		var n int64
		if err := s.db.QueryRowContext(ctx, q.query).Scan(&n); err != nil {
			return "", fmt.Errorf("%s: %w", q.what, err)
		}
		if n > 0 {
			return fmt.Sprintf("%d %s", n, q.what), nil
		}
	}
	return "", nil
}

// mark changes whenever an event is written or a consumer has taken one.
func (s *store) mark(ctx context.Context) (string, error) {
	var events, taken, polled int64
	err := s.db.QueryRowContext(ctx, `select (select count(*) from events), (select cast(coalesce(sum(position), 0) as bigint) from event_cursors), (select cast(count(*) as bigint) from inbox)`).
		Scan(&events, &taken, &polled)
	return fmt.Sprint(events, taken, polled), err
}

// texts reads a column.
func (s *store) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
