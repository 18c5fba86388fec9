package privacy

import (
	"encoding/json"
	"log/slog"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Person is who bought. It has the fields of channel.Person, so that Go converts one into the other.
type Person struct {
	External string
	Name     string
	Email    string
	Phone    string
	Company  string
	TaxID    string
}

// Address is where something goes. It has the fields of channel.Address, so that Go converts one into the other.
type Address struct {
	Name     string
	Company  string
	Phone    string
	Phone2   string
	Line1    string
	Line2    string
	District string
	City     string
	Province string
	Postcode string
	Country  string
	Masked   bool
}

// Record is what is personal in one reading of one order.
type Record struct {
	Account  string // our account id
	External string // the partner's order id
	Person   Person
	ShipTo   Address
	BillTo   Address
	Note     string // the buyer's remark

	Lines []LineNote `json:",omitempty"` // what the buyer asked of single lines
}

// LineNote is one wish of the buyer about a line, such as a name to engrave.
type LineNote struct {
	Line  string // the partner's id of the line
	Name  string // what the shop's form calls it
	Value string
}

// String gives nothing away.
func (LineNote) String() string { return "LineNote(•••)" }

// GoString gives nothing away.
func (n LineNote) GoString() string { return n.String() }

// IsZero reports whether there is nothing personal in it.
func (r Record) IsZero() bool {
	ship, bill := r.ShipTo, r.BillTo
	for _, a := range []*Address{&ship, &bill} {
		a.City, a.Province, a.Postcode, a.Country, a.Masked = "", "", "", "", false
	}
	return r.Person == Person{} && ship == Address{} && bill == Address{} && r.Note == "" && len(r.Lines) == 0
}

// country is where the record's phone numbers are from, unless they say so themselves.
func (r Record) country() string {
	if r.ShipTo.Country != "" {
		return r.ShipTo.Country
	}
	return r.BillTo.Country
}

// phone is the first number of the record that is one, as NormalPhone writes it; "" when there is none.
func (r Record) phone() string {
	for _, p := range []string{r.Person.Phone, r.ShipTo.Phone, r.BillTo.Phone, r.ShipTo.Phone2} {
		if normal, ok := NormalPhone(p, r.country()); ok {
			return normal
		}
	}
	return ""
}

// NormalPhone writes a phone number as E.164, so that "0300 1234567" of country PK and "+92 (300) 1234567" are the same. It is false
// for what is no possible number, such as one the channel has masked.
func NormalPhone(phone, country string) (e164 string, ok bool) {
	if len(phone) > 60 || strings.ContainsAny(phone, "*•xX") {
		return "", false
	}
	n, err := phonenumbers.Parse(phone, strings.ToUpper(country))
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}

// NormalEmail writes an address in small letters without spaces around it. It is false for what is no address, such as a masked one.
func NormalEmail(email string) (normal string, ok bool) {
	normal = strings.ToLower(strings.TrimSpace(email))
	local, domain, found := strings.Cut(normal, "@")
	return normal, found && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(normal, "*• \t\n") && len(normal) <= 320
}

// String names the record without saying what is in it; so do GoString and LogValue.
func (r Record) String() string { return "Record(" + r.Account + " " + r.External + ")" }

// GoString is String.
func (r Record) GoString() string { return r.String() }

// LogValue is String.
func (r Record) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalJSON writes the masked record, so that one that strays into a log or an answer does no harm. Whoever may show it writes out its
// parts.
func (r Record) MarshalJSON() ([]byte, error) { return json.Marshal(inClear(r.Mask())) }

// inClear is a record that is written as it is, for sealing.
type inClear Record

// String gives nothing away.
func (Person) String() string { return "Person(•••)" }

// GoString gives nothing away.
func (p Person) GoString() string { return p.String() }

// LogValue gives nothing away.
func (p Person) LogValue() slog.Value { return slog.StringValue(p.String()) }

// String gives nothing away.
func (Address) String() string { return "Address(•••)" }

// GoString gives nothing away.
func (a Address) GoString() string { return a.String() }

// LogValue gives nothing away.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }
