package payment

import (
	"context"
	"time"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// Payout is the method of a refund that a person pays out: to a bank account, a wallet, or as store credit.
const Payout = "payout"

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
	return []any{
		r.ID, r.OrderID, orNull(r.PaymentID), orNull(r.ReturnID), orNull(r.External), r.Reference, r.Origin, r.State, r.Method, r.Currency, r.Amount, r.Shipping, r.Reason,
		orNull(r.Flagged), r.Actor, db.Micros(r.At), db.Micros(r.DoneAt), r.Version,
	}
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
	// Method is "" for back the way it came; payout for bank, wallet or store credit through the payout list; return when the channel pays once it is told of our decision
	// on the return.
	Method string
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
	r, err := decide(o, payments[a.Order], refunds[a.Order], a)
	if err != nil {
		return Refund{}, err
	}
	if r.Method == "channel" && s.need.CanRefund != nil && !s.need.CanRefund(o.Channel) {
		return Refund{}, fault.New(fault.Conflict, "the channel of order %s gives money back only by itself or through a return: choose the payout list", o.Number).WithCode("channel_cannot")
	}
	if err := s.second(tx, "refund", o, a.Actor, r, refunds[a.Order]); err != nil {
		return Refund{}, err
	}
	r.ID, r.At = db.ID(), tx.Now
	if r.Reference == "" {
		r.Reference = r.ID
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
	if r.electronic(payments[a.Order]) {
		if err := jobs.Enqueue(tx, refundJobOf(r, 0)); err != nil {
			return Refund{}, err
		}
	}
	if err := s.need.Audit.Write(tx, audit.Entry{
		Actor: a.Actor, Action: "refund.ask", SubjectKind: "order", Subject: a.Order,
		Detail: map[string]any{"refund": r.ID, "amount": money.Of(r.Amount, r.Currency), "reason": a.Reason},
	}); err != nil {
		return Refund{}, err
	}
	return r, s.want(tx, o, r, payments[a.Order])
}

// second has the country's policy decide whether a refund, or its payout, takes a second person, by all that we gave back on the order: what is just below a limit is not asked
// for twice. What the channel gave back by itself was nobody's act here, and an exchange is no money.
func (s *Service) second(tx *db.Tx, rule string, o Order, actor string, r Refund, refunds []Refund) error {
	if s.need.Second == nil {
		return nil
	}
	before := int64(0)
	for _, x := range refunds {
		if x.ID == r.ID || x.Origin != "ours" || x.State == "refused" || x.Method == Exchange || x.Currency != r.Currency {
			continue
		}
		if rule == "payout" && (x.Method != Payout || x.State != "issued") {
			continue
		}
		before += x.Amount
	}
	return s.need.Second(tx, rule, o.Country, actor, money.Of(r.Amount, r.Currency), money.Of(before, r.Currency))
}

// want emits the intent; connect, a payment provider or the payout list carries it out.
func (s *Service) want(tx *db.Tx, o Order, r Refund, payments []Payment) error {
	f := r.fact(o)
	for _, p := range payments {
		if p.ID == r.PaymentID {
			f.Payment = p.External
		}
	}
	return outbox.Append(tx, r.event(o, event.RefundWanted, tx.Now, f))
}
