package console

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	partners "github.com/openclaw-pos/commerce/channel/all"
	"github.com/openclaw-pos/commerce/courier"
	couriers "github.com/openclaw-pos/commerce/courier/all"
	gateways "github.com/openclaw-pos/commerce/gateway/all"
)

// heard are the packages whose messages a clerk meets: every one of them is said in every language. Those of other packages may be.
var heard = []string{
	"app", "channel/daraz", "channel/iop", "channel/ownsite", "channel/shopify", "commerce/catalog", "commerce/company", "commerce/connect", "commerce/dispatch", "commerce/fulfillment",
	"commerce/inventory", "commerce/order", "commerce/payment", "commerce/returns", "courier", "courier/manual", "gateway/cod", "kernel/state", "platform/access", "platform/audit", "platform/exception",
	"platform/httpclient", "platform/jobs", "platform/sheet", "web/console",
}

// takers are calls that take a text for a person: in which argument, by the name of what is called.
var takers = map[string]int{"fault.New": 1, "fault.Wrap": 2, "fault.Field": 1, "fault.Wait": 1, "exception.Clear": 2, "v.broken": 2, "w.waits": 0, "w.disagrees": 0}

// holders are fields and variables that hold one.
var holders = []string{"why", "Why", "off", "detail", "Message", "passwordHint", "For", "Note"}

// speakers are functions that return one.
var speakers = []string{"reason", "priceDoubt", "noteOf"}

// sourceSays finds what a package says to people, as phrases with values, by reading it.
func sourceSays(t *testing.T, dir string, all map[string]bool) {
	t.Helper()
	for _, parsed := range sources(t, "../../"+dir+"/*.go") {
		ast.Inspect(parsed, func(n ast.Node) bool {
			for _, e := range spoken(n) {
				if s := phraseOf(e); letters(s) >= fewest {
					all[s] = true
				}
			}
			return true
		})
	}
}

// spoken are the expressions of a node that become a text for a person.
func spoken(n ast.Node) (out []ast.Expr) {
	switch x := n.(type) {
	case *ast.CallExpr:
		if i, is := takers[nameOf(x.Fun)]; is && len(x.Args) > i {
			return x.Args[i : i+1]
		}
	case *ast.KeyValueExpr:
		if slices.Contains(holders, nameOf(x.Key)) || strings.HasPrefix(nameOf(x.Key), "passed") {
			return []ast.Expr{x.Value}
		}
	case *ast.AssignStmt:
		for i, to := range x.Lhs {
			if name := nameOf(to); len(x.Rhs) == len(x.Lhs) && slices.Contains(holders, name[strings.LastIndex(name, ".")+1:]) {
				out = append(out, x.Rhs[i])
			}
		}
	case *ast.ValueSpec:
		for i, name := range x.Names {
			if i >= len(x.Values) || !slices.Contains(holders, name.Name) {
				continue
			}
			out = append(out, x.Values[i])
			if many, ok := x.Values[i].(*ast.CompositeLit); ok {
				for _, e := range many.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						out = append(out, kv.Value)
					}
				}
			}
		}
	case *ast.CompositeLit: // raised{"stale_status", "line 1: …"}
		if nameOf(x.Type) == "raised" && len(x.Elts) == 2 {
			return x.Elts[1:]
		}
	case *ast.FuncDecl:
		if slices.Contains(speakers, x.Name.Name) {
			ast.Inspect(x.Body, func(n ast.Node) bool {
				if r, ok := n.(*ast.ReturnStmt); ok {
					out = append(out, r.Results...)
				}
				return true
			})
		}
	}
	return out
}

func nameOf(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		if id, ok := x.X.(*ast.Ident); ok {
			return id.Name + "." + x.Sel.Name
		}
		return "." + x.Sel.Name
	}
	return ""
}

