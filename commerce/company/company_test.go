package company

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/pos"
)

// till is a POS core that shows what a test gives it.
type till struct {
	pos.Core
	units  pos.Page[pos.OrgUnit]
	items  pos.Page[pos.Item]
	prices pos.Page[pos.Price]
	feed   pos.Feed
	down   error
}

func (c *till) OrgUnits(context.Context) (pos.Page[pos.OrgUnit], error) { return c.units, nil }
func (c *till) Items(context.Context) (pos.Page[pos.Item], error)       { return c.items, c.down }
func (c *till) Prices(context.Context) (pos.Page[pos.Price], error)     { return c.prices, nil }
func (c *till) Movements(context.Context, pos.Mark) (pos.Feed, error)   { return c.feed, nil }

// house is the company with what the other contexts hold; each keeps a fact once, by its reference, as they do.
type house struct {
	*Service
	d      *db.DB
	core   *till
	places map[string]Place // by code
	skus   map[string]string
	onHand map[Spot]int64
	facts  map[string]bool
	prices []Price
	saved  int // places written
}

func setup(d *db.DB) *house {
	h := &house{d: d, core: &till{}, places: map[string]Place{}, skus: map[string]string{}, onHand: map[Spot]int64{}, facts: map[string]bool{}}
	h.Service = New(Needs{
		DB: d, Name: "till", PriceList: "web",
		Audit: func(*db.Tx, ...audit.Entry) error { return nil },
		Core:  func(context.Context) (pos.Core, error) { return h.core, nil },
		Countries: func(_ *db.Tx, all []string) (map[string]Country, error) {
			out := map[string]Country{}
			for _, c := range all {
				out[c] = Country{Problem: "nobody sells in " + c}
			}
			out["PK"] = Country{LegalEntity: "pk", Zone: "Asia/Karachi"}
			return out, nil
		},
		Places:     func(*db.Tx, []string) (map[string]Place, error) { return h.places, nil },
		SavePlaces: h.savePlaces,
		Variants:   func(*db.Tx, []string) (map[string]string, error) { return h.skus, nil },
		SaveProducts: func(_ *db.Tx, all []Product) error {
			for _, p := range all {
				h.skus[p.SKU] = "variant of " + p.SKU
			}
			return nil
		},
		Stocked: func(_ *db.Tx, at []Spot) (map[Spot]bool, error) {
			out := map[Spot]bool{}
			for _, s := range at {
				_, out[s] = h.onHand[s]
			}
			return out, nil
		},
		Move: h.move,
		Count: func(_ *db.Tx, all []Counted) error {
			for _, c := range all {
				h.onHand[c.Spot] = c.Quantity
			}
			return nil
		},
		SavePrices: func(_ *db.Tx, all []Price) error {
			for _, p := range all {
				if !slices.Contains(h.prices, p) {
					h.prices = append(h.prices, p)
				}
			}
			return nil
		},
	})
	h.core.units = pos.Page[pos.OrgUnit]{Complete: true, Rows: []pos.OrgUnit{
		{ID: "u0", Type: pos.Country, Code: "PK", Name: "Pakistan", Country: "PK", Active: true},
		{ID: "u1", Type: pos.Branch, Code: "LHE-1", Name: "Liberty", Parent: "u0", Active: true},
		{ID: "u2", Type: pos.Warehouse, Code: "LHE-W", Parent: "u0", Active: true},
		{ID: "u3", Type: pos.Branch, Code: "OSL-1", Country: "NO", Active: true},
	}}
	h.core.items = pos.Page[pos.Item]{Complete: true, Rows: []pos.Item{{ID: "i1", SKU: "A", Name: "Kurta", UOM: "pcs", Branch: "u1", OnHand: 7, Active: true}}}
	return h
}

func (h *house) savePlaces(_ *db.Tx, all []Place) (ids []string, err error) {
	for _, p := range all {
		if p.ID == "" {
			p.ID = "place " + p.Code
		}
		h.places[p.Code] = p
		ids = append(ids, p.ID)
	}
	h.saved += len(all)
	return ids, nil
}

