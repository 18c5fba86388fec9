// Package migrate holds the schema: numbered SQL files in PostgreSQL's words, rendered for either engine. Start at a file
// NNNNN_name.sql.
//
// A file is in goose's format (https://pressly.github.io/goose/): "-- +goose Up", statements, and StatementBegin/End around a
// statement with semicolons of its own. Its first line is "-- oldest binary: N": the number of the newest migration known to the
// oldest binary that may still run beside this schema. Column types are bigint, boolean, bytea, text, key (text in byte order,
// for identifiers) and identity (a number the database gives, the table's primary key). Every check constraint has a name.
package migrate

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"golang.org/x/tools/txtar"
)

//go:embed *.sql
var files embed.FS

// Files holds the migrations of this binary as they are written.
func Files() fs.FS { return files }

// Set is an ordered set of migrations.
type Set struct {
	fsys   fs.FS
	Latest int64 // number of the newest migration; 0 when there is none
	Oldest int64 // newest migration known to the oldest binary that may run beside the newest schema
}

var (
	fileName   = regexp.MustCompile(`^(\d{5})_[a-z0-9_]+\.sql$`)
	oldestLine = regexp.MustCompile(`^-- oldest binary: (\d+)\r?\n`)
)

// Load reads the migrations of a folder and checks their names and first lines.
func Load(fsys fs.FS) (*Set, error) {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return nil, err
	}
	s := &Set{fsys: fsys}
	for _, name := range names {
		m := fileName.FindStringSubmatch(name)
		if m == nil {
			return nil, fmt.Errorf("migration %s: the name is not NNNNN_name.sql", name)
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		old := oldestLine.FindSubmatch(text)
		if old == nil {
			return nil, fmt.Errorf("migration %s: the first line is not \"-- oldest binary: N\"", name)
		}
		if s.Latest, err = strconv.ParseInt(m[1], 10, 64); err != nil {
			return nil, err
		}
		oldest, err := strconv.ParseInt(string(old[1]), 10, 64)
		if err != nil || oldest > s.Latest {
			return nil, fmt.Errorf("migration %s: the oldest binary %s does not exist yet", name, old[1])
		}
		s.Oldest = max(s.Oldest, oldest)
	}
	return s, nil
}

// To is the part of the set up to a number, for a database as an older binary made it.
func (s *Set) To(latest int64) (*Set, error) {
	names, err := fs.Glob(s.fsys, "*.sql")
	if err != nil {
		return nil, err
	}
	part := new(txtar.Archive)
	for _, name := range names {
		m := fileName.FindStringSubmatch(name)
		if n, err := strconv.ParseInt(m[1], 10, 64); err != nil || n > latest {
			continue
		}
		text, err := fs.ReadFile(s.fsys, name)
		if err != nil {
			return nil, err
		}
		part.Files = append(part.Files, txtar.File{Name: name, Data: text})
	}
	fsys, err := txtar.FS(part)
	if err != nil {
		return nil, err
	}
	return Load(fsys)
}

// Text is everything the migrations say, rendered; two sets with the same text make the same schema.
func (s *Set) Text(render func(string) string) (string, error) {
	rendered, err := s.archive(render)
	if err != nil {
		return "", err
	}
	return string(txtar.Format(rendered)), nil
}

func (s *Set) archive(render func(string) string) (*txtar.Archive, error) {
	names, err := fs.Glob(s.fsys, "*.sql")
	if err != nil {
		return nil, err
	}
	out := new(txtar.Archive)
	for _, name := range names {
		text, err := fs.ReadFile(s.fsys, name)
		if err != nil {
			return nil, err
		}
		out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(render(string(text)))})
	}
	return out, nil
}

// UpSQLite runs what is missing on a SQLite database. The caller keeps others out meanwhile.
func (s *Set) UpSQLite(ctx context.Context, conn *sql.DB, log func(string)) error {
	return s.up(ctx, conn, goose.DialectSQLite3, SQLite, log)
}

// UpPostgreSQL runs what is missing in the first schema of conn's search path. The caller keeps others out meanwhile.
func (s *Set) UpPostgreSQL(ctx context.Context, conn *sql.DB, log func(string)) error {
	return s.up(ctx, conn, goose.DialectPostgres, PostgreSQL, log)
}

func (s *Set) up(ctx context.Context, conn *sql.DB, dialect goose.Dialect, render func(string) string, log func(string)) error {
	if s.Latest == 0 {
		return nil
	}
	rendered, err := s.archive(render)
	if err != nil {
		return err
	}
	fsys, err := txtar.FS(rendered)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, conn, fsys, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	done, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, r := range done {
		log(fmt.Sprintf("migrated %s in %s", strings.TrimSuffix(r.Source.Path, ".sql"), r.Duration.Round(1e6)))
	}
	return nil
}
