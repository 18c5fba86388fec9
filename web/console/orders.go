package console

import (
	"net/url"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/db"
)

// tab is a piece of work that a list is cut by.
type tab struct {
	Name, Title, Path string
	Here              bool
}

// orderTabs are the orders by what is to be done about them; what is picked, packed and handed over has its own desk.
var orderTabs = []struct{ name, title string }{
	{"", "All"},
	{"review", "To review"},
	{"open", "Open"},
	{"part_shipped", "Partly shipped"},
	{"shipped", "On the way"},
	{"delivered", "Delivered"},
	{"closed", "Closed"},
	{"cancelled", "Cancelled"},
}

type ordersPage struct {
	Tabs     []tab
	Tab      string
	Ask      order.Filter
	Accounts map[string]string // id → name
	Channels []string
	Pays     []order.PayState
	Items    []order.Head
	Next     string
	Narrow   bool // something is filtered
	CSV      string
	// Countries are those that a phone number may be of.
	Countries []string
}

// orderAsks are what an address may narrow the list by, besides the tab.
var orderAsks = []string{"account", "channel", "country", "pay", "number", "sku"}

// orders lists orders, newest first.
func orders(v *visit) error {
	p := ordersPage{Tab: v.ask("tab"), Pays: []order.PayState{order.Unpaid, order.Due, order.Authorized, order.PartPaid, order.Paid, order.PartRefunded, order.Refunded, order.Voided}}
	p.Ask = v.orderFilter()
	for _, name := range orderAsks {
		p.Narrow = p.Narrow || v.ask(name) != ""
	}
	f := byTab(p.Ask, p.Tab)
	p.CSV = Base + "/orders.csv"
	if v.r.URL.RawQuery != "" {
		p.CSV += "?" + v.r.URL.Query().Encode()
	}
	for _, t := range orderTabs {
		p.Tabs = append(p.Tabs, tab{t.name, v.T(t.title), sheet{visit: v}.Link("tab", t.name), t.name == p.Tab})
	}
	err := v.read(func(tx *db.Tx) error {
		accounts, err := v.Connect.Accounts(tx)
		if err != nil {
			return err
		}
		page, err := v.Order.List(tx, f, v.ask("after"), 50)
		if err != nil {
			return err
		}
		p.Items, p.Next = page.Items, page.Next
		var shown []string
		for _, o := range p.Items {
			shown = append(shown, o.Account)
		}
		if accounts, err = seenAccounts(tx, accounts, shown...); err != nil {
			return err
		}
		p.Accounts, p.Channels = named(accounts)
		p.Countries = countriesOf(accounts)
		return nil
	})
	if err != nil {
		return err
	}
	return v.page("orders", "Orders", p)
}

// orderFilter is what the address asks for.
func (v *visit) orderFilter() order.Filter {
	return order.Filter{
		Account: v.ask("account"), Channel: v.ask("channel"), Country: v.ask("country"), Pay: order.PayState(v.ask("pay")), Number: v.ask("number"), SKU: v.ask("sku"), Oldest: v.ask("oldest") != "",
	}
}

// byTab narrows a filter to the work of a tab.
func byTab(f order.Filter, tab string) order.Filter {
	switch tab {
	case "", "all":
	case "review":
		held := true
		f.State, f.Held = order.Open, &held
	default:
		f.State = order.State(tab)
	}
	return f
}

// named gives accounts by id, and the channels they are at.
func named(accounts []connect.Account) (names map[string]string, channels []string) {
	names = map[string]string{}
	seen := map[string]bool{}
	for _, a := range accounts {
		names[a.ID] = a.Name
		if !seen[a.Channel] {
			seen[a.Channel] = true
			channels = append(channels, a.Channel)
		}
	}
	return names, channels
}

// orderPath is where an order is shown.
func orderPath(id string) string { return Base + "/orders/" + url.PathEscape(id) }
