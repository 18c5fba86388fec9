package catalog

import (
	"slices"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/sheet"
)

// productImport reads product files. Columns that a file does not have leave known products as they are.
type productImport struct {
	s        *Service
	first    map[string]int  // SKU → the line it stands in first
	accepted map[string]bool // SKU of the file → it is a kit
}

func (im *productImport) columns() []sheet.Column {
	return []sheet.Column{
		{Name: "sku", Required: true, Also: []string{"article", "item code"}},
		{Name: "title", Also: []string{"name", "description"}},
		{Name: "product", Also: []string{"product code", "parent sku"}},
		{Name: "product_title"},
		{Name: "brand"},
		{Name: "gtin", Also: []string{"ean", "upc", "barcode"}},
		{Name: "uom", Also: []string{"unit"}},
		{Name: "weight_g", Also: []string{"weight (g)", "grams"}},
		{Name: "tax_class"},
		{Name: "ships"},
		{Name: "active"},
		{Name: "parts"},
	}
}

// arrange puts kits behind what they are made of.
func (im *productImport) arrange(rows []sheet.Row) []sheet.Row {
	for _, r := range rows {
		if _, ok := im.first[r.Get("sku")]; !ok {
			im.first[r.Get("sku")] = r.N
		}
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b sheet.Row) int { return min(1, len(a.Get("parts"))) - min(1, len(b.Get("parts"))) })
	return rows
}

func (im *productImport) part(tx *db.Tx, rows []sheet.Row, dry bool, report *sheet.Report) (func(), error) {
	have, err := im.known(tx, rows)
	if err != nil {
		return nil, err
	}
	here := map[string]bool{}
	var news []NewProduct
	for _, row := range rows {
		old, known := have[row.Get("sku")]
		next, err := im.product(row, old, known)
		if err == nil {
			err = im.checkParts(next, have, here)
		}
		if err != nil {
			report.Refuse(row.N, err)
			continue
		}
		here[next.SKU] = len(next.Parts) > 0
		switch {
		case !known:
			report.Added++
		case same(old, next):
			report.Same++
			continue
		default:
			report.Changed++
		}
		news = append(news, next)
	}
	done := func() {
		for sku, kit := range here {
			im.accepted[sku] = kit
		}
	}
	if dry || len(news) == 0 {
		return done, nil
	}
	return done, im.s.SaveProducts(tx, news)
}

// known reads the products of rows, and those they name as parts, as they could be saved again.
func (im *productImport) known(tx *db.Tx, rows []sheet.Row) (map[string]NewProduct, error) {
	var skus []string
	for _, row := range rows {
		skus = append(skus, row.Get("sku"))
		parts, _ := partsOf(row.Get("parts"))
		for _, p := range parts {
			skus = append(skus, p.SKU)
		}
	}
	all := map[string]NewProduct{}
	ids := map[string]string{}
	tx.SendQuery(`select v.id, v.sku, v.gtin, v.title, v.uom, v.weight_g, v.tax_class, v.ships, v.active, p.code, p.title, p.brand
		from variants v join products p on p.id = v.product_id where v.sku in (select key from json_each($1))`, func(row db.Scanner) error {
		var id string
		var p NewProduct
		var ships, active bool
		err := row.Scan(&id, &p.SKU, db.Text(&p.GTIN), &p.Title, &p.UOM, &p.WeightG, &p.TaxClass, &ships, &active, &p.Code, &p.Product, &p.Brand)
		p.Digital, p.Inactive = !ships, !active
		all[p.SKU], ids[p.SKU] = p, id
		return err
	}, keys(skus))
	if err := tx.Flush(); err != nil {
		return nil, err
	}
	var list []string
	for _, id := range ids {
		list = append(list, id)
	}
	parts, err := im.s.Parts(tx, list)
	for sku, p := range all {
		p.Parts = parts[ids[sku]]
		all[sku] = p
	}
	return all, err
}

