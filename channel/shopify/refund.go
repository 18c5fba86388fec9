package shopify

import (
	"context"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// Refund gives money back in the buyer's currency, through the payments Shopify suggests, or through the one named. The reference is the idempotency key and
// stands in the refund's note: a refund that already carries it is returned and not made again. fault.Refused when less is left to give back.
// https://shopify.dev/docs/api/admin-graphql/latest/mutations/refundCreate
func (a *adapter) Refund(ctx context.Context, r channel.RefundRequest) (channel.Refund, error) {
	if r.Amount.Sign() <= 0 {
		return channel.Refund{}, fault.Field("amount", "%s is nothing to give back", r.Amount)
	}
	if r.Reference == "" {
		return channel.Refund{}, fault.Field("reference", "is needed, or the money could go back twice")
	}
	return a.give(ctx, giving{
		order: r.Order, reference: r.Reference, note: r.Reason, notify: r.Notify, location: r.Location, lines: r.Lines, amount: r.Amount, shipping: r.Shipping,
		payment: r.Payment,
	})
}

// giving is one refund to make.
type giving struct {
	order, reference, note, location, payment string
	notify                                    bool
	lines                                     []channel.RefundLine
	amount                                    money.Amount // none: see suggested
	shipping                                  money.Amount
	suggested                                 bool // give back what Shopify suggests for the lines; else, without an amount, nothing
}

type suggestion struct {
	Transactions []suggested `json:"suggestedTransactions"`
}

type suggested struct {
	Gateway string `json:"gateway"`
	Parent  *node  `json:"parentTransaction"`
	Amount  *bag   `json:"amountSet"`
	Maximum *bag   `json:"maximumRefundableSet"`
}

type refundContext struct {
	Currency  string     `json:"presentmentCurrencyCode"`
	Included  bool       `json:"taxesIncluded"`
	Refunds   []noted    `json:"refunds"`
	Suggested suggestion `json:"suggested"`
	Full      suggestion `json:"full"`

	Transactions []graphTransaction `json:"transactions"`
}

// rest is what each payment can still give back by its own transactions: of units that were processed as returned Shopify suggests nothing any more.
func (o *refundContext) rest(r *reader) suggestion {
	var s suggestion
	for _, t := range o.Transactions {
		if t.Status != "SUCCESS" || t.Kind != "SALE" && t.Kind != "CAPTURE" {
			continue
		}
		left := r.presentment("transactions", t.Amount, o.Currency)
		for _, back := range o.Transactions {
			if back.Status == "SUCCESS" && back.Kind == "REFUND" && back.Parent != nil && back.Parent.ID == t.ID {
				left = r.sub("transactions", left, r.presentment("transactions", back.Amount, o.Currency))
			}
		}
		row := suggested{Gateway: t.Gateway, Parent: &node{ID: t.ID}, Amount: &bag{Presentment: &moneyText{Amount: text(left.Decimal()), Currency: left.Currency}}}
		s.Transactions = append(s.Transactions, row)
	}
	return s
}

func (a *adapter) give(ctx context.Context, g giving) (channel.Refund, error) {
	lines := g.input()
	var answer struct {
		Order *refundContext `json:"order"`
	}
	vars := map[string]any{"id": gid("Order", g.order), "lines": lines}
	if g.shipping.Sign() > 0 {
		vars["shipping"] = g.shipping.Decimal()
	}
	if _, err := a.ask(ctx, "RefundContext", vars, &answer); err != nil {
		return channel.Refund{}, err
	}
	if answer.Order == nil {
		return channel.Refund{}, unknownOrder(g.order)
	}
	for _, n := range answer.Order.Refunds {
		if signedBy(string(n.Note), g.reference) {
			return a.refund(ctx, n.ID, sheetOf(answer.Order))
		}
	}
	parts, err := g.split(answer.Order)
	if err != nil {
		return channel.Refund{}, err
	}
	input := map[string]any{"orderId": gid("Order", g.order), "currency": answer.Order.Currency, "note": signedNote(g.note, g.reference), "notify": g.notify}
	if len(lines) > 0 {
		input["refundLineItems"] = lines
	}
	if g.shipping.Sign() > 0 {
		input["shipping"] = map[string]any{"amount": g.shipping.Decimal()}
	}
	var txs []map[string]any
	for _, p := range parts {
		tx := map[string]any{"orderId": gid("Order", g.order), "kind": "REFUND", "gateway": p.gateway, "amount": p.amount.Decimal()}
		if p.parent != "" {
			tx["parentId"] = p.parent
		}
		txs = append(txs, tx)
	}
	if len(txs) > 0 {
		input["transactions"] = txs
	}
	return a.refundCreate(ctx, input, g.reference, sheetOf(answer.Order))
}

// refundContext reads what a refund has to know of its order, without lines.
func (a *adapter) refundContext(ctx context.Context, order string) (*refundContext, error) {
	var answer struct {
		Order *refundContext `json:"order"`
	}
	if _, err := a.ask(ctx, "OrderMoney", map[string]any{"id": gid("Order", order)}, &answer); err != nil {
		return nil, err
	}
	if answer.Order == nil {
		return nil, unknownOrder(order)
	}
	return answer.Order, nil
}

// sheetOf holds what a refund needs of its order to be read.
func sheetOf(o *refundContext) *sheet { return &sheet{currency: o.Currency, taxIncluded: o.Included} }

// input are the lines in Shopify's words. CANCEL is for units never sent, RETURN for units that came back.
func (g giving) input() []map[string]any {
	lines := []map[string]any{}
	for _, l := range g.lines {
		line := map[string]any{"lineItemId": gid("LineItem", l.Line), "quantity": l.Quantity, "restockType": "NO_RESTOCK"}
		switch l.Restock {
		case channel.RestockCancel:
			line["restockType"] = "CANCEL"
		case channel.RestockReturn:
			if g.location != "" { // Shopify refuses RETURN without a location; the stock itself is pushed by us in either case
				line["restockType"] = "RETURN"
			}
		}
		if line["restockType"] != "NO_RESTOCK" && g.location != "" {
			line["locationId"] = gid("Location", g.location)
		}
		lines = append(lines, line)
	}
	return lines
}

// share is the part of a refund that goes back through one payment.
type share struct {
	gateway, parent string
	amount          money.Amount
}

// split spreads the amount over the payments: those Shopify suggests for these lines first, then whatever else can still be given back, each up to what is
// left of it.
func (g giving) split(o *refundContext) ([]share, error) {
	r := &reader{}
	if g.amount.IsNone() && !g.suggested {
		return nil, nil
	}
	if !g.amount.IsNone() && g.amount.Currency != o.Currency {
		return nil, fault.Field("amount", "%s is not in the order's currency, %s", g.amount, o.Currency)
	}
	var out []share
	taken := map[string]bool{}
	left := g.amount
	take := func(s suggestion, asSuggested bool) {
		for _, t := range s.Transactions {
			parent := ""
			if t.Parent != nil {
				parent = t.Parent.ID
			}
			if taken[t.Gateway+parent] || g.payment != "" && g.payment != slug(t.Gateway) && g.payment != tail(parent) {
				continue
			}
			upTo := r.presentment("suggestedTransactions", t.Amount, o.Currency)
			if m := r.presentment("maximumRefundableSet", t.Maximum, o.Currency); !asSuggested && !m.IsNone() {
				upTo = m
			}
			part := upTo
			if !asSuggested && part.Minor > left.Minor {
				part = left
			}
			if part.Sign() <= 0 {
				continue
			}
			taken[t.Gateway+parent] = true
			out = append(out, share{t.Gateway, parent, part})
			left = r.sub("amount", left, part)
		}
	}
	take(o.Suggested, g.amount.IsNone())
	if !g.amount.IsNone() {
		take(o.Full, false)
		take(o.rest(r), false)
		if r.err == nil && left.Sign() > 0 {
			return nil, fault.New(fault.Refused, "%s more than Shopify can still give back", left).WithCode("EXCEEDS_REFUNDABLE")
		}
	}
	return out, r.err
}

// refundCreate makes the refund under the reference as idempotency key, which is compulsory from 2026-04.
func (a *adapter) refundCreate(ctx context.Context, input map[string]any, reference string, s *sheet) (channel.Refund, error) {
	var answer struct {
		Create struct {
			Refund *graphRefund `json:"refund"`
			Errors []userError  `json:"userErrors"`
		} `json:"refundCreate"`
	}
	call := func(vars map[string]any) error {
		answer.Create.Refund, answer.Create.Errors = nil, nil
		if _, err := a.ask(ctx, "GiveBack", vars, &answer); err != nil {
			return err
		}
		if err := keyFault(answer.Create.Errors); err != nil {
			return err
		}
		return refused(answer.Create.Errors)
	}
	var err error
	if a.atLeast(versionIdempotent) {
		err = withKey(reference, func(key string) error { return call(map[string]any{"input": input, "key": key}) })
	} else {
		err = call(map[string]any{"input": input})
	}
	switch {
	case err != nil:
		return channel.Refund{}, err
	case answer.Create.Refund == nil:
		return channel.Refund{}, fault.New(fault.OutcomeUnknown, "Shopify does not say which refund it made")
	}
	r := &reader{}
	out, _ := answer.Create.Refund.read(r, docRefund, s.currency).canonical(r, s)
	return out, r.err
}

// refund reads one refund again.
func (a *adapter) refund(ctx context.Context, id string, s *sheet) (channel.Refund, error) {
	raw := channel.Raw{}
	f := &fetch{a: a, raw: &raw}
	if err := f.pages(ctx, docRefund, "Refund", gid("Refund", id)); err != nil {
		return channel.Refund{}, err
	}
	r := &reader{}
	for _, d := range raw.Docs {
		if err := readMore(r, d, s, nil); err != nil {
			return channel.Refund{}, err
		}
	}
	if len(s.refunds) == 0 {
		return channel.Refund{}, fault.New(fault.NotFound, "Shopify knows no refund %.60s", tail(id))
	}
	out, _ := s.refunds[0].canonical(r, s)
	return out, r.err
}
