package console

import (
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/platform/db"
)

// sum is what there is of a variant over the locations that are shown.
type sum struct {
	catalog.Variant
	OnHand, Reserved, Safety, Free, Other int64 // Other: on hand and not sellable
	Doubt                                 bool  // somewhere it is less than nothing
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
	index := map[string]int{}
	out := make([]sum, len(all))
	for i, x := range all {
		ids[i], index[x.ID], out[i] = x.ID, i, sum{Variant: x}
	}
	if len(all) == 0 {
		return out, nil
	}
	levels, err := v.Inventory.Levels(tx, inventory.LevelFilter{Variants: ids, Location: at}, inventory.LevelKey{}, 5000)
	for _, l := range levels {
		s := &out[index[l.Variant]]
		if l.Condition == "sellable" {
			s.OnHand, s.Reserved, s.Safety, s.Free = s.OnHand+l.OnHand, s.Reserved+l.Reserved, s.Safety+l.Safety, s.Free+l.Free
			s.Doubt = s.Doubt || l.OnHand < 0
		} else {
			s.Other += l.OnHand
		}
	}
	return out, err
}
