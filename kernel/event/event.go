// Package event has the integration contracts: the eight events that leave the house, each a frozen Go struct. Start at Meta, then V1.
//
// Schemas are generated from these structs (docs/events). A version's struct is frozen by goldens: new fields are optional, anything else is a new type beside the old.
// No field carries personal data.
package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/money"
)

// Type names of the contracts.
const (
	OrderCreated      = "OrderCreated"
	OrderPaid         = "OrderPaid"
	OrderCancelled    = "OrderCancelled"
	ShipmentCreated   = "ShipmentCreated"
	ShipmentDelivered = "ShipmentDelivered"
	ReturnRequested   = "ReturnRequested"
	ReturnApproved    = "ReturnApproved"
	RefundIssued      = "RefundIssued"
)

// Contracts lists the types in the order in which an order usually lives them.
var Contracts = []string{OrderCreated, OrderPaid, OrderCancelled, ShipmentCreated, ShipmentDelivered, ReturnRequested, ReturnApproved, RefundIssued}

// Meta is what every contract carries.
type Meta struct {
	SchemaVersion   int       `json:"schema_version" doc:"Version of this event's schema" minimum:"1"`
	IdempotencyKey  string    `json:"idempotency_key" doc:"Derived from what happened: a replay makes the same key" minLength:"16"`
	Channel         string    `json:"channel" doc:"Kind of sales channel, for example shopify" minLength:"1"`
	AccountID       string    `json:"account_id" doc:"The channel account, our id" minLength:"1"`
	OrderID         string    `json:"order_id" doc:"The order, our id" minLength:"1"`
	OrderNumber     string    `json:"order_number" doc:"The order number people use" minLength:"1"`
	ExternalOrderID string    `json:"external_order_id" doc:"The channel's order id" minLength:"1"`
	ExternalNumber  string    `json:"external_number,omitempty" doc:"The order number the buyer knows from the channel"`
	LegalEntityID   string    `json:"legal_entity_id" doc:"The company that sells, our id" minLength:"1"`
	Country         string    `json:"country" doc:"ISO 3166-1 alpha-2, where the sale is made" pattern:"^[A-Z]{2}$"`
	Currency        string    `json:"currency" doc:"ISO 4217, the currency of the order" pattern:"^[A-Z]{3}$"`
	TaxMode         string    `json:"tax_mode" doc:"Whether prices contain the tax" enum:"inclusive,exclusive,none"`
	OccurredAt      time.Time `json:"occurred_at" doc:"When it happened, UTC"`
	OccurredLocal   string    `json:"occurred_local" doc:"The same instant in the zone, RFC 3339 with offset" format:"date-time"`
	Zone            string    `json:"zone" doc:"IANA time zone of the account" minLength:"1"`
	BusinessDate    string    `json:"business_date" doc:"The posting unit's business day" format:"date"`
}

// At fills the three forms of the moment.
func (m *Meta) At(t time.Time, zone *time.Location) {
	m.OccurredAt = t.UTC().Truncate(time.Microsecond)
	m.OccurredLocal = m.OccurredAt.In(zone).Format(time.RFC3339)
	m.Zone = zone.String()
}

// Line is one order line in an event.
type Line struct {
	LineID       string       `json:"line_id" doc:"The order line, our id"`
	ExternalID   string       `json:"external_id" doc:"The channel's line id"`
	SKU          string       `json:"sku,omitempty" doc:"Our SKU; absent while the listing is not mapped"`
	Title        string       `json:"title" doc:"What the line is called"`
	Quantity     int64        `json:"quantity" doc:"Units" minimum:"1"`
	UnitPrice    money.Amount `json:"unit_price" doc:"Of one, before discounts, in the tax mode"`
	Discount     money.Amount `json:"discount" doc:"For the whole line"`
	Tax          money.Amount `json:"tax" doc:"For the whole line"`
	TaxByChannel money.Amount `json:"tax_by_channel" doc:"Part of tax that the channel remits"`
	Total        money.Amount `json:"total" doc:"What the buyer pays for the line"`
	FulfilledBy  string       `json:"fulfilled_by" doc:"Who ships it" enum:"seller,channel"`
}

// Hold says why an order waits.
type Hold struct {
	Type   string `json:"type" doc:"Kind of hold"`
	Detail string `json:"detail,omitempty" doc:"What it waits for"`
}

