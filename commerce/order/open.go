package order

import (
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
)

// OpenLines reads the lines of orders that the seller fulfils and ships, those with nothing open included.
func (s *Service) OpenLines(tx *db.Tx, orders []string) (map[string][]event.OpenLine, error) {
	lines, err := linesOf(tx, orders)
	if err != nil {
		return nil, err
	}
	all := make(map[string][]event.OpenLine, len(lines))
	for id, ls := range lines {
		for i := range ls {
			if l := &ls[i]; l.Ours() {
				all[id] = append(all[id], event.OpenLine{LineID: l.ID, External: l.External, Open: l.Open, Variant: l.Variant, SKU: l.SKU, Title: l.Title, Parts: l.Parts, Units: l.unitsIn(InOpen)})
			}
		}
	}
	return all, nil
}

// Blocked lists, per order, the open hold types that keep it from being sourced. Orders without one are left out.
func (s *Service) Blocked(tx *db.Tx, orders []string) (map[string][]string, error) {
	open, err := holdsOf(tx, orders)
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	for id, holds := range open {
		if b := blocking(holds); len(b) > 0 {
			all[id] = b
		}
	}
	return all, nil
}

// RankOf decides who keeps stock when a fact takes it away: the earlier order does.
func RankOf(h Head) int64 { return rankOf(&h) }

// ByExternal finds our ids of an account's orders by the channel's ids; one that is not here is left out.
func (s *Service) ByExternal(tx *db.Tx, account string, externals []string) (map[string]string, error) {
	all := map[string]string{}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var x, id string
		err := row.Scan(&x, &id)
		all[x] = id
		return struct{}{}, err
	}, `select external, id from orders where account_id = $1 and external in (select key from json_each($2))`, account, db.Keys(externals))
	return all, err
}
