package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// Case is something a person must look at.
type Case struct {
	ID           string          `json:"id"`
	Cause        string          `json:"cause"`
	Title        string          `json:"title"`
	Explain      string          `json:"explain"`
	SubjectKind  string          `json:"subject_kind"`
	Subject      string          `json:"subject"`
	Order        string          `json:"order_id,omitempty"`
	Account      string          `json:"account_id,omitempty"`
	Location     string          `json:"location_id,omitempty"`
	State        string          `json:"state"`
	Since        time.Time       `json:"since"`
	Deadline     time.Time       `json:"deadline,omitzero"`
	Detail       json.RawMessage `json:"detail,omitempty"`
	Times        int64           `json:"times" doc:"How often it was raised while open"`
	Assignee     string          `json:"assignee,omitempty"`
	SnoozedUntil time.Time       `json:"snoozed_until,omitzero"`
	ResolvedAt   time.Time       `json:"resolved_at,omitzero"`
	ResolvedBy   string          `json:"resolved_by,omitempty"`
	Resolution   string          `json:"resolution,omitempty"`
	Actions      []CaseAction    `json:"actions" doc:"What can be done about it, best first"`
	Resolves     string          `json:"resolves" doc:"What resolving it does"`
	Version      int64           `json:"version"`
}

// CaseCount is how many cases of a cause are open.
type CaseCount struct {
	Cause   string    `json:"cause"`
	Title   string    `json:"title"`
	Open    int64     `json:"open"`
	Overdue int64     `json:"overdue"`
	Oldest  time.Time `json:"oldest"`
}

func (s *Server) caseView(tx *db.Tx, r exception.Row) (Case, error) {
	c := Case{
		ID: r.ID, Cause: r.Cause, SubjectKind: r.SubjectKind, Subject: r.Subject, Order: r.Order, Account: r.Account, Location: r.Location, State: r.State, Since: r.Since, Deadline: r.Deadline,
		Detail: r.Detail, Times: r.Times, Assignee: r.Assignee, SnoozedUntil: r.SnoozedUntil, ResolvedAt: r.ResolvedAt, ResolvedBy: r.ResolvedBy, Resolution: r.Resolution, Version: r.Version,
	}
	if cause, ok := exception.CauseOf(r.Cause); ok {
		c.Title, c.Explain, c.Resolves = cause.Title, cause.Explain, cause.Resolves
	}
	var err error
	c.Actions, err = s.offers(tx, r)
	return c, err
}

type caseList struct {
	Paging
	State    string `query:"state" enum:"open,resolved,any" default:"open"`
	Cause    string `query:"cause" maxLength:"60"`
	Order    string `query:"order" maxLength:"100" doc:"Our id of the order"`
	Account  string `query:"account" maxLength:"100"`
	Location string `query:"location" maxLength:"100"`
	Assignee string `query:"assignee" maxLength:"100"`
	Snoozed  bool   `query:"snoozed" doc:"Also those that sleep"`
	Overdue  bool   `query:"overdue" doc:"Only those past their deadline"`
}

type caseResolve struct {
	Action
	Body struct {
		Resolution string `json:"resolution" minLength:"1" maxLength:"500" doc:"What was done about it"`
	}
}

type caseSnooze struct {
	Action
	Body struct {
		Until time.Time `json:"until" doc:"RFC 3339 with its zone"`
	}
}

type caseAssign struct {
	Action
	Body struct {
		Assignee string `json:"assignee" maxLength:"100" doc:"Empty gives it back to everybody"`
	}
}

func (s *Server) exceptionRoutes() {
	s.heardRoutes()
	const tag = "exceptions"
	show := func(tx *db.Tx, id string) (Case, error) {
		r, err := exception.Get(tx, id)
		if err != nil {
			return Case{}, err
		}
		return s.caseView(tx, r)
	}
	read(s, route{path: "/exceptions", id: "list-exceptions", title: "List cases that need a person", tag: tag, text: "Oldest first."}, func(tx *db.Tx, in *caseList) (Page[Case], error) {
		rows, next, err := exception.List(tx, exception.Filter{
			State: in.State, Cause: in.Cause, Order: in.Order, Account: in.Account, Location: in.Location, Assignee: in.Assignee,
			Snoozed: in.Snoozed, Overdue: in.Overdue,
		}, in.After, in.Limit)
		p := Page[Case]{Items: []Case{}, Next: next}
		for _, r := range rows {
			c, err := s.caseView(tx, r)
			if err != nil {
				return p, err
			}
			p.Items = append(p.Items, c)
		}
		return p, err
	})
	read(s, route{path: "/exceptions/counts", id: "count-exceptions", title: "Open cases by cause", tag: tag}, func(tx *db.Tx, _ *struct{}) (Page[CaseCount], error) {
		counts, err := exception.Counts(tx)
		p := Page[CaseCount]{Items: []CaseCount{}}
		for _, c := range counts {
			cause, _ := exception.CauseOf(c.Cause)
			p.Items = append(p.Items, CaseCount{c.Cause, cause.Title, c.Open, c.Overdue, c.Oldest})
		}
		return p, err
	})
	read(s, route{path: "/exceptions/{id}", id: "get-exception", title: "Read a case", tag: tag}, func(tx *db.Tx, in *One) (Case, error) { return show(tx, in.ID) })
	write(s, route{path: "/exceptions/{id}/resolve", id: "resolve-exception", title: "Close a case that was dealt with", tag: tag}, func(ctx context.Context, c *call, in *caseResolve) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			r, err := exception.Get(tx, in.ID)
			if err != nil {
				return err
			}
			if err := exception.Resolve(tx, in.ID, c.actor, in.Body.Resolution, c.version); err != nil || s.Connect == nil {
				return err
			}
			switch {
			case r.SubjectKind == "inbox":
				return s.Connect.Resolved(tx, r.Subject, c.actor)
			case r.Cause == exception.AccountUnauthorized:
				return s.Connect.TryAgain(tx, r.Subject, c.actor)
			}
			return nil
		})
	}, show)
	write(s, route{path: "/exceptions/{id}/snooze", id: "snooze-exception", title: "Hide a case until later", tag: tag}, func(ctx context.Context, c *call, in *caseSnooze) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error { return exception.Snooze(tx, in.ID, in.Body.Until, c.version) })
	}, show)
	write(s, route{path: "/exceptions/{id}/assign", id: "assign-exception", title: "Give a case to somebody", tag: tag}, func(ctx context.Context, c *call, in *caseAssign) error {
		return s.DB.Write(ctx, func(tx *db.Tx) error { return exception.Assign(tx, in.ID, in.Body.Assignee, c.version) })
	}, show)
}
