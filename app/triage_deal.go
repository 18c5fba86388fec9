package app

import (
	"maps"
	"math"
	"slices"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/console"
)

// ruleCancelPenalty is an expression for what a channel takes when the seller cancels, in major units of the order's currency: of a channel as cancel_penalty.noon, else of
// all. It looks at amount (what the units cost the buyer), total (of the order), units, and cod.
const ruleCancelPenalty = "cancel_penalty"

// penalty is what the order's channel takes for so many units of a line that the seller cancels, by the policy of the country sold to.
func (a *App) penalty(tx *db.Tx, h order.Head, l order.Line, units int64) (money.Amount, error) {
	none := money.Zero(h.Currency)
	if units <= 0 || l.Ordered == 0 {
		return none, nil
	}
	amount, err := money.Of(l.Total, h.Currency).Share(min(units, l.Ordered), l.Ordered, money.HalfUp)
	if err != nil {
		return none, err
	}
	facts := policy.Facts{"amount": amount, "total": h.Amount(h.Sums.Total), "units": units, "cod": h.COD}
	for _, name := range []string{ruleCancelPenalty + "." + string(h.Channel), ruleCancelPenalty} {
		got, err := a.Policy.Decide(tx, h.Country, "", name, tx.Now, facts)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return none, err
		}
		return got.Amount(h.Currency)
	}
	return none, nil
}

// perUnit is how many of a variant one unit of a line takes: one of itself, or what the kit contains; 0 where it has nothing to do with it.
func perUnit(l order.Line, variant string) (n int64) {
	if len(l.Parts) == 0 && l.Variant == variant {
		return 1
	}
	for _, p := range l.Parts {
		if p.Variant == variant {
			n += p.Quantity
		}
	}
	return n
}

// fits is for how many units of a kit its other parts are there: of a single item, for all that are open.
func fits(l order.Line, variant string, has map[string]int64) int64 {
	fit := l.Open
	for _, p := range l.Parts {
		if p.Variant != variant && p.Quantity > 0 {
			fit = min(fit, has[p.Variant]/partsOf(l.Parts, p.Variant))
		}
	}
	return fit
}

func partsOf(parts []event.Part, variant string) (n int64) {
	for _, p := range parts {
		if p.Variant == variant {
			n += p.Quantity
		}
	}
	return n
}

// deal gives what is there to the claims in turn: what is picked stays, then each takes what it has already, then what others give up, where it may be sent from. A kit
// takes what makes whole kits with its other parts; what nobody can use so is left where it is, else goes to who waits first.
func deal(claims []console.Claim, places [][]string) {
	pool := map[string]int64{}
	for _, c := range claims {
		for at, n := range c.Has {
			pool[at] += n - c.Fixed[at]
			if c.Fixed[at] > 0 {
				c.Gets[at] = c.Fixed[at]
			}
		}
	}
	for i, c := range claims {
		takeFrom(pool, c, places[i], whole(pool, c, places[i]))
	}
	for _, c := range claims { // its own first, so that nothing moves without a use
		takeFrom(pool, c, nil, math.MaxInt64)
	}
	for i, c := range claims {
		takeFrom(pool, c, places[i], math.MaxInt64)
	}
}

// whole is how many more units make as many whole ones as can be.
func whole(pool map[string]int64, c console.Claim, places []string) int64 {
	have, there := c.Sum(c.Gets), int64(0)
	seen := map[string]bool{}
	for _, at := range slices.Concat(slices.Collect(maps.Keys(c.Has)), places) {
		if !seen[at] {
			seen[at] = true
			if slices.Contains(places, at) {
				there += pool[at]
			} else {
				there += min(pool[at], c.Has[at]-c.Fixed[at])
			}
		}
	}
	could := min(c.Could, c.Wants, have+there)
	return max(0, could-could%max(1, c.Per)-have)
}

// takeFrom gives a claim at most so many units: what it has already, then what is left at the places.
func takeFrom(pool map[string]int64, c console.Claim, places []string, most int64) {
	left := min(most, c.Wants-c.Sum(c.Gets))
	take := func(at string, most int64) {
		if n := min(left, pool[at], most); n > 0 {
			c.Gets[at] += n
			pool[at] -= n
			left -= n
		}
	}
	for _, at := range slices.Sorted(maps.Keys(c.Has)) {
		take(at, c.Has[at]-c.Gets[at])
	}
	for _, at := range places {
		take(at, math.MaxInt64)
	}
}
