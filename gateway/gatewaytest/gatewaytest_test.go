package gatewaytest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/gateway/cod"
	"github.com/openclaw-pos/commerce/gateway/demo"
	"github.com/openclaw-pos/commerce/internal/conform"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// whole is a gateway that can do everything.
type whole interface {
	gateway.Gateway
	gateway.Finder
	gateway.Reader
	gateway.Webhooker
}

// liar is the demo provider's adapter with one defect.
type liar struct {
	whole
	partner.Config
	defect string
	calls  int
}

func (l *liar) deaf(ctx context.Context) context.Context {
	if l.defect == "is deaf to its end" {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// broken is what the defects make of errors.
func (l *liar) broken(err error) error {
	switch {
	case l.defect == "believes lost answers", l.defect == "believes everything":
		return nil
	case l.defect == "refuses when it breaks" && fault.Is(err, fault.Unavailable), l.defect == "forgets the throttle" && fault.Is(err, fault.Throttled):
		return fault.New(fault.Refused, "no")
	case l.defect == "quotes" && err != nil:
		return fault.New(fault.KindOf(err), "%s", demo.Secret)
	}
	return err
}

func (l *liar) reference(ref string) string {
	if l.calls++; l.defect == "sends no reference" {
		return fmt.Sprint(ref, l.calls)
	}
	return ref
}

func (l *liar) Authorize(ctx context.Context, r gateway.Request) (gateway.Payment, error) {
	ref := r.Reference
	switch l.defect {
	case "asks again", "sends no reference":
		r.Reference = l.reference(r.Reference)
		if l.defect == "asks again" {
			r.Reference = fmt.Sprint(r.Reference, l.calls)
		}
	case "asks for a rupee more":
		r.Amount.Minor += 100
	case "forgets to capture":
		r.Capture = false
	case "takes nothing":
		if r.Amount.Sign() <= 0 {
			return gateway.Payment{}, nil
		}
	}
	p, err := l.whole.Authorize(l.deaf(ctx), r)
	p.Reference = ref
	if p.State == gateway.Declined {
		switch l.defect {
		case "fails for a decline":
			return p, fault.New(fault.Refused, "declined")
		case "does not say why":
			p.Decline = &gateway.Decline{}
		}
	}
	if l.defect == "sends the buyer nowhere" {
		p.Redirect = ""
	}
	return p, l.broken(err)
}

func (l *liar) Capture(ctx context.Context, a gateway.Act) (gateway.Payment, error) {
	a.Reference = l.reference(a.Reference)
	if l.defect == "captures in full" {
		a.Amount = money.Amount{}
	}
	p, err := l.whole.Capture(ctx, a)
	return p, l.broken(err)
}

func (l *liar) Refund(ctx context.Context, a gateway.Act) (gateway.Refund, error) {
	a.Reference = l.reference(a.Reference)
	if l.defect == "refunds half" {
		a.Amount.Minor /= 2
	}
	r, err := l.whole.Refund(ctx, a)
	return r, l.broken(err)
}

func (l *liar) Void(ctx context.Context, a gateway.Act) (gateway.Payment, error) {
	if l.defect == "voids nothing" {
		return gateway.Payment{State: gateway.Voided}, nil
	}
	p, err := l.whole.Void(ctx, a)
	return p, l.broken(err)
}

func (l *liar) FindPayment(ctx context.Context, reference string) (gateway.Payment, error) {
	p, err := l.whole.FindPayment(ctx, reference)
	if l.defect == "finds everything" {
		return p, nil
	}
	return p, err
}

func (l *liar) ReadPayment(ctx context.Context, external string) (gateway.Payment, error) {
	p, err := l.whole.ReadPayment(ctx, external)
	if l.defect == "reads stale" {
		p.State = gateway.Pending
	}
	return p, err
}

func (l *liar) Verify(d partner.Delivery) (partner.Receipt, error) {
	if l.defect == "believes everybody" {
		return partner.Receipt{Signed: true}, nil
	}
	if l.defect == "believes yesterday" {
		d.At = d.At.Add(-demo.Fresh - time.Minute)
	}
	return l.whole.Verify(d)
}

func (l *liar) Hints(d partner.Delivery) ([]gateway.Hint, error) {
	all, err := l.whole.Hints(d)
	for i := range all {
		if l.defect == "hears otherwise" || l.defect == "takes new words for captured" && all[i].Payment.State == gateway.Unknown {
			all[i].Payment.State = gateway.Captured
			all[i].Payment.Captured.Minor++
		}
	}
	return all, err
}

// stand is the demo provider.
type stand struct {
	*demo.Provider
	defect string
}

func (b stand) kind() gateway.Kind {
	k := demo.Kind(b.Provider)
	under := k.Open
	k.Open = func(c partner.Config) (gateway.Gateway, error) {
		g, err := under(c)
		return &liar{whole: g.(whole), Config: c, defect: b.defect}, err
	}
	switch b.defect {
	case "has no title":
		k.Title = ""
	case "has a silent setting":
		k.Settings[0].Help = ""
	}
	return k
}

func (b stand) Account() Account { k := b.kind(); return Account{Kind: &k} }
func (b stand) Request(s gateway.State) gateway.Request {
	digits := map[gateway.State]int64{gateway.Declined: demo.DoNotHonour, gateway.Action: demo.Challenge, gateway.Pending: demo.Slow}[s]
	return gateway.Request{Amount: money.Of(499900+digits, "PKR"), Buyer: gateway.Buyer{Name: "Ayesha Siddiqui"}}
}
func (b stand) Payments(testing.TB) int                            { return b.Len() }
func (b stand) Held(_ testing.TB, external string) gateway.Payment { return b.Read(external) }
func (b stand) Fault(_ testing.TB, name, call string, times int)   { b.Provider.Fault(name, call, times) }

func (b stand) Deliveries(_ testing.TB, id string) []partner.Delivery {
	return b.Provider.Deliveries(id)
}

func (b stand) Decide(_ testing.TB, external string, agree bool) {
	if agree {
		b.Approve(external)
	} else {
		b.Reject(external)
	}
}

func suite(defect string) Suite {
	fresh := func() stand { return stand{demo.New(time.Now), defect} }
	return Suite{
		Kind: fresh().kind(), Secrets: map[string][]string{"hook_secret": {demo.Secret}}, Bench: func(testing.TB) Bench { return fresh() },
		Faults: []string{Throttle, ServerError, CutBody, LostAnswer}, Outcomes: []gateway.State{gateway.Declined, gateway.Action, gateway.Pending},
		Sign: demo.Sign, SignedBy: "hook_secret", Fresh: demo.Fresh,
	}
}

// Each defect breaks one promise; the case that names it must notice.
func TestSuite(t *testing.T) {
	t.Parallel()
	defects := [][2]string{
		{"has no title", "the_kind_describes_itself"},
		{"has a silent setting", "every_setting_is_explained"},
		{"asks for a rupee more", "authorized_asks_for_exactly_the_amount"},
		{"asks again", "authorized_twice_is_one_payment"},
		{"asks again", "a_reference_is_not_used_for_another_amount"},
		{"takes nothing", "nothing_to_pay_is_invalid"},
		{"forgets to capture", "captured_at_once_is_captured"},
		{"fails for a decline", "a_decline_is_an_answer"},
		{"does not say why", "a_decline_is_an_answer"},
		{"sends the buyer nowhere", "the_buyer_goes_to_confirm_and_comes_back"},
		{"reads stale", "the_bank_takes_its_time"},
		{"finds everything", "what_was_never_asked_for_is_not_found"},
		{"sends no reference", "an_authorization_with_a_lost_answer_is_one_payment"},
		{"forgets the throttle", "throttle_is_classified"},
		{"refuses when it breaks", "server_error_is_classified"},
		{"refuses when it breaks", "cut_body_is_classified"},
		{"is deaf to its end", "a_cancelled_context_returns_at_once"},
		{"sends no reference", "captured_twice_is_captured_once"},
		{"captures in full", "captured_in_parts_is_captured_in_full_and_no_more"},
		{"sends no reference", "refunded_twice_is_refunded_once"},
		{"refunds half", "partial_refunds_stop_at_what_was_captured"},
		{"believes everything", "a_refund_before_the_capture_is_a_conflict"},
		{"voids nothing", "voided_lets_go_and_cannot_be_captured"},
		{"voids nothing", "after_the_capture_it_cannot_be_voided"},
		{"sends no reference", "a_capture_with_a_lost_answer_is_one_capture"},
		{"sends no reference", "a_refund_with_a_lost_answer_is_one_refund"},
		{"believes lost answers", "a_void_with_a_lost_answer_is_one_void"},
		{"believes everything", "a_payment_nobody_knows_is_not_found"},
		{"hears otherwise", "a_delivery_says_what_a_read_says"},
		{"believes everybody", "a_forged_delivery_is_refused_before_it_is_parsed"},
		{"believes yesterday", "a_stale_delivery_is_refused"},
		{"takes new words for captured", "an_unknown_word_is_unknown"},
		{"quotes", "no_secret_and_nothing_personal_is_in_a_log_or_an_error"},
	}
	noticed := map[string]bool{"no_float_is_parsed": true}
	for _, d := range defects {
		defect, name := d[0], d[1]
		noticed[name] = true
		t.Run(strings.ReplaceAll(defect, " ", "_")+"/"+name, func(t *testing.T) {
			t.Parallel()
			all := cases(t, suite(defect))
			i := slices.IndexFunc(all, func(c conform.Case) bool { return c.Name == name })
			if i < 0 || all[i].Why != "" {
				t.Fatalf("%s does not run", name)
			}
			if len(conform.Try(t, all[i].Run)) == 0 {
				t.Errorf("a gateway that %s passes %s", defect, name)
			}
		})
	}
	for _, c := range cases(t, suite("")) {
		if c.Why == "" && !noticed[c.Name] {
			t.Errorf("no defect shows that %s can fail", c.Name)
		}
		if c.Why == "" {
			for _, no := range conform.Try(t, c.Run) {
				t.Errorf("a good gateway fails %s: %s", c.Name, no)
			}
		}
	}
}

// A provider of cash that captures, or gives cash back, has misunderstood what it is.
func TestSuite_notices_cash_that_is_captured(t *testing.T) {
	t.Parallel()
	s := suite("")
	s.Kind.Cash = true
	all := cases(t, s)
	i := slices.IndexFunc(all, func(c conform.Case) bool { return c.Name == "cash_is_neither_captured_nor_given_back_here" })
	if all[i].Why != "" || len(conform.Try(t, all[i].Run)) == 0 {
		t.Error("a card provider passes for cash")
	}
	if cod.Kind.Cash != true {
		t.Error("cash on delivery is cash")
	}
}
