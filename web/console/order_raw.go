package console

import (
	"net/url"
	"strconv"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

type rawPage struct {
	View order.View
	connect.Beside
	Gone     string // why there is nothing to compare with
	All      bool   // every value, not only what differs
	Differ   int
	Sections []rawSection
	Kinds    map[string]string
	More     string // the address of the elements that follow
}

// orderRaw shows what the channel sent, decoded today, beside what we hold, value by value, without personal data.
func orderRaw(v *visit) error {
	p := rawPage{Kinds: leafKinds, All: v.r.URL.Query().Get("all") != ""}
	err := v.read(func(tx *db.Tx) (err error) { p.View, err = v.Order.Get(tx, v.id()); return err })
	if err != nil {
		return err
	}
	p.Beside, err = v.Connect.Beside(v.r.Context(), p.View.ID)
	if fault.Is(err, fault.NotFound) {
		p.Gone, err = fault.Message(err), nil
	}
	if err != nil {
		return err
	}
	from, _ := strconv.Atoi(v.r.URL.Query().Get("from"))
	for _, one := range p.Values {
		if one.Differs {
			p.Differ++
		}
	}
	var next int
	p.Sections, next = v.rawSections(p.Values, p.Unread, p.All, max(from, 0))
	if next > 0 {
		p.More = v.r.URL.Path + "?" + url.Values{"all": {"1"}, "from": {strconv.Itoa(next)}}.Encode()
	}
	return v.page("order_raw", "Order %s: raw and canonical", p, p.View.Number)
}

// orderReplay has the newest reading imported again.
func orderReplay(v *visit) error {
	if _, err := v.Connect.Replay(v.r.Context(), v.id(), true, v.actor()); err != nil {
		return err
	}
	return v.back(orderPath(v.id())+"/raw", flash{Text: v.T("The newest reading is imported again")})
}
