package money

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// locale is how amounts are written in one: CLDR's names and meanings.
type locale struct {
	pattern               string // positive[;negative], with ¤ for the symbol
	decimal, group, minus string
	zero                  rune   // the digit zero; the others follow it
	symbols               string // |codeSymbol|codeSymbol|…, where they differ from the locale with one subtag less
}

const noBreakSpace = "\u00a0"

// Format is the amount as people of a locale ("en-PK", "ar-OM", "de") write it by Unicode CLDR: symbol and its place, separators,
// grouping, digits, minus sign. It has always as many decimals as ISO 4217 says, where CLDR would hide paisa. A locale that is not
// known is looked up without its last subtag, and in the end as "en". A bare "ar" has Arabic-Indic digits. "No money" is the
// empty text.
//
// The result may hold no-break spaces and direction marks; it is for showing, never for reading back.
func (a Amount) Format(locale string) string {
	if a.IsNone() {
		return ""
	}
	l, symbol := find(locale, a.Currency)
	pattern, negative, own := strings.Cut(l.pattern, ";")
	switch {
	case a.Minor < 0 && own:
		pattern = negative
	case a.Minor < 0:
		pattern = "-" + pattern
	}
	start, end := strings.IndexAny(pattern, "#0"), strings.LastIndexAny(pattern, "#0")+1
	before, after := pattern[:start], pattern[end:]
	out := l.affix(make([]byte, 0, 64), before, symbol)
	if strings.HasSuffix(before, "¤") {
		if r, _ := utf8.DecodeLastRuneInString(symbol); apart(r) {
			out = append(out, noBreakSpace...)
		}
	}
	out = l.number(out, pattern[start:end], a.Abs().Decimal())
	if strings.HasPrefix(after, "¤") {
		if r, _ := utf8.DecodeRuneInString(symbol); apart(r) {
			out = append(out, noBreakSpace...)
		}
	}
	return string(l.affix(out, after, symbol))
}

// Symbol is how a locale writes the currency in amounts: "Rs" for PKR in en-PK; the code itself where CLDR has no symbol.
func Symbol(currency, locale string) string {
	_, symbol := find(locale, currency)
	return symbol
}

// find is the nearest locale we have, and the currency's symbol in it.
func find(tag, currency string) (locale, string) {
	tag = canonical(tag)
	var found locale
	for {
		l, ok := locales[tag]
		if ok && found.pattern == "" {
			found = l
		}
		if s, has := l.symbol(currency); has {
			return found, s
		}
		i := strings.LastIndexByte(tag, '-')
		switch {
		case i >= 0:
			tag = tag[:i]
		case found.pattern == "": // a language that we have not
			tag = "en"
		default:
			return found, currency
		}
	}
}

func (l locale) symbol(currency string) (string, bool) {
	_, rest, ok := strings.Cut(l.symbols, "|"+currency)
	if !ok || len(currency) != 3 {
		return "", false
	}
	symbol, _, _ := strings.Cut(rest, "|")
	return symbol, true
}

// canonical brings a locale's subtags into the usual case: en_pk is en-PK, AR-latn is ar-Latn.
func canonical(tag string) string {
	if _, ok := locales[tag]; ok {
		return tag
	}
	if len(tag) > 35 { // RFC 5646 4.4.1: what a tag needs at most
		return "en"
	}
	parts := strings.Split(strings.ReplaceAll(tag, "_", "-"), "-")
	for i, part := range parts {
		switch part = strings.ToLower(part); {
		case i > 0 && len(part) == 2:
			parts[i] = strings.ToUpper(part)
		case i > 0 && len(part) == 4:
			parts[i] = strings.ToUpper(part[:1]) + part[1:]
		default:
			parts[i] = part
		}
	}
	return strings.Join(parts, "-")
}

// affix appends what stands before or after the number.
func (l locale) affix(out []byte, pattern, symbol string) []byte {
	for _, r := range pattern {
		switch r {
		case '¤':
			out = append(out, symbol...)
		case '-':
			out = append(out, l.minus...)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// apart reports whether CLDR's currency spacing keeps a symbol's end away from the digits: unless it is a sign like $, or a space.
func apart(r rune) bool { return !unicode.In(r, unicode.S, unicode.Z) }

// number appends ASCII decimal text in the locale's digits, grouped as in the pattern.
func (l locale) number(out []byte, pattern, decimal string) []byte {
	whole, fraction, point := strings.Cut(decimal, ".")
	first, next := grouping(pattern)
	if first == 0 {
		first = len(whole)
	}
	for i := range len(whole) {
		left := len(whole) - i
		if i > 0 && left >= first && (left-first)%next == 0 {
			out = append(out, l.group...)
		}
		out = utf8.AppendRune(out, l.zero+rune(whole[i]-'0'))
	}
	if !point {
		return out
	}
	out = append(out, l.decimal...)
	for i := range len(fraction) {
		out = utf8.AppendRune(out, l.zero+rune(fraction[i]-'0'))
	}
	return out
}

// grouping is the size of a pattern's group next to the point, and of those before it: 3 and 2 in #,##,##0.00.
func grouping(pattern string) (first, next int) {
	whole, _, _ := strings.Cut(pattern, ".")
	groups := strings.Split(whole, ",")
	last := len(groups) - 1
	if last == 0 {
		return 0, 0
	}
	first = len(groups[last])
	if next = first; last > 1 {
		next = len(groups[last-1])
	}
	return first, next
}
