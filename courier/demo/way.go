package demo

import (
	"time"

	"github.com/openclaw-pos/commerce/courier"
)

// step is one scan of a plan: so many paces after the hand-over.
type step struct {
	at       int
	code     string
	text     string
	place    string
	reason   courier.Reason
	collects bool
}

var (
	start   = []step{{0, "PU", "Picked up", "Origin", "", false}, {1, "AR", "Arrived at origin facility", "Origin hub", "", false}, {2, "DP", "Dispatched", "Origin hub", "", false}}
	arrival = []step{{3, "AR", "Arrived at destination facility", "Destination hub", "", false}, {4, "OD", "Out for delivery", "Destination", "", false}}
	refusal = []step{
		{5, "UD", "Not delivered", "Destination", courier.RefusedByBuyer, false},
		{6, "OD", "Out for delivery", "Destination", "", false},
		{7, "UD", "Not delivered", "Destination", courier.RefusedByBuyer, false},
		{8, "AI", "Waiting for advice", "Destination hub", courier.RefusedByBuyer, false},
	}
	homeward = []step{
		{9, "RI", "Return initiated", "Destination hub", courier.RefusedByBuyer, false}, {10, "RT", "On its way back", "Destination hub", "", false}, {12, "RS", "Returned to sender", "Origin", "", false},
	}
)

// plans say how each fate comes about, counted from the hand-over.
var plans = map[courier.Status][]step{
	courier.Delivered: join(start, arrival, []step{{5, "DL", "Delivered", "Destination", "", true}}),
	courier.Attempted: join(start, arrival, []step{
		{5, "UD", "Not delivered", "Destination", courier.NotAvailable, false}, {6, "OD", "Out for delivery", "Destination", "", false}, {7, "DL", "Delivered", "Destination", "", true},
	}),
	courier.Returned:     join(start, arrival, refusal, homeward),
	courier.Lost:         join(start, []step{{8, "LO", "Cannot be found", "Origin hub", "", false}}),
	courier.PickupFailed: join([]step{{0, "PF", "Not ready for pickup", "Origin", courier.NotReady, false}}, shift(join(start, arrival, []step{{5, "DL", "Delivered", "Destination", "", true}}), 1)),
}

func join(parts ...[]step) []step {
	var all []step
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func shift(steps []step, by int) []step {
	out := make([]step, len(steps))
	for i, s := range steps {
		s.at += by
		out[i] = s
	}
	return out
}

// handOver is when the rider took the parcel; false when it has not happened by now.
func (d *Depot) handOver(p *parcel, now time.Time) (time.Time, bool) {
	at := p.taken
	if at.IsZero() && !d.waits {
		at = p.booked.Add(d.pace)
	}
	return at, !at.IsZero() && !at.After(now)
}

// scans are the facts about a parcel up to now, oldest first.
func (d *Depot) scans(p *parcel, now time.Time) []courier.Scan {
	out := []courier.Scan{scan(step{code: "BK", text: "Booked", place: "Online"}, p.booked)}
	if !p.cancelled.IsZero() {
		return append(out, scan(step{code: "CN", text: "Cancelled by sender", place: "Online"}, p.cancelled))
	}
	from, taken := d.handOver(p, now)
	if !taken {
		return out
	}
	for _, s := range d.plan(p) {
		at := from.Add(time.Duration(s.at) * d.pace)
		if at.After(now) {
			break
		}
		one := scan(s, at)
		if s.collects {
			one.Cash = p.Cash
		}
		out = append(out, one)
	}
	return out
}

// plan is the way that a parcel goes, with the sender's advice in place of what the courier would have done from there on.
func (d *Depot) plan(p *parcel) []step {
	steps := plans[p.fate]
	if len(p.advice) == 0 {
		return steps
	}
	from, _ := d.handOver(p, d.now())
	done := 0
	for done < len(steps) && !from.Add(time.Duration(steps[done].at)*d.pace).After(p.advised) {
		done++
	}
	last := 0
	if done > 0 {
		last = steps[done-1].at
	}
	switch p.advice[len(p.advice)-1].Action {
	case courier.ReturnIt:
		return join(steps[:done], shift(homeward, last+1-homeward[0].at))
	case courier.Reattempt, courier.ChangeAddress:
		return join(steps[:done], []step{{last + 1, "OD", "Out for delivery", "Destination", "", false}, {last + 2, "DL", "Delivered", "Destination", "", true}})
	}
	return steps[:done]
}

func scan(s step, at time.Time) courier.Scan {
	return courier.Scan{Status: status(s.code), Raw: s.code, Text: s.text, Reason: s.reason, At: at.UTC(), RawAt: at.UTC().Format(time.RFC3339), Location: s.place}
}

// told is how the scans are reported under the faults that are on.
func (d *Depot) told(scans []courier.Scan) []courier.Scan {
	if d.strikes(Strange, "track") {
		last := scans[len(scans)-1]
		last.Raw, last.Text, last.Status = "ZZ", "Teleported", status("ZZ")
		scans = append(scans, last)
	}
	if d.strikes(Duplicate, "track") {
		scans = append(scans, scans...)
	}
	if d.strikes(Reorder, "track") {
		for i, j := 0, len(scans)-1; i < j; i, j = i+1, j-1 {
			scans[i], scans[j] = scans[j], scans[i]
		}
	}
	return scans
}
