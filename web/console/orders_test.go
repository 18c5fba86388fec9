package console_test

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

var rowOfOrder = regexp.MustCompile(`<a class="main" href="/console/orders/([^"]+)"`)

// listed are the orders that a page of the list shows, in order.
func listed(t *testing.T, p *person, query string) (ids []string) {
	t.Helper()
	a := p.get(t, "/console/orders?"+query)
	if a.status != http.StatusOK {
		t.Fatalf("%s: %d %s", query, a.status, a.body)
	}
	for _, m := range rowOfOrder.FindAllStringSubmatch(a.body, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// headsOf are all orders there are.
func headsOf(t *testing.T, s *demo.Stage) (all []order.Head) {
	t.Helper()
	read(t, s, func(tx *db.Tx) error {
		page, err := s.App.Order.List(tx, order.Filter{}, "", 500)
		all = page.Items
		return err
	})
	return all
}

// TestOrderFilters narrows the list by each field there is, and compares with the orders that are meant.
func TestOrderFilters(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		trouble(t, s)
		p := enter(t, s, demo.StageEmail)
		all := headsOf(t, s)
		works, parcels, places := map[string][]fulfillment.FO{}, map[string]map[string]bool{}, map[string]string{}
		read(t, s, func(tx *db.Tx) error {
			for _, o := range all {
				var err error
				if works[o.ID], err = s.App.Fulfillment.Of(tx, o.ID); err != nil {
					return err
				}
				ps, err := s.App.Dispatch.Of(tx, o.ID)
				if err != nil {
					return err
				}
				parcels[o.ID] = map[string]bool{}
				for _, x := range ps {
					parcels[o.ID][x.State] = true
				}
			}
			ls, err := s.App.Inventory.Locations(tx)
			for _, l := range ls {
				places[l.ID] = l.Code
			}
			return err
		})
		at := func(o order.Head, code string) bool {
			for _, f := range works[o.ID] {
				if places[f.Location] == code && f.State != fulfillment.Moved && f.State != fulfillment.Rejected && f.State != fulfillment.Cancelled {
					return true
				}
			}
			return false
		}
		in := func(o order.Head, states ...string) bool {
			for _, f := range works[o.ID] {
				for _, x := range states {
					if f.State == x {
						return true
					}
				}
			}
			return false
		}
		now := time.Now()
		found := 0
		for query, want := range map[string]func(o order.Head) bool{
			"channel=shopify":    func(o order.Head) bool { return o.Channel == "shopify" },
			"country=PK":         func(o order.Head) bool { return o.Country == "PK" },
			"country=DE":         func(order.Head) bool { return false },
			"state=part_shipped": func(o order.Head) bool { return o.State == order.PartShipped },
			"pay=paid":           func(o order.Head) bool { return o.PayState == order.Paid },
			"carrier=issued":     func(o order.Head) bool { return parcels[o.ID]["issued"] },
			"carrier=lost":       func(o order.Head) bool { return parcels[o.ID]["lost"] },
			"hold=person": func(o order.Head) bool {
				return o.Holds > 0 && o.State == order.Open && heldBy(t, s, o.ID, order.HoldPerson)
			},
			"cod=yes":              func(o order.Head) bool { return o.COD },
			"cod=no&channel=daraz": func(o order.Head) bool { return !o.COD && o.Channel == "daraz" },
			"at=PK-LHE-WH":         func(o order.Head) bool { return at(o, "PK-LHE-WH") },
			"at=PK-LHE-01&cod=yes": func(o order.Head) bool { return at(o, "PK-LHE-01") && o.COD },
			"due=late":             func(o order.Head) bool { return o.Units.Open > 0 && !o.ShipBy.IsZero() && o.ShipBy.Before(now) },
			"due=day": func(o order.Head) bool {
				return o.Units.Open > 0 && o.ShipBy.After(now) && o.ShipBy.Before(now.Add(24*time.Hour))
			},
			"tab=pack":                          func(o order.Head) bool { return in(o, fulfillment.Picked) },
			"tab=handover":                      func(o order.Head) bool { return in(o, fulfillment.Packing) },
			"tab=review":                        func(o order.Head) bool { return o.State == order.Open && o.Holds > 0 },
			"currency=PKR&least=4000":           func(o order.Head) bool { return o.Currency == "PKR" && o.Sums.Total >= 400000 },
			"currency=PKR&least=1000&most=4000": func(o order.Head) bool { return o.Sums.Total >= 100000 && o.Sums.Total <= 400000 },
			"currency=USD":                      func(order.Head) bool { return false },
			"from=2100-01-01":                   func(order.Head) bool { return false },
			"to=2100-01-01T00:00":               func(order.Head) bool { return true },
		} {
			got := map[string]bool{}
			for _, id := range listed(t, p, query) {
				got[id] = true
			}
			for _, o := range all {
				if want(o) != got[o.ID] {
					t.Errorf("%s: %s (%s, %s, %s) is shown: %v", query, o.Number, o.Channel, o.State, o.PayState, got[o.ID])
				}
				if got[o.ID] {
					found++
				}
			}
		}
		if found < 50 {
			t.Errorf("only %d rows in all: the company has too little of everything", found)
		}
		for query, says := range map[string]string{"least=5": "in which currency", "currency=PKR&least=x": "not right", "from=yesterday": "a day and a time", "at=NOWHERE": "Nothing is found"} {
			if a := p.get(t, "/console/orders?"+query); a.status < 400 || a.status >= 500 || !strings.Contains(a.body, says) {
				t.Errorf("%s: %d", query, a.status)
			}
		}
		rows, err := csv.NewReader(strings.NewReader(p.get(t, "/console/orders.csv?at=PK-LHE-WH&cod=no").body)).ReadAll()
		if err != nil || len(rows)-1 != len(listed(t, p, "at=PK-LHE-WH&cod=no")) {
			t.Errorf("the table has %d rows: %v", len(rows)-1, err)
		}
	})
}

