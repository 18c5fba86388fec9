package channel

import (
	"encoding/json"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// OwnOrder is the document that our own web shop writes when a buyer places an order, and anew when the order changes there. The checkout writes it,
// channel/ownsite reads it; it stands here because neither may know the other. Its JSON is stored as a raw like any partner's: a field is added, never renamed.
type OwnOrder struct {
	Schema     int       `json:"schema"` // 1
	ID         string    `json:"id"`     // the checkout's id: the external id of the order
	Number     string    `json:"number,omitempty"`
	Storefront string    `json:"storefront"`
	PlacedAt   time.Time `json:"placed_at"`
	UpdatedAt  time.Time `json:"updated_at"` // the version
	// Status is placed, unpaid (waits for an online payment), held or cancelled.
	Status      string     `json:"status"`
	CancelledAt *time.Time `json:"cancelled_at,omitempty"`
	Test        bool       `json:"test,omitempty"`

	Country  string  `json:"country"` // ISO 3166-1, place of supply
	Language string  `json:"language,omitempty"`
	Currency string  `json:"currency"`
	TaxMode  TaxMode `json:"tax_mode"`

	Lines    []OwnLine    `json:"lines"`
	Charges  []OwnCharge  `json:"charges,omitempty"`
	Rounding money.Amount `json:"rounding"` // cash rounding, added to the sum; null when there is none
	Total    money.Amount `json:"total"`
	Payments []OwnPayment `json:"payments"`

	Buyer     OwnPerson   `json:"buyer"`
	ShipTo    OwnAddress  `json:"ship_to"`
	BillTo    *OwnAddress `json:"bill_to,omitempty"` // the same as ShipTo when absent
	Note      string      `json:"note,omitempty"`
	DeliverBy *time.Time  `json:"deliver_by,omitempty"` // what the buyer was promised
	Hold      string      `json:"hold,omitempty"`       // the soft hold of the checkout
}

// OwnLine is one line of the cart. Discounts and taxes are for the whole line.
type OwnLine struct {
	ID        string        `json:"id"`
	Variant   string        `json:"variant,omitempty"` // our variant id
	SKU       string        `json:"sku"`
	Title     string        `json:"title"`
	Quantity  int64         `json:"quantity"`
	Cancelled int64         `json:"cancelled,omitempty"`
	Price     money.Amount  `json:"price"` // of one, before discounts, in the order's tax mode
	Discounts []OwnDiscount `json:"discounts,omitempty"`
	Taxes     []OwnTax      `json:"taxes,omitempty"`
	Total     money.Amount  `json:"total"`
	Digital   bool          `json:"digital,omitempty"` // nothing to ship
}

// OwnCharge is what the buyer pays besides goods.
type OwnCharge struct {
	Kind      ChargeKind    `json:"kind"` // shipping, fee
	ID        string        `json:"id,omitempty"`
	Title     string        `json:"title"`
	Amount    money.Amount  `json:"amount"` // before discounts
	Discounts []OwnDiscount `json:"discounts,omitempty"`
	Taxes     []OwnTax      `json:"taxes,omitempty"`
	Total     money.Amount  `json:"total"`
}

// OwnDiscount is one reduction; the seller pays for it.
type OwnDiscount struct {
	Code   string       `json:"code,omitempty"`
	Title  string       `json:"title,omitempty"`
	Amount money.Amount `json:"amount"`
}

// OwnTax is one tax line; the seller remits it.
type OwnTax struct {
	Title  string       `json:"title"`
	Rate   string       `json:"rate"`
	Amount money.Amount `json:"amount"`
}

// OwnPayment is one payment as the checkout left it.
type OwnPayment struct {
	ID       string        `json:"id"`
	Method   PaymentMethod `json:"method"`
	Provider string        `json:"provider"` // the gateway's name: cod, demo
	// Status is due, authorized, paid, voided or failed.
	Status    string       `json:"status"`
	Amount    money.Amount `json:"amount"`
	At        *time.Time   `json:"at,omitempty"`
	Collector Party        `json:"collector,omitempty"` // cash on delivery: courier or branch
}

// OwnPerson is the buyer.
type OwnPerson struct {
	ID      string `json:"id,omitempty"`
	Name    string `json:"name"`
	Email   string `json:"email,omitempty"`
	Phone   string `json:"phone,omitempty"`
	Company string `json:"company,omitempty"`
	TaxID   string `json:"tax_id,omitempty"`
}

// OwnAddress is where the parcel or the invoice goes.
type OwnAddress struct {
	Name     string `json:"name,omitempty"`
	Company  string `json:"company,omitempty"`
	Phone    string `json:"phone,omitempty"`
	Phone2   string `json:"phone2,omitempty"`
	Line1    string `json:"line1,omitempty"`
	Line2    string `json:"line2,omitempty"`
	District string `json:"district,omitempty"`
	City     string `json:"city,omitempty"`
	Province string `json:"province,omitempty"`
	Postcode string `json:"postcode,omitempty"`
	Country  string `json:"country,omitempty"`
}

// OwnShape is Raw.Shape of an OwnOrder; its one document is called "order".
const OwnShape = "ownsite"

// Raw is the document as it is stored and decoded. An amount of a currency outside ISO 4217 is fault.Invalid.
func (o OwnOrder) Raw() (Raw, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return Raw{}, fault.Wrap(fault.Invalid, err, "the order cannot be written")
	}
	return Raw{Shape: OwnShape, Docs: []Doc{{Name: "order", Body: body}}}, nil
}

// Change is the document on its way in: checkout hands it to import directly and waits; a poll finds it again.
func (o OwnOrder) Change(readAt time.Time) (Change, error) {
	raw, err := o.Raw()
	return Change{External: o.ID, Version: o.UpdatedAt.UTC(), ReadAt: readAt, Raw: raw, Hold: o.Hold}, err
}
