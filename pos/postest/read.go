package postest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/pos"
)

// company is a small one.
func company() Seeds {
	return Seeds{
		Units: []pos.OrgUnit{
			{ID: "pk", Type: pos.Country, Code: "PK", Name: "Pakistan", Country: "PK", Currency: "PKR", Active: true},
			{ID: "khi-1", Type: pos.Branch, Code: "KHI-1", Name: "Karachi Clifton", Parent: "pk", Country: "PK", Currency: "PKR", Active: true},
			{ID: "lhe-w", Type: pos.Warehouse, Code: "LHE-W", Name: "Lahore", Parent: "pk", Country: "PK", Currency: "PKR"},
		},
		Items: []pos.Item{
			{ID: "i1", SKU: "TEA-1", Name: "Tea", UOM: "pack", Branch: "khi-1", OnHand: 120, Reorder: 10, Active: true},
			{ID: "i2", SKU: "TEA-1", Name: "Tea", UOM: "pack", Branch: "lhe-w", OnHand: -3, Active: true},
			{ID: "i3", SKU: "0042", Name: "Leading zeros", UOM: "pcs", Branch: "khi-1", Active: true},
		},
		Prices: []pos.Price{
			{ID: "p1", SKU: "TEA-1", List: "retail", Country: "PK", Amount: money.Of(124950, "PKR"), From: "2026-01-01", Active: true},
			{ID: "p2", SKU: "TEA-1", List: "retail", Country: "OM", Amount: money.Of(409940, "OMR"), Active: true},
			{ID: "p3", SKU: "TEA-1", List: "retail", Country: "JP", Amount: money.Of(1200, "JPY"), Active: true},
			{ID: "p4", SKU: "TEA-1", List: "wholesale", Country: "PK", Amount: money.Of(1999, "PKR")},
		},
		Rules: []pos.TaxRule{
			{ID: "t1", Code: "PK-GST", Country: "PK", Name: "Sales tax", Rate: money.RateOf(18, 2), Mode: "inclusive", Active: true},
			{ID: "t2", Code: "DE-VAT", Country: "DE", Name: "Umsatzsteuer", Rate: money.RateOf(19, 2), Mode: "exclusive", Active: true},
		},
	}
}

// byID sorts rows, since a core shows the newest first and another the oldest.
func byID[T any](rows []T, id func(T) string) []T {
	out := slices.Clone(rows)
	slices.SortFunc(out, func(a, b T) int { return strings.Compare(id(a), id(b)) })
	return out
}

func same[T any](tb testing.TB, what string, want []T, got pos.Page[T], err error, id func(T) string) {
	tb.Helper()
	if err != nil {
		tb.Fatalf("%s: %v", what, err)
	}
	if !got.Complete || len(got.Problems) > 0 {
		tb.Errorf("%s: complete is %v, problems are %+v", what, got.Complete, got.Problems)
	}
	if d := cmp.Diff(byID(want, id), byID(got.Rows, id)); d != "" {
		tb.Errorf("%s (-held +read):\n%s", what, d)
	}
}

func (e *env) readExactly(tb testing.TB) {
	l := e.live(tb)
	want := company()
	l.Seed(tb, want)
	units, err := l.OrgUnits(tb.Context())
	same(tb, "org units", want.Units, units, e.hear(err), func(u pos.OrgUnit) string { return u.ID })
	items, err := l.Items(tb.Context())
	same(tb, "items", want.Items, items, e.hear(err), func(i pos.Item) string { return i.ID })
	prices, err := l.Prices(tb.Context())
	same(tb, "prices", want.Prices, prices, e.hear(err), func(p pos.Price) string { return p.ID })
	rules, err := l.TaxRules(tb.Context())
	same(tb, "tax rules", want.Rules, rules, e.hear(err), func(r pos.TaxRule) string { return r.ID })
}

func (e *env) listCapped(tb testing.TB) {
	l := e.live(tb)
	var many Seeds
	for i := range e.Kind.Capped + 20 {
		many.Items = append(many.Items, pos.Item{ID: fmt.Sprintf("i%04d", i), SKU: fmt.Sprint("S", i), Name: "Thing", UOM: "pcs", Branch: "b", Active: true})
	}
	l.Seed(tb, many)
	page, err := l.Items(tb.Context())
	if e.hear(err) != nil || page.Complete || len(page.Rows) == 0 {
		tb.Errorf("of %d items %d are shown, complete is %v, %v", len(many.Items), len(page.Rows), page.Complete, err)
	}
}

