package console

import (
	"time"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// many is how far lists of work are counted here; beyond it is "99+": nobody decides by the difference.
const many = 99

type todayPage struct {
	Counts   []exception.Count
	Titles   map[string]string
	Cases    int64
	Overdue  int64
	ToPick   int
	ToPack   int
	ToHand   int
	Review   int
	Near     []fulfillment.FO // due next, or past their deadline
	Places   map[string]string
	Accounts []connect.Account
	Unwell   []connect.Account
	Newest   []order.Head
	Names    map[string]string
	At       time.Time
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
	p.Titles, p.At = map[string]string{}, v.now
	for _, c := range exception.Causes {
		p.Titles[c.Name] = c.Title
	}
	err = v.read(func(tx *db.Tx) error {
		for _, fill := range []func(tx *db.Tx, p *todayPage) error{v.todayCases, v.todayWork, v.todayAccounts, v.todayOrders} {
			if err := fill(tx, &p); err != nil {
				return err
			}
		}
		return nil
	})
	return p, err
}

func (v *visit) todayCases(tx *db.Tx, p *todayPage) error {
	if !v.allowed(v.who, "cases") {
		return nil
	}
	var err error
	p.Counts, err = exception.Counts(tx)
	p.Cases, p.Overdue = 0, 0
	for _, c := range p.Counts {
		p.Cases, p.Overdue = p.Cases+c.Open, p.Overdue+c.Overdue
	}
	return err
}

// todayWork counts what is to be picked, packed and handed over, and shows what is due first.
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
	for _, step := range steps {
		page, err := v.Fulfillment.List(tx, fulfillment.Filter{States: step.states}, "", many+1)
		if err != nil {
			return err
		}
		switch step.name {
		case "pick":
			p.ToPick = len(page.Items)
			p.Near = page.Items[:min(8, len(page.Items))]
		case "pack":
			p.ToPack = len(page.Items)
		case "handover":
			p.ToHand = len(page.Items)
		}
	}
	return nil
}

func (v *visit) todayAccounts(tx *db.Tx, p *todayPage) error {
	all, err := v.Connect.Accounts(tx)
	p.Names, _ = named(all)
	p.Unwell = nil
	if err != nil {
		return err
	}
	p.Accounts, err = seenAccounts(tx, all)
	for _, a := range p.Accounts {
		if a.State != connect.Active && a.State != connect.ClosedDown {
			p.Unwell = append(p.Unwell, a)
		}
	}
	return err
}

// seenAccounts are those within the person's part of the business, and those of rows that the person sees: an account belongs to no branch.
func seenAccounts(tx *db.Tx, all []connect.Account, shown ...string) ([]connect.Account, error) {
	return within(tx, access.Accounts, all, func(a connect.Account) string { return a.ID }, shown...)
}

func (v *visit) todayOrders(tx *db.Tx, p *todayPage) error {
	if !v.allowed(v.who, "orders") {
		return nil
	}
	held := true
	page, err := v.Order.List(tx, order.Filter{State: order.Open, Held: &held}, "", many+1)
	if err != nil {
		return err
	}
	p.Review = len(page.Items)
	page, err = v.Order.List(tx, order.Filter{}, "", 8)
	p.Newest = page.Items
	return err
}

// Many shows a count up to 99.
func (s sheet) Many(n int) string {
	if n > many {
		return "99+"
	}
	return itoa(n)
}
