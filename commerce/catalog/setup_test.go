package catalog_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// shop is a catalog of its own.
type shop struct {
	*testing.T
	d    *db.DB
	s    *catalog.Service
	acts []string
}

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// each tells a story on both engines.
func each(t *testing.T, story func(s *shop)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := &shop{T: t, d: d}
		s.s = catalog.New(catalog.Needs{
			DB: d,
			Audit: func(_ *db.Tx, entries ...audit.Entry) error {
				for _, e := range entries {
					s.acts = append(s.acts, e.Action)
				}
				return nil
			},
			Entities: func(_ *db.Tx, codes []string) (map[string]string, error) {
				out := map[string]string{}
				for _, c := range codes {
					if c == "PK1" {
						out[c] = "entity-pk"
					}
				}
				return out, nil
			},
		})
		story(s)
	}, dbtest.Config{Now: func() time.Time { return now }})
}

func (s *shop) write(fn func(tx *db.Tx) error) {
	s.Helper()
	if err := s.d.Write(context.Background(), fn); err != nil {
		s.Fatal(err)
	}
}

func read[T any](s *shop, fn func(tx *db.Tx) (T, error)) (out T) {
	s.Helper()
	err := s.d.Read(context.Background(), func(tx *db.Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return out
}

func (s *shop) products(all ...catalog.NewProduct) {
	s.Helper()
	s.write(func(tx *db.Tx) error { return s.s.SaveProducts(tx, all) })
}

func (s *shop) id(sku string) string {
	s.Helper()
	return read(s, func(tx *db.Tx) (string, error) {
		v, err := s.s.BySKU(tx, sku)
		return v.ID, err
	})
}

func (s *shop) resolve(q ...catalog.ListingQuery) (out []catalog.Resolved) {
	s.Helper()
	s.write(func(tx *db.Tx) (err error) {
		out, err = s.s.Resolve(tx, q)
		return err
	})
	return out
}

// told lists what was said about a listing: the variant, again and again.
func (s *shop) told(listing string) (variants []string) {
	s.Helper()
	for _, e := range read(s, func(tx *db.Tx) ([]outbox.Stored, error) { return outbox.OfAggregate(tx, "listing:"+listing) }) {
		b, err := outbox.Decode[catalog.Mapped](e)
		if err != nil || e.Type != catalog.EventMapped || b.Listing != listing {
			s.Errorf("a strange event %+v, %v", e, err)
		}
		variants = append(variants, b.Variant)
	}
	return variants
}

func same(t testing.TB, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func refused(t testing.TB, want fault.Kind, err error) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("want %s, got %v", want, err)
	}
}
