package policy

import (
	"context"
	_ "embed"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/sheet"
)

// Row is one dated fact about a country.
type Row struct {
	ID          string    `json:"id"`
	Country     string    `json:"country"`               // ISO 3166-1; "" = every country
	Subdivision string    `json:"subdivision,omitempty"` // ISO 3166-2; "" = the whole country
	Name        string    `json:"name"`
	Value       string    `json:"value"`
	Unit        Unit      `json:"unit"`
	From        time.Time `json:"effective_from"`
	To          time.Time `json:"effective_to,omitzero"` // the first instant it is no longer in force; zero = open
	Source      string    `json:"source"`
	Confidence  string    `json:"confidence"` // documented, seen in code, inferred, background, setting
	VerifiedAt  time.Time `json:"verified_at,omitzero"`
	Seeded      bool      `json:"seeded"` // came with the program, and follows its updates; a person's row does not
}

// Unit says how a value is written.
type Unit string

const (
	Text     Unit = "text"
	List     Unit = "list" // separated by blanks
	Decimal  Unit = "rate"
	ModeUnit Unit = "mode"     // a rounding mode
	Minor    Unit = "minor"    // minor units of the country's currency
	Minutes  Unit = "minutes"  // of the local day
	Days     Unit = "days"     // whole days
	Years    Unit = "years"    // whole years
	Duration Unit = "duration" // 48h, 15m
	Date     Unit = "date"     // YYYY-MM-DD
	Regexp   Unit = "regexp"
	Expr     Unit = "expr" // an expression, see Decide
)

func (r Row) inForce(at time.Time) bool {
	return !at.Before(r.From) && (r.To.IsZero() || at.Before(r.To))
}

// check refuses a row whose value is not what its unit says.
func (r Row) check() error {
	var err error
	switch r.Unit {
	case Text, List:
	case Decimal:
		_, err = money.ParseRate(r.Value)
	case ModeUnit:
		_, err = money.ParseMode(r.Value)
	case Minor, Minutes, Days, Years:
		var n int64
		if n, err = strconv.ParseInt(r.Value, 10, 64); err == nil && n < 0 {
			err = fault.New(fault.Invalid, "negative")
		}
	case Duration:
		_, err = time.ParseDuration(r.Value)
	case Date:
		_, err = time.Parse(time.DateOnly, r.Value)
	case Regexp:
		_, err = regexp.Compile(r.Value)
	case Expr:
		return checkExpression(r.Value)
	default:
		if _, known := money.Exponent(string(r.Unit)); !known { // an amount in that currency
			return fault.Field("unit", "%q is no unit of a policy value", r.Unit)
		}
		_, err = money.Parse(r.Value, string(r.Unit))
	}
	if err != nil {
		return fault.Field("value", "%q is not a value in %s", r.Value, r.Unit)
	}
	return nil
}

const rowColumns = `id, country, subdivision, name, value, unit, effective_from, effective_to, source, confidence, verified_at, seeded`

func scanRow(s db.Scanner) (r Row, err error) {
	err = s.Scan(&r.ID, &r.Country, &r.Subdivision, &r.Name, &r.Value, db.Text(&r.Unit), db.Time(&r.From), db.Time(&r.To), &r.Source,
		&r.Confidence, db.Time(&r.VerifiedAt), &r.Seeded)
	return r, err
}

//go:embed data/policy.csv
var data string