func move(n int) pos.Movement {
	return pos.Movement{
		ID: fmt.Sprintf("till-%05d", n), Code: fmt.Sprint("M-", n), SKU: "TEA-1", Branch: "khi-1", Type: pos.MoveSale, Delta: -1, Date: "2026-11-22", RefType: "receipt", RefID: fmt.Sprint(n),
	}
}

func (e *env) movements(tb testing.TB) {
	l := e.live(tb)
	l.Seed(tb, company())
	seen := map[string]pos.Movement{}
	var mark pos.Mark
	count := 0
	for round := range 6 {
		for range round * 7 {
			l.Move(tb, move(count))
			count++
		}
		for more := true; more; {
			feed, err := l.Movements(tb.Context(), mark)
			if e.hear(err) != nil {
				tb.Fatalf("movements: %v", err)
			}
			if feed.Gap || len(feed.Problems) > 0 {
				tb.Errorf("round %d: gap is %v, problems are %+v", round, feed.Gap, feed.Problems)
			}
			for i := 1; i < len(feed.Rows); i++ {
				if feed.Rows[i].ID < feed.Rows[i-1].ID {
					tb.Errorf("%s comes after %s: oldest first", feed.Rows[i].ID, feed.Rows[i-1].ID)
				}
			}
			for _, m := range feed.Rows {
				seen[m.ID] = m
			}
			if len(feed.Mark) > 1024 {
				tb.Errorf("a mark of %d bytes", len(feed.Mark))
			}
			more = feed.Mark != mark
			mark = feed.Mark
		}
	}
	for n := range count {
		if d := cmp.Diff(move(n), seen[move(n).ID]); d != "" {
			tb.Errorf("movement %d (-moved +read):\n%s", n, d)
		}
	}
}

func (e *env) gap(tb testing.TB) {
	l := e.live(tb)
	l.Move(tb, move(0))
	feed, err := l.Movements(tb.Context(), "")
	if e.hear(err) != nil || feed.Gap || len(feed.Rows) != 1 {
		tb.Fatalf("the first reading: %v, %+v", err, feed)
	}
	for n := range 3 * e.Kind.Capped {
		l.Move(tb, move(n+1))
	}
	later, err := l.Movements(tb.Context(), feed.Mark)
	if e.hear(err) != nil || !later.Gap || len(later.Rows) == 0 {
		tb.Errorf("the mark is no longer shown, and reading says gap %v, %d rows, %v", later.Gap, len(later.Rows), err)
	}
	after, err := l.Movements(tb.Context(), later.Mark)
	if e.hear(err) != nil || after.Gap {
		tb.Errorf("the next reading: gap %v, %v", after.Gap, err)
	}
}

func (e *env) fault(tb testing.TB, f string) {
	l := e.live(tb)
	l.Seed(tb, company())
	want := fault.Unavailable
	if f == Throttle {
		want = fault.Throttled
	}
	l.Fault(tb, f, 0, -1)
	_, err := l.Items(tb.Context())
	if !fault.Is(e.hear(err), want) || f == Throttle && fault.After(err) <= 0 {
		tb.Errorf("reading: %v, wait %s, and should be %s", err, fault.After(err), want)
	}
	for _, p := range posts() {
		if err := p.post(tb, l, "1"); !fault.Is(e.hear(err), want) && !fault.Is(err, fault.OutcomeUnknown) {
			tb.Errorf("posting a %s: %v, and should be %s", p.kind, err, want)
		}
	}
}

func (e *env) cancelled(tb testing.TB) {
	l := e.live(tb)
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	if _, err := l.OrgUnits(ctx); !fault.Is(e.hear(err), fault.Unavailable) {
		tb.Errorf("reading with a cancelled context: %v, and should be Unavailable", err)
	}
	if err := l.PostMovement(ctx, posted("1")); !fault.Is(e.hear(err), fault.Unavailable) {
		tb.Errorf("posting with a cancelled context: %v, and should be Unavailable", err)
	}
	if n := l.Posted(tb)["movement"]; n != 0 {
		tb.Errorf("a cancelled call posted %d movements", n)
	}
}
