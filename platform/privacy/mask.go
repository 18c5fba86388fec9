package privacy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// dot stands for a hidden character.
const dot = "•"

// MaskName shows the first letter of each word and how long it is, up to six letters: "Muhammad Khan" is "M••••• K•••".
func MaskName(name string) string {
	words := strings.Fields(name)
	for i, w := range words {
		first, size := utf8.DecodeRuneInString(w)
		words[i] = string(first) + strings.Repeat(dot, min(utf8.RuneCountInString(w[size:]), 5))
	}
	return strings.Join(words, " ")
}

// MaskPhone shows a plus with the first three digits, and the last two: "+923001234547" is "+92 3•• •••••47". A number of up to six
// digits shows none.
func MaskPhone(phone string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
	if len(digits) <= 6 {
		return strings.Repeat(dot, len(digits))
	}
	hidden := len(digits) - 5
	if strings.HasPrefix(strings.TrimSpace(phone), "+") && hidden > 2 {
		return "+" + digits[:2] + " " + digits[2:3] + strings.Repeat(dot, 2) + " " + strings.Repeat(dot, hidden-2) + digits[len(digits)-2:]
	}
	return digits[:3] + strings.Repeat(dot, hidden) + digits[len(digits)-2:]
}

// MaskEmail shows the first letter before and after the @, and what follows the last dot: "amina@example.com" is "a••••@e•••••.com".
func MaskEmail(email string) string {
	local, domain, found := strings.Cut(email, "@")
	if !found {
		return MaskName(email)
	}
	host, top := domain, ""
	if i := strings.LastIndexByte(domain, '.'); i >= 0 {
		host, top = domain[:i], domain[i:]
	}
	return MaskName(local) + "@" + MaskName(host) + top
}

// MaskLine shows what kind of characters a line of an address has, up to 24, not which: "House 12, Street 4" is "••••• ••, •••••• •".
func MaskLine(line string) string {
	var b strings.Builder
	n := 0
	for _, r := range line {
		if n++; n > 24 {
			b.WriteString("…")
			break
		}
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) {
			b.WriteString(dot)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Mask returns the record as it may be shown to somebody without a purpose: country, province, city and the first digits of the
// postcode stay.
func (r Record) Mask() Record {
	r.Person = Person{
		External: "", Name: MaskName(r.Person.Name), Email: MaskEmail(r.Person.Email), Phone: MaskPhone(r.Person.Phone),
		Company: MaskName(r.Person.Company), TaxID: MaskLine(r.Person.TaxID),
	}
	r.ShipTo, r.BillTo = r.ShipTo.Mask(), r.BillTo.Mask()
	r.Note = MaskLine(r.Note)
	r.Lines = slices.Clone(r.Lines)
	for i := range r.Lines {
		r.Lines[i].Value = MaskLine(r.Lines[i].Value)
	}
	return r
}

// Mask returns the address as it may be shown to somebody without a purpose.
func (a Address) Mask() Address {
	code := []rune(a.Postcode)
	return Address{
		Name: MaskName(a.Name), Company: MaskName(a.Company), Phone: MaskPhone(a.Phone), Phone2: MaskPhone(a.Phone2),
		Line1: MaskLine(a.Line1), Line2: MaskLine(a.Line2), District: MaskLine(a.District), City: a.City, Province: a.Province,
		Postcode: string(code[:min(len(code), 3)]) + strings.Repeat(dot, max(len(code)-3, 0)), Country: a.Country, Masked: true,
	}
}
