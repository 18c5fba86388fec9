package payment

import (
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/db"
)

// types declares the columns of row, by the names of the table.
const types = `id text, order_id text, account_id text, external text, method text, gateway text, provider text, state text, currency text, amount bigint, authorized bigint,
	captured bigint, refunded bigint, collector text, cod_state text, cod_due bigint, cod_collected bigint, cod_basis text, reference text, at bigint, updated_at bigint, version bigint`

const names = `id, order_id, account_id, external, method, gateway, provider, state, currency, amount, authorized, captured, refunded, collector, cod_state, cod_due, cod_collected,
	cod_basis, reference, at, updated_at, version`

func row(p *Payment, now any) []any {
	var due, got any
	if p.CODState != "" {
		due, got = p.CODDue, p.CODGot
	}
	return []any{p.ID, p.OrderID, p.Account, p.External, p.Method, p.Gateway, p.Provider, p.State, p.Currency, p.Amount, p.Authorized, p.Captured, p.Refunded,
		orNull(p.Collector), orNull(p.CODState), due, got, orNull(p.CODBasis), orNull(p.Reference), db.Micros(p.At), now, p.Version}
}

// ledger is the money of one order while it is being changed.
type ledger struct {
	facts    *Facts
	payments []Payment
	refunds  []Refund
	made     []int // indexes of new payments
	edited   []int
	newBack  []Refund
	matched  []Refund // intended ones that the channel reports as done
}

// Record takes what channels say about the money of orders, and answers each order's money state. It runs before a fresh order's own row exists, so it emits nothing:
// Announce does that afterwards. What was captured never falls because a reading lacks it. Set-based; safe to repeat.
func (s *Service) Record(tx *db.Tx, facts []Facts) (map[string]string, error) {
	var old []string
	for i := range facts {
		if !facts[i].Fresh {
			old = append(old, facts[i].OrderID)
		}
	}
	payments, refunds, err := s.moneyOf(tx, old)
	if err != nil {
		return nil, err
	}
	states := make(map[string]string, len(facts))
	all := make([]*ledger, 0, len(facts))
	for i := range facts {
		f := &facts[i]
		l := &ledger{facts: f, payments: payments[f.OrderID], refunds: refunds[f.OrderID]}
		for _, p := range f.Payments {
			l.take(tx, p)
		}
		for _, r := range f.Refunds {
			l.takeBack(tx, r)
		}
		l.spread()
		states[f.OrderID] = StateOf(f.Total, l.payments)
		all = append(all, l)
	}
	return states, s.write(tx, all)
}

// moneyOf reads payments and refunds of orders, locked.
func (s *Service) moneyOf(tx *db.Tx, orders []string) (map[string][]Payment, map[string][]Refund, error) {
	payments, refunds := map[string][]Payment{}, map[string][]Refund{}
	if len(orders) == 0 {
		return payments, refunds, nil
	}
	rows, err := db.All(tx, scan, `select `+columns+` from order_payments p where p.order_id in (select key from json_each($1)) order by p.id`+tx.Lock(), db.Keys(orders))
	if err != nil {
		return nil, nil, err
	}
	for _, p := range rows {
		tx.Locking(db.LockPayment, p.ID)
		payments[p.OrderID] = append(payments[p.OrderID], p)
	}
	back, err := db.All(tx, scanRefund, `select `+refundColumns+` from refunds r where r.order_id in (select key from json_each($1)) order by r.id`, db.Keys(orders))
	for _, r := range back {
		refunds[r.OrderID] = append(refunds[r.OrderID], r)
	}
	return payments, refunds, err
}

// take applies the channel's word on one payment.
func (l *ledger) take(tx *db.Tx, cp channel.Payment) {
	at := cp.At
	if at.IsZero() {
		at = l.facts.At
	}
	for i := range l.payments {
		p := &l.payments[i]
		if p.External == cp.External {
			was := *p
			p.become(cp)
			if *p != was {
				p.Version++
				l.edited = append(l.edited, i)
			}
			return
		}
	}
	p := Payment{
		ID: db.ID(), OrderID: l.facts.OrderID, Account: l.facts.Account, External: cp.External, Method: string(cp.Method), Gateway: cp.Gateway, Provider: "channel",
		State: Due, Currency: l.facts.Currency, Amount: cp.Amount.Minor, At: at, Version: 1,
	}
	if p.Method == string(channel.PayCOD) {
		p.Collector, p.CODState, p.CODDue = string(cp.Collector), "due", cp.Amount.Minor
		if p.Collector == "" {
			p.Collector = string(channel.Courier)
		}
	}
	p.become(cp)
	l.payments = append(l.payments, p)
	l.made = append(l.made, len(l.payments)-1)
}

