package daraz_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/channeltest"
	"github.com/openclaw-pos/commerce/kernel/fault"
	simdaraz "github.com/openclaw-pos/commerce/sim/daraz"
)

// sell places an order of n units alike and one of another SKU.
func (b *bench) sell(t testing.TB, n int, change func(*simdaraz.OrderSpec)) string {
	t.Helper()
	spec := simdaraz.OrderSpec{Items: []simdaraz.ItemSpec{{SKU: "KURTA-BLU-M", Quantity: n}, {SKU: "SALT & PEPPER"}}, Buyer: buyer, Shipping: 14900}
	if change != nil {
		change(&spec)
	}
	id, err := b.shop.PlaceOrder(spec)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (a *account) pack(t testing.TB, order string, units ...string) channel.PackResult {
	t.Helper()
	r, err := a.Channel.(channel.Packer).Pack(t.Context(), channel.Handling{Order: order, Reference: "p", Units: units})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLife(t *testing.T) {
	t.Parallel()
	b := startBench(t, simdaraz.Config{})
	a := b.open(t, nil)
	id := b.sell(t, 3, nil)
	units := ids(a.order(t, id))

	first := a.pack(t, id, units[0], units[3])
	if len(first.Packages) != 1 || len(first.Packages[0].Units) != 2 || first.Packages[0].Label == nil || first.Packages[0].Label.Format != "pdf" {
		t.Fatalf("packed into %+v", first.Packages)
	}
	if !strings.HasPrefix(string(first.Packages[0].Label.Body), "%PDF") || first.Packages[0].Carrier != "PK-DEX" || first.Packages[0].Tracking == "" {
		t.Errorf("package %+v", first.Packages[0])
	}
	again := a.pack(t, id, units[0], units[3], units[1])
	if len(again.Packages) != 2 || again.Packages[0].External != first.Packages[0].External {
		t.Errorf("packed again with one more: %+v", again.Packages)
	}
	ship := channel.ShipNotice{Handling: channel.Handling{Order: id, Units: units[:1]}, Packages: []string{first.Packages[0].External}}
	for range 2 {
		if _, err := a.Channel.(channel.Shipper).Ship(t.Context(), ship); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.shop.Ship(units[0]), b.shop.Deliver(units[0]), b.shop.BuyerCancel("", units[2])); err != nil {
		t.Fatal(err)
	}
	o := a.order(t, id)
	if diff := cmp.Diff(channel.Progress{Delivered: 1, Cancelled: 1}, o.Lines[0].Progress); diff != "" || o.Lines[0].Quantity != 3 || o.Lines[1].Progress.Delivered != 1 {
		t.Errorf("progress: %s %+v", diff, o.Lines)
	}
	if o.Status != channel.Open || len(o.Parcels) != 2 || o.Parcels[0].Status != channel.Delivered || o.Parcels[1].Status != channel.Packed {
		t.Errorf("status %s, parcels %+v", o.Status, o.Parcels)
	}
}

func TestPack(t *testing.T) {
	t.Parallel()
	t.Run("a_row_that_says_retry_is_worth_a_retry", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		a := b.open(t, map[string]string{"label_format": "HTML"})
		id := b.sell(t, 1, nil)
		units := ids(a.order(t, id))
		if err := b.market.RefuseRows("700024", 1); err != nil {
			t.Fatal(err)
		}
		r := a.pack(t, id, units...)
		if len(r.Packages) != 1 || len(r.Refused) != 1 || r.Packages[0].Label.Format != "html" {
			t.Fatalf("%+v", r)
		}
		want(t, r.Refused[0].Err, fault.Unavailable, "700024")
		if r = a.pack(t, id, r.Refused[0].Unit); len(r.Packages) != 1 {
			t.Errorf("again: %+v", r)
		}
	})
	t.Run("what_daraz_fulfils_itself_is_refused", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		b.shop.Central("KURTA-BLU-M", 5)
		a := b.open(t, nil)
		id := b.sell(t, 1, func(s *simdaraz.OrderSpec) { s.Items[0].Central = true })
		o := a.order(t, id)
		if o.Lines[0].FulfilledBy != channel.ByChannel || o.Lines[1].FulfilledBy != channel.Seller {
			t.Errorf("lines %+v", o.Lines)
		}
		r := a.pack(t, id, o.Lines[0].Units[0].External)
		want(t, r.Refused[0].Err, fault.Refused, "700027")
	})
	t.Run("what_is_not_paid_cannot_be_packed", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		a := b.open(t, nil)
		id := b.sell(t, 1, func(s *simdaraz.OrderSpec) { s.Payment = "MIXEDCARD" })
		o := a.order(t, id)
		if o.Status != channel.Unpaid || o.Payments[0].Status != channel.Due {
			t.Errorf("%s %+v", o.Status, o.Payments)
		}
		r := a.pack(t, id, ids(o)...)
		want(t, r.Refused[0].Err, fault.Conflict, "700031")
		if err := b.shop.Pay(id); err != nil {
			t.Fatal(err)
		}
		if o = a.order(t, id); o.Payments[0].Status != channel.Paid || o.Status != channel.Open {
			t.Errorf("%s %+v", o.Status, o.Payments)
		}
	})
	t.Run("an_order_of_another_shop", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		_, err := b.open(t, nil).Channel.(channel.Packer).Pack(t.Context(), channel.Handling{Order: "404", Units: []string{"405"}})
		want(t, err, fault.NotFound, "700021")
	})
	t.Run("ids_that_are_none", func(t *testing.T) {
		t.Parallel()
		p := offline(t, nil).(channel.Packer)
		for _, h := range []channel.Handling{{Order: "x", Units: []string{"1"}}, {Order: "1", Units: []string{`1]}`}}, {Order: "1"}, {Order: "01", Units: []string{"1"}}} {
			_, err := p.Pack(t.Context(), h)
			want(t, err, fault.Invalid, "")
		}
	})
	t.Run("the_older_label_call", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		a := b.open(t, map[string]string{"label_api": "order"})
		id := b.sell(t, 1, nil)
		if r := a.pack(t, id, ids(a.order(t, id))...); r.Packages[0].Label == nil || r.Packages[0].Label.Format != "html" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a_label_that_is_not_to_be_had_stops_nothing", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		a := b.open(t, nil)
		id := b.sell(t, 1, func(s *simdaraz.OrderSpec) {
			for i := range s.Items {
				s.Items[i].OwnFleet = true
			}
		})
		if r := a.pack(t, id, ids(a.order(t, id))...); len(r.Packages) != 1 || r.Packages[0].Label != nil {
			t.Errorf("%+v", r)
		}
	})
}

