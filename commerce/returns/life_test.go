package returns_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/db"
)

// requested is an approved return of two shirts of a delivered order.
func (h *house) approved(external string, edit ...func(*channel.Arrival)) (order.View, returns.RMA) {
	h.Helper()
	o := h.bought(arrival(external, edit...))
	r := must[returns.RMA](h)(h.s.Request(context.Background(), returns.Ask{Order: o.ID, Lines: []returns.Units{{LineID: o.Lines[0].ID, Quantity: 2}}, Approve: true, Actor: "clerk"}))
	return o, r
}

func TestGoods(t *testing.T) {
	t.Parallel()
	t.Run("they come in parts, and what never comes stays with the buyer", func(t *testing.T) {
		each(t, func(h *house) {
			ok := must[returns.RMA](h)
			o, r := h.approved("1001")
			line := o.Lines[0].ID
			r = ok(h.s.Receive(t.Context(), r.ID, 0, returns.Receipt{Location: h.loc, Lines: []returns.Units{{LineID: line, Quantity: 1}}, Actor: "clerk"}))
			same(t, [5]int64{0, 1, 1, 1, 0}, counts(h.get(o.ID).Lines[0]))
			_, err := h.s.Receive(t.Context(), r.ID, 0, returns.Receipt{Lines: []returns.Units{{LineID: line, Quantity: 2}}, Actor: "clerk"})
			refused(t, fault.Conflict, err)
			_, err = h.s.Close(t.Context(), r.ID, 0, "clerk")
			refused(t, fault.Conflict, err)
			r = ok(h.s.Inspect(t.Context(), r.ID, 0, []returns.Verdict{{LineID: line, Quantity: 1, Disposition: returns.ToSell}}, "clerk"))
			same(t, []any{"received", int64(200001)}, []any{r.Goods, r.RefundDue})
			r = ok(h.s.Close(t.Context(), r.ID, 0, "clerk"))
			same(t, []any{"inspected", int64(100000)}, []any{r.Goods, r.RefundDue})
			same(t, [5]int64{0, 2, 0, 1, 0}, counts(h.get(o.ID).Lines[0]))
			same(t, []string{"requested", "approved", "part_received", "inspected", "received", "closed"}, h.what(r.ID))
		})
	})
	t.Run("a receipt nobody announced is a fact, also of a return that was declined", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.bought(arrival("1001"))
			r := must[returns.RMA](h)(h.s.Request(t.Context(), returns.Ask{Order: o.ID, Lines: []returns.Units{{LineID: o.Lines[1].ID, Quantity: 1}}, Actor: "clerk"}))
			must[returns.RMA](h)(h.s.Decline(t.Context(), r.ID, 0, "too late", "clerk"))
			r = must[returns.RMA](h)(h.s.Receive(t.Context(), r.ID, 0, returns.Receipt{Location: h.loc, Actor: "clerk"}))
			same(t, []any{"declined", "received", "none"}, []any{r.Decision, r.Goods, r.Money})
			same(t, 1, h.cases("return_waiting"))
			same(t, [5]int64{0, 0, 0, 1, 0}, counts(h.get(o.ID).Lines[1]))
		})
	})
	t.Run("a kit comes back as its parts", func(t *testing.T) {
		each(t, func(h *house) {
			h.kits["var-SHIRT"] = []event.Part{{Variant: "var-A", SKU: "A", Title: "A", Quantity: 2, Weight: 1}, {Variant: "var-B", SKU: "B", Title: "B", Quantity: 1, Weight: 1}}
			_, r := h.approved("1001")
			must[returns.RMA](h)(h.s.Receive(t.Context(), r.ID, 0, returns.Receipt{Location: h.loc, Actor: "clerk"}))
			same(t, [3]int64{0, 4, 0}, h.stockOf("var-A"))
			same(t, [3]int64{0, 2, 0}, h.stockOf("var-B"))
		})
	})
	t.Run("goods and money may go in either order", func(t *testing.T) {
		each(t, func(h *house) {
			ok := must[returns.RMA](h)
			_, r := h.approved("1001")
			r = ok(h.s.Refund(t.Context(), r.ID, 0, returns.Paying{Actor: "clerk"}))
			h.write(func(tx *db.Tx) error { return h.pay.Settle(tx, r.Detail.Refunds[0], "RF-1", nil) })
			h.drain()
			r = h.rma(r.ID)
			same(t, []any{"awaited", "refunded", true}, []any{r.Goods, r.Money, r.ClosedAt.IsZero()})
			r = ok(h.s.Receive(t.Context(), r.ID, 0, returns.Receipt{Location: h.loc, Actor: "clerk"}))
			_, err := h.s.Inspect(t.Context(), r.ID, 0, []returns.Verdict{{LineID: r.Lines[0].LineID, Quantity: 2, Disposition: returns.ToReject}}, "clerk")
			refused(t, fault.Conflict, err)
			r = ok(h.s.Inspect(t.Context(), r.ID, 0, []returns.Verdict{{LineID: r.Lines[0].LineID, Quantity: 2, Disposition: returns.ToSell}}, "clerk"))
			same(t, []any{"inspected", "refunded", false}, []any{r.Goods, r.Money, r.ClosedAt.IsZero()})
		})
	})
}

