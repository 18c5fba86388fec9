package browser_test

import (
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/commerce/connect"
	"github.com/openclaw-pos/commerce/platform/db"
)

// TestAccount adds a Shopify account against the simulator by its form, maps its location, and takes it from shadow over intake to live.
func TestAccount(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ur"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			s := stage(t, 6)
			shop, err := s.OpenShop(t.Context(), "second-"+lang)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := shop.Close(); err != nil {
					t.Error(err)
				}
			})
			p := open(t, s, lang, 1280, 800)
			p.Go("/console/channels")
			p.Click("a[href='/console/new-account/shopify']")
			p.At("/console/new-account/shopify")
			p.Fill("input[name=name]", "second")
			p.Eval("((document.querySelector('[name=country]').value = 'PK'), true)")
			p.Eval("((o) => { document.querySelector('select[name=entity]').value = o.value; return true })([...document.querySelectorAll('select[name=entity] option')].find((o) => /PK|Pakistan/.test(o.textContent)) || document.querySelector('select[name=entity] option'))")
			for name, value := range map[string]string{"shop": shop.Domain, "base_url": shop.URL, "client_id": shop.ClientID, "client_secret": shop.Secret} {
				p.Fill("[name=set-"+name+"]", value)
			}
			p.Click("form.card button.primary")
			p.At("/console/channels/")
			p.Wait("document.querySelector('.s-shadow') && document.querySelector('#places select')")
			p.Eval("((c) => { c.value = c.options[1].value; return true })(document.querySelector('#places select'))")
			p.Click("#places button.primary")
			p.Wait("!document.querySelector('#places select') && document.querySelector('.toast') && document.readyState === 'complete'")
			for _, mode := range []channel.Mode{channel.Intake, channel.Live} {
				p.Eval("((document.querySelector('select[name=mode]').value = '" + string(mode) + "'), document.querySelector('input[name=accept]').checked = true)")
				p.Click("form[action$='/mode'] button")
				p.Wait("document.querySelector('h1 ~ span .s-" + string(mode) + "') && document.readyState === 'complete'")
			}
			check(t, p)
			var a connect.Account
			places := map[string]string{}
			read(t, s, func(tx *db.Tx) (err error) {
				if a, err = s.App.Connect.Account(tx, "second"); err != nil {
					return err
				}
				places, err = s.App.Connect.Places(tx, a.ID)
				return err
			})
			if a.Mode != channel.Live || a.ShopID == "" || len(places) != 1 {
				t.Errorf("the account is %s, of the shop %q, with %d locations", a.Mode, a.ShopID, len(places))
			}
		})
	}
}
