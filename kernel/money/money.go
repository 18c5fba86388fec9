// Package money keeps amounts as whole minor units of a named currency, so that nothing is ever off by a cent. Start at Amount.
//
// Nothing here goes through a binary fraction: text is read digit by digit, rates are decimals, and every product is exact
// before it is rounded once, by a named Mode. What does not fit is an error, never a wrapped number.
package money

import (
	"cmp"
	"math"
	"math/bits"
	"strconv"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Amount is a sum of money: Minor units (paisa, cent, baisa) of an upper-case ISO 4217 Currency. It is a plain comparable value.
//
// The zero value is "no money": nothing is known, not even a currency. It adds as nothing, and its JSON is null. It is not the
// same as zero rupees, which is Zero("PKR"). The smallest int64 is not an amount: results run from -MaxInt64 to MaxInt64.
type Amount struct {
	Minor    int64
	Currency string
}

// Of is minor units of a currency, taken as given: Of(409940, "OMR") is OMR 409.940. Check says whether the currency exists.
func Of(minor int64, currency string) Amount {
	if u := lookup(currency); u != nil {
		currency = u.code
	}
	return Amount{Minor: minor, Currency: currency}
}

// Zero is nothing of a currency, as opposed to the zero Amount, which has no currency.
func Zero(currency string) Amount { return Of(0, currency) }

// Check is an Invalid fault when the currency is not in ISO 4217, or when there are units of no currency. "No money" passes.
func (a Amount) Check() error {
	if a == (Amount{}) || Valid(a.Currency) && a.Minor != math.MinInt64 {
		return nil
	}
	if a.Minor == math.MinInt64 {
		return tooLarge()
	}
	return unknown(a.Currency)
}

// IsNone reports whether this is the zero value, "no money", rather than zero of a currency.
func (a Amount) IsNone() bool { return a == Amount{} }

// IsZero reports whether there are no minor units, whatever the currency. Beware of the JSON tag omitzero, which asks this:
// it drops an amount of 0.00 as well. A pointer or null says "unknown" better.
func (a Amount) IsZero() bool { return a.Minor == 0 }

// Sign is -1, 0 or 1.
func (a Amount) Sign() int { return cmp.Compare(a.Minor, 0) }

// Neg is the amount with the other sign.
func (a Amount) Neg() Amount {
	if a.Minor == math.MinInt64 { // not an amount, but it must not stay negative either
		return Amount{math.MaxInt64, a.Currency}
	}
	return Amount{-a.Minor, a.Currency}
}

// Abs is the amount without its sign.
func (a Amount) Abs() Amount {
	if a.Minor < 0 {
		return a.Neg()
	}
	return a
}

// Cmp is -1, 0 or 1 as a is less than, equal to or more than b. "No money" compares as zero of the other's currency; different
// currencies are an Invalid fault.
func (a Amount) Cmp(b Amount) (int, error) {
	if _, err := common(a, b); err != nil {
		return 0, err
	}
	return cmp.Compare(a.Minor, b.Minor), nil
}

// Add is a + b. "No money" adds as nothing. Different currencies and sums that do not fit are Invalid faults.
func (a Amount) Add(b Amount) (Amount, error) {
	currency, err := common(a, b)
	if err != nil {
		return Amount{}, err
	}
	sum := a.Minor + b.Minor
	if (sum > a.Minor) != (b.Minor > 0) && b.Minor != 0 || sum == math.MinInt64 {
		return Amount{}, tooLarge()
	}
	return Amount{sum, currency}, nil
}

// Sub is a - b, with the faults of Add.
func (a Amount) Sub(b Amount) (Amount, error) {
	if b.Minor == math.MinInt64 {
		return Amount{}, tooLarge()
	}
	return a.Add(Amount{-b.Minor, b.Currency})
}

// Sum adds amounts of one currency; the sum of none is zero of that currency. Only the result has to fit, not the steps.
// Another currency among them is an Invalid fault.
func Sum(currency string, xs ...Amount) (Amount, error) {
	if !Valid(currency) {
		return Amount{}, unknown(currency)
	}
	total := Zero(currency)
	var hi, lo, carry uint64 // a 128-bit two's complement number
	for _, x := range xs {
		if _, err := common(total, x); err != nil {
			return Amount{}, err
		}
		lo, carry = bits.Add64(lo, uint64(x.Minor), 0)
		hi += uint64(x.Minor>>63) + carry
	}
	total.Minor = int64(lo)
	if hi != uint64(total.Minor>>63) || total.Minor == math.MinInt64 {
		return Amount{}, tooLarge()
	}
	return total, nil
}

// Times is the amount n times, as for a quantity. What does not fit is an Invalid fault.
func (a Amount) Times(n int64) (Amount, error) {
	return a.scale(n < 0, magnitude(n), 1, Down)
}

// Share is num/den of the amount, rounded once: Share(2, 3, HalfUp) is the part that two of three units cost. A den of zero and
// results that do not fit are Invalid faults. Shares of one amount need not add up to it; Split does.
func (a Amount) Share(num, den int64, m Mode) (Amount, error) {
	if den == 0 {
		return Amount{}, fault.New(fault.Invalid, "a share of zero parts")
	}
	return a.scale((num < 0) != (den < 0), magnitude(num), magnitude(den), m)
}

// scale is a × num/den with the sign turned when neg, rounded once.
func (a Amount) scale(neg bool, num, den uint64, m Mode) (Amount, error) {
	if a.Currency == "" && a.Minor != 0 {
		return Amount{}, unknown("")
	}
	minor, err := mulDiv((a.Minor < 0) != neg, magnitude(a.Minor), num, den, m)
	if err != nil {
		return Amount{}, err
	}
	return Amount{minor, a.Currency}, nil
}

// Decimal is the amount in major units with all the currency's digits and no currency: "409.940", "-0.62", "1200". The digits are
// ASCII and ungrouped. Units of an unknown currency are written whole, as ISO 4217 does not say where the point would go.
func (a Amount) Decimal() string {
	var buf [24]byte
	return string(a.AppendDecimal(buf[:0]))
}

// AppendDecimal appends what Decimal returns.
func (a Amount) AppendDecimal(dst []byte) []byte {
	digits, _ := Exponent(a.Currency)
	if a.Minor < 0 {
		dst = append(dst, '-')
	}
	u := magnitude(a.Minor)
	if digits == 0 {
		return strconv.AppendUint(dst, u, 10)
	}
	dst = append(strconv.AppendUint(dst, u/pow10[digits], 10), '.')
	fraction := u % pow10[digits]
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, byte('0'+fraction/pow10[i]%10))
	}
	return dst
}

