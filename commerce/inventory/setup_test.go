package inventory_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// shop is one company in Lahore with a warehouse and two branches, and what tests ask of it.
type shop struct {
	*testing.T
	d     *db.DB
	s     *inventory.Service
	clock *dbtest.Clock
	n     int // references used

	acts    []string
	w, a, b string // warehouse and branches, in the order sourcing prefers them
	kits    map[string][]event.Part
	skus    map[string]string
	routes  map[string]inventory.Route
}

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// each runs a story in a shop of its own, on both engines.
func each(t *testing.T, story func(s *shop)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, ...dbtest.Config) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := dbtest.NewClock(start)
			story(setup(t, open(t, dbtest.Config{Now: clock.Now}), clock))
		})
	}
}

func setup(t *testing.T, d *db.DB, clock *dbtest.Clock) *shop {
	t.Helper()
	s := &shop{T: t, d: d, clock: clock, kits: map[string][]event.Part{}, skus: map[string]string{}, routes: map[string]inventory.Route{}}
	s.s = inventory.New(inventory.Needs{
		DB: d,
		Parts: func(_ *db.Tx, variants []string) (map[string][]event.Part, error) {
			out := map[string][]event.Part{}
			for _, v := range variants {
				if parts, ok := s.kits[v]; ok {
					out[v] = parts
				}
			}
			return out, nil
		},
		Variants: func(_ *db.Tx, skus []string) (map[string]string, error) {
			out := map[string]string{}
			for _, sku := range skus {
				if v, ok := s.skus[sku]; ok {
					out[sku] = v
				}
			}
			return out, nil
		},
		Routes: func(_ *db.Tx, orders []string) (map[string]inventory.Route, error) {
			out := map[string]inventory.Route{}
			for _, o := range orders {
				if r, ok := s.routes[o]; ok {
					out[o] = r
				} else {
					out[o] = inventory.Route{LegalEntity: "le", Country: "PK"}
				}
			}
			return out, nil
		},
		Unheard: func(*db.Tx, string) (time.Duration, time.Duration, error) {
			return inventory.DefaultHalf, inventory.DefaultNone, nil
		},
		Audit: func(_ *db.Tx, entries ...audit.Entry) error {
			for _, e := range entries {
				s.acts = append(s.acts, e.Action)
			}
			return nil
		},
	})
	s.write(func(tx *db.Tx) error {
		ids, err := s.s.SaveLocations(tx, []inventory.Location{
			{Code: "PK-WH", Name: "Warehouse", Kind: inventory.Warehouse, LegalEntity: "le", Country: "PK", City: "Lahore", Zone: "Asia/Karachi", Priority: 1, Fulfils: true, Active: true},
			{Code: "PK-A", Name: "Liberty", Kind: inventory.Branch, LegalEntity: "le", Country: "PK", City: "Lahore", Zone: "Asia/Karachi", Priority: 2, Fulfils: true, Active: true},
			{Code: "PK-B", Name: "Clifton", Kind: inventory.Branch, LegalEntity: "le", Country: "PK", City: "Karachi", Zone: "Asia/Karachi", Priority: 3, Fulfils: true, Active: true},
		})
		if err == nil {
			s.w, s.a, s.b = ids[0], ids[1], ids[2]
		}
		return err
	})
	return s
}

func (s *shop) write(fn func(tx *db.Tx) error) {
	s.Helper()
	if err := s.d.Write(context.Background(), fn); err != nil {
		s.Fatal(err)
	}
}

// read asks for something in a transaction of its own.
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

// put receives goods.
func (s *shop) put(variant, location string, n int64) {
	s.Helper()
	s.move(stock.Movement{Variant: variant, Location: location, Delta: n, Kind: stock.MoveReceipt})
}

// move records a fact under a new reference, unless it has one.
func (s *shop) move(m stock.Movement) {
	s.Helper()
	if m.RefID == "" {
		s.n++
		m.RefKind, m.RefID = "test", fmt.Sprint(s.n)
	}
	s.write(func(tx *db.Tx) error { return s.s.Move(tx, []stock.Movement{m}) })
}

// line is an order line's demand.
func (s *shop) line(id, variant string, n, rank int64) stock.Demand {
	return stock.Demand{
		Holder: stock.ByLine, HolderID: id, OrderID: "order-" + id, Variant: variant, Quantity: n, Rank: rank,
		Prefer: []string{s.w, s.a, s.b}, Sold: true, Partial: true,
	}
}

func (s *shop) cart(id, variant string, n int64) stock.Demand {
	return stock.Demand{
		Holder: stock.ByCart, HolderID: id, Variant: variant, Quantity: n, Prefer: []string{s.w, s.a, s.b}, Expires: s.clock.Now().Add(15 * time.Minute),
	}
}

func (s *shop) reserve(ds ...stock.Demand) (out stock.Outcome) {
	s.Helper()
	s.write(func(tx *db.Tx) (err error) {
		out, err = s.s.Reserve(tx, ds)
		return err
	})
	return out
}

func (s *shop) release(rs ...inventory.Release) {
	s.Helper()
	s.write(func(tx *db.Tx) error { return s.s.Release(tx, rs) })
}

// at is "on hand/reserved" of the sellable stock at a place.
func (s *shop) at(variant, location string) string {
	s.Helper()
	return read(s, func(tx *db.Tx) (string, error) {
		return db.One(tx, func(row db.Scanner) (string, error) {
			var onHand, reserved int64
			err := row.Scan(&onHand, &reserved)
			return fmt.Sprintf("%d/%d", onHand, reserved), err
		}, `select on_hand, reserved from stock_levels where variant_id = $1 and location_id = $2 and condition = 'sellable'`, variant, location)
	})
}

// short is what orders lack, by the line's name.
func (s *shop) short(lines ...string) map[string]int64 {
	s.Helper()
	var orders []string
	for _, l := range lines {
		orders = append(orders, "order-"+l)
	}
	found := read(s, func(tx *db.Tx) (map[string]int64, error) { return s.s.ShortOf(tx, orders) })
	out := map[string]int64{}
	for _, l := range lines {
		if n := found["order-"+l]; n != 0 {
			out[l] = n
		}
	}
	return out
}

func (s *shop) cases(cause string) []exception.Row {
	s.Helper()
	return read(s, func(tx *db.Tx) ([]exception.Row, error) {
		rows, _, err := exception.List(tx, exception.Filter{Cause: cause}, "", 500)
		return rows, err
	})
}

// proof fails the test when an invariant does not hold.
func (s *shop) proof() {
	s.Helper()
	for _, wrong := range read(s, s.s.Verify) {
		s.Error(wrong)
	}
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
