package demo

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// desk is the depot seen by one account.
type desk struct {
	partner.Config
	depot *Depot
}

func (k *desk) call(ctx context.Context, name string, do func(d *Depot) error) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the call was cancelled")
	}
	d := k.depot
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.strikes(Throttle, name):
		return fault.Wait(2*time.Second, "the demo courier was asked too often").WithCode("throttled")
	case d.strikes(ServerError, name):
		return fault.New(fault.Unavailable, "the demo courier is down").WithCode("500")
	}
	lost := d.strikes(LostAnswer, name) || d.strikes(CutBody, name)
	if err := do(d); err != nil || !lost {
		return err
	}
	return fault.New(fault.Unavailable, "the demo courier's answer was lost").WithCode("lost_answer")
}

// Book implements courier.Courier. The reference is a key: booking it again answers with the same parcel.
func (k *desk) Book(ctx context.Context, reference string, p courier.Parcel) (courier.Booking, error) {
	var b courier.Booking
	err := k.call(ctx, "book", func(d *Depot) error {
		if known := d.byRef[reference]; known != nil {
			b = k.booking(known)
			return nil
		}
		if err := k.check(reference, p); err != nil {
			return err
		}
		one := &parcel{tracking: d.number(reference), reference: reference, Parcel: p, booked: d.now()}
		if p.Waybill != nil && d.parcels[p.Waybill.Tracking] == nil {
			one.tracking = p.Waybill.Tracking
		}
		one.fate = d.fates[reference]
		if one.fate == "" {
			one.fate = d.mix[hash("fate "+reference)%uint64(len(d.mix))]
		}
		d.parcels[one.tracking], d.byRef[reference] = one, one
		d.order = append(d.order, one)
		b = k.booking(one)
		return nil
	})
	return b, err
}

func (k *desk) check(reference string, p courier.Parcel) error {
	switch {
	case reference == "":
		return fault.Field("reference", "is missing")
	case p.To.City == "" && p.To.CityCode == "":
		return fault.Field("to.city", "is missing")
	case strings.EqualFold(p.To.City, "Atlantis"):
		return fault.Field("to.city", "is not served").WithCode("no_service")
	case p.Grams < 0 || p.Grams > 70_000:
		return fault.Field("grams", "%d is out of what a rider carries", p.Grams)
	}
	return Kind(k.depot).CheckCash(p.Cash)
}

func (k *desk) booking(p *parcel) courier.Booking {
	return courier.Booking{
		Waybill:   courier.Waybill{Carrier: "Demo courier", Tracking: p.tracking, URL: "https://track.example/" + p.tracking},
		Reference: p.reference, Service: "standard", Label: label([]*parcel{p}, courier.PDF), Cost: cost(p.Parcel), At: p.booked.UTC(),
	}
}

// FindBooking implements courier.Finder.
func (k *desk) FindBooking(ctx context.Context, reference string) (courier.Booking, error) {
	var b courier.Booking
	err := k.call(ctx, "find", func(d *Depot) error {
		p := d.byRef[reference]
		if p == nil {
			return errUnknown
		}
		b = k.booking(p)
		return nil
	})
	return b, err
}

// Track implements courier.Courier.
func (k *desk) Track(ctx context.Context, tracking []string) ([]courier.Trace, error) {
	var out []courier.Trace
	err := k.call(ctx, "track", func(d *Depot) error {
		if len(tracking) > 50 {
			return fault.Field("tracking", "%d numbers at once, and 50 are allowed", len(tracking))
		}
		for _, n := range tracking {
			t := courier.Trace{Tracking: n}
			if p := d.parcels[n]; p != nil {
				t.Scans = d.told(d.scans(p, d.now()))
			} else {
				t.Err = errUnknown
			}
			out = append(out, t)
		}
		return nil
	})
	return out, err
}

// cost is 200.00 and 50.00 for each further kilogram begun, in the currency of what the parcel carries.
func cost(p courier.Parcel) money.Amount {
	currency := p.Cash.Currency
	if currency == "" {
		currency = p.Value.Currency
	}
	if currency == "" {
		currency = "PKR"
	}
	return money.Of(20000+5000*max(0, (p.Grams-1)/1000), currency)
}

