package app

import (
	"context"
	"crypto/subtle"

	"github.com/openclaw-pos/commerce/platform/vault"
	"github.com/openclaw-pos/commerce/web/console"
)

// newConsole opens the pages people work at.
func (a *App) newConsole(ctx context.Context) (*console.Console, error) {
	hash, err := a.Vault.Hasher(ctx, vault.MainZone, vault.Access)
	if err != nil {
		return nil, err
	}
	c := console.New(console.Needs{
		DB: a.DB, Log: a.Log, Users: a.Users, Sign: hash.Text,
		Signed: func(domain, text, sign string) bool {
			all, err := hash.Texts(domain, text)
			for _, s := range all {
				if err == nil && subtle.ConstantTimeCompare([]byte(s), []byte(sign)) == 1 {
					return true
				}
			}
			return false
		},
		Do:    a.API.Do,
		Order: a.Order, Payment: a.Payment, Fulfillment: a.Fulfillment, Dispatch: a.Dispatch, Returns: a.Returns, Connect: a.Connect, Catalog: a.Catalog, Inventory: a.Inventory, Policy: a.Policy,
		Keys: a.Access, Audit: a.Audit, Vault: a.Vault, Privacy: a.Privacy, Zones: a.Zones, Import: a.Catalog.Import, Budget: a.HTTP.Left, Rate: a.HTTP.Rate,
		Triage: console.Triage{Plan: a.planTriage, Apply: a.applyTriage},
	})
	a.API.Paper = c.Paper()
	return c, nil
}

// Welcome says where people work, and, until there is an owner, where the first one sets up: for whoever reads what the program prints.
func (a *App) Welcome(ctx context.Context, base string) string {
	text := "console at " + base + console.Base + "/\n"
	token, err := a.Users.FirstRun(ctx)
	switch {
	case err != nil:
		a.Log.Error("the first owner cannot be set up", "err", err)
	case token.Reveal() != "":
		text += "set up the owner at " + base + console.Base + "/setup#" + token.Reveal() + "\n"
	}
	return text
}
