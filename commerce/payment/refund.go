package payment

import (
	"context"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Refund is money that goes, or went, back.
type Refund struct {
	ID        string       `json:"id"`
	OrderID   string       `json:"order_id"`
	PaymentID string       `json:"payment_id,omitempty"`
	ReturnID  string       `json:"return_id,omitempty"`
	External  string       `json:"external_id,omitempty"`
	Reference string       `json:"reference"`
	Origin    string       `json:"origin"` // ours, channel
	State     string       `json:"state"`  // intended, issued, refused, unknown, recorded
	Method    string       `json:"method"` // channel, payout, or the provider's name
	Currency  string       `json:"currency"`
	Amount    int64        `json:"amount_minor"`
	Shipping  int64        `json:"shipping_minor"`
	Reason    string       `json:"reason"`
	Flagged   string       `json:"flagged,omitempty"`
	Actor     string       `json:"actor"`
	At        time.Time    `json:"at"`
	DoneAt    time.Time    `json:"done_at,omitzero"`
	Announced time.Time    `json:"-"`
	Version   int64        `json:"version"`
	Lines     []RefundLine `json:"lines,omitempty"`
}

// RefundLine is the part of a refund that belongs to a line.
type RefundLine struct {
	LineID   string `json:"line_id"`
	Quantity int64  `json:"quantity"`
	Amount   int64  `json:"amount_minor"`
	Restock  string `json:"restock"`
}

const refundColumns = `r.id, r.order_id, r.payment_id, r.return_id, r.external, r.reference, r.origin, r.state, r.method, r.currency, r.amount, r.shipping, r.reason, r.flagged,
	r.actor, r.at, r.done_at, r.announced_at, r.version`

func scanRefund(row db.Scanner) (Refund, error) {
	var r Refund
	err := row.Scan(&r.ID, &r.OrderID, db.Text(&r.PaymentID), db.Text(&r.ReturnID), db.Text(&r.External), &r.Reference, &r.Origin, &r.State, &r.Method, &r.Currency, &r.Amount,
		&r.Shipping, &r.Reason, db.Text(&r.Flagged), &r.Actor, db.Time(&r.At), db.Time(&r.DoneAt), db.Time(&r.Announced), &r.Version)
	return r, err
}

func refundRow(r *Refund) []any {
	return []any{r.ID, r.OrderID, orNull(r.PaymentID), orNull(r.ReturnID), orNull(r.External), r.Reference, r.Origin, r.State, r.Method, r.Currency, r.Amount, r.Shipping, r.Reason,
		orNull(r.Flagged), r.Actor, db.Micros(r.At), db.Micros(r.DoneAt), r.Version}
}

const (
	insertRefunds = `insert into refunds (id, order_id, payment_id, return_id, external, reference, origin, state, method, currency, amount, shipping, reason, flagged, actor, at, done_at, version)
		select i, o, p, t, x, rf, g, s, m, c, a, sh, rs, f, ac, at, d, v from rows(i text, o text, p text, t text, x text, rf text, g text, s text, m text, c text, a bigint, sh bigint, rs text,
		f text, ac text, at bigint, d bigint, v bigint) where true on conflict (order_id, reference) do nothing`
	insertRefundLines = `insert into refund_lines (refund_id, line_id, quantity, amount, restock) select i, l, q, a, s from rows(i text, l text, q bigint, a bigint, s text)`
)

func refundLines(tx *db.Tx, ids []string) (map[string][]RefundLine, error) {
	all := map[string][]RefundLine{}
	if len(ids) == 0 {
		return all, nil
	}
	_, err := db.All(tx, func(row db.Scanner) (struct{}, error) {
		var id string
		var l RefundLine
		err := row.Scan(&id, &l.LineID, &l.Quantity, &l.Amount, &l.Restock)
		all[id] = append(all[id], l)
		return struct{}{}, err
	}, `select refund_id, line_id, quantity, amount, restock from refund_lines where refund_id in (select key from json_each($1)) order by refund_id, line_id`, db.Keys(ids))
	return all, err
}

// Announce makes refunds known that are out and not yet announced: RefundIssued once for each, the order's lines counted, what is flagged raised.
func (s *Service) Announce(tx *db.Tx, orders []string) error {
	if len(orders) == 0 {
		return nil
	}
	all, err := db.All(tx, scanRefund, `select `+refundColumns+` from refunds r where r.order_id in (select key from json_each($1)) and r.announced_at is null
		and r.state in ('issued', 'recorded') order by r.order_id, r.id`, db.Keys(orders))
	if err != nil || len(all) == 0 {
		return err
	}
	var ids []string
	for _, r := range all {
		ids = append(ids, r.ID)
	}
	lines, err := refundLines(tx, ids)
	if err != nil {
		return err
	}
	heads, err := s.need.Orders(tx, orders, false)
	if err != nil {
		return err
	}
	meta, err := s.need.Meta(tx, orders)
	if err != nil {
		return err
	}
	for _, r := range all {
		r.Lines = lines[r.ID]
		if o := heads[r.OrderID]; o.Effective {
			if err := s.announceOne(tx, r, o, meta[r.OrderID]); err != nil {
				return err
			}
		}
	}
	_, err = tx.Exec(`update refunds set announced_at = $1 where id in (select key from json_each($2))`, db.Micros(tx.Now), db.Keys(ids))
	return err
}

func (s *Service) announceOne(tx *db.Tx, r Refund, o Order, m event.Meta) error {
	at := r.DoneAt
	if at.IsZero() {
		at = tx.Now
	}
	zone, err := time.LoadLocation(m.Zone)
	if err != nil {
		zone = time.UTC
	}
	m.At(at, zone)
	m.IdempotencyKey = event.Key(event.RefundIssued, o.Account, o.External, r.ID)
	origin := "seller"
	if r.Origin == "channel" {
		origin = "channel"
	}
	body := event.RefundIssuedV1{Meta: m, RefundID: r.ID, ExternalRefundID: r.External, ReturnID: r.ReturnID, Amount: money.Of(r.Amount, r.Currency), Method: r.Method,
		Origin: origin, Reason: r.Reason, Lines: []event.ReturnedLine{}}
	var parts []event.RefundPart
	for _, l := range r.Lines {
		i := slices.IndexFunc(o.Lines, func(x OrderLine) bool { return x.ID == l.LineID })
		external := ""
		if i >= 0 {
			external = o.Lines[i].External
		}
		if l.Quantity > 0 {
			body.Lines = append(body.Lines, event.ReturnedLine{LineID: l.LineID, ExternalID: external, Quantity: l.Quantity})
		}
		parts = append(parts, event.RefundPart{LineID: l.LineID, External: external, Quantity: l.Quantity, Amount: l.Amount, Restock: l.Restock})
	}
	if len(parts) > 0 {
		if err := s.need.Refunded(tx, r.OrderID, parts); err != nil {
			return err
		}
	}
	if r.Flagged != "" {
		if err := exception.Raise(tx, exception.Case{Cause: exception.RefundOverCaptured, SubjectKind: "refund", Subject: r.ID, Order: r.OrderID, Account: o.Account,
			Detail: map[string]any{"number": o.Number, "amount": money.Of(r.Amount, r.Currency)}}); err != nil {
			return err
		}
	}
	return outbox.Append(tx, outbox.Event{Aggregate: "refund:" + r.ID, Partition: "order:" + r.OrderID, Type: event.RefundIssued, Version: 1, Contract: true,
		Account: o.Account, Order: r.OrderID, OccurredAt: at, Body: body})
}

// Ask is a refund somebody wants.
type Ask struct {
	Order     string
	Version   int64 // the order's version the person saw; 0 = any
	Amount    int64 // minor units; 0 = what the lines and Shipping come to
	Lines     []RefundLine
	Shipping  int64
	Reason    string
	Return    string
	Actor     string
	Reference string // makes it happen once; default a new one
	Method    string // "" = back the way it came; payout = bank, wallet or store credit through the payout list
}

// Refund records the intent to give money back and has it carried out. Faults: Conflict when it is more than what was captured and not yet given back, or than a line cost.
func (s *Service) Refund(ctx context.Context, a Ask) (Refund, error) {
	var r Refund
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		var err error
		r, err = s.RefundTx(tx, a)
		return err
	})
	return r, err
}

