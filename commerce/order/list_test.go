package order

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestList(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d)
		h.unmapped["CAP"] = true
		h.imports(arrival("41", func(a *channel.Arrival) { // one line, held by nothing
			a.Order.Lines = a.Order.Lines[:1]
			a.Order.Total.Minor, a.Order.Payments[0].Amount.Minor = 300000, 300000
		}))
		h.imports(arrival("42"))
		if err := h.s.Stock(context.Background(), "PK", "other", 2); err != nil {
			t.Fatal(err)
		}
		h.imports(arrival("43", func(a *channel.Arrival) {
			a.Account.ID, a.Account.Channel = "acc-2", "other"
			a.Order.Payments[0].Status = channel.Due
		}))
		yes, no := true, false
		numbers := map[string]string{}
		all := h.list(Filter{})
		for _, o := range all {
			numbers[o.External] = o.Number
		}
		for name, c := range map[string]struct {
			f    Filter
			want []string
		}{
			"newest first":                            {Filter{}, []string{"43", "42", "41"}},
			"oldest first":                            {Filter{Oldest: true}, []string{"41", "42", "43"}},
			"by our number":                           {Filter{Number: numbers["42"]}, []string{"42"}},
			"by the channel's number":                 {Filter{Number: "#41"}, []string{"41"}},
			"by the channel's id":                     {Filter{Number: "43"}, []string{"43"}},
			"by a number nobody knows":                {Filter{Number: "44"}, nil},
			"by channel":                              {Filter{Channel: "other"}, []string{"43"}},
			"by country":                              {Filter{Country: "DE"}, nil},
			"by payment":                              {Filter{Pay: Due}, []string{"43"}},
			"those that wait":                         {Filter{Held: &yes}, []string{"43", "42"}},
			"those that do not":                       {Filter{Held: &no}, []string{"41"}},
			"by SKU":                                  {Filter{SKU: "CAP"}, []string{"43", "42"}},
			"by a kind of hold":                       {Filter{Hold: HoldUnmapped}, []string{"43", "42"}},
			"by a kind of hold that nobody has":       {Filter{Hold: HoldAddress}, nil},
			"cash on delivery":                        {Filter{COD: &yes}, nil},
			"paid before":                             {Filter{COD: &no, Channel: "demo"}, []string{"42", "41"}},
			"what is coming back":                     {Filter{Back: true}, nil},
			"by value":                                {Filter{Currency: "PKR", Least: 300001}, []string{"43", "42"}},
			"by value, up to":                         {Filter{Currency: "PKR", Most: 300000}, []string{"41"}},
			"by value of another currency":            {Filter{Currency: "EUR"}, nil},
			"what another context knows":              {Filter{Cuts: []db.Cut{someOf("41", "43")}}, []string{"43", "41"}},
			"what two other contexts know":            {Filter{Cuts: []db.Cut{someOf("41", "43"), someOf("42", "43")}}, []string{"43"}},
			"of everything a little":                  {Filter{Cuts: []db.Cut{someOf("41", "43")}, Held: &yes, SKU: "CAP", Pay: Due, State: Open}, []string{"43"}},
			"by a SKU and the account it was sold at": {Filter{SKU: "CAP", Account: "acc-1"}, []string{"42"}},
		} {
			t.Run(name, func(t *testing.T) {
				var got []string
				for _, o := range h.list(c.f) {
					got = append(got, o.External)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
				for _, most := range []int{1, 50} {
					var n int
					if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { n, err = h.s.Count(tx, c.f, most); return err }); err != nil || n != min(most, len(c.want)) {
						t.Errorf("%d are counted, up to %d; %v", n, most, err)
					}
				}
			})
		}
	})
}

func (h *house) list(f Filter) []Head {
	h.t.Helper()
	var p Page
	err := h.d.Read(context.Background(), func(tx *db.Tx) (err error) { p, err = h.s.List(tx, f, "", 50); return err })
	if err != nil {
		h.t.Fatal(err)
	}
	return p.Items
}

// someOf is a cut as other contexts make them.
func someOf(a, b string) db.Cut {
	return db.Cut{Set: `select id from orders where external in (?, ?)`, Has: `select 1 from orders x where x.external in (?, ?) and x.id = {id}`, Args: []any{a, b}}
}

// TestListByDeadline has what is to go first come first, and leaves out what has gone.
func TestListByDeadline(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d)
		now := d.Now()
		for i, due := range []time.Duration{3 * time.Hour, -time.Hour, time.Hour, 30 * time.Hour} {
			h.imports(arrival(fmt.Sprint(71+i), func(a *channel.Arrival) {
				a.Order.ShipBy, a.Order.PlacedAt, a.Change.ReadAt = now.Add(due), now.Add(-time.Duration(i)*time.Hour), now
			}))
		}
		externals := func(f Filter, limit int) (got []string) {
			after := ""
			for range 10 {
				var p Page
				if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { p, err = h.s.List(tx, f, after, limit); return err }); err != nil {
					t.Fatal(err)
				}
				for _, o := range p.Items {
					got = append(got, o.External)
				}
				if after = p.Next; after == "" {
					return got
				}
			}
			t.Fatal("the list does not end")
			return nil
		}
		for _, c := range []struct {
			name string
			f    Filter
			want []string
		}{
			{"all that has a deadline within a day", Filter{DueUntil: now.Add(24 * time.Hour)}, []string{"72", "73", "71"}},
			{"what is late", Filter{DueUntil: now}, []string{"72"}},
			{"what is due soon", Filter{DueFrom: now, DueUntil: now.Add(4 * time.Hour)}, []string{"73", "71"}},
			{"what is due soon at another channel", Filter{DueFrom: now, Channel: "other"}, nil},
			{"what is due soon of these", Filter{DueFrom: now, Cuts: []db.Cut{someOf("74", "71")}}, []string{"71", "74"}},
			{"as they were placed", Filter{PlacedFrom: now.Add(-150 * time.Minute)}, []string{"71", "72", "73"}},
		} {
			for _, limit := range []int{1, 50} {
				if diff := cmp.Diff(c.want, externals(c.f, limit)); diff != "" {
					t.Errorf("%s, %d a page: %s", c.name, limit, diff)
				}
			}
		}
		if err := d.Read(t.Context(), func(tx *db.Tx) error { _, err := h.s.List(tx, Filter{}, "nonsense", 5); return err }); err == nil {
			t.Error("a cursor that is none is taken")
		}
	})
}

