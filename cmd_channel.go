package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/web/api"
)

type channelCmd struct {
	Kinds     channelKindsCmd     `cmd:"" help:"What kinds of channels there are and what an account of each needs."`
	Add       channelAddCmd       `cmd:"" help:"Add an account; asks for what is missing."`
	List      channelListCmd      `cmd:"" help:"List accounts."`
	Show      channelShowCmd      `cmd:"" help:"Show an account and how it fares."`
	Check     channelCheckCmd     `cmd:"" help:"Ask the partner whose shop the account is."`
	Mode      channelModeCmd      `cmd:"" help:"Change how much of an account is ours: shadow, intake, live."`
	Diff      channelDiffCmd      `cmd:"" help:"Compare what the channel has with what we have."`
	Pull      channelPullCmd      `cmd:"" help:"Read from the channel now."`
	Listings  channelListingsCmd  `cmd:"" help:"What an account offers and which SKU that is."`
	Map       channelMapCmd       `cmd:"" help:"Say which SKU a listing is; orders that waited go on."`
	Pause     channelPauseCmd     `cmd:"" help:"Stop reading and telling."`
	Resume    channelResumeCmd    `cmd:"" help:"Let a paused or unauthorized account work again."`
	Move      channelMoveCmd      `cmd:"" help:"Have an account kept in another residency zone, while nothing of it is kept."`
	Authorize channelAuthorizeCmd `cmd:"" help:"Enter new credentials of an account."`
	Reread    channelRereadCmd    `cmd:"" help:"Have an order read that is not here, by the channel's id."`
	Price     channelPriceCmd     `cmd:"" help:"Let a price go out that waited for a person."`
	Location  channelLocationCmd  `cmd:"" help:"Say which of the partner's locations one of ours is."`
}

type channelKindsCmd struct {
	Name string `arg:"" optional:"" help:"Only this one, with its settings."`
}

// Run lists kinds of channels.
func (c *channelKindsCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, kinds, err := cl.kinds(ctx)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var rows [][]string
			for _, k := range kinds {
				if c.Name == "" {
					rows = append(rows, []string{k.Name, strings.Join(k.Countries, ","), itoa(len(k.Settings)), k.Title})
					continue
				}
				if k.Name != c.Name {
					continue
				}
				for _, st := range k.Settings {
					rows = append(rows, []string{st.Name, yes(st.Required), yes(st.Secret), dash(st.Default), st.Help})
				}
			}
			if c.Name == "" {
				return table(w, "NAME COUNTRIES SETTINGS TITLE", rows)
			}
			if len(rows) == 0 {
				return fault.New(fault.NotFound, "there is no channel %q", c.Name)
			}
			return table(w, "SETTING NEEDED SECRET DEFAULT HELP", rows)
		})
	})
}

func (c *client) kinds(ctx context.Context) (reply, []api.ChannelKind, error) {
	r, err := c.get(ctx, "/channels", nil)
	if err != nil {
		return r, nil, err
	}
	var p api.Page[api.ChannelKind]
	return r, p.Items, r.into(&p)
}

type channelAddCmd struct {
	Kind       string            `arg:"" help:"shopify, daraz, ownsite, …; see channel kinds."`
	Name       string            `help:"What you call it, such as pk-shop."`
	Country    string            `help:"ISO 3166-1, such as PK."`
	Currency   string            `help:"ISO 4217; default what the partner says, else the country's."`
	Zone       string            `help:"IANA time zone; default what the partner says, else the country's."`
	Residency  string            `help:"Residency zone; default what the rule residency of the country says, else main."`
	Entity     string            `help:"The company that sells, by code; may be missing where a country has one."`
	EntityName string            `help:"Register the company of --entity under this name first, where it is not known yet."`
	App        string            `help:"Where one app serves several shops: its name."`
	Set        map[string]string `help:"A setting: --set shop=pk-shop.myshopify.com. May be repeated." placeholder:"NAME=VALUE"`
	SecretFile map[string]string `help:"A secret from a file. Also from OPENCLAW_SECRET_NAME in the environment, else it is asked for." placeholder:"NAME=PATH"`
	Mode       string            `help:"shadow (reads and compares), intake (also fulfils), live (also tells the channel)." enum:"shadow,intake,live" default:"shadow"`
	SkipCheck  bool              `help:"Do not ask the partner whose shop it is."`
}

