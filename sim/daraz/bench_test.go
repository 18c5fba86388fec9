package daraz

import "testing"

// BenchmarkSync reads a page of a hundred out of five thousand orders, with their items, as a poll does.
func BenchmarkSync(b *testing.B) {
	m := New(Config{Seed: 1})
	defer m.Close()
	s := m.Shop("")
	stockUp(s, 50)
	for _, spec := range s.Generate(1, 5000) {
		if _, err := s.PlaceOrder(spec); err != nil {
			b.Fatal(err)
		}
	}
	c := &call{m: m, shop: s, now: m.now(), params: map[string][]string{
		"update_after": {"2020-01-01T00:00:00Z"}, "sort_by": {"updated_at"}, "sort_direction": {"ASC"}, "offset": {"2500"},
	}}
	for b.Loop() {
		ans, err := c.ordersGet()
		m.envelope(ans, err)
		for _, o := range s.orders[2500:2600] {
			m.envelope(data(o.rows()), nil)
		}
	}
}
