package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// RestoringCode is the code of the fault that says that a restore did not end.
const RestoringCode = "restore_incomplete"

const (
	restoringFile   = ".restoring"
	restoringSchema = "_restoring"
)

// Loading is a database that is being filled from a backup. It is filled beside the place where it will stand (a file with the ending .restoring, a schema whose name
// ends so) and moved there whole by Finish: whoever opens the place before finds nothing, or is told that a restore did not end.
type Loading struct {
	url    string // of the place it is filled in
	place  string // file, or schema, where it will stand
	work   string // file, or schema, where it is filled
	engine Engine
	tables []Table
	pool   *sql.DB
	conn   *sql.Conn
}

// OpenLoading begins to fill an empty database at a url, see Open. Faults: Conflict when there is a database already, and with the code RestoringCode when an earlier
// restore did not end there; again begins that one afresh.
func OpenLoading(ctx context.Context, address string, again bool) (*Loading, error) {
	if isPostgres(address) {
		return openPostgresLoading(ctx, address, again)
	}
	path, err := filePath(address)
	if err != nil {
		return nil, err
	}
	l := &Loading{place: path, work: path + restoringFile, engine: SQLite}
	l.url = "sqlite:" + l.work
	for _, name := range []string{path, path + "-wal"} {
		none, err := missing(name)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the place of the database cannot be looked at")
		}
		if !none {
			return nil, fault.New(fault.Conflict, "there is a database at %s already: a restore only makes new ones, so move it away first", path)
		}
	}
	if _, err := os.Stat(l.work); err == nil {
		if !again {
			return nil, unfinished(path, l.work)
		}
		if err := l.Drop(ctx); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the folder of the database cannot be made")
	}
	f, err := os.OpenFile(l.work, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the database file cannot be made")
	}
	return l, f.Close()
}

// unfinished says that a restore did not end.
func unfinished(place, work string) error {
	return fault.New(fault.Conflict, "a restore into %s did not end, what it left is %s: restore again with --again", place, work).WithCode(RestoringCode)
}

func openPostgresLoading(ctx context.Context, address string, again bool) (*Loading, error) {
	s := &server{schema: defaultSchema}
	config, err := s.config(address)
	if err != nil {
		return nil, err
	}
	l := &Loading{place: s.schema, work: s.schema + restoringSchema, engine: PostgreSQL}
	l.url = WithSchema(address, l.work)
	pool := openPool(config, 1, nil, false)
	defer func() { _ = pool.Close() }()
	var filled int
	if err := pool.QueryRowContext(ctx, `select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'S')`,
		l.place).Scan(&filled); err != nil {
		return nil, classify(err)
	}
	if filled > 0 {
		return nil, fault.New(fault.Conflict, "the schema %s is not empty: a restore only fills an empty one, so rename it or name another with ?schema=", l.place)
	}
	begun, err := schemaThere(ctx, pool, l.work)
	if err != nil {
		return nil, err
	}
	if begun && !again {
		return nil, unfinished("the schema "+l.place, "the schema "+l.work)
	}
	text := "create schema " + quoted(l.work)
	if begun {
		text = "drop schema " + quoted(l.work) + " cascade; " + text
	}
	_, err = pool.ExecContext(ctx, text)
	return l, about(text, err)
}

func schemaThere(ctx context.Context, pool *sql.DB, name string) (there bool, err error) {
	err = pool.QueryRowContext(ctx, "select exists (select from pg_namespace where nspname = $1)", name).Scan(&there)
	return there, classify(err)
}

