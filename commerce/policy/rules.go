package policy

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Rules are what holds in a country, or a part of it, at an instant.
type Rules struct {
	Country       string            `json:"country"`
	Subdivision   string            `json:"subdivision,omitempty"`
	Currency      string            `json:"currency"`
	TaxMode       channel.TaxMode   `json:"tax_mode"` // whether shown prices contain the tax; none where there is no tax on sales
	TaxName       string            `json:"tax_name"`
	Rate          money.Rate        `json:"tax_rate"` // standard rate; zero where none is known
	RoundMode     money.Mode        `json:"round_mode"`
	RoundLevel    string            `json:"round_level"` // line or bill
	CashStep      int64             `json:"cash_step"`   // minor units; 0 or 1 = no cash rounding
	CashMode      money.Mode        `json:"cash_mode"`
	CashApplies   []string          `json:"cash_applies"` // cash, cod
	Zone          string            `json:"zone"`         // IANA
	Weekend       []time.Weekday    `json:"weekend"`
	ClosingMinute int64             `json:"closing_minute"` // of the local day: what happens before it belongs to the business day before
	Postcode      string            `json:"postcode_pattern,omitempty"`
	PostcodeCheck string            `json:"postcode_check"` // hard: a wrong one cannot be shipped to; soft: a hint; none
	AddressNeeds  []string          `json:"address_needs"`  // fields a parcel needs; a|b = one of them
	UnpaidExpiry  time.Duration     `json:"unpaid_expiry"`  // an order nobody paid for gives its stock back after it
	UnheardHalf   time.Duration     `json:"unheard_half"`   // a branch silent for so long counts half in promises
	UnheardNone   time.Duration     `json:"unheard_none"`   // and nothing after this
	ReturnDays    int64             `json:"return_days"`    // statutory; 0 = no general right, the seller's own policy counts
	ReturnFrom    string            `json:"return_from"`    // received or contract
	Remitter      channel.Party     `json:"tax_remitter"`
	Because       map[string]Source `json:"because"` // where each value comes from
}

// Source is where a value comes from.
type Source struct {
	From       time.Time `json:"effective_from"`
	Source     string    `json:"source"`
	Confidence string    `json:"confidence"`
}

// Rules are the rules in force at an instant; the subdivision (ISO 3166-2, or its part behind the dash) may be "". A country nobody wrote down
// has only the defaults of all countries. They come from memory: calling it per order is cheap. Slices and map are shared and must not be changed.
func (s *Service) Rules(tx *db.Tx, country, subdivision string, at time.Time) (Rules, error) {
	t, err := s.load(tx)
	if err != nil {
		return Rules{}, err
	}
	return t.rules(country, subdivision, at)
}

// rules are Rules of the rows in memory, worked out once for as long as nothing changes.
func (b *book) rules(country, subdivision string, at time.Time) (Rules, error) {
	subdivision = fullCode(country, subdivision)
	when := b.spell(country, subdivision, at)
	if known, ok := b.known.Load(when); ok {
		return known.(Rules).of(country, subdivision), nil
	}
	r := reader{book: b, country: country, subdivision: subdivision, at: at, because: map[string]Source{}}
	out := Rules{
		Country: country, Subdivision: subdivision, Currency: r.text("currency"), TaxMode: channel.TaxMode(r.text("tax_mode")),
		TaxName: r.text("tax_name"), Rate: r.rate("tax_rate"), RoundMode: r.mode("round_mode"), RoundLevel: r.text("round_level"),
		CashStep: r.number("cash_step"), CashMode: r.mode("cash_mode"), CashApplies: r.list("cash_applies"), Zone: r.text("zone"),
		Weekend: r.weekdays("weekend"), ClosingMinute: r.number("closing_minute"), Postcode: r.text("postcode_pattern"),
		PostcodeCheck: r.text("postcode_check"), AddressNeeds: r.list("address_needs"), UnpaidExpiry: r.duration("unpaid_expiry"),
		UnheardHalf: r.duration("unheard_half"), UnheardNone: r.duration("unheard_none"), ReturnDays: r.number("return_days"),
		ReturnFrom: r.text("return_from"), Remitter: channel.Party(r.text("tax_remitter")), Because: r.because,
	}
	if r.err == nil {
		b.known.Store(when, out)
	}
	return out, r.err
}

// of is the rules under the name of a place for which nothing else is written down.
func (r Rules) of(country, subdivision string) Rules {
	r.Country, r.Subdivision = country, subdivision
	return r
}

