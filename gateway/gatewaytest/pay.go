package gatewaytest

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// good is the state that a good request leads to.
func (e *env) good() gateway.State {
	if e.Kind.Cash {
		return gateway.Due
	}
	return gateway.Authorized
}

func (e *env) authorizeCases() []conform.Case {
	lost := e.noFault(LostAnswer)
	all := []conform.Case{
		{Name: "authorized_asks_for_exactly_the_amount", Run: e.authorized},
		{Name: "authorized_twice_is_one_payment", Run: e.authorizedTwice},
		applies("a_reference_is_not_used_for_another_amount", e.otherAmount, e.cash()),
		{Name: "nothing_to_pay_is_invalid", Run: e.nothing},
		applies("captured_at_once_is_captured", e.atOnce, e.cash()),
		applies("a_decline_is_an_answer", e.declined, e.noOutcome(gateway.Declined)),
		applies("the_buyer_goes_to_confirm_and_comes_back", func(tb testing.TB) { e.waits(tb, gateway.Action) }, e.noOutcome(gateway.Action)),
		applies("the_bank_takes_its_time", func(tb testing.TB) { e.waits(tb, gateway.Pending) }, e.noOutcome(gateway.Pending)),
		applies("what_was_never_asked_for_is_not_found", e.neverAsked, unless(e.can.Find, "no Finder")),
		applies("an_authorization_with_a_lost_answer_is_one_payment", e.lostAuthorization, lost),
	}
	for _, f := range []string{Throttle, ServerError, HTML, CutBody} {
		all = append(all, applies(f+"_is_classified", func(tb testing.TB) { e.fault(tb, f) }, e.noFault(f)))
	}
	return append(all, conform.Case{Name: "a_cancelled_context_returns_at_once", Run: e.cancelled})
}

func (e *env) actCases() []conform.Case {
	cash, lost := e.cash(), e.noFault(LostAnswer)
	return []conform.Case{
		applies("captured_twice_is_captured_once", e.capturedTwice, cash),
		applies("captured_in_parts_is_captured_in_full_and_no_more", e.capturedInParts, cash),
		applies("refunded_twice_is_refunded_once", e.refundedTwice, cash),
		applies("partial_refunds_stop_at_what_was_captured", e.refundedInParts, cash),
		applies("a_refund_before_the_capture_is_a_conflict", e.refundEarly, cash),
		applies("voided_lets_go_and_cannot_be_captured", e.voided, cash),
		applies("after_the_capture_it_cannot_be_voided", e.voidLate, cash),
		applies("a_capture_with_a_lost_answer_is_one_capture", func(tb testing.TB) { e.lostAct(tb, "capture") }, cash, lost),
		applies("a_refund_with_a_lost_answer_is_one_refund", func(tb testing.TB) { e.lostAct(tb, "refund") }, cash, lost),
		applies("a_void_with_a_lost_answer_is_one_void", func(tb testing.TB) { e.lostAct(tb, "void") }, cash, lost),
		applies("cash_is_neither_captured_nor_given_back_here", e.cashOnly, unless(e.Kind.Cash, "the provider takes the money itself")),
		{Name: "a_payment_nobody_knows_is_not_found", Run: e.ghost},
	}
}

func (e *env) authorize(tb testing.TB, l *live, outcome gateway.State, reference string) gateway.Payment {
	tb.Helper()
	r := l.Request(outcome)
	r.Reference = reference
	p, err := l.Authorize(tb.Context(), r)
	if e.hear(err) != nil {
		tb.Fatalf("authorize: %v", err)
	}
	if p.External == "" || p.Reference != reference || p.Amount != r.Amount || p.State != outcome {
		tb.Fatalf("asked for %s to be %s, the payment is %+v", r.Amount, outcome, p)
	}
	return p
}

