package console

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/money"
)

//go:embed *.html
var pageFiles embed.FS

// shared are the templates every page may use.
var shared = []string{"layout.html", "parts.html"}

// loadPages parses every page together with the shared templates.
func loadPages(a *assets) map[string]*template.Template {
	funcs := template.FuncMap{"asset": a.path, "icon": icon, "dict": dict}
	base := template.Must(template.New("base").Funcs(funcs).ParseFS(pageFiles, shared...))
	files, err := pageFiles.ReadDir(".")
	if err != nil {
		panic(err)
	}
	pages := map[string]*template.Template{}
	for _, f := range files {
		if f.Name() == shared[0] || f.Name() == shared[1] {
			continue
		}
		pages[strings.TrimSuffix(f.Name(), path.Ext(f.Name()))] = template.Must(template.Must(base.Clone()).ParseFS(pageFiles, f.Name()))
	}
	return pages
}

// dict passes several values to a template: names and values in turn.
func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok {
			m[name] = pairs[i+1]
		}
	}
	return m
}

// sheet is what a template gets: the visit with what it offers to pages, and the page's own data.
type sheet struct {
	*visit
	Title string
	Name  string
	Data  any
}

// page answers with a whole page; its title is a phrase.
func (v *visit) page(name, title string, data any, args ...any) error {
	return v.render(name, "layout", sheet{v, v.T(title, args...), name, data})
}

// part answers with one block of a page.
func (v *visit) part(name, block string, data any) error {
	return v.render(name, block, sheet{v, "", name, data})
}

func (v *visit) render(name, block string, s sheet) error {
	if block == "layout" {
		v.flash = v.take()
	}
	var out bytes.Buffer
	if err := v.pages[name].ExecuteTemplate(&out, block, s); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Language.Code)
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	if v.status != 0 {
		v.w.WriteHeader(v.status)
	}
	if v.r.Method == http.MethodHead {
		return nil
	}
	if _, err := out.WriteTo(v.w); err != nil {
		v.Log.Debug("answer not written", "err", err)
	}
	return nil
}

// With is the sheet with other data, for a template of a part.
func (s sheet) With(data any) sheet {
	s.Data = data
	return s
}

// May reports whether the person may use a route, so that what is not allowed is not shown.
func (s sheet) May(route string) bool { return s.allowed(s.who, route) }

// Form is the hidden field that shows a form to be ours.
func (s sheet) Form() template.HTML {
	if s.session.ID == "" {
		return ""
	}
	return template.HTML(`<input type="hidden" name="csrf" value="` + template.HTMLEscapeString(s.session.CSRF) + `">`) //nolint:gosec // escaped
}

// SignedIn reports whether somebody is.
func (s sheet) SignedIn() bool { return s.session.ID != "" }

// Who is the person's name.
func (s sheet) Who() string { return s.who.Name }

// Lang is the language of the page.
func (s sheet) Lang() string { return s.Language.Code }

// Theme is how the page is to look.
func (s sheet) Theme() string { return s.theme }

// Themes and Tongues are what can be chosen.
func (s sheet) Themes() []string { return themes }

// Tongues are the languages that can be chosen.
func (s sheet) Tongues() []Language { return Languages }

// Flash is what was just done, or nil.
func (s sheet) Flash() *flash { return s.flash }

// Here is the address of the page.
func (s sheet) Here() string { return s.r.URL.RequestURI() }

// Origin is where this server is, as the browser sees it.
func (s sheet) Origin() string {
	if s.secure() {
		return "https://" + s.r.Host
	}
	return "http://" + s.r.Host
}

// Path is the address without what is asked.
func (s sheet) Path() string { return s.r.URL.Path }

// Zone is the zone exact times are shown in.
func (s sheet) Zone() string { return s.zone.String() }

// Money shows an amount as the person's language writes it, in one direction.
func (s sheet) Money(a money.Amount) template.HTML {
	if a.IsNone() {
		return "–"
	}
	return template.HTML(`<bdi class="money">` + template.HTMLEscapeString(a.Format(s.Locale)) + `</bdi>`) //nolint:gosec // escaped
}

// Code shows a number or id that people compare and copy: always left to right.
func (s sheet) Code(text string) template.HTML {
	if text == "" {
		return "–"
	}
	return template.HTML(`<bdi class="code" dir="ltr">` + template.HTMLEscapeString(text) + `</bdi>`) //nolint:gosec // escaped
}

// Pretty is JSON with line breaks, for the eye.
func (s sheet) Pretty(raw json.RawMessage) string {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return string(raw)
	}
	return out.String()
}

// Link is this page's address with one value changed; a change drops the place in the list.
func (s sheet) Link(name, value string) string {
	q := s.r.URL.Query()
	q.Del("after")
	q.Set(name, value)
	if value == "" {
		q.Del(name)
	}
	if len(q) == 0 {
		return s.r.URL.Path
	}
	return s.r.URL.Path + "?" + q.Encode()
}

// ListsOne reports whether the list is cut down to one cause, so that rows can be selected for one thing to do.
func (s sheet) ListsOne() bool { return s.r.URL.Query().Get("cause") != "" && s.May("case.do") }