// phraseOf is the phrase an expression makes, with a verb for what is not known before; "" for no text at all.
func phraseOf(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(x.Value); err == nil && x.Kind == token.STRING {
			return s
		}
	case *ast.ParenExpr:
		return phraseOf(x.X)
	case *ast.BinaryExpr:
		if x.Op == token.ADD {
			return phraseOf(x.X) + phraseOf(x.Y)
		}
	case *ast.CallExpr:
		if nameOf(x.Fun) == "fmt.Sprintf" && len(x.Args) > 0 {
			return phraseOf(x.Args[0])
		}
		return "%s"
	case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr:
		return "%s"
	}
	return ""
}

func letters(s string) (n int) {
	for _, r := range anyVerb.ReplaceAllString(s, "") {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			n++
		}
	}
	return n
}

// settingTexts are titles and explanations of what adapters ask for.
func settingTexts() (all []string) {
	for _, k := range partners.Kinds {
		for _, s := range k.Settings {
			all = append(all, s.Title, s.Help)
		}
	}
	for _, k := range couriers.Kinds {
		for _, s := range k.Settings {
			all = append(all, s.Title, s.Help)
		}
	}
	for _, k := range gateways.Kinds {
		for _, s := range k.Settings {
			all = append(all, s.Title, s.Help)
		}
	}
	return append(all, "Own web shop")
}

// serviceSays is all that services say to a clerk: what must be there, and what may be.
func serviceSays(t *testing.T) (must, may map[string]bool) {
	t.Helper()
	must, may = map[string]bool{}, map[string]bool{}
	for _, dir := range heard {
		sourceSays(t, dir, must)
	}
	for _, dir := range []string{"channel", "channel/demo", "commerce/policy", "courier/demo", "gateway/demo", "kernel/money", "platform/audit", "platform/outbox", "platform/privacy", "pos/openclaw"} {
		sourceSays(t, dir, may)
	}
	for _, s := range settingTexts() {
		must[s] = true
	}
	for _, m := range []map[string]string{fields, factTitles} {
		for _, s := range m {
			must[s] = true
		}
	}
	return must, may
}

// TestSay holds how what services say comes to people.
func TestSay(t *testing.T) {
	t.Parallel()
	w := words{"en": {}, "ur": {
		"there is no order %s": "آرڈر %s نہیں ہے", "order %s is on hold: %s": "آرڈر %s روکا ہوا ہے: %s", "%d of %d units are there": "%[2]d میں سے %[1]d ہیں", "the buyer asks at the channel": "خریدار نے پوچھا",
		"Quantity": "تعداد", "must not be negative": "منفی نہ ہو", "Requested": "درخواست", "return %s is %s": "واپسی %s: %s", "%q is no SKU": "%q کوئی SKU نہیں", "%s %s": "%s %s",
	}}
	ur := tongue{Language: Languages[1], phrases: w["ur"], sayings: w.sayings()}
	for said, want := range map[string]string{
		"the buyer asks at the channel":                   "خریدار نے پوچھا",
		"there is no order PK-1":                          "آرڈر <bdi>PK-1</bdi> نہیں ہے",
		"order PK-1 is on hold: there is no order PK-2":   "آرڈر <bdi>PK-1</bdi> روکا ہوا ہے: آرڈر <bdi>PK-2</bdi> نہیں ہے",
		"order PK-1 is on hold: call <b>Ali</b> first":    `آرڈر <bdi>PK-1</bdi> روکا ہوا ہے: <bdi lang="en">call &lt;b&gt;Ali&lt;/b&gt; first</bdi>`,
		"3 of 12 units are there":                         "<bdi>12</bdi> میں سے <bdi>3</bdi> ہیں",
		"x of 12 units are there":                         `<bdi lang="en">x of 12 units are there</bdi>`,
		"quantity: must not be negative":                  "تعداد: منفی نہ ہو",
		"lines[2].quantity: must not be negative":         "تعداد <bdi>lines[2].quantity</bdi>: منفی نہ ہو",
		"settings.shop: must not be negative":             "<bdi>settings.shop</bdi>: منفی نہ ہو",
		"return R-1 is requested":                         "واپسی <bdi>R-1</bdi>: <bdi>درخواست</bdi>",
		`"A \"1\"" is no SKU`:                             `<bdi>A &#34;1&#34;</bdi> کوئی SKU نہیں`,
		"there is no order PK-1; the buyer asks for more": `آرڈر <bdi>PK-1</bdi> نہیں ہے; <bdi lang="en">the buyer asks for more</bdi>`,
		"two words":            `<bdi lang="en">two words</bdi>`,
		"گاہک سے بات ہوئی":     "<bdi>گاہک سے بات ہوئی</bdi>",
		"Not: ours":            `<bdi lang="en">Not: ours</bdi>`,
		"note: nobody says so": `<bdi lang="en">note: nobody says so</bdi>`,
	} {
		if diff := cmp.Diff(want, ur.say(said)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", said, diff)
		}
	}
	en := tongue{Language: Languages[0]}
	if got := en.say("there is no order <PK-1>"); got != "<bdi>there is no order &lt;PK-1&gt;</bdi>" {
		t.Errorf("in English: %s", got)
	}
}

