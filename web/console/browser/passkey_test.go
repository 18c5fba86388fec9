package browser_test

import (
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
)

// TestPasskey adds a passkey, signs in with it alone and after the password, and removes it: then it lets nobody in.
func TestPasskey(t *testing.T) {
	t.Parallel()
	s := stage(t, 3)
	p := openAt(t, strings.Replace(s.URL, "127.0.0.1", "localhost", 1), 1280, 900)
	p.Authenticator()
	out := func() {
		t.Helper()
		p.Click(`form[action="/console/signout"] button`)
		p.Wait(`location.pathname === "/console/signin" && document.readyState === "complete" && document.querySelector("form[data-ask]:not([hidden])")`)
		check(t, p)
	}
	inside := `document.querySelector("nav.side") && document.readyState === "complete"`

	p.Go("/console/me")
	p.Wait(`document.querySelector("form[data-passkey=create]:not([hidden])")`)
	accessible(t, p, "/console/me")
	p.Fill(`form[data-passkey=create] input[name=name]`, "Test phone")
	p.Click(`form[data-passkey=create] button`)
	p.Wait(`[...document.querySelectorAll(".card strong")].some((e) => e.textContent === "Test phone") && document.readyState === "complete"`)
	accessible(t, p, "/console/me with a passkey")

	out()
	accessible(t, p, "/console/signin")
	p.Click(`form[data-ask] button`)
	p.Wait(inside)
	check(t, p)

	out()
	p.Fill("input[name=email]", demo.StageEmail)
	p.Fill("input[name=password]", demo.StagePassword)
	p.Click("form.stack button")
	p.Wait(`document.querySelector("form[data-options]:not([hidden])") && document.readyState === "complete"`)
	if p.Eval(`!!document.querySelector("nav.side")`) {
		t.Error("the password alone let in")
	}
	accessible(t, p, "the second step")
	p.Click("form[data-options] button")
	p.Wait(inside)
	check(t, p)

	p.Go("/console/me")
	p.Click(`form[action$="/remove"] button`)
	p.Wait(`location.pathname === "/console/me" && document.readyState === "complete" && !document.querySelector("form[action$='/remove']") && document.querySelector("form[data-passkey]:not([hidden])")`)
	out()
	p.Click(`form[data-ask] button`)
	p.Wait(`location.pathname === "/console/signin/passkey" && document.readyState === "complete" && document.querySelector(".problem[role=alert]").textContent.includes("does not let you in")`)
	check(t, p)
}
