package couriertest

import (
	"bytes"
	"context"
	"image/png"
	"testing"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

func (e *env) bookCases(tb testing.TB) []conform.Case {
	tb.Helper()
	find := unless(e.can.Find, "no Finder")
	step := "the courier collects any amount"
	for _, r := range e.Kind.Cash {
		if r.Currency != "" {
			step = ""
		}
	}
	all := []conform.Case{
		{Name: "a_booking_names_its_waybill", Run: e.booked},
		{Name: "booked_twice_is_one_parcel", Run: e.bookedTwice},
		{Name: "two_references_are_two_parcels", Run: e.twoReferences},
		{Name: "a_parcel_without_a_reference_is_invalid", Run: e.noReference},
		applies("a_lost_answer_is_found_by_reference", e.lostAnswer, find, e.noFault(LostAnswer)),
		applies("what_was_never_booked_is_not_found", e.neverBooked, find),
		applies("cash_is_refused_rather_than_rounded", e.cash, step),
		applies("a_label_is_a_real_document", e.label, unless(e.can.Label || e.labelled(tb), "no labels")),
	}
	for _, f := range []string{Throttle, ServerError, HTML, CutBody} {
		all = append(all, applies(f+"_is_classified", func(tb testing.TB) { e.fault(tb, f) }, e.noFault(f)))
	}
	return append(all, conform.Case{Name: "a_cancelled_context_returns_at_once", Run: e.cancelledContext})
}

// labelled reports whether bookings come with a label.
func (e *env) labelled(tb testing.TB) bool {
	tb.Helper()
	l := e.live(tb)
	b, err := l.Book(tb.Context(), "labelled", l.Parcel(1))
	return err == nil && b.Label != nil
}

func (e *env) book(tb testing.TB, l *live, reference string, n int) courier.Booking {
	tb.Helper()
	b, err := l.Book(tb.Context(), reference, l.Parcel(n))
	if e.hear(err) != nil {
		tb.Fatalf("book %s: %v", reference, err)
	}
	return b
}

func (e *env) booked(tb testing.TB) {
	l := e.live(tb)
	b := e.book(tb, l, "ref-1", 1)
	if b.Tracking == "" || b.Carrier == "" || b.Reference != "ref-1" {
		tb.Errorf("the booking is %+v", b.Waybill)
	}
	if b.At.IsZero() || !b.At.Equal(b.At.UTC()) || b.At.Location().String() != "UTC" {
		tb.Errorf("booked at %s, and should be a moment in UTC", b.At)
	}
	if err := b.Cost.Check(); err != nil {
		tb.Errorf("cost: %v", err)
	}
}

func (e *env) bookedTwice(tb testing.TB) {
	l := e.live(tb)
	first := e.book(tb, l, "ref-1", 1)
	second := e.book(tb, l, "ref-1", 1)
	if first.Tracking != second.Tracking || l.Parcels(tb) != 1 {
		tb.Errorf("one reference has numbers %s and %s, and the courier %d parcels", first.Tracking, second.Tracking, l.Parcels(tb))
	}
}

func (e *env) twoReferences(tb testing.TB) {
	l := e.live(tb)
	first := e.book(tb, l, "ref-1", 1)
	second := e.book(tb, l, "ref-2", 2)
	if first.Tracking == second.Tracking || l.Parcels(tb) != 2 {
		tb.Errorf("two references have numbers %s and %s, and the courier %d parcels", first.Tracking, second.Tracking, l.Parcels(tb))
	}
}

func (e *env) noReference(tb testing.TB) {
	l := e.live(tb)
	if _, err := l.Book(tb.Context(), "", l.Parcel(1)); !fault.Is(e.hear(err), fault.Invalid) {
		tb.Errorf("no reference gives %v, and should be Invalid", err)
	}
}

func (e *env) lostAnswer(tb testing.TB) {
	l := e.live(tb)
	l.Fault(tb, LostAnswer, "book", 1)
	b, err := l.Book(tb.Context(), "ref-1", l.Parcel(1))
	if !fault.Is(e.hear(err), fault.Unavailable) && !fault.Is(err, fault.OutcomeUnknown) {
		tb.Fatalf("its answer was lost, and Book says %v, %+v", err, b)
	}
	found, err := l.Courier.(courier.Finder).FindBooking(tb.Context(), "ref-1")
	if e.hear(err) != nil || found.Tracking == "" {
		tb.Fatalf("the parcel was booked, and searching says %v", err)
	}
	if n := l.Parcels(tb); n != 1 {
		tb.Errorf("the courier holds %d parcels, and should hold one", n)
	}
}

func (e *env) neverBooked(tb testing.TB) {
	l := e.live(tb)
	e.book(tb, l, "ref-1", 1)
	if b, err := l.Courier.(courier.Finder).FindBooking(tb.Context(), "ref-2"); !fault.Is(e.hear(err), fault.NotFound) {
		tb.Errorf("never booked, and searching says %v, %+v", err, b.Waybill)
	}
}

func (e *env) cash(tb testing.TB) {
	l := e.live(tb)
	for _, r := range e.Kind.Cash {
		bad := []money.Amount{}
		if r.Step > 1 {
			bad = append(bad, money.Of(100*r.Step+1, r.Currency))
		}
		if !r.Max.IsNone() {
			bad = append(bad, money.Of(r.Max.Minor+max(1, r.Step), r.Currency))
		}
		bad = append(bad, money.Of(1000, "BIF"))
		for _, amount := range bad {
			p := l.Parcel(1)
			p.Cash = amount
			if _, err := l.Book(tb.Context(), "cash-"+amount.String(), p); !fault.Is(e.hear(err), fault.Refused) {
				tb.Errorf("%s to collect gives %v, and should be Refused", amount, err)
			}
		}
		p := l.Parcel(1)
		p.Cash = money.Of(100*max(1, r.Step), r.Currency)
		if _, err := l.Book(tb.Context(), "good-"+r.Currency, p); e.hear(err) != nil {
			tb.Errorf("%s to collect: %v", p.Cash, err)
		}
	}
	if n := l.Parcels(tb); n != len(e.Kind.Cash) {
		tb.Errorf("the courier holds %d parcels, and should hold those %d whose cash is good", n, len(e.Kind.Cash))
	}
}

func (e *env) label(tb testing.TB) {
	l := e.live(tb)
	b := e.book(tb, l, "ref-1", 1)
	var labels []courier.Label
	if b.Label != nil {
		labels = append(labels, *b.Label)
	}
	if f, ok := l.Courier.(courier.Labeller); ok {
		got, err := f.Labels(tb.Context(), []string{b.Tracking}, courier.PDF)
		if e.hear(err) != nil {
			tb.Fatalf("labels: %v", err)
		}
		labels = append(labels, got)
		if _, err := f.Labels(tb.Context(), []string{"000000000000"}, courier.PDF); err == nil {
			tb.Error("a number that was never given has a label")
		}
	}
	for _, got := range labels {
		if why := NoDocument(got.Format, got.Body); why != "" {
			tb.Error(why)
		}
		if len(got.Tracking) == 0 {
			tb.Error("the label does not say which parcel it is for")
		}
	}
}

// NoDocument says why a body is not a document of the format, "" when it is one: couriers answer errors under the content type of a PDF.
func NoDocument(format courier.Format, body []byte) string {
	ok := false
	switch format {
	case courier.PDF:
		ok = bytes.HasPrefix(body, []byte("%PDF-")) && bytes.Contains(body[max(0, len(body)-1024):], []byte("%%EOF"))
	case courier.PNG:
		_, err := png.Decode(bytes.NewReader(body))
		ok = err == nil
	case courier.ZPL:
		ok = bytes.Contains(body, []byte("^XA")) && bytes.Contains(body, []byte("^XZ"))
	case courier.HTML:
		ok = bytes.Contains(bytes.ToLower(body[:min(len(body), 1024)]), []byte("<html")) || bytes.HasPrefix(bytes.ToLower(body), []byte("<!doctype html"))
	}
	if ok {
		return ""
	}
	return "no document of format " + string(format) + ": " + string(body[:min(len(body), 40)])
}

func (e *env) fault(tb testing.TB, f string) {
	l := e.live(tb)
	b := e.book(tb, l, "ref-1", 1)
	want := fault.Unavailable
	if f == Throttle {
		want = fault.Throttled
	}
	l.Fault(tb, f, "", -1)
	_, err := l.Track(tb.Context(), []string{b.Tracking})
	if !fault.Is(e.hear(err), want) || f == Throttle && fault.After(err) <= 0 {
		tb.Errorf("tracking: %v, wait %s, and should be %s", err, fault.After(err), want)
	}
	if _, err := l.Book(tb.Context(), "ref-2", l.Parcel(2)); !fault.Is(e.hear(err), want) && !fault.Is(err, fault.OutcomeUnknown) {
		tb.Errorf("booking: %v, and should be %s", err, want)
	}
}

func (e *env) cancelledContext(tb testing.TB) {
	l := e.live(tb)
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	if _, err := l.Book(ctx, "ref-1", l.Parcel(1)); !fault.Is(e.hear(err), fault.Unavailable) {
		tb.Errorf("booking with a cancelled context: %v, and should be Unavailable", err)
	}
	if _, err := l.Track(ctx, []string{"1"}); !fault.Is(e.hear(err), fault.Unavailable) {
		tb.Errorf("tracking with a cancelled context: %v, and should be Unavailable", err)
	}
	if n := l.Parcels(tb); n != 0 {
		tb.Errorf("a cancelled call booked %d parcels", n)
	}
}
