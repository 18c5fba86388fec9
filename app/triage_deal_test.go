package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/web/console"
)

// claim is one of so many whole units of per parts each, of which could be made whole, that has some at locations.
func claim(open, per, could int64, has map[string]int64) console.Claim {
	return console.Claim{Open: open, Per: per, Wants: open * per, Could: could * per, Has: has, Fixed: map[string]int64{}, Gets: map[string]int64{}}
}

func TestDeal(t *testing.T) {
	t.Parallel()
	type at = map[string]int64
	here := []string{"here", "there"}
	cases := map[string]struct {
		claims []console.Claim
		places [][]string
		want   []at
	}{
		"who comes first takes what others give up": {
			[]console.Claim{claim(3, 1, 3, at{"here": 1}), claim(2, 1, 2, at{"here": 2})},
			[][]string{here, here},
			[]at{{"here": 3}, {}},
		},
		"a kit takes what makes whole ones, and leaves the rest to the next": {
			[]console.Claim{claim(2, 2, 2, at{"here": 1}), claim(2, 1, 2, at{"here": 2})},
			[][]string{here, here},
			[]at{{"here": 2}, {"here": 1}},
		},
		"a kit whose other parts are missing gives up what others can use": {
			[]console.Claim{claim(1, 2, 0, at{"here": 2}), claim(2, 1, 2, at{})},
			[][]string{here, here},
			[]at{{}, {"here": 2}},
		},
		"what nobody else can use stays where it is": {
			[]console.Claim{claim(1, 2, 0, at{"here": 2}), claim(1, 3, 1, at{"here": 1})},
			[][]string{here, here},
			[]at{{}, {"here": 3}},
		},
		"half a kit stays with who has it": {
			[]console.Claim{claim(1, 2, 1, at{}), claim(1, 2, 1, at{"here": 1})},
			[][]string{here, here},
			[]at{{}, {"here": 1}},
		},
		"a kit is made of two locations": {
			[]console.Claim{claim(1, 2, 1, at{"there": 1}), claim(2, 1, 2, at{"here": 2})},
			[][]string{here, here},
			[]at{{"here": 1, "there": 1}, {"here": 1}},
		},
		"what may not be sent from there is not taken": {
			[]console.Claim{claim(2, 1, 2, at{}), claim(2, 1, 2, at{"there": 2})},
			[][]string{{"here"}, here},
			[]at{{}, {"there": 2}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deal(c.claims, c.places)
			var got []at
			for _, x := range c.claims {
				got = append(got, x.Gets)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("what is picked stays, also of a kit that goes last", func(t *testing.T) {
		t.Parallel()
		first, last := claim(2, 1, 2, at{}), claim(1, 2, 0, at{"here": 2})
		last.Fixed["here"] = 1
		deal([]console.Claim{first, last}, [][]string{here, here})
		if diff := cmp.Diff([]at{{"here": 1}, {"here": 1}}, []at{first.Gets, last.Gets}); diff != "" {
			t.Error(diff)
		}
		if last.Cut() != 1 || first.Cut() != 1 {
			t.Errorf("%d kits and %d items cannot go", last.Cut(), first.Cut())
		}
	})
}

func TestFits(t *testing.T) {
	t.Parallel()
	kit := order.Line{Parts: []event.Part{{Variant: "cup", Quantity: 2}, {Variant: "box", Quantity: 1}, {Variant: "lid", Quantity: 2}}}
	kit.Open = 3
	if n := fits(kit, "cup", map[string]int64{"box": 3, "lid": 5}); n != 2 {
		t.Errorf("there are boxes and lids for %d", n)
	}
	if n := fits(order.Line{Variant: "cup"}, "cup", nil); n != 0 {
		t.Errorf("nothing is open, and %d fit", n)
	}
	if perUnit(kit, "lid") != 2 || perUnit(kit, "tea") != 0 || perUnit(order.Line{Variant: "tea"}, "tea") != 1 {
		t.Error("what a unit takes is counted wrongly")
	}
}
