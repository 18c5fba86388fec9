package returns

import (
	"cmp"
	"context"

	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Ask is a wish to give something back, or to get money for it.
type Ask struct {
	Order    string  `json:"order_id"`
	Version  int64   `json:"version"` // of the order, as the person saw it; 0 = any
	Kind     Kind    `json:"kind"`    // default return
	Lines    []Units `json:"lines"`   // none = everything that is with the buyer
	Reason   string  `json:"reason"`
	By       string  `json:"requested_by"` // buyer, seller; default seller
	Shipping int64   `json:"shipping_minor"`
	Location string  `json:"location_id"` // where it is to come; "" = wherever it comes
	Approve  bool    `json:"approve"`     // approved at once
	// Wanted is what the buyer gets instead; only for an exchange.
	Wanted []Replacement `json:"wanted"`
	Actor  string        `json:"-"`
}

// Request opens a return. Faults: Conflict when more units are asked for than are with the buyer and in no other return; Invalid for lines the order does not have.
func (s *Service) Request(ctx context.Context, a Ask) (RMA, error) {
	if err := s.stockFor(ctx, a.Order); err != nil {
		return RMA{}, err
	}
	var r RMA
	err := s.need.DB.Write(ctx, func(tx *db.Tx) error {
		w, err := s.request(tx, a)
		if err != nil {
			return err
		}
		if a.Approve {
			if err := s.approve(tx, w); err != nil {
				return err
			}
			if err := s.exchangeBy(tx, w, OnApproval, a.Actor); err != nil {
				return err
			}
		} else {
			w.waits("somebody has to decide")
		}
		if err := s.commit(tx, []*work{w}); err != nil {
			return err
		}
		r = w.rma
		return s.audit(tx, a.Actor, "request", &w.rma)
	})
	return r, err
}

// stockFor makes a number ready for a return of the order.
func (s *Service) stockFor(ctx context.Context, order string) error {
	var o Order
	err := s.need.DB.Read(ctx, func(tx *db.Tx) error {
		orders, err := s.need.Orders(tx, []string{order}, false)
		o = orders[order]
		return err
	})
	if err != nil {
		return err
	}
	if s.need.Ready != nil && o.ID != "" { // an exchange that is approved at once
		if err := s.need.Ready(ctx, o.Country, o.Channel, 1); err != nil {
			return err
		}
	}
	return s.Stock(ctx, o.Country, 1)
}

func (s *Service) request(tx *db.Tx, a Ask) (*work, error) {
	orders, err := s.need.Orders(tx, []string{a.Order}, true)
	if err != nil {
		return nil, err
	}
	o, ok := orders[a.Order]
	a.Kind = cmp.Or(a.Kind, KindReturn)
	switch {
	case !ok:
		return nil, fault.New(fault.NotFound, "there is no order %s", a.Order)
	case a.Version != 0 && a.Version != o.Version:
		return nil, fault.New(fault.Conflict, "order %s has changed since you looked: it is at version %d now", o.Number, o.Version).WithCode("version")
	case !o.Effective:
		return nil, fault.New(fault.Conflict, "order %s is not fulfilled here: its returns are handled where it is", o.Number).WithCode("not_ours")
	case a.Kind != KindReturn && a.Kind != KindExchange && a.Kind != KindRefundOnly && a.Kind != KindClaim:
		return nil, fault.Field("kind", "%q is none a person can ask for", string(a.Kind))
	case len(a.Wanted) > 0 && a.Kind != KindExchange:
		return nil, fault.Field("wanted", "only an exchange gives something instead")
	case a.Shipping < 0 || a.Shipping > o.Shipping:
		return nil, fault.Field("shipping_minor", "shipping cost %d", o.Shipping)
	}
	before, err := ofOrders(tx, []string{o.ID})
	if err != nil {
		return nil, err
	}
	w := s.begin(tx, o, a.Kind, cmp.Or(a.By, "seller"), a.Reason)
	w.rma.Location, w.rma.Detail.Shipping, w.rma.Detail.Wanted = a.Location, a.Shipping, a.Wanted
	free := left(o, before[o.ID], a.Kind)
	if len(a.Lines) == 0 {
		for i := range o.Lines {
			if q := free[o.Lines[i].ID]; q > 0 {
				a.Lines = append(a.Lines, Units{LineID: o.Lines[i].ID, Quantity: q})
			}
		}
	}
	for _, u := range a.Lines {
		if err := w.add(u); err != nil {
			return nil, err
		}
	}
	for _, l := range w.rma.Lines {
		if l.Quantity > free[l.LineID] {
			return nil, fault.New(fault.Conflict, "%d units of line %s cannot come back: %d are with the buyer and in no other return", l.Quantity, l.External, free[l.LineID]).WithCode("not_enough")
		}
	}
	if len(w.rma.Lines) == 0 {
		return nil, fault.New(fault.Conflict, "nothing of order %s is with the buyer", o.Number).WithCode("nothing")
	}
	return w, nil
}

// begin makes a new return, requested now.
func (s *Service) begin(tx *db.Tx, o Order, kind Kind, by, reason string) *work {
	id := db.ID()
	w := &work{order: o, fresh: true, touched: true, contract: []string{event.ReturnRequested}, rma: RMA{
		ID: id, Number: s.number(o.Country, id), OrderID: o.ID, Account: o.Account, Kind: kind, Goods: string(GoodsLife.Start), Money: string(MoneyLife.Start),
		Decision: string(DecisionLife.Start), Reason: reason, RequestedBy: by, RequestedAt: tx.Now, Currency: o.Currency,
	}}
	if !kind.goods() {
		w.rma.Goods = "none"
	}
	w.happened("requested", reason, nil)
	return w
}

// add puts units of an order line into the return.
func (w *work) add(u Units) error {
	ol := w.order.line(u.LineID)
	if ol == nil {
		return fault.Field("lines", "order %s has no line %s", w.order.Number, u.LineID)
	}
	if u.Quantity <= 0 {
		return fault.Field("lines", "a quantity of %d", u.Quantity)
	}
	if l := w.rma.line(u.LineID); l != nil {
		l.Quantity += u.Quantity
		l.Units = append(l.Units, u.Units...)
		return nil
	}
	w.rma.Lines = append(w.rma.Lines, Line{ID: db.ID(), LineID: ol.ID, Variant: ol.Variant, External: ol.External, Units: u.Units, Quantity: u.Quantity, Reason: u.Reason})
	return nil
}

// left says, per order line, how many units can still be asked for: with the buyer and in no return that waits for them; for money alone, those not refunded.
func left(o Order, before []RMA, kind Kind) map[string]int64 {
	free := make(map[string]int64, len(o.Lines))
	for _, l := range o.Lines {
		free[l.ID] = l.Delivered
		if !kind.goods() {
			free[l.ID] = l.Ordered - l.Cancelled - l.Refunded - l.Exchanged
		}
	}
	for _, r := range before {
		waits := r.Goods == "awaited" && (r.Decision == "requested" || r.Decision == "approved")
		if !kind.goods() {
			waits = r.Decision != "declined" && r.Decision != "withdrawn" && r.Refunded == 0 && r.Money != "refused" && r.Money != "waived" && r.Kind != KindOrigin
		}
		for _, l := range r.Lines {
			if waits {
				free[l.LineID] -= l.Quantity - l.Received
			}
		}
	}
	return free
}
