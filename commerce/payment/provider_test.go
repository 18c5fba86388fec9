package payment_test

import (
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/gateway/demo"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// at the provider: state, captured, refunded.
func (h *house) held(id string) []any {
	h.Helper()
	p := h.bank.Read(h.payments(id)[0].External)
	return []any{p.State, p.Captured.Minor, p.Refunded.Minor}
}

func (h *house) cancel(id string, lines ...order.CutLine) {
	h.Helper()
	if _, err := h.order.Cancel(h.Context(), order.Cancelling{Order: id, Lines: lines, Reason: "no longer wanted", Initiator: "buyer", Actor: "clerk"}); err != nil {
		h.Fatal(err)
	}
	h.drain()
}

func TestOwnProvider(t *testing.T) {
	t.Parallel()
	t.Run("a refund goes out once, though its answer was lost", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", h.own(true)))
			same(t, "demo", h.payments(id)[0].Provider)
			h.bank.Fault(demo.LostAnswer, "refund", 2)
			h.refund(payment.Ask{Order: id, Amount: 1000, Reason: "late"})
			for range 4 {
				h.drain()
				h.clock.Advance(time.Hour)
			}
			same(t, []any{gateway.Captured, int64(370001), int64(1000)}, h.held(id))
			same(t, "issued", h.refunds(id)[0].State)
			same(t, "captured 370001 370001 1000", purse(h.payments(id)[0]))
			same(t, []int{1, 1}, []int{h.events(id)[event.RefundIssued], h.events(id)[event.RefundSettled]})
		})
	})
	t.Run("a refusal waits for a person, who has it tried again or paid out", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", h.own(true)))
			p := h.payments(id)[0]
			if _, err := h.till.Refund(t.Context(), gateway.Act{Reference: "elsewhere", Payment: p.External, Amount: pkr(370000)}); err != nil {
				t.Fatal(err)
			}
			r := h.refund(payment.Ask{Order: id, Amount: 1000})
			h.drain()
			same(t, "refused", h.refunds(id)[0].State)
			same(t, 1, h.cases("refund_refused"))
			if err := h.s.Resolve(t.Context(), r.ID, false, "", "clerk"); err != nil {
				t.Fatal(err)
			}
			h.drain()
			same(t, "refused", h.refunds(id)[0].State)
			if err := h.s.Resolve(t.Context(), r.ID, true, "by hand", "clerk"); err != nil {
				t.Fatal(err)
			}
			same(t, 0, h.cases("refund_refused"))
		})
	})
	t.Run("what was authorized is taken when the parcel leaves, less what was cancelled", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", h.own(false)))
			h.cancel(id, order.CutLine{LineID: h.get(id).Lines[1].ID, Quantity: 1})
			same(t, 0, len(h.refunds(id)))
			for range 2 {
				h.write(func(tx *db.Tx) error {
					return outbox.Append(tx, outbox.Event{Aggregate: "shipment:1", Partition: "order:" + id, Type: event.ShipmentHandedOver, Order: id, Body: event.ShipmentFact{OrderID: id}})
				})
				h.drain()
			}
			same(t, []any{gateway.Captured, int64(320001), int64(0)}, h.held(id))
			same(t, []any{"captured 370001 320001 0", "paid", 1}, []any{purse(h.payments(id)[0]), string(h.get(id).PayState), h.events(id)[event.OrderPaid]})
		})
	})
	t.Run("a cancelled order lets go of what is held", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", h.own(false)))
			h.cancel(id)
			same(t, []any{gateway.Voided, int64(0), int64(0)}, h.held(id))
			same(t, "voided", string(h.get(id).PayState))
			same(t, 0, len(h.refunds(id)))
		})
	})
	t.Run("cancelled units that were paid go back, at the end with shipping, to the last paisa", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", h.own(true)))
			lines := h.get(id).Lines
			h.cancel(id, order.CutLine{LineID: lines[0].ID, Quantity: 1})
			h.cancel(id, order.CutLine{LineID: lines[0].ID, Quantity: 1})
			same(t, int64(200001), h.payments(id)[0].Refunded)
			h.cancel(id)
			same(t, []any{gateway.Refunded, int64(370001), int64(370001)}, h.held(id))
			same(t, "refunded", string(h.get(id).PayState))
			same(t, 3, h.events(id)[event.RefundIssued])
		})
	})
	t.Run("money captured after the order was cancelled goes back at once", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", h.own(false)))
			if _, err := h.till.Capture(t.Context(), gateway.Act{Reference: "elsewhere", Payment: h.payments(id)[0].External}); err != nil {
				t.Fatal(err)
			}
			h.cancel(id)
			same(t, []any{gateway.Refunded, int64(370001), int64(370001)}, h.held(id))
			same(t, "refunded", string(h.get(id).PayState))
		})
	})
	t.Run("a channel gives its own money back", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			h.cancel(id)
			same(t, 0, len(h.refunds(id)))
		})
	})
	t.Run("two payments give back together what neither has alone", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", func(a *channel.Arrival) {
				a.Account.Channel, a.Account.ID = "ownsite", "acc-own"
				a.Order.Payments = []channel.Payment{card("a", channel.Paid, 170001), card("b", channel.Paid, 200000)}
				a.Order.Payments[0].Gateway, a.Order.Payments[1].Gateway = "demo", "demo"
			}))
			_, err := h.s.Refund(t.Context(), payment.Ask{Order: id, Amount: 300000, Actor: "clerk"})
			refused(t, fault.Conflict, "several_payments", err)
			same(t, h.payments(id)[1].ID, h.refund(payment.Ask{Order: id, Amount: 190000}).PaymentID)
			same(t, h.payments(id)[0].ID, h.refund(payment.Ask{Order: id, Amount: 20000}).PaymentID)
			same(t, "payout", h.refund(payment.Ask{Order: id, Amount: 155000, Method: payment.Payout}).Method)
		})
	})
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		ask := gateway.Request{Reference: "cart-1", Amount: pkr(370001)}
		h.bank.Fault(demo.LostAnswer, "authorize", 1)
		p, err := h.s.Authorize(t.Context(), "demo", ask)
		if err != nil {
			t.Fatal(err)
		}
		same(t, []any{gateway.Authorized, 1}, []any{p.State, h.bank.Len()})
		ask.Reference, ask.Amount = "cart-2", pkr(10051)
		if p, err = h.s.Authorize(t.Context(), "demo", ask); err != nil || p.State != gateway.Declined || p.Decline == nil {
			t.Errorf("%v %v", p.State, err)
		}
		if _, err := h.s.Authorize(t.Context(), "barter", ask); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		for range 2 {
			if err := h.s.Abandon(t.Context(), "demo", "cart-1"); err != nil {
				t.Fatal(err)
			}
		}
		same(t, gateway.Voided, h.bank.Read("dp_000001").State)
		if err := h.s.Abandon(t.Context(), "demo", "never"); err != nil {
			t.Error(err)
		}
		if _, err := h.s.Authorize(t.Context(), "demo", gateway.Request{Reference: "cart-3", Amount: pkr(100), Capture: true}); err != nil {
			t.Fatal(err)
		}
		if err := h.s.Abandon(t.Context(), "demo", "cart-3"); err != nil {
			t.Fatal(err)
		}
		same(t, gateway.Refunded, h.bank.Read("dp_000003").State)
	})
}

