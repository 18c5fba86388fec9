package dispatch_test

import (
	"context"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

var ctx = context.Background()

// states lists the states of an order's fulfillment orders, oldest first.
func (h *house) states(orderID string) []string {
	h.Helper()
	var all []string
	for _, f := range h.fos(orderID) {
		all = append(all, f.State)
	}
	return all
}

func TestSourcing(t *testing.T) {
	t.Parallel()
	t.Run("what lies in two places comes from one that has it all since", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 2)
			h.put("CAP", h.a, 1)
			v := h.sold("2001", []item{{"SHIRT", 2}, {"CAP", 1}})
			fos := h.fos(v.ID)
			if len(fos) != 2 {
				t.Fatalf("%+v", fos)
			}
			same(h, []string{"chosen", "has not all of it", "has not all of it"}, []string{fos[0].Decision.Candidates[0].Why, fos[0].Decision.Candidates[1].Why, fos[0].Decision.Candidates[2].Why})
			same(h, map[string]int64{"SHIRT": 2, "CAP": 0}, fos[0].Decision.Candidates[0].Has)
			h.proof()
		})
	})
	t.Run("units move to one location that has got everything meanwhile", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 1)
			h.put("SHIRT", h.a, 1)
			v := h.landed("2002", []item{{"SHIRT", 2}}) // imported, not yet sourced
			h.put("SHIRT", h.a, 1)
			h.settle()
			fos := h.fos(v.ID)
			if len(fos) != 1 || fos[0].Location != h.a {
				t.Fatalf("%+v", fos)
			}
			same(h, "1/0", h.at("SHIRT", h.wh))
			same(h, "2/2", h.at("SHIRT", h.a))
			h.proof()
		})
	})
	t.Run("events told twice make nothing twice", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 5)
			v := h.sold("2003", []item{{"SHIRT", 2}})
			for range 3 {
				h.write(func(tx *db.Tx) error { return h.work.Source(tx, []string{v.ID}) })
			}
			same(h, 1, len(h.fos(v.ID)))
			ids := h.packAll(v.ID)
			h.write(func(tx *db.Tx) error { return h.work.Source(tx, []string{v.ID}) })
			h.waybill(ids...)
			h.handOver(ids...)
			h.write(func(tx *db.Tx) error { return h.work.Source(tx, []string{v.ID}) })
			same(h, []string{"handed_over"}, h.states(v.ID))
		})
	})
	t.Run("a location that is switched off gets nothing", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 1)
			h.put("SHIRT", h.b, 1)
			v := h.landed("2004", []item{{"SHIRT", 1}})
			h.switchOff(h.wh)
			h.settle()
			fos := h.fos(v.ID)
			if len(fos) != 1 || fos[0].Location != h.b {
				t.Fatalf("%+v", fos)
			}
			h.proof()
		})
	})
}

func TestSourceAt(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.put("SHIRT", h.wh, 2)
		v := h.landed("2050", []item{{"SHIRT", 2}})
		h.switchOff(h.wh)
		h.put("SHIRT", h.b, 1)
		h.switchOff(h.b)
		h.write(func(tx *db.Tx) error { return h.work.Source(tx, []string{v.ID}) })
		same(h, 0, len(h.fos(v.ID))) // nobody may send it: it is short
		same(h, []string{exception.Shortage}, h.causes(v.ID))
		same(h, "2/0", h.at("SHIRT", h.wh))
		_, err := h.work.SourceAt(ctx, v.ID, h.a, "amna")
		refused(h, fault.Conflict, err)
	})
	each(t, func(h *house) {
		h.put("SHIRT", h.wh, 2)
		h.put("SHIRT", h.b, 2)
		v := h.landed("2051", []item{{"SHIRT", 2}})
		_, err := h.work.SourceAt(ctx, v.ID, "nowhere", "amna")
		refused(h, fault.Invalid, err)
		_, err = h.work.SourceAt(ctx, v.ID, h.a, "amna")
		refused(h, fault.Conflict, err)
		made, err := h.work.SourceAt(ctx, v.ID, h.b, "amna")
		if err != nil || len(made) != 1 || made[0].Location != h.b {
			t.Fatalf("%+v %v", made, err)
		}
		h.settle()
		same(h, 1, len(h.fos(v.ID)))
		same(h, []string{"2/0", "2/2"}, []string{h.at("SHIRT", h.wh), h.at("SHIRT", h.b)})
		all := read(h, func(tx *db.Tx) ([]fulfillment.Candidate, error) { return h.work.Explain(tx, v.ID) })
		same(h, []any{3, "PK-B", true, int64(2)}, []any{len(all), all[2].Code, all[2].Chosen, all[2].Has["SHIRT"]})
		h.proof()
	})
}

