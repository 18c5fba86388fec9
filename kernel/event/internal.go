package event

import "time"

// Internal event types: facts that contexts tell each other. They never leave the house and may change with it.
const (
	OrderReady    = "order.ready"    // free of blocking holds and something is open: source it
	OrderChanged  = "order.changed"  // open quantities, holds, address or deadlines changed
	OrderHeld     = "order.held"     // a blocking hold came
	OrderImported = "order.imported" // an order arrived (every mode but shadow)

	FulfillmentCreated  = "fulfillment.created"
	FulfillmentPacked   = "fulfillment.packed"
	FulfillmentRejected = "fulfillment.rejected"
	FulfillmentChanged  = "fulfillment.changed" // any other move of its state: the history of what a location did

	ShipmentWanted     = "shipment.wanted"      // the channel is to give waybill and label
	ShipmentHandedOver = "shipment.handed_over" // the point of no return: tell the channel
	ShipmentScanned    = "shipment.scanned"
	ShipmentClosed     = "shipment.closed"  // delivered, returned, lost, called off: order, payment and channel follow
	ShipmentChanged    = "shipment.changed" // refused, outcome unknown, taken back: the history shows it, and a hand-over taken back is not told

	CancelDecided = "order.cancel_decided" // our answer to a buyer's wish to cancel
	ReturnChanged = "return.changed"
	RefundWanted  = "refund.wanted" // an intent to be carried out through the channel or a payment provider
	RefundSettled = "refund.settled"

	AccountAccess = "account.access" // the credentials of an account end soon, were refused, or work again
)

// What AccessChanged.State says.
const (
	AccessEnding   = "ending" // an alarm: nothing renews them before EndsAt
	AccessRefused  = "refused"
	AccessRestored = "restored"
)

// AccessChanged is the body of AccountAccess.
type AccessChanged struct {
	AccountID string    `json:"account_id"`
	Account   string    `json:"account"`
	Channel   string    `json:"channel"`
	State     string    `json:"state"`
	EndsAt    time.Time `json:"ends_at,omitzero"`
	Why       string    `json:"why,omitempty"`
}