// String is the currency and the decimal, "OMR 409.940", for logs and command lines; Format is for people. "No money" is "none".
func (a Amount) String() string {
	if a.IsNone() {
		return "none"
	}
	var buf [32]byte
	dst := append(append(buf[:0], a.Currency...), ' ')
	return string(a.AppendDecimal(dst))
}

// common is the currency two amounts share; "no money" shares any.
func common(a, b Amount) (string, error) {
	switch {
	case a.Currency == b.Currency:
		if a.Currency == "" && (a.Minor != 0 || b.Minor != 0) {
			return "", unknown("")
		}
		return a.Currency, nil
	case a.IsNone():
		return b.Currency, nil
	case b.IsNone():
		return a.Currency, nil
	}
	return "", fault.New(fault.Invalid, "%s and %s are different currencies", name(a.Currency), name(b.Currency))
}

func tooLarge() error { return fault.New(fault.Invalid, "the amount is too large") }

func unknown(currency string) error {
	if currency == "" {
		return fault.New(fault.Invalid, "the currency is missing")
	}
	return fault.New(fault.Invalid, "%s is not a currency of ISO 4217", name(currency))
}

// name is a currency as it may appear in a message, however odd.
func name(currency string) string {
	if currency == "" {
		return "no currency"
	}
	return quoted(currency)
}