// ResumeLoading is OpenLoading for a copy that goes on where it stopped: what an earlier one put into a PostgreSQL schema at the same version stays, and begun says so.
// A file is begun afresh, as it is filled without a journal.
func ResumeLoading(ctx context.Context, address string, version int64) (l *Loading, begun bool, err error) {
	l, err = OpenLoading(ctx, address, !isPostgres(address))
	if err == nil || fault.CodeOf(err) != RestoringCode {
		return l, false, err
	}
	s := &server{schema: defaultSchema}
	if _, err := s.config(address); err != nil {
		return nil, false, err
	}
	l = &Loading{place: s.schema, work: s.schema + restoringSchema, engine: PostgreSQL}
	l.url = WithSchema(address, l.work)
	there, err := OpenSnapshot(ctx, l.url)
	if err == nil {
		begun = there.Version == version
		err = there.Close()
	}
	if err == nil && begun {
		return l, true, nil
	}
	l, err = OpenLoading(ctx, address, true)
	return l, false, err
}

// Empty throws away the rows of a table, and of those that refer to it.
func (l *Loading) Empty(ctx context.Context, t Table) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	text := "truncate " + quoted(t.Name) + " cascade"
	if l.engine == SQLite {
		text = "delete from " + quoted(t.Name)
	}
	_, err := l.conn.ExecContext(ctx, text)
	return about(text, err)
}

// URL opens what is being filled, while nothing is being put in.
func (l *Loading) URL() string { return l.url }

// Engine is the kind of database that is filled.
func (l *Loading) Engine() Engine { return l.engine }

// Make makes the tables as they were at a version, and leaves them empty. Fault: Conflict for a version that this binary does not know.
func (l *Loading) Make(ctx context.Context, version int64) (err error) {
	d, err := Open(ctx, l.url, Options{NoSync: true, Pool: 2})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	set, err := d.set.To(version)
	if err != nil {
		return err
	}
	if set.Latest != version {
		return fault.New(fault.Conflict, "the backup has schema %d, this program knows %d: use the one that made it, or a newer one", version, d.set.Latest)
	}
	if err := d.engine.migrate(ctx, set, func(string) {}); err != nil {
		return err
	}
	if err := d.Close(); err != nil {
		return err
	}
	if err := l.begin(ctx); err != nil {
		return err
	}
	for _, t := range slices.Backward(l.tables) { // what migrations put in is in the backup too
		if _, err := l.conn.ExecContext(ctx, "delete from "+quoted(t.Name)); err != nil {
			return about("empty "+t.Name, err)
		}
	}
	return nil
}

// begin opens the connection that puts rows in, in one transaction until Pause.
func (l *Loading) begin(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	var err error
	if l.engine == PostgreSQL {
		s := &server{schema: l.work}
		config, err := s.config(l.url)
		if err != nil {
			return err
		}
		l.pool = openPool(config, 1, map[string]string{"idle_in_transaction_session_timeout": "0"}, false)
	} else if l.pool, err = sql.Open("sqlite", fillDSN(l.work)); err != nil {
		return classify(err)
	}
	if l.conn, err = l.pool.Conn(ctx); err != nil {
		return errors.Join(classify(err), l.pool.Close())
	}
	if l.tables, err = tablesOf(ctx, l.conn, l.engine); err != nil {
		return errors.Join(err, l.Close())
	}
	_, err = l.conn.ExecContext(ctx, "begin")
	return classify(err)
}

// fillDSN opens a file that nobody else has, and that is thrown away when anything goes wrong: it needs no journal.
func fillDSN(path string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	q := url.Values{"_pragma": {"journal_mode(off)", "synchronous(off)", "foreign_keys(0)", "cache_size(-65536)", "temp_store(memory)"}}
	return "file:" + (&url.URL{Path: slashed}).EscapedPath() + "?" + q.Encode()
}

// Pause keeps what was put in and lets go of the database, so that URL can be opened.
func (l *Loading) Pause(ctx context.Context) error {
	if l.conn == nil {
		return nil
	}
	_, err := l.conn.ExecContext(ctx, "commit")
	return errors.Join(classify(err), l.Close())
}

// Close lets go of the database and leaves what was put in as it is.
func (l *Loading) Close() error {
	if l.conn == nil {
		return nil
	}
	err := errors.Join(l.conn.Close(), l.pool.Close())
	l.conn, l.pool = nil, nil
	return err
}

// Fill puts rows into a table until next answers io.EOF, and says how many they were. The table must be the one that Make made. Fault: Invalid when it is not, or a value
// does not fit its column.
func (l *Loading) Fill(ctx context.Context, t Table, next func() ([]any, error)) (n int64, err error) {
	if err := l.begin(ctx); err != nil {
		return 0, err
	}
	at := slices.IndexFunc(l.tables, func(o Table) bool { return o.Name == t.Name })
	if at < 0 {
		return 0, fault.New(fault.Invalid, "the backup has a table %q that its version never had: it is damaged", t.Name)
	}
	own := l.tables[at]
	kinds := make([]Kind, len(t.Columns))
	for i, c := range t.Columns {
		k := slices.IndexFunc(own.Columns, func(o Column) bool { return o.Name == c.Name })
		if k < 0 || len(t.Columns) != len(own.Columns) {
			return 0, fault.New(fault.Invalid, "the columns of %s in the backup are not those of its version: it is damaged", t.Name)
		}
		kinds[i] = own.Columns[k].Kind
	}
	row := func() ([]any, error) {
		values, err := next()
		if err != nil {
			return nil, err
		}
		n++
		return fitted(values, kinds, t)
	}
	if l.engine == PostgreSQL {
		err = l.copy(ctx, t, row)
	} else {
		err = l.insert(ctx, t, row)
	}
	if err == nil && t.Last > 0 {
		err = l.count(ctx, t)
	}
	return n, err
}

// fitted turns values into what the columns hold: an engine has truth values of its own, another keeps them as numbers.
func fitted(values []any, kinds []Kind, t Table) ([]any, error) {
	if len(values) != len(kinds) {
		return nil, fault.New(fault.Invalid, "a row of %s in the backup has %d values, not %d: it is damaged", t.Name, len(values), len(kinds))
	}
	for i, v := range values {
		fits := v == nil
		switch x := v.(type) {
		case int64:
			if fits = kinds[i] == Number; kinds[i] == Truth {
				values[i], fits = x != 0, true
			}
		case bool:
			if fits = kinds[i] == Truth; kinds[i] == Number {
				values[i], fits = map[bool]int64{true: 1}[x], true
			}
		case string:
			fits = kinds[i] == Words
		case []byte:
			fits = kinds[i] == Bytes
		}
		if !fits {
			return nil, fault.New(fault.Invalid, "a value of %s.%s in the backup does not fit: it is damaged", t.Name, t.Columns[i].Name)
		}
	}
	return values, nil
}

func (l *Loading) insert(ctx context.Context, t Table, row func() ([]any, error)) error {
	names, marks := make([]string, len(t.Columns)), make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i], marks[i] = quoted(c.Name), fmt.Sprintf("$%d", i+1)
	}
	text := "insert into " + quoted(t.Name) + " (" + strings.Join(names, ", ") + ") values (" + strings.Join(marks, ", ") + ")"
	stmt, err := l.conn.PrepareContext(ctx, text)
	if err != nil {
		return about(text, err)
	}
	defer func() { _ = stmt.Close() }()
	for {
		values, err := row()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := stmt.ExecContext(ctx, values...); err != nil {
			return about(text, err)
		}
	}
}

func (l *Loading) copy(ctx context.Context, t Table, row func() ([]any, error)) error {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	var failed error
	err := l.conn.Raw(func(dc any) error {
		_, err := dc.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{l.work, t.Name}, names, pgx.CopyFromFunc(func() ([]any, error) {
			values, err := row()
			if errors.Is(err, io.EOF) {
				return nil, nil
			}
			failed = err
			return values, err
		}))
		return err
	})
	if failed != nil {
		return failed
	}
	return about("fill "+t.Name, err)
}

