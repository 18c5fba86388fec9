package api

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

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
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// raised is what cases of a cause are about, as the contexts raise them.
var raised = map[string]string{
	exception.Undecodable: "inbox", exception.FutureVersion: "inbox", exception.StaleStatus: "order inbox", exception.ContradictingStatus: "order inbox shipment return",
	exception.UnmappedSKU: "order", exception.MoneyMismatch: "order", exception.SecondCurrency: "order", exception.CurrencyChanged: "order inbox", exception.AddressIncomplete: "order",
	exception.Shortage: "shortage order", exception.NoLocation: "order", exception.FulfillmentRejected: "fulfillment", exception.CancelRequest: "order", exception.ChangeAfterPack: "order parcel",
	exception.PushRefused: "tell listing price shipment return", exception.CourierRefused: "shipment", exception.OutcomeUnknown: "tell job refund cart", exception.PrivacyRequest: "privacy", exception.AccountUnauthorized: "account", exception.AccessEnding: "account", exception.Restored: "backup",
	exception.DuplicateShop: "account", exception.DeadJob: "job", exception.EventParked: "consumer", exception.PriceHeld: "listing", exception.StockDrift: "account",
	exception.NegativeStock: "level", exception.StaleLocation: "location", exception.DeliveryFailed: "shipment", exception.ReturnWaiting: "return", exception.RefundOverCaptured: "refund",
	exception.RefundRefused: "refund", exception.CashShort: "payment order", exception.OrderMissing: "channel_order return", exception.SubscriberFailing: "subscription",
}

func TestActions(t *testing.T) {
	t.Parallel()
	routes := described(t)
	t.Run("every action that a cause suggests is a route", func(t *testing.T) {
		t.Parallel()
		used := map[string]bool{}
		for _, cause := range exception.Causes {
			for _, a := range cause.Actions {
				used[a.Name] = true
				if len(ways[a.Name]) == 0 {
					t.Errorf("%s suggests %s, which nobody can do", cause.Name, a.Name)
				}
			}
		}
		for name, all := range ways {
			if !used[name] {
				t.Errorf("no cause suggests %s", name)
			}
			for _, w := range all {
				if !routes[shape(w.route)] {
					t.Errorf("%s is %s, which is no route", name, w.route)
				}
			}
		}
	})
	t.Run("whatever a case is about, something can be done, and it says so with what it knows", func(t *testing.T) {
		t.Parallel()
		for _, cause := range exception.Causes {
			kinds := strings.Fields(raised[cause.Name])
			if len(kinds) == 0 {
				t.Errorf("nobody knows what %s is about", cause.Name)
			}
			for _, kind := range kinds {
				acts, err := (&Server{}).offers(nil, exception.Row{
					ID: "case-1", Cause: cause.Name, SubjectKind: kind, Subject: "sub ject", Order: "o1", Account: "a1", Location: "l1", Detail: json.RawMessage(`{"external":"x'1","consumer":"c","event":"e","code":"LHE"}`),
				})
				if err != nil || len(acts) == 0 {
					t.Errorf("%s about %s: %d actions, %v", cause.Name, kind, len(acts), err)
				}
				for _, a := range acts {
					for _, known := range []string{"{subject}", "{order}", "{account}", "{case}", "{external}", "{event}", "{code}"} {
						if strings.Contains(a.Path+a.Command, known) {
							t.Errorf("%s about %s: %s does not say %s: %s, %s", cause.Name, kind, a.Name, known, a.Path, a.Command)
						}
					}
				}
			}
		}
	})
	t.Run("what is filled in is escaped", func(t *testing.T) {
		t.Parallel()
		acts, err := (&Server{}).offers(nil, exception.Row{ID: "c", Cause: exception.OrderMissing, SubjectKind: "channel_order", Account: "a b/c", Detail: json.RawMessage(`{"external":"x'1; rm"}`)})
		if err != nil || len(acts) == 0 || acts[0].Path != "/accounts/a%20b%2Fc/reread" || acts[0].Command != `channel reread 'a b/c' 'x'\''1; rm'` || acts[0].Body["external_id"] != "x'1; rm" {
			t.Errorf("got %v, %v", acts, err)
		}
	})
}

// bare is a server that knows its routes and has no database.
func bare() *Server {
	return &Server{
		Keys: &access.Keys{}, Order: order.New(order.Needs{}), Payment: payment.New(payment.Needs{}), Connect: connect.New(connect.Needs{}), Catalog: catalog.New(catalog.Needs{}),
		Inventory: inventory.New(inventory.Needs{}), Policy: policy.New(policy.Needs{}), Fulfillment: fulfillment.New(fulfillment.Needs{}), Dispatch: dispatch.New(dispatch.Needs{}),
		Returns: returns.New(returns.Needs{}), Cart: cart.New(cart.Needs{}), Company: company.New(company.Needs{}), Privacy: &privacy.Store{},
	}
}

var hole = regexp.MustCompile(`\{[^}]*\}`)

// shape is a route without the names of its parameters.
func shape(route string) string { return hole.ReplaceAllString(route, "{}") }

// described are the routes of the description, with nothing behind them, and what {what} of a path may be.
func described(t *testing.T) map[string]bool {
	t.Helper()
	s := bare()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(s.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for path, item := range doc.Paths {
		for method := range item {
			all[shape(strings.ToUpper(method)+" "+path)] = true
			all[strings.ToUpper(method)+" "+strings.Replace(path, "{what}", "stock", 1)] = true
		}
	}
	return all
}
