package console

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/exception"
)

var inPage = regexp.MustCompile(`\.T "((?:[^"\\]|\\.)*)"`)

// phrases are all the console says, as far as it is known before it runs.
func phrases(t *testing.T) []string {
	t.Helper()
	all := map[string]bool{}
	files, err := filepath.Glob("*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inPage.FindAllStringSubmatch(string(text), -1) {
			all[m[1]] = true
		}
	}
	for _, more := range []map[string]string{labels, fixTitles, fieldNames, leafKinds} {
		for _, v := range more {
			all[v] = true
		}
	}
	for k, v := range titles {
		all[v], all[tries[k]] = true, true
	}
	for _, d := range desks {
		all[d.Title] = true
	}
	for _, s := range steps {
		all[s.title] = true
	}
	for _, p := range rawParts {
		all[p.title] = true
	}
	for _, s := range orderTabs {
		all[s.title], all[s.start] = true, true
	}
	for _, d := range orderDeeds {
		all[d.title], all[d.said] = true, true
	}
	for _, r := range rules {
		all[r.title] = true
	}
	for _, w := range waits {
		all[w] = true
	}
	for _, d := range dueTimes {
		all[d.title] = true
	}
	for _, p := range purposes {
		all[p] = true
	}
	for _, f := range changeFields {
		all[f.Title] = true
	}
	for _, a := range workActs {
		all[a.said] = true
	}
	for _, c := range exception.Causes {
		all[c.Title], all[c.Explain], all[c.Resolves] = true, true, true
		for _, a := range c.Actions {
			all[a.Title] = true
		}
	}
	for _, j := range access.Jobs {
		all[j.Title], all[j.Text] = true, true
	}
	for _, h := range order.Holds {
		all[h.Title] = true
	}
	said(t, all)
	must, _ := serviceSays(t)
	maps.Copy(all, must)
	delete(all, "")
	return slices.Sorted(maps.Keys(all))
}

// sources are the files of a pattern, parsed, but for tests.
func sources(t *testing.T, pattern string) map[string]*ast.File {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %d files", pattern, err, len(files))
	}
	all := map[string]*ast.File{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		if all[f], err = parser.ParseFile(token.NewFileSet(), f, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// said finds phrases in the source: what T and page are called with, and what deeds answer.
func said(t *testing.T, all map[string]bool) {
	t.Helper()
	for f, parsed := range sources(t, "*.go") {
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.CallExpr:
				sel, ok := x.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				at := map[string]int{"T": 0, "page": 1}
				if i, is := at[sel.Sel.Name]; is && len(x.Args) > i {
					literal(x.Args[i], all)
				}
			case *ast.ReturnStmt:
				if f == "case_act.go" && len(x.Results) == 2 {
					literal(x.Results[0], all)
				}
			case *ast.CompositeLit: // {catalog.Unmapped, "Waiting"}
				if f == "listings.go" && len(x.Elts) == 2 {
					literal(x.Elts[1], all)
				}
			}
			return true
		})
	}
}

func literal(e ast.Expr, all map[string]bool) {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if s, err := strconv.Unquote(lit.Value); err == nil {
			all[s] = true
		}
	}
}

func langFile(t *testing.T, name string) (m map[string]map[string]string) {
	t.Helper()
	text, err := langFiles.ReadFile("lang/" + name)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sameValues reports whether two phrases say the same values, by their order or by their numbers.
func sameValues(english, other string) bool {
	want, got, next := anyVerb.FindAllString(english, -1), map[int]string{}, 0
	for _, v := range anyVerb.FindAllString(other, -1) {
		if len(v) > 3 && v[1] == '[' {
			next = int(v[2] - '1')
			v = "%" + v[4:]
		}
		got[next] = v
		next++
	}
	for i, v := range want {
		if got[i] != v {
			return false
		}
	}
	return len(want) == len(got)
}

// TestPhrases holds that every phrase is there in every language, with the same values in the same order.
func TestPhrases(t *testing.T) {
	t.Parallel()
	w := loadWords()
	known := phrases(t)
	_, may := serviceSays(t)
	elsewhere := langFile(t, "causes.json")       // those of causes are written where causes are: one that goes there may stay a while here
	if path := os.Getenv("PHRASES"); path != "" { // for whoever translates: what is missing, one a line
		var missing []string
		for _, p := range known {
			if w["ur"][p] == "" || w["ar"][p] == "" {
				missing = append(missing, p)
			}
		}
		if err := os.WriteFile(path, []byte(strings.Join(missing, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range Languages[1:] {
		t.Run(l.Code, func(t *testing.T) {
			t.Parallel()
			for _, p := range known {
				got := w[l.Code][p]
				if got == "" {
					t.Errorf("%q is not said in %s", p, l.Code)
				} else if !sameValues(p, got) {
					t.Errorf("%q says other values in %s: %q", p, l.Code, got)
				}
			}
			for p := range w[l.Code] {
				if !slices.Contains(known, p) && elsewhere[p] == nil && !may[p] {
					t.Errorf("nobody says %q any more", p)
				}
			}
		})
	}
}