func TestHold(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.put("SHIRT", h.wh, 5)
		v := h.sold("2100", []item{{"SHIRT", 2}})
		ids := h.packAll(v.ID)
		h.waybill(ids...)
		if err := h.order.HoldBy(ctx, v.ID, 0, "amna", "call the buyer"); err != nil {
			t.Fatal(err)
		}
		_, err := h.dispatch.HandOver(ctx, ids[0], "amna", start) // before any event was consumed
		refused(h, fault.Conflict, err)
		h.settle()
		f := h.fos(v.ID)[0]
		same(h, []string{"held", "packed", "order: person"}, []string{f.State, f.HeldFrom, f.HeldReason})
		_, err = h.dispatch.Label(ctx, ids[0], "amna")
		refused(h, fault.Conflict, err)
		_, err = h.work.Unhold(ctx, f.ID, 0, "amna")
		refused(h, fault.Conflict, err)
		if err := h.order.Release(ctx, v.ID, 0, order.HoldPerson, "amna"); err != nil {
			t.Fatal(err)
		}
		h.settle()
		same(h, []string{"packed"}, h.states(v.ID))
		h.handOver(ids...)
		same(h, []string{"handed_over"}, h.states(v.ID))
		h.proof()
	})
}

func TestPick(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.put("SHIRT", h.wh, 5)
		h.put("CAP", h.wh, 5)
		v := h.sold("2200", []item{{"SHIRT", 2}, {"CAP", 1}})
		id := h.fos(v.ID)[0].ID
		pick := func(scan, code string, n int64) error {
			_, err := h.work.Pick(ctx, id, 0, "amna", fulfillment.Scan{ID: scan, Code: code, Quantity: n})
			return err
		}
		refused(h, fault.Invalid, pick("s1", "SHOE", 1))
		refused(h, fault.Invalid, pick("s2", "gtin-SHOE", 1))
		if err := pick("s3", "gtin-SHIRT", 1); err != nil {
			t.Fatal(err)
		}
		if err := pick("s3", "gtin-SHIRT", 1); err != nil { // the device tells the same scan again
			t.Fatal(err)
		}
		same(h, "picking", h.fos(v.ID)[0].State)
		refused(h, fault.Conflict, pick("s4", "SHIRT", 2))
		for scan, code := range map[string]string{"s5": "SHIRT", "s6": "CAP"} {
			if err := pick(scan, code, 1); err != nil {
				t.Fatal(err)
			}
		}
		same(h, "picked", h.fos(v.ID)[0].State)
		_, err := h.work.Pick(ctx, id, 1, "amna", fulfillment.Scan{Code: "CAP"})
		refused(h, fault.Conflict, err) // the version is an old one
	})
}