// TestListPlans holds that no list of orders reads the table from end to end or sorts it, whatever is asked for: each goes by an index, alone and with every other one.
func TestListPlans(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		yes, no, now := true, false, d.Now()
		parts := map[string]func(f *Filter){
			"account": func(f *Filter) { f.Account = "a" }, "channel": func(f *Filter) { f.Channel = "c" }, "country": func(f *Filter) { f.Country = "PK" },
			"state": func(f *Filter) { f.State = Open }, "pay": func(f *Filter) { f.Pay = Due }, "held": func(f *Filter) { f.Held = &yes }, "free": func(f *Filter) { f.Held = &no },
			"hold": func(f *Filter) { f.Hold = HoldPerson }, "cod": func(f *Filter) { f.COD = &yes }, "prepaid": func(f *Filter) { f.COD = &no }, "number": func(f *Filter) { f.Number = "1" },
			"sku": func(f *Filter) { f.SKU = "S" }, "back": func(f *Filter) { f.Back = true }, "from": func(f *Filter) { f.From = now }, "until": func(f *Filter) { f.Until = now },
			"oldest": func(f *Filter) { f.Oldest = true }, "value": func(f *Filter) { f.Currency, f.Least = "PKR", 5 }, "due": func(f *Filter) { f.DueUntil = now }, "placed": func(f *Filter) { f.PlacedFrom = now },
			"elsewhere": func(f *Filter) {
				f.Cuts = []db.Cut{{Set: `select order_id from order_lines where sku = ?`, Has: `select 1 from order_lines x where x.sku = ? and x.order_id = {id}`, Args: []any{"S"}}}
			},
		}
		names := slices.Sorted(maps.Keys(parts))
		for i, a := range names {
			for _, b := range names[i:] {
				var f Filter
				parts[a](&f)
				parts[b](&f)
				for _, after := range []string{"", "5_x"} {
					read := func(few bool) {
						text, args := planOf(t, d, f, after, few)
						if bad := endToEnd(t, d, text, args); bad != "" {
							t.Errorf("%s and %s: %s\n%s", a, b, bad, text)
						}
					}
					read(true)
					read(false)
				}
			}
		}
	})
}

// planOf is the statement of a list: as it is when the leading condition names few rows, or when all name many.
func planOf(t *testing.T, d *db.DB, f Filter, after string, few bool) (text string, args []any) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		l, err := f.plan(tx, after, 50)
		text, args = l.text, l.args
		if err == nil && !few {
			by := f.course()
			walks, sets, rest := f.cuts()
			at, err := by.after(after)
			if err != nil {
				return err
			}
			walk := slices.Concat(by.walk, at)
			if len(walks) > 0 && by.column == "o.created_at" {
				walk, walks = append(walk, walks[0]), walks[1:]
			}
			l = walking(tx, by, walk, slices.Concat(rest, walks, sets), 50)
			text, args = l.text, l.args
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text, args
}

// endToEnd says what a database would do that takes the longer the more orders there are; "" is nothing.
func endToEnd(t *testing.T, d *db.DB, text string, args []any) (bad string) {
	t.Helper()
	named := strings.Contains(text, "o.id in (select") && !strings.Contains(text, "limit 5000")
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		explain := "explain query plan "
		if d.Engine() == db.PostgreSQL {
			explain = "explain "
			for _, off := range []string{"enable_seqscan", "enable_sort", "enable_bitmapscan", "enable_incremental_sort"} { // an empty table is read from end to end because it is empty
				if _, err := tx.Exec("set local " + off + " = off"); err != nil {
					return err
				}
			}
		}
		rows, err := tx.Query(explain+text, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		var steps []string
		for rows.Next() {
			var step, x string
			var a, b, c int64
			if d.Engine() == db.PostgreSQL {
				err = rows.Scan(&step)
			} else {
				err = rows.Scan(&a, &b, &c, &x)
				step = x
			}
			if err != nil {
				return err
			}
			steps = append(steps, step)
		}
		bad = ""
		walked := slices.Contains(steps, "CO-ROUTINE o") // then its rows are scanned, as they come
		for _, s := range steps {
			whole := strings.Contains(s, "Seq Scan on orders") || (strings.HasPrefix(s, "SCAN o") && !walked || strings.HasPrefix(s, "SCAN orders")) && !strings.Contains(s, "USING")
			sorts := !named && (strings.Contains(s, "TEMP B-TREE FOR ORDER") || strings.Contains(s, "Sort"))
			if whole || sorts {
				bad = strings.Join(steps, "\n")
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return bad
}
