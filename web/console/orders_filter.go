package console

import (
	"time"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// orderAsks are what an address may narrow the list of orders by, besides the tab; foldedAsks those of them that are folded away while nobody uses them.
var (
	orderAsks = []string{
		"account", "at", "carrier", "channel", "cod", "country", "currency", "due", "from", "hold", "least", "most", "number", "oldest", "pay", "since", "sku", "state", "to",
	}
	foldedAsks = []string{"at", "carrier", "cod", "country", "currency", "from", "hold", "least", "most", "oldest", "since", "state", "to"}
)

// The states of each axis, as they are offered.
var (
	merchantStates = []order.State{order.Open, order.PartShipped, order.Shipped, order.Delivered, order.Closed, order.Cancelled}
	payStates      = []order.PayState{order.Unpaid, order.Due, order.Authorized, order.PartPaid, order.Paid, order.PartRefunded, order.Refunded, order.Voided}
	parcelStates   = []string{"intended", "issued", "handed_over", "in_transit", "out_for_delivery", "attempted", "delivered", "returning", "returned", "lost", "refused", "unknown"}
	holdTypes      = []order.HoldType{
		order.HoldUnmapped, order.HoldMoney, order.HoldPartial, order.HoldUnpaid, order.HoldAddress, order.HoldCancel, order.HoldChannel, order.HoldShortage, order.HoldPerson, order.HoldAfterPack, order.HoldReaddress,
	}
	dueTimes = []struct{ name, title string }{{"late", "Overdue"}, {"4h", "Within 4 h"}, {"day", "Within a day"}, {"any", "Any, first things first"}}
)

// choice is one of several values; chooser is a field that offers them.
type choice struct{ Value, Title string }

type chooser struct {
	Name, Title, Is string
	Options         []choice
}

// orderChoices are the filters that offer values.
func (v *visit) orderChoices(p *ordersPage, accounts []connect.Account, channels []string) (always, more []chooser) {
	field := func(name, title string) chooser { return chooser{Name: name, Title: title, Is: p.Ask[name]} }
	account, channel, due := field("account", v.T("Account")), field("channel", v.T("Channel")), field("due", v.T("Ship by"))
	for _, a := range accounts {
		account.Options = append(account.Options, choice{a.ID, a.Name})
	}
	for _, c := range channels {
		channel.Options = append(channel.Options, choice{c, c})
	}
	for _, d := range dueTimes {
		due.Options = append(due.Options, choice{d.name, v.T(d.title)})
	}
	state, carrier, pay := field("state", v.T("State")), field("carrier", v.T("Parcel")), field("pay", v.T("Payment"))
	for _, s := range merchantStates {
		state.Options = append(state.Options, choice{string(s), v.Word(string(s))})
	}
	for _, s := range parcelStates {
		carrier.Options = append(carrier.Options, choice{s, v.Word(s)})
	}
	for _, s := range payStates {
		pay.Options = append(pay.Options, choice{string(s), v.Word(string(s))})
	}
	hold, cod, country, at := field("hold", v.T("On hold")), field("cod", v.T("Cash on delivery")), field("country", v.T("Country")), field("at", v.T("Branch or warehouse"))
	for _, h := range holdTypes {
		hold.Options = append(hold.Options, choice{string(h), v.T(order.Holds[h].Title)})
	}
	cod.Options = []choice{{"yes", v.T("Yes")}, {"no", v.T("No")}}
	for _, c := range p.Countries {
		country.Options = append(country.Options, choice{c, c})
	}
	for _, l := range p.Places {
		at.Options = append(at.Options, choice{l.Code, l.Name})
	}
	more = []chooser{carrier, hold, cod, at, country}
	if p.Tab == "" || p.Tab == "all" || p.Tab == "back" { // the other tabs are states themselves
		more = append([]chooser{state}, more...)
	}
	return []chooser{account, channel, pay, due}, more
}

// orderFilter is what the address asks for. Faults: Invalid for an amount or a time that is none, NotFound for a branch that is not the person's.
func (v *visit) orderFilter(tx *db.Tx) (order.Filter, error) {
	f := order.Filter{
		Account: v.ask("account"), Channel: v.ask("channel"), Country: v.ask("country"), State: order.State(v.ask("state")), Pay: order.PayState(v.ask("pay")),
		Hold: order.HoldType(v.ask("hold")), Number: v.ask("number"), SKU: v.ask("sku"), Oldest: v.ask("oldest") != "",
	}
	if s := v.ask("cod"); s != "" {
		cod := s == "yes"
		f.COD = &cod
	}
	if s := v.ask("carrier"); s != "" {
		f.Cuts = append(f.Cuts, dispatch.OrdersIn(s))
	}
	if code := v.ask("at"); code != "" {
		l, err := v.Inventory.LocationByCode(tx, code)
		if err == nil {
			err = sees(tx, access.Locations, l.ID)
		}
		if err != nil {
			return f, err
		}
		f.Cuts = append(f.Cuts, fulfillment.OrdersAt(l.ID))
	}
	switch v.ask("due") {
	case "late":
		f.DueUntil = v.now
	case "4h":
		f.DueFrom, f.DueUntil = v.now, v.now.Add(nearly)
	case "day":
		f.DueFrom, f.DueUntil = v.now, v.now.Add(24*time.Hour)
	case "any":
		f.DueFrom = time.UnixMicro(1)
	}
	if err := v.byValue(&f); err != nil {
		return f, err
	}
	var err error
	if f.From, err = v.momentOf("since"); err != nil {
		return f, err
	}
	if f.PlacedFrom, err = v.momentOf("from"); err != nil {
		return f, err
	}
	if f.PlacedUntil, err = v.momentOf("to"); err != nil {
		return f, err
	}
	return byTab(f, v.ask("tab")), nil
}

// nearly is how long before its deadline something is due soon.
const nearly = 4 * time.Hour

// byValue reads between which amounts.
func (v *visit) byValue(f *order.Filter) error {
	least, most := v.ask("least"), v.ask("most")
	if f.Currency = v.ask("currency"); f.Currency == "" {
		if least != "" || most != "" {
			return fault.Field("currency", "say in which currency")
		}
		return nil
	}
	for _, x := range []struct {
		name, text string
		to         *int64
	}{{"least", least, &f.Least}, {"most", most, &f.Most}} {
		if x.text == "" {
			continue
		}
		a, err := money.Parse(x.text, f.Currency)
		if err != nil {
			return fault.Field(x.name, "%s", fault.Message(err))
		}
		*x.to = a.Minor
	}
	return nil
}

// moments are how a browser writes a day or a time; it is meant in the person's zone.
var moments = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"}

// momentOf reads a time of the address; zero when there is none.
func (v *visit) momentOf(name string) (time.Time, error) {
	text := v.ask(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range moments {
		if t, err := time.ParseInLocation(layout, text, v.zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fault.Field(name, "is a day and a time, such as 2026-11-22T09:00")
}

// byTab narrows a filter to the work of a tab.
func byTab(f order.Filter, tab string) order.Filter {
	held := true
	switch tab {
	case "", "all":
	case "review":
		f.State, f.Held = order.Open, &held
	case "back":
		f.Back = true
	case "pick", "pack", "handover":
		for _, s := range steps {
			if s.name == tab {
				f.Cuts = append(f.Cuts, fulfillment.OrdersIn(s.states...))
			}
		}
	default: // a tab that is a state
		f.State = order.State(tab)
	}
	return f
}
