package daraz_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/channeltest"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	simdaraz "github.com/openclaw-pos/commerce/sim/daraz"
)

func asFault(err error, f **fault.Error) bool { return errors.As(err, f) }

// place places orders at given times.
func (b *bench) place(t testing.TB, at ...time.Time) []string {
	t.Helper()
	var all []string
	for _, placed := range at {
		id, err := b.shop.PlaceOrder(simdaraz.OrderSpec{Items: []simdaraz.ItemSpec{{SKU: "KURTA-BLU-M"}}, Buyer: buyer, Placed: placed})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, id)
	}
	return all
}

// times are n moments, step apart.
func times(n int, step time.Duration) []time.Time {
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	all := make([]time.Time, n)
	for i := range all {
		all[i] = start.Add(time.Duration(i) * step)
	}
	return all
}

// listing reads all orders from a cursor on.
func (a *account) listing(t testing.TB, since channel.Cursor) (got []string, last channel.Cursor, err error) {
	t.Helper()
	for c, err := range a.Orders(t.Context(), since) {
		if err != nil {
			return got, last, err
		}
		got, last = append(got, c.External), c.Cursor
	}
	return got, last, nil
}

func TestOrders(t *testing.T) {
	t.Parallel()
	t.Run("many_pages_are_read_without_an_offset", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		placed := b.place(t, times(57, time.Minute)...)
		a := b.open(t, map[string]string{"page_size": "10", "items_batch": "4"})
		got, last, err := a.listing(t, "")
		if diff := cmp.Diff(placed, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		for _, e := range b.market.Told("/orders/get") {
			if strings.Contains(string(e.Request), "offset") {
				t.Errorf("an offset was used: %s", e.Request)
			}
		}
		if at, err := time.Parse(time.RFC3339, string(last[:20])); err != nil || !at.Equal(times(57, time.Minute)[56]) {
			t.Errorf("the last cursor is %q (%v)", last, err)
		}
	})
	t.Run("the_next_read_overlaps_by_half_an_hour", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		placed := b.place(t, times(100, time.Minute)...)
		a := b.open(t, nil)
		_, last, err := a.listing(t, "")
		if err != nil {
			t.Fatal(err)
		}
		again, cursor, err := a.listing(t, last)
		if diff := cmp.Diff(placed[69:], again); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if cursor[:20] != last[:20] {
			t.Errorf("the cursor went from %s to %s", last, cursor)
		}
	})
	t.Run("an_order_that_moves_to_the_end_while_pages_are_read_hides_no_other", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		placed := b.place(t, times(40, time.Minute)...)
		a := b.open(t, map[string]string{"page_size": "10"})
		seen := map[string]int{}
		for c, err := range a.Orders(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if seen[c.External]++; len(seen) == 5 && seen[c.External] == 1 {
				// With offsets everything behind these would slide over the page's edge.
				for _, id := range placed[:5] {
					v, _ := b.shop.OrderView(id)
					if err := b.shop.BuyerCancel("", v.Units[0].ID); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		for i, id := range placed {
			if want := map[bool]int{true: 2, false: 1}[i < 5]; seen[id] != want {
				t.Errorf("order %d was read %d times, want %d", i, seen[id], want)
			}
		}
	})
	t.Run("one_second_that_fills_pages_is_read_by_offset", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		placed := b.place(t, append(append(times(3, time.Minute), times(35, 0)...), times(3, time.Hour)...)...)
		a := b.open(t, map[string]string{"page_size": "10", "offset_ceiling": "100"})
		got, _, err := a.listing(t, "")
		slices.Sort(got)
		slices.Sort(placed)
		if diff := cmp.Diff(placed, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
	t.Run("one_second_beyond_the_greatest_offset_says_so", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{Orders: simdaraz.Orders{OffsetCeiling: 100}})
		b.place(t, times(130, 0)...)
		a := b.open(t, map[string]string{"page_size": "10", "offset_ceiling": "100"})
		got, _, err := a.listing(t, "")
		want(t, err, fault.Refused, "")
		if len(got) != 110 {
			t.Errorf("%d orders before it", len(got))
		}
	})
	t.Run("every_date_style_sorts_alike", func(t *testing.T) {
		t.Parallel()
		for _, style := range []simdaraz.DateStyle{simdaraz.DatesMixed, simdaraz.DatesISO, simdaraz.DatesSpaced, simdaraz.DatesMillis, simdaraz.DatesLocal} {
			b := startBench(t, simdaraz.Config{Orders: simdaraz.Orders{Dates: style}})
			placed := b.place(t, times(12, 10*time.Second)...)
			a := b.open(t, map[string]string{"page_size": "5"})
			got, _, err := a.listing(t, "")
			if diff := cmp.Diff(placed, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", style, err, diff)
			}
			if o := a.order(t, placed[3]); !o.PlacedAt.Equal(times(12, 10*time.Second)[3]) {
				t.Errorf("%s: placed at %s", style, o.PlacedAt)
			}
		}
	})
	t.Run("the_page_size_goes_under_the_name_that_is_set", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{Orders: simdaraz.Orders{LimitParam: "limt"}})
		placed := b.place(t, times(12, time.Minute)...)
		a := b.open(t, map[string]string{"page_size": "5", "limit_param": "limt"})
		got, _, err := a.listing(t, "")
		if diff := cmp.Diff(placed, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
	t.Run("a_cursor_of_somebody_else_is_invalid", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		_, _, err := b.open(t, nil).listing(t, "offset=100")
		want(t, err, fault.Invalid, "")
	})
}

func TestListings(t *testing.T) {
	t.Parallel()
	t.Run("all_are_read_over_many_pages", func(t *testing.T) {
		t.Parallel()
		var clock atomic.Int64
		clock.Store(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Unix())
		b := startBench(t, simdaraz.Config{Now: func() time.Time { return time.Unix(clock.Load(), 0) }})
		wanted := map[string]bool{"KURTA-BLU-M": true, "SALT & PEPPER": true}
		for i := range 130 {
			clock.Add(int64(i % 3)) // several in one second
			sku := fmt.Sprintf("SKU-%03d", i)
			b.shop.AddProduct(sku, "", 10000, 5)
			wanted[sku] = true
		}
		a := b.open(t, nil)
		var last channel.Cursor
		for l, err := range a.Channel.(channel.Lister).Listings(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if !wanted[l.Ref.SKU] {
				t.Errorf("%s is there twice, or not ours", l.Ref.SKU)
			}
			delete(wanted, l.Ref.SKU)
			last = l.Cursor
			if !l.Active || l.Quantity == nil || l.Price.IsZero() || l.Ref.External == "" || l.Ref.Alt == "" || l.Ref.Parent == "" {
				t.Errorf("%+v", l)
			}
		}
		if len(wanted) > 0 {
			t.Errorf("missing %v", wanted)
		}
		clock.Add(7200)
		b.shop.AddProduct("LATER", "", 10000, 5)
		n := 0
		for l, err := range a.Channel.(channel.Lister).Listings(t.Context(), last) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; l.Ref.SKU == "LATER" {
				return
			}
		}
		t.Errorf("what came later is not among %d", n)
	})
}

