package app_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// door is an order of three shirts with shipping, 3,200.55 rupees to be paid at the door; couriers collect whole rupees.
type door struct {
	*house
	id      string
	fo      fulfillment.FO
	parcels []string
	minute  int
}

func (h *house) door() *door {
	h.Helper()
	h.open(fmt.Sprint("pk-door-", h.sold), map[string]string{"cod_presumed": "yes"})
	h.sold++
	h.ok(h.Order.Stock(h.Context(), "PK", "ownsite", 10))
	pkr := func(n int64) money.Amount { return money.Of(n, "PKR") }
	now := h.DB.Now()
	o := channel.Order{
		External: fmt.Sprint("door-", h.sold), PlacedAt: now, Version: now, Status: channel.Open, Country: "PK", Currency: "PKR", TaxMode: channel.TaxInclusive, Money: channel.MoneyComplete,
		Total:    pkr(320055),
		Payments: []channel.Payment{{External: "p1", Method: channel.PayCOD, Status: channel.Due, Amount: pkr(320055), Collector: channel.Courier}},
		ShipTo:   channel.Address{Country: "PK", Province: "Punjab", City: "Lahore", Postcode: "54000"},
		Lines: []channel.Line{{
			External: "1", Listing: channel.ListingRef{External: "SHIRT-M", SKU: "SHIRT-M"}, Title: "Shirt", Quantity: 3, UnitPrice: pkr(100000), Total: pkr(300000), FulfilledBy: channel.Seller, Ships: true,
		}},
		Charges: []channel.Charge{{Kind: channel.ChargeShipping, Title: "Standard", Amount: pkr(20055), Total: pkr(20055)}},
	}
	h.write(func(tx *db.Tx) error {
		acc := channel.Account{ID: h.acc.ID, Name: h.acc.Name, Channel: "ownsite", Country: "PK", Currency: "PKR", Zone: "Asia/Karachi", LegalEntity: h.entity, Mode: channel.Live, Settings: h.acc.Settings}
		_, err := h.Order.Import(tx, []channel.Arrival{{Source: "direct", Account: acc, Change: channel.Change{External: o.External, Version: now, ReadAt: now}, Order: o, Hash: o.External, AddressOK: true}})
		return err
	})
	h.drain()
	d := &door{house: h, id: one[string](h, `select id from orders where external = $1`, o.External)}
	d.fo = read(h, func(tx *db.Tx) ([]fulfillment.FO, error) { return h.Fulfillment.Of(tx, d.id) })[0]
	d.fo = must[fulfillment.FO](h)(h.Fulfillment.Accept(h.Context(), d.fo.ID, 0, "clerk"))
	l := d.fo.Lines[0]
	must[fulfillment.FO](h)(h.Fulfillment.Pick(h.Context(), d.fo.ID, 0, "clerk", fulfillment.Scan{ID: l.ID, Code: l.SKU, Quantity: l.Quantity}))
	return d
}

// pack packs boxes of so many shirts.
func (d *door) pack(sizes ...int64) {
	d.Helper()
	var boxes []fulfillment.Box
	for _, n := range sizes {
		boxes = append(boxes, fulfillment.Box{Lines: []fulfillment.BoxLine{{Line: d.fo.Lines[0].ID, Quantity: n}}})
	}
	p, err := d.Fulfillment.Pack(d.Context(), d.fo.ID, 0, "clerk", boxes)
	d.ok(err)
	d.parcels = append(d.parcels, p.Shipments...)
	d.check()
}

// send types the parcel's number and hands it over.
func (d *door) send(is ...int) {
	d.Helper()
	for _, i := range is {
		_, err := d.Dispatch.Waybill(d.Context(), d.parcels[i], 0, "clerk", courier.Waybill{Carrier: "tcs", Tracking: "T" + d.parcels[i]})
		d.ok(err)
		_, err = d.Dispatch.HandOver(d.Context(), d.parcels[i], "clerk", time.Time{})
		d.ok(err)
	}
	d.drain()
}

// said has the courier say something of a parcel.
func (d *door) said(i int, corrects bool, all ...courier.Status) {
	d.Helper()
	for _, st := range all {
		d.minute++
		f := dispatch.ScanFact{Shipment: d.parcels[i], Source: dispatch.ByCourier, Scan: courier.Scan{Status: st, Raw: fmt.Sprint(st, d.minute), At: d.DB.Now().Add(time.Duration(d.minute) * time.Second), Corrects: corrects}}
		d.write(func(tx *db.Tx) error {
			_, err := d.Dispatch.Scan(tx, []dispatch.ScanFact{f})
			return err
		})
		d.drain()
		d.check()
	}
}

