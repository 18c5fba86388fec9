package shopify

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	simshop "github.com/openclaw-pos/commerce/sim/shopify"
)

// maxPoints is what Shopify lets a single query cost. https://shopify.dev/docs/api/usage/limits
const maxPoints = 1000

// TestDocuments holds every query and mutation against Shopify's own schema of every version it is sent to, and under the cost of a single query.
func TestDocuments(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(documents, "graphql/*.graphql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "graphql/"), ".graphql")
		operation, until, old := strings.Cut(name, "_")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := documents.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, version := range simshop.Versions() {
				if old && version > until {
					continue
				}
				schema, err := simshop.Schema(version)
				if err != nil {
					t.Fatal(err)
				}
				doc, errs := gqlparser.LoadQuery(schema, string(text))
				if errs != nil {
					t.Errorf("%s: %v", version, errs)
					continue
				}
				if len(doc.Operations) != 1 || doc.Operations[0].Name != operation {
					t.Errorf("%s must hold one operation %s", file, operation)
				}
				n := points(doc.Operations[0])
				t.Logf("%s: %d points", version, n)
				if n > maxPoints {
					t.Errorf("%s: costs up to %d points", version, n)
				}
			}
		})
	}
}

// points is an upper bound of what Shopify counts: an object one point, a connection or list its members times the page, a mutation ten.
func points(op *ast.OperationDefinition) int {
	n := selection(op.SelectionSet)
	if op.Operation == ast.Mutation {
		n += 10
	}
	return n
}

func selection(set ast.SelectionSet) int {
	sum := 0
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			sum += field(s)
		case *ast.InlineFragment:
			sum += selection(s.SelectionSet)
		case *ast.FragmentSpread:
			sum += selection(s.Definition.SelectionSet)
		}
	}
	return sum
}

func field(f *ast.Field) int {
	switch {
	case len(f.SelectionSet) == 0:
		return 0
	case f.Name == "pageInfo":
		return 0 // part of its connection, which counts one
	}
	return 1 + members(f)*(selection(f.SelectionSet)+memberItself(f))
}

// members is how many things a field holds at most: the page of a connection or list, the ids asked for, else one.
func members(f *ast.Field) int {
	for _, a := range f.Arguments {
		switch a.Name {
		case "first":
			if n, ok := pageSize(a); ok {
				return n
			}
			return maxPoints // a page size that is not written down cannot be bounded
		case "ids":
			if strings.Contains(f.Position.Src.Input, "query Stock(") {
				return itemsPerRead
			}
			return 100
		}
	}
	return 1
}

func pageSize(a *ast.Argument) (int, bool) {
	v, err := a.Value.Value(nil)
	n, ok := v.(int64)
	return int(n), err == nil && ok
}

// memberItself is one where the field is a plain list, whose members are objects of their own; those of a connection are counted by its nodes.
func memberItself(f *ast.Field) int {
	for _, s := range f.SelectionSet {
		if n, ok := s.(*ast.Field); ok && n.Name == "nodes" {
			return 0
		}
	}
	if members(f) > 1 {
		return 1
	}
	return 0
}
