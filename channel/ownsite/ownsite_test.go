package ownsite_test

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/channeltest"
	"github.com/openclaw-pos/commerce/channel/ownsite"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

func TestConformance(t *testing.T) {
	channeltest.Run(t, channeltest.Suite{
		Kind:     ownsite.Kind(&checkout{}),
		Settings: map[string]string{"storefront": "pk"},
		Bench:    func(testing.TB) channeltest.Bench { return &checkout{} },
		Faults:   []string{}, // there is no wire to break
	})
}

// checkout is a Source in memory, and the conformance suite's stand-in.
type checkout struct {
	mu     sync.Mutex
	placed []channel.OwnOrder
}

var epoch = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// Placed implements ownsite.Source: the cursor is the number of the change.
func (c *checkout) Placed(_ context.Context, _ string, since channel.Cursor) iter.Seq2[channel.Change, error] {
	return func(yield func(channel.Change, error) bool) {
		c.mu.Lock()
		all := c.placed
		c.mu.Unlock()
		after, _ := strconv.Atoi(string(since))
		for i, o := range all {
			if i < after {
				continue
			}
			ch, err := o.Change(epoch)
			ch.Cursor = channel.Cursor(strconv.Itoa(i + 1))
			if !yield(ch, err) {
				return
			}
		}
	}
}

// One implements ownsite.Source.
func (c *checkout) One(_ context.Context, _, external string) (channel.Change, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.placed {
		if o.ID == external {
			return o.Change(epoch)
		}
	}
	return channel.Change{}, fault.New(fault.NotFound, "there is no such order")
}

func (c *checkout) Account() channeltest.Account {
	kind := ownsite.Kind(c)
	return channeltest.Account{Kind: &kind, Now: func() time.Time { return epoch }}
}

func (c *checkout) Offers() []channeltest.Offer {
	return []channeltest.Offer{{Listing: channel.ListingRef{SKU: "TEA-1"}}, {Listing: channel.ListingRef{SKU: "MUG"}}}
}

func (c *checkout) Place(tb testing.TB, sales ...channeltest.Sale) string {
	tb.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	o := channel.OwnOrder{
		Schema: 1, ID: fmt.Sprint("CO-", 1000+len(c.placed)), Storefront: "pk", PlacedAt: epoch, UpdatedAt: epoch, Status: "placed", Country: "PK", Currency: "PKR",
		TaxMode: channel.TaxInclusive, Total: money.Zero("PKR"), Hold: "hold-1",
	}
	for i, s := range sales {
		price := money.Of(125000, "PKR")
		total, err := price.Times(s.Quantity)
		if err != nil {
			tb.Fatal(err)
		}
		o.Lines = append(o.Lines, channel.OwnLine{ID: fmt.Sprint(i + 1), SKU: s.Offer.Listing.SKU, Title: s.Offer.Listing.SKU, Quantity: s.Quantity, Price: price, Total: total})
		if o.Total, err = o.Total.Add(total); err != nil {
			tb.Fatal(err)
		}
	}
	o.Payments = []channel.OwnPayment{{ID: "1", Method: channel.PayCOD, Provider: "cod", Status: "due", Amount: o.Total}}
	c.placed = append(c.placed, o)
	return o.ID
}

func (c *checkout) Shown(testing.TB, channel.ListingRef) int64       { return 0 }
func (c *checkout) Told(testing.TB, string) channeltest.Told         { return channeltest.Told{} }
func (c *checkout) Deliveries(testing.TB, string) []channel.Delivery { return nil }
func (c *checkout) Fault(tb testing.TB, fault, _ string, _ int) {
	tb.Helper()
	tb.Fatalf("there is no wire to break by %s", fault)
}

func TestOrder_carries_the_hold_of_its_checkout(t *testing.T) {
	t.Parallel()
	shop := &checkout{}
	id := shop.Place(t, channeltest.Sale{Offer: shop.Offers()[0], Quantity: 1})
	ch, err := ownsite.Kind(shop).Open(channel.Config{Now: func() time.Time { return epoch }})
	if err != nil {
		t.Fatal(err)
	}
	c, err := ch.Order(t.Context(), id)
	if err != nil || c.Hold != "hold-1" {
		t.Errorf("hold %q, %v", c.Hold, err)
	}
	for c, err := range ch.Orders(t.Context(), "") {
		if err != nil || c.Hold != "hold-1" {
			t.Errorf("hold %q, %v", c.Hold, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	ch, err := ownsite.Kind(&checkout{}).Open(channel.Config{Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"schema":1,"id":"CO-1","currency":"PKR","lines":[{"id":"1","sku":"A","quantity":1,"price":{"amount":"1.00","currency":"PKR"}}]}`))
	f.Add([]byte(`{"schema":1,"id":"CO-1","currency":"JPY","total":{"amount":1e2,"currency":"JPY"},"payments":[{"status":"zz"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, err := ch.Decode(channel.Raw{Shape: channel.OwnShape, Docs: []channel.Doc{{Name: "order", Body: body}}})
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%v is not Invalid", err)
		}
	})
}