// Quote implements courier.Quoter.
func (k *desk) Quote(ctx context.Context, p courier.Parcel) ([]courier.Quote, error) {
	var out []courier.Quote
	err := k.call(ctx, "quote", func(d *Depot) error {
		if err := k.check("quote", p); err != nil {
			return err
		}
		c := cost(p)
		out = []courier.Quote{{
			Service: "standard", Title: "Standard", Total: c, Charges: []courier.Charge{{Kind: courier.Delivery, Title: "Delivery", Amount: c}},
			Earlier: d.now().Add(4 * d.pace), Later: d.now().Add(8 * d.pace),
		}}
		return nil
	})
	return out, err
}

// Labels implements courier.Labeller, as PDF or PNG.
func (k *desk) Labels(ctx context.Context, tracking []string, format courier.Format) (courier.Label, error) {
	var out courier.Label
	err := k.call(ctx, "label", func(d *Depot) error {
		var all []*parcel
		for _, n := range tracking {
			p := d.parcels[n]
			if p == nil {
				return errUnknown
			}
			all = append(all, p)
		}
		l := label(all, format)
		if l == nil || len(all) == 0 {
			return fault.Field("format", "%s is not made for %d parcels", format, len(all))
		}
		out = *l
		return nil
	})
	return out, err
}

// RequestPickup implements courier.Pickuper. The rider comes at the earliest moment asked for, and takes the parcels named.
func (k *desk) RequestPickup(ctx context.Context, reference string, v courier.Visit) (courier.VisitBooking, error) {
	var b courier.VisitBooking
	err := k.call(ctx, "pickup", func(d *Depot) error {
		var known bool
		if b, known = d.visits[reference]; known {
			return nil
		}
		at := v.Earliest
		if at.Before(d.now()) {
			at = d.now()
		}
		b = courier.VisitBooking{External: fmt.Sprint("V-", len(d.visits)+1), Earliest: at.UTC(), Latest: at.Add(2 * d.pace).UTC()}
		d.visits[reference] = b
		for _, n := range v.Tracking {
			if p := d.parcels[n]; p != nil && p.taken.IsZero() && p.cancelled.IsZero() {
				p.taken = at
			}
		}
		return nil
	})
	return b, err
}

// Manifest implements courier.Manifester.
func (k *desk) Manifest(ctx context.Context, reference string, tracking []string) (courier.Sheet, error) {
	var s courier.Sheet
	err := k.call(ctx, "manifest", func(d *Depot) error {
		var known bool
		if s, known = d.sheets[reference]; known {
			return nil
		}
		var all []*parcel
		for _, n := range tracking {
			switch p := d.parcels[n]; {
			case p == nil:
				s.Refused = append(s.Refused, courier.Refusal{Tracking: n, Err: errUnknown})
			case !p.cancelled.IsZero():
				s.Refused = append(s.Refused, courier.Refusal{Tracking: n, Err: fault.New(fault.Conflict, "the parcel was cancelled").WithCode("cancelled")})
			default:
				all = append(all, p)
			}
		}
		s.External = fmt.Sprint("LS-", len(d.sheets)+1)
		s.Document = sheet(s.External, all)
		d.sheets[reference] = s
		return nil
	})
	return s, err
}

// Cancel implements courier.Canceller.
func (k *desk) Cancel(ctx context.Context, tracking string) error {
	return k.call(ctx, "cancel", func(d *Depot) error {
		p := d.parcels[tracking]
		if p == nil {
			return errUnknown
		}
		if _, taken := d.handOver(p, d.now()); taken && p.cancelled.IsZero() {
			return fault.New(fault.Conflict, "the parcel has been handed over").WithCode("handed_over")
		}
		if p.cancelled.IsZero() {
			p.cancelled = d.now()
		}
		return nil
	})
}

// Advise implements courier.Adviser.
func (k *desk) Advise(ctx context.Context, a courier.Advice) error {
	return k.call(ctx, "advise", func(d *Depot) error {
		p := d.parcels[a.Tracking]
		if p == nil {
			return errUnknown
		}
		st := courier.Fold(a.Tracking, d.scans(p, d.now()))
		switch {
		case slices.ContainsFunc(p.advice, func(old courier.Advice) bool { return old.Reference == a.Reference && old.Action == a.Action }):
			return nil
		case courier.MeaningOf(st.Status).Terminal || !st.Carried:
			return fault.New(fault.Conflict, "the parcel is %s", st.Status).WithCode("wrong_state")
		case a.Action == courier.ChangeAddress && a.To == nil:
			return fault.Field("to", "is missing")
		}
		if a.To != nil {
			p.To = *a.To
		}
		p.advice, p.advised = append(p.advice, a), d.now()
		return nil
	})
}

