package payment_test

import (
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

func TestCash(t *testing.T) {
	t.Parallel()
	due := func(h *house, id string) int64 {
		h.Helper()
		return read(h, func(tx *db.Tx) (map[string]money.Amount, error) { return h.s.CashDue(tx, []string{id}) })[id].Minor
	}
	cashed := func(h *house, id, basis string) {
		h.Helper()
		h.write(func(tx *db.Tx) error { return h.s.Collected(tx, payment.Parcel{Order: id}, basis, start) })
	}
	move := func(h *house, f payment.CashFact) error {
		f.At = start
		return h.try(func(tx *db.Tx) error { return h.s.Move(tx, f) })
	}
	t.Run("only what a courier collects, and is still due, is put on a waybill, at the country's step", func(t *testing.T) {
		each(t, func(h *house) {
			for collector, want := range map[channel.Party]int64{channel.Courier: 370000, channel.ByChannel: 0, channel.Branch: 0, "": 370000} {
				id := h.imported(arrival("by-"+string(collector), cash(collector)))
				same(t, want, due(h, id))
				same(t, "due", string(h.get(id).PayState))
				h.write(func(tx *db.Tx) error { return h.s.Collected(tx, payment.Parcel{Order: id}, payment.Confirmed, start) })
				same(t, int64(0), due(h, id))
			}
		})
	})
	t.Run("a scan presumes, and only where the account chose so it counts as captured", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", cash(channel.Courier)))
			cashed(h, id, payment.Presumed)
			same(t, "collected 370001 370001 cod_presumed", h.cashOf(id))
			same(t, []any{"due", "due 370001 0 0", 0}, []any{string(h.get(id).PayState), purse(h.payments(id)[0]), h.events(id)[event.OrderPaid]})
			refused(t, fault.Conflict, "over_captured", func() error {
				_, err := h.s.Refund(t.Context(), payment.Ask{Order: id, Amount: 1, Actor: "c"})
				return err
			}())
			cashed(h, id, payment.Confirmed)
			cashed(h, id, payment.Confirmed)
			cashed(h, id, payment.Presumed)
			same(t, "collected 370001 370001 cod_confirmed", h.cashOf(id))
			same(t, []any{"paid", "captured 370001 370001 0", 1}, []any{string(h.get(id).PayState), purse(h.payments(id)[0]), h.events(id)[event.OrderPaid]})
			h.presumed = true
			id = h.imported(arrival("1002", cash(channel.Courier)))
			cashed(h, id, payment.Presumed)
			same(t, "paid", string(h.get(id).PayState))
			cashed(h, id, payment.Confirmed)
			same(t, 1, h.events(id)[event.OrderPaid])
			same(t, "collected 370001 370001 cod_confirmed", h.cashOf(id))
		})
	})
	t.Run("a parcel that comes back captured nothing and refunds nothing", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", cash(channel.Courier)))
			back := func() {
				h.write(func(tx *db.Tx) error { return h.s.Uncollected(tx, payment.Parcel{Order: id}, start) })
			}
			back()
			same(t, []string{"void 370001 0 ", "voided 370001 0 0", "voided"}, []string{h.cashOf(id), purse(h.payments(id)[0]), string(h.get(id).PayState)})
			h.presumed = true
			id = h.imported(arrival("1002", cash(channel.Courier)))
			cashed(h, id, payment.Presumed)
			back()
			same(t, []string{"reversed 370001 0 ", "voided 370001 0 0", "voided"}, []string{h.cashOf(id), purse(h.payments(id)[0]), string(h.get(id).PayState)})
			same(t, 0, len(h.refunds(id)))
		})
	})
	t.Run("each step and its inverse leave everything as it was", func(t *testing.T) {
		each(t, func(h *house) {
			h.presumed = true
			id := h.imported(arrival("1001", cash(channel.Courier)))
			look := func() string {
				return h.cashOf(id) + " / " + purse(h.payments(id)[0]) + " / " + string(h.get(id).PayState)
			}
			steps := []struct {
				name     string
				do, undo func(tx *db.Tx) error
			}{
				{"void", func(tx *db.Tx) error { return h.s.Void(tx, []string{id}) }, func(tx *db.Tx) error { return h.s.Unvoid(tx, []string{id}) }},
				{"uncollected", func(tx *db.Tx) error { return h.s.Uncollected(tx, payment.Parcel{Order: id}, start) }, func(tx *db.Tx) error { return h.s.DueAgain(tx, payment.Parcel{Order: id}, start) }},
				{"collected", func(tx *db.Tx) error { return h.s.Collected(tx, payment.Parcel{Order: id}, payment.Confirmed, start) }, func(tx *db.Tx) error { return h.s.Uncollect(tx, payment.Parcel{Order: id}, start) }},
				{"hand in", func(tx *db.Tx) error { return h.s.Move(tx, payment.CashFact{Order: id, Event: "hand_in"}) }, func(tx *db.Tx) error { return h.s.Move(tx, payment.CashFact{Order: id, Event: "take_out"}) }},
				{"remit", func(tx *db.Tx) error { return h.s.Move(tx, payment.CashFact{Order: id, Event: "remit"}) }, func(tx *db.Tx) error { return h.s.Move(tx, payment.CashFact{Order: id, Event: "unremit"}) }},
				{"reconcile", func(tx *db.Tx) error { return h.s.Move(tx, payment.CashFact{Order: id, Event: "reconcile"}) }, func(tx *db.Tx) error { return h.s.Move(tx, payment.CashFact{Order: id, Event: "unreconcile"}) }},
			}
			for i, s := range steps {
				before := look()
				h.write(s.do)
				if look() == before {
					t.Errorf("%s changes nothing", s.name)
				}
				h.write(s.undo)
				same(t, s.name+": "+before, s.name+": "+look())
				if i >= 2 {
					h.write(s.do)
				}
			}
			same(t, "reconciled 370001 370001 cod_confirmed", h.cashOf(id))
		})
	})
	t.Run("a remittance proves the collection, and less than was due is a case", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", cash(channel.Courier)))
			cashed(h, id, payment.Presumed)
			if err := move(h, payment.CashFact{Order: id, Event: "remit", Got: 370001}); err != nil {
				t.Fatal(err)
			}
			same(t, []string{"remitted 370001 370001 cod_confirmed", "paid"}, []string{h.cashOf(id), string(h.get(id).PayState)})
			id = h.imported(arrival("1002", cash(channel.Courier)))
			cashed(h, id, payment.Confirmed)
			if err := move(h, payment.CashFact{Order: id, Event: "remit", Got: 300000}); err != nil {
				t.Fatal(err)
			}
			same(t, "short_paid 370001 300000 cod_confirmed", h.cashOf(id))
			same(t, 1, h.cases("cash_short"))
			refused(t, fault.Conflict, "not_allowed", move(h, payment.CashFact{Order: id, Event: "reconcile"}))
			if err := move(h, payment.CashFact{Order: id, Event: "write_off"}); err != nil {
				t.Fatal(err)
			}
			refused(t, fault.Conflict, "not_allowed", move(h, payment.CashFact{Order: h.imported(arrival("1003")), Event: "remit"}))
		})
	})
	t.Run("what the channel cancelled is not collected, also when we see it for the first time", func(t *testing.T) {
		each(t, func(h *house) {
			gone := func(a *channel.Arrival) {
				a.Order.Status = channel.Cancelled
				a.Order.Lines[0].Progress.Cancelled, a.Order.Lines[1].Progress.Cancelled = 3, 1
			}
			first := h.imported(arrival("1001", cash(channel.Courier), gone))
			second := h.imported(arrival("1002", cash(channel.Courier)))
			h.imported(arrival("1002", newer(1), cash(channel.Courier), gone))
			h.drain()
			for _, id := range []string{first, second} {
				same(t, []any{"voided", int64(0)}, []any{string(h.get(id).PayState), due(h, id)})
			}
		})
	})
	t.Run("cancelled units are not collected", func(t *testing.T) {
		each(t, func(h *house) {
			id := h.imported(arrival("1001", cash(channel.Courier)))
			cut := order.Cancelling{Order: id, Lines: []order.CutLine{{LineID: h.get(id).Lines[1].ID, Quantity: 1}}, Initiator: "seller", Actor: "clerk"}
			if _, err := h.order.Cancel(t.Context(), cut); err != nil {
				t.Fatal(err)
			}
			h.drain()
			h.drain()
			same(t, int64(320000), due(h, id))
			h.imported(arrival("1001", newer(1), cash(channel.Courier))) // the channel does not know yet
			same(t, int64(320000), due(h, id))
			same(t, 0, len(h.refunds(id)))
			cut.Lines = nil
			if _, err := h.order.Cancel(t.Context(), cut); err != nil {
				t.Fatal(err)
			}
			h.drain()
			same(t, "void 320001 0 ", h.cashOf(id))
		})
	})
}