// RefundTx is Refund in the caller's transaction.
func (s *Service) RefundTx(tx *db.Tx, a Ask) (Refund, error) {
	heads, err := s.need.Orders(tx, []string{a.Order}, true)
	if err != nil {
		return Refund{}, err
	}
	o, ok := heads[a.Order]
	switch {
	case !ok:
		return Refund{}, fault.New(fault.NotFound, "there is no order %s", a.Order)
	case a.Version != 0 && a.Version != o.Version:
		return Refund{}, fault.New(fault.Conflict, "order %s has changed since you looked: it is at version %d now", o.Number, o.Version).WithCode("version")
	}
	payments, refunds, err := s.moneyOf(tx, []string{a.Order})
	if err != nil {
		return Refund{}, err
	}
	for _, r := range refunds[a.Order] {
		if a.Reference != "" && r.Reference == a.Reference {
			return r, nil
		}
	}
	r, err := s.decide(tx, o, payments[a.Order], refunds[a.Order], a)
	if err != nil {
		return Refund{}, err
	}
	tx.Send(insertRefunds, db.NewBatch(1).Add(refundRow(&r)...))
	b := db.NewBatch(2)
	for _, l := range r.Lines {
		b.Add(r.ID, l.LineID, l.Quantity, l.Amount, l.Restock)
	}
	tx.Send(insertRefundLines, b)
	if err := tx.Flush(); err != nil {
		return Refund{}, err
	}
	if err := s.need.Audit.Write(tx, audit.Entry{Actor: a.Actor, Action: "refund.ask", SubjectKind: "order", Subject: a.Order,
		Detail: map[string]any{"refund": r.ID, "amount": money.Of(r.Amount, r.Currency), "reason": a.Reason}}); err != nil {
		return Refund{}, err
	}
	return r, s.want(tx, o, r, payments[a.Order])
}

