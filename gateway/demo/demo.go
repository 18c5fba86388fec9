// Package demo is a payment provider in memory, for demonstrations and for tests of everything that takes money: cards that are declined, buyers who are sent away to
// confirm, signed webhooks, answers that get lost. Start at New.
//
// What becomes of a payment is decided by the last two digits of its amount in minor units, so that a test or a visitor chooses it by the price; see the constants.
package demo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
)

// The last two digits of an amount that mean something; every other amount is authorized.
const (
	InsufficientFunds = 51 // declined; another try may work
	DoNotHonour       = 5  // declined for good
	Challenge         = 33 // the buyer is sent away to confirm: Approve and Reject are the buyer
	Slow              = 44 // pending until Approve or Reject
)

// Faults that can be switched on; the words are those of the wire simulators.
const (
	Throttle    = "throttle"     // refused for asking too often, two seconds to wait
	ServerError = "server_error" // fails before any work is done
	LostAnswer  = "lost_answer"  // the work is done, the answer is lost
	CutBody     = "cut_body"     // the same, seen from the caller
)

// hold is how long an authorization or a redirect lasts.
const hold = 7 * 24 * time.Hour

// Provider is the payment provider. Safe for concurrent use.
type Provider struct {
	mu       sync.Mutex
	now      func() time.Time
	payments map[string]*gateway.Payment // by external id
	byRef    map[string]*gateway.Payment
	capture  map[string]bool // external ids to be captured as soon as they are authorized
	acts     map[string]done // by kind and reference
	changes  map[string]int  // by external id, for webhook ids
	faults   map[string]int
	count    int
}

// done is what an act left, so that its repeat finds it.
type done struct {
	act     gateway.Act
	payment gateway.Payment
	refund  gateway.Refund
}

// New is a provider with the caller's clock.
func New(now func() time.Time) *Provider {
	return &Provider{
		now: now, payments: map[string]*gateway.Payment{}, byRef: map[string]*gateway.Payment{}, capture: map[string]bool{}, acts: map[string]done{}, changes: map[string]int{},
		faults: map[string]int{},
	}
}

// Fault makes the next times (-1: all) calls go wrong. call is one of authorize, capture, refund, void, find, read; "" is any. Zero times ends it.
func (p *Provider) Fault(name, call string, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[name+"/"+call] = times
}

func (p *Provider) strikes(name, call string) bool {
	for _, key := range []string{name + "/", name + "/" + call} {
		if p.faults[key] != 0 {
			p.faults[key]--
			return true
		}
	}
	return false
}

// Len is how many payments were asked for.
func (p *Provider) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// Read is a payment as the provider holds it; the zero Payment when it has none.
func (p *Provider) Read(external string) gateway.Payment {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.payments[external]; one != nil {
		return *one
	}
	return gateway.Payment{}
}

// Approve lets the buyer, or the bank, agree to a payment that waits for them. Other payments stay as they are.
func (p *Provider) Approve(external string) { p.decide(external, true) }

// Reject lets the buyer, or the bank, refuse a payment that waits for them.
func (p *Provider) Reject(external string) { p.decide(external, false) }

func (p *Provider) decide(external string, agree bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.payments[external]
	if one == nil || one.State != gateway.Action && one.State != gateway.Pending {
		return
	}
	one.Redirect = ""
	if agree {
		p.authorized(one)
	} else {
		p.set(one, gateway.Declined)
		one.Decline = &gateway.Decline{Code: "not_confirmed", Text: "The payment was not confirmed.", Retry: true}
	}
	p.changes[external]++
}

// set moves a payment; the raw word is the same as ours.
func (p *Provider) set(one *gateway.Payment, to gateway.State) { one.State, one.Raw = to, string(to) }

func (p *Provider) authorized(one *gateway.Payment) {
	p.set(one, gateway.Authorized)
	if p.capture[one.External] {
		one.Captured = one.Amount
		p.set(one, gateway.Captured)
	}
}

// Kind is the provider as a gateway type. It needs no settings.
func Kind(p *Provider) gateway.Kind {
	return gateway.Kind{
		Name: "demo", Title: "Demo payments",
		Settings: []partner.Setting{
			{Name: settingSecret, Title: "Webhook secret", Help: "What the demo provider signs its webhooks with.", Secret: true},
			{Name: settingPage, Title: "Confirmation page", Help: "Where buyers are sent to confirm.", Default: "https://pay.example/confirm"},
		},
		Statuses: statuses,
		Open: func(c partner.Config) (gateway.Gateway, error) {
			if c.Now == nil {
				c.Now = p.now
			}
			return &till{c, p}, nil
		},
	}
}