func TestPack(t *testing.T) {
	t.Parallel()
	t.Run("a part is packed and sent, the rest follows", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 5)
			v := h.sold("2300", []item{{"SHIRT", 3}})
			f := h.fos(v.ID)[0]
			if _, err := h.work.Pick(ctx, f.ID, 0, "amna", fulfillment.Scan{Code: "SHIRT", Quantity: 1}); err != nil {
				t.Fatal(err)
			}
			first, err := h.work.Pack(ctx, f.ID, 0, "amna", nil)
			if err != nil {
				t.Fatal(err)
			}
			same(h, "picking", first.State)
			_, err = h.work.Pack(ctx, f.ID, 0, "amna", nil)
			refused(h, fault.Conflict, err)
			h.waybill(first.Shipments...)
			h.handOver(first.Shipments...)
			same(h, "4/2", h.at("SHIRT", h.wh))
			o := h.get(v.ID)
			same(h, []int64{2, 1}, []int64{o.Lines[0].Open, o.Lines[0].OnTheWay})
			same(h, order.PartShipped, o.State)
			rest := h.packAll(v.ID)
			h.waybill(rest...)
			h.handOver(rest...)
			same(h, []string{"handed_over"}, h.states(v.ID))
			same(h, "2/0", h.at("SHIRT", h.wh))
			h.proof()
		})
	})
	t.Run("several parcels carry cash that sums to what is due", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 5)
			v := h.sold("2301", []item{{"SHIRT", 3}}, onDelivery)
			f := h.fos(v.ID)[0]
			h.pickAll(f.ID)
			l := f.Lines[0].ID
			p, err := h.work.Pack(ctx, f.ID, 0, "amna", []fulfillment.Box{{Lines: []fulfillment.BoxLine{{Line: l, Quantity: 2}}, WeightG: 500}, {Lines: []fulfillment.BoxLine{{Line: l, Quantity: 1}}, WeightG: 200}})
			if err != nil {
				t.Fatal(err)
			}
			cash := func() (all []int64) {
				for _, sh := range h.shipments(v.ID) {
					all = append(all, sh.Cash.Minor)
				}
				return all
			}
			same(h, []int64{2000, 1000}, cash())
			if _, err := h.dispatch.Cancel(ctx, p.Shipments[0], 0, "amna", "wrong courier"); err != nil {
				t.Fatal(err)
			}
			again, err := h.dispatch.Rebook(ctx, p.Shipments[0], 0, "amna", "")
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.dispatch.Rebook(ctx, p.Shipments[0], 0, "amna", "")
			refused(h, fault.Conflict, err) // the goods are in the new one
			same(h, []int64{0, 1000, 2000}, cash())
			h.waybill(again.ID, p.Shipments[1])
			h.handOver(again.ID, p.Shipments[1])
			h.scan(said(again.ID, "delivered", 10))
			first := dispatch.CashFact{OrderID: v.ID, ShipmentID: again.ID, Cash: 2000, What: "collected", At: start.Add(10 * 60e9)}
			same(h, []dispatch.CashFact{first}, h.money)
			h.scan(said(p.Shipments[1], "delivered", 20))
			same(h, []dispatch.CashFact{first, {OrderID: v.ID, ShipmentID: p.Shipments[1], Cash: 1000, What: "collected", At: start.Add(20 * 60e9)}}, h.money)
			same(h, order.Delivered, h.get(v.ID).State)
			h.proof()
		})
	})
	t.Run("unpacking calls the shipment off", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 5)
			v := h.sold("2302", []item{{"SHIRT", 3}})
			ids := h.packAll(v.ID)
			h.waybill(ids...)
			if _, err := h.work.Unpack(ctx, h.fos(v.ID)[0].ID, 0, "amna"); err != nil {
				t.Fatal(err)
			}
			same(h, []string{"picked"}, h.states(v.ID))
			same(h, "cancelled", h.shipment(ids[0]).State)
			_, err := h.dispatch.HandOver(ctx, ids[0], "amna", start)
			refused(h, fault.Conflict, err)
			ids = h.packAll(v.ID)
			h.waybill(ids...)
			h.handOver(ids...)
			same(h, []string{"handed_over"}, h.states(v.ID))
		})
	})
}

