package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/catalog"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/inventory"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/policy"
	"github.com/openclaw-pos/commerce/kernel/event"
	"github.com/openclaw-pos/commerce/kernel/stock"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// wanted is an item that several orders wait for at one location, with the location.
func wanted(t *testing.T, s *demo.Stage) (sku, variant, at string) {
	t.Helper()
	orders, units := map[inventory.At]int{}, map[inventory.At]int64{}
	read(t, s, func(tx *db.Tx) error {
		all, err := s.App.Inventory.Reservations(tx, inventory.ReservedFilter{}, "", 500)
		for _, r := range all {
			orders[inventory.At{Variant: r.Variant, Location: r.Location}]++
			units[inventory.At{Variant: r.Variant, Location: r.Location}] += r.Quantity
		}
		best := inventory.At{}
		for k, n := range orders {
			if n > orders[best] || n == orders[best] && k.Variant < best.Variant {
				best = k
			}
		}
		if orders[best] < 3 {
			t.Fatalf("no item is in three orders: %v", orders)
		}
		known, err2 := s.App.Catalog.ByID(tx, []string{best.Variant})
		for _, k := range known {
			sku = k.SKU
		}
		variant, at = best.Variant, best.Location
		if err == nil {
			err = err2
		}
		return err
	})
	return sku, variant, at
}

// flood leaves half of what is reserved of an item, wherever it lies.
func flood(t *testing.T, s *demo.Stage, variant string) {
	t.Helper()
	var counts []inventory.Counted
	read(t, s, func(tx *db.Tx) error {
		levels, err := s.App.Inventory.Levels(tx, inventory.LevelFilter{Variants: []string{variant}}, inventory.LevelKey{}, 100)
		for _, l := range levels {
			if l.Condition == stock.Sellable {
				counts = append(counts, inventory.Counted{Variant: variant, Location: l.Location, Condition: stock.Sellable, Quantity: l.Reserved / 2, RefID: "flood-" + l.Location})
			}
		}
		return err
	})
	if err := s.App.Inventory.Set(t.Context(), "test", counts); err != nil {
		t.Fatal(err)
	}
	settle(t, s)
}

// TestTriage has less of an item than was sold: who gets it is decided by a rule, shown first, then done; stock, work and holds agree afterwards.
func TestTriage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		sku, variant, _ := wanted(t, s)
		flood(t, s, variant)
		p := enter(t, s, demo.StageEmail)
		if a := p.get(t, "/console/shortages"); a.status != http.StatusOK || !strings.Contains(a.body, "sku="+sku) {
			t.Fatalf("the shortage is not listed: %d", a.status)
		}
		at := "/console/shortages?" + url.Values{"sku": {sku}, "rule": {"value"}}.Encode()
		page := p.get(t, at)
		sign := regexp.MustCompile(`name="sign" value="([^"]+)"`).FindStringSubmatch(page.body)
		if sign == nil || !strings.Contains(page.body, "gets more") || !strings.Contains(page.body, "gives units up") {
			t.Fatalf("the rule changes nothing: %s", page.body)
		}
		for role, may := range map[access.Role]bool{access.Picker: false, access.Auditor: false, access.Finance: false} {
			q := hire(t, s, role)
			if a := q.post(t, "/console/shortages", url.Values{"sku": {sku}, "rule": {"value"}, "sign": {sign[1]}}); (a.status == http.StatusForbidden) == may {
				t.Errorf("%s decides: %d", role, a.status)
			}
		}
		if a := p.post(t, "/console/shortages", url.Values{"sku": {sku}, "rule": {"value"}, "sign": {"another plan"}}); strings.Contains(a.body, "orders get more") {
			t.Error("a plan was done that nobody saw")
		}
		form := url.Values{"sku": {sku}, "rule": {"value"}, "sign": {sign[1]}}
		boxes := regexp.MustCompile(`name="cancel" value="([^"]+)"`).FindAllStringSubmatch(page.body, -1)
		if len(boxes) == 0 {
			t.Fatal("nobody is left without")
		}
		form.Set("cancel", html.UnescapeString(boxes[len(boxes)-1][1]))
		a := p.post(t, "/console/shortages", form)
		if !strings.Contains(a.body, "orders get more") || !strings.Contains(a.body, "1 are cancelled") {
			t.Fatalf("not done: %s", a.body)
		}
		settle(t, s)
		after := p.get(t, at)
		for again := 0; strings.Contains(after.body, "gets more"); again++ { // the day goes on: an order that waited for something else waits no more
			if again == 3 {
				t.Fatalf("the rule still changes something after it was applied: %s", after.body)
			}
			sign := regexp.MustCompile(`name="sign" value="([^"]+)"`).FindStringSubmatch(after.body)
			p.post(t, "/console/shortages", url.Values{"sku": {sku}, "rule": {"value"}, "sign": {sign[1]}})
			settle(t, s)
			after = p.get(t, at)
		}
		for _, page := range []string{after.body, page.body} { // whose order is worth most
			if _, rows, some := strings.Cut(page, "data-row"); some {
				served(t, s, variant, regexp.MustCompile(`/console/orders/([^"]+)"`).FindStringSubmatch(rows)[1])
				return
			}
		}
	})
}