const (
	settingSecret = "hook_secret"
	settingPage   = "confirm_url"
)

var statuses = rows(gateway.Pending, gateway.Action, gateway.Authorized, gateway.Captured, gateway.Refunded, gateway.Voided, gateway.Declined, gateway.Expired)

func rows(all ...gateway.State) []gateway.StatusRow {
	var out []gateway.StatusRow
	for _, s := range all {
		out = append(out, gateway.StatusRow{Theirs: string(s), Ours: s, Source: "package gateway/demo"})
	}
	return out
}

func state(word string) gateway.State {
	for _, r := range statuses {
		if r.Theirs == word {
			return r.Ours
		}
	}
	return gateway.Unknown
}

// till is the provider seen by one account.
type till struct {
	partner.Config
	provider *Provider
}

func (t *till) call(ctx context.Context, name string, do func(p *Provider) error) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the call was cancelled")
	}
	p := t.provider
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.strikes(Throttle, name):
		return fault.Wait(2*time.Second, "the demo provider was asked too often").WithCode("throttled")
	case p.strikes(ServerError, name):
		return fault.New(fault.Unavailable, "the demo provider is down").WithCode("500")
	}
	lost := p.strikes(LostAnswer, name) || p.strikes(CutBody, name)
	if err := do(p); err != nil || !lost {
		return err
	}
	return fault.New(fault.Unavailable, "the demo provider's answer was lost").WithCode("lost_answer")
}

var errUnknown = fault.New(fault.NotFound, "the demo provider knows no such payment").WithCode("unknown_payment")

// Authorize implements gateway.Gateway.
func (t *till) Authorize(ctx context.Context, r gateway.Request) (gateway.Payment, error) {
	var out gateway.Payment
	err := t.call(ctx, "authorize", func(p *Provider) error {
		switch known := p.byRef[r.Reference]; {
		case r.Reference == "":
			return fault.Field("reference", "is missing")
		case r.Amount.Sign() <= 0 || r.Amount.Check() != nil:
			return fault.Field("amount", "is nothing to pay")
		case known != nil && known.Amount != r.Amount:
			return fault.New(fault.Conflict, "the reference was used for %s", known.Amount).WithCode("reference_reused")
		case known != nil:
			out = *known
			return nil
		}
		p.count++
		one := &gateway.Payment{
			External: fmt.Sprintf("dp_%06d", p.count), Reference: r.Reference, Amount: r.Amount, Captured: money.Zero(r.Amount.Currency), Refunded: money.Zero(r.Amount.Currency),
			Method: "card", At: p.now().UTC(), Expires: p.now().Add(hold).UTC(),
		}
		p.payments[one.External], p.byRef[r.Reference], p.capture[one.External] = one, one, r.Capture
		p.outcome(one, t.Setting(settingPage))
		p.changes[one.External]++
		out = *one
		return nil
	})
	return out, err
}

// outcome decides by the amount.
func (p *Provider) outcome(one *gateway.Payment, page string) {
	switch one.Amount.Minor % 100 {
	case InsufficientFunds:
		p.set(one, gateway.Declined)
		one.Decline = &gateway.Decline{Code: "insufficient_funds", Text: "The card has not enough funds.", Retry: true}
	case DoNotHonour:
		p.set(one, gateway.Declined)
		one.Decline = &gateway.Decline{Code: "do_not_honour", Text: "The bank refused the card."}
	case Challenge:
		p.set(one, gateway.Action)
		one.Redirect = page + "?payment=" + one.External
	case Slow:
		p.set(one, gateway.Pending)
	default:
		p.authorized(one)
	}
}

