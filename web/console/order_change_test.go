package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

// TestOrderChange proposes another address and fewer units, looks at what that does, and carries it out on what was shown.
func TestOrderChange(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		id := listed(t, p, "tab=pick&at=PK-LHE-WH")[0]
		at := "/console/orders/" + id
		now := func() (o order.View) {
			read(t, s, func(tx *db.Tx) (err error) { o, err = s.App.Order.Get(tx, id); return err })
			return o
		}
		if page := p.get(t, at).body; !strings.Contains(page, at+"/change") {
			t.Fatal("the order's page leads nowhere to change it")
		}
		before := now()
		a := p.post(t, at+"/change", url.Values{"city": {"Multan"}, "version": {strconv.FormatInt(before.Version, 10)}})
		if !strings.Contains(a.at, "set=") || !strings.Contains(a.body, "Multan") || !strings.Contains(a.body, "no channel takes another address") || now().ShipCity != before.ShipCity {
			t.Fatalf("proposed, at %s: %s", a.at, a.body)
		}
		confirm := regexp.MustCompile(`action="([^"]+/confirm)"`).FindStringSubmatch(a.body)
		if confirm == nil {
			t.Fatalf("it cannot be confirmed: %s", a.body)
		}
		if p.post(t, confirm[1], nil); now().ShipCity != "Multan" {
			t.Errorf("confirmed, and it goes to %s", now().ShipCity)
		}

		a = p.post(t, at+"/change", url.Values{"city": {"Sialkot"}})
		if err := s.App.Order.HoldBy(t.Context(), id, 0, "test", "in between"); err != nil {
			t.Fatal(err)
		}
		if page := p.get(t, a.at).body; !strings.Contains(page, "has changed since") || strings.Contains(page, "/confirm") {
			t.Errorf("what was looked at is no more, and can be confirmed: %s", page)
		}

		line := now().Lines[0]
		if a := p.get(t, at+"/change?want-"+line.ID+"=99"); !strings.Contains(a.body, "Units cannot be added here") || strings.Contains(a.body, "Take these units out") {
			t.Errorf("more units: %s", a.body)
		}
		page := p.get(t, at+"/change?reason=pricing&want-"+line.ID+"=0")
		if !strings.Contains(page.body, "Take these units out") || now().Lines[0].Cancelled != line.Cancelled {
			t.Fatalf("the preview of fewer: %s", page.body)
		}
		form := url.Values{}
		for _, m := range regexp.MustCompile(`name="(version|reason|line-[^"]+)" value="([^"]+)"`).FindAllStringSubmatch(page.body, -1) {
			form.Set(m[1], m[2])
		}
		if p.post(t, at+"/cancel", form); now().Lines[0].Open != 0 || now().Lines[0].Cancelled != line.Ordered {
			t.Errorf("the line was not taken out: %+v", now().Lines[0])
		}

		many := orderOfTwo(t, s)
		for _, at := range []string{"/cancel?line-", "/change?want-"} {
			n := map[string]string{"/cancel?line-": "1", "/change?want-": strconv.FormatInt(many.Lines[0].Ordered-1, 10)}[at]
			if a := p.get(t, "/console/orders/"+many.ID+at+many.Lines[0].ID+"="+n); a.status != http.StatusOK || !strings.Contains(a.body, many.Lines[0].SKU+"</bdi> × <bdi>1</bdi>") {
				t.Errorf("a part of an order at %s: %d %s", at, a.status, a.body)
			}
		}

		picker := hire(t, s, access.Picker)
		if a := picker.get(t, at+"/change"); a.status != http.StatusForbidden {
			t.Errorf("a picker changes an order: %d", a.status)
		}
	})
}

