package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"modernc.org/sqlite"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db/migrate"
)

// schema_version has one row: the newest migration the database has seen, and the newest one known to the oldest binary that may
// run beside it. A binary that does not know the newest migrations reads here whether it may still work.
const versionTable = `create table if not exists schema_version (
	id bigint primary key constraint schema_version_one check (id = 1), current bigint not null, oldest bigint not null)`

// migrateAlone runs up and notes the outcome, and answers whether there was anything to do; the caller has shut everybody else out.
func migrateAlone(ctx context.Context, pool *sql.DB, set *migrate.Set, up func(context.Context, *sql.DB, func(string)) error, log func(string)) (did bool, err error) {
	if set.Latest == 0 {
		return false, nil
	}
	if _, err := pool.ExecContext(ctx, migrate.PostgreSQL(versionTable)); err != nil {
		return false, classify(err)
	}
	var current int64
	err = pool.QueryRowContext(ctx, "select current from schema_version").Scan(&current)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, classify(err)
	}
	if current >= set.Latest {
		return false, nil
	}
	if err := up(ctx, pool, log); err != nil {
		return false, fault.Wrap(fault.Internal, err, "the database could not be migrated")
	}
	_, err = pool.ExecContext(ctx, `insert into schema_version (id, current, oldest) values (1, $1, $2)
		on conflict (id) do update set current = excluded.current,
		oldest = case when schema_version.oldest > excluded.oldest then schema_version.oldest else excluded.oldest end`, set.Latest, set.Oldest)
	return true, classify(err)
}

// Require has only binaries that know a migration open the database from now on: they alone do rightly what it is used for since. One that has it open already is
// not stopped. It is safe to repeat.
func Require(tx *Tx, migration int64) error {
	_, err := tx.Exec(`update schema_version set oldest = $1 where oldest < $1`, migration)
	return err
}

func schemaVersion(ctx context.Context, pool *sql.DB, there string) (current, oldest int64, err error) {
	var n int
	if err := pool.QueryRowContext(ctx, there).Scan(&n); err != nil || n == 0 {
		return 0, 0, classify(err)
	}
	err = pool.QueryRowContext(ctx, "select current, oldest from schema_version").Scan(&current, &oldest)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return current, oldest, classify(err)
}

// savepoints makes connections on which what a caller begins and commits is a savepoint, so that all migrations are one
// transaction: others are kept out by its lock, and one that fails undoes all.
type savepoints struct{ driver.Connector }

// Connect implements driver.Connector.
func (s savepoints) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := conn.(liteDriver)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("%T cannot run migrations", conn)
	}
	return savepointConn{inner}, nil
}

type liteDriver interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type savepointConn struct{ liteDriver }

// BeginTx implements driver.ConnBeginTx.
func (c savepointConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	_, err := c.ExecContext(ctx, "savepoint migration", nil)
	return savepointTx{c}, err
}

type savepointTx struct{ conn driver.ExecerContext }

// Commit implements driver.Tx.
func (t savepointTx) Commit() error {
	_, err := t.conn.ExecContext(context.Background(), "release migration", nil)
	return err
}

// Rollback implements driver.Tx.
func (t savepointTx) Rollback() error {
	_, err := t.conn.ExecContext(context.Background(), "rollback to migration", nil)
	return err
}

// migrateLite runs the migrations in one transaction with foreign keys off, which rebuilding a table needs, and checks them at the
// end.
func migrateLite(ctx context.Context, dsn string, set *migrate.Set, log func(string)) error {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return err
	}
	pool := sql.OpenDB(savepoints{connector})
	defer pool.Close() // undoes what was not committed
	pool.SetMaxOpenConns(1)
	if err := unlocked(ctx, func() error { return pool.PingContext(ctx) }); err != nil {
		return classify(err)
	}
	if _, err := pool.ExecContext(ctx, "begin immediate"); err != nil {
		return classify(err)
	}
	did, err := migrateAlone(ctx, pool, set, set.UpSQLite, log)
	if err != nil || !did { // a start that changes nothing reads no table: it would take seconds where there are many orders
		return err
	}
	var broken int
	if err := pool.QueryRowContext(ctx, "select count(*) from pragma_foreign_key_check").Scan(&broken); err != nil {
		return classify(err)
	}
	if broken > 0 {
		return fault.New(fault.Conflict, "the migrations would leave %d rows whose foreign key points nowhere", broken)
	}
	_, err = pool.ExecContext(ctx, "commit")
	return classify(err)
}
