// Package policy is what differs between countries, as dated data with source and confidence: tax, rounding, cash, calendar, addresses,
// return rights. It also keeps the legal entities and hands out order numbers. Start at Service.Rules; the data is data/policy.csv.
//
// It owns legal_entities, policy_rows, policy_version and number_blocks. No legal constant is in code.
package policy

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Needs is what policy needs of others. app fills it; every field must be set.
type Needs struct {
	DB *db.DB
	// Audit writes down what people did.
	Audit func(tx *db.Tx, entries ...audit.Entry) error
}

// Service is the context's front. Safe for concurrent use.
type Service struct {
	need Needs

	mu       sync.Mutex
	rows     *table
	programs sync.Map // text of an expression → compiled
}

// New makes the service. Call Seed once at start.
func New(need Needs) *Service { return &Service{need: need} }

// lookAgain is how long the rows in memory are used before their version is compared: another process may have changed them.
const lookAgain = 5 * time.Second

// table is all rows, in memory.
type table struct {
	version int64
	checked time.Time
	*book
}

// book are rows, and what was worked out of them. It does not change, except that it remembers.
type book struct {
	byName map[key][]Row      // newest first
	turns  []time.Time        // instants at which a row begins or ends to be in force, in order
	places map[[2]string]bool // countries, and their parts, of which something is written down
	known  sync.Map           // spell to Rules
}

// spell is a time in which nothing changes, in a place.
type spell struct {
	country, subdivision string
	turn                 int
}

// key is what a rule is asked by.
type key struct{ country, subdivision, name string }

// load gives the rows, read again when they have changed.
func (s *Service) load(tx *db.Tx) (*table, error) {
	have, fresh := s.held(tx.Now)
	if fresh {
		return have, nil
	}
	version, err := db.One(tx, func(row db.Scanner) (n int64, err error) { return n, row.Scan(&n) },
		`select version from policy_version where name = 'policy'`)
	if err != nil {
		return nil, err
	}
	next := &table{version: version, checked: tx.Now}
	if have != nil && have.version == version {
		next.book = have.book
	} else if next.book, err = readRows(tx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.rows = next
	s.mu.Unlock()
	return next, nil
}

// held are the rows in memory, if any, and whether they may be used without comparing their version.
func (s *Service) held(now time.Time) (have *table, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows, s.rows != nil && !now.Before(s.rows.checked) && now.Sub(s.rows.checked) < lookAgain
}

// forget has the rows read again.
func (s *Service) forget() {
	s.mu.Lock()
	s.rows = nil
	s.mu.Unlock()
}

func readRows(tx *db.Tx) (*book, error) {
	all, err := db.All(tx, scanRow, `select `+rowColumns+` from policy_rows order by effective_from desc, id desc`)
	if err != nil {
		return nil, err
	}
	b := &book{byName: map[key][]Row{}, places: map[[2]string]bool{}}
	for _, r := range all {
		k := key{r.Country, r.Subdivision, r.Name}
		b.byName[k] = append(b.byName[k], r)
		b.places[[2]string{r.Country, r.Subdivision}] = true
		b.turns = append(b.turns, r.From)
		if !r.To.IsZero() {
			b.turns = append(b.turns, r.To)
		}
	}
	slices.SortFunc(b.turns, time.Time.Compare)
	b.turns = slices.CompactFunc(b.turns, time.Time.Equal)
	return b, nil
}

// spell is the one an instant lies in. Places of which nothing is written down share one, however many their names.
func (b *book) spell(country, subdivision string, at time.Time) spell {
	if !b.places[[2]string{country, subdivision}] {
		subdivision = ""
	}
	if !b.places[[2]string{country, ""}] && subdivision == "" {
		country = ""
	}
	turn, begins := slices.BinarySearchFunc(b.turns, at, time.Time.Compare)
	if begins {
		turn++
	}
	return spell{country, subdivision, turn}
}

// find is the row in force: of the subdivision, else of the country, else of all countries.
func (b *book) find(country, subdivision, name string, at time.Time) (Row, bool) {
	for _, k := range [...]key{{country, subdivision, name}, {country, "", name}, {"", "", name}} {
		for _, r := range b.byName[k] {
			if r.inForce(at) {
				return r, true
			}
		}
	}
	return Row{}, false
}

// changed counts the version up and forgets what is in memory, now and when the transaction has committed.
func (s *Service) changed(tx *db.Tx) {
	tx.Send(`update policy_version set version = version + 1 where name = 'policy'`)
	s.forget()
	tx.AfterCommit(s.forget)
}

// read runs fn in a transaction of its own, for those who have none.
func (s *Service) read(ctx context.Context, fn func(tx *db.Tx) error) error {
	return s.need.DB.Read(ctx, fn)
}
