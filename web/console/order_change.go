package console

import (
	"encoding/json"
	"strconv"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// changeField is a part of an address that can be different.
type changeField struct{ Name, Title string }

// changeFields are the parts of an address, as the API calls them.
var changeFields = []changeField{
	{"name", "Name"},
	{"company", "Company"},
	{"phone", "Phone"},
	{"line_1", "Street and number"},
	{"line_2", "Second line"},
	{"district", "Area"},
	{"city", "City"},
	{"province", "Province"},
	{"postcode", "Postcode"},
}

// fewer is a line with how many units of it the buyer is to get.
type fewer struct {
	order.Line
	Now  int64 // units that are not cancelled
	Want int64
}

// Least is what has left already: fewer cannot be.
func (f fewer) Least() int64 { return f.Now - f.Open }

type changePage struct {
	order.View
	Fields     []changeField
	Draft      *order.ChangeSet // an address that is proposed
	Was, Is    changePlace
	Complete   bool
	Stale      bool // the order has changed since it was proposed
	Units      []fewer
	Cut        map[string]int64
	Preview    *order.Preview
	Reason     string
	Reasons    []string
	Problem    string
	Cancels    bool // whether the channel takes a cancellation from us
	Addresses  bool // whether it is early enough for another address
	MayFewer   bool
	MayAddress bool
}

// changePlace is where a parcel goes, as far as a change set says.
type changePlace struct{ Country, Province, City string }

// SKU is that of a line, by its id.
func (p changePage) SKU(line string) string { return skuOf(p.View.Lines, line) }

// orderChange shows what can be changed of an order now, and what a change would do before anything is done.
func orderChange(v *visit) error {
	p := changePage{Fields: changeFields, Reasons: cancelReasons, Reason: v.ask("reason"), Cut: map[string]int64{}, MayAddress: v.allowed(v.who, "order.change.do"), MayFewer: v.allowed(v.who, "order.cancel.do")}
	if p.Reason == "" {
		p.Reason = cancelReasons[0]
	}
	err := v.read(func(tx *db.Tx) (err error) {
		if p.View, err = v.Order.Get(tx, v.id()); err != nil {
			return err
		}
		p.Cancels = v.Connect.Can(p.Channel).Cancel
		p.Addresses = p.View.Units.Open > 0 && p.View.Units.Shipped == 0
		if err := v.drafted(tx, &p); err != nil {
			return err
		}
		return v.fewer(tx, &p)
	})
	if err != nil {
		return err
	}
	return v.page("order_change", "Change order %s", p, p.Number)
}

// drafted reads the change that waits to be confirmed, when the address names one.
func (v *visit) drafted(tx *db.Tx, p *changePage) error {
	id := v.ask("set")
	if id == "" {
		return nil
	}
	set, err := v.Order.ChangeSet(tx, id)
	if err != nil {
		return err
	}
	if set.Order != p.ID {
		return fault.New(fault.NotFound, "order %s has no such change", p.Number)
	}
	if set.Kind != order.ChangeAddress || set.State != "draft" {
		return nil
	}
	var shown struct{ Was, Is changePlace }
	var asked order.Change
	if err := json.Unmarshal(set.Preview, &shown); err != nil {
		return err
	}
	if err := json.Unmarshal(set.Content, &asked); err != nil {
		return err
	}
	p.Draft, p.Was, p.Is, p.Stale = &set, shown.Was, shown.Is, set.Version != p.Version
	p.Complete = asked.Address != nil && asked.Address.Complete
	return nil
}

// fewer reads how many units of each line the buyer is to get, and what that does.
func (v *visit) fewer(tx *db.Tx, p *changePage) error {
	c := order.Cancelling{Order: p.ID, Reason: p.Reason, Initiator: "seller", Actor: v.actor(), Source: "console"}
	for _, l := range p.View.Lines {
		u := fewer{Line: l, Now: l.Ordered - l.Cancelled, Want: l.Ordered - l.Cancelled}
		if said := v.ask("want-" + l.ID); said != "" {
			n, err := strconv.ParseInt(said, 10, 64)
			switch {
			case err != nil || n < 0:
				return fault.Field("want-"+l.ID, "is a number of units")
			case n > u.Now:
				p.Problem = v.T("Units cannot be added here: the buyer orders them anew, or adds them at the channel")
			case n < u.Least():
				p.Problem = v.T("What has left cannot be taken out: it comes back as a return")
			case n < u.Now:
				p.Cut[l.ID] = u.Now - n
				c.Lines = append(c.Lines, order.CutLine{LineID: l.ID, Quantity: u.Now - n})
			}
			u.Want = n
		}
		if u.Now > 0 {
			p.Units = append(p.Units, u)
		}
	}
	if p.Problem != "" || len(c.Lines) == 0 {
		return nil
	}
	shown, err := v.Order.PreviewCancel(tx, c)
	switch {
	case fault.Is(err, fault.Conflict) || fault.Is(err, fault.Invalid):
		p.Problem = fault.Message(err)
	case err != nil:
		return err
	default:
		p.Preview = &shown
	}
	return nil
}

// orderChangeDo proposes another address: it is sealed, and shown with what it does before it counts.
func orderChangeDo(v *visit) error {
	to := map[string]string{}
	for _, f := range changeFields {
		if said := v.form(f.Name); said != "" {
			to[f.Name] = said
		}
	}
	if len(to) == 0 {
		return fault.Field("city", "say what is different: what stays empty stays as it is")
	}
	var set order.ChangeSet
	if err := v.Do(v.r.Context(), v.who, post, "/orders/"+v.id()+"/changes", v.match(), map[string]any{"address": to}, &set); err != nil {
		return err
	}
	v.see(orderPath(v.id()) + "/change?set=" + set.ID)
	return nil
}

// orderChangeAct confirms a proposed change on the version that was shown, or gives it up.
func orderChangeAct(v *visit) error {
	act := v.r.PathValue("act")
	said, ok := map[string]string{"confirm": v.T("The parcel goes to the new address"), "discard": v.T("Given up: the address stays as it is")}[act]
	if !ok {
		return fault.New(fault.NotFound, "there is no such step")
	}
	if err := v.Do(v.r.Context(), v.who, post, "/orders/"+v.id()+"/changes/"+v.r.PathValue("change")+"/"+act, "", map[string]any{}, nil); err != nil {
		return err
	}
	v.remember(flash{Text: said})
	v.see(orderPath(v.id()))
	return nil
}