// Cases implements courier.CaseReader: the parcels that wait for advice now. The cursor is the parcel's place in the book.
func (k *desk) Cases(ctx context.Context, since partner.Cursor) iter.Seq2[courier.Case, error] {
	return func(yield func(courier.Case, error) bool) {
		after, _ := strconv.Atoi(string(since))
		var all []courier.Case
		err := k.call(ctx, "cases", func(d *Depot) error {
			for i, p := range d.order {
				st := courier.Fold(p.tracking, d.scans(p, d.now()))
				if i < after || st.Status != courier.AwaitingInstruction {
					continue
				}
				all = append(all, courier.Case{
					Tracking: p.tracking, Raw: "AI", Reason: st.Reason, At: st.At, Answer: st.At.Add(d.pace),
					Actions: []courier.Action{courier.Reattempt, courier.ReturnIt, courier.ChangeAddress}, Cursor: partner.Cursor(strconv.Itoa(i)),
				})
			}
			return nil
		})
		for _, c := range all {
			if !yield(c, nil) {
				return
			}
		}
		if err != nil {
			yield(courier.Case{}, err)
		}
	}
}

// Remittances implements courier.Remitter: one statement a day of the cash collected on it, once the day is over.
func (k *desk) Remittances(ctx context.Context, since partner.Cursor) iter.Seq2[courier.Remittance, error] {
	return func(yield func(courier.Remittance, error) bool) {
		var all []courier.Remittance
		err := k.call(ctx, "remit", func(d *Depot) error {
			var err error
			all, err = d.statements(string(since))
			return err
		})
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
		if err != nil {
			yield(courier.Remittance{}, err)
		}
	}
}

func (d *Depot) statements(after string) ([]courier.Remittance, error) {
	byDay := map[string]*courier.Remittance{}
	today := d.now().UTC().Format(time.DateOnly)
	for _, p := range d.order {
		for _, s := range d.scans(p, d.now()) {
			day := s.At.Format(time.DateOnly)
			if s.Cash.IsNone() || day >= today || day <= after {
				continue
			}
			key := day + " " + s.Cash.Currency
			if byDay[key] == nil {
				byDay[key] = &courier.Remittance{External: "RM-" + key, PaidAt: s.At.Truncate(24 * time.Hour).Add(24 * time.Hour), Paid: money.Zero(s.Cash.Currency), Method: "bank", Cursor: partner.Cursor(day)}
			}
			r, fee := byDay[key], cost(p.Parcel).Neg()
			r.Lines = append(r.Lines, courier.RemittanceLine{Tracking: p.tracking, Reference: p.reference, Cash: true, Title: "Cash on delivery", Amount: s.Cash},
				courier.RemittanceLine{Tracking: p.tracking, Reference: p.reference, Kind: courier.Delivery, Title: "Delivery", Amount: fee})
			sum, err := money.Sum(r.Paid.Currency, r.Paid, s.Cash, fee)
			if err != nil {
				return nil, err
			}
			r.Paid = sum
		}
	}
	keys := make([]string, 0, len(byDay))
	for key := range byDay {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var out []courier.Remittance
	for i, key := range keys {
		// A day with two currencies is done only after its second statement.
		if i+1 < len(keys) && keys[i+1][:10] == key[:10] {
			byDay[key].Cursor = partner.Cursor(after)
		}
		out = append(out, *byDay[key])
	}
	return out, nil
}

// Cities implements courier.CityReader: it goes wherever it is sent, but not to Atlantis.
func (k *desk) Cities(ctx context.Context) iter.Seq2[courier.City, error] {
	return func(yield func(courier.City, error) bool) {
		if err := k.call(ctx, "cities", func(*Depot) error { return nil }); err != nil {
			yield(courier.City{}, err)
			return
		}
		for _, c := range []courier.City{
			{Code: "KHI", Name: "Karachi", Country: "PK", Pickup: true, Delivery: true},
			{Code: "LHE", Name: "Lahore", Country: "PK", Pickup: true, Delivery: true},
			{Code: "DXB", Name: "Dubai", Country: "AE", Pickup: true, Delivery: true},
			{Code: "BER", Name: "Berlin", Country: "DE", Delivery: true},
		} {
			if !yield(c, nil) {
				return
			}
		}
	}
}
