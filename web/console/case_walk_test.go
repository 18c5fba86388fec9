package console_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/payment"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/platform/outbox"
	"github.com/openclaw-pos/commerce/platform/privacy"
	"github.com/openclaw-pos/commerce/platform/vault"
	"github.com/openclaw-pos/commerce/sim/shopify"
)

// clerk is somebody who has never seen the console, and what goes wrong in the company they came to.
type clerk struct {
	*person
	t       *testing.T
	s       *demo.Stage
	some    some
	account string // pk-shop
	sold    uint64
	guide   map[string]string // docs/console.md by the title of a cause
}

// walk is one cause: how it comes about, what its page suggests first, and what is seen when that is done.
type walk struct {
	cause string
	raise func(c *clerk) exception.Case // without a cause: it was raised by whatever happened
	first string                        // what is suggested first
	shows string                        // what is seen then: where a link leads, or what is said
	then  string                        // what closes the case, when the first step does not
	open  bool                          // it closes later, when what was begun has come to its end
}

// walks are all causes. What a shop, a courier or a person can bring about here happens; of the others the case is raised as its context raises it.
var walks = []walk{
	{exception.Undecodable, (*clerk).unread, "Try to read it again", "The message is read again", "", false},
	{exception.FutureVersion, (*clerk).tooNew, "Read the order again from the channel", "It is being read from the channel again", "as_received", false},
	{exception.StaleStatus, about(exception.StaleStatus, "order"), "Read the order again from the channel", "It is being read from the channel again", "accept", false},
	{exception.ContradictingStatus, (*clerk).tooEarly, "Read the order again from the channel", "It is being read from the channel again", "accept", false},
	{exception.UnmappedSKU, (*clerk).unmapped, "Link the listing to a SKU", "NOBODY-1", "", true},
	{exception.MoneyMismatch, about(exception.MoneyMismatch, "order"), "Look at the order", "What can be done", "", true},
	{exception.SecondCurrency, about(exception.SecondCurrency, "order"), "Look at the order", "What can be done", "", true},
	{exception.CurrencyChanged, about(exception.CurrencyChanged, "inbox"), "Look at the order", "What can be done", "", true},
	{exception.AddressIncomplete, (*clerk).nowhere, "Complete the address", `name="city"`, "", true},
	{exception.Shortage, nil, "See where the stock is", "Where it is", "", true},
	{exception.PushRefused, nil, "Send it again", "Our numbers are sent again", "", false},
	{exception.NoLocation, about(exception.NoLocation, "order"), "See why each location was turned down", "is sent from", "", true},
	{exception.FulfillmentRejected, about(exception.FulfillmentRejected, "fulfillment"), "Choose another location", "is sent from", "", true},
	{exception.CancelRequest, (*clerk).regret, "Accept: cancel the order", "The order is cancelled; the channel is told", "", false},
	{exception.ChangeAfterPack, (*clerk).moved, "Look at the order", "Pick, pack and ship", "", true},
	{exception.CourierRefused, (*clerk).unserved, "Ask for a waybill again, from this courier or another one", "A waybill is asked for again", "", true},
	{exception.OutcomeUnknown, (*clerk).doubted, "It happened", "Noted: it has happened", "", false},
	{exception.PrivacyRequest, (*clerk).wishes, "Export what is kept", `"orders"`, "", false},
	{exception.Restored, about(exception.Restored, "backup"), "Accept it as it is", "The case is closed", "", false},
	{exception.AccessEnding, about(exception.AccessEnding, "account"), "Enter or renew the credentials", `id="credentials"`, "", true},
	{exception.DuplicateShop, about(exception.DuplicateShop, "account"), "Look at the accounts", "pk-shop", "", true},
	{exception.EventParked, about(exception.EventParked, "consumer"), "Try again now", "Events that a part of the system could not take", "", true},
	{exception.PriceHeld, (*clerk).held, "Send it", "The price is sent", "", false},
	{exception.StockDrift, about(exception.StockDrift, "account"), "Send our number again", "Our numbers are sent again", "", false},
	{exception.NegativeStock, (*clerk).negative, "Count and correct", "Set what was counted", "", true},
	{exception.StaleLocation, about(exception.StaleLocation, "location"), "Load the stock in full", "Imports", "heard", true},
	{exception.ReturnWaiting, (*clerk).asked, "Approve", "/decide/approve", "", true},
	{exception.RefundOverCaptured, about(exception.RefundOverCaptured, "refund"), "Look at the order", "What can be done", "accept", false},
	{exception.RefundRefused, (*clerk).unpaid, "Try it again", "It is tried again", "", true},
	{exception.CashShort, (*clerk).short, "The rest has come", "Noted: the cash has come", "", false},
	{exception.OrderMissing, (*clerk).missing, "Read the order again from the channel", "It is being read from the channel again", "accept", false},
	{exception.SubscriberFailing, (*clerk).gone, "Send what was given up again", "/resume", "", true},
	// What comes last leaves something on its way: nothing settles after it.
	{exception.DeliveryFailed, (*clerk).failed, "See what the courier says", "Pick, pack and ship", "attempt", false},
	{exception.DeadJob, (*clerk).dead, "Try again", "The task is tried again", "", false},
	{exception.AccountUnauthorized, (*clerk).revoked, "Enter or renew the credentials", `id="credentials"`, "", true},
}

