package money

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/bits"
	"strings"

	"github.com/govalues/decimal"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Rate is a decimal factor: a tax rate, a commission, an exchange rate. It holds up to 19 significant digits; 0.18, 18% and 0.180
// are the same value, also by ==. The zero value is a rate of zero.
type Rate struct {
	d decimal.Decimal // trimmed
}

// ParseRate reads "0.18", "18%", "17.5 %", "278.35" or "1.8e-1". Digits past the nineteenth are rounded half to even, which no
// amount can show. Other text, and rates of more than 19 whole digits, are Invalid faults.
func ParseRate(text string) (Rate, error) {
	s, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	if percent {
		s = strings.TrimRight(s, " \u00a0\u202f")
	}
	n, ok := scan(s)
	if !ok || n.informal || len(s) > 100 || n.exponent > 30 || n.exponent < -100 {
		return Rate{}, fault.New(fault.Invalid, "%s is not a rate", quoted(text))
	}
	if percent {
		n.exponent -= 2
	}
	sign := ""
	if n.neg {
		sign = "-"
	}
	d, err := decimal.Parse(fmt.Sprintf("%s%s.%se%d", sign, n.whole, n.fraction, n.exponent))
	if err != nil {
		return Rate{}, fault.Wrap(fault.Invalid, err, quoted(text)+" is not a rate")
	}
	return rateOf(d), nil
}

// RateOf is num × 10^-scale, for constants: RateOf(18, 2) is 18 %. A scale outside 0 to 19 is a mistake in the program and panics;
// data goes through ParseRate.
func RateOf(num int64, scale int) Rate { return rateOf(decimal.MustNew(num, scale)) }

func rateOf(d decimal.Decimal) Rate {
	if d.IsZero() {
		return Rate{}
	}
	return Rate{d.Trim(0)}
}

// String is the rate as the shortest decimal: "0.18".
func (r Rate) String() string { return r.d.String() }

// Percent is the rate in hundredths: "18%", "17.5%". It moves the point in the text, since a hundredfold may have more digits than a rate can hold.
func (r Rate) Percent() string {
	text, sign := r.d.String(), ""
	if r.Sign() < 0 {
		text, sign = text[1:], "-"
	}
	whole, fraction, _ := strings.Cut(text, ".")
	for len(fraction) < 2 {
		fraction += "0"
	}
	whole, fraction = strings.TrimLeft(whole+fraction[:2], "0"), strings.TrimRight(fraction[2:], "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction + "%"
}

// Decimal is the rate as a number to calculate with.
func (r Rate) Decimal() decimal.Decimal { return r.d }

// IsZero reports whether the rate is zero.
func (r Rate) IsZero() bool { return r.d.IsZero() }

// Sign is -1, 0 or 1.
func (r Rate) Sign() int { return r.d.Sign() }

// Cmp is -1, 0 or 1 as r is less than, equal to or more than other.
func (r Rate) Cmp(other Rate) int { return r.d.Cmp(other.d) }

// Equal reports whether the rates are the same number.
func (r Rate) Equal(other Rate) bool { return r == other }

// Add is r + other, as for two taxes on one base. What does not fit 19 digits before the point is an Invalid fault.
func (r Rate) Add(other Rate) (Rate, error) {
	d, err := r.d.Add(other.d)
	if err != nil {
		return Rate{}, fault.Wrap(fault.Invalid, err, "the rate is too large")
	}
	return rateOf(d), nil
}

// MarshalText writes the rate as String does; in JSON it is a string.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the rate as ParseRate does.
func (r *Rate) UnmarshalText(text []byte) error {
	rate, err := ParseRate(string(text))
	if err == nil {
		*r = rate
	}
	return err
}

// UnmarshalJSON reads a string as ParseRate does, or a JSON number; null changes nothing.
func (r *Rate) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if string(data) == "null" {
		return nil
	}
	text := string(data)
	if len(data) > 0 && data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return fault.Wrap(fault.Invalid, err, "the rate is no text")
		}
	}
	return r.UnmarshalText([]byte(text))
}

