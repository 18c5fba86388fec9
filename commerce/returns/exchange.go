package returns

import (
	"context"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Replacement is what the buyer gets instead.
type Replacement struct {
	Variant  string `json:"variant_id"`
	Quantity int64  `json:"quantity"`
}

// ExchangeAsk is an order to place for what comes back. Credit is what the returned units are worth: it pays the new order, up to what that costs.
type ExchangeAsk struct {
	Order, Return, Reference string
	Lines                    []Replacement
	Credit                   int64
	Currency                 string
	Actor                    string
}

// Exchange replaces the units of an approved exchange: the new order is placed and linked, paid with what the returned units are worth. Where it costs more the buyer
// pays the difference with it, where it costs less the difference is due. total is what the replacement costs where nobody places orders here; else it is ignored.
// Unexchange is its inverse.
func (s *Service) Exchange(ctx context.Context, id string, version int64, lines []Replacement, total int64, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "exchange", func(tx *db.Tx, w *work) error {
		r := &w.rma
		switch {
		case r.Kind != KindExchange || r.Decision != "approved":
			return fault.New(fault.Conflict, "return %s is no approved exchange", r.Number).WithCode("not_allowed")
		case r.Exchange != "" || r.Money != "none":
			return fault.New(fault.Conflict, "return %s is exchanged already", r.Number).WithCode("already")
		case len(lines) == 0 && total <= 0:
			return fault.Field("lines", "say what the buyer gets instead")
		}
		units := w.worth()
		each, credit, err := s.need.Due(tx, r.OrderID, units, 0)
		if err != nil {
			return err
		}
		for i, u := range units {
			r.line(u.LineID).Refund = each[i]
		}
		if err := s.exchanged(tx, w, 1); err != nil {
			return err
		}
		if s.need.PlaceExchange != nil && len(lines) > 0 {
			r.Exchange, total, err = s.need.PlaceExchange(tx, ExchangeAsk{Order: r.OrderID, Return: r.ID, Reference: "exchange:" + r.ID, Lines: lines, Credit: credit, Currency: r.Currency, Actor: actor})
			if err != nil {
				return err
			}
		}
		r.Detail.Difference = total - credit
		if r.RefundDue = max(0, credit-total); r.RefundDue > 0 {
			err = r.money("owe")
		} else {
			err = r.exchangedEven()
		}
		if err != nil {
			return err
		}
		w.happened("exchanged", money.Of(r.Detail.Difference, r.Currency).String(), w.units(all))
		return nil
	})
}

// exchangedEven: what comes back pays for what goes out; no money is owed to the buyer.
func (r *RMA) exchangedEven() error {
	if err := r.money("owe"); err != nil {
		return err
	}
	return r.money("waive")
}

// Unexchange takes an exchange back while no money has gone and the replacement has not been handed over.
func (s *Service) Unexchange(ctx context.Context, id string, version int64, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "unexchange", func(tx *db.Tx, w *work) error {
		r := &w.rma
		if r.Kind != KindExchange || (r.Money != "due" && r.Money != "waived") {
			return fault.New(fault.Conflict, "return %s is not exchanged, or its difference is paid", r.Number).WithCode("not_allowed")
		}
		if r.Money == "waived" {
			if err := r.money("owe"); err != nil {
				return err
			}
		}
		if err := w.forget(); err != nil {
			return err
		}
		if err := s.exchanged(tx, w, -1); err != nil {
			return err
		}
		if r.Exchange != "" && s.need.CancelExchange != nil {
			if err := s.need.CancelExchange(tx, r.Exchange, "the exchange was taken back", actor); err != nil {
				return err
			}
		}
		r.Exchange, r.RefundDue, r.Detail.Difference = "", 0, 0
		for i := range r.Lines {
			r.Lines[i].Refund = 0
		}
		w.happened("unexchanged", "", nil)
		return nil
	})
}

func (s *Service) exchanged(tx *db.Tx, w *work, sign int64) error {
	if s.need.Exchanged == nil {
		return nil
	}
	var moves []event.UnitsMove
	for _, m := range w.units(w.rma.taken) {
		m.Quantity *= sign
		moves = append(moves, m)
	}
	return s.need.Exchanged(tx, w.order.ID, moves)
}
