package cod_test

import (
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/gateway/cod"
	"github.com/openclaw-pos/commerce/gateway/gatewaytest"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// door is where cash is collected: it holds nothing.
type door struct{}

func (door) Account() gatewaytest.Account {
	return gatewaytest.Account{Settings: map[string]string{"limits": "PKR 200000"}}
}

func (door) Request(outcome gateway.State) gateway.Request {
	r := gateway.Request{Amount: money.Of(499900, "PKR"), Buyer: gateway.Buyer{Name: "Ayesha Siddiqui", Phone: "+923001234567", Country: "PK"}}
	if outcome == gateway.Declined {
		r.Amount = money.Of(20_000_001, "PKR")
	}
	return r
}
func (door) Payments(testing.TB) int                          { return 0 }
func (door) Held(testing.TB, string) gateway.Payment          { return gateway.Payment{} }
func (door) Decide(testing.TB, string, bool)                  {}
func (door) Fault(testing.TB, string, string, int)            {}
func (door) Deliveries(testing.TB, string) []partner.Delivery { return nil }

func TestConformance(t *testing.T) {
	gatewaytest.Run(t, gatewaytest.Suite{
		Kind: cod.Kind, Bench: func(testing.TB) gatewaytest.Bench { return door{} },
		Faults: []string{}, Outcomes: []gateway.State{gateway.Declined},
	})
}

func TestAuthorize_offers_cash_where_and_up_to_what_is_set(t *testing.T) {
	t.Parallel()
	g, err := cod.Kind.Open(partner.Config{Settings: map[string]string{"limits": "PKR 50000, AED 500.50", "countries": "pk, AE"}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		amount  money.Amount
		country string
		code    string
	}{
		"under_the_limit":        {money.Of(5_000_000, "PKR"), "PK", ""},
		"over_the_limit":         {money.Of(5_000_001, "PKR"), "PK", "cash_max"},
		"another_limit":          {money.Of(50_051, "AED"), "AE", "cash_max"},
		"no_limit":               {money.Of(90_000_000, "EUR"), "AE", ""},
		"a_country_without_cash": {money.Of(1000, "EUR"), "DE", "cash_country"},
		"nobody_says_where":      {money.Of(1000, "PKR"), "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := g.Authorize(t.Context(), gateway.Request{Reference: "r", Amount: c.amount, Buyer: gateway.Buyer{Country: c.country}})
			if err != nil || (p.State == gateway.Due) != (c.code == "") || c.code != "" && p.Decline.Code != c.code {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestOpen_refuses_limits_that_are_none(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"PKR", "200000", "PKR two", "XXX 5", "PKR 5 6"} {
		if _, err := cod.Kind.Open(partner.Config{Settings: map[string]string{"limits": text}}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
