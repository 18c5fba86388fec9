package console

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

type jobsPage struct {
	Tabs   []tab
	State  string
	Kind   string
	Items  []jobs.Row
	Parked []outbox.ParkedEvent
	Names  map[string]string // accounts
	Next   string
}

// jobTabs are the tabs of work that is done later: what needs a person first.
func (v *visit) jobTabs(here string) (tabs []tab) {
	for _, t := range []struct{ name, title string }{
		{jobs.Dead, v.T("Given up")}, {jobs.Unknown, v.T("Outcome unknown")}, {jobs.Due, v.T("Waiting")}, {jobs.Running, v.T("Running")},
	} {
		tabs = append(tabs, tab{t.name, t.title, Base + "/jobs?state=" + t.name, t.name == here})
	}
	if v.allowed(v.who, "parked") {
		tabs = append(tabs, tab{"parked", v.T("Events set aside"), Base + "/parked", here == "parked"})
	}
	return tabs
}

// jobList lists work that was given up, whose outcome nobody knows, or that waits.
func jobList(v *visit) error {
	p := jobsPage{State: v.ask("state"), Kind: v.ask("kind")}
	if !slices.Contains([]string{jobs.Dead, jobs.Unknown, jobs.Due, jobs.Running}, p.State) {
		p.State = jobs.Dead
	}
	p.Tabs = v.jobTabs(p.State)
	const size = 50
	err := v.read(func(tx *db.Tx) error {
		accounts, err := v.Connect.Accounts(tx)
		if err != nil {
			return err
		}
		p.Names, _ = named(accounts)
		p.Items, err = jobs.List(tx, jobs.Filter{State: p.State, Kind: p.Kind}, v.ask("after"), size+1)
		if p.Next = ""; len(p.Items) > size {
			p.Items = p.Items[:size]
			p.Next = p.Items[size-1].ID
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.page("jobs", "Jobs", p)
}

type jobPage struct {
	jobs.Row
	AccountName string
}

// Open reports whether a person can do something about it: not while it runs.
func (p jobPage) Open() bool { return p.State != jobs.Running }

// jobShow shows one job with what it is to do.
func jobShow(v *visit) error {
	var p jobPage
	err := v.read(func(tx *db.Tx) (err error) {
		if p.Row, err = jobs.Get(tx, v.id()); err != nil || p.Account == "" {
			return err
		}
		a, err := v.Connect.Account(tx, p.Account)
		p.AccountName = a.Name
		return err
	})
	if err != nil {
		return err
	}
	return v.page("job", "Job %s", p, p.Kind)
}

// jobDo tries a job again, with another payload where a person mended it, settles what nobody knew, or gives it up with a reason.
func jobDo(v *visit) error {
	id, said := v.id(), ""
	err := v.write(func(tx *db.Tx) error {
		switch v.r.PathValue("act") {
		case "replay":
			said = v.T("The task is tried again")
			return v.jobReplay(tx, id)
		case "happened":
			said = v.T("Noted: it has happened")
			return jobs.Settle(tx, id, true)
		case "not_happened":
			said = v.T("It is tried again")
			return jobs.Settle(tx, id, false)
		case "discard":
			said = v.T("The task is given up")
			why, err := v.reason()
			if err == nil {
				err = jobs.Discard(tx, id)
			}
			if err != nil {
				return err
			}
			return v.Audit.Write(tx, audit.Entry{Actor: v.actor(), Action: "job.discard", SubjectKind: "job", Subject: id, Detail: map[string]string{"reason": why}})
		}
		return fault.New(fault.NotFound, "there is no such step")
	})
	if err != nil {
		return err
	}
	v.remember(flash{Text: said})
	v.see(Base + "/jobs")
	return nil
}

func (v *visit) jobReplay(tx *db.Tx, id string) error {
	var payload json.RawMessage
	changed := false
	if text := strings.TrimSpace(v.r.PostForm.Get("payload")); text != "" {
		if !json.Valid([]byte(text)) {
			return fault.Field("payload", "is not JSON: look for a comma or a quote")
		}
		row, err := jobs.Get(tx, id)
		if err != nil {
			return err
		}
		if changed = compact(text) != compact(string(row.Payload)); changed {
			payload = json.RawMessage(compact(text))
		}
	}
	if err := jobs.Replay(tx, id, payload); err != nil {
		return err
	}
	return v.Audit.Write(tx, audit.Entry{Actor: v.actor(), Action: "job.replay", SubjectKind: "job", Subject: id, Detail: map[string]bool{"payload_changed": changed}})
}

// compact is JSON without the blanks that were put in for the eye.
func compact(text string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	out, err := json.Marshal(v)
	if err != nil {
		return text
	}
	return string(out)
}

// parked lists events that a consumer could not take, and those that wait behind them.
func parked(v *visit) error {
	p := jobsPage{State: "parked", Tabs: v.jobTabs("parked")}
	after, err := strconv.ParseInt(v.ask("after"), 10, 64)
	if err != nil {
		after = 0
	}
	const size = 50
	err = v.read(func(tx *db.Tx) (err error) {
		p.Parked, err = outbox.Parked(tx, "", after, size+1)
		if p.Next = ""; len(p.Parked) > size {
			p.Parked = p.Parked[:size]
			p.Next = strconv.FormatInt(p.Parked[size-1].Position, 10)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.page("parked", "Events set aside", p)
}

// parkedDo gives an event to its consumer again, or leaves it out for good with a reason.
func parkedDo(v *visit) error {
	consumer, event := v.form("consumer"), v.form("event")
	said := v.T("The event is tried again")
	act, why := "event.replay", ""
	do := outbox.Replay
	if v.r.PathValue("act") == "skip" {
		var err error
		if why, err = v.reason(); err != nil {
			return err
		}
		act, do, said = "event.skip", outbox.Skip, v.T("The event is left out; what waits behind it goes on")
	}
	err := v.write(func(tx *db.Tx) error {
		if err := do(tx, consumer, event); err != nil {
			return err
		}
		return v.Audit.Write(tx, audit.Entry{Actor: v.actor(), Action: act, SubjectKind: "event", Subject: event, Detail: map[string]string{"consumer": consumer, "reason": why}})
	})
	if err != nil {
		return err
	}
	return v.back(Base+"/parked", flash{Text: said})
}

// subscriptionPath is where a subscription is shown.
func subscriptionPath(id string) string { return Base + "/subscriptions/" + url.PathEscape(id) }
