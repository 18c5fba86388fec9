package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/web/api"
)

type exceptionCmd struct {
	List    exceptionListCmd    `cmd:"" help:"Cases that need a person, oldest first."`
	Show    exceptionShowCmd    `cmd:"" help:"Show a case, what it means and what can be done."`
	Resolve exceptionResolveCmd `cmd:"" help:"Close a case that was dealt with."`
}

type exceptionListCmd struct {
	Listing
	Cause   string `help:"Only this cause."`
	Order   string `help:"Only of this order, by our id."`
	All     bool   `help:"Also the resolved ones."`
	Overdue bool   `help:"Only those past their deadline."`
}

// Run lists cases.
func (c *exceptionListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		q := c.query("cause", c.Cause, "order", c.Order)
		if c.All {
			q.Set("state", "any")
		}
		if c.Overdue {
			q.Set("overdue", "true")
		}
		r, err := cl.get(ctx, "/exceptions", q)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[api.Case]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, x := range p.Items {
				rows = append(rows, []string{x.ID, x.Title, about(x), when(x.Since), overdue(x), itoa(x.Times), facts(x.Detail)})
			}
			if err := table(w, "CASE WHAT ABOUT SINCE DECIDE-BY TIMES DETAIL", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type exceptionShowCmd struct {
	Case string `arg:"" help:"Id of the case."`
}

// Run shows a case.
func (c *exceptionShowCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, at("exceptions", c.Case), nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var x api.Case
			if err := r.into(&x); err != nil {
				return err
			}
			return printCase(w, x)
		})
	})
}

func printCase(w io.Writer, x api.Case) error {
	fmt.Fprintf(w, "%s (%s)\n%s\n\n", x.Title, x.Cause, x.Explain)
	rows := [][]string{{"about", about(x)}, {"since", when(x.Since) + ", raised " + itoa(x.Times) + " times"}, {"decide by", overdue(x)}, {"detail", dash(facts(x.Detail))}}
	if x.Order != "" && x.SubjectKind != "order" {
		rows = append(rows, []string{"order", x.Order})
	}
	if x.Assignee != "" {
		rows = append(rows, []string{"assigned to", x.Assignee})
	}
	if x.State == "resolved" {
		rows = append(rows, []string{"resolved", when(x.ResolvedAt) + " by " + x.ResolvedBy + ": " + x.Resolution})
	}
	if err := table(w, "WHAT VALUE", rows); err != nil {
		return err
	}
	if x.State == "resolved" {
		return nil
	}
	rows = nil
	for _, a := range x.Actions {
		rows = append(rows, []string{a.Title, "openclaw-commerce " + a.Command})
	}
	fmt.Fprintln(w, "\nWhat can be done:")
	for _, r := range rows {
		fmt.Fprintf(w, "  %s\n      %s\n", clean(r[0]), clean(r[1]))
	}
	_, err := fmt.Fprintf(w, "\nResolving it by hand (exception resolve %s --note …): %s\n", x.ID, x.Resolves)
	return err
}

// about is what a case is about, by the name people know where it has one.
func about(x api.Case) string {
	var d struct{ Number, Account, Name, Code, SKU, Shipment string }
	_ = json.Unmarshal(x.Detail, &d) // a detail of another shape has no name
	for _, name := range []string{d.Number, d.Shipment, d.SKU, d.Code, d.Account, d.Name} {
		if name != "" {
			return x.SubjectKind + " " + name
		}
	}
	return x.SubjectKind + " " + x.Subject
}

// overdue is a deadline, and whether it is past.
func overdue(x api.Case) string {
	switch {
	case x.Deadline.IsZero():
		return "no limit"
	case x.State == "open" && x.Deadline.Before(time.Now()):
		return when(x.Deadline) + " (overdue)"
	}
	return when(x.Deadline)
}

type exceptionResolveCmd struct {
	Case string `arg:"" help:"Id of the case."`
	Note string `help:"What was done about it." required:""`
}

// Run resolves a case.
func (c *exceptionResolveCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("exceptions", c.Case), "resolve", map[string]string{"resolution": c.Note}, "resolved")
}

type eventCmd struct {
	List eventListCmd `cmd:"" help:"Events, in their order."`
	Tail eventTailCmd `cmd:"" help:"Events as they come, until stopped."`
}

// Feed are the flags of what reads events.
type Feed struct {
	After    int64    `help:"After this position."`
	Type     []string `help:"Only these types: OrderCreated, OrderPaid, …"`
	Account  string   `help:"Only of this account, by id."`
	Internal bool     `help:"Also events that are no contract."`
}

func (f Feed) query(limit int) url.Values {
	q := url.Values{"after": {strconv.FormatInt(f.After, 10)}, "limit": {strconv.Itoa(limit)}}
	if f.Account != "" {
		q.Set("account", f.Account)
	}
	if f.Internal {
		q.Set("internal", "true")
	}
	if len(f.Type) > 0 {
		q["type"] = f.Type
	}
	return q
}

