// Package api is the HTTP interface for machines: webhooks of partners, the /v1 resources, health and metrics. Start at hook.go for what comes in from partners.
package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// maxHook is the largest webhook body; the largest that partners document is far below.
const maxHook = 2 << 20

// Hooks takes webhooks: /hooks/{account} for one account's own address, /hooks/app/{app} where a partner has one callback per app.
// 2xx is given only when the delivery is stored durably.
type Hooks struct {
	Receive    func(ctx context.Context, account string, header http.Header, body []byte) error
	ReceiveApp func(ctx context.Context, app string, header http.Header, body []byte) error
	Log        *slog.Logger
}

// Register puts the routes on a mux.
func (h Hooks) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /hooks/{account}", func(w http.ResponseWriter, r *http.Request) { h.take(w, r, r.PathValue("account"), h.Receive) })
	mux.HandleFunc("POST /hooks/app/{app...}", func(w http.ResponseWriter, r *http.Request) { h.take(w, r, r.PathValue("app"), h.ReceiveApp) })
}

func (h Hooks) take(w http.ResponseWriter, r *http.Request, name string, receive func(context.Context, string, http.Header, []byte) error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		WriteProblem(w, r, h.Log, tooLarge(maxHook))
		return
	case err != nil:
		WriteProblem(w, r, h.Log, fault.Wrap(fault.Invalid, err, "the body could not be read"))
		return
	}
	if err := receive(r.Context(), name, r.Header, body); err != nil {
		WriteProblem(w, r, h.Log, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}
