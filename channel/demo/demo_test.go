package demo_test

import (
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/channeltest"
	"github.com/openclaw-pos/commerce/channel/demo"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// bench is the demo shop as the conformance suite's stand-in: it is its own simulator.
type bench struct{ *demo.Shop }

func (b bench) Account() channeltest.Account {
	kind := demo.Kind(b.Shop)
	return channeltest.Account{Kind: &kind, Now: func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }}
}

func (b bench) Offers() []channeltest.Offer {
	return []channeltest.Offer{{Listing: channel.ListingRef{SKU: "TEA-1"}}, {Listing: channel.ListingRef{SKU: "RICE-5"}}}
}

func (b bench) Place(_ testing.TB, sales ...channeltest.Sale) string {
	var items []demo.Item
	for _, s := range sales {
		items = append(items, demo.Item{SKU: s.Offer.Listing.SKU, Quantity: s.Quantity})
	}
	return b.Shop.Place(items...)
}

func (b bench) Shown(_ testing.TB, l channel.ListingRef) int64 { return b.Shop.Shown(l.SKU) }

func (b bench) Told(_ testing.TB, order string) channeltest.Told {
	t := b.Shop.Told(order)
	return channeltest.Told{
		Acknowledged: int64(len(t.Acknowledged)), Packed: t.Packed, Shipped: t.Shipped, Delivered: t.Delivered, Cancelled: t.Cancelled,
		Refunds: int64(len(t.Refunds)), Refunded: t.Refunded,
	}
}

func (b bench) Deliveries(_ testing.TB, order string) []channel.Delivery {
	return b.Shop.Deliveries(order)
}

func (b bench) Fault(_ testing.TB, name, call string, times int) { b.Shop.Fault(name, call, times) }

func suite(shop func() *demo.Shop) channeltest.Suite {
	return channeltest.Suite{
		Kind: demo.Kind(shop()), Secrets: map[string][]string{demo.HookSecret: {demo.Secret, "demo-hook-secret-before"}, demo.AppSecret: {"demo-app-secret"}},
		Sign: demo.Sign, SignedBy: demo.HookSecret, Fresh: demo.Fresh,
		Bench:  func(testing.TB) channeltest.Bench { return bench{shop()} },
		Faults: []string{channeltest.Throttle, channeltest.ServerError, channeltest.LostAnswer, channeltest.CutBody, channeltest.ExpiredToken},
	}
}

func TestShop(t *testing.T) { channeltest.Run(t, suite(demo.New)) }

func TestMarket(t *testing.T) {
	s := suite(demo.NewMarket)
	s.Testdata = "testdata/market"
	channeltest.Run(t, s)
}

