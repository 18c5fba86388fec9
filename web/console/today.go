package console

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// many is how far lists of work are counted here; beyond it is "99+": nobody decides by the difference.
const many = 99

// tile is a number that leads to exactly the rows it counts.
type tile struct {
	Title, Under, Path string
	N                  int
	How                string // "bad" and "warn" where a person should look
}

// soldRow is what was sold at a channel so far today, and at the same time of day a week before.
type soldRow struct {
	Channel          string
	Orders, Before   int64
	Total, Last      money.Amount
	Percent          int // more or less than a week before
	Known            bool
	Path, PathBefore string
}

// pile is what is stored of an account and not imported yet.
type pile struct {
	Account, Name string
	N             int64
}

type todayPage struct {
	Tiles    []tile
	Counts   []exception.Waits
	Titles   map[string]string
	Near     []fulfillment.FO // due next, or past their deadline
	Places   map[string]string
	Accounts []connect.Account
	Unwell   []connect.Account
	Newest   []order.Head
	Names    map[string]string
	Sold     []soldRow
	Hour     int // orders that came in within the last hour
	HourPath string
	Piles    []pile
	At       time.Time
	Mark     string // of what is shown: see mark
	waits    []exception.Waits
}

// today shows what needs a person now.
func today(v *visit) error {
	p, err := v.todayNow()
	if err != nil {
		return err
	}
	if v.partial() {
		return v.part("today", "now", p)
	}
	return v.page("today", "Today", p)
}

func (v *visit) todayNow() (p todayPage, err error) {
	err = v.read(func(tx *db.Tx) error {
		waits, err := exception.WaitsNow(tx)
		if err != nil {
			return err
		}
		p = todayPage{Titles: map[string]string{}, At: v.now, waits: waits}
		for _, c := range exception.Causes {
			p.Titles[c.Name] = c.Title
		}
		for _, fill := range []func(tx *db.Tx, p *todayPage) error{v.todayCases, v.todayDue, v.todayWork, v.todayAccounts, v.todayOrders, v.todaySold} {
			if err := fill(tx, &p); err != nil {
				return err
			}
		}
		p.Mark, err = v.mark(tx, p.waits)
		return err
	})
	return p, err
}

// todayCases counts what waits for a person, by cause and age.
func (v *visit) todayCases(_ *db.Tx, p *todayPage) error {
	if !v.allowed(v.who, "cases") {
		return nil
	}
	by := map[string]int64{}
	var all, overdue int64
	for _, c := range p.waits {
		if c.Now > 0 {
			p.Counts = append(p.Counts, c)
		}
		by[c.Cause] = c.Now
		all, overdue = all+c.Now, overdue+c.Overdue
	}
	at := Base + "/exceptions"
	p.Tiles = append(p.Tiles, tile{v.T("Overdue cases"), v.T("of %d that wait", int(all)), at + "?overdue=1", int(overdue), when(overdue > 0, "bad")})
	for _, c := range []struct{ cause, title, under string }{
		{exception.PushRefused, v.T("Pushes refused"), v.T("The channel does not show what is true")},
		{exception.OutcomeUnknown, v.T("Outcome unknown"), v.T("Look at the partner before anything is repeated")},
	} {
		p.Tiles = append(p.Tiles, tile{c.title, c.under, at + "?cause=" + c.cause, int(by[c.cause]), when(by[c.cause] > 0, "warn")})
	}
	return nil
}

func when(is bool, how string) string {
	if is {
		return how
	}
	return ""
}

// counted counts the orders of a filter, as far as the tile shows.
func (v *visit) counted(tx *db.Tx, f order.Filter) (int, error) {
	return v.Order.Count(tx, f, many+1)
}

// todayDue counts the orders that wait for a decision, and those that are to go soon or should have gone.
func (v *visit) todayDue(tx *db.Tx, p *todayPage) error {
	if !v.allowed(v.who, "orders") {
		return nil
	}
	for _, t := range []struct {
		f                         order.Filter
		title, under, query, warn string
	}{
		{order.Filter{DueUntil: v.now}, v.T("Past their deadline"), v.T("Orders that should have gone"), "due=late", "bad"},
		{order.Filter{DueFrom: v.now, DueUntil: v.now.Add(nearly)}, v.T("Due within 4 h"), v.T("Orders that have not gone yet"), "due=4h", "warn"},
		{byTab(order.Filter{}, "review"), v.T("To review"), v.T("Orders that wait for a decision"), "tab=review", "warn"},
	} {
		n, err := v.counted(tx, t.f)
		if err != nil {
			return err
		}
		p.Tiles = append(p.Tiles, tile{t.title, t.under, Base + "/orders?" + t.query, n, when(n > 0, t.warn)})
	}
	return nil
}