// Run adds an account. Secrets are never taken from arguments, which others on the machine could read.
func (c *channelAddCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		_, kinds, err := cl.kinds(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(kinds, func(k api.ChannelKind) bool { return k.Name == c.Kind })
		if i < 0 {
			return fault.New(fault.NotFound, "there is no channel %q; see channel kinds", c.Kind)
		}
		secrets, err := c.complete(kinds[i], s)
		if err != nil {
			return err
		}
		if err := c.register(ctx, cl); err != nil {
			return err
		}
		stop := cl.wait("asking " + kinds[i].Title)
		r, err := cl.act(ctx, http.MethodPost, "/accounts", "", given(map[string]any{
			"name": c.Name, "channel": c.Kind, "country": c.Country, "legal_entity": c.Entity, "settings": orNone(c.Set), "secrets": secrets, "mode": c.Mode, "skip_check": c.SkipCheck,
			"app": c.App, "zone": c.Zone, "currency": c.Currency, "residency": c.Residency,
		}))
		stop()
		if err != nil {
			return err
		}
		var a api.Account
		if err := r.into(&a); err != nil {
			return err
		}
		return cl.said(r, "%s is %s of %s, mode %s; next: channel listings %s --pull, then channel diff %s", a.Name, a.ShopID, kinds[i].Title, a.Mode, a.Name, a.Name)
	})
}

type channelMoveCmd struct {
	Account string `arg:"" help:"Name or id."`
	To      string `arg:"" help:"main, or a zone in which serve is allowed."`
}

// Run moves an account of which nothing is kept yet.
func (c *channelMoveCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("accounts", c.Account), "zone", map[string]string{"zone": c.To}, "%s is kept in zone %s", c.Account, c.To)
}

// register makes the company that sells known, where that was asked for.
func (c *channelAddCmd) register(ctx context.Context, cl *client) error {
	if c.EntityName == "" {
		return nil
	}
	return cl.register(ctx, c.Entity, c.EntityName, c.Country, c.Currency)
}

// register makes a company known; one that is known already stays as it is.
func (c *client) register(ctx context.Context, code, name, country, currency string) error {
	if code == "" {
		return fault.Field("entity", "a new company needs --entity CODE")
	}
	_, err := c.act(ctx, http.MethodPost, "/legal-entities", "", given(map[string]any{"code": code, "name": name, "country": country, "currency": currency}))
	if fault.Is(err, fault.Conflict) { // it is known already
		return nil
	}
	return err
}

func orNone(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// complete asks for what is missing, where a person can answer.
func (c *channelAddCmd) complete(k api.ChannelKind, s streams) (map[string]string, error) {
	if c.Set == nil {
		c.Set = map[string]string{}
	}
	need := func(at *string, flag, question, otherwise string) error {
		if *at != "" {
			return nil
		}
		if !s.person() {
			return fault.Field(flag, "is missing: say --%s", flag)
		}
		var err error
		*at, err = s.ask(question, otherwise)
		return err
	}
	only := ""
	if len(k.Countries) == 1 {
		only = k.Countries[0]
	}
	if err := need(&c.Name, "name", "Name, such as pk-shop", ""); err != nil {
		return nil, err
	}
	if err := need(&c.Country, "country", "Country, such as PK", only); err != nil {
		return nil, err
	}
	c.Country = strings.ToUpper(c.Country)
	secrets := map[string]string{}
	known := map[string]bool{}
	for _, st := range k.Settings {
		known[st.Name] = st.Secret
		if st.Secret {
			if _, said := c.Set[st.Name]; said {
				return nil, fault.Field("set", "%s is a secret: use --secret-file %s=PATH or %s", st.Name, st.Name, secretEnv(st.Name))
			}
			v, err := c.secret(st, s)
			if err != nil {
				return nil, err
			}
			if v != "" {
				secrets[st.Name] = v
			}
			continue
		}
		if c.Set[st.Name] == "" && st.Default == "" && st.Required {
			v := ""
			if err := need(&v, "set", st.Title+" ("+st.Help+")", ""); err != nil {
				return nil, fault.Field("set", "%s is missing: say --set %s=… (%s)", st.Name, st.Name, st.Help)
			}
			c.Set[st.Name] = v
		}
	}
	for name := range c.SecretFile {
		if !known[name] {
			return nil, fault.Field("secret-file", "%s has no secret %q", k.Title, name)
		}
	}
	return secrets, nil
}

func secretEnv(name string) string {
	return "OPENCLAW_SECRET_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
}

// secret comes from a file, the environment, or a person.
func (c *channelAddCmd) secret(st api.ChannelSetting, s streams) (string, error) {
	if path, ok := c.SecretFile[st.Name]; ok {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", fault.Field("secret-file", "%s cannot be read", path)
		}
		return strings.TrimSpace(string(b)), nil
	}
	if v := os.Getenv(secretEnv(st.Name)); v != "" {
		return v, nil
	}
	if !s.person() {
		if st.Required {
			return "", fault.Field("secret-file", "the secret %s is missing: say --secret-file %s=PATH or set %s", st.Name, st.Name, secretEnv(st.Name))
		}
		return "", nil
	}
	question := st.Title
	if !st.Required {
		question += " (may be empty)"
	}
	return s.secretly(question)
}