// kinds are what cases of some causes are about as well: their pages offer other things.
var kinds = map[string][]string{
	exception.ContradictingStatus: {"order", "return", "tell"}, exception.PushRefused: {"tell", "price", "shipment", "return"}, exception.OutcomeUnknown: {"tell", "refund", "cart"},
	exception.ChangeAfterPack: {"parcel"}, exception.CashShort: {"order"}, exception.OrderMissing: {"return"}, exception.StaleLocation: {"core"},
}

// TestWalkThrough holds that a case of every cause can be dealt with by who opens its page for the first time: what is suggested first leads where it says, and
// docs/console.md says of every cause what its page offers.
func TestWalkThrough(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		c := arrive(t, s)
		seen := map[string]bool{}
		for _, w := range walks {
			seen[w.cause] = true
			t.Run(w.cause, func(t *testing.T) {
				c.t = t
				c.walk(w)
				for _, kind := range kinds[w.cause] {
					c.open(w.cause, about(w.cause, kind)(c))
				}
			})
		}
		for _, cause := range exception.Causes {
			if !seen[cause.Name] {
				t.Errorf("nobody walks through %s", cause.Name)
			}
		}
	})
}

// arrive opens a company in which much has happened.
func arrive(t *testing.T, s *demo.Stage) *clerk {
	t.Helper()
	c := &clerk{t: t, s: s, account: "", guide: guide(t)}
	if err := s.Back(t.Context()); err != nil {
		t.Fatal(err)
	}
	sku, err := s.Short(t.Context())
	if err == nil {
		err = s.CampaignOver(sku)
	}
	if err != nil {
		t.Fatal(err)
	}
	read(t, s, func(tx *db.Tx) error {
		a, err := s.App.Connect.Account(tx, "pk-shop")
		c.account = a.ID
		return err
	})
	c.some, c.person = find(t, s), enter(t, s, demo.StageEmail)
	return c
}

