package main

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurity finds a control of SECURITY.md whose test is gone, and a row that names none.
func TestSecurity(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				there[filepath.ToSlash(s.pkg)+": "+f.Name.Name] = true
			}
		}
	}
	_, table, ok := strings.Cut(string(text), "## Controls")
	table, _, ok2 := strings.Cut(table, "\n## ")
	if !ok || !ok2 {
		t.Fatal("SECURITY.md has no table of controls")
	}
	named := regexp.MustCompile("`([^`]+: Test[^`]+)`")
	rows := 0
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Control ") {
			continue
		}
		rows++
		tests := named.FindAllStringSubmatch(line, -1)
		if len(tests) == 0 {
			t.Errorf("no test holds: %s", line)
		}
		for _, m := range tests {
			if !there[m[1]] {
				t.Errorf("%s is named in SECURITY.md and does not exist", m[1])
			}
		}
	}
	if rows < 25 {
		t.Errorf("only %d controls", rows)
	}
}
