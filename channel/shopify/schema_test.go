package shopify

import (
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
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
	operations := operationNames(t)
	for _, version := range versions {
		schema := schemaOf(t, version)
		for _, operation := range operations {
			t.Run(version+"/"+operation, func(t *testing.T) {
				t.Parallel()
				text, err := document(operation, version)
				if err != nil {
					t.Fatal(err)
				}
				doc, errs := gqlparser.LoadQueryWithRules(schema, text, nil)
				if errs != nil {
					t.Fatal(errs)
				}
				if len(doc.Operations) != 1 || doc.Operations[0].Name != operation {
					t.Fatalf("must hold one operation %s", operation)
				}
				if n := points(doc.Operations[0]); n > maxPoints {
					t.Errorf("costs up to %d points", n)
				}
			})
		}
	}
}

// operationNames are the names of all documents, those of old versions left out.
func operationNames(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(documents, "graphql/*.graphql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var all []string
	for _, file := range files {
		if name := strings.TrimSuffix(path.Base(file), ".graphql"); !strings.Contains(name, "_") {
			all = append(all, name)
		}
	}
	return all
}

// schemaOf is Shopify's schema of a version: the simulator's, or for versions older than it speaks the one in testdata/schema, cut down in the same way.
func schemaOf(t *testing.T, version string) *ast.Schema {
	t.Helper()
	if slices.Contains(simshop.Versions(), version) {
		schema, err := simshop.Schema(version)
		if err != nil {
			t.Fatal(err)
		}
		return schema
	}
	packed, err := os.Open("testdata/schema/admin_" + version + ".graphql.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	plain, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: version, Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	return schema
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