// act does something to a payment once per reference.
func (t *till) act(ctx context.Context, name string, a gateway.Act, do func(p *Provider, one *gateway.Payment) (done, error)) (done, error) {
	var out done
	err := t.call(ctx, name, func(p *Provider) error {
		one := p.payments[a.Payment]
		if one == nil {
			return errUnknown
		}
		if a.Reference == "" {
			return fault.Field("reference", "is missing")
		}
		key := name + "/" + a.Reference
		if known, ok := p.acts[key]; ok {
			if known.act.Payment != a.Payment || known.act.Amount != a.Amount {
				return fault.New(fault.Conflict, "the reference was used for something else").WithCode("reference_reused")
			}
			out = known
			return nil
		}
		if a.Amount.Sign() < 0 || !a.Amount.IsNone() && a.Amount.Currency != one.Amount.Currency {
			return fault.Field("amount", "is not an amount of this payment")
		}
		var err error
		if out, err = do(p, one); err != nil {
			return err
		}
		out.act = a
		p.acts[key] = out
		p.changes[one.External]++
		return nil
	})
	return out, err
}

// Capture implements gateway.Gateway.
func (t *till) Capture(ctx context.Context, a gateway.Act) (gateway.Payment, error) {
	d, err := t.act(ctx, "capture", a, func(p *Provider, one *gateway.Payment) (done, error) {
		if one.State != gateway.Authorized && one.State != gateway.Captured {
			return done{}, fault.New(fault.Conflict, "the payment is %s", one.State).WithCode("wrong_state")
		}
		left, err := one.Amount.Sub(one.Captured)
		if err != nil {
			return done{}, err
		}
		amount := a.Amount
		if amount.IsZero() {
			amount = left
		}
		if amount.Minor > left.Minor || amount.IsZero() {
			return done{}, fault.New(fault.Refused, "%s are left to capture", left).WithCode("over_capture")
		}
		if one.Captured, err = one.Captured.Add(amount); err != nil {
			return done{}, err
		}
		p.set(one, gateway.Captured)
		return done{payment: *one}, nil
	})
	return d.payment, err
}

// Void implements gateway.Gateway.
func (t *till) Void(ctx context.Context, a gateway.Act) (gateway.Payment, error) {
	d, err := t.act(ctx, "void", a, func(p *Provider, one *gateway.Payment) (done, error) {
		switch one.State {
		case gateway.Voided:
		case gateway.Authorized, gateway.Pending, gateway.Action:
			one.Redirect = ""
			p.set(one, gateway.Voided)
		default:
			return done{}, fault.New(fault.Conflict, "the payment is %s", one.State).WithCode("wrong_state")
		}
		return done{payment: *one}, nil
	})
	return d.payment, err
}

// Refund implements gateway.Gateway.
func (t *till) Refund(ctx context.Context, a gateway.Act) (gateway.Refund, error) {
	d, err := t.act(ctx, "refund", a, func(p *Provider, one *gateway.Payment) (done, error) {
		if one.State != gateway.Captured && one.State != gateway.Refunded {
			return done{}, fault.New(fault.Conflict, "the payment is %s", one.State).WithCode("wrong_state")
		}
		left, err := one.Left()
		if err != nil {
			return done{}, err
		}
		amount := a.Amount
		if amount.IsZero() {
			amount = left
		}
		if amount.Minor > left.Minor || amount.IsZero() {
			return done{}, fault.New(fault.Refused, "%s are left to give back", left).WithCode("over_refund")
		}
		if one.Refunded, err = one.Refunded.Add(amount); err != nil {
			return done{}, err
		}
		if one.Refunded == one.Amount {
			p.set(one, gateway.Refunded)
		}
		r := gateway.Refund{External: "dr_" + one.External[3:] + "_" + fmt.Sprint(p.changes[one.External]), Reference: a.Reference, Payment: a.Payment, Amount: amount, At: p.now().UTC()}
		return done{refund: r}, nil
	})
	return d.refund, err
}

// FindPayment implements gateway.Finder.
func (t *till) FindPayment(ctx context.Context, reference string) (gateway.Payment, error) {
	var out gateway.Payment
	err := t.call(ctx, "find", func(p *Provider) error {
		one := p.byRef[reference]
		if one == nil {
			return errUnknown
		}
		out = *one
		return nil
	})
	return out, err
}

// ReadPayment implements gateway.Reader.
func (t *till) ReadPayment(ctx context.Context, external string) (gateway.Payment, error) {
	var out gateway.Payment
	err := t.call(ctx, "read", func(p *Provider) error {
		one := p.payments[external]
		if one == nil {
			return errUnknown
		}
		out = *one
		return nil
	})
	return out, err
}
