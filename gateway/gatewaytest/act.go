package gatewaytest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// less is an amount that is a part of another.
func less(a money.Amount, minor int64) money.Amount { return money.Of(a.Minor-minor, a.Currency) }

func (e *env) holds(tb testing.TB, l *live, external string, captured, refunded money.Amount) {
	tb.Helper()
	p := l.Held(tb, external)
	if p.Captured.Minor != captured.Minor || p.Refunded.Minor != refunded.Minor {
		tb.Errorf("the provider holds %s captured and %s refunded, and should hold %s and %s", p.Captured, p.Refunded, captured, refunded)
	}
}

// captured is a payment captured in full.
func (e *env) captured(tb testing.TB) (*live, gateway.Payment) {
	tb.Helper()
	l := e.live(tb)
	p := e.authorize(tb, l, gateway.Authorized, "ref-1")
	p, err := l.Capture(tb.Context(), gateway.Act{Reference: "cap-1", Payment: p.External, Amount: p.Amount})
	if e.hear(err) != nil || p.State != gateway.Captured || p.Captured != p.Amount {
		tb.Fatalf("capture: %v, %+v", err, p)
	}
	return l, p
}

func (e *env) capturedTwice(tb testing.TB) {
	l, p := e.captured(tb)
	again, err := l.Capture(tb.Context(), gateway.Act{Reference: "cap-1", Payment: p.External, Amount: p.Amount})
	if e.hear(err) != nil || again.Captured != p.Captured {
		tb.Errorf("the second time: %v, %+v", err, again)
	}
	e.holds(tb, l, p.External, p.Amount, money.Amount{})
}

func (e *env) capturedInParts(tb testing.TB) {
	l := e.live(tb)
	p := e.authorize(tb, l, gateway.Authorized, "ref-1")
	capture := func(ref string, a money.Amount) (gateway.Payment, error) {
		return l.Capture(tb.Context(), gateway.Act{Reference: ref, Payment: p.External, Amount: a})
	}
	part := less(p.Amount, 300)
	if got, err := capture("cap-1", part); e.hear(err) != nil || got.Captured != part {
		tb.Fatalf("a part: %v, %+v", err, got)
	}
	if _, err := capture("cap-2", money.Of(301, p.Amount.Currency)); !fault.Is(e.hear(err), fault.Refused) {
		tb.Errorf("more than is left: %v, and should be Refused", err)
	}
	if got, err := capture("cap-3", money.Amount{}); e.hear(err) != nil || got.Captured != p.Amount {
		tb.Errorf("all that is left: %v, %+v", err, got)
	}
	e.holds(tb, l, p.External, p.Amount, money.Amount{})
}

func (e *env) refundedTwice(tb testing.TB) {
	l, p := e.captured(tb)
	act := gateway.Act{Reference: "rf-1", Payment: p.External, Amount: less(p.Amount, 200)}
	first, err := l.Refund(tb.Context(), act)
	second, again := l.Refund(tb.Context(), act)
	if e.hear(err) != nil || e.hear(again) != nil || first.External == "" || first.Amount != act.Amount || first.Reference != "rf-1" {
		tb.Fatalf("refund: %v, %v, %+v", err, again, first)
	}
	if first.External != second.External {
		tb.Errorf("one reference has refunds %s and %s", first.External, second.External)
	}
	e.holds(tb, l, p.External, p.Amount, act.Amount)
}

func (e *env) refundedInParts(tb testing.TB) {
	l, p := e.captured(tb)
	refund := func(ref string, a money.Amount) error {
		_, err := l.Refund(tb.Context(), gateway.Act{Reference: ref, Payment: p.External, Amount: a})
		return e.hear(err)
	}
	for _, ref := range []string{"rf-1", "rf-2"} {
		if err := refund(ref, money.Of(100, p.Amount.Currency)); err != nil {
			tb.Errorf("a part: %v", err)
		}
	}
	if err := refund("rf-3", less(p.Amount, 199)); !fault.Is(err, fault.Refused) {
		tb.Errorf("more than is left: %v, and should be Refused", err)
	}
	if err := refund("rf-4", less(p.Amount, 200)); err != nil {
		tb.Errorf("all that is left: %v", err)
	}
	if err := refund("rf-5", money.Of(1, p.Amount.Currency)); err == nil {
		tb.Error("nothing is left, and a refund says it is done")
	}
	e.holds(tb, l, p.External, p.Amount, p.Amount)
}

