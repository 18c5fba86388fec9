// Package cod is cash on delivery as a payment provider. Start at Kind.
//
// Authorize answers Due and moves nothing: there is no partner and nothing to keep. That the cash was collected is a fact of the courier, the till or a statement and is
// recorded with the payment's cash life; Capture is therefore refused. Money already collected goes back by bank, wallet or store credit through a payout list, so Refund is
// refused too. Void lets go of what is due.
package cod

import (
	"context"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

const (
	settingLimits    = "limits"
	settingCountries = "countries"
)

// Kind is cash on delivery.
var Kind = gateway.Kind{
	Name: "cod", Title: "Cash on delivery", Cash: true,
	Settings: []partner.Setting{
		{
			Name: settingLimits, Title: "Highest amounts", Help: "The most that is left to be paid in cash, by currency: PKR 200000, AED 2000. A currency without one has no limit.",
			Check: func(v string) error { _, err := limits(v); return err },
		},
		{Name: settingCountries, Title: "Countries", Help: "Where it is offered, as ISO codes separated by commas; empty offers it everywhere."},
	},
	Statuses: []gateway.StatusRow{
		{Theirs: "due", Ours: gateway.Due, Source: "package gateway/cod"},
		{Theirs: "voided", Ours: gateway.Voided, Source: "package gateway/cod"},
	},
	Open: func(c partner.Config) (gateway.Gateway, error) {
		max, err := limits(c.Setting(settingLimits))
		if err != nil {
			return nil, err
		}
		return &cash{c, max}, nil
	},
}

type cash struct {
	partner.Config
	max map[string]money.Amount
}

// limits reads "PKR 200000, AED 2000".
func limits(text string) (map[string]money.Amount, error) {
	out := map[string]money.Amount{}
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		if len(words) != 2 {
			return nil, fault.Field(settingLimits, "%q is not a currency and an amount", strings.TrimSpace(part))
		}
		amount, err := money.Parse(words[1], words[0])
		if err != nil {
			return nil, fault.Field(settingLimits, "%s", fault.Message(err))
		}
		out[words[0]] = amount
	}
	return out, nil
}

// Authorize implements gateway.Gateway. It keeps nothing, so asking again says the same.
func (c *cash) Authorize(ctx context.Context, r gateway.Request) (gateway.Payment, error) {
	if err := over(ctx); err != nil {
		return gateway.Payment{}, err
	}
	switch {
	case r.Reference == "":
		return gateway.Payment{}, fault.Field("reference", "is missing")
	case r.Amount.Sign() <= 0 || r.Amount.Check() != nil:
		return gateway.Payment{}, fault.Field("amount", "is nothing to collect")
	}
	p := gateway.Payment{
		External: "cod-" + r.Reference, Reference: r.Reference, State: gateway.Due, Amount: r.Amount, Captured: money.Zero(r.Amount.Currency),
		Refunded: money.Zero(r.Amount.Currency), Method: "cod", At: c.Now().UTC(), Raw: "due",
	}
	if most, limited := c.max[r.Amount.Currency]; limited && r.Amount.Minor > most.Minor {
		p.State, p.Raw = gateway.Declined, "declined"
		p.Decline = &gateway.Decline{Code: "cash_max", Text: "Cash on delivery is offered up to " + most.String() + "."}
	}
	if !c.offered(r.Buyer.Country) {
		p.State, p.Raw = gateway.Declined, "declined"
		p.Decline = &gateway.Decline{Code: "cash_country", Text: "Cash on delivery is not offered in this country."}
	}
	return p, nil
}

func (c *cash) offered(country string) bool {
	all := strings.FieldsFunc(c.Setting(settingCountries), func(r rune) bool { return r == ',' || r == ' ' })
	return len(all) == 0 || country == "" || slices.ContainsFunc(all, func(one string) bool { return strings.EqualFold(one, country) })
}

// Capture implements gateway.Gateway: it is always refused.
func (c *cash) Capture(ctx context.Context, _ gateway.Act) (gateway.Payment, error) {
	if err := over(ctx); err != nil {
		return gateway.Payment{}, err
	}
	return gateway.Payment{}, fault.New(fault.Refused, "cash is collected at the door, and confirmed by courier, till or statement").WithCode("cash_collected_elsewhere")
}

// Refund implements gateway.Gateway: it is always refused.
func (c *cash) Refund(ctx context.Context, _ gateway.Act) (gateway.Refund, error) {
	if err := over(ctx); err != nil {
		return gateway.Refund{}, err
	}
	return gateway.Refund{}, fault.New(fault.Refused, "cash goes back by bank, wallet or store credit, through the payout list").WithCode("cash_payout")
}

// Void implements gateway.Gateway.
func (c *cash) Void(ctx context.Context, a gateway.Act) (gateway.Payment, error) {
	if err := over(ctx); err != nil {
		return gateway.Payment{}, err
	}
	ref, ours := strings.CutPrefix(a.Payment, "cod-")
	if !ours || ref == "" {
		return gateway.Payment{}, fault.New(fault.NotFound, "this is no cash payment")
	}
	return gateway.Payment{External: a.Payment, Reference: ref, State: gateway.Voided, Amount: a.Amount, Method: "cod", At: c.Now().UTC(), Raw: "voided"}, nil
}

func over(ctx context.Context) error {
	return fault.Wrap(fault.Unavailable, ctx.Err(), "the call was cancelled")
}