// A lost answer is followed by a reading, and the reading tells.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	b := startBench(t, simdaraz.Config{})
	a := b.open(t, nil)
	id := b.sell(t, 1, nil)
	units := ids(a.order(t, id))
	for _, step := range []struct {
		call string
		do   func() error
		told func(channeltest.Told) int64
	}{
		{"pack", func() error {
			r, err := a.Channel.(channel.Packer).Pack(t.Context(), channel.Handling{Order: id, Units: units})
			if err == nil && len(r.Packages) != 1 {
				t.Errorf("packages %+v", r)
			}
			return err
		}, func(t channeltest.Told) int64 { return t.Packed }},
		{"ship", func() error {
			_, err := a.Channel.(channel.Shipper).Ship(t.Context(), channel.ShipNotice{Handling: channel.Handling{Order: id, Units: units}})
			return err
		}, func(t channeltest.Told) int64 { return t.Shipped }},
		{"cancel", func() error {
			return a.Channel.(channel.Canceller).Cancel(t.Context(), channel.Cancellation{Handling: channel.Handling{Order: id}, Whole: true, Reason: channel.CancelStock})
		}, func(t channeltest.Told) int64 { return t.Cancelled }},
	} {
		b.Fault(t, channeltest.LostAnswer, step.call, 1)
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.call, err)
		}
		if got := step.told(b.Told(t, id)); got != 2 {
			t.Errorf("%s: counted %d", step.call, got)
		}
	}
}