// Mul is the amount times the rate, exact until it is rounded once. What does not fit is an Invalid fault.
func (a Amount) Mul(r Rate, m Mode) (Amount, error) {
	return a.scale(r.Sign() < 0, r.d.Coef(), pow10[r.d.Scale()], m)
}

// TaxOn is the tax that comes on top of a net amount. A negative rate is an Invalid fault; a negative amount, a refund, has
// negative tax.
func (a Amount) TaxOn(r Rate, m Mode) (Amount, error) {
	if r.Sign() < 0 {
		return Amount{}, fault.New(fault.Invalid, "a tax rate of %s is negative", r.Percent())
	}
	return a.Mul(r, m)
}

// TaxInside is the tax contained in a gross amount, gross × r/(1+r), rounded once; the net is the gross less it. A negative rate
// is an Invalid fault.
func (a Amount) TaxInside(r Rate, m Mode) (Amount, error) {
	if r.Sign() < 0 {
		return Amount{}, fault.New(fault.Invalid, "a tax rate of %s is negative", r.Percent())
	}
	num, one := r.d.Coef(), pow10[r.d.Scale()]
	if den, carry := bits.Add64(num, one, 0); carry == 0 {
		return a.scale(false, num, den, m)
	}
	n := new(big.Int).SetUint64(num)
	minor, err := mulDivBig(a.Minor < 0, magnitude(a.Minor), n, new(big.Int).Add(n, new(big.Int).SetUint64(one)), m)
	return Amount{minor, a.Currency}.orNone(err)
}

// Convert is an amount in another currency at a rate of so many units of to for one unit of the amount's currency (major units:
// USD to PKR at 278.35), rounded once to to's minor unit. "No money" stays so. A rate that is not above zero, an unknown currency
// and what does not fit are Invalid faults.
func Convert(a Amount, to string, r Rate, m Mode) (Amount, error) {
	if a.IsNone() {
		return Amount{}, nil
	}
	from, target := lookup(a.Currency), lookup(to)
	switch {
	case from == nil:
		return Amount{}, unknown(a.Currency)
	case target == nil:
		return Amount{}, unknown(to)
	case r.Sign() <= 0:
		return Amount{}, fault.New(fault.Invalid, "an exchange rate of %s is not above zero", r)
	}
	up, down := pow10[max(0, int(target.digits)-int(from.digits))], pow10[max(0, int(from.digits)-int(target.digits))]
	numHigh, num := bits.Mul64(r.d.Coef(), up)
	denHigh, den := bits.Mul64(pow10[r.d.Scale()], down)
	var minor int64
	var err error
	if numHigh == 0 && denHigh == 0 {
		minor, err = mulDiv(a.Minor < 0, magnitude(a.Minor), num, den, m)
	} else {
		minor, err = mulDivBig(a.Minor < 0, magnitude(a.Minor), wide(numHigh, num), wide(denHigh, den), m)
	}
	return Amount{minor, target.code}.orNone(err)
}

// wide is a 128-bit number.
func wide(hi, lo uint64) *big.Int {
	n := new(big.Int).SetUint64(hi)
	return n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(lo))
}

// RateBetween is how many units of b one unit of a is worth, to nineteen digits. Both must be other than zero (Invalid).
func RateBetween(a, b Amount) (Rate, error) {
	x, err := decimal.Parse(a.Decimal())
	if err == nil && x.IsZero() {
		err = fault.New(fault.Invalid, "a rate from %s cannot be computed", a)
	}
	if err != nil {
		return Rate{}, err
	}
	y, err := decimal.Parse(b.Decimal())
	if err != nil {
		return Rate{}, fault.Wrap(fault.Invalid, err, "not an amount")
	}
	q, err := y.Quo(x)
	if err != nil {
		return Rate{}, fault.Wrap(fault.Invalid, err, "the rate between the two amounts is out of range")
	}
	return rateOf(q), nil
}