var (
	steps  = regexp.MustCompile(`(?s)<div class="steps">(.*?)</div>`)
	offer  = regexp.MustCompile(`(?s)<form method="post" action="([^"]+)">(.*?)<button[^>]*>([^<]+)</button></form>|<a class="button[^"]*" href="([^"]+)">([^<]+)</a>`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
	named  = regexp.MustCompile(`\*([^*]+)\*`)
)

// offered is a button or a link of a case's page.
type offered struct {
	title, path string
	form        url.Values // nil for a link
}

// walk does what the page of a case suggests.
func (c *clerk) walk(w walk) {
	c.t.Helper()
	var k exception.Case
	if w.raise != nil {
		k = w.raise(c)
	}
	id, all := c.open(w.cause, k)
	if len(all) == 0 || all[0].title != w.first {
		c.t.Fatalf("suggested first is %v, not %q", all, w.first)
	}
	first := all[0]
	var a answer
	if first.form == nil {
		a = c.get(c.t, strings.Split(first.path, "#")[0])
	} else {
		a = c.post(c.t, first.path, first.form)
	}
	if a.status != http.StatusOK || !strings.Contains(html.UnescapeString(a.body), w.shows) {
		c.t.Errorf("%s: %d at %s, and nothing of %q: %s", w.first, a.status, a.at, w.shows, main(a.body))
	}
	if w.then != "" {
		if a := c.post(c.t, "/console/exceptions/"+id+"/do", url.Values{"what": {w.then}}); a.status != http.StatusOK {
			c.t.Errorf("%s: %d %s", w.then, a.status, main(a.body))
		}
	}
	if !w.open {
		read(c.t, c.s, func(tx *db.Tx) error {
			row, err := exception.Get(tx, id)
			if err == nil && row.State != exception.Resolved {
				c.t.Errorf("the case is %s: %s", row.State, main(c.get(c.t, "/console/exceptions/"+id).body))
			}
			return err
		})
	}
}

// open opens the page of a case, holds that it explains itself and that the guide knows everything on it, and answers what it offers.
func (c *clerk) open(cause string, k exception.Case) (id string, all []offered) {
	c.t.Helper()
	if k.Cause != "" {
		write(c.t, c.s, func(tx *db.Tx) error { return exception.Raise(tx, k) })
	}
	read(c.t, c.s, func(tx *db.Tx) error {
		found, _, err := exception.List(tx, exception.Filter{Cause: cause, SubjectKind: k.SubjectKind, Snoozed: true}, "", 200)
		for _, row := range found {
			if k.Subject == "" || row.Subject == k.Subject {
				id = row.ID
			}
		}
		return err
	})
	if id == "" {
		c.t.Fatalf("no case of %s is open", cause)
	}
	known, _ := exception.CauseOf(cause)
	a := c.get(c.t, "/console/exceptions/"+id)
	text := html.UnescapeString(a.body)
	for _, says := range []string{known.Title, known.Explain, known.Resolves} {
		if a.status != http.StatusOK || !strings.Contains(text, says) {
			c.t.Errorf("the page of %s: %d, and it does not say %q", cause, a.status, says)
		}
	}
	for _, m := range offer.FindAllStringSubmatch(steps.FindString(a.body), -1) {
		o := offered{title: html.UnescapeString(m[3] + m[5]), path: html.UnescapeString(m[1] + m[4])}
		if m[1] != "" {
			o.form = url.Values{}
			for _, h := range hidden.FindAllStringSubmatch(m[2], -1) {
				o.form.Set(h[1], html.UnescapeString(h[2]))
			}
		}
		all = append(all, o)
		if !strings.Contains(c.guide[known.Title], "*"+o.title+"*") {
			c.t.Errorf("docs/console.md does not say of %q what *%s* does", known.Title, o.title)
		}
	}
	return id, all
}

// guide is what docs/console.md says of each cause, by its title. Whatever it names is on some page.
func guide(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/console.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	files, err := filepath.Glob("lang/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		var phrases map[string]json.RawMessage
		b, err := os.ReadFile(f)
		if err == nil {
			err = json.Unmarshal(b, &phrases)
		}
		if err != nil {
			t.Fatal(err)
		}
		for p := range phrases {
			said[p] = true
		}
	}
	all := map[string]string{}
	for _, part := range strings.Split(string(text), "\n### ")[1:] {
		title, body, _ := strings.Cut(part, "\n")
		body, _, _ = strings.Cut(body, "\n## ")
		all[title] = body
	}
	for _, c := range exception.Causes {
		if all[c.Title] == "" {
			t.Errorf("docs/console.md does not speak of %q", c.Title)
		}
		steps := named.FindAllStringSubmatch(all[c.Title], -1)
		if len(steps) == 0 {
			t.Errorf("docs/console.md names no step of %q", c.Title)
		}
		for _, m := range steps {
			if !said[m[1]] {
				t.Errorf("docs/console.md says of %q what no page says: *%s*", c.Title, m[1])
			}
		}
	}
	return all
}

// main is what a page says, for whoever reads why a test failed.
func main(body string) string {
	_, body, _ = strings.Cut(body, "<main")
	return body[:min(len(body), 2500)]
}

// about is a case as its context raises it, of things that exist.
func about(cause, kind string) func(c *clerk) exception.Case {
	return func(c *clerk) exception.Case {
		k := exception.Case{Cause: cause, SubjectKind: kind, Subject: "of a test", Order: c.some.order, Account: c.account}
		switch kind {
		case "order", "parcel":
			k.Subject = k.Order
		case "account":
			k.Subject, k.Order = k.Account, ""
		case "fulfillment":
			k.Subject = c.some.work
		case "backup", "core", "consumer", "cart":
			k.Order, k.Account = "", ""
		case "location":
			read(c.t, c.s, func(tx *db.Tx) error {
				l, err := c.s.App.Inventory.LocationByCode(tx, "PK-KHI-01")
				k.Subject, k.Location, k.Order, k.Account = l.ID, l.ID, "", ""
				return err
			})
		}
		return k
	}
}

// until waits for what the machinery does by itself.
func (c *clerk) until(what string, cause string) {
	c.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		var found []exception.Row
		read(c.t, c.s, func(tx *db.Tx) (err error) {
			found, _, err = exception.List(tx, exception.Filter{Cause: cause}, "", 1)
			return err
		})
		if len(found) > 0 {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("waited until %s", what)
		}
		select {
		case <-c.t.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stuck has a message of the channel wait for a person.
func (c *clerk) stuck(cause string) exception.Case {
	c.t.Helper()
	settle(c.t, c.s) // what is being read would take the place of what is stuck
	var id string
	write(c.t, c.s, func(tx *db.Tx) (err error) {
		id, err = db.One(tx, func(row db.Scanner) (id string, err error) { return id, row.Scan(&id) },
			`update inbox set state = 'stuck', cause = $2 where id = (select max(id) from inbox where account_id = $1 and state = 'done' and sealed is not null) returning id`, c.account, cause+": of a test")
		return err
	})
	return exception.Case{Cause: cause, SubjectKind: "inbox", Subject: id, Account: c.account, Detail: map[string]string{"external": "1", "reason": "of a test"}}
}

func (c *clerk) unread() exception.Case { return c.stuck(exception.Undecodable) }
func (c *clerk) tooNew() exception.Case { return c.stuck(exception.FutureVersion) }

// place has somebody buy at pk-shop.
func (c *clerk) place(change func(spec *shopify.OrderSpec)) {
	c.t.Helper()
	c.sold++
	spec := c.s.Shop.Generate(1000+c.sold, 1)[0]
	spec.Lines = []shopify.LineSpec{{SKU: "OC-002", Quantity: 1}}
	spec.COD, spec.Test, spec.POS, spec.Payments, spec.Discount, spec.Tip, spec.Currency, spec.Location = false, false, false, nil, nil, "", "", ""
	change(&spec)
	if _, err := c.s.Shop.PlaceOrder(spec); err != nil {
		c.t.Fatal(err)
	}
	settle(c.t, c.s)
}

func (c *clerk) unmapped() (k exception.Case) {
	if _, err := c.s.Shop.AddProduct(shopify.ProductSpec{SKU: "NOBODY-1", Title: "Nobody knows it", Price: "950.00", Stock: map[string]int{"PK-LHE-WH": 5}, Grams: 300}); err != nil {
		c.t.Fatal(err)
	}
	c.place(func(s *shopify.OrderSpec) { s.Lines = []shopify.LineSpec{{SKU: "NOBODY-1", Quantity: 1}} })
	return k
}

func (c *clerk) nowhere() (k exception.Case) {
	c.place(func(s *shopify.OrderSpec) { s.Shipping.City, s.Shipping.Address1 = "", "" })
	return k
}

func (c *clerk) regret() (k exception.Case) {
	if err := c.s.Regret(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	return k
}

// packed packs an order of pk-shop that nobody has touched.
func (c *clerk) packed(fits func(order.Head) bool) (o order.Head, parcel dispatch.Shipment) {
	c.t.Helper()
	f := c.s.App.Fulfillment
	var work fulfillment.FO
	read(c.t, c.s, func(tx *db.Tx) error {
		page, err := f.List(tx, fulfillment.Filter{States: []string{fulfillment.Fresh}}, "", 100)
		for _, w := range page.Items {
			heads, err := c.s.App.Order.Heads(tx, []string{w.OrderID}, false)
			if err != nil {
				return err
			}
			if h := heads[w.OrderID]; h.Account == c.account && h.Holds == 0 && fits(h) {
				work, o = w, h
			}
		}
		return err
	})
	if work.ID == "" {
		c.t.Fatal("nobody has an order to pack")
	}
	for _, l := range work.Lines {
		if _, err := f.Pick(c.t.Context(), work.ID, 0, "test", fulfillment.Scan{ID: l.ID, Code: l.SKU, Quantity: l.Quantity}); err != nil {
			c.t.Fatal(err)
		}
	}
	if _, err := f.Pack(c.t.Context(), work.ID, 0, "test", nil); err != nil {
		c.t.Fatal(err)
	}
	settle(c.t, c.s)
	read(c.t, c.s, func(tx *db.Tx) error {
		all, err := c.s.App.Dispatch.Of(tx, o.ID)
		parcel = all[len(all)-1]
		return err
	})
	return o, parcel
}

func anybody(order.Head) bool { return true }

// scanned is what the courier says of a parcel.
func (c *clerk) scanned(parcel dispatch.Shipment, what courier.Status) {
	c.t.Helper()
	write(c.t, c.s, func(tx *db.Tx) error {
		at := tx.Now.Add(time.Second)
		_, err := c.s.App.Dispatch.Scan(tx, []dispatch.ScanFact{{Shipment: parcel.ID, Source: dispatch.BySeller, Actor: "test", Scan: courier.Scan{Status: what, Raw: string(what), At: at, RawAt: at.Format(time.RFC3339)}}})
		return err
	})
}

// out hands a parcel over.
func (c *clerk) out(parcel dispatch.Shipment) {
	c.t.Helper()
	if _, err := c.s.App.Dispatch.HandOver(c.t.Context(), parcel.ID, "test", c.s.App.DB.Now()); err != nil {
		c.t.Fatal(err)
	}
}

func (c *clerk) tooEarly() (k exception.Case) {
	_, parcel := c.packed(anybody)
	c.scanned(parcel, courier.Delivered)
	return k
}

func (c *clerk) failed() (k exception.Case) {
	c.place(func(*shopify.OrderSpec) {})
	_, parcel := c.packed(anybody)
	c.out(parcel)
	c.scanned(parcel, courier.Attempted)
	return k
}

func (c *clerk) moved() (k exception.Case) {
	o, _ := c.packed(anybody)
	if err := c.s.Shop.ChangeAddress(o.External, shopify.Address{FirstName: "Sana", LastName: "Malik", Address1: "12-B, Model Town", City: "Lahore", Province: "Punjab", ProvinceCode: "PB", Zip: "54000", Country: "PK", Phone: "+92 300 7654321"}); err != nil {
		c.t.Fatal(err)
	}
	settle(c.t, c.s)
	return k
}

func (c *clerk) unserved() (k exception.Case) {
	c.place(func(s *shopify.OrderSpec) { s.Shipping.City = "Atlantis" })
	c.packed(func(h order.Head) bool { return h.ShipCity == "Atlantis" })
	return k
}

// job leaves a task in a state in which it waits for a person.
func (c *clerk) job(state, cause string) exception.Case {
	c.t.Helper()
	id := db.ID()
	write(c.t, c.s, func(tx *db.Tx) error {
		if err := jobs.Enqueue(tx, jobs.Job{ID: id, Kind: "test.nobody", Payload: map[string]int{"n": 1}, RunAt: tx.Now.AddDate(1, 0, 0)}); err != nil {
			return err
		}
		_, err := tx.Exec(`update jobs set state = $2, uncertain = $3, finished_at = $4 where id = $1`, id, state, state == "unknown", db.Micros(tx.Now))
		return err
	})
	return exception.Case{Cause: cause, SubjectKind: "job", Subject: id, Detail: map[string]any{"kind": "test.nobody", "attempts": 20, "error": "of a test"}}
}

func (c *clerk) doubted() exception.Case { return c.job("unknown", exception.OutcomeUnknown) }
func (c *clerk) dead() exception.Case    { return c.job("dead", exception.DeadJob) }

func (c *clerk) wishes() (k exception.Case) {
	write(c.t, c.s, func(tx *db.Tx) error {
		o, err := c.s.App.Order.Get(tx, c.some.order)
		if err != nil {
			return err
		}
		k = exception.Case{Cause: exception.PrivacyRequest, SubjectKind: "privacy", Account: o.Account, Detail: map[string]string{"request": "export", "subject": "7"}}
		k.Subject, err = c.s.App.Privacy.Ask(tx, privacy.Request{Account: o.Account, Kind: "export", Subject: "7", Orders: []string{o.External}, DueAt: tx.Now.AddDate(0, 1, 0)})
		return err
	})
	return k
}

func (c *clerk) held() (k exception.Case) {
	write(c.t, c.s, func(tx *db.Tx) error {
		all, err := c.s.App.Catalog.All(tx, c.account, "mapped", "", 1)
		if err != nil {
			return err
		}
		l := all[0]
		k = exception.Case{Cause: exception.PriceHeld, SubjectKind: "listing", Subject: l.ID, Account: c.account, Detail: map[string]any{"sku": l.Ref.SKU, "reason": "a price of nothing"}}
		_, err = tx.Exec(`insert into channel_prices (account_id, listing_id, variant_id, wanted, currency, state, attempts, next_at, updated_at, version) values ($1, $2, $3, 0, 'PKR', 'held', 0, 0, $4, 1)
			on conflict (account_id, listing_id) do update set state = 'held'`, c.account, l.ID, l.Variant, db.Micros(tx.Now))
		return err
	})
	return k
}

func (c *clerk) negative() (k exception.Case) {
	if err := c.s.App.API.Do(c.t.Context(), c.s.Owner.Caller(), http.MethodPost, "/stock/adjust", "", map[string]any{"sku": "OC-003", "location": "PK-KHI-01", "condition": "damaged", "delta": -1_000_000, "note": "of a test"}, nil); err != nil {
		c.t.Fatal(err)
	}
	return k
}

// unpaid has a provider refuse to give money back.
func (c *clerk) unpaid() (k exception.Case) {
	c.place(func(*shopify.OrderSpec) {})
	delivered, err := c.s.Deliver(c.t.Context(), 1)
	if err != nil || len(delivered) == 0 {
		c.t.Fatalf("%d orders are delivered, %v", len(delivered), err)
	}
	r, err := c.s.App.Payment.Refund(c.t.Context(), payment.Ask{Order: delivered[0], Amount: 100, Reason: "too small", Actor: "test", Method: "payout"})
	if err != nil {
		c.t.Fatal(err)
	}
	write(c.t, c.s, func(tx *db.Tx) error {
		return c.s.App.Payment.Settle(tx, r.ID, "", fault.New(fault.Refused, "the wallet is closed"))
	})
	return k
}

// short has a courier remit less than it collected.
func (c *clerk) short() (k exception.Case) {
	c.place(func(s *shopify.OrderSpec) { s.COD = true })
	o, parcel := c.packed(func(h order.Head) bool { return h.COD })
	c.out(parcel)
	c.scanned(parcel, courier.Delivered)
	settle(c.t, c.s)
	if err := c.s.App.API.Do(c.t.Context(), c.s.Owner.Caller(), http.MethodPost, "/orders/"+o.ID+"/cash/settle", "*", map[string]any{"step": "short_pay", "amount": map[string]string{"amount": "1.00", "currency": o.Currency}}, nil); err != nil {
		c.t.Fatal(err)
	}
	return k
}

// asked is a return that a buyer asks for.
func (c *clerk) asked() (k exception.Case) {
	read(c.t, c.s, func(tx *db.Tx) error {
		all, err := c.s.App.Returns.List(tx, returns.Filter{}, "", 50)
		for _, r := range all.Items {
			if r.Decision == "requested" {
				k = exception.Case{SubjectKind: "return", Subject: r.ID}
			}
		}
		return err
	})
	return k
}

func (c *clerk) missing() (k exception.Case) {
	if err := c.s.App.Connect.Want(c.t.Context(), c.account, "999999999999", "person"); err != nil {
		c.t.Fatal(err)
	}
	c.until("the channel does not know an order", exception.OrderMissing)
	return k
}

// gone has a subscriber say that it takes no events any more.
func (c *clerk) gone() (k exception.Case) {
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	c.t.Cleanup(there.Close)
	write(c.t, c.s, func(tx *db.Tx) error {
		sub, err := outbox.Subscribe(tx, outbox.Subscription{Name: "warehouse", URL: there.URL, AllowPrivate: true})
		if err != nil {
			return err
		}
		_, err = c.s.App.Vault.Put(tx, "subscription:"+sub.ID, "secret", vault.Hide(outbox.NewSecret()), vault.PutOptions{})
		return err
	})
	c.place(func(*shopify.OrderSpec) {})
	c.until("a subscriber is gone", exception.SubscriberFailing)
	return k
}

func (c *clerk) revoked() (k exception.Case) {
	if _, _, err := c.s.Revoke(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	return k
}