func TestServerErrorsOnWrites(t *testing.T) {
	t.Parallel()
	b := startBench(t, simdaraz.Config{})
	a := b.open(t, nil)
	id := b.sell(t, 1, nil)
	units := ids(a.order(t, id))
	h := channel.Handling{Order: id, Units: units}
	b.Fault(t, channeltest.ServerError, "pack", 1)
	_, err := a.Channel.(channel.Packer).Pack(t.Context(), h)
	want(t, err, fault.Unavailable, "") // read again: nothing was packed, so trying again is safe
	b.Fault(t, channeltest.ServerError, "cancel", 1)
	err = a.Channel.(channel.Canceller).Cancel(t.Context(), channel.Cancellation{Handling: h, Reason: channel.CancelStock})
	want(t, err, fault.OutcomeUnknown, "") // not cancelled yet proves nothing
	b.Fault(t, channeltest.ServerError, "", -1)
	_, err = a.Channel.(channel.Shipper).Ship(t.Context(), channel.ShipNotice{Handling: h, Packages: []string{"FP1"}})
	want(t, err, fault.OutcomeUnknown, "") // nobody can be asked
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"reverse", "legacy"} {
		t.Run("by_the_"+api+"_calls", func(t *testing.T) {
			t.Parallel()
			paths := map[string]simdaraz.Paths{"reverse": simdaraz.PathsNew, "legacy": simdaraz.PathsLegacy}[api]
			b := startBench(t, simdaraz.Config{Cancel: paths})
			a := b.open(t, map[string]string{"cancel_api": api})
			id := b.sell(t, 2, nil)
			units := ids(a.order(t, id))
			c := a.Channel.(channel.Canceller)
			one := channel.Cancellation{Handling: channel.Handling{Order: id, Units: units[:1]}, Reason: channel.CancelOther, Note: "n"}
			all := channel.Cancellation{Handling: channel.Handling{Order: id}, Whole: true, Reason: channel.CancelPricing}
			for _, step := range []struct {
				c    channel.Cancellation
				told int64
			}{{one, 1}, {one, 1}, {all, 3}, {all, 3}} {
				if err := c.Cancel(t.Context(), step.c); err != nil {
					t.Error(err)
				}
				if got := b.Told(t, id).Cancelled; got != step.told {
					t.Errorf("%d are cancelled, want %d", got, step.told)
				}
			}
			if o := a.order(t, id); o.Status != channel.Cancelled || o.Payments[0].Status != channel.Voided {
				t.Errorf("%s %+v", o.Status, o.Payments)
			}
		})
	}
	t.Run("a_reason_that_empties_the_stock_is_chosen_for_nothing_else", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		a := b.open(t, nil)
		before := b.shop.Stock("KURTA-BLU-M")
		for _, r := range []channel.CancelReason{channel.CancelBuyer, channel.CancelFraud, channel.CancelAddress, channel.CancelUnpaid, channel.CancelOther} {
			id := b.sell(t, 1, nil)
			if err := a.Channel.(channel.Canceller).Cancel(t.Context(), channel.Cancellation{Handling: channel.Handling{Order: id}, Whole: true, Reason: r}); err != nil {
				t.Errorf("%s: %v", r, err)
			}
		}
		if after := b.shop.Stock("KURTA-BLU-M"); after.Real != before.Real {
			t.Errorf("stock went from %+v to %+v", before, after)
		}
	})
	t.Run("part_of_a_package_is_refused_before_anything_is_asked", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		a := b.open(t, nil)
		id := b.sell(t, 1, nil)
		units := ids(a.order(t, id))
		a.pack(t, id, units...)
		err := a.Channel.(channel.Canceller).Cancel(t.Context(), channel.Cancellation{Handling: channel.Handling{Order: id, Units: units[:1]}, Reason: channel.CancelOther})
		want(t, err, fault.Conflict, "packed_together")
		if err = a.Channel.(channel.Canceller).Cancel(t.Context(), channel.Cancellation{Handling: channel.Handling{Order: id, Units: units}, Reason: channel.CancelOther}); err != nil {
			t.Error(err)
		}
	})
	t.Run("a_buyers_wish_is_answered_either_way", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		a := b.open(t, nil)
		for _, agree := range []bool{true, false} {
			id := b.sell(t, 1, nil)
			units := ids(a.order(t, id))
			if _, err := b.shop.AskCancel("Change of mind", units[0]); err != nil {
				t.Fatal(err)
			}
			o := a.order(t, id)
			if o.CancelRequest == nil || o.CancelRequest.Decide.IsZero() || len(o.CancelRequest.Units) != 1 {
				t.Fatalf("request %+v", o.CancelRequest)
			}
			d := a.Channel.(channel.CancelDecider)
			if err := d.DecideCancel(t.Context(), id, *o.CancelRequest, agree, "packed already"); err != nil {
				t.Error(err)
			}
			if n := b.Told(t, id).Cancelled; n == 1 != agree {
				t.Errorf("agree %v: %d are cancelled", agree, n)
			}
			if o := a.order(t, id); o.CancelRequest != nil {
				t.Errorf("agree %v: still asked for", agree)
			}
			// Deciding again what is decided is done, not an error.
			if err := d.DecideCancel(t.Context(), id, *o.CancelRequest, agree, ""); err != nil {
				t.Errorf("agree %v again: %v", agree, err)
			}
		}
	})
	t.Run("nobody_asked", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		a := b.open(t, nil)
		id := b.sell(t, 1, nil)
		want(t, a.Channel.(channel.CancelDecider).DecideCancel(t.Context(), id, channel.CancelRequest{}, true, ""), fault.NotFound, "")
	})
}

