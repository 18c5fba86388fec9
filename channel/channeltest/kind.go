package channeltest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/internal/conform"
)

func (e *env) kindCases() []conform.Case {
	return []conform.Case{
		{Name: "the_kind_describes_itself", Run: e.kindDescribes},
		{Name: "every_setting_is_explained", Run: e.settingsExplained},
		{Name: "every_status_word_has_one_meaning_and_a_source", Run: e.statusesSourced},
		{Name: "no_float_is_parsed", Run: e.noFloat},
		applies("every_recording_names_its_source", e.sourcesNamed, unless(len(e.files) > 0, "no recordings")),
	}
}

var kindName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

func (e *env) kindDescribes(tb testing.TB) {
	k := e.Kind
	if !kindName.MatchString(k.Name) {
		tb.Errorf("name %q is not one lower-case word", k.Name)
	}
	if k.Title == "" || k.Open == nil {
		tb.Error("title and Open are for every kind")
	}
	if u, err := url.Parse(k.Docs); k.Docs != "" && (err != nil || u.Host == "") {
		tb.Errorf("docs %q is no address", k.Docs)
	}
	for _, c := range k.Countries {
		if len(c) != 2 || c != strings.ToUpper(c) {
			tb.Errorf("country %q is not ISO 3166-1 alpha-2", c)
		}
	}
	if e.can.SetStock != (k.Stock != channel.StockNone) {
		tb.Errorf("StockSetter is %v, but Kind.Stock is %v: who sets stock says what the number means", e.can.SetStock, k.Stock)
	}
	if e.can.Pack != (k.Parcels == channel.ParcelTheirs) {
		tb.Errorf("Packer is %v, but Kind.Parcels is %v: a label has one source", e.can.Pack, k.Parcels)
	}
}

func (e *env) settingsExplained(tb testing.TB) {
	seen := map[string]bool{}
	for _, s := range e.Kind.Settings {
		at := "setting " + s.Name
		switch {
		case s.Name == "" || seen[s.Name]:
			tb.Errorf("%s: name is empty or there twice", at)
		case s.Title == "" || s.Help == "":
			tb.Errorf("%s: needs a title and a help sentence", at)
		case s.Secret && s.Default != "":
			tb.Errorf("%s: a secret has no default", at)
		case s.Required && s.Default != "":
			tb.Errorf("%s: required and with a default", at)
		case s.Default != "" && len(s.Options) > 0 && !slices.Contains(s.Options, s.Default):
			tb.Errorf("%s: default %q is not among its options", at, s.Default)
		case s.Default != "" && s.Check != nil && s.Check(s.Default) != nil:
			tb.Errorf("%s: default is refused by its own check: %v", at, s.Check(s.Default))
		}
		seen[s.Name] = true
	}
	for name := range e.Settings {
		if !seen[name] {
			tb.Errorf("the suite sets %s, which the kind does not declare", name)
		}
	}
	for name := range e.Secrets {
		i := slices.IndexFunc(e.Kind.Settings, func(s channel.Setting) bool { return s.Name == name })
		if i < 0 || !e.Kind.Settings[i].Secret {
			tb.Errorf("the suite has a secret %s, which the kind does not declare as one", name)
		}
	}
}

// our are the words that a status table may map to.
var our = []channel.Status{
	channel.Unknown, channel.Unpaid, channel.Held, channel.Open, channel.Packed, channel.Ready, channel.Shipped, channel.Delivered, channel.Completed,
	channel.Cancelled, channel.Failed, channel.Returning, channel.Returned, channel.Lost, channel.Due, channel.Authorized, channel.Paid, channel.PartPaid,
	channel.Refunded, channel.PartRefunded, channel.Voided, channel.Requested, channel.Declined,
}

func (e *env) statusesSourced(tb testing.TB) {
	seen := map[string]bool{}
	for _, row := range e.Kind.Statuses {
		at := fmt.Sprintf("%s %q", row.Axis, row.Theirs)
		if seen[at] {
			tb.Errorf("%s is there twice", at)
		}
		seen[at] = true
		if !slices.Contains([]string{"order", "unit", "payment", "fulfillment", "parcel", "return"}, row.Axis) {
			tb.Errorf("%s: no such axis", at)
		}
		if !slices.Contains(our, row.Ours) {
			tb.Errorf("%s: %q is none of our words", at, row.Ours)
		}
		if row.Source == "" {
			tb.Errorf("%s: where does the fact stand?", at)
		}
	}
}

func (e *env) sourcesNamed(tb testing.TB) {
	for _, r := range e.files {
		if r.Keys["source"] == "" {
			tb.Errorf("%s: source: is missing", r.Path)
		}
		if do := r.do(); do != "" && calls[do].do == nil {
			tb.Errorf("%s: do: %s is none of %v", r.Path, do, Calls())
		}
	}
}

// noFloat reads the adapter's own sources. What is not in the language of its files, a decoder that makes float64 of numbers, is found by the case on big numbers.
func (e *env) noFloat(tb testing.TB) {
	paths, err := filepath.Glob(filepath.Join(e.Source, "*.go"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no Go files in %s", e.Source)
	}
	files := token.NewFileSet()
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			tb.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if ok && slices.Contains([]string{"float32", "float64", "ParseFloat", "Float64", "Float32", "SetFloat64", "FormatFloat"}, id.Name) {
				tb.Errorf("%s: %s", files.Position(id.Pos()), id.Name)
			}
			return true
		})
	}
}
