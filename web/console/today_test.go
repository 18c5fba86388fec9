package console_test

import (
	"bufio"
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
)

var (
	numbered = regexp.MustCompile(`<a[^>]*href="(/console/(?:orders|exceptions|work|handover)\?[^"]*)"[^>]*>(?:<h2>[^<]*</h2><p class="big">|[^<]*)<bdi>(\d+)</bdi>`)
	anyRow   = regexp.MustCompile(`<(?:tr|article)[^>]* data-row`)
)

// TestToday holds that every number leads to exactly as many rows.
func TestToday(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		trouble(t, s)
		p := enter(t, s, demo.StageEmail)
		read(t, s, func(tx *db.Tx) error {
			all, _, err := exception.List(tx, exception.Filter{Cause: exception.StockDrift}, "", 1)
			p.post(t, "/console/exceptions/"+all[0].ID+"/snooze", url.Values{"hours": {"4"}}) // what sleeps is counted nowhere
			return err
		})
		page := p.get(t, "/console/").body
		links := numbered.FindAllStringSubmatch(page, -1)
		if len(links) < 12 {
			t.Fatalf("only %d numbers", len(links))
		}
		counted := 0
		for _, m := range links {
			want, _ := strconv.Atoi(m[2])
			got := 0
			for at := html.UnescapeString(m[1]); at != ""; {
				a := p.get(t, at)
				if a.status != http.StatusOK {
					t.Fatalf("%s: %d", at, a.status)
				}
				got += len(anyRow.FindAllString(a.body, -1))
				at = ""
				if next := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(a.body); next != nil {
					at = html.UnescapeString(next[1])
				}
			}
			if got != want {
				t.Errorf("%s is %d and leads to %d rows", m[1], want, got)
			}
			counted += got
		}
		if counted < 30 {
			t.Errorf("only %d rows behind all numbers", counted)
		}
		for _, want := range []string{"Sold so far today", "Outcome unknown", "In the last hour:"} {
			if !strings.Contains(page, want) {
				t.Errorf("nothing says %q", want)
			}
		}
		finance := hire(t, s, access.Finance).get(t, "/console/").body
		for _, m := range regexp.MustCompile(`href="(/console/[^"#]*)"`).FindAllStringSubmatch(finance, -1) {
			if a := enter(t, s, "finance@example.com").get(t, html.UnescapeString(m[1])); a.status != http.StatusOK && !strings.Contains(m[1], "static") {
				t.Errorf("finance is shown %s: %d", m[1], a.status)
			}
		}
	})
}

// TestPulse holds that an open page is told what changed since it was made, and nothing else: not at once when nothing did, nor again after a broken connection.
func TestPulse(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		first := func(seen string, headers ...string) string {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+seen, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i+1 < len(headers); i += 2 {
				req.Header.Set(headers[i], headers[i+1])
			}
			res, err := p.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			said := ""
			for lines := bufio.NewScanner(res.Body); lines.Scan() && lines.Text() != ""; {
				said += lines.Text() + "\n"
			}
			return said
		}
		live := regexp.MustCompile(`data-live="([^"]+)"`)
		shown := func() string { return html.UnescapeString(live.FindStringSubmatch(p.get(t, "/console/").body)[1]) }
		before := shown()
		if said := first(before); said != ": still here\n" {
			t.Errorf("nothing changed, and the page is told %q", said)
		}
		if err := s.App.DB.Write(t.Context(), func(tx *db.Tx) error {
			return exception.Raise(tx, exception.Case{Cause: exception.StaleStatus, SubjectKind: "test", Subject: "pulse"})
		}); err != nil {
			t.Fatal(err)
		}
		said := first(before)
		id := regexp.MustCompile(`(?m)^id: (\w+)$`).FindStringSubmatch(said)
		if id == nil || !strings.HasPrefix(said, "event: changed\n") {
			t.Fatalf("a case was raised, and the page is told %q", said)
		}
		if said := first(before, "Last-Event-ID", id[1]); said != ": still here\n" {
			t.Errorf("a browser that comes back is told again: %q", said)
		}
		if said := first(shown()); said != ": still here\n" {
			t.Errorf("the page made anew is told %q", said)
		}
	})
}

// TestCasesHanded gives cases from one to another, closes one and takes it back, and sorts several of a cause at once.
func TestCasesHanded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		p := enter(t, s, demo.StageEmail)
		helper := hire(t, s, access.Support)
		hire(t, s, access.Auditor)
		var stale []exception.Row
		get := func(id string) (r exception.Row) {
			read(t, s, func(tx *db.Tx) (err error) { r, err = exception.Get(tx, id); return err })
			return r
		}
		if err := s.App.DB.Write(t.Context(), func(tx *db.Tx) error { // about nothing that goes on by itself meanwhile
			for _, name := range []string{"a", "b", "c"} {
				if err := exception.Raise(tx, exception.Case{Cause: exception.StaleStatus, SubjectKind: "test", Subject: name}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		read(t, s, func(tx *db.Tx) (err error) {
			stale, _, err = exception.List(tx, exception.Filter{Cause: exception.StaleStatus, SubjectKind: "test"}, "", 10)
			return err
		})
		at := "/console/exceptions/" + stale[0].ID
		page := p.get(t, at).body
		to := regexp.MustCompile(`<option value="(user:[^"]+)"[^>]*>support</option>`).FindStringSubmatch(page)
		if to == nil || strings.Contains(page, ">auditor</option>") {
			t.Fatalf("who could take it: %s", page)
		}
		if a := p.post(t, at+"/assign", url.Values{"to": {to[1]}}); !strings.Contains(a.body, "The case is with support") || get(stale[0].ID).Assignee != to[1] {
			t.Errorf("not given: %s", a.body)
		}
		if list := helper.get(t, "/console/exceptions?mine=1").body; !strings.Contains(list, stale[0].ID) {
			t.Error("who has it does not find it")
		}
		if a := p.post(t, at+"/assign", url.Values{"to": {"user:nobody"}}); strings.Contains(a.body, "The case is with") {
			t.Error("given to nobody there is")
		}
		a := p.post(t, at+"/do", url.Values{"what": {"accept"}}, "HX-Request", "true")
		if !strings.Contains(a.body, at+"/reopen") || get(stale[0].ID).State != exception.Resolved {
			t.Errorf("closed without a way back: %s", a.body)
		}
		if a := helper.post(t, at+"/reopen", nil); get(stale[0].ID).State == exception.Open {
			t.Errorf("somebody else takes it back: %s", a.body)
		}
		if a := p.post(t, at+"/reopen", nil); !strings.Contains(a.body, "The case is open again") || get(stale[0].ID).State != exception.Open {
			t.Errorf("not taken back: %s", a.body)
		}
		ids := url.Values{"what": {"take"}, "cause": {exception.StaleStatus}}
		for _, c := range stale {
			ids.Add("id", c.ID)
		}
		if a := p.post(t, "/console/exceptions/bulk", ids); !strings.Contains(a.body, "Done: "+strconv.Itoa(len(stale))) || get(stale[1].ID).Assignee != s.Owner.Caller().Actor() {
			t.Errorf("not taken in bulk: %s", a.body)
		}
	})
}
