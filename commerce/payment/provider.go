package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/jobs"
)

// The kinds of jobs that ask a provider of ours to do something. Each act carries one reference over all its repeats, so that it happens once.
const (
	RefundJob  = "payment.refund"
	VoidJob    = "payment.void"
	CaptureJob = "payment.capture"
)

type refundJob struct {
	Refund string `json:"refund_id"`
	Try    int64  `json:"try,omitempty"` // a refusal is asked again under a new reference
}

// refundJobOf has a provider of ours asked for a refund.
func refundJobOf(r Refund, try int64) jobs.Job {
	return jobs.Job{Kind: RefundJob, Key: r.ID, Account: "gateway:" + r.Method, Payload: refundJob{r.ID, try}}
}

func (j refundJob) reference() string {
	if j.Try == 0 {
		return "refund:" + j.Refund
	}
	return fmt.Sprintf("refund:%s:%d", j.Refund, j.Try)
}

type paymentJob struct {
	Payment string `json:"payment_id"`
}

// Handlers are the jobs of this context.
func (s *Service) Handlers() []jobs.Handler {
	return []jobs.Handler{
		{Kind: RefundJob, Effect: true, Do: s.doRefund},
		{Kind: VoidJob, Effect: true, Do: s.doVoid},
		{Kind: CaptureJob, Effect: true, Do: s.doCapture},
	}
}

func (s *Service) open(provider string) (gateway.Gateway, error) {
	if s.need.Gateway == nil {
		return nil, fault.New(fault.NotFound, "there is no payment provider %s", provider)
	}
	return s.need.Gateway(provider)
}

// Authorize asks a provider for the money of a checkout, once for each reference. A lost answer is looked for by the reference; when that does not say either, the error is
// fault.OutcomeUnknown and the same call may be made again. A decline is an answer, not an error. No transaction may be open.
func (s *Service) Authorize(ctx context.Context, provider string, r gateway.Request) (gateway.Payment, error) {
	g, err := s.open(provider)
	if err != nil {
		return gateway.Payment{}, err
	}
	p, err := g.Authorize(ctx, r)
	if !lost(err) {
		return p, err
	}
	f, ok := g.(gateway.Finder)
	if !ok {
		return p, err
	}
	found, ferr := f.FindPayment(ctx, r.Reference)
	switch {
	case ferr == nil:
		return found, nil
	case fault.Is(ferr, fault.NotFound):
		return g.Authorize(ctx, r)
	}
	return p, err
}

// Abandon lets go of what a checkout authorized and never placed. Safe to repeat; what was never asked for is nothing to let go of.
func (s *Service) Abandon(ctx context.Context, provider, reference string) error {
	g, err := s.open(provider)
	if err != nil {
		return err
	}
	f, ok := g.(gateway.Finder)
	if !ok {
		return fault.New(fault.Conflict, "provider %s cannot find payments by our reference", provider)
	}
	p, err := f.FindPayment(ctx, reference)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	}
	switch p.State {
	case gateway.Authorized, gateway.Pending, gateway.Action, gateway.Due, gateway.Unknown:
		_, err = g.Void(ctx, gateway.Act{Reference: "void:" + reference, Payment: p.External, Reason: "the checkout was given up"})
	case gateway.Captured:
		_, err = g.Refund(ctx, gateway.Act{Reference: "refund:" + reference, Payment: p.External, Reason: "the checkout was given up"})
	}
	return err
}

// lost reports whether an error leaves open what happened.
func lost(err error) bool {
	return fault.Is(err, fault.OutcomeUnknown) || fault.Is(err, fault.Unavailable)
}

// theirs finds the provider's id of a payment: our checkout's document names it, or the reference it was asked for under.
func theirs(ctx context.Context, g gateway.Gateway, p Payment) (string, error) {
	if p.Reference != "" {
		return p.Reference, nil
	}
	if f, ok := g.(gateway.Finder); ok {
		found, err := f.FindPayment(ctx, p.External)
		if err == nil {
			return found.External, nil
		}
		if !fault.Is(err, fault.NotFound) {
			return "", err
		}
	}
	return p.External, nil
}

// job reads the payment a job is about.
func (s *Service) job(ctx context.Context, r *jobs.Run) (p Payment, g gateway.Gateway, external string, err error) {
	in, err := jobs.Decode[paymentJob](r)
	if err != nil {
		return p, nil, "", err
	}
	if p, err = s.payment(ctx, in.Payment); err != nil {
		return p, nil, "", err
	}
	if g, err = s.open(p.Provider); err != nil {
		return p, nil, "", err
	}
	external, err = theirs(ctx, g, p)
	return p, g, external, err
}

