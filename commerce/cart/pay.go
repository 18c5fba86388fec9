package cart

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/gateway"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// authorize asks the provider for the money under the attempt's reference. An answer that was lost is looked for; what was surely never asked is asked once more.
func (s *Service) authorize(ctx context.Context, in Wish, c basket, b *Buyer) (gateway.Payment, error) {
	gw, _, err := s.need.Gateway(ctx, in.Store, c.payment)
	if err != nil {
		return gateway.Payment{}, err
	}
	r := gateway.Request{
		Reference: c.reference(), Amount: c.totals.Total, Order: in.Store.Code + " " + c.id[max(0, len(c.id)-8):], Source: in.Source, Return: in.Return,
		Buyer: gateway.Buyer{Name: b.Person.Name, Email: b.Person.Email, Phone: b.Person.Phone, Country: b.ShipTo.Country, City: b.ShipTo.City},
	}
	p, err := gw.Authorize(ctx, r)
	switch fault.KindOf(err) {
	case fault.Refused, fault.Invalid, fault.Forbidden:
		if err != nil { // the provider will never say yes to this
			return gateway.Payment{Reference: r.Reference, State: gateway.Declined, Decline: &gateway.Decline{Code: fault.CodeOf(err), Text: "The payment was refused."}}, nil
		}
	case fault.Unavailable, fault.OutcomeUnknown, fault.Internal:
		if err != nil {
			return s.lookFor(ctx, gw, r, err)
		}
	}
	return p, err
}

// lookFor finds out what became of a question whose answer was lost.
func (s *Service) lookFor(ctx context.Context, gw gateway.Gateway, r gateway.Request, lost error) (gateway.Payment, error) {
	f, ok := gw.(gateway.Finder)
	if !ok || ctx.Err() != nil {
		return gateway.Payment{}, lost
	}
	p, err := f.FindPayment(ctx, r.Reference)
	if fault.Is(err, fault.NotFound) {
		return gw.Authorize(ctx, r)
	}
	if err != nil {
		return gateway.Payment{}, lost
	}
	return p, nil
}

// settle takes the provider's word on an attempt: money that is there, or promised, places the cart; none opens it again; the rest waits.
func (s *Service) settle(ctx context.Context, store Storefront, id string, attempt int64, p gateway.Payment) (Answer, error) {
	switch p.State {
	case gateway.Authorized, gateway.Captured, gateway.Due:
		return s.accept(ctx, store, id, attempt, p)
	case gateway.Declined, gateway.Expired, gateway.Voided, gateway.Refunded:
		why := refusal{Code: "declined", Text: "The payment was declined."}
		if p.Decline != nil && p.Decline.Text != "" {
			why.Text = p.Decline.Text
		}
		if err := s.reopen(ctx, id, attempt, why); err != nil {
			return Answer{}, err
		}
		return Answer{}, why.err()
	}
	var c basket
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		var err error
		if c, err = get(tx, id); err != nil || c.state != Placing || c.attempt != attempt {
			return err
		}
		c.payState, c.payExternal = string(p.State), p.External
		return c.save(tx)
	})
	if err != nil {
		return Answer{}, err
	}
	if c.state == Placed {
		return s.finish(ctx, store, c)
	}
	return Answer{State: c.state, Total: c.totals.Total, Payment: string(p.State), Redirect: p.Redirect, Version: c.version}, nil
}

// reopen gives the hold back and lets the buyer try again. An attempt that is over already is left as it is.
func (s *Service) reopen(ctx context.Context, id string, attempt int64, why refusal) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		c, err := get(tx, id)
		if err != nil || c.state != Placing || c.attempt != attempt {
			return err
		}
		if err := s.need.Release(tx, []string{id}); err != nil {
			return err
		}
		c.state, c.refusal, c.payState, c.payExternal, c.totals = Open, &why, "", "", Totals{}
		c.holdUntil = time.Time{}
		return c.save(tx)
	})
}