func TestMoney(t *testing.T) {
	t.Parallel()
	t.Run("money alone needs no goods, and goes once", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.bought(arrival("1001"))
			want := returns.Ask{Order: o.ID, Kind: returns.KindRefundOnly, Lines: []returns.Units{{LineID: o.Lines[1].ID, Quantity: 1}}, Shipping: 20000, Approve: true, Actor: "clerk"}
			r := must[returns.RMA](h)(h.s.Request(t.Context(), want))
			same(t, []any{"none", "due", int64(70000)}, []any{r.Goods, r.Money, r.RefundDue})
			r = must[returns.RMA](h)(h.s.Refund(t.Context(), r.ID, 0, returns.Paying{Actor: "clerk"}))
			_, err := h.s.Refund(t.Context(), r.ID, 0, returns.Paying{Actor: "clerk"})
			refused(t, fault.Conflict, err)
			h.write(func(tx *db.Tx) error { return h.pay.Settle(tx, r.Detail.Refunds[0], "RF-1", nil) })
			h.drain()
			_, err = h.s.Request(t.Context(), want)
			refused(t, fault.Conflict, err)
		})
	})
	t.Run("a refund that is refused is due again", func(t *testing.T) {
		each(t, func(h *house) {
			_, r := h.approved("1001")
			r = must[returns.RMA](h)(h.s.Refund(t.Context(), r.ID, 0, returns.Paying{Actor: "clerk"}))
			h.write(func(tx *db.Tx) error {
				return h.pay.Settle(tx, r.Detail.Refunds[0], "", fault.New(fault.Refused, "the card is closed"))
			})
			h.drain()
			same(t, "due", h.rma(r.ID).Money)
			same(t, 1, h.cases("return_waiting"))
			r = must[returns.RMA](h)(h.s.Refund(t.Context(), r.ID, 0, returns.Paying{Method: "payout", Actor: "clerk"}))
			if err := h.pay.PaidOut(t.Context(), r.Detail.Refunds[1], "clerk", "IBFT-77"); err != nil {
				t.Fatal(err)
			}
			h.drain()
			same(t, []any{"refunded", int64(200001)}, []any{h.rma(r.ID).Money, h.rma(r.ID).Refunded})
		})
	})
	t.Run("what is refused or waived can be owed again", func(t *testing.T) {
		each(t, func(h *house) {
			ok := must[returns.RMA](h)
			_, r := h.approved("1001")
			for _, end := range []func() (returns.RMA, error){
				func() (returns.RMA, error) { return h.s.Refuse(t.Context(), r.ID, 0, "worn", "clerk") },
				func() (returns.RMA, error) { return h.s.Waive(t.Context(), r.ID, 0, "voucher", "clerk") },
			} {
				ok(end())
				_, err := h.s.Refund(t.Context(), r.ID, 0, returns.Paying{Actor: "clerk"})
				refused(t, fault.Conflict, err)
				same(t, "due", ok(h.s.Owe(t.Context(), r.ID, 0, "sorry", "clerk")).Money)
			}
		})
	})
	t.Run("two clerks refund at once and the money goes once", func(t *testing.T) {
		each(t, func(h *house) {
			o, r := h.approved("1001")
			var wg sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				wg.Go(func() {
					_, errs[i] = h.s.Refund(context.Background(), r.ID, r.Version, returns.Paying{Actor: fmt.Sprint("clerk ", i)})
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
			same(t, 1, won)
			same(t, int64(200001), h.back(o.ID))
		})
	})
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	fact := func(h *house, o order.View, st string) {
		h.Helper()
		h.write(func(tx *db.Tx) error {
			if _, err := h.order.Heads(tx, []string{o.ID}, true); err != nil {
				return err
			}
			return h.s.Origin(tx, returns.OriginFact{
				Order: o.ID, Shipment: "shipment-1", Number: "SH-1", Location: h.loc, State: st, At: start,
				Lines: []event.UnitsMove{{LineID: o.Lines[0].ID, External: "l1", Quantity: 3}, {LineID: o.Lines[1].ID, External: "l2", Quantity: 1}},
			})
		})
	}
	t.Run("a cash parcel that turns back captured nothing and refunds nothing", func(t *testing.T) {
		each(t, func(h *house) {
			ok := must[returns.RMA](h)
			o := h.sent(arrival("1001", cod))
			h.write(func(tx *db.Tx) error { return h.order.Turn(tx, o.ID, everything(o)) })
			fact(h, o, "returning")
			fact(h, o, "returning")
			r := h.ofOrder(o.ID)
			same(t, []any{returns.KindOrigin, "approved", "on_the_way", "none", "courier"}, []any{r.Kind, r.Decision, r.Goods, r.Money, r.RequestedBy})
			same(t, 0, h.cases("return_waiting"))
			h.write(func(tx *db.Tx) error { return h.order.Back(tx, o.ID, everything(o)) })
			fact(h, o, "returned")
			same(t, 1, h.cases("return_waiting"))
			h.write(func(tx *db.Tx) error { return h.pay.Uncollected(tx, payment.Parcel{Order: o.ID}, start) })
			r = ok(h.s.Receive(t.Context(), r.ID, 0, returns.Receipt{Actor: "clerk"}))
			r = ok(h.s.Inspect(t.Context(), r.ID, 0, []returns.Verdict{{LineID: o.Lines[0].ID, Quantity: 3, Disposition: returns.ToSell}, {LineID: o.Lines[1].ID, Quantity: 1, Disposition: returns.ToSell}}, "clerk"))
			same(t, []any{"inspected", "none", false}, []any{r.Goods, r.Money, r.ClosedAt.IsZero()})
			same(t, 0, h.cases("return_waiting"))
			same(t, "voided", string(h.get(o.ID).PayState))
			_, err := h.s.Refund(t.Context(), r.ID, 0, returns.Paying{Actor: "clerk"})
			refused(t, fault.Conflict, err)
		})
	})
	t.Run("what was paid before is due when the parcel turns back", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.sent(arrival("1001"))
			fact(h, o, "returning")
			r := h.ofOrder(o.ID)
			same(t, []any{"due", int64(350001)}, []any{r.Money, r.RefundDue})
			fact(h, o, "delivered")
			r = h.ofOrder(o.ID)
			same(t, []any{"withdrawn", "cancelled", "none"}, []any{r.Decision, r.Goods, r.Money})
		})
	})
	t.Run("a channel that gives money back by itself leaves nothing to refund", func(t *testing.T) {
		each(t, func(h *house) {
			h.itself = true
			o := h.sent(arrival("1001"))
			fact(h, o, "returning")
			fact(h, o, "returning")
			r := h.ofOrder(o.ID)
			same(t, []any{"waived", int64(0), "parcel SH-1"}, []any{r.Money, r.RefundDue, r.Reason})
			fact(h, o, "delivered")
			r = h.ofOrder(o.ID)
			same(t, []any{"withdrawn", "cancelled", "none"}, []any{r.Decision, r.Goods, r.Money})
		})
	})
	t.Run("a lost parcel is a claim, and found goods are received after all", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.sent(arrival("1001"))
			fact(h, o, "lost")
			r := h.ofOrder(o.ID)
			same(t, []any{returns.KindClaim, "none", "due"}, []any{r.Kind, r.Goods, r.Money})
			o2 := h.sent(arrival("1002"))
			fact(h, o2, "returning")
			fact(h, o2, "lost")
			same(t, "lost", h.ofOrder(o2.ID).Goods)
			fact(h, o2, "returned")
			same(t, "on_the_way", h.ofOrder(o2.ID).Goods)
		})
	})
}

