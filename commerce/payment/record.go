package payment

import (
	"fmt"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// types declares the columns of row, by the names of the table.
const types = `id text, order_id text, account_id text, external text, method text, gateway text, provider text, state text, currency text, amount bigint, authorized bigint,
	captured bigint, refunded bigint, collector text, cod_state text, cod_due bigint, cod_collected bigint, cod_basis text, cod_gone bigint, cod_taken bigint, reference text, at bigint, updated_at bigint, version bigint`

const names = `id, order_id, account_id, external, method, gateway, provider, state, currency, amount, authorized, captured, refunded, collector, cod_state, cod_due, cod_collected,
	cod_basis, cod_gone, cod_taken, reference, at, updated_at, version`

func row(p *Payment, now any) []any {
	var due, got, gone, taken any
	if p.CODState != "" {
		due, got, gone, taken = p.CODDue, p.CODGot, p.CODGone, p.CODTaken
	}
	return []any{
		p.ID, p.OrderID, p.Account, p.External, p.Method, p.Gateway, p.Provider, p.State, p.Currency, p.Amount, p.Authorized, p.Captured, p.Refunded,
		orNull(p.Collector), orNull(p.CODState), due, got, orNull(p.CODBasis), gone, taken, orNull(p.Reference), db.Micros(p.At), now, p.Version,
	}
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
			l.take(p)
		}
		l.capDue()
		for _, r := range f.Refunds {
			l.takeBack(r)
		}
		l.implied()
		l.spread()
		states[f.OrderID] = StateOf(f.Total, l.payments)
		all = append(all, l)
	}
	return states, s.write(tx, all)
}

// moneyOf reads payments and refunds of orders. Their rows need no lock of their own: all that changes them holds the lock of the order's row.
func (s *Service) moneyOf(tx *db.Tx, orders []string) (map[string][]Payment, map[string][]Refund, error) {
	payments, refunds := map[string][]Payment{}, map[string][]Refund{}
	if len(orders) == 0 {
		return payments, refunds, nil
	}
	rows, err := db.All(tx, scan, `select `+columns+` from order_payments p where p.order_id in (select key from json_each($1)) order by p.id`, db.Keys(orders))
	if err != nil {
		return nil, nil, err
	}
	for _, p := range rows {
		payments[p.OrderID] = append(payments[p.OrderID], p)
	}
	back, err := db.All(tx, scanRefund, `select `+refundColumns+` from refunds r where r.order_id in (select key from json_each($1)) order by r.id`, db.Keys(orders))
	if err != nil || len(back) == 0 {
		return payments, refunds, err
	}
	ids := make([]string, len(back))
	for i, r := range back {
		ids[i] = r.ID
	}
	lines, err := refundLines(tx, ids)
	for _, r := range back {
		r.Lines = lines[r.ID]
		refunds[r.OrderID] = append(refunds[r.OrderID], r)
	}
	return payments, refunds, err
}

// take applies the channel's word on one payment.
func (l *ledger) take(cp channel.Payment) {
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
				l.touch(i)
			}
			return
		}
	}
	p := Payment{
		ID: db.ID(), OrderID: l.facts.OrderID, Account: l.facts.Account, External: cp.External, Method: string(cp.Method), Gateway: cp.Gateway, Provider: l.facts.provider(cp),
		State: Due, Currency: l.facts.Currency, Amount: cp.Amount.Minor, At: at, Version: 1,
	}
	if p.Method == string(channel.PayCOD) {
		p.Collector, p.CODState, p.CODDue = string(cp.Collector), CashIsDue, cp.Amount.Minor
		if p.Collector == "" {
			p.Collector = string(channel.Courier)
		}
	}
	p.become(cp)
	l.payments = append(l.payments, p)
	l.made = append(l.made, len(l.payments)-1)
}

// provider is who holds the money: the channel, or for our own site the provider that took it.
func (f *Facts) provider(cp channel.Payment) string {
	switch {
	case cp.Method == channel.PayExchange:
		return Exchange
	case f.Channel != "ownsite":
		return "channel"
	case cp.Method == channel.PayCOD:
		return "cod"
	case cp.Gateway == "":
		return "channel"
	}
	return cp.Gateway
}

