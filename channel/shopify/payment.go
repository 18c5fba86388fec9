package shopify

import (
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/money"
)

// methods say how the buyer pays by words in the gateway's name; the first that matches counts.
var methods = []struct {
	words  string
	method channel.PaymentMethod
}{
	{"gift_card", channel.PayGiftCard},
	{"shopify_payments", channel.PayCard},
	{"stripe", channel.PayCard},
	{"bogus", channel.PayCard}, // the test gateway
	{"card", channel.PayCard},
	{"bank", channel.PayBank},
	{"money_order", channel.PayBank},
	{"paypal", channel.PayWallet},
	{"wallet", channel.PayWallet},
	{"apple_pay", channel.PayWallet},
	{"google_pay", channel.PayWallet},
	{"jazzcash", channel.PayWallet},
	{"easypaisa", channel.PayWallet},
}

func (r rules) method(gateway string) channel.PaymentMethod {
	if r.isCOD(gateway) {
		return channel.PayCOD
	}
	name := slug(gateway)
	for _, m := range methods {
		if strings.Contains(name, m.words) {
			return m.method
		}
	}
	return channel.PayOther
}

// payments are one per gateway, named by it: that is what both shapes can tell, as a webhook body has no transactions.
func (s *sheet) payments(r *reader, rules rules) []channel.Payment {
	var out []channel.Payment
	names := s.payers()
	for _, name := range names {
		p := channel.Payment{External: slug(name), Gateway: name, Method: rules.method(name)}
		if p.Method == channel.PayCOD {
			p.Collector = rules.collector
		}
		if len(s.txs) > 0 {
			p.Status, p.Amount = s.byTransactions(r, slug(name))
			if len(names) == 1 && p.Status != channel.Paid && p.Status != channel.Unknown {
				p.Amount = s.expected(r, p.Status) // what was first asked for, an edit may have changed since
			}
		} else {
			p.Status, p.Amount = s.byStatus(r)
		}
		out = append(out, p)
	}
	return out
}

// payers are the names of the gateways, each once.
func (s *sheet) payers() []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.ContainsFunc(names, func(n string) bool { return slug(n) == slug(name) }) {
			names = append(names, name)
		}
	}
	for _, g := range s.gateways {
		add(g)
	}
	for _, t := range s.txs {
		if t.kind != "REFUND" {
			add(t.gateway)
		}
	}
	return names
}

// byStatus is what the order's financial status says of its only payment. With several gateways the shares are not known.
func (s *sheet) byStatus(r *reader) (channel.Status, money.Amount) {
	var st channel.Status
	switch status("payment", s.financial) {
	case channel.Due:
		st = channel.Due
	case channel.Authorized:
		st = channel.Authorized
	case channel.Voided:
		st = channel.Voided
	case channel.Failed:
		st = channel.Failed
	case channel.Paid, channel.PartPaid, channel.Refunded, channel.PartRefunded:
		st = channel.Paid
	default:
		return channel.Unknown, money.Amount{}
	}
	if len(s.gateways) > 1 {
		return st, money.Amount{}
	}
	return st, s.expected(r, st)
}

// expected is what a payment of the whole order amounts to: what was received, what is still due, else the order's total.
func (s *sheet) expected(r *reader, st channel.Status) money.Amount {
	switch {
	case st == channel.Paid:
		return s.received
	case st == channel.Due && !s.current.IsNone() && !s.received.IsNone():
		due := r.sub("outstanding", s.current, s.received)
		for _, f := range s.refunds {
			due = r.add("outstanding", due, f.paid(r))
		}
		return due
	}
	return s.total
}