// orderOfTwo is one whose first line is not all there is of it.
func orderOfTwo(t *testing.T, s *demo.Stage) (found order.View) {
	t.Helper()
	for _, h := range headsOf(t, s) {
		if h.State != order.Open || h.Units.Open < 2 || h.Units.Shipped > 0 {
			continue
		}
		read(t, s, func(tx *db.Tx) (err error) { found, err = s.App.Order.Get(tx, h.ID); return err })
		if found.Lines[0].Open > 0 && found.Lines[0].Ours() {
			return found
		}
	}
	t.Fatal("no order has more than one unit")
	return found
}

// TestCaseBulk says of each of several cases what came of it, and takes back what has an inverse.
func TestCaseBulk(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		trouble(t, s)
		p := enter(t, s, demo.StageEmail)
		var stale []exception.Row
		read(t, s, func(tx *db.Tx) (err error) {
			stale, _, err = exception.List(tx, exception.Filter{Cause: exception.StaleStatus}, "", 10)
			return err
		})
		get := func(id string) (row exception.Row) {
			read(t, s, func(tx *db.Tx) (err error) { row, err = exception.Get(tx, id); return err })
			return row
		}
		ask := func(what string, ids ...string) url.Values {
			return url.Values{"what": {what}, "cause": {exception.StaleStatus}, "id": ids}
		}
		back := func(a answer) url.Values {
			v := url.Values{"cause": {exception.StaleStatus}}
			for _, m := range regexp.MustCompile(`name="(id|what)" value="([^"]+)"`).FindAllStringSubmatch(a.body, -1) {
				v.Add(m[1], m[2])
			}
			return v
		}
		a := p.post(t, "/console/exceptions/bulk", ask("sleep", stale[0].ID, stale[1].ID, "no-such-case"))
		if !strings.Contains(a.body, "Done: 2 of 3") || !strings.Contains(a.body, "there is no exception no-such-case") || !get(stale[1].ID).SnoozedUntil.After(time.Now()) {
			t.Fatalf("put to sleep: %s", a.body)
		}
		if a := p.post(t, "/console/exceptions/bulk", back(a)); !strings.Contains(a.body, "Done: 2 of 2") || get(stale[1].ID).SnoozedUntil.After(time.Now()) {
			t.Errorf("not woken: %s", a.body)
		}
		p.post(t, "/console/exceptions/bulk", ask("accept", stale[0].ID))
		a = p.post(t, "/console/exceptions/bulk", ask("accept", stale[0].ID, stale[1].ID))
		if !strings.Contains(a.body, "Done: 1 of 2") || !strings.Contains(a.body, "this case is closed already") || get(stale[1].ID).State != exception.Resolved {
			t.Errorf("closed twice: %s", a.body)
		}
		if a := p.post(t, "/console/exceptions/bulk", back(a)); !strings.Contains(a.body, "Done: 1 of 1") || get(stale[1].ID).State != exception.Open || get(stale[0].ID).State != exception.Resolved {
			t.Errorf("not opened again: %s", a.body)
		}
	})
}

// TestPaperByAPI prints through the API what the pages print.
func TestPaperByAPI(t *testing.T) {
	t.Parallel()
	s := company(t, 12)
	made, _, err := s.App.Access.Create(t.Context(), access.System("test"), "printer", []access.Scope{access.Admin}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	p, key := visitor(s), made.Reveal()
	get := func(path string, headers ...string) answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v1"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		return p.do(t, req)
	}
	work := find(t, s).work
	isPDF(t, get("/fulfillment-orders/"+work+"/slip?lang=ur", "Authorization", "Bearer "+key), "a slip")
	if n := looked(t, s, "print a packing slip"); n != 1 {
		t.Errorf("%d readings are written down after one slip", n)
	}
	isPDF(t, get("/pick-list.pdf?location=PK-LHE-WH", "Authorization", "Bearer "+key), "a pick list")
	if a := get("/fulfillment-orders/none/slip", "Authorization", "Bearer "+key); a.status != http.StatusNotFound {
		t.Errorf("a slip of nothing: %d", a.status)
	}
	if a := get("/fulfillment-orders/" + work + "/slip"); a.status != http.StatusUnauthorized {
		t.Errorf("a stranger: %d", a.status)
	}
}
