package db_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// thing is a row of things; nil fields are null.
type thing struct {
	ID string
	N  *int64
	B  *bool
	X  []byte
	T  *string
}

// scanThing asks whether x is null, since SQLite's driver scans empty bytes as nil.
func scanThing(row db.Scanner) (v thing, err error) {
	var null bool
	err = row.Scan(&v.ID, &v.N, &v.B, &v.X, &v.T, &null)
	if !null && v.X == nil {
		v.X = []byte{}
	}
	return v, err
}

// makeThings makes n things in which every column is null now and then.
func makeThings(n int) []thing {
	out := make([]thing, n)
	for i := range out {
		out[i].ID = fmt.Sprintf("%05d", i)
		number, flag, text := int64(i)<<40, i%2 == 0, strings.Repeat("é", i%5)
		if i%3 != 1 {
			out[i].N = &number
		}
		if i%4 != 1 {
			out[i].B = &flag
		}
		if i%5 != 1 {
			out[i].X = []byte{0, byte(i), 0xff}[:i%4*3/3%4]
		}
		if i%7 != 1 {
			out[i].T = &text
		}
	}
	return out
}

func addThings(b *db.Batch, all []thing) *db.Batch {
	for _, v := range all {
		b.Add(v.ID, v.N, v.B, v.X, v.T)
	}
	return b
}

const (
	insertThings = "insert into things (id, n, b, x, t) select i, n, b, x, t from rows(i text, n bigint, b boolean, x bytea, t text) where true on conflict do nothing"
	selectThings = "select id, n, b, x, t, x is null from things order by id"
)

func TestBatch(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, n := range []int{0, 1, 7, 8, 9, 64, 1000} {
		t.Run(fmt.Sprintf("of %d rows keeps every type and null", n), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				want := makeThings(n)
				var got []thing
				err := d.Write(ctx, func(tx *db.Tx) (err error) {
					for _, affected := range []int64{int64(n), 0} { // the second time all are there already
						done, err := tx.Exec(insertThings, addThings(db.NewBatch(1), want))
						if err != nil {
							return err
						}
						same(t, affected, done)
					}
					got, err = db.All(tx, scanThing, selectThings)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				same(t, n, len(got))
				for i := range got {
					same(t, want[i], got[i])
				}
			}, things)
		})
		t.Run(fmt.Sprintf("of %d rows is one relation in a select", n), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				b, want := db.NewBatch(0), int64(0)
				for i := range n {
					b.Add(i, "x")
					want += int64(i)
				}
				err := d.Read(ctx, func(tx *db.Tx) error {
					var count, sum, with int64
					err := tx.QueryRow("select count(*), cast(coalesce(sum(v.a), 0) as bigint), count(*) filter (where v.a < $1) from rows(a bigint, s text) as v", b, 5).
						Scan(&count, &sum, &with)
					if n == 0 {
						return nil // an empty batch is not run
					}
					same(t, []int64{int64(n), want, int64(min(n, 5))}, []int64{count, sum, with})
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}, things)
		})
	}
	t.Run("updates by key and hands out what it changed", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			err := d.Write(ctx, func(tx *db.Tx) error {
				tx.Send(insertThings, addThings(db.NewBatch(1), makeThings(20)))
				b := db.NewBatch(1)
				for i := range 11 {
					b.Add(fmt.Sprintf("%05d", i), i+100)
				}
				n := 0
				p := tx.SendQuery("update things set n = r.v + $1 from rows(k text, v bigint) where things.id = r.k and things.id <> $2 returning id, n",
					func(row db.Scanner) error {
						var id string
						var v int64
						n++
						if err := row.Scan(&id, &v); err != nil {
							return err
						}
						var i int64
						_, _ = fmt.Sscan(strings.TrimLeft(id, "0")+" ", &i)
						same(t, i+1100, v)
						return nil
					}, b, 1000, "00003")
				if err := tx.Flush(); err != nil {
					return err
				}
				done, err := p.Affected()
				same(t, []any{10, int64(10)}, []any{n, done})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}, things)
	})
	t.Run("is not cut where rows are looked at together", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			err := d.Write(ctx, func(tx *db.Tx) error {
				tx.Send(insertThings, addThings(db.NewBatch(1), makeThings(30)))
				keep := db.NewBatch(1)
				for i := range 20 {
					keep.Add(fmt.Sprintf("%05d", i))
				}
				n, err := tx.Exec("delete from things where id not in (select k from rows(k text))", keep)
				same(t, int64(10), n)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			same(t, 20, len(ids(t, d)))
		}, things)
	})
	t.Run("is used again by the same text with another size", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			all := makeThings(40)
			err := d.Write(ctx, func(tx *db.Tx) error {
				for _, cut := range [][2]int{{0, 3}, {3, 20}, {20, 21}, {21, 40}} {
					if _, err := tx.Exec(insertThings, addThings(db.NewBatch(1), all[cut[0]:cut[1]])); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			same(t, 40, len(ids(t, d)))
		}, things)
	})
}

