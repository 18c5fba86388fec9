package payment_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

func TestRefund(t *testing.T) {
	t.Parallel()
	line := func(h *house, id string, i int, n, amount int64) []payment.RefundLine {
		h.Helper()
		return []payment.RefundLine{{LineID: h.get(id).Lines[i].ID, Quantity: n, Amount: amount}}
	}
	ask := func(h *house, a payment.Ask) error {
		h.Helper()
		a.Actor = "clerk"
		_, err := h.s.Refund(context.Background(), a)
		return err
	}
	t.Run("units go back one by one and the last takes what is left of the line", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			var sum int64
			for _, want := range []int64{100000, 100001, 100000} {
				r := h.refund(payment.Ask{Order: id, Lines: line(h, id, 0, 1, 0)})
				same(t, want, r.Amount)
				sum += r.Amount
			}
			same(t, int64(300001), sum)
			refused(t, fault.Conflict, "over_refunded", ask(h, payment.Ask{Order: id, Lines: line(h, id, 0, 1, 0)}))
			refused(t, fault.Conflict, "over_refunded", ask(h, payment.Ask{Order: id, Lines: line(h, id, 0, 0, 1)}))
		})
	})
	t.Run("what is on its way back counts as gone", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			h.refund(payment.Ask{Order: id, Amount: 370000})
			refused(t, fault.Conflict, "over_captured", ask(h, payment.Ask{Order: id, Amount: 2}))
			r := h.refund(payment.Ask{Order: id, Amount: 1})
			h.settled(r.ID, "", fault.New(fault.Refused, "no"))
			h.refund(payment.Ask{Order: id, Amount: 1})
		})
	})
	t.Run("one reference is one refund", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			a := h.refund(payment.Ask{Order: id, Amount: 1000, Reference: "key-1"})
			b := h.refund(payment.Ask{Order: id, Amount: 1000, Reference: "key-1"})
			same(t, a.ID, b.ID)
			same(t, 1, len(h.refunds(id)))
			same(t, 1, h.events(id)[event.RefundWanted])
		})
	})
	t.Run("an amount below what lines cost is spread over them exactly", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			lines := append(line(h, id, 0, 3, 0), line(h, id, 1, 1, 0)...)
			r := h.refund(payment.Ask{Order: id, Lines: lines, Amount: 100, Shipping: 1})
			same(t, int64(99), r.Lines[0].Amount+r.Lines[1].Amount)
			refused(t, fault.Invalid, "", ask(h, payment.Ask{Order: id, Lines: line(h, id, 1, 0, 1), Amount: 3}))
		})
	})
	t.Run("shipping goes back within what it cost", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			h.refund(payment.Ask{Order: id, Shipping: 15000})
			refused(t, fault.Conflict, "over_refunded", ask(h, payment.Ask{Order: id, Shipping: 5001}))
			h.refund(payment.Ask{Order: id, Shipping: 5000})
		})
	})
	t.Run("a stale version, nothing, too much and unknown lines are refused", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			refused(t, fault.Conflict, "version", ask(h, payment.Ask{Order: id, Version: 99, Amount: 1}))
			refused(t, fault.Invalid, "", ask(h, payment.Ask{Order: id}))
			refused(t, fault.Invalid, "", ask(h, payment.Ask{Order: id, Amount: -5}))
			refused(t, fault.NotFound, "", ask(h, payment.Ask{Order: "nowhere", Amount: 5}))
			refused(t, fault.Invalid, "", ask(h, payment.Ask{Order: id, Lines: []payment.RefundLine{{LineID: "x", Quantity: 1}}}))
			twice := append(line(h, id, 1, 1, 0), line(h, id, 1, 1, 0)...)
			refused(t, fault.Invalid, "", ask(h, payment.Ask{Order: id, Lines: twice}))
		})
	})
	t.Run("clerks who refund at once give no more back than came", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			var wg sync.WaitGroup
			errs := make([]error, 10)
			for i := range errs {
				wg.Go(func() {
					_, errs[i] = h.s.Refund(context.Background(), payment.Ask{Order: id, Amount: 100000, Actor: fmt.Sprint("clerk ", i)})
				})
			}
			wg.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					refused(t, fault.Conflict, "over_captured", err)
				}
			}
			same(t, 3, won)
		})
	})
	t.Run("a channel that gives nothing back when asked is not asked", func(t *testing.T) {
		each(t, func(h *house) {
			if err := h.order.Stock(t.Context(), "PK", "daraz", 1); err != nil {
				t.Fatal(err)
			}
			id := h.imported(arrival("1001", func(a *channel.Arrival) { a.Account.Channel = "daraz" }))
			refused(t, fault.Conflict, "channel_cannot", ask(h, payment.Ask{Order: id, Amount: 1000}))
			h.refund(payment.Ask{Order: id, Amount: 1000, Method: payment.Payout})
			r := h.refund(payment.Ask{Order: id, Amount: 1000, Method: "return"})
			if err := h.s.Refused(t.Context(), r.ID, "the channel said no", "clerk"); err != nil {
				t.Fatal(err)
			}
			same(t, []string{"intended", "refused"}, []string{h.refunds(id)[0].State, h.refunds(id)[1].State})
		})
	})
	t.Run("a refusal and a lost answer say so, and a person decides", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			r := h.refund(payment.Ask{Order: id, Amount: 1000})
			h.settled(r.ID, "", fault.New(fault.OutcomeUnknown, "the answer was lost"))
			h.settled(r.ID, "", fault.New(fault.OutcomeUnknown, "the answer was lost"))
			same(t, 1, h.events(id)[event.RefundSettled])
			if err := h.s.Resolve(t.Context(), r.ID, false, "", "clerk"); err != nil {
				t.Fatal(err)
			}
			same(t, "intended", h.refunds(id)[0].State)
			same(t, 2, h.events(id)[event.RefundWanted])
			h.settled(r.ID, "", fault.New(fault.Refused, "no"))
			if err := h.s.Resolve(t.Context(), r.ID, true, "by hand", "clerk"); err != nil {
				t.Fatal(err)
			}
			same(t, []string{"issued", "by hand", ""}, []string{h.refunds(id)[0].State, h.refunds(id)[0].External, h.refunds(id)[0].Flagged})
			h.settled(r.ID, "", fault.New(fault.Refused, "late"))
			same(t, "issued", h.refunds(id)[0].State)
			same(t, 0, h.cases("refund_over_captured"))
		})
	})
}

