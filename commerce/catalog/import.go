package catalog

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/sheet"
)

// importRows is how many rows one transaction takes.
const importRows = 500

// importer takes the rows of one kind of file, part by part. Both what was accepted and what is known decide; only write changes anything.
type importer interface {
	columns() []sheet.Column
	// arrange sees all rows first.
	arrange(rows []sheet.Row) []sheet.Row
	// part judges rows and, unless dry, writes them. It may run again for the same rows; done is what is final.
	part(tx *db.Tx, rows []sheet.Row, dry bool, report *sheet.Report) (done func(), err error)
}

// Imports names the files that Import reads, with their columns.
func Imports() map[string][]sheet.Column {
	all := map[string][]sheet.Column{}
	for what, start := range importers {
		all[what] = start(nil).columns()
	}
	return all
}

var importers = map[string]func(*Service) importer{
	"products": func(s *Service) importer {
		return &productImport{s: s, first: map[string]int{}, accepted: map[string]bool{}}
	},
	"prices": func(s *Service) importer {
		return &priceImport{s: s, first: map[string]int{}, lists: map[string]List{}}
	},
	"costs": func(s *Service) importer { return &costImport{s: s, first: map[string]int{}} },
}

// Import reads a file of products, prices or costs. A row with a problem is left out and named in the report; the others are saved, 500 in one
// transaction, and what is already so is left as it is: the same file again changes nothing. A dry run judges the same and writes nothing.
// Fault: Invalid for another kind of file, or one that is no such table.
func (s *Service) Import(ctx context.Context, what string, r io.Reader, actor string, dry bool) (sheet.Report, error) {
	report := sheet.Report{What: what, Dry: dry}
	start, ok := importers[what]
	if !ok {
		return report, fault.Field("what", "%q is not products, prices or costs", what)
	}
	im := start(s)
	table, err := sheet.Read(r, im.columns())
	if err != nil {
		return report, err
	}
	report.Rows = len(table.Rows)
	for part := range slices.Chunk(im.arrange(table.Rows), importRows) {
		if err := s.importPart(ctx, im, part, table.Hash, actor, &report); err != nil {
			return report, err
		}
	}
	slices.SortStableFunc(report.Problems, func(a, b sheet.Problem) int { return a.Row - b.Row })
	return report, nil
}

func (s *Service) importPart(ctx context.Context, im importer, part []sheet.Row, hash, actor string, report *sheet.Report) error {
	open := s.need.DB.Write
	if report.Dry {
		open = s.need.DB.Read
	}
	var here sheet.Report
	var done func()
	err := open(db.Background(ctx), func(tx *db.Tx) (err error) {
		here = sheet.Report{}
		if done, err = im.part(tx, part, report.Dry, &here); err != nil || report.Dry || here.Added+here.Changed == 0 {
			return err
		}
		return s.need.Audit(tx, audit.Entry{
			Actor: actor, Action: "catalog.import", SubjectKind: "file", Subject: hash,
			Detail: map[string]any{"what": report.What, "added": here.Added, "changed": here.Changed, "refused": here.Refused},
		})
	})
	if err != nil {
		return err
	}
	done()
	report.Add(here)
	return nil
}

// moment reads a date (its first instant, UTC) or an instant; an empty cell is the zero time.
func moment(row sheet.Row, name string) (time.Time, error) {
	text := row.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fault.Field(name, "%q is neither a date like 2026-03-01 nor an instant with its zone", text)
}

// twice refuses what stands in an earlier line of the file.
func twice(first map[string]int, key string, line int) error {
	if at, ok := first[key]; ok && at != line {
		return fault.Field("sku", "the same stands in line %d already", at)
	}
	return nil
}
