package app

import (
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// newReturns wires what comes back and what is owed for it.
func (a *App) newReturns() *returns.Service {
	step := func(f func(*db.Tx, string, []order.Moved) error) func(*db.Tx, string, []event.UnitsMove) error {
		return func(tx *db.Tx, id string, ms []event.UnitsMove) error { return f(tx, id, unitMoves(ms)) }
	}
	return returns.New(returns.Needs{
		DB: a.DB, Audit: a.Audit, Orders: a.ordersToReturn, Known: a.Order.ByExternal, Meta: a.Order.Meta,
		Return: step(a.Order.Return), Keep: step(a.Order.Keep), Turn: step(a.Order.Turn), Unturn: step(a.Order.Unturn),
		Back: step(a.Order.Back), Unback: step(a.Order.Unback), Exchanged: step(a.Order.Exchanged), Move: a.Inventory.Move, Numbers: a.Policy.Numbers,
		PlaceExchange: a.placeExchanges, CancelExchange: a.cancelExchanges, Ready: a.Order.Stock,
		Due: a.refundDue, Refund: a.refundReturn,
		Settled: func(tx *db.Tx, refund string) error { return a.Payment.Settle(tx, refund, "", nil) },
		Reported: func(tx *db.Tx, ask returns.RefundAsk) error {
			return a.Payment.Reported(tx, a.askOf(ask), ask.At)
		},
	})
}

func refundLines(ask returns.RefundAsk) []payment.RefundLine {
	restock := "none"
	if ask.Back {
		restock = "return"
	}
	all := make([]payment.RefundLine, len(ask.Lines))
	for i, l := range ask.Lines {
		all[i] = payment.RefundLine{LineID: l.LineID, Quantity: l.Quantity, Restock: restock}
	}
	return all
}

// refundDue says what so many units would give back by now.
func (a *App) refundDue(tx *db.Tx, id string, units []returns.Units, shipping int64) ([]int64, int64, error) {
	lines := make([]payment.RefundLine, len(units))
	for i, u := range units {
		lines[i] = payment.RefundLine{LineID: u.LineID, Quantity: u.Quantity}
	}
	return a.Payment.Worth(tx, id, lines, shipping)
}

func (a *App) askOf(ask returns.RefundAsk) payment.Ask {
	return payment.Ask{
		Order: ask.Order, Amount: ask.Amount, Lines: refundLines(ask), Shipping: ask.Shipping, Reason: ask.Reason, Return: ask.Return,
		Actor: ask.Actor, Reference: ask.Reference, Method: ask.Method,
	}
}

func (a *App) refundReturn(tx *db.Tx, ask returns.RefundAsk) (returns.Refund, error) {
	r, err := a.Payment.RefundTx(tx, a.askOf(ask))
	return returns.Refund{ID: r.ID, State: r.State, Amount: r.Amount}, err
}

func (a *App) ordersToReturn(tx *db.Tx, ids []string, lock bool) (map[string]returns.Order, error) {
	heads, err := a.Order.Heads(tx, ids, lock)
	if err != nil {
		return nil, err
	}
	lines, err := a.Order.Lines(tx, ids)
	if err != nil {
		return nil, err
	}
	can := map[string]channel.Can{}
	for _, h := range heads {
		can[h.Channel] = a.Connect.Can(h.Channel)
	}
	on := map[string]string{}
	for _, h := range heads {
		acc, err := a.Connect.Account(tx, h.Account)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		on[h.Account] = acc.Settings["exchange"]
	}
	all := make(map[string]returns.Order, len(heads))
	for id, h := range heads {
		o := returns.Order{
			ID: id, Number: h.Number, Account: h.Account, Channel: h.Channel, External: h.External, Country: h.Country, Currency: h.Currency, COD: h.COD,
			Effective: h.Effective(), ListsRefunds: can[h.Channel].Refund || !can[h.Channel].DecideReturn, Shipping: h.Sums.Charges, Version: h.Version,
			ExchangeOn: on[h.Account], ShowsReturns: can[h.Channel].OpenReturn && !channel.PlacedHere(h.External), PaysItself: h.Channel != "ownsite" && !can[h.Channel].Refund && !channel.PlacedHere(h.External),
		}
		for _, l := range lines[id] {
			rl := returns.OrderLine{
				ID: l.ID, External: l.External, Variant: l.Variant, SKU: l.SKU, Title: l.Title, Parts: l.Parts, Ours: l.Ours(), Ordered: l.Ordered, Cancelled: l.Cancelled,
				OnTheWay: l.OnTheWay, Delivered: l.Delivered, Returning: l.Returning, Returned: l.Returned, Lost: l.Lost, Refunded: l.Refunded, Exchanged: l.Exchanged, Cost: l.UnitCost.Minor,
				CostCurrency: l.UnitCost.Currency, Total: l.Total,
			}
			for _, u := range l.Units {
				rl.Units = append(rl.Units, u.External)
			}
			o.Lines = append(o.Lines, rl)
		}
		all[id] = o
	}
	return all, nil
}

// homecoming tells returns of parcels that turned back or came back.
func (a *App) homecoming(tx *db.Tx, facts []dispatch.Homecoming) error {
	for _, f := range facts {
		o := returns.OriginFact{Shipment: f.ShipmentID, Number: f.Number, Carrier: f.Carrier, Tracking: f.Tracking, Order: f.OrderID, Location: f.LocationID, State: f.State, At: f.At}
		for _, m := range f.Lines {
			o.Lines = append(o.Lines, event.UnitsMove(m))
		}
		if err := a.Returns.Origin(tx, o); err != nil {
			return err
		}
	}
	return nil
}
