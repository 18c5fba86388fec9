package browser_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/db"
)

// mostFirst is how many bytes the first page of a new browser may take over the line, with style and scripts: 0.4 s at 10 Mbit/s leaves the rest of a second for the
// way and the processor.
const mostFirst = 500_000

// mostNext is the same for every page after it: what does not change is kept by the browser.
const mostNext = 64_000

// TestFirst opens pages as a slow laptop does, at 10 Mbit/s, 40 ms away and with a processor four times slower: what is shown does not move, and takes few bytes and few
// requests, on whatever machine. When it is painted depends on what else the machine does, and is printed.
func TestFirst(t *testing.T) {
	t.Parallel()
	s := stage(t, 24)
	pages := []string{"/console/", "/console/orders", "/console/exceptions", "/console/work"}
	read(t, s, func(tx *db.Tx) error {
		page, err := s.App.Order.List(tx, order.Filter{}, "", 1)
		pages = append(pages, "/console/orders/"+page.Items[0].ID)
		return err
	})
	pages = append(pages, "/console/work/"+works(t, s, fulfillment.Fresh)[0].ID)
	b, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	p := b.Page(s.URL, 1366, 768)
	t.Cleanup(p.Close)
	p.Slow(10_000_000/8, 40, 4)
	seen := func(path string, most int) {
		t.Helper()
		steady(t, p, path)
		p.Wait("performance.getEntriesByName('first-contentful-paint').length === 1")
		got := strings.Fields(p.Text(`(() => {
			const nav = performance.getEntriesByType('navigation')[0], all = performance.getEntriesByType('resource').filter((r) => !r.name.includes('/live?'));
			return [Math.round(performance.getEntriesByName('first-contentful-paint')[0].startTime), all.reduce((n, r) => n + r.transferSize, nav.transferSize), all.filter((r) => r.transferSize > 0).length + 1].join(' ');
		})()`))
		check(t, p)
		t.Logf("%s: first painted after %s ms, %s bytes in %s requests", path, got[0], got[1], got[2])
		if n, err := strconv.Atoi(got[1]); err != nil || n == 0 || n > most {
			t.Errorf("%s takes %s bytes over the line, allowed are %d", path, got[1], most)
		}
		if n, err := strconv.Atoi(got[2]); err != nil || n > 8 {
			t.Errorf("%s takes %s requests", path, got[2])
		}
	}
	p.Go("/console/signin")
	seen("/console/signin", mostFirst)
	p.SignIn(demo.StageEmail, demo.StagePassword)
	for _, path := range pages {
		p.Go(path)
		seen(path, mostNext)
	}
	p.Speak("ur", "light")
	p.Go("/console/")
	seen("/console/ in Urdu", mostNext)
}
