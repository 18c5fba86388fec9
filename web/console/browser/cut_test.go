package browser_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/fulfillment"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/console/browser"
)

// line is the network between a browser and the console, which can be cut, lose answers, and hold scripts back.
type line struct {
	*httptest.Server
	cut  atomic.Bool   // nothing arrives
	lost atomic.Bool   // what is sent arrives, and its answer does not
	late atomic.Bool   // scripts wait
	goOn chan struct{} // closed when they may come
}

func wire(t *testing.T, s *demo.Stage) *line {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{goOn: make(chan struct{})}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(res *http.Response) error {
			if strings.HasSuffix(res.Request.URL.Path, ".js") {
				res.Header.Set("Cache-Control", "no-store")
			}
			return nil
		},
	}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case l.cut.Load():
			panic(http.ErrAbortHandler)
		case l.lost.Load() && r.Method == http.MethodPost:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case l.late.Load() && strings.HasSuffix(r.URL.Path, ".js"):
			select {
			case <-l.goOn:
			case <-r.Context().Done():
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

// picked counts what is picked of a fulfillment order.
func picked(t *testing.T, s *demo.Stage, id string) (n int64) {
	t.Helper()
	read(t, s, func(tx *db.Tx) error {
		f, err := s.App.Fulfillment.Get(tx, id)
		n = 0
		for _, l := range f.Lines {
			n += l.Picked
		}
		return err
	})
	return n
}

// roomy is a fulfillment order with more than two units to pick, so that it stays at the shelf.
func roomy(t *testing.T, s *demo.Stage) fulfillment.FO {
	t.Helper()
	for _, f := range works(t, s, fulfillment.Fresh) {
		n := int64(0)
		for _, l := range f.Lines {
			n += l.Quantity
		}
		if n > 2 {
			return f
		}
	}
	t.Fatal("no order has more than two units")
	return fulfillment.FO{}
}

// shelf is somebody with a tablet at the shelf of an order with more than two units, behind a line that can fail.
func shelf(t *testing.T) (*demo.Stage, *line, fulfillment.FO, *browser.Page) {
	t.Helper()
	s := stage(t, 45)
	l := wire(t, s)
	return s, l, roomy(t, s), openAt(t, l.URL, 820, 1180)
}

const firstCount = "document.querySelector('[data-codes] .count').textContent.trim()"

// TestNetwork cuts the line while somebody scans: the scan is kept, said, and counted once when it is back, also when only its answer was lost.
func TestNetwork(t *testing.T) {
	t.Parallel()
	s, l, f, p := shelf(t)
	p.Go("/console/work/" + f.ID)
	check(t, p)

	l.cut.Store(true)
	p.Scan(f.Lines[0].SKU)
	p.Wait("!document.getElementById('offline').hidden && Object.keys(localStorage).some((k) => k.startsWith('oc-scans:'))")
	check(t, p)
	if n := picked(t, s, f.ID); n != 0 {
		t.Errorf("%d units are picked without a line", n)
	}
	l.cut.Store(false)
	p.Eval("(dispatchEvent(new Event('online')), true)")
	p.Wait("document.getElementById('offline').hidden && " + firstCount + ".startsWith('1')")
	check(t, p)
	if n := picked(t, s, f.ID); n != 1 {
		t.Errorf("%d units are picked after one scan", n)
	}

	l.lost.Store(true)
	second := f.Lines[0].SKU
	if f.Lines[0].Quantity < 2 {
		second = f.Lines[1].SKU
	}
	p.Scan(second)
	p.Wait("!document.getElementById('offline').hidden")
	check(t, p)
	l.lost.Store(false)
	p.Eval("(dispatchEvent(new Event('online')), true)")
	p.Wait("document.getElementById('offline').hidden && document.querySelector('#bench .said')")
	check(t, p)
	if n := picked(t, s, f.ID); n != 2 {
		t.Errorf("%d units are picked after two scans, of one of which the answer was lost", n)
	}
}

// TestLate works at the shelf while the scripts have not come yet, and with the scanner once they have.
func TestLate(t *testing.T) {
	t.Parallel()
	s, l, f, p := shelf(t)
	l.late.Store(true)
	p.Eval("(setTimeout(() => { location.href = '/console/work/" + f.ID + "' }, 0), true)")
	p.Wait("location.pathname === '/console/work/" + f.ID + "' && document.readyState === 'interactive' && !!document.querySelector('form.scan button')")
	p.Fill("#code", f.Lines[0].SKU)
	p.Click("form.scan button")
	p.Wait("document.readyState === 'interactive' && !!document.querySelector('[data-toast]') && " + firstCount + ".startsWith('1')")
	check(t, p)
	if n := picked(t, s, f.ID); n != 1 {
		t.Errorf("%d units are picked by a form without scripts", n)
	}
	l.late.Store(false)
	close(l.goOn)
	p.Wait("document.readyState === 'complete'")
	second := f.Lines[0].SKU
	if f.Lines[0].Quantity < 2 {
		second = f.Lines[1].SKU
	}
	p.Scan(second)
	p.Wait("document.querySelector('#bench .said.ok')")
	check(t, p)
	if n := picked(t, s, f.ID); n != 2 {
		t.Errorf("%d units are picked once the scripts have come", n)
	}
}
