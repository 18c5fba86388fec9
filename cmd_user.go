package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/web/api"
	"github.com/openclaw-pos/commerce/web/console"
)

type userCmd struct {
	Add     userAddCmd        `cmd:"" help:"Add a person; the token with which they choose a password is shown once."`
	List    userListCmd       `cmd:"" help:"List people and their roles."`
	Grant   userGrantCmd      `cmd:"" help:"Give a person other roles; they count from the next request on."`
	Disable userDisableCmd    `cmd:"" help:"Sign a person out everywhere and keep them out."`
	Enable  userEnableCmd     `cmd:"" help:"Let a person sign in again."`
	Reset   userResetCmd      `cmd:"" help:"Have a person choose a new password; the token for it is shown once."`
	NoTOTP  userNoTOTPCmd     `cmd:"" name:"no-totp" help:"Let a person sign in without one-time codes: the phone is lost."`
	NoKeys  userNoPasskeysCmd `cmd:"" name:"no-passkeys" help:"Remove all passkeys of a person who has lost them: the password lets in again."`
	Roles   userRolesCmd      `cmd:"" help:"List the roles there are."`
	Session userSessionCmd    `cmd:"" help:"Who is signed in."`
}

// area are the flags that limit rights to a part of the business.
type area struct {
	Entities  []string `name:"entity" help:"Only what belongs to this legal entity, id or code. Repeatable."`
	Countries []string `name:"country" help:"Only what belongs to this country. Repeatable."`
	Locations []string `name:"location" help:"Only what belongs to this branch or warehouse, id or code. Repeatable."`
}

// over lays the limits over a request.
func (a area) over(body map[string]any) map[string]any {
	for name, all := range map[string][]string{"legal_entities": a.Entities, "countries": a.Countries, "locations": a.Locations} {
		if len(all) > 0 {
			body[name] = all
		}
	}
	return body
}

// grantFlags are roles in one part of the business.
type grantFlags struct {
	Role []string `help:"owner, country_manager, branch_manager, picker, finance, support, integrator, auditor. Repeatable." required:""`
	area
}

func (g grantFlags) grants() []map[string]any {
	all := make([]map[string]any, len(g.Role))
	for i, r := range g.Role {
		all[i] = g.over(map[string]any{"role": r})
	}
	return all
}

type userAddCmd struct {
	Email string `arg:"" help:"E-mail address, with which they sign in."`
	Name  string `help:"As people call them."`
	grantFlags
}

// Run adds a person. A password is never asked for here: the person chooses it.
func (c *userAddCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, "/users", "", given(map[string]any{"email": c.Email, "name": c.Name, "grants": c.grants()}))
		if err != nil {
			return err
		}
		return cl.token(r, "invitation, good for three days")
	})
}

// token says the token of an answer.
func (c *client) token(r reply, what string) error {
	var u api.UserToken
	if err := r.into(&u); err != nil {
		return err
	}
	return c.said(r, "%s\t%s of %s, to be entered at %s", u.Token, what, u.Email, console.Base+"/accept")
}

type userListCmd struct{ Listing }

// Run lists people.
func (c *userListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/users", c.query())
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[access.User]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, u := range p.Items {
				rows = append(rows, []string{u.Email, u.State, yes(u.TOTP), granted(u.Grants), when(u.SignedInAt), u.Name})
			}
			if err := table(w, "E-MAIL STATE CODES ROLES SIGNED-IN NAME", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

// granted are roles as a list shows them: picker@PK/LHE.
func granted(all []access.Grant) string {
	words := make([]string, len(all))
	for i, g := range all {
		words[i] = string(g.Role)
		if !g.Whole() {
			var at []string
			for _, part := range [][]string{g.LegalEntities, g.Countries, g.Locations} {
				if len(part) > 0 {
					at = append(at, strings.Join(part, "+"))
				}
			}
			words[i] += "@" + strings.Join(at, "/")
		}
	}
	return strings.Join(words, " ")
}

// change changes a person as they are now.
func (c *client) change(ctx context.Context, email string, body map[string]any, said string) error {
	path := at("users", email)
	now, err := c.get(ctx, path, nil)
	if err != nil {
		return err
	}
	r, err := c.act(ctx, http.MethodPut, path, now.etag, body)
	if err != nil {
		return err
	}
	return c.said(r, said, email)
}

type userGrantCmd struct {
	Email string `arg:"" help:"E-mail address or id."`
	grantFlags
}

// Run replaces a person's roles.
func (c *userGrantCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		return cl.change(ctx, c.Email, map[string]any{"grants": c.grants()}, "%s has these roles now")
	})
}

type userDisableCmd struct {
	Email string `arg:"" help:"E-mail address or id."`
}

// Run keeps a person out.
func (c *userDisableCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		return cl.change(ctx, c.Email, map[string]any{"enabled": false}, "%s is signed out and kept out")
	})
}

type userEnableCmd struct {
	Email string `arg:"" help:"E-mail address or id."`
}

// Run lets a person in again.
func (c *userEnableCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		return cl.change(ctx, c.Email, map[string]any{"enabled": true}, "%s may sign in")
	})
}

type userResetCmd struct {
	Email string `arg:"" help:"E-mail address or id."`
}

// Run makes a token for a new password.
func (c *userResetCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, at("users", c.Email, "reset"), "", map[string]any{})
		if err != nil {
			return err
		}
		return cl.token(r, "new password, good for a day")
	})
}

type userNoTOTPCmd struct {
	Email string `arg:"" help:"E-mail address or id."`
}

// Run ends one-time codes.
func (c *userNoTOTPCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("users", c.Email, "drop-totp"), map[string]any{}, "%s signs in without codes", c.Email)
}

type userNoPasskeysCmd struct {
	Email string `arg:"" help:"E-mail address."`
}

// Run removes all passkeys of a person.
func (c *userNoPasskeysCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("users", c.Email, "drop-passkeys"), map[string]any{}, "%s signs in without passkeys", c.Email)
}

type userRolesCmd struct{}

// Run lists roles.
func (c *userRolesCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/roles", nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[api.RoleView]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, x := range p.Items {
				rows = append(rows, []string{string(x.Role), x.Text})
			}
			return table(w, "ROLE WHAT", rows)
		})
	})
}

type userSessionCmd struct {
	List sessionListCmd `cmd:"" help:"List who is signed in, from where."`
	End  sessionEndCmd  `cmd:"" help:"Sign a person out of one place."`
}

type sessionListCmd struct{ Listing }

// Run lists sessions.
func (c *sessionListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/sessions", c.query())
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[access.Session]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, x := range p.Items {
				rows = append(rows, []string{x.ID, x.UserID, x.Address, when(x.CreatedAt), when(x.SeenAt), when(x.ExpiresAt), x.Agent})
			}
			if err := table(w, "SESSION USER FROM SINCE SEEN ENDS WITH", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type sessionEndCmd struct {
	Session string `arg:"" help:"Id of the session."`
}

// Run ends a session.
func (c *sessionEndCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("sessions", c.Session, "end"), map[string]any{}, "session %s has ended", c.Session)
}

type keyRotateCmd struct {
	Key     string        `arg:"" help:"Prefix or id."`
	Overlap time.Duration `help:"How long the old key works beside the new one." default:"24h"`
}

// Run replaces a key.
func (c *keyRotateCmd) Run(ctx context.Context, g *Globals, s streams) error {
	if c.Overlap%time.Hour != 0 {
		return fault.Field("overlap", "is in whole hours, such as 24h")
	}
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPost, at("keys", c.Key, "rotate"), "", map[string]any{"overlap_hours": int64(c.Overlap / time.Hour)})
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
