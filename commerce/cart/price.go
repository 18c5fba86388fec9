package cart

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// shownStock is the highest number of units buyers are shown; above it they only learn that there are more.
const shownStock = 10

// Stock is what a buyer is shown of the stock: exact up to ten.
type Stock struct {
	Available int64 `json:"available"`
	More      bool  `json:"more"` // there are more than that
}

func shown(promise int64) Stock {
	return Stock{Available: min(max(0, promise), shownStock), More: promise > shownStock}
}

// Product is a variant as a storefront shows it.
type Product struct {
	Variant string        `json:"variant_id"`
	SKU     string        `json:"sku"`
	Title   string        `json:"title"`
	Price   money.Amount  `json:"price"`
	Compare *money.Amount `json:"compare_price,omitempty"`
	TaxMode string        `json:"tax_mode"` // inclusive: the price contains the tax
	Stock   Stock         `json:"stock"`
	Digital bool          `json:"digital,omitempty"`
}

// Products is one page; Next is empty at the end.
type Products struct {
	Items []Product `json:"items"`
	Next  string    `json:"next,omitempty"`
}

// Products pages through what a storefront sells, by SKU. A variant without a price is not sold there and left out, so a page may be shorter than the limit.
func (s *Service) Products(ctx context.Context, store Storefront, after string, limit int) (Products, error) {
	if limit < 1 || limit > 100 {
		limit = 50
	}
	var page Products
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		items, err := s.need.Range(tx, after, limit+1)
		if err != nil {
			return err
		}
		page = Products{Items: []Product{}}
		if len(items) > limit {
			items = items[:limit]
			page.Next = items[limit-1].SKU
		}
		page.Items, err = s.show(tx, store, items)
		return err
	})
	return page, err
}

// Product is one product by SKU. Fault: NotFound when the storefront does not sell it.
func (s *Service) Product(ctx context.Context, store Storefront, sku string) (Product, error) {
	var one Product
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		ids, err := s.need.Variants(tx, []string{sku})
		if err != nil {
			return err
		}
		items, err := s.need.Items(tx, []string{ids[sku]})
		if err != nil {
			return err
		}
		item, ok := items[ids[sku]]
		if !ok {
			return unknownSKU(sku)
		}
		all, err := s.show(tx, store, []Item{item})
		if err == nil && len(all) == 0 {
			err = unknownSKU(sku)
		}
		if err == nil {
			one = all[0]
		}
		return err
	})
	return one, err
}

func unknownSKU(string) error {
	return fault.New(fault.NotFound, "the shop does not sell this").WithCode("unknown_sku")
}

// show puts prices and stock to items; what has no price is not sold.
func (s *Service) show(tx *db.Tx, store Storefront, items []Item) ([]Product, error) {
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = it.Variant
	}
	prices, err := s.need.Prices(tx, store, ids)
	if err != nil {
		return nil, err
	}
	promises, err := s.need.Promise(tx, store, ids)
	if err != nil {
		return nil, err
	}
	rules, err := s.need.Rules(tx, store.Country, tx.Now)
	if err != nil {
		return nil, err
	}
	all := []Product{}
	for _, it := range items {
		p, ok := prices[it.Variant]
		if !ok || !sells(p, store) {
			continue
		}
		one := Product{Variant: it.Variant, SKU: it.SKU, Title: it.Title, Price: p.Amount, TaxMode: string(rules.TaxMode), Stock: shown(promises[it.Variant]), Digital: !it.Ships}
		one.Compare = compare(p)
		all = append(all, one)
	}
	return all, nil
}

// sells reports whether a price can be sold at: a price of nothing is a mistake until a person says otherwise.
func sells(p Price, store Storefront) bool {
	return p.Amount.Currency == store.Currency && p.Amount.Sign() > 0
}

func compare(p Price) *money.Amount {
	if p.Compare.IsNone() || p.Compare.Minor <= p.Amount.Minor {
		return nil
	}
	c := p.Compare
	return &c
}

// priced is an open cart with everything that is needed to show and to place it.
type priced struct {
	Totals
	parts map[string][]event.Part // by variant
	gone  []string                // SKUs that are not sold any more
}

// price computes a cart as things stand now.
func (s *Service) price(tx *db.Tx, store Storefront, c *basket) (priced, error) {
	ids := make([]string, len(c.lines))
	for i, l := range c.lines {
		ids[i] = l.variant
	}
	items, err := s.need.Items(tx, ids)
	if err != nil {
		return priced{}, err
	}
	prices, err := s.need.Prices(tx, store, ids)
	if err != nil {
		return priced{}, err
	}
	rules, err := s.need.Rules(tx, store.Country, tx.Now)
	if err != nil {
		return priced{}, err
	}
	rates, err := s.rates(tx, store, items, rules, tx.Now)
	if err != nil {
		return priced{}, err
	}
	out := priced{parts: map[string][]event.Part{}}
	lines := []Line{}
	for _, l := range c.lines {
		item, known := items[l.variant]
		p, sold := prices[l.variant]
		if !known || !sold || !sells(p, store) {
			out.gone = append(out.gone, item.SKU)
			continue
		}
		out.parts[l.variant] = item.parts()
		lines = append(lines, Line{
			Variant: l.variant, SKU: item.SKU, Title: item.Title, Quantity: l.quantity, Price: p.Amount, Compare: compare(p), Digital: !item.Ships,
		})
	}
	var ship *Delivery
	if d, ok := store.delivery(c.delivery); ok {
		ship = &d
	}
	m, _ := store.method(c.payment)
	out.Totals, err = total(lines, rates, ship, c.language, rules, m.Method == channel.PayCOD, store.Currency)
	return out, err
}

// rates finds the tax rate of each variant.
func (s *Service) rates(tx *db.Tx, store Storefront, items map[string]Item, rules Rules, at time.Time) (map[string]money.Rate, error) {
	var classes []string
	seen := map[string]bool{"": true, "standard": true}
	for _, it := range items {
		if !seen[it.TaxClass] {
			seen[it.TaxClass] = true
			classes = append(classes, it.TaxClass)
		}
	}
	special := map[string]money.Rate{}
	if len(classes) > 0 {
		var err error
		if special, err = s.need.Rates(tx, store.Country, classes, at); err != nil {
			return nil, err
		}
	}
	all := map[string]money.Rate{}
	for id, it := range items {
		rate, ok := special[it.TaxClass]
		if !ok {
			rate = rules.Rate
		}
		all[id] = rate
	}
	return all, nil
}
