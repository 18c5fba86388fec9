package dispatch_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// desk is a courier that books, and fails as told.
type desk struct {
	mu       sync.Mutex
	booked   map[string]courier.Booking // by reference
	cash     map[string]money.Amount
	calls    int
	voided   []string
	fail     func(call int) error // before anything is booked
	lose     func(call int) error // after it was booked: the answer is lost
	on       func()               // while the call is under way
	scans    map[string][]courier.Scan
	trackErr error
	unsigned bool
}

func newDesk() *desk {
	return &desk{booked: map[string]courier.Booking{}, cash: map[string]money.Amount{}, scans: map[string][]courier.Scan{}}
}

func (d *desk) Book(_ context.Context, reference string, p courier.Parcel) (courier.Booking, error) {
	d.mu.Lock()
	d.calls++
	n := d.calls
	d.mu.Unlock()
	if d.on != nil {
		d.on()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		if err := d.fail(n); err != nil {
			return courier.Booking{}, err
		}
	}
	b := courier.Booking{Waybill: courier.Waybill{Carrier: "desk", Tracking: "D-" + reference}, Reference: reference, Label: &courier.Label{Format: courier.PDF, Body: []byte("%PDF to " + p.To.Name)}}
	d.booked[reference], d.cash[reference] = b, p.Cash
	if d.lose != nil {
		if err := d.lose(n); err != nil {
			return courier.Booking{}, err
		}
	}
	return b, nil
}

func (d *desk) Track(_ context.Context, tracking []string) ([]courier.Trace, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.trackErr != nil {
		return nil, d.trackErr
	}
	all := make([]courier.Trace, len(tracking))
	for i, n := range tracking {
		all[i] = courier.Trace{Tracking: n, Scans: d.scans[n]}
	}
	return all, nil
}

func (d *desk) Cancel(_ context.Context, tracking string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.voided = append(d.voided, tracking)
	return nil
}

func (d *desk) Verify(v partner.Delivery) (partner.Receipt, error) {
	if v.Header.Get("Signature") != "good" {
		return partner.Receipt{}, fault.New(fault.Unauthorized, "forged")
	}
	return partner.Receipt{Signed: !d.unsigned}, nil
}

func (d *desk) Hints(v partner.Delivery) ([]courier.Trace, error) {
	return []courier.Trace{{Tracking: string(v.Body), Scans: []courier.Scan{{Status: courier.Delivered, Raw: "OK", At: start.Add(time.Hour)}}}}, nil
}

// finding is a desk that can be asked what became of a booking.
type finding struct{ *desk }

func (f finding) FindBooking(_ context.Context, reference string) (courier.Booking, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.booked[reference]
	if !ok {
		return b, fault.New(fault.NotFound, "no such booking")
	}
	return b, nil
}

// packedFor is an order packed for this courier.
func (h *house) packedFor(c courier.Courier, external string, edit ...func(*channel.Arrival)) (orderID, shipment string) {
	h.Helper()
	h.couries["desk"] = c
	h.choice = dispatch.Choice{Courier: "desk", Service: "overnight"}
	h.put("SHIRT", h.wh, 2)
	v := h.sold(external, []item{{"SHIRT", 2}}, edit...)
	return v.ID, h.packAll(v.ID)[0]
}

// jobs runs what is due.
func (h *house) jobs() {
	h.Helper()
	if _, err := h.runner.Drain(ctx); err != nil {
		h.Fatal(err)
	}
}

func lost(int) error { return fault.New(fault.Unavailable, "the answer was cut off") }

func once(err error) func(int) error {
	return func(call int) error {
		if call == 1 {
			return err
		}
		return nil
	}
}