// OrderCreatedV1 says that an order exists here. Holds says what it still waits for.
type OrderCreatedV1 struct {
	Meta
	PlacedAt        time.Time    `json:"placed_at" doc:"When the buyer placed it, UTC"`
	Money           string       `json:"money" doc:"How much of the money the channel has told" enum:"complete,partial,absent"`
	Lines           []Line       `json:"lines" doc:"What it is about"`
	Charges         money.Amount `json:"charges" doc:"Shipping, duties, fees, tips"`
	Discount        money.Amount `json:"discount" doc:"All discounts, whoever pays them"`
	DiscountChannel money.Amount `json:"discount_by_channel" doc:"Part of discount that the channel pays"`
	Tax             money.Amount `json:"tax" doc:"All taxes, whoever remits them"`
	TaxChannel      money.Amount `json:"tax_by_channel" doc:"Part of tax that the channel remits"`
	Rounding        money.Amount `json:"rounding" doc:"Cash rounding and the explicit rounding line"`
	Total           money.Amount `json:"total" doc:"What the buyer pays"`
	Owed            money.Amount `json:"owed_to_seller" doc:"Total plus channel-funded discounts less channel-remitted tax"`
	CashOnDelivery  bool         `json:"cash_on_delivery" doc:"The buyer pays at the door"`
	Holds           []Hold       `json:"holds" doc:"What it still waits for; empty when it is free to go"`
	ShipBy          *time.Time   `json:"ship_by,omitempty" doc:"Hand-over deadline, UTC"`
	DeliverBy       *time.Time   `json:"deliver_by,omitempty" doc:"Delivery deadline, UTC"`
	ShipToCountry   string       `json:"ship_to_country,omitempty" doc:"ISO 3166-1 alpha-2" pattern:"^[A-Z]{2}$"`
	ShipToProvince  string       `json:"ship_to_province,omitempty" doc:"Province, as the address says"`
	ShipToCity      string       `json:"ship_to_city,omitempty" doc:"City, as the address says"`
}

// OrderPaidV1 says that the order is paid, or, for cash on delivery, that the cash is confirmed or presumed: Basis says which.
type OrderPaidV1 struct {
	Meta
	Amount   money.Amount `json:"amount" doc:"Captured so far"`
	Method   string       `json:"method" doc:"How the money goes: card, wallet, bank, gift_card, cod or other"`
	Basis    string       `json:"basis" doc:"What the statement rests on" enum:"captured,cod_presumed,cod_confirmed"`
	Payments []string     `json:"payment_ids" doc:"The channel's ids of the payments"`
}

// CancelledLine is so many units of a line.
type CancelledLine struct {
	LineID     string `json:"line_id" doc:"The order line, our id"`
	ExternalID string `json:"external_id" doc:"The channel's line id"`
	SKU        string `json:"sku,omitempty" doc:"Our SKU"`
	Quantity   int64  `json:"quantity" doc:"Units" minimum:"1"`
}

// OrderCancelledV1 says that all of the order, or some units, will not be delivered.
type OrderCancelledV1 struct {
	Meta
	Scope     string          `json:"scope" doc:"All of the order, or the lines listed" enum:"whole,lines"`
	Initiator string          `json:"initiator" doc:"Who cancelled" enum:"buyer,seller,channel,system"`
	Reason    string          `json:"reason" doc:"Why, in words or as a code"`
	Lines     []CancelledLine `json:"lines" doc:"What it is about"`
	Amount    money.Amount    `json:"amount" doc:"What the cancelled units were to cost the buyer"`
}

// ShippedLine is so many units in a parcel.
type ShippedLine struct {
	LineID     string `json:"line_id" doc:"The order line, our id"`
	ExternalID string `json:"external_id" doc:"The channel's line id"`
	SKU        string `json:"sku" doc:"Our SKU"`
	Quantity   int64  `json:"quantity" doc:"Units" minimum:"1"`
}

// ShipmentCreatedV1 says that a waybill was issued; hand-over follows.
type ShipmentCreatedV1 struct {
	Meta
	ShipmentID     string        `json:"shipment_id" doc:"The shipment, our id"`
	ShipmentNumber string        `json:"shipment_number" doc:"The shipment number people use"`
	ExternalID     string        `json:"external_shipment_id,omitempty" doc:"The channel's id of the shipment"`
	LocationID     string        `json:"location_id" doc:"Where it leaves from, our id"`
	Location       string        `json:"location" doc:"Code of the place it leaves from"`
	Courier        string        `json:"courier" doc:"Who carries it"`
	Tracking       string        `json:"tracking_number" doc:"Tracking number on the waybill"`
	TrackingURL    string        `json:"tracking_url,omitempty" doc:"Where to follow the parcel"`
	CashToCollect  *money.Amount `json:"cash_to_collect,omitempty" doc:"Cash on this waybill; absent when there is none"`
	Lines          []ShippedLine `json:"lines" doc:"What it is about"`
}