// fullCode is the ISO 3166-2 code of a subdivision given with or without its country.
func fullCode(country, subdivision string) string {
	if subdivision == "" || strings.HasPrefix(subdivision, country+"-") {
		return subdivision
	}
	return country + "-" + subdivision
}

// reader reads values of one place and instant and keeps the first error.
type reader struct {
	book                 *book
	country, subdivision string
	at                   time.Time
	because              map[string]Source
	err                  error
}

func (r *reader) text(name string) string {
	row, ok := r.book.find(r.country, r.subdivision, name, r.at)
	if !ok {
		return ""
	}
	r.because[name] = Source{row.From, row.Source, row.Confidence}
	return row.Value
}

func (r *reader) list(name string) []string { return strings.Fields(r.text(name)) }

func (r *reader) failed(name string, err error) {
	if err != nil && r.err == nil {
		r.err = fault.Wrap(fault.Internal, err, "the rule "+name+" of "+r.country+" cannot be read")
	}
}

func (r *reader) number(name string) int64 {
	text := r.text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	r.failed(name, err)
	return n
}

func (r *reader) rate(name string) money.Rate {
	text := r.text(name)
	if text == "" {
		return money.Rate{}
	}
	rate, err := money.ParseRate(text)
	r.failed(name, err)
	return rate
}

func (r *reader) mode(name string) money.Mode {
	text := r.text(name)
	if text == "" {
		return money.HalfUp
	}
	mode, err := money.ParseMode(text)
	r.failed(name, err)
	return mode
}

func (r *reader) duration(name string) time.Duration {
	text := r.text(name)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	r.failed(name, err)
	return d
}

var weekdays = map[string]time.Weekday{
	"sun": time.Sunday, "mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday,
}

func (r *reader) weekdays(name string) (days []time.Weekday) {
	for _, word := range r.list(name) {
		if day, ok := weekdays[word]; ok {
			days = append(days, day)
		} else {
			r.failed(name, fault.New(fault.Invalid, "%q is not a day", word))
		}
	}
	return days
}

// CashRound rounds what is paid in a way ("cash" or "cod") to what can be paid with coins: the rounded amount and the difference, which is a
// line of its own. Tax is computed on the amount as it was.
func (r Rules) CashRound(amount money.Amount, way string) (rounded, difference money.Amount, err error) {
	if r.CashStep <= 1 || amount.Currency != r.Currency || !contains(r.CashApplies, way) {
		return amount, money.Zero(amount.Currency), nil
	}
	return amount.CashRound(r.CashStep, r.CashMode)
}

func contains(list []string, word string) bool {
	for _, x := range list {
		if x == word {
			return true
		}
	}
	return false
}

// BusinessDate is the day an instant is booked on, YYYY-MM-DD.
func (r Rules) BusinessDate(at time.Time) string {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		zone = time.UTC
	}
	return at.In(zone).Add(-time.Duration(r.ClosingMinute) * time.Minute).Format(time.DateOnly)
}

// Missing names the fields of an address that a parcel needs and that are not there, and postcode when it cannot be one. What the channel has
// masked is not missing: it labels the parcel itself, or gives it for the label.
func (r Rules) Missing(a channel.Address) []string {
	have := map[string]string{
		"name": a.Name + a.Company, "phone": a.Phone + a.Phone2, "line1": a.Line1 + a.Line2, "district": a.District, "city": a.City,
		"province": a.Province, "postcode": a.Postcode,
	}
	var missing []string
	for _, need := range r.AddressNeeds {
		found := false
		for _, field := range strings.Split(need, "|") {
			masked := a.Masked && (field == "name" || field == "phone" || field == "line1")
			found = found || masked || strings.TrimSpace(have[field]) != ""
		}
		if !found {
			missing = append(missing, need)
		}
	}
	if r.PostcodeCheck == "hard" && strings.TrimSpace(a.Postcode) != "" && !a.Masked && !r.postcodeFits(a.Postcode) {
		missing = append(missing, "postcode")
	}
	return missing
}

// PostcodeFits reports whether a postcode looks like one of the country; where no pattern is known, any does.
func (r Rules) PostcodeFits(postcode string) bool { return r.postcodeFits(postcode) }

func (r Rules) postcodeFits(postcode string) bool {
	if r.Postcode == "" {
		return true
	}
	pattern, err := regexp.Compile(r.Postcode)
	return err != nil || pattern.MatchString(strings.ToUpper(strings.TrimSpace(postcode)))
}
