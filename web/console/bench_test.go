package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// engraved sells something at pk-shop that a buyer had made their own, and answers its order and its work.
func engraved(t *testing.T, s *demo.Stage) (o order.View, f fulfillment.FO) {
	t.Helper()
	spec := s.Shop.Generate(77, 1)[0]
	spec.Lines = []shopify.LineSpec{{SKU: "OC-002", Quantity: 1, Attrs: map[string]string{"Engraving": "زینب for ever", "_app": "secret note"}}}
	spec.COD, spec.Test, spec.POS, spec.Payments, spec.Discount, spec.Tip, spec.Currency = false, false, false, nil, nil, "", ""
	placed, err := s.Shop.PlaceOrder(spec)
	if err != nil {
		t.Fatal(err)
	}
	var account string
	read(t, s, func(tx *db.Tx) error {
		all, err := s.App.Connect.Accounts(tx)
		for _, a := range all {
			if a.Channel == "shopify" {
				account = a.ID
			}
		}
		return err
	})
	if err := s.App.Connect.Want(t.Context(), account, placed.ID, "person"); err != nil {
		t.Fatal(err)
	}
	settle(t, s)
	read(t, s, func(tx *db.Tx) error {
		if o, err = s.App.Order.Get(tx, placed.ID); err != nil {
			return err
		}
		works, err := s.App.Fulfillment.Of(tx, o.ID)
		if len(works) != 1 {
			t.Fatalf("order %s has %d fulfillment orders", o.Number, len(works))
		}
		f = works[0]
		return err
	})
	return o, f
}

// looked counts readings of personal data for a purpose.
func looked(t *testing.T, s *demo.Stage, purpose string) (n int) {
	t.Helper()
	read(t, s, func(tx *db.Tx) error {
		rows, err := s.App.Audit.List(tx, audit.Filter{Action: "personal.read"}, 0, 1000)
		for _, r := range rows {
			if r.Purpose == purpose {
				n++
			}
		}
		return err
	})
	return n
}

func isPDF(t *testing.T, a answer, what string) {
	t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(a.body, "%PDF-") {
		t.Errorf("%s: %d %s %.40q", what, a.status, a.header.Get("Content-Type"), a.body)
	}
}

func TestPaper(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		o, f := engraved(t, s)
		owner := enter(t, s, demo.StageEmail)
		const print = "print a packing slip"
		isPDF(t, owner.get(t, "/console/work/"+f.ID+"/slip"), "a slip")
		isPDF(t, owner.get(t, "/console/work/"+f.ID+"/slip?lang=ur"), "a slip in Urdu")
		if n := looked(t, s, print); n != 2 {
			t.Errorf("%d readings are written down after two slips", n)
		}
		wave := owner.get(t, "/console/slips?step=pick&at=all")
		isPDF(t, wave, "the slips of a wave")
		if n := strings.Count(wave.body, "/Type /Page\n"); n < 20 || n > 25 {
			t.Errorf("a wave is %d slips", n)
		}
		two := owner.get(t, "/console/slips?id="+f.ID+"&id="+find(t, s).work)
		isPDF(t, two, "the slips that were selected")
		if n := strings.Count(two.body, "/Type /Page\n"); n != 2 {
			t.Errorf("two selected slips are %d pages", n)
		}
		isPDF(t, owner.get(t, "/console/picklist.pdf?at=PK-LHE-WH"), "a pick list")

		isPDF(t, hire(t, s, access.Picker).get(t, "/console/work/"+f.ID+"/slip"), "a picker's slip")
		finance := hire(t, s, access.Finance)
		for _, path := range []string{"/console/work/" + f.ID + "/slip", "/console/slips", "/console/picklist.pdf?at=PK-LHE-WH"} {
			if a := finance.get(t, path); a.status != http.StatusForbidden {
				t.Errorf("finance at %s: %d", path, a.status)
			}
		}
		if page := finance.get(t, "/console/orders/"+o.ID).body; strings.Contains(page, "/slip") || strings.Contains(page, "/personal") {
			t.Error("finance is shown what finance may not do")
		}
		elsewhere := karachi(t, s)
		for _, path := range []string{"/console/work/" + f.ID + "/slip", "/console/slips?id=" + f.ID, "/console/picklist.pdf?at=PK-LHE-WH"} {
			if a := elsewhere.get(t, path); a.status != http.StatusNotFound {
				t.Errorf("%s is printed by another branch: %d", path, a.status)
			}
		}
	})
}

// karachi hires the manager of a branch that has none of the work.
func karachi(t *testing.T, s *demo.Stage) *person {
	t.Helper()
	var here inventory.Location
	read(t, s, func(tx *db.Tx) (err error) { here, err = s.App.Inventory.LocationByCode(tx, "PK-KHI-01"); return err })
	if _, _, err := s.App.Users.Add(t.Context(), s.Owner.Caller(), access.NewUser{
		Email: "karachi@example.com", Name: "Karachi", Password: demo.StagePassword, Grants: []access.Grant{{Role: access.BranchManager, Area: access.Area{Locations: []string{here.ID}}}},
	}); err != nil {
		t.Fatal(err)
	}
	return enter(t, s, "karachi@example.com")
}

