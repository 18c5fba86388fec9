package money

//go:generate go run ./gen

// unit is a currency of ISO 4217: its code and how many decimal digits its minor unit has.
type unit struct {
	code   string
	digits uint8
}

// byCode finds a currency's place in iso4217, counted from one, by its three letters as a number to the base 26.
var byCode = func() (index [26 * 26 * 26]uint8) {
	for i, u := range iso4217 {
		index[(int(u.code[0]-'A')*26+int(u.code[1]-'A'))*26+int(u.code[2]-'A')] = uint8(i + 1)
	}
	return index
}()

func lookup(code string) *unit {
	if len(code) != 3 {
		return nil
	}
	a, b, c := int(code[0])-'A', int(code[1])-'A', int(code[2])-'A'
	if uint(a) >= 26 || uint(b) >= 26 || uint(c) >= 26 {
		return nil
	}
	if i := byCode[(a*26+b)*26+c]; i > 0 {
		return &iso4217[i-1]
	}
	return nil
}

// Exponent is the number of decimal digits of a currency's minor unit by ISO 4217: 2 for PKR, 3 for OMR, 0 for JPY, 4 for CLF.
// It is false for a code that is unknown, not in upper case, or without minor unit (gold, test codes).
//
// The digits of CLDR and of the channels differ (PKR, IQD) and are never used to count money.
func Exponent(currency string) (int, bool) {
	if u := lookup(currency); u != nil {
		return int(u.digits), true
	}
	return 0, false
}

// Valid reports whether the text is an upper-case ISO 4217 code of a currency with a minor unit.
func Valid(currency string) bool { return lookup(currency) != nil }

// Currencies lists every code that is Valid, in alphabetical order.
func Currencies() []string {
	codes := make([]string, len(iso4217))
	for i, u := range iso4217 {
		codes[i] = u.code
	}
	return codes
}