func (h *house) move(_ *db.Tx, all []stock.Movement) error {
	for _, m := range all {
		if fact := m.RefID + m.Variant + m.Location; !h.facts[fact] {
			h.facts[fact] = true
			h.onHand[Spot{m.Variant, m.Location}] += m.Delta
		}
	}
	return nil
}

func (h *house) sync(t *testing.T, o Options) Report {
	t.Helper()
	r, err := h.Sync(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (h *house) state(t *testing.T) (st State, open int) {
	t.Helper()
	err := h.d.Read(t.Context(), func(tx *db.Tx) (err error) {
		if st, err = h.Show(tx); err != nil {
			return err
		}
		found, _, err := exception.List(tx, exception.Filter{Cause: exception.StaleLocation}, "", 10)
		open = len(found)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return st, open
}

var shelf = Spot{"variant of A", "place LHE-1"}

func sale(id string, n int64) pos.Movement {
	return pos.Movement{ID: id, SKU: "A", Branch: "u1", Type: pos.MoveSale, Delta: -n, Date: "2026-11-20"}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(d)
		r := h.sync(t, Options{})
		want := map[string]Place{
			"LHE-1": {ID: "place LHE-1", Code: "LHE-1", Name: "Liberty", Kind: "branch", LegalEntity: "pk", Country: "PK", Zone: "Asia/Karachi", Active: true},
			"LHE-W": {ID: "place LHE-W", Code: "LHE-W", Name: "LHE-W", Kind: "warehouse", LegalEntity: "pk", Country: "PK", Zone: "Asia/Karachi", Active: true},
		}
		if diff := cmp.Diff(want, h.places); diff != "" || r.Problems != 1 {
			t.Errorf("branches and warehouses with a country of ours become places, %d problems: %s", r.Problems, diff)
		}

		// A capped list shows some; a complete one shows all there is.
		rest := h.core.units.Rows
		h.core.units = pos.Page[pos.OrgUnit]{Rows: rest[:2]}
		if r := h.sync(t, Options{}); r.Closed != 0 || !h.places["LHE-W"].Active {
			t.Errorf("a list that shows some closed a place: %+v", r)
		}
		h.core.units.Complete = true
		if r := h.sync(t, Options{}); r.Closed != 1 || h.places["LHE-W"].Active || !h.places["LHE-1"].Active {
			t.Errorf("a complete list without the warehouse: %+v %+v", r, h.places)
		}
		h.core.units.Rows = nil
		if _, err := h.Sync(t.Context(), Options{}); !fault.Is(err, fault.Unavailable) || !h.places["LHE-1"].Active {
			t.Errorf("a core that shows nothing at all: %v", err)
		}

		// A place that changed its code there is not made a second time here.
		h.core.units.Rows = []pos.OrgUnit{rest[0], {ID: "u1", Type: pos.Branch, Code: "LHE-9", Parent: "u0", Active: true}}
		h.sync(t, Options{})
		if _, made := h.places["LHE-9"]; made {
			t.Error("a renamed branch became a second place")
		}
	})
}

func TestStock(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(d)
		h.core.feed = pos.Feed{Mark: "1", Rows: []pos.Movement{sale("m1", 2)}}
		if r := h.sync(t, Options{}); r.Opened != 1 || r.Movements != 0 || h.onHand[shelf] != 7 {
			t.Fatalf("the stock is taken as it is shown, what had moved is in it: %+v %v", r, h.onHand)
		}
		saved := h.saved
		if r := h.sync(t, Options{}); r.Opened != 0 || r.Movements != 0 || r.Products != 0 || r.Places != 0 || h.onHand[shelf] != 7 || h.saved != saved {
			t.Fatalf("a second reading of the same changed something: %+v %v", r, h.onHand)
		}
		h.core.feed = pos.Feed{Mark: "2", Rows: []pos.Movement{sale("m1", 2), sale("m2", 3)}}
		h.sync(t, Options{})
		if h.sync(t, Options{}); h.onHand[shelf] != 4 {
			t.Errorf("a sale at the till counts once, and one seen before not again: %v", h.onHand)
		}

		h.core.down = fault.New(fault.Unavailable, "the core is away")
		if _, err := h.Sync(t.Context(), Options{}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("the core's fault is passed on: %v", err)
		}
		if st, _ := h.state(t); st.Readings[1].FailedAt.IsZero() || st.Readings[1].ReadAt.IsZero() {
			t.Errorf("it is not noted beside the reading before it: %+v", st.Readings[1])
		}
		h.core.down = nil
		h.sync(t, Options{})
		if st, _ := h.state(t); !st.Readings[1].FailedAt.IsZero() {
			t.Errorf("it is away after it answered: %+v", st.Readings[1])
		}
	})
}

