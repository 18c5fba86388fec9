package fulfillment

import "fmt"

// Decision says why a location has the work: what each candidate had, best rank first.
type Decision struct {
	Why        string      `json:"why"`
	Candidates []Candidate `json:"candidates,omitempty"`
	From       string      `json:"from,omitempty"` // the fulfillment order it was moved or split from
	Actor      string      `json:"actor,omitempty"`
}

// Candidate is a location that could fulfil the order.
type Candidate struct {
	Place
	Rank   int              `json:"rank"`
	Has    map[string]int64 `json:"has"` // units by SKU that the order could have there
	Chosen bool             `json:"chosen"`
	Why    string           `json:"why"`
}

// decide explains the choice for one fulfillment order.
func (src *sourcing) decide(f *FO, splits int) Decision {
	need, skus := map[string]int64{}, map[string]string{}
	for k, n := range src.loose {
		need[k.variant] += n
	}
	for i := range src.lines {
		for _, p := range parts(&src.lines[i]) {
			skus[p.Variant] = p.SKU
		}
	}
	var d Decision
	for i, p := range src.places {
		c := Candidate{Place: p, Rank: i + 1, Has: map[string]int64{}, Chosen: p.ID == f.Location}
		all := true
		for v, n := range need {
			has := src.free[Spot{v, p.ID}] + src.looseAt(v, p.ID)
			c.Has[skus[v]] = has
			all = all && has >= n
		}
		c.Why = src.reason(p, c.Chosen, all)
		d.Candidates = append(d.Candidates, c)
	}
	switch {
	case src.fixed:
		d.Why = "chosen by a person"
	case splits == 1 && src.target != "":
		d.Why = "the units lay in several locations; this is the best ranked one that can take all of them"
	case splits == 1:
		d.Why = "the best ranked location that has all of it"
	default:
		d.Why = fmt.Sprintf("no location has all of it: one of %d, as few as possible in the order of rank", splits)
	}
	return d
}

func (src *sourcing) reason(p Place, chosen, all bool) string {
	for k, why := range src.down {
		if k.location == p.ID {
			return "turned it down: " + why
		}
	}
	switch {
	case chosen:
		return "chosen"
	case all:
		return "has all of it, but ranks lower or was reserved elsewhere first"
	}
	return "has not all of it"
}
