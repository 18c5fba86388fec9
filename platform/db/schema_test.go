package db_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// bookkeeping tables are goose's and ours; their DDL is each engine's own.
const bookkeeping = "'goose_db_version', 'schema_version'"

// TestTheTwoSchemasAreTheSame compares what both engines made of the migrations: tables, columns with type, nullability and place
// in the primary key, unique indexes, and names of check constraints.
func TestTheTwoSchemasAreTheSame(t *testing.T) {
	t.Parallel()
	lite, pg := dbtest.SQLite(t), dbtest.Postgres(t)
	want, got := describe(t, lite, liteColumns, liteIndexes), describe(t, pg, pgColumns, pgIndexes)
	if len(want) == 0 {
		t.Fatal("there are no tables")
	}
	want = append(want, liteChecks(t, lite)...)
	got = append(got, describe(t, pg, pgChecks)...)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sqlite -, postgres +\n%s", diff)
	}
}

// Each text answers with lines that read the same on both engines.
const (
	liteColumns = `select t.name || '.' || c.name || ' ' ||
		case c.type when 'INTEGER' then 'number' when 'TEXT' then 'text' when 'BLOB' then 'bytes' else c.type end ||
		case when c."notnull" = 1 or c.pk > 0 then ' not null' else '' end || case when c.pk > 0 then ' pk' || c.pk else '' end
		from pragma_table_list t join pragma_table_info(t.name) c
		where t.type = 'table' and t.name not like 'sqlite_%' and t.name not in (` + bookkeeping + `)`
	pgColumns = `select c.table_name || '.' || c.column_name || ' ' ||
		case c.data_type when 'bigint' then 'number' when 'boolean' then 'number' when 'text' then 'text' when 'bytea' then 'bytes' else c.data_type end ||
		case when c.is_nullable = 'NO' then ' not null' else '' end || coalesce(' pk' || k.ordinal_position, '')
		from information_schema.columns c
		left join information_schema.table_constraints p on p.table_schema = c.table_schema and p.table_name = c.table_name
			and p.constraint_type = 'PRIMARY KEY'
		left join information_schema.key_column_usage k on k.constraint_schema = p.constraint_schema and k.constraint_name = p.constraint_name
			and k.column_name = c.column_name
		where c.table_schema = current_schema() and c.table_name not in (` + bookkeeping + `)`
	liteIndexes = `select t.name || case when i."unique" = 1 then ' unique (' else ' index (' end ||
			(select group_concat(coalesce(name, '?'), ', ') from (select name from pragma_index_info(i.name) order by seqno)) || ')' ||
			case when i.partial = 1 then ' partial' else '' end
		from pragma_table_list t join pragma_index_list(t.name) i
		where t.type = 'table' and i.origin <> 'pk' and t.name not in (` + bookkeeping + `)`
	pgIndexes = `select t.relname || case when i.indisunique then ' unique (' else ' index (' end ||
			(select string_agg(coalesce(a.attname, '?'), ', ' order by k.n) from unnest(i.indkey::int[]) with ordinality k(attnum, n)
				left join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum and k.attnum > 0) || ')' ||
			case when i.indpred is not null then ' partial' else '' end
		from pg_index i join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace
		where n.nspname = current_schema() and not i.indisprimary and t.relname not in (` + bookkeeping + `)`
	pgChecks = `select t.relname || ' check ' || c.conname
		from pg_constraint c join pg_class t on t.oid = c.conrelid join pg_namespace n on n.oid = t.relnamespace
		where n.nspname = current_schema() and c.contype = 'c' and t.relname not in (` + bookkeeping + `)`
)

func describe(t *testing.T, d *db.DB, texts ...string) []string {
	t.Helper()
	var out []string
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		for _, text := range texts {
			lines, err := db.All(tx, scanID, text)
			if err != nil {
				return err
			}
			out = append(out, lines...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var (
	check      = regexp.MustCompile(`(?i)\bcheck\s*\(`)
	namedCheck = regexp.MustCompile(`(?i)\bconstraint\s+(\w+)\s+check\s*\(`)
)

// liteChecks reads the names out of the tables' own text, since SQLite has no list of them; a check without a name fails the test.
func liteChecks(t *testing.T, d *db.DB) []string {
	t.Helper()
	var out []string
	for _, table := range describe(t, d, "select name || ' ' || sql from sqlite_schema where type = 'table' and name not in ("+bookkeeping+")") {
		name, text, _ := strings.Cut(table, " ")
		named := namedCheck.FindAllStringSubmatch(text, -1)
		if all := check.FindAllString(text, -1); len(all) != len(named) {
			t.Errorf("table %s has %d check constraints, %d of them with a name", name, len(all), len(named))
		}
		for _, m := range named {
			out = append(out, fmt.Sprintf("%s check %s", name, strings.ToLower(m[1])))
		}
	}
	return out
}
