package catalog

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Variant is one thing that is stocked and sold, or a kit of such things.
type Variant struct {
	ID       string       `json:"id"`
	Product  string       `json:"product_id"`
	SKU      string       `json:"sku"`
	GTIN     string       `json:"gtin,omitempty"`
	Title    string       `json:"title"`
	UOM      string       `json:"uom"`
	WeightG  int64        `json:"weight_g"`
	TaxClass string       `json:"tax_class"`
	Kit      bool         `json:"kit"`
	Ships    bool         `json:"ships"`
	Active   bool         `json:"active"`
	Parts    []event.Part `json:"parts,omitempty"`
	Version  int64        `json:"version"`
}

const variantColumns = `v.id, v.product_id, v.sku, v.gtin, v.title, v.uom, v.weight_g, v.tax_class, v.kit, v.ships, v.active, v.version`

func scanVariant(row db.Scanner) (Variant, error) {
	var v Variant
	err := row.Scan(&v.ID, &v.Product, &v.SKU, db.Text(&v.GTIN), &v.Title, &v.UOM, &v.WeightG, &v.TaxClass, &v.Kit, &v.Ships, &v.Active, &v.Version)
	return v, err
}

// ByID reads variants by id, kits with their parts; unknown ones are left out.
func (s *Service) ByID(tx *db.Tx, ids []string) (map[string]Variant, error) {
	if len(ids) == 0 {
		return map[string]Variant{}, nil
	}
	rows, err := db.All(tx, scanVariant, `select `+variantColumns+` from variants v where v.id in (select key from json_each($1))`, keys(ids))
	if err != nil {
		return nil, err
	}
	all := make(map[string]Variant, len(rows))
	for _, v := range rows {
		all[v.ID] = v
	}
	return all, s.fillParts(tx, all)
}

// BySKU reads one variant. Fault: NotFound.
func (s *Service) BySKU(tx *db.Tx, sku string) (Variant, error) {
	v, err := db.One(tx, scanVariant, `select `+variantColumns+` from variants v where v.sku = $1`, sku)
	if fault.Is(err, fault.NotFound) {
		return v, fault.New(fault.NotFound, "there is no SKU %q", sku)
	}
	if err != nil || !v.Kit {
		return v, err
	}
	parts, err := s.Parts(tx, []string{v.ID})
	v.Parts = parts[v.ID]
	return v, err
}

// List pages through variants by SKU, after the one given.
func (s *Service) List(tx *db.Tx, after string, limit int) ([]Variant, error) {
	return db.All(tx, scanVariant, `select `+variantColumns+` from variants v where v.sku > $1 order by v.sku limit $2`, after, page(limit))
}

// fillParts gives kits their parts.
func (s *Service) fillParts(tx *db.Tx, all map[string]Variant) error {
	var kits []string
	for id, v := range all {
		if v.Kit {
			kits = append(kits, id)
		}
	}
	parts, err := s.Parts(tx, kits)
	for id, p := range parts {
		v := all[id]
		v.Parts = p
		all[id] = v
	}
	return err
}

// Parts gives the parts of those variants that are kits; others are left out.
func (s *Service) Parts(tx *db.Tx, variants []string) (map[string][]event.Part, error) {
	all := map[string][]event.Part{}
	if len(variants) == 0 {
		return all, nil
	}
	tx.SendQuery(`select k.kit_id, v.id, v.sku, v.title, k.quantity, k.weight from kit_parts k join variants v on v.id = k.part_id
		where k.kit_id in (select key from json_each($1)) order by k.kit_id, v.id`, func(row db.Scanner) error {
		var kit string
		var p event.Part
		err := row.Scan(&kit, &p.Variant, &p.SKU, &p.Title, &p.Quantity, &p.Weight)
		all[kit] = append(all[kit], p)
		return err
	}, keys(variants))
	return all, tx.Flush()
}

// KitsWith lists the kits that contain any of these variants: their stock changes with it.
func (s *Service) KitsWith(tx *db.Tx, parts []string) ([]string, error) {
	return db.All(tx, func(row db.Scanner) (id string, err error) { return id, row.Scan(&id) },
		`select distinct kit_id from kit_parts where part_id in (select key from json_each($1)) order by kit_id`, keys(parts))
}

// Variants finds variants by SKU, exactly; unknown ones are left out.
func (s *Service) Variants(tx *db.Tx, skus []string) (map[string]string, error) {
	all := map[string]string{}
	if len(skus) == 0 {
		return all, nil
	}
	tx.SendQuery(`select sku, id from variants where sku in (select key from json_each($1))`, func(row db.Scanner) error {
		var sku, id string
		err := row.Scan(&sku, &id)
		all[sku] = id
		return err
	}, keys(skus))
	return all, tx.Flush()
}

// byGTIN finds variants by bar code, where it names exactly one, however many zeros stand before it.
func (s *Service) byGTIN(tx *db.Tx, codes []string) (map[string]string, error) {
	var forms []string
	for _, c := range codes {
		forms = append(forms, gtinForms(c)...)
	}
	all := map[string]string{}
	if len(forms) == 0 {
		return all, nil
	}
	found := map[string]string{}
	tx.SendQuery(`select gtin, id from variants where gtin in (select key from json_each($1))`, func(row db.Scanner) error {
		var gtin, id string
		err := row.Scan(&gtin, &id)
		core := gtinCore(gtin)
		if other, ok := found[core]; ok && other != id {
			id = "" // it names two
		}
		found[core] = id
		return err
	}, keys(forms))
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	for _, c := range codes {
		if id := found[gtinCore(c)]; id != "" {
			all[c] = id
		}
	}
	return all, nil
}

// gtinCore is a bar code without leading zeros; "" when it is not one (GS1: 8, 12, 13 or 14 digits).
func gtinCore(code string) string {
	code = strings.TrimSpace(code)
	if len(code) < 8 || len(code) > 14 || strings.Trim(code, "0123456789") != "" {
		return ""
	}
	return strings.TrimLeft(code, "0")
}

// gtinForms are the ways in which one bar code is written.
func gtinForms(code string) []string {
	core := gtinCore(code)
	if core == "" {
		return nil
	}
	forms := []string{core}
	for _, n := range []int{8, 12, 13, 14} {
		if len(core) <= n {
			forms = append(forms, strings.Repeat("0", n-len(core))+core)
		}
	}
	return forms
}

// fold makes texts alike that people take for the same: no accents, no case, nothing but letters and digits.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKD.String(text))
}

// words are the folded words of a text.
func words(text string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }) {
		if w = fold(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}
