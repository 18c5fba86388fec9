package console

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/api"
)

type approvalsPage struct {
	Items []api.Approval
	Names map[string]string // of actors
	Next  string
	Tabs  []tab
	Now   time.Time
}

// Mine reports whether the person asked for it and so cannot confirm it.
func (s sheet) Mine(a api.Approval) bool { return a.AskedBy == s.who.Actor() }

// match is the version the page showed, as the API wants it.
func (v *visit) match() string {
	if n := v.version(); n > 0 {
		return `"` + strconv.FormatInt(n, 10) + `"`
	}
	return "*"
}

// asked goes back to where somebody asked for something that takes two people, and says whether it waits for the second one.
func (v *visit) asked(to string, err error, done string) error {
	switch {
	case fault.CodeOf(err) == api.SecondPerson:
		return v.back(to, flash{Text: v.T("It takes a second person: it waits under “To confirm”"), More: fault.Message(err)})
	case err != nil:
		return err
	}
	return v.back(to, flash{Text: done})
}

// approvalList lists what waits for a second person and may be confirmed by this one.
func approvalList(v *visit) error {
	p, state := approvalsPage{Names: map[string]string{}, Now: v.now}, v.ask("state")
	if state != "confirmed" && state != "declined" {
		state = "pending"
	}
	for _, t := range []struct{ name, title string }{{"pending", v.T("Waiting")}, {"confirmed", v.T("Confirmed")}, {"declined", v.T("Declined")}} {
		p.Tabs = append(p.Tabs, tab{t.name, t.title, Base + "/approvals?state=" + t.name, t.name == state})
	}
	q := url.Values{"state": {state}, "limit": {"100"}}
	if after := v.ask("after"); after != "" {
		q.Set("after", after)
	}
	var got api.Page[api.Approval]
	if err := v.Do(v.r.Context(), v.who, http.MethodGet, "/approvals?"+q.Encode(), "", nil, &got); err != nil {
		return err
	}
	p.Items, p.Next = got.Items, got.Next
	err := v.read(func(tx *db.Tx) error {
		for _, a := range p.Items {
			if err := v.actorName(tx, p.Names, a.AskedBy); err != nil {
				return err
			}
			if err := v.actorName(tx, p.Names, a.DecidedBy); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.page("approvals", "To confirm", p)
}

// approvalDo confirms, so that it is done, or declines.
func approvalDo(v *visit) error {
	at := "/approvals/" + url.PathEscape(v.id()) + "/"
	switch v.r.PathValue("act") {
	case "confirm":
		if err := v.Do(v.r.Context(), v.who, post, at+"confirm", "", map[string]any{}, nil); err != nil {
			return err
		}
		return v.back(Base+"/approvals", flash{Text: v.T("Confirmed, and done")})
	case "decline":
		why, err := v.reason()
		if err != nil {
			return err
		}
		if err := v.Do(v.r.Context(), v.who, post, at+"decline", "", map[string]any{"reason": why}, nil); err != nil {
			return err
		}
		return v.back(Base+"/approvals", flash{Text: v.T("Declined")})
	}
	return fault.New(fault.NotFound, "there is no such step")
}