func TestBook(t *testing.T) {
	t.Parallel()
	t.Run("a booking gives number, label and the contract", func(t *testing.T) {
		each(t, func(h *house) {
			d := newDesk()
			orderID, shipment := h.packedFor(finding{d}, "4001", onDelivery)
			h.jobs()
			sh := h.shipment(shipment)
			same(h, []string{"issued", "D-" + sh.Number, "desk"}, []string{sh.State, sh.Tracking, sh.Carrier})
			same(h, money.Of(2000, "PKR"), d.cash[sh.Number])
			doc, err := h.dispatch.Label(ctx, shipment, "amna")
			if err != nil || string(doc.Body) != "%PDF to Buyer" {
				t.Fatalf("%q %v", doc.Body, err)
			}
			box := read(h, func(tx *db.Tx) ([]byte, error) {
				return db.One(tx, func(row db.Scanner) (b []byte, err error) { err = row.Scan(&b); return b, err }, `select label from dispatch_shipments where id = $1`, shipment)
			})
			if slices.Equal(box, doc.Body) {
				t.Error("the label lies open")
			}
			created := read(h, func(tx *db.Tx) ([]outbox.Stored, error) { return outbox.OfAggregate(tx, "shipment:"+shipment) })
			body, err := outbox.Decode[event.ShipmentCreatedV1](created[0])
			if err != nil {
				t.Fatal(err)
			}
			same(h, event.Key(event.ShipmentCreated, "acc-1", "4001", sh.Number), body.IdempotencyKey)
			same(h, []any{"PK-WH", "desk", "2026-11-11T11:00:00+05:00", int64(2), int64(2000)},
				[]any{body.Location, body.Courier, body.OccurredLocal, body.Lines[0].Quantity, body.CashToCollect.Minor})
			same(h, 1, len(h.types(orderID, event.ShipmentCreated)))
		})
	})
	t.Run("a lost answer is looked up, never repeated", func(t *testing.T) {
		each(t, func(h *house) {
			d := newDesk()
			d.lose = once(lost(1))
			_, shipment := h.packedFor(finding{d}, "4002")
			h.jobs()
			same(h, "intended", h.shipment(shipment).State)
			h.clock.Advance(time.Hour)
			h.jobs()
			same(h, "issued", h.shipment(shipment).State)
			same(h, 1, d.calls)
		})
	})
	t.Run("an attempt that surely failed is made again", func(t *testing.T) {
		each(t, func(h *house) {
			d := newDesk()
			d.fail = once(lost(1))
			_, shipment := h.packedFor(finding{d}, "4003")
			h.jobs()
			h.clock.Advance(time.Hour)
			h.jobs()
			same(h, "issued", h.shipment(shipment).State)
			same(h, 2, d.calls)
		})
	})
	t.Run("a courier that cannot be asked leaves the outcome to a person", func(t *testing.T) {
		each(t, func(h *house) {
			d := newDesk()
			d.lose = once(lost(1))
			_, shipment := h.packedFor(d, "4004")
			h.jobs()
			h.clock.Advance(time.Hour)
			h.jobs()
			same(h, "unknown", h.shipment(shipment).State)
			h.clock.Advance(24 * time.Hour)
			h.jobs()
			same(h, 1, d.calls)
			if _, err := h.dispatch.Waybill(ctx, shipment, 0, "amna", courier.Waybill{Carrier: "desk", Tracking: "found-1"}); err != nil {
				t.Fatal(err)
			}
			same(h, "issued", h.shipment(shipment).State)
		})
	})
	t.Run("a refusal is a case, and another waybill can be asked for", func(t *testing.T) {
		each(t, func(h *house) {
			d := newDesk()
			d.fail = once(fault.Field("to.city", "is not served"))
			orderID, shipment := h.packedFor(finding{d}, "4005", onDelivery)
			h.jobs()
			same(h, "refused", h.shipment(shipment).State)
			same(h, []string{exception.CourierRefused}, h.causes(orderID))
			again, err := h.dispatch.Rebook(ctx, shipment, 0, "amna", "")
			if err != nil {
				t.Fatal(err)
			}
			h.jobs()
			same(h, "issued", h.shipment(again.ID).State)
			same(h, "cancelled", h.shipment(shipment).State)
			same(h, 0, len(h.causes(orderID)))
			same(h, int64(2000), h.shipment(again.ID).Cash.Minor)
		})
	})
	t.Run("what is cancelled while the courier is asked is voided there", func(t *testing.T) {
		each(t, func(h *house) {
			d := newDesk()
			orderID, shipment := h.packedFor(finding{d}, "4006")
			d.on = func() { h.cancel(orderID, 2) }
			h.jobs()
			h.jobs()
			sh := h.shipment(shipment)
			same(h, "cancelled", sh.State)
			same(h, []string{"D-" + sh.Number}, d.voided)
			same(h, 0, len(h.types(orderID, event.ShipmentCreated)))
		})
	})
	t.Run("cash that the courier cannot collect exactly is never rounded", func(t *testing.T) {
		each(t, func(h *house) {
			d := newDesk()
			h.step = 100
			_, shipment := h.packedFor(finding{d}, "4007", onDelivery, func(a *channel.Arrival) {
				a.Order.Lines[0].UnitPrice.Minor, a.Order.Lines[0].Total.Minor, a.Order.Total.Minor, a.Order.Payments[0].Amount.Minor = 1025, 2050, 2050, 2050
			})
			h.jobs()
			same(h, "refused", h.shipment(shipment).State)
			same(h, 0, d.calls)
		})
	})
}

