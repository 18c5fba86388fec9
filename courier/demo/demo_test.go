package demo_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/courier/couriertest"
	"github.com/openclaw-pos/commerce/courier/demo"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// clock is time that passes when it is told to.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// bench is the depot as the conformance suite's stand-in: it is its own simulator.
type bench struct {
	*demo.Depot
	*clock
}

func newBench(testing.TB) couriertest.Bench {
	c := &clock{at: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	d := demo.New(c.now)
	d.WaitForHandOver()
	return &bench{d, c}
}

func (b *bench) Account() couriertest.Account {
	kind := demo.Kind(b.Depot)
	return couriertest.Account{Kind: &kind, Now: b.now}
}

func (b *bench) Parcel(n int) courier.Parcel {
	return courier.Parcel{
		Number: fmt.Sprint("PK-", n), Grams: 1200, Cash: money.Of(int64(250000+n*100), "PKR"),
		From: courier.Address{Name: "Main store", City: "Lahore", Country: "PK"},
		To:   courier.Address{Name: "Ayesha Siddiqui", Phone: "+923001234567", Line1: "House 12, Street 4", District: "Clifton", City: "Karachi", Country: "PK"},
	}
}

func (b *bench) Parcels(testing.TB) int                                { return b.Len() }
func (b *bench) Fate(_ testing.TB, reference string, f courier.Status) { b.Depot.Fate(reference, f) }

func (b *bench) HandOver(_ testing.TB, tracking string)           { b.Depot.HandOver(tracking) }
func (b *bench) Pass(_ testing.TB, d time.Duration)               { b.pass(d) }
func (b *bench) Fault(_ testing.TB, name, call string, times int) { b.Depot.Fault(name, call, times) }

func (b *bench) Deliveries(_ testing.TB, tracking string) []partner.Delivery {
	return b.Depot.Deliveries(tracking)
}

func TestConformance(t *testing.T) {
	couriertest.Run(t, couriertest.Suite{
		Kind: demo.Kind(demo.New(time.Now)), Secrets: map[string][]string{"hook_secret": {demo.Secret}}, Bench: newBench,
		Fates:  []courier.Status{courier.Delivered, courier.Attempted, courier.Returned, courier.Lost},
		Faults: []string{demo.Throttle, demo.ServerError, demo.CutBody, demo.LostAnswer, demo.Duplicate, demo.Reorder, demo.Strange},
		Sign:   demo.Sign, SignedBy: "hook_secret", Fresh: demo.Fresh,
	})
}

func open(t *testing.T) (*bench, courier.Courier) {
	t.Helper()
	b := newBench(t).(*bench)
	c, err := demo.Kind(b.Depot).Open(partner.Config{Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}

func TestBook_gives_the_same_numbers_on_every_run(t *testing.T) {
	t.Parallel()
	var runs [2][]string
	for i := range runs {
		b, c := open(t)
		for n := range 50 {
			got, err := c.Book(t.Context(), fmt.Sprint("ref-", n), b.Parcel(n))
			if err != nil {
				t.Fatal(err)
			}
			runs[i] = append(runs[i], got.Tracking)
		}
	}
	if a, b := strings.Join(runs[0], " "), strings.Join(runs[1], " "); a != b {
		t.Errorf("%s\n%s", a, b)
	}
}

func TestBook_at_once_is_one_parcel(t *testing.T) {
	t.Parallel()
	b, c := open(t)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if _, err := c.Book(t.Context(), "ref-1", b.Parcel(1)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if b.Len() != 1 {
		t.Errorf("%d parcels", b.Len())
	}
}

func TestDepot_without_hand_over_takes_parcels_by_itself(t *testing.T) {
	t.Parallel()
	c := &clock{at: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	d := demo.New(c.now)
	d.Pace(time.Minute)
	d.Mix(courier.Returned)
	cour, err := demo.Kind(d).Open(partner.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := cour.Book(t.Context(), "ref-1", courier.Parcel{To: courier.Address{City: "Karachi"}})
	if err != nil {
		t.Fatal(err)
	}
	var seen []courier.Status
	for range 14 {
		all, err := cour.Track(t.Context(), []string{b.Tracking})
		if err != nil {
			t.Fatal(err)
		}
		if st := courier.Fold(b.Tracking, all[0].Scans).Status; len(seen) == 0 || seen[len(seen)-1] != st {
			seen = append(seen, st)
		}
		c.pass(time.Minute)
	}
	want := "booked picked_up in_transit out_for_delivery delivery_attempted out_for_delivery delivery_attempted awaiting_instruction return_initiated return_in_transit returned"
	if got := strings.Trim(fmt.Sprint(seen), "[]"); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// The label is looked at by people; here only that it says what it must and that every page is there.
func TestLabels_hold_what_the_rider_needs(t *testing.T) {
	t.Parallel()
	b, c := open(t)
	var numbers []string
	for n := range 3 {
		got, err := c.Book(t.Context(), fmt.Sprint("ref-", n), b.Parcel(n))
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, got.Tracking)
	}
	l, err := c.(courier.Labeller).Labels(t.Context(), numbers, courier.PDF)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range append(numbers, "Ayesha Siddiqui", "COLLECT PKR 2502.00", "/Count 3", "Karachi") {
		if !bytes.Contains(l.Body, []byte(want)) {
			t.Errorf("the label does not say %s", want)
		}
	}
	one, err := c.(courier.Labeller).Labels(t.Context(), numbers[:1], courier.PNG)
	if err != nil || couriertest.NoDocument(courier.PNG, one.Body) != "" {
		t.Errorf("a picture of one: %v", err)
	}
}

func FuzzHints(f *testing.F) {
	c, err := demo.Kind(demo.New(time.Now)).Open(partner.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"tracking":"DX1","code":"DL","text":"Delivered","at":"2026-11-22T10:00:00Z","place":"Lahore","cash":{"amount":"10.00","currency":"PKR"}}`))
	f.Add([]byte(`{"tracking":"DX1","code":"??","at":"2026-11-22T10:00:00+05:00","cash":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := c.(courier.Webhooker).Hints(partner.Delivery{Body: body})
		if err == nil && (len(all) != 1 || all[0].Tracking == "") {
			t.Errorf("%+v", all)
		}
	})
}
