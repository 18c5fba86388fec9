package console

import (
	"net/url"

	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

// skuShelf says where at a location a variant lies, so that a pick list leads there. No stock moves.
func skuShelf(v *visit) error {
	var goods catalog.Variant
	was := ""
	if err := v.write(func(tx *db.Tx) (err error) {
		if goods, err = v.Catalog.BySKU(tx, v.r.PathValue("sku")); err != nil {
			return err
		}
		at, err := v.Inventory.LocationByCode(tx, v.form("location"))
		if err != nil {
			return err
		}
		if err := sees(tx, access.Locations, at.ID); err != nil {
			return err
		}
		before, err := v.Inventory.Shelves(tx, at.ID, []string{goods.ID})
		if err != nil {
			return err
		}
		was = before[goods.ID]
		if err := v.Inventory.SetShelves(tx, []inventory.Shelf{{Location: at.ID, Variant: goods.ID, Name: v.form("shelf")}}); err != nil {
			return err
		}
		return v.Audit.Write(tx, audit.Entry{Actor: v.actor(), Action: "stock.shelf", SubjectKind: "variant", Subject: goods.ID, Detail: map[string]string{"location": at.Code, "shelf": v.form("shelf")}})
	}); err != nil {
		return err
	}
	to := Base + "/stock/" + url.PathEscape(goods.SKU)
	return v.back(to, flash{Text: v.T("The shelf is noted: pick lists lead there"), Undo: to + "/shelf", With: map[string]string{"location": v.form("location"), "shelf": was}})
}
