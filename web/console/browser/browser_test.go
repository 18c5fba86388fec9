package browser_test

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/db/dbtest"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/jobs"
	"github.com/openclaw-pos/commerce/web/console/browser"
)

//go:embed testdata/axe.min.js
var axe string

// chromium is started once for all tests: a start costs more than a test.
var chromium = sync.OnceValues(func() (*browser.Browser, error) { return browser.Open(context.Background()) })

func TestMain(m *testing.M) {
	defer func() {
		if b, err := chromium(); err == nil {
			b.Close()
		}
	}()
	m.Run()
}

// stage opens a company of its own.
func stage(t *testing.T, orders int) *demo.Stage {
	t.Helper()
	s, err := demo.OpenStage(context.Background(), t.TempDir(), dbtest.SQLiteURL(t, false), orders)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// accessible has axe-core look at the page that is open, and holds that it is not wider than its window.
func accessible(t *testing.T, p *browser.Page, path string) {
	t.Helper()
	p.Eval("(" + `(() => {` + axe + `; return true })()` + ")")
	found := p.Text(`axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then((r) => (r.passes.length < 5 ? "axe checked next to nothing" : "") + r.violations.map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message || "")).join(" | ")).join("\n"))`)
	check(t, p)
	if found != "" {
		t.Errorf("%s: %s", path, found)
	}
	if p.Eval("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1") {
		t.Errorf("%s is wider than its window", path)
	}
}

// open signs in in a window of its own.
func open(t *testing.T, s *demo.Stage, lang string, width, height int64) *browser.Page {
	t.Helper()
	p := openAt(t, s.URL, width, height)
	if lang != "en" {
		p.Speak(lang, "light")
	}
	check(t, p)
	return p
}

// openAt signs in at an address.
func openAt(t *testing.T, url string, width, height int64) *browser.Page {
	t.Helper()
	b, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	p := b.Page(url, width, height)
	t.Cleanup(p.Close)
	p.SignIn(demo.StageEmail, demo.StagePassword)
	return p
}

func check(t *testing.T, p *browser.Page) {
	t.Helper()
	if p.Err() != nil {
		t.Fatal(p.Err())
	}
}

func read(t *testing.T, s *demo.Stage, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := s.App.DB.Read(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// works are the fulfillment orders in a state.
func works(t *testing.T, s *demo.Stage, state string) (all []fulfillment.FO) {
	t.Helper()
	read(t, s, func(tx *db.Tx) error {
		page, err := s.App.Fulfillment.List(tx, fulfillment.Filter{States: []string{state}}, "", 100)
		all = page.Items
		return err
	})
	return all
}

// TestWave picks, packs and hands over 25 orders on a tablet with nothing but a scanner; one short and one rejected among them.
func TestWave(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ur"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := stage(t, 45)
			wave := works(t, s, fulfillment.Fresh)
			if len(wave) < 25 {
				t.Fatalf("only %d orders to pick", len(wave))
			}
			wave = wave[:25]
			p := open(t, s, lang, 820, 1180)
			reject(t, p, wave[0])
			short := slices.IndexFunc(wave, func(f fulfillment.FO) bool { return len(f.Lines) > 1 })
			var ready []string
			for i, f := range wave[1:] {
				if i+1 == short {
					missing(t, p, f)
				}
				pick(t, s, p, f.ID)
				ready = append(ready, f.ID)
			}
			if err := s.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			handOver(t, s, p, ready)
			for _, id := range ready {
				read(t, s, func(tx *db.Tx) error {
					f, err := s.App.Fulfillment.Get(tx, id)
					if err == nil && f.State != fulfillment.HandedOver {
						t.Errorf("%s is %s", f.Number, f.State)
					}
					return err
				})
			}
		})
	}
}

func reject(t *testing.T, p *browser.Page, f fulfillment.FO) {
	t.Helper()
	p.Go("/console/work/" + f.ID)
	p.Click("form[action$='/do/reject'] button")
	p.At("/console/work")
	p.Wait("document.querySelector('.toast')")
	check(t, p)
}

func missing(t *testing.T, p *browser.Page, f fulfillment.FO) {
	t.Helper()
	p.Go("/console/work/" + f.ID)
	p.Click("form[action$='/short'] button")
	p.Wait("document.querySelector('.toast form[action$=\"/found\"]')")
	check(t, p)
}