type channelAuthorizeCmd struct {
	Account    string            `arg:"" help:"Name or id."`
	SecretFile map[string]string `help:"A secret from a file. Also from OPENCLAW_SECRET_NAME in the environment, else it is asked for." placeholder:"NAME=PATH"`
}

// Run enters new credentials: those that files or the environment give, else those that a person types. What is left empty stays.
func (c *channelAuthorizeCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		now, err := cl.get(ctx, at("accounts", c.Account), nil)
		if err != nil {
			return err
		}
		var a api.Account
		if err := now.into(&a); err != nil {
			return err
		}
		_, kinds, err := cl.kinds(ctx)
		if err != nil {
			return err
		}
		secrets, from := map[string]string{}, &channelAddCmd{SecretFile: c.SecretFile}
		for _, k := range kinds {
			for _, st := range k.Settings {
				if k.Name != a.Channel || !st.Secret {
					continue
				}
				st.Required = false
				v, err := from.secret(st, s)
				if err != nil {
					return err
				}
				if v != "" {
					secrets[st.Name] = v
				}
			}
		}
		if len(secrets) == 0 {
			return fault.Field("secret-file", "no secret was given: say --secret-file NAME=PATH; channel kinds %s says which there are", a.Channel)
		}
		r, err := cl.act(ctx, http.MethodPost, at("accounts", c.Account, "authorize"), now.etag, map[string]any{"secrets": secrets})
		if err != nil {
			return err
		}
		if err := r.into(&a); err != nil {
			return err
		}
		return cl.said(r, "%s is %s; next: channel check %s", a.Name, a.State, a.Name)
	})
}

type channelRereadCmd struct {
	Account  string `arg:"" help:"Name or id."`
	External string `arg:"" help:"The channel's id of the order."`
}

// Run has an order read.
func (c *channelRereadCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("accounts", c.Account, "reread"), map[string]any{"external_id": c.External}, "%s is read from %s", c.External, c.Account)
}

type channelPriceCmd struct {
	Listing string `arg:"" help:"Id of the listing, see channel listings."`
}

// Run lets a price go out.
func (c *channelPriceCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return decide(ctx, g, s, at("listings", c.Listing, "accept-price"), nil, "the price of %s goes out", c.Listing)
}

type channelListCmd struct{}

// Run lists accounts.
func (c *channelListCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, "/accounts", nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[connect.Account]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, a := range p.Items {
				rows = append(rows, []string{a.Name, a.Channel, a.Country, string(a.Mode), string(a.State), a.ShopID, dash(a.Cause)})
			}
			return table(w, "NAME CHANNEL COUNTRY MODE STATE SHOP CAUSE", rows)
		})
	})
}

type channelShowCmd struct {
	Account string `arg:"" help:"Name or id."`
}

