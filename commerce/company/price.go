package company

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/pos"
)

// epoch is when a price began that does not say when: a fixed instant, so that a repeat is the same price.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// syncPrices lets our prices follow one list of the core.
func (s *Service) syncPrices(ctx context.Context, core pos.Core, report *Report) error {
	if s.need.PriceList == "" {
		return nil
	}
	before, err := s.reading(ctx, ListPrices)
	if err != nil {
		return err
	}
	page, err := core.Prices(ctx)
	if err != nil {
		return err
	}
	n, bad := 0, 0
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		prices, problems, err := s.prices(tx, page)
		if err != nil {
			return err
		}
		n, bad = len(prices), len(problems)
		if err := s.need.SavePrices(tx, prices); err != nil {
			return err
		}
		return s.note(tx, before.done(tx.Now, page.Complete, len(page.Rows), problems))
	})
	report.Prices = n
	report.Problems += bad
	return err
}

func (s *Service) prices(tx *db.Tx, page pos.Page[pos.Price]) ([]Price, []pos.Problem, error) {
	problems := append([]pos.Problem(nil), page.Problems...)
	var skus, countries []string
	for _, r := range page.Rows {
		skus, countries = append(skus, r.SKU), append(countries, r.Country)
	}
	variants, err := s.need.Variants(tx, skus)
	if err != nil {
		return nil, nil, err
	}
	rules, err := s.need.Countries(tx, countries)
	if err != nil {
		return nil, nil, err
	}
	var all []Price
	type key struct {
		country, currency, variant string
		from                       time.Time
	}
	taken := map[key]bool{} // the newest row comes first
	for _, r := range page.Rows {
		if r.List != s.need.PriceList {
			continue
		}
		p, why := priceOf(r, variants[r.SKU], rules[r.Country].Zone)
		k := key{p.Country, p.Currency, p.Variant, p.From}
		switch {
		case why != "":
			problems = append(problems, problem(r.ID, "price", why))
		case !taken[k]:
			taken[k] = true
			all = append(all, p)
		}
	}
	return all, problems, nil
}

// priceOf turns a price of the core into ours: its days are the country's, its last day is included. One that was switched off never holds.
func priceOf(r pos.Price, variant, zone string) (Price, string) {
	p := Price{Country: r.Country, Currency: r.Amount.Currency, Variant: variant, Amount: r.Amount.Minor, From: epoch}
	switch {
	case variant == "":
		return p, "there is no SKU " + r.SKU
	case len(r.Country) != 2:
		return p, "it has no country"
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	if r.From != "" {
		if p.From, err = day(r.From, loc, 0); err != nil {
			return p, "its begin is no date"
		}
	}
	if r.To != "" {
		if p.To, err = day(r.To, loc, 1); err != nil {
			return p, "its end is no date"
		}
	}
	if !r.Active {
		p.To = p.From.Add(time.Microsecond)
	}
	if !p.To.IsZero() && !p.To.After(p.From) {
		return p, "it ends before it begins"
	}
	return p, ""
}

// day is when a day begins, so many days later. The core writes dates, or times that begin with one.
func day(text string, loc *time.Location, later int) (time.Time, error) {
	if len(text) > len(time.DateOnly) {
		text = text[:len(time.DateOnly)]
	}
	at, err := time.ParseInLocation(time.DateOnly, text, loc)
	return at.AddDate(0, 0, later).UTC(), err
}
