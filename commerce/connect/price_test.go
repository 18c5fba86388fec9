package connect

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// till is a channel whose price calls are seen and answered as told.
type till struct {
	channel.Channel
	asked   [][]string            // SKU and price of each call
	refuses map[string]error      // by SKU: no
	fails   error                 // the call as a whole
	during  func(context.Context) // while the call is under way
}

func (p *till) SetPrices(ctx context.Context, levels []channel.PriceLevel) ([]channel.Verdict, error) {
	var call []string
	for _, l := range levels {
		call = append(call, l.Listing.SKU+" "+l.Price.String())
	}
	slices.Sort(call)
	p.asked = append(p.asked, call)
	if p.during != nil {
		p.during(ctx)
	}
	if p.fails != nil {
		return nil, p.fails
	}
	all := make([]channel.Verdict, len(levels))
	for i, l := range levels {
		all[i].Err = p.refuses[l.Listing.SKU]
	}
	return all, nil
}

// prices is a house whose price lists say what the test says, at a channel that answers as the test says.
type prices struct {
	*house
	p    *till
	list map[string]int64 // by SKU; one that is missing has no price
}

func pricing(t *testing.T, d *db.DB) *prices {
	t.Helper()
	ctx := context.Background()
	h := &prices{house: setup(t, d, channel.Live), list: map[string]int64{"TEA-1": 1000, "RICE-5": 2000, "MUG": 3000}}
	o, err := h.s.open(ctx, h.acc.ID)
	must(t, err)
	h.p = &till{Channel: o.ch, refuses: map[string]error{}}
	h.s.mu.Lock()
	h.s.opened[h.acc.ID].ch = h.p
	h.s.mu.Unlock()
	h.s.need.Stock.Prices = func(tx *db.Tx, _ channel.Account, variants []string) (map[string]channel.PriceLevel, error) {
		byID := map[string]string{}
		for sku := range h.list {
			vs, err := h.cat.Variants(tx, []string{sku})
			if err != nil {
				return nil, err
			}
			byID[vs[sku]] = sku
		}
		all := map[string]channel.PriceLevel{}
		for _, v := range variants {
			if sku, ok := byID[v]; ok {
				all[v] = channel.PriceLevel{Price: money.Of(h.list[sku], "PKR")}
			}
		}
		return all, nil
	}
	return h
}

// round works prices out and pushes them, as far as they are due, and answers what was asked of the channel.
func (h *prices) round() [][]string {
	h.t.Helper()
	ctx := context.Background()
	h.p.asked = nil
	must(h.t, h.s.WorkOutPrices(ctx, h.acc.ID))
	must(h.t, h.d.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`update channel_prices set next_at = 0 where state = 'due'`)
		return err
	}))
	if err := h.s.PushPrices(ctx, h.acc.ID); err != nil && h.p.fails == nil {
		h.t.Fatal(err)
	}
	return h.p.asked
}

// states are the states of prices by SKU.
func (h *prices) states() map[string]string {
	h.t.Helper()
	all := map[string]string{}
	must(h.t, h.d.Read(context.Background(), func(tx *db.Tx) error {
		_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
			var sku, state string
			err := row.Scan(&sku, &state)
			all[sku] = state
			return struct{}{}, err
		}, `select v.sku, p.state from channel_prices p join variants v on v.id = p.variant_id`)
		return err
	}))
	return all
}

func (h *prices) listing(sku string) string {
	h.t.Helper()
	var id string
	must(h.t, h.d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.QueryRow(`select p.listing_id from channel_prices p join variants v on v.id = p.variant_id where v.sku = $1`, sku).Scan(&id)
	}))
	return id
}

