package db_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// TestKeys asks for lists of keys in every way that texts do.
func TestKeys(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			rows := db.NewBatch(0)
			for _, k := range []any{"a", "b", `c"'\`, "", nil} {
				rows.Add(k)
			}
			_, err := tx.Exec(`insert into things (k) select r.k from rows(k text) where true`, rows)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			where string
			keys  []string
			want  []string
		}{
			"some":                          {"k in (select key from json_each($1))", []string{"a", `c"'\`, "", "z"}, []string{"", "a", `c"'\`}},
			"none":                          {"k in (select key from json_each($1))", nil, nil},
			"all but some, null is unknown": {"k NOT IN ( select key from json_each($1) )", []string{"a", ""}, []string{"b", `c"'\`}},
			"all but none, null is in it":   {"k not in (select key from json_each($1))", nil, []string{"", "", "a", "b", `c"'\`}},
			"two lists":                     {"k in (select key from json_each($1)) and not (k in (select key from json_each($1)) and k = 'a')", []string{"a", "b"}, []string{"b"}},
		} {
			t.Run(name, func(t *testing.T) {
				if err := d.Read(t.Context(), func(tx *db.Tx) error {
					got, err := db.All(tx, func(s db.Scanner) (k string, err error) {
						err = s.Scan(db.Text(&k))
						return k, err
					}, `select k from things where `+c.where+` order by coalesce(k, '')`, db.Keys(c.keys))
					if diff := cmp.Diff(c.want, got); diff != "" {
						t.Error(diff)
					}
					return err
				}); err != nil {
					t.Fatal(err)
				}
			})
		}
	}, dbtest.Config{DDL: `create table things (k text)`})
}
