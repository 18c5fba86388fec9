package order

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// end is what an order has come to, apart from the way it took.
type end struct {
	State, Pay string
	Lines      []Progress
	Units      []map[string]Bucket
	Reserved   int64
	Hash       string
	ShipBy     time.Time // goes to and fro, so that one reading may say what an earlier one said
	Cancelled  int64     // units told as cancelled
	Created    int
	Paid       int
}

// history is a life of one order at a channel that only goes forward: readings 0…n, each newer than the one before.
func history(r *rapid.T, id string) []channel.Arrival {
	addressed := rapid.Bool().Draw(r, "addressed")
	n := rapid.IntRange(1, 5).Draw(r, "readings")
	cancelled, paid := int64(0), false
	all := make([]channel.Arrival, 0, n)
	for i := range n {
		cancelled = min(2, cancelled+rapid.Int64Range(0, 1).Draw(r, "cancels"))
		paid = paid || rapid.Bool().Draw(r, "pays")
		was, isPaid, hurry := cancelled, paid, rapid.Bool().Draw(r, "hurry")
		all = append(all, arrival(id, later(i), func(a *channel.Arrival) {
			l := &a.Order.Lines[0]
			l.Progress.Cancelled = was
			for u := range int64(2) {
				if !addressed {
					break
				}
				s := channel.Open
				if u < was {
					s = channel.Cancelled
				}
				l.Units = append(l.Units, channel.Unit{External: fmt.Sprintf("u%d", u), Status: s})
			}
			if !isPaid {
				a.Order.Payments[0].Status = channel.Authorized
			}
			if hurry {
				a.Order.ShipBy = a.Order.PlacedAt.Add(time.Hour)
			}
			a.Hash = fmt.Sprint(was, isPaid, hurry)
		}))
	}
	return all
}

func (h *house) ended(id string) end {
	v := h.get(id)
	e := end{State: string(v.State), Pay: string(v.PayState), Hash: v.Hash, ShipBy: v.ShipBy}
	for _, l := range v.Lines {
		e.Lines = append(e.Lines, l.Progress)
		units := map[string]Bucket{}
		for _, u := range l.Units {
			units[u.External] = u.Bucket
		}
		e.Units = append(e.Units, units)
		e.Reserved += h.reserved[l.ID+"/"+l.Variant]
	}
	h.told(v.ID, &e)
	return e
}

// told counts what was made known.
func (h *house) told(id string, e *end) {
	h.t.Helper()
	must(h.t, h.d.Read(context.Background(), func(tx *db.Tx) error {
		all, err := outbox.OfOrder(tx, id)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for i, ev := range all {
			if ev.Seq != int64(i+1) {
				return fmt.Errorf("event %d has sequence %d", i+1, ev.Seq)
			}
			switch ev.Type {
			case event.OrderCreated:
				e.Created++
			case event.OrderPaid:
				e.Paid++
			case event.OrderCancelled:
				b, err := outbox.Decode[event.OrderCancelledV1](ev)
				if err != nil {
					return err
				}
				if seen[b.IdempotencyKey] {
					return fmt.Errorf("key %s is told twice", b.IdempotencyKey)
				}
				seen[b.IdempotencyKey] = true
				for _, l := range b.Lines {
					e.Cancelled += l.Quantity
				}
			}
		}
		return nil
	}))
}

func TestAnyOrderOfReadings(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d)
		n := 0
		rapid.Check(t, func(r *rapid.T) {
			n++
			must(t, h.s.Stock(context.Background(), "PK", "demo", 8))
			straight, mixed := fmt.Sprintf("s%d", n), fmt.Sprintf("m%d", n)
			readings := history(r, straight)
			for _, a := range readings {
				h.imports(a)
			}
			// The same life, its readings in any order, each as often as it likes, all of them at least once.
			var way []int
			for i := range readings {
				for range rapid.IntRange(1, 2).Draw(r, "times") {
					way = append(way, i)
				}
			}
			for _, i := range rapid.Permutation(way).Draw(r, "way") {
				a := readings[i]
				a.Change.External, a.Order.External = mixed, mixed
				if l := h.imports(a)[0]; l.Decision == channel.Stuck {
					r.Fatalf("%+v", l)
				}
			}
			if diff := cmp.Diff(h.ended(straight), h.ended(mixed)); diff != "" {
				r.Fatalf("in order, and mixed: %s", diff)
			}
		})
	})
}