// ShipmentDeliveredV1 says that the parcel reached the buyer.
type ShipmentDeliveredV1 struct {
	Meta
	ShipmentID     string        `json:"shipment_id" doc:"The shipment, our id"`
	ShipmentNumber string        `json:"shipment_number" doc:"The shipment number people use"`
	ExternalID     string        `json:"external_shipment_id,omitempty" doc:"The channel's id of the shipment"`
	Courier        string        `json:"courier" doc:"Who carries it"`
	Tracking       string        `json:"tracking_number" doc:"Tracking number on the waybill"`
	DeliveredAt    time.Time     `json:"delivered_at" doc:"When it was delivered, UTC"`
	Source         string        `json:"source" doc:"Who said so" enum:"courier,channel,person"`
	Lines          []ShippedLine `json:"lines" doc:"What it is about"`
}

// ReturnedLine is so many units of a return.
type ReturnedLine struct {
	LineID     string `json:"line_id" doc:"The order line, our id"`
	ExternalID string `json:"external_id" doc:"The channel's line id"`
	SKU        string `json:"sku,omitempty" doc:"Our SKU"`
	Quantity   int64  `json:"quantity" doc:"Units" minimum:"1"`
	Reason     string `json:"reason,omitempty" doc:"Why, in words or as a code"`
}

// ReturnRequestedV1 says that somebody wants to give goods or claim money back.
type ReturnRequestedV1 struct {
	Meta
	ReturnID         string         `json:"return_id" doc:"The return, our id"`
	ReturnNumber     string         `json:"return_number" doc:"The return number people use"`
	ExternalReturnID string         `json:"external_return_id,omitempty" doc:"The channel's id of the return"`
	Kind             string         `json:"kind" doc:"What is asked for" enum:"return,exchange,refund_only,return_to_origin,claim"`
	RequestedBy      string         `json:"requested_by" doc:"Who asks" enum:"buyer,seller,channel,courier"`
	Lines            []ReturnedLine `json:"lines" doc:"What it is about"`
}

// ReturnApprovedV1 says that the return may come, or for a refund without return, that the money may go.
type ReturnApprovedV1 struct {
	Meta
	ReturnID         string         `json:"return_id" doc:"The return, our id"`
	ReturnNumber     string         `json:"return_number" doc:"The return number people use"`
	ExternalReturnID string         `json:"external_return_id,omitempty" doc:"The channel's id of the return"`
	Kind             string         `json:"kind" doc:"What is asked for" enum:"return,exchange,refund_only,return_to_origin,claim"`
	Lines            []ReturnedLine `json:"lines" doc:"What it is about"`
	RefundDue        money.Amount   `json:"refund_due" doc:"What will be given back"`
}

// RefundIssuedV1 says that money went back, by us or as the channel reported.
type RefundIssuedV1 struct {
	Meta
	RefundID         string         `json:"refund_id" doc:"The refund, our id"`
	ExternalRefundID string         `json:"external_refund_id,omitempty" doc:"The channel's id of the refund"`
	ReturnID         string         `json:"return_id,omitempty" doc:"The return, our id"`
	Amount           money.Amount   `json:"amount" doc:"What was given back"`
	Method           string         `json:"method" doc:"How the money goes: card, wallet, bank, gift_card, cod or other"`
	Origin           string         `json:"origin" doc:"Who issued it" enum:"seller,channel"`
	Reason           string         `json:"reason,omitempty" doc:"Why, in words or as a code"`
	Lines            []ReturnedLine `json:"lines" doc:"What it is about"`
}

// Key derives the idempotency key from what happened: the same facts give the same key on every replay.
func Key(typ string, facts ...string) string {
	h := sha256.New()
	h.Write([]byte(typ))
	for _, f := range facts {
		h.Write([]byte{0})
		h.Write([]byte(f))
	}
	return strings.ToLower(typ) + "-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// Kinds gives an empty struct of each contract's current version, for schema generation and decoding.
func Kinds() map[string]any {
	return map[string]any{
		OrderCreated: &OrderCreatedV1{}, OrderPaid: &OrderPaidV1{}, OrderCancelled: &OrderCancelledV1{},
		ShipmentCreated: &ShipmentCreatedV1{}, ShipmentDelivered: &ShipmentDeliveredV1{},
		ReturnRequested: &ReturnRequestedV1{}, ReturnApproved: &ReturnApprovedV1{}, RefundIssued: &RefundIssuedV1{},
	}
}
