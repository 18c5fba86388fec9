package console

import (
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// mostColleagues is among how many people a case can be handed round; where more work, who looks after people gives them smaller parts of the business.
const mostColleagues = 500

// colleagues are the people who may work on a case, by actor and name.
func colleagues(tx *db.Tx, id string) (all []choice, err error) {
	users, err := access.ListUsers(tx, "", mostColleagues)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		reach := u.Caller().Reach("exceptions.work")
		if u.State != "active" || reach.Nothing() {
			continue
		}
		if ok, err := reach.Sees(tx, access.Exceptions, id); err != nil || !ok {
			if err != nil {
				return nil, err
			}
			continue
		}
		all = append(all, choice{u.Caller().Actor(), u.Name})
	}
	slices.SortFunc(all, func(a, b choice) int { return strings.Compare(a.Title, b.Title) })
	return all, nil
}

// holdersOf are the names of those whom cases are with; whoever is no person here keeps the name the audit has.
func holdersOf(tx *db.Tx, rows []exception.Row) (map[string]string, error) {
	out := map[string]string{}
	for _, r := range rows {
		if r.Assignee == "" || out[r.Assignee] != "" {
			continue
		}
		out[r.Assignee] = r.Assignee
		kind, id, _ := strings.Cut(r.Assignee, ":")
		if kind != string(access.ByUser) {
			continue
		}
		u, err := access.UserByID(tx, id)
		if err == nil {
			out[r.Assignee] = u.Name
		}
	}
	return out, nil
}