func (e *env) refundEarly(tb testing.TB) {
	l := e.live(tb)
	p := e.authorize(tb, l, gateway.Authorized, "ref-1")
	if _, err := l.Refund(tb.Context(), gateway.Act{Reference: "rf-1", Payment: p.External, Amount: p.Amount}); !fault.Is(e.hear(err), fault.Conflict) {
		tb.Errorf("not captured, and refunding says %v; it should be Conflict", err)
	}
}

func (e *env) voided(tb testing.TB) {
	l := e.live(tb)
	p := e.authorize(tb, l, gateway.Authorized, "ref-1")
	for _, ref := range []string{"v-1", "v-1", "v-2"} {
		if got, err := l.Void(tb.Context(), gateway.Act{Reference: ref, Payment: p.External}); e.hear(err) != nil || got.State != gateway.Voided {
			tb.Errorf("void: %v, %s", err, got.State)
		}
	}
	if _, err := l.Capture(tb.Context(), gateway.Act{Reference: "cap-1", Payment: p.External}); !fault.Is(e.hear(err), fault.Conflict) {
		tb.Errorf("voided, and capturing says %v; it should be Conflict", err)
	}
	e.holds(tb, l, p.External, money.Amount{}, money.Amount{})
}

func (e *env) voidLate(tb testing.TB) {
	l, p := e.captured(tb)
	if _, err := l.Void(tb.Context(), gateway.Act{Reference: "v-1", Payment: p.External}); !fault.Is(e.hear(err), fault.Conflict) {
		tb.Errorf("captured, and voiding says %v; it should be Conflict", err)
	}
	e.holds(tb, l, p.External, p.Amount, money.Amount{})
}

// lostAct repeats an act whose answer was lost under the same reference.
func (e *env) lostAct(tb testing.TB, name string) {
	var l *live
	var p gateway.Payment
	if name == "refund" {
		l, p = e.captured(tb)
	} else {
		l = e.live(tb)
		p = e.authorize(tb, l, gateway.Authorized, "ref-1")
	}
	part := less(p.Amount, 100)
	act := func() error {
		a := gateway.Act{Reference: "act-1", Payment: p.External, Amount: part}
		var err error
		switch name {
		case "capture":
			_, err = l.Capture(tb.Context(), a)
		case "refund":
			_, err = l.Refund(tb.Context(), a)
		default:
			a.Amount = money.Amount{}
			_, err = l.Void(tb.Context(), a)
		}
		return e.hear(err)
	}
	l.Fault(tb, LostAnswer, name, 1)
	e.unknownOutcome(tb, act())
	if err := act(); err != nil {
		tb.Errorf("repeated under the same reference: %v", err)
	}
	switch name {
	case "capture":
		e.holds(tb, l, p.External, part, money.Amount{})
	case "refund":
		e.holds(tb, l, p.External, p.Amount, part)
	default:
		if got := l.Held(tb, p.External).State; got != gateway.Voided {
			tb.Errorf("in the end it is %s", got)
		}
	}
}

func (e *env) cashOnly(tb testing.TB) {
	l := e.live(tb)
	p := e.authorize(tb, l, gateway.Due, "ref-1")
	if _, err := l.Capture(tb.Context(), gateway.Act{Reference: "cap-1", Payment: p.External}); !fault.Is(e.hear(err), fault.Refused) || fault.CodeOf(err) == "" {
		tb.Errorf("capturing cash: %v, and should be Refused with a code", err)
	}
	if _, err := l.Refund(tb.Context(), gateway.Act{Reference: "rf-1", Payment: p.External}); !fault.Is(e.hear(err), fault.Refused) || fault.CodeOf(err) == "" {
		tb.Errorf("refunding cash: %v, and should be Refused with a code", err)
	}
	for range 2 {
		if got, err := l.Void(tb.Context(), gateway.Act{Reference: "v-1", Payment: p.External}); e.hear(err) != nil || got.State != gateway.Voided {
			tb.Errorf("letting go of cash: %v, %s", err, got.State)
		}
	}
}

