package console

import (
	"cmp"
	"net/url"
	"slices"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// The states a list of returns can be cut by, on each axis.
var (
	returnKinds     = []returns.Kind{returns.KindReturn, returns.KindExchange, returns.KindRefundOnly, returns.KindOrigin, returns.KindClaim}
	returnDecisions = []string{"requested", "approved", "declined", "withdrawn"}
	returnGoods     = []string{"none", "awaited", "on_the_way", "received", "inspected", "lost", "cancelled"}
	returnMoneys    = []string{"none", "due", "intended", "refunded", "refused", "waived"}
)

// returnRow is a return with the words people know it by.
type returnRow struct {
	returns.RMA
	OrderNumber, AccountName string
	Units                    int64
	First                    string // SKU of its first line
}

// Left is what is due and has not gone back.
func (r returnRow) Left() money.Amount { return money.Of(r.RefundDue-r.RMA.Refunded, r.Currency) }

type returnsPage struct {
	Tabs                               []tab
	Tab                                string
	Ask                                returns.Filter
	Kinds                              []returns.Kind
	Decisions, GoodsStates, MoneyState []string
	Accounts                           []connect.Account
	Items                              []returnRow
	Next                               string
	Narrow                             bool
}

// returnWork is what a tab of returns shows: those that wait for the same kind of work.
func returnWork(tab string) (f returns.Filter, known bool) {
	switch tab {
	case "":
		return returns.Filter{Open: true}, true
	case "decide":
		return returns.Filter{Decision: "requested", Open: true}, true
	case "expected":
		return returns.Filter{Decision: "approved", Goods: "awaited", Open: true}, true
	case "coming":
		return returns.Filter{Goods: "on_the_way"}, true
	case "inspect":
		return returns.Filter{Goods: "received"}, true
	case "refund":
		return returns.Filter{Decision: "approved", Money: "due"}, true
	case "all":
		return returns.Filter{}, true
	}
	return returns.Filter{Open: true}, false
}

// returnList lists returns, newest first, by the work they wait for and by their states on both axes.
func returnList(v *visit) error {
	p := returnsPage{Tab: v.ask("tab"), Kinds: returnKinds, Decisions: returnDecisions, GoodsStates: returnGoods, MoneyState: returnMoneys}
	f, known := returnWork(p.Tab)
	if !known {
		p.Tab = ""
	}
	for _, t := range []struct{ name, title string }{
		{"", v.T("Open")}, {"decide", v.T("To decide")}, {"expected", v.T("Expected")}, {"coming", v.T("On the way")}, {"inspect", v.T("To inspect")}, {"refund", v.T("To refund")}, {"all", v.T("All")},
	} {
		to := Base + "/returns"
		if t.name != "" {
			to += "?tab=" + t.name
		}
		p.Tabs = append(p.Tabs, tab{t.name, t.title, to, t.name == p.Tab})
	}
	p.Ask = returns.Filter{Account: v.ask("account"), Kind: returns.Kind(v.ask("kind")), Decision: v.ask("decision"), Goods: v.ask("goods"), Money: v.ask("money")}
	p.Narrow = p.Ask != (returns.Filter{})
	f.Account, f.Kind = p.Ask.Account, p.Ask.Kind
	f.Decision, f.Goods, f.Money = cmp.Or(p.Ask.Decision, f.Decision), cmp.Or(p.Ask.Goods, f.Goods), cmp.Or(p.Ask.Money, f.Money)
	err := v.read(func(tx *db.Tx) (err error) {
		if p.Accounts, err = v.Connect.Accounts(tx); err != nil {
			return err
		}
		page, err := v.Returns.List(tx, f, v.ask("after"), 50)
		if err != nil {
			return err
		}
		p.Next = page.Next
		if p.Items, err = v.returnRows(tx, page.Items, p.Accounts); err != nil {
			return err
		}
		var shown []string
		for _, r := range page.Items {
			shown = append(shown, r.Account)
		}
		p.Accounts, err = seenAccounts(tx, p.Accounts, shown...)
		return err
	})
	if err != nil {
		return err
	}
	return v.page("returns", "Returns", p)
}

// returnRows names what returns are about.
func (v *visit) returnRows(tx *db.Tx, all []returns.RMA, accounts []connect.Account) ([]returnRow, error) {
	names, _ := named(accounts)
	var ids []string
	for _, r := range all {
		ids = append(ids, r.OrderID)
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	heads, err := v.Order.Heads(tx, ids, false)
	if err != nil {
		return nil, err
	}
	lines, err := v.Order.Lines(tx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]returnRow, 0, len(all))
	for _, r := range all {
		row := returnRow{RMA: r, OrderNumber: heads[r.OrderID].Number, AccountName: names[r.Account]}
		for _, l := range r.Lines {
			row.Units += l.Quantity
		}
		if len(r.Lines) > 0 {
			row.First = lineOf(lines[r.OrderID], r.Lines[0].LineID).SKU
		}
		out = append(out, row)
	}
	return out, nil
}

// lineOf is a line of an order by its id; the zero line where there is none.
func lineOf(all []order.Line, id string) order.Line {
	i := slices.IndexFunc(all, func(l order.Line) bool { return l.ID == id })
	if i < 0 {
		return order.Line{}
	}
	return all[i]
}

// returnFind opens the return that a scanned number is of: its own, its order's, or that of the parcel that went out.
func returnFind(v *visit) error {
	code := v.form("code")
	if code == "" {
		return fault.Field("code", "scan a return, an order or a parcel, or type its number")
	}
	var found returns.RMA
	err := v.read(func(tx *db.Tx) (err error) {
		if found, err = v.returnBy(tx, code); err != nil {
			return err
		}
		return sees(tx, access.Returns, found.ID)
	})
	switch {
	case err == nil && v.r.Header.Get("X-Scan") != "":
		v.w.Header().Set("X-Next", returnPath(found.ID))
		v.w.WriteHeader(204)
		return nil
	case err == nil:
		v.see(returnPath(found.ID))
		return nil
	case !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict):
		return err
	}
	f := flash{Bad: true, Text: v.T("No return with this number: %s", code), More: fault.Message(err)}
	if v.r.Header.Get("X-Scan") == "" {
		return v.back(Base+"/returns", f)
	}
	return v.part("returns", "found", f)
}

// returnBy finds a return by any number on its parcel. Of an order with several, the one that still waits for goods comes first.
func (v *visit) returnBy(tx *db.Tx, code string) (returns.RMA, error) {
	r, err := v.Returns.Get(tx, code)
	if err == nil || !fault.Is(err, fault.NotFound) {
		return r, err
	}
	id := ""
	if s, err := v.Dispatch.Get(tx, code); err == nil {
		id = s.OrderID
	} else if o, err := v.Order.Get(tx, code); err == nil {
		id = o.ID
	} else if o, err := v.Order.Get(tx, "#"+code); err == nil { // as a shop front writes it
		id = o.ID
	}
	if id == "" || sees(tx, access.Orders, id) != nil {
		return r, err
	}
	all, err := v.Returns.Of(tx, id)
	if err == nil && len(all) == 0 {
		err = fault.New(fault.NotFound, "nothing of this order comes back")
	}
	if err != nil {
		return r, err
	}
	for _, r := range all {
		if r.Goods == "awaited" || r.Goods == "on_the_way" || r.Goods == "received" {
			return r, nil
		}
	}
	return all[len(all)-1], nil
}

// returnPath is where a return is shown.
func returnPath(id string) string { return Base + "/returns/" + url.PathEscape(id) }
