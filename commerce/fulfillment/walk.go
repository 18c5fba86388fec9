package fulfillment

import (
	"cmp"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/platform/db"
)

// PickLine is one walk to a shelf: so many units of a SKU for these fulfillment orders.
type PickLine struct {
	SKU      string   `json:"sku"`
	Variant  string   `json:"variant_id"`
	Title    string   `json:"title"`
	Shelf    string   `json:"shelf,omitempty"`
	Quantity int64    `json:"quantity"`
	Orders   []string `json:"fulfillment_numbers"`
}

// PickList sums what is still to be picked at a location, SKU by SKU, for the fulfillment orders with the earliest deadlines. It is in the order in which somebody
// walks past the shelves, A-2 before A-10; what has no shelf comes last, by SKU.
func (s *Service) PickList(tx *db.Tx, location string, limit int) ([]PickLine, error) {
	p, err := s.List(tx, Filter{Location: location, States: []string{Fresh, Accepted, Picking}}, "", limit)
	if err != nil {
		return nil, err
	}
	all := sumLines(p.Items)
	if s.need.Shelves != nil && len(all) > 0 {
		var goods []string
		for _, l := range all {
			goods = append(goods, l.Variant)
		}
		shelves, err := s.need.Shelves(tx, location, goods)
		if err != nil {
			return nil, err
		}
		for i := range all {
			all[i].Shelf = shelves[all[i].Variant]
		}
	}
	slices.SortFunc(all, walked)
	return all, nil
}

func sumLines(works []FO) (all []PickLine) {
	at := map[string]int{}
	for _, f := range works {
		for _, l := range f.Lines {
			n := l.Quantity - l.Picked
			if n == 0 {
				continue
			}
			i, known := at[l.Variant]
			if !known {
				i = len(all)
				at[l.Variant] = i
				all = append(all, PickLine{SKU: l.SKU, Variant: l.Variant, Title: l.Title})
			}
			all[i].Quantity += n
			if o := all[i].Orders; len(o) == 0 || o[len(o)-1] != f.Number {
				all[i].Orders = append(o, f.Number)
			}
		}
	}
	return all
}

// walked compares by shelf as somebody walks, then by SKU.
func walked(a, b PickLine) int {
	switch {
	case a.Shelf == "" && b.Shelf != "":
		return 1
	case a.Shelf != "" && b.Shelf == "":
		return -1
	}
	return cmp.Or(natural(a.Shelf, b.Shelf), cmp.Compare(a.SKU, b.SKU))
}

// natural compares names with numbers in them by the size of the numbers.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, restA := part(a)
		y, restB := part(b)
		by := cmp.Compare(strings.ToUpper(x), strings.ToUpper(y))
		if digit(x[0]) && digit(y[0]) {
			m, n := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			by = cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n))
		}
		if by != 0 {
			return by
		}
		a, b = restA, restB
	}
	return cmp.Compare(len(a), len(b))
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// part cuts the first number or the first text off a name.
func part(s string) (head, rest string) {
	i := 1
	for i < len(s) && digit(s[i]) == digit(s[0]) {
		i++
	}
	return s[:i], s[i:]
}
