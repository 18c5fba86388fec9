package app_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/sim/daraz"
)

// reconcile compares with the channel, and has what was missed read.
func (h *town) reconcile() connect.Reconciliation {
	h.t.Helper()
	r, err := h.a.Connect.Reconcile(context.Background(), h.account)
	ok(h.t, err)
	h.work()
	slices.Sort(r.Missed)
	slices.Sort(r.Changed)
	return r
}

// here are the externals of the account's orders.
func (h *town) here() []string {
	return sorted(h.all(`select external from orders where account_id = $1`, h.account))
}

func TestReconciliation(t *testing.T) {
	t.Parallel()
	t.Run("shopify", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			h.openShopify()
			h.repairs(h.buy, func(id string) { ok(t, h.shop.Cancel(id)) })
		})
	})
	t.Run("daraz", func(t *testing.T) {
		t.Parallel()
		engines(t, func(t *testing.T, h *town) {
			h.openDaraz()
			shop := h.market.Shop("")
			buy := func() string {
				spec := shop.Generate(3, 1)[0]
				spec.Items, spec.Payment, spec.Paid, spec.Oversell = []daraz.ItemSpec{{SKU: "TEA-1"}}, "", false, true
				id, err := shop.PlaceOrder(spec)
				ok(t, err)
				return id
			}
			cancel := func(id string) {
				v, _ := shop.OrderView(id)
				ok(t, shop.BuyerCancel("changed my mind", v.Units[0].ID))
			}
			h.repairs(buy, cancel)
		})
	})
}

// repairs plays a day on which neither a webhook nor a poll told of some orders and of a change, and the comparison that finds and mends that.
func (h *town) repairs(buy func() string, cancel func(id string)) {
	h.t.Helper()
	var known []string
	for range 3 {
		known = append(known, buy())
	}
	h.read()
	h.read() // what we told the channel changed the orders there
	if r := h.reconcile(); len(r.Missed)+len(r.Changed) != 0 || r.Compared != 3 {
		h.t.Fatalf("nothing was missed, and the comparison says %+v", r)
	}
	missed := []string{buy(), buy()}
	cancel(known[1])
	h.work() // no webhook comes, and nothing is polled
	if n := len(h.here()); n != 3 {
		h.t.Fatalf("%d orders are here before anything is repaired", n)
	}
	r := h.reconcile()
	if diff := cmp.Diff(sorted(missed), r.Missed); diff != "" {
		h.t.Errorf("missed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{known[1]}, r.Changed); diff != "" {
		h.t.Errorf("changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sorted(append(known, missed...)), h.here()); diff != "" {
		h.t.Errorf("orders after the repair (-want +got):\n%s", diff)
	}
	if s := ask[string](h, `select state from orders where external = $1`, known[1]); s != "cancelled" {
		h.t.Errorf("the order that was cancelled meanwhile is %s", s)
	}
	if note := ask[string](h, `select reconcile_note from account_health where account_id = $1`, h.account); note != "2 missed, 1 changed: read again" {
		h.t.Errorf("the account says %q", note)
	}
	h.read()
	if r := h.reconcile(); len(r.Missed)+len(r.Changed) != 0 {
		h.t.Errorf("after the repair the comparison says %+v", r)
	}
	if n := ask[int64](h, `select count(*) from events where type = 'OrderCreated'`); n != 5 {
		h.t.Errorf("%d orders were announced as created, five were", n)
	}
}