func TestStale(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(d)
		h.core.feed = pos.Feed{Mark: "1", Rows: []pos.Movement{sale("m1", 2)}}
		h.sync(t, Options{})
		h.core.feed = pos.Feed{Mark: "9", Rows: []pos.Movement{sale("m9", 1)}, Gap: true}
		for range 2 {
			r := h.sync(t, Options{})
			if st, open := h.state(t); !r.Stale || st.Readings[1].StaleAt.IsZero() || open != 1 || h.onHand[shelf] != 6 {
				t.Fatalf("movements were lost: %+v, %d cases, %v", r, open, h.onHand)
			}
		}
		h.core.feed.Gap = false
		if r := h.sync(t, Options{}); !r.Stale {
			t.Error("stock is fresh again although nobody counted")
		}
		h.core.items.Rows[0].OnHand = 5
		r := h.sync(t, Options{Recount: true, Actor: "clerk"})
		if _, open := h.state(t); r.Stale || open != 0 || h.onHand[shelf] != 5 {
			t.Errorf("a recount of everything: %+v, %d cases, %v", r, open, h.onHand)
		}

		h.core.feed.Gap = true
		h.sync(t, Options{})
		for range 2 {
			if err := h.Fresh(t.Context(), "clerk"); err != nil {
				t.Fatal(err)
			}
		}
		if st, open := h.state(t); !st.Readings[1].StaleAt.IsZero() || open != 0 {
			t.Errorf("a person said that the stock is right: %+v, %d cases", st.Readings[1], open)
		}
	})
}

func TestPrices(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(d)
		at := func(id, list string, minor int64) pos.Price {
			return pos.Price{ID: id, SKU: "A", List: list, Country: "PK", Amount: money.Of(minor, "PKR"), Active: true}
		}
		dated, off, lost, odd := at("p2", "web", 90000), at("p3", "web", 80000), at("p4", "web", 1), at("p5", "web", 1)
		dated.From, dated.To = "2026-11-01", "2026-11-30"
		off.From, off.Active = "2026-10-01", false
		lost.SKU, odd.From, odd.To = "Z", "2026-12-02", "2026-12-01"
		h.core.prices = pos.Page[pos.Price]{Complete: true, Rows: []pos.Price{at("p1", "web", 95000), at("p0", "web", 99000), at("p6", "counter", 5), dated, off, lost, odd}}
		h.sync(t, Options{})
		r := h.sync(t, Options{})
		day := func(month time.Month, day int) time.Time {
			return time.Date(2026, month, day, 0, 0, 0, 0, time.FixedZone("Karachi", 5*60*60)).UTC()
		}
		want := []Price{
			{Country: "PK", Currency: "PKR", Variant: "variant of A", Amount: 95000, From: epoch},
			{Country: "PK", Currency: "PKR", Variant: "variant of A", Amount: 90000, From: day(11, 1), To: day(12, 1)},
			{Country: "PK", Currency: "PKR", Variant: "variant of A", Amount: 80000, From: day(10, 1), To: day(10, 1).Add(time.Microsecond)},
		}
		if diff := cmp.Diff(want, h.prices); diff != "" {
			t.Errorf("the newest of our list, by the country's days, each once: %s", diff)
		}
		if st, _ := h.state(t); r.Prices != 3 || len(st.Readings[2].Problems) != 2 {
			t.Errorf("%+v, problems %v", r, st.Readings[2].Problems)
		}
	})
}
