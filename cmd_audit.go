package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/web/api"
)

type auditCmd struct {
	List   auditListCmd   `cmd:"" help:"Who did what, newest first."`
	Verify auditVerifyCmd `cmd:"" help:"Prove that nobody changed the audit log; names the first row that is not as it was written."`
	Export auditExportCmd `cmd:"" help:"Write the audit log as JSON lines that can be followed without a key."`
}

type auditListCmd struct {
	Listing
	Actor   string    `help:"Only of this actor: user:…, key:…, cli:…, system:…"`
	Action  string    `help:"Only this act, such as order.cancel."`
	Kind    string    `help:"Only about this kind of thing: order, account, refund, …"`
	Subject string    `help:"Only about the thing with this id."`
	Request string    `help:"Only what this request led to."`
	From    time.Time `help:"At or after, such as 2026-11-01T00:00:00Z."`
	Until   time.Time `help:"Before."`
}

// Run lists what was done.
func (c *auditListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		q := c.query("actor", c.Actor, "action", c.Action, "subject_kind", c.Kind, "subject", c.Subject, "request_id", c.Request)
		for name, t := range map[string]time.Time{"from": c.From, "until": c.Until} {
			if !t.IsZero() {
				q.Set(name, t.Format(time.RFC3339Nano))
			}
		}
		r, err := cl.get(ctx, "/audit", q)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[api.Act]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, a := range p.Items {
				what := a.Action
				if !a.Genuine {
					what += " (CHANGED)"
				}
				rows = append(rows, []string{itoa(a.N), whenExactly(a.At), a.Actor, what, a.SubjectKind + " " + a.Subject, dash(a.Purpose), string(a.Detail)})
			}
			if err := table(w, "N WHEN WHO WHAT ABOUT PURPOSE DETAIL", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type auditVerifyCmd struct {
	Head []string `help:"An end of the chain that you noted down before, position:link. Repeatable."`
	File string   `help:"Follow an export instead; needs no database and no key." type:"existingfile"`
}

// Run proves the chain; a broken one is the exit code of a refusal.
func (c *auditVerifyCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if c.File != "" {
		return c.follow(s)
	}
	return g.with(ctx, s, func(cl *client) error {
		done := cl.wait("following the chain")
		r, err := cl.get(ctx, "/audit/verify", url.Values{"head": c.Head})
		done()
		if err != nil {
			return err
		}
		var rep audit.Report
		if err := r.into(&rep); err != nil {
			return err
		}
		if err := cl.said(r, "%d rows are as they were written, up to the head %s\n%d published heads agree, %d rows are not linked yet", rep.Linked, headText(rep.Head), rep.Heads, rep.Unlinked); err != nil {
			return err
		}
		if b := rep.Broken; b != nil {
			return fault.New(fault.Refused, "the audit log is broken at position %d, row %d %s: %s", b.Position, b.N, b.ID, b.Why)
		}
		return nil
	})
}

func headText(h audit.Head) string { return strconv.FormatInt(h.Position, 10) + ":" + h.Link }

// follow follows an export.
func (c *auditVerifyCmd) follow(s streams) error {
	f, err := os.Open(c.File)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the export cannot be read")
	}
	defer func() { _ = f.Close() }()
	var follow audit.Follow
	for _, text := range c.Head {
		h, err := audit.ParseHead(text)
		if err != nil {
			return err
		}
		follow.Known = append(follow.Known, h)
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if err := follow.Line(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fault.Wrap(fault.Invalid, err, "the export cannot be read")
	}
	if err := follow.End(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%d rows follow from each other, up to the head %s\n", follow.Rows, headText(follow.Head))
	return err
}

type auditExportCmd struct {
	After int64  `help:"Position of the last row that you hold already."`
	Out   string `help:"File to write, mode 0600; default standard output." short:"o"`
}

// Run writes the chain, a page at a time.
func (c *auditExportCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) (err error) {
		out := s.out
		if c.Out != "" {
			if out, err = os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
				return fault.Wrap(fault.Invalid, err, "the file of the export cannot be made, or is there already")
			}
			defer func() { err = errors.Join(err, out.Close()) }()
		}
		w := bufio.NewWriter(out)
		for after := strconv.FormatInt(c.After, 10); after != ""; {
			r, err := cl.get(ctx, "/audit/chain", url.Values{"after": {after}})
			if err != nil {
				return err
			}
			var p api.Page[json.RawMessage]
			if err := r.into(&p); err != nil {
				return err
			}
			for _, line := range p.Items {
				if _, err := w.Write(append(line, '\n')); err != nil {
					return err
				}
			}
			after = p.Next
		}
		return w.Flush()
	})
}
