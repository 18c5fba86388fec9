package app

import (
	"context"
	"net/http"

	"github.com/openclaw-pos/commerce/kernel/partner"
)

// gatewayHook takes what a payment provider pushes, at the one address that it has for all storefronts.
func (a *App) gatewayHook(w http.ResponseWriter, r *http.Request) {
	a.pushed(w, r, func(body []byte) error { return a.paid(r.Context(), r.PathValue("provider"), r.Header, body) })
}

// paid is where every delivery of a payment provider ends, whichever address it came to: verified on its raw bytes, then each payment it is about is followed by its
// order, or by the checkout where there is no order yet.
func (a *App) paid(ctx context.Context, provider string, header http.Header, body []byte) error {
	strangers, err := a.Payment.Hook(ctx, provider, partner.Delivery{Header: header, Body: body, At: a.DB.Now()})
	if err != nil {
		return err
	}
	for _, p := range strangers {
		if err := a.Cart.Seen(ctx, provider, p); err != nil {
			return err
		}
	}
	return nil
}