// become moves a payment where the channel sees it, forward only.
func (p *Payment) become(cp channel.Payment) {
	if cp.Amount.Minor > 0 && p.Captured == 0 {
		p.Amount = cp.Amount.Minor
		if p.CODState == "due" {
			p.CODDue = cp.Amount.Minor
		}
	}
	switch cp.Status {
	case channel.Paid, channel.PartPaid, channel.Refunded, channel.PartRefunded:
		p.State, p.Captured = Captured, max(p.Captured, p.Amount)
		if p.CODState == "due" {
			p.CODState, p.CODGot, p.CODBasis = "collected", p.Amount, "channel"
		}
	case channel.Authorized:
		if p.State == Due || p.State == Unknown || p.State == Failed {
			p.State, p.Authorized = Authorized, p.Amount
		}
	case channel.Voided, channel.Cancelled:
		if p.State != Captured {
			p.State = Voided
			if p.CODState == "due" {
				p.CODState = "void"
			}
		}
	case channel.Failed:
		if p.State != Captured && p.State != Voided {
			p.State = Failed
		}
	case channel.Unknown:
		if p.State == Due && p.CODState == "" {
			p.State = Unknown
		}
	}
}

// takeBack applies the channel's word on one refund. One of ours that the channel reports is the same refund, not another.
func (l *ledger) takeBack(tx *db.Tx, cr channel.Refund) {
	for i := range l.refunds {
		if l.refunds[i].External == cr.External {
			return
		}
	}
	for i := range l.refunds {
		r := &l.refunds[i]
		if r.External == "" && r.Origin == "ours" && (r.State == "intended" || r.State == "unknown") && r.Method == "channel" && r.Amount == cr.Amount.Minor {
			r.External, r.State, r.DoneAt = cr.External, "issued", l.facts.At
			l.matched = append(l.matched, *r)
			return
		}
	}
	at := cr.At
	if at.IsZero() {
		at = l.facts.At
	}
	r := Refund{
		ID: db.ID(), OrderID: l.facts.OrderID, External: cr.External, Reference: "channel:" + cr.External, Origin: "channel", State: "recorded", Method: "channel",
		Currency: l.facts.Currency, Amount: cr.Amount.Minor, Reason: cr.Reason, Actor: "channel", At: at, DoneAt: at, Version: 1,
	}
	for i := range l.payments {
		if l.payments[i].External == cr.Payment {
			r.PaymentID = l.payments[i].ID
		}
	}
	for _, cl := range cr.Lines {
		if id := l.facts.Lines[cl.Line]; id != "" {
			r.Lines = append(r.Lines, RefundLine{LineID: id, Quantity: cl.Quantity, Amount: cl.Amount.Minor, Restock: string(cl.Restock)})
		}
	}
	l.refunds = append(l.refunds, r)
	l.newBack = append(l.newBack, r)
}

// spread puts the refunds that are out on the payments they went back through, oldest first.
func (l *ledger) spread() {
	var out int64
	for _, r := range l.refunds {
		if r.State == "issued" || r.State == "recorded" {
			out += r.Amount
		}
	}
	for i := range l.payments {
		p := &l.payments[i]
		part := min(out, p.Captured)
		out -= part
		if p.Refunded != part {
			p.Refunded = part
			l.touch(i)
		}
	}
	if out == 0 {
		return
	}
	for i := range l.newBack { // more went back than came: kept as reported, and flagged
		l.newBack[i].Flagged = "more was given back than was captured"
	}
	if n := len(l.payments); n > 0 {
		l.payments[n-1].Refunded += out
		l.touch(n - 1)
	}
}

func (l *ledger) touch(i int) {
	for _, j := range append(append([]int(nil), l.made...), l.edited...) {
		if i == j {
			return
		}
	}
	l.payments[i].Version++
	l.edited = append(l.edited, i)
}

// write brings all ledgers to the database.
func (s *Service) write(tx *db.Tx, all []*ledger) error {
	made, edits, back, lines, matched := db.NewBatch(1), db.NewBatch(1), db.NewBatch(1), db.NewBatch(2), db.NewBatch(1)
	now := db.Micros(tx.Now)
	for _, l := range all {
		for _, i := range l.made {
			made.Add(row(&l.payments[i], now)...)
		}
		for _, i := range l.edited {
			edits.Add(row(&l.payments[i], now)...)
		}
		for i := range l.newBack {
			r := &l.newBack[i]
			back.Add(refundRow(r)...)
			for _, x := range r.Lines {
				lines.Add(r.ID, x.LineID, x.Quantity, x.Amount, x.Restock)
			}
		}
		for _, r := range l.matched {
			matched.Add(r.ID, r.External, db.Micros(r.DoneAt))
		}
	}
	tx.Send(`insert into order_payments (`+names+`) select `+names+` from rows(`+types+`)`, made)
	tx.Send(updatePayments, edits)
	tx.Send(insertRefunds, back)
	tx.Send(insertRefundLines, lines)
	tx.Send(`update refunds set state = 'issued', external = r.x, done_at = r.d, version = refunds.version + 1 from rows(i text, x text, d bigint) where refunds.id = r.i`, matched)
	return tx.Flush()
}

const updatePayments = `update order_payments set state = r.state, amount = r.amount, authorized = r.authorized, captured = r.captured, refunded = r.refunded, collector = r.collector,
	cod_state = r.cod_state, cod_due = r.cod_due, cod_collected = r.cod_collected, cod_basis = r.cod_basis, reference = r.reference, updated_at = r.updated_at, version = r.version
	from rows(` + types + `) where order_payments.id = r.id and order_payments.version = r.version - 1`
