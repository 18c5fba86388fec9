package money

import (
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Parse reads decimal text as partners send it: "1234.5", "-0.62", "7". Digits beyond the currency's are accepted only when they are
// zeros ("5.000" of PKR). An exponent, thousands separators, a plus, spaces, a bare point, NaN and the empty text are Invalid
// faults, as are an unknown currency and what does not fit.
func Parse(text, currency string) (Amount, error) {
	u := lookup(currency)
	if u == nil {
		return Amount{}, unknown(currency)
	}
	if minor, ok := parseShort(text, int(u.digits)); ok {
		return Amount{minor, u.code}, nil
	}
	n, ok := scan(text)
	if !ok || n.scientific || n.informal {
		return Amount{}, notAmount(text)
	}
	return n.amount(text, u)
}

// ParseRound is Parse for text with more decimals than the currency has, which are rounded: the tills' numbers, computed prices.
// An exponent as in JSON numbers is understood.
func ParseRound(text, currency string, m Mode) (Amount, error) {
	u := lookup(currency)
	if u == nil {
		return Amount{}, unknown(currency)
	}
	n, ok := scan(text)
	if !ok || n.informal {
		return Amount{}, notAmount(text)
	}
	minor, _, err := n.minor(int(u.digits), m)
	return Amount{minor, u.code}.orNone(err)
}

// ParseLoose is Parse for text made for people, and for JSON number text: it also accepts space around, the currency's own code in
// front or behind ("3962.41 EUR", "PKR1,200"), thousands commas in the western or the Indian way ("1,234,567.8", "12,34,567.8"),
// a plus, a bare point and an exponent ("1e3"). Another currency's code is an Invalid fault, and so are commas that could be
// decimal ("1,5", "0,125").
func ParseLoose(text, currency string) (Amount, error) {
	u := lookup(currency)
	if u == nil {
		return Amount{}, unknown(currency)
	}
	rest := strings.TrimSpace(text)
	if code, after, ok := cutCode(rest); ok {
		if !strings.EqualFold(code, u.code) {
			return Amount{}, fault.New(fault.Invalid, "%s is in another currency than %s", quoted(text), u.code)
		}
		rest = after
	}
	if strings.Contains(rest, ",") {
		var ok bool
		if rest, ok = ungroup(rest); !ok {
			return Amount{}, notAmount(text)
		}
	}
	n, ok := scan(rest)
	if !ok {
		return Amount{}, notAmount(text)
	}
	return n.amount(text, u)
}

// parseShort is the common case without detours: an optional minus, digits, and no more decimals than the currency has.
func parseShort(text string, digits int) (int64, bool) {
	s := text
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	if len(s) == 0 || len(s)+digits > 18 {
		return 0, false
	}
	var n int64
	point := -1
	for i := range len(s) {
		switch c := s[i]; {
		case c-'0' <= 9:
			n = n*10 + int64(c-'0')
		case c == '.' && point < 0 && i > 0:
			point = i
		default:
			return 0, false
		}
	}
	if point >= 0 {
		decimals := len(s) - 1 - point
		if decimals == 0 || decimals > digits {
			return 0, false
		}
		digits -= decimals
	}
	n *= int64(pow10[digits])
	if len(s) != len(text) {
		n = -n
	}
	return n, true
}

// number is decimal text taken apart: ±whole.fraction × 10^exponent, where whole and fraction are ASCII digits.
type number struct {
	whole, fraction string
	exponent        int
	neg             bool
	scientific      bool // has an exponent
	informal        bool // has what JSON numbers have not: a plus, or a point without a digit on both sides
}

// maxExponent is where exponents end; no number means more than that.
const maxExponent = 1000

// scan takes decimal text apart. It is false when that is not all there is.
func scan(text string) (n number, ok bool) {
	s := text
	if s != "" && (s[0] == '-' || s[0] == '+') {
		n.neg, n.informal = s[0] == '-', s[0] == '+'
		s = s[1:]
	}
	n.whole, s = cutDigits(s)
	if s != "" && s[0] == '.' {
		n.fraction, s = cutDigits(s[1:])
		n.informal = n.informal || n.whole == "" || n.fraction == ""
	}
	if n.whole == "" && n.fraction == "" {
		return n, false
	}
	if s == "" {
		return n, true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return n, false
	}
	n.scientific = true
	n.exponent, ok = scanExponent(s[1:])
	return n, ok
}

func scanExponent(s string) (int, bool) {
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg, s = s[0] == '-', s[1:]
	}
	digits, rest := cutDigits(s)
	if digits == "" || rest != "" {
		return 0, false
	}
	exponent := 0
	for i := range len(digits) {
		if exponent = exponent*10 + int(digits[i]-'0'); exponent > maxExponent {
			return 0, false
		}
	}
	if neg {
		exponent = -exponent
	}
	return exponent, true
}

func cutDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	return s[:i], s[i:]
}

// minor is the number in minor units of so many digits. exact says that nothing was rounded.
func (n number) minor(digits int, m Mode) (minor int64, exact bool, err error) {
	if err := m.check(); err != nil {
		return 0, false, err
	}
	count := len(n.whole) + len(n.fraction)
	point := len(n.whole) + n.exponent + digits // how many of all digits stand before the minor unit's point
	var u uint64
	for i := range min(point, count) {
		if u > (1<<64-10)/10 {
			return 0, false, tooLarge()
		}
		u = u*10 + uint64(n.digit(i)-'0')
	}
	for range point - count {
		if u == 0 {
			break
		}
		if u > (1<<64-1)/10 {
			return 0, false, tooLarge()
		}
		u *= 10
	}
	half, exact := n.rest(point)
	minor, err = signed(n.neg, u, !exact && m.away(n.neg, u&1 == 1, half))
	return minor, exact, err
}

// digit is the i-th of all digits.
func (n number) digit(i int) byte {
	if i < len(n.whole) {
		return n.whole[i]
	}
	return n.fraction[i-len(n.whole)]
}

// rest compares the digits from point on with half a unit. exact says that they are all zero.
func (n number) rest(point int) (half int, exact bool) {
	count := len(n.whole) + len(n.fraction)
	nonzero := false
	for i := max(point+1, 0); i < count && !nonzero; i++ {
		nonzero = n.digit(i) != '0'
	}
	first := byte('0')
	if point >= 0 && point < count {
		first = n.digit(point)
	}
	switch {
	case first == '0' && !nonzero:
		return -1, true
	case first > '5', first == '5' && nonzero:
		return 1, false
	case first == '5':
		return 0, false
	}
	return -1, false
}

// amount is the number as an amount, refused when it is finer than the currency's minor unit.
func (n number) amount(text string, u *unit) (Amount, error) {
	minor, exact, err := n.minor(int(u.digits), Down)
	if err == nil && !exact {
		err = fault.New(fault.Invalid, "%s has more decimals than the %d of %s", quoted(text), u.digits, u.code)
	}
	return Amount{minor, u.code}.orNone(err)
}

func (a Amount) orNone(err error) (Amount, error) {
	if err != nil {
		return Amount{}, err
	}
	return a, nil
}

// cutCode takes a currency code off either end, with the space between. It does not say which currency.
func cutCode(s string) (code, rest string, ok bool) {
	if len(s) < 4 {
		return "", s, false
	}
	if c := s[:3]; letters(c) {
		return c, strings.TrimSpace(s[3:]), true
	}
	if c := s[len(s)-3:]; letters(c) {
		return c, strings.TrimSpace(s[:len(s)-3]), true
	}
	return "", s, false
}

func letters(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// ungroup takes thousands commas out of a number. It is false when they are not where they belong.
func ungroup(s string) (string, bool) {
	whole, fraction, point := strings.Cut(s, ".")
	if strings.Contains(fraction, ",") {
		return "", false
	}
	sign := ""
	if whole != "" && (whole[0] == '-' || whole[0] == '+') {
		sign, whole = whole[:1], whole[1:]
	}
	groups := strings.Split(whole, ",")
	last := len(groups) - 1
	size := 3 // of the groups in the middle
	if last > 1 && len(groups[1]) == 2 {
		size = 2
	}
	for i, g := range groups {
		digits, rest := cutDigits(g)
		switch {
		case rest != "", i == 0 && (digits == "" || len(digits) > size || digits[0] == '0'), i == last && len(digits) != 3,
			i > 0 && i < last && len(digits) != size:
			return "", false
		}
	}
	s = sign + strings.Join(groups, "")
	if point {
		s += "." + fraction
	}
	return s, true
}

func notAmount(text string) error {
	return fault.New(fault.Invalid, "%s is not an amount", quoted(text))
}

// quoted is a piece of input as it may appear in a message: short, and on one line.
func quoted(s string) string {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return strconv.QuoteToASCII(s)
}
