package shopify

import (
	"strings"
	"time"
)

// Address is a buyer's or a location's address. Country is ISO 3166 alpha-2.
type Address struct {
	FirstName    string `json:"first_name,omitempty"`
	LastName     string `json:"last_name,omitempty"`
	Company      string `json:"company,omitempty"`
	Address1     string `json:"address1,omitempty"`
	Address2     string `json:"address2,omitempty"`
	City         string `json:"city,omitempty"`
	Province     string `json:"province,omitempty"`
	ProvinceCode string `json:"province_code,omitempty"`
	Zip          string `json:"zip,omitempty"`
	Country      string `json:"country,omitempty"`
	Phone        string `json:"phone,omitempty"`
}

func (a *Address) name() string { return strings.TrimSpace(a.FirstName + " " + a.LastName) }

// countryNames of the countries orders are generated for; others show their code.
var countryNames = map[string]string{
	"PK": "Pakistan", "AE": "United Arab Emirates", "DE": "Germany", "OM": "Oman", "SA": "Saudi Arabia", "BD": "Bangladesh", "LK": "Sri Lanka",
	"NP": "Nepal", "GB": "United Kingdom", "US": "United States",
}

// Person is a buyer.
type Person struct {
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Email     string `json:"email,omitempty"`
	Phone     string `json:"phone,omitempty"`
}

// OrderSpec is an order as a buyer places it. Amounts are decimal text in the shop's currency; what is empty takes the shop's default.
type OrderSpec struct {
	Lines    []LineSpec     `json:"lines"`
	Buyer    *Person        `json:"buyer,omitempty"` // nil: no customer, as on a till
	Shipping *Address       `json:"shipping,omitempty"`
	Billing  *Address       `json:"billing,omitempty"` // the shipping address when nil
	Currency string         `json:"currency,omitempty"`
	Discount []DiscountSpec `json:"discounts,omitempty"`

	ShippingPrice string `json:"shipping_price,omitempty"` // "" and "0" mean free; no shipping line when there is no address
	ShippingTitle string `json:"shipping_title,omitempty"`
	Tip           string `json:"tip,omitempty"`

	COD      bool          `json:"cod,omitempty"`      // pays at the door: a manual gateway with a pending sale
	Payments []PaymentSpec `json:"payments,omitempty"` // instead of one payment in full; ignored when COD is set

	Test     bool              `json:"test,omitempty"`
	POS      bool              `json:"pos,omitempty"`      // rung up on a till and handed over at once
	Location string            `json:"location,omitempty"` // of the till; also forces where an online order is sent from
	Note     string            `json:"note,omitempty"`
	Tags     []string          `json:"tags,omitempty"`
	Attrs    map[string]string `json:"attributes,omitempty"`
	Source   string            `json:"source,omitempty"` // "web"; "pos" on a till
	Locale   string            `json:"locale,omitempty"`
	At       time.Time         `json:"at,omitzero"` // when it was placed; now when zero
	Oversell bool              `json:"oversell,omitempty"`
}

// LineSpec is one line: a SKU of the shop, or a custom item with a title and a price.
type LineSpec struct {
	SKU        string            `json:"sku,omitempty"`
	Title      string            `json:"title,omitempty"`
	Quantity   int               `json:"quantity"`
	Price      string            `json:"price,omitempty"` // instead of the variant's
	GiftCard   bool              `json:"gift_card,omitempty"`
	NoTax      bool              `json:"no_tax,omitempty"`
	ChannelTax bool              `json:"channel_tax,omitempty"` // the channel remits the tax
	Duty       string            `json:"duty,omitempty"`        // import duty of the whole line
	Origin     string            `json:"origin,omitempty"`      // country of origin, with a duty
	Attrs      map[string]string `json:"attributes,omitempty"`
	Rates      []TaxSpec         `json:"rates,omitempty"` // instead of the shop's tax
}

// TaxSpec is one tax, its rate as decimal text: 0.18.
type TaxSpec struct {
	Title string `json:"title"`
	Rate  string `json:"rate"`
}

// DiscountSpec is one discount: Percent ("0.1") or Amount, on the lines named by index, on all lines, or on shipping.
type DiscountSpec struct {
	Code     string `json:"code,omitempty"`       // a code; else
	Title    string `json:"title,omitempty"`      // an automatic one; else a manual one
	Manual   bool   `json:"manual,omitempty"`     // with Title
	Percent  string `json:"percent,omitempty"`    // of the price
	Amount   string `json:"amount,omitempty"`     // of all targets together
	Lines    []int  `json:"lines,omitempty"`      // line-level when not empty
	Shipping bool   `json:"on_shipping,omitzero"` // on shipping instead of lines
}

// PaymentSpec is one payment: SALE (the default) or AUTHORIZATION, SUCCESS (the default), PENDING or FAILURE.
type PaymentSpec struct {
	Gateway string `json:"gateway,omitempty"` // shopify_payments when empty
	Kind    string `json:"kind,omitempty"`
	Status  string `json:"status,omitempty"`
	Amount  string `json:"amount,omitempty"` // in the buyer's currency; what is left when empty
}

// Placed tells what came of a spec.
type Placed struct {
	ID   string `json:"id"`   // numeric, as REST shows it
	GID  string `json:"gid"`  // gid://shopify/Order/…
	Name string `json:"name"` // #1001
}
