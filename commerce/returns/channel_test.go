package returns_test

import (
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// theirs is a return as the channel tells it: two shirts.
func theirs(status channel.Status) channel.ReturnChange {
	return channel.ReturnChange{Order: "1001", Return: channel.Return{
		External: "R-1", Status: status, Raw: string(status), Kind: "return", Reason: "too small", At: start.Add(time.Hour), Decide: start.Add(48 * time.Hour),
		Lines: []channel.ReturnLine{{External: "RL-1", Line: "l1", Quantity: 2, Refund: money.Of(200001, "PKR")}},
	}}
}

func (h *house) tells(status channel.Status) {
	h.Helper()
	h.write(func(tx *db.Tx) error { return h.s.Channel(tx, []channel.ReturnChange{theirs(status)}, "acc-1") })
}

// told are the facts of a return that the channel would be told of.
func (h *house) told(id string) []string {
	h.Helper()
	var all []string
	for _, e := range read(h, func(tx *db.Tx) ([]outbox.Stored, error) { return outbox.OfAggregate(tx, "return:"+id) }) {
		f, err := outbox.Decode[event.ReturnFact](e)
		if err != nil {
			h.Fatal(err)
		}
		if e.Type == event.ReturnChanged && !f.FromChannel {
			all = append(all, f.What)
		}
	}
	return all
}

func TestChannel(t *testing.T) {
	t.Parallel()
	t.Run("a request waits for us, with the channel's deadline, and is there once", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.bought(arrival("1001"))
			h.tells(channel.Requested)
			h.tells(channel.Requested)
			r := h.ofOrder(o.ID)
			same(t, []any{"requested", "awaited", "none", int64(1), "R-1", start.Add(48 * time.Hour)}, []any{r.Decision, r.Goods, r.Money, r.Version, r.External, r.DecideBy})
			same(t, 1, h.cases("return_waiting"))
			same(t, []string(nil), h.told(r.ID))
		})
	})
	t.Run("every status moves it forward and none moves it back", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.bought(arrival("1001"))
			for _, s := range []channel.Status{channel.Open, channel.Requested, channel.Returning, channel.Open, channel.Returned, channel.Returning, channel.Returned} {
				h.tells(s)
			}
			r := h.ofOrder(o.ID)
			same(t, []any{"approved", "on_the_way", "due", int64(200001)}, []any{r.Decision, r.Goods, r.Money, r.RefundDue})
			same(t, [5]int64{0, 1, 2, 0, 0}, counts(h.get(o.ID).Lines[0]))
			same(t, 1, h.cases("return_waiting"))
			same(t, []string{event.ReturnRequested, event.ReturnApproved}, h.events(o.ID, event.ReturnRequested, event.ReturnApproved))
			same(t, []string{"requested", "approved", "sent_back"}, h.what(r.ID))
			same(t, []string(nil), h.told(r.ID))
		})
	})
	t.Run("what comes with the order is taken like what is read apart", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.bought(arrival("1001"))
			h.imported(arrival("1001", newer(1), func(a *channel.Arrival) {
				a.Order.Lines[0].Progress.Delivered, a.Order.Lines[1].Progress.Delivered = 3, 1
				a.Order.Returns = []channel.Return{theirs(channel.Returning).Return}
			}))
			h.tells(channel.Returning)
			same(t, "on_the_way", h.ofOrder(o.ID).Goods)
		})
	})
	t.Run("goods that are not with the buyer cannot be on their way back", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001"))
			h.tells(channel.Returning)
			r := h.ofOrder(id)
			same(t, []string{"approved", "awaited"}, []string{r.Decision, r.Goods})
			same(t, 1, h.cases("contradicting_status"))
		})
	})
	t.Run("units nobody reported as delivered come back, or go on to the buyer", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.sent(arrival("1001"))
			h.tells(channel.Returning)
			same(t, [5]int64{1, 0, 2, 0, 0}, counts(h.get(o.ID).Lines[0]))
			h.tells(channel.Cancelled)
			same(t, [5]int64{3, 0, 0, 0, 0}, counts(h.get(o.ID).Lines[0]))
			same(t, []any{"withdrawn", "none"}, []any{h.ofOrder(o.ID).Decision, h.ofOrder(o.ID).Money})
		})
	})
	t.Run("a return of an order that is not here is raised", func(t *testing.T) {
		each(t, func(h *house) {
			h.tells(channel.Open)
			same(t, 1, h.cases("order_missing"))
		})
	})
	t.Run("what was declined or withdrawn there ends here, unless it went on here", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.bought(arrival("1001"))
			h.tells(channel.Requested)
			h.tells(channel.Declined)
			r := h.ofOrder(o.ID)
			same(t, []any{"declined", "cancelled", false}, []any{r.Decision, r.Goods, r.ClosedAt.IsZero()})
			o2 := h.bought(arrival("1002"))
			say := func(s channel.Status) {
				c := theirs(s)
				c.Order, c.Return.External = "1002", "R-2"
				h.write(func(tx *db.Tx) error { return h.s.Channel(tx, []channel.ReturnChange{c}, "acc-1") })
			}
			say(channel.Returning)
			r = h.ofOrder(o2.ID)
			must[returns.RMA](h)(h.s.Receive(t.Context(), r.ID, r.Version, returns.Receipt{Location: h.loc, Actor: "clerk"}))
			say(channel.Cancelled)
			same(t, "approved", h.ofOrder(o2.ID).Decision)
			same(t, 1, h.cases("contradicting_status"))
		})
	})
	t.Run("the channel pays when it is told, and its conclusion settles our refund", func(t *testing.T) {
		each(t, func(h *house) {
			h.lists = false
			o := h.bought(arrival("1001"))
			h.tells(channel.Returned)
			r := h.ofOrder(o.ID)
			r = must[returns.RMA](h)(h.s.Receive(t.Context(), r.ID, r.Version, returns.Receipt{Location: h.loc, Actor: "clerk"}))
			r = must[returns.RMA](h)(h.s.Refund(t.Context(), r.ID, r.Version, returns.Paying{Actor: "clerk"}))
			same(t, []string{"received", "refunded"}, h.told(r.ID))
			h.tells(channel.Completed)
			h.tells(channel.Completed)
			h.drain()
			r = h.rma(r.ID)
			same(t, []any{"refunded", int64(200001)}, []any{r.Money, r.Refunded})
			same(t, []string{event.RefundIssued}, h.events(o.ID, event.RefundIssued))
			same(t, int64(200001), h.back(o.ID))
		})
	})
	t.Run("a refund the channel lists is the one we had it pay, whichever comes first", func(t *testing.T) {
		each(t, func(h *house) {
			for i, first := range []string{"list", "conclusion"} {
				external := []string{"1001", "1002"}[i]
				o := h.bought(arrival(external))
				say := func(s channel.Status) {
					c := theirs(s)
					c.Order, c.Return.External = external, "R-"+external
					h.write(func(tx *db.Tx) error { return h.s.Channel(tx, []channel.ReturnChange{c}, "acc-1") })
					h.drain()
				}
				say(channel.Returned)
				r := h.ofOrder(o.ID)
				r = must[returns.RMA](h)(h.s.Receive(t.Context(), r.ID, r.Version, returns.Receipt{Location: h.loc, Actor: "clerk"}))
				must[returns.RMA](h)(h.s.Refund(t.Context(), r.ID, r.Version, returns.Paying{Actor: "clerk"}))
				list := func(n int) {
					h.imported(arrival(external, newer(n), func(a *channel.Arrival) {
						a.Order.Lines[0].Progress.Delivered, a.Order.Lines[1].Progress.Delivered = 3, 1
						a.Order.Refunds = []channel.Refund{{
							External: "RF-1", Amount: money.Of(200000, "PKR"), At: start.Add(2 * time.Hour),
							Lines: []channel.RefundLine{{Line: "l1", Quantity: 2, Amount: money.Of(200000, "PKR"), Restock: channel.RestockReturn}},
						}}
					}))
					h.drain()
				}
				if first == "list" {
					list(1)
					say(channel.Completed)
				} else {
					say(channel.Completed)
					list(1)
				}
				list(2)
				same(t, []string{event.RefundIssued}, h.events(o.ID, event.RefundIssued))
				refunds := read(h, func(tx *db.Tx) ([]payment.Refund, error) { return h.pay.RefundsOf(tx, o.ID) })
				same(t, 1, len(refunds))
				same(t, []string{"issued", "RF-1"}, []string{refunds[0].State, refunds[0].External})
				same(t, "refunded", h.rma(r.ID).Money)
			}
		})
	})
	t.Run("a channel that paid by itself and lists nothing is recorded once", func(t *testing.T) {
		each(t, func(h *house) {
			h.lists = false
			o := h.bought(arrival("1001"))
			h.tells(channel.Completed)
			h.drain()
			h.tells(channel.Completed)
			h.drain()
			r := h.ofOrder(o.ID)
			same(t, []any{"refunded", int64(200001)}, []any{r.Money, r.Refunded})
			same(t, int64(200001), h.back(o.ID))
			same(t, "part_refunded", string(h.get(o.ID).PayState))
		})
	})
	t.Run("units that the channel addresses are found by their ids", func(t *testing.T) {
		each(t, func(h *house) {
			o := h.bought(arrival("1001", func(a *channel.Arrival) {
				for i := range a.Order.Lines {
					l := &a.Order.Lines[i]
					for n := range l.Quantity {
						l.Units = append(l.Units, channel.Unit{External: l.External + "-" + string(rune('a'+n)), Status: channel.Open})
					}
				}
			}))
			h.write(func(tx *db.Tx) error {
				c := theirs(channel.Returning)
				c.Return.Lines = []channel.ReturnLine{{External: "1", Units: []string{"l1-b"}, Quantity: 1}, {External: "2", Units: []string{"l1-c"}, Quantity: 1}}
				return h.s.Channel(tx, []channel.ReturnChange{c}, "acc-1")
			})
			r := h.ofOrder(o.ID)
			same(t, []string{"l1-b", "l1-c"}, r.Lines[0].Units)
			var coming []string
			for _, u := range h.get(o.ID).Lines[0].Units {
				if u.Bucket == "returning" {
					coming = append(coming, u.External)
				}
			}
			same(t, []string{"l1-b", "l1-c"}, coming)
		})
	})
}

