package console

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

type auditPage struct {
	Ask         audit.Filter
	From, Until string // days, as the form has them
	Items       []audit.Row
	Names       map[string]string // of actors
	Next        string
	Stand       audit.Standing
	Report      *audit.Report
	Narrow      bool
}

// auditList lists who did what to what, newest first.
func auditList(v *visit) error {
	p, err := v.auditPage()
	if err != nil {
		return err
	}
	return v.page("audit", "Audit", p)
}

// auditVerify walks through the whole log and says whether anything in it was changed.
func auditVerify(v *visit) error {
	p, err := v.auditPage()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), 3*patience)
	defer cancel()
	report, err := v.Audit.Verify(ctx, v.DB)
	if err != nil {
		if ctx.Err() != nil {
			return fault.Wrap(fault.Unavailable, err, "the log is too long to be proven while a page waits: use “openclaw-commerce audit verify”")
		}
		return err
	}
	p.Report = &report
	return v.page("audit", "Audit", p)
}

func (v *visit) auditPage() (p auditPage, err error) {
	p = auditPage{From: v.ask("from"), Until: v.ask("until"), Names: map[string]string{}}
	p.Ask = audit.Filter{Actor: v.ask("actor"), Action: v.ask("action"), SubjectKind: v.ask("kind"), Subject: v.ask("subject")}
	if p.Ask.Since, err = v.day("from"); err != nil {
		return p, err
	}
	if p.Ask.Until, err = v.day("until"); err != nil {
		return p, err
	}
	if !p.Ask.Until.IsZero() { // the day itself is meant too
		p.Ask.Until = p.Ask.Until.AddDate(0, 0, 1)
	}
	p.Narrow = p.Ask != (audit.Filter{})
	before, err := strconv.ParseInt(v.ask("after"), 10, 64)
	if err != nil {
		before = 0
	}
	const size = 50
	err = v.read(func(tx *db.Tx) error {
		if p.Items, err = v.Audit.List(tx, p.Ask, before, size+1); err != nil {
			return err
		}
		if p.Next = ""; len(p.Items) > size {
			p.Items = p.Items[:size]
			p.Next = strconv.FormatInt(p.Items[size-1].N, 10)
		}
		for _, r := range p.Items {
			if err := v.actorName(tx, p.Names, r.Actor); err != nil {
				return err
			}
		}
		p.Stand, err = audit.Stand(tx)
		return err
	})
	return p, err
}

// actorName finds the name of a person who acted, once.
func (v *visit) actorName(tx *db.Tx, names map[string]string, actor string) error {
	id, person := strings.CutPrefix(actor, "user:")
	if _, known := names[actor]; known || !person {
		return nil
	}
	u, err := access.UserByID(tx, id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	names[actor] = u.Name
	return nil
}

// day is a day of the address in the zone of the person; zero when there is none.
func (v *visit) day(name string) (time.Time, error) {
	if v.ask(name) == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, v.ask(name), v.zone)
	if err != nil {
		return at, fault.Field(name, "is a day such as 2026-11-22")
	}
	return at, nil
}
