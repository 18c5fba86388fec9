package connect

import (
	"context"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// TestGoingLiveIsFinished has the database go away while the orders of an account that went live follow it.
func TestGoingLiveIsFinished(t *testing.T) {
	t.Parallel()
	away := fault.New(fault.Unavailable, "the database is away")
	broken := fault.New(fault.Internal, "an order is broken")
	// begun is an account that was switched to live and of whose three orders one has followed, page by page, before the second page failed.
	begun := func(t *testing.T, d *db.DB, fails map[int]error) (h *house, pages *int) {
		t.Helper()
		h = setup(t, d, channel.Shadow)
		for range 3 {
			h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 2})
		}
		h.work()
		pages = new(int)
		fails[2] = away
		h.s.need.Adopt = func(tx *db.Tx, acc channel.Account, after string, _ int) (string, bool, error) {
			*pages++
			if err := fails[*pages]; err != nil {
				return after, false, err
			}
			return h.ord.Adopt(tx, acc, after, 1)
		}
		_, err := h.s.SetMode(context.Background(), Switching{Account: h.acc.ID, Mode: channel.Live, OpenOrders: channel.OpenOurs, Accept: true, Actor: "clerk"})
		if !fault.Is(err, fault.Unavailable) || h.live() != 1 {
			t.Fatalf("%v, %d orders are live", err, h.live())
		}
		return h, pages
	}
	finished := func(t *testing.T, h *house) {
		t.Helper()
		h.work()
		told := h.count(`select count(*) from events where type = 'OrderCreated'`)
		if n, shown := h.live(), h.shop.Shown("TEA-1"); n != 3 || told != 3 || shown != 4 {
			t.Fatalf("%d of 3 orders are live, %d are told of, the shop shows %d of TEA-1", n, told, shown)
		}
	}

	t.Run("what the next start finds unfinished it tries until the database is back, and finishes once", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			h, pages := begun(t, d, map[int]error{3: away, 5: away})
			must(t, h.s.ResumeModes(context.Background()))
			finished(t, h)
			was := *pages
			must(t, h.s.ResumeModes(context.Background()))
			if *pages != was {
				t.Fatal("it was done once more")
			}
		})
	})

	t.Run("who switches again goes on where it stopped", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			h, _ := begun(t, d, map[int]error{})
			_, err := h.s.SetMode(context.Background(), Switching{Account: h.acc.ID, Mode: channel.Live, Accept: true, Actor: "clerk"})
			must(t, err)
			finished(t, h)
		})
	})

	t.Run("what does not go away is told at once and stays unfinished", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			h, _ := begun(t, d, map[int]error{3: broken})
			if err := h.s.ResumeModes(context.Background()); !fault.Is(err, fault.Internal) {
				t.Fatal(err)
			}
			must(t, h.s.ResumeModes(context.Background()))
			finished(t, h)
		})
	})

	t.Run("a process that is told to stop stops trying", func(t *testing.T) {
		t.Parallel()
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			h, pages := begun(t, d, map[int]error{})
			adopt := h.s.need.Adopt
			h.s.need.Adopt = func(tx *db.Tx, acc channel.Account, after string, limit int) (string, bool, error) {
				_, _, _ = adopt(tx, acc, after, limit)
				stop()
				return after, false, away
			}
			was := *pages
			if err := h.s.ResumeModes(ctx); !fault.Is(err, fault.Unavailable) || *pages == was {
				t.Fatalf("%v after %d pages", err, *pages-was)
			}
		})
	})
}

// live counts the account's orders that have followed it.
func (h *house) live() int64 {
	h.t.Helper()
	return h.count(`select count(*) from orders where mode = 'live' and ours`)
}