func TestExchange(t *testing.T) {
	t.Parallel()
	t.Run("what comes back pays for what goes out, and the difference is due", func(t *testing.T) {
		each(t, func(h *house) {
			ok := must[returns.RMA](h)
			o := h.bought(arrival("1001"))
			r := ok(h.s.Request(t.Context(), returns.Ask{Order: o.ID, Kind: returns.KindExchange, Lines: []returns.Units{{LineID: o.Lines[0].ID, Quantity: 2}}, Approve: true, Actor: "clerk"}))
			same(t, "none", r.Money)
			before := r
			r = ok(h.s.Exchange(t.Context(), r.ID, 0, []returns.Replacement{{Variant: "var-CAP", Quantity: 1}}, 0, "clerk"))
			same(t, []any{"order-" + r.ID, "due", int64(100001), int64(-100001)}, []any{r.Exchange, r.Money, r.RefundDue, r.Detail.Difference})
			same(t, int64(200001), h.exchanges[len(h.exchanges)-1].Credit)
			same(t, int64(2), h.get(o.ID).Lines[0].Exchanged)
			_, err := h.s.Exchange(t.Context(), r.ID, 0, []returns.Replacement{{Variant: "var-CAP", Quantity: 1}}, 0, "clerk")
			refused(t, fault.Conflict, err)
			r = ok(h.s.Unexchange(t.Context(), r.ID, 0, "clerk"))
			before.Version, before.UpdatedAt = r.Version, r.UpdatedAt
			same(t, before, r)
			r = ok(h.s.Exchange(t.Context(), r.ID, 0, []returns.Replacement{{Variant: "var-CAP", Quantity: 3}}, 0, "clerk"))
			same(t, []any{"waived", int64(0), int64(99999)}, []any{r.Money, r.RefundDue, r.Detail.Difference})
		})
	})
	t.Run("the difference of an exchange goes back", func(t *testing.T) {
		each(t, func(h *house) {
			ok := must[returns.RMA](h)
			o := h.bought(arrival("1001"))
			r := ok(h.s.Request(t.Context(), returns.Ask{Order: o.ID, Kind: returns.KindExchange, Lines: []returns.Units{{LineID: o.Lines[0].ID, Quantity: 2}}, Approve: true, Actor: "clerk"}))
			ok(h.s.Exchange(t.Context(), r.ID, 0, []returns.Replacement{{Variant: "var-CAP", Quantity: 1}}, 0, "clerk"))
			ok(h.s.Refund(t.Context(), r.ID, 0, returns.Paying{Actor: "clerk"}))
			same(t, int64(100001), h.back(o.ID))
		})
	})
}

