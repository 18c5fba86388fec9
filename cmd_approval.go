package main

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/web/api"
)

type approvalCmd struct {
	List    approvalListCmd    `cmd:"" help:"What waits for a second person, and may be confirmed by you."`
	Confirm approvalConfirmCmd `cmd:"" help:"Confirm what another person asked for: it is done."`
	Decline approvalDeclineCmd `cmd:"" help:"Decline what a person asked for, or take back what you asked for."`
}

type approvalListCmd struct {
	Listing
	State string `help:"pending, confirmed or declined." default:"pending" enum:"pending,confirmed,declined"`
}

// Run lists approvals.
func (c *approvalListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/approvals", c.query("state", c.State))
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[api.Approval]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, a := range p.Items {
				rows = append(rows, []string{a.ID, a.Operation, a.Subject, a.Why, a.AskedBy, when(a.AskedAt), dash(a.DecidedBy)})
			}
			if err := table(w, "APPROVAL WHAT ABOUT WHY ASKED-BY SINCE DECIDED-BY", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type approvalConfirmCmd struct {
	Approval string `arg:"" help:"Its id."`
}

// Run confirms.
func (c *approvalConfirmCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, at("approvals", c.Approval, "confirm"), "", map[string]any{})
		if err != nil {
			return err
		}
		return cl.said(r, "%s is confirmed, and done", c.Approval)
	})
}

type approvalDeclineCmd struct {
	Approval string `arg:"" help:"Its id."`
	Reason   string `help:"Why." required:""`
}

// Run declines.
func (c *approvalDeclineCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, at("approvals", c.Approval, "decline"), "", map[string]any{"reason": c.Reason})
		if err != nil {
			return err
		}
		return cl.said(r, "%s is declined", c.Approval)
	})
}

type keyExportCmd struct {
	List  keyExportListCmd  `cmd:"" help:"When keys were allowed to leave with backups, by whom, and when they did."`
	Allow keyExportAllowCmd `cmd:"" help:"Allow keys to leave with backups; where the policy wants two people, the other one has to confirm it."`
}

type keyExportListCmd struct{ Listing }

// Run lists.
func (c *keyExportListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/key-exports", c.query())
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[api.KeyExport]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, e := range p.Items {
				rows = append(rows, []string{e.ID, e.What, e.Reason, e.AskedBy, dash(e.AllowedBy), when(e.AllowedAt), when(e.ExpiresAt), when(e.UsedAt)})
			}
			if err := table(w, "EXPORT WHAT WHY ASKED-BY ALLOWED-BY SINCE UNTIL LAST-USED", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type keyExportAllowCmd struct {
	Reason string `help:"Why." required:""`
	Hours  int    `help:"For how long; 744 is a month of nightly backups." default:"24"`
}

// Run allows.
func (c *keyExportAllowCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, "/key-exports", "", map[string]any{"reason": c.Reason, "hours": c.Hours})
		if err != nil {
			return err
		}
		return cl.said(r, "keys may leave with backups for %d hours", c.Hours)
	})
}

type policyCmd struct {
	List policyListCmd `cmd:"" help:"The rules of a country, dated and with their source."`
	Set  policySetCmd  `cmd:"" help:"Set a rule from now on, such as second_person.refund."`
}

type policyListCmd struct {
	Country string `arg:"" optional:"" help:"ISO 3166-1; every rule there is without it."`
}

// Run lists rules.
func (c *policyListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		q := url.Values{}
		if c.Country != "" {
			q.Set("country", c.Country)
		}
		r, err := cl.get(ctx, "/policy", q)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[policy.Row]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, x := range p.Items {
				rows = append(rows, []string{dash(x.Country + x.Subdivision), x.Name, x.Value, string(x.Unit), when(x.From), x.Confidence, x.Source})
			}
			return table(w, "WHERE RULE VALUE UNIT FROM CONFIDENCE SOURCE", rows)
		})
	})
}

type policySetCmd struct {
	Name    string `arg:"" help:"Rule, such as second_person.refund or second_person.payout."`
	Value   string `arg:"" help:"Its value, such as 'amount > 50000'."`
	Unit    string `help:"How the value is written: expr, text, days, …" default:"expr"`
	Country string `help:"ISO 3166-1; every country without it."`
	Source  string `help:"Where this is from." required:""`
}

// Run sets a rule.
func (c *policySetCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPut, "/policy", "", given(map[string]any{"name": c.Name, "value": c.Value, "unit": c.Unit, "country": c.Country, "source": c.Source}))
		if err != nil {
			return err
		}
		return cl.said(r, "%s is set", c.Name)
	})
}