// product is a row over what is known.
func (im *productImport) product(row sheet.Row, old NewProduct, known bool) (p NewProduct, err error) {
	p = old
	if !known {
		p = NewProduct{SKU: row.Get("sku")}
	}
	if p.SKU == "" {
		return p, fault.Field("sku", "is missing")
	}
	if err := twice(im.first, p.SKU, row.N); err != nil {
		return p, err
	}
	for name, field := range map[string]*string{
		"title": &p.Title, "product": &p.Code, "product_title": &p.Product, "brand": &p.Brand, "gtin": &p.GTIN, "uom": &p.UOM, "tax_class": &p.TaxClass,
	} {
		if row.Has(name) {
			*field = row.Get(name)
		}
	}
	if p.Title == "" {
		return p, fault.Field("title", "is missing")
	}
	if row.Has("weight_g") {
		if p.WeightG, err = row.Int("weight_g", 0); err != nil {
			return p, err
		}
	}
	ships, err := row.Bool("ships", !p.Digital)
	if err != nil {
		return p, err
	}
	active, err := row.Bool("active", !p.Inactive)
	if err != nil {
		return p, err
	}
	p.Digital, p.Inactive = !ships, !active
	if row.Has("parts") {
		if p.Parts, err = partsOf(row.Get("parts")); err != nil {
			return p, err
		}
	}
	return p, p.check()
}

// checkParts refuses parts nobody knows, and kits in kits.
func (im *productImport) checkParts(p NewProduct, have map[string]NewProduct, here map[string]bool) error {
	seen := map[string]bool{}
	for _, part := range p.Parts {
		kit, ok := here[part.SKU]
		if !ok {
			kit, ok = im.accepted[part.SKU]
		}
		if old, known := have[part.SKU]; !ok && known {
			kit, ok = len(old.Parts) > 0, true
		}
		switch {
		case !ok:
			return fault.Field("parts", "there is no SKU %q", part.SKU)
		case kit, part.SKU == p.SKU:
			return fault.Field("parts", "%q is a kit itself", part.SKU)
		case seen[part.SKU]:
			return fault.Field("parts", "%q stands twice", part.SKU)
		}
		seen[part.SKU] = true
	}
	return nil
}

// same reports whether saving would change nothing.
func same(a, b NewProduct) bool {
	byPart := func(x, y event.Part) int { return strings.Compare(x.SKU, y.SKU) }
	x, y := slices.SortedFunc(slices.Values(a.Parts), byPart), slices.SortedFunc(slices.Values(b.Parts), byPart)
	if !slices.EqualFunc(x, y, func(x, y event.Part) bool { return x.SKU == y.SKU && x.Quantity == y.Quantity && x.Weight == y.Weight }) {
		return false
	}
	return a.Code == b.Code && a.Product == b.Product && a.Brand == b.Brand && a.SKU == b.SKU && a.Title == b.Title && a.GTIN == b.GTIN && a.UOM == b.UOM &&
		a.WeightG == b.WeightG && a.TaxClass == b.TaxClass && a.Digital == b.Digital && a.Inactive == b.Inactive
}

// partsOf reads "SKU*2@60 | SKU": parts of a kit with quantity (default 1) and share of its money (default the quantity).
func partsOf(text string) ([]event.Part, error) {
	if text == "" {
		return nil, nil
	}
	var all []event.Part
	for _, word := range strings.Split(text, "|") {
		p := event.Part{Quantity: 1}
		word = strings.TrimSpace(word)
		word, p.Weight = number(word, "@", 0)
		word, p.Quantity = number(word, "*", 1)
		if word == "" {
			return nil, fault.Field("parts", "%q is no list of parts like SKU*2 | SKU", text)
		}
		p.SKU = word
		p.Weight = max(p.Weight, 0)
		if p.Weight == 0 {
			p.Weight = p.Quantity
		}
		all = append(all, p)
	}
	return all, nil
}

// number cuts a number behind a mark off a word; a mark without one belongs to the word.
func number(word, mark string, fallback int64) (string, int64) {
	at := strings.LastIndex(word, mark)
	if at < 0 {
		return word, fallback
	}
	n, err := strconv.ParseInt(strings.TrimSpace(word[at+1:]), 10, 64)
	if err != nil {
		return word, fallback
	}
	return strings.TrimSpace(word[:at]), n
}
