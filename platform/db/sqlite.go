package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db/migrate"
)

const (
	busyTimeout = 10 * time.Second // how long another process may keep the file
	readLimit   = 20 * time.Second // a longer read would keep the write-ahead log from being recycled
	walLimit    = 64 << 20         // the log is cut back to this many bytes
)

// lite is SQLite: one writing connection that a group shares, and a few for reading.
type lite struct {
	path    string
	opt     Options
	pool    *sql.DB // the writing connection
	readers *sql.DB
	free    chan *liteConn
	all     []*liteConn
	gone    chan struct{} // closed with the database
	writer  *writer
}

func openSQLite(ctx context.Context, path string, opt Options, n *counts) (engine, error) {
	if path == "" || strings.HasPrefix(path, ":") {
		return nil, fault.New(fault.Invalid, "%q names no database file", path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := restored(path); err != nil {
		return nil, err
	}
	if err := makeFile(path); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the database file cannot be opened")
	}
	if opt.Readers <= 0 {
		opt.Readers = 3
	}
	l := &lite{path: path, opt: opt, free: make(chan *liteConn, opt.Readers), gone: make(chan struct{})}
	if err := l.connect(ctx, n); err != nil {
		_ = l.close()
		return nil, classify(err)
	}
	return l, nil
}

// restored refuses a place that a restore was meant to fill and did not: an empty database would take its place unnoticed.
func restored(path string) error {
	none, err := missing(path)
	if err != nil || !none {
		return err
	}
	if _, err := os.Stat(path + restoringFile); err == nil {
		return unfinished(path, path+restoringFile)
	}
	return nil
}

// makeFile makes the file readable by its owner only; SQLite gives the same mode to the log beside it.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (l *lite) connect(ctx context.Context, n *counts) error {
	var err error
	if l.pool, err = sql.Open("sqlite", l.dsn(false)); err != nil {
		return err
	}
	w, err := pin(ctx, l.pool)
	if err != nil {
		return err
	}
	if l.writer, err = newWriter(w, n, l.opt.Fails); err != nil {
		return err
	}
	if l.readers, err = sql.Open("sqlite", l.dsn(true)); err != nil {
		return err
	}
	for range l.opt.Readers {
		c, err := pin(ctx, l.readers)
		if err != nil {
			return err
		}
		l.all = append(l.all, c)
		l.free <- c
	}
	return nil
}