func TestTrack(t *testing.T) {
	t.Parallel()
	each(t, func(h *house) {
		d := newDesk()
		orderID, shipment := h.packedFor(finding{d}, "4100")
		h.jobs()
		h.handOver(shipment)
		track := func(want int) {
			h.Helper()
			n, err := h.dispatch.Track(ctx, 10)
			if err != nil {
				t.Fatal(err)
			}
			same(h, want, n)
		}
		track(0) // not yet due
		h.clock.Advance(time.Hour)
		d.trackErr = fault.New(fault.Unavailable, "down")
		track(0)
		d.trackErr = nil
		track(0) // put off
		h.clock.Advance(time.Hour)
		sh := h.shipment(shipment)
		d.scans[sh.Tracking] = []courier.Scan{{Status: courier.OutForDelivery, Raw: "OFD", At: start.Add(time.Hour)}}
		track(1)
		same(h, "out_for_delivery", h.shipment(shipment).State)
		// a push that is not signed is a reason to ask soon, and nothing more
		d.unsigned = true
		push := partner.Delivery{Header: http.Header{"Signature": {"good"}}, Body: []byte(sh.Tracking)}
		if err := h.dispatch.Hook(ctx, "desk", push); err != nil {
			t.Fatal(err)
		}
		same(h, "out_for_delivery", h.shipment(shipment).State)
		track(1)
		refused(h, fault.Unauthorized, h.dispatch.Hook(ctx, "desk", partner.Delivery{Body: push.Body}))
		d.unsigned = false
		if err := h.dispatch.Hook(ctx, "desk", push); err != nil {
			t.Fatal(err)
		}
		same(h, int64(2), h.get(orderID).Lines[0].Delivered)
		h.clock.Advance(24 * time.Hour)
		track(0) // it has arrived
	})
}