func TestPayoutList(t *testing.T) {
	t.Parallel()
	t.Run("cash that was collected goes back through it", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", cash(channel.Courier)))
			h.write(func(tx *db.Tx) error { return h.s.Collected(tx, payment.Parcel{Order: id}, payment.Confirmed, start) })
			for range 3 {
				same(t, payment.Payout, h.refund(payment.Ask{Order: id, Amount: 1000}).Method)
			}
			page := func(after string) payment.RefundPage {
				return read(h, func(tx *db.Tx) (payment.RefundPage, error) { return h.s.PayoutList(tx, after, 2) })
			}
			first := page("")
			same(t, 2, len(first.Items))
			last := page(first.Next)
			same(t, []any{1, ""}, []any{len(last.Items), last.Next})
			if err := h.s.PaidOut(t.Context(), first.Items[0].ID, "clerk", "IBFT-1"); err != nil {
				t.Fatal(err)
			}
			if err := h.s.Drop(t.Context(), first.Items[1].ID, "a mistake", "clerk"); err != nil {
				t.Fatal(err)
			}
			refused(t, fault.Conflict, "", h.s.Drop(t.Context(), first.Items[0].ID, "too late", "clerk"))
			refused(t, fault.Conflict, "", h.s.PaidOut(t.Context(), first.Items[1].ID, "clerk", "IBFT-2"))
			same(t, 1, len(page("").Items))
			same(t, "captured 370001 370001 1000", purse(h.payments(id)[0]))
			same(t, 1, h.events(id)[event.RefundIssued])
		})
	})
	t.Run("cash the channel collected goes back through the channel", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", cash(channel.ByChannel), func(a *channel.Arrival) { a.Order.Payments[0].Status = channel.Paid }))
			same(t, "channel", h.refund(payment.Ask{Order: id, Amount: 1000}).Method)
		})
	})
}

// TestRefunds_never_exceed_what_was_captured refunds at random, in units, amounts and shipping, with refusals and what the channel reports between.
func TestRefunds_never_exceed_what_was_captured(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	each(t, func(h *house) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		for round := range 6 {
			external := fmt.Sprint(1001 + round)
			id := h.imported(arrival(external))
			lines := h.get(id).Lines
			for range 25 {
				a := payment.Ask{Order: id, Actor: "clerk"}
				switch rnd.IntN(4) {
				case 0:
					a.Amount = rnd.Int64N(90000)
				case 1:
					a.Shipping = rnd.Int64N(15000)
				default:
					l := lines[rnd.IntN(2)]
					a.Lines = []payment.RefundLine{{LineID: l.ID, Quantity: 1 + rnd.Int64N(2)}}
				}
				r, err := h.s.Refund(context.Background(), a)
				if err != nil {
					if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Invalid) {
						t.Fatal(err)
					}
					continue
				}
				switch rnd.IntN(5) {
				case 0:
					h.settled(r.ID, "", fault.New(fault.Refused, "no"))
				case 1:
				default:
					h.settled(r.ID, "ext-"+r.ID, nil)
				}
				h.sums(id)
			}
			// What is left goes back whole, to the last paisa.
			var out int64
			for _, r := range h.refunds(id) {
				if r.State == "intended" {
					h.settled(r.ID, "ext-"+r.ID, nil)
				}
				if r.State != "refused" {
					out += r.Amount
				}
			}
			if out < 370001 {
				r := h.refund(payment.Ask{Order: id, Amount: 370001 - out})
				h.settled(r.ID, "last", nil)
			}
			same(t, "captured 370001 370001 370001", purse(h.payments(id)[0]))
			same(t, "refunded", string(h.get(id).PayState))
		}
	})
}

// sums checks an order's refunds against what was captured, in all and per line.
func (h *house) sums(id string) {
	h.Helper()
	var out int64
	line := map[string]int64{}
	for _, r := range h.refunds(id) {
		if r.State == "refused" {
			continue
		}
		out += r.Amount
		for _, l := range r.Lines {
			line[l.LineID] += l.Amount
		}
	}
	if out > 370001 {
		h.Fatalf("%d go back of 370001", out)
	}
	for _, l := range h.get(id).Lines {
		if line[l.ID] > l.Total {
			h.Fatalf("line %d cost %d and gives %d back", l.N, l.Total, line[l.ID])
		}
	}
}
