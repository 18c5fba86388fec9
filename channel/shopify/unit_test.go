package shopify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// partner answers operations by name, each with the next of its answers; the last one stays.
type partner struct {
	answers map[string][]string
	asked   []string
	header  http.Header
}

// RoundTrip implements http.RoundTripper.
func (p *partner) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	var body struct {
		Operation string `json:"operationName"`
	}
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		return nil, err
	}
	p.asked = append(p.asked, body.Operation)
	all := p.answers[body.Operation]
	if len(all) == 0 {
		return nil, fmt.Errorf("nobody expected %s", body.Operation)
	}
	if len(all) > 1 {
		p.answers[body.Operation] = all[1:]
	}
	return &http.Response{StatusCode: 200, Header: p.header, Body: io.NopCloser(strings.NewReader(all[0])), Request: req}, nil
}

func (p *partner) open(t *testing.T, settings map[string]string) *adapter {
	t.Helper()
	all := map[string]string{"shop": testShop}
	for k, v := range settings {
		all[k] = v
	}
	ch, err := Kind.Open(channel.Config{
		Account: "unit", Country: "PK", HTTP: &http.Client{Transport: p}, Now: time.Now, Settings: all,
		Secret: func(string) []string { return []string{testSecret} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return ch.(*adapter)
}

const (
	notCancelled = `{"data":{"order":{"cancelledAt":null,"fulfillments":[],"refunds":[]}}}`
	cancelled    = `{"data":{"order":{"cancelledAt":"2026-11-22T10:00:00Z","fulfillments":[],"refunds":[]}}}`
	jobStarted   = `{"data":{"orderCancel":{"job":{"id":"gid://shopify/Job/1","done":false},"orderCancelUserErrors":[]}}}`
	jobRunning   = `{"data":{"job":{"done":false}}}`
	jobDone      = `{"data":{"job":{"done":true}}}`
)

func TestCancelWaitsForTheJob(t *testing.T) {
	whole := channel.Cancellation{Handling: channel.Handling{Order: "1", Reference: "CX-1"}, Whole: true}
	t.Run("until it is done", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := &partner{answers: map[string][]string{"OrderState": {notCancelled, cancelled}, "CancelOrder": {jobStarted}, "Job": {jobRunning, jobRunning, jobDone}}}
			if err := p.open(t, nil).Cancel(t.Context(), whole); err != nil {
				t.Error(err)
			}
			if d := cmp.Diff([]string{"OrderState", "CancelOrder", "Job", "Job", "Job", "OrderState"}, p.asked); d != "" {
				t.Error(d)
			}
		})
	})
	t.Run("not for ever: then the outcome is unknown", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := &partner{answers: map[string][]string{"OrderState": {notCancelled}, "CancelOrder": {jobStarted}, "Job": {jobRunning}}}
			began := time.Now()
			if err := p.open(t, nil).Cancel(t.Context(), whole); !fault.Is(err, fault.OutcomeUnknown) {
				t.Errorf("says %v", err)
			}
			if d := time.Since(began); d < 15*time.Second || d > 40*time.Second {
				t.Errorf("gave up after %s", d)
			}
		})
	})
	t.Run("and not when nobody waits any more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := &partner{answers: map[string][]string{"OrderState": {notCancelled}, "CancelOrder": {jobStarted}, "Job": {jobRunning}}}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := p.open(t, nil).Cancel(ctx, whole); !fault.Is(err, fault.OutcomeUnknown) {
				t.Errorf("says %v", err)
			}
		})
	})
}

// TestOrderOf holds that a webhook which names only a return, or what is sent back for it, still leads to its order.
func TestOrderOf(t *testing.T) {
	t.Parallel()
	for id, answer := range map[string]string{
		"gid://shopify/FulfillmentOrder/7":        `{"data":{"fulfillmentOrder":{"orderId":"gid://shopify/Order/12"}}}`,
		"gid://shopify/Return/7":                  `{"data":{"return":{"order":{"id":"gid://shopify/Order/12"}}}}`,
		"gid://shopify/ReverseFulfillmentOrder/7": `{"data":{"node":{"order":{"id":"gid://shopify/Order/12"}}}}`,
	} {
		operation := resolvable(id)
		p := &partner{answers: map[string][]string{operation: {answer}}}
		if order, err := p.open(t, nil).orderOf(t.Context(), operation, id); order != "12" || err != nil {
			t.Errorf("%s is of %q, %v", id, order, err)
		}
	}
	for _, id := range []string{"12", "gid://shopify/Order/12", "gid://shopify/Cart/12", "Return/12", ""} {
		if operation := resolvable(id); operation != "" {
			t.Errorf("%q would be looked up by %s", id, operation)
		}
	}
}

