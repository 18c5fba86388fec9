package money

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Split divides the amount by weights into parts that add up to it exactly, one per weight in the same order. Each part is the
// exact share cut off; the units left over go one each to the largest remainders, ties to the earlier part. The same input always
// gives the same parts, and a refund splits like its sale. A weight of zero gets nothing, unless all are zero: then they count as
// equal. No weights, a negative weight and weights whose sum passes 2^64 are Invalid faults.
func (a Amount) Split(weights []int64) ([]Amount, error) {
	weights, total, err := weigh(weights)
	if err != nil {
		return nil, err
	}
	if a.Currency == "" && a.Minor != 0 {
		return nil, unknown("")
	}
	left := magnitude(a.Minor)
	shares := make([]share, len(weights))
	for i, w := range weights {
		hi, lo := bits.Mul64(magnitude(a.Minor), uint64(w))
		q, rest := bits.Div64(hi, lo, total) // a weight is at most the total, so the share fits
		shares[i] = share{part: i, units: q, rest: rest}
		left -= q
	}
	slices.SortFunc(shares, func(x, y share) int {
		return cmp.Or(cmp.Compare(y.rest, x.rest), cmp.Compare(x.part, y.part))
	})
	parts := make([]Amount, len(weights))
	for i, s := range shares {
		minor, err := signed(a.Minor < 0, s.units, uint64(i) < left)
		if err != nil {
			return nil, err
		}
		parts[s.part] = Amount{minor, a.Currency}
	}
	return parts, nil
}

// share is one part of a split: its whole units, and the rest that was cut off.
type share struct {
	part        int
	units, rest uint64
}

// weigh checks the weights and adds them up; weights that are all zero become ones.
func weigh(weights []int64) ([]int64, uint64, error) {
	if len(weights) == 0 {
		return nil, 0, fault.New(fault.Invalid, "an amount cannot be split into no parts")
	}
	var total, carry uint64
	for _, w := range weights {
		if w < 0 {
			return nil, 0, fault.New(fault.Invalid, "a weight of %d is negative", w)
		}
		if total, carry = bits.Add64(total, uint64(w), 0); carry != 0 {
			return nil, 0, fault.New(fault.Invalid, "the weights are too large")
		}
	}
	if total == 0 {
		return slices.Repeat([]int64{1}, len(weights)), uint64(len(weights)), nil
	}
	return weights, total, nil
}

// CashRound brings the amount to a multiple of step minor units, as cash needs where small coins are gone: step 5 for 0.05 MYR,
// 100 for one rupee. difference is rounded - a, a line of its own in the books. Repeating it changes nothing. A step below one and
// results that do not fit are Invalid faults.
func (a Amount) CashRound(step int64, m Mode) (rounded, difference Amount, err error) {
	if step < 1 {
		return Amount{}, Amount{}, fault.New(fault.Invalid, "a cash step of %d minor units", step)
	}
	steps, err := a.Share(1, step, m)
	if err != nil {
		return Amount{}, Amount{}, err
	}
	if rounded, err = steps.Times(step); err != nil {
		return Amount{}, Amount{}, err
	}
	if difference, err = rounded.Sub(a); err != nil {
		return Amount{}, Amount{}, err
	}
	return rounded, difference, nil
}