type eventListCmd struct {
	Feed
	Limit int `help:"How many." default:"50"`
}

// Run lists events.
func (c *eventListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/events", c.query(c.Limit))
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var f api.Feed
			if err := r.into(&f); err != nil {
				return err
			}
			rows := make([][]string, 0, len(f.Items))
			for _, e := range f.Items {
				rows = append(rows, eventRow(e))
			}
			return table(w, "POSITION AT TYPE ORDER ID", rows)
		})
	})
}

func eventRow(e api.Event) []string {
	return []string{itoa(e.Position), whenExactly(e.OccurredAt), e.Type, dash(e.Order), e.ID}
}

type eventTailCmd struct {
	Feed
	Every time.Duration `help:"How often to look." default:"1s"`
}

// Run prints events as they come; being stopped is its normal end.
func (c *eventTailCmd) Run(ctx context.Context, g *Globals, s streams) error {
	err := g.with(ctx, s, func(cl *client) error { return c.tail(ctx, cl) })
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || fault.Is(err, fault.Unavailable)) {
		return nil
	}
	return err
}

func (c *eventTailCmd) tail(ctx context.Context, cl *client) error {
	if c.After == 0 {
		r, err := cl.get(ctx, "/events", url.Values{"last": {"true"}})
		if err != nil {
			return err
		}
		var f api.Feed
		if err := r.into(&f); err != nil {
			return err
		}
		c.After = f.Next
	}
	tick := time.NewTicker(max(c.Every, 100*time.Millisecond))
	defer tick.Stop()
	for {
		r, err := cl.get(ctx, "/events", c.query(500))
		if err != nil {
			return err
		}
		var f api.Feed
		if err := r.into(&f); err != nil {
			return err
		}
		for _, e := range f.Items {
			if err := c.line(cl, e); err != nil {
				return err
			}
		}
		if c.After = f.Next; len(f.Items) == 500 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (c *eventTailCmd) line(cl *client, e api.Event) error {
	if cl.json {
		return json.NewEncoder(cl.s.out).Encode(e)
	}
	row := eventRow(e)
	_, err := fmt.Fprintf(cl.s.out, "%s  %s  %-18s  %s\n", row[0], row[1], row[2], row[3])
	return err
}

type deadCmd struct {
	List    deadListCmd    `cmd:"" help:"Work that was given up, and events that could not be taken."`
	Replay  deadReplayCmd  `cmd:"" help:"Try again: a job by its id, or an event as CONSUMER/ID."`
	Discard deadDiscardCmd `cmd:"" help:"Give a job up for good."`
	Skip    deadSkipCmd    `cmd:"" help:"Leave an event out: what waits behind it goes on."`
	Settle  deadSettleCmd  `cmd:"" help:"Say whether the effect of a job whose outcome is unknown has happened."`
	Decide  deadDecideCmd  `cmd:"" help:"Decide about a message that is stuck."`
}

type deadListCmd struct {
	Listing
	State string `help:"dead, or unknown: its effect may have happened." enum:"dead,unknown" default:"dead"`
}

// Run lists dead jobs and parked events.
func (c *deadListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		work, err := cl.get(ctx, "/jobs", c.query("state", c.State))
		if err != nil {
			return err
		}
		events, err := cl.get(ctx, "/parked-events", Listing{Limit: c.Limit}.query())
		if err != nil {
			return err
		}
		both, err := json.Marshal(map[string]json.RawMessage{"jobs": work.raw, "parked_events": events.raw})
		if err != nil {
			return err
		}
		return cl.show(reply{raw: both}, func(w io.Writer) error {
			var js api.Page[api.Job]
			var es api.Page[api.Parked]
			if err := errors.Join(work.into(&js), events.into(&es)); err != nil {
				return err
			}
			var rows [][]string
			for _, j := range js.Items {
				rows = append(rows, []string{j.ID, j.Kind, j.State, itoa(j.Attempts), when(j.FinishedAt), j.LastError})
			}
			for _, e := range es.Items {
				rows = append(rows, []string{e.Consumer + "/" + e.Event, e.Type, "parked", itoa(e.Attempts), when(e.Since), e.Cause})
			}
			if err := table(w, "WHICH WHAT STATE ATTEMPTS SINCE WHY", rows); err != nil {
				return err
			}
			return cl.more(w, js.Next)
		})
	})
}

type deadDiscardCmd struct {
	Job string `arg:"" help:"Id, see dead list."`
	Yes bool   `help:"Do not ask."`
}

// Run gives a job up.
func (c *deadDiscardCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if err := s.sure(c.Yes, "give "+c.Job+" up for good"); err != nil {
		return err
	}
	return decide(ctx, g, s, at("jobs", c.Job, "discard"), nil, "%s is given up", c.Job)
}

type deadSkipCmd struct {
	Which string `arg:"" help:"CONSUMER/ID, as dead list shows it."`
	Yes   bool   `help:"Do not ask."`
}