// Run shows an account.
func (c *channelShowCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.get(ctx, at("accounts", c.Account), nil)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var a api.Account
			if err := r.into(&a); err != nil {
				return err
			}
			h := a.Health
			rows := [][]string{
				{"account", a.Name + " (" + a.ID + ")"},
				{"channel", a.Channel + " " + a.Country + " " + a.Currency},
				{"shop", a.ShopID},
				{"mode", string(a.Mode)},
				{"state", string(a.State) + " " + a.Cause},
				{"last webhook", when(h.LastWebhook)},
				{"last poll", when(h.LastPollOK)},
				{"last error", strings.TrimSpace(when(h.LastErrorAt) + " " + h.LastError)},
				{"token ends", when(h.TokenExpires)},
				{"token renewed", when(h.Refreshed)},
				{"not renewed", strings.TrimSpace(when(h.RefreshErrorAt) + " " + h.RefreshError)},
				{"access ends", strings.TrimSpace(when(h.AccessEnds) + " " + h.AccessEndsWhy)},
				{"scopes", dash(strings.Join(h.Scopes, " "))},
				{"to import", itoa(h.Waiting)},
				{"stuck", itoa(h.Stuck)},
				{"reconciled", strings.TrimSpace(when(h.Reconciled) + " " + h.ReconcileNote)},
			}
			for _, m := range h.Missing {
				rows = append(rows, []string{"scope missing", strings.Join(m.AnyOf, " or ") + ": " + m.For})
			}
			if !h.AskedAgain.IsZero() {
				rows = append(rows, []string{"asked again", when(h.AskedAgain)})
			}
			for state, n := range h.Tells {
				rows = append(rows, []string{"to tell, " + state, itoa(n)})
			}
			return table(w, "WHAT VALUE", rows)
		})
	})
}

type channelCheckCmd struct {
	Account string `arg:"" help:"Name or id."`
}

// Run asks the partner.
func (c *channelCheckCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		defer cl.wait("asking " + c.Account)()
		r, err := cl.act(ctx, http.MethodPost, at("accounts", c.Account, "check"), "", nil)
		if err != nil {
			return err
		}
		var shop api.Shop
		if err := r.into(&shop); err != nil {
			return err
		}
		if err := cl.said(r, "%s answers: %s %s, %s", c.Account, shop.ID, clean(shop.Name), shop.Currency); err != nil || cl.json || len(shop.Locations) == 0 {
			return err
		}
		var rows [][]string
		for _, l := range shop.Locations {
			rows = append(rows, []string{l.External, yes(l.Active), clean(l.Name), clean(l.City)})
		}
		return table(cl.s.out, "THEIR-LOCATION ACTIVE NAME CITY", rows)
	})
}

type channelModeCmd struct {
	Account string `arg:"" help:"Name or id."`
	Mode    string `arg:"" help:"shadow, intake or live." enum:"shadow,intake,live"`
	Accept  bool   `help:"Go live though the diff shows differences."`
}

// Run changes the mode of an account in the version that it has now.
func (c *channelModeCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		stop := cl.wait("changing " + c.Account)
		r, err := cl.latest(ctx, at("accounts", c.Account), "mode", map[string]any{"mode": c.Mode, "accept_differences": c.Accept})
		stop()
		if err != nil {
			return err
		}
		return cl.said(r, "%s is %s", c.Account, c.Mode)
	})
}

type channelDiffCmd struct {
	Account string `arg:"" help:"Name or id."`
}

// Run compares; differences that keep an account from going live end with the code for conflict.
func (c *channelDiffCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		stop := cl.wait("reading " + c.Account)
		r, err := cl.get(ctx, at("accounts", c.Account, "diff"), nil)
		stop()
		if err != nil {
			return err
		}
		var d connect.Diff
		if err := r.into(&d); err != nil {
			return err
		}
		err = cl.show(r, func(w io.Writer) error {
			var rows [][]string
			for _, x := range d.Missing {
				rows = append(rows, []string{"order", x, "at the channel", "not here"})
			}
			for _, x := range d.Unknown {
				rows = append(rows, []string{"order", x, "not at the channel", "here"})
			}
			for _, x := range d.Totals {
				rows = append(rows, []string{"total", x.External, x.Theirs.String(), x.Ours.String()})
			}
			for _, x := range d.Stock {
				rows = append(rows, []string{"stock", x.SKU + " " + x.Location, itoa(x.Theirs), itoa(x.Ours)})
			}
			fmt.Fprintf(w, "%d orders compared, %d differences, %d unmapped listings\n", d.Compared, d.Count(), d.Unmapped)
			if len(rows) == 0 {
				return nil
			}
			return table(w, "WHAT WHICH THEIRS OURS", rows)
		})
		if err == nil && !d.Clean() {
			err = fault.New(fault.Conflict, "%s differs in %d places", c.Account, d.Count()).WithCode("differs")
		}
		return err
	})
}