// back is what went back of an order, or is going.
func (h *house) back(order string) int64 {
	h.Helper()
	var sum int64
	for _, r := range read(h, func(tx *db.Tx) ([]payment.Refund, error) { return h.pay.RefundsOf(tx, order) }) {
		if r.State != "refused" {
			sum += r.Amount
		}
	}
	return sum
}

func TestFirstSight_of_an_order_that_has_already_gone_far(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.write(func(tx *db.Tx) error {
			return h.inv.Move(tx, []stock.Movement{{Variant: "var-SHIRT", Location: h.loc, Delta: 100, Kind: stock.MoveReceipt, RefKind: "test", RefID: "1"}})
		})
		var as []channel.Arrival
		for _, external := range []string{"1003", "1001", "1002"} {
			as = append(as, arrival(external, func(a *channel.Arrival) {
				a.Order.Lines[0].Progress.Delivered = 2
				r := theirs(channel.Returning).Return
				r.External = "R-" + external
				a.Order.Returns = []channel.Return{r}
				a.Order.Refunds = []channel.Refund{{External: "RF-1", Amount: money.Of(100000, "PKR"), At: start, Lines: []channel.RefundLine{{Line: "l1", Quantity: 1, Amount: money.Of(100000, "PKR"), Restock: channel.RestockReturn}}}}
			}))
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
		h.drain()
		for _, a := range as {
			v := h.get(a.Change.External)
			r := h.ofOrder(v.ID)
			same(t, []any{"approved", "refunded", int64(100000), int64(1)}, []any{r.Decision, r.Money, r.Refunded, v.Lines[0].Refunded})
		}
	})
}

func TestTold(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		o := h.bought(arrival("1001"))
		h.tells(channel.Requested)
		id := h.ofOrder(o.ID).ID
		_, err := h.s.Approve(t.Context(), id, 0, "clerk")
		if err != nil {
			t.Fatal(err)
		}
		told := func(cause error) {
			h.Helper()
			h.write(func(tx *db.Tx) error { return h.s.Told(tx, id, cause) })
		}
		told(nil)
		told(fault.New(fault.OutcomeUnknown, "no answer"))
		same(t, []any{0, ""}, []any{h.cases("push_refused"), h.rma(id).Detail.Untold})
		told(fault.New(fault.Refused, "the time for returns is over"))
		told(fault.New(fault.Refused, "the time for returns is over"))
		same(t, []any{1, "the time for returns is over"}, []any{h.cases("push_refused"), h.rma(id).Detail.Untold})
		told(nil)
		same(t, []any{0, ""}, []any{h.cases("push_refused"), h.rma(id).Detail.Untold})
		same(t, []string{"approved", "untold", "told"}, h.told(id))
	})
}
