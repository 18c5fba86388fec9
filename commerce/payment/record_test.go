package payment_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

func card(external string, status channel.Status, amount int64) channel.Payment {
	return channel.Payment{External: external, Method: channel.PayCard, Status: status, Amount: pkr(amount), At: start}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	t.Run("what was captured stays captured, whatever a later reading says or leaves out", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", paidBy(card("p1", channel.Authorized, 370001))))
			same(t, "authorized 370001 0 0", purse(h.payments(id)[0]))
			same(t, "authorized", string(h.get(id).PayState))
			h.imported(arrival("1001", newer(1), paidBy(card("p1", channel.Paid, 370001))))
			same(t, "captured 370001 370001 0", purse(h.payments(id)[0]))
			for i, s := range []channel.Status{channel.Authorized, channel.Due, channel.Voided, channel.Failed, channel.Unknown} {
				h.imported(arrival("1001", newer(2+i), paidBy(card("p1", s, 100))))
			}
			h.imported(arrival("1001", newer(9), paidBy()))
			same(t, "captured 370001 370001 0", purse(h.payments(id)[0]))
			same(t, "paid", string(h.get(id).PayState))
			same(t, 1, h.events(id)[event.OrderPaid])
		})
	})
	t.Run("several payments of an order are kept apart", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", paidBy(card("gift", channel.Paid, 70001), card("p2", channel.Failed, 300000))))
			same(t, "part_paid", string(h.get(id).PayState))
			h.imported(arrival("1001", newer(1), paidBy(card("gift", channel.Paid, 70001), card("p2", channel.Failed, 300000), card("p3", channel.Paid, 300000))))
			same(t, []string{"captured 70001 70001 0", "failed 300000 0 0", "captured 300000 300000 0"}, []string{purse(h.payments(id)[0]), purse(h.payments(id)[1]), purse(h.payments(id)[2])})
			same(t, "paid", string(h.get(id).PayState))
		})
	})
	t.Run("the same reading twice writes nothing", func(t *testing.T) {
		each(t, func(h *house) {
			back := refundedBy(channel.Refund{External: "r1", Amount: pkr(900000), At: start})
			id := h.imported(arrival("1001", back))
			before := h.payments(id)
			for n := range 3 {
				h.imported(arrival("1001", back, newer(n+1)))
			}
			same(t, before, h.payments(id))
			same(t, 1, len(h.refunds(id)))
			same(t, 1, h.events(id)[event.RefundIssued])
		})
	})
	t.Run("sixty-four orders are one batch", func(t *testing.T) {
		each(t, func(h *house) {
			var as []channel.Arrival
			for i := range 64 {
				as = append(as, arrival(fmt.Sprint(i), refundedBy(channel.Refund{External: "r", Amount: pkr(10000), At: start, Lines: []channel.RefundLine{{Line: "l2", Amount: pkr(10000)}}})))
			}
			h.write(func(tx *db.Tx) error {
				landed, err := h.order.Import(tx, as)
				for _, l := range landed {
					if l.Decision != channel.Imported {
						t.Errorf("%s: %s", l.Decision, l.Why)
					}
				}
				return err
			})
		})
	})
}

