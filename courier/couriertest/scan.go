package couriertest

import (
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// ends says where each fate leads.
var ends = map[courier.Status]courier.Status{
	courier.Delivered: courier.Delivered, courier.Attempted: courier.Delivered, courier.Returned: courier.Returned, courier.Lost: courier.Lost,
}

func (e *env) tracks() string {
	return unless(len(e.Fates) > 0, "the courier does not track")
}

func (e *env) scanCases() []conform.Case {
	var all []conform.Case
	for _, fate := range e.Fates {
		all = append(all, conform.Case{Name: "scans_lead_to/" + string(fate), Run: func(tb testing.TB) { e.walk(tb, fate) }})
	}
	return append(all,
		applies("an_unknown_number_spoils_no_other", e.unknownNumber, e.tracks()),
		applies("scans_told_twice_stand_for_the_same", func(tb testing.TB) { e.toldBadly(tb, Duplicate) }, e.tracks(), e.noFault(Duplicate)),
		applies("scans_told_out_of_order_stand_for_the_same", func(tb testing.TB) { e.toldBadly(tb, Reorder) }, e.tracks(), e.noFault(Reorder)),
		applies("an_unknown_word_is_unknown", e.strange, e.tracks(), e.noFault(Strange)),
	)
}

func (e *env) track(tb testing.TB, l *live, tracking string) []courier.Scan {
	tb.Helper()
	all, err := l.Track(tb.Context(), []string{tracking})
	if e.hear(err) != nil || len(all) != 1 || e.hear(all[0].Err) != nil || all[0].Tracking != tracking {
		tb.Fatalf("track %s: %v, %+v", tracking, err, all)
	}
	for _, s := range all[0].Scans {
		switch {
		case courier.MeaningOf(s.Status).Status != s.Status:
			tb.Errorf("scan %q is %q, which is none of our words", s.Raw, s.Status)
		case s.Raw == "" && s.Text == "":
			tb.Errorf("scan %s lost what the courier said", s.Status)
		case s.At.IsZero() || s.At.Location() != time.UTC:
			tb.Errorf("scan %q is at %s, and should be a moment in UTC", s.Raw, s.At)
		}
	}
	return all[0].Scans
}

// walk follows a parcel to its end: facts are only added, a terminal status stays.
func (e *env) walk(tb testing.TB, fate courier.Status) {
	l := e.live(tb)
	l.Fate(tb, "ref-1", fate)
	b := e.book(tb, l, "ref-1", 1)
	l.HandOver(tb, b.Tracking)
	known := map[string]bool{}
	var before courier.Standing
	for range 60 {
		scans := e.track(tb, l, b.Tracking)
		now := map[string]bool{}
		for _, s := range scans {
			now[s.Key(b.Tracking)] = true
		}
		for key := range known {
			if !now[key] {
				tb.Errorf("fact %s is no longer told", key)
			}
		}
		known = now
		st := courier.Fold(b.Tracking, scans)
		if courier.MeaningOf(before.Status).Terminal && st.Status != before.Status {
			tb.Errorf("after %s it became %s", before.Status, st.Status)
		}
		before = st
		l.Pass(tb, 6*time.Hour)
	}
	if before.Status != ends[fate] || !before.Carried {
		tb.Errorf("in the end it is %+v, and should be %s", before, ends[fate])
	}
	if fate == courier.Attempted && before.Attempts == 0 {
		tb.Error("a failed attempt is not counted")
	}
}

func (e *env) unknownNumber(tb testing.TB) {
	l := e.live(tb)
	b := e.book(tb, l, "ref-1", 1)
	all, err := l.Track(tb.Context(), []string{"000000000000", b.Tracking})
	if e.hear(err) != nil || len(all) != 2 {
		tb.Fatalf("one of two numbers is unknown: %v, %d traces", err, len(all))
	}
	if !fault.Is(e.hear(all[0].Err), fault.NotFound) || all[1].Err != nil || len(all[1].Scans) == 0 {
		tb.Errorf("one of two numbers is unknown: %+v", all)
	}
}

func (e *env) toldBadly(tb testing.TB, f string) {
	l := e.live(tb)
	l.Fate(tb, "ref-1", courier.Delivered)
	b := e.book(tb, l, "ref-1", 1)
	l.HandOver(tb, b.Tracking)
	l.Pass(tb, 30*24*time.Hour)
	good := courier.Fold(b.Tracking, e.track(tb, l, b.Tracking))
	l.Fault(tb, f, "track", -1)
	bad := courier.Fold(b.Tracking, e.track(tb, l, b.Tracking))
	if good != bad {
		tb.Errorf("told well %+v, told badly %+v", good, bad)
	}
}

func (e *env) strange(tb testing.TB) {
	l := e.live(tb)
	l.Fate(tb, "ref-1", courier.Delivered)
	b := e.book(tb, l, "ref-1", 1)
	l.HandOver(tb, b.Tracking)
	l.Pass(tb, 30*24*time.Hour)
	good := courier.Fold(b.Tracking, e.track(tb, l, b.Tracking))
	l.Fault(tb, Strange, "track", -1)
	scans := e.track(tb, l, b.Tracking)
	found := false
	for _, s := range scans {
		found = found || s.Status == courier.Unknown && s.Raw != ""
	}
	if !found {
		tb.Error("a word that nobody knows is not shown as unknown with what the courier said")
	}
	if bad := courier.Fold(b.Tracking, scans); bad.Status != good.Status {
		tb.Errorf("a word that nobody knows moved the parcel from %s to %s", good.Status, bad.Status)
	}
}
