package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/openclaw-pos/commerce/platform/vault"
	"github.com/openclaw-pos/commerce/web/api"
)

type vaultCmd struct {
	Status      vaultStatusCmd      `cmd:"" help:"Which keys there are, and whether they are being replaced; never a value."`
	Credentials vaultCredentialsCmd `cmd:"" help:"Credentials of accounts and subscriptions: age, expiry, last use; never a value."`
	Rotate      vaultRotateCmd      `cmd:"" help:"Replace the key-encryption key and every key under it, while serving."`
}

type vaultStatusCmd struct{}

// Run says what the vault holds.
func (c *vaultStatusCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/vault", nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var st vault.Status
			if err := r.into(&st); err != nil {
				return err
			}
			fmt.Fprintf(w, "key-encryption key %s\n", st.Key)
			rows := make([][]string, 0, len(st.Keys))
			for _, k := range st.Keys {
				rows = append(rows, []string{string(k.Purpose), k.Zone, k.State, when(k.CreatedAt), k.WrappedBy, k.ID})
			}
			if err := table(w, "PURPOSE ZONE STATE MADE WRAPPED-BY KEY", rows); err != nil || st.Rotation == nil {
				return err
			}
			return progress(w, *st.Rotation)
		})
	})
}

// progress says how far a rotation has come.
func progress(w io.Writer, r vault.Rotation) error {
	switch {
	case !r.FinishedAt.IsZero():
		_, err := fmt.Fprintf(w, "rotated %s: %d rows are under %s; nothing is under %s\n", when(r.FinishedAt), r.Wrapped, r.To, r.From)
		return err
	case r.Step == "settle":
		_, err := fmt.Fprintf(w, "%s opens nothing any more, %d rows are wrapped again; the rest is done by itself after %s\n", r.From, r.Wrapped, when(r.FenceAt))
		return err
	}
	_, err := fmt.Fprintf(w, "step %s: %d of %d rows looked at, %d wrapped again\n", r.Step, r.Seen, r.Total, r.Wrapped)
	return err
}

type vaultCredentialsCmd struct {
	Listing
	Owner string `help:"Only of this owner, such as account:ID."`
}

// Run lists credentials.
func (c *vaultCredentialsCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/vault/credentials", c.query("owner", c.Owner))
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[vault.Credential]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, x := range p.Items {
				rows = append(rows, []string{x.Owner, x.Name, itoa(x.Generation), string(x.State), when(x.CreatedAt), when(x.ExpiresAt), when(x.RetireAt), when(x.LastUsedAt)})
			}
			if err := table(w, "OWNER NAME VERSION STATE MADE EXPIRES RETIRES LAST-USED", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type vaultRotateCmd struct {
	Zone string `help:"The keys of this residency zone; default those of the main one."`
	Wait bool   `help:"Wait until the replaced keys are destroyed, too: minutes."`
	Yes  bool   `help:"Do not ask."`
}

// Run replaces the keys and shows how far that has come; stopped, the next one goes on.
func (c *vaultRotateCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if err := s.sure(c.Yes, "Every key is replaced. Keep a copy of the old key as long as you keep backups from before, and back up the new one. Go on?"); err != nil {
		return err
	}
	return g.with(ctx, s, func(cl *client) error {
		for {
			r, err := cl.act(ctx, http.MethodPost, "/vault/rotate", "", given(map[string]any{"zone": c.Zone}))
			if err != nil {
				return err
			}
			var now vault.Rotation
			if err := r.into(&now); err != nil {
				return err
			}
			over := !now.FinishedAt.IsZero() || now.Step == "settle" && !c.Wait
			if over && cl.json {
				return cl.show(r, nil)
			}
			if !cl.json {
				if err := progress(s.out, now); err != nil || over {
					return err
				}
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
		}
	})
}
