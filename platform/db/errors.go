package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// IsUnique reports whether a unique index or primary key refused the row.
func IsUnique(err error) bool {
	if pg := pgError(err); pg != nil {
		return pg.Code == "23505"
	}
	code := sqliteCode(err)
	return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || code == sqlite3.SQLITE_CONSTRAINT_ROWID
}

// IsCheck reports whether a check constraint refused the row, and its name.
func IsCheck(err error) (constraint string, ok bool) {
	if pg := pgError(err); pg != nil {
		return pg.ConstraintName, pg.Code == "23514"
	}
	if sqliteCode(err) != sqlite3.SQLITE_CONSTRAINT_CHECK {
		return "", false
	}
	// modernc: "constraint failed: CHECK constraint failed: NAME (275)"
	_, name, _ := strings.Cut(sqliteError(err).Error(), "CHECK constraint failed: ")
	name, _, _ = strings.Cut(name, " (")
	return name, true
}

func pgError(err error) *pgconn.PgError {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e
	}
	return nil
}

func sqliteError(err error) *sqlite.Error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

func sqliteCode(err error) int {
	if e := sqliteError(err); e != nil {
		return e.Code()
	}
	return 0
}

// classify gives a driver's error its kind. Errors that have one, and ends of contexts, pass.
func classify(err error) error {
	var known *fault.Error
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, sql.ErrNoRows),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	kind, message := fault.Internal, "the database refused a statement"
	if pg := pgError(err); pg != nil {
		kind, message = postgresKind(pg.Code)
	} else if e := sqliteError(err); e != nil {
		kind, message = sqliteKind(e.Code())
	} else if lostConnection(err) {
		kind, message = fault.Unavailable, "the connection to the database was lost"
		if connect := (*pgconn.ConnectError)(nil); errors.As(err, &connect) {
			message = "the database server cannot be reached"
		}
	}
	return fault.Wrap(kind, err, message)
}

// postgresKind follows https://www.postgresql.org/docs/current/errcodes-appendix.html.
func postgresKind(code string) (fault.Kind, string) {
	switch {
	case code == "23505":
		return fault.Conflict, "it exists already"
	case code == "40001", code == "40P01", code == "55P03":
		return fault.Unavailable, "others were changing the same data, try again"
	case code == "22021", code == "22P05":
		return fault.Invalid, "the text is not valid UTF-8"
	case code == "53100":
		return fault.Full, "the database's disk is full"
	case code == "3D000":
		return fault.Invalid, "there is no such database on the server: create it first"
	case code == "28P01", code == "28000":
		return fault.Invalid, "the server does not let this user in with this password"
	case code == "42501":
		return fault.Refused, "the database user lacks a right: it has to make a schema and tables of its own"
	case code == "25006":
		return fault.Internal, "a write inside a read"
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57"):
		return fault.Unavailable, "the database is not available"
	}
	return fault.Internal, "the database refused a statement"
}

// sqliteKind follows https://www.sqlite.org/rescode.html.
func sqliteKind(code int) (fault.Kind, string) {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return fault.Conflict, "it exists already"
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return fault.Full, "the disk is full"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fault.Unavailable, "another process is writing to the database, try again"
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_INTERRUPT:
		return fault.Unavailable, "the database file could not be read or written"
	case sqlite3.SQLITE_READONLY:
		return fault.Internal, "a write inside a read"
	}
	return fault.Internal, "the database refused a statement"
}

func lostConnection(err error) bool {
	var network net.Error
	var connect *pgconn.ConnectError
	return err != nil && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.As(err, &network) || errors.As(err, &connect) || pgconn.SafeToRetry(err))
}

// repeatable reports whether PostgreSQL gave up a transaction, or lost it before the commit, so that it may succeed when run again.
func repeatable(err error) bool {
	if err == nil || fault.CodeOf(err) == commitUnknown {
		return false
	}
	if pg := pgError(err); pg != nil && (pg.Code == "40001" || pg.Code == "40P01") {
		return true
	}
	return ended(err) || lostConnection(err)
}
