package payment

import (
	"time"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/kernel/state"
	"github.com/openclaw-pos/commerce/platform/db"
)

// CashDue is what a courier is to collect for each order: only what it collects, and only what is still due.
func (s *Service) CashDue(tx *db.Tx, orders []string) (map[string]money.Amount, error) {
	payments, _, err := s.moneyOf(tx, orders)
	if err != nil {
		return nil, err
	}
	heads, err := s.need.Orders(tx, orders, false)
	if err != nil {
		return nil, err
	}
	all := map[string]money.Amount{}
	for id, ps := range payments {
		for _, p := range ps {
			if p.CODState != "due" || p.Collector != string(channel.Courier) {
				continue
			}
			due := money.Of(p.CODDue, p.Currency)
			if due, err = s.rounded(tx, heads[id].Country, due); err != nil {
				return nil, err
			}
			sum, err := all[id].Add(due)
			if err != nil {
				return nil, err
			}
			all[id] = sum
		}
	}
	return all, nil
}

// rounded brings an amount to the country's cash step.
func (s *Service) rounded(tx *db.Tx, country string, a money.Amount) (money.Amount, error) {
	step, mode, err := s.need.CashStep(tx, country, a.Currency)
	if err != nil || step <= 1 {
		return a, err
	}
	m, err := money.ParseMode(mode)
	if err != nil {
		return a, err
	}
	r, _, err := a.CashRound(step, m)
	return r, err
}

// Collected says that the cash of an order has been taken: presumed by a scan, or confirmed by a statement, a till, a channel or a person.
// The basis is cod_presumed or cod_confirmed.
func (s *Service) Collected(tx *db.Tx, order, basis string, at time.Time) error {
	return s.cash(tx, order, "collect", basis, at)
}

// Uncollected says that the parcel came back: nothing was captured and nothing is to be refunded.
func (s *Service) Uncollected(tx *db.Tx, order string, at time.Time) error {
	return s.cash(tx, order, "void", "", at)
}

// cash moves the cash payments of an order one step; what the step does not fit stays as it is.
func (s *Service) cash(tx *db.Tx, order string, ev state.Event, basis string, at time.Time) error {
	heads, err := s.need.Orders(tx, []string{order}, true)
	if err != nil {
		return err
	}
	payments, _, err := s.moneyOf(tx, []string{order})
	if err != nil {
		return err
	}
	ps := payments[order]
	edits := db.NewBatch(1)
	for i := range ps {
		p := &ps[i]
		if p.CODState == "" {
			continue
		}
		to, err := CashLife.Next(state.State(p.CODState), ev)
		if err != nil {
			continue
		}
		p.CODState, p.CODBasis = string(to), basis
		switch to {
		case "collected":
			p.State, p.Captured, p.CODGot = Captured, p.CODDue, p.CODDue
		case "void":
			p.State = Voided
		}
		p.Version++
		edits.Add(row(p, db.Micros(tx.Now))...)
	}
	if edits.Len() == 0 {
		return nil
	}
	if _, err := tx.Exec(updatePayments, edits); err != nil {
		return err
	}
	return s.need.PayChanged(tx, order, StateOf(heads[order].Total, ps), basis, at)
}

// Void ends what is still to be paid of cancelled orders: due and authorized payments. What was captured goes back as a refund.
func (s *Service) Void(tx *db.Tx, orders []string) error {
	payments, _, err := s.moneyOf(tx, orders)
	if err != nil {
		return err
	}
	edits := db.NewBatch(1)
	for _, ps := range payments {
		for i := range ps {
			p := &ps[i]
			if p.State != Due && p.State != Authorized && p.State != Unknown {
				continue
			}
			p.State = Voided
			if p.CODState == "due" {
				p.CODState = "void"
			}
			p.Version++
			edits.Add(row(p, db.Micros(tx.Now))...)
		}
	}
	_, err = tx.Exec(updatePayments, edits)
	return err
}

// Of lists the payments and refunds of an order.
func (s *Service) Of(tx *db.Tx, order string) ([]Payment, []Refund, error) {
	payments, err := db.All(tx, scan, `select `+columns+` from order_payments p where p.order_id = $1 order by p.id`, order)
	if err != nil {
		return nil, nil, err
	}
	refunds, err := db.All(tx, scanRefund, `select `+refundColumns+` from refunds r where r.order_id = $1 order by r.id`, order)
	if err != nil {
		return nil, nil, err
	}
	var ids []string
	for _, r := range refunds {
		ids = append(ids, r.ID)
	}
	lines, err := refundLines(tx, ids)
	for i := range refunds {
		refunds[i].Lines = lines[refunds[i].ID]
	}
	return payments, refunds, err
}