// TestWordsOfCouriers holds that what couriers report has a name.
func TestWordsOfCouriers(t *testing.T) {
	t.Parallel()
	for _, m := range courier.Meanings() {
		if labels[string(m.Status)] == "" {
			t.Errorf("the status %s has no label", m.Status)
		}
	}
}

// TestFactTitles holds that every fact that a case may carry has a title.
func TestFactTitles(t *testing.T) {
	t.Parallel()
	found := map[string]string{}
	for _, pattern := range []string{"../../app/*.go", "../../app/demo/*.go", "../../commerce/*/*.go", "../../platform/*/*.go"} {
		for f, parsed := range sources(t, pattern) {
			for _, d := range parsed.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
					factsOf(fn.Body, func(name string) { found[name] = f })
				}
			}
		}
	}
	if len(found) < 40 {
		t.Errorf("only %d facts were found: look whether cases are still raised so", len(found))
	}
	for name, at := range found {
		if factTitles[name] == "" {
			t.Errorf("the fact %q, of %s, has no title", name, at)
		}
	}
}

// factsOf finds what the cases that a function raises carry: what their Detail is made of, there or before.
func factsOf(body *ast.BlockStmt, found func(name string)) {
	raises := false
	ast.Inspect(body, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		raises = raises || nameOf(lit.Type) == "exception.Case"
		for _, e := range lit.Elts { // also of those in a list, whose type is the list's
			if kv, ok := e.(*ast.KeyValueExpr); ok && nameOf(lit.Type) != "audit.Entry" && nameOf(kv.Key) == "Detail" {
				if m, ok := kv.Value.(*ast.CompositeLit); ok && (nameOf(lit.Type) == "exception.Case" || lit.Type == nil) {
					keysOf(m, found)
				}
			}
		}
		return true
	})
	if !raises {
		return
	}
	ast.Inspect(body, func(n ast.Node) bool {
		set, ok := n.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, to := range set.Lhs {
			if at, ok := to.(*ast.IndexExpr); ok && nameOf(at.X) == "detail" {
				keyOf(at.Index, found)
			}
			if m, ok := set.Rhs[min(i, len(set.Rhs)-1)].(*ast.CompositeLit); ok && nameOf(to) == "detail" {
				keysOf(m, found)
			}
		}
		return true
	})
}

func keysOf(m *ast.CompositeLit, found func(name string)) {
	for _, e := range m.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			keyOf(kv.Key, found)
		}
	}
}

func keyOf(e ast.Expr, found func(name string)) {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if name, err := strconv.Unquote(lit.Value); err == nil {
			found(name)
		}
	}
}