func (d *door) paid() payment.Payment {
	d.Helper()
	return read(d.house, func(tx *db.Tx) ([]payment.Payment, error) { return d.Payment.PaymentsOf(tx, d.id) })[0]
}

// waybills is the cash on each parcel that is on its way or about to be.
func (d *door) waybills() (all []int64) {
	d.Helper()
	for _, sh := range read(d.house, func(tx *db.Tx) ([]dispatch.Shipment, error) { return d.Dispatch.Of(tx, d.id) }) {
		all = append(all, sh.Cash.Minor)
	}
	return all
}

// ends is the order's money state, the cash's state, and what was due, captured and given up.
func (d *door) ends() string {
	d.Helper()
	p := d.paid()
	return strings.Join([]string{string(d.order(d.id).PayState), p.State, p.CODState, fmt.Sprint(p.CODDue, p.Captured, p.CODGone)}, " ")
}

// check looks at what always holds: waybills sum to no more than what is due, and the parts to the whole.
func (d *door) check() {
	d.Helper()
	due := read(d.house, func(tx *db.Tx) (map[string]money.Amount, error) { return d.Payment.CashDue(tx, []string{d.id}) })[d.id].Minor
	var on int64
	for _, sh := range read(d.house, func(tx *db.Tx) ([]dispatch.Shipment, error) { return d.Dispatch.Of(tx, d.id) }) {
		switch sh.State {
		case dispatch.Delivered, dispatch.Returned, dispatch.Lost, dispatch.Cancelled, dispatch.Refused:
		default:
			if one[int64](d.house, `select count(*) from cash_parcels where shipment_id = $1`, sh.ID) == 0 { // a statement may come before the scan
				on += sh.Cash.Minor
			}
		}
	}
	if on > due {
		d.Errorf("waybills say %d, %d is due", on, due)
	}
	p := d.paid()
	parts := one[int64](d.house, `select cast(coalesce(sum(amount), 0) as bigint) from cash_parcels where order_id = $1`, d.id)
	if p.CODState == payment.CashIsDue && parts != p.CODGone+p.CODTaken || parts > p.CODDue || p.Captured > p.CODDue-p.CODGone {
		d.Errorf("parcels told of %d of %d: %d came back, %d were collected, %d captured", parts, p.CODDue, p.CODGone, p.CODTaken, p.Captured)
	}
	if n := one[int64](d.house, `select count(*) from refunds where order_id = $1`, d.id); n > 0 {
		d.Errorf("%d refunds", n)
	}
}

