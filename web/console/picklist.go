package console

import (
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

type picklistPage struct {
	Place inventory.Location
	Lines []fulfillment.PickLine
}

// picklist sums what is still to be picked at a location, SKU by SKU, in walking order.
func picklist(v *visit) error {
	p, err := v.walkList()
	if err != nil {
		return err
	}
	return v.page("picklist", "Pick list", p)
}

func (v *visit) walkList() (p picklistPage, err error) {
	err = v.read(func(tx *db.Tx) (err error) {
		if p.Place, err = v.place(tx); err != nil {
			return err
		}
		if p.Place.ID == "" {
			return fault.Field("at", "choose a location first: a pick list is walked at one")
		}
		p.Lines, err = v.Fulfillment.PickList(tx, p.Place.ID, 100)
		return err
	})
	return p, err
}