func TestReject(t *testing.T) {
	t.Parallel()
	t.Run("goods that are not there correct the stock and come from elsewhere", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 2)
			h.put("SHIRT", h.a, 2)
			v := h.sold("2400", []item{{"SHIRT", 2}})
			if _, err := h.work.Reject(ctx, h.fos(v.ID)[0].ID, 0, "amna", fulfillment.NotFound, nil); err != nil {
				t.Fatal(err)
			}
			h.settle()
			fos := h.fos(v.ID)
			if len(fos) != 2 || fos[1].Location != h.a {
				t.Fatalf("%+v", fos)
			}
			same(h, []string{"rejected", "new"}, h.states(v.ID))
			same(h, "0/0", h.at("SHIRT", h.wh))
			same(h, "2/2", h.at("SHIRT", h.a))
			same(h, 0, len(h.causes(v.ID)))
			h.proof()
		})
	})
	t.Run("a closed branch keeps its stock", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 2)
			h.put("SHIRT", h.b, 2)
			v := h.sold("2401", []item{{"SHIRT", 2}})
			if _, err := h.work.Reject(ctx, h.fos(v.ID)[0].ID, 0, "amna", fulfillment.Closed, nil); err != nil {
				t.Fatal(err)
			}
			h.settle()
			same(h, "2/0", h.at("SHIRT", h.wh))
			same(h, "2/2", h.at("SHIRT", h.b))
			same(h, []string{"rejected", "new"}, h.states(v.ID))
			h.proof()
		})
	})
	t.Run("what is nowhere is a shortage with one case", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 2)
			v := h.sold("2402", []item{{"SHIRT", 2}})
			if _, err := h.work.Reject(ctx, h.fos(v.ID)[0].ID, 0, "amna", fulfillment.Damaged, nil); err != nil {
				t.Fatal(err)
			}
			h.settle()
			same(h, []string{"rejected"}, h.states(v.ID))
			same(h, []string{exception.FulfillmentRejected, exception.Shortage}, h.causes(v.ID))
			same(h, int64(1), h.get(v.ID).Holds)
			h.put("SHIRT", h.a, 2)
			h.write(func(tx *db.Tx) error { _, err := h.stock.Refill(tx, 100); return err })
			h.settle()
			same(h, []string{"rejected", "new"}, h.states(v.ID))
			h.proof()
		})
	})
	t.Run("a short pick sends what is there", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 3)
			h.put("SHIRT", h.a, 1)
			v := h.sold("2403", []item{{"SHIRT", 3}})
			f := h.fos(v.ID)[0]
			got, err := h.work.Short(ctx, f.ID, 0, "amna", f.Lines[0].ID, 1)
			if err != nil {
				t.Fatal(err)
			}
			same(h, []int64{2, 1}, []int64{got.Lines[0].Quantity, got.Lines[0].Short})
			h.settle()
			fos := h.fos(v.ID)
			if len(fos) != 2 || fos[1].Location != h.a || fos[1].Lines[0].Quantity != 1 {
				t.Fatalf("%+v", fos)
			}
			ids := h.packAll(v.ID)
			h.waybill(ids...)
			h.handOver(ids...)
			same(h, int64(3), h.get(v.ID).Lines[0].OnTheWay)
			h.proof()
		})
	})
}

