package console

import (
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/platform/db"
)

// sum is what there is of a variant over the locations that are shown.
type sum struct {
	catalog.Variant
	inventory.Sum
}

type stockPage struct {
	SKU    string
	At     string
	Places []inventory.Location
	Items  []sum
	Next   string
}

// stockList lists what there is, by SKU.
func stockList(v *visit) error {
	p := stockPage{SKU: v.ask("sku")}
	const size = 50
	err := v.read(func(tx *db.Tx) error {
		at, err := v.place(tx)
		if err != nil {
			return err
		}
		p.At, p.Places = at.Code, v.shippers(tx)
		after := v.ask("after")
		if after == "" && p.SKU != "" {
			after = justBefore(p.SKU)
		}
		all, err := v.Catalog.List(tx, after, size+1)
		if err != nil {
			return err
		}
		p.Next = ""
		if len(all) > size {
			all = all[:size]
			p.Next = all[size-1].SKU
		}
		p.Items, err = v.sums(tx, all, at.ID)
		return err
	})
	if err != nil {
		return err
	}
	return v.page("stock", "Stock", p)
}

// justBefore is a text that sorts right before another one, so that a list that goes on after it begins there.
func justBefore(s string) string {
	b := []byte(s)
	b[len(b)-1]--
	return string(b) + "~"
}

// sums adds up the levels of variants, at one location or all.
func (v *visit) sums(tx *db.Tx, all []catalog.Variant, at string) ([]sum, error) {
	ids := make([]string, len(all))
	for i, x := range all {
		ids[i] = x.ID
	}
	sums, err := v.Inventory.Sums(tx, ids, at)
	out := make([]sum, len(all))
	for i, x := range all {
		out[i] = sum{x, sums[x.ID]}
	}
	return out, err
}