func (e *env) authorized(tb testing.TB) {
	l := e.live(tb)
	p := e.authorize(tb, l, e.good(), "ref-1")
	if !p.Captured.IsZero() || !p.Refunded.IsZero() || p.Decline != nil || p.At.IsZero() {
		tb.Errorf("a new payment is %+v", p)
	}
	if e.Kind.Cash {
		return
	}
	if d := cmp.Diff(l.Held(tb, p.External), p); d != "" {
		tb.Errorf("the provider holds something else (-held +told):\n%s", d)
	}
}

func (e *env) authorizedTwice(tb testing.TB) {
	l := e.live(tb)
	first := e.authorize(tb, l, e.good(), "ref-1")
	second := e.authorize(tb, l, e.good(), "ref-1")
	if first.External != second.External || l.Payments(tb) > 1 {
		tb.Errorf("one reference has payments %s and %s, the provider holds %d", first.External, second.External, l.Payments(tb))
	}
	if third := e.authorize(tb, l, e.good(), "ref-2"); third.External == first.External {
		tb.Error("two references have one payment")
	}
}

func (e *env) otherAmount(tb testing.TB) {
	l := e.live(tb)
	e.authorize(tb, l, e.good(), "ref-1")
	r := l.Request(e.good())
	r.Reference = "ref-1"
	r.Amount.Minor += 100
	if _, err := l.Authorize(tb.Context(), r); !fault.Is(e.hear(err), fault.Conflict) {
		tb.Errorf("the same reference for another amount: %v, and should be Conflict", err)
	}
}

func (e *env) nothing(tb testing.TB) {
	l := e.live(tb)
	good := l.Request(e.good())
	for what, spoil := range map[string]func(r *gateway.Request){
		"no reference":      func(r *gateway.Request) { r.Reference = "" },
		"nothing":           func(r *gateway.Request) { r.Amount.Minor = 0 },
		"less than nothing": func(r *gateway.Request) { r.Amount = r.Amount.Neg() },
		"no amount":         func(r *gateway.Request) { r.Amount = money.Amount{} },
	} {
		r := good
		r.Reference = "ref-1"
		spoil(&r)
		if _, err := l.Authorize(tb.Context(), r); !fault.Is(e.hear(err), fault.Invalid) {
			tb.Errorf("%s to pay: %v, and should be Invalid", what, err)
		}
	}
	if n := l.Payments(tb); n != 0 {
		tb.Errorf("the provider holds %d payments of nothing", n)
	}
}

func (e *env) atOnce(tb testing.TB) {
	l := e.live(tb)
	r := l.Request(gateway.Authorized)
	r.Reference, r.Capture = "ref-1", true
	p, err := l.Authorize(tb.Context(), r)
	if e.hear(err) != nil || p.State != gateway.Captured || p.Captured != r.Amount {
		tb.Errorf("captured at once: %v, %+v", err, p)
	}
}

func (e *env) declined(tb testing.TB) {
	l := e.live(tb)
	p := e.authorize(tb, l, gateway.Declined, "ref-1")
	if p.Decline == nil || p.Decline.Code == "" || p.Decline.Text == "" {
		tb.Errorf("it does not say why: %+v", p.Decline)
	}
	if e.Kind.Cash {
		return
	}
	if _, err := l.Capture(tb.Context(), gateway.Act{Reference: "cap-1", Payment: p.External}); !fault.Is(e.hear(err), fault.Conflict) {
		tb.Errorf("capturing what was declined: %v, and should be Conflict", err)
	}
}

