package connect

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
)

func TestEarlyReturns(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Live)
		var taken []string
		var refuse error
		h.s.need.Returns = func(tx *db.Tx, changes []channel.ReturnChange, account string) error {
			for _, c := range changes {
				n, err := db.One(tx, func(row db.Scanner) (n int64, err error) { return n, row.Scan(&n) }, `select count(*) from orders where account_id = $1 and external = $2`, account, c.Order)
				if err != nil {
					return err
				}
				if n != 1 {
					t.Errorf("return %s comes before its order %s", c.Return.External, c.Order)
				}
				taken = append(taken, c.Order)
			}
			return refuse
		}
		prepared := 0
		prepare := h.s.need.Prepare
		h.s.need.Prepare = func(ctx context.Context, country, channel string, n int) error {
			prepared += n
			return prepare(ctx, country, channel, n)
		}
		sold := func() string {
			id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
			h.shop.Deliver(id)
			h.shop.RequestReturn(id, "too small", channel.Quantity{Line: h.shop.Read(id).Lines[0].External, Quantity: 1})
			return id
		}
		poll := func() {
			t.Helper()
			_, err := h.s.PollReturns(ctx, h.acc.ID)
			must(t, err)
		}
		first := sold()
		t.Run("one that comes before its order waits for it, with numbers made ready", func(t *testing.T) {
			poll()
			if len(taken) != 0 || prepared == 0 || h.count(`select count(*) from early_returns`) != 1 {
				t.Fatalf("taken %v, %d numbers prepared", taken, prepared)
			}
			if n := h.count(`select count(*) from reads where external = $1`, first); n != 1 {
				t.Fatalf("its order is not asked for: %d", n)
			}
		})
		t.Run("it is taken with its order, once", func(t *testing.T) {
			for n := 1; n > 0; {
				var err error
				n, err = h.s.ReadOnce(ctx)
				must(t, err)
			}
			h.importAll()
			h.work()
			poll()
			if diff := cmp.Diff([]string{first}, taken); diff != "" || h.count(`select count(*) from early_returns`) != 0 {
				t.Fatal(diff)
			}
		})
		t.Run("one that cannot be taken does not hold up its order, and stays", func(t *testing.T) {
			taken = nil
			second := sold()
			poll()
			refuse = fault.New(fault.Conflict, "not now")
			h.work()
			if n := h.count(`select count(*) from orders where external = $1`, second); n != 1 || h.count(`select count(*) from early_returns`) != 1 {
				t.Fatalf("%d orders", n)
			}
			const cases = `select count(*) from exceptions where cause = 'contradicting_status' and subject_kind = 'return' and state = 'open'`
			if n := h.count(cases); n != 1 {
				t.Fatalf("%d cases", n)
			}
			refuse = nil
			h.shop.Say(second, channel.Returning)
			h.work()
			if n := h.count(`select count(*) from early_returns`); n != 0 {
				t.Fatalf("%d wait", n)
			}
			if n := h.count(cases); n != 0 {
				t.Fatalf("%d cases are left", n)
			}
		})
		t.Run("those passed over while the account was in shadow are read again once its orders are ours", func(t *testing.T) {
			taken = nil
			poll()
			if slices.Contains(taken, first) {
				t.Fatalf("taken again: %v", taken)
			}
			for _, mode := range []channel.Mode{channel.Shadow, channel.Intake} {
				_, err := h.s.SetMode(ctx, Switching{Account: h.acc.ID, Mode: mode, Actor: "clerk"})
				must(t, err)
			}
			poll()
			if !slices.Contains(taken, first) {
				t.Fatalf("taken: %v", taken)
			}
		})
	})
}