// Run leaves an event out.
func (c *deadSkipCmd) Run(ctx context.Context, g *Globals, s streams) error {
	consumer, event, ok := cutLast(c.Which)
	if !ok {
		return fault.Field("which", "is CONSUMER/ID, as dead list shows it")
	}
	if err := s.sure(c.Yes, "leave "+c.Which+" out"); err != nil {
		return err
	}
	return decide(ctx, g, s, at("parked-events", consumer, event, "skip"), nil, "%s is left out", c.Which)
}

type deadSettleCmd struct {
	Job  string `arg:"" help:"Id, see dead list --state unknown."`
	What string `arg:"" help:"happened, or not: then it is done now." enum:"happened,not"`
}

// Run says what became of a job's effect.
func (c *deadSettleCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("jobs", c.Job, "settle"), map[string]any{"happened": c.What == "happened"}, "noted")
}

type deadDecideCmd struct {
	Message string `arg:"" help:"Id of the message, as its case shows it."`
	How     string `arg:"" help:"again: read it again; as_received: apply it with the time it was received; leave: leave it out." enum:"again,as_received,leave"`
}

// Run decides about a stuck message.
func (c *deadDecideCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("inbox", c.Message, "decide"), map[string]any{"how": c.How}, "%s: %s", c.Message, c.How)
}

type deadReplayCmd struct {
	Which   string `arg:"" help:"As dead list shows it."`
	Payload string `help:"For a job: another payload, from a JSON file." type:"existingfile"`
}

// Run tries again.
func (c *deadReplayCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		path := at("jobs", c.Which, "replay")
		if consumer, event, ok := cutLast(c.Which); ok {
			path = at("parked-events", consumer, event, "replay")
		}
		body := map[string]any{}
		if c.Payload != "" {
			b, err := os.ReadFile(c.Payload)
			if err != nil || !json.Valid(b) {
				return fault.Field("payload", "%s is no JSON file that can be read", c.Payload)
			}
			body["payload"] = json.RawMessage(b)
		}
		r, err := cl.act(ctx, http.MethodPost, path, "", body)
		if err != nil {
			return err
		}
		return cl.said(r, "%s is tried again", c.Which)
	})
}

func cutLast(text string) (before, after string, ok bool) {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == '/' {
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

type keyCmd struct {
	Add    keyAddCmd    `cmd:"" help:"Make an API key; it is shown once."`
	List   keyListCmd   `cmd:"" help:"List API keys."`
	Rotate keyRotateCmd `cmd:"" help:"Replace an API key; the old one works for a while beside the new one."`
	Revoke keyRevokeCmd `cmd:"" help:"End an API key."`
}

type keyAddCmd struct {
	Name    string        `arg:"" help:"Who or what uses it."`
	Scopes  []string      `help:"read, write, admin, hooks." default:"read" enum:"read,write,admin,hooks"`
	Expires time.Duration `help:"After how long it ends, such as 2160h; default never."`
	area
}

// Run makes a key.
func (c *keyAddCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		body := c.over(map[string]any{"name": c.Name, "scopes": c.Scopes})
		if c.Expires > 0 {
			body["expires_at"] = time.Now().Add(c.Expires).UTC().Format(time.RFC3339)
		}
		r, err := cl.act(ctx, http.MethodPost, "/keys", "", body)
		if err != nil {
			return err
		}
		var k api.NewKey
		if err := r.into(&k); err != nil {
			return err
		}
		return cl.said(r, "%s", k.Plain)
	})
}

type keyListCmd struct{ Listing }

// Run lists keys.
func (c *keyListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/keys", c.query())
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[access.Key]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, k := range p.Items {
				state := "active"
				if !k.RevokedAt.IsZero() {
					state = "revoked"
				}
				rows = append(rows, []string{k.Prefix, state, fmt.Sprint(k.Scopes), when(k.CreatedAt), when(k.ExpiresAt), when(k.LastUsedAt), k.Name})
			}
			if err := table(w, "PREFIX STATE SCOPES MADE ENDS USED NAME", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type keyRevokeCmd struct {
	Key string `arg:"" help:"Prefix or id."`
}

// Run revokes a key.
func (c *keyRevokeCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("keys", c.Key, "revoke"), map[string]any{}, "%s is revoked", c.Key)
}

type doctorCmd struct {
	Security bool `help:"Look for what stands open, and say what to mend."`
}

// Run looks whether everything is in order; what is not ends with the code for failed.
func (c *doctorCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		if c.Security {
			return security(ctx, g, cl, s)
		}
		stop := cl.wait("looking")
		r, err := cl.get(ctx, "/doctor", nil)
		stop()
		if err != nil {
			return err
		}
		var d api.Diagnosis
		if err := r.into(&d); err != nil {
			return err
		}
		err = cl.show(r, func(w io.Writer) error {
			rows := make([][]string, 0, len(d.Checks))
			for _, x := range d.Checks {
				rows = append(rows, []string{x.State, x.Name, x.Detail})
			}
			return table(w, "STATE WHAT DETAIL", rows)
		})
		if err == nil && !d.Healthy {
			err = errors.New("something is not in order")
		}
		return err
	})
}
