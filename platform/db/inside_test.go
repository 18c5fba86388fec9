package db

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestShape(t *testing.T) {
	t.Parallel()
	s := parse("update stock set reserved = stock.reserved + d.q, at = $2 from rows(sku text, q bigint) as d where stock.sku = d.sku and site = $1 -- rows(x)")
	if s.err != nil {
		t.Fatal(s.err)
	}
	const before, after = "update stock set reserved = stock.reserved + d.q, at = $2 from ", " as d where stock.sku = d.sku and site = $1 -- rows(x)"
	for _, c := range []struct{ name, want, got string }{
		{"PostgreSQL", before + "unnest($3::text[], $4::bigint[]) as d(sku, q)" + after[5:], s.postgres},
		{"one row", before + "(select $3 as sku, $4 as q)" + after, s.one},
		{"eight rows", before + "(select column1 as sku, column2 as q from (values (?3, ?), (?, ?), (?, ?), (?, ?), (?, ?), (?, ?), (?, ?), (?, ?)))" + after, s.eight},
		{"padded", before + "(select column1 as sku, column2 as q from (values (?3, ?, ?), (?, ?, ?)) where column3)" + after, s.lite(2, true)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, c.got); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

func TestShapeKnowsWhatMayBeCutAndWhatNeedsAKey(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]bool{
		"insert into t (a) select a from rows(a text) where true on conflict do nothing":                          {true, false},
		"insert into t (a) select a from rows(a text) where true on conflict (a) do update set n = excluded.n":    {true, true},
		"insert into t (a) select a from rows(a text) where not exists (select 1 from u where u.a = r.a)":         {false, false},
		"update t set n = r.n from rows(a text, n bigint) where t.a = r.a":                                        {true, true},
		"update t set n = (select sum(n) from u) from rows(a text) where t.a = r.a":                               {false, true},
		"delete from t where a in (select a from rows(a text))":                                                   {true, false},
		"delete from t where a not in (select a from rows(a text))":                                               {false, false},
		"delete from t using rows(a text) where t.a = r.a":                                                        {true, true},
		"select count(*) from rows(a text)":                                                                       {false, false},
		"insert into t (a, n) select a, row_number() over (order by a) from rows(a text) where true":              {false, false},
		"insert into t (a) select a from rows(a text) where a not in ('count(', 'x') and t.\"group\" is not null": {false, false},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			s := parse(text)
			if s.err != nil || s.split != want[0] || s.keyed != want[1] {
				t.Errorf("cut %v, keyed %v, %v", s.split, s.keyed, s.err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "rows(", "rows()", "rows(a bigint)", "rows (a bigint) as", "select $1 from rows(a text, b bytea) as x", "rows(a bigint) rows(", "update rows(a boolean)",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := parse(text)
		if s.err == nil && (len(s.columns) == 0 || !strings.Contains(s.postgres, "unnest(") || s.lite(3, true) == "") {
			t.Errorf("%q: %+v", text, s)
		}
	})
}

func TestBatchKeysAreNeverTakenForEachOther(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2][]any{
		{{"a", "bc"}, {"ab", "c"}}, {{int64(1), "x"}, {"1", "x"}}, {{nil, "x"}, {"", "x"}}, {{true, nil}, {false, nil}}, {{[]byte("a"), nil}, {"a", nil}},
	} {
		b := NewBatch(2).Add(pair[0]...).Add(pair[1]...)
		if b.err != nil {
			t.Errorf("%v and %v: %v", pair[0], pair[1], b.err)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	ahead := func(by time.Duration) func(context.Context) (time.Time, error) {
		return func(context.Context) (time.Time, error) { return time.Now().Add(by), nil }
	}
	d := new(DB)
	for _, c := range []struct {
		by     time.Duration
		skewed bool
	}{{time.Second, false}, {3 * time.Second, true}, {-3 * time.Second, true}, {0, false}} {
		if err := d.clock.probe(context.Background(), ahead(c.by)); err != nil {
			t.Fatal(err)
		}
		off := time.Until(d.Now()) - c.by
		if off < -100*time.Millisecond || off > 100*time.Millisecond || d.Skewed() != c.skewed {
			t.Errorf("%s ahead: off by %s, skewed %v", c.by, off, d.Skewed())
		}
	}
	silent := errors.New("silent")
	if err := d.clock.probe(context.Background(), func(context.Context) (time.Time, error) { return time.Time{}, silent }); !errors.Is(err, silent) || d.Skewed() {
		t.Errorf("a clock that does not answer changes nothing: %v", err)
	}
}

func TestBackgroundThatHasWaitedLongTakesTurnsWithPeople(t *testing.T) {
	t.Parallel()
	long, now := time.Now().Add(-2*patience), time.Now()
	p1, p2, b1, b2 := &member{since: now}, &member{since: now}, &member{since: long}, &member{since: long}
	queued := func() *writer { return &writer{people: []*member{p1, p2}, background: []*member{b1, b2}} }
	w := queued()
	for i, want := range []*member{b1, p1, b2, p2, nil} { // each begins a transaction
		if got := w.next(true); got != want {
			t.Errorf("turn %d went to another", i)
		}
	}
	w = queued()
	for i, want := range []*member{b1, b2, p1, p2, nil} { // all in one
		if got := w.next(i == 0); got != want {
			t.Errorf("place %d of the transaction went to another", i)
		}
	}
	w = queued()
	p1.large = true
	for i, want := range []*member{b1, b2, nil, p1, p2} { // one that wants a transaction of its own ends it
		if got := w.next(i == 0 || i == 3); got != want {
			t.Errorf("place %d before a large one went to another", i)
		}
	}
}