// TestUndo does every act and its inverse: the return, the order's counts and the stock are what they were.
func TestUndo(t *testing.T) {
	t.Parallel()
	type pair struct {
		do, undo func(h *house, r returns.RMA) (returns.RMA, error)
	}
	ctx := context.Background()
	sold := func(r returns.RMA) []returns.Verdict {
		return []returns.Verdict{{LineID: r.Lines[0].LineID, Quantity: 1, Disposition: returns.ToSell}, {LineID: r.Lines[0].LineID, Quantity: 1, Disposition: returns.ToReject}}
	}
	pairs := []struct {
		name string
		pair
	}{
		{"decline", pair{
			func(h *house, r returns.RMA) (returns.RMA, error) { return h.s.Decline(ctx, r.ID, 0, "no", "a") },
			func(h *house, r returns.RMA) (returns.RMA, error) { return h.s.Reopen(ctx, r.ID, 0, "a") },
		}},
		{"withdraw", pair{
			func(h *house, r returns.RMA) (returns.RMA, error) { return h.s.Withdraw(ctx, r.ID, 0, "no", "a") },
			func(h *house, r returns.RMA) (returns.RMA, error) { return h.s.Reopen(ctx, r.ID, 0, "a") },
		}},
		{"approve", pair{
			func(h *house, r returns.RMA) (returns.RMA, error) { return h.s.Approve(ctx, r.ID, 0, "a") },
			func(h *house, r returns.RMA) (returns.RMA, error) { return h.s.Unapprove(ctx, r.ID, 0, "a") },
		}},
		{"sent back", pair{
			func(h *house, r returns.RMA) (returns.RMA, error) {
				return h.s.SentBack(ctx, r.ID, 0, "TCS", "T", "a")
			},
			func(h *house, r returns.RMA) (returns.RMA, error) { return h.s.NotSent(ctx, r.ID, 0, "a") },
		}},
		{"receive", pair{
			func(h *house, r returns.RMA) (returns.RMA, error) {
				return h.s.Receive(ctx, r.ID, 0, returns.Receipt{Location: h.loc, Actor: "a"})
			},
			func(h *house, r returns.RMA) (returns.RMA, error) { return h.s.Unreceive(ctx, r.ID, 0, nil, "a") },
		}},
		{"inspect", pair{
			func(h *house, r returns.RMA) (returns.RMA, error) { return h.s.Inspect(ctx, r.ID, 0, sold(r), "a") },
			func(h *house, r returns.RMA) (returns.RMA, error) { return h.s.Uninspect(ctx, r.ID, 0, sold(r), "a") },
		}},
	}
	each(t, func(h *house) {
		o := h.bought(arrival("1001"))
		r := must[returns.RMA](h)(h.s.Request(ctx, returns.Ask{Order: o.ID, Lines: []returns.Units{{LineID: o.Lines[0].ID, Quantity: 2}}, Location: h.loc, Actor: "clerk"}))
		look := func() string {
			r, v := h.rma(r.ID), h.get(o.ID)
			return fmt.Sprint(r.Decision, r.Goods, r.Money, r.RefundDue, r.Lines, r.Detail, r.ClosedAt.IsZero(), r.ReceivedAt.IsZero(), counts(v.Lines[0]), h.stockOf("var-SHIRT"))
		}
		for i, p := range pairs {
			before := look()
			must[returns.RMA](h)(p.do(h, h.rma(r.ID)))
			if look() == before {
				t.Errorf("%s changes nothing", p.name)
			}
			must[returns.RMA](h)(p.undo(h, h.rma(r.ID)))
			same(t, p.name+": "+before, p.name+": "+look())
			if i >= 2 { // go on from there
				must[returns.RMA](h)(p.do(h, h.rma(r.ID)))
			}
		}
	})
}

