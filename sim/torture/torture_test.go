package torture

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/sim"
)

// plan is what a seed decides before anything has happened: prices, the partners' clocks and faults, what is ordered, and the blows in their order.
type plan struct {
	Prices map[string]int64
	Faults [][]sim.Fault
	Orders []any
	Blows  []string
}

func planOf(t *testing.T, seed uint64) plan {
	t.Helper()
	r := &run{opt: Options{Seed: seed}, rnd: rand.New(rand.NewPCG(seed, 0x70a7)), report: &Report{Workload: map[string]int{}, Faults: map[string]int{}}}
	var err error
	if r.market, err = openTown(r); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.market.close)
	if err := r.trouble(); err != nil {
		t.Fatal(err)
	}
	p := plan{Prices: r.market.prices}
	for _, f := range r.market.faults() {
		p.Faults = append(p.Faults, f.List())
	}
	for _, s := range r.market.shops {
		p.Orders = append(p.Orders, s.shop.Generate(s.seed+1, 3))
	}
	p.Orders = append(p.Orders, r.market.daraz.shop.Generate(r.market.daraz.seed+1, 3))
	var all []blow
	for i, name := range Blows {
		all = append(all, blow{name: name, weight: 1 + i})
	}
	for range 20 {
		p.Blows = append(p.Blows, pick(r.rnd, bag(all, nil)...).name)
	}
	return p
}

func TestSeed(t *testing.T) {
	t.Parallel()
	t.Run("the same seed plans the same workload and faults", func(t *testing.T) {
		t.Parallel()
		if diff := cmp.Diff(planOf(t, 7), planOf(t, 7)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("another seed plans others", func(t *testing.T) {
		t.Parallel()
		one, other := planOf(t, 7), planOf(t, 8)
		for what, same := range map[string]bool{
			"prices": cmp.Equal(one.Prices, other.Prices), "faults": cmp.Equal(one.Faults, other.Faults), "orders": cmp.Equal(one.Orders, other.Orders), "blows": cmp.Equal(one.Blows, other.Blows),
		} {
			if same {
				t.Errorf("%s are the same", what)
			}
		}
	})
}

func TestMix(t *testing.T) {
	t.Parallel()
	mix, err := Mix("frozen=2, killed=0,")
	if err != nil {
		t.Fatal(err)
	}
	strike := func(context.Context, *rand.Rand) error { return nil }
	var got []string
	for _, b := range bag([]blow{{"killed", 6, strike}, {"frozen", 1, strike}, {"cut", 1, strike}}, mix) {
		got = append(got, b.name)
	}
	if diff := cmp.Diff([]string{"frozen", "frozen", "cut"}, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"frozen", "frozen=", "frozen=-1", "frozen=1000", "melted=3", "=3"} {
		if _, err := Mix(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