// TestCountedAway has a fact take goods away on which a location works already.
func TestCountedAway(t *testing.T) {
	t.Parallel()
	counted := func(h *house, n int64) {
		h.Helper()
		h.write(func(tx *db.Tx) error {
			_, err := h.stock.Count(tx, []inventory.Counted{{Variant: "var-SHIRT", Location: h.wh, Quantity: n, RefID: db.ID(), Actor: "amna"}})
			return err
		})
		h.settle()
	}
	t.Run("what a count took is not missing twice", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 3)
			v := h.sold("2420", []item{{"SHIRT", 3}})
			f := h.fos(v.ID)[0]
			counted(h, 1)
			same(h, []string{exception.Shortage}, h.causes(v.ID))
			got, err := h.work.Short(ctx, f.ID, 0, "amna", f.Lines[0].ID, 2)
			if err != nil {
				t.Fatal(err)
			}
			same(h, []int64{1, 2}, []int64{got.Lines[0].Quantity, got.Lines[0].Short})
			h.settle()
			same(h, "0/0", h.at("SHIRT", h.wh)) // one was on the shelf, and was not found either
			if _, err := h.work.Reject(ctx, f.ID, 0, "amna", fulfillment.NotFound, nil); err != nil {
				t.Fatal(err)
			}
			h.settle()
			same(h, "0/0", h.at("SHIRT", h.wh))
			same(h, []string{exception.FulfillmentRejected, exception.Shortage}, h.causes(v.ID))
			h.proof()
		})
	})
	t.Run("what is in somebody's hands is not missing", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 3)
			first := h.sold("2421", []item{{"SHIRT", 2}})
			h.pickAll(h.fos(first.ID)[0].ID)
			second := h.sold("2422", []item{{"SHIRT", 1}})
			counted(h, 2) // those that are picked
			f := h.fos(second.ID)[0]
			if _, err := h.work.Short(ctx, f.ID, 0, "amna", f.Lines[0].ID, 1); err != nil {
				t.Fatal(err)
			}
			h.settle()
			same(h, "2/2", h.at("SHIRT", h.wh))
			same(h, []string{"picked"}, h.states(first.ID))
			h.proof()
		})
	})
	t.Run("work goes where the goods are", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 3)
			v := h.sold("2423", []item{{"SHIRT", 3}})
			f := h.fos(v.ID)[0]
			if _, err := h.work.Pick(ctx, f.ID, 0, "amna", fulfillment.Scan{Code: "SHIRT", Quantity: 1}); err != nil {
				t.Fatal(err)
			}
			counted(h, 1)
			same(h, []string{"picking"}, h.states(v.ID)) // somebody may find them yet
			h.put("SHIRT", h.a, 2)
			h.write(func(tx *db.Tx) error { _, err := h.stock.Refill(tx, 100); return err })
			h.settle()
			same(h, []string{"picked", "new"}, h.states(v.ID))
			fos := h.fos(v.ID)
			if len(fos) != 2 {
				t.Fatalf("%+v", fos)
			}
			same(h, []int64{1, 2}, []int64{fos[0].Lines[0].Quantity, fos[1].Lines[0].Quantity})
			same(h, h.a, fos[1].Location)
			ids := h.packAll(v.ID)
			h.waybill(ids...)
			h.handOver(ids...)
			same(h, []string{"0/0", "0/0"}, []string{h.at("SHIRT", h.wh), h.at("SHIRT", h.a)})
			same(h, int64(3), h.get(v.ID).Lines[0].OnTheWay)
			h.proof()
		})
	})
	t.Run("work goes on where the goods come back", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 2)
			v := h.sold("2424", []item{{"SHIRT", 2}})
			counted(h, 0)
			h.put("SHIRT", h.a, 2)
			h.put("SHIRT", h.wh, 2) // found in a corner
			h.write(func(tx *db.Tx) error { _, err := h.stock.Refill(tx, 100); return err })
			h.settle()
			same(h, []string{"new"}, h.states(v.ID))
			same(h, []string{"2/2", "2/0"}, []string{h.at("SHIRT", h.wh), h.at("SHIRT", h.a)})
			h.proof()
		})
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	t.Run("the least touched units go first", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 5)
			v := h.sold("2500", []item{{"SHIRT", 3}})
			f := h.fos(v.ID)[0]
			if _, err := h.work.Pick(ctx, f.ID, 0, "amna", fulfillment.Scan{Code: "SHIRT", Quantity: 2}); err != nil {
				t.Fatal(err)
			}
			p, err := h.work.Pack(ctx, f.ID, 0, "amna", nil)
			if err != nil {
				t.Fatal(err)
			}
			h.cancel(v.ID, 1)
			same(h, []string{"packed"}, h.states(v.ID))
			same(h, "intended", h.shipment(p.Shipments[0]).State)
			same(h, "5/2", h.at("SHIRT", h.wh))
			h.cancel(v.ID, 1) // now a packed one: the parcel is opened
			same(h, []string{"picked"}, h.states(v.ID))
			same(h, "cancelled", h.shipment(p.Shipments[0]).State)
			h.cancel(v.ID, 1)
			same(h, []string{"cancelled"}, h.states(v.ID))
			same(h, "5/0", h.at("SHIRT", h.wh))
			h.proof()
		})
	})
	t.Run("the reservation follows the work", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 2)
			h.put("SHIRT", h.a, 1)
			v := h.sold("2502", []item{{"SHIRT", 3}})
			for _, f := range h.fos(v.ID) {
				if f.Location == h.a {
					h.pickAll(f.ID)
				}
			}
			h.cancel(v.ID, 1) // the unit on the shelf goes; stock gives back the smaller reservation, where one is picked
			same(h, []string{"2/1", "1/1"}, []string{h.at("SHIRT", h.wh), h.at("SHIRT", h.a)})
			ids := h.packAll(v.ID)
			h.waybill(ids...)
			h.handOver(ids...)
			same(h, []string{"1/0", "0/0"}, []string{h.at("SHIRT", h.wh), h.at("SHIRT", h.a)})
			h.proof()
		})
	})
	t.Run("what has left is not cancelled", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 5)
			v := h.sold("2501", []item{{"SHIRT", 1}})
			ids := h.packAll(v.ID)
			h.waybill(ids...)
			h.handOver(ids...)
			_, err := h.order.Cancel(ctx, order.Cancelling{Order: v.ID, Reason: "too late", Initiator: "buyer", Actor: "buyer"})
			refused(h, fault.Conflict, err)
			_, err = h.dispatch.Cancel(ctx, ids[0], 0, "amna", "too late")
			refused(h, fault.Conflict, err)
		})
	})
}

// cancel takes units of the first line out of an order.
func (h *house) cancel(orderID string, n int64) {
	h.Helper()
	line := h.get(orderID).Lines[0].ID
	if _, err := h.order.Cancel(ctx, order.Cancelling{Order: orderID, Lines: []order.CutLine{{LineID: line, Quantity: n}}, Reason: "test", Initiator: "seller", Actor: "amna"}); err != nil {
		h.Fatal(err)
	}
	h.settle()
}