// count has the identity column go on where it was.
func (l *Loading) count(ctx context.Context, t Table) error {
	if l.engine == SQLite {
		_, err := l.conn.ExecContext(ctx, `delete from sqlite_sequence where name = $1`, t.Name)
		if err == nil {
			_, err = l.conn.ExecContext(ctx, `insert into sqlite_sequence (name, seq) values ($1, $2)`, t.Name, t.Last)
		}
		return about("count "+t.Name, err)
	}
	var column string
	if err := l.conn.QueryRowContext(ctx, `select column_name from information_schema.columns where table_schema = current_schema() and table_name = $1 and is_identity = 'YES'`,
		t.Name).Scan(&column); err != nil {
		return about("count "+t.Name, err)
	}
	_, err := l.conn.ExecContext(ctx, fmt.Sprintf("alter table %s alter column %s restart with %d", quoted(t.Name), quoted(column), t.Last+1))
	return about("count "+t.Name, err)
}

// Look lends a pool on what was put in, after Pause, to ask it questions.
func (l *Loading) Look(ctx context.Context, ask func(pool *sql.DB) error) error {
	pool, err := l.look()
	if err != nil {
		return err
	}
	err = ask(pool)
	return errors.Join(err, pool.Close())
}

func (l *Loading) look() (*sql.DB, error) {
	if l.engine == SQLite {
		return sql.Open("sqlite", (&lite{path: l.work}).dsn(false))
	}
	s := &server{}
	config, err := s.config(l.url)
	if err != nil {
		return nil, err
	}
	return openPool(config, 2, nil, false), nil
}

// Finish brings the tables up to this binary's version and puts the database in its place, whole and durable. Fault: Invalid when rows refer to what is not there.
func (l *Loading) Finish(ctx context.Context) error {
	if err := l.Pause(ctx); err != nil {
		return err
	}
	if l.engine == SQLite {
		if err := l.Look(ctx, func(pool *sql.DB) error {
			var broken int
			if err := pool.QueryRowContext(ctx, "select count(*) from pragma_foreign_key_check").Scan(&broken); err != nil || broken == 0 {
				return classify(err)
			}
			return fault.New(fault.Invalid, "%d rows of the backup refer to what is not there: it is damaged", broken)
		}); err != nil {
			return err
		}
	}
	d, err := Open(ctx, l.url, Options{Pool: 2})
	if err != nil {
		return err
	}
	if err := errors.Join(d.Migrate(ctx, nil), d.Close()); err != nil {
		return err
	}
	if l.engine == PostgreSQL {
		return l.move(ctx)
	}
	if err := errors.Join(syncPath(l.work), os.Rename(l.work, l.place)); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the restored database cannot be put in its place")
	}
	return fault.Wrap(fault.Unavailable, syncPath(filepath.Dir(l.place)), "the restored database may not be durable")
}

// syncPath has the disk keep a file or a folder.
func syncPath(path string) error {
	if info, err := os.Stat(path); err != nil || info.IsDir() && runtime.GOOS == "windows" {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// move takes the tables from one schema into the other, in one transaction.
func (l *Loading) move(ctx context.Context) error {
	pool, err := l.look()
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return classify(err)
	}
	defer func() { _ = tx.Rollback() }()
	var names []string
	if err := scanAll(ctx, tx, `select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = current_schema() and c.relkind = 'r'`, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	}); err != nil {
		return err
	}
	texts := []string{"create schema if not exists " + quoted(l.place)}
	for _, name := range names {
		texts = append(texts, fmt.Sprintf("alter table %s.%s set schema %s", quoted(l.work), quoted(name), quoted(l.place)))
	}
	for _, text := range append(texts, "drop schema "+quoted(l.work)) {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return about(text, err)
		}
	}
	return classify(tx.Commit())
}

// Drop throws away what was put in.
func (l *Loading) Drop(ctx context.Context) error {
	err := l.Close()
	if l.engine == SQLite {
		for _, end := range []string{"", "-wal", "-shm", "-journal"} {
			if e := os.Remove(l.work + end); e != nil && !os.IsNotExist(e) {
				err = errors.Join(err, e)
			}
		}
		return err
	}
	pool, e := l.look()
	if e != nil {
		return errors.Join(err, e)
	}
	_, e = pool.ExecContext(ctx, "drop schema if exists "+quoted(l.work)+" cascade")
	return errors.Join(err, classify(e), pool.Close())
}
