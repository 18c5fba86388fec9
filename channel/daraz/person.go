package daraz

import (
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
)

func (d *draft) people() {
	d.out.ShipTo = d.address(d.raw.ShipTo)
	d.out.BillTo = d.address(d.raw.BillTo)
	d.out.Country = d.out.ShipTo.Country
	if d.out.Country == "" {
		d.out.Country = d.venture.country
	}
	d.out.Buyer = channel.Person{Name: joined(" ", d.raw.FirstName, d.raw.LastName), TaxID: d.raw.TaxCode.String()}
	for i := range d.items {
		if d.out.Buyer.External == "" {
			d.out.Buyer.External = d.items[i].BuyerID.String()
		}
	}
	// The buyer pays from the billing address, which may be another person's than the parcel's.
	d.out.Buyer.Phone = d.out.BillTo.Phone
	if d.out.Buyer.Phone == "" {
		d.out.Buyer.Phone = d.out.ShipTo.Phone
	}
	d.out.Note = joined("\n", d.raw.BuyerNote, d.raw.Remarks, d.raw.GiftMessage)
}

func (d *draft) address(a *rawAddress) channel.Address {
	if a == nil || *a == (rawAddress{}) {
		return channel.Address{}
	}
	out := channel.Address{
		Name: joined(" ", a.FirstName, a.LastName), Phone: a.Phone.String(), Phone2: a.Phone2.String(),
		Line1: a.Address1.String(), Line2: a.Address2.String(), District: firstOf(a.Address5, a.District, a.Dsitrict),
		City: firstOf(a.Address4, a.City), Province: a.Address3.String(), Postcode: a.PostCode.String(),
		Country: d.isoCountry(a.Country.String()),
	}
	// Without the unmask permission Daraz shows 6****67 for a phone, and the like for names and streets.
	for _, text := range []string{out.Name, out.Phone, out.Phone2, out.Line1, out.Line2} {
		out.Masked = out.Masked || strings.Contains(text, "**")
	}
	return out
}

func joined(by string, parts ...iop.Scalar) string {
	var texts []string
	for _, p := range parts {
		if p != "" {
			texts = append(texts, p.String())
		}
	}
	return strings.Join(texts, by)
}

func firstOf(parts ...iop.Scalar) string {
	for _, p := range parts {
		if p != "" {
			return p.String()
		}
	}
	return ""
}