func TestPagesThatDoNotEnd(t *testing.T) {
	t.Parallel()
	p := &partner{answers: map[string][]string{"OrderIndex": {`{"data":{"orders":{"nodes":[],"pageInfo":{"hasNextPage":true,"endCursor":"same"}}}}`}}}
	for _, err := range p.open(t, nil).Orders(t.Context(), "") {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("says %v", err)
		}
	}
	if len(p.asked) > 2 {
		t.Errorf("asked %d times", len(p.asked))
	}
}

func TestStockErrorsThatBlameNobody(t *testing.T) {
	t.Parallel()
	refusal := `{"data":{"inventorySetQuantities":{"userErrors":[{"field":null,"message":"no","code":"INVALID_LOCATION"}]}}}`
	p := &partner{answers: map[string][]string{"SetStock": {refusal, `{"data":{"inventorySetQuantities":{"userErrors":[]}}}`, refusal}}}
	levels := []channel.StockLevel{{Listing: channel.ListingRef{Stock: "1"}, Location: "1"}, {Listing: channel.ListingRef{Stock: "2"}, Location: "1"}}
	v, err := p.open(t, nil).SetStock(t.Context(), levels)
	if err != nil || v[0].Err != nil || !fault.Is(v[1].Err, fault.Refused) || fault.CodeOf(v[1].Err) != "INVALID_LOCATION" {
		t.Errorf("sent together, then one by one: %+v, %v", v, err)
	}
}

func TestStockStopsWhereTheCallFails(t *testing.T) {
	t.Parallel()
	p := &partner{answers: map[string][]string{"SetStock": {`{"data":{"inventorySetQuantities":{"userErrors":[]}}}`, `<html>`}}}
	var levels []channel.StockLevel
	for i := range maxQuantities + 5 {
		levels = append(levels, channel.StockLevel{Listing: channel.ListingRef{Stock: fmt.Sprint(i)}, Location: "1", Key: fmt.Sprint(i)})
	}
	v, err := p.open(t, nil).SetStock(t.Context(), levels)
	if !fault.Is(err, fault.Unavailable) || len(v) != maxQuantities {
		t.Errorf("%d verdicts, %v", len(v), err)
	}
}

