package console

import (
	"context"
	"net/http"
	"slices"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

type addPage struct {
	Kind     channel.Kind
	Entities []policy.LegalEntity
	Given    map[string]string // what was typed; never a secret
	Wrong    string
	Field    string
}

// channelAdd is the form of a new account, drawn from what the adapter declares.
func channelAdd(v *visit) error {
	p, err := v.adding()
	if err != nil {
		return err
	}
	return v.page("channel_add", "Add an account", p)
}

func (v *visit) adding() (addPage, error) {
	kinds := v.Connect.Kinds()
	i := slices.IndexFunc(kinds, func(k channel.Kind) bool { return k.Name == v.r.PathValue("kind") })
	if i < 0 {
		return addPage{}, fault.New(fault.NotFound, "there is no such kind of channel")
	}
	p := addPage{Kind: kinds[i], Given: map[string]string{}}
	return p, v.read(func(tx *db.Tx) error {
		all, err := v.Policy.Entity(tx)
		if err != nil {
			return err
		}
		p.Entities, err = access.Seen(tx, access.Entities, all, func(e policy.LegalEntity) string { return e.ID })
		return err
	})
}

// channelAddDo checks the settings with the partner and keeps the account, in shadow mode: it reads and compares and does nothing else.
func channelAddDo(v *visit) error {
	p, err := v.adding()
	if err != nil {
		return err
	}
	in := connect.Adding{
		Name: v.form("name"), Channel: p.Kind.Name, Country: v.form("country"), Currency: v.form("currency"), LegalEntity: v.form("entity"),
		Settings: map[string]string{}, Secrets: map[string]string{}, Mode: channel.Shadow, Actor: v.actor(),
	}
	p.Given = map[string]string{"name": in.Name, "country": in.Country, "currency": in.Currency, "entity": in.LegalEntity}
	for _, s := range p.Kind.Settings {
		value := v.form("set-" + s.Name)
		switch {
		case value == "":
		case s.Secret:
			in.Secrets[s.Name] = value
		default:
			in.Settings[s.Name], p.Given["set-"+s.Name] = value, value
		}
	}
	area := access.Area{LegalEntities: []string{in.LegalEntity}, Countries: []string{in.Country}}
	if !access.ReachOf(v.r.Context()).Contains(area) {
		return fault.New(fault.Forbidden, "that part of the business is not yours")
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), patience)
	defer cancel()
	acc, err := v.Connect.Add(ctx, in)
	if err != nil {
		if err = slow(ctx, err); fault.Is(err, fault.Internal) {
			return err
		}
		p.Wrong, p.Field = fault.Message(err), fault.FieldOf(err)
		v.status = http.StatusUnprocessableEntity
		return v.page("channel_add", "Add an account", p)
	}
	v.remember(flash{Text: v.T("The account is here, in shadow mode: it reads and compares, and changes nothing")})
	v.see(channelPath(acc.ID) + "?places=1#places")
	return nil
}
