package connect

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// shelf is a channel whose stock is read as the test says: other things happen before and after a reading.
type shelf struct {
	channel.Channel
	channel.Webhooker
	demo interface {
		channel.StockReader
		channel.StockSetter
	}
	before, after []func() // one for each reading
	reads         int
	hints         []channel.Hint
}

func (s *shelf) Stock(ctx context.Context, listings []channel.ListingRef) ([]channel.StockReading, error) {
	at := s.reads
	s.reads++
	if at < len(s.before) && s.before[at] != nil {
		s.before[at]()
	}
	all, err := s.demo.Stock(ctx, listings)
	if at < len(s.after) && s.after[at] != nil {
		s.after[at]()
	}
	return all, err
}

func (s *shelf) SetStock(ctx context.Context, levels []channel.StockLevel) ([]channel.Verdict, error) {
	return s.demo.SetStock(ctx, levels)
}

func (s *shelf) Verify(channel.Delivery) (channel.Receipt, error) {
	return channel.Receipt{ID: db.ID(), Topic: "stock"}, nil
}

func (s *shelf) Hints(channel.Delivery) ([]channel.Hint, error) { return s.hints, nil }

// looking is a house whose channel was told all its numbers: ten of each.
type looking struct {
	*house
	p *shelf
}

func look(t *testing.T, d *db.DB) *looking {
	t.Helper()
	h := &looking{house: setup(t, d, channel.Live)}
	o, err := h.s.open(t.Context(), h.acc.ID)
	must(t, err)
	h.p = &shelf{Channel: o.ch, Webhooker: o.ch.(channel.Webhooker)}
	h.p.demo = o.ch.(interface {
		channel.StockReader
		channel.StockSetter
	})
	h.s.mu.Lock()
	h.s.opened[h.acc.ID].ch = h.p
	h.s.mu.Unlock()
	h.tell()
	return h
}

// tell pushes all that changed.
func (h *looking) tell() {
	h.t.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = h.s.MarkChanged(context.Background(), 100)
		must(h.t, err)
	}
	for n := 1; n > 0; {
		var err error
		n, err = h.s.PushOnce(context.Background(), h.acc.ID)
		must(h.t, err)
	}
}

// compare runs the daily comparison and answers what was sure to differ.
func (h *looking) compare() []string {
	h.t.Helper()
	found, err := h.s.DriftOf(context.Background(), h.acc.ID, true)
	must(h.t, err)
	all := []string{}
	for _, d := range found {
		all = append(all, d.SKU)
	}
	return all
}

// byHand sets what the shop shows, as its owner can.
func (h *looking) byHand(sku string, n int64) {
	h.shop.Offer(sku, h.shop.Price(sku), n)
}

func (h *looking) want(what string, want, got any) {
	h.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Fatalf("%s: %s", what, diff)
	}
}

func TestDrift(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := look(t, d)
		again := func(before, after []func()) {
			h.p.reads, h.p.before, h.p.after = 0, before, after
		}
		sell := func() { h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1}) }
		t.Run("an order that is still on its way to us is no drift", func(t *testing.T) {
			sell()
			again(nil, nil)
			h.want("drift", []string{}, h.compare())
			h.want("cases", []string{}, h.causes())
			h.want("orders here", int64(1), h.count(`select count(*) from orders`))
			h.tell()
			h.want("shown", int64(9), h.shop.Shown("TEA-1"))
		})
		t.Run("an order that comes between two readings is none", func(t *testing.T) {
			h.byHand("MUG", 9) // so that there is something to confirm
			again([]func(){nil, sell}, nil)
			h.want("drift", []string{"MUG"}, h.compare())
			again(nil, nil)
			h.want("drift", []string{}, h.compare())
			h.tell()
			h.want("shown", []int64{8, 10}, []int64{h.shop.Shown("TEA-1"), h.shop.Shown("MUG")})
			must(t, h.s.PushStock(t.Context(), h.acc.ID, "clerk"))
			h.tell()
			h.want("cases", []string{}, h.causes())
		})
		t.Run("a number that is told while ours is read is none", func(t *testing.T) {
			again(nil, []func(){func() { // read, and then sold and told before it is compared
				sell()
				_, err := h.s.Poll(t.Context(), h.acc.ID)
				must(t, err)
				_, err = h.s.ImportOnce(t.Context())
				must(t, err)
				h.tell()
			}})
			h.want("drift", []string{}, h.compare())
			h.want("cases", []string{}, h.causes())
			h.want("shown", int64(7), h.shop.Shown("TEA-1"))
		})
		t.Run("an order that we have not told the number of yet is none", func(t *testing.T) {
			sell()
			again([]func(){func() {
				_, err := h.s.Poll(t.Context(), h.acc.ID)
				must(t, err)
				_, err = h.s.ImportOnce(t.Context())
				must(t, err)
			}}, nil)
			h.want("drift", []string{}, h.compare())
			h.want("cases", []string{}, h.causes())
			h.want("to be compared again", int64(1), h.count(`select count(*) from channel_stock where look_at is not null`))
			h.tell()
			h.want("shown", int64(6), h.shop.Shown("TEA-1"))
			h.due()
			h.looks(1)
			h.want("to be compared again", int64(0), h.count(`select count(*) from channel_stock where look_at is not null`))
		})
		t.Run("what somebody changed by hand is told again and raised, beside orders that flow", func(t *testing.T) {
			sell()
			h.byHand("RICE-5", 50)
			again(nil, nil)
			h.want("drift", []string{"RICE-5"}, h.compare())
			h.want("cases", []string{"stock_drift"}, h.causes())
			h.tell()
			h.want("shown", []int64{5, 10}, []int64{h.shop.Shown("TEA-1"), h.shop.Shown("RICE-5")})
		})
		t.Run("a report changes nothing", func(t *testing.T) {
			h.byHand("MUG", 3)
			found, err := h.s.DriftOf(t.Context(), h.acc.ID, false)
			must(t, err)
			if len(found) != 1 || found[0].Shows != 3 || found[0].Pending {
				t.Fatalf("%+v", found)
			}
			h.tell()
			h.want("shown", int64(3), h.shop.Shown("MUG"))
		})
	})
}

