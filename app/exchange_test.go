package app_test

import (
	"sync"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// swap asks for a delivered order to be exchanged for so many of a SKU, and approves it.
func (h *house) swap(o order.View, back int64, sku string, n int64) returns.RMA {
	h.Helper()
	r := must[returns.RMA](h)(h.Returns.Request(h.Context(), returns.Ask{
		Order: o.ID, Kind: returns.KindExchange, Lines: []returns.Units{{LineID: o.Lines[0].ID, Quantity: back}}, Reason: "too small", Approve: true, Actor: "clerk",
		Wanted: []returns.Replacement{{Variant: h.variants[sku], Quantity: n}},
	}))
	h.drain()
	return r
}

// stored reads a return again.
func (h *house) stored(id string) returns.RMA {
	h.Helper()
	return read(h, func(tx *db.Tx) (returns.RMA, error) { return h.Returns.Get(tx, id) })
}

func (h *house) onHand(sku, condition string) int64 {
	h.Helper()
	return one[int64](h, `select coalesce(sum(on_hand), 0) from stock_levels where variant_id = $1 and condition = $2`, h.variants[sku], condition)
}

func (h *house) reserved(sku string) int64 {
	h.Helper()
	return one[int64](h, `select coalesce(sum(reserved), 0) from stock_levels where variant_id = $1`, h.variants[sku])
}

// takeBack receives all of a return and finds it as said.
func (h *house) takeBack(r returns.RMA, how returns.Disposition) returns.RMA {
	h.Helper()
	ok := must[returns.RMA](h)
	ok(h.Returns.Receive(h.Context(), r.ID, 0, returns.Receipt{Location: h.warehouse, Actor: "clerk"}))
	r = ok(h.Returns.Inspect(h.Context(), r.ID, 0, []returns.Verdict{{LineID: r.Lines[0].LineID, Quantity: r.Lines[0].Quantity, Disposition: how}}, "clerk"))
	h.drain()
	return h.stored(r.ID)
}

func TestExchange(t *testing.T) {
	t.Parallel()
	t.Run("an even one ships an order of its own that nobody pays for", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			o := h.buy("SHIRT-M", 2, 100000, false)
			h.deliver(o.ID)
			r := h.swap(o, 1, "SHIRT-L", 1)
			h.drain()
			x := h.order(r.Exchange)
			same(h, []any{"waived", int64(0), int64(0)}, []any{r.Money, r.RefundDue, r.Detail.Difference})
			same(h, []any{"paid", o.Number, r.Number, h.acc.ID, "exchange"}, []any{string(x.PayState), x.Extra["exchange_of"], x.Extra["return"], x.Account, x.Origin})
			same(h, []int64{1, 0}, []int64{h.order(o.ID).Lines[0].Exchanged, h.order(o.ID).Lines[0].Refunded})
			same(h, int64(1), h.reserved("SHIRT-L"))
			h.deliver(x.ID)
			same(h, []string{"delivered", "issued"}, []string{string(h.order(x.ID).State), one[string](h, `select state from refunds where id = $1`, r.Detail.Credit)})
			same(h, []int64{1, 0}, []int64{h.order(o.ID).Lines[0].Exchanged, h.order(o.ID).Lines[0].Refunded})
			r = h.takeBack(r, returns.ToSell)
			same(h, []any{"inspected", "waived", false, int64(0)}, []any{r.Goods, r.Money, r.ClosedAt.IsZero(), r.Refunded})
			same(h, []int64{9, 9}, []int64{h.onHand("SHIRT-M", "sellable"), h.onHand("SHIRT-L", "sellable")})
			_, err := h.Returns.Unexchange(t.Context(), r.ID, 0, "clerk")
			refused(h, fault.Conflict, err)
			h.sound()
		})
	})
	t.Run("the same thing again costs what was paid, not today's price", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			o := h.buy("SHIRT-M", 1, 80000, false)
			h.deliver(o.ID)
			r := h.swap(o, 1, "SHIRT-M", 1)
			same(h, []int64{0, 80000}, []int64{r.Detail.Difference, h.order(r.Exchange).Sums.Total})
			h.sound()
		})
	})
	t.Run("a dearer one is collected in cash for the difference", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			o := h.buy("SHIRT-M", 1, 100000, true)
			h.deliver(o.ID)
			h.ok(h.Payment.Confirm(t.Context(), o.ID, "clerk", h.DB.Now()))
			r := h.swap(o, 1, "SOCKS", 5)
			x := h.order(r.Exchange)
			same(h, []any{"waived", int64(50000), "due", int64(150000)}, []any{r.Money, r.Detail.Difference, string(x.PayState), x.Sums.Total})
			h.deliver(x.ID)
			same(h, int64(50000), one[int64](h, `select cod_amount from dispatch_shipments where order_id = $1`, x.ID))
			h.ok(h.Payment.Confirm(t.Context(), x.ID, "clerk", h.DB.Now()))
			same(h, "paid", string(h.order(x.ID).PayState))
			h.sound()
		})
	})
	t.Run("of a cheaper one the rest goes back, and no more than was paid", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			ok := must[returns.RMA](h)
			o := h.buy("SHIRT-M", 2, 100000, false)
			h.deliver(o.ID)
			r := h.swap(o, 2, "SOCKS", 1)
			same(h, []any{"due", int64(170000), int64(-170000)}, []any{r.Money, r.RefundDue, r.Detail.Difference})
			ok(h.Returns.Refund(t.Context(), r.ID, 0, returns.Paying{Method: "payout", Actor: "clerk"}))
			same(h, int64(200000), one[int64](h, `select cast(sum(amount) as bigint) from refunds where order_id = $1 and state <> 'refused'`, o.ID))
			_, err := h.Returns.Request(t.Context(), returns.Ask{Order: o.ID, Kind: returns.KindRefundOnly, Reason: "again", Approve: true, Actor: "clerk"})
			refused(h, fault.Conflict, err)
			h.sound()
		})
	})
	t.Run("one that is out of stock waits as a shortage, and cancelled it leaves nothing behind", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			ok := must[returns.RMA](h)
			o := h.buy("SHIRT-M", 1, 100000, false)
			h.deliver(o.ID)
			r := h.swap(o, 1, "COAT", 1)
			h.drain()
			x := h.order(r.Exchange)
			same(h, []int64{1, 1}, []int64{x.Head.Holds, one[int64](h, `select count(*) from shortages where order_id = $1 and closed_at is null`, x.ID)})
			r = ok(h.Returns.Unexchange(t.Context(), r.ID, 0, "clerk"))
			h.drain()
			same(h, []any{"", "none", int64(0)}, []any{r.Exchange, r.Money, r.RefundDue})
			same(h, []any{"cancelled", "voided"}, []any{string(h.order(x.ID).State), string(h.order(x.ID).PayState)})
			same(h, int64(0), h.order(o.ID).Lines[0].Exchanged)
			same(h, int64(0), one[int64](h, `select count(*) from refunds where state <> 'refused'`))
			r = ok(h.Returns.Exchange(t.Context(), r.ID, 0, []returns.Replacement{{Variant: h.variants["SHIRT-L"], Quantity: 1}}, 0, "clerk"))
			same(h, int64(1), h.reserved("SHIRT-L"))
			same(h, false, r.Exchange == x.ID)
			h.sound()
		})
	})
	t.Run("cancelling the order that replaces it takes the exchange back", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			o := h.buy("SHIRT-M", 1, 100000, false)
			h.deliver(o.ID)
			r := h.swap(o, 1, "SOCKS", 5)
			h.drain()
			_, err := h.Order.Cancel(t.Context(), order.Cancelling{Order: r.Exchange, Reason: "changed mind", Initiator: "buyer", Actor: "clerk", Source: "api"})
			h.ok(err)
			h.drain()
			r = h.stored(r.ID)
			same(h, []any{"", "none"}, []any{r.Exchange, r.Money})
			same(h, []int64{0, 0, 0}, []int64{h.reserved("SOCKS"), h.order(o.ID).Lines[0].Exchanged, one[int64](h, `select count(*) from refunds where state <> 'refused'`)})
			same(h, int64(1), one[int64](h, `select count(*) from exceptions where cause = 'return_waiting' and resolved_at is null`))
			h.sound()
		})
	})
	t.Run("goods that come back damaged are put aside, the exchange stands", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			o := h.buy("SHIRT-M", 1, 100000, false)
			h.deliver(o.ID)
			r := h.takeBack(h.swap(o, 1, "SHIRT-L", 1), returns.ToDamaged)
			same(h, []any{int64(1), "waived", true}, []any{h.onHand("SHIRT-M", "damaged"), r.Money, r.Exchange != ""})
			h.sound()
		})
	})
	t.Run("goods that are not taken back take the exchange back, until it has left", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			o := h.buy("SHIRT-M", 2, 100000, false)
			h.deliver(o.ID)
			r := h.swap(o, 1, "SHIRT-L", 1)
			h.drain()
			placed := r.Exchange
			r = h.takeBack(r, returns.ToReject)
			same(h, []any{"", "none", "cancelled"}, []any{r.Exchange, r.Money, string(h.order(placed).State)})

			r = h.swap(o, 1, "SHIRT-L", 1)
			h.drain()
			h.ship(r.Exchange)
			must[returns.RMA](h)(h.Returns.Receive(t.Context(), r.ID, 0, returns.Receipt{Location: h.warehouse, Actor: "clerk"}))
			_, err := h.Returns.Inspect(t.Context(), r.ID, 0, []returns.Verdict{{LineID: r.Lines[0].LineID, Quantity: 1, Disposition: returns.ToReject}}, "clerk")
			refused(h, fault.Conflict, err)
			h.sound()
		})
	})
	t.Run("an account can wait for the goods, and a withdrawn one is not sent", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			ok := must[returns.RMA](h)
			first := h.acc
			h.open("pk-wait", map[string]string{"exchange": "received"})
			o := h.buy("SHIRT-M", 2, 100000, false)
			h.deliver(o.ID)
			r := h.swap(o, 1, "SHIRT-L", 1)
			same(h, []any{"", "none", int64(0)}, []any{r.Exchange, r.Money, h.reserved("SHIRT-L")})
			r = h.takeBack(r, returns.ToSell)
			same(h, []any{true, int64(1)}, []any{r.Exchange != "", h.reserved("SHIRT-L")})

			h.acc = first
			o = h.buy("SHIRT-M", 1, 100000, false)
			h.deliver(o.ID)
			r = h.swap(o, 1, "SHIRT-L", 1)
			same(h, int64(2), h.reserved("SHIRT-L"))
			r = ok(h.Returns.Withdraw(t.Context(), r.ID, 0, "keeps it", "clerk"))
			same(h, []any{"withdrawn", "none", "", int64(1)}, []any{r.Decision, r.Money, r.Exchange, h.reserved("SHIRT-L")})
			h.sound()
		})
	})
	t.Run("taken back while it is handed over, exactly one of the two happens", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			ctx := h.Context()
			o := h.buy("SHIRT-M", 4, 100000, false)
			h.deliver(o.ID)
			for range 4 {
				r := h.swap(o, 1, "SHIRT-L", 1)
				h.pack(r.Exchange)
				parcel := one[string](h, `select id from dispatch_shipments where order_id = $1`, r.Exchange)
				var g sync.WaitGroup
				var left, back error
				g.Go(func() { _, left = h.Dispatch.HandOver(ctx, parcel, "clerk", h.DB.Now()) })
				g.Go(func() { _, back = h.Returns.Unexchange(ctx, r.ID, 0, "clerk") })
				g.Wait()
				if (left == nil) == (back == nil) {
					h.Fatalf("handed over: %v; taken back: %v", left, back)
				}
				h.drain()
				state, refund := string(h.order(r.Exchange).State), one[string](h, `select state from refunds where id = $1`, r.Detail.Credit)
				if want := "cancelled refused"; back == nil && state+" "+refund != want {
					h.Errorf("taken back, and it is %s %s", state, refund)
				}
				if want := "shipped issued"; left == nil && state+" "+refund != want {
					h.Errorf("handed over, and it is %s %s", state, refund)
				}
			}
			h.sound()
		})
	})
	t.Run("what was not paid cannot pay", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			o := h.buy("SHIRT-M", 1, 100000, true)
			h.deliver(o.ID)
			_, err := h.Returns.Request(t.Context(), returns.Ask{
				Order: o.ID, Kind: returns.KindExchange, Reason: "x", Approve: true, Actor: "clerk", Wanted: []returns.Replacement{{Variant: h.variants["SHIRT-L"], Quantity: 1}},
			})
			refused(h, fault.Conflict, err)
			h.sound()
		})
	})
}

func refused(h *house, kind fault.Kind, err error) {
	h.Helper()
	if !fault.Is(err, kind) {
		h.Errorf("refused as %v, and should be %v", err, kind)
	}
}
