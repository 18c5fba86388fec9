package payment

import (
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// decide caps the refund: by what was captured, per line by what it cost; the last one of a line takes the remainder.
func decide(o Order, payments []Payment, refunds []Refund, a Ask) (Refund, error) {
	lines, sum, err := price(o, refunds, a)
	if err != nil {
		return Refund{}, err
	}
	r := Refund{
		OrderID: o.ID, ReturnID: a.Return, Reference: a.Reference, Origin: "ours", State: "intended", Currency: o.Currency, Shipping: a.Shipping, Reason: a.Reason, Actor: a.Actor,
		Version: 1, Lines: lines, Amount: sum,
	}
	captured, out := totals(payments, refunds)
	switch {
	case r.Amount <= 0:
		return Refund{}, fault.Field("amount", "must be more than nothing")
	case r.Amount > captured-out:
		return Refund{}, fault.New(fault.Conflict, "%s cannot go back: of %s captured, %s is or is going back already", money.Of(r.Amount, o.Currency), money.Of(captured, o.Currency), money.Of(out, o.Currency)).WithCode("over_captured")
	}
	return r, r.through(payments, refunds, a.Method)
}

// totals are what was captured, and what went back or is on its way back.
func totals(payments []Payment, refunds []Refund) (captured, out int64) {
	for _, p := range payments {
		captured += p.Captured
	}
	for _, r := range refunds {
		if r.State != "refused" {
			out += r.Amount
		}
	}
	return captured, out
}

// price works out what each line of a refund comes to, and all of it. An amount that is given is split over lines without amounts as their own worth; the parts sum exactly.
func price(o Order, refunds []Refund, a Ask) ([]RefundLine, int64, error) {
	if a.Amount < 0 || a.Shipping < 0 {
		return nil, 0, fault.Field("amount", "must not be below nothing")
	}
	lines, sum := make([]RefundLine, 0, len(a.Lines)), int64(0)
	given := false
	for _, l := range a.Lines {
		if slices.ContainsFunc(lines, func(x RefundLine) bool { return x.LineID == l.LineID }) {
			return nil, 0, fault.Field("lines", "line %s is named twice", l.LineID)
		}
		given = given || l.Amount != 0
		if err := capLine(o, refunds, &l); err != nil {
			return nil, 0, err
		}
		sum += l.Amount
		lines = append(lines, l)
	}
	if err := capShipping(o, refunds, a.Shipping); err != nil {
		return nil, 0, err
	}
	switch want := a.Amount - a.Shipping; {
	case a.Amount == 0 || len(lines) == 0 || want == sum:
	case given || want < 0 || want > sum:
		return nil, 0, fault.Field("amount", "%s is not what lines and shipping come to: %s", money.Of(a.Amount, o.Currency), money.Of(sum+a.Shipping, o.Currency))
	default:
		if err := spreadOver(lines, want, o.Currency); err != nil {
			return nil, 0, err
		}
	}
	if a.Amount != 0 {
		return lines, a.Amount, nil
	}
	return lines, sum + a.Shipping, nil
}

// spreadOver gives lines less than their worth, each its part.
func spreadOver(lines []RefundLine, amount int64, currency string) error {
	weights := make([]int64, len(lines))
	for i, l := range lines {
		weights[i] = l.Amount
	}
	parts, err := money.Of(amount, currency).Split(weights)
	for i := range parts {
		lines[i].Amount = parts[i].Minor
	}
	return err
}

// capShipping keeps what goes back of shipping and other charges within what they cost.
func capShipping(o Order, refunds []Refund, shipping int64) error {
	if shipping == 0 {
		return nil
	}
	cost, before := o.charges(), shippingBack(refunds)
	if before+shipping > cost {
		return fault.New(fault.Conflict, "shipping and charges cost %s, of which %s went back already", money.Of(max(0, cost), o.Currency), money.Of(before, o.Currency)).WithCode("over_refunded")
	}
	return nil
}

// capLine fills and caps one line of a refund.
func capLine(o Order, refunds []Refund, l *RefundLine) error {
	i := slices.IndexFunc(o.Lines, func(x OrderLine) bool { return x.ID == l.LineID })
	if i < 0 {
		return fault.Field("lines", "order %s has no line %s", o.Number, l.LineID)
	}
	line := o.Lines[i]
	var units, paid int64
	for _, r := range refunds {
		for _, b := range r.Lines {
			if r.State != "refused" && b.LineID == l.LineID {
				units += b.Quantity
				paid += b.Amount
			}
		}
	}
	if l.Quantity < 0 || units+l.Quantity > line.Ordered {
		return fault.New(fault.Conflict, "line %s: %d of %d units are refunded already", l.LineID, units, line.Ordered).WithCode("over_refunded")
	}
	if l.Amount == 0 && l.Quantity > 0 {
		worth := line.Total
		if units+l.Quantity < line.Ordered {
			share, err := money.Of(line.Total, o.Currency).Share(units+l.Quantity, line.Ordered, money.HalfUp)
			if err != nil {
				return err
			}
			worth = share.Minor
		}
		l.Amount = max(0, worth-paid)
	}
	if l.Amount < 0 || paid+l.Amount > line.Total {
		return fault.New(fault.Conflict, "line %s cost %s, of which %s went back already", l.LineID, money.Of(line.Total, o.Currency), money.Of(paid, o.Currency)).WithCode("over_refunded")
	}
	if l.Restock == "" {
		l.Restock = "none"
	}
	return nil
}

// through chooses the way the money goes: back through the payment it came by. Cash that a courier or a branch took, and
// value that came from another order, go out through the payout list.
func (r *Refund) through(payments []Payment, refunds []Refund, method string) error {
	r.Method = "channel"
	switch p := payer(payments, refunds, r.Amount); {
	case p == nil && method == "" && slices.ContainsFunc(payments, func(p Payment) bool { return p.ours() }):
		return fault.New(fault.Conflict, "no single payment of the order has %s left: give it back in parts, or through the payout list", money.Of(r.Amount, r.Currency)).WithCode("several_payments")
	case p == nil: // the channel chooses
	case p.credit() || p.Method == string(channel.PayCOD) && (p.ours() || p.Collector != string(channel.ByChannel)):
		r.PaymentID, r.Method = p.ID, Payout
	default:
		r.PaymentID, r.Method = p.ID, p.Provider
	}
	if method != "" {
		r.Method = method
	}
	return nil
}

// payer finds the oldest payment that has the whole amount left, with all that is on its way back taken off.
func payer(payments []Payment, refunds []Refund, amount int64) *Payment {
	left := make([]int64, len(payments))
	for i := range payments {
		left[i] = payments[i].Captured
	}
	for _, r := range refunds {
		rest := r.Amount
		if r.State == "refused" {
			continue
		}
		for _, named := range []bool{true, false} {
			for i := range payments {
				if (payments[i].ID == r.PaymentID) == named {
					part := min(rest, max(0, left[i]))
					left[i] -= part
					rest -= part
				}
			}
		}
	}
	for i := range payments {
		if left[i] >= amount {
			return &payments[i]
		}
	}
	return nil
}

// electronic reports whether a gateway of ours carries the refund out.
func (r *Refund) electronic(payments []Payment) bool {
	return slices.ContainsFunc(payments, func(p Payment) bool { return p.ID == r.PaymentID && p.electronic() && r.Method == p.Provider })
}

// Worth says what a refund would come to by now: each line, and all of it within what was captured and has not gone back. It changes nothing.
func (s *Service) Worth(tx *db.Tx, order string, lines []RefundLine, shipping int64) ([]int64, int64, error) {
	heads, err := s.need.Orders(tx, []string{order}, false)
	if err != nil {
		return nil, 0, err
	}
	payments, refunds, err := s.Of(tx, order)
	if err != nil {
		return nil, 0, err
	}
	priced, sum, err := price(heads[order], refunds, Ask{Lines: lines, Shipping: shipping})
	if err != nil {
		return nil, 0, err
	}
	captured, out := totals(payments, refunds)
	each := make([]int64, len(priced))
	for i, l := range priced {
		each[i] = l.Amount
	}
	return each, max(0, min(sum, captured-out)), nil
}