func TestAVersionThatIsOver(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	p := &partner{header: http.Header{"X-Shopify-Api-Version": {"2026-10"}}, answers: map[string][]string{"OrderState": {cancelled}}}
	a := p.open(t, map[string]string{"api_version": "2026-01"})
	a.log = slog.New(slog.NewTextHandler(&log, nil))
	for range 3 {
		if _, err := a.state(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "another API version"); n != 1 {
		t.Errorf("warned %d times:\n%s", n, &log)
	}
}

func TestVersionEnds(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"2026-10": "2027-10-01", "2026-01": "2027-01-01", "unstable": "0001-01-01", "": "0001-01-01"} {
		if got := versionEnds(version).Format(time.DateOnly); got != want {
			t.Errorf("%q ends %s, not %s", version, got, want)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	good := channel.Config{HTTP: http.DefaultClient, Now: time.Now, Settings: map[string]string{"shop": "My-Shop.myshopify.com"}}
	ch, err := Kind.Open(good)
	if err != nil {
		t.Fatal(err)
	}
	if a := ch.(*adapter); a.base != "https://my-shop.myshopify.com" || a.version != NewestVersion || a.overlap != 2*time.Minute {
		t.Errorf("opened as %s, %s, %s", a.base, a.version, a.overlap)
	}
	for name, bad := range map[string]map[string]string{
		"no shop": {}, "a shop with a path": {"shop": "a.myshopify.com/x"}, "one word": {"shop": "a"}, "an unknown version": {"shop": "a.b", "api_version": "2020-01"},
		"no web address": {"shop": "a.b", "base_url": "ftp://x"}, "no number of seconds": {"shop": "a.b", "overlap_seconds": "soon"},
	} {
		cfg := good
		cfg.Settings = bad
		if _, err := Kind.Open(cfg); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s says %v", name, err)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	a := (&partner{}).open(t, nil)
	body := []byte(`{"id":1}`)
	delivery := func(prefix, topic, shop string) channel.Delivery {
		h := http.Header{}
		for name, v := range map[string]string{"Topic": topic, "Shop-Domain": shop, "Webhook-Id": "w", "Event-Id": "e"} {
			if v != "" {
				h.Set(prefix+name, v)
			}
		}
		d := sign(channel.Delivery{Header: h, Body: body}, testSecret)
		if prefix != "X-Shopify-" {
			d.Header.Set(prefix+"Hmac-Sha256", d.Header.Get("X-Shopify-Hmac-Sha256"))
			d.Header.Del("X-Shopify-Hmac-Sha256")
		}
		return d
	}
	want := channel.Receipt{ID: "w", Event: "e", Topic: "orders/create", Shop: testShop}
	for _, prefix := range []string{"X-Shopify-", "Shopify-"} {
		if r, err := a.Verify(delivery(prefix, "orders/create", "Karachi-Kicks.myshopify.com")); err != nil || r != want {
			t.Errorf("%s: %+v, %v", prefix, r, err)
		}
	}
	for name, d := range map[string]channel.Delivery{"of another shop": delivery("X-Shopify-", "orders/create", "other.myshopify.com"), "without a topic": delivery("X-Shopify-", "", testShop)} {
		if _, err := a.Verify(d); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("a delivery %s says %v", name, err)
		}
	}
	a.cfg.Secret = func(string) []string { return []string{""} }
	if _, err := a.Verify(sign(delivery("X-Shopify-", "orders/create", testShop), "")); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("an empty secret verifies: %v", err)
	}
}

func TestThrottled(t *testing.T) {
	t.Parallel()
	body := func(requested, available, rate string) string {
		return `{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],"extensions":{"cost":{"requestedQueryCost":` + requested +
			`,"actualQueryCost":null,"throttleStatus":{"maximumAvailable":2000.0,"currentlyAvailable":` + available + `,"restoreRate":` + rate + `}}}}`
	}
	for name, c := range map[string]struct {
		status int
		retry  string
		body   string
		wait   time.Duration
		yes    bool
	}{
		"what is missing over what comes back": {200, "", body("498", "123", "100.0"), 3750 * time.Millisecond, true},
		"a part of a point":                    {200, "", body("10.5", "10.25", "50"), 5 * time.Millisecond, true},
		"enough is there":                      {200, "", body("10", "100", "50"), time.Second, true},
		"no rate":                              {200, "", body("10", "0", "0"), time.Second, true},
		"a bucket that never fills":            {200, "", body("1000", "0", "0.001"), time.Minute, true},
		"numbers past all reason":              {200, "", body("99999999999999999999", "-1", "1"), time.Second, true},
		"the same with 429 and a longer wait":  {429, "9.5", body("498", "123", "100.0"), 9500 * time.Millisecond, true},
		"429 without a word":                   {429, "", "slow down", time.Second, true},
		"429 with a date":                      {429, "Fri, 31 Dec 2026 23:59:59 GMT", "", time.Second, true},
		"429 with an hour":                     {429, "3600", "", time.Minute, true},
		"the word in an order's note":          {200, "", `{"data":{"order":{"note":"THROTTLED"}}}`, 0, false},
		"another error":                        {200, "", `{"errors":[{"message":"THROTTLED?","extensions":{"code":"ACCESS_DENIED"}}]}`, 0, false},
		"a good answer":                        {200, "", `{"data":{}}`, 0, false},
	} {
		h := http.Header{}
		if c.retry != "" {
			h.Set("Retry-After", c.retry)
		}
		if wait, yes := throttled(c.status, h, []byte(c.body)); wait != c.wait || yes != c.yes {
			t.Errorf("%s: wait %s, %v; and should be %s, %v", name, wait, yes, c.wait, c.yes)
		}
	}
}

// TestCursor holds that a cursor survives being written, stays under the seam's ceiling, and never remembers a change whose second was not over.
func TestCursor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
		var m mark
		for i := range rapid.IntRange(1, 80).Draw(t, "orders") {
			at = at.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "seconds")) * time.Second)
			s := seen{fmt.Sprint(6120000000000 + i), at}
			lag := time.Duration(rapid.IntRange(0, 5).Draw(t, "lag")) * time.Second
			m = m.with(s, at.Add(lag), 2*time.Minute)
			if m.saw(s) != (lag >= settled) {
				t.Fatalf("read %s after the change it is remembered: %v", lag, m.saw(s))
			}
		}
		c := m.cursor()
		if len(c) > 1024 {
			t.Fatalf("%d bytes", len(c))
		}
		back, err := parseMark(c)
		if err != nil || !back.at.Equal(m.at) || len(back.seen) > len(m.seen) {
			t.Fatalf("%s reads %+v, %v", c, back, err)
		}
		for i, s := range back.seen {
			if s != m.seen[i] {
				t.Fatalf("%s reads %+v, not %+v", c, s, m.seen[i])
			}
		}
	})
	for _, bad := range []string{"x", "2026-11-22", "2026-11-22T07:00:00Z;1", "2026-11-22T07:00:00Z;@1", "2026-11-22T07:00:00Z;1@-1", "2026-11-22T07:00:00Z;1@x"} {
		if _, err := parseMark(channel.Cursor(bad)); !fault.Is(err, fault.Invalid) {
			t.Errorf("order cursor %q says %v", bad, err)
		}
	}
	for _, bad := range []string{"x", "|", "a||", "|b|", "||c", "|||"} {
		if _, err := parseSweep(channel.Cursor(bad)); !fault.Is(err, fault.Invalid) {
			t.Errorf("listing cursor %q says %v", bad, err)
		}
	}
}