func TestStock(t *testing.T) {
	t.Parallel()
	t.Run("twenty_skus_go_at_once_and_each_has_its_verdict", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		var levels []channel.StockLevel
		for i := range 45 {
			sku := fmt.Sprintf("SKU-%02d", i)
			if i%10 != 3 {
				b.shop.AddProduct(sku, "", 10000, 1)
			}
			if i == 7 {
				b.shop.Campaign(sku, true, 0)
				levels = append(levels, channel.StockLevel{Listing: channel.ListingRef{SKU: sku}, Quantity: 0})
				continue
			}
			levels = append(levels, channel.StockLevel{Listing: channel.ListingRef{SKU: sku}, Quantity: int64(100 + i)})
		}
		v, err := b.open(t, nil).Channel.(channel.StockSetter).SetStock(t.Context(), levels)
		if err != nil || len(v) != len(levels) {
			t.Fatalf("%d verdicts, %v", len(v), err)
		}
		for i, l := range levels {
			switch {
			case i == 7:
				want(t, v[i].Err, fault.Refused, "4170")
			case i%10 == 3:
				want(t, v[i].Err, fault.Refused, "501")
			case v[i].Err != nil || b.shop.Stock(l.Listing.SKU).Real != 100+i:
				t.Errorf("%s: %v, stock %+v", l.Listing.SKU, v[i].Err, b.shop.Stock(l.Listing.SKU))
			}
		}
		for _, e := range b.market.Told("/product/price_quantity/update") {
			if n := strings.Count(string(e.Request), "/SellerSku"); n > 20 {
				t.Errorf("%d SKUs in one call", n)
			}
		}
	})
	t.Run("a_total_below_the_open_units_is_refused_for_that_sku", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		for range 3 {
			b.place(t, time.Now())
		}
		a := b.open(t, nil).Channel.(channel.StockSetter)
		v, err := a.SetStock(t.Context(), []channel.StockLevel{
			{Listing: channel.ListingRef{SKU: "KURTA-BLU-M"}, Quantity: 2}, {Listing: channel.ListingRef{SKU: "SALT & PEPPER"}, Quantity: 2},
		})
		if err != nil {
			t.Fatal(err)
		}
		want(t, v[0].Err, fault.Refused, "501")
		if v[1].Err != nil || b.shop.Stock("SALT & PEPPER").Real != 2 {
			t.Errorf("%v %+v", v[1].Err, b.shop.Stock("SALT & PEPPER"))
		}
	})
	t.Run("warehouses_are_set_and_read_apart", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{Sellers: []simdaraz.Seller{{Warehouses: []string{"WH-KHI", "WH-LHE"}}}})
		a := b.open(t, nil)
		ref := channel.ListingRef{SKU: "KURTA-BLU-M"}
		v, err := a.Channel.(channel.StockSetter).SetStock(t.Context(), []channel.StockLevel{
			{Listing: ref, Location: "WH-KHI", Quantity: 11}, {Listing: ref, Location: "WH-LHE", Quantity: 22}, {Listing: ref, Location: "WH-KHI", Quantity: 12},
		})
		if err != nil || v[0].Err != nil || v[1].Err != nil || v[2].Err != nil {
			t.Fatalf("%v %v", v, err)
		}
		got, err := a.Channel.(channel.StockReader).Stock(t.Context(), []channel.ListingRef{ref, {SKU: "GHOST"}})
		wanted := []channel.StockReading{{Listing: ref, Location: "WH-KHI", Quantity: 12}, {Listing: ref, Location: "WH-LHE", Quantity: 22}}
		if diff := cmp.Diff(wanted, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
	t.Run("a_sku_that_xml_cannot_carry_never_leaves", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		v, err := b.open(t, nil).Channel.(channel.StockSetter).SetStock(t.Context(), []channel.StockLevel{{Listing: channel.ListingRef{SKU: "A\x01B"}, Quantity: 1}, {Quantity: 1}})
		if err != nil || len(b.market.Told("/product/price_quantity/update")) != 0 {
			t.Errorf("%v", err)
		}
		want(t, v[0].Err, fault.Invalid, "")
		want(t, v[1].Err, fault.Invalid, "")
	})
	t.Run("a_batch_that_fails_leaves_the_verdicts_before_it", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		var levels []channel.StockLevel
		for i := range 30 {
			sku := fmt.Sprintf("SKU-%02d", i)
			b.shop.AddProduct(sku, "", 10000, 1)
			levels = append(levels, channel.StockLevel{Listing: channel.ListingRef{SKU: sku}, Quantity: 5})
		}
		b.Fault(t, channeltest.Throttle, "set-stock", 1)
		a := b.open(t, nil).Channel.(channel.StockSetter)
		v, err := a.SetStock(t.Context(), levels)
		want(t, err, fault.Throttled, "ApiCallLimit")
		if len(v) != 0 {
			t.Errorf("%d verdicts", len(v))
		}
		v, err = a.SetStock(t.Context(), levels)
		if err != nil || len(v) != 30 {
			t.Errorf("%d verdicts, %v", len(v), err)
		}
	})
}

func TestPrices(t *testing.T) {
	t.Parallel()
	b := startBench(t, simdaraz.Config{})
	a := b.open(t, nil).Channel.(channel.PriceSetter)
	v, err := a.SetPrices(t.Context(), []channel.PriceLevel{
		{Listing: channel.ListingRef{SKU: "KURTA-BLU-M"}, Price: pkr(159900)},
		{Listing: channel.ListingRef{SKU: "SALT & PEPPER"}, Price: pkr(99900), Compare: pkr(114900)},
		{Listing: channel.ListingRef{SKU: "GHOST"}, Price: pkr(100)},
	})
	if err != nil || v[0].Err != nil || v[1].Err != nil {
		t.Fatalf("%v %v", v, err)
	}
	want(t, v[2].Err, fault.Refused, "501")
	if b.shop.Stock("KURTA-BLU-M").Price != 159900 || b.shop.Stock("SALT & PEPPER").Price != 114900 {
		t.Errorf("prices are %d and %d", b.shop.Stock("KURTA-BLU-M").Price, b.shop.Stock("SALT & PEPPER").Price)
	}
}

func pkr(minor int64) money.Amount { return money.Of(minor, "PKR") }
