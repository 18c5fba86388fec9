package console

import (
	"context"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// secretsOf are the credentials that an adapter asks for.
func secretsOf(k channel.Kind) (all []channel.Setting) {
	for _, s := range k.Settings {
		if s.Secret {
			all = append(all, s)
		}
	}
	return all
}

// channelAuthorize keeps new credentials of an account and asks the partner at once whether it takes them: who is refused learns it here, and the case is open again.
func channelAuthorize(v *visit) error {
	p, err := v.account(v.id())
	if err != nil {
		return err
	}
	given := map[string]string{}
	for _, s := range p.Secrets {
		if value := v.form("set-" + s.Name); value != "" {
			given[s.Name] = value
		}
	}
	if len(given) == 0 {
		return fault.Field("secrets", "enter at least one of them")
	}
	if err := v.Connect.Authorize(v.r.Context(), p.ID, given, v.actor()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), patience)
	defer cancel()
	shop, err := v.Connect.Check(ctx, p.ID)
	if err != nil {
		return slow(ctx, err)
	}
	return v.back(channelPath(p.ID), flash{Text: v.T("The partner takes the new credentials: this is %s. What waited goes on", shop.Name)})
}
