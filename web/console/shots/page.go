package main

import (
	"context"
	"net/url"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/web/console/browser"
)

// page is one to show: what is at a path, and what somebody does there before the picture is taken.
type page struct {
	name, path string
	then       func(p *browser.Page)
}

// paths are the pages to show, with things on them that exist.
func paths(ctx context.Context, s *demo.Stage) ([]page, error) {
	all := []page{
		{name: "today", path: "/console/"},
		{name: "orders", path: "/console/orders"},
		{name: "review", path: "/console/orders?tab=review"},
		{name: "exceptions", path: "/console/exceptions"},
		{name: "work", path: "/console/work"},
		{name: "handover", path: "/console/handover"},
		{name: "stock", path: "/console/stock"},
		{name: "sku", path: "/console/stock/OC-001"},
		{name: "listings", path: "/console/listings"},
		{name: "channels", path: "/console/channels"},
		{name: "returns", path: "/console/returns"},
		{name: "imports", path: "/console/imports"},
		{name: "jobs", path: "/console/jobs"},
		{name: "jobs-due", path: "/console/jobs?state=due"},
		{name: "parked", path: "/console/parked"},
		{name: "subscriptions", path: "/console/subscriptions"},
		{name: "people", path: "/console/people"},
		{name: "person", path: "/console/people/" + s.Owner.ID},
		{name: "keys", path: "/console/keys"},
		{name: "audit", path: "/console/audit"},
		{name: "audit-proven", path: "/console/audit/verify"},
		{name: "account-add", path: "/console/new-account/shopify"},
		{name: "me", path: "/console/me"},
		{name: "me-codes", path: "/console/me", then: codes},
		{name: "exceptions-bulk", path: "/console/exceptions?cause=stale_status", then: several},
		{name: "nowhere", path: "/console/nowhere"},
		{name: "find", path: "/console/find?q=nothing"},
		{name: "approvals", path: "/console/approvals"},
		{name: "shortages", path: "/console/shortages"},
		{name: "picklist", path: "/console/picklist?at=PK-LHE-WH"},
	}
	err := s.App.DB.Read(ctx, func(tx *db.Tx) error {
		for _, more := range []func(*db.Tx, *demo.Stage) ([]page, error){ofOrders, ofWork, ofCases, ofReturns, ofAccounts} {
			found, err := more(tx, s)
			if err != nil {
				return err
			}
			all = append(all, found...)
		}
		return nil
	})
	return all, err
}

// ofOrders are an order that waits, one that is done, and what can be asked of them.
func ofOrders(tx *db.Tx, s *demo.Stage) (all []page, err error) {
	held := true
	waits, err := s.App.Order.List(tx, order.Filter{State: order.Open, Held: &held}, "", 1)
	if err != nil {
		return nil, err
	}
	for _, o := range waits.Items {
		all = append(all, page{name: "order-held", path: "/console/orders/" + o.ID})
	}
	oldest, err := s.App.Order.List(tx, order.Filter{Oldest: true}, "", 3)
	if err != nil {
		return nil, err
	}
	ask := url.Values{"do": {"hold"}}
	for _, o := range oldest.Items {
		ask.Add("id", o.ID)
	}
	path := "/console/orders/" + oldest.Items[0].ID
	return append(all,
		page{name: "order", path: path},
		page{name: "order-revealed", path: path, then: reveal},
		page{name: "cancel", path: path + "/cancel"},
		page{name: "source", path: path + "/source"},
		page{name: "raw", path: path + "/raw"},
		page{name: "raw-all", path: path + "/raw?all=1"},
		page{name: "events", path: path + "/events"},
		page{name: "orders-bulk", path: "/console/orders/bulk?" + ask.Encode()},
	), nil
}

// reveal opens who bought an order.
func reveal(p *browser.Page) {
	p.Click("#buyer form button:not([type=button])")
	p.At("/console/orders/")
	p.Wait("location.pathname.endsWith('/personal') && !document.querySelector('#buyer form')")
}

// readdress proposes another address.
func readdress(p *browser.Page) {
	p.Fill("input[name=city]", "Lahore")
	p.Click("form[action$='/change'][method=post] button")
	p.Wait("location.search.includes('set=') && document.readyState === 'complete' && !!document.querySelector('#draft')")
}

