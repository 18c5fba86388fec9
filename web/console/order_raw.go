package console

import (
	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

type rawPage struct {
	order.View
	Diff connect.ReplayDiff
	Held channel.Order
	Gone string // why there is nothing to compare with
}

// orderRaw shows what the channel sent, decoded today, beside what we hold, field by field, without personal data.
func orderRaw(v *visit) error {
	var p rawPage
	err := v.read(func(tx *db.Tx) (err error) { p.View, err = v.Order.Get(tx, v.id()); return err })
	if err != nil {
		return err
	}
	p.Diff, err = v.Connect.Replay(v.r.Context(), p.ID, false, v.actor())
	if fault.Is(err, fault.NotFound) {
		p.Gone, err = fault.Message(err), nil
	}
	if err != nil {
		return err
	}
	return v.page("order_raw", "Order %s: raw and canonical", p, p.Number)
}

// orderReplay has the newest reading imported again.
func orderReplay(v *visit) error {
	if _, err := v.Connect.Replay(v.r.Context(), v.id(), true, v.actor()); err != nil {
		return err
	}
	return v.back(orderPath(v.id())+"/raw", flash{Text: v.T("The newest reading is imported again")})
}
