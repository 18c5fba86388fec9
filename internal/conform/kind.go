package conform

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openclaw-pos/commerce/kernel/partner"
)

// Settings checks that each declared setting can be asked for: named once, explained, with a default that passes its own check.
func Settings(tb testing.TB, all []partner.Setting) {
	tb.Helper()
	seen := map[string]bool{}
	for _, s := range all {
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
}

// NoFloat reads the Go files of a folder, tests excepted, for floating point. Where a float is not spelled out, in a decoder that makes float64 of
// numbers, only a case with big numbers finds it.
func NoFloat(tb testing.TB, dir string) {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no Go files in %s", dir)
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
