package returns_test

import (
	"context"
	"sync"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

func TestRaces(t *testing.T) {
	t.Parallel()
	t.Run("clerks who ask for the same units at once get them once", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.bought(arrival("1001"))
			var wg sync.WaitGroup
			errs := make([]error, 10)
			for i := range errs {
				wg.Go(func() {
					_, errs[i] = h.s.Request(context.Background(), returns.Ask{Order: o.ID, Lines: []returns.Units{{LineID: o.Lines[0].ID, Quantity: 1}}, Approve: i%2 == 0, Actor: "clerk"})
				})
			}
			wg.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					refused(t, fault.Conflict, err)
				}
			}
			same(t, 3, won)
		})
	})
	t.Run("channel, clerk and warehouse at once count every unit once", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.bought(arrival("1001"))
			h.tells(channel.Open)
			r := h.ofOrder(o.ID)
			before := h.stockOf("var-SHIRT")
			ctx := context.Background()
			acts := []func() error{
				func() error {
					return h.d.Write(ctx, func(tx *db.Tx) error {
						return h.s.Channel(tx, []channel.ReturnChange{theirs(channel.Returned)}, "acc-1")
					})
				},
				func() error { _, err := h.s.SentBack(ctx, r.ID, 0, "TCS", "T", "clerk"); return err },
				func() error {
					_, err := h.s.Receive(ctx, r.ID, 0, returns.Receipt{Location: h.loc, Actor: "one"})
					return err
				},
				func() error {
					_, err := h.s.Receive(ctx, r.ID, 0, returns.Receipt{Location: h.loc, Actor: "two"})
					return err
				},
			}
			var wg sync.WaitGroup
			errs := make([]error, 3*len(acts))
			for i := range errs {
				wg.Go(func() { errs[i] = acts[i%len(acts)]() })
			}
			wg.Wait()
			for _, err := range errs {
				if err != nil {
					refused(t, fault.Conflict, err)
				}
			}
			same(t, [5]int64{0, 1, 0, 2, 0}, counts(h.get(o.ID).Lines[0]))
			same(t, before[1]+2, h.stockOf("var-SHIRT")[1])
			same(t, "received", h.rma(r.ID).Goods)
		})
	})
}