// steps are the ways a unit's count moves, each with its way back where it has one.
func steps(s *Service) map[string]struct {
	do, undo func(tx *db.Tx, order string, m []Moved) error
} {
	type step = struct {
		do, undo func(tx *db.Tx, order string, m []Moved) error
	}
	return map[string]step{
		"ship": {s.Ship, s.Unship}, "arrive": {s.Arrive, s.Unarrive}, "return": {s.Return, s.Keep}, "turn": {s.Turn, nil}, "back": {s.Back, nil}, "lose": {s.Lose, nil},
	}
}

func TestWalks(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d)
		n := 0
		rapid.Check(t, func(r *rapid.T) {
			n++
			must(t, h.s.Stock(ctx, "PK", "demo", 8))
			addressed := rapid.Bool().Draw(r, "addressed")
			v := h.get(h.imports(arrival(fmt.Sprintf("w%d", n), func(a *channel.Arrival) {
				if addressed {
					units(channel.Open, channel.Open, channel.Open, channel.Open)(a)
				}
			}))[0].Number)
			for range rapid.IntRange(1, 12).Draw(r, "steps") {
				h.walk(r, v.ID)
				h.inStep(r, v.Number, addressed)
			}
		})
	})
}

// walk takes one step that may be refused; one that can be undone is undone and done again, and must leave everything as it was.
func (h *house) walk(r *rapid.T, id string) {
	v := h.get(id)
	line := v.Lines[rapid.IntRange(0, len(v.Lines)-1).Draw(r, "line")]
	qty := rapid.Int64Range(1, 2).Draw(r, "quantity")
	all := steps(h.s)
	name := rapid.SampledFrom(append(slices.Sorted(maps.Keys(all)), "cancel")).Draw(r, "step")
	if name == "cancel" {
		_, err := h.s.Cancel(context.Background(), Cancelling{Order: id, Lines: []CutLine{{LineID: line.ID, Quantity: qty}}, Initiator: "seller", Actor: "clerk", Source: "api"})
		if err != nil && !fault.Is(err, fault.Conflict) {
			r.Fatal(err)
		}
		return
	}
	var moves []Moved
	for range qty { // one unit at a time, the same line twice: a move may name a line as often as it likes
		moves = append(moves, Moved{LineID: line.ID, Quantity: 1})
	}
	st := all[name]
	do := func(f func(tx *db.Tx, order string, m []Moved) error) error {
		return h.d.Write(context.Background(), func(tx *db.Tx) error { return f(tx, id, moves) })
	}
	before := countsOf(v)
	if err := do(st.do); err != nil {
		if !fault.Is(err, fault.Conflict) {
			r.Fatal(err)
		}
		if diff := cmp.Diff(before, countsOf(h.get(id))); diff != "" {
			r.Fatalf("%s was refused and changed something: %s", name, diff)
		}
		return
	}
	if st.undo == nil {
		return
	}
	if err := do(st.undo); err != nil {
		r.Fatalf("%s cannot be undone: %v", name, err)
	}
	if diff := cmp.Diff(before, countsOf(h.get(id))); diff != "" {
		r.Fatalf("%s and back: %s", name, diff)
	}
	if err := do(st.do); err != nil {
		r.Fatal(err)
	}
}

// countsOf is what an order and its lines count, without which unit is where.
func countsOf(v View) map[string]any {
	all := map[string]any{"units": v.Units, "state": v.State, "closed": v.ClosedAt.IsZero(), "cancelled": v.CancelledAt.IsZero()}
	for _, l := range v.Lines {
		per := map[Bucket]int{}
		for _, u := range l.Units {
			per[u.Bucket]++
		}
		all[l.ID], all[l.ID+" units"] = l.Progress, per
	}
	return all
}