// become moves a payment where the channel sees it, forward only: an amount that was captured stays captured.
func (p *Payment) become(cp channel.Payment) {
	if amount := cp.Amount.Minor; amount > 0 && (p.Captured == 0 || amount > p.Amount) {
		p.Amount = amount
		if p.CODState == CashIsDue {
			p.CODDue = max(amount, p.settled())
		}
	}
	switch cp.Status {
	case channel.Paid, channel.PartPaid, channel.Refunded, channel.PartRefunded:
		if !p.step("capture") {
			return
		}
		if p.CODGone >= p.Amount { // it was paid after all
			p.CODGone = 0
		}
		p.Captured = max(p.Captured, p.Amount-p.CODGone)
		if p.CODBasis != "cod_confirmed" && p.cashStep("collect") {
			p.CODGot, p.CODBasis, p.CODTaken = p.Amount-p.CODGone, "cod_confirmed", 0
		}
	case channel.Authorized:
		if p.step("authorize") {
			p.Authorized = p.Amount
		}
	case channel.Voided, channel.Cancelled:
		if p.CODTaken > 0 {
			p.giveUp()
		} else if p.step("void") {
			p.cashStep("void")
		}
	case channel.Failed:
		p.step("fail")
	case channel.Unknown:
		if p.CODState == "" && p.State == Due {
			p.step("lose")
		}
	}
}

// capDue lowers the cash that is still due to what the buyer owes now: units that were cancelled are not collected, although the channel's payment may still name the whole.
func (l *ledger) capDue() {
	owed := l.facts.Total
	var due []int
	for i := range l.payments {
		p := &l.payments[i]
		if p.CODState == CashIsDue {
			due = append(due, i)
			continue
		}
		owed -= p.Captured
	}
	if len(due) != 1 || owed < 0 || l.payments[due[0]].Collector == string(channel.ByChannel) {
		return
	}
	if p := &l.payments[due[0]]; p.CODDue > max(owed, p.settled()) {
		p.CODDue = max(owed, p.settled())
		if p.settled() > 0 {
			p.endCash()
		}
		l.touch(due[0])
	}
}

// takeBack applies the channel's word on one refund. One of ours that the channel reports is the same refund, not another: known by the channel's id, by our reference,
// or, while the channel's id of ours is not known, by amount, and where the channel pays a return by itself, by the returned lines.
func (l *ledger) takeBack(cr channel.Refund) {
	if cr.External == "" { // a partner that gives no id: what happened is the id
		cr.External = fmt.Sprintf("unnamed-%d-%d", cr.At.UnixMicro(), cr.Amount.Minor)
	}
	for i := range l.refunds {
		if l.refunds[i].External == cr.External {
			return
		}
	}
	if i := l.same(cr); i >= 0 {
		r := &l.refunds[i]
		r.External = cr.External
		if r.State != "issued" {
			r.State, r.DoneAt = "issued", l.facts.At
		}
		if r.Announced.IsZero() && cr.Amount.Minor > 0 {
			r.Amount = cr.Amount.Minor // what really went, where the channel decided
		}
		l.matched = append(l.matched, *r)
		return
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
		if cr.Payment != "" && l.payments[i].External == cr.Payment {
			r.PaymentID = l.payments[i].ID
		}
	}
	for _, cl := range cr.Lines {
		r.addLine(l.facts.Lines[cl.Line], cl)
	}
	l.refunds = append(l.refunds, r)
	l.newBack = append(l.newBack, r)
}

// addLine puts a line of a channel's refund on ours; two of one line are added up.
func (r *Refund) addLine(id string, cl channel.RefundLine) {
	if id == "" {
		return
	}
	for i := range r.Lines {
		if r.Lines[i].LineID == id {
			r.Lines[i].Quantity += cl.Quantity
			r.Lines[i].Amount += cl.Amount.Minor
			return
		}
	}
	restock := string(cl.Restock)
	if restock == "" {
		restock = "none"
	}
	r.Lines = append(r.Lines, RefundLine{LineID: id, Quantity: cl.Quantity, Amount: cl.Amount.Minor, Restock: restock})
}

