package daraz

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// SetPrices implements channel.PriceSetter. Without a struck-through price the price is Daraz's Price; with one, that is Price, and what is asked is the
// SalePrice from From until Until, by days of the country. A sale that has run out by itself cannot be read back (channel-daraz.md §1.10).
func (s *shop) SetPrices(ctx context.Context, prices []channel.PriceLevel) ([]channel.Verdict, error) {
	updates := make([]update, len(prices))
	for i, p := range prices {
		u := newUpdate(p.Listing)
		if u.err == nil {
			u.err = s.priced(&u.sku, p)
		}
		updates[i] = u
	}
	return s.send(ctx, updates)
}

// longSale is how long a sale lasts that nobody ends: Daraz wants a last day.
const longSale = 10 * 365 * 24 * time.Hour

func (s *shop) priced(sku *xmlSKU, p channel.PriceLevel) error {
	if err := s.sellable("price", p.Price); err != nil {
		return err
	}
	if p.Compare.IsNone() {
		if !p.From.IsZero() || !p.Until.IsZero() {
			return fault.Field("compare", "is missing: Daraz has a sale window only beside the price without the sale")
		}
		sku.Price = p.Price.Decimal()
		return nil
	}
	if err := s.sellable("compare", p.Compare); err != nil {
		return err
	}
	if p.Compare.Minor <= p.Price.Minor {
		return fault.Field("compare", "is not above the price")
	}
	from, until := p.From, p.Until
	if from.IsZero() {
		from = s.cfg.Now()
	}
	if until.IsZero() {
		until = from.Add(longSale)
	}
	if until.Before(from) {
		return fault.Field("until", "is before the sale begins")
	}
	day := func(t time.Time) string { return t.In(s.zone).Format(time.DateOnly) }
	sku.Price, sku.SalePrice, sku.SaleFrom, sku.SaleUntil = p.Compare.Decimal(), p.Price.Decimal(), day(from), day(until)
	return nil
}

func (s *shop) sellable(field string, a money.Amount) error {
	switch {
	case a.Currency != s.currency:
		return fault.Field(field, "is in %.10q, and the shop sells in %s", a.Currency, s.currency)
	case a.Sign() <= 0:
		return fault.Field(field, "must be above zero")
	}
	return nil
}
