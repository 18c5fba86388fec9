package order

import "github.com/openclaw-pos/commerce/platform/db"

// Stops lists, per order, the open hold types that also stop what is in fulfillment: labels and hand-over wait. Orders without one are left out.
func (s *Service) Stops(tx *db.Tx, orders []string) (map[string][]string, error) {
	open, err := holdsOf(tx, orders)
	if err != nil {
		return nil, err
	}
	stops := map[string][]string{}
	for id, holds := range open {
		for _, h := range holds {
			if Holds[h.Type].Withdraws {
				stops[id] = append(stops[id], string(h.Type))
			}
		}
	}
	return stops, nil
}
