package console

import (
	"cmp"
	"net/url"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// mostCases is how many cases are dealt with at once.
const mostCases = 200

// caseUndos are the exact inverses of what can be done about several cases; what has none is decided case by case.
var caseUndos = map[string]string{"accept": "reopen", "take": "give_back", "sleep": "wake"}

// caseCame is one case of several, with what came of it.
type caseCame struct {
	caseRow
	Said string // what was done; "" when nothing was
	Why  string // why nothing was
	Back bool   // it can be taken back
}

type caseBulkPage struct {
	Cause string
	Title string
	Undo  string // what takes it back, where something does
	Rows  []caseCame
	Did   int
	Link  string
}

// caseBulk does one thing about several cases of one cause, and says of each what came of it.
func caseBulk(v *visit) error {
	name := v.form("what")
	what, sorts := sortings[name]
	if !sorts {
		if _, ok := deeds[name]; !ok {
			return fault.Field("what", "choose what is to be done")
		}
		what = deeds[name]
	}
	ids := v.r.PostForm["id"]
	if len(ids) == 0 || len(ids) > mostCases {
		return fault.Field("id", "select from 1 to %d cases", mostCases)
	}
	p := caseBulkPage{Cause: v.form("cause"), Link: Base + "/exceptions"}
	if c, ok := exception.CauseOf(p.Cause); ok {
		p.Title, p.Link = c.Title, p.Link+"?cause="+url.QueryEscape(p.Cause)
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if id = clean(id); seen[id] {
			continue
		}
		seen[id] = true
		row, err := v.caseOne(id, name, what, sorts)
		if err != nil {
			row.Why = fault.Message(err)
			if fault.Is(err, fault.Internal) {
				v.Log.Error("one of several cases", "deed", name, "case", id, "err", err)
			}
		} else {
			p.Did++
		}
		if row.Back {
			p.Undo = caseUndos[name]
		}
		p.Rows = append(p.Rows, row)
	}
	return v.page("cases_bulk", cmp.Or(p.Title, "Exceptions"), p)
}

// caseOne does it about one case.
func (v *visit) caseOne(id, name string, what deed, sorts bool) (row caseCame, err error) {
	row.ID = id
	err = v.read(func(tx *db.Tx) error { return sees(tx, access.Exceptions, id) })
	if err == nil {
		row.caseRow, err = v.caseAt(id)
	}
	switch {
	case fault.Is(err, fault.NotFound):
		return row, fault.New(fault.NotFound, "there is no exception %s", id)
	case err != nil:
		return row, err
	case !sorts && row.State != exception.Open:
		return row, fault.New(fault.Conflict, "this case is closed already")
	case !sorts && !offers(row.caseRow, name):
		return row, fault.New(fault.Conflict, "this case does not offer that")
	}
	before := row.caseRow
	said, err := what.run(v, before)
	if err != nil {
		return row, err
	}
	row.Said = said
	if row.caseRow, err = v.caseAt(id); err != nil {
		return row, err
	}
	row.Back = v.caseBack(name, before, row.caseRow)
	return row, nil
}

// caseBack reports whether the inverse of what was done leads to what was before.
func (v *visit) caseBack(name string, before, now caseRow) bool {
	switch name {
	case "accept":
		return now.State == exception.Resolved && now.ResolvedBy == v.actor() && now.SubjectKind != "inbox"
	case "take":
		return before.Assignee == ""
	case "sleep":
		return !before.SnoozedUntil.After(v.now)
	}
	return false
}