// TestProgress holds that no unit is counted twice, whatever parcels, refunds and edits say.
func TestProgress(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 9)
		l := sheetLine{id: "1", quantity: n.Draw(t, "quantity"), current: n.Draw(t, "current") - 1, open: n.Draw(t, "open") - 1}
		s := &sheet{}
		if rapid.Bool().Draw(t, "cancelled") {
			s.cancelled = time.Unix(1, 0)
		}
		for range rapid.IntRange(0, 3).Draw(t, "parcels") {
			s.parcels = append(s.parcels, sheetParcel{
				status: rapid.SampledFrom([]string{"SUCCESS", "CANCELLED"}).Draw(t, "status"), display: rapid.SampledFrom([]string{"", "DELIVERED", "NOT_DELIVERED", "IN_TRANSIT"}).Draw(t, "display"),
				lines: []lineCount{{line: "1", quantity: n.Draw(t, "sent")}},
			})
		}
		for range rapid.IntRange(0, 3).Draw(t, "refunds") {
			s.refunds = append(s.refunds, sheetRefund{lines: []sheetRefundLine{{line: "1", restock: rapid.SampledFrom([]string{"CANCEL", "RETURN", "NO_RESTOCK", "LEGACY_RESTOCK"}).Draw(t, "restock"), quantity: n.Draw(t, "refunded")}}})
		}
		p := s.progress(l)
		if min(p.Cancelled, p.Shipped, p.Delivered, p.Failed, p.Returned) < 0 || p.Sum() > l.quantity {
			t.Fatalf("%+v of %d", p, l.quantity)
		}
	})
}

func TestCashOnDelivery(t *testing.T) {
	t.Parallel()
	r := rulesOf(channel.Config{Settings: map[string]string{"cod_gateways": "cash on delivery, cod, الدفع عند الاستلام"}})
	for name, want := range map[string]bool{
		"Cash on Delivery (COD)": true, "COD": true, "manual-cod": true, "CASH  ON  DELIVERY": true, "الدفع عند الاستلام": true,
		"Codename Pay": false, "barcode": false, "cash": false, "": false, "shopify_payments": false,
	} {
		if r.isCOD(name) != want {
			t.Errorf("%q is cash on delivery: %v", name, !want)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]properties{
		`[]`: nil, `null`: nil,
		`[{"name":"Engraving","value":"for Zainab"}]`:                           {{Name: "Engraving", Value: "for Zainab"}},
		`[{"name":"_n","value":7},{"name":"_b","value":true},{"name":"empty"}]`: {{Name: "_n", Value: "7"}, {Name: "_b", Value: "true"}, {Name: "empty"}},
		`[{"name":"_o","value":{"a":[1]}}]`:                                     {{Name: "_o", Value: `{"a":[1]}`}},
		`{"b":"2","a":null}`:                                                    {{Name: "a"}, {Name: "b", Value: "2"}},
	} {
		var got properties
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	var got properties
	if err := json.Unmarshal([]byte(`"x"`), &got); !fault.Is(err, fault.Invalid) {
		t.Errorf("a text says %v", err)
	}
}