// byTransactions sums what happened at one gateway. https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderTransactionKind
func (s *sheet) byTransactions(r *reader, gateway string) (channel.Status, money.Amount) {
	sums := map[channel.Status]money.Amount{}
	add := func(st channel.Status, a money.Amount) { sums[st] = r.add("transactions", sums[st], a) }
	known, strange := false, false
	for _, t := range s.txs {
		if slug(t.gateway) != gateway {
			continue
		}
		switch {
		case t.kind == "REFUND" || t.kind == "SUGGESTED_REFUND":
			continue
		case t.status == "SUCCESS" && (t.kind == "SALE" || t.kind == "CAPTURE"):
			add(channel.Paid, t.amount)
		case t.status == "SUCCESS" && t.kind == "CHANGE":
			add(channel.Paid, t.amount.Neg())
		case t.status == "SUCCESS" && (t.kind == "AUTHORIZATION" || t.kind == "EMV_AUTHORIZATION"):
			add(channel.Authorized, t.amount)
		case t.kind == "VOID" && t.status == "SUCCESS":
			add(channel.Voided, t.amount)
		case t.status == "PENDING" || t.status == "AWAITING_RESPONSE":
			add(channel.Due, t.amount)
		case t.status == "FAILURE" || t.status == "ERROR":
			add(channel.Failed, t.amount)
		default:
			strange = true
			continue
		}
		known = true
	}
	switch {
	case known:
		return s.strongest(r, sums)
	case strange:
		return channel.Unknown, money.Amount{}
	}
	return s.byStatus(r)
}

// strongest picks what the sums come to: money that is here, else promised and not called off, else awaited, else called off, else refused.
func (s *sheet) strongest(r *reader, sums map[channel.Status]money.Amount) (channel.Status, money.Amount) {
	if a := sums[channel.Paid]; a.Sign() > 0 {
		return channel.Paid, a
	}
	called := status("payment", s.financial) // a pending sale of a cancelled order stays among the transactions
	if a := sums[channel.Authorized]; a.Sign() > 0 {
		switch {
		case sums[channel.Voided].Sign() > 0 || called == channel.Voided:
			return channel.Voided, a
		case called == channel.Failed:
			return channel.Failed, a
		}
		return channel.Authorized, a
	}
	if a := sums[channel.Due]; a.Sign() > 0 {
		if called == channel.Voided || called == channel.Failed {
			return called, a
		}
		return channel.Due, a
	}
	for _, st := range []channel.Status{channel.Voided, channel.Failed} {
		if a := sums[st]; a.Sign() > 0 {
			return st, a
		}
	}
	return s.byStatus(r)
}

// paid is the money that went back: successful refunds only.
func (f sheetRefund) paid(r *reader) money.Amount {
	var sum money.Amount
	for _, t := range f.txs {
		if t.kind == "REFUND" && t.status == "SUCCESS" {
			sum = r.add("refund "+f.id, sum, t.amount)
		}
	}
	return sum
}

// canonical is a refund as ours; false for one that gave no money back and only put units back on the shelf.
func (f sheetRefund) canonical(r *reader, s *sheet) (channel.Refund, bool) {
	out := channel.Refund{External: f.id, Amount: f.paid(r), At: f.at, Reason: f.note}
	if out.Amount.Sign() <= 0 {
		return out, false
	}
	for _, t := range f.txs {
		switch via := slug(t.gateway); {
		case t.kind != "REFUND" || t.status != "SUCCESS":
		case out.Payment == "":
			out.Payment = via
		case out.Payment != via:
			out.Payment = "-" // several
		}
	}
	out.Payment = strings.TrimSuffix(out.Payment, "-")
	for _, l := range f.lines {
		line := channel.RefundLine{Line: l.line, Quantity: l.quantity, Amount: l.subtotal, Restock: channel.RestockNone}
		if !s.taxIncluded {
			line.Amount = r.add("refund "+f.id, line.Amount, l.tax)
		}
		switch l.restock {
		case "CANCEL":
			line.Restock = channel.RestockCancel
		case "RETURN":
			line.Restock = channel.RestockReturn
		}
		out.Lines = append(out.Lines, line)
	}
	return out, true
}