func (e *env) waits(tb testing.TB, outcome gateway.State) {
	l := e.live(tb)
	yes, no := e.authorize(tb, l, outcome, "ref-1"), e.authorize(tb, l, outcome, "ref-2")
	if outcome == gateway.Action && yes.Redirect == "" {
		tb.Error("the buyer has to do something, and nobody says where")
	}
	if _, err := l.Capture(tb.Context(), gateway.Act{Reference: "cap-1", Payment: yes.External}); !fault.Is(e.hear(err), fault.Conflict) {
		tb.Errorf("capturing before the buyer agreed: %v, and should be Conflict", err)
	}
	l.Decide(tb, yes.External, true)
	l.Decide(tb, no.External, false)
	for p, want := range map[string]gateway.State{yes.External: gateway.Authorized, no.External: gateway.Declined} {
		if got := e.again(tb, l, p); got.State != want {
			tb.Errorf("after the decision it is %s, and should be %s", got.State, want)
		}
	}
	p, err := l.Capture(tb.Context(), gateway.Act{Reference: "cap-2", Payment: yes.External})
	if e.hear(err) != nil || p.State != gateway.Captured {
		tb.Errorf("capturing after the buyer agreed: %v, %s", err, p.State)
	}
}

// again reads a payment again, through the adapter where it can.
func (e *env) again(tb testing.TB, l *live, external string) gateway.Payment {
	tb.Helper()
	r, ok := l.Gateway.(gateway.Reader)
	if !ok {
		return l.Held(tb, external)
	}
	p, err := r.ReadPayment(tb.Context(), external)
	if e.hear(err) != nil {
		tb.Fatalf("read %s: %v", external, err)
	}
	return p
}

func (e *env) neverAsked(tb testing.TB) {
	l := e.live(tb)
	e.authorize(tb, l, e.good(), "ref-1")
	f := l.Gateway.(gateway.Finder)
	if p, err := f.FindPayment(tb.Context(), "ref-1"); e.hear(err) != nil || p.Reference != "ref-1" {
		tb.Errorf("asked for, and searching says %v, %+v", err, p)
	}
	if _, err := f.FindPayment(tb.Context(), "ref-2"); !fault.Is(e.hear(err), fault.NotFound) {
		tb.Errorf("never asked for, and searching says %v; it should be NotFound", err)
	}
}

// unknownOutcome checks that a call whose answer was lost does not say it is done.
func (e *env) unknownOutcome(tb testing.TB, err error) {
	tb.Helper()
	if !fault.Is(e.hear(err), fault.Unavailable) && !fault.Is(err, fault.OutcomeUnknown) {
		tb.Fatalf("its answer was lost, and the call says %v", err)
	}
}

func (e *env) lostAuthorization(tb testing.TB) {
	l := e.live(tb)
	r := l.Request(e.good())
	r.Reference = "ref-1"
	l.Fault(tb, LostAnswer, "authorize", 1)
	_, err := l.Authorize(tb.Context(), r)
	e.unknownOutcome(tb, err)
	if f, ok := l.Gateway.(gateway.Finder); ok {
		if _, err := f.FindPayment(tb.Context(), "ref-1"); e.hear(err) != nil {
			tb.Errorf("the payment was made, and searching says %v", err)
		}
	}
	e.authorize(tb, l, e.good(), "ref-1")
	if n := l.Payments(tb); n != 1 {
		tb.Errorf("the provider holds %d payments, and should hold one", n)
	}
}

func (e *env) fault(tb testing.TB, f string) {
	l := e.live(tb)
	want := fault.Unavailable
	if f == Throttle {
		want = fault.Throttled
	}
	l.Fault(tb, f, "", -1)
	r := l.Request(e.good())
	r.Reference = "ref-1"
	_, err := l.Authorize(tb.Context(), r)
	if !fault.Is(e.hear(err), want) && !fault.Is(err, fault.OutcomeUnknown) || f == Throttle && fault.After(err) <= 0 {
		tb.Errorf("authorizing: %v, wait %s, and should be %s", err, fault.After(err), want)
	}
}

func (e *env) cancelled(tb testing.TB) {
	l := e.live(tb)
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	r := l.Request(e.good())
	r.Reference = "ref-1"
	if _, err := l.Authorize(ctx, r); !fault.Is(e.hear(err), fault.Unavailable) {
		tb.Errorf("authorizing with a cancelled context: %v, and should be Unavailable", err)
	}
	if n := l.Payments(tb); n != 0 {
		tb.Errorf("a cancelled call made %d payments", n)
	}
}
