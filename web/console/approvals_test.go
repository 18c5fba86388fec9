package console_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// TestApprovals has a refund and a payout above a limit asked for by one person at the pages, and confirmed by another.
func TestApprovals(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		ctx := t.Context()
		orders, err := s.Deliver(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		amina, omar := enter(t, s, demo.StageEmail), hire(t, s, access.Finance)
		r := backOf(t, s, amina, orders[0], url.Values{"kind": {"refund_only"}, "approve": {"1"}})
		at := "/console/returns/" + r.ID
		for _, rule := range []string{"refund", "payout"} {
			if err := s.App.Policy.Set(ctx, policy.Row{Name: "second_person." + rule, Value: "amount > 1", Unit: policy.Expr, Source: "house rule", Confidence: "setting"}, "test"); err != nil {
				t.Fatal(err)
			}
		}
		refunds := func() (all []payment.Refund) {
			t.Helper()
			read(t, s, func(tx *db.Tx) (err error) { _, all, err = s.App.Payment.Of(tx, r.OrderID); return err })
			return all
		}
		list := regexp.MustCompile(`/console/approvals/([^/"]+)/decline`)
		waits := func(p *person) string {
			t.Helper()
			m := list.FindAllStringSubmatch(p.get(t, "/console/approvals").body, -1)
			if len(m) != 1 {
				t.Fatalf("%d things wait for a second person", len(m))
			}
			return m[0][1]
		}
		// bothDo has one ask and the other confirm.
		bothDo := func(what string, ask func() answer) {
			t.Helper()
			if a := ask(); !strings.Contains(a.body, "It takes a second person") {
				t.Fatalf("%s: %d %s", what, a.status, a.body)
			}
			id := waits(amina)
			if a := amina.get(t, "/console/approvals"); strings.Contains(a.body, id+"/confirm") {
				t.Errorf("%s: who asked is offered to confirm", what)
			}
			amina.post(t, "/console/approvals/"+id+"/confirm", nil)
			if waits(omar) != id {
				t.Fatalf("%s: who asked has confirmed", what)
			}
			if a := omar.post(t, "/console/approvals/"+id+"/confirm", nil); !strings.Contains(a.body, "Confirmed, and done") {
				t.Fatalf("%s: %d %s", what, a.status, a.body)
			}
		}
		refund := func() answer {
			return amina.post(t, at+"/money/refund", url.Values{"method": {"payout"}, "reason": {"broken"}})
		}
		// Declined it is not done.
		refund()
		omar.post(t, "/console/approvals/"+waits(omar)+"/decline", url.Values{"reason": {"look again"}})
		if n := len(refunds()); n != 0 {
			t.Fatalf("%d refunds after it was declined", n)
		}
		bothDo("the refund", refund)
		all := refunds()
		if len(all) != 1 || all[0].State != "intended" {
			t.Fatalf("refunds: %+v", all)
		}
		bothDo("the payout", func() answer {
			return amina.post(t, at+"/money/paid", url.Values{"refund": {all[0].ID}, "reference": {"bank-7"}})
		})
		if now := refunds(); now[0].State == "intended" {
			t.Errorf("the payout is %s", now[0].State)
		}
		if a := omar.get(t, "/console/approvals?state=confirmed"); strings.Count(a.body, "data-row") != 2 {
			t.Errorf("what was confirmed is not shown: %s", a.body)
		}
	})
}
