package couriertest

import (
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

func (e *env) moreCases() []conform.Case {
	can := func(ok bool, what string) string { return unless(ok, "no "+what) }
	refuses := unless(slices.Contains(e.Fates, courier.Returned), "the bench brings no parcel back")
	delivers := unless(slices.Contains(e.Fates, courier.Delivered), "the bench delivers nothing")
	return []conform.Case{
		applies("cancelled_before_the_hand_over_is_cancelled_once", e.cancel, can(e.can.Cancel, "Canceller")),
		applies("after_the_hand_over_it_cannot_be_cancelled", e.cancelLate, can(e.can.Cancel, "Canceller"), e.tracks()),
		applies("a_quote_adds_up", e.quote, can(e.can.Quote, "Quoter")),
		applies("a_pickup_asked_twice_is_one_visit", e.pickup, can(e.can.Pickup, "Pickuper")),
		applies("a_sheet_holds_what_was_taken_and_refuses_the_rest", e.sheet, can(e.can.Manifest, "Manifester")),
		applies("advice_is_followed_once", e.advise, can(e.can.Advise, "Adviser"), refuses),
		applies("what_waits_for_advice_is_listed", e.cases, can(e.can.ReadCases, "CaseReader"), refuses),
		applies("a_statement_adds_up_and_none_is_missed", e.remit, can(e.can.Remit, "Remitter"), delivers),
		applies("cities_have_a_name_and_a_code", e.cities, can(e.can.ReadCities, "CityReader")),
	}
}

func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

func (e *env) cancel(tb testing.TB) {
	l := e.live(tb)
	b := e.book(tb, l, "ref-1", 1)
	c := l.Courier.(courier.Canceller)
	for range 2 {
		if err := c.Cancel(tb.Context(), b.Tracking); e.hear(err) != nil {
			tb.Errorf("cancel: %v", err)
		}
	}
	if err := c.Cancel(tb.Context(), "000000000000"); !fault.Is(e.hear(err), fault.NotFound) {
		tb.Errorf("a number that was never given: %v, and should be NotFound", err)
	}
	if e.tracks() != "" {
		return
	}
	l.Pass(tb, 48*time.Hour)
	if st := courier.Fold(b.Tracking, e.track(tb, l, b.Tracking)); st.Status != courier.Cancelled || st.Carried {
		tb.Errorf("after that it is %+v", st)
	}
}

func (e *env) cancelLate(tb testing.TB) {
	l := e.live(tb)
	b := e.book(tb, l, "ref-1", 1)
	l.HandOver(tb, b.Tracking)
	l.Pass(tb, time.Minute)
	if err := l.Courier.(courier.Canceller).Cancel(tb.Context(), b.Tracking); !fault.Is(e.hear(err), fault.Conflict) {
		tb.Errorf("handed over, and cancelling says %v; it should be Conflict", err)
	}
}

func (e *env) quote(tb testing.TB) {
	l := e.live(tb)
	all, err := l.Courier.(courier.Quoter).Quote(tb.Context(), l.Parcel(1))
	if e.hear(err) != nil || len(all) == 0 {
		tb.Fatalf("quote: %v, %d offers", err, len(all))
	}
	for _, q := range all {
		if q.Total.Sign() <= 0 || q.Service == "" || q.Later.Before(q.Earlier) {
			tb.Errorf("offer %+v", q)
		}
		var parts []money.Amount
		for _, c := range q.Charges {
			parts = append(parts, c.Amount)
		}
		if sum, err := money.Sum(q.Total.Currency, parts...); len(parts) > 0 && (err != nil || sum != q.Total) {
			tb.Errorf("%s costs %s, its parts %s, %v", q.Service, q.Total, sum, err)
		}
	}
	if n := l.Parcels(tb); n != 0 {
		tb.Errorf("asking for the price booked %d parcels", n)
	}
}

func (e *env) pickup(tb testing.TB) {
	l := e.live(tb)
	b := e.book(tb, l, "ref-1", 1)
	p := l.Courier.(courier.Pickuper)
	v := courier.Visit{From: l.Parcel(1).From, Tracking: []string{b.Tracking}, Pieces: 1}
	first, err := p.RequestPickup(tb.Context(), "visit-1", v)
	second, again := p.RequestPickup(tb.Context(), "visit-1", v)
	if e.hear(err) != nil || e.hear(again) != nil || first.External == "" {
		tb.Fatalf("pickup: %v, %v, %+v", err, again, first)
	}
	if d := cmp.Diff(first, second); d != "" {
		tb.Errorf("asked twice, the rider comes twice:\n%s", d)
	}
}

func (e *env) sheet(tb testing.TB) {
	l := e.live(tb)
	good := e.book(tb, l, "ref-1", 1)
	m := l.Courier.(courier.Manifester)
	first, err := m.Manifest(tb.Context(), "sheet-1", []string{good.Tracking, "000000000000"})
	if e.hear(err) != nil || first.External == "" {
		tb.Fatalf("sheet: %v", err)
	}
	if len(first.Refused) != 1 || first.Refused[0].Tracking != "000000000000" || e.hear(first.Refused[0].Err) == nil {
		tb.Errorf("one of two numbers was never given, refused are %+v", first.Refused)
	}
	if first.Document != nil {
		if why := NoDocument(first.Document.Format, first.Document.Body); why != "" {
			tb.Error(why)
		}
	}
	if second, err := m.Manifest(tb.Context(), "sheet-1", []string{good.Tracking}); e.hear(err) != nil || second.External != first.External {
		tb.Errorf("asked twice there are sheets %s and %s, %v", first.External, second.External, err)
	}
}

// waiting brings a parcel to where the courier waits for advice.
func (e *env) waiting(tb testing.TB) (*live, courier.Booking) {
	tb.Helper()
	l := e.live(tb)
	l.Fate(tb, "ref-1", courier.Returned)
	b := e.book(tb, l, "ref-1", 1)
	l.HandOver(tb, b.Tracking)
	for range 24 * 14 {
		if courier.Fold(b.Tracking, e.track(tb, l, b.Tracking)).Status == courier.AwaitingInstruction {
			return l, b
		}
		l.Pass(tb, time.Hour)
	}
	tb.Fatal("the courier never asked for advice")
	return nil, b
}

func (e *env) advise(tb testing.TB) {
	l, b := e.waiting(tb)
	a := l.Courier.(courier.Adviser)
	advice := courier.Advice{Tracking: b.Tracking, Reference: "advice-1", Action: courier.Reattempt}
	for range 2 {
		if err := a.Advise(tb.Context(), advice); e.hear(err) != nil {
			tb.Errorf("advise: %v", err)
		}
	}
	l.Pass(tb, 14*24*time.Hour)
	st := courier.Fold(b.Tracking, e.track(tb, l, b.Tracking))
	if st.Status != courier.Delivered {
		tb.Errorf("told to try again, it ends as %s", st.Status)
	}
	advice.Reference = "advice-2"
	if err := a.Advise(tb.Context(), advice); !fault.Is(e.hear(err), fault.Conflict) {
		tb.Errorf("delivered, and advice says %v; it should be Conflict", err)
	}
}

func (e *env) cases(tb testing.TB) {
	l, b := e.waiting(tb)
	all, err := collect(l.Courier.(courier.CaseReader).Cases(tb.Context(), ""))
	if e.hear(err) != nil || len(all) != 1 || all[0].Tracking != b.Tracking || len(all[0].Actions) == 0 {
		tb.Errorf("one parcel waits: %v, %+v", err, all)
	}
}

func (e *env) remit(tb testing.TB) {
	l := e.live(tb)
	cash := map[string]money.Amount{}
	for i, ref := range []string{"ref-1", "ref-2", "ref-3"} {
		l.Fate(tb, ref, courier.Delivered)
		b := e.book(tb, l, ref, i+1)
		cash[b.Tracking] = l.Parcel(i + 1).Cash
		l.HandOver(tb, b.Tracking)
		l.Pass(tb, 36*time.Hour)
	}
	l.Pass(tb, 30*24*time.Hour)
	r := l.Courier.(courier.Remitter)
	all, err := collect(r.Remittances(tb.Context(), ""))
	if e.hear(err) != nil || len(all) == 0 {
		tb.Fatalf("statements: %v, %d", err, len(all))
	}
	seen := map[string]bool{}
	for i, st := range all {
		e.statement(tb, st, cash)
		seen[st.External] = true
		rest, err := collect(r.Remittances(tb.Context(), st.Cursor))
		if e.hear(err) != nil {
			tb.Errorf("resuming: %v", err)
		}
		later := map[string]bool{}
		for _, s := range rest {
			later[s.External] = true
		}
		for _, s := range all[i+1:] {
			if !later[s.External] {
				tb.Errorf("resuming after %s misses %s", st.External, s.External)
			}
		}
	}
	for tracking, amount := range cash {
		if !amount.IsZero() {
			tb.Errorf("%s of parcel %s were collected and are in no statement", amount, tracking)
		}
	}
}

// statement checks one statement and takes what it pays off the cash that is due.
func (e *env) statement(tb testing.TB, st courier.Remittance, due map[string]money.Amount) {
	tb.Helper()
	var parts []money.Amount
	for _, line := range st.Lines {
		parts = append(parts, line.Amount)
		if line.Cash {
			left, err := due[line.Tracking].Sub(line.Amount)
			if err != nil || left.Sign() < 0 {
				tb.Errorf("statement %s pays %s for %s, of which %s are due", st.External, line.Amount, line.Tracking, due[line.Tracking])
			}
			due[line.Tracking] = left
		}
	}
	if sum, err := money.Sum(st.Paid.Currency, parts...); err != nil || sum != st.Paid {
		tb.Errorf("statement %s pays %s, its lines are %s, %v", st.External, st.Paid, sum, err)
	}
	if st.External == "" || st.Cursor == "" && len(st.Lines) == 0 {
		tb.Errorf("statement %+v", st)
	}
}

func (e *env) cities(tb testing.TB) {
	l := e.live(tb)
	all, err := collect(l.Courier.(courier.CityReader).Cities(tb.Context()))
	if e.hear(err) != nil || len(all) == 0 {
		tb.Fatalf("cities: %v, %d", err, len(all))
	}
	for _, c := range all {
		if c.Name == "" || !c.Pickup && !c.Delivery {
			tb.Errorf("city %+v", c)
		}
	}
}

func (e *env) deliveryCases() []conform.Case {
	takes := unless(e.can.Webhook, "no Webhooker")
	signs := unless(e.Sign != nil, "the suite cannot sign")
	return []conform.Case{
		applies("a_delivery_says_what_tracking_says", e.delivered, takes, e.tracks()),
		applies("a_forged_delivery_is_refused_before_it_is_parsed", e.forged, takes, signs),
		applies("a_stale_delivery_is_refused", e.stale, takes, signs, unless(e.Fresh > 0, "the courier signs no time")),
	}
}

func (e *env) sent(tb testing.TB) (*live, courier.Booking, []partner.Delivery) {
	tb.Helper()
	l := e.live(tb)
	l.Fate(tb, "ref-1", courier.Delivered)
	b := e.book(tb, l, "ref-1", 1)
	l.HandOver(tb, b.Tracking)
	l.Pass(tb, 30*24*time.Hour)
	all := l.Deliveries(tb, b.Tracking)
	if len(all) == 0 {
		tb.Fatal("the courier sent nothing about a parcel that was delivered")
	}
	return l, b, all
}

func (e *env) delivered(tb testing.TB) {
	l, b, sent := e.sent(tb)
	w := l.Courier.(courier.Webhooker)
	var pushed []courier.Scan
	for _, d := range sent {
		if _, err := w.Verify(d); e.hear(err) != nil {
			tb.Fatalf("a genuine delivery is refused: %v", err)
		}
		all, err := w.Hints(d)
		if e.hear(err) != nil || len(all) == 0 {
			tb.Fatalf("a genuine delivery says nothing: %v", err)
		}
		for _, t := range all {
			if t.Tracking == b.Tracking {
				pushed = append(pushed, t.Scans...)
			}
		}
	}
	if d := cmp.Diff(courier.Fold(b.Tracking, e.track(tb, l, b.Tracking)), courier.Fold(b.Tracking, pushed)); len(pushed) > 0 && d != "" {
		tb.Errorf("tracking and deliveries differ (-tracked +pushed):\n%s", d)
	}
}

func (e *env) forged(tb testing.TB) {
	l, _, sent := e.sent(tb)
	w := l.Courier.(courier.Webhooker)
	refused := func(d partner.Delivery, what string) {
		if _, err := w.Verify(d); !fault.Is(e.hear(err), fault.Unauthorized) {
			tb.Errorf("%s: %v, and should be Unauthorized", what, err)
		}
	}
	for _, d := range sent {
		for i := range d.Body {
			bad := d
			bad.Body = slices.Clone(d.Body)
			bad.Body[i] ^= 1
			refused(bad, "one flipped bit")
		}
		refused(partner.Delivery{Header: d.Header, Body: []byte("{"), At: d.At}, "another body")
		refused(partner.Delivery{Body: d.Body, At: d.At}, "no headers")
		other := d
		other.Header = d.Header.Clone()
		refused(e.Sign(other, "somebody-elses-secret"), "signed with another secret")
	}
}

func (e *env) stale(tb testing.TB) {
	l, _, sent := e.sent(tb)
	for _, d := range sent {
		d.At = d.At.Add(e.Fresh + time.Minute)
		if _, err := l.Courier.(courier.Webhooker).Verify(d); !fault.Is(e.hear(err), fault.Unauthorized) {
			tb.Errorf("arriving late: %v, and should be Unauthorized", err)
		}
	}
}
