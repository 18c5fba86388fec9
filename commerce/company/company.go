// Package company keeps our places, range, stock and prices in step with the POS core: branches and warehouses come from it, and what happens at its tills is a fact here.
// Start at Service.Sync in sync.go; unit.go has how an org unit becomes a location, goods.go how stock follows, price.go how prices do.
//
// It owns org_units, core_reads and core_documents. A core's lists may show the newest rows only, so what is absent is gone only where a list says that it is complete, stock
// is taken once and then follows movements, and when these cannot be followed without a gap the stock is stale and says so. Everything may be repeated.
package company

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/pos"
)

// Needs is what other contexts do for the company. app fills it; every field must be set.
type Needs struct {
	DB    *db.DB
	Audit func(tx *db.Tx, entries ...audit.Entry) error
	// Core opens the POS core.
	Core func(ctx context.Context) (pos.Core, error)
	Name string // of the core
	// Own says that the core is our own tables: places, stock and prices are there already.
	Own bool
	// PriceList is the core's list that our prices follow; "" = none.
	PriceList string
	// Countries says where places of a country belong, and by which clock they live. One where that cannot be told has a Problem.
	Countries func(tx *db.Tx, countries []string) (map[string]Country, error)
	// Places reads locations by code; SavePlaces adds and changes them and answers their ids at the same index.
	Places     func(tx *db.Tx, codes []string) (map[string]Place, error)
	SavePlaces func(tx *db.Tx, all []Place) ([]string, error)
	// Variants finds variants by SKU, unknown ones are left out; SaveProducts adds products.
	Variants     func(tx *db.Tx, skus []string) (map[string]string, error)
	SaveProducts func(tx *db.Tx, all []Product) error
	// Stocked says at which of these places a variant's stock has been taken.
	Stocked func(tx *db.Tx, at []Spot) (map[Spot]bool, error)
	// Move records stock facts, each once; Count sets what is on hand.
	Move  func(tx *db.Tx, ms []stock.Movement) error
	Count func(tx *db.Tx, all []Counted) error
	// SavePrices adds prices, each once.
	SavePrices func(tx *db.Tx, all []Price) error
}

// Country is what the places of one country have in common.
type Country struct {
	LegalEntity string
	Zone        string // IANA
	Problem     string // why a place there cannot be kept; "" when it can
}

// Place is a location as the core knows it.
type Place struct {
	ID, Code, Name, Kind       string // Kind is branch or warehouse
	LegalEntity, Country, Zone string
	Active                     bool
}

// Product is a SKU that the core has and we did not know.
type Product struct{ SKU, Title, UOM string }

// Spot is a variant at a location.
type Spot struct{ Variant, Location string }

// Counted is what the core says is on hand.
type Counted struct {
	Spot
	Quantity  int64
	Reference string
	Actor     string
}

// Price is a price of the core's list. To is the first instant at which it is no longer valid; zero = open.
type Price struct {
	Country, Currency, Variant string
	Amount                     int64
	From, To                   time.Time
}

// Service is the context's front. Safe for concurrent use.
type Service struct{ need Needs }

// New makes the service.
func New(need Needs) *Service { return &Service{need} }

// The lists of a core that are read.
const (
	ListUnits  = "units"
	ListStock  = "stock"
	ListPrices = "prices"
)

// Unit is an org unit as it was last seen.
type Unit struct {
	ID       string       `json:"id"`
	Type     pos.UnitType `json:"unit_type"`
	Code     string       `json:"code"`
	Name     string       `json:"name"`
	Parent   string       `json:"parent_id,omitempty"`
	Country  string       `json:"country,omitempty"`
	Currency string       `json:"currency,omitempty"`
	Active   bool         `json:"active"`
	Location string       `json:"location_id,omitempty"` // ours; branches and warehouses have one
	Problem  string       `json:"problem,omitempty"`     // why it has none
	SeenAt   time.Time    `json:"seen_at"`
	GoneAt   time.Time    `json:"gone_at,omitzero"` // when a complete list no longer showed it
}

// Reading is how far a list of the core was read.
type Reading struct {
	List     string        `json:"list"` // units, stock, prices
	Complete bool          `json:"complete"`
	Shown    int64         `json:"rows_shown"`
	Problems []pos.Problem `json:"problems"`
	ReadAt   time.Time     `json:"read_at,omitzero"`
	StaleAt  time.Time     `json:"stale_since,omitzero"` // movements were lost: load the stock anew
	FailedAt time.Time     `json:"failed_at,omitzero"`   // the core could not be read; what was read before stands
	Cause    string        `json:"cause,omitempty"`

	mark    pos.Mark
	seen    []string
	version int64
}

// State is everything that is known of the core.
type State struct {
	Core     string    `json:"core"`
	Readings []Reading `json:"readings"`
	Units    []Unit    `json:"units"`
}

// Show reads what is known of the core, without asking it.
func (s *Service) Show(tx *db.Tx) (State, error) {
	st := State{Core: s.need.Name, Readings: []Reading{}, Units: []Unit{}}
	units, err := s.units(tx)
	if err != nil {
		return st, err
	}
	st.Units = append(st.Units, units...)
	all, err := s.readings(tx)
	for _, list := range []string{ListUnits, ListStock, ListPrices} {
		if r, ok := all[list]; ok {
			st.Readings = append(st.Readings, r)
		}
	}
	return st, err
}

// Keep writes a posted document of the built-in core once. When its id is taken, it answers what is there and changes nothing: pos.Store.
func (s *Service) Keep(ctx context.Context, d pos.Document) (there *pos.Document, err error) {
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		there = nil
		n, err := tx.Exec(`insert into core_documents (id, kind, body, at) values ($1, $2, $3, $4) on conflict do nothing`, d.ID, d.Kind, string(d.Body), db.Micros(tx.Now))
		if err != nil || n == 1 {
			return err
		}
		old, err := db.One(tx, func(row db.Scanner) (pos.Document, error) {
			o := pos.Document{ID: d.ID}
			var body string
			err := row.Scan(&o.Kind, &body)
			o.Body = []byte(body)
			return o, err
		}, `select kind, body from core_documents where id = $1`, d.ID)
		there = &old
		return err
	})
	return there, err
}

// raced says that another process read the core at the same time and was first: its reading stands.
func raced() error {
	return fault.New(fault.Conflict, "the POS core is being read by somebody else just now").WithCode("raced")
}