func (e *env) ghost(tb testing.TB) {
	l := e.live(tb)
	if _, err := l.Void(tb.Context(), gateway.Act{Reference: "v-1", Payment: "no-such-payment"}); !fault.Is(e.hear(err), fault.NotFound) {
		tb.Errorf("voiding a payment nobody knows: %v, and should be NotFound", err)
	}
}

func (e *env) deliveryCases() []conform.Case {
	takes := unless(e.can.Webhook, "no Webhooker")
	signs := unless(e.Sign != nil, "the suite cannot sign")
	return []conform.Case{
		applies("a_delivery_says_what_a_read_says", e.delivered, takes),
		applies("a_forged_delivery_is_refused_before_it_is_parsed", e.forged, takes, signs),
		applies("a_stale_delivery_is_refused", e.stale, takes, signs, unless(e.Fresh > 0, "the provider signs no time")),
		applies("an_unknown_word_is_unknown", e.unknownWord, takes, signs, unless(len(e.Kind.Statuses) > 0, "the kind has no status words")),
	}
}

func (e *env) sent(tb testing.TB) (*live, gateway.Payment, gateway.Webhooker, []partner.Delivery) {
	tb.Helper()
	l, p := e.captured(tb)
	all := l.Deliveries(tb, p.External)
	if len(all) == 0 {
		tb.Fatal("the provider sent nothing about a payment that was captured")
	}
	return l, p, l.Gateway.(gateway.Webhooker), all
}

func (e *env) delivered(tb testing.TB) {
	l, p, w, sent := e.sent(tb)
	about := 0
	for _, d := range sent {
		if _, err := w.Verify(d); e.hear(err) != nil {
			tb.Fatalf("a genuine delivery is refused: %v", err)
		}
		hints, err := w.Hints(d)
		if e.hear(err) != nil {
			tb.Fatalf("a genuine delivery is not understood: %v", err)
		}
		for _, h := range hints {
			if h.External != p.External {
				continue
			}
			about++
			if h.Payment == nil {
				continue
			}
			if d := cmp.Diff(e.again(tb, l, p.External), *h.Payment); d != "" {
				tb.Errorf("read and delivery differ (-read +delivered):\n%s", d)
			}
		}
	}
	if about == 0 {
		tb.Error("no delivery hints at the payment")
	}
}

func (e *env) forged(tb testing.TB) {
	_, _, w, sent := e.sent(tb)
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
	_, _, w, sent := e.sent(tb)
	for _, d := range sent {
		d.At = d.At.Add(e.Fresh + time.Minute)
		if _, err := w.Verify(d); !fault.Is(e.hear(err), fault.Unauthorized) {
			tb.Errorf("arriving late: %v, and should be Unauthorized", err)
		}
	}
}

func (e *env) unknownWord(tb testing.TB) {
	_, _, w, sent := e.sent(tb)
	for _, d := range sent {
		body := string(d.Body)
		for _, r := range e.Kind.Statuses {
			body = replaceValue(body, r.Theirs, "zz_brand_new_word")
		}
		d.Body = []byte(body)
		hints, err := w.Hints(d)
		if e.hear(err) != nil {
			tb.Errorf("a word that nobody knows is an error: %v", err)
		}
		for _, h := range hints {
			if h.Payment != nil && (h.Payment.State != gateway.Unknown || h.Payment.Raw != "zz_brand_new_word") {
				tb.Errorf("a word that nobody knows is %s, raw %q", h.Payment.State, h.Payment.Raw)
			}
		}
	}
}
