package catalog

import (
	"cmp"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// NewProduct is a product with its one variant, as imports and the POS core give it. What is empty keeps its default: piece, standard tax class, shipped.
type NewProduct struct {
	Code     string // of the product; default the SKU
	SKU      string
	Title    string
	Brand    string
	GTIN     string
	UOM      string
	WeightG  int64
	TaxClass string
	Digital  bool // nothing to ship
	Inactive bool
	Parts    []event.Part // makes it a kit: SKU, Quantity and Weight of each part
}

// SaveProducts adds products and updates those whose SKU is known, set-based. Kits name parts by SKU, which must exist or be in the same call.
// Faults: Invalid naming the SKU for an empty or doubled one, or a part nobody knows.
func (s *Service) SaveProducts(tx *db.Tx, all []NewProduct) error {
	products, variants := db.NewBatch(1), db.NewBatch(1)
	seen, codes := map[string]bool{}, map[string]bool{}
	var skus []string
	for _, p := range all {
		if p.SKU == "" || p.Title == "" {
			return fault.Field("sku", "a product needs a SKU and a title (%q, %q)", p.SKU, p.Title)
		}
		if seen[p.SKU] {
			return fault.Field("sku", "%q stands twice", p.SKU)
		}
		seen[p.SKU] = true
		skus = append(skus, p.SKU)
		code := cmp.Or(p.Code, p.SKU)
		if !codes[code] {
			codes[code] = true
			products.Add(code, db.ID(), p.Title, p.Brand, !p.Inactive)
		}
		variants.Add(p.SKU, db.ID(), code, orNull(p.GTIN), p.Title, cmp.Or(p.UOM, "piece"), p.WeightG, cmp.Or(p.TaxClass, "standard"), len(p.Parts) > 0, !p.Digital, !p.Inactive)
	}
	now := db.Micros(tx.Now)
	tx.Send(`insert into products (code, id, title, brand, active, version, created_at, updated_at) select c, i, t, b, a, 1, cast($1 as bigint), cast($1 as bigint)
		from rows(c text, i text, t text, b text, a boolean) where true
		on conflict (code) do update set title = excluded.title, brand = excluded.brand, active = excluded.active, updated_at = excluded.updated_at, version = products.version + 1`, products, now)
	tx.Send(`insert into variants (sku, id, product_id, gtin, title, uom, weight_g, tax_class, kit, ships, active, version, updated_at)
		select s, i, (select p.id from products p where p.code = c), g, t, u, w, x, k, sh, a, 1, cast($1 as bigint)
		from rows(s text, i text, c text, g text, t text, u text, w bigint, x text, k boolean, sh boolean, a boolean) where true
		on conflict (sku) do update set gtin = excluded.gtin, title = excluded.title, uom = excluded.uom, weight_g = excluded.weight_g, tax_class = excluded.tax_class,
			kit = excluded.kit, ships = excluded.ships, active = excluded.active, version = variants.version + 1, updated_at = excluded.updated_at`, variants, now)
	if err := tx.Flush(); err != nil {
		return err
	}
	return s.saveParts(tx, all, skus)
}

// saveParts replaces the parts of kits.
func (s *Service) saveParts(tx *db.Tx, all []NewProduct, skus []string) error {
	for _, p := range all {
		for _, part := range p.Parts {
			skus = append(skus, part.SKU)
		}
	}
	ids, err := s.Variants(tx, skus)
	if err != nil {
		return err
	}
	gone, parts := db.NewBatch(1), db.NewBatch(2)
	for _, p := range all {
		if len(p.Parts) == 0 {
			continue
		}
		gone.Add(ids[p.SKU])
		for _, part := range p.Parts {
			if ids[part.SKU] == "" {
				return fault.Field("parts", "the kit %s has a part nobody knows: %q", p.SKU, part.SKU)
			}
			parts.Add(ids[p.SKU], ids[part.SKU], part.Quantity, max(1, part.Weight))
		}
	}
	tx.Send(`delete from kit_parts where kit_id in (select k from rows(k text))`, gone)
	tx.Send(`insert into kit_parts (kit_id, part_id, quantity, weight) select k, p, q, w from rows(k text, p text, q bigint, w bigint)`, parts)
	return tx.Flush()
}

// NewList is a price list with prices by variant, in minor units of its currency, valid from now.
type NewList struct {
	Name, Country, Currency string
	Channel, Account        string // "" = any
	Priority                int64
	Prices                  map[string]int64
}

// SavePrices adds a price list, or prices to the one of that name.
func (s *Service) SavePrices(tx *db.Tx, l NewList) error {
	_, err := tx.Exec(`insert into price_lists (id, name, country, currency, channel, account_id, priority, active) values ($1, $2, $3, $4, $5, $6, $7, true)
		on conflict (name) do update set country = excluded.country, currency = excluded.currency, priority = excluded.priority, active = true`,
		db.ID(), l.Name, l.Country, l.Currency, orNull(l.Channel), orNull(l.Account), l.Priority)
	if err != nil {
		return err
	}
	b := db.NewBatch(1)
	for v, amount := range l.Prices {
		if amount < 0 {
			return fault.Field("price", "must not be negative")
		}
		b.Add(v, amount)
	}
	_, err = tx.Exec(`insert into prices (list_id, variant_id, valid_from, amount) select (select id from price_lists where name = $1), v, cast($2 as bigint), a from rows(v text, a bigint) where true
		on conflict (list_id, variant_id, valid_from) do update set amount = excluded.amount`, b, l.Name, db.Micros(tx.Now))
	return err
}