func TestPrices(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	all := [][]string{{"MUG PKR 30.00", "RICE-5 PKR 20.00", "TEA-1 PKR 10.00"}}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := pricing(t, d)
		if diff := cmp.Diff(all, h.round()); diff != "" {
			t.Fatal(diff)
		}
		t.Run("what the channel shows already is not told again", func(t *testing.T) {
			if asked := h.round(); len(asked) != 0 {
				t.Fatal(asked)
			}
		})
		t.Run("a price of nothing waits for a person", func(t *testing.T) {
			h.list["MUG"] = 0
			if asked := h.round(); len(asked) != 0 || h.states()["MUG"] != "held" {
				t.Fatalf("%v %v", asked, h.states())
			}
			if diff := cmp.Diff([]string{"price_held"}, h.causes()); diff != "" {
				t.Fatal(diff)
			}
			h.list["MUG"] = 3000 // it was a slip: nothing waits any more
			h.round()
			if h.states()["MUG"] != "told" || len(h.causes()) != 0 {
				t.Fatalf("%v %v", h.states(), h.causes())
			}
		})
		t.Run("a change past the limit waits for a person, one within goes", func(t *testing.T) {
			h.list["TEA-1"], h.list["RICE-5"] = 1301, 2600
			if diff := cmp.Diff([][]string{{"RICE-5 PKR 26.00"}}, h.round()); diff != "" {
				t.Fatal(diff)
			}
			if diff := cmp.Diff(map[string]string{"TEA-1": "held", "RICE-5": "told", "MUG": "told"}, h.states()); diff != "" {
				t.Fatal(diff)
			}
			must(t, h.s.AcceptPrice(ctx, h.acc.ID, h.listing("TEA-1"), "clerk"))
			if diff := cmp.Diff([][]string{{"TEA-1 PKR 13.01"}}, h.round()); diff != "" || len(h.causes()) != 0 {
				t.Fatalf("%s %v", diff, h.causes())
			}
			if err := h.s.AcceptPrice(ctx, h.acc.ID, h.listing("TEA-1"), "clerk"); !fault.Is(err, fault.NotFound) {
				t.Fatalf("accepted twice: %v", err)
			}
		})
		t.Run("one that is refused does not hold up the others, and comes to a person after three tries", func(t *testing.T) {
			h.p.refuses["MUG"] = fault.New(fault.Refused, "below the lowest price of its category")
			h.list["MUG"], h.list["RICE-5"] = 2900, 2500
			for i, want := range [][][]string{{{"MUG PKR 29.00", "RICE-5 PKR 25.00"}}, {{"MUG PKR 29.00"}}, {{"MUG PKR 29.00"}}, nil} {
				if diff := cmp.Diff(want, h.round()); diff != "" {
					t.Fatalf("round %d: %s", i, diff)
				}
			}
			if diff := cmp.Diff(map[string]string{"TEA-1": "told", "RICE-5": "told", "MUG": "refused"}, h.states()); diff != "" {
				t.Fatal(diff)
			}
			if diff := cmp.Diff([]string{"push_refused"}, h.causes()); diff != "" {
				t.Fatal(diff)
			}
			delete(h.p.refuses, "MUG")
			h.list["MUG"] = 3100
			h.round()
			if h.states()["MUG"] != "told" || len(h.causes()) != 0 {
				t.Fatalf("%v %v", h.states(), h.causes())
			}
		})
		t.Run("a call that fails leaves everything due", func(t *testing.T) {
			h.p.fails = fault.New(fault.Unavailable, "down")
			h.list["TEA-1"] = 1200
			h.round()
			h.p.fails = nil
			if diff := cmp.Diff([][]string{{"TEA-1 PKR 12.00"}}, h.round()); diff != "" || len(h.causes()) != 0 {
				t.Fatalf("%s %v", diff, h.causes())
			}
		})
		t.Run("a price that changes while one is under way waits for it, and goes then", func(t *testing.T) {
			h.list["TEA-1"] = 1100
			h.p.during = func(ctx context.Context) {
				h.p.during = nil
				h.list["TEA-1"] = 1050
				must(t, h.s.WorkOutPrices(ctx, h.acc.ID))
				must(t, h.s.PushPrices(ctx, h.acc.ID))
				if len(h.p.asked) != 1 {
					t.Errorf("two pushes of one price overlap: %v", h.p.asked)
				}
			}
			if diff := cmp.Diff([][]string{{"TEA-1 PKR 11.00"}, {"TEA-1 PKR 10.50"}}, h.round()); diff != "" {
				t.Fatal(diff)
			}
		})
		t.Run("listings that are gone do not stand before the others", func(t *testing.T) {
			must(t, d.Write(ctx, func(tx *db.Tx) error {
				b := db.NewBatch(2)
				for i := range 60 {
					b.Add(h.acc.ID, "gone-"+strings.Repeat("x", i), "v-gone")
				}
				_, err := tx.Exec(`insert into channel_prices (account_id, listing_id, variant_id, wanted, currency, state, attempts, next_at, updated_at, version)
					select a, l, v, 1, 'PKR', 'due', 0, -1, 0, 1 from rows(a text, l text, v text)`, b)
				return err
			}))
			h.list["TEA-1"] = 1000
			if diff := cmp.Diff([][]string{{"TEA-1 PKR 10.00"}}, h.round()); diff != "" {
				t.Fatal(diff)
			}
			if n := h.count(`select count(*) from channel_prices`); n != 3 {
				t.Fatalf("%d prices are kept", n)
			}
		})
	})
}

func TestPricesOfAShopThatReadsOurs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := pricing(t, d)
		h.list["MUG"] = 0
		h.round()
		if diff := cmp.Diff([]string{"price_held"}, h.causes()); diff != "" {
			t.Fatal(diff)
		}
		h.s.mu.Lock()
		h.s.opened[h.acc.ID].ch = struct{ channel.Channel }{h.p.Channel} // no PriceSetter, like channel/ownsite
		h.s.mu.Unlock()
		for range 2 {
			h.round()
			if n := h.count(`select count(*) from channel_prices`); n != 0 || len(h.p.asked) != 0 || len(h.causes()) != 0 {
				t.Fatalf("%d prices wait for a shop that reads ours; asked %v, raised %v", n, h.p.asked, h.causes())
			}
		}
	})
}
