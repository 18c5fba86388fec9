package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/openclaw-pos/commerce/commerce/company"
)

type posCmd struct {
	Show posShowCmd `cmd:"" help:"What the POS core says of the company, and how far it was read."`
	Sync posSyncCmd `cmd:"" help:"Read the POS core now: branches, warehouses, new SKUs, stock and prices follow it."`
}

type posShowCmd struct{}

// Run shows the core.
func (c *posShowCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/core", nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error { return printCore(w, r) })
	})
}

type posSyncCmd struct {
	Recount bool `help:"Take what the core shows as a count of every place." xor:"how"`
	Loaded  bool `help:"Say that the stock was loaded by file: it is not stale any more." xor:"how"`
}

// Run reads the core.
func (c *posSyncCmd) Run(ctx context.Context, g *Globals, s streams) error {
	how := "follow"
	switch {
	case c.Recount:
		how = "recount"
	case c.Loaded:
		how = "loaded"
	}
	return g.with(ctx, s, func(cl *client) error {
		stop := cl.wait("reading the POS core")
		r, err := cl.act(ctx, http.MethodPost, "/core/sync", "", map[string]string{"how": how})
		stop()
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error { return printCore(w, r) })
	})
}

func printCore(w io.Writer, r reply) error {
	var st company.State
	if err := r.into(&st); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "POS core: %s\n\n", st.Core); err != nil {
		return err
	}
	rows := make([][]string, 0, len(st.Units))
	for _, u := range st.Units {
		rows = append(rows, []string{u.Code, string(u.Type), dash(u.Country), yes(u.Active), when(u.GoneAt), u.Name, dash(u.Problem)})
	}
	if err := table(w, "CODE TYPE COUNTRY ACTIVE GONE NAME PROBLEM", rows); err != nil {
		return err
	}
	rows = rows[:0]
	for _, l := range st.Readings {
		rows = append(rows, []string{l.List, itoa(l.Shown), yes(l.Complete), when(l.ReadAt), when(l.StaleAt), when(l.FailedAt), itoa(int64(len(l.Problems))), dash(l.Cause)})
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	if err := table(w, "LIST SHOWN COMPLETE READ STALE-SINCE FAILED-SINCE PROBLEMS CAUSE", rows); err != nil {
		return err
	}
	for _, l := range st.Readings {
		for _, p := range l.Problems {
			if _, err := fmt.Fprintf(w, "%s %s: %s %s\n", l.List, p.ID, p.Field, p.Reason); err != nil {
				return err
			}
		}
	}
	return nil
}
