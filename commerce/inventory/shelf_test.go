package inventory_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

func TestShelves(t *testing.T) {
	t.Parallel()
	shelves := func(s *shop, at string) map[string]string {
		return read(s, func(tx *db.Tx) (map[string]string, error) {
			return s.s.Shelves(tx, at, []string{"shirt", "mug", "shoe"})
		})
	}
	t.Run("a variant lies elsewhere in each location, and may lie nowhere in particular again", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.write(func(tx *db.Tx) error {
				return s.s.SetShelves(tx, []inventory.Shelf{{Location: s.w, Variant: "shirt", Name: "A-2"}, {Location: s.w, Variant: "mug", Name: " B-1 "}, {Location: s.a, Variant: "shirt", Name: "window"}})
			})
			if diff := cmp.Diff(map[string]string{"shirt": "A-2", "mug": "B-1"}, shelves(s, s.w)); diff != "" {
				s.Error(diff)
			}
			s.write(func(tx *db.Tx) error {
				return s.s.SetShelves(tx, []inventory.Shelf{{Location: s.w, Variant: "shirt"}, {Location: s.w, Variant: "mug", Name: "B-2"}})
			})
			if diff := cmp.Diff(map[string]string{"mug": "B-2"}, shelves(s, s.w)); diff != "" {
				s.Error(diff)
			}
			if diff := cmp.Diff(map[string]string{"shirt": "window"}, shelves(s, s.a)); diff != "" {
				s.Error(diff)
			}
			err := s.d.Write(context.Background(), func(tx *db.Tx) error {
				return s.s.SetShelves(tx, []inventory.Shelf{{Location: s.w, Variant: "mug", Name: strings.Repeat("x", 41)}})
			})
			if !fault.Is(err, fault.Invalid) {
				s.Errorf("a name of 41 letters: %v", err)
			}
		})
	})
	t.Run("a stock file says where goods lie", func(t *testing.T) {
		t.Parallel()
		each(t, func(s *shop) {
			s.skus["S-1"], s.skus["M-1"] = "shirt", "mug"
			file := "sku,location,quantity,shelf\nS-1,PK-WH,5,A-10\nM-1,PK-WH,2,\n"
			for range 2 {
				if _, err := s.s.Import(context.Background(), strings.NewReader(file), "cli:me", false); err != nil {
					s.Fatal(err)
				}
			}
			if diff := cmp.Diff(map[string]string{"shirt": "A-10"}, shelves(s, s.w)); diff != "" {
				s.Error(diff)
			}
		})
	})
}