// same finds the refund of ours that a channel's one is; -1 when there is none.
func (l *ledger) same(cr channel.Refund) int {
	open := func(r *Refund) bool {
		return r.Origin == "ours" && r.External == "" && (r.Method == "channel" || r.Method == "return") && (r.State == "intended" || r.State == "unknown" || r.State == "issued")
	}
	for i := range l.refunds {
		if r := &l.refunds[i]; open(r) && r.Reference == cr.External {
			return i
		}
	}
	for i := range l.refunds {
		if r := &l.refunds[i]; open(r) && r.Amount == cr.Amount.Minor {
			return i
		}
	}
	for i := range l.refunds {
		if r := &l.refunds[i]; open(r) && r.Method == "return" && l.sameLines(r, cr.Lines) {
			return i
		}
	}
	return -1
}

// sameLines reports whether a channel's refund is of the very units of ours.
func (l *ledger) sameLines(r *Refund, lines []channel.RefundLine) bool {
	var theirs Refund
	for _, cl := range lines {
		theirs.addLine(l.facts.Lines[cl.Line], cl)
	}
	if len(theirs.Lines) == 0 || len(theirs.Lines) != len(r.Lines) {
		return false
	}
	for _, a := range r.Lines {
		if !slices.ContainsFunc(theirs.Lines, func(b RefundLine) bool { return a.LineID == b.LineID && a.Quantity == b.Quantity }) {
			return false
		}
	}
	return true
}

// spread puts the refunds that are out on the payments they went back through: the one they name, else the oldest with something left. It answers what is more than came.
func (l *ledger) spread() {
	if len(l.payments) == 0 && len(l.newBack) == 0 {
		return
	}
	back, rest := make([]int64, len(l.payments)), int64(0)
	for _, r := range l.refunds {
		if r.State != "issued" && r.State != "recorded" {
			continue
		}
		left := r.Amount
		for i := range l.payments {
			if p := &l.payments[i]; p.ID == r.PaymentID {
				part := max(0, min(left, p.Captured-back[i]))
				back[i] += part
				left -= part
			}
		}
		rest += left
	}
	for i := range l.payments {
		part := max(0, min(rest, l.payments[i].Captured-back[i]))
		back[i] += part
		rest -= part
	}
	if rest > 0 { // more went back than came: kept as reported, and what is over is flagged
		over := rest
		for i := len(l.newBack) - 1; i >= 0 && over > 0; i-- {
			l.newBack[i].Flagged = overCaptured
			over -= l.newBack[i].Amount
		}
		if n := len(back); n > 0 {
			back[n-1] += rest
		}
	}
	for i := range l.payments {
		if p := &l.payments[i]; p.Refunded != back[i] {
			p.Refunded = back[i]
			l.touch(i)
		}
	}
}

const overCaptured = "more was given back than was captured"

func (l *ledger) touch(i int) {
	if slices.Contains(l.made, i) || slices.Contains(l.edited, i) {
		return
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
			matched.Add(r.ID, r.External, db.Micros(r.DoneAt), r.Amount)
		}
	}
	tx.Send(`insert into order_payments (`+names+`) select `+names+` from rows(`+types+`)`, made)
	edited := tx.Send(updatePayments, edits)
	tx.Send(insertRefunds, back)
	tx.Send(insertRefundLines, lines)
	tx.Send(`update refunds set state = 'issued', external = r.x, done_at = r.d, amount = r.a, flagged = null, version = refunds.version + 1
		from rows(i text, x text, d bigint, a bigint) where refunds.id = r.i`, matched)
	if err := tx.Flush(); err != nil || edits.Len() == 0 {
		return err
	}
	n, err := edited.Affected()
	if err == nil && n != int64(edits.Len()) {
		return fault.New(fault.Conflict, "a payment has changed meanwhile").WithCode("version")
	}
	return err
}

const updatePayments = `update order_payments set state = r.state, amount = r.amount, authorized = r.authorized, captured = r.captured, refunded = r.refunded, collector = r.collector,
	cod_state = r.cod_state, cod_due = r.cod_due, cod_collected = r.cod_collected, cod_basis = r.cod_basis, cod_gone = r.cod_gone, cod_taken = r.cod_taken, reference = r.reference, updated_at = r.updated_at, version = r.version
	from rows(` + types + `) where order_payments.id = r.id and order_payments.version = r.version - 1`
