package console

import (
	"slices"

	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// caseRow is a case as a person reads it.
type caseRow struct {
	exception.Row
	exception.Cause
	AccountName string
	OrderNumber string
	Place       string
	Code        string // of the place
	SKU         string // of the item it is about, where it names one
	Undecided   bool   // the return it is about waits for a yes or no
	Facts       []detail
	Fixes       []fix
	Done        string       // what was just done about it
	Undo        string       // where that is taken back
	Waits       string       // what waits for it, as people say it
	Total       money.Amount // of the order that waits
	Holder      string       // by name
	People      []choice     // who could take it
}

// waits say what a case keeps waiting, by its weight.
var waits = map[exception.Weight]string{exception.Account: "All of an account waits", exception.Buyer: "A buyer waits", exception.Figures: "A number is wrong meanwhile"}

type casesPage struct {
	Counts   []exception.Waits
	Titles   map[string]string
	Ask      exception.Filter
	Items    []caseRow
	Next     string
	Overdue  bool
	Sleeping bool
	Mine     bool
	Old      bool
	All      int64
}

// cases lists what needs a person: past its deadline first, then what is due soon, and among these what costs most while it waits.
func cases(v *visit) error {
	p := casesPage{Overdue: v.ask("overdue") != "", Sleeping: v.ask("sleeping") != "", Mine: v.ask("mine") != "", Old: v.ask("old") != "", Titles: map[string]string{}}
	p.Ask = exception.Filter{Cause: v.ask("cause"), Account: v.ask("account"), Location: v.ask("location"), Overdue: p.Overdue, Snoozed: p.Sleeping, Old: p.Old}
	if p.Mine {
		p.Ask.Assignee = v.actor()
	}
	for _, c := range exception.Causes {
		p.Titles[c.Name] = c.Title
	}
	err := v.read(func(tx *db.Tx) error {
		var err error
		if p.Counts, err = exception.WaitsNow(tx); err != nil {
			return err
		}
		p.All = 0
		for _, c := range p.Counts {
			p.All += c.Now
		}
		rows, next, err := exception.Ranked(tx, p.Ask, v.ask("after"), 20)
		if err != nil {
			return err
		}
		p.Next = next
		p.Items, err = v.caseRows(tx, rows)
		return err
	})
	if err != nil {
		return err
	}
	return v.page("cases", "Exceptions", p)
}

// caseShow shows one case.
func caseShow(v *visit) error {
	row, err := v.caseAt(v.id())
	if err != nil {
		return err
	}
	if v.allowed(v.who, "case.assign") && row.State == exception.Open {
		if err := v.read(func(tx *db.Tx) (err error) { row.People, err = colleagues(tx, row.ID); return err }); err != nil {
			return err
		}
	}
	return v.page("case", row.Title, row)
}

// caseAt reads one case with what can be done about it.
func (v *visit) caseAt(id string) (row caseRow, err error) {
	err = v.read(func(tx *db.Tx) error {
		r, err := exception.Get(tx, id)
		if err != nil {
			return err
		}
		all, err := v.caseRows(tx, []exception.Row{r})
		if err == nil {
			row = all[0]
		}
		return err
	})
	return row, err
}

// caseRows names what cases are about and what can be done.
func (v *visit) caseRows(tx *db.Tx, rows []exception.Row) ([]caseRow, error) {
	accounts, err := v.Connect.Accounts(tx)
	if err != nil {
		return nil, err
	}
	names, _ := named(accounts)
	places, err := v.places(tx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range rows {
		if r.Order != "" {
			ids = append(ids, r.Order)
		}
	}
	heads, err := v.Order.Heads(tx, slices.Compact(slices.Sorted(slices.Values(ids))), false)
	if err != nil {
		return nil, err
	}
	holders, err := holdersOf(tx, rows)
	if err != nil {
		return nil, err
	}
	items, err := v.itemsOf(tx, rows)
	if err != nil {
		return nil, err
	}
	undecided, err := v.undecided(tx, rows)
	if err != nil {
		return nil, err
	}
	out := []caseRow{}
	for _, r := range rows {
		cause, _ := exception.CauseOf(r.Cause)
		c := caseRow{Row: r, Cause: cause, AccountName: names[r.Account], OrderNumber: heads[r.Order].Number, Place: places[r.Location].Name, Code: places[r.Location].Code, SKU: items[r.ID], Undecided: undecided[r.ID], Facts: facts(r.Detail, items[r.ID])}
		c.Fixes, c.Waits, c.Holder = v.fixes(c), waits[exception.WeightOf(r.Cause)], holders[r.Assignee]
		if h, ok := heads[r.Order]; ok {
			c.Total = h.Amount(h.Sums.Total)
		}
		out = append(out, c)
	}
	return out, nil
}

// Sleeps are how many hours a case can be put off.
func (caseRow) Sleeps() []int { return []int{1, 4, 24, 72} }

// casePath is where a case is shown.
func casePath(id string) string { return Base + "/exceptions/" + id }
