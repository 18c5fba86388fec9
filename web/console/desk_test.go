package console_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/platform/db"
)

// deskPages are the pages of the desks beside those of orders and goods, with things on them that exist.
func deskPages(t *testing.T, s *demo.Stage) []string {
	t.Helper()
	all := []string{"/console/returns", "/console/returns?tab=decide", "/console/returns?tab=all&goods=received&money=due&kind=return&decision=approved"}
	read(t, s, func(tx *db.Tx) error {
		page, err := s.App.Returns.List(tx, returns.Filter{}, "", 20)
		for _, r := range page.Items {
			all = append(all, "/console/returns/"+r.ID, "/console/orders/"+r.OrderID+"/return")
		}
		return err
	})
	return all
}

func TestDesks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		if err := s.Back(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := enter(t, s, demo.StageEmail)
		pages := deskPages(t, s)
		for _, lang := range []string{"en", "ur", "ar"} {
			p.post(t, "/console/prefs", url.Values{"lang": {lang}})
			for _, path := range pages {
				looksRight(t, p, lang, path)
			}
		}
		stranger := visitor(s)
		for _, path := range pages {
			if a := stranger.get(t, path); !strings.HasPrefix(a.at, "/console/signin?to=") {
				t.Errorf("%s is open to anybody: %d at %s", path, a.status, a.at)
			}
		}
	})
}