func TestBatchIsRefused(t *testing.T) {
	t.Parallel()
	const update = "update things set n = r.v from rows(k text, v bigint) where things.id = r.k"
	for _, c := range []struct {
		name  string
		text  string
		batch *db.Batch
		kind  fault.Kind
	}{
		{"when a key comes twice", update, db.NewBatch(1).Add("a", 1).Add("a", 2), fault.Invalid},
		{"when a key of two columns comes twice", "insert into things (id, n) select k, v from rows(k text, v bigint) where true", db.NewBatch(2).Add("a", 1).Add("a", 2).Add("a", 1), fault.Invalid},
		{"when an update has no key", update, db.NewBatch(0).Add("a", 1), fault.Internal},
		{"when an upsert has no key", "insert into things (id, n) select k, v from rows(k text, v bigint) where true on conflict (id) do update set n = excluded.n", db.NewBatch(0).Add("a", 1), fault.Internal},
		{"when a value has another type", update, db.NewBatch(1).Add("a", "1"), fault.Internal},
		{"when a column is missing", update, db.NewBatch(1).Add("a"), fault.Internal},
		{"when rows differ in length", update, db.NewBatch(1).Add("a", 1).Add("b"), fault.Internal},
		{"when a text has a NUL", update, db.NewBatch(1).Add("a\x00", 1), fault.Invalid},
		{"when a text is not UTF-8", update, db.NewBatch(1).Add("a\xff", 1), fault.Invalid},
		{"when the text has no rows(…)", "delete from things", db.NewBatch(1).Add("a"), fault.Internal},
		{"when the text has rows(…) twice", "insert into things (id) select a from rows(a text) union select a from rows(a text)", db.NewBatch(1).Add("a"), fault.Internal},
		{"when a column has no type", "insert into things (id) select a from rows(a) where true", db.NewBatch(1).Add("a"), fault.Internal},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				kind(t, c.kind, d.Write(context.Background(), func(tx *db.Tx) error {
					_, _ = tx.Exec(c.text, c.batch)
					return nil // the transaction fails although the error is hidden
				}))
			}, things)
		})
	}
	t.Run("when it has more values than SQLite takes at once", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			b := db.NewBatch(0)
			for i := range 20000 {
				b.Add(i)
			}
			kind(t, fault.Internal, d.Read(context.Background(), func(tx *db.Tx) error {
				var n int
				return tx.QueryRow("select count(*) from rows(a bigint)", b).Scan(&n)
			}))
		}, things)
	})
}

func TestArguments(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	type state string
	for _, c := range []struct {
		name  string
		value any
		kind  fault.Kind
	}{
		{"NUL in text", "a\x00b", fault.Invalid},
		{"text that is not UTF-8", "\xff", fault.Invalid},
		{"NUL in text of a named type", state("\x00"), fault.Invalid},
		{"a float", 1.5, fault.Internal},
		{"a list", []string{"a"}, fault.Internal},
	} {
		t.Run(c.name+" is refused", func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				kind(t, c.kind, d.Write(ctx, func(tx *db.Tx) error {
					_, err := tx.Exec("insert into things (id, t) values ('a', $1)", c.value)
					return err
				}))
			}, things)
		})
	}
	t.Run("of named types and pointers are stored as what they are", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			n, s := int64(-1), state("s")
			err := d.Write(ctx, func(tx *db.Tx) error {
				tx.Send("insert into things (id, n, t, b, x) values ($1, $2, $3, $4, $5)", state("a"), &n, &s, true, []byte{})
				got, err := db.One(tx, scanThing, selectThings)
				text, flag := "s", true
				same(t, thing{"a", &n, &flag, []byte{}, &text}, got)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}, things)
	})
}

func TestKeysFindsEveryKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		odd := []string{`"`, `\`, "é<&>", "a", "'"}
		b := db.NewBatch(1)
		for _, id := range odd {
			b.Add(id)
		}
		err := d.Write(context.Background(), func(tx *db.Tx) error {
			tx.Send("insert into things (id) select k from rows(k text)", b)
			found, err := db.All(tx, scanID, "select id from things where id in (select key from json_each($1))", db.Keys(append(odd, "none")))
			same(t, len(odd), len(found))
			none, err2 := db.All(tx, scanID, "select id from things where id in (select key from json_each($1))", db.Keys(nil))
			same(t, 0, len(none))
			if err == nil {
				err = err2
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}, things)
}

func TestMerged(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		if err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`create temporary table shelf (id bigint, kind text, at bigint)`)
			for i := range 30 {
				if err == nil {
					_, err = tx.Exec(`insert into shelf (id, kind, at) values ($1, $2, $3)`, i, string(rune('a'+i%3)), 100-i/2)
				}
			}
			if err != nil {
				return err
			}
			for _, c := range []struct {
				any  []string
				want []int64
			}{
				{nil, []int64{28, 29, 26, 27}},
				{[]string{"s.kind = 'a'"}, []int64{27, 24, 21, 18}},
				{[]string{"s.kind = 'a'", "s.kind = 'b'"}, []int64{28, 27, 24, 25}},
				{[]string{"s.kind = 'a'", "s.kind = 'none'", "s.kind = 'c'"}, []int64{29, 26, 27, 24}},
			} {
				got, err := db.All(tx, func(row db.Scanner) (n int64, err error) { return n, row.Scan(&n, new(int64)) },
					db.Merged(`select s.id, s.at from shelf s where s.at > $1`, c.any, `order by 2, 1`, `$2`), 0, 4)
				if err != nil || !slices.Equal(got, c.want) {
					t.Errorf("%v: %v, not %v; %v", c.any, got, c.want, err)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}
