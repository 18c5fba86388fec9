package inventory_test

import (
	"context"
	"flag"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// walk is one random life of a few variants.
type walk struct {
	*rapid.T
	s        *shop
	run      int
	steps    int
	variants []string
	lines    []string
}

// do runs a step and proves the books; a Conflict is an answer, nothing else may go wrong.
func (w *walk) do(step func(tx *db.Tx) error) (done bool) {
	w.steps++
	err := w.s.d.Write(context.Background(), step)
	if err != nil && !fault.Is(err, fault.Conflict) {
		w.Fatal(err)
	}
	for _, wrong := range read(w.s, w.s.s.Verify) {
		w.Fatal(wrong)
	}
	return err == nil
}

func (w *walk) variant() string { return rapid.SampledFrom(w.variants).Draw(w.T, "variant") }
func (w *walk) line() string    { return rapid.SampledFrom(w.lines).Draw(w.T, "line") }
func (w *walk) units() int64    { return rapid.Int64Range(1, 6).Draw(w.T, "units") }
func (w *walk) location() string {
	return rapid.SampledFrom([]string{w.s.w, w.s.a, w.s.b}).Draw(w.T, "location")
}
func (w *walk) ref() string { return fmt.Sprintf("run-%d-%d", w.run, w.steps) }

func (w *walk) demand() stock.Demand {
	d := w.s.line(w.line(), w.variant(), w.units(), rapid.Int64Range(1, 3).Draw(w.T, "rank"))
	d.Prefer = rapid.Permutation(d.Prefer).Draw(w.T, "prefer")
	if rapid.IntRange(0, 3).Draw(w.T, "cart") == 0 {
		d.Holder, d.OrderID, d.Sold, d.Partial = stock.ByCart, "", false, false
	} else if rapid.Bool().Draw(w.T, "converts") {
		d.Convert = w.line()
	}
	return d
}

func (w *walk) movement() stock.Movement {
	m := stock.Movement{
		Variant: w.variant(), Location: w.location(), Kind: stock.MoveAdjust, RefKind: "walk", RefID: w.ref(),
		Delta: rapid.Int64Range(-6, 6).Filter(func(n int64) bool { return n != 0 }).Draw(w.T, "delta"),
	}
	if rapid.Bool().Draw(w.T, "consumes") {
		m.Consume = []stock.Use{{Holder: stock.ByLine, HolderID: w.line(), Quantity: max(m.Delta, -m.Delta)}}
	}
	return m
}

// picture is every number of the walk's variants.
func (w *walk) picture() map[string]string {
	out := map[string]string{}
	levels := read(w.s, func(tx *db.Tx) ([]inventory.Level, error) {
		return w.s.s.Levels(tx, inventory.LevelFilter{Variants: w.variants}, inventory.LevelKey{}, 500)
	})
	for _, l := range levels {
		if l.OnHand != 0 || l.Reserved != 0 {
			out[l.Variant+"@"+l.Location] = fmt.Sprintf("%d/%d", l.OnHand, l.Reserved)
		}
	}
	for _, v := range w.variants {
		held := read(w.s, func(tx *db.Tx) ([]inventory.Reserved, error) {
			return w.s.s.Reservations(tx, inventory.ReservedFilter{Variant: v}, "", 500)
		})
		for _, r := range held {
			out[string(r.Holder)+r.HolderID+v+r.Location] = fmt.Sprint(r.Quantity)
		}
		short := read(w.s, func(tx *db.Tx) ([]inventory.Short, error) { return w.s.s.Shortages(tx, v, "", "", 500) })
		for _, x := range short {
			out["short"+x.HolderID+v] = fmt.Sprint(x.Quantity)
		}
	}
	return out
}

func TestAnySequenceKeepsEveryInvariant(t *testing.T) {
	t.Parallel()
	each(t, func(s *shop) {
		runs := 0
		rapid.Check(s.T, func(rt *rapid.T) {
			runs++
			w := &walk{T: rt, s: s, run: runs}
			for i := range 2 {
				w.variants = append(w.variants, fmt.Sprintf("v%d-%d", runs, i))
			}
			for i := range 4 {
				w.lines = append(w.lines, fmt.Sprintf("l%d-%d", runs, i))
			}
			for _, v := range w.variants {
				w.s.put(v, s.w, 5)
				w.s.put(v, s.a, 3)
			}
			rt.Repeat(w.actions())
		})
	})
}

func (w *walk) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"reserve": func(*rapid.T) {
			ds := []stock.Demand{w.demand(), w.demand()}
			w.do(func(tx *db.Tx) error { _, err := w.s.s.Reserve(tx, ds); return err })
		},
		"release": func(*rapid.T) {
			r := inventory.Release{Holder: stock.ByLine, HolderID: w.line(), Quantity: rapid.Int64Range(0, 3).Draw(w.T, "quantity")}
			w.do(func(tx *db.Tx) error { return w.s.s.Release(tx, []inventory.Release{r}) })
		},
		"shift and shift back": w.shift,
		"move": func(*rapid.T) {
			m := w.movement()
			w.do(func(tx *db.Tx) error { return w.s.s.Move(tx, []stock.Movement{m}) })
		},
		"hand over and undo": w.handOver,
		"refill": func(*rapid.T) {
			w.do(func(tx *db.Tx) error { _, err := w.s.s.Refill(tx, 3); return err })
		},
		"count": func(*rapid.T) {
			c := inventory.Counted{Variant: w.variant(), Location: w.location(), Quantity: rapid.Int64Range(0, 6).Draw(w.T, "counted"), RefID: w.ref()}
			w.do(func(tx *db.Tx) error { _, err := w.s.s.Count(tx, []inventory.Counted{c}); return err })
		},
	}
}

// shift moves a reservation and moves it back: everything is as before.
func (w *walk) shift(*rapid.T) {
	r := inventory.ShiftReq{Holder: stock.ByLine, HolderID: w.line(), Variant: w.variant(), From: w.s.w, To: w.s.a, Quantity: 1}
	before := w.picture()
	if !w.do(func(tx *db.Tx) error { return w.s.s.Shift(tx, []inventory.ShiftReq{r}) }) {
		return
	}
	r.From, r.To = r.To, r.From
	w.do(func(tx *db.Tx) error { return w.s.s.Shift(tx, []inventory.ShiftReq{r}) })
	w.same(before)
}

// handOver sends what a line has reserved and undoes it: everything is as before.
func (w *walk) handOver(*rapid.T) {
	line := w.line()
	grants := read(w.s, func(tx *db.Tx) ([]stock.Grant, error) { return w.s.s.Grants(tx, []string{"order-" + line}) })
	if len(grants) == 0 {
		return
	}
	g := rapid.SampledFrom(grants).Draw(w.T, "grant")
	before := w.picture()
	out := handOver(g.HolderID, g.Variant, g.Location, g.Quantity, w.ref())
	w.do(func(tx *db.Tx) error { return w.s.s.Move(tx, []stock.Movement{out}) })
	back := inventory.Inverse(out, w.ref()+"-back", w.s.clock.Now())
	w.do(func(tx *db.Tx) error { return w.s.s.Move(tx, []stock.Movement{back}) })
	w.same(before)
}

func (w *walk) same(before map[string]string) {
	if diff := cmp.Diff(before, w.picture()); diff != "" {
		w.Fatalf("before -, after +\n%s", diff)
	}
}

// TestMain walks less often than rapid would: every step proves all books. -rapid.checks on the command line decides otherwise.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
	m.Run()
}