// due makes what is to be compared later due now.
func (h *looking) due() {
	h.t.Helper()
	must(h.t, h.d.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(`update channel_stock set look_at = 1 where look_at is not null`)
		return err
	}))
}

// looks compares what is due, so many listings.
func (h *looking) looks(n int) {
	h.t.Helper()
	got, err := h.s.LookOnce(context.Background(), h.acc.ID)
	must(h.t, err)
	h.want("listings compared", n, got)
}

func TestStockHints(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := look(t, d)
		// hint says that a listing shows so many now; -1 does not say how many.
		hint := func(name string, n int64) {
			t.Helper()
			one := channel.Hint{Subject: channel.AboutStock, External: name}
			if n >= 0 {
				one.Stock = &channel.Shown{Quantity: n}
			}
			h.p.hints = []channel.Hint{one}
			must(t, h.s.Receive(ctx, "demo-shop", nil, []byte(db.ID())))
		}
		marked := func() int64 { return h.count(`select count(*) from channel_stock where look_at is not null`) }
		t.Run("a number raised at the channel while ours stays is set right without waiting for the daily comparison", func(t *testing.T) {
			h.shop.Offer("MUG", money.Of(3000, "PKR"), 90)
			hint("MUG", 90)
			h.looks(0) // an order may be on its way
			h.due()
			h.looks(1)
			h.want("cases", []string{"stock_drift"}, h.causes())
			h.tell()
			h.want("shown", int64(10), h.shop.Shown("MUG"))
			h.want("marked", int64(0), marked())
			must(t, h.s.PushStock(ctx, h.acc.ID, "clerk"))
			h.tell()
		})
		t.Run("our own number, heard back, is equal", func(t *testing.T) {
			hint("MUG", -1)
			h.want("marked", int64(1), marked())
			h.due()
			h.looks(1)
			h.want("marked", int64(0), marked())
			h.want("cases", []string{}, h.causes())
		})
		t.Run("the news of an order before the order itself is no drift, nor the other way round", func(t *testing.T) {
			h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 2})
			hint("TEA-1", 8)
			h.due()
			h.looks(1) // brings the order in
			h.want("cases", []string{}, h.causes())
			h.tell()

			h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 2})
			_, err := h.s.Poll(ctx, h.acc.ID)
			must(t, err)
			_, err = h.s.ImportOnce(ctx)
			must(t, err)
			h.tell()
			hint("TEA-1", 6)
			h.due()
			h.looks(1)
			h.want("cases", []string{}, h.causes())
			h.want("shown", int64(6), h.shop.Shown("TEA-1"))
		})
		t.Run("a listing that nobody knows, or that is not mapped any more, is forgotten", func(t *testing.T) {
			hint("NONE", 5)
			h.want("marked", int64(0), marked())
			hint("MUG", -1)
			must(t, d.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(`update channel_products set active = false where sku = 'MUG'`)
				return err
			}))
			h.due()
			h.looks(0)
			h.want("marked", int64(0), marked())
		})
		t.Run("a process that dies while comparing leaves it to the next", func(t *testing.T) {
			hint("RICE-5", -1)
			h.due()
			must(t, d.Write(ctx, func(tx *db.Tx) error {
				_, err := h.s.takeLooks(tx, h.acc.ID)
				return err
			}))
			h.looks(0)
			if n := h.count(`select count(*) from channel_stock where look_at > 1`); n != 1 {
				t.Fatalf("%d numbers wait", n)
			}
		})
	})
}
