// Package browser drives chromium over the console, for its tests and its pictures. Start at Open, then Browser.Page.
package browser

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take on a busy machine.
const patience = 60 * time.Second

// Browser is one chromium. Close it.
type Browser struct {
	ctx  context.Context //nolint:containedctx // chromedp keeps the browser in it
	stop func()
}

// names are what the program is called.
var names = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome"}

// Open starts the browser that is installed. It fails when none is: tools/setup.sh installs one.
func Open(ctx context.Context) (*Browser, error) {
	path := ""
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, fmt.Errorf("no %s found: run tools/setup.sh", strings.Join(names, ", "))
	}
	alloc, stopAlloc := chromedp.NewExecAllocator(ctx, chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(patience))
	first, stop := chromedp.NewContext(alloc)
	b := &Browser{first, func() { stop(); stopAlloc() }}
	if err := chromedp.Do(first, chromedp.Navigate("about:blank")); err != nil {
		b.stop()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return b, nil
}

// Close ends the browser.
func (b *Browser) Close() { b.stop() }

// Page is a window with cookies of its own. Errors stay: after the first one nothing more is done, and Err says what it was.
type Page struct {
	ctx  context.Context //nolint:containedctx // chromedp keeps the window in it
	stop func()
	base string
	err  error
}

// Page opens a window of this size on a server.
func (b *Browser) Page(base string, width, height int64) *Page {
	ctx, stop := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	p := &Page{ctx: ctx, stop: stop, base: base}
	p.err = chromedp.Do(ctx, chromedp.EmulateViewport(width, height)) // the window lives as long as the context that opens it
	return p
}

// Size makes the window another size.
func (p *Page) Size(width, height int64) {
	p.do("resize the window", chromedp.EmulateViewport(width, height))
}

// conditions are how slow the line is. The command has left the generated protocol, whose successor older browsers do not know.
type conditions struct {
	Offline            bool  `json:"offline"`
	Latency            int64 `json:"latency"`            // ms
	DownloadThroughput int64 `json:"downloadThroughput"` // bytes a second
	UploadThroughput   int64 `json:"uploadThroughput"`
}

var emulateLine = cdp.Command[conditions, cdp.Empty]{Method: "Network.emulateNetworkConditions"}

// Slow makes line and processor of the window slow: bytes a second, milliseconds to an answer, and how many times slower it computes.
func (p *Page) Slow(bytes, latency, times int64) {
	p.do("slow down", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		if _, err := cdp.Call(ctx, t, emulateLine, conditions{Latency: latency, DownloadThroughput: bytes, UploadThroughput: bytes}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: float64(times)})
		return err
	}))
}

// Close closes the window.
func (p *Page) Close() { p.stop() }

// Err is the first thing that went wrong.
func (p *Page) Err() error { return p.err }

func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	if p.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.err = fmt.Errorf("%s: %w", what, err)
	}
}

// Go opens a page by its path.
func (p *Page) Go(path string) {
	p.do("go to "+path, chromedp.Navigate(p.base+path))
}

// Click clicks the first element of a selector, as a script would: also one below the fold. It does not wait for what follows.
func (p *Page) Click(selector string) {
	p.Wait("!!document.querySelector(" + quote(selector) + ")")
	p.do("click "+selector, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("(() => { setTimeout(() => document.querySelector("+quote(selector)+").click(), 0); return true })()"))
		return err
	}))
}

// Fill puts text into a field.
func (p *Page) Fill(selector, text string) {
	p.Wait("!!document.querySelector(" + quote(selector) + ")")
	p.Eval("(document.querySelector(" + quote(selector) + ").value = " + quote(text) + ", true)")
}

// Keys types on the keyboard, wherever the focus is. "\r" is Enter.
func (p *Page) Keys(keys string) { p.do("type", chromedp.KeyEvent(keys)) }

// Scan types as a scanner does: all keys struck at once with Enter behind them, however slow the machine is. The same code is shown to it again after a moment only: before
// that a scanner does not read it twice. It does not wait for what follows, which may be another page.
func (p *Page) Scan(code string) {
	p.Wait("window.scanned !== " + quote(code) + " || performance.now() - window.scannedAt > 320")
	p.Eval(`(() => { setTimeout(() => {
		window.scanned = ` + quote(code) + `; window.scannedAt = performance.now();
		for (const key of [...window.scanned, 'Enter']) {
			const e = new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true});
			Object.defineProperty(e, 'timeStamp', {value: window.scannedAt});
			document.activeElement.dispatchEvent(e);
		}
	}, 0); return true })()`)
}

// Ctrl types a key with Ctrl held.
func (p *Page) Ctrl(key string) {
	p.do("type with Ctrl", chromedp.KeyEvent(key, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
}

// Eval answers whether a script is true.
func (p *Page) Eval(script string) bool {
	if p.err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	is, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
	if err != nil {
		p.err = fmt.Errorf("%s: %w", script, err)
	}
	return is
}

// Text is what a script gives as text, also of a promise.
func (p *Page) Text(script string) string {
	if p.err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.err = fmt.Errorf("%.80s: %w", script, err)
	}
	return text
}

// Wait waits until a script is true. What is asked while one page gives way to the next is asked again.
func (p *Page) Wait(script string) {
	if p.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+script+")"))
		if err == nil && is {
			return
		}
		select {
		case <-ctx.Done():
			p.err = fmt.Errorf("waited until %s; at %s the page says: %.600s", script, p.where("location.href"), p.where("document.body.innerText"))
			return
		case <-tick.C:
		}
	}
}

// where is asked after a wait has failed.
func (p *Page) where(script string) string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
	if err != nil {
		return err.Error()
	}
	return text
}

// At waits until a page is shown whose path begins so, complete with its scripts.
func (p *Page) At(path string) {
	p.Wait("location.pathname.startsWith(" + quote(path) + ") && document.readyState === 'complete'")
}

// Shot takes a picture of the page: of what is seen, or of all of it.
func (p *Page) Shot(whole bool) []byte {
	if p.err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	take := chromedp.CaptureScreenshot()
	if whole {
		take = chromedp.FullScreenshot(100)
	}
	png, err := chromedp.Run(ctx, take)
	if err != nil {
		p.err = fmt.Errorf("take a picture: %w", err)
	}
	return png
}

// SignIn signs in through the form.
func (p *Page) SignIn(email, password string) {
	p.Go("/console/signin")
	p.Fill("input[name=email]", email)
	p.Fill("input[name=password]", password)
	p.Click("form.stack button")
	p.Wait("!!document.querySelector('nav.side') && document.readyState === 'complete'")
}

// Speak chooses a language and a look.
func (p *Page) Speak(lang, theme string) {
	p.Eval("(window.before = true)")
	p.Click(".prefs button[value=" + lang + "]")
	p.Wait("!window.before && document.documentElement.lang === " + quote(lang) + " && document.readyState === 'complete'")
	p.Eval("(window.before = true)")
	p.Click(".prefs button[value=" + theme + "]")
	p.Wait("!window.before && document.documentElement.dataset.theme === " + quote(theme) + " && document.readyState === 'complete'")
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(s) + `"`
}