func open(t *testing.T, shop *demo.Shop) channel.Channel {
	t.Helper()
	ch, err := demo.Kind(shop).Open(channel.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func read(t *testing.T, ch channel.Channel, id string) channel.Order {
	t.Helper()
	c, err := ch.Order(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	o, err := ch.Decode(c.Raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, no := range channeltest.Inspect(o) {
		t.Error(no)
	}
	return o
}

func TestShop_tells_what_a_buyer_does(t *testing.T) {
	t.Parallel()
	shop := demo.New()
	ch := open(t, shop)
	id := shop.PlaceBasket(demo.Basket{
		Items:    []demo.Item{{SKU: "TEA-1", Quantity: 3, Discount: money.Of(5000, "PKR"), Funder: channel.ByChannel}, {SKU: "MUG", Quantity: 1}},
		Shipping: money.Of(20000, "PKR"), TaxMode: channel.TaxExclusive, TaxRate: "0.18", Unpaid: true,
	})
	if o := read(t, ch, id); o.Status != channel.Unpaid || o.Payments[0].Status != channel.Due {
		t.Errorf("unpaid order: %s, payment %s", o.Status, o.Payments[0].Status)
	}
	shop.Pay(id)
	paid := read(t, ch, id)
	if paid.Status != channel.Open || paid.Payments[0].Status != channel.Paid {
		t.Errorf("paid order: %s, payment %s", paid.Status, paid.Payments[0].Status)
	}
	ship := channel.ShipNotice{Handling: channel.Handling{Order: id, Reference: "s1", Lines: []channel.Quantity{{Line: paid.Lines[0].External, Quantity: 2}}}, Carrier: "TCS", Tracking: "1"}
	if _, err := ch.(channel.Shipper).Ship(t.Context(), ship); err != nil {
		t.Fatal(err)
	}
	shop.Deliver(id)
	shop.Cancel(id, "changed mind")
	o := read(t, ch, id)
	if p := o.Lines[0].Progress; p != (channel.Progress{Delivered: 2, Cancelled: 1}) {
		t.Errorf("line 1: %+v", p)
	}
	if p := o.Lines[1].Progress; p != (channel.Progress{Cancelled: 1}) || o.Status != channel.Cancelled {
		t.Errorf("line 2: %+v, order %s", p, o.Status)
	}
	if !o.Version.After(paid.Version) {
		t.Error("a change gave no newer version")
	}
	if n := shop.Shown("TEA-1"); n != 998 {
		t.Errorf("of 1000 two were kept, the shop shows %d", n)
	}
}

func TestShop_walks_a_return_to_its_end(t *testing.T) {
	t.Parallel()
	shop := demo.New()
	ch := open(t, shop)
	id := shop.Place(demo.Item{SKU: "TEA-1", Quantity: 2})
	line := []channel.Quantity{{Line: read(t, ch, id).Lines[0].External, Quantity: 1}}
	if _, err := ch.(channel.Shipper).Ship(t.Context(), channel.ShipNotice{Handling: channel.Handling{Order: id, Reference: "s", Lines: line}}); err != nil {
		t.Fatal(err)
	}
	shop.Deliver(id)
	ret := shop.RequestReturn(id, "too small", line...)
	decide := func(v channel.ReturnVerdict) error {
		d := channel.ReturnDecision{Order: id, Return: channel.Return{External: ret}, Verdict: v}
		return ch.(channel.ReturnDecider).DecideReturn(t.Context(), d)
	}
	if err := decide(channel.ReturnReceive); !fault.Is(err, fault.Conflict) {
		t.Errorf("received before it was approved: %v", err)
	}
	for _, v := range []channel.ReturnVerdict{channel.ReturnApprove, channel.ReturnApprove, channel.ReturnReceive, channel.ReturnRefund} {
		if err := decide(v); err != nil {
			t.Errorf("%s: %v", v, err)
		}
	}
	if n := len(shop.Told(id).Returns); n != 3 {
		t.Errorf("three decisions, one of them twice, count %d", n)
	}
	var seen []channel.ReturnChange
	for r, err := range ch.(channel.ReturnReader).Returns(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, r)
	}
	if len(seen) != 1 || seen[0].Return.Status != channel.Completed || read(t, ch, id).Lines[0].Progress.Returned != 1 {
		t.Errorf("in the end: %+v", seen)
	}
}

func TestShop_lets_the_seller_decide_a_cancellation(t *testing.T) {
	t.Parallel()
	shop := demo.New()
	ch := open(t, shop)
	id := shop.Place(demo.Item{SKU: "MUG", Quantity: 2})
	shop.RequestCancel(id, "late")
	req := read(t, ch, id).CancelRequest
	if req == nil {
		t.Fatal("the wish is not told")
	}
	for range 2 {
		if err := ch.(channel.CancelDecider).DecideCancel(t.Context(), id, *req, true, "ok"); err != nil {
			t.Fatal(err)
		}
	}
	o := read(t, ch, id)
	if o.Status != channel.Cancelled || o.CancelRequest != nil || len(shop.Told(id).Decisions) != 1 {
		t.Errorf("agreed twice: %s, %d decisions", o.Status, len(shop.Told(id).Decisions))
	}
}

func TestMarket_refuses_units_one_by_one(t *testing.T) {
	t.Parallel()
	shop := demo.NewMarket()
	ch := open(t, shop)
	id := shop.Place(demo.Item{SKU: "TEA-1", Quantity: 2})
	units := read(t, ch, id).Lines[0].Units
	pack := func(ref string, ids ...string) channel.PackResult {
		res, err := ch.(channel.Packer).Pack(t.Context(), channel.Handling{Order: id, Reference: ref, Units: ids})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	first := pack("p1", units[0].External)
	second := pack("p2", units[0].External, units[1].External)
	if len(second.Refused) != 1 || second.Refused[0].Unit != units[0].External || len(second.Packages) != 1 || len(second.Packages[0].Units) != 1 {
		t.Errorf("one of two was packed already: %+v", second)
	}
	if first.Packages[0].Label == nil || first.Packages[0].Tracking == second.Packages[0].Tracking {
		t.Error("each package has a label and a number of its own")
	}
	if p, _, err := ch.(channel.BuyerReader).BuyerOf(t.Context(), id, "label"); err != nil || p.Phone == read(t, ch, id).Buyer.Phone {
		t.Errorf("the marketplace masks the phone in the order and shows it for a purpose: %q, %v", p.Phone, err)
	}
}

// The shop's word for an order may be one that nobody knows.
func TestShop_says_a_new_word(t *testing.T) {
	t.Parallel()
	shop := demo.New()
	ch := open(t, shop)
	id := shop.Place(demo.Item{SKU: "MUG", Quantity: 1})
	shop.Say(id, "pondering")
	if o := read(t, ch, id); o.Status != channel.Unknown || o.Statuses["order"] != "pondering" {
		t.Errorf("%s, %v", o.Status, o.Statuses)
	}
}

func FuzzDecode(f *testing.F) {
	shop := demo.New()
	ch, err := demo.Kind(shop).Open(channel.Config{Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	c, err := ch.Order(f.Context(), shop.Place(demo.Item{SKU: "MUG", Quantity: 1}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.Raw.Doc("order"))
	f.Add([]byte(`{"External":"1","Currency":"PKR","Total":{"amount":1e999,"currency":"PKR"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, err := ch.Decode(channel.Raw{Shape: "demo", Docs: []channel.Doc{{Name: "order", Body: body}}})
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%v is not Invalid", err)
		}
	})
}
