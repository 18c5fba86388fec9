// Package demo is a courier in memory, for demonstrations and for tests of everything that ships: it books, prints labels, collects cash and reports scans as a
// clock goes on. Start at New.
//
// Waybill numbers come from our reference, so a run repeats itself. What becomes of a parcel is decided by Fate, or by Mix for all; the scans follow a plan of steps, each one
// Pace long. Fault switches on what real couriers do: answers that get lost, scans told twice or out of order. There is no network.
package demo

import (
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// Faults that can be switched on; the first five words are those of the wire simulators.
const (
	Throttle    = "throttle"     // refused for asking too often, two seconds to wait
	ServerError = "server_error" // fails before any work is done
	LostAnswer  = "lost_answer"  // the work is done, the answer is lost
	CutBody     = "cut_body"     // the same, seen from the caller
	Duplicate   = "duplicate"    // every scan is told twice
	Reorder     = "reorder"      // scans are told newest first
	Strange     = "strange"      // a scan with a word that nobody knows is among them
)

// Depot is the courier. Safe for concurrent use.
type Depot struct {
	mu      sync.Mutex
	now     func() time.Time
	pace    time.Duration
	waits   bool // for HandOver; else riders come by themselves
	mix     []courier.Status
	fates   map[string]courier.Status
	parcels map[string]*parcel // by tracking number
	byRef   map[string]*parcel
	order   []*parcel
	visits  map[string]courier.VisitBooking
	sheets  map[string]courier.Sheet
	faults  map[string]int
}

type parcel struct {
	tracking, reference string
	courier.Parcel
	booked    time.Time
	taken     time.Time // handed over; zero = not yet
	cancelled time.Time
	fate      courier.Status
	advice    []courier.Advice
	advised   time.Time
}

// New is a courier whose riders come one hour after booking and whose parcels are all delivered, four hours after that. The clock is the caller's.
func New(now func() time.Time) *Depot {
	return &Depot{
		now: now, pace: time.Hour, mix: []courier.Status{courier.Delivered}, fates: map[string]courier.Status{}, parcels: map[string]*parcel{}, byRef: map[string]*parcel{},
		visits: map[string]courier.VisitBooking{}, sheets: map[string]courier.Sheet{}, faults: map[string]int{},
	}
}

// Pace sets how long one step of a parcel's way takes.
func (d *Depot) Pace(step time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pace = step
}

// WaitForHandOver makes riders take only what HandOver gave them; before, they come one step after booking.
func (d *Depot) WaitForHandOver() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waits = true
}

// Mix is what becomes of parcels that Fate says nothing about, dealt by their number: Delivered, Attempted (delivered the second time), Returned (refused twice), Lost, PickupFailed (picked up the
// second time). Mix(Delivered, Delivered, Returned) sends about a third back.
func (d *Depot) Mix(fates ...courier.Status) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mix = slices.Clone(fates)
}

// Fate decides what becomes of the parcel booked under a reference, now or later. See Mix for the words.
func (d *Depot) Fate(reference string, fate courier.Status) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fates[reference] = fate
	if p := d.byRef[reference]; p != nil {
		p.fate = fate
	}
}

// HandOver gives parcels to the rider, now. Those handed over already, or not known, stay as they are.
func (d *Depot) HandOver(tracking ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range tracking {
		if p := d.parcels[n]; p != nil && p.taken.IsZero() && p.cancelled.IsZero() {
			p.taken = d.now()
		}
	}
}

// Len is how many parcels were booked.
func (d *Depot) Len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.order)
}

// Fault makes the next times (-1: all) calls of a capability go wrong. call is one of book, track, find, quote, label, pickup, manifest, cancel, advise, cases, remit, cities; "" is any.
// Zero times ends it.
func (d *Depot) Fault(name, call string, times int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults[name+"/"+call] = times
}

func (d *Depot) strikes(name, call string) bool {
	for _, key := range []string{name + "/", name + "/" + call} {
		if d.faults[key] != 0 {
			d.faults[key]--
			return true
		}
	}
	return false
}

func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return h.Sum64()
}

// number makes a waybill number of twelve characters out of a reference; the last digit is a check digit.
func (d *Depot) number(reference string) string {
	for n := hash(reference); ; n++ {
		body := fmt.Sprintf("DX%09d", n%1_000_000_000)
		tracking := fmt.Sprintf("%s%d", body, check(body))
		if d.parcels[tracking] == nil {
			return tracking
		}
	}
}

// check weighs the digits 8 6 4 2 3 5 9 7, as the postal union's numbers do.
func check(body string) int {
	sum := 0
	weights := []int{8, 6, 4, 2, 3, 5, 9, 7, 8}
	for i, c := range body[2:] {
		sum += int(c-'0') * weights[i]
	}
	return sum % 11 % 10
}

// Kind is the depot as a courier type. It needs no settings; collects cash in rupees, dirhams and euros, rupees whole.
func Kind(d *Depot) courier.Kind {
	return courier.Kind{
		Name: "demo", Title: "Demo courier", Zone: "Asia/Karachi",
		Settings: []partner.Setting{
			{Name: settingSecret, Title: "Webhook secret", Help: "What the demo courier signs its webhooks with.", Secret: true},
		},
		Statuses: statuses,
		Cash: []courier.CashRule{
			{Currency: "PKR", Step: 100, Max: money.Of(20_000_000, "PKR")}, {Currency: "AED", Step: 25}, {Currency: "EUR", Step: 1},
		},
		TrackMax: 50,
		Open: func(c partner.Config) (courier.Courier, error) {
			if c.Now == nil {
				c.Now = d.now
			}
			return &desk{c, d}, nil
		},
	}
}

// statuses are the demo courier's codes.
var statuses = []courier.StatusRow{
	row("BK", courier.Booked), row("PF", courier.PickupFailed), row("PU", courier.PickedUp), row("AR", courier.InTransit), row("DP", courier.InTransit),
	row("OD", courier.OutForDelivery), row("UD", courier.Attempted), row("AI", courier.AwaitingInstruction), row("DL", courier.Delivered), row("RI", courier.ReturnInitiated),
	row("RT", courier.ReturnInTransit), row("RS", courier.Returned), row("LO", courier.Lost), row("CN", courier.Cancelled),
}

func row(theirs string, ours courier.Status) courier.StatusRow {
	return courier.StatusRow{Theirs: theirs, Ours: ours, Source: "package courier/demo"}
}

func status(code string) courier.Status {
	for _, r := range statuses {
		if r.Theirs == code {
			return r.Ours
		}
	}
	return courier.Unknown
}

var errUnknown = fault.New(fault.NotFound, "the demo courier knows no such parcel").WithCode("unknown_parcel")