func (s *Service) payment(ctx context.Context, id string) (p Payment, err error) {
	err = s.need.DB.Read(ctx, func(tx *db.Tx) error {
		p, err = db.One(tx, scan, `select `+columns+` from order_payments p where p.id = $1`, id)
		return err
	})
	return p, err
}

func (s *Service) doRefund(ctx context.Context, r *jobs.Run) (func(*db.Tx) error, error) {
	in, err := jobs.Decode[refundJob](r)
	if err != nil {
		return nil, err
	}
	var back Refund
	err = s.need.DB.Read(ctx, func(tx *db.Tx) error {
		back, err = db.One(tx, scanRefund, `select `+refundColumns+` from refunds r where r.id = $1`, in.Refund)
		return err
	})
	if err != nil || (back.State != "intended" && back.State != "unknown") {
		return nil, err
	}
	p, err := s.payment(ctx, back.PaymentID)
	if err != nil {
		return nil, err
	}
	g, err := s.open(p.Provider)
	if err != nil {
		return nil, err
	}
	external, err := theirs(ctx, g, p)
	if err != nil {
		return nil, err
	}
	done, err := g.Refund(ctx, gateway.Act{Reference: in.reference(), Payment: external, Amount: money.Of(back.Amount, back.Currency), Reason: back.Reason})
	switch {
	case refused(err):
		cause := err
		return func(tx *db.Tx) error { return s.Settle(tx, back.ID, "", cause) }, nil
	case fault.Is(err, fault.OutcomeUnknown):
		// The reference makes a repeat harmless: the job goes on asking; until it knows, a person sees that nobody does.
		if werr := s.need.DB.Write(ctx, func(tx *db.Tx) error { return s.Settle(tx, back.ID, "", err) }); werr != nil {
			return nil, werr
		}
		return nil, fault.Wrap(fault.Unavailable, err, "the provider's answer was lost")
	case err != nil:
		return nil, err
	}
	return func(tx *db.Tx) error { return s.Settle(tx, back.ID, done.External, nil) }, nil
}

// refused reports whether a provider said no for good.
func refused(err error) bool {
	switch fault.KindOf(err) {
	case fault.Refused, fault.Invalid, fault.NotFound, fault.Forbidden, fault.Conflict:
		return err != nil
	}
	return false
}

// askAgain turns a lost answer into one that is asked for again: the reference makes a repeat harmless.
func askAgain(err error) error {
	if fault.Is(err, fault.OutcomeUnknown) {
		return fault.Wrap(fault.Unavailable, err, "the provider's answer was lost")
	}
	return err
}

func (s *Service) doVoid(ctx context.Context, r *jobs.Run) (func(*db.Tx) error, error) {
	p, g, external, err := s.job(ctx, r)
	if err != nil {
		return nil, err
	}
	_, err = g.Void(ctx, gateway.Act{Reference: "void:" + p.ID, Payment: external, Reason: "the order was cancelled"})
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Refused) {
		return s.seenInstead(ctx, g, p, external, err)
	}
	return nil, askAgain(err)
}

func (s *Service) doCapture(ctx context.Context, r *jobs.Run) (func(*db.Tx) error, error) {
	p, g, external, err := s.job(ctx, r)
	if err != nil || p.State != Authorized {
		return nil, err
	}
	var owed int64
	err = s.need.DB.Read(ctx, func(tx *db.Tx) error {
		heads, err := s.need.Orders(tx, []string{p.OrderID}, false)
		owed = heads[p.OrderID].owed()
		return err
	})
	if err != nil || owed <= 0 {
		return nil, err
	}
	now, err := g.Capture(ctx, gateway.Act{Reference: "capture:" + p.ID, Payment: external, Amount: money.Of(min(p.Authorized, owed), p.Currency)})
	switch {
	case fault.Is(err, fault.Conflict) || fault.Is(err, fault.Refused):
		return s.seenInstead(ctx, g, p, external, err)
	case err != nil:
		return nil, askAgain(err)
	}
	return func(tx *db.Tx) error { return s.seen(tx, p.ID, now) }, nil
}

// seenInstead reads a payment again that did not let itself be acted on, and takes what it shows.
func (s *Service) seenInstead(ctx context.Context, g gateway.Gateway, p Payment, external string, cause error) (func(*db.Tx) error, error) {
	reader, ok := g.(gateway.Reader)
	if !ok {
		return nil, cause
	}
	now, err := reader.ReadPayment(ctx, external)
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error { return s.seen(tx, p.ID, now) }, nil
}

