package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// long sells twenty lines with a wish of the buyer's own at pk-shop.
func long(t *testing.T, s *demo.Stage) (o order.View) {
	t.Helper()
	spec := s.Shop.Generate(78, 1)[0]
	spec.Lines = nil
	for range 20 {
		spec.Lines = append(spec.Lines, shopify.LineSpec{SKU: "OC-002", Quantity: 1, Attrs: map[string]string{"Engraving": "for Zubaida"}})
	}
	spec.Note, spec.Oversell = "ring at Naseem's door", true
	spec.COD, spec.Test, spec.POS, spec.Payments, spec.Discount, spec.Tip, spec.Currency = true, false, false, nil, nil, "", ""
	placed, err := s.Shop.PlaceOrder(spec)
	if err != nil {
		t.Fatal(err)
	}
	settle(t, s)
	read(t, s, func(tx *db.Tx) (err error) { o, err = s.App.Order.Get(tx, placed.ID); return err })
	return o
}

// throughPages goes through all pages of the values of an order, in every language, and answers how many there are.
func throughPages(t *testing.T, p *person, page string) (pages int) {
	t.Helper()
	for _, lang := range []string{"ar", "ur", "en"} {
		p.post(t, "/console/prefs", url.Values{"lang": {lang}})
		pages = 0
		for path := page; path != ""; pages++ {
			looksRight(t, p, lang, path)
			next := further.FindStringSubmatch(p.get(t, path).body)
			if path = ""; len(next) > 0 {
				path = strings.ReplaceAll(next[1], "&amp;", "&")
			}
		}
	}
	return pages
}

var further = regexp.MustCompile(`rel="next" href="([^"]+)"`)

var said = regexp.MustCompile(`<dt>(?:Name|Phone|E-mail)</dt><dd[^>]*>(?:<bdi[^>]*>)?([^<]+)<`)

func TestRaw(t *testing.T) {
	t.Parallel()
	s := company(t, 3)
	o := long(t, s)
	if _, err := s.App.Connect.Poll(t.Context(), o.Account); err != nil { // what the shop says when it is asked is the newest reading, also where its message was late
		t.Fatal(err)
	}
	settle(t, s)
	p := enter(t, s, demo.StageEmail)
	page, all := "/console/orders/"+o.ID+"/raw", "/console/orders/"+o.ID+"/raw?all=1"

	t.Run("nothing differs in what was just read", func(t *testing.T) {
		a := p.get(t, page)
		if !strings.Contains(a.body, "No difference: what the channel sent") || strings.Contains(a.body, `class="off"`) || !strings.Contains(a.body, "Only differences <bdi>0<") {
			t.Errorf("%s", a.body)
		}
	})
	t.Run("every value stands beside where it came from, on a small page", func(t *testing.T) {
		throughPages(t, p, all)
		a := p.get(t, all)
		for _, want := range []string{
			"<td>Unit price<td>", "<i>originalUnitPriceSet.presentmentMoney.amount</i>", "order.order.lineItems.nodes[12]", "<i>displayFinancialStatus</i> <b>PENDING</b>",
			"order.order.shippingAddress", "Raw fields that nothing reads", "<small>By rule</small>",
		} {
			if !strings.Contains(a.body, want) {
				t.Errorf("it does not say %s", want)
			}
		}
		if strings.Contains(a.body, "does not say where") || strings.Contains(a.body, "order.order.createdAt</bdi>") {
			t.Errorf("what is read is called unread: %s", a.body)
		}
	})
	t.Run("personal data is masked in what we hold and in what was sent", func(t *testing.T) {
		who := p.post(t, "/console/orders/"+o.ID+"/personal", url.Values{"purpose": {"the buyer asked"}})
		private := []string{"Zubaida", "Naseem", "Engraving"}
		for _, m := range said.FindAllStringSubmatch(who.body, -1) {
			private = append(private, m[1])
		}
		if len(private) < 5 {
			t.Fatalf("the page of who bought does not say who: %d %s", who.status, who.body)
		}
		for _, path := range []string{page, all} {
			body := p.get(t, path).body
			for _, secret := range private {
				if strings.Contains(body, secret) {
					t.Errorf("%s shows %q", path, secret)
				}
			}
		}
	})
	t.Run("what differs is marked, with what the reading is understood as, until it is imported again", func(t *testing.T) {
		write(t, s, func(tx *db.Tx) error { // as if an earlier version had read it wrongly
			_, err := tx.Exec(`update orders set origin = 'elsewhere', content_hash = 'earlier' where id = $1`, o.ID)
			return err
		})
		a := p.get(t, page)
		for _, want := range []string{`<tr class="off"><td>Where it was placed<td>elsewhere`, "<b>web</b>", "Understood today as", "Only differences <bdi>1<"} {
			if !strings.Contains(a.body, want) {
				t.Errorf("it does not say %s: %s", want, a.body)
			}
		}
		if strings.Contains(a.body, "Unit price") {
			t.Error("what does not differ is shown")
		}
		if a := p.post(t, "/console/orders/"+o.ID+"/replay", nil); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		settle(t, s)
		if a := p.get(t, page); !strings.Contains(a.body, "No difference") {
			t.Errorf("%s", a.body)
		}
	})
	t.Run("what the shop said by itself stands on small pages, too", func(t *testing.T) {
		if err := s.App.Connect.Pause(t.Context(), o.Account, "test", "nothing is read meanwhile"); err != nil {
			t.Fatal(err)
		}
		settle(t, s) // a reading that is under way
		write(t, s, func(tx *db.Tx) error {
			_, err := tx.Exec(`delete from inbox where account_id = $1 and external = $2 and source <> 'webhook'`, o.Account, o.External)
			return err
		})
		if n := throughPages(t, p, all); n < 2 {
			t.Errorf("%d pages", n)
		}
		if a := p.get(t, all); !strings.Contains(a.body, "<i>financial_status</i> <b>pending</b>") || strings.Contains(a.body, "Zubaida") || strings.Contains(a.body, "Naseem") {
			t.Errorf("%s", a.body)
		}
	})
}
