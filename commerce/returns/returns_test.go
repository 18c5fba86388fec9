package returns_test

import (
	"testing"

	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

func TestReturn(t *testing.T) {
	t.Parallel()
	t.Run("a buyer's return goes from request to refund", func(t *testing.T) {
		each(t, func(h *house) {
			ok := must[returns.RMA](h)
			o := h.bought(arrival("1001"))
			shirts, cap := o.Lines[0], o.Lines[1]
			r := ok(h.s.Request(t.Context(), returns.Ask{Order: o.ID, Lines: []returns.Units{{LineID: shirts.ID, Quantity: 2}, {LineID: cap.ID, Quantity: 1}}, Reason: "too small", By: "buyer", Actor: "buyer"}))
			same(t, "PK-RMA", r.Number[:6])
			same(t, 1, h.cases("return_waiting"))
			r = ok(h.s.Approve(t.Context(), r.ID, r.Version, "clerk"))
			same(t, 0, h.cases("return_waiting"))
			same(t, int64(200001+50000), r.RefundDue)
			r = ok(h.s.SentBack(t.Context(), r.ID, r.Version, "TCS", "T1", "clerk"))
			same(t, [5]int64{0, 1, 2, 0, 0}, counts(h.get(o.ID).Lines[0]))
			before := h.stockOf(shirts.Variant)
			r = ok(h.s.Receive(t.Context(), r.ID, r.Version, returns.Receipt{Location: h.loc, Actor: "clerk"}))
			same(t, [5]int64{0, 1, 0, 2, 0}, counts(h.get(o.ID).Lines[0]))
			same(t, before[1]+2, h.stockOf(shirts.Variant)[1])
			r = ok(h.s.Inspect(t.Context(), r.ID, r.Version, []returns.Verdict{
				{LineID: shirts.ID, Quantity: 1, Disposition: returns.ToSell}, {LineID: shirts.ID, Quantity: 1, Disposition: returns.ToDamaged}, {LineID: cap.ID, Quantity: 1, Disposition: returns.ToReject},
			}, "clerk"))
			same(t, "inspected", r.Goods)
			same(t, int64(200001), r.RefundDue)
			after := h.stockOf(shirts.Variant)
			same(t, [3]int64{before[0] + 1, before[1], before[2] + 1}, after)
			same(t, [3]int64{0, 0, 0}, h.stockOf(cap.Variant))
			r = ok(h.s.Refund(t.Context(), r.ID, r.Version, returns.Paying{Actor: "clerk"}))
			same(t, "intended", r.Money)
			h.write(func(tx *db.Tx) error { return h.pay.Settle(tx, r.Detail.Refunds[0], "RF-1", nil) })
			h.drain()
			r = h.rma(r.ID)
			same(t, [3]any{"refunded", int64(200001), false}, [3]any{r.Money, r.Refunded, r.ClosedAt.IsZero()})
			same(t, [5]int64{0, 1, 0, 2, 2}, counts(h.get(o.ID).Lines[0]))
			same(t, "part_refunded", string(h.get(o.ID).PayState))
			same(t, []string{event.ReturnRequested, event.ReturnApproved, event.RefundIssued}, h.events(o.ID, event.ReturnRequested, event.ReturnApproved, event.RefundIssued))
			same(t, []string{"requested", "approved", "sent_back", "received", "inspected", "refund_wanted", "paid"}, h.what(r.ID))
		})
	})
	t.Run("more than is with the buyer cannot come back", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.bought(arrival("1001"))
			must[returns.RMA](h)(h.s.Request(t.Context(), returns.Ask{Order: o.ID, Lines: []returns.Units{{LineID: o.Lines[0].ID, Quantity: 2}}, Actor: "clerk"}))
			_, err := h.s.Request(t.Context(), returns.Ask{Order: o.ID, Lines: []returns.Units{{LineID: o.Lines[0].ID, Quantity: 2}}, Actor: "clerk"})
			refused(t, fault.Conflict, err)
			_, err = h.s.Request(t.Context(), returns.Ask{Order: o.ID, Lines: []returns.Units{{LineID: "nowhere", Quantity: 2}}, Actor: "clerk"})
			refused(t, fault.Invalid, err)
		})
	})
}
