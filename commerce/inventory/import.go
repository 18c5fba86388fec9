package inventory

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/sheet"
)

// StockColumns are the columns of a stock file: how many units of a SKU somebody counted at a location.
var StockColumns = []sheet.Column{
	{Name: "sku", Required: true},
	{Name: "location", Required: true, Also: []string{"branch", "warehouse", "location code"}},
	{Name: "quantity", Required: true, Also: []string{"qty", "on hand", "stock"}},
	{Name: "condition"},
	{Name: "safety", Also: []string{"safety stock"}},
	{Name: "shelf", Also: []string{"bin", "bay"}},
	{Name: "unit_cost", Also: []string{"cost"}},
	{Name: "currency"},
	{Name: "note"},
}

const importRows = 500 // in one transaction

// errDry ends a transaction whose outcome was only wanted to be known.
var errDry = errors.New("dry run")

// Import sets on hand to what a file says, row by row, and records the differences as counts, the first ones as opening stock. The same file
// again changes nothing. A row with a problem is left out and named in the report; the others are imported, 500 in one transaction. A dry run
// does the same and keeps nothing. Fault: Invalid for a file that is no such table.
func (s *Service) Import(ctx context.Context, r io.Reader, actor string, dry bool) (sheet.Report, error) {
	report := sheet.Report{What: "stock", Dry: dry}
	table, err := sheet.Read(r, StockColumns)
	if err != nil {
		return report, err
	}
	report.Rows = len(table.Rows)
	seen := map[string]int{}
	for part := range slices.Chunk(table.Rows, importRows) {
		var done sheet.Report
		err := s.need.DB.Write(db.Background(ctx), func(tx *db.Tx) (err error) {
			done = sheet.Report{}
			if err := s.importPart(tx, part, seen, table.Hash, actor, &done); err != nil {
				return err
			}
			if dry {
				return errDry
			}
			return s.need.Audit(tx, audit.Entry{
				Actor: actor, Action: "stock.import", SubjectKind: "file", Subject: table.Hash, Detail: map[string]int{"rows": len(part), "refused": done.Refused},
			})
		})
		if err != nil && !errors.Is(err, errDry) {
			return report, err
		}
		report.Add(done)
		for _, row := range part {
			seen[placeOf(row)] = row.N
		}
	}
	return report, nil
}

// placeOf is what a file may name once.
func placeOf(row sheet.Row) string {
	return row.Get("sku") + "\x00" + row.Get("location") + "\x00" + cmp.Or(row.Get("condition"), string(stock.Sellable))
}

func (s *Service) importPart(tx *db.Tx, rows []sheet.Row, seen map[string]int, hash, actor string, report *sheet.Report) error {
	variants, codes, err := s.lookUp(tx, rows)
	if err != nil {
		return err
	}
	var counts []Counted
	var safety []Safety
	var shelves []Shelf
	here := map[string]int{}
	for _, row := range rows {
		c, err := countOf(row, variants, codes)
		if first := cmp.Or(seen[placeOf(row)], here[placeOf(row)]); err == nil && first != 0 {
			err = fault.Field("sku", "the same place stands in line %d already", first)
		}
		if err != nil {
			report.Refuse(row.N, err)
			continue
		}
		here[placeOf(row)] = row.N
		c.RefKind, c.RefID, c.Actor = "import", hash, actor
		counts = append(counts, c)
		if n, _ := row.Int("safety", -1); n >= 0 && c.Condition == stock.Sellable {
			safety = append(safety, Safety{Variant: c.Variant, Location: c.Location, Quantity: n})
		}
		if shelf := row.Get("shelf"); shelf != "" && c.Condition == stock.Sellable {
			shelves = append(shelves, Shelf{Location: c.Location, Variant: c.Variant, Name: shelf})
		}
	}
	if err := s.open(tx, counts, report); err != nil {
		return err
	}
	if len(safety) > 0 {
		if err := s.SetSafety(tx, safety); err != nil {
			return err
		}
	}
	return s.SetShelves(tx, shelves)
}

// lookUp finds the SKUs and locations that rows name.
func (s *Service) lookUp(tx *db.Tx, rows []sheet.Row) (variants, codes map[string]string, err error) {
	var skus []string
	for _, row := range rows {
		skus = append(skus, row.Get("sku"))
	}
	if variants, err = s.need.Variants(tx, distinct(skus)); err != nil {
		return nil, nil, err
	}
	all, err := s.Locations(tx)
	codes = make(map[string]string, len(all))
	for _, l := range all {
		codes[l.Code] = l.ID
	}
	return variants, codes, err
}

