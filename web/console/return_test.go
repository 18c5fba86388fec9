package console_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// backOf opens a return of everything a delivered order holds, through its form.
func backOf(t *testing.T, s *demo.Stage, p *person, order string, more url.Values) returns.RMA {
	t.Helper()
	form := url.Values{"kind": {"return"}, "reason": {"too small"}}
	for k, v := range more {
		form[k] = v
	}
	a := p.post(t, "/console/orders/"+order+"/return", form)
	id, ok := strings.CutPrefix(a.at, "/console/returns/")
	if !ok {
		t.Fatalf("the return is not open: %d at %s: %s", a.status, a.at, a.body)
	}
	return theReturn(t, s, id)
}

func theReturn(t *testing.T, s *demo.Stage, id string) (r returns.RMA) {
	t.Helper()
	read(t, s, func(tx *db.Tx) (err error) { r, err = s.App.Returns.Get(tx, id); return err })
	return r
}

func TestReturn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		orders, err := s.Deliver(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		p := enter(t, s, demo.StageEmail)
		r := backOf(t, s, p, orders[0], nil)
		at := "/console/returns/" + r.ID
		p.post(t, at+"/decide/approve", nil)
		if a := p.post(t, at+"/decide/unapprove", nil); theReturn(t, s, r.ID).Decision != "requested" {
			t.Errorf("an approval is not taken back: %s", a.body)
		}
		p.post(t, at+"/decide/approve", nil)
		if a := p.post(t, "/console/returns/scan", url.Values{"code": {r.Number}}); a.at != at {
			t.Errorf("its number scanned leads to %s", a.at)
		}
		if a := p.post(t, at+"/do/receive", url.Values{"line-" + r.Lines[0].LineID: {"1"}, "at": {"PK-LHE-WH"}}); !strings.Contains(a.body, "it waits for inspection") {
			t.Errorf("received: %d %s", a.status, a.body)
		}
		p.post(t, at+"/do/receive", url.Values{"all": {"1"}, "at": {"PK-LHE-WH"}})
		r = theReturn(t, s, r.ID)
		verdicts := url.Values{}
		for _, l := range r.Lines {
			for i := range l.Waiting {
				verdicts.Set("unit-"+l.LineID+"-"+itoa(i+1), "sellable")
			}
		}
		verdicts.Set("unit-"+r.Lines[0].LineID+"-1", "damaged")
		if a := p.post(t, at+"/do/inspect", verdicts); !strings.Contains(a.body, "stock follows") {
			t.Fatalf("inspected: %d %s", a.status, a.body)
		}
		if r = theReturn(t, s, r.ID); r.Goods != "inspected" || r.Lines[0].Damaged != 1 || r.Money != "due" {
			t.Fatalf("after inspection: %s %s %+v", r.Goods, r.Money, r.Lines)
		}
		most := (r.RefundDue - r.Refunded) / 100
		if a := p.post(t, at+"/money/refund", url.Values{"amount": {itoa(most + 1)}}, "Referer", s.URL+at); !strings.Contains(a.body, "may go back") || theReturn(t, s, r.ID).Money != "due" {
			t.Errorf("more than is due goes back: %s", a.body)
		}
		if a := p.post(t, at+"/money/refund", url.Values{"amount": {itoa(most - 1)}}); !strings.Contains(a.body, "under way") {
			t.Errorf("a refund: %d %s", a.status, a.body)
		}
		settle(t, s)
		if r = theReturn(t, s, r.ID); r.Refunded != (most-1)*100 {
			t.Errorf("%d went back, %s", r.Refunded, r.Money)
		}

		other := backOf(t, s, p, orders[1], nil)
		p.post(t, "/console/returns/"+other.ID+"/decide/decline", url.Values{"reason": {"worn"}})
		if got := theReturn(t, s, other.ID).Decision; got != "declined" {
			t.Errorf("declined: %s", got)
		}
		if a := p.get(t, "/console/returns?tab=all&decision=declined"); !strings.Contains(a.body, other.Number) || strings.Contains(a.body, r.Number) {
			t.Error("a list by decision shows others, or not its own")
		}
	})
}

func TestReturnRoles(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		orders, err := s.Deliver(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		r := backOf(t, s, enter(t, s, demo.StageEmail), orders[0], url.Values{"approve": {"1"}})
		at := "/console/returns/" + r.ID
		shown := map[access.Role]map[string]bool{
			access.Picker:     {"/do/receive": true, "/money/refund": false, "/decide/withdraw": false},
			access.Finance:    {"/do/receive": false, "/money/refund": true, "/decide/withdraw": false},
			access.Support:    {"/do/receive": false, "/money/refund": false, "/decide/withdraw": true},
			access.Integrator: {"/do/receive": false, "/money/refund": false, "/decide/withdraw": false},
		}
		for role, acts := range shown {
			p := hire(t, s, role)
			page := p.get(t, at)
			if page.status != http.StatusOK {
				t.Errorf("%s does not see a return: %d", role, page.status)
			}
			for act, may := range acts {
				if strings.Contains(page.body, at+act) != may {
					t.Errorf("%s is shown %s: %v", role, act, !may)
				}
				if a := p.post(t, at+act, url.Values{}); !may && a.status != http.StatusForbidden {
					t.Errorf("%s posts %s: %d", role, act, a.status)
				}
			}
		}
		if got := theReturn(t, s, r.ID); got.Goods != "awaited" || got.Decision != "approved" {
			t.Errorf("somebody did what they may not: %s %s", got.Decision, got.Goods)
		}
	})
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