func TestComplete(t *testing.T) {
	t.Parallel()
	b := startBench(t, simdaraz.Config{})
	a := b.open(t, nil)
	c := a.Channel.(channel.Completer)
	ready := func(own bool) (string, string) {
		id := b.sell(t, 1, func(s *simdaraz.OrderSpec) {
			for i := range s.Items {
				s.Items[i].OwnFleet = own
			}
		})
		units := ids(a.order(t, id))
		a.pack(t, id, units...)
		r, err := a.Channel.(channel.Shipper).Ship(t.Context(), channel.ShipNotice{Handling: channel.Handling{Order: id, Units: units}})
		if err != nil {
			t.Fatal(err)
		}
		return id, r.External
	}
	now := time.Now()
	id, parcel := ready(true)
	for range 2 {
		if err := c.Complete(t.Context(), channel.Completion{Handling: channel.Handling{Order: id}, Parcel: parcel, DeliveredAt: now}); err != nil {
			t.Error(err)
		}
	}
	if b.Told(t, id).Delivered != 2 {
		t.Errorf("told %+v", b.Told(t, id))
	}
	id, parcel = ready(true)
	if err := c.Complete(t.Context(), channel.Completion{Handling: channel.Handling{Order: id}, Parcel: parcel, FailedAt: now}); err != nil {
		t.Error(err)
	}
	if o := a.order(t, id); o.Lines[0].Progress.Failed != 1 {
		t.Errorf("progress %+v", o.Lines[0].Progress)
	}
	id, parcel = ready(false)
	want(t, c.Complete(t.Context(), channel.Completion{Handling: channel.Handling{Order: id}, Parcel: parcel, DeliveredAt: now}), fault.Refused, "700013")
	want(t, c.Complete(t.Context(), channel.Completion{Handling: channel.Handling{Order: id}, CashPaid: true}), fault.Refused, "")
	want(t, c.Complete(t.Context(), channel.Completion{Handling: channel.Handling{Order: id}}), fault.Invalid, "")
	want(t, c.Complete(t.Context(), channel.Completion{Handling: channel.Handling{Order: id}, FailedAt: now}), fault.Invalid, "")
}