// inStep checks that every count adds up, and that each unit the channel addresses stands in exactly the bucket that is counted.
func (h *house) inStep(r *rapid.T, ref string, addressed bool) {
	v := h.get(ref)
	for _, l := range v.Lines {
		p := l.Progress
		if p.Ordered != p.Cancelled+p.Open+p.Shipped || p.Shipped != p.OnTheWay+p.Delivered+p.Returning+p.Returned+p.Lost {
			r.Fatalf("line %d: %+v", l.N, p)
		}
		if h.reserved[l.ID+"/"+l.Variant] < p.Open {
			r.Fatalf("line %d: %d open, %d reserved", l.N, p.Open, h.reserved[l.ID+"/"+l.Variant])
		}
		if l.N != 1 || !addressed {
			continue
		}
		for _, b := range []Bucket{InOpen, InCancelled, InOnTheWay, InDelivered, InReturning, InReturned, InLost} {
			if got := int64(len(l.unitsIn(b))); got != *p.count(b) {
				r.Fatalf("line %d counts %d %s, and %d units stand there", l.N, *p.count(b), b, got)
			}
		}
	}
	if sum := v.Units; sum.Ordered != sum.Cancelled+sum.Open+sum.Shipped {
		r.Fatalf("%+v", sum)
	}
}

// TestUnitChannelWalks lets the channel and people change one order whose units the channel addresses, in any interleaving.
func TestUnitChannelWalks(t *testing.T) {
	t.Parallel()
	words := []channel.Status{channel.Open, channel.Packed, channel.Ready, channel.Shipped, channel.Delivered, channel.Cancelled, channel.Returned, channel.Unknown}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d)
		n := 0
		rapid.Check(t, func(r *rapid.T) {
			n++
			must(t, h.s.Stock(context.Background(), "PK", "demo", 8))
			id := fmt.Sprintf("x%d", n)
			at := []channel.Status{channel.Open, channel.Open, channel.Open}
			l := h.imports(arrival(id, units(at...)))[0]
			for i := range rapid.IntRange(1, 8).Draw(r, "steps") {
				if rapid.Bool().Draw(r, "channel") {
					at = append(slices.Clone(at), slices.Repeat([]channel.Status{rapid.SampledFrom(words).Draw(r, "new")}, rapid.IntRange(0, 1).Draw(r, "grows"))...)
					at[rapid.IntRange(0, len(at)-1).Draw(r, "unit")] = rapid.SampledFrom(words).Draw(r, "word")
					h.imports(arrival(id, later(i+1), wordsAt(at)))
					h.follows(r, l.Number, at)
				} else {
					h.walk(r, l.OrderID)
				}
				h.inStep(r, l.Number, true)
			}
		})
	})
}

// follows checks that no unit is left open that the channel cancelled; nothing here is packed.
func (h *house) follows(r *rapid.T, ref string, at []channel.Status) {
	for _, u := range h.get(ref).Lines[0].Units {
		for i, s := range at {
			if u.External == string(rune('a'+i)) && s == channel.Cancelled && u.Bucket == InOpen {
				r.Fatalf("%s is cancelled at the channel and open here", u.External)
			}
		}
	}
}

// wordsAt is a reading with each unit at a status, its progress counted from them as an adapter does.
func wordsAt(at []channel.Status) func(*channel.Arrival) {
	return func(a *channel.Arrival) {
		units(at...)(a)
		p := channel.Progress{}
		for _, s := range at {
			switch s {
			case channel.Cancelled:
				p.Cancelled++
			case channel.Shipped:
				p.Shipped++
			case channel.Delivered:
				p.Delivered++
			case channel.Returned:
				p.Returned++
			}
		}
		a.Order.Lines[0].Progress = p
	}
}
