package connect

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// say appends what dispatch would say of a parcel with one unit of the order, and has it followed.
func (h *house) say(typ, state, order string) {
	h.t.Helper()
	ctx := context.Background()
	o := h.orders()[0]
	line := h.shop.Read(order).Lines[0].External
	must(h.t, h.d.Write(ctx, func(tx *db.Tx) error {
		return outbox.Append(tx, outbox.Event{
			Aggregate: "shipment:sh-1", Partition: "order:" + o.ID, Type: typ, Account: h.acc.ID, Order: o.ID, OccurredAt: tx.Now,
			Body: event.ShipmentFact{
				ShipmentID: "sh-1", Number: "SH-1", OrderID: o.ID, OrderExternal: order, AccountID: h.acc.ID, Courier: "TCS", Tracking: "TCS-1", State: state, At: tx.Now,
				Lines: []event.UnitsMove{{LineID: "l1", External: line, Quantity: 1}},
			},
		})
	}))
	must(h.t, outbox.Drain(ctx, h.relay, h.consumers))
}

// tellAll tells everything that is due.
func (h *house) tellAll() {
	h.t.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = h.s.TellOnce(context.Background())
		must(h.t, err)
	}
}

func TestTakenBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := setup(t, d, channel.Live)
		id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		h.work()
		ships := func() int64 { return h.count(`select count(*) from tells where act = 'ship'`) }
		t.Run("a hand-over that is taken back before the channel heard of it is not told", func(t *testing.T) {
			h.say(event.ShipmentHandedOver, "handed_over", id)
			h.say(event.ShipmentChanged, "issued", id)
			h.tellAll()
			if n := h.shop.Told(id).Shipped; n != 0 || ships() != 0 || len(h.causes()) != 0 {
				t.Fatalf("%d units told, %d intents, %v", n, ships(), h.causes())
			}
		})
		t.Run("the next hand-over is told", func(t *testing.T) {
			h.say(event.ShipmentHandedOver, "handed_over", id)
			h.tellAll()
			if n := h.shop.Told(id).Shipped; n != 1 {
				t.Fatalf("%d units told", n)
			}
		})
		t.Run("one that is taken back after the channel was told comes to a person", func(t *testing.T) {
			h.say(event.ShipmentChanged, "issued", id)
			if diff := cmp.Diff([]string{"contradicting_status"}, h.causes()); diff != "" {
				t.Fatal(diff)
			}
		})
		t.Run("unless the parcel leaves after all, which is not told twice", func(t *testing.T) {
			h.say(event.ShipmentHandedOver, "handed_over", id)
			h.tellAll()
			if n := h.shop.Told(id).Shipped; n != 1 || ships() != 1 || len(h.causes()) != 0 {
				t.Fatalf("%d units told, %d intents, %v", n, ships(), h.causes())
			}
		})
	})
}

func TestWithheld(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Intake)
		id := h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		h.work()
		h.say(event.ShipmentHandedOver, "handed_over", id)
		must(t, d.Write(ctx, func(tx *db.Tx) error {
			return h.s.intend(tx, []tell{{Account: h.acc.ID, Order: "o-2", External: id, Act: TellRefund, Reference: "RF-1", Subject: "rf-1"}})
		}))
		h.tellAll()
		if n := h.shop.Told(id).Shipped; n != 0 || h.count(`select count(*) from tells where state <> 'withheld'`) != 0 {
			t.Fatalf("told %d before the account was live", n)
		}
		_, err := h.s.SetMode(ctx, Switching{Account: h.acc.ID, Mode: channel.Live, Accept: true, Actor: "clerk"})
		must(t, err)
		h.tellAll()
		if n := h.shop.Told(id).Shipped; n != 1 {
			t.Errorf("%d units told", n)
		}
		if n := h.count(`select count(*) from tells where state = 'withheld'`); n != 0 {
			t.Errorf("%d intents are withheld from a live account", n)
		}
		if diff := cmp.Diff([]string{"outcome_unknown"}, h.causes()); diff != "" { // money may have gone back by hand
			t.Error(diff)
		}
	})
}

// TestMuchWithheld lets more go than one commit takes.
func TestMuchWithheld(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Intake)
		var all []tell
		for i := range 2*lettingGo + 1 {
			all = append(all, tell{Account: h.acc.ID, Order: "o-1", External: "1", Act: TellShip, Reference: fmt.Sprint("SH-", i), Subject: "sh"})
		}
		must(t, d.Write(ctx, func(tx *db.Tx) error { return h.s.intend(tx, all) }))
		must(t, d.Write(ctx, func(tx *db.Tx) error {
			more, err := letGo(tx, h.acc.ID)
			if err == nil && !more {
				t.Error("nothing more is said to be withheld")
			}
			return err
		}))
		if n := h.count(`select count(*) from tells where state = 'intended'`); n != lettingGo {
			t.Errorf("%d are let go at once", n)
		}
		_, err := h.s.SetMode(ctx, Switching{Account: h.acc.ID, Mode: channel.Live, Accept: true, Actor: "clerk"})
		must(t, err)
		if n := h.count(`select count(*) from tells where state = 'intended' and uncertain`); n != int64(len(all)) {
			t.Errorf("%d of %d are let go", n, len(all))
		}
		if n := h.count(`select count(*) from channel_cursors where stream = 'adopt' and cursor <> 'done'`); n != 0 {
			t.Errorf("%d turns go on", n)
		}
	})
}

func TestOverlappingSwitches(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		h := setup(t, d, channel.Shadow)
		h.shop.Place(demo.Item{SKU: "TEA-1", Quantity: 1})
		h.work()
		first, turn, err := h.s.switchMode(ctx, h.acc.ID, Switching{Mode: channel.Live, OpenOrders: channel.OpenOurs, Actor: "clerk"})
		must(t, err)
		second, later, err := h.s.switchMode(ctx, h.acc.ID, Switching{Mode: channel.Intake, Actor: "another clerk"})
		must(t, err)
		must(t, h.s.follow(ctx, first, turn)) // the first one is late
		pending := func() int64 {
			return h.count(`select count(*) from channel_cursors where stream = 'adopt' and cursor = 'pending'`)
		}
		if o := h.orders()[0]; o.Mode != channel.Intake || pending() != 1 {
			t.Fatalf("the order is at %s, %d switches pending", o.Mode, pending())
		}
		if n := h.count(`select count(*) from channel_stock where dirty`); n != 0 {
			t.Errorf("%d numbers are to be pushed to an account that is not live", n)
		}
		must(t, h.s.follow(ctx, second, later))
		if o := h.orders()[0]; o.Mode != channel.Intake || pending() != 0 {
			t.Fatalf("the order is at %s, %d switches pending", o.Mode, pending())
		}
	})
}
