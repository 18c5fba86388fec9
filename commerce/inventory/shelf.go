package inventory

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// mostShelf is how long the name of a shelf may be.
const mostShelf = 40

// Shelf says where in a location a variant lies, in the words of those who walk there: "A-02-3". It moves no stock.
type Shelf struct {
	Location string `json:"location_id"`
	Variant  string `json:"variant_id"`
	Name     string `json:"shelf"` // "" is nowhere in particular
}

// SetShelves says where variants lie; repeating it changes nothing. Fault: Invalid for a name that is too long, or the same place twice.
func (s *Service) SetShelves(tx *db.Tx, all []Shelf) error {
	batch := db.NewBatch(2)
	seen := map[[2]string]bool{}
	for i, x := range slices.SortedFunc(slices.Values(all), func(a, b Shelf) int {
		return cmp.Or(cmp.Compare(a.Location, b.Location), cmp.Compare(a.Variant, b.Variant))
	}) {
		name := strings.TrimSpace(x.Name)
		key := [2]string{x.Location, x.Variant}
		switch {
		case utf8.RuneCountInString(name) > mostShelf:
			return fault.Field(fieldOf("shelves", i)+".shelf", "is at most %d letters", mostShelf)
		case seen[key]:
			return fault.Field(fieldOf("shelves", i), "names the same place twice")
		}
		seen[key] = true
		batch.Add(x.Location, x.Variant, name)
	}
	_, err := tx.Exec(`insert into shelves (location_id, variant_id, shelf, updated_at) select r.l, r.v, r.n, $1 from rows(l text, v text, n text) where true
		on conflict (location_id, variant_id) do update set shelf = excluded.shelf, updated_at = excluded.updated_at where shelves.shelf <> excluded.shelf`, batch, tx.Now.UnixMicro())
	return err
}

// Shelves says where variants lie at a location, by variant; those that lie nowhere in particular are left out.
func (s *Service) Shelves(tx *db.Tx, location string, variants []string) (map[string]string, error) {
	rows, err := db.All(tx, func(row db.Scanner) (v [2]string, err error) {
		err = row.Scan(&v[0], &v[1])
		return v, err
	}, `select variant_id, shelf from shelves where location_id = $1 and shelf <> '' and variant_id in (select key from json_each($2))`, location, db.Keys(variants))
	by := make(map[string]string, len(rows))
	for _, r := range rows {
		by[r[0]] = r[1]
	}
	return by, err
}
