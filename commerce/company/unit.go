package company

import (
	"cmp"
	"context"
	"slices"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/pos"
)

func placed(t pos.UnitType) bool { return t == pos.Branch || t == pos.Warehouse }

// syncUnits makes locations of branches and warehouses.
func (s *Service) syncUnits(ctx context.Context, core pos.Core, report *Report) error {
	before, err := s.reading(ctx, ListUnits)
	if err != nil {
		return err
	}
	page, err := core.OrgUnits(ctx)
	if err != nil {
		return err
	}
	var done Report
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		done = Report{}
		known, err := s.units(tx)
		if err != nil {
			return err
		}
		if len(page.Rows) == 0 && slices.ContainsFunc(known, func(u Unit) bool { return u.GoneAt.IsZero() }) {
			return fault.New(fault.Unavailable, "the POS core shows no branch and no warehouse at all: nothing was closed").WithCode("empty")
		}
		units, problems := s.merge(tx, known, page)
		if err := s.locate(tx, units, &done); err != nil {
			return err
		}
		for _, u := range units {
			if u.Problem != "" {
				problems = append(problems, problem(u.ID, "unit", u.Problem))
			}
		}
		done.Units, done.Problems = len(page.Rows), len(problems)
		if err := s.saveUnits(tx, units); err != nil {
			return err
		}
		return s.note(tx, before.done(tx.Now, page.Complete, len(page.Rows), problems))
	})
	report.Units, report.Places, report.Closed = done.Units, done.Places, done.Closed
	report.Problems += done.Problems
	return err
}

// merge puts what was read on what is known. One that a complete list no longer shows is closed; one that a capped list does not show is as it was.
func (s *Service) merge(tx *db.Tx, known []Unit, page pos.Page[pos.OrgUnit]) ([]Unit, []pos.Problem) {
	all := map[string]Unit{}
	for _, u := range known {
		all[u.ID] = u
	}
	broken := map[string]bool{}
	for _, p := range page.Problems {
		broken[p.ID] = true
	}
	seen := map[string]bool{}
	for _, r := range page.Rows {
		seen[r.ID] = true
		all[r.ID] = Unit{
			ID: r.ID, Type: r.Type, Code: r.Code, Name: r.Name, Parent: r.Parent, Country: r.Country, Currency: r.Currency, Active: r.Active, Location: all[r.ID].Location, SeenAt: tx.Now,
		}
	}
	units := make([]Unit, 0, len(all))
	for _, u := range all {
		if page.Complete && !seen[u.ID] && !broken[u.ID] {
			u.Active = false
			if u.GoneAt.IsZero() {
				u.GoneAt = tx.Now
			}
		}
		units = append(units, u)
	}
	slices.SortFunc(units, func(a, b Unit) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.ID, b.ID)) })
	return units, slices.Clone(page.Problems)
}

// locate keeps a location for each branch and warehouse. What people say of it here (priority, whether it sends orders, city) stays.
func (s *Service) locate(tx *db.Tx, units []Unit, done *Report) error {
	byID := map[string]*Unit{}
	var codes, countries []string
	for i := range units {
		byID[units[i].ID] = &units[i]
		codes = append(codes, units[i].Code)
	}
	for _, u := range units {
		countries = append(countries, countryOf(byID, u))
	}
	have, err := s.need.Places(tx, codes)
	if err != nil {
		return err
	}
	rules, err := s.need.Countries(tx, countries)
	if err != nil {
		return err
	}
	var save []Place
	var of []*Unit
	for i := range units {
		u := &units[i]
		if !placed(u.Type) {
			continue
		}
		old, ok := have[u.Code]
		p, why := placeOf(u, countries[i], rules, old)
		if u.Problem = why; why != "" {
			continue
		}
		switch {
		case !ok && !u.Active:
			continue // closed before we heard of it
		case ok && u.Location != "" && old.ID != u.Location:
			u.Problem = "its code is another location's"
			continue
		case !ok && u.Location != "":
			u.Problem = "its code changed: rename the location here, or the code there"
			continue
		}
		p.ID = old.ID
		if u.Location = old.ID; old == p {
			continue
		}
		if ok && old.Active && !p.Active {
			done.Closed++
		}
		save, of = append(save, p), append(of, u)
	}
	ids, err := s.need.SavePlaces(tx, save)
	for i, id := range ids {
		of[i].Location = id
	}
	done.Places = len(save)
	return err
}

// placeOf is the location that a unit should be; what people chose for the one it is (company, clock) stays while its country does.
func placeOf(u *Unit, country string, rules map[string]Country, old Place) (Place, string) {
	c := rules[country]
	if old.ID != "" && old.Country == country {
		c = Country{LegalEntity: old.LegalEntity, Zone: old.Zone}
	}
	switch {
	case u.Code == "":
		return Place{}, "it has no code"
	case len(country) != 2:
		return Place{}, "it has no country, and none above it has"
	case c.Problem != "":
		return Place{}, c.Problem
	}
	return Place{Code: u.Code, Name: cmp.Or(u.Name, u.Code), Kind: string(u.Type), LegalEntity: c.LegalEntity, Country: country, Zone: c.Zone, Active: u.Active}, ""
}

// countryOf is a unit's country, or that of the nearest one above it.
func countryOf(all map[string]*Unit, u Unit) string {
	for range 8 { // as deep as the hierarchy may be, and a ring ends
		if u.Country != "" {
			return u.Country
		}
		up := all[u.Parent]
		if up == nil {
			return ""
		}
		u = *up
	}
	return ""
}

// locations are our locations by the core's ids of their units.
func (s *Service) locations(tx *db.Tx) (map[string]Unit, map[string]string, error) {
	units, err := s.units(tx)
	all, countries := map[string]Unit{}, map[string]string{}
	byID := map[string]*Unit{}
	for i := range units {
		byID[units[i].ID] = &units[i]
	}
	for _, u := range units {
		if u.Location != "" {
			all[u.ID], countries[u.ID] = u, countryOf(byID, u)
		}
	}
	return all, countries, err
}
