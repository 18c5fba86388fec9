package money

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Mode says which way a result goes that lies between two minor units. The zero value is HalfUp.
type Mode uint8

// The rounding modes. A half is exactly half a minor unit; "up" is away from zero and "down" towards it, so that a refund rounds
// like its sale.
const (
	HalfUp   Mode = iota // to the nearest, halves away from zero: what shops and most tax offices mean
	HalfEven             // to the nearest, halves to the even neighbour
	HalfDown             // to the nearest, halves towards zero
	Down                 // towards zero: cut off
	Up                   // away from zero
	Floor                // towards minus infinity
	Ceiling              // towards plus infinity
)

var modeNames = [...]string{"half_up", "half_even", "half_down", "down", "up", "floor", "ceiling"}

// Modes lists every rounding mode in order.
func Modes() []Mode { return []Mode{HalfUp, HalfEven, HalfDown, Down, Up, Floor, Ceiling} }

// String is the mode's name in settings and policy data: half_up, half_even, half_down, down, up, floor, ceiling.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return "unknown"
}

// ParseMode reads a mode's name. Another name is an Invalid fault.
func ParseMode(name string) (Mode, error) {
	for i, n := range modeNames {
		if n == name {
			return Mode(i), nil
		}
	}
	return 0, fault.New(fault.Invalid, "%s is not a rounding mode", quoted(name))
}

// MarshalText writes the mode's name.
func (m Mode) MarshalText() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	return []byte(m.String()), nil
}

// UnmarshalText reads the mode's name.
func (m *Mode) UnmarshalText(text []byte) error {
	mode, err := ParseMode(string(text))
	if err == nil {
		*m = mode
	}
	return err
}

func (m Mode) check() error {
	if int(m) >= len(modeNames) {
		return fault.New(fault.Invalid, "rounding mode %d does not exist", uint8(m))
	}
	return nil
}

// away reports whether a number that does not end on a unit goes away from zero. half is -1, 0 or 1 as the rest is less than,
// exactly, or more than half a unit; odd is of the digit before it.
func (m Mode) away(neg, odd bool, half int) bool {
	switch m {
	case Down:
		return false
	case Up:
		return true
	case Floor:
		return neg
	case Ceiling:
		return !neg
	}
	if half != 0 {
		return half > 0
	}
	return m == HalfUp || m == HalfEven && odd
}

// pow10[n] is 10 to the n, for all that fit.
var pow10 = [...]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// magnitude is the number without its sign.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// signed is a magnitude, one more when rounded away from zero, with its sign, if that fits.
func signed(neg bool, u uint64, away bool) (int64, error) {
	if away && u <= math.MaxInt64 {
		u++
	}
	switch {
	case u > math.MaxInt64:
		return 0, tooLarge()
	case neg:
		return -int64(u), nil
	}
	return int64(u), nil
}

// mulDiv is u × num / den with the given sign, exact until it is rounded once. den is not zero.
func mulDiv(neg bool, u, num, den uint64, m Mode) (int64, error) {
	if err := m.check(); err != nil {
		return 0, err
	}
	hi, lo := bits.Mul64(u, num)
	if hi >= den {
		return 0, tooLarge()
	}
	q, rest := bits.Div64(hi, lo, den)
	away := rest != 0 && m.away(neg, q&1 == 1, compareHalf(rest, den))
	return signed(neg, q, away)
}

// compareHalf is -1, 0 or 1 as rest is less than, exactly, or more than half of den.
func compareHalf(rest, den uint64) int {
	switch other := den - rest; {
	case rest < other:
		return -1
	case rest > other:
		return 1
	}
	return 0
}

// mulDivBig is mulDiv for the rare factors that do not fit 64 bits.
func mulDivBig(neg bool, u uint64, num, den *big.Int, m Mode) (int64, error) {
	if err := m.check(); err != nil {
		return 0, err
	}
	product := new(big.Int).SetUint64(u)
	product.Mul(product, num)
	q, rest := product.QuoRem(product, den, new(big.Int))
	if !q.IsUint64() {
		return 0, tooLarge()
	}
	away := rest.Sign() != 0 && m.away(neg, q.Bit(0) == 1, rest.Lsh(rest, 1).Cmp(den))
	return signed(neg, q.Uint64(), away)
}
