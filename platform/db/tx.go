package db

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Tx is a transaction. It belongs to the function it was given to and to one goroutine.
//
// After a statement has failed every further one returns the same error and nothing is kept, whatever the function returns.
type Tx struct {
	Now time.Time // the transaction's one reading of DB.Now

	db       *DB
	ctx      context.Context
	run      runner
	readOnly bool
	over     atomic.Bool
	place    string // where it was opened, as part of a message; only when the order of locks is checked
	id       uint64 // the goroutine it runs on

	queue    []*Promise
	rows     *sql.Rows // what Query gave away last
	rowsText string
	failed   error
	after    []func()
	depth    int // of Try
	locks    lockOrder
}

// runner runs statements in an engine's open transaction.
type runner interface {
	// flush runs statements in order and stops at the first that fails.
	flush(ctx context.Context, queue []*Promise) error
	query(ctx context.Context, text string, args []any) (*sql.Rows, error)
}

type txKey struct{ db *DB }

// begin makes a Tx for the calling goroutine; end must follow on the same one.
func (d *DB) begin(ctx context.Context, run runner, readOnly bool) *Tx {
	tx := &Tx{Now: d.Now(), db: d, run: run, readOnly: readOnly}
	if d.opt.CheckLockOrder {
		tx.place = " (opened at " + caller() + ")"
	}
	tx.ctx = context.WithValue(ctx, txKey{d}, tx)
	if d.watching() {
		tx.id = goroutine()
		d.mu.Lock()
		d.open[tx.id] = tx
		d.mu.Unlock()
	}
	return tx
}

func (tx *Tx) end() {
	if tx.over.Swap(true) {
		return
	}
	tx.closeRows()
	tx.db.mu.Lock()
	delete(tx.db.open, tx.id)
	tx.db.mu.Unlock()
}

// call runs fn, then last, which flushes and may commit. The error is the first thing that went wrong, even when fn hides it.
func (tx *Tx) call(fn func(*Tx) error, last func() error) error {
	err := fn(tx)
	tx.closeRows()
	if err == nil && tx.failed == nil {
		err = last()
	}
	if tx.failed == nil || errors.Is(err, tx.failed) {
		return err
	}
	return errors.Join(err, tx.failed)
}

// Context is the caller's context, marked so that a transaction opened with it is refused.
func (tx *Tx) Context() context.Context { return tx.ctx }

// DB is the database the transaction runs on.
func (tx *Tx) DB() *DB { return tx.db }

// Lock is " for update" where rows are locked one by one, and "" where the writer is alone or only reads. Append it to a select
// that reads in order to decide.
func (tx *Tx) Lock() string {
	if tx.readOnly || tx.db.Engine() == SQLite {
		return ""
	}
	return " for update"
}

// AfterCommit has fn called once the transaction has really been committed, in order, by the goroutine that called Write.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Exec runs a statement and returns how many rows it affected. The first argument may be a *Batch.
func (tx *Tx) Exec(text string, args ...any) (int64, error) {
	p := tx.Send(text, args...)
	if err := tx.Flush(); err != nil {
		return 0, err
	}
	return p.Affected()
}

// Query runs a statement and returns its rows, which the caller closes before the next statement. The first argument may be a
// *Batch. All and One are shorter.
func (tx *Tx) Query(text string, args ...any) (*sql.Rows, error) {
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	s, err := prepare(tx.db.Engine(), text, args, true)
	if err != nil {
		return nil, tx.fail(statementError(text, err))
	}
	if s.empty() {
		s = statement{texts: []string{"select 1 where false"}, args: [][]any{nil}}
	}
	if err := tx.ctx.Err(); err != nil {
		return nil, tx.fail(err)
	}
	rows, err := tx.run.query(tx.ctx, s.texts[0], s.args[0])
	if err != nil {
		return nil, tx.fail(statementError(text, classify(err)))
	}
	tx.rows, tx.rowsText = rows, text
	return rows, nil
}

// Row is the answer of QueryRow.
type Row struct {
	tx   *Tx
	text string
	rows *sql.Rows
	err  error
}

// QueryRow runs a statement of which one row is wanted. The first argument may be a *Batch.
func (tx *Tx) QueryRow(text string, args ...any) Row {
	rows, err := tx.Query(text, args...)
	return Row{tx, text, rows, err}
}

// Scan reads the row, or returns sql.ErrNoRows when there is none.
func (r Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return r.tx.fail(statementError(r.text, classify(err)))
		}
		return sql.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return statementError(r.text, err)
	}
	return nil
}

// Later queues a query whose rows are in out after the next Flush, All, One or Exec: on PostgreSQL all of them are one round trip.
func Later[T any](tx *Tx, out *[]T, scan func(Scanner) (T, error), text string, args ...any) {
	tx.SendQuery(text, func(row Scanner) error {
		v, err := scan(row)
		*out = append(*out, v)
		return err
	}, args...)
}

// All returns every row. Nothing found is an empty slice.
func All[T any](tx *Tx, scan func(Scanner) (T, error), text string, args ...any) ([]T, error) {
	var out []T
	Later(tx, &out, scan, text, args...)
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	return out, nil
}

// One returns the first row. Fault: NotFound when there is none; the transaction goes on.
func One[T any](tx *Tx, scan func(Scanner) (T, error), text string, args ...any) (T, error) {
	all, err := All(tx, scan, text, args...)
	if err != nil || len(all) == 0 {
		var none T
		if err == nil {
			err = fault.New(fault.NotFound, "not found")
		}
		return none, err
	}
	return all[0], nil
}

// Promise is the answer of a queued statement.
type Promise struct {
	text     string
	stmt     statement
	each     func(Scanner) error
	affected int64
	err      error
}