// Known is the data that comes with the program.
var Known = sync.OnceValues(func() ([]Row, error) {
	var columns []sheet.Column
	for _, name := range []string{"country", "subdivision", "name", "value", "unit", "from", "to", "source", "confidence"} {
		columns = append(columns, sheet.Column{Name: name, Required: true})
	}
	table, err := sheet.Read(strings.NewReader(data), columns)
	if err != nil {
		return nil, err
	}
	zones := map[string]*time.Location{}
	for _, line := range table.Rows {
		if line.Get("name") == "zone" && line.Get("subdivision") == "" {
			if zones[line.Get("country")], err = time.LoadLocation(line.Get("value")); err != nil {
				return nil, err
			}
		}
	}
	var all []Row
	for _, line := range table.Rows {
		r := Row{
			Country: line.Get("country"), Subdivision: line.Get("subdivision"), Name: line.Get("name"), Value: line.Get("value"),
			Unit: Unit(line.Get("unit")), Source: line.Get("source"), Confidence: line.Get("confidence"), Seeded: true,
		}
		if r.From, err = day(line.Get("from"), zones[r.Country]); err != nil {
			return nil, err
		}
		if to := line.Get("to"); to != "" {
			if r.To, err = day(to, zones[r.Country]); err != nil {
				return nil, err
			}
		}
		if err := r.check(); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
})

// day is the first instant of a date in a country.
func day(text string, zone *time.Location) (time.Time, error) {
	if zone == nil {
		zone = time.UTC
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	return t.UTC(), err
}

// Seed brings the data that comes with the program into the database; rows a person has set stay as they are. Safe to repeat.
func (s *Service) Seed(ctx context.Context) error {
	all, err := Known()
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the policy data of this program cannot be read")
	}
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		batch := db.NewBatch(4)
		for _, r := range all {
			batch.Add(r.Country, r.Subdivision, r.Name, r.From.UnixMicro(), db.ID(), r.Value, r.Unit, db.Micros(r.To), r.Source, r.Confidence)
		}
		n, err := tx.Exec(`insert into policy_rows (id, country, subdivision, name, value, unit, effective_from, effective_to, source, confidence, seeded)
			select r.i, r.c, r.s, r.n, r.v, r.u, r.f, r.t, r.o, r.k, true
			from rows(c text, s text, n text, f bigint, i text, v text, u text, t bigint, o text, k text) where true
			on conflict (country, subdivision, name, effective_from) do update set value = excluded.value, unit = excluded.unit,
				effective_to = excluded.effective_to, source = excluded.source, confidence = excluded.confidence
			where policy_rows.seeded and (policy_rows.value <> excluded.value or policy_rows.unit <> excluded.unit
				or policy_rows.effective_to is distinct from excluded.effective_to or policy_rows.source <> excluded.source
				or policy_rows.confidence <> excluded.confidence)`, batch)
		if err != nil || n == 0 {
			return err
		}
		s.changed(tx)
		return nil
	})
}

// Set adds a row, or replaces the one of the same country, subdivision, name and day; it is a person's from then on. To take a rule back, set
// the next one, or this one with an end. Fault: Invalid for a value that is not what its unit says, or without a source.
func (s *Service) Set(ctx context.Context, r Row, actor string) error {
	if err := r.check(); err != nil {
		return err
	}
	if r.Name == "" || r.Source == "" || r.Confidence == "" {
		return fault.New(fault.Invalid, "a rule has a name, a source and a confidence")
	}
	if !r.To.IsZero() && !r.To.After(r.From) {
		return fault.Field("effective_to", "must lie after effective_from")
	}
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		tx.Send(`insert into policy_rows (id, country, subdivision, name, value, unit, effective_from, effective_to, source, confidence, verified_at, seeded)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, false)
			on conflict (country, subdivision, name, effective_from) do update set value = excluded.value, unit = excluded.unit,
				effective_to = excluded.effective_to, source = excluded.source, confidence = excluded.confidence,
				verified_at = excluded.verified_at, seeded = false`,
			db.ID(), r.Country, r.Subdivision, r.Name, r.Value, r.Unit, r.From.UnixMicro(), db.Micros(r.To), r.Source, r.Confidence, db.Micros(r.VerifiedAt))
		s.changed(tx)
		return s.need.Audit(tx, audit.Entry{
			Actor: actor, Action: "policy.set", SubjectKind: "policy", Subject: strings.Join([]string{r.Country, r.Subdivision, r.Name}, "/"),
			Detail: map[string]any{"value": r.Value, "unit": r.Unit, "from": r.From, "to": r.To, "source": r.Source},
		})
	})
}

// Rows lists every rule of a country, and those of all countries, newest first within a name; "" lists all there is.
func (s *Service) Rows(tx *db.Tx, country string) ([]Row, error) {
	t, err := s.load(tx)
	if err != nil {
		return nil, err
	}
	var all []Row
	for k, rows := range t.byName {
		if country == "" || k.country == country || k.country == "" {
			all = append(all, rows...)
		}
	}
	slices.SortFunc(all, func(a, b Row) int {
		return strings.Compare(a.Country+"\x00"+a.Subdivision+"\x00"+a.Name+"\x00"+b.From.Format(time.RFC3339),
			b.Country+"\x00"+b.Subdivision+"\x00"+b.Name+"\x00"+a.From.Format(time.RFC3339))
	})
	return all, nil
}

// Value is the row of a name in force at an instant: the subdivision's, else the country's, else that of all countries. Fault: NotFound.
func (s *Service) Value(tx *db.Tx, country, subdivision, name string, at time.Time) (Row, error) {
	t, err := s.load(tx)
	if err != nil {
		return Row{}, err
	}
	r, ok := t.find(country, subdivision, name, at)
	if !ok {
		return r, fault.New(fault.NotFound, "no rule %s is known for %s", name, country)
	}
	return r, nil
}
