package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// owners reads who may write which table out of the test that holds it, house_test.go, so that there is one list.
func owners(root string) (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "house_test.go"), nil, 0)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || spec.Names[0].Name != "owners" || len(spec.Values) != 1 {
			return true
		}
		if lit, ok := spec.Values[0].(*ast.CompositeLit); ok {
			for _, e := range lit.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					all[unquote(kv.Key)] = unquote(kv.Value)
				}
			}
		}
		return false
	})
	if len(all) == 0 {
		return nil, errors.New("house_test.go has no list of owners")
	}
	return all, nil
}

func unquote(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok {
		if s, err := strconv.Unquote(lit.Value); err == nil {
			return s
		}
	}
	return ""
}

// table is a table as the migrations make it.
type table struct {
	name, owner string
	columns     []string
	rules       []string
}

var (
	tableText  = regexp.MustCompile(`(?ms)^create table (\w+) \((.*?)^\);`)
	columnText = regexp.MustCompile(`^\s{2}(\w+) (key|identity|bigint|text|boolean|bytea)\b(.*)$`)
	ruleText   = regexp.MustCompile(`^\s{2}(?:constraint \w+ )?((?:primary key|unique|check) \(.*?),?$`)
	addedText  = regexp.MustCompile(`(?m)^alter table (\w+) add column (\w+) (\w+)(.*)$`)
)

// tables reads the tables of the migrations, in their order.
func tables(root string) ([]table, error) {
	own, err := owners(root)
	if err != nil {
		return nil, err
	}
	text, err := migrations()
	if err != nil {
		return nil, err
	}
	var all []table
	for _, m := range tableText.FindAllStringSubmatch(text, -1) {
		t := table{name: m[1], owner: own[m[1]]}
		for line := range strings.SplitSeq(m[2], "\n") {
			if r := ruleText.FindStringSubmatch(line); r != nil {
				t.rules = append(t.rules, "`"+r[1]+"`")
			} else if c := columnText.FindStringSubmatch(line); c != nil {
				name := c[1]
				if !strings.Contains(c[3], "not null") && !strings.Contains(c[3], "primary key") && c[2] != "identity" {
					name += "?"
				}
				t.columns = append(t.columns, name)
			}
		}
		all = append(all, t)
	}
	for _, m := range addedText.FindAllStringSubmatch(text, -1) {
		if i := slices.IndexFunc(all, func(t table) bool { return t.name == m[1] }); i >= 0 {
			name := m[2]
			if !strings.Contains(m[4], "not null") {
				name += "?"
			}
			all[i].columns = append(all[i].columns, name)
		}
	}
	return all, nil
}

// tablePages is docs/tables.md.
func tablePages(root string) ([]page, error) {
	all, err := tables(root)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString(header + "# Tables\n\nOne package writes each table; a test reads every SQL text in the code and holds it. Columns that may be null end in a question mark. Times are microseconds since 1970 in UTC, " +
		"money is minor units beside a currency, ids are time-ordered UUIDs. The migrations are in `platform/db/migrate`.\n")
	var list []string
	by := map[string][]table{}
	for _, t := range all {
		if by[t.owner] == nil {
			list = append(list, t.owner)
		}
		by[t.owner] = append(by[t.owner], t)
	}
	slices.Sort(list)
	for _, owner := range list {
		fmt.Fprintf(&b, "\n## %s\n\n| Table | Columns | Rules |\n|---|---|---|\n", owner)
		for _, t := range by[owner] {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", t.name, strings.Join(t.columns, ", "), strings.Join(t.rules, "<br>"))
		}
	}
	return []page{{"docs/tables.md", []byte(b.String())}}, nil
}