func heldBy(t *testing.T, s *demo.Stage, id string, kind order.HoldType) (is bool) {
	t.Helper()
	read(t, s, func(tx *db.Tx) error {
		o, err := s.App.Order.Get(tx, id)
		for _, h := range o.Held {
			is = is || h.Type == kind && h.Released.IsZero()
		}
		return err
	})
	return is
}

// TestViews keeps a list under a name, opens the page with it, and takes it away again, which can be undone.
func TestViews(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		a := p.post(t, "/console/views", url.Values{"page": {"orders"}, "name": {"Cash, late"}, "query": {"due=late&cod=yes&after=5_x&junk=1"}, "preferred": {"1"}})
		if a.at != "/console/orders?cod=yes&due=late" || !strings.Contains(a.body, "Cash, late") {
			t.Fatalf("kept, and at %s", a.at)
		}
		if a := p.get(t, "/console/orders"); a.at != "/console/orders?cod=yes&due=late" {
			t.Errorf("the page opens at %s", a.at)
		}
		if a := p.get(t, "/console/orders?tab=all"); a.at != "/console/orders?tab=all" {
			t.Errorf("all of them are at %s", a.at)
		}
		id := regexp.MustCompile(`/console/views/([^/"]+)/delete`).FindStringSubmatch(p.get(t, "/console/orders").body)[1]
		other := hire(t, s, access.Support)
		if a := other.get(t, "/console/orders"); strings.Contains(a.body, "Cash, late") {
			t.Error("somebody else sees it")
		}
		if a := other.post(t, "/console/views/"+id+"/delete", nil); strings.Contains(a.body, "is deleted") {
			t.Error("somebody else deletes it")
		}
		if a := p.post(t, "/console/views/"+id+"/rename", url.Values{"name": {"Cash"}}); !strings.Contains(a.body, "Saved") {
			t.Errorf("not renamed: %s", a.body)
		}
		if a := p.post(t, "/console/views/"+id+"/delete", nil); !strings.Contains(a.body, "Cash is deleted") || !strings.Contains(a.body, `value="cod=yes&amp;due=late"`) {
			t.Errorf("no word and no undo: %s", a.body)
		}
		if a := p.get(t, "/console/orders"); a.at != "/console/orders" {
			t.Errorf("after it was deleted the page opens at %s", a.at)
		}
	})
}

