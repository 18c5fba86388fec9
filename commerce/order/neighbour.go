package order

import "github.com/openclaw-pos/commerce/platform/db"

// Neighbours are the orders that came in right before and right after one, as far as whoever asks reaches; "" where there is none.
func (s *Service) Neighbours(tx *db.Tx, of Head) (older, newer string, err error) {
	here := cursor(of.CreatedAt.UnixMicro(), of.ID)
	for _, way := range []struct {
		f  Filter
		to *string
	}{{Filter{}, &older}, {Filter{Oldest: true}, &newer}} {
		page, err := s.List(tx, way.f, here, 1)
		if err != nil {
			return "", "", err
		}
		if len(page.Items) > 0 {
			*way.to = page.Items[0].ID
		}
	}
	return older, newer, nil
}
