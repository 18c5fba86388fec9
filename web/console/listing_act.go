package console

import (
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// listingMap says which SKU a listing is; orders that waited go on. Unmapping is the undo.
func listingMap(v *visit) error {
	sku := v.form("sku")
	if sku == "" {
		return fault.Field("sku", "is missing: choose a suggestion, or type ours")
	}
	if err := v.Catalog.Map(v.r.Context(), v.id(), sku, v.actor()); err != nil {
		return err
	}
	return v.back(Base+"/listings", flash{Text: v.T("Linked to %s: orders that waited go on", sku), Undo: Base + "/listings/" + v.id() + "/unmap"})
}

// listingUnmap puts a listing back into the queue.
func listingUnmap(v *visit) error {
	if err := v.Catalog.Unmap(v.r.Context(), v.id(), v.actor()); err != nil {
		return err
	}
	return v.back(Base+"/listings", flash{Text: v.T("The listing waits again")})
}

// listingIgnore says that a listing is none of our goods.
func listingIgnore(v *visit) error {
	if err := v.Catalog.Ignore(v.r.Context(), v.id(), v.actor()); err != nil {
		return err
	}
	return v.back(Base+"/listings", flash{Text: v.T("Ignored: its lines ship nothing"), Undo: Base + "/listings/" + v.id() + "/unmap"})
}

// listingBulk accepts several suggestions: each value is a listing and the SKU it is.
func listingBulk(v *visit) error {
	all := v.r.PostForm["map"]
	if len(all) == 0 || len(all) > 200 {
		return fault.Field("map", "select from 1 to 200 listings")
	}
	well, first := 0, error(nil)
	for _, one := range all {
		id, sku, ok := strings.Cut(clean(one), " ")
		err := error(fault.Field("map", "is not a listing with its SKU"))
		if ok {
			err = v.read(func(tx *db.Tx) error { return sees(tx, access.Listings, id) })
		}
		if err == nil {
			err = v.Catalog.Map(v.r.Context(), id, sku, v.actor())
		}
		if err == nil {
			well++
		} else if first == nil {
			first = err
		}
	}
	f := flash{Text: v.T("Linked: %d of %d", well, len(all))}
	if first != nil {
		f.Bad, f.More = true, fault.Message(first)
	}
	return v.back(Base+"/listings", f)
}
