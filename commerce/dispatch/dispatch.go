// Package dispatch gets packed parcels out: waybill and label, hand-over, tracking, and the ways a parcel ends. Start at Service.Announce in
// announce.go, then Service.HandOver in handover.go and Service.Scan in scan.go; life.go has the states.
//
// It owns dispatch_shipments, dispatch_lines and shipment_events. Whatever it changes it changes under the lock of the order's row, which is taken
// first. The hand-over is the point of no return: order, stock and fulfillment follow in the same transaction.
package dispatch

import (
	"context"
	"log/slog"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// Needs is what other contexts do for dispatch. app fills it; every field must be set.
type Needs struct {
	DB  *db.DB
	Log *slog.Logger
	// Orders reads orders, locked in key order when asked; one that does not exist is left out.
	Orders func(tx *db.Tx, ids []string, lock bool) (map[string]Order, error)
	// Ship counts units as handed over; fault.Conflict when fewer are open. Unship is its inverse.
	Ship, Unship func(tx *db.Tx, order string, moves []Moved) error
	// Arrive counts units on the way as delivered. Unarrive is its inverse.
	Arrive, Unarrive func(tx *db.Tx, order string, moves []Moved) error
	// Turn counts units on the way as coming back, Keep those coming back as delivered after all, Back as returned; Lose counts units on the way as lost.
	Turn, Keep, Back, Lose func(tx *db.Tx, order string, moves []Moved) error
	// Meta gives what contract events begin with.
	Meta func(tx *db.Tx, orders []string) (map[string]event.Meta, error)
	// Goods tells fulfillment of parcels handed over, and answers the complete units of order lines that went with them. Ungoods is its inverse.
	Goods, Ungoods func(tx *db.Tx, fulfillment string, goods []Good) ([]Moved, error)
	// Waiting reads what of a fulfillment order is packed and not handed over.
	Waiting func(tx *db.Tx, fulfillment string) ([]Good, error)
	// Stock records facts of stock.
	Stock func(tx *db.Tx, ms []stock.Movement) error
	// CashDue is what a courier is to collect for orders: only courier-collected cash that is still due.
	CashDue func(tx *db.Tx, orders []string) (map[string]money.Amount, error)
	// CashStep is the step of a country's cash in minor units; 0 or 1 = none.
	CashStep func(tx *db.Tx, country, currency string) (int64, error)
	// Cash tells payments what became of the cash of parcels.
	Cash func(tx *db.Tx, facts []CashFact) error
	// Returning tells returns of parcels that turned back, came back, were lost, or were delivered after all.
	Returning func(tx *db.Tx, facts []Homecoming) error
	// Choose says for each parcel where waybill and label come from.
	Choose func(tx *db.Tx, wanted []Wanted) ([]Choice, error)
	// Places reads locations by id.
	Places func(tx *db.Tx, ids []string) (map[string]Place, error)
	// SKUs names variants.
	SKUs func(tx *db.Tx, variants []string) (map[string]string, error)
	// Courier opens a courier by name; fault.NotFound when it is not set up. No I/O.
	Courier func(ctx context.Context, name string) (courier.Courier, courier.Kind, error)
	// Parcel fills in what booking needs and only the personal record and the catalog know: addresses, contents, value. The reading is audited.
	Parcel func(ctx context.Context, ask ParcelAsk) (courier.Parcel, error)
	// Seal encrypts label bytes under a key of their own, without I/O; Keep stores the key, Open reads.
	Seal     func(plain []byte, bound string) (privacy.Sealed, error)
	KeepKeys func(tx *db.Tx, sealed []privacy.Sealed) error
	Open     func(tx *db.Tx, key string, box []byte, bound string) ([]byte, error)
	// Audit writes down what people did.
	Audit func(tx *db.Tx, entries ...audit.Entry) error
}

// Order is what dispatch knows of an order.
type Order struct {
	ID       string
	Number   string
	Account  string
	External string
	Country  string
	Currency string
	Zone     string
	State    string
	Stops    []string          // open hold types that stop label and hand-over
	Lines    map[string]string // our line id → the channel's
	SKUs     map[string]string // our line id → SKU
	Goods    map[string]Worth  // our line id → what of it we send
}

// Worth is what a line of an order that we send comes to.
type Worth struct {
	Ordered, Open int64 // units; open ones have not been handed over
	Total         int64 // of all that was ordered, in minor units
}

// Moved names units of an order line that go from one count to another.
type Moved struct {
	LineID   string   `json:"line_id"`
	External string   `json:"external"`
	Quantity int64    `json:"quantity"`
	Units    []string `json:"units,omitempty"`
}

// Good is so many units of stock for an order line in a parcel.
type Good struct {
	LineID   string   `json:"order_line_id"`
	Variant  string   `json:"variant_id"`
	SKU      string   `json:"sku,omitempty"`
	Quantity int64    `json:"quantity"`
	Whole    int64    `json:"line_quantity"` // complete units of the order line that go with this parcel; it stands on the line's first row
	Units    []string `json:"units,omitempty"`
}

// CashFact is what became of a parcel's cash on delivery.
type CashFact struct {
	OrderID    string
	ShipmentID string
	Cash       int64 // what its waybill says, in minor units
	What       string
	At         time.Time
}

// What becomes of cash on delivery. Telling the same twice must be harmless.
const (
	CashCollected = "collected" // the parcel was delivered: presumed from the scans
	CashVoid      = "void"      // it came back or was lost: that part is due no more
	CashDue       = "due"       // its delivery was taken back: its part has not been collected yet
)

// Homecoming is a parcel that did not reach the buyer, or did after it had turned back.
type Homecoming struct {
	ShipmentID string
	OrderID    string
	Account    string
	LocationID string
	State      string // returning, returned, lost, or delivered: after all
	Number     string
	Carrier    string
	Tracking   string
	Reason     string
	At         time.Time
	Lines      []Moved
}

// Wanted asks where waybill and label of a parcel come from.
type Wanted struct {
	Account  string
	External string // the channel's id of the order, or channel.HereID
	Location string
	Country  string // ship-to
	COD      bool
	Parcels  int // of this order at once
}

// Choice answers: the channel gives them, or this courier does.
type Choice struct {
	Theirs  bool
	Courier string
	Service string
}

// Place is a location as parcels name it.
type Place struct{ ID, Code, Name string }

// ParcelAsk says for which shipment the personal record is read, by whom and what for.
type ParcelAsk struct {
	Shipment Shipment
	Purpose  string
	Actor    string
}

// Service is the context's front. Safe for concurrent use.
type Service struct{ need Needs }

// New makes the service.
func New(need Needs) *Service { return &Service{need: need} }

// Where waybill and label come from.
const (
	FromCourier = "courier" // booked with a courier's interface
	ByHand      = "manual"  // a person types carrier and number
	FromChannel = "channel" // the sales channel assigns them
)

// Shipment is one parcel.
type Shipment struct {
	ID          string       `json:"id"`
	Number      string       `json:"number"`
	OrderID     string       `json:"order_id"`
	Fulfillment string       `json:"fulfillment_id"`
	Account     string       `json:"account_id"`
	Location    string       `json:"location_id"`
	Source      string       `json:"source"`
	Courier     string       `json:"courier"` // which interface carries it; manual, channel
	Carrier     string       `json:"carrier"` // who carries it, as the number says
	Service     string       `json:"service,omitempty"`
	Reference   string       `json:"reference"`
	State       string       `json:"state"`
	Tracking    string       `json:"tracking_number"`
	TrackingURL string       `json:"tracking_url,omitempty"`
	External    string       `json:"external_id,omitempty"`
	LabelFormat string       `json:"label_format,omitempty"`
	labelKey    string       // of the sealed label
	Cash        money.Amount `json:"cash_to_collect"`
	WeightG     int64        `json:"weight_g"`
	Packages    []Package    `json:"packages,omitempty"`
	DeliverBy   time.Time    `json:"deliver_by,omitzero"`
	CreatedAt   time.Time    `json:"created_at"`
	IssuedAt    time.Time    `json:"issued_at,omitzero"`
	HandedOver  time.Time    `json:"handed_over_at,omitzero"`
	DeliveredAt time.Time    `json:"delivered_at,omitzero"`
	LastScan    time.Time    `json:"last_scan_at,omitzero"`
	NextTrack   time.Time    `json:"-"`
	Attempts    int64        `json:"attempts"`
	Handovers   int64        `json:"-"`
	Announced   bool         `json:"-"` // ShipmentDelivered has been told
	Cause       string       `json:"cause,omitempty"`
	UpdatedAt   time.Time    `json:"updated_at"`
	Version     int64        `json:"version"`
	Goods       []Good       `json:"lines"`
	Allowed     []string     `json:"allowed,omitempty"`
}

// Package is one parcel in the channel's words.
type Package struct {
	External string   `json:"external_id"`
	Carrier  string   `json:"carrier,omitempty"`
	Tracking string   `json:"tracking_number,omitempty"`
	Units    []string `json:"units,omitempty"`
}

// moves are the complete units of order lines that go with the parcel.
func (sh *Shipment) moves() []Moved {
	var all []Moved
	at := map[string]int{}
	for _, g := range sh.Goods {
		i, known := at[g.LineID]
		if !known {
			i = len(all)
			at[g.LineID] = i
			all = append(all, Moved{LineID: g.LineID})
		}
		all[i].Quantity += g.Whole
		for _, u := range g.Units {
			if !contains(all[i].Units, u) {
				all[i].Units = append(all[i].Units, u)
			}
		}
	}
	whole := all[:0]
	for _, m := range all {
		if m.Quantity > 0 {
			if int64(len(m.Units)) != m.Quantity {
				m.Units = nil
			}
			whole = append(whole, m)
		}
	}
	return whole
}

func (sh *Shipment) event(typ string, at time.Time, body any, contract bool) outbox.Event {
	return outbox.Event{Aggregate: "shipment:" + sh.ID, Partition: "order:" + sh.OrderID, Type: typ, Contract: contract, Account: sh.Account, Order: sh.OrderID, OccurredAt: at, Body: body}
}

// changed writes a move into the history that nobody else follows.
func (sh *Shipment) changed(tx *db.Tx, source string) error {
	return outbox.Append(tx, sh.event(event.ShipmentChanged, tx.Now, event.ShipmentFact{
		ShipmentID: sh.ID, Number: sh.Number, OrderID: sh.OrderID, AccountID: sh.Account,
		FulfillmentID: sh.Fulfillment, LocationID: sh.Location, Courier: sh.Courier, Tracking: sh.Tracking, State: sh.State, Source: source, At: tx.Now,
	}, false))
}

// lock takes the rows of orders, in key order.
func (s *Service) lock(tx *db.Tx, orders ...string) (map[string]Order, error) {
	return s.need.Orders(tx, distinct(orders), true)
}

func noSuch(ref string) error { return fault.New(fault.NotFound, "there is no shipment %q", ref) }
