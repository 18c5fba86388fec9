package inventory

import (
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Missed is sellable goods that somebody looked for at a location and did not find.
type Missed struct {
	stock.Movement       // what was looked for; Delta is negative
	InHand         int64 // units of the variant that are there, and not on the shelf: picked, and not sent yet
}

// Miss records goods that were looked for in vain. That is a fact about a shelf: it takes from the books what they say lies on it and no more, since what a count, a sale or
// another search took from them before is not missing twice. All else is as with Move.
func (s *Service) Miss(tx *db.Tx, all []Missed) error {
	sc := newScope()
	var spots []spot
	for _, m := range all {
		at := sellable(m.Variant, m.Location)
		sc.spots[at] = true
		spots = append(spots, at)
	}
	if len(spots) == 0 {
		return nil
	}
	makeLevels(tx, spots)
	b, err := read(tx, sc) // the levels are ours now
	if err != nil {
		return err
	}
	taken := map[spot]int64{}
	var ms []stock.Movement
	for i, m := range all {
		at := spots[i]
		n := min(-m.Delta, b.levels[at].onHand-m.InHand-taken[at])
		if n <= 0 {
			continue
		}
		taken[at] += n
		m.Delta = -n
		ms = append(ms, m.Movement)
	}
	return s.Move(tx, ms)
}