func TestCash(t *testing.T) {
	t.Parallel()
	back := []courier.Status{courier.ReturnInitiated, courier.Returned}
	t.Run("each parcel of an order brings its own cash", func(t *testing.T) {
		for name, c := range map[string]struct {
			play func(d *door)
			want string
		}{
			"both delivered":                     {func(d *door) { d.said(0, false, courier.Delivered); d.said(1, false, courier.Delivered) }, "paid captured collected 320055 320055 0"},
			"both come back":                     {func(d *door) { d.said(1, false, back...); d.said(0, false, back...) }, "voided voided void 320055 0 320055"},
			"one delivered, then one back":       {func(d *door) { d.said(0, false, courier.Delivered); d.said(1, false, back...) }, "paid captured collected 320055 213400 106655"},
			"one back, then one delivered":       {func(d *door) { d.said(1, false, back...); d.said(0, false, courier.Delivered) }, "paid captured collected 320055 213355 106700"},
			"one delivered, the other under way": {func(d *door) { d.said(0, false, courier.Delivered) }, "due due due 320055 213400 0"},
			"one back, the other under way":      {func(d *door) { d.said(0, false, back...) }, "due due due 320055 0 213400"},
			"one lost":                           {func(d *door) { d.said(1, false, courier.Lost); d.said(0, false, courier.Delivered) }, "paid captured collected 320055 213355 106700"},
			"a delivery taken back": {func(d *door) {
				d.said(0, false, courier.Delivered)
				d.said(1, false, courier.Delivered)
				d.said(0, true, courier.Attempted)
			}, "due due due 320055 106655 0"},
			"a delivery taken back, and home": {func(d *door) {
				d.said(0, false, courier.Delivered)
				d.said(0, true, back...)
				d.said(1, false, courier.Delivered)
			}, "paid captured collected 320055 106655 213400"},
			"a delivery taken back, and made again": {func(d *door) {
				d.said(0, false, courier.Delivered)
				d.said(0, true, courier.Attempted)
				d.said(1, false, courier.Delivered)
				d.said(0, false, courier.Delivered)
			}, "paid captured collected 320055 320055 0"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				each(t, func(h *house) {
					d := h.door()
					d.pack(2, 1)
					same(h, []int64{213400, 106700}, d.waybills())
					d.send(0, 1)
					c.play(d)
					same(h, c.want, d.ends())
					h.sound()
				})
			})
		}
	})
	t.Run("what a parcel that is called off was to bring goes to the next one", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			d := h.door()
			d.pack(1)
			d.pack(1, 1)
			same(h, []int64{106700, 106700, 106700}, d.waybills())
			d.send(1)
			_, err := h.Dispatch.Cancel(t.Context(), d.parcels[0], 0, "clerk", "wrong box")
			h.ok(err)
			d.check()
			same(h, []int64{0, 106700, 106700}, d.waybills())
			d.said(1, false, courier.Delivered)
			again, err := h.Dispatch.Rebook(t.Context(), d.parcels[0], 0, "clerk", "")
			h.ok(err)
			d.check()
			d.parcels[0] = again.ID
			same(h, int64(106700), again.Cash.Minor)
			d.send(0, 2)
			d.said(0, false, courier.Delivered)
			d.said(2, false, courier.Delivered)
			same(h, "paid captured collected 320055 320055 0", d.ends())
			h.sound()
		})
	})
	t.Run("a parcel that is unpacked and packed anew carries what is due", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			d := h.door()
			d.pack(2, 1)
			fo := must[fulfillment.FO](h)(h.Fulfillment.Unpack(t.Context(), d.fo.ID, 0, "clerk"))
			d.fo, d.parcels = fo, nil
			d.check()
			d.pack(3)
			same(h, []int64{0, 0, 320100}, d.waybills())
			d.send(0)
			d.said(0, false, courier.Delivered)
			same(h, "paid captured collected 320055 320055 0", d.ends())
			h.sound()
		})
	})
	t.Run("what cancelled units leave to be paid goes on the parcel that is not labelled yet", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			d := h.door()
			d.pack(1)
			same(h, []int64{106700}, d.waybills())
			_, err := h.Order.Cancel(t.Context(), order.Cancelling{Order: d.id, Lines: []order.CutLine{{LineID: h.order(d.id).Lines[0].ID, Quantity: 2}}, Initiator: "buyer", Actor: "clerk"})
			h.ok(err)
			h.drain()
			d.check()
			same(h, []int64{120100}, d.waybills())
			d.send(0)
			d.said(0, false, courier.Delivered)
			same(h, "paid captured collected 120055 120055 0", d.ends())
			h.sound()
		})
	})
	t.Run("a statement confirms the cash of its parcel, and less is short of that parcel only", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			d := h.door()
			d.pack(2, 1)
			d.send(0, 1)
			d.said(0, false, courier.Delivered)
			told := func(i int, got int64) {
				h.Helper()
				h.write(func(tx *db.Tx) error {
					return h.CashTold(tx, "tcs", "T"+d.parcels[i], payment.CashFact{Event: "remit", Got: got, At: h.DB.Now()})
				})
				d.check()
			}
			told(0, 213400)
			same(h, []string{"due due due 320055 213400 0", "cod_confirmed"}, []string{d.ends(), d.paid().CODBasis})
			told(1, 100000) // before its delivery was scanned
			same(h, "paid captured short_paid 320055 320055 0", d.ends())
			same(h, int64(1), one[int64](h, `select count(*) from exceptions where cause = 'cash_short' and state = 'open'`))
			told(1, 106655)
			same(h, "paid captured remitted 320055 320055 0", d.ends())
			same(h, int64(0), one[int64](h, `select count(*) from exceptions where cause = 'cash_short' and state = 'open'`))
			d.said(1, false, courier.Delivered)
			same(h, "paid captured remitted 320055 320055 0", d.ends())
			h.sound()
		})
	})
	t.Run("whatever happens to the parcels, the cash adds up", func(t *testing.T) {
		t.Parallel()
		each(t, func(h *house) {
			for seed := range uint64(3) {
				rng := rand.New(rand.NewPCG(seed, 1))
				d := h.door()
				d.pack([][]int64{{1, 1, 1}, {1, 2}, {2, 1}}[seed]...)
				for i := range d.parcels {
					d.send(i)
				}
				var brought int64
				for _, i := range rng.Perm(len(d.parcels)) {
					if rng.IntN(2) == 0 {
						d.said(i, false, courier.Delivered)
						d.said(i, true, courier.Attempted)
					}
					if rng.IntN(2) == 0 {
						d.said(i, false, courier.Delivered)
						brought++
					} else {
						d.said(i, false, back...)
					}
				}
				p := d.paid()
				same(h, []int64{p.CODDue - p.CODGone, p.CODGot}, []int64{p.Captured, p.Captured})
				if want := map[bool]string{true: "paid", false: "voided"}[brought > 0]; want != string(d.order(d.id).PayState) {
					h.Errorf("seed %d: %s", seed, d.ends())
				}
			}
			h.sound()
		})
	})
}
