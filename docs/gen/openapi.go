package main

import (
	"io"
	"log/slog"

	"github.com/openclaw-pos/commerce/commerce/cart"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/company"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/web/api"
)

// openAPIPages is docs/openapi.json, as /openapi.json answers it. The contexts have nothing behind them: routes are only described, never called.
func openAPIPages(string) ([]page, error) {
	return []page{{"docs/openapi.json", described().OpenAPI()}}, nil
}

// described is a server with every route.
func described() *api.Server {
	return &api.Server{
		Version: "1", Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Keys: &access.Keys{}, Users: &access.Users{},
		Order: order.New(order.Needs{}), Payment: payment.New(payment.Needs{}), Connect: connect.New(connect.Needs{}), Catalog: catalog.New(catalog.Needs{}),
		Inventory: inventory.New(inventory.Needs{}), Policy: policy.New(policy.Needs{}), Fulfillment: fulfillment.New(fulfillment.Needs{}), Dispatch: dispatch.New(dispatch.Needs{}),
		Returns: returns.New(returns.Needs{}), Cart: cart.New(cart.Needs{}), Company: company.New(company.Needs{}), Privacy: &privacy.Store{},
	}
}
