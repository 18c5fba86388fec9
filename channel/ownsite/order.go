package ownsite

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

func checkCurrency(code string) error {
	if !money.Valid(code) {
		return fault.Field(settingCurrency, "is not an ISO 4217 code")
	}
	return nil
}

// Decode implements channel.Channel.
func (s *site) Decode(raw channel.Raw) (channel.Order, error) {
	if raw.Shape != channel.OwnShape {
		return channel.Order{}, fault.Field("shape", "is none of the web shop's")
	}
	var doc channel.OwnOrder
	if err := json.Unmarshal(raw.Doc("order"), &doc); err != nil {
		// What the decoder quotes may be a person's name.
		return channel.Order{}, fault.Wrap(fault.Invalid, fmt.Errorf("%T", err), "the document is no order of the web shop")
	}
	switch {
	case doc.Schema != 1:
		return channel.Order{}, fault.Field("schema", "is %d, and 1 is known", doc.Schema)
	case doc.ID == "":
		return channel.Order{}, fault.Field("id", "is missing")
	case !money.Valid(doc.Currency):
		return channel.Order{}, fault.Field("currency", "is not an ISO 4217 code")
	}
	return toOrder(doc), nil
}

// toOrder maps the checkout's document to the canonical order. Nothing is computed: the checkout has.
func toOrder(doc channel.OwnOrder) channel.Order {
	o := channel.Order{
		External: doc.ID, Number: doc.Number, Version: doc.UpdatedAt.UTC(), PlacedAt: doc.PlacedAt.UTC(), CancelledAt: moment(doc.CancelledAt),
		DeliverBy: moment(doc.DeliverBy), Status: status("order", doc.Status), Statuses: map[string]string{"order": doc.Status}, Origin: "web", Test: doc.Test,
		Country: doc.Country, Currency: doc.Currency, TaxMode: doc.TaxMode, Money: channel.MoneyComplete, Total: doc.Total,
		Buyer:  channel.Person{External: doc.Buyer.ID, Name: doc.Buyer.Name, Email: doc.Buyer.Email, Phone: doc.Buyer.Phone, Company: doc.Buyer.Company, TaxID: doc.Buyer.TaxID},
		ShipTo: address(doc.ShipTo), BillTo: address(doc.ShipTo), Note: doc.Note, Extra: extra(doc),
	}
	if doc.BillTo != nil {
		o.BillTo = address(*doc.BillTo)
	}
	for _, l := range doc.Lines {
		o.Lines = append(o.Lines, line(l))
	}
	for _, c := range doc.Charges {
		o.Charges = append(o.Charges, channel.Charge{
			Kind: c.Kind, External: c.ID, Title: c.Title, Amount: c.Amount, Discounts: discounts(c.Discounts), Taxes: taxes(c.Taxes), Total: c.Total,
		})
	}
	if !doc.Rounding.IsNone() && !doc.Rounding.IsZero() {
		o.Charges = append(o.Charges, channel.Charge{Kind: channel.ChargeRounding, Title: "Cash rounding", Amount: doc.Rounding, Total: doc.Rounding})
	}
	for _, p := range doc.Payments {
		paid := channel.Payment{
			External: p.ID, Method: p.Method, Gateway: p.Provider, Status: status("payment", p.Status), Amount: p.Amount, At: moment(p.At), Collector: p.Collector,
		}
		if p.Method == channel.PayCOD && paid.Collector == "" {
			paid.Collector = channel.Courier
		}
		if paid.Status == channel.Unknown {
			o.Statuses["payment"] = p.Status
		}
		o.Payments = append(o.Payments, paid)
	}
	return o
}

func line(l channel.OwnLine) channel.Line {
	return channel.Line{
		External: l.ID, Listing: channel.ListingRef{External: l.Variant, SKU: l.SKU}, Title: l.Title, Quantity: l.Quantity,
		Progress: channel.Progress{Cancelled: l.Cancelled}, UnitPrice: l.Price, Discounts: discounts(l.Discounts), Taxes: taxes(l.Taxes), Total: l.Total,
		FulfilledBy: channel.Seller, Ships: !l.Digital,
	}
}

func discounts(all []channel.OwnDiscount) []channel.Discount {
	var out []channel.Discount
	for _, d := range all {
		out = append(out, channel.Discount{Code: d.Code, Title: d.Title, Amount: d.Amount, Funder: channel.Seller})
	}
	return out
}

func taxes(all []channel.OwnTax) []channel.Tax {
	var out []channel.Tax
	for _, t := range all {
		out = append(out, channel.Tax{Title: t.Title, Rate: t.Rate, Amount: t.Amount, Remitter: channel.Seller})
	}
	return out
}

func address(a channel.OwnAddress) channel.Address {
	return channel.Address{
		Name: a.Name, Company: a.Company, Phone: a.Phone, Phone2: a.Phone2, Line1: a.Line1, Line2: a.Line2, District: a.District, City: a.City,
		Province: a.Province, Postcode: a.Postcode, Country: a.Country,
	}
}

func extra(doc channel.OwnOrder) map[string]string {
	all := map[string]string{"storefront": doc.Storefront, "language": doc.Language}
	maps.DeleteFunc(all, func(_, v string) bool { return v == "" })
	return all
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
