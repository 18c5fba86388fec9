package connect

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

// sale is one unit of a SKU sold on one of three channels.
func sale(d *db.DB, i int) channel.Arrival {
	at := d.Now()
	price := money.Of(50000, "PKR")
	id := fmt.Sprintf("buyer-%03d", i)
	return channel.Arrival{
		Inbox: id, Source: "webhook", Hash: id, Buyer: id, AddressOK: true,
		Account: channel.Account{
			ID: fmt.Sprintf("acc-%d", i%3), Channel: []string{"shopify", "daraz", "demo"}[i%3], Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: "le-1",
			Mode: channel.Live, Settings: map[string]string{},
		},
		Change: channel.Change{External: id, Version: at, ReadAt: at},
		Order: channel.Order{
			External: id, Number: "#" + id, Version: at, PlacedAt: at, Status: channel.Open, Statuses: map[string]string{}, Country: "PK", Currency: "PKR",
			TaxMode: channel.TaxNone, Money: channel.MoneyComplete, Total: price,
			Lines: []channel.Line{{
				External: "l1", Listing: channel.ListingRef{External: "x-TEA-1", SKU: "TEA-1"}, Title: "Tea", Quantity: 1, UnitPrice: price, Total: price,
				FulfilledBy: channel.Seller, Ships: true,
			}},
			Payments: []channel.Payment{{External: "p1", Method: channel.PayCard, Status: channel.Paid, Amount: price, At: at}},
		},
	}
}

func TestRace(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		tea := h.stockUp("TEA-1", 30)
		for _, c := range []string{"shopify", "daraz", "demo"} {
			must(t, h.ord.Stock(ctx, "PK", c, 600))
		}
		stop, watched := make(chan struct{}), make(chan int)
		go func() { watched <- h.watch(stop) }()
		var wg sync.WaitGroup
		var next, short atomic.Int64
		for range 8 {
			wg.Go(func() {
				for i := int(next.Add(1)) - 1; i < 300; i = int(next.Add(1)) - 1 {
					short.Add(h.buy(ctx, i))
				}
			})
		}
		wg.Wait()
		close(stop)
		if <-watched == 0 {
			t.Error("nobody watched")
		}
		if n := h.count(`select cast(sum(quantity) as bigint) from reservations where variant_id = $1`, tea); n != 40 {
			t.Errorf("%d units are reserved of 40", n)
		}
		if n := h.count(`select cast(coalesce(sum(reserved), 0) as bigint) from stock_levels where variant_id = $1`, tea); n != 40 {
			t.Errorf("the level counts %d reserved", n)
		}
		if short.Load() != 260 || h.count(`select count(*) from orders where number is not null and external like 'buyer-%'`) != 300 {
			t.Errorf("%d units are short", short.Load())
		}
		if n := h.count(`select count(*) from exceptions where cause = 'shortage' and state = 'open'`); n != 260 {
			t.Errorf("%d cases for 260 shortages", n)
		}
		must(t, d.Read(ctx, func(tx *db.Tx) error {
			wrong, err := h.inv.Verify(tx)
			if len(wrong) > 0 {
				t.Errorf("%v", wrong)
			}
			return err
		}))
	})
}

// stockUp puts more of a SKU into the warehouse and answers its variant.
func (h *house) stockUp(sku string, n int64) string {
	h.t.Helper()
	var variant string
	must(h.t, h.d.Write(context.Background(), func(tx *db.Tx) error {
		vs, err := h.cat.Variants(tx, []string{sku})
		if err != nil {
			return err
		}
		variant = vs[sku]
		return h.inv.Move(tx, []stock.Movement{{Variant: variant, Location: h.location, Condition: stock.Sellable, Delta: n, Kind: stock.MoveReceipt, RefKind: "test", RefID: "more", Actor: "test", At: tx.Now}})
	}))
	return variant
}

// buy imports one buyer's order, as often as another process is first, and answers how many units it is short of.
func (h *house) buy(ctx context.Context, i int) int64 {
	var short int64
	a := sale(h.d, i)
	err := h.d.Write(ctx, func(tx *db.Tx) error {
		landed, err := h.ord.Import(tx, []channel.Arrival{a})
		if err == nil && landed[0].Decision != channel.Imported {
			return fmt.Errorf("buyer %d: %+v", i, landed[0])
		}
		if err == nil {
			short = landed[0].Short
		}
		return err
	})
	if err != nil {
		h.t.Error(err)
	}
	return short
}

// watch looks for a level with more reserved than on hand until stop is closed, and says how often it looked.
func (h *house) watch(stop <-chan struct{}) (looked int) {
	for {
		select {
		case <-stop:
			return looked
		case <-time.After(time.Millisecond):
		}
		if n := h.count(`select count(*) from stock_levels where reserved > on_hand`); n != 0 {
			h.t.Errorf("more is reserved than on hand")
		}
		looked++
	}
}
