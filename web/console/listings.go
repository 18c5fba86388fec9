package console

import (
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/platform/db"
)

// guess is a listing that waits, with what it may be.
type guess struct {
	catalog.Listing
	Suggestions []catalog.Suggestion
}

// sure is the score from which a suggestion is accepted with others in one click.
const sure = 90

type listingsPage struct {
	Tabs     []tab
	State    string
	Account  string
	Accounts []connect.Account
	Names    map[string]string
	Items    []guess
	Next     string
	Sure     int
}

// listings is the queue of what channels offer and nobody has said what it is, with suggestions; and what was decided.
func listings(v *visit) error {
	p := listingsPage{State: v.ask("state"), Account: v.ask("account")}
	if p.State == "" {
		p.State = catalog.Unmapped
	}
	for _, t := range []struct{ name, title string }{{catalog.Unmapped, "Waiting"}, {catalog.IsMapped, "Linked"}, {catalog.Ignored, "Ignored"}} {
		p.Tabs = append(p.Tabs, tab{t.name, v.T(t.title), sheet{visit: v}.Link("state", t.name), t.name == p.State})
	}
	const size = 40
	err := v.read(func(tx *db.Tx) (err error) {
		if p.Accounts, err = v.Connect.Accounts(tx); err != nil {
			return err
		}
		p.Names, _ = named(p.Accounts)
		if p.Accounts, err = seenAccounts(tx, p.Accounts); err != nil {
			return err
		}
		all, err := v.Catalog.All(tx, p.Account, p.State, v.ask("after"), size+1)
		if err != nil {
			return err
		}
		p.Items, p.Next, p.Sure = nil, "", 0
		if len(all) > size {
			all = all[:size]
			p.Next = all[size-1].ID
		}
		for _, l := range all {
			g := guess{Listing: l}
			if l.State == catalog.Unmapped {
				if g.Suggestions, err = v.Catalog.Suggestions(tx, l.ID, 3); err != nil {
					return err
				}
				if len(g.Suggestions) > 0 && g.Suggestions[0].Score >= sure {
					p.Sure++
				}
			}
			p.Items = append(p.Items, g)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.page("listings", "Listings", p)
}

// Surely reports whether the best suggestion is good enough to be accepted with others.
func (g guess) Surely() bool { return len(g.Suggestions) > 0 && g.Suggestions[0].Score >= sure }
