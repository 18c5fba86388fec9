package console

import (
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// purposes are why somebody looks at who a buyer is; another one is written out.
var purposes = []string{"Answer the buyer", "Check the address", "Deliver it", "Check for fraud", "Pay money back"}

// revealed is who bought an order, opened for a purpose; it is shown once and kept nowhere.
type revealed struct {
	privacy.Record
	Purpose string
	Lines   []wished
}

// Purposes are the reasons to choose from, in the person's language.
func (s sheet) Purposes() []string {
	all := make([]string, len(purposes))
	for i, p := range purposes {
		all[i] = s.T(p)
	}
	return all
}

// orderPersonal shows who bought an order and where it goes. The purpose is written down with the person's name before anything is shown.
func orderPersonal(v *visit) error {
	purpose := v.form("purpose")
	if other := v.form("other"); other != "" {
		purpose = other
	}
	if n := len(purpose); n < 3 || n > 200 {
		return fault.Field("purpose", "is missing: say in a few words what the name or address is needed for")
	}
	p, err := v.theOrder()
	if err != nil {
		return err
	}
	if p.Buyer == "" {
		return fault.New(fault.NotFound, "nothing is kept of who bought this order")
	}
	record, err := v.Zones.Read(v.r.Context(), p.Account, p.Buyer, privacy.Reading{Actor: v.actor(), Purpose: purpose})
	if err != nil {
		return err
	}
	p.Person = &revealed{Record: record, Purpose: purpose}
	for _, l := range p.View.Lines {
		if all := wishesOf(p.View, record, l.ID); len(all) > 0 {
			p.Person.Lines = append(p.Person.Lines, wished{l.SKU, l.Title, all})
		}
	}
	return v.page("order", "Order %s", p, p.Number)
}

// ShipLines are where it goes, line by line.
func (r revealed) ShipLines() []string { return lettered(r.ShipTo) }

// BillLines are who pays, when that is somebody else.
func (r revealed) BillLines() []string {
	if r.BillTo == r.ShipTo {
		return nil
	}
	return lettered(r.BillTo)
}

// lettered is an address as it stands on a letter.
func lettered(a privacy.Address) []string {
	return some(a.Name, a.Company, a.Line1, a.Line2, a.District, strings.Join(some(a.City, a.Province, a.Postcode), ", "), a.Country)
}
