package app

import (
	"encoding/json"
	"fmt"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// placeExchanges places the orders that replace what comes back, through the one door inward: in the account and for the buyer of the first order, marked as ours, so that
// the channel is told nothing of them. What the returned units are worth pays for them; the rest is collected in cash when they are delivered.
func (a *App) placeExchanges(tx *db.Tx, asks []returns.ExchangeAsk) ([]returns.Placed, error) {
	placed, arrivals := make([]returns.Placed, len(asks)), make([]channel.Arrival, len(asks))
	for i, ask := range asks {
		heads, err := a.Order.Heads(tx, []string{ask.Order}, true)
		if err != nil {
			return nil, err
		}
		h := heads[ask.Order]
		acc, err := a.Connect.Account(tx, h.Account)
		if err != nil {
			return nil, err
		}
		o, err := a.exchangeOrder(tx, h, acc, ask)
		if err != nil {
			return nil, err
		}
		placed[i].Total = o.Total.Minor
		if placed[i].Credit, err = a.credit(tx, ask, &o); err != nil {
			return nil, err
		}
		arrivals[i] = channel.Arrival{
			Source: "exchange", Account: accountOf(acc), Change: channel.Change{External: o.External, Version: tx.Now, ReadAt: tx.Now}, Order: o, Hash: o.External, Buyer: h.Buyer, AddressOK: h.AddressOK,
		}
	}
	landed, err := a.Order.Import(tx, arrivals)
	if err != nil {
		return nil, err
	}
	var facts []order.Fact
	for i, l := range landed {
		if l.Decision != channel.Imported {
			return nil, fault.New(fault.Conflict, "the replacement for return %s cannot be ordered: %s %s", asks[i].Number, l.Cause, l.Why).WithCode("not_placed")
		}
		placed[i].Order, placed[i].Number = l.OrderID, l.Number
		facts = append(facts, note(asks[i].Order, order.FactExchanged, asks[i], l.Number), note(l.OrderID, "placed_for_exchange", asks[i], l.Number))
	}
	return placed, a.Order.Note(tx, facts)
}

// instead finds an order of an account that was placed for an exchange, and the order that its buyer placed: what it replaces may replace another.
func (a *App) instead(tx *db.Tx, account, number string) (replacement, placed string, err error) {
	o, err := a.Order.Get(tx, number)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	h := o.Head
	for h.Account == account && o.Number == number && h.Origin == "exchange" {
		first := h.Extra[order.ExtraReplacesID]
		heads, err := a.Order.Heads(tx, []string{first}, false)
		if err != nil {
			return "", "", err
		}
		if h = heads[first]; h.Account == account && h.Origin != "exchange" {
			return o.ID, h.External, nil
		}
	}
	return "", "", nil
}

// accountOf is what import needs to know of an account.
func accountOf(a connect.Account) channel.Account {
	return channel.Account{
		ID: a.ID, Name: a.Name, Channel: a.Channel, Country: a.Country, Currency: a.Currency, Zone: a.Zone, LegalEntity: a.LegalEntity, Mode: a.Mode, CutOver: a.CutOver,
		OpenOrders: a.OpenOrders, Settings: a.Settings,
	}
}

func note(id, kind string, ask returns.ExchangeAsk, number string) order.Fact {
	detail, _ := json.Marshal(order.Exchanged{Return: ask.Number, Replacement: number}) // strings always marshal
	return order.Fact{OrderID: id, Kind: kind, Source: "return", Actor: ask.Actor, Subject: ask.Return, Detail: detail}
}

// credit lets what the returned units are worth pay for the replacement, as far as it goes, and puts the payments on its order.
func (a *App) credit(tx *db.Tx, ask returns.ExchangeAsk, o *channel.Order) (refund string, err error) {
	used := min(ask.Credit, o.Total.Minor)
	if used > 0 {
		r, err := a.Payment.RefundTx(tx, payment.Ask{
			Order: ask.Order, Return: ask.Return, Reference: ask.Reference, Amount: used, Method: payment.Exchange, Reason: "exchange", Actor: ask.Actor,
			Lines: refundLines(returns.RefundAsk{Lines: ask.Back, Back: true}),
		})
		if err != nil {
			return "", err
		}
		refund = r.ID
		o.Payments = append(o.Payments, channel.Payment{
			External: "credit", Method: channel.PayExchange, Gateway: payment.Exchange, Status: channel.Paid, Amount: money.Of(used, o.Currency), At: tx.Now,
		})
	}
	if rest := o.Total.Minor - used; rest > 0 {
		o.Payments = append(o.Payments, channel.Payment{
			External: "difference", Method: channel.PayCOD, Gateway: "cod", Status: channel.Due, Amount: money.Of(rest, o.Currency), At: tx.Now, Collector: channel.Courier,
		})
	}
	return refund, nil
}

// exchangeOrder writes the order that replaces what comes back.
func (a *App) exchangeOrder(tx *db.Tx, h order.Head, acc connect.Account, ask returns.ExchangeAsk) (channel.Order, error) {
	o := channel.Order{
		External: channel.HereID(ask.Reference), Version: tx.Now, PlacedAt: tx.Now, Status: channel.Open, Origin: "exchange", Country: h.Country, Currency: h.Currency, TaxMode: h.TaxMode,
		Money: channel.MoneyComplete, Total: money.Zero(h.Currency),
		ShipTo: channel.Address{Country: h.ShipCountry, Province: h.ShipProvince, City: h.ShipCity, Postcode: h.ShipPostcode},
		Extra:  map[string]string{order.ExtraReplaces: h.Number, order.ExtraReplacesID: h.ID, "return": ask.Number},
	}
	var err error
	if o.Lines, err = a.exchangeLines(tx, h, acc, ask); err != nil {
		return o, err
	}
	for _, l := range o.Lines {
		if o.Total, err = o.Total.Add(l.Total); err != nil {
			return o, err
		}
	}
	return o, nil
}

// exchangeLines prices what the buyer gets: the very thing that comes back at what was paid for it, as many units as come back; all else at today's price.
func (a *App) exchangeLines(tx *db.Tx, h order.Head, acc connect.Account, ask returns.ExchangeAsk) ([]channel.Line, error) {
	var ids []string
	for _, l := range ask.Lines {
		ids = append(ids, l.Variant)
	}
	variants, err := a.Catalog.ByID(tx, ids)
	if err != nil {
		return nil, err
	}
	prices, err := a.Catalog.Price(tx, catalog.PriceQuery{Country: acc.Country, Currency: h.Currency, Channel: acc.Channel, Account: acc.ID, Variants: ids, At: tx.Now})
	if err != nil {
		return nil, err
	}
	sold, err := a.Order.Lines(tx, []string{h.ID})
	if err != nil {
		return nil, err
	}
	back := backOf(sold[h.ID], ask.Back)
	var lines []channel.Line
	for i, want := range ask.Lines {
		v, ok := variants[want.Variant]
		at := fmt.Sprintf("lines[%d]", i)
		if !ok || want.Quantity <= 0 {
			return nil, fault.Field(at, "there is no such SKU, or no quantity of it")
		}
		n := int64(len(lines))
		same, err := back.take(v.ID, want.Quantity, h)
		if err != nil {
			return nil, err
		}
		lines = append(lines, same...)
		for _, l := range same {
			want.Quantity -= l.Quantity
		}
		if want.Quantity > 0 {
			p, ok := prices[v.ID]
			if !ok {
				return nil, fault.Field(at, "%s has no price in %s for this account", v.SKU, h.Currency).WithCode("no_price")
			}
			l, err := a.exchangeLine(tx, h, v, p.Amount, want.Quantity)
			if err != nil {
				return nil, err
			}
			lines = append(lines, l)
		}
		for ; n < int64(len(lines)); n++ {
			l := &lines[n]
			l.External, l.Title, l.Ships, l.FulfilledBy = fmt.Sprint(n+1), v.Title, v.Ships, channel.Seller
			l.Listing = channel.ListingRef{External: channel.HereID(v.ID), SKU: v.SKU}
		}
	}
	return lines, nil
}

// exchangeLine is a line at today's price, with the tax that the country has today.
func (a *App) exchangeLine(tx *db.Tx, h order.Head, v catalog.Variant, price money.Amount, quantity int64) (l channel.Line, err error) {
	rules, err := a.Policy.Rules(tx, h.Country, h.ShipProvince, tx.Now)
	if err != nil {
		return l, err
	}
	rates, err := a.rates(tx, h.Country, []string{v.TaxClass}, tx.Now)
	if err != nil {
		return l, err
	}
	rate, ok := rates[v.TaxClass]
	if !ok {
		rate = rules.Rate
	}
	l.Quantity, l.UnitPrice = quantity, price
	if l.Total, err = price.Times(quantity); err != nil || h.TaxMode == channel.TaxNone || rate.IsZero() {
		return l, err
	}
	var tax money.Amount
	if h.TaxMode == channel.TaxExclusive {
		if tax, err = l.Total.TaxOn(rate, rules.RoundMode); err == nil {
			l.Total, err = l.Total.Add(tax)
		}
	} else {
		tax, err = l.Total.TaxInside(rate, rules.RoundMode)
	}
	l.Taxes = []channel.Tax{{Title: rules.TaxName, Rate: rate.String(), Amount: tax, Remitter: channel.Seller}}
	return l, err
}

// returning counts what comes back of an order's lines and has not been matched with what replaces it.
type returning struct {
	lines []order.Line
	left  map[string]int64
}

func backOf(lines []order.Line, back []returns.Units) returning {
	r := returning{lines, map[string]int64{}}
	for _, u := range back {
		r.left[u.LineID] += u.Quantity
	}
	return r
}

// take prices up to so many units of a variant as those that come back were.
func (r returning) take(variant string, quantity int64, h order.Head) ([]channel.Line, error) {
	var all []channel.Line
	for i := range r.lines {
		l := &r.lines[i]
		q := min(quantity, r.left[l.ID])
		if l.Variant != variant || q <= 0 {
			continue
		}
		r.left[l.ID] -= q
		quantity -= q
		same, err := paidFor(l, q, h)
		if err != nil {
			return nil, err
		}
		all = append(all, same)
	}
	return all, nil
}

// paidFor is so many units of a line again, for what they cost: its share of the total and of the tax, the rest of the price as a discount.
func paidFor(l *order.Line, q int64, h order.Head) (channel.Line, error) {
	out := channel.Line{Quantity: q, UnitPrice: h.Amount(l.UnitPrice)}
	share := func(minor int64) (money.Amount, error) {
		return h.Amount(minor).Share(q, max(1, l.Ordered), money.HalfUp)
	}
	var err error
	if out.Total, err = share(l.Total); err != nil {
		return out, err
	}
	tax, err := share(l.Tax)
	if err != nil {
		return out, err
	}
	net := out.Total.Minor
	if h.TaxMode == channel.TaxExclusive {
		net -= tax.Minor
	}
	switch off := l.UnitPrice*q - net; {
	case off > 0:
		out.Discounts = []channel.Discount{{Title: "as it was paid", Amount: h.Amount(off), Funder: channel.Seller}}
	case off < 0: // rounding was in the buyer's disfavour: the unit price carries it
		out.UnitPrice = h.Amount((net + q - 1) / q)
		if over := out.UnitPrice.Minor*q - net; over > 0 {
			out.Discounts = []channel.Discount{{Title: "as it was paid", Amount: h.Amount(over), Funder: channel.Seller}}
		}
	}
	if !tax.IsZero() {
		title, rate := "", ""
		if len(l.Taxes) > 0 {
			title, rate = l.Taxes[0].Title, l.Taxes[0].Rate
		}
		out.Taxes = []channel.Tax{{Title: title, Rate: rate, Amount: tax, Remitter: channel.Seller}}
	}
	return out, nil
}

// cancelExchanges takes replacements back that have not been handed over: their value first, then the orders.
func (a *App) cancelExchanges(tx *db.Tx, gone []returns.ExchangeCancel) error {
	for _, g := range gone {
		heads, err := a.Order.Heads(tx, []string{g.Placed}, true)
		if err != nil {
			return err
		}
		h := heads[g.Placed]
		if h.Units.Shipped > 0 {
			return fault.New(fault.Conflict, "order %s, which replaces it, has been handed over", h.Number).WithCode("handed_over")
		}
		if g.Credit != "" {
			if err := a.Payment.Uncredit(tx, g.Credit, g.Placed); err != nil {
				return err
			}
		}
		if h.State == order.Cancelled {
			continue
		}
		if _, err := a.Order.CancelTx(tx, order.Cancelling{Order: g.Placed, Reason: g.Reason, Initiator: "seller", Actor: g.Actor, Source: "return"}); err != nil {
			return err
		}
	}
	return nil
}