// accept places the cart: the order is sealed and durable from here on, whatever happens to this process.
func (s *Service) accept(ctx context.Context, store Storefront, id string, attempt int64, p gateway.Payment) (Answer, error) {
	var c basket
	late := false
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		late = false
		var err error
		if c, err = get(tx, id); err != nil {
			return err
		}
		if c.state == Placed && c.attempt == attempt {
			return nil
		}
		if c.state != Placing || c.attempt != attempt || !tx.Now.Before(c.holdUntil) {
			late = true
			return nil
		}
		b, err := s.openBuyer(tx, &c)
		if err != nil {
			return err
		}
		doc := c.ownOrder(store, *b, p, tx.Now)
		if err := s.keep(tx, &c, doc); err != nil {
			return err
		}
		if err := s.dropBuyer(tx, &c); err != nil {
			return err
		}
		c.state, c.placedAt, c.payState, c.payExternal = Placed, tx.Now, payStatus(p), p.External
		c.proof = s.proofOf(c.id, doc.Buyer.Phone)
		return c.save(tx)
	})
	if err != nil {
		return Answer{}, err
	}
	if late {
		return Answer{}, s.tooLate(ctx, store, c, attempt, p)
	}
	return s.finish(ctx, store, c)
}

// tooLate lets go of money that came for a checkout that is over.
func (s *Service) tooLate(ctx context.Context, store Storefront, c basket, attempt int64, p gateway.Payment) error {
	if err := s.letGo(ctx, store, c.payment, p); err != nil {
		return err
	}
	why := refusal{Code: "hold_expired", Text: "The checkout took too long and the goods were given back; the payment was let go. Please try again."}
	if err := s.reopen(ctx, c.id, attempt, why); err != nil {
		return err
	}
	return why.err()
}

// letGo voids what was authorized, or gives back what was captured.
func (s *Service) letGo(ctx context.Context, store Storefront, provider string, p gateway.Payment) error {
	gw, kind, err := s.need.Gateway(ctx, store, provider)
	if err != nil || kind.Cash {
		return err
	}
	switch p.State {
	case gateway.Captured:
		_, err = gw.Refund(ctx, gateway.Act{Reference: p.Reference + ".back", Payment: p.External, Reason: "the checkout was not finished"})
	case gateway.Authorized, gateway.Action, gateway.Pending, gateway.Unknown:
		_, err = gw.Void(ctx, gateway.Act{Reference: p.Reference + ".void", Payment: p.External, Reason: "the checkout was not finished"})
	}
	return err
}

// finish takes the money that a placed cart was promised, and brings its order in. What fails here is done later by Recover: the order stands.
func (s *Service) finish(ctx context.Context, store Storefront, c basket) (Answer, error) {
	if c.payState == string(gateway.Authorized) {
		err := s.capture(ctx, store, &c)
		if err == nil && c.order != "" { // the order is there: it learns by reading the document again
			err = s.again(ctx, store, c.id)
		}
		if err != nil {
			s.need.Log.Error("capture of a placed order is tried again", "cart", c.id, "err", err)
		}
	}
	if c.order == "" {
		if err := s.land(ctx, store, &c); err != nil {
			s.need.Log.Error("import of a placed order is tried again", "cart", c.id, "err", err)
		}
	}
	return Answer{State: c.state, Number: c.number, Order: c.order, Total: c.totals.Total, Payment: c.payState, Version: c.version}, nil
}

// capture takes what was authorized, and writes it into the order.
func (s *Service) capture(ctx context.Context, store Storefront, c *basket) error {
	gw, _, err := s.need.Gateway(ctx, store, c.payment)
	if err != nil {
		return err
	}
	ref := c.reference()
	p, err := gw.Capture(ctx, gateway.Act{Reference: ref + ".capture", Payment: c.payExternal, Amount: c.totals.Total})
	if err != nil {
		if p, err = s.captured(ctx, gw, c, err); err != nil {
			return err
		}
	}
	return s.revise(ctx, c.id, func(c2 *basket, doc *channel.OwnOrder) bool {
		if c2.payState != string(gateway.Authorized) {
			return false
		}
		c2.payState = payStatus(p)
		for i := range doc.Payments {
			doc.Payments[i].Status = c2.payState
		}
		if c2.payState != "paid" {
			doc.Status = "unpaid"
		}
		return true
	}, c)
}

// captured reads a payment whose capture failed or was not answered: it may have happened, it may have run out.
func (s *Service) captured(ctx context.Context, gw gateway.Gateway, c *basket, cause error) (gateway.Payment, error) {
	f, ok := gw.(gateway.Finder)
	if !ok {
		return gateway.Payment{}, cause
	}
	p, err := f.FindPayment(ctx, c.reference())
	if err != nil || p.State == gateway.Authorized || p.State == gateway.Pending || p.State == gateway.Action || p.State == gateway.Unknown {
		return gateway.Payment{}, cause
	}
	return p, nil
}