// TestBulk shows what would happen to each order, does it to those that nobody changed meanwhile, and takes it back.
func TestBulk(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		open := listed(t, p, "state=open")[:3]
		if err := s.App.Order.HoldBy(t.Context(), open[2], 0, "test", "already"); err != nil {
			t.Fatal(err)
		}
		ask := url.Values{"do": {"hold"}, "id": open}
		page := p.get(t, "/console/orders/bulk?"+ask.Encode())
		if page.status != http.StatusOK || !strings.Contains(page.body, "2 of 3 can be done") || !strings.Contains(page.body, "it is on hold already") {
			t.Fatalf("the preview: %d %s", page.status, page.body)
		}
		if heldBy(t, s, open[0], order.HoldPerson) {
			t.Fatal("a preview did it")
		}
		form := url.Values{"do": {"hold"}, "reason": {"count the stock first"}}
		for _, m := range regexp.MustCompile(`name="(v-[^"]+)" value="(\d+)"`).FindAllStringSubmatch(page.body, -1) {
			form.Set(m[1], m[2])
			form.Add("id", strings.TrimPrefix(m[1], "v-"))
		}
		if err := s.App.Order.HoldBy(t.Context(), open[1], 0, "test", "in between"); err != nil {
			t.Fatal(err)
		}
		done := p.post(t, "/console/orders/bulk", form)
		if !strings.Contains(done.body, "Done: 1 of 2") || !strings.Contains(done.body, "somebody changed it meanwhile") || !heldBy(t, s, open[0], order.HoldPerson) {
			t.Fatalf("what came of it: %s", done.body)
		}
		back := url.Values{"do": {"release"}}
		for _, m := range regexp.MustCompile(`name="(id|v-[^"]+)" value="([^"]+)"`).FindAllStringSubmatch(done.body, -1) {
			back.Add(m[1], m[2])
		}
		if a := p.post(t, "/console/orders/bulk", back); !strings.Contains(a.body, "Done: 1 of 1") || heldBy(t, s, open[0], order.HoldPerson) {
			t.Errorf("not taken back: %s", a.body)
		}
		cut := url.Values{"do": {"cancel"}, "id": {open[0]}, "reason": {"pricing"}}
		if a := p.get(t, "/console/orders/bulk?"+cut.Encode()); !strings.Contains(a.body, "units are cancelled") {
			t.Errorf("the preview of a cancellation: %s", a.body)
		}
		if a := p.post(t, "/console/orders/bulk", cut); !strings.Contains(a.body, "Done: 1 of 1") {
			t.Errorf("not cancelled: %s", a.body)
		}
		read(t, s, func(tx *db.Tx) error {
			o, err := s.App.Order.Get(tx, open[0])
			if o.Units.Open != 0 {
				t.Errorf("%d units are open", o.Units.Open)
			}
			return err
		})
	})
}

// TestBulkMove sends orders from elsewhere, and has their work accepted.
func TestBulkMove(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		fresh := listed(t, p, "tab=pick&at=PK-LHE-WH")[:4]
		var to string
		read(t, s, func(tx *db.Tx) error {
			l, err := s.App.Inventory.LocationByCode(tx, "PK-LHE-01")
			to = l.ID
			return err
		})
		ask := url.Values{"do": {"source"}, "id": fresh, "location": {to}}
		page := p.get(t, "/console/orders/bulk?"+ask.Encode())
		form, can := url.Values{"do": {"source"}, "location": {to}}, 0
		for _, m := range regexp.MustCompile(`name="(v-[^"]+)" value="(\d+)"`).FindAllStringSubmatch(page.body, -1) {
			form.Set(m[1], m[2])
			form.Add("id", strings.TrimPrefix(m[1], "v-"))
			can++
		}
		if can == 0 {
			t.Fatalf("none can go there: %s", page.body)
		}
		a := p.post(t, "/console/orders/bulk", form)
		if !strings.Contains(a.body, "Done: "+strconv.Itoa(can)+" of "+strconv.Itoa(can)) {
			t.Errorf("what was shown as possible is not done: %s", a.body)
		}
		a = p.post(t, "/console/orders/bulk", url.Values{"do": {"accept"}, "id": form["id"]})
		if !strings.Contains(a.body, "Done: "+strconv.Itoa(can)+" of "+strconv.Itoa(can)) {
			t.Errorf("not accepted: %s", a.body)
		}
		for role, may := range map[access.Role]bool{access.Picker: false, access.Auditor: false, access.Support: true} {
			q := hire(t, s, role)
			list := q.get(t, "/console/orders").body
			a := q.post(t, "/console/orders/bulk", url.Values{"do": {"hold"}, "reason": {"x"}, "id": {fresh[0]}})
			if strings.Contains(list, "/console/orders/bulk") != may || (a.status == http.StatusForbidden) == may {
				t.Errorf("%s: shown %v, %d", role, strings.Contains(list, "/console/orders/bulk"), a.status)
			}
			if role == access.Support { // may edit orders, and not decide where they are sent from
				if strings.Contains(list, `value="source"`) || q.post(t, "/console/orders/bulk", url.Values{"do": {"source"}, "location": {to}, "id": {fresh[0]}}).status != http.StatusForbidden {
					t.Error("support may move work")
				}
			}
		}
	})
}

// TestFullList holds that a full page of orders stays small.
func TestFullList(t *testing.T) {
	t.Parallel()
	s := company(t, 60)
	p := enter(t, s, demo.StageEmail)
	for _, lang := range []string{"en", "ur", "ar"} {
		p.post(t, "/console/prefs", url.Values{"lang": {lang}})
		if n := len(rowOfOrder.FindAllString(p.get(t, "/console/orders?oldest=1").body, -1)); n != 50 {
			t.Fatalf("%d rows", n)
		}
		if a := p.get(t, "/console/orders?oldest=1"); len(a.body) > 60_000 {
			t.Errorf("%s: %d bytes", lang, len(a.body))
		}
	}
}