// pick scans every item of a fulfillment order, and again into the parcel, which then closes by itself. The scanner types where nobody looks.
func pick(t *testing.T, s *demo.Stage, p *browser.Page, id string) {
	t.Helper()
	var f fulfillment.FO
	read(t, s, func(tx *db.Tx) (err error) { f, err = s.App.Fulfillment.Get(tx, id); return err })
	p.Go("/console/work/" + id)
	left := int64(0)
	for _, l := range f.Lines {
		left += l.Quantity
	}
	for _, l := range f.Lines {
		for range l.Quantity {
			left--
			p.Scan(l.SKU)
			if left > 0 {
				p.Wait(fmt.Sprintf("[...document.querySelectorAll('[data-codes] .count')].reduce((n, c) => n + (+c.textContent.split('/')[1] - +c.textContent.split('/')[0]), 0) === %d", left))
			}
		}
	}
	p.Wait("document.querySelector('form[data-verify]') && document.readyState === 'complete'")
	for _, l := range f.Lines {
		for n := range l.Quantity {
			p.Scan(l.SKU)
			p.Wait(fmt.Sprintf("!document.querySelector('form[data-verify]') || [...document.querySelectorAll('[data-codes]')].some((l) => l.dataset.codes.split(' ').includes(%q) && +l.dataset.seen >= %d)", l.SKU, n+1))
		}
	}
	p.Wait("document.querySelector('.state.s-packed') && !document.querySelector('form[data-verify]')")
	check(t, p)
}

func handOver(t *testing.T, s *demo.Stage, p *browser.Page, ids []string) {
	t.Helper()
	p.Go("/console/handover")
	var all []string
	read(t, s, func(tx *db.Tx) error {
		all = nil
		for _, id := range ids {
			f, err := s.App.Fulfillment.Get(tx, id)
			if err != nil {
				return err
			}
			parcels, err := s.App.Dispatch.Of(tx, f.OrderID)
			if err != nil {
				return err
			}
			for _, x := range parcels {
				if x.Fulfillment == id {
					all = append(all, x.Tracking)
				}
			}
		}
		return nil
	})
	for i, number := range all {
		p.Scan(number)
		p.Wait(fmt.Sprintf("document.querySelector('#door .said.ok')?.textContent.includes(%q)", number))
		if i == 0 { // the same label again, some time later: said, and nothing else
			p.Scan(number)
			p.Wait("document.querySelector('#door .said.ok')")
		}
	}
	check(t, p)
}

// TestOffline keeps what is scanned while the server cannot be reached, and sends it when it can.
func TestOffline(t *testing.T) {
	t.Parallel()
	s := stage(t, 9)
	f := works(t, s, fulfillment.Fresh)[0]
	p := open(t, s, "en", 820, 1180)
	p.Go("/console/work/" + f.ID)
	p.Eval("(window.real = fetch, window.fetch = () => Promise.reject(new Error('no network')), true)")
	p.Scan(f.Lines[0].SKU)
	p.Wait("!document.getElementById('offline').hidden && localStorage.length === 1")
	p.Eval("(window.fetch = window.real, dispatchEvent(new Event('online')), true)")
	p.Wait("document.getElementById('offline').hidden && (document.querySelector('[data-codes] .count').textContent.trim().startsWith('1') || document.querySelector('form[data-verify]'))")
	check(t, p)
	read(t, s, func(tx *db.Tx) error {
		got, err := s.App.Fulfillment.Get(tx, f.ID)
		picked := int64(0)
		for _, l := range got.Lines {
			picked += l.Picked
		}
		if picked != 1 {
			t.Errorf("%d units are picked after one scan", picked)
		}
		return err
	})
}

// TestExceptions clears ten cases of five causes, each by what its page suggests first.
func TestExceptions(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ur"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := stage(t, 24)
			ids := raise(t, s)
			p := open(t, s, lang, 1280, 800)
			for _, id := range ids {
				p.Go("/console/exceptions")
				p.Click("article.case a.main[href$='" + id + "']")
				p.At("/console/exceptions/" + id)
				p.Click(".steps button.primary")
				p.Wait("document.readyState === 'complete' && !document.querySelector('.steps') && !!document.querySelector('main h1')")
			}
			check(t, p)
			for _, id := range ids {
				read(t, s, func(tx *db.Tx) error {
					row, err := exception.Get(tx, id)
					if err == nil && row.State != exception.Resolved {
						t.Errorf("a case of %s is %s", row.Cause, row.State)
					}
					return err
				})
			}
		})
	}
}