// dsn is the driver's name of the file with what every connection is told. The driver sets the busy timeout before all else.
func (l *lite) dsn(read bool) string {
	slashed := filepath.ToSlash(l.path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	q := url.Values{}
	q.Set("_busy_timeout", fmt.Sprint(busyTimeout.Milliseconds()))
	q.Set("_journal_mode", "WAL")
	q.Set("_foreign_keys", "1")
	q.Set("_dqs", "0")
	q.Add("_pragma", "temp_store(memory)")
	if read {
		q.Set("_query_only", "1")
		q.Set("_txlock", "deferred")
	} else {
		q.Set("_txlock", "immediate")
		q.Set("_synchronous", "FULL")
		if l.opt.NoSync {
			q.Set("_synchronous", "OFF")
		}
		q.Add("_pragma", "secure_delete(1)")
		q.Add("_pragma", "wal_autocheckpoint(8000)") // 32 MB: pages that change often are written into the file once
		q.Add("_pragma", fmt.Sprintf("journal_size_limit(%d)", walLimit))
		q.Add("_pragma", "cache_size(-32768)")
		if l.opt.MaxPages > 0 {
			q.Add("_pragma", fmt.Sprintf("max_page_count(%d)", l.opt.MaxPages))
		}
	}
	return "file:" + (&url.URL{Path: slashed}).EscapedPath() + "?" + q.Encode()
}

func (l *lite) kind() Engine { return SQLite }

func (l *lite) waiting() int { return l.writer.waiting() }

func (l *lite) clock(context.Context) (time.Time, error) { return time.Now(), nil }

func (l *lite) close() error {
	var errs []error
	close(l.gone)
	if l.writer != nil {
		l.writer.close()
		errs = append(errs, l.writer.conn.close())
	}
	for range l.all { // a reader that is out comes back first
		errs = append(errs, (<-l.free).close())
	}
	for _, pool := range []*sql.DB{l.readers, l.pool} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}

func (l *lite) write(ctx context.Context, d *DB, fn func(*Tx) error) error {
	return l.writer.write(ctx, d, fn)
}

func (l *lite) read(ctx context.Context, d *DB, fn func(*Tx) error) error {
	var c *liteConn
	select {
	case c = <-l.free:
	case <-l.gone:
		return errClosed()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { l.free <- c }()
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	if err := l.writer.step(AtBegin); err != nil {
		return err
	}
	if err := c.exec(context.WithoutCancel(ctx), "begin"); err != nil {
		return classify(err)
	}
	tx := d.begin(ctx, liteRead{c}, true)
	defer func() {
		tx.end()
		_ = c.exec(context.WithoutCancel(ctx), "rollback") // nothing was written; a failed statement may have ended it already
	}()
	if err := tx.call(fn, tx.Flush); err != nil {
		return err
	}
	tx.finish()
	return nil
}

func (l *lite) version(ctx context.Context) (int64, int64, error) {
	return schemaVersion(ctx, l.pool, "select count(*) from sqlite_schema where name = 'schema_version'")
}

// liteConn is a pinned connection with the statements prepared on it.
type liteConn struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// maxStmts bounds a connection's prepared statements.
const maxStmts = 1024

func pin(ctx context.Context, pool *sql.DB) (*liteConn, error) {
	c := &liteConn{stmts: map[string]*sql.Stmt{}}
	err := unlocked(ctx, func() (err error) {
		c.conn, err = pool.Conn(ctx)
		return err
	})
	return c, err
}

// unlocked repeats opening a connection while another process keeps the file: SQLite's busy timeout does not cover the change of a
// new file to write-ahead logging.
func unlocked(ctx context.Context, open func() error) error {
	for start := time.Now(); ; {
		err := open()
		if sqliteCode(err)&0xff != sqlite3.SQLITE_BUSY || time.Since(start) > busyTimeout {
			return err
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

func (c *liteConn) close() error {
	c.forget()
	return c.conn.Close()
}

func (c *liteConn) forget() {
	for text, s := range c.stmts {
		_ = s.Close()
		delete(c.stmts, text)
	}
}

func (c *liteConn) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if s, ok := c.stmts[text]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxStmts {
		c.forget()
	}
	if testing.Testing() {
		if err := c.walks(ctx, text); err != nil {
			return nil, err
		}
	}
	s, err := c.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	c.stmts[text] = s
	return s, nil
}

// walks refuses a statement over rows(…) that would find a table's rows first and look among the batch's afterwards: with a large table that takes the longer the more it
// holds. Tests ask this of every statement they come by; "rows(…) as r cross join t" and "+t.column" tell SQLite what to begin with.
func (c *liteConn) walks(ctx context.Context, text string) error {
	if !strings.Contains(text, "(values (") || strings.HasPrefix(text, "insert") {
		return nil
	}
	rows, err := c.conn.QueryContext(ctx, "explain query plan "+text, make([]any, maxValues)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	first := map[int64]string{} // step that the others of the same level are done for each row of
	for rows.Next() {
		var id, level, x int64
		var step string
		if err := rows.Scan(&id, &level, &x, &step); err != nil {
			return err
		}
		if !strings.HasPrefix(step, "SCAN") && !strings.HasPrefix(step, "SEARCH") {
			continue
		}
		if before, there := first[level]; !there {
			first[level] = step
		} else if strings.Contains(step, "VALUES CLAUSE") && !strings.Contains(before, "VALUES CLAUSE") {
			return fault.New(fault.Internal, "%s for every batch: %s", before, text)
		}
	}
	return rows.Err()
}

func (c *liteConn) exec(ctx context.Context, text string) error {
	_, err := c.run(ctx, text, nil)
	return err
}

func (c *liteConn) run(ctx context.Context, text string, args []any) (int64, error) {
	s, err := c.prepared(ctx, text)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (c *liteConn) rows(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	s, err := c.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// each hands out every row and says how many there were.
func (c *liteConn) each(ctx context.Context, text string, args []any, each func(Scanner) error) (n int64, err error) {
	rows, err := c.rows(ctx, text, args)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

// flush runs queued statements one after the other, asking ready before each.
func (c *liteConn) flush(ctx context.Context, queue []*Promise, ready func() error) error {
	for _, p := range queue {
		p.err = nil
		for i, text := range p.stmt.texts {
			if p.err = ready(); p.err != nil {
				return p.err
			}
			var n int64
			var err error
			if p.each != nil {
				n, err = c.each(ctx, text, p.stmt.args[i], p.each)
			} else {
				n, err = c.run(ctx, text, p.stmt.args[i])
			}
			if err != nil {
				p.err = statementError(p.text, classify(err))
				return p.err
			}
			p.affected += n
		}
	}
	return nil
}

// liteRead runs statements of a read; they end with their context.
type liteRead struct{ c *liteConn }

func (r liteRead) flush(ctx context.Context, queue []*Promise) error {
	return r.c.flush(ctx, queue, ctx.Err)
}

func (r liteRead) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	return r.c.rows(ctx, text, args)
}

// liteWrite runs statements of a write. The caller's context counts between statements only: an interrupted write would end the
// transaction of the whole group.
type liteWrite struct{ w *writer }

// errLost says that SQLite has rolled back the outer transaction by itself.
var errLost = errors.New("the transaction was rolled back")

func (r liteWrite) flush(ctx context.Context, queue []*Promise) error {
	return r.w.conn.flush(context.WithoutCancel(ctx), queue, func() error { return r.ready(ctx) })
}

func (r liteWrite) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	return r.w.conn.rows(context.WithoutCancel(ctx), text, args)
}

// ready is asked before every statement: after the outer transaction is gone the next one would commit by itself.
func (r liteWrite) ready(ctx context.Context) error {
	Dawdle("savepoint")
	if r.w.lost.Load() {
		return errLost
	}
	if err := r.w.step(AtStatement); err != nil {
		return err
	}
	return ctx.Err()
}

// watch sets the flag whenever SQLite rolls back.
func watch(conn *sql.Conn, lost *atomic.Bool) error {
	return conn.Raw(func(driver any) error {
		hooks, ok := driver.(sqlite.HookRegisterer)
		if !ok {
			return fmt.Errorf("%T has no rollback hook", driver)
		}
		hooks.RegisterRollbackHook(func() { lost.Store(true) })
		return nil
	})
}

func (l *lite) migrate(ctx context.Context, set *migrate.Set, log func(string)) error {
	return migrateLite(ctx, strings.Replace(l.dsn(false), "_foreign_keys=1", "_foreign_keys=0", 1), set, log)
}