func TestReturns(t *testing.T) {
	t.Parallel()
	for name, summary := range map[string]bool{"with_lines_in_the_list": false, "with_a_list_that_leaves_them_out": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startBench(t, simdaraz.Config{ReverseSummary: summary})
			a := b.open(t, nil)
			id, units := delivered(t, b, a, 2)
			ask := func(only bool, units ...string) string {
				r, err := b.shop.RequestReturn("broken", only, units...)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			whole := ask(false, units[0], units[1])
			small := ask(true, units[2])
			if diff := cmp.Diff(map[string]channel.Status{whole: channel.Requested, small: channel.Requested}, a.returns(t)); diff != "" {
				t.Error(diff)
			}
			decide := func(reverse string, v channel.ReturnVerdict, kind string) {
				t.Helper()
				d := channel.ReturnDecision{Order: id, Return: channel.Return{External: reverse, Kind: kind}, Verdict: v, Reason: "100001", Comment: "c"}
				for range 2 {
					if err := a.Channel.(channel.ReturnDecider).DecideReturn(t.Context(), d); err != nil {
						t.Errorf("%s: %v", v, err)
					}
				}
			}
			decide(whole, channel.ReturnApprove, "return")
			if err := b.shop.BuyerSendsBack(whole); err != nil {
				t.Fatal(err)
			}
			if got := a.returns(t)[whole]; got != channel.Returning {
				t.Errorf("on its way it is %s", got)
			}
			decide(whole, channel.ReturnReceive, "return")
			decide(whole, channel.ReturnRefund, "return")
			decide(small, channel.ReturnRefund, "")
			if diff := cmp.Diff(map[string]channel.Status{whole: channel.Completed, small: channel.Completed}, a.returns(t)); diff != "" {
				t.Error(diff)
			}
			if o := a.order(t, id); o.Lines[0].Progress.Returned != 2 || o.Status != channel.Completed {
				t.Errorf("%s %+v", o.Status, o.Lines)
			}
		})
	}
	t.Run("refused_line_by_line_with_the_partners_reason", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		a := b.open(t, nil)
		id, units := delivered(t, b, a, 1)
		r, err := b.shop.RequestReturn("broken", false, units...)
		if err != nil {
			t.Fatal(err)
		}
		d := channel.ReturnDecision{Order: id, Return: channel.Return{External: r, Kind: "return"}, Verdict: channel.ReturnDecline, Reason: "Wrong item returned", Comment: "not ours"}
		if err := a.Channel.(channel.ReturnDecider).DecideReturn(t.Context(), d); err != nil {
			t.Error(err)
		}
		if got := a.returns(t)[r]; got != channel.Declined {
			t.Errorf("it is %s", got)
		}
	})
	t.Run("amounts_are_hundredths_and_equal_what_was_paid", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		a := b.open(t, nil)
		id, units := delivered(t, b, a, 1)
		if _, err := b.shop.RequestReturn("broken", false, units[0]); err != nil {
			t.Fatal(err)
		}
		o := a.order(t, id)
		for r, err := range a.Channel.(channel.ReturnReader).Returns(t.Context(), "") {
			if err != nil || r.Return.Lines[0].Refund != o.Lines[0].Total || r.Order != id || r.Return.Lines[0].Units[0] != units[0] {
				t.Errorf("%+v %v, paid %s", r, err, o.Lines[0].Total)
			}
		}
	})
	t.Run("a_return_nobody_knows", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{})
		d := channel.ReturnDecision{Return: channel.Return{External: "123"}, Verdict: channel.ReturnApprove}
		want(t, b.open(t, nil).Channel.(channel.ReturnDecider).DecideReturn(t.Context(), d), fault.NotFound, "")
		d.Verdict = "maybe"
		want(t, b.open(t, nil).Channel.(channel.ReturnDecider).DecideReturn(t.Context(), d), fault.Invalid, "")
	})
	t.Run("a_shop_without_reverse_orders_says_so", func(t *testing.T) {
		t.Parallel()
		b := startBench(t, simdaraz.Config{NoReverse: true})
		for _, err := range b.open(t, nil).Channel.(channel.ReturnReader).Returns(t.Context(), "") {
			want(t, err, fault.Refused, "InvalidApiPath")
		}
	})
}

// delivered is an order of n units of one SKU and one of another, all delivered.
func delivered(t *testing.T, b *bench, a *account, n int) (string, []string) {
	t.Helper()
	id := b.sell(t, n, nil)
	units := ids(a.order(t, id))
	a.pack(t, id, units...)
	if _, err := a.Channel.(channel.Shipper).Ship(t.Context(), channel.ShipNotice{Handling: channel.Handling{Order: id, Units: units}}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.shop.Ship(units...), b.shop.Deliver(units...)); err != nil {
		t.Fatal(err)
	}
	return id, units
}