// countOf reads one row.
func countOf(row sheet.Row, variants, codes map[string]string) (c Counted, err error) {
	c = Counted{Variant: variants[row.Get("sku")], Location: codes[row.Get("location")], Condition: stock.Condition(row.Get("condition")), Note: row.Get("note")}
	c.Condition = cmp.Or(c.Condition, stock.Sellable)
	switch {
	case c.Variant == "":
		return c, fault.Field("sku", "there is no SKU %q", row.Get("sku"))
	case c.Location == "":
		return c, fault.Field("location", "there is no location %q", row.Get("location"))
	case c.Condition != stock.Sellable && c.Condition != stock.Quarantine && c.Condition != stock.Damaged:
		return c, fault.Field("condition", "%q is not sellable, quarantine or damaged", c.Condition)
	case row.Get("quantity") == "":
		return c, fault.Field("quantity", "is missing")
	}
	if c.Quantity, err = row.Int("quantity", 0); err != nil {
		return c, err
	}
	if c.Quantity < 0 || c.Quantity > mostUnits {
		return c, fault.Field("quantity", "must be zero or more units that a location can hold")
	}
	if utf8.RuneCountInString(row.Get("shelf")) > mostShelf {
		return c, fault.Field("shelf", "is at most %d letters", mostShelf)
	}
	if n, err := row.Int("safety", 0); err != nil || n < 0 || n > mostUnits {
		return c, cmp.Or(err, error(fault.Field("safety", "must not be negative")))
	}
	return c, c.takeCost(row)
}

// takeCost reads what a unit cost; no cost is an unknown one.
func (c *Counted) takeCost(row sheet.Row) error {
	if row.Get("unit_cost") == "" {
		return nil
	}
	digits, ok := money.Exponent(row.Get("currency"))
	if !ok {
		return fault.Field("currency", "%q is not an ISO 4217 currency", row.Get("currency"))
	}
	text, err := row.Decimal("unit_cost", digits)
	if err != nil {
		return err
	}
	cost, err := money.Parse(text, row.Get("currency"))
	if err != nil || cost.Minor < 0 {
		return fault.Field("unit_cost", "%q %s is no cost", row.Get("unit_cost"), row.Get("currency"))
	}
	c.UnitCost, c.Currency = &cost.Minor, cost.Currency
	return nil
}

// open counts, and calls the first count of a place its opening stock.
func (s *Service) open(tx *db.Tx, counts []Counted, report *sheet.Report) error {
	known, err := s.onHand(tx, counts)
	if err != nil {
		return err
	}
	for i, c := range counts {
		have, ok := known[c.spot()]
		switch {
		case !ok:
			counts[i].Kind = stock.MoveOpening
			report.Added++
		case have != c.Quantity:
			report.Changed++
		default:
			report.Same++
		}
	}
	_, err = s.Count(tx, counts)
	return err
}

// onHand reads what the books have of places that ever had a movement.
func (s *Service) onHand(tx *db.Tx, counts []Counted) (map[spot]int64, error) {
	batch := db.NewBatch(0)
	for _, c := range counts {
		batch.Add(c.Variant, c.Location, cmp.Or(c.Condition, stock.Sellable))
	}
	known := map[spot]int64{}
	tx.SendQuery(`select l.variant_id, l.location_id, l.condition, l.on_hand from rows(v text, l text, c text)
		join stock_levels l on l.variant_id = r.v and l.location_id = r.l and l.condition = r.c
		where exists (select 1 from stock_movements m where m.variant_id = r.v and m.location_id = r.l and m.condition = r.c)`,
		func(row db.Scanner) error {
			var x spot
			var n int64
			err := row.Scan(&x.variant, &x.location, db.Text(&x.condition), &n)
			known[x] = n
			return err
		}, batch)
	return known, tx.Flush()
}

// Set sets on hand to what a person says, as Import does for a file. Each needs a reference of its own; repeating it changes nothing.
func (s *Service) Set(ctx context.Context, actor string, all []Counted) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		counts := slices.Clone(all)
		for i := range counts {
			counts[i].Actor = actor
		}
		if err := s.open(tx, counts, &sheet.Report{}); err != nil {
			return err
		}
		for _, c := range counts {
			if err := s.need.Audit(tx, audit.Entry{
				Actor: actor, Action: "stock.set", SubjectKind: "variant", Subject: c.Variant,
				Detail: map[string]any{"location_id": c.Location, "condition": c.Condition, "quantity": c.Quantity, "note": c.Note},
			}); err != nil {
				return err
			}
		}
		return nil
	})
}
