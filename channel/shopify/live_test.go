package shopify

import (
	"context"
	"math/rand/v2"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/channeltest"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	simshop "github.com/openclaw-pos/commerce/sim/shopify"
)

// stand is a simulated shop with an account opened at it.
type stand struct {
	*adapter
	shop *simshop.Shop
	now  time.Time
}

func setup(t *testing.T, change func(*simshop.Config), settings map[string]string) *stand {
	t.Helper()
	s := &stand{now: time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)}
	cfg := simshop.Config{
		Domain: testShop, ClientID: testClient, ClientSecret: testSecret, BucketSize: 1e6, RestoreRate: 1e6, Now: func() time.Time { return s.now },
		Locations: []simshop.LocationSpec{
			{Name: "SITE", Address: simshop.Address{City: "Karachi", Country: "PK"}},
			{Name: "Lahore", Address: simshop.Address{City: "Lahore", Country: "PK"}},
		},
	}
	if change != nil {
		change(&cfg)
	}
	shop, err := simshop.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(shop.Handler())
	t.Cleanup(func() {
		server.Close()
		shop.Close()
	})
	s.shop = shop
	token := shop.IssueToken(0)
	all := map[string]string{"base_url": server.URL, "shop": testShop, "client_id": testClient}
	for k, v := range settings {
		all[k] = v
	}
	for _, set := range Kind.Settings {
		if _, given := all[set.Name]; !given && !set.Secret {
			all[set.Name] = set.Default
		}
	}
	ch, err := Kind.Open(channel.Config{
		Account: "live", Country: "PK", HTTP: httpClient(t), Now: func() time.Time { return s.now }, Settings: all,
		Secret: func(name string) []string {
			return map[string][]string{"client_secret": {testSecret}, "access_token": {token}}[name]
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.adapter = ch.(*adapter)
	for _, p := range []simshop.ProductSpec{
		{SKU: "SHOE-42", Title: "Shoe", Price: "4500.00", Stock: map[string]int{"SITE": 50, "Lahore": 50}},
		{SKU: "SOCK-M", Title: "Sock", Price: "350.50", Stock: map[string]int{"SITE": 50, "Lahore": 50}},
	} {
		if _, err := shop.AddProduct(p); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *stand) place(t *testing.T, spec simshop.OrderSpec) string {
	t.Helper()
	if spec.Shipping == nil {
		spec.Shipping = &simshop.Address{FirstName: "Amina", LastName: "Qureshi", Address1: "House 7", City: "Lahore", Country: "PK", Zip: "54000"}
	}
	p, err := s.shop.PlaceOrder(spec)
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

func (s *stand) order(t *testing.T, id string) channel.Order {
	t.Helper()
	c, err := s.Order(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Decode(c.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// pass lets time go by, so that changes differ in their second.
func (s *stand) pass(d time.Duration) { s.now = s.now.Add(d) }

func (s *stand) location(t *testing.T, name string) string {
	t.Helper()
	shop, err := s.Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range shop.Locations {
		if l.Name == name {
			return l.External
		}
	}
	t.Fatalf("no location %s", name)
	return ""
}

// TestShapes plays what buyers, staff and carriers do to many orders, and after each step compares the order in a webhook body with the order read.
func TestShapes(t *testing.T) {
	t.Parallel()
	shops := map[string]func(*simshop.Config){
		"prices with tax":    nil,
		"prices without tax": func(c *simshop.Config) { c.TaxesExcluded, c.ShippingTaxed = true, true },
		"other currencies":   func(c *simshop.Config) { c.Rates = map[string]string{"USD": "0.0035", "OMR": "0.00138"} },
		"no personal data":   func(c *simshop.Config) { c.ProtectedPII = -1 },
		"level 1 only":       func(c *simshop.Config) { c.ProtectedPII = 1 },
		"version 2026-04":    func(c *simshop.Config) { c.Versions = []string{"2026-04"} },
	}
	for name, change := range shops {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := map[string]string{}
			if name == "version 2026-04" {
				settings["api_version"] = "2026-04"
			}
			s := setup(t, change, settings)
			for _, spec := range s.shop.Generate(7, 40) {
				spec.Oversell = true
				id := s.place(t, spec)
				rnd := rand.New(rand.NewPCG(uint64(len(id)), uint64(len(s.shop.Orders()))))
				s.agree(t, id, "placed")
				for range 4 {
					s.pass(time.Minute)
					s.agree(t, id, s.something(rnd, id))
				}
			}
		})
	}
}

// something happens to the order; what the shop does not allow now does not happen.
func (s *stand) something(rnd *rand.Rand, id string) string {
	v, _ := s.shop.OrderView(id)
	line := v.Lines[rnd.IntN(len(v.Lines))]
	acts := []struct {
		name string
		do   func() error
	}{
		{"paid", func() error { return s.shop.Pay(id) }},
		{"shipped", func() error { return s.shop.Ship(id, "TCS", "TCS-"+id) }},
		{"on its way", func() error { return s.shop.Scan(id, "IN_TRANSIT") }},
		{"delivered", func() error { return s.shop.Deliver(id) }},
		{"delivery failed", func() error { return s.shop.Scan(id, "FAILURE") }},
		{"refunded, cancelled", func() error { return s.shop.RefundLine(id, line.SKU, 1, "CANCEL") }},
		{"refunded, returned", func() error { return s.shop.RefundLine(id, line.SKU, 1, "RETURN") }},
		{"refunded, kept", func() error { return s.shop.RefundLine(id, line.SKU, 1, "NO_RESTOCK") }},
		{"money back", func() error { return s.shop.RefundAmount(id, "1.00") }},
		{"edited", func() error { return s.shop.EditQuantity(id, line.SKU, line.Current+1-2*rnd.IntN(2)) }},
		{"cancelled", func() error { return s.shop.Cancel(id) }},
	}
	a := acts[rnd.IntN(len(acts))]
	if err := a.do(); err != nil {
		return "not " + a.name
	}
	return a.name
}

// agree reads an order both ways. A body may leave to a re-read what it cannot tell; what it tells must be the same.
func (s *stand) agree(t *testing.T, id, after string) {
	t.Helper()
	read := s.order(t, id)
	for _, no := range channeltest.Inspect(read) {
		t.Errorf("%s, %s: %s", id, after, no)
	}
	header, body, err := s.shop.Webhook("orders/updated", id)
	if err != nil {
		t.Fatal(err)
	}
	hints, err := s.Hints(channel.Delivery{Header: header, Body: body, At: s.now})
	if err != nil || len(hints) != 1 || hints[0].External != id {
		t.Fatalf("%s, %s: hints %+v, %v", id, after, hints, err)
	}
	if hints[0].Raw == nil {
		return
	}
	told, err := s.Decode(*hints[0].Raw)
	if err != nil {
		t.Fatalf("%s, %s: %v", id, after, err)
	}
	read.Statuses["fulfillment"], told.Statuses["fulfillment"] = "", "" // REST has fewer words
	told.Silent = nil                                                   // a body cannot tell of a hold
	if d := cmp.Diff(read, told); d != "" {
		t.Errorf("%s, %s: read and told differ (-read +told):\n%s", id, after, d)
	}
}

func TestShip(t *testing.T) {
	t.Parallel()
	t.Run("a parcel from another location is moved there and told once", func(t *testing.T) {
		t.Parallel()
		s := setup(t, nil, nil)
		id := s.place(t, simshop.OrderSpec{Lines: []simshop.LineSpec{{SKU: "SHOE-42", Quantity: 3}, {SKU: "SOCK-M", Quantity: 1}}})
		o := s.order(t, id)
		from := s.location(t, "Lahore")
		n := channel.ShipNotice{
			Handling: channel.Handling{Order: id, Reference: "SH-1", Location: from, Lines: []channel.Quantity{{Line: o.Lines[0].External, Quantity: 2}, {Line: o.Lines[1].External, Quantity: 1}}},
			Carrier:  "TCS", Tracking: "TCS-1", URL: "https://tcs.example/1",
		}
		first, err := s.Ship(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Ship(t.Context(), n)
		if d := cmp.Diff(first, again); err != nil || d != "" {
			t.Errorf("told again: %v %s", err, d)
		}
		v, _ := s.shop.OrderView(id)
		if len(v.Parcels) != 1 || v.Parcels[0].Location != "Lahore" || v.Parcels[0].Units["SHOE-42"] != 2 || v.Parcels[0].Units["SOCK-M"] != 1 {
			t.Errorf("the shop has parcels %+v", v.Parcels)
		}
		n.Tracking, n.Location, n.Lines = "TCS-2", s.location(t, "SITE"), nil
		if _, err := s.Ship(t.Context(), n); err != nil {
			t.Fatalf("the rest: %v", err)
		}
		if o = s.order(t, id); o.Lines[0].Progress.Shipped != 3 || o.Lines[1].Progress.Shipped != 1 || len(o.Parcels) != 2 {
			t.Errorf("after both parcels the lines are %+v", o.Lines)
		}
		n.Tracking = "TCS-3"
		if _, err := s.Ship(t.Context(), n); !fault.Is(err, fault.Conflict) {
			t.Errorf("nothing is left and it says %v", err)
		}
	})
	t.Run("delivery and cash are told once", func(t *testing.T) {
		t.Parallel()
		s := setup(t, nil, nil)
		id := s.place(t, simshop.OrderSpec{COD: true, Lines: []simshop.LineSpec{{SKU: "SHOE-42", Quantity: 1}}})
		if o := s.order(t, id); o.Status != channel.Open || o.Payments[0].Status != channel.Due || o.Payments[0].Method != channel.PayCOD {
			t.Fatalf("cash on delivery reads %s, %+v", o.Status, o.Payments)
		}
		ship, err := s.Ship(t.Context(), channel.ShipNotice{Handling: channel.Handling{Order: id, Reference: "SH-000002"}})
		if err != nil {
			t.Fatal(err)
		}
		if f, err := s.Find(t.Context(), "ship", channel.Handling{Order: id, Reference: "SH-000002"}); err != nil || f.External != ship.External {
			t.Errorf("found %+v, %v", f, err)
		}
		for _, parcel := range []string{ship.External, "SH-000002", ""} {
			c := channel.Completion{Handling: channel.Handling{Order: id}, Parcel: parcel, DeliveredAt: s.now, CashPaid: true}
			if err := s.Complete(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Complete(t.Context(), channel.Completion{Handling: channel.Handling{Order: id}, Parcel: "no-such", DeliveredAt: s.now}); !fault.Is(err, fault.Conflict) {
			t.Errorf("a parcel nobody sent: %v", err)
		}
		o := s.order(t, id)
		if o.Lines[0].Progress.Delivered != 1 || o.Payments[0].Status != channel.Paid || o.Payments[0].Amount != o.Total {
			t.Errorf("after delivery: %+v, %+v", o.Lines[0].Progress, o.Payments)
		}
		if n := len(s.shop.Told("orderMarkAsPaid")) + len(s.shop.Told("fulfillmentEventCreate")); n != 2 {
			t.Errorf("told %d times", n)
		}
	})
}

func TestCancelPart(t *testing.T) {
	t.Parallel()
	for name, cod := range map[string]bool{"paid": false, "cash on delivery": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, nil, nil)
			id := s.place(t, simshop.OrderSpec{COD: cod, Lines: []simshop.LineSpec{{SKU: "SHOE-42", Quantity: 3}}})
			o := s.order(t, id)
			c := channel.Cancellation{
				Handling: channel.Handling{Order: id, Reference: "CX-000001", Location: s.location(t, "SITE"), Lines: []channel.Quantity{{Line: o.Lines[0].External, Quantity: 1}}},
				Reason:   channel.CancelStock, Restock: true, Refund: !cod,
			}
			for range 2 {
				if err := s.Cancel(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			o = s.order(t, id)
			if o.Lines[0].Progress.Cancelled != 1 || o.Status != channel.Open {
				t.Errorf("after one of three: %+v, %s", o.Lines[0].Progress, o.Status)
			}
			if want := len(o.Refunds); want != map[bool]int{false: 1, true: 0}[cod] {
				t.Errorf("refunds are %+v", o.Refunds)
			}
		})
	}
}

func TestCancelWhole(t *testing.T) {
	t.Parallel()
	s := setup(t, func(c *simshop.Config) { c.JobDelay = 0 }, nil)
	id := s.place(t, simshop.OrderSpec{Lines: []simshop.LineSpec{{SKU: "SHOE-42", Quantity: 2}}})
	c := channel.Cancellation{Handling: channel.Handling{Order: id, Reference: "CX-000002"}, Whole: true, Reason: channel.CancelBuyer, Restock: true, Refund: true}
	for range 2 {
		if err := s.Cancel(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	o := s.order(t, id)
	if o.Status != channel.Cancelled || o.Lines[0].Progress.Cancelled != 2 || len(o.Refunds) != 1 || o.Refunds[0].Amount != o.Total {
		t.Errorf("cancelled: %s, %+v, %+v", o.Status, o.Lines[0].Progress, o.Refunds)
	}
}

func TestReturn(t *testing.T) {
	t.Parallel()
	t.Run("one unit of two", func(t *testing.T) { t.Parallel(); comesBack(t, 2) })
	t.Run("the only unit, of which Shopify suggests no refund once it is processed", func(t *testing.T) { t.Parallel(); comesBack(t, 1) })
}

// comesBack returns one unit of so many to its end, each step told twice.
func comesBack(t *testing.T, units int) {
	t.Helper()
	s := setup(t, nil, nil)
	id := s.place(t, simshop.OrderSpec{Lines: []simshop.LineSpec{{SKU: "SHOE-42", Quantity: units}}})
	for _, err := range []error{s.shop.Ship(id, "TCS", "TCS-9"), s.shop.Deliver(id)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.pass(time.Hour)
	if _, err := s.shop.RequestReturn(id, "SHOE-42", 1, "SIZE_TOO_SMALL"); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute)
	read := func() channel.Return {
		t.Helper()
		var all []channel.ReturnChange
		for r, err := range s.Returns(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
		}
		if len(all) != 1 || all[0].Order != id || len(all[0].Return.Lines) != 1 {
			t.Fatalf("returns are %+v", all)
		}
		return all[0].Return
	}
	r := read()
	if r.Status != channel.Requested {
		t.Fatalf("the return is %s", r.Status)
	}
	for _, step := range []struct {
		verdict channel.ReturnVerdict
		after   channel.Status
	}{{channel.ReturnApprove, channel.Open}, {channel.ReturnReceive, channel.Open}, {channel.ReturnRefund, channel.Open}, {channel.ReturnRefuse, channel.Completed}} {
		for range 2 {
			if err := s.DecideReturn(t.Context(), channel.ReturnDecision{Order: id, Return: r, Verdict: step.verdict, Reference: "RT-000001"}); err != nil {
				t.Fatalf("%s: %v", step.verdict, err)
			}
		}
		s.pass(time.Minute)
		if got := read(); got.Status != step.after && got.Status != channel.Completed {
			t.Errorf("after %s the return is %s", step.verdict, got.Status)
		}
	}
	o := s.order(t, id)
	if len(o.Refunds) != 1 || o.Refunds[0].Amount != r.Lines[0].Refund || len(o.Returns) != 1 {
		t.Errorf("refunds %+v, returns %+v", o.Refunds, o.Returns)
	}
}

func TestListings(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, nil)
	s.pass(time.Hour)
	var cursor channel.Cursor
	var refs []channel.ListingRef
	for l, err := range s.Listings(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		refs, cursor = append(refs, l.Ref), l.Cursor
	}
	if len(refs) != 2 {
		t.Fatalf("listings are %+v", refs)
	}
	s.pass(time.Hour)
	verdicts, err := s.SetPrices(t.Context(), []channel.PriceLevel{
		{Listing: refs[0], Price: money.Of(460000, "PKR"), Compare: money.Of(500000, "PKR")},
		{Listing: channel.ListingRef{External: "45399999999999"}, Price: money.Of(1, "PKR")},
		{Listing: refs[1], Price: money.Of(999, "USD")},
	})
	if err != nil || verdicts[0].Err != nil || !fault.Is(verdicts[1].Err, fault.NotFound) || !fault.Is(verdicts[2].Err, fault.Invalid) {
		t.Fatalf("verdicts %+v, %v", verdicts, err)
	}
	var changed []string
	for l, err := range s.Listings(t.Context(), cursor) {
		if err != nil {
			t.Fatal(err)
		}
		changed = append(changed, l.Ref.External+" "+l.Price.String())
	}
	if d := cmp.Diff([]string{refs[0].External + " PKR 4600.00"}, changed); d != "" {
		t.Error(d)
	}
}

func TestSetStock(t *testing.T) {
	t.Parallel()
	for _, version := range simshop.Versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := setup(t, nil, map[string]string{"api_version": version})
			var refs []channel.ListingRef
			for l, err := range s.Listings(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				refs = append(refs, l.Ref)
			}
			at := s.location(t, "SITE")
			was := int64(49)
			levels := []channel.StockLevel{
				{Listing: channel.ListingRef{External: refs[0].External}, Location: at, Quantity: 10, Was: &was, Key: "a"},
				{Listing: refs[1], Location: at, Quantity: 20, Key: "b"},
			}
			verdicts, err := s.SetStock(t.Context(), levels)
			if err != nil || !fault.Is(verdicts[0].Err, fault.Conflict) || verdicts[0].Now == nil || *verdicts[0].Now != 50 || verdicts[1].Err != nil {
				t.Fatalf("verdicts %+v, %v", verdicts, err)
			}
			levels[0].Was, levels[0].Key = verdicts[0].Now, "c"
			if verdicts, err = s.SetStock(t.Context(), levels[:1]); err != nil || verdicts[0].Err != nil {
				t.Fatalf("verdicts %+v, %v", verdicts, err)
			}
			readings, err := s.Stock(t.Context(), refs)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int64{}
			for _, r := range readings {
				if r.Location == at {
					got[r.Listing.SKU] = r.Quantity
				}
			}
			if d := cmp.Diff(map[string]int64{"SHOE-42": 10, "SOCK-M": 20}, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, nil)
	address := "http://127.0.0.1:1/hooks/pk"
	mended, err := s.Subscribe(t.Context(), address)
	if d := cmp.Diff(topics, mended); err != nil || d != "" {
		t.Errorf("the first time: %v %s", err, d)
	}
	if mended, err = s.Subscribe(t.Context(), address); err != nil || len(mended) != 0 {
		t.Errorf("the second time it mended %v, %v", mended, err)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	type want struct {
		kind    string
		refresh bool
	}
	for name, c := range map[string]struct {
		grant   string
		secrets func(*simshop.Shop) map[string][]string
		current channel.TokenSet
		want    want
	}{
		"client credentials": {grant: grantClient, want: want{kind: ""}},
		"an authorization code": {grant: grantRefresh, secrets: func(s *simshop.Shop) map[string][]string {
			return map[string][]string{"authorization_code": {s.IssueCode()}}
		}, want: want{refresh: true}},
		"a first refresh token": {grant: grantRefresh, secrets: func(s *simshop.Shop) map[string][]string {
			_, r := s.IssueRefresh()
			return map[string][]string{"refresh_token": {r}}
		}, want: want{refresh: true}},
		"a refresh token that died": {grant: grantRefresh, current: channel.TokenSet{Access: "x", Refresh: "shprt_dead"}, want: want{kind: "unauthorized"}},
		"nothing to begin with":     {grant: grantRefresh, want: want{kind: "unauthorized"}},
		"a permanent token": {grant: grantPermanent, secrets: func(s *simshop.Shop) map[string][]string {
			return map[string][]string{"access_token": {s.IssueToken(0)}}
		}},
		"a permanent token refused":  {grant: grantPermanent, secrets: func(*simshop.Shop) map[string][]string { return map[string][]string{"access_token": {"gone"}} }, current: channel.TokenSet{Access: "gone"}, want: want{kind: "unauthorized"}},
		"a secret that is not known": {grant: grantClient, secrets: func(*simshop.Shop) map[string][]string { return map[string][]string{"client_secret": {"wrong-secret"}} }, want: want{kind: "unauthorized"}},
		"the older of two secrets": {grant: grantClient, secrets: func(*simshop.Shop) map[string][]string {
			return map[string][]string{"client_secret": {"wrong-secret", testSecret}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, nil, map[string]string{"grant": c.grant})
			secrets := map[string][]string{"client_secret": {testSecret}}
			if c.secrets != nil {
				for k, v := range c.secrets(s.shop) {
					secrets[k] = v
				}
			}
			s.cfg.Secret = func(name string) []string { return secrets[name] }
			set, err := s.RefreshToken(t.Context(), c.current)
			if c.want.kind != "" {
				if fault.KindOf(err).String() != c.want.kind {
					t.Errorf("says %v", err)
				}
				return
			}
			if err != nil || set.Shop != testShop || (set.Refresh != "") != c.want.refresh {
				t.Fatalf("gives %+v, %v", set.Scopes, err)
			}
			s.cfg.Secret = func(string) []string { return []string{set.Access} }
			if _, err := s.Identify(context.Background()); err != nil {
				t.Errorf("the token does not work: %v", err)
			}
			if c.want.refresh {
				s.cfg.Secret = func(name string) []string { return secrets[name] }
				if next, err := s.RefreshToken(t.Context(), set); err != nil || next.Access == set.Access || next.Refresh == set.Refresh {
					t.Errorf("it cannot be renewed: %v", err)
				}
			}
		})
	}
}

func TestOrderOfAFulfillmentOrder(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, nil)
	id := s.place(t, simshop.OrderSpec{Lines: []simshop.LineSpec{{SKU: "SHOE-42", Quantity: 1}}})
	v, _ := s.shop.OrderView(id)
	c, err := s.Order(t.Context(), v.Open[0].ID)
	if err != nil || c.External != id {
		t.Errorf("fulfillment order %s is of %s, %v", v.Open[0].ID, c.External, err)
	}
	for _, bad := range []string{"", "x", "gid://shopify/Order/", "-1", "12 34"} {
		if _, err := s.Order(t.Context(), bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("order %q says %v", bad, err)
		}
	}
	if _, err := s.Order(t.Context(), "gid://shopify/FulfillmentOrder/1"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown fulfillment order says %v", err)
	}
}

func TestFiftyRefunds(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, nil)
	id := s.place(t, simshop.OrderSpec{Lines: []simshop.LineSpec{{SKU: "SHOE-42", Quantity: 1}}})
	for range 51 {
		if err := s.shop.RefundAmount(id, "1.00"); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s.Order(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Decode(c.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Refunds) != 51 || c.Raw.Doc(docParts) == nil {
		t.Errorf("%d of 51 refunds are read", len(o.Refunds))
	}
}
