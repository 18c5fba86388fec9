package order

import (
	"encoding/json"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Held gives what we hold of an order in the shape of a reading, so that the two can be compared: what import copies, without personal data, units and progress.
func (s *Service) Held(tx *db.Tx, id string) (channel.Order, error) {
	heads, err := byID(tx, []string{id}, false)
	if err != nil {
		return channel.Order{}, err
	}
	if len(heads) == 0 {
		return channel.Order{}, fault.New(fault.NotFound, "there is no order %s", id)
	}
	h := &heads[0]
	o := channel.Order{
		External: h.External, Number: h.ExternalNumber, Version: h.VersionAt, PlacedAt: h.PlacedAt, ShipBy: h.ShipBy, DeliverBy: h.DeliverBy, Statuses: h.Statuses,
		Origin: h.Origin, Currency: h.Currency, TaxMode: h.TaxMode, Money: h.Money, Total: h.Amount(h.Sums.Total), Shop: h.ShopTotal, Tags: h.Tags, Extra: h.Extra,
	}
	lines, err := linesOf(tx, []string{id})
	if err != nil {
		return channel.Order{}, err
	}
	for _, l := range lines[id] {
		o.Lines = append(o.Lines, channel.Line{
			External: l.External, Title: l.Title, Quantity: l.Ordered, UnitPrice: h.Amount(l.UnitPrice), Discounts: l.Discounts, Taxes: l.Taxes, Total: h.Amount(l.Total),
			FulfilledBy: l.FulfilledBy, Location: l.Location,
		})
	}
	o.Charges, err = chargesOf(tx, h)
	return o, err
}

// chargesOf reads the charges that the channel gave; the explicit rounding line is ours.
func chargesOf(tx *db.Tx, h *Head) ([]channel.Charge, error) {
	all, err := db.All(tx, func(row db.Scanner) (channel.Charge, error) {
		var c channel.Charge
		var amount, total int64
		var taxes string
		if err := row.Scan(&c.Kind, &c.Title, &amount, &total, &taxes); err != nil {
			return c, err
		}
		c.Amount, c.Total = money.Of(amount, h.Currency), money.Of(total, h.Currency)
		return c, json.Unmarshal([]byte(taxes), &c.Taxes)
	}, `select kind, title, amount, total, taxes from order_charges where order_id = $1 order by n`, h.ID)
	if n := len(all); err == nil && n > 0 && h.Sums.Rounding != 0 {
		all = all[:n-1]
	}
	return all, err
}