var errNotFlushed = errors.New("the statement has not run yet: flush first")

// Affected is how many rows the statement affected, or handed out, and its error. Ask after Tx.Flush.
func (p *Promise) Affected() (int64, error) { return p.affected, p.err }

// Send queues a statement: Flush, every ordinary statement and the commit run what is queued, in order, in one round trip on
// PostgreSQL. The first argument may be a *Batch, which may not change until then.
func (tx *Tx) Send(text string, args ...any) *Promise { return tx.send(text, nil, args) }

// SendQuery queues a statement whose rows are handed to each when it runs. The row is valid during the call only, which makes no
// statements. On PostgreSQL statements queued behind it may have run by then. The first argument may be a *Batch.
func (tx *Tx) SendQuery(text string, each func(Scanner) error, args ...any) *Promise {
	return tx.send(text, each, args)
}

func (tx *Tx) send(text string, each func(Scanner) error, args []any) *Promise {
	p := &Promise{text: text, each: each, err: errNotFlushed}
	if tx.failed != nil {
		p.err = tx.failed
		return p
	}
	s, err := prepare(tx.db.Engine(), text, args, each != nil)
	if err != nil {
		p.err = tx.fail(statementError(text, err))
		return p
	}
	p.stmt = s
	tx.queue = append(tx.queue, p)
	return p
}

// Flush runs what is queued. When a statement fails, those behind it do not count.
func (tx *Tx) Flush() error {
	if err := tx.usable(); err != nil {
		return err
	}
	if len(tx.queue) == 0 {
		return nil
	}
	return tx.dispatch(tx.run.flush)
}

// dispatch gives the queue to the runner and tells every promise how it ended.
func (tx *Tx) dispatch(to func(context.Context, []*Promise) error) error {
	queue := tx.queue
	tx.queue = nil
	err := tx.ctx.Err()
	if err == nil {
		err = to(tx.ctx, queue)
	}
	if err == nil {
		return nil
	}
	err = tx.fail(err)
	for _, p := range queue {
		if errors.Is(p.err, errNotFlushed) {
			p.err = err
		}
	}
	return err
}

// usable refuses statements in a transaction that is over or has failed, and while rows are open.
func (tx *Tx) usable() error {
	switch {
	case tx.failed != nil:
		return tx.failed
	case tx.over.Load():
		return fault.New(fault.Internal, "the transaction is over")
	case tx.rows != nil:
		if _, err := tx.rows.Columns(); err == nil {
			return tx.fail(fault.New(fault.Internal, "close the rows of %q before the next statement", tx.rowsText))
		}
		tx.closeRows()
	}
	return tx.failed
}

// fail makes an error final for the transaction.
func (tx *Tx) fail(err error) error {
	if tx.failed == nil {
		tx.failed = err
	}
	return tx.failed
}

// closeRows closes what Query gave away; a failure that ended the rows early is the transaction's, whether it was looked at or not.
func (tx *Tx) closeRows() {
	if tx.rows == nil {
		return
	}
	err := tx.rows.Err()
	_ = tx.rows.Close()
	tx.rows = nil
	if err != nil {
		_ = tx.fail(statementError(tx.rowsText, classify(err)))
	}
}

// Try runs fn as a part that may fail alone: when it returns an error or a statement in it fails, what it wrote is undone, the
// error is returned and the transaction goes on. Not everything heals: a cancelled caller, a full disk or a lost connection fail
// the whole transaction.
func (tx *Tx) Try(fn func() error) error {
	if err := tx.Flush(); err != nil {
		return err
	}
	tx.depth++
	defer func() { tx.depth-- }()
	name := "try" + strconv.Itoa(tx.depth)
	if _, err := tx.Exec("savepoint " + name); err != nil {
		return err
	}
	after, locks := len(tx.after), tx.locks
	locks.held = maps.Clone(locks.held)
	err := fn()
	tx.closeRows()
	if err == nil {
		err = tx.Flush()
	}
	if err == nil {
		_, err = tx.Exec("release " + name)
		return err
	}
	if tx.failed != nil {
		err = tx.failed
	}
	if beyondRepair(tx.failed) || tx.ctx.Err() != nil {
		return tx.fail(err)
	}
	tx.queue, tx.failed, tx.after, tx.locks = nil, nil, tx.after[:after], locks
	if _, undo := tx.Exec("rollback to " + name); undo != nil {
		return undo
	}
	if _, undo := tx.Exec("release " + name); undo != nil {
		return undo
	}
	return err
}

// beyondRepair reports whether a statement's error ended the transaction itself.
func beyondRepair(err error) bool {
	return err != nil && (errors.Is(err, errLost) || repeatable(err) || fault.Is(err, fault.Full))
}

// finish tells who waits for the commit.
func (tx *Tx) finish() {
	for _, fn := range tx.after {
		fn()
	}
}

// watching says that a transaction inside a transaction is found also where the inner one was not given the outer one's context. That costs a look at the stack, a quarter of
// what a small transaction takes in all, so only tests do it.
func (d *DB) watching() bool { return testing.Testing() && !d.opt.Trusting }

// goroutine is the number of the calling goroutine. It serves one purpose: to refuse a transaction inside a transaction, which
// on SQLite would wait for itself for ever.
func goroutine() uint64 {
	var buf [32]byte
	head := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	n, _, _ := bytes.Cut(head, []byte(" "))
	id, _ := strconv.ParseUint(string(n), 10, 64)
	return id
}

const packagePath = "github.com/openclaw-pos/commerce/platform/db."

// caller is the file and line of the first function outside this package.
func caller() string {
	pcs := make([]uintptr, 24)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if !more || !strings.HasPrefix(f.Function, packagePath) || strings.HasSuffix(f.File, "_test.go") {
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
	}
}
