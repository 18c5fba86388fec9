package app

import (
	"net/http"

	"github.com/openclaw-pos/commerce/web/api"
)

// Handler is everything this process serves over HTTP: webhooks, the API, the own shop, health and metrics.
func (a *App) Handler() http.Handler {
	return a.API.Handler()
}

func (a *App) newAPI() *api.Server {
	return &api.Server{
		DB: a.DB, Log: a.Log, Base: a.Config.Base, Version: a.Config.Version, Source: a.Config.Source, Keys: a.Access, Vault: a.Vault, Audit: a.Audit,
		Order: a.Order, Payment: a.Payment, Connect: a.Connect, Catalog: a.Catalog, Inventory: a.Inventory, Policy: a.Policy, AllowPrivate: a.Config.AllowPrivate, Import: a.Catalog.Import,
	}
}