// decide caps the refund: by what was captured, per line by what it cost; the last one of a line takes the remainder.
func (s *Service) decide(tx *db.Tx, o Order, payments []Payment, refunds []Refund, a Ask) (Refund, error) {
	var captured, out int64
	var from *Payment
	for i := range payments {
		captured += payments[i].Captured
		if payments[i].Captured > payments[i].Refunded && from == nil {
			from = &payments[i]
		}
	}
	var live []string
	for _, r := range refunds {
		if r.State != "refused" {
			out += r.Amount
			live = append(live, r.ID)
		}
	}
	before, err := refundLines(tx, live)
	if err != nil {
		return Refund{}, err
	}
	r := Refund{
		ID: db.ID(), OrderID: o.ID, ReturnID: a.Return, Reference: a.Reference, Origin: "ours", State: "intended", Currency: o.Currency, Shipping: a.Shipping,
		Reason: a.Reason, Actor: a.Actor, At: tx.Now, Version: 1,
	}
	if r.Reference == "" {
		r.Reference = r.ID
	}
	sum := a.Shipping
	for i, l := range a.Lines {
		if err := capLine(o, before, &a.Lines[i]); err != nil {
			return Refund{}, err
		}
		l = a.Lines[i]
		sum += l.Amount
		r.Lines = append(r.Lines, l)
	}
	r.Amount = a.Amount
	if r.Amount == 0 {
		r.Amount = sum
	}
	switch {
	case r.Amount <= 0:
		return Refund{}, fault.Field("amount", "must be more than nothing")
	case r.Amount > captured-out:
		return Refund{}, fault.New(fault.Conflict, "%s cannot go back: of %s captured, %s is or is going back already", money.Of(r.Amount, o.Currency), money.Of(captured, o.Currency), money.Of(out, o.Currency)).WithCode("over_captured")
	}
	r.Method = "channel"
	if from != nil {
		r.PaymentID, r.Method = from.ID, from.Provider
		if from.Method == "cod" {
			r.Method = "payout"
		}
	}
	if a.Method != "" {
		r.Method = a.Method
	}
	return r, nil
}

// capLine fills and caps one line of a refund.
func capLine(o Order, before map[string][]RefundLine, l *RefundLine) error {
	i := slices.IndexFunc(o.Lines, func(x OrderLine) bool { return x.ID == l.LineID })
	if i < 0 {
		return fault.Field("lines", "order %s has no line %s", o.Number, l.LineID)
	}
	line := o.Lines[i]
	var units, paid int64
	for _, ls := range before {
		for _, b := range ls {
			if b.LineID == l.LineID {
				units += b.Quantity
				paid += b.Amount
			}
		}
	}
	if l.Quantity < 0 || units+l.Quantity > line.Ordered {
		return fault.New(fault.Conflict, "line %s: %d of %d units are refunded already", l.LineID, units, line.Ordered).WithCode("over_refunded")
	}
	if l.Amount == 0 && l.Quantity > 0 {
		share, err := money.Of(line.Total, o.Currency).Share(units+l.Quantity, line.Ordered, money.HalfUp)
		if err != nil {
			return err
		}
		l.Amount = max(0, share.Minor-paid)
		if units+l.Quantity == line.Ordered {
			l.Amount = max(0, line.Total-paid)
		}
	}
	if l.Amount < 0 || paid+l.Amount > line.Total {
		return fault.New(fault.Conflict, "line %s cost %s, of which %s went back already", l.LineID, money.Of(line.Total, o.Currency), money.Of(paid, o.Currency)).WithCode("over_refunded")
	}
	if l.Restock == "" {
		l.Restock = "none"
	}
	return nil
}