// served holds that the order has its stock and nothing holds it for a shortage, that stock adds up, and that no location works on more than is reserved there.
func served(t *testing.T, s *demo.Stage, variant, id string) {
	t.Helper()
	if heldBy(t, s, id, order.HoldShortage) {
		t.Error("the order that goes first waits still")
	}
	read(t, s, func(tx *db.Tx) error {
		if wrong, err := s.App.Inventory.Verify(tx); err != nil || len(wrong) > 0 {
			t.Errorf("stock: %v %v", wrong, err)
		}
		all, err := s.App.Inventory.Reservations(tx, inventory.ReservedFilter{Variant: variant}, "", 500)
		if err != nil {
			return err
		}
		kept := map[[2]string]int64{}
		orders := map[string]bool{}
		for _, r := range all {
			kept[[2]string{r.HolderID, r.Location}] += r.Quantity
			orders[r.Order] = true
		}
		for o := range orders {
			works, err := s.App.Fulfillment.Of(tx, o)
			if err != nil {
				return err
			}
			for _, f := range works {
				switch f.State {
				case fulfillment.Moved, fulfillment.Rejected, fulfillment.Cancelled, fulfillment.HandedOver:
					continue
				}
				for _, l := range f.Lines {
					if l.Variant != variant {
						continue
					}
					if kept[[2]string{l.LineID, f.Location}] -= l.Quantity - l.Shipped; kept[[2]string{l.LineID, f.Location}] < 0 {
						t.Errorf("%s works on more than is reserved: %s", f.Number, f.State)
					}
				}
			}
		}
		return nil
	})
}

// TestTriageKit has kits and single items of one article compete: whom the channel makes pay most for cancelling comes first, and a kit gets what makes whole ones.
func TestTriageKit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		sku, variant, _ := wanted(t, s)
		var listings []catalog.Listing
		read(t, s, func(tx *db.Tx) (err error) {
			listings, err = s.App.Catalog.All(tx, "", catalog.IsMapped, "", 500)
			return err
		})
		save := func(tx *db.Tx) error {
			return s.App.Catalog.SaveProducts(tx, []catalog.NewProduct{{SKU: "KIT-1", Title: "Gift box", Parts: []event.Part{{SKU: sku, Quantity: 2}}}})
		}
		if err := s.App.DB.Write(t.Context(), save); err != nil {
			t.Fatal(err)
		}
		for _, l := range listings { // everything else that is sold from now on is the kit
			if l.Variant != variant {
				if err := s.App.Catalog.Unmap(t.Context(), l.ID, "test"); err != nil {
					t.Fatal(err)
				}
				if err := s.App.Catalog.Map(t.Context(), l.ID, "KIT-1", "test"); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.Sell(6); err != nil {
			t.Fatal(err)
		}
		settle(t, s)
		flood(t, s, variant)
		if err := s.App.Policy.Set(t.Context(), policy.Row{
			Name: "cancel_penalty.shopify", Value: "units > 0 && total >= amount ? 250 : 0", Unit: policy.Expr, From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), Source: "a contract", Confidence: "setting",
		}, "test"); err != nil {
			t.Fatal(err)
		}
		p := enter(t, s, demo.StageEmail)
		at := "/console/shortages?" + url.Values{"sku": {sku}, "rule": {"penalty"}}.Encode()
		page := p.get(t, at)
		for _, want := range []string{"Cancelling costs", "250.00"} {
			if !strings.Contains(page.body, want) {
				t.Errorf("%q is not shown: %s", want, page.body)
			}
		}
		sign := regexp.MustCompile(`name="sign" value="([^"]+)"`).FindStringSubmatch(page.body)
		if sign == nil {
			t.Fatalf("nothing is to be decided: %s", page.body)
		}
		if a := p.post(t, "/console/shortages", url.Values{"sku": {sku}, "rule": {"penalty"}, "sign": {sign[1]}}); !strings.Contains(a.body, "orders get more") {
			t.Fatalf("not done: %s", a.body)
		}
		settle(t, s)
		read(t, s, func(tx *db.Tx) error {
			if wrong, err := s.App.Inventory.Verify(tx); err != nil || len(wrong) > 0 {
				t.Errorf("stock: %v %v", wrong, err)
			}
			return nil
		})
	})
}