func TestKit(t *testing.T) {
	t.Parallel()
	kit := []event.Part{{Variant: "var-SHIRT", SKU: "SHIRT", Title: "Shirt", Quantity: 2, Weight: 1}, {Variant: "var-CAP", SKU: "CAP", Title: "Cap", Quantity: 1, Weight: 1}}
	t.Run("a kit counts when its parts are complete", func(t *testing.T) {
		each(t, func(h *house) {
			h.kits["SET"] = kit
			h.put("SHIRT", h.wh, 10)
			h.put("CAP", h.a, 10) // the parts lie in two places
			v := h.sold("2600", []item{{"SET", 2}})
			same(h, 2, len(h.fos(v.ID)))
			ids := h.packAll(v.ID)
			h.waybill(ids...)
			h.handOver(ids[0])
			same(h, []int64{2, 0}, []int64{h.get(v.ID).Lines[0].Open, h.get(v.ID).Lines[0].OnTheWay})
			_, err := h.order.Cancel(ctx, order.Cancelling{Order: v.ID, Reason: "half of it has left", Initiator: "seller", Actor: "amna"})
			refused(h, fault.Conflict, err)
			h.handOver(ids[1])
			same(h, []int64{0, 2}, []int64{h.get(v.ID).Lines[0].Open, h.get(v.ID).Lines[0].OnTheWay})
			same(h, "6/0", h.at("SHIRT", h.wh))
			same(h, "8/0", h.at("CAP", h.a))
			h.scan(said(ids[0], "delivered", 5), said(ids[1], "delivered", 6))
			same(h, int64(2), h.get(v.ID).Lines[0].Delivered)
			h.proof()
		})
	})
	t.Run("a cancelled kit gives back all of its parts", func(t *testing.T) {
		each(t, func(h *house) {
			h.kits["SET"] = kit
			h.put("SHIRT", h.wh, 10)
			h.put("CAP", h.wh, 10)
			v := h.sold("2601", []item{{"SET", 2}})
			h.packAll(v.ID)
			committed := read(h, func(tx *db.Tx) (map[string]int64, error) { return h.work.Committed(tx, []string{v.ID}) })
			same(h, map[string]int64{v.Lines[0].ID: 2}, committed)
			h.cancel(v.ID, 1)
			same(h, "10/2", h.at("SHIRT", h.wh))
			same(h, "10/1", h.at("CAP", h.wh))
			ids := h.packAll(v.ID)
			h.waybill(ids...)
			h.handOver(ids...)
			same(h, int64(1), h.get(v.ID).Lines[0].OnTheWay)
			h.proof()
		})
	})
}

func TestMove(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.put("SHIRT", h.wh, 3)
		h.put("SHIRT", h.a, 3)
		v := h.sold("2700", []item{{"SHIRT", 3}})
		f := h.fos(v.ID)[0]
		_, err := h.work.Move(ctx, f.ID, 0, "amna", h.b)
		refused(h, fault.Conflict, err)
		there, err := h.work.Move(ctx, f.ID, 0, "amna", h.a)
		if err != nil {
			t.Fatal(err)
		}
		same(h, "3/0", h.at("SHIRT", h.wh))
		same(h, "3/3", h.at("SHIRT", h.a))
		if _, err = h.work.Move(ctx, there.ID, 0, "amna", h.wh); err != nil {
			t.Fatal(err)
		}
		same(h, "3/3", h.at("SHIRT", h.wh))
		same(h, []string{"moved", "moved", "new"}, h.states(v.ID))
		last := h.fos(v.ID)[2]
		part, err := h.work.Split(ctx, last.ID, 0, "amna", []fulfillment.BoxLine{{Line: last.Lines[0].ID, Quantity: 1}})
		if err != nil {
			t.Fatal(err)
		}
		same(h, []string{"moved", "moved", "new", "new"}, h.states(v.ID))
		if _, err := h.work.Merge(ctx, last.ID, 0, "amna", part.ID); err != nil {
			t.Fatal(err)
		}
		same(h, int64(3), h.fos(v.ID)[2].Lines[0].Quantity)
		same(h, []string{"moved", "moved", "new", "cancelled"}, h.states(v.ID))
		h.write(func(tx *db.Tx) error { return h.work.Source(tx, []string{v.ID}) })
		same(h, 4, len(h.fos(v.ID)))
		h.proof()
	})
}
