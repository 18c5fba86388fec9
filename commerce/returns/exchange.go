package returns

import (
	"context"
	"strconv"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// When an exchange of an account is placed by itself, where the buyer said what to get instead: Order.ExchangeOn.
const (
	OnApproval = "approved" // with the approval: the default
	OnReceipt  = "received" // when all of the goods have come
)

// Replacement is what the buyer gets instead.
type Replacement struct {
	Variant  string `json:"variant_id"`
	Quantity int64  `json:"quantity"`
}

// ExchangeAsk is an order to place for what comes back. Credit is what the returned units are worth: it pays the new order, up to what that costs.
type ExchangeAsk struct {
	Order, Return, Number string // the order, its return and the return's number
	Reference             string // makes it happen once
	Lines                 []Replacement
	Back                  []Units // what comes back for it
	Credit                int64
	Currency              string
	Actor                 string
}

// Placed is the order that replaces what comes back.
type Placed struct {
	Order, Number string
	Total         int64  // what it costs
	Credit        string // the refund by which the returned units pay for it; "" when they do not
}

// ExchangeCancel is an exchange to take back.
type ExchangeCancel struct {
	Order  string // whose goods come back
	Placed string // what was placed for them
	Credit string
	Reason string
	Actor  string
}

// replaced reports whether the units of the return have been given others for.
func (r *RMA) replaced() bool { return len(r.Detail.Given) > 0 }

// awaitsExchange reports whether the buyer is still to get something instead.
func (r *RMA) awaitsExchange() bool {
	return r.Kind == KindExchange && r.Decision == "approved" && r.Money == "none" && !r.replaced()
}

// Exchange replaces the units of an approved exchange: the new order is placed and linked, paid with what the returned units are worth. Where it costs more the buyer
// pays the difference with it, where it costs less the difference is due. total is what the replacement costs where nobody places orders here; else it is ignored.
// Without lines the buyer gets what was asked for with the return. Unexchange is its inverse.
func (s *Service) Exchange(ctx context.Context, id string, version int64, lines []Replacement, total int64, actor string) (RMA, error) {
	if err := s.ready(ctx, id); err != nil {
		return RMA{}, err
	}
	return s.change(ctx, id, version, actor, "exchange", func(tx *db.Tx, w *work) error {
		if len(lines) == 0 {
			lines = w.rma.Detail.Wanted
		}
		return s.exchange(tx, w, lines, total, actor)
	})
}

// ready makes numbers for the orders that an exchange may place, outside any transaction.
func (s *Service) ready(ctx context.Context, id string) error {
	if s.need.Ready == nil {
		return nil
	}
	var o Order
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		r, err := one(tx, id)
		if err != nil || r.Kind != KindExchange {
			return err
		}
		orders, err := s.need.Orders(tx, []string{r.OrderID}, false)
		o = orders[r.OrderID]
		return err
	})
	if err != nil || o.ID == "" {
		return err
	}
	return s.need.Ready(ctx, o.Country, o.Channel, 1)
}

func (s *Service) exchange(tx *db.Tx, w *work, lines []Replacement, total int64, actor string) error {
	r := &w.rma
	switch {
	case r.Kind != KindExchange || r.Decision != "approved":
		return fault.New(fault.Conflict, "return %s is no approved exchange", r.Number).WithCode("not_allowed")
	case r.replaced() || r.Money != "none":
		return fault.New(fault.Conflict, "return %s is exchanged already", r.Number).WithCode("already")
	case r.External != "" && r.Detail.Shown == "" && len(lines) > 0 && s.need.PlaceExchange != nil:
		return fault.New(fault.Conflict, "the channel itself puts what replaces the goods of return %s on the order: a second one would go out", r.Number).WithCode("replaced_there")
	case len(lines) == 0 && total <= 0:
		return fault.Field("lines", "say what the buyer gets instead")
	}
	units := w.worth()
	each, credit, err := s.need.Due(tx, r.OrderID, units, 0)
	if err != nil {
		return err
	}
	sum := int64(0)
	for i, u := range units {
		r.line(u.LineID).Refund = each[i]
		sum += each[i]
	}
	if credit == 0 && sum > 0 {
		return fault.New(fault.Conflict, "return %s has nothing to pay with: nothing of it was paid yet, or all of it went back", r.Number).WithCode("nothing_due")
	}
	if s.need.PlaceExchange != nil && len(lines) > 0 {
		placed, err := s.need.PlaceExchange(tx, []ExchangeAsk{{
			Order: r.OrderID, Return: r.ID, Number: r.Number, Reference: exchangeReference(r), Lines: lines, Back: units, Credit: credit, Currency: r.Currency, Actor: actor,
		}})
		if err != nil {
			return err
		}
		r.Exchange, total, r.Detail.Credit = placed[0].Order, placed[0].Total, placed[0].Credit
	}
	given := w.units(r.taken)
	if err := s.exchanged(tx, w, given, 1); err != nil {
		return err
	}
	r.Detail.Given = map[string]int64{}
	for _, m := range given {
		r.Detail.Given[m.LineID] = m.Quantity
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
	if r.External == "" && r.Detail.Shown == "" && w.order.ShowsReturns {
		r.Detail.Shown = exchangeReference(r)
	}
	w.decided()
	w.happened("exchanged", money.Of(r.Detail.Difference, r.Currency).String(), given)
	return nil
}

// exchangeReference tells one exchange of a return from the next, after the first was taken back.
func exchangeReference(r *RMA) string {
	return "exchange:" + r.ID + ":" + strconv.FormatInt(r.Version, 10)
}

// exchangedEven: what comes back pays for what goes out; no money is owed to the buyer.
func (r *RMA) exchangedEven() error {
	if err := r.money("owe"); err != nil {
		return err
	}
	return r.money("waive")
}

// exchangeBy places an exchange at the moment that its account chose, where it is known what the buyer wants.
func (s *Service) exchangeBy(tx *db.Tx, w *work, moment, actor string) error {
	r := &w.rma
	on := w.order.ExchangeOn
	if on == "" {
		on = OnApproval
	}
	if s.need.PlaceExchange == nil || len(r.Detail.Wanted) == 0 || on != moment || !r.awaitsExchange() {
		return nil
	}
	return s.exchange(tx, w, r.Detail.Wanted, 0, actor)
}

// PlaceDue places the exchanges whose goods have all come, of accounts that wait for them, where it was not done at once. One that cannot be placed waits for a person. It
// answers how many were placed.
func (s *Service) PlaceDue(ctx context.Context, limit int) (int, error) {
	var due []RMA
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		found, err := db.All(tx, scan, `select `+columns+` from returns_rma r where r.kind = 'exchange' and r.closed_at is null and r.decision = 'approved' and r.money_state = 'none'
			and r.goods_state in ('received', 'inspected') order by r.requested_at limit $1`, limit)
		if err == nil {
			due, err = withLines(tx, found)
		}
		return err
	})
	n := 0
	for _, r := range due {
		if err == nil && len(r.Detail.Wanted) > 0 && r.awaitsExchange() {
			if r, err = s.placeDue(ctx, r); r.replaced() {
				n++
			}
		}
	}
	return n, err
}

