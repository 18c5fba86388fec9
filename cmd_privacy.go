package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/web/api"
)

type privacyCmd struct {
	Export   privacyExportCmd   `cmd:"" help:"Export all that is kept of a buyer."`
	Erase    privacyEraseCmd    `cmd:"" help:"Destroy all that is kept of a buyer, for good."`
	Requests privacyRequestsCmd `cmd:"" help:"List what channels asked about buyers' data."`
	Zones    privacyZonesCmd    `cmd:"" help:"Residency zones besides the main one, and how they fare."`
	Status   privacyStatusCmd   `cmd:"" help:"How it stands with personal data."`
	Rotate   privacyRotateCmd   `cmd:"" name:"rotate-lookup" help:"Replace the key by which buyers are found."`
}

// buyerFlags say who is meant.
type buyerFlags struct {
	Phone   string `help:"An exact phone number." xor:"who" required:""`
	Email   string `help:"An exact e-mail address." xor:"who" required:""`
	Order   string `help:"Our number or id of an order, or the channel's." xor:"who" required:""`
	Request string `help:"A request of a channel, as listed; it is done with this." xor:"who" required:""`
	Country string `help:"Of a phone number without its own, such as PK."`
}

func (b buyerFlags) body(name, text string) map[string]any {
	return given(map[string]any{"phone": b.Phone, "email": b.Email, "order": b.Order, "request": b.Request, "country": b.Country, name: text})
}

type privacyExportCmd struct {
	buyerFlags
	Purpose string `help:"Why: it is written down with your name." required:""`
	Out     string `short:"o" help:"File to write, readable by you alone; default the screen." placeholder:"FILE"`
}

// Run writes all that is kept of a buyer as JSON.
func (c *privacyExportCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, "/personal/export", "", c.body("purpose", c.Purpose))
		if err != nil {
			return err
		}
		var all json.RawMessage
		if err := r.into(&all); err != nil {
			return err
		}
		text, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			return err
		}
		if c.Out == "" {
			_, err := fmt.Fprintf(s.out, "%s\n", text)
			return err
		}
		var said struct {
			NotAsked []string `json:"not_asked"`
		}
		if err := json.Unmarshal(all, &said); err == nil && len(said.NotAsked) > 0 {
			fmt.Fprintf(s.err, "not asked, so more may be kept there: zone %s\n", strings.Join(said.NotAsked, ", "))
		}
		f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "the file "+c.Out+" cannot be made: it may be there already")
		}
		if _, err := f.Write(append(text, '\n')); err != nil {
			_ = f.Close()
			return err
		}
		return f.Close()
	})
}

type privacyEraseCmd struct {
	buyerFlags
	Reason string `help:"Such as the number of the buyer's wish; nothing personal." required:""`
	Yes    bool   `help:"Do not ask."`
}

// Run destroys all that is kept of a buyer.
func (c *privacyEraseCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if err := s.sure(c.Yes, "destroy all that is kept of this buyer for good"); err != nil {
		return err
	}
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, "/personal/erase", "", c.body("reason", c.Reason))
		if err != nil {
			return err
		}
		var e api.BuyerErased
		if err := r.into(&e); err != nil {
			return err
		}
		if err := cl.said(r, "%d orders keep nothing of their buyer any more; %d records were destroyed", e.Orders, e.Records); err != nil || len(e.NotAsked) == 0 {
			return err
		}
		return fault.New(fault.Refused, "more may be kept where serve is not allowed or that does not answer: zone %s", strings.Join(e.NotAsked, ", "))
	})
}

type privacyZonesCmd struct{}

// Run lists zones.
func (c *privacyZonesCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return listed(ctx, g, s, "/zones", nil, "ZONE STATE ACCOUNTS WAITING ENGINE KEY NOTE", func(z api.ZoneState) []string {
		return []string{z.Name, z.State, itoa(z.Accounts), itoa(int(z.Waiting)), dash(z.Engine), dash(z.Key), z.Note}
	})
}

type privacyRequestsCmd struct{ Listing }

// Run lists what channels asked.
func (c *privacyRequestsCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return listed(ctx, g, s, "/personal/requests", c.query(), "REQUEST ASKED DUE KIND STATE ORDERS ERASED WAITING", func(r privacy.Request) []string {
		return []string{r.ID, when(r.AskedAt), r.DueAt.Format(time.DateOnly), string(r.Kind), r.State, itoa(len(r.Orders)), itoa(int(r.Erased)), itoa(int(r.Waiting))}
	})
}

type privacyStatusCmd struct{}

// Run says how it stands.
func (c *privacyStatusCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/personal", nil)
		if err != nil {
			return err
		}
		var st api.PrivacyStatus
		if err := r.into(&st); err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var b strings.Builder
			fmt.Fprintf(&b, "requests of channels\t%d open\n", st.Open)
			if st.Lookup.Running {
				fmt.Fprintf(&b, "key of the lookup\tbeing replaced since %s: %d records done, %d left\n", when(st.Lookup.StartedAt), st.Lookup.Done, st.Lookup.Left)
			} else {
				b.WriteString("key of the lookup\tnot being replaced\n")
			}
			fmt.Fprintf(&b, "destroyed keys\ttaken off the disk %s\n", dash(when(st.ScrubbedAt)))
			if st.Scrub.Left > 0 {
				fmt.Fprintf(&b, "\t%d are still there, since another session of the database may see them: tried %s, and again soon\n", st.Scrub.Left, when(st.Scrub.TriedAt))
			}
			if !st.Scrub.OldestLog.IsZero() {
				fmt.Fprintf(&b, "oldest write-ahead log\tof %s, when the disk was last scrubbed\n", when(st.Scrub.OldestLog))
			}
			_, err := io.WriteString(w, b.String())
			return err
		})
	})
}

type privacyRotateCmd struct{}

// Run begins to replace the key of the lookup.
func (c *privacyRotateCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, "/personal/rotate-lookup", map[string]any{}, "the key is being replaced: serve does the rest, see privacy status")
}