// payStatus is a payment in the words of channel.OwnPayment.
func payStatus(p gateway.Payment) string {
	switch p.State {
	case gateway.Captured, gateway.Refunded:
		return "paid"
	case gateway.Due:
		return "due"
	case gateway.Authorized:
		return "authorized"
	case gateway.Voided, gateway.Expired:
		return "voided"
	}
	return "failed"
}

// Receive takes what a provider pushes to a storefront's address: verified before it is read, then each payment of a checkout is settled by it.
// Faults: NotFound for a provider that pushes nothing, Unauthorized for a forged or stale delivery.
func (s *Service) Receive(ctx context.Context, store Storefront, provider string, header http.Header, body []byte) error {
	gw, _, err := s.need.Gateway(ctx, store, provider)
	if err != nil {
		return err
	}
	w, ok := gw.(gateway.Webhooker)
	if !ok {
		return fault.New(fault.NotFound, "this provider sends nothing")
	}
	d := partner.Delivery{Header: header, Body: body, At: s.need.DB.Now()}
	if _, err := w.Verify(d); err != nil {
		return err
	}
	hints, err := w.Hints(d)
	if err != nil {
		return err
	}
	for _, h := range hints {
		if err := s.hint(ctx, gw, provider, h); err != nil {
			return err
		}
	}
	return nil
}

// hint settles the attempt that a hint is about. One about something else, or about an attempt that is over and holds no money, changes nothing.
func (s *Service) hint(ctx context.Context, gw gateway.Gateway, provider string, h gateway.Hint) error {
	p, err := readAgain(ctx, gw, h)
	if err != nil {
		return err
	}
	return s.Seen(ctx, provider, p)
}

// Seen is told how a payment stands at its provider, where no order has it yet: the checkout that asked for it is settled by it. One that no checkout asked for, or that is
// over and holds no money, changes nothing; repeating it is harmless.
func (s *Service) Seen(ctx context.Context, provider string, p gateway.Payment) error {
	id, attempt, ok := cutReference(p.Reference)
	if !ok {
		return nil
	}
	var c basket
	var store Storefront
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		if c, err = one(tx, false, `c.id = $1`, id); err != nil {
			return err
		}
		store, err = byID(tx, c.store)
		return err
	})
	if fault.Is(err, fault.NotFound) || c.payment != provider {
		return nil
	}
	switch {
	case err != nil:
		return err
	case c.state == Placed && c.attempt == attempt:
		return nil // from here on the payment is the order's
	case c.state == Placing && c.attempt == attempt:
		if _, err = s.settle(ctx, store, id, attempt, p); fault.Is(err, fault.Conflict) {
			return nil
		}
		return err
	case p.State == gateway.Authorized || p.State == gateway.Captured:
		return s.letGo(ctx, store, provider, p)
	}
	return nil
}

// readAgain reads the payment behind a hint: a hint is a hint, the provider is the truth.
func readAgain(ctx context.Context, gw gateway.Gateway, h gateway.Hint) (gateway.Payment, error) {
	if r, ok := gw.(gateway.Reader); ok && h.External != "" {
		return r.ReadPayment(ctx, h.External)
	}
	if h.Payment != nil {
		return *h.Payment, nil
	}
	return gateway.Payment{}, nil
}

// cutReference is the inverse of basket.reference.
func cutReference(ref string) (id string, attempt int64, ok bool) {
	id, n, ok := strings.Cut(ref, ".")
	if !ok {
		return "", 0, false
	}
	attempt, ok = number(n)
	return id, attempt, ok
}

// unknownOutcome asks a person about money of which nobody can say what became of it.
func unknownOutcome(tx *db.Tx, c *basket, store Storefront) error {
	return exception.Raise(tx, exception.Case{
		Cause: exception.OutcomeUnknown, SubjectKind: "cart", Subject: c.id, Account: store.Account,
		Detail: map[string]string{"reference": c.reference(), "provider": c.payment, "amount": c.totals.Total.String()},
	})
}

// keep seals an order into the cart, in place of the one it kept before.
func (s *Service) keep(tx *db.Tx, c *basket, doc channel.OwnOrder) error {
	plain, err := text(doc)
	if err != nil {
		return err
	}
	sealed, err := s.need.Privacy.SealRaw([]byte(plain), "cart/"+c.id+"/order")
	if err != nil {
		return err
	}
	if c.documentKey != "" {
		if err := s.need.Privacy.Destroy(tx, []string{c.documentKey}); err != nil {
			return err
		}
	}
	c.document, c.documentKey, c.changedAt = sealed.Box, sealed.KeyID, doc.UpdatedAt
	return s.need.Privacy.Write(tx, []privacy.Sealed{sealed})
}