func TestPeople(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		ctx := t.Context()
		ok := func(err error) {
			h.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		id := h.imported(arrival("1001", cash(channel.Courier)))
		refused(t, fault.Conflict, "not_enough", h.s.Lower(ctx, id, 370002, "", "clerk"))
		ok(h.s.Lower(ctx, id, 70001, "one parcel came back", "clerk"))
		same(t, "due 300000 0 ", h.cashOf(id))
		refused(t, fault.Conflict, "not_enough", h.s.Lower(ctx, id, -70002, "", "clerk"))
		ok(h.s.Lower(ctx, id, -70001, "a mistake", "clerk"))
		same(t, "due 370001 0 ", h.cashOf(id))
		before := purse(h.payments(id)[0])
		ok(h.s.Confirm(ctx, id, "clerk", start))
		ok(h.s.Unconfirm(ctx, id, "another order", "clerk"))
		same(t, before, purse(h.payments(id)[0]))
		ok(h.s.Confirm(ctx, id, "clerk", start))
		ok(h.s.Settlement(ctx, payment.CashFact{Order: id, Event: "hand_in"}, "clerk"))
		refused(t, fault.Conflict, "not_allowed", h.s.Lower(ctx, id, 1, "", "clerk"))
		refused(t, fault.Conflict, "not_allowed", h.s.Settlement(ctx, payment.CashFact{Order: id, Event: "reconcile"}, "clerk"))
	})
}