// placeDue places what an account that waits for the goods gives for them.
func (s *Service) placeDue(ctx context.Context, r RMA) (RMA, error) {
	if err := s.ready(ctx, r.ID); err != nil {
		return r, err
	}
	placed, err := s.change(ctx, r.ID, 0, "system", "exchange", func(tx *db.Tx, w *work) error {
		if !w.complete() {
			return nil
		}
		return s.exchangeBy(tx, w, OnReceipt, "system")
	})
	if err == nil {
		return placed, nil
	}
	if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Invalid) {
		return r, err
	}
	return s.change(ctx, r.ID, 0, "system", "exchange", func(_ *db.Tx, w *work) error {
		w.waits("the exchange cannot be placed: " + fault.Message(err))
		return nil
	})
}

// Unexchange takes an exchange back while no money has gone and the replacement has not been handed over: the exact inverse of Exchange.
func (s *Service) Unexchange(ctx context.Context, id string, version int64, actor string) (RMA, error) {
	return s.change(ctx, id, version, actor, "unexchange", func(tx *db.Tx, w *work) error {
		if !w.rma.replaced() {
			return fault.New(fault.Conflict, "return %s is not exchanged", w.rma.Number).WithCode("not_allowed")
		}
		return s.unexchange(tx, w, "the exchange was taken back", actor)
	})
}

// unexchange takes back what was given for the units of a return; one that is not exchanged is left as it is.
func (s *Service) unexchange(tx *db.Tx, w *work, reason, actor string) error {
	r := &w.rma
	if !r.replaced() {
		return nil
	}
	if r.Money != "due" && r.Money != "waived" {
		return fault.New(fault.Conflict, "the difference of exchange %s is %s", r.Number, r.Money).WithCode("not_allowed")
	}
	if r.Money == "waived" {
		if err := r.money("owe"); err != nil {
			return err
		}
	}
	if err := w.forget(); err != nil {
		return err
	}
	if r.Exchange != "" && s.need.CancelExchange != nil {
		err := s.need.CancelExchange(tx, []ExchangeCancel{{Order: r.OrderID, Placed: r.Exchange, Credit: r.Detail.Credit, Reason: reason, Actor: actor}})
		if err != nil {
			return err
		}
	}
	var given []event.UnitsMove
	for _, l := range r.Lines {
		if n := r.Detail.Given[l.LineID]; n > 0 {
			given = append(given, event.UnitsMove{LineID: l.LineID, External: l.External, Quantity: n, Units: someOf(l.Units, n)})
		}
	}
	if err := s.exchanged(tx, w, given, -1); err != nil {
		return err
	}
	r.Exchange, r.RefundDue, r.Detail.Difference, r.Detail.Credit, r.Detail.Given = "", 0, 0, "", nil
	for i := range r.Lines {
		r.Lines[i].Refund = 0
	}
	w.happened("unexchanged", reason, nil)
	return nil
}

func (s *Service) exchanged(tx *db.Tx, w *work, units []event.UnitsMove, sign int64) error {
	if s.need.Exchanged == nil || len(units) == 0 {
		return nil
	}
	moves := make([]event.UnitsMove, len(units))
	for i, m := range units {
		moves[i] = m
		moves[i].Quantity *= sign
	}
	return s.need.Exchanged(tx, w.order.ID, moves)
}
