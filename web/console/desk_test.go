package console_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/jobs"
)

// deskPages are the pages of the desks beside those of orders and goods, with things on them that exist.
func deskPages(t *testing.T, s *demo.Stage) []string {
	t.Helper()
	all := []string{
		"/console/imports", "/console/imports?what=stock", "/console/jobs", "/console/jobs?state=due", "/console/parked", "/console/subscriptions", "/console/people", "/console/keys", "/console/keys?ended=1",
		"/console/audit", "/console/audit?actor=x&from=2026-01-01&until=2026-12-31", "/console/audit/verify", "/console/people/" + s.Owner.ID, "/console/returns", "/console/returns?tab=decide", "/console/returns?tab=all&goods=received&money=due&kind=return&decision=approved",
	}
	read(t, s, func(tx *db.Tx) error {
		page, err := s.App.Returns.List(tx, returns.Filter{}, "", 20)
		for _, r := range page.Items {
			all = append(all, "/console/returns/"+r.ID, "/console/orders/"+r.OrderID+"/return")
		}
		if err != nil {
			return err
		}
		accounts, err := s.App.Connect.Accounts(tx)
		if err != nil {
			return err
		}
		all = append(all, "/console/channels/"+accounts[0].ID+"?places=1")
		due, err := jobs.List(tx, jobs.Filter{Kind: "test.nobody"}, "", 1)
		for _, j := range due {
			all = append(all, "/console/jobs/"+j.ID)
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
		write(t, s, func(tx *db.Tx) error {
			return jobs.Enqueue(tx, jobs.Job{Kind: "test.nobody", Payload: map[string]int{"n": 1}, RunAt: tx.Now.AddDate(1, 0, 0)})
		})
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
