package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Kind is what a column holds, the same words on both engines.
type Kind string

// The kinds of columns. SQLite keeps truth as a number.
const (
	Number Kind = "number" // int64
	Words  Kind = "text"   // string
	Bytes  Kind = "bytes"  // []byte
	Truth  Kind = "bool"   // bool
)

// Column is a column of a table.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
}

// Table is a table of ours as the database has it.
type Table struct {
	Name    string   `json:"table"`
	Columns []Column `json:"columns"`
	Last    int64    `json:"last,omitempty"` // the last number given in its identity column; 0 when it has none
}

// bookkeeping are the tables that migrating makes and keeps by itself.
const bookkeeping = `'goose_db_version', 'schema_version'`

// Snapshot is one unchanging view of every table of ours, for as long as it takes: what is written meanwhile is not in it, and nobody who writes waits for it.
// On SQLite the write-ahead log grows until it is closed.
type Snapshot struct {
	Engine  Engine
	Version int64     // number of the newest migration
	At      time.Time // when it was taken, by the database's clock
	Tables  []Table   // those that others refer to come first

	pool *sql.DB
	conn *sql.Conn
}

// OpenSnapshot opens a view of the database at a url, see Open. It writes nothing and makes nothing. Faults: NotFound when there is no database, or none of ours.
func OpenSnapshot(ctx context.Context, address string) (*Snapshot, error) {
	s := &Snapshot{}
	var begin, clock string
	var err error
	if isPostgres(address) {
		p := &server{schema: defaultSchema}
		config, err := p.config(address)
		if err != nil {
			return nil, err
		}
		s.Engine, begin = PostgreSQL, "begin isolation level repeatable read read only"
		clock = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint"
		s.pool = openPool(config, 1, map[string]string{"default_transaction_read_only": "on", "idle_in_transaction_session_timeout": "0", "statement_timeout": "0"}, false)
	} else {
		path, err := filePath(address)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fault.New(fault.NotFound, "there is no database at %s", path)
		}
		begin = "begin"
		if s.pool, err = sql.Open("sqlite", (&lite{path: path}).dsn(true)); err != nil {
			return nil, classify(err)
		}
	}
	if s.conn, err = s.pool.Conn(ctx); err != nil {
		return nil, errors.Join(classify(err), s.pool.Close())
	}
	if err := s.start(ctx, begin, clock); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func isPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// WithSchema is the url of another schema of the same PostgreSQL database; a url of SQLite is answered as it is.