// want emits the intent; connect, a payment provider or the payout list carries it out.
func (s *Service) want(tx *db.Tx, o Order, r Refund, payments []Payment) error {
	f := event.RefundFact{
		RefundID: r.ID, OrderID: o.ID, AccountID: o.Account, OrderExternal: o.External, PaymentID: r.PaymentID, Provider: r.Method, Reference: r.Reference, Amount: r.Amount,
		Shipping: r.Shipping, Currency: r.Currency, Reason: r.Reason, ReturnID: r.ReturnID, State: r.State,
	}
	for _, p := range payments {
		if p.ID == r.PaymentID {
			f.Payment = p.External
		}
	}
	for _, l := range r.Lines {
		i := slices.IndexFunc(o.Lines, func(x OrderLine) bool { return x.ID == l.LineID })
		f.Lines = append(f.Lines, event.RefundPart{LineID: l.LineID, External: o.Lines[i].External, Quantity: l.Quantity, Amount: l.Amount, Restock: l.Restock})
	}
	return outbox.Append(tx, outbox.Event{Aggregate: "refund:" + r.ID, Partition: "order:" + o.ID, Type: event.RefundWanted, Account: o.Account, Order: o.ID, Body: f})
}

// Settle writes the outcome of an intended refund. issued false keeps the cause for a person; unknown says that it may have happened.
func (s *Service) Settle(tx *db.Tx, refund string, external string, cause error) error {
	r, err := db.One(tx, scanRefund, `select `+refundColumns+` from refunds r where r.id = $1`, refund)
	if err != nil {
		return err
	}
	if _, err := s.need.Orders(tx, []string{r.OrderID}, true); err != nil {
		return err
	}
	if r.State == "issued" || r.State == "recorded" {
		return nil
	}
	if cause != nil {
		state := "refused"
		if fault.Is(cause, fault.OutcomeUnknown) {
			state = "unknown"
		}
		_, err := tx.Exec(`update refunds set state = $2, flagged = $3, version = version + 1 where id = $1`, r.ID, state, fault.Message(cause))
		return err
	}
	if _, err := tx.Exec(`update refunds set state = 'issued', external = $2, done_at = $3, version = version + 1 where id = $1`, r.ID, orNull(external), db.Micros(tx.Now)); err != nil {
		return err
	}
	return s.Rebalance(tx, r.OrderID, "captured")
}

// Rebalance puts refunds that are out on payments, announces them, and tells the order its money state.
func (s *Service) Rebalance(tx *db.Tx, order, basis string) error {
	payments, refunds, err := s.moneyOf(tx, []string{order})
	if err != nil {
		return err
	}
	l := &ledger{facts: &Facts{OrderID: order}, payments: payments[order], refunds: refunds[order]}
	l.spread()
	if err := s.write(tx, []*ledger{l}); err != nil {
		return err
	}
	heads, err := s.need.Orders(tx, []string{order}, false)
	if err != nil {
		return err
	}
	if err := s.Announce(tx, []string{order}); err != nil {
		return err
	}
	return s.need.PayChanged(tx, order, StateOf(heads[order].Total, l.payments), basis, tx.Now)
}

// PaidOut says that a person has given the money of a payout-list refund back.
func (s *Service) PaidOut(ctx context.Context, refund, actor, reference string) error {
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		if err := s.need.Audit.Write(tx, audit.Entry{Actor: actor, Action: "refund.paid_out", SubjectKind: "refund", Subject: refund, Detail: map[string]string{"reference": reference}}); err != nil {
			return err
		}
		return s.Settle(tx, refund, reference, nil)
	})
}
