package dispatch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

func TestLists(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.put("SHIRT", h.wh, 20)
		var want []string
		for i := range 5 { // the later it comes, the sooner it must leave; the last has no deadline
			v := h.sold(fmt.Sprintf("list-%d", i), []item{{"SHIRT", 2}}, func(a *channel.Arrival) {
				if i < 4 {
					a.Order.ShipBy = start.Add(time.Duration(10-i) * time.Hour)
				}
			})
			if i < 4 {
				want = append([]string{v.Number + "-F1"}, want...)
			} else {
				want = append(want, v.Number+"-F1")
			}
		}
		var got []string
		for after := ""; ; {
			p := read(h, func(tx *db.Tx) (fulfillment.Page, error) {
				return h.work.List(tx, fulfillment.Filter{Location: h.wh, States: []string{"picking", "new", "accepted", "new"}, Account: "acc-1"}, after, 2)
			})
			for _, f := range p.Items {
				got = append(got, f.Number)
			}
			if after = p.Next; after == "" {
				break
			}
		}
		same(h, want, got)
		for most, n := range map[int]int{3: 3, 100: 5} {
			same(h, n, read(h, func(tx *db.Tx) (int, error) {
				return h.work.Count(tx, fulfillment.Filter{Location: h.wh, States: []string{"new", "held"}}, most)
			}))
		}
		picks := read(h, func(tx *db.Tx) ([]fulfillment.PickLine, error) { return h.work.PickList(tx, h.wh, 50) })
		same(h, []fulfillment.PickLine{{SKU: "SHIRT", Variant: "var-SHIRT", Title: "SHIRT", Quantity: 10, Orders: want}}, picks)

		var newest []string
		for i := range got {
			f := read(h, func(tx *db.Tx) (fulfillment.FO, error) { return h.work.Get(tx, got[i]) })
			h.clock.Advance(time.Second)
			newest = append(h.packAll(f.OrderID), newest...)
		}
		var ids []string
		for after := ""; ; {
			p := read(h, func(tx *db.Tx) (dispatch.Page, error) {
				return h.dispatch.List(tx, dispatch.Filter{States: []string{"issued", "intended", "lost", "intended"}, Location: h.wh}, after, 2)
			})
			for _, sh := range p.Items {
				ids = append(ids, sh.ID)
				same(h, "SHIRT", sh.Goods[0].SKU)
			}
			if after = p.Next; after == "" {
				break
			}
		}
		same(h, newest, ids)
		err := h.d.Read(ctx, func(tx *db.Tx) error { _, err := h.dispatch.List(tx, dispatch.Filter{}, "rubbish", 2); return err })
		refused(h, fault.Invalid, err)
		err = h.d.Read(ctx, func(tx *db.Tx) error { _, err := h.work.Get(tx, "nothing"); return err })
		refused(h, fault.NotFound, err)
	})
}