type channelPullCmd struct {
	Account string `arg:"" help:"Name or id."`
	What    string `help:"orders, listings, returns, or reconcile: compare and read again what was missed." enum:"orders,listings,returns,reconcile" default:"orders"`
}

// Run reads from the channel now.
func (c *channelPullCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error { return cl.pull(ctx, c.Account, c.What) })
}

func (c *client) pull(ctx context.Context, account, what string) error {
	stop := c.wait("reading " + what + " of " + account)
	r, err := c.act(ctx, http.MethodPost, at("accounts", account, "pull"), "", map[string]string{"what": what})
	stop()
	if err != nil {
		return err
	}
	var a api.Account
	if err := r.into(&a); err != nil {
		return err
	}
	return c.said(r, "read %s of %s; %d messages wait to be imported, %d are stuck", what, account, a.Health.Waiting, a.Health.Stuck)
}

type channelListingsCmd struct {
	Listing
	Account  string `arg:"" optional:"" help:"Name or id; default all."`
	Unmapped bool   `help:"Only those that hold orders."`
	Pull     bool   `help:"Read them from the channel first."`
}

// Run lists what accounts offer.
func (c *channelListingsCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		if c.Pull {
			if c.Account == "" {
				return fault.Field("account", "say which account to read")
			}
			stop := cl.wait("reading listings of " + c.Account)
			_, err := cl.act(ctx, http.MethodPost, at("accounts", c.Account, "pull"), "", map[string]string{"what": "listings"})
			stop()
			if err != nil {
				return err
			}
		}
		q := c.query("account", c.Account)
		if c.Unmapped {
			q.Set("state", "unmapped")
		}
		r, err := cl.get(ctx, "/listings", q)
		if err != nil {
			return err
		}
		return cl.show(r, func(w io.Writer) error {
			var p api.Page[catalog.Listing]
			if err := r.into(&p); err != nil {
				return err
			}
			rows := make([][]string, 0, len(p.Items))
			for _, l := range p.Items {
				rows = append(rows, []string{l.ID, l.State, dash(l.SKU), dash(l.Ref.SKU), dash(l.MappedBy), l.Title})
			}
			if err := table(w, "LISTING STATE SKU THEIRS BY TITLE", rows); err != nil {
				return err
			}
			return cl.more(w, p.Next)
		})
	})
}

type channelMapCmd struct {
	Listing string `arg:"" help:"Id of the listing, see channel listings."`
	SKU     string `arg:"" optional:"" help:"Our SKU."`
	Ignore  bool   `help:"It is none of our goods: its lines are kept for the money and ship nothing."`
}

// Run maps a listing.
func (c *channelMapCmd) Run(ctx context.Context, g *Globals, s streams) error {
	action, body := "map", map[string]string{"sku": c.SKU}
	switch {
	case c.Ignore:
		action, body = "ignore", nil
	case c.SKU == "":
		return fault.Field("sku", "say which SKU it is, or --ignore")
	}
	return did(ctx, g, s, at("listings", c.Listing), action, body, func(l catalog.Listing) string { return fmt.Sprintf("%s is %s %s", c.Listing, l.State, l.SKU) })
}

type channelPauseCmd struct {
	Account string `arg:"" help:"Name or id."`
	Reason  string `help:"Why." required:""`
}

// Run pauses an account.
func (c *channelPauseCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("accounts", c.Account), "pause", map[string]string{"reason": c.Reason}, "%s is paused", c.Account)
}

type channelResumeCmd struct {
	Account string `arg:"" help:"Name or id."`
}

// Run resumes an account.
func (c *channelResumeCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return on(ctx, g, s, at("accounts", c.Account), "resume", nil, "%s works again", c.Account)
}

type channelLocationCmd struct {
	Account  string `arg:"" help:"Name or id."`
	Location string `arg:"" help:"Ours, by id or code."`
	External string `arg:"" help:"The partner's id of it."`
}

// Run maps a location.
func (c *channelLocationCmd) Run(ctx context.Context, g *Globals, s streams) error {
	return g.with(ctx, s, func(cl *client) error {
		r, err := cl.act(ctx, http.MethodPut, at("accounts", c.Account, "locations", c.Location), "", map[string]string{"external_id": c.External})
		if err != nil {
			return err
		}
		return cl.said(r, "%s is %s at %s", c.Location, c.External, c.Account)
	})
}