// TestAnySequence takes random acts and holds what must always be true: units add up, stock follows dispositions, what goes back never exceeds what was captured.
func TestAnySequence(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	each(t, func(h *house) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		ctx := context.Background()
		o := h.bought(arrival("1001"))
		base := h.stockOf("var-SHIRT")
		n := func(max int64) int64 { return rnd.Int64N(max + 1) }
		for range 120 {
			all := read(h, func(tx *db.Tx) ([]returns.RMA, error) { return h.s.Of(tx, o.ID) })
			line := o.Lines[rnd.IntN(2)].ID
			var err error
			if len(all) == 0 || rnd.IntN(6) == 0 {
				kinds := []returns.Kind{returns.KindReturn, returns.KindRefundOnly, returns.KindReturn}
				_, err = h.s.Request(ctx, returns.Ask{Order: o.ID, Kind: kinds[rnd.IntN(3)], Lines: []returns.Units{{LineID: line, Quantity: 1 + n(2)}}, Location: h.loc, Approve: rnd.IntN(2) == 0, Actor: "a"})
			} else {
				r := all[rnd.IntN(len(all))]
				line = r.Lines[0].LineID
				one := []returns.Verdict{{LineID: line, Quantity: 1, Disposition: []returns.Disposition{returns.ToSell, returns.ToDamaged, returns.ToReject, returns.ToQuarantine}[rnd.IntN(4)]}}
				switch rnd.IntN(15) {
				case 0:
					_, err = h.s.Approve(ctx, r.ID, 0, "a")
				case 1:
					_, err = h.s.Decline(ctx, r.ID, 0, "no", "a")
				case 2:
					_, err = h.s.Withdraw(ctx, r.ID, 0, "no", "a")
				case 3:
					_, err = h.s.Reopen(ctx, r.ID, 0, "a")
				case 4:
					_, err = h.s.SentBack(ctx, r.ID, 0, "c", "t", "a")
				case 5:
					_, err = h.s.NotSent(ctx, r.ID, 0, "a")
				case 6, 7:
					_, err = h.s.Receive(ctx, r.ID, 0, returns.Receipt{Location: h.loc, Lines: []returns.Units{{LineID: line, Quantity: 1}}, Actor: "a"})
				case 8, 9:
					_, err = h.s.Inspect(ctx, r.ID, 0, one, "a")
				case 10:
					_, err = h.s.Uninspect(ctx, r.ID, 0, one, "a")
				case 11:
					_, err = h.s.Unreceive(ctx, r.ID, 0, nil, "a")
				case 12:
					_, err = h.s.Close(ctx, r.ID, 0, "a")
				case 13:
					if r, err = h.s.Refund(ctx, r.ID, 0, returns.Paying{Actor: "a"}); err == nil {
						var cause error
						if rnd.IntN(4) == 0 {
							cause = fault.New(fault.Refused, "no")
						}
						h.write(func(tx *db.Tx) error { return h.pay.Settle(tx, r.Detail.Refunds[len(r.Detail.Refunds)-1], "", cause) })
						h.drain()
					}
				case 14:
					_, err = h.s.Owe(ctx, r.ID, 0, "", "a")
				}
			}
			if err != nil && !fault.Is(err, fault.Conflict) {
				t.Fatal(err)
			}
			h.holds(o, base)
		}
	})
}