func TestChannelPacks(t *testing.T) {
	t.Parallel()
	units := func(a *channel.Arrival) {
		for _, u := range []string{"u1", "u2"} {
			a.Order.Lines[0].Units = append(a.Order.Lines[0].Units, channel.Unit{External: u, Status: channel.Open, Raw: "pending"})
		}
	}
	wanted := func(h *house, shipment string) event.ShipmentFact {
		h.Helper()
		all := read(h, func(tx *db.Tx) ([]outbox.Stored, error) { return outbox.OfAggregate(tx, "shipment:"+shipment) })
		f, err := outbox.Decode[event.ShipmentFact](all[0])
		if err != nil || all[0].Type != event.ShipmentWanted {
			h.Fatalf("%s %v", all[0].Type, err)
		}
		return f
	}
	answer := func(h *house, shipment string, res channel.PackResult, cause error) {
		h.Helper()
		h.write(func(tx *db.Tx) error { return h.dispatch.Packed(tx, shipment, res, cause) })
	}
	pkg := channel.PackResult{Packages: []channel.Package{{External: "FP1", Carrier: "DEX", Tracking: "MP-1", Units: []string{"u1", "u2"}, Label: &channel.Label{Format: "pdf", Body: []byte("label")}}}}
	t.Run("waybill and label come from the channel, and so do scans", func(t *testing.T) {
		each(t, func(h *house) {
			h.choice = dispatch.Choice{Theirs: true}
			h.put("SHIRT", h.wh, 2)
			a := arrival("5001", []item{{"SHIRT", 2}}, units)
			v := h.imports(a)
			h.settle()
			shipment := h.packAll(v.ID)[0]
			f := wanted(h, shipment)
			same(h, []event.UnitsMove{{LineID: v.Lines[0].ID, External: "l1", Quantity: 2, Units: []string{"u1", "u2"}}}, f.Lines)
			answer(h, shipment, pkg, nil)
			answer(h, shipment, pkg, nil)
			sh := h.shipment(shipment)
			same(h, []string{"issued", "MP-1", "DEX", "pdf"}, []string{sh.State, sh.Tracking, sh.Carrier, sh.LabelFormat})
			same(h, 1, len(h.types(v.ID, event.ShipmentCreated)))
			if _, err := h.dispatch.HandOver(ctx, "MP-1", "amna", start); err != nil {
				t.Fatal(err)
			}
			for i := range a.Order.Lines[0].Units {
				u := &a.Order.Lines[0].Units[i]
				u.Status, u.Raw, u.Package = channel.Delivered, "delivered", "FP1"
			}
			a.Order.Parcels = []channel.Parcel{{External: "FP1", Status: channel.Delivered, Raw: "delivered", Tracking: "MP-1"}}
			for n := range 2 {
				a.Change.Version = a.Change.Version.Add(time.Minute)
				a.Change.ReadAt = a.Change.ReadAt.Add(time.Minute)
				a.Hash = string(rune('a' + n))
				h.imports(a)
				h.settle()
			}
			same(h, int64(2), h.get(v.ID).Lines[0].Delivered)
			scans := read(h, func(tx *db.Tx) ([]dispatch.ScanView, error) { return h.dispatch.Scans(tx, shipment) })
			same(h, 1, len(scans))
			same(h, true, scans[0].Applied)
			h.proof()
		})
	})
	t.Run("refused units are a case, and the parcel stays packed", func(t *testing.T) {
		each(t, func(h *house) {
			h.choice = dispatch.Choice{Theirs: true}
			h.put("SHIRT", h.wh, 2)
			v := h.sold("5002", []item{{"SHIRT", 2}}, units)
			shipment := h.packAll(v.ID)[0]
			answer(h, shipment, channel.PackResult{Refused: []channel.UnitRefusal{{Unit: "u1", Err: fault.New(fault.Refused, "the item is cancelled")}}}, nil)
			same(h, "refused", h.shipment(shipment).State)
			same(h, []string{"packed"}, h.states(v.ID))
			same(h, []string{exception.PushRefused}, h.causes(v.ID))
			_, err := h.dispatch.HandOver(ctx, shipment, "amna", start)
			refused(h, fault.Conflict, err)
			if _, err := h.work.Unpack(ctx, h.fos(v.ID)[0].ID, 0, "amna"); err != nil {
				t.Fatal(err)
			}
			same(h, 0, len(h.causes(v.ID)))
		})
	})
	t.Run("the units the channel names go, and only their parcel is opened", func(t *testing.T) {
		each(t, func(h *house) {
			h.choice = dispatch.Choice{Theirs: true}
			h.put("SHIRT", h.wh, 2)
			v := h.sold("5003", []item{{"SHIRT", 2}}, units)
			f := h.fos(v.ID)[0]
			h.pickAll(f.ID)
			var ships []string
			for range 2 {
				p, err := h.work.Pack(ctx, f.ID, 0, "amna", oneOf(f))
				if err != nil {
					t.Fatal(err)
				}
				ships = append(ships, p.Shipments...)
			}
			same(h, []string{"u1"}, wanted(h, ships[0]).Lines[0].Units)
			same(h, []string{"u2"}, wanted(h, ships[1]).Lines[0].Units)
			h.cancel(v.ID, 1) // the order takes the first open unit: u1
			states := map[string]string{}
			for _, sh := range h.shipments(v.ID) {
				states[sh.Goods[0].Units[0]] = sh.State
			}
			same(h, map[string]string{"u1": "cancelled", "u2": "intended"}, maps.Clone(states))
			same(h, []string{"packed"}, h.states(v.ID))
			h.proof()
		})
	})
}

// oneOf is a box with one unit of the first line.
func oneOf(f fulfillment.FO) []fulfillment.Box {
	return []fulfillment.Box{{Lines: []fulfillment.BoxLine{{Line: f.Lines[0].ID, Quantity: 1}}}}
}