func TestHook(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		hook := func(external string) []gateway.Payment {
			h.Helper()
			var all []gateway.Payment
			for _, d := range h.bank.Deliveries(external) {
				got, err := h.s.Hook(t.Context(), "demo", d)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, got...)
			}
			return all
		}
		id := h.imported(arrival("1001", h.own(false)))
		external := h.payments(id)[0].External
		if _, err := h.till.Capture(t.Context(), gateway.Act{Reference: "elsewhere", Payment: external}); err != nil {
			t.Fatal(err)
		}
		same(t, 0, len(hook(external)))
		same(t, 0, len(hook(external)))
		same(t, []any{"captured 370001 370001 0", "paid", 1}, []any{purse(h.payments(id)[0]), string(h.get(id).PayState), h.events(id)[event.OrderPaid]})
		p, err := h.s.Authorize(t.Context(), "demo", gateway.Request{Reference: "cart-9", Amount: pkr(100)})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "cart-9", hook(p.External)[0].Reference)
		forged := h.bank.Deliveries(external)[0]
		forged.Body = append(forged.Body, ' ')
		if _, err := h.s.Hook(t.Context(), "demo", forged); !fault.Is(err, fault.Unauthorized) {
			t.Error(err)
		}
		if _, err := h.s.Hook(t.Context(), "barter", partner.Delivery{}); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}