func WithSchema(address, schema string) string {
	u, err := url.Parse(address)
	if err != nil || !isPostgres(address) {
		return address
	}
	q := u.Query()
	q.Set("schema", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// filePath is the file behind a url of SQLite.
func filePath(address string) (string, error) {
	path := strings.TrimSuffix(strings.TrimPrefix(address, "sqlite:"), "?sync=off")
	if path == "" || strings.HasPrefix(path, ":") {
		return "", fault.New(fault.Invalid, "%q names no database file", path)
	}
	return filepath.Abs(path)
}

func (s *Snapshot) start(ctx context.Context, begin, clock string) error {
	if _, err := s.conn.ExecContext(ctx, begin); err != nil {
		return classify(err)
	}
	s.At = time.Now()
	if clock != "" {
		var micros int64
		if err := s.conn.QueryRowContext(ctx, clock).Scan(&micros); err != nil {
			return classify(err)
		}
		s.At = time.UnixMicro(micros)
	}
	var err error
	if s.Tables, err = tablesOf(ctx, s.conn, s.Engine); err != nil {
		return err
	}
	if len(s.Tables) == 0 {
		return fault.New(fault.NotFound, "the database holds no tables of this program")
	}
	return classify(s.conn.QueryRowContext(ctx, "select current from schema_version").Scan(&s.Version))
}

// Close ends the view.
func (s *Snapshot) Close() error {
	return errors.Join(s.conn.Close(), s.pool.Close())
}

// Each hands out every row of a table, its values in the order of the columns: int64, string, []byte, bool or nil. They are valid during the call only.
func (s *Snapshot) Each(ctx context.Context, t Table, row func(values []any) error) error {
	var list []string
	var blobs []int
	for i, c := range t.Columns {
		list = append(list, quoted(c.Name))
		if c.Kind == Bytes {
			blobs = append(blobs, i)
		}
	}
	for _, i := range blobs { // empty bytes are scanned as nil, null too
		list = append(list, quoted(t.Columns[i].Name)+" is null")
	}
	rows, err := s.conn.QueryContext(ctx, "select "+strings.Join(list, ", ")+" from "+quoted(t.Name))
	if err != nil {
		return about("read "+t.Name, err)
	}
	defer func() { _ = rows.Close() }()
	values, into := make([]any, len(list)), make([]any, len(list))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return about("read "+t.Name, err)
		}
		for k, i := range blobs {
			null := values[len(t.Columns)+k]
			if b, _ := values[i].([]byte); b == nil && (null == false || null == int64(0)) {
				values[i] = []byte{}
			}
		}
		if err := row(values[:len(t.Columns)]); err != nil {
			return err
		}
	}
	return about("read "+t.Name, rows.Err())
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// asker is a connection or a pool.
type asker interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

const (
	liteCatalog = `select t.name, c.name, lower(c.type), coalesce((select seq from sqlite_sequence s where s.name = t.name), 0) from pragma_table_list t join pragma_table_info(t.name) c
		where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite_%' and t.name not in (` + bookkeeping + `) order by t.name, c.cid`
	pgCatalog = `select c.table_name, c.column_name, c.data_type, 0::bigint from information_schema.columns c join information_schema.tables t
		on t.table_schema = c.table_schema and t.table_name = c.table_name and t.table_type = 'BASE TABLE'
		where c.table_schema = current_schema() and c.table_name not in (` + bookkeeping + `) order by c.table_name, c.ordinal_position`
	liteParents = `select t.name, f."table" from pragma_table_list t join pragma_foreign_key_list(t.name) f where t.schema = 'main' and t.type = 'table'`
	pgParents   = `select c.relname, p.relname from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class p on p.oid = k.confrelid
		join pg_namespace n on n.oid = c.relnamespace where k.contype = 'f' and n.nspname = current_schema()`
)

var kindOf = map[string]Kind{"integer": Number, "bigint": Number, "text": Words, "blob": Bytes, "bytea": Bytes, "boolean": Truth}

// tablesOf reads which tables there are, those that others refer to first.
func tablesOf(ctx context.Context, c asker, e Engine) ([]Table, error) {
	catalog, parents := liteCatalog, liteParents
	if e == PostgreSQL {
		catalog, parents = pgCatalog, pgParents
	}
	var all []Table
	err := scanAll(ctx, c, catalog, func(rows *sql.Rows) error {
		var table, column, kind string
		var last int64
		if err := rows.Scan(&table, &column, &kind, &last); err != nil {
			return err
		}
		if len(all) == 0 || all[len(all)-1].Name != table {
			all = append(all, Table{Name: table, Last: last})
		}
		if kindOf[kind] == "" {
			return fmt.Errorf("column %s.%s is %s, which no backup knows", table, column, kind)
		}
		t := &all[len(all)-1]
		t.Columns = append(t.Columns, Column{column, kindOf[kind]})
		return nil
	})
	if err != nil {
		return nil, err
	}
	above := map[string][]string{}
	if err := scanAll(ctx, c, parents, func(rows *sql.Rows) error {
		var child, parent string
		err := rows.Scan(&child, &parent)
		above[child] = append(above[child], parent)
		return err
	}); err != nil {
		return nil, err
	}
	if e == PostgreSQL {
		if err := lastNumbers(ctx, c, all); err != nil {
			return nil, err
		}
	}
	return parentsFirst(all, above), nil
}

// lastNumbers reads the sequences behind identity columns.
func lastNumbers(ctx context.Context, c asker, all []Table) error {
	sequences := map[string]string{}
	if err := scanAll(ctx, c, `select table_name, pg_get_serial_sequence(quote_ident(table_schema) || '.' || quote_ident(table_name), column_name) from information_schema.columns
		where table_schema = current_schema() and is_identity = 'YES' and table_name not in (`+bookkeeping+`)`, func(rows *sql.Rows) error {
		var table, sequence string
		err := rows.Scan(&table, &sequence)
		sequences[table] = sequence
		return err
	}); err != nil {
		return err
	}
	for i, t := range all {
		if sequences[t.Name] == "" {
			continue
		}
		if err := scanAll(ctx, c, `select case when is_called then last_value else last_value - 1 end from `+sequences[t.Name], func(rows *sql.Rows) error {
			return rows.Scan(&all[i].Last)
		}); err != nil {
			return err
		}
	}
	return nil
}

// parentsFirst orders tables so that rows can be put in with their foreign keys checked.
func parentsFirst(all []Table, above map[string][]string) []Table {
	byName := map[string]Table{}
	for _, t := range all {
		byName[t.Name] = t
	}
	var out []Table
	done := map[string]bool{}
	var put func(name string)
	put = func(name string) {
		if t, ours := byName[name]; ours && !done[name] {
			done[name] = true
			for _, p := range slices.Sorted(slices.Values(above[name])) {
				put(p)
			}
			out = append(out, t)
		}
	}
	for _, t := range all {
		put(t.Name)
	}
	return out
}

func scanAll(ctx context.Context, c asker, text string, each func(rows *sql.Rows) error) error {
	rows, err := c.QueryContext(ctx, text)
	if err != nil {
		return about(text, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return about(text, rows.Err())
}

// about is an error of a statement, or nil.
func about(text string, err error) error {
	if err == nil {
		return nil
	}
	return statementError(text, classify(err))
}

// missing reports whether there is no file, or an empty one.
func missing(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return info.Size() == 0, nil
}
