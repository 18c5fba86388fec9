package migrate_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/platform/db/migrate"
)

func TestRender(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, sqlite, postgres string }{
		{
			"a type word is replaced after a column's name",
			"create table t (id key primary key, n bigint not null, b boolean, x bytea, s text);",
			"create table t (id text primary key, n integer not null, b integer, x blob, s text) strict;",
			`create table t (id text collate "C" primary key, n bigint not null, b boolean, x bytea, s text);`,
		},
		{
			"identity is the primary key",
			"create table if not exists t (seq identity, s text);",
			"create table if not exists t (seq integer primary key autoincrement, s text) strict;",
			"create table if not exists t (seq bigint generated always as identity primary key, s text);",
		},
		{
			"quotes, comments and checks are left alone",
			"create table t ( -- a bigint key\n  n bigint constraint c check (s in ('a bigint, b key', 'x') and n > cast('1' as bigint)), /* k key */\n  \"odd key\" key,\n  primary key (n), unique (s, n), constraint u unique (key),\n  check (n > 0), foreign key (n) references u (key)\n);",
			"create table t ( -- a bigint key\n  n integer constraint c check (s in ('a bigint, b key', 'x') and n > cast('1' as bigint)), /* k key */\n  \"odd key\" text,\n  primary key (n), unique (s, n), constraint u unique (key),\n  check (n > 0), foreign key (n) references u (key)\n) strict;",
			"create table t ( -- a bigint key\n  n bigint constraint c check (s in ('a bigint, b key', 'x') and n > cast('1' as bigint)), /* k key */\n  \"odd key\" text collate \"C\",\n  primary key (n), unique (s, n), constraint u unique (key),\n  check (n > 0), foreign key (n) references u (key)\n);",
		},
		{
			"a column may bear a type's name",
			"create table t (key key not null, text text, boolean boolean, check bigint);",
			"create table t (key text not null, text text, boolean integer, check integer) strict;",
			`create table t (key text collate "C" not null, text text, boolean boolean, check bigint);`,
		},
		{
			"words may be in capitals and columns may be added",
			"ALTER TABLE t ADD COLUMN n BIGINT not null default 0; alter table t add column if not exists k Key;",
			"ALTER TABLE t ADD COLUMN n integer not null default 0; alter table t add column if not exists k text;",
			`ALTER TABLE t ADD COLUMN n BIGINT not null default 0; alter table t add column if not exists k text collate "C";`,
		},
		{
			"other statements are left alone",
			"create index i on t (key, bigint) where b; insert into t (key) values ('create table x (id key)'); create table u as select n bigint from t;",
			"create index i on t (key, bigint) where b; insert into t (key) values ('create table x (id key)'); create table u as select n bigint from t;",
			"create index i on t (key, bigint) where b; insert into t (key) values ('create table x (id key)'); create table u as select n bigint from t;",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.sqlite, migrate.SQLite(c.text)); diff != "" {
				t.Errorf("sqlite: want -, got +\n%s", diff)
			}
			if diff := cmp.Diff(c.postgres, migrate.PostgreSQL(c.text)); diff != "" {
				t.Errorf("postgres: want -, got +\n%s", diff)
			}
		})
	}
}

func FuzzRenderTouchesOnlyTables(f *testing.F) {
	f.Add("create table t (id key, n bigint check (n > 0));")
	f.Add("create table (")
	f.Add("add column")
	f.Add("create table t (a key")
	f.Add("create table t (primary")
	f.Fuzz(func(t *testing.T, text string) {
		got := migrate.SQLite(text)
		if lower := strings.ToLower(text); !strings.Contains(lower, "table") && !strings.Contains(lower, "column") && got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func TestLoad(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	t.Run("knows the newest migration and the oldest binary beside it", func(t *testing.T) {
		t.Parallel()
		set, err := migrate.Load(fstest.MapFS{
			"00001_first.sql": file("-- oldest binary: 1\n-- +goose Up\n"), "00003_third.sql": file("-- oldest binary: 2\n-- +goose Up\n"),
		})
		if err != nil || set.Latest != 3 || set.Oldest != 2 {
			t.Errorf("got %+v, %v", set, err)
		}
	})
	t.Run("takes an empty folder", func(t *testing.T) {
		t.Parallel()
		set, err := migrate.Load(fstest.MapFS{})
		if err != nil || set.Latest != 0 {
			t.Errorf("got %+v, %v", set, err)
		}
	})
	for name, fsys := range map[string]fstest.MapFS{
		"refuses a strange name":                 {"first.sql": file("-- oldest binary: 1\n")},
		"refuses a file without oldest binary":   {"00001_a.sql": file("-- +goose Up\n")},
		"refuses an oldest binary in the future": {"00001_a.sql": file("-- oldest binary: 2\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := migrate.Load(fsys); err == nil {
				t.Error("accepted")
			}
		})
	}
	t.Run("reads the migrations of this binary", func(t *testing.T) {
		t.Parallel()
		if _, err := migrate.Load(migrate.Files()); err != nil {
			t.Error(err)
		}
	})
}