// raise opens two cases of each of five causes: tasks that gave up, tasks of which nobody knows whether they happened, prices that are held, stock that differs there, and what was restored.
func raise(t *testing.T, s *demo.Stage) (ids []string) {
	t.Helper()
	err := s.App.DB.Write(t.Context(), func(tx *db.Tx) error {
		ids = nil
		accounts, err := s.App.Connect.Accounts(tx)
		if err != nil {
			return err
		}
		var cases []exception.Case
		for i := range 2 {
			dead, err := task(tx, "dead", exception.DeadJob)
			if err != nil {
				return err
			}
			unknown, err := task(tx, "unknown", exception.OutcomeUnknown)
			if err != nil {
				return err
			}
			price, err := heldPrice(tx, s, accounts[0].ID, i)
			if err != nil {
				return err
			}
			cases = append(cases, dead, unknown, price,
				exception.Case{Cause: exception.StockDrift, SubjectKind: "account", Subject: accounts[i].ID, Account: accounts[i].ID, Deadline: tx.Now},
				exception.Case{Cause: exception.Restored, SubjectKind: "backup", Subject: fmt.Sprint(i), Deadline: tx.Now})
		}
		if err := exception.Raise(tx, cases...); err != nil {
			return err
		}
		for _, c := range cases {
			found, _, err := exception.List(tx, exception.Filter{Cause: c.Cause, SubjectKind: c.SubjectKind}, "", 100)
			if err != nil {
				return err
			}
			for _, row := range found {
				if row.Subject == c.Subject {
					ids = append(ids, row.ID)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) != 10 {
		t.Fatalf("%d cases are open", len(ids))
	}
	return ids
}

// task leaves a task in a state in which it waits for a person.
func task(tx *db.Tx, state, cause string) (exception.Case, error) {
	id := db.ID()
	err := jobs.Enqueue(tx, jobs.Job{ID: id, Kind: "test.nobody", Payload: map[string]int{"n": 1}, RunAt: tx.Now.AddDate(1, 0, 0)})
	if err == nil {
		_, err = tx.Exec(`update jobs set state = $2, uncertain = $3, finished_at = $4 where id = $1`, id, state, state == "unknown", db.Micros(tx.Now))
	}
	return exception.Case{Cause: cause, SubjectKind: "job", Subject: id, Deadline: tx.Now, Detail: map[string]any{"kind": "test.nobody", "attempts": 20}}, err
}

// heldPrice holds the price of an account's nth listing.
func heldPrice(tx *db.Tx, s *demo.Stage, account string, n int) (exception.Case, error) {
	all, err := s.App.Catalog.All(tx, account, "mapped", "", n+1)
	if err != nil {
		return exception.Case{}, err
	}
	l := all[n]
	_, err = tx.Exec(`insert into channel_prices (account_id, listing_id, variant_id, wanted, currency, state, attempts, next_at, updated_at, version) values ($1, $2, $3, 95000, 'PKR', 'held', 0, 0, $4, 1)
		on conflict (account_id, listing_id) do update set state = 'held'`, account, l.ID, l.Variant, db.Micros(tx.Now))
	return exception.Case{Cause: exception.PriceHeld, SubjectKind: "listing", Subject: l.ID, Account: account, Deadline: tx.Now, Detail: map[string]any{"sku": l.Ref.SKU}}, err
}

// TestListings maps 40 listings: those whose suggestion is sure in one click, page by page.
func TestListings(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ur"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			mapAll(t, lang)
		})
	}
}

func mapAll(t *testing.T, lang string) {
	t.Helper()
	s := stage(t, 6)
	if err := s.Unknown(t.Context(), 40); err != nil {
		t.Fatal(err)
	}
	p := open(t, s, lang, 1280, 800)
	mapped := func() (n int) {
		read(t, s, func(tx *db.Tx) error {
			all, err := s.App.Catalog.All(tx, "", "mapped", "", 500)
			n = 0
			for _, l := range all {
				if strings.Contains(l.Ref.SKU, "/N") {
					n++
				}
			}
			return err
		})
		return n
	}
	for range 3 {
		p.Go("/console/listings")
		if p.Eval("!!document.querySelector('input[name=map]')") {
			p.Click("input[data-all]")
			p.Wait("[...document.querySelectorAll('input[name=map]')].every((b) => b.checked)")
			p.Click("#bulk button")
			p.Wait("document.querySelector('.toast')")
		}
	}
	check(t, p)
	if n := mapped(); n != 40 {
		t.Errorf("%d of 40 are mapped", n)
	}
}

// TestKeyboard finds an order by its number without a mouse, in both ways there are, and walks a list.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	s := stage(t, 12)
	var o order.Head
	read(t, s, func(tx *db.Tx) error {
		page, err := s.App.Order.List(tx, order.Filter{}, "", 1)
		o = page.Items[0]
		return err
	})
	p := open(t, s, "en", 1280, 800)
	p.Keys("/")
	p.Wait("document.activeElement.id === 'q'")
	p.Fill("#q", "") // the driver types the slash itself as well
	p.Keys(o.Number + "\r")
	p.At("/console/orders/" + o.ID)
	p.Keys("g")
	p.Keys("o")
	p.Wait("location.pathname === '/console/orders' && document.readyState === 'complete'")
	p.Keys("j")
	p.Keys("j")
	p.Wait("[...document.querySelectorAll('[data-row]')].findIndex((r) => r.classList.contains('on')) === 1")
	p.Ctrl("k")
	p.Wait("document.querySelector('#palette[open]')")
	p.Wait("document.querySelector('#found a')")
	p.Keys(strings.TrimPrefix(o.ExternalNumber, "#"))
	p.Wait(fmt.Sprintf("[...document.querySelectorAll('#found a')].some((a) => a.getAttribute('href') === %q)", "/console/orders/"+o.ID))
	p.Keys("\r")
	p.At("/console/orders/" + o.ID)
	p.Keys("?")
	p.Wait("document.querySelector('#help[open]')")
	check(t, p)
}

