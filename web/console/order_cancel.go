package console

import (
	"strconv"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// cancelReasons are why a seller cancels.
var cancelReasons = []string{string(channel.CancelStock), string(channel.CancelBuyer), string(channel.CancelAddress), string(channel.CancelPricing), string(channel.CancelFraud), string(channel.CancelOther)}

type cancelPage struct {
	order.Preview
	Lines   []order.Line
	Chosen  map[string]int64
	Reason  string
	Reasons []string
	Problem string
}

// SKU is that of a line, by its id.
func (p cancelPage) SKU(line string) string { return skuOf(p.Lines, line) }

func skuOf(lines []order.Line, id string) string {
	for _, l := range lines {
		if l.ID == id {
			return l.SKU
		}
	}
	return ""
}

// orderCancel shows what a cancellation would do, before anything is done.
func orderCancel(v *visit) error {
	p := cancelPage{Reason: v.ask("reason"), Reasons: cancelReasons, Chosen: map[string]int64{}}
	if p.Reason == "" {
		p.Reason = cancelReasons[0]
	}
	err := v.read(func(tx *db.Tx) error {
		o, err := v.Order.Get(tx, v.id())
		if err != nil {
			return err
		}
		p.Lines = o.Lines
		p.Preview, err = v.Order.PreviewCancel(tx, v.cutting(o, p.Chosen, v.ask))
		if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Invalid) {
			p.Problem, p.Preview = fault.Message(err), order.Preview{Order: o.ID, Number: o.Number, Version: o.Version}
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.page("order_cancel", "Cancel order %s", p, p.Number)
}

// orderCancelDo cancels what was shown.
func orderCancelDo(v *visit) error {
	var o order.View
	if err := v.read(func(tx *db.Tx) (err error) { o, err = v.Order.Get(tx, v.id()); return err }); err != nil {
		return err
	}
	c := v.cutting(o, map[string]int64{}, v.form)
	c.Version = v.version()
	if _, err := v.Order.Cancel(v.r.Context(), c); err != nil {
		return err
	}
	v.remember(flash{Text: v.T("Cancelled. Stock and money follow; the channel is told.")})
	v.see(orderPath(o.ID))
	return nil
}

// cutting reads which units are to go: none named means all that are open.
func (v *visit) cutting(o order.View, chosen map[string]int64, from func(string) string) order.Cancelling {
	reason := from("reason")
	if reason == "" {
		reason = string(channel.CancelStock)
	}
	c := order.Cancelling{Order: o.ID, Reason: reason, Initiator: "seller", Actor: v.actor(), Source: "console"}
	for _, l := range o.Lines {
		n, err := strconv.ParseInt(from("line-"+l.ID), 10, 64)
		if err == nil && n > 0 {
			chosen[l.ID] = n
			c.Lines = append(c.Lines, order.CutLine{LineID: l.ID, Quantity: n})
		}
	}
	return c
}
