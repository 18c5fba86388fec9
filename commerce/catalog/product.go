package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// NewProduct is a variant with its product, as imports and the POS core give it. What is empty gets its default: piece, standard tax class, shipped.
type NewProduct struct {
	Code     string // of the product; default the SKU. Variants of one product share it
	Product  string // title of the product; default the first variant's
	Brand    string
	SKU      string
	Title    string
	GTIN     string
	UOM      string
	WeightG  int64
	TaxClass string
	Digital  bool // nothing to ship
	Inactive bool
	Parts    []event.Part // makes it a kit: SKU, Quantity and Weight (default the quantity) of each part
}

// SaveProducts adds variants and replaces those whose SKU is known, set-based. Kits name parts by SKU, which must exist or be in the same call.
// Listings that waited for one of the SKUs or bar codes are mapped, and told.
// Faults: Invalid naming the SKU for an empty or doubled one, a part nobody knows, or a kit in a kit.
func (s *Service) SaveProducts(tx *db.Tx, all []NewProduct) error {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b NewProduct) int { return strings.Compare(a.SKU, b.SKU) })
	var skus, codes []string
	for i := range all {
		if err := all[i].check(); err != nil {
			return err
		}
		if i > 0 && all[i].SKU == all[i-1].SKU {
			return fault.Field("sku", "%q stands twice", all[i].SKU)
		}
		skus, codes = append(skus, all[i].SKU), append(codes, all[i].GTIN)
	}
	if err := writeProducts(tx, all); err != nil {
		return err
	}
	if err := s.saveParts(tx, all, skus); err != nil {
		return err
	}
	return s.rematch(tx, skus, codes)
}

// check fills in what is usual and refuses what cannot be.
func (p *NewProduct) check() error {
	p.Code, p.Product = cmp.Or(p.Code, p.SKU), cmp.Or(p.Product, p.Title)
	p.UOM, p.TaxClass = cmp.Or(p.UOM, "piece"), cmp.Or(p.TaxClass, "standard")
	switch {
	case p.SKU == "" || p.Title == "":
		return fault.Field("sku", "a product needs a SKU and a title (%q, %q)", p.SKU, p.Title)
	case p.GTIN != "" && gtinCore(p.GTIN) == "":
		return fault.Field("gtin", "%q is no bar code of 8 to 14 digits", p.GTIN)
	case p.WeightG < 0:
		return fault.Field("weight_g", "must not be negative")
	}
	p.Parts = slices.Clone(p.Parts)
	for i := range p.Parts {
		part := &p.Parts[i]
		part.Weight = cmp.Or(part.Weight, part.Quantity)
		if part.Quantity <= 0 || part.Weight <= 0 {
			return fault.Field("parts", "the kit %s needs a positive quantity and weight of %s", p.SKU, part.SKU)
		}
	}
	return nil
}

func writeProducts(tx *db.Tx, all []NewProduct) error {
	products, variants := db.NewBatch(1), db.NewBatch(1)
	seen := map[string]bool{}
	byCode := slices.Clone(all)
	slices.SortStableFunc(byCode, func(a, b NewProduct) int { return strings.Compare(a.Code, b.Code) })
	for _, p := range byCode {
		if !seen[p.Code] {
			seen[p.Code] = true
			products.Add(p.Code, db.ID(), p.Product, p.Brand, !p.Inactive)
		}
	}
	for _, p := range all {
		variants.Add(p.SKU, db.ID(), p.Code, orNull(p.GTIN), p.Title, fold(p.SKU), strings.Join(words(p.Title), " "), p.UOM, p.WeightG, p.TaxClass,
			len(p.Parts) > 0, !p.Digital, !p.Inactive)
	}
	now := tx.Now.UnixMicro()
	tx.Send(`insert into products (code, id, title, brand, active, version, created_at, updated_at)
		select r.c, r.i, r.t, r.b, r.a, 1, $1, $1 from rows(c text, i text, t text, b text, a boolean) where true
		on conflict (code) do update set title = excluded.title, brand = excluded.brand, active = excluded.active,
			updated_at = excluded.updated_at, version = products.version + 1`, products, now)
	tx.Send(`insert into variants (sku, id, product_id, gtin, title, sku_folded, title_folded, uom, weight_g, tax_class, kit, ships, active, version, updated_at)
		select r.s, r.i, p.id, r.g, r.t, r.sf, r.tf, r.u, r.w, r.x, r.k, r.sh, r.a, 1, $1
		from rows(s text, i text, c text, g text, t text, sf text, tf text, u text, w bigint, x text, k boolean, sh boolean, a boolean)
		join products p on p.code = r.c where true
		on conflict (sku) do update set product_id = excluded.product_id, gtin = excluded.gtin, title = excluded.title, title_folded = excluded.title_folded,
			uom = excluded.uom, weight_g = excluded.weight_g, tax_class = excluded.tax_class, kit = excluded.kit, ships = excluded.ships,
			active = excluded.active, version = variants.version + 1, updated_at = excluded.updated_at`, variants, now)
	return tx.Flush()
}

// saveParts replaces the parts of what was saved.
func (s *Service) saveParts(tx *db.Tx, all []NewProduct, skus []string) error {
	wanted := slices.Clone(skus)
	for _, p := range all {
		for _, part := range p.Parts {
			wanted = append(wanted, part.SKU)
		}
	}
	ids, err := s.Variants(tx, wanted)
	if err != nil {
		return err
	}
	var saved []string
	parts := db.NewBatch(2)
	for _, p := range all {
		saved = append(saved, ids[p.SKU])
		for _, part := range p.Parts {
			if ids[part.SKU] == "" {
				return fault.Field("parts", "the kit %s has a part nobody knows: %q", p.SKU, part.SKU)
			}
			parts.Add(ids[p.SKU], ids[part.SKU], part.Quantity, part.Weight)
		}
	}
	tx.Send(`delete from kit_parts where kit_id in (select key from json_each($1))`, keys(saved))
	tx.Send(`insert into kit_parts (kit_id, part_id, quantity, weight) select r.k, r.p, r.q, r.w from rows(k text, p text, q bigint, w bigint)`, parts)
	return nested(tx, saved)
}

// nested refuses kits in kits: what a kit is made of must be stocked.
func nested(tx *db.Tx, saved []string) error {
	found, err := db.All(tx, func(row db.Scanner) (sku string, err error) { return sku, row.Scan(&sku) },
		`select v.sku from kit_parts k join variants v on v.id = k.part_id where v.kit and (k.part_id in (select key from json_each($1))
		or k.kit_id in (select key from json_each($1))) limit 1`, keys(saved))
	if err == nil && len(found) > 0 {
		err = fault.Field("parts", "the kit %s is part of another kit", found[0])
	}
	return err
}