// codes begins to set up one-time codes.
func codes(p *browser.Page) {
	p.Click("form[action='/console/me/codes'] button")
	p.Wait("document.readyState === 'complete' && !!document.querySelector('svg.qr')")
}

// several takes every case of a cause: the answer says of each what came of it.
func several(p *browser.Page) {
	p.Click("#bulk input[data-all]")
	p.Wait("!!document.querySelector('input[name=id]:checked')")
	p.Click("#bulk button[value=take]")
	p.Wait("location.pathname === '/console/exceptions/bulk' && document.readyState === 'complete' && !!document.querySelector('main table')")
}

// ofWork are fulfillment orders at every step of the bench.
func ofWork(tx *db.Tx, s *demo.Stage) (all []page, err error) {
	for _, state := range []string{fulfillment.Fresh, fulfillment.Picking, fulfillment.Picked, fulfillment.Packing} {
		works, err := s.App.Fulfillment.List(tx, fulfillment.Filter{States: []string{state}}, "", 1)
		if err != nil {
			return nil, err
		}
		for _, w := range works.Items {
			all = append(all, page{name: "work-" + state, path: "/console/work/" + w.ID})
			if change := "/console/orders/" + w.OrderID + "/change"; state == fulfillment.Fresh { // nothing of it is packed
				all = append(all, page{name: "change", path: change}, page{name: "change-address", path: change, then: readdress})
			}
		}
	}
	return all, nil
}

// ofCases are one case of each cause, and whom to serve of what is short.
func ofCases(tx *db.Tx, s *demo.Stage) (all []page, err error) {
	cases, _, err := exception.List(tx, exception.Filter{}, "", 500)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, c := range cases {
		if !seen[c.Cause] {
			seen[c.Cause] = true
			all = append(all, page{name: "exception-" + c.Cause, path: "/console/exceptions/" + c.ID})
		}
	}
	short, err := s.App.Inventory.Shortages(tx, "", "", "", 1)
	if err != nil || len(short) == 0 {
		return all, err
	}
	known, err := s.App.Catalog.ByID(tx, []string{short[0].Variant})
	for _, k := range known {
		all = append(all, page{name: "triage", path: "/console/shortages?rule=paid&sku=" + url.QueryEscape(k.SKU)})
	}
	return all, err
}

func ofReturns(tx *db.Tx, s *demo.Stage) (all []page, err error) {
	back, err := s.App.Returns.List(tx, returns.Filter{}, "", 20)
	if err != nil {
		return nil, err
	}
	for _, r := range back.Items {
		all = append(all, page{name: "return-" + string(r.Kind) + "-" + r.Decision + "-" + r.Goods, path: "/console/returns/" + r.ID})
	}
	return append(all, page{name: "return-new", path: "/console/orders/" + back.Items[0].OrderID + "/return"}), nil
}

func ofAccounts(tx *db.Tx, s *demo.Stage) (all []page, err error) {
	accounts, err := s.App.Connect.Accounts(tx)
	for _, a := range accounts[:min(1, len(accounts))] {
		path := "/console/channels/" + a.ID
		all = append(all, page{name: "account", path: path}, page{name: "account-places", path: path + "?places=1"}, page{name: "account-diff", path: path + "/diff"}, page{name: "account-drift", path: path + "/drift"})
	}
	return all, err
}

// flood takes away what orders have of an item, so that there is somebody to decide about.
func flood(ctx context.Context, s *demo.Stage) error {
	var gone []inventory.Counted
	if err := s.App.DB.Read(ctx, func(tx *db.Tx) error {
		all, err := s.App.Inventory.Reservations(tx, inventory.ReservedFilter{}, "", 1)
		for _, r := range all {
			gone = append(gone, inventory.Counted{Variant: r.Variant, Location: r.Location, Condition: stock.Sellable, RefID: "flood"})
		}
		return err
	}); err != nil {
		return err
	}
	if err := s.App.Inventory.Set(ctx, "flood", gone); err != nil {
		return err
	}
	return s.Settle(ctx)
}
