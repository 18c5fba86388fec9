package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/commerce/dispatch"
	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/console"
)

var (
	tags     = regexp.MustCompile(`<[a-z][^>]*\s(?:href|action|hx-post|hx-get|data-ask)="/console[^>]*>`)
	leading  = regexp.MustCompile(`\s(href|action|hx-post|hx-get|data-ask)="(/console[^"#?]*)`)
	brackets = regexp.MustCompile(`\{[a-z]+\}`)
)

// roleWalk is somebody of a role, who tries every route and looks where every page leads.
type roleWalk struct {
	*person
	t      *testing.T
	role   access.Role
	caller access.Caller
	mux    *http.ServeMux
	byPath map[string]console.Route // by method and path
	seen   map[string]bool
}

// may reports whether the role may use a route.
func (w *roleWalk) may(r console.Route) bool {
	return r.Need == "" || r.Need == console.Self || w.caller.Has(r.Need) && (r.Rows != access.Whole || w.caller.Reach(r.Need).Everything())
}

// TestEveryRole holds for every role and every route that what a role may not do is refused, and that no page of a role leads there.
func TestEveryRole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *demo.Stage) {
		if err := s.Back(t.Context()); err != nil {
			t.Fatal(err)
		}
		trouble(t, s)
		pages := append(find(t, s).pages(), deskPages(t, s)...)
		there := things(t, s)
		mux, byPath := http.NewServeMux(), map[string]console.Route{}
		for _, r := range console.Table() {
			pattern := r.Method + " /console" + r.Path
			byPath[pattern] = r
			mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
		}
		for _, job := range access.Jobs {
			t.Run(string(job.Role), func(t *testing.T) {
				w := &roleWalk{t: t, role: job.Role, mux: mux, byPath: byPath, seen: map[string]bool{}}
				email := demo.StageEmail
				if job.Role == access.Owner {
					w.person = enter(t, s, email)
				} else {
					w.person, email = hire(t, s, job.Role), string(job.Role)+"@example.com"
				}
				read(t, s, func(tx *db.Tx) error {
					u, err := access.UserByID(tx, email)
					w.caller = u.Caller()
					return err
				})
				for _, r := range console.Table() {
					w.try(r, there)
				}
				for _, path := range pages {
					w.look(path, w.get(t, path))
				}
			})
		}
	})
}

// things are what exists, for the addresses of pages by what they are about.
func things(t *testing.T, s *demo.Stage) map[access.Rows]string {
	t.Helper()
	x := find(t, s)
	all := map[access.Rows]string{access.Orders: x.order, access.Exceptions: x.exception, access.Fulfillments: x.work, access.Accounts: x.account}
	read(t, s, func(tx *db.Tx) error {
		back, err := s.App.Returns.List(tx, returns.Filter{}, "", 1)
		if err != nil {
			return err
		}
		parcels, err := s.App.Dispatch.List(tx, dispatch.Filter{States: []string{dispatch.Issued}}, "", 1)
		all[access.Returns], all[access.Shipments] = back.Items[0].ID, parcels.Items[0].ID
		return err
	})
	return all
}

// try asks for a route, a form with nothing in it and of nothing that exists: it must be refused exactly when the role may not.
func (w *roleWalk) try(r console.Route, there map[access.Rows]string) {
	w.t.Helper()
	if r.Need == "" || r.Need == console.Self || r.Name == "live" && w.may(r) { // the last one does not end
		return
	}
	path := brackets.ReplaceAllStringFunc(strings.TrimSuffix(r.Path, "{$}"), func(name string) string {
		switch {
		case name == "{id}" && r.Method == http.MethodGet && there[r.Rows] != "":
			return there[r.Rows]
		case name == "{sku}":
			return "OC-001"
		case name == "{kind}":
			return "shopify"
		}
		return "none"
	})
	var a answer
	if r.Method == http.MethodGet {
		a = w.get(w.t, "/console"+path)
	} else {
		a = w.post(w.t, "/console"+path, url.Values{})
	}
	if (a.status == http.StatusForbidden) == w.may(r) {
		w.t.Errorf("%s at %s (%s): %d", w.role, r.Name, path, a.status)
	}
	w.look("/console"+path, a)
}

// look follows with the eyes where a page leads: only to what the role may do.
func (w *roleWalk) look(page string, a answer) {
	w.t.Helper()
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		return
	}
	for _, tag := range tags.FindAllString(a.body, -1) {
		for _, m := range leading.FindAllStringSubmatch(tag, -1) {
			method := http.MethodGet
			if m[1] == "hx-post" || m[1] == "data-ask" || m[1] == "action" && strings.Contains(tag, `method="post"`) {
				method = http.MethodPost
			}
			if strings.HasPrefix(m[2], "/console/static/") || w.seen[method+m[2]] {
				continue
			}
			w.seen[method+m[2]] = true
			_, pattern := w.mux.Handler(httptest.NewRequest(method, m[2], nil))
			if r, known := w.byPath[pattern]; !known {
				w.t.Errorf("%s at %s is led to %s %s, which there is not", w.role, page, method, m[2])
			} else if !w.may(r) {
				w.t.Errorf("%s at %s is shown %s, which only %s may", w.role, page, m[2], r.Need)
			}
		}
	}
}
