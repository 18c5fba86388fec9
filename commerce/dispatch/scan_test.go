package dispatch_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// sent is an order handed over, with its shipment.
func (h *house) sent(external string, n int64) (orderID, shipment string) {
	h.Helper()
	h.put("SHIRT", h.wh, n)
	v := h.sold(external, []item{{"SHIRT", n}}, onDelivery)
	ids := h.packAll(v.ID)
	h.waybill(ids...)
	h.handOver(ids...)
	return v.ID, ids[0]
}

// end is what must not depend on the order in which facts are told.
type end struct {
	State                                string
	OnTheWay, Delivered, Returning, Back int64
	Lost                                 int64
	Cash                                 []string
	Told                                 int
}

func (h *house) end(orderID, shipment string) end {
	h.Helper()
	p := h.get(orderID).Lines[0].Progress
	e := end{State: h.shipment(shipment).State, OnTheWay: p.OnTheWay, Delivered: p.Delivered, Returning: p.Returning, Back: p.Returned, Lost: p.Lost}
	for _, c := range h.money {
		if c.OrderID == orderID {
			e.Cash = append(e.Cash, c.What)
		}
	}
	e.Told = len(h.types(orderID, event.ShipmentDelivered))
	return e
}

func TestScan(t *testing.T) {
	t.Parallel()
	t.Run("shuffled and doubled facts end alike", func(t *testing.T) {
		ways := map[string]struct {
			way  []courier.Status
			want end
		}{
			"delivered":        {[]courier.Status{courier.PickedUp, courier.InTransit, courier.OutForDelivery, courier.Attempted, courier.OutForDelivery, courier.Delivered}, end{State: "delivered", Delivered: 2, Cash: []string{"collected"}, Told: 1}},
			"comes back":       {[]courier.Status{courier.PickedUp, courier.OutForDelivery, courier.Attempted, courier.ReturnInitiated, courier.InTransit, courier.Delivered}, end{State: "returned", Back: 2, Cash: []string{"void"}}},
			"lost":             {[]courier.Status{courier.PickedUp, courier.InTransit, courier.Lost}, end{State: "lost", Lost: 2, Cash: []string{"void"}}},
			"still on its way": {[]courier.Status{courier.Booked, courier.PickedUp, courier.Unknown, courier.OutForDelivery}, end{State: "out_for_delivery", OnTheWay: 2}},
		}
		for name, w := range ways {
			t.Run(name, func(t *testing.T) {
				each(t, func(h *house) {
					for seed := range uint64(4) {
						orderID, shipment := h.sent(name+string(rune('a'+seed)), 2)
						var facts []dispatch.ScanFact
						for i, st := range w.way {
							facts = append(facts, said(shipment, st, 10*i), said(shipment, st, 10*i))
						}
						rng := rand.New(rand.NewPCG(seed, 7))
						if seed > 0 && name != "comes back" { // "delivered" at the sender's door is told after the turn, or it is the buyer's door
							rng.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
						}
						if seed%2 == 0 {
							h.scan(facts...)
						} else {
							for f := range slices.Chunk(facts, 1) {
								h.scan(f...)
							}
						}
						same(h, w.want, h.end(orderID, shipment))
						h.scan(facts...)
						same(h, w.want, h.end(orderID, shipment))
					}
					h.proof()
				})
			})
		}
	})
	t.Run("a return that is told before the delivery it followed is undone", func(t *testing.T) {
		each(t, func(h *house) {
			orderID, shipment := h.sent("3100", 2)
			h.scan(said(shipment, courier.ReturnInitiated, 30))
			same(h, end{State: "returning", Returning: 2}, h.end(orderID, shipment))
			h.scan(said(shipment, courier.Delivered, 20))
			same(h, end{State: "delivered", Delivered: 2, Cash: []string{"collected"}, Told: 1}, h.end(orderID, shipment))
			same(h, []string{"returning", "delivered"}, []string{h.home[0].State, h.home[1].State})
		})
	})
	t.Run("the courier takes a false delivery back", func(t *testing.T) {
		each(t, func(h *house) {
			orderID, shipment := h.sent("3101", 2)
			h.scan(said(shipment, courier.Delivered, 20))
			back := said(shipment, courier.Attempted, 30)
			back.Corrects = true
			h.scan(back)
			same(h, int64(2), h.get(orderID).Lines[0].OnTheWay)
			same(h, "attempted", h.shipment(shipment).State)
			h.scan(said(shipment, courier.Delivered, 50))
			same(h, end{State: "delivered", Delivered: 2, Cash: []string{"collected", "due", "collected"}, Told: 1}, h.end(orderID, shipment))
		})
	})
	t.Run("a carrier that has it before our scan is a disagreement, and our scan ends it", func(t *testing.T) {
		each(t, func(h *house) {
			h.put("SHIRT", h.wh, 2)
			v := h.sold("3102", []item{{"SHIRT", 2}})
			ids := h.packAll(v.ID)
			h.waybill(ids...)
			h.scan(said(ids[0], courier.OutForDelivery, 5))
			same(h, "issued", h.shipment(ids[0]).State)
			same(h, []string{exception.ContradictingStatus}, h.causes(v.ID))
			same(h, "2/2", h.at("SHIRT", h.wh))
			h.handOver(ids...)
			h.settle()
			same(h, "out_for_delivery", h.shipment(ids[0]).State)
			same(h, 0, len(h.causes(v.ID)))
		})
	})
	t.Run("a failed delivery is a case until the parcel moves on", func(t *testing.T) {
		each(t, func(h *house) {
			orderID, shipment := h.sent("3103", 2)
			h.scan(said(shipment, courier.Attempted, 5))
			same(h, []string{exception.DeliveryFailed}, h.causes(orderID))
			h.scan(said(shipment, courier.Delivered, 15))
			same(h, 0, len(h.causes(orderID)))
		})
	})
	t.Run("a number that nobody knows is no fact", func(t *testing.T) {
		each(t, func(h *house) {
			h.write(func(tx *db.Tx) error {
				n, err := h.dispatch.Scan(tx, []dispatch.ScanFact{{Tracking: "nobody", Source: dispatch.ByCourier, Scan: courier.Scan{Status: courier.Delivered, At: start}}})
				same(h, 0, n)
				return err
			})
		})
	})
}