func TestWishes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		o, f := engraved(t, s)
		picker := hire(t, s, access.Picker)
		bench := picker.get(t, "/console/work/"+f.ID).body
		if !strings.Contains(bench, "/wishes") || strings.Contains(bench, "زینب") {
			t.Error("the bench does not say that something was asked, or says what")
		}
		bench = picker.post(t, "/console/work/"+f.ID+"/wishes", nil).body
		if !strings.Contains(bench, "زینب for ever") || strings.Contains(bench, "secret note") {
			t.Error("the bench does not show what was asked, or shows what no buyer was shown")
		}
		if n := looked(t, s, "pack what the buyer asked for"); n != 1 {
			t.Errorf("%d readings are written down", n)
		}
		if a := picker.post(t, "/console/orders/"+o.ID+"/personal", url.Values{"purpose": {"curious"}}); a.status != http.StatusForbidden {
			t.Errorf("a picker sees who bought it: %d", a.status)
		}
		owner := enter(t, s, demo.StageEmail)
		to := "/console/orders/" + o.ID
		if a := owner.post(t, to+"/personal", url.Values{"purpose": {""}}); strings.Contains(a.body, "زینب") {
			t.Error("the buyer is shown without a purpose")
		}
		page := owner.post(t, to+"/personal", url.Values{"purpose": {"Answer the buyer"}, "other": {"asks about the engraving"}}).body
		if !strings.Contains(page, "زینب for ever") || !strings.Contains(page, "asks about the engraving") || strings.Contains(page, "secret note") {
			t.Error("the buyer is not shown for a purpose")
		}
		if n := looked(t, s, "asks about the engraving"); n != 1 {
			t.Errorf("%d readings are written down with their purpose", n)
		}
		if strings.Contains(owner.get(t, to).body, "زینب") {
			t.Error("the page shows the buyer to whoever comes next")
		}
		if a := owner.get(t, to+"/events"); a.status != http.StatusOK || !strings.Contains(a.body, "Order created") {
			t.Errorf("events of an order: %d", a.status)
		}
	})
}

func TestShelf(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		var walk []fulfillment.PickLine
		var wh, lhe inventory.Location
		list := func() {
			read(t, s, func(tx *db.Tx) (err error) {
				if wh, err = s.App.Inventory.LocationByCode(tx, "PK-LHE-WH"); err != nil {
					return err
				}
				if lhe, err = s.App.Inventory.LocationByCode(tx, "PK-LHE-01"); err != nil {
					return err
				}
				walk, err = s.App.Fulfillment.PickList(tx, wh.ID, 100)
				return err
			})
		}
		list()
		last := walk[len(walk)-1].SKU
		a := p.post(t, "/console/stock/"+last+"/shelf", url.Values{"location": {"PK-LHE-WH"}, "shelf": {"A-01"}})
		if !strings.Contains(a.body, "The shelf is noted") {
			t.Errorf("a shelf is not noted: %d", a.status)
		}
		if list(); walk[0].SKU != last || walk[0].Shelf != "A-01" {
			t.Errorf("the walk begins with %s on %q", walk[0].SKU, walk[0].Shelf)
		}

		on := func(at inventory.Location) (n int64) {
			read(t, s, func(tx *db.Tx) error {
				g, err := s.App.Catalog.BySKU(tx, last)
				if err != nil {
					return err
				}
				levels, err := s.App.Inventory.Levels(tx, inventory.LevelFilter{Variants: []string{g.ID}, Location: at.ID}, inventory.LevelKey{}, 50)
				for _, l := range levels {
					if l.Condition == "sellable" {
						n = l.OnHand
					}
				}
				return err
			})
			return n
		}
		here, there := on(wh), on(lhe)
		for range 2 { // the same form, sent twice
			p.post(t, "/console/stock/"+last+"/move", url.Values{"from": {"PK-LHE-WH"}, "to": {"PK-LHE-01"}, "quantity": {"2"}, "reference": {"t-1"}})
		}
		if on(wh) != here-2 || on(lhe) != there {
			t.Errorf("after sending 2 once there are %d and %d", on(wh), on(lhe))
		}
		if !strings.Contains(p.get(t, "/console/stock/"+last).body, "t-1") {
			t.Error("what is on its way is not shown")
		}
		for range 2 {
			p.post(t, "/console/stock/"+last+"/arrived", url.Values{"transfer": {"t-1"}, "to": {"PK-LHE-01"}})
		}
		if on(lhe) != there+2 {
			t.Errorf("after arriving once there are %d", on(lhe))
		}
		p.post(t, "/console/stock/"+last+"/keep", url.Values{"location": {"PK-LHE-01"}, "quantity": {"3"}})
		if page := p.get(t, "/console/stock/"+last).body; !strings.Contains(page, `data-label="Safety"><bdi>3</bdi>`) {
			t.Error("safety stock is not kept")
		}
		if a := karachi(t, s).post(t, "/console/stock/"+last+"/move", url.Values{"from": {"PK-LHE-WH"}, "to": {"PK-KHI-01"}, "quantity": {"1"}}); !strings.Contains(a.body, "Nothing is found here") {
			t.Errorf("moved by another branch: %d", a.status)
		}
	})
}