// todayWork counts what is to be picked, packed and handed over where the person works, and shows what is due first.
func (v *visit) todayWork(tx *db.Tx, p *todayPage) error {
	if !v.allowed(v.who, "work") {
		return nil
	}
	p.Places = map[string]string{}
	places, err := v.places(tx)
	if err != nil {
		return err
	}
	for id, l := range places {
		p.Places[id] = l.Name
	}
	at, err := v.place(tx)
	if err != nil {
		return err
	}
	for _, step := range steps {
		f := fulfillment.Filter{Location: at.ID, States: step.states}
		n, err := v.Fulfillment.Count(tx, f, many+1)
		if err != nil {
			return err
		}
		if step.name == "pick" {
			page, err := v.Fulfillment.List(tx, f, "", 8)
			if err != nil {
				return err
			}
			p.Near = page.Items
		}
		p.Tiles = append(p.Tiles, tile{v.T(step.title), cmp.Or(at.Name, v.T("All locations")), Base + "/work?step=" + step.name, n, ""})
	}
	return nil
}

// todayAccounts shows the accounts, and what has come from them and is not in yet.
func (v *visit) todayAccounts(tx *db.Tx, p *todayPage) error {
	all, err := v.Connect.Accounts(tx)
	p.Names, _ = named(all)
	if err != nil {
		return err
	}
	if p.Accounts, err = seenAccounts(tx, all); err != nil {
		return err
	}
	for _, a := range p.Accounts {
		if a.State != connect.Active && a.State != connect.ClosedDown {
			p.Unwell = append(p.Unwell, a)
		}
	}
	piles, err := v.Connect.Backlog(tx, 10*many)
	for _, id := range slices.Sorted(maps.Keys(piles)) {
		p.Piles = append(p.Piles, pile{id, cmp.Or(p.Names[id], id), piles[id]})
	}
	return err
}

// seenAccounts are those within the person's part of the business, and those of rows that the person sees: an account belongs to no branch.
func seenAccounts(tx *db.Tx, all []connect.Account, shown ...string) ([]connect.Account, error) {
	return access.Seen(tx, access.Accounts, all, func(a connect.Account) string { return a.ID }, shown...)
}

// todayOrders shows what came in last.
func (v *visit) todayOrders(tx *db.Tx, p *todayPage) error {
	if !v.allowed(v.who, "orders") {
		return nil
	}
	page, err := v.Order.List(tx, order.Filter{}, "", 8)
	if err != nil {
		return err
	}
	p.Newest = page.Items
	since := v.now.Add(-time.Hour).Truncate(time.Second)
	p.HourPath = Base + "/orders?" + url.Values{"since": {v.written(since)}}.Encode()
	p.Hour, err = v.counted(tx, order.Filter{From: since})
	return err
}

// written is a time as the address has it, to the second.
func (v *visit) written(t time.Time) string { return t.In(v.zone).Format(moments[0]) }

// todaySold compares what was sold today until now with the same weekday a week ago until the same time of day.
func (v *visit) todaySold(tx *db.Tx, p *todayPage) error {
	if !v.allowed(v.who, "orders") {
		return nil
	}
	until := v.now.In(v.zone).Truncate(time.Second)
	from := time.Date(until.Year(), until.Month(), until.Day(), 0, 0, 0, 0, v.zone)
	fromThen, untilThen := from.AddDate(0, 0, -7), until.AddDate(0, 0, -7)
	now, err := v.Order.Sales(tx, from, until)
	if err != nil {
		return err
	}
	then, err := v.Order.Sales(tx, fromThen, untilThen)
	rows := map[[2]string]*soldRow{}
	row := func(x order.Sale) *soldRow {
		k := [2]string{x.Channel, x.Total.Currency}
		if rows[k] == nil {
			zero := money.Of(0, x.Total.Currency)
			link := func(from, until time.Time) string {
				return Base + "/orders?" + url.Values{"channel": {x.Channel}, "currency": {x.Total.Currency}, "from": {v.written(from)}, "to": {v.written(until)}}.Encode()
			}
			rows[k] = &soldRow{Channel: x.Channel, Total: zero, Last: zero, Path: link(from, until), PathBefore: link(fromThen, untilThen)}
		}
		return rows[k]
	}
	for _, x := range now {
		r := row(x)
		r.Orders, r.Total = x.Orders, x.Total
	}
	for _, x := range then {
		r := row(x)
		r.Before, r.Last = x.Orders, x.Total
	}
	for _, k := range slices.SortedFunc(maps.Keys(rows), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		r := rows[k]
		if r.Last.Minor > 0 {
			r.Known, r.Percent = true, int((r.Total.Minor-r.Last.Minor)*100/r.Last.Minor)
		}
		p.Sold = append(p.Sold, *r)
	}
	return err
}

// Many shows a count up to 99.
func (s sheet) Many(n int) string {
	if n > many {
		return "99+"
	}
	return itoa(n)
}
