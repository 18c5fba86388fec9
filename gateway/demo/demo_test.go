package demo_test

import (
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/gateway/demo"
	"github.com/openclaw-pos/commerce/gateway/gatewaytest"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

func now() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

// bench is the provider as the conformance suite's stand-in: it is its own simulator.
type bench struct{ *demo.Provider }

func (b bench) Account() gatewaytest.Account {
	kind := demo.Kind(b.Provider)
	return gatewaytest.Account{Kind: &kind, Now: now}
}

func (b bench) Request(outcome gateway.State) gateway.Request {
	digits := map[gateway.State]int64{gateway.Declined: demo.DoNotHonour, gateway.Action: demo.Challenge, gateway.Pending: demo.Slow}[outcome]
	return gateway.Request{
		Amount: money.Of(499900+digits, "PKR"), Order: "PK-1", Source: "tok_visa_canary", Return: "https://shop.example/back",
		Buyer: gateway.Buyer{Name: "Ayesha Siddiqui", Email: "ayesha@example.com", Phone: "+923001234567", Country: "PK"},
	}
}

func (b bench) Payments(testing.TB) int                            { return b.Len() }
func (b bench) Held(_ testing.TB, external string) gateway.Payment { return b.Read(external) }
func (b bench) Fault(_ testing.TB, name, call string, times int)   { b.Provider.Fault(name, call, times) }

func (b bench) Deliveries(_ testing.TB, id string) []partner.Delivery {
	return b.Provider.Deliveries(id)
}

func (b bench) Decide(_ testing.TB, external string, agree bool) {
	if agree {
		b.Approve(external)
	} else {
		b.Reject(external)
	}
}

func TestConformance(t *testing.T) {
	gatewaytest.Run(t, gatewaytest.Suite{
		Kind: demo.Kind(demo.New(now)), Secrets: map[string][]string{"hook_secret": {demo.Secret}},
		Bench:    func(testing.TB) gatewaytest.Bench { return bench{demo.New(now)} },
		Faults:   []string{demo.Throttle, demo.ServerError, demo.LostAnswer, demo.CutBody},
		Outcomes: []gateway.State{gateway.Declined, gateway.Action, gateway.Pending},
		Sign:     demo.Sign, SignedBy: "hook_secret", Fresh: demo.Fresh,
	})
}

func TestAuthorize_is_decided_by_the_last_two_digits(t *testing.T) {
	t.Parallel()
	g, err := demo.Kind(demo.New(now)).Open(partner.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cases := map[int64]struct {
		state gateway.State
		code  string
		retry bool
	}{
		100000: {gateway.Authorized, "", false}, 100051: {gateway.Declined, "insufficient_funds", true}, 100005: {gateway.Declined, "do_not_honour", false},
		100033: {gateway.Action, "", false}, 100044: {gateway.Pending, "", false},
	}
	for minor, want := range cases {
		a := money.Of(minor, "PKR")
		p, err := g.Authorize(t.Context(), gateway.Request{Reference: a.Decimal(), Amount: a})
		if err != nil || p.State != want.state || want.code != "" && (p.Decline.Code != want.code || p.Decline.Retry != want.retry) {
			t.Errorf("%s: %+v, %v", a, p, err)
		}
	}
}

func FuzzHints(f *testing.F) {
	g, err := demo.Kind(demo.New(now)).Open(partner.Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"id":"dp_1","state":"captured","amount":{"amount":"10.00","currency":"PKR"},"at":"2026-11-22T10:00:00Z"}`))
	f.Add([]byte(`{"id":"dp_1","state":7,"amount":{"amount":1e999,"currency":"PKR"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, err := g.(gateway.Webhooker).Hints(partner.Delivery{Body: body})
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%v is not Invalid", err)
		}
	})
}