func TestChannelRefund(t *testing.T) {
	t.Parallel()
	t.Run("it is recorded as reported, announced once and counted on the lines", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			back := refundedBy(channel.Refund{
				External: "r1", Amount: pkr(100000), At: start.Add(time.Hour), Reason: "late", Payment: "p1",
				Lines: []channel.RefundLine{{Line: "l1", Quantity: 1, Amount: pkr(100000), Restock: channel.RestockReturn}},
			})
			h.imported(arrival("1001", newer(1), back))
			h.imported(arrival("1001", newer(2), back))
			r := h.refunds(id)
			same(t, 1, len(r))
			same(t, []any{"channel", "recorded", int64(100000), "", "r1"}, []any{r[0].Origin, r[0].State, r[0].Amount, r[0].Flagged, r[0].External})
			same(t, int64(1), h.get(id).Lines[0].Refunded)
			same(t, "captured 370001 370001 100000", purse(h.payments(id)[0]))
			same(t, "part_refunded", string(h.get(id).PayState))
			same(t, 1, h.events(id)[event.RefundIssued])
			same(t, 0, h.cases("refund_over_captured"))
		})
	})
	t.Run("cash that the channel collected and gives back had been collected", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", cash(channel.ByChannel)))
			same(t, "due 370001 0 ", h.cashOf(id))
			back := refundedBy(channel.Refund{External: "r1", Amount: pkr(50000), At: start})
			h.imported(arrival("1001", cash(channel.ByChannel), newer(1), back))
			h.imported(arrival("1001", cash(channel.ByChannel), newer(2), back))
			same(t, 0, h.cases("refund_over_captured"))
			same(t, "collected 370001 370001 cod_confirmed", h.cashOf(id))
			same(t, "part_refunded", string(h.get(id).PayState))
			same(t, 1, h.events(id)[event.OrderPaid])
		})
	})
	t.Run("more than was captured is kept as reported and flagged", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			h.imported(arrival("1001", newer(1), refundedBy(channel.Refund{External: "r1", Amount: pkr(370001), At: start}, channel.Refund{External: "r2", Amount: pkr(1), At: start})))
			same(t, 1, h.cases("refund_over_captured"))
			same(t, "captured 370001 370001 370002", purse(h.payments(id)[0]))
			same(t, "refunded", string(h.get(id).PayState))
		})
	})
	t.Run("one of ours that the channel lists before we have its answer is the same refund", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			r := h.refund(payment.Ask{Order: id, Lines: []payment.RefundLine{{LineID: h.get(id).Lines[1].ID, Quantity: 1}}, Reason: "late"})
			back := refundedBy(channel.Refund{External: "r1", Amount: pkr(50000), At: start})
			h.imported(arrival("1001", newer(1), back))
			h.settled(r.ID, "r1", nil)
			h.imported(arrival("1001", newer(2), back))
			same(t, 1, len(h.refunds(id)))
			same(t, []string{"issued", "r1"}, []string{h.refunds(id)[0].State, h.refunds(id)[0].External})
			same(t, 1, h.events(id)[event.RefundIssued])
			same(t, 1, h.events(id)[event.RefundSettled])
			same(t, int64(1), h.get(id).Lines[1].Refunded)
			same(t, "captured 370001 370001 50000", purse(h.payments(id)[0]))
		})
	})
	t.Run("one of ours whose answer was lost is found in the channel's list", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			r := h.refund(payment.Ask{Order: id, Amount: 5000, Reason: "late"})
			h.settled(r.ID, "", fault.New(fault.OutcomeUnknown, "the answer was lost"))
			same(t, "unknown", h.refunds(id)[0].State)
			h.imported(arrival("1001", newer(1), refundedBy(channel.Refund{External: "r1", Amount: pkr(5000), At: start})))
			same(t, "issued", h.refunds(id)[0].State)
			same(t, 1, len(h.refunds(id)))
		})
	})
	t.Run("another of the same amount is another", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			r := h.refund(payment.Ask{Order: id, Amount: 5000, Reason: "late"})
			h.settled(r.ID, "r1", nil)
			h.imported(arrival("1001", newer(1), refundedBy(channel.Refund{External: "r1", Amount: pkr(5000), At: start}, channel.Refund{External: "r2", Amount: pkr(5000), At: start})))
			same(t, 2, len(h.refunds(id)))
			same(t, 2, h.events(id)[event.RefundIssued])
		})
	})
	t.Run("orders that are not ours make nothing known", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", refundedBy(channel.Refund{External: "r1", Amount: pkr(900000), At: start}), func(a *channel.Arrival) { a.Account.Mode = channel.Shadow }))
			same(t, 1, len(h.refunds(id)))
			same(t, 0, len(h.events(id)))
			same(t, 0, h.cases("refund_over_captured"))
		})
	})
}
