package console_test

import (
	"cmp"
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

func TestFind(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		var all []order.Head
		read(t, s, func(tx *db.Tx) error {
			page, err := s.App.Order.List(tx, order.Filter{}, "", 500)
			all = page.Items
			return err
		})
		ends := map[string]int{}
		for _, o := range all {
			ends[o.Number[len(o.Number)-4:]]++
		}
		for _, o := range all {
			end := o.Number[len(o.Number)-4:]
			a := p.get(t, "/console/find?q="+end)
			if ends[end] == 1 && a.at != "/console/orders/"+o.ID || !strings.Contains(a.body, o.ID) {
				t.Errorf("%s is not found by %s: at %s", o.Number, end, a.at)
			}
		}
		if a := p.get(t, "/console/find?q=9999"); strings.Contains(a.body, "/console/orders/0") {
			t.Error("digits that no order ends in find one")
		}
	})
}

func TestBuyer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		x := find(t, s)
		var o order.View
		read(t, s, func(tx *db.Tx) (err error) { o, err = s.App.Order.Get(tx, x.order); return err })
		rec, err := s.App.Privacy.Read(t.Context(), o.Buyer, privacy.Reading{Actor: "test", Purpose: "a test"})
		if err != nil {
			t.Fatal(err)
		}
		phone := cmp.Or(rec.Person.Phone, rec.ShipTo.Phone)
		p := enter(t, s, demo.StageEmail)
		a := p.post(t, "/console/orders/buyer", url.Values{"buyer": {phone}, "country": {"PK"}})
		if a.status != http.StatusOK || !strings.Contains(a.body, "/console/orders/"+x.order) || strings.Contains(a.body, phone) {
			t.Errorf("by phone: %d %s", a.status, a.body)
		}
		if a := p.post(t, "/console/orders/buyer", url.Values{"buyer": {"nobody@example.com"}}); a.status != http.StatusOK || strings.Contains(a.body, x.order) {
			t.Errorf("by the address of nobody: %d", a.status)
		}
		if a := p.post(t, "/console/orders/buyer", url.Values{"buyer": {"x"}}); a.status != http.StatusUnprocessableEntity {
			t.Errorf("by nonsense: %d", a.status)
		}
		read(t, s, func(tx *db.Tx) error {
			rows, err := s.App.Audit.List(tx, audit.Filter{Action: "personal.find"}, 0, 10)
			if len(rows) != 2 {
				t.Errorf("%d of 2 looks are written down", len(rows))
			}
			return err
		})
		picker := hire(t, s, access.Picker)
		if a := picker.post(t, "/console/orders/buyer", url.Values{"buyer": {phone}, "country": {"PK"}}); a.status != http.StatusForbidden {
			t.Errorf("a picker looks for a buyer: %d", a.status)
		}
		if a := picker.get(t, "/console/orders"); strings.Contains(a.body, "/console/orders/buyer") {
			t.Error("a picker is shown the search for buyers")
		}
	})
}

func TestCSV(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		rows := func(path string) [][]string {
			t.Helper()
			a := p.get(t, path)
			if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
				t.Fatalf("%s: %d", path, a.status)
			}
			all, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		var all order.Page
		read(t, s, func(tx *db.Tx) (err error) { all, err = s.App.Order.List(tx, order.Filter{}, "", 500); return err })
		got := rows("/console/orders.csv")
		if len(got) != len(all.Items)+1 || got[1][0] != all.Items[0].Number {
			t.Errorf("%d rows of %d orders, the first is %v", len(got)-1, len(all.Items), got[1])
		}
		if got := rows("/console/orders.csv?number=" + url.QueryEscape(all.Items[3].Number)); len(got) != 2 || got[1][0] != all.Items[3].Number {
			t.Errorf("filtered: %v", got)
		}
	})
}