func (a *account) returns(t testing.TB) map[string]channel.Status {
	t.Helper()
	all := map[string]channel.Status{}
	for r, err := range a.Channel.(channel.ReturnReader).Returns(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if r.Cursor == "" {
			t.Error("no cursor")
		}
		all[r.Return.External] = r.Return.Status
	}
	return all
}

func TestVentures(t *testing.T) {
	t.Parallel()
	for venture, currency := range map[string]string{"pk": "PKR", "bd": "BDT", "lk": "LKR", "np": "NPR", "mm": "MMK"} {
		t.Run(venture, func(t *testing.T) {
			t.Parallel()
			b := startBench(t, simdaraz.Config{Venture: venture, Orders: simdaraz.Orders{Dates: simdaraz.DatesLocal, Masked: true}})
			a := b.open(t, map[string]string{"venture": venture})
			at := time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC)
			id := b.sell(t, 1, func(s *simdaraz.OrderSpec) { s.Placed = at })
			o := a.order(t, id)
			if o.Currency != currency || o.Country != strings.ToUpper(venture) || !o.PlacedAt.Equal(at) || !o.ShipTo.Masked || o.Money != channel.MoneyComplete {
				t.Errorf("%s %s %s %+v", o.Currency, o.Country, o.PlacedAt, o.ShipTo)
			}
			for _, c := range channeltest.Inspect(o) {
				t.Error(c)
			}
			shop, err := a.Channel.(channel.Identifier).Identify(t.Context())
			if err != nil || shop.Currency != currency || shop.ID != b.shop.Seller().ID {
				t.Errorf("%+v %v", shop, err)
			}
		})
	}
}

// TestGenerated reads whatever a day of the simulated marketplace brings: every order is good by the rules of the seam.
func TestGenerated(t *testing.T) {
	t.Parallel()
	b := startBench(t, simdaraz.Config{})
	b.shop.Central("KURTA-BLU-M", 50)
	for _, spec := range b.shop.Generate(3, 200) {
		if _, err := b.shop.PlaceOrder(spec); err != nil && !errors.Is(err, simdaraz.ErrSoldOut) {
			t.Fatal(err)
		}
	}
	b.shop.Advance(30)
	a := b.open(t, nil)
	n := 0
	for c, err := range a.Orders(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		o, err := a.Decode(c.Raw)
		if err != nil {
			t.Errorf("%s: %v", c.External, err)
			continue
		}
		v, _ := b.shop.OrderView(c.External)
		cash := int64(0)
		for _, charge := range o.Charges {
			if charge.Kind == channel.ChargeFee {
				cash = charge.Total.Minor
			}
		}
		if n++; o.Total.Minor != v.Due+cash || len(ids(o)) != len(v.Units) || !c.Version.Equal(o.Version) {
			t.Errorf("%s: total %s of %d, %d units of %d", c.External, o.Total, v.Due, len(ids(o)), len(v.Units))
		}
		for _, complaint := range channeltest.Inspect(o) {
			t.Errorf("%s: %s", c.External, complaint)
		}
	}
	if n < 150 {
		t.Errorf("only %d orders", n)
	}
}

func TestLostPackages(t *testing.T) {
	t.Parallel()
	b := startBench(t, simdaraz.Config{Sellers: []simdaraz.Seller{{Warehouses: []string{"dropshipping", "karachi"}}}})
	a := b.open(t, nil)
	id := b.sell(t, 2, func(spec *simdaraz.OrderSpec) { spec.Items[1].Warehouse, spec.Oversell = "karachi", true })
	units := ids(a.order(t, id))
	packed := a.pack(t, id, units...)
	found, err := a.Channel.(channel.Finder).Find(t.Context(), "pack", channel.Handling{Order: id, Reference: "p", Units: units})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Packages) != 2 {
		t.Errorf("%d packages are found of what two warehouses pack", len(found.Packages))
	}
	if diff := cmp.Diff(packed.Packages, found.Packages); diff != "" {
		t.Errorf("found is not what was packed (-packed +found):\n%s", diff)
	}
	for _, p := range found.Packages {
		if p.Label == nil {
			t.Errorf("package %s has no label", p.External)
		}
	}
}
