package fulfillment

import (
	"cmp"
	"maps"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// place moves reservations: to one location that can take everything, and away from where the units may not be sourced. One call for all
// orders, since stock is locked in key order.
func (s *Service) place(tx *db.Tx, all []*sourcing) error {
	var gone []Gone
	var ds []stock.Demand
	var moved []*sourcing
	for _, src := range all {
		g, d := src.moves()
		if len(d) > 0 {
			gone, ds, moved = append(gone, g...), append(ds, d...), append(moved, src)
		}
	}
	if len(moved) == 0 {
		return nil
	}
	if _, err := s.need.Change(tx, gone, ds); err != nil {
		return err
	}
	ids := make([]string, len(moved))
	for i, src := range moved {
		ids[i] = src.order.ID
	}
	if err := s.need.Review(tx, ids); err != nil {
		return err
	}
	heads, err := s.need.Orders(tx, ids, false)
	if err != nil {
		return err
	}
	byLine := map[string]*sourcing{}
	for _, src := range moved {
		src.order = heads[src.order.ID]
		for _, l := range src.lines {
			byLine[l.LineID] = src
		}
	}
	return s.grants(tx, moved, byLine)
}

// followStock ends the work on units that were lost where it was begun and are reserved elsewhere now, so that it begins there. What is picked is there, whatever the books say.
func (s *Service) followStock(tx *db.Tx, all []*sourcing) error {
	for _, src := range all {
		if src.order.Held || len(src.astray) == 0 {
			continue
		}
		w := &work{s: s, tx: tx, order: src.order, all: src.known, actor: "system"}
		for _, a := range src.astray {
			left := a.n
			for _, l := range w.holding(a.at.line, a.at.variant) {
				if n := min(left, unpicked(l)); n > 0 && w.of(l).Location == a.goal {
					if err := w.cut(l, n, nil, elsewhere); err != nil {
						return err
					}
					left -= n
				}
			}
		}
		if err := w.settle(elsewhere); err != nil {
			return err
		}
		src.findLoose()
	}
	return nil
}

// elsewhere is why work ends at a location that has lost the goods.
const elsewhere = "the goods are at another location"

// moves are the reservations that must change place, or had better.
func (src *sourcing) moves() (gone []Gone, ds []stock.Demand) {
	if !src.order.Held {
		src.target = src.oneForAll()
	}
	prefer := map[[2]string][]string{}
	for _, k := range sortedKeys(src.loose) {
		allowed := src.allowed(k.line, k.variant)
		here := slices.Contains(allowed, k.location)
		switch {
		case here && (src.target == "" || src.target == k.location):
			continue
		case src.fixed: // what is not free there stays where it is
			allowed = append(allowed, k.location)
		case here: // back to where it was, should the target be taken meanwhile
			allowed = append([]string{src.target, k.location}, allowed...)
		}
		gone = append(gone, Gone{LineID: k.line, Variant: k.variant, Location: k.location, Quantity: src.loose[k]})
		prefer[[2]string{k.line, k.variant}] = allowed
	}
	for k := range src.down { // a fact took the reservation with it: what is missing comes from elsewhere, if anywhere
		if src.reserved(k.line, k.variant) < src.owed(k.line, k.variant) {
			prefer[[2]string{k.line, k.variant}] = src.allowed(k.line, k.variant)
		}
	}
	for _, s := range src.astray {
		lv := [2]string{s.at.line, s.at.variant}
		if _, decided := prefer[lv]; !decided {
			gone = append(gone, Gone{LineID: s.at.line, Variant: s.at.variant, Location: s.at.location, Quantity: s.n})
			prefer[lv] = []string{s.goal, s.at.location}
		}
	}
	for _, lv := range slices.SortedFunc(maps.Keys(prefer), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		ds = append(ds, stock.Demand{
			Holder: stock.ByLine, HolderID: lv[0], OrderID: src.order.ID, Variant: lv[1], Quantity: src.owed(lv[0], lv[1]), Rank: src.order.Rank,
			Prefer: compact(prefer[lv]), Sold: true, Partial: true,
		})
	}
	return gone, ds
}

func (src *sourcing) reserved(line, variant string) (n int64) {
	for k, q := range src.grants {
		if k.line == line && k.variant == variant {
			n += q
		}
	}
	return n
}

// owed is how many units of a part the line has still to send.
func (src *sourcing) owed(line, variant string) int64 {
	l := src.line(line)
	if l == nil {
		return 0
	}
	per := perLine(l, variant)
	return per*(l.Open+sets(l, src.known, shippedOf)) - sumOf(src.known, line, variant, shippedOf)
}

// oneForAll is the best location that can take everything when it lies in several; "" when it lies in one, or none can.
func (src *sourcing) oneForAll() string {
	at := map[string]bool{}
	need := map[string]int64{}
	for k, n := range src.loose {
		at[k.location] = true
		need[k.variant] += n
	}
	if len(at) < 2 {
		return ""
	}
	for _, p := range src.places {
		if src.takesAll(p.ID, need) {
			return p.ID
		}
	}
	return ""
}

func (src *sourcing) takesAll(place string, need map[string]int64) bool {
	for k := range src.loose {
		if src.down[key{k.line, k.variant, place}] != "" {
			return false
		}
	}
	for v, n := range need {
		if src.free[Spot{v, place}]+src.looseAt(v, place) < n {
			return false
		}
	}
	return true
}

func (src *sourcing) looseAt(variant, place string) (n int64) {
	for k, q := range src.loose {
		if k.variant == variant && k.location == place {
			n += q
		}
	}
	return n
}
