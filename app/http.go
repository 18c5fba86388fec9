package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/partner"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/api"
	"github.com/openclaw-pos/commerce/web/console"
	"github.com/openclaw-pos/commerce/web/shop"
)

// Handler is everything this process serves over HTTP: webhooks, the API, the own shop, health and metrics.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	a.newShop().Register(mux)
	mux.HandleFunc("POST /hooks/courier/{courier}", a.courierHook)
	mux.HandleFunc("POST /hooks/gateway/{provider}", a.gatewayHook)
	mux.Handle(console.Base+"/", a.Console.Handler())
	mux.Handle("GET /{$}", http.RedirectHandler(console.Base+"/", http.StatusFound))
	mux.Handle("/", a.API.Handler())
	return a.Config.Proxies.Behind(guarded(mux))
}

// guarded says with every answer what a browser may do with it: nothing. A page that needs more says so itself, in place of these.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// maxHook is the largest delivery of a courier or payment provider that is read.
const maxHook = 1 << 20

// pushed answers what a partner pushes: take gets it whole, or it is refused before it is read to its end.
func (a *App) pushed(w http.ResponseWriter, r *http.Request, take func(body []byte) error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		err = &api.Problem{Type: "urn:openclaw-commerce:too_large", Title: "The body is too large", Status: http.StatusRequestEntityTooLarge, Detail: "at most 1 MiB"}
	case err != nil:
		err = fault.Wrap(fault.Invalid, err, "the body could not be read")
	default:
		err = take(body)
	}
	if err != nil {
		api.WriteProblem(w, r, a.Log, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// courierHook takes what a courier pushes: facts when it is signed, else a reason to ask the courier soon.
func (a *App) courierHook(w http.ResponseWriter, r *http.Request) {
	a.pushed(w, r, func(body []byte) error {
		return a.Dispatch.Hook(r.Context(), r.PathValue("courier"), partner.Delivery{Header: r.Header, Body: body, At: a.DB.Now()})
	})
}

func (a *App) newShop() *shop.Shop {
	return shop.New(shop.Needs{DB: a.DB, Log: a.Log, Cart: a.Cart, Orders: a.Order, Limits: a.Config.ShopLimits, Parcels: a.parcelsToShow, Return: a.returnFromShop, Paid: a.paid, Returned: a.returned})
}

// parcelsToShow lists an order's parcels as its buyer may see them.
func (a *App) parcelsToShow(tx *db.Tx, id string) ([]shop.Parcel, error) {
	page, err := a.Dispatch.List(tx, dispatch.Filter{Order: id}, "", 50)
	if err != nil {
		return nil, err
	}
	var all []shop.Parcel
	for _, sh := range page.Items {
		if !sh.HandedOver.IsZero() {
			all = append(all, shop.Parcel{Carrier: sh.Carrier, Tracking: sh.Tracking, URL: sh.TrackingURL, State: sh.State, SentAt: sh.HandedOver, Delivered: sh.DeliveredAt})
		}
	}
	return all, nil
}

// returnFromShop asks for goods to be taken back, as their buyer does.
func (a *App) returnFromShop(ctx context.Context, ask shop.ReturnAsk) (shop.ReturnAnswer, error) {
	in := returns.Ask{Order: ask.Order, Kind: returns.Kind(ask.Kind), By: "buyer", Reason: ask.Reason, Actor: "buyer"}
	for _, l := range ask.Lines {
		in.Lines = append(in.Lines, returns.Units{LineID: l.LineID, Quantity: l.Quantity, Reason: ask.Reason})
	}
	for _, w := range ask.Wanted {
		in.Wanted = append(in.Wanted, returns.Replacement{Variant: w.Variant, Quantity: w.Quantity})
	}
	r, err := a.Returns.Request(ctx, in)
	return shop.ReturnAnswer{Number: r.Number, State: r.Decision}, err
}

// returned reads a return as its buyer may see it.
func (a *App) returned(tx *db.Tx, number string) (shop.ReturnAnswer, error) {
	r, err := a.Returns.Get(tx, number)
	if fault.Is(err, fault.NotFound) {
		all, more := a.Returns.Of(tx, number)
		if more != nil || len(all) == 0 {
			return shop.ReturnAnswer{}, err
		}
		r, err = all[len(all)-1], nil
	}
	return shop.ReturnAnswer{Number: r.Number, State: r.Decision}, err
}

func (a *App) newAPI() *api.Server {
	return &api.Server{
		DB: a.DB, Log: a.Log, Base: a.Config.Base, Version: a.Config.Version, Source: a.Config.Source, Keys: a.Access, Users: a.Users, Vault: a.Vault, Audit: a.Audit, Privacy: a.Privacy,
		Order: a.Order, Payment: a.Payment, Connect: a.Connect, Catalog: a.Catalog, Inventory: a.Inventory, Policy: a.Policy, Fulfillment: a.Fulfillment, Dispatch: a.Dispatch, Returns: a.Returns, Cart: a.Cart, AllowPrivate: a.Config.AllowPrivate, Import: a.Catalog.Import, Consumers: a.consumers,
	}
}