// TestLive shows what comes in without anybody touching the page.
func TestLive(t *testing.T) {
	t.Parallel()
	s := stage(t, 6)
	p := open(t, s, "en", 1280, 800)
	p.Go("/console/")
	const shown = `[...document.querySelectorAll('a[href^="/console/orders/0"]')].map((a) => a.href).sort().join(' ')`
	p.Eval("(window.before = " + shown + ", true)") // before anything is sold: the page may be quicker than this test
	if err := s.Sell(2); err != nil {
		t.Fatal(err)
	}
	p.Wait("window.before !== " + shown)
	check(t, p)
}

// TestAxe holds every page to WCAG 2.2 AA as far as a machine can tell, in both directions, light and dark.
func TestAxe(t *testing.T) {
	t.Parallel()
	s := stage(t, 42)
	if err := s.Back(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Trouble(t.Context()); err != nil {
		t.Fatal(err)
	}
	revealed := ""
	pages := []string{"/console/", "/console/orders", "/console/approvals", "/console/shortages", "/console/exceptions", "/console/exceptions?cause=stale_status", "/console/work", "/console/handover", "/console/stock", "/console/stock/OC-001", "/console/listings", "/console/channels", "/console/new-account/shopify", "/console/find?q=none", "/console/nowhere", "/console/picklist?at=PK-LHE-WH"}
	read(t, s, func(tx *db.Tx) error {
		held := true
		orders, err := s.App.Order.List(tx, order.Filter{Held: &held}, "", 1)
		if err != nil {
			return err
		}
		accounts, err := s.App.Connect.Accounts(tx)
		if err != nil {
			return err
		}
		for _, o := range orders.Items {
			revealed = "/console/orders/" + o.ID
			pages = append(pages, "/console/orders/"+o.ID, "/console/orders/"+o.ID+"/change", "/console/orders/"+o.ID+"/cancel", "/console/orders/"+o.ID+"/source", "/console/orders/"+o.ID+"/raw", "/console/orders/"+o.ID+"/raw?all=1", "/console/orders/"+o.ID+"/events")
		}
		pages = append(pages, "/console/channels/"+accounts[0].ID, "/console/returns", "/console/channels/"+accounts[0].ID+"?places=1", "/console/channels/"+accounts[0].ID+"/drift", "/console/channels/"+accounts[0].ID+"/diff", "/console/imports", "/console/jobs", "/console/parked",
			"/console/subscriptions", "/console/people", "/console/people/"+s.Owner.ID, "/console/keys", "/console/audit", "/console/audit/verify")
		back, err := s.App.Returns.List(tx, returns.Filter{}, "", 20)
		for _, r := range back.Items {
			pages = append(pages, "/console/returns/"+r.ID)
		}
		pages = append(pages, "/console/orders/"+back.Items[0].OrderID+"/return")
		return err
	})
	for _, state := range []string{fulfillment.Picking, fulfillment.Picked, fulfillment.Packing} {
		for _, f := range works(t, s, state)[:1] {
			pages = append(pages, "/console/work/"+f.ID)
		}
	}
	fresh := works(t, s, fulfillment.Fresh)[0].OrderID // nothing of it is packed: it may go elsewhere
	for _, look := range []struct {
		lang, theme   string
		width, height int64
	}{{"en", "light", 1280, 800}, {"ur", "dark", 390, 844}, {"ar", "light", 820, 1180}} {
		t.Run(look.lang+" "+look.theme, func(t *testing.T) {
			t.Parallel()
			p := open(t, s, "en", look.width, look.height)
			p.Speak(look.lang, look.theme)
			p.Go(revealed)
			p.Click("#buyer form button:not([type=button])")
			p.Wait("location.pathname.endsWith('/personal') && !document.querySelector('#buyer form') && document.readyState === 'complete'")
			accessible(t, p, "the buyer, revealed")
			acts(t, p, "/console/orders/"+fresh)
			for _, path := range pages {
				p.Go(path)
				steady(t, p, path)
				p.Eval("(document.querySelectorAll('main details').forEach((d) => { d.open = true }), true)") // what is folded away is read as well: the credentials, the reasons
				accessible(t, p, path)
			}
		})
	}
}

// acts has axe look at pages that answer what somebody did: a proposed address, codes being set up, what came of several cases.
func acts(t *testing.T, p *browser.Page, order string) {
	t.Helper()
	p.Go(order + "/change")
	p.Fill("input[name=city]", "Lahore")
	p.Click("form[action$='/change'][method=post] button")
	p.Wait("location.search.includes('set=') && document.readyState === 'complete' && !!document.querySelector('#draft')")
	accessible(t, p, "an address that is proposed")
	p.Go(order + "/change")
	p.Fill("input[name^=want-]:not([readonly])", "0")
	p.Click("form[action$='/change']:not([method=post]) button")
	p.Wait("location.search.includes('want-') && document.readyState === 'complete' && !!document.querySelector('#fewer')")
	accessible(t, p, "fewer units, looked at")
	p.Go("/console/me")
	accessible(t, p, "/console/me")
	p.Click("form[action='/console/me/codes'] button")
	p.Wait("document.readyState === 'complete' && !!document.querySelector('svg.qr')")
	accessible(t, p, "codes that are being set up")
	p.Go("/console/exceptions?cause=order_missing")
	p.Click("#bulk input[data-all]")
	p.Wait("!!document.querySelector('input[name=id]:checked')")
	p.Click("#bulk button[value=take]")
	p.Wait("location.pathname === '/console/exceptions/bulk' && document.readyState === 'complete' && !!document.querySelector('main table')")
	accessible(t, p, "what came of several cases")
}

// steady fails when what a page shows moves after it was shown, and says what moved from where to where.
func steady(t *testing.T, p *browser.Page, path string) {
	t.Helper()
	p.At("/console")
	moved := p.Text(`new Promise((done) => {
		let sum = 0;
		const what = [], box = (r) => [r.x, r.y, r.width, r.height].map(Math.round).join(' ');
		const take = (all) => { for (const e of all) if (!e.hadRecentInput) {
			sum += e.value;
			for (const s of e.sources) what.push((s.node?.parentElement?.outerHTML || 'what is gone').slice(0, 120) + ' (' + box(s.previousRect) + ' to ' + box(s.currentRect) + ' after ' + Math.round(e.startTime) + ' ms)');
		} };
		const watch = new PerformanceObserver((list) => take(list.getEntries()));
		watch.observe({ type: 'layout-shift', buffered: true });
		requestAnimationFrame(() => requestAnimationFrame(() => { take(watch.takeRecords()); done(sum > 0.02 ? sum.toFixed(3) + ': ' + what.slice(0, 6).join('; ') : '') }));
	})`)
	if moved != "" {
		t.Errorf("%s: the page moves after it is shown, by %s", path, moved)
	}
}

// TestDocs reads the description of the API as a person does.
func TestDocs(t *testing.T) {
	t.Parallel()
	s := stage(t, 3)
	b, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	p := b.Page(s.URL, 1280, 800)
	t.Cleanup(p.Close)
	p.Go("/docs/")
	p.Wait("document.querySelectorAll('#operations details').length > 100")
	if about := p.Text("document.getElementById('about').textContent"); strings.Contains(about, "`") || !strings.Contains(about, "Idempotency-Key") {
		t.Errorf("the introduction says %q", about)
	}
	if !p.Eval("[...document.querySelectorAll('#about code')].some((c) => c.textContent === 'Idempotency-Key')") {
		t.Error("names of headers are not set as code")
	}
	p.Eval("(document.querySelectorAll('#operations details').forEach((d) => { d.open = true }), true)")
	p.Wait("[...document.querySelectorAll('#operations details')].every((d) => d.childElementCount > 1)")
	if text := p.Text("[...document.querySelectorAll('#operations p, #operations td')].map((e) => e.textContent).filter((x) => x.includes('`')).join('; ')"); text != "" {
		t.Errorf("backticks are shown as they are written: %s", text)
	}
	check(t, p)
	p.Go("/") // whoever types the address of the machine is at the console's door
	p.At("/console/signin")
	check(t, p)
}
