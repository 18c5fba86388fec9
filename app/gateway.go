package app

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/web/api"
)

// maxGatewayHook is the largest delivery of a payment provider that is read.
const maxGatewayHook = 1 << 20

// gatewayHook takes what a payment provider pushes, at the one address that it has for all storefronts.
func (a *App) gatewayHook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxGatewayHook))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		err = &api.Problem{Type: "urn:openclaw-commerce:too_large", Title: "The body is too large", Status: http.StatusRequestEntityTooLarge, Detail: "at most 1 MiB"}
	case err != nil:
		err = fault.Wrap(fault.Invalid, err, "the body could not be read")
	default:
		err = a.paid(r.Context(), r.PathValue("provider"), r.Header, body)
	}
	if err != nil {
		api.WriteProblem(w, r, a.Log, err)
		return
	}
	w.WriteHeader(http.StatusOK)
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