func TestUnhand(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		orderID, shipment := h.sent("3200", 2)
		same(h, "0/0", h.at("SHIRT", h.wh))
		if _, err := h.dispatch.Unhand(ctx, shipment, 0, "amna"); err != nil {
			t.Fatal(err)
		}
		same(h, "2/2", h.at("SHIRT", h.wh))
		same(h, int64(2), h.get(orderID).Lines[0].Open)
		same(h, []string{"packed"}, h.states(orderID))
		h.handOver(shipment)
		same(h, "0/0", h.at("SHIRT", h.wh))
		if _, err := h.dispatch.Unhand(ctx, shipment, 0, "amna"); err != nil {
			t.Fatal(err)
		}
		same(h, "2/2", h.at("SHIRT", h.wh))
		h.handOver(shipment)
		h.scan(said(shipment, courier.PickedUp, 5))
		_, err := h.dispatch.Unhand(ctx, shipment, 0, "amna")
		refused(h, fault.Conflict, err)
		h.proof()
	})
}

func TestWaybill(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		h.put("SHIRT", h.wh, 2)
		first, second := h.packAll(h.sold("3300", []item{{"SHIRT", 1}}).ID), h.packAll(h.sold("3301", []item{{"SHIRT", 1}}).ID)
		_, err := h.dispatch.HandOver(ctx, first[0], "amna", start)
		refused(h, fault.Conflict, err) // no number yet
		if _, err := h.dispatch.Waybill(ctx, first[0], 0, "amna", courier.Waybill{Carrier: "TCS", Tracking: " 77 12-3 "}); err != nil {
			t.Fatal(err)
		}
		_, err = h.dispatch.Waybill(ctx, second[0], 0, "amna", courier.Waybill{Carrier: "tcs", Tracking: "7712-3"})
		refused(h, fault.Conflict, err)
		if _, err := h.dispatch.HandOver(ctx, "7712-3", "amna", time.Time{}); err != nil { // by number
			t.Fatal(err)
		}
		same(h, "handed_over", h.shipment(first[0]).State)
	})
}
