package payment

import (
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Paid lists by order the payments whose money has come, oldest first: captured, or collected in cash. One without an id of the channel bears ours.
func (s *Service) Paid(tx *db.Tx, orders []string) (map[string][]channel.Payment, error) {
	rows, err := db.All(tx, scan, `select `+columns+` from order_payments p where p.order_id in (select key from json_each($1)) and p.captured > 0 order by p.order_id, p.id`, db.Keys(orders))
	all := map[string][]channel.Payment{}
	for _, p := range rows {
		if p.External == "" {
			p.External = p.ID
		}
		all[p.OrderID] = append(all[p.OrderID], channel.Payment{
			External: p.External, Method: channel.PaymentMethod(p.Method), Status: channel.Paid, Amount: money.Of(p.Captured, p.Currency),
		})
	}
	return all, err
}
