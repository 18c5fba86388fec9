package console

import (
	"net/url"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/view"
)

// tab is a piece of work that a list is cut by.
type tab struct {
	Name, Title, Path string
	Here              bool
}

// orderTabs are the orders by what is to be done about them, with the desk where it is done.
var orderTabs = []struct{ name, title, desk, path, start string }{
	{"all", "All", "", "", ""},
	{"review", "To review", "", "", ""},
	{"pick", "To pick", "work", "/work?step=pick", "Pick them"},
	{"pack", "To pack", "work", "/work?step=pack", "Pack them"},
	{"handover", "To hand over", "handover", "/handover", "Hand them over"},
	{"shipped", "On the way", "", "", ""},
	{"delivered", "Delivered", "", "", ""},
	{"back", "Coming back", "returns", "/returns", "Receive them"},
	{"cancelled", "Cancelled", "", "", ""},
}

type ordersPage struct {
	Tabs     []tab
	Tab      string
	Desk     tab // where the work of this tab is done
	Ask      map[string]string
	Choices  []chooser // what is always there to filter by
	More     []chooser // and what is folded away
	Folded   bool
	Accounts map[string]string // id → name
	Items    []order.Head
	Page     order.Page
	Narrow   bool // something is filtered
	CSV      string
	Query    string // what is filtered, as a view keeps it
	Views    []view.View
	View     view.View // the one that is open
	Deeds    []choice
	Places   []inventory.Location
	// Countries are those that a phone number may be of.
	Countries []string
	// Currencies are those that orders may be in.
	Currencies []string
}

// ordersPageName is what views of this page are kept under.
const ordersPageName = "orders"

// orders lists orders, newest first.
func orders(v *visit) error {
	p := ordersPage{Tab: v.ask("tab"), Ask: map[string]string{}, CSV: Base + "/orders.csv"}
	for _, name := range orderAsks {
		if p.Ask[name] = v.ask(name); p.Ask[name] != "" && name != "oldest" {
			p.Narrow = true
		}
	}
	p.Folded = !slices.ContainsFunc(foldedAsks, func(name string) bool { return p.Ask[name] != "" })
	if p.Query = viewQuery(v.r.URL.Query()); p.Query != "" {
		p.CSV += "?" + p.Query
	}
	for _, t := range orderTabs {
		here := t.name == p.Tab || t.name == "all" && p.Tab == ""
		p.Tabs = append(p.Tabs, tab{t.name, v.T(t.title), sheet{visit: v}.Link("tab", t.name), here})
		if here && t.desk != "" && v.allowed(v.who, t.desk) {
			p.Desk = tab{Title: v.T(t.start), Path: Base + t.path}
		}
	}
	err := v.read(func(tx *db.Tx) (err error) {
		if p.Views, err = view.Of(tx, v.who.ID, ordersPageName); err != nil {
			return err
		}
		return v.fillOrders(tx, &p)
	})
	if err != nil {
		return err
	}
	for _, x := range p.Views {
		if x.Preferred && v.r.URL.RawQuery == "" {
			v.see(Base + "/orders?" + x.Query)
			return nil
		}
		if x.Query == p.Query {
			p.View = x
		}
	}
	for _, d := range orderDeeds {
		if v.who.Has(d.need) && v.allowed(v.who, "orders.bulk") {
			p.Deeds = append(p.Deeds, choice{Value: d.name, Title: v.T(d.title)})
		}
	}
	return v.page("orders", "Orders", p)
}

// fillOrders reads what the page shows.
func (v *visit) fillOrders(tx *db.Tx, p *ordersPage) error {
	accounts, err := v.Connect.Accounts(tx)
	if err != nil {
		return err
	}
	f, err := v.orderFilter(tx)
	if err != nil {
		return err
	}
	if p.Page, err = v.Order.List(tx, f, v.ask("after"), 50); err != nil {
		return err
	}
	p.Items = p.Page.Items
	var shown []string
	for _, o := range p.Items {
		shown = append(shown, o.Account)
	}
	if accounts, err = seenAccounts(tx, accounts, shown...); err != nil {
		return err
	}
	names, channels := named(accounts)
	p.Accounts, p.Countries, p.Currencies = names, countriesOf(accounts), currenciesOf(accounts)
	p.Places = v.shippers(tx)
	p.Choices, p.More = v.orderChoices(p, accounts, channels)
	return nil
}

// viewQuery is what is filtered, in one form whichever way it was chosen.
func viewQuery(q url.Values) string {
	out := url.Values{}
	for _, name := range append([]string{"tab"}, orderAsks...) {
		if is := clean(q.Get(name)); is != "" && (name != "tab" || is != "all") {
			out.Set(name, is)
		}
	}
	return out.Encode()
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

// currenciesOf are the currencies that accounts sell in.
func currenciesOf(accounts []connect.Account) (all []string) {
	for _, a := range accounts {
		if a.Currency != "" {
			all = append(all, a.Currency)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(all)))
}

// orderPath is where an order is shown.
func orderPath(id string) string { return Base + "/orders/" + url.PathEscape(id) }

// Chosen is the address of a kept view.
func (ordersPage) Chosen(x view.View) string {
	return Base + "/orders" + strings.TrimSuffix("?"+x.Query, "?")
}