// seen takes where a provider of ours sees a payment: forward only. Money that was captured for an order that is cancelled goes back at once.
func (s *Service) seen(tx *db.Tx, id string, now gateway.Payment) error {
	p, err := db.One(tx, scan, `select `+columns+` from order_payments p where p.id = $1`, id)
	if err != nil {
		return err
	}
	heads, err := s.need.Orders(tx, []string{p.OrderID}, true)
	if err != nil {
		return err
	}
	payments, refunds, err := s.moneyOf(tx, []string{p.OrderID})
	if err != nil {
		return err
	}
	o := heads[p.OrderID]
	l := &ledger{facts: &Facts{OrderID: o.ID}, payments: payments[o.ID], refunds: refunds[o.ID]}
	for i := range l.payments {
		if x := &l.payments[i]; x.ID == id {
			was := *x
			x.follow(now)
			if *x != was {
				l.touch(i)
			}
		}
	}
	if len(l.edited) == 0 {
		return nil
	}
	if err := s.write(tx, []*ledger{l}); err != nil {
		return err
	}
	if err := s.need.PayChanged(tx, o.ID, StateOf(o.owed(), l.payments), "captured", at(now.At, tx.Now)); err != nil {
		return err
	}
	captured, out := totals(l.payments, l.refunds)
	if !o.Cancelled || captured <= out {
		return nil
	}
	_, err = s.RefundTx(tx, Ask{Order: o.ID, Amount: captured - out, Reason: "captured after the order was cancelled", Actor: "system", Reference: "late:" + id})
	return err
}

func at(t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	return t
}

// follow moves a payment where its provider sees it.
func (p *Payment) follow(now gateway.Payment) {
	if p.Reference == "" && now.External != p.External {
		p.Reference = now.External
	}
	switch now.State {
	case gateway.Authorized:
		if p.step("authorize") {
			p.Authorized = max(p.Authorized, now.Amount.Minor)
		}
	case gateway.Captured, gateway.Refunded:
		if now.Captured.Minor > p.Captured && p.step("capture") {
			p.Captured = now.Captured.Minor
		}
	case gateway.Voided:
		p.step("void")
	case gateway.Declined, gateway.Expired:
		p.step("fail")
	}
}

// Hook takes a provider's delivery: verified on its raw bytes, then each payment it is about is read again and followed. What belongs to no order yet is answered: it is
// the checkout's. Faults: Unauthorized for a forged or stale delivery, Invalid for one that cannot be understood.
func (s *Service) Hook(ctx context.Context, provider string, d partner.Delivery) ([]gateway.Payment, error) {
	g, err := s.open(provider)
	if err != nil {
		return nil, err
	}
	hooker, ok := g.(gateway.Webhooker)
	if !ok {
		return nil, fault.New(fault.NotFound, "provider %s sends no webhooks", provider)
	}
	if _, err := hooker.Verify(d); err != nil {
		return nil, err
	}
	hints, err := hooker.Hints(d)
	if err != nil {
		return nil, err
	}
	var strangers []gateway.Payment
	for _, h := range hints {
		now, err := current(ctx, g, h)
		if err != nil {
			return nil, err
		}
		known, err := s.hinted(ctx, provider, now)
		if err != nil {
			return nil, err
		}
		if !known {
			strangers = append(strangers, now)
		}
	}
	return strangers, nil
}

// current is the payment a hint is about: read again where the provider can be asked, for an event is a hint and the provider is the truth.
func current(ctx context.Context, g gateway.Gateway, h gateway.Hint) (gateway.Payment, error) {
	if r, ok := g.(gateway.Reader); ok {
		return r.ReadPayment(ctx, h.External)
	}
	if h.Payment == nil {
		return gateway.Payment{}, fault.New(fault.Invalid, "the delivery says nothing about payment %s", h.External)
	}
	return *h.Payment, nil
}

// hinted follows a payment of an order; false when no order has it.
func (s *Service) hinted(ctx context.Context, provider string, now gateway.Payment) (known bool, err error) {
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		known = false
		found, err := db.All(tx, scan, `select `+columns+` from order_payments p where p.provider = $1 and p.provider <> 'channel' and p.external in ($2, $3) order by p.id`,
			provider, now.External, now.Reference)
		if err != nil || len(found) == 0 {
			return err
		}
		known = true
		return s.seen(tx, found[0].ID, now)
	})
	return known, err
}
