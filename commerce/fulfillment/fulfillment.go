// Package fulfillment turns ready orders into work at a location: sourcing, picking, packing, and the way back of each step.
// Start at Service.Sourcer in source.go, then the entry points in act.go, pick.go and pack.go; life.go has the states.
//
// It owns fulfillment_orders, fulfillment_lines and fulfillment_scans. Whatever it changes it changes under the lock of the order's row, which is
// taken first: it needs no lock of its own. A fulfillment line counts units of stock; a kit is a line per part, and counts only in complete sets.
package fulfillment

import (
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Needs is what other contexts do for fulfillment. app fills it; every field must be set.
type Needs struct {
	DB *db.DB
	// Orders reads orders, locked in key order when asked; one that does not exist is left out.
	Orders func(tx *db.Tx, ids []string, lock bool) (map[string]Order, error)
	// Lines reads the lines of orders that the seller fulfils and ships, those with nothing open included.
	Lines func(tx *db.Tx, orders []string) (map[string][]event.OpenLine, error)
	// Grants reads the open reservations of orders.
	Grants func(tx *db.Tx, orders []string) ([]stock.Grant, error)
	// Free counts, per variant and location, the units that an order already sold could still take.
	Free func(tx *db.Tx, variants []string) (map[Spot]int64, error)
	// Shift moves reservations between locations, all or none; fault.Conflict when there is not enough.
	Shift func(tx *db.Tx, reqs []Shift) error
	// Change gives reservations back and takes others in one step; what is not there becomes a shortage.
	Change func(tx *db.Tx, gone []Gone, ds []stock.Demand) (stock.Outcome, error)
	// Review has orders look again at whether they are short, after reservations changed.
	Review func(tx *db.Tx, orders []string) error
	// Adjust records facts of stock.
	Adjust func(tx *db.Tx, ms []stock.Movement) error
	// Miss records goods that are not on the shelf: no more than the books say lies there.
	Miss func(tx *db.Tx, all []Missed) error
	// Rank lists, per route, the locations that may fulfil it, best first.
	Rank func(tx *db.Tx, routes []Route) ([][]Place, error)
	// Variants finds variants by SKU or GTIN; unknown ones are left out.
	Variants func(tx *db.Tx, codes []string) (map[string]string, error)
	// Shelves says where variants lie at a location; one that lies nowhere in particular is left out. nil: nobody knows.
	Shelves func(tx *db.Tx, location string, variants []string) (map[string]string, error)
	// Parcels announces packed parcels to dispatch and answers their shipments, at the same index.
	Parcels func(tx *db.Tx, ps []Parcel) ([]string, error)
	// StopShipments calls as many shipments of a fulfillment order off as it takes to free these goods (none = all of them), and says what was in
	// them. fault.Conflict when they have been handed over.
	StopShipments func(tx *db.Tx, fulfillment string, goods []Packed, reason string) ([]Packed, error)
	// Audit writes down what people did.
	Audit func(tx *db.Tx, entries ...audit.Entry) error
}

// Order is what fulfillment knows of an order.
type Order struct {
	ID          string
	Number      string
	Account     string
	Channel     string
	External    string
	LegalEntity string
	Country     string // ship-to
	Province    string
	City        string
	Effective   bool     // it is fulfilled here
	Held        bool     // a hold keeps it from being sourced
	Stops       []string // open hold types that also stop labels and hand-over
	COD         bool
	Rank        int64 // who keeps stock when a fact takes it away
	ShipBy      time.Time
	DeliverBy   time.Time
	Version     int64
}

// Spot is a variant at a location.
type Spot struct{ Variant, Location string }

// Missed is units that nobody finds: what was looked for, with a negative Delta, and how many units of the variant are at the location and not on a shelf.
type Missed struct {
	stock.Movement
	InHand int64 // picked and not sent yet
}

// Shift moves so much of a line's reservation from one location to another.
type Shift struct {
	LineID, Variant, From, To string
	Quantity                  int64
}

// Gone gives back so much of a line's reservation at a location.
type Gone struct {
	LineID, Variant, Location string
	Quantity                  int64
}

// Route is where an order comes from and goes to.
type Route struct {
	LegalEntity, Account, Country, Province, City string
}

// Place is a location as sourcing sees it.
type Place struct {
	ID          string `json:"location_id"`
	Code        string `json:"code"`
	Name        string `json:"name,omitempty"`
	Country     string `json:"country"`
	LegalEntity string `json:"legal_entity_id"`
	Priority    int64  `json:"priority"`
	SameCountry bool   `json:"same_country"`
	SameCity    bool   `json:"same_city"`
}

// Parcel is one packed parcel on its way to dispatch.
type Parcel struct {
	OrderID       string
	FulfillmentID string
	Account       string
	LocationID    string
	Number        string // of the order
	WeightG       int64
	DeliverBy     time.Time
	Lines         []Packed
}

// Packed is so many units of a fulfillment line in a parcel.
type Packed struct {
	LineID   string // the order's line
	Variant  string
	Quantity int64
	Whole    int64    // complete units of the order line that the parcel alone makes
	Units    []string // the channel's ids
}

// Service is the context's front. Safe for concurrent use.
type Service struct{ need Needs }

// New makes the service.
func New(need Needs) *Service { return &Service{need: need} }

// FO is a fulfillment order: what one location is to do for one order.
type FO struct {
	ID          string    `json:"id"`
	OrderID     string    `json:"order_id"`
	Number      string    `json:"number"`
	Account     string    `json:"account_id"`
	Location    string    `json:"location_id"`
	LegalEntity string    `json:"legal_entity_id"`
	Country     string    `json:"country"` // ship-to
	State       string    `json:"state"`
	HeldReason  string    `json:"held_reason,omitempty"`
	HeldFrom    string    `json:"held_from,omitempty"`
	ShipBy      time.Time `json:"ship_by,omitzero"`
	DeliverBy   time.Time `json:"deliver_by,omitzero"`
	COD         bool      `json:"cash_on_delivery"`
	Decision    Decision  `json:"decision"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	PickedAt    time.Time `json:"picked_at,omitzero"`
	PackedAt    time.Time `json:"packed_at,omitzero"`
	HandedOver  time.Time `json:"handed_over_at,omitzero"`
	Version     int64     `json:"version"`
	Lines       []Line    `json:"lines"`
	Allowed     []string  `json:"allowed,omitempty"` // what can be done now

	was, by string // the state as read, and who changes it
}

// Line is units of stock to pick for an order line. quantity ≥ picked ≥ packed ≥ shipped; short units were taken out of quantity.
type Line struct {
	ID       string   `json:"id"`
	FO       string   `json:"-"`
	LineID   string   `json:"order_line_id"`
	Variant  string   `json:"variant_id"`
	SKU      string   `json:"sku"`
	Title    string   `json:"title"`
	Quantity int64    `json:"quantity"`
	Picked   int64    `json:"picked"`
	Short    int64    `json:"short"`
	Packed   int64    `json:"packed"`
	Shipped  int64    `json:"shipped"`
	PerLine  int64    `json:"per_line"` // units of stock in one unit of the order line
	Units    []string `json:"units,omitempty"`
}

// Fact is the body of this context's events.
type Fact struct {
	FulfillmentID string     `json:"fulfillment_id"`
	Number        string     `json:"number"`
	OrderID       string     `json:"order_id"`
	AccountID     string     `json:"account_id"`
	LocationID    string     `json:"location_id"`
	State         string     `json:"state"`
	From          string     `json:"from,omitempty"` // the state before
	Reason        string     `json:"reason,omitempty"`
	Actor         string     `json:"actor,omitempty"`
	Shipments     []string   `json:"shipments,omitempty"`
	Lines         []FactLine `json:"lines"`
}

// FactLine is so many units of stock for an order line.
type FactLine struct {
	LineID   string `json:"line_id"`
	Variant  string `json:"variant"`
	Quantity int64  `json:"quantity"`
}

func (f *FO) event(typ string, now time.Time, fact Fact) outbox.Event {
	fact.FulfillmentID, fact.Number, fact.OrderID, fact.AccountID, fact.LocationID, fact.State = f.ID, f.Number, f.OrderID, f.Account, f.Location, f.State
	return outbox.Event{Aggregate: "fulfillment:" + f.ID, Partition: "order:" + f.OrderID, Type: typ, Account: f.Account, Order: f.OrderID, OccurredAt: now, Body: fact}
}

func (f *FO) line(id string) *Line {
	for i := range f.Lines {
		if f.Lines[i].ID == id {
			return &f.Lines[i]
		}
	}
	return nil
}

func (f *FO) act(action, actor string, detail any) audit.Entry {
	return audit.Entry{Actor: actor, Action: "fulfillment." + action, SubjectKind: "fulfillment", Subject: f.ID, Detail: detail}
}

// lock takes the rows of orders, in key order, before anything that hangs on them is read to decide.
func (s *Service) lock(tx *db.Tx, orders ...string) (map[string]Order, error) {
	return s.need.Orders(tx, distinct(orders), true)
}

func noSuch(ref string) error {
	return fault.New(fault.NotFound, "there is no fulfillment order %q", ref)
}