// OrderFact is the body of OrderReady, OrderChanged, OrderHeld and OrderImported: what sourcing and the channel need, no personal data.
type OrderFact struct {
	OrderID       string     `json:"order_id"`
	Number        string     `json:"number"`
	AccountID     string     `json:"account_id"`
	Channel       string     `json:"channel"`
	External      string     `json:"external"`
	LegalEntityID string     `json:"legal_entity_id"`
	Country       string     `json:"country"` // ship-to
	Province      string     `json:"province,omitempty"`
	City          string     `json:"city,omitempty"`
	Mode          string     `json:"mode"`
	COD           bool       `json:"cod"`
	ShipBy        *time.Time `json:"ship_by,omitempty"`
	DeliverBy     *time.Time `json:"deliver_by,omitempty"`
	Holds         []string   `json:"holds,omitempty"`
	Lines         []OpenLine `json:"lines"`
	// What changed, for OrderChanged.
	Cancelled []CancelledUnits `json:"cancelled,omitempty"`
	Initiator string           `json:"initiator,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	// Reference is unique for this very change, stable over replays.
	Reference string `json:"reference,omitempty"`
	// FromChannel says that the channel made the change: it need not be told.
	FromChannel bool `json:"from_channel,omitempty"`
	// Whole says that nothing of the order is left.
	Whole bool `json:"whole,omitempty"`
}

// CancelAnswer is the body of CancelDecided.
type CancelAnswer struct {
	OrderID   string `json:"order_id"`
	AccountID string `json:"account_id"`
	External  string `json:"external"`
	Request   string `json:"request"` // the channel's id of the request
	Agree     bool   `json:"agree"`
	Reason    string `json:"reason"`
	Reference string `json:"reference"`
}

// OpenLine is a seller-fulfilled line with units to ship.
type OpenLine struct {
	LineID   string   `json:"line_id"`
	External string   `json:"external"`
	Open     int64    `json:"open"`
	Variant  string   `json:"variant,omitempty"`
	SKU      string   `json:"sku"`
	Title    string   `json:"title"`
	Units    []string `json:"units,omitempty"` // the channel's ids of the open units
	Parts    []Part   `json:"parts,omitempty"` // a kit's parts; empty: the variant itself
}

// Part is a kit's part, for one kit.
type Part struct {
	Variant  string `json:"variant"`
	SKU      string `json:"sku"`
	Title    string `json:"title"`
	Quantity int64  `json:"quantity"`
	Weight   int64  `json:"weight"` // share of the line's money
}

// CancelledUnits is what a change took away.
type CancelledUnits struct {
	LineID   string   `json:"line_id"`
	External string   `json:"external"`
	Quantity int64    `json:"quantity"`
	Units    []string `json:"units,omitempty"`
}

// ShipmentFact is the body of shipment events.
type ShipmentFact struct {
	ShipmentID    string      `json:"shipment_id"`
	Number        string      `json:"number"`
	OrderID       string      `json:"order_id"`
	AccountID     string      `json:"account_id"`
	OrderExternal string      `json:"order_external"`
	FulfillmentID string      `json:"fulfillment_id"`
	LocationID    string      `json:"location_id"`
	Courier       string      `json:"courier"`
	Tracking      string      `json:"tracking"`
	URL           string      `json:"url,omitempty"`
	Packages      []string    `json:"packages,omitempty"` // the channel's package ids
	State         string      `json:"state"`
	Status        string      `json:"status,omitempty"` // of the scan
	Source        string      `json:"source,omitempty"`
	At            time.Time   `json:"at"`
	COD           int64       `json:"cod,omitempty"` // minor units to collect
	Currency      string      `json:"currency,omitempty"`
	Lines         []UnitsMove `json:"lines"`
}

// Renumbered is ShipmentFact.Source of a ShipmentChanged that corrects carrier or tracking number.
const Renumbered = "renumbered"

// UnitsMove is so many units of an order line in a shipment or a return.
type UnitsMove struct {
	LineID   string   `json:"line_id"`
	External string   `json:"external"`
	Quantity int64    `json:"quantity"`
	Units    []string `json:"units,omitempty"`
}

// RefundFact is the body of RefundWanted and RefundSettled.
type RefundFact struct {
	RefundID      string       `json:"refund_id"`
	OrderID       string       `json:"order_id"`
	AccountID     string       `json:"account_id"`
	OrderExternal string       `json:"order_external"`
	PaymentID     string       `json:"payment_id,omitempty"`
	Payment       string       `json:"payment,omitempty"` // the channel's id of the payment
	Provider      string       `json:"provider"`          // "channel", or the payment provider's name
	Reference     string       `json:"reference"`
	Amount        int64        `json:"amount"`
	Shipping      int64        `json:"shipping"`
	Currency      string       `json:"currency"`
	Reason        string       `json:"reason"`
	ReturnID      string       `json:"return_id,omitempty"`
	State         string       `json:"state"`
	Lines         []RefundPart `json:"lines,omitempty"`
}

// RefundPart is the part of a refund that belongs to a line.
type RefundPart struct {
	LineID   string   `json:"line_id"`
	External string   `json:"external"`
	Quantity int64    `json:"quantity"`
	Amount   int64    `json:"amount"`
	Restock  string   `json:"restock"` // none, cancel, return
	Units    []string `json:"units,omitempty"`
}

// ReturnFact is the body of ReturnChanged.
type ReturnFact struct {
	ReturnID      string      `json:"return_id"`
	Number        string      `json:"number"`
	OrderID       string      `json:"order_id"`
	AccountID     string      `json:"account_id"`
	OrderExternal string      `json:"order_external"`
	External      string      `json:"external,omitempty"`
	Kind          string      `json:"kind"`
	What          string      `json:"what"` // requested, approved, declined, sent_back, received, inspected, refunded, refused, withdrawn, closed, …
	Reason        string      `json:"reason,omitempty"`
	Lines         []UnitsMove `json:"lines"`
	// Refunds are what goes back for each line, minor units of Currency by our line id; only of "refunded".
	Refunds  map[string]int64 `json:"refunds,omitempty"`
	Currency string           `json:"currency,omitempty"`
	// FromChannel says that the channel decided it: it need not be told.
	FromChannel bool `json:"from_channel,omitempty"`
	// Shown is our reference of a return that began here and that the channel is shown, since no refund will tell it of the goods; "" of all others.
	Shown string `json:"shown,omitempty"`
}