// holds checks what must always be true.
func (h *house) holds(o order.View, base [3]int64) {
	h.Helper()
	v := h.get(o.ID)
	var want [3]int64
	var refunded int64
	for _, r := range read(h, func(tx *db.Tx) ([]returns.RMA, error) { return h.s.Of(tx, o.ID) }) {
		refunded += r.Refunded
		for _, l := range r.Lines {
			if l.LineID == o.Lines[0].ID {
				want[0] += l.Sellable
				want[1] += l.Quarantine + l.Waiting
				want[2] += l.Damaged
			}
		}
	}
	got := h.stockOf("var-SHIRT")
	for i := range want {
		if got[i]-base[i] != want[i] {
			h.Fatalf("stock %v, started at %v, returns say %v", got, base, want)
		}
	}
	if back := h.back(o.ID); back > 370001 || refunded > back {
		h.Fatalf("%d went back, returns say %d, 370001 was captured", back, refunded)
	}
	for _, l := range v.Lines {
		if l.OnTheWay+l.Delivered+l.Returning+l.Returned != l.Ordered {
			h.Fatalf("units of line %d do not add up: %+v", l.N, l.Progress)
		}
	}
}

func TestLives_are_sound_and_the_database_knows_every_state(t *testing.T) {
	t.Parallel()
	for _, l := range returns.Lives {
		if err := l.Check(); err != nil {
			t.Error(err)
		}
	}
	each(t, func(h *house) {
		_, r := h.approved("1001")
		for column, l := range map[string]state.Life{"goods_state": returns.GoodsLife, "money_state": returns.MoneyLife, "decision": returns.DecisionLife} {
			for _, s := range l.States() {
				h.write(func(tx *db.Tx) error {
					_, err := tx.Exec(`update returns_rma set `+column+` = $2 where id = $1`, r.ID, string(s))
					return err
				})
			}
			err := h.d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(`update returns_rma set `+column+` = 'elsewhere' where id = $1`, r.ID)
				return err
			})
			if err == nil {
				t.Errorf("%s takes any word", column)
			}
		}
	})
}

func TestList_pages_through_returns_newest_first(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		var want []string
		for i := range 5 {
			_, r := h.approved(fmt.Sprint(1001 + i))
			want = append([]string{r.ID}, want...)
		}
		var got []string
		for after := ""; ; {
			p := read(h, func(tx *db.Tx) (returns.Page, error) {
				return h.s.List(tx, returns.Filter{Decision: "approved", Open: true}, after, 2)
			})
			for _, r := range p.Items {
				got = append(got, r.ID)
				same(t, 1, len(r.Lines))
			}
			if after = p.Next; after == "" {
				break
			}
		}
		same(t, want, got)
		none := read(h, func(tx *db.Tx) (returns.Page, error) { return h.s.List(tx, returns.Filter{Account: "other"}, "", 2) })
		same(t, 0, len(none.Items))
	})
}
